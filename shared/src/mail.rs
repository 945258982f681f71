//! Mails to buyers and to those who wait for a book: the message on the queue of mails, and the settings of the sender. What is read from the queue has
//! been parsed, so that no text can add a header or a recipient.

use std::env;

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};

use crate::domain::{Email, Subject};

/// Environment variable with the [`MailSettings`] as JSON; absent where the stage has no `[mail]`.
pub const MAIL: &str = "ANAQUEL_MAIL";

/// How mails are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailSettings {
    /// Address in `From`.
    pub sender: Email,
    /// Name in `From`.
    pub name: String,
    /// Address in `Reply-To`, which a person reads.
    pub reply_to: Email,
    /// SES's configuration set, which publishes bounces and complaints.
    pub configuration_set: String,
}

impl MailSettings {
    /// The settings in the environment.
    pub fn from_env() -> anyhow::Result<Self> {
        let text =
            env::var(MAIL).context("ANAQUEL_MAIL is not set: the stage has no [mail], or was not deployed since")?;
        serde_json::from_str(&text).context(MAIL)
    }

    /// The value of `ANAQUEL_MAIL`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("settings are JSON")
    }

    /// The value of `From`: an encoded name (RFC 2047), so that it may have any letters, and the address.
    pub fn from(&self) -> String {
        format!("{} <{}>", encoded_words(&self.name), self.sender.to_ascii())
    }
}

/// A mail on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum MailMessage {
    #[serde(rename = "mail.v1")]
    V1(MailV1),
}

/// A mail in plain text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailV1 {
    /// Number of its row; SES returns it with a bounce or a complaint.
    pub id: u64,
    pub to: Email,
    pub subject: Subject,
    pub text: MailText,
    /// The address that ends these mails with one request (RFC 8058); none of a mail that nobody can do without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<UnsubscribeLink>,
}

/// An address of the shop as a header has it: printable ASCII without what ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct UnsubscribeLink(String);

impl UnsubscribeLink {
    /// SES accepts 995 characters with the signs around it.
    const MAX: usize = 900;

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for UnsubscribeLink {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_web = text.starts_with("https://") || text.starts_with("http://");
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"<>,".contains(&byte);
        if is_web && text.len() <= Self::MAX && text.bytes().all(is_plain) {
            return Ok(Self(text));
        }
        Err("unsubscribe: must be an address of a web page")
    }
}

impl MailMessage {
    /// Parses a message. The error is the reason for the dead-letter queue.
    pub fn parse(text: &str) -> Result<MailV1, String> {
        let Self::V1(mail) = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(mail)
    }
}

/// Lines of plain text, without control characters except line feeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct MailText(String);

impl MailText {
    /// Bytes. An order with 50 lines of long titles has some 20,000.
    pub const MAX: usize = 100_000;

