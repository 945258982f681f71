//! `GET /cart`: the books of the cart as they are now. That of a customer is the later of the cookie and the stored one.

use frontend::{
    CartChange, CartNote, PageContext, cart_of,
    pages::{CartPage, CartRow},
};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Cart, Summary},
    repo::{books, customer_carts, customers},
    session::Pool,
};
use time::OffsetDateTime;
use uuid::Uuid;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let current = Current::read(app, request).await?;
    let context = PageContext::of(request).with_cart(&current.cart);
    let rows = current.rows(app).await?;
    let view = context.view();
    let removed = match view.cart_change {
        Some(CartNote { change: CartChange::Removed(_), book: Some(book) }) => books_of(app, &[book]).await?.pop(),
        _ => None,
    };
    Ok(current.remembered(context.reply(200, &CartPage { view, rows: &rows, removed: removed.as_ref() })?))
}

/// The cart of the browser, or of the customer who has signed in there.
pub struct Current {
    pub cart: Cart,
    /// Whether it is not the one of the cookie.
    is_other: bool,
}

impl Current {
    pub async fn read(app: &App, request: &Request) -> Result<Self> {
        let cart = cart_of(request);
        let Some(session) = app.session(request, Pool::Customers).await? else {
            return Ok(Self { cart, is_other: false });
        };
        let (subject, issued_at) = (session.subject, session.issued_at);
        let reading = app.database().read(async |c| {
            if !customers::session_is_valid(c, subject, issued_at).await? {
                return Ok(None);
            }
            customer_carts::find(c, subject).await
        });
        let Some(stored) = reading.await? else { return Ok(Self { cart, is_other: false }) };
        let now = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000;
        let followed = cart.clone().following(stored, u64::try_from(now).unwrap_or_default());
        Ok(Self { is_other: followed != cart, cart: followed })
    }

    /// The lines with their books.
    pub async fn rows(&self, app: &App) -> Result<Vec<CartRow>> {
        let ids: Vec<BookId> = self.cart.lines().iter().map(|line| line.book).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        Ok(CartRow::all(&self.cart, &books_of(app, &ids).await?))
    }

    /// The reply with the cookie of the cart, if the browser has another one.
    pub fn remembered(&self, reply: Reply) -> Reply {
        if self.is_other { reply.with_cart(Some(&self.cart.to_cookie(Uuid::new_v4()))) } else { reply }
    }
}

async fn books_of(app: &App, ids: &[BookId]) -> Result<Vec<Summary>> {
    Ok(app.database().read(async |connection| books::summaries(connection, ids).await).await?)
}
