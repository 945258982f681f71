//! From Lambda's runtime to a function's handlers and back. A main is three lines that call `serve` with the function's
//! handlers, or one of the `consume` functions.

use std::{env, time::Instant};

use futures_util::FutureExt;
use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use tracing::{Instrument, info_span};

use crate::{
    App,
    database::measured,
    error::catch_panic,
    handler::Handlers,
    http::{Event, Request},
    metrics::{InvocationStatus, Metrics},
    telemetry,
};

pub use lambda_runtime::Error;

/// The environment variable with the shop's address, on a stage with a domain or CloudFront: `https://shop.example`.
pub const ORIGIN: &str = "ANAQUEL_ORIGIN";

/// Serves requests that a load balancer or API Gateway sends.
pub async fn serve(handlers: Handlers) -> Result<(), Error> {
    telemetry::start();
    let (app, metrics) = (App::start().await?, Metrics::from_env());
    let origin = env::var(ORIGIN).ok();
    handlers.prepare(&app).await;
    // Without its layer of a second span, which nobody reads.
    Runtime::new(service_fn(async |event: LambdaEvent<Event>| {
        let request = Request::from_event(event.payload, &event.context.request_id).of_shop(origin.as_deref());
        let response = handlers.respond(&app, &metrics, &request).await;
        Ok::<_, Error>(if request.came_by_gateway() { response.to_gateway_json()? } else { response.to_json()? })
    }))
    .run()
    .await
}

/// Fields of the line that ends another event.
#[derive(Serialize)]
struct Ended<'a> {
    request_id: &'a str,
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
        // Boxed: nested, the futures exceed the compiler's recursion limit.
        let work = catch_panic(handler(&app, event.payload)).instrument(span).boxed_local();
        let (done, in_database) = measured(work).await;
        let done = done.flatten();
        let status = done.as_ref().map_or(InvocationStatus::Failed, &status);
        metrics.record(status, began, in_database, "Event ended", &Ended { request_id: &id });
        done.map_err(|error| {
            tracing::error!(request_id = %id, error = format!("{error:#}"), "Event failed");
            Error::from(format!("{error:#}"))
        })
    }))
    .run()
    .await
}
