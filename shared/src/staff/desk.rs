//! Types of the pages of the staff: who acts, about what, and what waits.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use time::{OffsetDateTime, macros::datetime};

use super::{Period, ReviewFilter};
use crate::{
    domain::{BookId, Delivery, Email, FactChange, OrderNumber, OrderState, VisitorId},
    session::Subject,
};

/// Somebody of the staff, by the subject in the user pool and the address of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookseller {
    pub subject: Subject,
    pub email: Email,
}

impl Bookseller {
    /// The name of the metadata of a file that somebody of the staff has uploaded.
    pub const METADATA: &str = "uploader";

    /// The person in ASCII, for the metadata of a file.
    pub fn to_metadata(&self) -> String {
        format!("{} {}", self.subject, utf8_percent_encode(self.email.as_str(), NON_ALPHANUMERIC))
    }

    pub fn of_metadata(text: &str) -> Option<Self> {
        let (subject, email) = text.split_once(' ')?;
        let email = percent_decode_str(email).decode_utf8().ok()?;
        Some(Self { subject: Subject::parse(subject)?, email: Email::parse(&email).ok()? })
    }
}

/// An order, a message, a review, a book or an import that an action is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Order(OrderNumber),
    Message(u64),
    Review(u64),
    Book(BookId),
    Import(u32),
}

impl About {
    /// The code of the database: `order:100042`.
    pub fn code(self) -> String {
        match self {
            Self::Order(number) => format!("order:{number}"),
            Self::Message(id) => format!("message:{id}"),
            Self::Review(id) => format!("review:{id}"),
            Self::Book(id) => format!("book:{id}"),
            Self::Import(id) => format!("import:{id}"),
        }
    }

    /// Reads the code; none for a kind of a later version.
    pub fn parse(code: &str) -> Option<Self> {
        let (kind, id) = code.split_once(':')?;
        match kind {
            "order" => OrderNumber::parse(id).map(Self::Order),
            "message" => id.parse().ok().map(Self::Message),
            "review" => id.parse().ok().map(Self::Review),
            "book" => id.parse::<u32>().ok().map(|id| Self::Book(id.into())),
            "import" => id.parse().ok().map(Self::Import),
            _ => None,
        }
    }
}

/// A row of the record of what the staff did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub id: u64,
    pub at: OffsetDateTime,
    pub subject: Subject,
    pub email: String,
    /// Its code.
    pub action: String,
    /// None for a kind that this version does not know.
    pub about: Option<About>,
    /// `done`, or why it was refused, as a code.
    pub outcome: String,
    /// The typed reason.
    pub detail: Option<String>,
    /// The facts of a book before and after.
    pub changes: Vec<FactChange>,
}

impl AuditEntry {
    /// The outcome of what has happened.
    pub const DONE: &str = "done";
    /// The outcome of a form that was no longer true.
    pub const CHANGED_SINCE: &str = "changed-since";
    /// The outcome of a form about a file that is no longer kept.
    pub const FILE_GONE: &str = "file-gone";
}

/// Numbers of what waits for the staff. They count up to [`Waiting::MOST`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Orders that are collected in the shop.
    pub to_pick: u32,
    /// Orders that are sent.
    pub to_ship: u32,
    pub to_pay: u32,
    pub ready: u32,
    pub shipped: u32,
    /// Orders from whose contract the buyer has withdrawn, and whose books are not back yet.
    pub withdrawn: u32,
    pub messages: u32,
    /// Files that were previewed and not imported.
    pub previews: u32,
}

impl Waiting {
    /// The largest number that is counted, because a start page must not count a table.
    pub const MOST: u32 = 1_000;
}

/// Which messages a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessagesShown {
    Open,
    Answered,
    All,
}

impl MessagesShown {
    /// All lists, in the order of their links.
    pub const LISTS: [Self; 3] = [Self::Open, Self::Answered, Self::All];

    /// The value of the address.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Answered => "answered",
            Self::All => "all",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::LISTS.into_iter().find(|list| list.code() == code)
    }

    /// Whether its messages are open; none for all.
    pub fn open(self) -> Option<bool> {
        match self {
            Self::Open => Some(true),
            Self::Answered => Some(false),
            Self::All => None,
        }
    }
}

