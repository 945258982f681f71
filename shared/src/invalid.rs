//! What a parser returns for an unacceptable value.

use std::{borrow::Cow, fmt};

/// An unacceptable value: its name, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Invalid {
    /// The parameter, field or column as the sender wrote it.
    pub field: String,
    pub reason: Reason,
    /// Names and numbers that lead to a member of a body, where the sender chose one of the names: it may have dots.
    pub steps: Option<Vec<String>>,
}

pub type Parsed<T> = Result<T, Invalid>;

/// Why a value is unacceptable. `Display` is the English of the API, the rest of a sentence that begins with the field:
/// "must not be blank". The frontend has a translation of each variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    Blank,
    /// In characters.
    TooLong {
        max: usize,
        length: usize,
    },
    /// Longer than this number of characters.
    LongerThan {
        max: usize,
    },
    /// More combining marks on one letter.
    TooManyMarks {
        max: usize,
    },
    /// A visitor whom the shop has not known for long enough.
    TooNew {
        minutes: u16,
    },
    NotAnEmail,
    NotAPhone,
    /// By the rules of the address's country.
    NotAPostalCode,
    NotACountry,
    /// A place in a country of the EU to which the shop cannot sell, because another tax applies there.
    OutsideVatArea,
    /// A text that holds what looks like the number of a payment card.
    CardNumber,
    /// A name or a line of an address with what mail programs make a link of.
    Link,
    NotInRange {
        min: u32,
        max: u32,
    },
    /// The same, with the value as it was sent.
    OutOfRange {
        min: u32,
        max: u32,
        value: String,
    },
    /// No number of whole stars.
    NotStars {
        min: u8,
        max: u8,
    },
    /// No mean of stars, which may have a fraction.
    NotAMean {
        min: u8,
        max: u8,
    },
    NotAnAmount,
    /// No amount that a list can be narrowed by.
    NotAPriceLimit,
    NotACurrency,
    NotABoolean,
    NotAnAuthor,
    NotAGenre,
    NotALanguage,
    /// An ISBN of so many digits of which one is mistyped.
    WrongCheckDigit {
        digits: u8,
    },
    /// The value can belong to one book only, and belongs to another.
    Taken,
    /// A price that is not between 95 and 100 % of the one that the publisher has fixed.
    OutsideFixedPrice,
    /// None of a fixed set of values.
    NotOneOf(Vec<&'static str>),
    NotACursor,
    /// In words for programs or suppliers. A visitor reads only that the value cannot be used.
    Other(Cow<'static, str>),
}

impl Invalid {
    /// Characters of a text of the sender that a message repeats.
    pub const MAX_SHOWN: usize = 100;
    /// Steps to a member that a message repeats.
    const MAX_STEPS: usize = 16;

    pub fn new(field: impl Into<String>, reason: Reason) -> Self {
        Self { field: field.into(), reason, steps: None }
    }

    /// A member with a name that the sender chose, by the steps that lead to it. Long names are shortened, and deep places
    /// cut, so that an answer with many such errors stays small; `steps` then leads to what contains the member.
    pub fn member(steps: &[String], reason: impl Into<Cow<'static, str>>) -> Self {
        let steps = &steps[..steps.len().min(Self::MAX_STEPS)];
        let shown = |step: &String| step.chars().take(Self::MAX_SHOWN).collect::<String>();
        let field = steps.iter().map(shown).collect::<Vec<_>>().join(".");
        let is_whole = |step: &&String| step.chars().nth(Self::MAX_SHOWN).is_none();
        let steps = steps.iter().take_while(is_whole).cloned().collect();
        Self { steps: Some(steps), ..Self::other(field, reason) }
    }

    /// A value that only a program or a supplier sends, with the reason as the rest of a sentence.
    pub fn other(field: impl Into<String>, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(field, Reason::Other(reason.into()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => f.write_str("must not be blank"),
            Self::TooLong { max, length } => write!(f, "must have at most {max} characters, and has {length}"),
            Self::LongerThan { max } => write!(f, "must have at most {max} characters"),
            Self::TooManyMarks { max } => write!(f, "must have at most {max} combining marks on one letter"),
            Self::TooNew { minutes } => {
                write!(f, "must be known for {minutes} minutes; send it again then, with the cookie")
            }
            Self::NotAnEmail => f.write_str("must be an address such as ana@example.org"),
            Self::NotAPhone => f.write_str("must be a telephone number such as +34 600 123 123"),
            Self::NotAPostalCode => f.write_str("must be a postal code of the country"),
            Self::OutsideVatArea => {
                f.write_str("is outside the area of the EU's value added tax, to which the shop does not send")
            }
            Self::NotACountry => f.write_str("must be a code of ISO 3166-1 such as ES"),
            Self::CardNumber => f.write_str("must not contain the number of a card"),
            Self::Link => f.write_str(
                "must not contain a link, the name of a site or an email address; put a blank after each point",
            ),
            Self::NotInRange { min, max } => write!(f, "must be a whole number from {min} to {max}"),
            Self::OutOfRange { min, max, value } => {
                write!(f, "must be a whole number from {min} to {max}, and is {value}")
            }
            Self::NotStars { min, max } => write!(f, "must be a whole number from {min} to {max}"),
            Self::NotAMean { min, max } => write!(f, "must be a number of stars from {min} to {max}"),
            Self::NotAnAmount => f.write_str("must be an amount such as 19.95, with a point and no sign"),
            Self::NotAPriceLimit => f.write_str("must be an amount such as 19.95, at most 9999999.99"),
            Self::NotACurrency => f.write_str("must be a code of ISO 4217 such as EUR"),
            Self::NotABoolean => f.write_str("must be true or false"),
            Self::NotAnAuthor => f.write_str("must be the id of an author, as a book shows it"),
            Self::NotAGenre => f.write_str("must be a slug such as science-fiction"),
            Self::NotALanguage => f.write_str("must be a BCP 47 language tag such as es, en or pt-BR"),
            Self::WrongCheckDigit { digits } => {
                write!(f, "has a wrong check digit: one of its {digits} digits is mistyped")
            }
            Self::Taken => f.write_str("must not be that of another book"),
            Self::OutsideFixedPrice => f.write_str("must be between 95 and 100 % of the fixed price"),
            Self::NotOneOf(values) => write!(f, "must be one of {}", values.join(", ")),
            Self::NotACursor => f.write_str("must be a `next` of this same list; leave it out to start again"),
            Self::Other(text) => f.write_str(text),
        }
    }
}
