//! Examples of the OpenAPI document, built with the types of the API: a book of the sample catalogue, a rating of it and
//! a message.

use anyhow::anyhow;
use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    ApiError,
    api::{
        self, AuthorWithBooks, BookCover, BookSample, BookSummary, Books, GenreCount, Genres, Health, HealthStatus,
        OfBook, OrderDetails, OrderReceipt, OrderStatus, OrderedLine, Reached, Receipt, ReplicaHealth, Shop, Status,
        SubmissionStatus, SuggestedBook, Suggestions,
    },
    domain::{
        Author, Availability, Book, BookId, Delivery, Genre, Histogram, Invalid, Isbn13, Language, Money, OrderId,
        OrderNumber, OrderState, OwnOrder, Payment, Ratings, Reason, Review, Slice, Stars, StateChange, SubmissionId,
        SubmissionKey, Summary, TaxPart,
    },
    shop,
    uploads::{Cover, CoverFiles, Size},
};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

pub const REQUEST_ID: &str = "1-67891233-abcdef012345678912345678";

pub fn books() -> Value {
    json(&Books { slice: slice(), total: 1, total_is_exact: true, facets: None, did_you_mean: None })
}

fn slice() -> Slice<BookSummary> {
    Slice { items: vec![BookSummary { book: quijote(), more: of_book() }], next: None }
}

pub fn genres() -> Value {
    let url = "https://shop.example/books?genre=classics".to_owned();
    json(&Genres { items: vec![GenreCount { genre: Genre("classics".into()), books: 149, url }] })
}

pub fn author() -> Value {
    let url = "https://shop.example/authors/52-miguel-de-cervantes".to_owned();
    json(&AuthorWithBooks { author: cervantes(), url, books: slice() })
}

fn cervantes() -> Author {
    Author { id: 52.into(), name: "Miguel de Cervantes".into() }
}

/// Of a book that nobody has rated.
fn of_book() -> OfBook {
    let url = "https://shop.example/books/53-don-quijote-de-la-mancha".to_owned();
    let cover = BookCover::new(&cover(), |path| format!("https://shop.example{path}"));
    OfBook::new(url, Some(cover), Histogram::default(), datetime!(2026-01-02 03:04:05.678 UTC))
}

pub fn suggestions() -> Value {
    let authors = Vec::new();
    let genres = Vec::new();
    json(&Suggestions { books: vec![SuggestedBook::of(quijote())], authors, genres, did_you_mean: None })
}

pub fn book() -> Value {
    let book = Book {
        summary: quijote(),
        description: Some(
            "Un hidalgo que ha leído demasiado sale a los caminos a enderezar el mundo, con un vecino de buen apetito \
             por escudero. Pocas novelas hacen reír tanto y pensar tan despacio."
                .into(),
        ),
        authors: vec![cervantes()],
        genres: ["adventure", "classics", "humour"].map(|slug| Genre(slug.into())).into(),
        histogram: Histogram::default(),
        imported_ratings: None,
        fixed_price: None,
        tax_rate: None,
        publisher: None,
        publisher_contact: None,
        reviews: Vec::new(),
        sample: None,
    };
    let url = "https://shop.example/books/53/sample".to_owned();
    json(&api::Book { book, more: of_book(), sample: Some(BookSample { url, pages: 12, bytes: 840_000 }) })
}

fn quijote() -> Summary {
    Summary {
        id: BookId::from(53),
        title: "Don Quijote de la Mancha".into(),
        byline: "Miguel de Cervantes".into(),
        isbn: Isbn13::parse("9788420467283").ok(),
        year: Some(1605),
        language: Language::parse("es").ok(),
        price: Money::parse("19.95", "EUR").ok(),
        stock: 9,
        availability: Availability::InStock,
        ratings: Ratings { mean: None, count: 0 },
        cover: Some(cover()),
    }
}

fn cover() -> Cover {
    let files = CoverFiles::new("0a1b2c3d4e5f60718293a4b5c6d7e8f9".to_owned(), Size { width: 640, height: 960 });
    Cover { files, credit: Some("Editorial Anaquel".to_owned()) }
}

pub fn rating_form() -> Value {
    json!({ "stars": 5, "name": "Ana", "review": "¡Qué libro!" })
}

pub fn ratings() -> Value {
    let (name, review) = (Some("Ana".into()), Some("¡Qué libro!".into()));
    let rating =
        Review { id: 17, stars: 5, name, review, sent_at: datetime!(2026-01-02 03:04:05 UTC), verified_purchase: true };
    json(&Slice { items: vec![rating], next: None })
}

pub fn contact_form() -> Value {
    json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen en rústica?" })
}

pub fn receipt() -> Value {
    let id = submission();
    json(&Receipt { id, status: Status::Received, href: format!("/api/submissions/{id}") })
}

pub fn order_form() -> Value {
    json!({
        "lines": [{ "book": 53, "quantity": 2, "unit_price": { "minor": 1995, "currency": "EUR" } }],
        "delivery": "ship",
        "payment": "bank_transfer",
        "contact": { "name": "Ana", "email": "ana@example.org", "phone": "+34 600 123 123" },
        "address": {
            "name": "Ana Ruiz", "street": ["Calle Mayor 1", "3.º B"], "postal_code": "28013", "place": "Madrid",
            "country": "ES",
        },
        "note": "Es un regalo.",
        "language": "es",
        "total": { "minor": 4385, "currency": "EUR" },
    })
}

