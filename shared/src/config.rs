//! Configuration from SSM Parameter Store: one `GetParameters` call for the names that the route table grants; two for
//! the function that creates all database users.
//!
//! The names are in the environment variable `ANAQUEL_PARAMETERS`, so that the route table alone decides what a
//! function may read. The values are cached for five minutes, and longer while SSM is unavailable.
//!
//! Parameter Store allows 40 calls per second and account, and many cold starts at once exceed that. Functions that
//! read no secret and write nothing therefore have the values of the last deploy in `ANAQUEL_FALLBACK`: if SSM does not
//! answer, they use these. All other functions retry until SSM answers.

use std::{
    collections::BTreeMap,
    env,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use aws_config::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_ssm::{error::ProvideErrorMetadata, operation::get_parameters::GetParametersOutput};
use futures_util::future::try_join_all;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    aws::explained,
    domain::SubmissionKey,
    parameters::{DatabaseRole, Parameter, Queue, path_of},
    secret::Secret,
    session::{Pool, PrivateKey, PublicKeys},
    sign_in::Provider,
};

/// The granted parameters, typed. A part that the route table does not grant is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    pub database: Option<DatabaseConfig>,
    /// URLs of the queues.
    pub queues: BTreeMap<Queue, String>,
    pub submission_key: Option<SubmissionKey>,
    /// The keys that verify sessions.
    pub session_keys: Option<PublicKeys>,
    /// The key that signs them.
    pub session_key: Option<PrivateKey>,
    /// The user pools at which somebody can sign in.
    pub sign_in: BTreeMap<Pool, Provider>,
    /// Name of the bucket of covers and sample chapters.
    pub files_bucket: Option<String>,
    /// Name of the bucket of catalogues.
    pub import_bucket: Option<String>,
    /// Name of the bucket of messages that were decided.
    pub archive_bucket: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseConfig {
    pub host: String,
    pub port: u16,
    /// The database (schema) in the server.
    pub name: String,
    pub auth: DatabaseAuth,
    /// The accounts that were granted; the function logs in with the most privileged one.
    pub accounts: BTreeMap<DatabaseRole, Account>,
    /// ARN of the secret with the master password, for the function that creates the other accounts on RDS.
    pub admin_secret: Option<String>,
    /// The read replicas, for functions whose reads may be some seconds old.
    pub replicas: Vec<Endpoint>,
}

/// A server's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

/// How a function logs in to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseAuth {
    /// A token signed with the function's role, over verified TLS.
    Iam,
    /// A password: the local stage, or a database that somebody already runs.
    Password,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    pub password: Option<Secret>,
}

impl Endpoint {
    /// Endpoints such as `one.example:3306,other.example:3306`.
    fn parse_all(text: &str) -> anyhow::Result<Vec<Self>> {
        let parse = |endpoint: &str| {
            let (host, port) = endpoint.rsplit_once(':')?;
            Some(Self { host: host.to_owned(), port: port.parse().ok()? }).filter(|_| !host.is_empty())
        };
        text.split(',')
            .map(|endpoint| parse(endpoint).with_context(|| format!("{endpoint:?} is no host with a port")))
            .collect()
    }
}

impl DatabaseConfig {
    /// The account this function logs in with.
    pub fn login(&self) -> anyhow::Result<(DatabaseRole, &Account)> {
        let (role, account) = self.accounts.last_key_value().context("no database user was granted")?;
        Ok((*role, account))
    }

    /// The same accounts at the primary.
    #[must_use]
    pub fn of_primary(self) -> Self {
        Self { replicas: Vec::new(), ..self }
    }

    /// The same accounts at a replica.
    #[must_use]
    pub fn of_replica(&self, replica: &Endpoint) -> Self {
        Self { host: replica.host.clone(), port: replica.port, replicas: Vec::new(), ..self.clone() }
    }

    /// Whether this is the function that sets up the database, which connects only when it is invoked.
    pub fn is_for_admin(&self) -> bool {
        self.accounts.contains_key(&DatabaseRole::Admin)
    }
}

