//! What lists and searches read and an earlier version did not write: entries of the word index, copies of the number of
//! ratings, and movements of stock. It can run beside all versions, be interrupted and repeated.

use sqlx::{Connection, MySqlConnection};
use time::OffsetDateTime;

use super::{books, popularity, shop_counts, stock, word_index};

/// Books in one transaction: no more, because a rating of one of them waits for its end.
const TOGETHER: u32 = 500;

/// Brings a part of the books after this one up to date, in a transaction of its own. Returns the last book of the part;
/// none if there are no more.
pub async fn part(connection: &mut MySqlConnection, after: u32) -> sqlx::Result<Option<u32>> {
    if after >= books::last_id(connection).await? {
        return Ok(None);
    }
    let through = after.saturating_add(TOGETHER);
    let ids: Vec<u32> = (after + 1..=through).collect();
    let mut transaction = connection.begin().await?;
    word_index::refresh(&mut transaction, after + 1..=through).await?;
    popularity::copy(&mut transaction, &ids).await?;
    stock::take_up(&mut transaction, after, through, OffsetDateTime::now_utc()).await?;
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
