//! What one function may do on AWS: its row in the route table, spelled as IAM statements.

use serde::Serialize;
use serde_json::{Value, json};

use super::bucket;
use super::wiring::Wiring;
use crate::routes::{Bucket, DatabaseRole, Function, Queue, Trigger};
use crate::stage::Stage;
use crate::template::{Id, arn, sub};

pub fn policy(stage: &Stage, wiring: &Wiring, function: &Function, log_group: Id) -> Value {
    let mut statements = vec![
        allow(&["logs:CreateLogStream", "logs:PutLogEvents"], log_group.att("Arn")),
        allow(&NETWORK_INTERFACES, "*"),
        network_interfaces_are_for_lambda_only(stage, function),
    ];
    if stage.tracing {
        // Lambda sends the traces, with the function's role; X-Ray has nothing that a right could be bound to.
        statements.push(allow(&["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"));
    }
    let parameters = function.parameters(stage);
    if !parameters.is_empty() {
        let arns: Vec<_> = parameters.iter().map(|name| arn("ssm", &format!("parameter{name}"))).collect();
        statements.push(allow(&["ssm:GetParameters"], arns));
    }
    statements.extend(database(wiring, function));
    statements.extend(function.queue.iter().map(|queue| match queue {
        Queue::Send => allow(&["sqs:SendMessage"], wiring.submissions),
        Queue::Look => allow(&["sqs:GetQueueAttributes"], wiring.submissions),
        Queue::Park => allow(&["sqs:SendMessage"], wiring.parked),
    }));
    if let Trigger::Submissions = function.trigger {
        let actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
        statements.push(allow(&actions, wiring.submissions));
    }
    if let Trigger::Imports = function.trigger {
        // With the function's own role, Lambda lays aside there what it gives up.
        statements.push(allow(&["sqs:SendMessage"], wiring.parked));
    }
    if let Some(Bucket::ReadWrite) = function.bucket {
        let objects = bucket::arn(stage, "imports") + "/*";
        statements.push(allow(&["s3:GetObject", "s3:PutObject"], sub(&objects)));
    }
    policy_document(&statements)
}

/// Lambda makes these for every function in a VPC; none of their actions can be bound to a resource.
const NETWORK_INTERFACES: [&str; 6] = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
];

/// The service needs that right, the function's own code does not.
fn network_interfaces_are_for_lambda_only(stage: &Stage, function: &Function) -> Value {
    let itself = arn("lambda", &format!("function:{}", stage.physical(function.name)));
    json!({
        "Effect": "Deny",
        "Action": NETWORK_INTERFACES,
        "Resource": "*",
        "Condition": { "ArnEquals": { "lambda:SourceFunctionArn": itself } },
    })
}

/// On RDS, readers and writers log in with IAM tokens, and the administrator with the managed password.
fn database(wiring: &Wiring, function: &Function) -> Option<Value> {
    let (access, rds) = function.database.zip(wiring.rds)?;
    Some(match access {
        DatabaseRole::Admin => allow(&["secretsmanager:GetSecretValue"], rds.master_secret),
        DatabaseRole::Reader | DatabaseRole::Writer => {
            let user = format!("dbuser:${{{}}}/{}", rds.resource_id.name(), access.user());
            allow(&["rds-db:connect"], arn("rds-db", &user))
        }
    })
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
