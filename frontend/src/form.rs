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
    /// 422: the hidden field that only programs fill in has a value.
    Honeypot,
    /// 409: the form is of a session that has ended since.
    Expired,
    /// 413
    TooLarge,
    /// 503
    Unavailable,
    /// 409: the form is too old, and was replaced by a new one with the same values.
    Outdated,
    /// 409: what the form orders is no longer in the cart, so that it may be ordered already.
    Gone,
}

/// The fields that have an input on a page, which a summary of errors can link to.
const INPUTS: [&str; 40] = [
    "name",
    "email",
    "subject",
    "message",
    "stars",
    "review",
    "q",
    "genre",
    "language",
    "min_rating",
    "price_max",
    "in_stock",
    "sort",
    "phone",
    "delivery",
    "payment",
    "recipient",
    "street",
    "street2",
    "postal_code",
    "place",
    "region",
    "note",
    "country",
    "reason",
    "find",
    "title",
    "authors",
    "isbn",
    "year",
    "genres",
    "price",
    "fixed_price",
    "vat_rate",
    "publisher",
    "publisher_contact",
    "description",
    "copies",
    "why",
    "reply",
];

impl Form<'_> {
    /// The hidden field. No browser or password manager has a value for it, unlike for `website` or `phone`.
    pub const HONEYPOT: &'static str = "remarks";
    /// The name of the button that changes the language and sends nothing.
    pub const SHOW_AGAIN: &'static str = "show-again";

    /// Shows a form that must not be sent again with its values: the visitor has only changed the language, or the
    /// honeypot is filled in. None if the form is to be sent.
    pub fn unsent(
        typed: &BTreeMap<String, String>,
        show: impl FnOnce(u16, Form) -> Result<Reply>,
    ) -> Option<Result<Reply>> {
        let (status, trouble) = if typed.contains_key(Self::SHOW_AGAIN) {
            (200, None)
        } else if typed.contains_key(Self::HONEYPOT) {
            (422, Some(Trouble::Honeypot))
        } else {
            return None;
        };
        Some(show(status, Form { typed: &pairs(typed), invalid: &[], trouble }))
    }

    /// Shows a form again, which the visitor may send once more with its values: 409.
    pub fn asking(
        typed: &BTreeMap<String, String>,
        trouble: Trouble,
        show: impl FnOnce(u16, Form) -> Result<Reply>,
    ) -> Result<Reply> {
        show(409, Form { typed: &pairs(typed), invalid: &[], trouble: Some(trouble) })
    }

    /// Shows a refused form again with its values; other results pass through.
    pub fn again(
        request: &Request,
        typed: &BTreeMap<String, String>,
        outcome: Result<Reply>,
        show: impl FnOnce(u16, Form) -> Result<Reply>,
    ) -> Result<Reply> {
        let typed = pairs(typed);
        let (status, invalid, trouble) = match outcome {
            Err(ApiError::Unprocessable(invalid)) if request.is_too_large() => (413, invalid, Some(Trouble::TooLarge)),
            Err(ApiError::Unprocessable(invalid)) => (422, invalid, None),
            Err(ApiError::TooLarge) => (413, Vec::new(), Some(Trouble::TooLarge)),
            Err(error @ ApiError::Unavailable(_)) => {
                shared::error::log(&error);
                (503, Vec::new(), Some(Trouble::Unavailable))
            }
            other => return other,
        };
        show(status, Form { typed: &typed, invalid: &invalid, trouble })
    }

    /// Shows a form of an earlier session with its values, to be sent again with the key of this one.
    pub fn expired(typed: &BTreeMap<String, String>, show: impl FnOnce(u16, Form) -> Result<Reply>) -> Result<Reply> {
        show(409, Form { typed: &pairs(typed), invalid: &[], trouble: Some(Trouble::Expired) })
    }

    pub fn value(&self, field: &str) -> &str {
        self.typed.iter().find(|(name, _)| *name == field).map_or("", |(_, value)| *value)
    }

    /// The error of a field.
    pub fn error(&self, locale: Locale, field: &str) -> Option<String> {
        let invalid = self.invalid.iter().find(|invalid| invalid.field == field)?;
        Some(self.text_of(invalid, locale))
    }

    /// Whether the form is shown because the shop did not accept it.
    pub fn is_refused(&self) -> bool {
        self.notice().is_some()
    }

    /// All errors for the summary above the form: the field to link to, if it has an input, and the text.
    pub fn errors(&self, locale: Locale) -> Vec<(Option<&str>, String)> {
        let link = |field: &'_ str| INPUTS.into_iter().find(|input| *input == field);
        self.invalid.iter().map(|invalid| (link(&invalid.field), self.text_of(invalid, locale))).collect()
    }

    /// What is wrong; of a postal code with an example of the country that was chosen.
    fn text_of(&self, invalid: &Invalid, locale: Locale) -> String {
        match (&invalid.reason, postal_code_of(self.value("country"))) {
            (Reason::NotAPostalCode, Some(example)) => {
                let start = unknown_start(self.value("country"), self.value("postal_code"));
                let key = if start.is_some() { "reason-postal-code-start" } else { "reason-postal-code-of-country" };
                let start = start.unwrap_or_default();
                locale.text_with(key, [("example", example.into()), ("start", start.into())])
            }
            _ => text_of(invalid, locale),
        }
    }

    /// The key of the message above the form.
    pub fn notice(&self) -> Option<&'static str> {
        match self.trouble {
            Some(Trouble::Honeypot) => Some("form-honeypot"),
            Some(Trouble::Expired) => Some("form-expired"),
            Some(Trouble::TooLarge) => Some("form-too-large"),
            Some(Trouble::Unavailable) => Some("form-unavailable"),
            Some(Trouble::Outdated) => Some("form-outdated"),
            Some(Trouble::Gone) => Some("form-gone"),
            None if self.invalid.is_empty() => None,
            None => Some("form-invalid"),
        }
    }
}

