//! `/sign-out`: ends the session in this browser, and then that of the user pool's pages, which would otherwise sign in the
//! next person without a question.

use form_urlencoded::Serializer;
use frontend::{PageContext, pages::SignOut};
use shared::{App, Reply, Request, Result, session::Pool, sign_in::Provider};

use crate::{SignInFailure, failed, return_to};

/// The path to which the pool returns the browser.
const SIGNED_OUT: &str = "/sign-out";

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let context = PageContext::of(request);
    if request.is_read() {
        if crate::provider(app).await?.is_none() {
            return failed(request, SignInFailure::NotHere, return_to::ACCOUNT);
        }
        let is_signed_in = app.session(request, Pool::Customers).await?.is_some();
        let page = SignOut { view: context.view().signed_in_if(is_signed_in), is_signed_in, next: None };
        return context.reply(200, &page).map(Reply::unstored);
    }
    // The cookies go whatever happens, also if the parameters cannot be read.
    let provider = crate::provider(app).await.ok().flatten();
    let next = provider.map(|provider| logout(&provider, &request.absolute(SIGNED_OUT)));
    let page = SignOut { view: context.view().signed_in_if(false), is_signed_in: false, next: next.as_deref() };
    let reply = context.reply(200, &page)?.unstored().forgetting_customer();
    tracing::info!("Session ended in this browser");
    Ok(match &next {
        Some(next) => reply.continued_at(next),
        None => reply,
    })
}

/// The address that ends the session of the pool's pages.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/logout-endpoint.html>
fn logout(provider: &Provider, back: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs([("client_id", provider.client.as_str()), ("logout_uri", back)]);
    format!("{}/logout?{}", provider.pages, query.finish())
}
