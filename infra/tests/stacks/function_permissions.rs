//! What every function's role lets it do, asked of a policy engine, is what its row in the route table says and
//! nothing else; so is who may call whom.
//!
//! Each role is asked about every action on every resource below, and about whatever its own policy names besides.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::policy_engine::{
    answer, arn, bucket, case, evaluate, function_arn, log_group, log_stream, login, parameter, queue, session,
    target_group,
};
use super::resolved_template::{ACCOUNT, MASTER_SECRET, ResolvedTemplates};
use super::support::stage;
use infra::routes::{DatabaseRole, FUNCTIONS, Function, QueueAccess, Trigger};
use infra::stacks::Kind;
use infra::stage::{DatabaseLogin, STAGES, Stage};
use infra::template::logical_id;

/// What a function could be tempted to do.
const ACTIONS: &[&str] = &[
    "cloudformation:DeleteStack",
    "dynamodb:PutItem",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:RunInstances",
    "iam:AttachRolePolicy",
    "iam:CreateUser",
    "iam:PassRole",
    "kms:Decrypt",
    "lambda:GetFunction",
    "lambda:InvokeFunction",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DeleteLogGroup",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:PutLogEvents",
    "rds-db:connect",
    "rds:DeleteDBInstance",
    "rds:ModifyDBInstance",
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:PutBucketPolicy",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:PurgeQueue",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "sqs:SetQueueAttributes",
    "ssm:DeleteParameter",
    "ssm:GetParameter",
    "ssm:GetParameters",
    "ssm:GetParametersByPath",
    "ssm:PutParameter",
    "sts:AssumeRole",
    "xray:PutTraceSegments",
];

/// What Lambda itself does for every function in a VPC.
const NETWORK_INTERFACES: &[&str] = &[
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
];

/// Below the stage's prefix.
const PARAMETERS: &[&str] = &[
    "database/host",
    "database/port",
    "database/name",
    "database/auth",
    "database/reader/user",
    "database/reader/password",
    "database/writer/user",
    "database/writer/password",
    "database/admin/user",
    "database/admin/password",
    "database/admin/secret",
    "queue/submissions",
    "queue/parked",
    "submission-key",
    "something/else",
];

/// Another stage in the same account.
const OTHER: &str = "other";
/// A bucket of strangers.
const STRANGERS: &str = "arn:aws:s3:::somebody-elses-bucket";

/// All that is there to be touched: of the stage, of another one in the same account, and of strangers.
fn resources(stage: &Stage) -> BTreeSet<String> {
    let mut resources = BTreeSet::new();
    for stage in [stage.name.as_str(), OTHER] {
        resources.extend(PARAMETERS.iter().map(|name| parameter(stage, name)));
        resources.extend(["submissions", "parked"].map(|name| queue(stage, name)));
        for bucket in ["imports", "artifacts", "access-logs"].map(|purpose| bucket(stage, purpose)) {
            resources.extend([format!("{bucket}/incoming/books.csv"), bucket]);
        }
    }
    for function in FUNCTIONS {
        let code = function_arn(&stage.name, function.name);
        resources.extend([format!("{code}:live"), code, log_stream(&stage.name, function.name)]);
    }
    resources.extend([function_arn(OTHER, "show-book"), log_stream(OTHER, "show-book")]);
    resources.extend(DatabaseRole::ALL.map(|access| login(&access.user())));
    resources.extend([login("root"), login("*"), arn("rds-db", "dbuser:db-OTHER/anaquel_reader")]);
    resources.extend([MASTER_SECRET.to_owned(), arn("secretsmanager", "secret:other-a1b2c3")]);
    resources.extend([STRANGERS.to_owned(), format!("{STRANGERS}/books.csv"), "*".to_owned()]);
    resources.insert(format!("arn:aws:iam::{ACCOUNT}:role/operator"));
    resources
}

