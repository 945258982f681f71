//! An order of books, from the checkout until it is closed.

mod action;
mod contact;
mod delivery;
mod failure;
mod reason;
mod state;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{BookId, Invalid, Isbn13, Language, Money, Parsed, Reason, VisitorId, milliseconds, uuid_of_shop};

pub use action::{Actor, OrderAction, OrderEvent, Part, Refusal};
pub use contact::{Address, AddressText, Contact, Country, OrderNote, Phone};
pub use delivery::{Delivery, Payment};
pub use failure::MailFailure;
pub use reason::{LineReason, OrderReason};
pub use state::OrderState;

/// The largest number of different books in an order.
pub const MAX_LINES: usize = 50;

/// The id of an order. Only the shop makes one. It authorises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct OrderId(Uuid);

impl OrderId {
    pub fn uuid(self) -> Uuid {
        self.0
    }

    /// Reads an id that anybody may have written, by its form, to link to the page of the order and for nothing else.
    pub fn parse_unverified(text: &str) -> Option<Self> {
        uuid_of_shop(text).filter(|uuid| uuid.get_version_num() == 8).map(Self)
    }

    /// An id that was verified, or that the database or a message has.
    pub(crate) fn of_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A message has no key, so the form is all that is checked: version 8, as the shop makes it.
impl<'de> Deserialize<'de> for OrderId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse_unverified(&text).ok_or_else(|| D::Error::custom("order: must be a UUIDv8 such as the shop makes"))
    }
}

/// The number of an order for people, who read it out on the telephone: `100042`. It authorises nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct OrderNumber(pub u32);

impl OrderNumber {
    /// Reads it as people type it: with a `#`, blanks or points.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.trim().trim_start_matches('#').chars().filter(|c| !" .".contains(*c)).collect();
        let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|number| is_number && *number > 0).map(Self)
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Copies of one book in an order: 1 to 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "u8")]
#[schemars(!try_from, !into)]
pub struct Quantity(#[schemars(range(min = 1, max = Self::MAX))] u8);

impl Quantity {
    pub const MAX: u8 = 20;

    pub fn parse(number: i64) -> Parsed<Self> {
        match u8::try_from(number) {
            Ok(quantity @ 1..=Self::MAX) => Ok(Self(quantity)),
            _ => Err(Invalid::new("quantity", Reason::NotInRange { min: 1, max: Self::MAX.into() })),
        }
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = Invalid;

    fn try_from(number: i64) -> Parsed<Self> {
        Self::parse(number)
    }
}

impl From<Quantity> for u8 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// SHA-256 of what an order asks for, without its id. It shows that a key came back with another body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        for (at, byte) in bytes.iter_mut().enumerate().filter(|_| is_hex) {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        is_hex.then_some(Self(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("fingerprint: must be 64 hexadecimal digits"))
    }
}

/// What was decided about an order when it was processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderOutcome {
    /// Sold: `Confirmed`, or `AwaitingPayment`.
    Accepted(OrderState),
    /// Nothing was sold.
    Rejected(OrderReason),
}

/// A cancellation of the buyer that changed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RefusedCancellation {
    /// When the buyer sent it.
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub sent_at: OffsetDateTime,
    /// What the order was when it was processed.
    pub status: OrderState,
}

/// An order as the shop keeps it. Amounts are in one currency and include tax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub number: OrderNumber,
    /// Whose cookie placed it; none once the visitor was erased.
    pub visitor: Option<VisitorId>,
    pub state: OrderState,
    /// In order of time; the last one is the state.
    pub history: Vec<StateChange>,
    /// What was cancelled and what came back, in order of time; the sums are with the lines.
    pub changes: Vec<CopiesChange>,
    /// Why it was rejected; the reasons of lines are with them.
    pub rejection: Option<OrderReason>,
    pub lines: Vec<OrderLine>,
    pub delivery: Delivery,
    pub delivery_price: Money,
    /// Hundredths of a percent.
    pub delivery_tax_rate: u16,
    /// Lines and delivery, as they were ordered; 0 if it was rejected.
    pub total: Money,
    /// The same without what was cancelled or came back since; 0 once all of it was, or it expired.
    pub charged: Money,
    /// The tax that `charged` includes, by rate, the lowest rate first.
    pub taxes: Vec<TaxPart>,
    pub payment: Payment,
    /// When the shop got the money.
    pub paid_at: Option<OffsetDateTime>,
    /// When it expires, unless it is paid or collected until then.
    pub expires_at: Option<OffsetDateTime>,
    /// When the buyer withdrew from the contract, after the order had left the shop.
    pub withdrawn_at: Option<OffsetDateTime>,
    /// The buyer's last cancellation that had no effect, because the order had ended.
    pub refused: Option<RefusedCancellation>,
    /// None once the shop needs it no longer.
    pub contact: Option<Contact>,
    /// None where it is collected.
    pub address: Option<Address>,
    pub note: Option<OrderNote>,
    /// Of pages and mails.
    pub language: Language,
    /// When the buyer sent it.
    pub placed_at: OffsetDateTime,
    /// When its key came back with another body, the last time; it had no effect.
    pub repeated_at: Option<OffsetDateTime>,
}

