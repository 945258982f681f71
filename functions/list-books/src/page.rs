//! `GET /books`: the list as a page, with its filters.

use frontend::{Locale, PageContext, genres, links::Asked, pages, typed};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Currency, Facets, Invalid, Language, Total},
    http::Query,
    repo::{
        authors,
        books::{self, Listed, Listing},
        genres as repo_genres, spelling,
    },
};
use sqlx::MySqlConnection;

use super::{HITS_WITH_AUTHORS, ids, listing, record_miss};

/// The parameters that make another page, in the order of its addresses.
const PARAMETERS: &[&str] =
    &["q", "genre", "language", "author", "min_rating", "price_max", "in_stock", "sort", "cursor"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let context = PageContext::of(request).with_parameters(PARAMETERS);
    let currency = app.currency();
    let query = request
        .page_query(PARAMETERS)?
        .rewritten("price_max", |text| typed::amount(text, currency))
        .rewritten("language", |text| Some(Language::parse(text).ok()?.as_str().to_owned()))
        .rewritten("min_rating", typed::stars)
        .rewritten("in_stock", typed::yes);
    let asked = query.in_order_of(PARAMETERS);
    let page = pages::Books {
        view: context.view(),
        currency,
        asked: Asked(&asked),
        author: None,
        books: &[],
        next: None,
        total: None,
        facets: &Facets::default().all_exact(false),
        did_you_mean: None,
        related: &pages::Related::default(),
        invalid: &[],
    };
    let listing = match listing(&query, currency) {
        Ok(listing) => listing,
        Err(ApiError::BadRequest(_)) => {
            return context.reply(400, &pages::Books { invalid: &all_invalid(&query, currency), ..page });
        }
        Err(other) => return Err(other),
    };
    let read = app.database().read(async |c| {
        let author = match listing.author() {
            Some(id) => match authors::find(c, id).await? {
                Some(author) => Some(author),
                None => return Ok(None),
            },
            None => None,
        };
        let (listed, facets) = books::listed_with_facets(c, &listing).await?;
        let did_you_mean = spelling::did_you_mean(c, &listing, &listed.slice).await?;
        let related = related(c, &listing, &listed, page.view.locale).await?;
        Ok(Some((listed, facets, did_you_mean, author, related)))
    });
    // Only an author who does not exist is no page.
    let (Listed { slice, total }, facets, did_you_mean, author, related) = read.await?.ok_or(ApiError::NotFound)?;
    record_miss(app, &listing, total).await;
    let page = pages::Books {
        author: author.as_ref().map(|author| author.name.as_str()),
        books: &slice.items,
        next: slice.next.as_deref(),
        total: Some(total),
        facets: &facets,
        did_you_mean: did_you_mean.as_deref(),
        related: &related,
        ..page
    };
    let reply = context.reply(200, &page)?;
    Ok(if total.books == 0 { reply.unindexed() } else { reply })
}

/// The authors and genres that a search names, and what it finds without the filters that leave nothing.
async fn related(
    connection: &mut MySqlConnection,
    listing: &Listing,
    listed: &Listed,
    locale: Locale,
) -> sqlx::Result<pages::Related> {
    let Some(search) = listing.search() else { return Ok(pages::Related::default()) };
    let genres = genres::named(search, &repo_genres::list(connection).await?, locale);
    let (books, everywhere) = match listing.of_everything(HITS_WITH_AUTHORS).filter(|_| listed.total.books == 0) {
        None => (ids(&listed.slice), None),
        Some(everything) => {
            let Listed { slice, total } = books::listed(connection, &everything).await?;
            (ids(&slice), Some(total).filter(|Total { books, .. }| *books > 0))
        }
    };
    let authors = authors::named(connection, search, &books).await?;
    Ok(pages::Related { authors, genres, everywhere })
}

/// All invalid parameters: each is left out to find the next.
fn all_invalid(query: &Query, currency: Currency) -> Vec<Invalid> {
    let mut rest = query.clone();
    let mut all = Vec::new();
    while let Err(ApiError::BadRequest(invalid)) = listing(&rest, currency) {
        let is_found = rest.remove(&invalid.field);
        all.push(invalid);
        if !is_found {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invalid_filter_is_named_and_no_other() {
        for (query, expected) in [
            (&[("price_max", "mucho"), ("min_rating", "9"), ("genre", "crime")][..], &["min_rating", "price_max"][..]),
            (&[("price_max", "20"), ("genre", "crime")], &[]),
            (&[("sort", "fame"), ("cursor", "x"), ("language", "123")], &["language", "sort", "cursor"]),
        ] {
            let raw: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let invalid = all_invalid(&Query::parse(&raw, PARAMETERS).unwrap(), Currency::EUR);
            let fields: Vec<&str> = invalid.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields, expected, "{query:?}");
        }
    }
}
