//! Values and helper functions of every page's template.

use fluent_templates::fluent_bundle::FluentValue;
use shared::domain::{BookId, Language, Money, Rejection, Summary};
use time::{Date, OffsetDateTime};

use crate::{Locale, Markup, cover, format, links, markup};

/// The visitor's language, the request, and today.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub locale: Locale,
    /// As the request has it: `/books`.
    pub path: &'a str,
    /// The parameters that make it this page, encoded, without the language: `q=quijote&sort=title`.
    pub query: &'a str,
    /// `https://shop.example`, where it is known.
    pub origin: Option<&'a str>,
    pub today: Date,
}

impl View<'_> {
    pub fn text(&self, key: &str) -> String {
        self.locale.text(key)
    }

    /// The text under a heading.
    pub fn more(&self, heading: &str) -> String {
        self.locale.text(&format!("{heading}.text"))
    }

    /// A text with one argument.
    pub fn text_with<'v>(&self, key: &str, name: &'static str, value: impl Into<FluentValue<'v>>) -> String {
        self.locale.text_with(key, [(name, value.into())])
    }

    /// A text with the argument `count`.
    pub fn count(&self, key: &str, count: impl TryInto<u64>) -> String {
        self.text_with(key, "count", count.try_into().unwrap_or_default())
    }

    pub fn number(&self, number: impl Into<u64>) -> String {
        format::number(self.locale, number.into())
    }

    /// With four digits grouped as well, for columns.
    pub fn column_number(&self, number: impl Into<u64>) -> String {
        format::column_number(self.locale, number.into())
    }

    /// `2,2 M`, for cards.
    pub fn short_number(&self, number: impl Into<u64>) -> String {
        format::short_number(self.locale, number.into())
    }

    pub fn price(&self, money: &Money) -> String {
        format::price(self.locale, money)
    }

    pub fn mean(&self, stars: f64) -> String {
        format::mean(self.locale, stars)
    }

    pub fn year(&self, year: i16) -> String {
        format::year(self.locale, year)
    }

    pub fn date(&self, date: Date) -> String {
        format::date(self.locale, date)
    }

    pub fn day(&self, time: OffsetDateTime) -> String {
        self.date(time.date())
    }

    /// See [`Locale::genre`].
    pub fn genre(&self, slug: &str) -> String {
        self.locale.genre(slug)
    }

    /// The name of a language: of the tag, or of its primary tag, because a shopper looks for English of any region, or
    /// else the tag.
    pub fn language(&self, tag: &str) -> String {
        let find = |tag: &str| self.locale.find(&format!("language-{tag}"), None);
        if let Some(name) = find(tag) {
            return name;
        }
        find(tag.split('-').next().unwrap_or(tag)).unwrap_or_else(|| tag.to_owned())
    }

    pub fn sort(&self, name: &str) -> String {
        self.text(&format!("sort-{name}"))
    }

    pub fn rejection(&self, rejection: &Rejection) -> String {
        self.text(match rejection {
            Rejection::NoSuchBook(_) => "reason-no-such-book",
            Rejection::Hidden => "reason-hidden",
            Rejection::HiddenBefore => "reason-hidden-before",
            Rejection::Erased => "reason-erased",
            Rejection::LaterRating => "reason-later-rating",
            Rejection::Other(_) => "reason-other",
        })
    }

    /// The `lang` attribute of a text in another language than the page.
    pub fn lang(&self, language: Option<&Language>) -> Markup {
        match language {
            Some(tag) if Locale::parse(tag.as_str()) != Some(self.locale) => {
                Markup::new(format!(" lang=\"{}\"", tag.as_str()))
            }
            _ => Markup::new(String::new()),
        }
    }

    /// The CSS class of a mean in half stars, from `s2` to `s10`.
    #[expect(clippy::cast_possible_truncation, reason = "1 to 5")]
    pub fn star_class(&self, mean: f64) -> String {
        format!("s{}", (mean * 2.0).round() as i64)
    }

    pub fn book(&self, book: &Summary) -> String {
        links::book(book.id, &book.title)
    }

    pub fn cover(&self, book: &Summary, genre: Option<&str>) -> Markup {
        let label = self.text_with("cover-of", "title", book.title.as_str());
        let imprint = genre.map(|slug| self.genre(slug));
        cover(book.id.get(), &label, &book.title, &book.byline, imprint.as_deref())
    }

    /// The cover of a book of which only this is known.
    pub fn cover_of(&self, id: BookId, title: &str, byline: &str) -> Markup {
        let label = self.text_with("cover-of", "title", title);
        cover(id.get(), &label, title, byline, None)
    }

    pub fn mark(&self, text: &str, query: &str) -> Markup {
        markup::mark(text, query)
    }

    pub fn other_locale(&self) -> Locale {
        match self.locale {
            Locale::Es => Locale::En,
            Locale::En => Locale::Es,
        }
    }

    /// The URL of this page in the other language.
    pub fn language_switch_url(&self) -> String {
        let language = format!("lang={}", self.other_locale().tag());
        address(self.path, self.parameters().chain([language.as_str()]))
    }

    /// The URL of this page.
    pub fn current_url(&self) -> String {
        address(self.path, self.parameters())
    }

    /// The canonical URL of this page for search engines.
    pub fn canonical(&self) -> Option<String> {
        self.address_in(self.locale)
    }

    /// The page in each language, and for visitors of none of them.
    pub fn alternates(&self) -> impl Iterator<Item = (&'static str, String)> {
        let kinds = [("es", Locale::Es), ("en", Locale::En), ("x-default", Locale::Es)];
        kinds.into_iter().filter_map(|(tag, locale)| Some((tag, self.address_in(locale)?)))
    }

    /// Whether search engines may list this page: every page without parameters, and the list of a genre. There is no end
    /// of searches, filters and cursors, and everything in them is on other pages.
    pub fn is_indexed(&self) -> bool {
        let parameters: Vec<&str> = self.parameters().collect();
        match parameters[..] {
            [] => true,
            [one] => one.starts_with("genre="),
            _ => false,
        }
    }

    /// Whether the page is a later slice of its list.
    pub fn is_continued(&self) -> bool {
        self.parameters().any(|pair| pair.starts_with("cursor="))
    }

    /// The page from its beginning, because a cursor leads elsewhere when books are added.
    fn address_in(&self, locale: Locale) -> Option<String> {
        let parameters = self.parameters().filter(|pair| !pair.starts_with("cursor="));
        // Spanish is what a visitor without wishes gets.
        let language = (locale == Locale::En).then_some("lang=en");
        Some(format!("{}{}", self.origin?, address(self.path, parameters.chain(language))))
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.query.split('&').filter(|pair| !pair.is_empty())
    }
}

