//! Visitors: browsers that rated or wrote something, each by a random number that only its cookie has. The shop stores a
//! hash of the number, so that neither the database nor its backups nor the staff can act as a visitor.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::{Uuid, Variant};

use super::{Invalid, Parsed, Reason};

/// The name of the visitor among the fields of a submission.
const VISITOR: &str = "visitor";

/// A visitor as it is stored: the hash of its number, as a UUID of version 5. Versions before stored the number, which has
/// another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VisitorId(pub Uuid);

impl VisitorId {
    /// The stored form of a cookie's number. SHA-256 suffices without a key, because nobody can guess the number.
    pub fn of_number(number: Uuid) -> Self {
        let digest = Sha256::digest(number.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        Self(uuid::Builder::from_sha1_bytes(bytes).into_uuid())
    }

    /// Whether it is a hash, and not the number that earlier versions stored.
    pub fn is_hashed(self) -> bool {
        self.0.get_version_num() == 5
    }

    /// The stored form, if this is a number.
    #[must_use]
    pub fn stored(self) -> Self {
        if self.is_hashed() { self } else { Self::of_number(self.0) }
    }

    /// The visitor of the value of a cookie.
    pub fn of_cookie(value: &str) -> Option<Self> {
        number_of_cookie(value).map(Self::of_number)
    }

    /// Reads the stored form, a cookie's number, or the whole value of a cookie.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split('.').next()?;
        uuid_of_shop(number).map(|uuid| Self(uuid).stored())
    }
}

/// A UUID as the shop writes it: with hyphens, of RFC 9562, not nil.
pub fn uuid_of_shop(text: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    (uuid.get_variant() == Variant::RFC4122).then_some(uuid)
}

/// The number in the value of a visitor's cookie. The stored form is none, so that a person who reads it in the database
/// cannot act as the visitor.
pub fn number_of_cookie(value: &str) -> Option<Uuid> {
    let number = uuid_of_shop(value.split('.').next()?)?;
    (!VisitorId(number).is_hashed()).then_some(number)
}

/// The content of a visitor's cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorCookie {
    pub number: Uuid,
    /// Rounded down to a minute.
    pub issued_at: OffsetDateTime,
}

impl VisitorCookie {
    pub fn new(number: Uuid, now: OffsetDateTime) -> Self {
        let seconds = now.unix_timestamp();
        Self { number, issued_at: at_second(seconds - seconds.rem_euclid(60)).unwrap_or(now) }
    }

    pub fn visitor(&self) -> VisitorId {
        VisitorId::of_number(self.number)
    }

    /// Refuses a cookie that is younger than this number of minutes.
    pub fn check_age(&self, now: OffsetDateTime, minutes: u16) -> Parsed<()> {
        if now - self.issued_at >= Duration::minutes(minutes.into()) {
            return Ok(());
        }
        Err(Invalid::new(VISITOR, Reason::TooNew { minutes }))
    }
}

/// A moment in seconds since 1970.
pub(super) fn at_second(seconds: i64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_cookie_is_old_enough_after_the_minutes_of_the_stage() {
        let cookie = VisitorCookie::new(Uuid::from_u128(1), datetime!(2026-01-02 03:04 UTC));
        for (now, minutes, is_accepted) in [
            (datetime!(2026-01-02 03:04 UTC), 0, true),
            (datetime!(2026-01-02 03:04 UTC), 1, false),
            (datetime!(2026-01-02 03:13:59 UTC), 10, false),
            (datetime!(2026-01-02 03:14 UTC), 10, true),
        ] {
            let checked = cookie.check_age(now, minutes).map_err(|invalid| invalid.to_string());
            let refused =
                Err(format!("visitor: must be known for {minutes} minutes; send it again then, with the cookie"));
            assert_eq!(checked, if is_accepted { Ok(()) } else { refused });
        }
    }

    const NUMBER: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";

    #[test]
    fn a_visitor_is_stored_as_a_hash_whichever_form_names_it() {
        let stored = VisitorId::of_number(Uuid::parse_str(NUMBER).unwrap());
        assert_eq!(stored.0.to_string(), "04cba5c4-3a36-5587-8e6f-c7a99d258a96");
        for text in [NUMBER, &stored.0.to_string(), &format!("{NUMBER}.1767322800.AAAA")] {
            assert_eq!(VisitorId::parse(text), Some(stored), "{text}");
        }
    }

    #[test]
    fn a_cookie_names_a_visitor_by_its_number_and_not_by_the_stored_form() {
        let stored = VisitorId::of_number(Uuid::parse_str(NUMBER).unwrap());
        for (cookie, visitor) in [
            (NUMBER.to_owned(), Some(stored)),
            (format!("{NUMBER}.1767322800.AAAA"), Some(stored)),
            (stored.0.to_string(), None),
            (format!("{}.1767322800.AAAA", stored.0), None),
            ("me".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(VisitorId::of_cookie(&cookie), visitor, "{cookie}");
        }
    }

    #[test]
    fn only_ids_that_the_shop_could_have_made_name_a_visitor() {
        for text in [
            "",
            "1",
            "me",
            "00000000-0000-0000-0000-000000000000",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
            "urn:uuid:c56a4180-65aa-42ec-a945-5fd21dec0538",
            "{c56a4180-65aa-42ec-a945-5fd21dec0538}",
            "c56a418065aa42eca9455fd21dec0538",
            "c56a4180-65aa-42ec-a945-5fd21dec0538 ",
        ] {
            assert_eq!(VisitorId::parse(text), None, "{text}");
        }
    }
}
