//! `GET /api/authors/{id}`

use frontend::addressed;
use shared::{
    ApiError, App, Reply, Request, Result,
    http::MINUTE,
    repo::{authors, books},
};

use super::listing;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let query = request.query(&["limit", "cursor"])?;
    let (id, listing) = listing(request, 2, query.limit()?)?;
    let listing = match query.get("cursor") {
        None => listing,
        Some(cursor) => listing.after(cursor)?,
    };
    let read = app.database().read(async |c| {
        let Some(author) = authors::find(c, id).await? else { return Ok(None) };
        let slice = books::list(c, &listing).await?;
        let published = books::published(c, slice.items.iter().map(|book| book.id)).await?;
        Ok(Some((author, slice, published)))
    });
    let (author, slice, published) = read.await?.ok_or(ApiError::NotFound)?;
    let books = addressed::books(request, slice, &published);
    let next = books.next.clone();
    let reply = Reply::json(&addressed::author(request, author, books))?;
    Ok(reply.cached_for(MINUTE).with_next(request, next.as_deref()))
}
