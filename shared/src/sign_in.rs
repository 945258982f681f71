//! The user pool at which somebody signs in, as `sign-in` reads it from its parameter.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

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
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
}
