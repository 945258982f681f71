//! `GET /api/books/{id}`

use shared::{ApiError, App, Reply, Request, Result};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let book = app.database().read(async |c| find(c, request.segment(2)).await);
    Ok(Reply::json(&book.await?.ok_or(ApiError::NotFound)?)?.revalidated())
}
