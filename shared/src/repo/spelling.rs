//! Corrections of a search that finds nothing, with the catalogue's words as the dictionary.

use std::{cmp::Reverse, collections::BTreeSet};

use serde_json::json;
use sqlx::{MySql, MySqlConnection, QueryBuilder};

use super::books::{self, Listing};
use crate::domain::{
    Search, SearchEntry, Slice, Summary,
    spelling::{self, Known},
};

/// Words that are looked up for each variant of a beginning.
const BEGUN: u32 = 50;
/// The largest number of hits that a correction is chosen from.
const HITS: u32 = 100;

/// If the list is empty: a query with other blanks or with a similar spelling that finds something within the same filters.
/// One search accepts all similar words; the hit with the least edit distance to the query has the corrections, of several
/// the one whose corrected words the most books have, and then the most rated.
pub async fn did_you_mean(
    connection: &mut MySqlConnection,
    listing: &Listing,
    found: &Slice<Summary>,
) -> sqlx::Result<Option<String>> {
    let Some(search) = listing.search.as_ref().filter(|_| found.items.is_empty()) else { return Ok(None) };
    let by_blanks = books_of(connection, &search.words_by_blanks()).await?;
    for query in search.respaced(&by_blanks) {
        if finds(connection, listing, &query).await? {
            return Ok(Some(query));
        }
    }
    let near = near(connection, search).await?;
    let near = books_of(connection, &near).await?;
    let Some(search) = search.with_fuzzy_terms(&near) else { return Ok(None) };
    let loose = Listing::of_most_popular(search.clone(), listing.filter.clone(), HITS);
    let hits = books::list(connection, &loose).await?.items;
    let meant = hits.iter().map(|book| (search.correction_for(&format!("{} {}", book.title, book.byline)), book));
    let books = |words: &[String]| words.iter().filter_map(|word| near.get(word)).min().copied();
    let best = meant.min_by_key(|(meant, _)| (meant.distance, Reverse(books(&meant.words))));
    let best = best.filter(|(meant, _)| meant.distance > 0);
    // It finds the book that it comes from, at the least.
    let finds = |query: &str, book: &Summary| {
        Search::parse(query).is_ok_and(|search| search.is_found_in(&SearchEntry::of(&book.title, &book.byline)))
    };
    Ok(best.filter(|(meant, book)| finds(&meant.query, book)).map(|(meant, _)| meant.query))
}

/// Whether another query finds something within the same filters.
async fn finds(connection: &mut MySqlConnection, listing: &Listing, query: &str) -> sqlx::Result<bool> {
    let Ok(search) = Search::parse(query) else { return Ok(false) };
    let meant = Listing::of_most_popular(search, listing.filter.clone(), 1);
    Ok(!books::list(connection, &meant).await?.items.is_empty())
}

/// Those of these words that books have, with their number.
async fn books_of(connection: &mut MySqlConnection, words: &BTreeSet<String>) -> sqlx::Result<Known> {
    if words.is_empty() {
        return Ok(Known::new());
    }
    let rows = sqlx::query!(
        r#"
        select
            w.word,
            w.books
        from json_table(?, '$[*]' columns (word varchar(64) collate utf8mb4_nopad_bin path '$')) asked
        straight_join words w on w.word = asked.word
        where w.books > 0
        "#,
        json!(words).to_string(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.word, row.books)).collect())
}

/// Words that are similar to a word of the search: they have a variant in common with it, or begin with a variant of the
/// last one, which may not be finished.
async fn near(connection: &mut MySqlConnection, search: &Search) -> sqlx::Result<BTreeSet<String>> {
    let variants: BTreeSet<String> =
        spelling::words(search.text()).iter().flat_map(|word| spelling::variants(word)).collect();
    let words = sqlx::query_scalar!(
        r#"
        select distinct v.word
        from json_table(?, '$[*]' columns (variant varchar(32) collate utf8mb4_bin path '$')) asked
        join word_variants v on v.variant = asked.variant
        limit 1000
        "#,
        json!(variants).to_string(),
    );
    let mut near: BTreeSet<String> = words.fetch_all(&mut *connection).await?.into_iter().collect();
    near.extend(begun(connection, &search.variants_of_beginning()).await?);
    Ok(near)
}

/// Words with a variant that begins with one of these: a few for each.
async fn begun(connection: &mut MySqlConnection, variants: &BTreeSet<String>) -> sqlx::Result<Vec<String>> {
    let mut sql = QueryBuilder::<MySql>::new("");
    for (at, variant) in variants.iter().enumerate() {
        sql.push(if at > 0 { " union " } else { "" });
        sql.push("(select word from word_variants where variant >= ").push_bind(variant.clone());
        sql.push(" and variant < ").push_bind(format!("{variant}\u{10ffff}"));
        sql.push(format_args!(" limit {BEGUN})"));
    }
    if variants.is_empty() {
        return Ok(Vec::new());
    }
    sql.build_query_scalar().fetch_all(connection).await
}

