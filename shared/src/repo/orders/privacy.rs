//! How long the shop keeps who ordered. Amounts, dates and books stay, because tax law requires them for years (in Spain,
//! Ley 58/2003, article 66, and Código de Comercio, article 30); they name nobody.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};

use crate::{
    domain::{OrderNumber, OrderState, VisitorId},
    staff::OrderErased,
};

/// How long contact, address and note are kept after an order is closed: fourteen days to withdraw, as many to send the books
/// back and to be repaid (Directive 2011/83/EU, articles 9, 13 and 14), and a month for what went wrong with it.
pub const KEEP_CONTACT: Duration = Duration::days(60);

/// The fingerprint of an order whose contact is gone: a guess of what was typed could be checked by the real one.
pub(super) const NO_FINGERPRINT: [u8; 32] = [0; 32];

/// The effect of an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// Contact, address, note and visitor are gone.
    Now,
    /// They go when the order is closed, because the shop cannot fulfil it without them.
    WhenClosed,
    NoSuchOrder,
}

/// The numbers of a visitor's orders.
pub async fn of_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<Vec<OrderNumber>> {
    let numbers = sqlx::query_scalar!("select number from orders where visitor_id = ? order by number", visitor.0);
    Ok(numbers.fetch_all(connection).await?.into_iter().map(OrderNumber).collect())
}

/// Erases who placed an order, as soon as it is closed. To be run in one transaction.
pub async fn erase(
    connection: &mut MySqlConnection,
    number: OrderNumber,
    now: OffsetDateTime,
) -> sqlx::Result<Erasure> {
    let is_open =
        sqlx::query_scalar!(r#"select is_open as "is_open: bool" from orders where number = ? for update"#, number.0);
    let Some(is_open) = is_open.fetch_optional(&mut *connection).await? else { return Ok(Erasure::NoSuchOrder) };
    sqlx::query!("update orders set erased_at = coalesce(erased_at, ?) where number = ?", now, number.0)
        .execute(&mut *connection)
        .await?;
    if is_open.unwrap_or_default() {
        return Ok(Erasure::WhenClosed);
    }
    remove_contact(connection, number.0).await?;
    Ok(Erasure::Now)
}

/// The effect that [`erase_order`] has at this time. Changes nothing.
pub async fn erasure_of_order(connection: &mut MySqlConnection, number: OrderNumber) -> sqlx::Result<OrderErased> {
    let row = sqlx::query!(
        r#"
        select
            state as "state: String",
            email is not null or visitor_id is not null or customer is not null as "is_known!: bool",
            delivered_by
        from orders
        where number = ?
        for update
        "#,
        number.0,
    );
    let Some(row) = row.fetch_optional(&mut *connection).await? else { return Ok(OrderErased::NoSuchOrder) };
    let unknown = || sqlx::Error::Decode(format!("state {} of order {number} is unknown", row.state).into());
    let state = OrderState::from_code(&row.state).ok_or_else(unknown)?;
    if !row.is_known {
        return Ok(OrderErased::Already);
    }
    if !state.is_closed() && state != OrderState::Shipped {
        return Ok(OrderErased::NotSent { state });
    }
    Ok(if state.is_closed() { OrderErased::Now } else { OrderErased::Later { until: row.delivered_by } })
}

/// Erases who placed an order that the shop no longer needs them for. To be run in one transaction.
pub async fn erase_order(
    connection: &mut MySqlConnection,
    number: OrderNumber,
    now: OffsetDateTime,
) -> sqlx::Result<OrderErased> {
    let effect = erasure_of_order(&mut *connection, number).await?;
    if matches!(effect, OrderErased::Now | OrderErased::Later { .. }) {
        erase(connection, number, now).await?;
    }
    Ok(effect)
}

/// Removes the contact of orders that no longer need it, some at once. Returns whether more remain.
pub(super) async fn remove_contacts(
    connection: &mut MySqlConnection,
    now: OffsetDateTime,
    limit: u32,
) -> sqlx::Result<bool> {
    let due = sqlx::query_scalar!(
        r#"
        select number
        from orders
        where contact_until <= ?
        order by contact_until
        limit ?
        for update skip locked
        "#,
        now,
        limit,
    );
    let due = due.fetch_all(&mut *connection).await?;
    for number in &due {
        remove_contact(connection, *number).await?;
    }
    Ok(due.len() == limit as usize)
}

/// Removes contact, address and note, and what was computed from them; of an order whose buyer asked for erasure, the visitor
/// as well. Mails that were not sent have nobody to go to.
async fn remove_contact(connection: &mut MySqlConnection, number: u32) -> sqlx::Result<()> {
    clear(connection, number).await?;
    forget_message(connection, number).await
}

/// What [`remove_contact`] does except to the message that placed the order.
pub(super) async fn clear(connection: &mut MySqlConnection, number: u32) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update orders
        set contact_name = null,
            email = null,
            phone = null,
            address = null,
            note = null,
            fingerprint = ?,
            email_key = null,
            mailbox_key = null,
            address_key = null,
            contact_until = null,
            visitor_id = if(erased_at is null and coalesce(rejection, '') <> 'erased', visitor_id, null),
            customer = if(erased_at is null and coalesce(rejection, '') <> 'erased', customer, null)
        where number = ?
        "#,
        &NO_FINGERPRINT[..],
        number,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("update mails set sent_at = created_at where order_number = ? and is_unsent = 1", number,)
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives the message that placed an order another id, because its own one was computed from the fingerprint. A late delivery
/// finds the order by the order's id.
pub(super) async fn forget_message(connection: &mut MySqlConnection, number: u32) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update orders o
        straight_join order_messages p on p.order_id = o.id and p.kind = 'order'
        straight_join mails m on m.order_number = o.number and m.source = p.id
        set m.source = random_bytes(16)
        where o.number = ?
        "#,
        number,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        update orders o
        straight_join order_messages p on p.order_id = o.id and p.kind = 'order'
        set p.id = random_bytes(16)
        where o.number = ?
        "#,
        number,
    )
    .execute(connection)
    .await?;
    Ok(())
}
