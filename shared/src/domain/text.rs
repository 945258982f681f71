//! Text that people write: cleaned once, bounded, never empty.

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Invalid, Parsed};

/// Composed characters (NFC), no control characters but line breaks, no blanks around.
pub fn clean(text: &str) -> String {
    let composed: String = text.nfc().filter(|c| !c.is_control() || *c == '\n').collect();
    composed.trim().to_owned()
}

/// The name that stands under a review; at most 80 characters, on one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(String);

impl DisplayName {
    pub const MAX: usize = 80;

    pub fn parse(text: &str) -> Parsed<Self> {
        let text = clean(&text.replace('\n', " "));
        bounded("name", text, Self::MAX).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The words of a review; at most 4,000 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReviewText(String);

impl ReviewText {
    pub const MAX: usize = 4_000;

    pub fn parse(text: &str) -> Parsed<Self> {
        bounded("review", clean(text), Self::MAX).map(Self)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn bounded(field: &str, text: String, max: usize) -> Parsed<String> {
    match text.chars().count() {
        0 => Err(Invalid::new(field, "must not be blank: leave it out instead")),
        count if count > max => {
            Err(Invalid::new(field, format!("must have at most {max} characters, and has {count}")))
        }
        _ => Ok(text),
    }
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
            ReviewText::parse(&"a".repeat(4_001)).unwrap_err().reason,
            "must have at most 4000 characters, and has 4001"
        );
    }

    #[test]
    fn a_name_stays_on_one_line() {
        assert_eq!(DisplayName::parse("Ana\nMaría").unwrap().as_str(), "Ana María");
        assert!(DisplayName::parse(" \n ").is_err());
    }
}
