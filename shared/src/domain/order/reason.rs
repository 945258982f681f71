//! Why an order, or a line of it, was not accepted. `Display` is the English of the API; the frontend has a translation of
//! each variant by its [`key`](LineReason::key). The database keeps the code.

use std::fmt;

use super::super::{Currency, Money};

/// Why a line could not be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineReason {
    /// It never was, or the shop has withdrawn it.
    NoSuchBook,
    /// The book is ordered on request.
    WithoutPrice,
    OutOfStock {
        left: u32,
    },
    /// The price rose above the one that the buyer saw.
    PriceAbove {
        now: Money,
    },
    /// The buyer saw a price in a currency that the shop does not charge this book in.
    OtherCurrency {
        now: Money,
    },
    TooMany {
        max: u8,
    },
    /// As another version of the shop stored it.
    Other(String),
}

impl LineReason {
    /// The stable name of the kind: `out-of-stock`.
    pub fn key(&self) -> &str {
        match self {
            Self::NoSuchBook => "no-such-book",
            Self::WithoutPrice => "without-price",
            Self::OutOfStock { .. } => "out-of-stock",
            Self::PriceAbove { .. } => "price-above",
            Self::OtherCurrency { .. } => "other-currency",
            Self::TooMany { .. } => "too-many",
            Self::Other(_) => "other",
        }
    }

    /// For storage, with its argument after a colon: `out-of-stock:3`, `price-above:1995 EUR`.
    pub fn code(&self) -> String {
        let key = self.key();
        match self {
            Self::OutOfStock { left } => format!("{key}:{left}"),
            Self::PriceAbove { now } | Self::OtherCurrency { now } => format!("{key}:{}", money_code(now)),
            Self::TooMany { max } => format!("{key}:{max}"),
            Self::Other(text) => text.clone(),
            Self::NoSuchBook | Self::WithoutPrice => key.to_owned(),
        }
    }

    pub fn from_stored(text: &str) -> Self {
        let (key, argument) = text.split_once(':').unwrap_or((text, ""));
        let known = match key {
            "no-such-book" => Some(Self::NoSuchBook),
            "without-price" => Some(Self::WithoutPrice),
            "out-of-stock" => argument.parse().ok().map(|left| Self::OutOfStock { left }),
            "price-above" => money(argument).map(|now| Self::PriceAbove { now }),
            "other-currency" => money(argument).map(|now| Self::OtherCurrency { now }),
            "too-many" => argument.parse().ok().map(|max| Self::TooMany { max }),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// How many copies of the line could be sold, where `quantity` were wanted, for an order of what is available.
    pub fn available(&self, quantity: u8) -> u8 {
        match self {
            Self::OutOfStock { left } => quantity.min(u8::try_from(*left).unwrap_or(u8::MAX)),
            Self::TooMany { max } => quantity.min(*max),
            Self::PriceAbove { .. } | Self::OtherCurrency { .. } => quantity,
            Self::NoSuchBook | Self::WithoutPrice | Self::Other(_) => 0,
        }
    }
}

impl fmt::Display for LineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchBook => f.write_str("There is no such book."),
            Self::WithoutPrice => f.write_str("The book has no price; the shop orders it on request."),
            Self::OutOfStock { left: 0 } => f.write_str("No copy is left."),
            Self::OutOfStock { left: 1 } => f.write_str("One copy is left."),
            Self::OutOfStock { left } => write!(f, "{left} copies are left."),
            Self::PriceAbove { now } => write!(f, "The price has risen to {now}."),
            Self::OtherCurrency { now } => write!(f, "The price is {now}, in another currency than the one seen."),
            Self::TooMany { max } => write!(f, "One order may have at most {max} copies of a book."),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// Why an order as a whole could not be accepted. Reasons of single lines are with the lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderReason {
    /// A line cannot be sold; the line has the reason.
    Lines,
    DeliveryPriceAbove {
        now: Money,
    },
    /// The total of the prices as they are now.
    TotalAbove {
        now: Money,
    },
    /// This e-mail address, or this visitor, has orders that are not paid yet.
    TooManyOpen {
        max: u32,
    },
    DeliveryNotOffered,
    CountryNotServed,
    PaymentNotAccepted,
    /// The shop has stopped selling.
    NotSelling,
    /// The visitor was erased after placing it.
    Erased,
    /// Its buyer cancelled it before it was decided.
    Cancelled,
    Other(String),
}

impl OrderReason {
    pub fn key(&self) -> &str {
        match self {
            Self::Lines => "lines",
            Self::DeliveryPriceAbove { .. } => "delivery-price-above",
            Self::TotalAbove { .. } => "total-above",
            Self::TooManyOpen { .. } => "too-many-open",
            Self::DeliveryNotOffered => "delivery-not-offered",
            Self::CountryNotServed => "country-not-served",
            Self::PaymentNotAccepted => "payment-not-accepted",
            Self::NotSelling => "not-selling",
            Self::Erased => "erased",
            Self::Cancelled => "cancelled",
            Self::Other(_) => "other",
        }
    }

    /// For storage, as of a [`LineReason`].
    pub fn code(&self) -> String {
        let key = self.key();
        match self {
            Self::DeliveryPriceAbove { now } | Self::TotalAbove { now } => format!("{key}:{}", money_code(now)),
            Self::TooManyOpen { max } => format!("{key}:{max}"),
            Self::Other(text) => text.clone(),
            _ => key.to_owned(),
        }
    }

