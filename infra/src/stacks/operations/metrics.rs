//! CloudWatch metrics of a stage, for both alarms and dashboard.

use shared::metrics::{COLD_START, DATABASE_TIME, INVOCATIONS, NAMESPACE, NEW_MESSAGES};

use crate::containers::Service;
use crate::routes::Queue;
use crate::stacks::{Kind, Stack, api_gateway, failover, replicas, tasks};
use crate::stage::{CLOUDFRONT_REGION, Server, Stage};
use crate::template::Id;

/// One metric with its statistic.
#[derive(Clone)]
pub struct Metric {
    pub namespace: &'static str,
    pub name: &'static str,
    /// Names and values. A value can be a `Fn::Sub` pattern: `${DatabaseName}`.
    pub dimensions: Vec<(&'static str, String)>,
    /// `Sum`, `Maximum`, `p99`.
    pub statistic: &'static str,
}

/// Constructs the metrics of a stage.
pub struct Metrics {
    stage: Stage,
    /// Full name of the load balancer.
    load_balancer: Id,
    /// Id of the distribution, where its metrics are.
    distribution: Option<Id>,
    /// Id of the HTTP API, where there is one.
    api_gateway: Option<Id>,
    /// Route 53's check of the shop.
    health_check: Option<Id>,
    /// The last part of the ARN of each target group of tasks.
    tasks: Vec<(Service, Id)>,
    /// Identifier of the RDS instance.
    database: Option<Id>,
    /// Identifiers of its replicas.
    replicas: Vec<Id>,
}

/// A replica's lag in seconds. RDS publishes -1 while the replica does not replicate, which counts as a day.
pub const REPLICA_LAG: &str = "IF(lag < 0, 86400, lag)";

/// Percentage of responses with 5xx, of functions and of the load balancer itself; 0 for less than five such responses.
/// `RequestCount` does not include requests without a target, so they are added.
pub const ERROR_RATE: &str = "IF(FILL(own, 0) + FILL(targets, 0) >= 5, \
    100 * (FILL(own, 0) + FILL(targets, 0)) / (FILL(requests, 0) + FILL(own, 0)), 0)";

/// The same percentage from the first such response on, for a shop with few requests.
pub const ANY_ERROR_RATE: &str = "IF(FILL(own, 0) + FILL(targets, 0) > 0, \
    100 * (FILL(own, 0) + FILL(targets, 0)) / (FILL(requests, 0) + FILL(own, 0)), 0)";

/// Percentage of API Gateway's responses with 5xx: for an HTTP API, AWS documents `5xx` as a count.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
pub const API_GATEWAY_ERROR_RATE: &str = "IF(FILL(errors, 0) > 0, 100 * FILL(errors, 0) / requests, 0)";

impl Metrics {
    /// Adds the parameters for load balancer and database to the stack.
    pub fn new(stack: &mut Stack, stage: &Stage) -> Self {
        let on_rds = matches!(stage.database.server, Server::Rds(_));
        let has_metrics = stage.has_cloudfront() && stage.region == CLOUDFRONT_REGION;
        Self {
            load_balancer: stack.input(Kind::App, "LoadBalancerName", "String"),
            distribution: has_metrics.then(|| stack.input(Kind::App, "DistributionId", "String")),
            api_gateway: stage.api_gateway.as_ref().map(|_| stack.input(Kind::App, api_gateway::API, "String")),
            health_check: stage
                .domain_in_use()
                .filter(|domain| domain.failover)
                .map(|_| stack.input(Kind::App, failover::HEALTH_CHECK, "String")),
            tasks: Service::ALL
                .into_iter()
                .filter(|_| stage.containers.is_some())
                .map(|service| (service, stack.numbered_input(Kind::App, tasks::targets_name_output(service))))
                .collect(),
            database: on_rds.then(|| stack.input(Kind::Data, "DatabaseName", "String")),
            replicas: (1..=stage.database.replicas)
                .filter(|_| on_rds)
                .map(|number| stack.numbered_input(Kind::Data, replicas::name_output(number)))
                .collect(),
            stage: stage.clone(),
        }
    }

