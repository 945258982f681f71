//! Books from suppliers' catalogues, written in sets: the number of statements does not depend on the number of rows.

pub mod edit;
mod preview;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::MySqlConnection;
use time::OffsetDateTime;

use super::{
    shop_counts::{Change, Counted},
    stock::{self, Count, Counting, Held, Movement, MovementKind},
    word_index::{self, IndexedBook},
};
pub use preview::{Foreseen, Preview, StoredBooks};

use crate::domain::{CatalogueRow, Histogram, Isbn13, Money, book_facts::keeps_fixed_price, popularity_class};

/// The effect of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    Added,
    Changed,
    Unchanged,
    /// It contradicts a book of the shop; the reason is for the supplier.
    Refused(String),
}

/// The effect of a row, and what of it was ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Landing {
    pub put: Put,
    /// Why the stock of the row had no effect.
    pub ignored_stock: Option<&'static str>,
}

/// Adds or changes the books of these rows, which have the lines of an import, as if each row were put after the one before
/// it. To be run in a transaction. The outcomes are in the order of the rows.
///
/// Stock is what orders sell, so a row sets it for a new book only; of a book that exists it counts, if it says when it was
/// counted.
///
/// A book is found by its reference, else by its ISBN. A book that is found by ISBN came from another supplier first, so
/// only its missing values are filled in. The same row twice changes nothing.
pub async fn put_all(
    connection: &mut MySqlConnection,
    import: u32,
    rows: &[(u32, &CatalogueRow)],
    now: OffsetDateTime,
) -> sqlx::Result<Vec<Landing>> {
    let all: Vec<&CatalogueRow> = rows.iter().map(|(_, row)| *row).collect();
    let mut shelf = Shelf::read(connection, &all).await?;
    shelf.read_counts(connection, rows).await?;
    let landings = rows.iter().map(|(line, row)| shelf.put(*line, row)).collect();
    shelf.write(connection, &format!("import:{import}"), now).await?;
    Ok(landings)
}

/// The books that a set of rows is about, as they are stored and as the rows change them.
#[derive(Default)]
struct Shelf {
    books: Vec<ShelfBook>,
    /// Positions in `books`.
    by_reference: BTreeMap<String, usize>,
    by_isbn: BTreeMap<String, usize>,
    /// What a line's count makes of its book's stock.
    counts: BTreeMap<u32, Counting>,
}

struct ShelfBook {
    /// 0 until a new book is inserted.
    id: u32,
    reference: String,
    before: Option<Stored>,
    now: Offer,
    /// Ratings that were given in this shop.
    given: Histogram,
    /// The line that added it or counted its stock.
    line: u32,
    /// When its stock was counted, if a row says so.
    counted_at: Option<OffsetDateTime>,
}

/// A book as it is stored.
struct Stored {
    offer: Offer,
    counted: Counted,
    held: Held,
}

/// All values of a book that a catalogue can set, and whether the staff has withdrawn it.
#[derive(Clone, Default, PartialEq)]
struct Offer {
    isbn: Option<String>,
    title: String,
    byline: String,
    authors: Vec<String>,
    genres: Vec<String>,
    year: Option<i16>,
    language: Option<String>,
    description: Option<String>,
    price: Option<(u32, String)>,
    stock: u32,
    fixed_price: Option<u32>,
    tax_rate: Option<u16>,
    publisher: Option<String>,
    publisher_contact: Option<String>,
    stars: Histogram,
    /// Whose readers gave these stars; none without stars.
    ratings_supplier: Option<String>,
    /// Then its price waits, and the shop has none.
    is_withdrawn: bool,
}

