//! Covers and sample chapters of books. All functions that write are to be run in one transaction.

use sqlx::MySqlConnection;
use time::OffsetDateTime;

use crate::{
    domain::{BookId, Credit},
    staff::StaffFile,
    uploads::{BookFile, Checked, CoverFiles, SampleFile, Size, UploadKind},
};

/// Gives the book this cover, in place of the one that it has.
pub async fn put_cover(
    connection: &mut MySqlConnection,
    book: BookId,
    cover: &CoverFiles,
    credit: Option<&Credit>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    changed(connection, book).await?;
    let Size { width, height } = cover.widest();
    sqlx::query!(
        r#"
        insert into covers (book_id, hash, width, height, credit, added_at)
        values (?, ?, ?, ?, ?, ?)
        on duplicate key update
            hash = value(hash),
            width = value(width),
            height = value(height),
            credit = value(credit),
            added_at = value(added_at)
        "#,
        book.get(),
        cover.hash,
        width,
        height,
        credit.map(Credit::as_str),
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks the book. The API shows its files, so that programs which read changes see this one.
async fn changed(connection: &mut MySqlConnection, book: BookId) -> sqlx::Result<()> {
    sqlx::query!("update books set updated_at = current_timestamp(3) where id = ?", book.get())
        .execute(connection)
        .await?;
    Ok(())
}

/// Gives the book this sample chapter, in place of the one that it has.
pub async fn put_sample(
    connection: &mut MySqlConnection,
    book: BookId,
    sample: &SampleFile,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    changed(connection, book).await?;
    sqlx::query!(
        r#"
        insert into sample_chapters (book_id, hash, bytes, pages, added_at)
        values (?, ?, ?, ?, ?)
        on duplicate key update
            hash = value(hash),
            bytes = value(bytes),
            pages = value(pages),
            added_at = value(added_at)
        "#,
        book.get(),
        sample.hash,
        sample.bytes,
        sample.pages,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes the book's file of this kind away. Returns whether it had one.
pub async fn remove(connection: &mut MySqlConnection, book: BookId, kind: UploadKind) -> sqlx::Result<bool> {
    changed(connection, book).await?;
    let removed = match kind {
        UploadKind::Cover => {
            sqlx::query!("delete from covers where book_id = ?", book.get()).execute(connection).await?
        }
        UploadKind::Sample => {
            sqlx::query!("delete from sample_chapters where book_id = ?", book.get()).execute(connection).await?
        }
    };
    Ok(removed.rows_affected() > 0)
}

/// Locks the book, and returns its file of this kind, if it has one; none if there is no such book.
pub async fn find_locked(
    connection: &mut MySqlConnection,
    book: BookId,
    kind: UploadKind,
) -> sqlx::Result<Option<Option<BookFile>>> {
    let locked = sqlx::query_scalar!("select id from books where id = ? for update", book.get());
    if locked.fetch_optional(&mut *connection).await?.is_none() {
        return Ok(None);
    }
    let before = book.get() - 1;
    let next = list(connection, kind, before, 1).await?.into_iter().next();
    Ok(Some(next.filter(|next| next.book == book).map(|next| BookFile { file: next.file, credit: next.credit })))
}

/// Seconds for which somebody waits who wants to give or remove a file that another is just giving or removing: less than a
/// statement may take.
const LOCK_SECONDS: u32 = 1;

/// Keeps others from giving a book the file with this hash, and from removing it from the bucket, until [`unlock`]: the bucket and
/// the database change together. Returns false if somebody else does that for long.
pub async fn lock(connection: &mut MySqlConnection, hash: &str) -> sqlx::Result<bool> {
    let locked =
        sqlx::query_scalar!(r#"select get_lock(concat(database(), ' ', ?), ?) as "locked: i64""#, hash, LOCK_SECONDS);
    Ok(locked.fetch_one(connection).await? == Some(1))
}

/// Ends the lock. A connection that is lost has ended its own.
pub async fn unlock(connection: &mut MySqlConnection, hash: &str) -> sqlx::Result<()> {
    let unlocked = sqlx::query_scalar!(r#"select release_lock(concat(database(), ' ', ?)) as "unlocked: i64""#, hash);
    unlocked.fetch_one(connection).await?;
    Ok(())
}

/// Whether a book has the file with this hash. Waits for the end of transactions that give one a file with it.
pub async fn is_used(connection: &mut MySqlConnection, kind: UploadKind, hash: &str) -> sqlx::Result<bool> {
    let found = match kind {
        UploadKind::Cover => {
            let sql = sqlx::query_scalar!("select book_id from covers where hash = ? limit 1 for update", hash);
            sql.fetch_optional(connection).await?
        }
        UploadKind::Sample => {
            let sql =
                sqlx::query_scalar!("select book_id from sample_chapters where hash = ? limit 1 for update", hash);
            sql.fetch_optional(connection).await?
        }
    };
    Ok(found.is_some())
}

/// Files of this kind by their books' ids, behind the book with the id `after`.
pub async fn list(
    connection: &mut MySqlConnection,
    kind: UploadKind,
    after: u32,
    limit: u32,
) -> sqlx::Result<Vec<StaffFile>> {
    match kind {
        UploadKind::Cover => covers(connection, after, limit).await,
        UploadKind::Sample => samples(connection, after, limit).await,
    }
}

async fn covers(connection: &mut MySqlConnection, after: u32, limit: u32) -> sqlx::Result<Vec<StaffFile>> {
    let rows = sqlx::query!(
        r#"
        select
            c.book_id,
            b.title,
            c.hash,
            c.width,
            c.height,
            c.credit,
            c.added_at
        from covers c
        join books b on b.id = c.book_id
        where c.book_id > ?
        order by c.book_id
        limit ?
        "#,
        after,
        limit,
    );
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let widest = Size { width: row.width.into(), height: row.height.into() };
        StaffFile {
            book: row.book_id.into(),
            title: row.title,
            file: Checked::Cover(CoverFiles::new(row.hash, widest)),
            credit: row.credit,
            added_at: row.added_at,
        }
    });
    Ok(rows.collect())
}

async fn samples(connection: &mut MySqlConnection, after: u32, limit: u32) -> sqlx::Result<Vec<StaffFile>> {
    let rows = sqlx::query!(
        r#"
        select
            s.book_id,
            b.title,
            s.hash,
            s.bytes,
            s.pages,
            s.added_at
        from sample_chapters s
        join books b on b.id = s.book_id
        where s.book_id > ?
        order by s.book_id
        limit ?
        "#,
        after,
        limit,
    );
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| StaffFile {
        book: row.book_id.into(),
        title: row.title,
        file: Checked::Sample(SampleFile { hash: row.hash, bytes: row.bytes, pages: row.pages.into() }),
        credit: None,
        added_at: row.added_at,
    });
    Ok(rows.collect())
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection, MySqlPool};

    use super::*;
    use crate::repo::fixtures::{book, minute};

    fn cover(letter: &str, width: u32) -> CoverFiles {
        CoverFiles::new(letter.repeat(32), Size { width, height: 2 * width })
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_has_one_cover_and_a_later_one_replaces_it(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Ernesto Sabato", 3).await;
        put_cover(&mut connection, id, &cover("a", 640), Credit::parse("Sur").ok().as_ref(), minute(1)).await.unwrap();
        put_cover(&mut connection, id, &cover("b", 400), None, minute(2)).await.unwrap();
        let [file] = &list(&mut connection, UploadKind::Cover, 0, 10).await.unwrap()[..] else { panic!("one cover") };
        assert_eq!((file.book, file.title.as_str(), file.credit.as_deref()), (id, "El túnel", None));
        assert_eq!((&file.file, file.added_at), (&Checked::Cover(cover("b", 400)), minute(2)));
        assert!(list(&mut connection, UploadKind::Cover, id.get(), 10).await.unwrap().is_empty(), "behind the book");
        assert!(list(&mut connection, UploadKind::Sample, 0, 10).await.unwrap().is_empty());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn files_are_removed_by_their_kind(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let [one, other] = [
            book(&mut connection, "El túnel", "Ernesto Sabato", 3).await,
            book(&mut connection, "Rayuela", "Julio Cortázar", 3).await,
        ];
        let sample = SampleFile { hash: "c".repeat(32), bytes: 9_000, pages: 12 };
        for id in [one, other] {
            put_cover(&mut connection, id, &cover("a", 640), None, minute(1)).await.unwrap();
            put_sample(&mut connection, id, &sample, minute(1)).await.unwrap();
        }
        assert!(remove(&mut connection, one, UploadKind::Cover).await.unwrap());
        assert!(!remove(&mut connection, one, UploadKind::Cover).await.unwrap(), "removed already");
        let nothing = BookId::from(u32::MAX);
        let file = |file: Checked| Some(BookFile { file, credit: None });
        for (book, kind, expected) in [
            (one, UploadKind::Cover, Some(None)),
            (other, UploadKind::Cover, Some(file(Checked::Cover(cover("a", 640))))),
            (one, UploadKind::Sample, Some(file(Checked::Sample(sample.clone())))),
            (nothing, UploadKind::Sample, None),
        ] {
            assert_eq!(find_locked(&mut connection, book, kind).await.unwrap(), expected, "{book} {kind:?}");
        }
        let samples = list(&mut connection, UploadKind::Sample, 0, 10).await.unwrap();
        let books: Vec<_> = samples.iter().map(|file| (file.book, file.file.clone())).collect();
        assert_eq!(books, [one, other].map(|id| (id, Checked::Sample(sample.clone()))));
        assert_eq!(list(&mut connection, UploadKind::Cover, 0, 10).await.unwrap().len(), 1);
        assert!(remove(&mut connection, one, UploadKind::Sample).await.unwrap());
        assert_eq!(list(&mut connection, UploadKind::Sample, 0, 1).await.unwrap()[0].book, other);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_file_is_used_until_the_last_book_with_it_has_another(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let [one, other] = [
            book(&mut connection, "El túnel", "Ernesto Sabato", 3).await,
            book(&mut connection, "Rayuela", "Julio Cortázar", 3).await,
        ];
        let hash = "a".repeat(32);
        for id in [one, other] {
            put_cover(&mut connection, id, &cover("a", 640), None, minute(1)).await.unwrap();
        }
        assert!(is_used(&mut connection, UploadKind::Cover, &hash).await.unwrap());
        put_cover(&mut connection, one, &cover("b", 640), None, minute(2)).await.unwrap();
        assert!(is_used(&mut connection, UploadKind::Cover, &hash).await.unwrap());
        assert!(!is_used(&mut connection, UploadKind::Sample, &hash).await.unwrap());
        remove(&mut connection, other, UploadKind::Cover).await.unwrap();
        assert!(!is_used(&mut connection, UploadKind::Cover, &hash).await.unwrap());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn who_removes_a_file_waits_for_who_gives_it_to_a_book(pool: MySqlPool) {
        let (mut giver, mut remover) = (pool.acquire().await.unwrap(), pool.acquire().await.unwrap());
        for connection in [&mut giver, &mut remover] {
            sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut **connection).await.unwrap();
        }
        let (mut giver, mut remover) = (giver.begin().await.unwrap(), remover.begin().await.unwrap());
        let id = book(&mut giver, "El túnel", "Ernesto Sabato", 3).await;
        let hash = "a".repeat(32);
        assert!(lock(&mut giver, &hash).await.unwrap());
        assert!(!lock(&mut remover, &hash).await.unwrap(), "the giver has the lock");
        put_cover(&mut giver, id, &cover("a", 640), None, minute(1)).await.unwrap();
        unlock(&mut giver, &hash).await.unwrap();
        assert!(lock(&mut remover, &hash).await.unwrap());
        let (used, ()) = tokio::join!(is_used(&mut remover, UploadKind::Cover, &hash), async {
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            giver.commit().await.unwrap();
        });
        assert!(used.unwrap(), "the book has it once the transaction has ended");
        unlock(&mut remover, &hash).await.unwrap();
    }
}
