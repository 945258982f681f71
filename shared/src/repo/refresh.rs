//! What lists and searches read and an earlier version did not write: entries of the word index, and copies of the number
//! of ratings. It can run beside all versions, be interrupted and repeated.

use std::ops::RangeInclusive;

use sqlx::MySqlConnection;

use super::word_index;

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
