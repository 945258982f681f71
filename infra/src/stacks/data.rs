//! What outlives the functions: MariaDB, the queues, the parameters that tell functions of both, and the access logs.

use serde_json::{Map, Value, json};
use shared::parameters::Parameter;
use stratosphere::services::aws::{iam, rds, sqs, ssm};
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString};

use super::{Kind, Stack, access_logs, log_group, only_over_tls};
use crate::database_settings::settings;
use crate::routes::{DatabaseRole, Queue};
use crate::stage::{Rds, Restore, Server, Stage};
use crate::template::{Id, Keep, Template, arn, list, logical, sub};

/// The longest that SQS keeps a message: 14 days.
const RETENTION_SECONDS: i32 = 14 * 24 * 60 * 60;
/// The logs of MariaDB that go to CloudWatch.
const LOGS: [&str; 2] = ["error", "slowquery"];
/// Seconds between two looks at the machine below the database.
const MONITORING_SECONDS: i32 = 60;

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Data, "database, queues, their parameters and access logs");
    stack.protect = stage.protect;

    let (host, port) = match &stage.database.server {
        Server::Rds(server) => {
            let database = database(&mut stack, stage, server);
            let (host, port) = (database.att("Endpoint.Address"), database.att("Endpoint.Port"));
            stack.template.output("DatabaseHost", host.clone());
            stack.template.output("DatabasePort", port.clone());
            (host, port)
        }
        Server::External(server) => (server.host.as_str().into(), server.port.to_string().as_str().into()),
    };
    let template = &mut stack.template;
    parameter(template, stage, Parameter::DatabaseHost, host);
    parameter(template, stage, Parameter::DatabasePort, port);
    parameter(template, stage, Parameter::DatabaseName, stage.database.name());
    parameter(template, stage, Parameter::DatabaseAuth, stage.database.auth().as_str());
    for role in DatabaseRole::ALL {
        parameter(template, stage, Parameter::DatabaseUser(role), role.user().as_str());
    }

    queues(template, stage);
    access_logs::add(template, stage);
    stack
}

/// The migration makes the reader and the writer; RDS makes the administrator and keeps its password.
fn database(stack: &mut Stack, stage: &Stage, server: &Rds) -> Id {
    let subnets = ["DataSubnet1", "DataSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id"));
    let group = stack.input(Kind::Network, "DatabaseGroup", "AWS::EC2::SecurityGroup::Id");
    let protection = stack.deletion_protection();
    let template = &mut stack.template;

    let subnet_group = template.add(
        "DatabaseSubnets",
        rds::DBSubnetGroup! {
            db_subnet_group_description: "The data subnets",
            subnet_ids: list(subnets),
        },
    );
    let parameters: Map<_, _> =
        settings(stage).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let parameter_group = template.add(
        "DatabaseSettings",
        rds::DBParameterGroup! {
            description: "How Anaquel configures MariaDB",
            family: server.family().as_str(),
            parameters: parameters,
        },
    );

    // A name of our own, because its logs have it too. A restored instance has another one.
    let name = stage.physical(&server.instance());
    // RDS would make them too, and keep for ever what slow statements say.
    let logs = LOGS.map(|log| {
        let id = logical(&format!("database-{log}-logs"));
        let group = log_group(template, stage, id, &format!("/aws/rds/instance/{name}/{log}"));
        // Those of the instance before say why it was lost, and while it exists RDS writes to them.
        template.keep_when_replaced(group);
        group
    });
    let monitor = monitor(template);
    let forgettable = !stage.protect;
    let database = template.add(
        "Database",
        rds::DBInstance! {
            db_instance_identifier: name.as_str(),
            engine: "mariadb",
            engine_version: server.engine_version.as_str(),
            // No version but the one above is ever installed by it: CloudFormation changes to another major one only so.
            allow_major_version_upgrade: true,
            auto_minor_version_upgrade: true,
            db_instance_class: server.class.as_str(),
            multi_az: server.multi_az,
            allocated_storage: server.storage_gb.to_string().as_str(),
            max_allocated_storage: server.max_storage_gb,
            storage_type: "gp3",
            storage_encrypted: true,
            backup_retention_period: server.backup_days,
            delete_automated_backups: forgettable,
            copy_tags_to_snapshot: true,
            db_name: stage.database.name(),
            db_parameter_group_name: parameter_group,
            db_subnet_group_name: subnet_group,
            vpc_security_groups: list([group]),
            publicly_accessible: false,
            // The authority whose roots the functions carry.
            ca_certificate_identifier: "rds-ca-rsa2048-g1",
            enable_iam_database_authentication: true,
            manage_master_user_password: true,
            master_username: DatabaseRole::Admin.user().as_str(),
            enable_cloudwatch_logs_exports: list(LOGS),
            enable_performance_insights: server.has_insights(),
            monitoring_interval: MONITORING_SECONDS,
            monitoring_role_arn: monitor.att("Arn"),
        },
    );
    template.set(database.name(), "DeletionProtection", json!(protection));
    // The type's own documentation takes a prefix, and compares prefixes for drift:
    // <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html>.
    for rule in ["E3691", "E9006"] {
        template.excuse(database, rule, "It lists versions with their patch, and here RDS chooses the patch.");
    }
    template.keep(database, Keep::Snapshot);
    for log in logs {
        template.after(database, log);
    }
    if !server.multi_az {
        template.excuse(database, "CKV_AWS_157", "The stage says so: a standby in another zone doubles the price.");
    }
    if let Some(restore) = &server.restore {
        begin_with_a_backup(template, database, restore);
    }

    let secret = database.att("MasterUserSecret.SecretArn");
    parameter(template, stage, Parameter::MasterSecret, secret.clone());
    template.output("MasterLoginArn", secret);
    template.output("DatabaseName", database);
    template.output("DatabaseResourceId", database.att("DbiResourceId"));
    database
}

