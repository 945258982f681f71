//! Cancellations that overtook their order, which waits in another message group or was parked: remembered until it comes.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::email_key;
use crate::{
    domain::VisitorId,
    messages::{AskedBy, OrderV1, SignedInBuyer},
    session::Subject,
};

/// How long such a cancellation is remembered. SQS keeps an order for at most 14 days in its queue and as long in the
/// dead-letter queue, from where it is sent to the queue again.
pub(super) const KEEP: Duration = Duration::days(42);

/// Who cancels, as it is stored.
pub(super) fn asker(asked_by: &AskedBy) -> [u8; 32] {
    match asked_by {
        AskedBy::Visitor(visitor) | AskedBy::Customer(SignedInBuyer { visitor: Some(visitor), .. }) => {
            visitor_key(*visitor)
        }
        AskedBy::Email(email) => email_key(email),
        AskedBy::Customer(customer) => customer_key(customer.session.subject),
    }
}

/// Keeps the asker of a message for as long as its order may still come.
pub(super) async fn remember(connection: &mut MySqlConnection, message: Uuid, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("update order_messages set asked_until = ? where id = ?", now + KEEP, message)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whether the buyer of an order has cancelled it before it came; forgets the cancellation. It waits for one that is being
/// written, whose transaction has looked for the order before.
pub(super) async fn was_cancelled(connection: &mut MySqlConnection, order: &OrderV1) -> sqlx::Result<bool> {
    let [visitor, email] = [visitor_key(order.visitor), email_key(&order.contact.email)];
    let customer = order.customer.as_ref().map(|customer| customer_key(customer.subject).to_vec());
    // By this key, because the other messages of the order may be locked by another transaction that waits for this one.
    let cancelled = sqlx::query!(
        r#"
        update order_messages force index (order_messages_asked_by)
        set asked_by = null,
            asked_until = null,
            effect = 'rejected cancelled'
        where asked_by in (?, ?, ?)
          and order_id = ?
        "#,
        &visitor[..],
        &email[..],
        customer,
        order.order.uuid(),
    );
    Ok(cancelled.execute(connection).await?.rows_affected() > 0)
}

/// Forgets the cancellations of orders that did not come in time, some at once. Returns whether more remain.
pub(super) async fn forget(connection: &mut MySqlConnection, now: OffsetDateTime, limit: u32) -> sqlx::Result<bool> {
    let forgotten = sqlx::query!(
        r#"
        update order_messages
        set asked_by = null,
            asked_until = null
        where asked_until <= ?
        order by asked_until
        limit ?
        "#,
        now,
        limit,
    );
    Ok(forgotten.execute(connection).await?.rows_affected() == u64::from(limit))
}

/// Forgets the cancellations of a visitor, whose orders are refused when they come.
pub async fn forget_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<()> {
    sqlx::query!(
        "update order_messages set asked_by = null, asked_until = null where asked_by = ?",
        &visitor_key(visitor)[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The same of a customer.
pub(in crate::repo) async fn forget_customer(connection: &mut MySqlConnection, customer: Subject) -> sqlx::Result<()> {
    sqlx::query!(
        "update order_messages set asked_by = null, asked_until = null where asked_by = ?",
        &customer_key(customer)[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn customer_key(customer: Subject) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(customer.uuid().as_bytes()).into()
}

fn visitor_key(visitor: VisitorId) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    Sha256::digest(visitor.0.as_bytes()).into()
}
