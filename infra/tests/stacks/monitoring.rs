//! What has to stay true of alarms, dashboard and notices: all lead somewhere, and nothing goes unwatched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use shared::metrics::{COLD_START, DATABASE_TIME, INVOCATIONS, NAMESPACE, NEW_MESSAGES};

use super::lookup::{properties, resources};
use super::support::{stage, template};
use infra::routes::FUNCTIONS;
use infra::stacks::Kind;
use infra::stage::{STAGES, Stage};

/// The metrics that there are, with the dimensions under which they are told.
const KNOWN: [(&str, &[&str], &[&str]); 6] = [
    ("AWS/ApplicationELB", &["LoadBalancer"], &["HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count", "RequestCount"]),
    ("AWS/Lambda", &["FunctionName"], &["Duration", "Errors", "Throttles"]),
    (
        "AWS/RDS",
        &["DBInstanceIdentifier"],
        &["CPUUtilization", "DatabaseConnections", "FreeStorageSpace", "FreeableMemory"],
    ),
    ("AWS/SQS", &["QueueName"], &["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"]),
    (NAMESPACE, &["Function"], &[COLD_START, DATABASE_TIME, NEW_MESSAGES]),
    (NAMESPACE, &["Function", "Outcome"], &[INVOCATIONS]),
];

/// Every stage on AWS, watched.
fn watched() -> impl Iterator<Item = (Stage, Value)> {
    ["dev", "prod"].into_iter().map(|name| {
        let stage = Stage::in_full(name).unwrap();
        let template = template(&stage, Kind::Operations);
        (stage, template)
    })
}

fn alarms(template: &Value) -> Vec<(&str, &Value)> {
    resources(template, "CloudWatch::Alarm")
}

/// The section of the runbook that an alarm leads to.
fn section(alarm: &Value) -> &str {
    let description = alarm["AlarmDescription"].as_str().unwrap();
    description.split_once(". See docs/runbook.md#").expect("a link").1
}

/// The sections below "Alarms" in the runbook, as links name them.
fn sections() -> BTreeSet<String> {
    let runbook = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbook.md")).unwrap();
    let (_, alarms) = runbook.split_once("\n## Alarms\n").expect("a chapter of alarms");
    let alarms = alarms.split("\n## ").next().unwrap();
    let titles = alarms.lines().filter_map(|line| line.strip_prefix("### "));
    titles.map(|title| title.to_lowercase().replace(' ', "-")).collect()
}

/// The lines of all graphs: namespace, name, then dimensions and their values.
fn drawn(template: &Value) -> Vec<Vec<String>> {
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

/// The same of alarms.
fn looked_at(template: &Value) -> Vec<Vec<String>> {
    let metrics = alarms(template).into_iter().flat_map(|(_, alarm)| match alarm["Metrics"].as_array() {
        Some(queries) => queries.iter().filter_map(|query| query["MetricStat"].get("Metric")).collect(),
        None => vec![alarm],
    });
    let text = |value: &Value| value.as_str().or_else(|| value["Fn::Sub"].as_str()).expect("a text").to_owned();
    let line = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().unwrap().iter();
        let dimensions = dimensions.flat_map(|dimension| [text(&dimension["Name"]), text(&dimension["Value"])]);
        [text(&metric["Namespace"]), text(&metric["MetricName"])].into_iter().chain(dimensions).collect()
    };
    metrics.map(line).collect()
}

#[test]
fn every_alarm_leads_to_a_section_of_the_runbook_and_every_section_has_one() {
    for (stage, template) in watched() {
        let mut led_to: BTreeSet<_> = alarms(&template).iter().map(|(_, alarm)| section(alarm).to_owned()).collect();
        assert_eq!(resources(&template, "Budgets::Budget").len(), 1);
        led_to.insert("budget".to_owned());
        assert_eq!(led_to, sections(), "{}", stage.name);
    }
}

#[test]
fn alarms_and_graphs_are_of_metrics_of_this_stage_that_there_are() {
    for (stage, template) in watched() {
        let functions = FUNCTIONS.iter().map(|function| stage.physical(function.name));
        let mut values: BTreeSet<_> = functions.chain(["submissions", "parked"].map(|it| stage.physical(it))).collect();
        values.extend(["${LoadBalancerName}", "${DatabaseName}", "unavailable", "failed"].map(str::to_owned));
        for metric in drawn(&template).into_iter().chain(looked_at(&template)) {
            let [namespace, name, dimensions @ ..] = &metric[..] else { panic!("{metric:?}") };
            let keys: Vec<_> = dimensions.iter().step_by(2).map(String::as_str).collect();
            let known = KNOWN.iter().any(|(space, under, names)| {
                space == namespace && *under == &keys[..] && names.contains(&name.as_str())
            });
            assert!(known, "{metric:?}");
            assert!(dimensions.iter().skip(1).step_by(2).all(|value| values.contains(value)), "{metric:?}");
        }
    }
}

#[test]
fn every_function_is_drawn_and_those_that_nobody_waits_for_by_hand_have_alarms() {
    for (stage, template) in watched() {
        let drawn: BTreeSet<_> = drawn(&template).into_iter().map(|line| line[..4.min(line.len())].to_vec()).collect();
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
        let looked_at: BTreeSet<_> = looked_at(&template).into_iter().collect();
        let watches = |metric: &str, function: &str| {
            looked_at
                .contains(&["AWS/Lambda", metric, "FunctionName", &stage.physical(function)].map(str::to_owned)[..])
        };
        for function in FUNCTIONS {
            let by_hand = ["run-staff-task", "migrate-database"].contains(&function.name);
            assert_eq!(watches("Errors", function.name), !by_hand, "{}", function.name);
            assert_eq!(watches("Duration", function.name), function.serves_http(), "{}", function.name);
            assert_eq!(watches("Throttles", function.name), function.serves_http(), "{}", function.name);
        }
    }
}

