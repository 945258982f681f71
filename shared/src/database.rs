//! The way to MariaDB: one connection a function, checked before use, every wait bounded.
//!
//! A connection outlives the invocation that opened it, but not the freeze of its Lambda for sure: it is pinged before
//! use. A refused login makes the parameters be read again once, so a rotated password or a moved host is found
//! without a deploy.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use aws_config::SdkConfig;
use aws_sdk_rds::auth_token::{AuthTokenGenerator, Config as TokenConfig};
use sqlx::{
    Acquire, MySqlConnection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
    pool::PoolConnection,
};
use tokio::{sync::Mutex, time::timeout};

use crate::{
    config::{Account, Auth, DatabaseConfig, Settings},
    secret::Secret,
};

/// Why a database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not answer, or not in time; the same may succeed later.
    #[error("the database is unavailable")]
    Unavailable(#[source] anyhow::Error),
    /// It answered, and will answer the same again.
    #[error("the database refused a statement")]
    Refused(#[source] sqlx::Error),
}

pub type Result<T> = std::result::Result<T, Error>;

/// How long to wait for a connection, ping and login included.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(1);
/// How long one piece of work may take. The server stops a statement a little earlier (`max_statement_time`).
const QUERY_WITHIN: Duration = Duration::from_millis(1_200);
/// A token is good for 15 minutes; a new one is signed before it is this old.
const TOKEN_FRESH_FOR: Duration = Duration::from_mins(10);

pub struct Database {
    settings: Arc<Settings>,
    sdk: SdkConfig,
    opened: Mutex<Option<Opened>>,
}

/// A pool of one, and what it was opened with.
struct Opened {
    pool: MySqlPool,
    config: DatabaseConfig,
    signed_at: Instant,
}

impl Database {
    pub fn new(settings: Arc<Settings>, sdk: SdkConfig) -> Self {
        Self {
            settings,
            sdk,
            opened: Mutex::new(None),
        }
    }

    /// Opens the connection ahead of the first request.
    pub async fn warm_up(&self) -> Result<()> {
        self.connection().await.map(drop)
    }

    /// Runs a read; on a lost connection once more, on a new one.
    pub async fn read<T>(&self, query: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        match self.attempt(&query, QUERY_WITHIN).await {
            Err(Attempt::Lost(error)) => {
                tracing::warn!(error = %error, "Connection lost: the read is tried once more");
                self.attempt(&query, QUERY_WITHIN).await.map_err(Error::from)
            }
            other => other.map_err(Error::from),
        }
    }

    /// Runs a change in one transaction: all of it, or nothing.
    pub async fn write<T>(&self, change: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        self.write_within(QUERY_WITHIN, change).await
    }

    /// The same for changes that take their time.
    pub async fn write_within<T>(
        &self,
        patience: Duration,
        change: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let in_transaction = async |connection: &mut MySqlConnection| {
            let mut transaction = connection.begin().await?;
            let done = change(&mut transaction).await?;
            transaction.commit().await?;
            Ok(done)
        };
        Ok(self.attempt(&in_transaction, patience).await?)
    }

    async fn attempt<T>(
        &self,
        work: &impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
        patience: Duration,
    ) -> std::result::Result<T, Attempt> {
        let mut connection = self.connection().await?;
        let outcome = timeout(patience, work(&mut connection)).await;
        match outcome {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) if is_lost(&error) => {
                drop(connection.detach());
                Err(Attempt::Lost(error))
            }
            Ok(Err(error)) => Err(Attempt::Failed(error.into())),
            Err(_elapsed) => {
                // A statement may still be running on it.
                drop(connection.detach());
                let cause = anyhow::anyhow!("no answer within {} ms", patience.as_millis());
                Err(Attempt::Failed(Error::Unavailable(cause)))
            }
        }
    }

    async fn connection(&self) -> Result<PoolConnection<sqlx::MySql>> {
        let config = self.settings.current().await.map_err(Error::Unavailable)?;
        let first = match self.connect(config.database.as_ref()).await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        // The password may have been rotated, or the host moved.
        let refreshed = self.settings.refreshed().await.map_err(Error::Unavailable)?;
        if refreshed.database == config.database {
            return Err(first);
        }
        tracing::info!("The database's parameters have changed: logging in with the new ones");
        self.connect(refreshed.database.as_ref()).await
    }

    async fn connect(&self, config: Option<&DatabaseConfig>) -> Result<PoolConnection<sqlx::MySql>> {
        let granted = config.context("the route table grants this function no database");
        let config = granted.map_err(Error::Unavailable)?;
        let pool = self.pool(config).await.map_err(Error::Unavailable)?;
        timeout(ACQUIRE_WITHIN, pool.acquire())
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .with_context(|| format!("connecting to {}:{}", config.host, config.port))
            .map_err(Error::Unavailable)
    }

    /// The pool for this configuration, with a token that is still fresh.
    async fn pool(&self, config: &DatabaseConfig) -> anyhow::Result<MySqlPool> {
        let mut opened = self.opened.lock().await;
        if let Some(same) = opened.as_mut().filter(|opened| opened.config == *config) {
            if config.auth == Auth::Iam && same.signed_at.elapsed() > TOKEN_FRESH_FOR {
                same.pool.set_connect_options(self.options(config).await?);
                same.signed_at = Instant::now();
            }
            return Ok(same.pool.clone());
        }
        let pool = MySqlPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_WITHIN)
            .test_before_acquire(true)
            .connect_lazy_with(self.options(config).await?);
        *opened = Some(Opened {
            pool: pool.clone(),
            config: config.clone(),
            signed_at: Instant::now(),
        });
        Ok(pool)
    }

    async fn options(&self, config: &DatabaseConfig) -> anyhow::Result<MySqlConnectOptions> {
        let (_, account) = config.login()?;
        match config.auth {
            Auth::Password => {
                let password = account
                    .password
                    .as_ref()
                    .context("the password of the database user was not granted")?;
                Ok(password_options(config, account, password))
            }
            Auth::Iam => {
                let token = sign(&self.sdk, config, account).await?;
                let region = self.sdk.region().context("AWS_REGION is not set")?;
                iam_options(config, account, &token, region.as_ref())
            }
        }
    }
}

