//! Prices: integer minor units and an ISO 4217 code, never a float.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Invalid, Parsed, Reason};

/// An amount that can be paid: `{"minor": 1995, "currency": "EUR"}` is 19.95 euro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Money {
    /// Cents, or whatever the currency's smallest unit is.
    pub minor: u32,
    /// Three letters of ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
}

impl Money {
    /// Reads a decimal amount with a point, such as `19.95`, in the given currency.
    pub fn parse(amount: &str, currency: &str) -> Parsed<Self> {
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(Invalid::new("currency", Reason::NotACurrency));
        }
        let minor =
            parse_minor(amount, decimals(currency)).ok_or_else(|| Invalid::new("price", Reason::NotAnAmount))?;
        Ok(Self { minor, currency: currency.to_owned() })
    }

    /// Digits after the point in this currency.
    pub fn decimals(&self) -> usize {
        decimals(&self.currency)
    }
}

fn parse_minor(amount: &str, decimals: usize) -> Option<u32> {
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > decimals || amount.ends_with('.') {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}

/// Digits after the point by ISO 4217, for currencies that do not have two.
fn decimals(currency: &str) -> usize {
    match currency {
        "CLP" | "ISK" | "JPY" | "KRW" | "PYG" | "UGX" | "VND" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_become_minor_units() {
        for (amount, currency, minor) in
            [("19.95", "EUR", 1995), ("7", "EUR", 700), ("0.5", "USD", 50), ("1500", "JPY", 1500)]
        {
            assert_eq!(Money::parse(amount, currency).unwrap().minor, minor);
        }
    }

    #[test]
    fn an_invalid_amount_is_refused() {
        for amount in ["", "-1", "1,50", "1.505", ".5", "5.", "1e3", "99999999999"] {
            assert!(Money::parse(amount, "EUR").is_err(), "{amount}");
        }
        assert!(Money::parse("1.5", "JPY").is_err());
        assert!(Money::parse("1", "euro").is_err());
    }
}
