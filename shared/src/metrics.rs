//! Metrics of each invocation, in CloudWatch's embedded metric format: a log line that names which of its fields are
//! metrics. Nothing is called, and nothing waits.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::{
    env,
    io::{self, Write},
    sync::{
        LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use time::OffsetDateTime;

/// The CloudWatch namespace of the metrics.
pub const NAMESPACE: &str = "Anaquel";
/// By function.
pub const COLD_START: &str = "ColdStart";
/// By function, in milliseconds.
pub const DATABASE_TIME: &str = "DatabaseTime";
/// By function and outcome.
pub const INVOCATIONS: &str = "Invocations";
/// By function: stored messages of visitors.
pub const NEW_MESSAGES: &str = "NewMessages";

/// The metrics of one function.
pub struct Metrics {
    /// `anaquel-prod-show-book`: the stage is part of it.
    function: String,
    /// Whether nothing was invoked yet in this process.
    cold: AtomicBool,
}

/// How an invocation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum InvocationStatus {
    Ok,
    /// An error of the caller: 4xx.
    Refused,
    /// A dependency did not answer: 503, or messages that are retried.
    Unavailable,
    /// A defect, or an event that failed.
    Failed,
}

impl InvocationStatus {
    pub fn of_status(status: u16) -> Self {
        match status {
            503 => Self::Unavailable,
            500.. => Self::Failed,
            400.. => Self::Refused,
            _ => Self::Ok,
        }
    }
}

impl Metrics {
    /// Of the function that this process is.
    pub fn from_env() -> Self {
        Self::of(function())
    }

    /// Of the function with this name.
    pub fn of(function: String) -> Self {
        Self { function, cold: AtomicBool::new(true) }
    }

    /// Writes the log line that ends an invocation. `fields` are for readers of the log.
    pub fn record(
        &self,
        status: InvocationStatus,
        began: Instant,
        in_database: Duration,
        message: &str,
        fields: &impl Serialize,
    ) {
        let cold = self.cold.swap(false, Ordering::Relaxed);
        write(&line(&self.function, status, cold, began.elapsed(), in_database, message, fields));
    }
}

/// Counts a stored message; an alarm on the metric sends an e-mail. The line holds no personal data.
pub fn message_arrived() {
    write(&arrival(&function()));
}

fn function() -> String {
    env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default()
}

/// An error of standard output cannot be reported.
fn write(line: &impl Serialize) {
    let Ok(mut line) = serde_json::to_vec(line) else { return };
    line.push(b'\n');
    let _ = io::stdout().lock().write_all(&line);
}

fn arrival(function: &str) -> Value {
    json!({
        "level": "INFO",
        "message": "A visitor wrote to the shop",
        "Function": function,
        (NEW_MESSAGES): 1,
        "_aws": metadata(&json!([directive(&["Function"], &[(NEW_MESSAGES, "Count")])])),
    })
}

fn metadata(directives: &Value) -> Value {
    json!({
        "Timestamp": now(),
        "CloudWatchMetrics": directives,
    })
}

/// Dimensions of some metrics, and each metric with its unit.
fn directive(dimensions: &[&str], metrics: &[(&str, &str)]) -> Value {
    let metrics: Vec<_> = metrics.iter().map(|(name, unit)| json!({ "Name": name, "Unit": unit })).collect();
    json!({ "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics })
}

/// The line of an invocation. It is written for each, so it has no map: the names of its members are those of the metrics, which a
/// test compares.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line<'a, F> {
    #[serde(rename = "level")]
    level: &'static str,
    #[serde(rename = "message")]
    message: &'a str,
    function: &'a str,
    outcome: InvocationStatus,
    invocations: u8,
    cold_start: u8,
    duration: f64,
    database_time: f64,
    #[serde(rename = "_aws")]
    aws: Metadata<'a>,
    #[serde(flatten)]
    fields: &'a F,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    timestamp: i128,
    cloud_watch_metrics: &'a RawValue,
}

/// The metrics of a line, which are the same in each.
static DIRECTIVES: LazyLock<Box<RawValue>> = LazyLock::new(|| {
    let directives = json!([
        directive(&["Function"], &[(COLD_START, "Count"), (DATABASE_TIME, "Milliseconds")]),
        directive(&["Function", "Outcome"], &[(INVOCATIONS, "Count")]),
    ]);
    to_raw_value(&directives).expect("texts")
});

fn line<'a, F>(
    function: &'a str,
    status: InvocationStatus,
    cold: bool,
    took: Duration,
    in_database: Duration,
    message: &'a str,
    fields: &'a F,
) -> Line<'a, F> {
    Line {
        level: "INFO",
        message,
        function,
        outcome: status,
        invocations: 1,
        cold_start: u8::from(cold),
        duration: milliseconds(took),
        database_time: milliseconds(in_database),
        aws: Metadata { timestamp: now(), cloud_watch_metrics: &DIRECTIVES },
        fields,
    }
}

/// In milliseconds since 1970.
fn now() -> i128 {
    OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000
}

/// To a hundredth.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CloudWatch does with the line: each metric with its unit, its value and the values of its dimensions.
    fn metrics(line: &Value) -> Vec<String> {
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        let mut found = Vec::new();
        for directive in directives {
            let dimensions: Vec<&str> = directive["Dimensions"][0]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| line[name.as_str().unwrap()].as_str().expect("a dimension's value is a text"))
                .collect();
            for metric in directive["Metrics"].as_array().unwrap() {
                let name = metric["Name"].as_str().unwrap();
                let value = line[name].as_f64().expect("a metric's value is a number");
                found.push(format!("{name} {value} {} {}", metric["Unit"].as_str().unwrap(), dimensions.join("/")));
            }
        }
        found
    }

    #[test]
    fn the_metric_of_a_message_has_no_personal_data() {
        let line = arrival("anaquel-dev-process-submissions");
        assert_eq!(metrics(&line), ["NewMessages 1 Count anaquel-dev-process-submissions"]);
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(names, ["Function", "NewMessages", "_aws", "level", "message"]);
    }

    #[test]
    fn a_line_gives_cloudwatch_cold_start_database_time_and_outcome() {
        let fields = json!({ "status": 503 });
        let took = Duration::from_micros(8_300);
        let line =
            line("anaquel-dev-show-book", InvocationStatus::of_status(503), true, took, took / 2, "Answered", &fields);
        let line: Value = serde_json::from_slice(&serde_json::to_vec(&line).unwrap()).unwrap();
        assert_eq!(
            metrics(&line),
            [
                "ColdStart 1 Count anaquel-dev-show-book",
                "DatabaseTime 4.15 Milliseconds anaquel-dev-show-book",
                "Invocations 1 Count anaquel-dev-show-book/unavailable",
            ]
        );
        assert_eq!((line["status"].as_u64(), line["Duration"].as_f64()), (Some(503), Some(8.3)));
        let at = line["_aws"]["Timestamp"].as_i64().unwrap();
        assert!((1_700_000_000_000..4_000_000_000_000).contains(&at), "{at} is not in milliseconds");
    }
}
