//! Processors: each is a real process of `process-orders`, which is sometimes killed in the middle of an invocation.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::{Rng, rngs::StdRng};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Flag,
    aws::Aws,
    queue::{Delivery, event},
};
use crate::{MeasuredFunction, Parameters, process::FunctionProcess};

/// The function's timeout in the route table, after which Lambda kills it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Probability of a kill in an invocation.
const KILLED: f64 = 0.15;
/// A kill comes within this time after the event.
const KILLED_WITHIN: Duration = Duration::from_millis(60);
/// A message that was delivered more often is spared: at its fifth crash `process-orders` would park it, rightly.
const SPARED_AFTER: u32 = 3;

pub struct Processor<'a> {
    pub function: &'a MeasuredFunction,
    pub parameters: &'a Parameters,
    pub aws: &'a Arc<Aws>,
    pub random: StdRng,
}

/// What happened to one processor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Processed {
    pub invocations: u32,
    pub killed: u32,
    /// Invocations that ended with an error or after the function's timeout.
    pub failed: u32,
}

enum Ending {
    /// The ids of the returned messages.
    Responded(BTreeSet<Uuid>),
    Killed,
    Failed,
}

impl Processor<'_> {
    /// Processes batches until the drill is over.
    pub fn work(mut self, over: &Flag) -> Result<Processed> {
        let mut process = None;
        let mut processed = Processed::default();
        while !over.is_set() {
            // Before it receives, so that a batch in flight is one that is being processed.
            let running = match process.take() {
                Some(running) => running,
                None => FunctionProcess::start_observed(self.function, self.parameters, Some(self.aws.observer()))?,
            };
            let batch = self.aws.orders.receive(Instant::now());
            if batch.is_empty() {
                process = Some(running);
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            processed.invocations += 1;
            let ending = self.invoke(&running, &batch, processed.killed == 0);
            let returned = match ending? {
                Ending::Responded(returned) => {
                    process = Some(running);
                    Some(returned)
                }
                Ending::Killed => {
                    processed.killed += 1;
                    drop(running);
                    None
                }
                Ending::Failed => {
                    processed.failed += 1;
                    None
                }
            };
            self.aws.orders.complete(&batch, returned.as_ref(), Instant::now());
        }
        Ok(processed)
    }

    /// A processor that was never killed is to be.
    fn invoke(&mut self, process: &FunctionProcess, batch: &[Delivery], is_due: bool) -> Result<Ending> {
        let is_spared = batch.iter().any(|delivery| delivery.receives > SPARED_AFTER);
        let is_killed = !is_spared && (is_due || self.random.random_bool(KILLED));
        let limit = if is_killed { KILLED_WITHIN.mul_f64(self.random.random()) } else { TIMEOUT };
        match process.host.invoke_within(&serde_json::to_vec(&event(batch))?, limit) {
            Ok(Some(response)) => Ok(Ending::Responded(returned(&response.body)?)),
            Ok(None) if is_killed => Ok(Ending::Killed),
            Ok(None) | Err(_) => Ok(Ending::Failed),
        }
    }
}

/// The messages that a response returns.
fn returned(response: &[u8]) -> Result<BTreeSet<Uuid>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Response {
        batch_item_failures: Vec<Failure>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Failure {
        item_identifier: Uuid,
    }
    let text = || format!("no response of a queue's consumer: {}", String::from_utf8_lossy(response));
    let response: Response = serde_json::from_slice(response).with_context(text)?;
    Ok(response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect())
}
