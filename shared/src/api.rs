//! JSON types of the API that are not types of the domain. The functions read and write them, and the API's document is
//! made from them.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use crate::domain::{
    self, Address, AddressText, Author, BookId, Contact, Delivery, DisplayName, Email, Facets, Genre, Histogram,
    Invalid, Language, MAX_LINES, MessageText, Money, Order, OrderId, OrderLine, OrderNote, OrderNumber, OrderState, Outcome,
    Payment, Quantity, Rejection, ReviewText, Slice, Stars, StateChange, Subject, SubmissionId, Summary, TaxPart,
    milliseconds,
};

/// A book of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Summary")]
pub struct BookSummary {
    #[serde(flatten)]
    pub book: Summary,
    #[serde(flatten)]
    pub more: OfBook,
}

/// Everything about one book.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Book {
    #[serde(flatten)]
    pub book: domain::Book,
    #[serde(flatten)]
    pub more: OfBook,
}

/// What the API adds to a book.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfBook {
    pub ratings: BookRatings,
    /// The address of the book's page.
    pub url: String,
    /// The last change of the book by an import, or of its ratings.
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
}

/// How a book is rated, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct BookRatings {
    /// The plain mean in stars, rounded to 0.0001; none without a rating.
    #[schemars(range(min = 1.0, max = 5.0))]
    pub mean: Option<f64>,
    /// The mean that lists are sorted and filtered by, which few ratings move little: the Bayesian mean with 25 ratings of
    /// 3.5 stars beforehand.
    #[schemars(range(min = 1.0, max = 5.0))]
    pub weighted_mean: Option<f64>,
    pub count: u32,
}

/// An author with a slice of the books, the most popular first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AuthorWithBooks {
    #[serde(flatten)]
    pub author: Author,
    /// The address of the author's page.
    pub url: String,
    pub books: Slice<BookSummary>,
}

/// All genres that have books, the largest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Genres {
    pub items: Vec<GenreCount>,
}

/// A genre with its number of books.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GenreCount {
    pub genre: Genre,
    pub books: u32,
    /// The address of the page with its books.
    pub url: String,
}

/// A slice of a list of books.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Books {
    #[serde(flatten)]
    pub slice: Slice<BookSummary>,
    /// How many books the whole list has.
    pub total: u32,
    /// If false, the list has at least `total` books: nobody has counted all of them.
    pub total_is_exact: bool,
    /// Only with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Facets")]
    pub facets: Option<Facets>,
    /// Only if nothing is found: a `q` with a similar spelling that finds something within the same filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub did_you_mean: Option<String>,
}

/// What a beginning of a query leads to, while it is typed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestions {
    /// The best hits, at most six.
    pub books: Vec<SuggestedBook>,
    /// Authors of hits whose names have all words of `q`, at most three.
    pub authors: Vec<Author>,
    /// Genres whose names have all words of `q`, at most three.
    pub genres: Vec<NamedGenre>,
    /// Only if no book is found: a `q` with a similar spelling that finds some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub did_you_mean: Option<String>,
}

/// A book as a suggestion shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SuggestedBook {
    pub id: BookId,
    pub title: String,
    pub byline: String,
}

impl SuggestedBook {
    pub fn of(Summary { id, title, byline, .. }: Summary) -> Self {
        Self { id, title, byline }
    }
}

/// A genre with its name in the language that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedGenre {
    pub slug: Genre,
    pub name: String,
    /// How many books it has.
    pub books: i64,
}

// Forms accept any JSON values, so that every invalid field is reported; their schemas state the valid values.

/// A rating of a book.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RatingForm {
    #[schemars(with = "Stars")]
    pub stars: Option<serde_json::Value>,
    /// Shown under the review. A blank one counts as none.
    #[schemars(with = "Option<String>", length(max = DisplayName::MAX))]
    pub name: Option<serde_json::Value>,
    /// The text of the review. A blank one counts as none.
    #[schemars(with = "Option<String>", length(max = ReviewText::MAX))]
    pub review: Option<serde_json::Value>,
    /// What is wrong with the names of its members.
    #[schemars(skip)]
    pub names: Vec<Invalid>,
}

