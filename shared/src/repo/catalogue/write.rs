//! The statements of [`super::put_all`]: one for a set of books, whose values are one JSON parameter.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::{MySqlConnection, types::Json};

use super::{Offer, ShelfBook, Stored};
use crate::{
    domain::Histogram,
    repo::{popularity, stock::Held},
};

/// The books with these references or numbers, in the order of their ids.
pub(super) async fn find(
    connection: &mut MySqlConnection,
    references: &BTreeSet<&str>,
    isbns: &BTreeSet<&str>,
) -> sqlx::Result<BTreeSet<u32>> {
    let ids = sqlx::query_scalar!(
        r#"
        select b.id
        from json_table(?, '$[*]' columns (reference varchar(100) collate utf8mb4_bin path '$')) asked
        straight_join books b on b.reference = asked.reference
        union
        select b.id
        from json_table(?, '$[*]' columns (isbn char(13) character set ascii collate ascii_bin path '$')) asked
        straight_join books b on b.isbn = asked.isbn
        "#,
        json!(references).to_string(),
        json!(isbns).to_string(),
    );
    Ok(ids.fetch_all(connection).await?.into_iter().collect())
}

/// Locks the books with these references or numbers, in the order of their ids.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    references: &BTreeSet<&str>,
    isbns: &BTreeSet<&str>,
) -> sqlx::Result<Vec<u32>> {
    let ids = find(connection, references, isbns).await?;
    lock_ids(connection, &ids).await
}

/// Locks books in the order of their ids; one that does not exist is left out.
pub(super) async fn lock_ids(connection: &mut MySqlConnection, ids: &BTreeSet<u32>) -> sqlx::Result<Vec<u32>> {
    let locked = sqlx::query_scalar!(
        r#"
        select b.id
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        for update
        "#,
        json!(ids).to_string(),
    );
    locked.fetch_all(connection).await
}

/// Reads books. For locked ones it is a statement of its own, because one that waits for a lock reads what was before.
pub(super) async fn stored(
    connection: &mut MySqlConnection,
    ids: impl IntoIterator<Item = u32>,
) -> sqlx::Result<Vec<ShelfBook>> {
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
            b.stock_moved,
            b.sold,
            b.fixed_price,
            b.tax_rate,
            b.publisher,
            b.publisher_contact,
            b.ratings_count,
            b.score,
            b.ratings_supplier,
            b.withdrawn_at is not null as "is_withdrawn!: bool",
            b.withdrawn_price,
            b.withdrawn_currency as "withdrawn_currency: String",
            (select json_arrayagg(a.name order by ba.position)
               from book_authors ba join authors a on a.id = ba.author_id
              where ba.book_id = b.id) as "authors: Json<Vec<String>>",
            (select json_arrayagg(g.slug order by g.slug)
               from book_genres bg join genres g on g.id = bg.genre_id
              where bg.book_id = b.id) as "genres: Json<Vec<String>>",
            (select json_arrayagg(json_array(s.stars, s.imported))
               from star_counts s
              where s.book_id = b.id) as "imported: Json<Vec<(usize, u32)>>",
            (select json_arrayagg(json_array(s.stars, s.given))
               from star_counts s
              where s.book_id = b.id) as "given: Json<Vec<(usize, u32)>>"
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        "#,
        json!(ids.into_iter().collect::<Vec<_>>()).to_string(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .map(|row| {
            let price = row.price.zip(row.currency);
            let waiting = row.withdrawn_price.zip(row.withdrawn_currency).filter(|_| row.is_withdrawn);
            let offer = Offer {
                isbn: row.isbn,
                title: row.title,
                byline: row.byline,
                authors: row.authors.map(|Json(names)| names).unwrap_or_default(),
                genres: row.genres.map(|Json(slugs)| slugs).unwrap_or_default(),
                year: row.year,
                language: row.language,
                description: row.description,
                price: waiting.or(price),
                stock: row.stock,
                fixed_price: row.fixed_price,
                tax_rate: row.tax_rate,
                publisher: row.publisher,
                publisher_contact: row.publisher_contact,
                stars: Histogram::of_pairs(row.imported.map(|Json(pairs)| pairs)),
                ratings_supplier: row.ratings_supplier,
                is_withdrawn: row.is_withdrawn,
            };
            let counted = offer.counted(row.ratings_count, row.score);
            let given = Histogram::of_pairs(row.given.map(|Json(pairs)| pairs));
            let now = offer.clone();
            let held =
                Held { stock: row.stock, listed: row.stock, price: row.price, moved: row.stock_moved, sold: row.sold };
            let before = Some(Stored { offer, counted, held });
            ShelfBook { id: row.id, reference: row.reference, before, now, given, line: 0, counted_at: None }
        })
        .collect())
}

