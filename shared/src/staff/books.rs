//! Books and copies as the staff sees them.

use sha2::{Digest, Sha256};

use crate::domain::{BookFacts, BookId, Count, Money};

/// A book with all that the staff can change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffBook {
    pub id: BookId,
    /// The supplier's own id.
    pub reference: String,
    pub facts: BookFacts,
    pub stock: u32,
    /// Copies in the last thirty days.
    pub sold: u32,
    pub is_withdrawn: bool,
    /// The row of the record with its last change by the staff; 0 without one.
    pub last_change: u64,
}

/// The source of a book's facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// The staff's own page. Files of others fill in only what is missing.
    Staff,
    /// The shop's own catalogue, whose next file sets them again.
    Catalogue,
    /// A supplier, whose next file sets them again.
    Supplier(&'a str),
}

impl StaffBook {
    /// The version in a form about the book: it follows from all that the form can change, so that a sale or a rating makes
    /// no other version, and from the last change, because what was undone is again as it was before.
    pub fn version(&self) -> String {
        let digest = Sha256::digest(format!("{:?} {} {}", self.facts, self.is_withdrawn, self.last_change));
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }

    pub fn source(&self) -> Source<'_> {
        match self.reference.split_once(':') {
            None => Source::Catalogue,
            Some((Self::STAFF, _)) => Source::Staff,
            Some((supplier, _)) => Source::Supplier(supplier),
        }
    }

    /// The supplier of what the staff adds. Files of other suppliers fill in only what is missing in its books.
    pub const STAFF: &str = "staff";
}

/// A doubt about a form, which asks before it is saved: it is often a slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doubt {
    /// No book of the shop has this genre.
    NewGenre(String),
    /// A book that is sold would have no price any more, so that nobody can buy it.
    NoPrice(Money),
    /// The price becomes more than [`Doubt::FACTOR`] times as high, or as low.
    Price { before: Money, after: Money },
}

impl Doubt {
    pub const FACTOR: u32 = 5;

    /// The doubts about facts that somebody has typed, of a book that had these before, in a shop with these genres.
    pub fn all(before: Option<&BookFacts>, typed: &BookFacts, genres: &[Count]) -> Vec<Self> {
        let is_known = |slug: &&String| {
            genres.iter().any(|genre| genre.value == **slug)
                || before.is_some_and(|before| before.genres.contains(slug))
        };
        let new = typed.genres.iter().filter(|slug| !is_known(slug)).cloned().map(Self::NewGenre);
        let price = match (before.and_then(|before| before.price.as_ref()), &typed.price) {
            (Some(before), Some(after)) if Self::is_far(before, after) => {
                Some(Self::Price { before: before.clone(), after: after.clone() })
            }
            (Some(before), None) => Some(Self::NoPrice(before.clone())),
            _ => None,
        };
        new.chain(price).collect()
    }

    fn is_far(one: &Money, other: &Money) -> bool {
        let (less, more) = (one.minor.min(other.minor), one.minor.max(other.minor));
        one.currency == other.currency && u64::from(more) > u64::from(less) * u64::from(Self::FACTOR)
    }

    /// The value of the box that is ticked where all of these are meant: another doubt needs another tick.
    pub fn answer(doubts: &[Self]) -> String {
        let parts = doubts.iter().map(|doubt| match doubt {
            Self::NewGenre(slug) => slug.clone(),
            Self::NoPrice(_) => "-".to_owned(),
            Self::Price { after, .. } => after.to_string(),
        });
        parts.collect::<Vec<_>>().join("; ")
    }
}

/// A book in the list of those that are running out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiesLeft {
    pub id: BookId,
    pub title: String,
    pub byline: String,
    pub isbn: Option<String>,
    pub copies: u32,
    /// In the last thirty days.
    pub sold: u32,
    pub is_withdrawn: bool,
}

impl CopiesLeft {
    /// The lists, by the number of copies.
    pub const LISTS: [u32; 4] = [0, 1, 2, 3];
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Money;

    fn book(reference: &str) -> StaffBook {
        let facts = BookFacts {
            title: "El túnel".into(),
            authors: vec!["Ernesto Sabato".into()],
            isbn: None,
            price: None,
            fixed_price: None,
            tax_rate: None,
            genres: Vec::new(),
            language: None,
            year: None,
            publisher: None,
            publisher_contact: None,
            description: None,
        };
        StaffBook {
            id: 53.into(),
            reference: reference.into(),
            facts,
            stock: 4,
            sold: 1,
            is_withdrawn: false,
            last_change: 0,
        }
    }

    #[test]
    fn a_book_has_another_version_after_each_change_by_the_staff_and_none_after_a_sale() {
        let before = book("el-tunel");
        let facts = |facts| StaffBook { facts, ..before.clone() };
        let price = Some(Money { minor: 1_200, currency: "EUR".into() });
        for after in [
            facts(BookFacts { price, ..before.facts.clone() }),
            facts(BookFacts { genres: vec!["classics".into()], ..before.facts.clone() }),
            StaffBook { is_withdrawn: true, ..before.clone() },
            StaffBook { last_change: 7, ..before.clone() },
        ] {
            assert_ne!(after.version(), before.version(), "{after:?}");
        }
        assert_eq!(StaffBook { stock: 3, sold: 2, ..before.clone() }.version(), before.version());
    }

    #[test]
    fn a_genre_of_no_book_and_a_price_far_from_the_one_before_are_asked_about() {
        let euro = |minor| Money { minor, currency: "EUR".into() };
        let facts = |price: Option<Money>, genres: &[&str]| BookFacts {
            price,
            genres: genres.iter().map(|slug| (*slug).to_owned()).collect(),
            ..book("el-tunel").facts
        };
        let shop = [Count { value: "classics".into(), count: 1 }];
        let before = facts(Some(euro(1_000)), &["rare"]);
        let price = |minor| Doubt::Price { before: euro(1_000), after: euro(minor) };
        for (price_now, genres, expected) in [
            (Some(euro(5_000)), &["classics", "rare"][..], vec![]),
            (Some(euro(5_001)), &[], vec![price(5_001)]),
            (Some(euro(200)), &[], vec![]),
            (Some(euro(199)), &[], vec![price(199)]),
            (None, &["clasics"], vec![Doubt::NewGenre("clasics".into()), Doubt::NoPrice(euro(1_000))]),
            (Some(Money { minor: 9_000, currency: "JPY".into() }), &[], vec![]),
        ] {
            assert_eq!(Doubt::all(Some(&before), &facts(price_now, genres), &shop), expected);
        }
        let of_new_book = Doubt::all(None, &facts(Some(euro(9)), &["rare", "classics"]), &shop);
        assert_eq!(of_new_book, [Doubt::NewGenre("rare".into())]);
        let all = [Doubt::NewGenre("rare".into()), price(5_001)];
        assert_eq!(Doubt::answer(&all), "rare; 50.01 EUR");
    }

    #[test]
    fn the_source_of_a_book_follows_from_its_reference() {
        for (reference, source) in [
            ("goodbooks:7", Source::Supplier("goodbooks")),
            ("el-tunel", Source::Catalogue),
            ("staff:3f2a", Source::Staff),
        ] {
            assert_eq!(book(reference).source(), source);
        }
    }
}
