//! Invariants of the templates.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};

use super::lookup::{all_templates, properties, resources};
use super::support::{stage, template};
use infra::routes::{FUNCTIONS, Trigger};
use infra::stacks::{Input, Kind, all};
use infra::stage::{Egress, Https, Mail, RequireToken, Restore, STAGES, Server, Stage};
use infra::template::logical_id;
use shared::archive::MOST_DAYS;

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
                    assert!(source.template.has_output(name), "{} has no output {name}", source.name);
                }
            }
        }
    }
}

#[test]
fn only_functions_have_egress() {
    for template in all_templates(Kind::Network) {
        for (name, group) in resources(&template, "EC2::SecurityGroup") {
            let ranges = group["SecurityGroupEgress"].as_array().unwrap().iter().map(|rule| &rule["CidrIp"]);
            let nowhere = ranges.eq([&json!("255.255.255.255/32")]);
            let has_tasks = !properties(&template, "TasksGroup").is_null();
            let calls = name == "FunctionsGroup" || has_tasks && ["LoadBalancerGroup", "TasksGroup"].contains(&name);
            assert_eq!(nowhere, !calls, "{name}");
        }
        assert!(properties(&template, "FunctionsGroup")["SecurityGroupIngress"].is_null());
    }
}

#[test]
fn functions_without_nat_reach_only_database_endpoints_and_s3() {
    for (egress, endpoints) in [
        (Egress::Endpoints, &["172.16.3.0/24", "172.16.4.0/24"][..]),
        (Egress::SingleZoneEndpoints, &["172.16.3.0/24"]),
    ] {
        let template = template(&Stage { egress, ..stage("prod") }, Kind::Network);
        let rules = properties(&template, "FunctionsGroup")["SecurityGroupEgress"].as_array().unwrap();
        let (s3, rules) = rules.split_last().unwrap();
        let reached = rules.iter().map(|rule| (rule["CidrIp"].as_str().unwrap(), rule["FromPort"].as_i64().unwrap()));
        let database = ["172.16.5.0/24", "172.16.6.0/24"].map(|range| (range, 3306));
        assert!(reached.eq(database.into_iter().chain(endpoints.iter().map(|range| (*range, 443)))));
        assert_eq!(s3["DestinationPrefixListId"], "pl-63a5400a");
        let subnets = properties(&template, "SqsEndpoint")["SubnetIds"].as_array().unwrap();
        assert_eq!(subnets.len(), endpoints.len());
    }
}

/// Otherwise they would call dual-stack endpoints without an IPv6 route, or not use the only egress that they have.
#[test]
fn functions_use_ipv6_only_with_the_egress_option_ipv6() {
    for egress in Egress::ALL {
        let stage = Stage { egress, ..stage("prod") };
        let network = template(&stage, Kind::Network);
        let gateways = resources(&network, "EC2::EgressOnlyInternetGateway").len();
        assert_eq!(gateways, usize::from(egress == Egress::Ipv6), "{}", egress.name());
        for (name, function) in resources(&template(&stage, Kind::App), "Lambda::Function") {
            if ["EraseAccounts", "ProcessUpload", "SendMail", "ServeCover", "SignIn"].contains(&name) {
                // Outside of the VPC Lambda has IPv4.
                assert!(function["VpcConfig"].is_null(), "{name}");
                assert!(function["Environment"]["Variables"]["AWS_USE_DUALSTACK_ENDPOINT"].is_null(), "{name}");
                continue;
            }
            let (allowed, named) = if gateways == 1 { (true, "true".into()) } else { (false, Value::Null) };
            assert_eq!(function["VpcConfig"]["Ipv6AllowedForDualStack"], allowed, "{name}");
            assert_eq!(function["Environment"]["Variables"]["AWS_USE_DUALSTACK_ENDPOINT"], named, "{name}");
        }
    }
}

/// AWS does not release a range while an old version of a function has an address in it.
#[test]
fn a_change_of_egress_changes_no_subnet_and_no_range() {
    let of = |egress| {
        let network = template(&Stage { egress, ..stage("dev") }, Kind::Network);
        ["EC2::VPC", "EC2::VPCCidrBlock", "EC2::Subnet", "EC2::SubnetCidrBlock", "EC2::SubnetRouteTableAssociation"]
            .map(|kind| json!(resources(&network, kind)))
    };
    let before = of(Egress::Ipv6);
    assert!(before.iter().all(|resources| !resources.as_array().unwrap().is_empty()));
    for egress in Egress::ALL {
        assert_eq!(of(egress), before, "{}", egress.name());
    }
}

#[test]
fn a_single_nat_gateway_serves_both_zones() {
    let mut stage = stage("prod");
    stage.egress = Egress::SingleNat;
    let template = template(&stage, Kind::Network);
    assert_eq!(resources(&template, "EC2::NatGateway").len(), 1);
    for zone in 1..=2 {
        let route = properties(&template, &format!("App{zone}RouteToInternet"));
        assert_eq!(route["NatGatewayId"], json!({ "Ref": "NatGateway1" }));
        assert_eq!(route["RouteTableId"], json!({ "Ref": format!("App{zone}Routes") }));
    }
}

