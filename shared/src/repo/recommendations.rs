//! Small selections of books for pages: some of the best each day, and books that readers of a book also liked.
//!
//! Ids are read from bounded index ranges; `books::summaries` then reads the books of all selections at once.

use sqlx::MySqlConnection;
use time::Date;

use super::books;
use crate::domain::{Availability, BookId, Summary, Window};

/// The largest number of readers of a book whose other ratings are read.
const READERS: u32 = 200;
/// The largest number of their ratings that is read.
const LIKINGS: u32 = 2_000;

/// `count` of the best books of each kind: others each day, and the same for everybody on that day.
pub async fn window(connection: &mut MySqlConnection, day: Date, count: usize) -> sqlx::Result<Window> {
    let drawn = draw(connection, day, count.try_into().unwrap_or(u32::MAX)).await?;
    let ids: Vec<BookId> = drawn.iter().map(|(_, id)| *id).collect();
    let books = books::summaries(connection, &ids).await?;
    let shelf = |name: &str| -> Vec<Summary> {
        let ids = drawn.iter().filter(|(shelf, _)| shelf == name).map(|(_, id)| id);
        let books = ids.filter_map(|id| books.iter().find(|book| book.id == *id));
        books.filter(|book| book.availability != Availability::Withdrawn).cloned().collect()
    };
    Ok(Window {
        best_sellers: shelf("sold"),
        best_rated: shelf("best"),
        most_read: shelf("read"),
        newest: shelf("new"),
    })
}

/// Draws books of each kind by a hash of day, kind and id: first of those in stock, and only if these are too few, of the
/// others. The best sellers are not drawn: they come in their order, and only those in stock that were sold.
async fn draw(connection: &mut MySqlConnection, day: Date, count: u32) -> sqlx::Result<Vec<(String, BookId)>> {
    // The threshold is the prior mean, so that only rated books are read.
    let rows = sqlx::query!(
        r#"
        select drawn.shelf, drawn.id
        from (
            (select 'best' as shelf, best.id, best.in_stock, md5(concat('best', ?, best.id)) as lot
             from ((select id, 1 as in_stock from books where available = 1 and score > 3500000
                    order by score desc, id desc limit 100)
                   union all
                   (select id, 0 from books where available = 0 and score > 3500000
                    order by score desc, id desc limit 50)) best
             order by best.in_stock desc, lot limit ?)
            union all
            (select 'read', popular.id, popular.in_stock, md5(concat('read', ?, popular.id)) as lot
             from ((select id, 1 as in_stock from books where available = 1
                    order by ratings_count desc, id desc limit 100)
                   union all
                   (select id, 0 from books where available = 0 order by ratings_count desc, id desc limit 50)) popular
             order by popular.in_stock desc, lot limit ?)
            union all
            (select 'new', newest.id, newest.in_stock, md5(concat('new', ?, newest.id)) as lot
             from ((select id, 1 as in_stock from books where available = 1
                    order by year_order desc, id desc limit 50)
                   union all
                   (select id, 0 from books where available = 0 order by year_order desc, id desc limit 50)) newest
             order by newest.in_stock desc, lot limit ?)
            union all
            (select 'sold', id, 1, lpad(4294967295 - sold, 10, '0')
             from books
             where in_stock = 1
               and sold > 0
             order by sold desc, id desc
             limit ?)
        ) drawn
        order by drawn.in_stock desc, drawn.lot, drawn.id desc
        "#,
        day,
        count,
        day,
        count,
        day,
        count,
        count,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.shelf, row.id.into())).collect())
}

