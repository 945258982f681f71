//! Prices: integer minor units and an ISO 4217 code, never a float.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Invalid, Parsed, Reason};

/// An amount that can be paid: `{"minor": 1995, "currency": "EUR"}` is 19.95 euro.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "MoneyText")]
#[schemars(!try_from)]
pub struct Money {
    /// Cents, or whatever the currency's smallest unit is.
    #[schemars(range(max = u32::MAX))]
    pub minor: u32,
    /// Three letters of ISO 4217.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
}

impl Money {
    /// Reads a decimal amount with a point, such as `19.95`, in the given currency.
    pub fn parse(amount: &str, currency: &str) -> Parsed<Self> {
        Self::of_number(amount, Currency::parse(currency)?)
    }

    /// Reads an amount as people and spreadsheets write it: `19,95 €`, `EUR 1.234,50`, `1 234.5`, `9.950`. What can be read
    /// in two ways is refused: `1,500`, and `1.500` where a comma is the usual decimal mark.
    pub fn parse_written(amount: &str, currency: Currency, decimal_comma: bool) -> Parsed<Self> {
        let number = decimal_number(&without_unit(amount, currency.code), decimal_comma)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        // Spreadsheets add zeros.
        let needed = fraction.trim_end_matches('0').len().max(currency.decimals.min(fraction.len()));
        let point = if needed == 0 { "" } else { "." };
        Self::of_number(&format!("{whole}{point}{}", &fraction[..needed]), currency)
    }

    fn of_number(number: &str, currency: Currency) -> Parsed<Self> {
        let minor = parse_minor(number, currency.decimals).ok_or_else(|| Invalid::new("price", Reason::NotAnAmount))?;
        Ok(Self { minor, currency: currency.code.to_owned() })
    }

    /// An amount in a currency.
    pub fn new(minor: u32, currency: Currency) -> Self {
        Self { minor, currency: currency.code.to_owned() }
    }

    /// Digits after the point in this currency.
    pub fn decimals(&self) -> usize {
        Currency::parse(&self.currency).map_or(2, |currency| currency.decimals)
    }
}

/// `19.95 EUR`, for messages in English and for programs; pages format amounts by their language.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.decimals();
        let digits = format!("{:0>width$}", self.minor, width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let point = if decimals == 0 { "" } else { "." };
        write!(f, "{whole}{point}{fraction} {}", self.currency)
    }
}

/// An amount as a message has it, before its currency is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyText {
    minor: u32,
    currency: String,
}

impl TryFrom<MoneyText> for Money {
    type Error = Invalid;

    fn try_from(text: MoneyText) -> Parsed<Self> {
        let currency = Currency::parse(&text.currency)?;
        if currency.code != text.currency {
            return Err(Invalid::new("currency", Reason::NotACurrency));
        }
        Ok(Self { minor: text.minor, currency: text.currency })
    }
}

/// A currency that prices can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    code: &'static str,
    decimals: usize,
}

// ISO 4217, list one of 2024-06-25, with its amendments until January 2026 (XCG for ANG, ZWG for ZWL, no CUC, no BGN). Not
// here: fund codes, metals, units of account, the code for tests and the one for no currency, because nobody pays with them.

