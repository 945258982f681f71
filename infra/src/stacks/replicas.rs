//! Read replicas of the RDS instance, and their parameter. A replica holds nothing that the primary lacks, so it has neither
//! backups nor a snapshot at its end.

use shared::parameters::Parameter;
use stratosphere::services::aws::rds;

use super::instance::{Instance, LOGS, MONITORING_SECONDS, logs};
use super::parameter;
use crate::stage::{Rds, Stage};
use crate::template::{Id, RemovalPolicy, Template, list, sub};

/// The output with the replicas' addresses.
pub const ENDPOINTS: &str = "DatabaseReplicas";

/// Beginning of the logical ids of replicas.
pub const PREFIX: &str = "DatabaseReplica";

/// The output with the identifier of a replica.
pub fn name_output(number: u16) -> String {
    format!("{PREFIX}{number}Name")
}

/// The output with RDS's immutable id of a replica, which IAM policies use.
pub fn resource_id_output(number: u16) -> String {
    format!("{PREFIX}{number}ResourceId")
}

/// Adds the replicas that the stage has.
pub(super) fn add(template: &mut Template, stage: &Stage, server: &Rds, primary: &Instance) {
    let mut endpoints = Vec::new();
    for number in 1..=stage.database.replicas {
        let replica = replica(template, stage, server, primary, number);
        template.output(name_output(number), replica);
        template.output(resource_id_output(number), replica.att("DbiResourceId"));
        endpoints.push(format!("${{{0}.Endpoint.Address}}:${{{0}.Endpoint.Port}}", replica.name()));
    }
    if !endpoints.is_empty() {
        let endpoints = sub(&endpoints.join(","));
        template.output(ENDPOINTS, endpoints.clone());
        parameter(template, stage, Parameter::DatabaseReplicas, endpoints);
    }
}

/// Subnets, encryption, administrator and version follow from the primary; RDS refuses or ignores them here:
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstanceReadReplica.html>.
fn replica(template: &mut Template, stage: &Stage, server: &Rds, primary: &Instance, number: u16) -> Id {
    let id = format!("{PREFIX}{number}");
    let name = stage.physical(&server.replica(number));
    let logs = logs(template, stage, &format!("database-replica-{number}"), &name);
    let replica = template.add(
        id,
        rds::DBInstance! {
            db_instance_identifier: name.as_str(),
            source_db_instance_identifier: primary.id,
            db_instance_class: server.class.as_str(),
            auto_minor_version_upgrade: true,
            multi_az: false,
            max_allocated_storage: server.max_storage_gb,
            storage_type: "gp3",
            copy_tags_to_snapshot: true,
            db_parameter_group_name: primary.parameter_group,
            vpc_security_groups: list([primary.group]),
            publicly_accessible: false,
            ca_certificate_identifier: "rds-ca-rsa2048-g1",
            enable_iam_database_authentication: true,
            enable_cloudwatch_logs_exports: list(LOGS),
            enable_performance_insights: server.has_insights(),
            monitoring_interval: MONITORING_SECONDS,
            monitoring_role_arn: primary.monitoring_role.att("Arn"),
        },
    );
    let copy = "A replica holds nothing that the primary lacks, and takes its encryption from it.";
    for rule in ["CKV_AWS_16", "CKV_AWS_133", "CKV_AWS_157", "CKV_AWS_293"] {
        template.suppress(replica, rule, copy);
    }
    template.set_removal_policy(replica, RemovalPolicy::Delete);
    for log in logs {
        template.add_dependency(replica, log);
    }
    replica
}
