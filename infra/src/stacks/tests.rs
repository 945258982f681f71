//! What has to stay true of the templates, whatever else changes in them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::routes::{Access, FUNCTIONS, Function, Trigger};
use crate::stage::{Egress, STAGES, Stage};
use crate::template::logical;

fn stage(name: &str) -> Stage {
    Stage::load(name).unwrap()
}

fn template(stage: &Stage, kind: Kind) -> Value {
    let stack = all(stage).unwrap().into_iter().find(|stack| stack.kind == kind).expect("a stack of each kind");
    serde_json::to_value(&stack.template).unwrap()
}

/// The stack of this kind in every stage.
fn everywhere(kind: Kind) -> impl Iterator<Item = Value> {
    STAGES.iter().map(move |(name, _)| template(&stage(name), kind))
}

/// Names and properties of the resources of one type, such as `EC2::Subnet`.
fn resources<'a>(template: &'a Value, r#type: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let ours = resources.filter(|(_, resource)| resource["Type"] == format!("AWS::{type}"));
    ours.map(|(name, resource)| (name.as_str(), &resource["Properties"])).collect()
}

fn properties<'a>(template: &'a Value, name: &str) -> &'a Value {
    &template["Resources"][name]["Properties"]
}

fn statements<'a>(template: &'a Value, function: &Function) -> &'a Vec<Value> {
    let role = properties(template, &format!("{}Role", logical(function.name)));
    role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap()
}

/// The resources of a statement, without region and account.
fn resource_names(resource: &Value) -> Vec<String> {
    match resource {
        Value::Array(resources) => resources.iter().flat_map(resource_names).collect(),
        Value::Object(call) => {
            let (_, argument) = call.iter().next().expect("an intrinsic function");
            let text = argument.as_str().or(argument[0].as_str()).expect("a name");
            vec![text.replace("arn:${AWS::Partition}:", "").replace("${AWS::Region}:${AWS::AccountId}:", "")]
        }
        text => vec![text.as_str().unwrap().to_owned()],
    }
}

/// What a function may do on which resource, apart from logs and network interfaces, which all have.
fn rights(template: &Value, function: &Function) -> BTreeSet<String> {
    let mut rights = BTreeSet::new();
    for statement in statements(template, function) {
        for action in statement["Action"].as_array().unwrap() {
            let action = action.as_str().unwrap();
            if statement["Effect"] == "Allow" && !action.starts_with("ec2:") && !action.starts_with("logs:") {
                let resources = resource_names(&statement["Resource"]);
                rights.extend(resources.iter().map(|resource| format!("{action} {resource}")));
            }
        }
    }
    rights
}

#[test]
fn every_parameter_has_a_source_in_an_earlier_stack() {
    for (name, _) in STAGES {
        let stacks = all(&stage(name)).unwrap();
        for (at, stack) in stacks.iter().enumerate() {
            let template = serde_json::to_value(&stack.template).unwrap();
            let parameters = template["Parameters"].as_object().unwrap().keys();
            assert!(parameters.eq(stack.inputs.keys()), "{}", stack.name);
            for input in stack.inputs.values() {
                if let Input::Output { stack: source, name } = input {
                    let source = stacks[..at].iter().find(|earlier| earlier.kind == *source).expect("an earlier stack");
                    assert!(source.template.has_output(name), "{} puts out no {name}", source.name);
                }
            }
        }
    }
}

#[test]
fn six_subnets_lie_in_two_zones() {
    for template in everywhere(Kind::Network) {
        let subnets = resources(&template, "EC2::Subnet");
        let ranges: BTreeSet<_> = subnets.iter().map(|(_, subnet)| subnet["CidrBlock"].as_str().unwrap()).collect();
        let expected = (1..=6).map(|number| format!("172.16.{number}.0/24"));
        assert!(ranges.into_iter().eq(expected));
        for zone in [0, 1] {
            let zone = json!({ "Fn::Select": [zone, { "Fn::GetAZs": "" }] });
            assert_eq!(subnets.iter().filter(|(_, subnet)| subnet["AvailabilityZone"] == zone).count(), 3);
        }
    }
}

