//! The books that a program asks for: a list, books by their numbers, or what changed since a time.

use std::{collections::HashSet, hash::Hash};

use shared::{
    Result,
    domain::{BookId, Currency, Invalid, Isbn13, Parsed},
    http::Query,
    repo::books::{self, ChangeKeys, Listing},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::listing;

pub const IDS: &str = "ids";
pub const ISBN: &str = "isbn";
const SINCE: &str = "updated_since";

/// The largest number of books by their numbers.
const MAX_NUMBERS: usize = 100;

/// The books that a program asks for.
pub enum Selection {
    List(Box<Listing>),
    Ids(Vec<BookId>),
    Isbns(Vec<Isbn13>),
    Changes(ChangeKeys, u32),
}

impl Selection {
    pub fn of(query: &Query, currency: Currency) -> Result<Self> {
        if let Some(ids) = query.get(IDS) {
            alone(query, IDS, &["limit"])?;
            query.limit()?;
            return Ok(Self::Ids(numbers(IDS, ids, id)?));
        }
        if let Some(isbns) = query.get(ISBN) {
            alone(query, ISBN, &["limit"])?;
            query.limit()?;
            return Ok(Self::Isbns(numbers(ISBN, isbns, isbn)?));
        }
        if let Some(since) = query.get(SINCE) {
            alone(query, SINCE, &["limit", "cursor"])?;
            let keys = books::changes_since(time(since)?, query.get("cursor"))?;
            return Ok(Self::Changes(keys, query.limit()?));
        }
        Ok(Self::List(Box::new(listing(query, currency)?)))
    }
}

/// Values that have the same effect as leaving the parameter out, as the API's document states them: generated clients send
/// them with each request.
const DEFAULTS: [(&str, &str); 2] = [("in_stock", "false"), ("facets", "false")];

/// Refuses other parameters beside this one.
fn alone(query: &Query, name: &str, allowed: &[&str]) -> Parsed<()> {
    let is_default =
        |other: &str| DEFAULTS.iter().any(|(known, value)| *known == other && query.get(other) == Some(*value));
    match query.names().find(|other| *other != name && !allowed.contains(other) && !is_default(other)) {
        Some(other) => Err(Invalid::other(name, format!("cannot be combined with {other}; leave one of them out"))),
        None => Ok(()),
    }
}

/// The numbers between commas, each once.
fn numbers<N: Clone + Eq + Hash>(name: &str, text: &str, parse: impl Fn(&str) -> Parsed<N>) -> Parsed<Vec<N>> {
    let mut seen = HashSet::new();
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let numbers = parts.map(parse).collect::<Parsed<Vec<N>>>()?;
    let numbers: Vec<N> = numbers.into_iter().filter(|number| seen.insert(number.clone())).collect();
    if numbers.len() > MAX_NUMBERS {
        let reason = format!("must have at most {MAX_NUMBERS} values, and has {}", numbers.len());
        return Err(Invalid::other(name.to_owned(), reason));
    }
    Ok(numbers)
}

fn id(text: &str) -> Parsed<BookId> {
    let id = BookId::parse(text).filter(|_| !text.contains('-'));
    id.ok_or_else(|| Invalid::other(IDS, format!("must be numbers of books, such as 53,54; {} is none", shown(text))))
}

fn isbn(text: &str) -> Parsed<Isbn13> {
    Isbn13::parse(text).map_err(|invalid| Invalid::other(ISBN, format!("{} {}", shown(text), invalid.reason)))
}

fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A time of RFC 3339. A `+` that was not encoded has become a blank.
fn time(text: &str) -> Parsed<OffsetDateTime> {
    OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339)
        .map_err(|_| Invalid::other(SINCE, "must be a time of RFC 3339 such as 2026-01-31T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use shared::{ApiError, Request};

    use super::*;

    fn selection(query: &str) -> Result<Selection, String> {
        let pairs: Vec<(String, Vec<String>)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), vec![value.to_owned()]))
            .collect();
        let event = shared::http::Event {
            multi_value_query_string_parameters: Some(pairs.into_iter().collect()),
            ..Default::default()
        };
        let request = Request::from_event(event, "id-1");
        let query = request.query_with_lists(crate::api::PARAMETERS, &[IDS, ISBN]).unwrap();
        Selection::of(&query, Currency::EUR).map_err(|error| match error {
            ApiError::BadRequest(invalid) => invalid.to_string(),
            other => other.to_string(),
        })
    }

    #[test]
    fn books_are_asked_for_by_numbers() {
        let Ok(Selection::Ids(ids)) = selection("ids=53,%207,,53") else { panic!("ids") };
        assert_eq!(ids, [53, 7].map(BookId::from));
        let Ok(Selection::Isbns(isbns)) = selection("isbn=978-84-204-6728-3,9788420467283") else { panic!("isbns") };
        assert_eq!(isbns.len(), 1);
        assert!(matches!(selection("updated_since=2026-01-31T08:00:00%2B01:00&limit=5"), Ok(Selection::Changes(_, 5))));
        assert!(matches!(selection("updated_since=2026-01-31T08:00:00+01:00"), Ok(Selection::Changes(_, 24))));
        assert!(matches!(selection("ids=&isbn=&q=quijote"), Ok(Selection::List(_))));
    }

    #[test]
    fn defaults_that_the_document_names_may_stand_beside_every_selection() {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../../docs/openapi.json")).expect("the API's document");
        let parameters = document["paths"]["/api/books"]["get"]["parameters"].as_array().unwrap();
        let default = |parameter: &serde_json::Value| {
            let name = parameter["name"].as_str()?.to_owned();
            Some(format!("{name}={}", parameter["schema"].get("default")?))
        };
        let defaults: Vec<String> = parameters.iter().filter_map(default).collect();
        assert!(defaults.contains(&"limit=24".to_owned()), "{defaults:?}");
        for selected in ["ids=53,54", "isbn=9788420467283", "updated_since=2026-01-31T08:00:00Z"] {
            for sent in defaults.iter().chain([&defaults.join("&"), &"limit=5&in_stock=false".to_owned()]) {
                let read = selection(&format!("{sent}&{selected}"));
                assert!(
                    matches!(read, Ok(ref all) if !matches!(all, Selection::List(_))),
                    "{sent}&{selected}: {:?}",
                    read.err()
                );
            }
        }
    }

    #[test]
    fn what_cannot_be_a_number_or_does_not_go_together_is_named() {
        let many: Vec<String> = (1..=101).map(|id| id.to_string()).collect();
        let many = format!("ids={}", many.join(","));
        for (query, expected) in [
            ("ids=x", "ids: must be numbers of books, such as 53,54; x is none"),
            ("ids=0", "ids: must be numbers of books, such as 53,54; 0 is none"),
            ("ids=1&isbn=9788420467283", "ids: cannot be combined with isbn; leave one of them out"),
            ("ids=4294967296", "ids: must be numbers of books, such as 53,54; 4294967296 is none"),
            ("ids=053", "ids: must be numbers of books, such as 53,54; 053 is none"),
            ("isbn=9788420467283&limit=0", "limit: must be a whole number from 1 to 100"),
            ("isbn=9788420467283&facets=true", "isbn: cannot be combined with facets; leave one of them out"),
            ("ids=1&in_stock=true", "ids: cannot be combined with in_stock; leave one of them out"),
            ("isbn=9788420467284", "isbn: 9788420467284 has a wrong check digit: one of its 13 digits is mistyped"),
            (
                "updated_since=2026-01-31T08:00:00Z&q=a",
                "updated_since: cannot be combined with q; leave one of them out",
            ),
            ("updated_since=yesterday", "updated_since: must be a time of RFC 3339 such as 2026-01-31T08:00:00Z"),
            (many.as_str(), "ids: must have at most 100 values, and has 101"),
        ] {
            assert_eq!(selection(query).err().as_deref(), Some(expected), "{query}");
        }
    }
}
