//! A JSON object of a caller, read member by member, so that every message is about what was sent and never about how
//! it is read.

use std::{collections::BTreeSet, fmt, slice};

use serde::{
    Deserializer,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::{
    error::{ApiError, Result},
    invalid::{Invalid, Parsed},
};

/// The members of an object. `null` counts as left out.
#[derive(Debug, Default)]
pub struct JsonObject(Map<String, Value>);

impl JsonObject {
    /// Reads one object in UTF-8, with or without a byte order mark (RFC 8259, 8.1). What is no JSON cannot be read (400),
    /// and JSON that is no object is not acceptable (422). Also gives what is wrong with the names: members that are not
    /// `known`, and those that an object at any depth has twice; the caller adds what is wrong with the values.
    pub fn parse(body: &[u8], known: &[&str]) -> Result<(Self, Vec<Invalid>)> {
        let text = str::from_utf8(body).map_err(|_| Invalid::other("body", "is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(Invalid::other("body", "must be a JSON object, and is empty").into());
        }
        let not_json =
            |_| Invalid::other("body", "is not valid JSON; check its quotes, commas, numbers and \\u escapes");
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        // Read once more, because `Value` has only the last of two members with the same name.
        let mut names = Names { known, place: Vec::new(), invalid: Vec::new() };
        AtPlace(&mut names).deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(not_json)?;
        match value {
            Value::Object(members) => Ok((Self(members), names.invalid)),
            other => {
                let invalid = Invalid::other("body", format!("must be a JSON object, and is {}", type_of(&other)));
                Err(ApiError::Unprocessable(vec![invalid]))
            }
        }
    }

    /// An object inside of a body, by its place there. Notes the members that are not `known`.
    pub fn within(place: &str, members: Map<String, Value>, known: &[&str], invalid: &mut Vec<Invalid>) -> Self {
        let unknown = members.keys().filter(|name| !known.contains(&name.as_str()));
        let steps = |name: &String| place.split('.').chain([name.as_str()]).map(str::to_owned).collect::<Vec<_>>();
        invalid.extend(unknown.map(|name| not_a_member(&steps(name), known)));
        Self(members)
    }

    /// Takes a member of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    /// The text of a member; a member of another type is not acceptable.
    pub fn text(name: &str, member: Option<&Value>) -> Parsed<Option<String>> {
        match member {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(Invalid::other(name, format!("must be a string, and is {}", type_of(other)))),
        }
    }

    /// A whole number. JSON has one type of number: `4.0` is four.
    #[expect(clippy::cast_possible_truncation, reason = "what is out of range stays out of range")]
    pub fn whole(number: &Value) -> Option<i64> {
        let with_point = || number.as_f64().filter(|number| number.fract() == 0.0).map(|number| number as i64);
        number.as_i64().or_else(with_point)
    }

    /// A value in a message: a number or a boolean as it is, a text in quotes and shortened, and the type of others.
    pub fn shown(value: &Value) -> String {
        match value {
            Value::Bool(_) | Value::Number(_) => shown(&value.to_string()),
            Value::String(text) => Value::from(shown(text)).to_string(),
            other => type_of(other).to_owned(),
        }
    }
}

/// A text of a caller that a message repeats.
fn shown(text: &str) -> String {
    text.chars().take(Invalid::MAX_SHOWN).collect()
}

fn not_a_member(steps: &[String], known: &[&str]) -> Invalid {
    Invalid::member(steps, format!("is not a member here; known are {}", known.join(", ")))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// What is wrong with the names of members.
struct Names<'a> {
    /// The members that the outermost object may have.
    known: &'a [&'a str],
    /// Of the value that is read.
    place: Vec<Step>,
    invalid: Vec<Invalid>,
}

enum Step {
    Member(String),
    Item(usize),
}

impl Names<'_> {
    fn steps_to(&self, name: &str) -> Vec<String> {
        let steps = self.place.iter().map(|step| match step {
            Step::Member(name) => name.clone(),
            Step::Item(at) => at.to_string(),
        });
        steps.chain([name.to_owned()]).collect()
    }

    fn note(&mut self, invalid: Invalid) {
        // A body has room for thousands of members.
        if self.invalid.len() < ApiError::MOST_ERRORS
            && self.invalid.iter().all(|known| (&known.field, &known.steps) != (&invalid.field, &invalid.steps))
        {
            self.invalid.push(invalid);
        }
    }
}

/// Reads the names in the value at a place.
struct AtPlace<'n, 'a>(&'n mut Names<'a>);

