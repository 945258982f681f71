//! Messages on the queue: one tagged, versioned variant for each kind. A consumer sends kinds and versions that it does
//! not support to the dead-letter queue, and so it does with values that the shop would not have accepted: what is read
//! from the queue has been parsed, also if nothing of the shop sent it.

mod order;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};
use uuid::Uuid;

use crate::{
    domain::{
        AlertToken, BookId, Cart, Counts, DisplayName, Email, Language, MessageText, ReviewText, ShopOrigin, Stars,
        Subject, VisitorId, uuid_of_shop,
    },
    session,
};

#[cfg(test)]
pub(crate) use order::tests::order as some_order;
pub use order::{
    AskedBy, BuyerAction, OrderActionV1, OrderContent, OrderLineV1, OrderMessage, OrderV1, SignedInBuyer, SignedInV1,
};

/// One submission on its way to the writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    #[serde(deserialize_with = "submission_id")]
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    /// The id of the HTTP request, for the log.
    #[serde(default, deserialize_with = "request_id", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(flatten)]
    pub content: Content,
}

/// The shop has sent nothing before.
const EARLIEST: OffsetDateTime = datetime!(2020-01-01 00:00 UTC);
/// How far the clocks of two functions may differ.
const CLOCK_SKEW: Duration = Duration::minutes(5);

impl Submission {
    /// Parses a message at a moment. The error is the reason for the dead-letter queue.
    pub fn parse(text: &str, now: OffsetDateTime) -> Result<Self, String> {
        let submission: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_sent_at(submission.sent_at, now)?;
        match &submission.content {
            Content::Customer(customer) => check_time("signed_in_at", customer.signed_in_at, now)?,
            Content::Erasure(erasure) => check_time("asked_at", erasure.asked_at, now)?,
            Content::Alert(alert) if alert.email.is_some() == alert.session.is_some() => {
                return Err("an alert has either email or session".to_owned());
            }
            Content::Rating(_)
            | Content::Contact(_)
            | Content::Cart(_)
            | Content::Alert(_)
            | Content::AlertConfirmation(_)
            | Content::AlertEnd(_)
            | Content::ArchiveErasure(_) => {}
        }
        Ok(submission)
    }
}

/// Refuses a time at which the shop sent nothing.
fn check_sent_at(sent_at: OffsetDateTime, now: OffsetDateTime) -> Result<(), String> {
    check_time("sent_at", sent_at, now)
}

/// Refuses a time of this member at which the shop sent nothing.
fn check_time(member: &str, sent_at: OffsetDateTime, now: OffsetDateTime) -> Result<(), String> {
    if (EARLIEST..=now + CLOCK_SKEW).contains(&sent_at) {
        return Ok(());
    }
    let shown = |at: OffsetDateTime| at.format(&Rfc3339).unwrap_or_default();
    Err(format!(
        "{member} is {}; it must be between {} and five minutes from now, which is {}",
        shown(sent_at),
        shown(EARLIEST),
        shown(now)
    ))
}

fn submission_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    uuid_of_shop(&text).ok_or_else(|| D::Error::custom("id: must be a UUID such as the shop makes"))
}

/// As the load balancer or Lambda makes it.
fn request_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let id = Option::<String>::deserialize(deserializer)?;
    let is_plausible = |id: &String| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if id.as_ref().is_none_or(is_plausible) {
        return Ok(id);
    }
    Err(D::Error::custom("request_id: must have at most 64 letters, digits and hyphens"))
}

fn book_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BookId, D::Error> {
    let id = u32::deserialize(deserializer)?;
    if id == 0 { Err(D::Error::custom("book: must be a number from 1 up")) } else { Ok(id.into()) }
}

/// The stored form, or the number itself as versions before sent it.
fn visitor_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VisitorId, D::Error> {
    let text = String::deserialize(deserializer)?;
    VisitorId::parse(&text).ok_or_else(|| D::Error::custom("visitor: must be a UUID such as the shop makes"))
}

fn optional_language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    #[derive(Deserialize)]
    struct Parsed(#[serde(deserialize_with = "order::language")] Language);

    Ok(Option::<Parsed>::deserialize(deserializer)?.map(|Parsed(language)| language))
}

