//! One message: attempts are counted before they begin, lock conflicts are retried here, and what fails five times by
//! its own fault is parked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use shared::{
    batch::deliveries,
    database,
    domain::without_addresses,
    error::catch_panic,
    messages::{OrderContent, OrderMessage},
    repo::message_faults::Attempt,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::batch::Disposition;

/// At so many own faults a message is parked.
const MAX_OWN_FAULTS: u16 = 5;
/// Attempts at a decision within one delivery, while others hold its locks.
const MAX_LOCK_CONFLICTS: u32 = 3;
/// Seconds until a message is delivered again that others' locks held up.
const AFTER_LOCK_CONFLICT: u16 = 2;
/// Seconds until a message is delivered again after an own fault. Its group waits for four times that.
const AFTER_OWN_FAULT: u16 = 15;
/// With more deliveries, the queue's visibility timeout holds: together they must outlast an outage of twelve hours.
const MAX_SHORT_DELIVERIES: u32 = 20;

/// The effects of a message on the queue and the database. Tests have both in memory.
pub(crate) trait Effects {
    /// Counts an attempt; so many earlier ones were none of its own.
    async fn begin(&self, message: &str, uncounted: u16) -> database::Result<Attempt>;
    /// Decides the message and forgets its attempts, all or nothing.
    async fn decide(&self, id: &str, message: &OrderMessage) -> database::Result<()>;
    /// Takes back the last attempt.
    async fn take_back(&self, message: &str) -> database::Result<()>;
    /// Stores why the last attempt failed.
    async fn explain(&self, message: &str, reason: &str) -> database::Result<()>;
    /// Sends the message to the dead-letter queue.
    async fn park(&self, message: &SqsMessage, reason: &str) -> anyhow::Result<()>;
}

/// Attempts of this execution environment that ended because the database went away, by message: they were counted, and
/// could not be taken back.
static UNCOUNTED: Mutex<BTreeMap<String, u16>> = Mutex::new(BTreeMap::new());

/// Why an attempt did not decide the message.
enum Fault {
    /// No retry can succeed.
    Permanent(String),
    /// A defect or a panic.
    Own(String),
    LockConflict(anyhow::Error),
    DatabaseAway(anyhow::Error),
}

impl From<database::Error> for Fault {
    fn from(error: database::Error) -> Self {
        // All orders take their locks before they write, so no other one can have written the row.
        let is_defect = error.is_duplicate_key();
        match error {
            database::Error::Away(cause) => Self::DatabaseAway(cause),
            database::Error::Busy(cause) if is_defect => Self::Own(format!("{cause:#}")),
            database::Error::Busy(cause) => Self::LockConflict(cause),
            database::Error::Defect(cause) => Self::Own(format!("{cause:#}")),
            database::Error::Unstorable(cause) => Self::Permanent(format!("the database refuses its values: {cause}")),
        }
    }
}

/// Processes one delivery of a message, and begins no repetition after `until`.
pub(crate) async fn process(effects: &impl Effects, message: &SqsMessage, until: Instant) -> Disposition {
    let id = message.message_id.as_deref().unwrap_or_default();
    let read =
        catch_panic(async { read(message.body.as_deref().unwrap_or_default(), OffsetDateTime::now_utc()) }).await;
    let content = match read {
        Ok(Ok(content)) => content,
        Ok(Err(reason)) => return park(effects, message, &reason).await,
        Err(panic) => return park(effects, message, &format!("{panic:#}")).await,
    };
    let attempt = match effects.begin(id, uncounted(id)).await {
        Ok(attempt) => attempt,
        Err(error) => return not_begun(message, error),
    };
    counted(id);
    if attempt.number > MAX_OWN_FAULTS {
        let last = attempt.last_reason.unwrap_or_else(|| "the process crashed".to_owned());
        return park(effects, message, &failed_too_often(&last)).await;
    }
    let Err(fault) = decide(effects, id, &content, until).await else { return Disposition::Done };
    match fault {
        Fault::Permanent(reason) => park(effects, message, &reason).await,
        Fault::Own(reason) if attempt.number == MAX_OWN_FAULTS => {
            park(effects, message, &failed_too_often(&reason)).await
        }
        Fault::Own(reason) => {
            tracing::error!(error = reason, attempt = attempt.number, "Message failed, and will be retried");
            log_failure(effects.explain(id, &reason).await);
            Disposition::Retry(soon(message, AFTER_OWN_FAULT))
        }
        Fault::LockConflict(cause) => {
            tracing::warn!(error = format!("{cause:#}"), "Lock conflict: message will be retried");
            if effects.take_back(id).await.is_err() {
                uncount(id);
            }
            Disposition::Retry(soon(message, AFTER_LOCK_CONFLICT))
        }
        Fault::DatabaseAway(cause) => {
            if effects.take_back(id).await.is_err() {
                uncount(id);
            }
            away(&cause)
        }
    }
}

