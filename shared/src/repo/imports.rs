//! Progress of imports. It changes in the transaction that changes the books.

use serde::Serialize;
use serde_json::json;
use sqlx::MySqlConnection;

use super::catalogue::Put;
use crate::domain::Counts;

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
}

impl Refusal {
    /// Truncates reason and row to the size of their columns, because a long cell must not stop the import.
    pub fn new(line: u32, reason: &str, row: &str) -> Self {
        Self { line, reason: cut(reason, 500), row: cut(row, 2_000) }
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
    sqlx::query!(
        r#"
        insert into import_refusals (import_id, line, reason, row_text)
        select
            ?,
            refused.line,
            refused.reason,
            refused.row_text
        from json_table(?, '$[*]' columns (
            line int unsigned path '$.line',
            reason varchar(500) path '$.reason',
            row_text text path '$.row'
        )) refused
        on duplicate key update
            reason = refused.reason,
            row_text = refused.row_text
        "#,
        import,
        json!(refusals).to_string(),
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
            row_text as row
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

/// How many imports have come to a good end, ever.
pub async fn count_done(connection: &mut MySqlConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar!("select count(*) from imports where ended_at is not null and failure is null")
        .fetch_one(connection)
        .await
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
