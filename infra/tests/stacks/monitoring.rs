//! Invariants of alarms, dashboard, budget and notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use shared::metrics::{COLD_START, DATABASE_TIME, INVOCATIONS, NAMESPACE, NEW_MESSAGES};

use super::lookup::{properties, resources};
use super::support::{stage, template};
use infra::routes::{FUNCTIONS, Queue};
use infra::stacks::Kind;
use infra::stage::{Https, STAGES, Stage};

/// The existing metrics: namespace, dimensions and names.
const METRICS: [(&str, &[&str], &[&str]); 11] = [
    ("AWS/Route53", &["HealthCheckId"], &["HealthCheckStatus"]),
    ("AWS/ApplicationELB", &["TargetGroup", "LoadBalancer"], &["HealthyHostCount"]),
    ("AWS/ApiGateway", &["ApiId"], &["5xx", "Count", "Latency"]),
    ("AWS/CloudFront", &["DistributionId", "Region"], &["5xxErrorRate"]),
    ("AWS/ApplicationELB", &["LoadBalancer"], &["HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count", "RequestCount"]),
    ("AWS/Lambda", &["FunctionName"], &["Duration", "Errors", "Throttles"]),
    (
        "AWS/RDS",
        &["DBInstanceIdentifier"],
        &["CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "FreeableMemory", "ReplicaLag"],
    ),
    ("AWS/SQS", &["QueueName"], &["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"]),
    ("AWS/SES", &[], &["Reputation.BounceRate", "Reputation.ComplaintRate"]),
    (NAMESPACE, &["Function"], &[COLD_START, DATABASE_TIME, NEW_MESSAGES]),
    (NAMESPACE, &["Function", "Outcome"], &[INVOCATIONS]),
];

/// Every stage on AWS with monitoring, and its operations template.
fn monitored() -> impl Iterator<Item = (Stage, Value)> {
    let in_full = |name: &str| Stage::in_full(name).unwrap();
    let behind_cloudfront = move |name| Stage { https: Https::CloudFront, domain: None, ..in_full(name) };
    ["dev", "prod"].into_iter().flat_map(move |name| [behind_cloudfront(name), in_full(name)]).map(|stage| {
        let template = template(&stage, Kind::Operations);
        (stage, template)
    })
}

fn alarms(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "CloudWatch::Alarm")
}

/// The runbook section that an alarm links to.
fn section(alarm: &Value) -> &str {
    let description = alarm["AlarmDescription"].as_str().unwrap();
    description.split_once(". See docs/runbook.md#").expect("a link").1
}

/// Anchors of the sections below "Alarms" in the runbook.
fn sections() -> BTreeSet<String> {
    let runbook = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbook.md")).unwrap();
    let (_, alarms) = runbook.split_once("\n## Alarms\n").expect("a chapter of alarms");
    let alarms = alarms.split("\n## ").next().unwrap();
    let titles = alarms.lines().filter_map(|line| line.strip_prefix("### "));
    titles.map(|title| title.to_lowercase().replace(' ', "-")).collect()
}

/// The metrics of all graphs: namespace, name, then dimensions and their values.
fn graph_metrics(template: &Value) -> Vec<Vec<String>> {
    let body = dashboard(template);
    let graphs = body["widgets"].as_array().unwrap().iter().filter(|widget| widget["type"] == "metric");
    let lines = graphs.flat_map(|graph| graph["properties"]["metrics"].as_array().unwrap().clone());
    let lines = lines.filter(|line| line[0].is_string());
    lines
        .map(|line| line.as_array().unwrap().iter().filter_map(|part| part.as_str().map(str::to_owned)).collect())
        .collect()
}

fn dashboard(template: &Value) -> Value {
    let body = &properties(template, "Dashboard")["DashboardBody"]["Fn::Sub"];
    serde_json::from_str(body.as_str().unwrap()).expect("JSON")
}