/// The message of a body. A sweep is one by its kind alone: its other fields only make each body another one for the
/// queue's deduplication.
fn read(body: &str, now: OffsetDateTime) -> Result<OrderMessage, String> {
    #[derive(Deserialize)]
    struct Kind {
        kind: String,
    }
    if serde_json::from_str(body).is_ok_and(|Kind { kind }| kind == "sweep.v1") {
        return Ok(OrderMessage {
            id: Uuid::new_v4(),
            sent_at: now,
            request_id: None,
            content: OrderContent::Sweep {},
        });
    }
    OrderMessage::parse(body, now).map_err(|error| format!("not a message that this version understands: {error}"))
}

/// The decision, tried again a few times while others hold its locks, unless it is late in the batch.
async fn decide(effects: &impl Effects, id: &str, message: &OrderMessage, until: Instant) -> Result<(), Fault> {
    let mut conflicts = 0;
    loop {
        let fault = match catch_panic(effects.decide(id, message)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.into(),
            // It may quote what the buyer typed.
            Err(panic) => Fault::Own(without_addresses(&format!("{panic:#}"))),
        };
        conflicts += 1;
        let pause = Duration::from_millis(50).mul_f64(f64::from(conflicts) * (0.5 + rand::random::<f64>()));
        let is_late = Instant::now() + pause >= until;
        if !matches!(fault, Fault::LockConflict(_)) || conflicts == MAX_LOCK_CONFLICTS || is_late {
            return Err(fault);
        }
        tokio::time::sleep(pause).await;
    }
}

/// The attempt could not be counted, so it is not made.
fn not_begun(message: &SqsMessage, error: database::Error) -> Disposition {
    match error {
        database::Error::Away(cause) => away(&cause),
        database::Error::Busy(cause) => {
            tracing::warn!(error = format!("{cause:#}"), "Message will be retried");
            Disposition::Retry(soon(message, AFTER_LOCK_CONFLICT))
        }
        database::Error::Defect(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Attempts cannot be counted: message will be retried");
            Disposition::Retry(None)
        }
        database::Error::Unstorable(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Attempts cannot be counted: message will be retried");
            Disposition::Retry(None)
        }
    }
}

fn away(cause: &anyhow::Error) -> Disposition {
    tracing::warn!(
        error = format!("{cause:#}"),
        "Database away: this message and the rest of the batch will be retried"
    );
    Disposition::RetryRest
}

async fn park(effects: &impl Effects, message: &SqsMessage, reason: &str) -> Disposition {
    match effects.park(message, reason).await {
        Ok(()) => {
            tracing::error!(reason, "Message sent to the dead-letter queue");
            Disposition::Done
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), reason, "Message could not be sent to the dead-letter queue");
            Disposition::Retry(None)
        }
    }
}

fn failed_too_often(reason: &str) -> String {
    format!("failed {MAX_OWN_FAULTS} times, last: {reason}")
}

/// These seconds, or the queue's visibility timeout where short ones would use up the deliveries.
pub(crate) fn soon(message: &SqsMessage, seconds: u16) -> Option<u16> {
    (deliveries(message) <= MAX_SHORT_DELIVERIES).then_some(seconds)
}

fn log_failure(result: database::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = &error as &dyn std::error::Error, "The reason is not stored");
    }
}

fn uncounted(id: &str) -> u16 {
    UNCOUNTED.lock().unwrap_or_else(PoisonError::into_inner).get(id).copied().unwrap_or_default()
}

fn uncount(id: &str) {
    *UNCOUNTED.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_default() += 1;
}

