//! `bookstore redrive`: shows the dead letters, and sends each back to where it came from: submissions to their queue,
//! failed imports to the function. What cannot succeed comes to rest again, with its reason.
//!
//! Sent first and deleted after: whatever interrupts it loses nothing, and what was sent twice counts once.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_lambda::{primitives::Blob, types::InvocationType};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use clap::Args;
use comfy_table::{Table, presets::NOTHING};
use infra::{
    routes::{FUNCTIONS, Trigger},
    stage::Stage,
};
use serde_json::Value;
use time::OffsetDateTime;

use crate::{
    aws::{AwsClients, call, connect},
    deploy::alias::ALIAS,
    output::{confirmed, minute, plain},
};

#[derive(Args)]
pub struct Redrive {
    /// Stage of the shop
    #[arg(long, default_value = "local")]
    stage: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// How long what is shown stays hidden from others: time to read and decide.
const HELD: Duration = Duration::from_mins(15);

/// A message in the queue of dead letters.
struct Letter {
    body: String,
    receipt: String,
    /// Why it lies there.
    reason: String,
    sent_at: String,
    kind: String,
    id: String,
    origin: Origin,
}

enum Origin {
    Submissions,
    /// What the import was started with.
    Import(Value),
}

pub async fn run(args: &Redrive) -> Result<()> {
    let (stage, aws) = connect(&args.stage).await?;
    let parked = queue(&aws, &stage, "parked").await?;
    let letters = take(&aws, &parked).await?;
    if letters.is_empty() {
        outln!("There are no dead letters.");
        return Ok(());
    }
    outln!("{}", table(&letters));
    if !args.yes && !confirmed("Send them back?")? {
        release(&aws, &parked, &letters).await?;
        outln!("They stay where they are.");
        return Ok(());
    }
    let submissions = queue(&aws, &stage, "submissions").await?;
    for (sent, letter) in letters.iter().enumerate() {
        let back = send_back(&aws, &stage, &submissions, &parked, letter).await;
        back.with_context(|| format!("{sent} of {} were sent back, and the others stay", letters.len()))?;
    }
    outln!("{} sent back. What cannot succeed comes to rest here again: `cargo bookstore status`.", letters.len());
    Ok(())
}

async fn queue(aws: &AwsClients, stage: &Stage, name: &str) -> Result<String> {
    let found = call(aws.sqs.get_queue_url().queue_name(stage.physical(name)).send()).await;
    found.with_context(|| format!("looking for the queue {name}"))?.queue_url.context("SQS names no URL")
}

/// All that there is to be had, ten at a time; SQS says that it is all with an empty answer.
async fn take(aws: &AwsClients, parked: &str) -> Result<Vec<Letter>> {
    let mut letters = Vec::new();
    loop {
        let receive = aws.sqs.receive_message().queue_url(parked).max_number_of_messages(10).wait_time_seconds(1);
        let receive = receive.visibility_timeout(i32::try_from(HELD.as_secs())?).message_attribute_names("reason");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        let received = call(receive.send()).await.context("reading the dead letters")?.messages.unwrap_or_default();
        if received.is_empty() {
            return Ok(letters);
        }
        letters.extend(received.into_iter().map(Letter::read));
    }
}

/// Shows them to others again.
async fn release(aws: &AwsClients, parked: &str, letters: &[Letter]) -> Result<()> {
    for letter in letters {
        let show = aws.sqs.change_message_visibility().queue_url(parked).receipt_handle(&letter.receipt);
        call(show.visibility_timeout(0).send()).await.context("showing the dead letters to others again")?;
    }
    Ok(())
}

async fn send_back(aws: &AwsClients, stage: &Stage, submissions: &str, parked: &str, letter: &Letter) -> Result<()> {
    match &letter.origin {
        Origin::Submissions => {
            let send = aws.sqs.send_message().queue_url(submissions).message_body(&letter.body);
            call(send.send()).await.context("sending to the queue of submissions")?;
        }
        Origin::Import(event) => {
            let import = FUNCTIONS.iter().find(|function| matches!(function.trigger, Trigger::Imports));
            let name = stage.physical(import.context("the table has no function that imports")?.name);
            let invoke = aws.lambda.invoke().function_name(&name).qualifier(ALIAS);
            let invoke = invoke.invocation_type(InvocationType::Event).payload(Blob::new(event.to_string()));
            call(invoke.send()).await.with_context(|| format!("starting {name}"))?;
        }
    }
    let delete = aws.sqs.delete_message().queue_url(parked).receipt_handle(&letter.receipt);
    call(delete.send()).await.context("removing it from the dead letters")?;
    Ok(())
}

impl Letter {
    fn read(message: Message) -> Self {
        let body = message.body.unwrap_or_default();
        let attributes = message.attributes.unwrap_or_default();
        let sent_at = attributes.get(&MessageSystemAttributeName::SentTimestamp);
        let parked_for = message.message_attributes.and_then(|mut all| all.remove("reason")?.string_value);
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(plain);
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
            reason: parked_for.map(|reason| plain(&reason)).or(failure).unwrap_or_else(|| "tried too often".to_owned()),
            sent_at: sent_at.and_then(|at| time(at)).map(minute).unwrap_or_default(),
            kind: kind.unwrap_or_else(|| "unknown".to_owned()),
            id: id.unwrap_or_else(unnamed),
            origin,
            receipt: message.receipt_handle.unwrap_or_default(),
            body,
        }
    }
}

/// SQS tells times in milliseconds.
fn time(milliseconds: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(milliseconds.parse::<i64>().ok()? / 1000).ok()
}

fn table(letters: &[Letter]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(["sent", "kind", "id", "why it lies here"]);
    table.add_rows(letters.iter().map(|letter| [&letter.sent_at, &letter.kind, &letter.id, &letter.reason]));
    table
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::MessageAttributeValue;
    use serde_json::json;

    use super::*;

    fn letter(body: &str, reason: Option<&str>) -> Letter {
        let reason = reason.map(|reason| {
            MessageAttributeValue::builder().data_type("String").string_value(reason).build().expect("an attribute")
        });
        let attributes = reason.map(|reason| [("reason".to_owned(), reason)].into());
        let sent_at = (MessageSystemAttributeName::SentTimestamp, "1767323045678".to_owned());
        let message = Message::builder().message_id("m-1").receipt_handle("r-1").body(body);
        let message = message.set_message_attributes(attributes).set_attributes(Some([sent_at].into()));
        Letter::read(message.build())
    }

    #[test]
    fn a_submission_is_told_by_its_kind_and_id_and_why_it_was_parked() {
        let body = json!({ "id": "c56a4180", "kind": "rating.v9" }).to_string();
        let shown = table(&[letter(&body, Some("unknown variant\u{1b}[2J"))]).to_string();
        for cell in ["2026-01-02 03:04 UTC", "rating.v9", "c56a4180", "unknown variant\\u{1b}[2J"] {
            assert!(shown.contains(cell), "{cell}: {shown}");
        }
        assert_eq!(letter(&body, None).reason, "tried too often");
    }

    #[test]
    fn what_nobody_can_read_goes_back_as_it_came() {
        let garbage = letter("garbage", Some("not a submission"));
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
        let import = letter(&record.to_string(), None);
        assert_eq!(
            (import.kind.as_str(), import.id.as_str(), import.reason.as_str()),
            ("import", "incoming/books.csv", "the database is away")
        );
        assert!(matches!(import.origin, Origin::Import(started_with) if started_with == event));
    }
}