impl<'de> DeserializeSeed<'de> for AtPlace<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for AtPlace<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self(names) = self;
        for at in 0.. {
            names.place.push(Step::Item(at));
            let item = items.next_element_seed(AtPlace(&mut *names))?;
            names.place.pop();
            if item.is_none() {
                break;
            }
        }
        Ok(())
    }

    // With serde_json's feature `arbitrary_precision`, which another crate may switch on, a number comes as an object, too.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Self(names) = self;
        let mut earlier = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.place.is_empty() && !names.known.contains(&name.as_str()) {
                names.note(not_a_member(slice::from_ref(&name), names.known));
            } else if earlier.contains(&name) {
                names.note(Invalid::member(&names.steps_to(&name), "is given twice"));
            }
            names.place.push(Step::Member(name.clone()));
            members.next_value_seed(AtPlace(&mut *names))?;
            names.place.pop();
            earlier.insert(name);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMBERS: [&str; 2] = ["stars", "name"];

    #[test]
    fn an_object_inside_a_body_names_what_it_must_not_have_by_its_place() {
        let Value::Object(members) = serde_json::json!({ "book": 7, "x": 1 }) else { unreachable!() };
        let mut invalid = Vec::new();
        let mut line = JsonObject::within("lines.0", members, &["book"], &mut invalid);
        assert_eq!(line.take("book"), Some(Value::from(7)));
        let found: Vec<String> = invalid.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["lines.0.x: is not a member here; known are book"]);
    }

    #[test]
    fn a_message_shows_a_value_shortened_and_what_is_no_value_by_its_type() {
        let long = "x".repeat(150);
        for (value, message) in [
            (Value::from(7), "7".to_owned()),
            (Value::from(true), "true".to_owned()),
            (Value::from("a\"b"), r#""a\"b""#.to_owned()),
            (Value::from(long.as_str()), format!("\"{}\"", &long[..100])),
            (serde_json::json!([1]), "an array".to_owned()),
            (serde_json::json!({}), "an object".to_owned()),
        ] {
            assert_eq!(JsonObject::shown(&value), message);
        }
    }

    /// Status and message.
    fn refusal(body: &[u8]) -> Option<(u16, String)> {
        let error = JsonObject::parse(body, &MEMBERS).map_or_else(Some, |(mut object, mut invalid)| {
            invalid.extend(JsonObject::text("name", object.take("name").as_ref()).err());
            (!invalid.is_empty()).then_some(ApiError::Unprocessable(invalid))
        })?;
        let message = match &error {
            ApiError::BadRequest(invalid) => invalid.to_string(),
            ApiError::Unprocessable(all) => all.iter().map(Invalid::to_string).collect::<Vec<_>>().join("; "),
            other => other.to_string(),
        };
        Some((error.status(), message))
    }

    #[test]
    fn a_body_that_is_no_object_of_known_members_is_refused_in_words_about_the_body() {
        let not_json = "body: is not valid JSON; check its quotes, commas, numbers and \\u escapes";
        for (body, status, message) in [
            ("[5,null,null]", 422, "body: must be a JSON object, and is an array"),
            ("5", 422, "body: must be a JSON object, and is a number"),
            ("null", 422, "body: must be a JSON object, and is null"),
            (r#""{}""#, 422, "body: must be a JSON object, and is a string"),
            ("true", 422, "body: must be a JSON object, and is a boolean"),
            ("", 400, "body: must be a JSON object, and is empty"),
            (" \r\n", 400, "body: must be a JSON object, and is empty"),
            ("\u{feff}", 400, "body: must be a JSON object, and is empty"),
            ("{", 400, not_json),
            ("{} {}", 400, not_json),
            ("{'stars': 5}", 400, not_json),
            (r#"{"stars": 5,}"#, 400, not_json),
            (r#"{"stars": NaN}"#, 400, not_json),
            (r#"{"name": "\ud83d"}"#, 400, not_json),
            (r#"{"name": "\ude00\ud83d"}"#, 400, not_json),
            (r#"{"\ud83d": 5}"#, 400, not_json),
            (r#"{"stars": 5, "stars": 1}"#, 422, "stars: is given twice"),
            (r#"{"stars": 5, "st\u0061rs": 1}"#, 422, "stars: is given twice"),
            (r#"{"rating": 5}"#, 422, "rating: is not a member here; known are stars, name"),
            (r#"{"Stars": 5}"#, 422, "Stars: is not a member here; known are stars, name"),
            (
                r#"{"a": 1, "stars": 5, "b": 2, "stars": 1, "a": 3}"#,
                422,
                "a: is not a member here; known are stars, name; b: is not a member here; known are stars, name; stars: is given twice",
            ),
            (
                r#"{"stars": {"a": 1, "b": [{}, {"c": 1, "c": 2}], "a": 1}}"#,
                422,
                "stars.b.1.c: is given twice; stars.a: is given twice",
            ),
            (r#"{"stars": [[{"a": {"b": 1, "\u0062": 1}}]]}"#, 422, "stars.0.0.a.b: is given twice"),
            (
                r#"{"rating": 5, "name": 5}"#,
                422,
                "rating: is not a member here; known are stars, name; name: must be a string, and is a number",
            ),
            (r#"[{"a": 1, "a": 2}]"#, 422, "body: must be a JSON object, and is an array"),
            (r#"{"name": 5}"#, 422, "name: must be a string, and is a number"),
            (r#"{"name": ["Ana"]}"#, 422, "name: must be a string, and is an array"),
            (r#"{"name": {}}"#, 422, "name: must be a string, and is an object"),
            (r#"{"name": false}"#, 422, "name: must be a string, and is a boolean"),
        ] {
            assert_eq!(refusal(body.as_bytes()), Some((status, message.to_owned())), "{body}");
        }
        assert_eq!(refusal(&[b"[".repeat(60_000), b"]".repeat(60_000)].concat()), Some((400, not_json.to_owned())));
        let many: Vec<String> = (0..5_000).map(|n| format!("\"x{n}\": 1")).collect();
        let (_, invalid) = JsonObject::parse(format!("{{{}}}", many.join(",")).as_bytes(), &MEMBERS).unwrap();
        assert_eq!(invalid.len(), 20);
    }

    #[test]
    fn the_errors_of_deep_and_long_names_fit_into_an_answer() {
        // As many as a request may have, of characters that are three times as long in a pointer.
        let name = "😀".repeat(110);
        let twice = (0..300).map(|n| format!("\"{n}\": 1, \"{n}\": 2")).collect::<Vec<_>>().join(", ");
        let body = format!("{}{{{twice}}}{}", format!("{{\"{name}\": ").repeat(120), "}".repeat(120));
        let (_, invalid) = JsonObject::parse(body.as_bytes(), &[&name]).unwrap();
        assert!(!invalid.is_empty());
        let problem = serde_json::to_string(&ApiError::Unprocessable(invalid).problem("id")).unwrap();
        assert!(problem.len() < 500_000, "{} bytes", problem.len());
    }

    #[test]
    fn a_body_in_another_encoding_is_refused() {
        let utf_16 = "{}".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
        for body in [
            b"{\"name\": \"Jos\xe9\"}".as_slice(),
            b"\xff\xfe{\0}\0",
            b"\x1f\x8b\x08\0",
            &[&[0xff, 0xfe], &utf_16[..]].concat(),
        ] {
            assert_eq!(refusal(body), Some((400, "body: is not UTF-8".to_owned())), "{body:?}");
        }
    }

    #[test]
    fn an_object_is_read_with_and_without_a_byte_order_mark() {
        for body in ["\u{feff}{\"name\": \"Ana\", \"stars\": null}", " {\"name\": \"\\u0041na\"}\n"] {
            let (mut object, invalid) = JsonObject::parse(body.as_bytes(), &MEMBERS).unwrap();
            assert!(invalid.is_empty());
            assert_eq!((object.take("stars"), object.take("name")), (None, Some("Ana".into())));
        }
    }
    #[test]
    fn the_values_of_a_body_are_those_that_it_has() {
        let body = r#"{"stars": {"a": [1, -1, 4.0, 1.5e3, 18446744073709551616, true, null, "\u00f1"]}}"#;
        let (mut object, invalid) = JsonObject::parse(body.as_bytes(), &MEMBERS).unwrap();
        let expected: Value = serde_json::from_str(body).unwrap();
        assert_eq!((object.take("stars").as_ref(), invalid), (Some(&expected["stars"]), Vec::new()));
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_point_or_an_exponent() {
        for (json, expected) in [
            ("138", Some(138)),
            ("138.0", Some(138)),
            ("1.38e2", Some(138)),
            ("-1", Some(-1)),
            ("-0", Some(0)),
            ("1e300", Some(i64::MAX)),
            ("1.5", None),
            ("\"138\"", None),
            ("null", None),
            ("[138]", None),
        ] {
            assert_eq!(JsonObject::whole(&serde_json::from_str(json).unwrap()), expected, "{json}");
        }
    }
}
