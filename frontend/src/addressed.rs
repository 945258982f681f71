//! Books, authors and genres of the API, with the addresses of their pages.

use std::collections::BTreeMap;

use shared::{
    Request, api,
    domain::{self, Author, BookId, Count, Slice, Summary},
    repo::books::Published,
    uploads::SampleFile,
};

use crate::links;

/// A slice of a list of books. A book that was removed meanwhile is left out.
pub fn books(
    request: &Request,
    slice: Slice<Summary>,
    published: &BTreeMap<BookId, Published>,
) -> Slice<api::BookSummary> {
    let of = |book: Summary| {
        let more = more(request, &book, published.get(&book.id)?);
        Some(api::BookSummary { book, more })
    };
    Slice { items: slice.items.into_iter().filter_map(of).collect(), next: slice.next }
}

/// A book with everything.
pub fn book(request: &Request, book: domain::Book, published: &Published) -> api::Book {
    let more = more(request, &book.summary, published);
    let sample = book.sample.as_ref().map(|SampleFile { bytes, pages, .. }| api::BookSample {
        url: request.absolute(&links::sample(book.summary.id)),
        pages: *pages,
        bytes: *bytes,
    });
    api::Book { book, more, sample }
}

/// An author with a slice of the books.
pub fn author(request: &Request, author: Author, books: Slice<api::BookSummary>) -> api::AuthorWithBooks {
    let url = request.absolute(&links::author(&author));
    api::AuthorWithBooks { author, url, books }
}

/// A genre with its number of books.
pub fn genre(request: &Request, count: Count) -> api::GenreCount {
    let url = request.absolute(&links::address("/books", [("genre", count.value.as_str())].into_iter()));
    api::GenreCount { genre: domain::Genre(count.value), books: u32::try_from(count.count).unwrap_or_default(), url }
}

fn more(request: &Request, book: &Summary, published: &Published) -> api::OfBook {
    let url = request.absolute(&links::book(book.id, &book.title));
    let cover = book.cover.as_ref().map(|cover| api::BookCover::new(cover, |path| request.absolute(path)));
    api::OfBook::new(url, cover, published.stars, published.updated_at)
}
