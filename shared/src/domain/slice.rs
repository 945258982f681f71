//! A part of a list, and the keyset cursor of the next: the sort keys of its last row. Opaque to callers, and not a
//! secret.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Invalid, Parsed, Reason};
use crate::answer_size::MAX_WRITTEN;

/// One page of a list, and the cursor of the next; none on the last page.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Slice<T> {
    pub items: Vec<T>,
    /// The `cursor` of the next page.
    pub next: Option<String>,
}

impl<T> Slice<T> {
    pub fn empty() -> Self {
        Self { items: Vec::new(), next: None }
    }

    /// A slice of rows, of which the query has asked for one more than `limit`: if that exists, there is a next slice,
    /// which begins after the last row of this one.
    pub fn of<R>(mut rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> String) -> Self
    where
        T: From<R>,
    {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(cursor);
        Self { items: rows.into_iter().map(T::from).collect(), next }
    }

    /// The same for rows that visitors wrote: the slice ends before they take more than [`MAX_WRITTEN`] bytes, so that
    /// the response is not too large for a load balancer. It has at least one row.
    pub fn within_response<R>(
        mut rows: Vec<R>,
        limit: u32,
        bytes: impl Fn(&R) -> usize,
        cursor: impl Fn(&R) -> String,
    ) -> Self
    where
        T: From<R>,
    {
        let mut total = 0;
        let fitting = rows.iter().take_while(|row| {
            total += bytes(row);
            total <= MAX_WRITTEN
        });
        let fitting = u32::try_from(fitting.count().max(1)).unwrap_or(limit).min(limit);
        rows.truncate(fitting as usize + 1);
        Self::of(rows, fitting, cursor)
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
        Invalid::new("cursor", Reason::NotACursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_decodes_to_its_keys() {
        let cursor = Cursor::new("title", ("El túnel".to_owned(), 7_u32));
        assert_eq!(Cursor::decode(&cursor.encode(), "title").unwrap(), cursor);
    }

    #[test]
    fn a_slice_ends_before_it_is_too_large_and_the_next_begins_there() {
        let page = |rows: &[usize], limit| {
            let page = Slice::<usize>::within_response(rows.to_vec(), limit, |row| *row, ToString::to_string);
            (page.items, page.next)
        };
        let half = MAX_WRITTEN / 2;
        assert_eq!(page(&[1, 2, 3], 2), (vec![1, 2], Some("2".to_owned())));
        assert_eq!(page(&[1, 2], 2), (vec![1, 2], None));
        assert_eq!(page(&[half, half], 2), (vec![half, half], None));
        assert_eq!(page(&[half, half, 1], 3), (vec![half, half], Some(half.to_string())));
        assert_eq!(page(&[1, MAX_WRITTEN], 2), (vec![1], Some("1".to_owned())));
        let huge = MAX_WRITTEN + 1;
        assert_eq!(page(&[huge, 1], 2), (vec![huge], Some(huge.to_string())));
        assert_eq!(page(&[], 2), (vec![], None));
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
