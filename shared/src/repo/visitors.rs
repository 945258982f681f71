//! Visitors whose data the staff has erased, and the lock between an erasure and what is written meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::VisitorId;

/// Rows of `visitor_locks`.
const SLOTS: u8 = 16;

/// Notes that all submissions of a visitor until `now` are erased. To be run in one transaction: it waits for those that
/// are writing for the visitor, and those that begin later find the note.
pub async fn erase(connection: &mut MySqlConnection, visitor: VisitorId, now: OffsetDateTime) -> sqlx::Result<()> {
    lock_alone(connection, visitor).await?;
    note(connection, visitor, now).await
}

/// Waits for those that are writing for the visitor, and holds up those that begin later until the end of the transaction.
pub(super) async fn lock_alone(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<()> {
    sqlx::query_scalar!("select slot from visitor_locks where slot = ? for update", slot(visitor))
        .fetch_one(connection)
        .await?;
    Ok(())
}

pub(super) async fn note(connection: &mut MySqlConnection, visitor: VisitorId, at: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into erased_visitors (visitor_id, erased_at)
        values (?, ?)
        on duplicate key update erased_at = greatest(erased_at, values(erased_at))
        "#,
        visitor.0,
        at,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a submission was sent before its visitor was erased, and arrives late. Until the end of the transaction, an
/// erasure of the visitor waits.
pub(super) async fn is_erased(
    connection: &mut MySqlConnection,
    visitor: VisitorId,
    sent_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    sqlx::query_scalar!("select slot from visitor_locks where slot = ? lock in share mode", slot(visitor))
        .fetch_one(&mut *connection)
        .await?;
    let found = sqlx::query_scalar!(
        "select 1 as one from erased_visitors where visitor_id = ? and erased_at >= ?",
        visitor.0,
        sent_at,
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// When these visitors were erased. Until the end of the transaction, erasures of them wait.
pub(super) async fn erasures_of(
    connection: &mut MySqlConnection,
    visitors: &BTreeSet<VisitorId>,
) -> sqlx::Result<BTreeMap<VisitorId, OffsetDateTime>> {
    let slots: BTreeSet<u8> = visitors.iter().map(|visitor| slot(*visitor)).collect();
    sqlx::query_scalar!(
        r#"
        select l.slot
        from json_table(?, '$[*]' columns (slot tinyint unsigned path '$')) asked
        straight_join visitor_locks l on l.slot = asked.slot
        lock in share mode
        "#,
        json!(slots).to_string(),
    )
    .fetch_all(&mut *connection)
    .await?;
    noted_erasures(connection, visitors).await
}

/// When these visitors were erased, without a wait for erasures that are running.
pub(crate) async fn noted_erasures(
    connection: &mut MySqlConnection,
    visitors: &BTreeSet<VisitorId>,
) -> sqlx::Result<BTreeMap<VisitorId, OffsetDateTime>> {
    let found = sqlx::query!(
        r#"
        select
            e.visitor_id as "visitor_id: Uuid",
            e.erased_at
        from json_table(?, '$[*]' columns (visitor_id char(32) character set ascii path '$')) asked
        straight_join erased_visitors e on e.visitor_id = unhex(asked.visitor_id)
        "#,
        json!(visitors.iter().map(|visitor| visitor.0.simple().to_string()).collect::<Vec<_>>()).to_string(),
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(|row| (VisitorId(row.visitor_id), row.erased_at)).collect())
}

fn slot(visitor: VisitorId) -> u8 {
    visitor.0.as_bytes()[0] % SLOTS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::{Connection, MySqlPool};
    use tokio::time::timeout;

    use super::*;
    use crate::{
        domain::{Histogram, Rejection},
        repo::{
            books, contact,
            fixtures::{book, minute, rating, visitor, writer},
            ratings::{self, Published},
        },
    };

    /// Longer than any statement here takes that does not wait for a lock.
    const WAITING: Duration = Duration::from_millis(500);

    /// As `run-staff-task` erases.
    async fn erase_all(connection: &mut MySqlConnection, whose: VisitorId) -> (usize, usize) {
        let mut transaction = connection.begin().await.unwrap();
        erase(&mut transaction, whose, minute(9)).await.unwrap();
        transaction.commit().await.unwrap();
        let (mut ratings, mut messages) = (0, 0);
        for id in ratings::of_visitor(connection, whose).await.unwrap() {
            ratings += usize::from(ratings::erase(connection, id).await.unwrap());
        }
        for id in contact::of_visitor(connection, whose).await.unwrap() {
            messages += usize::from(contact::erase(connection, id).await.unwrap());
        }
        (ratings, messages)
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn what_is_being_written_while_its_visitor_is_erased_is_erased_too(pool: MySqlPool) {
        let (mut writing, mut erasing) = (writer(&pool).await, writer(&pool).await);
        let id = book(&mut writing, "El túnel", "Sabato", 0).await;
        let mut transaction = writing.begin().await.unwrap();
        ratings::publish(&mut transaction, Uuid::from_u128(1), minute(0), &rating(id, 1, 5)).await.unwrap();
        contact::receive(&mut transaction, Uuid::from_u128(2), minute(0), &contact::tests::message(1)).await.unwrap();
        let erasure = tokio::spawn(async move { erase_all(&mut erasing, visitor(1)).await });
        tokio::time::sleep(WAITING).await;
        assert!(!erasure.is_finished(), "it waits for the transaction that is writing");
        transaction.commit().await.unwrap();
        assert_eq!(erasure.await.unwrap(), (1, 1));
        assert_eq!(books::find(&mut writing, id).await.unwrap().unwrap().histogram, Histogram::default());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn what_is_sent_before_an_erasure_and_written_beside_it_is_refused(pool: MySqlPool) {
        let (mut writing, mut erasing) = (writer(&pool).await, writer(&pool).await);
        let id = book(&mut writing, "El túnel", "Sabato", 0).await;
        let mut erasure = erasing.begin().await.unwrap();
        erase(&mut erasure, visitor(1), minute(9)).await.unwrap();
        // Of another slot.
        let of_other = rating(id, 1 << 120, 5);
        let other = ratings::publish(&mut writing, Uuid::from_u128(1), minute(0), &of_other);
        assert_eq!(timeout(WAITING, other).await.unwrap().unwrap(), Published::Now);
        let publishing = tokio::spawn(async move {
            let mut transaction = writing.begin().await.unwrap();
            let late = ratings::publish(&mut transaction, Uuid::from_u128(2), minute(0), &rating(id, 1, 5)).await;
            transaction.commit().await.unwrap();
            late.unwrap()
        });
        tokio::time::sleep(WAITING).await;
        assert!(!publishing.is_finished(), "it waits for the erasure");
        erasure.commit().await.unwrap();
        assert_eq!(publishing.await.unwrap(), Published::Rejected(Rejection::Erased));
    }
}
