//! Requests of the staff commands to `run-staff-task`, and its responses.

mod books;
mod desk;
mod imports;
mod orders;

use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{BookId, OrderAction, OrderNumber, VisitorId},
    session::Subject,
    uploads::{Checked, Refusal, UploadKind},
};

pub use books::{CopiesLeft, Doubt, Source, StaffBook};
pub use desk::{
    About, AuditEntry, Bookseller, MessagesShown, OrdersShown, Pick, PickList, ReviewsOf, Waiting, version_at,
    version_of,
};
pub use imports::{
    BookChange, Difference, FileColumns, FileVersion, MAX_CATALOGUE_BYTES, MAX_PREVIEWED_ROWS, PREVIEW_DAYS, PREVIEWED,
    PREVIEWS, RowRemark, StaffImport, preview_key, previewed_key,
};
pub use orders::{
    OrderChanged, OrderErased, Slices, SoldKind, SoldLine, StaffOrder, StaffOrderInFull, StaffOrderLine, StockChange,
    StockChanged, StockMovement, Verified, Violation,
};

/// Environment variable with the days for which answered messages are kept; without it they are kept until they are erased.
pub const KEEP_ANSWERED_DAYS: &str = "ANAQUEL_KEEP_ANSWERED_DAYS";

/// Messages that were answered before this time are not kept; none on a stage that keeps all. Sweeps remove them, which only
/// a stage that sells has, and the command that lists them.
pub fn kept_answered_since(now: OffsetDateTime) -> Option<OffsetDateTime> {
    let days = std::env::var(KEEP_ANSWERED_DAYS).ok()?.parse().ok()?;
    Some(now - Duration::days(days))
}

/// A task with the identity that the command found for its caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRequest {
    #[serde(flatten)]
    pub task: StaffTask,
    /// The caller's ARN, for the log. The caller states it, and needs the permission to invoke the function.
    #[serde(default)]
    pub caller: Option<String>,
}

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    #[serde(with = "time::serde::rfc3339")]
    pub since: OffsetDateTime,
    /// Not included.
    #[serde(with = "time::serde::rfc3339")]
    pub until: OffsetDateTime,
}

/// The reviews that one command hides or shows again: those that were sent within a period, by a visitor if one is given, of
/// a book if one is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewFilter {
    pub visitor: Option<VisitorId>,
    pub book: Option<BookId>,
    pub sent: Period,
    /// With it, those that were hidden within this period; without, those that are shown.
    pub hidden: Option<Period>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "kebab-case")]
