//! Books and ratings for tests that run on a fresh database each.

use std::sync::LazyLock;

use sqlx::{MySql, MySqlConnection, MySqlPool, pool::PoolConnection};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::catalogue::{self, Put, edit::Sent};
use crate::{
    database::WRITER_SESSION,
    domain::{BookId, CatalogueRow, Currency, Email, Histogram, Reference, Stars, VisitorId},
    messages::RatingV1,
    session::Subject,
    staff::Bookseller,
};

/// A visitor by the number that earlier versions stored.
pub fn visitor(number: u128) -> VisitorId {
    VisitorId(Uuid::from_u128(number))
}

/// A connection with the session of a writer.
pub async fn writer(pool: &MySqlPool) -> PoolConnection<MySql> {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql(WRITER_SESSION).execute(&mut *connection).await.unwrap();
    connection
}

/// A row that says only what it must.
pub fn row(reference: &str, title: &str, authors: &[&str]) -> CatalogueRow {
    CatalogueRow {
        reference: Reference::parse(reference).unwrap(),
        isbn: None,
        title: title.into(),
        authors: authors.iter().map(|name| (*name).into()).collect(),
        year: None,
        language: None,
        genres: None,
        price: None,
        stock: None,
        description: None,
        stars: None,
        stock_counted_at: None,
        fixed_price: None,
        tax_rate: None,
        publisher: None,
        publisher_contact: None,
    }
}

/// Adds a book that so many people rated, and gives its id.
pub async fn book(connection: &mut MySqlConnection, title: &str, author: &str, ratings: u32) -> BookId {
    let reference = title.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let row = CatalogueRow { stars: Some(Histogram([0, 0, 0, ratings, 0])), ..row(&reference, title, &[author]) };
    assert_eq!(catalogue::put(connection, &row).await.unwrap(), Put::Added);
    let id: u32 = sqlx::query_scalar("select id from books where reference = ?")
        .bind(reference)
        .fetch_one(connection)
        .await
        .unwrap();
    id.into()
}

pub fn rating(book: BookId, visitor: u128, stars: i64) -> RatingV1 {
    RatingV1 {
        book,
        visitor: VisitorId(Uuid::from_u128(visitor)),
        customer: None,
        stars: Stars::parse(stars).unwrap(),
        name: None,
        review: None,
    }
}

/// So many minutes into a fixed day.
pub fn minute(minutes: i64) -> OffsetDateTime {
    datetime!(2026-01-02 03:04:05 UTC) + Duration::minutes(minutes)
}

/// A form with this number, of somebody of the staff.
pub fn sent(form: u128) -> Sent<'static> {
    static WHO: LazyLock<Bookseller> = LazyLock::new(|| Bookseller {
        subject: Subject::of_uuid(Uuid::from_u128(7)),
        email: Email::parse("ana@example.org").unwrap(),
    });
    Sent { who: &WHO, change: Uuid::from_u128(form), currency: Currency::EUR }
}
