//! The HTTP edge: from the load balancer's event to a [`Request`], and from a [`Reply`] back.
//!
//! The event is read here, not by `lambda_http::run`: that decodes the whole query once more than it should (`C%2B%2B`
//! arrives as `C  `, `%26` splits a value) and fails a request for one odd header. Its event types serve on.

mod query;
mod reply;
mod request;
mod response;

pub use query::Query;
pub use reply::{DAY, MINUTE, Reply};
pub use request::{AlbEvent, Request};
pub use response::Response;

/// The largest body that a function takes.
pub const MAX_BODY: usize = 64 * 1024;
