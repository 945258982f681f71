//! Invoked by a deploy: migrates the schema, sets up the database users and their grants, and brings up to date what
//! searches and lists read.
//!
//! Migrations only expand, so the versions that still run work with the new schema.

mod accounts;
mod heartbeat;
mod login;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use shared::{
    App, MIGRATIONS,
    messages::{MigrationOrder, MigrationReport},
    parameters::DatabaseRole,
    repo::{contact_search, imports, refresh, visitor_hashes},
};
use sqlx::{
    ConnectOptions, Connection, MySqlConnection,
    migrate::{Migrate, MigrateError},
};

/// Well within the function's timeout.
const REFRESH_WITHIN: Duration = Duration::from_mins(3);
/// The same of the words of messages.
const INDEX_WITHIN: Duration = Duration::from_mins(1);
/// Some hundred rows in a second; the next deploy continues.
const HASH_WITHIN: Duration = Duration::from_mins(1);

pub async fn handle(app: &App, order: MigrationOrder) -> anyhow::Result<MigrationReport> {
    let config = app.config().await?;
    let database = config.database.as_ref().context("the route table grants this function no database")?;
    let options = login::options(app, database).await?;
    let mut connection = options.connect().await.context("logging in to the database as its administrator")?;

    let applied = migrate(&mut connection).await?;
    for (role, connections) in [
        (DatabaseRole::Reader, order.reader_connections),
        (DatabaseRole::OrderReader, order.order_reader_connections),
        (DatabaseRole::BounceWriter, order.bounce_writer_connections),
        (DatabaseRole::Account, order.account_connections),
        (DatabaseRole::Staff, order.staff_connections),
        (DatabaseRole::Writer, order.writer_connections),
    ] {
        accounts::set_up(&mut connection, database, role, connections).await?;
    }
    if order.revokes {
        accounts::revoke(&mut connection, database).await?;
    }
    if order.has_replicas {
        heartbeat::set_up(&mut connection).await?;
    }
    let imports = imports::count_done(&mut connection).await?;
    let refreshed_to = refresh(&mut connection, order.refresh_after).await?;
    if refreshed_to.is_none() {
        let hashed = visitor_hashes::hash_numbers(&mut connection, Instant::now() + HASH_WITHIN).await;
        tracing::info!(hashed_visitors = hashed.context("hashing the visitors' numbers")?, "Visitors hashed");
        index_messages(&mut connection, Instant::now() + INDEX_WITHIN).await.context("indexing the messages")?;
    }
    connection.close().await?;
    Ok(MigrationReport { applied, imports, refreshed_to })
}

/// Brings up to date what searches and lists read and versions before did not write, a part of the books in each
/// transaction. Returns the last book if the time did not suffice; a repetition changes nothing.
async fn refresh(connection: &mut MySqlConnection, after: u32) -> anyhow::Result<Option<u32>> {
    let began = Instant::now();
    let mut done = after;
    while let Some(through) = refresh::part(connection, done).await.context("refreshing the search entries")? {
        done = through;
        if began.elapsed() > REFRESH_WITHIN {
            tracing::info!(done, "Books refreshed; more remain");
            return Ok(Some(done));
        }
    }
    refresh::counts(connection).await.context("counting the shop's books")?;
    Ok(None)
}

/// Indexes the words of messages that versions before have written.
async fn index_messages(connection: &mut MySqlConnection, until: Instant) -> sqlx::Result<()> {
    let mut done = 0;
    while let Some(last) = contact_search::index_some(connection, done).await? {
        done = last;
        if Instant::now() > until {
            tracing::info!(done, "Messages indexed; more may remain until the next deploy");
            break;
        }
    }
    Ok(())
}

/// Runs the pending migrations, each once even if two deploys overlap: sqlx takes a lock in the database.
async fn migrate(connection: &mut MySqlConnection) -> anyhow::Result<Vec<String>> {
    connection.ensure_migrations_table(&MIGRATIONS.table_name).await?;
    let done = connection.list_applied_migrations(&MIGRATIONS.table_name).await?;
    let pending = MIGRATIONS.iter().filter(|migration| done.iter().all(|done| done.version != migration.version));
    let names = pending.map(|migration| format!("{:04} {}", migration.version, migration.description)).collect();
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(names),
        Err(MigrateError::Dirty(version)) => bail!(
            "migration {version} was interrupted, and MariaDB cannot roll back DDL: check in the database whether its \
             statement took effect, complete it by hand, run `update _sqlx_migrations set success = true where version = \
             {version}`, and deploy again"
        ),
        Err(error) => Err(error).context("running the migrations"),
    }
}
