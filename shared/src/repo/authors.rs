//! Authors.

use std::ops::RangeInclusive;

use sqlx::MySqlConnection;

use crate::domain::{Author, AuthorId};

pub async fn find(connection: &mut MySqlConnection, id: AuthorId) -> sqlx::Result<Option<Author>> {
    sqlx::query_as!(Author, "select id, name from authors where id = ?", id.get()).fetch_optional(connection).await
}

/// The greatest id, 0 where there is no author.
pub async fn last_id(connection: &mut MySqlConnection) -> sqlx::Result<u32> {
    let id = sqlx::query_scalar!("select max(id) from authors").fetch_one(connection);
    Ok(id.await?.unwrap_or_default())
}

/// Authors with these ids, except those without a book.
pub async fn within(connection: &mut MySqlConnection, ids: RangeInclusive<u32>) -> sqlx::Result<Vec<Author>> {
    sqlx::query_as!(
        Author,
        r#"
        select
            a.id,
            a.name
        from authors a
        where a.id between ? and ?
          and exists (select 1 from book_authors ba where ba.author_id = a.id)
        order by a.id
        "#,
        ids.start(),
        ids.end(),
    )
    .fetch_all(connection)
    .await
}