#[test]
fn every_parameter_that_a_function_reads_is_in_a_stack_or_is_written_by_the_deploy() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let templates = [Kind::Data, Kind::App].map(|kind| template(&stage, kind));
        let parameters = templates.iter().flat_map(|template| resources(template, "SSM::Parameter"));
        let names: BTreeSet<_> = parameters.map(|(_, parameter)| parameter["Name"].as_str().unwrap()).collect();
        let secret =
            |name: &str| ["/password", "/submission-key", "/session/private-key"].iter().any(|end| name.ends_with(end));
        assert!(!names.iter().any(|name| secret(name)), "a secret in plain text");
        // It follows from the secret one.
        let is_written = |name: &str| secret(name) || name.ends_with("/session/public-keys");
        for parameter in FUNCTIONS.iter().flat_map(|function| function.parameters(&stage)) {
            assert!(names.contains(parameter.as_str()) || is_written(&parameter), "{parameter}");
        }
    }
}

#[test]
fn the_first_version_and_the_alias_never_change() {
    for template in all_templates(Kind::App) {
        for function in FUNCTIONS {
            let id = logical_id(function.name);
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
fn all_callers_invoke_the_alias() {
    for template in all_templates(Kind::App) {
        for function in FUNCTIONS {
            let id = logical_id(function.name);
            let alias = json!({ "Ref": format!("{id}Live") });
            if !function.routes().is_empty() {
                assert_eq!(properties(&template, &format!("{id}Targets"))["Targets"], json!([{ "Id": alias }]));
                assert_eq!(properties(&template, &format!("{id}Permission"))["FunctionName"], alias);
                let before = &template["Resources"][format!("{id}Targets")]["DependsOn"];
                assert_eq!(before, &json!([format!("{id}Permission")]));
            }
        }
        let sources = resources(&template, "Lambda::EventSourceMapping");
        let consumers = FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Messages(_)));
        let aliases: BTreeSet<_> = consumers.map(|function| logical_id(function.name) + "Live").collect();
        let called = sources.iter().map(|(_, source)| source["FunctionName"]["Ref"].as_str().unwrap().to_owned());
        assert_eq!(called.collect::<BTreeSet<_>>(), aliases);
        for (name, source) in sources {
            assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{name}");
        }
    }
}

#[test]
fn a_failed_import_or_upload_goes_to_a_dead_letter_queue_of_its_own() {
    for template in all_templates(Kind::App) {
        let configs = resources(&template, "Lambda::EventInvokeConfig");
        let names: Vec<&str> = configs.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["ImportCatalogueGivenUp", "ProcessUploadGivenUp"]);
        for (name, config) in configs {
            assert_eq!(config["Qualifier"], "live");
            let destination = &config["DestinationConfig"]["OnFailure"]["Destination"];
            assert_eq!(destination, &json!({ "Ref": "ImportsParkedQueueArn" }), "{name}");
            assert!(config["MaximumRetryAttempts"].is_null(), "Lambda's default is two retries");
        }
    }
}

#[test]
fn every_function_has_reserved_concurrency_on_aws() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let template = template(&stage, Kind::App);
        for function in FUNCTIONS {
            let reserved = &properties(&template, &logical_id(function.name))["ReservedConcurrentExecutions"];
            let expected = (!stage.is_local()).then(|| function.max_concurrency(&stage));
            assert_eq!(reserved, &json!(expected), "{} of {name}", function.name);
        }
    }
}

#[test]
fn queues_are_encrypted_and_keep_messages_for_two_weeks() {
    for template in all_templates(Kind::Data) {
        let sources = ["SubmissionsQueue", "OrdersQueue", "MailsQueue", "BouncesQueue", "ErasuresQueue"];
        let dead_letters =
            ["ParkedQueue", "OrdersParkedQueue", "MailsParkedQueue", "BouncesParkedQueue", "ErasuresParkedQueue"];
        let all = [&sources[..], &dead_letters, &["ImportsParkedQueue"]].concat();
        assert_eq!(resources(&template, "SQS::Queue").len(), all.len());
        for queue in &all {
            assert_eq!(properties(&template, queue)["SqsManagedSseEnabled"], true);
            assert_eq!(properties(&template, queue)["MessageRetentionPeriod"], 1_209_600);
            let policy = properties(&template, &format!("{queue}Policy"));
            assert_eq!(policy["Queues"], json!([{ "Ref": queue }]));
        }
        for (queue, dead_letters) in sources.iter().zip(dead_letters) {
            let redrive = &properties(&template, queue)["RedrivePolicy"];
            assert_eq!(redrive["deadLetterTargetArn"], json!({ "Fn::GetAtt": [dead_letters, "Arn"] }));
        }
        let imports = &properties(&template, "ImportsParkedQueue")["RedriveAllowPolicy"];
        assert_eq!(imports["redrivePermission"], "denyAll", "Lambda alone sends there");
    }
}

