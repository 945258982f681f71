//! Attempts at messages that have not ended well. A consumer counts each attempt before it begins, so that a crash counts
//! as well, and forgets the message in the transaction that processes it.

use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};

/// SQS keeps no message longer.
const KEEP: Duration = Duration::days(15);

/// An attempt that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its number: 1 for the first.
    pub number: u16,
    /// Why the one before failed; none if it was the first, or crashed.
    pub last_reason: Option<String>,
}

/// Counts an attempt. `uncounted` earlier ones did not fail by the message's own fault.
pub async fn begin(
    connection: &mut MySqlConnection,
    message: &str,
    uncounted: u16,
    now: OffsetDateTime,
) -> sqlx::Result<Attempt> {
    sqlx::query!(
        "insert into message_faults (message, attempts, began_at)
         values (?, 1, ?)
         on duplicate key update
            attempts = greatest(cast(attempts as signed) - cast(? as signed), 0) + 1,
            began_at = values(began_at)",
        message,
        now,
        uncounted,
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!("select attempts, reason from message_faults where message = ?", message)
        .fetch_one(connection)
        .await?;
    Ok(Attempt { number: row.attempts, last_reason: row.reason })
}

/// Takes back the last attempt: it ended, and not by the message's own fault.
pub async fn take_back(connection: &mut MySqlConnection, message: &str) -> sqlx::Result<()> {
    sqlx::query!("update message_faults set attempts = attempts - 1 where message = ? and attempts > 0", message)
        .execute(connection)
        .await?;
    Ok(())
}

/// Stores why the last attempt failed.
pub async fn explain(connection: &mut MySqlConnection, message: &str, reason: &str) -> sqlx::Result<()> {
    let reason: String = reason.chars().take(500).collect();
    sqlx::query!("update message_faults set reason = ? where message = ?", reason, message).execute(connection).await?;
    Ok(())
}

/// Forgets the message, because it is processed or parked.
pub async fn forget(connection: &mut MySqlConnection, message: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from message_faults where message = ?", message).execute(connection).await?;
    Ok(())
}

/// Forgets messages that no queue has any more.
pub async fn forget_old(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!("delete from message_faults where began_at < ? limit 1000", now - KEEP).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::repo::fixtures::minute;

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_attempt_counts_until_it_is_taken_back_or_the_message_is_forgotten(pool: MySqlPool) {
        let mut c = pool.acquire().await.unwrap();
        let number = async |c: &mut MySqlConnection, uncounted| {
            begin(c, "m-1", uncounted, minute(0)).await.map(|attempt| attempt.number).unwrap()
        };
        assert_eq!((number(&mut c, 0).await, number(&mut c, 0).await), (1, 2));
        take_back(&mut c, "m-1").await.unwrap();
        assert_eq!(number(&mut c, 0).await, 2, "after one was taken back");
        assert_eq!(number(&mut c, 1).await, 2, "one before it did not count");
        assert_eq!(number(&mut c, 9).await, 1, "more did not count than there were");
        assert_eq!(begin(&mut c, "m-2", 0, minute(0)).await.unwrap().number, 1, "another message");

        explain(&mut c, "m-1", &"ñ".repeat(600)).await.unwrap();
        let again = begin(&mut c, "m-1", 0, minute(0)).await.unwrap();
        assert_eq!((again.number, again.last_reason), (2, Some("ñ".repeat(500))));
        forget(&mut c, "m-1").await.unwrap();
        let first = Attempt { number: 1, last_reason: None };
        assert_eq!(begin(&mut c, "m-1", 0, minute(0)).await.unwrap(), first);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn messages_older_than_any_in_a_queue_are_forgotten(pool: MySqlPool) {
        let mut c = pool.acquire().await.unwrap();
        for (message, days) in [("old", 16), ("new", 14)] {
            begin(&mut c, message, 0, minute(0) - Duration::days(days)).await.unwrap();
        }
        forget_old(&mut c, minute(0)).await.unwrap();
        let left: Vec<String> =
            sqlx::query_scalar("select message from message_faults").fetch_all(&pool).await.unwrap();
        assert_eq!(left, ["new"]);
    }
}
