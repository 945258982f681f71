//! The word index: which books have a word in title or authors, the most popular first. It is written in the transaction
//! that writes the book.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde_json::json;
use sqlx::{FromRow, MySqlConnection};

use super::dictionary;
use crate::domain::{SearchEntry, popularity_class};

/// A book with what it is indexed by.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct IndexedBook {
    pub id: u32,
    pub title: String,
    /// The names of all authors, also of those that the byline has no room for.
    pub authors: String,
    pub ratings_count: u32,
}

/// Writes the entries of these books, new or changed, and learns their words. Their rows must be locked, and it must be in
/// their transaction.
pub async fn write(connection: &mut MySqlConnection, books: &[IndexedBook]) -> sqlx::Result<()> {
    if books.is_empty() {
        return Ok(());
    }
    let entries: Vec<(u32, u8, SearchEntry)> = books
        .iter()
        .map(|book| (book.id, popularity_class(book.ratings_count), SearchEntry::of(&book.title, &book.authors)))
        .collect();
    let before = stored(connection, books.iter().map(|book| book.id).collect()).await?;
    let mut difference = Difference::default();
    for (book, place, entry) in &entries {
        difference.note(*book, before.get(book), (*place, &entry.terms));
    }
    write_entries(connection, &entries).await?;
    dictionary::learn(connection, entries.iter().flat_map(|(_, _, entry)| &entry.terms)).await?;
    difference.write(connection).await
}

/// Moves a book to the class of its number of ratings, if that is another one.
pub async fn move_to_class(connection: &mut MySqlConnection, book: u32, ratings_count: u32) -> sqlx::Result<()> {
    move_to_classes(connection, &BTreeMap::from([(book, ratings_count)])).await
}

/// Moves books to the classes of their numbers of ratings, where these are others.
pub async fn move_to_classes(
    connection: &mut MySqlConnection,
    ratings_counts: &BTreeMap<u32, u32>,
) -> sqlx::Result<()> {
    if ratings_counts.is_empty() {
        return Ok(());
    }
    let before = stored(connection, ratings_counts.keys().copied().collect()).await?;
    let mut difference = Difference::default();
    let mut places = Vec::new();
    for (book, ratings_count) in ratings_counts {
        let place = popularity_class(*ratings_count);
        if let Some(stored) = before.get(book).filter(|stored| stored.place != place) {
            difference.note(*book, Some(stored), (place, &stored.terms));
            places.push(json!([book, place]));
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            place tinyint unsigned path '$[1]'
        )) moved
        straight_join book_search s on s.book_id = moved.book_id
        set s.place = moved.place
        "#,
        json!(places).to_string(),
    )
    .execute(&mut *connection)
    .await?;
    difference.write(connection).await
}

/// Writes the entries of those books with these ids whose entries are missing, of another definition, or do not fit the
/// book: what a version without the index has written. Returns how many there were.
pub async fn refresh(connection: &mut MySqlConnection, ids: RangeInclusive<u32>) -> sqlx::Result<u32> {
    let rows = sqlx::query!(
        r#"
        select
            b.id,
            b.ratings_count,
            if(s.source = crc32(concat_ws('\n', ?, b.title, b.byline)), s.place, null) as "place: u8"
        from books b
        left join book_search s on s.book_id = b.id
        where b.id between ? and ?
        order by b.id
        for update
        "#,
        SearchEntry::VERSION,
        ids.start(),
        ids.end(),
    );
    let rows = rows.fetch_all(&mut *connection).await?.into_iter();
    let stale = rows.filter(|row| row.place != Some(popularity_class(row.ratings_count)));
    let stale: Vec<u32> = stale.map(|row| row.id).collect();
    let stale_books = with_authors(connection, &stale).await?;
    write(connection, &stale_books).await?;
    Ok(u32::try_from(stale.len()).unwrap_or(u32::MAX))
}

async fn with_authors(connection: &mut MySqlConnection, books: &[u32]) -> sqlx::Result<Vec<IndexedBook>> {
    sqlx::query_as!(
        IndexedBook,
        r#"
        select
            b.id,
            b.title,
            coalesce(group_concat(a.name order by ba.position separator ', '), b.byline) as "authors!",
            b.ratings_count
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        left join book_authors ba on ba.book_id = b.id
        left join authors a on a.id = ba.author_id
        group by b.id
        "#,
        json!(books).to_string(),
    )
    .fetch_all(connection)
    .await
}

/// The entry of a book in the database.
struct Stored {
    place: u8,
    terms: BTreeSet<String>,
}