/// The fields of a form, as a page shows them again.
pub fn pairs(typed: &BTreeMap<String, String>) -> Vec<(&str, &str)> {
    typed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// An example of a postal code of a country whose codes the shop checks.
fn postal_code_of(country: &str) -> Option<&'static str> {
    match country {
        "DE" => Some("10115"),
        "ES" => Some("28013"),
        "FR" => Some("75001"),
        "IT" => Some("00184"),
        "PT" => Some("1000-205"),
        _ => None,
    }
}

/// The digits with which no postal code of the country begins, of a code that is well-formed otherwise.
fn unknown_start(country: &str, code: &str) -> Option<String> {
    let digits: String = code.chars().filter(char::is_ascii_digit).collect();
    let length = match (country, digits.len()) {
        ("ES", 5) if !("01".."53").contains(&&digits[..2]) => 2,
        ("PT", 7) if digits.starts_with('0') => 1,
        _ => return None,
    };
    Some(digits[..length].to_owned())
}

/// What is wrong, in the visitor's language and with the name of the field.
fn text_of(Invalid { field, reason, .. }: &Invalid, locale: Locale) -> String {
    let of_field = |family: &str| locale.find(&format!("{family}-{field}"), None);
    let what = || FluentValue::from(of_field("what").unwrap_or_else(|| locale.text("what-other")));
    let number = |number: usize| FluentValue::from(number);
    let stars = |min: u8, max: u8| locale.text_with("reason-stars", [("a", min.into()), ("b", max.into())]);
    match reason {
        Reason::Blank => of_field("blank").unwrap_or_else(|| locale.text_with("reason-blank", [("what", what())])),
        Reason::TooLong { max, length } => {
            locale.text_with("reason-too-long", [("what", what()), ("a", number(*max)), ("b", number(*length))])
        }
        Reason::LongerThan { max } => {
            locale.text_with("reason-too-long-by-unknown", [("what", what()), ("a", number(*max))])
        }
        Reason::TooManyMarks { max } => locale.text_with("reason-marks", [("a", number(*max))]),
        Reason::TooNew { minutes } => locale.text_with("reason-too-new", [("a", (*minutes).into())]),
        Reason::NotAnEmail => locale.text("reason-email"),
        Reason::NotAPhone => locale.text("reason-phone"),
        Reason::NotAPostalCode => locale.text("reason-postal-code"),
        Reason::OutsideVatArea => locale.text("reason-vat-area"),
        Reason::NotACountry => locale.text("reason-country"),
        Reason::Link => locale.text_with("reason-link", [("what", what())]),
        Reason::CardNumber => locale.text_with("reason-card-number", [("what", what())]),
        Reason::NotStars { min, max } | Reason::NotAMean { min, max } => stars(*min, *max),
        Reason::NotAnAmount | Reason::NotAPriceLimit => locale.text("reason-amount"),
        Reason::WrongCheckDigit { digits } => locale.text_with("reason-check-digit", [("a", (*digits).into())]),
        Reason::Taken => locale.text_with("reason-taken", [("what", what())]),
        Reason::OutsideFixedPrice => locale.text("reason-fixed-price"),
        // The staff types what the words for suppliers are about.
        Reason::NotOneOf(_) | Reason::NotALanguage | Reason::Other(_) => {
            of_field("choose").unwrap_or_else(|| locale.text_with("reason-unknown", [("what", what())]))
        }
        // Pages have lists and links for these: a visitor meets them only in an address that somebody has changed.
        Reason::NotABoolean
        | Reason::NotAnAuthor
        | Reason::NotAGenre
        | Reason::NotACurrency
        | Reason::NotACursor
        | Reason::NotInRange { .. }
        | Reason::OutOfRange { .. } => locale.text_with("reason-unknown", [("what", what())]),
    }
}

