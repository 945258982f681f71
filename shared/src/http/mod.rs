//! The HTTP layer: from the event of a load balancer or of API Gateway to a [`Request`], and from a [`Reply`] to its response.

mod event;
mod json_object;
mod query;
mod reply;
mod request;
mod response;
mod weighted;

pub use event::Event;
pub use json_object::JsonObject;
pub use lambda_http::http::Method;
pub use query::Query;
pub use reply::{DAY, MINUTE, Reply};
pub use request::Request;
pub use response::Response;
pub use weighted::weighted;

/// The largest body that a function takes.
pub const MAX_BODY: usize = 64 * 1024;
