//! Languages as BCP 47 tags: `es`, `en-US`, `zh-Hant`.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Invalid, Parsed, Reason};

/// A BCP 47 language tag: `es`, `en-US`. Any case is taken; answers have the usual one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Language(
    #[schemars(length(max = Self::MAX), regex(pattern = "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$"))] String,
);

impl Language {
    const MAX: usize = 35;

    /// Reads a BCP 47 tag, or the three letters of ISO 639-2 that library catalogues use (`spa` is `es`).
    pub fn parse(text: &str) -> Parsed<Self> {
        let mut parts = text.split(['-', '_']);
        let primary = parts.next().unwrap_or_default().to_ascii_lowercase();
        let well_formed = matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_lowercase());
        let rest: Vec<&str> = parts.collect();
        let subtags =
            rest.iter().all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !well_formed || !subtags || text.len() > Self::MAX {
            return Err(Invalid::new("language", Reason::NotALanguage));
        }
        let mut tag = two_letters(&primary).to_owned();
        for part in rest {
            tag.push('-');
            match part.len() {
                2 => tag.push_str(&part.to_ascii_uppercase()),
                _ => tag.push_str(&part.to_ascii_lowercase()),
            }
        }
        Ok(Self(tag))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has a region or script: `en-US`.
    pub fn is_regional(&self) -> bool {
        self.0.contains('-')
    }

    /// A value of the database, which was parsed before it was stored.
    pub(crate) fn trusted(tag: String) -> Self {
        Self(tag)
    }
}

/// The language of a tag without its region or script: `en` of `en-US`.
pub fn base_language(tag: &str) -> &str {
    tag.split('-').next().unwrap_or(tag)
}

/// ISO 639-2 to ISO 639-1 for the languages that books are most often sold in.
fn two_letters(primary: &str) -> &str {
    match primary {
        "ara" => "ar",
        "cat" => "ca",
        "chi" | "zho" => "zh",
        "dan" => "da",
        "dut" | "nld" => "nl",
        "eng" => "en",
        "fin" => "fi",
        "fre" | "fra" => "fr",
        "ger" | "deu" => "de",
        "glg" => "gl",
        "ind" => "id",
        "ita" => "it",
        "jpn" => "ja",
        "nor" => "no",
        "per" | "fas" => "fa",
        "pol" => "pl",
        "por" => "pt",
        "rum" | "ron" => "ro",
        "rus" => "ru",
        "spa" => "es",
        "swe" => "sv",
        "tur" => "tr",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_normalised() {
        for (text, tag) in [("eng", "en"), ("en-us", "en-US"), ("spa", "es"), ("mul", "mul"), ("PT_br", "pt-BR")] {
            assert_eq!(Language::parse(text).unwrap().as_str(), tag);
        }
    }

    #[test]
    fn a_text_that_is_no_language_tag_is_refused() {
        for text in ["", "e", "spanish", "en-", "en-ñ", "en'; drop table books"] {
            assert!(Language::parse(text).is_err(), "{text}");
        }
    }
}
