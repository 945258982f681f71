//! Examples of the OpenAPI document, built with the types of the API: a book of the sample catalogue, a rating of it and
//! a message.

use anyhow::anyhow;
use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    ApiError,
    api::{
        self, AuthorWithBooks, BookSummary, Books, GenreCount, Genres, Health, HealthStatus, OfBook, Reached, Receipt,
        Status, SubmissionStatus, SuggestedBook, Suggestions,
    },
    domain::{
        Author, Availability, Book, BookId, Genre, Histogram, Invalid, Isbn13, Language, Money, Ratings, Reason,
        Review, Slice, Stars, SubmissionId, SubmissionKey, Summary,
    },
};
use time::macros::datetime;

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
    OfBook::new(url, Histogram::default(), datetime!(2026-01-02 03:04:05.678 UTC))
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
    };
    json(&api::Book { book, more: of_book() })
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
    }
}

pub fn rating_form() -> Value {
    json!({ "stars": 5, "name": "Ana", "review": "¡Qué libro!" })
}

pub fn ratings() -> Value {
    let (name, review) = (Some("Ana".into()), Some("¡Qué libro!".into()));
    let rating = Review { id: 17, stars: 5, name, review, sent_at: datetime!(2026-01-02 03:04:05 UTC) };
    json(&Slice { items: vec![rating], next: None })
}

pub fn contact_form() -> Value {
    json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen en rústica?" })
}

pub fn receipt() -> Value {
    let id = submission();
    json(&Receipt { id, status: Status::Received, href: format!("/api/submissions/{id}") })
}

pub fn settled() -> Value {
    json(&SubmissionStatus::unrejected(submission(), Status::Published))
}

/// A valid id for a key of zeros.
fn submission() -> SubmissionId {
    let zeros = "A".repeat(43) + "=";
    SubmissionKey::parse(&zeros).expect("32 bytes in base64").derive(&[b"example"])
}

pub fn health(database: bool) -> Value {
    let reached = |ok, milliseconds| Reached { ok, milliseconds };
    json(&Health {
        status: if database { HealthStatus::Ok } else { HealthStatus::Unavailable },
        parameters: reached(true, 4.21),
        database: if database { reached(true, 0.87) } else { reached(false, 1000.43) },
        queue: reached(true, 5.3),
    })
}

/// One error of each kind that an operation of the document can return; a method without an operation returns 405.
pub fn problems() -> [ApiError; 8] {
    let limit = Invalid::new("limit", Reason::NotInRange { min: 1, max: 100 });
    let stars = Stars::parse(9).err();
    [
        ApiError::BadRequest(limit),
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
