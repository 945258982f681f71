//! Who may do what, as a table in the words of the plan: people by their roles, functions by theirs.
//!
//! The policy engine is asked about every row; and about roles with a right too many or one too few, which the table
//! has to tell from the right ones. `cargo bookstore test everybody_may -- --nocapture` shows it.

use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};

use super::policy_engine::{
    answer, arn, bucket, case, evaluate, function_arn, log_group, log_stream, login, parameter, queue, session,
    target_group,
};
use super::resolved_template::{ACCOUNT, MASTER_SECRET, ResolvedTemplates};
use super::support::stage;
use infra::routes::FUNCTIONS;
use infra::stacks::Kind;
use infra::stacks::operations::human_roles::HUMAN_ROLES;
use infra::stage::STAGES;
use infra::template::logical_id;

const ADMINISTRATOR: &str = "cloud-and-server-administrator";
const DEVELOPER: &str = "developer";
const WEB_AND_DATABASE: &str = "web-and-database-administrator";
const STORAGE: &str = "storage-support";
const AUDITOR: &str = "access-auditor";
const QUERY: &str = "query-user";

/// One question, and what the plan answers.
#[derive(Clone)]
struct Row {
    /// A role of people, or a function.
    who: &'static str,
    action: &'static str,
    resource: String,
    /// What AWS tells of the request besides.
    context: Value,
    may: bool,
}

fn may(who: &'static str, action: &'static str, resource: impl Into<String>) -> Row {
    Row { who, action, resource: resource.into(), context: json!({}), may: true }
}

fn may_not(who: &'static str, action: &'static str, resource: impl Into<String>) -> Row {
    Row { may: false, ..may(who, action, resource) }
}

impl Row {
    fn given(mut self, key: &str, value: &str) -> Self {
        self.context[key] = value.into();
        self
    }

    /// The resource was made by a CloudFormation stack.
    fn of_stack(self, stack: &str) -> Self {
        self.given("aws:ResourceTag/aws:cloudformation:stack-name", stack)
    }

    fn case(&self, policies: &[Value]) -> Value {
        let mut case = case("role", &policies.into(), &session(self.who), &self.context);
        case["actions"] = json!([self.action]);
        case["resources"] = json!([self.resource]);
        case
    }
}

fn database(name: &str) -> String {
    arn("rds", &format!("db:{name}-data-database-x1y2z3"))
}

fn security_group() -> String {
    arn("ec2", "security-group/sg-0a1b2c3d")
}

fn of_iam(thing: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{thing}")
}

/// A role of people.
fn role(stage: &str, person: &str) -> String {
    of_iam(&format!("role/anaquel-{stage}-{person}"))
}

fn load_balancing(kind: &str, name: &str) -> String {
    arn("elasticloadbalancing", &format!("{kind}/app/{name}/50dc6c495c0c9188"))
}

/// The other stage on AWS, which may well be in the same account.
fn other(stage: &str) -> &'static str {
    if stage == "dev" { "prod" } else { "dev" }
}

fn table(stage: &str) -> Vec<Row> {
    [
        administrator(stage),
        developer(stage),
        no_work_of_developers(stage),
        web_and_database_administrator(stage),
        no_work_of_web_and_database_administrators(stage),
        storage_support(stage),
        access_auditor(stage),
        query_user(stage),
        functions(stage),
        nobody_but_the_administrator(stage),
    ]
    .concat()
}