/// The reviews of a visitor that a form hides, or shows again: those that were there when it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewsOf {
    pub visitor: VisitorId,
    pub hides: bool,
    pub until: OffsetDateTime,
}

impl ReviewsOf {
    /// The largest number that is counted.
    pub const MOST: u32 = 1_000;
    /// Before the first review.
    const BEGINNING: OffsetDateTime = datetime!(2000-01-01 00:00 UTC);

    pub fn filter(self) -> ReviewFilter {
        let until = Period { since: Self::BEGINNING, until: self.until };
        ReviewFilter { visitor: Some(self.visitor), book: None, sent: until, hidden: (!self.hides).then_some(until) }
    }
}

/// Which orders a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrdersShown {
    /// Those that are not closed, or whose books are to come back.
    Open,
    ToPick,
    ToShip,
    /// From whose contract the buyer has withdrawn, and whose books are not back yet.
    Withdrawn,
    InState(OrderState),
    All,
}

impl OrdersShown {
    /// All lists, in the order of their links.
    pub const LISTS: [Self; 14] = [
        Self::Open,
        Self::ToPick,
        Self::ToShip,
        Self::InState(OrderState::AwaitingPayment),
        Self::InState(OrderState::Ready),
        Self::InState(OrderState::Shipped),
        Self::Withdrawn,
        Self::InState(OrderState::Collected),
        Self::InState(OrderState::Delivered),
        Self::InState(OrderState::Returned),
        Self::InState(OrderState::Cancelled),
        Self::InState(OrderState::Expired),
        Self::InState(OrderState::Rejected),
        Self::All,
    ];

    /// Whether the staff has something to do with its orders.
    pub fn is_to_do(self) -> bool {
        match self {
            Self::InState(state) => !state.is_closed(),
            Self::All => false,
            Self::Open | Self::ToPick | Self::ToShip | Self::Withdrawn => true,
        }
    }

    /// The value of the address: `to-pick`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::ToPick => "to-pick",
            Self::ToShip => "to-ship",
            Self::Withdrawn => "withdrawn",
            Self::InState(state) => state.code(),
            Self::All => "all",
        }
    }

    pub fn parse(code: &str) -> Option<Self> {
        Self::LISTS.into_iter().find(|list| list.code() == code)
    }

    /// The state and the delivery of its orders, if they have one state.
    pub fn state(self) -> Option<(OrderState, Option<Delivery>)> {
        match self {
            Self::ToPick => Some((OrderState::Confirmed, Some(Delivery::Collect))),
            Self::ToShip => Some((OrderState::Confirmed, Some(Delivery::Ship))),
            Self::InState(state) => Some((state, None)),
            Self::Open | Self::Withdrawn | Self::All => None,
        }
    }
}

/// The copies to take from the shelves for some orders, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PickList {
    /// By title.
    pub picks: Vec<Pick>,
    /// The number of orders.
    pub orders: u32,
    /// The last order, if more wait after it.
    pub next: Option<OrderNumber>,
}

/// Copies of a book to take from the shelves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pick {
    pub book: BookId,
    pub title: String,
    pub isbn: Option<String>,
    /// The orders with their copies.
    pub orders: Vec<(OrderNumber, Delivery, u8)>,
}

impl Pick {
    pub fn copies(&self) -> u32 {
        self.orders.iter().map(|(_, _, copies)| u32::from(*copies)).sum()
    }
}

/// The version of an order, as a text that a form brings back: state, payment, withdrawal, and the copies of each line, which
/// decide on what can be done with it.
pub fn version_of(state: OrderState, is_paid: bool, is_withdrawn: bool, copies: impl Iterator<Item = u8>) -> String {
    let mark = |holds, mark| if holds { mark } else { "" };
    let copies: Vec<String> = copies.map(|copies| copies.to_string()).collect();
    format!("{}{}{}.{}", state.code(), mark(is_paid, "-paid"), mark(is_withdrawn, "-withdrawn"), copies.join("-"))
}