/// Takes the number from each book whose number changes, because a new book may get it, and two may exchange theirs.
pub(super) async fn clear_changed_isbns(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let known = books.iter().filter(|book| book.before.is_some());
    let renumbered: Vec<u32> = known.filter(|book| book.differs(|offer| &offer.isbn)).map(|book| book.id).collect();
    if !renumbered.is_empty() {
        sqlx::query!(
            r#"
            update json_table(?, '$[*]' columns (id int unsigned path '$')) asked
            straight_join books b on b.id = asked.id
            set b.isbn = null
            "#,
            json!(renumbered).to_string(),
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

/// Inserts the new books, and sets their ids.
pub(super) async fn insert_books(connection: &mut MySqlConnection, books: &mut [ShelfBook]) -> sqlx::Result<()> {
    let rows: Vec<Value> = books.iter().filter(|book| book.id == 0).map(ShelfBook::row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into books
            (reference, isbn, title, byline, year, language, description, price, currency, stock, stock_moved, ratings_count,
             score, fixed_price, tax_rate, publisher, publisher_contact)
        select
            row.reference,
            row.isbn,
            row.title,
            row.byline,
            row.year,
            row.language,
            row.description,
            row.price,
            row.currency,
            row.stock,
            row.stock,
            row.ratings_count,
            row.score,
            row.fixed_price,
            row.tax_rate,
            row.publisher,
            row.publisher_contact
        from json_table(?, '$[*]' columns (
            reference varchar(100) path '$[1]',
            isbn char(13) path '$[2]',
            title varchar(500) path '$[3]',
            byline varchar(500) path '$[4]',
            year smallint path '$[5]',
            language varchar(35) path '$[6]',
            description varchar(2000) path '$[7]',
            price int unsigned path '$[8]',
            currency char(3) path '$[9]',
            stock int unsigned path '$[10]',
            ratings_count int unsigned path '$[11]',
            score int unsigned path '$[12]',
            fixed_price int unsigned path '$[13]',
            tax_rate smallint unsigned path '$[14]',
            publisher varchar(200) path '$[15]',
            publisher_contact varchar(300) path '$[16]'
        )) row
        "#,
        json!(rows).to_string(),
    )
    .execute(&mut *connection)
    .await?;
    let references: Vec<&String> = books.iter().filter(|book| book.id == 0).map(|book| &book.reference).collect();
    let inserted = sqlx::query!(
        r#"
        select
            b.id,
            b.reference
        from json_table(?, '$[*]' columns (reference varchar(100) collate utf8mb4_bin path '$')) asked
        straight_join books b on b.reference = asked.reference
        "#,
        json!(references).to_string(),
    );
    let rows = inserted.fetch_all(connection).await?.into_iter();
    let ids: BTreeMap<String, u32> = rows.map(|row| (row.reference, row.id)).collect();
    for book in books.iter_mut().filter(|book| book.id == 0) {
        book.id = ids.get(&book.reference).copied().ok_or(sqlx::Error::RowNotFound)?;
    }
    Ok(())
}

/// Every one of these books counts as changed, also if the change is not in its own row: genres, authors behind the byline's
/// end, the spread of stars.
pub(super) async fn update_books(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let known: Vec<&ShelfBook> = books.iter().filter(|book| book.before.is_some()).collect();
    if known.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = known.iter().map(|book| book.row()).collect();
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            id int unsigned path '$[0]',
            isbn char(13) path '$[2]',
            title varchar(500) path '$[3]',
            byline varchar(500) path '$[4]',
            year smallint path '$[5]',
            language varchar(35) path '$[6]',
            description varchar(2000) path '$[7]',
            price int unsigned path '$[8]',
            currency char(3) path '$[9]',
            ratings_count int unsigned path '$[11]',
            score int unsigned path '$[12]',
            fixed_price int unsigned path '$[13]',
            tax_rate smallint unsigned path '$[14]',
            publisher varchar(200) path '$[15]',
            publisher_contact varchar(300) path '$[16]',
            is_withdrawn tinyint unsigned path '$[17]',
            withdrawn_price int unsigned path '$[18]',
            withdrawn_currency char(3) path '$[19]'
        )) row
        straight_join books b on b.id = row.id
        set b.isbn = row.isbn,
            b.title = row.title,
            b.byline = row.byline,
            b.year = row.year,
            b.language = row.language,
            b.description = row.description,
            b.price = row.price,
            b.currency = row.currency,
            b.ratings_count = row.ratings_count,
            b.score = row.score,
            b.fixed_price = row.fixed_price,
            b.tax_rate = row.tax_rate,
            b.publisher = row.publisher,
            b.publisher_contact = row.publisher_contact,
            b.withdrawn_at = if(row.is_withdrawn = 1, coalesce(b.withdrawn_at, current_timestamp), null),
            b.withdrawn_price = row.withdrawn_price,
            b.withdrawn_currency = row.withdrawn_currency,
            b.updated_at = current_timestamp(3)
        "#,
        json!(rows).to_string(),
    )
    .execute(&mut *connection)
    .await?;
    let known: Vec<u32> = known.iter().map(|book| book.id).collect();
    popularity::copy(connection, &known).await
}