/// What people who read the row would say that the function's own code may do.
fn row_says(stage: &Stage, function: &Function, action: &str, resource: &str) -> bool {
    let on_rds = stage.database.auth() == DatabaseLogin::Iam;
    let has = |right: fn(&QueueAccess) -> bool| function.queue.iter().any(right);
    let is_fed_by_the_queue = matches!(function.trigger, Trigger::Submissions);
    let is_started_by_the_bucket = matches!(function.trigger, Trigger::Imports);
    let submissions = resource == queue(&stage.name, "submissions");
    let parked = resource == queue(&stage.name, "parked");
    match action {
        "logs:CreateLogStream" | "logs:PutLogEvents" => {
            resource.starts_with(&(log_group(&stage.name, function.name) + ":"))
        }
        "xray:PutTelemetryRecords" | "xray:PutTraceSegments" => stage.tracing,
        "ssm:GetParameters" => resource
            .strip_prefix(&parameter(&stage.name, ""))
            .is_some_and(|name| row_says_it_reads(function, name, on_rds)),
        "rds-db:connect" => match function.database {
            Some(DatabaseRole::Reader) => on_rds && resource == login("anaquel_reader"),
            Some(DatabaseRole::Writer) => on_rds && resource == login("anaquel_writer"),
            Some(DatabaseRole::Admin) | None => false, // RDS made the administrator, with a password
        },
        "secretsmanager:GetSecretValue" => {
            on_rds && function.database == Some(DatabaseRole::Admin) && resource == MASTER_SECRET
        }
        "sqs:SendMessage" => {
            submissions && has(|queue| matches!(queue, QueueAccess::Send))
                || parked && (is_started_by_the_bucket || has(|queue| matches!(queue, QueueAccess::DeadLetter)))
        }
        "sqs:GetQueueAttributes" => {
            submissions && (is_fed_by_the_queue || has(|queue| matches!(queue, QueueAccess::Inspect)))
        }
        "sqs:ReceiveMessage" | "sqs:DeleteMessage" => submissions && is_fed_by_the_queue,
        "s3:GetObject" | "s3:PutObject" => {
            function.bucket.is_some() && resource.starts_with(&(bucket(&stage.name, "imports") + "/"))
        }
        _ => false,
    }
}

fn row_says_it_reads(function: &Function, parameter: &str, on_rds: bool) -> bool {
    let administers = function.database == Some(DatabaseRole::Admin);
    let logs_in_as = |access| administers || function.database == Some(access);
    let has = |right: fn(&QueueAccess) -> bool| function.queue.iter().any(right);
    match parameter {
        "database/host" | "database/port" | "database/name" | "database/auth" => function.database.is_some(),
        "database/reader/user" => logs_in_as(DatabaseRole::Reader),
        "database/writer/user" => logs_in_as(DatabaseRole::Writer),
        "database/admin/user" => administers,
        "database/reader/password" => !on_rds && logs_in_as(DatabaseRole::Reader),
        "database/writer/password" => !on_rds && logs_in_as(DatabaseRole::Writer),
        "database/admin/password" => !on_rds && administers,
        "database/admin/secret" => on_rds && administers,
        "queue/submissions" => has(|queue| matches!(queue, QueueAccess::Send | QueueAccess::Inspect)),
        "queue/parked" => has(|queue| matches!(queue, QueueAccess::DeadLetter)),
        "submission-key" => function.submission_key,
        _ => false,
    }
}

/// Every text below `Action` or `Resource`, with something definite in the place of wildcards.
fn named(policy: &Value, key: &str) -> Vec<String> {
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let texts = statements.flat_map(|statement| match &statement[key] {
        Value::Array(texts) => texts.clone(),
        text => vec![text.clone()],
    });
    texts.filter_map(|text| Some(text.as_str()?.replace(['*', '?'], "Any"))).collect()
}