/// A message to the shop.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ContactForm {
    #[schemars(with = "DisplayName")]
    pub name: Option<serde_json::Value>,
    #[schemars(with = "Email")]
    pub email: Option<serde_json::Value>,
    #[schemars(with = "Subject")]
    pub subject: Option<serde_json::Value>,
    #[schemars(with = "MessageText")]
    pub message: Option<serde_json::Value>,
    /// Leave it out. A page hides it, so only a program fills it in; that message is accepted and dropped.
    #[schemars(with = "Option<String>")]
    pub website: Option<serde_json::Value>,
    /// What is wrong with the names of its members.
    #[schemars(skip)]
    pub names: Vec<Invalid>,
}

/// The receipt of a submission.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    pub id: SubmissionId,
    pub status: Status,
    /// The address of its status.
    pub href: String,
}

/// The status of a submission.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Settled")]
pub struct SubmissionStatus {
    pub id: SubmissionId,
    pub status: Status,
    /// The reason of a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// The kind of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RejectionCode")]
    pub code: Option<RejectionCode>,
}

/// The kind of a rejection. It never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    NoSuchBook,
    Hidden,
    HiddenBefore,
    Erased,
    LaterRating,
    Other,
}

/// `received` until it is processed, then `published` or `rejected`; the shop may hide a published one later.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Received,
    Published,
    Rejected,
}

/// An order. `Idempotency-Key` identifies it.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OrderForm {
    /// Each of another book.
    #[schemars(length(min = 1, max = MAX_LINES))]
    pub lines: Vec<OrderFormLine>,
    pub delivery: Delivery,
    /// One that goes with the delivery: `on_collection` with `collect`, `on_delivery` with `ship`.
    pub payment: Payment,
    pub contact: Contact,
    /// Required with the delivery `ship`.
    pub address: Option<AddressText>,
    /// For the shop, without any card number.
    #[schemars(length(max = OrderNote::MAX))]
    pub note: Option<String>,
    /// Of mails and pages; `es` if it is left out.
    pub language: Option<Language>,
    /// The most that the buyer pays: the lines and the delivery, in one currency. The shop never charges more.
    pub total: Money,
}

/// A book of an order.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OrderFormLine {
    pub book: BookId,
    pub quantity: Quantity,
    /// The most that the buyer pays for a copy: the `price` of the book.
    pub unit_price: Money,
}

/// The buyer's cancellation of an order.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct CancellationForm {
    /// The address of the order; needed only without the cookie that placed it.
    #[schemars(with = "Option<Email>")]
    pub email: Option<String>,
}

/// The receipt of an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderReceipt {
    pub id: OrderId,
    /// `received`, whatever became of the order since.
    pub status: OrderState,
    /// The address of its status.
    pub href: String,
}

/// The status of an order. Everything else is only for the cookie that placed it, and not there until it is decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderStatus {
    pub id: OrderId,
    pub status: OrderState,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub details: Option<OrderDetails>,
}

/// An order for its buyer. Amounts include tax.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderDetails {
    /// For people.
    pub number: OrderNumber,
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub placed_at: OffsetDateTime,
    pub history: Vec<StateChange>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// The kind of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub code: Option<String>,
    pub lines: Vec<OrderedLine>,
    pub delivery: Delivery,
    pub delivery_price: Money,
    /// Lines and delivery as they were ordered; 0 if it was rejected.
    pub total: Money,
    /// The same without what was cancelled or came back since.
    pub charged: Money,
    /// The tax that `charged` includes, by rate.
    pub taxes: Vec<TaxPart>,
    pub payment: Payment,
    /// When it expires, unless it is paid or collected until then.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<OffsetDateTime>,
    /// When the buyer withdrew from the contract, after the order had left the shop.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub withdrawn_at: Option<OffsetDateTime>,
    /// Null once the shop needs it no longer.
    pub contact: Option<Contact>,
    pub address: Option<Address>,
    pub note: Option<OrderNote>,
    pub language: Language,
}

/// A book of an order, as it was when the order was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderedLine {
    pub book: BookId,
    pub title: String,
    pub quantity: u8,
    /// Copies of `quantity` that were cancelled.
    pub cancelled: u8,
    /// Copies of `quantity` that came back.
    pub returned: u8,
    pub unit_price: Option<Money>,
    /// Hundredths of a percent of value added tax that the price includes: 400 is 4 %.
    #[schemars(range(max = 10_000))]
    pub tax_rate: u16,
    pub total: Option<Money>,
    /// Why it could not be sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// The kind of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub code: Option<String>,
    /// How many of the copies could be sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u8")]
    pub available: Option<u8>,
}