fn optional_visitor_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<VisitorId>, D::Error> {
    #[derive(Deserialize)]
    struct Parsed(#[serde(deserialize_with = "visitor_id")] VisitorId);

    Ok(Option::<Parsed>::deserialize(deserializer)?.map(|Parsed(id)| id))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Content {
    #[serde(rename = "rating.v1")]
    Rating(RatingV1),
    #[serde(rename = "contact.v1")]
    Contact(ContactV1),
    #[serde(rename = "customer.v1")]
    Customer(CustomerV1),
    #[serde(rename = "erasure.v1")]
    Erasure(ErasureV1),
    #[serde(rename = "cart.v1")]
    Cart(CartV1),
    #[serde(rename = "alert.v1")]
    Alert(AlertV1),
    #[serde(rename = "alert-confirmation.v1")]
    AlertConfirmation(AlertLinkV1),
    #[serde(rename = "alert-end.v1")]
    AlertEnd(AlertLinkV1),
    /// To the queue of erasures, not to that of submissions.
    #[serde(rename = "archive-erasure.v1")]
    ArchiveErasure(ArchiveErasureV1),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatingV1 {
    #[serde(deserialize_with = "book_id")]
    pub book: BookId,
    #[serde(deserialize_with = "visitor_id")]
    pub visitor: VisitorId,
    /// Who had signed in there; the consumer checks that the session still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<SignedInV1>,
    pub stars: Stars,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewText>,
}

/// A message to the shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactV1 {
    /// None in messages of versions before this field.
    #[serde(default, deserialize_with = "optional_visitor_id", skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
    pub name: DisplayName,
    pub email: Email,
    pub subject: Subject,
    pub message: MessageText,
    /// Of the page with the form; none of an API call, and in messages of versions before this field.
    #[serde(default, deserialize_with = "optional_language", skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// Somebody has signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomerV1 {
    pub subject: session::Subject,
    /// As the user pool has it.
    pub email: Email,
    pub email_verified: bool,
    /// The browser, by its cookie before the sign-in; none if it had none.
    #[serde(default, deserialize_with = "optional_visitor_id", skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
    /// When the session was issued.
    #[serde(with = "time::serde::rfc3339")]
    pub signed_in_at: OffsetDateTime,
}

/// A customer wants everything erased that the law does not require. Sessions have ended when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureV1 {
    pub subject: session::Subject,
    #[serde(with = "time::serde::rfc3339")]
    pub asked_at: OffsetDateTime,
}

/// A part of a person's archived messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArchivedPart {
    /// A browser, or an account by its hash; none for messages of which the archive does not know whose they are.
    #[serde(default, deserialize_with = "optional_visitor_id", skip_serializing_if = "Option::is_none")]
    pub person: Option<VisitorId>,
    /// The message, the order or the browser; none for all messages of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Uuid>,
}

/// Archived messages of somebody who was erased are to be removed. The database knows which are theirs, and is not asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveErasureV1 {
    pub parts: Vec<ArchivedPart>,
    /// What was sent later stays.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// The cart of a customer after a change. Its sender has checked the signature of the session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CartV1 {
    pub session: SignedInV1,
    pub cart: Cart,
}

/// Somebody wants a mail when a book is back: a guest at this address, or a customer at the verified one. Its sender has checked
/// the signature of the session, and has made the links of the mails, because who writes them has no key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertV1 {
    #[serde(deserialize_with = "book_id")]
    pub book: BookId,
    #[serde(deserialize_with = "visitor_id")]
    pub visitor: VisitorId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SignedInV1>,
    /// Of the mails.
    #[serde(deserialize_with = "order::language")]
    pub language: Language,
    pub origin: ShopOrigin,
    pub confirm: AlertToken,
    pub end: AlertToken,
}

/// Somebody has pressed the button of a link in a mail about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertLinkV1 {
    /// The submission that asked for the alert.
    #[serde(deserialize_with = "submission_id")]
    pub request: Uuid,
}

impl Submission {
    /// A change of a customer's cart.
    pub fn cart(session: SignedInV1, cart: Cart, sent_at: OffsetDateTime, request_id: Option<String>) -> Self {
        Self { id: Uuid::new_v4(), sent_at, request_id, content: Content::Cart(CartV1 { session, cart }) }
    }

    /// The erasure of a customer.
    pub fn erasure(subject: session::Subject, asked_at: OffsetDateTime, request_id: Option<String>) -> Self {
        let content = Content::Erasure(ErasureV1 { subject, asked_at });
        Self { id: Uuid::new_v4(), sent_at: asked_at, request_id, content }
    }

