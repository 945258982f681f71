//! Ids of submissions, with a MAC: every function can verify one without a database.
//!
//! A `UUIDv8` of ten bytes of payload and six bytes of MAC. The payload is random, or derived from the parts that a
//! retry repeats, so that the retry gets the same id.

use std::fmt;

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit, Mac};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Sha256;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    OrderId, Rejection,
    visitor::{VisitorCookie, at_second, number_of_cookie, uuid_of_shop},
};

/// The id of a submission. Only the shop makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct SubmissionId(Uuid);

impl SubmissionId {
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for SubmissionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a processed submission was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubmissionKind {
    Rating,
    Message,
    /// A request for a mail when a book is back, or its end.
    Alert,
    /// By the link of a mail that asks whether such a request is meant.
    AlertConfirmation,
}

impl SubmissionKind {
    /// The kind of its name in the database; none for the name of a later version.
    pub fn from_stored(name: &str) -> Option<Self> {
        match name {
            "rating" => Some(Self::Rating),
            "contact" => Some(Self::Message),
            "alert" => Some(Self::Alert),
            "alert-confirmation" => Some(Self::AlertConfirmation),
            _ => None,
        }
    }
}

/// A submission that has an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Processed {
    /// None for a kind that only a later version knows.
    pub kind: Option<SubmissionKind>,
    pub outcome: Outcome,
}

/// The final status of a processed submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Published,
    Rejected(Rejection),
}

/// The stage's secret of 32 bytes. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct SubmissionKey([u8; 32]);

const PAYLOAD: usize = 10;
/// Of a UUID, in bytes.
const HALF: usize = 8;
/// The domain of the MAC in the id of a submission, and in that of an order.
const SUBMISSION: &[u8] = b"seal";
const ORDER: &[u8] = b"seal-order";

impl SubmissionKey {
    /// Reads 32 bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// A new random id.
    pub fn random(&self) -> SubmissionId {
        self.sign(&rand::random())
    }

    /// The id that is derived from these parts: visitor, content and `Idempotency-Key`.
    pub fn derive(&self, parts: &[&[u8]]) -> SubmissionId {
        let digest: [u8; 32] = self.mac_of(b"derive", parts).finalize().into_bytes().into();
        let mut payload = [0; PAYLOAD];
        payload.copy_from_slice(&digest[..PAYLOAD]);
        self.sign(&payload)
    }

    /// Parses an id; none if this key did not sign it.
    pub fn verify(&self, text: &str) -> Option<SubmissionId> {
        self.verified(text, SUBMISSION).map(SubmissionId)
    }

    fn verified(&self, text: &str, purpose: &[u8]) -> Option<Uuid> {
        let uuid = uuid_of_shop(text)?;
        let (payload, mac) = uuid.as_bytes().split_at(PAYLOAD);
        // Compared in constant time.
        self.signature(payload, purpose).verify_truncated_left(mac).ok()?;
        (uuid.get_version_num() == 8).then_some(uuid)
    }

    /// The id of the order that this sender places with this key: of a form, or of the header `Idempotency-Key`. Whatever
    /// else the sender repeats or changes, it is the same order.
    pub fn order_id(&self, sender: Uuid, key: &[u8]) -> OrderId {
        let mut mac = self.mac(b"derive-order");
        mac.update(sender.as_bytes());
        mac.update(key);
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let mut payload = [0; PAYLOAD];
        payload.copy_from_slice(&digest[..PAYLOAD]);
        OrderId::of_uuid(self.sealed(&payload, ORDER))
    }

    /// The order that this browser or program places with a key. A guest, who has no cookie, places the same one with the
    /// cookie that the first answer brings.
    pub fn order_of(&self, sender: Option<&VisitorCookie>, key: &[u8]) -> OrderId {
        match sender {
            Some(visitor) if !self.is_guest(visitor.number, key) => self.order_id(visitor.number, key),
            _ => self.order_id(Uuid::nil(), key),
        }
    }

    /// A key that is the same whenever these parts are, and that nobody else can compute.
    pub(crate) fn form_key(&self, parts: &[&[u8]]) -> Uuid {
        uuid_of(self.mac_of(b"form", parts))
    }

