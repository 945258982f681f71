//! The wishlists of customers. A repeated change is no change. All functions that write are to be run in one transaction.

use std::collections::HashMap;

use sqlx::{MySqlConnection, error::ErrorKind};
use time::OffsetDateTime;

use super::books;
use crate::{
    domain::{BookId, Cursor, Slice, Wish},
    session::Subject,
};

/// The name of the list that a cursor belongs to.
pub const OWN: &str = "wishlist";

/// The result of adding a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WishChange {
    /// It is on the list, now or already.
    Done,
    /// The list has as many books as there can be.
    Full,
    NoSuchBook,
}

/// A slice of a customer's wishlist, the newest first. The keys of its cursor are the number of the last row.
pub async fn of_customer(
    connection: &mut MySqlConnection,
    subject: Subject,
    after: Option<&Cursor<u64>>,
    limit: u32,
) -> sqlx::Result<Slice<Wish>> {
    let rows = sqlx::query!(
        r#"
        select
            id,
            book_id,
            added_at
        from wishlists
        where subject = ?
          and id < ?
        order by id desc
        limit ?
        "#,
        subject.uuid(),
        after.map_or(u64::MAX, |cursor| cursor.keys),
        limit + 1,
    );
    let rows = rows.fetch_all(&mut *connection).await?;
    let ids: Vec<BookId> = rows.iter().map(|row| row.book_id.into()).collect();
    let books = books::summaries(connection, &ids).await?;
    let mut books: HashMap<BookId, _> = books.into_iter().map(|book| (book.id, book)).collect();
    let rows = rows
        .into_iter()
        .filter_map(|row| Some((row.id, Wish { book: books.remove(&row.book_id.into())?, added_at: row.added_at })));
    let Slice { items, next }: Slice<(u64, Wish)> =
        Slice::of(rows.collect(), limit, |(id, _)| Cursor::new(OWN, *id).encode());
    Ok(Slice { items: items.into_iter().map(|(_, wish)| wish).collect(), next })
}

/// The newest books of a wishlist.
pub async fn newest(connection: &mut MySqlConnection, subject: Subject, limit: u32) -> sqlx::Result<Vec<BookId>> {
    let ids = sqlx::query_scalar!(
        "select book_id from wishlists where subject = ? order by id desc limit ?",
        subject.uuid(),
        limit,
    );
    Ok(ids.fetch_all(connection).await?.into_iter().map(BookId::from).collect())
}

/// Books of a wishlist.
pub async fn count(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<usize> {
    let count: i64 = sqlx::query_scalar!("select count(*) from wishlists where subject = ?", subject.uuid())
        .fetch_one(connection)
        .await?;
    Ok(usize::try_from(count).unwrap_or_default())
}

/// Whether a book is on a wishlist.
pub async fn has(connection: &mut MySqlConnection, subject: Subject, book: BookId) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select 1 as one from wishlists where subject = ? and book_id = ?",
        subject.uuid(),
        book.get(),
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// Adds a book.
pub async fn add(
    connection: &mut MySqlConnection,
    subject: Subject,
    book: BookId,
    now: OffsetDateTime,
) -> sqlx::Result<WishChange> {
    // Changes of one list wait for one another, so that it does not grow beyond its limit. There is nothing to lock until the
    // message of the first sign-in is processed, and the list is short then.
    sqlx::query_scalar!("select 1 as one from customers where subject = ? for update", subject.uuid())
        .fetch_optional(&mut *connection)
        .await?;
    if has(connection, subject, book).await? {
        return Ok(WishChange::Done);
    }
    let exists = sqlx::query_scalar!("select 1 as one from books where id = ?", book.get());
    if exists.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(WishChange::NoSuchBook);
    }
    if count(connection, subject).await? >= Wish::MOST {
        return Ok(WishChange::Full);
    }
    let added = sqlx::query!(
        "insert into wishlists (subject, book_id, added_at) values (?, ?, ?)",
        subject.uuid(),
        book.get(),
        now,
    );
    match added.execute(connection).await {
        Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(WishChange::Done),
        result => result.map(|_| WishChange::Done),
    }
}

