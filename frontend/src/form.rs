//! Values of a form and what is wrong with them, in the visitor's language.

use std::collections::BTreeMap;

use fluent_templates::fluent_bundle::FluentValue;
use shared::{
    ApiError, Reply, Request, Result,
    domain::{Invalid, Reason},
};

use crate::Locale;

/// A form as it is shown: empty, or again with everything that was typed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'a> {
    /// Field and value as they came.
    pub typed: &'a [(&'a str, &'a str)],
    pub invalid: &'a [Invalid],
    pub trouble: Option<Trouble>,
}

/// Why the shop could not accept a form with valid values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// 413
    TooLarge,
    /// 503
    Unavailable,
}

impl Form<'_> {
    /// Shows a refused form again with its values; other results pass through.
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

    /// The error of a field.
    pub fn error(&self, locale: Locale, field: &str) -> Option<String> {
        let invalid = self.invalid.iter().find(|invalid| invalid.field == field)?;
        Some(text_of(&invalid.reason, locale))
    }

    /// The key of the message above the form.
    pub fn notice(&self) -> Option<&'static str> {
        match self.trouble {
            Some(Trouble::TooLarge) => Some("form-too-large"),
            Some(Trouble::Unavailable) => Some("form-unavailable"),
            None if self.invalid.is_empty() => None,
            None => Some("form-invalid"),
        }
    }
}

/// The reason in the visitor's language.
fn text_of(reason: &Reason, locale: Locale) -> String {
    let number = |number: usize| FluentValue::from(number);
    let stars = |min: u8, max: u8| locale.text_with("reason-stars", [("a", min.into()), ("b", max.into())]);
    match reason {
        Reason::Blank => locale.text("reason-blank"),
        Reason::TooLong { max, length } => {
            locale.text_with("reason-too-long", [("a", number(*max)), ("b", number(*length))])
        }
        Reason::LongerThan { max } => locale.text_with("reason-too-long-by-unknown", [("a", number(*max))]),
        Reason::TooManyMarks { max } => locale.text_with("reason-marks", [("a", number(*max))]),
        Reason::NotAnEmail => locale.text("reason-email"),
        Reason::NotStars { min, max } | Reason::NotAMean { min, max } => stars(*min, *max),
        Reason::NotAnAmount | Reason::NotAPriceLimit => locale.text("reason-amount"),
        // Pages have lists and links for these: a visitor meets them only in an address that somebody has changed.
        Reason::NotABoolean
        | Reason::NotAnAuthor
        | Reason::NotAGenre
        | Reason::NotALanguage
        | Reason::NotACurrency
        | Reason::NotACursor
        | Reason::NotInRange { .. }
        | Reason::NotOneOf(_)
        | Reason::Other(_) => locale.text("reason-unknown"),
    }
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, iter::successors};

    use shared::domain::{DisplayName, Email, ReviewText, Stars};

    use super::*;

    #[test]
    fn a_reason_has_its_numbers_in_both_languages() {
        let long = ReviewText::parse(&"x".repeat(4_001)).unwrap_err().reason;
        assert_eq!(text_of(&long, Locale::Es), "Caben 4000 caracteres como mucho, y hay 4001.");
        assert_eq!(text_of(&long, Locale::En), "At most 4,000 characters fit, and there are 4,001.");
        assert_eq!(text_of(&Stars::parse(0).unwrap_err().reason, Locale::En), "Choose from 1 to 5 stars.");
    }

    #[test]
    fn the_reasons_of_the_forms_fields_have_texts_of_their_own() {
        for invalid in [DisplayName::parse("").unwrap_err(), Email::parse("ana").unwrap_err()] {
            for locale in Locale::ALL {
                assert_ne!(text_of(&invalid.reason, locale), locale.text("reason-unknown"), "{invalid}");
            }
        }
    }

    /// One reason of each kind. A new variant does not compile until it is here.
    fn next(reason: Option<&Reason>) -> Option<Reason> {
        Some(match reason {
            None => Reason::Blank,
            Some(Reason::Blank) => Reason::TooLong { max: 1, length: 2 },
            Some(Reason::TooLong { .. }) => Reason::LongerThan { max: 1 },
            Some(Reason::LongerThan { .. }) => Reason::TooManyMarks { max: 1 },
            Some(Reason::TooManyMarks { .. }) => Reason::NotAnEmail,
            Some(Reason::NotAnEmail) => Reason::NotInRange { min: 1, max: 2 },
            Some(Reason::NotInRange { .. }) => Reason::NotStars { min: 1, max: 2 },
            Some(Reason::NotStars { .. }) => Reason::NotAMean { min: 1, max: 2 },
            Some(Reason::NotAMean { .. }) => Reason::NotAnAmount,
            Some(Reason::NotAnAmount) => Reason::NotAPriceLimit,
            Some(Reason::NotAPriceLimit) => Reason::NotACurrency,
            Some(Reason::NotACurrency) => Reason::NotABoolean,
            Some(Reason::NotABoolean) => Reason::NotAnAuthor,
            Some(Reason::NotAnAuthor) => Reason::NotAGenre,
            Some(Reason::NotAGenre) => Reason::NotALanguage,
            Some(Reason::NotALanguage) => Reason::NotOneOf(Vec::new()),
            Some(Reason::NotOneOf(_)) => Reason::NotACursor,
            Some(Reason::NotACursor) => Reason::Other(Cow::Borrowed("")),
            Some(Reason::Other(_)) => return None,
        })
    }

    #[test]
    fn every_reason_has_a_text_in_both_languages() {
        let reasons: Vec<Reason> = successors(next(None), |reason| next(Some(reason))).collect();
        assert_eq!(reasons.len(), 18);
        for reason in reasons {
            for locale in Locale::ALL {
                let text = text_of(&reason, locale);
                assert!(!text.starts_with("reason-") && !text.contains('{'), "{reason:?}: {text}");
            }
        }
    }
}
