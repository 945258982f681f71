//! `GET /sign-in`, `GET /sign-in/return` and `/sign-out`: leads customers to the pages of the user pool, issues a session when
//! they come back, and ends it. It has no access to the database, and passwords never reach it.

mod begin;
mod finish;
mod id_token;
mod keys;
mod leave;
mod return_to;
mod token_endpoint;

use frontend::{PageContext, pages::SignInFailed};
use shared::{ApiError, App, Reply, Request, Result, session::Pool, sign_in::Provider};

pub use frontend::pages::SignInFailure;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segments() {
        [one] if one == "sign-in" => begin::handle(app, request).await,
        [one, two] if one == "sign-in" && two == "return" => finish::handle(app, request).await,
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
    context.reply(failure.status(), &page).map(Reply::unstored)
}