/// The version of a message or a review, as a text that a form brings back: the times that change with it, and the last change
/// that is recorded, because what was undone is again as it was before. `log` has the newest rows about it.
pub fn version_at(times: &[Option<OffsetDateTime>], log: &[AuditEntry]) -> String {
    let micros = |time: &OffsetDateTime| (time.unix_timestamp_nanos() / 1_000).to_string();
    let times: Vec<String> = times.iter().map(|time| time.as_ref().map_or_else(String::new, micros)).collect();
    let last = log.iter().find(|entry| entry.outcome == AuditEntry::DONE).map_or(0, |entry| entry.id);
    format!("{}.{last}", times.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_action_is_about_is_read_as_it_was_written() {
        for about in [
            About::Order(OrderNumber(100_042)),
            About::Message(7),
            About::Review(u64::MAX),
            About::Book(53.into()),
            About::Import(7),
        ] {
            assert_eq!(About::parse(&about.code()), Some(about));
        }
        for code in ["", "order", "order:", "order:0", "author:7", "message:-1", "review:x", "import:"] {
            assert_eq!(About::parse(code), None, "{code}");
        }
    }

    #[test]
    fn the_metadata_of_a_file_names_who_uploaded_it() {
        let subject = Subject::parse("6b4f2f5e-0000-4000-8000-000000000007").unwrap();
        for email in ["ana@example.org", "ñandú+x@café.example"] {
            let ana = Bookseller { subject, email: Email::parse(email).unwrap() };
            assert!(ana.to_metadata().is_ascii());
            assert_eq!(Bookseller::of_metadata(&ana.to_metadata()), Some(ana), "{email}");
        }
        for text in ["", "x", "6b4f2f5e-0000-4000-8000-000000000007 x", "x ana%40example.org"] {
            assert_eq!(Bookseller::of_metadata(text), None, "{text}");
        }
    }

    #[test]
    fn each_list_of_orders_has_an_address_of_its_own() {
        for list in OrdersShown::LISTS {
            assert_eq!(OrdersShown::parse(list.code()), Some(list));
        }
        assert_eq!(OrdersShown::parse("paid"), None);
    }

    #[test]
    fn what_was_changed_and_undone_has_another_version_and_a_refused_attempt_changes_none() {
        let moment = OffsetDateTime::UNIX_EPOCH;
        let entry = |id, outcome: &str| AuditEntry {
            changes: Vec::new(),
            id,
            at: moment,
            subject: Subject::of_uuid(uuid::Uuid::nil()),
            email: String::new(),
            action: "hide".to_owned(),
            about: None,
            outcome: outcome.to_owned(),
            detail: None,
        };
        let shown = [Some(moment), None];
        let before = version_at(&shown, &[]);
        let undone = version_at(&shown, &[entry(2, AuditEntry::DONE), entry(1, AuditEntry::DONE)]);
        let hidden = version_at(&[Some(moment), Some(moment)], &[entry(1, AuditEntry::DONE)]);
        let again = version_at(&shown, &[entry(3, AuditEntry::CHANGED_SINCE), entry(2, AuditEntry::DONE)]);
        assert!(before != undone && before != hidden && hidden != undone, "{before} {hidden} {undone}");
        assert_eq!(again, undone);
    }

    #[test]
    fn an_order_has_another_version_after_each_change() {
        let versions = [
            version_of(OrderState::AwaitingPayment, false, false, [2, 1].into_iter()),
            version_of(OrderState::Confirmed, true, false, [2, 1].into_iter()),
            version_of(OrderState::Confirmed, false, false, [2, 1].into_iter()),
            version_of(OrderState::Confirmed, false, false, [1, 1].into_iter()),
            version_of(OrderState::Confirmed, false, false, [2, 0].into_iter()),
            version_of(OrderState::Delivered, true, false, [2, 1].into_iter()),
            version_of(OrderState::Delivered, true, true, [2, 1].into_iter()),
            version_of(OrderState::Delivered, true, true, [21].into_iter()),
        ];
        let different: std::collections::BTreeSet<&String> = versions.iter().collect();
        assert_eq!(different.len(), versions.len(), "{versions:?}");
        assert_eq!(versions[6], "delivered-paid-withdrawn.2-1");
    }
}
