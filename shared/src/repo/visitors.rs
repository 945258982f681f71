//! Visitors whose data the staff has erased, the lock between an erasure and what is written meanwhile, and the hashes in
//! place of the numbers that earlier versions stored.

use std::time::Instant;

use sqlx::{Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{contact, ratings};
use crate::{database::WRITER_SESSION, domain::VisitorId};

/// Rows of `visitor_locks`.
const SLOTS: u8 = 16;

/// Notes that all submissions of a visitor until `now` are erased. To be run in one transaction: it waits for those that
/// are writing for the visitor, and those that begin later find the note.
pub async fn erase(connection: &mut MySqlConnection, visitor: VisitorId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query_scalar!("select slot from visitor_locks where slot = ? for update", slot(visitor))
        .fetch_one(&mut *connection)
        .await?;
    note(connection, visitor, now).await
}

async fn note(connection: &mut MySqlConnection, visitor: VisitorId, at: OffsetDateTime) -> sqlx::Result<()> {
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

fn slot(visitor: VisitorId) -> u8 {
    visitor.0.as_bytes()[0] % SLOTS
}

/// Replaces the numbers that earlier versions stored by their hashes, each in a transaction of its own, until the
/// deadline. It can run beside all versions, be interrupted and repeated. Returns the number of changed rows.
pub async fn hash_numbers(connection: &mut MySqlConnection, deadline: Instant) -> sqlx::Result<u64> {
    sqlx::raw_sql(WRITER_SESSION).execute(&mut *connection).await?;
    let mut changed = 0;
    while Instant::now() < deadline {
        let ratings = ratings::of_numbers(connection).await?;
        let visitors = numbers(connection).await?;
        if ratings.is_empty() && visitors.is_empty() {
            break;
        }
        for id in ratings {
            let mut transaction = connection.begin().await?;
            ratings::hash_visitor(&mut transaction, id).await?;
            transaction.commit().await?;
            changed += 1;
        }
        for visitor in visitors {
            let mut transaction = connection.begin().await?;
            changed += contact::hash_visitor(&mut transaction, visitor).await?;
            changed += hash_note(&mut transaction, visitor).await?;
            transaction.commit().await?;
        }
    }
    Ok(changed)
}

/// Numbers in place of hashes in the tables of messages and erasures. A hash has version 5 in its seventh byte.
async fn numbers(connection: &mut MySqlConnection) -> sqlx::Result<Vec<VisitorId>> {
    let found = sqlx::query_scalar!(
        r#"
        select visitor_id as "visitor_id!: Uuid"
        from (
            select visitor_id from contact_messages where ord(substring(visitor_id, 7, 1)) not between 80 and 95
            union
            select visitor_id from erased_visitors where ord(substring(visitor_id, 7, 1)) not between 80 and 95
        ) as numbers
        limit 500
        "#
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(VisitorId).collect())
}

async fn hash_note(connection: &mut MySqlConnection, number: VisitorId) -> sqlx::Result<u64> {
    let at = sqlx::query_scalar!("select erased_at from erased_visitors where visitor_id = ? for update", number.0)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(at) = at else { return Ok(0) };
    note(connection, number.stored(), at).await?;
    let deleted =
        sqlx::query!("delete from erased_visitors where visitor_id = ?", number.0).execute(connection).await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::{MySql, MySqlPool, pool::PoolConnection};
    use tokio::time::timeout;

    use super::*;
    use crate::{
        domain::{Histogram, Rejection},
        messages::RatingV1,
        repo::{
            books,
            fixtures::{book, minute, rating},
            ratings::Published,
        },
    };

    /// Longer than any statement here takes that does not wait for a lock.
    const WAITING: Duration = Duration::from_millis(500);

    fn visitor(number: u128) -> VisitorId {
        VisitorId(Uuid::from_u128(number))
    }

    async fn writer(pool: &MySqlPool) -> PoolConnection<MySql> {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::raw_sql(WRITER_SESSION).execute(&mut *connection).await.unwrap();
        connection
    }

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

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn numbers_of_earlier_versions_become_hashes_and_a_visitor_counts_once_for_a_book(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        let of = |whose: VisitorId, stars| RatingV1 { visitor: whose, ..rating(id, 1, stars) };
        // An earlier version beside this one wrote the first again, and the later one counts.
        for (submission, whose, stars) in [
            (1, visitor(1), 1),
            (2, visitor(2), 2),
            (3, visitor(1).stored(), 3),
            (4, visitor(2).stored(), 4),
            (5, visitor(3), 5),
        ] {
            let at = minute(if submission == 4 { 0 } else { submission });
            let submission = Uuid::from_u128(u128::try_from(submission).unwrap());
            ratings::publish(&mut connection, submission, at, &of(whose, stars)).await.unwrap();
        }
        for number in [1, 2] {
            contact::receive(
                &mut connection,
                Uuid::from_u128(10 + number),
                minute(0),
                &contact::tests::message(number),
            )
            .await
            .unwrap();
        }
        erase(&mut connection, visitor(4), minute(9)).await.unwrap();
        erase(&mut connection, visitor(4).stored(), minute(5)).await.unwrap();

        let deadline = || Instant::now() + Duration::from_secs(60);
        assert_eq!(hash_numbers(&mut connection, deadline()).await.unwrap(), 6);
        assert_eq!(hash_numbers(&mut connection, deadline()).await.unwrap(), 0);
        let found = books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!(found.histogram, Histogram([0, 1, 1, 0, 1]));
        for number in [1, 2, 3] {
            let (old, new) = (visitor(number), visitor(number).stored());
            assert_eq!(ratings::of_visitor(&mut connection, old).await.unwrap(), Vec::<u64>::new());
            assert_eq!(ratings::of_visitor(&mut connection, new).await.unwrap().len(), 1);
            assert_eq!(contact::of_visitor(&mut connection, new).await.unwrap().len(), usize::from(number < 3));
        }
        let late = ratings::publish(&mut connection, Uuid::from_u128(20), minute(8), &of(visitor(4).stored(), 5)).await;
        assert_eq!(late.unwrap(), Published::Rejected(Rejection::Erased), "the later of two erasures counts");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rating_that_was_hidden_stays_hidden_when_its_visitors_number_becomes_a_hash(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        ratings::publish(&mut connection, Uuid::from_u128(1), minute(0), &rating(id, 1, 1)).await.unwrap();
        let hidden = ratings::of_visitor(&mut connection, visitor(1)).await.unwrap()[0];
        ratings::hide(&mut connection, hidden, minute(1)).await.unwrap();
        let again = RatingV1 { visitor: visitor(1).stored(), ..rating(id, 1, 5) };
        ratings::publish(&mut connection, Uuid::from_u128(2), minute(2), &again).await.unwrap();

        hash_numbers(&mut connection, Instant::now() + Duration::from_secs(60)).await.unwrap();
        assert_eq!(ratings::of_visitor(&mut connection, visitor(1).stored()).await.unwrap(), [hidden]);
        assert_eq!(books::find(&mut connection, id).await.unwrap().unwrap().histogram, Histogram::default());
    }
}
