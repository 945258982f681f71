//! The pages of cart, checkout and order.

use shared::{ApiError, App, Reply, Request, Result};

use super::{cart, checkout, order};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match (request.segment(0), request.segments().len()) {
        ("cart", 1) => cart::handle(app, request).await,
        ("checkout", 1) => checkout::handle(app, request).await,
        ("orders", 2 | 3) => order::handle(app, request).await,
        _ => Err(ApiError::NotFound),
    }
}