/// The metrics of all alarms, in the same format.
fn alarm_metrics(template: &Value) -> Vec<Vec<String>> {
    let metrics = alarms(template).into_iter().flat_map(|(_, alarm)| match alarm["Metrics"].as_array() {
        Some(queries) => queries.iter().filter_map(|query| query["MetricStat"].get("Metric")).collect(),
        None => vec![alarm],
    });
    let text = |value: &Value| value.as_str().or_else(|| value["Fn::Sub"].as_str()).expect("a text").to_owned();
    let line = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
        let dimensions = dimensions.flat_map(|dimension| [text(&dimension["Name"]), text(&dimension["Value"])]);
        [text(&metric["Namespace"]), text(&metric["MetricName"])].into_iter().chain(dimensions).collect()
    };
    metrics.map(line).collect()
}

#[test]
fn every_alarm_links_to_a_section_of_the_runbook_and_every_section_has_an_alarm() {
    for (stage, template) in monitored() {
        let mut linked: BTreeSet<_> = alarms(&template).iter().map(|(_, alarm)| section(alarm).to_owned()).collect();
        assert_eq!(resources(&template, "Budgets::Budget").len(), 1);
        linked.insert("budget".to_owned());
        let mut sections = sections();
        assert!(sections.remove("cloudfront-5xx"));
        assert_eq!(linked.remove("cloudfront-5xx"), stage.has_cloudfront(), "{}", stage.name);
        assert!(sections.remove("failover"));
        assert_eq!(linked.remove("failover"), stage.domain_in_use().is_some(), "{}", stage.name);
        assert!(sections.remove("tasks"));
        assert_eq!(linked.remove("tasks"), stage.containers.is_some(), "{}", stage.name);
        assert!(sections.remove("sign-in-failures"));
        assert_eq!(linked.remove("sign-in-failures"), stage.has_sign_in(), "{}", stage.name);
        assert_eq!(linked, sections, "{}", stage.name);
    }
}

#[test]
fn alarms_and_graphs_use_existing_metrics_of_this_stage() {
    for (stage, template) in monitored() {
        let functions = FUNCTIONS.iter().map(|function| stage.physical(function.name));
        let mut values: BTreeSet<_> = functions.chain(Queue::ALL.map(|queue| stage.physical(queue.name()))).collect();
        values.extend(
            [
                "${ApiGatewayId}",
                "${HealthCheckId}",
                "${PagesTasksName}",
                "${ApiTasksName}",
                "${LoadBalancerName}",
                "${DistributionId}",
                "Global",
                "${DatabaseName}",
                "unavailable",
                "failed",
            ]
            .map(str::to_owned),
        );
        values.insert("${DatabaseReplica1Name}".to_owned());
        for metric in graph_metrics(&template).into_iter().chain(alarm_metrics(&template)) {
            let [namespace, name, dimensions @ ..] = &metric[..] else { panic!("{metric:?}") };
            let keys: Vec<_> = dimensions.iter().step_by(2).map(String::as_str).collect();
            let exists = METRICS.iter().any(|(space, under, names)| {
                space == namespace && *under == &keys[..] && names.contains(&name.as_str())
            });
            assert!(exists, "{metric:?}");
            assert!(dimensions.iter().skip(1).step_by(2).all(|value| values.contains(value)), "{metric:?}");
        }
    }
}

#[test]
fn every_function_has_graphs_and_all_except_manual_ones_have_alarms() {
    for (stage, template) in monitored() {
        let drawn: BTreeSet<_> =
            graph_metrics(&template).into_iter().map(|line| line[..4.min(line.len())].to_vec()).collect();
        for function in FUNCTIONS {
            let name = stage.physical(function.name);
            for metric in ["Errors", "Throttles"] {
                assert!(
                    drawn.contains(&["AWS/Lambda", metric, "FunctionName", &name].map(str::to_owned)[..]),
                    "{name}"
                );
            }
            assert!(drawn.contains(&[NAMESPACE, COLD_START, "Function", &name].map(str::to_owned)[..]), "{name}");
        }
        let looked_at: BTreeSet<_> = alarm_metrics(&template).into_iter().collect();
        let has_alarm = |metric: &str, function: &str| {
            looked_at
                .contains(&["AWS/Lambda", metric, "FunctionName", &stage.physical(function)].map(str::to_owned)[..])
        };
        for function in FUNCTIONS {
            let is_manual = ["run-staff-task", "migrate-database"].contains(&function.name);
            assert_eq!(has_alarm("Errors", function.name), !is_manual, "{}", function.name);
            assert_eq!(has_alarm("Duration", function.name), function.serves_http(), "{}", function.name);
            assert_eq!(has_alarm("Throttles", function.name), function.serves_http(), "{}", function.name);
        }
    }
}

