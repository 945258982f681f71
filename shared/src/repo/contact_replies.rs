//! Replies of the staff to messages: the texts, and the mails that bring them to the senders.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::unsent_mails;
use crate::{
    domain::{Email, Language, ReplyMail, ReplyText},
    staff::MessageReply,
};

/// The event of the mail to the sender, and that of its copy for the shop.
const EVENTS: [&str; 2] = ["reply", "reply-copy"];

/// A reply that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewReply<'a> {
    pub message: u64,
    pub text: &'a ReplyText,
    pub language: &'a Language,
    /// Whether the shop gets a copy.
    pub is_copied: bool,
    /// The form that it came with.
    pub source: Uuid,
}

/// Keeps a reply with its mails, which a sweep hands over. To be run in one transaction.
pub async fn write(connection: &mut MySqlConnection, reply: NewReply<'_>, now: OffsetDateTime) -> sqlx::Result<()> {
    let written = sqlx::query!(
        "insert into contact_replies (message_id, text, language, is_copied, created_at) values (?, ?, ?, ?, ?)",
        reply.message,
        reply.text.as_str(),
        reply.language.as_str(),
        reply.is_copied,
        now,
    );
    let id = written.execute(&mut *connection).await?.last_insert_id();
    for event in EVENTS.into_iter().take(if reply.is_copied { 2 } else { 1 }) {
        sqlx::query!(
            "insert into mails (reply_id, event, source, created_at) values (?, ?, ?, ?)",
            id,
            event,
            reply.source,
            now,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// The newest replies to a message, the earliest of them first.
pub async fn of_message(connection: &mut MySqlConnection, message: u64, limit: u32) -> sqlx::Result<Vec<MessageReply>> {
    let rows = sqlx::query_as!(
        MessageReply,
        r#"
        select
            r.id,
            r.text,
            r.is_copied as "is_copied: bool",
            r.created_at,
            m.sent_at,
            m.failure
        from contact_replies r
        left join mails m on m.reply_id = r.id and m.event = 'reply'
        where r.message_id = ?
        order by r.id desc
        limit ?
        "#,
        message,
        limit,
    );
    let mut replies = rows.fetch_all(connection).await?;
    replies.reverse();
    Ok(replies)
}

/// The texts of the replies to each of these messages and when they were written, the earliest first.
pub async fn of_messages(
    connection: &mut MySqlConnection,
    messages: &[u64],
) -> sqlx::Result<BTreeMap<u64, Vec<(String, OffsetDateTime)>>> {
    let rows = sqlx::query!(
        r#"
        select
            r.message_id,
            r.text,
            r.created_at
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join contact_replies r on r.message_id = asked.id
        order by r.id
        "#,
        json!(messages).to_string(),
    );
    let mut replies = BTreeMap::<u64, Vec<_>>::new();
    for row in rows.fetch_all(connection).await? {
        replies.entry(row.message_id).or_default().push((row.text, row.created_at));
    }
    Ok(replies)
}

/// Locks the oldest mails with replies that were not handed over and that no other transaction has locked.
pub async fn lock_unsent_mails(connection: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<ReplyMail>> {
    let locked = unsent_mails::lock(connection, &EVENTS, limit).await?;
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            m.event = 'reply-copy' as "is_copy!: bool",
            c.name,
            c.email,
            c.subject,
            c.message,
            c.sent_at,
            r.text,
            r.language as "language: String"
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join mails m on m.id = asked.id
        straight_join contact_replies r on r.id = m.reply_id
        straight_join contact_messages c on c.id = r.message_id
        order by m.id
        "#,
        json!(locked).to_string(),
    );
    let mails = rows.fetch_all(connection).await?.into_iter().filter_map(|row| {
        Some(ReplyMail {
            id: row.id,
            is_copy: row.is_copy,
            name: row.name,
            to: Email::parse(&row.email).ok()?,
            subject: row.subject,
            message: row.message,
            sent_at: row.sent_at,
            text: row.text,
            language: Language::parse(&row.language).ok()?,
        })
    });
    Ok(mails.collect())
}

/// Removes the mails with replies to these messages, which are removed themselves afterwards, with the replies.
pub(super) async fn forget_mails(connection: &mut MySqlConnection, messages: &[u64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        delete m
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join contact_replies r on r.message_id = asked.id
        straight_join mails m on m.reply_id = r.id
        "#,
        json!(messages).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool};
    use time::Duration;

    use super::*;
    use crate::{
        domain::VisitorId,
        repo::{
            contact,
            fixtures::{minute, writer},
            orders,
        },
    };

    fn uuid(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// The id of a new message.
    async fn message(connection: &mut MySqlConnection, number: u128) -> u64 {
        let message = crate::messages::ContactV1 {
            message: crate::domain::MessageText::parse("¿Abren el sábado?").unwrap(),
            ..contact::tests::message(number)
        };
        contact::receive(connection, uuid(number), minute(0), &message).await.unwrap();
        contact::of_visitor(connection, VisitorId(uuid(number))).await.unwrap()[0]
    }

    async fn answer(connection: &mut MySqlConnection, message: u64, is_copied: bool) {
        let (text, language) = (ReplyText::parse("Sí.").unwrap(), Language::parse("es").unwrap());
        let reply = NewReply { message, text: &text, language: &language, is_copied, source: uuid(9) };
        write(connection, reply, minute(1)).await.unwrap();
    }

    async fn count(connection: &mut MySqlConnection, table: &str) -> i64 {
        let count = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(count).fetch_one(connection).await.unwrap()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_answer_is_one_mail_to_the_sender_and_one_to_the_shop_if_a_copy_is_wanted(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let (first, second) = (message(c, 1).await, message(c, 2).await);
        answer(c, first, false).await;
        answer(c, second, true).await;
        let mut transaction = c.begin().await.unwrap();
        let mails = lock_unsent_mails(&mut transaction, 9).await.unwrap();
        let whom: Vec<_> = mails.iter().map(|mail| (mail.to.as_str(), mail.is_copy)).collect();
        assert_eq!(whom, [("ana@example.org", false), ("ana@example.org", false), ("ana@example.org", true)]);
        assert_eq!((mails[0].text.as_str(), mails[0].message.as_str()), ("Sí.", "¿Abren el sábado?"));
        let ids: Vec<u64> = mails.iter().map(|mail| mail.id).collect();
        orders::mark_sent(&mut transaction, &ids, minute(2)).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(lock_unsent_mails(c, 9).await.unwrap(), []);
        assert!(orders::fail_mail(c, ids[0], "bounce: no such mailbox", minute(3)).await.unwrap());
        let shown = of_message(c, first, 9).await.unwrap().remove(0);
        assert_eq!((shown.sent_at, shown.failure.as_deref()), (Some(minute(2)), Some("bounce: no such mailbox")));
        let shown = of_message(c, second, 9).await.unwrap().remove(0);
        assert_eq!((shown.sent_at, shown.failure, shown.is_copied), (Some(minute(2)), None, true));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn answers_their_mails_and_the_words_go_with_the_message(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        for number in [1, 2] {
            let id = message(c, number).await;
            answer(c, id, true).await;
            contact::mark_answered(c, id, minute(1)).await.unwrap();
        }
        let left = async |c: &mut MySqlConnection| {
            [count(c, "contact_replies").await, count(c, "mails").await, count(c, "contact_words").await]
        };
        let both = left(c).await;
        assert_eq!(both[..2], [2, 4]);
        assert!(contact::erase(c, 1).await.unwrap());
        assert_eq!(left(c).await, both.map(|count| count / 2));
        assert_eq!(contact::remove_answered(c, minute(1) + Duration::SECOND, 9).await.unwrap(), 1);
        assert_eq!(left(c).await, [0, 0, 0]);
    }
}
