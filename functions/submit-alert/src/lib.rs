//! `/books/{id}/alert` and `/alerts/{token}`: accepts requests for a mail when a book is back, and what the links in these
//! mails ask for. It has no access to the database, because the queue keeps all of them.

mod follow;
mod request;

use frontend::View;
use shared::{ApiError, App, Reply, Request, Result};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let segments: Vec<&str> = request.segments().iter().map(String::as_str).collect();
    match segments[..] {
        ["books", book, "alert"] => request::handle(app, request, book).await,
        ["alerts", token] => follow::handle(app, request, token).await,
        _ => Err(ApiError::NotFound),
    }
}

/// Mails about books are for shops that sell them, which have mails.
fn check_sells(view: &View) -> Result<()> {
    if view.sells() { Ok(()) } else { Err(ApiError::NotFound) }
}
