//! `bookstore redrive`: lists the messages of the dead-letter queue and sends each to its source: submissions to their
//! queue, failed imports to the function. A permanent failure returns to the dead-letter queue with its reason.
//!
//! A message is sent before it is deleted: an interruption loses none, and processing a duplicate has no effect.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_lambda::{primitives::Blob, types::InvocationType};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use clap::Args;
use infra::{
    routes::{FUNCTIONS, Trigger},
    stage::Stage,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    arguments,
    aws::{AwsClients, call, connect},
    deploy::alias::ALIAS,
    output::{self, Report, confirm, minute},
};

#[derive(Args)]
pub struct Redrive {
    /// Stage of the shop
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// Visibility timeout of the listed messages: time to read and decide.
const HIDDEN_FOR: Duration = Duration::from_mins(15);

/// A message of the dead-letter queue.
struct DeadLetter {
    body: String,
    receipt: String,
    /// Why processing failed.
    reason: String,
    sent_at: String,
    kind: String,
    id: String,
    origin: Origin,
}

enum Origin {
    Submissions,
    /// The event that started the import.
    Import(Value),
}

pub async fn run(args: &Redrive) -> Result<Report> {
    let (stage, aws) = connect(&args.stage).await?;
    let dead_letter_queue = queue(&aws, &stage, "parked").await?;
    let dead_letters = take(&aws, &dead_letter_queue).await?;
    if dead_letters.is_empty() {
        return Ok(Report::new("The dead-letter queue is empty.", json!({ "messages": [] })));
    }
    outln!("{}", table(&dead_letters));
    if let Err(declined) = confirm("Redrive these messages?", args.yes, "nothing was sent") {
        release(&aws, &dead_letter_queue, &dead_letters).await?;
        return Err(declined);
    }
    let submissions = queue(&aws, &stage, "submissions").await?;
    for (sent, message) in dead_letters.iter().enumerate() {
        let sent_back = redrive(&aws, &stage, &submissions, &dead_letter_queue, message).await;
        sent_back.with_context(|| {
            format!("{sent} of {} messages were sent; the others stay in the dead-letter queue", dead_letters.len())
        })?;
    }
    let text = format!(
        "{} sent to their source. Those that fail again return to the dead-letter queue: `{}` counts them.",
        dead_letters.len(),
        stage.command("status")
    );
    Ok(Report::new(text, json!({ "messages": dead_letters.iter().map(DeadLetter::json).collect::<Vec<_>>() })))
}

async fn queue(aws: &AwsClients, stage: &Stage, name: &str) -> Result<String> {
    let found = call(aws.sqs.get_queue_url().queue_name(stage.physical(name)).send()).await;
    found.with_context(|| format!("looking up the queue {name}"))?.queue_url.context("SQS returned no URL")
}

/// All visible messages, ten per call; an empty answer of SQS is the end.
async fn take(aws: &AwsClients, dead_letter_queue: &str) -> Result<Vec<DeadLetter>> {
    let mut dead_letters = Vec::new();
    loop {
        let receive =
            aws.sqs.receive_message().queue_url(dead_letter_queue).max_number_of_messages(10).wait_time_seconds(1);
        let receive =
            receive.visibility_timeout(i32::try_from(HIDDEN_FOR.as_secs())?).message_attribute_names("reason");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let received =
            call(receive.send()).await.context("reading the dead-letter queue")?.messages.unwrap_or_default();
        if received.is_empty() {
            return Ok(dead_letters);
        }
        dead_letters.extend(received.into_iter().map(DeadLetter::read));
    }
}

/// Makes the messages visible again.
async fn release(aws: &AwsClients, dead_letter_queue: &str, dead_letters: &[DeadLetter]) -> Result<()> {
    for message in dead_letters {
        let show = aws.sqs.change_message_visibility().queue_url(dead_letter_queue).receipt_handle(&message.receipt);
        call(show.visibility_timeout(0).send()).await.context("making the messages visible again")?;
    }
    Ok(())
}

async fn redrive(
    aws: &AwsClients,
    stage: &Stage,
    submissions: &str,
    dead_letter_queue: &str,
    message: &DeadLetter,
) -> Result<()> {
    match &message.origin {
        Origin::Submissions => {
            let send = aws.sqs.send_message().queue_url(submissions).message_body(&message.body);
            call(send.send()).await.context("sending to the submissions queue")?;
        }
        Origin::Import(event) => {
            let import = FUNCTIONS.iter().find(|function| matches!(function.trigger, Trigger::Imports));
            let name = stage.physical(import.context("the route table has no import function")?.name);
            let invoke = aws.lambda.invoke().function_name(&name).qualifier(ALIAS);
            let invoke = invoke.invocation_type(InvocationType::Event).payload(Blob::new(event.to_string()));
            call(invoke.send()).await.with_context(|| format!("starting {name}"))?;
        }
    }
    let delete = aws.sqs.delete_message().queue_url(dead_letter_queue).receipt_handle(&message.receipt);
    call(delete.send()).await.context("deleting the message from the dead-letter queue")?;
    Ok(())
}

impl DeadLetter {
    fn read(message: Message) -> Self {
        let body = message.body.unwrap_or_default();
        let attributes = message.attributes.unwrap_or_default();
        let sent_at = attributes.get(&MessageSystemAttributeName::SentTimestamp);
        let reason = message.message_attributes.and_then(|mut all| all.remove("reason")?.string_value);
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let unnamed = || message.message_id.clone().unwrap_or_default();

        let event = json["requestContext"]["functionArn"].as_str().and_then(|_| json.get("requestPayload"));
        let (kind, id, failure, origin) = match event {
            Some(event) => {
                let file = &event["Records"][0]["s3"]["object"]["key"];
                let failure = text(&json["responsePayload"]["errorMessage"]);
                let failure = failure.or_else(|| text(&json["requestContext"]["condition"]));
                (Some("import".to_owned()), text(file), failure, Origin::Import(event.clone()))
            }
            None => (text(&json["kind"]), text(&json["id"]), None, Origin::Submissions),
        };
        Self {
            reason: reason.or(failure).unwrap_or_else(|| "too many retries".to_owned()),
            sent_at: sent_at.and_then(|at| time(at)).map(minute).unwrap_or_default(),
            kind: kind.unwrap_or_else(|| "unknown".to_owned()),
            id: id.unwrap_or_else(unnamed),
            origin,
            receipt: message.receipt_handle.unwrap_or_default(),
            body,
        }
    }
}

impl DeadLetter {
    fn json(&self) -> Value {
        json!({ "sent_at": self.sent_at, "kind": self.kind, "id": self.id, "reason": self.reason })
    }
}

/// SQS timestamps are milliseconds since 1970.
fn time(milliseconds: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(milliseconds.parse::<i64>().ok()? / 1000).ok()
}

fn table(dead_letters: &[DeadLetter]) -> String {
    let row = |message: &DeadLetter| [&message.sent_at, &message.kind, &message.id, &message.reason].map(String::clone);
    output::table(&["sent", "kind", "id", "reason"], dead_letters.iter().map(row)).to_string()
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;

    use super::*;

    fn message(body: &str, reason: Option<&str>) -> DeadLetter {
        let reason = reason.map(|reason| {
            MessageAttributeValue::builder().data_type("String").string_value(reason).build().expect("an attribute")
        });
        let attributes = reason.map(|reason| [("reason".to_owned(), reason)].into());
        let sent_at = (MessageSystemAttributeName::SentTimestamp, "1767323045678".to_owned());
        let message = Message::builder().message_id("m-1").receipt_handle("r-1").body(body);
        let message = message.set_message_attributes(attributes).set_attributes(Some([sent_at].into()));
        DeadLetter::read(message.build())
    }

    #[test]
    fn a_submission_is_listed_with_kind_id_and_reason() {
        let body = json!({ "id": "c56a4180", "kind": "rating.v9" }).to_string();
        let shown = table(&[message(&body, Some("unknown variant\u{1b}[2J"))]);
        for cell in ["2026-01-02 03:04 UTC", "rating.v9", "c56a4180", "unknown variant\\u{1b}[2J"] {
            assert!(shown.contains(cell), "{cell}: {shown}");
        }
        assert_eq!(message(&body, None).reason, "too many retries");
    }

    #[test]
    fn what_nobody_can_read_goes_back_as_it_came() {
        let garbage = message("garbage", Some("not a submission"));
        assert_eq!((garbage.kind.as_str(), garbage.id.as_str(), garbage.body.as_str()), ("unknown", "m-1", "garbage"));
        assert!(matches!(garbage.origin, Origin::Submissions));
    }

    /// As Lambda's documentation shows an invocation record.
    #[test]
    fn a_failed_import_goes_back_with_the_event_that_started_it() {
        let event = json!({ "Records": [{ "s3": { "object": { "key": "incoming/books.csv" } } }] });
        let record = json!({
            "version": "1.0",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:anaquel-prod-import-catalogue:live",
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": { "statusCode": 200, "executedVersion": "4", "functionError": "Unhandled" },
            "responsePayload": { "errorType": "Error", "errorMessage": "the database is away" },
        });
        let import = message(&record.to_string(), None);
        assert_eq!(
            (import.kind.as_str(), import.id.as_str(), import.reason.as_str()),
            ("import", "incoming/books.csv", "the database is away")
        );
        assert!(matches!(import.origin, Origin::Import(started_with) if started_with == event));
    }
}
