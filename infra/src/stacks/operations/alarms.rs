//! CloudWatch alarms. The description of each alarm states its meaning and links to its section of the runbook.

use stratosphere::services::aws::cloudwatch;
use stratosphere::services::aws::cloudwatch::alarm;
use stratosphere::value::ExpString;

use super::metrics::{ANY_ERROR_RATE, API_GATEWAY_ERROR_RATE, ERROR_RATE, Metric, Metrics, REPLICA_LAG};
use crate::containers::Service;
use crate::database_memory::LOGINS;
use crate::routes::{FUNCTIONS, Function, Queue, Trigger};
use crate::stage::{Rds, Server, Stage};
use crate::template::{Id, Template, list, logical_id, sub};

const MINUTE: i32 = 60;
const FIVE_MINUTES: i32 = 5 * MINUTE;
const HOUR: i32 = 60 * MINUTE;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

struct Alarm {
    /// Name without the stage: `show-book-latency`.
    name: String,
    /// Anchor of its section in the runbook.
    runbook_section: &'static str,
    meaning: String,
    source: Source,
    threshold: Threshold,
    /// Length of a period in seconds.
    period: i32,
    /// CloudWatch's "datapoints to alarm": so many of the last `evaluation_periods` must breach the threshold.
    breaching_periods: i32,
    evaluation_periods: i32,
    missing_data: MissingData,
    /// Whether the return to OK is notified as well.
    notify_ok: bool,
}

enum Source {
    Metric(Metric),
    /// An expression with its inputs.
    Expression(&'static str, Vec<(&'static str, Metric)>),
}

enum Threshold {
    Above(f64),
    Below(f64),
}

/// CloudWatch's `TreatMissingData`.
enum MissingData {
    /// There were no requests, or another alarm covers the case.
    NotBreaching,
    Breaching,
    /// The state stays: the metric is published at long intervals.
    Ignored,
}

/// Adds the alarms about problems, and returns them.
pub fn add(template: &mut Template, stage: &Stage, metrics: &Metrics, topic: Id) -> Vec<Id> {
    let mut alarms = Vec::from(error_rate_alarms(metrics));
    alarms.extend(distribution_alarm(metrics));
    alarms.extend(api_gateway_alarm(metrics));
    alarms.extend(task_alarms(stage, metrics));
    alarms.extend(failover_alarm(metrics));
    alarms.extend(function_alarms(metrics));
    alarms.extend(sign_in_alarm(stage, metrics));
    alarms.extend(queue_alarms(metrics));
    alarms.extend(reputation_alarms(metrics).unwrap_or_default());
    alarms.extend(database_alarms(stage, metrics).unwrap_or_default());
    alarms.extend(replica_alarms(stage, metrics));
    alarms.into_iter().map(|alarm| alarm.add(template, stage, topic)).collect()
}

/// Adds the notification of new messages, which is no problem and has no end. It does not contain the message, because
/// operators need no access to it. Messages within a few minutes share one notification.
pub fn add_new_messages(template: &mut Template, stage: &Stage, metrics: &Metrics, topic: Id) {
    for function in
        FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Messages(Queue::Submissions)))
    {
        let meaning = format!("A visitor sent a message: {} shows it", stage.command("messages --open"));
        let metric = metrics.new_messages(function.name);
        let alarm = Alarm {
            period: MINUTE,
            notify_ok: false,
            ..Alarm::new("new-message", "new-message", meaning, metric, Threshold::Above(0.0))
        };
        alarm.add(template, stage, topic);
    }
}

/// An error rate above 2 % is a fault that needs a person. With few requests a single error exceeds it, so fewer than five
/// count only if they recur.
fn error_rate_alarms(metrics: &Metrics) -> [Alarm; 2] {
    let alarm = |name, expression, meaning: &str| Alarm {
        source: Source::Expression(expression, metrics.error_rate_inputs().into()),
        ..Alarm::new(name, "5xx", meaning.to_owned(), metrics.requests(), Threshold::Above(2.0))
    };
    [
        alarm("answers-5xx", ERROR_RATE, "More than 2 % of requests get a 5xx response"),
        Alarm {
            breaching_periods: 3,
            evaluation_periods: 5,
            ..alarm(
                "answers-5xx-recurring",
                ANY_ERROR_RATE,
                "Some of few requests get a 5xx response, in 15 of 25 minutes more than 2 %",
            )
        },
    ]
}