#[test]
fn the_dashboard_shows_the_state_of_every_alarm_except_new_messages() {
    for (_, template) in monitored() {
        let shown = &dashboard(&template)["widgets"][0]["properties"]["alarms"];
        let shown: BTreeSet<_> = shown.as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()).collect();
        let problems = alarms(&template).into_iter().filter(|(_, alarm)| section(alarm) != "new-message");
        assert_eq!(shown, problems.map(|(name, _)| format!("${{{name}.Arn}}")).collect());
    }
}

#[test]
fn graphs_do_not_overlap_and_fit_the_width_of_the_dashboard() {
    for (_, template) in monitored() {
        let mut taken = BTreeSet::new();
        for widget in dashboard(&template)["widgets"].as_array().unwrap() {
            let [x, y, width, height] = ["x", "y", "width", "height"].map(|key| widget[key].as_u64().unwrap());
            assert!(x + width <= 24, "{widget}");
            for place in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
                assert!(taken.insert(place), "{widget}");
            }
        }
    }
}

#[test]
fn alarms_notify_their_end_except_new_messages() {
    let topic = json!([{ "Ref": "Notices" }]);
    for (_, template) in monitored() {
        for (name, alarm) in alarms(&template) {
            assert_eq!(alarm["AlarmActions"], topic, "{name}");
            let end = if section(alarm) == "new-message" { &Value::Null } else { &topic };
            assert_eq!(&alarm["OKActions"], end, "{name}");
        }
    }
}

#[test]
fn thresholds_of_database_alarms_follow_the_size_of_the_database() {
    let thresholds = |name| {
        let template = template(&Stage::in_full(name).unwrap(), Kind::Operations);
        ["DatabaseConnectionsAlarm", "DatabaseStorageAlarm"]
            .map(|alarm| properties(&template, alarm)["Threshold"].as_f64().unwrap())
    };
    assert_eq!(thresholds("prod").map(f64::to_bits), [675.0, 5.0 * 1_073_741_824.0].map(f64::to_bits));
    assert_eq!(thresholds("dev").map(f64::to_bits), [85.0, 1_073_741_824.0].map(f64::to_bits));
}

/// The thresholds are below those from which AWS reviews an account, and the rates are fractions.
#[test]
fn the_rates_for_which_aws_pauses_an_account_have_alarms_where_the_stage_sends_mails() {
    for (stage, _) in monitored() {
        let without_mails = Stage { mail: None, ..stage.clone() };
        for (stage, sends) in [(stage, true), (without_mails, false)] {
            let template = template(&stage, Kind::Operations);
            for (id, metric, threshold) in [
                ("BounceRateAlarm", "Reputation.BounceRate", 0.03),
                ("ComplaintRateAlarm", "Reputation.ComplaintRate", 0.0008),
            ] {
                let found = alarms(&template).into_iter().find(|(name, _)| *name == id);
                assert_eq!(found.is_some(), sends, "{id} of {}", stage.name);
                let Some((_, alarm)) = found else { continue };
                assert_eq!((&alarm["Namespace"], &alarm["MetricName"]), (&json!("AWS/SES"), &json!(metric)));
                assert_eq!(alarm["Threshold"].as_f64().map(f64::to_bits), Some(f64::to_bits(threshold)), "{id}");
                assert_eq!((&alarm["Dimensions"], &alarm["Period"]), (&Value::Null, &json!(3600)), "{id}");
                assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold", "{id}");
            }
        }
    }
}

#[test]
fn missing_data_is_breaching_for_the_database_only_and_keeps_the_state_of_rates_that_ses_publishes_rarely() {
    for (_, template) in monitored() {
        for (name, alarm) in alarms(&template) {
            let expected = match name {
                "DatabaseCpuAlarm" | "Replica1CpuAlarm" | "PagesTasksAlarm" | "ApiTasksAlarm" | "FailoverAlarm" => {
                    "breaching"
                }
                "BounceRateAlarm" | "ComplaintRateAlarm" => "ignore",
                _ => "notBreaching",
            };
            assert_eq!(alarm["TreatMissingData"], expected, "{name}");
        }
    }
}

