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

    /// Sends a message to the dead-letter queue unchanged, with the reason of its permanent failure.
    pub async fn dead_letter(&self, body: &str, reason: &str) -> anyhow::Result<()> {
        // SQS accepts no empty body and no control characters in an attribute.
        let body = if body.is_empty() { "(empty)" } else { body };
        let reason: String = reason.chars().filter(|c| !c.is_control()).take(500).collect();
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
