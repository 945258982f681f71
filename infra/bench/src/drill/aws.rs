//! The queues of a drill, as the functions call them.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use shared::{
    mail::{MailMessage, MailV1},
    parameters::{Parameter, Queue, path_of},
};

use super::queue::{Faults, FifoQueue};
use crate::{Parameters, host::Observer};

/// A second of the function's visibility timeouts is so much shorter, as the times of the queue are.
const QUICKER: u32 = 60;

pub struct Aws {
    pub orders: FifoQueue,
    sent: Mutex<Sent>,
}

/// What the function sent to the other queues.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    pub mails: Vec<MailV1>,
    /// Bodies of parked orders, and mails that are none.
    pub wrong: Vec<String>,
    /// Messages that were parked after their last own fault.
    pub failed_too_often: usize,
}

impl Aws {
    pub fn new(seed: u64, faults: Faults) -> Arc<Self> {
        Arc::new(Self { orders: FifoQueue::new(seed, faults), sent: Mutex::default() })
    }

    pub fn sent(&self) -> Sent {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has the effects of the calls of a function.
    pub fn observer(self: &Arc<Self>) -> Observer {
        let aws = self.clone();
        Arc::new(move |target, body| aws.call(target, body))
    }

    fn call(&self, target: &str, body: &[u8]) {
        let call: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| call[name].as_str().unwrap_or_default();
        match target {
            "AmazonSQS.SendMessage" => {
                let reason = call["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap_or_default();
                self.send(text("QueueUrl"), text("MessageBody"), reason);
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
    }

    fn send(&self, url: &str, body: &str, reason: &str) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.failed_too_often += usize::from(reason.starts_with("failed 5 times"));
        match MailMessage::parse(body) {
            Ok(mail) if url == queue_url(Queue::Mails) => sent.mails.push(mail),
            _ => sent.wrong.push(format!("{url}: {body}")),
        }
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
            aws.observer()("AmazonSQS.SendMessage", call.to_string().as_bytes());
            let sent = aws.sent();
            assert_eq!((sent.mails.len(), sent.wrong.len()), (mails, wrong), "{queue:?} {body}");
        }
    }

    #[test]
    fn a_consumer_delays_each_message_of_a_batch_by_a_sixtieth_of_its_seconds() {
        let after = |receipt: u64, seconds: u64| {
            json!({ "Id": seconds.to_string(), "ReceiptHandle": receipt.to_string(), "VisibilityTimeout": seconds })
        };
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
            aws.observer()("AmazonSQS.ChangeMessageVisibilityBatch", call.to_string().as_bytes());
            assert_eq!(aws.orders.counts().delayed, changed, "{queue:?}");
        }
        aws.orders.complete(&received, None, now);
        for (seconds, expected) in [(9, &[][..]), (11, &[first.body.clone()]), (31, &[second.body.clone()])] {
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
