//! A minimal Lambda for one function: the Runtime API and the AWS services that it calls, on one loopback port.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{
    Parameters,
    http::{Connection, Message},
    services, tls,
};

const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";
const TIMEOUT: Duration = Duration::from_secs(10);
/// The path of SES's `SendEmail`, which has no `X-Amz-Target`; observers get it in its place.
pub const SEND_EMAIL: &str = "/v2/email/outbound-emails";

/// Receives each call to an AWS service before it is answered: its `X-Amz-Target`, of S3 the first line of the request, and its body.
pub type Observer = Arc<dyn Fn(&str, &[u8]) -> Reaction + Send + Sync>;

/// How the host continues after an observed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    Answer,
    /// The service answers with this JSON.
    AnswerWith(Value),
    /// The service refuses the call with this HTTP status and code.
    Refuse(u16, &'static str),
    /// The invocation ends without a response, and the call is never answered: the function is to be killed.
    End,
}

/// The objects of S3, by bucket and key: `/bucket/key`. Those that the function writes are dropped.
pub type Objects = Arc<BTreeMap<String, Vec<u8>>>;

/// How functions reach the AWS services of the host; the Runtime API has no TLS, as on Lambda.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Plain,
    /// Over TLS, with the certificate of this process.
    Tls,
}

/// The host of one function.
pub struct Host {
    pub address: SocketAddr,
    transport: Transport,
    events: Sender<Vec<u8>>,
    calls: Receiver<RuntimeCall>,
    is_over: Arc<AtomicBool>,
}

impl Drop for Host {
    /// Ends its thread and frees its port. Those of connections end with the function.
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        // `accept` waits for a connection.
        drop(TcpStream::connect(self.address));
    }
}

/// A call of the function to the Runtime API.
enum RuntimeCall {
    /// Request for the next event, with its time.
    Next(Instant),
    Response(Response),
    Error(String),
    /// None: an observer has ended the invocation.
    Ended,
}

/// The function's response to an event.
pub struct Response {
    pub body: Vec<u8>,
    /// From the delivery of the event to the arrival of the response.
    pub took: Duration,
}

/// State that all connections share.
struct Shared {
    parameters: Parameters,
    observer: Option<Observer>,
    objects: Objects,
    events: Mutex<Receiver<Vec<u8>>>,
    delivered: Mutex<Instant>,
    /// Whether the function has not responded to the event that was delivered last.
    is_working: AtomicBool,
    calls: Sender<RuntimeCall>,
}

impl Host {
    /// Listens until it is dropped.
    pub fn start(parameters: Parameters) -> Result<Self> {
        Self::start_with(parameters, None, Objects::default(), Transport::Plain)
    }

    /// The same with TLS.
    pub fn with_tls(parameters: &Parameters) -> Result<Self> {
        Self::start_with(parameters.clone(), None, Objects::default(), Transport::Tls)
    }

