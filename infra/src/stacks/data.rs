//! The data stack: MariaDB, the user pools, the queues, their SSM parameters, and the buckets for access logs, for decided
//! messages and for the page that CloudFront shows while the load balancer is away.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use shared::parameters::Parameter;
use stratosphere::services::aws::{iam, rds, secretsmanager, sqs};
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString};

use super::instance::{Instance, LOGS, MONITORING_SECONDS, logs};
use super::{Kind, Stack, access_logs, accounts, archive, mail, only_over_tls, parameter, replicas, unavailable_page};
use crate::database_settings::settings;
use crate::routes::{DatabaseRole, Queue};
use crate::stage::{MasterPassword, Rds, Restore, Server, Stage};
use crate::template::{Id, RemovalPolicy, Template, arn, list, sub};

/// SQS's maximum message retention: 14 days.
const RETENTION_SECONDS: i32 = 14 * 24 * 60 * 60;
pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Data, "database, user pools, queues, parameters and access logs");
    stack.protect = stage.protect;

    let (host, port) = match &stage.database.server {
        Server::Rds(server) => {
            let instance = database(&mut stack, stage, server);
            replicas::add(&mut stack.template, stage, server, &instance);
            let database = instance.id;
            let (host, port) = (database.att("Endpoint.Address"), database.att("Endpoint.Port"));
            stack.template.output("DatabaseHost", host.clone());
            stack.template.output("DatabasePort", port.clone());
            (host, port)
        }
        Server::External(server) => {
            if stage.database.replicas > 0 {
                let replicas = server.replicas(stage.database.replicas);
                parameter(&mut stack.template, stage, Parameter::DatabaseReplicas, replicas.as_str());
            }
            (server.host.as_str().into(), server.port.to_string().as_str().into())
        }
    };
    let template = &mut stack.template;
    parameter(template, stage, Parameter::DatabaseHost, host);
    parameter(template, stage, Parameter::DatabasePort, port);
    parameter(template, stage, Parameter::DatabaseName, stage.database.name());
    parameter(template, stage, Parameter::DatabaseAuth, stage.database.auth().as_str());
    for role in DatabaseRole::ALL {
        parameter(template, stage, Parameter::DatabaseUser(role), role.user().as_str());
    }

    let bounces = queues(template, stage)[&Queue::Bounces];
    let sending = stage.mail.as_ref().map(|settings| mail::add(template, stage, settings, bounces));
    access_logs::add(template, stage);
    archive::add(template, stage);
    if !stage.is_local() {
        unavailable_page::add(template, stage);
    }
    accounts::add_pools(&mut stack, stage, sending.as_ref());
    stack
}

