//! From Lambda's runtime to a handler and back. A main is four lines that call one of the `serve` or `consume` functions
//! with the function's handlers.

use std::{
    env,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use anyhow::anyhow;
use futures_util::{FutureExt, future::LocalBoxFuture};
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use tokio::time::timeout;
use tracing::{Instrument, info_span};

use crate::{
    App,
    error::{ApiError, Result},
    http::{AlbEvent, Reply, Request},
    metrics::{InvocationStatus, Metrics},
    telemetry,
};

pub use lambda_runtime::Error;

/// The environment variable with the shop's address, on a stage with a domain or CloudFront: `https://shop.example`.
pub const ORIGIN: &str = "ANAQUEL_ORIGIN";

/// A handler that takes longer is cancelled. A shopper then has an answer within three seconds, including the time that
/// a cold start may wait; a cold start that SSM throttles may wait longer (`config.rs`).
pub const ANSWER_WITHIN: Duration = Duration::from_millis(1_900);

/// The longest limit that a handler may choose instead. Lambda ends an HTTP function after ten seconds.
pub const LONGEST_ANSWER: Duration = Duration::from_secs(9);

/// A handler of requests, with the representation of its errors.
pub struct Handler {
    // Boxed: with the handlers' own types, the nested futures exceed the compiler's recursion limit.
    #[expect(clippy::type_complexity, reason = "it is named here only")]
    handle: Box<dyn for<'a> Fn(&'a App, &'a Request) -> LocalBoxFuture<'a, Result<Reply>>>,
    render_error: fn(&Request, &ApiError) -> Reply,
    within: fn(&Request) -> Duration,
    prepare: Box<Prepare>,
}

/// Work of a cold start, before the first request.
type Prepare = dyn for<'a> Fn(&'a App) -> LocalBoxFuture<'a, ()>;

impl Handler {
    /// A handler whose errors `render_error` shows. `frontend::page` makes one for pages.
    pub fn new(
        handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static,
        render_error: fn(&Request, &ApiError) -> Reply,
    ) -> Self {
        Self {
            handle: Box::new(move |app, request| async move { handle(app, request).await }.boxed_local()),
            render_error,
            within: |_| ANSWER_WITHIN,
            prepare: Box::new(|_| async {}.boxed_local()),
        }
    }

    /// With another limit for some requests, at most [`LONGEST_ANSWER`].
    #[must_use]
    pub fn within(self, limit: fn(&Request) -> Duration) -> Self {
        Self { within: limit, ..self }
    }

    /// With work of a cold start, which must be short and cannot fail.
    #[must_use]
    pub fn prepared_by(self, prepare: impl AsyncFn(&App) + Copy + 'static) -> Self {
        Self { prepare: Box::new(move |app| async move { prepare(app).await }.boxed_local()), ..self }
    }

    /// A handler for programs: its errors are problem details.
    fn api(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Self {
        Self::new(handle, |request, error| Reply::problem(error, &request.id))
    }
}

/// Serves a function of the API and of pages: the request's path selects the handler.
pub async fn serve(
    api: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static,
    page: Handler,
) -> Result<(), Error> {
    let api = Handler::api(api);
    run(&page.prepare, |request| if request.wants_page() { &page } else { &api }).await
}

/// Serves a function that only programs call.
pub async fn serve_api(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Result<(), Error> {
    let api = Handler::api(handle);
    run(&api.prepare, |_| &api).await
}

/// Serves a function that only browsers call.
pub async fn serve_page(page: Handler) -> Result<(), Error> {
    run(&page.prepare, |_| &page).await
}

async fn run<'h>(prepare: &Prepare, select: impl Fn(&Request) -> &'h Handler) -> Result<(), Error> {
    telemetry::start();
    let (app, metrics) = (App::start().await?, Metrics::from_env());
    let origin = env::var(ORIGIN).ok();
    prepare(&app).await;
    // Without its layer of a second span, which nobody reads.
    Runtime::new(service_fn(async |event: LambdaEvent<AlbEvent>| {
        let began = Instant::now();
        let request = Request::from_event(event.payload, &event.context.request_id).of_shop(origin.as_deref());
        let handler = select(&request);
        let path = request.path();
        let span = info_span!("request", request_id = %request.id, method = %request.method, path);
        let reply = answer(&app, &request, handler).instrument(span.clone()).await;
        let (status, json) = span.in_scope(|| outgoing(reply, &request, handler.render_error))?;
        let fields = Answered { request_id: &request.id, method: request.method.as_str(), path: &path, status };
        metrics.record(InvocationStatus::of_status(status), began, app.database().time_taken(), "Answered", &fields);
        Ok::<_, Error>(json)
    }))
    .run()
    .await
}

/// Fields of the line that ends a request.
#[derive(Serialize)]
struct Answered<'a> {
    request_id: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
}

/// Fields of the line that ends another event.
#[derive(Serialize)]
struct Ended<'a> {
    request_id: &'a str,
}

/// The status of the reply and its JSON for the load balancer. A reply that the load balancer would reject is a defect:
/// it is logged, and the caller gets a 500 instead.
fn outgoing(
    reply: Reply,
    request: &Request,
    render_error: fn(&Request, &ApiError) -> Reply,
) -> anyhow::Result<(u16, Box<RawValue>)> {
    let response = reply.finish(request);
    if let Ok(json) = response.to_json().inspect_err(|error| {
        tracing::error!(error = format!("{error:#}"), "Reply rejected: the load balancer does not accept it");
    }) {
        return Ok((response.status(), json));
    }
    let error = ApiError::Internal(anyhow!("the load balancer does not accept the reply"));
    let page = render_error(request, &error).finish(request);
    if let Ok(json) = page.to_json() {
        return Ok((page.status(), json));
    }
    // Without text of the request, which the page repeats.
    let problem = Reply::problem(&error, &request.id).finish(request);
    Ok((problem.status(), problem.to_json()?))
}

