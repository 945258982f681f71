//! A FIFO queue in memory that delivers as SQS does, with the faults that SQS permits. Its times are shorter than those of a
//! stage, so that a drill takes seconds.
//!
//! A group has one batch in flight, of its oldest messages. What is not deleted becomes visible again, in its old place, and
//! holds up its group until then. A receipt handle is void once its visibility timeout is over.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html>

use std::{
    collections::{BTreeMap, BTreeSet, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The most messages in one batch: Lambda's limit for a FIFO queue.
pub const BATCH: usize = 10;
/// Longer than any invocation, so that a batch becomes visible during one only as a fault.
const VISIBILITY: Duration = Duration::from_secs(15);
/// Until a message that was returned, or whose consumer was killed, is visible again.
const RETURN: Duration = Duration::from_millis(250);
/// The visibility timeout of a batch that ends too early, at most.
const EARLY: Duration = Duration::from_millis(40);
/// Deliveries before a message is moved to the dead-letter queue, as in the stages' files.
const MAX_RECEIVES: u32 = 240;

/// Probabilities of what at-least-once delivery permits.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// A message is delivered again after it was deleted.
    pub again_after_deletion: f64,
    /// A batch becomes visible again while its consumer is still at work.
    pub again_in_flight: f64,
}

pub struct FifoQueue(Mutex<State>);

struct State {
    faults: Faults,
    random: StdRng,
    groups: BTreeMap<String, VecDeque<Message>>,
    deduplication_ids: HashSet<String>,
    receipts: u64,
    /// Batches that are not completed.
    in_flight: u64,
    counts: Counts,
    dead_letters: Vec<String>,
}

struct Message {
    id: Uuid,
    body: String,
    sequence: u64,
    is_copy: bool,
    receives: u32,
    /// Of its last delivery.
    receipt: u64,
    is_in_hand: bool,
    visible_at: Instant,
    /// Whether its consumer has set `visible_at`.
    is_delayed: bool,
}

/// One delivery of a message.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub id: Uuid,
    pub group: String,
    pub body: String,
    /// Of the queue, by acceptance.
    pub sequence: u64,
    pub receives: u32,
    pub receipt: u64,
}

/// What the queue has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    /// Not accepted, because a message with the same deduplication id was.
    pub deduplicated: u64,
    /// Deleted for the first time.
    pub processed: u64,
    pub again_after_deletion: u64,
    pub again_in_flight: u64,
    pub most_receives: u32,
    /// Messages that a consumer has finished after it had returned an earlier one of their group.
    pub out_of_order: u64,
    /// Messages that a consumer has returned with a delay of its own.
    pub delayed: u64,
    /// Batches that were in flight at the same time.
    pub most_at_once: u64,
}

