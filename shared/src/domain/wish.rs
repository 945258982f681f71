//! A book that a customer wants to remember.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use super::{Summary, milliseconds};

/// A book of a customer's wishlist, as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Wish {
    #[serde(flatten)]
    pub book: Summary,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub added_at: OffsetDateTime,
}

impl Wish {
    /// Books that a wishlist can have.
    pub const MOST: usize = 500;
}
