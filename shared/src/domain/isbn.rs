//! International Standard Book Numbers: thirteen digits inside, ten-digit ones converted on the way in.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Invalid, Parsed};

/// A checked ISBN-13, its digits without hyphens: `9788420412146`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Isbn13(#[schemars(regex(pattern = "^97[89][0-9]{10}$"))] String);

impl Isbn13 {
    /// Reads an ISBN-13 or ISBN-10, with or without hyphens and spaces.
    pub fn parse(text: &str) -> Parsed<Self> {
        let invalid = |reason| Invalid::other("isbn", reason);
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        if !digits.is_ascii() {
            return Err(invalid("must be an ISBN of 13 or 10 digits"));
        }
        match digits.len() {
            13 if digits.starts_with("978") || digits.starts_with("979") => {
                let values = values(&digits).ok_or_else(|| invalid("must have digits only"))?;
                if check_digit_13(&values[..12]) == values[12] {
                    Ok(Self(digits))
                } else {
                    Err(invalid("has a wrong check digit: one of its 13 digits is mistyped"))
                }
            }
            10 => Self::from_ten(&digits),
            _ => Err(invalid("must be an ISBN of 13 digits (from 978 or 979) or of 10")),
        }
    }

    fn from_ten(digits: &str) -> Parsed<Self> {
        let invalid = |reason| Invalid::other("isbn", reason);
        let (body, check) = digits.split_at(9);
        let body_values = values(body).ok_or_else(|| invalid("must have digits only"))?;
        let check = match check {
            "X" | "x" => 10,
            digit => digit.parse().map_err(|_| invalid("must end in a digit or X"))?,
        };
        let sum: u32 = (2..=10).rev().zip(&body_values).map(|(weight, value)| weight * value).sum();
        if !(sum + check).is_multiple_of(11) {
            return Err(invalid("has a wrong check digit: one of its 10 digits is mistyped"));
        }
        let thirteen = format!("978{body}");
        let check = check_digit_13(&values(&thirteen).unwrap_or_default());
        Ok(Self(format!("{thirteen}{check}")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A value of the database, which was parsed before it was stored.
    pub(crate) fn trusted(digits: String) -> Self {
        Self(digits)
    }
}

fn values(digits: &str) -> Option<Vec<u32>> {
    digits.chars().map(|c| c.to_digit(10)).collect()
}

fn check_digit_13(first_twelve: &[u32]) -> u32 {
    let sum: u32 = first_twelve.iter().zip([1, 3].into_iter().cycle()).map(|(value, weight)| value * weight).sum();
    (10 - sum % 10) % 10
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_digits_become_thirteen() {
        assert_eq!(Isbn13::parse("0-618-00221-9").unwrap().as_str(), "9780618002214");
        assert_eq!(
            Isbn13::parse("043902348X").unwrap_err().reason.to_string(),
            "has a wrong check digit: one of its 10 digits is mistyped"
        );
        assert_eq!(Isbn13::parse("080442957X").unwrap().as_str(), "9780804429573");
    }

    #[test]
    fn a_mistyped_digit_is_caught() {
        assert!(Isbn13::parse("978-0-618-00221-4").is_ok());
        assert!(Isbn13::parse("9780618002215").is_err());
    }

    #[test]
    fn a_text_that_is_no_isbn_is_refused() {
        for text in ["", "9", "9.78043902348e+12", "quijote", "1234567890123", "٩٧٨٠٦١٨٠٠٢٢١٤"] {
            assert!(Isbn13::parse(text).is_err(), "{text}");
        }
    }
}
