//! The account for programs, which have the cookie of a session. They only read: what a program changes needs a client of its
//! own, which the shop does not have.

use shared::{
    ApiError, App, Reply, Request, Result,
    api::{AccountSummary, AddressBook},
    repo::{customer_addresses, customers},
};

use super::{SignedIn, export, lists};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let part = request.segment(2);
    let query = match part {
        "orders" | "ratings" | "wishlist" => request.query(&["limit", "cursor"])?,
        "data" => request.query(&["cursor"])?,
        "profile" | "addresses" => request.query(&[])?,
        _ => return Err(ApiError::NotFound),
    };
    let customer = SignedIn::find(app, request).await?.ok_or(ApiError::NotSignedIn)?;
    let (subject, cursor, limit) = (customer.subject, query.get("cursor"), query.limit()?);
    let reply = match part {
        "orders" => {
            let orders = lists::orders(app, &customer, cursor, limit).await?;
            Reply::json(&orders)?.with_next(request, orders.next.as_deref())
        }
        "ratings" => {
            let ratings = lists::ratings(app, &customer, cursor, limit).await?;
            Reply::json(&ratings)?.with_next(request, ratings.next.as_deref())
        }
        "wishlist" => {
            let wishes = lists::wishes(app, &customer, cursor, limit).await?;
            Reply::json(&wishes)?.with_next(request, wishes.next.as_deref())
        }
        "addresses" => {
            let items = app.database().read(async |c| customer_addresses::list(c, subject).await).await?;
            Reply::json(&AddressBook { items })?
        }
        "data" => Reply::json(&export::of(app, &customer, cursor).await?)?,
        _ => {
            let found = app.database().read(async |c| customers::find(c, subject).await).await?;
            Reply::json(&AccountSummary::new(subject.to_string(), found.as_ref()))?
        }
    };
    Ok(reply.unstored())
}
