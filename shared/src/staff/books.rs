//! Books and copies as the staff sees them.

use sha2::{Digest, Sha256};

use crate::domain::{BookFacts, BookId};

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
}

impl StaffBook {
    /// The version in a form about the book: it follows from all that the form can change, so that a sale or a rating
    /// makes no other version.
    pub fn version(&self) -> String {
        let digest = Sha256::digest(format!("{:?} {}", self.facts, self.is_withdrawn));
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }

    /// The supplier whose next file sets its facts again; none of books of the shop itself.
    pub fn supplier(&self) -> Option<&str> {
        self.reference.split_once(':').map(|(supplier, _)| supplier).filter(|supplier| *supplier != Self::STAFF)
    }

    /// The supplier of what the staff adds. Files of other suppliers fill in only what is missing in its books.
    pub const STAFF: &str = "staff";
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
        StaffBook { id: 53.into(), reference: reference.into(), facts, stock: 4, sold: 1, is_withdrawn: false }
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
        ] {
            assert_ne!(after.version(), before.version(), "{after:?}");
        }
        assert_eq!(StaffBook { stock: 3, sold: 2, ..before.clone() }.version(), before.version());
    }

    #[test]
    fn the_next_file_of_a_supplier_sets_the_facts_of_its_books_and_no_others() {
        for (reference, supplier) in [("goodbooks:7", Some("goodbooks")), ("el-tunel", None), ("staff:3f2a", None)] {
            assert_eq!(book(reference).supplier(), supplier);
        }
    }
}
