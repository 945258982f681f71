//! Pure types and rules of a bookshop. Everything is parsed at the edge (`Stars::parse`, `Isbn13::parse`),
//! so that inside nobody checks again.

mod book;
mod catalogue;
mod filter;
mod isbn;
mod language;
mod money;
mod rating;
mod search;
pub mod spelling;
mod submission;
mod text;

pub use book::{Author, Book, BookId, Genre, Histogram, Ratings, Summary, Window};
pub use catalogue::{CatalogueRow, Reference};
pub use filter::{Count, Facets, Filter};
pub use isbn::Isbn13;
pub use language::Language;
pub use money::Money;
pub use rating::{PRIOR_MEAN, PRIOR_WEIGHT, Review, Stars, VisitorId};
pub use search::{Plan, Search, Sort};
pub use submission::{Outcome, SubmissionId, SubmissionKey};
pub use text::{DisplayName, Email, MessageText, ReviewText, Subject, clean, plain};

/// What was wrong with one value that came in, in words for the one who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The parameter, field or column as the sender wrote it.
    pub field: String,
    /// What it must be, as the rest of a sentence: "must be a whole number from 1 to 5".
    pub reason: String,
}

impl Invalid {
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

pub type Parsed<T> = Result<T, Invalid>;
