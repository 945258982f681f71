//! Sessions of people who have signed in. `sign-in` signs one with the stage's private key, and every function verifies it
//! with the public key alone. The browser has it as a cookie, so nothing is stored.
//!
//! A session cannot be taken back by itself: functions with the database also compare `issued_at` with the time from which
//! the customer's sessions count.

use std::{collections::BTreeMap, fmt, str::FromStr};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::domain::Email;

/// A user pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    Customers,
    Staff,
}

impl Pool {
    pub const ALL: [Self; 2] = [Self::Customers, Self::Staff];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Customers => "customers",
            Self::Staff => "staff",
        }
    }

    /// How long a session is valid.
    pub const fn lifetime(self) -> Duration {
        match self {
            Self::Customers => Duration::hours(12),
            Self::Staff => Duration::hours(1),
        }
    }

    /// The page for people of this pool who have signed in. It also begins the paths of theirs.
    pub const fn home(self) -> &'static str {
        match self {
            Self::Customers => "/account",
            Self::Staff => "/staff",
        }
    }

    /// The path of the page to sign in.
    pub const fn sign_in(self) -> &'static str {
        match self {
            Self::Customers => "/sign-in",
            Self::Staff => "/staff/sign-in",
        }
    }

    /// The path at which the shop gets the codes of the pool, which redirects to no other.
    pub const fn sign_in_return(self) -> &'static str {
        match self {
            Self::Customers => "/sign-in/return",
            Self::Staff => "/staff/sign-in/return",
        }
    }

    /// The path to which the button of the page to sign out is sent. The staff's ends the session for good first.
    pub const fn sign_out_form(self) -> &'static str {
        match self {
            Self::Customers => "/sign-out",
            Self::Staff => "/staff/leave",
        }
    }

    /// The path of signing out, to which the pool redirects after it has ended its own session.
    pub const fn sign_out(self) -> &'static str {
        match self {
            Self::Customers => "/sign-out",
            Self::Staff => "/staff/sign-out",
        }
    }
}

/// The id of a person in a user pool, `sub` in Cognito's tokens: a UUID that is never given to somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Subject(Uuid);

impl Subject {
    /// As the database has it.
    pub const fn of_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// A UUID with hyphens. Cognito's have no variant of RFC 9562.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
        (!uuid.is_nil()).then_some(Self(uuid))
    }

    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Subject {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text).ok_or("a subject is a UUID with hyphens")
    }
}

impl TryFrom<String> for Subject {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// A session whose signature and times are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub subject: Subject,
    pub pool: Pool,
    /// In whole seconds, like the end.
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

impl Session {
    /// The session of a customer whose access token API Gateway has verified, from its claims. It begins with the sign-in, so that
    /// ending all sessions ends the tokens that were refreshed since, too.
    /// <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html>
    pub fn of_claims(claims: &BTreeMap<String, String>, now: OffsetDateTime) -> Option<Self> {
        let at = |name: &str| OffsetDateTime::from_unix_timestamp(claims.get(name)?.parse().ok()?).ok();
        let (issued_at, expires_at) = (at("auth_time")?, at("exp")?);
        let is_access = claims.get("token_use").is_some_and(|kind| kind == "access");
        let counts = is_access && issued_at <= now + CLOCK_SKEW && now < expires_at;
        let subject = Subject::parse(claims.get("sub")?)?;
        counts.then_some(Self { subject, pool: Pool::Customers, issued_at, expires_at })
    }
}

/// A session of somebody of the staff. The shop has signed it; it may be over, so that a person who comes back is led to the
/// sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaffSession {
    pub session: Session,
    /// For the record of what the staff does.
    pub email: Email,
    pub is_over: bool,
}

/// The signed part of a session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    stage: String,
    pool: Pool,
    subject: Subject,
    /// Seconds since 1970.
    issued: i64,
    expires: i64,
    /// Of the staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
}

impl Payload {
    /// The session, unless it was issued later than now or lasts longer than its pool allows. It may be over.
    fn session(&self, now: OffsetDateTime) -> Option<Session> {
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).ok();
        let (issued_at, expires_at) = (at(self.issued)?, at(self.expires)?);
        let is_possible = issued_at <= now + CLOCK_SKEW && expires_at - issued_at <= self.pool.lifetime();
        is_possible.then_some(Session { subject: self.subject, pool: self.pool, issued_at, expires_at })
    }
}