impl Offer {
    fn new(row: &CatalogueRow) -> Self {
        Self {
            isbn: row.isbn.as_ref().map(|isbn| isbn.as_str().to_owned()),
            title: row.title.clone(),
            byline: row.byline(),
            authors: row.authors.clone(),
            genres: row.genres.clone().unwrap_or_default(),
            year: row.year,
            language: row.language.as_ref().map(|language| language.as_str().to_owned()),
            description: row.description.clone(),
            price: row.price.as_ref().map(|price| (price.minor, price.currency.clone())),
            stock: row.stock.unwrap_or_default(),
            fixed_price: row.fixed_price.as_ref().map(|price| price.minor),
            tax_rate: row.tax_rate,
            publisher: row.publisher.clone(),
            publisher_contact: row.publisher_contact.clone(),
            stars: row.stars.unwrap_or_default(),
            ratings_supplier: row.stars.filter(|stars| stars.count() > 0).map(|_| row.reference.supplier().to_owned()),
            is_withdrawn: false,
        }
    }

    /// The values of the row, and the stored ones where it has none. Stock is no such value.
    fn replacing(known: &Self, row: &CatalogueRow) -> Self {
        let said = Self::new(row);
        Self {
            isbn: said.isbn.or_else(|| known.isbn.clone()),
            genres: row.genres.clone().unwrap_or_else(|| known.genres.clone()),
            year: said.year.or(known.year),
            language: said.language.or_else(|| known.language.clone()),
            description: said.description.or_else(|| known.description.clone()),
            price: said.price.or_else(|| known.price.clone()),
            stock: known.stock,
            fixed_price: said.fixed_price.or(known.fixed_price),
            tax_rate: said.tax_rate.or(known.tax_rate),
            publisher: said.publisher.or_else(|| known.publisher.clone()),
            publisher_contact: said.publisher_contact.or_else(|| known.publisher_contact.clone()),
            stars: row.stars.unwrap_or(known.stars),
            ratings_supplier: if row.stars.is_some() { said.ratings_supplier } else { known.ratings_supplier.clone() },
            is_withdrawn: known.is_withdrawn,
            ..said
        }
    }

    /// The stored values, and those of the row where none is stored.
    fn filling_in(known: &Self, row: &CatalogueRow) -> Self {
        let (said, known) = (Self::new(row), known.clone());
        let is_unrated = known.stars == Histogram::default();
        Self {
            genres: if known.genres.is_empty() { said.genres } else { known.genres },
            year: known.year.or(said.year),
            language: known.language.or(said.language),
            description: known.description.or(said.description),
            price: known.price.or(said.price),
            fixed_price: known.fixed_price.or(said.fixed_price),
            tax_rate: known.tax_rate.or(said.tax_rate),
            publisher: known.publisher.or(said.publisher),
            publisher_contact: known.publisher_contact.or(said.publisher_contact),
            stars: if is_unrated { said.stars } else { known.stars },
            ratings_supplier: if is_unrated { said.ratings_supplier } else { known.ratings_supplier },
            ..known
        }
    }

    /// Why it must not be sold at its price, for the supplier.
    fn breaks_fixed_price(&self) -> Option<String> {
        let (price, currency) = self.price.as_ref()?;
        let fixed = self.fixed_price?;
        let money = |minor| Money { minor, currency: currency.clone() };
        (!keeps_fixed_price(*price, fixed)).then(|| {
            format!("price is {}; it must be between 95 and 100 % of the fixed price, {}", money(*price), money(fixed))
        })
    }

    fn counted(&self, ratings_count: u32, score: u32) -> Counted {
        Counted {
            genres: self.genres.clone(),
            language: self.language.clone(),
            price: self.price.as_ref().filter(|_| !self.is_withdrawn).map(|(minor, _)| *minor),
            stock: self.stock,
            ratings_count,
            score,
        }
    }
}

