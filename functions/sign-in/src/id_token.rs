//! The ID token of a user pool: a JSON Web Token, signed by RS256 and by no other algorithm.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html>

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::Error};
use shared::{
    domain::Email,
    session::Subject,
    sign_in::{Attempt, Provider},
};
use time::{Duration, OffsetDateTime};

use crate::keys::Key;

/// Difference between the clocks of the pool and of the shop.
const CLOCK_SKEW: Duration = Duration::minutes(2);

/// Who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub subject: Subject,
    pub email: Email,
}

/// Why a token does not count. It has no text of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unacceptable {
    /// It is none, or none of this attempt. The text is for the log.
    Wrong(&'static str),
    /// It is not valid now, so one of the two clocks is wrong.
    Clock,
    /// The person has entered the password before this attempt, and not for it.
    EarlierLogin,
    /// It was issued for another attempt. The browser can change the one in the address, so it is no fault of the shop.
    OtherAttempt,
    /// The person has not shown that the e-mail address is theirs.
    UnverifiedEmail,
    /// The user pool accepts addresses that the shop refuses, such as `"ana maria"@example.org`. The person cannot help it, and
    /// the shop neither.
    UnusableEmail,
}

/// A token whose signature nobody has verified.
pub struct Unverified<'a> {
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
    pub key_id: String,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    token_use: String,
    nonce: String,
    sub: String,
    /// Seconds since 1970, like `iat`.
    exp: i64,
    iat: i64,
    /// When the person has entered the password.
    auth_time: i64,
    email: String,
    #[serde(deserialize_with = "truth")]
    email_verified: bool,
}

/// `true`, which Cognito also writes as a text.
fn truth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::Bool(truth) => Ok(truth),
        serde_json::Value::String(text) => Ok(text == "true"),
        _ => Err(D::Error::custom("neither true nor false")),
    }
}

impl<'a> Unverified<'a> {
    /// Takes a token apart.
    pub fn parse(token: &'a str) -> Result<Self, Unacceptable> {
        let malformed = Unacceptable::Wrong("the ID token is not a JWT");
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed)?;
        let (header, payload) =
            signed.split_once('.').filter(|(_, payload)| !payload.contains('.')).ok_or(malformed)?;
        let header: Header = decoded(header).ok_or(malformed)?;
        if header.alg != "RS256" {
            return Err(Unacceptable::Wrong("the ID token is signed by another algorithm than RS256"));
        }
        Ok(Self { signed, payload, signature, key_id: header.kid })
    }

    /// The person, if the pool has signed the token with this key, for this client and this attempt, and it is valid now.
    pub fn verify(
        &self,
        key: &Key,
        provider: &Provider,
        attempt: &Attempt,
        now: OffsetDateTime,
    ) -> Result<Person, Unacceptable> {
        let signature = BASE64_URL_SAFE_NO_PAD.decode(self.signature).unwrap_or_default();
        if !key.verifies(self.signed.as_bytes(), &signature) {
            return Err(Unacceptable::Wrong("the signature of the ID token is wrong"));
        }
        let claims: Claims = decoded(self.payload).ok_or(Unacceptable::Wrong("the ID token lacks claims"))?;
        for (holds, fault) in [
            (claims.iss == provider.issuer, "the ID token has another issuer"),
            (claims.aud == provider.client, "the ID token is for another client"),
            (claims.token_use == "id", "the token is no ID token"),
        ] {
            if !holds {
                return Err(Unacceptable::Wrong(fault));
            }
        }
        let (now, skew) = (now.unix_timestamp(), CLOCK_SKEW.whole_seconds());
        if claims.exp <= now - skew || claims.iat > now + skew {
            return Err(Unacceptable::Clock);
        }
        if claims.nonce != attempt.nonce.to_string() {
            return Err(Unacceptable::OtherAttempt);
        }
        if claims.auth_time < attempt.begun() - skew {
            return Err(Unacceptable::EarlierLogin);
        }
        if !claims.email_verified {
            return Err(Unacceptable::UnverifiedEmail);
        }
        let subject =
            Subject::parse(&claims.sub).ok_or(Unacceptable::Wrong("the subject of the ID token is no UUID"))?;
        let email = Email::parse(&claims.email).map_err(|_| Unacceptable::UnusableEmail)?;
        Ok(Person { subject, email })
    }
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
pub mod tests {
    use base64::prelude::BASE64_STANDARD;
    use ring::{
        rand::SystemRandom,
        signature::{KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents},
    };
    use serde_json::{Value, json};
    use shared::session::Pool;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::keys::parse;

    const NOW: OffsetDateTime = datetime!(2026-03-03 10:00 UTC);
    const NONCE: Uuid = Uuid::from_u128(7);
    /// The attempt began before the form was filled in.
    const BEGUN: OffsetDateTime = datetime!(2026-03-03 09:50 UTC);

    /// A key that was made for these tests and signs nothing else.
    fn pair() -> RsaKeyPair {
        let text: String = include_str!("test_key.txt").split_whitespace().collect();
        RsaKeyPair::from_pkcs8(&BASE64_STANDARD.decode(text).unwrap()).unwrap()
    }

    fn key() -> Key {
        let RsaPublicKeyComponents::<Vec<u8>> { n, e } = pair().public_key().into();
        let [n, e] = [n, e].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        let jwk = json!({ "keys": [{ "kid": "one", "kty": "RSA", "alg": "RS256", "use": "sig", "n": n, "e": e }] });
        parse(jwk.to_string().as_bytes()).unwrap().remove("one").unwrap()
    }

