//! Alerts: a mail when a book is back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{BookId, Email, Language, milliseconds, optional_milliseconds};

/// The purpose of a mail about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertEvent {
    /// It asks whether the address is right.
    Confirm,
    /// The book is back.
    Back,
}

impl AlertEvent {
    pub const ALL: [Self; 2] = [Self::Confirm, Self::Back];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Confirm => "alert-confirm",
            Self::Back => "alert-back",
        }
    }
}

/// A mail about an alert that was not handed over yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMail {
    pub id: u64,
    pub event: AlertEvent,
    pub to: Email,
    pub language: Language,
    pub book: BookId,
    pub title: String,
    pub byline: String,
    /// The shop's address when the alert was requested.
    pub origin: String,
    /// Of the link with which the address is confirmed.
    pub confirm: String,
    /// Of the link with which the alert is ended.
    pub end: String,
}

/// An alert as the customer who asked for it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnAlert {
    pub book: BookId,
    pub title: String,
    #[serde(serialize_with = "milliseconds")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub requested_at: OffsetDateTime,
    /// When the mail that the book is back was written.
    #[serde(serialize_with = "optional_milliseconds")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub notified_at: Option<OffsetDateTime>,
}

/// The token of a link: letters, digits, `-`, `_` and dots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct AlertToken(String);

impl AlertToken {
    const MAX: usize = 300;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AlertToken {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let is_short = (1..=Self::MAX).contains(&text.len());
        if is_short && text.bytes().all(is_token) {
            Ok(Self(text))
        } else {
            Err("a token has 1 to 300 letters and digits")
        }
    }
}

/// The shop's address at the beginning of a link: `https://shop.example`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ShopOrigin(String);

impl ShopOrigin {
    const MAX: usize = 300;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ShopOrigin {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
        let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:".contains(&b);
        let is_origin = !host.is_empty() && text.len() <= Self::MAX && host.bytes().all(is_host);
        if is_origin { Ok(Self(text)) } else { Err("an origin is a scheme and a host, such as https://shop.example") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_an_origin_and_a_token_and_no_other_text() {
        for (origin, is_one) in [
            ("https://shop.example", true),
            ("http://anaquel.alb.localhost:4566", true),
            ("https://shop.example/", false),
            ("https://", false),
            ("shop.example", false),
            ("https://shop.example\r\nBcc: x", false),
            ("https://a b", false),
        ] {
            let read = ShopOrigin::try_from(origin.to_owned());
            assert_eq!(read.as_ref().map(ShopOrigin::as_str).ok(), is_one.then_some(origin), "{origin}");
        }
        for (token, is_one) in
            [("YWxlcnQ.a-b_c", true), ("", false), ("a b", false), ("a/b", false), (&"x".repeat(301), false)]
        {
            let read = AlertToken::try_from(token.to_owned());
            assert_eq!(read.as_ref().map(AlertToken::as_str).ok(), is_one.then_some(token), "{token}");
        }
    }
}
