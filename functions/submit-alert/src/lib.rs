//! `/alerts/{id}`, of a book: accepts requests for a mail when it is back; and of a token: what the links in these mails ask
//! for. It has no access to the database, because the queue keeps all of them.

mod follow;
mod request;

use frontend::View;
use shared::{ApiError, App, Reply, Request, Result, domain::BookId, handler::Handlers};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle))
}

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let id = request.segment(1);
    match BookId::parse(id) {
        Some(book) => request::handle(app, request, book).await,
        None => follow::handle(app, request, id).await,
    }
}

/// Mails about books are for shops that sell them, which have mails.
fn check_sells(view: &View) -> Result<()> {
    if view.sells() { Ok(()) } else { Err(ApiError::NotFound) }
}