/// The load balancer's metrics have no requests that did not reach it. With few requests one of them is a large part:
/// hence three periods.
fn distribution_alarm(metrics: &Metrics) -> Option<Alarm> {
    Some(Alarm {
        breaching_periods: 3,
        evaluation_periods: 3,
        ..Alarm::new(
            "cloudfront-5xx",
            "cloudfront-5xx",
            "More than 5 % of CloudFront's responses are 5xx for 15 minutes".to_owned(),
            metrics.distribution_error_rate()?,
            Threshold::Above(5.0),
        )
    })
}

/// The load balancer's metrics have none of these requests. With few of them one is a large part: hence three periods.
fn api_gateway_alarm(metrics: &Metrics) -> Option<Alarm> {
    Some(Alarm {
        breaching_periods: 3,
        evaluation_periods: 3,
        source: Source::Expression(
            API_GATEWAY_ERROR_RATE,
            vec![("errors", metrics.api_gateway("5xx", "Sum")?), ("requests", metrics.api_gateway("Count", "Sum")?)],
        ),
        ..Alarm::new(
            "api-gateway-5xx",
            "api-gateway-5xx",
            "More than 5 % of API Gateway's responses are 5xx for 15 minutes".to_owned(),
            metrics.api_gateway("5xx", "Sum")?,
            Threshold::Above(5.0),
        )
    })
}

/// Visitors then see the page in place of the shop.
fn failover_alarm(metrics: &Metrics) -> Option<Alarm> {
    Some(Alarm {
        missing_data: MissingData::Breaching,
        ..Alarm::new(
            "failover",
            "failover",
            "Route 53 does not find the shop healthy, and leads its name to the page that says so".to_owned(),
            metrics.health()?,
            Threshold::Below(1.0),
        )
    })
}

/// One for each service of containers. A service whose tasks all fail has no metric at all.
fn task_alarms(stage: &Stage, metrics: &Metrics) -> Vec<Alarm> {
    let alarm = |service: Service| {
        let least = service.tasks(stage.containers.as_ref()?).min;
        let name = service.name();
        Some(Alarm {
            breaching_periods: 3,
            evaluation_periods: 3,
            missing_data: MissingData::Breaching,
            ..Alarm::new(
                &format!("{name}-tasks"),
                "tasks",
                format!("Fewer than {least} tasks of the service {name} are healthy for 15 minutes"),
                metrics.healthy_tasks(service)?,
                Threshold::Below(f64::from(least)),
            )
        })
    };
    Service::ALL.into_iter().filter_map(alarm).collect()
}

/// Alarms for each function, so that the notification names it. One alarm for all would cost the same, because AWS charges
/// for each metric.
fn function_alarms(metrics: &Metrics) -> Vec<Alarm> {
    let mut alarms = Vec::new();
    for function in FUNCTIONS {
        if function.serves_http() {
            alarms.extend([latency(metrics, function), throttles(metrics, function)]);
        }
        // The callers of the others see the error at once.
        if !matches!(function.trigger, Trigger::Staff | Trigger::Release) {
            alarms.push(errors(metrics, function));
        }
    }
    alarms
}

/// With few requests, p99 is the slowest single request, which is no problem by itself: hence three periods.
fn latency(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    Alarm {
        breaching_periods: 3,
        evaluation_periods: 3,
        ..Alarm::new(
            &format!("{name}-latency"),
            "latency",
            format!("The 99th percentile of {name}'s duration is above 1 s for 15 minutes"),
            metrics.duration(name),
            Threshold::Above(1_000.0),
        )
    }
}