fn counted(id: &str) {
    UNCOUNTED.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::json;

    use super::*;
    use crate::batch::{self, Returned};

    /// How a decision ends.
    #[derive(Clone, Copy, PartialEq)]
    enum End {
        Decided,
        Panics,
        Defect,
        Busy,
        DuplicateKey,
        Away,
        Unstorable,
        /// The process ends in the middle.
        Crash,
    }

    /// A table of faults and a dead-letter queue in memory, and a script of ends for each message.
    #[derive(Default)]
    struct Memory {
        attempts: RefCell<BTreeMap<String, Attempt>>,
        ends: RefCell<BTreeMap<String, Vec<End>>>,
        decided: RefCell<Vec<String>>,
        parked: RefCell<Vec<(String, String)>>,
        is_away: std::cell::Cell<bool>,
    }

    fn error(end: End) -> database::Error {
        match end {
            End::Busy => database::Error::Busy(anyhow::anyhow!("deadlock")),
            End::DuplicateKey => {
                let text = "Duplicate entry '…' for key 'mails_once'".to_owned();
                database::Error::Busy(database::ServerError { code: 1_062, text }.into())
            }
            End::Away => database::Error::Away(anyhow::anyhow!("refused")),
            End::Unstorable => database::Error::Unstorable(anyhow::anyhow!("too long")),
            _ => database::Error::Defect(anyhow::anyhow!("no such column")),
        }
    }

    impl Memory {
        fn reachable(&self) -> database::Result<()> {
            if self.is_away.get() { Err(error(End::Away)) } else { Ok(()) }
        }
    }

    impl Effects for Memory {
        async fn begin(&self, message: &str, uncounted: u16) -> database::Result<Attempt> {
            self.reachable()?;
            let mut attempts = self.attempts.borrow_mut();
            let none = Attempt { number: 0, last_reason: None };
            let attempt = attempts.entry(message.to_owned()).or_insert(none);
            attempt.number = attempt.number.saturating_sub(uncounted) + 1;
            Ok(attempt.clone())
        }

        async fn decide(&self, id: &str, _: &OrderMessage) -> database::Result<()> {
            self.reachable()?;
            let end = self.ends.borrow_mut().get_mut(id).and_then(|ends| (!ends.is_empty()).then(|| ends.remove(0)));
            match end.unwrap_or(End::Decided) {
                End::Decided => {
                    self.attempts.borrow_mut().remove(id);
                    self.decided.borrow_mut().push(id.to_owned());
                    Ok(())
                }
                End::Panics => panic!("index out of bounds"),
                End::Crash => std::future::pending().await,
                end => Err(error(end)),
            }
        }

        async fn take_back(&self, message: &str) -> database::Result<()> {
            self.reachable()?;
            self.attempts.borrow_mut().get_mut(message).unwrap().number -= 1;
            Ok(())
        }

        async fn explain(&self, message: &str, reason: &str) -> database::Result<()> {
            self.attempts.borrow_mut().get_mut(message).unwrap().last_reason = Some(reason.to_owned());
            Ok(())
        }

        async fn park(&self, message: &SqsMessage, reason: &str) -> anyhow::Result<()> {
            let id = message.message_id.clone().unwrap();
            self.attempts.borrow_mut().remove(&id);
            self.parked.borrow_mut().push((id, reason.to_owned()));
            Ok(())
        }
    }

    /// A message named `<test>-<group><number>`; its deliveries are counted as SQS does it.
    fn message(name: &str, deliveries: u32) -> SqsMessage {
        let group = &name[..name.len() - 1];
        let body = if name.ends_with('0') { "{}".to_owned() } else { json!({ "kind": "sweep.v1" }).to_string() };
        let message = json!({
            "messageId": name, "receiptHandle": "r", "body": body,
            "attributes": { "MessageGroupId": group, "ApproximateReceiveCount": deliveries.to_string() },
        });
        serde_json::from_value(message).unwrap()
    }

    fn far() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    /// Delivers the messages in batches until none is left, at most 50 times. Returns the number of deliveries.
    async fn deliver(memory: &Memory, names: &[String]) -> usize {
        let mut waiting: Vec<String> = names.to_vec();
        for delivery in 1..=50 {
            let messages = waiting.iter().map(|name| message(name, delivery)).collect();
            let running = batch::run(messages, Instant::now(), Duration::from_mins(1), async |message| {
                process(memory, message, far()).await
            });
            // A crash ends the whole invocation: every message of it is delivered again that was not deleted.
            let ended = tokio::time::timeout(Duration::from_secs(10), running).await;
            let decided = memory.decided.borrow().clone();
            let parked: Vec<String> = memory.parked.borrow().iter().map(|(id, _)| id.clone()).collect();
            waiting = match ended {
                Ok(returned) => {
                    returned.into_iter().map(|Returned { message, .. }| message.message_id.unwrap()).collect()
                }
                Err(_) => waiting.into_iter().filter(|id| !decided.contains(id) && !parked.contains(id)).collect(),
            };
            if waiting.is_empty() {
                return usize::try_from(delivery).unwrap();
            }
        }
        panic!("{waiting:?} is delivered for ever");
    }

    /// With each fault of the second message of group `a`: what is decided, in which order, what is parked, and after how
    /// many deliveries.
    #[tokio::test(start_paused = true)]
    async fn a_poison_message_is_parked_at_its_fifth_own_fault_and_no_neighbour_ever_is() {
        use End::{Away, Busy, Crash, Defect, DuplicateKey, Panics, Unstorable};
        let many = |end, count| vec![end; count];
        for (test, ends, decided, parked, deliveries) in [
            ("healthy", vec![], "a1 a2 b1 a3", None, 1),
            ("panic", many(Panics, 9), "a1 b1 a3", Some("failed 5 times, last: panicked: index out of bounds"), 5),
            ("defect", many(Defect, 9), "a1 b1 a3", Some("failed 5 times, last: no such column"), 5),
            (
                "duplicate key",
                many(DuplicateKey, 60),
                "a1 b1 a3",
                Some("failed 5 times, last: MariaDB error 1062: Duplicate entry '…' for key 'mails_once'"),
                5,
            ),
            ("crash", many(Crash, 9), "a1 b1 a3", Some("failed 5 times, last: the process crashed"), 6),
            ("four", many(Panics, 4), "a1 b1 a2 a3", None, 5),
            ("unstorable", many(Unstorable, 9), "a1 b1 a3", Some("the database refuses its values: "), 1),
            ("conflict", many(Busy, 2), "a1 a2 b1 a3", None, 1),
            ("conflicts", many(Busy, 60), "a1 b1 a2 a3", None, 21),
            ("away", many(Away, 20), "a1 a2 b1 a3", None, 21),
            ("mixed", [many(Away, 4), many(Panics, 4), many(Away, 4)].concat(), "a1 b1 a2 a3", None, 13),
            ("both", [many(Away, 7), many(Panics, 9)].concat(), "a1 b1 a3", Some("failed 5 times"), 12),
        ] {
            let name = |short: &str| format!("{test}-{short}");
            let memory = Memory::default();
            memory.ends.borrow_mut().insert(name("a2"), ends);
            let taken = deliver(&memory, &["a1", "a2", "b1", "a3"].map(name)).await;
            let expected: Vec<String> = decided.split(' ').map(name).collect();
            assert_eq!(*memory.decided.borrow(), expected, "{test}");
            let parked_now = memory.parked.borrow().clone();
            assert_eq!(parked_now.len(), usize::from(parked.is_some()), "{test}: {parked_now:?}");
            for (id, reason) in parked_now {
                assert!(id == name("a2") && reason.starts_with(parked.unwrap()), "{test}: {reason}");
            }
            assert_eq!(taken, deliveries, "{test}");
            assert!(memory.attempts.borrow().is_empty(), "{test}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_database_is_away_nothing_is_parked_or_counted() {
        let memory = Memory::default();
        memory.is_away.set(true);
        for _ in 0..1_000 {
            assert_eq!(process(&memory, &message("outage-a1", 9), far()).await, Disposition::RetryRest);
        }
        memory.is_away.set(false);
        assert_eq!(process(&memory, &message("outage-a1", 9), far()).await, Disposition::Done);
        assert!(memory.parked.borrow().is_empty());
    }

    /// Late in a batch a repetition could last until Lambda stops the function, and count as a fault of the message.
    #[tokio::test(start_paused = true)]
    async fn a_lock_conflict_late_in_a_batch_is_left_to_the_next_delivery() {
        for (test, until, expected) in
            [("early", far(), Disposition::Done), ("late", Instant::now(), Disposition::Retry(Some(2)))]
        {
            let (memory, name) = (Memory::default(), format!("{test}-a1"));
            memory.ends.borrow_mut().insert(name.clone(), vec![End::Busy]);
            assert_eq!(process(&memory, &message(&name, 1), until).await, expected, "{test}");
            let counted: Vec<u16> = memory.attempts.borrow().values().map(|attempt| attempt.number).collect();
            assert!(counted.iter().all(|count| *count == 0), "{test}: a conflict is no fault of its own");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_delivered_again_seconds_after_a_lock_conflict_and_later_after_an_own_fault() {
        for (test, end, seconds) in
            [("after-conflict", End::Busy, 2), ("after-defect", End::Defect, 15), ("after-panic", End::Panics, 15)]
        {
            let (memory, name) = (Memory::default(), format!("{test}-a1"));
            memory.ends.borrow_mut().insert(name.clone(), vec![end; 9]);
            let disposition = process(&memory, &message(&name, 1), far()).await;
            assert_eq!(disposition, Disposition::Retry(Some(seconds)), "{test}");
        }
    }

    #[tokio::test]
    async fn a_text_that_is_no_message_is_parked_at_once_with_the_reason() {
        let memory = Memory::default();
        assert_eq!(process(&memory, &message("text-a0", 1), far()).await, Disposition::Done);
        let (_, reason) = memory.parked.borrow()[0].clone();
        assert!(reason.starts_with("not a message that this version understands: missing field"), "{reason}");
    }

    #[test]
    fn short_waits_use_up_few_of_the_deliveries() {
        for (deliveries, seconds) in [(1, Some(2)), (20, Some(2)), (21, None), (800, None)] {
            assert_eq!(soon(&message("a1", deliveries), 2), seconds, "{deliveries}");
        }
    }
}