/// The parameters of SSM, with a cache.
pub struct Settings {
    ssm: aws_sdk_ssm::Client,
    names: Vec<String>,
    fallback: Option<Arc<Config>>,
    cached: StdMutex<Option<Cached>>,
    /// Held while SSM is asked.
    reading: Mutex<()>,
}

struct Cached {
    config: Arc<Config>,
    read_at: Instant,
    /// Time until SSM is called again.
    keep: Duration,
}

/// Environment variable with the full names of the parameters, with commas between them.
pub const PARAMETERS: &str = "ANAQUEL_PARAMETERS";
/// How long a function uses the values that it has read.
pub const KEEP: Duration = Duration::from_mins(5);
/// Most names in one `GetParameters` call:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>.
pub const NAMES_PER_CALL: usize = 10;
/// Least time between two readings after a refused login.
const LEAST_AGE: Duration = Duration::from_secs(5);
/// Timeout of a call to SSM where there is a fallback. A first call takes some 100 ms, most of it for TLS.
const SSM_TIMEOUT: Duration = Duration::from_millis(500);
/// Time for all calls while older values serve: a request that waits for them times out soon after, and with it the note that
/// SSM does not answer.
const RENEWED_WITHIN: Duration = Duration::from_secs(1);
/// A throttled cold start begins no call after this. Lambda allows the init phase 10 seconds, which include the last
/// call and the start of the process.
const START_RETRIES_FOR: Duration = Duration::from_secs(7);
/// The longest pause between two of these calls, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_millis(1_500);

impl Settings {
    /// Names the parameters of `ANAQUEL_PARAMETERS`; reads nothing yet.
    pub fn from_env(sdk: &aws_config::SdkConfig) -> anyhow::Result<Self> {
        let names = env::var(PARAMETERS).context(
            "ANAQUEL_PARAMETERS is not set, so the function was not deployed by `bookstore`: deploy its stage",
        )?;
        Self::new(sdk, &names, env::var("ANAQUEL_FALLBACK").ok().as_deref())
    }

    /// `names` are full names, with commas between them; `fallback` is a JSON object of values by short name
    /// (`database/host`).
    pub(crate) fn new(sdk: &aws_config::SdkConfig, names: &str, fallback: Option<&str>) -> anyhow::Result<Self> {
        let names: Vec<String> = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let fallback = fallback.map(|values| read_fallback(&names, values)).transpose().context("ANAQUEL_FALLBACK")?;
        // `at_start` retries.
        let mut ssm = aws_sdk_ssm::config::Builder::from(sdk).retry_config(RetryConfig::disabled());
        if fallback.is_some() {
            ssm = ssm.timeout_config(TimeoutConfig::builder().operation_timeout(SSM_TIMEOUT).build());
        }
        let ssm = aws_sdk_ssm::Client::from_conf(ssm.build());
        Ok(Self {
            ssm,
            names,
            fallback: fallback.map(Arc::new),
            cached: StdMutex::default(),
            reading: Mutex::default(),
        })
    }

    /// A fixed configuration, for tests.
    #[cfg(test)]
    pub fn fixed(config: Config) -> Self {
        let sdk = aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let cached = Cached { config: Arc::new(config), read_at: Instant::now(), keep: KEEP };
        let cached = StdMutex::new(Some(cached));
        let (ssm, reading) = (aws_sdk_ssm::Client::new(&sdk), Mutex::default());
        Self { ssm, names: Vec::new(), fallback: None, cached, reading }
    }

    #[cfg(test)]
    pub fn has_read(&self) -> bool {
        self.cached().is_some()
    }

