//! The event by which the primary writes its heartbeat, so that a replica's lag can be seen.
//!
//! An event of the database, because nothing else of the shop runs every few seconds: functions sleep, and a schedule calls at
//! most once a minute.

use anyhow::Context;
use sqlx::MySqlConnection;

/// On a replica it does nothing: some servers start events of a copied database there.
const CREATE: &str = "create or replace event heartbeat on schedule every 2 second do \
     if @@global.read_only = 0 then replace into heartbeat (id, beaten_at) values (1, current_timestamp(6)); end if";

/// Creates the event. Each deploy creates it again, because a replica that was promoted has it disabled.
pub async fn set_up(connection: &mut MySqlConnection) -> anyhow::Result<()> {
    sqlx::raw_sql(CREATE).execute(connection).await.context("setting up the heartbeat")?;
    Ok(())
}
