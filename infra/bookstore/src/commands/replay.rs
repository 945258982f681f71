//! `bookstore replay`: sends archived messages again to the queues that they came from, after the database was restored to an
//! earlier time. A message that the database has already changes nothing, so that a replay can begin too early, and can be
//! repeated after an interruption.

use std::{collections::BTreeMap, fmt, time::Duration};

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_sqs::types::{BatchResultErrorEntry, SendMessageBatchRequestEntry};
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
    /// Replay only what was archived by then, for the first time or again. Without it there is no end, because the clock of
    /// this computer may be slow
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
const READ_AT_ONCE: usize = 20;
/// SQS may refuse some messages of a call. They are sent again so often, before those behind them.
const ATTEMPTS: u32 = 5;
/// Before the second attempt; it grows with each.
const PAUSE: Duration = Duration::from_millis(500);
/// Messages between two lines of progress.
const PROGRESS_EVERY: usize = 1_000;

/// The archived messages of one queue, in the order in which they are sent.
struct Messages {
    queue: Queue,
    keys: Vec<Key>,
}

/// A message that was read.
struct Message {
    id: Uuid,
    archived: Archived,
}

/// The time in which messages were archived.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: OffsetDateTime,
    until: Option<OffsetDateTime>,
}

impl Window {
    /// S3 has whole seconds.
    fn has(self, at: OffsetDateTime) -> bool {
        at >= self.since.replace_nanosecond(0).unwrap_or(self.since) && self.until.is_none_or(|until| at <= until)
    }
}

/// In words: `since 2026-11-27 09:25 UTC`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = minute(self.since);
        match self.until {
            None => write!(f, "since {since}"),
            Some(until) => write!(f, "between {since} and {}", minute(until)),
        }
    }
}

/// The messages of a listing, each once by its id: it can have several objects, because an order that is replayed is archived
/// under another key, and several versions, because a redelivery or a replay writes its object again.
#[derive(Default)]
struct Choices(BTreeMap<Uuid, Choice>);

#[derive(Default)]
struct Choice {
    /// Whether a version was written within the time. The latest one may be later, of a replay.
    is_in: bool,
    /// Of its objects, the one with the earliest place. None if only expired versions remain.
    key: Option<Key>,
}

impl Choices {
    /// Adds a version of an object; `is_latest` if it can be read without its number.
    fn add(&mut self, key: Key, written: OffsetDateTime, is_latest: bool, window: Window) {
        let choice = self.0.entry(key.id).or_default();
        choice.is_in |= window.has(written);
        if is_latest && choice.key.is_none_or(|known| key.place() < known.place()) {
            choice.key = Some(key);
        }
    }

    /// The keys in the order in which they are sent.
    fn into_keys(self) -> Vec<Key> {
        let chosen = self.0.into_values().filter(|choice| choice.is_in);
        let mut keys: Vec<Key> = chosen.filter_map(|choice| choice.key).collect();
        keys.sort_by_key(Key::place);
        keys
    }
}

/// How far a replay has come.
struct Progress {
    sent: usize,
    all: usize,
}

impl Progress {
    fn add(&mut self, sent: usize) {
        let thousands = self.sent / PROGRESS_EVERY;
        self.sent += sent;
        if self.sent / PROGRESS_EVERY > thousands {
            outln!("{} of {} messages sent", self.sent, self.all);
        }
    }
}