pub enum StaffTask {
    /// The messages to the shop, newest first, in slices.
    ListMessages {
        /// Only messages without an answer.
        open: bool,
        /// Only messages with a lower id.
        before: Option<u64>,
    },
    MarkAnswered {
        message: u64,
    },
    /// Reverses `MarkAnswered`.
    ReopenMessage {
        message: u64,
    },
    /// Ratings of all books, newest first, in slices.
    ListRatings {
        /// Only hidden ones.
        hidden: bool,
        book: Option<BookId>,
        /// Only those that follow this one in the list.
        before: Option<RatingKey>,
    },
    /// Hides a rating with its review and subtracts it from the counts. The visitor cannot rate that book again.
    HideReview {
        rating: u64,
    },
    UnhideReview {
        rating: u64,
    },
    /// Counts what `EraseVisitor` would remove.
    CountVisitor {
        visitor: VisitorId,
    },
    /// Counts what `HideReviews` or `UnhideReviews` would change.
    CountReviews(ReviewFilter),
    /// Hides the shown ones. Some at once: the same task hides the next ones.
    HideReviews(ReviewFilter),
    /// Shows hidden ones again, in the same way.
    UnhideReviews(ReviewFilter),
    /// Removes all ratings and messages of a visitor, and who placed their orders.
    EraseVisitor {
        visitor: VisitorId,
    },
    /// Ends the sessions of a bookseller whose account is removed.
    EndSessions {
        subject: Subject,
    },
    /// The most frequent searches that found nothing.
    ListSearchMisses {
        #[serde(default = "usual_limit")]
        limit: usize,
    },
    /// Orders, newest first, in slices.
    ListOrders {
        /// Only those that are not closed.
        open: bool,
        /// Only those before this one.
        before: Option<OrderNumber>,
    },
    /// An order with its lines and contact.
    ShowOrder {
        order: OrderNumber,
    },
    /// Changes an order, once for each id.
    ChangeOrder {
        id: Uuid,
        order: OrderNumber,
        action: OrderAction,
    },
    /// Cancels an order that nobody has paid, once for each id.
    CancelUnpaid {
        id: Uuid,
        order: OrderNumber,
        /// Whether the buyer gets a mail about it.
        is_mailed: bool,
    },
    /// Removes who placed an order, for a buyer whose browser is not known.
    EraseOrder {
        order: OrderNumber,
    },
    /// Changes the stock of a book, once for each id.
    ChangeStock {
        id: Uuid,
        /// ISBN, or the shop's own number.
        book: String,
        change: StockChange,
        reason: String,
    },
    /// The stock of a book, and its movements, newest first, in slices.
    ListMovements {
        /// ISBN, or the shop's own number.
        book: String,
        before: Option<u64>,
    },
    /// Checks the invariants of stock and orders, in slices.
    Verify {
        slice: Slices,
        /// Minutes between two sweeps of the stage.
        #[serde(default)]
        sweep_minutes: u16,
    },
    /// Permits the upload of one file of this many bytes.
    BeginUpload {
        kind: UploadKind,
        bytes: u64,
    },
    /// Gives a book the file of an upload, once it is checked.
    AttachFile {
        kind: UploadKind,
        /// ISBN, or the shop's own number.
        book: String,
        upload: Uuid,
        /// The maker of a cover's picture.
        #[serde(default)]
        credit: Option<String>,
    },
    RemoveFile {
        kind: UploadKind,
        /// ISBN, or the shop's own number.
        book: String,
    },
    /// The books with a file of this kind, by their ids, in slices.
    ListFiles {
        kind: UploadKind,
        /// Only books behind this one.
        after: Option<BookId>,
    },
    /// What was sold, by order and line, in slices.
    ExportOrders {
        /// Only orders after this one.
        after: Option<OrderNumber>,
        from: Date,
        /// Included.
        to: Date,
    },
}

fn usual_limit() -> usize {
    50
}

impl StaffTask {
    /// Its name for the log, which must not name visitors.
    pub fn name(&self) -> String {
        let task = serde_json::to_value(self).unwrap_or_default();
        task["task"].as_str().unwrap_or_default().to_owned()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", content = "content", rename_all = "kebab-case")]
pub enum StaffAnswer {
    Messages(Vec<ContactMessage>),
    /// As it is now; none where there is no such message.
    Message(Option<ContactMessage>),
    /// As it is now; none where there is no such rating.
    Rating(Option<StaffRating>),
    Ratings(Vec<StaffRating>),
    /// What is stored of a visitor.
    Stored {
        ratings: usize,
        messages: usize,
        #[serde(default)]
        orders: usize,
    },
    /// How many reviews a filter has.
    Counted {
        ratings: usize,
    },
    /// Reviews that were hidden or shown again.
    Changed {
        ratings: Vec<u64>,
        #[serde(with = "time::serde::rfc3339")]
        at: OffsetDateTime,
        /// Whether more may remain.
        more: bool,
    },
    /// The shop has no book with the id of the task.
    NoSuchBook(BookId),
    Erased {
        ratings: u32,
        messages: u32,
        /// Requests for a mail when a book is back.
        #[serde(default)]
        alerts: u32,
        /// Orders without contact now.
        #[serde(default)]
        orders: u32,
        /// Orders that lose it when they are closed.
        #[serde(default)]
        open_orders: u32,
    },
    SessionsEnded,
    SearchMisses {
        misses: Vec<SearchMiss>,
        /// The number of all that are stored.
        total: usize,
    },
    Orders(Vec<StaffOrder>),
    /// None if there is no such order.
    OrderInFull(Option<Box<StaffOrderInFull>>),
    Order(OrderChanged),
    OrderErased(OrderErased),
    Stock(StockChanged),
    Movements(Vec<StockMovement>),
    Verified(Verified),
    File(FileChange),
    Files(Vec<StaffFile>),
    Sold {
        lines: Vec<SoldLine>,
        /// None at the end.
        next: Option<OrderNumber>,
    },
}

/// The result of a task that changes the file of a book, or of one that begins an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum FileChange {
    /// The file may be sent to this address with `PUT`, within some minutes.
    Begun {
        upload: Uuid,
        url: String,
    },
    /// The upload is not checked yet.
    Pending,
    Refused {
        refusal: Refusal,
    },
    Attached {
        title: String,
        file: Checked,
        /// The hash of the earlier file, if that could not be removed from the bucket.
        #[serde(default)]
        still_in_bucket: Option<String>,
    },
    Removed {
        title: String,
        /// The hash of the file, if it could not be removed from the bucket.
        #[serde(default)]
        still_in_bucket: Option<String>,
    },
    /// The book has no such file.
    None {
        title: String,
    },
    NoSuchBook,
}

/// The cover or the sample chapter of a book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffFile {
    pub book: BookId,
    pub title: String,
    pub file: Checked,
    pub credit: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub added_at: OffsetDateTime,
}

