//! Configuration of all AWS clients: their HTTPS connector, whose only crypto provider is ring, and their timeouts.
//!
//! A function's region and credentials are in its environment, so the chain of other sources (profiles, STS, instance
//! metadata) is left out: it would be a third of a function's code.

use std::{
    env,
    sync::{Mutex as StdMutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, ecs::EcsCredentialsProvider,
    environment::EnvironmentVariableCredentialsProvider, provider_config::ProviderConfig, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_credential_types::{
    Credentials,
    provider::{self, ProvideCredentials, SharedCredentialsProvider, error::CredentialsError, future},
};
use aws_sdk_ssm::config::SharedHttpClient;
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use tokio::{sync::Mutex, time::timeout};

/// Timeout of a call that a shopper waits for, with its repetition.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// Timeout of writing the messages of a batch to the archive, all at once, each with its repetition.
pub const ARCHIVED_WITHIN: Duration = Duration::from_millis(1_500);
/// Timeout of one attempt, which leaves time for a second one.
pub const ARCHIVE_ATTEMPT: Duration = Duration::from_millis(900);

/// Root certificates of Amazon Trust Services, from which those of all servers come that functions call.
const ROOTS: &str = include_str!("../certificates/aws.pem");

/// Variables that name another store of root certificates.
const OTHER_STORES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// Whose root certificates a client accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Amazon's, unless the environment names another store: each client parses the store, which was half of a cold start.
    Amazon,
    /// The system's, which may have that of a proxy.
    System,
}

/// For calls that a shopper waits for.
pub fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(900))
        .operation_attempt_timeout(Duration::from_millis(1_500))
        .operation_timeout(CALL_TIMEOUT)
        .build();
    from_environment(timeouts, 2)
}

/// Variables with the address of a task's credentials on ECS.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
const TASK_CREDENTIALS: [&str; 2] = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

/// The same for a task on ECS, whose credentials change and come from an address; elsewhere they are in the environment.
pub fn task_sdk_config() -> SdkConfig {
    let sdk = sdk_config();
    if TASK_CREDENTIALS.iter().all(|name| env::var_os(name).is_none()) {
        return sdk;
    }
    let config = ProviderConfig::without_region().with_http_client(https_client(Trust::Amazon));
    let credentials = Kept::new(EcsCredentialsProvider::builder().configure(&config).build(), Duration::from_secs(10));
    sdk.into_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
}

/// Keeps credentials until they expire soon: links, forms and logins are signed without a client, which has a cache of its own.
/// Where new ones cannot be had, the old ones serve until they expire.
#[derive(Debug)]
struct Kept<P> {
    provider: P,
    known: StdMutex<Option<Credentials>>,
    /// Held while new ones are asked for, with the time until which they are not asked for again.
    renewal: Mutex<Option<Instant>>,
    /// Least time between two questions while the old ones serve.
    pause: Duration,
}

/// Time before their expiry at which new credentials are asked for. ECS has them earlier than this.
const RENEWED_BEFORE: Duration = Duration::from_mins(5);
/// Time for an answer while the old ones serve: a login waits for it.
const RENEWED_WITHIN: Duration = Duration::from_millis(300);

impl<P: ProvideCredentials> Kept<P> {
    fn new(provider: P, pause: Duration) -> Self {
        Self { provider, known: StdMutex::default(), renewal: Mutex::default(), pause }
    }

    /// Those that last for more than this time.
    fn lasting(&self, time: Duration) -> Option<Credentials> {
        let lasts = |credentials: &Credentials| {
            let left = |expiry: SystemTime| expiry.duration_since(SystemTime::now()).is_ok_and(|left| left > time);
            credentials.expiry().is_none_or(left)
        };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(lasts)
    }

