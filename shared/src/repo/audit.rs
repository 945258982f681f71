//! The record of what the staff does on its pages. A row is written in the transaction of the change, so that neither is without the other;
//! rows are removed after [`KEEP`], and nobody changes one.

use sqlx::{MySqlConnection, types::Json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{BookId, FactChange},
    session::Subject,
    staff::{About, AuditEntry, Bookseller},
};

/// How long a row is kept.
pub const KEEP: Duration = Duration::days(365);
/// Characters of a value before or after a change: a whole description.
const MAX_VALUE: usize = 2_000;

/// One thing that was done.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// The code of the action: `shipped`.
    pub action: &'a str,
    pub about: About,
    /// `done`, or why it was refused, as a code.
    pub outcome: &'a str,
    /// The typed reason.
    pub detail: Option<&'a str>,
}

/// Records a deed that no form makes twice, or one that was refused.
pub async fn note(
    connection: &mut MySqlConnection,
    who: &Bookseller,
    deed: Deed<'_>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    write(connection, who, deed, (None, &[]), now).await?;
    Ok(())
}

/// Records the change that a form has made, by the id of the form. [`has_change`] then finds it.
pub async fn note_change(
    connection: &mut MySqlConnection,
    who: &Bookseller,
    deed: Deed<'_>,
    change: Uuid,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    write(connection, who, deed, (Some(change), &[]), now).await?;
    Ok(())
}

/// Whether a form has made its change before. To be asked once what it changes is locked: a form that is sent twice at once
/// waits there for itself.
pub async fn has_change(connection: &mut MySqlConnection, change: Uuid) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select 1 as one from audit_log where change_id = ?", change);
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// Records the change of facts that a form has made, with their values before and after. Returns the id of the row.
pub async fn note_changes(
    connection: &mut MySqlConnection,
    who: &Bookseller,
    deed: Deed<'_>,
    (change, facts): (Uuid, &[FactChange]),
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    write(connection, who, deed, (Some(change), facts), now).await
}

/// The actions that change the facts of a book, or whether it is sold.
pub const OF_FACTS: [&str; 4] = ["add", "change", "withdraw", "put-back"];

/// The row with the last of these actions on a book; 0 without one.
pub async fn last_change(connection: &mut MySqlConnection, book: BookId, actions: &[&str]) -> sqlx::Result<u64> {
    let found = sqlx::query_scalar!(
        r#"
        select id
        from audit_log
        where about = ?
          and outcome = 'done'
          and find_in_set(action, ?)
        order by id desc
        limit 1
        "#,
        About::Book(book).code(),
        actions.join(","),
    );
    Ok(found.fetch_optional(connection).await?.unwrap_or_default())
}

async fn write(
    connection: &mut MySqlConnection,
    who: &Bookseller,
    deed: Deed<'_>,
    (change, facts): (Option<Uuid>, &[FactChange]),
    now: OffsetDateTime,
) -> sqlx::Result<u64> {
    let cut = |text: &str| text.chars().take(MAX_VALUE).collect::<String>();
    let shown = |change: &FactChange| FactChange {
        field: change.field.clone(),
        before: cut(&change.before),
        after: cut(&change.after),
    };
    let changes = (!facts.is_empty()).then(|| Json(facts.iter().map(shown).collect::<Vec<_>>()));
    let written = sqlx::query!(
        r#"
        insert into audit_log (at, subject, email, action, about, outcome, detail, change_id, changes)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?)
        "#,
        now,
        who.subject.uuid(),
        who.email.as_str(),
        deed.action,
        deed.about.code(),
        deed.outcome,
        deed.detail,
        change,
        changes,
    );
    Ok(written.execute(connection).await?.last_insert_id())
}

/// Rows with a lower id, the newest first.
pub async fn list(connection: &mut MySqlConnection, before: u64, limit: u32) -> sqlx::Result<Vec<AuditEntry>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            at,
            subject as "subject: Uuid",
            email,
            action as "action: String",
            about as "about: String",
            outcome as "outcome: String",
            detail,
            changes as "changes: Json<Vec<FactChange>>"
        from audit_log
        where id < ?
        order by id desc
        limit ?
        "#,
        before,
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(AuditEntry::from).collect())
}

