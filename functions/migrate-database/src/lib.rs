//! Invoked by a deploy: migrates the schema, then sets up the database users and their grants.
//!
//! Migrations only expand, so the versions that still run work with the new schema.

mod accounts;
mod login;

use anyhow::{Context, bail};
use shared::{
    App, MIGRATIONS,
    messages::{MigrationOrder, MigrationReport},
    parameters::DatabaseRole,
    repo::imports,
};
use sqlx::{
    ConnectOptions, Connection, MySqlConnection,
    migrate::{Migrate, MigrateError},
};

pub async fn handle(app: &App, order: MigrationOrder) -> anyhow::Result<MigrationReport> {
    let config = app.config().await?;
    let database = config.database.as_ref().context("the route table grants this function no database")?;
    let options = login::options(app, database).await?;
    let mut connection = options.connect().await.context("logging in to the database as its administrator")?;

    let applied = migrate(&mut connection).await?;
    for (role, connections) in
        [(DatabaseRole::Reader, order.reader_connections), (DatabaseRole::Writer, order.writer_connections)]
    {
        accounts::set_up(&mut connection, database, role, connections).await?;
    }
    let imports = imports::count_done(&mut connection).await?;
    connection.close().await?;
    Ok(MigrationReport { applied, imports })
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
            "migration {version} was interrupted, and MariaDB takes back no DDL: see in the database whether it was done, \
             finish it by hand, and `update _sqlx_migrations set success = true where version = {version}`"
        ),
        Err(error) => Err(error).context("running the migrations"),
    }
}
