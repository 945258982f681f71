//! IAM policy of a function, derived from its row of the route table.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};
use shared::archive::{FOLDERS, folder};
use shared::staff::{PREVIEWED, PREVIEWS};

use super::wiring::Wiring;
use super::{bucket, mail};
use crate::containers::Service;
use crate::routes::{BucketAccess, DatabaseRole, Function, Queue, QueueAccess, Trigger};
use crate::stage::Stage;
use crate::template::{Id, arn, sub};

/// The inline policy of the function's role.
pub fn policy(stage: &Stage, wiring: &Wiring, function: &Function, log_group: Id) -> Value {
    let mut statements = vec![allow(&["logs:CreateLogStream", "logs:PutLogEvents"], log_group.att("Arn"))];
    if function.is_in_network {
        statements.push(allow(&NETWORK_INTERFACES, "*"));
        statements.push(deny_network_interfaces_to_own_code(stage, function));
    }
    if stage.tracing {
        // Lambda sends the traces with the function's role; these actions do not support resource-level permissions.
        statements.push(allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"));
    }
    let parameters = [function.parameters(stage), function.parameters_before(stage)].concat();
    statements.extend(read_parameters(&parameters));
    statements.extend(database(wiring, function));
    statements.extend(function.queue.iter().map(|access| queue(wiring, *access)));
    if let Trigger::Messages(queue) = function.trigger {
        let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        statements.push(allow(&actions, wiring.queue(queue)));
    }
    if let Trigger::Imports | Trigger::Uploads = function.trigger {
        // Lambda sends failed events to their dead-letter queue with the function's role.
        statements.push(allow(&["sqs:SendMessage"], wiring.queue(Queue::ImportDeadLetters)));
    }
    if let Trigger::Imports = function.trigger {
        // The destination until a stage has had a release after the one that brought the other queue; an import may fail
        // during that release.
        statements.push(allow(&["sqs:SendMessage"], wiring.queue(Queue::DeadLetters)));
    }
    if let Some(settings) = stage.mail.as_ref().filter(|_| function.mail) {
        statements.extend(mail::permissions(stage, settings));
    }
    if let Some(pool) = wiring.customers.filter(|_| function.deletes_accounts) {
        statements.push(allow(
            &["cognito-idp:AdminDeleteUser"],
            arn("cognito-idp", &format!("userpool/${{{}}}", pool.name())),
        ));
    }
    statements.extend(function.buckets.iter().flat_map(|access| objects(stage, *access)));
    policy_document(&statements)
}

/// The inline policy of the role of a service's tasks: what its functions may do, each permission once.
pub fn of_service(stage: &Stage, wiring: &Wiring, service: Service) -> Value {
    let parameters = service
        .functions()
        .flat_map(|function| [function.parameters(stage), function.parameters_before(stage)].concat());
    let parameters: BTreeSet<String> = parameters.collect();
    let mut statements = Vec::from_iter(read_parameters(&Vec::from_iter(parameters)));
    for function in service.functions() {
        let queues = function.queue.iter().map(|access| queue(wiring, *access));
        let buckets = function.buckets.iter().flat_map(|access| objects(stage, *access));
        for statement in database(wiring, function).into_iter().chain(queues).chain(buckets) {
            if !statements.contains(&statement) {
                statements.push(statement);
            }
        }
    }
    policy_document(&statements)
}

fn read_parameters(names: &[String]) -> Option<Value> {
    let arns: Vec<_> = names.iter().map(|name| arn("ssm", &format!("parameter{name}"))).collect();
    (!arns.is_empty()).then(|| allow(&["ssm:GetParameters"], arns))
}

fn queue(wiring: &Wiring, access: QueueAccess) -> Value {
    let action = match access {
        QueueAccess::Send(_) => "sqs:SendMessage",
        QueueAccess::Inspect(_) => "sqs:GetQueueAttributes",
        QueueAccess::Delay(_) => "sqs:ChangeMessageVisibility",
    };
    allow(&[action], wiring.queue(access.queue()))
}

/// Lambda calls these for every function in a VPC; they do not support resource-level permissions.
const NETWORK_INTERFACES: [&str; 6] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
];

