//! Values of the arguments of `load`.

use bench::load::Mix;

use crate::arguments;

pub fn mix(text: &str) -> Result<Mix, String> {
    let names = || Mix::ALL.map(Mix::name).join(", ");
    Mix::ALL.into_iter().find(|mix| mix.name() == text).ok_or_else(|| format!("expected one of {}", names()))
}

/// As many books as the generated catalogue may have.
pub fn books(text: &str) -> Result<u32, String> {
    let books = arguments::count(text).ok().and_then(|books| u32::try_from(books).ok());
    let expected = || "expected a whole number of books from 1000 to 100000000, such as 1000000 or 1e6".to_owned();
    books.filter(|books| (1_000..=100_000_000).contains(books)).ok_or_else(expected)
}

pub fn rate(text: &str) -> Result<f64, String> {
    number(text, 0.1, 10_000.0, "requests per second")
}

pub fn growth(text: &str) -> Result<f64, String> {
    number(text, 1.05, 10.0, "a factor")
}

pub fn seconds(text: &str) -> Result<f64, String> {
    number(text, 2.0, 600.0, "seconds")
}

pub fn milliseconds(text: &str) -> Result<f64, String> {
    number(text, 1.0, 60_000.0, "milliseconds")
}

fn number(text: &str, least: f64, most: f64, unit: &str) -> Result<f64, String> {
    let parsed = text.parse().ok().filter(|number| (least..=most).contains(number));
    parsed.ok_or_else(|| format!("expected {unit}, a number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_outside_of_its_range_is_refused_with_the_range() {
        assert_eq!(rate("12.5"), Ok(12.5));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "ten", ""] {
            let expected = "expected requests per second, a number from 0.1 to 10000";
            assert_eq!(rate(wrong), Err(expected.to_owned()), "{wrong}");
        }
    }

    #[test]
    fn a_mix_is_one_of_the_known_ones() {
        assert_eq!(mix("mixed"), Ok(Mix::Mixed));
        assert_eq!(mix("all"), Err("expected one of browse, search, rate, order, mixed".to_owned()));
    }
}
