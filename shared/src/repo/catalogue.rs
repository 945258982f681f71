//! Books from suppliers' catalogues.

use sqlx::{MySqlConnection, types::Json};

use super::ratings::recount;
use crate::domain::{BookId, CatalogueRow, Histogram, Isbn13};

/// The effect of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    Added,
    Changed,
    Unchanged,
    /// It contradicts a book of the shop; the reason is for the supplier.
    Refused(String),
}

/// Adds or changes the book of a row. To be run in a transaction.
///
/// The book is found by its reference, else by its ISBN. A book that is found by ISBN came from another supplier first,
/// so only its missing values are filled in. The same row twice changes nothing.
pub async fn put(connection: &mut MySqlConnection, row: &CatalogueRow) -> sqlx::Result<Put> {
    let mut known = find(connection, row).await?;
    let own = known.iter().position(|book| book.reference == row.reference.as_str());
    match (own.map(|at| known.swap_remove(at)), known.pop()) {
        (None, None) => add(connection, row).await,
        (Some(book), None) => change(connection, &book, Offer::replacing(&book, row)).await,
        (None, Some(other)) if !row.reference.same_supplier(&other.reference) => {
            change(connection, &other, Offer::filling_in(&other, row)).await
        }
        (_, Some(other)) => {
            let isbn = row.isbn.as_ref().map_or("", |isbn| isbn.as_str());
            Ok(Put::Refused(format!("ISBN {isbn} already belongs to {} ({})", other.reference, other.offer.title)))
        }
    }
}

/// A stored book.
struct Known {
    id: u32,
    reference: String,
    offer: Offer,
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
        }
    }

    /// The values of the row, and the stored ones where it has none.
    fn replacing(known: &Known, row: &CatalogueRow) -> Self {
        let (said, known) = (Self::new(row), &known.offer);
        Self {
            isbn: said.isbn.or_else(|| known.isbn.clone()),
            genres: row.genres.clone().unwrap_or_else(|| known.genres.clone()),
            year: said.year.or(known.year),
            language: said.language.or_else(|| known.language.clone()),
            description: said.description.or_else(|| known.description.clone()),
            price: said.price.or_else(|| known.price.clone()),
            stock: row.stock.unwrap_or(known.stock),
            stars: row.stars.unwrap_or(known.stars),
            ..said
        }
    }

    /// The stored values, and those of the row where none is stored.
    fn filling_in(known: &Known, row: &CatalogueRow) -> Self {
        let (said, known) = (Self::new(row), known.offer.clone());
        Self {
            genres: if known.genres.is_empty() { said.genres } else { known.genres },
            year: known.year.or(said.year),
            language: known.language.or(said.language),
            description: known.description.or(said.description),
            price: known.price.or(said.price),
            stars: if known.stars == Histogram::default() { said.stars } else { known.stars },
            ..known
        }
    }
}

async fn find(connection: &mut MySqlConnection, row: &CatalogueRow) -> sqlx::Result<Vec<Known>> {
    let rows = sqlx::query!(
        r#"
        select
            b.id,
            b.reference,
            b.isbn,
            b.title,
            b.byline,
            b.year,
            b.language,
            b.description,
            b.price,
            b.currency as "currency: String",
            b.stock,
            (select json_arrayagg(a.name order by ba.position)
               from book_authors ba join authors a on a.id = ba.author_id
              where ba.book_id = b.id) as "authors: Json<Vec<String>>",
            (select json_arrayagg(g.slug order by g.slug)
               from book_genres bg join genres g on g.id = bg.genre_id
              where bg.book_id = b.id) as "genres: Json<Vec<String>>",
            (select json_arrayagg(json_array(s.stars, s.imported))
               from star_counts s
              where s.book_id = b.id) as "stars: Json<Vec<(usize, u32)>>"
        from books b
        where b.reference = ?
           or b.isbn = ?
        for update
        "#,
        row.reference.as_str(),
        row.isbn.as_ref().map(Isbn13::as_str),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Known {
            id: row.id,
            reference: row.reference,
            offer: Offer {
                isbn: row.isbn,
                title: row.title,
                byline: row.byline,
                authors: row.authors.map(|Json(names)| names).unwrap_or_default(),
                genres: row.genres.map(|Json(slugs)| slugs).unwrap_or_default(),
                year: row.year,
                language: row.language,
                description: row.description,
                price: row.price.zip(row.currency),
                stock: row.stock,
                stars: Histogram::of_pairs(row.stars.map(|Json(pairs)| pairs)),
            },
        })
        .collect())
}