impl Shelf {
    fn put(&mut self, line: u32, row: &CatalogueRow) -> Landing {
        let known = self.by_reference.get(row.reference.as_str()).copied();
        let put = self.put_values(line, row);
        let lands = |put: &Put| !matches!(put, Put::Refused(_));
        let (Some(at), Some(stock), true) = (known, row.stock, lands(&put)) else {
            return Landing { put, ignored_stock: None };
        };
        match (row.stock_counted_at, self.counts.get(&line).copied()) {
            (None, _) => {
                const WHY: &str =
                    "is ignored, because the shop has the book; say in stock_counted_at when it was counted";
                Landing { put, ignored_stock: (self.books[at].now.stock != stock).then_some(WHY) }
            }
            (Some(_), Some(Counting::Outdated)) => {
                Landing { put, ignored_stock: Some("is ignored, because the book was counted again later") }
            }
            (Some(counted_at), counting) => {
                let (stock, is_new) = match counting {
                    Some(Counting::Stock { stock, is_new }) => (stock, is_new),
                    // A book of the same set of rows, of which nothing can have been sold.
                    _ => (stock, true),
                };
                let book = &mut self.books[at];
                let is_changed = book.now.stock != stock;
                if is_changed || is_new {
                    book.now.stock = stock;
                    book.line = line;
                    book.counted_at = Some(counted_at);
                }
                let put = if is_changed && put == Put::Unchanged { Put::Changed } else { put };
                Landing { put, ignored_stock: None }
            }
        }
    }

    fn put_values(&mut self, line: u32, row: &CatalogueRow) -> Put {
        let own = self.by_reference.get(row.reference.as_str()).copied();
        let isbn = row.isbn.as_ref().map(Isbn13::as_str);
        let other = isbn.and_then(|isbn| self.by_isbn.get(isbn).copied()).filter(|other| Some(*other) != own);
        match (own, other) {
            (None, None) => self.add(line, row),
            (Some(at), None) => self.change(at, Offer::replacing(&self.books[at].now, row)),
            (None, Some(at)) if !row.reference.same_supplier(&self.books[at].reference) => {
                self.change(at, Offer::filling_in(&self.books[at].now, row))
            }
            (_, Some(at)) => {
                let ShelfBook { reference, now, .. } = &self.books[at];
                let isbn = isbn.unwrap_or_default();
                Put::Refused(format!("ISBN {isbn} already belongs to {reference} ({})", now.title))
            }
        }
    }

    fn add(&mut self, line: u32, row: &CatalogueRow) -> Put {
        let reference = row.reference.as_str().to_owned();
        let now = Offer::new(row);
        if let Some(reason) = now.breaks_fixed_price() {
            return Put::Refused(reason);
        }
        let given = Histogram::default();
        self.insert(ShelfBook { id: 0, reference, before: None, now, given, line, counted_at: row.stock_counted_at });
        Put::Added
    }

    fn change(&mut self, at: usize, offer: Offer) -> Put {
        let book = &mut self.books[at];
        if offer == book.now {
            return Put::Unchanged;
        }
        if let Some(reason) = offer.breaks_fixed_price() {
            return Put::Refused(reason);
        }
        if let Some(isbn) = &book.now.isbn {
            self.by_isbn.remove(isbn);
        }
        if let Some(isbn) = &offer.isbn {
            self.by_isbn.insert(isbn.clone(), at);
        }
        book.now = offer;
        Put::Changed
    }

    fn insert(&mut self, book: ShelfBook) {
        self.by_reference.insert(book.reference.clone(), self.books.len());
        self.by_isbn.extend(book.now.isbn.clone().map(|isbn| (isbn, self.books.len())));
        self.books.push(book);
    }

    /// The stored books that have a reference or an ISBN of these rows, locked.
    async fn read(connection: &mut MySqlConnection, rows: &[&CatalogueRow]) -> sqlx::Result<Self> {
        let references: BTreeSet<&str> = rows.iter().map(|row| row.reference.as_str()).collect();
        let isbns: BTreeSet<&str> = rows.iter().filter_map(|row| row.isbn.as_ref()).map(Isbn13::as_str).collect();
        let ids = write::lock(connection, &references, &isbns).await?;
        Self::of_locked(connection, &ids).await
    }

    async fn of_locked(connection: &mut MySqlConnection, ids: &[u32]) -> sqlx::Result<Self> {
        let mut shelf = Self::default();
        for book in write::stored(connection, ids.iter().copied()).await? {
            shelf.insert(book);
        }
        Ok(shelf)
    }

