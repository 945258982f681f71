//! `GET /api/books`: a slice of the list, on request with its facets.

use shared::{
    App, Reply, Request, Result,
    api::Books,
    domain::Filter,
    http::MINUTE,
    repo::{
        books::{self, Listed},
        spelling,
    },
};

use super::{listing, record_miss, suggestions};

const PARAMETERS: &[&str] =
    &["q", "genre", "language", "author", "min_rating", "price_max", "in_stock", "sort", "limit", "cursor", "facets"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segment(1) {
        "suggestions" => suggestions::handle(app, request).await,
        _ => list(app, request).await,
    }
}

async fn list(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let query = request.query(PARAMETERS)?;
    let listing = listing(&query)?;
    let wants_facets = query.get("facets").map(|text| Filter::yes("facets", text)).transpose()?.unwrap_or_default();
    let books = app.database().read(async |connection| {
        let (listed, facets) = if wants_facets {
            let (listed, facets) = books::listed_with_facets(connection, &listing).await?;
            (listed, Some(facets))
        } else {
            (books::listed(connection, &listing).await?, None)
        };
        let did_you_mean = spelling::did_you_mean(connection, &listing, &listed.slice).await?;
        record_miss(connection, &listing, &listed).await;
        let Listed { slice, total } = listed;
        Ok(Books { slice, total: total.books, total_is_exact: total.is_exact, facets, did_you_mean })
    });
    Ok(Reply::json(&books.await?)?.cached_for(MINUTE))
}