    /// The same with an observer of the calls to AWS services, and with objects of S3.
    pub fn start_with(
        parameters: Parameters,
        observer: Option<Observer>,
        objects: Objects,
        transport: Transport,
    ) -> Result<Self> {
        if transport == Transport::Tls {
            // An error of it is one of the start, and not of the first connection.
            tls::identity()?;
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on loopback")?;
        let address = listener.local_addr()?;
        let (events, next_events) = mpsc::channel();
        let (calls_sender, calls) = mpsc::channel();
        let shared = Arc::new(Shared {
            parameters,
            observer,
            objects,
            events: Mutex::new(next_events),
            delivered: Mutex::new(Instant::now()),
            is_working: AtomicBool::new(false),
            calls: calls_sender,
        });
        let is_over = Arc::new(AtomicBool::new(false));
        let ended = is_over.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = shared.clone();
                // Each measurement kills its function, so the error at the end of a connection is expected.
                thread::spawn(move || Connection::accept(stream).and_then(|connection| shared.serve(connection)));
            }
        });
        Ok(Self { address, transport, events, calls, is_over })
    }

    /// The URL of the AWS services.
    pub fn endpoint(&self) -> String {
        let scheme = if self.transport == Transport::Tls { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The file with the root certificate of the AWS services; none without TLS.
    pub fn certificates(&self) -> Option<PathBuf> {
        let identity = tls::identity().ok().filter(|_| self.transport == Transport::Tls)?;
        Some(identity.root_file())
    }

    /// Waits until the function requests an event, and returns the time of the request.
    pub fn wait_until_ready(&self) -> Result<Instant> {
        match self.expect_call("request for an event")? {
            RuntimeCall::Next(at) => Ok(at),
            RuntimeCall::Response(_) => bail!("the function sent a response without an event"),
            RuntimeCall::Error(error) => bail!("the function failed: {error}"),
            RuntimeCall::Ended => bail!("an observer has ended the invocation"),
        }
    }

    /// Sends an event to the function, which must be ready, and waits for its response and until it is ready again.
    pub fn invoke(&self, event: &[u8]) -> Result<Response> {
        self.invoke_within(event, TIMEOUT)?.with_context(|| no_call("response"))
    }

    /// The same with another timeout; none if the function has not responded by then, or if an observer has ended the
    /// invocation. It cannot be invoked again.
    pub fn invoke_within(&self, event: &[u8], limit: Duration) -> Result<Option<Response>> {
        self.events.send(event.to_vec()).context("the host has ended")?;
        let response = match self.next_call(limit)? {
            Some(RuntimeCall::Response(response)) => response,
            Some(RuntimeCall::Next(_)) => bail!("the function requested the next event without a response to this one"),
            Some(RuntimeCall::Error(error)) => bail!("the function failed: {error}"),
            Some(RuntimeCall::Ended) | None => return Ok(None),
        };
        self.wait_until_ready()?;
        Ok(Some(response))
    }

    fn expect_call(&self, expected: &str) -> Result<RuntimeCall> {
        self.next_call(TIMEOUT)?.with_context(|| no_call(expected))
    }

    fn next_call(&self, limit: Duration) -> Result<Option<RuntimeCall>> {
        match self.calls.recv_timeout(limit) {
            Ok(call) => Ok(Some(call)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => bail!("the host has ended"),
        }
    }
}

fn no_call(expected: &str) -> String {
    format!("no {expected} within {} s", TIMEOUT.as_secs())
}

impl Shared {
    /// Serves a connection until its end. One that has delivered an event lasts as long as the function: if it ends before the
    /// response, the function has exited.
    fn serve(&self, connection: Connection) -> io::Result<()> {
        let mut has_delivered = false;
        let served = self.serve_while_open(connection, &mut has_delivered);
        if has_delivered && self.is_working.load(Ordering::Relaxed) {
            self.report(RuntimeCall::Error("the process has exited".to_owned()));
        }
        served
    }

    fn serve_while_open(&self, mut connection: Connection, has_delivered: &mut bool) -> io::Result<()> {
        while let Some(message) = connection.read()? {
            let now = Instant::now();
            if message.start.starts_with(NEXT) {
                self.report(RuntimeCall::Next(now));
                let Ok(event) = lock(&self.events).recv() else { break };
                *lock(&self.delivered) = Instant::now();
                self.is_working.store(true, Ordering::Relaxed);
                *has_delivered = true;
                deliver(&mut connection, &event)?;
            } else {
                self.handle(message, now, &mut connection)?;
            }
        }
        Ok(())
    }

    /// Handles a call to an AWS service (path `/`), a response or an error.
    fn handle(&self, message: Message, now: Instant, connection: &mut Connection) -> io::Result<()> {
        let path = message.start.split(' ').nth(1).unwrap_or_default();
        if path == "/" {
            let target = message.header("x-amz-target");
            let reaction = self.observer.as_ref().map_or(Reaction::Answer, |observe| observe(target, &message.body));
            let response = match reaction {
                Reaction::Answer => services::respond(target, &message.body, &self.parameters),
                Reaction::AnswerWith(response) => Some(response),
                Reaction::Refuse(status, code) => {
                    let error = json!({ "__type": code, "message": "refused by the drill" }).to_string();
                    return connection.write(&[&format!("HTTP/1.1 {status} Refused")], error.as_bytes());
                }
                Reaction::End => {
                    self.report(RuntimeCall::Ended);
                    // Until the function is killed: it would repeat a call whose connection is closed.
                    while connection.read()?.is_some() {}
                    return Ok(());
                }
            };
            let Some(response) = response else { return connection.write(&["HTTP/1.1 400 Bad Request"], b"{}") };
            return connection.write(&["HTTP/1.1 200 OK"], response.to_string().as_bytes());
        }
        // The archive is written by signed links.
        let is_signed_link = path.contains("X-Amz-Signature=");
        if is_signed_link || message.header("authorization").contains("/s3/aws4_request") {
            let reaction = self.observer.as_ref().map(|observe| observe(&message.start, &message.body));
            if let Some(Reaction::Refuse(status, code)) = reaction {
                let error = format!("<Error><Code>{code}</Code></Error>");
                return connection.write(&[&format!("HTTP/1.1 {status} Refused")], error.as_bytes());
            }
            return self.handle_object(&message.start, connection);
        }
        if path == SEND_EMAIL {
            let observed = self.observer.as_ref().map(|observe| observe(SEND_EMAIL, &message.body));
            return match observed {
                Some(Reaction::Refuse(status, _)) => connection.write(&[&format!("HTTP/1.1 {status} Refused")], b"{}"),
                _ => connection.write(&["HTTP/1.1 200 OK"], br#"{"MessageId":"bench"}"#),
            };
        }
        self.is_working.store(false, Ordering::Relaxed);
        if path.ends_with("/response") {
            let took = now - *lock(&self.delivered);
            self.report(RuntimeCall::Response(Response { body: message.body, took }));
        } else {
            self.report(RuntimeCall::Error(String::from_utf8_lossy(&message.body).into_owned()));
        }
        connection.write(&["HTTP/1.1 202 Accepted"], json!({ "status": "OK" }).to_string().as_bytes())
    }

    fn handle_object(&self, start: &str, connection: &mut Connection) -> io::Result<()> {
        let (method, path) = start.split_once(' ').unwrap_or_default();
        let path = path.split(['?', ' ']).next().unwrap_or_default();
        match (method, self.objects.get(path)) {
            ("PUT", _) => connection.write(&["HTTP/1.1 200 OK", "ETag: \"bench\""], b""),
            (_, Some(object)) => connection.write(&["HTTP/1.1 200 OK", "ETag: \"bench\""], object),
            (_, None) => connection.write(&["HTTP/1.1 404 Not Found"], b""),
        }
    }

    /// Fails only after the end of the measurement, when the receiver is gone.
    fn report(&self, call: RuntimeCall) {
        let _ = self.calls.send(call);
    }
}

/// Ignores poisoning, because every critical section is a single operation.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deliver(connection: &mut Connection, event: &[u8]) -> io::Result<()> {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + TIMEOUT;
    let deadline = format!("Lambda-Runtime-Deadline-Ms: {}", deadline.as_millis());
    let head = [
        "HTTP/1.1 200 OK",
        "Content-Type: application/json",
        "Lambda-Runtime-Aws-Request-Id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:bench",
        "Lambda-Runtime-Trace-Id: Root=1-67891233-abcdef012345678912345678;Sampled=0",
        &deadline,
    ];
    connection.write(&head, event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &str = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response HTTP/1.1";
    const ERROR: &str = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/error HTTP/1.1";

    /// A function that makes one of these calls after each event, and then requests one more event.
    fn function(host: &Host, calls: &'static [(&str, &str)]) {
        let address = host.address;
        thread::spawn(move || {
            let mut connection = Connection::to(address).unwrap();
            for (head, body) in calls {
                connection.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
                connection.read().unwrap().unwrap();
                connection.write(&[head], body.as_bytes()).unwrap();
                connection.read().unwrap().unwrap();
            }
            connection.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
            connection.read().unwrap();
        });
    }

    #[test]
    fn each_event_gets_its_own_response() {
        let host = Host::start(Parameters::default()).unwrap();
        function(&host, &[(RESPONSE, "one"), (RESPONSE, "two")]);
        host.wait_until_ready().unwrap();
        assert_eq!(host.invoke(b"{}").unwrap().body, b"one");
        assert_eq!(host.invoke(b"{}").unwrap().body, b"two");
    }

    #[test]
    fn a_host_that_is_dropped_frees_its_port() {
        let host = Host::start(Parameters::default()).unwrap();
        let address = host.address;
        drop(Connection::to(address).unwrap());
        drop(host);
        let until = Instant::now() + Duration::from_secs(5);
        while TcpListener::bind(address).is_err() {
            assert!(Instant::now() < until, "{address} is still in use");
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn a_function_that_has_not_responded_by_then_is_no_error() {
        let host = Host::start(Parameters::default()).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
        host.wait_until_ready().unwrap();
        assert!(host.invoke_within(b"{}", Duration::from_millis(10)).unwrap().is_none());
    }

    #[test]
    fn calls_to_services_are_observed_before_they_are_answered() {
        let (seen, calls) = mpsc::channel();
        let observer: Observer = Arc::new(move |target, body| {
            seen.send((target.to_owned(), body.to_vec())).unwrap();
            Reaction::Answer
        });
        let host =
            Host::start_with(Parameters::default(), Some(observer), Objects::default(), Transport::Plain).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&["POST / HTTP/1.1", "X-Amz-Target: AmazonSQS.SendMessage"], b"{}").unwrap();
        connection.read().unwrap().unwrap();
        assert_eq!(calls.try_recv().unwrap(), ("AmazonSQS.SendMessage".to_owned(), b"{}".to_vec()));
    }

    #[test]
    fn an_observer_ends_an_invocation_whose_call_is_never_answered() {
        let observer: Observer = Arc::new(|_, _| Reaction::End);
        let host =
            Host::start_with(Parameters::default(), Some(observer), Objects::default(), Transport::Plain).unwrap();
        let (mut runtime, mut service) = (Connection::to(host.address).unwrap(), Connection::to(host.address).unwrap());
        runtime.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
        host.wait_until_ready().unwrap();
        let (ended, answers) = mpsc::channel();
        thread::spawn(move || {
            service.write(&["POST / HTTP/1.1", "X-Amz-Target: AmazonSQS.SendMessage"], b"{}").unwrap();
            let _ = ended.send(service.read().is_ok());
        });
        let began = Instant::now();
        assert!(host.invoke_within(b"{}", Duration::from_secs(5)).unwrap().is_none());
        assert!(began.elapsed() < Duration::from_secs(5), "before the timeout");
        assert!(answers.recv_timeout(Duration::from_millis(50)).is_err(), "the call has an answer");
    }

    #[test]
    fn a_client_that_trusts_the_root_file_reaches_the_services_over_tls() {
        let host = Host::with_tls(&Parameters([("/a/b".to_owned(), "1".to_owned())].into())).unwrap();
        assert!(host.endpoint().starts_with("https://127.0.0.1:"));
        let root = std::fs::read(host.certificates().unwrap()).unwrap();
        let answer = tls::tests::post(host.address, &root, "AmazonSSM.GetParameters", r#"{"Names":["/a/b"]}"#);
        assert!(answer.contains(r#""Value":"1""#), "{answer}");
    }

    #[test]
    fn an_error_of_the_function_is_reported() {
        let host = Host::start(Parameters::default()).unwrap();
        function(&host, &[(ERROR, "no such book")]);
        host.wait_until_ready().unwrap();
        assert_eq!(host.invoke(b"{}").err().unwrap().to_string(), "the function failed: no such book");
    }

    #[test]
    fn a_failed_init_phase_is_reported_before_the_timeout() {
        let host = Host::start(Parameters::default()).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&["POST /2018-06-01/runtime/init/error HTTP/1.1"], b"no parameters").unwrap();
        assert_eq!(host.wait_until_ready().err().unwrap().to_string(), "the function failed: no parameters");
    }

    #[test]
    fn an_event_has_the_headers_of_the_runtime_api() {
        let host = Host::start(Parameters::default()).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
        host.wait_until_ready().unwrap();
        host.events.send(b"{}".to_vec()).unwrap();
        let event = connection.read().unwrap().unwrap();
        assert_eq!((event.start.as_str(), event.body.as_slice()), ("HTTP/1.1 200 OK", &b"{}"[..]));
        for name in ["aws-request-id", "deadline-ms", "invoked-function-arn", "trace-id"] {
            assert!(!event.header(&format!("lambda-runtime-{name}")).is_empty(), "{name}");
        }
    }
}
