//! Messages on the queue of orders.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{book_id, check_sent_at, optional_visitor_id, request_id, visitor_id};
use crate::domain::{
    Address, BookId, Contact, Delivery, Fingerprint, Language, MAX_LINES, Money, OrderId, OrderNote, Payment, Quantity,
    VisitorId, uuid_of_shop,
};
use crate::session::Subject;

/// One message to the consumer of orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderMessage {
    /// Of the message: a delivery that repeats it has no effect. It is also the queue's deduplication id.
    #[serde(deserialize_with = "message_id")]
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    /// The id of the HTTP request, for the log.
    #[serde(default, deserialize_with = "request_id", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(flatten)]
    pub content: OrderContent,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum OrderContent {
    #[serde(rename = "order.v1")]
    Order(Box<OrderV1>),
    #[serde(rename = "order-action.v1")]
    Action(OrderActionV1),
    /// Expire what is due, and hand over mails that were not sent. It repeats without harm.
    #[serde(rename = "sweep.v1")]
    Sweep {},
}

/// An order as the buyer placed it. Prices are ceilings: the shop charges its own, and rejects what is above a ceiling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderV1 {
    pub order: OrderId,
    /// Whose cookie placed it.
    #[serde(deserialize_with = "visitor_id")]
    pub visitor: VisitorId,
    /// Who had signed in there; the consumer checks that the session still counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<SignedInV1>,
    /// One to [`MAX_LINES`], each of another book.
    #[serde(deserialize_with = "lines")]
    pub lines: Vec<OrderLineV1>,
    pub delivery: Delivery,
    pub payment: Payment,
    pub delivery_price_seen: Money,
    pub total_seen: Money,
    pub contact: Contact,
    /// With delivery by parcel only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<OrderNote>,
    #[serde(deserialize_with = "language")]
    pub language: Language,
    /// Of everything above except `order`, `visitor` and `customer`.
    pub fingerprint: Fingerprint,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLineV1 {
    #[serde(deserialize_with = "book_id")]
    pub book: BookId,
    pub quantity: Quantity,
    pub unit_price_seen: Money,
}

/// The buyer asks for something to be done with an order. Its sender has checked that this is the buyer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderActionV1 {
    pub order: OrderId,
    pub action: BuyerAction,
    pub asked_by: AskedBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuyerAction {
    Cancel,
}

/// How the buyer was recognised. The consumer compares it with the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedBy {
    /// By the cookie that placed the order.
    Visitor(#[serde(deserialize_with = "visitor_id")] VisitorId),
    /// By the order's e-mail address, as it was typed.
    Email(crate::domain::Email),
    /// By the session of a customer; also by the cookie, if the browser has one.
    Customer(SignedInBuyer),
}

/// A customer who asks from a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInBuyer {
    pub session: SignedInV1,
    #[serde(default, deserialize_with = "optional_visitor_id", skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
}

/// A session whose signature the sender has checked. Whether all sessions of the customer were ended since, the database
/// knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedInV1 {
    pub subject: Subject,
    #[serde(with = "time::serde::rfc3339")]
    pub issued_at: OffsetDateTime,
}

impl OrderMessage {
    /// An order. Its id follows from the order and its body, so that a retry is a repetition, and the same key with another
    /// body is a message of its own.
    pub fn order(order: OrderV1, sent_at: OffsetDateTime, request_id: Option<String>) -> Self {
        let id = derived_id(&[order.order.uuid().as_bytes(), order.fingerprint.bytes()]);
        Self { id, sent_at, request_id, content: OrderContent::Order(Box::new(order)) }
    }

    /// The buyer's wish to cancel an order.
    pub fn cancel(order: OrderId, asked_by: AskedBy, sent_at: OffsetDateTime, request_id: Option<String>) -> Self {
        let action = OrderActionV1 { order, action: BuyerAction::Cancel, asked_by };
        Self { id: Uuid::new_v4(), sent_at, request_id, content: OrderContent::Action(action) }
    }

    /// Parses a message at a moment. The error is the reason for the dead-letter queue.
    pub fn parse(text: &str, now: OffsetDateTime) -> Result<Self, String> {
        let message: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check_sent_at(message.sent_at, now)?;
        match &message.content {
            OrderContent::Order(order) => order.check()?,
            OrderContent::Action(_) | OrderContent::Sweep {} => {}
        }
        Ok(message)
    }

    /// The order that it is about; none of a sweep.
    pub fn order_id(&self) -> Option<OrderId> {
        match &self.content {
            OrderContent::Order(order) => Some(order.order),
            OrderContent::Action(action) => Some(action.order),
            OrderContent::Sweep {} => None,
        }
    }
}

impl OrderV1 {
    /// The order with the fingerprint of what it asks for.
    #[must_use]
    pub fn with_fingerprint(mut self) -> Self {
        self.fingerprint = self.fingerprint_of_body();
        self
    }

