//! `GET /api/authors/{id}` and `GET /authors/{id}-{slug}`: an author's books, the most popular first.

pub mod api;
pub mod page;

use shared::{
    ApiError, Request, Result,
    domain::{AuthorId, Filter, Sort},
    handler::Handlers,
    repo::books::Listing,
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

/// The author in a segment of the path, and the list of the books.
fn listing(request: &Request, segment: usize, limit: u32) -> Result<(AuthorId, Listing)> {
    let id = AuthorId::parse(request.segment(segment)).ok_or(ApiError::NotFound)?;
    Ok((id, Listing::new(None, Filter { author: Some(id), ..Filter::default() }, Sort::Popular, limit)))
}
