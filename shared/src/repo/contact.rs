//! Messages to the shop.

use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    contact_replies, contact_search,
    submissions::{self, Delivery},
    visitors,
};
use crate::{
    domain::{Language, Rejection, VisitorId},
    messages::ContactV1,
    session::Subject,
    staff::ContactMessage,
};

/// Keeps a message; to be run in one transaction. A repeated delivery changes nothing.
pub async fn receive(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    contact: &ContactV1,
) -> sqlx::Result<Delivery> {
    if submissions::enter(connection, submission, "contact", sent_at).await? == Delivery::Duplicate {
        return Ok(Delivery::Duplicate);
    }
    if let Some(visitor) = contact.visitor
        && visitors::is_erased(connection, visitor, sent_at).await?
    {
        submissions::reject(connection, submission, &Rejection::Erased).await?;
        return Ok(Delivery::First);
    }
    let (name, subject, message) = (contact.name.as_str(), contact.subject.as_str(), contact.message.as_str());
    let written = sqlx::query!(
        r#"
        insert into contact_messages (submission_id, visitor_id, name, email, subject, message, language, sent_at)
        values (?, ?, ?, ?, ?, ?, ?, ?)
        "#,
        submission,
        contact.visitor.map(|visitor| visitor.0),
        name,
        contact.email.as_str(),
        subject,
        message,
        contact.language.as_ref().map(Language::as_str),
        sent_at,
    );
    let id = written.execute(&mut *connection).await?.last_insert_id();
    contact_search::index(connection, id, &[name, subject, message]).await?;
    Ok(Delivery::First)
}

/// Messages with a lower id, newest first: open or answered ones only, if one is asked for.
pub async fn list(
    connection: &mut MySqlConnection,
    open: Option<bool>,
    before: u64,
    limit: u32,
) -> sqlx::Result<Vec<ContactMessage>> {
    let Some(open) = open else { return list_all(connection, before, limit).await };
    // One range of an index: without the hint, the optimizer may look for open ones among all.
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            visitor_id as "visitor: Uuid",
            name,
            email,
            subject,
            message,
            language as "language: String",
            sent_at,
            answered_at
        from contact_messages force index (contact_messages_listed)
        where is_open = ?
          and id < ?
        order by id desc
        limit ?
        "#,
        open,
        before,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(ContactMessage::from).collect())
}

async fn list_all(connection: &mut MySqlConnection, before: u64, limit: u32) -> sqlx::Result<Vec<ContactMessage>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            visitor_id as "visitor: Uuid",
            name,
            email,
            subject,
            message,
            language as "language: String",
            sent_at,
            answered_at
        from contact_messages
        where id < ?
        order by id desc
        limit ?
        "#,
        before,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(ContactMessage::from).collect())
}

/// The number of messages that nobody has answered, up to a largest number.
pub async fn count_open(connection: &mut MySqlConnection, most: u32) -> sqlx::Result<u32> {
    let open = sqlx::query_scalar!(
        "select count(*) from (select 1 from contact_messages where is_open = 1 limit ?) open",
        most,
    );
    let open: i64 = open.fetch_one(connection).await?;
    Ok(u32::try_from(open).unwrap_or_default())
}

/// Notes when a message was answered, the first time; none where there is no such message.
pub async fn mark_answered(
    connection: &mut MySqlConnection,
    id: u64,
    at: OffsetDateTime,
) -> sqlx::Result<Option<ContactMessage>> {
    sqlx::query!("update contact_messages set answered_at = ? where id = ? and answered_at is null", at, id)
        .execute(&mut *connection)
        .await?;
    find(connection, id).await
}

