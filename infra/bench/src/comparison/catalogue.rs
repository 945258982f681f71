//! Generated catalogues, each in its own database of the local stage's server.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use shared::{
    MIGRATIONS,
    parameters::{DatabaseRole, Parameter},
    repo::refresh,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, mysql::MySqlConnectOptions};

use crate::{Parameters, login::login};

/// A complete catalogue.
#[derive(Serialize)]
pub struct Catalogue {
    pub books: u32,
    pub database: String,
    /// Size of its tables and indexes in bytes.
    pub bytes: u64,
}

/// A catalogue of that many books, which readers can select from. It is created if there is none that is complete and
/// made by this version of generator and schema.
pub async fn ensure(parameters: &Parameters, books: u32) -> Result<Catalogue> {
    let database = format!("anaquel_generated_{books}");
    let mut server = created(parameters, &database, books).await?;
    grant(&mut server, &database, "select", parameters, DatabaseRole::Reader).await?;
    let size = "select cast(sum(data_length + index_length) as unsigned) from information_schema.tables \
                where table_schema = ?";
    let bytes = sqlx::query_scalar(size).bind(&database).fetch_one(&mut server).await?;
    server.close().await?;
    Ok(Catalogue { books, database, bytes })
}

/// The database of a catalogue for load tests, in which the users of all functions have the permissions that they need. It keeps
/// what load tests write.
pub async fn to_load(parameters: &Parameters, books: u32) -> Result<String> {
    let database = format!("anaquel_load_{books}");
    let mut server = created(parameters, &database, books).await?;
    for role in [DatabaseRole::Reader, DatabaseRole::OrderReader] {
        grant(&mut server, &database, "select", parameters, role).await?;
    }
    grant(&mut server, &database, "select, insert, update, delete", parameters, DatabaseRole::Writer).await?;
    server.close().await?;
    Ok(database)
}

/// Creates the catalogue unless it is complete, and returns a connection of the administrator.
async fn created(parameters: &Parameters, database: &str, books: u32) -> Result<MySqlConnection> {
    // The administrator has the same permissions as the master user of RDS.
    let login = login(parameters, DatabaseRole::Admin)?;
    let mut server = login.connect().await.context("logging in as the database's administrator")?;
    // It is idle while a catalogue is created.
    execute(&mut server, "set session wait_timeout = 86400").await?;
    if !is_complete(&mut server, database).await? {
        create(&mut server, &login, database, books).await.with_context(|| format!("creating {database}"))?;
    }
    Ok(server)
}

/// The version of a catalogue: a change of the generator or a migration makes stored ones out of date.
fn version() -> String {
    let migration = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default();
    format!("{} {migration}", generated_catalogue::VERSION)
}

/// Whether the last step of a creation, which stores the version, was executed by this version.
async fn is_complete(server: &mut MySqlConnection, database: &str) -> Result<bool> {
    let tables = "select count(*) from information_schema.tables \
                  where table_schema = ? and table_name = 'generated_catalogue'";
    let tables: i64 = sqlx::query_scalar(tables).bind(database).fetch_one(&mut *server).await?;
    if tables == 0 {
        return Ok(false);
    }
    let stored = format!("select version from {database}.generated_catalogue");
    let stored: Option<String> = sqlx::query_scalar(AssertSqlSafe(stored)).fetch_optional(server).await?;
    Ok(stored == Some(version()))
}

/// Starts with an empty database, because an interrupted creation may have left one.
async fn create(server: &mut MySqlConnection, login: &MySqlConnectOptions, database: &str, books: u32) -> Result<()> {
    let began = Instant::now();
    eprintln!("Generating {books} books in {database} …");
    execute(server, format!("drop database if exists {database}")).await?;
    execute(server, format!("create database {database} character set utf8mb4 collate utf8mb4_uca1400_ai_ci")).await?;
    let mut connection = login.clone().database(database).connect().await?;
    MIGRATIONS.run(&mut connection).await.context("running the migrations")?;
    generated_catalogue::load(&mut connection, books).await.context("loading the books")?;
    eprintln!("  books and indexes: {:.0} s", began.elapsed().as_secs_f64());
    refresh::all(&mut connection).await.context("refreshing the search entries")?;
    eprintln!("  word index: {:.0} s", began.elapsed().as_secs_f64());
    execute(
        &mut connection,
        "analyze table authors, books, book_authors, genres, book_genres, star_counts, book_search, book_words, words, \
         word_variants",
    )
    .await?;
    execute(&mut connection, "create table generated_catalogue (version varchar(40) not null primary key)").await?;
    sqlx::query("insert into generated_catalogue values (?)").bind(version()).execute(&mut connection).await?;
    connection.close().await?;
    eprintln!("  complete: {:.0} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Grants a role permissions on all tables of the catalogue. In the name of a database that is granted, `_` would match any
/// character.
async fn grant(
    server: &mut MySqlConnection,
    database: &str,
    permissions: &str,
    parameters: &Parameters,
    role: DatabaseRole,
) -> Result<()> {
    let user = parameters.get(Parameter::DatabaseUser(role))?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    ensure!(user.bytes().all(is_plain), "{user} must have letters, digits and _ only");
    execute(server, format!("grant {permissions} on `{}`.* to '{user}'@'%'", database.replace('_', "\\_"))).await
}

/// Executes a statement of names that are known or checked.
async fn execute(connection: &mut MySqlConnection, sql: impl Into<String>) -> Result<()> {
    let sql = sql.into();
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.context(sql)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sqlx::MySqlPool;

    use super::*;

    async fn number(connection: &mut MySqlConnection, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
    }

    async fn indexes(connection: &mut MySqlConnection) -> BTreeSet<String> {
        let columns = "select concat_ws(' ', table_name, index_name, seq_in_index, column_name, index_type) \
                       from information_schema.statistics where table_schema = database()";
        sqlx::query_scalar(columns).fetch_all(connection).await.unwrap().into_iter().collect()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "MIGRATIONS")]
    async fn a_loaded_catalogue_is_consistent_and_has_the_indexes_of_the_schema(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let before = indexes(&mut connection).await;
        generated_catalogue::load(&mut connection, 2_500).await.unwrap();
        assert_eq!(indexes(&mut connection).await, before);

        let connection = &mut connection;
        assert_eq!(number(connection, "select count(*) from books where id <= 2500").await, 2_500);
        assert_eq!(
            number(connection, "select count(distinct book_id) from book_authors where position = 0").await,
            2_500
        );
        for difference in [
            "select count(*) from book_authors left join authors on id = author_id where id is null",
            "select count(*) from authors where id not in (select author_id from book_authors)",
            "select cast(sum(books) - (select count(*) from book_genres) as signed) from genres",
            "select cast(sum(ratings_count) - (select sum(imported) from star_counts) as signed) from books",
        ] {
            assert_eq!(number(connection, difference).await, 0, "{difference}");
        }
    }
}
