//! `/sign-out`, also below `/staff`: ends the session in this browser, and then that of the user pool's pages, which would otherwise sign in the
//! next person without a question.

use form_urlencoded::Serializer;
use frontend::{PageContext, pages::SignOut};
use shared::{App, Reply, Request, Result, session::Pool, sign_in::Provider};

use crate::{SignInFailure, failed};

pub async fn handle(app: &App, request: &Request, pool: Pool) -> Result<Reply> {
    let context = PageContext::of(request);
    // The staff's session does not make anybody a customer.
    let view = |is_signed_in| match pool {
        Pool::Customers => context.view().signed_in_if(is_signed_in),
        Pool::Staff => context.view(),
    };
    if request.is_read() {
        if crate::provider(app, pool).await?.is_none() {
            return failed(request, pool, SignInFailure::NotHere, pool.home());
        }
        let is_signed_in = app.session(request, pool).await?.is_some();
        let page = SignOut { view: view(is_signed_in), pool, is_signed_in, next: None };
        return context.reply(200, &page).map(Reply::unstored);
    }
    // The cookies go whatever happens, also if the parameters cannot be read.
    let provider = crate::provider(app, pool).await.ok().flatten();
    let next = provider.map(|provider| logout(&provider, &request.absolute(pool.sign_out())));
    let page = SignOut { view: view(false), pool, is_signed_in: false, next: next.as_deref() };
    let reply = context.reply(200, &page)?.unstored();
    let reply = match pool {
        Pool::Customers => reply.forgetting_customer(),
        Pool::Staff => reply.without_cookie(Request::STAFF_SESSION_COOKIE),
    };
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
