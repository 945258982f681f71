//! `GET /about`, `/privacy`, `/api-docs` and `/openapi.json`: what the shop says of itself. It has no right to anything.

use std::sync::LazyLock;

use frontend::{Visit, pages};
use serde_json::Value;
use shared::{ApiError, App, Reply, Request, Result};

/// What programs read of the API; a page shows it to people.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
static PARSED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(DOCUMENT).expect("a test keeps the document up to date"));

#[expect(clippy::unused_async, reason = "every handler is")]
pub async fn handle(_: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let visit = Visit::of(request);
    let view = visit.view();
    match request.segment(0) {
        "about" => visit.reply(200, &pages::About { view }),
        "privacy" => visit.reply(200, &pages::Privacy { view }),
        "api-docs" => visit.reply(200, &pages::ApiDocs { view, document: &PARSED }),
        "openapi.json" => Ok(Reply::text("application/json", DOCUMENT.to_owned()).revalidated()),
        _ => Err(ApiError::NotFound),
    }
}
