//! How many books each value of a filter finds in the whole shop. The numbers are stored, and change in the transaction
//! that changes the books, so that no request counts.

use std::collections::BTreeMap;

use serde_json::json;
use sqlx::MySqlConnection;

use super::genres;
use crate::domain::{Count, PRICE_BANDS, base_language};

/// The kind of a value that is counted in `genres`.
const GENRE: &str = "genre";

/// What filters see of a book.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counted {
    pub genres: Vec<String>,
    pub language: Option<String>,
    pub price: Option<u32>,
    pub stock: u32,
    pub ratings_count: u32,
    /// In millionths of a star.
    pub score: u32,
}

/// A change of the numbers.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Change(BTreeMap<(&'static str, String), i64>);

impl Counted {
    /// The kinds and values that count this book.
    fn values(&self) -> Vec<(&'static str, String)> {
        let mut values = vec![("all", String::new())];
        values.extend(self.language.as_deref().map(|language| ("language", base_language(language).to_owned())));
        values.extend((self.stock > 0 && self.price.is_some()).then(|| ("in_stock", String::new())));
        values.extend((self.ratings_count > 0).then(|| ("rating", (self.score / 500_000).to_string())));
        values.extend(self.genres.iter().map(|genre| (GENRE, genre.clone())));
        values.extend(self.price.and_then(price_band).map(|band| ("price", band.to_string())));
        values
    }
}

/// The lowest limit that admits a price.
fn price_band(price: u32) -> Option<u32> {
    PRICE_BANDS.into_iter().find(|limit| price <= *limit)
}

impl Change {
    /// A book as it was before and as it is now; none where there is no book.
    pub fn note(&mut self, before: Option<&Counted>, after: Option<&Counted>) {
        for value in before.into_iter().flat_map(Counted::values) {
            *self.0.entry(value).or_default() -= 1;
        }
        for value in after.into_iter().flat_map(Counted::values) {
            *self.0.entry(value).or_default() += 1;
        }
        self.0.retain(|_, change| *change != 0);
    }

    /// Stores the change. It is the last statement before the commit, because other writers wait for these rows.
    pub async fn write(&self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (genres, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|((kind, _), _)| *kind == GENRE);
        if !genres.is_empty() {
            let rows: Vec<_> = genres.iter().map(|((_, slug), change)| json!([slug, change])).collect();
            count_genres(connection, &json!(rows).to_string()).await?;
        }
        let rows: Vec<_> = others.iter().map(|((kind, value), change)| json!([kind, value, change])).collect();
        sqlx::query!(
            r#"
            insert into shop_counts (kind, value, books)
            select
                counted.kind,
                counted.value,
                greatest(counted.books, 0)
            from json_table(?, '$[*]' columns (
                kind varchar(10) character set ascii path '$[0]',
                value varchar(35) character set ascii path '$[1]',
                books int path '$[2]'
            )) counted
            on duplicate key update books = greatest(cast(shop_counts.books as signed) + counted.books, 0)
            "#,
            json!(rows).to_string(),
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// `rows` are pairs of a slug and a change, as JSON.
async fn count_genres(connection: &mut MySqlConnection, rows: &str) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            slug varchar(60) character set ascii collate ascii_bin path '$[0]',
            books int path '$[1]'
        )) counted
        join genres g on g.slug = counted.slug
        set g.books = greatest(cast(g.books as signed) + counted.books, 0)
        "#,
        rows,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShopCounts {
    pub all: u32,
    /// By base language, the largest first.
    pub languages: Vec<Count>,
    pub in_stock: u32,
    /// By half stars: at 9 those with 4.5 stars and more, but less than 5.
    ratings: BTreeMap<u32, u32>,
    /// By the limits of [`PRICE_BANDS`].
    prices: BTreeMap<u32, u32>,
}

/// How many books a filter finds: between these two numbers, the same if that is known exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Between {
    pub at_least: u32,
    pub at_most: u32,
}

impl Between {
    pub fn exactly(books: u32) -> Self {
        Self { at_least: books, at_most: books }
    }

    pub fn is_exact(self) -> bool {
        self.at_least == self.at_most
    }
}

impl ShopCounts {
    /// How many have at least this score, in millionths of a star: exact for half stars, else between the half star above
    /// and the one below.
    pub fn with_score(&self, score: u32) -> Between {
        let from = |half_stars: u32| self.ratings.range(half_stars..).map(|(_, books)| books).sum();
        Between { at_least: from(score.div_ceil(500_000)), at_most: from(score / 500_000) }
    }

    /// How many have a price up to this limit in minor units: exact for [`PRICE_BANDS`], else between the band below and
    /// the one above.
    pub fn with_price(&self, limit: u32) -> Between {
        let up_to = |band: u32| self.prices.range(..=band).map(|(_, books)| books).sum();
        let below = PRICE_BANDS.into_iter().rev().find(|band| *band <= limit);
        Between { at_least: below.map_or(0, up_to), at_most: price_band(limit).map_or(self.all, up_to) }
    }
}

