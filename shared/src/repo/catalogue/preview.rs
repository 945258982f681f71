//! The changes that the rows of a file would make, read from the books as they are. It writes nothing and locks nothing.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::MySqlConnection;

use super::{Landing, Offer, Put, Shelf, ShelfBook, write};
use crate::{
    domain::{CatalogueRow, Histogram, Isbn13, Money},
    repo::stock::{self, Count, Counting},
    staff::{BookChange, Difference},
};

/// The rows of one file so far. The books that they would add or change stay in memory, because a later row may be about one of
/// them: as much memory as the texts of the file, and a kilobyte for each book.
#[derive(Default)]
pub struct Preview {
    shelf: Shelf,
}

/// The books that some rows are about, as they are stored.
pub struct StoredBooks {
    books: Vec<ShelfBook>,
    /// The stock of a book after the count of its line.
    counts: BTreeMap<u32, Counting>,
}

/// The effect that a row would have.
#[derive(Debug)]
pub struct Foreseen {
    pub landing: Landing,
    /// Of a row that would add or change a book.
    pub change: Option<BookChange>,
}

impl Preview {
    /// Reads the books that these rows are about, except those that an earlier row has changed.
    pub async fn read(
        &self,
        connection: &mut MySqlConnection,
        rows: &[(u32, &CatalogueRow)],
    ) -> sqlx::Result<StoredBooks> {
        let is_known = |reference: &str| self.shelf.by_reference.contains_key(reference);
        let all = || rows.iter().map(|(_, row)| *row);
        let references = all().map(|row| row.reference.as_str()).filter(|reference| !is_known(reference)).collect();
        let isbns: BTreeSet<&str> = all().filter_map(|row| row.isbn.as_ref()).map(Isbn13::as_str).collect();
        let ids = write::find(connection, &references, &isbns).await?;
        let mut books = write::stored(connection, ids).await?;
        // Under another number by now.
        books.retain(|book| !is_known(&book.reference));
        let changed = self.shelf.books.iter().filter(|book| book.id != 0);
        let ids: BTreeMap<&str, u32> =
            books.iter().chain(changed).map(|book| (book.reference.as_str(), book.id)).collect();
        let counts = rows.iter().filter_map(|(line, row)| {
            let book = *ids.get(row.reference.as_str())?;
            Some((*line, Count { book, copies: row.stock?, at: row.stock_counted_at? }))
        });
        let counts = stock::after_counts(connection, &counts.collect::<Vec<_>>()).await?;
        Ok(StoredBooks { books, counts })
    }

    /// The effects of these rows, as if each were put after the one before it.
    pub fn put_all(&mut self, stored: StoredBooks, rows: &[(u32, &CatalogueRow)]) -> Vec<Foreseen> {
        self.shelf.counts = stored.counts;
        for book in stored.books {
            self.shelf.insert_behind(book);
        }
        let foreseen = rows.iter().map(|(line, row)| self.put(*line, row)).collect();
        self.forget_unchanged();
        foreseen
    }

    fn put(&mut self, line: u32, row: &CatalogueRow) -> Foreseen {
        let at = self.shelf.book_of(row);
        let before = at.map(|at| self.shelf.books[at].now.clone());
        let landing = self.shelf.put(line, row);
        let change = match landing.put {
            Put::Added => self.shelf.books.last().map(|book| change(book, None)),
            Put::Changed => at.map(|at| change(&self.shelf.books[at], before.as_ref())),
            Put::Unchanged | Put::Refused(_) => None,
        };
        Foreseen { landing, change }
    }

    fn forget_unchanged(&mut self) {
        let mut kept = Shelf::default();
        for book in self.shelf.books.drain(..).filter(ShelfBook::is_changed) {
            // Without what is stored, it counts as changed from now on.
            kept.insert(ShelfBook { before: None, counted_at: None, ..book });
        }
        self.shelf = kept;
    }
}

