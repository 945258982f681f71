//! `bookstore replay`: sends archived messages again to the queues that they came from, after the database was restored to an
//! earlier time. A message that the database has already changes nothing, so that a replay can begin too early, and can be
//! repeated after an interruption.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use clap::Args;
use infra::{routes::Queue, stacks::Kind, stage::Stage};
use serde_json::{Value, json};
use shared::archive::{Archived, FOLDERS, KEEP_DAYS, Key};
use time::OffsetDateTime;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::staff::moment;
use crate::{
    arguments,
    aws::{AwsClients, call, connect_deployed},
    deploy,
    output::{self, Report, confirm, counted, minute},
};

#[derive(Args)]
pub struct Replay {
    /// Time to which the database was restored, such as 2026-11-27T09:30:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: OffsetDateTime,
    /// Replay nothing that was archived later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<OffsetDateTime>,
    /// Stage of the shop
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// Count the messages, and send none
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// The clocks of S3, of RDS and of the person who writes `--since` may differ by so much. What is replayed twice has no effect.
const MARGIN: Duration = Duration::from_mins(5);
/// Messages in one call of SQS.
const TOGETHER: usize = 10;
/// SQS refuses a call with more bytes, and each message of the archive fits alone.
const MAX_CALL: usize = 1_000_000;
/// Objects that are read at once.
const READ_AT_ONCE: usize = 16;

/// The archived messages of one queue, in the order in which they are sent.
struct Messages {
    queue: Queue,
    keys: Vec<Key>,
}

pub async fn run(args: &Replay) -> Result<Report> {
    let now = OffsetDateTime::now_utc();
    check(args.since, args.until, now)?;
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let outputs = deploy::outputs(&aws, &stage, Kind::Data).await?;
    let bucket = outputs
        .get("ArchiveBucket")
        .with_context(|| format!("stage {} has no archive: run `{}`", stage.name, stage.deploy_command()))?;
    let until = args.until.unwrap_or(now);
    let mut all = Vec::new();
    for (queue, folder) in FOLDERS {
        let keys = list(&aws, bucket, folder, args.since - MARGIN..=until).await?;
        all.push(Messages { queue, keys });
    }
    let messages = count(&all);
    let queues: Vec<_> = all.iter().map(Messages::json).collect();
    if messages == 0 {
        let text = format!("Nothing was archived between {} and {}.", minute(args.since), minute(until));
        return Ok(Report::new(text, json!({ "sent": 0, "queues": queues })));
    }
    outln!("{}", output::table(&["queue", "messages", "first sent", "last sent"], all.iter().map(Messages::row)));
    if args.dry_run {
        return Ok(Report::new("Nothing was sent.", json!({ "sent": 0, "queues": queues })));
    }
    let question = format!("Send {} to stage {} again?", counted(messages, "message"), stage.name);
    confirm(&question, args.yes, "nothing was sent")?;
    let mut sent = 0;
    for messages in &all {
        let replayed = send(&aws, &stage, bucket, messages, &mut sent).await;
        replayed.with_context(|| {
            format!(
                "{sent} of {messages} were sent; run the same command again: what was sent has no effect twice",
                messages = count(&all)
            )
        })?;
    }
    let text = format!(
        "{} sent. `{}` shows how many wait; then `{}` compares the shop with its invariants.",
        counted(sent, "message"),
        stage.command("status"),
        stage.command("verify"),
    );
    Ok(Report::new(text, json!({ "sent": sent, "queues": queues })))
}

fn count(all: &[Messages]) -> usize {
    all.iter().map(|messages| messages.keys.len()).sum()
}

/// Refuses times between which nothing can be in the archive, or of which a part is there no longer.
fn check(since: OffsetDateTime, until: Option<OffsetDateTime>, now: OffsetDateTime) -> Result<()> {
    ensure!(since < now, "--since is in the future");
    ensure!(until.is_none_or(|until| since < until), "--until is not later than --since");
    let earliest = now - time::Duration::days(KEEP_DAYS.into());
    ensure!(
        since >= earliest,
        "--since is {}; the archive keeps {KEEP_DAYS} days, so that it begins at {}",
        minute(since),
        minute(earliest)
    );
    Ok(())
}

/// The keys of a folder that were written within this time, in the order in which they are sent.
async fn list(
    aws: &AwsClients,
    bucket: &str,
    folder: &str,
    archived: std::ops::RangeInclusive<OffsetDateTime>,
) -> Result<Vec<Key>> {
    let mut keys = Vec::new();
    let mut continuation = None;
    loop {
        let list = aws.s3.list_objects_v2().bucket(bucket).prefix(format!("{folder}/"));
        let page = call(list.set_continuation_token(continuation).send()).await.context("listing the archive")?;
        for object in page.contents() {
            let Some(key) = object.key().and_then(Key::parse) else { continue };
            let written = object.last_modified().and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok());
            if written.is_some_and(|at| is_within(at, &archived)) {
                keys.push(key);
            }
        }
        continuation = page.next_continuation_token;
        if continuation.is_none() {
            break;
        }
    }
    keys.sort_by_key(Key::place);
    Ok(keys)
}

/// S3 has whole seconds.
fn is_within(at: OffsetDateTime, range: &std::ops::RangeInclusive<OffsetDateTime>) -> bool {
    at >= range.start().replace_nanosecond(0).unwrap_or(*range.start()) && at <= *range.end()
}

