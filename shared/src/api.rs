//! JSON types of the API that are not types of the domain. The functions read and write them, and the API's document is
//! made from them.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    domain::{
        self, Address, Author, BookId, Contact, Customer, Delivery, DisplayName, Email, Facets, Genre, Histogram,
        Invalid, Language, LineReason, MAX_LINES, MessageText, Money, Order, OrderId, OrderLine, OrderNote,
        OrderNumber, OrderReason, OrderState, Outcome, OwnAlert, OwnRating, Payment, Phone, Quantity,
        RefusedCancellation, Rejection, ReviewText, SavedAddress, Slice, Stars, StateChange, Subject, SubmissionId,
        Summary, TaxPart, Wish, milliseconds, optional_milliseconds,
    },
    shop::{self, Selling, WhyNot},
    staff::ContactMessage,
    uploads::{Cover, Size},
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
    /// None if the shop has no sample chapter of the book.
    pub sample: Option<BookSample>,
}

/// The sample chapter of a book, a PDF.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BookSample {
    /// Redirects to the file.
    pub url: String,
    pub pages: u32,
    /// Size of the file.
    pub bytes: u32,
}

/// What the API adds to a book.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OfBook {
    pub ratings: BookRatings,
    /// The address of the book's page.
    pub url: String,
    /// None if the shop has no picture of the cover.
    pub cover: Option<BookCover>,
    /// The last change of the book by an import, of its ratings, of its cover, or of its stock by a sale or a cancellation.
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub updated_at: OffsetDateTime,
}

/// The picture of a book's cover.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BookCover {
    /// The same picture in several widths, the narrowest first: JPEG files, which never change under their addresses.
    pub files: Vec<CoverFile>,
    /// The maker of the picture.
    pub credit: Option<String>,
}

/// A file of a cover.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverFile {
    pub url: String,
    /// In pixels, like the height.
    pub width: u32,
    pub height: u32,
}

impl BookCover {
    /// `absolute` completes a path.
    pub fn new(cover: &Cover, absolute: impl Fn(&str) -> String) -> Self {
        let file = |(path, Size { width, height }): (String, Size)| CoverFile { url: absolute(&path), width, height };
        Self { files: cover.addresses().map(file).collect(), credit: cover.credit.clone() }
    }
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
    OfCustomer,
    InStock,
    TooManyAlerts,
    NoVerifiedEmail,
    NoSuchAlert,
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
    /// One that `/api/shop` lists.
    #[schemars(with = "Accepted<Delivery>")]
    pub delivery: Delivery,
    /// One that `/api/shop` lists for the delivery.
    #[schemars(with = "Accepted<Payment>")]
    pub payment: Payment,
    pub contact: ContactMembers,
    /// Required with the delivery `ship`.
    pub address: Option<AddressMembers>,
    /// For the shop, without any card number.
    #[schemars(length(max = OrderNote::MAX))]
    pub note: Option<String>,
    /// Of mails and pages; `es` if it is left out.
    pub language: Option<ServedLanguage>,
    /// The most that the buyer pays: the lines and the delivery. The shop never charges more.
    pub total: MoneyMembers,
}

/// A book of an order.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OrderFormLine {
    pub book: BookId,
    pub quantity: Quantity,
    /// The most that the buyer pays for a copy: the `price` of the book.
    pub unit_price: MoneyMembers,
}

/// An amount in the currency of the shop: `{"minor": 1995, "currency": "EUR"}` is 19.95 euro.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct MoneyMembers {
    /// Cents, or whatever the currency's smallest unit is.
    #[schemars(range(max = u32::MAX))]
    pub minor: u32,
    /// Three letters of ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
}

/// Whom the shop writes to about an order.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ContactMembers {
    pub name: DisplayName,
    pub email: Email,
    /// 7 to 15 digits, with blanks, hyphens, points, slashes and brackets between them, and a plus at most in front. A blank
    /// one counts as none.
    #[schemars(length(max = Phone::MAX))]
    pub phone: Option<String>,
}

