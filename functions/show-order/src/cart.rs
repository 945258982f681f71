//! `GET /cart`: the books of the cookie as they are now.

use frontend::{
    PageContext, cart_of,
    pages::{CartPage, CartRow},
};
use shared::{App, Reply, Request, Result, domain::BookId, repo::books};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let context = PageContext::of(request);
    let rows = rows(app, request).await?;
    context.reply(200, &CartPage { view: context.view(), rows: &rows })
}

/// The lines of the visitor's cart with their books.
pub async fn rows(app: &App, request: &Request) -> Result<Vec<CartRow>> {
    let cart = cart_of(request);
    let ids: Vec<BookId> = cart.lines().iter().map(|line| line.book).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let books = app.database().read(async |connection| books::summaries(connection, &ids).await).await?;
    Ok(CartRow::all(&cart, &books))
}
