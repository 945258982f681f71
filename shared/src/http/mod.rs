//! The HTTP edge: from the load balancer's event to a [`Request`], and from a [`Reply`] back.
//!
//! The event is read here, not by `lambda_http::run`: that decodes the whole query once more than it should (`C%2B%2B`
//! arrives as `C  `, `%26` splits a value) and fails a request for one odd header. Its event types serve on.

mod cursor;
mod query;
mod reply;
mod request;

pub use cursor::{Cursor, Page};
pub use query::Query;
pub use reply::{DAY, MINUTE, Reply};
pub use request::{AlbEvent, Request};

/// The largest body that a function takes.
pub const MAX_BODY: usize = 64 * 1024;

/// The largest form that is shown again with what was typed: escaped as HTML it still fits into an answer, which may
/// have 1 MB (<https://docs.aws.amazon.com/elasticloadbalancing/latest/application/lambda-functions.html>).
const MAX_SHOWN_AGAIN: usize = 512 * 1024;
