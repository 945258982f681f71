//! The CloudWatch dashboard: the states of all alarms, and graphs of their metrics.

use serde_json::{Value, json};
use stratosphere::services::aws::cloudwatch;

use super::metrics::{ERROR_RATE, Metric, Metrics};
use crate::routes::{FUNCTIONS, Function, Queue, Trigger};
use crate::stage::Stage;
use crate::template::{Id, Template, sub};

/// Width of a dashboard in grid units.
const WIDTH: usize = 24;
const ALARMS_HEIGHT: usize = 4;
const GRAPH_HEIGHT: usize = 6;
/// Seconds of one data point, the period of most alarms.
const PERIOD: u32 = 300;

/// Title and metrics.
type Graph = (&'static str, Vec<Value>);

/// Adds the dashboard `anaquel-<stage>-shop`.
pub fn add(template: &mut Template, stage: &Stage, metrics: &Metrics, alarms: &[Id]) {
    let mut widgets = vec![alarm_states(alarms)];
    let rows = [traffic(metrics), functions(metrics), submissions(metrics), orders(metrics), database(metrics)];
    for (row, graphs) in rows.iter().filter(|graphs| !graphs.is_empty()).enumerate() {
        let width = WIDTH / graphs.len();
        for (column, graph) in graphs.iter().enumerate() {
            widgets.push(graph_widget(graph, column * width, ALARMS_HEIGHT + row * GRAPH_HEIGHT, width));
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

fn alarm_states(alarms: &[Id]) -> Value {
    let alarms: Vec<_> = alarms.iter().map(|alarm| format!("${{{}.Arn}}", alarm.name())).collect();
    json!({
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": WIDTH,
        "height": ALARMS_HEIGHT,
        "properties": {
            "title": "Alarms: docs/runbook.md has a section for each",
            "alarms": alarms,
        },
    })
}

fn traffic(metrics: &Metrics) -> Vec<Graph> {
    let mut rate = vec![json!([{ "id": "rate", "expression": ERROR_RATE, "label": "5xx" }])];
    rate.extend(metrics.error_rate_inputs().iter().map(|(id, input)| hidden(input, id)));
    vec![
        ("Requests", vec![line(&metrics.requests(), "requests")]),
        ("5xx responses, %", rate),
        ("Duration p99, ms", for_each(serves_http, |name| metrics.duration(name))),
    ]
}

fn functions(metrics: &Metrics) -> Vec<Graph> {
    let mut failed = for_each(any, |name| metrics.invocations(name, "unavailable"));
    failed.extend(for_each(any, |name| metrics.invocations(name, "failed")));
    vec![
        ("Errors", for_each(any, |name| metrics.errors(name))),
        ("Unavailable or failed invocations", failed),
        ("Throttles", for_each(any, |name| metrics.throttles(name))),
        ("Cold starts", for_each(any, |name| metrics.cold_starts(name))),
    ]
}

fn submissions(metrics: &Metrics) -> Vec<Graph> {
    let oldest = [(Queue::Submissions, "submissions"), (Queue::Erasures, "erasures")];
    let parked = [
        (Queue::DeadLetters, "submissions"),
        (Queue::ErasureDeadLetters, "erasures"),
        (Queue::ImportDeadLetters, "imports and uploads"),
    ];
    let waiting = |queues: &[(Queue, &str)]| {
        queues.iter().map(|(queue, label)| line(&metrics.waiting_messages(*queue), label)).collect()
    };
    vec![
        (
            "Oldest submission and erasure, s",
            oldest.iter().map(|(queue, label)| line(&metrics.oldest_message(*queue), label)).collect(),
        ),
        ("Waiting submissions and erasures", waiting(&oldest)),
        ("Parked submissions, erasures and imports", waiting(&parked)),
        ("New messages", for_each(receives_messages, |name| metrics.new_messages(name))),
    ]
}

fn orders(metrics: &Metrics) -> Vec<Graph> {
    let oldest = [(Queue::Orders, "orders"), (Queue::Mails, "mails"), (Queue::Bounces, "bounces")];
    let parked =
        [(Queue::OrderDeadLetters, "orders"), (Queue::MailDeadLetters, "mails"), (Queue::BounceDeadLetters, "bounces")];
    let waiting = |queues: [(Queue, &str); 3]| {
        queues.iter().map(|(queue, label)| line(&metrics.waiting_messages(*queue), label)).collect()
    };
    let mut graphs = vec![
        (
            "Oldest order, mail and bounce, s",
            oldest.iter().map(|(queue, label)| line(&metrics.oldest_message(*queue), label)).collect(),
        ),
        ("Waiting orders, mails and bounces", waiting(oldest)),
        ("Parked orders, mails and bounces", waiting(parked)),
    ];
    let rates = [("Reputation.BounceRate", "bounces"), ("Reputation.ComplaintRate", "complaints")];
    let rates = rates.iter().filter_map(|(name, label)| Some(line(&metrics.reputation(name)?, label)));
    let rates: Vec<_> = rates.collect();
    if !rates.is_empty() {
        graphs.push(("Bounces and complaints of the account, share", rates));
    }
    graphs
}

fn database(metrics: &Metrics) -> Vec<Graph> {
    let of_replicas = |name, statistic| -> Vec<Value> {
        let lines = metrics.replicas(name, statistic);
        lines.map(|(number, metric)| line(&metric, &format!("replica {number}"))).collect()
    };
    let graph = |title, name, statistic| {
        let primary = line(&metrics.database(name, statistic)?, name);
        Some((title, [vec![primary], of_replicas(name, statistic)].concat()))
    };
    let graphs = [
        graph("Database CPU, %", "CPUUtilization", "Average"),
        graph("Connections", "DatabaseConnections", "Maximum"),
        graph("Free memory, bytes", "FreeableMemory", "Minimum"),
        graph("Free storage, bytes", "FreeStorageSpace", "Minimum"),
    ];
    let mut graphs: Vec<Graph> = graphs.into_iter().flatten().collect();
    let lag = of_replicas("ReplicaLag", "Maximum");
    if !lag.is_empty() {
        graphs.push(("Lag of replicas, s", lag));
    }
    graphs.push(("Database time p99, ms", for_each(has_database, |name| metrics.database_time(name))));
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

fn receives_messages(function: &Function) -> bool {
    matches!(function.trigger, Trigger::Messages(Queue::Submissions))
}

/// One line for each function that the filter selects, labelled with its name.
fn for_each(filter: fn(&Function) -> bool, metric: impl Fn(&str) -> Metric) -> Vec<Value> {
    FUNCTIONS.iter().filter(|function| filter(function)).map(|f| line(&metric(f.name), f.name)).collect()
}

fn line(metric: &Metric, label: &str) -> Value {
    with_options(metric, json!({ "stat": metric.statistic, "label": label }))
}

/// An input of an expression, without a line of its own.
fn hidden(metric: &Metric, id: &str) -> Value {
    with_options(metric, json!({ "stat": metric.statistic, "id": id, "visible": false }))
}

/// CloudWatch's array format: namespace, name, dimensions, options.
fn with_options(metric: &Metric, options: Value) -> Value {
    let mut line = vec![json!(metric.namespace), json!(metric.name)];
    line.extend(metric.dimensions.iter().flat_map(|(name, value)| [json!(name), json!(value)]));
    line.push(options);
    line.into()
}

fn graph_widget((title, lines): &Graph, x: usize, y: usize, width: usize) -> Value {
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
