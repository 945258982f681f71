//! The resources of a function: parameters, database, queues. Built once for each execution environment, and lent to
//! each invocation.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};
use aws_config::SdkConfig;
use time::OffsetDateTime;
use tokio::time::timeout;

use crate::{
    aws::ARCHIVE_ATTEMPT,
    config::{Config, Settings},
    database::{Connections, Database, Login},
    domain::{Currency, SubmissionKey},
    error::{ApiError, Result},
    http::Request,
    https::HttpsClient,
    parameters::Queue,
    queue::{OrderQueue, QueueClient},
    session::{Pool, PublicKeys, Session, StaffSession},
    sign_in::SIGN_IN,
};

pub struct App {
    shared: Arc<Shared>,
    database: Arc<Database>,
}

/// State that the functions of one process share.
struct Shared {
    sdk: SdkConfig,
    settings: Arc<Settings>,
    currency: Currency,
    stage: String,
    /// The id of the shop's HTTP API; empty without one.
    gateway: String,
    /// Made when it is needed first, because most functions send nothing; each new client would parse all root certificates
    /// again.
    sqs: OnceLock<aws_sdk_sqs::Client>,
    archive: OnceLock<HttpsClient>,
}

/// The name of the stage.
pub const STAGE: &str = "ANAQUEL_STAGE";

/// The currency of all prices of the stage, by its code.
pub const CURRENCY: &str = "ANAQUEL_CURRENCY";

/// The id of the stage's HTTP API, whose authorizer verifies tokens.
pub const GATEWAY: &str = "ANAQUEL_API_GATEWAY";

/// Timeout of the warm-up for SSM and the database together, without calls that SSM throttles. After a failure the
/// first request tries both again.
pub const WARM_UP_TIMEOUT: Duration = Duration::from_secs(1);

impl Shared {
    fn new(sdk: SdkConfig, settings: Settings) -> Self {
        // A version that was shipped without a deploy has the environment of the version before.
        let currency = env::var(CURRENCY).ok().and_then(|code| Currency::parse(&code).ok()).unwrap_or(Currency::EUR);
        let (settings, stage) = (Arc::new(settings), env::var(STAGE).unwrap_or_default());
        let gateway = env::var(GATEWAY).unwrap_or_default();
        Self { sdk, settings, currency, stage, gateway, sqs: OnceLock::new(), archive: OnceLock::new() }
    }
}

impl App {
    pub async fn start() -> anyhow::Result<Self> {
        let sdk = crate::aws::sdk_config();
        let settings = Settings::from_env(&sdk)?;
        let app = Self::new(sdk, settings);
        app.warm_up(WARM_UP_TIMEOUT).await;
        Ok(app)
    }

    /// For several functions in one process, in their order, each with its login: all together have at most `connections` open at
    /// once. Nothing is connected yet.
    ///
    /// # Errors
    /// The environment names no parameters.
    pub fn of_several(sdk: &SdkConfig, logins: &[Login], connections: usize) -> anyhow::Result<Vec<Self>> {
        let shared = Arc::new(Shared::new(sdk.clone(), Settings::from_env(sdk)?));
        let connections = Arc::new(Connections::at_most(connections.max(1)));
        let of = |login| Database::of(shared.settings.clone(), sdk.clone(), login, connections.clone());
        let distinct: BTreeSet<Login> = logins.iter().copied().collect();
        let of: BTreeMap<Login, Arc<Database>> =
            distinct.into_iter().map(|login| (login, Arc::new(of(login)))).collect();
        let app = |login| Self { shared: shared.clone(), database: of[login].clone() };
        Ok(logins.iter().map(app).collect())
    }

    fn new(sdk: SdkConfig, settings: Settings) -> Self {
        let shared = Shared::new(sdk, settings);
        let database = Arc::new(Database::new(shared.settings.clone(), shared.sdk.clone()));
        Self { shared: Arc::new(shared), database }
    }

    /// Reads the parameters and opens the connection. A failure is not fatal, because the first request tries again.
    pub async fn warm_up(&self, limit: Duration) {
        if let Err(error) = self.connect(limit).await {
            tracing::warn!(error = format!("{error:#}"), "Warm-up failed");
        }
    }

