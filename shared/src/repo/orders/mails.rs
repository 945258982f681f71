//! Mails about orders: written in the transaction that decides, handed over afterwards.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Email, Language, MailFailure, OrderEvent, OrderId};

/// A mail that was not handed over yet. Its text follows from the event and the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentMail {
    pub id: u64,
    pub order: OrderId,
    pub event: OrderEvent,
    pub to: Email,
    pub language: Language,
}

/// Writes a mail, once for each event and cause; none about an order whose contact is gone, because nobody could get it.
pub(super) async fn write(
    connection: &mut MySqlConnection,
    number: u32,
    event: OrderEvent,
    source: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into mails (order_number, event, source, created_at)
        select number, ?, ?, ?
        from orders
        where number = ?
          and email is not null
        "#,
        event.code(),
        source,
        now,
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
            o.language as "language: String"
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
    Ok(rows.filter_map(|row| unsent(row.id, row.order_id, &row.event, &row.email, &row.language)).collect())
}

/// Locks the oldest mails that were not handed over and that no other transaction has locked. Those of an event that only
/// another version of the shop knows wait for that version, and hold up no other.
pub async fn lock_unsent_mails(connection: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<UnsentMail>> {
    let locked = sqlx::query_scalar!(
        r#"
        select id
        from mails
        where is_unsent = 1
          and json_contains(?, json_quote(event))
        order by id
        limit ?
        for update skip locked
        "#,
        serde_json::json!(OrderEvent::ALL.map(OrderEvent::code)).to_string(),
        limit,
    );
    let locked = locked.fetch_all(&mut *connection).await?;
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            o.id as "order_id: Uuid",
            m.event as "event: String",
            o.email as "email!",
            o.language as "language: String"
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.id = asked.id
        straight_join orders o on o.number = m.order_number
        where o.email is not null
        order by m.id
        "#,
        serde_json::json!(locked).to_string(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.filter_map(|row| unsent(row.id, row.order_id, &row.event, &row.email, &row.language)).collect())
}

fn unsent(id: u64, order: Uuid, event: &str, email: &str, language: &str) -> Option<UnsentMail> {
    Some(UnsentMail {
        id,
        order: OrderId::of_uuid(order),
        event: OrderEvent::from_code(event)?,
        to: Email::parse(email).ok()?,
        language: Language::parse(language).ok()?,
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
