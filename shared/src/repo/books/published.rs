//! What programs read of books beside their summaries: exact star counts, the time of the last change, and books by their
//! numbers or by that time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{MySqlConnection, types::Json};
use time::OffsetDateTime;

use super::{Listed, summaries};
use crate::{
    domain::{BookId, Cursor, Histogram, Isbn13, Parsed, Slice, Total},
    repo::shop_counts,
};

/// What is published of a book beside its summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Published {
    pub stars: Histogram,
    pub updated_at: OffsetDateTime,
}

/// Sort keys of the list by the time of the last change: milliseconds since 1970, and the id; and how many books were read
/// up to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeKeys(i64, u32, #[serde(default)] u32);

/// The name of the list by the time of the last change, for its cursors.
const CHANGES: &str = "changes";

/// The books with these ids.
pub async fn published(
    connection: &mut MySqlConnection,
    ids: impl Iterator<Item = BookId>,
) -> sqlx::Result<BTreeMap<BookId, Published>> {
    let ids: Vec<u32> = ids.map(BookId::get).collect();
    let rows = sqlx::query!(
        r#"
        select
            b.id,
            b.updated_at as "updated_at: OffsetDateTime",
            (select json_arrayagg(json_array(s.stars, least(s.imported + s.given, 4294967295)))
               from star_counts s
              where s.book_id = b.id) as "stars: Json<Vec<(usize, u32)>>"
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        "#,
        json!(ids).to_string(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .map(|row| {
            let stars = Histogram::of_pairs(row.stars.map(|Json(pairs)| pairs));
            (row.id.into(), Published { stars, updated_at: row.updated_at })
        })
        .collect())
}

/// The ids of the books with these numbers, in their order; a number of no book is left out.
pub async fn ids_of(connection: &mut MySqlConnection, isbns: &[Isbn13]) -> sqlx::Result<Vec<BookId>> {
    let isbns: Vec<&str> = isbns.iter().map(Isbn13::as_str).collect();
    let ids = sqlx::query_scalar!(
        r#"
        select b.id
        from json_table(?, '$[*]' columns (
            place for ordinality,
            isbn char(13) character set ascii collate ascii_bin path '$'
        )) asked
        straight_join books b on b.isbn = asked.isbn
        order by asked.place
        "#,
        json!(isbns).to_string(),
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(BookId::from).collect())
}

/// The place in the list of changes from which a caller reads: a time, or the cursor of an earlier slice.
pub fn changes_since(since: OffsetDateTime, cursor: Option<&str>) -> Parsed<ChangeKeys> {
    match cursor {
        None => Ok(ChangeKeys(milliseconds(since), 0, 0)),
        Some(cursor) => Ok(Cursor::decode(cursor, CHANGES)?.keys),
    }
}

/// The books that changed after these keys, the earliest change first. A book that changes again moves to the end, so
/// that a caller who reads on meets it once more, and misses none. Their number is exact if this is the only slice.
pub async fn changed(connection: &mut MySqlConnection, after: ChangeKeys, limit: u32) -> sqlx::Result<Listed> {
    let since = time_of(after.0);
    // Two ranges of the index, because many books may have one time: all of an import, or all before the column was added.
    let rows = sqlx::query!(
        r#"
        select
            changed.id as "id!: u32",
            changed.updated_at as "updated_at!: OffsetDateTime"
        from (
            (select id, updated_at from books where updated_at = ? and id > ? order by id limit ?)
            union all
            (select id, updated_at from books where updated_at > ? order by updated_at, id limit ?)
        ) changed
        order by changed.updated_at, changed.id
        limit ?
        "#,
        since,
        after.1,
        limit + 1,
        since,
        limit + 1,
        limit + 1,
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    let has_next = rows.len() > limit as usize;
    let kept = &rows[..rows.len().min(limit as usize)];
    let last = kept.last().filter(|_| has_next);
    let seen = after.2.saturating_add(u32::try_from(kept.len()).unwrap_or(u32::MAX));
    let next = last.map(|row| Cursor::new(CHANGES, ChangeKeys(milliseconds(row.updated_at), row.id, seen)).encode());
    let ids: Vec<BookId> = kept.iter().map(|row| row.id.into()).collect();
    let total = match after.2 {
        0 => Total::new(rows.len(), !has_next),
        // A book that changed meanwhile was seen twice, and the cursor is input from outside.
        _ => Total {
            books: seen.saturating_add(has_next.into()).min(shop_counts::read(&mut *connection).await?.all),
            is_exact: false,
        },
    };
    Ok(Listed { slice: Slice { items: summaries(connection, &ids).await?, next }, total })
}

fn milliseconds(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or_default()
}

/// Within the years of a `timestamp`, because a cursor is input from outside.
fn time_of(milliseconds: i64) -> OffsetDateTime {
    const FIRST: i64 = 1_000;
    const LAST: i64 = (1 << 31) * 1_000 - 1_000;
    let nanoseconds = i128::from(milliseconds.clamp(FIRST, LAST)) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::{
        domain::{CatalogueRow, ReviewText},
        messages::RatingV1,
        repo::{
            books::{tax_rates, titles},
            catalogue,
            fixtures::{book, minute, rating, row},
            query_cost_tests::rows_read,
            ratings,
        },
    };

    const LONG_AGO: OffsetDateTime = datetime!(2026-01-01 0:00 UTC);

    async fn age(connection: &mut MySqlConnection) {
        sqlx::query("update books set updated_at = ?").bind(LONG_AGO).execute(connection).await.unwrap();
    }

    async fn has_changed(connection: &mut MySqlConnection, id: BookId) -> bool {
        published(connection, [id].into_iter()).await.unwrap()[&id].updated_at > LONG_AGO
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_time_of_a_book_moves_with_what_is_published_of_it(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Ernesto Sabato", 3).await;
        let same = || CatalogueRow {
            stars: Some(Histogram([0, 0, 0, 3, 0])),
            ..row("el-t-nel", "El túnel", &["Ernesto Sabato"])
        };
        // So many that the line of authors does not name the last one.
        let many = |last: &str| (0..40).map(|n| format!("Author Number {n}")).chain([last.to_owned()]).collect();
        for (change, moves) in [
            (same(), false),
            (CatalogueRow { stock: Some(4), stock_counted_at: Some(minute(0)), ..same() }, true),
            (CatalogueRow { genres: Some(vec!["crime".into()]), ..same() }, true),
            (CatalogueRow { genres: Some(vec!["crime".into()]), ..same() }, false),
            (CatalogueRow { title: "El Túnel".into(), ..same() }, true),
            (CatalogueRow { stars: Some(Histogram([1, 0, 0, 3, 0])), ..same() }, true),
            (CatalogueRow { stars: Some(Histogram([0, 1, 1, 2, 0])), ..same() }, true),
            (CatalogueRow { stars: Some(Histogram([0, 0, 2, 2, 0])), ..same() }, true),
            (CatalogueRow { stars: Some(Histogram([0, 1, 1, 1, 1])), ..same() }, true),
            (CatalogueRow { stars: Some(Histogram([0, 1, 1, 1, 1])), ..same() }, false),
            (CatalogueRow { authors: many("Last"), ..same() }, true),
            (CatalogueRow { authors: many("Other"), ..same() }, true),
            (CatalogueRow { authors: many("Other"), ..same() }, false),
            (CatalogueRow { stars: Some(Histogram([0, 0, 0, 0, 4_000_000])), ..same() }, true),
        ] {
            age(&mut connection).await;
            catalogue::put(&mut connection, &change).await.unwrap();
            assert_eq!(has_changed(&mut connection, id).await, moves, "{change:?}");
        }
        // In a book with millions of ratings, neither count nor score moves with the stars of one.
        let said = |stars, text: &str| RatingV1 { review: ReviewText::parse(text).ok(), ..rating(id, 1, stars) };
        for (change, sent, number) in [
            ("a rating", said(5, "Good")),
            ("other words", said(5, "Better")),
            ("other stars", said(4, "Better")),
            ("no words", rating(id, 1, 4)),
        ]
        .into_iter()
        .zip(1_u8..)
        .map(|((change, sent), number)| (change, sent, number))
        {
            age(&mut connection).await;
            let submission = uuid::Uuid::from_u128(number.into());
            let at = minute(number.into());
            assert_eq!(
                ratings::publish(&mut connection, submission, at, &sent).await.unwrap(),
                ratings::Published::Now
            );
            assert!(has_changed(&mut connection, id).await, "{change}");
        }
        let review = ratings::list(&mut connection, id, None, 1).await.unwrap().unwrap().items.remove(0).id;
        age(&mut connection).await;
        ratings::hide(&mut connection, review, minute(9)).await.unwrap();
        assert!(has_changed(&mut connection, id).await, "a hidden review");
        age(&mut connection).await;
        ratings::unhide(&mut connection, review).await.unwrap();
        assert!(has_changed(&mut connection, id).await, "a review that is shown again");
        age(&mut connection).await;
        ratings::erase(&mut connection, review).await.unwrap();
        assert!(has_changed(&mut connection, id).await, "an erased review");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_changes_since_a_time_are_read_in_order_and_whole(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut ids = Vec::new();
        for (title, minutes) in [("A", 3), ("B", 1), ("C", 2), ("D", 2), ("E", 2)] {
            let id = book(&mut connection, title, "Nadie", 0).await;
            let at = LONG_AGO + Duration::minutes(minutes);
            sqlx::query("update books set updated_at = ? where id = ?")
                .bind(at)
                .bind(id.get())
                .execute(&mut *connection)
                .await
                .unwrap();
            ids.push(id);
        }
        // The totals never go down, and only that of the only slice is exact.
        for (minutes, expected, totals) in
            [(0, "BCDEA", "3+ 5+ 5+"), (1, "BCDEA", "3+ 5+ 5+"), (2, "CDEA", "3+ 4+"), (3, "A", "1"), (4, "", "0")]
        {
            let mut keys = changes_since(LONG_AGO + Duration::minutes(minutes), None).unwrap();
            let (mut seen, mut shown) = (String::new(), Vec::new());
            loop {
                let Listed { slice, total } = changed(&mut connection, keys, 2).await.unwrap();
                seen.extend(slice.items.iter().map(|book| book.title.as_str()));
                shown.push(format!("{}{}", total.books, if total.is_exact { "" } else { "+" }));
                let Some(next) = slice.next else { break };
                keys = changes_since(LONG_AGO, Some(&next)).unwrap();
            }
            assert_eq!((seen.as_str(), shown.join(" ").as_str()), (expected, totals), "since minute {minutes}");
        }
        sqlx::raw_sql(
            "insert into books (reference, title, byline, updated_at)
             select concat('r', seq), concat('Libro ', seq), 'Nadie', '2026-02-01 00:00:00' from seq_1_to_3000",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        let keys = ChangeKeys(milliseconds(datetime!(2026-02-01 0:00 UTC)), 2_500, 2_500);
        rows_read(&mut connection).await;
        assert_eq!(changed(&mut connection, keys, 10).await.unwrap().slice.items.len(), 10);
        let read = rows_read(&mut connection).await;
        assert!(read < 200, "{read} rows were read for ten of three thousand books with one time");
        for far in [i64::MIN, 0, i64::MAX] {
            changed(&mut connection, ChangeKeys(far, 0, 0), 1).await.unwrap();
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn only_books_with_a_tax_rate_of_their_own_are_read_with_it(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for (reference, tax_rate) in [("a", None), ("b", Some(2_100)), ("c", Some(0)), ("d", Some(1_000))] {
            let row = CatalogueRow { tax_rate, ..row(reference, reference, &["Nadie"]) };
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        let ids: Vec<BookId> = titles(&mut connection, 1..=3).await.unwrap().into_iter().map(|(id, _)| id).collect();
        let asked = [&ids[..], &[BookId::from(999_999)]].concat();
        let rates = tax_rates(&mut connection, &asked).await.unwrap();
        assert_eq!(rates, [(ids[1], 2_100), (ids[2], 0)].into());
        assert!(tax_rates(&mut connection, &[]).await.unwrap().is_empty());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn books_are_found_by_their_numbers_in_the_order_asked_for(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let isbns = ["9788420467283", "9780262033848"].map(|isbn| Isbn13::parse(isbn).unwrap());
        for (reference, isbn) in ["a", "b"].into_iter().zip(&isbns) {
            let row = CatalogueRow { isbn: Some(isbn.clone()), ..row(reference, reference, &["Nadie"]) };
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        let [first, second] = isbns;
        let unknown = Isbn13::parse("9788437604947").unwrap();
        let ids = ids_of(&mut connection, &[second, unknown, first]).await.unwrap();
        let titles: Vec<String> =
            summaries(&mut connection, &ids).await.unwrap().into_iter().map(|book| book.title).collect();
        assert_eq!(titles, ["b", "a"]);
    }
}
