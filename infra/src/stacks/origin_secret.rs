//! The secret that CloudFront sends to the load balancer in a header, so that the load balancer knows its requests.
//!
//! It is a chain of three random keys, the previous, the current and the next. CloudFront sends all three, and the load
//! balancer requires the current one among them. A rotation drops the first key and appends a new one. The distribution
//! and the listener rules change minutes apart and in any order, and each old one accepts or is accepted by each new one.

/// The header. `routing.http.drop_invalid_header_fields` drops names with other characters than letters and hyphens.
pub const HEADER: &str = "x-anaquel-origin";

/// Characters of a key: 128 random bits, hexadecimal, because conditions of a listener rule ignore case.
pub const KEY: usize = 32;

/// The part of the secret that a stack parameter has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// All three keys, with dots between them: the value of the header.
    Sent,
    /// The current key.
    Required,
}

impl Part {
    /// Name of the stack parameter.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Sent => "OriginSecretSent",
            Self::Required => "OriginSecretRequired",
        }
    }

    /// Description of the stack parameter.
    pub(super) fn about(self) -> &'static str {
        match self {
            Self::Sent => "The previous, current and next key, which CloudFront sends",
            Self::Required => "The current key, which the load balancer requires",
        }
    }

    /// Pattern of the stack parameter. An empty key would admit every request that has the header.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Self::Sent => r"^[0-9a-f]{32}\.[0-9a-f]{32}\.[0-9a-f]{32}$",
            Self::Required => "^[0-9a-f]{32}$",
        }
    }

    /// The part of the whole secret, as `Sent` has it.
    pub fn of(self, secret: &str) -> &str {
        match self {
            Self::Sent => secret,
            Self::Required => secret.split('.').nth(1).unwrap_or_default(),
        }
    }
}

/// The secret after a rotation, with this new key.
#[must_use]
pub fn rotated(secret: &str, key: &str) -> String {
    let (_, kept) = secret.split_once('.').unwrap_or_default();
    format!("{kept}.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a load balancer that requires the current key of one secret admits what CloudFront sends with another.
    fn admits(required: &str, sent: &str) -> bool {
        sent.contains(Part::Required.of(required))
    }

    #[test]
    fn during_a_rotation_old_and_new_admit_each_other_and_two_rotations_shut_out_a_key() {
        let key = |digit: &str| digit.repeat(KEY);
        let mut secrets = vec![["0", "1", "2"].map(key).join(".")];
        for digit in ["3", "4", "5"] {
            secrets.push(rotated(secrets.last().unwrap(), &key(digit)));
        }
        assert_eq!(secrets[1], ["1", "2", "3"].map(key).join("."));
        for (required, sent, expected) in
            [(0, 0, true), (0, 1, true), (1, 0, true), (1, 1, true), (0, 2, false), (2, 0, false), (3, 0, false)]
        {
            assert_eq!(admits(&secrets[required], &secrets[sent]), expected, "{required} requires, {sent} is sent");
        }
    }
}
