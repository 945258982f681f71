//! Configuration from SSM Parameter Store: one `GetParameters` call for the names that the route table granted.
//!
//! The names come in the environment variable `ANAQUEL_PARAMETERS`, so that the table stays the only place that
//! decides what a function may read. The answer is kept for five minutes, and longer while SSM is away.

use std::{
    collections::BTreeMap,
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use tokio::sync::Mutex;

use crate::{aws::explained, domain::SubmissionKey, secret::Secret};

/// What a function was granted, typed. A part that the table did not grant is none.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    pub database: Option<DatabaseConfig>,
    /// URL of the queue that takes submissions.
    pub submissions_queue: Option<String>,
    /// URL of the queue where rests what can never succeed.
    pub parked_queue: Option<String>,
    pub submission_key: Option<SubmissionKey>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseConfig {
    pub host: String,
    pub port: u16,
    /// The database (schema) in the server.
    pub name: String,
    pub auth: Auth,
    /// The accounts that this function knows; it logs in as the mightiest of them.
    pub accounts: BTreeMap<Role, Account>,
    /// ARN of the secret with the master password, for who creates the other accounts on RDS.
    pub admin_secret: Option<String>,
}

/// How to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// A token signed with the function's role, over verified TLS.
    Iam,
    /// A password: the local stage, or a database that somebody already runs.
    Password,
}

/// Database users, by what they may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Reader,
    Writer,
    Admin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    pub user: String,
    pub password: Option<Secret>,
}

impl DatabaseConfig {
    /// The account this function logs in with.
    pub fn login(&self) -> anyhow::Result<(Role, &Account)> {
        let (role, account) = self.accounts.last_key_value().context("no database user was granted")?;
        Ok((*role, account))
    }

    /// Whether this is the function that sets the database up, and logs in only when it is asked to.
    pub fn is_for_admin(&self) -> bool {
        self.accounts.contains_key(&Role::Admin)
    }
}

/// The parameters as SSM keeps them, read at most every five minutes.
pub struct Settings {
    ssm: aws_sdk_ssm::Client,
    names: Vec<String>,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    config: Arc<Config>,
    read_at: Instant,
}

const KEEP: Duration = Duration::from_mins(5);
/// A refused login asks for a new reading at most this often.
const NOT_MORE_OFTEN_THAN: Duration = Duration::from_secs(5);

impl Settings {
    /// Names the parameters of `ANAQUEL_PARAMETERS`; reads nothing yet.
    pub fn from_env(sdk: &aws_config::SdkConfig) -> anyhow::Result<Self> {
        let names = env::var("ANAQUEL_PARAMETERS")
            .context("ANAQUEL_PARAMETERS is not set: deploy this function with `cargo bookstore deploy`")?;
        let names = names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(Self { ssm: aws_sdk_ssm::Client::new(sdk), names, cached: Mutex::new(None) })
    }

    /// What never changes, for tests.
    #[cfg(test)]
    pub fn fixed(config: Config) -> Self {
        let sdk = aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
        let cached = Cached { config: Arc::new(config), read_at: Instant::now() };
        Self { ssm: aws_sdk_ssm::Client::new(&sdk), names: Vec::new(), cached: Mutex::new(Some(cached)) }
    }

    /// The configuration, at most five minutes old; older while SSM does not answer.
    pub async fn current(&self) -> anyhow::Result<Arc<Config>> {
        self.no_older_than(KEEP).await
    }

    /// The configuration read anew: the database refused what the last one said.
    pub async fn refreshed(&self) -> anyhow::Result<Arc<Config>> {
        self.no_older_than(NOT_MORE_OFTEN_THAN).await
    }

    async fn no_older_than(&self, age: Duration) -> anyhow::Result<Arc<Config>> {
        let mut cached = self.cached.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.read_at.elapsed() < age) {
            return Ok(cached.config.clone());
        }
        match self.read().await {
            Ok(config) => {
                let config = Arc::new(config);
                *cached = Some(Cached { config: config.clone(), read_at: Instant::now() });
                Ok(config)
            }
            Err(error) => match cached.as_mut() {
                Some(cached) => {
                    tracing::warn!(error = format!("{error:#}"), "Parameters not read: the last ones serve on");
                    cached.read_at = Instant::now();
                    Ok(cached.config.clone())
                }
                None => Err(error),
            },
        }
    }

    async fn read(&self) -> anyhow::Result<Config> {
        if self.names.is_empty() {
            return Ok(Config::default());
        }
        let answer = self
            .ssm
            .get_parameters()
            .set_names(Some(self.names.clone()))
            .with_decryption(true)
            .send()
            .await
            .map_err(explained)
            .context("reading the parameters from SSM")?;
        let values = answer.parameters().iter().filter_map(|p| Some((p.name()?.to_owned(), p.value()?.to_owned())));
        parse(&self.names, &values.collect())
    }
}

/// Types the values; all that is missing is reported together, by full name.
fn parse(names: &[String], values: &BTreeMap<String, String>) -> anyhow::Result<Config> {
    let missing: Vec<&str> = names.iter().filter(|name| !values.contains_key(*name)).map(String::as_str).collect();
    if !missing.is_empty() {
        bail!("SSM has no parameter {}: run `cargo bookstore deploy` for this stage", missing.join(", "));
    }
    // `/anaquel/<stage>/database/host` is `database/host` here.
    let short = |name: &str| name.splitn(4, '/').nth(3).unwrap_or(name).to_owned();
    let by_name: BTreeMap<String, &str> = names.iter().map(|name| (short(name), values[name].as_str())).collect();
    let get = |name: &str| by_name.get(name).map(|value| (*value).to_owned());

    let submission_key = match get("submission-key") {
        None => None,
        Some(text) => {
            Some(SubmissionKey::parse(&text).context("the parameter submission-key must be 32 bytes in base64")?)
        }
    };
    Ok(Config {
        database: database(&get)?,
        submissions_queue: get("queue/submissions"),
        parked_queue: get("queue/parked"),
        submission_key,
    })
}

fn database(get: &impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<DatabaseConfig>> {
    let Some(host) = get("database/host") else {
        return Ok(None);
    };
    let wanted = |name: &str| get(name).with_context(|| format!("the parameter {name} was not granted"));
    let auth = match wanted("database/auth")?.as_str() {
        "iam" => Auth::Iam,
        "password" => Auth::Password,
        other => bail!("the parameter database/auth must be iam or password, not {other:?}"),
    };
    let mut accounts = BTreeMap::new();
    for (role, name) in [(Role::Reader, "reader"), (Role::Writer, "writer"), (Role::Admin, "admin")] {
        if let Some(user) = get(&format!("database/{name}/user")) {
            let password = get(&format!("database/{name}/password")).map(Secret::new);
            accounts.insert(role, Account { user, password });
        }
    }
    Ok(Some(DatabaseConfig {
        host,
        port: wanted("database/port")?.parse().context("the parameter database/port must be a number")?,
        name: wanted("database/name")?,
        auth,
        accounts,
        admin_secret: get("database/admin/secret"),
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
    fn what_was_granted_is_typed_and_the_rest_is_none() {
        let values = values(READER);
        let config = parse(&values.keys().cloned().collect::<Vec<_>>(), &values).unwrap();
        let database = config.database.unwrap();
        assert_eq!((database.port, database.auth), (3306, Auth::Password));
        assert_eq!(database.login().unwrap().1.user, "anaquel_reader");
        assert_eq!((config.submissions_queue, config.submission_key.is_none()), (None, true));
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
