//! Generated secrets.

use base64::{Engine, prelude::BASE64_STANDARD};
use rand::{Rng, distr::Alphanumeric};

/// 32 letters and digits.
pub fn password() -> String {
    rand::rng().sample_iter(Alphanumeric).take(32).map(char::from).collect()
}

/// 32 bytes in base64.
pub fn key() -> String {
    BASE64_STANDARD.encode(rand::random::<[u8; 32]>())
}

/// So many hexadecimal digits.
pub fn hexadecimal(digits: usize) -> String {
    let mut random = rand::rng();
    (0..digits).map(|_| char::from(b"0123456789abcdef"[random.random_range(0..16)])).collect()
}
