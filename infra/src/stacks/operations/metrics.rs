//! What is measured of a stage, as CloudWatch names it. Alarms and dashboard take their metrics from here, so that both
//! mean the same.

use shared::metrics::{COLD_START, DATABASE_TIME, INVOCATIONS, NAMESPACE, NEW_MESSAGES};

use crate::stacks::{Kind, Stack};
use crate::stage::{Server, Stage};
use crate::template::Id;

/// One metric, and how it is summed up over a while.
#[derive(Clone)]
pub struct Metric {
    pub namespace: &'static str,
    pub name: &'static str,
    /// Values may name parameters of the stack: `${DatabaseName}`.
    pub dimensions: Vec<(&'static str, String)>,
    pub statistic: &'static str,
}

/// Where the stage's metrics are found.
pub struct Metrics {
    stage: Stage,
    load_balancer: Id,
    /// Only where RDS runs it.
    database: Option<Id>,
}

/// Answers with 5xx among a hundred, of functions and of the load balancer itself. A handful are no rate: below
/// that it is nought. What finds no target is not among the load balancer's requests, hence the sum.
pub const ERROR_RATE: &str = "IF(FILL(own, 0) + FILL(targets, 0) >= 5, \
    100 * (FILL(own, 0) + FILL(targets, 0)) / (FILL(requests, 0) + FILL(own, 0)), 0)";

impl Metrics {
    pub fn take(stack: &mut Stack, stage: &Stage) -> Self {
        let on_rds = matches!(stage.database.server, Server::Rds(_));
        Self {
            load_balancer: stack.input(Kind::App, "LoadBalancerName", "String"),
            database: on_rds.then(|| stack.input(Kind::Data, "DatabaseName", "String")),
            stage: stage.clone(),
        }
    }

    /// The metrics of `ERROR_RATE`, by the names that they have there.
    pub fn of_error_rate(&self) -> [(&'static str, Metric); 3] {
        [
            ("own", self.load_balancer("HTTPCode_ELB_5XX_Count")),
            ("targets", self.load_balancer("HTTPCode_Target_5XX_Count")),
            ("requests", self.requests()),
        ]
    }

    pub fn requests(&self) -> Metric {
        self.load_balancer("RequestCount")
    }

    fn load_balancer(&self, name: &'static str) -> Metric {
        let dimensions = vec![("LoadBalancer", parameter(self.load_balancer))];
        Metric { namespace: "AWS/ApplicationELB", name, dimensions, statistic: "Sum" }
    }

    /// How long the slowest in a hundred take, in milliseconds.
    pub fn duration(&self, function: &str) -> Metric {
        self.lambda(function, "Duration", "p99")
    }

    pub fn errors(&self, function: &str) -> Metric {
        self.lambda(function, "Errors", "Sum")
    }

    pub fn throttles(&self, function: &str) -> Metric {
        self.lambda(function, "Throttles", "Sum")
    }

    fn lambda(&self, function: &str, name: &'static str, statistic: &'static str) -> Metric {
        let dimensions = vec![("FunctionName", self.stage.physical(function))];
        Metric { namespace: "AWS/Lambda", name, dimensions, statistic }
    }

    pub fn cold_starts(&self, function: &str) -> Metric {
        self.ours(function, COLD_START, "Sum")
    }

    pub fn in_database(&self, function: &str) -> Metric {
        self.ours(function, DATABASE_TIME, "p99")
    }

    pub fn ended(&self, function: &str, outcome: &str) -> Metric {
        let mut metric = self.ours(function, INVOCATIONS, "Sum");
        metric.dimensions.push(("Outcome", outcome.to_owned()));
        metric
    }

    pub fn new_messages(&self, function: &str) -> Metric {
        self.ours(function, NEW_MESSAGES, "Sum")
    }

    fn ours(&self, function: &str, name: &'static str, statistic: &'static str) -> Metric {
        let dimensions = vec![("Function", self.stage.physical(function))];
        Metric { namespace: NAMESPACE, name, dimensions, statistic }
    }

    /// In seconds.
    pub fn oldest_submission(&self) -> Metric {
        self.queue("submissions", "ApproximateAgeOfOldestMessage")
    }

    pub fn submissions(&self) -> Metric {
        self.queue("submissions", "ApproximateNumberOfMessagesVisible")
    }

    pub fn dead_letters(&self) -> Metric {
        self.queue("parked", "ApproximateNumberOfMessagesVisible")
    }

    fn queue(&self, queue: &str, name: &'static str) -> Metric {
        let dimensions = vec![("QueueName", self.stage.physical(queue))];
        Metric { namespace: "AWS/SQS", name, dimensions, statistic: "Maximum" }
    }

    pub fn database(&self, name: &'static str, statistic: &'static str) -> Option<Metric> {
        let dimensions = vec![("DBInstanceIdentifier", parameter(self.database?))];
        Some(Metric { namespace: "AWS/RDS", name, dimensions, statistic })
    }
}

fn parameter(id: Id) -> String {
    format!("${{{}}}", id.name())
}
