//! An answer to a message, on its way to the sender.

use time::OffsetDateTime;

use super::{Email, Language};

/// A mail with an answer that was not handed over yet, or the copy of one for the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyMail {
    /// Of its row.
    pub id: u64,
    pub is_copy: bool,
    /// As the sender of the message typed it.
    pub name: String,
    /// The sender of the message, also of a copy.
    pub to: Email,
    pub subject: String,
    /// The message that is answered.
    pub message: String,
    pub sent_at: OffsetDateTime,
    /// The answer.
    pub text: String,
    pub language: Language,
}
