//! Progress of imports. It changes in the transaction that changes the books.

use serde::Serialize;
use serde_json::{Value, json};
use sqlx::MySqlConnection;
use time::OffsetDateTime;

use super::catalogue::Put;
use crate::{
    domain::Counts,
    staff::{BookChange, FileColumns, FileVersion, PREVIEW_DAYS, StaffImport},
};

/// One upload of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub id: u32,
    /// The last processed line; 0 at the start.
    pub lines_done: u32,
    pub counts: Counts,
    pub ended: bool,
}

impl Counts {
    pub fn note(&mut self, put: &Put) {
        match put {
            Put::Added => self.added += 1,
            Put::Changed => self.changed += 1,
            Put::Unchanged => self.unchanged += 1,
            Put::Refused(_) => self.refused += 1,
        }
    }
}

/// A refused row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Of the file, from 1; the header is line 1.
    pub line: u32,
    pub reason: String,
    /// As it came.
    pub row: String,
    /// Its cells as JSON, for the file in which it is mended; none if they cannot be read, or are too long.
    #[serde(skip)]
    pub cells: Option<String>,
}

/// Bytes of the longest row whose cells are kept.
const MAX_CELLS: usize = 16_000;

impl Refusal {
    /// Truncates reason and row to the size of their columns, because a long cell must not stop the import.
    pub fn new(line: u32, reason: &str, row: &str) -> Self {
        Self { line, reason: cut(reason, 500), row: cut(row, 2_000), cells: None }
    }

    /// Keeps the cells, unless they are too long.
    #[must_use]
    pub fn with_cells(self, cells: &[Vec<u8>]) -> Self {
        let fits = cells.iter().map(Vec::len).sum::<usize>() <= MAX_CELLS;
        let texts = || cells.iter().map(|cell| String::from_utf8_lossy(cell)).collect::<Vec<_>>();
        Self { cells: fits.then(|| json!(texts()).to_string()), ..self }
    }

    /// The cells as they were in the file.
    pub fn cells(&self) -> Option<Vec<String>> {
        serde_json::from_str(self.cells.as_deref()?).ok()
    }
}

/// An optional cell that cannot be read and was left out; its row landed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Of the row, as in [`Refusal`].
    pub line: u32,
    pub column: String,
    /// As it came.
    pub value: String,
    pub reason: String,
}

