//! What lists and searches read and an earlier version did not write: entries of the word index, and copies of the number
//! of ratings. It can run beside all versions, be interrupted and repeated.

use std::ops::RangeInclusive;

use sqlx::{Connection, MySqlConnection};

use super::{books as shelf, shop_counts, word_index};

/// Books in one transaction: no more, because a rating of one of them waits for its end.
const TOGETHER: u32 = 500;

/// Brings a part of the books after this one up to date, in a transaction of its own. Returns the last book of the part;
/// none if there are no more.
pub async fn part(connection: &mut MySqlConnection, after: u32) -> sqlx::Result<Option<u32>> {
    if after >= shelf::last_id(connection).await? {
        return Ok(None);
    }
    let through = after.saturating_add(TOGETHER);
    let mut transaction = connection.begin().await?;
    books(&mut transaction, after + 1..=through).await?;
    transaction.commit().await?;
    Ok(Some(through))
}

/// Brings all books up to date, and counts the shop again.
pub async fn all(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let mut after = 0;
    while let Some(through) = part(connection, after).await? {
        after = through;
    }
    counts(connection).await
}

/// Counts the shop again, in a transaction of its own.
pub async fn counts(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    shop_counts::recount(&mut transaction).await?;
    transaction.commit().await
}

/// Brings books with these ids up to date, and returns how many entries of the word index were not. To be run in a
/// transaction: it locks these books.
pub async fn books(connection: &mut MySqlConnection, ids: RangeInclusive<u32>) -> sqlx::Result<u32> {
    let refreshed = word_index::refresh(connection, ids.clone()).await?;
    sqlx::query!(
        r#"
        update books b
        straight_join book_authors ba on ba.book_id = b.id
        set ba.ratings_count = b.ratings_count
        where b.id between ? and ?
          and ba.ratings_count <> b.ratings_count
        "#,
        ids.start(),
        ids.end(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        update books b
        straight_join book_genres bg on bg.book_id = b.id
        set bg.ratings_count = b.ratings_count
        where b.id between ? and ?
          and bg.ratings_count <> b.ratings_count
        "#,
        ids.start(),
        ids.end(),
    )
    .execute(connection)
    .await?;
    Ok(refreshed)
}
