//! Numbers, prices, years and dates as each language writes them.

use shared::domain::{Currency, Money, TimeZone};
use time::{Date, OffsetDateTime};

use crate::Locale;

const NO_BREAK: char = '\u{a0}';

/// `12.345` in Spanish, which leaves four digits ungrouped, and `12,345` in English.
pub fn number(locale: Locale, number: u64) -> String {
    match locale {
        Locale::Es if number < 10_000 => number.to_string(),
        Locale::Es => group(number, '.'),
        Locale::En => group(number, ','),
    }
}

fn group(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(separator);
        }
        grouped.push(digit);
    }
    grouped
}

/// The same, with four digits grouped as well, for columns.
pub fn column_number(locale: Locale, number: u64) -> String {
    group(number, if locale == Locale::Es { '.' } else { ',' })
}

/// A large number in short, for cards: `2,2 M` and `12 mil` in Spanish, `2.2M` and `12K` in English.
pub fn short_number(locale: Locale, count: u64) -> String {
    let (unit, of) = match count {
        0..10_000 => return number(locale, count),
        10_000..1_000_000 => (1_000, [" mil", "K"]),
        _ => (1_000_000, [" M", "M"]),
    };
    let tenths = count / (unit / 10);
    let fraction = match (unit, tenths % 10) {
        (1_000, _) | (_, 0) => String::new(),
        (_, tenth) => format!("{}{tenth}", decimal_mark(locale)),
    };
    let name = if locale == Locale::Es { of[0] } else { of[1] };
    format!("{}{fraction}{}", number(locale, tenths / 10), name.replace(' ', "\u{a0}"))
}

/// A mean of stars with one decimal: `4,3` or `4.3`.
pub fn mean(locale: Locale, stars: f64) -> String {
    format!("{stars:.1}").replace('.', decimal_mark(locale))
}

/// The size of a file in decimal units: `840 KB`, `1,2 MB` or `1.2 MB`.
pub fn bytes(locale: Locale, bytes: u64) -> String {
    if bytes < 1_000_000 {
        return format!("{}{NO_BREAK}KB", bytes.div_ceil(1_000));
    }
    let tenths = bytes.div_ceil(100_000);
    format!("{}{}{}{NO_BREAK}MB", tenths / 10, decimal_mark(locale), tenths % 10)
}

/// A number with a decimal point as the language writes it: `4,5` or `4.5`.
pub fn with_decimal_mark(locale: Locale, number: &str) -> String {
    number.replace('.', decimal_mark(locale))
}

/// A limit that somebody has chosen: like a price, but without decimals where they are zeros, and with or without its
/// currency.
pub fn amount(locale: Locale, money: &Money, with_currency: bool) -> String {
    let unit = 10_u32.pow(u32::try_from(money.decimals()).unwrap_or(2));
    let digits = if money.minor.is_multiple_of(unit) {
        number(locale, u64::from(money.minor / unit))
    } else {
        digits(locale, money)
    };
    if with_currency { with_sign(locale, &digits, &money.currency) } else { digits }
}

/// `19,95 €` or `€19.95`; a currency without a common sign has its code.
pub fn price(locale: Locale, money: &Money) -> String {
    with_sign(locale, &digits(locale, money), &money.currency)
}

fn digits(locale: Locale, money: &Money) -> String {
    let decimals = money.decimals();
    let unit = 10_u32.pow(u32::try_from(decimals).unwrap_or(2));
    let whole = number(locale, u64::from(money.minor / unit));
    match decimals {
        0 => whole,
        _ => format!("{whole}{}{:0decimals$}", decimal_mark(locale), money.minor % unit),
    }
}

fn with_sign(locale: Locale, amount: &str, currency: &str) -> String {
    match (locale, sign(currency)) {
        (Locale::Es, sign) => format!("{amount}{NO_BREAK}{}", sign.unwrap_or(currency)),
        (Locale::En, Some(sign)) => format!("{sign}{amount}"),
        (Locale::En, None) => format!("{currency}{NO_BREAK}{amount}"),
    }
}

/// The amount with a point and no sign, for machines.
pub fn plain_price(money: &Money) -> String {
    Currency::parse(&money.currency).unwrap_or(Currency::EUR).plain(money.minor)
}

/// `24 de noviembre de 2026` or `24 November 2026`.
pub fn date(locale: Locale, date: Date) -> String {
    let month = u8::from(date.month());
    let year = date.year().to_string();
    locale.text_with("date", [("day", date.day().into()), ("month", month.into()), ("year", year.into())])
}

/// The day of a time in the shop's time zone.
pub fn day(locale: Locale, at: OffsetDateTime, zone: &TimeZone) -> String {
    date(locale, zone.local(at).date())
}

/// A sentence or a phrase behind a colon, after which Spanish has a small letter.
pub fn behind_colon(locale: Locale, text: &str) -> String {
    let mut characters = text.chars();
    match (locale, characters.next()) {
        (Locale::Es, Some(first)) => first.to_lowercase().chain(characters).collect(),
        _ => text.to_owned(),
    }
}

/// Day and time in the shop's time zone, which is not named unless it is UTC: people take a time for the shop's own.
pub fn moment(locale: Locale, at: OffsetDateTime, zone: &TimeZone) -> String {
    let at = zone.local(at);
    let zone = if zone.is_utc() { format!("{NO_BREAK}UTC") } else { String::new() };
    format!("{}, {:02}:{:02}{zone}", date(locale, at.date()), at.hour(), at.minute())
}