impl Order {
    /// The order as it was at a time, without what has happened since.
    #[must_use]
    pub fn as_of(&self, at: OffsetDateTime) -> Self {
        let mut order = self.clone();
        for change in self.changes.iter().filter(|change| change.at > at) {
            if let Some(line) = order.lines.iter_mut().find(|line| line.book == change.book) {
                let count = if change.are_returned { &mut line.returned } else { &mut line.cancelled };
                *count = count.saturating_sub(change.copies);
            }
        }
        order.changes.retain(|change| change.at <= at);
        order.history.retain(|change| change.at <= at);
        if let Some(last) = order.history.last() {
            order.state = last.state;
        }
        if order.state != self.state {
            // They are of the state that the order is in now.
            order.expires_at = None;
            order.refused = None;
        }
        order.paid_at = self.paid_at.filter(|paid| *paid <= at);
        order.withdrawn_at = self.withdrawn_at.filter(|withdrawn| *withdrawn <= at);
        order.charge();
        order
    }

    /// Sets what is charged, and its taxes, by the lines and the state.
    pub(crate) fn charge(&mut self) {
        use OrderState::{Cancelled, Expired, Rejected, Returned};
        let is_charged = !matches!(self.state, Rejected | Expired | Cancelled | Returned);
        let delivery = (self.delivery_price.minor, self.delivery_tax_rate);
        let lines = self.lines.iter().map(|line| (line.price_of(line.kept()), line.tax_rate));
        let amounts: Vec<_> = lines.chain([delivery]).filter(|_| is_charged).collect();
        self.charged.minor = amounts.iter().fold(0, |sum: u32, (gross, _)| sum.saturating_add(*gross));
        self.taxes = TaxPart::by_rate(amounts, &self.total.currency);
    }

    /// When it came to the state that it is in.
    pub fn since(&self) -> Option<OffsetDateTime> {
        self.history.iter().rev().find(|change| change.state == self.state).map(|change| change.at)
    }

    /// When the contract was confirmed, by a decision or by the arrival of the transfer.
    pub fn confirmed_at(&self) -> Option<OffsetDateTime> {
        self.history.iter().find(|change| change.state == OrderState::Confirmed).map(|change| change.at)
    }
}

/// Copies of one book that were cancelled, or that came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiesChange {
    pub at: OffsetDateTime,
    pub book: BookId,
    pub copies: u8,
    /// They came back; otherwise they were cancelled before they left the shop.
    pub are_returned: bool,
}

/// An order in the list of its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnOrder {
    pub id: OrderId,
    /// For people.
    pub number: OrderNumber,
    pub state: OrderState,
    pub total: Money,
    /// Of the books, in the order of the lines.
    pub titles: Vec<String>,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub placed_at: OffsetDateTime,
}

/// When an order came to a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StateChange {
    pub state: OrderState,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: OffsetDateTime,
}

/// One book of an order, as it was when the order was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderLine {
    pub book: BookId,
    /// Of the book at that time; of a rejected line the book's title, if there is such a book.
    pub title: String,
    pub isbn: Option<Isbn13>,
    /// As ordered.
    pub quantity: u8,
    /// Copies of `quantity` that were cancelled before they left the shop.
    pub cancelled: u8,
    /// Copies of `quantity` that came back.
    pub returned: u8,
    pub unit_price: Option<Money>,
    /// Hundredths of a percent: 400 is 4 %.
    pub tax_rate: u16,
    /// Of all copies, as ordered.
    pub total: Option<Money>,
    /// Why it could not be sold.
    pub reason: Option<LineReason>,
}

impl OrderLine {
    /// Copies that were neither cancelled nor returned.
    pub fn kept(&self) -> u8 {
        self.quantity.saturating_sub(self.cancelled).saturating_sub(self.returned)
    }

    /// The price of some copies, in minor units; 0 of a line without a price.
    pub fn price_of(&self, copies: u8) -> u32 {
        self.unit_price.as_ref().map_or(0, |price| price.minor.saturating_mul(copies.into()))
    }
}

