//! Hashes in place of the visitors' numbers, which earlier versions stored.

use std::time::Instant;

use sqlx::{Connection, MySqlConnection};
use uuid::Uuid;

use super::{contact, ratings, visitors};
use crate::{database::WRITER_SESSION, domain::VisitorId};

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
    visitors::note(connection, number.stored(), at).await?;
    let deleted =
        sqlx::query!("delete from erased_visitors where visitor_id = ?", number.0).execute(connection).await?;
    Ok(deleted.rows_affected())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{Histogram, Rejection},
        messages::RatingV1,
        repo::{
            books,
            fixtures::{book, minute, rating, visitor, writer},
            ratings::Published,
        },
    };

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
        visitors::erase(&mut connection, visitor(4), minute(9)).await.unwrap();
        visitors::erase(&mut connection, visitor(4).stored(), minute(5)).await.unwrap();

        let deadline = || Instant::now() + Duration::from_mins(1);
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

        hash_numbers(&mut connection, Instant::now() + Duration::from_mins(1)).await.unwrap();
        assert_eq!(ratings::of_visitor(&mut connection, visitor(1).stored()).await.unwrap(), [hidden]);
        assert_eq!(books::find(&mut connection, id).await.unwrap().unwrap().histogram, Histogram::default());
    }
}
