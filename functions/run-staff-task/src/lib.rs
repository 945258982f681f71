//! Invoked by the staff commands of `bookstore`. The IAM permission to invoke it is the permission for its tasks; no
//! HTTP request reaches it.

use shared::{
    App,
    domain::VisitorId,
    repo::{contact, ratings, search_misses, visitors},
    staff::{StaffAnswer, StaffTask},
};
use time::OffsetDateTime;

/// Messages or ratings in one response, which Lambda limits to six megabytes.
const PAGE: u32 = 50;

pub async fn handle(app: &App, task: StaffTask) -> anyhow::Result<StaffAnswer> {
    tracing::info!(?task, "Staff task");
    let now = OffsetDateTime::now_utc();
    Ok(match task {
        StaffTask::ListMessages { open, before } => {
            let before = before.unwrap_or(u64::MAX);
            StaffAnswer::Messages(app.database().read(async |c| contact::list(c, open, before, PAGE).await).await?)
        }
        StaffTask::MarkAnswered { message } => {
            StaffAnswer::Message(app.database().write(async |c| contact::mark_answered(c, message, now).await).await?)
        }
        StaffTask::ReopenMessage { message } => {
            StaffAnswer::Message(app.database().write(async |c| contact::reopen(c, message).await).await?)
        }
        StaffTask::ListRatings { hidden, book, before } => {
            let ratings = app.database().read(async |c| ratings::list_for_staff(c, hidden, book, before, PAGE).await);
            StaffAnswer::Ratings(ratings.await?)
        }
        StaffTask::CountVisitor { visitor } => StaffAnswer::Stored {
            ratings: app.database().read(async |c| ratings::of_visitor(c, visitor).await).await?.len(),
            messages: app.database().read(async |c| contact::of_visitor(c, visitor).await).await?.len(),
        },
        StaffTask::HideReview { rating } => {
            StaffAnswer::Rating(app.database().write(async |c| ratings::hide(c, rating, now).await).await?)
        }
        StaffTask::UnhideReview { rating } => {
            StaffAnswer::Rating(app.database().write(async |c| ratings::unhide(c, rating).await).await?)
        }
        StaffTask::EraseVisitor { visitor } => erase(app, visitor.stored(), now).await?,
        StaffTask::ListSearchMisses => {
            StaffAnswer::SearchMisses(app.database().read(async |c| search_misses::list(c, PAGE).await).await?)
        }
    })
}

/// One transaction for each rating or message, so that no shopper waits for all of them. After an interruption, the
/// next attempt erases the rest.
async fn erase(app: &App, visitor: VisitorId, now: OffsetDateTime) -> anyhow::Result<StaffAnswer> {
    app.database().write(async |c| visitors::erase(c, visitor, now).await).await?;
    let (mut erased_ratings, mut erased_messages) = (0, 0);
    for id in app.database().read(async |c| ratings::of_visitor(c, visitor).await).await? {
        erased_ratings += u32::from(app.database().write(async |c| ratings::erase(c, id).await).await?);
    }
    for id in app.database().read(async |c| contact::of_visitor(c, visitor).await).await? {
        erased_messages += u32::from(app.database().write(async |c| contact::erase(c, id).await).await?);
    }
    tracing::info!(erased_ratings, erased_messages, "Visitor erased");
    Ok(StaffAnswer::Erased { ratings: erased_ratings, messages: erased_messages })
}
