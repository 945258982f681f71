//! Access to the stage of the tests.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::{Output, Stdio},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::types::MessageAttributeValue;
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::{
    process::Command,
    sync::{RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Instant, sleep},
};

/// Most tests share the stage; a test that keeps it busy, or counts all of its data, has it alone.
static STAGE: RwLock<()> = RwLock::const_new(());

pub struct Shop {
    _stage: Share,
    url: String,
    endpoint: String,
    client: Client,
}

/// An answer with its whole body.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

enum Share {
    #[expect(dead_code, reason = "held, not read")]
    Some(RwLockReadGuard<'static, ()>),
    #[expect(dead_code, reason = "held, not read")]
    All(RwLockWriteGuard<'static, ()>),
    /// A stage of the test's own.
    Own,
}

/// A client of HTTP. With the pushes of images, reqwest wants a provider of TLS even where nothing uses it.
pub fn http() -> reqwest::ClientBuilder {
    // Another test may have installed it.
    _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
}

impl Shop {
    /// The stage, together with other tests.
    pub async fn open() -> Self {
        Self::new(Share::Some(STAGE.read().await))
    }

    /// The stage, with no other test on it.
    pub async fn alone() -> Self {
        Self::new(Share::All(STAGE.write().await))
    }

    /// A stage that the test has started, by its port.
    pub fn at(port: u16) -> Self {
        let endpoint = format!("http://127.0.0.1:{port}");
        Self::of(Share::Own, format!("http://anaquel.alb.localhost:{port}/"), endpoint)
    }

    fn new(stage: Share) -> Self {
        Self::of(stage, variable("ANAQUEL_SHOP_URL"), variable("ANAQUEL_ENDPOINT"))
    }

    fn of(stage: Share, url: String, endpoint: String) -> Self {
        // Not every resolver maps names under .localhost to this machine.
        let address = endpoint.trim_start_matches("http://").parse().expect("an address");
        let client =
            http().resolve("anaquel.alb.localhost", address).no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { _stage: stage, url, endpoint, client: client.build().expect("a client") }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// The emulator's second address of the load balancer, for clients that cannot resolve its name, and for `/health`,
    /// which the emulator answers itself under every host name.
    pub fn address(&self) -> String {
        format!("{}/_alb/anaquel", self.endpoint)
    }

    pub async fn health(&self) -> Answer {
        let asked = self.client.get(format!("{}/health", self.address())).send().await;
        Answer::read(asked.expect("the shop does not answer")).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.send(Method::POST, path, &headers, Some(body.to_string())).await
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        Answer::read(request.send().await.expect("the shop does not answer")).await
    }

    /// Posts a file to another address than the shop's. Returns the status, and the address to which it leads.
    pub async fn upload(&self, address: &str, content_type: &str, body: Vec<u8>) -> (u16, String) {
        let request = self.client.post(address).header("content-type", content_type).body(body);
        let answer = Answer::read(request.send().await.expect("no answer")).await;
        (answer.status, answer.header("location").to_owned())
    }

    /// Gets a file from another address than the shop's.
    pub async fn download(&self, address: &str) -> (u16, reqwest::header::HeaderMap, Vec<u8>) {
        let answer = self.client.get(address).send().await.expect("no answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        (status, headers, answer.bytes().await.expect("a file").to_vec())
    }

    /// Posts a rating and returns the path of its submission.
    pub async fn rate(&self, book: u64, rating: &Value) -> String {
        let answer = self.post(&format!("/api/books/{book}/ratings"), &[], rating).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        answer.header("location").to_owned()
    }

    /// Polls a submission until it has an outcome, for the five seconds that the shop promises.
    pub async fn final_status(&self, location: &str) -> Value {
        self.final_status_within(location, Duration::from_secs(5)).await
    }

    pub async fn final_status_within(&self, location: &str, timeout: Duration) -> Value {
        eventually(timeout, async || {
            let answer = self.get(location).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let status = answer.json();
            if status["status"] == "received" { Err(answer.text) } else { Ok(status) }
        })
        .await
    }

    /// Configuration of AWS clients for the emulator.
    pub fn sdk(&self) -> SdkConfig {
        let credentials = aws_credential_types::Credentials::new("test", "test", None, None, "tests");
        let sdk = shared::aws::patient_sdk_config().into_builder();
        sdk.behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// The outputs of a stack.
    pub async fn outputs(&self, stack: &str) -> BTreeMap<String, String> {
        let stacks = aws_sdk_cloudformation::Client::new(&self.sdk()).describe_stacks().stack_name(stack);
        let found = stacks.send().await.expect("a stack");
        let outputs = found.stacks().iter().flat_map(aws_sdk_cloudformation::types::Stack::outputs);
        outputs
            .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())))
            .collect()
    }

    /// The shop's URL, without a slash at the end.
    pub fn url(&self) -> &str {
        self.url.trim_end_matches('/')
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Invokes a function with the event that AWS's load balancer would send: path and query as the browser sent them,
    /// multi-value maps only. The emulator decodes both before it creates its own event.
    pub async fn invoke(&self, function: &str, method: &str, path: &str, query: &[(&str, &str)]) -> Value {
        let query: serde_json::Map<String, Value> =
            query.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        let event = json!({
            "requestContext": { "elb": { "targetGroupArn": "arn" } },
            "httpMethod": method,
            "path": path,
            "multiValueQueryStringParameters": query,
            "multiValueHeaders": { "host": ["shop.example"], "x-amzn-trace-id": ["Root=1-67891233-abcdef012345678912345678"] },
            "body": "",
            "isBase64Encoded": false,
        });
        self.invoke_with(function, &event).await
    }

    /// Invokes a function with this event.
    pub async fn invoke_with(&self, function: &str, event: &Value) -> Value {
        let lambda = aws_sdk_lambda::Client::new(&self.sdk());
        let payload = aws_sdk_lambda::primitives::Blob::new(event.to_string());
        let invoke = lambda.invoke().function_name(function).qualifier("live").payload(payload);
        let answer = invoke.send().await.expect("an answer");
        let bytes = answer.payload.map(aws_sdk_lambda::primitives::Blob::into_inner).unwrap_or_default();
        assert_eq!(answer.function_error, None, "{}", String::from_utf8_lossy(&bytes));
        serde_json::from_slice(&bytes).expect("JSON")
    }
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.expect("a body") }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON ({}): {}", self.status, self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Polls until `attempt` returns a value; after the timeout, panics with the state that the last attempt returned.
pub async fn eventually<T>(timeout: Duration, attempt: impl AsyncFn() -> Result<T, String>) -> T {
    let deadline = Instant::now() + timeout;
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(state) if Instant::now() >= deadline => panic!("not within {} s: {state}", timeout.as_secs()),
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run these tests with `cargo bookstore test`"))
}

pub fn titles(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().filter_map(|book| book["title"].as_str()).collect()
}

/// The `bookstore` command, without a terminal.
pub fn bookstore(arguments: &[&str]) -> Command {
    let mut command = Command::new(PathBuf::from(variable("ANAQUEL_BINARIES")).join("bookstore"));
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Standard output and standard error.
pub fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

/// Sends a message to a dead-letter queue: with a reason, as the writer does, or without one.
pub async fn send_dead_letter(shop: &Shop, queue: &str, body: &str, reason: Option<&str>) {
    let reason = reason.map(|reason| {
        let reason = MessageAttributeValue::builder().data_type("String").string_value(reason).build().unwrap();
        [("reason".to_owned(), reason)].into()
    });
    let queue = format!("{}/000000000000/anaquel-local-{queue}", shop.endpoint());
    let send = aws_sdk_sqs::Client::new(&shop.sdk()).send_message().queue_url(queue).message_body(body);
    send.set_message_attributes(reason).send().await.unwrap();
}