#[cfg(test)]
mod tests {
    use std::{borrow::Cow, iter::successors};

    use shared::domain::{
        Address, AddressText, Currency, DisplayName, Email, Filter, MessageText, ReviewText, Search, Stars, Subject,
    };

    use super::*;

    #[test]
    fn an_error_names_its_field_in_both_languages() {
        let long = "x".repeat(5_001);
        for (invalid, es, en) in [
            (DisplayName::parse(" ").err(), "Escribe tu nombre.", "Enter your name."),
            (Email::parse("ana").err(), "Escribe tu correo completo, como ana@example.org.", "Enter your whole email"),
            (Email::parse("").err(), "Escribe tu correo completo, como ana@example.org.", "Enter your whole email"),
            (Subject::parse("").err(), "Escribe un asunto.", "Enter a subject."),
            (MessageText::parse("").err(), "Escribe tu mensaje.", "Enter your message."),
            (Stars::parse(0).err(), "Elige de 1 a 5 estrellas.", "Choose from 1 to 5 stars."),
            (ReviewText::parse(&long).err(), "La reseña admite 4000 caracteres, y has escrito 5001.", "The review"),
            (DisplayName::parse(&long).err(), "Tu nombre admite 80 caracteres, y has escrito 5001.", "Your name"),
            (Subject::parse(&long).err(), "El asunto admite", "The subject"),
            (MessageText::parse(&long).err(), "El mensaje admite", "The message"),
            (Search::parse(&long).err(), "La búsqueda admite", "The search"),
            (
                Filter::max_price("x", Currency::EUR).err(),
                "Escribe un precio como 20 o 19,95.",
                "Enter a price such as 20 or 19.95.",
            ),
            (Filter::min_score("x").err(), "Elige de 1 a 5 estrellas.", "Choose from 1 to 5 stars."),
            (Filter::author("x").err(), "El autor no se entiende.", "The author is not valid."),
            (Some(Invalid::new("cursor", Reason::NotACursor)), "La dirección no se entiende.", "The address is not"),
        ] {
            let invalid = invalid.unwrap();
            for (locale, expected) in [(Locale::Es, es), (Locale::En, en)] {
                let text = text_of(&invalid, locale);
                assert!(text.starts_with(expected) && text.ends_with('.'), "{invalid}: {text}");
            }
        }
    }

