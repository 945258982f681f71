//! The archive of messages that a consumer has decided: what a restore of the database to an earlier time lacks is sent again
//! from there (`bookstore replay`), and has no effect where it is there already.
//!
//! The key of an object says whose message it is, in which order it was decided, and what it is about, so that an erasure
//! finds a person's messages, and a replay their order, without reading any:
//! `submissions/<person>/<sequence>-<sent at>-<about>-<id>.json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    time::Duration,
};

use anyhow::{Context, ensure};
use aws_lambda_events::sqs::SqsMessage;
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::{
    App,
    aws::ARCHIVED_WITHIN,
    domain::VisitorId,
    https::{Answer, HttpsClient},
    messages::{ArchivedPart, AskedBy, Content, OrderContent, OrderMessage, Submission},
    parameters::Queue,
    presigned_link::{self, Object, error_code},
    repo::visitors,
    session::Subject,
};

/// Days for which S3 keeps an archived message after it was last written. Backups of the database go back less far.
pub const KEEP_DAYS: u16 = 35;
/// Days for which S3 keeps a version that was replaced or has expired: the time to notice that a message was overwritten. No
/// longer, because it has what a visitor typed.
pub const KEEP_VERSIONS_DAYS: u16 = 5;
/// Days after which nothing is left of a message, as the texts promise: S3 extends each of the two times to the next midnight
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>).
pub const MOST_DAYS: u16 = KEEP_DAYS + KEEP_VERSIONS_DAYS + 2;
/// Folders of the bucket, one for each queue whose messages are archived.
pub const FOLDERS: [(Queue, &str); 2] = [(Queue::Submissions, "submissions"), (Queue::Orders, "orders")];

/// Archived messages are removed so much later than it is asked for: after what was in work then, which ends within seconds.
/// What begins later finds the erasure noted. It is less than the alarm of the oldest erasure allows.
const ERASED_AFTER: Duration = Duration::from_mins(1);
/// Timeout of reading the erasures, after which the consumer has nine seconds left.
const ERASED_WITHIN: Duration = Duration::from_millis(900);
/// Before S3 is asked once more.
const PAUSE: Duration = Duration::from_millis(50);

/// Whose message it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Person {
    /// A browser, or an account by the hash of its subject.
    Somebody(VisitorId),
    /// The message does not say: a link of a mail, or an order by its e-mail address.
    Nobody,
    /// The erasure of an account. It has no other data, and is kept, so that a replay erases again.
    Erasure,
}

/// The key of an archived message. In the order of keys of one folder, messages were sent, or decided from a FIFO queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    pub queue: Queue,
    pub person: Person,
    /// Of a FIFO queue, which SQS counts up; else 0.
    pub sequence: u128,
    /// In microseconds since 1970.
    pub sent_at: i64,
    /// The browser that sent a submission, or the order; nil if there is none.
    pub about: Uuid,
    /// Of the message.
    pub id: Uuid,
}

/// An archived message as it came from its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archived {
    pub body: String,
    /// Of a FIFO queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl ArchivedPart {
    /// Everything of a browser, or of an account by its hash.
    pub fn all_of(person: VisitorId) -> Self {
        Self { person: Some(person), only: None }
    }

    /// What an order has in the archive: below its browser, below its customer, and below nobody.
    pub fn of_order(order: Uuid, people: impl IntoIterator<Item = VisitorId>) -> Vec<Self> {
        let people = people.into_iter().map(Some).chain([None]);
        people.map(|person| Self { person, only: Some(order) }).collect()
    }

    /// Beginnings of the keys, in each folder.
    pub fn prefixes(self) -> impl Iterator<Item = String> {
        let person = self.person.map_or(Person::Nobody, Person::Somebody);
        FOLDERS.into_iter().map(move |(_, folder)| format!("{folder}/{person}/"))
    }

    /// Whether it has an object with this key, of a message that was sent by then.
    pub fn has(self, key: &Key, until: OffsetDateTime) -> bool {
        let person = self.person.map_or(Person::Nobody, Person::Somebody);
        let is_part = self.only.is_none_or(|only| only == key.id || only == key.about);
        // Without a part, what nobody has is everybody's.
        let is_bounded = self.person.is_some() || self.only.is_some();
        key.person == person && is_part && is_bounded && key.sent_at <= microseconds(until)
    }
}

/// The form in which the archive, like the database, knows an account.
pub fn hash_of(subject: Subject) -> VisitorId {
    VisitorId::of_number(subject.uuid())
}

