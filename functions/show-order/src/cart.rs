//! `GET /cart`: the books of the cookie as they are now.

use frontend::{
    CartChange, CartNote, PageContext, cart_of,
    pages::{CartPage, CartRow},
};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Summary},
    repo::books,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let context = PageContext::of(request);
    let rows = rows(app, request).await?;
    let view = context.view();
    let removed = match view.cart_change {
        Some(CartNote { change: CartChange::Removed(_), book: Some(book) }) => books_of(app, &[book]).await?.pop(),
        _ => None,
    };
    context.reply(200, &CartPage { view, rows: &rows, removed: removed.as_ref() })
}

/// The lines of the visitor's cart with their books.
pub async fn rows(app: &App, request: &Request) -> Result<Vec<CartRow>> {
    let cart = cart_of(request);
    let ids: Vec<BookId> = cart.lines().iter().map(|line| line.book).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(CartRow::all(&cart, &books_of(app, &ids).await?))
}

async fn books_of(app: &App, ids: &[BookId]) -> Result<Vec<Summary>> {
    Ok(app.database().read(async |connection| books::summaries(connection, ids).await).await?)
}
