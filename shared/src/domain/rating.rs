//! What visitors think of a book.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Invalid, Parsed, Reason, milliseconds};

/// One to five.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i64", into = "u8")]
#[schemars(!try_from, !into)]
pub struct Stars(#[schemars(range(min = 1, max = 5))] u8);

impl Stars {
    pub fn parse(number: i64) -> Parsed<Self> {
        match u8::try_from(number) {
            Ok(stars @ 1..=5) => Ok(Self(stars)),
            _ => Err(Invalid::new("stars", Reason::NotStars { min: 1, max: 5 })),
        }
    }

    pub fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<i64> for Stars {
    type Error = Invalid;

    fn try_from(number: i64) -> Parsed<Self> {
        Self::parse(number)
    }
}

impl From<Stars> for u8 {
    fn from(stars: Stars) -> Self {
        stars.0
    }
}

/// A published review as others read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Review {
    /// What the staff hides it by.
    pub id: u64,
    #[schemars(with = "Stars")]
    pub stars: u8,
    pub name: Option<String>,
    pub review: Option<String>,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub sent_at: OffsetDateTime,
    /// Whether its author has bought the book in this shop.
    pub verified_purchase: bool,
}

/// The mean that a book without ratings is presumed to have, in stars.
pub const PRIOR_MEAN: f64 = 3.5;
/// How many ratings that presumption weighs as much as.
pub const PRIOR_WEIGHT: f64 = 25.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_are_one_to_five() {
        for number in 1..=5_u8 {
            let stars = Stars::parse(number.into()).unwrap();
            assert_eq!((stars.get(), u8::from(stars)), (number, number));
        }
        assert!([0, 6, -1, 257, i64::MAX].into_iter().all(|n| Stars::parse(n).is_err()));
    }
}