async fn stored(connection: &mut MySqlConnection, books: BTreeSet<u32>) -> sqlx::Result<BTreeMap<u32, Stored>> {
    let rows = sqlx::query!(
        r#"
        select
            s.book_id,
            s.place,
            s.terms
        from json_table(?, '$[*]' columns (book_id int unsigned path '$')) asked
        straight_join book_search s on s.book_id = asked.book_id
        for update
        "#,
        json!(books).to_string(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let terms = |text: &str| text.split(' ').filter(|term| !term.is_empty()).map(str::to_owned).collect();
    Ok(rows.map(|row| (row.book_id, Stored { place: row.place, terms: terms(&row.terms) })).collect())
}

async fn write_entries(connection: &mut MySqlConnection, entries: &[(u32, u8, SearchEntry)]) -> sqlx::Result<()> {
    let rows: Vec<_> = entries
        .iter()
        .map(|(book, place, entry)| json!([book, place, entry.title, entry.title_key, entry.terms_text()]))
        .collect();
    sqlx::query!(
        r#"
        insert into book_search (book_id, place, source, title, title_key, terms)
        select
            entry.book_id,
            entry.place,
            crc32(concat_ws('\n', ?, b.title, b.byline)),
            entry.title,
            entry.title_key,
            entry.terms
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            place tinyint unsigned path '$[1]',
            title varchar(500) collate utf8mb4_nopad_bin path '$[2]',
            title_key varchar(100) collate utf8mb4_nopad_bin path '$[3]',
            terms varchar(4000) collate utf8mb4_nopad_bin path '$[4]'
        )) entry
        straight_join books b on b.id = entry.book_id
        on duplicate key update
            place = values(place),
            source = values(source),
            title = values(title),
            title_key = values(title_key),
            terms = values(terms)
        "#,
        SearchEntry::VERSION,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What changes in the index; sorted by word, so that two imports lock words in the same order.
#[derive(Default)]
struct Difference {
    removed: BTreeSet<(String, u8, u32)>,
    added: BTreeSet<(String, u8, u32)>,
    /// By how much the number of books of a word changes.
    counts: BTreeMap<String, i64>,
}

impl Difference {
    fn note(&mut self, book: u32, before: Option<&Stored>, (place, terms): (u8, &BTreeSet<String>)) {
        let none = BTreeSet::new();
        let old = before.map_or(&none, |stored| &stored.terms);
        for term in old {
            if !terms.contains(term) {
                *self.counts.entry(term.clone()).or_default() -= 1;
            }
        }
        for term in terms {
            if !old.contains(term) {
                *self.counts.entry(term.clone()).or_default() += 1;
            }
        }
        let moved = before.is_some_and(|stored| stored.place != place);
        let old_place = before.map_or(place, |stored| stored.place);
        let is_gone = |term: &&String| moved || !terms.contains(*term);
        let is_new = |term: &&String| moved || !old.contains(*term);
        self.removed.extend(old.iter().filter(is_gone).map(|term| (term.clone(), old_place, book)));
        self.added.extend(terms.iter().filter(is_new).map(|term| (term.clone(), place, book)));
    }

    async fn write(&self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        /// Entries that one statement writes.
        const ENTRIES: usize = 5_000;
        for entries in Vec::from_iter(&self.removed).chunks(ENTRIES) {
            remove(connection, entries).await?;
        }
        for entries in Vec::from_iter(&self.added).chunks(ENTRIES) {
            add(connection, entries).await?;
        }
        let changed: Vec<_> = self.counts.iter().filter(|(_, change)| **change != 0).collect();
        for counts in changed.chunks(ENTRIES) {
            count(connection, counts).await?;
        }
        Ok(())
    }
}

async fn remove(connection: &mut MySqlConnection, entries: &[&(String, u8, u32)]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        delete w
        from json_table(?, '$[*]' columns (
            word varchar(64) collate utf8mb4_nopad_bin path '$[0]',
            place tinyint unsigned path '$[1]',
            book_id int unsigned path '$[2]'
        )) gone
        straight_join book_words w on w.word = gone.word and w.place = gone.place and w.book_id = gone.book_id
        "#,
        json!(entries).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn add(connection: &mut MySqlConnection, entries: &[&(String, u8, u32)]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert ignore into book_words (word, place, book_id)
        select
            entry.word,
            entry.place,
            entry.book_id
        from json_table(?, '$[*]' columns (
            word varchar(64) collate utf8mb4_nopad_bin path '$[0]',
            place tinyint unsigned path '$[1]',
            book_id int unsigned path '$[2]'
        )) entry
        "#,
        json!(entries).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn count(connection: &mut MySqlConnection, counts: &[(&String, &i64)]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into words (word, books)
        select
            counted.word,
            greatest(counted.books, 0)
        from json_table(?, '$[*]' columns (
            word varchar(64) collate utf8mb4_nopad_bin path '$[0]',
            books int path '$[1]'
        )) counted
        on duplicate key update books = greatest(cast(words.books as signed) + counted.books, 0)
        "#,
        json!(counts).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Histogram},
        repo::{
            catalogue,
            fixtures::{book, minute, rating, row},
            ratings,
        },
    };

    /// The books of a word, the most popular first.
    async fn books_of(connection: &mut MySqlConnection, word: &str) -> Vec<u32> {
        let books = sqlx::query_scalar("select book_id from book_words where word = ? order by place, book_id");
        books.bind(word).fetch_all(connection).await.unwrap()
    }

    /// Compares the index with what the books' titles, authors and ratings make of it.
    async fn assert_fits_the_books(connection: &mut MySqlConnection) {
        let books: Vec<IndexedBook> = sqlx::query_as("select id, title, byline as authors, ratings_count from books")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        let mut entries = BTreeSet::new();
        let mut counts = BTreeMap::new();
        for book in books {
            for term in SearchEntry::of(&book.title, &book.authors).terms {
                *counts.entry(term.clone()).or_insert(0) += 1;
                entries.insert((term, popularity_class(book.ratings_count), book.id));
            }
        }
        let stored: Vec<(String, u8, u32)> =
            sqlx::query_as("select word, place, book_id from book_words").fetch_all(&mut *connection).await.unwrap();
        assert_eq!(BTreeSet::from_iter(stored), entries);
        let stored: Vec<(String, u32)> =
            sqlx::query_as("select word, books from words where books > 0").fetch_all(&mut *connection).await.unwrap();
        assert_eq!(BTreeMap::from_iter(stored), counts);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_index_follows_every_change_of_a_book(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut put = async |row: &CatalogueRow| {
            catalogue::put(&mut connection, row).await.unwrap();
            assert_fits_the_books(&mut connection).await;
        };
        put(&row("a", "Don't Panic", &["J.R.R. Tolkien"])).await;
        put(&row("b", "Spider-Man", &["Stan Lee"])).await;
        put(&row("a", "Do Panic (Panic, #2)", &["J.R.R. Tolkien"])).await;
        put(&row("a", "Do Panic", &["Nobody"])).await;
        put(&CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 900])), ..row("b", "Spider-Man", &["Stan Lee"]) }).await;
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_most_popular_books_of_a_word_come_first_and_ratings_move_them(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let quiet = book(&mut connection, "Mar", "Nadie", 0).await;
        let known = book(&mut connection, "Mar de fondo", "Nadie", 6).await;
        assert_eq!(books_of(&mut connection, "mar").await, [known.get(), quiet.get()]);
        for visitor in 1..=9 {
            let id = uuid::Uuid::from_u128(visitor);
            ratings::publish(&mut connection, id, minute(0), &rating(quiet, visitor, 5)).await.unwrap();
        }
        assert_eq!(books_of(&mut connection, "mar").await, [quiet.get(), known.get()]);
        assert_fits_the_books(&mut connection).await;
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_author_whom_the_byline_has_no_room_for_is_indexed(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let names: Vec<String> = (0..60).map(|n| format!("Autora Número{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        catalogue::put(&mut connection, &row("a", "Antología", &names)).await.unwrap();
        assert_eq!(books_of(&mut connection, "numero59").await.len(), 1);
        sqlx::raw_sql("update book_search set source = 0").execute(&mut *connection).await.unwrap();
        assert_eq!(refresh(&mut connection, 1..=100).await.unwrap(), 1);
        assert_eq!(books_of(&mut connection, "numero59").await.len(), 1);
    }

    /// As a version without the index writes books.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_refresh_writes_what_is_missing_or_stale_and_nothing_else(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let known = book(&mut connection, "Mar", "Nadie", 0).await;
        sqlx::raw_sql("insert into books (reference, title, byline) values ('x', 'Nuevo', 'Alguien')")
            .execute(&mut *connection)
            .await
            .unwrap();
        sqlx::query("update books set title = 'Tierra', ratings_count = 50 where id = ?")
            .bind(known.get())
            .execute(&mut *connection)
            .await
            .unwrap();
        assert_eq!(refresh(&mut connection, 1..=100).await.unwrap(), 2);
        assert_fits_the_books(&mut connection).await;
        assert_eq!(refresh(&mut connection, 1..=100).await.unwrap(), 0);
    }
}
