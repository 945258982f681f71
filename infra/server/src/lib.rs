//! The shop's handlers behind one HTTP server, for containers: the same functions by the same route table as behind Lambda.
//!
//! Handlers stay on one thread, as in a function: each thread has its own connections and takes accepted sockets in turn. Slow
//! clients, large bodies, many requests and many sockets are bounded ([`Limits`]). After SIGTERM the process ends when its
//! requests are answered, or after [`Limits::stop_within`]. It listens once every thread is ready, and ends when one fails.

mod connection;
mod drain;
mod shop;

use std::{
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use futures_util::FutureExt;
use infra::containers::Service;
use shared::{Request, error::ApiError, http::Response};
use tokio::{
    net::TcpListener,
    runtime,
    signal::unix::{SignalKind, signal},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch},
    task::LocalSet,
    time::timeout,
};

use crate::{connection::Worker, drain::Phase, shop::Shop};

/// One server process.
pub struct Server {
    pub service: Service,
    /// Connections to the database that the process opens at most.
    pub connections: usize,
    pub threads: usize,
    pub limits: Limits,
}

/// Bounds of what callers can take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sockets at once.
    pub sockets: usize,
    /// Sockets beyond these, whose requests are answered 503, except the health check. Others wait in the queue of the listener.
    pub spare_sockets: usize,
    /// Requests at once. Others are answered 503.
    pub requests: usize,
    /// Bytes of a body, the most that a load balancer sends to a function.
    pub body: usize,
    /// Bytes of all bodies at once that have come.
    pub bodies: usize,
    /// The same for bodies of more than a handler takes, or of unknown size: a page shows again what was typed.
    pub large_bodies: usize,
    /// Bytes of all responses at once that their clients have not taken.
    pub responses: usize,
    /// Until a body has arrived.
    pub body_within: Duration,
    /// A socket without a request in progress is closed after this time, or up to twice of it after a response: it is longer than
    /// a load balancer keeps an idle socket, 60 seconds, because it must be the one that closes it.
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html>
    pub idle_for: Duration,
    /// The same for a spare socket.
    pub spare_idle_for: Duration,
    /// A client that takes none of a response for this time loses its socket.
    pub taken_within: Duration,
    /// After SIGTERM, while new sockets are still accepted: the load balancer may not know yet. A service of ECS takes a task out of
    /// it before; a task that is stopped by hand got requests for some 17 seconds.
    /// <https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/2366>
    pub accept_for: Duration,
    /// From SIGTERM to the end of the process, below the 30 seconds after which ECS kills a task.
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_definition_parameters.html#container_definition_timeout>
    pub stop_within: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sockets: 1_000,
            spare_sockets: 100,
            requests: 256,
            body: 1_000_000,
            bodies: 16_000_000,
            large_bodies: 32_000_000,
            responses: 64_000_000,
            body_within: Duration::from_secs(10),
            idle_for: Duration::from_secs(75),
            spare_idle_for: Duration::from_secs(5),
            taken_within: Duration::from_secs(30),
            accept_for: Duration::from_secs(15),
            stop_within: Duration::from_secs(25),
        }
    }
}

/// The handlers of a thread, or a stand-in for them in tests.
trait Site: 'static {
    async fn respond(&self, request: Request) -> Response;

    /// A response that asks no handler, in the form of its caller.
    fn refuse(&self, request: Request, error: &ApiError) -> Response;
}

/// Bounds that all threads share.
struct Bounds {
    requests: Arc<Semaphore>,
    bodies: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
    responses: Arc<Semaphore>,
}

/// A socket with its permit.
struct Accepted {
    socket: TcpStream,
    permit: OwnedSemaphorePermit,
    is_spare: bool,
    /// Counts it among those of its thread.
    counted: Counted,
}

