//! Books from suppliers' catalogues, written in sets: the number of statements does not depend on the number of rows.

mod write;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::MySqlConnection;

use super::{
    shop_counts::{Change, Counted},
    word_index::{self, IndexedBook},
};
use crate::domain::{CatalogueRow, Histogram, Isbn13, popularity_class};

/// The effect of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    Added,
    Changed,
    Unchanged,
    /// It contradicts a book of the shop; the reason is for the supplier.
    Refused(String),
}

/// Adds or changes the books of these rows, as if each row were put after the one before it. To be run in a transaction.
/// The outcomes are in the order of the rows.
///
/// A book is found by its reference, else by its ISBN. A book that is found by ISBN came from another supplier first, so
/// only its missing values are filled in. The same row twice changes nothing.
pub async fn put_all(connection: &mut MySqlConnection, rows: &[&CatalogueRow]) -> sqlx::Result<Vec<Put>> {
    let mut shelf = Shelf::read(connection, rows).await?;
    let puts = rows.iter().map(|row| shelf.put(row)).collect();
    shelf.write(connection).await?;
    Ok(puts)
}

/// The books that a set of rows is about, as they are stored and as the rows change them.
#[derive(Default)]
struct Shelf {
    books: Vec<ShelfBook>,
    /// Positions in `books`.
    by_reference: BTreeMap<String, usize>,
    by_isbn: BTreeMap<String, usize>,
}

struct ShelfBook {
    /// 0 until a new book is inserted.
    id: u32,
    reference: String,
    before: Option<Stored>,
    now: Offer,
    /// Ratings that were given in this shop.
    given: Histogram,
}

/// A book as it is stored.
struct Stored {
    offer: Offer,
    counted: Counted,
}

/// All values of a book that a catalogue can set.
#[derive(Clone, PartialEq)]
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
    stars: Histogram,
    /// Whose readers gave these stars; none without stars.
    ratings_supplier: Option<String>,
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
            stars: row.stars.unwrap_or_default(),
            ratings_supplier: row.stars.filter(|stars| stars.count() > 0).map(|_| row.reference.supplier().to_owned()),
        }
    }

    /// The values of the row, and the stored ones where it has none.
    fn replacing(known: &Self, row: &CatalogueRow) -> Self {
        let said = Self::new(row);
        Self {
            isbn: said.isbn.or_else(|| known.isbn.clone()),
            genres: row.genres.clone().unwrap_or_else(|| known.genres.clone()),
            year: said.year.or(known.year),
            language: said.language.or_else(|| known.language.clone()),
            description: said.description.or_else(|| known.description.clone()),
            price: said.price.or_else(|| known.price.clone()),
            stock: row.stock.unwrap_or(known.stock),
            stars: row.stars.unwrap_or(known.stars),
            ratings_supplier: if row.stars.is_some() { said.ratings_supplier } else { known.ratings_supplier.clone() },
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
            stars: if is_unrated { said.stars } else { known.stars },
            ratings_supplier: if is_unrated { said.ratings_supplier } else { known.ratings_supplier },
            ..known
        }
    }

    fn counted(&self, ratings_count: u32, score: u32) -> Counted {
        Counted {
            genres: self.genres.clone(),
            language: self.language.clone(),
            price: self.price.as_ref().map(|(minor, _)| *minor),
            stock: self.stock,
            ratings_count,
            score,
        }
    }
}

impl Shelf {
    fn put(&mut self, row: &CatalogueRow) -> Put {
        let own = self.by_reference.get(row.reference.as_str()).copied();
        let isbn = row.isbn.as_ref().map(Isbn13::as_str);
        let other = isbn.and_then(|isbn| self.by_isbn.get(isbn).copied()).filter(|other| Some(*other) != own);
        match (own, other) {
            (None, None) => self.add(row),
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

    fn add(&mut self, row: &CatalogueRow) -> Put {
        let reference = row.reference.as_str().to_owned();
        self.insert(ShelfBook { id: 0, reference, before: None, now: Offer::new(row), given: Histogram::default() });
        Put::Added
    }

    fn change(&mut self, at: usize, offer: Offer) -> Put {
        let book = &mut self.books[at];
        if offer == book.now {
            return Put::Unchanged;
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
        let mut shelf = Self::default();
        for book in write::stored(connection, &ids).await? {
            shelf.insert(book);
        }
        Ok(shelf)
    }

    /// Writes what has changed. The numbers of the shop come last, because other writers wait for them.
    async fn write(mut self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        self.books.retain(ShelfBook::is_changed);
        if self.books.is_empty() {
            return Ok(());
        }
        write::insert_books(connection, &mut self.books).await?;
        let books = &self.books;
        write::update_books(connection, books).await?;
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

impl ShelfBook {
    fn is_changed(&self) -> bool {
        self.before.as_ref().is_none_or(|stored| stored.offer != self.now)
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
    Ok(put_all(connection, &[row]).await?.remove(0))
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool};

    use super::*;
    use crate::{
        domain::{BookId, Money},
        repo::fixtures::row,
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
