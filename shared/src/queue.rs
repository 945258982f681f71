//! A client of one queue: the queue of submissions, or its dead-letter queue (`anaquel-<stage>-parked`).

use anyhow::Context;
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};

use crate::{aws::explained, messages::Submission};

pub struct QueueClient {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl QueueClient {
    pub fn new(sdk: &aws_config::SdkConfig, url: String) -> Self {
        Self { sqs: aws_sdk_sqs::Client::new(sdk), url }
    }

    /// Sends a submission. Once this returns, it is durable.
    pub async fn send(&self, submission: &Submission) -> anyhow::Result<()> {
        let body = serde_json::to_string(submission).context("writing the submission as JSON")?;
        self.put(self.sqs.send_message().message_body(body)).await
    }

    /// Sends a message to the dead-letter queue with the reason of its permanent failure: unchanged, or cut where SQS
    /// would not take both.
    pub async fn dead_letter(&self, body: &str, reason: &str) -> anyhow::Result<()> {
        let (body, reason) = fitting(body, reason);
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build()?;
        self.put(self.sqs.send_message().message_body(body).message_attributes("reason", reason)).await
    }

    /// Reads the depth of the queue, to check that it answers.
    pub async fn check(&self) -> anyhow::Result<()> {
        let depth = QueueAttributeName::ApproximateNumberOfMessages;
        let looked = self.sqs.get_queue_attributes().queue_url(&self.url).attribute_names(depth).send().await;
        looked.map_err(explained).context("looking at the queue")?;
        Ok(())
    }

    async fn put(
        &self,
        message: aws_sdk_sqs::operation::send_message::builders::SendMessageFluentBuilder,
    ) -> anyhow::Result<()> {
        let sent = message.queue_url(&self.url).send().await;
        sent.map_err(explained).context("sending to the queue")?;
        Ok(())
    }
}

/// The largest message that SQS takes, in bytes, with its attributes.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_MESSAGE: usize = 1_048_576;
/// The name and the type of the attribute count as well.
const ATTRIBUTE: usize = "reason".len() + "String".len();

/// Body and reason of a dead letter, in a form and size that SQS takes: no empty body, and no control characters in an
/// attribute. A body that is too long is cut, because it cannot succeed anyway, and the reason says so.
fn fitting<'a>(body: &'a str, reason: &str) -> (&'a str, String) {
    let body = if body.is_empty() { "(empty)" } else { body };
    let mut reason: String = reason.chars().filter(|c| !c.is_control()).take(500).collect();
    if body.len() + reason.len() + ATTRIBUTE <= MAX_MESSAGE {
        return (body, reason);
    }
    reason = format!("cut, because it had {} bytes: {reason}", body.len());
    let kept = body.floor_char_boundary(MAX_MESSAGE - ATTRIBUTE - reason.len());
    (&body[..kept], reason)
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
        assert!(fitting(&"x".repeat(MAX_MESSAGE), "too long").1.starts_with("cut, because it had 1048576 bytes"));
    }
}
