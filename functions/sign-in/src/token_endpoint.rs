//! Exchanges a code for tokens at the pool's token endpoint.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>

use anyhow::{Context, anyhow};
use form_urlencoded::Serializer;
use serde::Deserialize;
use shared::{
    https::{Answer, HttpsClient},
    sign_in::{Attempt, Provider},
};

/// Why there is no token.
#[derive(Debug)]
pub enum NoToken {
    /// The code was used before, is too old, or is not of this attempt.
    Used,
    /// The pool did not answer, or answered nothing that can be used. It has the reason for the log, without tokens.
    Away(anyhow::Error),
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// The ID token for a code. The call is not repeated, because a code can be used once.
pub async fn exchange(
    https: &HttpsClient,
    provider: &Provider,
    attempt: &Attempt,
    redirect_uri: &str,
    code: &str,
) -> Result<String, NoToken> {
    let mut form = Serializer::new(String::new());
    form.extend_pairs([
        ("grant_type", "authorization_code"),
        ("client_id", provider.client.as_str()),
        ("redirect_uri", redirect_uri),
        ("code", code),
        ("code_verifier", attempt.verifier.as_str()),
    ]);
    let url = format!("{}/oauth2/token", provider.tokens);
    read(&https.post_form(&url, form.finish()).await.map_err(NoToken::Away)?)
}

fn read(answer: &Answer) -> Result<String, NoToken> {
    match answer.status {
        200 => {
            // The error of the parser has a position and no text.
            let tokens: Tokens = serde_json::from_slice(&answer.body)
                .map_err(|error| NoToken::Away(anyhow!("the answer of the token endpoint has no ID token: {error}")))?;
            Ok(tokens.id_token)
        }
        400 => match refusal(&answer.body) {
            Ok(error) if error == "invalid_grant" => Err(NoToken::Used),
            Ok(error) => Err(NoToken::Away(anyhow!("the token endpoint refuses the shop: {error}"))),
            Err(error) => Err(NoToken::Away(error)),
        },
        status => Err(NoToken::Away(anyhow!("the token endpoint answered with the status {status}"))),
    }
}

/// The code of the error, in the form of RFC 6749, section 5.2.
fn refusal(body: &[u8]) -> anyhow::Result<String> {
    let refusal: Refusal = serde_json::from_slice(body).context("the token endpoint answered 400 without a reason")?;
    Ok(refusal.error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_was_used_is_no_failure_of_the_pool_and_no_answer_is_logged() {
        for (status, body, expected) in [
            (200, r#"{"id_token":"a.b.c","access_token":"d.e.f"}"#, "a.b.c"),
            (200, r#"{"access_token":"d.e.f"}"#, "the answer of the token endpoint has no ID token"),
            (200, "<html>", "the answer of the token endpoint has no ID token"),
            (400, r#"{"error":"invalid_grant"}"#, "used"),
            (400, r#"{"error":"invalid_client d.e.f 7"}"#, "the token endpoint refuses the shop: invalid_clientdef"),
            (400, "d.e.f", "the token endpoint answered 400 without a reason"),
            (429, "d.e.f", "the token endpoint answered with the status 429"),
            (500, "d.e.f", "the token endpoint answered with the status 500"),
        ] {
            let read = match read(&Answer { status, body: body.as_bytes().to_vec() }) {
                Ok(token) => token,
                Err(NoToken::Used) => "used".to_owned(),
                Err(NoToken::Away(error)) => format!("{error:#}"),
            };
            assert!(read.starts_with(expected) && !read.contains("d.e.f"), "{status} {body}: {read}");
        }
    }
}