    /// The number of a guest, who orders without a cookie, with this key and content. The first half follows from the key, by
    /// which [`is_guest`](Self::is_guest) knows the guest again; the second also from the content, so that the sender of
    /// another order with the same key is somebody else.
    pub fn guest(&self, key: &[u8], content: &[u8]) -> Uuid {
        let of_key: [u8; 32] = self.mac_of(b"guest", &[key]).finalize().into_bytes().into();
        let of_content: [u8; 32] = self.mac_of(b"guest", &[key, content]).finalize().into_bytes().into();
        let mut bytes = [0; 16];
        bytes[..HALF].copy_from_slice(&of_key[..HALF]);
        bytes[HALF..].copy_from_slice(&of_content[HALF..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// Whether the number is that of a guest who ordered with this key, whatever the order was.
    pub fn is_guest(&self, number: Uuid, key: &[u8]) -> bool {
        self.guest(key, &[]).as_bytes()[..HALF] == number.as_bytes()[..HALF]
    }

    /// Of parts, none of which can take from its neighbours.
    fn mac_of(&self, purpose: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.mac(purpose);
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }

    /// Parses the id of an order; none if this key did not sign it. It authorises nothing.
    pub fn verify_order(&self, text: &str) -> Option<OrderId> {
        self.verified(text, ORDER).map(OrderId::of_uuid)
    }

    /// The visitor's number of a sender without a cookie: the same for every retry, and secret even if the submission's id
    /// is known.
    pub fn visitor_number_of(&self, id: SubmissionId) -> Uuid {
        let mut mac = self.mac(b"visitor");
        mac.update(id.0.as_bytes());
        uuid_of(mac)
    }

    /// The value of a cookie: the visitor's number, the time of issue, and a MAC of both, all with dots between them.
    pub fn write_cookie(&self, cookie: &VisitorCookie) -> String {
        let signed = format!("{}.{}", cookie.number, cookie.issued_at.unix_timestamp());
        let mac = self.cookie_mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(&mac[..16]))
    }

    /// Reads the value of a cookie. One without a time, as versions before wrote it, and one with a wrong MAC count as
    /// issued `now`: the number still names the visitor, and nobody can make it older.
    pub fn read_cookie(&self, value: &str, now: OffsetDateTime) -> Option<VisitorCookie> {
        let (_, rest) = value.split_once('.').unwrap_or((value, ""));
        let number = number_of_cookie(value)?;
        Some(
            self.issued_at(value, rest, now)
                .map_or_else(|| VisitorCookie::new(number, now), |issued_at| VisitorCookie { number, issued_at }),
        )
    }

    fn issued_at(&self, value: &str, rest: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (seconds, _) = rest.split_once('.')?;
        let (signed, mac) = value.rsplit_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok().filter(|mac| mac.len() == 16)?;
        self.cookie_mac(signed).verify_truncated_left(&mac).ok()?;
        at_second(seconds.parse().ok()?).filter(|issued_at| *issued_at <= now)
    }

    /// A text with a MAC behind it: base64, a dot, and base64.
    pub(crate) fn seal(&self, text: &str) -> String {
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(text);
        let mac = self.text_mac(&encoded).finalize().into_bytes();
        format!("{encoded}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac))
    }

    /// Reads a sealed text; none if this key did not seal it.
    pub(crate) fn unseal(&self, sealed: &str) -> Option<String> {
        let (encoded, mac) = sealed.split_once('.')?;
        let mac = BASE64_URL_SAFE_NO_PAD.decode(mac).ok()?;
        self.text_mac(encoded).verify_slice(&mac).ok()?;
        unverified_text(sealed)
    }

    fn text_mac(&self, encoded: &str) -> Hmac<Sha256> {
        let mut mac = self.mac(b"text");
        mac.update(encoded.as_bytes());
        mac
    }

    fn cookie_mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = self.mac(b"cookie");
        mac.update(signed.as_bytes());
        mac
    }

    fn sign(&self, payload: &[u8; PAYLOAD]) -> SubmissionId {
        SubmissionId(self.sealed(payload, SUBMISSION))
    }

    fn sealed(&self, payload: &[u8; PAYLOAD], purpose: &[u8]) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..PAYLOAD].copy_from_slice(payload);
        // Version and variant sit in the payload, so they go in before the MAC is taken.
        let mut bytes = *uuid::Builder::from_custom_bytes(bytes).as_uuid().as_bytes();
        let mac = self.signature(&bytes[..PAYLOAD], purpose).finalize().into_bytes();
        bytes[PAYLOAD..].copy_from_slice(&mac[..16 - PAYLOAD]);
        Uuid::from_bytes(bytes)
    }

