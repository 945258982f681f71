//! Permissions of the functions: a policy engine compares each role with its row of the route table, and each function's
//! callers with its trigger.
//!
//! Each role is evaluated for every action on every resource below, and for those that its own policy names.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::policy_engine::{
    arn, bucket, case, decision, evaluate, function_arn, log_group, log_stream, login, login_at, parameter, queue,
    session, target_group,
};
use super::resolved_template::{ACCOUNT, MASTER_SECRET, ResolvedTemplates, replica_id};
use super::support::stage;
use infra::routes::{DatabaseRole, FUNCTIONS, Function, Queue, QueueAccess, Trigger};
use infra::stacks::Kind;
use infra::stage::{DatabaseLogin, STAGES, Stage};
use infra::template::logical_id;

/// Actions for which every role is evaluated.
const ACTIONS: &[&str] = &[
    "cloudformation:DeleteStack",
    "cognito-idp:AdminCreateUser",
    "cognito-idp:AdminDeleteUser",
    "cognito-idp:AdminGetUser",
    "cognito-idp:AdminSetUserPassword",
    "cognito-idp:DeleteUserPool",
    "cognito-idp:ListUsers",
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
    "s3:DeleteObjectVersion",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketPolicy",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "ses:SendEmail",
    "ses:SendRawEmail",
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

/// Actions of Lambda itself for every function in a VPC.
const NETWORK_INTERFACES: &[&str] = &[
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
];

/// Short names of parameters.
const PARAMETERS: &[&str] = &[
    "database/host",
    "database/port",
    "database/name",
    "database/auth",
    "database/replicas",
    "database/reader/user",
    "database/reader/password",
    "database/order-reader/user",
    "database/order-reader/password",
    "database/bounce-writer/user",
    "database/bounce-writer/password",
    "database/accounts/user",
    "database/accounts/password",
    "database/staff/user",
    "database/staff/password",
    "database/writer/user",
    "database/writer/password",
    "database/admin/user",
    "database/admin/password",
    "database/admin/secret",
    "queue/submissions",
    "queue/parked",
    "queue/orders",
    "queue/orders-parked",
    "queue/mails",
    "queue/mails-parked",
    "queue/bounces",
    "queue/bounces-parked",
    "queue/erasures",
    "queue/erasures-parked",
    "queue/imports-parked",
    "submission-key",
    "session/public-keys",
    "session/private-key",
    "sign-in/customers",
    "sign-in/staff",
    "files/bucket",
    "imports/bucket",
    "archive/bucket",
    "something/else",
];

/// The queues with their names and their parameters.
const QUEUES: [(Queue, &str, &str); 11] = [
    (Queue::Submissions, "submissions", "queue/submissions"),
    (Queue::DeadLetters, "parked", "queue/parked"),
    (Queue::Orders, "orders.fifo", "queue/orders"),
    (Queue::OrderDeadLetters, "orders-parked.fifo", "queue/orders-parked"),
    (Queue::Mails, "mails", "queue/mails"),
    (Queue::MailDeadLetters, "mails-parked", "queue/mails-parked"),
    (Queue::Bounces, "bounces", "queue/bounces"),
    (Queue::BounceDeadLetters, "bounces-parked", "queue/bounces-parked"),
    (Queue::Erasures, "erasures", "queue/erasures"),
    (Queue::ErasureDeadLetters, "erasures-parked", "queue/erasures-parked"),
    (Queue::ImportDeadLetters, "imports-parked", "queue/imports-parked"),
];

/// Objects in the bucket of files.
const FILES: [&str; 7] = [
    "uploads/covers/one",
    "results/covers/one.json",
    "checked/covers/one-160.jpg",
    "checked/samples/one.pdf",
    "covers/one-160.jpg",
    "samples/one.pdf",
    "uploads.txt",
];

/// Objects in the archive.
const ARCHIVED: [&str; 4] =
    ["submissions/nobody/0.json", "orders/nobody/0.json", "submissions.json", "others/nobody/0.json"];

/// Another stage in the same account.
const OTHER: &str = "other";
/// A bucket of another account.
const FOREIGN_BUCKET: &str = "arn:aws:s3:::somebody-elses-bucket";

/// Resources of the stage, of another stage in the same account, and of other accounts.
fn resources(stage: &Stage) -> BTreeSet<String> {
    let mut resources = BTreeSet::new();
    for stage in [stage.name.as_str(), OTHER] {
        resources.extend(PARAMETERS.iter().map(|name| parameter(stage, name)));
        resources.extend(QUEUES.map(|(_, name, _)| queue(stage, name)));
        for bucket in ["imports", "artifacts", "access-logs", "files", "archive"].map(|purpose| bucket(stage, purpose))
        {
            let keys = ["incoming/books.csv", "incoming/previewed/7.csv", "previews/7.csv", "7.csv"];
            resources.extend(keys.map(|key| format!("{bucket}/{key}")));
            resources.insert(bucket);
        }
        let files = bucket(stage, "files");
        resources.extend(FILES.map(|key| format!("{files}/{key}")));
        let archive = bucket(stage, "archive");
        resources.extend(ARCHIVED.map(|key| format!("{archive}/{key}")));
    }
    for function in FUNCTIONS {
        let code = function_arn(&stage.name, function.name);
        resources.extend([format!("{code}:live"), code, log_stream(&stage.name, function.name)]);
    }
    resources.extend([function_arn(OTHER, "show-book"), log_stream(OTHER, "show-book")]);
    resources.extend(DatabaseRole::ALL.map(|access| login(&access.user())));
    for replica in ["DatabaseReplica1", "DatabaseReplica2"] {
        resources.extend(DatabaseRole::ALL.map(|access| login_at(&replica_id(replica), &access.user())));
    }
    resources.extend([login("root"), login("*"), arn("rds-db", "dbuser:db-OTHER/anaquel_reader")]);
    resources.extend([MASTER_SECRET.to_owned(), arn("secretsmanager", "secret:other-a1b2c3")]);
    resources.extend([FOREIGN_BUCKET.to_owned(), format!("{FOREIGN_BUCKET}/books.csv"), "*".to_owned()]);
    resources.insert(format!("arn:aws:iam::{ACCOUNT}:role/operator"));
    for stage in [stage.name.as_str(), OTHER] {
        resources.extend(["CustomersPool", "StaffPool"].map(|pool| user_pool(stage, pool)));
    }
    resources.extend(IDENTITIES.map(|identity| arn("ses", &format!("identity/{identity}"))));
    resources.extend([stage.name.as_str(), OTHER].map(configuration_set));
    resources
}

/// A user pool with the id that the resolved templates give it: `CustomersPool` or `StaffPool`.
fn user_pool(stage: &str, name: &str) -> String {
    arn("cognito-idp", &format!("userpool/anaquel-{stage}-data-{name}"))
}

/// Identities that SES checks for one mail: the sender's domain, its address, and a recipient's address.
const IDENTITIES: [&str; 3] = ["shop.example.org", "pedidos@shop.example.org", "ana@example.com"];

fn configuration_set(stage: &str) -> String {
    arn("ses", &format!("configuration-set/anaquel-{stage}-mails"))
}

/// Whether a mail from this address may be sent with the resource.
fn is_sent_with(stage: &Stage, from: &str, resource: &str) -> bool {
    let is_from_shop = stage.mail.as_ref().is_some_and(|mail| mail.sender.to_ascii() == from);
    let is_of_stage = stage.mail.is_some() && resource == configuration_set(&stage.name);
    is_of_stage || is_from_shop && resource.starts_with(&arn("ses", "identity/"))
}

/// Whether the function's own code needs this permission, according to its row.
fn expected(stage: &Stage, function: &Function, action: &str, resource: &str) -> bool {
    let on_rds = stage.database.auth() == DatabaseLogin::Iam;
    let of_a_bucket = matches!(function.trigger, Trigger::Imports | Trigger::Uploads);
    let of_resource = QUEUES.iter().find(|(_, name, _)| resource == queue(&stage.name, name)).map(|(queue, ..)| *queue);
    let has =
        |access: fn(Queue) -> QueueAccess| of_resource.is_some_and(|queue| function.queue.contains(&access(queue)));
    let consumes = of_resource.is_some_and(|queue| matches!(function.trigger, Trigger::Messages(its) if its == queue));
    match action {
        "logs:CreateLogStream" | "logs:PutLogEvents" => {
            resource.starts_with(&(log_group(&stage.name, function.name) + ":"))
        }
        "xray:PutTelemetryRecords" | "xray:PutTraceSegments" => stage.tracing,
        "ssm:GetParameters" => resource
            .strip_prefix(&parameter(&stage.name, ""))
            .is_some_and(|name| expected_to_read(stage, function, name, on_rds)),
        "rds-db:connect" => match function.database {
            Some(DatabaseRole::Reader) => {
                let at_replica = |replica| resource == login_at(&replica_id(replica), "anaquel_reader");
                let reads = function.reads_replicas && stage.database.replicas > 0;
                on_rds && (resource == login("anaquel_reader") || reads && at_replica("DatabaseReplica1"))
            }
            Some(DatabaseRole::OrderReader) => on_rds && resource == login("anaquel_order_reader"),
            // Its versions of before log in as the writer.
            Some(DatabaseRole::BounceWriter) => {
                on_rds && ["anaquel_bounce_writer", "anaquel_writer"].map(login).iter().any(|login| resource == login)
            }
            Some(DatabaseRole::Account) => on_rds && resource == login("anaquel_account"),
            Some(DatabaseRole::Staff) => on_rds && resource == login("anaquel_staff"),
            Some(DatabaseRole::Writer) => on_rds && resource == login("anaquel_writer"),
            Some(DatabaseRole::Admin) | None => false, // the administrator logs in with a password
        },
        "secretsmanager:GetSecretValue" => {
            on_rds && function.database == Some(DatabaseRole::Admin) && resource == MASTER_SECRET
        }
        "sqs:SendMessage" => {
            let is_parked = of_a_bucket && of_resource == Some(Queue::ImportDeadLetters);
            // Lambda has sent failed imports to the queue of submissions before.
            let was_parked = function.name == "import-catalogue" && of_resource == Some(Queue::DeadLetters);
            has(QueueAccess::Send) || is_parked || was_parked
        }
        "sqs:GetQueueAttributes" => consumes || has(QueueAccess::Inspect),
        "sqs:ReceiveMessage" | "sqs:DeleteMessage" => consumes,
        "ses:SendEmail" => function.name == "send-mail" && is_sent_with(stage, &sender(stage), resource),
        "cognito-idp:AdminDeleteUser" => {
            let customers = user_pool(&stage.name, "CustomersPool");
            stage.has_sign_in() && function.name == "erase-accounts" && resource == customers
        }
        "sqs:ChangeMessageVisibility" => has(QueueAccess::Delay),
        "s3:ListBucket" => {
            ["process-upload", "run-staff-task", "serve-cover", "show-staff"].contains(&function.name)
                && resource == bucket(&stage.name, "files")
        }
        "s3:ListBucketVersions" => function.name == "erase-accounts" && resource == bucket(&stage.name, "archive"),
        "s3:DeleteObjectVersion" => {
            let archived = resource.strip_prefix(&(bucket(&stage.name, "archive") + "/"));
            let is_message = archived.is_some_and(|key| key.starts_with("submissions/") || key.starts_with("orders/"));
            function.name == "erase-accounts" && is_message
        }
        "s3:GetObject" | "s3:PutObject" | "s3:DeleteObject" => {
            let archived = resource.strip_prefix(&(bucket(&stage.name, "archive") + "/"));
            if let Some(key) = archived {
                return match function.name {
                    "process-submissions" => action == "s3:PutObject" && key.starts_with("submissions/"),
                    "process-orders" => action == "s3:PutObject" && key.starts_with("orders/"),
                    _ => false,
                };
            }
            let import = resource.strip_prefix(&(bucket(&stage.name, "imports") + "/"));
            let file = resource.strip_prefix(&(bucket(&stage.name, "files") + "/"));
            let is_below = |folders: &[&str]| {
                file.is_some_and(|key| folders.iter().any(|folder| key.starts_with(&format!("{folder}/"))))
            };
            match (function.name, action) {
                (name, "s3:DeleteObject") => {
                    ["run-staff-task", "show-staff"].contains(&name) && is_below(&["covers", "samples"])
                }
                ("import-catalogue", _) => import.is_some(),
                ("process-upload", "s3:GetObject") => is_below(&["uploads"]),
                // A copy reads one key and writes the other one.
                ("show-staff", _) if import.is_some() => import.is_some_and(|key| {
                    key.starts_with("previews/") || action == "s3:PutObject" && key.starts_with("incoming/previewed/")
                }),
                ("process-upload", _) | ("run-staff-task" | "show-staff", "s3:GetObject") => {
                    is_below(&["checked", "results"])
                }
                ("serve-cover", "s3:GetObject") => is_below(&["covers"]),
                ("show-book", "s3:GetObject") => is_below(&["samples"]),
                ("run-staff-task" | "show-staff", _) => is_below(&["covers", "samples", "uploads"]),
                _ => false,
            }
        }
        _ => false,
    }
}

/// The address from which the policies are evaluated.
fn sender(stage: &Stage) -> String {
    stage.mail.as_ref().map_or_else(|| "pedidos@shop.example.org".to_owned(), |mail| mail.sender.to_ascii())
}

/// Whether the function's own code needs to read this parameter, according to its row.
fn expected_to_read(stage: &Stage, function: &Function, parameter: &str, on_rds: bool) -> bool {
    let administers = function.database == Some(DatabaseRole::Admin);
    let logs_in_as =
        |access| administers || function.database == Some(access) || function.database_before == Some(access);
    match parameter {
        "database/host" | "database/port" | "database/name" | "database/auth" => function.database.is_some(),
        "database/replicas" => function.reads_replicas && stage.database.replicas > 0,
        "database/reader/user" => logs_in_as(DatabaseRole::Reader),
        "database/order-reader/user" => logs_in_as(DatabaseRole::OrderReader),
        "database/bounce-writer/user" => logs_in_as(DatabaseRole::BounceWriter),
        "database/accounts/user" => logs_in_as(DatabaseRole::Account),
        "database/staff/user" => logs_in_as(DatabaseRole::Staff),
        "database/writer/user" => logs_in_as(DatabaseRole::Writer),
        "database/admin/user" => administers,
        "database/reader/password" => !on_rds && logs_in_as(DatabaseRole::Reader),
        "database/order-reader/password" => !on_rds && logs_in_as(DatabaseRole::OrderReader),
        "database/bounce-writer/password" => !on_rds && logs_in_as(DatabaseRole::BounceWriter),
        "database/accounts/password" => !on_rds && logs_in_as(DatabaseRole::Account),
        "database/staff/password" => !on_rds && logs_in_as(DatabaseRole::Staff),
        "database/writer/password" => !on_rds && logs_in_as(DatabaseRole::Writer),
        "database/admin/password" => !on_rds && administers,
        "database/admin/secret" => on_rds && administers,
        "submission-key" => function.submission_key,
        "session/public-keys" => stage.has_sign_in() && (function.verifies_sessions || function.issues_sessions),
        // Nobody else can make somebody a customer or a bookseller.
        "session/private-key" | "sign-in/staff" => stage.has_sign_in() && function.name == "sign-in",
        "sign-in/customers" => stage.has_sign_in() && ["sign-in", "erase-accounts"].contains(&function.name),
        "files/bucket" => ["run-staff-task", "serve-cover", "show-book", "show-staff"].contains(&function.name),
        "imports/bucket" => function.name == "show-staff",
        "archive/bucket" => ["process-submissions", "process-orders", "erase-accounts"].contains(&function.name),
        other => QUEUES.iter().any(|(queue, _, parameter)| {
            *parameter == other && function.queue.iter().any(|access| access.queue() == *queue)
        }),
    }
}

/// Every text below `Action` or `Resource`, with an example in place of each wildcard.
fn named(policy: &Value, key: &str) -> Vec<String> {
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let texts = statements.flat_map(|statement| match &statement[key] {
        Value::Array(texts) => texts.clone(),
        text => vec![text.clone()],
    });
    texts.filter_map(|text| Some(text.as_str()?.replace(['*', '?'], "Any"))).collect()
}

/// Differences between the policies of these functions and their rows, for the function's own code and for Lambda, which
/// creates the network interfaces.
fn differences(stage: &Stage, policies: &[(&Function, Value)]) -> Vec<Vec<String>> {
    let mut actions: BTreeSet<_> = ACTIONS.iter().chain(NETWORK_INTERFACES).map(ToString::to_string).collect();
    let mut resources = resources(stage);
    let mut cases = Vec::new();
    for (function, policy) in policies {
        actions.extend(named(policy, "Action"));
        resources.extend(named(policy, "Resource"));
        let of_lambda = json!({ "ses:FromAddress": sender(stage) });
        let mut own_code = of_lambda.clone();
        own_code["lambda:SourceFunctionArn"] = function_arn(&stage.name, function.name).into();
        cases.extend([own_code, of_lambda].map(|context| case("role", policy, &session(function.name), &context)));
    }
    let decisions = evaluate(&cases, &actions, &resources);
    let mut all = Vec::new();
    for ((function, _), decisions) in policies.iter().zip(decisions.chunks(2)) {
        let difference = |(action, resource): (&String, &String)| {
            let expected = expected(stage, function, action, resource);
            let is_in_network =
                !["erase-accounts", "process-upload", "send-mail", "serve-cover", "sign-in"].contains(&function.name);
            let of_lambda = expected || is_in_network && NETWORK_INTERFACES.contains(&action.as_str());
            let allow = decision("Allow", action, resource);
            let for_code = (expected != decisions[0].contains(&allow)).then_some(("its code", expected));
            let for_lambda = (of_lambda != decisions[1].contains(&allow)).then_some(("Lambda", of_lambda));
            let (caller, expected) = for_code.or(for_lambda)?;
            let denied = if expected { "is denied" } else { "is allowed" };
            Some(format!("{}: {caller} {denied} {action} {resource}", function.name))
        };
        let pairs = actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        all.push(pairs.filter_map(difference).collect());
    }
    all
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
fn each_function_has_exactly_the_permissions_of_its_row() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let policies: Vec<_> = FUNCTIONS.iter().map(|function| (function, role_policy(&templates, function))).collect();
        let differences = differences(&templates.stage, &policies).concat();
        assert!(differences.is_empty(), "stage {name}:\n{}", differences.join("\n"));
    }
}

