//! Access to MariaDB: one connection for each execution environment, checked before use, with a timeout for every wait.
//!
//! A connection outlives the invocation that opened it, but may be lost while Lambda freezes the process, so an idle
//! connection is pinged before use. Work owns the connection while it runs: when it is cancelled, the connection is
//! dropped with it, and the next work opens a new one. If no connection can be opened, the parameters are read again
//! (at most every five seconds), so that a rotated password or a moved host needs no deploy.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config as TokenConfig};
use sqlx::{
    ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    config::{Account, Config, DatabaseAuth, DatabaseConfig, Settings},
    secret::Secret,
};

/// Why the database did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection can be opened, or it broke. Other work will fail in the same way for a while.
    #[error("the database is away")]
    Away(#[source] anyhow::Error),
    /// A lock conflict or a timeout. The same work may succeed at once.
    #[error("the database is busy")]
    Busy(#[source] anyhow::Error),
    /// These values can never be stored.
    #[error("the database refuses the values")]
    Unstorable(#[source] anyhow::Error),
    /// A defect: SQL that does not fit the schema, or a missing permission.
    #[error("the database refuses the statement")]
    Defect(#[source] anyhow::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

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
    idle: Mutex<Option<Open>>,
    /// Microseconds since the last call of `time_taken`.
    time_taken: AtomicU64,
}

/// Adds the time until it is dropped, so that cancelled work counts as well.
struct Stopwatch<'a> {
    total: &'a AtomicU64,
    began: Instant,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        let microseconds = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.total.fetch_add(microseconds, Ordering::Relaxed);
    }
}

/// A connection, and the configuration that it was opened with.
struct Open {
    connection: MySqlConnection,
    config: DatabaseConfig,
    /// Wall-clock time, because the monotonic clock of a frozen process may stand still.
    idle_since: SystemTime,
}

impl Open {
    /// A connection that was used less than [`FRESH_FOR`] ago counts as sound, because a ping would take a third of a
    /// quick request. If it is lost after all, a read is retried and a message is delivered again; a server that stops
    /// answering within that time costs one request its whole timeout.
    async fn is_sound(&mut self) -> bool {
        self.idle_since.elapsed().is_ok_and(|rest| rest < FRESH_FOR)
            || matches!(timeout(PING_TIMEOUT, self.connection.ping()).await, Ok(Ok(())))
    }
}

impl Database {
    pub fn new(settings: Arc<Settings>, sdk: SdkConfig) -> Self {
        Self { settings, sdk, idle: Mutex::new(None), time_taken: AtomicU64::new(0) }
    }

    /// Time of all work since the last call, including the wait for a connection.
    pub fn time_taken(&self) -> Duration {
        Duration::from_micros(self.time_taken.swap(0, Ordering::Relaxed))
    }

    /// Opens the connection before the first request.
    pub async fn warm_up(&self) -> Result<()> {
        let open = self.take().await?;
        self.put_back(open).await;
        Ok(())
    }

    /// Runs a read. If the connection is lost, it runs once more on a new one.
    pub async fn read<T>(&self, query: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        match self.attempt(&query, WORK_TIMEOUT).await {
            Err(Error::Away(error)) if error.is::<Lost>() => {
                tracing::warn!("Connection lost: retrying the read");
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

    /// The future owns the connection: a caller that cancels it drops the connection, too.
    async fn attempt<T>(
        &self,
        work: &impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
        limit: Duration,
    ) -> Result<T> {
        let _stopwatch = Stopwatch { total: &self.time_taken, began: Instant::now() };
        let mut open = self.take().await?;
        let outcome = timeout(limit, work(&mut open.connection)).await;
        let outcome = outcome.map_err(|_| Error::Busy(anyhow!("no answer within {} ms", limit.as_millis())))?;
        match outcome {
            Err(error) if is_lost(&error) => Err(Error::Away(anyhow::Error::new(error).context(Lost))),
            result => {
                let result = result.map_err(Error::from);
                // After any other error the fault may be the session's: one whose password has expired stays refused.
                if matches!(result, Ok(_) | Err(Error::Busy(_) | Error::Unstorable(_))) {
                    self.put_back(open).await;
                }
                result
            }
        }
    }

    async fn put_back(&self, mut open: Open) {
        open.idle_since = SystemTime::now();
        *self.idle.lock().await = Some(open);
    }

    /// The idle connection, if it is still sound, or a new one.
    async fn take(&self) -> Result<Open> {
        let config = granted(self.settings.current().await)?;
        let idle = self.idle.lock().await.take();
        if let Some(mut open) = idle.filter(|open| open.config == config)
            && open.is_sound().await
        {
            return Ok(open);
        }
        let first = match self.open(config.clone()).await {
            Ok(open) => return Ok(open),
            Err(error) => error,
        };
        let refreshed = granted(self.settings.refreshed().await)?;
        if refreshed == config {
            return Err(first);
        }
        tracing::info!("Database parameters changed: logging in again");
        self.open(refreshed).await
    }

    async fn open(&self, config: DatabaseConfig) -> Result<Open> {
        let options = self.options(&config).await.map_err(Error::Defect)?;
        let connecting = async {
            let mut connection = options.connect().await?;
            if config.login().is_ok_and(|(role, _)| !role.is_reader()) {
                sqlx::raw_sql(WRITER_SESSION).execute(&mut connection).await?;
            }
            Ok(connection)
        };
        let connected = timeout(CONNECT_TIMEOUT, connecting).await;
        let connected = connected.unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
        let connection =
            connected.with_context(|| format!("connecting to {}:{}", config.host, config.port)).map_err(Error::Away)?;
        Ok(Open { connection, config, idle_since: SystemTime::now() })
    }

    /// With IAM, a token is signed for each connection: that is local work, and no token is ever stale.
    async fn options(&self, config: &DatabaseConfig) -> anyhow::Result<MySqlConnectOptions> {
        let (_, account) = config.login()?;
        match config.auth {
            DatabaseAuth::Password => {
                let password =
                    account.password.as_ref().context("the password of the database user was not granted")?;
                Ok(password_options(config, account, password))
            }
            DatabaseAuth::Iam => {
                let token = sign(&self.sdk, config, account).await?;
                let region = self.sdk.region().context("AWS_REGION is not set")?;
                iam_options(config, account, &token, region.as_ref())
            }
        }
    }
}

fn granted(read: anyhow::Result<Arc<Config>>) -> Result<DatabaseConfig> {
    let granted = read.map_err(Error::Away)?.database.clone();
    granted.ok_or_else(|| Error::Defect(anyhow!("the route table grants this function no access to the database")))
}

/// Marks the error of a connection that broke during work.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
struct Lost;

/// A login with a password, over verified TLS unless the server is on this very machine.
pub fn password_options(config: &DatabaseConfig, account: &Account, password: &Secret) -> MySqlConnectOptions {
    let here = config.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let tls = if here { MySqlSslMode::Preferred } else { MySqlSslMode::VerifyIdentity };
    base_options(config, account).password(password.reveal()).ssl_mode(tls)
}

/// A login with an IAM token. The token goes over the wire as it is, so the cleartext plugin is switched on together
/// with verified TLS, here and nowhere else.
pub fn iam_options(
    config: &DatabaseConfig,
    account: &Account,
    token: &Secret,
    region: &str,
) -> anyhow::Result<MySqlConnectOptions> {
    Ok(base_options(config, account)
        .password(token.reveal())
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca_from_pem(root_certificate(region)?.as_bytes().to_vec())
        .enable_cleartext_plugin(true))
}

/// A login as the RDS master user, with the password that RDS keeps in Secrets Manager; verified TLS as well.
pub fn master_options(
    config: &DatabaseConfig,
    account: &Account,
    password: &Secret,
    region: &str,
) -> anyhow::Result<MySqlConnectOptions> {
    Ok(base_options(config, account)
        .password(password.reveal())
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca_from_pem(root_certificate(region)?.as_bytes().to_vec()))
}

fn base_options(config: &DatabaseConfig, account: &Account) -> MySqlConnectOptions {
    MySqlConnectOptions::new().host(&config.host).port(config.port).database(&config.name).username(&account.user)
}

/// Signs a login token locally; no call to AWS.
async fn sign(sdk: &SdkConfig, config: &DatabaseConfig, account: &Account) -> anyhow::Result<Secret> {
    let token = TokenConfig::builder().hostname(&config.host).port(u64::from(config.port)).username(&account.user);
    let token = token.build().map_err(|error| anyhow::anyhow!(error))?;
    let token = AuthTokenGenerator::new(token).auth_token(sdk).await.map_err(|error| anyhow::anyhow!(error))?;
    Ok(Secret::new(token.as_str()))
}

/// Amazon RDS's root certificate for a region.
fn root_certificate(region: &str) -> anyhow::Result<&'static str> {
    const ALL: &str = include_str!("../certificates/rds.pem");
    let start = ALL
        .find(&format!("# {region}\n"))
        .with_context(|| format!("no RDS root certificate for region {region} in shared/certificates/rds.pem"))?;
    let body = &ALL[start + 2..];
    Ok(&body[..body.find("\n# ").unwrap_or(body.len())])
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let kind = server_code(&error).map(kind);
        let cause = ServerError::of(&error).map_or_else(|| error.into(), anyhow::Error::from);
        match kind {
            Some(Kind::Away) => Self::Away(cause),
            Some(Kind::Busy) => Self::Busy(cause),
            Some(Kind::Unstorable) => Self::Unstorable(cause),
            Some(Kind::Other) | None => Self::Defect(cause),
        }
    }
}

impl Error {
    /// Whether a key refuses a second row. An import and a submission try again then; where no other writer can have written
    /// the row, it is a defect.
    pub fn is_duplicate_key(&self) -> bool {
        let (Self::Away(cause) | Self::Busy(cause) | Self::Unstorable(cause) | Self::Defect(cause)) = self;
        cause.downcast_ref::<ServerError>().is_some_and(|error| error.code == DUPLICATE_KEY)
    }
}

/// A row with this unique key exists.
const DUPLICATE_KEY: u16 = 1062;
/// Errors whose text quotes names of the schema or of a user, and no value.
const WITHOUT_VALUE: [u16; 13] = [1044, 1045, 1048, 1054, 1142, 1146, 1203, 1226, 1264, 1364, 1406, 1451, 4025];

/// What the server answered, without the values that it quotes: they may be names and addresses, and errors are logged, and
/// stored with messages that nobody can process.
#[derive(Debug, thiserror::Error)]
#[error("MariaDB error {code}: {text}")]
pub struct ServerError {
    /// <https://mariadb.com/kb/en/mariadb-error-code-reference/>
    pub code: u16,
    pub text: String,
}

impl ServerError {
    fn of(error: &sqlx::Error) -> Option<Self> {
        let code = server_code(error)?;
        let text = error.as_database_error()?.message();
        let text = if WITHOUT_VALUE.contains(&code) { text.to_owned() } else { without_value(text) };
        Some(Self { code, text })
    }
}

/// `Duplicate entry '…' for key 'orders_id'`. A value may contain quotes, so what is quoted ends at the last one, or at the
/// last one before a name.
fn without_value(text: &str) -> String {
    let Some((before, rest)) = text.split_once('\'') else { return text.to_owned() };
    let end = rest.rfind("' for ").or_else(|| rest.rfind('\''));
    let after = end.map_or("", |end| &rest[end + 1..]);
    format!("{before}'…'{after}")
}

enum Kind {
    Away,
    Busy,
    Unstorable,
    Other,
}

/// By the server's number: <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn kind(code: u16) -> Kind {
    match code {
        // Too many connections, of the server (1040) or of the user (1203, 1226); logins refused (1044, 1045, 1698), or
        // the password expired (1820, 1862); the disk full (1021, 1114), or the memory for statements (1461); read-only
        // during a failover (1290, 1836).
        1040 | 1203 | 1226 | 1044 | 1045 | 1698 | 1820 | 1862 | 1021 | 1114 | 1461 | 1290 | 1836 => Kind::Away,
        // Changed under a snapshot (1020), another import has inserted the same book or name (1062), lock wait (1205), lock table full (1206), deadlock (1213), statement killed
        // (1317) or out of time (1969).
        1020 | 1062 | 1205 | 1206 | 1213 | 1317 | 1969 => Kind::Busy,
        // Null (1048), out of range (1264, 1690), no date (1292), no such character (1366), too long (1406), against a
        // check (4025).
        1048 | 1264 | 1292 | 1366 | 1406 | 1690 | 4025 => Kind::Unstorable,
        _ => Kind::Other,
    }
}

fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // 1053 server shutdown, 1927 connection killed.
        _ => matches!(server_code(error), Some(1053 | 1927)),
    }
}