/// The tax at one rate that a total includes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TaxPart {
    /// Hundredths of a percent: 400 is 4 %.
    pub rate: u16,
    /// What is taxed at this rate, with its tax.
    pub gross: Money,
    pub tax: Money,
}

impl TaxPart {
    /// The tax that an amount with tax includes, in minor units, rounded half up.
    pub fn included(gross: u32, rate: u16) -> u32 {
        let (gross, rate) = (u64::from(gross), u64::from(rate));
        let divisor = 10_000 + rate;
        u32::try_from((gross * rate * 2 + divisor) / (divisor * 2)).unwrap_or(u32::MAX)
    }

    /// The parts of a total by rate, the lowest rate first, from amounts with tax and their rates; amounts of 0 have none.
    pub fn by_rate(amounts: impl IntoIterator<Item = (u32, u16)>, currency: &str) -> Vec<Self> {
        let mut sums = std::collections::BTreeMap::<u16, u32>::new();
        for (gross, rate) in amounts.into_iter().filter(|(gross, _)| *gross > 0) {
            let sum = sums.entry(rate).or_default();
            *sum = sum.saturating_add(gross);
        }
        let money = |minor| Money { minor, currency: currency.to_owned() };
        let part = |(rate, gross)| Self { rate, gross: money(gross), tax: money(Self::included(gross, rate)) };
        sums.into_iter().map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Currency, *};

    #[test]
    fn a_quantity_is_one_to_twenty() {
        for (number, is_accepted) in
            [(1, true), (20, true), (0, false), (21, false), (-1, false), (257, false), (i64::MAX, false)]
        {
            assert_eq!(Quantity::parse(number).is_ok(), is_accepted, "{number}");
        }
        assert_eq!(Quantity::parse(21).unwrap_err().to_string(), "quantity: must be a whole number from 1 to 20");
    }

    #[test]
    fn a_number_of_an_order_is_read_as_people_type_it() {
        for (text, number) in [
            ("100042", Some(100_042)),
            (" #100042 ", Some(100_042)),
            ("100 042", Some(100_042)),
            ("100.042", Some(100_042)),
            ("", None),
            ("#", None),
            ("0", None),
            ("-1", None),
            ("+1", None),
            ("4294967296", None),
            ("c56a4180-65aa-82ec-a945-5fd21dec0538", None),
        ] {
            assert_eq!(OrderNumber::parse(text), number.map(OrderNumber), "{text:?}");
        }
    }

    #[test]
    fn an_id_has_the_version_that_the_shop_makes_and_a_number_and_a_quantity_are_what_they_print() {
        let id = "c56a4180-65aa-82ec-a945-5fd21dec0538";
        assert_eq!(OrderId::parse_unverified(id).map(|id| id.to_string()).as_deref(), Some(id));
        assert_eq!(OrderId::parse_unverified("c56a4180-65aa-42ec-a945-5fd21dec0538"), None);
        assert_eq!(OrderNumber(100_042).to_string(), "100042");
        let quantity = Quantity::parse(7).unwrap();
        assert_eq!((quantity.get(), u8::from(quantity)), (7, 7));
    }

    #[test]
    fn a_fingerprint_is_read_as_it_was_written() {
        let print = Fingerprint::of(b"body");
        assert_eq!(print.bytes(), Sha256::digest(b"body").as_slice());
        assert_eq!(format!("{print:?}"), print.to_string());
        assert_eq!(Fingerprint::parse(&print.to_string()), Some(print));
        assert_ne!(Fingerprint::of(b"other"), print);
        for text in ["", "00", &"g".repeat(64), &"A".repeat(64), &"é".repeat(32)] {
            assert_eq!(Fingerprint::parse(text), None, "{text}");
        }
    }

    fn euros(minor: u32) -> Money {
        Money::new(minor, Currency::EUR)
    }

