//! Books as shoppers read them: lists and single ones.

mod hits;
mod list;
mod narrow;
mod order;
mod published;

use std::ops::RangeInclusive;

use sqlx::{MySqlConnection, types::Json};

pub use list::{Listed, Listing, list, listed, listed_with_facets, summaries, tax_rates};
#[cfg(test)]
pub(super) use list::{after_book, parts_of};
pub use published::{ChangeKeys, Published, changed, changes_since, ids_of, published};

use super::ratings::newest_reviews;
use crate::{
    domain::{Author, Book, BookId, Genre, Histogram, ImportedRatings, Isbn13, Money, Reference},
    uploads::SampleFile,
};
use list::{Row, StoredCover};

/// Reviews that are shown with a book.
const REVIEWS: u32 = 5;

/// The id of the book with this number.
pub async fn id_of(connection: &mut MySqlConnection, isbn: &Isbn13) -> sqlx::Result<Option<BookId>> {
    let id = sqlx::query_scalar!("select id from books where isbn = ?", isbn.as_str()).fetch_optional(connection);
    Ok(id.await?.map(BookId::from))
}

/// The id in the segment of a path: an ISBN that a book has, or else the shop's own number, which may be that of no book.
pub async fn id_in(connection: &mut MySqlConnection, segment: &str) -> sqlx::Result<Option<BookId>> {
    // In this order: an ISBN with hyphens begins like an id with its slug.
    let by_isbn = match Isbn13::parse(segment) {
        Ok(isbn) => id_of(connection, &isbn).await?,
        Err(_) => None,
    };
    Ok(by_isbn.or(BookId::parse(segment)))
}

/// The greatest id, 0 where there is no book.
pub async fn last_id(connection: &mut MySqlConnection) -> sqlx::Result<u32> {
    let id = sqlx::query_scalar!("select max(id) from books").fetch_one(connection);
    Ok(id.await?.unwrap_or_default())
}

/// The books with these ids, and their titles.
pub async fn titles(connection: &mut MySqlConnection, ids: RangeInclusive<u32>) -> sqlx::Result<Vec<(BookId, String)>> {
    let rows = sqlx::query!(
        r#"
        select
            id,
            title
        from books
        where id between ? and ?
        order by id
        "#,
        ids.start(),
        ids.end(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.id.into(), row.title)).collect())
}