    /// The removal of archived messages, in as many messages as SQS takes.
    pub fn archive_erasures(parts: &[ArchivedPart], until: OffsetDateTime) -> Vec<Self> {
        /// Parts in one message: each has about a hundred bytes.
        const PARTS: usize = 1_000;
        let message = |parts: &[ArchivedPart]| {
            let content = Content::ArchiveErasure(ArchiveErasureV1 { parts: parts.to_vec(), until });
            Self { id: Uuid::new_v4(), sent_at: until, request_id: None, content }
        };
        parts.chunks(PARTS).map(message).collect()
    }

    /// The sign-in of a customer. Its id follows from the content, so that a repetition has no effect.
    pub fn customer(customer: CustomerV1, sent_at: OffsetDateTime, request_id: Option<String>) -> Self {
        let (subject, visitor) = (customer.subject.to_string(), customer.visitor.unwrap_or(VisitorId(Uuid::nil())));
        let at = customer.signed_in_at.unix_timestamp_nanos().to_be_bytes();
        let id = order::derived_id(&[b"customer.v1", subject.as_bytes(), visitor.0.as_bytes(), &at]);
        Self { id, sent_at, request_id, content: Content::Customer(customer) }
    }
}

/// Progress of an import, in S3 beside the file: `<key>.progress.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    pub state: ImportState,
    /// The last processed line of the file.
    pub line: u32,
    #[serde(flatten)]
    pub counts: Counts,
    /// What is to be said about the file as a whole, such as columns that are not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<String>,
    /// Why the file cannot be read, or why the import was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    Running,
    /// It failed in between; Lambda starts it again after the last processed line.
    Interrupted,
    Done,
    Failed,
}

/// The request of a deploy to `migrate-database`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationOrder {
    /// How many connections each database user may hold at once.
    pub reader_connections: u32,
    pub order_reader_connections: u32,
    pub bounce_writer_connections: u32,
    /// None in the order of a deploy before there were accounts.
    #[serde(default)]
    pub account_connections: u32,
    /// None in the order of a deploy before the staff had pages.
    #[serde(default)]
    pub staff_connections: u32,
    pub writer_connections: u32,
    /// Takes from the users what only earlier versions of the functions needed. False while such a version serves, or is
    /// the one that a rollback returns to.
    pub revokes: bool,
    /// Whether the database has replicas, whose lag its heartbeat shows.
    #[serde(default)]
    pub has_replicas: bool,
    /// The `refreshed_to` of the response before.
    #[serde(default)]
    pub refresh_after: u32,
}

