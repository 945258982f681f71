//! One row of a supplier's catalogue.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Histogram, Invalid, Isbn13, Language, Money, Parsed};

/// The values of a row. None means that the row has no value, and the stored one stays.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogueRow {
    pub reference: Reference,
    pub isbn: Option<Isbn13>,
    pub title: String,
    /// In the cover's order, each once, at least one.
    pub authors: Vec<String>,
    pub year: Option<i16>,
    pub language: Option<Language>,
    /// Slugs, sorted.
    pub genres: Option<Vec<String>>,
    pub price: Option<Money>,
    /// Copies that can be sent: of a new book, or as they were counted at `stock_counted_at`.
    pub stock: Option<u32>,
    pub stock_counted_at: Option<OffsetDateTime>,
    /// The price that the publisher has fixed, where the law lets them.
    pub fixed_price: Option<Money>,
    /// Hundredths of a percent: 400 is 4 %.
    pub tax_rate: Option<u16>,
    pub publisher: Option<String>,
    /// Postal address, and e-mail or web address: Regulation (EU) 2023/988, article 19.
    pub publisher_contact: Option<String>,
    pub description: Option<String>,
    /// Ratings that were given elsewhere.
    pub stars: Option<Histogram>,
}

impl CatalogueRow {
    pub const MAX_TITLE: usize = 500;
    pub const MAX_BYLINE: usize = 500;
    pub const MAX_AUTHORS: usize = 100;
    pub const MAX_GENRES: usize = 20;
    pub const MAX_AUTHOR: usize = 200;
    pub const MAX_DESCRIPTION: usize = 2_000;
    pub const MAX_PUBLISHER: usize = 200;
    pub const MAX_PUBLISHER_CONTACT: usize = 300;

    /// The authors' names on one line; whole names as far as there is room.
    pub fn byline(&self) -> String {
        byline(&self.authors)
    }
}

/// The names on one line; whole names as far as there is room.
pub(crate) fn byline(authors: &[String]) -> String {
    let all = authors.join(", ");
    if all.chars().count() <= CatalogueRow::MAX_BYLINE {
        return all;
    }
    let mut line = String::new();
    for name in authors {
        if line.chars().count() + name.chars().count() + 4 > CatalogueRow::MAX_BYLINE {
            break;
        }
        line.push_str(name);
        line.push_str(", ");
    }
    line + "…"
}

/// Rows of an import by outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub added: u32,
    pub changed: u32,
    pub unchanged: u32,
    pub refused: u32,
    /// Optional cells that were left out of rows that landed.
    #[serde(default)]
    pub warnings: u32,
}

impl Counts {
    /// All processed rows.
    pub fn rows(&self) -> u32 {
        self.added + self.changed + self.unchanged + self.refused
    }
}

/// The supplier's own id of a book: `don-quijote`, or `goodbooks:42` with the supplier's name before the colon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    pub const MAX: usize = 100;

    pub fn parse(text: &str) -> Parsed<Self> {
        let text = text.trim();
        let fits = (1..=Self::MAX).contains(&text.len());
        if fits && text.chars().all(|c| c.is_ascii_graphic()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Invalid::other("reference", "must be 1 to 100 visible ASCII characters, without spaces"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The supplier's name; empty for the shop itself.
    pub fn supplier(&self) -> &str {
        supplier(&self.0)
    }

    /// Whether both have the same supplier, who would not use two references for one book.
    pub fn same_supplier(&self, other: &str) -> bool {
        supplier(&self.0) == supplier(other)
    }

    /// Where a supplier collected its ratings, as people read it; none if that is not known.
    pub fn ratings_source(supplier: &str) -> Option<&'static str> {
        match supplier {
            // <https://github.com/zygmuntz/goodbooks-10k>: collected from Goodreads, published in 2017.
            "goodbooks" => Some("Goodreads (2017)"),
            _ => None,
        }
    }
}

fn supplier(reference: &str) -> &str {
    reference.split_once(':').map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_byline_keeps_whole_names() {
        let row = CatalogueRow {
            reference: Reference::parse("r").unwrap(),
            isbn: None,
            title: "t".into(),
            authors: (0..60).map(|n| format!("Author Number {n}")).collect(),
            year: None,
            language: None,
            genres: None,
            price: None,
            stock: None,
            description: None,
            stars: None,
            stock_counted_at: None,
            fixed_price: None,
            tax_rate: None,
            publisher: None,
            publisher_contact: None,
        };
        let byline = row.byline();
        assert!(byline.chars().count() <= CatalogueRow::MAX_BYLINE && byline.ends_with(", …"), "{byline}");
        // Beside the names there is room for the mark of what was left out, or the last one is left out too.
        for (length, is_shown) in [(246, true), (247, false)] {
            let names = ["a".repeat(length), "b".repeat(248), "c".repeat(100)];
            let shown = if is_shown { &names[..2] } else { &names[..1] };
            assert_eq!(super::byline(&names), format!("{}, …", shown.join(", ")), "{length}");
        }
        let whole = ["a".repeat(249), "b".repeat(249)];
        assert_eq!(super::byline(&whole), whole.join(", "), "500 characters fit");
    }

    #[test]
    fn the_rows_of_an_import_are_those_of_each_outcome() {
        let counts = Counts { added: 1, changed: 20, unchanged: 300, refused: 4_000, warnings: 50_000 };
        assert_eq!(counts.rows(), 4_321);
    }

    #[test]
    fn the_supplier_stands_before_the_colon() {
        let reference = Reference::parse(" goodbooks:42 ").unwrap();
        assert_eq!(reference.as_str(), "goodbooks:42");
        assert!(reference.same_supplier("goodbooks:7"));
        assert!(!reference.same_supplier("don-quijote"));
        assert_eq!(Reference::ratings_source(reference.supplier()), Some("Goodreads (2017)"));
        assert_eq!(Reference::ratings_source(Reference::parse("goodbooks").unwrap().supplier()), None);
        assert!(Reference::parse("a b").is_err() && Reference::parse(" ").is_err());
    }
}