    /// Reads what the counts of rows make of the stock of their books.
    async fn read_counts(
        &mut self,
        connection: &mut MySqlConnection,
        rows: &[(u32, &CatalogueRow)],
    ) -> sqlx::Result<()> {
        let counts = rows.iter().filter_map(|(line, row)| {
            let book = self.books[*self.by_reference.get(row.reference.as_str())?].id;
            Some((*line, Count { book, copies: row.stock?, at: row.stock_counted_at? }))
        });
        self.counts = stock::after_counts(connection, &counts.collect::<Vec<_>>()).await?;
        Ok(())
    }

    /// Writes what has changed, because of a source. The numbers of the shop come last, because other writers wait for them.
    async fn write(&mut self, connection: &mut MySqlConnection, source: &str, now: OffsetDateTime) -> sqlx::Result<()> {
        self.books.retain(ShelfBook::is_changed);
        if self.books.is_empty() {
            return Ok(());
        }
        write::clear_changed_isbns(connection, &self.books).await?;
        write::insert_books(connection, &mut self.books).await?;
        let books = &self.books;
        write::update_books(connection, books).await?;
        move_stock(connection, books, source, now).await?;
        write::set_stars(connection, books).await?;
        write::set_ratings_suppliers(connection, books).await?;
        write::set_authors(connection, books).await?;
        write::set_genres(connection, books).await?;
        let indexed: Vec<IndexedBook> =
            books.iter().filter(|book| book.is_indexed_anew()).map(ShelfBook::indexed).collect();
        word_index::write(connection, &indexed).await?;
        let mut change = Change::default();
        for book in books {
            change.note(book.before.as_ref().map(|stored| &stored.counted), Some(&book.counted()));
        }
        change.write(connection).await
    }
}

/// Enters the opening stock of new books, which were inserted with it, and moves that of counted ones. The numbers of the
/// shop follow with all others.
async fn move_stock(
    connection: &mut MySqlConnection,
    books: &[ShelfBook],
    source: &str,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let openings: Vec<Movement> = books
        .iter()
        .filter(|book| book.before.is_none() && book.now.stock > 0)
        .map(|book| book.movement(source))
        .collect();
    stock::insert(connection, &openings, now).await?;
    let counted = || books.iter().filter(|book| book.counted_at.is_some());
    let held: BTreeMap<u32, Held> = counted().filter_map(|book| Some((book.id, book.before.as_ref()?.held))).collect();
    let movements: Vec<Movement> =
        counted().filter(|book| book.before.is_some()).map(|book| book.movement(source)).collect();
    if !movements.is_empty() {
        stock::record(connection, &held, &movements, now).await?;
    }
    Ok(())
}

impl ShelfBook {
    fn is_changed(&self) -> bool {
        self.before.as_ref().is_none_or(|stored| stored.offer != self.now) || self.counted_at.is_some()
    }

    /// What its row does to its stock.
    fn movement(&self, source: &str) -> Movement {
        let before = self.before.as_ref().map_or(0, |stored| stored.offer.stock);
        let kind = if self.before.is_none() { MovementKind::Opening } else { MovementKind::Counted };
        let difference = i64::from(self.now.stock) - i64::from(before);
        let quantity = i32::try_from(difference).unwrap_or(i32::MAX);
        let movement = Movement::new(self.id, kind, quantity, format!("{source}:{}", self.line));
        Movement { counted_at: self.counted_at, ..movement }
    }

    /// Whether a value differs from the stored one; all of a new book do.
    fn differs<T: PartialEq>(&self, value: impl Fn(&Offer) -> &T) -> bool {
        self.before.as_ref().is_none_or(|stored| value(&stored.offer) != value(&self.now))
    }

    fn stars(&self) -> Histogram {
        let mut stars = self.now.stars;
        for (sum, given) in stars.0.iter_mut().zip(self.given.0) {
            *sum = sum.saturating_add(given);
        }
        stars
    }

    fn ratings_count(&self) -> u32 {
        u32::try_from(self.stars().count()).unwrap_or(u32::MAX)
    }

    fn is_indexed_anew(&self) -> bool {
        let class = |stored: &Stored| popularity_class(stored.counted.ratings_count);
        self.differs(|offer| &offer.title)
            || self.differs(|offer| &offer.authors)
            || self.before.as_ref().map(class) != Some(popularity_class(self.ratings_count()))
    }

