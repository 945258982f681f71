//! The public keys of a user pool, kept in the process. A key that is not among them is looked for again, because a pool
//! changes its keys; but not more often than once a minute.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use shared::https::HttpsClient;
use tokio::sync::Mutex;

/// Least time between two readings.
const LEAST_AGE: Duration = Duration::from_mins(1);
/// More keys than any pool has.
const MAX_KEYS: usize = 20;

/// A key for RS256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl Key {
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = RsaPublicKeyComponents { n: &self.modulus, e: &self.exponent };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
    }
}

/// Keys by id.
pub type Keys = BTreeMap<String, Key>;

#[derive(Default)]
pub struct KeyCache(Mutex<Option<Cached>>);

struct Cached {
    /// The address below which they are.
    of: String,
    keys: Keys,
    read_at: Instant,
}

impl KeyCache {
    /// The key of this id at a pool; none if the pool has none. `keys` is the address of `Provider::keys`.
    pub async fn find(&self, https: &HttpsClient, keys: &str, id: &str) -> anyhow::Result<Option<Key>> {
        let mut cached = self.0.lock().await;
        if let Some(cached) = cached.as_ref().filter(|cached| cached.of == keys) {
            let found = cached.keys.get(id);
            if found.is_some() || cached.read_at.elapsed() < LEAST_AGE {
                return Ok(found.cloned());
            }
        }
        let read = read(https, keys).await?;
        let found = read.get(id).cloned();
        *cached = Some(Cached { of: keys.to_owned(), keys: read, read_at: Instant::now() });
        Ok(found)
    }

    /// Reads the keys if there are none yet.
    pub async fn warm_up(&self, https: &HttpsClient, keys: &str) -> anyhow::Result<()> {
        let has_keys = self.0.lock().await.as_ref().is_some_and(|cached| cached.of == keys);
        if has_keys { Ok(()) } else { self.find(https, keys, "").await.map(drop) }
    }
}

async fn read(https: &HttpsClient, keys: &str) -> anyhow::Result<Keys> {
    let answer = https.get(&format!("{keys}/.well-known/jwks.json")).await?;
    ensure!(answer.status == 200, "the keys of the user pool answered with the status {}", answer.status);
    parse(&answer.body)
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// A key of RFC 7517. Members that other kinds of keys have, or lack, are no error.
#[derive(Deserialize)]
struct Jwk {
    #[serde(default)]
    kid: String,
    #[serde(default)]
    kty: String,
    #[serde(default)]
    alg: String,
    #[serde(default, rename = "use")]
    purpose: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
}

/// The keys that sign by RS256; others are left out.
pub fn parse(text: &[u8]) -> anyhow::Result<Keys> {
    let set: KeySet =
        serde_json::from_slice(text).context("the keys of the user pool are not in the form of RFC 7517")?;
    let signs = |key: &Jwk| key.kty == "RSA" && key.alg == "RS256" && matches!(key.purpose.as_str(), "" | "sig");
    let keys = set.keys.into_iter().filter(signs).take(MAX_KEYS).filter_map(|key| {
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        Some((key.kid, Key { modulus: bytes(&key.n)?, exponent: bytes(&key.e)? }))
    });
    Ok(keys.collect())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[test]
    fn only_keys_that_sign_by_rs256_count() {
        let key = |kid: &str, kty: &str, alg: &str, purpose: &str, n: &str| json!({ "kid": kid, "kty": kty, "alg": alg, "use": purpose, "n": n, "e": "AQAB" });
        let text = json!({ "keys": [
            key("one/=+", "RSA", "RS256", "sig", "AQID"),
            key("hmac", "oct", "HS256", "sig", "AQID"),
            key("curve", "EC", "ES256", "sig", "AQID"),
            key("other", "RSA", "RS512", "sig", "AQID"),
            key("encrypts", "RSA", "RS256", "enc", "AQID"),
            key("broken", "RSA", "RS256", "sig", "&"),
            { "kty": "OKP" },
        ] });
        let keys = parse(text.to_string().as_bytes()).unwrap();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["one/=+"]);
        assert!(parse(b"{}").is_err() && parse(b"").is_err());
    }

    /// A pool with one key; returns how often it was asked for its keys.
    async fn asked(look: impl AsyncFnOnce(&KeyCache, &HttpsClient, &str)) -> usize {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let keys = format!("http://{}/pool", listener.local_addr().unwrap());
        let asked = AtomicUsize::new(0);
        let body = r#"{"keys":[{"kid":"one","kty":"RSA","alg":"RS256","n":"AQID","e":"AQAB"}]}"#;
        let serve = async {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1_024];
                let length = stream.read(&mut request).await.unwrap();
                assert!(request[..length].starts_with(b"GET /pool/.well-known/jwks.json "));
                asked.fetch_add(1, Relaxed);
                let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all((head + body).as_bytes()).await.unwrap();
            }
        };
        let (cache, https) = (KeyCache::default(), HttpsClient::new(Duration::from_secs(2)));
        tokio::select! { () = serve => unreachable!("it serves"), () = look(&cache, &https, &keys) => {} }
        asked.load(Relaxed)
    }

    #[tokio::test]
    async fn an_unknown_key_is_looked_for_once_a_minute_and_no_more() {
        let asked = asked(async |cache, https, keys| {
            for (id, is_known) in [("one", true), ("two", false), ("one", true), ("three", false)] {
                assert_eq!(cache.find(https, keys, id).await.unwrap().is_some(), is_known, "{id}");
            }
        });
        assert_eq!(asked.await, 1);
    }

    #[tokio::test]
    async fn keys_that_were_read_at_the_start_are_not_read_again_by_a_request() {
        let asked = asked(async |cache, https, keys| {
            cache.warm_up(https, keys).await.unwrap();
            let mut cached = cache.0.lock().await;
            let long_ago = Instant::now().checked_sub(2 * LEAST_AGE).expect("the machine runs for minutes");
            cached.as_mut().unwrap().read_at = long_ago;
            drop(cached);
            cache.warm_up(https, keys).await.unwrap();
            assert!(cache.find(https, keys, "one").await.unwrap().is_some());
        });
        assert_eq!(asked.await, 1);
    }
}
