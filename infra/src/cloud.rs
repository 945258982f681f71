//! The clients that a stage is deployed and run with: AWS's, or the emulator's on the local stage.

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_lambda::{operation::invoke::InvokeError, primitives::Blob};
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use serde_json::Value;
pub use shared::aws::explained;

use crate::stage::Stage;

pub struct Cloud {
    pub region: String,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub s3: aws_sdk_s3::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub ssm: aws_sdk_ssm::Client,
    sts: aws_sdk_sts::Client,
}

impl Cloud {
    /// The clients of a stage on AWS: credentials from wherever the AWS CLI finds them.
    pub async fn of(stage: &Stage) -> Self {
        let sdk = aws_config::defaults(BehaviorVersion::latest()).http_client(shared::aws::https_client());
        let sdk =
            sdk.region(Region::new(stage.region.clone())).retry_config(RetryConfig::standard().with_max_attempts(5));
        Self::new(stage, &sdk.load().await)
    }

    /// The clients of the local stage.
    pub fn local(stage: &Stage, port: u16) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "local stage");
        let sdk = shared::aws::patient_sdk_config().into_builder();
        let sdk = sdk.region(Region::new(stage.region.clone()));
        let sdk = sdk.credentials_provider(SharedCredentialsProvider::new(credentials));
        // An address has no other name for IPv6, whatever the shell asks for.
        let sdk = sdk.endpoint_url(format!("http://127.0.0.1:{port}")).use_dual_stack(false);
        Self::new(stage, &sdk.build())
    }

    fn new(stage: &Stage, sdk: &SdkConfig) -> Self {
        // An endpoint of one's own has no name for each bucket.
        let s3 = aws_sdk_s3::config::Builder::from(sdk).force_path_style(sdk.endpoint_url().is_some()).build();
        Self {
            region: stage.region.clone(),
            cloudformation: aws_sdk_cloudformation::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(sdk),
            lambda: aws_sdk_lambda::Client::new(sdk),
            s3: aws_sdk_s3::Client::from_conf(s3),
            sqs: aws_sdk_sqs::Client::new(sdk),
            ssm: aws_sdk_ssm::Client::new(sdk),
            sts: aws_sdk_sts::Client::new(sdk),
        }
    }

    /// The account that all this happens in; also the first call, so that bad credentials are told at once.
    pub async fn account(&self) -> Result<String> {
        self.identity().await?.account.context("AWS names no account")
    }

    /// Who asks, as an ARN.
    pub async fn caller(&self) -> Result<String> {
        self.identity().await?.arn.context("AWS names no caller")
    }

    async fn identity(&self) -> Result<GetCallerIdentityOutput> {
        let identity = said(self.sts.get_caller_identity().send()).await;
        identity.context("no AWS account answers: sign in first (`aws sso login`, or AWS_PROFILE)")
    }
}

impl Cloud {
    /// Invokes a version of a function; while all its copies are busy, an import say, it waits for one.
    pub async fn invoke(&self, name: &str, version: &str, event: &Value, patience: Duration) -> Result<Value> {
        let answer = until(&format!("a free copy of {name}"), patience, async || {
            let payload = Blob::new(serde_json::to_vec(event)?);
            let invoke = self.lambda.invoke().function_name(name).qualifier(version).payload(payload);
            match invoke.send().await {
                Ok(answer) => Ok(Some(answer)),
                Err(error) if error.as_service_error().is_some_and(InvokeError::is_too_many_requests_exception) => {
                    Ok(None)
                }
                Err(error) => Err(explained(error)).with_context(|| format!("invoking {name}")),
            }
        })
        .await?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            let error: Value = serde_json::from_slice(&payload).unwrap_or_default();
            bail!("{}", error["errorMessage"].as_str().unwrap_or("it failed without a word; see its log"));
        }
        if payload.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&payload).context("the answer is no JSON")
    }
}

/// A call's answer, or AWS's own words on why there is none.
pub async fn said<T, E: std::error::Error + Send + Sync + 'static>(
    call: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    call.await.map_err(explained)
}

/// Asks until there is an answer, or until patience ends.
pub async fn until<T>(what: &str, patience: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let asking = async {
        let mut pause = Duration::from_millis(30);
        loop {
            if let Some(answer) = ask().await? {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(Duration::from_secs(5));
        }
    };
    let late = || anyhow!("{what} took longer than {} s", patience.as_secs());
    tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| Err(late()))
}