impl Shelf {
    /// The book that a row is about, by its reference, else by its ISBN.
    fn book_of(&self, row: &CatalogueRow) -> Option<usize> {
        let by_isbn = || self.by_isbn.get(row.isbn.as_ref()?.as_str());
        self.by_reference.get(row.reference.as_str()).or_else(by_isbn).copied()
    }

    /// Inserts a stored book, whose number a changed book may have taken.
    fn insert_behind(&mut self, book: ShelfBook) {
        let at = self.books.len();
        self.by_reference.insert(book.reference.clone(), at);
        if let Some(isbn) = &book.now.isbn {
            self.by_isbn.entry(isbn.clone()).or_insert(at);
        }
        self.books.push(book);
    }
}

fn change(book: &ShelfBook, before: Option<&Offer>) -> BookChange {
    let after = values(&book.now);
    let before = before.map(values);
    let differences = after.into_iter().enumerate().filter_map(|(at, (column, after))| {
        let before = before.as_ref().and_then(|before| before[at].1.clone());
        (before != after).then(|| Difference { column: column.to_owned(), before, after })
    });
    BookChange {
        reference: book.reference.clone(),
        title: book.now.title.clone(),
        is_new: before.is_none(),
        differences: differences.collect(),
    }
}

/// The values of a book by the columns of our own format.
fn values(offer: &Offer) -> [(&'static str, Option<String>); 14] {
    let currency = offer.price.as_ref().map(|(_, currency)| currency.clone());
    let money = |minor: u32| match &currency {
        Some(currency) => Money { minor, currency: currency.clone() }.to_string(),
        None => minor.to_string(),
    };
    let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join("; "));
    [
        ("title", Some(offer.title.clone())),
        ("authors", joined(&offer.authors)),
        ("isbn", offer.isbn.clone()),
        ("year", offer.year.map(|year| year.to_string())),
        ("language", offer.language.clone()),
        ("genres", joined(&offer.genres)),
        ("price", offer.price.as_ref().map(|(minor, _)| money(*minor))),
        ("fixed_price", offer.fixed_price.map(money)),
        ("vat_rate", offer.tax_rate.map(percent)),
        ("stock", Some(offer.stock.to_string())),
        ("publisher", offer.publisher.clone()),
        ("publisher_contact", offer.publisher_contact.clone()),
        ("description", offer.description.clone()),
        ("ratings", stars(offer.stars)),
    ]
}

/// `4 %`, or `5.5 %`
fn percent(hundredths: u16) -> String {
    let number = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    format!("{} %", number.trim_end_matches('0').trim_end_matches('.'))
}

