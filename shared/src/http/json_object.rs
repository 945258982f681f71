//! A JSON object of a caller, read member by member, so that every message is about what was sent and never about how
//! it is read.

use std::{collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    error::{ApiError, Result},
    invalid::{Invalid, Parsed},
};

/// The members of an object, each once, with names that the caller may send. `null` counts as left out.
#[derive(Debug, Default)]
pub struct JsonObject(Vec<(String, Value)>);

impl JsonObject {
    /// Reads one object in UTF-8, with or without a byte order mark (RFC 8259, 8.1). What is no JSON cannot be read (400).
    /// JSON that is no object, unknown members and those that are there twice are values that are not acceptable (422), with
    /// their names.
    pub fn parse(body: &[u8], known: &[&str]) -> Result<Self> {
        let text = str::from_utf8(body).map_err(|_| Invalid::other("body", "is not UTF-8"))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim().is_empty() {
            return Err(Invalid::other("body", "must be a JSON object, and is empty").into());
        }
        let not_json =
            |_| Invalid::other("body", "is not valid JSON; check its quotes, commas, numbers and \\u escapes");
        let value: Value = serde_json::from_str(text).map_err(not_json)?;
        if !value.is_object() {
            let invalid = Invalid::other("body", format!("must be a JSON object, and is {}", type_of(&value)));
            return Err(ApiError::Unprocessable(vec![invalid]));
        }
        // Read once more, because `Value` has only the last of two members with the same name.
        let Members(members) = serde_json::from_str(text).map_err(not_json)?;
        let invalid = invalid_names(&members, known);
        if invalid.is_empty() { Ok(Self(members)) } else { Err(ApiError::Unprocessable(invalid)) }
    }

    /// Takes a member of any type.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let member = self.0.iter_mut().find(|(known, _)| known == name)?;
        Some(std::mem::take(&mut member.1)).filter(|value| !value.is_null())
    }

    /// The text of a member; a member of another type is not acceptable.
    pub fn text(name: &str, member: Option<&Value>) -> Parsed<Option<String>> {
        match member {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(Invalid::other(name, format!("must be a string, and is {}", type_of(other)))),
        }
    }
}

/// Names that are not known, and those that are there twice, each once.
fn invalid_names(members: &[(String, Value)], known: &[&str]) -> Vec<Invalid> {
    // A body has room for thousands of members.
    const MOST: usize = 20;
    let shown = |name: &str| name.chars().take(100).collect::<String>();
    let mut invalid: Vec<Invalid> = Vec::new();
    let mut earlier = BTreeSet::new();
    for (name, _) in members {
        let reason = if !known.contains(&name.as_str()) {
            format!("is not a member here; known are {}", known.join(", "))
        } else if !earlier.insert(name) {
            "is given twice".to_owned()
        } else {
            continue;
        };
        if invalid.iter().all(|known| known.field != shown(name)) {
            invalid.push(Invalid::other(shown(name), reason));
        }
        if invalid.len() == MOST {
            break;
        }
    }
    invalid
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

    const MEMBERS: [&str; 2] = ["stars", "name"];

    /// Status and message.
    fn refusal(body: &[u8]) -> Option<(u16, String)> {
        let text = JsonObject::parse(body, &MEMBERS).and_then(|mut object| {
            let name = JsonObject::text("name", object.take("name").as_ref());
            name.map_err(|invalid| ApiError::Unprocessable(vec![invalid]))
        });
        let error = text.err()?;
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
            (r#"{"name": 5}"#, 422, "name: must be a string, and is a number"),
            (r#"{"name": ["Ana"]}"#, 422, "name: must be a string, and is an array"),
            (r#"{"name": {}}"#, 422, "name: must be a string, and is an object"),
            (r#"{"name": false}"#, 422, "name: must be a string, and is a boolean"),
        ] {
            assert_eq!(refusal(body.as_bytes()), Some((status, message.to_owned())), "{body}");
        }
        assert_eq!(refusal(&[b"[".repeat(60_000), b"]".repeat(60_000)].concat()), Some((400, not_json.to_owned())));
        let many: Vec<String> = (0..5_000).map(|n| format!("\"x{n}\": 1")).collect();
        let refused = JsonObject::parse(format!("{{{}}}", many.join(",")).as_bytes(), &MEMBERS).unwrap_err();
        assert!(matches!(refused, ApiError::Unprocessable(all) if all.len() == 20));
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
            let mut object = JsonObject::parse(body.as_bytes(), &MEMBERS).unwrap();
            assert_eq!((object.take("stars"), object.take("name")), (None, Some("Ana".into())));
        }
    }
}