/// Consumes events that are not HTTP requests: from the queue, the bucket, a deploy or the staff commands.
pub async fn consume<E, R>(handler: impl AsyncFn(&App, E) -> anyhow::Result<R>) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    consume_with(handler, |_| InvocationStatus::Ok).await
}

/// The same for a handler that can succeed in part, such as a queue's consumer: `status` returns how the invocation
/// ended.
pub async fn consume_with<E, R>(
    handler: impl AsyncFn(&App, E) -> anyhow::Result<R>,
    status: impl Fn(&R) -> InvocationStatus,
) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    telemetry::start();
    let (app, metrics) = (App::start().await?, Metrics::from_env());
    Runtime::new(service_fn(async |event: LambdaEvent<E>| {
        let (began, id) = (Instant::now(), event.context.request_id);
        let span = info_span!("event", request_id = %id);
        let done = catch_panic(handler(&app, event.payload)).instrument(span).await.flatten();
        let status = done.as_ref().map_or(InvocationStatus::Failed, &status);
        metrics.record(status, began, app.database().time_taken(), "Event ended", &Ended { request_id: &id });
        done.map_err(|error| {
            tracing::error!(request_id = %id, error = format!("{error:#}"), "Event failed");
            Error::from(format!("{error:#}"))
        })
    }))
    .run()
    .await
}

async fn answer(app: &App, request: &Request, handler: &Handler) -> Reply {
    let reply = match request.check() {
        Ok(()) => match to_canonical_path(request) {
            Some(moved) => Ok(moved),
            None => bounded((handler.within)(request), (handler.handle)(app, request)).await,
        },
        Err(error) => Err(error),
    };
    reply.unwrap_or_else(|error| {
        log(&error);
        (handler.render_error)(request, &error).with_headers_of(&error)
    })
}

/// Leads to the address without needless slashes, so that each page has one.
fn to_canonical_path(request: &Request) -> Option<Reply> {
    let location = request.location(&request.path_without_needless_slashes()?);
    Some(if request.is_read() { Reply::moved(&location) } else { Reply::moved_with_body(&location) })
}

async fn bounded(limit: Duration, handling: impl Future<Output = Result<Reply>>) -> Result<Reply> {
    match timeout(limit, catch_panic(handling)).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(panic)) => Err(ApiError::Internal(panic)),
        Err(_) => Err(ApiError::Unavailable(anyhow!("no answer within {} ms", limit.as_millis()))),
    }
}

/// Turns a panic into an error, so that it costs one request or message and the process continues.
pub async fn catch_panic<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        anyhow!("panicked: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a message"))
    })
}

/// Logs an error of a request, with its cause.
pub fn log(error: &ApiError) {
    match error {
        ApiError::Internal(cause) => tracing::error!(error = format!("{cause:#}"), "Request failed"),
        ApiError::Unavailable(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Request failed: a dependency is unavailable");
        }
        other => tracing::info!(error = %other, "Request refused"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_with_its_message() {
        let number = 7;
        let error = catch_panic(async { panic!("bad number {number}") }).await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.to_string(), "panicked: bad number 7");
    }

    #[test]
    fn an_answer_that_a_load_balancer_refuses_is_a_500_in_its_place() {
        let event = json!({ "httpMethod": "GET", "path": "/api/books" });
        let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
        let sent = |bytes| {
            let (status, json) = outgoing(Reply::text("text/plain", "a".repeat(bytes)), &request, |request, error| {
                Reply::problem(error, &request.id)
            })
            .unwrap();
            let json: serde_json::Value = serde_json::from_str(json.get()).unwrap();
            assert_eq!(json["statusCode"], status);
            (status, json["body"].as_str().unwrap().to_owned())
        };
        assert_eq!(sent(900_000).0, 200);
        let (status, body) = sent(1_000_000);
        assert!(status == 500 && body.contains("id-1"), "{body}");
    }

    #[test]
    fn a_needless_slash_leads_to_the_address_without_it() {
        let moved = |method: &str, path: &str| {
            let event = json!({ "httpMethod": method, "path": path, "queryStringParameters": { "q": "a+b" } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
            let json = to_canonical_path(&request)?.finish(&request).to_json().unwrap();
            let answer: serde_json::Value = serde_json::from_str(json.get()).unwrap();
            let location = answer["multiValueHeaders"]["location"][0].as_str().unwrap().to_owned();
            Some((answer["statusCode"].as_u64().unwrap(), location))
        };
        for (method, path, expected) in [
            ("GET", "/books/", Some((301, "/books?q=a+b"))),
            ("HEAD", "/books//", Some((301, "/books?q=a+b"))),
            ("POST", "/contact/", Some((308, "/contact?q=a+b"))),
            ("GET", "/books", None),
            ("GET", "/", None),
        ] {
            let expected = expected.map(|(status, location)| (status, location.to_owned()));
            assert_eq!(moved(method, path), expected, "{method} {path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_hangs_is_given_up_as_unavailable_after_its_own_limit() {
        for limit in [ANSWER_WITHIN, LONGEST_ANSWER] {
            let began = tokio::time::Instant::now();
            assert!(matches!(bounded(limit, std::future::pending()).await, Err(ApiError::Unavailable(_))));
            assert_eq!(began.elapsed(), limit);
        }
    }
}
