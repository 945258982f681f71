//! Messages by their words, or by the address of the sender. What is read is bounded, however many messages there are: of the
//! rarest word, or of the address, so many of the newest messages are looked through at once.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::{Connection, MySqlConnection};
use uuid::Uuid;

use crate::{
    domain::{VisitorId, words::words},
    staff::{ContactMessage, MessagesFound},
};

/// Messages that are looked through at once.
const LOOKED_THROUGH: u32 = 1_000;
/// Words of a search. Those that follow do not count.
const MAX_SEARCHED: usize = 8;
/// Words of a message that are indexed: 4,000 characters have fewer.
const MAX_INDEXED: usize = 2_000;
/// Characters of a word that count.
const MAX_WORD: usize = 40;
/// Messages that are indexed in one transaction.
const TOGETHER: u32 = 200;

/// The terms of a search in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of these words.
    Words(Vec<String>),
    Sender(String),
}

impl Wanted {
    /// Reads what somebody of the staff typed; none without a word.
    pub fn parse(typed: &str) -> Option<Self> {
        let typed = typed.trim();
        if typed.contains('@') && !typed.contains(char::is_whitespace) {
            return Some(Self::Sender(typed.to_owned()));
        }
        let words: Vec<String> = words_of(&[typed]).into_iter().take(MAX_SEARCHED).collect();
        (!words.is_empty()).then_some(Self::Words(words))
    }
}

/// The words that are indexed and searched.
fn words_of(texts: &[&str]) -> BTreeSet<String> {
    let words = texts.iter().flat_map(|text| words(text));
    words.map(|word| word.chars().take(MAX_WORD).collect()).take(MAX_INDEXED).collect()
}

