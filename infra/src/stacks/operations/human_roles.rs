//! Who may work on a stage: for each kind of work a role, and a group whose members may take that role on.
//! Nobody is made here: who is in which group is decided in the account.

use serde_json::{Value, json};
use stratosphere::services::aws::iam;
use stratosphere::value::ExpString;

use crate::routes::{DatabaseRole, FUNCTIONS};
use crate::stacks::load_balancer;
use crate::stacks::permissions::{allow, deny, policy_document};
use crate::stage::Stage;
use crate::template::{Id, Template, arn, logical, sub};

/// The longest session of a role, in seconds: a first deploy, or a removal, takes more than the usual hour.
const SESSION: i32 = 4 * 60 * 60;

pub struct Person {
    /// The kind of work; it also names the role and the group: `anaquel-prod-developer`.
    pub name: &'static str,
    about: &'static str,
    /// A policy that AWS keeps, where it says exactly what is meant.
    by_aws: Option<&'static str>,
    rights: fn(&Stage) -> Vec<Value>,
}

pub const PEOPLE: [Person; 6] = [
    Person {
        name: "cloud-and-server-administrator",
        about: "May do everything, and decides who else may do what",
        by_aws: Some("AdministratorAccess"),
        rights: |_| Vec::new(),
    },
    Person {
        name: "developer",
        about: "Ships single functions and reads their logs and traces",
        // To make Cloud9 environments and use one's own.
        by_aws: Some("AWSCloud9User"),
        rights: developer,
    },
    Person {
        name: "web-and-database-administrator",
        about: "Runs network, database, parameters, functions and load balancer",
        by_aws: None,
        rights: web_and_database_administrator,
    },
    Person {
        name: "storage-support",
        about: "Sees which buckets there are and how they are configured, but no file",
        by_aws: None,
        rights: storage_support,
    },
    Person {
        name: "access-auditor",
        about: "Reads who may do what, and what there is of network and database",
        by_aws: Some("IAMReadOnlyAccess"),
        rights: |_| vec![describe_network_and_database()],
    },
    Person {
        name: "query-user",
        about: "Reads what there is of network and database",
        by_aws: None,
        rights: |_| vec![describe_network_and_database()],
    },
];

pub fn add(template: &mut Template, stage: &Stage) {
    for person in PEOPLE {
        let role = role(template, stage, &person);
        template.add(
            logical(person.name) + "Group",
            iam::Group! {
                group_name: stage.physical(person.name).as_str(),
                policies: vec![iam::group::Policy! {
                    policy_name: "the-role-and-a-second-factor",
                    policy_document: policy_document(&member(role)),
                }],
            },
        );
    }
}

fn role(template: &mut Template, stage: &Stage, person: &Person) -> Id {
    let mut role = iam::Role! {
        role_name: stage.physical(person.name).as_str(),
        description: person.about,
        assume_role_policy_document: whoever_has_a_second_factor(),
        max_session_duration: SESSION,
    };
    role.managed_policy_arns =
        person.by_aws.map(|name| vec![sub(&format!("arn:${{AWS::Partition}}:iam::aws:policy/{name}"))]);
    let rights = (person.rights)(stage);
    if !rights.is_empty() {
        let policy = iam::role::Policy! {
            policy_name: "what-the-work-needs",
            policy_document: policy_document(&rights),
        };
        role.policies = Some(vec![policy]);
    }
    template.add(logical(person.name) + "Role", role)
}

/// The second factor is asked for here, for the sessions of a role do not tell of it any more. That the account is
/// trusted makes nobody's rights larger: whoever takes the role on needs the right to as well, as the group grants it.
fn whoever_has_a_second_factor() -> Value {
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

/// All that a member of a group may do before taking the role on.
fn member(role: Id) -> [Value; 4] {
    // IAM fills in the name of whoever asks.
    let own =
        |thing: &str| sub(&format!("arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:{thing}/${{!aws:username}}"));
    let manage =
        ["iam:EnableMFADevice", "iam:GetMFADevice", "iam:GetUser", "iam:ListMFADevices", "iam:ResyncMFADevice"];
    [
        allow(&["sts:AssumeRole"], role.att("Arn")),
        allow(&["iam:CreateVirtualMFADevice", "iam:DeleteVirtualMFADevice"], own("mfa")),
        allow(&manage, own("user")),
        // Else a stolen key would be enough to exchange it for another.
        only_if(
            allow(&["iam:DeactivateMFADevice"], own("user")),
            json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } }),
        ),
    ]
}

