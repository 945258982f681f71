//! Outcomes of requests, and what a target shows of itself.

use std::{
    collections::BTreeMap,
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::shoppers::{Class, Request};

/// Functions on hosts of the load test, or a stage.
pub trait Target: Sync {
    /// Sends the request without waiting for the response, whose outcome goes to `outcomes`.
    fn send(&self, request: Request, intended: Instant, outcomes: &Sender<Outcome>);

    /// The state at this time.
    fn observe(&self) -> Observation;

    /// Waits until nothing is left of a step, so that the next one begins without its backlog.
    fn settle(&self) {}
}

/// Ending of one request.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub class: Class,
    pub intended: Instant,
    pub ended: Instant,
    pub ending: Ending,
    /// Of a rating or an order that was received.
    pub id: Option<Uuid>,
    /// Whether it started its environment.
    pub is_cold: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// A response with this HTTP status.
    Status(u16),
    /// The function had as many environments as its reserved concurrency allows, all at work.
    Throttled,
    /// No response.
    Failed(String),
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        self.ending == Ending::Status(self.class.success())
    }

    pub fn took(&self) -> Duration {
        self.ended.saturating_duration_since(self.intended)
    }
}

/// State of a target; empty where it is unknown.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Execution environments by function.
    pub environments: BTreeMap<String, usize>,
    /// Starts of environments since the beginning.
    pub cold_starts: u64,
    /// Connections to the database by user.
    pub connections: u32,
    /// Messages in queues that are not finished, and the age of the oldest.
    pub waiting: usize,
    pub queue_age: Duration,
    /// CPU time so far.
    pub cpu: Option<CpuTimes>,
}

/// CPU time of this machine since some time in the past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CpuTimes {
    /// All cores, idle or not.
    pub total: Duration,
    pub busy: Duration,
    pub database: Duration,
    /// The load generator, with the hosts of the functions.
    pub generator: Duration,
}
