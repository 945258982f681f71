//! `GET /api/books` and `GET /books`: the shop's books, searched, narrowed and in order, a page at a time.

mod page;

use shared::{
    App, Reply, Request, Result,
    api::Books,
    domain::{Filter, Genre, Language, Search, Sort},
    http::{MINUTE, Query},
    repo::{
        books::{self, Listing},
        spelling,
    },
};

const PARAMETERS: &[&str] =
    &["q", "genre", "language", "author", "min_rating", "price_max", "in_stock", "sort", "limit", "cursor", "facets"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    if request.wants_page() {
        return page::handle(app, request).await;
    }
    request.expect_segments(2)?;
    let query = request.query(PARAMETERS)?;
    let listing = listing(&query)?;
    let wants_facets = query.get("facets").map(|text| Filter::yes("facets", text)).transpose()?.unwrap_or_default();
    let books = app.database().read(async |connection| {
        let (page, facets) = if wants_facets {
            let (page, facets) = books::list_with_facets(connection, &listing).await?;
            (page, Some(facets))
        } else {
            (books::list(connection, &listing).await?, None)
        };
        let did_you_mean = spelling::did_you_mean(connection, &listing, &page).await?;
        Ok(Books { page, facets, did_you_mean })
    });
    Ok(Reply::json(&books.await?)?.cached_for(MINUTE))
}

fn listing(query: &Query) -> Result<Listing> {
    let search = query.get("q").map(Search::parse).transpose()?;
    let filter = Filter {
        genre: query.get("genre").map(Genre::parse).transpose()?,
        language: query.get("language").map(Language::parse).transpose()?,
        author: query.get("author").map(Filter::author).transpose()?,
        min_score: query.get("min_rating").map(Filter::min_score).transpose()?,
        max_price: query.get("price_max").map(Filter::max_price).transpose()?,
        in_stock: query.get("in_stock").map(|text| Filter::yes("in_stock", text)).transpose()?.unwrap_or_default(),
    };
    let usual = if search.is_some() { Sort::Relevance } else { Sort::Popular };
    let sort = query.get("sort").map(Sort::parse).transpose()?.unwrap_or(usual);
    let limit = query.limit()?;
    let listing = Listing::new(search, filter, sort, limit);
    match query.get("cursor") {
        None => Ok(listing),
        Some(cursor) => Ok(listing.after(cursor)?),
    }
}
