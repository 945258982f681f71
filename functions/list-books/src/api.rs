//! `GET /api/books`: a slice of the list, on request with its facets.

use shared::{
    App, Reply, Request, Result,
    api::Books,
    domain::Filter,
    http::MINUTE,
    repo::{books, spelling},
};

use super::listing;

const PARAMETERS: &[&str] =
    &["q", "genre", "language", "author", "min_rating", "price_max", "in_stock", "sort", "limit", "cursor", "facets"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let query = request.query(PARAMETERS)?;
    let listing = listing(&query)?;
    let wants_facets = query.get("facets").map(|text| Filter::yes("facets", text)).transpose()?.unwrap_or_default();
    let books = app.database().read(async |connection| {
        let (slice, facets) = if wants_facets {
            let (slice, facets) = books::list_with_facets(connection, &listing).await?;
            (slice, Some(facets))
        } else {
            (books::list(connection, &listing).await?, None)
        };
        let did_you_mean = spelling::did_you_mean(connection, &listing, &slice).await?;
        Ok(Books { slice, facets, did_you_mean })
    });
    Ok(Reply::json(&books.await?)?.cached_for(MINUTE))
}
