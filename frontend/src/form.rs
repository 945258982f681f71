//! What was typed into a form and what is wrong with it, told in the visitor's language.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use fluent_templates::fluent_bundle::FluentValue;
use shared::{ApiError, Reply, Request, Result, domain::Invalid};

use crate::Locale;

/// A form as it is shown: empty, or again with everything that was typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'a> {
    /// Field and value as they came.
    pub typed: &'a [(&'a str, &'a str)],
    pub invalid: &'a [Invalid],
    pub trouble: Option<Trouble>,
}

/// Why a form could not be taken though nothing in it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 413
    TooLarge,
    /// 503
    Unavailable,
}

impl Form<'_> {
    /// Shows a form again that could not be taken, with what was typed; any other outcome is not for it to tell.
    pub fn again(
        request: &Request,
        typed: &BTreeMap<String, String>,
        outcome: Result<Reply>,
        show: impl FnOnce(u16, Form) -> Result<Reply>,
    ) -> Result<Reply> {
        let typed: Vec<(&str, &str)> = typed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, invalid, trouble) = match outcome {
            Err(ApiError::Unprocessable(invalid)) if request.is_too_large() => (413, invalid, Some(Trouble::TooLarge)),
            Err(ApiError::Unprocessable(invalid)) => (422, invalid, None),
            Err(ApiError::TooLarge) => (413, Vec::new(), Some(Trouble::TooLarge)),
            Err(error @ ApiError::Unavailable(_)) => {
                shared::lambda::log(&error);
                (503, Vec::new(), Some(Trouble::Unavailable))
            }
            other => return other,
        };
        show(status, Form { typed: &typed, invalid: &invalid, trouble })
    }

    pub fn value(&self, field: &str) -> &str {
        self.typed.iter().find(|(name, _)| *name == field).map_or("", |(_, value)| *value)
    }

    /// What is wrong with a field.
    pub fn error(&self, locale: Locale, field: &str) -> Option<String> {
        let invalid = self.invalid.iter().find(|invalid| invalid.field == field)?;
        Some(reason(locale, &invalid.reason))
    }

    /// What to say above the form.
    pub fn notice(&self) -> Option<&'static str> {
        match self.trouble {
            Some(Trouble::TooLarge) => Some("form-too-large"),
            Some(Trouble::Unavailable) => Some("form-unavailable"),
            None if self.invalid.is_empty() => None,
            None => Some("form-invalid"),
        }
    }
}

/// Our reasons, with `#` for numbers and names, and their keys. The numbers become the arguments `a`, `b`, …
const REASONS: &[(&str, &str)] = &[
    ("must not be blank", "reason-blank"),
    ("must have at most # characters, and has #", "reason-too-long"),
    ("must have at most # characters", "reason-too-long-by-unknown"),
    ("must be an address such as ana@example.org", "reason-email"),
    ("must be a whole number from # to #", "reason-stars"),
    ("must be a number of stars from # to #", "reason-stars"),
    ("must be an amount such as #.#, with a point and no sign", "reason-amount"),
    ("must be an amount such as #.#, at most #.#", "reason-amount"),
    ("must be a code of ISO # such as EUR", "reason-unknown"),
    ("must be the id of an author, as a book shows it", "reason-unknown"),
    ("must be true or false", "reason-unknown"),
    ("must be one of #", "reason-unknown"),
    ("must be a slug such as science-fiction", "reason-unknown"),
    ("must be a BCP # language tag such as es, en or pt-BR", "reason-unknown"),
    ("There is no book #.", "reason-no-such-book"),
    ("The shop has hidden it.", "reason-hidden"),
    ("It was erased, as its author asked.", "reason-erased"),
    ("You sent a later rating of this book, which counts.", "reason-later-rating"),
    ("The shop has hidden your rating of this book.", "reason-hidden-before"),
];

/// A reason in the visitor's language; one that is not ours says only that something is wrong.
pub fn reason(locale: Locale, reason: &str) -> String {
    let (pattern, numbers) = pattern(reason);
    let key = REASONS.iter().find(|(known, _)| *known == pattern).map_or("reason-unknown", |(_, key)| *key);
    let arguments: HashMap<Cow<'static, str>, FluentValue> =
        ["a", "b"].into_iter().zip(numbers).map(|(name, number)| (name.into(), number.into())).collect();
    locale.find(key, Some(&arguments)).unwrap_or_else(|| key.to_owned())
}

/// The reason with `#` for each number, and the numbers.
fn pattern(reason: &str) -> (String, Vec<u64>) {
    let mut pattern = String::with_capacity(reason.len());
    let mut numbers = Vec::new();
    let mut rest = reason;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let end = rest[start..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |length| start + length);
        pattern.push_str(&rest[..start]);
        pattern.push('#');
        numbers.extend(rest[start..end].parse::<u64>());
        rest = &rest[end..];
    }
    pattern.push_str(rest);
    (pattern, numbers)
}

#[cfg(test)]
mod tests {
    use shared::domain::{DisplayName, Email, ReviewText, Stars};

    use super::*;

    #[test]
    fn the_parsers_own_words_reach_the_visitor_in_both_languages() {
        let long = ReviewText::parse(&"x".repeat(4_001)).unwrap_err().reason;
        assert_eq!(reason(Locale::Es, &long), "Caben 4000 caracteres como mucho, y hay 4001.");
        assert_eq!(reason(Locale::En, &long), "At most 4,000 characters fit, and there are 4,001.");
        assert_eq!(reason(Locale::En, &Stars::parse(0).unwrap_err().reason), "Choose from 1 to 5 stars.");
        for invalid in [DisplayName::parse("").unwrap_err(), Email::parse("ana").unwrap_err()] {
            for locale in Locale::ALL {
                assert_ne!(reason(locale, &invalid.reason), locale.text("reason-unknown"), "{invalid}");
            }
        }
    }

    /// Suppliers' words (`catalogue.rs`, `isbn.rs`) are left out: no visitor ever reads them.
    #[test]
    fn every_reason_that_a_visitor_can_meet_is_known() {
        let sources = [
            include_str!("../../shared/src/domain/book.rs"),
            include_str!("../../shared/src/domain/filter.rs"),
            include_str!("../../shared/src/domain/language.rs"),
            include_str!("../../shared/src/domain/money.rs"),
            include_str!("../../shared/src/domain/rating.rs"),
            include_str!("../../shared/src/domain/search.rs"),
            include_str!("../../shared/src/domain/text.rs"),
            include_str!("../../shared/src/repo/ratings.rs"),
        ];
        let mut seen = 0;
        for source in sources {
            let code = source.split("#[cfg(test)]").next().unwrap_or_default();
            for literal in code
                .split('"')
                .filter(|text| ["must ", "There is ", "The shop "].iter().any(|start| text.starts_with(start)))
            {
                let mut text = literal.to_owned();
                while let (Some(open), Some(close)) = (text.find('{'), text.find('}')) {
                    text.replace_range(open..=close, "1");
                }
                let (pattern, _) = pattern(&text);
                assert!(REASONS.iter().any(|(known, _)| *known == pattern), "no translation of {literal:?}");
                seen += 1;
            }
        }
        assert!(seen >= 14, "only {seen} reasons found: do they begin otherwise now?");
    }
}
