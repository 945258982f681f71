//! Genres with their number of books. The numbers are stored, so that no request counts.

use sqlx::MySqlConnection;

use crate::domain::Count;

/// All genres that have books, the largest first.
pub async fn list(connection: &mut MySqlConnection) -> sqlx::Result<Vec<Count>> {
    let rows = sqlx::query!("select slug, books from genres where books > 0 order by books desc, slug");
    let rows = rows.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| Count { value: row.slug, count: i64::from(row.books) }).collect())
}

/// Counts the books of each genre again, after an import.
pub async fn recount(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    sqlx::query!("update genres g set g.books = (select count(*) from book_genres bg where bg.genre_id = g.id)")
        .execute(connection)
        .await?;
    Ok(())
}
