//! Scheduled work on orders, alerts, the record of the staff and ended sessions: each call a bounded part, and the caller sends the next one.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};

use super::{Applied, early, privacy, transition};
use crate::{
    repo::{alerts, audit, customers, stock},
    shop::Shop,
};

/// Orders that expire in one transaction.
const EXPIRE: u32 = 20;
/// Orders whose contact is removed in one transaction, and cancellations whose asker is.
const REMOVE: u32 = 50;
/// Days and books of the best sellers that are forgotten in one transaction.
const FORGET: u32 = 200;
/// How long a sale counts for the best sellers.
pub(super) const BEST_SELLING: Duration = Duration::days(30);

pub(super) async fn sweep(connection: &mut MySqlConnection, shop: &Shop, now: OffsetDateTime) -> sqlx::Result<Applied> {
    // An order that somebody is changing is left to the next sweep.
    let due = sqlx::query_scalar!(
        r#"
        select number
        from orders
        where expires_at <= ?
        order by expires_at
        limit ?
        for update skip locked
        "#,
        now,
        EXPIRE,
    );
    let due = due.fetch_all(&mut *connection).await?;
    let mut orders = Vec::new();
    for number in &due {
        orders.push(transition::read(connection, *number).await?);
    }
    let expired = u32::try_from(orders.len()).unwrap_or(u32::MAX);
    if orders.is_empty() && take_as_delivered(connection, shop, now).await? {
        return Ok(Applied::Swept { expired, more: true });
    }
    if orders.is_empty() {
        // Not in a transaction with expiries, because each would wait for locks of the other.
        let more_sales = stock::forget_sales(connection, (now - BEST_SELLING).date(), FORGET).await?;
        let more_contacts = privacy::remove_contacts(connection, now, REMOVE).await?;
        let more_askers = early::forget(connection, now, REMOVE).await?;
        let more_alerts = alerts::forget(connection, now).await?;
        let more_deeds = audit::forget(connection, now, FORGET).await?;
        let more_ends = customers::forget_ends(connection, now).await?;
        // Last, because it locks what those who move stock write at the end.
        let more_restocks = alerts::notify(connection, now).await?.more;
        let more =
            more_sales || more_contacts || more_askers || more_alerts || more_deeds || more_ends || more_restocks;
        return Ok(Applied::Swept { expired, more });
    }
    transition::expire(connection, orders, shop, now).await?;
    Ok(Applied::Swept { expired, more: true })
}

/// Takes some orders as delivered that were sent long ago; false if none is due.
async fn take_as_delivered(connection: &mut MySqlConnection, shop: &Shop, now: OffsetDateTime) -> sqlx::Result<bool> {
    let due = sqlx::query_scalar!(
        r#"
        select number
        from orders
        where delivered_by <= ?
        order by delivered_by
        limit ?
        for update skip locked
        "#,
        now,
        EXPIRE,
    );
    let mut orders = Vec::new();
    for number in due.fetch_all(&mut *connection).await? {
        orders.push(transition::read(connection, number).await?);
    }
    let is_due = !orders.is_empty();
    transition::take_as_delivered(connection, orders, shop, now).await?;
    Ok(is_due)
}