/// The only form of sessions so far. It also names the algorithm, so that no caller chooses one.
const VERSION: &str = "v1";
/// A session has some 330 characters, and of the staff up to 360 more for the address. A longer cookie is not read.
const MAX_LENGTH: usize = 800;
/// Difference between the clocks of two functions.
const CLOCK_SKEW: Duration = Duration::minutes(1);
/// Keys that verify at the same time: the one that signs, and the one before or after it.
pub const MAX_KEYS: usize = 2;

/// The key that signs sessions. Only `sign-in` and the command that makes it have it. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKey([u8; 32]);

impl PrivateKey {
    /// Reads 32 bytes in base64.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok()?;
        bytes.try_into().ok().map(Self)
    }

    pub fn public(&self) -> PublicKey {
        PublicKey(self.pair().public_key().as_ref().try_into().expect("a public key has 32 bytes"))
    }

    /// A session that begins now, as the value of a cookie.
    pub fn issue(&self, stage: &str, subject: Subject, pool: Pool, now: OffsetDateTime) -> String {
        self.issue_with(stage, subject, pool, None, now)
    }

    /// A session of the staff, which names the person for the record of what they do.
    pub fn issue_to_staff(&self, stage: &str, subject: Subject, email: Email, now: OffsetDateTime) -> String {
        self.issue_with(stage, subject, Pool::Staff, Some(email), now)
    }

    fn issue_with(
        &self,
        stage: &str,
        subject: Subject,
        pool: Pool,
        email: Option<Email>,
        now: OffsetDateTime,
    ) -> String {
        let issued = now.unix_timestamp();
        let expires = issued + pool.lifetime().whole_seconds();
        self.sign(&Payload { stage: stage.to_owned(), pool, subject, issued, expires, email })
    }

    fn sign(&self, payload: &Payload) -> String {
        let payload = serde_json::to_string(payload).expect("a payload is JSON");
        let id = self.public().id();
        let signed = format!("{VERSION}.{id}.{}", BASE64_URL_SAFE_NO_PAD.encode(payload));
        let signature = self.pair().sign(signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&self.0).expect("a seed has 32 bytes")
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}

/// A key that verifies sessions. It is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    fn parse(text: &str) -> Option<Self> {
        BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// The name of the key in a session. It follows from the key, so that no two keys have the same.
    pub fn id(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(&Sha256::digest(self.0)[..9])
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The keys whose sessions count: one, or two while one replaces the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeys(Vec<PublicKey>);

impl PublicKeys {
    pub fn new(first: PublicKey, second: Option<PublicKey>) -> Self {
        Self([first].into_iter().chain(second).collect())
    }

    /// Reads the parameter: one or two keys with a comma between them.
    pub fn parse(text: &str) -> Option<Self> {
        let keys: Option<Vec<PublicKey>> = text.split(',').map(|key| PublicKey::parse(key.trim())).collect();
        keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len())).map(Self)
    }

    pub fn keys(&self) -> &[PublicKey] {
        &self.0
    }

    /// Reads the value of a cookie. None for a session that nobody with one of these keys has signed, that is of another
    /// stage, or that is not valid now. The caller compares the pool.
    pub fn session(&self, stage: &str, cookie: &str, now: OffsetDateTime) -> Option<Session> {
        let session = self.payload(stage, cookie)?.session(now)?;
        (now < session.expires_at).then_some(session)
    }

    /// The same for a session of the staff, which has an address and may be over.
    pub fn staff_session(&self, stage: &str, cookie: &str, now: OffsetDateTime) -> Option<StaffSession> {
        let payload = self.payload(stage, cookie)?;
        let session = payload.session(now).filter(|session| session.pool == Pool::Staff)?;
        Some(StaffSession { is_over: session.expires_at <= now, session, email: payload.email? })
    }

    /// The content that one of these keys has signed for this stage.
    fn payload(&self, stage: &str, cookie: &str) -> Option<Payload> {
        if cookie.len() > MAX_LENGTH {
            return None;
        }
        let (signed, signature) = cookie.rsplit_once('.')?;
        let (id, payload) = signed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
        let key = self.0.iter().find(|key| key.id() == id)?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&ED25519, &key.0).verify(signed.as_bytes(), &signature).ok()?;
        let payload: Payload = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        (payload.stage == stage).then_some(payload)
    }
}