/// What a backup brings with it, RDS does not want to be told again.
fn begin_with_a_backup(template: &mut Template, database: Id, restore: &Restore) {
    for brought in ["DBName", "MasterUsername", "StorageEncrypted"] {
        template.set(database.name(), brought, Value::Null);
    }
    match restore {
        Restore::Snapshot(name) => template.set(database.name(), "DBSnapshotIdentifier", json!(name)),
        Restore::Instance { name, at } => {
            template.set(database.name(), "SourceDBInstanceIdentifier", json!(name));
            template.set(database.name(), "RestoreTime", json!(at));
        }
        Restore::AutomatedBackups { resource_id, at } => {
            template.set(database.name(), "SourceDbiResourceId", json!(resource_id));
            template.set(database.name(), "RestoreTime", json!(at));
        }
    }
}

/// What RDS is while it reports on the database's machine: memory, load and disk as the system sees them.
fn monitor(template: &mut Template) -> Id {
    template.add(
        "DatabaseMonitorRole",
        iam::Role! {
            description: "RDS reports on the database's machine",
            assume_role_policy_document: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "monitoring.rds.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                    "Condition": { "StringEquals": { "aws:SourceAccount": AWS_ACCOUNT_ID } },
                }],
            }),
            managed_policy_arns: list([sub(
                "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
            )]),
        },
    )
}

/// Submissions, and where those rest that cannot be processed.
fn queues(template: &mut Template, stage: &Stage) {
    let submissions = stage.physical("submissions");
    let parked = template.add(
        "ParkedQueue",
        sqs::Queue! {
            queue_name: stage.physical("parked").as_str(),
            message_retention_period: RETENTION_SECONDS,
            sqs_managed_sse_enabled: true,
            // By name, because the queue of submissions refers to this one.
            redrive_allow_policy: json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn("sqs", &submissions)] }),
        },
    );
    let submissions = template.add(
        "SubmissionsQueue",
        sqs::Queue! {
            queue_name: submissions.as_str(),
            message_retention_period: RETENTION_SECONDS,
            sqs_managed_sse_enabled: true,
            visibility_timeout: stage.submissions.visibility_seconds,
            redrive_policy: json!({
                "deadLetterTargetArn": parked.att("Arn"),
                "maxReceiveCount": stage.submissions.max_receives,
            }),
        },
    );

    for (name, queue, right) in [("Submissions", submissions, Queue::Send), ("Parked", parked, Queue::Park)] {
        template.excuse(queue, "CKV_AWS_27", "SQS encrypts with a key of its own, which checkov does not count.");
        let policy = sqs::QueuePolicy! {
            queues: list([queue]),
            policy_document: only_over_tls("sqs:*", queue.att("Arn")),
        };
        template.add(format!("{name}QueuePolicy"), policy);
        parameter(template, stage, right.parameter(), queue);
        template.output(format!("{name}QueueArn"), queue.att("Arn"));
        if right == Queue::Send {
            template.output(format!("{name}QueueUrl"), queue);
        }
    }
}

/// A parameter in plain text. Secrets are put by `deploy` and `up`: CloudFormation cannot make a SecureString.
fn parameter(template: &mut Template, stage: &Stage, parameter: Parameter, value: impl Into<ExpString>) {
    let id = logical(parameter.path()) + "Parameter";
    template.add(
        id,
        ssm::Parameter! {
            name: format!("{}/{parameter}", stage.prefix()).as_str(),
            r#type: "String",
            value: value,
        },
    );
}
