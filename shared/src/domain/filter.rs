//! Filters of a list of books.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{AuthorId, Currency, Genre, Invalid, Language, Money, Parsed, Reason};

/// The limits of prices that the shop counts books by, in minor units.
pub const PRICE_BANDS: [u32; 6] = [500, 1_000, 1_500, 2_000, 3_000, 5_000];
/// The lowest means that the shop counts books by, in stars.
pub const MEAN_BANDS: [&str; 3] = ["4.5", "4", "3"];

/// Conditions on a book; all that are set must hold.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    pub genre: Option<Genre>,
    /// Includes its regional variants: `en` matches `en-US`.
    pub language: Option<Language>,
    pub author: Option<AuthorId>,
    /// In millionths of a star, as the books' score.
    pub min_score: Option<u32>,
    /// In minor units.
    pub max_price: Option<u32>,
    pub in_stock: bool,
}

impl Filter {
    /// The facets whose values this filter narrows a list by, each with the filter without that narrowing. Within
    /// `in_stock`, the number of books in stock is that of the list.
    pub fn without_each_facet(&self) -> Vec<(Facet, Self)> {
        let wider = [
            self.genre.as_ref().map(|_| (Facet::Genres, Self { genre: None, ..self.clone() })),
            self.language.as_ref().map(|_| (Facet::Languages, Self { language: None, ..self.clone() })),
            self.min_score.map(|_| (Facet::MinRating, Self { min_score: None, ..self.clone() })),
            self.max_price.map(|_| (Facet::PriceMax, Self { max_price: None, ..self.clone() })),
        ];
        wider.into_iter().flatten().collect()
    }

    /// Reads stars such as `4` or `3.5`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 5 million")]
    pub fn min_score(text: &str) -> Parsed<u32> {
        let stars: Option<f64> = text.parse().ok().filter(|stars| (1.0..=5.0).contains(stars));
        let stars = stars.ok_or_else(|| Invalid::new("min_rating", Reason::NotAMean { min: 1, max: 5 }))?;
        Ok((stars * 1e6).round() as u32)
    }

    /// Reads an amount such as `20` or `19.95`, in the currency of the prices.
    pub fn max_price(text: &str, currency: Currency) -> Parsed<u32> {
        let whole = text.split('.').next().unwrap_or_default();
        let money = Money::parse(text, currency.code()).ok().filter(|_| whole.len() <= 7);
        money.map(|money| money.minor).ok_or_else(|| Invalid::new("price_max", Reason::NotAPriceLimit))
    }

    /// Reads a number such as `52`.
    pub fn author(text: &str) -> Parsed<AuthorId> {
        text.parse::<u32>().map(AuthorId::from).map_err(|_| Invalid::new("author", Reason::NotAnAuthor))
    }

    /// Reads `true` or `false`.
    pub fn yes(field: &str, text: &str) -> Parsed<bool> {
        text.parse().map_err(|_| Invalid::new(field, Reason::NotABoolean))
    }
}

/// How many books the list would have with each value of each filter: in place of the value that the list is filtered by,
/// and within all its other filters.
#[derive(Debug, Clone, PartialEq, Default, Serialize, JsonSchema)]
pub struct Facets {
    pub genres: Vec<Count>,
    /// Without region or script: `en` counts `en-US` as well.
    pub languages: Vec<Count>,
    pub in_stock: i64,
    /// For 4.5, 4 and 3 stars: how many books have at least this mean.
    pub min_rating: Vec<Count>,
    /// For amounts from 5.00 to 50.00, or as many minor units of another currency: how many books cost at most as much.
    pub price_max: Vec<Count>,
    /// Whether all numbers are exact: `at_least` is empty.
    pub is_exact: bool,
    /// The facets whose numbers are of the most popular thousand books, so that a filter finds at least as many; a value
    /// that none of these books has is listed with 0.
    pub at_least: BTreeSet<Facet>,
}

/// The numbers for the values of one filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    Genres,
    Languages,
    InStock,
    MinRating,
    PriceMax,
}

impl Facet {
    pub const ALL: [Self; 5] = [Self::Genres, Self::Languages, Self::InStock, Self::MinRating, Self::PriceMax];
}

impl Facets {
    /// Those of a list without books.
    pub fn empty() -> Self {
        Self { is_exact: true, ..Self::default() }
    }

    /// The same numbers, of which all or none are exact.
    #[must_use]
    pub fn all_exact(self, is_exact: bool) -> Self {
        let at_least = if is_exact { BTreeSet::new() } else { BTreeSet::from(Facet::ALL) };
        Self { is_exact, at_least, ..self }
    }

    /// Takes the numbers of one facet from others.
    pub fn take(&mut self, facet: Facet, others: Self) {
        match facet {
            Facet::Genres => self.genres = others.genres,
            Facet::Languages => self.languages = others.languages,
            Facet::InStock => self.in_stock = others.in_stock,
            Facet::MinRating => self.min_rating = others.min_rating,
            Facet::PriceMax => self.price_max = others.price_max,
        }
        self.at_least.remove(&facet);
        self.at_least.extend(others.at_least.get(&facet));
        self.is_exact = self.at_least.is_empty();
    }
}

