//! Visitors whose data the staff has erased.

use sqlx::MySqlConnection;
use time::OffsetDateTime;

use crate::domain::VisitorId;

/// Notes that all submissions of a visitor until `now` are erased.
pub async fn erase(connection: &mut MySqlConnection, visitor: VisitorId, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into erased_visitors (visitor_id, erased_at)
        values (?, ?)
        on duplicate key update erased_at = values(erased_at)
        "#,
        visitor.0,
        now,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether a submission was sent before its visitor was erased, and arrives late.
pub(super) async fn is_erased(
    connection: &mut MySqlConnection,
    visitor: VisitorId,
    sent_at: OffsetDateTime,
) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        "select 1 as one from erased_visitors where visitor_id = ? and erased_at >= ?",
        visitor.0,
        sent_at,
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}
