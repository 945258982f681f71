//! Monthly usage for a number of requests. Assumptions that no template determines are constants here, and the report
//! states them.

use shared::archive::{FOLDERS, MOST_DAYS};

use crate::{
    containers::{Service, runs_in_containers},
    routes::{FUNCTIONS, Queue, Trigger},
    stage::{Containers, Server, Stage},
};

/// Hours in a month.
pub const HOURS: f64 = 730.0;
/// Size of one bucket: function code, imported files, or covers and sample chapters.
pub const STORED_GB: f64 = 1.0;
/// Long polls in a month that Lambda sends to an empty queue: five pollers, 20 seconds each poll.
pub const POLLS: f64 = 5.0 * 3.0 * 60.0 * HOURS;
/// Log volume of a database's Enhanced Monitoring in a month, with one report a minute. An estimate; AWS publishes none.
pub const MONITORING_LOGS_GB: f64 = 0.5;
/// Metrics that each function publishes with `shared::metrics`: cold starts, database time, two outcomes.
pub const METRICS: f64 = 4.0;

/// Duration of one invocation in seconds. `bench` measures 0.3 to 0.7 ms of a whole core, and a function of 256 MB has a
/// seventh of one; the rest is for network round trips to the database and for cold starts.
const SECONDS: f64 = 0.02;
/// Size of a compressed response with its headers.
const RESPONSE_KB: f64 = 12.0;
/// Share of the requests of books' pages and addresses that lead to a sample chapter, which S3 sends, and its size.
const SAMPLED: f64 = 0.01;
const SAMPLE_MB: f64 = 2.0;
/// Log volume of one event: the function's line and Lambda's three.
const LOG_KB: f64 = 1.0;
/// Size of a message sent to the queue.
const MESSAGE_KB: f64 = 4.0;
/// Share of submissions (ratings and messages) among the requests.
pub const SUBMITTED: f64 = 0.02;
/// Share of orders among the requests.
pub const ORDERED: f64 = 0.002;
/// Customers who sign in within a month, for each request.
pub const SIGNED_IN: f64 = 0.001;
/// Requests of a sign-in to the pages of the user pool. An estimate: pages, forms and the exchange of the code.
const SIGN_IN_REQUESTS: f64 = 10.0;
/// Mails for an order: of its confirmation, and of one later event.
pub const MAILS: f64 = 2.0;
/// New connections to the load balancer for each request.
const CONNECTIONS: f64 = 0.2;

const KB_IN_GB: f64 = 1_000_000.0;

/// Requests a month with which each function behind the load balancer is called in every hour, in thousands.
pub fn requests_with_all_metrics() -> f64 {
    let functions = FUNCTIONS.iter().filter(|function| function.serves_http()).count();
    (HOURS * count(functions) / 1_000.0).round() * 1_000.0
}

/// Usage of a stage in a month. Functions have their physical names.
pub struct Usage {
    /// Requests at the load balancer.
    pub requests: f64,
    /// Whether CloudFront is in front of the load balancer.
    pub has_cloudfront: bool,
    /// Events by function.
    events: Vec<(String, f64)>,
    /// Lambda's name of the functions' architecture.
    pub architecture: &'static str,
    /// Number of listener rules.
    rules: f64,
    /// Number of NAT gateways, which share the traffic.
    pub gateways: f64,
    /// Storage of the database's instance.
    pub database_gb: f64,
    /// The services of containers by name, with their settings, and whether they answer everybody.
    services: Vec<(String, Service)>,
    containers: Option<Containers>,
    is_on_fargate: bool,
    /// Charged parameters of one `GetParameters` call, by function.
    parameters: Vec<(String, f64)>,
}