/// The response of `migrate-database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// Migrations that were run this time.
    pub applied: Vec<String>,
    /// Number of finished imports; a first deploy has none.
    pub imports: i64,
    /// The last book whose search entries were brought up to date, where the time did not suffice for all: the same order
    /// continues after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_to: Option<u32>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn rating() -> Value {
        json!({
            "id": "c56a4180-65aa-82ec-a945-5fd21dec0538", "sent_at": "2026-01-02T03:04:05Z", "request_id": "1-67891233-abc",
            "kind": "rating.v1", "book": 7, "visitor": "c56a4180-65aa-52ec-a945-5fd21dec0538", "stars": 5,
            "review": "¡Bravo!",
        })
    }

    fn contact() -> Value {
        json!({
            "id": "c56a4180-65aa-82ec-a945-5fd21dec0538", "sent_at": "2026-01-02T03:04:05Z", "kind": "contact.v1",
            "visitor": "c56a4180-65aa-52ec-a945-5fd21dec0538", "name": "Ana", "email": "ana@example.org",
            "subject": "Un libro", "message": "¿Lo tienen?\nGracias",
        })
    }

    fn alert() -> Value {
        json!({
            "id": "c56a4180-65aa-82ec-a945-5fd21dec0538", "sent_at": "2026-01-02T03:04:05Z", "kind": "alert.v1", "book": 7,
            "visitor": "c56a4180-65aa-52ec-a945-5fd21dec0538", "email": "ana@example.org", "language": "es",
            "origin": "https://shop.example", "confirm": "YQ.b", "end": "Yg.c",
        })
    }

    fn with(mut message: Value, field: &str, value: Value) -> String {
        message[field] = value;
        message.to_string()
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let link = json!({
            "id": "c56a4180-65aa-82ec-a945-5fd21dec0538", "sent_at": "2026-01-02T03:04:05Z", "kind": "alert-end.v1",
            "request": "c56a4180-65aa-82ec-a945-5fd21dec0538",
        });
        for message in [
            rating(),
            contact(),
            alert(),
            link,
            serde_json::from_str(&with(contact(), "visitor", Value::Null)).unwrap(),
            serde_json::from_str(&with(contact(), "language", json!("en"))).unwrap(),
        ] {
            let submission = Submission::parse(&message.to_string(), NOW).unwrap();
            let written = serde_json::to_string(&submission).unwrap();
            assert_eq!(Submission::parse(&written, NOW).unwrap(), submission);
        }
    }

    #[test]
    fn a_value_that_the_shop_would_not_have_accepted_is_refused_whoever_sent_it() {
        let long = "x".repeat(4_001);
        for (field, value, reason) in [
            ("kind", json!("rating.v2"), "unknown variant `rating.v2`"),
            ("id", json!("1"), "id: must be a UUID"),
            ("id", json!("00000000-0000-0000-0000-000000000000"), "id: must be a UUID"),
            ("id", json!("urn:uuid:c56a4180-65aa-82ec-a945-5fd21dec0538"), "id: must be a UUID"),
            ("sent_at", json!("0000-01-01T00:00:00Z"), "sent_at is 0000-01-01T00:00:00Z; it must be between 2020"),
            ("sent_at", json!("2019-12-31T23:59:59Z"), "it must be between 2020-01-01T00:00:00Z and five minutes"),
            ("sent_at", json!("2026-01-02T03:09:06Z"), "from now, which is 2026-01-02T03:04:05Z"),
            ("sent_at", json!("9999-12-31T23:59:59Z"), "it must be between 2020"),
            ("sent_at", json!("yesterday"), "could not be parsed"),
            ("request_id", json!("a b"), "request_id: must have at most 64"),
            ("request_id", json!("a".repeat(65)), "request_id: must have at most 64"),
            ("book", json!(0), "book: must be a number from 1 up"),
            ("book", json!(-1), "invalid value: integer `-1`"),
            ("visitor", json!("00000000-0000-0000-0000-000000000000"), "visitor: must be a UUID"),
            ("visitor", json!("me"), "visitor: must be a UUID"),
            ("stars", json!(6), "1 to 5"),
            ("name", json!("\u{1}\u{200b}"), "name: must not be blank"),
            ("name", json!("x".repeat(81)), "name: must have at most 80"),
            ("review", json!(long), "review: must have at most 4000"),
            ("review", json!("\u{1b}"), "review: must not be blank"),
        ] {
            let error = Submission::parse(&with(rating(), field, value.clone()), NOW).unwrap_err();
            assert!(error.contains(reason), "{field} {value}: {error}");
        }
        for (field, value, reason) in [
            ("email", json!("mailto:ana@example.org"), "email: must be an address"),
            ("subject", json!(""), "subject: must not be blank"),
            ("message", json!(long), "message: must have at most 4000"),
            ("name", Value::Null, "invalid type: null"),
            ("visitor", json!(5), "invalid type"),
            ("language", json!("x y"), "language"),
        ] {
            let error = Submission::parse(&with(contact(), field, value.clone()), NOW).unwrap_err();
            assert!(error.contains(reason), "{field} {value}: {error}");
        }
    }

    #[test]
    fn an_alert_is_for_one_address_and_its_links_lead_to_the_shop() {
        let session = json!({ "subject": "c56a4180-65aa-42ec-a945-5fd21dec0538", "issued_at": "2026-01-02T03:04:05Z" });
        for (field, value, reason) in [
            ("email", Value::Null, "either email or session"),
            ("email", json!("ana@"), "email: must be an address"),
            ("session", session, "either email or session"),
            ("origin", json!("https://shop.example/x"), "an origin is a scheme and a host"),
            ("confirm", json!("a\r\nb"), "a token has 1 to 300"),
            ("end", json!(""), "a token has 1 to 300"),
            ("book", json!(0), "book: must be a number"),
            ("language", json!("x y"), "language"),
        ] {
            let error = Submission::parse(&with(alert(), field, value.clone()), NOW).unwrap_err();
            assert!(error.contains(reason), "{field} {value}: {error}");
        }
    }

    #[test]
    fn texts_are_cleaned_and_numbers_of_visitors_are_hashed_as_they_are_read() {
        let number = "c56a4180-65aa-42ec-a945-5fd21dec0538";
        let mut message = rating();
        message["name"] = json!("Ana\tRuiz\u{200b}");
        message["sent_at"] = json!("2026-01-02T03:09:05Z");
        let submission = Submission::parse(&with(message, "visitor", json!(number)), NOW).unwrap();
        let Content::Rating(rating) = submission.content else { panic!("it is a rating") };
        assert_eq!(rating.name.unwrap().as_str(), "Ana Ruiz");
        assert_eq!(rating.visitor, VisitorId::of_number(Uuid::parse_str(number).unwrap()));
    }
}