#[test]
fn data_subnets_have_no_way_out() {
    let table = json!({ "Ref": "DataRoutes" });
    for template in everywhere(Kind::Network) {
        for subnet in ["DataSubnet1", "DataSubnet2"] {
            assert_eq!(properties(&template, &format!("{subnet}Routes"))["RouteTableId"], table);
        }
        assert!(resources(&template, "EC2::Route").iter().all(|(_, route)| route["RouteTableId"] != table));
        for (_, endpoint) in resources(&template, "EC2::VPCEndpoint") {
            assert!(!endpoint["RouteTableIds"].as_array().is_some_and(|tables| tables.contains(&table)));
        }
    }
}

#[test]
fn the_database_admits_the_functions_on_3306_and_nothing_else() {
    for template in everywhere(Kind::Network) {
        let rule = json!([{
            "IpProtocol": "tcp",
            "FromPort": 3306,
            "ToPort": 3306,
            "SourceSecurityGroupId": { "Ref": "FunctionsGroup" },
            "Description": "functions",
        }]);
        assert_eq!(properties(&template, "DatabaseGroup")["SecurityGroupIngress"], rule);
    }
}

#[test]
fn nobody_but_the_functions_calls_out() {
    for template in everywhere(Kind::Network) {
        for (name, group) in resources(&template, "EC2::SecurityGroup") {
            let ranges = group["SecurityGroupEgress"].as_array().unwrap().iter().map(|rule| &rule["CidrIp"]);
            let nowhere = ranges.eq([&json!("255.255.255.255/32")]);
            assert_eq!(nowhere, name != "FunctionsGroup", "{name}");
        }
        assert!(properties(&template, "FunctionsGroup")["SecurityGroupIngress"].is_null());
    }
}

#[test]
fn functions_without_nat_reach_only_database_endpoints_and_s3() {
    let mut stage = stage("prod");
    stage.egress = Egress::Endpoints;
    let template = template(&stage, Kind::Network);
    let rules = properties(&template, "FunctionsGroup")["SecurityGroupEgress"].as_array().unwrap();
    let reached = rules.iter().map(|rule| (rule["CidrIp"].as_str(), rule["FromPort"].as_i64().unwrap()));
    assert!(reached.eq([
        (Some("172.16.5.0/24"), 3306),
        (Some("172.16.6.0/24"), 3306),
        (Some("172.16.3.0/24"), 443),
        (Some("172.16.4.0/24"), 443),
        (None, 443),
    ]));
    assert_eq!(rules[4]["DestinationPrefixListId"], "pl-63a5400a");
}

#[test]
fn a_row_grants_exactly_these_rights() {
    let prod = stage("prod");
    let app = template(&prod, Kind::App);
    let may = |name: &str, expected: &[&str]| {
        let function = FUNCTIONS.iter().find(|function| function.name == name).expect("a row");
        let parameters = function.parameters(&prod);
        let parameters = parameters.iter().map(|parameter| format!("ssm:GetParameters ssm:parameter{parameter}"));
        let expected: BTreeSet<_> = expected.iter().map(ToString::to_string).chain(parameters).collect();
        assert_eq!(rights(&app, function), expected, "{name}");
    };
    may("show-book", &["rds-db:connect rds-db:dbuser:${DatabaseResourceId}/anaquel_reader"]);
    may("submit-rating", &["sqs:SendMessage SubmissionsQueueArn"]);
    may(
        "process-submissions",
        &[
            "rds-db:connect rds-db:dbuser:${DatabaseResourceId}/anaquel_writer",
            "sqs:SendMessage ParkedQueueArn",
            "sqs:ReceiveMessage SubmissionsQueueArn",
            "sqs:DeleteMessage SubmissionsQueueArn",
            "sqs:GetQueueAttributes SubmissionsQueueArn",
        ],
    );
    may(
        "import-catalogue",
        &[
            "rds-db:connect rds-db:dbuser:${DatabaseResourceId}/anaquel_writer",
            "s3:GetObject s3:::anaquel-prod-imports-${AWS::AccountId}-${AWS::Region}/*",
            "s3:PutObject s3:::anaquel-prod-imports-${AWS::AccountId}-${AWS::Region}/*",
        ],
    );
    may("migrate-database", &["secretsmanager:GetSecretValue MasterSecretArn"]);
}