/// Indexes a new message.
pub(super) async fn index(connection: &mut MySqlConnection, message: u64, texts: &[&str]) -> sqlx::Result<()> {
    let words = words_of(texts);
    if words.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert ignore into contact_words (word, message_id)
        select word, ?
        from json_table(?, '$[*]' columns (word varchar(40) character set utf8mb4 collate utf8mb4_bin path '$')) asked
        "#,
        message,
        json!(words).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Indexes some messages after this one that an earlier version has written. Returns the last one that was looked at; none at the
/// end.
pub async fn index_some(connection: &mut MySqlConnection, after: u64) -> sqlx::Result<Option<u64>> {
    let mut transaction = connection.begin().await?;
    let rows = sqlx::query!(
        r#"
        select
            m.id,
            m.name,
            m.subject,
            m.message,
            exists (select 1 from contact_words w where w.message_id = m.id) as "is_indexed!: bool"
        from contact_messages m
        where m.id > ?
        order by m.id
        limit ?
        "#,
        after,
        TOGETHER,
    );
    let rows = rows.fetch_all(&mut *transaction).await?;
    for row in rows.iter().filter(|row| !row.is_indexed) {
        // It may be gone since: then there is nothing to index.
        let locked = sqlx::query_scalar!("select id from contact_messages where id = ? for update", row.id);
        if locked.fetch_optional(&mut *transaction).await?.is_some() {
            index(&mut transaction, row.id, &[&row.name, &row.subject, &row.message]).await?;
        }
    }
    transaction.commit().await?;
    Ok(rows.last().map(|row| row.id))
}

/// Messages with a lower id, the newest first: open or answered ones only, if one is asked for.
pub async fn search(
    connection: &mut MySqlConnection,
    wanted: &Wanted,
    open: Option<bool>,
    before: u64,
    limit: u32,
) -> sqlx::Result<MessagesFound> {
    let looked_at = match wanted {
        Wanted::Sender(email) => {
            let of_sender = sqlx::query_scalar!(
                r#"
                select id
                from contact_messages force index (contact_messages_email)
                where email = ?
                  and id < ?
                order by id desc
                limit ?
                "#,
                email,
                before,
                LOOKED_THROUGH,
            );
            of_sender.fetch_all(&mut *connection).await?
        }
        Wanted::Words(words) => with_rarest(connection, words, before).await?,
    };
    let mut ids = looked_at.clone();
    if let Wanted::Words(words) = wanted {
        for word in words {
            ids = with_word(connection, &ids, word).await?;
        }
    }
    let mut messages = of_ids(connection, &ids, open, limit + 1).await?;
    let is_cut = messages.len() > limit as usize;
    messages.truncate(limit as usize);
    let next = if is_cut {
        messages.last().map(|message| message.id)
    } else {
        looked_at.last().copied().filter(|_| looked_at.len() == LOOKED_THROUGH as usize)
    };
    Ok(MessagesFound { messages, next })
}

/// The newest messages with the rarest of the words; of words that many have, with the one whose newest is the oldest, because
/// no later message has them all.
async fn with_rarest(connection: &mut MySqlConnection, words: &[String], before: u64) -> sqlx::Result<Vec<u64>> {
    let mut rarest: Option<Vec<u64>> = None;
    for word in words {
        let messages = sqlx::query_scalar!(
            r#"
            select message_id
            from contact_words
            where word = ?
              and message_id < ?
            order by message_id desc
            limit ?
            "#,
            word,
            before,
            LOOKED_THROUGH,
        );
        let messages = messages.fetch_all(&mut *connection).await?;
        let rank = |messages: &[u64]| (messages.len(), messages.first().copied());
        if rarest.as_deref().is_none_or(|rarest| rank(&messages) < rank(rarest)) {
            rarest = Some(messages);
        }
    }
    Ok(rarest.unwrap_or_default())
}

/// Those of the messages that have a word too.
async fn with_word(connection: &mut MySqlConnection, ids: &[u64], word: &str) -> sqlx::Result<Vec<u64>> {
    let with = sqlx::query_scalar!(
        r#"
        select w.message_id
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join contact_words w on w.word = ? and w.message_id = asked.id
        "#,
        json!(ids).to_string(),
        word,
    );
    with.fetch_all(connection).await
}

async fn of_ids(
    connection: &mut MySqlConnection,
    ids: &[u64],
    open: Option<bool>,
    limit: u32,
) -> sqlx::Result<Vec<ContactMessage>> {
    let rows = sqlx::query!(
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
        from json_table(?, '$[*]' columns (id bigint unsigned path '$')) asked
        straight_join contact_messages m on m.id = asked.id
        where (? is null or m.is_open = ?)
        order by m.id desc
        limit ?
        "#,
        json!(ids).to_string(),
        open,
        open,
        limit,
    );
    let messages = rows.fetch_all(connection).await?.into_iter().map(|row| ContactMessage {
        id: row.id,
        visitor: row.visitor.map(VisitorId),
        name: row.name,
        email: row.email,
        subject: row.subject,
        message: row.message,
        language: row.language,
        sent_at: row.sent_at,
        answered_at: row.answered_at,
    });
    Ok(messages.collect())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{Email, MessageText},
        messages::ContactV1,
        repo::{
            contact,
            fixtures::{minute, writer},
            query_cost_tests::rows_read,
        },
    };

    async fn receive(connection: &mut MySqlConnection, number: u128, email: &str, words: &str) {
        let message = ContactV1 {
            email: Email::parse(email).unwrap(),
            message: MessageText::parse(words).unwrap(),
            ..contact::tests::message(number)
        };
        contact::receive(connection, Uuid::from_u128(number), minute(0), &message).await.unwrap();
    }

    async fn found(connection: &mut MySqlConnection, typed: &str, open: Option<bool>) -> Vec<u64> {
        let Some(wanted) = Wanted::parse(typed) else { return Vec::new() };
        let found = search(connection, &wanted, open, u64::MAX, 50).await.unwrap();
        found.messages.iter().map(|message| message.id).collect()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn messages_are_found_by_all_of_some_words_in_any_spelling_or_by_the_address(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        receive(c, 1, "ana@example.org", "¿Tienen la Celestina en tapa dura?").await;
        receive(c, 2, "Eva@example.org", "Busco una edición de La Celestina.").await;
        receive(c, 3, "ana@example.org", "¿Abren el sábado?").await;
        contact::mark_answered(c, 1, minute(1)).await.unwrap();
        for (typed, open, ids) in [
            ("celestina", None, vec![2, 1]),
            ("CELESTINA edicion", None, vec![2]),
            ("celestina sábado", None, vec![]),
            ("Ana celestina", None, vec![2, 1]),
            ("nothing", None, vec![]),
            ("¡!", None, vec![]),
            ("", None, vec![]),
            ("celestina", Some(true), vec![2]),
            ("celestina", Some(false), vec![1]),
            (" ana@example.org ", None, vec![3, 1]),
            ("eva@example.org", None, vec![2]),
            ("ana@example.org", Some(true), vec![3]),
            ("nobody@example.org", None, vec![]),
        ] {
            assert_eq!(found(c, typed, open).await, ids, "{typed} {open:?}");
        }
        let wanted = Wanted::parse("celestina").unwrap();
        let first = search(c, &wanted, None, u64::MAX, 1).await.unwrap();
        assert_eq!((first.messages[0].id, first.next), (2, Some(2)));
        let last = search(c, &wanted, None, 2, 1).await.unwrap();
        assert_eq!((last.messages[0].id, last.next), (1, None));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn messages_of_an_earlier_version_are_found_once_they_are_indexed(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        receive(c, 1, "ana@example.org", "La Celestina").await;
        receive(c, 2, "ana@example.org", "La Regenta").await;
        sqlx::raw_sql("delete from contact_words where message_id = 1").execute(&mut *c).await.unwrap();
        assert!(found(c, "celestina", None).await.is_empty());
        for _ in 0..2 {
            assert_eq!(index_some(c, 0).await.unwrap(), Some(2));
            assert_eq!(index_some(c, 2).await.unwrap(), None);
            assert_eq!(found(c, "celestina", None).await, [1]);
            assert_eq!(found(c, "regenta", None).await, [2]);
        }
    }

    /// All have one word, the oldest ones a second, and a thousandth of them a third.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_search_reads_no_more_the_more_messages_there_are_and_finds_the_oldest_in_the_end(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        for sql in [
            "insert into submissions (id, kind, outcome, sent_at)
             select unhex(lpad(hex(seq), 32, '0')), 'contact', 'published', now() from seq_1_to_20000",
            "insert into contact_messages (submission_id, name, email, subject, message, sent_at, answered_at)
             select unhex(lpad(hex(seq), 32, '0')), 'Ana', 'ana@example.org', 'x', 'y', now(), if(seq <= 60, null, now())
             from seq_1_to_20000",
            "insert into contact_words (word, message_id) select 'libro', id from contact_messages",
            "insert into contact_words (word, message_id) select 'viejo', id from contact_messages where id <= 10000",
            "insert into contact_words (word, message_id) select 'raro', id from contact_messages where id % 1000 = 0",
            "analyze table contact_messages, contact_words",
        ] {
            sqlx::raw_sql(sql).execute(&mut *c).await.unwrap();
        }
        for (typed, open, expected) in [
            ("libro raro", None, 20),
            ("libro viejo", None, 50),
            ("libro", Some(true), 0),
            ("ana@example.org", Some(true), 0),
        ] {
            rows_read(c).await;
            let found = search(c, &Wanted::parse(typed).unwrap(), open, u64::MAX, 50).await.unwrap();
            let read = rows_read(c).await;
            assert_eq!(found.messages.len(), expected, "{typed}");
            assert!(read <= 12_000, "{read} rows for {typed}");
        }
        let (wanted, mut before, mut found) = (Wanted::parse("ana@example.org").unwrap(), u64::MAX, Vec::new());
        loop {
            let some = search(c, &wanted, Some(true), before, 50).await.unwrap();
            found.extend(some.messages.into_iter().map(|message| message.id));
            let Some(next) = some.next else { break };
            before = next;
        }
        assert_eq!(found, (1..=60).rev().collect::<Vec<u64>>());
    }
}
