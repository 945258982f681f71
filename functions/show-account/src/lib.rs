//! `/account` and `/api/account`: what belongs to a customer, for the customer alone. Each id in an address is looked up
//! together with the subject of the session, so that nobody reaches what is somebody else's.

mod address;
pub mod api;
mod customer;
mod erase;
mod export;
mod lists;
pub mod page;
mod rating;
mod wishlist;

pub use customer::SignedIn;

use shared::handler::Handlers;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}
