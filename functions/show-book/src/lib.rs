//! `GET /api/books/{id}`: one book with its ratings at a glance.

use shared::{ApiError, App, Reply, Request, Result, domain::BookId, repo::books};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let id = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    let book = app.database().read(async |connection| books::find(connection, id).await).await?;
    Ok(Reply::json(&book.ok_or(ApiError::NotFound)?)?.revalidated())
}
