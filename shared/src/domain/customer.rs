//! Customers: people who have signed in. The user pool has their password; the shop has what belongs to them.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Address, BookId, Email, Language, Stars, VisitorId, milliseconds};

/// A customer as the account shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub email: Email,
    /// Whether the user pool has verified the address: orders of guests are found by it only then.
    pub email_verified: bool,
    /// The chosen language of the pages; none until one is chosen.
    pub language: Option<Language>,
    pub signed_in_at: OffsetDateTime,
    pub created_at: OffsetDateTime,
}

/// A rating as the customer who sent it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnRating {
    pub id: u64,
    /// Another one after each change, which states the version that it replaces.
    pub version: Uuid,
    /// The browser that sent it.
    #[serde(skip)]
    pub visitor: VisitorId,
    pub book: BookId,
    pub title: String,
    #[schemars(with = "Stars")]
    pub stars: u8,
    pub name: Option<String>,
    pub review: Option<String>,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub sent_at: OffsetDateTime,
    /// Whether the shop has hidden it, so that only the customer sees it.
    pub is_hidden: bool,
    pub verified_purchase: bool,
}

/// An address of a customer's address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SavedAddress {
    pub id: u64,
    /// Of the text; a change states the version that it replaces.
    pub version: u32,
    pub is_default: bool,
    #[serde(flatten)]
    pub address: Address,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub changed_at: OffsetDateTime,
}

impl SavedAddress {
    /// The most addresses of a customer.
    pub const MOST: usize = 10;
}