/// Only for functions behind the load balancer: SQS and Lambda retry the others, and waiting submissions have their own
/// alarm. A few throttles can come from one page that loads all its assets at once.
fn throttles(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    Alarm::new(
        &format!("{name}-throttles"),
        "throttles",
        format!("Lambda rejected more than 10 requests in 5 minutes: {name} has used its reserved concurrency"),
        metrics.throttles(name),
        Threshold::Above(10.0),
    )
}

/// Up to two errors are ignored: Lambda's own failures are single ones, and a failed import or upload has three attempts. A panic
/// of an HTTP function is a response with 500 and no error of Lambda; other functions return their errors and panics.
fn errors(metrics: &Metrics, function: &Function) -> Alarm {
    let name = function.name;
    let failed = if function.serves_http() { "crashed" } else { "failed" };
    Alarm::new(
        &format!("{name}-errors"),
        "errors",
        format!("{name} {failed}, timed out or ran out of memory more than twice in 5 minutes"),
        metrics.errors(name),
        Threshold::Above(2.0),
    )
}

/// A sign-in that fails is a 503 among many other responses, too few for the error rates. One failure may be a call that took
/// too long, so a second one within the hour is needed, which also counts where only a few sign in.
fn sign_in_alarm(stage: &Stage, metrics: &Metrics) -> Option<Alarm> {
    let name = "sign-in-failures";
    let meaning = "Customers cannot sign in: attempts failed twice within an hour".to_owned();
    stage.has_sign_in().then(|| Alarm {
        period: HOUR,
        ..Alarm::new(name, name, meaning, metrics.invocations("sign-in", "unavailable"), Threshold::Above(1.0))
    })
}

fn queue_alarms(metrics: &Metrics) -> Vec<Alarm> {
    // For messages that wait without an attempt: SQS excludes those that it has delivered three times or more from this
    // age, and with a retry each minute that is after two minutes.
    // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    let oldest = |queue, name, what: &str| Alarm {
        period: MINUTE,
        breaching_periods: 2,
        evaluation_periods: 3,
        ..Alarm::new(
            name,
            name,
            format!("{what} for more than 2 minutes to be processed"),
            metrics.oldest_message(queue),
            Threshold::Above(120.0),
        )
    };
    let dead_letters = |queue, name, what: &str| {
        let metric = metrics.waiting_messages(queue);
        Alarm::new(name, name, format!("A dead-letter queue has {what}"), metric, Threshold::Above(0.0))
    };
    // For messages that fail: our own metric counts each minute in which a batch goes back to the queue.
    let retries = |function, name, what: &str| Alarm {
        period: MINUTE,
        breaching_periods: 3,
        evaluation_periods: 5,
        ..Alarm::new(
            name,
            name,
            format!("{what}: attempts failed in 3 of 5 minutes"),
            metrics.retries(function),
            Threshold::Above(0.0),
        )
    };
    vec![
        retries("process-submissions", "submission-retries", "Accepted ratings and messages are not written"),
        retries("process-orders", "order-retries", "Accepted orders are not decided"),
        retries("send-mail", "mail-retries", "Mails to buyers are not sent"),
        retries("note-bounces", "bounce-retries", "Mails that came back are not noted with their orders"),
        retries("erase-accounts", "erasure-retries", "Accounts of erased customers are not deleted"),
        oldest(Queue::Submissions, "oldest-submission", "Accepted ratings and messages wait"),
        dead_letters(Queue::DeadLetters, "dead-letter-queue", "a failed submission"),
        oldest(Queue::Orders, "oldest-order", "Accepted orders wait"),
        dead_letters(Queue::OrderDeadLetters, "parked-orders", "an order that nobody has decided"),
        oldest(Queue::Mails, "oldest-mail", "Mails to buyers wait"),
        dead_letters(Queue::MailDeadLetters, "parked-mails", "a mail that was not sent"),
        oldest(Queue::Bounces, "oldest-bounce", "Bounces and complaints wait"),
        dead_letters(Queue::BounceDeadLetters, "parked-bounces", "a bounce or complaint that was not noted"),
        oldest(Queue::Erasures, "oldest-erasure", "Accounts of erased customers wait"),
        dead_letters(Queue::ErasureDeadLetters, "parked-erasures", "an account that was not deleted"),
        dead_letters(Queue::ImportDeadLetters, "parked-imports", "a failed import or upload"),
    ]
}

