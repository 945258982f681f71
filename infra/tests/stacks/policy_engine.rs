//! Evaluation of IAM policies with the emulator's policy engine, and ARNs for its cases.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::resolved_template::{ACCOUNT, DATABASE_ID};
use super::support::python;

pub fn arn(service: &str, resource: &str) -> String {
    format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{resource}")
}

pub fn parameter(stage: &str, name: &str) -> String {
    arn("ssm", &format!("parameter/anaquel/{stage}/{name}"))
}

pub fn queue(stage: &str, name: &str) -> String {
    arn("sqs", &format!("anaquel-{stage}-{name}"))
}

pub fn bucket(stage: &str, purpose: &str) -> String {
    format!("arn:aws:s3:::anaquel-{stage}-{purpose}-{ACCOUNT}-us-east-1")
}

pub fn login(user: &str) -> String {
    login_at(DATABASE_ID, user)
}

pub fn login_at(instance: &str, user: &str) -> String {
    arn("rds-db", &format!("dbuser:{instance}/{user}"))
}

pub fn function_arn(stage: &str, function: &str) -> String {
    arn("lambda", &format!("function:anaquel-{stage}-{function}"))
}

pub fn log_group(stage: &str, function: &str) -> String {
    arn("logs", &format!("log-group:/aws/lambda/anaquel-{stage}-{function}"))
}

pub fn log_stream(stage: &str, function: &str) -> String {
    log_group(stage, function) + ":log-stream:2026/11/24/[7]0123"
}

pub fn target_group(stage: &str, function: &str) -> String {
    arn("elasticloadbalancing", &format!("targetgroup/anaquel-{stage}-{function}/73e2d6bc24d8a067"))
}

/// The session of an assumed role.
pub fn session(role: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{role}")
}

/// `Allow` or `Deny`, action and resource.
pub type Decision = (String, String, String);

pub fn decision(effect: &str, action: &str, resource: &str) -> Decision {
    (effect.to_owned(), action.to_owned(), resource.to_owned())
}

/// A policy and a caller; `of` is `role` for identity policies, or `resource` for a resource policy.
pub fn case(of: &str, policy: &Value, caller: &str, context: &Value) -> Value {
    json!({ "of": of, "policy": policy, "caller": caller, "context": context, "tls": true })
}

/// The explicit decisions of each case, for every action on every resource. Everything else is denied implicitly.
pub fn evaluate(cases: &[Value], actions: &BTreeSet<String>, resources: &BTreeSet<String>) -> Vec<BTreeSet<Decision>> {
    let request = json!({
        "account": ACCOUNT,
        "region": "us-east-1",
        "actions": actions,
        "resources": resources,
        "cases": cases,
    });
    serde_json::from_value(python("policy_engine.py", &request)).expect("decisions of each case")
}
