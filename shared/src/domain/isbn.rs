//! International Standard Book Numbers: thirteen digits inside, ten-digit ones converted on the way in.

use schemars::JsonSchema;
use serde::Serialize;

use super::{
    Invalid, Parsed, Reason,
    words::{is_dash, is_ignorable, is_unspaced},
};

/// A checked ISBN-13, its digits without hyphens: `9788420412146`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Isbn13(#[schemars(regex(pattern = "^97[89][0-9]{10}$"))] String);

impl Isbn13 {
    /// Reads an ISBN-13 or ISBN-10 as people and spreadsheets copy them: with dashes of any kind and blanks, behind `ISBN-13:`,
    /// in quotes or brackets, with `(pbk.)` behind it, as `="978…"` or as `978….0`.
    pub fn parse(text: &str) -> Parsed<Self> {
        Self::of_digits(&without_wrapping(&normalized(text)))
    }

    /// The ISBN in a text that may have other words as well.
    pub fn find(text: &str) -> Option<Self> {
        let text = normalized(text);
        if let Ok(isbn) = Self::of_digits(&without_wrapping(&text)) {
            return Some(isbn);
        }
        let phrases = text.split(|c: char| c != ' ' && c != '-' && (!c.is_alphanumeric() || is_unspaced(c)));
        let words: Vec<Vec<&str>> = phrases.map(|phrase| phrase.split(' ').collect()).collect();
        let is_number = |word: &str| word.chars().all(is_part);
        // First with blanks inside (978 84 204 6728 3), then each number by itself.
        let mut spaced = words.iter().flat_map(|words| words.chunk_by(|a, b| is_number(a) == is_number(b)));
        let spaced = spaced.find_map(|words| Self::of_digits(&words.concat()).ok());
        let number = || words.iter().flatten().find_map(|word| Self::of_digits(word).ok());
        // Within a word only thirteen digits: one in eleven numbers of ten has a sound check digit.
        let is_long = |run: &str| run.bytes().filter(u8::is_ascii_digit).count() > 12;
        let within =
            || text.split(|c| !is_part(c)).filter(|run| is_long(run)).find_map(|run| Self::of_digits(run).ok());
        spaced.or_else(number).or_else(within)
    }