#[test]
fn no_function_has_a_right_that_its_row_does_not_grant() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let app = template(&stage, Kind::App);
        for function in FUNCTIONS {
            let granted = [
                ("ssm", !function.parameters(&stage).is_empty()),
                ("rds-db", function.database.is_some_and(|access| access != Access::Admin)),
                ("secretsmanager", function.database == Some(Access::Admin)),
                ("sqs", !function.queue.is_empty() || matches!(function.trigger, Trigger::Submissions)),
                ("s3", function.bucket.is_some()),
            ];
            for right in rights(&app, function) {
                let service = right.split(':').next().unwrap();
                assert!(granted.contains(&(service, true)), "{} of {name} may {right}", function.name);
            }
        }
    }
}

#[test]
fn a_function_writes_to_no_log_but_its_own() {
    for template in everywhere(Kind::App) {
        for function in FUNCTIONS {
            let id = logical(function.name);
            let logs = &statements(&template, function)[0];
            assert_eq!(logs["Action"], json!(["logs:CreateLogStream", "logs:PutLogEvents"]));
            assert_eq!(logs["Resource"], json!({ "Fn::GetAtt": [format!("{id}Logs"), "Arn"] }));
        }
    }
}

#[test]
fn only_network_interfaces_are_granted_everywhere() {
    for template in everywhere(Kind::App) {
        for function in FUNCTIONS {
            for statement in statements(&template, function).iter().filter(|statement| statement["Resource"] == "*") {
                let mut actions = statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap());
                assert!(actions.all(|action| action.starts_with("ec2:")), "{}", function.name);
            }
        }
    }
}

#[test]
fn every_parameter_that_a_function_reads_is_made_by_the_data_stack_or_is_a_secret() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let template = template(&stage, Kind::Data);
        let made = resources(&template, "SSM::Parameter");
        let made: BTreeSet<_> = made.iter().map(|(_, parameter)| parameter["Name"].as_str().unwrap()).collect();
        let secret = |name: &str| name.ends_with("/password") || name.ends_with("/submission-key");
        assert!(!made.iter().any(|name| secret(name)), "a secret in plain text");
        for parameter in FUNCTIONS.iter().flat_map(|function| function.parameters(&stage)) {
            assert!(made.contains(parameter.as_str()) || secret(&parameter), "{parameter}");
        }
    }
}

#[test]
fn no_release_changes_the_first_version_or_the_alias() {
    for template in everywhere(Kind::App) {
        for function in FUNCTIONS {
            let id = logical(function.name);
            let version = &template["Resources"][format!("{id}FirstVersion")];
            assert_eq!(version["Properties"], json!({ "FunctionName": { "Ref": id } }));
            assert_eq!(version["DeletionPolicy"], "Retain");
            assert_eq!(version["UpdateReplacePolicy"], "Retain");
            let alias = json!({
                "Name": "live",
                "FunctionName": { "Ref": id },
                "FunctionVersion": { "Fn::GetAtt": [format!("{id}FirstVersion"), "Version"] },
            });
            assert_eq!(properties(&template, &format!("{id}Live")), &alias);
        }
    }
}

#[test]
fn everything_calls_the_alias() {
    for template in everywhere(Kind::App) {
        for function in FUNCTIONS {
            let id = logical(function.name);
            let alias = json!({ "Ref": format!("{id}Live") });
            if !function.routes().is_empty() {
                assert_eq!(properties(&template, &format!("{id}Targets"))["Targets"], json!([{ "Id": alias }]));
                assert_eq!(properties(&template, &format!("{id}Permission"))["FunctionName"], alias);
                let before = &template["Resources"][format!("{id}Targets")]["DependsOn"];
                assert_eq!(before, &json!([format!("{id}Permission")]));
            }
        }
        let [(_, source)] = resources(&template, "Lambda::EventSourceMapping")[..] else { panic!("one queue") };
        assert_eq!(source["FunctionName"], json!({ "Ref": "ProcessSubmissionsLive" }));
        assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    }
}

#[test]
fn database_functions_reserve_their_concurrency_on_aws() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let template = template(&stage, Kind::App);
        for function in FUNCTIONS {
            let reserved = &properties(&template, &logical(function.name))["ReservedConcurrentExecutions"];
            let expected = if stage.is_local() { None } else { function.copies(&stage) };
            assert_eq!(reserved, &json!(expected), "{} of {name}", function.name);
        }
    }
}