/// AWS reviews an account from 5 % of bounces or 0.1 % of complaints on, and pauses it from 10 % or 0.5 % on. A shop with
/// few mails reaches that with few of them, so the alarms come earlier. They are on the account's rates, to which other
/// senders of the account contribute.
/// <https://docs.aws.amazon.com/ses/latest/dg/faqs-enforcement.html>,
/// <https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html>
fn reputation_alarms(metrics: &Metrics) -> Option<Vec<Alarm>> {
    let alarm = |name, meaning: &str, metric, threshold| Alarm {
        period: HOUR,
        missing_data: MissingData::Ignored,
        ..Alarm::new(name, name, meaning.to_owned(), metric, Threshold::Above(threshold))
    };
    Some(vec![
        alarm(
            "bounce-rate",
            "More than 3 % of the account's mails came back: AWS reviews an account from 5 % on, and pauses it at 10 %",
            metrics.reputation("Reputation.BounceRate")?,
            0.03,
        ),
        alarm(
            "complaint-rate",
            "More than 0.08 % of the account's mails were reported as spam: AWS reviews an account from 0.1 % on, and \
             pauses it at 0.5 %",
            metrics.reputation("Reputation.ComplaintRate")?,
            0.0008,
        ),
    ])
}

fn database_alarms(stage: &Stage, metrics: &Metrics) -> Option<Vec<Alarm>> {
    let Server::Rds(server) = &stage.database.server else { return None };
    instance_alarms(stage, server, "database", None, |name, statistic| metrics.database(name, statistic))
}

/// The same of each replica, and its lag.
fn replica_alarms(stage: &Stage, metrics: &Metrics) -> Vec<Alarm> {
    let Server::Rds(server) = &stage.database.server else { return Vec::new() };
    let mut alarms = Vec::new();
    for (number, lag) in metrics.replicas("ReplicaLag", "Maximum") {
        let name = format!("replica-{number}");
        let metric = |name, statistic| metrics.replicas(name, statistic).nth(number - 1).map(|(_, metric)| metric);
        alarms.extend(instance_alarms(stage, server, &name, Some(number), metric).unwrap_or_default());
        // Reads leave a replica after ten seconds; a large import may take it longer to follow.
        alarms.push(Alarm {
            source: Source::Expression(REPLICA_LAG, vec![("lag", lag.clone())]),
            breaching_periods: 3,
            evaluation_periods: 3,
            ..Alarm::new(
                &format!("{name}-lag"),
                "replica-lag",
                format!(
                    "The database's replica {number} is more than a minute behind for 15 minutes, or does not replicate"
                ),
                lag,
                Threshold::Above(60.0),
            )
        });
    }
    alarms
}

/// Alarms of an instance, whose names begin with `prefix`. Replicas have the settings of the primary.
fn instance_alarms(
    stage: &Stage,
    server: &Rds,
    prefix: &str,
    replica: Option<usize>,
    metric: impl Fn(&'static str, &'static str) -> Option<Metric>,
) -> Option<Vec<Alarm>> {
    let max_connections = f64::from(stage.database.max_connections);
    let storage = f64::from(server.storage_gb);
    let of = replica.map_or_else(|| "The database".to_owned(), |number| format!("The database's replica {number}"));
    let alarm = |name: &str, section, meaning: String, metric, threshold| Alarm {
        breaching_periods: 3,
        evaluation_periods: 3,
        ..Alarm::new(&format!("{prefix}-{name}"), section, meaning, metric, threshold)
    };
    Some(vec![
        // A peak or an import uses the whole CPU for minutes. This alarm alone also covers an instance without metrics.
        Alarm {
            missing_data: MissingData::Breaching,
            ..alarm(
                "cpu",
                "database-cpu",
                format!("{of}'s CPU is above 80 % for 15 minutes, or RDS reports no metrics"),
                metric("CPUUtilization", "Average")?,
                Threshold::Above(80.0),
            )
        },
        // `limits.rs` allows functions 80 %, so the rest belongs to other clients.
        alarm(
            "connections",
            "database-connections",
            format!("More than 90 % of {}'s {max_connections} connections are in use", lower(&of)),
            metric("DatabaseConnections", "Maximum")?,
            Threshold::Above((max_connections * 0.9).floor()),
        ),
        // Half of AWS's minimum for IAM logins; below it logins begin to time out.
        alarm(
            "memory",
            "database-memory",
            format!("{of} has less than {} MiB of free memory", LOGINS / 2),
            metric("FreeableMemory", "Minimum")?,
            Threshold::Below(GIB * f64::from(LOGINS) / 2.0 / 1024.0),
        ),
        // RDS extends the storage when less than 10 % is free. Less than 5 % means that it could not.
        alarm(
            "storage",
            "database-storage",
            format!("Less than 5 % of {}'s {storage} GB is free: RDS did not extend the storage", lower(&of)),
            metric("FreeStorageSpace", "Minimum")?,
            Threshold::Below(GIB * storage / 20.0),
        ),
    ])
}