pub async fn run(args: &Replay) -> Result<Report> {
    let now = OffsetDateTime::now_utc();
    check(args.since, args.until, now)?;
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let outputs = deploy::outputs(&aws, &stage, Kind::Data).await?;
    let bucket = outputs
        .get("ArchiveBucket")
        .with_context(|| format!("stage {} has no archive: run `{}`", stage.name, stage.deploy_command()))?;
    let window = Window { since: args.since - MARGIN, until: args.until };
    let mut all = Vec::new();
    for (queue, folder) in FOLDERS {
        let keys = list(&aws, bucket, folder, window).await?;
        all.push(Messages { queue, keys });
    }
    let messages = count(&all);
    let queues: Vec<_> = all.iter().map(Messages::json).collect();
    if messages == 0 {
        let text = format!("Nothing was archived {window}.");
        return Ok(Report::new(text, json!({ "sent": 0, "queues": queues })));
    }
    outln!("{}", output::table(&["queue", "messages", "first sent", "last sent"], all.iter().map(Messages::row)));
    if args.dry_run {
        return Ok(Report::new("Nothing was sent.", json!({ "sent": 0, "queues": queues })));
    }
    let question = format!("Send {} to stage {} again?", counted(messages, "message"), stage.name);
    confirm(&question, args.yes, "nothing was sent")?;
    // Part of the deduplication ids: SQS would drop a message with that of the first one, or of another replay, for five
    // minutes.
    let run = Uuid::new_v4();
    let mut progress = Progress { sent: 0, all: messages };
    for messages in &all {
        let replayed = send(&aws, &stage, bucket, messages, run, &mut progress).await;
        replayed.with_context(|| {
            let Progress { sent, all } = progress;
            format!("{sent} of {all} were sent; run the same command again: what was sent has no effect twice")
        })?;
    }
    let sent = progress.sent;
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

/// The keys of a folder's messages of which a version was written within this time, in the order in which they are sent.
async fn list(aws: &AwsClients, bucket: &str, folder: &str, window: Window) -> Result<Vec<Key>> {
    let mut choices = Choices::default();
    let (mut key_marker, mut version_marker) = (None, None);
    loop {
        let list = aws.s3.list_object_versions().bucket(bucket).prefix(format!("{folder}/"));
        let list = list.set_key_marker(key_marker).set_version_id_marker(version_marker);
        let page = call(list.send()).await.context("listing the archive")?;
        for version in page.versions() {
            let Some(key) = version.key().and_then(Key::parse) else { continue };
            let written = version.last_modified().and_then(|at| OffsetDateTime::from_unix_timestamp(at.secs()).ok());
            if let Some(written) = written {
                choices.add(key, written, version.is_latest() != Some(false), window);
            }
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
        if page.is_truncated != Some(true) {
            return Ok(choices.into_keys());
        }
    }
}

/// Sends messages in their order, and counts those that SQS has taken.
async fn send(
    aws: &AwsClients,
    stage: &Stage,
    bucket: &str,
    messages: &Messages,
    run: Uuid,
    progress: &mut Progress,
) -> Result<()> {
    if messages.keys.is_empty() {
        return Ok(());
    }
    let name = stage.physical(messages.queue.name());
    let found = call(aws.sqs.get_queue_url().queue_name(&name).send()).await;
    let url =
        found.with_context(|| format!("looking up the queue {name}"))?.queue_url.context("SQS returned no URL")?;
    for keys in messages.keys.chunks(READ_AT_ONCE) {
        let read = read(aws, bucket, keys).await?;
        for batch in batches(&read) {
            send_batch(aws, &url, messages.queue, run, batch).await?;
            progress.add(batch.len());
        }
    }
    Ok(())
}

/// The messages with these keys, in their order; those that an erasure has removed since are left out.
async fn read(aws: &AwsClients, bucket: &str, keys: &[Key]) -> Result<Vec<Message>> {
    let mut reads = JoinSet::new();
    for (place, key) in keys.iter().copied().enumerate() {
        let get = aws.s3.get_object().bucket(bucket).key(key.to_string());
        reads.spawn(async move {
            let object = match get.send().await {
                Ok(object) => object,
                Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => {
                    return Ok((place, None));
                }
                Err(error) => return Err(shared::aws::explained(error).context(format!("reading {key}"))),
            };
            let text = object.body.collect().await.with_context(|| format!("reading {key}"))?.into_bytes();
            let archived = serde_json::from_slice(&text).with_context(|| format!("{key} is not in its form"))?;
            Ok((place, Some(Message { id: key.id, archived })))
        });
    }
    let mut read: Vec<(usize, Option<Message>)> = reads.join_all().await.into_iter().collect::<Result<_>>()?;
    read.sort_by_key(|(place, _)| *place);
    Ok(read.into_iter().filter_map(|(_, message)| message).collect())
}

/// As many messages in a row as one call takes.
fn batches(messages: &[Message]) -> Vec<&[Message]> {
    let mut batches = Vec::new();
    let mut rest = messages;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(TOGETHER).take_while(|message| {
            bytes += message.archived.body.len();
            bytes <= MAX_CALL
        });
        let (batch, behind) = rest.split_at(fits.count().max(1));
        batches.push(batch);
        rest = behind;
    }
    batches
}

/// Sends messages with one call, and those that SQS refused again, in their order and with the same deduplication ids, before
/// anything else. Those behind one that was refused may have been taken before it.
async fn send_batch(aws: &AwsClients, url: &str, queue: Queue, run: Uuid, messages: &[Message]) -> Result<()> {
    let mut rest: Vec<&Message> = messages.iter().collect();
    let mut attempt = 1;
    loop {
        let mut batch = aws.sqs.send_message_batch().queue_url(url);
        for (place, message) in rest.iter().enumerate() {
            batch = batch.entries(entry(queue, run, place, message)?);
        }
        let taken = call(batch.send()).await.with_context(|| format!("sending to the queue {}", queue.name()))?;
        let Some(failure) = taken.failed().first() else { return Ok(()) };
        let is_final = attempt == ATTEMPTS || taken.failed().iter().any(BatchResultErrorEntry::sender_fault);
        ensure!(
            !is_final,
            "SQS refused {} for the queue {}: {}",
            counted(taken.failed().len(), "message"),
            queue.name(),
            failure.code()
        );
        let refused: Vec<&str> = taken.failed().iter().map(BatchResultErrorEntry::id).collect();
        rest = only(rest, &refused);
        tokio::time::sleep(PAUSE * attempt).await;
        attempt += 1;
    }
}

fn entry(queue: Queue, run: Uuid, place: usize, message: &Message) -> Result<SendMessageBatchRequestEntry> {
    let Message { id, archived } = message;
    let mut entry = SendMessageBatchRequestEntry::builder().id(place.to_string()).message_body(&archived.body);
    if queue.is_fifo() {
        let group = archived.group.as_deref().unwrap_or("replayed");
        let deduplication = format!("{}-{}", run.simple(), id.simple());
        entry = entry.message_group_id(group).message_deduplication_id(deduplication);
    }
    Ok(entry.build()?)
}

/// The messages with these ids of a call, in their order.
fn only<'a>(messages: Vec<&'a Message>, ids: &[&str]) -> Vec<&'a Message> {
    let placed = messages.into_iter().enumerate();
    placed.filter(|(place, _)| ids.contains(&place.to_string().as_str())).map(|(_, message)| message).collect()
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
    use shared::archive::Person;
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
        let until = Window { since: datetime!(2026-11-27 11:00:00.7 UTC), until: Some(NOW) };
        for (at, is_in, without_end) in [
            (datetime!(2026-11-27 10:59:59 UTC), false, false),
            (datetime!(2026-11-27 11:00:00 UTC), true, true),
            (NOW, true, true),
            (NOW + time::Duration::SECOND, false, true),
        ] {
            assert_eq!(until.has(at), is_in, "{at}");
            assert_eq!(Window { until: None, ..until }.has(at), without_end, "{at}");
        }
        assert_eq!(until.to_string(), "between 2026-11-27 11:00 UTC and 2026-11-27 12:00 UTC");
    }

    fn key(id: u128, sequence: u128, sent_at: i64) -> Key {
        let (queue, person) = (Queue::Orders, Person::Nobody);
        Key { queue, person, sequence, sent_at, about: Uuid::nil(), id: Uuid::from_u128(id) }
    }

    #[test]
    fn a_message_is_replayed_once_by_its_earliest_object_and_by_any_of_its_versions() {
        let window = Window { since: NOW, until: Some(NOW + time::Duration::HOUR) };
        let minute = |minute| NOW + time::Duration::minutes(minute);
        let mut choices = Choices::default();
        for (key, written, is_latest) in [
            // Decided, and once more by a replay.
            (key(1, 900, 1), minute(30), true),
            (key(1, 20, 1), minute(2), true),
            // Written again by a replay after the time.
            (key(2, 10, 2), minute(90), true),
            (key(2, 10, 2), minute(1), false),
            // Before the time and after it.
            (key(3, 5, 3), minute(-1), true),
            (key(4, 30, 4), minute(61), true),
            // Expired.
            (key(5, 15, 5), minute(3), false),
            // Decided before the time, and replayed within it.
            (key(6, 7, 6), minute(-5), true),
            (key(6, 901, 6), minute(31), true),
        ] {
            choices.add(key, written, is_latest, window);
        }
        assert_eq!(choices.into_keys(), [key(6, 7, 6), key(2, 10, 2), key(1, 20, 1)]);
    }

    fn messages(sizes: &[usize]) -> Vec<Message> {
        let body = |size: &usize| Archived { body: "x".repeat(*size), group: Some("orders-1".to_owned()) };
        (1..).zip(sizes).map(|(id, size)| Message { id: Uuid::from_u128(id), archived: body(size) }).collect()
    }

    #[test]
    fn messages_are_sent_ten_at_once_and_no_more_than_a_call_takes() {
        for (sizes, calls) in [
            (vec![], vec![]),
            (vec![1; 23], vec![10, 10, 3]),
            (vec![400_000; 5], vec![2, 2, 1]),
            (vec![1_040_000, 1, 1], vec![1, 2]),
        ] {
            let messages = messages(&sizes);
            let sent: Vec<usize> = batches(&messages).into_iter().map(<[Message]>::len).collect();
            assert_eq!(sent, calls);
        }
    }

    #[test]
    fn refused_messages_are_sent_again_in_their_order_with_the_same_deduplication_ids() {
        let (run, messages) = (Uuid::from_u128(9), messages(&[1; 4]));
        let ids = |messages: &[&Message]| messages.iter().map(|message| message.id.as_u128()).collect::<Vec<_>>();
        let again = only(messages.iter().collect(), &["3", "1"]);
        assert_eq!(ids(&again), [2, 4]);
        assert_eq!(ids(&only(again.clone(), &["1"])), [4]);

        let deduplication = |queue, run, place, message| {
            let entry = entry(queue, run, place, message).unwrap();
            entry.message_deduplication_id().map(str::to_owned)
        };
        let first = deduplication(Queue::Orders, run, 3, &messages[3]);
        assert!(first.as_ref().is_some_and(|id| id.len() <= 128), "{first:?}");
        assert_eq!(deduplication(Queue::Orders, run, 1, again[1]), first);
        assert_ne!(deduplication(Queue::Orders, run, 0, again[0]), first);
        assert_ne!(deduplication(Queue::Orders, Uuid::from_u128(10), 3, &messages[3]), first, "SQS would drop it");
        assert_eq!(deduplication(Queue::Submissions, run, 0, &messages[0]), None);
    }
}
