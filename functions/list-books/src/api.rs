//! `GET /api/books`: a slice of the list, on request with its facets; or books by their numbers; or what changed.

use frontend::addressed;
use shared::{
    App, Reply, Request, Result,
    api::Books,
    domain::{Facets, Filter, Slice, Summary, Total},
    http::MINUTE,
    repo::{
        books::{self, Listed, Listing},
        spelling,
    },
};
use sqlx::MySqlConnection;

use super::{
    record_miss,
    selection::{IDS, ISBN, Selection},
    suggestions,
};

pub const PARAMETERS: &[&str] = &[
    "q",
    "genre",
    "language",
    "author",
    "min_rating",
    "price_max",
    "in_stock",
    "sort",
    "limit",
    "cursor",
    "facets",
    IDS,
    ISBN,
    "updated_since",
];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segment(1) {
        "suggestions" => suggestions::handle(app, request).await,
        _ => books(app, request).await,
    }
}

async fn books(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let query = request.query_with_lists(PARAMETERS, &[IDS, ISBN])?;
    let selection = Selection::of(&query, app.currency())?;
    let wants_facets = query.get("facets").map(|text| Filter::yes("facets", text)).transpose()?.unwrap_or_default();
    let read = app.database().read(async |c| {
        let found = find(c, &selection, wants_facets).await?;
        let published = books::published(c, found.slice.items.iter().map(|book| book.id)).await?;
        Ok((found, published))
    });
    let (Found { slice, total, facets, did_you_mean }, published) = read.await?;
    if let Selection::List(listing) = &selection {
        record_miss(app, listing, total).await;
    }
    let slice = addressed::books(request, slice, &published);
    let next = slice.next.clone();
    let books = Books { slice, total: total.books, total_is_exact: total.is_exact, facets, did_you_mean };
    Ok(Reply::json(&books)?.cached_for(MINUTE).with_next(request, next.as_deref()))
}

struct Found {
    slice: Slice<Summary>,
    total: Total,
    facets: Option<Facets>,
    did_you_mean: Option<String>,
}

async fn find(connection: &mut MySqlConnection, selection: &Selection, wants_facets: bool) -> sqlx::Result<Found> {
    let ids = match selection {
        Selection::List(listing) => return list(connection, listing, wants_facets).await,
        Selection::Changes(after, limit) => {
            return Ok(Found::of(books::changed(connection, *after, *limit).await?));
        }
        Selection::Ids(ids) => ids.clone(),
        Selection::Isbns(isbns) => books::ids_of(connection, isbns).await?,
    };
    let items = books::summaries(connection, &ids).await?;
    Ok(Found::of(Listed { total: Total::new(items.len(), true), slice: Slice { items, next: None } }))
}

async fn list(connection: &mut MySqlConnection, listing: &Listing, wants_facets: bool) -> sqlx::Result<Found> {
    let (listed, facets) = if wants_facets {
        let (listed, facets) = books::listed_with_facets(connection, listing).await?;
        (listed, Some(facets))
    } else {
        (books::listed(connection, listing).await?, None)
    };
    let did_you_mean = spelling::did_you_mean(connection, listing, &listed.slice).await?;
    Ok(Found { facets, did_you_mean, ..Found::of(listed) })
}

impl Found {
    fn of(Listed { slice, total }: Listed) -> Self {
        Self { slice, total, facets: None, did_you_mean: None }
    }
}
