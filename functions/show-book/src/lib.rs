//! `GET /api/books/{id}`: one book with its ratings at a glance; also by its ISBN.

use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Isbn13},
    repo::books,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    // In this order: an ISBN with hyphens begins like an id with its slug.
    let (isbn, id) = (Isbn13::parse(request.segment(2)).ok(), BookId::parse(request.segment(2)));
    let book = app.database().read(async |connection| {
        let by_isbn = match &isbn {
            Some(isbn) => books::id_of(connection, isbn).await?,
            None => None,
        };
        match by_isbn.or(id) {
            Some(id) => books::find(connection, id).await,
            None => Ok(None),
        }
    });
    Ok(Reply::json(&book.await?.ok_or(ApiError::NotFound)?)?.revalidated())
}
