//! `GET /api/genres` and `GET /genres`: all genres that have books.

pub mod api;
pub mod page;

use shared::handler::Handlers;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}
