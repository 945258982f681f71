//! `GET /api/books/{id}/ratings`

use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Cursor},
    repo::ratings::{self, Keys},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(4)?;
    let book = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    let query = request.query(&["limit", "cursor"])?;
    let limit = query.limit()?;
    let list = ratings::list_name(book);
    let after = query.get("cursor").map(|text| Cursor::<Keys>::decode(text, &list)).transpose()?;
    let page = app.database().read(async |c| ratings::list(c, book, after.as_ref(), limit).await).await?;
    Ok(Reply::json(&page.ok_or(ApiError::NotFound)?)?.revalidated())
}