    async fn credentials(&self) -> provider::Result {
        if let Some(credentials) = self.lasting(RENEWED_BEFORE) {
            return Ok(credentials);
        }
        let mut renewal = match (self.renewal.try_lock(), self.lasting(Duration::ZERO)) {
            (Ok(renewal), Some(old)) if renewal.is_some_and(|until| Instant::now() < until) => return Ok(old),
            (Ok(renewal), _) => renewal,
            (Err(_), Some(old)) => return Ok(old),
            (Err(_), None) => self.renewal.lock().await,
        };
        if let Some(credentials) = self.lasting(RENEWED_BEFORE) {
            return Ok(credentials);
        }
        let old = self.lasting(Duration::ZERO);
        *renewal = Some(Instant::now() + self.pause);
        let asked = self.provider.provide_credentials();
        let answer = if old.is_some() {
            let silent = || CredentialsError::provider_timed_out(RENEWED_WITHIN);
            timeout(RENEWED_WITHIN, asked).await.unwrap_or_else(|_| Err(silent()))
        } else {
            asked.await
        };
        match (answer, old) {
            (Ok(credentials), _) => {
                *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
                Ok(credentials)
            }
            (Err(_), Some(old)) => Ok(old),
            (Err(error), None) => Err(error),
        }
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Kept<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

/// For long work: an import, a migration.
pub fn patient_sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).build();
    from_environment(timeouts, 5)
}

/// The HTTPS client of every AWS client.
pub fn https_client(trust: Trust) -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls(trust)).build_https()
}

pub(crate) fn tls(trust: Trust) -> TlsContext {
    let names_another = OTHER_STORES.iter().any(|name| env::var_os(name).is_some());
    let store = match trust {
        Trust::Amazon if !names_another => TrustStore::empty().with_pem_certificate(ROOTS),
        Trust::Amazon | Trust::System => TrustStore::default(),
    };
    TlsContext::builder().with_trust_store(store).build().expect("a trust store is no invalid setting")
}

/// The error with its whole chain of causes, because an SDK error prints only its kind.
pub fn explained<E: std::error::Error + Send + Sync + 'static>(error: E) -> anyhow::Error {
    anyhow::anyhow!("{:#}", anyhow::Error::from(error))
}

fn from_environment(timeouts: TimeoutConfig, attempts: u32) -> SdkConfig {
    configured(|name| env::var(name).ok(), timeouts, attempts)
}

