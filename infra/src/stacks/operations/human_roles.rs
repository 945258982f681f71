//! IAM roles for the people who work on a stage: for each kind of work a role, and a group whose members can assume it.
//! Users are not created here; the account assigns them to groups.

use std::iter;

use serde_json::{Value, json};
use stratosphere::services::aws::iam;
use stratosphere::value::ExpString;

use crate::routes::{DatabaseRole, FUNCTIONS};
use crate::stacks::load_balancer;
use crate::stacks::permissions::{allow, deny, policy_document};
use crate::stage::Stage;
use crate::template::{Id, Template, arn, logical_id, sub};

/// Maximum session duration of a role in seconds: a first deploy or a removal can take more than the default hour.
const SESSION_SECONDS: i32 = 4 * 60 * 60;

/// An IAM role for one kind of work, and the group whose members can assume it.
pub struct HumanRole {
    /// Last part of the names of role and group: `anaquel-prod-developer`.
    pub name: &'static str,
    about: &'static str,
    /// An AWS managed policy of the role.
    managed_policy: Option<&'static str>,
    /// Statements of the role's own policy.
    permissions: fn(&Stage) -> Vec<Value>,
}

/// All human roles of a stage with `operations`.
pub const HUMAN_ROLES: [HumanRole; 6] = [
    HumanRole {
        name: "cloud-and-server-administrator",
        about: "Has all permissions and assigns those of others",
        managed_policy: Some("AdministratorAccess"),
        permissions: |_| Vec::new(),
    },
    HumanRole {
        name: "developer",
        about: "Deploys single functions and reads their logs and traces",
        // Permissions to create Cloud9 environments and to use one's own.
        managed_policy: Some("AWSCloud9User"),
        permissions: developer,
    },
    HumanRole {
        name: "web-and-database-administrator",
        about: "Operates network, database, parameters, functions and load balancer",
        managed_policy: None,
        permissions: web_and_database_administrator,
    },
    HumanRole {
        name: "storage-support",
        about: "Lists buckets and reads their configuration, but no objects",
        managed_policy: None,
        permissions: storage_support,
    },
    HumanRole {
        name: "access-auditor",
        about: "Reads permissions, and describes network and database",
        managed_policy: Some("IAMReadOnlyAccess"),
        permissions: |_| vec![describe_network_and_database()],
    },
    HumanRole {
        name: "query-user",
        about: "Describes network and database",
        managed_policy: None,
        permissions: |_| vec![describe_network_and_database()],
    },
];

/// Adds all roles and groups.
pub fn add(template: &mut Template, stage: &Stage) {
    for human_role in HUMAN_ROLES {
        let role = role(template, stage, &human_role);
        template.add(
            logical_id(human_role.name) + "Group",
            iam::Group! {
                group_name: stage.physical(human_role.name).as_str(),
                policies: vec![iam::group::Policy! {
                    policy_name: "assume-role-and-manage-mfa",
                    policy_document: policy_document(&member_statements(role)),
                }],
            },
        );
    }
}

fn role(template: &mut Template, stage: &Stage, human_role: &HumanRole) -> Id {
    let mut role = iam::Role! {
        role_name: stage.physical(human_role.name).as_str(),
        description: human_role.about,
        assume_role_policy_document: account_members_with_mfa(),
        max_session_duration: SESSION_SECONDS,
    };
    role.managed_policy_arns =
        human_role.managed_policy.map(|name| vec![sub(&format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}"))]);
    let permissions = (human_role.permissions)(stage);
    if !permissions.is_empty() {
        let policy = iam::role::Policy! {
            policy_name: "role-permissions",
            policy_document: policy_document(&permissions),
        };
        role.policies = Some(vec![policy]);
    }
    template.add(logical_id(human_role.name) + "Role", role)
}

/// Trust policy. It requires the second factor, because the context of an assumed role no longer contains it. Trusting the
/// whole account grants nothing by itself: the caller also needs `sts:AssumeRole`, which the group grants.
fn account_members_with_mfa() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": sub("arn:${AWS::Partition}:iam::${AWS::AccountId}:root") },
            "Action": "sts:AssumeRole",
            "Condition": { "Bool": { "aws:MultiFactorAuthPresent": "true" } },
        }],
    })
}

