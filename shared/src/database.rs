//! Access to MariaDB: one connection for each execution environment, or a pool of them in a server, checked before use, with a
//! timeout for every wait.
//!
//! A connection outlives the invocation that opened it, but may be lost while Lambda freezes the process, so an idle
//! connection is pinged before use. Work owns the connection while it runs: when it is cancelled, the connection is
//! dropped with it, and the next work opens a new one. If no connection can be opened, the parameters are read again
//! (at most every five seconds), so that a rotated password or a moved host needs no deploy. A function that may read
//! replicas has a second connection, to one of them (`replicas.rs`).

mod connections;
mod error;
mod login;
mod replicas;

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use sqlx::{ConnectOptions, Connection, MySqlConnection, mysql::MySqlConnectOptions};
use tokio::{task_local, time::timeout};

use self::{
    error::is_lost,
    login::sign,
    replicas::{Checked, Replicas},
};
use crate::{
    config::{Config, DatabaseAuth, DatabaseConfig, Settings},
    parameters::DatabaseRole,
    secret::Secret,
};

pub use self::{
    connections::Connections,
    error::{Error, Result, ServerError},
    login::{iam_options, master_options, password_options},
    replicas::{MAX_LAG, ReplicaState},
};

/// An idle connection is pinged before use when it is older than this.
const FRESH_FOR: Duration = Duration::from_secs(1);
const PING_TIMEOUT: Duration = Duration::from_millis(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest time until there is a connection, or none: the idle one is tried, and a new one opened.
pub const CONNECTING: Duration = PING_TIMEOUT.saturating_add(CONNECT_TIMEOUT);
/// Timeout of one read or write.
pub const WORK_TIMEOUT: Duration = Duration::from_millis(1_200);

/// Executed first on every connection that writes. Each statement then reads what is committed at its time: a long
/// transaction must not count by a snapshot from its beginning (newer servers refuse that, with error 1020). It also
/// takes no gap locks.
pub(crate) const WRITER_SESSION: &str = "set session transaction isolation level read committed";

pub struct Database {
    settings: Arc<Settings>,
    sdk: SdkConfig,
    login: Login,
    connections: Arc<Connections>,
    replicas: Replicas,
}

/// Which of the granted accounts work logs in with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Login {
    /// The most privileged one: that of a function whose parameters are its own.
    Granted,
    /// That of one function among several in a process, if it has one.
    Of { role: Option<DatabaseRole>, reads_replicas: bool },
}

impl Login {
    /// Whether work can log in at all.
    pub fn has_account(&self) -> bool {
        !matches!(self, Self::Of { role: None, .. })
    }
}

task_local! {
    /// Time of all work with the database, of one request or event.
    static TIME_TAKEN: Cell<Duration>;
}

/// Does work, and measures the time that it waits for the database, including that for a connection.
pub async fn measured<T>(work: impl Future<Output = T>) -> (T, Duration) {
    TIME_TAKEN.scope(Cell::default(), async { (work.await, TIME_TAKEN.with(Cell::get)) }).await
}

/// Adds the time until it is dropped, so that cancelled work counts as well.
struct Stopwatch {
    began: Instant,
}

impl Stopwatch {
    fn start() -> Self {
        Self { began: Instant::now() }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        // Work that nobody measures is of a start or of a test.
        _ = TIME_TAKEN.try_with(|total| total.set(total.get() + self.began.elapsed()));
    }
}

/// A connection, and the configuration that it was opened with.
struct Open {
    connection: MySqlConnection,
    config: DatabaseConfig,
    /// The replica that it leads to, if it is not the primary.
    replica: Option<Checked>,
    /// Wall-clock time, because the monotonic clock of a frozen process may stand still.
    idle_since: SystemTime,
}

impl Open {
    /// Whether the other configuration logs in with the same accounts.
    fn has_accounts_of(&self, config: &DatabaseConfig) -> bool {
        self.config.accounts.keys().eq(config.accounts.keys())
    }

