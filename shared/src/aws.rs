//! Configuration of all AWS clients: their HTTPS connector, whose only crypto provider is ring, and their timeouts.
//!
//! A function's region and credentials are in its environment, so the chain of other sources (profiles, STS, instance
//! metadata) is left out: it would be a third of a function's code.

use std::{env, time::Duration};

use aws_config::{
    BehaviorVersion, Region, SdkConfig, environment::EnvironmentVariableCredentialsProvider, retry::RetryConfig,
    timeout::TimeoutConfig,
};
use aws_sdk_ssm::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_async::{
    rt::sleep::{SharedAsyncSleep, TokioSleep},
    time::{SharedTimeSource, SystemTimeSource},
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// Timeout of a call that a shopper waits for, with its repetition.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// Timeout of writing the messages of a batch to the archive, all at once, each with its repetition.
pub const ARCHIVED_WITHIN: Duration = Duration::from_millis(1_500);
/// Timeout of one attempt, which leaves time for a second one.
pub const ARCHIVE_ATTEMPT: Duration = Duration::from_millis(900);

/// For calls that a shopper waits for.
pub fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(900))
        .operation_attempt_timeout(Duration::from_millis(1_500))
        .operation_timeout(CALL_TIMEOUT)
        .build();
    from_environment(timeouts, 2)
}

/// For long work: an import, a migration.
pub fn patient_sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).build();
    from_environment(timeouts, 5)
}

/// The HTTPS client of every AWS client.
pub fn https_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
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
        .http_client(https_client())
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
    use std::sync::{Arc, Mutex};

    use aws_sdk_ssm::config::Credentials;
    use aws_smithy_runtime_api::client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
        result::ConnectorError,
    };

    use super::*;

    /// Writes down which hosts are called, and answers nobody.
    #[derive(Clone, Default, Debug)]
    struct Hosts(Arc<Mutex<Vec<String>>>);

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
