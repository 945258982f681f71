//! Numbers, prices, years and dates as each language writes them.

use shared::domain::Money;
use time::Date;

use crate::Locale;

const NO_BREAK: char = '\u{a0}';

/// `12.345` in Spanish, which leaves four digits ungrouped, and `12,345` in English.
pub fn number(locale: Locale, number: u64) -> String {
    let digits = number.to_string();
    let (separator, shortest) = match locale {
        Locale::Es => ('.', 5),
        Locale::En => (',', 4),
    };
    if digits.len() < shortest {
        return digits;
    }
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// A mean of stars with one decimal: `4,3` or `4.3`.
pub fn mean(locale: Locale, stars: f64) -> String {
    format!("{stars:.1}").replace('.', decimal_mark(locale))
}

/// `19,95 €` or `€19.95`; a currency without a common sign has its code.
pub fn price(locale: Locale, money: &Money) -> String {
    let decimals = money.decimals();
    let unit = 10_u32.pow(u32::try_from(decimals).unwrap_or(2));
    let whole = number(locale, u64::from(money.minor / unit));
    let amount = match decimals {
        0 => whole,
        _ => format!("{whole}{}{:0decimals$}", decimal_mark(locale), money.minor % unit),
    };
    let sign = sign(&money.currency);
    match (locale, sign) {
        (Locale::Es, sign) => format!("{amount}{NO_BREAK}{}", sign.unwrap_or(&money.currency)),
        (Locale::En, Some(sign)) => format!("{sign}{amount}"),
        (Locale::En, None) => format!("{}{NO_BREAK}{amount}", money.currency),
    }
}

/// The amount with a point and no sign, for machines.
pub fn plain_price(money: &Money) -> String {
    let decimals = money.decimals();
    let digits = format!("{:0width$}", money.minor, width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// `24 de noviembre de 2026` or `24 November 2026`.
pub fn date(locale: Locale, date: Date) -> String {
    let month = u8::from(date.month());
    let year = date.year().to_string();
    locale.text_with("date", [("day", date.day().into()), ("month", month.into()), ("year", year.into())])
}

/// `1605`, or `750 a. C.` before our era.
pub fn year(locale: Locale, year: i16) -> String {
    if year > 0 {
        return year.to_string();
    }
    locale.text_with("year-before-our-era", [("year", year.unsigned_abs().to_string().into())])
}

fn decimal_mark(locale: Locale) -> &'static str {
    match locale {
        Locale::Es => ",",
        Locale::En => ".",
    }
}

fn sign(currency: &str) -> Option<&'static str> {
    match currency {
        "EUR" => Some("€"),
        "GBP" => Some("£"),
        "JPY" => Some("¥"),
        "USD" => Some("$"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn numbers_are_grouped_as_each_language_does() {
        let both = |n| (number(Locale::Es, n), number(Locale::En, n));
        assert_eq!(both(0), ("0".into(), "0".into()));
        assert_eq!(both(1_234), ("1234".into(), "1,234".into()));
        assert_eq!(both(1_234_567), ("1.234.567".into(), "1,234,567".into()));
        assert_eq!(mean(Locale::Es, 4.25), "4,2");
    }

    #[test]
    fn prices_have_the_digits_of_their_currency() {
        let money = |minor, currency: &str| Money { minor, currency: currency.into() };
        assert_eq!(price(Locale::Es, &money(1995, "EUR")), "19,95\u{a0}€");
        assert_eq!(price(Locale::En, &money(1995, "EUR")), "€19.95");
        assert_eq!(price(Locale::En, &money(5, "EUR")), "€0.05");
        assert_eq!(price(Locale::Es, &money(1500, "JPY")), "1500\u{a0}¥");
        assert_eq!(price(Locale::En, &money(1_234_567, "TND")), "TND\u{a0}1,234.567");
        assert_eq!(plain_price(&money(5, "EUR")), "0.05");
        assert_eq!(plain_price(&money(1500, "JPY")), "1500");
    }

    #[test]
    fn dates_and_years_are_written_out() {
        assert_eq!(date(Locale::Es, date!(2026 - 11 - 24)), "24 de noviembre de 2026");
        assert_eq!(date(Locale::En, date!(2026 - 11 - 24)), "24 November 2026");
        assert_eq!(year(Locale::Es, -750), "750 a.\u{a0}C.");
        assert_eq!(year(Locale::En, 1605), "1605");
    }
}