/// Scheduler sends no deduplication id: SQS drops a body that it has had within five minutes.
#[test]
fn a_stage_with_a_shop_sends_sweeps_with_a_body_of_its_own_each_in_a_group_of_their_own() {
    for (name, rate) in [("local", "rate(1 minute)"), ("dev", "rate(5 minutes)"), ("prod", "rate(5 minutes)")] {
        let full = Stage::in_full(name).unwrap();
        let app = template(&full, Kind::App);
        let sweep = properties(&app, "Sweep");
        assert_eq!(sweep["ScheduleExpression"], rate);
        let target = &sweep["Target"];
        assert_eq!(target["Arn"], json!({ "Ref": "OrdersQueueArn" }));
        assert_eq!(target["SqsParameters"]["MessageGroupId"], "sweeps");
        let body: Value = serde_json::from_str(target["Input"].as_str().unwrap()).unwrap();
        let expected = json!({ "kind": "sweep.v1", "scheduled_at": "<aws.scheduler.scheduled-time>" });
        assert_eq!(body, expected);
        let role = properties(&app, "SweepRole");
        let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
        assert_eq!(trust["Principal"]["Service"], "scheduler.amazonaws.com");
        assert_eq!(trust["Condition"]["StringEquals"]["aws:SourceAccount"], json!({ "Ref": "AWS::AccountId" }));
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let expected =
            json!({ "Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": { "Ref": "OrdersQueueArn" } });
        assert_eq!(statements[..], [expected]);
        let without = template(&Stage { shop: None, ..full }, Kind::App);
        assert!(resources(&without, "Scheduler::Schedule").is_empty(), "{name}");
    }
}

#[test]
fn mails_are_sent_for_a_verified_identity_whose_domain_is_proved_where_the_stage_has_its_zone_whatever_https_is() {
    let records = |identity: &str, zone: Option<&str>, https: Https| {
        let full = Stage::in_full("prod").unwrap();
        let domain = full.domain.clone().filter(|_| https == Https::Domain);
        let mail = Mail { identity: identity.to_owned(), zone: zone.map(str::to_owned), ..full.mail.clone().unwrap() };
        let stage = Stage { https, domain, mail: Some(mail), ..full };
        let data = template(&stage, Kind::Data);
        assert_eq!(properties(&data, "MailIdentity")["EmailIdentity"], identity);
        let set = json!({ "ConfigurationSetName": { "Ref": "MailConfiguration" } });
        assert_eq!(properties(&data, "MailIdentity")["ConfigurationSetAttributes"], set);
        assert_eq!(properties(&data, "MailConfiguration")["DeliveryOptions"]["TlsPolicy"], "REQUIRE");
        let records = resources(&data, "Route53::RecordSet");
        assert!(records.iter().all(|(_, record)| record["HostedZoneId"].as_str() == zone));
        records.len()
    };
    for https in [Https::Domain, Https::CloudFront, Https::None] {
        for (identity, zone, count) in [
            ("shop.example.org", Some("Z1"), 3),
            ("example.org", Some("Z2"), 3),
            ("example.org", None, 0),
            ("pedidos@shop.example.org", None, 0),
        ] {
            assert_eq!(records(identity, zone, https), count, "{identity} with {}", https.name());
        }
    }
    let without = template(&Stage { mail: None, ..stage("prod") }, Kind::Data);
    assert!(resources(&without, "SES::EmailIdentity").is_empty());
}

/// Such as that of a shop that sends newsletters. CloudFormation cannot create it, and would delete it with the stage.
#[test]
fn an_existing_identity_is_no_part_of_the_stacks_and_its_mails_are_sent_with_the_stages_configuration_set() {
    let full = Stage::in_full("prod").unwrap();
    let mail = Mail { existing_identity: true, zone: None, ..full.mail.clone().unwrap() };
    let stage = Stage { mail: Some(mail), ..full };
    let data = template(&stage, Kind::Data);
    assert!(resources(&data, "SES::EmailIdentity").is_empty() && resources(&data, "Route53::RecordSet").is_empty());
    for kind in ["SES::ConfigurationSet", "SES::ConfigurationSetEventDestination", "SNS::Subscription"] {
        assert_eq!(resources(&data, kind).len(), 1, "{kind}");
    }
    assert_eq!(stage.mail_settings().unwrap().configuration_set, "anaquel-prod-mails");
}

