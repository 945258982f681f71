//! Numbers as people type them, made into what a program writes.

use shared::domain::Currency;

use crate::format;

/// An amount with a decimal point and without a sign, such as `1000` for `1.000 €` and `19.95` for `19,95`. None if it is
/// no amount. A point or comma with more digits behind it than the currency has decimals separates thousands.
pub fn amount(text: &str, currency: Currency) -> Option<String> {
    let text = without_currency(text.trim(), currency);
    let text = text.strip_suffix('-').unwrap_or(text).trim_end_matches(['.', ',']);
    let (whole, fraction) = match text.rsplit_once(['.', ',']) {
        Some((whole, fraction)) if (1..=currency.decimals()).contains(&fraction.len()) => (whole, fraction),
        _ => (text, ""),
    };
    let mark = text[whole.len()..].chars().next();
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) || mark.is_some_and(|mark| whole.contains(mark)) {
        return None;
    }
    let whole = ungrouped(whole)?;
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { &whole };
    Some(if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") })
}

/// A mean of stars with a decimal point.
pub fn stars(text: &str) -> Option<String> {
    Some(text.trim().replacen(',', ".", 1))
}

/// `true` or `false` for the usual words; programs write these two.
pub fn yes(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let is_yes = ["true", "1", "on", "yes", "y", "sí", "si"].contains(&text.as_str());
    let is_no = ["false", "0", "off", "no", "n"].contains(&text.as_str());
    (is_yes || is_no).then(|| is_yes.to_string())
}

fn without_currency(text: &str, currency: Currency) -> &str {
    let is_name = |part: &str| names(currency).contains(&part.to_lowercase());
    let digits = |c: char| c.is_ascii_digit() || ".,'’-".contains(c) || c.is_whitespace();
    let number = text.trim_start_matches(|c| !digits(c));
    let before = text[..text.len() - number.len()].trim();
    let rest = number.trim_end_matches(|c| !digits(c));
    let after = number[rest.len()..].trim();
    match (before, after) {
        ("", "") => rest.trim(),
        (name, "") | ("", name) if is_name(name) => rest.trim(),
        _ => text,
    }
}

/// What people write beside an amount, in lower case.
fn names(currency: Currency) -> Vec<String> {
    let words: &[&str] = if currency == Currency::EUR { &["euro", "euros"] } else { &[] };
    let code = currency.code().to_lowercase();
    let sign = format::sign(currency.code()).map(str::to_lowercase);
    words.iter().map(|word| (*word).to_owned()).chain([code]).chain(sign).collect()
}

/// The digits without the separators of thousands, which are all the same and stand before every third digit.
fn ungrouped(text: &str) -> Option<String> {
    let is_separator = |c: char| ".,'’".contains(c) || c.is_whitespace();
    let groups: Vec<&str> = text.split(is_separator).collect();
    let mut separators = text.chars().filter(|c| is_separator(*c));
    let first = separators.next();
    let is_uniform = separators.all(|other| Some(other) == first);
    let is_full =
        groups.len() == 1 || (1..=3).contains(&groups[0].len()) && groups[1..].iter().all(|group| group.len() == 3);
    let has_digits = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_digit()));
    (is_uniform && is_full && has_digits).then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (typed, read) in [
            ("20", "20"),
            ("20 €", "20"),
            ("20€", "20"),
            ("€20", "20"),
            ("€ 20", "20"),
            ("20\u{a0}€", "20"),
            ("20\u{202f}EUR", "20"),
            ("20 EUR", "20"),
            ("eur 20", "20"),
            ("20 euros", "20"),
            ("1 Euro", "1"),
            (" 19,95 ", "19.95"),
            ("19.95", "19.95"),
            ("19,9", "19.9"),
            ("19,95 €", "19.95"),
            ("€19.95", "19.95"),
            ("20,", "20"),
            ("20.", "20"),
            ("20,-", "20"),
            ("20,- €", "20"),
            (",5", "0.5"),
            (".50", "0.50"),
            ("1.000", "1000"),
            ("1,000", "1000"),
            ("1 000", "1000"),
            ("1\u{a0}000", "1000"),
            ("1\u{202f}000,50", "1000.50"),
            ("1'000.50", "1000.50"),
            ("1.234,56 €", "1234.56"),
            ("1,234.56", "1234.56"),
            ("1.234.567", "1234567"),
            ("1,234,567.8", "1234567.8"),
            ("12.345", "12345"),
        ] {
            assert_eq!(amount(typed, Currency::EUR).as_deref(), Some(read), "{typed:?}");
        }
    }

    #[test]
    fn what_is_no_amount_stays_as_it_was_typed() {
        for typed in [
            "",
            " ",
            "€",
            "mucho",
            "-1",
            "1e3",
            "20 $",
            "$20",
            "20 £",
            "1,9,5",
            "1.9.5",
            "1.00.000",
            "1234.567",
            "1.234,567",
            "1,234,56",
            "1 2",
            "20 € 30",
            "€ 20 €",
            "veinte euros",
            "20 por ciento",
            "1..000",
            ",",
            "0x10",
            "２0 x",
        ] {
            assert_eq!(amount(typed, Currency::EUR), None, "{typed:?}");
        }
    }

    #[test]
    fn yes_and_no_are_read_in_their_usual_words() {
        for (typed, read) in [
            ("1", Some("true")),
            (" On ", Some("true")),
            ("SÍ", Some("true")),
            ("true", Some("true")),
            ("0", Some("false")),
            ("no", Some("false")),
            ("", None),
            ("2", None),
            ("quizás", None),
        ] {
            assert_eq!(yes(typed).as_deref(), read, "{typed:?}");
        }
    }

    #[test]
    fn each_currency_has_its_own_sign_and_decimals() {
        for (code, typed, read) in [
            ("USD", "$19.95", Some("19.95")),
            ("USD", "19,95 usd", Some("19.95")),
            ("USD", "20 €", None),
            ("JPY", "1,500", Some("1500")),
            ("JPY", "1.500 JPY", Some("1500")),
            ("JPY", "15,00", None),
            ("KWD", "1.500", Some("1.500")),
            ("KWD", "1.500,25", Some("1500.25")),
        ] {
            assert_eq!(amount(typed, Currency::parse(code).unwrap()).as_deref(), read, "{code} {typed:?}");
        }
    }
}