fn configured(variable: impl Fn(&str) -> Option<String>, timeouts: TimeoutConfig, attempts: u32) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(https_client(Trust::Amazon))
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts));
    config.set_region(variable("AWS_REGION").map(Region::new));
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL"));
    // Where the only egress is IPv6: host names that answer over it.
    config.set_use_dual_stack(variable("AWS_USE_DUALSTACK_ENDPOINT").map(|value| value == "true"));
    config.build()
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    };

    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
        result::ConnectorError,
    };

    use rustls::{
        RootCertStore,
        pki_types::{CertificateDer, TrustAnchor, pem::PemObject},
    };
    use webpki_roots::TLS_SERVER_ROOTS;

    use super::*;

    fn has_subject(root: &TrustAnchor<'_>, part: &str) -> bool {
        String::from_utf8_lossy(&root.subject).contains(part)
    }

    /// It fails after an update of `webpki-roots` when Mozilla has removed or added one: then the repository of Amazon Trust
    /// Services says what has changed.
    #[test]
    fn functions_trust_the_five_roots_of_amazon_as_mozilla_has_them() {
        let mut store = RootCertStore::empty();
        for root in CertificateDer::pem_slice_iter(ROOTS.as_bytes()) {
            store.add(root.unwrap()).unwrap();
        }
        for number in 1..=4 {
            let name = format!("Amazon Root CA {number}");
            assert!(store.roots.iter().any(|root| has_subject(root, &name)), "{name}");
        }
        assert!(store.roots.iter().any(|root| has_subject(root, "Starfield Services Root Certificate Authority - G2")));
        assert_eq!(store.roots.len(), 5);
        assert!(store.roots.iter().all(|root| TLS_SERVER_ROOTS.contains(root)));
        assert_eq!(TLS_SERVER_ROOTS.iter().filter(|root| has_subject(root, "Amazon Root CA ")).count(), 4);
    }

    /// Answers once for each time in the list: credentials that last so long, or an error.
    #[derive(Debug)]
    struct Source {
        lasting: Vec<Option<Duration>>,
        asked: Arc<AtomicUsize>,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let number = self.asked.fetch_add(1, Relaxed);
            let expiry = self.lasting[number].map(|time| SystemTime::now() + time);
            let credentials = |expiry| Credentials::new(number.to_string(), "secret", None, Some(expiry), "test");
            let away = || CredentialsError::provider_error("away");
            future::ProvideCredentials::ready(expiry.map(credentials).ok_or_else(away))
        }
    }

    #[tokio::test]
    async fn credentials_of_a_task_are_asked_for_again_shortly_before_they_expire() {
        let (hours, minute) = (Duration::from_hours(6), Duration::from_mins(1));
        for (lasting, ids) in [
            (vec![Some(hours)], vec!["0", "0"]),
            (vec![Some(minute), Some(hours)], vec!["0", "1", "1"]),
            (vec![Some(minute), None, Some(hours)], vec!["0", "0", "2", "2"]),
            (vec![None, Some(hours)], vec!["away", "1", "1"]),
            (vec![Some(Duration::ZERO), None], vec!["0", "away"]),
        ] {
            let asked = Arc::new(AtomicUsize::new(0));
            let kept = Kept::new(Source { lasting: lasting.clone(), asked: asked.clone() }, Duration::ZERO);
            let mut got = Vec::new();
            for _ in &ids {
                let answer = kept.provide_credentials().await;
                got.push(answer.map_or_else(|_| "away".to_owned(), |known| known.access_key_id().to_owned()));
            }
            assert_eq!((got, asked.load(Relaxed)), (ids.iter().map(|id| (*id).to_owned()).collect(), lasting.len()));
        }
    }

    /// Answers once, and never again.
    #[derive(Debug, Default)]
    struct Silent(AtomicUsize);

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let expiry = SystemTime::now() + Duration::from_mins(1);
            let first = Credentials::new("0", "secret", None, Some(expiry), "test");
            let is_first = self.0.fetch_add(1, Relaxed) == 0;
            future::ProvideCredentials::new(
                async move { if is_first { Ok(first) } else { std::future::pending().await } },
            )
        }
    }

    #[tokio::test]
    async fn while_the_source_is_silent_the_old_credentials_serve_and_it_is_asked_seldom() {
        let kept = Kept::new(Silent::default(), Duration::from_mins(1));
        for _ in 0..5 {
            let answer = timeout(Duration::from_secs(5), kept.provide_credentials()).await.expect("an answer in time");
            assert_eq!(answer.unwrap().access_key_id(), "0");
        }
        // By the first call, and by the second, which began the pause.
        assert_eq!(kept.provider.0.load(Relaxed), 1);
    }

    /// Writes down which hosts are called, and answers nobody.
    #[derive(Clone, Default, Debug)]
    struct Hosts(Arc<StdMutex<Vec<String>>>);

    impl HttpConnector for Hosts {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let host = request.uri().split('/').nth(2).expect("a host");
            self.0.lock().unwrap().push(host.to_owned());
            HttpConnectorFuture::ready(Err(ConnectorError::user("nobody is there".into())))
        }
    }

    /// The hosts that functions call with this environment: of SSM, SQS and Secrets Manager.
    async fn called(environment: &[(&str, &str)]) -> Vec<String> {
        let variable =
            |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        let hosts = Hosts::default();
        let connector = SharedHttpConnector::new(hosts.clone());
        let sdk = configured(variable, TimeoutConfig::disabled(), 1)
            .into_builder()
            .http_client(http_client_fn(move |_, _| connector.clone()))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
            .build();
        aws_sdk_ssm::Client::new(&sdk).get_parameters().names("/anaquel").send().await.unwrap_err();
        let queue = "https://sqs.us-east-1.amazonaws.com/000000000000/anaquel";
        aws_sdk_sqs::Client::new(&sdk).send_message().queue_url(queue).message_body("{}").send().await.unwrap_err();
        aws_sdk_secretsmanager::Client::new(&sdk).get_secret_value().secret_id("anaquel").send().await.unwrap_err();
        std::mem::take(&mut *hosts.0.lock().unwrap())
    }

    #[tokio::test]
    async fn over_ipv6_only_names_are_called_that_aws_documents_as_dual_stack() {
        let hosts = called(&[("AWS_REGION", "us-east-1"), ("AWS_USE_DUALSTACK_ENDPOINT", "true")]).await;
        let documented = ["ssm.us-east-1.api.aws", "sqs.us-east-1.api.aws", "secretsmanager.us-east-1.amazonaws.com"];
        assert_eq!(hosts, documented);
    }

    #[tokio::test]
    async fn else_the_names_are_those_of_the_interface_endpoints() {
        let hosts = called(&[("AWS_REGION", "us-east-1")]).await;
        assert_eq!(hosts, ["ssm", "sqs", "secretsmanager"].map(|service| format!("{service}.us-east-1.amazonaws.com")));
    }
}