/// A search that found nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchMiss {
    /// Its words, folded.
    pub query: String,
    /// How often, since another query had its place.
    pub searches: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub last_at: OffsetDateTime,
}

/// A message to the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactMessage {
    pub id: u64,
    pub name: String,
    pub email: String,
    pub subject: String,
    pub message: String,
    /// Of the page from which it was sent, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub answered_at: Option<OffsetDateTime>,
    /// The sender; none for messages that were stored before this column.
    pub visitor: Option<VisitorId>,
}

/// Messages that were looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessagesFound {
    pub messages: Vec<ContactMessage>,
    /// The id before which others may be found; none at the end.
    pub next: Option<u64>,
}

/// An answer to a message, with the fate of its mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageReply {
    pub id: u64,
    pub text: String,
    /// Whether the shop gets a copy.
    pub is_copied: bool,
    pub created_at: OffsetDateTime,
    /// When its mail was handed over.
    pub sent_at: Option<OffsetDateTime>,
    /// Why it came back, or was not sent.
    pub failure: Option<String>,
}

impl ContactMessage {
    /// The version in a form about the message: see [`version_at`].
    pub fn version(&self, log: &[AuditEntry]) -> String {
        version_at(&[self.answered_at], log)
    }
}

/// The place of a rating in the staff's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RatingKey {
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    pub id: u64,
}

impl RatingKey {
    pub fn of(rating: &StaffRating) -> Self {
        Self { sent_at: rating.sent_at, id: rating.id }
    }
}

impl StaffRating {
    /// The version in a form about the rating: see [`version_at`]. Its author can change it too.
    pub fn version(&self, log: &[AuditEntry]) -> String {
        version_at(&[Some(self.sent_at), self.hidden_at], log)
    }
}

/// A rating as the staff sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffRating {
    pub id: u64,
    pub book: BookId,
    pub title: String,
    pub visitor: VisitorId,
    pub stars: u8,
    pub name: Option<String>,
    pub review: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    pub hidden_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_task_comes_with_its_caller_or_from_a_version_before_without() {
        let task = StaffTask::HideReview { rating: 3 };
        let request = StaffRequest { task, caller: Some("arn:aws:iam::111122223333:user/ana".to_owned()) };
        let event = serde_json::to_value(&request).unwrap();
        assert_eq!(event["task"], "hide-review");
        assert_eq!(serde_json::from_value::<StaffRequest>(event).unwrap(), request);
        let before = serde_json::json!({ "task": "hide-review", "rating": 3 });
        assert_eq!(
            serde_json::from_value::<StaffRequest>(before).unwrap(),
            StaffRequest { task: StaffTask::HideReview { rating: 3 }, caller: None }
        );

        let at = time::macros::datetime!(2026-01-02 03:04:05 UTC);
        let sent = Period { since: at, until: at };
        let filter = ReviewFilter { visitor: None, book: Some(53.into()), sent, hidden: Some(sent) };
        let request = StaffRequest { task: StaffTask::UnhideReviews(filter), caller: None };
        let event = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<StaffRequest>(event).unwrap(), request);
    }

    #[test]
    fn the_name_of_a_task_names_no_visitor() {
        let visitor = VisitorId(Uuid::from_u128(7));
        for (task, name) in [
            (StaffTask::EraseVisitor { visitor }, "erase-visitor"),
            (StaffTask::HideReview { rating: 3 }, "hide-review"),
            (StaffTask::EraseOrder { order: OrderNumber(100_042) }, "erase-order"),
            (StaffTask::ListSearchMisses { limit: 5 }, "list-search-misses"),
        ] {
            assert_eq!(task.name(), name);
        }
    }
}
