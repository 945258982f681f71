//! Why the shop does not publish a submission.

use std::fmt;

use super::BookId;

/// The reason of a rejection. `Display` is the English of the API; the frontend has a translation of each variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    NoSuchBook(BookId),
    /// A bookseller has hidden this rating.
    Hidden,
    /// A bookseller has hidden the visitor's earlier rating of the same book.
    HiddenBefore,
    Erased,
    /// The visitor sent another rating of the same book later.
    LaterRating,
    /// The rating of this book from this browser belongs to a customer who has not signed in there any more.
    OfCustomer,
    /// There are copies of the book, so that nobody has to wait for it.
    InStock,
    /// The limits of alerts are reached.
    TooManyAlerts,
    /// The user pool has not verified the customer's address, or the session has ended.
    NoVerifiedEmail,
    /// The alert of a link was ended, or is too old.
    NoSuchAlert,
    /// As another version of the shop stored it.
    Other(String),
}

impl Rejection {
    /// The stable code for storage, with its argument after a colon: `no-such-book:17`.
    pub fn code(&self) -> String {
        match self {
            Self::NoSuchBook(book) => format!("no-such-book:{book}"),
            Self::Hidden => "hidden".into(),
            Self::HiddenBefore => "hidden-before".into(),
            Self::Erased => "erased".into(),
            Self::LaterRating => "later-rating".into(),
            Self::OfCustomer => "of-customer".into(),
            Self::InStock => "in-stock".into(),
            Self::TooManyAlerts => "too-many-alerts".into(),
            Self::NoVerifiedEmail => "no-verified-email".into(),
            Self::NoSuchAlert => "no-such-alert".into(),
            Self::Other(text) => text.clone(),
        }
    }

    /// Reads a code, or the English sentence that was stored before there were codes.
    pub fn from_stored(text: &str) -> Self {
        let book = text
            .strip_prefix("no-such-book:")
            .or_else(|| text.strip_prefix("There is no book ")?.strip_suffix('.'))
            .and_then(|number| number.parse::<u32>().ok());
        if let Some(book) = book {
            return Self::NoSuchBook(book.into());
        }
        match text {
            "hidden" | "The shop has hidden it." => Self::Hidden,
            "hidden-before" | "The shop has hidden your rating of this book." => Self::HiddenBefore,
            "erased" | "It was erased, as its author asked." => Self::Erased,
            "later-rating" | "You sent a later rating of this book, which counts." => Self::LaterRating,
            "of-customer" => Self::OfCustomer,
            "in-stock" => Self::InStock,
            "too-many-alerts" => Self::TooManyAlerts,
            "no-verified-email" => Self::NoVerifiedEmail,
            "no-such-alert" => Self::NoSuchAlert,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchBook(book) => write!(f, "There is no book {book}."),
            Self::Hidden => f.write_str("The shop has hidden it."),
            Self::HiddenBefore => f.write_str("The shop has hidden your rating of this book."),
            Self::Erased => f.write_str("It was erased, as its author asked."),
            Self::LaterRating => f.write_str("You sent a later rating of this book, which counts."),
            Self::OfCustomer => f.write_str(
                "This browser's rating of the book belongs to an account; sign in to it to change the rating.",
            ),
            Self::InStock => f.write_str("The book is in stock."),
            Self::TooManyAlerts => f.write_str("There are too many requests for alerts; try again tomorrow."),
            Self::NoVerifiedEmail => f.write_str("The customer has no verified e-mail address, or is not signed in."),
            Self::NoSuchAlert => f.write_str("This alert was ended, or has expired."),
            Self::Other(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_read_by_its_code_or_by_the_sentence_that_was_stored_before() {
        use Rejection::{Erased, Hidden, HiddenBefore, LaterRating, NoSuchBook, Other};
        for (sentence, code, rejection) in [
            ("There is no book 7.", "no-such-book:7", NoSuchBook(BookId::from(7))),
            ("The shop has hidden it.", "hidden", Hidden),
            ("The shop has hidden your rating of this book.", "hidden-before", HiddenBefore),
            ("It was erased, as its author asked.", "erased", Erased),
            ("You sent a later rating of this book, which counts.", "later-rating", LaterRating),
            ("sold-out:7", "sold-out:7", Other("sold-out:7".into())),
        ] {
            assert_eq!((rejection.to_string().as_str(), rejection.code().as_str()), (sentence, code));
            assert_eq!((&Rejection::from_stored(sentence), &Rejection::from_stored(code)), (&rejection, &rejection));
        }
    }

    #[test]
    fn a_rejection_that_was_never_stored_as_a_sentence_is_read_by_its_code() {
        use Rejection::{InStock, NoSuchAlert, NoVerifiedEmail, TooManyAlerts};
        for (code, rejection) in [
            ("in-stock", InStock),
            ("too-many-alerts", TooManyAlerts),
            ("no-verified-email", NoVerifiedEmail),
            ("no-such-alert", NoSuchAlert),
        ] {
            assert_eq!((rejection.code().as_str(), &Rejection::from_stored(code)), (code, &rejection));
        }
    }
}
