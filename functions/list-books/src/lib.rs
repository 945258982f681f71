//! `GET /api/books` and `GET /books`: the shop's books, searched, narrowed and in order, a page at a time; and
//! `GET /api/suggestions` for a query that is being typed.

pub mod api;
pub mod page;
mod selection;
pub mod suggestions;

use std::time::Duration;

use shared::{
    App, Result,
    domain::{BookId, Currency, Filter, Genre, Language, Search, Slice, Sort, Summary, Total},
    handler::Handlers,
    http::Query,
    repo::{books::Listing, search_misses},
};
use tokio::time::timeout;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

/// Hits whose authors a search may name.
const HITS_WITH_AUTHORS: u32 = 24;

fn ids(found: &Slice<Summary>) -> Vec<BookId> {
    found.items.iter().map(|book| book.id).collect()
}

/// The list may come from a replica while the primary, which counts, is away.
const MISS_RECORDED_WITHIN: Duration = Duration::from_millis(400);

/// Counts a search that found nothing in the whole shop. A failure costs the count, not the answer.
async fn record_miss(app: &App, listing: &Listing, total: Total) {
    let Some(search) = listing.search_of_everything().filter(|_| total.is_none()) else { return };
    let recording = app.database().read_primary(async |c| search_misses::record(c, search).await);
    match timeout(MISS_RECORDED_WITHIN, recording).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "Search without hits not counted"),
        Err(_) => tracing::warn!("Search without hits not counted in time"),
    }
}

fn listing(query: &Query, currency: Currency) -> Result<Listing> {
    let search = query.get("q").map(Search::parse).transpose()?;
    let filter = Filter {
        genre: query.get("genre").map(Genre::parse).transpose()?,
        language: query.get("language").map(Language::parse).transpose()?,
        author: query.get("author").map(Filter::author).transpose()?,
        min_score: query.get("min_rating").map(Filter::min_score).transpose()?,
        max_price: query.get("price_max").map(|text| Filter::max_price(text, currency)).transpose()?,
        in_stock: query.get("in_stock").map(|text| Filter::yes("in_stock", text)).transpose()?.unwrap_or_default(),
    };
    let usual = if search.is_some() { Sort::Relevance } else { Sort::Popular };
    let sort = query.get("sort").map(Sort::parse).transpose()?.unwrap_or(usual);
    let limit = query.limit()?;
    let listing = Listing::new(search, filter, sort, limit).in_currency(currency);
    match query.get("cursor") {
        None => Ok(listing),
        Some(cursor) => Ok(listing.after(cursor)?),
    }
}