/// Removes a book, if it is on the list.
pub async fn remove(connection: &mut MySqlConnection, subject: Subject, book: BookId) -> sqlx::Result<()> {
    sqlx::query!("delete from wishlists where subject = ? and book_id = ?", subject.uuid(), book.get())
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::repo::{
        fixtures::{book, minute, writer},
        sign_ins::tests::{has_signed_in, subject},
    };

    async fn shown(connection: &mut MySqlConnection, whose: u128) -> Vec<BookId> {
        let slice = of_customer(connection, subject(whose), None, 100).await.unwrap();
        slice.items.into_iter().map(|wish| wish.book.id).collect()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_is_added_once_and_removed_once_however_often_somebody_presses(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        has_signed_in(&mut connection, 1).await;
        let (one, two) =
            (book(&mut connection, "El túnel", "Sabato", 0).await, book(&mut connection, "Nada", "Laforet", 0).await);
        // The second customer's sign-in is not written yet.
        for (whose, what) in [(1, one), (1, two), (1, one), (2, one)] {
            assert_eq!(add(&mut connection, subject(whose), what, minute(1)).await.unwrap(), WishChange::Done);
        }
        assert_eq!(shown(&mut connection, 1).await, [two, one], "a book that is added again keeps its place");
        for _ in 0..2 {
            remove(&mut connection, subject(1), one).await.unwrap();
        }
        assert_eq!((shown(&mut connection, 1).await, shown(&mut connection, 2).await), (vec![two], vec![one]));
        assert!(has(&mut connection, subject(2), one).await.unwrap());
        assert!(!has(&mut connection, subject(2), two).await.unwrap());
        let unknown = add(&mut connection, subject(1), BookId::from(999_999_999), minute(1)).await.unwrap();
        assert_eq!(unknown, WishChange::NoSuchBook);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn slices_of_a_wishlist_have_each_book_once_also_if_one_is_removed_between_them(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let mut books = Vec::new();
        for title in ["a", "b", "c", "d"] {
            let added = book(&mut connection, title, "x", 0).await;
            add(&mut connection, subject(1), added, minute(1)).await.unwrap();
            books.push(added);
        }
        let first = of_customer(&mut connection, subject(1), None, 2).await.unwrap();
        remove(&mut connection, subject(1), books[3]).await.unwrap();
        let cursor = Cursor::decode(&first.next.unwrap(), OWN).unwrap();
        let second = of_customer(&mut connection, subject(1), Some(&cursor), 2).await.unwrap();
        let ids = first.items.iter().chain(&second.items).map(|wish| wish.book.id).collect::<Vec<_>>();
        assert_eq!(ids, [books[3], books[2], books[1], books[0]]);
        assert_eq!(second.next, None);
        assert_eq!(newest(&mut connection, subject(1), 2).await.unwrap(), [books[2], books[1]]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_wishlist_is_full_at_five_hundred_and_takes_another_book_after_one_is_removed(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        has_signed_in(&mut connection, 1).await;
        let last = book(&mut connection, "El túnel", "Sabato", 0).await;
        let others = "insert into books (reference, title, byline) select concat('r', seq), 'x', 'y' from seq_1_to_500";
        sqlx::query(others).execute(&mut *connection).await.unwrap();
        let wishes = "insert into wishlists (subject, book_id, added_at) select ?, id, now() from books where id <> ?";
        sqlx::query(wishes).bind(subject(1).uuid()).bind(last.get()).execute(&mut *connection).await.unwrap();
        assert_eq!(count(&mut connection, subject(1)).await.unwrap(), Wish::MOST);
        assert_eq!(add(&mut connection, subject(1), last, minute(1)).await.unwrap(), WishChange::Full);
        let one = newest(&mut connection, subject(1), 1).await.unwrap()[0];
        assert_eq!(add(&mut connection, subject(1), one, minute(1)).await.unwrap(), WishChange::Done, "it is there");
        remove(&mut connection, subject(1), one).await.unwrap();
        assert_eq!(add(&mut connection, subject(1), last, minute(1)).await.unwrap(), WishChange::Done);
        assert_eq!(newest(&mut connection, subject(1), 1).await.unwrap(), [last]);
    }
}