pub fn cancellation_form() -> Value {
    json!({ "email": "ana@example.org" })
}

pub fn order_receipt() -> Value {
    let id = order_id();
    json(&OrderReceipt { id, status: OrderState::Received, href: format!("/api/orders/{id}") })
}

pub fn order_status() -> Value {
    json(&confirmed_order())
}

/// The order of the form, confirmed.
fn confirmed_order() -> OrderStatus {
    let euro = |minor| Money { minor, currency: "EUR".into() };
    let at = datetime!(2026-01-02 03:04:05 UTC);
    let line = OrderedLine {
        book: BookId::from(53),
        title: "Don Quijote de la Mancha".into(),
        quantity: 2,
        cancelled: 0,
        returned: 0,
        unit_price: Some(euro(1_995)),
        tax_rate: 400,
        total: Some(euro(3_990)),
        reason: None,
        code: None,
        available: None,
    };
    let form = order_form();
    let details = OrderDetails {
        number: OrderNumber(100_042),
        placed_at: at,
        history: vec![StateChange { state: OrderState::AwaitingPayment, at }],
        reason: None,
        code: None,
        lines: vec![line],
        delivery: Delivery::Ship,
        delivery_price: euro(395),
        total: euro(4_385),
        charged: euro(4_385),
        taxes: TaxPart::by_rate([(3_990, 400), (395, 2_100)], "EUR"),
        payment: Payment::BankTransfer,
        expires_at: Some(datetime!(2026-01-07 03:04:05 UTC)),
        withdrawn_at: None,
        cancellation_refused: None,
        repeated_at: None,
        contact: serde_json::from_value(form["contact"].clone()).ok(),
        address: serde_json::from_value(form["address"].clone()).ok(),
        note: serde_json::from_value(form["note"].clone()).ok(),
        language: Language::parse("es").expect("a language"),
    };
    OrderStatus { id: order_id(), status: OrderState::AwaitingPayment, details: Some(details) }
}

const MOMENT: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

pub fn own_orders() -> Value {
    let order = OwnOrder {
        id: order_id(),
        number: OrderNumber(100_042),
        state: OrderState::AwaitingPayment,
        total: Money { minor: 4_385, currency: "EUR".into() },
        titles: vec!["Don Quijote de la Mancha".into()],
        placed_at: MOMENT,
    };
    json(&Slice { items: vec![order], next: None })
}

/// The shop that the order above is of.
pub fn shop() -> Value {
    let shop = json!({
        "seller": {
            "name": "Librería Anaquel, S. L.", "tax_id": "B00000000", "address": "Calle Mayor 1, 28013 Madrid",
            "email": "tienda@example.org", "phone": "+34 910 000 000",
            "register": "Registro Mercantil de Madrid, tomo 1, folio 1, hoja M-1",
        },
        "currency": "EUR",
        "tax_rates": { "books": 400, "delivery": 2100 },
        "collect": { "place": "Calle Mayor 1, 28013 Madrid, 10 a 20 h", "ready_in_days": 2, "keep_days": 7 },
        "ship": { "price": 395, "free_from": 5000, "days": 4, "countries": ["ES", "PT"] },
        "payments": {
            "on_collection": true, "on_delivery": false,
            "bank_transfer": { "holder": "Anaquel", "iban": "ES9121000418450200051332", "days_to_pay": 5 },
        },
        "max_open_orders": 5,
        "groups": 1,
        "sells": "yes",
    });
    let shop = shop::Shop::parse(&shop.to_string()).expect("settings of a shop");
    json(&Shop::of(Some(&shop)))
}

/// A valid id for a key of zeros.
fn order_id() -> OrderId {
    zeros().order_id(Uuid::from_u128(1), b"example")
}

fn zeros() -> SubmissionKey {
    let zeros = "A".repeat(43) + "=";
    SubmissionKey::parse(&zeros).expect("32 bytes in base64")
}

pub fn settled() -> Value {
    json(&SubmissionStatus::unrejected(submission(), Status::Published))
}

/// A valid id for a key of zeros.
fn submission() -> SubmissionId {
    zeros().derive(&[b"example"])
}

pub fn health(database: bool) -> Value {
    let reached = |ok, milliseconds| Reached { ok, milliseconds };
    let replica = ReplicaHealth { ok: true, lag_seconds: Some(1.32), milliseconds: 2.05 };
    json(&Health {
        status: if database { HealthStatus::Ok } else { HealthStatus::Unavailable },
        parameters: reached(true, 4.21),
        database: if database { reached(true, 0.87) } else { reached(false, 1000.43) },
        replicas: if database { vec![replica] } else { Vec::new() },
        queue: reached(true, 5.3),
    })
}

/// One error of each kind that an operation of the document can return; a method without an operation returns 405.
pub fn problems() -> [ApiError; 9] {
    let limit = Invalid::new("limit", Reason::NotInRange { min: 1, max: 100 });
    let stars = Stars::parse(9).err();
    [
        ApiError::BadRequest(limit),
        ApiError::NotSignedIn,
        ApiError::Forbidden,
        ApiError::NotFound,
        ApiError::TooLarge,
        ApiError::UnsupportedMediaType,
        ApiError::Unprocessable(stars.into_iter().collect()),
        ApiError::Internal(anyhow!("a defect")),
        ApiError::Unavailable(anyhow!("away")),
    ]
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("these types have string keys only")
}
