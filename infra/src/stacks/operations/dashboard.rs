//! One page that answers whether the shop is well: all alarms in a row, and below them what they are about.

use serde_json::{Value, json};
use stratosphere::services::aws::cloudwatch;

use super::metrics::{ERROR_RATE, Metric, Metrics};
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::Stage;
use crate::template::{Id, Template, sub};

/// A dashboard's columns.
const WIDTH: usize = 24;
const ALARMS_HEIGHT: usize = 4;
const GRAPH_HEIGHT: usize = 6;
/// Seconds that one point of a graph stands for: as long as most alarms look at.
const PERIOD: u32 = 300;

/// Title and what is drawn.
type Graph = (&'static str, Vec<Value>);

pub fn add(template: &mut Template, stage: &Stage, metrics: &Metrics, alarms: &[Id]) {
    let mut widgets = vec![states(alarms)];
    let rows = [traffic(metrics), functions(metrics), submissions(metrics), database(metrics)];
    for (row, graphs) in rows.iter().filter(|graphs| !graphs.is_empty()).enumerate() {
        let width = WIDTH / graphs.len();
        for (column, graph) in graphs.iter().enumerate() {
            widgets.push(drawn(graph, column * width, ALARMS_HEIGHT + row * GRAPH_HEIGHT, width));
        }
    }
    let body = json!({ "widgets": widgets }).to_string();
    template.add(
        "Dashboard",
        cloudwatch::Dashboard! {
            dashboard_name: stage.physical("shop").as_str(),
            dashboard_body: sub(&body),
        },
    );
}

fn states(alarms: &[Id]) -> Value {
    let alarms: Vec<_> = alarms.iter().map(|alarm| format!("${{{}.Arn}}", alarm.name())).collect();
    json!({
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": WIDTH,
        "height": ALARMS_HEIGHT,
        "properties": {
            "title": "Is the shop well? docs/runbook.md says what to do about what is red",
            "alarms": alarms,
        },
    })
}

fn traffic(metrics: &Metrics) -> Vec<Graph> {
    let mut rate = vec![json!([{ "id": "rate", "expression": ERROR_RATE, "label": "5xx" }])];
    rate.extend(metrics.of_error_rate().iter().map(|(id, part)| hidden(part, id)));
    vec![
        ("Requests", vec![line(&metrics.requests(), "requests")]),
        ("Answers 5xx, in 100", rate),
        ("Slowest in 100, ms", of_each(serves_http, |name| metrics.duration(name))),
    ]
}

fn functions(metrics: &Metrics) -> Vec<Graph> {
    let mut undone = of_each(any, |name| metrics.ended(name, "unavailable"));
    undone.extend(of_each(any, |name| metrics.ended(name, "failed")));
    vec![
        ("Errors", of_each(any, |name| metrics.errors(name))),
        ("Ended unavailable or failed", undone),
        ("Throttles", of_each(any, |name| metrics.throttles(name))),
        ("Cold starts", of_each(any, |name| metrics.cold_starts(name))),
    ]
}

fn submissions(metrics: &Metrics) -> Vec<Graph> {
    vec![
        ("Oldest submission, s", vec![line(&metrics.oldest_submission(), "age")]),
        ("Submissions that wait", vec![line(&metrics.submissions(), "waiting")]),
        ("Dead letters", vec![line(&metrics.dead_letters(), "dead letters")]),
        ("New messages", of_each(is_fed_by_the_queue, |name| metrics.new_messages(name))),
    ]
}

fn database(metrics: &Metrics) -> Vec<Graph> {
    let shown = |title, name, statistic| Some((title, vec![line(&metrics.database(name, statistic)?, name)]));
    let graphs = [
        shown("Database CPU, %", "CPUUtilization", "Average"),
        shown("Connections", "DatabaseConnections", "Maximum"),
        shown("Free memory, bytes", "FreeableMemory", "Minimum"),
        shown("Free storage, bytes", "FreeStorageSpace", "Minimum"),
    ];
    let mut graphs: Vec<Graph> = graphs.into_iter().flatten().collect();
    graphs.push(("Slowest in 100 in the database, ms", of_each(has_database, |name| metrics.in_database(name))));
    graphs
}

fn any(_: &Function) -> bool {
    true
}

fn serves_http(function: &Function) -> bool {
    function.serves_http()
}

fn has_database(function: &Function) -> bool {
    function.database.is_some()
}

fn is_fed_by_the_queue(function: &Function) -> bool {
    matches!(function.trigger, Trigger::Submissions)
}

/// A line for each of these functions, called like it.
fn of_each(which: fn(&Function) -> bool, metric: impl Fn(&str) -> Metric) -> Vec<Value> {
    FUNCTIONS.iter().filter(|function| which(function)).map(|f| line(&metric(f.name), f.name)).collect()
}

fn line(metric: &Metric, label: &str) -> Value {
    drawn_as(metric, json!({ "stat": metric.statistic, "label": label }))
}

/// Not drawn itself, but part of an expression.
fn hidden(metric: &Metric, id: &str) -> Value {
    drawn_as(metric, json!({ "stat": metric.statistic, "id": id, "visible": false }))
}

/// In the order that CloudWatch wants: namespace, name, dimensions, how.
fn drawn_as(metric: &Metric, how: Value) -> Value {
    let mut line = vec![json!(metric.namespace), json!(metric.name)];
    line.extend(metric.dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]));
    line.push(how);
    line.into()
}

fn drawn((title, lines): &Graph, x: usize, y: usize, width: usize) -> Value {
    json!({
        "type": "metric",
        "x": x,
        "y": y,
        "width": width,
        "height": GRAPH_HEIGHT,
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "view": "timeSeries",
            "period": PERIOD,
            "yAxis": { "left": { "min": 0 } },
            "metrics": lines,
        },
    })
}