/// Rows about one thing, the newest first.
pub async fn about(connection: &mut MySqlConnection, about: About, limit: u32) -> sqlx::Result<Vec<AuditEntry>> {
    let rows = sqlx::query_as!(
        Row,
        r#"
        select
            id,
            at,
            subject as "subject: Uuid",
            email,
            action as "action: String",
            about as "about: String",
            outcome as "outcome: String",
            detail,
            changes as "changes: Json<Vec<FactChange>>"
        from audit_log
        where about = ?
        order by id desc
        limit ?
        "#,
        about.code(),
        limit,
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(AuditEntry::from).collect())
}

/// Removes some rows that are too old. Returns whether more remain.
pub async fn forget(connection: &mut MySqlConnection, now: OffsetDateTime, limit: u32) -> sqlx::Result<bool> {
    let removed = sqlx::query!("delete from audit_log where at < ? order by at limit ?", now - KEEP, limit);
    Ok(removed.execute(connection).await?.rows_affected() == u64::from(limit))
}

struct Row {
    id: u64,
    at: OffsetDateTime,
    subject: Uuid,
    email: String,
    action: String,
    about: String,
    outcome: String,
    detail: Option<String>,
    changes: Option<Json<Vec<FactChange>>>,
}

impl From<Row> for AuditEntry {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            at: row.at,
            subject: Subject::of_uuid(row.subject),
            email: row.email,
            action: row.action,
            about: About::parse(&row.about),
            outcome: row.outcome,
            detail: row.detail,
            changes: row.changes.map(|Json(changes)| changes).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;
    use time::macros::datetime;

    use super::*;
    use crate::domain::{Email, OrderNumber};

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn what_the_staff_did_is_listed_newest_first_and_removed_after_a_year(pool: MySqlPool) {
        let c = &mut *pool.acquire().await.unwrap();
        let now = datetime!(2026-03-03 10:00 UTC);
        let ana = Bookseller {
            subject: Subject::of_uuid(Uuid::from_u128(7)),
            email: Email::parse("ana@example.org").unwrap(),
        };
        let order = About::Order(OrderNumber(100_042));
        for (day, action, about, outcome, detail) in [
            (0, "ready", order, "done", None),
            (1, "hide", About::Review(9), "done", Some("an advertisement")),
            (2, "collected", order, "not-from:cancelled:collected", None),
        ] {
            let deed = Deed { action, about, outcome, detail };
            note(c, &ana, deed, now + Duration::days(day)).await.unwrap();
        }

        let all = list(c, u64::MAX, 9).await.unwrap();
        let actions: Vec<&str> = all.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["collected", "hide", "ready"]);
        assert_eq!(
            (all[1].email.as_str(), all[1].subject, all[1].at),
            ("ana@example.org", ana.subject, now + Duration::DAY)
        );
        assert_eq!((all[1].about, all[1].detail.as_deref()), (Some(About::Review(9)), Some("an advertisement")));
        assert_eq!(list(c, all[0].id, 1).await.unwrap(), all[1..2]);
        let of_order: Vec<String> = about(c, order, 9).await.unwrap().into_iter().map(|entry| entry.outcome).collect();
        assert_eq!(of_order, ["not-from:cancelled:collected", "done"]);

        let long = FactChange { field: "description".into(), before: String::new(), after: "ñ".repeat(MAX_VALUE + 1) };
        let deed = Deed { action: "change", about: About::Book(53.into()), outcome: "done", detail: None };
        note_changes(c, &ana, deed, (Uuid::from_u128(9), &[long]), now + Duration::days(300)).await.unwrap();
        let changed = about(c, About::Book(53.into()), 9).await.unwrap().remove(0).changes;
        assert_eq!((changed.len(), changed[0].field.as_str()), (1, "description"));
        assert_eq!(changed[0].after, "ñ".repeat(MAX_VALUE));
        sqlx::query("delete from audit_log where changes is not null").execute(&mut *c).await.unwrap();

        assert!(!forget(c, now + KEEP, 9).await.unwrap());
        assert_eq!(list(c, u64::MAX, 9).await.unwrap().len(), 3);
        assert!(forget(c, now + KEEP + Duration::days(2), 2).await.unwrap());
        assert_eq!(list(c, u64::MAX, 9).await.unwrap(), all[..1]);
    }
}
