//! How much of everything a month of requests takes. What no template says is assumed here, and said in the output.

use crate::{
    routes::{FUNCTIONS, Trigger},
    stage::Stage,
};

/// Hours in a month.
pub const HOURS: f64 = 730.0;
/// Of the code of functions, and of what is imported, in a bucket.
pub const STORED_GB: f64 = 1.0;
/// Long polls a month that Lambda sends a queue which is empty: five at a time, each of 20 seconds.
pub const POLLS: f64 = 5.0 * 3.0 * 60.0 * HOURS;
/// Logs of a database's Enhanced Monitoring in a month at one report a minute; an estimate, for AWS names none.
pub const MONITORED_GB: f64 = 0.5;
/// Metrics that each function tells in `shared::metrics`: its cold starts, its time in the database, two outcomes.
pub const METRICS: f64 = 4.0;

/// Seconds that a function runs for one event. `bench` measures 0.3 to 0.7 ms of a whole core, and a function of
/// 256 MB has a seventh of one; to this come the ways to the database and the cold starts.
const SECONDS: f64 = 0.02;
/// Of a page or a list, compressed, with its headers.
const ANSWER_KB: f64 = 12.0;
/// Of a function's own line and Lambda's three for each event.
const LOG_KB: f64 = 1.0;
/// Of a message on its way into the queue.
const MESSAGE_KB: f64 = 4.0;
/// Ratings and messages among the requests.
const SUBMITTED: f64 = 0.02;
/// New connections to the load balancer for each request.
const CONNECTIONS: f64 = 0.2;

const KB_IN_GB: f64 = 1_000_000.0;

pub struct Usage {
    /// Requests at the load balancer in a month.
    pub requests: f64,
    /// The stage's functions as AWS calls them, with the events that each gets in a month.
    events: Vec<(String, f64)>,
    /// Of the functions, as Lambda calls it.
    pub architecture: &'static str,
    /// The load balancer's rules.
    rules: f64,
    /// NAT gateways among which what is called divides.
    pub gateways: f64,
    /// Of each function, the parameters that a call is paid for.
    parameters: Vec<(String, f64)>,
}

impl Usage {
    pub fn new(stage: &Stage, requests: u64, rules: usize, gateways: usize) -> Self {
        let requests = float(requests);
        let share = requests / count(FUNCTIONS.iter().filter(|function| function.serves_http()).count());
        let events = FUNCTIONS.iter().map(|function| {
            let events = match function.trigger {
                Trigger::Http(_) | Trigger::Unmatched => share,
                Trigger::Submissions => requests * SUBMITTED,
                Trigger::Imports | Trigger::Staff | Trigger::Release => 0.0,
            };
            (stage.physical(function.name), events)
        });
        let parameters = FUNCTIONS.iter().map(|function| {
            let paid = if stage.pays_for_parameters() { function.parameters(stage).len() } else { 0 };
            (stage.physical(function.name), count(paid))
        });
        let architecture = stage.architecture.lambda();
        Self {
            requests,
            events: events.collect(),
            architecture,
            rules: count(rules),
            gateways: count(gateways),
            parameters: parameters.collect(),
        }
    }

    /// Events that the function gets in a month.
    pub fn events(&self, function: &str) -> f64 {
        self.events.iter().find(|(name, _)| name == function).map_or(0.0, |(_, events)| *events)
    }

    pub fn seconds(&self, function: &str) -> f64 {
        self.events(function) * SECONDS
    }

    /// The part of a month in whose hours the function is called.
    pub fn busy(&self, function: &str) -> f64 {
        (self.events(function) / HOURS).min(1.0)
    }

    /// Events that X-Ray records: the first of each second, and one in twenty of the rest.
    pub fn traces(&self, function: &str) -> f64 {
        let events = self.events(function);
        let first = events.min(HOURS * 3_600.0);
        first + (events - first) / 20.0
    }

    /// Parameters read: an environment reads its own at its start and every five minutes that it is busy. AWS counts a call
    /// for ten parameters as ten.
    pub fn parameters_read(&self, function: &str) -> f64 {
        let calls = (self.busy(function) * HOURS * 12.0).min(self.events(function));
        calls * self.parameters.iter().find(|(name, _)| name == function).map_or(0.0, |(_, paid)| *paid)
    }

    pub fn log_gb(&self, function: &str) -> f64 {
        self.events(function) * LOG_KB / KB_IN_GB
    }

    pub fn answers_gb(&self) -> f64 {
        self.requests * ANSWER_KB / KB_IN_GB
    }

    pub fn submissions(&self) -> f64 {
        self.requests * SUBMITTED
    }

    /// What functions say to AWS: little but the messages.
    pub fn called_gb(&self) -> f64 {
        self.submissions() * MESSAGE_KB / KB_IN_GB
    }

    /// Hours of the load balancer's capacity units: whichever of bytes, connections and rules takes most of them.
    /// A unit has 0.4 GB an hour of Lambda's answers, 25 new connections a second, and 1,000 rules a second, of which
    /// ten a request are free.
    pub fn unit_hours(&self) -> f64 {
        let bytes = self.answers_gb() / 0.4;
        let connections = self.requests * CONNECTIONS / (25.0 * 3600.0);
        let rules = self.requests * (self.rules - 10.0).max(0.0) / (1000.0 * 3600.0);
        bytes.max(connections).max(rules)
    }
}

/// The assumptions as a person reads them.
pub fn assumptions() -> String {
    format!(
        "A month has {HOURS} hours. A request is spread evenly over the functions behind the load balancer, runs for \
         {:.0} ms,\nis answered with {ANSWER_KB} KB, logs {LOG_KB} KB, and one in {:.0} is a rating or a message. \
         Each function tells {METRICS} metrics in\nthe hours in which it is called. A bucket holds {STORED_GB} GB, and an \
         instance's Enhanced Monitoring writes {MONITORED_GB} GB.",
        SECONDS * 1000.0,
        1.0 / SUBMITTED,
    )
}

#[expect(clippy::cast_precision_loss, reason = "an estimate in dollars")]
pub fn float(number: u64) -> f64 {
    number as f64
}

fn count(number: usize) -> f64 {
    float(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(requests: u64) -> Usage {
        Usage::new(&Stage::load("prod").unwrap(), requests, 23, 2)
    }

    #[test]
    fn every_request_runs_one_function_and_a_submission_another() {
        let usage = usage(1_000_000);
        let events: f64 =
            FUNCTIONS.iter().map(|function| usage.events(&format!("anaquel-prod-{}", function.name))).sum();
        assert!((events - 1_020_000.0).abs() < 1.0, "{events}");
        assert!((usage.events("anaquel-prod-process-submissions") - 20_000.0).abs() < 1.0);
    }

    #[test]
    fn nobody_takes_nothing() {
        let usage = usage(0);
        let function = "anaquel-prod-show-book";
        let taken = [usage.seconds(function), usage.busy(function), usage.log_gb(function), usage.unit_hours()];
        assert!(taken.iter().all(|amount| amount.abs() < f64::EPSILON), "{taken:?}");
    }

    #[test]
    fn the_load_balancer_counts_what_takes_most_of_it() {
        // 12 GB of answers are 30 hours of 0.4 GB; the connections 2.2, the rules 3.6.
        assert!((usage(1_000_000).unit_hours() - 30.0).abs() < 0.01);
        let many_rules = Usage::new(&Stage::load("prod").unwrap(), 1_000_000, 1_000, 0);
        assert!((many_rules.unit_hours() - 275.0).abs() < 0.01);
    }
}