/// Removes the note of `mark_answered`; none where there is no such message.
pub async fn reopen(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<ContactMessage>> {
    sqlx::query!("update contact_messages set answered_at = null where id = ?", id).execute(&mut *connection).await?;
    find(connection, id).await
}

/// The message with this id.
pub async fn find(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<ContactMessage>> {
    let found = list_all(connection, id.saturating_add(1), 1).await?.pop();
    Ok(found.filter(|message| message.id == id))
}

/// The message with this id, which stays as it is until the end of the transaction.
pub async fn find_locked(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<Option<ContactMessage>> {
    let locked = sqlx::query_scalar!("select id from contact_messages where id = ? for update", id);
    match locked.fetch_optional(&mut *connection).await? {
        Some(_) => find(connection, id).await,
        None => Ok(None),
    }
}

/// The ids of a visitor's messages.
pub async fn of_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<Vec<u64>> {
    sqlx::query_scalar!("select id from contact_messages where visitor_id = ?", visitor.0).fetch_all(connection).await
}

/// Some messages of a customer, after this id, the earliest first: those with the confirmed address of the account, from the
/// browsers in which the customer has signed in last. Others write from these browsers too.
pub async fn of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    after: u64,
    limit: u32,
) -> sqlx::Result<Vec<ContactMessage>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            m.id,
            m.visitor_id as "visitor: Uuid",
            m.name,
            m.email,
            m.subject,
            m.message,
            m.language as "language: String",
            m.sent_at,
            m.answered_at
        from customer_visitors v
        join customers c on c.subject = v.subject
        join contact_messages m on m.visitor_id = v.visitor_id
        where v.subject = ?
          and c.email_key is not null
          and lower(m.email) collate utf8mb4_bin = lower(c.email)
          and m.id > ?
        order by m.id
        limit ?
        "#,
        customer.uuid(),
        after,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(ContactMessage::from).collect())
}

/// The ids of the same messages, from the browsers in which the customer had signed in by then.
pub async fn ids_of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<u64>> {
    sqlx::query_scalar!(
        r#"
        select m.id
        from customer_visitors v
        join customers c on c.subject = v.subject
        join contact_messages m on m.visitor_id = v.visitor_id
        where v.subject = ?
          and c.email_key is not null
          and lower(m.email) collate utf8mb4_bin = lower(c.email)
          and v.linked_at <= ?
        "#,
        customer.uuid(),
        until,
    )
    .fetch_all(connection)
    .await
}

/// Replaces a visitor's number by its hash; returns the number of messages.
pub(super) async fn hash_visitor(connection: &mut MySqlConnection, number: VisitorId) -> sqlx::Result<u64> {
    let stored = number.stored();
    let changed = sqlx::query!("update contact_messages set visitor_id = ? where visitor_id = ?", stored.0, number.0)
        .execute(connection)
        .await?;
    Ok(changed.rows_affected())
}

/// Removes messages that were answered before this time, some at once, with their replies; returns their number.
pub async fn remove_answered(
    connection: &mut MySqlConnection,
    before: OffsetDateTime,
    limit: u32,
) -> sqlx::Result<u64> {
    let due = sqlx::query_scalar!(
        "select id from contact_messages where answered_at < ? order by answered_at limit ? for update skip locked",
        before,
        limit,
    );
    let due = due.fetch_all(&mut *connection).await?;
    if due.is_empty() {
        return Ok(0);
    }
    contact_replies::forget_mails(connection, &due).await?;
    let removed = sqlx::query!(
        r#"
        delete m
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join contact_messages m on m.id = asked.id
        "#,
        json!(due).to_string(),
    );
    Ok(removed.execute(connection).await?.rows_affected())
}

/// Removes a message for good, with its replies; false where there is none any more. To be run in one transaction.
pub async fn erase(connection: &mut MySqlConnection, id: u64) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select submission_id as "submission: Uuid" from contact_messages where id = ? for update"#,
        id
    );
    let Some(submission) = found.fetch_optional(&mut *connection).await? else { return Ok(false) };
    contact_replies::forget_mails(connection, &[id]).await?;
    sqlx::query!("delete from contact_messages where id = ?", id).execute(&mut *connection).await?;
    submissions::reject(connection, submission, &Rejection::Erased).await?;
    Ok(true)
}

struct Row {
    id: u64,
    visitor: Option<Uuid>,
    name: String,
    email: String,
    subject: String,
    message: String,
    language: Option<String>,
    sent_at: OffsetDateTime,
    answered_at: Option<OffsetDateTime>,
}

