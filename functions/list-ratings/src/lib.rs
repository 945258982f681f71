//! `GET /api/books/{id}/ratings` and `GET /books/{id}/ratings`: the ratings that visitors gave a book, newest first, a
//! page at a time.

use frontend::{Visit, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Cursor},
    http::Query,
    repo::{
        books,
        ratings::{self, Keys},
    },
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    if request.wants_page() {
        return page(app, request).await;
    }
    request.expect_segments(4)?;
    let book = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    let query = request.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let list = ratings::list_name(book);
    let after = query.get("cursor").map(|text| Cursor::<Keys>::decode(text, &list)).transpose()?;
    let page = app.database().read(async |c| ratings::list(c, book, after.as_ref(), limit).await).await?;
    Ok(Reply::json(&page.ok_or(ApiError::NotFound)?)?.revalidated())
}

async fn page(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let book = BookId::parse(request.segment(1)).ok_or(ApiError::NotFound)?;
    let query = request.query(&["cursor", "lang"])?;
    let after = query.get("cursor").map(|text| Cursor::<Keys>::decode(text, &ratings::list_name(book))).transpose()?;
    let read = app.database().read(async |c| {
        let summary = books::summaries(c, &[book]).await?.pop();
        Ok((summary, ratings::list(c, book, after.as_ref(), Query::USUAL_LIMIT).await?))
    });
    let (Some(book), Some(ratings)) = read.await? else { return Err(ApiError::NotFound) };
    let visit = Visit::of(request);
    let (view, reviews) = (visit.view(), ratings.items.as_slice());
    visit.reply(200, &pages::Ratings { view, book: &book, reviews, next: ratings.next.as_deref() })
}