/// A postal address.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct AddressMembers {
    #[schemars(length(min = 1, max = Address::MAX_LINE))]
    pub name: String,
    /// Street, number and floor.
    #[schemars(length(min = 1, max = Address::MAX_STREET_LINES), inner(length(max = Address::MAX_LINE)))]
    pub street: Vec<String>,
    /// Left out in countries that have no postal codes.
    #[schemars(length(max = Address::MAX_POSTAL_CODE))]
    pub postal_code: Option<String>,
    #[schemars(length(min = 1, max = Address::MAX_LINE))]
    pub place: String,
    /// A province or state.
    #[schemars(length(max = Address::MAX_LINE))]
    pub region: Option<String>,
    /// Two letters of ISO 3166-1, of a country that `/api/shop` lists.
    #[schemars(regex(pattern = "^[A-Za-z]{2}$"))]
    pub country: String,
}

/// A language of pages and mails, Spanish or English, as a BCP 47 tag: `es`, `en`. One with a region is that language.
#[derive(Debug, JsonSchema)]
#[schemars(transparent)]
pub struct ServedLanguage(
    #[schemars(
        length(max = Language::MAX),
        regex(pattern = "^([Ee][Ss]|[Ss][Pp][Aa]|[Ee][Nn]|[Ee][Nn][Gg])([-_][A-Za-z0-9]{2,8})*$")
    )]
    pub String,
);

/// The values of an enumeration that a request may have, in their place: a closed list, while the component of that name is
/// of answers, in which others may be added.
#[derive(Debug)]
pub struct Accepted<T>(PhantomData<T>);

impl<T: JsonSchema> JsonSchema for Accepted<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
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
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub placed_at: OffsetDateTime,
    pub history: Vec<StateChange>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// The kind of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "OrderCode")]
    pub code: Option<OrderCode>,
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
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires_at: Option<OffsetDateTime>,
    /// When the buyer withdrew from the contract, after the order had left the shop.
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub withdrawn_at: Option<OffsetDateTime>,
    /// The buyer's last cancellation of the last 90 days that had no effect, because the order had ended: its `status` is what
    /// the order was.
    pub cancellation_refused: Option<RefusedCancellation>,
    /// When its `Idempotency-Key` came back with another body, the last time. That body had no effect.
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub repeated_at: Option<OffsetDateTime>,
    /// Null once the shop needs it no longer.
    pub contact: Option<Contact>,
    pub address: Option<Address>,
    pub note: Option<OrderNote>,
    pub language: Language,
}

/// A customer's account.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountSummary {
    /// The id in the user pool.
    #[schemars(extend("format" = "uuid"))]
    pub subject: String,
    /// Null for the seconds until the first sign-in is processed, like all below.
    pub email: Option<String>,
    pub email_verified: bool,
    /// Of the pages, once one is chosen.
    pub language: Option<Language>,
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub created_at: Option<OffsetDateTime>,
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub signed_in_at: Option<OffsetDateTime>,
}

impl AccountSummary {
    pub fn new(subject: String, customer: Option<&Customer>) -> Self {
        Self {
            subject,
            email: customer.map(|customer| customer.email.as_str().to_owned()),
            email_verified: customer.is_some_and(|customer| customer.email_verified),
            language: customer.and_then(|customer| customer.language.clone()),
            created_at: customer.map(|customer| customer.created_at),
            signed_in_at: customer.map(|customer| customer.signed_in_at),
        }
    }
}

/// A customer's addresses, the earliest first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AddressBook {
    pub items: Vec<SavedAddress>,
}

/// All that the shop keeps of a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AccountExport {
    pub account: AccountSummary,
    pub addresses: Vec<SavedAddress>,
    pub cart: Vec<OwnCartLine>,
    /// Mails that are to be sent when a book is back.
    pub alerts: Vec<OwnAlert>,
    /// To the shop, from the browsers in which the customer has signed in.
    pub messages: Vec<OwnMessage>,
    pub orders: Vec<OrderStatus>,
    pub ratings: Vec<OwnRating>,
    pub wishlist: Vec<Wish>,
    /// The `cursor` of the rest, where all of it does not fit into one answer.
    pub next: Option<String>,
}