#[cfg(test)]
mod tests {
    use sqlx::{MySqlPool, pool::PoolConnection};

    use super::*;
    use crate::{
        domain::{CatalogueRow, Filter, Histogram, Language, Sort},
        repo::{catalogue, fixtures::row},
    };

    const SHELF: &[(&str, &str, &str, u32)] = &[
        ("Don Quijote de la Mancha", "Miguel de Cervantes", "es", 90),
        ("Don Quixote", "Miguel de Cervantes", "en", 80),
        ("Cien años de soledad", "Gabriel García Márquez", "es", 70),
        ("The Hobbit", "J.R.R. Tolkien", "en", 60),
        ("Pride and Prejudice", "Jane Austen", "en", 50),
        ("The Texas Rangers in Austin", "Jack Smith", "en", 900),
        ("Far from the Madding Crowd", "Thomas Hardy", "en", 40),
        ("Harry Potter and the Philosopher's Stone", "J.K. Rowling", "en", 700),
        ("To Kill a Mockingbird", "Harper Lee", "en", 800),
        ("The Left Hand of Darkness", "Ursula K. Le Guin", "en", 30),
        ("El conde de Montecristo", "Alexandre Dumas", "es", 20),
        ("War and Peace", "Leo Tolstoy", "en", 300),
        ("Anna Karenina", "Leo Tolstoy", "en", 200),
        ("Anna Karenina (ilustrada)", "Lev Tolstoj", "es", 999),
        ("Nicola", "Germs Gabaldon", "en", 5),
    ];

    fn rows() -> Vec<CatalogueRow> {
        let row = |(n, (title, author, language, ratings)): (usize, &(&str, &str, &str, u32))| CatalogueRow {
            language: Some(Language::parse(language).unwrap()),
            stars: Some(Histogram([0, 0, 0, *ratings, 0])),
            ..row(&format!("r{n}"), title, &[author])
        };
        SHELF.iter().enumerate().map(row).collect()
    }

    async fn shelf(pool: &MySqlPool) -> PoolConnection<MySql> {
        let mut connection = pool.acquire().await.unwrap();
        for row in rows() {
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        connection
    }

    async fn meant(connection: &mut MySqlConnection, query: &str, filter: Filter) -> Option<String> {
        let listing = Listing::new(Some(Search::parse(query).unwrap()), filter, Sort::Relevance, 24);
        let found = books::list(connection, &listing).await.unwrap();
        did_you_mean(connection, &listing, &found).await.unwrap()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_misspelt_word_is_corrected_to_one_of_the_catalogue(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for (typed, expected) in [
            ("quijtoe", "quijote"),
            ("tolkein", "tolkien"),
            ("garcia marqez", "garcia marquez"),
            ("«Cien AÑOS de soleda y»", "«Cien AÑOS de soledad y»"),
            ("hobit tolkein", "hobbit tolkien"),
            // Each of these words is known, but not both together.
            ("jane austin", "jane austen"),
            // Of two that are as near, the most rated.
            ("hary", "harry"),
            ("hary thomas", "hardy thomas"),
            // Of two that are as near, the one of more books, though another book is rated more.
            ("tolstói", "tolstoy"),
            ("karenina tolstoi", "karenina tolstoy"),
        ] {
            assert_eq!(meant(&mut connection, typed, Filter::default()).await.as_deref(), Some(expected), "{typed}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn words_that_were_parted_or_joined_are_corrected(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for (typed, expected) in [
            ("mocking bird", "mockingbird"),
            ("To kill a mocking bird", "To kill a mockingbird"),
            ("harrypotter", "harry potter"),
            ("leguin", "le guin"),
            ("ursula leguin darkness", "ursula le guin darkness"),
            ("monte cristo", "montecristo"),
            ("cienañosdesoledad", "cien anos de soledad"),
            ("prideandprejudice", "pride and prejudice"),
        ] {
            assert_eq!(meant(&mut connection, typed, Filter::default()).await.as_deref(), Some(expected), "{typed}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn no_correction_for_a_query_that_finds_something_or_resembles_nothing(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for typed in [
            "quijote",
            "quij",
            "zzz",
            "(((",
            "xilofonista",
            "9780618002214",
            "hobit tolkein soledad",
            // Another word in four or five letters is no slip.
            "niño",
            "gabo",
            "grrm",
            // Known words that no book has together.
            "hobbitharry",
        ] {
            assert_eq!(meant(&mut connection, typed, Filter::default()).await, None, "{typed}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_correction_finds_something_within_the_same_filters(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        let language = |tag| Filter { language: Some(Language::parse(tag).unwrap()), ..Filter::default() };
        assert_eq!(meant(&mut connection, "qixote", language("en")).await.as_deref(), Some("quixote"));
        assert_eq!(meant(&mut connection, "qixote", language("es")).await, None);
        assert_eq!(meant(&mut connection, "quijote", language("en")).await.as_deref(), Some("quixote"));
    }
}
