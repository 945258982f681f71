//! A database of a measurement that writes, on the server of the local stage.

use anyhow::{Context, Result, ensure};
use shared::{
    MIGRATIONS,
    parameters::{DatabaseRole, Parameter},
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection};

#[cfg(test)]
use crate::MeasuredFunction;
use crate::{Parameters, login::login};

/// A migrated database in which the writer may change everything. In the name of a database that is granted, `_` would match
/// any character.
pub async fn create(server: &mut MySqlConnection, database: &str, parameters: &Parameters) -> Result<()> {
    let writer = parameters.get(Parameter::DatabaseUser(DatabaseRole::Writer))?;
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    ensure!(writer.bytes().all(is_plain), "the writer's name must have letters, digits and _ only");
    execute(server, format!("drop database if exists {database}")).await?;
    execute(server, format!("create database {database} character set utf8mb4 collate utf8mb4_uca1400_ai_ci")).await?;
    let granted = database.replace('_', "\\_");
    execute(server, format!("grant select, insert, update, delete on `{granted}`.* to '{writer}'@'%'")).await?;
    let mut connection = login(parameters, DatabaseRole::Admin)?.database(database).connect().await?;
    MIGRATIONS.run(&mut connection).await.context("running the migrations")?;
    connection.close().await?;
    Ok(())
}

/// Executes a statement of names that are known or checked.
pub async fn execute(connection: &mut MySqlConnection, sql: impl Into<String>) -> Result<()> {
    let sql = sql.into();
    sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await.context(sql)?;
    Ok(())
}

/// Runs a measurement with parameters as the stage has them, on the server of the tests with its user as administrator, and a
/// writer of this name. Returns the databases that are left as well.
#[cfg(test)]
pub async fn with_writer<T>(name: &str, measure: impl AsyncFn(&Parameters) -> Result<T>) -> (Result<T>, Vec<String>) {
    let parameters = stage_parameters(name);
    let mut server = login(&parameters, DatabaseRole::Admin).unwrap().connect().await.unwrap();
    execute(&mut server, format!("create or replace user {name}@'%' identified by 'of-a-test'")).await.unwrap();
    let measured = measure(&parameters).await;
    execute(&mut server, format!("drop user {name}@'%'")).await.unwrap();
    let databases = sqlx::query_scalar("select schema_name from information_schema.schemata");
    (measured, databases.fetch_all(&mut server).await.unwrap())
}

/// The function as it was built for the tests, with the parameters that its writer may read.
#[cfg(test)]
pub fn built(function: &str, parameters: &Parameters) -> MeasuredFunction {
    let binaries = std::env::var("ANAQUEL_BINARIES").expect("ANAQUEL_BINARIES is not set: run `cargo bookstore test`");
    let names: Vec<&str> = parameters.0.keys().map(String::as_str).filter(|name| !name.contains("/admin/")).collect();
    MeasuredFunction {
        name: function.to_owned(),
        binary: std::path::Path::new(&binaries).join(function),
        arguments: Vec::new(),
        zip_bytes: 0,
        environment: [("ANAQUEL_PARAMETERS".to_owned(), names.join(","))].into(),
    }
}

#[cfg(test)]
fn stage_parameters(writer: &str) -> Parameters {
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL is not set: run `cargo bookstore test`");
    let (login, server) = url.trim_start_matches("mysql://").rsplit_once('@').unwrap();
    let ((user, password), (host, port)) = (login.split_once(':').unwrap(), server.split_once(':').unwrap());
    let (admin, writers) = (DatabaseRole::Admin, DatabaseRole::Writer);
    let values = [
        (Parameter::DatabaseHost, host),
        (Parameter::DatabasePort, port.split_once('/').unwrap().0),
        (Parameter::DatabaseName, "mysql"),
        (Parameter::DatabaseAuth, "password"),
        (Parameter::DatabaseUser(admin), user),
        (Parameter::DatabasePassword(admin), password),
        (Parameter::DatabaseUser(writers), writer),
        (Parameter::DatabasePassword(writers), "of-a-test"),
        (Parameter::Queue(shared::parameters::Queue::DeadLetters), "http://parked"),
        (Parameter::ArchiveBucket, "archive"),
        (Parameter::Queue(shared::parameters::Queue::Orders), "http://orders"),
        (Parameter::Queue(shared::parameters::Queue::OrderDeadLetters), "http://orders-parked"),
        (Parameter::Queue(shared::parameters::Queue::Mails), "http://mails"),
    ];
    let named = |(parameter, value): (Parameter, &str)| (format!("/anaquel/local/{parameter}"), value.to_owned());
    Parameters(values.into_iter().map(named).collect())
}
