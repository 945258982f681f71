//! How an order reaches the buyer, and how it is paid.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{Invalid, Parsed, Reason};

macro_rules! codes {
    ($name:ident, $field:literal, { $($variant:ident => $code:literal),+ $(,)? }) => {
        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The code of the API, of forms and of the database.
            pub fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            pub fn parse(code: &str) -> Parsed<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code).ok_or_else(|| {
                    Invalid::new($field, Reason::NotOneOf(Self::ALL.iter().map(|value| value.code()).collect()))
                })
            }
        }
    };
}

/// How the books reach the buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// In the shop.
    Collect,
    /// By parcel, to an address.
    Ship,
}

codes!(Delivery, "delivery", { Collect => "collect", Ship => "ship" });

/// How the buyer pays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// In the shop, when the books are collected.
    OnCollection,
    /// To the carrier.
    OnDelivery,
    /// Before the books leave the shop.
    BankTransfer,
}

codes!(Payment, "payment", {
    OnCollection => "on_collection",
    OnDelivery => "on_delivery",
    BankTransfer => "bank_transfer",
});

impl Payment {
    /// Whether an order with this delivery can be paid so.
    pub fn is_possible_with(self, delivery: Delivery) -> bool {
        match self {
            Self::OnCollection => delivery == Delivery::Collect,
            Self::OnDelivery => delivery == Delivery::Ship,
            Self::BankTransfer => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payment_happens_where_the_books_change_hands_or_by_transfer() {
        use Delivery::{Collect, Ship};
        use Payment::{BankTransfer, OnCollection, OnDelivery};
        for (payment, delivery, is_possible) in [
            (OnCollection, Collect, true),
            (OnCollection, Ship, false),
            (OnDelivery, Collect, false),
            (OnDelivery, Ship, true),
            (BankTransfer, Collect, true),
            (BankTransfer, Ship, true),
        ] {
            assert_eq!(payment.is_possible_with(delivery), is_possible, "{payment:?} {delivery:?}");
        }
    }

    #[test]
    fn a_code_is_the_same_in_forms_and_in_json() {
        for delivery in Delivery::ALL {
            assert_eq!(Delivery::parse(delivery.code()).as_ref(), Ok(delivery));
            assert_eq!(serde_json::to_value(delivery).unwrap(), delivery.code());
        }
        for payment in Payment::ALL {
            assert_eq!(Payment::parse(payment.code()).as_ref(), Ok(payment));
            assert_eq!(serde_json::to_value(payment).unwrap(), payment.code());
        }
        let refused = Payment::parse("card").unwrap_err();
        assert_eq!(refused.to_string(), "payment: must be one of on_collection, on_delivery, bank_transfer");
    }
}