    fn of_digits(text: &str) -> Parsed<Self> {
        let invalid = |reason| Invalid::other("isbn", reason);
        let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
        if !digits.is_ascii() {
            return Err(invalid("must be an ISBN of 13 or 10 digits"));
        }
        match digits.len() {
            13 if digits.starts_with("9790") => {
                Err(invalid("is an ISMN (979-0), the number of sheet music; an ISBN begins with 978 or 979-1 to 979-9"))
            }
            13 if digits.starts_with("978") || digits.starts_with("979") => {
                let values = values(&digits).ok_or_else(|| invalid("must have digits only"))?;
                if check_digit_13(&values[..12]) == values[12] {
                    Ok(Self(digits))
                } else {
                    Err(Invalid::new("isbn", Reason::WrongCheckDigit { digits: 13 }))
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
            return Err(Invalid::new("isbn", Reason::WrongCheckDigit { digits: 10 }));
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

/// Whether an ISBN has such characters.
fn is_part(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '-' | 'X' | 'x')
}

/// The text with one kind of dash and blank, without characters of no width, and without the word ISBN before a number.
fn normalized(text: &str) -> String {
    let text: String = text
        .chars()
        .filter(|c| !is_ignorable(*c))
        .map(|c| {
            if is_dash(c) {
                '-'
            } else if c.is_whitespace() {
                ' '
            } else {
                c
            }
        })
        .collect();
    // Once for the whole text, which may repeat the word.
    let lower = text.to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut normalized = String::with_capacity(text.len());
    while let Some(at) = lower[text.len() - rest.len()..].find("isbn") {
        normalized.push_str(&rest[..at]);
        let after = rest[at + 4..].trim_start_matches(['-', ' ']);
        // The kind in ISBN-10 and ISBN-13, not the first digits of a number.
        let kind = after.strip_prefix("10").or_else(|| after.strip_prefix("13"));
        let kind = kind.filter(|after| !after.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        rest = kind.unwrap_or(after).trim_start_matches([':', ' ', '=', '#']);
        normalized.push(' ');
    }
    normalized.push_str(rest);
    normalized
}

/// A number without what spreadsheets and catalogues put around it.
fn without_wrapping(text: &str) -> String {
    let text = without_notes(text);
    let text = text.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    match text.split_once('.') {
        Some((number, zeros)) if zeros.bytes().all(|b| b == b'0') => number.to_owned(),
        _ => text.to_owned(),
    }
}

/// The text without brackets around something short: `(pbk.)`, `[vol. 2]`.
fn without_notes(text: &str) -> String {
    let is_number = |part: &&str| part.bytes().filter(u8::is_ascii_digit).count() >= 9;
    let (outside, brackets) = text.split_at(text.find(['(', '[']).unwrap_or(text.len()));
    let parts = brackets.split(['(', '[']).flat_map(|part| {
        let (inside, after) = part.split_once([')', ']']).unwrap_or((part, ""));
        [Some(inside).filter(is_number).unwrap_or_default(), after]
    });
    outside.to_owned() + &parts.collect::<String>()
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
    fn the_first_digits_of_a_number_are_not_the_kind_of_isbn() {
        for (text, digits) in [
            ("ISBN 1306480213", "9781306480215"),
            ("ISBN 101234567X", "9781012345679"),
            ("ISBN-13: 1306480213", "9781306480215"),
            ("ISBN10 101234567X", "9781012345679"),
        ] {
            assert_eq!(Isbn13::parse(text).as_ref().map(Isbn13::as_str), Ok(digits), "{text}");
        }
    }

    #[test]
    fn a_mistyped_digit_is_caught() {
        assert!(Isbn13::parse("978-0-618-00221-4").is_ok());
        assert!(Isbn13::parse("9780618002215").is_err());
    }

    #[test]
    fn an_isbn_is_read_as_people_and_spreadsheets_copy_it() {
        for text in [
            "ISBN 9788420467283",
            "ISBN: 978-84-204-6728-3",
            "isbn:9788420467283",
            "ISBN-13: 978-8420467283",
            "ISBN13 9788420467283",
            "978–84–204–6728–3",
            "978‑84‑204‑6728‑3",
            "978 84 204 6728 3",
            "9788420467283.",
            "(9788420467283)",
            "«9788420467283»",
            "=\"9788420467283\"",
            "'9788420467283",
            "9788420467283.0",
            "9788420467283.00",
            "9788420467283 (pbk.)",
            "9788420467283 [vol. 2]",
            "(tapa dura) 978-84-204-6728-3",
            "\u{200b}9788420467283\u{feff}",
            "ISBN-10: 84-204-6728-6",
        ] {
            let found = Isbn13::parse(text);
            assert_eq!(found.as_ref().map(Isbn13::as_str), Ok("9788420467283"), "{text}");
            assert_eq!(Isbn13::find(text), found.ok(), "{text}");
        }
    }

    #[test]
    fn an_isbn_is_found_among_other_words() {
        for text in [
            "9788420467283 quijote",
            "Quijote, ISBN: 978-84-204-6728-3, 2015",
            "el 84-204-6728-6 de Alfaguara",
            "EAN9788420467283",
            "書籍8420467286号の本2015",
            "quijote 978 84 204 6728 3, 1605",
            "ref978-84-204-6728-3b",
        ] {
            assert_eq!(Isbn13::find(text).as_ref().map(Isbn13::as_str), Some("9788420467283"), "{text}");
            assert!(Isbn13::parse(text).is_err(), "{text}");
        }
        for text in [
            "1984",
            "2001 2010 1999",
            "isbn",
            "quijote 9788420467284",
            "10 13",
            "0000",
            "a8929132146b4c0e",
            "ref-8929132146b",
            "ref84-204-6728-6b",
            "refX9788420467284b",
        ] {
            assert_eq!(Isbn13::find(text), None, "{text}");
        }
    }

    #[test]
    fn the_number_of_sheet_music_is_refused_by_its_name() {
        for text in ["979-0-2600-0043-8", "9790260000438", "9790260000439"] {
            let reason = Isbn13::parse(text).unwrap_err().reason.to_string();
            assert!(reason.starts_with("is an ISMN (979-0)"), "{text}: {reason}");
            assert_eq!(Isbn13::find(text), None, "{text}");
        }
        assert!(Isbn13::parse("979-10-90636-07-1").is_ok());
    }

    #[test]
    fn a_text_that_is_no_isbn_is_refused() {
        for text in [
            "",
            "9",
            "9.78043902348e+12",
            "9788420467283.5",
            "quijote",
            "1234567890123",
            "4006381333931",
            "٩٧٨٠٦١٨٠٠٢٢١٤",
        ] {
            assert!(Isbn13::parse(text).is_err(), "{text}");
        }
    }
}