/// SES checks the identities of the sender, and in its sandbox those of the recipient.
#[ignore = "needs the policy engine"]
#[test]
fn mails_are_sent_from_the_address_of_the_shop_and_from_no_other() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(Stage::in_full(name).unwrap());
        let stage = &templates.stage;
        let policy = role_policy(&templates, row("send-mail"));
        let resources = resources(stage);
        let sender = sender(stage);
        let domain = sender.split_once('@').unwrap().1;
        for from in [&sender, &format!("ventas@{domain}"), &format!("x{sender}"), &sender.to_uppercase(), ""] {
            let context = if from.is_empty() { json!({}) } else { json!({ "ses:FromAddress": from }) };
            let case = case("role", &policy, &session("send-mail"), &context);
            let decisions = evaluate(&[case], &["ses:SendEmail".to_owned()].into(), &resources);
            let expected = resources.iter().filter(|resource| is_sent_with(stage, from, resource));
            let expected: BTreeSet<_> = expected.map(|resource| decision("Allow", "ses:SendEmail", resource)).collect();
            assert_eq!(decisions, [expected], "{from:?} of {name}");
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_with_an_additional_permission_is_detected() {
    let templates = ResolvedTemplates::of(stage("prod"));
    let show_book = row("show-book");
    let good = role_policy(&templates, show_book);
    let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let additions = [
        allow("sqs:*", &queue("prod", "submissions")),
        allow("SQS:sendmessage", &queue("prod", "parked")),
        allow("rds-db:connect", &login("anaquel_writer")),
        allow("rds-db:connect", &login("*")),
        allow("ssm:GetParameters", "*"),
        allow("ssm:GetParameters", &parameter("prod", "*")),
        allow("ssm:GetParameters", &parameter(OTHER, "database/reader/user")),
        allow("s3:PutObject", "arn:aws:s3:::an-unlisted-bucket/*"),
        allow("glacier:DeleteVault", "*"),
        allow("cognito-idp:AdminDeleteUser", &user_pool("prod", "CustomersPool")),
        allow("cognito-idp:*", &user_pool("prod", "StaffPool")),
        allow("logs:PutLogEvents", &(log_group("prod", "show") + "*")),
        json!({ "Effect": "Allow", "NotAction": "iam:*", "Resource": "*" }),
        json!({ "Effect": "Allow", "Action": "ssm:GetParameters", "NotResource": "arn:aws:iam::*:*" }),
    ];
    let policies = additions.iter().map(|statement| {
        let mut policy = good.clone();
        policy["Statement"].as_array_mut().unwrap().push(statement.clone());
        (show_book, policy)
    });
    let differences = differences(&templates.stage, &policies.collect::<Vec<_>>());
    for (statement, differences) in additions.iter().zip(differences) {
        assert!(!differences.is_empty(), "not detected: {statement}");
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn a_role_without_one_of_its_permissions_is_detected() {
    let templates = ResolvedTemplates::of(stage("prod"));
    for function in
        ["process-submissions", "import-catalogue", "process-upload", "migrate-database", "show-staff"].map(row)
    {
        let good = role_policy(&templates, function);
        let statements = good["Statement"].as_array().unwrap();
        let policies = (0..statements.len()).map(|at| {
            let mut policy = good.clone();
            policy["Statement"].as_array_mut().unwrap().remove(at);
            (function, policy)
        });
        let differences = differences(&templates.stage, &policies.collect::<Vec<_>>());
        for (statement, differences) in statements.iter().zip(differences) {
            assert!(!differences.is_empty(), "not detected: {} without {statement}", function.name);
        }
    }
}

#[test]
fn only_roles_grant_permissions_and_each_function_has_its_own_role() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let for_functions = templates.resources().filter(|(kind, _)| *kind != Kind::Operations);
        let mut of_iam =
            for_functions.clone().filter(|(_, resource)| resource["Type"].as_str().unwrap().contains("::IAM::"));
        // RDS has a role too, for Enhanced Monitoring.
        let databases = for_functions.filter(|(_, resource)| resource["Type"] == "AWS::RDS::DBInstance").count();
        // So has the schedule of sweeps, to send to one queue.
        let schedules = usize::from(templates.stage.shop.is_some());
        assert_eq!(of_iam.clone().count(), FUNCTIONS.len() + databases + schedules);
        assert!(of_iam.all(|(_, resource)| resource["Type"] == "AWS::IAM::Role"));
        for function in FUNCTIONS {
            let role = role(&templates, function);
            assert!(role["ManagedPolicyArns"].is_null(), "{}", function.name);
            assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
            let id = logical_id(function.name);
            let role = &templates.template(Kind::App)["Resources"][&id]["Properties"]["Role"];
            assert_eq!(role, &json!({ "Fn::GetAtt": [format!("{id}Role"), "Arn"] }));
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn only_lambda_assumes_a_role() {
    let root = format!("arn:aws:iam::{ACCOUNT}:root");
    let callers = ["lambda.amazonaws.com", "edgelambda.amazonaws.com", "ec2.amazonaws.com", root.as_str()];
    let actions = ["sts:AssumeRole", "sts:AssumeRoleWithWebIdentity", "sts:TagSession"].map(str::to_owned).into();
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let cases = FUNCTIONS.iter().flat_map(|function| {
            let trust = role(&templates, function)["AssumeRolePolicyDocument"].clone();
            callers.map(|caller| case("resource", &trust, caller, &json!({})))
        });
        let decisions = evaluate(&cases.collect::<Vec<_>>(), &actions, &["*".to_owned()].into());
        for (function, decisions) in FUNCTIONS.iter().zip(decisions.chunks(callers.len())) {
            let lambda_only = [decision("Allow", "sts:AssumeRole", "*")].into();
            assert_eq!(decisions[0], lambda_only, "{} of {name}", function.name);
            assert!(decisions[1..].iter().all(BTreeSet::is_empty), "{} of {name}", function.name);
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn only_its_trigger_invokes_a_function() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let balancer = "elasticloadbalancing.amazonaws.com";
        let [imports, files] = ["imports", "files"].map(|purpose| bucket(name, purpose));
        let mut callers = vec![
            ("s3.amazonaws.com", imports.clone(), ACCOUNT),
            ("s3.amazonaws.com", imports.clone(), "999999999999"), // another account with a deleted bucket's name
            ("s3.amazonaws.com", files.clone(), ACCOUNT),
            ("s3.amazonaws.com", files.clone(), "999999999999"),
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
        let decisions =
            evaluate(&cases.collect::<Vec<_>>(), &actions.map(str::to_owned).into(), &resources(&templates.stage));
        for ((service, source, account), decisions) in callers.iter().zip(decisions) {
            let invoked = FUNCTIONS.iter().filter(|function| {
                let caller = match function.trigger {
                    Trigger::Http(_) | Trigger::Unmatched => (balancer, target_group(name, function.name)),
                    Trigger::Imports => ("s3.amazonaws.com", imports.clone()),
                    Trigger::Uploads => ("s3.amazonaws.com", files.clone()),
                    _ => return false,
                };
                (caller.0, &caller.1, ACCOUNT) == (*service, source, *account)
            });
            let live = |function: &Function| function_arn(name, function.name) + ":live";
            let expected: BTreeSet<_> =
                invoked.map(|function| decision("Allow", "lambda:InvokeFunction", &live(function))).collect();
            assert_eq!(decisions, expected, "{service} for {source} of {account}");
        }
    }
}

/// The resource policy that Lambda derives from all permissions.
fn invocations(templates: &ResolvedTemplates) -> Value {
    let template = templates.template(Kind::App)["Resources"].as_object().unwrap();
    let permissions = template.iter().filter(|(_, resource)| resource["Type"] == "AWS::Lambda::Permission");
    let statements = permissions.map(|(name, _)| {
        let permission = templates.properties(Kind::App, name);
        assert!(
            permission["Principal"].as_str().unwrap().ends_with(".amazonaws.com"),
            "the principal of {name} is no service"
        );
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
fn policies_of_queues_and_buckets_grant_nothing_and_deny_plain_http() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(stage(name));
        let guarded = [
            (Kind::Data, "SubmissionsQueuePolicy", "sqs:SendMessage", queue(name, "submissions")),
            (Kind::Data, "ParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "parked")),
            (Kind::Data, "OrdersQueuePolicy", "sqs:SendMessage", queue(name, "orders.fifo")),
            (Kind::Data, "OrdersParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "orders-parked.fifo")),
            (Kind::Data, "MailsQueuePolicy", "sqs:SendMessage", queue(name, "mails")),
            (Kind::Data, "MailsParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "mails-parked")),
            (Kind::Data, "BouncesQueuePolicy", "sqs:SendMessage", queue(name, "bounces")),
            (Kind::Data, "BouncesParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "bounces-parked")),
            (Kind::Data, "ErasuresQueuePolicy", "sqs:SendMessage", queue(name, "erasures")),
            (Kind::Data, "ErasuresParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "erasures-parked")),
            (Kind::Data, "ImportsParkedQueuePolicy", "sqs:ReceiveMessage", queue(name, "imports-parked")),
            (Kind::Data, "AccessLogsPolicy", "s3:ListBucket", bucket(name, "access-logs")),
            (Kind::Data, "ArchiveBucketPolicy", "s3:GetObject", bucket(name, "archive") + "/orders/nobody/0.json"),
            (Kind::App, "ImportBucketPolicy", "s3:ListBucket", bucket(name, "imports")),
            (Kind::App, "ImportBucketPolicy", "s3:GetObject", bucket(name, "imports") + "/incoming/books.csv"),
            (Kind::App, "FilesBucketPolicy", "s3:GetObject", bucket(name, "files") + "/covers/one-160.jpg"),
            (Kind::Bootstrap, "ArtifactBucketPolicy", "s3:PutObject", bucket(name, "artifacts") + "/list-books.zip"),
        ];
        for (kind, policy, action, resource) in guarded {
            let policy = templates.properties(kind, policy)["PolicyDocument"].clone();
            let over_tls = case("resource", &policy, &session("show-book"), &json!({}));
            let mut plain_http = over_tls.clone();
            plain_http["tls"] = false.into();
            let decisions = evaluate(&[over_tls, plain_http], &[action.to_owned()].into(), &[resource.clone()].into());
            assert_eq!(
                decisions,
                [BTreeSet::new(), [decision("Deny", action, &resource)].into()],
                "{action} {resource}"
            );
        }
    }
}

/// On the way of a bounce: SES publishes to the topic, and the topic delivers to the queue.
#[ignore = "needs the policy engine"]
#[test]
fn only_ses_for_its_set_publishes_bounces_and_only_their_topic_sends_them_to_the_queue() {
    for (name, _) in STAGES {
        let templates = ResolvedTemplates::of(Stage::in_full(name).unwrap());
        let topic = arn("sns", &format!("anaquel-{name}-mail-events"));
        let other_topic = arn("sns", &format!("anaquel-{name}-notices"));
        let queue = queue(name, "bounces");
        let (set, other_set) = (configuration_set(name), configuration_set(OTHER));
        let topic_policy = templates.properties(Kind::Data, "MailEventsPolicy")["PolicyDocument"].clone();
        let queue_policy = templates.properties(Kind::Data, "BouncesQueuePolicy")["PolicyDocument"].clone();
        let (ses, sns) = ("ses.amazonaws.com", "sns.amazonaws.com");
        for (policy, service, source, account, action, resource, is_allowed) in [
            (&topic_policy, ses, &set, ACCOUNT, "sns:Publish", &topic, true),
            (&topic_policy, ses, &other_set, ACCOUNT, "sns:Publish", &topic, false),
            (&topic_policy, ses, &set, "999999999999", "sns:Publish", &topic, false),
            (&topic_policy, "events.amazonaws.com", &set, ACCOUNT, "sns:Publish", &topic, false),
            (&topic_policy, ses, &set, ACCOUNT, "sns:Subscribe", &topic, false),
            (&queue_policy, sns, &topic, ACCOUNT, "sqs:SendMessage", &queue, true),
            (&queue_policy, sns, &other_topic, ACCOUNT, "sqs:SendMessage", &queue, false),
            (&queue_policy, sns, &topic, "999999999999", "sqs:SendMessage", &queue, false),
            (&queue_policy, ses, &topic, ACCOUNT, "sqs:SendMessage", &queue, false),
            (&queue_policy, sns, &topic, ACCOUNT, "sqs:ReceiveMessage", &queue, false),
        ] {
            let context = json!({ "aws:SourceArn": source, "aws:SourceAccount": account });
            let case = case("resource", policy, service, &context);
            let decisions = evaluate(&[case], &[action.to_owned()].into(), &[resource.clone()].into());
            let allowed: BTreeSet<_> = is_allowed.then(|| decision("Allow", action, resource)).into_iter().collect();
            assert_eq!(decisions, [allowed], "{service} for {source} of {account}: {action}");
        }
    }
}

#[ignore = "needs the policy engine"]
#[test]
fn load_balancers_write_access_logs_of_this_account_only_and_read_none() {
    for (name, _) in STAGES {
        let policy =
            ResolvedTemplates::of(stage(name)).properties(Kind::Data, "AccessLogsPolicy")["PolicyDocument"].clone();
        let writers = ["logdelivery.elasticloadbalancing.amazonaws.com", "delivery.logs.amazonaws.com"];
        let cases = writers.map(|service| case("resource", &policy, service, &json!({})));
        let logs = bucket(name, "access-logs");
        let of = |account| format!("{logs}/AWSLogs/{account}/elasticloadbalancing/us-east-1/2026/11/24/one.log.gz");
        let actions = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"].map(str::to_owned).into();
        let decisions = evaluate(&cases, &actions, &[of(ACCOUNT), of("999999999999"), logs.clone()].into());
        assert_eq!(decisions, [[decision("Allow", "s3:PutObject", &of(ACCOUNT))].into(), BTreeSet::new()], "{name}");
    }
}
