//! Text that people write: cleaned once, bounded, never empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Invalid, Parsed, Reason};

/// Composes characters (NFC), and removes control characters except line breaks, and spaces around.
pub fn clean(text: &str) -> String {
    let composed: String = text.nfc().filter(|c| !c.is_control() || *c == '\n').collect();
    composed.trim().to_owned()
}

/// At least one character that is neither blank nor a control character, in the dialect of JSON Schema.
const NOT_BLANK: &str = r"[^\s\u0000-\u001f\u007f-\u009f]";

/// A text by its field's name, with the most characters that it may have, on one line or on several.
macro_rules! text {
    ($(#[$about:meta])* $name:ident, $field:literal, $max:literal, $lines:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(#[schemars(length(min = 1, max = $max), regex(pattern = NOT_BLANK))] String);

        impl $name {
            pub const MAX: usize = $max;

            pub fn parse(text: &str) -> Parsed<Self> {
                bounded($field, text, $lines(text), Self::MAX).map(Self)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text!(
    /// The name that stands under a review, or whom to answer.
    DisplayName, "name", 80, on_one_line
);
text!(
    /// The words of a review.
    ReviewText, "review", 4_000, clean
);
text!(
    /// What a message to the shop is about.
    Subject, "subject", 200, on_one_line
);
text!(
    /// The words of a message to the shop.
    MessageText, "message", 4_000, clean
);

fn on_one_line(text: &str) -> String {
    clean(&text.replace('\n', " "))
}

// Only a delivery shows that an address exists; this finds typing errors.

/// An address that an answer can be sent to: an `@` with something around it, and a domain with a dot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Email(#[schemars(email, length(max = Self::MAX))] String);

impl Email {
    /// Of a forward path: RFC 5321, 4.5.3.1.3.
    pub const MAX: usize = 254;

    pub fn parse(text: &str) -> Parsed<Self> {
        let text = clean(text);
        let well_formed = text.split_once('@').is_some_and(|(local, domain)| {
            let labels: Vec<&str> = domain.split('.').collect();
            let label = |label: &&str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
            (1..=64).contains(&local.len()) && labels.len() >= 2 && labels.iter().all(label)
        });
        if well_formed && text.len() <= Self::MAX && !text.contains(|c: char| c.is_whitespace() || "<>,;\"".contains(c))
        {
            return Ok(Self(text));
        }
        Err(Invalid::new("email", Reason::NotAnEmail))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Parses a text of at most `max` characters. It counts them as they were sent, which the sender can count, and as they
/// are stored, because composition makes some texts longer.
fn bounded(field: &str, sent: &str, kept: String, max: usize) -> Parsed<String> {
    let count = sent.chars().count().max(kept.chars().count());
    if kept.is_empty() {
        return Err(Invalid::new(field, Reason::Blank));
    }
    if count > max {
        return Err(Invalid::new(field, Reason::TooLong { max, length: count }));
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_composed_and_without_control_characters() {
        assert_eq!(clean("  tu\u{301}nel\u{0}\u{7}\n"), "túnel");
    }

    #[test]
    fn characters_are_counted_not_bytes() {
        assert!(ReviewText::parse(&"😀".repeat(4_000)).is_ok());
        assert_eq!(
            ReviewText::parse(&"a".repeat(4_001)).unwrap_err().reason.to_string(),
            "must have at most 4000 characters, and has 4001"
        );
    }

    #[test]
    fn a_text_is_as_long_as_it_was_sent_or_as_it_is_kept() {
        assert!(DisplayName::parse(&format!("Ana{}", " ".repeat(77))).is_ok());
        assert!(DisplayName::parse(&format!("Ana{}", " ".repeat(78))).is_err());
        // Composed, this letter becomes two.
        assert!(DisplayName::parse(&"\u{958}".repeat(41)).is_err());
    }

    #[test]
    fn a_name_stays_on_one_line() {
        assert_eq!(DisplayName::parse("Ana\nMaría").unwrap().as_str(), "Ana María");
        assert!(DisplayName::parse(" \n ").is_err());
    }

    #[test]
    fn an_address_that_cannot_be_answered_is_refused() {
        for text in ["ana@example.org", " josé.núñez+libros@correo.example.es "] {
            assert!(Email::parse(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "ana",
            "ana@",
            "@example.org",
            "ana@localhost",
            "a b@example.org",
            "ana@example..org",
            "<ana@x.org>",
            "a@b@x.org",
        ] {
            assert!(Email::parse(text).is_err(), "{text}");
        }
        assert!(Email::parse(&format!("{}@example.org", "a".repeat(65))).is_err());
    }
}