/// A login with a password. TLS where the server offers it.
pub fn password_options(config: &DatabaseConfig, account: &Account, password: &Secret) -> MySqlConnectOptions {
    base_options(config, account)
        .password(password.reveal())
        .ssl_mode(MySqlSslMode::Preferred)
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
        .ssl_ca_from_pem(root_certificates(region)?.as_bytes().to_vec())
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
        .ssl_ca_from_pem(root_certificates(region)?.as_bytes().to_vec()))
}

fn base_options(config: &DatabaseConfig, account: &Account) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host(&config.host)
        .port(config.port)
        .database(&config.name)
        .username(&account.user)
}

/// Signs a login token locally; no call to AWS.
async fn sign(sdk: &SdkConfig, config: &DatabaseConfig, account: &Account) -> anyhow::Result<Secret> {
    let token = TokenConfig::builder()
        .hostname(&config.host)
        .port(u64::from(config.port))
        .username(&account.user);
    let token = token.build().map_err(|error| anyhow::anyhow!(error))?;
    let token = AuthTokenGenerator::new(token)
        .auth_token(sdk)
        .await
        .map_err(|error| anyhow::anyhow!(error))?;
    Ok(Secret::new(token.as_str()))
}

/// Amazon RDS's root certificates for a region.
fn root_certificates(region: &str) -> anyhow::Result<&'static str> {
    const ALL: &str = include_str!("../certificates/rds.pem");
    let start = ALL
        .find(&format!("# {region}\n"))
        .with_context(|| format!("no RDS root certificate for region {region} in shared/certificates/rds.pem"))?;
    let body = &ALL[start + 2..];
    Ok(&body[..body.find("\n# ").unwrap_or(body.len())])
}

/// How one attempt failed.
enum Attempt {
    /// The connection broke under it.
    Lost(sqlx::Error),
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Attempt> for Error {
    fn from(attempt: Attempt) -> Self {
        match attempt {
            Attempt::Lost(error) => Self::Unavailable(anyhow::Error::new(error).context("the connection was lost")),
            Attempt::Failed(error) => error,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_passing(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Refused(error)
        }
    }
}

fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => true,
        // 1053 server shutdown, 1927 connection killed.
        _ => matches!(server_code(error), Some(1053 | 1927)),
    }
}

/// Whether the same statement may succeed later.
fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Tls(_) => true,
        // Too many connections (of the server, of the user), logins refused, lock wait and deadlock, statement killed
        // or out of time, disk full, read-only during a failover.
        _ => {
            is_lost(error)
                || matches!(
                    server_code(error),
                    Some(
                        1040 | 1203 | 1226 | 1044 | 1045 | 1698 | 1205 | 1213 | 1317 | 1969 | 1021 | 1114 | 1290 | 1836
                    )
                )
        }
    }
}

fn server_code(error: &sqlx::Error) -> Option<u16> {
    let database = error.as_database_error()?;
    Some(database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?.number())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::ConnectOptions;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::config::Role;

    fn config(port: u16) -> DatabaseConfig {
        let account = Account {
            user: "anaquel_reader".into(),
            password: None,
        };
        DatabaseConfig {
            host: "127.0.0.1".into(),
            port,
            name: "anaquel".into(),
            auth: Auth::Iam,
            accounts: BTreeMap::from([(Role::Reader, account)]),
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
            token
                .reveal()
                .starts_with("127.0.0.1:3306/?Action=connect&DBUser=anaquel_reader"),
            "{}",
            token.reveal()
        );
        assert!(token.reveal().contains("X-Amz-Expires=900") && token.reveal().contains("eu-west-1%2Frds-db"));
    }

    #[test]
    fn a_region_has_its_own_certificates_and_an_unknown_one_is_named() {
        for region in ["us-east-1", "eu-west-1", "sa-east-1"] {
            let pem = root_certificates(region).unwrap();
            assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 3, "{region}");
            assert_eq!(pem.matches("END CERTIFICATE").count(), 3, "{region}");
        }
        assert!(root_certificates("moon-1").unwrap_err().to_string().contains("moon-1"));
    }
}