/// The books that the latest readers who liked this book also liked, the most frequent first.
pub async fn also_liked(connection: &mut MySqlConnection, book: BookId, count: u32) -> sqlx::Result<Vec<BookId>> {
    let ids = sqlx::query_scalar!(
        r#"
        select book_id
        from (
            select other.book_id
            from (
                select visitor_id
                from ratings
                where book_id = ?
                  and stars >= 4
                  and hidden_at is null
                order by sent_at desc, id desc
                limit ?
            ) reader
            straight_join ratings other on other.visitor_id = reader.visitor_id
            where other.book_id <> ?
              and other.stars >= 4
              and other.hidden_at is null
            limit ?
        ) liking
        group by book_id
        order by count(*) desc, book_id
        limit ?
        "#,
        book.get(),
        READERS,
        book.get(),
        LIKINGS,
        count,
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(BookId::from).collect())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;
    use time::macros::date;
    use uuid::Uuid;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Histogram, Money},
        repo::{
            catalogue,
            fixtures::{book, minute, rating, row},
            ratings,
        },
    };

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_selection_is_the_same_all_day_and_another_on_the_next(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for n in 0..40 {
            book(&mut connection, &format!("Libro {n}"), "Nadie", n).await;
        }
        let today = date!(2026 - 11 - 24);
        let ids = |shelf: Vec<Summary>| shelf.into_iter().map(|book| book.id).collect::<Vec<_>>();
        let first = window(&mut connection, today, 6).await.unwrap();
        let again = window(&mut connection, today, 6).await.unwrap();
        let next = window(&mut connection, today.next_day().unwrap(), 6).await.unwrap();
        let first = ids(first.most_read);
        assert_eq!((first.len(), &first), (6, &ids(again.most_read)));
        assert_ne!(first, ids(next.most_read));
        let all = window(&mut connection, today, 100).await.unwrap();
        assert_eq!((all.newest.len(), all.most_read.len()), (40, 40));
        assert_eq!(all.best_rated.len(), 39, "whatever nobody rated is none of the best");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_window_prefers_books_that_are_in_stock(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        // Every fifth is in stock: these have the fewest ratings and the earliest years.
        for n in 0..40 {
            let is_here = n % 5 == 0;
            let stars = Histogram([0, 0, 0, 0, if is_here { 1 + n } else { 1_000 + n }]);
            let offer = CatalogueRow {
                year: Some(if is_here { 1_900 } else { 2_000 }),
                price: Money::parse("9.50", "EUR").ok(),
                stock: Some(u32::from(is_here)),
                stars: Some(stars),
                ..row(&format!("r{n}"), &format!("Libro {n}"), &["Nadie"])
            };
            catalogue::put(&mut connection, &offer).await.unwrap();
        }
        sqlx::raw_sql("update books set sold = id").execute(&mut *connection).await.unwrap();
        let sold = window(&mut connection, date!(2026 - 11 - 24), 3).await.unwrap().best_sellers;
        let titles: Vec<_> = sold.iter().map(|book| book.title.as_str()).collect();
        assert_eq!(titles, ["Libro 35", "Libro 30", "Libro 25"], "the most sold ones that can be sold again");
        sqlx::raw_sql("update books set sold = 7").execute(&mut *connection).await.unwrap();
        for _ in 0..4 {
            let sold = window(&mut connection, date!(2026 - 11 - 24), 8).await.unwrap().best_sellers;
            assert!(sold.is_sorted_by(|one, next| one.id > next.id), "as many copies of each: the newest first");
        }
        for (count, available) in [(6, 6), (8, 8), (10, 8)] {
            let Window { best_rated, most_read, newest, .. } =
                window(&mut connection, date!(2026 - 11 - 24), count).await.unwrap();
            for shelf in [best_rated, most_read, newest] {
                let states: Vec<bool> = shelf.iter().map(|book| book.availability == Availability::InStock).collect();
                let expected: Vec<bool> = (0..count).map(|at| at < available).collect();
                assert_eq!(states, expected);
            }
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn books_that_readers_also_liked_come_by_frequency(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let [here, often, once, disliked] = ["Aquí", "Mucho", "Una vez", "Nunca"].map(str::to_owned);
        let mut ids = Vec::new();
        for title in [here, often, once, disliked] {
            ids.push(book(&mut connection, &title, "Nadie", 0).await);
        }
        let given = [(1, 0, 5), (1, 1, 5), (1, 2, 4), (2, 0, 4), (2, 1, 4), (2, 3, 1), (3, 0, 1), (3, 3, 5)];
        for (n, (visitor, book, stars)) in (1..).zip(given) {
            ratings::publish(&mut connection, Uuid::from_u128(n), minute(0), &rating(ids[book], visitor, stars))
                .await
                .unwrap();
        }
        assert_eq!(also_liked(&mut connection, ids[0], 6).await.unwrap(), [ids[1], ids[2]]);
        assert_eq!(also_liked(&mut connection, ids[2], 6).await.unwrap(), [ids[0], ids[1]]);
    }
}