/// Lambda needs the permission, the function's own code does not.
fn deny_network_interfaces_to_own_code(stage: &Stage, function: &Function) -> Value {
    let own_arn = arn("lambda", &format!("function:{}", stage.physical(function.name)));
    json!({
        "Effect": "Deny",
        "Action": NETWORK_INTERFACES,
        "Resource": "*",
        "Condition": { "ArnEquals": { "lambda:SourceFunctionArn": own_arn } },
    })
}

/// Login on RDS: readers and writers use IAM tokens, the administrator the password in Secrets Manager. Readers of replicas log in
/// there too.
fn database(wiring: &Wiring, function: &Function) -> Option<Value> {
    let (access, rds) = function.database.zip(wiring.rds.as_ref())?;
    if access == DatabaseRole::Admin {
        return Some(allow(&["secretsmanager:GetSecretValue"], rds.master_secret));
    }
    let at =
        |instance: Id, role: DatabaseRole| arn("rds-db", &format!("dbuser:${{{}}}/{}", instance.name(), role.user()));
    let replicas = rds.replicas.iter().filter(|_| function.reads_replicas).map(|replica| at(*replica, access));
    let before = function.database_before.map(|before| at(rds.resource_id, before));
    let mut users: Vec<_> = [at(rds.resource_id, access)].into_iter().chain(before).chain(replicas).collect();
    Some(match users.len() {
        1 => allow(&["rds-db:connect"], users.remove(0)),
        _ => allow(&["rds-db:connect"], users),
    })
}

/// Access to objects. What one function writes, another reads: nobody checks what it has uploaded itself.
fn objects(stage: &Stage, access: BucketAccess) -> Vec<Value> {
    let in_imports = |keys: &str| sub(&format!("{}/{keys}*", bucket::arn(stage, "imports")));
    let in_files = |folder: &str| sub(&format!("{}/{folder}/*", bucket::arn(stage, "files")));
    let in_archive = |folder: &str| sub(&format!("{}/{folder}/*", bucket::arn(stage, "archive")));
    match access {
        BucketAccess::Imports => {
            vec![allow(&["s3:GetObject", "s3:PutObject"], in_imports(""))]
        }
        BucketAccess::PreviewImports => vec![
            allow(&["s3:GetObject"], in_imports(PREVIEWS)),
            allow(&["s3:PutObject"], [PREVIEWS, PREVIEWED].map(in_imports)),
        ],
        BucketAccess::CheckUploads => vec![
            allow(&["s3:GetObject"], in_files("uploads")),
            allow(&["s3:PutObject"], ["checked", "results"].map(in_files)),
            // Without it, S3 denies an upload that has expired, in place of reporting that: a redriven event would fail again.
            allow(&["s3:ListBucket"], sub(&bucket::arn(stage, "files"))),
        ],
        BucketAccess::ServeCovers => vec![
            allow(&["s3:GetObject"], in_files("covers")),
            // Without it, S3 denies a cover that does not exist, in place of reporting that.
            allow(&["s3:ListBucket"], sub(&bucket::arn(stage, "files"))),
        ],
        BucketAccess::Archive(queue) => vec![allow(&["s3:PutObject"], in_archive(folder(queue).expect("a folder")))],
        BucketAccess::EraseArchived => vec![
            allow(&["s3:ListBucketVersions"], sub(&bucket::arn(stage, "archive"))),
            allow(&["s3:DeleteObjectVersion"], FOLDERS.map(|(_, folder)| in_archive(folder))),
        ],
        // S3 compares a link with the permissions of who signed it.
        BucketAccess::LinkSamples => vec![allow(&["s3:GetObject"], in_files("samples"))],
        BucketAccess::PermitUploads => vec![
            allow(&["s3:PutObject"], ["covers", "samples", "uploads"].map(in_files)),
            allow(&["s3:GetObject"], ["checked", "results"].map(in_files)),
            allow(&["s3:DeleteObject"], ["covers", "samples"].map(in_files)),
            // Without it, S3 denies a result that does not exist yet, in place of reporting that.
            allow(&["s3:ListBucket"], sub(&bucket::arn(stage, "files"))),
        ],
    }
}

pub fn policy_document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

pub fn allow(actions: &[&str], resource: impl Serialize) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

pub fn deny(actions: &[&str], resource: impl Serialize) -> Value {
    json!({ "Effect": "Deny", "Action": actions, "Resource": resource })
}
