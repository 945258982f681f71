//! What became of what visitors sent.

use sqlx::{MySqlConnection, error::ErrorKind};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Outcome, SubmissionId};

/// What visitors read of what was erased.
pub(super) const ERASED: &str = "It was erased, as its author asked.";

/// How a submission was settled; none while it is still on its way.
pub async fn find(connection: &mut MySqlConnection, id: SubmissionId) -> sqlx::Result<Option<Outcome>> {
    outcome(connection, id.uuid()).await
}

pub(super) async fn outcome(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Outcome>> {
    let row =
        sqlx::query!(r#"select outcome = 'published' as "published: bool", reason from submissions where id = ?"#, id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(
        |row| {
            if row.published { Outcome::Published } else { Outcome::Rejected(row.reason.unwrap_or_default()) }
        },
    ))
}

/// Whether a submission was met for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    First,
    Again,
}

/// Enters a submission as published, in the transaction that publishes it. The primary key decides which of two
/// deliveries is the first.
pub(super) async fn enter(
    connection: &mut MySqlConnection,
    id: Uuid,
    kind: &str,
    sent_at: OffsetDateTime,
) -> sqlx::Result<Met> {
    let inserted = sqlx::query!(
        "insert into submissions (id, kind, outcome, sent_at) values (?, ?, 'published', ?)",
        id,
        kind,
        sent_at,
    )
    .execute(connection)
    .await;
    match inserted {
        Ok(_) => Ok(Met::First),
        Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(Met::Again),
        Err(error) => Err(error),
    }
}

/// Changes what was entered: it could not be published after all.
pub(super) async fn reject(connection: &mut MySqlConnection, id: Uuid, reason: &str) -> sqlx::Result<()> {
    sqlx::query!("update submissions set outcome = 'rejected', reason = ? where id = ?", reason, id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a rejection back.
pub(super) async fn publish(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update submissions set outcome = 'published', reason = null where id = ?", id)
        .execute(connection)
        .await?;
    Ok(())
}