pub(super) async fn set_stars(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let before = |book: &ShelfBook| book.before.as_ref().map(|stored| stored.offer.stars).unwrap_or_default();
    let changed = books.iter().filter(|book| book.now.stars != before(book));
    let rows: Vec<(u32, u8, u32)> =
        changed.flat_map(|book| (1..).zip(book.now.stars.0).map(|(stars, count)| (book.id, stars, count))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into star_counts (book_id, stars, imported)
        select
            counted.book_id,
            counted.stars,
            counted.imported
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            stars tinyint unsigned path '$[1]',
            imported int unsigned path '$[2]'
        )) counted
        on duplicate key update imported = values(imported)
        "#,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_ratings_suppliers(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let before = |book: &ShelfBook| book.before.as_ref().and_then(|stored| stored.offer.ratings_supplier.clone());
    let changed = books.iter().filter(|book| book.now.ratings_supplier != before(book));
    let rows: Vec<(u32, &Option<String>)> = changed.map(|book| (book.id, &book.now.ratings_supplier)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            id int unsigned path '$[0]',
            supplier varchar(100) character set ascii collate ascii_bin path '$[1]'
        )) row
        straight_join books b on b.id = row.id
        set b.ratings_supplier = row.supplier
        "#,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_authors(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let changed: Vec<&ShelfBook> = books.iter().filter(|book| book.differs(|offer| &offer.authors)).collect();
    let names: BTreeSet<&String> = changed.iter().flat_map(|book| &book.now.authors).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut ids = author_ids(connection, &names).await?;
    // In the order of the rows, so that the same catalogue gives the same ids.
    let mut seen = BTreeSet::new();
    let authors = changed.iter().flat_map(|book| &book.now.authors);
    let missing: Vec<&String> = authors.filter(|name| !ids.contains_key(*name) && seen.insert(*name)).collect();
    if !missing.is_empty() {
        sqlx::query!(
            r#"
            insert ignore into authors (name)
            select asked.name
            from json_table(?, '$[*]' columns (name varchar(200) collate utf8mb4_bin path '$')) asked
            "#,
            json!(missing).to_string(),
        )
        .execute(&mut *connection)
        .await?;
        ids = author_ids(connection, &names).await?;
    }
    let known: Vec<u32> = changed.iter().filter(|book| book.before.is_some()).map(|book| book.id).collect();
    if !known.is_empty() {
        sqlx::query!(
            r#"
            delete ba
            from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
            straight_join book_authors ba on ba.book_id = asked.id
            "#,
            json!(known).to_string(),
        )
        .execute(&mut *connection)
        .await?;
    }
    let mut rows = Vec::new();
    for book in changed {
        for (position, name) in (0_u8..).zip(&book.now.authors) {
            let author = ids.get(name).ok_or(sqlx::Error::RowNotFound)?;
            rows.push((book.id, position, author, book.ratings_count()));
        }
    }
    sqlx::query!(
        r#"
        insert into book_authors (book_id, position, author_id, ratings_count)
        select
            row.book_id,
            row.position,
            row.author_id,
            row.ratings_count
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            position tinyint unsigned path '$[1]',
            author_id int unsigned path '$[2]',
            ratings_count int unsigned path '$[3]'
        )) row
        "#,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn author_ids(
    connection: &mut MySqlConnection,
    names: &BTreeSet<&String>,
) -> sqlx::Result<BTreeMap<String, u32>> {
    let rows = sqlx::query!(
        r#"
        select
            a.id,
            a.name
        from json_table(?, '$[*]' columns (name varchar(200) collate utf8mb4_bin path '$')) asked
        straight_join authors a on a.name = asked.name
        "#,
        json!(names).to_string(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.name, row.id)).collect())
}