fn developer(stage: &Stage) -> Vec<Value> {
    let ship = [
        "lambda:GetAlias",
        "lambda:GetFunction",
        "lambda:GetFunctionConfiguration",
        "lambda:PublishVersion",
        "lambda:UpdateAlias",
        "lambda:UpdateFunctionCode",
    ];
    let read_logs = ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"];
    // X-Ray knows no traces of one project alone.
    let read_traces = ["xray:BatchGetTraces", "xray:GetServiceGraph", "xray:GetTraceGraph", "xray:GetTraceSummaries"];
    vec![
        allow(&ship, functions(stage)),
        // New code has the old one's rights: those of these reach the e-mail addresses in messages, or the master password.
        deny(&["lambda:*"], writing_functions(stage)),
        allow(&read_logs, arn("logs", &format!("log-group:/aws/lambda/{}", stage.physical("*")))),
        allow(&read_traces, "*"),
        // Takes back what AWS's policy for Cloud9 allows of it.
        deny(&["iam:*"], "*"),
    ]
}

fn web_and_database_administrator(stage: &Stage) -> Vec<Value> {
    let look_around = [
        "elasticloadbalancing:Describe*",
        "lambda:GetAccountSettings",
        "lambda:ListEventSourceMappings",
        "lambda:ListFunctions",
        "rds:Describe*",
        "ssm:DescribeParameters",
    ];
    let feed = [
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:GetEventSourceMapping",
        "lambda:UpdateEventSourceMapping",
    ];
    vec![
        allow(&look_around, "*"),
        // What CloudFormation has made for others, it has tagged with their stack.
        only_if(
            allow(&["ec2:*"], "*"),
            json!({ "StringLikeIfExists": { "aws:ResourceTag/aws:cloudformation:stack-name": stage.physical("*") } }),
        ),
        allow(&["rds:*"], databases(stage)),
        allow(&CHANGE_PARAMETERS, parameters(stage)),
        allow(&["lambda:*"], functions(stage)),
        only_if(allow(&feed, "*"), json!({ "ArnLike": { "lambda:FunctionArn": functions(stage) } })),
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

/// Every action here reads a bucket's configuration; none reads a file or the name of one.
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

fn functions(stage: &Stage) -> ExpString {
    arn("lambda", &format!("function:{}", stage.physical("*")))
}

/// Those that log in to the database to write, or as its administrator.
fn writing_functions(stage: &Stage) -> Vec<ExpString> {
    let writes = [Some(DatabaseRole::Writer), Some(DatabaseRole::Admin)];
    let functions = FUNCTIONS.iter().filter(|function| writes.contains(&function.database));
    functions.map(|function| arn("lambda", &format!("function:{}*", stage.physical(function.name)))).collect()
}

/// The stage's databases and all that hangs on them: CloudFormation begins their names with the stack's.
fn databases(stage: &Stage) -> Vec<ExpString> {
    let ours = ["db", "pg", "snapshot", "snapshot:rds", "subgrp"].map(|kind| format!("{kind}:{}", stage.physical("*")));
    // RDS's own, without which no database is made or restored.
    let given = ["og:default*", "pg:default*"].map(str::to_owned);
    ours.iter().chain(&given).map(|thing| arn("rds", thing)).collect()
}

fn parameters(stage: &Stage) -> [ExpString; 2] {
    ["", "/*"].map(|below| arn("ssm", &format!("parameter{}{below}", stage.prefix())))
}

fn load_balancing(stage: &Stage) -> Vec<ExpString> {
    let balancer = load_balancer::name(stage);
    let parts = ["loadbalancer", "listener", "listener-rule"].map(|part| format!("{part}/app/{balancer}/*"));
    let targets = format!("targetgroup/{}/*", stage.physical("*"));
    parts.iter().chain([&targets]).map(|thing| arn("elasticloadbalancing", thing)).collect()
}

fn only_if(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}
