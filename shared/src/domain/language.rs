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
    /// In characters.
    pub const MAX: usize = 35;

    /// Reads a BCP 47 tag, or three letters of ISO 639-2 or 639-3 where the language has two (`spa` is `es`).
    pub fn parse(text: &str) -> Parsed<Self> {
        let mut subtags = text.split(['-', '_']);
        let primary = subtags.next().unwrap_or_default().to_ascii_lowercase();
        let is_language = matches!(primary.len(), 2 | 3) && primary.bytes().all(|b| b.is_ascii_lowercase());
        let rest: Vec<String> = subtags.map(in_usual_case).collect();
        let is_subtag = |tag: &String| (2..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric());
        if !is_language || !rest.iter().all(is_subtag) || text.len() > Self::MAX {
            return Err(Invalid::new("language", Reason::NotALanguage));
        }
        Ok(Self([vec![shortest(&primary).to_owned()], rest].concat().join("-")))
    }

    /// Like [`Language::parse`], but only a language of ISO 639, with its subtags in the order of BCP 47.
    pub fn parse_known(text: &str) -> Parsed<Self> {
        let language = Self::parse(text)?;
        let mut subtags = language.0.split('-');
        if !subtags.next().is_some_and(is_known) {
            return Err(Invalid::other("language", "must be a language of ISO 639, such as es or eng"));
        }
        let kinds: Option<Vec<Subtag>> = subtags.map(Subtag::of).collect();
        let follows = |pair: &[Subtag]| pair[0] < pair[1] || (pair[0] == pair[1] && pair[0].may_repeat());
        if kinds.is_none_or(|kinds| !kinds.windows(2).all(follows)) {
            let order = "must have its subtags in the order of BCP 47: script, region, variant, as in zh-Hant-TW";
            return Err(Invalid::other("language", order));
        }
        Ok(language)
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

/// A subtag in its usual case, RFC 5646, section 2.1.1: a region in capitals, a script with one, others in small letters.
fn in_usual_case(subtag: &str) -> String {
    let is_script = subtag.len() == 4 && subtag.bytes().all(|b| b.is_ascii_alphabetic());
    match subtag {
        region if region.len() == 2 => region.to_ascii_uppercase(),
        script if is_script => script[..1].to_ascii_uppercase() + &script[1..].to_ascii_lowercase(),
        other => other.to_ascii_lowercase(),
    }
}

/// The kinds of subtags behind the language, in the order of RFC 5646, section 2.1.
#[derive(PartialEq, Eq, PartialOrd)]
enum Subtag {
    Extended,
    Script,
    Region,
    Variant,
}

impl Subtag {
    fn of(subtag: &str) -> Option<Self> {
        let letters = subtag.bytes().all(|b| b.is_ascii_alphabetic());
        let digits = subtag.bytes().all(|b| b.is_ascii_digit());
        match subtag.len() {
            3 if letters => Some(Self::Extended),
            4 if letters => Some(Self::Script),
            2 if letters => Some(Self::Region),
            3 if digits => Some(Self::Region),
            4 if subtag.starts_with(|c: char| c.is_ascii_digit()) => Some(Self::Variant),
            5.. => Some(Self::Variant),
            _ => None,
        }
    }

    fn may_repeat(&self) -> bool {
        matches!(self, Self::Extended | Self::Variant)
    }
}

// As of February 2026, from the code tables of ISO 639-3 (SIL International, iso639-3.sil.org), 639-2 and 639-5 (Library of
// Congress, loc.gov/standards/iso639-2), by way of Debian's iso-codes.

/// A line a language with a code of ISO 639-1: two letters, three of ISO 639-2/T and 639-3, and those of 639-2/B where they
/// differ.
const ISO_639_1: &str = include_str!("iso_639_1.txt");
/// The other codes of three letters: languages of ISO 639-3 and groups of ISO 639-5.
const ISO_639_3: &str = include_str!("iso_639_3.txt");
/// Withdrawn codes, which library catalogues still have, and what IANA's registry of subtags prefers.
const WITHDRAWN: [(&str, &str); 8] =
    [("iw", "he"), ("in", "id"), ("ji", "yi"), ("jw", "jv"), ("mo", "ro"), ("mol", "ro"), ("scc", "sr"), ("scr", "hr")];

/// The code of ISO 639-1 of a language that has one.
fn shortest(primary: &str) -> &str {
    if let Some((_, current)) = WITHDRAWN.iter().find(|(code, _)| *code == primary) {
        return current;
    }
    let with_code = |line: &&str| primary.len() == 3 && line.split(' ').any(|code| code == primary);
    ISO_639_1.lines().find(with_code).and_then(|line| line.split(' ').next()).unwrap_or(primary)
}

/// Whether ISO 639 has the code, or leaves it to private use.
fn is_known(primary: &str) -> bool {
    match primary.len() {
        2 => ISO_639_1.lines().any(|line| line.starts_with(primary)),
        _ => ("qaa"..="qtz").contains(&primary) || ISO_639_3.split_ascii_whitespace().any(|code| code == primary),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_normalised() {
        for (text, tag) in [
            ("eng", "en"),
            ("en-us", "en-US"),
            ("spa", "es"),
            ("mul", "mul"),
            ("PT_br", "pt-BR"),
            ("zh-hant", "zh-Hant"),
            ("ZH-HANT-tw", "zh-Hant-TW"),
            ("sr-latn-rs", "sr-Latn-RS"),
            ("es-419", "es-419"),
            ("de-CH-1901", "de-CH-1901"),
            ("ca-valencia", "ca-valencia"),
            ("ZH-YUE", "zh-yue"),
        ] {
            assert_eq!(Language::parse_known(text).unwrap().as_str(), tag);
        }
    }

    #[test]
    fn three_letters_become_two_where_iso_639_has_two() {
        for (text, tag) in [
            ("kor", "ko"),
            ("heb", "he"),
            ("gre", "el"),
            ("ell", "el"),
            ("eus", "eu"),
            ("baq", "eu"),
            ("lat", "la"),
            ("hun", "hu"),
            ("alb-xk", "sq-XK"),
            ("scr", "hr"),
            ("iw", "he"),
            ("ast", "ast"),
            ("grc", "grc"),
            ("nah", "nah"),
        ] {
            assert_eq!(Language::parse(text).unwrap().as_str(), tag);
            assert_eq!(Language::parse_known(text).unwrap().as_str(), tag);
        }
        let of = |count: usize| ISO_639_1.lines().filter(|line| line.split(' ').count() == count).count();
        assert_eq!((of(2), of(3), ISO_639_3.split_ascii_whitespace().count()), (164, 20, 7_854));
    }

    #[test]
    fn a_tag_has_at_most_35_characters_and_a_region_or_script_makes_it_regional() {
        assert!(Language::parse("en-abcdefgh-abcdefgh-abcdefgh-abcde").is_ok());
        assert!(Language::parse("en-abcdefgh-abcdefgh-abcdefgh-abcdef").is_err());
        for (tag, is_regional, base) in [("es", false, "es"), ("es-MX", true, "es"), ("zh-Hant", true, "zh")] {
            assert_eq!((Language::parse(tag).unwrap().is_regional(), base_language(tag)), (is_regional, base), "{tag}");
        }
    }

    #[test]
    fn only_extended_languages_and_variants_repeat() {
        for (tag, is_known) in [
            ("sl-rozaj-biske", true),
            ("zh-yue-hak", true),
            ("zh-Latn-Cyrl", false),
            ("es-ES-MX", false),
            ("es-419-MX", false),
            ("zh-Hant-yue", false),
        ] {
            assert_eq!(Language::parse_known(tag).is_ok(), is_known, "{tag}");
        }
    }

    #[test]
    fn a_text_that_is_no_language_tag_is_refused() {
        for text in ["", "e", "spanish", "en-", "en-ñ", "en'; drop table books"] {
            assert!(Language::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_language_that_iso_639_does_not_have_is_not_known() {
        for text in ["aaa", "qab", "es-es", "hbs"] {
            assert!(Language::parse_known(text).is_ok(), "{text}");
        }
        for text in ["xx", "zz", "xyz", "zh-TW-Hant", "en-US-GB", "en-1", "en-12", "en-12x", "en-a1b2"] {
            assert!(Language::parse_known(text).is_err(), "{text}");
        }
    }
}
