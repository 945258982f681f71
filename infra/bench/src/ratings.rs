//! The time of ratings, and the part of the word index in it.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::Serialize;
use shared::{
    domain::{Stars, VisitorId},
    messages::RatingV1,
    repo::ratings::{self, Published},
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{figures::milliseconds, own_database::execute};

/// Books that are rated with their entries in the word index, and as many without.
const RATED_BOOKS: usize = 200;
const RATINGS_OF_A_BOOK: u128 = 12;

/// Mean times of the transactions of ratings, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct RatingSpeed {
    pub indexed: f64,
    /// Of books without entries in the word index.
    pub unindexed: f64,
}

impl RatingSpeed {
    /// The cost of the ratings, as a multiple of their cost without the word index.
    pub fn cost_of_word_index(&self) -> f64 {
        self.indexed / self.unindexed.max(f64::EPSILON)
    }
}

/// Rates books that have entries in the word index, and in turns with them as many that have none. Their first ratings move
/// a book to another class of popularity most often: at the sixth, eighth and twelfth.
pub async fn measure(database: &mut MySqlConnection) -> Result<RatingSpeed> {
    let ids = format!("select id from books order by id limit {}", 2 * RATED_BOOKS);
    let ids: Vec<u32> = sqlx::query_scalar(AssertSqlSafe(ids)).fetch_all(&mut *database).await?;
    let (indexed, unindexed): (Vec<_>, Vec<_>) = ids.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    for book in &unindexed {
        execute(database, format!("delete from book_search where book_id = {book}")).await?;
    }
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for visitor in 1..=RATINGS_OF_A_BOOK {
        for (indexed, unindexed) in indexed.iter().zip(&unindexed) {
            with.push(publish(database, *indexed, visitor).await?);
            without.push(publish(database, *unindexed, visitor).await?);
        }
    }
    Ok(RatingSpeed { indexed: mean(&with), unindexed: mean(&without) })
}

async fn publish(database: &mut MySqlConnection, book: u32, visitor: u128) -> Result<Duration> {
    let rating = RatingV1 {
        book: book.into(),
        visitor: VisitorId::of_number(Uuid::from_u128(visitor)),
        customer: None,
        stars: Stars::parse(4)?,
        name: None,
        review: None,
    };
    let began = Instant::now();
    let mut transaction = database.begin().await?;
    let published = ratings::publish(&mut transaction, Uuid::new_v4(), OffsetDateTime::now_utc(), &rating).await?;
    transaction.commit().await?;
    ensure!(published == Published::Now, "{published:?}");
    Ok(began.elapsed())
}

/// In milliseconds.
fn mean(times: &[Duration]) -> f64 {
    let total: Duration = times.iter().sum();
    milliseconds(total / u32::try_from(times.len()).unwrap_or(u32::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_of_the_word_index_is_that_of_indexed_books_beside_the_others() {
        let speed = RatingSpeed { indexed: 3.3, unindexed: 3.0 };
        assert!((speed.cost_of_word_index() - 1.1).abs() < 1e-9);
    }
}
