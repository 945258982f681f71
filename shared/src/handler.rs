//! What a function does with requests: its handlers, their limits, and the response whatever happens. It is the same behind a
//! load balancer that invokes a function (`lambda.rs`) and in the server for containers.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures_util::{FutureExt, future::LocalBoxFuture};
use serde::Serialize;
use tokio::time::timeout;
use tracing::{Instrument, info_span};

use crate::{
    App,
    database::measured,
    error::{ApiError, Result, catch_panic, log},
    http::{Reply, Request, Response},
    metrics::{InvocationStatus, Metrics},
};

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
    fn of_api(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Self {
        Self::new(handle, |request, error| Reply::problem(error, &request.id))
    }
}

/// The handlers of a function, by who calls it.
pub struct Handlers {
    api: Option<Handler>,
    page: Option<Handler>,
}

impl Handlers {
    /// Of a function of the API and of pages: the request's path selects the handler.
    pub fn new(api: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static, page: Handler) -> Self {
        Self { api: Some(Handler::of_api(api)), page: Some(page) }
    }

    /// Of a function that only programs call.
    pub fn of_api(handle: impl AsyncFn(&App, &Request) -> Result<Reply> + Copy + 'static) -> Self {
        Self { api: Some(Handler::of_api(handle)), page: None }
    }

    /// Of a function that only browsers call.
    pub fn of_page(page: Handler) -> Self {
        Self { api: None, page: Some(page) }
    }

    /// The work of a cold start.
    pub async fn prepare(&self, app: &App) {
        for handler in [&self.api, &self.page].into_iter().flatten() {
            (handler.prepare)(app).await;
        }
    }

    /// The response to a request, also if a handler fails, panics or hangs, with its line in the log. A response that a load
    /// balancer would refuse from a function is a defect: it is logged, and the caller gets a 500 instead.
    pub async fn respond(&self, app: &App, metrics: &Metrics, request: &Request) -> Response {
        let (began, path) = (Instant::now(), request.path());
        let span = info_span!("request", request_id = %request.id, method = %request.method, path);
        let (response, in_database) = measured(self.answer(app, request).instrument(span)).await;
        let status = response.status();
        let fields = Answered { request_id: &request.id, method: request.method.as_str(), path: &path, status };
        metrics.record(InvocationStatus::of_status(status), began, in_database, "Answered", &fields);
        response
    }

    /// The status of the response to a request of our own, which no metric counts.
    pub async fn probe(&self, app: &App, request: &Request) -> u16 {
        let span = info_span!("probe", method = %request.method, path = request.path());
        self.answer(app, request).instrument(span).await.status()
    }

    /// The response to a request that no handler is asked for, as an error in the form of its caller.
    pub fn refuse(&self, request: &Request, error: &ApiError) -> Response {
        log(error);
        let render_error = self.of(request).render_error;
        acceptable(render_error(request, error).with_headers_of(error), request, render_error)
    }

    async fn answer(&self, app: &App, request: &Request) -> Response {
        let handler = self.of(request);
        let reply = answer(app, request, handler).await;
        acceptable(reply, request, handler.render_error)
    }

    fn of(&self, request: &Request) -> &Handler {
        match (&self.api, &self.page) {
            (Some(api), Some(_)) if !request.wants_page() => api,
            (_, Some(page)) => page,
            (Some(api), None) => api,
            (None, None) => unreachable!("the constructors set one of them"),
        }
    }
}

/// Fields of the line that ends a request.
#[derive(Serialize)]
struct Answered<'a> {
    request_id: &'a str,
    method: &'a str,
    path: &'a str,
    status: u16,
}

/// The response, or a 500 in its place if it is too large for a load balancer.
fn acceptable(reply: Reply, request: &Request, render_error: fn(&Request, &ApiError) -> Reply) -> Response {
    let response = reply.finish(request);
    let Err(error) = response.check_size() else { return response };
    tracing::error!(error = format!("{error:#}"), "Reply rejected: the load balancer does not accept it");
    let error = ApiError::Internal(anyhow!("the load balancer does not accept the reply"));
    let page = render_error(request, &error).finish(request);
    if page.check_size().is_ok() {
        return page;
    }
    // Without text of the request, which the page repeats.
    Reply::problem(&error, &request.id).finish(request)
}

async fn answer(app: &App, request: &Request, handler: &Handler) -> Reply {
    let reply = match request.check(app.has_verified_token(request)) {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_that_a_load_balancer_refuses_is_a_500_in_its_place() {
        let event = json!({ "httpMethod": "GET", "path": "/api/books" });
        let request = Request::from_event(serde_json::from_value(event).unwrap(), "id-1");
        let sent = |bytes| {
            let response = acceptable(Reply::text("text/plain", "a".repeat(bytes)), &request, |request, error| {
                Reply::problem(error, &request.id)
            });
            let json = response.to_json().unwrap();
            let json: serde_json::Value = serde_json::from_str(json.get()).unwrap();
            assert_eq!(json["statusCode"], response.status());
            (response.status(), json["body"].as_str().unwrap().to_owned())
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
