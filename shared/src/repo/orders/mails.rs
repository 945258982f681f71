//! Mails about orders: written in the transaction that decides, handed over afterwards.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{Email, Language, MailFailure, OrderEvent, OrderId},
    repo::unsent_mails,
};

/// A mail that was not handed over yet. Its text follows from the event and the order as it was at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentMail {
    pub id: u64,
    pub order: OrderId,
    pub event: OrderEvent,
    pub to: Email,
    pub language: Language,
    /// When the event was, by the same clock as the order's history.
    pub at: OffsetDateTime,
}

/// Most mails about rejected orders to one mailbox within a day. An order costs nothing and can have anybody's address; the
/// page of each order shows its outcome.
pub const MAX_REJECTIONS_MAILED: u8 = 5;
/// Most mails about unpaid orders that their buyers have cancelled, to one mailbox within a day, for the same reason.
pub const MAX_CANCELLATIONS_MAILED: u8 = 5;
/// Why a mail was not sent, with the order.
pub const HELD_BACK: &str = "not sent: the mailbox has enough mails about rejected orders of this day";
/// The same where the shop did not want to write.
const NOT_WANTED: &str = "not sent: the shop changed the order without a mail";
/// The same of a cancelled order.
const CANCELLATION_HELD_BACK: &str = "not sent: the mailbox has enough mails about cancelled orders of this day";

/// Writes a mail, once for each event and cause; none about an order whose contact is gone, because nobody could get it.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    number: u32,
    event: OrderEvent,
    source: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    insert(connection, number, event, source, now, None).await
}

/// Notes that the shop does not write about an event.
pub(super) async fn write_none(
    connection: &mut MySqlConnection,
    number: u32,
    event: OrderEvent,
    source: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    insert(connection, number, event, source, now, Some(NOT_WANTED)).await
}

/// Writes the mail about a rejected order, which is not sent if its mailbox has enough of them. It counts without a lock, so
/// orders that are decided at the same time may exceed the limit by their number.
pub(super) async fn write_rejection(
    connection: &mut MySqlConnection,
    number: u32,
    mailbox: &[u8; 32],
    source: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let earlier = sqlx::query_scalar!(
        r#"
        select count(*)
        from (
            select 1
            from orders
            where mailbox_key = ?
              and state = 'rejected'
              and decided_at > ?
              and number <> ?
            limit ?
        ) earlier
        "#,
        &mailbox[..],
        now - Duration::DAY,
        number,
        MAX_REJECTIONS_MAILED,
    );
    let earlier: i64 = earlier.fetch_one(&mut *connection).await?;
    let held_back = held_back(earlier, MAX_REJECTIONS_MAILED, HELD_BACK);
    insert(connection, number, OrderEvent::Rejected, source, now, held_back).await
}

/// Writes the mail about an order that its buyer has cancelled, in the same way. Who has paid always gets it.
pub(super) async fn write_cancellation(
    connection: &mut MySqlConnection,
    number: u32,
    source: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let earlier = sqlx::query_scalar!(
        r#"
        select count(*)
        from (
            select 1
            from orders o
            straight_join order_states s on s.order_number = o.number and s.state = 'cancelled'
            where o.mailbox_key = (select mailbox_key from orders where number = ? and paid_at is null)
              and o.state = 'cancelled'
              and o.decided_at > ?
              and o.paid_at is null
              and o.number <> ?
              and s.actor = 'buyer'
            limit ?
        ) earlier
        "#,
        number,
        now - Duration::DAY,
        number,
        MAX_CANCELLATIONS_MAILED,
    );
    let earlier: i64 = earlier.fetch_one(&mut *connection).await?;
    let held_back = held_back(earlier, MAX_CANCELLATIONS_MAILED, CANCELLATION_HELD_BACK);
    insert(connection, number, OrderEvent::Cancelled, source, now, held_back).await
}