/// How the policies of these functions differ from what their rows say, in the hands of the function's own code
/// and in those of Lambda, which makes the network interfaces.
fn complaints(stage: &Stage, policies: &[(&Function, Value)]) -> Vec<Vec<String>> {
    let mut actions: BTreeSet<_> = ACTIONS.iter().chain(NETWORK_INTERFACES).map(ToString::to_string).collect();
    let mut resources = resources(stage);
    let mut cases = Vec::new();
    for (function, policy) in policies {
        actions.extend(named(policy, "Action"));
        resources.extend(named(policy, "Resource"));
        let own_code = json!({ "lambda:SourceFunctionArn": function_arn(&stage.name, function.name) });
        cases.extend([own_code, json!({})].map(|context| case("role", policy, &session(function.name), &context)));
    }
    let answers = evaluate(&cases, &actions, &resources);
    let mut complaints = Vec::new();
    for ((function, _), answers) in policies.iter().zip(answers.chunks(2)) {
        let differs = |(action, resource): (&String, &String)| {
            let says = row_says(stage, function, action, resource);
            let of_lambda = says || NETWORK_INTERFACES.contains(&action.as_str());
            let allow = answer("Allow", action, resource);
            let by_code = (says != answers[0].contains(&allow)).then_some(("its code", says));
            let by_lambda = (of_lambda != answers[1].contains(&allow)).then_some(("Lambda", of_lambda));
            let (who, should) = by_code.or(by_lambda)?;
            let may = if should { "may not" } else { "may" };
            Some(format!("{}: {who} {may} {action} {resource}", function.name))
        };
        let questions = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        complaints.push(questions.filter_map(differs).collect());
    }
    complaints
}

fn role(templates: &ResolvedTemplates, function: &Function) -> Value {
    templates.properties(Kind::App, &format!("{}Role", logical_id(function.name)))
}

fn role_policy(templates: &ResolvedTemplates, function: &Function) -> Value {
    role(templates, function)["Policies"][0]["PolicyDocument"].clone()
}

fn row(name: &str) -> &'static Function {
    FUNCTIONS.iter().find(|function| function.name == name).expect("a row")
}

