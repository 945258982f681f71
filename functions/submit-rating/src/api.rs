//! `POST /api/books/{id}/ratings`

use shared::{ApiError, App, Reply, Request, Result, domain::BookId, intake::Client};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(4)?;
    let book = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    super::accept(app, request, Client::Program, book, request.json()?).await
}
