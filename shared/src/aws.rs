//! The one place where AWS clients get their HTTPS connector, whose only crypto provider is ring, and their patience.

use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

/// Region, credentials and endpoint from the environment, as Lambda and the AWS CLI set them (`AWS_ENDPOINT_URL`
/// included). A call gives up after two seconds, so that a shopper hears of it within three.
pub async fn sdk_config() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_millis(900))
        .operation_attempt_timeout(Duration::from_millis(1_500))
        .operation_timeout(Duration::from_secs(2))
        .build();
    loader()
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(2))
        .load()
        .await
}

/// The same for work that may take long: uploads, deployments, imports.
pub async fn patient_sdk_config() -> SdkConfig {
    loader()
        .retry_config(RetryConfig::standard().with_max_attempts(5))
        .load()
        .await
}

fn loader() -> aws_config::ConfigLoader {
    let https = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest()).http_client(https)
}
