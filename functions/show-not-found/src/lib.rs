//! 404 for requests that no other rule of the load balancer matches.

use shared::{ApiError, App, Reply, Request, Result};

#[expect(clippy::unused_async, reason = "every handler is")]
pub async fn handle(_: &App, _: &Request) -> Result<Reply> {
    Err(ApiError::NotFound)
}