impl FifoQueue {
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self(Mutex::new(State {
            faults,
            random: StdRng::seed_from_u64(seed),
            groups: BTreeMap::new(),
            deduplication_ids: HashSet::new(),
            receipts: 0,
            in_flight: 0,
            counts: Counts::default(),
            dead_letters: Vec::new(),
        }))
    }

    /// Accepts a message, and returns its sequence number; none for a repetition.
    pub fn send(&self, group: &str, deduplication_id: &str, body: String) -> Option<u64> {
        let mut state = self.lock();
        if !state.deduplication_ids.insert(deduplication_id.to_owned()) {
            state.counts.deduplicated += 1;
            return None;
        }
        state.counts.accepted += 1;
        let sequence = state.counts.accepted;
        let message = Message {
            id: Uuid::new_v4(),
            body,
            sequence,
            is_copy: false,
            receives: 0,
            receipt: 0,
            is_in_hand: false,
            visible_at: Instant::now(),
            is_delayed: false,
        };
        state.groups.entry(group.to_owned()).or_default().push_back(message);
        Some(sequence)
    }

    /// The oldest messages of a group that has none in flight; sometimes of several groups. Empty if there are none.
    pub fn receive(&self, now: Instant) -> Vec<Delivery> {
        let mut state = self.lock();
        let mut free: Vec<String> = state.groups.iter().filter(|(_, group)| is_free(group, now)).map(name).collect();
        free.shuffle(&mut state.random);
        let mut batch = Vec::new();
        for group in free {
            state.take(&group, now, &mut batch);
            if batch.len() == BATCH || state.random.random_bool(0.5) {
                break;
            }
        }
        state.in_flight += u64::from(!batch.is_empty());
        state.counts.most_at_once = state.counts.most_at_once.max(state.in_flight);
        batch
    }

    /// The consumer's answer: the ids of the messages that it returns. None stands for all of them, because it failed or was
    /// killed. The others are deleted.
    pub fn complete(&self, batch: &[Delivery], returned: Option<&BTreeSet<Uuid>>, now: Instant) {
        let mut state = self.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
        let mut stopped = BTreeSet::new();
        for delivery in batch {
            if returned.is_none_or(|ids| ids.contains(&delivery.id)) {
                stopped.insert(&delivery.group);
                state.put_back(delivery, now);
            } else {
                state.counts.out_of_order += u64::from(stopped.contains(&delivery.group));
                state.delete(delivery, now);
            }
        }
    }

    /// An entry of `ChangeMessageVisibilityBatch`.
    pub fn change_visibility(&self, receipt: u64, after: Duration, now: Instant) {
        let mut state = self.lock();
        let mut messages = state.groups.values_mut().flatten();
        if let Some(message) = messages.find(|message| message.receipt == receipt && message.visible_at > now) {
            message.visible_at = now + after;
            message.is_delayed = true;
            state.counts.delayed += 1;
        }
    }

    /// Messages that are waiting or in flight.
    pub fn depth(&self) -> usize {
        self.lock().groups.values().map(VecDeque::len).sum()
    }

    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// Bodies of messages that were delivered too often.
    pub fn dead_letters(&self) -> Vec<String> {
        self.lock().dead_letters.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_free(group: &VecDeque<Message>, now: Instant) -> bool {
    !group.is_empty() && group.iter().all(|message| message.visible_at <= now)
}

fn name((name, _): (&String, &VecDeque<Message>)) -> String {
    name.clone()
}

impl State {
    /// Adds the first messages of a group to a batch.
    fn take(&mut self, group: &str, now: Instant, batch: &mut Vec<Delivery>) {
        let visibility = if self.random.random_bool(self.faults.again_in_flight) {
            EARLY.mul_f64(self.random.random())
        } else {
            VISIBILITY
        };
        let Some(messages) = self.groups.get_mut(group) else { return };
        while messages.front().is_some_and(|message| message.receives >= MAX_RECEIVES) {
            self.dead_letters.extend(messages.pop_front().map(|message| message.body));
        }
        for message in messages.iter_mut().take(BATCH - batch.len()) {
            self.receipts += 1;
            self.counts.again_in_flight += u64::from(message.is_in_hand);
            message.receives += 1;
            message.receipt = self.receipts;
            message.is_in_hand = true;
            message.is_delayed = false;
            message.visible_at = now + visibility;
            self.counts.most_receives = self.counts.most_receives.max(message.receives);
            batch.push(Delivery {
                id: message.id,
                group: group.to_owned(),
                body: message.body.clone(),
                sequence: message.sequence,
                receives: message.receives,
                receipt: message.receipt,
            });
        }
    }

    /// The place of a message in its group, while the receipt handle of this delivery is valid.
    fn place(&self, delivery: &Delivery, now: Instant) -> Option<usize> {
        let messages = self.groups.get(&delivery.group)?;
        messages.iter().position(|message| message.receipt == delivery.receipt && message.visible_at > now)
    }

    fn put_back(&mut self, delivery: &Delivery, now: Instant) {
        let Some(messages) = self.groups.get_mut(&delivery.group) else { return };
        let Some(message) = messages.iter_mut().find(|message| message.receipt == delivery.receipt) else { return };
        message.is_in_hand = false;
        if !message.is_delayed && message.visible_at > now {
            message.visible_at = now + RETURN;
        }
    }

    /// Whether a deleted message is delivered again. The first one is, so that a short drill has one.
    fn repeats(&mut self) -> bool {
        let probability = self.faults.again_after_deletion;
        let is_first = self.counts.again_after_deletion == 0 && probability > 0.0;
        is_first || self.random.random_bool(probability)
    }

    fn delete(&mut self, delivery: &Delivery, now: Instant) {
        let Some(place) = self.place(delivery, now) else { return self.put_back(delivery, now) };
        let repeats = self.repeats();
        let Some(messages) = self.groups.get_mut(&delivery.group) else { return };
        let Some(message) = messages.remove(place) else { return };
        self.counts.processed += u64::from(!message.is_copy);
        if !message.is_copy && repeats {
            self.counts.again_after_deletion += 1;
            let copy =
                Message { is_copy: true, receipt: 0, visible_at: now, is_in_hand: false, is_delayed: false, ..message };
            messages.push_back(copy);
        }
    }
}

/// The event with which Lambda delivers a batch.
pub fn event(batch: &[Delivery]) -> Value {
    let record = |delivery: &Delivery| {
        json!({
            "messageId": delivery.id,
            "receiptHandle": delivery.receipt.to_string(),
            "body": delivery.body,
            "attributes": {
                "ApproximateReceiveCount": delivery.receives.to_string(),
                "SentTimestamp": "1767322985000",
                "ApproximateFirstReceiveTimestamp": "1767322985001",
                "SequenceNumber": format!("{:020}", delivery.sequence),
                "MessageGroupId": delivery.group,
                "MessageDeduplicationId": delivery.id,
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:anaquel-local-orders.fifo",
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() })
}

/// The messages that a consumer returns with its response.
pub fn returned(response: &[u8]) -> Result<BTreeSet<Uuid>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Faults = Faults { again_after_deletion: 0.0, again_in_flight: 0.0 };

    /// A queue with messages named `<group><number>`.
    fn queue(faults: Faults, names: &str) -> FifoQueue {
        let queue = FifoQueue::new(1, faults);
        for name in names.split(' ') {
            queue.send(&name[..1], name, name.to_owned()).unwrap();
        }
        queue
    }

    fn names(batch: &[Delivery]) -> String {
        batch.iter().map(|delivery| delivery.body.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn ids(batch: &[Delivery], names: &str) -> BTreeSet<Uuid> {
        batch.iter().filter(|delivery| names.split(' ').any(|name| name == delivery.body)).map(|d| d.id).collect()
    }

    #[test]
    fn a_group_has_one_batch_in_flight_of_at_most_ten_in_their_order() {
        let queue = queue(NONE, "a01 a02 a03 a04 a05 a06 a07 a08 a09 a10 a11 a12");
        let now = Instant::now();
        let first = queue.receive(now);
        assert_eq!(names(&first), "a01 a02 a03 a04 a05 a06 a07 a08 a09 a10");
        assert_eq!(names(&queue.receive(now)), "", "the rest waits");
        assert_eq!(queue.counts().most_at_once, 1);
        queue.send("b", "b01", "b01".to_owned()).unwrap();
        assert_eq!(names(&queue.receive(Instant::now())), "b01", "another group does not");
        queue.complete(&first, Some(&BTreeSet::new()), now);
        assert_eq!(names(&queue.receive(now)), "a11 a12");
        assert_eq!(queue.counts().most_at_once, 2, "one of each group");
    }

    #[test]
    fn what_is_returned_comes_back_in_its_place_and_holds_up_its_group_until_then() {
        for (returned, delay, early, later) in [
            (Some("a2 a3"), None, "", "a2 a3 a4"),
            (Some("a1 a2 a3"), None, "", "a1 a2 a3 a4"),
            (None, None, "", "a1 a2 a3 a4"),
            (Some(""), None, "a4", ""),
            (Some("a2 a3"), Some(2), "", ""),
        ] {
            let queue = queue(NONE, "a1 a2 a3");
            let now = Instant::now();
            let batch = queue.receive(now);
            queue.send("a", "a4", "a4".to_owned()).unwrap();
            if let Some(seconds) = delay {
                queue.change_visibility(batch[1].receipt, Duration::from_secs(seconds), now);
            }
            queue.complete(&batch, returned.map(|names| ids(&batch, names)).as_ref(), now);
            let after = Instant::now();
            assert_eq!(names(&queue.receive(after)), early, "{returned:?} {delay:?} at once");
            assert_eq!(names(&queue.receive(after + RETURN)), later, "{returned:?} {delay:?} later");
        }
    }

    #[test]
    fn a_void_receipt_handle_deletes_nothing() {
        let queue = queue(NONE, "a1");
        let now = Instant::now();
        let slow = queue.receive(now);
        let later = now + VISIBILITY;
        let quick = queue.receive(later);
        assert_eq!((quick[0].receives, queue.counts().again_in_flight), (2, 1));
        queue.complete(&slow, Some(&BTreeSet::new()), later);
        assert_eq!(queue.depth(), 1, "the first delivery is too late");
        queue.complete(&quick, Some(&BTreeSet::new()), later);
        assert_eq!((queue.depth(), queue.counts().processed), (0, 1));
    }

    #[test]
    fn a_deleted_message_is_delivered_again_once() {
        let queue = queue(Faults { again_after_deletion: 1.0, ..NONE }, "a1");
        let now = Instant::now();
        for receives in [1, 2] {
            let batch = queue.receive(now);
            assert_eq!((names(&batch).as_str(), batch[0].receives), ("a1", receives));
            queue.complete(&batch, Some(&BTreeSet::new()), now);
        }
        assert_eq!(queue.depth(), 0);
        let Counts { processed, again_after_deletion, .. } = queue.counts();
        assert_eq!((processed, again_after_deletion), (1, 1));
    }

    #[test]
    fn a_drill_with_duplicates_has_one_from_the_beginning() {
        for (probability, copies) in [(0.0, 0), (1e-9, 1)] {
            let queue = queue(Faults { again_after_deletion: probability, ..NONE }, "a1 a2 a3");
            let now = Instant::now();
            queue.complete(&queue.receive(now), Some(&BTreeSet::new()), now);
            assert_eq!(queue.depth(), copies, "{probability}");
        }
    }

    #[test]
    fn a_batch_may_become_visible_while_its_consumer_is_at_work() {
        let queue = queue(Faults { again_in_flight: 1.0, ..NONE }, "a1 a2");
        let now = Instant::now();
        queue.receive(now);
        assert_eq!(names(&queue.receive(now + EARLY)), "a1 a2");
        assert_eq!(queue.counts().again_in_flight, 2);
    }

    #[test]
    fn a_repeated_deduplication_id_is_accepted_once() {
        let queue = queue(NONE, "a1 a2");
        assert_eq!(queue.send("a", "a1", "again".to_owned()), None);
        let Counts { accepted, deduplicated, .. } = queue.counts();
        assert_eq!((accepted, deduplicated), (2, 1));
    }

    #[test]
    fn a_consumer_that_goes_on_after_a_failure_is_noticed() {
        for (returned, out_of_order) in [("a2 a3", 0), ("a1 a3", 1), ("a1", 2)] {
            let queue = queue(NONE, "a1 a2 a3");
            let now = Instant::now();
            let batch = queue.receive(now);
            queue.complete(&batch, Some(&ids(&batch, returned)), now);
            assert_eq!(queue.counts().out_of_order, out_of_order, "{returned}");
        }
    }

    #[test]
    fn what_is_delivered_too_often_becomes_a_dead_letter() {
        let queue = queue(NONE, "a1 a2");
        let mut now = Instant::now();
        for _ in 0..MAX_RECEIVES {
            let batch = queue.receive(now);
            queue.complete(&batch[..1], None, now);
            queue.complete(&batch[1..], Some(&BTreeSet::new()), now);
            now += RETURN;
        }
        queue.receive(now);
        assert_eq!(queue.dead_letters(), ["a1"]);
    }
}
