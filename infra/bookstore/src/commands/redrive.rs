//! `bookstore redrive`: lists the messages of the dead-letter queues and sends each to its source: submissions, orders,
//! mails and bounces to their queues, failed imports and uploads to their functions. A permanent failure returns to its dead-letter
//! queue with its reason.
//!
//! A message is sent before it is deleted: an interruption loses none, and processing a duplicate has no effect.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result};
use aws_sdk_lambda::{primitives::Blob, types::InvocationType};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};
use clap::Args;
use infra::{
    routes::{FUNCTIONS, Function, Queue, Trigger},
    stage::Stage,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    arguments,
    aws::{AwsClients, call, connect_deployed},
    deploy::alias::ALIAS,
    output::{self, Report, confirm, counted, minute},
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

/// A message of a dead-letter queue.
struct DeadLetter {
    /// The dead-letter queue.
    queue: Queue,
    body: String,
    receipt: String,
    /// Why processing failed.
    reason: String,
    sent: Option<OffsetDateTime>,
    kind: String,
    id: String,
    /// Message group of a FIFO queue.
    group: Option<String>,
    origin: Origin,
}

enum Origin {
    /// The queue that the dead-letter queue belongs to.
    Queue,
    /// The event of a bucket, with which Lambda invoked the function.
    Bucket { function: &'static str, event: Value },
}

pub async fn run(args: &Redrive) -> Result<Report> {
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let queues = Queues::of(&aws, &stage).await?;
    let mut dead_letters = queues.take().await?;
    if dead_letters.is_empty() {
        return Ok(Report::new("The dead-letter queues are empty.", json!({ "messages": [] })));
    }
    outln!("{}", table(&dead_letters));
    let asked = queues.behind(&dead_letters).await.map(|behind| question(dead_letters.len(), behind));
    let confirmed = asked.and_then(|question| confirm(&question, args.yes, "nothing was sent"));
    if let Err(declined) = confirmed {
        queues.release(&dead_letters).await?;
        return Err(declined);
    }
    let (mut redriven, mut sent) = (Vec::new(), BTreeSet::new());
    while !dead_letters.is_empty() {
        for message in &dead_letters {
            sent.insert(message.identity());
            let sent_back = queues.redrive(message).await;
            sent_back.with_context(|| {
                format!("{} messages were sent; the others stay in the dead-letter queues", redriven.len())
            })?;
            redriven.push(message.json());
        }
        dead_letters = queues.take_rest(&sent).await?;
    }
    let text = format!(
        "{} sent to their source. Those that fail again return to their dead-letter queue: `{}` counts them.",
        redriven.len(),
        stage.command("status")
    );
    Ok(Report::new(text, json!({ "messages": redriven })))
}

/// The queues of a stage, by their URLs.
struct Queues<'a> {
    aws: &'a AwsClients,
    stage: &'a Stage,
    urls: BTreeMap<Queue, String>,
}

impl<'a> Queues<'a> {
    async fn of(aws: &'a AwsClients, stage: &'a Stage) -> Result<Self> {
        let mut urls = BTreeMap::new();
        for queue in Queue::ALL {
            let found = call(aws.sqs.get_queue_url().queue_name(stage.physical(queue.name())).send()).await;
            let found = found.with_context(|| format!("looking up the queue {}", queue.name()))?;
            urls.insert(queue, found.queue_url.context("SQS returned no URL")?);
        }
        Ok(Self { aws, stage, urls })
    }

    /// All visible messages of the dead-letter queues. Of a FIFO queue it has at most ten of a group, because SQS delivers
    /// the next ones of a group only after these are deleted.
    async fn take(&self) -> Result<Vec<DeadLetter>> {
        let mut dead_letters = Vec::new();
        for queue in Queue::ALL.into_iter().filter(|queue| queue.dead_letters().is_none()) {
            dead_letters.extend(self.take_from(queue).await?);
        }
        Ok(dead_letters)
    }

    /// The number of messages of FIFO queues that are not among these, because they are behind them in their groups. SQS
    /// counts approximately.
    async fn behind(&self, taken: &[DeadLetter]) -> Result<usize> {
        let mut behind = 0;
        for queue in Queue::ALL.into_iter().filter(|queue| queue.dead_letters().is_none() && queue.is_fifo()) {
            let counts = [
                QueueAttributeName::ApproximateNumberOfMessages,
                QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            ];
            let asked = self.aws.sqs.get_queue_attributes().queue_url(&self.urls[&queue]);
            let answer = call(asked.set_attribute_names(Some(counts.to_vec())).send()).await;
            let answer = answer.with_context(|| format!("counting the messages of the queue {}", queue.name()))?;
            let count = |name| answer.attributes().and_then(|all| all.get(name)?.parse::<usize>().ok());
            let all: usize = counts.iter().filter_map(count).sum();
            behind += all.saturating_sub(taken.iter().filter(|message| message.queue == queue).count());
        }
        Ok(behind)
    }

    /// The next messages of the groups. Those that were sent and failed again stay.
    async fn take_rest(&self, sent: &BTreeSet<Identity>) -> Result<Vec<DeadLetter>> {
        let mut dead_letters = Vec::new();
        for queue in Queue::ALL.into_iter().filter(|queue| queue.dead_letters().is_none() && queue.is_fifo()) {
            dead_letters.extend(self.take_from(queue).await?);
        }
        let (failed_again, rest): (Vec<_>, Vec<_>) =
            dead_letters.into_iter().partition(|message| sent.contains(&message.identity()));
        self.release(&failed_again).await?;
        Ok(rest)
    }

    /// Receives ten messages per call; an empty answer of SQS is the end.
    async fn take_from(&self, queue: Queue) -> Result<Vec<DeadLetter>> {
        let mut dead_letters = Vec::new();
        loop {
            let receive = self.aws.sqs.receive_message().queue_url(&self.urls[&queue]).max_number_of_messages(10);
            let receive = receive.wait_time_seconds(1).visibility_timeout(i32::try_from(HIDDEN_FOR.as_secs())?);
            let receive = receive.message_attribute_names("reason");
            let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
            let received = call(receive.send()).await.with_context(|| format!("reading the queue {}", queue.name()))?;
            let received = received.messages.unwrap_or_default();
            if received.is_empty() {
                return Ok(dead_letters);
            }
            dead_letters.extend(received.into_iter().map(|message| DeadLetter::read(queue, message)));
        }
    }

    /// Makes the messages visible again.
    async fn release(&self, dead_letters: &[DeadLetter]) -> Result<()> {
        for message in dead_letters {
            let show = self.aws.sqs.change_message_visibility().queue_url(&self.urls[&message.queue]);
            let show = show.receipt_handle(&message.receipt).visibility_timeout(0);
            call(show.send()).await.context("making the messages visible again")?;
        }
        Ok(())
    }

    async fn redrive(&self, message: &DeadLetter) -> Result<()> {
        match &message.origin {
            Origin::Queue => {
                let source = message.source()?;
                let mut send = self.aws.sqs.send_message().queue_url(&self.urls[&source]).message_body(&message.body);
                if source.is_fifo() {
                    // A new deduplication id: SQS would drop a message with that of the first one for five minutes.
                    let group = message.group.as_deref().unwrap_or("redriven");
                    send = send.message_group_id(group).message_deduplication_id(Uuid::new_v4().to_string());
                }
                call(send.send()).await.with_context(|| format!("sending to the queue {}", source.name()))?;
            }
            Origin::Bucket { function, event } => {
                let name = self.stage.physical(function);
                let invoke = self.aws.lambda.invoke().function_name(&name).qualifier(ALIAS);
                let invoke = invoke.invocation_type(InvocationType::Event).payload(Blob::new(event.to_string()));
                call(invoke.send()).await.with_context(|| format!("starting {name}"))?;
            }
        }
        let delete = self.aws.sqs.delete_message().queue_url(&self.urls[&message.queue]);
        let deleted = call(delete.receipt_handle(&message.receipt).send()).await;
        deleted.context("deleting the message from its dead-letter queue")?;
        Ok(())
    }
}

impl DeadLetter {
    fn read(queue: Queue, message: Message) -> Self {
        let body = message.body.unwrap_or_default();
        let attributes = message.attributes.unwrap_or_default();
        let sent_at = attributes.get(&MessageSystemAttributeName::SentTimestamp);
        let group = attributes.get(&MessageSystemAttributeName::MessageGroupId).cloned();
        let reason = message.message_attributes.and_then(|mut all| all.remove("reason")?.string_value);
        let json: Value = serde_json::from_str(&body).unwrap_or_default();
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let unnamed = || message.message_id.clone().unwrap_or_default();

        // Lambda writes its record into the queue itself: until a stage has had its first release with a queue for imports,
        // into that of submissions. A message that the shop has parked there has a reason, and one that SQS has moved there
        // names the queue of its source, whatever their bodies are.
        let source = attributes.get(&MessageSystemAttributeName::DeadLetterQueueSourceArn);
        let may_be_of_lambda = matches!(queue, Queue::ImportDeadLetters | Queue::DeadLetters);
        let is_of_lambda = may_be_of_lambda && reason.is_none() && source.is_none();
        let function = bucket_function(&json).filter(|_| is_of_lambda);
        let (kind, id, failure, origin) = match function.zip(json.get("requestPayload")) {
            Some((function, event)) => {
                let file = &event["Records"][0]["s3"]["object"]["key"];
                let failure = text(&json["responsePayload"]["errorMessage"]);
                let failure = failure.or_else(|| text(&json["requestContext"]["condition"]));
                let kind = if let Trigger::Uploads = function.trigger { "upload" } else { "import" };
                let origin = Origin::Bucket { function: function.name, event: event.clone() };
                (Some(kind.to_owned()), text(file), failure, origin)
            }
            None => (kind_of(&json), id_of(&json), None, Origin::Queue),
        };
        Self {
            reason: reason.or(failure).unwrap_or_else(|| "too many retries".to_owned()),
            sent: sent_at.and_then(|at| time(at)),
            kind: kind.unwrap_or_else(|| "unknown".to_owned()),
            id: id.unwrap_or_else(unnamed),
            group,
            origin,
            queue,
            receipt: message.receipt_handle.unwrap_or_default(),
            body,
        }
    }
}

/// The function that a record of Lambda is about, if a bucket invokes it.
fn bucket_function(record: &Value) -> Option<&'static Function> {
    // arn:aws:lambda:eu-south-2:123456789012:function:anaquel-prod-import-catalogue:live
    let name = record["requestContext"]["functionArn"].as_str()?.split(':').nth(6)?;
    let mut functions =
        FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Imports | Trigger::Uploads));
    functions.find(|function| name.ends_with(&format!("-{}", function.name)))
}

