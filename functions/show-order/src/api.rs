//! `GET /api/orders/{id}`

use shared::{ApiError, App, Reply, Request, Result, api::OrderStatus};

use super::order::{find, is_buyers, owner, verified};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    expect_path(request)?;
    let id = verified(app, request.segment(2)).await?;
    let order = find(app, id).await?;
    let is_buyers = match &order {
        Some(order) => is_buyers(order, request) || owner(app, request, order).await?.is_some(),
        None => false,
    };
    Reply::json(&OrderStatus::new(id, order, is_buyers))
}

/// The `*` of the listener's rule also matches the path of a cancellation, which has another method.
fn expect_path(request: &Request) -> Result<()> {
    if request.segments().len() == 4 && request.segment(3) == "cancel" {
        return Err(ApiError::MethodNotAllowed("POST".to_owned()));
    }
    request.expect_segments(3)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_path_of_a_cancellation_has_the_method_post_only() {
        for (path, status, allowed) in [
            ("/api/orders/x", None, None),
            ("/api/orders/x/cancel", Some(405), Some("POST")),
            ("/api/orders/x/lines", Some(404), None),
            ("/api/orders/x/cancel/y", Some(404), None),
        ] {
            for method in ["GET", "HEAD"] {
                let event = json!({ "httpMethod": method, "path": path });
                let error = expect_path(&Request::from_event(serde_json::from_value(event).unwrap(), "id")).err();
                assert_eq!(error.as_ref().map(ApiError::status), status, "{method} {path}");
                let methods = match &error {
                    Some(ApiError::MethodNotAllowed(methods)) => Some(methods.as_str()),
                    _ => None,
                };
                assert_eq!(methods, allowed, "{method} {path}");
            }
        }
    }
}
