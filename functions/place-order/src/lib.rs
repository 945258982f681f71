//! `POST` of `/cart`, `/checkout`, `/orders/{id}/cancel`, `/api/orders` and `/api/orders/{id}/cancel`. It has no access to
//! the database, because the cart is a cookie, and the queue keeps orders until `process-orders` decides them.

pub mod api;
mod cart;
mod draft;
pub mod page;

use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cart, Invalid, OrderId, SubmissionKey, VisitorCookie},
    handler::Handlers,
    intake::signed_in,
    messages::{AskedBy, OrderMessage, OrderV1, SignedInBuyer, Submission},
    shop::{Selling, Shop},
};
use time::OffsetDateTime;
use uuid::Uuid;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

/// The shop, if it takes orders.
fn seller() -> Result<&'static Shop> {
    let shop = frontend::shop();
    match (shop, Shop::selling(shop)) {
        (Some(shop), Selling::Yes) => Ok(shop),
        (_, Selling::No(why)) => Err(ApiError::Unprocessable(vec![Invalid::other(
            "lines",
            format!("cannot be ordered from this stage, because {why}"),
        )])),
        (None, Selling::Yes) => Err(ApiError::NotFound),
    }
}

/// The buyer, and the id of the order: the visitor of the cookie, or without one a guest, who follows from the key of the
/// order and what is sent with it, so that a retry comes from the same one. A guest's order is one for each key, whatever is
/// sent with it and with the cookie that the guest has received for it, but only the first sender is its buyer.
fn buyer(
    key: &SubmissionKey,
    request: &Request,
    repeated: &[u8],
    content: &[u8],
    now: OffsetDateTime,
) -> (VisitorCookie, OrderId) {
    let known = request.cookie(Request::VISITOR_COOKIE).and_then(|value| key.read_cookie(value, now));
    let id = key.order_of(known.as_ref(), repeated);
    (known.unwrap_or_else(|| VisitorCookie::new(key.guest(repeated, content), now)), id)
}

/// The reply with the cart in its cookie. That of a customer is also sent to the queue, so that it follows the customer; while
/// the queue is away it only does not follow.
async fn keep_cart(app: &App, request: &Request, reply: Reply, cart: Cart) -> Result<Reply> {
    let Some(session) = signed_in(app, request).await? else { return Ok(cart::with_cart(reply, &cart)) };
    let now = OffsetDateTime::now_utc();
    let milliseconds = u64::try_from(now.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let cart = cart.or_with_id(Uuid::new_v4()).changed_at(milliseconds);
    let message = Submission::cart(session, cart.clone(), now, Some(request.id.clone()));
    let sent = async { app.submissions().await?.send(&message).await.map_err(ApiError::Unavailable) };
    if let Err(error) = sent.await {
        shared::error::log(&error);
    }
    // An empty one too: without its id and time, the stored one would come back.
    Ok(reply.with_cart(Some(&cart.to_cookie(Uuid::new_v4()))))
}

/// Who asks without an e-mail address: a customer, or the browser of the cookie.
async fn known_buyer(app: &App, request: &Request, cookie: Option<VisitorCookie>) -> Result<Option<AskedBy>> {
    let visitor = cookie.as_ref().map(VisitorCookie::visitor);
    Ok(match signed_in(app, request).await? {
        Some(session) => Some(AskedBy::Customer(SignedInBuyer { session, visitor })),
        None => visitor.map(AskedBy::Visitor),
    })
}

/// Sends an order to the queue. Once this returns, it is durable.
async fn place(app: &App, request: &Request, order: OrderV1, now: OffsetDateTime) -> Result<()> {
    let (id, buyer) = (order.order, order.visitor.0);
    send(app, buyer, &OrderMessage::order(order.with_fingerprint(), now, Some(request.id.clone()))).await?;
    tracing::info!(order.id = %id, "Order accepted");
    Ok(())
}

/// Sends the buyer's cancellation to the queue. The consumer checks that it is the buyer's.
async fn cancel(app: &App, request: &Request, order: OrderId, asked_by: AskedBy) -> Result<()> {
    let now = OffsetDateTime::now_utc();
    let buyer = match &asked_by {
        AskedBy::Visitor(visitor) => visitor.0,
        // Of another group than the order, perhaps; the database decides all the same.
        AskedBy::Email(_) | AskedBy::Customer(_) => order.uuid(),
    };
    send(app, buyer, &OrderMessage::cancel(order, asked_by, now, Some(request.id.clone()))).await?;
    tracing::info!(order.id = %order, "Cancellation accepted");
    Ok(())
}

async fn send(app: &App, buyer: Uuid, message: &OrderMessage) -> Result<()> {
    let group = frontend::shop().map_or_else(|| "orders-0".to_owned(), |shop| shop.group_of(buyer));
    app.orders().await?.send(message, &group).await.map_err(ApiError::Unavailable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn placed(cookie: &str, repeated: &str, content: &str) -> (VisitorCookie, OrderId) {
        let event = json!({ "httpMethod": "POST", "path": "/checkout", "headers": { "cookie": cookie } });
        let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
        buyer(&key(), &request, repeated.as_bytes(), content.as_bytes(), NOW)
    }

    fn key() -> SubmissionKey {
        SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap()
    }

    #[test]
    fn a_repeated_key_is_one_order_of_one_buyer_and_equal_keys_of_two_buyers_are_two() {
        let (guest, order) = placed("", "a-key-of-a-form-1", "one book");
        let remembered = format!("visitor={}", key().write_cookie(&guest));
        let ana = "visitor=c56a4180-65aa-42ec-a945-5fd21dec0538";
        for (cookie, repeated, content, is_same_order, is_same_buyer) in [
            ("", "a-key-of-a-form-1", "one book", true, true),
            ("visitor=me", "a-key-of-a-form-1", "one book", true, true),
            (&remembered, "a-key-of-a-form-1", "one book", true, true),
            (&remembered, "a-key-of-a-form-1", "two books", true, true),
            ("", "a-key-of-a-form-1", "two books", true, false),
            (&remembered, "a-key-of-a-form-2", "one book", false, true),
            ("", "a-key-of-a-form-2", "one book", false, false),
            (ana, "a-key-of-a-form-1", "one book", false, false),
            // The stored form of a visitor, which the shop never sets as a cookie and shows no order to.
            ("visitor=04cba5c4-3a36-5587-8e6f-c7a99d258a96", "a-key-of-a-form-1", "one book", true, true),
        ] {
            let (buyer, id) = placed(cookie, repeated, content);
            let is_same = (id == order, buyer.visitor() == guest.visitor());
            assert_eq!(is_same, (is_same_order, is_same_buyer), "{cookie} {repeated} {content}");
        }
        let (ana_1, ana_2) = (placed(ana, "a-key-of-a-form-1", "a"), placed(ana, "a-key-of-a-form-1", "b"));
        assert_eq!(ana_1, ana_2, "a visitor's order is one for each key");
    }
}
