//! Times as programs read them.

use serde::{Serializer, ser::Error};
use time::{OffsetDateTime, UtcOffset, format_description::BorrowedFormatItem, macros::format_description};

const MILLISECONDS: &[BorrowedFormatItem] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// A time of RFC 3339 in UTC, always with three decimals, so that the order of the texts is the order of the times.
pub fn milliseconds<S: Serializer>(at: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    let text = at.to_offset(UtcOffset::UTC).format(MILLISECONDS).map_err(S::Error::custom)?;
    serializer.serialize_str(&text)
}

/// The same for a time that may be none.
pub fn optional_milliseconds<S: Serializer>(at: &Option<OffsetDateTime>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => milliseconds(at, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_time_always_has_three_decimals() {
        for (at, expected) in [
            (datetime!(2026-01-02 03:04:05 UTC), "2026-01-02T03:04:05.000Z"),
            (datetime!(2026-01-02 03:04:05.1 UTC), "2026-01-02T03:04:05.100Z"),
            (datetime!(2026-01-02 03:04:05.678_999 UTC), "2026-01-02T03:04:05.678Z"),
            (datetime!(2026-01-02 03:04:05.12 +02:30), "2026-01-02T00:34:05.120Z"),
        ] {
            assert_eq!(milliseconds(&at, serde_json::value::Serializer).unwrap(), json!(expected));
            assert_eq!(optional_milliseconds(&Some(at), serde_json::value::Serializer).unwrap(), json!(expected));
        }
        assert_eq!(optional_milliseconds(&None, serde_json::value::Serializer).unwrap(), json!(null));
    }
}
