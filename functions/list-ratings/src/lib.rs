//! `GET /api/books/{id}/ratings` and `GET /books/{id}/ratings`: the ratings that visitors gave a book, newest first, a
//! page at a time.

pub mod api;
pub mod page;

use shared::handler::Handlers;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}