/// SES publishes a message when the destination is created, so the topic's policy exists before.
#[test]
fn bounces_complaints_and_rejections_go_to_their_queue_without_sns_envelope_where_the_stage_sends_mails() {
    for (name, _) in STAGES {
        let full = Stage::in_full(name).unwrap();
        let data = template(&full, Kind::Data);
        let destination = properties(&data, "MailEventDestination");
        assert_eq!(destination["ConfigurationSetName"], json!({ "Ref": "MailConfiguration" }));
        let expected = json!({
            "Enabled": true,
            "MatchingEventTypes": ["bounce", "complaint", "reject"],
            "SnsDestination": { "TopicARN": { "Ref": "MailEvents" } },
        });
        assert_eq!(destination["EventDestination"], expected);
        assert_eq!(data["Resources"]["MailEventDestination"]["DependsOn"], json!(["MailEventsPolicy"]));
        let topic = properties(&data, "MailEvents");
        assert_eq!(topic["KmsMasterKeyId"], json!({ "Ref": "MailEventsKey" }));
        assert!(topic["FifoTopic"].is_null(), "a FIFO topic takes nothing from SES");
        let expected = json!({
            "TopicArn": { "Ref": "MailEvents" },
            "Protocol": "sqs",
            "Endpoint": { "Fn::GetAtt": ["BouncesQueue", "Arn"] },
            "RawMessageDelivery": true,
        });
        assert_eq!(properties(&data, "MailEventsToQueue"), &expected);

        let without = template(&Stage { mail: None, ..full }, Kind::Data);
        for kind in ["SNS::Topic", "SNS::Subscription", "KMS::Key", "SES::ConfigurationSetEventDestination"] {
            assert!(resources(&without, kind).is_empty(), "{kind} of {name}");
        }
        let policy = &properties(&without, "BouncesQueuePolicy")["PolicyDocument"]["Statement"];
        assert_eq!(policy.as_array().unwrap().len(), 1, "{name}");
    }
}

/// SQS accepts only a FIFO queue as the dead-letter queue of one, and Scheduler only one that needs no deduplication id.
#[test]
fn the_order_queue_and_its_dead_letter_queue_are_fifo_with_high_throughput() {
    for (name, _) in STAGES {
        let template = template(&stage(name), Kind::Data);
        for (queue, physical) in [("OrdersQueue", "orders.fifo"), ("OrdersParkedQueue", "orders-parked.fifo")] {
            let queue = properties(&template, queue);
            assert_eq!(queue["QueueName"], format!("anaquel-{name}-{physical}"));
            assert_eq!((&queue["FifoQueue"], &queue["ContentBasedDeduplication"]), (&json!(true), &json!(true)));
            assert_eq!(queue["DeduplicationScope"], "messageGroup");
            assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId");
        }
        for queue in
            ["SubmissionsQueue", "ParkedQueue", "MailsQueue", "MailsParkedQueue", "BouncesQueue", "BouncesParkedQueue"]
        {
            assert!(properties(&template, queue)["FifoQueue"].is_null(), "{queue}");
        }
    }
}

#[test]
fn buckets_are_private_and_encrypted() {
    for (kind, bucket) in [
        (Kind::Bootstrap, "ArtifactBucket"),
        (Kind::Data, "AccessLogs"),
        (Kind::Data, "ArchiveBucket"),
        (Kind::App, "ImportBucket"),
        (Kind::App, "FilesBucket"),
    ] {
        for template in all_templates(kind) {
            let policy = properties(&template, &format!("{bucket}Policy"));
            assert_eq!(policy["Bucket"], json!({ "Ref": bucket }));
            let bucket = properties(&template, bucket);
            let access = bucket["PublicAccessBlockConfiguration"].as_object().unwrap();
            assert!(access.len() == 4 && access.values().all(|blocked| blocked == true));
            assert!(bucket["BucketEncryption"].is_object());
        }
    }
}

/// Messages have what visitors typed, and an erasure removes theirs only where it finds them.
#[test]
fn archived_messages_are_gone_after_their_days_with_all_versions_and_markers() {
    for template in all_templates(Kind::Data) {
        let bucket = properties(&template, "ArchiveBucket");
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled");
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap();
        let [messages, markers] = &rules[..] else { panic!("{rules:?}") };
        assert_eq!(messages["ExpirationInDays"], 35);
        assert_eq!(markers["NoncurrentVersionExpiration"]["NoncurrentDays"], 5);
        assert_eq!(markers["ExpiredObjectDeleteMarker"], true);
        assert!(messages["Prefix"].is_null() && markers["Prefix"].is_null(), "of all folders");
    }
    // S3 extends both times to the next midnight.
    assert_eq!(MOST_DAYS, 35 + 5 + 2);
    for (text, promise) in [
        (include_str!("../../../frontend/translations/en/shop.ftl"), "up to 42 days"),
        (include_str!("../../../frontend/translations/es/shop.ftl"), "42 días como máximo"),
        (include_str!("../../../docs/runbook.md"), "42 days at most"),
        (include_str!("../../../docs/decisions/0025-an-archive-of-decided-messages.md"), "42 days at most"),
        (include_str!("../../../docs/costs.md"), "kept for 42 days"),
    ] {
        assert!(text.contains(promise), "{promise}");
    }
}

