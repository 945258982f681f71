//! States of an order, and which may follow which.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Delivery;

/// Where an order stands. Until it is decided it is `received`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// On the queue, not decided.
    Received,
    /// Sold: the copies are the buyer's.
    Confirmed,
    /// The copies are kept until the transfer arrives or the time to pay is over.
    AwaitingPayment,
    /// Nothing was sold; the reasons are beside it.
    Rejected,
    /// Not paid or not collected in time; the copies are free again.
    Expired,
    /// To be collected.
    Ready,
    Shipped,
    Collected,
    Delivered,
    /// Wholly; single lines that came back leave the state as it is.
    Returned,
    Cancelled,
}

impl OrderState {
    pub const ALL: [Self; 11] = [
        Self::Received,
        Self::Confirmed,
        Self::AwaitingPayment,
        Self::Rejected,
        Self::Expired,
        Self::Ready,
        Self::Shipped,
        Self::Collected,
        Self::Delivered,
        Self::Returned,
        Self::Cancelled,
    ];

    /// The code of the API and of the database: `awaiting_payment`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Confirmed => "confirmed",
            Self::AwaitingPayment => "awaiting_payment",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Ready => "ready",
            Self::Shipped => "shipped",
            Self::Collected => "collected",
            Self::Delivered => "delivered",
            Self::Returned => "returned",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether an order with this delivery may come to the next state.
    pub fn can_become(self, next: Self, delivery: Delivery) -> bool {
        use OrderState::{
            AwaitingPayment, Cancelled, Collected, Confirmed, Delivered, Expired, Ready, Received, Rejected, Returned,
            Shipped,
        };
        match (self, next) {
            (Received, Confirmed | AwaitingPayment | Rejected)
            | (AwaitingPayment, Confirmed | Expired | Cancelled)
            | (Confirmed | Ready, Cancelled)
            | (Collected | Delivered, Returned) => true,
            (Confirmed, Ready) | (Ready, Collected | Expired) => delivery == Delivery::Collect,
            (Confirmed, Shipped) | (Shipped, Delivered) => delivery == Delivery::Ship,
            _ => false,
        }
    }

    /// Whether the buyer may still cancel it.
    pub fn can_be_cancelled(self) -> bool {
        self.can_become(Self::Cancelled, Delivery::Collect)
    }

    /// Whether the buyer has the books, or they are on their way: withdrawing from the contract no longer cancels it.
    pub fn has_left_the_shop(self) -> bool {
        matches!(self, Self::Shipped | Self::Collected | Self::Delivered)
    }

    /// Whether nothing more is to be done for it. What was collected or delivered may still come back.
    pub fn is_closed(self) -> bool {
        !matches!(self, Self::Received | Self::Confirmed | Self::AwaitingPayment | Self::Ready | Self::Shipped)
    }
}

/// In words: `awaiting payment`.
impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwaitingPayment => "awaiting payment",
            other => other.code(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_has_left_the_shop_or_is_closed_by_its_state() {
        for state in OrderState::ALL {
            let (has_left, is_closed) = match state {
                OrderState::Shipped => (true, false),
                OrderState::Collected | OrderState::Delivered => (true, true),
                OrderState::Received | OrderState::Confirmed | OrderState::AwaitingPayment | OrderState::Ready => {
                    (false, false)
                }
                OrderState::Rejected | OrderState::Expired | OrderState::Returned | OrderState::Cancelled => {
                    (false, true)
                }
            };
            assert_eq!((state.has_left_the_shop(), state.is_closed()), (has_left, is_closed), "{state}");
        }
    }

    #[test]
    fn an_order_goes_only_where_its_life_leads() {
        use OrderState::*;
        let both = [Delivery::Collect, Delivery::Ship];
        let allowed: Vec<(OrderState, OrderState, &[Delivery])> = vec![
            (Received, Confirmed, &both),
            (Received, AwaitingPayment, &both),
            (Received, Rejected, &both),
            (AwaitingPayment, Confirmed, &both),
            (AwaitingPayment, Expired, &both),
            (AwaitingPayment, Cancelled, &both),
            (Confirmed, Ready, &[Delivery::Collect]),
            (Confirmed, Shipped, &[Delivery::Ship]),
            (Confirmed, Cancelled, &both),
            (Ready, Collected, &[Delivery::Collect]),
            (Ready, Expired, &[Delivery::Collect]),
            (Ready, Cancelled, &both),
            (Shipped, Delivered, &[Delivery::Ship]),
            (Collected, Returned, &both),
            (Delivered, Returned, &both),
        ];
        for from in OrderState::ALL {
            for to in OrderState::ALL {
                for delivery in both {
                    let expected = allowed
                        .iter()
                        .any(|(a, b, for_delivery)| (*a, *b) == (from, to) && for_delivery.contains(&delivery));
                    assert_eq!(from.can_become(to, delivery), expected, "{from} to {to}, {delivery:?}");
                }
            }
        }
    }

    #[test]
    fn a_state_has_one_code_in_the_api_and_in_the_database() {
        for state in OrderState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.code());
            assert_eq!(OrderState::from_code(state.code()), Some(state));
        }
        assert_eq!(OrderState::from_code("paid"), None);
        assert_eq!(OrderState::AwaitingPayment.to_string(), "awaiting payment");
    }

    #[test]
    fn only_what_has_not_left_the_shop_can_be_cancelled() {
        use OrderState::{AwaitingPayment, Confirmed, Ready};
        let cancellable = OrderState::ALL.into_iter().filter(|state| state.can_be_cancelled());
        assert_eq!(cancellable.collect::<Vec<_>>(), [Confirmed, AwaitingPayment, Ready]);
    }
}