/// Why a mail is not sent, if its mailbox had the most of its kind before it.
fn held_back(earlier: i64, most: u8, why: &'static str) -> Option<&'static str> {
    (earlier >= i64::from(most)).then_some(why)
}

/// A mail that is held back counts as handed over, and as failed.
async fn insert(
    connection: &mut MySqlConnection,
    number: u32,
    event: OrderEvent,
    source: Uuid,
    now: OffsetDateTime,
    held_back: Option<&str>,
) -> sqlx::Result<()> {
    let done = held_back.map(|_| now);
    sqlx::query!(
        r#"
        insert into mails (order_number, event, source, created_at, sent_at, failed_at, failure)
        select number, ?, ?, ?, ?, ?, ?
        from orders
        where number = ?
          and email is not null
        "#,
        event.code(),
        source,
        now,
        done,
        done,
        held_back,
        number,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The oldest mails that were not handed over: of one order, or of all.
pub async fn unsent_mails(
    connection: &mut MySqlConnection,
    order: Option<OrderId>,
    limit: u32,
) -> sqlx::Result<Vec<UnsentMail>> {
    let order = order.map(OrderId::uuid);
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            o.id as "order_id: Uuid",
            m.event as "event: String",
            o.email as "email!",
            o.language as "language: String",
            m.created_at
        from mails m
        straight_join orders o on o.number = m.order_number
        where m.is_unsent = 1
          and (? is null or o.id = ?)
          and o.email is not null
        order by m.id
        limit ?
        "#,
        order,
        order,
        limit,
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .filter_map(|row| unsent(row.id, row.order_id, &row.event, &row.email, &row.language, row.created_at))
        .collect())
}

/// Locks the oldest mails about orders that were not handed over and that no other transaction has locked.
pub async fn lock_unsent_mails(connection: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<UnsentMail>> {
    let locked = unsent_mails::lock(connection, &OrderEvent::ALL.map(OrderEvent::code), limit).await?;
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            o.id as "order_id: Uuid",
            m.event as "event: String",
            o.email as "email!",
            o.language as "language: String",
            m.created_at
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.id = asked.id
        straight_join orders o on o.number = m.order_number
        where o.email is not null
        order by m.id
        "#,
        serde_json::json!(locked).to_string(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .filter_map(|row| unsent(row.id, row.order_id, &row.event, &row.email, &row.language, row.created_at))
        .collect())
}

fn unsent(id: u64, order: Uuid, event: &str, email: &str, language: &str, at: OffsetDateTime) -> Option<UnsentMail> {
    Some(UnsentMail {
        id,
        order: OrderId::of_uuid(order),
        event: OrderEvent::from_code(event)?,
        to: Email::parse(email).ok()?,
        language: Language::parse(language).ok()?,
        at,
    })
}

/// When the buyer has sent the declaration that cancelled an order, or withdrew from its contract; none if there is no such.
pub async fn declared_at(connection: &mut MySqlConnection, order: OrderId) -> sqlx::Result<Option<OffsetDateTime>> {
    let declared = sqlx::query_scalar!(
        r#"
        select min(sent_at) as "sent_at: OffsetDateTime"
        from order_messages
        where order_id = ?
          and kind = 'order-action'
          and effect in ('cancelled', 'withdrawn', 'rejected cancelled')
        "#,
        order.uuid(),
    );
    declared.fetch_one(connection).await
}

/// Notes that mails were handed over.
pub async fn mark_sent(connection: &mut MySqlConnection, ids: &[u64], now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.id = asked.id
        set m.sent_at = coalesce(m.sent_at, ?)
        "#,
        serde_json::json!(ids).to_string(),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes why a mail is not sent, which is no failure. It is to be marked as sent, too.
pub async fn withhold_mail(connection: &mut MySqlConnection, id: u64, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update mails set failure = ? where id = ?", reason, id).execute(connection).await?;
    Ok(())
}

/// Notes that a mail came back, with the words of the mail service; false if there is no such mail. What is known already
/// stays where it matters more: a mailbox that is full for the moment says nothing after a complaint.
pub async fn fail_mail(
    connection: &mut MySqlConnection,
    id: u64,
    failure: &str,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let failure: String = failure.chars().take(200).collect();
    let earlier = sqlx::query_scalar!("select failure from mails where id = ? for update", id);
    let Some(earlier) = earlier.fetch_optional(&mut *connection).await? else { return Ok(false) };
    let replaces = earlier.is_none_or(|earlier| MailFailure::of(&failure).replaces(MailFailure::of(&earlier)));
    if replaces {
        sqlx::query!("update mails set failed_at = ?, failure = ? where id = ?", now, failure, id)
            .execute(connection)
            .await?;
    }
    Ok(true)
}
