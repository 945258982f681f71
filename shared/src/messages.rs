//! Messages on the queue: one tagged, versioned variant for each kind. A consumer sends kinds and versions that it does
//! not support to the dead-letter queue.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::{BookId, Counts, DisplayName, Email, MessageText, ReviewText, Stars, Subject, VisitorId};

/// One submission on its way to the writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    pub id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub sent_at: OffsetDateTime,
    /// The id of the HTTP request, for the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Content {
    #[serde(rename = "rating.v1")]
    Rating(RatingV1),
    #[serde(rename = "contact.v1")]
    Contact(ContactV1),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatingV1 {
    pub book: BookId,
    pub visitor: VisitorId,
    pub stars: Stars,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewText>,
}

/// A message to the shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContactV1 {
    /// None in messages of versions before this field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorId>,
    pub name: DisplayName,
    pub email: Email,
    pub subject: Subject,
    pub message: MessageText,
}

/// Progress of an import, in S3 beside the file: `<key>.progress.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    pub state: ImportState,
    /// The last processed line of the file.
    pub line: u32,
    #[serde(flatten)]
    pub counts: Counts,
    /// Why the file cannot be read, or why the import was interrupted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    Running,
    /// It failed in between; Lambda starts it again after the last processed line.
    Interrupted,
    Done,
    Failed,
}

/// The request of a deploy to `migrate-database`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationOrder {
    /// How many connections each database user may hold at once.
    pub reader_connections: u32,
    pub writer_connections: u32,
    /// The `refreshed_to` of the response before.
    #[serde(default)]
    pub refresh_after: u32,
}

/// The response of `migrate-database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrationReport {
    /// Migrations that were run this time.
    pub applied: Vec<String>,
    /// Number of finished imports; a first deploy has none.
    pub imports: i64,
    /// The last book whose search entries were brought up to date, where the time did not suffice for all: the same order
    /// continues after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refreshed_to: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let text = r#"{"id":"c56a4180-65aa-82ec-a945-5fd21dec0538","sent_at":"2026-01-02T03:04:05Z",
            "kind":"rating.v1","book":7,"visitor":"c56a4180-65aa-42ec-a945-5fd21dec0538","stars":5,"review":"¡Bravo!"}"#;
        let submission: Submission = serde_json::from_str(text).unwrap();
        let again: Submission = serde_json::from_str(&serde_json::to_string(&submission).unwrap()).unwrap();
        assert_eq!(again, submission);
    }

    #[test]
    fn an_unknown_version_and_invalid_stars_are_errors() {
        let message = |kind: &str, stars: u8| {
            format!(
                r#"{{"id":"c56a4180-65aa-82ec-a945-5fd21dec0538","sent_at":"2026-01-02T03:04:05Z","kind":"{kind}","book":7,"visitor":"c56a4180-65aa-42ec-a945-5fd21dec0538","stars":{stars}}}"#
            )
        };
        let read = |text: String| serde_json::from_str::<Submission>(&text).map_err(|error| error.to_string());
        assert!(read(message("rating.v2", 5)).unwrap_err().contains("unknown variant `rating.v2`"));
        assert!(read(message("rating.v1", 6)).unwrap_err().contains("1 to 5"));
        assert!(read(message("rating.v1", 5)).is_ok());
    }
}