    pub fn from_stored(text: &str) -> Self {
        let (key, argument) = text.split_once(':').unwrap_or((text, ""));
        let known = match key {
            "lines" => Some(Self::Lines),
            "delivery-price-above" => money(argument).map(|now| Self::DeliveryPriceAbove { now }),
            "total-above" => money(argument).map(|now| Self::TotalAbove { now }),
            "too-many-open" => argument.parse().ok().map(|max| Self::TooManyOpen { max }),
            "delivery-not-offered" => Some(Self::DeliveryNotOffered),
            "country-not-served" => Some(Self::CountryNotServed),
            "payment-not-accepted" => Some(Self::PaymentNotAccepted),
            "not-selling" => Some(Self::NotSelling),
            "erased" => Some(Self::Erased),
            "cancelled" => Some(Self::Cancelled),
            _ => None,
        };
        known.unwrap_or_else(|| Self::Other(text.to_owned()))
    }
}

impl fmt::Display for OrderReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines => f.write_str("Not all books can be sold as they were ordered."),
            Self::DeliveryPriceAbove { now } => write!(f, "The price of delivery has risen to {now}."),
            Self::TotalAbove { now } => write!(f, "The total is {now}, which is more than the total seen."),
            // Anybody can name the mailbox of somebody else: it must not say what the shop knows of it.
            Self::TooManyOpen { .. } => f.write_str(
                "The shop limits the unpaid orders, and the copies of a book in them, of a browser, a mailbox and a postal \
                 address; this order is above a limit.",
            ),
            Self::DeliveryNotOffered => f.write_str("The shop does not offer this delivery."),
            Self::CountryNotServed => f.write_str("The shop does not send to this country."),
            Self::PaymentNotAccepted => f.write_str("The shop does not accept this payment."),
            Self::NotSelling => f.write_str("The shop does not take orders at the moment."),
            Self::Erased => f.write_str("It was erased, as its buyer asked."),
            Self::Cancelled => f.write_str("Its buyer cancelled it before it was decided."),
            Self::Other(text) => f.write_str(text),
        }
    }
}

fn money_code(Money { minor, currency }: &Money) -> String {
    format!("{minor} {currency}")
}

fn money(text: &str) -> Option<Money> {
    let (minor, currency) = text.split_once(' ')?;
    Some(Money { minor: minor.parse().ok()?, currency: Currency::parse(currency).ok()?.code().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn euro(minor: u32) -> Money {
        Money { minor, currency: "EUR".into() }
    }

    #[test]
    fn the_reason_of_a_line_is_read_by_the_code_that_was_stored() {
        use LineReason::*;
        for (reason, code, text) in [
            (NoSuchBook, "no-such-book", "There is no such book."),
            (WithoutPrice, "without-price", "The book has no price; the shop orders it on request."),
            (OutOfStock { left: 0 }, "out-of-stock:0", "No copy is left."),
            (OutOfStock { left: 1 }, "out-of-stock:1", "One copy is left."),
            (OutOfStock { left: 3 }, "out-of-stock:3", "3 copies are left."),
            (PriceAbove { now: euro(1_995) }, "price-above:1995 EUR", "The price has risen to 19.95 EUR."),
            (
                OtherCurrency { now: euro(5) },
                "other-currency:5 EUR",
                "The price is 0.05 EUR, in another currency than the one seen.",
            ),
            (TooMany { max: 20 }, "too-many:20", "One order may have at most 20 copies of a book."),
            (Other("burnt:1".into()), "burnt:1", "burnt:1"),
            (Other("price-above:1995 XYZ".into()), "price-above:1995 XYZ", "price-above:1995 XYZ"),
        ] {
            assert_eq!((reason.code().as_str(), reason.to_string().as_str()), (code, text));
            assert_eq!(LineReason::from_stored(code), reason);
        }
    }

    #[test]
    fn the_reason_of_an_order_is_read_by_the_code_that_was_stored() {
        use OrderReason::*;
        for (reason, code, text) in [
            (Lines, "lines", "Not all books can be sold as they were ordered."),
            (
                DeliveryPriceAbove { now: euro(399) },
                "delivery-price-above:399 EUR",
                "The price of delivery has risen to 3.99 EUR.",
            ),
            (
                TotalAbove { now: euro(10_000) },
                "total-above:10000 EUR",
                "The total is 100.00 EUR, which is more than the total seen.",
            ),
            (
                TooManyOpen { max: 3 },
                "too-many-open:3",
                "The shop limits the unpaid orders, and the copies of a book in them, of a browser, a mailbox and a postal \
                 address; this order is above a limit.",
            ),
            (DeliveryNotOffered, "delivery-not-offered", "The shop does not offer this delivery."),
            (CountryNotServed, "country-not-served", "The shop does not send to this country."),
            (PaymentNotAccepted, "payment-not-accepted", "The shop does not accept this payment."),
            (NotSelling, "not-selling", "The shop does not take orders at the moment."),
            (Erased, "erased", "It was erased, as its buyer asked."),
            (Cancelled, "cancelled", "Its buyer cancelled it before it was decided."),
            (Other("storm".into()), "storm", "storm"),
        ] {
            assert_eq!((reason.code().as_str(), reason.to_string().as_str()), (code, text));
            assert_eq!(OrderReason::from_stored(code), reason);
        }
    }

    #[test]
    fn what_is_available_of_a_refused_line_can_be_ordered_again() {
        for (reason, quantity, available) in [
            (LineReason::OutOfStock { left: 3 }, 5, 3),
            (LineReason::OutOfStock { left: 0 }, 5, 0),
            (LineReason::OutOfStock { left: 300 }, 5, 5),
            (LineReason::PriceAbove { now: euro(1) }, 5, 5),
            (LineReason::OtherCurrency { now: euro(1) }, 5, 5),
            (LineReason::TooMany { max: 20 }, 21, 20),
            (LineReason::NoSuchBook, 5, 0),
            (LineReason::WithoutPrice, 5, 0),
        ] {
            assert_eq!(reason.available(quantity), available, "{reason:?}");
        }
    }
}
