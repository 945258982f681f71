//! `GET /api/books/{id}/ratings`

use shared::{
    ApiError, App, Reply, Request, Result,
    domain::Cursor,
    repo::{
        books,
        ratings::{self, Keys},
    },
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(4)?;
    let read = app.database().read(async |c| books::id_in(c, request.segment(2)).await);
    let book = read.await?.ok_or(ApiError::NotFound)?;
    let query = request.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let list = ratings::list_name(book);
    let after = query.get("cursor").map(|text| Cursor::<Keys>::decode(text, &list)).transpose()?;
    let page = app.database().read(async |c| ratings::list(c, book, after.as_ref(), limit).await).await?;
    let page = page.ok_or(ApiError::NotFound)?;
    Ok(Reply::json(&page)?.revalidated().with_next(request, page.next.as_deref()))
}
