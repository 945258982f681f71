//! `GET /api/shop`: whether the shop sells, and its terms.

use shared::{App, Reply, Request, Result, api::Shop, http::MINUTE};

pub async fn handle(_: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    request.query(&[])?;
    Ok(Reply::json(&Shop::of(frontend::shop()))?.cached_for(MINUTE))
}
