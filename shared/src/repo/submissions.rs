//! Outcomes of submissions. The primary key makes a redelivery harmless.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::{MySqlConnection, error::ErrorKind};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{Outcome, Processed, Rejection, SubmissionId, SubmissionKind};

/// Kind and outcome of a submission; none until it is processed.
pub async fn find(connection: &mut MySqlConnection, id: SubmissionId) -> sqlx::Result<Option<Processed>> {
    processed(connection, id.uuid()).await
}

async fn processed(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Processed>> {
    let row = sqlx::query!(
        r#"select kind, outcome = 'published' as "published: bool", reason from submissions where id = ?"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Processed {
        kind: SubmissionKind::from_stored(&row.kind),
        outcome: match row.reason {
            _ if row.published => Outcome::Published,
            reason => Outcome::Rejected(Rejection::from_stored(&reason.unwrap_or_default())),
        },
    }))
}

/// Whether a submission has an outcome.
pub async fn is_processed(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<bool> {
    Ok(processed(connection, id).await?.is_some())
}

/// The outcome of a submission; none until it is processed.
#[cfg(test)]
pub(super) async fn outcome(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Outcome>> {
    Ok(processed(connection, id).await?.map(|processed| processed.outcome))
}

/// Whether this delivery of a message is the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    First,
    Duplicate,
}

/// Enters a submission as published, in the transaction that publishes it. Of two deliveries, the primary key refuses
/// the second.
pub(super) async fn enter(
    connection: &mut MySqlConnection,
    id: Uuid,
    kind: &str,
    sent_at: OffsetDateTime,
) -> sqlx::Result<Delivery> {
    let inserted = sqlx::query!(
        "insert into submissions (id, kind, outcome, sent_at) values (?, ?, 'published', ?)",
        id,
        kind,
        sent_at,
    )
    .execute(connection)
    .await;
    match inserted {
        Ok(_) => Ok(Delivery::First),
        Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(Delivery::Duplicate),
        Err(error) => Err(error),
    }
}

/// Changes the outcome to rejected, and stores the code of the reason. A `show-submission` of a version before these
/// codes returns the code itself to programs, which happens during a deploy and after a rollback.
pub(super) async fn reject(connection: &mut MySqlConnection, id: Uuid, reason: &Rejection) -> sqlx::Result<()> {
    sqlx::query!("update submissions set outcome = 'rejected', reason = ? where id = ?", reason.code(), id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Enters those of these submissions that have no outcome, as published, and returns their ids. If another delivery of one of
/// them is being written, the primary key refuses all.
pub(super) async fn enter_all(
    connection: &mut MySqlConnection,
    kind: &str,
    sent: &BTreeMap<Uuid, OffsetDateTime>,
) -> sqlx::Result<BTreeSet<Uuid>> {
    let known = sqlx::query_scalar!(
        r#"
        select s.id as "id: Uuid"
        from json_table(?, '$[*]' columns (id char(32) character set ascii path '$')) asked
        straight_join submissions s on s.id = unhex(asked.id)
        "#,
        json!(sent.keys().map(|id| id.simple().to_string()).collect::<Vec<_>>()).to_string(),
    );
    let known: BTreeSet<Uuid> = known.fetch_all(&mut *connection).await?.into_iter().collect();
    let new: BTreeMap<_, _> = sent.iter().filter(|(id, _)| !known.contains(id)).collect();
    if new.is_empty() {
        return Ok(BTreeSet::new());
    }
    let rows: Vec<_> = new.iter().map(|(id, at)| json!([id.simple().to_string(), super::microseconds(**at)])).collect();
    sqlx::query!(
        r#"
        insert into submissions (id, kind, outcome, sent_at)
        select
            unhex(row.id),
            ?,
            'published',
            timestamp '1970-01-01 00:00:00' + interval row.sent_at microsecond
        from json_table(?, '$[*]' columns (
            id char(32) character set ascii path '$[0]',
            sent_at bigint path '$[1]'
        )) row
        "#,
        kind,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(new.into_keys().copied().collect())
}

/// Changes the outcomes to rejected, each for its reason.
pub(super) async fn reject_all(
    connection: &mut MySqlConnection,
    rejected: &BTreeMap<Uuid, Rejection>,
) -> sqlx::Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = rejected.iter().map(|(id, reason)| json!([id.simple().to_string(), reason.code()])).collect();
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            id char(32) character set ascii path '$[0]',
            reason varchar(500) character set utf8mb4 path '$[1]'
        )) rejected
        straight_join submissions s on s.id = unhex(rejected.id)
        set s.outcome = 'rejected',
            s.reason = rejected.reason
        "#,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Changes the outcome back to published.
pub(super) async fn publish(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<()> {
    sqlx::query!("update submissions set outcome = 'published', reason = null where id = ?", id)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{domain::BookId, repo::fixtures::minute};

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_processed_submission_has_its_kind_if_this_version_knows_it(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for (number, name, kind) in [
            (1, "rating", Some(SubmissionKind::Rating)),
            (2, "contact", Some(SubmissionKind::Message)),
            (3, "wish", None),
        ] {
            enter(&mut connection, Uuid::from_u128(number), name, minute(0)).await.unwrap();
            let found = processed(&mut connection, Uuid::from_u128(number)).await.unwrap();
            assert_eq!(found, Some(Processed { kind, outcome: Outcome::Published }), "{name}");
        }
        assert_eq!(processed(&mut connection, Uuid::from_u128(4)).await.unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_rejection_is_stored_as_a_code_and_read_also_where_a_sentence_was_stored(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = Uuid::from_u128(1);
        enter(&mut connection, id, "rating", minute(0)).await.unwrap();
        let rejection = Rejection::NoSuchBook(BookId::from(7));
        reject(&mut connection, id, &rejection).await.unwrap();
        let stored: String = sqlx::query_scalar("select reason from submissions").fetch_one(&pool).await.unwrap();
        assert_eq!(stored, "no-such-book:7");
        assert_eq!(outcome(&mut connection, id).await.unwrap(), Some(Outcome::Rejected(rejection.clone())));

        sqlx::query("update submissions set reason = 'There is no book 7.'").execute(&pool).await.unwrap();
        assert_eq!(outcome(&mut connection, id).await.unwrap(), Some(Outcome::Rejected(rejection)));
    }
}