/// A book in the cart of a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnCartLine {
    pub book: BookId,
    pub quantity: u8,
}

/// A message of a customer to the shop.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OwnMessage {
    pub name: String,
    pub email: String,
    pub subject: String,
    pub message: String,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub sent_at: OffsetDateTime,
    /// Answers of the shop, the earliest first.
    pub answers: Vec<Answer>,
}

/// An answer of the shop to a message, as it went out by mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Answer {
    pub text: String,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub written_at: OffsetDateTime,
}

impl OwnMessage {
    /// A message with the texts of its answers and when they were written.
    pub fn new(message: ContactMessage, answers: Vec<(String, OffsetDateTime)>) -> Self {
        let ContactMessage { name, email, subject, message, sent_at, .. } = message;
        let answers = answers.into_iter().map(|(text, written_at)| Answer { text, written_at }).collect();
        Self { name, email, subject, message, sent_at, answers }
    }
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
    #[schemars(with = "LineCode")]
    pub code: Option<LineCode>,
    /// How many of the copies could be sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u8")]
    pub available: Option<u8>,
}

/// Why an order was rejected. A code never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderCode {
    /// A line could not be sold; it has the reason.
    Lines,
    /// Delivery costs more than what `total` has beside the lines.
    DeliveryPriceAbove,
    /// The prices of the shop sum to more than `total`.
    TotalAbove,
    /// The browser, the mailbox or the postal address has as many open orders that are not paid as the shop allows.
    TooManyOpen,
    /// The shop no longer offers this delivery.
    DeliveryNotOffered,
    /// The shop does not send to this country.
    CountryNotServed,
    /// The shop no longer accepts this payment.
    PaymentNotAccepted,
    /// The shop does not sell at the moment.
    NotSelling,
    /// Its buyer asked for erasure after placing it.
    Erased,
    /// Its buyer cancelled it before it was decided.
    Cancelled,
    /// For every other reason.
    Other,
}

/// Why a line could not be sold. A code never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineCode {
    NoSuchBook,
    /// The book is ordered on request.
    WithoutPrice,
    /// Fewer copies are left than were ordered.
    OutOfStock,
    /// The price is above `unit_price`.
    PriceAbove,
    /// The price of the book is in another currency.
    OtherCurrency,
    /// More copies than one order may have.
    TooMany,
    /// For every other reason.
    Other,
}

/// Whether the shop sells, and on what terms. Amounts include tax.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shop {
    /// Whether it takes orders.
    pub sells: bool,
    /// Why it takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// The kind of that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "NotSellingCode")]
    pub code: Option<NotSellingCode>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
}

/// Why the shop takes no orders. A code never changes its meaning; later versions may add others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotSellingCode {
    /// Nobody has set it up for selling: it has no other members.
    NoShop,
    /// It has no mail to confirm orders.
    NoMail,
    /// It has no HTTPS.
    NoHttps,
}

/// What buyer and seller agree on with an order.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Terms {
    pub seller: Seller,
    /// Of all amounts of an order; three letters of ISO 4217.
    pub currency: String,
    pub tax_rates: TaxRates,
    /// The deliveries that are offered.
    pub deliveries: Vec<DeliveryOption>,
    /// The payments that are accepted.
    pub payments: Vec<PaymentOption>,
    pub limits: OrderLimits,
}

/// Who sells.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Seller {
    pub name: String,
    /// Tax identification number.
    pub tax_id: String,
    /// Postal address on one line.
    pub address: String,
    pub email: Email,
    pub phone: String,
    /// The public register and the entry in it.
    pub register: Option<String>,
}

/// Hundredths of a percent of value added tax that prices include: 400 is 4 %.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxRates {
    /// Of a book without a rate of its own.
    #[schemars(range(max = 10_000))]
    pub books: u16,
    #[schemars(range(max = 10_000))]
    pub delivery: u16,
}

