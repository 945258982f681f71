//! Inserts the catalogue into an empty database with the schema of the shop.

use std::collections::HashMap;

use sqlx::{AssertSqlSafe, Connection, MySql, MySqlConnection, QueryBuilder, Row};

use crate::{GENRES, GeneratedBook, books, score};

/// Books in one transaction.
const BATCH: usize = 1_000;

/// Inserts the first `count` books with the ids from 1 on, their authors, genres and star counts.
///
/// All ids are explicit. Other tables stay empty; optimizer statistics are not updated.
///
/// # Errors
/// The schema does not fit, or the tables are not empty. The database must then be created again.
pub async fn load(connection: &mut MySqlConnection, count: u32) -> sqlx::Result<()> {
    // The generated rows are consistent, so the server need not check them.
    execute(connection, "set foreign_key_checks = 0, unique_checks = 0").await?;
    let indexes = drop_indexes(connection).await?;
    insert_genres(connection).await?;
    let mut loader = Loader::default();
    let mut remaining = books(count);
    loop {
        let batch: Vec<GeneratedBook> = remaining.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        loader.insert(connection, &batch).await?;
    }
    execute(connection, "update genres g set books = (select count(*) from book_genres bg where bg.genre_id = g.id)")
        .await?;
    add_indexes(connection, indexes).await?;
    execute(connection, "set foreign_key_checks = 1, unique_checks = 1").await
}

/// Drops the indexes of `books` that are not unique, and returns their definitions: building them at the end takes a
/// fraction of the time of keeping them up to date.
async fn drop_indexes(connection: &mut MySqlConnection) -> sqlx::Result<Vec<String>> {
    let row = sqlx::query("show create table books").fetch_one(&mut *connection).await?;
    let table: String = row.try_get(1)?;
    let lines = table.lines().map(|line| line.trim().trim_end_matches(','));
    let indexes: Vec<String> =
        lines.filter(|line| line.starts_with("KEY ") || line.starts_with("FULLTEXT KEY ")).map(str::to_owned).collect();
    let names = indexes.iter().filter_map(|index| index.split('`').nth(1));
    let drops: Vec<String> = names.map(|name| format!("drop index `{name}`")).collect();
    if !drops.is_empty() {
        execute(connection, format!("alter table books {}", drops.join(", "))).await?;
    }
    Ok(indexes)
}

/// Adds the ordinary indexes in one pass over the table, and each full-text index, which needs its own.
async fn add_indexes(connection: &mut MySqlConnection, indexes: Vec<String>) -> sqlx::Result<()> {
    let (full_text, ordinary): (Vec<_>, Vec<_>) = indexes.into_iter().partition(|index| index.starts_with("FULLTEXT"));
    let ordinary: Vec<String> = ordinary.iter().map(|index| format!("add {index}")).collect();
    let passes = (!ordinary.is_empty()).then(|| ordinary.join(", "));
    for pass in passes.into_iter().chain(full_text.iter().map(|index| format!("add {index}"))) {
        execute(connection, format!("alter table books {pass}")).await?;
    }
    Ok(())
}

/// The id of a genre is its position in [`GENRES`], from 1 on.
async fn insert_genres(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    let mut sql = QueryBuilder::<MySql>::new("insert into genres (id, slug) ");
    sql.push_values((1_u16..).zip(GENRES), |mut row, (id, slug)| {
        row.push_bind(id).push_bind(slug);
    });
    sql.build().execute(connection).await.map(drop)
}

#[derive(Default)]
struct Loader {
    /// The number of books so far, which is the id of the last.
    books: u32,
    /// Ids by name.
    authors: HashMap<String, u32>,
}

impl Loader {
    async fn insert(&mut self, connection: &mut MySqlConnection, batch: &[GeneratedBook]) -> sqlx::Result<()> {
        let mut transaction = connection.begin().await?;
        let first = self.books + 1;
        self.books += u32::try_from(batch.len()).unwrap_or_default();
        self.insert_authors(&mut transaction, batch).await?;
        insert_books(&mut transaction, first, batch).await?;
        for statement in [self.book_authors(first, batch), book_genres(first, batch), star_counts(first, batch)] {
            execute(&mut transaction, statement).await?;
        }
        transaction.commit().await
    }

    /// Inserts those authors that no earlier book has.
    async fn insert_authors(&mut self, connection: &mut MySqlConnection, batch: &[GeneratedBook]) -> sqlx::Result<()> {
        let mut new = Vec::new();
        for name in batch.iter().flat_map(|book| &book.authors) {
            if !self.authors.contains_key(name) {
                let id = u32::try_from(self.authors.len() + 1).unwrap_or(u32::MAX);
                self.authors.insert(name.clone(), id);
                new.push((id, name));
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut sql = QueryBuilder::<MySql>::new("insert into authors (id, name) ");
        sql.push_values(new, |mut row, (id, name)| {
            row.push_bind(id).push_bind(name);
        });
        // Not kept as a prepared statement, because the next batch has another number of authors.
        sql.build().persistent(false).execute(connection).await.map(drop)
    }

    fn book_authors(&self, first: u32, batch: &[GeneratedBook]) -> String {
        let rows = (first..).zip(batch).flat_map(|(book, generated)| {
            let authors = generated.authors.iter().filter_map(|name| self.authors.get(name));
            authors.enumerate().map(move |(position, author)| format!("({book},{position},{author})"))
        });
        insert("book_authors (book_id, position, author_id)", rows)
    }
}

async fn insert_books(connection: &mut MySqlConnection, first: u32, batch: &[GeneratedBook]) -> sqlx::Result<()> {
    let mut sql = QueryBuilder::<MySql>::new(
        "insert into books (id, reference, isbn, title, byline, year, language, price, currency, stock, ratings_count, score) ",
    );
    sql.push_values((first..).zip(batch), |mut row, (id, book)| {
        row.push_bind(id)
            .push_bind(&book.reference)
            .push_bind(&book.isbn)
            .push_bind(&book.title)
            .push_bind(book.authors.join(", "))
            .push_bind(book.year)
            .push_bind(&book.language)
            .push_bind(book.price_minor)
            .push_bind(book.price_minor.map(|_| "EUR"))
            .push_bind(book.stock)
            .push_bind(book.stars.iter().sum::<u32>())
            .push_bind(score(book.stars));
    });
    sql.build().execute(connection).await.map(drop)
}

fn book_genres(first: u32, batch: &[GeneratedBook]) -> String {
    let rows = (first..).zip(batch).flat_map(|(book, generated)| {
        let ids = generated.genres.iter().filter_map(|slug| GENRES.iter().position(|known| known == slug));
        ids.map(move |position| format!("({book},{})", position + 1))
    });
    insert("book_genres (book_id, genre_id)", rows)
}

/// Five rows a book, also where nobody gave that many stars, as an import writes them.
fn star_counts(first: u32, batch: &[GeneratedBook]) -> String {
    let rows = (first..).zip(batch).flat_map(|(book, generated)| {
        (1..).zip(generated.stars).map(move |(stars, count): (u8, u32)| format!("({book},{stars},{count})"))
    });
    insert("star_counts (book_id, stars, imported)", rows)
}

/// A statement that inserts rows of numbers; `do 0`, which does nothing, without rows.
fn insert(table: &str, rows: impl Iterator<Item = String>) -> String {
    let rows: Vec<String> = rows.collect();
    if rows.is_empty() { "do 0".to_owned() } else { format!("insert into {table} values {}", rows.join(",")) }
}

/// Executes a statement that contains no text of others.
async fn execute(connection: &mut MySqlConnection, sql: impl Into<String>) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(connection).await.map(drop)
}