    #[test]
    fn an_address_with_an_error_names_its_fields_by_their_labels_and_the_postal_code_by_an_example() {
        let long = || Reason::TooLong { max: 80, length: 81 };
        for (field, reason, country, es, en) in [
            ("recipient", long(), "ES", "«A nombre de» admite 80", "The recipient can have 80"),
            ("street2", long(), "ES", "El piso y la puerta admite", "The floor and door"),
            ("name", Reason::CardNumber, "ES", "Tu nombre no puede llevar", "Your name must not have"),
            ("postal_code", Reason::CardNumber, "ES", "El código postal no puede", "The postal code must not"),
            (
                "postal_code",
                Reason::NotAPostalCode,
                "ES",
                "Escribe un código postal como 28013.",
                "Enter a postal code such as 28013.",
            ),
            (
                "postal_code",
                Reason::NotAPostalCode,
                "PT",
                "Escribe un código postal como 1000-205.",
                "Enter a postal code such as 1000-205.",
            ),
            (
                "postal_code",
                Reason::NotAPostalCode,
                "GB",
                "Escribe el código postal del país",
                "Enter the postal code of the country",
            ),
        ] {
            let (typed, invalid) = ([("country", country)], [Invalid::new(field, reason)]);
            let form = Form { typed: &typed, invalid: &invalid, trouble: None };
            for (locale, expected) in [(Locale::Es, es), (Locale::En, en)] {
                let text = form.error(locale, field).unwrap();
                assert!(text.starts_with(expected), "{field} {country}: {text}");
                assert_eq!(form.errors(locale), [(Some(field), text)]);
            }
        }
    }

    #[test]
    fn a_postal_code_that_cannot_be_says_with_what_it_must_not_begin() {
        for (country, code, expected) in [
            ("ES", "99999", "Ningún código postal empieza por 99. Escribe uno como 28013."),
            ("ES", "E-00 123", "Ningún código postal empieza por 00. Escribe uno como 28013."),
            ("PT", "0100-000", "Ningún código postal empieza por 0. Escribe uno como 1000-205."),
            ("PT", "1000-20", "Escribe un código postal como 1000-205."),
            ("ES", "2801", "Escribe un código postal como 28013."),
            ("DE", "99999x", "Escribe un código postal como 10115."),
        ] {
            let typed = [("country", country), ("postal_code", code)];
            let invalid = [Invalid::new("postal_code", Reason::NotAPostalCode)];
            let form = Form { typed: &typed, invalid: &invalid, trouble: None };
            assert_eq!(form.error(Locale::Es, "postal_code").as_deref(), Some(expected), "{country} {code}");
        }
    }

    #[test]
    fn the_example_of_a_postal_code_is_one_of_its_country() {
        for country in ["DE", "ES", "FR", "IT", "PT"] {
            let text = AddressText {
                name: "Ana".to_owned(),
                street: vec!["Calle Mayor 1".to_owned()],
                postal_code: postal_code_of(country).unwrap().to_owned(),
                place: "Madrid".to_owned(),
                region: String::new(),
                country: country.to_owned(),
            };
            assert!(Address::parse(&text).is_ok(), "{country}");
        }
    }

    #[test]
    fn a_summary_links_to_the_fields_that_have_an_input() {
        let invalid = [Invalid::new("price_max", Reason::NotAPriceLimit), Invalid::new("cursor", Reason::NotACursor)];
        let form = Form { invalid: &invalid, ..Form::default() };
        let links: Vec<_> = form.errors(Locale::Es).into_iter().map(|(field, _)| field.map(str::to_owned)).collect();
        assert_eq!(links, [Some("price_max".to_owned()), None]);
    }