#[test]
fn error_rates_count_five_errors_at_once_or_any_that_recur_and_are_within_the_limit_of_metrics() {
    for (_, template) in monitored() {
        for (alarm, condition, breaching, periods) in [
            ("Answers5xxAlarm", "IF(FILL(own, 0) + FILL(targets, 0) >= 5, ", 1, 1),
            ("Answers5xxRecurringAlarm", "IF(FILL(own, 0) + FILL(targets, 0) > 0, ", 3, 5),
        ] {
            let rate = properties(&template, alarm);
            let queries = rate["Metrics"].as_array().unwrap();
            assert!(queries[0]["Expression"].as_str().unwrap().starts_with(condition), "{alarm}");
            assert!(queries.len() <= 10);
            let ids: Vec<_> = queries.iter().map(|query| query["Id"].as_str().unwrap()).collect();
            assert_eq!(ids, ["rate", "own", "targets", "requests"]);
            assert_eq!((&rate["DatapointsToAlarm"], &rate["EvaluationPeriods"]), (&json!(breaching), &json!(periods)));
        }
    }
}

/// From its third delivery on, SQS leaves a message out of the age of the oldest.
#[test]
fn submissions_that_fail_each_minute_raise_an_alarm_whatever_sqs_reports_of_their_age() {
    for (stage, template) in monitored() {
        let alarm = properties(&template, "SubmissionRetriesAlarm");
        assert_eq!((&alarm["Namespace"], &alarm["MetricName"]), (&json!(NAMESPACE), &json!(INVOCATIONS)));
        let dimensions = json!([
            { "Name": "Function", "Value": stage.physical("process-submissions") },
            { "Name": "Outcome", "Value": "unavailable" },
        ]);
        assert_eq!(alarm["Dimensions"], dimensions);
        let rule = ["Threshold", "Period", "DatapointsToAlarm", "EvaluationPeriods"].map(|key| alarm[key].as_f64());
        assert_eq!(rule, [0.0, 60.0, 3.0, 5.0].map(Some));
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    }
}

/// A shop with a few sign-ins a day has no two failures within minutes, and never as many as the error rates require.
#[test]
fn sign_ins_that_fail_twice_within_an_hour_raise_an_alarm_where_people_can_sign_in() {
    for (stage, template) in monitored() {
        let found = alarms(&template).into_iter().find(|(name, _)| *name == "SignInFailuresAlarm");
        assert_eq!(found.is_some(), stage.has_sign_in(), "{}", stage.name);
        let Some((_, alarm)) = found else { continue };
        let dimensions = json!([
            { "Name": "Function", "Value": stage.physical("sign-in") },
            { "Name": "Outcome", "Value": "unavailable" },
        ]);
        assert_eq!((&alarm["MetricName"], &alarm["Dimensions"]), (&json!(INVOCATIONS), &dimensions));
        let rule = ["Threshold", "Period", "DatapointsToAlarm", "EvaluationPeriods"].map(|key| alarm[key].as_f64());
        assert_eq!(rule, [1.0, 3600.0, 1.0, 1.0].map(Some));
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    }
}

#[test]
fn only_alarms_of_the_stage_and_budgets_of_the_account_publish_to_the_topic_and_use_its_key() {
    for (stage, template) in monitored() {
        let policy = &properties(&template, "NoticesPolicy")["PolicyDocument"]["Statement"];
        assert_eq!((&policy[0]["Effect"], &policy[0]["Action"]), (&json!("Deny"), &json!("sns:Publish")));
        let sources: BTreeMap<_, _> = policy.as_array().unwrap()[1..]
            .iter()
            .map(|statement| {
                let source = &statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"];
                (statement["Principal"]["Service"].as_str().unwrap(), source.as_str().unwrap().to_owned())
            })
            .collect();
        let alarms = format!(
            "arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:anaquel-{}-*",
            stage.name
        );
        let budgets = "arn:${AWS::Partition}:budgets::${AWS::AccountId}:*".to_owned();
        let expected = [("budgets.amazonaws.com", budgets), ("cloudwatch.amazonaws.com", alarms)];
        assert_eq!(sources, expected.into());

        assert_eq!(properties(&template, "Notices")["KmsMasterKeyId"], json!({ "Ref": "NoticesKey" }));
        let key = &properties(&template, "NoticesKey")["KeyPolicy"]["Statement"][1];
        assert_eq!(key["Principal"]["Service"], json!(["cloudwatch.amazonaws.com", "budgets.amazonaws.com"]));
        assert_eq!(key["Action"], json!(["kms:Decrypt", "kms:GenerateDataKey"]));
    }
}