/// The groups of four characters in which people read an account number.
pub fn iban_groups(iban: &str) -> Vec<String> {
    let characters: Vec<char> = iban.chars().filter(|c| !c.is_whitespace()).collect();
    characters.chunks(4).map(|group| group.iter().collect()).collect()
}

/// `1605`, or `750 a. C.` before our era.
pub fn year(locale: Locale, year: i16) -> String {
    if year > 0 {
        return year.to_string();
    }
    locale.text_with("year-before-our-era", [("year", year.unsigned_abs().to_string().into())])
}

/// Hundredths of a percent: `4 %`, `5,5 %` or `5.5%`.
pub fn percent(locale: Locale, hundredths: u16) -> String {
    let number = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    let number = with_decimal_mark(locale, number.trim_end_matches('0').trim_end_matches('.'));
    match locale {
        Locale::Es => format!("{number}{NO_BREAK}%"),
        Locale::En => format!("{number}%"),
    }
}

fn decimal_mark(locale: Locale) -> &'static str {
    match locale {
        Locale::Es => ",",
        Locale::En => ".",
    }
}

/// The sign of a currency that has a common one.
pub fn sign(currency: &str) -> Option<&'static str> {
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
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn numbers_are_grouped_as_each_language_does() {
        let both = |n| (number(Locale::Es, n), number(Locale::En, n));
        assert_eq!(both(0), ("0".into(), "0".into()));
        assert_eq!(both(1_234), ("1234".into(), "1,234".into()));
        assert_eq!(both(1_234_567), ("1.234.567".into(), "1,234,567".into()));
        assert_eq!(mean(Locale::Es, 4.25), "4,2");
        for (size, es, en) in [(1, "1 KB", "1 KB"), (839_001, "840 KB", "840 KB"), (1_150_000, "1,2 MB", "1.2 MB")] {
            let written = [Locale::Es, Locale::En].map(|locale| bytes(locale, size).replace(NO_BREAK, " "));
            assert_eq!(written, [es, en]);
        }
        assert_eq!(column_number(Locale::Es, 2_808), "2.808");
    }

    #[test]
    fn a_time_is_that_of_the_shops_clocks() {
        let evening = datetime!(2026-12-31 23:27 UTC);
        for (zone, es, en) in [
            ("Europe/Madrid", "1 de enero de 2027, 00:27", "1 January 2027, 00:27"),
            ("America/Mexico_City", "31 de diciembre de 2026, 17:27", "31 December 2026, 17:27"),
            ("UTC", "31 de diciembre de 2026, 23:27\u{a0}UTC", "31 December 2026, 23:27\u{a0}UTC"),
        ] {
            let zone = TimeZone::parse(zone).unwrap();
            let both = [Locale::Es, Locale::En].map(|locale| moment(locale, evening, &zone));
            assert_eq!(both, [es, en]);
        }
    }

    #[test]
    fn large_numbers_are_short_on_cards() {
        for (count, es, en) in [
            (9_999, "9999", "9,999"),
            (10_000, "10\u{a0}mil", "10K"),
            (12_999, "12\u{a0}mil", "12K"),
            (999_999, "999\u{a0}mil", "999K"),
            (1_000_000, "1\u{a0}M", "1M"),
            (2_196_809, "2,1\u{a0}M", "2.1M"),
            (4_294_967_295, "4294,9\u{a0}M", "4,294.9M"),
        ] {
            assert_eq!((short_number(Locale::Es, count), short_number(Locale::En, count)), (es.into(), en.into()));
        }
    }

    #[test]
    fn prices_have_the_digits_of_their_currency() {
        let money = |minor, currency: &str| Money { minor, currency: currency.into() };
        assert_eq!(price(Locale::Es, &money(1995, "EUR")), "19,95\u{a0}€");
        assert_eq!(price(Locale::En, &money(1995, "EUR")), "€19.95");
        assert_eq!(price(Locale::En, &money(5, "EUR")), "€0.05");
        assert_eq!(price(Locale::Es, &money(1500, "JPY")), "1500\u{a0}¥");
        assert_eq!(price(Locale::En, &money(1_234_567, "TND")), "TND\u{a0}1,234.567");
        for (minor, in_words, in_field) in [(950, "9,50\u{a0}€", "9,50"), (2_000, "20\u{a0}€", "20")] {
            assert_eq!(amount(Locale::Es, &money(minor, "EUR"), true), in_words);
            assert_eq!(amount(Locale::Es, &money(minor, "EUR"), false), in_field);
        }
        assert_eq!(plain_price(&money(5, "EUR")), "0.05");
        assert_eq!(plain_price(&money(1500, "JPY")), "1500");
    }

    #[test]
    fn an_account_number_is_read_in_groups_of_four() {
        for (iban, groups) in [
            ("ES9121000418450200051332", "ES91 2100 0418 4502 0005 1332"),
            ("ES91 2100 0418 4502 0005 1332", "ES91 2100 0418 4502 0005 1332"),
            ("NO9386011117947", "NO93 8601 1117 947"),
            ("", ""),
        ] {
            assert_eq!(iban_groups(iban).join(" "), groups);
        }
    }

    #[test]
    fn dates_and_years_are_written_out() {
        assert_eq!(date(Locale::Es, date!(2026 - 11 - 24)), "24 de noviembre de 2026");
        assert_eq!(date(Locale::En, date!(2026 - 11 - 24)), "24 November 2026");
        assert_eq!(year(Locale::Es, -750), "750 a.\u{a0}C.");
        assert_eq!(year(Locale::En, 1605), "1605");
    }
}
