//! Processors: each is a real process of `process-orders`, which is sometimes killed in the middle of an invocation.

use std::{
    collections::BTreeSet,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Result;
use rand::{Rng, rngs::StdRng};
use uuid::Uuid;

use super::{
    Flag,
    aws::{Aws, Current},
    queue::{Delivery, event, returned},
};
use crate::{MeasuredFunction, Parameters, process::FunctionProcess};

/// The function's timeout in the route table, after which Lambda kills it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Probability of a kill in an invocation.
const KILLED: f64 = 0.15;
/// Probability of a kill at the first mail of an invocation, between its sending and the note of it.
const KILLED_AT_MAIL: f64 = 0.1;
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
#[derive(Debug, Default)]
pub struct Processed {
    pub invocations: Vec<Invocation>,
    pub killed: u32,
    /// Of the killed ones, those at a mail.
    pub killed_at_mail: u32,
    /// Invocations that ended with an error or after the function's timeout.
    pub failed: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Invocation {
    pub number: u64,
    pub began: Instant,
    pub ended: Instant,
    /// Whether it was killed or failed.
    pub is_broken_off: bool,
}

/// A process, and the invocation that it is at.
struct Running {
    process: FunctionProcess,
    current: Arc<Current>,
}

enum Ending {
    /// The ids of the returned messages.
    Responded(BTreeSet<Uuid>),
    Killed,
    KilledAtMail,
    Failed,
}

impl Processor<'_> {
    /// Processes batches until the drill is over.
    pub fn work(mut self, over: &Flag) -> Result<Processed> {
        let mut process = None;
        let mut processed = Processed::default();
        while !over.is_set() {
            // Before it receives, so that a batch in flight is one that is being processed.
            let running = process.take().map_or_else(|| self.start(), Ok)?;
            let batch = self.aws.orders.receive(Instant::now());
            if batch.is_empty() {
                process = Some(running);
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            let began = Instant::now();
            let ending = self.invoke(&running, &batch, &processed)?;
            let (number, ended) = (running.current.number(), Instant::now());
            let is_broken_off = !matches!(ending, Ending::Responded(_));
            processed.invocations.push(Invocation { number, began, ended, is_broken_off });
            processed.killed += u32::from(matches!(ending, Ending::Killed | Ending::KilledAtMail));
            processed.killed_at_mail += u32::from(matches!(ending, Ending::KilledAtMail));
            processed.failed += u32::from(matches!(ending, Ending::Failed));
            let returned = match ending {
                Ending::Responded(returned) => {
                    process = Some(running);
                    Some(returned)
                }
                // Before its messages are delivered again.
                Ending::Killed | Ending::KilledAtMail | Ending::Failed => {
                    drop(running);
                    None
                }
            };
            self.aws.orders.complete(&batch, returned.as_ref(), Instant::now());
        }
        Ok(processed)
    }

    fn start(&self) -> Result<Running> {
        let current = Arc::default();
        let observer = Some(self.aws.observer(&current));
        Ok(Running { process: FunctionProcess::start_observed(self.function, self.parameters, observer)?, current })
    }

    /// A processor that was never killed is to be, in either way.
    fn invoke(&mut self, running: &Running, batch: &[Delivery], before: &Processed) -> Result<Ending> {
        let Running { process, current } = running;
        let is_spared = batch.iter().any(|delivery| delivery.receives > SPARED_AFTER);
        let is_killed = !is_spared && (before.killed == 0 || self.random.random_bool(KILLED));
        let is_due_at_mail = before.killed_at_mail == 0 || self.random.random_bool(KILLED_AT_MAIL);
        let ends_at_mail = !is_spared && !is_killed && is_due_at_mail;
        self.aws.begin(current, ends_at_mail);
        let limit = if is_killed { KILLED_WITHIN.mul_f64(self.random.random()) } else { TIMEOUT };
        match process.host.invoke_within(&serde_json::to_vec(&event(batch))?, limit) {
            Ok(Some(response)) => Ok(Ending::Responded(returned(&response.body)?)),
            Ok(None) if is_killed => Ok(Ending::Killed),
            Ok(None) if ends_at_mail && !current.ends_at_mail() => Ok(Ending::KilledAtMail),
            Ok(None) | Err(_) => Ok(Ending::Failed),
        }
    }
}