    /// A connection that was used less than [`FRESH_FOR`] ago counts as sound, because a ping would take a third of a
    /// quick request. If it is lost after all, a read is retried and a message is delivered again; a server that stops
    /// answering within that time costs one request its whole timeout.
    async fn is_sound(&mut self) -> bool {
        self.idle_since.elapsed().is_ok_and(|rest| rest < FRESH_FOR)
            || matches!(timeout(PING_TIMEOUT, self.connection.ping()).await, Ok(Ok(())))
    }
}

impl Database {
    /// For a function, whose requests come one at a time.
    pub fn new(settings: Arc<Settings>, sdk: SdkConfig) -> Self {
        Self::of(settings, sdk, Login::Granted, Arc::new(Connections::of_function()))
    }

    /// For one of several logins, which share the connections.
    pub fn of(settings: Arc<Settings>, sdk: SdkConfig, login: Login, connections: Arc<Connections>) -> Self {
        Self { settings, sdk, login, connections, replicas: Replicas::new() }
    }

    /// The part of the configuration that the login has.
    fn granted(&self, read: anyhow::Result<Arc<Config>>) -> Result<DatabaseConfig> {
        let granted = read.map_err(Error::Away)?.database.clone();
        let none = || Error::Defect(anyhow!("the route table grants this function no access to the database"));
        let mut granted = granted.ok_or_else(none)?;
        if let Login::Of { role, reads_replicas } = self.login {
            granted.accounts.retain(|known, _| Some(*known) == role);
            if !reads_replicas {
                granted.replicas.clear();
            }
        }
        if granted.accounts.is_empty() { Err(none()) } else { Ok(granted) }
    }

    /// Opens the connection of reads before the first request.
    pub async fn warm_up(&self) -> Result<()> {
        let config = self.granted(self.settings.current().await)?;
        let _permit = self.connections.permit().await?;
        let open = self.take_for_reading(&config).await?;
        self.connections.put(open);
        Ok(())
    }

    /// Runs a read, on a replica if the function has replicas: it may then miss what was written in the last seconds. If
    /// the connection is lost, it runs once more on a new one.
    pub async fn read<T>(&self, query: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        let config = self.granted(self.settings.current().await)?;
        if config.replicas.is_empty() { self.read_primary(query).await } else { self.read_nearby(&config, query).await }
    }

    /// Runs a read that must not miss what was written before. If the connection is lost, it runs once more on a new one.
    pub async fn read_primary<T>(&self, query: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        match self.attempt(&query, WORK_TIMEOUT).await {
            Err(Error::Away(error)) if error.is::<Lost>() => {
                tracing::warn!("Connection lost: retrying the read");
                // The server has ended the others as well.
                self.close_those_to_primary();
                self.attempt(&query, WORK_TIMEOUT).await
            }
            other => other,
        }
    }

    /// Runs a change in one transaction: all of it, or nothing.
    pub async fn write<T>(&self, change: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        self.write_within(WORK_TIMEOUT, change).await
    }

    /// The same, once more if other writers were in its way: also for a key that another has written in the same moment, which the
    /// second attempt then finds.
    pub async fn write_again_if_busy<T>(
        &self,
        change: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        match self.write(&change).await {
            Err(Error::Busy(error)) => {
                tracing::warn!(error = format!("{error:#}"), "Trying again");
                self.write(&change).await
            }
            result => result,
        }
    }

    /// The same with another timeout.
    pub async fn write_within<T>(
        &self,
        limit: Duration,
        change: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let in_transaction = async |connection: &mut MySqlConnection| {
            let mut transaction = connection.begin().await?;
            match change(&mut transaction).await {
                Ok(done) => transaction.commit().await.map(|()| done),
                Err(error) => {
                    // Now, not when the connection is used next: a frozen function would hold its locks until then.
                    transaction.rollback().await?;
                    Err(error)
                }
            }
        };
        self.attempt(&in_transaction, limit).await
    }

    /// Runs work on the primary.
    async fn attempt<T>(
        &self,
        work: &impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
        limit: Duration,
    ) -> Result<T> {
        let _stopwatch = Stopwatch::start();
        let _permit = self.connections.permit().await?;
        let open = self.take().await?;
        self.attempt_on(open, work, limit).await
    }

