//! `GET /sitemap.xml` and `/sitemaps/{name}`: the addresses of the shop's pages, for search engines.
//!
//! A part covers a range of ids, so that it is read from one index, and the number of parts follows from the last id
//! alone: books and authors are never removed, and ids have no gaps of that width.

use frontend::{
    PageContext, links,
    sitemap::{self, PAGES},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    handler::Handlers,
    repo::{authors, books},
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle))
}

/// Paths of the pages that do not depend on the database.
const STANDING: &[&str] = &["/", "/books", "/genres", "/about", "/contact", "/privacy", "/terms", "/accessibility"];

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    // Only whole addresses mean anything in a sitemap.
    let origin = request.origin().ok_or(ApiError::NotFound)?;
    if request.raw_path() == "/sitemap.xml" {
        let names = names(app).await?;
        return sitemap::reply(&sitemap::Index { origin: &origin, names: &names });
    }
    request.expect_segments(2)?;
    let paths = paths(app, request.segment(1)).await?;
    sitemap::reply(&sitemap::Part { view: PageContext::of(request).view(), paths: &paths })
}

/// The names of all parts.
async fn names(app: &App) -> Result<Vec<String>> {
    let read = app.database().read(async |c| Ok((books::last_id(c).await?, authors::last_id(c).await?)));
    let (book, author) = read.await?;
    let parts = |kind: &'static str, last: u32| (1..=last.div_ceil(PAGES)).map(move |number| part(kind, number));
    Ok(["pages.xml".to_owned()].into_iter().chain(parts("books", book)).chain(parts("authors", author)).collect())
}

/// The paths of the pages in a part; a part without any does not exist.
async fn paths(app: &App, name: &str) -> Result<Vec<String>> {
    if name == "pages.xml" {
        return Ok(STANDING.iter().map(|path| (*path).to_owned()).collect());
    }
    let (kind, number) = kind_and_number(name).ok_or(ApiError::NotFound)?;
    let ids = (number - 1).saturating_mul(PAGES).saturating_add(1)..=number.saturating_mul(PAGES);
    let paths: Vec<String> = match kind {
        "books" => {
            let books = app.database().read(async |c| books::titles(c, ids.clone()).await).await?;
            books.iter().map(|(id, title)| links::book(id, title)).collect()
        }
        "authors" => {
            let authors = app.database().read(async |c| authors::within(c, ids.clone()).await).await?;
            authors.iter().map(links::author).collect()
        }
        _ => Vec::new(),
    };
    if paths.is_empty() { Err(ApiError::NotFound) } else { Ok(paths) }
}

fn part(kind: &str, number: u32) -> String {
    format!("{kind}-{number}.xml")
}

/// The other way round. Only the name that `part` gives is one.
fn kind_and_number(name: &str) -> Option<(&str, u32)> {
    let (kind, rest) = name.split_once('-')?;
    let number = rest.strip_suffix(".xml")?.parse().ok().filter(|number| *number > 0)?;
    (name == part(kind, number)).then_some((kind, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_name() {
        assert_eq!(kind_and_number(&part("books", 12)), Some(("books", 12)));
        for name in
            ["books", "books-1", "books-.xml", "books-0.xml", "books-01.xml", "books-+1.xml", "books-5000000000.xml"]
        {
            assert_eq!(kind_and_number(name), None, "{name}");
        }
    }
}