/// The numbers of ratings with one to five stars.
fn stars(stars: Histogram) -> Option<String> {
    (stars.count() > 0).then(|| stars.0.map(|count| count.to_string()).join(", "))
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;
    use time::OffsetDateTime;

    use super::*;
    use crate::repo::{
        catalogue::{self, enter_import},
        fixtures,
    };

    fn row(reference: &str, isbn: Option<&str>, title: &str, price: u32) -> CatalogueRow {
        CatalogueRow {
            isbn: isbn.map(|isbn| Isbn13::parse(isbn).unwrap()),
            price: Some(Money { minor: price, currency: "EUR".to_owned() }),
            stock: Some(3),
            tax_rate: Some(400),
            ..fixtures::row(reference, title, &["Ana Uno", "Eva Dos"])
        }
    }

    /// The changes that the rows would make, in batches of this size.
    async fn preview(connection: &mut MySqlConnection, rows: &[CatalogueRow], batch: usize) -> Vec<Foreseen> {
        let mut preview = Preview::default();
        let mut all = Vec::new();
        let numbered: Vec<(u32, &CatalogueRow)> = (2..).zip(rows).collect();
        for rows in numbered.chunks(batch) {
            let stored = preview.read(connection, rows).await.unwrap();
            all.extend(preview.put_all(stored, rows));
        }
        all
    }

    const ISBN: &str = "9780262033848";
    const OTHER_ISBN: &str = "9788437604947";

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_preview_foresees_what_the_import_does_in_batches_of_any_size_and_changes_nothing(pool: MySqlPool) {
        let connection = &mut *pool.acquire().await.unwrap();
        let books = [row("a", Some(ISBN), "Niebla", 995), row("b", None, "El túnel", 1_200)];
        for book in &books {
            catalogue::put(connection, book).await.unwrap();
        }
        let rows = [
            // The same, another price, and one that is new.
            row("b", None, "El túnel", 1_200),
            row("a", Some(ISBN), "Niebla", 1_050),
            row("c", Some(OTHER_ISBN), "Nada", 1_500),
            // Each of these depends on the row before it.
            row("d", Some(OTHER_ISBN), "Otra", 900),
            row("x:c", Some(OTHER_ISBN), "Nada", 1_500),
            row("c", Some(OTHER_ISBN), "Nada", 1_500),
            row("b", Some(OTHER_ISBN), "El túnel", 1_200),
            // The number that this book gives away is free for another one.
            row("a", Some("9780060853983"), "Niebla", 1_050),
            row("e", Some(ISBN), "Abel Sánchez", 700),
        ];
        let stored = async |connection: &mut MySqlConnection| {
            let books = "select reference, isbn, title, price from books order by id";
            let books: Vec<(String, Option<String>, String, u32)> =
                sqlx::query_as(books).fetch_all(connection).await.unwrap();
            books
        };
        let before = stored(connection).await;
        let mut foreseen = Vec::new();
        for batch in [1, 2, 4, 100] {
            let puts: Vec<Put> =
                preview(connection, &rows, batch).await.into_iter().map(|foreseen| foreseen.landing.put).collect();
            assert!(foreseen.is_empty() || foreseen == puts, "{batch}: {puts:?} {foreseen:?}");
            foreseen = puts;
        }
        assert_eq!(before, stored(connection).await);
        enter_import(connection, 2).await;
        let numbered: Vec<(u32, &CatalogueRow)> = (2..).zip(&rows).collect();
        let landed = catalogue::put_all(connection, 2, &numbered, OffsetDateTime::now_utc()).await.unwrap();
        let landed: Vec<Put> = landed.into_iter().map(|landing| landing.put).collect();
        assert_eq!(landed, foreseen);
        let kinds = |wanted: fn(&Put) -> bool| foreseen.iter().filter(|put| wanted(put)).count();
        assert_eq!(
            (kinds(|put| *put == Put::Added), kinds(|put| *put == Put::Changed), kinds(|put| *put == Put::Unchanged)),
            (2, 2, 3),
            "{foreseen:?}"
        );
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_preview_has_the_values_before_and_after_by_column(pool: MySqlPool) {
        let connection = &mut *pool.acquire().await.unwrap();
        catalogue::put(connection, &row("a", Some(ISBN), "Niebla", 995)).await.unwrap();
        let mut changed = row("a", Some(ISBN), "Niebla", 1_050);
        changed.authors = vec!["Miguel de Unamuno".to_owned()];
        changed.tax_rate = Some(2_150);
        let added = row("b", None, "El túnel", 1_200);
        let mut foreseen = preview(connection, &[changed, added], 9).await;
        let difference = |column: &str, before: Option<&str>, after: &str| Difference {
            column: column.to_owned(),
            before: before.map(str::to_owned),
            after: Some(after.to_owned()),
        };
        let added = foreseen.pop().unwrap().change.unwrap();
        assert!(added.is_new && added.title == "El túnel" && added.reference == "b");
        assert!(added.differences.contains(&difference("stock", None, "3")), "{added:?}");
        let changed = foreseen.pop().unwrap().change.unwrap();
        assert_eq!(
            (changed.is_new, changed.differences.as_slice()),
            (
                false,
                &[
                    difference("authors", Some("Ana Uno; Eva Dos"), "Miguel de Unamuno"),
                    difference("price", Some("9.95 EUR"), "10.50 EUR"),
                    difference("vat_rate", Some("4 %"), "21.5 %"),
                ][..]
            )
        );
    }
}