/// How many books a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    pub books: u32,
    /// If false, there are at least so many.
    pub is_exact: bool,
}

impl Total {
    pub fn new(books: usize, is_exact: bool) -> Self {
        Self { books: u32::try_from(books).unwrap_or(u32::MAX), is_exact }
    }

    /// Whether there is surely no book: not only none among those that were read.
    pub fn is_none(self) -> bool {
        self.books == 0 && self.is_exact
    }

    /// The same, where at least `books` have been seen.
    #[must_use]
    pub fn at_least(self, books: usize) -> Self {
        let seen = Self::new(books, false);
        if self.is_exact || self.books >= seen.books { self } else { seen }
    }
}

/// How many hits have one value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Count {
    pub value: String,
    pub count: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cursor is bound to its list by this text; it must not change while cursors are in use.
    #[test]
    fn a_filter_prints_an_author_as_a_number() {
        let filter = Filter { author: Some(AuthorId::from(7)), ..Filter::default() };
        assert!(format!("{filter:?}").contains("author: Some(7),"), "{filter:?}");
    }

    #[test]
    fn a_facet_is_counted_without_its_own_narrowing_and_with_all_others() {
        let filter = Filter {
            genre: Some(Genre("poetry".to_owned())),
            language: Some(Language::parse("es").unwrap()),
            author: Some(AuthorId::from(7)),
            min_score: Some(4_000_000),
            max_price: Some(2_000),
            in_stock: true,
        };
        let wider = |change: fn(&mut Filter)| {
            let mut wider = filter.clone();
            change(&mut wider);
            wider
        };
        assert_eq!(
            filter.without_each_facet(),
            [
                (Facet::Genres, wider(|filter| filter.genre = None)),
                (Facet::Languages, wider(|filter| filter.language = None)),
                (Facet::MinRating, wider(|filter| filter.min_score = None)),
                (Facet::PriceMax, wider(|filter| filter.max_price = None)),
            ]
        );
        assert_eq!(Filter { in_stock: true, ..Filter::default() }.without_each_facet(), []);
    }

    #[test]
    fn facets_are_exact_if_all_of_their_numbers_are() {
        assert!(Facets::empty().is_exact && Facets::empty().at_least.is_empty());
        let mut facets = Facets { in_stock: 3, ..Facets::empty() }.all_exact(false);
        assert_eq!((facets.is_exact, facets.at_least.len(), facets.in_stock), (false, 5, 3));
        let count = |value: &str| vec![Count { value: value.to_owned(), count: 1 }];
        let exact = || Facets {
            genres: count("poetry"),
            languages: count("es"),
            in_stock: 9,
            min_rating: count("4"),
            price_max: count("20.00"),
            ..Facets::empty()
        };
        for (taken, facet) in Facet::ALL.into_iter().enumerate() {
            assert_eq!((facets.is_exact, facets.at_least.len()), (false, 5 - taken));
            facets.take(facet, exact());
        }
        assert_eq!(facets, exact(), "all numbers are those of the others");
        facets.take(Facet::Genres, exact().all_exact(false));
        assert_eq!((facets.is_exact, facets.at_least), (false, BTreeSet::from([Facet::Genres])));
        let again = exact().all_exact(false).all_exact(true);
        assert_eq!(again, exact());
    }

    #[test]
    fn a_total_is_none_or_at_least_only_as_far_as_was_read() {
        for (books, is_exact, is_none) in [(0, true, true), (0, false, false), (1, true, false), (1, false, false)] {
            assert_eq!(Total::new(books, is_exact).is_none(), is_none, "{books} {is_exact}");
        }
        for (total, seen, expected) in [
            (Total::new(3, true), 5, Total::new(3, true)),
            (Total::new(3, false), 5, Total::new(5, false)),
            (Total::new(5, false), 3, Total::new(5, false)),
            (Total::new(5, false), 5, Total::new(5, false)),
        ] {
            assert_eq!(total.at_least(seen), expected, "{total:?} {seen}");
        }
    }

    #[test]
    fn stars_and_amounts_are_read_exactly() {
        assert_eq!(Filter::min_score("3.5"), Ok(3_500_000));
        for (text, currency, minor) in [("19.95", "EUR", 1_995), ("1500", "JPY", 1_500), ("1.5", "KWD", 1_500)] {
            assert_eq!(Filter::max_price(text, Currency::parse(currency).unwrap()), Ok(minor), "{text} {currency}");
        }
        for text in ["0", "6", "NaN", "inf", "four", "-1"] {
            assert!(Filter::min_score(text).is_err(), "{text}");
        }
        for text in ["cheap", "-1", "1.999", "10000000"] {
            assert_eq!(Filter::max_price(text, Currency::EUR).unwrap_err().field, "price_max", "{text}");
        }
    }
}