impl Usage {
    pub fn new(stage: &Stage, requests: u64, rules: usize, gateways: usize) -> Self {
        let requests = float(requests);
        let share = requests / count(FUNCTIONS.iter().filter(|function| function.serves_http()).count());
        let events = FUNCTIONS.iter().map(|function| {
            let events = match function.trigger {
                Trigger::Http(_) | Trigger::Unmatched if stage.is_on_fargate() && runs_in_containers(function) => 0.0,
                Trigger::Http(_) | Trigger::Unmatched => share,
                Trigger::Messages(queue) => messages(queue, requests),
                Trigger::Imports | Trigger::Uploads | Trigger::Staff | Trigger::Release => 0.0,
            };
            (stage.physical(function.name), events)
        });
        // A function of both services counts half for each.
        let of_services = Service::ALL.into_iter().filter(|_| stage.is_on_fargate()).map(|service| {
            let part = |name: &str| {
                let services =
                    Service::ALL.into_iter().filter(|other| other.functions().any(|known| known.name == name));
                share / count(services.count())
            };
            (stage.physical(service.name()), service.functions().map(|function| part(function.name)).sum())
        });
        let events = events.chain(of_services);
        let parameters = FUNCTIONS.iter().map(|function| {
            let charged = if stage.pays_for_parameters() { function.parameters(stage).len() } else { 0 };
            (stage.physical(function.name), count(charged))
        });
        let architecture = stage.architecture.lambda();
        Self {
            requests,
            has_cloudfront: stage.has_cloudfront(),
            events: events.collect(),
            architecture,
            rules: count(rules),
            gateways: count(gateways),
            database_gb: match &stage.database.server {
                Server::Rds(server) => server.storage_gb.into(),
                Server::External(_) => 0.0,
            },
            services: Service::ALL.map(|service| (stage.physical(service.name()), service)).into(),
            containers: stage.containers.clone(),
            is_on_fargate: stage.is_on_fargate(),
            parameters: parameters.collect(),
        }
    }

    /// The same stage with this number of requests at the load balancer, for what depends on nothing else.
    pub fn with_requests(self, requests: f64) -> Self {
        Self { requests, ..self }
    }

    /// Events of the function.
    pub fn events(&self, function: &str) -> f64 {
        self.events.iter().find(|(name, _)| name == function).map_or(0.0, |(_, events)| *events)
    }

    /// The least number of tasks of a service, and the settings of all.
    pub fn tasks(&self, service: &str) -> Option<(f64, &Containers)> {
        let settings = self.containers.as_ref()?;
        let (_, service) = self.services.iter().find(|(name, _)| name == service)?;
        Some((f64::from(service.tasks(settings).min), settings))
    }

    /// The number of functions whose requests the service answers.
    pub fn functions_in(&self, service: &str) -> f64 {
        let service = self.services.iter().find(|(name, _)| name == service);
        count(service.map_or(0, |(_, service)| service.functions().count()))
    }

    /// Covers that their function reads from S3. Caches at the edge spare some of them.
    pub fn covers_read(&self) -> f64 {
        self.events.iter().find(|(name, _)| name.ends_with("-serve-cover")).map_or(0.0, |(_, events)| *events)
    }

    /// Messages that consumers write to the archive.
    pub fn archived(&self) -> f64 {
        FOLDERS.into_iter().map(|(queue, _)| self.messages(queue)).sum()
    }

    /// What the archive has at a time.
    pub fn archived_gb(&self) -> f64 {
        let days_of_month = HOURS / 24.0;
        self.archived() * MESSAGE_KB / KB_IN_GB * f64::from(MOST_DAYS) / days_of_month
    }

    /// Volume of sample chapters, which S3 sends to the internet itself.
    pub fn samples_gb(&self) -> f64 {
        let books =
            self.events.iter().find(|(name, _)| name.ends_with("-show-book")).map_or(0.0, |(_, events)| *events);
        books * SAMPLED * SAMPLE_MB / 1_000.0
    }

    /// Duration of all invocations of the function.
    pub fn seconds(&self, function: &str) -> f64 {
        self.events(function) * SECONDS
    }

    /// Share of the month's hours in which the function is invoked, 0 to 1.
    pub fn active_share(&self, function: &str) -> f64 {
        (self.events(function) / HOURS).min(1.0)
    }

    /// Traces that X-Ray records: the first event of each second, and 5 % of the rest.
    pub fn traces(&self, function: &str) -> f64 {
        let events = self.events(function);
        let first = events.min(HOURS * 3_600.0);
        first + (events - first) / 20.0
    }

    /// Charged parameter reads: an execution environment reads its parameters in the init phase and every five minutes of
    /// activity. AWS charges each parameter of a call.
    pub fn parameters_read(&self, function: &str) -> f64 {
        let calls = (self.active_share(function) * HOURS * 12.0).min(self.events(function));
        calls * self.parameters.iter().find(|(name, _)| name == function).map_or(0.0, |(_, charged)| *charged)
    }

    /// Log volume of the function.
    pub fn log_gb(&self, function: &str) -> f64 {
        self.events(function) * LOG_KB / KB_IN_GB
    }

    /// Customers who sign in.
    pub fn customers(&self) -> f64 {
        self.requests * SIGNED_IN
    }

    /// Requests to the user pools.
    pub fn requests_of_sign_ins(&self) -> f64 {
        self.customers() * SIGN_IN_REQUESTS
    }