/// A delivery with its price.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliveryOption {
    pub delivery: Delivery,
    /// Of an order, whatever its number of books.
    pub price: Money,
    /// The sum of the lines from which on the price is 0; null if it never is.
    pub free_from: Option<Money>,
    /// Days until the order is ready or arrives, at most.
    pub days: u16,
    /// Codes of ISO 3166-1 of the countries that it reaches. Only with `ship`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub countries: Option<Vec<String>>,
    /// The place of collection, with its address. Only with `collect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub place: Option<String>,
    /// Days for which an order that is ready is kept. Only with `collect`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    pub keep_days: Option<u16>,
}

/// A payment with what it goes with.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentOption {
    pub payment: Payment,
    /// The deliveries that it goes with.
    pub deliveries: Vec<Delivery>,
    /// Days after which an order that is not paid expires. Only with `bank_transfer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16")]
    pub days_to_pay: Option<u16>,
}

/// The most of an order, and of the orders of a buyer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OrderLimits {
    /// Different books of an order.
    pub lines: usize,
    /// Copies of a book.
    pub copies: u8,
    /// Open orders that are not paid, of one browser, mailbox or postal address. One more is rejected with `too_many_open`.
    pub open_orders: u16,
}

/// Whether parameters, database and queue answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    pub parameters: Reached,
    /// The primary, which has all data and is written to.
    pub database: Reached,
    /// The database's read replicas, if there are some.
    pub replicas: Vec<ReplicaHealth>,
    pub queue: Reached,
}