/// Adds the RDS instance. RDS creates the administrator; the migration creates the other users.
fn database(stack: &mut Stack, stage: &Stage, server: &Rds) -> Instance {
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
            // A change of the description would replace the group.
            description: "How Anaquel configures MariaDB",
            family: server.family().as_str(),
            parameters: parameters,
        },
    );

    // An explicit name, because the log groups contain it. Each generation has a different one.
    let name = stage.physical(&server.instance());
    let logs = logs(template, stage, "database", &name);
    let monitoring_role = monitoring_role(template);
    let delete_backups = !stage.protect;
    let rds_keeps_password = server.master_password == MasterPassword::Rds;
    let database = template.add(
        "Database",
        rds::DBInstance! {
            db_instance_identifier: name.as_str(),
            engine: "mariadb",
            engine_version: server.engine_version.as_str(),
            // CloudFormation requires this for a change of `engine_version` to another major version; by itself it installs none.
            allow_major_version_upgrade: true,
            auto_minor_version_upgrade: true,
            db_instance_class: server.class.as_str(),
            multi_az: server.multi_az,
            allocated_storage: server.storage_gb.to_string().as_str(),
            max_allocated_storage: server.max_storage_gb,
            storage_type: "gp3",
            storage_encrypted: true,
            backup_retention_period: server.backup_days,
            delete_automated_backups: delete_backups,
            copy_tags_to_snapshot: true,
            db_name: stage.database.name(),
            db_parameter_group_name: parameter_group,
            db_subnet_group_name: subnet_group,
            vpc_security_groups: list([group]),
            publicly_accessible: false,
            // The functions carry the root certificates of this authority.
            ca_certificate_identifier: "rds-ca-rsa2048-g1",
            enable_iam_database_authentication: true,
            manage_master_user_password: rds_keeps_password,
            master_username: DatabaseRole::Admin.user().as_str(),
            enable_cloudwatch_logs_exports: list(LOGS),
            enable_performance_insights: server.has_insights(),
            monitoring_interval: MONITORING_SECONDS,
            monitoring_role_arn: monitoring_role.att("Arn"),
        },
    );
    template.set(database.name(), "DeletionProtection", json!(protection));
    // The documentation of the type allows a prefix of the version, and drift detection compares prefixes:
    // <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-rds-dbinstance.html>.
    for rule in ["E3691", "E9006"] {
        template.suppress(database, rule, "The rule lists versions with their patch, which RDS chooses here.");
    }
    template.set_removal_policy(database, RemovalPolicy::Snapshot);
    for log in logs {
        template.add_dependency(database, log);
    }
    if !server.multi_az {
        template.suppress(database, "CKV_AWS_157", "The stage disables the standby, which would double the price.");
    }
    if let Some(restore) = &server.restore {
        restore_from(template, database, restore);
    }

    let secret: ExpString = match server.master_password {
        MasterPassword::Rds => database.att("MasterUserSecret.SecretArn"),
        MasterPassword::Own => own_password(template, database).into(),
    };
    parameter(template, stage, Parameter::MasterSecret, secret.clone());
    template.output("MasterLoginArn", secret);
    template.output("DatabaseName", database);
    template.output("DatabaseResourceId", database.att("DbiResourceId"));
    Instance { id: database, parameter_group, group, monitoring_role }
}

/// Adds a secret with a password for the administrator, in the form that RDS's own secret has, and sets it. CloudFormation
/// resolves the reference when it creates the instance, and no template or output contains the password.
fn own_password(template: &mut Template, database: Id) -> Id {
    let secret = template.add(
        "MasterLogin",
        secretsmanager::Secret! {
            description: "The administrator of the database",
            generate_secret_string: secretsmanager::secret::GenerateSecretString! {
                secret_string_template: json!({ "username": DatabaseRole::Admin.user() }).to_string().as_str(),
                generate_string_key: "password",
                // RDS allows 41 characters, and not all punctuation.
                password_length: 40,
                exclude_punctuation: true,
            },
        },
    );
    let reason = "Secrets Manager encrypts with its own key, and a customer key for 1 USD a month would restrict no access that IAM allows.";
    template.suppress(secret, "CKV_AWS_149", reason);
    let password = format!("{{{{resolve:secretsmanager:${{{}}}:SecretString:password}}}}", secret.name());
    template.set(database.name(), "MasterUserPassword", json!({ "Fn::Sub": password }));
    secret
}