    /// Two books, of which one copy was cancelled at minute 3 and one came back at minute 5; paid at minute 2, and withdrawn from
    /// at minute 4.
    fn order() -> Order {
        let line = |book: u32, quantity, cancelled, returned, minor, tax_rate| OrderLine {
            book: book.into(),
            title: "T".to_owned(),
            isbn: None,
            quantity,
            cancelled,
            returned,
            unit_price: Some(euros(minor)),
            tax_rate,
            total: Some(euros(minor * u32::from(quantity))),
            reason: None,
        };
        let states = [OrderState::Received, OrderState::AwaitingPayment, OrderState::Confirmed, OrderState::Shipped];
        let history = (0..).zip(states).map(|(minute, state)| StateChange { state, at: at(minute) }).collect();
        let change = |minute, are_returned| CopiesChange { at: at(minute), book: 1.into(), copies: 1, are_returned };
        let id = Uuid::parse_str("c56a4180-65aa-82ec-a945-5fd21dec0538").unwrap();
        let mut order = Order {
            id: OrderId::of_uuid(id),
            number: OrderNumber(100_042),
            visitor: None,
            state: OrderState::Shipped,
            history,
            changes: vec![change(3, false), change(5, true)],
            rejection: None,
            lines: vec![line(1, 5, 1, 1, 1_000, 400), line(2, 1, 0, 0, 500, 2_100)],
            delivery: Delivery::Ship,
            delivery_price: euros(300),
            delivery_tax_rate: 2_100,
            total: euros(5_800),
            charged: euros(0),
            taxes: Vec::new(),
            payment: Payment::BankTransfer,
            paid_at: Some(at(2)),
            expires_at: Some(at(60)),
            withdrawn_at: Some(at(4)),
            refused: Some(RefusedCancellation { sent_at: at(5), status: OrderState::Shipped }),
            contact: None,
            address: None,
            note: None,
            language: Language::parse("es").unwrap(),
            placed_at: at(0),
            repeated_at: None,
        };
        order.charge();
        order
    }

    fn at(minute: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(minute)
    }

    #[test]
    fn an_order_as_of_a_time_has_what_had_happened_by_then() {
        use OrderState::{AwaitingPayment, Confirmed, Received, Shipped};
        for (minute, state, cancelled, returned, charged, is_paid, is_withdrawn) in [
            (0, Received, 0, 0, 5_800, false, false),
            (1, AwaitingPayment, 0, 0, 5_800, false, false),
            (2, Confirmed, 0, 0, 5_800, true, false),
            (3, Shipped, 1, 0, 4_800, true, false),
            (4, Shipped, 1, 0, 4_800, true, true),
            (5, Shipped, 1, 1, 3_800, true, true),
            (9, Shipped, 1, 1, 3_800, true, true),
        ] {
            let then = order().as_of(at(minute));
            let line = &then.lines[0];
            assert_eq!((then.state, line.cancelled, line.returned), (state, cancelled, returned), "{minute}");
            assert_eq!((then.charged.minor, then.paid_at.is_some()), (charged, is_paid), "{minute}");
            assert_eq!(then.withdrawn_at.is_some(), is_withdrawn, "{minute}");
            assert_eq!(then.lines[1], order().lines[1]);
            let is_as_now = state == Shipped;
            assert_eq!((then.expires_at.is_some(), then.refused.is_some()), (is_as_now, is_as_now), "{minute}");
            assert_eq!(then.changes.len(), usize::from(cancelled + returned), "{minute}");
        }
        assert_eq!(order().as_of(at(9)), order());
    }

    #[test]
    fn an_order_charges_what_the_buyer_keeps_and_nothing_once_it_has_ended_without_a_sale() {
        let order = order();
        assert_eq!((order.lines[0].kept(), order.lines[0].price_of(2)), (3, 2_000));
        let taxes: Vec<_> = order.taxes.iter().map(|part| (part.rate, part.gross.minor)).collect();
        assert_eq!((order.charged.minor, taxes), (3_800, vec![(400, 3_000), (2_100, 800)]));
        assert_eq!((order.since(), order.confirmed_at()), (Some(at(3)), Some(at(2))));
        for state in [OrderState::Rejected, OrderState::Expired, OrderState::Cancelled, OrderState::Returned] {
            let mut ended = Order { state, ..order.clone() };
            ended.charge();
            assert_eq!((ended.charged.minor, ended.taxes.len()), (0, 0), "{state:?}");
            assert_eq!(ended.since(), None);
        }
    }

    #[test]
    fn an_amount_includes_its_tax_rounded_half_up() {
        for (gross, rate, tax) in [
            (1_040, 400, 40),
            (1_995, 400, 77),
            (1, 400, 0),
            (12_100, 2_100, 2_100),
            (399, 2_100, 69),
            (13, 400, 1),
            (1_995, 0, 0),
            (0, 400, 0),
            (u32::MAX, 2_100, 745_407_547),
        ] {
            assert_eq!(TaxPart::included(gross, rate), tax, "{gross} at {rate}");
        }
    }

    #[test]
    fn taxes_are_of_the_sum_of_each_rate() {
        let parts = TaxPart::by_rate([(399, 2_100), (1_995, 400), (5, 400), (0, 1_000)], "EUR");
        let shown: Vec<_> = parts.iter().map(|part| (part.rate, part.gross.minor, part.tax.minor)).collect();
        assert_eq!(shown, [(400, 2_000, 77), (2_100, 399, 69)]);
    }
}
