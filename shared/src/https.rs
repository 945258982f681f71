//! Calls of addresses without an SDK client: signed links to S3, and the endpoints of a user pool. The HTTPS client is that of
//! the SDK.

use std::time::Duration;

use anyhow::{Context, ensure};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{http::HttpConnector, orchestrator::HttpRequest};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use tokio::time::timeout;

use crate::aws::{Trust, explained, tls};

/// The largest answer that is read without [`HttpsClient::reading_up_to`], in bytes.
const MAX_ANSWER: usize = 64 * 1024;

pub struct HttpsClient {
    connector: Connector,
    timeout: Duration,
    max_answer: usize,
}

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl HttpsClient {
    /// A client whose calls end after `timeout`, whatever they wait for. It keeps connections, and repeats nothing.
    pub fn new(timeout: Duration) -> Self {
        Self::trusting(Trust::Amazon, timeout)
    }

    /// The same with a choice of root certificates.
    pub fn trusting(trust: Trust, timeout: Duration) -> Self {
        Self::keeping(usize::MAX, trust, timeout)
    }

    /// The same, with a new connection for each call: one that was lost while the process was frozen would fail a call that cannot
    /// be repeated.
    pub fn without_pool(timeout: Duration) -> Self {
        Self::keeping(0, Trust::Amazon, timeout)
    }

    fn keeping(connections: usize, trust: Trust, timeout: Duration) -> Self {
        let ring = Provider::Rustls(CryptoMode::Ring);
        let connector = Connector::builder().tls_provider(ring).tls_context(tls(trust));
        let connector = connector.pool_max_idle_per_host(connections).build();
        Self { connector, timeout, max_answer: MAX_ANSWER }
    }

    /// The same, which reads answers of up to so many bytes.
    #[must_use]
    pub fn reading_up_to(self, max_answer: usize) -> Self {
        Self { max_answer, ..self }
    }

    pub async fn get(&self, url: &str) -> anyhow::Result<Answer> {
        self.call("GET", url, &[], String::new()).await
    }

    /// Sends a form, encoded already.
    pub async fn post_form(&self, url: &str, form: String) -> anyhow::Result<Answer> {
        self.call("POST", url, &[("content-type", "application/x-www-form-urlencoded")], form).await
    }

    /// Asks a server to change something, without a body.
    pub async fn change(
        &self,
        method: &'static str,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> anyhow::Result<Answer> {
        self.call(method, url, headers, String::new()).await
    }

    /// Sends a file to an address that permits it.
    pub async fn put(&self, url: &str, file: Vec<u8>) -> anyhow::Result<Answer> {
        self.call("PUT", url, &[], file).await
    }

    /// Sends a request of any method.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, &str)],
        body: String,
    ) -> anyhow::Result<Answer> {
        self.call(method, url, headers, body).await
    }

    async fn call(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<SdkBody>,
    ) -> anyhow::Result<Answer> {
        let max_answer = self.max_answer;
        let body = body.into();
        let call = async {
            let mut request = HttpRequest::new(body);
            request.set_method(method).map_err(explained)?;
            request.set_uri(url).map_err(explained)?;
            for (name, value) in headers {
                request.headers_mut().insert(*name, (*value).to_owned());
            }
            let answer = self.connector.call(request).await.map_err(explained)?;
            let status = answer.status().as_u16();
            let mut parts = ByteStream::new(answer.into_body());
            let mut body = Vec::new();
            while let Some(part) = parts.try_next().await.map_err(explained)? {
                body.extend_from_slice(&part);
                ensure!(body.len() <= max_answer, "the answer has more than {max_answer} bytes");
            }
            Ok(Answer { status, body })
        };
        let called = timeout(self.timeout, call).await;
        called
            .with_context(|| format!("no answer within {} ms", self.timeout.as_millis()))
            .flatten()
            // Parameters may have a signature, which does not belong in a log.
            .with_context(|| format!("calling {}", url.split('?').next().unwrap_or(url)))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// A server on loopback that gives one answer, and returns what it was asked.
    async fn asked(
        answer: String,
        call: impl AsyncFnOnce(HttpsClient, String) -> anyhow::Result<Answer>,
    ) -> (String, anyhow::Result<Answer>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut text = vec![0; 4_096];
            let length = stream.read(&mut text).await.unwrap();
            // A client that has read enough closes the connection.
            _ = stream.write_all(answer.as_bytes()).await;
            if answer.is_empty() {
                std::future::pending::<()>().await;
            }
            String::from_utf8_lossy(&text[..length]).into_owned()
        };
        let call = call(HttpsClient::new(Duration::from_millis(500)), url);
        if answer.is_empty() {
            return tokio::select! { _ = serve => unreachable!("it waits"), called = call => (String::new(), called) };
        }
        tokio::join!(serve, call)
    }

    fn http(body: &str) -> String {
        format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn a_form_is_sent_once_and_every_status_is_an_answer() {
        let (request, answer) =
            asked(http("{}"), async |client, url| client.post_form(&url, "code=1&x=%20".to_owned()).await).await;
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (400, b"{}".as_slice()));
        assert!(request.starts_with("POST /token HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("application/x-www-form-urlencoded") && request.ends_with("\r\ncode=1&x=%20"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_or_never_ends_is_given_up() {
        let (_, silent) = asked(String::new(), async |client, url| client.get(&url).await).await;
        assert!(format!("{:#}", silent.err().unwrap()).contains("no answer within 500 ms"));
        let (_, endless) = asked(http(&"x".repeat(MAX_ANSWER + 1)), async |client, url| client.get(&url).await).await;
        assert!(format!("{:#}", endless.err().unwrap()).contains("more than 65536 bytes"));
    }
}