    fn provider() -> Provider {
        Provider {
            issuer: "https://issuer.example/pool".to_owned(),
            keys: "https://keys.example".to_owned(),
            tokens: "https://pool.example".to_owned(),
            pages: "https://pool.example".to_owned(),
            client: "shop".to_owned(),
        }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://issuer.example/pool",
            "aud": "shop",
            "token_use": "id",
            "nonce": NONCE.to_string(),
            "sub": "44d8f4a8-50a1-70ab-2e0b-8e8f4c6a6a77",
            "exp": NOW.unix_timestamp() + 300,
            "iat": NOW.unix_timestamp(),
            "auth_time": NOW.unix_timestamp(),
            "email": "ana@example.org",
            "email_verified": true,
            "cognito:username": "44d8f4a8-50a1-70ab-2e0b-8e8f4c6a6a77",
        })
    }

    fn signed_by(encoding: &'static dyn RsaEncoding, header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let pair = pair();
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(claims: &Value) -> String {
        signed_by(&RSA_PKCS1_SHA256, &json!({ "alg": "RS256", "kid": "one" }), claims)
    }

    fn verified(token: &str) -> Result<Person, Unacceptable> {
        let mut attempt = Attempt::begin(Pool::Customers, "/", BEGUN);
        attempt.nonce = NONCE;
        Unverified::parse(token)?.verify(&key(), &provider(), &attempt, NOW)
    }

    #[test]
    fn a_token_of_this_attempt_names_the_person() {
        let person = verified(&token(&claims())).unwrap();
        assert_eq!(person.subject.to_string(), "44d8f4a8-50a1-70ab-2e0b-8e8f4c6a6a77");
        assert_eq!(person.email, Email::parse("ana@example.org").unwrap());
    }

    #[test]
    fn a_token_with_a_wrong_claim_is_refused_for_this_reason() {
        let wrong = |reason| Some(Unacceptable::Wrong(reason));
        let at = |seconds: i64| json!(NOW.unix_timestamp() + seconds);
        for (claim, value, expected) in [
            ("iss", json!("https://issuer.example/other"), wrong("the ID token has another issuer")),
            ("iss", json!("https://issuer.example/pool/"), wrong("the ID token has another issuer")),
            ("aud", json!("other"), wrong("the ID token is for another client")),
            ("aud", json!(["shop"]), wrong("the ID token lacks claims")),
            ("token_use", json!("access"), wrong("the token is no ID token")),
            ("nonce", json!(Uuid::from_u128(8).to_string()), Some(Unacceptable::OtherAttempt)),
            ("nonce", json!(null), wrong("the ID token lacks claims")),
            ("sub", json!("ana"), wrong("the subject of the ID token is no UUID")),
            ("email", json!("ana"), Some(Unacceptable::UnusableEmail)),
            ("email", json!("\"ana maria\"@example.org"), Some(Unacceptable::UnusableEmail)),
            ("email", json!(null), wrong("the ID token lacks claims")),
            ("exp", at(-121), Some(Unacceptable::Clock)),
            ("exp", at(-120), Some(Unacceptable::Clock)),
            ("exp", at(-119), None),
            ("iat", at(121), Some(Unacceptable::Clock)),
            ("iat", at(120), None),
            // A session of the pool's pages, from before the attempt.
            ("auth_time", at(-721), Some(Unacceptable::EarlierLogin)),
            ("auth_time", at(-720), None),
            ("auth_time", json!(null), wrong("the ID token lacks claims")),
            ("email_verified", json!(false), Some(Unacceptable::UnverifiedEmail)),
            ("email_verified", json!("false"), Some(Unacceptable::UnverifiedEmail)),
            ("email_verified", json!("true"), None),
            ("email_verified", json!(1), wrong("the ID token lacks claims")),
        ] {
            let mut claims = claims();
            claims[claim] = value.clone();
            assert_eq!(verified(&token(&claims)).err(), expected, "{claim} = {value}");
        }
    }

    #[test]
    fn a_token_that_the_pool_has_not_signed_so_is_refused() {
        let header = |alg: &str| json!({ "alg": alg, "kid": "one" });
        let good = token(&claims());
        let [head, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
        let none = BASE64_URL_SAFE_NO_PAD.encode(header("none").to_string());
        let mut other = claims();
        other["sub"] = "c56a4180-65aa-42ec-a945-5fd21dec0538".into();
        let other = BASE64_URL_SAFE_NO_PAD.encode(other.to_string());
        for (name, token) in [
            ("no algorithm", format!("{none}.{body}.")),
            ("no algorithm, with a signature", format!("{none}.{body}.{signature}")),
            ("HMAC", signed_by(&RSA_PKCS1_SHA256, &header("HS256"), &claims())),
            ("another hash", signed_by(&RSA_PKCS1_SHA512, &header("RS512"), &claims())),
            ("another hash under the name of ours", signed_by(&RSA_PKCS1_SHA512, &header("RS256"), &claims())),
            ("other claims", format!("{head}.{other}.{signature}")),
            ("no signature", format!("{head}.{body}.")),
            ("a truncated signature", good[..good.len() - 4].to_owned()),
            ("two parts", format!("{head}.{body}")),
            ("four parts", format!("{good}.{signature}")),
            ("nothing", String::new()),
        ] {
            assert!(matches!(verified(&token), Err(Unacceptable::Wrong(_))), "{name}");
        }
    }
}
