//! A JSON object of a caller, read member by member, so that every message is about what was sent and never about how
//! it is read.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::invalid::{Invalid, Parsed};

/// The members of an object, each once, with names that the caller may send. `null` counts as left out.
#[derive(Debug, Default)]
pub struct JsonObject(Vec<(String, Value)>);

impl JsonObject {
    /// Reads one object in UTF-8, with or without a byte order mark (RFC 8259, 8.1). An unknown member and one that is
    /// there twice are errors with their name.
    pub fn parse(body: &[u8], known: &[&str]) -> Parsed<Self> {
        let text = str::from_utf8(body).map_err(|_| Invalid::other("body", "is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(Invalid::other("body", "must be a JSON object, and is empty"));
        }
        let not_json =
            |_| Invalid::other("body", "is not valid JSON; check its quotes, commas, numbers and \\u escapes");
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        if !value.is_object() {
            return Err(Invalid::other("body", format!("must be a JSON object, and is {}", type_of(&value))));
        }
        // Read once more, because `Value` has only the last of two members with the same name.
        let Members(members) = serde_json::from_str(text).map_err(not_json)?;
        for (at, (name, _)) in members.iter().enumerate() {
            let shown = || name.chars().take(100).collect::<String>();
            if !known.contains(&name.as_str()) {
                return Err(Invalid::other(shown(), format!("is not a member here; known are {}", known.join(", "))));
            }
            if members[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(Invalid::other(shown(), "is given twice"));
            }
        }
        Ok(Self(members))
    }

    /// Takes a member of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let member = self.0.iter_mut().find(|(known, _)| known == name)?;
        Some(std::mem::take(&mut member.1)).filter(|value| !value.is_null())
    }

    /// Takes a member that is a string.
    pub fn take_text(&mut self, name: &str) -> Parsed<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(Invalid::other(name, format!("must be a string, and is {}", type_of(&other)))),
        }
    }
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

/// All members in their order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfObject;

        impl<'de> Visitor<'de> for OfObject {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(OfObject)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &[u8]) -> Option<String> {
        let text = JsonObject::parse(body, &["stars", "name"]).and_then(|mut object| object.take_text("name"));
        text.err().map(|invalid| invalid.to_string())
    }

    #[test]
    fn a_body_that_is_no_object_of_known_members_is_refused_in_words_about_the_body() {
        let not_json = "body: is not valid JSON; check its quotes, commas, numbers and \\u escapes";
        for (body, message) in [
            ("[5,null,null]", "body: must be a JSON object, and is an array"),
            ("5", "body: must be a JSON object, and is a number"),
            ("null", "body: must be a JSON object, and is null"),
            (r#""{}""#, "body: must be a JSON object, and is a string"),
            ("true", "body: must be a JSON object, and is a boolean"),
            ("", "body: must be a JSON object, and is empty"),
            (" \r\n", "body: must be a JSON object, and is empty"),
            ("\u{feff}", "body: must be a JSON object, and is empty"),
            ("{", not_json),
            ("{} {}", not_json),
            ("{'stars': 5}", not_json),
            (r#"{"stars": 5,}"#, not_json),
            (r#"{"stars": NaN}"#, not_json),
            (r#"{"name": "\ud83d"}"#, not_json),
            (r#"{"name": "\ude00\ud83d"}"#, not_json),
            (r#"{"\ud83d": 5}"#, not_json),
            (r#"{"stars": 5, "stars": 1}"#, "stars: is given twice"),
            (r#"{"stars": 5, "st\u0061rs": 1}"#, "stars: is given twice"),
            (r#"{"rating": 5}"#, "rating: is not a member here; known are stars, name"),
            (r#"{"Stars": 5}"#, "Stars: is not a member here; known are stars, name"),
            (r#"{"name": 5}"#, "name: must be a string, and is a number"),
            (r#"{"name": ["Ana"]}"#, "name: must be a string, and is an array"),
            (r#"{"name": {}}"#, "name: must be a string, and is an object"),
            (r#"{"name": false}"#, "name: must be a string, and is a boolean"),
        ] {
            assert_eq!(refusal(body.as_bytes()).as_deref(), Some(message), "{body}");
        }
        assert_eq!(refusal(&[b"[".repeat(60_000), b"]".repeat(60_000)].concat()).as_deref(), Some(not_json));
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
            assert_eq!(refusal(body).as_deref(), Some("body: is not UTF-8"), "{body:?}");
        }
    }

    #[test]
    fn an_object_is_read_with_and_without_a_byte_order_mark() {
        for body in ["\u{feff}{\"name\": \"Ana\", \"stars\": null}", " {\"name\": \"\\u0041na\"}\n"] {
            let mut object = JsonObject::parse(body.as_bytes(), &["stars", "name"]).unwrap();
            assert_eq!((object.take("stars"), object.take_text("name").unwrap().as_deref()), (None, Some("Ana")));
        }
    }
}