/// `ok` if everything answered; `degraded` if a replica is away or late, or if only replicas answer in place of the database, so
/// that pages of books may be old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Ok,
    Degraded,
    Unavailable,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ReplicaHealth {
    /// Whether pages of books are read from it: it answers and is not late.
    pub ok: bool,
    /// How far it is behind, if it answers and has ever had a heartbeat of the primary.
    pub lag_seconds: Option<f64>,
    /// Time until the answer or the timeout.
    pub milliseconds: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Reached {
    pub ok: bool,
    /// Time until the answer or the timeout.
    pub milliseconds: f64,
}

impl OfBook {
    pub fn new(url: String, cover: Option<BookCover>, stars: Histogram, updated_at: OffsetDateTime) -> Self {
        Self { ratings: BookRatings::of(stars), url, cover, updated_at }
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
            code: order.rejection.as_ref().map(OrderCode::of),
            lines: order.lines.into_iter().map(OrderedLine::of).collect(),
            delivery: order.delivery,
            delivery_price: order.delivery_price,
            total: order.total,
            charged: order.charged,
            taxes: order.taxes,
            payment: order.payment,
            expires_at: order.expires_at,
            withdrawn_at: order.withdrawn_at,
            cancellation_refused: order.refused,
            repeated_at: order.repeated_at,
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
            code: reason.map(LineCode::of),
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

impl OrderCode {
    fn of(reason: &OrderReason) -> Self {
        match reason {
            OrderReason::Lines => Self::Lines,
            OrderReason::DeliveryPriceAbove { .. } => Self::DeliveryPriceAbove,
            OrderReason::TotalAbove { .. } => Self::TotalAbove,
            OrderReason::TooManyOpen { .. } => Self::TooManyOpen,
            OrderReason::DeliveryNotOffered => Self::DeliveryNotOffered,
            OrderReason::CountryNotServed => Self::CountryNotServed,
            OrderReason::PaymentNotAccepted => Self::PaymentNotAccepted,
            OrderReason::NotSelling => Self::NotSelling,
            OrderReason::Erased => Self::Erased,
            OrderReason::Cancelled => Self::Cancelled,
            OrderReason::Other(_) => Self::Other,
        }
    }
}

impl LineCode {
    fn of(reason: &LineReason) -> Self {
        match reason {
            LineReason::NoSuchBook => Self::NoSuchBook,
            LineReason::WithoutPrice => Self::WithoutPrice,
            LineReason::OutOfStock { .. } => Self::OutOfStock,
            LineReason::PriceAbove { .. } => Self::PriceAbove,
            LineReason::OtherCurrency { .. } => Self::OtherCurrency,
            LineReason::TooMany { .. } => Self::TooMany,
            LineReason::Other(_) => Self::Other,
        }
    }
}

impl Shop {
    /// The terms of a shop; none where the stage has no `[shop]`.
    pub fn of(shop: Option<&shop::Shop>) -> Self {
        let why_not = match shop::Shop::selling(shop) {
            Selling::Yes => None,
            Selling::No(why_not) => Some(why_not),
        };
        Self {
            sells: why_not.is_none(),
            reason: why_not.map(|why_not| format!("Nothing can be ordered from this stage, because {why_not}.")),
            code: why_not.map(NotSellingCode::of),
            terms: shop.map(Terms::of),
        }
    }
}

impl NotSellingCode {
    fn of(why_not: WhyNot) -> Self {
        match why_not {
            WhyNot::NoShop => Self::NoShop,
            WhyNot::NoMail => Self::NoMail,
            WhyNot::NoHttps => Self::NoHttps,
        }
    }
}

impl Terms {
    fn of(shop: &shop::Shop) -> Self {
        let shop::Seller { name, tax_id, address, email, phone, register } = shop.seller.clone();
        let deliveries = shop.deliveries();
        let payment = |payment: Payment| PaymentOption {
            payment,
            deliveries: deliveries.iter().copied().filter(|delivery| payment.is_possible_with(*delivery)).collect(),
            days_to_pay: match payment {
                Payment::BankTransfer => shop.payments.bank_transfer.as_ref().map(|account| account.days_to_pay),
                Payment::OnCollection | Payment::OnDelivery => None,
            },
        };
        Self {
            seller: Seller { name, tax_id, address, email, phone, register },
            currency: shop.currency.clone(),
            tax_rates: TaxRates { books: shop.tax_rates.books, delivery: shop.tax_rates.delivery },
            deliveries: collection(shop).into_iter().chain(parcel(shop)).collect(),
            payments: shop.accepted_payments().into_iter().map(payment).collect(),
            limits: OrderLimits { lines: MAX_LINES, copies: Quantity::MAX, open_orders: shop.max_open_orders },
        }
    }
}

fn collection(shop: &shop::Shop) -> Option<DeliveryOption> {
    shop.collect.as_ref().map(|collect| DeliveryOption {
        delivery: Delivery::Collect,
        price: shop.money(0),
        free_from: None,
        days: collect.ready_in_days,
        countries: None,
        place: Some(collect.place.clone()),
        keep_days: Some(collect.keep_days),
    })
}

fn parcel(shop: &shop::Shop) -> Option<DeliveryOption> {
    shop.ship.as_ref().map(|ship| DeliveryOption {
        delivery: Delivery::Ship,
        price: shop.money(ship.price),
        free_from: ship.free_from.map(|from| shop.money(from)),
        days: ship.days,
        countries: Some(ship.countries.clone()),
        place: None,
        keep_days: None,
    })
}

impl RejectionCode {
    fn of(rejection: &Rejection) -> Self {
        match rejection {
            Rejection::NoSuchBook(_) => Self::NoSuchBook,
            Rejection::Hidden => Self::Hidden,
            Rejection::HiddenBefore => Self::HiddenBefore,
            Rejection::Erased => Self::Erased,
            Rejection::LaterRating => Self::LaterRating,
            Rejection::OfCustomer => Self::OfCustomer,
            Rejection::InStock => Self::InStock,
            Rejection::TooManyAlerts => Self::TooManyAlerts,
            Rejection::NoVerifiedEmail => Self::NoVerifiedEmail,
            Rejection::NoSuchAlert => Self::NoSuchAlert,
            Rejection::Other(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rejection_has_the_code_of_its_reason() {
        let euro = || Money { minor: 1, currency: "EUR".into() };
        for reason in [
            OrderReason::Lines,
            OrderReason::DeliveryPriceAbove { now: euro() },
            OrderReason::TotalAbove { now: euro() },
            OrderReason::TooManyOpen { max: 5 },
            OrderReason::DeliveryNotOffered,
            OrderReason::CountryNotServed,
            OrderReason::PaymentNotAccepted,
            OrderReason::NotSelling,
            OrderReason::Erased,
            OrderReason::Cancelled,
            OrderReason::Other("storm".into()),
        ] {
            assert_eq!(json!(OrderCode::of(&reason)), reason.key().replace('-', "_"));
        }
        for reason in [
            LineReason::NoSuchBook,
            LineReason::WithoutPrice,
            LineReason::OutOfStock { left: 1 },
            LineReason::PriceAbove { now: euro() },
            LineReason::OtherCurrency { now: euro() },
            LineReason::TooMany { max: 20 },
            LineReason::Other("burnt".into()),
        ] {
            assert_eq!(json!(LineCode::of(&reason)), reason.key().replace('-', "_"));
        }
    }

    #[test]
    fn a_shop_tells_programs_what_an_order_costs_and_how_it_can_be_paid() {
        let sample = json!({
            "seller": {
                "name": "Anaquel", "tax_id": "B00000000", "address": "Calle Mayor 1", "email": "tienda@example.org",
                "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle Mayor 1", "ready_in_days": 2, "keep_days": 7 },
            "ship": { "price": 395, "free_from": 4000, "days": 4, "countries": ["ES", "PT"] },
            "payments": { "on_collection": true, "on_delivery": true,
                "bank_transfer": { "holder": "Anaquel", "iban": "ES9121000418450200051332", "days_to_pay": 5 } },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes",
        });
        let euro = |minor: u32| json!({ "minor": minor, "currency": "EUR" });
        let answer = |changes: &[(&str, serde_json::Value)]| {
            let mut sample = sample.clone();
            for (member, value) in changes {
                sample[*member] = value.clone();
            }
            json!(Shop::of(Some(&shop::Shop::parse(&sample.to_string()).unwrap())))
        };
        let whole = answer(&[]);
        assert_eq!((&whole["sells"], whole.get("reason"), whole.get("code")), (&json!(true), None, None));
        assert_eq!(whole["seller"], sample["seller"]);
        assert_eq!((&whole["currency"], &whole["tax_rates"]), (&sample["currency"], &sample["tax_rates"]));
        assert_eq!(
            whole["deliveries"],
            json!([
                { "delivery": "collect", "price": euro(0), "free_from": null, "days": 2, "place": "Calle Mayor 1",
                  "keep_days": 7 },
                { "delivery": "ship", "price": euro(395), "free_from": euro(4_000), "days": 4,
                  "countries": ["ES", "PT"] },
            ])
        );
        assert_eq!(
            whole["payments"],
            json!([
                { "payment": "on_collection", "deliveries": ["collect"] },
                { "payment": "on_delivery", "deliveries": ["ship"] },
                { "payment": "bank_transfer", "deliveries": ["collect", "ship"], "days_to_pay": 5 },
            ])
        );
        assert_eq!(whole["limits"], json!({ "lines": 50, "copies": 20, "open_orders": 5 }));
        assert!(!whole.to_string().contains("ES91"), "the account is for buyers");

        let collected = answer(&[("ship", json!(null))]);
        assert_eq!(collected["deliveries"].as_array().unwrap().len(), 1);
        let payments: Vec<_> = collected["payments"].as_array().unwrap().iter().map(|one| &one["deliveries"]).collect();
        assert_eq!(payments, [&json!(["collect"]), &json!(["collect"])]);
        for (why_not, code) in [("no_mail", "no_mail"), ("no_https", "no_https")] {
            let closed = answer(&[("sells", json!({ "no": why_not }))]);
            assert_eq!((&closed["sells"], &closed["code"]), (&json!(false), &json!(code)));
            assert_eq!(closed["deliveries"], whole["deliveries"]);
        }
        let none = json!(Shop::of(None));
        assert_eq!(
            none,
            json!({ "sells": false, "code": "no_shop",
                "reason": "Nothing can be ordered from this stage, because its file has no section [shop]." })
        );
    }

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