    fn fingerprint_of_body(&self) -> Fingerprint {
        let body = serde_json::json!({
            "lines": self.lines,
            "delivery": self.delivery,
            "payment": self.payment,
            "delivery_price_seen": self.delivery_price_seen,
            "total_seen": self.total_seen,
            "contact": self.contact,
            "address": self.address,
            "note": self.note,
            "language": self.language,
        });
        Fingerprint::of(body.to_string().as_bytes())
    }

    /// What no single field shows.
    fn check(&self) -> Result<(), String> {
        if !self.payment.is_possible_with(self.delivery) {
            return Err(format!("payment is {}; delivery {} excludes it", self.payment.code(), self.delivery.code()));
        }
        if self.address.is_some() != (self.delivery == Delivery::Ship) {
            return Err("address: must be there with delivery ship, and only then".into());
        }
        if self.total_seen.currency != self.delivery_price_seen.currency {
            return Err("total_seen and delivery_price_seen: must be in one currency".into());
        }
        if self.fingerprint != self.fingerprint_of_body() {
            return Err("fingerprint: is not that of the order".into());
        }
        Ok(())
    }
}

/// `UUIDv8` of the first bytes of SHA-256.
pub(super) fn derived_id(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A UUID as the shop makes it. EventBridge Scheduler's execution id, which a sweep has, is another word of letters, digits
/// and hyphens; its hash serves as well.
fn message_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    let is_word = (8..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let is_uuid = Uuid::try_parse(&text).is_ok();
    uuid_of_shop(&text)
        .or_else(|| (is_word && !is_uuid).then(|| derived_id(&[text.as_bytes()])))
        .ok_or_else(|| D::Error::custom("id: must be a UUID such as the shop makes"))
}

pub(super) fn language<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Language, D::Error> {
    Language::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<OrderLineV1>, D::Error> {
    let lines = Vec::<OrderLineV1>::deserialize(deserializer)?;
    if !(1..=MAX_LINES).contains(&lines.len()) {
        let count = lines.len();
        return Err(D::Error::custom(format!("lines: has {count}; must be 1 to {MAX_LINES}")));
    }
    let mut books = BTreeSet::new();
    match lines.iter().find(|line| !books.insert(line.book)) {
        Some(line) => Err(D::Error::custom(format!("lines: book {} is there twice", line.book))),
        None => Ok(lines),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};
    use time::macros::datetime;

    use super::*;
    use crate::domain::{AddressText, DisplayName, Email, Phone, SubmissionKey};

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn euro(minor: u32) -> Money {
        Money { minor, currency: "EUR".into() }
    }

    pub(crate) fn order() -> OrderV1 {
        let key = SubmissionKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let address = AddressText {
            name: "Ana Ruiz".into(),
            street: vec!["Calle Mayor 1".into()],
            postal_code: "28013".into(),
            place: "Madrid".into(),
            region: String::new(),
            country: "ES".into(),
        };
        let line = |book: u32, quantity| OrderLineV1 {
            book: book.into(),
            quantity: Quantity::parse(quantity).unwrap(),
            unit_price_seen: euro(1_995),
        };
        OrderV1 {
            order: key.order_id(Uuid::from_u128(1), b"k"),
            visitor: VisitorId::of_number(Uuid::from_u128(1)),
            customer: None,
            lines: vec![line(7, 2), line(3, 1)],
            delivery: Delivery::Ship,
            payment: Payment::OnDelivery,
            delivery_price_seen: euro(399),
            total_seen: euro(6_384),
            contact: Contact {
                name: DisplayName::parse("Ana").unwrap(),
                email: Email::parse("ana@example.org").unwrap(),
                phone: Some(Phone::parse("+34 600 123 123").unwrap()),
            },
            address: Some(Address::parse(&address).unwrap()),
            note: Some(OrderNote::parse("Por la tarde").unwrap()),
            language: Language::parse("es").unwrap(),
            fingerprint: Fingerprint::of(b""),
        }
        .with_fingerprint()
    }

    fn parsed(message: &Value) -> Result<OrderMessage, String> {
        OrderMessage::parse(&message.to_string(), NOW)
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let id = order().order;
        let visitor = AskedBy::Visitor(VisitorId::of_number(Uuid::from_u128(1)));
        let email = AskedBy::Email(Email::parse("ana@example.org").unwrap());
        for message in [
            OrderMessage::order(order(), NOW, Some("1-67891233-abc".into())),
            OrderMessage::order(
                OrderV1 {
                    address: None,
                    note: None,
                    delivery: Delivery::Collect,
                    payment: Payment::BankTransfer,
                    ..order()
                }
                .with_fingerprint(),
                NOW,
                None,
            ),
            OrderMessage::cancel(id, visitor, NOW, None),
            OrderMessage::cancel(id, email, NOW, None),
            OrderMessage { id: Uuid::new_v4(), sent_at: NOW, request_id: None, content: OrderContent::Sweep {} },
        ] {
            assert_eq!(parsed(&serde_json::to_value(&message).unwrap()), Ok(message));
        }
    }

    #[test]
    fn the_schedule_sends_its_execution_id() {
        for (id, is_read) in [
            ("d32c5kddcf5bb8c3", true),
            ("c56a4180-65aa-42ec-a945-5fd21dec0538", true),
            ("", false),
            ("<aws.scheduler.execution-id>", false),
            ("00000000-0000-0000-0000-000000000000", false),
        ] {
            let sweep = json!({"id": id, "sent_at": "2026-01-02T03:04:00Z", "kind": "sweep.v1"});
            assert_eq!(parsed(&sweep).is_ok(), is_read, "{id}");
        }
    }

    #[test]
    fn the_same_order_is_the_same_message_and_another_body_is_another_one() {
        let first = OrderMessage::order(order(), NOW, None);
        let again = OrderMessage::order(order(), NOW + time::Duration::hours(1), Some("r-2".into()));
        assert_eq!(first.id, again.id);
        let other = OrderV1 { note: None, ..order() }.with_fingerprint();
        assert_ne!(OrderMessage::order(other.clone(), NOW, None).id, first.id);
        assert_eq!(other.order, order().order);
    }

    #[test]
    fn a_value_that_the_shop_would_not_have_accepted_is_refused_whoever_sent_it() {
        let sent = serde_json::to_value(OrderMessage::order(order(), NOW, None)).unwrap();
        let of_book =
            |book: u32| json!({"book": book, "quantity": 1, "unit_price_seen": {"minor": 1, "currency": "EUR"}});
        let many: Vec<Value> = (1..=51).map(of_book).collect();
        for (path, value, reason) in [
            ("/kind", json!("order.v2"), "unknown variant `order.v2`"),
            ("/id", json!("1"), "id: must be a UUID"),
            ("/sent_at", json!("2019-12-31T23:59:59Z"), "it must be between 2020-01-01T00:00:00Z"),
            ("/sent_at", json!("2026-01-02T03:09:06Z"), "and five minutes from now"),
            ("/order", json!("c56a4180-65aa-42ec-a945-5fd21dec0538"), "order: must be a UUIDv8"),
            ("/order", json!(1), "invalid type"),
            ("/visitor", json!("me"), "visitor: must be a UUID"),
            ("/lines", json!([]), "lines: has 0; must be 1 to 50"),
            ("/lines", json!(many), "lines: has 51; must be 1 to 50"),
            ("/lines", json!([of_book(7), of_book(7)]), "lines: book 7 is there twice"),
            ("/lines/0/book", json!(0), "book: must be a number from 1 up"),
            ("/lines/0/quantity", json!(0), "quantity: must be a whole number from 1 to 20"),
            ("/lines/0/quantity", json!(21), "quantity: must be a whole number from 1 to 20"),
            ("/lines/0/quantity", json!("2"), "invalid type"),
            ("/lines/0/unit_price_seen/minor", json!(-1), "invalid value"),
            ("/lines/0/unit_price_seen/currency", json!("EURO"), "currency: must be a code of ISO 4217"),
            ("/total_seen/currency", json!("USD"), "must be in one currency"),
            ("/delivery", json!("drone"), "unknown variant `drone`"),
            ("/payment", json!("card"), "unknown variant `card`"),
            ("/payment", json!("on_collection"), "payment is on_collection; delivery ship excludes it"),
            ("/address", Value::Null, "address: must be there with delivery ship, and only then"),
            ("/address/country", json!("XX"), "country: must be a code of ISO 3166-1"),
            ("/address/postal_code", json!("1"), "postal_code: must be a postal code"),
            ("/contact/email", json!("ana"), "email: must be an address"),
            ("/contact/email", json!("ana@example.org\r\nBcc: eva@example.org"), "email: must be an address"),
            ("/contact/name", json!(" "), "name: must not be blank"),
            ("/contact/phone", json!("x"), "phone: must be a telephone number"),
            ("/note", json!("4111 1111 1111 1111"), "note: must not contain the number of a card"),
            ("/note", json!("x".repeat(501)), "note: must have at most 500"),
            ("/language", json!("?"), "language"),
            ("/fingerprint", json!("00"), "fingerprint: must be 64 hexadecimal digits"),
            ("/fingerprint", json!("0".repeat(64)), "fingerprint: is not that of the order"),
        ] {
            let mut message = sent.clone();
            *message.pointer_mut(path).unwrap() = value.clone();
            let error = parsed(&message).unwrap_err();
            assert!(error.contains(reason), "{path} {value}: {error}");
        }
    }

    #[test]
    fn a_wish_of_the_buyer_says_who_asks() {
        let id = order().order;
        for (action, asked_by, reason) in [
            ("cancel", json!({"visitor": "me"}), "UUID"),
            ("cancel", json!({"email": "x"}), "email: must be an address"),
            ("cancel", json!({"staff": "x"}), "unknown variant `staff`"),
            ("pay", json!({"email": "ana@example.org"}), "unknown variant `pay`"),
        ] {
            let message = json!({
                "id": Uuid::new_v4(), "sent_at": "2026-01-02T03:04:05Z", "kind": "order-action.v1",
                "order": id, "action": action, "asked_by": asked_by,
            });
            let error = parsed(&message).unwrap_err();
            assert!(error.contains(reason), "{asked_by}: {error}");
        }
    }
}
