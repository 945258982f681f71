//! The parameters of a query string, decoded exactly once: percent-encoding in UTF-8, `+` as space.

use std::{collections::BTreeMap, ops::RangeInclusive};

use percent_encoding::percent_decode_str;

use crate::invalid::{Invalid, Parsed, Reason};

#[derive(Debug, Clone, Default)]
pub struct Query(BTreeMap<&'static str, String>);

impl Query {
    pub const LIMITS: RangeInclusive<u32> = 1..=100;
    pub const USUAL_LIMIT: u32 = 24;

    /// Decodes the raw pairs. An unknown name, a repeated one and a value that is not UTF-8 are errors with the name. A
    /// blank value counts as absent, also one whose name is not known: a form sends one for an empty field, and a client may
    /// send every parameter that it knows.
    pub fn parse(raw: &[(String, String)], known: &'static [&'static str]) -> Parsed<Self> {
        Self::parse_with_lists(raw, known, &[])
    }

    /// The same, where the names in `lists` may be repeated: their values are joined by commas.
    pub fn parse_with_lists(raw: &[(String, String)], known: &'static [&'static str], lists: &[&str]) -> Parsed<Self> {
        let mut parameters: BTreeMap<&str, String> = BTreeMap::new();
        for (raw_name, raw_value) in raw {
            let name = decode(raw_name).ok_or_else(|| Invalid::other(raw_name, "is not UTF-8"))?;
            let value = decode(raw_value);
            if value.as_ref().is_some_and(|value| value.trim().is_empty()) {
                continue;
            }
            let Some(known_name) = known.iter().find(|known| **known == name) else {
                let reason = format!("is not a parameter here; known are {}", known.join(", "));
                return Err(Invalid::other(name.chars().take(100).collect::<String>(), reason));
            };
            let value = value.ok_or_else(|| Invalid::other(name, "is not UTF-8"))?;
            match parameters.get_mut(known_name) {
                None => _ = parameters.insert(known_name, value),
                Some(earlier) if lists.contains(known_name) => {
                    earlier.push(',');
                    earlier.push_str(&value);
                }
                Some(_) => return Err(Invalid::other(*known_name, "is given twice")),
            }
        }
        Ok(Self(parameters))
    }

    /// Decodes the raw pairs of a page's address, to which other sites add parameters of their own: passes over names that
    /// are not known, and of a repeated name the last value counts. A known one that is not UTF-8 is an error with the
    /// name.
    pub fn of_page(raw: &[(String, String)], known: &'static [&'static str]) -> Parsed<Self> {
        let mut parameters = BTreeMap::new();
        for (raw_name, raw_value) in raw {
            let name = decode(raw_name);
            let Some(name) = known.iter().find(|known| Some(**known) == name.as_deref()) else { continue };
            let value = decode(raw_value).ok_or_else(|| Invalid::other(*name, "is not UTF-8"))?;
            if !value.trim().is_empty() {
                parameters.insert(*name, value);
            }
        }
        Ok(Self(parameters))
    }

    /// The parameters that have a value, in the order of `names`.
    pub fn in_order_of(&self, names: &'static [&'static str]) -> Vec<(&str, &str)> {
        names.iter().filter_map(|name| Some((*name, self.get(name)?))).collect()
    }

    /// The names of all parameters that have a value.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Replaces a value that people type by what programs write. One that cannot be read stays, and is refused later.
    #[must_use]
    pub fn rewritten(mut self, name: &str, rewrite: impl FnOnce(&str) -> Option<String>) -> Self {
        if let Some(value) = self.0.get_mut(name)
            && let Some(rewritten) = rewrite(value)
        {
            *value = rewritten;
        }
        self
    }

    /// Leaves a parameter out; false if it was not given.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    /// The size of a slice: the parameter `limit`, or the default.
    pub fn limit(&self) -> Parsed<u32> {
        self.number("limit", Self::LIMITS, Self::USUAL_LIMIT)
    }

    /// A whole number within bounds, or the default where none is given.
    fn number(&self, name: &str, bounds: RangeInclusive<u32>, default: u32) -> Parsed<u32> {
        let Some(text) = self.get(name) else { return Ok(default) };
        text.parse()
            .ok()
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| Invalid::new(name, Reason::NotInRange { min: *bounds.start(), max: *bounds.end() }))
    }
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: &str, value: &str) -> Parsed<Query> {
        Query::parse(&[(name.into(), value.into())], &["q", "limit"])
    }

    #[test]
    fn a_value_is_decoded_once() {
        for (raw, value) in [
            ("C%2B%2B", "C++"),
            ("a+b%20c", "a b c"),
            ("%26%3D%25", "&=%"),
            ("%2525", "%25"),
            ("t%C3%BAnel", "túnel"),
            ("%F0%9F%98%80", "😀"),
            ("100%", "100%"),
        ] {
            assert_eq!(parse("q", raw).unwrap().get("q"), Some(value));
        }
    }

    #[test]
    fn what_is_not_utf_8_unknown_or_given_twice_is_named() {
        assert_eq!(parse("q", "%FF").unwrap_err(), Invalid::other("q", "is not UTF-8"));
        assert_eq!(parse("page", "2").unwrap_err().field, "page");
        let twice = [("q".into(), "a".into()), ("q".into(), "b".into())];
        assert_eq!(Query::parse(&twice, &["q"]).unwrap_err().reason.to_string(), "is given twice");
        assert_eq!(Query::parse_with_lists(&twice, &["q"], &["q"]).unwrap().get("q"), Some("a,b"));
    }

    #[test]
    fn a_page_passes_over_parameters_that_other_sites_add() {
        for (query, expected) in [
            ("q=a&utm_source=news&fbclid=IwAR1&gclid=%FF", &[("q", "a")][..]),
            ("q%5B%5D=b&q[]=c&page=2&limit=5&%FF=1&=x&q", &[]),
            ("sort=title&q=a", &[("q", "a"), ("sort", "title")]),
            ("q=a&q=b", &[("q", "b")]),
            ("q=a&q=", &[("q", "a")]),
            ("%71=a", &[("q", "a")]),
            ("Q=a", &[]),
            ("q=+%20&sort=", &[]),
        ] {
            let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            let raw: Vec<(String, String)> = pairs.map(|(name, value)| (name.into(), value.into())).collect();
            let names = &["q", "sort"];
            assert_eq!(Query::of_page(&raw, names).unwrap().in_order_of(names), expected, "{query}");
        }
        let raw = [("q".into(), "%FF".into())];
        assert_eq!(Query::of_page(&raw, &["q"]).unwrap_err(), Invalid::other("q", "is not UTF-8"));
    }

    #[test]
    fn a_blank_value_counts_as_not_given() {
        assert_eq!(parse("q", "+%20").unwrap().get("q"), None);
        for name in ["cursor", "page", "x"] {
            assert_eq!(parse(name, "").unwrap().names().count(), 0, "{name}");
            assert_eq!(parse(name, "%FF").unwrap_err().field, name);
        }
        assert_eq!(parse("limit", "").unwrap().number("limit", 1..=100, 24).unwrap(), 24);
    }

    #[test]
    fn a_value_is_rewritten_where_it_can_be_read_and_left_out_where_it_was_given() {
        let rewrite = |text: &str| (text == "19,95").then(|| "19.95".to_owned());
        assert_eq!(parse("q", "19,95").unwrap().rewritten("q", rewrite).get("q"), Some("19.95"));
        assert_eq!(parse("q", "x").unwrap().rewritten("q", rewrite).get("q"), Some("x"));
        assert_eq!(parse("q", "19,95").unwrap().rewritten("limit", rewrite).get("q"), Some("19,95"));
        let mut query = parse("q", "a").unwrap();
        assert!(!query.remove("limit") && query.remove("q") && !query.remove("q"));
        assert_eq!(query.get("q"), None);
    }

    #[test]
    fn a_number_keeps_within_its_bounds() {
        for bad in ["0", "101", "-1", "ten", "1.5", "99999999999"] {
            assert!(parse("limit", bad).unwrap().number("limit", 1..=100, 24).is_err(), "{bad}");
        }
        assert_eq!(parse("limit", "7").unwrap().number("limit", 1..=100, 24).unwrap(), 7);
    }
}
