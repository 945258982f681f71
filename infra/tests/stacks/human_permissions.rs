//! Permissions of human roles, and some of functions, as a table of rules that a policy engine evaluates.
//!
//! Roles with an additional permission, and roles without one of theirs, prove that the table detects mistakes.
//! `cargo bookstore test every_role_has -- --nocapture` prints the table.

use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};

use super::policy_engine::{
    arn, bucket, case, decision, evaluate, function_arn, log_group, log_stream, login, parameter, queue, session,
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

/// Whether a role is allowed one action on one resource.
#[derive(Clone)]
struct Rule {
    /// A human role or a function.
    role: &'static str,
    action: &'static str,
    resource: String,
    /// Condition keys of the request.
    context: Value,
    allowed: bool,
}

fn allow(role: &'static str, action: &'static str, resource: impl Into<String>) -> Rule {
    Rule { role, action, resource: resource.into(), context: json!({}), allowed: true }
}

fn deny(role: &'static str, action: &'static str, resource: impl Into<String>) -> Rule {
    Rule { allowed: false, ..allow(role, action, resource) }
}

impl Rule {
    fn with_context(mut self, key: &str, value: &str) -> Self {
        self.context[key] = value.into();
        self
    }

    /// The resource belongs to a CloudFormation stack.
    fn of_stack(self, stack: &str) -> Self {
        self.with_context("aws:ResourceTag/aws:cloudformation:stack-name", stack)
    }

    fn case(&self, policies: &[Value]) -> Value {
        let mut case = case("role", &policies.into(), &session(self.role), &self.context);
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

fn iam_arn(resource: &str) -> String {
    format!("arn:aws:iam::{ACCOUNT}:{resource}")
}

/// ARN of a human role.
fn role(stage: &str, name: &str) -> String {
    iam_arn(&format!("role/anaquel-{stage}-{name}"))
}

fn load_balancing(kind: &str, name: &str) -> String {
    arn("elasticloadbalancing", &format!("{kind}/app/{name}/50dc6c495c0c9188"))
}

/// The other stage on AWS, which can be in the same account.
fn other(stage: &str) -> &'static str {
    if stage == "dev" { "prod" } else { "dev" }
}

fn table(stage: &str) -> Vec<Rule> {
    [
        administrator(stage),
        developer(stage),
        denied_to_developers(stage),
        web_and_database_administrator(stage),
        denied_to_web_and_database_administrators(stage),
        storage_support(stage),
        access_auditor(stage),
        query_user(stage),
        functions(stage),
        reserved_for_the_administrator(stage),
    ]
    .concat()
}

fn administrator(stage: &str) -> Vec<Rule> {
    vec![
        allow(
            ADMINISTRATOR,
            "cloudformation:UpdateStack",
            arn("cloudformation", &format!("stack/anaquel-{stage}-app/1")),
        ),
        allow(ADMINISTRATOR, "iam:CreateUser", iam_arn("user/ana")),
        allow(ADMINISTRATOR, "iam:AddUserToGroup", iam_arn(&format!("group/anaquel-{stage}-developer"))),
        allow(ADMINISTRATOR, "iam:PassRole", iam_arn("role/any")),
        allow(ADMINISTRATOR, "ec2:RunInstances", arn("ec2", "instance/*")),
        allow(ADMINISTRATOR, "secretsmanager:GetSecretValue", MASTER_SECRET),
        allow(ADMINISTRATOR, "lambda:InvokeFunction", function_arn(stage, "run-staff-task")),
        allow(ADMINISTRATOR, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        allow(ADMINISTRATOR, "s3:GetObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        allow(ADMINISTRATOR, "s3:GetObject", bucket(stage, "archive") + "/submissions/nobody/0.json"),
    ]
}

/// The actions of `cargo lambda deploy`, logs, traces, and Cloud9 environments.
fn developer(stage: &str) -> Vec<Rule> {
    let show_book = &function_arn(stage, "show-book");
    let logs = log_group(stage, "show-book") + ":*";
    vec![
        allow(DEVELOPER, "lambda:GetFunction", show_book),
        allow(DEVELOPER, "lambda:GetFunctionConfiguration", format!("{show_book}:live")),
        allow(DEVELOPER, "lambda:UpdateFunctionCode", show_book),
        allow(DEVELOPER, "lambda:PublishVersion", show_book),
        allow(DEVELOPER, "lambda:GetAlias", format!("{show_book}:live")),
        allow(DEVELOPER, "lambda:UpdateAlias", format!("{show_book}:live")),
        allow(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "submit-rating")),
        allow(DEVELOPER, "logs:DescribeLogStreams", &logs),
        allow(DEVELOPER, "logs:FilterLogEvents", &logs),
        allow(DEVELOPER, "logs:GetLogEvents", log_stream(stage, "show-book")),
        allow(DEVELOPER, "xray:GetTraceSummaries", "*"),
        allow(DEVELOPER, "xray:BatchGetTraces", "*"),
        allow(DEVELOPER, "cloud9:CreateEnvironmentEC2", "*"),
        allow(DEVELOPER, "ec2:DescribeSubnets", "*"),
    ]
}

fn denied_to_developers(stage: &str) -> Vec<Rule> {
    let show_book = &function_arn(stage, "show-book");
    let migration = &function_arn(stage, "migrate-database");
    vec![
        deny(DEVELOPER, "lambda:UpdateFunctionCode", arn("lambda", "function:payroll")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(other(stage), "show-book")),
        deny(DEVELOPER, "lambda:UpdateAlias", function_arn(other(stage), "show-book") + ":live"),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", migration),
        // Functions with access to e-mail addresses in messages and orders.
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "show-order")),
        deny(DEVELOPER, "lambda:UpdateAlias", function_arn(stage, "show-order") + ":live"),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "process-orders")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "process-submissions")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "send-mail")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "sign-in")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "erase-accounts")),
        deny(DEVELOPER, "ssm:GetParameters", parameter(stage, "session/private-key")),
        deny(DEVELOPER, "cognito-idp:AdminCreateUser", arn("cognito-idp", "userpool/us-east-1_a1b2c3")),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "note-bounces")),
        deny(DEVELOPER, "lambda:UpdateAlias", function_arn(stage, "run-staff-task") + ":live"),
        deny(DEVELOPER, "lambda:UpdateFunctionCode", function_arn(stage, "import-catalogue")),
        deny(DEVELOPER, "lambda:UpdateAlias", format!("{migration}:live")),
        deny(DEVELOPER, "lambda:UpdateFunctionConfiguration", show_book),
        deny(DEVELOPER, "lambda:AddPermission", show_book),
        deny(DEVELOPER, "lambda:CreateFunction", function_arn(stage, "another")),
        deny(DEVELOPER, "lambda:DeleteFunction", show_book),
        deny(DEVELOPER, "lambda:InvokeFunction", function_arn(stage, "run-staff-task")),
        deny(DEVELOPER, "logs:FilterLogEvents", arn("logs", "log-group:/aws/lambda/payroll:*")),
        deny(DEVELOPER, "logs:FilterLogEvents", log_group(other(stage), "show-book") + ":*"),
        deny(DEVELOPER, "logs:DeleteLogGroup", log_group(stage, "show-book")),
        deny(DEVELOPER, "secretsmanager:GetSecretValue", MASTER_SECRET),
        deny(DEVELOPER, "ssm:GetParameters", parameter(stage, "submission-key")),
        deny(DEVELOPER, "rds-db:connect", login("anaquel_reader")),
        deny(DEVELOPER, "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        deny(DEVELOPER, "iam:ListUsers", "*"),
        deny(DEVELOPER, "iam:CreateServiceLinkedRole", iam_arn("role/aws-service-role/cloud9.amazonaws.com/any"))
            .with_context("iam:AWSServiceName", "cloud9.amazonaws.com"),
        deny(DEVELOPER, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        deny(DEVELOPER, "s3:GetObject", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        deny(DEVELOPER, "s3:PutObject", bucket(stage, "files") + "/uploads/covers/one"),
        deny(DEVELOPER, "s3:PutObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
        deny(DEVELOPER, "sqs:ReceiveMessage", queue(stage, "parked")),
        deny(DEVELOPER, "sqs:ReceiveMessage", queue(stage, "orders-parked.fifo")),
        deny(DEVELOPER, "sqs:ReceiveMessage", queue(stage, "bounces")),
        deny(DEVELOPER, "sqs:SendMessage", queue(stage, "orders.fifo")),
        deny(DEVELOPER, "sqs:SendMessage", queue(stage, "erasures")),
        deny(DEVELOPER, "ses:SendEmail", "*"),
        deny(DEVELOPER, "ec2:RunInstances", arn("ec2", "instance/*")),
        deny(DEVELOPER, "cloudformation:UpdateStack", arn("cloudformation", &format!("stack/anaquel-{stage}-app/1"))),
        deny(DEVELOPER, "cloud9:CreateEnvironmentEC2", "*").with_context("cloud9:OwnerArn", &iam_arn("user/eve")),
        deny(DEVELOPER, "cloud9:DeleteEnvironment", arn("cloud9", "environment:0a1b2c3d")),
    ]
}

fn web_and_database_administrator(stage: &str) -> Vec<Rule> {
    const ROLE: &str = WEB_AND_DATABASE;
    let own = &format!("anaquel-{stage}");
    vec![
        allow(ROLE, "ec2:DescribeVpcs", "*"),
        allow(ROLE, "ec2:RunInstances", arn("ec2", "instance/*")),
        allow(ROLE, "ec2:AuthorizeSecurityGroupIngress", security_group()).of_stack(&format!("{own}-network")),
        allow(ROLE, "rds:DescribeDBInstances", "*"),
        allow(ROLE, "rds:ModifyDBInstance", database(own)),
        allow(ROLE, "rds:ModifyDBParameterGroup", arn("rds", &format!("pg:{own}-data-databasesettings-x1y2z3"))),
        allow(ROLE, "rds:CreateDBSnapshot", arn("rds", &format!("snapshot:{own}-before-the-sale"))),
        allow(
            ROLE,
            "rds:RestoreDBInstanceFromDBSnapshot",
            arn("rds", &format!("snapshot:rds:{own}-data-database-x1y2z3-2026-11-24-03-10")),
        ),
        allow(ROLE, "ssm:DescribeParameters", "*"),
        allow(ROLE, "ssm:GetParameters", parameter(stage, "database/host")),
        allow(ROLE, "ssm:GetParametersByPath", arn("ssm", &format!("parameter/anaquel/{stage}"))),
        allow(ROLE, "ssm:PutParameter", parameter(stage, "submission-key")),
        allow(ROLE, "lambda:ListFunctions", "*"),
        allow(ROLE, "lambda:UpdateFunctionConfiguration", function_arn(stage, "show-book")),
        allow(ROLE, "lambda:InvokeFunction", function_arn(stage, "run-staff-task") + ":live"),
        allow(ROLE, "lambda:UpdateEventSourceMapping", arn("lambda", "event-source-mapping:0a1b2c3d"))
            .with_context("lambda:FunctionArn", &(function_arn(stage, "process-submissions") + ":live")),
        allow(ROLE, "elasticloadbalancing:DescribeTargetHealth", "*"),
        allow(ROLE, "elasticloadbalancing:ModifyLoadBalancerAttributes", load_balancing("loadbalancer", own)),
        allow(ROLE, "elasticloadbalancing:ModifyListener", load_balancing("listener", own)),
        allow(ROLE, "elasticloadbalancing:ModifyRule", load_balancing("listener-rule", own)),
        allow(ROLE, "elasticloadbalancing:ModifyTargetGroup", target_group(stage, "show-book")),
    ]
}

fn denied_to_web_and_database_administrators(stage: &str) -> Vec<Rule> {
    const ROLE: &str = WEB_AND_DATABASE;
    let others = &format!("anaquel-{}", other(stage));
    vec![
        deny(ROLE, "ec2:AuthorizeSecurityGroupIngress", security_group()).of_stack("payroll"),
        deny(ROLE, "ec2:DeleteSecurityGroup", security_group()).of_stack(&format!("{others}-network")),
        deny(ROLE, "rds:DeleteDBInstance", database("payroll")),
        deny(ROLE, "rds:ModifyDBInstance", database(others)),
        deny(
            ROLE,
            "rds:RestoreDBInstanceFromDBSnapshot",
            arn("rds", &format!("snapshot:rds:{others}-data-database-x1y2z3-2026-11-24-03-10")),
        ),
        deny(ROLE, "rds-db:connect", login("anaquel_writer")),
        deny(ROLE, "ssm:GetParameters", parameter(other(stage), "submission-key")),
        deny(ROLE, "ssm:GetParameters", arn("ssm", "parameter/payroll/password")),
        deny(ROLE, "ssm:SendCommand", arn("ec2", "instance/i-0a1b2c3d")),
        deny(ROLE, "lambda:InvokeFunction", arn("lambda", "function:payroll")),
        deny(ROLE, "lambda:UpdateFunctionCode", function_arn(other(stage), "show-book")),
        deny(ROLE, "lambda:DeleteEventSourceMapping", arn("lambda", "event-source-mapping:0a1b2c3d"))
            .with_context("lambda:FunctionArn", &arn("lambda", "function:payroll")),
        deny(ROLE, "elasticloadbalancing:DeleteLoadBalancer", load_balancing("loadbalancer", "payroll")),
        deny(ROLE, "elasticloadbalancing:DeleteLoadBalancer", load_balancing("loadbalancer", others)),
        deny(ROLE, "secretsmanager:GetSecretValue", MASTER_SECRET),
        deny(ROLE, "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        deny(ROLE, "sqs:PurgeQueue", queue(stage, "submissions")),
        deny(ROLE, "logs:DeleteLogGroup", log_group(stage, "show-book")),
        deny(ROLE, "cloudformation:DeleteStack", arn("cloudformation", &format!("stack/anaquel-{stage}-data/1"))),
    ]
}

fn storage_support(stage: &str) -> Vec<Rule> {
    let bucket = &bucket(stage, "imports");
    let file = &format!("{bucket}/incoming/books.csv");
    vec![
        allow(STORAGE, "s3:ListAllMyBuckets", "*"),
        allow(STORAGE, "s3:GetBucketPolicy", bucket),
        allow(STORAGE, "s3:GetBucketVersioning", bucket),
        allow(STORAGE, "s3:GetEncryptionConfiguration", bucket),
        allow(STORAGE, "s3:GetLifecycleConfiguration", bucket),
        allow(STORAGE, "s3:GetBucketLocation", "arn:aws:s3:::payroll"),
        deny(STORAGE, "s3:GetObject", file),
        deny(STORAGE, "s3:GetObjectVersion", file),
        deny(STORAGE, "s3:GetObjectTagging", file),
        deny(STORAGE, "s3:ListBucket", bucket),
        deny(STORAGE, "s3:ListBucketVersions", bucket),
        deny(STORAGE, "s3:PutObject", file),
        deny(STORAGE, "s3:DeleteObject", file),
        deny(STORAGE, "s3:DeleteBucket", bucket),
        deny(STORAGE, "s3:PutBucketPolicy", bucket),
        deny(STORAGE, "s3:PutLifecycleConfiguration", bucket),
        deny(STORAGE, "ec2:DescribeInstances", "*"),
    ]
}

fn access_auditor(stage: &str) -> Vec<Rule> {
    vec![
        allow(AUDITOR, "iam:ListUsers", "*"),
        allow(AUDITOR, "iam:GetRolePolicy", role(stage, DEVELOPER)),
        allow(AUDITOR, "iam:GenerateCredentialReport", "*"),
        allow(AUDITOR, "iam:SimulatePrincipalPolicy", role(stage, DEVELOPER)),
        allow(AUDITOR, "ec2:DescribeSecurityGroups", "*"),
        allow(AUDITOR, "rds:DescribeDBInstances", "*"),
        deny(AUDITOR, "iam:DeleteRolePolicy", role(stage, DEVELOPER)),
        deny(AUDITOR, "ec2:RevokeSecurityGroupIngress", security_group()),
        deny(AUDITOR, "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        deny(AUDITOR, "s3:ListAllMyBuckets", "*"),
        deny(AUDITOR, "lambda:GetFunction", function_arn(stage, "show-book")),
        deny(AUDITOR, "ssm:GetParameters", parameter(stage, "database/host")),
    ]
}

fn query_user(stage: &str) -> Vec<Rule> {
    let database = &database(&format!("anaquel-{stage}"));
    vec![
        allow(QUERY, "ec2:DescribeInstances", "*"),
        allow(QUERY, "ec2:DescribeVpcs", "*"),
        allow(QUERY, "rds:DescribeDBInstances", "*"),
        allow(QUERY, "rds:DescribeDBSnapshots", "*"),
        allow(QUERY, "rds:ListTagsForResource", database),
        deny(QUERY, "ec2:RunInstances", arn("ec2", "instance/*")),
        deny(QUERY, "ec2:TerminateInstances", arn("ec2", "instance/i-0a1b2c3d")),
        deny(QUERY, "ec2:AuthorizeSecurityGroupIngress", security_group()),
        deny(QUERY, "ec2:CreateTags", security_group()),
        deny(QUERY, "ec2:GetPasswordData", arn("ec2", "instance/i-0a1b2c3d")),
        deny(QUERY, "ec2:GetConsoleOutput", arn("ec2", "instance/i-0a1b2c3d")),
        deny(QUERY, "rds:ModifyDBInstance", database),
        deny(QUERY, "rds:DeleteDBInstance", database),
        deny(QUERY, "rds:DownloadDBLogFilePortion", database),
        deny(QUERY, "rds-db:connect", login("anaquel_reader")),
        deny(QUERY, "iam:ListUsers", "*"),
    ]
}

/// A sample; `function_permissions.rs` has all permissions of functions.
fn functions(stage: &str) -> Vec<Rule> {
    vec![
        allow("show-book", "rds-db:connect", login("anaquel_reader")),
        deny("show-book", "rds-db:connect", login("anaquel_writer")),
        deny("show-book", "sqs:SendMessage", queue(stage, "submissions")),
        deny("show-book", "secretsmanager:GetSecretValue", MASTER_SECRET),
        allow("submit-rating", "sqs:SendMessage", queue(stage, "submissions")),
        allow("submit-rating", "ssm:GetParameters", parameter(stage, "submission-key")),
        deny("submit-rating", "rds-db:connect", login("anaquel_reader")),
        deny("submit-rating", "sqs:ReceiveMessage", queue(stage, "submissions")),
        allow("process-submissions", "sqs:ReceiveMessage", queue(stage, "submissions")),
        deny("process-submissions", "sqs:ReceiveMessage", queue(stage, "parked")),
        allow("process-submissions", "s3:PutObject", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        deny("process-submissions", "s3:PutObject", bucket(stage, "archive") + "/orders/nobody/0.json"),
        deny("process-submissions", "s3:GetObject", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        deny("process-submissions", "s3:DeleteObjectVersion", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        allow("erase-accounts", "s3:DeleteObjectVersion", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        deny("erase-accounts", "s3:GetObject", bucket(stage, "archive") + "/submissions/nobody/0.json"),
        allow("import-catalogue", "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        deny("import-catalogue", "s3:GetObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
        allow("process-upload", "s3:GetObject", bucket(stage, "files") + "/uploads/covers/one"),
        allow("process-upload", "s3:PutObject", bucket(stage, "files") + "/checked/covers/one-160.jpg"),
        deny("process-upload", "s3:PutObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("process-upload", "s3:PutObject", bucket(stage, "files") + "/uploads/covers/one"),
        deny("process-upload", "s3:DeleteObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("process-upload", "s3:GetObject", bucket(stage, "imports") + "/incoming/books.csv"),
        deny("import-catalogue", "s3:PutObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        allow("migrate-database", "secretsmanager:GetSecretValue", MASTER_SECRET),
        deny("migrate-database", "rds:ModifyDBInstance", database(&format!("anaquel-{stage}"))),
        allow("run-staff-task", "s3:PutObject", bucket(stage, "files") + "/uploads/covers/one"),
        allow("run-staff-task", "s3:PutObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        allow("run-staff-task", "s3:DeleteObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("run-staff-task", "s3:PutObject", bucket(stage, "files") + "/checked/covers/one-160.jpg"),
        deny("run-staff-task", "s3:DeleteObjectVersion", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("run-staff-task", "s3:GetObject", bucket(stage, "files") + "/uploads/covers/one"),
        deny("run-staff-task", "secretsmanager:GetSecretValue", MASTER_SECRET),
        allow("show-staff", "s3:PutObject", bucket(stage, "files") + "/uploads/covers/one"),
        allow("show-staff", "s3:PutObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        allow("show-staff", "s3:DeleteObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("show-staff", "s3:PutObject", bucket(stage, "files") + "/checked/covers/one-160.jpg"),
        deny("show-staff", "s3:DeleteObjectVersion", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("show-staff", "s3:GetObject", bucket(stage, "files") + "/uploads/covers/one"),
        allow("show-book", "s3:GetObject", bucket(stage, "files") + "/samples/one.pdf"),
        deny("show-book", "s3:GetObject", bucket(stage, "files") + "/uploads/samples/one"),
        allow("serve-cover", "s3:GetObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("serve-cover", "s3:GetObject", bucket(stage, "files") + "/uploads/covers/one"),
        deny("serve-cover", "s3:PutObject", bucket(stage, "files") + "/covers/one-160.jpg"),
        deny("serve-assets", "s3:GetObject", bucket(stage, "artifacts") + "/functions/show-book.zip"),
    ]
}

/// Only the administrator creates users and changes permissions, directly or by assuming another role.
fn reserved_for_the_administrator(stage: &str) -> Vec<Rule> {
    let human_roles = HUMAN_ROLES.iter().map(|human_role| human_role.name).filter(|name| *name != ADMINISTRATOR);
    let functions = FUNCTIONS.iter().map(|function| function.name);
    let rules = human_roles.chain(functions).flat_map(|name| {
        [
            deny(name, "iam:CreateUser", iam_arn("user/eve")),
            deny(name, "iam:CreateAccessKey", iam_arn("user/ana")),
            deny(name, "iam:AddUserToGroup", iam_arn(&format!("group/anaquel-{stage}-{ADMINISTRATOR}"))),
            deny(name, "iam:AttachRolePolicy", role(stage, name)),
            deny(name, "iam:UpdateAssumeRolePolicy", role(stage, ADMINISTRATOR)),
            deny(name, "iam:PassRole", iam_arn(&format!("role/anaquel-{stage}-app-MigrateDatabaseRole-X1Y2Z3"))),
            deny(name, "sts:AssumeRole", role(stage, ADMINISTRATOR)),
        ]
    });
    rules.collect()
}

/// Whether each rule holds with these policies of its role.
fn check(rules: &[(&Rule, Vec<Value>)]) -> Vec<bool> {
    let cases: Vec<_> = rules.iter().map(|(rule, policies)| rule.case(policies)).collect();
    let decisions = evaluate(&cases, &[].into(), &[].into()).into_iter();
    let holds = rules.iter().zip(decisions).map(|((rule, _), decisions)| {
        rule.allowed == decisions.contains(&decision("Allow", rule.action, &rule.resource))
    });
    holds.collect()
}

/// Policies of a role or group: the inline documents, and the ARNs of AWS managed policies.
fn policies(properties: &Value) -> Vec<Value> {
    let list = |key: &str| properties[key].as_array().into_iter().flatten().cloned();
    let own = list("Policies").map(|policy| policy["PolicyDocument"].clone());
    own.chain(list("ManagedPolicyArns")).collect()
}

/// The policies of a human role or of a function's role.
fn policies_of(templates: &ResolvedTemplates, name: &str) -> Vec<Value> {
    let is_human = HUMAN_ROLES.iter().any(|human_role| human_role.name == name);
    let stack = if is_human { Kind::Operations } else { Kind::App };
    policies(&templates.properties(stack, &format!("{}Role", logical_id(name))))
}

/// The policies of a group, with the member's name for the policy variable.
fn policies_of_member(templates: &ResolvedTemplates, group: &str, name: &str) -> Vec<Value> {
    let group = templates.properties(Kind::Operations, &format!("{}Group", logical_id(group)));
    let substituted = policies(&group).into_iter().map(|policy| {
        let policy = policy.to_string().replace("${aws:username}", name);
        serde_json::from_str(&policy).unwrap()
    });
    substituted.collect()
}

fn on_aws() -> impl Iterator<Item = ResolvedTemplates> {
    let stages = STAGES.iter().map(|(name, _)| stage(name)).filter(|stage| stage.operations);
    stages.map(ResolvedTemplates::of)
}

#[ignore = "needs the policy engine"]
#[test]
#[expect(clippy::print_stdout, reason = "prints the table for people")]
fn every_role_has_the_permissions_of_the_table() {
    for templates in on_aws() {
        let rules = table(&templates.stage.name);
        let with_policies: Vec<_> = rules.iter().map(|rule| (rule, policies_of(&templates, rule.role))).collect();
        let results = check(&with_policies);

        let mut printed = Table::new();
        printed.load_style(NOTHING).set_header(["role", "", "action", "resource", ""]);
        for (rule, holds) in rules.iter().zip(&results) {
            let (effect, verdict) = (if rule.allowed { "allow" } else { "deny" }, if *holds { "" } else { "WRONG" });
            printed.add_row([rule.role, effect, rule.action, &rule.resource, verdict]);
        }
        println!("Stage {}, {} rules:\n{printed}\n", templates.stage.name, rules.len());
        assert!(results.iter().all(|holds| *holds), "{}: see the rules marked WRONG", templates.stage.name);
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_with_an_additional_permission_is_detected() {
    let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let additions = [
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
    let variants = additions.map(|(name, statement)| {
        let mut policies = policies_of(&templates, name);
        policies.push(json!({ "Version": "2012-10-17", "Statement": [statement] }));
        (name, statement, policies)
    });
    assert_eq!(undetected(&variants), Vec::<String>::new());
}

#[ignore = "needs the policy engine"]
#[test]
fn a_human_role_without_one_of_its_permissions_is_detected() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let variants: Vec<_> = HUMAN_ROLES
        .iter()
        .flat_map(|human_role| without_one(human_role.name, &policies_of(&templates, human_role.name)))
        .collect();
    assert!(variants.len() > HUMAN_ROLES.len());
    assert_eq!(undetected(&variants), Vec::<String>::new());
}

/// Variants of the policies without one statement or without the AWS managed policy, with what they lack.
fn without_one(name: &'static str, policies: &[Value]) -> Vec<(&'static str, Value, Vec<Value>)> {
    let mut variants = Vec::new();
    for (at, policy) in policies.iter().enumerate() {
        let Some(statements) = policy["Statement"].as_array() else {
            let mut others = policies.to_vec();
            others.remove(at);
            variants.push((name, policy.clone(), others));
            continue;
        };
        for (which, statement) in statements.iter().enumerate() {
            let mut others = policies.to_vec();
            others[at]["Statement"].as_array_mut().unwrap().remove(which);
            variants.push((name, statement.clone(), others));
        }
    }
    variants
}

/// The variants of a role's policies with which every rule of the table still holds.
fn undetected(variants: &[(&'static str, Value, Vec<Value>)]) -> Vec<String> {
    let table = table("prod");
    let rules_of = |name: &'static str| table.iter().filter(move |rule| rule.role == name);
    let rules = variants.iter().flat_map(|(name, _, policies)| rules_of(name).map(|rule| (rule, policies.clone())));
    let mut results = check(&rules.collect::<Vec<_>>()).into_iter();
    let mut undetected = Vec::new();
    for (name, change, _) in variants {
        let holds: Vec<_> = results.by_ref().take(rules_of(name).count()).collect();
        if holds.iter().all(|holds| *holds) {
            undetected.push(format!("{name}: {change}"));
        }
    }
    undetected
}

#[ignore = "needs the policy engine"]
#[test]
fn a_member_of_a_group_can_assume_its_role_and_manage_their_own_second_factor() {
    for templates in on_aws() {
        let stage = &templates.stage.name;
        let mut rules = Vec::new();
        for human_role in HUMAN_ROLES {
            let with_second_factor = |rule: Rule| rule.with_context("aws:MultiFactorAuthPresent", "true");
            let others = HUMAN_ROLES.iter().filter(|other| other.name != human_role.name);
            rules.extend(others.map(|other| deny(human_role.name, "sts:AssumeRole", role(stage, other.name))));
            rules.extend([
                allow(human_role.name, "sts:AssumeRole", role(stage, human_role.name)),
                deny(human_role.name, "sts:AssumeRole", role(other(stage), human_role.name)),
                allow(human_role.name, "iam:CreateVirtualMFADevice", iam_arn("mfa/ana")),
                deny(human_role.name, "iam:CreateVirtualMFADevice", iam_arn("mfa/eve")),
                allow(human_role.name, "iam:EnableMFADevice", iam_arn("user/ana")),
                deny(human_role.name, "iam:EnableMFADevice", iam_arn("user/eve")),
                deny(human_role.name, "iam:DeactivateMFADevice", iam_arn("user/ana")),
                with_second_factor(allow(human_role.name, "iam:DeactivateMFADevice", iam_arn("user/ana"))),
                with_second_factor(deny(human_role.name, "iam:DeactivateMFADevice", iam_arn("user/eve"))),
                deny(human_role.name, "iam:CreateUser", iam_arn("user/eve")),
                deny(human_role.name, "iam:CreateAccessKey", iam_arn("user/ana")),
                deny(human_role.name, "iam:PutUserPolicy", iam_arn("user/ana")),
                deny(human_role.name, "iam:AddUserToGroup", iam_arn(&format!("group/anaquel-{stage}-{ADMINISTRATOR}"))),
                deny(human_role.name, "ec2:DescribeInstances", "*"),
                deny(human_role.name, "s3:ListAllMyBuckets", "*"),
            ]);
        }
        let with_policies: Vec<_> =
            rules.iter().map(|rule| (rule, policies_of_member(&templates, rule.role, "ana"))).collect();
        for (rule, holds) in rules.iter().zip(check(&with_policies)) {
            let Rule { role, action, resource, allowed, .. } = rule;
            assert!(holds, "{stage}: the expected result of {role} {action} {resource} is {allowed}");
        }
    }
}

/// The callers and contexts that a trust policy admits.
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
    let decisions = evaluate(&cases.collect::<Vec<_>>(), &actions.map(str::to_owned).into(), &["*".to_owned()].into());
    let admitted = questions.into_iter().zip(decisions).filter(|(_, decisions)| !decisions.is_empty());
    admitted
        .map(|(question, decisions)| {
            assert_eq!(decisions, [decision("Allow", "sts:AssumeRole", "*")].into());
            question
        })
        .collect()
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_is_assumed_only_from_its_account_and_with_a_second_factor() {
    for templates in on_aws() {
        for human_role in HUMAN_ROLES {
            let role = templates.properties(Kind::Operations, &format!("{}Role", logical_id(human_role.name)));
            let admitted = admitted(&role["AssumeRolePolicyDocument"]);
            assert!(!admitted.is_empty(), "nobody can assume {}", human_role.name);
            for (caller, context) in admitted {
                assert!(caller.contains(ACCOUNT), "{caller} can assume {}", human_role.name);
                assert_eq!(context["aws:MultiFactorAuthPresent"], "true", "{caller} can assume {}", human_role.name);
            }
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_without_the_second_factor_is_detected() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let mut trust = templates.properties(Kind::Operations, "QueryUserRole")["AssumeRolePolicyDocument"].clone();
    for wrong in [json!({}), json!({ "BoolIfExists": { "aws:MultiFactorAuthPresent": "true" } })] {
        trust["Statement"][0]["Condition"] = wrong;
        assert!(admitted(&trust).iter().any(|(_, context)| context["aws:MultiFactorAuthPresent"] != "true"));
    }
}

#[test]
fn the_operations_stack_has_roles_and_groups_and_no_users() {
    for templates in on_aws() {
        let resources = templates.resources().filter(|(kind, _)| *kind == Kind::Operations);
        let types = resources.map(|(_, resource)| resource["Type"].as_str().unwrap());
        let of_iam: Vec<_> = types.filter(|kind| kind.contains("::IAM::")).collect();
        let (roles, groups): (Vec<_>, Vec<_>) = of_iam.into_iter().partition(|kind| *kind == "AWS::IAM::Role");
        assert_eq!(roles.len(), HUMAN_ROLES.len());
        assert_eq!(groups, ["AWS::IAM::Group"].repeat(HUMAN_ROLES.len()));
    }
}