fn administrator(stage: &str) -> Vec<Row> {
    vec![
        may(
            ADMINISTRATOR,
            "cloudformation:UpdateStack",
            arn("cloudformation", &format!("stack/anaquel-{stage}-app/1")),
        ),
        may(ADMINISTRATOR, "iam:CreateUser", of_iam("user/ana")),
        may(ADMINISTRATOR, "iam:AddUserToGroup", of_iam(&format!("group/anaquel-{stage}-developer"))),
        may(ADMINISTRATOR, "iam:PassRole", of_iam("role/any")),
        may(ADMINISTRATOR, "ec2:RunInstances", arn("ec2", "instance/*")),
        may(ADMINISTRATOR, "secretsmanager:GetSecretValue", MASTER_SECRET),
        may(ADMINISTRATOR, "lambda:InvokeFunction", function_arn(stage, "run-staff-task")),
        may(ADMINISTRATOR, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
    ]
}

/// What `cargo lambda deploy` asks of AWS, logs, traces, and an environment in Cloud9.
fn developer(stage: &str) -> Vec<Row> {
    let show_book = &function_arn(stage, "show-book");
    let logs = log_group(stage, "show-book") + ":*";
    vec![
        may(DEVELOPER, "lambda:GetFunction", show_book),
        may(DEVELOPER, "lambda:GetFunctionConfiguration", format!("{show_book}:live")),
        may(DEVELOPER, "lambda:UpdateFunctionCode", show_book),
        may(DEVELOPER, "lambda:PublishVersion", show_book),
        may(DEVELOPER, "lambda:GetAlias", format!("{show_book}:live")),
        may(DEVELOPER, "lambda:UpdateAlias", format!("{show_book}:live")),
        may(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "submit-rating")),
        may(DEVELOPER, "logs:DescribeLogStreams", &logs),
        may(DEVELOPER, "logs:FilterLogEvents", &logs),
        may(DEVELOPER, "logs:GetLogEvents", log_stream(stage, "show-book")),
        may(DEVELOPER, "xray:GetTraceSummaries", "*"),
        may(DEVELOPER, "xray:BatchGetTraces", "*"),
        may(DEVELOPER, "cloud9:CreateEnvironmentEC2", "*"),
        may(DEVELOPER, "ec2:DescribeSubnets", "*"),
    ]
}

