//! `/account/erase`: what goes and what stays, the question, and the erasure. Sessions end at once; the rest is removed by the
//! consumer of submissions, which can be interrupted and retried, and the account in the user pool by `erase-accounts`.

use frontend::{
    PageContext,
    pages::{AccountErase, EraseStep},
};
use shared::{ApiError, App, Reply, Request, Result, messages::Submission, parameters::Queue, repo::customer_erasure};
use time::OffsetDateTime;

use super::SignedIn;

pub async fn handle(app: &App, request: &Request, customer: &SignedIn, confirms: bool) -> Result<Reply> {
    let (context, key) = (PageContext::of(request), customer.form_key());
    let show = |step| context.reply(200, &AccountErase { view: context.view(), step, key: &key });
    if request.is_read() {
        return show(if confirms { EraseStep::Confirms } else { EraseStep::Explains });
    }
    if !customer.is_own_form(&request.form()?) {
        return Ok(Reply::see_other("/account/erase"));
    }
    let (subject, now) = (customer.subject, OffsetDateTime::now_utc());
    // Sent before the sessions end: a customer who was told that it failed can ask again.
    let erasure = Submission::erasure(subject, now, Some(request.id.clone()));
    for queue in [Queue::Submissions, Queue::Erasures] {
        app.queue(queue).await?.send(&erasure).await.map_err(ApiError::Unavailable)?;
    }
    app.database().write(async |c| customer_erasure::begin_erasure(c, subject, now).await).await?;
    tracing::info!(submission.id = %erasure.id, "Erasure accepted");
    Ok(show(EraseStep::Done)?.forgetting_customer())
}
