//! What can be done with an order after it was decided, and why it may be refused.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{super::BookId, OrderState};

/// An action of the shop, or of the buyer, who can only cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// The transfer has arrived.
    Paid,
    Ready,
    Shipped,
    Collected,
    Delivered,
    /// All of it, or copies of one book.
    Cancel(Option<Part>),
    /// All of it, or copies of one book.
    Return(Option<Part>),
}

/// Copies of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub book: BookId,
    /// None for all that are left of the line.
    pub copies: Option<u8>,
}

impl OrderAction {
    /// The state that an order comes to by it, if it is about the whole order.
    pub fn leads_to(self) -> OrderState {
        match self {
            Self::Paid => OrderState::Confirmed,
            Self::Ready => OrderState::Ready,
            Self::Shipped => OrderState::Shipped,
            Self::Collected => OrderState::Collected,
            Self::Delivered => OrderState::Delivered,
            Self::Cancel(_) => OrderState::Cancelled,
            Self::Return(_) => OrderState::Returned,
        }
    }

    pub fn part(self) -> Option<Part> {
        match self {
            Self::Cancel(part) | Self::Return(part) => part,
            _ => None,
        }
    }
}

/// Who brought an order to a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    Buyer,
    Shop,
    /// Its time was over.
    Clock,
}

impl Actor {
    pub fn code(self) -> &'static str {
        match self {
            Self::Buyer => "buyer",
            Self::Shop => "shop",
            Self::Clock => "clock",
        }
    }
}

/// What a mail to the buyer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderEvent {
    Confirmed,
    AwaitingPayment,
    Rejected,
    Expired,
    Ready,
    Shipped,
    Returned,
    Cancelled,
    /// Copies of one book, by the shop.
    PartCancelled,
    /// Copies of one book came back.
    PartReturned,
    /// The buyer has withdrawn from the contract of an order that had left the shop.
    Withdrawn,
}

impl OrderEvent {
    pub const ALL: [Self; 11] = [
        Self::Confirmed,
        Self::AwaitingPayment,
        Self::Rejected,
        Self::Expired,
        Self::Ready,
        Self::Shipped,
        Self::Returned,
        Self::Cancelled,
        Self::PartCancelled,
        Self::PartReturned,
        Self::Withdrawn,
    ];

    /// The code of the database.
    pub fn code(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Ready => "ready",
            Self::Shipped => "shipped",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
            Self::PartCancelled => "part_cancelled",
            Self::PartReturned => "part_returned",
            Self::Withdrawn => "withdrawn",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.code() == code)
    }

    /// The event of coming to a state. None where the buyer is present, or has the parcel.
    pub fn of_state(state: OrderState) -> Option<Self> {
        Self::from_code(state.code())
    }
}

/// Why an action was refused; the order is as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    NoSuchOrder,
    /// Neither the cookie that placed the order nor its e-mail address.
    NotTheBuyer,
    /// The state of the order does not allow it.
    NotFrom {
        from: OrderState,
        to: OrderState,
    },
    NoSuchLine {
        book: BookId,
    },
    /// More copies than the line still has.
    TooManyCopies {
        left: u8,
    },
    /// The buyer has paid it since.
    Paid,
}

impl Refusal {
    /// For the record of messages.
    pub fn code(&self) -> String {
        match self {
            Self::NoSuchOrder => "no-such-order".into(),
            Self::NotTheBuyer => "not-the-buyer".into(),
            Self::NotFrom { from, to } => format!("not-from:{}:{}", from.code(), to.code()),
            Self::NoSuchLine { book } => format!("no-such-line:{book}"),
            Self::TooManyCopies { left } => format!("too-many-copies:{left}"),
            Self::Paid => "paid".into(),
        }
    }

    /// Reads the state that did not allow an action, of a stored code.
    pub fn from_state_in(code: &str) -> Option<OrderState> {
        OrderState::from_code(code.strip_prefix("not-from:")?.split(':').next()?)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchOrder => f.write_str("There is no such order."),
            Self::NotTheBuyer => f.write_str("The order was placed by somebody else."),
            Self::NotFrom { from, to } if from == to => write!(f, "The order is {from} already."),
            Self::NotFrom { from, to } => write!(f, "The order is {from}; from there it cannot become {to}."),
            Self::NoSuchLine { book } => write!(f, "The order has no book {book}."),
            Self::TooManyCopies { left } => write!(f, "The line has {left} copies left."),
            Self::Paid => f.write_str("The order is paid."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cancelling_and_returning_have_a_part() {
        let part = Some(Part { book: 7.into(), copies: Some(1) });
        assert_eq!((OrderAction::Cancel(part).part(), OrderAction::Return(part).part()), (part, part));
        assert_eq!((OrderAction::Cancel(None).part(), OrderAction::Shipped.part()), (None, None));
        assert_eq!([Actor::Buyer, Actor::Shop, Actor::Clock].map(Actor::code), ["buyer", "shop", "clock"]);
    }

    #[test]
    fn a_refusal_says_what_the_order_is() {
        use OrderState::{Cancelled, Shipped};
        for (refusal, text, code) in [
            (Refusal::NoSuchOrder, "There is no such order.", "no-such-order"),
            (
                Refusal::NotFrom { from: Shipped, to: Cancelled },
                "The order is shipped; from there it cannot become cancelled.",
                "not-from:shipped:cancelled",
            ),
            (
                Refusal::NotFrom { from: Cancelled, to: Cancelled },
                "The order is cancelled already.",
                "not-from:cancelled:cancelled",
            ),
            (Refusal::NoSuchLine { book: 7.into() }, "The order has no book 7.", "no-such-line:7"),
            (Refusal::TooManyCopies { left: 1 }, "The line has 1 copies left.", "too-many-copies:1"),
            (Refusal::Paid, "The order is paid.", "paid"),
        ] {
            assert_eq!((refusal.to_string().as_str(), refusal.code().as_str()), (text, code));
            let from = if let Refusal::NotFrom { from, .. } = refusal { Some(from) } else { None };
            assert_eq!(Refusal::from_state_in(code), from, "{code}");
        }
    }

    #[test]
    fn the_buyer_gets_a_mail_about_each_state_that_they_cannot_see_themselves() {
        let silent: Vec<_> =
            OrderState::ALL.into_iter().filter(|state| OrderEvent::of_state(*state).is_none()).collect();
        assert_eq!(silent, [OrderState::Received, OrderState::Collected, OrderState::Delivered]);
        for event in OrderEvent::ALL {
            assert_eq!(OrderEvent::from_code(event.code()), Some(event));
        }
    }
}
