//! `GET /books`: the list as a page, with its filters.

use frontend::{PageContext, links::Asked, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Facets, Invalid},
    repo::{
        authors,
        books::{self, Listed},
        spelling,
    },
};

use super::{listing, record_miss};

/// What a page may be asked for, in the order of its addresses.
const PARAMETERS: &[&str] =
    &["q", "genre", "language", "author", "min_rating", "price_max", "in_stock", "sort", "cursor", "lang"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let context = PageContext::of(request);
    let query = request.query(PARAMETERS)?.with_decimal_point("price_max");
    let asked: Vec<(&str, &str)> =
        PARAMETERS.iter().filter(|name| **name != "lang").filter_map(|name| Some((*name, query.get(name)?))).collect();
    let page = pages::Books {
        view: context.view(),
        asked: Asked(&asked),
        author: None,
        books: &[],
        next: None,
        total: None,
        facets: &Facets::default(),
        did_you_mean: None,
        invalid: &[],
    };
    let listing = match listing(&query) {
        Ok(listing) => listing,
        Err(ApiError::BadRequest(invalid)) => {
            let invalid: &[Invalid] = &[invalid];
            return context.reply(400, &pages::Books { invalid, ..page });
        }
        Err(other) => return Err(other),
    };
    let read = app.database().read(async |c| {
        let author = match listing.author() {
            Some(id) => authors::find(c, id).await?,
            None => None,
        };
        let (listed, facets) = books::listed_with_facets(c, &listing).await?;
        let did_you_mean = spelling::did_you_mean(c, &listing, &listed.slice).await?;
        record_miss(c, &listing, &listed).await;
        Ok((listed, facets, did_you_mean, author))
    });
    let (Listed { slice, total }, facets, did_you_mean, author) = read.await?;
    let page = pages::Books {
        author: author.as_ref().map(|author| author.name.as_str()),
        books: &slice.items,
        next: slice.next.as_deref(),
        total: Some(total),
        facets: &facets,
        did_you_mean: did_you_mean.as_deref(),
        ..page
    };
    context.reply(200, &page)
}
