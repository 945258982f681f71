//! `GET /api/books/{id}` and `GET /books/{id}-{slug}`: one book with its ratings at a glance; also by its ISBN. `GET
//! /books/{id}/sample`: its sample chapter.

pub mod api;
pub mod page;
mod sample;

use shared::{domain::Book, handler::Handlers, repo::books};
use sqlx::MySqlConnection;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

async fn find(connection: &mut MySqlConnection, segment: &str) -> sqlx::Result<Option<Book>> {
    match books::id_in(connection, segment).await? {
        Some(id) => books::find(connection, id).await,
        None => Ok(None),
    }
}