#[test]
fn uploads_and_checked_files_expire_and_served_files_are_kept_until_they_are_removed() {
    for template in all_templates(Kind::App) {
        let bucket = properties(&template, "FilesBucket");
        let rules = bucket["LifecycleConfiguration"]["Rules"].as_array().unwrap().clone();
        let expiring = rules.iter().filter(|rule| !rule["ExpirationInDays"].is_null());
        let prefixes: Vec<_> = expiring.map(|rule| rule["Prefix"].as_str().unwrap_or_default().to_owned()).collect();
        assert_eq!(prefixes, ["uploads/", "checked/", "results/"]);
        let removes_markers = |rule: &Value| rule["ExpiredObjectDeleteMarker"] == true && rule["Prefix"].is_null();
        assert!(rules.iter().any(removes_markers), "nothing is left of a removed file");
        // CloudFormation asks for one of these in each rule, and S3 refuses an expiration beside the removal of markers.
        let actions = [
            "AbortIncompleteMultipartUpload",
            "ExpirationDate",
            "ExpirationInDays",
            "NoncurrentVersionExpiration",
            "NoncurrentVersionTransitions",
            "Transitions",
        ];
        for rule in &rules {
            assert!(actions.iter().any(|action| !rule[action].is_null()), "{rule}");
            assert!(rule["ExpiredObjectDeleteMarker"].is_null() || rule["ExpirationInDays"].is_null(), "{rule}");
        }
        let notified = &bucket["NotificationConfiguration"]["LambdaConfigurations"];
        let filter = &notified[0]["Filter"]["S3Key"]["Rules"];
        assert_eq!(filter, &json!([{ "Name": "prefix", "Value": "uploads/" }]), "nothing that the function writes");
        assert_eq!(notified.as_array().unwrap().len(), 1);
    }
}

#[test]
fn rds_manages_the_password_of_the_database_and_its_deletion_leaves_a_snapshot() {
    for name in ["dev", "prod"] {
        let template = template(&stage(name), Kind::Data);
        assert_eq!(properties(&template, "Database")["ManageMasterUserPassword"], true);
        assert_eq!(template["Resources"]["Database"]["DeletionPolicy"], "Snapshot");
        assert_eq!(template["Resources"]["Database"]["UpdateReplacePolicy"], "Snapshot");
    }
}

/// Collects the paths at which two values differ: `Resources/Database/Properties/DBName`.
fn differences(one: &Value, other: &Value, path: &str, found: &mut BTreeSet<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()) {
                let [one, other] = [one, other].map(|map| map.get(key).unwrap_or(&Value::Null));
                differences(one, other, &format!("{path}/{key}"), found);
            }
        }
        _ if one != other => _ = found.insert(path.trim_start_matches('/').to_owned()),
        _ => {}
    }
}

/// Paths that a restore changes in the templates of production.
fn changed_by(generation: u16, restore: Restore) -> BTreeSet<String> {
    let before = stage("prod");
    let mut after = before.clone();
    let Server::Rds(server) = &mut after.database.server else { panic!("no RDS instance") };
    (server.generation, server.restore) = (generation, Some(restore));
    let mut found = BTreeSet::new();
    for kind in Kind::of(&before) {
        differences(&template(&before, kind), &template(&after, kind), kind.name(), &mut found);
    }
    found
}

#[test]
fn a_restore_changes_only_the_instance_its_name_and_its_logs() {
    let at = || "2026-11-24T09:30:00Z".to_owned();
    let database = "data/Resources/Database/Properties";
    // RDS rejects the properties that come from the backup.
    let common = ["DBInstanceIdentifier", "DBName", "MasterUsername", "StorageEncrypted"];
    let logs = ["Error", "Slowquery"].map(|log| format!("data/Resources/Database{log}Logs/Properties/LogGroupName"));
    for (restore, sources) in [
        (Restore::Snapshot("last".to_owned()), &["DBSnapshotIdentifier"][..]),
        (
            Restore::Instance { name: "anaquel-prod-database".to_owned(), at: at() },
            &["RestoreTime", "SourceDBInstanceIdentifier"],
        ),
        (
            Restore::AutomatedBackups { resource_id: "db-1".to_owned(), at: at() },
            &["RestoreTime", "SourceDbiResourceId"],
        ),
    ] {
        let properties = common.iter().chain(sources).map(|property| format!("{database}/{property}"));
        assert_eq!(changed_by(2, restore), properties.chain(logs.clone()).collect::<BTreeSet<_>>());
    }
}