fn lower(of: &str) -> String {
    of.replacen("The", "the", 1)
}

impl Alarm {
    /// An alarm on one period of five minutes, which treats missing data as not breaching and notifies the return to OK.
    fn new(name: &str, runbook_section: &'static str, meaning: String, metric: Metric, threshold: Threshold) -> Self {
        Self {
            name: name.to_owned(),
            runbook_section,
            meaning,
            source: Source::Metric(metric),
            threshold,
            period: FIVE_MINUTES,
            breaching_periods: 1,
            evaluation_periods: 1,
            missing_data: MissingData::NotBreaching,
            notify_ok: true,
        }
    }

    fn add(self, template: &mut Template, stage: &Stage, topic: Id) -> Id {
        let (comparison, threshold) = match self.threshold {
            Threshold::Above(max) => ("GreaterThanThreshold", max),
            Threshold::Below(min) => ("LessThanThreshold", min),
        };
        let mut alarm = cloudwatch::Alarm! {
            alarm_name: stage.physical(&self.name).as_str(),
            alarm_description: format!("{}. See docs/runbook.md#{}", self.meaning, self.runbook_section).as_str(),
            alarm_actions: list([topic]),
            comparison_operator: comparison,
            threshold: threshold,
            datapoints_to_alarm: self.breaching_periods,
            evaluation_periods: self.evaluation_periods,
            treat_missing_data: match self.missing_data {
                MissingData::NotBreaching => "notBreaching",
                MissingData::Breaching => "breaching",
                MissingData::Ignored => "ignore",
            },
        };
        alarm.ok_actions = self.notify_ok.then(|| list([topic]));
        match &self.source {
            Source::Metric(metric) => set_metric(&mut alarm, metric, self.period),
            Source::Expression(expression, inputs) => {
                alarm.metrics = Some(queries(expression, inputs, self.period));
            }
        }
        template.add(logical_id(&self.name) + "Alarm", alarm)
    }
}

fn set_metric(alarm: &mut cloudwatch::Alarm_, metric: &Metric, period: i32) {
    alarm.namespace = Some(metric.namespace.into());
    alarm.metric_name = Some(metric.name.into());
    alarm.dimensions = (!metric.dimensions.is_empty()).then(|| dimensions(metric));
    alarm.period = Some(period);
    let statistic = Some(metric.statistic.into());
    if metric.statistic.starts_with('p') {
        alarm.extended_statistic = statistic;
    } else {
        alarm.statistic = statistic;
    }
}

fn queries(expression: &str, inputs: &[(&str, Metric)], period: i32) -> Vec<alarm::MetricDataQuery_> {
    let rate: alarm::MetricDataQuery_ =
        alarm::MetricDataQuery! { id: "rate", expression: expression, return_data: true };
    let mut queries = vec![rate];
    queries.extend(inputs.iter().map(|(id, metric)| input_query(id, metric, period)));
    queries
}

fn input_query(id: &str, metric: &Metric, period: i32) -> alarm::MetricDataQuery_ {
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