#[test]
fn queues_are_encrypted_keep_messages_for_two_weeks_and_refuse_plain_http() {
    for template in everywhere(Kind::Data) {
        for queue in ["SubmissionsQueue", "ParkedQueue"] {
            assert_eq!(properties(&template, queue)["SqsManagedSseEnabled"], true);
            assert_eq!(properties(&template, queue)["MessageRetentionPeriod"], 1_209_600);
            let policy = properties(&template, &format!("{queue}Policy"));
            assert_eq!(policy["Queues"], json!([{ "Ref": queue }]));
            refuses_plain_http(policy);
        }
        let redrive = &properties(&template, "SubmissionsQueue")["RedrivePolicy"];
        assert_eq!(redrive["deadLetterTargetArn"], json!({ "Fn::GetAtt": ["ParkedQueue", "Arn"] }));
    }
}

#[test]
fn buckets_are_private_and_encrypted_and_refuse_plain_http() {
    for (kind, bucket) in [(Kind::Bootstrap, "ArtifactBucket"), (Kind::App, "ImportBucket")] {
        for template in everywhere(kind) {
            let policy = properties(&template, &format!("{bucket}Policy"));
            let bucket = properties(&template, bucket);
            let access = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
            assert!(access.len() == 4 && access.values().all(|blocked| blocked == true));
            assert!(bucket["BucketEncryption"].is_object());
            refuses_plain_http(policy);
        }
    }
}

fn refuses_plain_http(policy: &Value) {
    let statement = &policy["PolicyDocument"]["Statement"][0];
    assert_eq!(statement["Effect"], "Deny");
    assert_eq!(statement["Principal"], "*");
    assert_eq!(statement["Condition"], json!({ "Bool": { "aws:SecureTransport": "false" } }));
}

#[test]
fn a_database_on_aws_is_private_and_encrypted_and_leaves_a_snapshot() {
    for name in ["dev", "prod"] {
        let template = template(&stage(name), Kind::Data);
        let database = properties(&template, "Database");
        for (property, expected) in [
            ("PubliclyAccessible", false),
            ("StorageEncrypted", true),
            ("ManageMasterUserPassword", true),
            ("EnableIAMDatabaseAuthentication", true),
            ("DeletionProtection", name == "prod"),
            ("MultiAZ", name == "prod"),
        ] {
            assert_eq!(database[property], expected, "{property} of {name}");
        }
        assert_eq!(template["Resources"]["Database"]["DeletionPolicy"], "Snapshot");
        assert_eq!(template["Resources"]["Database"]["UpdateReplacePolicy"], "Snapshot");
    }
}

#[test]
fn production_data_is_hard_to_delete() {
    let stacks = all(&stage("prod")).unwrap();
    let data = stacks.iter().find(|stack| stack.kind == Kind::Data).unwrap();
    assert!(data.termination_protection);
    let app = template(&stage("prod"), Kind::App);
    assert_eq!(app["Resources"]["ImportBucket"]["DeletionPolicy"], "RetainExceptOnCreate");
    assert_eq!(app["Resources"]["ImportBucket"]["UpdateReplacePolicy"], "Retain");
}

/// The emulator refuses a template with a type that it does not know.
#[test]
fn the_local_stage_needs_only_what_the_emulator_has() {
    let known = [
        "EC2::InternetGateway",
        "EC2::Route",
        "EC2::RouteTable",
        "EC2::SecurityGroup",
        "EC2::Subnet",
        "EC2::SubnetRouteTableAssociation",
        "EC2::VPC",
        "EC2::VPCEndpoint",
        "EC2::VPCGatewayAttachment",
        "ElasticLoadBalancingV2::Listener",
        "ElasticLoadBalancingV2::ListenerRule",
        "ElasticLoadBalancingV2::LoadBalancer",
        "ElasticLoadBalancingV2::TargetGroup",
        "IAM::Role",
        "Lambda::Alias",
        "Lambda::EventSourceMapping",
        "Lambda::Function",
        "Lambda::Permission",
        "Lambda::Version",
        "Logs::LogGroup",
        "S3::Bucket",
        "S3::BucketPolicy",
        "SQS::Queue",
        "SQS::QueuePolicy",
        "SSM::Parameter",
    ];
    for kind in [Kind::Bootstrap, Kind::Network, Kind::Data, Kind::App] {
        let template = template(&stage("local"), kind);
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let r#type = resource["Type"].as_str().unwrap();
            assert!(known.contains(&r#type.trim_start_matches("AWS::")), "{name} is an {type}");
        }
    }
}