    /// The future owns the connection: a caller that cancels it drops the connection, too.
    async fn attempt_on<T>(
        &self,
        mut open: Open,
        work: &impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
        limit: Duration,
    ) -> Result<T> {
        let outcome = timeout(limit, work(&mut open.connection)).await;
        match outcome.map_err(|_| Error::Busy(NoAnswer(limit.as_millis()).into()))? {
            Err(error) if is_lost(&error) => Err(Error::Away(anyhow::Error::new(error).context(Lost))),
            result => {
                let result = result.map_err(Error::from);
                // After any other error the fault may be the session's: one whose password has expired stays refused.
                match &result {
                    Ok(_) | Err(Error::Busy(_) | Error::Unstorable(_)) => self.connections.put(open),
                    // A server that has become read-only answers pings.
                    Err(Error::Away(_)) if open.replica.is_none() => self.close_those_to_primary(),
                    Err(_) => {}
                }
                result
            }
        }
    }

    /// For one that was not sound: the server has ended the others as well, or is silent to them.
    fn close_those_to_primary(&self) {
        self.connections.close(|open| open.replica.is_none());
    }

    /// An idle connection to the primary, if it is still sound, or a new one.
    async fn take(&self) -> Result<Open> {
        let config = self.granted(self.settings.current().await)?.of_primary();
        self.connections.close(|open| open.replica.is_none() && open.has_accounts_of(&config) && open.config != config);
        if let Some(mut open) = self.connections.take(|open| open.replica.is_none() && open.config == config) {
            if open.is_sound().await {
                return Ok(open);
            }
            self.close_those_to_primary();
        }
        let first = match self.open(config.clone(), CONNECT_TIMEOUT).await {
            Ok(open) => return Ok(open),
            Err(error) => error,
        };
        let refreshed = self.granted(self.settings.refreshed().await)?.of_primary();
        if refreshed == config {
            return Err(first);
        }
        tracing::info!("Database parameters changed: logging in again");
        self.open(refreshed, CONNECT_TIMEOUT).await
    }

    async fn open(&self, config: DatabaseConfig, limit: Duration) -> Result<Open> {
        self.connections.make_room();
        let server = format!("{}:{}", config.host, config.port);
        let connecting = async {
            let options = self.options(&config).await?;
            let connected = async {
                let mut connection = options.connect().await?;
                if config.login().is_ok_and(|(role, _)| !role.is_reader()) {
                    sqlx::raw_sql(WRITER_SESSION).execute(&mut connection).await?;
                }
                Ok::<_, sqlx::Error>(connection)
            };
            connected.await.with_context(|| format!("connecting to {server}")).map_err(Error::Away)
        };
        let in_time = timeout(limit, connecting).await;
        let silent = || Error::Away(anyhow!("connecting to {server}: no answer within {} ms", limit.as_millis()));
        let connection = in_time.unwrap_or_else(|_| Err(silent()))?;
        Ok(Open { connection, config, replica: None, idle_since: SystemTime::now() })
    }

    /// With IAM, a token is signed for each connection: that is local work where the credentials are known, and no token is ever
    /// stale.
    ///
    /// # Errors
    /// [`Error::Away`] without credentials, which a task of ECS asks for; a defect if something was not granted.
    async fn options(&self, config: &DatabaseConfig) -> Result<MySqlConnectOptions> {
        let token = match config.auth {
            DatabaseAuth::Password => None,
            DatabaseAuth::Iam => {
                let (_, account) = config.login().map_err(Error::Defect)?;
                Some(sign(&self.sdk, config, account).await.map_err(Error::Away)?)
            }
        };
        self.options_with(config, token.as_ref()).map_err(Error::Defect)
    }

    fn options_with(&self, config: &DatabaseConfig, token: Option<&Secret>) -> anyhow::Result<MySqlConnectOptions> {
        let (_, account) = config.login()?;
        if let Some(token) = token {
            let region = self.sdk.region().context("AWS_REGION is not set")?;
            return iam_options(config, account, token, region.as_ref());
        }
        let password = account.password.as_ref().context("the password of the database user was not granted")?;
        Ok(password_options(config, account, password))
    }
}

/// Marks the error of a connection that broke during work.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
struct Lost;

/// Marks the error of work whose statement got no answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0} ms")]
struct NoAnswer(u128);

#[cfg(test)]
pub(crate) mod tests;
