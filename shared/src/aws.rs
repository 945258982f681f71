//! The one place where AWS clients get their HTTPS connector, whose only crypto provider is ring, and their patience.
//!
//! A function's region and credentials stand in its environment, so the chain of other sources (profiles, STS, instance
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

/// For what a shopper waits for: a call gives up after two seconds.
pub fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(900))
        .operation_attempt_timeout(Duration::from_millis(1_500))
        .operation_timeout(Duration::from_secs(2))
        .build();
    from_environment(timeouts, 2)
}

/// For work that may take long: an import, a migration.
pub fn patient_sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(Duration::from_secs(3)).build();
    from_environment(timeouts, 5)
}

/// The HTTPS client that every AWS client of ours is to be given.
pub fn https_client() -> SharedHttpClient {
    Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https()
}

/// An error in AWS's own words: an SDK error shows but its kind.
pub fn explained<E: std::error::Error + Send + Sync + 'static>(error: E) -> anyhow::Error {
    anyhow::anyhow!("{:#}", anyhow::Error::from(error))
}

fn from_environment(timeouts: TimeoutConfig, attempts: u32) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .http_client(https_client())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(SystemTimeSource::new()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts));
    config.set_region(env::var("AWS_REGION").ok().map(Region::new));
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
    config.build()
}
