//! One socket: requests of HTTP/1.1, or of HTTP/2 without TLS, for the handlers of its thread.

use std::{cell::Cell, convert::Infallible, net::TcpStream, pin::pin, rc::Rc, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    StatusCode, Version,
    body::{Body, Incoming},
    header::{self, HeaderMap, HeaderValue},
    http::request::Parts,
    rt::Executor,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use infra::containers::READY;
use rustix::net::sockopt::set_tcp_user_timeout;
use shared::{
    Request,
    error::ApiError,
    http::{MAX_BODY, Response},
    invalid::Invalid,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::spawn_local,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::{Accepted, Bounds, Limits, Site, drain::Phase};

/// State that the sockets of a thread share.
pub struct Worker<S> {
    site: Rc<S>,
    limits: Limits,
    bounds: Arc<Bounds>,
    phases: watch::Receiver<Phase>,
}

impl<S> Clone for Worker<S> {
    fn clone(&self) -> Self {
        let Self { site, limits, bounds, phases } = self;
        Self { site: site.clone(), limits: *limits, bounds: bounds.clone(), phases: phases.clone() }
    }
}

/// Bytes of a request's header, as many as a load balancer takes.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>
const MAX_HEADER: u32 = 64 * 1024;

/// Bytes of a refused body that are read nevertheless: more than a form of the shop has by mistake.
const MAX_DISCARDED: u64 = 20_000_000;
/// The same as time, where there are too many sockets.
const SPARE_BODY_WITHIN: Duration = Duration::from_secs(1);

/// When the process ends, a socket that has asked for nothing yet has this time: its first request may be under way.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_millis(500);

/// The requests of one socket.
struct Activity {
    in_progress: Cell<usize>,
    has_asked: Cell<bool>,
    /// Since its last request began or ended, or it was accepted.
    since: Cell<Instant>,
}

impl Activity {
    fn new() -> Self {
        Self { in_progress: Cell::new(0), has_asked: Cell::new(false), since: Cell::new(Instant::now()) }
    }

    /// Counts a request, until the value is dropped.
    fn request(self: &Rc<Self>) -> InProgress {
        self.has_asked.set(true);
        self.in_progress.update(|requests| requests + 1);
        InProgress(self.clone())
    }

    /// Returns when no request was in progress for this time, at most this time later.
    async fn idle(&self, limit: Duration) {
        loop {
            let idle_for = if self.in_progress.get() == 0 { self.since.get().elapsed() } else { Duration::ZERO };
            if idle_for >= limit {
                return;
            }
            sleep(limit.saturating_sub(idle_for)).await;
        }
    }
}

struct InProgress(Rc<Activity>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.in_progress.update(|requests| requests - 1);
        self.0.since.set(Instant::now());
    }
}

/// Spawns the streams of an HTTP/2 socket on its own thread.
#[derive(Clone, Copy)]
struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, stream: F) {
        spawn_local(stream);
    }
}

type Answer = hyper::Response<Full<Bytes>>;

impl<S: Site> Worker<S> {
    pub fn new(site: S, limits: Limits, bounds: Arc<Bounds>, phases: watch::Receiver<Phase>) -> Self {
        Self { site: Rc::new(site), limits, bounds, phases }
    }

    /// Serves the socket in the background, with its permit.
    pub fn serve(self, accepted: Accepted) {
        spawn_local(async move {
            if let Err(error) = self.serve_socket(accepted.socket, accepted.is_spare).await {
                tracing::debug!(error = format!("{error:#}"), "Socket ended");
            }
            drop((accepted.permit, accepted.counted));
        });
    }

