//! `GET /about`, `/privacy`, `/terms`, `/accessibility`, `/api-docs`, `/openapi.json` and `/api/shop`: information about the
//! shop. It has no permissions.

pub mod api;
pub mod page;

use shared::handler::Handlers;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}
