//! A generated catalogue of any size, to test and measure that requests read as many rows in a large shop as in a small one.
//!
//! It has the extremes of real catalogues: words and names in thousands of books, genres and languages from most books to
//! one in ten thousand, and ties of thousands of books in every order. A book depends on its position only: a larger
//! catalogue begins with the books of a smaller one, and is the same in every run.

mod authors;
mod genres;
mod languages;
mod load;
mod random;
mod ratings;
mod titles;
mod words;

pub use self::{authors::PROLIFIC_AUTHOR, genres::GENRES, load::load, ratings::score, titles::TIED_TITLE};

use self::{authors::Names, languages::Language, random::Random};

/// Changes with the books, so that a stored catalogue of another version is recognized.
pub const VERSION: u32 = 1;

/// One book in twenty is another edition of an earlier one.
const EDITIONS: f64 = 0.05;

/// A book with the columns of a catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedBook {
    /// Unique.
    pub reference: String,
    /// An ISBN-13 of digits, unique; 85 % have one.
    pub isbn: Option<String>,
    pub title: String,
    /// At least one.
    pub authors: Vec<String>,
    /// A BCP 47 tag.
    pub language: Option<String>,
    /// Of first publication, negative before our era.
    pub year: Option<i16>,
    /// Slugs of [`GENRES`].
    pub genres: Vec<String>,
    /// In cents.
    pub price_minor: Option<u32>,
    pub stock: u32,
    /// How many gave one, two, … five stars.
    pub stars: [u32; 5],
}

/// Title, authors and language, which the editions of a book share.
struct Work {
    title: String,
    authors: Vec<String>,
    language: Option<String>,
}

struct Generator {
    languages: [Language; 6],
    names: Names,
}

/// The first `count` books.
pub fn books(count: u32) -> impl Iterator<Item = GeneratedBook> {
    let generator = Generator { languages: languages::all(), names: Names::new() };
    (0..count).map(move |index| generator.book(index))
}

/// The purposes of random numbers: those of an edition must not depend on those of its work.
const OF_WORK: u32 = 0;
const OF_EDITION: u32 = 1;

impl Generator {
    fn book(&self, index: u32) -> GeneratedBook {
        let random = &mut Random::of(OF_EDITION, index);
        let original = if random.chance(EDITIONS) { random.below(index) } else { index };
        let Work { title, authors, language } = self.work(original);
        GeneratedBook {
            reference: format!("generated:{index}"),
            isbn: random.chance(0.85).then(|| isbn(index)),
            title,
            authors,
            language,
            year: year(random),
            genres: genres::genres(random),
            price_minor: random.chance(0.8).then(|| price(random)),
            stock: if random.chance(0.3) { random.below(40) + 1 } else { 0 },
            stars: ratings::stars(index, random),
        }
    }

    fn work(&self, index: u32) -> Work {
        let random = &mut Random::of(OF_WORK, index);
        let (tag, language) = languages::tag(random);
        Work {
            title: self.languages[language].title(random),
            authors: self.names.of_book(random),
            language: tag.map(str::to_owned),
        }
    }
}

/// A valid ISBN-13, in no order. The factor has no divisor in common with 10^9, so that no two are equal.
fn isbn(index: u32) -> String {
    let digits = format!("979{:09}", u64::from(index) * 387_420_489 % 1_000_000_000);
    let sum: u32 =
        digits.bytes().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// Most are recent, some are centuries old, and one in twenty is unknown.
#[expect(clippy::cast_possible_truncation, reason = "an exponential distribution with a mean of 15")]
fn year(random: &mut Random) -> Option<i16> {
    match random.unit() {
        share if share <= 0.05 => None,
        share if share <= 0.051 => Some(-1 - random.below(700) as i16),
        share if share <= 0.08 => Some(1_500 + random.below(450) as i16),
        _ => Some(2026 - (-15.0 * random.unit().ln()) as i16),
    }
}

/// A price as publishers set them; one in fifty is at most 5.
fn price(random: &mut Random) -> u32 {
    const USUAL: [u32; 14] = [695, 795, 895, 990, 995, 1_095, 1_195, 1_295, 1_495, 1_695, 1_895, 1_995, 2_495, 2_950];
    match random.unit() {
        share if share <= 0.02 => random.pick(&[99, 199, 299, 395, 495]),
        share if share <= 0.12 => 500 + random.below(6_000),
        _ => random.pick(&USUAL),
    }
}

#[cfg(test)]
mod tests;
