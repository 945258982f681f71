//! Cancellations that overtook their order, which waits in another message group or was parked: remembered until it comes. And
//! how long messages without an effect are recorded, which anybody who knows the address of an order can send.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::email_key;
use crate::{
    domain::{OrderId, VisitorId},
    messages::{AskedBy, OrderV1, SignedInBuyer},
    session::Subject,
};

/// How long such a cancellation is remembered. SQS keeps an order for at most 14 days in its queue and as long in the
/// dead-letter queue, from where it is sent to the queue again.
pub(super) const KEEP: Duration = Duration::days(42);

/// How long a message without an effect is recorded. Until then a second delivery is recognised as one.
pub(super) const KEEP_RECORD: Duration = Duration::days(90);

/// The most recorded cancellations of one order that were not its buyer's. A second delivery of one more is refused like the
/// first, which changes as little.
pub(super) const MAX_OF_STRANGERS: i64 = 20;

/// Removes the record of a stranger's cancellation if the order has enough of them. The order must be locked.
pub(super) async fn drop_beyond_limit(
    connection: &mut MySqlConnection,
    message: Uuid,
    order: OrderId,
) -> sqlx::Result<()> {
    let recorded = sqlx::query_scalar!(
        r#"
        select count(*)
        from order_messages
        where order_id = ?
          and kind = 'order-action'
          and effect = 'refused not-the-buyer'
        "#,
        order.uuid(),
    );
    if recorded.fetch_one(&mut *connection).await? >= MAX_OF_STRANGERS {
        sqlx::query!("delete from order_messages where id = ?", message).execute(connection).await?;
    }
    Ok(())
}

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

/// Forgets who cancelled orders that did not come in time, and removes the records of messages without an effect after
/// [`KEEP_RECORD`], some at once. Returns whether more remain.
pub(super) async fn forget(connection: &mut MySqlConnection, now: OffsetDateTime, limit: u32) -> sqlx::Result<bool> {
    let forgotten = sqlx::query!(
        r#"
        update order_messages
        set asked_by = null,
            asked_until = asked_until + interval ? day
        where asked_until <= ?
          and asked_by is not null
        order by asked_until
        limit ?
        "#,
        (KEEP_RECORD - KEEP).whole_days(),
        now,
        limit,
    );
    let forgotten = forgotten.execute(&mut *connection).await?.rows_affected();
    let removed = sqlx::query!(
        r#"
        delete from order_messages
        where asked_until <= ?
          and asked_by is null
        order by asked_until
        limit ?
        "#,
        now,
        limit,
    );
    let removed = removed.execute(connection).await?.rows_affected();
    Ok(forgotten == u64::from(limit) || removed == u64::from(limit))
}

/// Forgets the cancellations of a visitor, whose orders are refused when they come.
pub async fn forget_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<()> {
    forget_asker(connection, visitor_key(visitor)).await
}

/// The same of a customer.
pub(in crate::repo) async fn forget_customer(connection: &mut MySqlConnection, customer: Subject) -> sqlx::Result<()> {
    forget_asker(connection, customer_key(customer)).await
}

/// The record goes when it would have been asked for no longer.
async fn forget_asker(connection: &mut MySqlConnection, asker: [u8; 32]) -> sqlx::Result<()> {
    sqlx::query!("update order_messages set asked_by = null where asked_by = ?", &asker[..])
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
