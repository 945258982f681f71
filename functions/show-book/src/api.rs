//! `GET /api/books/{id}`

use frontend::addressed;
use shared::{ApiError, App, Reply, Request, Result, repo::books};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let read = app.database().read(async |c| {
        let Some(book) = find(c, request.segment(2)).await? else { return Ok(None) };
        let published = books::published(c, [book.summary.id].into_iter()).await?.remove(&book.summary.id);
        Ok(published.map(|published| (book, published)))
    });
    let (book, published) = read.await?.ok_or(ApiError::NotFound)?;
    Ok(Reply::json(&addressed::book(request, book, &published))?.revalidated())
}
