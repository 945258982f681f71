//! What is told to people by itself. Each alarm says what it means and leads to its section of the runbook.

use stratosphere::services::aws::cloudwatch;
use stratosphere::services::aws::cloudwatch::alarm;
use stratosphere::value::ExpString;

use super::metrics::{ERROR_RATE, Metric, Metrics};
use crate::database_memory::LOGINS;
use crate::routes::{FUNCTIONS, Function, Trigger};
use crate::stage::{Server, Stage};
use crate::template::{Id, Template, list, logical, sub};

const MINUTE: i32 = 60;
const FIVE_MINUTES: i32 = 5 * MINUTE;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

struct Alarm {
    /// Its name on AWS, after the stage's: `show-book-latency`.
    name: String,
    /// Of the runbook, as a link has it.
    section: &'static str,
    meaning: String,
    measured: Measured,
    limit: Limit,
    /// In seconds; the limit is passed in so many of so many of them.
    period: i32,
    times: (i32, i32),
    silence: Silence,
    /// Whether its end is told as well.
    ends: bool,
}

enum Measured {
    Metric(Metric),
    ErrorRate([(&'static str, Metric); 3]),
}

enum Limit {
    Above(f64),
    Below(f64),
}

/// What it means that nothing was measured.
enum Silence {
    /// Nobody came, or another alarm says it.
    IsFine,
    IsTrouble,
}

/// Adds all that tell of trouble, and returns them.
pub fn add(template: &mut Template, stage: &Stage, metrics: &Metrics, topic: Id) -> Vec<Id> {
    let mut alarms = vec![errors_at_the_load_balancer(metrics)];
    alarms.extend(of_functions(metrics));
    alarms.extend(of_queues(metrics));
    alarms.extend(of_database(stage, metrics).unwrap_or_default());
    alarms.into_iter().map(|alarm| alarm.add(template, stage, topic)).collect()
}

/// A mail for what visitors write, which is no trouble and not told to be over. It has none of the words: whoever reads
/// an operator's mail need not read a visitor's. Messages of the same minutes share one.
pub fn add_new_messages(template: &mut Template, stage: &Stage, metrics: &Metrics, topic: Id) {
    for function in FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Submissions)) {
        let meaning =
            format!("A visitor wrote to the shop: cargo bookstore messages --open --stage {} shows it", stage.name);
        let alarm = Alarm {
            period: MINUTE,
            ends: false,
            ..Alarm::new("new-message", "new-message", meaning, metrics.new_messages(function.name), Limit::Above(0.0))
        };
        alarm.add(template, stage, topic);
    }
}

/// A shop that fails for two in a hundred has a fault that does not pass by itself.
fn errors_at_the_load_balancer(metrics: &Metrics) -> Alarm {
    Alarm {
        measured: Measured::ErrorRate(metrics.of_error_rate()),
        ..Alarm::new(
            "answers-5xx",
            "5xx",
            "More than 2 in 100 shoppers get an error instead of a page".to_owned(),
            metrics.requests(),
            Limit::Above(2.0),
        )
    }
}

/// One for each function, which then has its name in the mail. One for all would cost the same: AWS counts the metrics.
fn of_functions(metrics: &Metrics) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for function in FUNCTIONS {
        if function.serves_http() {
            alarms.extend([latency(metrics, function), throttles(metrics, function)]);
        }
        // Who invokes the others is told at once.
        if !matches!(function.trigger, Trigger::Staff | Trigger::Release) {
            alarms.push(errors(metrics, function));
        }
    }
    alarms
}

/// Where few come, the slowest in a hundred is the slowest, and a single one is nothing: hence a quarter of an hour.
/// A second is half of what a handler may take.
fn latency(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    Alarm {
        times: (3, 3),
        ..Alarm::new(
            &format!("{name}-latency"),
            "latency",
            format!("The slowest 1 in 100 answers of {name} take longer than a second, for a quarter of an hour"),
            metrics.duration(name),
            Limit::Above(1_000.0),
        )
    }
}

/// Only of those that shoppers wait for: queue and Lambda try the others again, and what waits has an alarm of its own.
/// A handful are a page that asked for all of its parts at once.
fn throttles(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    Alarm::new(
        &format!("{name}-throttles"),
        "throttles",
        format!("Lambda turned shoppers away, for all copies of {name} were at work"),
        metrics.throttles(name),
        Limit::Above(10.0),
    )
}

/// Lambda's own mishaps come singly, and an import is tried three times.
fn errors(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    Alarm::new(
        &format!("{name}-errors"),
        "errors",
        format!("{name} crashed, or ran out of memory or time, more than twice within five minutes"),
        metrics.errors(name),
        Limit::Above(2.0),
    )
}

fn of_queues(metrics: &Metrics) -> [Alarm; 2] {
    [
        // SQS leaves out of this age what it has delivered more than three times. With a minute between two tries that
        // is four minutes, so a limit much above two would never be passed by what keeps failing.
        // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
        Alarm {
            period: MINUTE,
            times: (2, 3),
            ..Alarm::new(
                "oldest-submission",
                "oldest-submission",
                "Ratings and messages are accepted, but wait for longer than two minutes to be written".to_owned(),
                metrics.oldest_submission(),
                Limit::Above(120.0),
            )
        },
        Alarm::new(
            "dead-letters",
            "dead-letters",
            "A submission or an import came to rest that nobody processes any more".to_owned(),
            metrics.dead_letters(),
            Limit::Above(0.0),
        ),
    ]
}

