//! `GET /api/books/{id}` and `GET /books/{id}-{slug}`: one book with its ratings at a glance; also by its ISBN.

pub mod api;
pub mod page;

use shared::{
    domain::{Book, BookId, Isbn13},
    repo::books,
};
use sqlx::MySqlConnection;

async fn find(connection: &mut MySqlConnection, segment: &str) -> sqlx::Result<Option<Book>> {
    // In this order: an ISBN with hyphens begins like an id with its slug.
    let by_isbn = match Isbn13::parse(segment) {
        Ok(isbn) => books::id_of(connection, &isbn).await?,
        Err(_) => None,
    };
    match by_isbn.or(BookId::parse(segment)) {
        Some(id) => books::find(connection, id).await,
        None => Ok(None),
    }
}
