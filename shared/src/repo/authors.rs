//! Authors.

use sqlx::MySqlConnection;

use crate::domain::Author;

pub async fn find(connection: &mut MySqlConnection, id: u32) -> sqlx::Result<Option<Author>> {
    sqlx::query_as!(Author, "select id, name from authors where id = ?", id).fetch_optional(connection).await
}