#[test]
fn the_budget_notifies_at_50_80_and_100_percent_and_of_forecasts() {
    for (stage, template) in monitored() {
        let budget = properties(&template, "Budget");
        let limit = budget["Budget"]["BudgetLimit"]["Amount"].as_f64();
        assert_eq!(limit, stage.monitoring.as_ref().map(|monitoring| f64::from(monitoring.budget_usd)));
        let notifications = budget["NotificationsWithSubscribers"].as_array().unwrap().iter().map(|entry| {
            assert_eq!(entry["Subscribers"], json!([{ "Address": { "Ref": "Notices" }, "SubscriptionType": "SNS" }]));
            let notification = &entry["Notification"];
            format!("{} {}", notification["NotificationType"].as_str().unwrap(), notification["Threshold"])
        });
        assert!(notifications.eq(["ACTUAL 50.0", "ACTUAL 80.0", "ACTUAL 100.0", "FORECASTED 100.0"]));
    }
}

#[test]
fn a_stage_has_monitoring_and_a_subscription_only_if_its_file_enables_them() {
    let subscriptions = |stage: &Stage| resources(&template(stage, Kind::Operations), "SNS::Subscription").len();
    let mut stage = Stage::in_full("prod").unwrap();
    assert_eq!(subscriptions(&stage), 1);
    stage.monitoring.as_mut().unwrap().email = None;
    assert_eq!(subscriptions(&stage), 0);
    assert_eq!(alarms(&template(&stage, Kind::Operations)).len(), alarms(&monitored().last().unwrap().1).len());

    stage.operations = false;
    let alone = template(&stage, Kind::Operations);
    assert!(resources(&alone, "IAM::Role").is_empty() && !alarms(&alone).is_empty());
    stage.monitoring = None;
    assert!(Kind::of(&stage).all(|kind| kind != Kind::Operations));
}

#[test]
fn functions_are_traced_if_the_stage_enables_tracing() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let app = template(&stage, Kind::App);
        for (function, properties) in resources(&app, "Lambda::Function") {
            let mode = stage.tracing.then_some("Active");
            assert_eq!(properties["TracingConfig"]["Mode"], json!(mode), "{function} of {name}");
        }
    }
}

#[test]
fn each_replica_has_the_alarms_of_the_primary_and_one_about_its_lag_or_its_end() {
    for (mut stage, _) in monitored() {
        stage.database.replicas = 2;
        let template = template(&stage, Kind::Operations);
        for number in [1, 2] {
            let name = |alarm: &str| format!("Replica{number}{alarm}Alarm");
            for alarm in ["Cpu", "Connections", "Memory", "Storage"] {
                let replica = properties(&template, &name(alarm));
                let primary = properties(&template, &format!("Database{alarm}Alarm"));
                assert_eq!(replica["Threshold"], primary["Threshold"], "{alarm}");
                assert_eq!(replica["Dimensions"][0]["Value"]["Fn::Sub"], format!("${{DatabaseReplica{number}Name}}"));
            }
            let lag = properties(&template, &name("Lag"));
            assert_eq!(
                lag["Metrics"][0]["Expression"], "IF(lag < 0, 86400, lag)",
                "-1 is a replica that does not replicate"
            );
            assert_eq!(lag["Metrics"][1]["MetricStat"]["Metric"]["MetricName"], "ReplicaLag");
            assert_eq!((&lag["Threshold"], &lag["EvaluationPeriods"]), (&json!(60.0), &json!(3)));
        }
    }
}
