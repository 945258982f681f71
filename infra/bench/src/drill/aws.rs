//! The queues of a drill, as the functions call them.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use shared::{
    mail::MailMessage,
    parameters::{Parameter, Queue, path_of},
};

use super::queue::{Faults, FifoQueue};
use crate::{
    Parameters,
    host::{Observer, Reaction},
};

/// A second of the function's visibility timeouts is so much shorter, as the times of the queue are.
const QUICKER: u32 = 60;

pub struct Aws {
    pub orders: FifoQueue,
    sent: Mutex<Sent>,
    invocations: AtomicU64,
}

/// The invocation that a process is at.
#[derive(Debug, Default)]
pub struct Current {
    number: AtomicU64,
    /// Whether it ends at the first mail that it sends.
    ends_at_mail: AtomicBool,
}

impl Current {
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    pub fn ends_at_mail(&self) -> bool {
        self.ends_at_mail.load(Ordering::Relaxed)
    }
}

/// A mail that was sent to the queue of mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentMail {
    pub id: u64,
    /// Number of the invocation that has sent it.
    pub invocation: u64,
}

/// What the function sent to the other queues.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    pub mails: Vec<SentMail>,
    /// Bodies of parked orders, and mails that are none.
    pub wrong: Vec<String>,
    /// Messages that were parked after their last own fault.
    pub failed_too_often: usize,
}

impl Aws {
    pub fn new(seed: u64, faults: Faults) -> Arc<Self> {
        let orders = FifoQueue::new(seed, faults);
        Arc::new(Self { orders, sent: Mutex::default(), invocations: AtomicU64::default() })
    }

    /// Begins the next invocation of a processor.
    pub fn begin(&self, current: &Current, ends_at_mail: bool) {
        let number = self.invocations.fetch_add(1, Ordering::Relaxed) + 1;
        current.number.store(number, Ordering::Relaxed);
        current.ends_at_mail.store(ends_at_mail, Ordering::Relaxed);
    }