/// How many messages are sent; those that are behind the listed ones in their groups are among them.
fn question(listed: usize, behind: usize) -> String {
    if behind == 0 {
        return format!("Redrive {}?", counted(listed, "message"));
    }
    format!(
        "Redrive about {} messages: the {listed} that are listed, and about {behind} behind them in their message groups, \
         which SQS lists only after these?",
        listed + behind
    )
}

/// A message, whenever it was parked: its queue, group and body. No time, because the clocks of SQS and of this machine
/// differ.
type Identity = (Queue, Option<String>, String);

impl DeadLetter {
    fn identity(&self) -> Identity {
        (self.queue, self.group.clone(), self.body.clone())
    }

    /// The queue that it came from.
    fn source(&self) -> Result<Queue> {
        let source = Queue::ALL.into_iter().find(|source| source.dead_letters() == Some(self.queue));
        source.with_context(|| format!("the queue {} has no source", self.queue.name()))
    }

    fn sent_at(&self) -> String {
        self.sent.map(minute).unwrap_or_default()
    }

    fn json(&self) -> Value {
        json!({ "queue": self.queue.name(), "sent_at": self.sent_at(), "kind": self.kind, "id": self.id, "reason": self.reason })
    }
}

/// The kind of a message of the shop, or of an event of SES.
fn kind_of(json: &Value) -> Option<String> {
    json["kind"].as_str().or_else(|| json["eventType"].as_str()).map(str::to_owned)
}