/// Makes the instance a restore. RDS rejects the properties that come from the backup, so they are removed.
fn restore_from(template: &mut Template, database: Id, restore: &Restore) {
    for property in ["DBName", "MasterUsername", "StorageEncrypted"] {
        template.set(database.name(), property, Value::Null);
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

/// The role for RDS Enhanced Monitoring, which reports the operating system's memory, load and disk.
fn monitoring_role(template: &mut Template) -> Id {
    template.add(
        "DatabaseMonitorRole",
        iam::Role! {
            description: "RDS Enhanced Monitoring of the database instance",
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

/// The output with the queue's ARN.
pub fn arn_output(queue: Queue) -> &'static str {
    match queue {
        Queue::Submissions => "SubmissionsQueueArn",
        Queue::DeadLetters => "ParkedQueueArn",
        Queue::Orders => "OrdersQueueArn",
        Queue::OrderDeadLetters => "OrdersParkedQueueArn",
        Queue::Mails => "MailsQueueArn",
        Queue::MailDeadLetters => "MailsParkedQueueArn",
        Queue::Bounces => "BouncesQueueArn",
        Queue::BounceDeadLetters => "BouncesParkedQueueArn",
        Queue::Erasures => "ErasuresQueueArn",
        Queue::ErasureDeadLetters => "ErasuresParkedQueueArn",
        Queue::ImportDeadLetters => "ImportsParkedQueueArn",
    }
}

/// Adds the queues, each with its dead-letter queue, and returns those that are no dead-letter queues.
fn queues(template: &mut Template, stage: &Stage) -> BTreeMap<Queue, Id> {
    let mut sources = BTreeMap::new();
    for source in Queue::ALL {
        let Some(dead_letters) = source.dead_letters() else { continue };
        let dead_letters = dead_letter_queue(template, stage, source, dead_letters);
        let added = source_queue(template, stage, source, dead_letters);
        if source == Queue::Submissions {
            template.output("SubmissionsQueueUrl", added);
        }
        sources.insert(source, added);
    }
    let mut imports = queue_of(stage, Queue::ImportDeadLetters);
    // Lambda sends to it; it is the dead-letter queue of no other queue.
    imports.redrive_allow_policy = Some(json!({ "redrivePermission": "denyAll" }));
    add_queue(template, stage, Queue::ImportDeadLetters, imports);
    sources
}

fn dead_letter_queue(template: &mut Template, stage: &Stage, source: Queue, queue: Queue) -> Id {
    // By name, because the source refers to this queue.
    let source = arn("sqs", &stage.physical(source.name()));
    let mut dead_letters = queue_of(stage, queue);
    dead_letters.redrive_allow_policy = Some(json!({ "redrivePermission": "byQueue", "sourceQueueArns": [source] }));
    add_queue(template, stage, queue, dead_letters)
}

fn source_queue(template: &mut Template, stage: &Stage, queue: Queue, dead_letters: Id) -> Id {
    let (visibility, receives) = stage.retries(queue);
    let mut source = queue_of(stage, queue);
    source.visibility_timeout = Some(visibility.into());
    source.redrive_policy =
        Some(json!({ "deadLetterTargetArn": dead_letters.att("Arn"), "maxReceiveCount": receives }));
    add_queue(template, stage, queue, source)
}

fn queue_of(stage: &Stage, queue: Queue) -> sqs::Queue_ {
    let mut properties = sqs::Queue! {
        queue_name: stage.physical(queue.name()).as_str(),
        message_retention_period: RETENTION_SECONDS,
        sqs_managed_sse_enabled: true,
    };
    if queue.is_fifo() {
        // High throughput: limits and deduplication for each group, not for the queue.
        properties.fifo_queue = Some(true.into());
        properties.deduplication_scope = Some("messageGroup".into());
        properties.fifo_throughput_limit = Some("perMessageGroupId".into());
        // The schedule sends no deduplication id, and EventBridge Scheduler requires this of its target.
        properties.content_based_deduplication = Some(true.into());
    }
    properties
}

fn add_queue(template: &mut Template, stage: &Stage, queue: Queue, properties: sqs::Queue_) -> Id {
    let output = arn_output(queue);
    let id = output.strip_suffix("Arn").expect("the name of an output with an ARN");
    let added = template.add(id, properties);
    template.suppress(added, "CKV_AWS_27", "SQS encrypts with its own key, which checkov does not accept.");
    let mut policy_document = only_over_tls("sqs:*", added.att("Arn"));
    if queue == Queue::Bounces && stage.mail.is_some() {
        let statements = policy_document["Statement"].as_array_mut().expect("statements");
        statements.push(mail::may_deliver(stage, added));
    }
    let policy = sqs::QueuePolicy! {
        queues: list([added]),
        policy_document: policy_document,
    };
    template.add(format!("{id}Policy"), policy);
    parameter(template, stage, Parameter::Queue(queue), added);
    template.output(output, added.att("Arn"));
    added
}