fn microseconds(at: OffsetDateTime) -> i64 {
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).unwrap_or_default()
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Somebody(person) => write!(f, "{}", person.0.simple()),
            Self::Nobody => f.write_str("nobody"),
            Self::Erasure => f.write_str("erasures"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = folder(self.queue).unwrap_or_default();
        let Self { person, sequence, sent_at, about, id, .. } = self;
        write!(f, "{folder}/{person}/{sequence:039}-{sent_at:016}-{}-{}.json", about.simple(), id.simple())
    }
}

/// The folder of a queue's messages; none if they are not archived.
pub fn folder(queue: Queue) -> Option<&'static str> {
    FOLDERS.into_iter().find(|(known, _)| *known == queue).map(|(_, folder)| folder)
}

impl Key {
    /// Reads a key; none if it is not one of the archive.
    pub fn parse(text: &str) -> Option<Self> {
        let [folder, person, name] = text.split('/').collect::<Vec<_>>()[..] else { return None };
        let queue = FOLDERS.into_iter().find(|(_, known)| *known == folder)?.0;
        let person = match person {
            "nobody" => Person::Nobody,
            "erasures" => Person::Erasure,
            somebody => Person::Somebody(VisitorId(Uuid::try_parse(somebody).ok()?)),
        };
        let [sequence, sent_at, about, id] = name.strip_suffix(".json")?.split('-').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Self {
            queue,
            person,
            sequence: sequence.parse().ok()?,
            sent_at: sent_at.parse().ok()?,
            about: Uuid::try_parse(about).ok()?,
            id: Uuid::try_parse(id).ok()?,
        })
    }

    /// The key of a message from its queue; none if nothing is archived of it: a text that is no message, a sweep, which
    /// repeats, or the erasure of archived messages, which were removed.
    pub fn of(queue: Queue, message: &SqsMessage, now: OffsetDateTime) -> Option<Self> {
        let body = message.body.as_deref().unwrap_or_default();
        let sequence = message.attributes.get("SequenceNumber").and_then(|number| number.parse().ok());
        match queue {
            Queue::Submissions => {
                let Submission { id, sent_at, content, .. } = Submission::parse(body, now).ok()?;
                let (person, about) = of_submission(&content)?;
                Some(Self { queue, person, sequence: 0, sent_at: microseconds(sent_at), about, id })
            }
            Queue::Orders => {
                let OrderMessage { id, sent_at, content, .. } = OrderMessage::parse(body, now).ok()?;
                let (person, about) = of_order(&content)?;
                let sequence = sequence.unwrap_or_default();
                Some(Self { queue, person, sequence, sent_at: microseconds(sent_at), about, id })
            }
            _ => None,
        }
    }

    /// The place in the order in which a replay sends messages.
    pub fn place(&self) -> (u128, i64, Uuid) {
        (self.sequence, self.sent_at, self.id)
    }
}

/// Whose submission it is, and from which browser.
fn of_submission(content: &Content) -> Option<(Person, Uuid)> {
    let account = |subject| Person::Somebody(hash_of(subject));
    let browser = |visitor: Option<VisitorId>| visitor.map_or(Uuid::nil(), |visitor| visitor.0);
    Some(match content {
        Content::Rating(rating) => {
            let person = rating.customer.map_or(Person::Somebody(rating.visitor), |session| account(session.subject));
            (person, rating.visitor.0)
        }
        Content::Contact(message) => {
            (message.visitor.map_or(Person::Nobody, Person::Somebody), browser(message.visitor))
        }
        Content::Customer(customer) => (account(customer.subject), browser(customer.visitor)),
        Content::Erasure(_) => (Person::Erasure, Uuid::nil()),
        Content::Cart(cart) => (account(cart.session.subject), Uuid::nil()),
        Content::Alert(alert) => {
            let person = alert.session.map_or(Person::Somebody(alert.visitor), |session| account(session.subject));
            (person, alert.visitor.0)
        }
        Content::AlertConfirmation(_) | Content::AlertEnd(_) => (Person::Nobody, Uuid::nil()),
        Content::ArchiveErasure(_) => return None,
    })
}

