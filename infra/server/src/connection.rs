//! One socket: requests of HTTP/1.1, or of HTTP/2 without TLS, for the handlers of its thread.

use std::{convert::Infallible, net::TcpStream, rc::Rc, sync::Arc};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    StatusCode, Version,
    body::{Body, Incoming},
    header::{self, HeaderValue},
    http::request::Parts,
    rt::Executor,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use infra::containers::{READY, Service};
use rustix::net::sockopt::set_tcp_user_timeout;
use shared::{
    Request,
    error::ApiError,
    http::{MAX_BODY, Response},
};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    task::spawn_local,
    time::timeout,
};
use uuid::Uuid;

use crate::{Bounds, Limits, drain::Phase, shop::Shop};

/// What the sockets of a thread have in common.
#[derive(Clone)]
pub struct Worker {
    shop: Rc<Shop>,
    limits: Limits,
    bounds: Arc<Bounds>,
    phases: watch::Receiver<Phase>,
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

impl Worker {
    pub async fn open(
        service: Service,
        limits: Limits,
        connections: usize,
        bounds: Arc<Bounds>,
        phases: watch::Receiver<Phase>,
    ) -> Result<Self> {
        let shop = Rc::new(Shop::open(service, connections).await?);
        Ok(Self { shop, limits, bounds, phases })
    }

    /// Serves the socket in the background, with its permit.
    pub fn serve(self, socket: TcpStream, permit: OwnedSemaphorePermit) {
        spawn_local(async move {
            if let Err(error) = self.serve_socket(socket).await {
                tracing::debug!(error = format!("{error:#}"), "Socket ended");
            }
            drop(permit);
        });
    }

    async fn serve_socket(mut self, socket: TcpStream) -> Result<()> {
        socket.set_nodelay(true)?;
        let milliseconds = u32::try_from(self.limits.taken_within.as_millis()).unwrap_or(u32::MAX);
        set_tcp_user_timeout(&socket, milliseconds).context("bounding the wait for a client")?;
        let io = TokioIo::new(tokio::net::TcpStream::from_std(socket)?);
        let mut http = Builder::new(Local);
        http.http1().timer(TokioTimer::new()).header_read_timeout(self.limits.header_within);
        http.http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(self.limits.taken_within)
            .keep_alive_timeout(self.limits.taken_within)
            .max_concurrent_streams(100);
        let worker = self.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let worker = worker.clone();
            async move { Ok::<_, Infallible>(worker.answer(request).await) }
        });
        let mut connection = std::pin::pin!(http.serve_connection(io, service));
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(|error| anyhow!(error)),
            _ = self.phases.wait_for(|phase| matches!(phase, Phase::Closing | Phase::Ended)) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await.map_err(|error| anyhow!(error))
    }

    async fn answer(&self, request: hyper::Request<Incoming>) -> Answer {
        let (parts, body) = request.into_parts();
        let is_draining = *self.phases.borrow() != Phase::Serving;
        let mut answer = if parts.uri.path() == READY { ready(is_draining) } else { self.respond(&parts, body).await };
        if is_draining && parts.version < Version::HTTP_2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    async fn respond(&self, parts: &Parts, body: Incoming) -> Answer {
        let is_large = body.size_hint().upper().is_none_or(|most| most > MAX_BODY as u64);
        let large = is_large.then(|| self.bounds.large_bodies.try_acquire()).transpose();
        let Ok(_large) = large else { return self.busy(parts, "large bodies", self.limits.large_bodies) };
        let body = match timeout(self.limits.body_within, Limited::new(body, self.limits.body).collect()).await {
            Ok(Ok(body)) => body.to_bytes().into(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => return self.refuse(parts, &ApiError::TooLarge),
            Ok(Err(_)) => return closing(StatusCode::BAD_REQUEST),
            Err(_) => return closing(StatusCode::REQUEST_TIMEOUT),
        };
        // Only now, so that slow clients keep nobody waiting.
        let Ok(_permit) = self.bounds.requests.try_acquire() else {
            return self.busy(parts, "requests", self.limits.requests);
        };
        answer_of(self.shop.respond(request_of(parts, body)).await)
    }

    fn busy(&self, parts: &Parts, what: &str, most: usize) -> Answer {
        self.refuse(parts, &ApiError::Unavailable(anyhow!("{most} {what} are in progress, the most at once")))
    }

    /// The rest of a body may still come, so this is the last response of its socket.
    fn refuse(&self, parts: &Parts, error: &ApiError) -> Answer {
        let mut answer = answer_of(self.shop.refuse(request_of(parts, Vec::new()), error));
        if parts.version < Version::HTTP_2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }
}

fn request_of(parts: &Parts, body: Vec<u8>) -> Request {
    let id = Uuid::new_v4().to_string();
    let query = parts.uri.query().unwrap_or_default();
    let mut headers = parts.headers.clone();
    // HTTP/2 has the host in its own field.
    if let (None, Some(host)) = (headers.get(header::HOST), parts.uri.authority())
        && let Ok(host) = HeaderValue::from_str(host.as_str())
    {
        headers.insert(header::HOST, host);
    }
    Request::from_http(parts.method.clone(), parts.uri.path(), query, headers, body, &id)
}

fn answer_of(response: Response) -> Answer {
    let (status, headers, body) = response.into_parts();
    let mut answer = hyper::Response::new(Full::from(body.unwrap_or_default()));
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

fn closing(status: StatusCode) -> Answer {
    let mut answer = hyper::Response::new(Full::default());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}
