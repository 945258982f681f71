//! `GET /authors/{id}-{slug}`

use frontend::{PageContext, links, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    repo::{authors, books},
};

use super::listing;

/// Books on the page; the list has the rest.
const BOOKS: u32 = 48;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let (id, listing) = listing(request, 1, BOOKS)?;
    let read = app.database().read(async |c| match authors::find(c, id).await? {
        Some(author) => Ok(Some((author, books::list(c, &listing).await?))),
        None => Ok(None),
    });
    let (author, books) = read.await?.ok_or(ApiError::NotFound)?;
    let context = PageContext::of(request);
    if let Some(moved) = context.moved_to(&links::author(&author)) {
        return Ok(moved);
    }
    let (view, more) = (context.view(), books.next.is_some());
    context.reply(200, &pages::AuthorPage { view, author: &author, books: &books.items, more })
}