fn no_work_of_developers(stage: &str) -> Vec<Row> {
    let show_book = &function_arn(stage, "show-book");
    let migration = &function_arn(stage, "migrate-database");
    vec![
        may_not(DEVELOPER, "lambda:UpdateFunctionCode", arn("lambda", "function:payroll")),
        may_not(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(other(stage), "show-book")),
        may_not(DEVELOPER, "lambda:UpdateAlias", function_arn(other(stage), "show-book") + ":live"),
        may_not(DEVELOPER, "lambda:UpdateFunctionCode", migration),
        // Their code reaches the addresses in messages.
        may_not(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "process-submissions")),
        may_not(DEVELOPER, "lambda:UpdateAlias", function_arn(stage, "run-staff-task") + ":live"),
        may_not(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "import-catalogue")),
        may_not(DEVELOPER, "lambda:UpdateAlias", format!("{migration}:live")),
        may_not(DEVELOPER, "lambda:UpdateFunctionConfiguration", show_book),
        may_not(DEVELOPER, "lambda:AddPermission", show_book),
        may_not(DEVELOPER, "lambda:CreateFunction", function_arn(stage, "another")),
        may_not(DEVELOPER, "lambda:DeleteFunction", show_book),
        may_not(DEVELOPER, "lambda:InvokeFunction", function_arn(stage, "run-staff-task")),
        may_not(DEVELOPER, "logs:FilterLogEvents", arn("logs", "log-group:/aws/lambda/payroll:*")),
        may_not(DEVELOPER, "logs:FilterLogEvents", log_group(other(stage), "show-book") + ":*"),
        may_not(DEVELOPER, "logs:DeleteLogGroup", log_group(stage, "show-book")),
        may_not(DEVELOPER, "secretsmanager:GetSecretValue", MASTER_SECRET),
        may_not(DEVELOPER, "ssm:GetParameters", parameter(stage, "submission-key")),
        may_not(DEVELOPER, "rds-db:connect", login("anaquel_reader")),
        may_not(DEVELOPER, "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        may_not(DEVELOPER, "iam:ListUsers", "*"),
        may_not(DEVELOPER, "iam:CreateServiceLinkedRole", of_iam("role/aws-service-role/cloud9.amazonaws.com/any"))
            .given("iam:AWSServiceName", "cloud9.amazonaws.com"),
        may_not(DEVELOPER, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        may_not(DEVELOPER, "s3:PutObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
        may_not(DEVELOPER, "sqs:ReceiveMessage", queue(stage, "parked")),
        may_not(DEVELOPER, "ec2:RunInstances", arn("ec2", "instance/*")),
        may_not(
            DEVELOPER,
            "cloudformation:UpdateStack",
            arn("cloudformation", &format!("stack/anaquel-{stage}-app/1")),
        ),
        may_not(DEVELOPER, "cloud9:CreateEnvironmentEC2", "*").given("cloud9:OwnerArn", &of_iam("user/eve")),
        may_not(DEVELOPER, "cloud9:DeleteEnvironment", arn("cloud9", "environment:0a1b2c3d")),
    ]
}

fn web_and_database_administrator(stage: &str) -> Vec<Row> {
    const WHO: &str = WEB_AND_DATABASE;
    let ours = &format!("anaquel-{stage}");
    vec![
        may(WHO, "ec2:DescribeVpcs", "*"),
        may(WHO, "ec2:RunInstances", arn("ec2", "instance/*")),
        may(WHO, "ec2:AuthorizeSecurityGroupIngress", security_group()).of_stack(&format!("{ours}-network")),
        may(WHO, "rds:DescribeDBInstances", "*"),
        may(WHO, "rds:ModifyDBInstance", database(ours)),
        may(WHO, "rds:ModifyDBParameterGroup", arn("rds", &format!("pg:{ours}-data-databasesettings-x1y2z3"))),
        may(WHO, "rds:CreateDBSnapshot", arn("rds", &format!("snapshot:{ours}-before-the-sale"))),
        may(
            WHO,
            "rds:RestoreDBInstanceFromDBSnapshot",
            arn("rds", &format!("snapshot:rds:{ours}-data-database-x1y2z3-2026-11-24-03-10")),
        ),
        may(WHO, "ssm:DescribeParameters", "*"),
        may(WHO, "ssm:GetParameters", parameter(stage, "database/host")),
        may(WHO, "ssm:GetParametersByPath", arn("ssm", &format!("parameter/anaquel/{stage}"))),
        may(WHO, "ssm:PutParameter", parameter(stage, "submission-key")),
        may(WHO, "lambda:ListFunctions", "*"),
        may(WHO, "lambda:UpdateFunctionConfiguration", function_arn(stage, "show-book")),
        may(WHO, "lambda:InvokeFunction", function_arn(stage, "run-staff-task") + ":live"),
        may(WHO, "lambda:UpdateEventSourceMapping", arn("lambda", "event-source-mapping:0a1b2c3d"))
            .given("lambda:FunctionArn", &(function_arn(stage, "process-submissions") + ":live")),
        may(WHO, "elasticloadbalancing:DescribeTargetHealth", "*"),
        may(WHO, "elasticloadbalancing:ModifyLoadBalancerAttributes", load_balancing("loadbalancer", ours)),
        may(WHO, "elasticloadbalancing:ModifyListener", load_balancing("listener", ours)),
        may(WHO, "elasticloadbalancing:ModifyRule", load_balancing("listener-rule", ours)),
        may(WHO, "elasticloadbalancing:ModifyTargetGroup", target_group(stage, "show-book")),
    ]
}

fn no_work_of_web_and_database_administrators(stage: &str) -> Vec<Row> {
    const WHO: &str = WEB_AND_DATABASE;
    let others = &format!("anaquel-{}", other(stage));
    vec![
        may_not(WHO, "ec2:AuthorizeSecurityGroupIngress", security_group()).of_stack("payroll"),
        may_not(WHO, "ec2:DeleteSecurityGroup", security_group()).of_stack(&format!("{others}-network")),
        may_not(WHO, "rds:DeleteDBInstance", database("payroll")),
        may_not(WHO, "rds:ModifyDBInstance", database(others)),
        may_not(
            WHO,
            "rds:RestoreDBInstanceFromDBSnapshot",
            arn("rds", &format!("snapshot:rds:{others}-data-database-x1y2z3-2026-11-24-03-10")),
        ),
        may_not(WHO, "rds-db:connect", login("anaquel_writer")),
        may_not(WHO, "ssm:GetParameters", parameter(other(stage), "submission-key")),
        may_not(WHO, "ssm:GetParameters", arn("ssm", "parameter/payroll/password")),
        may_not(WHO, "ssm:SendCommand", arn("ec2", "instance/i-0a1b2c3d")),
        may_not(WHO, "lambda:InvokeFunction", arn("lambda", "function:payroll")),
        may_not(WHO, "lambda:UpdateFunctionCode", function_arn(other(stage), "show-book")),
        may_not(WHO, "lambda:DeleteEventSourceMapping", arn("lambda", "event-source-mapping:0a1b2c3d"))
            .given("lambda:FunctionArn", &arn("lambda", "function:payroll")),
        may_not(WHO, "elasticloadbalancing:DeleteLoadBalancer", load_balancing("loadbalancer", "payroll")),
        may_not(WHO, "elasticloadbalancing:DeleteLoadBalancer", load_balancing("loadbalancer", others)),
        may_not(WHO, "secretsmanager:GetSecretValue", MASTER_SECRET),
        may_not(WHO, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        may_not(WHO, "sqs:PurgeQueue", queue(stage, "submissions")),
        may_not(WHO, "logs:DeleteLogGroup", log_group(stage, "show-book")),
        may_not(WHO, "cloudformation:DeleteStack", arn("cloudformation", &format!("stack/anaquel-{stage}-data/1"))),
    ]
}

fn storage_support(stage: &str) -> Vec<Row> {
    let bucket = &bucket(stage, "imports");
    let file = &format!("{bucket}/incoming/books.csv");
    vec![
        may(STORAGE, "s3:ListAllMyBuckets", "*"),
        may(STORAGE, "s3:GetBucketPolicy", bucket),
        may(STORAGE, "s3:GetBucketVersioning", bucket),
        may(STORAGE, "s3:GetEncryptionConfiguration", bucket),
        may(STORAGE, "s3:GetLifecycleConfiguration", bucket),
        may(STORAGE, "s3:GetBucketLocation", "arn:aws:s3:::payroll"),
        may_not(STORAGE, "s3:GetObject", file),
        may_not(STORAGE, "s3:GetObjectVersion", file),
        may_not(STORAGE, "s3:GetObjectTagging", file),
        may_not(STORAGE, "s3:ListBucket", bucket),
        may_not(STORAGE, "s3:ListBucketVersions", bucket),
        may_not(STORAGE, "s3:PutObject", file),
        may_not(STORAGE, "s3:DeleteObject", file),
        may_not(STORAGE, "s3:DeleteBucket", bucket),
        may_not(STORAGE, "s3:PutBucketPolicy", bucket),
        may_not(STORAGE, "s3:PutLifecycleConfiguration", bucket),
        may_not(STORAGE, "ec2:DescribeInstances", "*"),
    ]
}

fn access_auditor(stage: &str) -> Vec<Row> {
    vec![
        may(AUDITOR, "iam:ListUsers", "*"),
        may(AUDITOR, "iam:GetRolePolicy", role(stage, DEVELOPER)),
        may(AUDITOR, "iam:GenerateCredentialReport", "*"),
        may(AUDITOR, "iam:SimulatePrincipalPolicy", role(stage, DEVELOPER)),
        may(AUDITOR, "ec2:DescribeSecurityGroups", "*"),
        may(AUDITOR, "rds:DescribeDBInstances", "*"),
        may_not(AUDITOR, "iam:DeleteRolePolicy", role(stage, DEVELOPER)),
        may_not(AUDITOR, "ec2:RevokeSecurityGroupIngress", security_group()),
        may_not(AUDITOR, "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        may_not(AUDITOR, "s3:ListAllMyBuckets", "*"),
        may_not(AUDITOR, "lambda:GetFunction", function_arn(stage, "show-book")),
        may_not(AUDITOR, "ssm:GetParameters", parameter(stage, "database/host")),
    ]
}

fn query_user(stage: &str) -> Vec<Row> {
    let database = &database(&format!("anaquel-{stage}"));
    vec![
        may(QUERY, "ec2:DescribeInstances", "*"),
        may(QUERY, "ec2:DescribeVpcs", "*"),
        may(QUERY, "rds:DescribeDBInstances", "*"),
        may(QUERY, "rds:DescribeDBSnapshots", "*"),
        may(QUERY, "rds:ListTagsForResource", database),
        may_not(QUERY, "ec2:RunInstances", arn("ec2", "instance/*")),
        may_not(QUERY, "ec2:TerminateInstances", arn("ec2", "instance/i-0a1b2c3d")),
        may_not(QUERY, "ec2:AuthorizeSecurityGroupIngress", security_group()),
        may_not(QUERY, "ec2:CreateTags", security_group()),
        may_not(QUERY, "ec2:GetPasswordData", arn("ec2", "instance/i-0a1b2c3d")),
        may_not(QUERY, "ec2:GetConsoleOutput", arn("ec2", "instance/i-0a1b2c3d")),
        may_not(QUERY, "rds:ModifyDBInstance", database),
        may_not(QUERY, "rds:DeleteDBInstance", database),
        may_not(QUERY, "rds:DownloadDBLogFilePortion", database),
        may_not(QUERY, "rds-db:connect", login("anaquel_reader")),
        may_not(QUERY, "iam:ListUsers", "*"),
    ]
}

/// A sample beside the people; `roles.rs` asks each function about everything.
fn functions(stage: &str) -> Vec<Row> {
    vec![
        may("show-book", "rds-db:connect", login("anaquel_reader")),
        may_not("show-book", "rds-db:connect", login("anaquel_writer")),
        may_not("show-book", "sqs:SendMessage", queue(stage, "submissions")),
        may_not("show-book", "secretsmanager:GetSecretValue", MASTER_SECRET),
        may("submit-rating", "sqs:SendMessage", queue(stage, "submissions")),
        may("submit-rating", "ssm:GetParameters", parameter(stage, "submission-key")),
        may_not("submit-rating", "rds-db:connect", login("anaquel_reader")),
        may_not("submit-rating", "sqs:ReceiveMessage", queue(stage, "submissions")),
        may("process-submissions", "sqs:ReceiveMessage", queue(stage, "submissions")),
        may_not("process-submissions", "sqs:ReceiveMessage", queue(stage, "parked")),
        may("import-catalogue", "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        may_not("import-catalogue", "s3:GetObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
        may("migrate-database", "secretsmanager:GetSecretValue", MASTER_SECRET),
        may_not("migrate-database", "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        may_not("run-staff-task", "secretsmanager:GetSecretValue", MASTER_SECRET),
        may_not("serve-assets", "s3:GetObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
    ]
}

/// Nobody else makes users or changes who may do what, directly or by another's role.
fn nobody_but_the_administrator(stage: &str) -> Vec<Row> {
    let people = HUMAN_ROLES.iter().map(|person| person.name).filter(|name| *name != ADMINISTRATOR);
    let functions = FUNCTIONS.iter().map(|function| function.name);
    let everybody = people.chain(functions);
    let rows = everybody.flat_map(|who| {
        [
            may_not(who, "iam:CreateUser", of_iam("user/eve")),
            may_not(who, "iam:CreateAccessKey", of_iam("user/ana")),
            may_not(who, "iam:AddUserToGroup", of_iam(&format!("group/anaquel-{stage}-{ADMINISTRATOR}"))),
            may_not(who, "iam:AttachRolePolicy", role(stage, who)),
            may_not(who, "iam:UpdateAssumeRolePolicy", role(stage, ADMINISTRATOR)),
            may_not(who, "iam:PassRole", of_iam(&format!("role/anaquel-{stage}-app-MigrateDatabaseRole-X1Y2Z3"))),
            may_not(who, "sts:AssumeRole", role(stage, ADMINISTRATOR)),
        ]
    });
    rows.collect()
}

/// Whether each row is as the plan says, where these policies give the one in it their rights.
fn as_planned(questions: &[(&Row, Vec<Value>)]) -> Vec<bool> {
    let cases: Vec<_> = questions.iter().map(|(row, policies)| row.case(policies)).collect();
    let answers = evaluate(&cases, &[].into(), &[].into()).into_iter();
    let allowed = questions
        .iter()
        .zip(answers)
        .map(|((row, _), answers)| row.may == answers.contains(&answer("Allow", row.action, &row.resource)));
    allowed.collect()
}

/// Policies of a role or group: its own, and the ARNs of those that AWS keeps.
fn policies(properties: &Value) -> Vec<Value> {
    let list = |key: &str| properties[key].as_array().into_iter().flatten().cloned();
    let own = list("Policies").map(|policy| policy["PolicyDocument"].clone());
    own.chain(list("ManagedPolicyArns")).collect()
}

/// The policies of a role of people, or of a function's.
fn policies_of(templates: &ResolvedTemplates, who: &str) -> Vec<Value> {
    let is_person = HUMAN_ROLES.iter().any(|person| person.name == who);
    let stack = if is_person { Kind::Operations } else { Kind::App };
    policies(&templates.properties(stack, &format!("{}Role", logical_id(who))))
}

/// The policies of a group, with the member's name where IAM fills it in.
fn policies_of_member(templates: &ResolvedTemplates, group: &str, name: &str) -> Vec<Value> {
    let group = templates.properties(Kind::Operations, &format!("{}Group", logical_id(group)));
    let filled_in = policies(&group).into_iter().map(|policy| {
        let policy = policy.to_string().replace("${aws:username}", name);
        serde_json::from_str(&policy).unwrap()
    });
    filled_in.collect()
}

fn on_aws() -> impl Iterator<Item = ResolvedTemplates> {
    let stages = STAGES.iter().map(|(name, _)| stage(name)).filter(|stage| stage.operations);
    stages.map(ResolvedTemplates::of)
}

#[ignore = "needs the policy engine"]
#[test]
#[expect(clippy::print_stdout, reason = "the table is there to be read")]
fn everybody_may_do_what_the_plan_says() {
    for templates in on_aws() {
        let rows = table(&templates.stage.name);
        let questions: Vec<_> = rows.iter().map(|row| (row, policies_of(&templates, row.who))).collect();
        let as_planned = as_planned(&questions);

        let mut shown = Table::new();
        shown.load_style(NOTHING).set_header(["who", "", "action", "resource", ""]);
        for (row, as_planned) in rows.iter().zip(&as_planned) {
            let (may, verdict) = (if row.may { "may" } else { "may not" }, if *as_planned { "" } else { "WRONG" });
            shown.add_row([row.who, may, row.action, &row.resource, verdict]);
        }
        println!("Stage {}, {} cases:\n{shown}\n", templates.stage.name, rows.len());
        assert!(as_planned.iter().all(|so| *so), "{}: see the rows that are WRONG", templates.stage.name);
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_with_a_right_too_many_is_caught() {
    let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let wrong = [
        (DEVELOPER, allow("lambda:UpdateFunctionCode", "*")),
        (DEVELOPER, allow("lambda:*", &function_arn("prod", "*"))),
        (DEVELOPER, allow("logs:*", "*")),
        (DEVELOPER, allow("secretsmanager:GetSecretValue", "*")),
        (WEB_AND_DATABASE, allow("ec2:*", "*")),
        (WEB_AND_DATABASE, allow("rds:*", "*")),
        (WEB_AND_DATABASE, allow("ssm:*", "*")),
        (WEB_AND_DATABASE, allow("iam:PassRole", "*")),
        (STORAGE, allow("s3:Get*", "*")),
        (STORAGE, allow("s3:List*", "*")),
        (AUDITOR, allow("iam:*", "*")),
        (AUDITOR, allow("sts:AssumeRole", "*")),
        (QUERY, allow("ec2:*", "*")),
        (QUERY, allow("rds:*", "*")),
        (QUERY, json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" })),
        ("submit-rating", allow("rds-db:connect", "*")),
        ("serve-assets", allow("iam:CreateUser", "*")),
    ];
    let templates = ResolvedTemplates::of(stage("prod"));
    let variants = wrong.map(|(who, statement)| {
        let mut policies = policies_of(&templates, who);
        policies.push(json!({ "Version": "2012-10-17", "Statement": [statement] }));
        (who, statement, policies)
    });
    assert_eq!(unnoticed(&variants), Vec::<String>::new());
}

#[ignore = "needs the policy engine"]
#[test]
fn a_person_without_one_of_their_rights_is_caught() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let variants: Vec<_> =
        HUMAN_ROLES.iter().flat_map(|person| without_one(person.name, &policies_of(&templates, person.name))).collect();
    assert!(variants.len() > HUMAN_ROLES.len());
    assert_eq!(unnoticed(&variants), Vec::<String>::new());
}

/// The policies with one statement less, or without the one that AWS keeps: each in turn.
fn without_one(who: &'static str, policies: &[Value]) -> Vec<(&'static str, Value, Vec<Value>)> {
    let mut variants = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        let Some(statements) = policy["Statement"].as_array() else {
            let mut others = policies.to_vec();
            others.remove(at);
            variants.push((who, policy.clone(), others));
            continue;
        };
        for (which, statement) in statements.iter().enumerate() {
            let mut others = policies.to_vec();
            others[at]["Statement"].as_array_mut().unwrap().remove(which);
            variants.push((who, statement.clone(), others));
        }
    }
    variants
}

/// The variants of somebody's policies that no row of the table tells from the right ones.
fn unnoticed(variants: &[(&'static str, Value, Vec<Value>)]) -> Vec<String> {
    let table = table("prod");
    let rows_of = |who: &'static str| table.iter().filter(move |row| row.who == who);
    let questions = variants.iter().flat_map(|(who, _, policies)| rows_of(who).map(|row| (row, policies.clone())));
    let mut as_planned = as_planned(&questions.collect::<Vec<_>>()).into_iter();
    let mut unnoticed = Vec::new();
    for (who, what, _) in variants {
        let answers: Vec<_> = as_planned.by_ref().take(rows_of(who).count()).collect();
        if answers.iter().all(|so| *so) {
            unnoticed.push(format!("{who}: {what}"));
        }
    }
    unnoticed
}

#[ignore = "needs the policy engine"]
#[test]
fn a_member_of_a_group_takes_on_its_role_and_manages_their_own_second_factor() {
    for templates in on_aws() {
        let stage = &templates.stage.name;
        let mut rows = Vec::new();
        for person in HUMAN_ROLES {
            let with_second_factor = |row: Row| row.given("aws:MultiFactorAuthPresent", "true");
            let others = HUMAN_ROLES.iter().filter(|other| other.name != person.name);
            rows.extend(others.map(|other| may_not(person.name, "sts:AssumeRole", role(stage, other.name))));
            rows.extend([
                may(person.name, "sts:AssumeRole", role(stage, person.name)),
                may_not(person.name, "sts:AssumeRole", role(other(stage), person.name)),
                may(person.name, "iam:CreateVirtualMFADevice", of_iam("mfa/ana")),
                may_not(person.name, "iam:CreateVirtualMFADevice", of_iam("mfa/eve")),
                may(person.name, "iam:EnableMFADevice", of_iam("user/ana")),
                may_not(person.name, "iam:EnableMFADevice", of_iam("user/eve")),
                may_not(person.name, "iam:DeactivateMFADevice", of_iam("user/ana")),
                with_second_factor(may(person.name, "iam:DeactivateMFADevice", of_iam("user/ana"))),
                with_second_factor(may_not(person.name, "iam:DeactivateMFADevice", of_iam("user/eve"))),
                may_not(person.name, "iam:CreateUser", of_iam("user/eve")),
                may_not(person.name, "iam:CreateAccessKey", of_iam("user/ana")),
                may_not(person.name, "iam:PutUserPolicy", of_iam("user/ana")),
                may_not(person.name, "iam:AddUserToGroup", of_iam(&format!("group/anaquel-{stage}-{ADMINISTRATOR}"))),
                may_not(person.name, "ec2:DescribeInstances", "*"),
                may_not(person.name, "s3:ListAllMyBuckets", "*"),
            ]);
        }
        let questions: Vec<_> = rows.iter().map(|row| (row, policies_of_member(&templates, row.who, "ana"))).collect();
        for (row, as_planned) in rows.iter().zip(as_planned(&questions)) {
            assert!(as_planned, "{stage}: {} {} {} is not {}", row.who, row.action, row.resource, row.may);
        }
    }
}

/// Which of these callers the role admits, and how they signed in.
fn admitted(trust: &Value) -> Vec<(&'static str, Value)> {
    let callers = [
        "arn:aws:iam::111122223333:user/ana",
        "arn:aws:sts::111122223333:assumed-role/anaquel-prod-query-user/ana",
        "arn:aws:iam::999999999999:user/eve",
        "lambda.amazonaws.com",
    ];
    let second_factor = "aws:MultiFactorAuthPresent";
    let contexts = [json!({}), json!({ second_factor: "false" }), json!({ second_factor: "true" })];
    let questions: Vec<_> =
        callers.iter().flat_map(|caller| contexts.iter().map(|context| (*caller, context.clone()))).collect();
    let cases = questions.iter().map(|(caller, context)| case("resource", trust, caller, context));
    let actions = ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"];
    let answers = evaluate(&cases.collect::<Vec<_>>(), &actions.map(str::to_owned).into(), &["*".to_owned()].into());
    let admitted = questions.into_iter().zip(answers).filter(|(_, answers)| !answers.is_empty());
    admitted
        .map(|(question, answers)| {
            assert_eq!(answers, [answer("Allow", "sts:AssumeRole", "*")].into());
            question
        })
        .collect()
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_is_taken_on_from_the_account_and_with_a_second_factor_only() {
    for templates in on_aws() {
        for person in HUMAN_ROLES {
            let role = templates.properties(Kind::Operations, &format!("{}Role", logical_id(person.name)));
            let admitted = admitted(&role["AssumeRolePolicyDocument"]);
            assert!(!admitted.is_empty(), "nobody is {}", person.name);
            for (caller, context) in admitted {
                assert!(caller.contains(ACCOUNT), "{caller} is {}", person.name);
                assert_eq!(context["aws:MultiFactorAuthPresent"], "true", "{caller} is {}", person.name);
            }
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_that_forgets_the_second_factor_is_caught() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let mut trust = templates.properties(Kind::Operations, "QueryUserRole")["AssumeRolePolicyDocument"].clone();
    for wrong in [json!({}), json!({ "BoolIfExists": { "aws:MultiFactorAuthPresent": "true" } })] {
        trust["Statement"][0]["Condition"] = wrong;
        assert!(admitted(&trust).iter().any(|(_, context)| context["aws:MultiFactorAuthPresent"] != "true"));
    }
}

#[test]
fn people_get_roles_and_groups_and_nobody_is_made() {
    for templates in on_aws() {
        let made = templates.resources().filter(|(kind, _)| *kind == Kind::Operations);
        let made = made.map(|(_, resource)| resource["Type"].as_str().unwrap());
        let of_iam: Vec<_> = made.filter(|kind| kind.contains("::IAM::")).collect();
        let (roles, groups): (Vec<_>, Vec<_>) = of_iam.into_iter().partition(|kind| *kind == "AWS::IAM::Role");
        assert_eq!(roles.len(), HUMAN_ROLES.len());
        assert_eq!(groups, ["AWS::IAM::Group"].repeat(HUMAN_ROLES.len()));
    }
}
