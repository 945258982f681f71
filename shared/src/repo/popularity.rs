//! Copies of the number of ratings, by which the books of an author and of a genre are listed.

use serde_json::json;
use sqlx::MySqlConnection;

/// Copies the numbers of ratings of these books, whose rows are locked.
pub(super) async fn copy(connection: &mut MySqlConnection, books: &[u32]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        left join book_authors ba on ba.book_id = b.id
        left join book_genres bg on bg.book_id = b.id
        set ba.ratings_count = b.ratings_count,
            bg.ratings_count = b.ratings_count
        "#,
        json!(books).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