/// The id of a message of the shop, or of the mail of an event of SES.
fn id_of(json: &Value) -> Option<String> {
    json["id"].as_str().or_else(|| json["mail"]["messageId"].as_str()).map(str::to_owned)
}

/// SQS timestamps are milliseconds since 1970.
fn time(milliseconds: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds.parse::<i64>().ok()?) * 1_000_000).ok()
}

fn table(dead_letters: &[DeadLetter]) -> String {
    let row =
        |message: &DeadLetter| [message.sent_at(), message.kind.clone(), message.id.clone(), message.reason.clone()];
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
        DeadLetter::read(Queue::DeadLetters, message.build())
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
        assert!(matches!(garbage.origin, Origin::Queue));
    }

    #[test]
    fn a_bounce_is_listed_as_what_ses_calls_it_with_the_id_of_its_mail() {
        let bounce =
            message(r#"{"eventType":"Bounce","mail":{"messageId":"0100-1"}}"#, Some("the tag `mail` is \"x\""));
        assert_eq!((bounce.kind.as_str(), bounce.id.as_str()), ("Bounce", "0100-1"));
        assert!(matches!(bounce.origin, Origin::Queue));
    }

    #[test]
    fn each_dead_letter_goes_back_to_the_queue_that_it_came_from() {
        for (queue, source) in [
            (Queue::DeadLetters, Queue::Submissions),
            (Queue::OrderDeadLetters, Queue::Orders),
            (Queue::MailDeadLetters, Queue::Mails),
            (Queue::BounceDeadLetters, Queue::Bounces),
            (Queue::ErasureDeadLetters, Queue::Erasures),
        ] {
            let message = DeadLetter::read(queue, Message::builder().body("{}").build());
            assert_eq!(message.source().unwrap(), source);
        }
    }

    #[test]
    fn a_parked_order_goes_back_to_its_group() {
        let group = (MessageSystemAttributeName::MessageGroupId, "orders-0".to_owned());
        let parked = Message::builder().body("{}").set_attributes(Some([group].into())).build();
        assert_eq!(DeadLetter::read(Queue::OrderDeadLetters, parked).group.as_deref(), Some("orders-0"));
    }

    #[test]
    fn a_message_that_failed_again_is_known_whatever_the_clocks_show() {
        let parked = |group: &str, body: &str, sent_at: &str| {
            let attributes = [
                (MessageSystemAttributeName::MessageGroupId, group.to_owned()),
                (MessageSystemAttributeName::SentTimestamp, sent_at.to_owned()),
            ];
            let message = Message::builder().body(body).set_attributes(Some(attributes.into())).build();
            DeadLetter::read(Queue::OrderDeadLetters, message).identity()
        };
        let sent = BTreeSet::from([parked("orders-0", "{\"id\":1}", "1767323045678")]);
        for (group, body, sent_at, failed_again) in [
            // Two minutes before and after the first time, as a wrong clock shows it.
            ("orders-0", "{\"id\":1}", "1767323165678", true),
            ("orders-0", "{\"id\":1}", "1767322925678", true),
            ("orders-0", "{\"id\":2}", "1767323165678", false),
            ("orders-0", "{\"id\":2}", "1767322925678", false),
            ("orders-1", "{\"id\":1}", "1767323165678", false),
        ] {
            assert_eq!(sent.contains(&parked(group, body, sent_at)), failed_again, "{group} {body} {sent_at}");
        }
    }

    /// As Lambda's documentation shows an invocation record.
    fn record(function: &str, event: &Value) -> Value {
        json!({
            "version": "1.0",
            "timestamp": "2026-01-02T03:04:05.678Z",
            "requestContext": {
                "requestId": "e4b46cbf-b738-xmpl-8880-a18cdf61200e",
                "functionArn": format!("arn:aws:lambda:us-east-1:123456789012:function:{function}:live"),
                "condition": "RetriesExhausted",
                "approximateInvokeCount": 3,
            },
            "requestPayload": event,
            "responseContext": { "statusCode": 200, "executedVersion": "4", "functionError": "Unhandled" },
            "responsePayload": { "errorType": "Error", "errorMessage": "the database is away" },
        })
    }

    fn event() -> Value {
        json!({ "Records": [{ "s3": { "object": { "key": "incoming/books.csv" } } }] })
    }

    #[test]
    fn only_what_lambda_wrote_about_an_import_or_an_upload_starts_one_whatever_a_body_looks_like() {
        let source = "arn:aws:sqs:us-east-1:123456789012:anaquel-prod-submissions";
        let (import, upload) = ("anaquel-prod-import-catalogue", "anaquel-prod-process-upload");
        for (queue, function, reason, source, kind) in [
            (Queue::ImportDeadLetters, import, None, None, "import"),
            (Queue::ImportDeadLetters, upload, None, None, "upload"),
            (Queue::ImportDeadLetters, "anaquel-prod-run-staff-task", None, None, "unknown"),
            (Queue::ImportDeadLetters, upload, Some("not a submission"), None, "unknown"),
            (Queue::DeadLetters, import, None, None, "import"),
            (Queue::DeadLetters, import, Some("not a submission"), None, "unknown"),
            (Queue::DeadLetters, import, None, Some(source), "unknown"),
            (Queue::DeadLetters, "anaquel-prod-run-staff-task", None, None, "unknown"),
            (Queue::OrderDeadLetters, import, None, None, "unknown"),
            (Queue::MailDeadLetters, upload, None, None, "unknown"),
            (Queue::BounceDeadLetters, import, None, None, "unknown"),
        ] {
            let reason = reason.map(|reason| {
                let attribute = MessageAttributeValue::builder().data_type("String").string_value(reason);
                [("reason".to_owned(), attribute.build().unwrap())].into()
            });
            let source =
                source.map(|arn| [(MessageSystemAttributeName::DeadLetterQueueSourceArn, arn.to_owned())].into());
            let message = Message::builder().body(record(function, &event()).to_string());
            let message = message.set_message_attributes(reason).set_attributes(source).build();
            let read = DeadLetter::read(queue, message);
            assert_eq!(read.kind, kind, "{queue:?} {function}");
            let invoked = if let Origin::Bucket { function, .. } = read.origin { Some(function) } else { None };
            assert_eq!(invoked.is_some(), kind != "unknown", "{queue:?} {function}");
            assert!(invoked.is_none_or(|invoked| function.ends_with(invoked)), "{queue:?} {function}");
        }
    }

    #[test]
    fn the_question_has_the_number_of_all_messages_that_are_sent() {
        for (listed, behind, expected) in [
            (1, 0, "Redrive 1 message?"),
            (27, 0, "Redrive 27 messages?"),
            (27, 8, "Redrive about 35 messages: the 27 that are listed, and about 8 behind them"),
        ] {
            assert!(question(listed, behind).starts_with(expected), "{}", question(listed, behind));
        }
    }

    #[test]
    fn a_failed_import_goes_back_with_the_event_that_started_it() {
        let (event, record) = (event(), record("anaquel-prod-import-catalogue", &event()));
        let import = message(&record.to_string(), None);
        assert_eq!(
            (import.kind.as_str(), import.id.as_str(), import.reason.as_str()),
            ("import", "incoming/books.csv", "the database is away")
        );
        assert!(matches!(import.origin, Origin::Bucket { event: started_with, .. } if started_with == event));
    }
}
