//! `GET /sign-in/return`, also below `/staff`: the browser comes back from the user pool with a code. The code becomes a token, and the token a
//! session of the shop's own; neither token nor code reaches the browser's storage, a page or the log.

use std::{sync::LazyLock, time::Duration};

use frontend::links;
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{SubmissionKey, VisitorCookie, VisitorId},
    https::HttpsClient,
    messages::{CustomerV1, Submission},
    session::Pool,
    sign_in::{Attempt, Provider},
};
use time::OffsetDateTime;

use crate::{
    SignInFailure, begin, failed,
    id_token::{Person, Unacceptable, Unverified},
    keys::KeyCache,
    token_endpoint::{self, NoToken},
};

/// Timeout of a call to the user pool. Keys, exchange and queue together end before the limit of the return.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

static HTTPS: LazyLock<HttpsClient> = LazyLock::new(|| HttpsClient::without_pool(CALL_TIMEOUT));
static CUSTOMERS_KEYS: LazyLock<KeyCache> = LazyLock::new(KeyCache::default);
static STAFF_KEYS: LazyLock<KeyCache> = LazyLock::new(KeyCache::default);
/// The browser keeps a session of the staff for as long as a day's work, so that a page knows after its end who comes back.
const KEEP_STAFF_SESSION: Duration = Duration::from_hours(12);

/// The keys of a pool.
fn keys_of(pool: Pool) -> &'static KeyCache {
    match pool {
        Pool::Customers => &CUSTOMERS_KEYS,
        Pool::Staff => &STAFF_KEYS,
    }
}

/// Begins to read the keys of the customers' user pool in a cold start. Nobody waits for them before the first return, which tries again
/// after a failure.
pub async fn prepare(app: &App) {
    if let Ok(Some(provider)) = crate::provider(app, Pool::Customers).await {
        tokio::spawn(async move { CUSTOMERS_KEYS.warm_up(&HTTPS, &provider.keys).await });
    }
}

pub async fn handle(app: &App, request: &Request, pool: Pool) -> Result<Reply> {
    let Some(provider) = crate::provider(app, pool).await? else {
        return failed(request, pool, SignInFailure::NotHere, pool.home());
    };
    let now = OffsetDateTime::now_utc();
    let parameter = |name: &str| request.raw_parameter(name).map(links::decoded).filter(|value| !value.is_empty());
    let Some(attempt) = attempt(app, request, pool, parameter("state").as_deref(), now).await? else {
        // The page was loaded again, or the browser went back to it.
        if app.session(request, pool).await?.is_some() {
            return Ok(Reply::see_other(pool.home()));
        }
        return failed(request, pool, SignInFailure::Lost, pool.home());
    };
    let ended =
        |failure| Ok(failed(request, pool, failure, &attempt.return_to)?.without_cookie(Request::SIGN_IN_COOKIE));
    let code = match (parameter("code"), parameter("error").as_deref()) {
        (Some(code), None) => code,
        (_, Some("access_denied")) => return ended(SignInFailure::Denied),
        (_, Some(error)) => {
            let error: String = error.chars().filter(|c| c.is_ascii_lowercase() || *c == '_').take(40).collect();
            tracing::error!(error, "Sign-in refused by the user pool");
            return ended(SignInFailure::Refused);
        }
        (None, None) => return ended(SignInFailure::Lost),
    };
    // These steps can fail, so they come before the code is used: the customer can load the page again.
    let key = app.config().await?.session_key.clone();
    let key = key.ok_or_else(|| ApiError::Internal(anyhow::anyhow!("the route table grants no key for sessions")))?;
    let keys = keys_of(pool);
    if let Err(error) = keys.warm_up(&HTTPS, &provider.keys).await {
        return failed(request, pool, away(&error), &attempt.return_to);
    }
    let visitors = app.submission_key().await?;
    let person = match person(keys, &provider, &attempt, &begin::redirect_uri(request, pool), &code, now).await {
        Ok(person) => person,
        Err(failure) => return ended(failure),
    };
    if pool == Pool::Staff {
        // No visitor becomes a customer by it, and the browser stays the one that it was.
        let session = key.issue_to_staff(app.stage(), person.subject, person.email, now);
        tracing::info!("Session of the staff issued");
        return Ok(Reply::see_other(&attempt.return_to)
            .with_staff_session(&session, KEEP_STAFF_SESSION.as_secs())
            .without_cookie(Request::SIGN_IN_COOKIE));
    }
    let browser = browser(&visitors, request, now);
    if let Err(error) = announce(app, request, &person, browser.visitor(), now).await {
        shared::error::log(&error);
        return ended(SignInFailure::Away);
    }
    let session = key.issue(app.stage(), person.subject, Pool::Customers, now);
    tracing::info!("Session issued");
    Ok(Reply::see_other(&attempt.return_to)
        .with_session(&session, Pool::Customers.lifetime().unsigned_abs().as_secs())
        .remember(&visitors.write_cookie(&browser))
        .without_cookie(Request::SIGN_IN_COOKIE))
}

