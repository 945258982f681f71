//! A book as the shop sells it, whole and in short.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::uploads::{Cover, SampleFile};

use super::{Histogram, Invalid, Isbn13, Language, Money, Parsed, Reason, Review};

/// The shop's own number of a book, from 1 up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BookId(#[schemars(range(min = 1, max = u32::MAX))] u32);

/// The shop's own number of an author, from 1 up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub struct AuthorId(u32);

/// The number in a segment of a path: `42`, or `42-don-quijote` with the slug that pages carry.
fn number(segment: &str) -> Option<u32> {
    let number = segment.split_once('-').map_or(segment, |(number, _slug)| number);
    if number.starts_with('0') || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse().ok()
}

macro_rules! id {
    ($name:ident) => {
        impl $name {
            /// Reads the segment of a path: `42`, or `42-don-quijote` with the slug that pages carry.
            pub fn parse(segment: &str) -> Option<Self> {
                number(segment).map(Self)
            }

            pub fn get(self) -> u32 {
                self.0
            }
        }

        impl From<u32> for $name {
            fn from(id: u32) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(BookId);
id!(AuthorId);

/// The number alone: a cursor names its list by the `Debug` of the filter, and cursors outlive a release.
impl fmt::Debug for AuthorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One line of a list.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Summary {
    pub id: BookId,
    pub title: String,
    /// The authors' names in order, joined by commas.
    pub byline: String,
    pub isbn: Option<Isbn13>,
    /// Year of first publication; negative before our era.
    pub year: Option<i16>,
    pub language: Option<Language>,
    pub price: Option<Money>,
    /// Copies that can be sent today.
    pub stock: u32,
    pub availability: Availability,
    /// The API publishes the exact counts in its place.
    #[serde(skip)]
    pub ratings: Ratings,
    /// None for a book with a drawn one. The API publishes the addresses in its place.
    #[serde(skip)]
    pub cover: Option<Cover>,
}

/// Whether a book can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It has a price and can be sent today.
    InStock,
    /// It has a price, and no copy is left.
    OutOfStock,
    /// It has no price: the shop orders it on request.
    ToOrder,
    /// The shop no longer sells it.
    Withdrawn,
}

impl Availability {
    pub fn of(price: Option<&Money>, stock: u32) -> Self {
        match (price, stock) {
            (None, _) => Self::ToOrder,
            (Some(_), 0) => Self::OutOfStock,
            (Some(_), _) => Self::InStock,
        }
    }
}

/// How a book is rated, at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Ratings {
    /// Plain mean in stars, rounded to 0.0001; none without a rating. `sort=rating` and `min_rating` use a weighted one.
    #[schemars(range(min = 1.0, max = 5.0))]
    pub mean: Option<f64>,
    /// All ratings: those that visitors of the shop gave, and those that came with the catalogue.
    pub count: u32,
}

/// Ratings that came with the catalogue, from readers elsewhere.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImportedRatings {
    /// Where they were collected, if the supplier is known: `Goodreads (2017)`.
    pub source: Option<String>,
    /// How many gave one, two, … five stars.
    pub histogram: Histogram,
}

/// Everything about one book.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Book {
    #[serde(flatten)]
    pub summary: Summary,
    pub description: Option<String>,
    /// The price that the publisher has fixed; the shop sells between 95 and 100 % of it.
    pub fixed_price: Option<Money>,
    /// Hundredths of a percent of value added tax that the price includes, where it is not the usual one: 2100 is 21 %.
    #[schemars(range(max = 10_000))]
    pub tax_rate: Option<u16>,
    pub publisher: Option<String>,
    /// The publisher's postal address, and e-mail or web address.
    pub publisher_contact: Option<String>,
    pub authors: Vec<Author>,
    pub genres: Vec<Genre>,
    /// How many gave one, two, … five stars, all ratings together.
    pub histogram: Histogram,
    /// The part of `histogram` that came with the catalogue; none if all ratings were given in the shop.
    pub imported_ratings: Option<ImportedRatings>,
    /// The newest reviews, at most five.
    #[schemars(length(max = 5))]
    pub reviews: Vec<Review>,
    /// The API publishes its address in its place.
    #[serde(skip)]
    pub sample: Option<SampleFile>,
}

impl Book {
    /// The ratings that visitors of this shop gave.
    pub fn own_ratings(&self) -> Histogram {
        match &self.imported_ratings {
            Some(imported) => self.histogram.without(imported.histogram),
            None => self.histogram,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    pub id: AuthorId,
    pub name: String,
}

/// A genre by its slug: `science-fiction`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Genre(#[schemars(length(max = 60), regex(pattern = "^[a-z0-9-]+$"))] pub String);

impl Genre {
    /// Parses the form of a slug; the genre need not exist.
    pub fn parse(slug: &str) -> Parsed<Self> {
        let letters = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=60).contains(&slug.len()) && slug.bytes().all(letters) {
            return Ok(Self(slug.to_owned()));
        }
        Err(Invalid::new("genre", Reason::NotAGenre))
    }
}

/// What the shop's window shows.
#[derive(Debug)]
pub struct Window {
    /// The most sold ones of the last thirty days; empty where nothing was sold.
    pub best_sellers: Vec<Summary>,
    pub best_rated: Vec<Summary>,
    pub most_read: Vec<Summary>,
    pub newest: Vec<Summary>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_price_is_ordered_and_what_has_no_copy_left_is_out_of_stock() {
        let price = Money::parse("9.50", "EUR").unwrap();
        for (price, stock, expected) in [
            (Some(&price), 1, Availability::InStock),
            (Some(&price), 0, Availability::OutOfStock),
            (None, 0, Availability::ToOrder),
            (None, 3, Availability::ToOrder),
        ] {
            assert_eq!(Availability::of(price, stock), expected);
        }
    }

    #[test]
    fn the_ratings_of_the_shop_are_all_without_those_of_the_catalogue() {
        let summary = Summary {
            id: BookId(1),
            title: "T".to_owned(),
            byline: "A".to_owned(),
            isbn: None,
            year: None,
            language: None,
            price: None,
            stock: 0,
            availability: Availability::ToOrder,
            ratings: Ratings { mean: None, count: 0 },
            cover: None,
        };
        let mut book = Book {
            summary,
            description: None,
            fixed_price: None,
            tax_rate: None,
            publisher: None,
            publisher_contact: None,
            authors: Vec::new(),
            genres: Vec::new(),
            histogram: Histogram([1, 2, 3, 4, 5]),
            imported_ratings: None,
            reviews: Vec::new(),
            sample: None,
        };
        assert_eq!(book.own_ratings(), Histogram([1, 2, 3, 4, 5]));
        book.imported_ratings = Some(ImportedRatings { source: None, histogram: Histogram([1, 0, 1, 0, 5]) });
        assert_eq!(book.own_ratings(), Histogram([0, 2, 2, 4, 0]));
    }

    #[test]
    fn a_path_segment_is_a_number_with_or_without_its_slug() {
        assert_eq!(BookId::parse("42"), Some(BookId(42)));
        assert_eq!(BookId::parse("42-don-quijote"), Some(BookId(42)));
        for segment in ["", "0", "042", "-42", "+42", "4 2", "42/ratings", "99999999999", "quijote", "4²"] {
            assert_eq!(BookId::parse(segment), None, "{segment}");
        }
        assert_eq!(AuthorId::parse("52-miguel-de-cervantes"), Some(AuthorId(52)));
    }
}