#[test]
fn the_dashboard_shows_the_state_of_every_alarm_of_trouble() {
    for (_, template) in watched() {
        let shown = &dashboard(&template)["widgets"][0]["properties"]["alarms"];
        let shown: BTreeSet<_> = shown.as_array().unwrap().iter().map(|arn| arn.as_str().unwrap().to_owned()).collect();
        let trouble = alarms(&template).into_iter().filter(|(_, alarm)| section(alarm) != "new-message");
        assert_eq!(shown, trouble.map(|(name, _)| format!("${{{name}.Arn}}")).collect());
    }
}

#[test]
fn no_graph_lies_over_another_or_leaves_the_page() {
    for (_, template) in watched() {
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
fn trouble_is_told_with_its_end_and_a_message_only_once() {
    let topic = json!([{ "Ref": "Notices" }]);
    for (_, template) in watched() {
        for (name, alarm) in alarms(&template) {
            assert_eq!(alarm["AlarmActions"], topic, "{name}");
            let end = if section(alarm) == "new-message" { &Value::Null } else { &topic };
            assert_eq!(&alarm["OKActions"], end, "{name}");
        }
    }
}

/// Figures that the alarms share with the stage.
#[test]
fn the_databases_alarms_are_as_large_as_the_database() {
    let thresholds = |name| {
        let template = template(&Stage::in_full(name).unwrap(), Kind::Operations);
        ["DatabaseConnectionsAlarm", "DatabaseStorageAlarm"]
            .map(|alarm| properties(&template, alarm)["Threshold"].as_f64().unwrap())
    };
    assert_eq!(thresholds("prod").map(f64::to_bits), [540.0, 5.0 * 1_073_741_824.0].map(f64::to_bits));
    assert_eq!(thresholds("dev").map(f64::to_bits), [72.0, 1_073_741_824.0].map(f64::to_bits));
}

#[test]
fn a_silent_database_is_trouble_and_a_shop_without_visitors_is_none() {
    for (_, template) in watched() {
        for (name, alarm) in alarms(&template) {
            let silence = if name == "DatabaseCpuAlarm" { "breaching" } else { "notBreaching" };
            assert_eq!(alarm["TreatMissingData"], silence, "{name}");
        }
    }
}

#[test]
fn two_failed_requests_are_no_alarm_and_no_expression_has_more_metrics_than_an_alarm_takes() {
    for (_, template) in watched() {
        let rate = properties(&template, "Answers5xxAlarm");
        let queries = rate["Metrics"].as_array().unwrap();
        assert!(queries[0]["Expression"].as_str().unwrap().starts_with("IF(FILL(own, 0) + FILL(targets, 0) >= 5, "));
        assert!(queries.len() <= 10);
        let ids: Vec<_> = queries.iter().map(|query| query["Id"].as_str().unwrap()).collect();
        assert_eq!(ids, ["rate", "own", "targets", "requests"]);
    }
}

#[test]
fn only_alarms_of_the_stage_and_the_accounts_budgets_write_to_the_topic_and_may_use_its_key() {
    for (stage, template) in watched() {
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
fn the_budget_tells_at_half_at_four_fifths_at_all_and_beforehand() {
    for (stage, template) in watched() {
        let budget = properties(&template, "Budget");
        let limit = budget["Budget"]["BudgetLimit"]["Amount"].as_f64();
        assert_eq!(limit, stage.monitoring.as_ref().map(|watch| f64::from(watch.budget_usd)));
        let told = budget["NotificationsWithSubscribers"].as_array().unwrap().iter().map(|told| {
            assert_eq!(told["Subscribers"], json!([{ "Address": { "Ref": "Notices" }, "SubscriptionType": "SNS" }]));
            let told = &told["Notification"];
            format!("{} {}", told["NotificationType"].as_str().unwrap(), told["Threshold"])
        });
        assert!(told.eq(["ACTUAL 50.0", "ACTUAL 80.0", "ACTUAL 100.0", "FORECASTED 100.0"]));
    }
}

#[test]
fn a_stage_is_watched_and_mails_are_sent_only_where_its_file_says_so() {
    let subscriptions = |stage: &Stage| resources(&template(stage, Kind::Operations), "SNS::Subscription").len();
    let mut stage = Stage::in_full("prod").unwrap();
    assert_eq!(subscriptions(&stage), 1);
    stage.monitoring.as_mut().unwrap().email = None;
    assert_eq!(subscriptions(&stage), 0);
    assert_eq!(alarms(&template(&stage, Kind::Operations)).len(), alarms(&watched().last().unwrap().1).len());

    stage.operations = false;
    let alone = template(&stage, Kind::Operations);
    assert!(resources(&alone, "IAM::Role").is_empty() && !alarms(&alone).is_empty());
    stage.monitoring = None;
    assert!(Kind::of(&stage).all(|kind| kind != Kind::Operations));
}

#[test]
fn functions_are_traced_where_the_stage_says_so() {
    for (name, _) in STAGES {
        let stage = stage(name);
        let app = template(&stage, Kind::App);
        for (function, properties) in resources(&app, "Lambda::Function") {
            let mode = stage.tracing.then_some("Active");
            assert_eq!(properties["TracingConfig"]["Mode"], json!(mode), "{function} of {name}");
        }
    }
}
