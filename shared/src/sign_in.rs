//! Signing in at a user pool: its addresses, and an attempt between the shop's redirect and the browser's return.

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{domain::SubmissionKey, session::Pool};

/// The environment variable of functions that show pages, on a stage where people can sign in.
pub const SIGN_IN: &str = "ANAQUEL_SIGN_IN";

/// The addresses of a user pool, and the client that the shop is there. Issuer and addresses are separate settings,
/// because an emulator's tokens name AWS as their issuer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// `iss` of its tokens.
    pub issuer: String,
    /// The address below which its public keys are: `<keys>/.well-known/jwks.json`.
    pub keys: String,
    /// The address that the shop calls: `<tokens>/oauth2/token`.
    pub tokens: String,
    /// The address of its pages, which the browser opens: `<pages>/oauth2/authorize` and `<pages>/logout`.
    pub pages: String,
    /// Id of the app client.
    pub client: String,
}

impl Provider {
    pub fn parse(text: &str) -> Result<Self> {
        let provider: Self = serde_json::from_str(text).context("must be a JSON object with five texts")?;
        for (member, address) in [
            ("issuer", &provider.issuer),
            ("keys", &provider.keys),
            ("tokens", &provider.tokens),
            ("pages", &provider.pages),
        ] {
            let is_address = address.starts_with("https://") || address.starts_with("http://");
            ensure!(is_address && !address.ends_with('/'), "{member} must be an address without a slash at its end");
        }
        ensure!(!provider.client.is_empty(), "client must be the id of an app client");
        Ok(provider)
    }

    /// The id of the user pool, with which its issuer ends.
    pub fn pool_id(&self) -> Option<&str> {
        self.issuer.rsplit('/').next().filter(|id| !id.is_empty() && id.contains('_'))
    }
}

/// An attempt to sign in, which the browser keeps as a cookie, sealed. Only the browser that began it can end it, so that
/// nobody is signed in to somebody else's account by a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    sign_in_at: Pool,
    /// Comes back with the browser.
    pub state: Uuid,
    /// Comes back in the token.
    pub nonce: Uuid,
    /// Proves at the token endpoint that the shop began the attempt (PKCE, RFC 7636).
    pub verifier: String,
    /// The address of the shop to which the browser returns.
    pub return_to: String,
    /// Seconds since 1970.
    begun: i64,
}

impl Attempt {
    /// Enough for a new account with the code from a mail, or for a new password.
    pub const LIFETIME: Duration = Duration::minutes(30);

    pub fn begin(pool: Pool, return_to: &str, now: OffsetDateTime) -> Self {
        Self {
            sign_in_at: pool,
            state: Uuid::new_v4(),
            nonce: Uuid::new_v4(),
            verifier: BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()),
            return_to: return_to.to_owned(),
            begun: now.unix_timestamp(),
        }
    }

    /// When it began, in seconds since 1970.
    pub const fn begun(&self) -> i64 {
        self.begun
    }

    /// The hash of the verifier, which the browser carries to the pool.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// The attempt as a cookie that only the shop can have written.
    pub fn seal(&self, key: &SubmissionKey) -> String {
        key.seal(&serde_json::to_string(self).expect("an attempt is JSON"))
    }

    /// Reads the cookie; none if this key did not seal it, or it is of another pool, or too old.
    pub fn unseal(sealed: &str, key: &SubmissionKey, pool: Pool, now: OffsetDateTime) -> Option<Self> {
        let attempt: Self = serde_json::from_str(&key.unseal(sealed)?).ok()?;
        let age = now.unix_timestamp() - attempt.begun;
        (attempt.sign_in_at == pool && age <= Self::LIFETIME.whole_seconds()).then_some(attempt)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_parameter_with_a_wrong_address_is_refused_with_its_name() {
        let provider = Provider {
            issuer: "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a".to_owned(),
            keys: "http://127.0.0.1:4566/us-east-1_a".to_owned(),
            tokens: "http://127.0.0.1:4566".to_owned(),
            pages: "http://cognito.localhost:4566".to_owned(),
            client: "abc".to_owned(),
        };
        let text = serde_json::to_string(&provider).unwrap();
        assert_eq!(Provider::parse(&text).unwrap(), provider);
        for (member, value, expected) in [
            ("issuer", json!("us-east-1_a"), "issuer must be an address"),
            ("pages", json!("https://a.example/"), "pages must be an address"),
            ("client", json!(""), "client must be the id"),
            ("secret", json!("hush"), "must be a JSON object with five texts"),
        ] {
            let mut changed = serde_json::to_value(&provider).unwrap();
            changed[member] = value;
            let refused = Provider::parse(&changed.to_string()).unwrap_err().to_string();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }

    const NOW: OffsetDateTime = datetime!(2026-03-03 10:00 UTC);

    fn key(digit: &str) -> SubmissionKey {
        SubmissionKey::parse(&format!("{}A=", digit.repeat(42))).unwrap()
    }

    #[test]
    fn the_issuer_ends_with_the_id_of_the_pool() {
        for (issuer, id) in [
            ("https://cognito-idp.us-east-1.amazonaws.com/us-east-1_a1B2c3", Some("us-east-1_a1B2c3")),
            ("https://cognito-idp.us-east-1.amazonaws.com", None),
        ] {
            let text = json!({
                "issuer": issuer, "keys": issuer, "tokens": "https://t.example", "pages": "https://p.example", "client": "abc",
            });
            assert_eq!(Provider::parse(&text.to_string()).unwrap().pool_id(), id, "{issuer}");
        }
    }

    #[test]
    fn an_attempt_is_read_by_the_shop_that_began_it_at_the_same_pool_and_for_half_an_hour() {
        let attempt = Attempt::begin(Pool::Customers, "/books?q=c%2B%2B", NOW);
        let sealed = attempt.seal(&key("A"));
        let read = |sealed: &str, digit, pool, minutes| {
            Attempt::unseal(sealed, &key(digit), pool, NOW + Duration::minutes(minutes)).is_some()
        };
        for (sealed, digit, pool, minutes, is_read) in [
            (sealed.clone(), "A", Pool::Customers, 30, true),
            (sealed.clone(), "A", Pool::Customers, 31, false),
            (sealed.clone(), "A", Pool::Staff, 0, false),
            (sealed.clone(), "B", Pool::Customers, 0, false),
            (sealed[1..].to_owned(), "A", Pool::Customers, 0, false),
            (sealed[..sealed.len() - 2].to_owned(), "A", Pool::Customers, 0, false),
            (key("A").seal("{}"), "A", Pool::Customers, 0, false),
            (String::new(), "A", Pool::Customers, 0, false),
        ] {
            assert_eq!(read(&sealed, digit, pool, minutes), is_read, "{sealed} {pool:?} {minutes}");
        }
        assert_eq!(Attempt::unseal(&sealed, &key("A"), Pool::Customers, NOW), Some(attempt));
    }

    #[test]
    fn no_two_attempts_share_a_secret_and_the_challenge_is_that_of_pkce() {
        let [one, other] = [(); 2].map(|()| Attempt::begin(Pool::Customers, "/", NOW));
        assert!(one.state != other.state && one.nonce != other.nonce && one.verifier != other.verifier);
        assert_eq!(one.verifier.len(), 43);
        // The example of RFC 7636, appendix B.
        let known = Attempt { verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned(), ..one };
        assert_eq!(known.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