    /// Refuses a text that is blank, longer than [`Self::MAX`] bytes, or has control characters other than line feeds.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_text = |c: char| c == '\n' || !c.is_control();
        if text.trim().is_empty() || text.len() > Self::MAX || !text.chars().all(is_text) {
            let (max, length) = (Self::MAX, text.len());
            return Err(format!("text: has {length} bytes; must be 1 to {max} bytes without control characters"));
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for MailText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

/// A text as encoded words of RFC 2047, each of at most 75 characters.
fn encoded_words(text: &str) -> String {
    /// Bytes of one word: `=?utf-8?B??=` has 12 characters, and four characters of base64 are three bytes.
    const BYTES: usize = 45;
    let mut words: Vec<String> = vec![String::new()];
    for c in text.chars().filter(|c| !c.is_control()) {
        match words.last_mut() {
            Some(word) if word.len() + c.len_utf8() <= BYTES => word.push(c),
            _ => words.push(c.into()),
        }
    }
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn mail() -> Value {
        json!({
            "kind": "mail.v1", "id": 7, "to": "ana@example.org",
            "subject": "Pedido AB12-CD34 confirmado", "text": "Gracias, Ana.\n\n1 × El Quijote\n",
        })
    }

    #[test]
    fn a_mail_is_read_as_it_was_written() {
        let read = MailMessage::parse(&mail().to_string()).unwrap();
        assert_eq!(serde_json::to_value(MailMessage::V1(read)).unwrap(), mail());
        let mut ending = mail();
        ending["unsubscribe"] = json!("https://shop.example/alerts/YQ.b");
        let read = MailMessage::parse(&ending.to_string()).unwrap();
        assert_eq!(serde_json::to_value(MailMessage::V1(read)).unwrap(), ending);
    }

    #[test]
    fn nothing_can_add_a_header_or_a_recipient() {
        for (field, value, reason) in [
            ("kind", json!("mail.v2"), "unknown variant `mail.v2`"),
            ("to", json!("ana@example.org, eva@example.org"), "email: must be an address"),
            ("to", json!("ana@example.org\r\nBcc: eva@example.org"), "email: must be an address"),
            ("to", json!("Ana <ana@example.org>"), "email: must be an address"),
            ("to", json!(["ana@example.org"]), "invalid type"),
            ("subject", json!(""), "subject: must not be blank"),
            ("subject", json!("x".repeat(201)), "subject: must have at most 200"),
            ("text", json!(" \n"), "text: has 2 bytes; must be 1 to 100000 bytes"),
            ("text", json!("a\rb"), "without control characters"),
            ("text", json!("a\u{0}b"), "without control characters"),
            ("text", json!("x".repeat(100_001)), "text: has 100001 bytes"),
            ("unsubscribe", json!("https://x.example>\r\nBcc: <eva@example.org"), "unsubscribe: must be an address"),
            ("unsubscribe", json!("https://x.example/a,b"), "unsubscribe: must be an address"),
            ("unsubscribe", json!("mailto:eva@example.org"), "unsubscribe: must be an address"),
            ("unsubscribe", json!(format!("https://x.example/{}", "x".repeat(900))), "unsubscribe: must be an address"),
        ] {
            let mut mail = mail();
            mail[field] = value.clone();
            let error = MailMessage::parse(&mail.to_string()).unwrap_err();
            assert!(error.contains(reason), "{field} {value}: {error}");
        }
        let mut folded = mail();
        folded["subject"] = json!("Hola\r\nBcc: eva@example.org");
        let subject = MailMessage::parse(&folded.to_string()).unwrap().subject;
        assert_eq!(subject.as_str(), "Hola Bcc: eva@example.org", "on one line");
    }

    #[test]
    fn the_name_of_a_sender_may_have_any_letters_and_adds_no_header() {
        let from = |name: &str| {
            let settings = json!({
                "sender": "pedidos@example.org", "name": name, "reply_to": "tienda@example.org", "configuration_set": "c",
            });
            serde_json::from_value::<MailSettings>(settings).unwrap().from()
        };
        assert_eq!(from("Anaquel"), "=?utf-8?B?QW5hcXVlbA==?= <pedidos@example.org>");
        for name in ["Librería \"Anaquel\", S. L. <x@y.example>", "a\r\nBcc: b@c.example", &"ñ€".repeat(60)] {
            let from = from(name);
            let (words, address) = from.rsplit_once(' ').unwrap();
            assert_eq!(address, "<pedidos@example.org>");
            let decoded = words.split(' ').flat_map(|word| {
                assert!(word.len() <= 75, "{word}");
                let encoded = word.strip_prefix("=?utf-8?B?").unwrap().strip_suffix("?=").unwrap();
                String::from_utf8(BASE64_STANDARD.decode(encoded).unwrap()).unwrap().chars().collect::<Vec<_>>()
            });
            assert_eq!(decoded.collect::<String>(), name.replace(char::is_control, ""));
        }
    }
}
