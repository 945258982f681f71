//! The queues of a load test in memory, with the batches that Lambda's pollers would make of them.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use uuid::Uuid;

/// The most messages in one batch, as in the event source mappings of the stacks.
const BATCH: usize = 10;
/// The longest time for which a message without order is held back, so that others overtake it.
const HELD_BACK: Duration = Duration::from_secs(1);
/// Messages that one poll looks at, so that a poll of a long queue takes no longer.
const LOOKED_AT: usize = 200;
/// Until a message that a consumer has returned is delivered again. It is shorter than the visibility timeout of a stage, so
/// that a load test sees the repetition.
const RETURN: Duration = Duration::from_secs(2);

/// A queue whose messages of one group are processed one batch after another, in their order. In a queue without order each
/// message is a group of its own.
#[derive(Default)]
pub struct LoadQueue(Mutex<State>);

#[derive(Default)]
struct State {
    faults: Option<(Faults, StdRng)>,
    waiting: VecDeque<Message>,
    in_flight: Vec<Message>,
    duplicated: u64,
    shuffled: u64,
    accepted: u64,
    /// Messages that consumers have finished.
    finished: u64,
    returned: u64,
}

/// Faults that at-least-once delivery permits.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    /// Probability that a message is delivered again after it was deleted.
    pub duplicates: f64,
    /// Whether messages without order come in any order.
    pub shuffles: bool,
}

/// A message of a queue.
#[derive(Debug, Clone)]
pub struct Message {
    id: Uuid,
    group: String,
    body: String,
    sent: Instant,
    visible: Instant,
    receives: u32,
    is_copy: bool,
}

/// State of a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that wait or are being processed.
    pub messages: usize,
    /// Age of the oldest one.
    pub age: Duration,
    /// Messages since the beginning.
    pub accepted: u64,
    pub finished: u64,
    /// Deliveries that a consumer has returned.
    pub returned: u64,
    /// Messages that were delivered again after they were deleted.
    pub duplicated: u64,
    /// Messages that others could overtake.
    pub shuffled: u64,
}

impl LoadQueue {
    /// From now on, delivers messages with these faults, or without any.
    pub fn set_faults(&self, faults: Option<Faults>, seed: u64) {
        self.lock().faults = faults.map(|faults| (faults, StdRng::seed_from_u64(seed)));
    }

    /// Accepts a message; one without a group has no order.
    pub fn send(&self, group: Option<&str>, body: String, now: Instant) {
        let id = Uuid::new_v4();
        let mut state = self.lock();
        let visible = now + state.held_back(group.is_some());
        let group = group.map_or_else(|| id.to_string(), str::to_owned);
        state.accepted += 1;
        state.waiting.push_back(Message { id, group, body, sent: now, visible, receives: 0, is_copy: false });
    }

    /// The oldest messages whose groups have none in flight; empty if there are none.
    pub fn receive(&self, now: Instant) -> Vec<Message> {
        let mut state = self.lock();
        let mut held: BTreeSet<String> = state.in_flight.iter().map(|message| message.group.clone()).collect();
        let (mut batch, mut left) = (Vec::new(), VecDeque::new());
        while let Some(mut message) = state.waiting.pop_front() {
            if batch.len() == BATCH || left.len() == LOOKED_AT {
                left.push_back(message);
                break;
            }
            if message.visible <= now && !held.contains(&message.group) {
                message.receives += 1;
                batch.push(message);
            } else {
                // Later messages of its group wait for it.
                held.insert(message.group.clone());
                left.push_back(message);
            }
        }
        while let Some(message) = left.pop_back() {
            state.waiting.push_front(message);
        }
        state.in_flight.extend(batch.iter().cloned());
        batch
    }

    /// The consumer's answer: the ids of the messages that it returns; all of them, if it has failed.
    pub fn complete(&self, batch: &[Message], returned: Option<&BTreeSet<Uuid>>, now: Instant) {
        let mut state = self.lock();
        state.in_flight.retain(|message| batch.iter().all(|done| done.id != message.id));
        for message in batch.iter().rev() {
            if returned.is_none_or(|ids| ids.contains(&message.id)) {
                state.returned += 1;
                state.waiting.push_front(Message { visible: now + RETURN, ..message.clone() });
            } else {
                // A copy of a copy is none, so that each message is finished once.
                state.finished += u64::from(!message.is_copy);
                state.repeat(message, now);
            }
        }
    }