    fn indexed(&self) -> IndexedBook {
        IndexedBook {
            id: self.id,
            title: self.now.title.clone(),
            authors: self.now.authors.join(", "),
            ratings_count: self.ratings_count(),
        }
    }

    fn counted(&self) -> Counted {
        self.now.counted(self.ratings_count(), self.stars().score())
    }
}

/// [`put_all`] of one row.
#[cfg(test)]
pub async fn put(connection: &mut MySqlConnection, row: &CatalogueRow) -> sqlx::Result<Put> {
    enter_import(connection, 1).await;
    Ok(put_all(connection, 1, &[(rand::random(), row)], OffsetDateTime::now_utc()).await?.remove(0).put)
}

#[cfg(test)]
async fn enter_import(connection: &mut MySqlConnection, id: u32) {
    sqlx::query("insert ignore into imports (id, object_key, sequencer) values (?, ?, '')")
        .bind(id)
        .bind(format!("{id}.csv"))
        .execute(connection)
        .await
        .unwrap();
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool};

    use super::*;
    use crate::{
        domain::{BookId, Money},
        repo::{
            fixtures::{minute, row},
            orders,
        },
        staff::{StockChange, StockChanged},
    };

    fn hobbit() -> CatalogueRow {
        CatalogueRow {
            isbn: Some(Isbn13::parse("9780618002214").unwrap()),
            genres: Some(vec!["classics".into(), "fantasy".into()]),
            price: Some(Money::parse("9.95", "EUR").unwrap()),
            stock: Some(3),
            stars: Some(Histogram([1, 0, 0, 0, 9])),
            ..row("the-hobbit", "The Hobbit", &["J.R.R. Tolkien", "Alan Lee"])
        }
    }

    async fn find(connection: &mut MySqlConnection, row: &CatalogueRow) -> ShelfBook {
        Shelf::read(connection, &[row]).await.unwrap().books.remove(0)
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_same_row_twice_changes_nothing(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        assert_eq!(put(&mut connection, &hobbit()).await.unwrap(), Put::Added);
        assert_eq!(put(&mut connection, &hobbit()).await.unwrap(), Put::Unchanged);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_row_changes_only_the_values_that_it_has(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, &hobbit()).await.unwrap();
        let cheaper = CatalogueRow {
            price: Some(Money::parse("7.95", "EUR").unwrap()),
            ..row("the-hobbit", "The Hobbit", &["J.R.R. Tolkien"])
        };
        assert_eq!(put(&mut connection, &cheaper).await.unwrap(), Put::Changed);
        let offer = find(&mut connection, &hobbit()).await.now;
        assert_eq!((offer.price, offer.stock), (Some((795, "EUR".into())), 3));
        assert_eq!((offer.authors.len(), offer.genres.len()), (1, 2));
        assert_eq!(offer.stars, Histogram([1, 0, 0, 0, 9]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn another_supplier_fills_in_only_missing_values(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, &hobbit()).await.unwrap();
        let foreign = CatalogueRow {
            isbn: hobbit().isbn,
            year: Some(1937),
            stars: Some(Histogram([0, 0, 0, 0, 1_000])),
            ..row("goodbooks:7", "The Hobbit, or There and Back Again", &["Tolkien"])
        };
        assert_eq!(put(&mut connection, &foreign).await.unwrap(), Put::Changed);
        assert_eq!(put(&mut connection, &foreign).await.unwrap(), Put::Unchanged);
        let offer = find(&mut connection, &hobbit()).await.now;
        assert_eq!((offer.title.as_str(), offer.year), ("The Hobbit", Some(1937)));
        assert_eq!(offer.stars, Histogram([1, 0, 0, 0, 9]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn one_isbn_for_two_books_of_one_supplier_is_refused(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, &hobbit()).await.unwrap();
        let twin = CatalogueRow { isbn: hobbit().isbn, ..row("silmarillion", "The Silmarillion", &["J.R.R. Tolkien"]) };
        let refused = Put::Refused("ISBN 9780618002214 already belongs to the-hobbit (The Hobbit)".into());
        assert_eq!(put(&mut connection, &twin).await.unwrap(), refused);
        let known = CatalogueRow { isbn: None, ..twin.clone() };
        assert_eq!(put(&mut connection, &known).await.unwrap(), Put::Added);
        assert_eq!(put(&mut connection, &twin).await.unwrap(), refused);
    }

    /// One row as line 2 of an import.
    async fn land(connection: &mut MySqlConnection, import: u32, row: &CatalogueRow) -> Landing {
        enter_import(connection, import).await;
        put_all(connection, import, &[(2, row)], minute(1_000)).await.unwrap().remove(0)
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn stock_is_set_for_new_books_and_counted_for_others(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let stock = |stock, counted_at| CatalogueRow { stock: Some(stock), stock_counted_at: counted_at, ..hobbit() };
        let none = CatalogueRow { stock: None, ..hobbit() };
        for (import, (row, put, is_ignored, kept)) in (1..).zip([
            (stock(3, None), Put::Added, false, 3),
            (stock(3, None), Put::Unchanged, false, 3),
            (stock(9, None), Put::Unchanged, true, 3),
            (none.clone(), Put::Unchanged, false, 3),
            (stock(5, Some(minute(10))), Put::Changed, false, 5),
            (stock(5, Some(minute(10))), Put::Unchanged, false, 5),
            (stock(8, Some(minute(9))), Put::Unchanged, true, 5),
            (stock(6, Some(minute(10))), Put::Changed, false, 6),
            (stock(6, Some(minute(20))), Put::Unchanged, false, 6),
            (stock(7, Some(minute(15))), Put::Unchanged, true, 6),
            (stock(0, Some(minute(30))), Put::Changed, false, 0),
        ]) {
            let landing = land(&mut connection, import, &row).await;
            assert_eq!((landing.put, landing.ignored_stock.is_some()), (put, is_ignored), "import {import}");
            assert_eq!(find(&mut connection, &none).await.now.stock, kept, "import {import}");
        }
        let movements: Vec<(String, i32, String)> =
            sqlx::query_as("select kind, quantity, source from stock_movements order by id")
                .fetch_all(&pool)
                .await
                .unwrap();
        let movements: Vec<_> =
            movements.iter().map(|(kind, by, source)| (kind.as_str(), *by, source.as_str())).collect();
        assert_eq!(
            movements,
            [
                ("opening", 3, "import:1:2"),
                ("counted", 2, "import:5:2"),
                ("counted", 1, "import:8:2"),
                ("counted", 0, "import:9:2"),
                ("counted", -6, "import:11:2"),
            ]
        );
        assert_eq!(
            orders::verify(&mut connection, orders::Moment::of(minute(60), time::Duration::ZERO)).await.unwrap(),
            []
        );
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn what_moved_after_a_count_is_kept(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        land(&mut connection, 1, &CatalogueRow { stock: Some(10), ..hobbit() }).await;
        let id: BookId = find(&mut connection, &hobbit()).await.id.into();
        for (at, change, expected) in [
            (
                5,
                StockChange::Damaged(2),
                StockChanged::Now { title: "The Hobbit".into(), before: 10, stock: 8, set_aside: 0 },
            ),
            (
                15,
                StockChange::Received(3),
                StockChanged::Now { title: "The Hobbit".into(), before: 8, stock: 11, set_aside: 0 },
            ),
            (
                16,
                StockChange::Damaged(12),
                StockChanged::TooFew { title: "The Hobbit".into(), stock: 11, set_aside: 0 },
            ),
        ] {
            let action = uuid::Uuid::from_u128(at);
            let now = minute(i64::try_from(at).unwrap());
            let changed = stock::change(&mut connection, action, id, change, "por qué", now).await.unwrap();
            assert_eq!(changed, expected);
        }
        let again =
            stock::change(&mut connection, uuid::Uuid::from_u128(15), id, StockChange::Received(3), "", minute(20));
        assert_eq!(again.await.unwrap(), StockChanged::Already { title: "The Hobbit".into(), stock: 11 });
        // Seven were on the shelf at minute 10; three came later.
        let counted = CatalogueRow { stock: Some(7), stock_counted_at: Some(minute(10)), ..hobbit() };
        assert_eq!(land(&mut connection, 2, &counted).await.put, Put::Changed);
        assert_eq!(find(&mut connection, &hobbit()).await.now.stock, 10);
        assert_eq!(land(&mut connection, 3, &counted).await.put, Put::Unchanged);
        assert_eq!(
            orders::verify(&mut connection, orders::Moment::of(minute(60), time::Duration::ZERO)).await.unwrap(),
            []
        );
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_price_keeps_to_the_fixed_one_of_its_publisher(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let euro = |minor| Some(Money { minor, currency: "EUR".into() });
        let priced = |price, fixed_price| CatalogueRow { price, fixed_price, ..hobbit() };
        for (price, fixed, is_refused) in [
            (euro(2_001), euro(2_000), true),
            (euro(1_899), euro(2_000), true),
            (euro(1_900), euro(2_000), false),
            (euro(2_000), None, false),
            (euro(1_000), None, true),
            (None, euro(2_200), true),
            (None, euro(2_105), false),
        ] {
            let put = land(&mut connection, 1, &priced(price.clone(), fixed.clone())).await.put;
            assert_eq!(matches!(put, Put::Refused(_)), is_refused, "{price:?} {fixed:?}: {put:?}");
        }
        let reason = "price is 10.00 EUR; it must be between 95 and 100 % of the fixed price, 21.05 EUR".to_owned();
        assert_eq!(land(&mut connection, 1, &priced(euro(1_000), None)).await.put, Put::Refused(reason));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn publisher_and_tax_are_kept_and_read(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let row = CatalogueRow {
            tax_rate: Some(2_100),
            publisher: Some("Editorial Uno".into()),
            publisher_contact: Some("Calle 1, Madrid; info@uno.example".into()),
            ..hobbit()
        };
        assert_eq!(land(&mut connection, 1, &row).await.put, Put::Added);
        assert_eq!(land(&mut connection, 2, &hobbit()).await.put, Put::Unchanged, "a row without them keeps them");
        let id: BookId = find(&mut connection, &hobbit()).await.id.into();
        let book = crate::repo::books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!((book.tax_rate, book.publisher), (row.tax_rate, row.publisher));
        assert_eq!(book.publisher_contact, row.publisher_contact);
    }

    /// An import's transaction touches many books; a rating of one of them may be published meanwhile.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rating_that_is_published_during_an_import_is_not_lost(pool: MySqlPool) {
        use crate::repo::{books, fixtures::*, ratings};
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, &hobbit()).await.unwrap();
        let id: BookId = find(&mut connection, &hobbit()).await.id.into();

        let mut writer = pool.acquire().await.unwrap();
        sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut *writer).await.unwrap();
        let mut import = writer.begin().await.unwrap();
        put(&mut import, &row("another", "Another", &["Nobody"])).await.unwrap();
        books::find(&mut import, id).await.unwrap();
        ratings::publish(&mut connection, uuid::Uuid::from_u128(1), minute(0), &rating(id, 1, 3)).await.unwrap();
        let more = CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 20])), ..hobbit() };
        assert_eq!(put(&mut import, &more).await.unwrap(), Put::Changed);
        import.commit().await.unwrap();

        let book = books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!((book.histogram.count(), book.summary.ratings.count), (21, 21));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn ratings_given_here_survive_an_import(pool: MySqlPool) {
        use crate::repo::{books, fixtures::*, ratings};
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, &hobbit()).await.unwrap();
        let id: BookId = find(&mut connection, &hobbit()).await.id.into();
        ratings::publish(&mut connection, uuid::Uuid::from_u128(1), minute(0), &rating(id, 1, 3)).await.unwrap();
        assert_eq!(put(&mut connection, &hobbit()).await.unwrap(), Put::Unchanged);
        let more = CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 20])), ..hobbit() };
        assert_eq!(put(&mut connection, &more).await.unwrap(), Put::Changed);
        let book = books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!((book.histogram, book.summary.ratings.count), (Histogram([0, 0, 1, 0, 20]), 21));
    }
}
