//! `GET /api/orders/{id}`

use shared::{App, Reply, Request, Result, api::OrderStatus};

use super::order::{find, is_buyers, verified};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let id = verified(app, request.segment(2)).await?;
    let order = find(app, id).await?;
    let is_buyers = order.as_ref().is_some_and(|order| is_buyers(order, request));
    Reply::json(&OrderStatus::new(id, order, is_buyers))
}
