//! `GET /about`, `/privacy`, `/terms`, `/accessibility`, `/api-docs` and `/openapi.json`

use std::sync::LazyLock;

use frontend::{PageContext, pages};
use serde_json::Value;
use shared::{ApiError, App, Reply, Request, Result};

/// The API's document for programs; a page shows it to people.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");
static PARSED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(DOCUMENT).expect("a test keeps the document up to date"));

pub async fn handle(_: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let context = PageContext::of(request);
    let view = context.view();
    match request.segment(0) {
        "about" => context.reply(200, &pages::About { view }),
        "terms" => context.reply(200, &pages::Terms { view }),
        "accessibility" => context.reply(200, &pages::Accessibility { view }),
        "privacy" => context.reply(200, &pages::Privacy { view }),
        "api-docs" => context.reply(200, &pages::ApiDocs { view, document: &PARSED }),
        "openapi.json" => Ok(Reply::text("application/json", DOCUMENT.to_owned()).revalidated()),
        _ => Err(ApiError::NotFound),
    }
}