    async fn connect(&self, limit: Duration) -> anyhow::Result<()> {
        let began = Instant::now();
        let config = self.shared.settings.at_start(limit).await?;
        if !config.queues.is_empty() {
            // Now, because the init phase has a whole processor.
            self.sqs();
        }
        match &config.database {
            Some(database) if !database.is_for_admin() => {
                // No time is left after throttled calls: the first request opens the connection.
                let Some(left) = limit.checked_sub(began.elapsed()) else { return Ok(()) };
                let opened = timeout(left, self.database.warm_up()).await;
                Ok(opened.context("the database did not answer in time")??)
            }
            _ => Ok(()),
        }
    }

    pub fn sdk(&self) -> &SdkConfig {
        &self.shared.sdk
    }

    /// The currency of all prices; euro where the environment names none.
    pub fn currency(&self) -> Currency {
        self.shared.currency
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    pub async fn config(&self) -> Result<Arc<Config>> {
        self.shared.settings.current().await.map_err(ApiError::Unavailable)
    }

    /// Reads the parameters again, unless that happened in the last seconds.
    pub async fn read_parameters(&self) -> anyhow::Result<()> {
        self.shared.settings.refreshed().await.map(drop)
    }

    /// The queue of submissions.
    pub async fn submissions(&self) -> Result<QueueClient> {
        self.queue(Queue::Submissions).await
    }

    /// The queue of orders.
    pub async fn orders(&self) -> Result<OrderQueue> {
        Ok(OrderQueue::new(self.queue(Queue::Orders).await?))
    }

    /// The client of a queue.
    pub async fn queue(&self, queue: Queue) -> Result<QueueClient> {
        let url = self.config().await?.queues.get(&queue).cloned();
        let url =
            url.with_context(|| format!("the route table grants this function no access to queue {}", queue.name()));
        Ok(QueueClient::new(self.sqs().clone(), url?))
    }

    fn sqs(&self) -> &aws_sdk_sqs::Client {
        self.shared.sqs.get_or_init(|| aws_sdk_sqs::Client::new(&self.shared.sdk))
    }

    pub async fn submission_key(&self) -> Result<SubmissionKey> {
        let key = self.config().await?.submission_key.clone();
        Ok(key.context("the route table grants this function no submission key")?)
    }

    /// The client that writes to the archive, with its open connections.
    pub(crate) fn archive_client(&self) -> &HttpsClient {
        self.shared.archive.get_or_init(|| HttpsClient::new(ARCHIVE_ATTEMPT))
    }

    /// The name of the stage.
    pub fn stage(&self) -> &str {
        &self.shared.stage
    }

    /// Whether API Gateway has verified a token of this request.
    pub fn has_verified_token(&self, request: &Request) -> bool {
        request.claims(&self.shared.gateway).is_some()
    }

    /// The session of somebody of this pool who has signed in with this browser, or whose token came through API Gateway. A
    /// function with the database also asks whether the customer has ended it (`repo::customers`). None on a stage where nobody can sign in.
    ///
    /// # Errors
    /// The parameters cannot be read, or the function is not granted the keys.
    pub async fn session(&self, request: &Request, pool: Pool) -> Result<Option<Session>> {
        if let Some(claims) = request.claims(&self.shared.gateway) {
            let session = Session::of_claims(claims, OffsetDateTime::now_utc());
            return Ok(session.filter(|session| session.pool == pool));
        }
        let cookie = match pool {
            Pool::Customers => Request::SESSION_COOKIE,
            Pool::Staff => Request::STAFF_SESSION_COOKIE,
        };
        let Some(cookie) = request.cookie(cookie) else { return Ok(None) };
        let keys = self.session_keys().await?;
        let session = keys.and_then(|keys| keys.session(&self.shared.stage, cookie, OffsetDateTime::now_utc()));
        Ok(session.filter(|session| session.pool == pool))
    }

    /// The session of somebody of the staff who has signed in with this browser, also if it is over. The caller asks the
    /// database whether it was ended before.
    ///
    /// # Errors
    /// The parameters cannot be read, or the function is not granted the keys.
    pub async fn staff_session(&self, request: &Request) -> Result<Option<StaffSession>> {
        let Some(cookie) = request.cookie(Request::STAFF_SESSION_COOKIE) else { return Ok(None) };
        let keys = self.session_keys().await?;
        Ok(keys.and_then(|keys| keys.staff_session(&self.shared.stage, cookie, OffsetDateTime::now_utc())))
    }

    /// The keys that verify sessions; none on a stage where nobody can sign in.
    async fn session_keys(&self) -> Result<Option<PublicKeys>> {
        let config = self.config().await?;
        if config.session_keys.is_none() && env::var(SIGN_IN).is_ok() {
            return Err(anyhow!("the route table grants this function no keys of sessions").into());
        }
        Ok(config.session_keys.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering::Relaxed},
        },
        thread,
    };

