//! Links in mails about alerts: to confirm an address, and to end an alert. They are signed, so that a function without the
//! database can refuse others, and each is for one request and one book.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::{BookId, SubmissionKey, uuid_of_shop};

/// The purpose of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Confirm,
    End,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::End => "end",
        }
    }
}

/// A link as its token has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertLink {
    pub purpose: Purpose,
    /// The submission that asked for the alert.
    pub request: Uuid,
    pub book: BookId,
    /// In whole seconds.
    pub expires_at: OffsetDateTime,
}

impl AlertLink {
    /// How long an address can be confirmed.
    pub const TO_CONFIRM: Duration = Duration::days(7);
    /// How long an alert can be ended: longer than there are alerts and their mails.
    const TO_END: Duration = Duration::days(800);
    /// Distinguishes the token from other texts that the key seals.
    const KIND: &str = "alert";

    /// A link of a request that is made now.
    pub fn new(purpose: Purpose, request: Uuid, book: BookId, now: OffsetDateTime) -> Self {
        let lasts = match purpose {
            Purpose::Confirm => Self::TO_CONFIRM,
            Purpose::End => Self::TO_END,
        };
        Self { purpose, request, book, expires_at: (now + lasts).replace_nanosecond(0).expect("0 is a nanosecond") }
    }

    /// The token for an address: ASCII without characters that an address encodes.
    pub fn token(&self, key: &SubmissionKey) -> String {
        let (purpose, expires) = (self.purpose.name(), self.expires_at.unix_timestamp());
        key.seal(&format!("{} {purpose} {} {} {expires}", Self::KIND, self.request, self.book))
    }

    /// Reads a token; none if this key did not make it. The caller compares the time.
    pub fn read(key: &SubmissionKey, token: &str) -> Option<Self> {
        let text = key.unseal(token)?;
        let parts: Vec<&str> = text.split(' ').collect();
        let [Self::KIND, purpose, request, book, expires] = parts[..] else { return None };
        let purpose = [Purpose::Confirm, Purpose::End].into_iter().find(|known| known.name() == purpose)?;
        let expires_at = OffsetDateTime::from_unix_timestamp(expires.parse().ok()?).ok()?;
        Some(Self { purpose, request: uuid_of_shop(request)?, book: BookId::parse(book)?, expires_at })
    }

    pub fn has_expired(&self, now: OffsetDateTime) -> bool {
        now >= self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-27 10:00:00.5 UTC);

    fn key(letter: &str) -> SubmissionKey {
        SubmissionKey::parse(&format!("{}=", letter.repeat(43))).unwrap()
    }

    fn link(purpose: Purpose, book: u32) -> AlertLink {
        AlertLink::new(purpose, key("A").random().uuid(), BookId::from(book), NOW)
    }

    #[test]
    fn a_link_is_read_as_it_was_made_and_expires() {
        for (purpose, days) in [(Purpose::Confirm, 7), (Purpose::End, 800)] {
            let link = link(purpose, 53);
            let token = link.token(&key("A"));
            assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{token}");
            assert!(token.len() <= 250, "{}", token.len());
            assert_eq!(AlertLink::read(&key("A"), &token), Some(link));
            let end = NOW + Duration::days(days);
            assert!(!link.has_expired(end - Duration::seconds(1)) && link.has_expired(end), "{days}");
        }
    }

    #[test]
    fn a_link_that_somebody_else_made_or_changed_is_none() {
        let (one, other) = (link(Purpose::Confirm, 53).token(&key("A")), link(Purpose::End, 54).token(&key("A")));
        let mixed = format!("{}.{}", one.split('.').next().unwrap(), other.split('.').nth(1).unwrap());
        let sealed = |text: &str| key("A").seal(text);
        for token in [
            link(Purpose::Confirm, 53).token(&key("E")),
            mixed,
            sealed("alert confirm"),
            sealed(&format!("quote confirm {} 53 1", Uuid::new_v4())),
            sealed(&format!("alert buy {} 53 1", Uuid::new_v4())),
            sealed(&format!("alert end {} 53 1 2", Uuid::new_v4())),
            String::new(),
            ".".to_owned(),
        ] {
            assert_eq!(AlertLink::read(&key("A"), &token), None, "{token}");
        }
    }
}