/// Whose message about an order it is, and the order.
fn of_order(content: &OrderContent) -> Option<(Person, Uuid)> {
    Some(match content {
        OrderContent::Order(order) => {
            let account = order.customer.map(|session| hash_of(session.subject));
            (Person::Somebody(account.unwrap_or(order.visitor)), order.order.uuid())
        }
        OrderContent::Action(action) => {
            let person = match &action.asked_by {
                AskedBy::Visitor(visitor) => Person::Somebody(*visitor),
                AskedBy::Email(_) => Person::Nobody,
                AskedBy::Customer(buyer) => Person::Somebody(hash_of(buyer.session.subject)),
            };
            (person, action.order.uuid())
        }
        OrderContent::Sweep {} => return None,
    })
}

/// Archives messages that were decided, before their queue deletes them. Returns those that are not in the archive, by the ids
/// of the queue: they are to be delivered again, which decides nothing again.
///
/// A message that was sent before its sender was erased is not archived.
pub async fn keep<'a>(app: &App, queue: Queue, messages: impl IntoIterator<Item = &'a SqsMessage>) -> BTreeSet<String> {
    Archiving::begin(app, queue, messages).await.write(app).await
}

/// Messages that are to be archived.
pub struct Archiving<'a> {
    bucket: String,
    keyed: Vec<(Key, &'a SqsMessage)>,
    /// Those that cannot be, by the ids of the queue.
    missing: BTreeSet<String>,
}

impl<'a> Archiving<'a> {
    /// The messages without those whose sender was erased. It reads from the database; to write does not.
    pub async fn begin(app: &App, queue: Queue, messages: impl IntoIterator<Item = &'a SqsMessage>) -> Self {
        let now = OffsetDateTime::now_utc();
        let keyed = messages.into_iter().filter_map(|message| Some((Key::of(queue, message, now)?, message)));
        let keyed: Vec<(Key, &SqsMessage)> = keyed.collect();
        if keyed.is_empty() {
            return Self::nothing(BTreeSet::new());
        }
        Self::of(app, keyed, now).await.unwrap_or_else(|(keyed, error)| {
            tracing::error!(error = format!("{error:#}"), "Nothing is archived, and will be retried");
            Self::nothing(keyed.iter().map(|(_, message)| id_of(message)).collect())
        })
    }