#[test]
fn the_name_of_a_restored_instance_differs_from_its_source_and_the_previous_instance() {
    let named = |generation, restore| {
        let mut stage = stage("prod");
        let Server::Rds(server) = &mut stage.database.server else { panic!("no RDS instance") };
        (server.generation, server.restore) = (generation, restore);
        properties(&template(&stage, Kind::Data), "Database").clone()
    };
    let mut before = named(1, None)["DBInstanceIdentifier"].as_str().unwrap().to_owned();
    assert_eq!(before, "anaquel-prod-database");
    // A second restore of the first one's result.
    for generation in [2, 3] {
        let source = Restore::Instance { name: before.clone(), at: "2026-11-24T09:30:00Z".to_owned() };
        let restored = named(generation, Some(source));
        let name = restored["DBInstanceIdentifier"].as_str().unwrap().to_owned();
        assert_eq!(restored["SourceDBInstanceIdentifier"], before.as_str());
        assert_ne!(name, before);
        before = name;
    }
}

#[test]
fn production_data_is_protected_from_deletion() {
    let stacks = all(&stage("prod")).unwrap();
    for kind in [Kind::Data, Kind::App] {
        assert!(stacks.iter().find(|stack| stack.kind == kind).unwrap().protect, "{}", kind.name());
    }
    let data = template(&stage("prod"), Kind::Data);
    assert_eq!(data["Resources"]["ArchiveBucket"]["DeletionPolicy"], "RetainExceptOnCreate");
    let app = template(&stage("prod"), Kind::App);
    for bucket in ["ImportBucket", "FilesBucket"] {
        assert_eq!(app["Resources"][bucket]["DeletionPolicy"], "RetainExceptOnCreate");
        assert_eq!(app["Resources"][bucket]["UpdateReplacePolicy"], "Retain");
    }
}

#[test]
fn a_replica_follows_the_primary_and_has_nothing_of_its_own_to_lose() {
    let mut stage = Stage::in_full("prod").unwrap();
    stage.database.replicas = 2;
    let data = template(&stage, Kind::Data);
    for number in [1, 2] {
        let id = format!("DatabaseReplica{number}");
        let replica = properties(&data, &id);
        assert_eq!(replica["SourceDBInstanceIdentifier"], json!({ "Ref": "Database" }));
        assert_eq!(replica["DBInstanceIdentifier"], format!("anaquel-prod-database-replica-{number}"));
        for same in ["DBInstanceClass", "DBParameterGroupName", "VPCSecurityGroups", "EnableIAMDatabaseAuthentication"]
        {
            assert_eq!(replica[same], properties(&data, "Database")[same], "{same}");
        }
        // RDS refuses these for a replica, or takes them from the primary.
        for absent in [
            "DBName",
            "MasterUsername",
            "MasterUserPassword",
            "DBSubnetGroupName",
            "StorageEncrypted",
            "AllocatedStorage",
        ] {
            assert!(replica[absent].is_null(), "{absent}");
        }
        assert_eq!(data["Resources"][&id]["DeletionPolicy"], "Delete", "RDS takes no snapshot of a replica");
    }
    let endpoints = (1..=2).map(|number| {
        format!("${{DatabaseReplica{number}.Endpoint.Address}}:${{DatabaseReplica{number}.Endpoint.Port}}")
    });
    let endpoints = endpoints.collect::<Vec<_>>().join(",");
    assert_eq!(properties(&data, "DatabaseReplicasParameter")["Value"]["Fn::Sub"], endpoints);
    assert_eq!(properties(&data, "DatabaseSettings")["Parameters"]["event_scheduler"], "ON", "for the heartbeat");
}

