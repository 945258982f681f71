//! Values of arguments; an error states the expected form, and clap adds the argument and the value.

use std::{ffi::OsStr, time::Duration};

use clap::{
    Arg, Command, Error,
    builder::{PossibleValue, TypedValueParser},
    error::ErrorKind,
};
use infra::{names, routes::FUNCTIONS, stage::STAGES};
use shared::domain::{BookId, Email, VisitorId};

/// An id or a version: `12`.
pub fn id(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|id| *id > 0).ok_or_else(|| "expected a whole number from 1, such as 12".to_owned())
}

/// The largest number of lines to print.
pub fn limit(text: &str) -> Result<u64, String> {
    let expected = || format!("expected a whole number from 1 to {LARGEST_COUNT}, such as 50");
    count(text).ok().filter(|limit| *limit > 0).ok_or_else(expected)
}

/// The number in a book's address.
pub fn book(text: &str) -> Result<BookId, String> {
    let id = text.parse::<u32>().ok().filter(|id| *id > 0);
    id.map(BookId::from).ok_or_else(|| "expected a book's id, the number in its address, such as 53".to_owned())
}

/// A port of this machine.
pub fn port(text: &str) -> Result<u16, String> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| "expected a port, a whole number from 1 to 65535".to_owned())
}

/// A visitor: the hash that the commands print, or the number in the cookie.
pub fn visitor(text: &str) -> Result<VisitorId, String> {
    VisitorId::parse(text).ok_or_else(|| {
        "expected a visitor's id as `messages` and `reviews` print it, such as 3d0a4fb2-6d33-5a52-9bb4-6a6d1c3c0c55"
            .to_owned()
    })
}

/// An e-mail address.
pub fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|_| "expected an e-mail address, such as ana@example.org".to_owned())
}

/// Larger counts lose digits in the estimate's floating point numbers.
const LARGEST_COUNT: u64 = 1_000_000_000_000_000;

/// A count in any usual form: `1000000`, `1_000_000`, `1,000,000`, `1e6`, `1.5e6`, `250k`, `1M`.
pub fn count(text: &str) -> Result<u64, String> {
    let expected =
        || format!("expected a whole number from 0 to {LARGEST_COUNT}, such as 1000000, 1_000_000, 1e6 or 1M");
    whole_number(&text.replace(['_', ','], "")).filter(|count| *count <= LARGEST_COUNT).ok_or_else(expected)
}

/// The value of digits with a decimal point, an exponent or a unit, if it is whole.
fn whole_number(text: &str) -> Option<u64> {
    let (number, exponent) = if let Some((number, exponent)) = text.split_once(['e', 'E']) {
        (number, exponent.parse().ok()?)
    } else if let Some(number) = text.strip_suffix(['k', 'K']) {
        (number, 3)
    } else {
        text.strip_suffix('M').map_or((text, 0), |number| (number, 6))
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = fraction.trim_end_matches('0');
    let zeros = u32::try_from(fraction.len()).ok().and_then(|decimals| u32::checked_sub(exponent, decimals))?;
    let digits = format!("{whole}{fraction}");
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(10_u64.checked_pow(zeros)?)
}

/// How far back: `90s`, `10m`, `2h`, `3d`.
pub fn age(text: &str) -> Result<Duration, String> {
    let seconds = |unit: &str| match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let age = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let number: u16 = number.parse().ok()?;
        Some(Duration::from_secs(u64::from(number) * seconds(unit)?))
    });
    age.ok_or_else(|| "expected a number with a unit: 90s, 10m, 2h or 3d".to_owned())
}

/// One of a list of names, which the completions offer; the error for another name has the nearest.
#[derive(Clone)]
pub struct OneOf {
    kind: &'static str,
    known: Vec<&'static str>,
}

pub fn function() -> OneOf {
    OneOf { kind: "function", known: FUNCTIONS.iter().map(|function| function.name).collect() }
}

pub fn stage() -> OneOf {
    OneOf { kind: "stage", known: STAGES.iter().map(|(name, _)| *name).collect() }
}

impl TypedValueParser for OneOf {
    type Value = String;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<String, Error> {
        let name = value.to_string_lossy();
        if self.known.contains(&name.as_ref()) {
            return Ok(name.into_owned());
        }
        let message = format!("{}\n", names::unknown(self.kind, &name, &self.known));
        Err(Error::raw(ErrorKind::InvalidValue, message).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.known.iter().map(|name| PossibleValue::new(*name))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_read_as_people_write_it() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1000000", Some(1_000_000)),
            ("1_000_000", Some(1_000_000)),
            ("1,000,000", Some(1_000_000)),
            ("1e6", Some(1_000_000)),
            ("1.5E6", Some(1_500_000)),
            ("250k", Some(250_000)),
            ("1.5M", Some(1_500_000)),
            ("1.000", Some(1)),
            ("1e15", Some(1_000_000_000_000_000)),
            ("", None),
            ("abc", None),
            ("-1", None),
            ("0.5", None),
            ("1e16", None),
            ("NaN", None),
            ("inf", None),
            ("1 million", None),
            ("1e-6", None),
            ("1.2345k", None),
            ("+1", None),
            ("1e99", None),
            ("1.2.3", None),
        ] {
            assert_eq!(count(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn an_age_needs_a_unit() {
        assert_eq!(age("90s").unwrap(), Duration::from_secs(90));
        assert_eq!(age("3d").unwrap(), Duration::from_hours(72));
        for wrong in ["", "10", "m", "ten m", "-1m", "10µ", "99999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
