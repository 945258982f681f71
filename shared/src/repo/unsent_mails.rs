//! Mails that were written and not handed over yet, about whatever they are.

use sqlx::MySqlConnection;

/// Locks the oldest mails about these events that were not handed over and that no other transaction has locked; returns their
/// ids. Those of an event that only another version of the shop knows wait for that version, and hold up no other.
pub(super) async fn lock(connection: &mut MySqlConnection, events: &[&str], limit: u32) -> sqlx::Result<Vec<u64>> {
    let locked = sqlx::query_scalar!(
        r#"
        select id
        from mails
        where is_unsent = 1
          and json_contains(?, json_quote(event))
        order by id
        limit ?
        for update skip locked
        "#,
        serde_json::json!(events).to_string(),
        limit,
    );
    locked.fetch_all(connection).await
}