/// The book with all that its page shows.
pub async fn find(connection: &mut MySqlConnection, id: BookId) -> sqlx::Result<Option<Book>> {
    let row = sqlx::query!(
        r#"
        select
            b.id,
            coalesce(b.ratings_supplier, if(locate(':', b.reference) > 0, substring_index(b.reference, ':', 1), ''))
                as "ratings_supplier!",
            b.title,
            b.byline,
            b.isbn,
            b.year,
            b.language,
            b.description,
            b.price,
            b.currency as "currency: String",
            b.stock,
            b.fixed_price,
            b.tax_rate,
            b.publisher,
            b.publisher_contact,
            b.ratings_count,
            b.score,
            b.withdrawn_at is not null as "is_withdrawn!: bool",
            (select json_array(c.hash, c.width, c.height, c.credit)
               from covers c
              where c.book_id = b.id) as "cover: Json<StoredCover>",
            (select json_array(s.hash, s.bytes, s.pages)
               from sample_chapters s
              where s.book_id = b.id) as "sample: Json<(String, u32, u32)>",
            (select json_arrayagg(json_object('id', a.id, 'name', a.name) order by ba.position)
               from book_authors ba join authors a on a.id = ba.author_id
              where ba.book_id = b.id) as "authors: Json<Vec<Author>>",
            (select json_arrayagg(g.slug order by g.slug)
               from book_genres bg join genres g on g.id = bg.genre_id
              where bg.book_id = b.id) as "genres: Json<Vec<Genre>>",
            (select json_arrayagg(json_array(s.stars, s.imported, s.given))
               from star_counts s
              where s.book_id = b.id) as "stars: Json<Vec<(usize, u32, u32)>>"
        from books b
        where b.id = ?
        "#,
        id.get(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stars = row.stars.map(|Json(stars)| stars).unwrap_or_default();
    let all = stars.iter().map(|(stars, imported, given)| (*stars, imported.saturating_add(*given))).collect();
    let imported = Histogram::of_pairs(Some(stars.iter().map(|(stars, imported, _)| (*stars, *imported)).collect()));
    let fixed_price = row.fixed_price.zip(row.currency.clone()).map(|(minor, currency)| Money { minor, currency });
    let summary = Row {
        id: row.id,
        title: row.title,
        byline: row.byline,
        isbn: row.isbn,
        year: row.year,
        language: row.language,
        price: row.price,
        currency: row.currency,
        stock: row.stock,
        ratings_count: row.ratings_count,
        score: row.score,
        is_withdrawn: row.is_withdrawn,
        cover: row.cover,
        number: None,
        total: None,
    };
    Ok(Some(Book {
        summary: summary.into(),
        description: row.description,
        fixed_price,
        tax_rate: row.tax_rate,
        publisher: row.publisher,
        publisher_contact: row.publisher_contact,
        sample: row.sample.map(|Json((hash, bytes, pages))| SampleFile { hash, bytes, pages }),
        authors: row.authors.map(|Json(authors)| authors).unwrap_or_default(),
        genres: row.genres.map(|Json(genres)| genres).unwrap_or_default(),
        histogram: Histogram::of_pairs(Some(all)),
        imported_ratings: (imported.count() > 0).then(|| ImportedRatings {
            source: Reference::ratings_source(&row.ratings_supplier).map(str::to_owned),
            histogram: imported,
        }),
        reviews: newest_reviews(connection, id, REVIEWS).await?,
    }))
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Ratings},
        repo::{
            catalogue,
            fixtures::{book, minute, rating, row},
            ratings,
        },
    };

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_is_found_whole_and_an_unknown_one_is_none(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Ernesto Sabato", 3).await;
        let found = find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!(found.authors[0].name, "Ernesto Sabato");
        assert_eq!(found.histogram, Histogram([0, 0, 0, 3, 0]));
        assert_eq!(found.summary.ratings, Ratings { mean: Some(4.0), count: 3 });
        assert!(found.reviews.is_empty() && found.genres.is_empty());
        assert_eq!(find(&mut connection, BookId::from(999_999_999)).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_path_names_a_book_by_its_number_or_by_its_isbn(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let hobbit =
            CatalogueRow { isbn: Isbn13::parse("9780618002214").ok(), ..row("the-hobbit", "The Hobbit", &["Tolkien"]) };
        catalogue::put(&mut connection, &hobbit).await.unwrap();
        let id: u32 = sqlx::query_scalar("select id from books").fetch_one(&mut *connection).await.unwrap();
        for (segment, expected) in [
            (id.to_string(), Some(id)),
            (format!("{id}-the-hobbit"), Some(id)),
            ("9780618002214".to_owned(), Some(id)),
            ("978-0-618-00221-4".to_owned(), Some(id)),
            ("0618002219".to_owned(), Some(id)),
            ("0618002213".to_owned(), None),
            // Nobody's ISBN begins like a number with its slug.
            ("978-84-204-6728-3".to_owned(), Some(978)),
            ("the-hobbit".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(id_in(&mut connection, &segment).await.unwrap().map(BookId::get), expected, "{segment}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn ratings_that_came_with_the_catalogue_are_told_from_those_of_the_shop(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for (reference, imported, given, source) in [
            ("goodbooks:1", [1, 0, 2, 0, 0], Some(5), Some("Goodreads (2017)")),
            ("another:1", [0, 0, 2, 0, 0], Some(3), None),
            ("goodbooks:2", [0, 0, 0, 0, 7], None, Some("Goodreads (2017)")),
            ("own-1", [0; 5], Some(4), None),
            ("own-2", [0; 5], None, None),
        ] {
            let stars = Histogram(imported);
            let offer = CatalogueRow { stars: Some(stars), ..row(reference, reference, &["Nadie"]) };
            catalogue::put(&mut connection, &offer).await.unwrap();
            let id: u32 = sqlx::query_scalar("select id from books where reference = ?")
                .bind(reference)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            let mut own = Histogram::default();
            if let Some(stars) = given {
                let submission = Uuid::from_u128(id.into());
                ratings::publish(&mut connection, submission, minute(0), &rating(id.into(), 1, stars)).await.unwrap();
                own.0[usize::try_from(stars).unwrap() - 1] = 1;
            }
            let found = find(&mut connection, id.into()).await.unwrap().unwrap();
            assert_eq!(found.own_ratings(), own, "{reference}");
            let expected =
                (stars.count() > 0).then(|| ImportedRatings { source: source.map(str::to_owned), histogram: stars });
            assert_eq!(found.imported_ratings, expected, "{reference}");
            assert_eq!(found.histogram.count(), stars.count() + own.count(), "{reference}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_source_of_ratings_is_the_supplier_that_gave_them(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let isbn = Isbn13::parse("9780618002214").ok();
        let stars = Some(Histogram([0, 0, 0, 0, 9]));
        let own = CatalogueRow { isbn: isbn.clone(), ..row("the-hobbit", "The Hobbit", &["Tolkien"]) };
        let other = CatalogueRow { isbn, stars, ..row("goodbooks:7", "The Hobbit", &["Tolkien"]) };
        for (step, offer, source) in [
            ("the shop's own book", &own, None),
            ("ratings of another supplier fill it in", &other, Some("Goodreads (2017)")),
            ("the shop's own row again", &own, Some("Goodreads (2017)")),
            ("own ratings replace them", &CatalogueRow { stars, ..own.clone() }, None),
        ] {
            catalogue::put(&mut connection, offer).await.unwrap();
            assert_eq!(catalogue::put(&mut connection, offer).await.unwrap(), catalogue::Put::Unchanged, "{step}");
            let id: u32 = sqlx::query_scalar("select id from books").fetch_one(&mut *connection).await.unwrap();
            let found = find(&mut connection, id.into()).await.unwrap().unwrap();
            assert_eq!(found.imported_ratings.and_then(|ratings| ratings.source).as_deref(), source, "{step}");
        }
        // Imported by an earlier version.
        let kept = CatalogueRow { stars, ..row("goodbooks:8", "Emma", &["Austen"]) };
        catalogue::put(&mut connection, &kept).await.unwrap();
        sqlx::query("update books set ratings_supplier = null").execute(&mut *connection).await.unwrap();
        let id: u32 = sqlx::query_scalar("select max(id) from books").fetch_one(&mut *connection).await.unwrap();
        let found = find(&mut connection, id.into()).await.unwrap().unwrap();
        assert_eq!(found.imported_ratings.unwrap().source.as_deref(), Some("Goodreads (2017)"));
    }
}
