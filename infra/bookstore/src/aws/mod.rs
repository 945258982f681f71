//! Clients of the AWS SDK for a stage: of AWS, or of the emulator for the local stage.

use std::{
    error::Error as _,
    future::Future,
    time::{Duration, Instant},
};

use anyhow::{Chain, Context, Error, Result, anyhow, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_credential_types::{
    Credentials,
    provider::{SharedCredentialsProvider, error::CredentialsError},
};
use aws_sdk_lambda::{error::ProvideErrorMetadata, primitives::Blob};
use aws_sdk_sts::{error::ConnectorError, operation::get_caller_identity::GetCallerIdentityOutput};
use infra::stage::Stage;
use serde_json::Value;
use shared::aws::{Trust, https_client};
mod connect;

pub use connect::{connect, connect_deployed, local_url, running_at, running_url};

/// Temporary errors while Lambda reactivates an inactive function or its network interface:
/// <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>.
const REACTIVATION_ERRORS: [&str; 6] = [
    "CodeArtifactUserPendingException",
    "EC2ThrottledException",
    "EC2UnexpectedException",
    "ENINotReadyException",
    "ResourceConflictException",
    "ResourceNotReadyException",
];
/// A network interface takes minutes; AWS documents no number.
const REACTIVATION_TIMEOUT: Duration = Duration::from_mins(5);

pub struct AwsClients {
    pub region: String,
    pub apigateway: aws_sdk_apigatewayv2::Client,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub cognito: aws_sdk_cognitoidentityprovider::Client,
    pub ecr: aws_sdk_ecr::Client,
    pub elb: aws_sdk_elasticloadbalancingv2::Client,
    pub iam: aws_sdk_iam::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub lambda: aws_sdk_lambda::Client,
    pub rds: aws_sdk_rds::Client,
    pub s3: aws_sdk_s3::Client,
    pub ses: aws_sdk_sesv2::Client,
    pub sns: aws_sdk_sns::Client,
    pub sqs: aws_sdk_sqs::Client,
    pub ssm: aws_sdk_ssm::Client,
    sts: aws_sdk_sts::Client,
}

impl AwsClients {
    /// Clients for AWS, with the credentials that the AWS CLI uses.
    pub async fn of(stage: &Stage) -> Self {
        let sdk = aws_config::defaults(BehaviorVersion::latest()).http_client(https_client(Trust::System));
        let sdk =
            sdk.region(Region::new(stage.region.clone())).retry_config(RetryConfig::standard().with_max_attempts(5));
        Self::new(stage, &sdk.load().await)
    }

    /// Clients for the emulator at this port.
    pub fn local(stage: &Stage, port: u16) -> Self {
        let credentials = Credentials::new("test", "test", None, None, "local stage");
        let sdk = shared::aws::patient_sdk_config().into_builder();
        let sdk = sdk.region(Region::new(stage.region.clone()));
        let sdk = sdk.credentials_provider(SharedCredentialsProvider::new(credentials));
        // An IP address has no dual-stack name, whatever the environment requests.
        let sdk = sdk.endpoint_url(format!("http://127.0.0.1:{port}")).use_dual_stack(false);
        Self::new(stage, &sdk.build())
    }

    fn new(stage: &Stage, sdk: &SdkConfig) -> Self {
        // The emulator has no host name for each bucket.
        let s3 = aws_sdk_s3::config::Builder::from(sdk).force_path_style(sdk.endpoint_url().is_some()).build();
        Self {
            region: stage.region.clone(),
            apigateway: aws_sdk_apigatewayv2::Client::new(sdk),
            cloudformation: aws_sdk_cloudformation::Client::new(sdk),
            cognito: aws_sdk_cognitoidentityprovider::Client::new(sdk),
            ecr: aws_sdk_ecr::Client::new(sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(sdk),
            iam: aws_sdk_iam::Client::new(sdk),
            logs: aws_sdk_cloudwatchlogs::Client::new(sdk),
            lambda: aws_sdk_lambda::Client::new(sdk),
            rds: aws_sdk_rds::Client::new(sdk),
            s3: aws_sdk_s3::Client::from_conf(s3),
            ses: aws_sdk_sesv2::Client::new(sdk),
            sns: aws_sdk_sns::Client::new(sdk),
            sqs: aws_sdk_sqs::Client::new(sdk),
            ssm: aws_sdk_ssm::Client::new(sdk),
            sts: aws_sdk_sts::Client::new(sdk),
        }
    }

    /// The account's id. Commands call this first, so that invalid credentials fail early.
    pub async fn account(&self) -> Result<String> {
        self.identity().await?.account.context("AWS returned no account")
    }

    /// ARN of the caller.
    pub async fn caller(&self) -> Result<String> {
        self.identity().await?.arn.context("AWS returned no caller")
    }

    async fn identity(&self) -> Result<GetCallerIdentityOutput> {
        self.sts.get_caller_identity().send().await.map_err(|error| {
            let profile = std::env::var("AWS_PROFILE").ok();
            let is_refused = error.as_service_error().is_some();
            not_identified(error, is_refused, profile.as_deref())
        })
    }
}

impl AwsClients {
    /// Invokes a version of a function and returns its response. Retries for `timeout` while the function is throttled, and for
    /// five minutes while Lambda reactivates a function that was idle for weeks.
    pub async fn invoke(&self, name: &str, version: &str, event: &Value, timeout: Duration) -> Result<Value> {
        let began = Instant::now();
        let mut printed = false;
        let answer = poll_until(&format!("invoking {name}"), timeout.max(REACTIVATION_TIMEOUT), async || {
            let payload = Blob::new(serde_json::to_vec(event)?);
            let invoke = self.lambda.invoke().function_name(name).qualifier(version).payload(payload);
            let error = match invoke.send().await {
                Ok(answer) => return Ok(Some(answer)),
                Err(error) => error,
            };
            let code = error.code().unwrap_or_default();
            let limit = match code {
                "TooManyRequestsException" => timeout,
                code if REACTIVATION_ERRORS.contains(&code) => REACTIVATION_TIMEOUT,
                _ => Duration::ZERO,
            };
            if began.elapsed() >= limit {
                return Err(explained(error)).with_context(|| format!("invoking {name}"));
            }
            if limit == REACTIVATION_TIMEOUT && !printed {
                outln!("  {name}: waiting until Lambda has reactivated it ({code}); after weeks without a request that takes minutes");
                printed = true;
            }
            Ok(None)
        })
        .await?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if answer.function_error.is_some() {
            let error: Value = serde_json::from_slice(&payload).unwrap_or_default();
            bail!("{}", error["errorMessage"].as_str().unwrap_or("the function failed without a message; see its log"));
        }
        if payload.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&payload).context("the response is not JSON")
    }
}

const SIGN_IN: &str =
    "sign in (`aws sso login`), name a profile (AWS_PROFILE), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
/// Texts of SDK errors that mean nothing without their cause.
const KINDS: [&str; 5] = ["dispatch failure", "service error", "other", "unhandled error", "io error"];

/// The error with its causes, without those that repeat an earlier one or name only the SDK's kind of error.
pub fn explained<E: std::error::Error + Send + Sync + 'static>(error: E) -> Error {
    anyhow!(causes(&error))
}

fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in Chain::new(error).map(ToString::to_string) {
        if !KINDS.contains(&cause.as_str()) && !causes.iter().any(|earlier| earlier.contains(&cause)) {
            causes.push(cause);
        }
    }
    if causes.is_empty() { error.to_string() } else { causes.join(": ") }
}

/// The error with its cause and its remedy: AWS was not reached, there are no credentials, or AWS refused them.
fn not_identified<E: std::error::Error + Send + Sync + 'static>(
    error: E,
    is_refused: bool,
    profile: Option<&str>,
) -> Error {
    if is_refused {
        return explained(error).context(format!("AWS did not accept the credentials: {SIGN_IN}"));
    }
    let Some(found) = Chain::new(&error).find_map(|cause| cause.downcast_ref::<CredentialsError>()) else {
        return unreachable(&causes(&error));
    };
    let reason = found.source().map(causes).unwrap_or_default();
    // The last provider is the metadata service of EC2 (IMDS), which does not answer on any other machine.
    let is_absent = matches!(found, CredentialsError::CredentialsNotLoaded(_)) || reason.contains("IMDS");
    let is_offline = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<ConnectorError>().is_some_and(|error| error.is_io() || error.is_timeout())
    };
    match profile {
        None if is_absent => anyhow!("there are no AWS credentials that can be used: {SIGN_IN}"),
        Some(profile) if is_absent => anyhow!(
            "the profile {profile} (AWS_PROFILE) has no AWS credentials that can be used: `aws configure list-profiles` \
             prints the profiles; {SIGN_IN}"
        ),
        _ if Chain::new(found).any(is_offline) => unreachable(&reason),
        _ => anyhow!("there are no AWS credentials that can be used ({reason}): {SIGN_IN}"),
    }
}

fn unreachable(reason: &str) -> Error {
    anyhow!("AWS could not be reached ({reason}): check the network and its name service")
}

/// The response of an SDK call, or an error with AWS's code and message.
pub async fn call<T, E: std::error::Error + Send + Sync + 'static>(
    call: impl Future<Output = std::result::Result<T, E>>,
) -> Result<T> {
    call.await.map_err(explained)
}