    /// The metrics of the expressions of error rates, with their ids.
    pub fn error_rate_inputs(&self) -> [(&'static str, Metric); 3] {
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

    /// Percentage of CloudFront's responses with 5xx, including those to visitors when the load balancer does not answer.
    pub fn distribution_error_rate(&self) -> Option<Metric> {
        let dimensions = vec![("DistributionId", parameter(self.distribution?)), ("Region", "Global".to_owned())];
        Some(Metric { namespace: "AWS/CloudFront", name: "5xxErrorRate", dimensions, statistic: "Average" })
    }

    /// A metric of the HTTP API, if the stage has one: `5xx`, `Count`, `Latency`.
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html>
    pub fn api_gateway(&self, name: &'static str, statistic: &'static str) -> Option<Metric> {
        let dimensions = vec![("ApiId", parameter(self.api_gateway?))];
        Some(Metric { namespace: "AWS/ApiGateway", name, dimensions, statistic })
    }

    /// The least number of tasks of the service that the load balancer found healthy.
    pub fn healthy_tasks(&self, service: Service) -> Option<Metric> {
        let (_, targets) = self.tasks.iter().find(|(known, _)| *known == service)?;
        let dimensions = vec![("TargetGroup", parameter(*targets)), ("LoadBalancer", parameter(self.load_balancer))];
        Some(Metric { namespace: "AWS/ApplicationELB", name: "HealthyHostCount", dimensions, statistic: "Minimum" })
    }

    /// Whether Route 53 found the shop healthy: 1, or 0. <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/monitoring-cloudwatch.html>
    pub fn health(&self) -> Option<Metric> {
        let dimensions = vec![("HealthCheckId", parameter(self.health_check?))];
        Some(Metric { namespace: "AWS/Route53", name: "HealthCheckStatus", dimensions, statistic: "Minimum" })
    }

    /// 99th percentile of the duration, in milliseconds.
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
        self.custom(function, COLD_START, "Sum")
    }

    /// 99th percentile of the time that an invocation waits for the database, in milliseconds.
    pub fn database_time(&self, function: &str) -> Metric {
        self.custom(function, DATABASE_TIME, "p99")
    }

    /// Invocations with this outcome: `unavailable` or `failed`.
    pub fn invocations(&self, function: &str, outcome: &str) -> Metric {
        let mut metric = self.custom(function, INVOCATIONS, "Sum");
        metric.dimensions.push(("Outcome", outcome.to_owned()));
        metric
    }

    /// Batches of messages of which at least one is retried.
    pub fn retries(&self, consumer: &str) -> Metric {
        self.invocations(consumer, "unavailable")
    }

    /// Messages of visitors.
    pub fn new_messages(&self, function: &str) -> Metric {
        self.custom(function, NEW_MESSAGES, "Sum")
    }

    /// A metric that the functions publish themselves.
    fn custom(&self, function: &str, name: &'static str, statistic: &'static str) -> Metric {
        let dimensions = vec![("Function", self.stage.physical(function))];
        Metric { namespace: NAMESPACE, name, dimensions, statistic }
    }

    /// Age of the queue's oldest message, in seconds.
    pub fn oldest_message(&self, queue: Queue) -> Metric {
        self.queue(queue, "ApproximateAgeOfOldestMessage")
    }

    /// Messages that wait in the queue.
    pub fn waiting_messages(&self, queue: Queue) -> Metric {
        self.queue(queue, "ApproximateNumberOfMessagesVisible")
    }

    fn queue(&self, queue: Queue, name: &'static str) -> Metric {
        let dimensions = vec![("QueueName", self.stage.physical(queue.name()))];
        Metric { namespace: "AWS/SQS", name, dimensions, statistic: "Maximum" }
    }

    /// Share of the account's mails that came back or that their readers reported, 0 to 1: `BounceRate` or `ComplaintRate`.
    /// AWS pauses accounts, so it is the account's, which has no dimension, and not that of the configuration set. None
    /// of a stage without mails.
    /// <https://docs.aws.amazon.com/ses/latest/dg/monitor-sender-reputation.html>
    pub fn reputation(&self, name: &'static str) -> Option<Metric> {
        self.stage.mail.as_ref()?;
        Some(Metric { namespace: "AWS/SES", name, dimensions: Vec::new(), statistic: "Maximum" })
    }

    /// A metric of the RDS instance; none without RDS.
    pub fn database(&self, name: &'static str, statistic: &'static str) -> Option<Metric> {
        let dimensions = vec![("DBInstanceIdentifier", parameter(self.database?))];
        Some(Metric { namespace: "AWS/RDS", name, dimensions, statistic })
    }

    /// The same of each replica, with its number.
    pub fn replicas(&self, name: &'static str, statistic: &'static str) -> impl Iterator<Item = (usize, Metric)> {
        (1..).zip(&self.replicas).map(move |(number, replica)| {
            let dimensions = vec![("DBInstanceIdentifier", parameter(*replica))];
            (number, Metric { namespace: "AWS/RDS", name, dimensions, statistic })
        })
    }
}

fn parameter(id: Id) -> String {
    format!("${{{}}}", id.name())
}