    /// The configuration at a cold start. Each call of SSM may take `limit`. Without a fallback, a throttled call is
    /// retried for up to [`START_RETRIES_FOR`], because a late answer is better than none.
    pub async fn at_start(&self, limit: Duration) -> anyhow::Result<Arc<Config>> {
        let began = Instant::now();
        let mut pause = Duration::from_millis(200);
        loop {
            let error = match timeout(limit, self.current()).await.context("SSM did not answer in time")? {
                Err(error) if error.is::<Throttled>() => error,
                result => return result,
            };
            let part = pause.mul_f64(rand::random());
            if began.elapsed() + part > START_RETRIES_FOR {
                return Err(error);
            }
            tokio::time::sleep(part).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The configuration, at most five minutes old, or older while SSM is unavailable.
    pub async fn current(&self) -> anyhow::Result<Arc<Config>> {
        self.no_older_than(KEEP).await
    }

    /// The configuration, read again because the database refused the login.
    pub async fn refreshed(&self) -> anyhow::Result<Arc<Config>> {
        self.no_older_than(LEAST_AGE).await
    }

    async fn no_older_than(&self, age: Duration) -> anyhow::Result<Arc<Config>> {
        if let Some(config) = self.kept(age) {
            return Ok(config);
        }
        let known = || self.cached().as_ref().map(|cached| cached.config.clone());
        let _reading = match (self.reading.try_lock(), known()) {
            (Ok(reading), _) => reading,
            // While another request reads the values again, the known ones serve, unless the database has refused them.
            (Err(_), Some(known)) if age == KEEP => return Ok(known),
            (Err(_), _) => self.reading.lock().await,
        };
        if let Some(config) = self.kept(age) {
            return Ok(config);
        }
        let reading = async {
            if known().is_none() {
                return self.read().await;
            }
            let silent = || format!("SSM did not answer within {} ms", RENEWED_WITHIN.as_millis());
            timeout(RENEWED_WITHIN, self.read()).await.with_context(silent)?
        };
        let (config, keep) = match reading.await {
            Ok(config) => {
                tracing::info!(source = "SSM", "Parameters read");
                (Arc::new(config), KEEP)
            }
            Err(error) => {
                let (config, source) = match (known(), &self.fallback) {
                    (Some(known), _) => (known, "the cache"),
                    (None, Some(fallback)) => (fallback.clone(), "the fallback in the environment"),
                    (None, None) => return Err(error),
                };
                tracing::warn!(source, error = format!("{error:#}"), "SSM unavailable: using other values");
                // With jitter: environments that started together must not call together again.
                (config, Duration::from_secs(30).mul_f64(1.0 + rand::random::<f64>()))
            }
        };
        *self.cached() = Some(Cached { config: config.clone(), read_at: Instant::now(), keep });
        Ok(config)
    }

    /// What was read, unless it is older than this or SSM is due to be asked again.
    fn kept(&self, age: Duration) -> Option<Arc<Config>> {
        let cached = self.cached();
        let cached = cached.as_ref().filter(|cached| cached.read_at.elapsed() < age.min(cached.keep))?;
        Some(cached.config.clone())
    }

    fn cached(&self) -> MutexGuard<'_, Option<Cached>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> anyhow::Result<Config> {
        if self.names.is_empty() {
            return Ok(Config::default());
        }
        let answers = try_join_all(self.names.chunks(NAMES_PER_CALL).map(|names| self.ask(names))).await?;
        let read = answers.iter().flat_map(GetParametersOutput::parameters);
        let values = read.filter_map(|p| Some((p.name()?.to_owned(), p.value()?.to_owned()))).collect();
        parse(&self.names, &values)
    }

    async fn ask(&self, names: &[String]) -> anyhow::Result<GetParametersOutput> {
        let ask = self.ssm.get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
        ask.send().await.map_err(|error| {
            let throttled = error.code().is_some_and(|code| code.starts_with("Throttl"));
            let explained = explained(error).context("reading the parameters from SSM");
            if throttled { explained.context(Throttled) } else { explained }
        })
    }
}

/// Marks an error that a retry may not meet.
#[derive(Debug, thiserror::Error)]
#[error("SSM throttles this account's calls")]
struct Throttled;

/// The fallback must have a value for every parameter.
fn read_fallback(names: &[String], values: &str) -> anyhow::Result<Config> {
    let values: BTreeMap<String, String> = serde_json::from_str(values).context("must be a JSON object of strings")?;
    let by_full_name = names.iter().filter_map(|name| Some((name.clone(), values.get(path_of(name))?.clone())));
    parse(names, &by_full_name.collect())
}

/// A deploy that removes the replicas also removes their parameter, before it moves the aliases of versions that name it.
fn is_optional(name: &str) -> bool {
    path_of(name) == Parameter::DatabaseReplicas.path()
}

/// Parses the values. Reports all missing parameters together, by full name.
fn parse(names: &[String], values: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let is_missing = |name: &&String| !values.contains_key(*name) && !is_optional(name);
    let missing: Vec<&str> = names.iter().filter(is_missing).map(String::as_str).collect();
    if !missing.is_empty() {
        bail!("SSM has no parameter {}: deploy the stage again", missing.join(", "));
    }
    let found = names.iter().filter_map(|name| Some((path_of(name), values.get(name)?.as_str())));
    let by_path: BTreeMap<&str, &str> = found.collect();
    let get = |parameter: Parameter| by_path.get(parameter.path()).map(|value| (*value).to_owned());

    let submission_key = match get(Parameter::SubmissionKey) {
        None => None,
        Some(text) => {
            Some(SubmissionKey::parse(&text).context("the parameter submission-key must be 32 bytes in base64")?)
        }
    };
    let mut sign_in = BTreeMap::new();
    for pool in Pool::ALL {
        let parameter = Parameter::SignIn(pool);
        if let Some(text) = get(parameter) {
            let provider = Provider::parse(&text).with_context(|| format!("the parameter {parameter}"))?;
            sign_in.insert(pool, provider);
        }
    }
    let session_keys = get(Parameter::SessionPublicKeys).map(|text| {
        PublicKeys::parse(&text).context(
            "the parameter session/public-keys must be one or two keys of 32 bytes in base64 for URLs, with a comma between \
             them",
        )
    });
    let session_key = get(Parameter::SessionPrivateKey)
        .map(|text| PrivateKey::parse(&text).context("the parameter session/private-key must be 32 bytes in base64"));
    Ok(Config {
        session_keys: session_keys.transpose()?,
        session_key: session_key.transpose()?,
        sign_in,
        database: database(&get)?,
        queues: Queue::ALL.into_iter().filter_map(|queue| Some((queue, get(Parameter::Queue(queue))?))).collect(),
        submission_key,
        files_bucket: get(Parameter::FilesBucket),
        import_bucket: get(Parameter::ImportBucket),
        archive_bucket: get(Parameter::ArchiveBucket),
    })
}

fn database(get: &impl Fn(Parameter) -> Option<String>) -> anyhow::Result<Option<DatabaseConfig>> {
    let Some(host) = get(Parameter::DatabaseHost) else {
        return Ok(None);
    };
    let wanted = |parameter| get(parameter).with_context(|| format!("the parameter {parameter} was not granted"));
    let auth = match wanted(Parameter::DatabaseAuth)?.as_str() {
        "iam" => DatabaseAuth::Iam,
        "password" => DatabaseAuth::Password,
        other => bail!("the parameter database/auth must be iam or password, not {other:?}"),
    };
    let mut accounts = BTreeMap::new();
    for role in DatabaseRole::ALL {
        if let Some(user) = get(Parameter::DatabaseUser(role)) {
            let password = get(Parameter::DatabasePassword(role)).map(Secret::new);
            accounts.insert(role, Account { user, password });
        }
    }
    let replicas = get(Parameter::DatabaseReplicas).map(|text| Endpoint::parse_all(&text));
    Ok(Some(DatabaseConfig {
        replicas: replicas.transpose().context("the parameter database/replicas")?.unwrap_or_default(),
        host,
        port: wanted(Parameter::DatabasePort)?.parse().context("the parameter database/port must be a number")?,
        name: wanted(Parameter::DatabaseName)?,
        auth,
        accounts,
        admin_secret: get(Parameter::MasterSecret),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| (format!("/anaquel/dev/{name}"), (*value).to_owned())).collect()
    }

    const READER: &[(&str, &str)] = &[
        ("database/host", "db.example"),
        ("database/port", "3306"),
        ("database/name", "anaquel"),
        ("database/auth", "password"),
        ("database/reader/user", "anaquel_reader"),
        ("database/reader/password", "hush"),
    ];

    #[test]
    fn granted_parameters_are_typed_and_others_are_none() {
        let values = values(READER);
        let config = parse(&values.keys().cloned().collect::<Vec<_>>(), &values).unwrap();
        let database = config.database.unwrap();
        assert_eq!((database.port, database.auth), (3306, DatabaseAuth::Password));
        assert_eq!(database.login().unwrap().1.user, "anaquel_reader");
        assert_eq!((config.queues.len(), config.submission_key.is_none()), (0, true));
    }

    #[test]
    fn replicas_are_hosts_with_ports_and_may_be_missing() {
        let mut values = values(READER);
        let mut names: Vec<String> = values.keys().cloned().collect();
        names.push("/anaquel/dev/database/replicas".to_owned());
        let mut replicas = |text: Option<&str>| {
            values.extend(text.map(|text| ("/anaquel/dev/database/replicas".to_owned(), text.to_owned())));
            parse(&names, &values).map(|config| config.database.unwrap().replicas)
        };
        assert_eq!(replicas(None).unwrap(), []);
        let endpoint = |host: &str, port| Endpoint { host: host.to_owned(), port };
        assert_eq!(
            replicas(Some("a.example:3306,127.0.0.1:3307")).unwrap(),
            [endpoint("a.example", 3306), endpoint("127.0.0.1", 3307)]
        );
        for wrong in ["", "a.example", ":3306", "a.example:x", "a.example:3306,"] {
            let error = format!("{:#}", replicas(Some(wrong)).unwrap_err());
            assert!(error.contains("database/replicas") && error.contains("no host with a port"), "{error}");
        }
    }

    /// A server that accepts and never answers.
    #[tokio::test]
    async fn while_ssm_is_silent_older_values_serve_and_it_is_asked_seldom() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sdk = aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::new("us-east-1"))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(
                aws_credential_types::Credentials::new("id", "secret", None, None, "test"),
            ))
            .endpoint_url(format!("http://{}", silent.local_addr().unwrap()))
            .http_client(crate::aws::https_client(crate::aws::Trust::Amazon))
            .build();
        let settings = Settings::new(&sdk, "/anaquel/dev/database/host", None).unwrap();
        let config = Arc::new(Config { files_bucket: Some("covers".to_owned()), ..Config::default() });
        *settings.cached() = Some(Cached { config: config.clone(), read_at: Instant::now(), keep: Duration::ZERO });
        assert_eq!(timeout(RENEWED_WITHIN * 2, settings.current()).await.expect("in time").unwrap(), config);
        let at_once = settings.current();
        assert_eq!(timeout(RENEWED_WITHIN / 2, at_once).await.expect("without another call").unwrap(), config);
    }

    #[test]
    fn all_missing_parameters_are_reported_together_by_full_name() {
        let names = ["/anaquel/dev/database/host", "/anaquel/dev/queue/parked"].map(str::to_owned);
        let error = parse(&names, &BTreeMap::new()).unwrap_err().to_string();
        assert!(error.contains("/anaquel/dev/database/host, /anaquel/dev/queue/parked"), "{error}");
    }

    #[test]
    fn a_bad_value_is_named() {
        let mut bad = values(READER);
        bad.insert("/anaquel/dev/database/port".into(), "none".into());
        let names: Vec<String> = bad.keys().cloned().collect();
        assert!(format!("{:#}", parse(&names, &bad).unwrap_err()).contains("database/port must be a number"));
    }

    #[test]
    fn a_password_is_not_printed() {
        let values = values(READER);
        let config = parse(&values.keys().cloned().collect::<Vec<_>>(), &values).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}