    use aws_config::Region;
    use aws_sdk_ssm::config::{Credentials, SharedCredentialsProvider};
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::{Value, json};

    use super::*;
    use crate::session::{PrivateKey, Subject};

    /// Calls of one account that Parameter Store answers in a second.
    /// <https://docs.aws.amazon.com/general/latest/gr/ssm.html>
    const A_SECOND: usize = 40;

    /// Parameter Store with its limit, on loopback. Every parameter's value is `1`, except those that must be something else.
    #[derive(Default)]
    struct Throttling {
        answered: Mutex<Vec<Instant>>,
        refused: AtomicUsize,
    }

    impl Throttling {
        fn start() -> (Arc<Self>, SocketAddr) {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let address = listener.local_addr().unwrap();
            let throttling = Arc::new(Self::default());
            let shared = throttling.clone();
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let shared = shared.clone();
                    thread::spawn(move || shared.serve(stream));
                }
            });
            (throttling, address)
        }

        fn admits(&self) -> bool {
            let now = Instant::now();
            let mut answered = self.answered.lock().unwrap();
            answered.retain(|at| now - *at < Duration::from_secs(1));
            let free = answered.len() < A_SECOND;
            if free {
                answered.push(now);
            } else {
                self.refused.fetch_add(1, Relaxed);
            }
            free
        }

        fn serve(&self, stream: TcpStream) -> Option<()> {
            let mut reader = BufReader::new(stream);
            loop {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if reader.read_line(&mut line).ok()? == 0 {
                        return None;
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().ok()?;
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).ok()?;
                let (status, answer) = if self.admits() {
                    ("200 OK", parameters(&serde_json::from_slice(&body).ok()?))
                } else {
                    ("400 Bad Request", json!({ "__type": "ThrottlingException", "message": "Rate exceeded" }))
                };
                let answer = answer.to_string();
                let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.1\r\n");
                write!(reader.get_mut(), "{head}Content-Length: {}\r\n\r\n{answer}", answer.len()).ok()?;
            }
        }
    }

    fn parameters(asked: &Value) -> Value {
        let value = |name: &str| match name {
            name if name.ends_with("/auth") => "password".to_owned(),
            name if name.ends_with("/submission-key") => format!("{}=", "A".repeat(43)),
            name if name.ends_with("/session/public-keys") => session_key(7).public().to_string(),
            _ => "1".to_owned(),
        };
        let names = asked["Names"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        json!({ "Parameters": names.map(|name| json!({ "Name": name, "Value": value(name) })).collect::<Vec<_>>() })
    }

    fn session_key(digit: u8) -> PrivateKey {
        PrivateKey::parse(&BASE64_STANDARD.encode([digit; 32])).unwrap()
    }

    fn sdk(address: SocketAddr) -> SdkConfig {
        let credentials = Credentials::new("id", "secret", None, None, "test");
        let sdk = crate::aws::sdk_config().into_builder().region(Region::new("us-east-1"));
        let sdk = sdk.endpoint_url(format!("http://{address}")).use_dual_stack(false);
        sdk.credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }

    const QUEUE: &str = "/anaquel/prod/queue/submissions";
    const QUEUE_AND_KEY: &str = "/anaquel/prod/queue/submissions,/anaquel/prod/submission-key";

    /// A start, and how long it took. It waits longer for an answer than on AWS, where each start has a processor.
    async fn started(sdk: SdkConfig, names: &str, fallback: Option<&str>) -> (App, Duration) {
        let settings = Settings::new(&sdk, names, fallback).unwrap();
        let began = Instant::now();
        let app = App::new(sdk, settings);
        app.warm_up(Duration::from_secs(5)).await;
        (app, began.elapsed())
    }

    async fn submissions_url(app: &App) -> Option<String> {
        app.config().await.unwrap().queues.get(&Queue::Submissions).cloned()
    }

    #[tokio::test]
    async fn a_session_counts_in_its_own_pool_and_stage_and_only_with_a_key_of_the_shop() {
        let (_, address) = Throttling::start();
        let (mut app, _) = started(sdk(address), "/anaquel/dev/session/public-keys", None).await;
        Arc::get_mut(&mut app.shared).unwrap().stage = "dev".to_owned();
        let subject = Subject::of_uuid(uuid::Uuid::from_u128(7));
        for (key, stage, issued_for, asked_for, counts) in [
            (7, "dev", Pool::Customers, Pool::Customers, true),
            (7, "dev", Pool::Staff, Pool::Staff, true),
            (7, "dev", Pool::Staff, Pool::Customers, false),
            (7, "dev", Pool::Customers, Pool::Staff, false),
            (7, "prod", Pool::Customers, Pool::Customers, false),
            (8, "dev", Pool::Customers, Pool::Customers, false),
        ] {
            let cookie = session_key(key).issue(stage, subject, issued_for, OffsetDateTime::now_utc());
            let cookies = format!("session={cookie}; staff-session={cookie}");
            let event = json!({ "httpMethod": "GET", "path": "/", "headers": { "cookie": cookies } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            let session = app.session(&request, asked_for).await.unwrap();
            assert_eq!(session.is_some(), counts, "{key} {stage} {issued_for:?} {asked_for:?}");
        }
    }

    /// Lambda gives the init phase ten seconds: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html>.
    #[tokio::test]
    async fn a_rush_of_two_hundred_starts_that_ssm_throttles_answers_no_503() {
        let (ssm, address) = Throttling::start();
        let sdk = &sdk(address);
        let starts = (0..200).map(|number| async move {
            let has_fallback = number % 4 != 0;
            let fallback = r#"{"queue/submissions":"http://queue"}"#;
            let (names, fallback) = if has_fallback { (QUEUE, Some(fallback)) } else { (QUEUE_AND_KEY, None) };
            let (app, took) = started(sdk.clone(), names, fallback).await;
            (has_fallback, took, app.submissions().await.is_ok())
        });
        let started = futures_util::future::join_all(starts).await;
        let (mut slowest, mut serving) = ([Duration::ZERO; 2], [0; 2]);
        for (has_fallback, took, serves) in started {
            let kind = usize::from(has_fallback);
            slowest[kind] = slowest[kind].max(took);
            serving[kind] += usize::from(serves);
        }
        let refused = ssm.refused.load(Relaxed);
        eprintln!("{refused} calls refused; slowest start with a fallback {:?}, without {:?}", slowest[1], slowest[0]);
        assert_eq!(serving, [50, 150]);
        assert!(refused > 100, "only {refused} calls were refused: this proves nothing");
    }

    #[tokio::test]
    async fn two_hundred_starts_that_need_a_secret_are_all_served_within_the_init_phase() {
        let (ssm, address) = Throttling::start();
        let sdk = &sdk(address);
        let starts = (0..200).map(|_| async move {
            let (app, took) = started(sdk.clone(), QUEUE_AND_KEY, None).await;
            // Without asking again: what it has now, it has from its start.
            assert!(app.shared.settings.has_read(), "not read after {took:?}");
            took
        });
        let slowest = futures_util::future::join_all(starts).await.into_iter().max().unwrap();
        let refused = ssm.refused.load(Relaxed);
        eprintln!("{refused} calls refused; slowest of 200 starts that need a secret: {slowest:?}");
        assert!(refused > 100, "only {refused} calls were refused: this proves nothing");
    }

    #[tokio::test]
    async fn where_ssm_is_away_the_fallback_serves_and_a_function_without_one_does_not() {
        let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let (app, _) = started(sdk(nobody), QUEUE, Some(r#"{"queue/submissions":"http://queue"}"#)).await;
        assert_eq!(submissions_url(&app).await.as_deref(), Some("http://queue"));
        let (app, _) = started(sdk(nobody), QUEUE_AND_KEY, None).await;
        assert!(matches!(app.submissions().await, Err(ApiError::Unavailable(_))));
    }

    #[tokio::test]
    async fn ssm_is_asked_first_and_a_fallback_that_lacks_a_value_is_refused() {
        let (_, address) = Throttling::start();
        let (app, _) = started(sdk(address), QUEUE, Some(r#"{"queue/submissions":"http://queue"}"#)).await;
        assert_eq!(submissions_url(&app).await.as_deref(), Some("1"));
        for fallback in ["{}", "null", r#"{"queue/parked":"http://queue"}"#] {
            assert!(Settings::new(&sdk(address), QUEUE, Some(fallback)).is_err(), "{fallback}");
        }
    }
}