fn server_code(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    Some(database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{
        collections::BTreeMap,
        sync::atomic::{AtomicBool, Ordering},
        time::Instant,
    };

    use sqlx::MySqlPool;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::parameters::DatabaseRole;

    /// As a writer of the test's own database.
    pub(crate) fn database(pool: &MySqlPool) -> Database {
        let url: MySqlConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
        let password = std::env::var("DATABASE_URL").unwrap();
        let password = password.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(login, _)| login);
        let password = password.and_then(|login| login.split_once(':')).map_or("", |(_, password)| password);
        let account = Account { user: url.get_username().into(), password: Some(Secret::new(password)) };
        let name = pool.connect_options().get_database().unwrap().to_owned();
        let accounts = BTreeMap::from([(DatabaseRole::Writer, account)]);
        let config = DatabaseConfig { name, auth: DatabaseAuth::Password, accounts, ..config(url.get_port()) };
        with_config(config)
    }

    fn with_config(config: DatabaseConfig) -> Database {
        let sdk = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let settings = Settings::fixed(Config { database: Some(config), ..Config::default() });
        Database::new(Arc::new(settings), sdk)
    }

    async fn connection_id(database: &Database) -> u64 {
        let id = database.read(async |c| sqlx::query_scalar("select connection_id()").fetch_one(c).await);
        id.await.unwrap()
    }

    async fn sleep(database: &Database) -> Result<()> {
        database.read(async |c| sqlx::query("select sleep(5)").execute(c).await.map(drop)).await
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn one_connection_serves_one_request_after_another(pool: MySqlPool) {
        let database = database(&pool);
        assert_eq!(connection_id(&database).await, connection_id(&database).await);
    }

    /// A session whose password has expired refuses everything until it ends, and answers a ping.
    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn a_connection_that_refuses_statements_is_not_used_again(pool: MySqlPool) {
        let database = database(&pool);
        let first = connection_id(&database).await;
        for (code, is_away) in [(1820, true), (1862, true), (1461, true), (1142, false)] {
            let refuse = || sqlx::AssertSqlSafe(format!("signal sqlstate '45000' set mysql_errno = {code}"));
            let refused = database.read(async |c| sqlx::raw_sql(refuse()).execute(c).await.map(drop)).await;
            assert_eq!(matches!(refused, Err(Error::Away(_))), is_away, "{code}: {refused:?}");
            assert!(database.idle.lock().await.is_none(), "{code}");
        }
        assert_ne!(connection_id(&database).await, first);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn a_read_on_a_lost_connection_is_tried_once_more(pool: MySqlPool) {
        let database = database(&pool);
        let kill_itself_once = AtomicBool::new(true);
        let read = database.read(async |c| {
            let id: u64 = sqlx::query_scalar("select connection_id()").fetch_one(&mut *c).await?;
            if kill_itself_once.swap(false, Ordering::Relaxed) {
                sqlx::query("kill ?").bind(id).execute(&pool).await?;
            }
            sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await
        });
        assert!(read.await.is_ok());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn an_idle_connection_that_broke_does_not_fail_a_write(pool: MySqlPool) {
        let database = database(&pool);
        let first = connection_id(&database).await;
        sqlx::query("kill ?").bind(first).execute(&pool).await.unwrap();
        database.idle.lock().await.as_mut().unwrap().idle_since -= 2 * FRESH_FOR;
        let write = database.write(async |c| sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await);
        assert_ne!(write.await.unwrap(), first);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn work_that_takes_too_long_is_given_up_and_the_next_begins_afresh(pool: MySqlPool) {
        let database = database(&pool);
        let began = Instant::now();
        assert!(matches!(sleep(&database).await, Err(Error::Busy(_))));
        connection_id(&database).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn cancelled_work_leaves_no_busy_connection(pool: MySqlPool) {
        let database = database(&pool);
        let first = connection_id(&database).await;
        assert!(timeout(Duration::from_millis(50), sleep(&database)).await.is_err());
        let began = Instant::now();
        assert_ne!(connection_id(&database).await, first);
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn a_change_that_fails_is_undone_at_once_with_its_locks(pool: MySqlPool) {
        sqlx::query("create table t (id int primary key)").execute(&pool).await.unwrap();
        let database = database(&pool);
        let failed: Result<()> = database
            .write(async |c| {
                sqlx::query("insert into t values (1)").execute(&mut *c).await?;
                Err(sqlx::Error::RowNotFound)
            })
            .await;
        assert!(matches!(failed, Err(Error::Defect(_))));
        sqlx::query("insert into t values (1)").execute(&pool).await.unwrap();
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test]
    async fn a_value_that_does_not_fit_is_a_permanent_error(pool: MySqlPool) {
        sqlx::query("create table t (id tinyint)").execute(&pool).await.unwrap();
        let database = database(&pool);
        let write =
            async |sql: &'static str| database.write(async |c| sqlx::query(sql).execute(c).await.map(drop)).await;
        assert!(matches!(write("insert into t values (1000)").await, Err(Error::Unstorable(_))));
        assert!(matches!(write("insert into nowhere values (1)").await, Err(Error::Defect(_))));
        assert!(matches!(write("kill query connection_id()").await, Err(Error::Busy(_))));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_away_within_a_second() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let silent = listener.local_addr().unwrap().port();
        let account = Account { user: "anaquel_reader".into(), password: Some(Secret::new("hush")) };
        let accounts = BTreeMap::from([(DatabaseRole::Reader, account)]);
        let database = with_config(DatabaseConfig { auth: DatabaseAuth::Password, accounts, ..config(silent) });
        let began = Instant::now();
        assert!(matches!(database.warm_up().await, Err(Error::Away(_))));
        assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
    }

    fn config(port: u16) -> DatabaseConfig {
        let account = Account { user: "anaquel_reader".into(), password: None };
        DatabaseConfig {
            host: "127.0.0.1".into(),
            port,
            name: "anaquel".into(),
            auth: DatabaseAuth::Iam,
            accounts: BTreeMap::from([(DatabaseRole::Reader, account)]),
            admin_secret: None,
        }
    }

    #[test]
    fn the_cleartext_login_always_goes_with_verified_tls() {
        let config = config(3306);
        let (_, account) = config.login().unwrap();
        let options = iam_options(&config, account, &Secret::new("token"), "eu-west-1").unwrap();
        assert!(matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity));
    }

    #[test]
    fn a_password_goes_over_verified_tls_unless_it_stays_on_this_machine() {
        let mode = |host: &str| {
            let config = DatabaseConfig { host: host.into(), ..config(3306) };
            let (_, account) = config.login().unwrap();
            password_options(&config, account, &Secret::new("hush")).get_ssl_mode()
        };
        assert!(matches!(mode("127.0.0.1"), MySqlSslMode::Preferred));
        assert!(matches!(mode("db.example.org"), MySqlSslMode::VerifyIdentity));
        assert!(matches!(mode("10.0.0.7"), MySqlSslMode::VerifyIdentity));
    }

    /// A server that has no TLS and asks for the password in clear.
    #[tokio::test]
    async fn a_token_is_never_sent_to_a_server_without_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            socket.write_all(&greeting_without_tls()).await.unwrap();
            let mut received = Vec::new();
            let _ = timeout(Duration::from_secs(2), socket.read_to_end(&mut received)).await;
            received
        });

        let config = config(port);
        let (_, account) = config.login().unwrap();
        let options = iam_options(&config, account, &Secret::new("the-token"), "eu-west-1").unwrap();
        let error = options.connect().await.unwrap_err();

        assert!(error.to_string().contains("TLS"), "{error}");
        assert_eq!(server.await.unwrap(), b"", "nothing may be sent before TLS stands");
    }

    /// A MySQL protocol 10 greeting: <https://mariadb.com/kb/en/connection/#initial-handshake-packet>.
    fn greeting_without_tls() -> Vec<u8> {
        const PROTOCOL_41: u32 = 0x0000_0200;
        const SECURE_CONNECTION: u32 = 0x0000_8000;
        const PLUGIN_AUTH: u32 = 0x0008_0000;
        const CONNECT_WITH_DB: u32 = 0x0000_0008;
        let capabilities = (PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | CONNECT_WITH_DB).to_le_bytes();
        let mut body = vec![10];
        body.extend(b"11.8.0-MariaDB\0");
        body.extend(1_u32.to_le_bytes());
        body.extend(b"abcdefgh\0");
        body.extend(&capabilities[..2]);
        body.push(45);
        body.extend([2, 0]);
        body.extend(&capabilities[2..]);
        body.push(21);
        body.extend([0; 10]);
        body.extend(b"ijklmnopqrst\0");
        body.extend(b"mysql_clear_password\0");
        let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes()[..3].to_vec();
        packet.push(0);
        packet.extend(body);
        packet
    }

    #[tokio::test]
    async fn a_token_names_host_port_and_user_and_lasts_fifteen_minutes() {
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("eu-west-1"))
            .credentials_provider(aws_credential_types::Credentials::for_tests())
            .load()
            .await;
        let config = config(3306);
        let token = sign(&sdk, &config, config.login().unwrap().1).await.unwrap();
        assert!(
            token.reveal().starts_with("127.0.0.1:3306/?Action=connect&DBUser=anaquel_reader"),
            "{}",
            token.reveal()
        );
        assert!(token.reveal().contains("X-Amz-Expires=900") && token.reveal().contains("eu-west-1%2Frds-db"));
    }

    #[test]
    fn a_region_has_its_own_certificate_and_an_error_names_an_unknown_one() {
        for region in ["us-east-1", "eu-west-1", "sa-east-1"] {
            let pem = root_certificate(region).unwrap();
            assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 1, "{region}");
            assert_eq!(pem.matches("END CERTIFICATE").count(), 1, "{region}");
        }
        assert!(root_certificate("moon-1").unwrap_err().to_string().contains("moon-1"));
    }
    #[test]
    fn what_the_server_quotes_of_a_value_is_neither_logged_nor_stored() {
        for (text, expected) in [
            ("Duplicate entry 'ana@example.org' for key 'orders_id'", "Duplicate entry '…' for key 'orders_id'"),
            ("Duplicate entry 'O'Hara' for 'x' for key 'PRIMARY'", "Duplicate entry '…' for key 'PRIMARY'"),
            (
                "Incorrect string value: '\\xF0\\x9F' for column `anaquel`.`orders`.`note` at row 1",
                "Incorrect string value: '…' for column `anaquel`.`orders`.`note` at row 1",
            ),
            ("Truncated incorrect DOUBLE value: 'Calle Mayor 1'", "Truncated incorrect DOUBLE value: '…'"),
            ("You have an error near 'it's' and 'b' at line 1", "You have an error near '…' at line 1"),
            ("an unfinished 'quotation", "an unfinished '…'"),
            ("Deadlock found when trying to get lock", "Deadlock found when trying to get lock"),
        ] {
            assert_eq!(without_value(text), expected);
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrations = false)]
    async fn an_error_of_the_server_says_its_code_and_its_column_and_no_value(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::raw_sql(
            "create table people (id int primary key, name varchar(20) character set ascii not null, born date)",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        sqlx::raw_sql("insert into people values (1, 'ana', null)").execute(&mut *connection).await.unwrap();
        for (statement, value, code, is_duplicate) in [
            ("insert into people values (?, 'eva', null)", "1", 1062, true),
            ("insert into people values (2, ?, null)", "Begoña Ñáñez", 1366, false),
            ("insert into people values (2, ?, null)", "ana.maria.matute@example.org", 1406, false),
            ("insert into people values (2, 'eva', ?)", "ana@example.org", 1292, false),
        ] {
            let failed = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(value).execute(&mut *connection).await;
            let error = Error::from(failed.unwrap_err());
            assert_eq!(error.is_duplicate_key(), is_duplicate, "{statement}");
            let debugged = format!("{error:?}");
            let logged = format!("{debugged} {:#}", anyhow::Error::from(error));
            assert!(logged.contains(&code.to_string()), "{logged}");
            assert!(value.len() == 1 || !logged.contains(value), "{logged}");
        }
    }
}
