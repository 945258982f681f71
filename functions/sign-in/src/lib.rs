//! `GET /sign-in`, `GET /sign-in/return` and `/sign-out`: leads customers to the pages of the user pool, issues a session when
//! they come back, and ends it. It has no access to the database, and passwords never reach it.

mod begin;
mod finish;
mod id_token;
mod keys;
mod leave;
mod return_to;
mod token_endpoint;

use std::time::Duration;

use frontend::{PageContext, pages::SignInFailed};
use shared::{
    ApiError, App, Reply, Request, Result,
    lambda::{ANSWER_WITHIN, LONGEST_ANSWER},
    session::Pool,
    sign_in::Provider,
};

pub use finish::prepare;
pub use frontend::pages::SignInFailure;

/// How long an answer may take. The return calls the user pool and the queue. Its code can be used once, so that a shopper who waits is better off than one
/// who must begin again.
pub fn limit(request: &Request) -> Duration {
    if is_return(request.segments()) { LONGEST_ANSWER } else { ANSWER_WITHIN }
}

fn is_return(segments: &[String]) -> bool {
    matches!(segments, [one, two] if one == "sign-in" && two == "return")
}

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segments() {
        [one] if one == "sign-in" => begin::handle(app, request).await,
        segments if is_return(segments) => finish::handle(app, request).await,
        [one] if one == "sign-out" => leave::handle(app, request).await,
        _ => Err(ApiError::NotFound),
    }
}

/// The pool of customers; none on a stage where nobody can sign in.
async fn provider(app: &App) -> Result<Option<Provider>> {
    Ok(app.config().await?.sign_in.get(&Pool::Customers).cloned())
}

/// A page that says what went wrong and how to continue. `return_to` is the address of the shop that the customer was coming from.
fn failed(request: &Request, failure: SignInFailure, return_to: &str) -> Result<Reply> {
    let context = PageContext::of(request);
    let page = SignInFailed { view: context.view(), failure, return_to };
    Ok(context.reply(failure.status(), &page)?.unstored().without_referrer())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(path: &str) -> Request {
        Request::from_event(serde_json::from_value(json!({ "httpMethod": "GET", "path": path })).unwrap(), "id")
    }

    #[test]
    fn only_the_return_may_take_long() {
        for (path, is_long) in [
            ("/sign-in/return", true),
            ("/sign-in", false),
            ("/sign-in/return/x", false),
            ("/sign-out", false),
            ("/sign-out/return", false),
        ] {
            assert_eq!(limit(&request(path)) == LONGEST_ANSWER, is_long, "{path}");
        }
    }

    #[test]
    fn a_failed_return_gives_its_address_to_no_other_page_or_file() {
        let request = request("/sign-in/return");
        let reply = failed(&request, SignInFailure::Used, "/books").unwrap();
        let answer = reply.finish(&request).to_json().unwrap();
        let answer: serde_json::Value = serde_json::from_str(answer.get()).unwrap();
        assert_eq!(answer["multiValueHeaders"]["referrer-policy"], json!(["no-referrer"]));
    }
}
