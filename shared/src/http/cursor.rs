//! Where a page of a list begins: the sort keys of the last row before it. Opaque to callers, and no secret.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::domain::{Invalid, Parsed};

/// One page of a list, and the cursor of the next; none on the last page.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `cursor` of the next page.
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub fn empty() -> Self {
        Self { items: Vec::new(), next: None }
    }

    /// A page of rows of which one more was asked for than it holds: where that came, there is a next page, which begins
    /// after the last row of this one.
    pub fn of<R>(mut rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> String) -> Self
    where
        T: From<R>,
    {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { items: rows.into_iter().map(T::from).collect(), next }
    }
}

/// The keys of a row in one order. A cursor of another order or search is refused, not misread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor<K> {
    /// The list that it belongs to.
    #[serde(rename = "l")]
    list: String,
    #[serde(rename = "k")]
    pub keys: K,
}

impl<K: Serialize + DeserializeOwned> Cursor<K> {
    pub fn new(list: impl Into<String>, keys: K) -> Self {
        Self { list: list.into(), keys }
    }

    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub fn decode(text: &str, list: &str) -> Parsed<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| Self::refusal())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| Self::refusal())?;
        if cursor.list == list { Ok(cursor) } else { Err(Self::refusal()) }
    }

    /// For a cursor that was not made here, or not for this list.
    pub fn refusal() -> Invalid {
        Invalid::new("cursor", "must be a `next` of this same list; leave it out to begin anew")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_went() {
        let cursor = Cursor::new("title", ("El túnel".to_owned(), 7_u32));
        assert_eq!(Cursor::decode(&cursor.encode(), "title").unwrap(), cursor);
    }

    #[test]
    fn a_cursor_of_another_list_or_a_made_up_one_is_refused() {
        let cursor = Cursor::new("title", (1_u32, 7_u32)).encode();
        assert!(Cursor::<(u32, u32)>::decode(&cursor, "price").is_err());
        for text in ["", "x", "e30", "🙂", "bnVsbA"] {
            assert!(Cursor::<(u32, u32)>::decode(text, "title").is_err(), "{text}");
        }
    }
}