fn address<'a>(path: &str, parameters: impl Iterator<Item = &'a str>) -> String {
    let query = parameters.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use std::iter::successors;

    use time::macros::date;

    use super::*;

    fn view(locale: Locale, query: &str) -> View<'_> {
        View { locale, path: "/books", query, origin: Some("https://shop.example"), today: date!(2026 - 11 - 24) }
    }

    #[test]
    fn a_change_of_language_keeps_the_address() {
        let view = view(Locale::Es, "q=c%2B%2B&sort=price&cursor=abc");
        assert_eq!(view.language_switch_url(), "/books?q=c%2B%2B&sort=price&cursor=abc&lang=en");
        assert_eq!(view.current_url(), "/books?q=c%2B%2B&sort=price&cursor=abc");
    }

    #[test]
    fn search_engines_are_given_the_page_from_its_beginning_in_each_language() {
        for (query, es, en) in [
            ("", "/books", "/books?lang=en"),
            ("cursor=abc", "/books", "/books?lang=en"),
            ("q=c%2B%2B&cursor=abc", "/books?q=c%2B%2B", "/books?q=c%2B%2B&lang=en"),
        ] {
            let [es, en] = [es, en].map(|path| format!("https://shop.example{path}"));
            assert_eq!(view(Locale::Es, query).canonical().as_ref(), Some(&es), "{query}");
            let alternates: Vec<_> = view(Locale::En, query).alternates().collect();
            assert_eq!(alternates, [("es", es.clone()), ("en", en), ("x-default", es)], "{query}");
        }
    }

    #[test]
    fn a_genre_is_indexed_and_other_lists_are_not() {
        for (query, is_indexed) in [
            ("", true),
            ("genre=crime", true),
            ("genre=crime&cursor=abc", false),
            ("genre=crime&language=es", false),
            ("language=es", false),
            ("q=amor", false),
            ("sort=title", false),
            ("cursor=abc", false),
        ] {
            assert_eq!(view(Locale::Es, query).is_indexed(), is_indexed, "{query}");
        }
    }

    #[test]
    fn every_rejection_has_a_text_in_both_languages() {
        // One of each variant: a new one does not compile until it is here.
        let next = |rejection: &Rejection| match rejection {
            Rejection::NoSuchBook(_) => Some(Rejection::Hidden),
            Rejection::Hidden => Some(Rejection::HiddenBefore),
            Rejection::HiddenBefore => Some(Rejection::Erased),
            Rejection::Erased => Some(Rejection::LaterRating),
            Rejection::LaterRating => Some(Rejection::Other(String::new())),
            Rejection::Other(_) => None,
        };
        let rejections: Vec<_> = successors(Some(Rejection::NoSuchBook(BookId::from(7))), next).collect();
        assert_eq!(rejections.len(), 6);
        for rejection in rejections {
            for locale in Locale::ALL {
                let text = view(locale, "").rejection(&rejection);
                assert!(!text.starts_with("reason-"), "{rejection:?}: {text}");
            }
        }
    }

    #[test]
    fn genres_and_languages_have_names_known_or_not() {
        let view = view(Locale::Es, "");
        assert_eq!(view.genre("science-fiction"), "Ciencia ficción");
        assert_eq!(view.genre("new-weird"), "New weird");
        assert_eq!(view.language("es"), "Español");
        for (tag, name) in [("en-GB", "Inglés"), ("es-419", "Español"), ("pt-BR", "Portugués (Brasil)")] {
            assert_eq!(view.language(tag), name);
        }
        assert_eq!(view.language("tlh"), "tlh");
    }
}