/// Sends messages in their order, and counts those that SQS has taken.
async fn send(aws: &AwsClients, stage: &Stage, bucket: &str, messages: &Messages, sent: &mut usize) -> Result<()> {
    if messages.keys.is_empty() {
        return Ok(());
    }
    let name = stage.physical(messages.queue.name());
    let found = call(aws.sqs.get_queue_url().queue_name(&name).send()).await;
    let url =
        found.with_context(|| format!("looking up the queue {name}"))?.queue_url.context("SQS returned no URL")?;
    for keys in messages.keys.chunks(READ_AT_ONCE) {
        let read = read(aws, bucket, keys).await?;
        for archived in batches(&read) {
            send_batch(aws, &url, messages.queue, archived).await?;
            *sent += archived.len();
        }
    }
    Ok(())
}

/// The messages with these keys, in their order; those that an erasure has removed since are left out.
async fn read(aws: &AwsClients, bucket: &str, keys: &[Key]) -> Result<Vec<Archived>> {
    let mut reads = JoinSet::new();
    for (place, key) in keys.iter().enumerate() {
        let get = aws.s3.get_object().bucket(bucket).key(key.to_string());
        reads.spawn(async move {
            let object = match get.send().await {
                Ok(object) => object,
                Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                    return Ok((place, None));
                }
                Err(error) => return Err(shared::aws::explained(error).context("reading an archived message")),
            };
            let text = object.body.collect().await.context("reading an archived message")?.into_bytes();
            let archived = serde_json::from_slice(&text).context("an archived message is not in its form")?;
            Ok((place, Some(archived)))
        });
    }
    let mut read: Vec<(usize, Option<Archived>)> = reads.join_all().await.into_iter().collect::<Result<_>>()?;
    read.sort_by_key(|(place, _)| *place);
    Ok(read.into_iter().filter_map(|(_, archived)| archived).collect())
}

/// As many messages in a row as one call takes.
fn batches(messages: &[Archived]) -> Vec<&[Archived]> {
    let mut batches = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(TOGETHER).take_while(|message| {
            bytes += message.body.len();
            bytes <= MAX_CALL
        });
        let (batch, behind) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = behind;
    }
    batches
}

async fn send_batch(aws: &AwsClients, url: &str, queue: Queue, messages: &[Archived]) -> Result<()> {
    let mut batch = aws.sqs.send_message_batch().queue_url(url);
    for (place, message) in messages.iter().enumerate() {
        let mut entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(&message.body);
        if queue.is_fifo() {
            // A new deduplication id: SQS would drop a message with that of the first one for five minutes.
            let group = message.group.as_deref().unwrap_or("replayed");
            entry = entry.message_group_id(group).message_deduplication_id(Uuid::new_v4().to_string());
        }
        batch = batch.entries(entry.build()?);
    }
    let taken = call(batch.send()).await.with_context(|| format!("sending to the queue {}", queue.name()))?;
    ensure!(
        taken.failed().is_empty(),
        "SQS refused {} messages for the queue {}: {}",
        taken.failed().len(),
        queue.name(),
        taken.failed()[0].code()
    );
    Ok(())
}

impl Messages {
    /// When the first and the last of them were sent by the shop.
    fn sent(&self) -> Option<[OffsetDateTime; 2]> {
        let at = |micros: i64| OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).ok();
        let first = self.keys.iter().map(|key| key.sent_at).min().and_then(at)?;
        let last = self.keys.iter().map(|key| key.sent_at).max().and_then(at)?;
        Some([first, last])
    }

    fn row(&self) -> [String; 4] {
        let [first, last] = self.sent().map(|times| times.map(minute)).unwrap_or_default();
        [self.queue.name().to_owned(), self.keys.len().to_string(), first, last]
    }

    fn json(&self) -> Value {
        let [first, last] = self.sent().map(|times| times.map(minute)).unwrap_or_default();
        json!({ "queue": self.queue.name(), "messages": self.keys.len(), "first_sent": first, "last_sent": last })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

    #[test]
    fn times_outside_of_the_archive_are_refused_with_where_it_begins() {
        check(NOW - time::Duration::days(35), None, NOW).unwrap();
        for (since, until, expected) in [
            (NOW + time::Duration::SECOND, None, "--since is in the future"),
            (NOW - time::Duration::HOUR, Some(NOW - time::Duration::HOUR), "--until is not later than --since"),
            (NOW - time::Duration::days(36), None, "it begins at 2026-10-23 12:00 UTC"),
        ] {
            let error = check(since, until, NOW).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_message_of_the_second_in_which_the_archive_is_read_from_is_replayed() {
        let range = datetime!(2026-11-27 11:00:00.7 UTC)..=NOW;
        for (at, is_in) in [
            (datetime!(2026-11-27 10:59:59 UTC), false),
            (datetime!(2026-11-27 11:00:00 UTC), true),
            (NOW, true),
            (NOW + time::Duration::SECOND, false),
        ] {
            assert_eq!(is_within(at, &range), is_in, "{at}");
        }
    }

    #[test]
    fn messages_are_sent_ten_at_once_and_no_more_than_a_call_takes() {
        let messages = |sizes: &[usize]| {
            sizes.iter().map(|size| Archived { body: "x".repeat(*size), group: None }).collect::<Vec<_>>()
        };
        for (sizes, calls) in [
            (vec![], vec![]),
            (vec![1; 23], vec![10, 10, 3]),
            (vec![400_000; 5], vec![2, 2, 1]),
            (vec![1_040_000, 1, 1], vec![1, 2]),
        ] {
            let messages = messages(&sizes);
            let sent: Vec<usize> = batches(&messages).into_iter().map(<[Archived]>::len).collect();
            assert_eq!(sent, calls);
        }
    }
}