/// Repeats `ask` until it returns a value, with growing pauses of 30 ms to 5 s; an error after `timeout`.
pub async fn poll_until<T>(
    what: &str,
    timeout: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
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
    let late = || anyhow!("{what} took longer than {} s", timeout.as_secs());
    tokio::time::timeout(timeout, asking).await.unwrap_or_else(|_| Err(late()))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader, Read, Write},
        net::TcpListener,
        thread,
    };

    use aws_credential_types::credential_fn::provide_credentials_fn;
    use serde_json::json;

    use super::*;

    /// A fake Lambda endpoint that returns these responses, one per call.
    fn lambda(answers: Vec<(u16, &'static str, &'static str)>) -> AwsClients {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for ((status, code, body), stream) in answers.into_iter().zip(listener.incoming()) {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while {
                    line.clear();
                    reader.read_line(&mut line).unwrap() > 2
                } {
                    if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().unwrap();
                    }
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                let head = format!("HTTP/1.1 {status} Answer\r\nx-amzn-ErrorType: {code}\r\nConnection: close\r\n");
                write!(reader.get_mut(), "{head}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            }
        });
        AwsClients::local(&Stage::load("local").unwrap(), port)
    }

    async fn invoke(answers: Vec<(u16, &'static str, &'static str)>) -> Result<Value> {
        lambda(answers).invoke("anaquel-t-show-book", "3", &json!({}), Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn an_invocation_waits_for_a_function_that_was_idle_for_weeks() {
        let pending = (409, "ResourceConflictException", r#"{"message":"The function is in the state: Pending"}"#);
        let eni = (502, "ENINotReadyException", r#"{"message":"not yet"}"#);
        let answer = invoke(vec![pending, eni, (200, "", "{\"statusCode\":200}")]).await.unwrap();
        assert_eq!(answer["statusCode"], 200);
    }

    #[tokio::test]
    async fn without_credentials_the_error_says_how_to_sign_in() {
        type Load = fn() -> CredentialsError;
        let cases: [(Load, &str); 4] = [
            (|| CredentialsError::not_loaded("no providers in chain provided credentials"), "be used: sign in"),
            (|| CredentialsError::provider_error("failed to load IMDS session token"), "be used: sign in"),
            (|| CredentialsError::provider_error("the SSO token has expired"), "(the SSO token has expired): sign in"),
            (|| CredentialsError::invalid_configuration("profile `x` is not defined"), "`x` is not defined): sign in"),
        ];
        for (load, expected) in cases {
            let stage = Stage::load("dev").unwrap();
            let provider = SharedCredentialsProvider::new(provide_credentials_fn(move || async move { Err(load()) }));
            let sdk = shared::aws::patient_sdk_config().into_builder().region(Region::new("us-east-1"));
            let aws = AwsClients::new(&stage, &sdk.credentials_provider(provider).build());
            let error = format!("{:#}", aws.account().await.unwrap_err());
            assert!(error.contains(expected) && error.contains("AWS_PROFILE"), "{error}");
            assert!(!error.contains("dispatch failure") && !error.contains("other"), "{error}");
        }
    }

    #[test]
    fn a_profile_without_credentials_is_named() {
        let absent = || CredentialsError::not_loaded("no providers in chain provided credentials");
        for (profile, expected) in [
            (
                Some("nosuch"),
                "the profile nosuch (AWS_PROFILE) has no AWS credentials that can be used: `aws configure",
            ),
            (None, "there are no AWS credentials that can be used: sign in"),
        ] {
            let error = not_identified(absent(), false, profile).to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[tokio::test]
    async fn an_aws_that_does_not_answer_is_no_matter_of_credentials() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let offline = || CredentialsError::provider_error(ConnectorError::io("dns error".into()));
        let expected = "AWS could not be reached (";
        let errors = [
            AwsClients::local(&Stage::load("local").unwrap(), closed).account().await.unwrap_err(),
            not_identified(offline(), false, None),
        ];
        for error in errors {
            let error = format!("{error:#}");
            assert!(error.starts_with(expected) && !error.contains("sign in"), "{error}");
        }
        let refused = (
            403,
            "InvalidClientTokenId",
            "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>The \
            security token is invalid</Message></Error></ErrorResponse>",
        );
        let error = format!("{:#}", lambda(vec![refused]).account().await.unwrap_err());
        assert!(error.starts_with("AWS did not accept the credentials: sign in"), "{error}");
    }

    #[tokio::test]
    async fn an_error_of_aws_is_printed_once() {
        let gone = (404, "ResourceNotFoundException", r#"{"Message":"Function not found: it:4711"}"#);
        let error = format!("{:#}", invoke(vec![gone]).await.unwrap_err());
        assert_eq!(error.matches("Function not found: it:4711").count(), 1, "{error}");
        assert!(!error.contains("service error"), "{error}");
    }

    #[tokio::test]
    async fn a_permanent_error_is_returned_at_once() {
        let gone = (404, "ResourceNotFoundException", r#"{"message":"no such version"}"#);
        let error = invoke(vec![gone]).await.unwrap_err();
        assert!(format!("{error:#}").contains("no such version"), "{error:#}");
    }
}