    async fn serve_socket(mut self, socket: TcpStream, is_spare: bool) -> Result<()> {
        socket.set_nodelay(true)?;
        let milliseconds = u32::try_from(self.limits.taken_within.as_millis()).unwrap_or(u32::MAX);
        set_tcp_user_timeout(&socket, milliseconds).context("bounding the wait for a client")?;
        let io = TokioIo::new(tokio::net::TcpStream::from_std(socket)?);
        let mut http = Builder::new(Local);
        // `idle` bounds the wait for a header, in both versions and before there is one.
        http.http1().header_read_timeout(None).max_buf_size(MAX_HEADER as usize);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.taken_within)
            .keep_alive_timeout(self.limits.taken_within)
            .max_header_list_size(MAX_HEADER)
            .max_concurrent_streams(32);
        let activity = Rc::new(Activity::new());
        let (worker, requests) = (self.clone(), activity.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (worker, in_progress) = (worker.clone(), requests.request());
            async move {
                let answer = worker.answer(request, is_spare).await;
                drop(in_progress);
                Ok::<_, Infallible>(answer)
            }
        });
        let mut connection = pin!(http.serve_connection(io, service));
        let limit = if is_spare { self.limits.spare_idle_for } else { self.limits.idle_for };
        let mut idle = pin!(activity.idle(limit));
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended.map_err(|error| anyhow!(error)),
            () = idle.as_mut() => bail!("it was idle for too long"),
            _ = self.phases.wait_for(|phase| matches!(phase, Phase::Closing | Phase::Ended)) => {}
        }
        if !activity.has_asked.get()
            && let Ok(ended) = timeout(FIRST_REQUEST_WITHIN, connection.as_mut()).await
        {
            return ended.map_err(|error| anyhow!(error));
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            ended = connection => ended.map_err(|error| anyhow!(error)),
            () = idle => bail!("it was idle for too long"),
        }
    }

    async fn answer(&self, request: hyper::Request<Incoming>, is_spare: bool) -> Answer {
        let (parts, body) = request.into_parts();
        let is_draining = *self.phases.borrow() != Phase::Serving;
        let mut answer = if parts.uri.path() == READY {
            ready(is_draining)
        } else if is_spare {
            let mut body = body;
            discard(&parts, &mut body, SPARE_BODY_WITHIN).await;
            self.refuse(&parts, &busy("sockets", self.limits.sockets))
        } else {
            self.respond(&parts, body).await
        };
        if (is_draining || is_spare) && parts.version < Version::HTTP_2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn respond(&self, parts: &Parts, mut body: Incoming) -> Answer {
        let (body, _bytes) = match timeout(self.limits.body_within, self.arrived(&mut body)).await {
            Ok(Ok(arrived)) => arrived,
            Ok(Err(error)) => {
                discard(parts, &mut body, self.limits.body_within).await;
                return self.refuse(parts, &error);
            }
            Err(_) => {
                let seconds = self.limits.body_within.as_secs();
                return self.refuse(parts, &body_error(format!("did not arrive within {seconds} s; send it again")));
            }
        };
        // Only now, so that slow clients keep nobody waiting.
        let Ok(permit) = self.bounds.requests.clone().try_acquire_owned() else {
            return self.refuse(parts, &busy("requests", self.limits.requests));
        };
        // As behind Lambda, a handler goes on when its client has left, and counts until it ends: else a client that leaves early
        // would have any number of them.
        let (site, request) = (self.site.clone(), request_of(parts, body));
        let handling = spawn_local(async move {
            let response = site.respond(request).await;
            drop(permit);
            response
        });
        match handling.await {
            Ok(response) => self.owning(parts, response),
            Err(error) => self.refuse(parts, &ApiError::Internal(error.into())),
        }
    }

    /// A body with the permit for its bytes. They are counted as they come, so that a client that only announces many keeps
    /// nobody waiting.
    async fn arrived(&self, body: &mut Incoming) -> Result<(Vec<u8>, OwnedSemaphorePermit), ApiError> {
        let upper = body.size_hint().upper();
        if upper.is_some_and(|upper| upper > self.limits.body as u64) {
            return Err(ApiError::TooLarge);
        }
        let is_large = upper.is_none_or(|upper| upper > MAX_BODY as u64);
        let (bodies, most) = if is_large {
            (&self.bounds.large_bodies, self.limits.large_bodies)
        } else {
            (&self.bounds.bodies, self.limits.bodies)
        };
        let count = |bytes| bytes_of(bodies, bytes).ok_or_else(|| busy("bytes of bodies", most));
        let (mut arrived, mut permit) = (Vec::new(), count(0)?);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| body_error(format!("did not arrive whole: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            if arrived.len() + data.len() > self.limits.body {
                return Err(ApiError::TooLarge);
            }
            permit.merge(count(data.len())?);
            arrived.extend_from_slice(&data);
        }
        Ok((arrived, permit))
    }

    /// The response, whose bytes count until the client has taken them.
    fn owning(&self, parts: &Parts, response: Response) -> Answer {
        let (status, headers, body) = response.into_parts();
        let body = body.unwrap_or_default();
        let Some(permit) = bytes_of(&self.bounds.responses, body.len()) else {
            return self.refuse(parts, &busy("bytes of responses", self.limits.responses));
        };
        whole(status, headers, Bytes::from_owner(Owned { body, _permit: permit }))
    }

    /// A rest of the body may still come, so this is the last response of its socket.
    fn refuse(&self, parts: &Parts, error: &ApiError) -> Answer {
        let mut answer = answer_of(self.site.refuse(request_of(parts, Vec::new()), error));
        if parts.version < Version::HTTP_2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

/// A body of a response, with the permit for its bytes.
struct Owned {
    body: Vec<u8>,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// Reads what else comes of a refused body, because unread bytes reset the connection, and a load balancer then answers 502
/// itself. Nothing of a body that its client keeps back until it may send it.
async fn discard(parts: &Parts, body: &mut Incoming, within: Duration) {
    let is_held_back = parts.headers.contains_key(header::EXPECT);
    let is_longer = body.size_hint().lower() > MAX_DISCARDED;
    if is_held_back || is_longer {
        return;
    }
    let all = async {
        let mut left = MAX_DISCARDED;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    };
    _ = timeout(within, all).await;
}

/// The permit for so many bytes, if they are free.
fn bytes_of(bytes: &Arc<Semaphore>, count: usize) -> Option<OwnedSemaphorePermit> {
    bytes.clone().try_acquire_many_owned(count.try_into().ok()?).ok()
}

fn busy(what: &str, most: usize) -> ApiError {
    ApiError::Unavailable(anyhow!("{most} {what} are in progress, the most at once"))
}

fn body_error(what: String) -> ApiError {
    Invalid::other("body", what).into()
}

fn request_of(parts: &Parts, body: Vec<u8>) -> Request {
    let id = Uuid::new_v4().to_string();
    let query = parts.uri.query().unwrap_or_default();
    let mut headers = parts.headers.clone();
    // HTTP/2 has the host in its own field, and in HTTP/1 that of an absolute address counts more than the header:
    // <https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2>.
    if let Some(host) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        headers.insert(header::HOST, host);
    }
    Request::from_http(parts.method.clone(), parts.uri.path(), query, headers, body, &id)
}

fn answer_of(response: Response) -> Answer {
    let (status, headers, body) = response.into_parts();
    whole(status, headers, body.unwrap_or_default().into())
}

fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Answer {
    let mut answer = hyper::Response::new(Full::new(body));
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    answer
}

fn ready(is_draining: bool) -> Answer {
    let mut answer = hyper::Response::new(Full::default());
    if is_draining {
        *answer.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    answer
}