/// The currencies by their number of decimals.
const ISO_4217: [(usize, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE \
         CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR \
         KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB \
         PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY \
         TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

impl Currency {
    pub const EUR: Self = Self { code: "EUR", decimals: 2 };

    /// Reads a code of ISO 4217 in any case.
    pub fn parse(code: &str) -> Parsed<Self> {
        let wanted = code.trim().to_ascii_uppercase();
        let mut all = ISO_4217.iter().flat_map(|(decimals, codes)| codes.split(' ').map(move |code| (*decimals, code)));
        all.find(|(_, code)| *code == wanted)
            .map(|(decimals, code)| Self { code, decimals })
            .ok_or_else(|| Invalid::new("currency", Reason::NotACurrency))
    }

    /// Three capital letters.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// Digits after the point.
    pub fn decimals(self) -> usize {
        self.decimals
    }

    /// The amount with a point and without a sign, for machines: `19.95`.
    pub fn plain(self, minor: u32) -> String {
        let digits = format!("{minor:0width$}", width = self.decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.decimals);
        if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
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

/// The amount without the currency's code or sign before or behind it.
fn without_unit(amount: &str, code: &str) -> String {
    let amount = amount.to_uppercase();
    let sign = match code {
        "EUR" => "€",
        "GBP" => "£",
        "JPY" | "CNY" => "¥",
        "ARS" | "AUD" | "CAD" | "CLP" | "COP" | "MXN" | "NZD" | "USD" | "UYU" => "$",
        _ => code,
    };
    let units = [code, sign];
    let bare = units.iter().find_map(|unit| amount.strip_prefix(unit).or_else(|| amount.strip_suffix(unit)));
    bare.unwrap_or(&amount).trim().to_owned()
}

/// Digits with a point of a number with any marks: `1234.5` of `1.234,5`.
fn decimal_number(text: &str, decimal_comma: bool) -> Parsed<String> {
    let text: String = text.chars().map(|c| if c.is_whitespace() || "'’".contains(c) { ' ' } else { c }).collect();
    let invalid = || Invalid::new("price", Reason::NotAnAmount);
    let marks: Vec<char> = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let last = marks.last().copied().filter(|last| ".,".contains(*last));
    // A mark that comes twice parts groups of thousands.
    let decimal = last.filter(|last| marks.iter().filter(|mark| *mark == last).count() == 1);
    let (whole, fraction) = decimal.and_then(|mark| text.split_once(mark)).unwrap_or((&text, ""));
    let may_be_group = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    if marks.len() == 1 && may_be_group && (decimal == Some(',') || decimal_comma) {
        return Err(Invalid::other("price", "can be read in two ways; write it without groups of thousands"));
    }
    let mut groups = whole.split(|c| marks.first() == Some(&c) && Some(c) != decimal);
    let first = groups.next().unwrap_or_default();
    let groups: Vec<&str> = groups.collect();
    let is_grouped = groups.is_empty() || (1..=3).contains(&first.len()) && groups.iter().all(|group| group.len() == 3);
    let whole = first.to_owned() + &groups.concat();
    let is_number = [&whole, fraction].iter().all(|part| part.bytes().all(|b| b.is_ascii_digit()));
    if !is_grouped || !is_number || (decimal.is_some() && fraction.is_empty()) {
        return Err(invalid());
    }
    Ok(if fraction.is_empty() { whole } else { format!("{whole}.{fraction}") })
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
    fn an_amount_is_printed_with_the_decimals_of_its_currency() {
        for (minor, currency, text) in
            [(1_995, "EUR", "19.95 EUR"), (5, "EUR", "0.05 EUR"), (0, "EUR", "0.00 EUR"), (1_500, "JPY", "1500 JPY")]
        {
            assert_eq!(Money::new(minor, Currency::parse(currency).unwrap()).to_string(), text);
        }
        assert_eq!(Money { minor: 1_505, currency: "KWD".into() }.to_string(), "1.505 KWD");
    }

    #[test]
    fn an_amount_of_a_message_has_a_currency_that_exists() {
        for (json, is_read) in [
            (r#"{"minor":1995,"currency":"EUR"}"#, true),
            (r#"{"minor":1995,"currency":"eur"}"#, false),
            (r#"{"minor":1995,"currency":"XXX"}"#, false),
            (r#"{"minor":-1,"currency":"EUR"}"#, false),
            (r#"{"minor":19.95,"currency":"EUR"}"#, false),
            (r#"{"minor":1995}"#, false),
        ] {
            assert_eq!(serde_json::from_str::<Money>(json).is_ok(), is_read, "{json}");
        }
    }

    #[test]
    fn an_invalid_amount_is_refused() {
        for amount in ["", "-1", "+1", "+1.5", "1.+5", "1,50", "1.505", ".5", "5.", "1e3", "99999999999"] {
            assert!(Money::parse(amount, "EUR").is_err(), "{amount}");
        }
        assert!(Money::parse("1.5", "JPY").is_err());
        assert!(Money::parse("1", "euro").is_err());
    }

    #[test]
    fn the_decimals_of_a_currency_are_those_of_iso_4217() {
        for code in "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(' ') {
            assert_eq!(Money::parse("1500", code).unwrap().minor, 1_500, "{code}");
            assert!(Money::parse("1500.50", code).is_err(), "{code}");
        }
        for code in "BHD IQD JOD KWD LYD OMR TND".split(' ') {
            assert_eq!(Money::parse("1.505", code).unwrap().minor, 1_505, "{code}");
        }
        assert_eq!(Money::parse("1.5", "xcg").unwrap(), Money { minor: 150, currency: "XCG".into() });
        assert_eq!(ISO_4217.map(|(_, codes)| codes.split(' ').count()), [16, 132, 7]);
    }

    #[test]
    fn an_amount_for_machines_has_the_decimals_of_its_currency() {
        for (code, decimals, minor, plain) in [
            ("EUR", 2, 5, "0.05"),
            ("EUR", 2, 1_995, "19.95"),
            ("EUR", 2, 1_234_567, "12345.67"),
            ("JPY", 0, 1_500, "1500"),
            ("KWD", 3, 12_345_678, "12345.678"),
        ] {
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.decimals(), currency.plain(minor).as_str()), (decimals, plain));
        }
    }

    #[test]
    fn a_code_that_nobody_pays_with_is_no_currency() {
        for code in "EUT ABC XXX XTS XAU XDR UYI UYW CLF CHE USN HRK BGN ANG ZWL CUC € euro E EURO".split(' ') {
            assert!(Currency::parse(code).is_err(), "{code}");
        }
    }

    #[test]
    fn amounts_are_read_as_people_and_spreadsheets_write_them() {
        for (amount, currency, minor) in [
            ("19,95", "EUR", 1_995),
            ("9.950", "EUR", 995),
            ("1605.00", "JPY", 1_605),
            ("1605.0", "EUR", 160_500),
            ("9.5", "EUR", 950),
            ("€9.95", "EUR", 995),
            ("9,95 €", "EUR", 995),
            ("9,95\u{a0}€", "EUR", 995),
            ("eur 9.95", "EUR", 995),
            ("$12", "MXN", 1_200),
            ("£1", "GBP", 100),
            ("¥1500", "JPY", 1_500),
            ("9.5 ¥", "CNY", 950),
            ("1\u{a0}234 567,50", "EUR", 123_456_750),
            ("1.234,50", "EUR", 123_450),
            ("1,234.50", "EUR", 123_450),
            ("1 234,5", "EUR", 123_450),
            ("1’234.50", "CHF", 123_450),
            ("1.234.567", "EUR", 123_456_700),
            ("0,950", "EUR", 95),
            ("1.505", "KWD", 1_505),
        ] {
            let currency = Currency::parse(currency).unwrap();
            assert_eq!(Money::parse_written(amount, currency, false).map(|money| money.minor), Ok(minor), "{amount}");
        }
        let euro = Currency::parse("EUR").unwrap();
        assert_eq!(Money::parse_written("19,95", euro, true).unwrap().minor, 1_995);
        for amount in [
            "1,500", "$9.95", "9.95 USD", "-1", "1.505", "1,23,4", "12,34.5", "1e3", "9,95,", "1.2.3", "", "€", ".5",
            "5.",
        ] {
            assert!(Money::parse_written(amount, euro, false).is_err(), "{amount}");
        }
        assert!(Money::parse_written("1.500", euro, true).is_err());
    }
}