    async fn of(
        app: &App,
        mut keyed: Vec<(Key, &'a SqsMessage)>,
        now: OffsetDateTime,
    ) -> Result<Self, (Vec<(Key, &'a SqsMessage)>, anyhow::Error)> {
        let bucket = match app.config().await {
            Ok(config) => config.archive_bucket.clone(),
            Err(error) => return Err((keyed, error.into())),
        };
        let Some(bucket) = bucket else {
            // A version that was granted the archive fails without its name (`config`). This one was published before the
            // stage had an archive: after a rollback to it, and until the next deploy, the queues must not stop.
            tracing::error!("Nothing is archived: the stage was not deployed since this function was shipped");
            return Ok(Self::nothing(BTreeSet::new()));
        };
        let erased = match timeout(ERASED_WITHIN, erased(app, &keyed, now)).await {
            Ok(Ok(erased)) => erased,
            Ok(Err(error)) => return Err((keyed, error.into())),
            Err(late) => return Err((keyed, anyhow::Error::from(late).context("reading the erasures"))),
        };
        keyed.retain(|(key, message)| !is_erased(key, message, now, &erased));
        Ok(Self { bucket, keyed, missing: BTreeSet::new() })
    }

    fn nothing(missing: BTreeSet<String>) -> Self {
        Self { bucket: String::new(), keyed: Vec::new(), missing }
    }

    /// Writes the messages at once. Returns those that are not in the archive, by the ids of the queue.
    pub async fn write(self, app: &App) -> BTreeSet<String> {
        let Self { bucket, keyed, mut missing } = self;
        let written = join_all(keyed.iter().map(|(key, message)| write(app, &bucket, key, message))).await;
        for ((_, message), written) in keyed.iter().zip(written) {
            if let Err(error) = written {
                let id = id_of(message);
                tracing::error!(
                    message.id = id,
                    error = format!("{error:#}"),
                    "Message not archived, and will be retried"
                );
                missing.insert(id);
            }
        }
        missing
    }
}

fn id_of(message: &SqsMessage) -> String {
    message.message_id.clone().unwrap_or_default()
}

/// Asks for the removal of archived messages that were sent by then.
///
/// # Errors
/// The queue did not take it: nothing may be removed by which it is found, until it does.
pub async fn ask_for_erasure(app: &App, parts: &[ArchivedPart], until: OffsetDateTime) -> anyhow::Result<()> {
    let queue = app.queue(Queue::Erasures).await?;
    for message in Submission::archive_erasures(parts, until) {
        queue.send_after(&message, ERASED_AFTER).await?;
    }
    Ok(())
}

/// When the people of these messages were erased.
async fn erased(
    app: &App,
    keyed: &[(Key, &SqsMessage)],
    now: OffsetDateTime,
) -> crate::database::Result<BTreeMap<VisitorId, OffsetDateTime>> {
    let people = keyed.iter().flat_map(|(key, message)| people_of(key, message, now)).collect::<BTreeSet<_>>();
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    app.database().read(async |c| visitors::noted_erasures(c, &people).await).await
}

/// The account and the browser. The key of an order has its browser only if nobody had signed in there.
fn people_of(key: &Key, message: &SqsMessage, now: OffsetDateTime) -> impl Iterator<Item = VisitorId> + use<> {
    let person = if let Person::Somebody(person) = key.person { Some(person) } else { None };
    let browser = match key.queue {
        Queue::Submissions => (!key.about.is_nil()).then_some(VisitorId(key.about)),
        Queue::Orders => browser_of_order(message, now),
        _ => None,
    };
    person.into_iter().chain(browser)
}

fn browser_of_order(message: &SqsMessage, now: OffsetDateTime) -> Option<VisitorId> {
    match OrderMessage::parse(message.body.as_deref().unwrap_or_default(), now).ok()?.content {
        OrderContent::Order(order) => Some(order.visitor),
        OrderContent::Action(_) | OrderContent::Sweep {} => None,
    }
}

fn is_erased(
    key: &Key,
    message: &SqsMessage,
    now: OffsetDateTime,
    erased: &BTreeMap<VisitorId, OffsetDateTime>,
) -> bool {
    people_of(key, message, now).filter_map(|who| erased.get(&who)).any(|at| microseconds(*at) >= key.sent_at)
}

async fn write(app: &App, bucket: &str, key: &Key, message: &SqsMessage) -> anyhow::Result<()> {
    let archived = Archived {
        body: message.body.clone().unwrap_or_default(),
        group: message.attributes.get("MessageGroupId").cloned(),
    };
    let text = serde_json::to_vec(&archived).context("writing the message as JSON")?;
    let key = key.to_string();
    let object = Object { bucket, key: &key };
    let link = presigned_link::put(app.sdk(), object, text.len() as u64).await?;
    let put = put_again_if_away(app.archive_client(), &link, &text);
    let late = || format!("no answer of S3 within {} ms", ARCHIVED_WITHIN.as_millis());
    let answer = timeout(ARCHIVED_WITHIN, put).await.with_context(late)??;
    let code = error_code(&answer.body).unwrap_or_default();
    ensure!(answer.status == 200, "S3 answered {} {code} to the writing of a message", answer.status);
    Ok(())
}

/// Writes an object, once more after an error of S3, a lost connection or a timeout. An answer below 500, such as 403 or 404,
/// would be the same again.
async fn put_again_if_away(client: &HttpsClient, link: &str, text: &[u8]) -> anyhow::Result<Answer> {
    let first = client.put(link, text.to_vec()).await;
    let cause = match &first {
        Ok(answer) => (answer.status >= 500).then(|| format!("S3 answered {}", answer.status)),
        Err(error) => Some(format!("{error:#}")),
    };
    let Some(cause) = cause else { return first };
    tracing::warn!(error = cause, "Writing to the archive once more");
    sleep(PAUSE).await;
    client.put(link, text.to_vec()).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{
        draw::Draw,
        messages::{OrderV1, SignedInV1, some_order},
    };

    const NOW: OffsetDateTime = datetime!(2026-11-27 12:00 UTC);

    fn message(body: &serde_json::Value, sequence: Option<&str>) -> SqsMessage {
        let attributes = sequence.map(|number| json!({ "SequenceNumber": number, "MessageGroupId": "orders-1" }));
        serde_json::from_value(json!({ "body": body.to_string(), "attributes": attributes.unwrap_or(json!({})) }))
            .unwrap()
    }

    const ID: &str = "44d8f4a8-50a1-40ab-9e0b-8e8f4c6a6a77";
    const BROWSER: &str = "3d0a4fb2-6d33-5a52-9bb4-6a6d1c3c0c55";
    const SUBJECT: &str = "5b1f2a6e-0c3d-4e8f-9a70-1d2c3b4a5968";

    fn rating(customer: bool) -> serde_json::Value {
        let mut rating = json!({
            "kind": "rating.v1", "id": ID, "sent_at": "2026-11-27T11:59:59.5Z", "book": 7, "visitor": BROWSER, "stars": 5,
        });
        if customer {
            rating["customer"] = json!({ "subject": SUBJECT, "issued_at": "2026-11-27T11:00:00Z" });
        }
        rating
    }

    fn key(body: &serde_json::Value) -> Option<Key> {
        Key::of(Queue::Submissions, &message(body, None), NOW)
    }

    #[test]
    fn a_message_is_filed_below_its_browser_or_its_account_and_its_key_is_read_again() {
        let browser = VisitorId(Uuid::parse_str(BROWSER).unwrap());
        let account = hash_of(Subject::parse(SUBJECT).unwrap());
        let erasure = json!({
            "kind": "erasure.v1", "id": ID, "subject": SUBJECT, "sent_at": "2026-11-27T11:59:59Z",
            "asked_at": "2026-11-27T11:59:59Z",
        });
        let confirmation = json!({
            "kind": "alert-confirmation.v1", "id": ID, "sent_at": "2026-11-27T11:59:59Z", "request": ID,
        });
        for (body, person) in [
            (rating(false), Person::Somebody(browser)),
            (rating(true), Person::Somebody(account)),
            (erasure, Person::Erasure),
            (confirmation, Person::Nobody),
        ] {
            let key = key(&body).unwrap();
            assert_eq!(key.person, person, "{body}");
            assert_eq!(Key::parse(&key.to_string()), Some(key), "{key}");
        }
        let text = key(&rating(false)).unwrap().to_string();
        assert_eq!(
            text,
            "submissions/3d0a4fb26d335a529bb46a6d1c3c0c55/000000000000000000000000000000000000000-1795780799500000-\
             3d0a4fb26d335a529bb46a6d1c3c0c55-44d8f4a850a140ab9e0b8e8f4c6a6a77.json"
        );
        for wrong in ["", "submissions/x.json", "mails/nobody/0-0-0-0.json", &text.replace(".json", ""), "a/b/c/d"] {
            assert_eq!(Key::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn every_key_is_read_as_it_is_written_and_keys_are_in_the_order_of_their_places() {
        Draw::each(|draw| {
            let person = match draw.from(0..=2) {
                0 => Person::Nobody,
                1 => Person::Erasure,
                _ => Person::Somebody(VisitorId(draw.uuid())),
            };
            let (about, id) = (draw.uuid(), draw.uuid());
            let keys = [0, 1].map(|_| Key {
                queue: Queue::Orders,
                person,
                sequence: draw.of(),
                sent_at: draw.from(0..=4_102_444_800_000_000),
                about,
                id,
            });
            for key in &keys {
                assert_eq!(Key::parse(&key.to_string()), Some(*key));
            }
            let [one, other] = &keys;
            assert_eq!(one.to_string().cmp(&other.to_string()), one.place().cmp(&other.place()), "{one} {other}");
            // Whatever is read of another text can be written as a key.
            let changed = draw.changed(&one.to_string());
            if let Some(key) = Key::parse(&changed) {
                assert_eq!(Key::parse(&key.to_string()), Some(key), "{changed}");
            }
            assert_eq!(Key::parse(&draw.text()), None);
        });
    }

    #[test]
    fn what_is_no_message_and_what_repeats_by_itself_is_not_archived() {
        assert_eq!(key(&json!("garbage")), None);
        let sweep = json!({ "kind": "sweep.v1", "id": "a-sweep-of-today", "sent_at": "2026-11-27T11:59:59Z" });
        assert_eq!(Key::of(Queue::Orders, &message(&sweep, Some("1")), NOW), None);
        assert_eq!(Key::of(Queue::Mails, &message(&rating(false), None), NOW), None);
    }

    #[test]
    fn keys_of_a_fifo_queue_are_in_the_order_of_its_sequence() {
        let cancel = |sent_at: &str, sequence: &str| {
            let body = json!({
                "kind": "order-action.v1", "id": ID, "sent_at": sent_at, "action": "cancel",
                "order": "44d8f4a8-50a1-80ab-9e0b-8e8f4c6a6a77", "asked_by": { "visitor": BROWSER },
            });
            Key::of(Queue::Orders, &message(&body, Some(sequence)), NOW).unwrap()
        };
        let earlier = cancel("2026-11-27T11:00:02Z", "18849496460467696128");
        let later = cancel("2026-11-27T11:00:01Z", "118849496460467696128");
        assert!(earlier.place() < later.place());
        assert!(earlier.to_string() < later.to_string(), "{earlier} {later}");
        assert_eq!(Key::parse(&later.to_string()), Some(later));
    }

    #[test]
    fn an_erasure_finds_what_was_sent_until_then_and_nothing_of_others() {
        let sent = key(&rating(true)).unwrap();
        let account = hash_of(Subject::parse(SUBJECT).unwrap());
        let browser = VisitorId(Uuid::parse_str(BROWSER).unwrap());
        let only = |only: &str| ArchivedPart { person: Some(account), only: Some(Uuid::parse_str(only).unwrap()) };
        for (part, is_found) in [
            (ArchivedPart::all_of(account), true),
            (only(ID), true),
            (only(BROWSER), true),
            (only(SUBJECT), false),
            (ArchivedPart::all_of(browser), false),
            (ArchivedPart { person: None, only: None }, false),
        ] {
            assert_eq!(part.has(&sent, NOW), is_found, "{part:?}");
            assert!(!part.has(&sent, NOW - time::Duration::minutes(5)), "sent later");
        }
        assert!(ArchivedPart::all_of(account).prefixes().any(|prefix| sent.to_string().starts_with(&prefix)));
        let erased = |at| BTreeMap::from([(browser, at)]);
        let body = message(&rating(true), None);
        assert!(is_erased(&sent, &body, NOW, &erased(NOW)));
        assert!(!is_erased(&sent, &body, NOW, &erased(NOW - time::Duration::minutes(5))), "sent later");
    }

    #[test]
    fn an_order_with_a_session_is_erased_with_its_browser_and_with_its_account() {
        let subject = Subject::parse(SUBJECT).unwrap();
        let order = OrderV1 { customer: Some(SignedInV1 { subject, issued_at: NOW }), ..some_order() };
        let browser = order.visitor;
        let body = serde_json::to_value(OrderMessage::order(order, NOW, None)).unwrap();
        let message = message(&body, Some("1"));
        let sent = Key::of(Queue::Orders, &message, NOW).unwrap();
        assert_eq!(sent.person, Person::Somebody(hash_of(subject)));
        for (who, is_theirs) in [(browser, true), (hash_of(subject), true), (VisitorId(Uuid::from_u128(9)), false)] {
            assert_eq!(is_erased(&sent, &message, NOW, &BTreeMap::from([(who, NOW)])), is_theirs, "{who:?}");
        }
    }

    #[test]
    fn an_order_is_found_below_its_browser_its_customer_and_nobody() {
        let order = Uuid::from_u128(7);
        let subject = Subject::parse(SUBJECT).unwrap();
        let browser = VisitorId(Uuid::from_u128(8));
        let parts = ArchivedPart::of_order(order, [browser, hash_of(subject)]);
        let people: Vec<_> = parts.iter().map(|part| part.person).collect();
        assert_eq!(people, [Some(browser), Some(hash_of(subject)), None]);
        assert!(parts.iter().all(|part| part.only == Some(order)));
    }

    /// Answers each connection with the next of these statuses, or closes it if that is 0. Returns the status of the write and
    /// how often it was tried.
    async fn put_to(statuses: &[u16]) -> (Option<u16>, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let link = format!("http://{}/object", listener.local_addr().unwrap());
        let mut tried = 0;
        let serve = async {
            let mut answered = Vec::new();
            for status in statuses {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut text = [0; 4_096];
                _ = stream.read(&mut text).await;
                tried += 1;
                if *status != 0 {
                    let answer = format!("HTTP/1.1 {status} Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                    _ = stream.write_all(answer.as_bytes()).await;
                    answered.push(stream);
                }
            }
            std::future::pending::<Option<u16>>().await
        };
        let client = HttpsClient::new(Duration::from_millis(500));
        let put = async { put_again_if_away(&client, &link, b"{}").await.ok().map(|answer| answer.status) };
        let status = tokio::select! { status = serve => status, status = put => status };
        (status, tried)
    }

    #[tokio::test]
    async fn a_write_is_repeated_once_if_s3_is_away_and_never_if_it_refuses() {
        for (statuses, outcome) in [
            (&[200][..], (Some(200), 1)),
            (&[503, 200], (Some(200), 2)),
            (&[500, 503, 200], (Some(503), 2)),
            (&[0, 200], (Some(200), 2)),
            (&[0, 0, 200], (None, 2)),
            (&[403, 200], (Some(403), 1)),
            (&[404, 200], (Some(404), 1)),
        ] {
            assert_eq!(put_to(statuses).await, outcome, "{statuses:?}");
        }
    }
}