async fn add(connection: &mut MySqlConnection, row: &CatalogueRow) -> sqlx::Result<Put> {
    let offer = Offer::new(row);
    let (price, currency) = offer.price.clone().unzip();
    let inserted = sqlx::query!(
        r#"
        insert into books
            (reference, isbn, title, byline, year, language, description, price, currency, stock)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        "#,
        row.reference.as_str(),
        offer.isbn,
        offer.title,
        offer.byline,
        offer.year,
        offer.language,
        offer.description,
        price,
        currency,
        offer.stock,
    )
    .execute(&mut *connection)
    .await?;
    let id = u32::try_from(inserted.last_insert_id()).unwrap_or_default();
    write_authors(connection, id, &offer.authors).await?;
    write_genres(connection, id, &offer.genres).await?;
    if offer.stars != Histogram::default() {
        write_stars(connection, id, offer.stars).await?;
    }
    Ok(Put::Added)
}

async fn change(connection: &mut MySqlConnection, known: &Known, offer: Offer) -> sqlx::Result<Put> {
    if offer == known.offer {
        return Ok(Put::Unchanged);
    }
    let (price, currency) = offer.price.clone().unzip();
    sqlx::query!(
        r#"
        update books
        set isbn = ?,
            title = ?,
            byline = ?,
            year = ?,
            language = ?,
            description = ?,
            price = ?,
            currency = ?,
            stock = ?
        where id = ?
        "#,
        offer.isbn,
        offer.title,
        offer.byline,
        offer.year,
        offer.language,
        offer.description,
        price,
        currency,
        offer.stock,
        known.id,
    )
    .execute(&mut *connection)
    .await?;
    if offer.authors != known.offer.authors {
        sqlx::query!("delete from book_authors where book_id = ?", known.id).execute(&mut *connection).await?;
        write_authors(connection, known.id, &offer.authors).await?;
    }
    if offer.genres != known.offer.genres {
        sqlx::query!("delete from book_genres where book_id = ?", known.id).execute(&mut *connection).await?;
        write_genres(connection, known.id, &offer.genres).await?;
    }
    if offer.stars != known.offer.stars {
        write_stars(connection, known.id, offer.stars).await?;
    }
    Ok(Put::Changed)
}

async fn write_authors(connection: &mut MySqlConnection, book: u32, names: &[String]) -> sqlx::Result<()> {
    for (position, name) in (0_u8..).zip(names) {
        let found = sqlx::query_scalar!("select id from authors where name = ?", name).fetch_optional(&mut *connection);
        let author = if let Some(id) = found.await? {
            u64::from(id)
        } else {
            let inserted = sqlx::query!("insert into authors (name) values (?)", name).execute(&mut *connection);
            inserted.await?.last_insert_id()
        };
        sqlx::query!(
            "insert into book_authors (book_id, position, author_id) values (?, ?, ?)",
            book,
            position,
            author,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn write_genres(connection: &mut MySqlConnection, book: u32, slugs: &[String]) -> sqlx::Result<()> {
    for slug in slugs {
        let found = sqlx::query_scalar!("select id from genres where slug = ?", slug).fetch_optional(&mut *connection);
        let genre = if let Some(id) = found.await? {
            u64::from(id)
        } else {
            let inserted = sqlx::query!("insert into genres (slug) values (?)", slug).execute(&mut *connection);
            inserted.await?.last_insert_id()
        };
        sqlx::query!("insert into book_genres (book_id, genre_id) values (?, ?)", book, genre)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn write_stars(connection: &mut MySqlConnection, book: u32, stars: Histogram) -> sqlx::Result<()> {
    for (stars, count) in (1_u8..).zip(stars.0) {
        sqlx::query!(
            r#"
            insert into star_counts (book_id, stars, imported)
            values (?, ?, ?)
            on duplicate key update imported = values(imported)
            "#,
            book,
            stars,
            count,
        )
        .execute(&mut *connection)
        .await?;
    }
    recount(connection, BookId::from(book)).await
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool};

    use super::*;
    use crate::{domain::Money, repo::fixtures::row};

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
        let offer = find(&mut connection, &hobbit()).await.unwrap().remove(0).offer;
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
        let offer = find(&mut connection, &hobbit()).await.unwrap().remove(0).offer;
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
        let id: BookId = find(&mut connection, &hobbit()).await.unwrap()[0].id.into();

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
        let id: BookId = find(&mut connection, &hobbit()).await.unwrap()[0].id.into();
        ratings::publish(&mut connection, uuid::Uuid::from_u128(1), minute(0), &rating(id, 1, 3)).await.unwrap();
        assert_eq!(put(&mut connection, &hobbit()).await.unwrap(), Put::Unchanged);
        let more = CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 20])), ..hobbit() };
        assert_eq!(put(&mut connection, &more).await.unwrap(), Put::Changed);
        let book = books::find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!((book.histogram, book.summary.ratings.count), (Histogram([0, 0, 1, 0, 20]), 21));
    }
}