/// A group member's permissions before assuming the role: to assume it, and to manage the own second factor.
fn member_statements(role: Id) -> [Value; 4] {
    // IAM replaces the policy variable with the caller's user name.
    let own = |kind: &str| sub(&format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{kind}/${{!aws:username}}"));
    let manage =
        ["iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"];
    [
        allow(&["sts:AssumeRole"], role.att("Arn")),
        allow(&["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], own("mfa")),
        allow(&manage, own("user")),
        // Requires the second factor; otherwise a stolen key would be enough to replace it.
        only_if(
            allow(&["iam:DeactivateMFADevice"], own("user")),
            json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }),
        ),
    ]
}

fn developer(stage: &Stage) -> Vec<Value> {
    let deploy = [
        "lambda:GetAlias",
        "lambda:GetFunction",
        "lambda:GetFunctionConfiguration",
        "lambda:PublishVersion",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
    ];
    let read_logs = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"];
    // These actions do not support resource-level permissions.
    let read_traces = ["xray:BatchGetTraces", "xray:GetServiceGraph", "xray:GetTraceGraph", "xray:GetTraceSummaries"];
    vec![
        allow(&deploy, functions(stage)),
        // New code gets the function's permissions, which for these include personal data or the master password.
        deny(&["lambda:*"], functions_with_personal_data(stage)),
        allow(&read_logs, log_groups(stage)),
        allow(&read_traces, "*"),
        // The managed policy for Cloud9 allows some.
        deny(&["iam:*"], "*"),
    ]
}

fn web_and_database_administrator(stage: &Stage) -> Vec<Value> {
    let describe = [
        "elasticloadbalancing:Describe*",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "rds:Describe*",
        "ssm:DescribeParameters",
    ];
    let event_sources = [
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:GetEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
    ];
    vec![
        allow(&describe, "*"),
        // CloudFormation tags the resources of other projects with their stack.
        only_if(
            allow(&["ec2:*"], "*"),
            json!({ "StringLikeIfExists": { "aws:ResourceTag/aws:cloudformation:stack-name": stage.physical("*") } }),
        ),
        allow(&["rds:*"], databases(stage)),
        allow(&CHANGE_PARAMETERS, parameters(stage)),
        allow(&["lambda:*"], functions(stage)),
        only_if(allow(&event_sources, "*"), json!({ "ArnLike": { "lambda:FunctionArn": functions(stage) } })),
        allow(&["elasticloadbalancing:*"], load_balancing(stage)),
    ]
}

const CHANGE_PARAMETERS: [&str; 9] = [
    "ssm:AddTagsToResource",
    "ssm:DeleteParameter",
    "ssm:DeleteParameters",
    "ssm:GetParameter",
    "ssm:GetParameterHistory",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:ListTagsForResource",
    "ssm:PutParameter",
];

/// Every action here reads the configuration of buckets; none reads an object or the name of one.
fn storage_support(_: &Stage) -> Vec<Value> {
    let read_configuration = [
        "s3:GetAccelerateConfiguration",
        "s3:GetAnalyticsConfiguration",
        "s3:GetBucket*",
        "s3:GetEncryptionConfiguration",
        "s3:GetIntelligentTieringConfiguration",
        "s3:GetInventoryConfiguration",
        "s3:GetLifecycleConfiguration",
        "s3:GetMetricsConfiguration",
        "s3:GetReplicationConfiguration",
    ];
    vec![
        allow(&["s3:GetAccountPublicAccessBlock", "s3:ListAllMyBuckets"], "*"),
        allow(&read_configuration, sub("arn:${AWS::Partition}:s3:::*")),
    ]
}

fn describe_network_and_database() -> Value {
    allow(&["ec2:Describe*", "rds:Describe*", "rds:ListTagsForResource"], "*")
}

/// The log groups of functions, and of tasks.
fn log_groups(stage: &Stage) -> Vec<ExpString> {
    let of_tasks = stage.containers.as_ref().map(|_| "ecs");
    let owners = iter::once("aws/lambda").chain(of_tasks);
    owners.map(|owner| arn("logs", &format!("log-group:/{owner}/{}", stage.physical("*")))).collect()
}

fn functions(stage: &Stage) -> ExpString {
    arn("lambda", &format!("function:{}", stage.physical("*")))
}

/// Functions whose code reaches names and addresses of buyers, senders or customers: those that log in to the database other
/// than as the reader of what everybody sees, send mails to buyers, issue sessions, with which anybody is a customer, or delete
/// accounts.
fn functions_with_personal_data(stage: &Stage) -> Vec<ExpString> {
    let is_public = |role: DatabaseRole| role == DatabaseRole::Reader;
    let functions = FUNCTIONS.iter().filter(|function| {
        let changes_accounts = function.issues_sessions || function.deletes_accounts;
        function.mail || changes_accounts || function.database.is_some_and(|role| !is_public(role))
    });
    functions.map(|function| arn("lambda", &format!("function:{}*", stage.physical(function.name)))).collect()
}

/// The stage's RDS resources. Names that CloudFormation generates begin with the stack's name.
fn databases(stage: &Stage) -> Vec<ExpString> {
    let own = ["db", "pg", "snapshot", "snapshot:rds", "subgrp"].map(|kind| format!("{kind}:{}", stage.physical("*")));
    // RDS's default groups, which the creation and the restore of an instance use.
    let defaults = ["og:default*", "pg:default*"].map(str::to_owned);
    own.iter().chain(&defaults).map(|resource| arn("rds", resource)).collect()
}

fn parameters(stage: &Stage) -> [ExpString; 2] {
    ["", "/*"].map(|suffix| arn("ssm", &format!("parameter{}{suffix}", stage.prefix())))
}

fn load_balancing(stage: &Stage) -> Vec<ExpString> {
    let balancer = load_balancer::name(stage);
    let parts = ["loadbalancer", "listener", "listener-rule"].map(|part| format!("{part}/app/{balancer}/*"));
    let targets = format!("targetgroup/{}/*", stage.physical("*"));
    parts.iter().chain([&targets]).map(|resource| arn("elasticloadbalancing", resource)).collect()
}

fn only_if(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}
