//! `GET /sign-in`, `GET /sign-in/return` and `/sign-out`, and the same below `/staff`: leads customers and the staff to the pages
//! of their user pool, issues a session when they come back, and ends it. It has no access to the database, and passwords never
//! reach it.

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
    handler::Handlers,
    handler::{ANSWER_WITHIN, LONGEST_ANSWER},
    session::Pool,
    sign_in::Provider,
};

pub use finish::prepare;
pub use frontend::pages::SignInFailure;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle).within(limit).prepared_by(prepare))
}

/// How long an answer may take. The return calls the user pool and the queue. Its code can be used once, so that a shopper who waits is better off than one
/// who must begin again.
pub fn limit(request: &Request) -> Duration {
    match step(request.segments()) {
        Some((_, Step::Return)) => LONGEST_ANSWER,
        _ => ANSWER_WITHIN,
    }
}

/// A step of signing in or out, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Begin,
    Return,
    Leave,
}

/// The user pool of a path, and what it does there.
fn step(segments: &[String]) -> Option<(Pool, Step)> {
    let is_here = |path: &str| path.split('/').skip(1).eq(segments.iter().map(String::as_str));
    Pool::ALL.into_iter().find_map(|pool| {
        let steps =
            [(pool.sign_in(), Step::Begin), (pool.sign_in_return(), Step::Return), (pool.sign_out(), Step::Leave)];
        steps.into_iter().find(|(path, _)| is_here(path)).map(|(_, step)| (pool, step))
    })
}

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match step(request.segments()).ok_or(ApiError::NotFound)? {
        (pool, Step::Begin) => begin::handle(app, request, pool).await,
        (pool, Step::Return) => finish::handle(app, request, pool).await,
        (pool, Step::Leave) => leave::handle(app, request, pool).await,
    }
}

/// The addresses of a pool; none on a stage where nobody can sign in.
async fn provider(app: &App, pool: Pool) -> Result<Option<Provider>> {
    Ok(app.config().await?.sign_in.get(&pool).cloned())
}

/// A page that says what went wrong and how to continue. `return_to` is the address of the shop that the person was coming from.
fn failed(request: &Request, pool: Pool, failure: SignInFailure, return_to: &str) -> Result<Reply> {
    let context = PageContext::of(request);
    let page = SignInFailed { view: context.view(), pool, failure, return_to };
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
            ("/staff/sign-in/return", true),
            ("/staff/sign-in", false),
            ("/sign-in/staff/return", false),
        ] {
            assert_eq!(limit(&request(path)) == LONGEST_ANSWER, is_long, "{path}");
        }
    }

    #[test]
    fn each_path_is_of_one_user_pool() {
        for (path, expected) in [
            ("/sign-in", Some((Pool::Customers, Step::Begin))),
            ("/sign-in/return", Some((Pool::Customers, Step::Return))),
            ("/sign-out", Some((Pool::Customers, Step::Leave))),
            ("/staff/sign-in", Some((Pool::Staff, Step::Begin))),
            ("/staff/sign-in/return", Some((Pool::Staff, Step::Return))),
            ("/staff/sign-out", Some((Pool::Staff, Step::Leave))),
            ("/staff", None),
            ("/staff/staff/sign-in", None),
            ("/Staff/sign-in", None),
            ("/staff%2Fsign-in", None),
        ] {
            assert_eq!(step(request(path).segments()), expected, "{path}");
        }
    }

    #[test]
    fn a_failed_return_gives_its_address_to_no_other_page_or_file() {
        let request = request("/sign-in/return");
        let reply = failed(&request, Pool::Customers, SignInFailure::Used, "/books").unwrap();
        let answer = reply.finish(&request).to_json().unwrap();
        let answer: serde_json::Value = serde_json::from_str(answer.get()).unwrap();
        assert_eq!(answer["multiValueHeaders"]["referrer-policy"], json!(["no-referrer"]));
    }
}
