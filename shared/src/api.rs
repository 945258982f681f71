//! JSON types of the API that are not types of the domain. The functions read and write them, and the API's document is
//! made from them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::{
    Author, DisplayName, Email, Facets, Genre, MessageText, Outcome, ReviewText, Slice, Stars, Subject, SubmissionId,
    Summary,
};

/// A slice of a list of books.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Books {
    #[serde(flatten)]
    pub slice: Slice<Summary>,
    /// How many books the whole list has.
    pub total: u32,
    /// If false, the list has at least `total` books: nobody has counted all of them.
    pub total_is_exact: bool,
    /// Only with `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Facets")]
    pub facets: Option<Facets>,
    /// Only if nothing is found: a `q` with a similar spelling that finds something within the same filters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub did_you_mean: Option<String>,
}

/// What a beginning of a query leads to, while it is typed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Suggestions {
    /// The best hits, at most six.
    pub books: Vec<Summary>,
    /// Authors of hits whose names have all words of `q`, at most three.
    pub authors: Vec<Author>,
    /// Genres whose names have all words of `q`, at most three.
    pub genres: Vec<NamedGenre>,
    /// Only if no book is found: a `q` with a similar spelling that finds some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub did_you_mean: Option<String>,
}

/// A genre with its name in the language that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct NamedGenre {
    pub slug: Genre,
    pub name: String,
    /// How many books it has.
    pub books: i64,
}

// Forms accept any JSON values, so that every invalid field is reported; their schemas state the valid values.

/// A rating of a book.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct RatingForm {
    #[schemars(with = "Stars")]
    pub stars: Option<serde_json::Value>,
    /// Shown under the review. A blank one counts as none.
    #[schemars(length(max = DisplayName::MAX))]
    pub name: Option<String>,
    /// The text of the review. A blank one counts as none.
    #[schemars(length(max = ReviewText::MAX))]
    pub review: Option<String>,
}

/// A message to the shop.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ContactForm {
    #[schemars(with = "DisplayName")]
    pub name: Option<String>,
    #[schemars(with = "Email")]
    pub email: Option<String>,
    #[schemars(with = "Subject")]
    pub subject: Option<String>,
    #[schemars(with = "MessageText")]
    pub message: Option<String>,
    /// Leave it out. A page hides it, so only a program fills it in; that message is accepted and dropped.
    pub website: Option<String>,
}

/// The receipt of a submission.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Receipt {
    pub id: SubmissionId,
    pub status: Status,
    /// The address of its status.
    pub href: String,
}

/// The status of a submission.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Settled")]
pub struct SubmissionStatus {
    pub id: SubmissionId,
    pub status: Status,
    /// The reason of a rejection.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
}

/// `received` until it is processed, then `published` or `rejected`; the shop may hide a published one later.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Received,
    Published,
    Rejected,
}

/// Whether parameters, database and queue answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Health {
    pub status: HealthStatus,
    pub parameters: Reached,
    pub database: Reached,
    pub queue: Reached,
}

/// `ok` if everything answered.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    Ok,
    Unavailable,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Reached {
    pub ok: bool,
    /// Time until the answer or the timeout.
    pub milliseconds: f64,
}

impl SubmissionStatus {
    pub fn new(id: SubmissionId, outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self { id, status: Status::Received, reason: None },
            Some(Outcome::Published) => Self { id, status: Status::Published, reason: None },
            Some(Outcome::Rejected(reason)) => Self { id, status: Status::Rejected, reason: Some(reason.to_string()) },
        }
    }
}