/// One of the sockets that a thread has open, until it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Relaxed);
        Self(open.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A thread that takes sockets, with the number that it has open.
struct Thread {
    sockets: mpsc::Sender<Accepted>,
    open: Arc<AtomicUsize>,
}

impl Server {
    /// Serves until SIGTERM or SIGINT.
    ///
    /// # Errors
    /// The port is in use, or a thread fails.
    pub fn run(&self, port: u16) -> Result<()> {
        let service = self.service;
        self.serve(port, &async move |connections| Shop::open(service, connections).await)
    }

    /// The same for a site, which each thread opens with its part of the connections.
    fn serve<S: Site>(
        &self,
        port: u16,
        open: &(impl AsyncFn(usize) -> Result<S> + Clone + Send + 'static),
    ) -> Result<()> {
        let (phase, phases) = watch::channel(Phase::Serving);
        let threads = self.threads.clamp(1, self.connections.max(1));
        let bounds = Arc::new(Bounds {
            requests: Arc::new(Semaphore::new(self.limits.requests)),
            bodies: Arc::new(Semaphore::new(self.limits.bodies)),
            large_bodies: Arc::new(Semaphore::new(self.limits.large_bodies)),
            responses: Arc::new(Semaphore::new(self.limits.responses)),
        });
        let (ready, readiness) = mpsc::channel(threads);
        let mut workers = Vec::new();
        let mut joined = Vec::new();
        for number in 0..threads {
            let (sender, sockets) = mpsc::channel(self.limits.sockets + self.limits.spare_sockets);
            let (limits, connections) = (self.limits, share(self.connections, threads, number));
            let (open, ready) = (open.clone(), ready.clone());
            let (phases, bounds) = (phases.clone(), bounds.clone());
            let work = move || {
                work(sockets, async || {
                    let site = open(connections).await?;
                    _ = ready.send(()).await;
                    drop(ready);
                    Ok(Worker::new(site, limits, bounds, phases))
                })
            };
            joined.push(thread::Builder::new().name(format!("worker-{number}")).spawn(work)?);
            workers.push(Thread { sockets: sender, open: Arc::default() });
        }
        drop((phases, ready));
        let accepting = runtime::Builder::new_current_thread().enable_all().build()?;
        let accepted = accepting.block_on(self.accept(port, readiness, workers, &phase));
        for worker in joined {
            worker.join().map_err(|_| anyhow!("a thread panicked"))??;
        }
        accepted
    }

    /// Gives each accepted socket to the thread that has the fewest, until some time after a signal; then waits until they have
    /// ended.
    async fn accept(
        &self,
        port: u16,
        mut readiness: mpsc::Receiver<()>,
        threads: Vec<Thread>,
        phase: &watch::Sender<Phase>,
    ) -> Result<()> {
        let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut open = async || -> Result<()> {
            for _ in &threads {
                // Its error is the one of its thread, which `serve` returns.
                readiness.recv().await.context("a thread has ended")?;
            }
            Ok(())
        };
        tokio::select! {
            opened = open() => opened?,
            _ = terminated.recv() => return Ok(()),
            _ = interrupted.recv() => return Ok(()),
        }
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
        let listener = listener.with_context(|| format!("listening on port {port}"))?;
        let (port, threads_open) = (listener.local_addr()?.port(), threads.len());
        tracing::info!(port, threads = threads_open, service = self.service.name(), "Serving");
        let sockets = Arc::new(Semaphore::new(self.limits.sockets));
        let spare_sockets = Arc::new(Semaphore::new(self.limits.spare_sockets));
        let accept = async || -> Result<()> {
            loop {
                let (permit, is_spare) = match sockets.clone().try_acquire_owned() {
                    Ok(permit) => (permit, false),
                    Err(_) => (spare_sockets.clone().acquire_owned().await?, true),
                };
                let socket = match listener.accept().await {
                    Ok((socket, _)) => socket.into_std()?,
                    Err(error) => {
                        // No file descriptor is left, or the client has gone.
                        tracing::warn!(%error, "Socket not accepted");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        continue;
                    }
                };
                // One may have become free while this waited for a socket.
                let (permit, is_spare) = match sockets.clone().try_acquire_owned() {
                    Ok(free) if is_spare => (free, false),
                    _ => (permit, is_spare),
                };
                let thread = threads.iter().min_by_key(|thread| thread.open.load(Relaxed));
                let thread = thread.context("there are no threads")?;
                let accepted = Accepted { socket, permit, is_spare, counted: Counted::new(&thread.open) };
                // There is room for all sockets, and nothing is waited for, so none is lost when this is cancelled.
                thread.sockets.try_send(accepted).map_err(|_| anyhow!("a thread has ended"))?;
            }
        };
        let accept_for = tokio::select! {
            ended = accept() => return ended,
            _ = terminated.recv() => self.limits.accept_for,
            // Ctrl-C: nobody is in front.
            _ = interrupted.recv() => Duration::ZERO,
        };
        tracing::info!("Ending: no new requests are wanted");
        phase.send_replace(Phase::Draining);
        let began = tokio::time::Instant::now();
        if let Ok(ended) = timeout(accept_for, accept()).await {
            ended?;
        }
        // Those that the system has accepted by now.
        accept().now_or_never().transpose()?;
        drop(listener);
        phase.send_replace(Phase::Closing);
        let all = u32::try_from(self.limits.sockets).unwrap_or(u32::MAX);
        let left = self.limits.stop_within.saturating_sub(began.elapsed());
        if timeout(left, sockets.acquire_many(all)).await.is_err() {
            tracing::warn!(sockets = self.limits.sockets - sockets.available_permits(), "Ending with open sockets");
        }
        drop(threads);
        phase.send_replace(Phase::Ended);
        Ok(())
    }
}

/// The part of a thread: all parts together are the whole.
fn share(whole: usize, parts: usize, number: usize) -> usize {
    whole / parts + usize::from(number < whole % parts)
}

/// One thread: its site, and the sockets that it is given.
fn work<S: Site>(mut sockets: mpsc::Receiver<Accepted>, open: impl AsyncFnOnce() -> Result<Worker<S>>) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let worker = open().await?;
        while let Some(accepted) = sockets.recv().await {
            worker.clone().serve(accepted);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;
    use shared::http::Reply;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
        time::sleep,
    };

    use super::*;

    /// Answers what it was asked for, after as many milliseconds as the path says; counts the answers of one path, and has a large
    /// answer at another.
    struct Echo;

    static COUNTED: AtomicUsize = AtomicUsize::new(0);
    /// Bytes of a response, more than the system takes from a process before the client has.
    const LARGE: usize = 30_000_000;

    impl Site for Echo {
        async fn respond(&self, request: Request) -> Response {
            sleep(Duration::from_millis(request.segment(0).parse().unwrap_or(0))).await;
            COUNTED.fetch_add(usize::from(request.segment(1) == "counted"), Relaxed);
            if request.segment(1) == "large" {
                return Reply::text("text/plain", "a".repeat(LARGE)).finish(&request);
            }
            let asked = json!({ "host": request.header("host"), "bytes": request.body().len() });
            Reply::text("text/plain", asked.to_string()).finish(&request)
        }

        fn refuse(&self, request: Request, error: &ApiError) -> Response {
            Reply::problem(error, &request.id).finish(&request)
        }
    }

    /// Starts a server that stays until the tests end. Returns its port.
    async fn started(limits: Limits) -> u16 {
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let server = Server { service: Service::Api, connections: 2, threads: 2, limits };
        thread::spawn(move || server.serve(port, &async |_| Ok(Echo)).unwrap());
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
        // The socket that found it open has ended by now.
        sleep(Duration::from_millis(100)).await;
        port
    }

    fn limits() -> Limits {
        Limits { idle_for: Duration::from_secs(2), spare_idle_for: Duration::from_millis(500), ..Limits::default() }
    }

    async fn socket(port: u16) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap()
    }

    /// All that comes in answer, until the server closes the socket.
    async fn answer(mut socket: TcpStream, text: &str) -> String {
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // After a refusal it may be reset.
        _ = socket.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    async fn asked(port: u16, text: &str) -> String {
        answer(socket(port).await, text).await
    }

    #[tokio::test]
    async fn sockets_that_ask_for_nothing_are_closed_and_do_not_fail_the_health_check() {
        let port = started(Limits { sockets: 8, ..limits() }).await;
        let began = Instant::now();
        let mut sockets = Vec::new();
        // Nothing, half a preface of HTTP/2, a whole one, half a header.
        for sent in ["", "PRI * HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/1.1\r\nHost: "].repeat(2) {
            let mut socket = socket(port).await;
            socket.write_all(sent.as_bytes()).await.unwrap();
            sockets.push(socket);
        }
        sleep(Duration::from_millis(200)).await;
        let ready = asked(port, "GET /ready HTTP/1.1\r\nHost: shop\r\n\r\n").await;
        assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
        let other = asked(port, "GET /0 HTTP/1.1\r\nHost: shop\r\n\r\n").await;
        assert!(other.starts_with("HTTP/1.1 503 ") && other.to_lowercase().contains("\r\nretry-after: "), "{other}");
        for mut socket in sockets {
            let mut rest = Vec::new();
            _ = socket.read_to_end(&mut rest).await;
        }
        assert!(began.elapsed() >= Duration::from_secs(2));
        let after = asked(port, "GET /0 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").await;
        assert!(after.starts_with("HTTP/1.1 200 "), "{after}");
    }

    #[tokio::test]
    async fn a_request_whose_client_has_left_goes_on_and_counts_until_it_ends() {
        let port = started(Limits { requests: 1, ..limits() }).await;
        let mut left = socket(port).await;
        left.write_all(b"GET /600/counted HTTP/1.1\r\nHost: shop\r\n\r\n").await.unwrap();
        sleep(Duration::from_millis(150)).await;
        drop(left);
        sleep(Duration::from_millis(150)).await;
        let get = "GET /0 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        let meanwhile = asked(port, get).await;
        assert!(meanwhile.starts_with("HTTP/1.1 503 "), "{meanwhile}");
        sleep(Duration::from_millis(800)).await;
        assert_eq!(COUNTED.load(Relaxed), 1);
        let after = asked(port, get).await;
        assert!(after.starts_with("HTTP/1.1 200 "), "{after}");
    }

    #[tokio::test]
    async fn a_request_may_take_longer_than_a_socket_may_be_idle() {
        let port = started(limits()).await;
        let slow = asked(port, "GET /2500 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n").await;
        assert!(slow.starts_with("HTTP/1.1 200 "), "{slow}");
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_or_too_slow_or_one_too_many_is_refused() {
        let sent = |bytes: usize, body: &str| {
            format!("POST /0 HTTP/1.1\r\nHost: shop\r\nContent-Length: {bytes}\r\n\r\n{body}")
        };
        let body_within = Duration::from_millis(600);
        let port = started(Limits { body: 1_000, bodies: 100, body_within, ..limits() }).await;
        // All of it is sent before the answer is read.
        let large = asked(port, &sent(8_000_000, &"a".repeat(8_000_000))).await;
        assert!(large.starts_with("HTTP/1.1 413 "), "{large}");
        let held_back = sent(1_001, "").replace("Host", "Expect: 100-continue\r\nHost");
        let began = Instant::now();
        let held_back = asked(port, &held_back).await;
        assert!(held_back.starts_with("HTTP/1.1 413 ") && began.elapsed() < body_within, "{held_back}");
        let chunk = "3e8\r\n".to_owned() + &"a".repeat(1_000) + "\r\n1\r\na\r\n0\r\n\r\n";
        let chunked =
            asked(port, &format!("POST /0 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")).await;
        assert!(chunked.starts_with("HTTP/1.1 413 "), "{chunked}");
        for (arrived, status) in [(1, 200), (81, 503)] {
            let slow = sent(90, &"a".repeat(arrived));
            let slow = tokio::spawn(answer(socket(port).await, &*Box::leak(slow.into_boxed_str())));
            sleep(Duration::from_millis(200)).await;
            let other = sent(20, &"a".repeat(20)).replace("Host", "Connection: close\r\nHost");
            let other = asked(port, &other).await;
            assert!(other.starts_with(&format!("HTTP/1.1 {status} ")), "{arrived} have arrived: {other}");
            let slow = slow.await.unwrap();
            assert!(slow.starts_with("HTTP/1.1 400 ") && slow.contains("did not arrive within"), "{slow}");
        }
    }

    #[tokio::test]
    async fn a_response_counts_until_its_client_has_taken_it() {
        let port = started(Limits { responses: LARGE + 1_000, ..limits() }).await;
        let get = "GET /0/large HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
        let mut slow = socket(port).await;
        slow.write_all(get.as_bytes()).await.unwrap();
        sleep(Duration::from_millis(300)).await;
        let one_too_many = asked(port, get).await;
        assert!(one_too_many.starts_with("HTTP/1.1 503 "), "{one_too_many}");
        let mut taken = Vec::new();
        slow.read_to_end(&mut taken).await.unwrap();
        assert!(taken.len() > LARGE, "{}", taken.len());
        let after = asked(port, get).await;
        assert!(after.starts_with("HTTP/1.1 200 ") && after.len() > LARGE, "{}", after.len());
    }

    #[tokio::test]
    async fn a_header_has_a_limit_and_the_host_of_an_absolute_address_counts() {
        let port = started(limits()).await;
        let long = format!("GET /0 HTTP/1.1\r\nHost: shop\r\nX: {}\r\n\r\n", "a".repeat(100_000));
        let refused = asked(port, &long).await;
        assert!(refused.starts_with("HTTP/1.1 431 "), "{refused}");
        let absolute = "GET http://right/0 HTTP/1.1\r\nHost: wrong\r\nConnection: close\r\n\r\n";
        let answered = asked(port, absolute).await;
        assert!(answered.ends_with(r#"{"bytes":0,"host":"right"}"#), "{answered}");
    }

    #[test]
    fn a_thread_that_cannot_open_its_site_ends_the_server_before_it_listens() {
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let server = Server { service: Service::Api, connections: 3, threads: 2, limits: limits() };
        let open = async |connections| {
            anyhow::ensure!(connections != 2, "no parameters");
            Ok(Echo)
        };
        assert_eq!(server.serve(port, &open).unwrap_err().to_string(), "no parameters");
    }

    /// With one socket for each, since a thread serves its sockets alone.
    #[tokio::test]
    async fn a_new_socket_comes_to_the_thread_that_has_the_fewest() {
        let opened = Arc::new(AtomicUsize::new(0));
        let port = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let server = Server { service: Service::Api, connections: 2, threads: 2, limits: limits() };
        let open = async move |_| Ok(Named(opened.fetch_add(1, Relaxed)));
        thread::spawn(move || server.serve(port, &open).unwrap());
        let get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
        let thread_of = async |socket: &mut TcpStream| {
            socket.write_all(get.as_bytes()).await.unwrap();
            let mut answer = [0; 4_096];
            let length = socket.read(&mut answer).await.unwrap();
            answer[length - 1]
        };
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
        sleep(Duration::from_millis(100)).await;
        let mut sockets = Vec::new();
        for _ in 0..4 {
            let mut socket = socket(port).await;
            let thread = thread_of(&mut socket).await;
            sockets.push((socket, thread));
        }
        let busy = sockets[0].1;
        sockets.retain(|(_, thread)| *thread == busy);
        assert_eq!(sockets.len(), 2);
        sleep(Duration::from_millis(100)).await;
        for _ in 0..2 {
            let mut socket = socket(port).await;
            assert_ne!(thread_of(&mut socket).await, busy);
            sockets.push((socket, 0));
        }
    }

    /// Answers its number.
    struct Named(usize);

    impl Site for Named {
        async fn respond(&self, request: Request) -> Response {
            Reply::text("text/plain", self.0.to_string()).finish(&request)
        }

        fn refuse(&self, request: Request, error: &ApiError) -> Response {
            Reply::problem(error, &request.id).finish(&request)
        }
    }

    #[test]
    fn threads_share_the_connections() {
        let shares = |whole, threads| (0..threads).map(|number| share(whole, threads, number)).collect::<Vec<_>>();
        assert_eq!(shares(8, 3), [3, 3, 2]);
        assert_eq!(shares(2, 2), [1, 1]);
    }
}