pub async fn read(connection: &mut MySqlConnection) -> sqlx::Result<ShopCounts> {
    let rows = sqlx::query!(r#"select kind as "kind: String", value, books from shop_counts where books > 0"#);
    let mut counts = ShopCounts::default();
    for row in rows.fetch_all(connection).await? {
        let number = row.value.parse().unwrap_or_default();
        match row.kind.as_str() {
            "all" => counts.all = row.books,
            "language" => counts.languages.push(Count { value: row.value, count: row.books.into() }),
            "in_stock" => counts.in_stock = row.books,
            "rating" => _ = counts.ratings.insert(number, row.books),
            _ => _ = counts.prices.insert(number, row.books),
        }
    }
    counts.languages.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    Ok(counts)
}

/// Counts the whole shop again, genres included: after a version that kept no counts. To be run in a transaction of its
/// own; writers wait for its end before they commit.
pub async fn recount(connection: &mut MySqlConnection) -> sqlx::Result<()> {
    // Whoever changes a book changes these rows last. Once they are locked, all that is counted below is committed, and
    // what is not will be added afterwards.
    sqlx::query!("insert into shop_counts (kind, value) values ('all', '') on duplicate key update books = books")
        .execute(&mut *connection)
        .await?;
    sqlx::query!("select books from shop_counts for update").fetch_all(&mut *connection).await?;
    let mut counts = BTreeMap::new();
    let rows = sqlx::query!(
        r#"
        select
            base_language,
            available as "in_stock: bool",
            if(ratings_count > 0, score div 500000, null) as "rating: u32",
            count(*) as books
        from books
        group by 1, 2, 3
        "#
    );
    for row in rows.fetch_all(&mut *connection).await? {
        let language = row.base_language.map(|language| ("language", language));
        let in_stock = row.in_stock.unwrap_or_default().then(|| ("in_stock", String::new()));
        let rating = row.rating.map(|rating| ("rating", rating.to_string()));
        for value in [Some(("all", String::new())), language, in_stock, rating].into_iter().flatten() {
            *counts.entry(value).or_default() += row.books;
        }
    }
    let prices = sqlx::query!("select price_order as price, count(*) as books from books group by price_order");
    for row in prices.fetch_all(&mut *connection).await? {
        if let Some(band) = row.price.and_then(price_band) {
            *counts.entry(("price", band.to_string())).or_default() += row.books;
        }
    }
    sqlx::query!("update shop_counts set books = 0").execute(&mut *connection).await?;
    Change(counts).write(connection).await?;
    genres::recount(connection).await
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Histogram, Language, Money},
        repo::{
            catalogue,
            fixtures::{minute, rating, row},
            ratings,
        },
    };

    fn priced(reference: &str, price: &str, stock: u32) -> CatalogueRow {
        CatalogueRow {
            price: Some(Money::parse(price, "EUR").unwrap()),
            stock: Some(stock),
            stock_counted_at: Some(minute(0)),
            language: Some(Language::parse("es-AR").unwrap()),
            genres: Some(vec!["classics".into(), "essay".into()]),
            ..row(reference, "Ficciones", &["Borges"])
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_numbers_follow_every_change_and_are_those_of_a_count(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for row in [
            priced("a", "4.00", 1),
            priced("b", "10.00", 0),
            priced("c", "99.00", 3),
            CatalogueRow { genres: Some(vec!["essay".into()]), ..priced("a", "11.00", 0) },
            CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 200])), ..priced("b", "10.00", 5) },
        ] {
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        let id: u32 = sqlx::query_scalar("select id from books where reference = 'c'").fetch_one(&pool).await.unwrap();
        ratings::publish(&mut connection, uuid::Uuid::from_u128(1), minute(0), &rating(id.into(), 1, 1)).await.unwrap();

        let kept = read(&mut connection).await.unwrap();
        assert_eq!((kept.all, kept.in_stock), (3, 2));
        assert_eq!(kept.languages, [Count { value: "es".into(), count: 3 }]);
        for (score, at_least, at_most) in
            [(4_500_000, 1, 1), (3_000_000, 2, 2), (3_200_000, 1, 2), (4_400_000, 1, 1), (5_000_000, 0, 0)]
        {
            assert_eq!(kept.with_score(score), Between { at_least, at_most }, "{score}");
        }
        for (limit, at_least, at_most) in
            [(400, 0, 0), (1_000, 1, 1), (1_200, 1, 2), (2_500, 2, 2), (5_000, 2, 2), (50_000, 2, 3)]
        {
            assert_eq!(kept.with_price(limit), Between { at_least, at_most }, "{limit}");
        }
        let listed = genres::list(&mut connection).await.unwrap();
        assert_eq!(listed.iter().map(|genre| genre.count).collect::<Vec<_>>(), [3, 2]);

        recount(&mut connection).await.unwrap();
        assert_eq!(read(&mut connection).await.unwrap(), kept);
        assert_eq!(genres::list(&mut connection).await.unwrap(), listed);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_recount_corrects_what_a_version_without_counts_has_written(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        catalogue::put(&mut connection, &priced("a", "4.00", 1)).await.unwrap();
        sqlx::raw_sql("update books set stock = 0, language = 'ca'").execute(&mut *connection).await.unwrap();
        recount(&mut connection).await.unwrap();
        let counts = read(&mut connection).await.unwrap();
        assert_eq!((counts.all, counts.in_stock), (1, 0));
        assert_eq!(counts.languages, [Count { value: "ca".into(), count: 1 }]);
    }
}