    pub fn sent(&self) -> Sent {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the effects of the calls of a processor.
    pub fn observer(self: &Arc<Self>, current: &Arc<Current>) -> Observer {
        let (aws, current) = (self.clone(), current.clone());
        Arc::new(move |target, body| aws.call(target, body, &current))
    }

    fn call(&self, target: &str, body: &[u8], current: &Current) -> Reaction {
        let call: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| call[name].as_str().unwrap_or_default();
        match target {
            "AmazonSQS.SendMessage" => {
                let reason = call["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap_or_default();
                return self.send(text("QueueUrl"), text("MessageBody"), reason, current);
            }
            "AmazonSQS.ChangeMessageVisibilityBatch" if text("QueueUrl") == queue_url(Queue::Orders) => {
                for entry in call["Entries"].as_array().into_iter().flatten() {
                    let seconds = Duration::from_secs(entry["VisibilityTimeout"].as_u64().unwrap_or_default());
                    let receipt = entry["ReceiptHandle"].as_str().and_then(|receipt| receipt.parse().ok());
                    self.orders.change_visibility(receipt.unwrap_or_default(), seconds / QUICKER, Instant::now());
                }
            }
            _ => {}
        }
        Reaction::Answer
    }

    fn send(&self, url: &str, body: &str, reason: &str, current: &Current) -> Reaction {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.failed_too_often += usize::from(reason.starts_with("failed 5 times"));
        match MailMessage::parse(body) {
            Ok(mail) if url == queue_url(Queue::Mails) => {
                sent.mails.push(SentMail { id: mail.id, invocation: current.number() });
                if current.ends_at_mail.swap(false, Ordering::Relaxed) {
                    return Reaction::End;
                }
            }
            _ => sent.wrong.push(format!("{url}: {body}")),
        }
        Reaction::Answer
    }
}

/// The parameters with the URLs of the drill's queues.
pub fn with_queues(mut parameters: Parameters) -> Parameters {
    for (name, value) in &mut parameters.0 {
        let queue = Queue::ALL.into_iter().find(|queue| path_of(name) == Parameter::Queue(*queue).path());
        if let Some(queue) = queue {
            *value = queue_url(queue);
        }
    }
    parameters
}

pub fn queue_url(queue: Queue) -> String {
    format!("https://sqs.us-east-1.amazonaws.com/000000000000/anaquel-local-{}", queue.name())
}

#[cfg(test)]
mod tests {
    use std::slice;

    use serde_json::json;

    use super::*;

    #[test]
    fn mails_are_kept_apart_from_everything_else_that_is_sent() {
        let mail =
            json!({ "kind": "mail.v1", "id": 7, "to": "ana@example.org", "subject": "Hola", "text": "Gracias." });
        for (queue, body, mails, wrong) in [
            (Queue::Mails, mail.to_string(), 1, 0),
            (Queue::Mails, "{}".to_owned(), 0, 1),
            (Queue::OrderDeadLetters, mail.to_string(), 0, 1),
        ] {
            let aws = Aws::new(1, Faults { again_after_deletion: 0.0, again_in_flight: 0.0 });
            let call = json!({ "QueueUrl": queue_url(queue), "MessageBody": body });
            aws.observer(&Arc::default())("AmazonSQS.SendMessage", call.to_string().as_bytes());
            let sent = aws.sent();
            assert_eq!((sent.mails.len(), sent.wrong.len()), (mails, wrong), "{queue:?} {body}");
        }
    }

    #[test]
    fn an_invocation_that_is_to_end_at_a_mail_ends_at_its_first_one() {
        let mail =
            json!({ "kind": "mail.v1", "id": 7, "to": "ana@example.org", "subject": "Hola", "text": "Gracias." });
        let call = |queue| json!({ "QueueUrl": queue_url(queue), "MessageBody": mail.to_string() }).to_string();
        let (aws, current) = (Aws::new(1, Faults { again_after_deletion: 0.0, again_in_flight: 0.0 }), Arc::default());
        let observer = aws.observer(&current);
        for (ends_at_mail, queue, expected) in [
            (false, Queue::Mails, Reaction::Answer),
            (true, Queue::OrderDeadLetters, Reaction::Answer),
            (true, Queue::Mails, Reaction::End),
        ] {
            aws.begin(&current, ends_at_mail);
            let reaction = observer("AmazonSQS.SendMessage", call(queue).as_bytes());
            assert_eq!(reaction, expected, "{ends_at_mail} {queue:?}");
        }
        assert!(!current.ends_at_mail());
        assert_eq!(aws.sent().mails, [1, 3].map(|invocation| SentMail { id: 7, invocation }));
    }

    #[test]
    fn a_consumer_delays_each_message_of_a_batch_by_a_sixtieth_of_its_seconds() {
        let after = |receipt: u64, seconds: u64| json!({ "Id": seconds.to_string(), "ReceiptHandle": receipt.to_string(), "VisibilityTimeout": seconds });
        let aws = Aws::new(1, Faults { again_after_deletion: 0.0, again_in_flight: 0.0 });
        for group in ["a", "b"] {
            aws.orders.send(group, group, group.to_owned()).unwrap();
        }
        let now = Instant::now();
        let received: Vec<_> = [aws.orders.receive(now), aws.orders.receive(now)].concat();
        let [first, second] = &received[..] else { panic!("{received:?}") };
        let entries = [after(first.receipt, 600), after(second.receipt, 1_800)];
        for (queue, changed) in [(Queue::Mails, 0), (Queue::Orders, 2)] {
            let call = json!({ "QueueUrl": queue_url(queue), "Entries": entries });
            aws.observer(&Arc::default())("AmazonSQS.ChangeMessageVisibilityBatch", call.to_string().as_bytes());
            assert_eq!(aws.orders.counts().delayed, changed, "{queue:?}");
        }
        aws.orders.complete(&received, None, now);
        for (seconds, expected) in
            [(9, &[][..]), (11, slice::from_ref(&first.body)), (31, slice::from_ref(&second.body))]
        {
            let come = aws.orders.receive(now + Duration::from_secs(seconds));
            assert_eq!(come.iter().map(|one| one.body.clone()).collect::<Vec<_>>(), expected, "after {seconds} s");
            aws.orders.complete(&come, Some(&[].into()), now + Duration::from_secs(seconds));
        }
    }

    #[test]
    fn only_the_urls_of_queues_are_replaced() {
        let parameter = |parameter: Parameter| format!("/anaquel/local/{parameter}");
        let (queue, host) = (parameter(Parameter::Queue(Queue::Mails)), parameter(Parameter::DatabaseHost));
        let given = Parameters([(queue.clone(), "old".to_owned()), (host.clone(), "here".to_owned())].into());
        let replaced = with_queues(given).0;
        assert!(replaced[&queue].ends_with("/anaquel-local-mails"), "{replaced:?}");
        assert_eq!(replaced[&host], "here");
    }
}
