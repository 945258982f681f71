//! Authors.

use std::ops::RangeInclusive;

use serde_json::json;
use sqlx::MySqlConnection;

use crate::domain::{Author, AuthorId, BookId, Search, SearchEntry};

/// Authors that a search names, at most.
const MAX_NAMED: usize = 3;

pub async fn find(connection: &mut MySqlConnection, id: AuthorId) -> sqlx::Result<Option<Author>> {
    sqlx::query_as!(Author, "select id, name from authors where id = ?", id.get()).fetch_optional(connection).await
}

/// The authors of these books whose names have all words of the search, those of most of the books first; at most three.
pub async fn named(connection: &mut MySqlConnection, search: &Search, books: &[BookId]) -> sqlx::Result<Vec<Author>> {
    let ids: Vec<u32> = books.iter().map(|id| id.get()).collect();
    let authors = sqlx::query_as!(
        Author,
        r#"
        select
            a.id,
            a.name
        from json_table(?, '$[*]' columns (place for ordinality, book_id int unsigned path '$')) hit
        straight_join book_authors ba on ba.book_id = hit.book_id
        join authors a on a.id = ba.author_id
        group by a.id
        order by count(*) desc, min(hit.place), a.id
        "#,
        json!(ids).to_string(),
    );
    let authors = authors.fetch_all(connection).await?.into_iter();
    Ok(authors.filter(|author| search.finds(&SearchEntry::of(&author.name, ""))).take(MAX_NAMED).collect())
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

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::repo::fixtures::book;

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn authors_are_named_by_all_their_words_and_those_of_most_hits_come_first(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut ids = Vec::new();
        for (title, author) in [("Romancero", "Federico García Lorca"), ("Cien años", "Gabriel García Márquez")] {
            ids.push(book(&mut connection, title, author, 3).await);
        }
        ids.push(book(&mut connection, "El coronel", "Gabriel García Márquez", 1).await);
        let mut names = async |query: &str, books: &[BookId]| {
            let search = Search::parse(query).unwrap();
            let authors = named(&mut connection, &search, books).await.unwrap();
            authors.into_iter().map(|author| author.name).collect::<Vec<_>>()
        };
        assert_eq!(names("garcia", &ids).await, ["Gabriel García Márquez", "Federico García Lorca"]);
        assert_eq!(names("garcia lor", &ids).await, ["Federico García Lorca"]);
        assert!(names("garcia lorca romancero", &ids).await.is_empty());
        assert!(names("garcia", &[]).await.is_empty());
    }
}