    /// Volume of all responses.
    pub fn responses_gb(&self) -> f64 {
        self.requests * RESPONSE_KB / KB_IN_GB
    }

    /// Messages of a queue; bounces and dead letters are too few to count.
    pub fn messages(&self, queue: Queue) -> f64 {
        messages(queue, self.requests)
    }

    /// Volume of the functions' requests to AWS services, mostly messages.
    pub fn aws_requests_gb(&self) -> f64 {
        let messages: f64 = Queue::ALL.into_iter().map(|queue| self.messages(queue)).sum();
        messages * MESSAGE_KB / KB_IN_GB
    }

    /// Hours of load balancer capacity units (LCU): the largest of the dimensions bytes, connections and rule evaluations.
    /// A unit has 0.4 GB an hour of Lambda responses or 1 GB of others, 25 new connections a second, and 1,000 rule evaluations a second, of
    /// which ten for each request are free.
    pub fn capacity_unit_hours(&self) -> f64 {
        let bytes = self.responses_gb() / if self.is_on_fargate { 1.0 } else { 0.4 };
        let connections = self.requests * CONNECTIONS / (25.0 * 3600.0);
        let rules = self.requests * (self.rules - 10.0).max(0.0) / (1000.0 * 3600.0);
        bytes.max(connections).max(rules)
    }
}

fn messages(queue: Queue, requests: f64) -> f64 {
    match queue {
        Queue::Submissions => requests * SUBMITTED,
        Queue::Orders => requests * ORDERED,
        Queue::Mails => requests * ORDERED * MAILS,
        Queue::Bounces
        | Queue::DeadLetters
        | Queue::OrderDeadLetters
        | Queue::MailDeadLetters
        | Queue::BounceDeadLetters
        | Queue::Erasures
        | Queue::ErasureDeadLetters
        | Queue::ImportDeadLetters => 0.0,
    }
}

/// The assumptions, for the report.
pub fn assumptions() -> String {
    format!(
        "Assumptions: a month has {HOURS} hours. Requests are spread evenly over the functions behind the load balancer. \
         Each takes {:.0} ms, returns {RESPONSE_KB} KB and logs {LOG_KB} KB; one in {:.0} is a rating or a message, and one \
         in {:.0} an order with {MAILS} mails; one in {:.0} of a book leads to a sample chapter of {SAMPLE_MB} MB; a customer signs in for every {:.0} requests, with \
         {SIGN_IN_REQUESTS} to the user pool. \
         Each function publishes {METRICS} metrics in each hour with requests. A bucket has {STORED_GB} GB, and Enhanced \
         Monitoring of an instance logs {MONITORING_LOGS_GB} GB a month.",
        SECONDS * 1000.0,
        1.0 / SUBMITTED,
        1.0 / ORDERED,
        1.0 / SAMPLED,
        1.0 / SIGNED_IN,
    )
}

/// The number as a float, with the precision of an estimate.
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
    fn every_request_invokes_one_function_a_submission_two_and_an_order_two_and_those_of_its_mails() {
        let usage = usage(1_000_000);
        let events: f64 =
            FUNCTIONS.iter().map(|function| usage.events(&format!("anaquel-prod-{}", function.name))).sum();
        assert!((events - 1_026_000.0).abs() < 1.0, "{events}");
        assert!((usage.events("anaquel-prod-process-submissions") - 20_000.0).abs() < 1.0);
        let samples = usage.events("anaquel-prod-show-book") / 100.0;
        assert!((usage.samples_gb() - samples * 0.002).abs() < 0.001, "2 MB each");
    }

    #[test]
    fn usage_without_requests_is_zero() {
        let usage = usage(0);
        let function = "anaquel-prod-show-book";
        let amounts = [
            usage.seconds(function),
            usage.active_share(function),
            usage.log_gb(function),
            usage.capacity_unit_hours(),
        ];
        assert!(amounts.iter().all(|amount| amount.abs() < f64::EPSILON), "{amounts:?}");
    }

    #[test]
    fn capacity_units_follow_the_largest_dimension() {
        // 12 GB of responses are 30 hours of 0.4 GB; the connections 2.2, the rules 3.6.
        assert!((usage(1_000_000).capacity_unit_hours() - 30.0).abs() < 0.01);
        let many_rules = Usage::new(&Stage::load("prod").unwrap(), 1_000_000, 1_000, 0);
        assert!((many_rules.capacity_unit_hours() - 275.0).abs() < 0.01);
    }
}