    fn signature(&self, payload: &[u8], purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac(purpose);
        mac.update(payload);
        mac
    }

    /// One key with a domain for each purpose, so that a MAC of one is invalid in the others.
    fn mac(&self, purpose: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(purpose);
        mac.update(&[0]);
        mac
    }
}

/// The first sixteen bytes of a MAC as a UUID of version 8.
fn uuid_of(mac: Hmac<Sha256>) -> Uuid {
    let digest: [u8; 32] = mac.finalize().into_bytes().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The text of a sealed one, which anybody may have written.
pub(crate) fn unverified_text(sealed: &str) -> Option<String> {
    let (encoded, _) = sealed.split_once('.')?;
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

impl fmt::Debug for SubmissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubmissionKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NUMBER: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";
    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    #[test]
    fn a_cookie_has_its_age_and_nobody_can_make_it_older() {
        let number = Uuid::parse_str(NUMBER).unwrap();
        let cookie = VisitorCookie::new(number, NOW);
        assert_eq!(cookie.issued_at, datetime!(2026-01-02 03:04 UTC));
        let value = key(1).write_cookie(&cookie);
        let later = NOW + Duration::days(1);
        assert_eq!(key(1).read_cookie(&value, later), Some(cookie));

        let as_new = Some(VisitorCookie::new(number, later));
        let older = value.replace(".17", ".16");
        let of_another_key = key(2).write_cookie(&cookie);
        let of_the_future = key(1).write_cookie(&VisitorCookie::new(number, later + Duration::hours(1)));
        let shortened = &value[..value.len() - 1];
        for value in
            [NUMBER, &older, &of_another_key, &of_the_future, shortened, &format!("{NUMBER}.1"), &format!("{NUMBER}.")]
        {
            assert_eq!(key(1).read_cookie(value, later), as_new, "{value}");
        }
        for value in [
            "",
            ".",
            "1",
            "me.1.A",
            "00000000-0000-0000-0000-000000000000",
            "urn:uuid:c56a4180-65aa-42ec-a945-5fd21dec0538",
        ] {
            assert_eq!(key(1).read_cookie(value, later), None, "{value}");
        }
    }

    fn key(byte: u8) -> SubmissionKey {
        SubmissionKey([byte; 32])
    }

    #[test]
    fn an_id_of_ours_is_recognised_and_one_of_another_key_is_not() {
        let id = key(1).random();
        assert_eq!(key(1).verify(&id.to_string()), Some(id));
        assert_eq!(key(2).verify(&id.to_string()), None);
        assert_eq!(id.uuid().get_version_num(), 8);
    }

    #[test]
    fn a_changed_digit_anywhere_is_noticed() {
        let text = key(1).random().to_string();
        for (at, old) in text.char_indices().filter(|(_, c)| *c != '-') {
            let new = if old == '0' { '1' } else { '0' };
            let mut forged = text.clone();
            forged.replace_range(at..=at, &new.to_string());
            assert_eq!(key(1).verify(&forged), None, "{forged}");
        }
    }

    #[test]
    fn the_same_parts_give_the_same_id_and_others_another() {
        assert_eq!(key(1).derive(&[b"a", b"b"]), key(1).derive(&[b"a", b"b"]));
        assert_ne!(key(1).derive(&[b"a", b"b"]), key(1).derive(&[b"ab", b""]));
        assert_ne!(key(1).derive(&[b"a"]), key(2).derive(&[b"a"]));
    }

    #[test]
    fn an_order_has_one_id_by_its_sender_and_key() {
        let [ana, eva] = [1, 2].map(Uuid::from_u128);
        let id = key(1).order_id(ana, b"k");
        assert_eq!(id.uuid().get_version_num(), 8);
        for (other, is_same) in [
            (key(1).order_id(ana, b"k"), true),
            (key(1).order_id(eva, b"k"), false),
            (key(1).order_id(ana, b"l"), false),
            (key(1).order_id(ana, b""), false),
            (key(2).order_id(ana, b"k"), false),
        ] {
            assert_eq!(other == id, is_same, "{other}");
        }
    }

    #[test]
    fn the_id_of_an_order_is_verified_and_is_none_of_a_submission() {
        let id = key(1).order_id(Uuid::from_u128(1), b"k");
        let text = id.to_string();
        assert_eq!(key(1).verify_order(&text), Some(id));
        let submission = key(1).random().to_string();
        for (key, text) in [(key(2), text.as_str()), (key(1), submission.as_str()), (key(1), ""), (key(1), "1")] {
            assert_eq!(key.verify_order(text), None, "{text}");
        }
        assert_eq!(key(1).verify(&text), None);
        for (at, old) in text.char_indices().filter(|(_, c)| *c != '-') {
            let new = if old == '0' { '1' } else { '0' };
            let mut forged = text.clone();
            forged.replace_range(at..=at, &new.to_string());
            assert_eq!(key(1).verify_order(&forged), None, "{forged}");
        }
    }

    #[test]
    fn a_guest_is_known_again_by_the_key_of_the_order_alone() {
        let (first, other) = (key(1).guest(b"k", b"books"), key(1).guest(b"k", b"other books"));
        assert_ne!(first, other, "another order with the same key is somebody else's");
        for (number, order, is_guest) in [
            (first, &b"k"[..], true),
            (other, b"k", true),
            (first, b"l", false),
            (key(2).guest(b"k", b"books"), b"k", false),
            (Uuid::from_u128(1), b"k", false),
        ] {
            assert_eq!(key(1).is_guest(number, order), is_guest, "{number}");
            let cookie = VisitorCookie::new(number, NOW);
            let expected = if is_guest { key(1).order_of(None, order) } else { key(1).order_id(number, order) };
            assert_eq!(key(1).order_of(Some(&cookie), order), expected, "{number}");
        }
        assert_ne!(key(1).order_of(None, b"k"), key(1).order_of(None, b"l"));
    }

    #[test]
    fn numbers_that_follow_from_the_key_are_the_same_again_and_secret() {
        let id = key(1).random();
        assert_eq!(key(1).visitor_number_of(id), key(1).visitor_number_of(id));
        assert_ne!(key(1).visitor_number_of(id), key(2).visitor_number_of(id));
        assert_ne!(key(1).visitor_number_of(id), key(1).visitor_number_of(key(1).random()));
        assert_eq!(key(1).form_key(&[b"a", b"b"]), key(1).form_key(&[b"a", b"b"]));
        assert_ne!(key(1).form_key(&[b"a", b"b"]), key(1).form_key(&[b"ab", b""]));
        assert_ne!(key(1).form_key(&[b"a"]), key(2).form_key(&[b"a"]));
        assert_eq!(format!("{:?}", key(1)), "SubmissionKey(…)");
        let text = format!("{}=", "A".repeat(43));
        assert_eq!(SubmissionKey::parse(&format!(" {text}\n")), Some(key(0)));
        assert_eq!(SubmissionKey::parse(&text[1..]), None);
    }

    #[test]
    fn a_stored_kind_is_one_of_those_that_this_version_knows() {
        for (name, kind) in [
            ("rating", Some(SubmissionKind::Rating)),
            ("contact", Some(SubmissionKind::Message)),
            ("alert", Some(SubmissionKind::Alert)),
            ("alert-confirmation", Some(SubmissionKind::AlertConfirmation)),
            ("later", None),
            ("", None),
        ] {
            assert_eq!(SubmissionKind::from_stored(name), kind, "{name}");
        }
    }

    #[test]
    fn made_up_ids_are_not_ours() {
        for text in
            ["", "1", "not-a-uuid", "00000000-0000-0000-0000-000000000000", "c56a4180-65aa-42ec-a945-5fd21dec0538"]
        {
            assert_eq!(key(1).verify(text), None);
        }
    }
}