pub(super) async fn set_genres(connection: &mut MySqlConnection, books: &[ShelfBook]) -> sqlx::Result<()> {
    let changed: Vec<&ShelfBook> = books.iter().filter(|book| book.differs(|offer| &offer.genres)).collect();
    let slugs: BTreeSet<&String> = changed.iter().flat_map(|book| &book.now.genres).collect();
    if changed.is_empty() {
        return Ok(());
    }
    let mut ids = genre_ids(connection, &slugs).await?;
    let missing: Vec<&&String> = slugs.iter().filter(|slug| !ids.contains_key(**slug)).collect();
    if !missing.is_empty() {
        sqlx::query!(
            r#"
            insert ignore into genres (slug)
            select asked.slug
            from json_table(?, '$[*]' columns (slug varchar(60) path '$')) asked
            "#,
            json!(missing).to_string(),
        )
        .execute(&mut *connection)
        .await?;
        ids = genre_ids(connection, &slugs).await?;
    }
    let known: Vec<u32> = changed.iter().filter(|book| book.before.is_some()).map(|book| book.id).collect();
    if !known.is_empty() {
        sqlx::query!(
            r#"
            delete bg
            from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
            straight_join book_genres bg on bg.book_id = asked.id
            "#,
            json!(known).to_string(),
        )
        .execute(&mut *connection)
        .await?;
    }
    let mut rows = Vec::new();
    for book in changed {
        for slug in &book.now.genres {
            rows.push((book.id, ids.get(slug).ok_or(sqlx::Error::RowNotFound)?, book.ratings_count()));
        }
    }
    sqlx::query!(
        r#"
        insert into book_genres (book_id, genre_id, ratings_count)
        select
            row.book_id,
            row.genre_id,
            row.ratings_count
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            genre_id smallint unsigned path '$[1]',
            ratings_count int unsigned path '$[2]'
        )) row
        "#,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn genre_ids(connection: &mut MySqlConnection, slugs: &BTreeSet<&String>) -> sqlx::Result<BTreeMap<String, u16>> {
    let rows = sqlx::query!(
        r#"
        select
            g.id,
            g.slug
        from json_table(?, '$[*]' columns (slug varchar(60) character set ascii collate ascii_bin path '$')) asked
        straight_join genres g on g.slug = asked.slug
        "#,
        json!(slugs).to_string(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.slug, row.id)).collect())
}

impl ShelfBook {
    /// The values of a row of `books`, from the id on.
    fn row(&self) -> Value {
        let Offer { isbn, title, byline, year, language, description, price, stock, .. } = &self.now;
        let Offer { fixed_price, tax_rate, publisher, publisher_contact, .. } = &self.now;
        let is_withdrawn = self.now.is_withdrawn;
        let (price, currency) = price.clone().filter(|_| !is_withdrawn).unzip();
        let (withdrawn_price, withdrawn_currency) = self.now.price.clone().filter(|_| is_withdrawn).unzip();
        let (count, score) = (self.ratings_count(), self.stars().score());
        json!([
            self.id,
            self.reference,
            isbn,
            title,
            byline,
            year,
            language,
            description,
            price,
            currency,
            stock,
            count,
            score,
            fixed_price,
            tax_rate,
            publisher,
            publisher_contact,
            u8::from(is_withdrawn),
            withdrawn_price,
            withdrawn_currency
        ])
    }
}