#[ignore = "needs the policy engine"]
#[test]
fn each_function_may_do_what_its_row_says_and_nothing_else() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let policies: Vec<_> = FUNCTIONS.iter().map(|function| (function, role_policy(&templates, function))).collect();
        let complaints = complaints(&templates.stage, &policies).concat();
        assert!(complaints.is_empty(), "stage {name}:\n{}", complaints.join("\n"));
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_with_more_than_its_row_says_is_caught() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let show_book = row("show-book");
    let right = role_policy(&templates, show_book);
    let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let wrong = [
        allow("sqs:*", &queue("prod", "submissions")),
        allow("SQS:sendmessage", &queue("prod", "parked")),
        allow("rds-db:connect", &login("anaquel_writer")),
        allow("rds-db:connect", &login("*")),
        allow("ssm:GetParameters", "*"),
        allow("ssm:GetParameters", &parameter("prod", "*")),
        allow("ssm:GetParameters", &parameter(OTHER, "database/reader/user")),
        allow("s3:PutObject", "arn:aws:s3:::a-bucket-that-nobody-asked-about/*"),
        allow("glacier:DeleteVault", "*"),
        allow("logs:PutLogEvents", &(log_group("prod", "show") + "*")),
        json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "ssm:GetParameters", "NotResource": "arn:aws:iam::*:*" }),
    ];
    let policies = wrong.iter().map(|statement| {
        let mut policy = right.clone();
        policy["Statement"].as_array_mut().unwrap().push(statement.clone());
        (show_book, policy)
    });
    let complaints = complaints(&templates.stage, &policies.collect::<Vec<_>>());
    for (statement, complaints) in wrong.iter().zip(complaints) {
        assert!(!complaints.is_empty(), "nobody noticed {statement}");
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_with_less_than_its_row_says_is_caught() {
    let templates = ResolvedTemplates::of(stage("prod"));
    for function in ["process-submissions", "import-catalogue", "migrate-database"].map(row) {
        let right = role_policy(&templates, function);
        let statements = right["Statement"].as_array().unwrap();
        let policies = (0..statements.len()).map(|at| {
            let mut policy = right.clone();
            policy["Statement"].as_array_mut().unwrap().remove(at);
            (function, policy)
        });
        let complaints = complaints(&templates.stage, &policies.collect::<Vec<_>>());
        for (statement, complaints) in statements.iter().zip(complaints) {
            assert!(!complaints.is_empty(), "{} does without {statement}", function.name);
        }
    }
}

#[test]
fn rights_come_from_the_roles_alone_and_each_function_has_its_own() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let for_functions = templates.resources().filter(|(kind, _)| *kind != Kind::Operations);
        let mut of_iam =
            for_functions.clone().filter(|(_, resource)| resource["Type"].as_str().unwrap().contains("::IAM::"));
        // RDS has one too, in which to report on its machine.
        let databases = for_functions.filter(|(_, resource)| resource["Type"] == "AWS::RDS::DBInstance").count();
        assert_eq!(of_iam.clone().count(), FUNCTIONS.len() + databases);
        assert!(of_iam.all(|(_, resource)| resource["Type"] == "AWS::IAM::Role"));
        for function in FUNCTIONS {
            let role = role(&templates, function);
            assert!(role["ManagedPolicyArns"].is_null(), "{}", function.name);
            assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
            let id = logical_id(function.name);
            let taken = &templates.template(Kind::App)["Resources"][&id]["Properties"]["Role"];
            assert_eq!(taken, &json!({ "Fn::GetAtt": [format!("{id}Role"), "Arn"] }));
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn nobody_but_lambda_takes_a_role_on() {
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let callers = ["lambda.amazonaws.com", "edgelambda.amazonaws.com", "ec2.amazonaws.com", root.as_str()];
    let actions = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"].map(str::to_owned).into();
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let cases = FUNCTIONS.iter().flat_map(|function| {
            let trust = role(&templates, function)["AssumeRolePolicyDocument"].clone();
            callers.map(|caller| case("resource", &trust, caller, &json!({})))
        });
        let answers = evaluate(&cases.collect::<Vec<_>>(), &actions, &["*".to_owned()].into());
        for (function, answers) in FUNCTIONS.iter().zip(answers.chunks(callers.len())) {
            let lambda_only = [answer("Allow", "sts:AssumeRole", "*")].into();
            assert_eq!(answers[0], lambda_only, "{} of {name}", function.name);
            assert!(answers[1..].iter().all(BTreeSet::is_empty), "{} of {name}", function.name);
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn only_what_triggers_a_function_invokes_it() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let balancer = "elasticloadbalancing.amazonaws.com";
        let imports = bucket(name, "imports");
        let mut callers = vec![
            ("s3.amazonaws.com", imports.clone(), ACCOUNT),
            ("s3.amazonaws.com", imports.clone(), "999999999999"), // whoever took the name of a bucket that is gone
            ("s3.amazonaws.com", bucket(name, "artifacts"), ACCOUNT),
            ("events.amazonaws.com", imports.clone(), ACCOUNT),
            ("events.amazonaws.com", target_group(name, "show-book"), ACCOUNT),
            (balancer, target_group(OTHER, "show-book"), ACCOUNT),
            (balancer, target_group(name, "show-book"), "999999999999"),
        ];
        callers.extend(FUNCTIONS.iter().map(|function| (balancer, target_group(name, function.name), ACCOUNT)));

        let policy = invocations(&templates);
        let cases = callers.iter().map(|(service, source, account)| {
            case("resource", &policy, service, &json!({ "aws:SourceArn": source, "aws:SourceAccount": account }))
        });
        let actions = ["lambda:InvokeFunction", "lambda:InvokeFunctionUrl", "lambda:UpdateFunctionCode"];
        let answers =
            evaluate(&cases.collect::<Vec<_>>(), &actions.map(str::to_owned).into(), &resources(&templates.stage));
        for ((service, source, account), answers) in callers.iter().zip(answers) {
            let invoked = FUNCTIONS.iter().filter(|function| {
                let caller = match function.trigger {
                    Trigger::Http(_) | Trigger::Unmatched => (balancer, target_group(name, function.name)),
                    Trigger::Imports => ("s3.amazonaws.com", imports.clone()),
                    _ => return false,
                };
                (caller.0, &caller.1, ACCOUNT) == (*service, source, *account)
            });
            let live = |function: &Function| function_arn(name, function.name) + ":live";
            let expected: BTreeSet<_> =
                invoked.map(|function| answer("Allow", "lambda:InvokeFunction", &live(function))).collect();
            assert_eq!(answers, expected, "{service} for {source} of {account}");
        }
    }
}

/// The policies of all functions, as Lambda makes them of permissions.
fn invocations(templates: &ResolvedTemplates) -> Value {
    let template = templates.template(Kind::App)["Resources"].as_object().unwrap();
    let permissions = template.iter().filter(|(_, resource)| resource["Type"] == "AWS::Lambda::Permission");
    let statements = permissions.map(|(name, _)| {
        let permission = templates.properties(Kind::App, name);
        assert!(permission["Principal"].as_str().unwrap().ends_with(".amazonaws.com"), "{name} is for no service");
        json!({
            "Effect": "Allow",
            "Principal": { "Service": permission["Principal"] },
            "Action": permission["Action"],
            "Resource": permission["FunctionName"],
            "Condition": {
                "StringEquals": { "aws:SourceAccount": permission["SourceAccount"] },
                "ArnLike": { "aws:SourceArn": permission["SourceArn"] },
            },
        })
    });
    json!({ "Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>() })
}

#[ignore = "needs the policy engine"]
#[test]
fn queues_and_buckets_admit_nobody_by_themselves_and_refuse_plain_http_to_all() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let guarded = [
            (Kind::Data, "SubmissionsQueuePolicy", "sqs:SendMessage", queue(name, "submissions")),
            (Kind::Data, "ParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "parked")),
            (Kind::Data, "AccessLogsPolicy", "s3:ListBucket", bucket(name, "access-logs")),
            (Kind::App, "ImportBucketPolicy", "s3:ListBucket", bucket(name, "imports")),
            (Kind::App, "ImportBucketPolicy", "s3:GetObject", bucket(name, "imports") + "/incoming/books.csv"),
            (Kind::Bootstrap, "ArtifactBucketPolicy", "s3:PutObject", bucket(name, "artifacts") + "/list-books.zip"),
        ];
        for (kind, policy, action, resource) in guarded {
            let policy = templates.properties(kind, policy)["PolicyDocument"].clone();
            let over_tls = case("resource", &policy, &session("show-book"), &json!({}));
            let mut in_the_clear = over_tls.clone();
            in_the_clear["tls"] = false.into();
            let answers = evaluate(&[over_tls, in_the_clear], &[action.to_owned()].into(), &[resource.clone()].into());
            assert_eq!(answers, [BTreeSet::new(), [answer("Deny", action, &resource)].into()], "{action} {resource}");
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn the_load_balancer_writes_the_access_logs_of_this_account_and_reads_none() {
    for (name, _) in STAGES {
        let policy =
            ResolvedTemplates::of(stage(name)).properties(Kind::Data, "AccessLogsPolicy")["PolicyDocument"].clone();
        let writers = ["logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"];
        let cases = writers.map(|service| case("resource", &policy, service, &json!({})));
        let logs = bucket(name, "access-logs");
        let of = |account| format!("{logs}/AWSLogs/{account}/elasticloadbalancing/us-east-1/2026/11/24/one.log.gz");
        let actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"].map(str::to_owned).into();
        let answers = evaluate(&cases, &actions, &[of(ACCOUNT), of("999999999999"), logs.clone()].into());
        assert_eq!(answers, [[answer("Allow", "s3:PutObject", &of(ACCOUNT))].into(), BTreeSet::new()], "{name}");
    }
}