#[test]
fn the_password_of_a_primary_with_replicas_is_in_a_secret_of_the_stage_that_no_template_contains() {
    let data = template(&Stage::in_full("prod").unwrap(), Kind::Data);
    let database = properties(&data, "Database");
    assert_eq!(database["ManageMasterUserPassword"], false, "RDS would make no replica");
    assert_eq!(
        database["MasterUserPassword"]["Fn::Sub"],
        "{{resolve:secretsmanager:${MasterLogin}:SecretString:password}}"
    );
    let generated = &properties(&data, "MasterLogin")["GenerateSecretString"];
    // As RDS's own secret, which `migrate-database` reads.
    assert_eq!(generated["SecretStringTemplate"], r#"{"username":"anaquel_admin"}"#);
    assert_eq!(generated["GenerateStringKey"], "password");
    assert!(generated["PasswordLength"].as_u64().is_some_and(|length| (30..=41).contains(&length)));
    assert_eq!(properties(&data, "DatabaseAdminSecretParameter")["Value"], json!({ "Ref": "MasterLogin" }));
}

/// The emulator rejects a template with an unknown resource type.
#[test]
fn the_local_stage_uses_only_resource_types_of_the_emulator() {
    let supported = [
        "ApiGatewayV2::Api",
        "ApiGatewayV2::Authorizer",
        "ApiGatewayV2::Integration",
        "ApiGatewayV2::Route",
        "ApiGatewayV2::Stage",
        "Cognito::UserPool",
        "Cognito::UserPoolClient",
        "Cognito::UserPoolDomain",
        "Cognito::UserPoolResourceServer",
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
        "KMS::Key",
        "Lambda::Alias",
        "Lambda::EventInvokeConfig",
        "Lambda::EventSourceMapping",
        "Lambda::Function",
        "Lambda::Permission",
        "Lambda::Version",
        "Logs::LogGroup",
        "S3::Bucket",
        "S3::BucketPolicy",
        "SES::ConfigurationSet",
        "SES::ConfigurationSetEventDestination",
        "SES::EmailIdentity",
        "SNS::Subscription",
        "SNS::Topic",
        "SNS::TopicPolicy",
        "SQS::Queue",
        "SQS::QueuePolicy",
        "SSM::Parameter",
        "Scheduler::Schedule",
    ];
    let stage = stage("local");
    for kind in Kind::of(&stage) {
        let template = template(&stage, kind);
        for (name, resource) in template["Resources"].as_object().unwrap() {
            let r#type = resource["Type"].as_str().unwrap();
            assert!(supported.contains(&r#type.trim_start_matches("AWS::")), "{name} is an {type}");
        }
    }
}

/// What the shop's own pages read from the API, without a token: in `data-poll` and in `fetch`.
fn asked_by_pages() -> BTreeSet<String> {
    let frontend = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend");
    let files =
        ["templates", "assets"].into_iter().flat_map(|directory| fs::read_dir(frontend.join(directory)).unwrap());
    let texts = files.filter_map(|file| fs::read_to_string(file.unwrap().path()).ok());
    let addresses = |text: String| {
        let starts = ["data-poll=\"/api/", "fetch(`/api/"].into_iter().flat_map(|mark| text.split(mark).skip(1));
        let ends = starts.map(|rest| rest.split(['"', '?', '`']).next().unwrap().replace("{{ id }}", "*"));
        ends.map(|path| format!("/api/{path}")).collect::<Vec<_>>()
    };
    texts.flat_map(addresses).collect()
}

#[test]
fn where_all_of_the_api_needs_a_token_the_load_balancer_has_what_pages_read_and_no_more() {
    let mut stage = Stage { containers: None, ..Stage::in_full("prod").unwrap() };
    let patterns = |stage: &Stage| {
        let app = template(stage, Kind::App);
        let mut patterns = BTreeSet::new();
        for (_, rule) in resources(&app, "ElasticLoadBalancingV2::ListenerRule") {
            let conditions = rule["Conditions"].as_array().unwrap();
            let values =
                |field: &str| conditions.iter().find(|condition| condition["Field"] == field).map(Value::to_string);
            let paths = values("path-pattern").unwrap_or_default();
            let is_read = values("http-request-method").unwrap_or_default().contains("GET");
            let of_api = paths.split('"').filter(|text| text.starts_with("/api/"));
            patterns.extend(of_api.map(|path| (path.to_owned(), is_read)));
        }
        patterns
    };
    assert!(patterns(&stage).len() > 10);
    stage.api_gateway.as_mut().unwrap().require_token = RequireToken::All;
    let asked = asked_by_pages();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!(patterns(&stage), asked.into_iter().map(|path| (path, true)).collect());
}

#[test]
fn a_scope_to_read_allows_no_route_that_writes() {
    let mut stage = Stage::in_full("prod").unwrap();
    stage.api_gateway.as_mut().unwrap().require_token = RequireToken::All;
    let gateway = template(&stage, Kind::ApiGateway);
    let mut scopes_of_writes = BTreeSet::new();
    for (id, route) in resources(&gateway, "ApiGatewayV2::Route") {
        let scopes: Vec<&str> =
            route["AuthorizationScopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if route["RouteKey"].as_str().unwrap().starts_with("POST ") {
            assert_eq!(scopes.len(), 1, "{id}");
            scopes_of_writes.insert(scopes[0].to_owned());
        }
    }
    assert_eq!(scopes_of_writes, BTreeSet::from(["shop/orders", "shop/submissions"].map(str::to_owned)));
}

/// Of the app stack without its outputs, the resources whose text differs.
fn changed(before: &Stage, after: &Stage) -> (BTreeSet<String>, BTreeSet<String>) {
    let [before, after] =
        [before, after].map(|stage| template(stage, Kind::App)["Resources"].as_object().unwrap().clone());
    let added = after.keys().filter(|id| !before.contains_key(*id)).cloned().collect();
    let others = before.iter().filter(|(id, resource)| after.get(*id) != Some(*resource));
    (added, others.map(|(id, _)| id.clone()).collect())
}

#[test]
fn a_switch_between_functions_and_containers_adds_or_removes_rules_and_changes_nothing_else() {
    let on_fargate = Stage::in_full("prod").unwrap();
    let on_lambda = on_fargate.on_lambda();
    let rules = BTreeSet::from(["ApiContainersRule", "PagesContainersRule"].map(str::to_owned));
    assert_eq!(changed(&on_lambda, &on_fargate), (rules.clone(), BTreeSet::new()));
    assert_eq!(changed(&on_fargate, &on_lambda), (BTreeSet::new(), rules));
    for kind in Kind::of(&on_lambda).filter(|kind| *kind != Kind::App) {
        assert_eq!(template(&on_lambda, kind), template(&on_fargate, kind), "{}", kind.name());
    }
    let all = |stage: Stage| {
        let mut stage = stage;
        stage.api_gateway.as_mut().unwrap().require_token = RequireToken::All;
        stage
    };
    let (added, others) = changed(&all(on_lambda), &all(on_fargate));
    assert!(added.contains("NoApiRule") && others.is_empty(), "{added:?}, {others:?}");
}

/// The load balancer reaches tasks on one port, and nothing else does; tasks reach what functions reach.
#[test]
fn only_the_load_balancer_reaches_tasks_and_tasks_reach_the_database() {
    for egress in [Egress::Endpoints, Egress::SingleZoneEndpoints, Egress::SingleNat, Egress::NatPerZone] {
        let stage = Stage { egress, ..Stage::in_full("prod").unwrap() };
        let network = template(&stage, Kind::Network);
        let tasks = properties(&network, "TasksGroup");
        let ingress = tasks["SecurityGroupIngress"].as_array().unwrap();
        let from = (&ingress[0]["SourceSecurityGroupId"]["Ref"], &ingress[0]["FromPort"], &ingress[0]["ToPort"]);
        assert_eq!((ingress.len(), from), (1, (&json!("LoadBalancerGroup"), &json!(8080), &json!(8080))));
        assert_eq!(tasks["SecurityGroupEgress"], properties(&network, "FunctionsGroup")["SecurityGroupEgress"]);
        let of_database = properties(&network, "DatabaseGroup")["SecurityGroupIngress"].to_string();
        assert!(of_database.contains("\"TasksGroup\"") && of_database.contains("\"FunctionsGroup\""));
        let endpoints: Vec<String> = resources(&network, "EC2::VPCEndpoint")
            .into_iter()
            .filter_map(|(_, endpoint)| {
                Some(endpoint["ServiceName"]["Fn::Sub"].as_str()?.rsplit_once("Region}.")?.1.to_owned())
            })
            .collect();
        let has_endpoints = matches!(egress, Egress::Endpoints | Egress::SingleZoneEndpoints);
        for service in ["ecr.api", "ecr.dkr", "logs"] {
            assert_eq!(endpoints.iter().any(|endpoint| endpoint == service), has_endpoints, "{service}");
        }
        let containers = template(&stage, Kind::Containers);
        for (id, service) in resources(&containers, "ECS::Service") {
            let network = &service["NetworkConfiguration"]["AwsvpcConfiguration"];
            assert_eq!(network["AssignPublicIp"], "DISABLED", "{id}");
            assert_eq!(network["SecurityGroups"], json!([{ "Ref": "TasksGroup" }]), "{id}");
        }
        for (id, task) in resources(&containers, "ECS::TaskDefinition") {
            let container = &task["ContainerDefinitions"][0];
            assert_eq!(container["ReadonlyRootFilesystem"], true, "{id}");
            assert_eq!(container["Image"], json!({ "Ref": "Image" }), "{id}");
        }
    }
}

/// The role of a service has what its functions have, and nothing of those that stay with Lambda.
#[test]
fn a_task_may_do_what_its_functions_may_and_no_more() {
    let stage = Stage::in_full("prod").unwrap();
    let app = template(&stage, Kind::App);
    for service in infra::containers::Service::ALL {
        let role = properties(&app, &format!("{}TaskRole", logical_id(service.name())));
        let statements = role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap();
        let granted = |statements: &[Value], action: &str| -> BTreeSet<String> {
            let of_action = statements.iter().filter(|statement| statement["Action"].to_string().contains(action));
            let resources = of_action.flat_map(|statement| match &statement["Resource"] {
                Value::Array(all) => all.clone(),
                one => vec![one.clone()],
            });
            resources.map(|resource| resource.to_string()).collect()
        };
        for action in
            ["ssm:GetParameters", "rds-db:connect", "sqs:SendMessage", "s3:GetObject", "s3:PutObject", "s3:ListBucket"]
        {
            let of_functions: BTreeSet<String> = service
                .functions()
                .flat_map(|function| {
                    let role = properties(&app, &format!("{}Role", logical_id(function.name)));
                    granted(role["Policies"][0]["PolicyDocument"]["Statement"].as_array().unwrap(), action)
                })
                .collect();
            assert_eq!(granted(statements, action), of_functions, "{action} of {}", service.name());
        }
        let text = role.to_string();
        assert!(!text.contains("private-key") && !text.contains("cognito-idp") && !text.contains("ec2:"), "{text}");
    }
}
