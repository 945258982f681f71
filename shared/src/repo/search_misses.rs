//! Searches that found nothing, for the booksellers. No visitor is stored with them.

use sqlx::MySqlConnection;

use crate::{domain::Search, staff::SearchMiss};

/// Counts a search that found nothing. Queries with the same words are one.
pub async fn record(connection: &mut MySqlConnection, search: &Search) -> sqlx::Result<()> {
    let query: String = search.title_words().trim().chars().take(100).collect();
    if query.is_empty() {
        return Ok(());
    }
    // The number is assigned first: the query that follows depends on it.
    sqlx::query!(
        r#"
        insert into search_misses (slot, query, searches, last_at)
        values (crc32(?) % 4096, ?, 1, current_timestamp)
        on duplicate key update
            searches = if(query = values(query), searches + 1, greatest(searches - 1, 1)),
            query = if(query = values(query) or searches > 1, query, values(query)),
            last_at = values(last_at)
        "#,
        query,
        query,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The most frequent ones.
pub async fn list(connection: &mut MySqlConnection, limit: u32) -> sqlx::Result<Vec<SearchMiss>> {
    sqlx::query_as!(
        SearchMiss,
        r#"
        select
            query,
            searches,
            last_at
        from search_misses
        order by searches desc, last_at desc, query
        limit ?
        "#,
        limit,
    )
    .fetch_all(connection)
    .await
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn searches_are_counted_by_their_words(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for query in ["Zafón viento", "zafon  VIENTO!", "J.R.R. Nadie", "((("] {
            record(&mut connection, &Search::parse(query).unwrap()).await.unwrap();
        }
        let mut found: Vec<(String, u32)> =
            list(&mut connection, 10).await.unwrap().into_iter().map(|miss| (miss.query, miss.searches)).collect();
        // Of the same second, or one later than the other.
        found[1..].sort_unstable();
        assert_eq!(found, [("zafon viento".to_owned(), 2), ("(((".to_owned(), 1), ("jrr nadie".to_owned(), 1)]);
    }

    /// However many different queries there are.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_frequent_search_outlives_random_ones_in_its_slot(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let frequent = Search::parse("zafon").unwrap();
        for _ in 0..5 {
            record(&mut connection, &frequent).await.unwrap();
        }
        let same_slot = (0..100_000).map(|n| format!("x{n}")).filter(|query| slot(query) == slot("zafon")).take(3);
        for query in same_slot {
            record(&mut connection, &Search::parse(&query).unwrap()).await.unwrap();
        }
        let found = list(&mut connection, 10).await.unwrap();
        assert_eq!((found.len(), found[0].query.as_str(), found[0].searches), (1, "zafon", 2));
    }

    fn slot(query: &str) -> u32 {
        let mut crc = flate2::Crc::new();
        crc.update(query.as_bytes());
        crc.sum() % 4096
    }
}
