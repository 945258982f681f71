//! What callers send and get as JSON where it is more than one type of the domain. The functions read and write these
//! types, and the API's document is made from them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    DisplayName, Email, Facets, MessageText, Outcome, Page, ReviewText, Stars, Subject, SubmissionId, Summary,
};

/// A page of a list of books.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Books {
    #[serde(flatten)]
    pub page: Page<Summary>,
    /// Only where `facets=true` asks for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Facets")]
    pub facets: Option<Facets>,
    /// Only where nothing is found: a `q` spelled much like it, which finds something within the same filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub did_you_mean: Option<String>,
}

// Forms are read as loosely as JSON allows, so that every mistake is answered field by field; their schemas say what is
// acceptable.

/// What a visitor thinks of a book.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatingForm {
    #[schemars(with = "Stars")]
    pub stars: Option<serde_json::Value>,
    /// Stands under the review. A blank one counts as none.
    #[schemars(length(max = DisplayName::MAX))]
    pub name: Option<String>,
    /// The visitor's own words. Blank ones count as none.
    #[schemars(length(max = ReviewText::MAX))]
    pub review: Option<String>,
}

/// A message to the shop.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactForm {
    #[schemars(with = "DisplayName")]
    pub name: Option<String>,
    #[schemars(with = "Email")]
    pub email: Option<String>,
    #[schemars(with = "Subject")]
    pub subject: Option<String>,
    #[schemars(with = "MessageText")]
    pub message: Option<String>,
    /// To be left out. On the page it is hidden, so only a program fills it in; that message is answered and dropped.
    pub website: Option<String>,
}

/// What a visitor gets for what was sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    pub id: SubmissionId,
    pub status: Status,
    /// Where to ask what became of it.
    pub href: String,
}

/// What became of something that a visitor sent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Settled {
    pub id: SubmissionId,
    pub status: Status,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
}

/// `received` while it is on its way, then `published` or `rejected`; the shop may still hide what was published.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Received,
    Published,
    Rejected,
}

/// What the shop can reach.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    pub parameters: Reached,
    pub database: Reached,
    pub queue: Reached,
}

/// `ok` where everything was reached.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Ok,
    Unavailable,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Reached {
    pub ok: bool,
    /// How long the answer took, or was waited for.
    pub milliseconds: f64,
}

impl Settled {
    pub fn new(id: SubmissionId, outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self { id, status: Status::Received, reason: None },
            Some(Outcome::Published) => Self { id, status: Status::Published, reason: None },
            Some(Outcome::Rejected(reason)) => Self { id, status: Status::Rejected, reason: Some(reason.to_string()) },
        }
    }
}
