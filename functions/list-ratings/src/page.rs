//! `GET /books/{id}/ratings`: what readers wrote about a book, newest first. Ratings without a text are in the counts
//! above; only the API lists them.

use frontend::{PageContext, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::Cursor,
    http::Query,
    repo::{
        books,
        ratings::{self, Keys},
    },
};

const PARAMETERS: &[&str] = &["cursor"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let read = app.database().read(async |c| books::id_in(c, request.segment(1)).await);
    let book = read.await?.ok_or(ApiError::NotFound)?;
    let query = request.page_query(PARAMETERS)?;
    let after =
        query.get("cursor").map(|text| Cursor::<Keys>::decode(text, &ratings::reviews_name(book))).transpose()?;
    let read = app.database().read(async |c| match books::find(c, book).await? {
        Some(found) => Ok(Some((found, ratings::reviews(c, book, after.as_ref(), Query::USUAL_LIMIT).await?))),
        None => Ok(None),
    });
    let (book, ratings) = read.await?.ok_or(ApiError::NotFound)?;
    let context = PageContext::of(request).with_parameters(PARAMETERS);
    if let Some(moved) = context.moved_to(&format!("/books/{}/ratings", book.summary.id)) {
        return Ok(moved);
    }
    let (view, reviews) = (context.view(), ratings.items.as_slice());
    context.reply(200, &pages::Ratings { view, book: &book, reviews, next: ratings.next.as_deref() })
}
