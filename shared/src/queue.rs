//! Clients of the queues.

use std::{borrow::Cow, time::Duration};

use anyhow::{Context, bail};
use aws_sdk_sqs::{
    operation::send_message::builders::SendMessageFluentBuilder,
    types::{ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, QueueAttributeName},
};

use crate::{
    aws::explained,
    messages::{OrderMessage, Submission},
};

/// A client of one queue.
pub struct QueueClient {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl QueueClient {
    pub fn new(sqs: aws_sdk_sqs::Client, url: String) -> Self {
        Self { sqs, url }
    }

    /// Sends a submission. Once this returns, it is durable.
    pub async fn send(&self, submission: &Submission) -> anyhow::Result<()> {
        let body = serde_json::to_string(submission).context("writing the submission as JSON")?;
        self.put(self.sqs.send_message().message_body(body)).await
    }

    /// Sends a text.
    pub async fn send_text(&self, body: &str) -> anyhow::Result<()> {
        self.put(self.sqs.send_message().message_body(sendable(body))).await
    }

    /// Sends a submission that is delivered after this time: at most a quarter of an hour, which is SQS's limit.
    pub async fn send_after(&self, submission: &Submission, delay: Duration) -> anyhow::Result<()> {
        let body = serde_json::to_string(submission).context("writing the message as JSON")?;
        let seconds = i32::try_from(delay.as_secs())?;
        self.put(self.sqs.send_message().message_body(body).delay_seconds(seconds)).await
    }

    /// Sends a message to the dead-letter queue with the reason of its permanent failure: unchanged, or cut where SQS
    /// would not take both.
    pub async fn dead_letter(&self, body: &str, reason: &str) -> anyhow::Result<()> {
        self.put(self.with_reason(body, reason)?).await
    }

    /// The same to a FIFO queue. `id` identifies the message, so that a repetition within five minutes has no effect.
    pub async fn dead_letter_of_group(&self, body: &str, reason: &str, group: &str, id: &str) -> anyhow::Result<()> {
        let message = self.with_reason(body, reason)?;
        self.put(message.message_group_id(group).message_deduplication_id(id)).await
    }

    fn with_reason(&self, body: &str, reason: &str) -> anyhow::Result<SendMessageFluentBuilder> {
        let (body, reason) = fitting(body, reason);
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build()?;
        Ok(self.sqs.send_message().message_body(body).message_attributes("reason", reason))
    }

    /// Makes received messages visible again, each after its time in seconds, instead of after the queue's visibility
    /// timeout. At most ten, as SQS delivers them.
    ///
    /// # Errors
    /// SQS did not answer, or refused some: those wait for the queue's timeout.
    pub async fn show_again_after(&self, messages: &[(&str, u16)]) -> anyhow::Result<()> {
        let mut change = self.sqs.change_message_visibility_batch().queue_url(&self.url);
        for (number, (receipt, seconds)) in messages.iter().enumerate() {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            change = change.entries(entry.receipt_handle(*receipt).visibility_timeout((*seconds).into()).build()?);
        }
        let changed = change.send().await.map_err(explained).context("changing the visibility of messages")?;
        if let Some(failure) = changed.failed().first() {
            bail!("{} of {} not changed: {}", changed.failed().len(), messages.len(), failure.code());
        }
        Ok(())
    }

    /// Reads the depth of the queue, to check that it answers.
    pub async fn check(&self) -> anyhow::Result<()> {
        let depth = QueueAttributeName::ApproximateNumberOfMessages;
        let looked = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(depth).send().await;
        looked.map_err(explained).context("looking at the queue")?;
        Ok(())
    }

    async fn put(&self, message: SendMessageFluentBuilder) -> anyhow::Result<()> {
        let sent = message.queue_url(&self.url).send().await;
        sent.map_err(explained).context("sending to the queue")?;
        Ok(())
    }
}

/// A client of the order queue, which is a FIFO queue: messages of one group are decided in their order.
pub struct OrderQueue(QueueClient);

impl OrderQueue {
    pub fn new(client: QueueClient) -> Self {
        Self(client)
    }

    /// Sends a message in a group (`Shop::group_of`). Once this returns, it is durable. SQS drops a message with the same
    /// id and group for five minutes; a later one has no effect, because the consumer knows the id.
    pub async fn send(&self, message: &OrderMessage, group: &str) -> anyhow::Result<()> {
        let body = serde_json::to_string(message).context("writing the message as JSON")?;
        let send = self.0.sqs.send_message().message_body(body).message_group_id(group);
        self.0.put(send.message_deduplication_id(message.id.to_string())).await
    }
}

/// The largest message that SQS takes, in bytes, with its attributes.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_MESSAGE: usize = 1_048_576;
/// The name and the type of the attribute count as well.
const ATTRIBUTE: usize = "reason".len() + "String".len();

/// Characters that SQS takes in a body or an attribute; it refuses the whole message for another one.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn is_sendable(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// The text without the characters that SQS refuses.
fn sendable(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_sendable) { text.into() } else { text.chars().filter(|c| is_sendable(*c)).collect() }
}

/// Body and reason of a dead letter, in a form and size that SQS takes: no empty body, no character that it refuses, and no
/// control characters in an attribute. A body that is too long is cut, because it cannot succeed anyway, and the reason says
/// so.
fn fitting<'a>(body: &'a str, reason: &str) -> (Cow<'a, str>, String) {
    let body = sendable(body);
    let body = if body.is_empty() { "(empty)".into() } else { body };
    let mut reason: String = reason.chars().filter(|c| is_sendable(*c) && !c.is_control()).take(500).collect();
    if body.len() + reason.len() + ATTRIBUTE <= MAX_MESSAGE {
        return (body, reason);
    }
    reason = format!("cut, because it had {} bytes: {reason}", body.len());
    let kept = body.floor_char_boundary(MAX_MESSAGE - ATTRIBUTE - reason.len());
    (body[..kept].to_owned().into(), reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_can_be_parked_with_its_reason() {
        let reason = format!("not a submission\n{}", "ñ".repeat(600));
        for (body, is_whole) in [
            (String::new(), false),
            ("{}".to_owned(), true),
            ("x".repeat(MAX_MESSAGE - 2_000), true),
            ("x".repeat(MAX_MESSAGE), false),
            ("😀".repeat(MAX_MESSAGE / 4), false),
        ] {
            let (kept, reason) = fitting(&body, &reason);
            assert!(kept.len() + reason.len() + ATTRIBUTE <= MAX_MESSAGE && !kept.is_empty(), "{}", body.len());
            assert_eq!(kept == body, is_whole, "{}", body.len());
            assert!(reason.contains("not a submission") && !reason.contains('\n'), "{reason}");
        }
        let (body, reason) =
            fitting("\u{0}{\u{fffe}\"a\":\t1}\u{ffff}\n\u{1f680}", "unknown kind \u{fffe}R2\u{ffff}\u{7}");
        assert_eq!((&*body, reason.as_str()), ("{\"a\":\t1}\n\u{1f680}", "unknown kind R2"));
        assert_eq!(fitting("\u{fffe}", "x").0, "(empty)");
        assert!(fitting(&"x".repeat(MAX_MESSAGE), "too long").1.starts_with("cut, because it had 1048576 bytes"));
    }
}
