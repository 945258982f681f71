//! Books as shoppers read them: lists and single ones.

mod hits;
mod list;
mod narrow;
mod order;

use std::ops::RangeInclusive;

use sqlx::{MySqlConnection, types::Json};

pub use list::{Listed, Listing, list, listed, listed_with_facets, summaries};
#[cfg(test)]
pub(super) use list::{after_book, parts_of};

use super::ratings::newest_reviews;
use crate::domain::{Author, Book, BookId, Genre, Histogram, Isbn13};
use list::Row;

/// Reviews that are shown with a book.
const REVIEWS: u32 = 5;

/// The id of the book with this number.
pub async fn id_of(connection: &mut MySqlConnection, isbn: &Isbn13) -> sqlx::Result<Option<BookId>> {
    let id = sqlx::query_scalar!("select id from books where isbn = ?", isbn.as_str()).fetch_optional(connection);
    Ok(id.await?.map(BookId::from))
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
            b.title,
            b.byline,
            b.isbn,
            b.year,
            b.language,
            b.description,
            b.price,
            b.currency as "currency: String",
            b.stock,
            b.ratings_count,
            b.score,
            (select json_arrayagg(json_object('id', a.id, 'name', a.name) order by ba.position)
               from book_authors ba join authors a on a.id = ba.author_id
              where ba.book_id = b.id) as "authors: Json<Vec<Author>>",
            (select json_arrayagg(g.slug order by g.slug)
               from book_genres bg join genres g on g.id = bg.genre_id
              where bg.book_id = b.id) as "genres: Json<Vec<Genre>>",
            (select json_arrayagg(json_array(s.stars, s.imported + s.given))
               from star_counts s
              where s.book_id = b.id) as "stars: Json<Vec<(usize, u32)>>"
        from books b
        where b.id = ?
        "#,
        id.get(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
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
        number: None,
        total: None,
    };
    Ok(Some(Book {
        summary: summary.into(),
        description: row.description,
        authors: row.authors.map(|Json(authors)| authors).unwrap_or_default(),
        genres: row.genres.map(|Json(genres)| genres).unwrap_or_default(),
        histogram: Histogram::of_pairs(row.stars.map(|Json(pairs)| pairs)),
        reviews: newest_reviews(connection, id, REVIEWS).await?,
    }))
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{domain::Ratings, repo::fixtures::book};

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_is_found_whole_and_an_unknown_one_is_none(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Ernesto Sabato", 3).await;
        let found = find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!(found.authors[0].name, "Ernesto Sabato");
        assert_eq!(found.histogram, Histogram([0, 0, 0, 3, 0]));
        assert_eq!(found.summary.ratings, Ratings { mean: Some(3.5536), count: 3 });
        assert!(found.reviews.is_empty() && found.genres.is_empty());
        assert_eq!(find(&mut connection, BookId::from(999_999_999)).await.unwrap(), None);
    }
}
