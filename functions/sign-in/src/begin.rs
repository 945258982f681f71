//! `GET /sign-in?return=…`, also below `/staff`: begins an attempt, and leads to the pages of the user pool.

use form_urlencoded::Serializer;
use frontend::PageContext;
use shared::{
    App, Reply, Request, Result,
    session::Pool,
    sign_in::{Attempt, Provider},
};
use time::OffsetDateTime;

use crate::{SignInFailure, failed, return_to};

pub async fn handle(app: &App, request: &Request, pool: Pool) -> Result<Reply> {
    let back = return_to::of(request, pool);
    let Some(provider) = crate::provider(app, pool).await? else {
        return failed(request, pool, SignInFailure::NotHere, &back);
    };
    let attempt = Attempt::begin(pool, &back, OffsetDateTime::now_utc());
    let language = PageContext::of(request).view().locale.tag();
    let location = authorization(&provider, &attempt, &redirect_uri(request, pool), language);
    let sealed = attempt.seal(&app.submission_key().await?);
    Ok(Reply::see_other(&location).with_attempt(&sealed, Attempt::LIFETIME.unsigned_abs().as_secs()))
}

/// The address at which the pool returns the browser, of which it must know the whole.
pub fn redirect_uri(request: &Request, pool: Pool) -> String {
    request.absolute(pool.sign_in_return())
}

/// The address of the pool's page, in the visitor's language. The page asks for the password also where the browser still
/// has a session of the pool, which no end of the shop's sessions ends.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html>
fn authorization(provider: &Provider, attempt: &Attempt, redirect_uri: &str, language: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs([
        ("response_type", "code"),
        ("client_id", provider.client.as_str()),
        ("redirect_uri", redirect_uri),
        ("scope", "openid email"),
        ("state", attempt.state.to_string().as_str()),
        ("nonce", attempt.nonce.to_string().as_str()),
        ("code_challenge", attempt.challenge().as_str()),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("lang", language),
    ]);
    format!("{}/oauth2/authorize?{}", provider.pages, query.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pools_page_gets_the_challenge_and_never_the_verifier_or_the_way_back() {
        let provider = Provider {
            issuer: "https://issuer.example".to_owned(),
            keys: "https://issuer.example".to_owned(),
            tokens: "https://pool.example".to_owned(),
            pages: "https://pool.example".to_owned(),
            client: "abc".to_owned(),
        };
        let attempt = Attempt::begin(Pool::Customers, "/books/53", OffsetDateTime::now_utc());
        let location = authorization(&provider, &attempt, "https://shop.example/sign-in/return", "es");
        let query = location.strip_prefix("https://pool.example/oauth2/authorize?").unwrap();
        let sent = |wanted: &str| {
            let found = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        for (name, expected) in [
            ("response_type", "code"),
            ("client_id", "abc"),
            ("redirect_uri", "https://shop.example/sign-in/return"),
            ("scope", "openid email"),
            ("state", attempt.state.to_string().as_str()),
            ("nonce", attempt.nonce.to_string().as_str()),
            ("code_challenge", attempt.challenge().as_str()),
            ("code_challenge_method", "S256"),
            ("prompt", "login"),
            ("lang", "es"),
        ] {
            assert_eq!(sent(name), expected, "{name}");
        }
        assert!(!location.contains(&attempt.verifier) && !location.contains("books"), "{location}");
    }
}
