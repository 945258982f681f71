//! A minimal Lambda around one function: its Runtime API, and the services that it calls, on one port of loopback.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::{
    Parameters,
    http::{Connection, Message},
    services,
};

const NEXT: &str = "GET /2018-06-01/runtime/invocation/next ";
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Host {
    pub address: SocketAddr,
    events: Sender<Vec<u8>>,
    heard: Receiver<Heard>,
}

/// What the function says, and when.
enum Heard {
    /// It asks for an event.
    Ready(Instant),
    Answer(Answer),
    Failure(String),
}

pub struct Answer {
    pub body: Vec<u8>,
    /// From the first byte of the event to the last of the answer.
    pub took: Duration,
}

/// What every connection has in common.
struct Shared {
    parameters: Parameters,
    events: Mutex<Receiver<Vec<u8>>>,
    handed_out: Mutex<Instant>,
    heard: Sender<Heard>,
}

impl Host {
    /// Listens until the program ends.
    pub fn start(parameters: Parameters) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on loopback")?;
        let address = listener.local_addr()?;
        let (events, taken) = mpsc::channel();
        let (says, heard) = mpsc::channel();
        let shared = Arc::new(Shared {
            parameters,
            events: Mutex::new(taken),
            handed_out: Mutex::new(Instant::now()),
            heard: says,
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // A connection ends in an error when its function is ended, which is how each measurement ends.
                thread::spawn(move || Connection::of(stream).and_then(|connection| shared.serve(connection)));
            }
        });
        Ok(Self { address, events, heard })
    }

    /// Waits until the function asks for an event, and tells when it did.
    pub fn ready(&self) -> Result<Instant> {
        match self.listen("asks for no event")? {
            Heard::Ready(at) => Ok(at),
            Heard::Answer(_) => bail!("it answers what it was not asked"),
            Heard::Failure(why) => bail!("it fails: {why}"),
        }
    }

    /// Hands an event to the function, which is ready, and waits until it is so again.
    pub fn invoke(&self, event: &[u8]) -> Result<Answer> {
        self.events.send(event.to_vec()).context("the host has ended")?;
        let answer = match self.listen("does not answer")? {
            Heard::Answer(answer) => answer,
            Heard::Ready(_) => bail!("it asks for the next event without an answer to this one"),
            Heard::Failure(why) => bail!("it fails: {why}"),
        };
        self.ready()?;
        Ok(answer)
    }

    fn listen(&self, complaint: &str) -> Result<Heard> {
        match self.heard.recv_timeout(PATIENCE) {
            Ok(heard) => Ok(heard),
            Err(RecvTimeoutError::Timeout) => bail!("it {complaint} within {} s", PATIENCE.as_secs()),
            Err(RecvTimeoutError::Disconnected) => bail!("the host has ended"),
        }
    }
}

impl Shared {
    fn serve(&self, mut connection: Connection) -> io::Result<()> {
        while let Some(message) = connection.read()? {
            let now = Instant::now();
            if message.start.starts_with(NEXT) {
                self.say(Heard::Ready(now));
                let Ok(event) = lock(&self.events).recv() else { break };
                *lock(&self.handed_out) = Instant::now();
                hand_out(&mut connection, &event)?;
            } else {
                self.take(message, now, &mut connection)?;
            }
        }
        Ok(())
    }

    fn take(&self, message: Message, now: Instant, connection: &mut Connection) -> io::Result<()> {
        let path = message.start.split(' ').nth(1).unwrap_or_default();
        if path == "/" {
            let answer = services::answer(message.header("x-amz-target"), &message.body, &self.parameters);
            let Some(answer) = answer else { return connection.write(&["HTTP/1.1 400 Bad Request"], b"{}") };
            return connection.write(&["HTTP/1.1 200 OK"], answer.to_string().as_bytes());
        }
        if path.ends_with("/response") {
            let took = now - *lock(&self.handed_out);
            self.say(Heard::Answer(Answer { body: message.body, took }));
        } else {
            self.say(Heard::Failure(String::from_utf8_lossy(&message.body).into_owned()));
        }
        connection.write(&["HTTP/1.1 202 Accepted"], json!({ "status": "OK" }).to_string().as_bytes())
    }

    /// Nobody listens any more once the measurement has ended.
    fn say(&self, heard: Heard) {
        let _ = self.heard.send(heard);
    }
}

/// A thread that panicked with it leaves nothing half-done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hand_out(connection: &mut Connection, event: &[u8]) -> io::Result<()> {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
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

    const ANSWER: &str = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response HTTP/1.1";
    const ERROR: &str = "POST /2018-06-01/runtime/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/error HTTP/1.1";

    /// A function that says these things, each but the last upon an event, and then waits.
    fn function(host: &Host, said: &'static [(&str, &str)]) {
        let address = host.address;
        thread::spawn(move || {
            let mut connection = Connection::to(address).unwrap();
            for (head, body) in said {
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
    fn each_event_gets_its_own_answer() {
        let host = Host::start(Parameters::default()).unwrap();
        function(&host, &[(ANSWER, "one"), (ANSWER, "two")]);
        host.ready().unwrap();
        assert_eq!(host.invoke(b"{}").unwrap().body, b"one");
        assert_eq!(host.invoke(b"{}").unwrap().body, b"two");
    }

    #[test]
    fn an_error_is_told_in_the_functions_own_words() {
        let host = Host::start(Parameters::default()).unwrap();
        function(&host, &[(ERROR, "no such book")]);
        host.ready().unwrap();
        assert_eq!(host.invoke(b"{}").err().unwrap().to_string(), "it fails: no such book");
    }

    #[test]
    fn a_start_that_fails_is_not_waited_for() {
        let host = Host::start(Parameters::default()).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&["POST /2018-06-01/runtime/init/error HTTP/1.1"], b"no parameters").unwrap();
        assert_eq!(host.ready().err().unwrap().to_string(), "it fails: no parameters");
    }

    #[test]
    fn an_event_carries_what_the_runtime_wants_to_know() {
        let host = Host::start(Parameters::default()).unwrap();
        let mut connection = Connection::to(host.address).unwrap();
        connection.write(&[&format!("{NEXT}HTTP/1.1")], b"").unwrap();
        host.ready().unwrap();
        host.events.send(b"{}".to_vec()).unwrap();
        let event = connection.read().unwrap().unwrap();
        assert_eq!((event.start.as_str(), event.body.as_slice()), ("HTTP/1.1 200 OK", &b"{}"[..]));
        for name in ["aws-request-id", "deadline-ms", "invoked-function-arn", "trace-id"] {
            assert!(!event.header(&format!("lambda-runtime-{name}")).is_empty(), "{name}");
        }
    }
}