/// The attempt that this browser has begun, if the state that came back is its own.
async fn attempt(
    app: &App,
    request: &Request,
    pool: Pool,
    state: Option<&str>,
    now: OffsetDateTime,
) -> Result<Option<Attempt>> {
    let Some(sealed) = request.cookie(Request::SIGN_IN_COOKIE) else { return Ok(None) };
    let attempt = Attempt::unseal(sealed, &app.submission_key().await?, pool, now);
    Ok(attempt.filter(|attempt| state == Some(attempt.state.to_string().as_str())))
}

/// Who has signed in. What the customer cannot help is logged.
async fn person(
    keys: &KeyCache,
    provider: &Provider,
    attempt: &Attempt,
    redirect_uri: &str,
    code: &str,
    now: OffsetDateTime,
) -> std::result::Result<Person, SignInFailure> {
    let token = token_endpoint::exchange(&HTTPS, provider, attempt, redirect_uri, code).await;
    let token = token.map_err(|no_token| match no_token {
        NoToken::Used => SignInFailure::Used,
        NoToken::Away(error) => away(&error),
    })?;
    let token = Unverified::parse(&token).map_err(unacceptable)?;
    let key = keys.find(&HTTPS, &provider.keys, &token.key_id).await.map_err(|error| away(&error))?;
    let key = key.ok_or_else(|| unacceptable(Unacceptable::Wrong("the user pool has no such key")))?;
    token.verify(&key, provider, attempt, now).map_err(unacceptable)
}

/// Why a token does not let the person in. What they cannot help is logged.
fn unacceptable(why: Unacceptable) -> SignInFailure {
    let failure = match why {
        Unacceptable::UnverifiedEmail => return SignInFailure::UnverifiedEmail,
        Unacceptable::UnusableEmail => {
            tracing::info!("Sign-in refused: the shop cannot use the e-mail address of the account");
            return SignInFailure::UnusableEmail;
        }
        Unacceptable::Clock => SignInFailure::Clock,
        Unacceptable::EarlierLogin | Unacceptable::OtherAttempt => SignInFailure::Lost,
        Unacceptable::Wrong(_) => SignInFailure::Away,
    };
    tracing::error!(error = ?why, "Sign-in failed: the ID token does not count");
    failure
}

/// Logs that the user pool did not answer as it should.
fn away(error: &anyhow::Error) -> SignInFailure {
    tracing::error!(error = format!("{error:#}"), "Sign-in failed: the user pool is unavailable");
    SignInFailure::Away
}

/// The visitor that this browser was before, or a new one: ratings and messages name the visitor alone, and the sign-in links
/// it with the customer.
fn browser(key: &SubmissionKey, request: &Request, now: OffsetDateTime) -> VisitorCookie {
    let known = request.cookie(Request::VISITOR_COOKIE).and_then(|value| key.read_cookie(value, now));
    known.unwrap_or_else(|| VisitorCookie::new(key.visitor_number_of(key.random()), now))
}

/// Sends the sign-in to the consumer of submissions, so that the account exists when its page is opened.
async fn announce(
    app: &App,
    request: &Request,
    person: &Person,
    visitor: VisitorId,
    now: OffsetDateTime,
) -> Result<()> {
    let customer = CustomerV1 {
        subject: person.subject,
        email: person.email.clone(),
        // A token without it does not count.
        email_verified: true,
        visitor: Some(visitor),
        // In whole seconds, like the session.
        signed_in_at: now.replace_nanosecond(0).unwrap_or(now),
    };
    let message = Submission::customer(customer, now, Some(request.id.clone()));
    app.submissions().await?.send(&message).await.map_err(ApiError::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_the_shop_cannot_use_is_no_fault_of_the_sign_in() {
        // A 503 would count as a failing sign-in and raise its alarm.
        let failure = unacceptable(Unacceptable::UnusableEmail);
        assert_eq!((failure, failure.status()), (SignInFailure::UnusableEmail, 403));
        assert_eq!(unacceptable(Unacceptable::Wrong("no such key")).status(), 503);
    }
}
