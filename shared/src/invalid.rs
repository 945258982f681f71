//! What a parser returns for a value that is not acceptable.

/// An unacceptable value: which one, and what it must be, in words for its sender.
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