impl From<Row> for ContactMessage {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            visitor: row.visitor.map(VisitorId),
            name: row.name,
            email: row.email,
            subject: row.subject,
            message: row.message,
            language: row.language,
            sent_at: row.sent_at,
            answered_at: row.answered_at,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{DisplayName, Email, MessageText, Subject},
        repo::fixtures::minute,
    };

    pub fn message(visitor: u128) -> ContactV1 {
        ContactV1 {
            visitor: Some(VisitorId(Uuid::from_u128(visitor))),
            name: DisplayName::parse("Ana").unwrap(),
            email: Email::parse("ana@example.org").unwrap(),
            subject: Subject::parse("Un libro").unwrap(),
            message: MessageText::parse(&"😀".repeat(4_000)).unwrap(),
            language: None,
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_message_is_kept_once_however_often_it_is_delivered(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let contact = message(1);
        let mut deliver = async || receive(&mut connection, Uuid::from_u128(1), minute(0), &contact).await.unwrap();
        assert_eq!([deliver().await, deliver().await], [Delivery::First, Delivery::Duplicate]);
        let kept: i64 = sqlx::query_scalar("select count(*) from contact_messages").fetch_one(&pool).await.unwrap();
        assert_eq!(kept, 1);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn messages_are_listed_newest_first_until_they_are_answered(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for n in 1..=3 {
            let at = minute(i64::try_from(n).unwrap());
            receive(&mut connection, Uuid::from_u128(n), at, &message(n)).await.unwrap();
        }
        let ids = async |connection: &mut MySqlConnection, open, before, limit| {
            let messages = list(connection, open, before, limit).await.unwrap();
            messages.iter().map(|message| message.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(&mut connection, Some(true), u64::MAX, 2).await, [3, 2]);
        assert_eq!(ids(&mut connection, Some(true), 2, 2).await, [1]);
        let answered = mark_answered(&mut connection, 2, minute(9)).await.unwrap().unwrap();
        let again = mark_answered(&mut connection, 2, minute(10)).await.unwrap().unwrap();
        assert_eq!((answered.answered_at, &again), (Some(minute(9)), &answered));
        assert_eq!(ids(&mut connection, Some(true), u64::MAX, 9).await, [3, 1]);
        assert_eq!(ids(&mut connection, None, u64::MAX, 9).await, [3, 2, 1]);
        assert_eq!(ids(&mut connection, Some(false), u64::MAX, 9).await, [2]);
        assert_eq!(mark_answered(&mut connection, 9, minute(9)).await.unwrap(), None);

        for _ in 0..2 {
            let open = reopen(&mut connection, 2).await.unwrap().unwrap();
            assert_eq!((open.id, open.answered_at), (2, None));
        }
        assert_eq!(ids(&mut connection, Some(true), u64::MAX, 9).await, [3, 2, 1]);
        assert_eq!(reopen(&mut connection, 9).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn messages_that_were_answered_long_ago_are_removed_and_open_ones_stay(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for n in 1..=4 {
            receive(&mut connection, Uuid::from_u128(n), minute(0), &message(n)).await.unwrap();
        }
        for (id, at) in [(1, minute(1)), (2, minute(2)), (3, minute(3))] {
            mark_answered(&mut connection, id, at).await.unwrap();
        }
        assert_eq!(remove_answered(&mut connection, minute(3), 1).await.unwrap(), 1);
        assert_eq!(remove_answered(&mut connection, minute(3), 9).await.unwrap(), 1);
        assert_eq!(remove_answered(&mut connection, minute(3), 9).await.unwrap(), 0);
        let left = list(&mut connection, None, u64::MAX, 9).await.unwrap();
        assert_eq!(left.iter().map(|message| message.id).collect::<Vec<_>>(), [4, 3]);
        let late = receive(&mut connection, Uuid::from_u128(1), minute(0), &message(1)).await.unwrap();
        assert_eq!(late, Delivery::Duplicate);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_erased_message_is_not_written_again(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for n in [1, 2] {
            receive(&mut connection, Uuid::from_u128(n), minute(0), &message(n)).await.unwrap();
        }
        let theirs = of_visitor(&mut connection, VisitorId(Uuid::from_u128(1))).await.unwrap();
        assert!(erase(&mut connection, theirs[0]).await.unwrap());
        assert!(!erase(&mut connection, theirs[0]).await.unwrap());
        assert_eq!(
            receive(&mut connection, Uuid::from_u128(1), minute(0), &message(1)).await.unwrap(),
            Delivery::Duplicate
        );
        visitors::erase(&mut connection, VisitorId(Uuid::from_u128(1)), minute(5)).await.unwrap();
        receive(&mut connection, Uuid::from_u128(3), minute(5), &message(1)).await.unwrap();
        let left = list(&mut connection, None, u64::MAX, 9).await.unwrap();
        assert_eq!(left.iter().map(|message| message.visitor).collect::<Vec<_>>(), [message(2).visitor]);
    }
}
