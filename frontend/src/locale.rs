//! The two languages of the shop and their texts (Fluent, under `translations/`).

use std::{borrow::Cow, collections::HashMap};

use fluent_templates::{LanguageIdentifier, fluent_bundle::FluentValue, langid, static_loader};

use shared::{
    domain::{Invalid, Language, Parsed, Reason},
    http::weighted,
};

use crate::format;

static_loader! {
    static WORDS = {
        locales: "./translations",
        fallback_language: "es",
        customise: |bundle| {
            // Texts go into HTML, which isolates what people wrote by itself (`dir="auto"`).
            bundle.set_use_isolating(false);
            let english = bundle.locales.first().is_some_and(|language| language.language == "en");
            bundle.set_formatter(Some(if english { english_number } else { spanish_number }));
        },
    };
}

const SPANISH: LanguageIdentifier = langid!("es");
const ENGLISH: LanguageIdentifier = langid!("en");

/// A language of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Locale {
    #[default]
    Es,
    En,
}

impl Locale {
    pub const ALL: [Self; 2] = [Self::Es, Self::En];

    pub fn tag(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// With the territory, for Open Graph.
    pub fn territory(self) -> &'static str {
        match self {
            Self::Es => "es_ES",
            Self::En => "en_GB",
        }
    }

    /// Reads `es`, or `en-GB` as English.
    pub fn parse(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?;
        Self::ALL.into_iter().find(|locale| locale.tag().eq_ignore_ascii_case(primary))
    }

    /// Reads a language tag that a program sends, such as `en` or `en-GB`.
    pub fn served(field: &str, tag: &str) -> Parsed<Self> {
        let language = Language::parse(tag).ok();
        language
            .and_then(|language| Self::parse(language.as_str()))
            .ok_or_else(|| Invalid::new(field, Reason::NotOneOf(Self::ALL.map(Self::tag).to_vec())))
    }

    /// The visitor's language: by `?lang`, else by the cookie, else by `Accept-Language`.
    pub fn negotiate(lang: Option<&str>, cookie: Option<&str>, accept_language: Option<&str>) -> Self {
        lang.and_then(Self::parse)
            .or_else(|| cookie.and_then(Self::parse))
            .or_else(|| accept_language.and_then(Self::best_of))
            .unwrap_or_default()
    }

    /// The language of an `Accept-Language` with the highest weight; of equals the first, and never one of weight 0. `*`
    /// stands for the languages that the list does not name.
    fn best_of(accept_language: &str) -> Option<Self> {
        let mut ranges: Vec<(&str, f32)> = weighted(accept_language).collect();
        let is_named = |locale| ranges.iter().any(|(tag, _)| Self::parse(tag) == Some(locale));
        let unnamed = Self::ALL.into_iter().find(|locale| !is_named(*locale));
        ranges.retain(|(_, weight)| *weight > 0.0);
        ranges.sort_by(|(_, one), (_, other)| other.total_cmp(one));
        ranges.into_iter().find_map(|(tag, _)| if tag == "*" { unnamed } else { Self::parse(tag) })
    }

    /// The name of a genre. One without a translation is its slug with spaces.
    pub fn genre(self, slug: &str) -> String {
        self.find(&format!("genre-{slug}"), None).unwrap_or_else(|| humanised(slug))
    }

    /// The text of a key in this language. A missing key returns itself; a test finds such keys.
    pub fn text(self, key: &str) -> String {
        self.find(key, None).unwrap_or_else(|| key.to_owned())
    }

    /// The same with arguments.
    pub fn text_with<'v, const N: usize>(self, key: &str, arguments: [(&'static str, FluentValue<'v>); N]) -> String {
        let arguments: HashMap<Cow<'static, str>, FluentValue<'v>> =
            arguments.into_iter().map(|(name, value)| (name.into(), value)).collect();
        self.find(key, Some(&arguments)).unwrap_or_else(|| key.to_owned())
    }

    /// The text of a key that may not be there, such as a genre's name.
    pub(crate) fn find(
        self,
        key: &str,
        arguments: Option<&HashMap<Cow<'static, str>, FluentValue<'_>>>,
    ) -> Option<String> {
        let language = match self {
            Self::Es => &SPANISH,
            Self::En => &ENGLISH,
        };
        // Not `lookup`, which negotiates the language for each text and falls back silently.
        WORDS.lookup_single_language(language, key, arguments).ok()
    }
}

fn humanised(slug: &str) -> String {
    let mut words = slug.replace('-', " ");
    if let Some(first) = words.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    words
}

fn spanish_number<M>(value: &FluentValue, _: &M) -> Option<String> {
    number(value, Locale::Es)
}

fn english_number<M>(value: &FluentValue, _: &M) -> Option<String> {
    number(value, Locale::En)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "only counts are formatted")]
fn number(value: &FluentValue, locale: Locale) -> Option<String> {
    match value {
        FluentValue::Number(number) => Some(format::number(locale, number.value as u64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_outranks_the_cookie_and_the_cookie_the_browser() {
        let en = Some("en");
        assert_eq!(Locale::negotiate(en, Some("es"), Some("es")), Locale::En);
        assert_eq!(Locale::negotiate(Some("tlh"), en, Some("es")), Locale::En);
        assert_eq!(Locale::negotiate(None, None, Some("en-GB")), Locale::En);
        assert_eq!(Locale::negotiate(None, None, None), Locale::Es);
    }

    #[test]
    fn the_browsers_weights_are_respected() {
        for (accept_language, expected) in [
            ("fr-CH, fr;q=0.9, en;q=0.8, es;q=0.7, *;q=0.5", Locale::En),
            ("en;q=0.3,ES-mx;q=0.9", Locale::Es),
            ("en;Q=0.1, es;q=0.9", Locale::Es),
            ("es;Q=0.1, en ; Q=0.9", Locale::En),
            ("en, es", Locale::En),
            ("es;q=0, *", Locale::En),
            ("es;q=0.2, *;q=0.7", Locale::En),
            ("*, en;q=0.5", Locale::Es),
            ("*", Locale::Es),
            ("*;q=0", Locale::Es),
            ("fr, *;q=0.1", Locale::Es),
            ("en;q=0, en-GB;q=0.1", Locale::En),
        ] {
            assert_eq!(Locale::negotiate(None, None, Some(accept_language)), expected, "{accept_language}");
        }
        for nothing_of_ours in ["", "fr", "en;q=0", "en;q=x", "en;q=-1", "en;q=NaN", ",;q=,"] {
            assert_eq!(Locale::negotiate(None, None, Some(nothing_of_ours)), Locale::Es, "{nothing_of_ours}");
        }
    }

    #[test]
    fn plurals_and_numbers_are_the_languages_own() {
        let ratings = |locale: Locale, count: u32| locale.text_with("ratings-count", [("count", count.into())]);
        assert_eq!(ratings(Locale::Es, 1), "1 valoración");
        assert_eq!(ratings(Locale::Es, 12_345), "12.345 valoraciones");
        assert_eq!(ratings(Locale::En, 12_345), "12,345 ratings");
    }
}