    pub fn depth(&self, now: Instant) -> Depth {
        let state = self.lock();
        let unfinished = || state.waiting.iter().chain(&state.in_flight);
        Depth {
            messages: unfinished().count(),
            age: unfinished().map(|message| message.sent).min().map_or(Duration::ZERO, |sent| now - sent),
            accepted: state.accepted,
            finished: state.finished,
            returned: state.returned,
            duplicated: state.duplicated,
            shuffled: state.shuffled,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Time until a new message is delivered: those without order may overtake each other.
    fn held_back(&mut self, has_order: bool) -> Duration {
        let Some((Faults { shuffles: true, .. }, random)) = &mut self.faults else { return Duration::ZERO };
        if has_order {
            return Duration::ZERO;
        }
        self.shuffled += 1;
        HELD_BACK.mul_f64(random.random())
    }

    /// Delivers a deleted message again, as at-least-once delivery permits.
    fn repeat(&mut self, message: &Message, now: Instant) {
        let Some((faults, random)) = &mut self.faults else { return };
        if !message.is_copy && random.random_bool(faults.duplicates) {
            self.duplicated += 1;
            self.waiting.push_back(Message { is_copy: true, visible: now, ..message.clone() });
        }
    }
}

/// The event with which Lambda delivers a batch of a queue.
pub fn event(batch: &[Message], queue: &str) -> Value {
    let record = |message: &Message| {
        json!({
            "messageId": message.id,
            "receiptHandle": message.id,
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": message.receives.to_string(),
                "SentTimestamp": "1767322985000",
                "ApproximateFirstReceiveTimestamp": "1767322985001",
                "MessageGroupId": message.group,
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            },
            "messageAttributes": {},
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": batch.iter().map(record).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(batch: &[Message]) -> Vec<&str> {
        batch.iter().map(|message| message.body.as_str()).collect()
    }

    #[test]
    fn a_group_is_processed_in_its_order_one_batch_after_another() {
        let (queue, now) = (LoadQueue::default(), Instant::now());
        queue.send(Some("a"), "a1".to_owned(), now);
        let first = queue.receive(now);
        queue.send(Some("a"), "a2".to_owned(), now);
        queue.send(Some("b"), "b1".to_owned(), now);
        assert_eq!(bodies(&queue.receive(now)), ["b1"], "`a` has a batch in flight");
        queue.complete(&first, Some(&BTreeSet::new()), now);
        assert_eq!(bodies(&queue.receive(now)), ["a2"]);
    }

    #[test]
    fn a_returned_message_comes_again_before_what_was_sent_after_it() {
        let (queue, now) = (LoadQueue::default(), Instant::now());
        queue.send(Some("a"), "a1".to_owned(), now);
        queue.send(Some("a"), "a2".to_owned(), now);
        let batch = queue.receive(now);
        let returned = BTreeSet::from([batch[0].id, batch[1].id]);
        queue.complete(&batch, Some(&returned), now);
        assert!(queue.receive(now).is_empty(), "it is delivered again after a while");
        assert_eq!(bodies(&queue.receive(now + RETURN)), ["a1", "a2"]);
    }

    #[test]
    fn messages_without_order_are_delivered_in_batches_of_ten() {
        let (queue, now) = (LoadQueue::default(), Instant::now());
        for number in 0..25 {
            queue.send(None, number.to_string(), now);
        }
        let sizes: Vec<usize> = (0..4).map(|_| queue.receive(now).len()).collect();
        assert_eq!(sizes, [10, 10, 5, 0]);
    }

    #[test]
    fn a_queue_with_faults_delivers_deleted_messages_once_more_and_others_in_any_order() {
        let (queue, now) = (LoadQueue::default(), Instant::now());
        queue.set_faults(Some(Faults { duplicates: 1.0, shuffles: true }), 1);
        for number in 0..40 {
            queue.send(None, number.to_string(), now);
        }
        let mut delivered = Vec::new();
        for step in 0..100 {
            let now = now + Duration::from_millis(20 * step);
            let batch = queue.receive(now);
            delivered.extend(batch.iter().map(|message| message.body.parse::<u32>().unwrap()));
            queue.complete(&batch, Some(&BTreeSet::new()), now);
        }
        assert_eq!(delivered.len(), 80);
        assert!(!delivered[..40].is_sorted(), "{delivered:?}");
        let depth = queue.depth(now + RETURN);
        assert_eq!((depth.accepted, depth.finished, depth.duplicated, depth.messages), (40, 40, 40, 0));
    }

    #[test]
    fn the_age_is_that_of_the_oldest_message_that_is_not_finished() {
        let (queue, now) = (LoadQueue::default(), Instant::now());
        queue.send(None, "1".to_owned(), now);
        let batch = queue.receive(now);
        let later = now + Duration::from_secs(5);
        assert_eq!(queue.depth(later).age, Duration::from_secs(5));
        queue.complete(&batch, Some(&BTreeSet::new()), later);
        let depth = queue.depth(later);
        assert_eq!((depth.age, depth.messages, depth.accepted, depth.finished), (Duration::ZERO, 0, 1, 1));
    }
}