    #[test]
    fn a_form_with_a_filled_honeypot_or_in_another_language_is_shown_and_not_sent() {
        for (typed, expected) in [
            (&[("name", "Ana")][..], None),
            (&[("name", "Ana"), ("show-again", "yes")], Some((200, None))),
            (&[("name", "Ana"), ("remarks", "http://x")], Some((422, Some("form-honeypot")))),
            (&[("name", "Ana"), ("website", "http://ana.example")], None),
        ] {
            let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let mut shown = None;
            _ = Form::unsent(&typed, |status, form| {
                assert_eq!(form.value("name"), "Ana");
                shown = Some((status, form.notice()));
                Err(ApiError::NotFound)
            });
            assert_eq!(shown, expected, "{typed:?}");
        }
    }

    /// One reason of each kind. A new variant does not compile until it is here.
    fn next(reason: Option<&Reason>) -> Option<Reason> {
        Some(match reason {
            None => Reason::Blank,
            Some(Reason::Blank) => Reason::TooLong { max: 1, length: 2 },
            Some(Reason::TooLong { .. }) => Reason::LongerThan { max: 1 },
            Some(Reason::LongerThan { .. }) => Reason::TooManyMarks { max: 1 },
            Some(Reason::TooManyMarks { .. }) => Reason::TooNew { minutes: 10 },
            Some(Reason::TooNew { .. }) => Reason::NotAnEmail,
            Some(Reason::NotAnEmail) => Reason::NotAPhone,
            Some(Reason::NotAPhone) => Reason::NotAPostalCode,
            Some(Reason::NotAPostalCode) => Reason::OutsideVatArea,
            Some(Reason::OutsideVatArea) => Reason::NotACountry,
            Some(Reason::NotACountry) => Reason::CardNumber,
            Some(Reason::CardNumber) => Reason::Link,
            Some(Reason::Link) => Reason::NotInRange { min: 1, max: 2 },
            Some(Reason::NotInRange { .. }) => Reason::OutOfRange { min: 1, max: 2, value: "3".into() },
            Some(Reason::OutOfRange { .. }) => Reason::NotStars { min: 1, max: 2 },
            Some(Reason::NotStars { .. }) => Reason::NotAMean { min: 1, max: 2 },
            Some(Reason::NotAMean { .. }) => Reason::NotAnAmount,
            Some(Reason::NotAnAmount) => Reason::NotAPriceLimit,
            Some(Reason::NotAPriceLimit) => Reason::NotACurrency,
            Some(Reason::NotACurrency) => Reason::NotABoolean,
            Some(Reason::NotABoolean) => Reason::NotAnAuthor,
            Some(Reason::NotAnAuthor) => Reason::NotAGenre,
            Some(Reason::NotAGenre) => Reason::NotALanguage,
            Some(Reason::NotALanguage) => Reason::NotOneOf(Vec::new()),
            Some(Reason::NotOneOf(_)) => Reason::WrongCheckDigit { digits: 13 },
            Some(Reason::WrongCheckDigit { .. }) => Reason::Taken,
            Some(Reason::Taken) => Reason::OutsideFixedPrice,
            Some(Reason::OutsideFixedPrice) => Reason::NotACursor,
            Some(Reason::NotACursor) => Reason::Other(Cow::Borrowed("")),
            Some(Reason::Other(_)) => return None,
        })
    }

    #[test]
    fn every_reason_has_a_text_in_both_languages() {
        let reasons: Vec<Reason> = successors(next(None), |reason| next(Some(reason))).collect();
        assert_eq!(reasons.len(), 29);
        for reason in reasons {
            for locale in Locale::ALL {
                let text = text_of(&Invalid::new("name", reason.clone()), locale);
                assert!(!text.starts_with("reason-") && !text.contains('{'), "{reason:?}: {text}");
            }
        }
    }
}
