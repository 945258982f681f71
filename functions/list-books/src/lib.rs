//! `GET /api/books`: the shop's books, searched and in order, a page at a time.

use shared::{
    App, Reply, Request, Result,
    domain::{Search, Sort},
    http::MINUTE,
    repo::books::{self, Listing},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let listing = listing(request)?;
    let page = app.database().read(async |connection| books::list(connection, &listing).await).await?;
    Ok(Reply::json(&page)?.cached_for(MINUTE))
}

fn listing(request: &Request) -> Result<Listing> {
    let query = request.query(&["q", "sort", "limit", "cursor"])?;
    let search = query.get("q").map(Search::parse).transpose()?;
    let usual = if search.is_some() { Sort::Relevance } else { Sort::Popular };
    let sort = query.get("sort").map(Sort::parse).transpose()?.unwrap_or(usual);
    let limit = query.number("limit", 1..=100, 24)?;
    let listing = Listing::new(search, sort, limit);
    match query.get("cursor") {
        None => Ok(listing),
        Some(cursor) => Ok(listing.after(cursor)?),
    }
}
