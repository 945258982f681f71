//! What IAM policies allow and deny, asked of the emulator's policy engine, and the names of what they are asked about.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::resolved_template::{ACCOUNT, DATABASE_ID};
use super::support::python;

pub fn arn(service: &str, thing: &str) -> String {
    format!("arn:aws:{service}:us-east-1:{ACCOUNT}:{thing}")
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
    arn("rds-db", &format!("dbuser:{DATABASE_ID}/{user}"))
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

/// A role, taken on.
pub fn session(role: &str) -> String {
    format!("arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{role}")
}

/// Decision, action and resource.
pub type Answer = (String, String, String);

pub fn answer(decision: &str, action: &str, resource: &str) -> Answer {
    (decision.to_owned(), action.to_owned(), resource.to_owned())
}

/// A policy and who asks: `of` a role, or of a resource which says whom it admits.
pub fn case(of: &str, policy: &Value, caller: &str, context: &Value) -> Value {
    json!({ "of": of, "policy": policy, "caller": caller, "context": context, "tls": true })
}

/// What the policy engine allows or denies in so many words, for each case.
pub fn evaluate(cases: &[Value], actions: &BTreeSet<String>, resources: &BTreeSet<String>) -> Vec<BTreeSet<Answer>> {
    let asked = json!({
        "account": ACCOUNT,
        "region": "us-east-1",
        "actions": actions,
        "resources": resources,
        "cases": cases,
    });
    serde_json::from_value(python("policy_engine.py", &asked)).expect("answers to each case")
}