/// Whose session a cookie claims to be. Nothing is verified, so it only chooses what a page offers.
pub fn unverified_subject(cookie: &str) -> Option<Subject> {
    let payload = cookie.split('.').nth(2).filter(|_| cookie.len() <= MAX_LENGTH)?;
    let payload: Payload = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    Some(payload.subject)
}

impl fmt::Display for PublicKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&keys.join(","))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn an_access_token_is_a_session_of_a_customer_from_its_sign_in_to_its_end() {
        let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let subject = "4428d4c8-9071-7070-4f44-0c5a5a5a5a5a";
        let good = [("sub", subject), ("token_use", "access"), ("auth_time", "1799990000"), ("exp", "1800000060")];
        let session = |changes: &[(&str, &str)]| {
            let claims = good.iter().chain(changes).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Session::of_claims(&claims.collect(), now)
        };
        let found = session(&[]).unwrap();
        assert_eq!((found.subject.to_string().as_str(), found.pool), (subject, Pool::Customers));
        assert_eq!(found.issued_at.unix_timestamp(), 1_799_990_000);
        for (claim, value) in [
            ("token_use", "id"),
            ("sub", "nobody"),
            ("exp", "1800000000"),
            ("exp", "soon"),
            ("auth_time", "1800000061"),
            ("auth_time", ""),
        ] {
            assert_eq!(session(&[(claim, value)]), None, "{claim} {value}");
        }
    }

    const NOW: OffsetDateTime = datetime!(2026-03-03 10:00 UTC);
    const STAGE: &str = "dev";

    fn key(digit: u8) -> PrivateKey {
        PrivateKey([digit; 32])
    }

    fn ana() -> Subject {
        Subject::parse("44d8f4a8-50a1-70ab-2e0b-8e8f4c6a6a77").unwrap()
    }

    fn keys(one: &PrivateKey) -> PublicKeys {
        PublicKeys::new(one.public(), None)
    }

    fn payload(issued: OffsetDateTime, expires: OffsetDateTime) -> Payload {
        let (issued, expires) = (issued.unix_timestamp(), expires.unix_timestamp());
        Payload { stage: STAGE.to_owned(), pool: Pool::Customers, subject: ana(), issued, expires, email: None }
    }

    #[test]
    fn a_session_is_read_as_it_was_issued() {
        for (pool, hours) in [(Pool::Customers, 12), (Pool::Staff, 1)] {
            let cookie = key(1).issue(STAGE, ana(), pool, NOW + Duration::milliseconds(500));
            let session = Session { subject: ana(), pool, issued_at: NOW, expires_at: NOW + Duration::hours(hours) };
            assert_eq!(keys(&key(1)).session(STAGE, &cookie, NOW), Some(session));
            assert!(cookie.len() < 400, "{}", cookie.len());
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            assert!(cookie.bytes().all(is_plain), "{cookie}");
        }
    }

    #[test]
    fn a_session_counts_from_its_issue_until_its_end_and_on_its_stage_only() {
        let cookie = key(1).issue(STAGE, ana(), Pool::Customers, NOW);
        let keys = keys(&key(1));
        for (stage, now, counts) in [
            ("dev", NOW, true),
            ("dev", NOW + Duration::hours(12) - Duration::seconds(1), true),
            ("dev", NOW + Duration::hours(12), false),
            ("dev", NOW - CLOCK_SKEW, true),
            ("dev", NOW - CLOCK_SKEW - Duration::seconds(1), false),
            ("prod", NOW, false),
            ("de", NOW, false),
            ("", NOW, false),
        ] {
            assert_eq!(keys.session(stage, &cookie, now).is_some(), counts, "{stage} {now}");
        }
    }

    #[test]
    fn a_session_names_its_pool_and_lasts_no_longer_than_the_pool_allows() {
        let staff = key(1).issue(STAGE, ana(), Pool::Staff, NOW);
        assert_eq!(keys(&key(1)).session(STAGE, &staff, NOW).unwrap().pool, Pool::Staff);
        for (pool, hours, counts) in [
            (Pool::Customers, 12, true),
            (Pool::Customers, 13, false),
            (Pool::Staff, 1, true),
            (Pool::Staff, 12, false),
        ] {
            let cookie = key(1).sign(&Payload { pool, ..payload(NOW, NOW + Duration::hours(hours)) });
            assert_eq!(keys(&key(1)).session(STAGE, &cookie, NOW).is_some(), counts, "{pool:?} {hours}");
        }
    }

    #[test]
    fn a_session_of_the_staff_names_its_owner_and_is_known_after_its_end() {
        let email = Email::parse(&format!("{}@{}.example", "a".repeat(64), "b".repeat(63))).unwrap();
        let cookie = key(1).issue_to_staff(STAGE, ana(), email.clone(), NOW);
        let of_staff =
            |cookie: &str, stage, minutes| keys(&key(1)).staff_session(stage, cookie, NOW + Duration::minutes(minutes));
        for (minutes, is_over) in [(0, false), (59, false), (60, true), (11 * 60, true)] {
            let found = of_staff(&cookie, STAGE, minutes).unwrap();
            assert_eq!((found.session.subject, found.session.issued_at), (ana(), NOW), "{minutes}");
            assert_eq!((found.email, found.is_over), (email.clone(), is_over), "{minutes}");
            assert_eq!(keys(&key(1)).session(STAGE, &cookie, NOW + Duration::minutes(minutes)).is_some(), !is_over);
        }
        let longer = Payload { email: Some(email), pool: Pool::Staff, ..payload(NOW, NOW + Duration::hours(12)) };
        let anonymous = key(1).issue(STAGE, ana(), Pool::Staff, NOW);
        let customer = Payload { pool: Pool::Customers, ..payload(NOW, NOW + Duration::hours(1)) };
        for (cookie, stage, minutes) in [
            (&cookie, "prod", 0),
            (&cookie, STAGE, -2),
            (&key(1).sign(&longer), STAGE, 0),
            (&anonymous, STAGE, 0),
            (&key(1).sign(&customer), STAGE, 0),
            (&key(9).issue_to_staff(STAGE, ana(), Email::parse("ana@example.org").unwrap(), NOW), STAGE, 0),
        ] {
            assert_eq!(of_staff(cookie, stage, minutes), None, "{cookie} {stage} {minutes}");
        }
    }

    #[test]
    fn two_keys_count_while_one_replaces_the_other_and_no_third() {
        let both = PublicKeys::new(key(2).public(), Some(key(1).public()));
        for (signer, counts) in [(1, true), (2, true), (3, false)] {
            let cookie = key(signer).issue(STAGE, ana(), Pool::Customers, NOW);
            assert_eq!(both.session(STAGE, &cookie, NOW).is_some(), counts, "{signer}");
        }
        assert_eq!(PublicKeys::parse(&both.to_string()), Some(both));
    }

    #[test]
    fn a_session_that_somebody_else_made_or_changed_does_not_count() {
        let cookie = key(1).issue(STAGE, ana(), Pool::Customers, NOW);
        let [version, id, body, signature] = cookie.split('.').collect::<Vec<_>>()[..] else { panic!("{cookie}") };
        let of_stranger = key(9).issue(STAGE, ana(), Pool::Customers, NOW);
        let forged = of_stranger.rsplit('.').next().unwrap();
        let of_staff = BASE64_URL_SAFE_NO_PAD.encode(
            serde_json::to_string(&Payload { pool: Pool::Staff, ..payload(NOW, NOW + Duration::hours(1)) }).unwrap(),
        );
        let unsigned_header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for (name, text) in [
            ("another key, which the shop does not know", of_stranger.clone()),
            ("another key under the id of ours", format!("{version}.{id}.{body}.{forged}")),
            ("another payload", format!("{version}.{id}.{of_staff}.{signature}")),
            ("another id", format!("{version}.{}.{body}.{signature}", key(9).public().id())),
            ("an older version", format!("v0.{id}.{body}.{signature}")),
            ("a later version", format!("v2.{id}.{body}.{signature}")),
            ("no version", format!("{id}.{body}.{signature}")),
            ("a JWT without an algorithm", format!("{unsigned_header}.{body}.")),
            ("no signature", format!("{version}.{id}.{body}.")),
            ("no signature and no dot", format!("{version}.{id}.{body}")),
            ("a signature of zeros", format!("{version}.{id}.{body}.{}", BASE64_URL_SAFE_NO_PAD.encode([0; 64]))),
            ("a truncated signature", cookie[..cookie.len() - 2].to_owned()),
            ("a truncated payload", format!("{version}.{id}.{}.{signature}", &body[..body.len() - 4])),
            ("a padded signature", format!("{cookie}==")),
            ("a space in front", format!(" {cookie}")),
            ("one part more", format!("{cookie}.{signature}")),
            ("two sessions", format!("{cookie}.{cookie}")),
            ("an overlong one", format!("{version}.{id}.{}.{signature}", "A".repeat(100_000))),
            ("nothing", String::new()),
            ("dots", "...".to_owned()),
            ("not ASCII", format!("{version}.ñ.{body}.{signature}")),
        ] {
            assert_eq!(keys(&key(1)).session(STAGE, &text, NOW), None, "{name}");
        }
    }

    #[test]
    fn a_signed_text_that_is_no_session_does_not_count() {
        let pair = key(1).pair();
        let mut with_more = serde_json::to_value(payload(NOW, NOW + Duration::hours(1))).unwrap();
        with_more["role"] = "administrator".into();
        let mut without_pool = with_more.clone();
        for member in ["role", "pool"] {
            without_pool.as_object_mut().unwrap().remove(member);
        }
        let valid = serde_json::to_string(&payload(NOW, NOW + Duration::hours(1))).unwrap();
        for (version, text, counts) in [
            ("v1", &valid, true),
            ("v0", &valid, false),
            ("v2", &valid, false),
            ("", &valid, false),
            ("v1", &with_more.to_string(), false),
            ("v1", &without_pool.to_string(), false),
            ("v1", &"{}".to_owned(), false),
            ("v1", &String::new(), false),
        ] {
            let signed = format!("{version}.{}.{}", key(1).public().id(), BASE64_URL_SAFE_NO_PAD.encode(text));
            let signature = BASE64_URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
            let session = keys(&key(1)).session(STAGE, &format!("{signed}.{signature}"), NOW);
            assert_eq!(session.is_some(), counts, "{version} {text}");
        }
    }

    #[test]
    fn the_parameter_has_one_or_two_keys() {
        let [one, two] = [1, 2].map(|digit| key(digit).public().to_string());
        for (text, count) in [
            (one.clone(), Some(1)),
            (format!("{one},{two}"), Some(2)),
            (format!("{one}, {two}\n"), Some(2)),
            (format!("{one},{two},{one}"), None),
            (String::new(), None),
            (format!("{one},"), None),
            (one[1..].to_owned(), None),
            (format!("{one}="), None),
        ] {
            assert_eq!(PublicKeys::parse(&text).map(|keys| keys.keys().len()), count, "{text}");
        }
    }

    #[test]
    fn a_subject_is_a_uuid_as_cognito_writes_it() {
        for (text, is_subject) in [
            ("44d8f4a8-50a1-70ab-2e0b-8e8f4c6a6a77", true),
            ("c56a4180-65aa-42ec-a945-5fd21dec0538", true),
            ("00000000-0000-0000-0000-000000000000", false),
            ("c56a418065aa42eca9455fd21dec0538", false),
            ("{c56a4180-65aa-42ec-a945-5fd21dec0538}", false),
            ("ana@example.org", false),
            ("", false),
        ] {
            assert_eq!(Subject::parse(text).is_some(), is_subject, "{text}");
        }
    }

    #[test]
    fn the_private_key_is_not_printed() {
        let key = PrivateKey::parse(&BASE64_STANDARD.encode([7; 32])).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(…)");
        for text in ["", "AAAA", &BASE64_STANDARD.encode([7; 33])] {
            assert!(PrivateKey::parse(text).is_none(), "{text}");
        }
    }
}