/// Whether parameters, database and queue answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    pub parameters: Reached,
    pub database: Reached,
    pub queue: Reached,
}

/// `ok` if everything answered.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Ok,
    Unavailable,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Reached {
    pub ok: bool,
    /// Time until the answer or the timeout.
    pub milliseconds: f64,
}

impl OfBook {
    pub fn new(url: String, stars: Histogram, updated_at: OffsetDateTime) -> Self {
        Self { ratings: BookRatings::of(stars), url, updated_at }
    }
}

impl BookRatings {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn of(stars: Histogram) -> Self {
        let count = stars.count();
        let sum: u64 = (1..).zip(stars.0).map(|(stars, count)| stars * u64::from(count)).sum();
        let rounded = |mean: f64| (count > 0).then_some((mean * 1e4).round() / 1e4);
        Self {
            mean: rounded(sum as f64 / count.max(1) as f64),
            weighted_mean: rounded(f64::from(stars.score()) / 1e6),
            count: u32::try_from(count).unwrap_or(u32::MAX),
        }
    }
}

impl SubmissionStatus {
    pub fn new(id: SubmissionId, outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self::unrejected(id, Status::Received),
            Some(Outcome::Published) => Self::unrejected(id, Status::Published),
            Some(Outcome::Rejected(reason)) => {
                let code = Some(RejectionCode::of(&reason));
                Self { id, status: Status::Rejected, reason: Some(reason.to_string()), code }
            }
        }
    }

    /// The status of a submission that was not rejected.
    pub fn unrejected(id: SubmissionId, status: Status) -> Self {
        Self { id, status, reason: None, code: None }
    }
}

impl OrderStatus {
    /// The order as its buyer sees it, or only its state.
    pub fn new(id: OrderId, order: Option<Order>, is_buyers: bool) -> Self {
        let status = order.as_ref().map_or(OrderState::Received, |order| order.state);
        Self { id, status, details: order.filter(|_| is_buyers).map(OrderDetails::of) }
    }
}

impl OrderDetails {
    fn of(order: Order) -> Self {
        Self {
            number: order.number,
            placed_at: order.placed_at,
            history: order.history,
            reason: order.rejection.as_ref().map(ToString::to_string),
            code: order.rejection.as_ref().map(|reason| snake_case(reason.key())),
            lines: order.lines.into_iter().map(OrderedLine::of).collect(),
            delivery: order.delivery,
            delivery_price: order.delivery_price,
            total: order.total,
            charged: order.charged,
            taxes: order.taxes,
            payment: order.payment,
            expires_at: order.expires_at,
            withdrawn_at: order.withdrawn_at,
            contact: order.contact,
            address: order.address,
            note: order.note,
            language: order.language,
        }
    }
}

impl OrderedLine {
    fn of(line: OrderLine) -> Self {
        let reason = line.reason.as_ref();
        Self {
            reason: reason.map(ToString::to_string),
            code: reason.map(|reason| snake_case(reason.key())),
            available: reason.map(|reason| reason.available(line.quantity)),
            book: line.book,
            title: line.title,
            quantity: line.quantity,
            cancelled: line.cancelled,
            returned: line.returned,
            unit_price: line.unit_price,
            tax_rate: line.tax_rate,
            total: line.total,
        }
    }
}

/// The form of all codes of the API.
fn snake_case(key: &str) -> String {
    key.replace('-', "_")
}

impl RejectionCode {
    fn of(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::NoSuchBook(_) => Self::NoSuchBook,
            Rejection::Hidden => Self::Hidden,
            Rejection::HiddenBefore => Self::HiddenBefore,
            Rejection::Erased => Self::Erased,
            Rejection::LaterRating => Self::LaterRating,
            Rejection::Other(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_has_the_plain_mean_and_the_weighted_one() {
        for (stars, mean, weighted_mean, count) in [
            ([0, 0, 0, 0, 0], None, None, 0),
            ([0, 0, 0, 1, 0], Some(4.0), Some(3.5192), 1),
            ([1, 0, 0, 0, 2], Some(3.6667), Some(3.5179), 3),
            ([0, 0, 0, 0, 1_000_000], Some(5.0), Some(5.0), 1_000_000),
        ] {
            assert_eq!(BookRatings::of(Histogram(stars)), BookRatings { mean, weighted_mean, count });
        }
    }
}