fn of_database(stage: &Stage, metrics: &Metrics) -> Option<Vec<Alarm>> {
    let Server::Rds(server) = &stage.database.server else { return None };
    let accepted = f64::from(stage.database.max_connections);
    let storage = f64::from(server.storage_gb);
    let alarm = |name, meaning: String, metric, limit| Alarm {
        times: (3, 3),
        ..Alarm::new(name, name, meaning, metric, limit)
    };
    Some(vec![
        // A rush or an import takes all of it for minutes. That an instance tells nothing at all is said here, once.
        Alarm {
            silence: Silence::IsTrouble,
            ..alarm(
                "database-cpu",
                "The database is more than 80 % busy for a quarter of an hour, or says nothing".to_owned(),
                metrics.database("CPUUtilization", "Average")?,
                Limit::Above(80.0),
            )
        },
        // `limits.rs` leaves a fifth to others than the functions, so half of that is somebody else's.
        alarm(
            "database-connections",
            format!("More than 90 % of the database's {accepted} connections are taken"),
            metrics.database("DatabaseConnections", "Maximum")?,
            Limit::Above((accepted * 0.9).floor()),
        ),
        // Half of what AWS asks for IAM logins beside everything else: below that they begin to time out.
        alarm(
            "database-memory",
            format!("The database has less than {} MiB of free memory", LOGINS / 2),
            metrics.database("FreeableMemory", "Minimum")?,
            Limit::Below(GIB * f64::from(LOGINS) / 2.0 / 1024.0),
        ),
        // RDS adds storage where less than a tenth is free. Half of that means that it could not.
        alarm(
            "database-storage",
            format!("Less than 5 % of {storage} GB is free on the database's disk: it did not grow by itself"),
            metrics.database("FreeStorageSpace", "Minimum")?,
            Limit::Below(GIB * storage / 20.0),
        ),
    ])
}

impl Alarm {
    /// One that is raised by any five minutes, and passes over those without a figure.
    fn new(name: &str, section: &'static str, meaning: String, metric: Metric, limit: Limit) -> Self {
        Self {
            name: name.to_owned(),
            section,
            meaning,
            measured: Measured::Metric(metric),
            limit,
            period: FIVE_MINUTES,
            times: (1, 1),
            silence: Silence::IsFine,
            ends: true,
        }
    }

    fn add(self, template: &mut Template, stage: &Stage, topic: Id) -> Id {
        let (comparison, threshold) = match self.limit {
            Limit::Above(most) => ("GreaterThanThreshold", most),
            Limit::Below(least) => ("LessThanThreshold", least),
        };
        let mut alarm = cloudwatch::Alarm! {
            alarm_name: stage.physical(&self.name).as_str(),
            alarm_description: format!("{}. See docs/runbook.md#{}", self.meaning, self.section).as_str(),
            alarm_actions: list([topic]),
            comparison_operator: comparison,
            threshold: threshold,
            datapoints_to_alarm: self.times.0,
            evaluation_periods: self.times.1,
            treat_missing_data: match self.silence {
                Silence::IsFine => "notBreaching",
                Silence::IsTrouble => "breaching",
            },
        };
        alarm.ok_actions = self.ends.then(|| list([topic]));
        match &self.measured {
            Measured::Metric(metric) => measure(&mut alarm, metric, self.period),
            Measured::ErrorRate(parts) => alarm.metrics = Some(error_rate(parts, self.period)),
        }
        template.add(logical(&self.name) + "Alarm", alarm)
    }
}

fn measure(alarm: &mut cloudwatch::Alarm_, metric: &Metric, period: i32) {
    alarm.namespace = Some(metric.namespace.into());
    alarm.metric_name = Some(metric.name.into());
    alarm.dimensions = Some(dimensions(metric));
    alarm.period = Some(period);
    let statistic = Some(metric.statistic.into());
    if metric.statistic.starts_with('p') {
        alarm.extended_statistic = statistic;
    } else {
        alarm.statistic = statistic;
    }
}

fn error_rate(parts: &[(&str, Metric)], period: i32) -> Vec<alarm::MetricDataQuery_> {
    let rate: alarm::MetricDataQuery_ =
        alarm::MetricDataQuery! { id: "rate", expression: ERROR_RATE, return_data: true };
    let mut queries = vec![rate];
    queries.extend(parts.iter().map(|(id, metric)| part(id, metric, period)));
    queries
}

fn part(id: &str, metric: &Metric, period: i32) -> alarm::MetricDataQuery_ {
    alarm::MetricDataQuery! {
        id: id,
        metric_stat: alarm::MetricStat! {
            metric: alarm::Metric! {
                namespace: metric.namespace,
                metric_name: metric.name,
                dimensions: dimensions(metric),
            },
            period: period,
            stat: metric.statistic,
        },
        return_data: false,
    }
}

fn dimensions(metric: &Metric) -> Vec<alarm::Dimension_> {
    metric.dimensions.iter().map(|(name, value)| dimension(name, value)).collect()
}

fn dimension(name: &str, value: &str) -> alarm::Dimension_ {
    let value: ExpString = if value.contains("${") { sub(value) } else { value.into() };
    alarm::Dimension! { name: name, value: value }
}