impl Warning {
    /// Truncates the texts to the size of their columns.
    pub fn new(line: u32, column: &str, value: &str, reason: &str) -> Self {
        Self { line, column: cut(column, 64), value: cut(value, 200), reason: cut(reason, 500) }
    }
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// Begins an import, or continues the one of the same upload.
pub async fn open(connection: &mut MySqlConnection, object_key: &str, sequencer: &str) -> sqlx::Result<Import> {
    sqlx::query!(
        r#"
        insert into imports (object_key, sequencer)
        values (?, ?)
        on duplicate key update failure = null
        "#,
        object_key,
        sequencer,
    )
    .execute(&mut *connection)
    .await?;
    let row = sqlx::query!(
        r#"
        select
            id,
            lines_done,
            added,
            changed,
            unchanged,
            refused,
            warned,
            ended_at is not null as "ended: bool"
        from imports
        where object_key = ?
          and sequencer = ?
        "#,
        object_key,
        sequencer,
    )
    .fetch_one(connection)
    .await?;
    let counts = Counts {
        added: row.added,
        changed: row.changed,
        unchanged: row.unchanged,
        refused: row.refused,
        warnings: row.warned,
    };
    Ok(Import { id: row.id, lines_done: row.lines_done, counts, ended: row.ended })
}

/// Stores the progress since `before`. If another delivery of the same upload has stored its own, it fails with
/// `RowNotFound`, and the transaction must not be committed.
pub async fn advance(connection: &mut MySqlConnection, before: &Import, import: &Import) -> sqlx::Result<()> {
    let Counts { added, changed, unchanged, refused, warnings } = import.counts;
    let noted = sqlx::query!(
        r#"
        update imports
        set lines_done = ?,
            added = ?,
            changed = ?,
            unchanged = ?,
            refused = ?,
            warned = ?
        where id = ?
          and lines_done = ?
        "#,
        import.lines_done,
        added,
        changed,
        unchanged,
        refused,
        warnings,
        import.id,
        before.lines_done,
    )
    .execute(connection)
    .await?;
    if noted.rows_affected() == 1 { Ok(()) } else { Err(sqlx::Error::RowNotFound) }
}

/// Stores refused rows; a row that is stored already is replaced.
pub async fn refuse(connection: &mut MySqlConnection, import: u32, refusals: &[Refusal]) -> sqlx::Result<()> {
    if refusals.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> =
        refusals.iter().map(|refusal| json!([refusal.line, refusal.reason, refusal.row, refusal.cells])).collect();
    sqlx::query!(
        r#"
        insert into import_refusals (import_id, line, reason, row_text, cells)
        select
            ?,
            refused.line,
            refused.reason,
            refused.row_text,
            refused.cells
        from json_table(?, '$[*]' columns (
            line int unsigned path '$[0]',
            reason varchar(500) path '$[1]',
            row_text text path '$[2]',
            cells mediumtext path '$[3]'
        )) refused
        on duplicate key update
            reason = refused.reason,
            row_text = refused.row_text,
            cells = refused.cells
        "#,
        import,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Rows that did not land, in the file's order: at most `limit` of those after a line.
pub async fn refusals(
    connection: &mut MySqlConnection,
    import: u32,
    after_line: u32,
    limit: u32,
) -> sqlx::Result<Vec<Refusal>> {
    sqlx::query_as!(
        Refusal,
        r#"
        select
            line,
            reason,
            row_text as row,
            cells
        from import_refusals
        where import_id = ?
          and line > ?
        order by line
        limit ?
        "#,
        import,
        after_line,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Stores warnings; one that is stored already is replaced.
pub async fn warn(connection: &mut MySqlConnection, import: u32, warnings: &[Warning]) -> sqlx::Result<()> {
    if warnings.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"
        insert into import_warnings (import_id, line, column_name, value, reason)
        select
            ?,
            warned.line,
            warned.column_name,
            warned.value,
            warned.reason
        from json_table(?, '$[*]' columns (
            line int unsigned path '$.line',
            column_name varchar(64) path '$.column',
            value varchar(200) path '$.value',
            reason varchar(500) path '$.reason'
        )) warned
        on duplicate key update
            value = warned.value,
            reason = warned.reason
        "#,
        import,
        json!(warnings).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Warnings in the file's order: at most `limit` of those after a line and its column.
pub async fn warnings(
    connection: &mut MySqlConnection,
    import: u32,
    after: (u32, &str),
    limit: u32,
) -> sqlx::Result<Vec<Warning>> {
    let (line, column) = after;
    sqlx::query_as!(
        Warning,
        r#"
        select
            line,
            column_name as `column`,
            value,
            reason
        from import_warnings
        where import_id = ?
          and (line > ? or (line = ? and column_name > ?))
        order by line, column_name
        limit ?
        "#,
        import,
        line,
        line,
        column,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// How many imports have come to a good end, ever. A preview is none.
pub async fn count_done(connection: &mut MySqlConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "select count(*) from imports where ended_at is not null and failure is null and not is_preview"
    )
    .fetch_one(connection)
    .await
}

/// Begins the preview of a file, or begins it again from its first line; none if it has ended. Also returns whether it is the
/// first time. To be run in a transaction.
pub async fn begin_preview(
    connection: &mut MySqlConnection,
    object_key: &str,
    sequencer: &str,
    version: &FileVersion,
) -> sqlx::Result<Option<(Import, bool)>> {
    let import = open(connection, object_key, sequencer).await?;
    if import.ended {
        return Ok(None);
    }
    let is_preview =
        sqlx::query_scalar!(r#"select is_preview as "is_preview: bool" from imports where id = ?"#, import.id);
    let is_first = !is_preview.fetch_one(&mut *connection).await?;
    sqlx::query!(
        r#"
        update imports
        set is_preview = true,
            etag = ?,
            content_type = ?,
            lines_done = 0,
            added = 0,
            changed = 0,
            unchanged = 0,
            refused = 0,
            warned = 0,
            notices = null
        where id = ?
        "#,
        version.etag,
        version.content_type,
        import.id,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from import_refusals where import_id = ?", import.id).execute(&mut *connection).await?;
    sqlx::query!("delete from import_warnings where import_id = ?", import.id).execute(&mut *connection).await?;
    sqlx::query!("delete from import_changes where import_id = ?", import.id).execute(&mut *connection).await?;
    Ok(Some((Import { lines_done: 0, counts: Counts::default(), ..import }, is_first)))
}

/// Keeps the columns of the file, and what is said about it as a whole.
pub async fn describe(
    connection: &mut MySqlConnection,
    import: u32,
    columns: &FileColumns,
    notices: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "update imports set header = ?, cell_separator = ?, notices = ? where id = ?",
        json!(columns.names).to_string(),
        columns.separator.to_string(),
        json!(notices).to_string(),
        import,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The columns of the file; none if it has none of ours, or was read by an earlier version.
pub async fn columns(connection: &mut MySqlConnection, import: u32) -> sqlx::Result<Option<FileColumns>> {
    let row = sqlx::query!(
        r#"
        select
            header,
            cell_separator as "separator: String"
        from imports
        where id = ?
        "#,
        import,
    );
    Ok(row.fetch_optional(connection).await?.and_then(|row| {
        let names = serde_json::from_str(&row.header?).ok()?;
        Some(FileColumns { names, separator: row.separator?.chars().next()? })
    }))
}

/// Keeps what rows of a file would do to books, by their lines.
pub async fn note_changes(
    connection: &mut MySqlConnection,
    import: u32,
    changes: &[(u32, BookChange)],
) -> sqlx::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let row = |(line, change): &(u32, BookChange)| {
        let differences = json!(change.differences).to_string();
        json!([line, u8::from(change.is_new), change.reference, change.title, differences])
    };
    sqlx::query!(
        r#"
        insert into import_changes (import_id, line, is_new, reference, title, differences)
        select
            ?,
            changed.line,
            changed.is_new,
            changed.reference,
            changed.title,
            changed.differences
        from json_table(?, '$[*]' columns (
            line int unsigned path '$[0]',
            is_new tinyint path '$[1]',
            reference varchar(100) path '$[2]',
            title varchar(500) path '$[3]',
            differences text path '$[4]'
        )) changed
        "#,
        import,
        json!(changes.iter().map(row).collect::<Vec<_>>()).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The changes of books by rows of a file, in the file's order.
pub async fn changes(connection: &mut MySqlConnection, import: u32) -> sqlx::Result<Vec<(u32, BookChange)>> {
    let rows = sqlx::query!(
        r#"
        select
            line,
            is_new as "is_new: bool",
            reference as "reference: String",
            title,
            differences
        from import_changes
        where import_id = ?
        order by line
        "#,
        import,
    );
    let rows = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let differences = serde_json::from_str(&row.differences).unwrap_or_default();
        (row.line, BookChange { reference: row.reference, title: row.title, is_new: row.is_new, differences })
    });
    Ok(rows.collect())
}

/// The newest import or preview of an object.
pub async fn find_by_key(connection: &mut MySqlConnection, object_key: &str) -> sqlx::Result<Option<u32>> {
    sqlx::query_scalar!("select id from imports where object_key = ? order by id desc limit 1", object_key)
        .fetch_optional(connection)
        .await
}

/// Imports and previews with a lower id, the newest first.
pub async fn list(connection: &mut MySqlConnection, before: u32, limit: u32) -> sqlx::Result<Vec<StaffImport>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            is_preview as "is_preview: bool",
            object_key as "object_key: String",
            lines_done,
            added,
            changed,
            unchanged,
            refused,
            warned,
            started_at,
            ended_at,
            failure,
            notices,
            run_at,
            etag as "etag: String",
            content_type
        from imports
        where id < ?
        order by id desc
        limit ?
        "#,
        before,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(StaffImport::from).collect())
}

pub async fn find(connection: &mut MySqlConnection, import: u32) -> sqlx::Result<Option<StaffImport>> {
    let row = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            is_preview as "is_preview: bool",
            object_key as "object_key: String",
            lines_done,
            added,
            changed,
            unchanged,
            refused,
            warned,
            started_at,
            ended_at,
            failure,
            notices,
            run_at,
            etag as "etag: String",
            content_type
        from imports
        where id = ?
        "#,
        import,
    );
    Ok(row.fetch_optional(connection).await?.map(StaffImport::from))
}

/// Whether an import that began after this preview has changed books, beside that of its own file, which has this key.
pub async fn has_changed_since(connection: &mut MySqlConnection, preview: u32, own_key: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"
        select exists(
            select 1
            from imports
            where id > ?
              and not is_preview
              and added + changed > 0
              and object_key <> ?
        ) as "exists: bool"
        "#,
        preview,
        own_key,
    )
    .fetch_one(connection)
    .await
}

/// Counts previews with something to import that nobody has imported, and whose file is still there. It looks at a bounded
/// number of the newest.
pub async fn count_previews(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<u32> {
    let count = sqlx::query_scalar!(
        r#"
        select count(*)
        from (
            select
                is_preview,
                started_at,
                ended_at,
                failure,
                run_at,
                added,
                changed
            from imports
            order by id desc
            limit 1000
        ) newest
        where is_preview
          and started_at > ?
          and ended_at is not null
          and failure is null
          and run_at is null
          and added + changed > 0
        "#,
        now - time::Duration::days(PREVIEW_DAYS.into()),
    );
    Ok(u32::try_from(count.fetch_one(connection).await?).unwrap_or(u32::MAX))
}

/// Notes that the file of a preview is imported, or with none that it is not after all; false if that was noted before.
pub async fn note_run(
    connection: &mut MySqlConnection,
    preview: u32,
    at: Option<OffsetDateTime>,
) -> sqlx::Result<bool> {
    let noted = match at {
        Some(at) => sqlx::query!("update imports set run_at = ? where id = ? and run_at is null", at, preview),
        None => sqlx::query!("update imports set run_at = null where id = ? and run_at is not null", preview),
    };
    Ok(noted.execute(connection).await?.rows_affected() == 1)
}

struct Row {
    id: u32,
    is_preview: bool,
    object_key: String,
    lines_done: u32,
    added: u32,
    changed: u32,
    unchanged: u32,
    refused: u32,
    warned: u32,
    started_at: OffsetDateTime,
    ended_at: Option<OffsetDateTime>,
    failure: Option<String>,
    notices: Option<String>,
    run_at: Option<OffsetDateTime>,
    etag: Option<String>,
    content_type: Option<String>,
}

impl From<Row> for StaffImport {
    fn from(row: Row) -> Self {
        let counts = Counts {
            added: row.added,
            changed: row.changed,
            unchanged: row.unchanged,
            refused: row.refused,
            warnings: row.warned,
        };
        Self {
            id: row.id,
            is_preview: row.is_preview,
            object_key: row.object_key,
            line: row.lines_done,
            counts,
            started_at: row.started_at,
            ended_at: row.ended_at,
            failure: row.failure,
            notices: row.notices.and_then(|notices| serde_json::from_str(&notices).ok()).unwrap_or_default(),
            run_at: row.run_at,
            version: row.etag.map(|etag| FileVersion::new(&etag, row.content_type.as_deref())),
        }
    }
}

/// Ends an import: with a failure, where the file as a whole could not be read.
pub async fn end(connection: &mut MySqlConnection, import: u32, failure: Option<&str>) -> sqlx::Result<()> {
    sqlx::query!(
        "update imports set ended_at = current_timestamp, failure = ? where id = ?",
        failure.map(|failure| cut(failure, 1_000)),
        import,
    )
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_interrupted_import_continues_after_its_last_batch(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let mut import = open(&mut connection, "incoming/a.csv", "01").await.unwrap();
        let before = import.clone();
        import.lines_done = 51;
        import.counts.note(&Put::Added);
        import.counts.note(&Put::Refused("no title".into()));
        import.counts.warnings = 3;
        advance(&mut connection, &before, &import).await.unwrap();
        assert!(advance(&mut connection, &before, &import).await.is_err(), "a second delivery must not count again");
        assert_eq!(open(&mut connection, "incoming/a.csv", "01").await.unwrap(), import);
        assert_eq!(open(&mut connection, "incoming/a.csv", "02").await.unwrap().lines_done, 0);
        end(&mut connection, import.id, None).await.unwrap();
        assert!(open(&mut connection, "incoming/a.csv", "01").await.unwrap().ended);
    }

    fn version(etag: &str) -> FileVersion {
        FileVersion::new(etag, Some("text/csv"))
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_preview_that_was_interrupted_begins_again_and_one_that_has_ended_does_not(pool: MySqlPool) {
        let c = &mut *pool.acquire().await.unwrap();
        let (preview, is_first) = begin_preview(c, "previews/a.csv", "01", &version("\"x\"")).await.unwrap().unwrap();
        assert!(is_first);
        let columns_of_file = FileColumns { names: vec!["título".into(), "precio".into()], separator: '\t' };
        describe(c, preview.id, &columns_of_file, &["line 1: columns not read".to_owned()]).await.unwrap();
        let change = BookChange { reference: "a".into(), title: "T".into(), is_new: true, differences: Vec::new() };
        note_changes(c, preview.id, &[(2, change.clone())]).await.unwrap();
        refuse(c, preview.id, &[Refusal::new(3, "no title", "a,,b").with_cells(&[b"a".to_vec(), b"\xff".to_vec()])])
            .await
            .unwrap();
        let counts = Counts { added: 1, refused: 1, ..Counts::default() };
        let read = Import { lines_done: 3, counts, ..preview.clone() };
        advance(c, &preview, &read).await.unwrap();

        let shown = find(c, preview.id).await.unwrap().unwrap();
        assert!(shown.is_preview && shown.notices.len() == 1 && !shown.can_be_run(), "{shown:?}");
        assert_eq!(columns(c, preview.id).await.unwrap(), Some(columns_of_file));
        assert_eq!(changes(c, preview.id).await.unwrap(), [(2, change)]);
        let refused = refusals(c, preview.id, 0, 9).await.unwrap();
        assert_eq!(refused[0].cells(), Some(vec!["a".to_owned(), "\u{fffd}".to_owned()]));

        let (again, is_first) = begin_preview(c, "previews/a.csv", "01", &version("\"y\"")).await.unwrap().unwrap();
        assert!(!is_first && again.lines_done == 0 && again.id == preview.id && again.counts == Counts::default());
        assert!(changes(c, preview.id).await.unwrap().is_empty());
        assert!(refusals(c, preview.id, 0, 9).await.unwrap().is_empty());
        advance(c, &again, &read).await.unwrap();
        end(c, preview.id, None).await.unwrap();
        assert_eq!(begin_preview(c, "previews/a.csv", "01", &version("\"z\"")).await.unwrap(), None);
        let shown = find(c, preview.id).await.unwrap().unwrap();
        assert!(shown.can_be_run() && shown.version == Some(version("\"y\"")), "{shown:?}");
        assert_eq!(count_done(c).await.unwrap(), 0, "a preview is no import");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_preview_waits_until_its_file_is_imported_and_shows_that_another_import_has_changed_books(
        pool: MySqlPool,
    ) {
        let c = &mut *pool.acquire().await.unwrap();
        let now = OffsetDateTime::now_utc();
        let own_key = "incoming/previewed/1.csv";
        let (preview, _) = begin_preview(c, "previews/a.csv", "01", &version("\"x\"")).await.unwrap().unwrap();
        let counts = Counts { changed: 2, ..Counts::default() };
        advance(c, &preview, &Import { lines_done: 3, counts, ..preview.clone() }).await.unwrap();
        assert_eq!(count_previews(c, now).await.unwrap(), 0, "it is being read");
        end(c, preview.id, None).await.unwrap();
        assert_eq!(count_previews(c, now).await.unwrap(), 1);
        assert_eq!(count_previews(c, now + time::Duration::days(9)).await.unwrap(), 0, "its file is gone");
        for (key, has_changed) in [(own_key, false), ("incoming/b.csv", true)] {
            let import = open(c, key, "01").await.unwrap();
            assert!(!has_changed_since(c, preview.id, own_key).await.unwrap());
            advance(c, &import, &Import { lines_done: 3, counts, ..import.clone() }).await.unwrap();
            assert_eq!(has_changed_since(c, preview.id, own_key).await.unwrap(), has_changed, "{key}");
        }
        assert!(note_run(c, preview.id, Some(now)).await.unwrap());
        assert!(!note_run(c, preview.id, Some(now)).await.unwrap(), "it runs once");
        assert_eq!(count_previews(c, now).await.unwrap(), 0);
        assert!(note_run(c, preview.id, None).await.unwrap());
        assert_eq!(count_previews(c, now).await.unwrap(), 1);
        assert_eq!(find_by_key(c, own_key).await.unwrap(), Some(preview.id + 1));
        let ids: Vec<u32> = list(c, u32::MAX, 9).await.unwrap().iter().map(|import| import.id).collect();
        assert_eq!(ids, [preview.id + 2, preview.id + 1, preview.id]);
        assert_eq!(list(c, ids[0], 1).await.unwrap()[0].id, ids[1]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn refused_rows_are_listed_in_the_order_of_the_file(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let import = open(&mut connection, "incoming/a.csv", "01").await.unwrap();
        for line in [9, 3] {
            let refusal = Refusal::new(line, &"no title ñ ".repeat(100), &"a,,b".repeat(1_000));
            refuse(&mut connection, import.id, &[refusal]).await.unwrap();
        }
        let mut lines_after = async |line| -> Vec<u32> {
            let refusals = refusals(&mut connection, import.id, line, 1).await.unwrap();
            refusals.iter().map(|refusal| refusal.line).collect()
        };
        assert_eq!((lines_after(0).await, lines_after(3).await, lines_after(9).await), (vec![3], vec![9], vec![]));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn refused_rows_and_warnings_that_are_stored_twice_are_stored_once(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let import = open(&mut connection, "incoming/a.csv", "01").await.unwrap();
        for reason in ["first", "second"] {
            refuse(&mut connection, import.id, &[Refusal::new(2, reason, "a,,b")]).await.unwrap();
            let cells = ["year", "isbn"].map(|column| Warning::new(3, column, "é'\"\n😀", reason));
            warn(&mut connection, import.id, &cells).await.unwrap();
        }
        let refused = refusals(&mut connection, import.id, 0, 10).await.unwrap();
        assert_eq!(refused, [Refusal::new(2, "second", "a,,b")]);
        let isbn = Warning::new(3, "isbn", "é'\"\n😀", "second");
        let year = Warning { column: "year".into(), ..isbn.clone() };
        assert_eq!(warnings(&mut connection, import.id, (0, ""), 10).await.unwrap(), [isbn, year.clone()]);
        assert_eq!(warnings(&mut connection, import.id, (3, "isbn"), 10).await.unwrap(), [year]);
        assert_eq!(warnings(&mut connection, import.id, (3, "year"), 10).await.unwrap(), []);
    }
}
