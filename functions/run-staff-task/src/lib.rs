//! Invoked by the staff commands of `bookstore`. The IAM permission to invoke it is the permission for its tasks; no
//! HTTP request reaches it.

mod files;
mod orders;

use shared::{
    App, archive,
    domain::{BookId, VisitorId},
    repo::{
        alerts, archived, books, contact, customers, files as repo_files,
        orders::{Erasure, erase as erase_order, forget_visitor as forget_cancellations, of_visitor as orders_of},
        ratings, search_misses, visitors,
    },
    staff::{ReviewFilter, StaffAnswer, StaffRequest, StaffTask, kept_answered_since},
    uploads::UploadKey,
};
use time::OffsetDateTime;

/// Messages or ratings in one response, which Lambda limits to six megabytes.
const PAGE: u32 = 50;
/// Ratings changed, or messages removed, in one invocation.
const TOGETHER: u32 = 200;

pub async fn handle(app: &App, request: StaffRequest) -> anyhow::Result<StaffAnswer> {
    let StaffRequest { task, caller } = request;
    tracing::info!(task = task.name(), caller, "Staff task");
    if let Some(book) = book_of(&task)
        && app.database().read(async |c| books::find(c, book).await).await?.is_none()
    {
        return Ok(StaffAnswer::NoSuchBook(book));
    }
    let now = OffsetDateTime::now_utc();
    Ok(match task {
        StaffTask::ListMessages { open, before } => {
            remove_answered(app, now).await?;
            let before = before.unwrap_or(u64::MAX);
            StaffAnswer::Messages(
                app.database().read(async |c| contact::list(c, open.then_some(true), before, PAGE).await).await?,
            )
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
            ratings: app.database().read(async |c| ratings::of_visitor(c, visitor.stored()).await).await?.len(),
            messages: app.database().read(async |c| contact::of_visitor(c, visitor.stored()).await).await?.len(),
            orders: app.database().read(async |c| orders_of(c, visitor.stored()).await).await?.len(),
        },
        StaffTask::HideReview { rating } => {
            StaffAnswer::Rating(app.database().write(async |c| ratings::hide(c, rating, now).await).await?)
        }
        StaffTask::UnhideReview { rating } => {
            StaffAnswer::Rating(app.database().write(async |c| ratings::unhide(c, rating).await).await?)
        }
        StaffTask::CountReviews(filter) => {
            let filter = stored(filter);
            let found = app.database().read(async |c| ratings::chosen(c, &filter, u32::MAX).await).await?;
            StaffAnswer::Counted { ratings: found.len() }
        }
        StaffTask::HideReviews(filter) => change_all(app, ReviewFilter { hidden: None, ..stored(filter) }, now).await?,
        StaffTask::UnhideReviews(filter) => {
            anyhow::ensure!(filter.hidden.is_some(), "the period is missing in which the reviews were hidden");
            change_all(app, stored(filter), now).await?
        }
        StaffTask::EraseVisitor { visitor } => erase(app, visitor.stored(), now).await?,
        StaffTask::EndSessions { subject } => {
            app.database().write(async |c| customers::end_sessions(c, subject, now).await).await?;
            StaffAnswer::SessionsEnded
        }
        StaffTask::ListSearchMisses { limit } => {
            let mut misses = app.database().read(async |c| search_misses::list(c, u32::MAX).await).await?;
            let total = misses.len();
            misses.truncate(limit);
            StaffAnswer::SearchMisses { misses, total }
        }
        StaffTask::ListOrders { open, before } => orders::list(app, open, before).await?,
        StaffTask::ShowOrder { order } => orders::show(app, order).await?,
        StaffTask::ChangeOrder { id, order, action } => {
            Box::pin(orders::change(app, id, order, orders::Change::Act(action), now)).await?
        }
        StaffTask::CancelUnpaid { id, order, is_mailed } => {
            Box::pin(orders::change(app, id, order, orders::Change::CancelUnpaid { is_mailed }, now)).await?
        }
        StaffTask::EraseOrder { order } => orders::erase(app, order, now).await?,
        StaffTask::ChangeStock { id, book, change, reason } => {
            orders::change_stock(app, id, &book, change, &reason, now).await?
        }
        StaffTask::ListMovements { book, before } => orders::list_movements(app, &book, before).await?,
        StaffTask::BeginUpload { kind, bytes } => StaffAnswer::File(files::begin(app, kind, bytes).await?),
        StaffTask::AttachFile { kind, book, upload, credit } => {
            let upload = UploadKey { kind, id: upload };
            StaffAnswer::File(files::attach(app, &book, upload, credit.as_deref(), now).await?)
        }
        StaffTask::RemoveFile { kind, book } => StaffAnswer::File(files::remove(app, &book, kind).await?),
        StaffTask::ListFiles { kind, after } => {
            let after = after.map_or(0, BookId::get);
            StaffAnswer::Files(app.database().read(async |c| repo_files::list(c, kind, after, PAGE).await).await?)
        }
        StaffTask::Verify { slice, sweep_minutes } => orders::verify(app, slice, sweep_minutes, now).await?,
        StaffTask::ExportOrders { after, from, to } => orders::export(app, after, (from, to)).await?,
    })
}

/// The book that a task names, which may not exist.
fn book_of(task: &StaffTask) -> Option<BookId> {
    match task {
        StaffTask::ListRatings { book, .. } => *book,
        StaffTask::CountReviews(filter) | StaffTask::HideReviews(filter) | StaffTask::UnhideReviews(filter) => {
            filter.book
        }
        _ => None,
    }
}

/// The filter with the stored form of the visitor.
fn stored(filter: ReviewFilter) -> ReviewFilter {
    ReviewFilter { visitor: filter.visitor.map(VisitorId::stored), ..filter }
}

/// Hides the reviews of the filter, or shows them again if they are hidden. One transaction for each rating, as for an
/// erasure.
async fn change_all(app: &App, filter: ReviewFilter, now: OffsetDateTime) -> anyhow::Result<StaffAnswer> {
    let found = app.database().read(async |c| ratings::chosen(c, &filter, TOGETHER).await).await?;
    let more = found.len() == TOGETHER as usize;
    let mut changed = Vec::new();
    for id in found {
        let rating = match filter.hidden {
            None => app.database().write(async |c| ratings::hide(c, id, now).await).await?,
            Some(_) => app.database().write(async |c| ratings::unhide(c, id).await).await?,
        };
        changed.extend(rating.map(|rating| rating.id));
    }
    tracing::info!(changed_ratings = changed.len(), "Reviews changed");
    Ok(StaffAnswer::Changed { ratings: changed, at: now, more })
}

/// Removes messages that were answered more days ago than the stage keeps them.
async fn remove_answered(app: &App, now: OffsetDateTime) -> anyhow::Result<()> {
    let Some(before) = kept_answered_since(now) else { return Ok(()) };
    let removed = app.database().write(async |c| contact::remove_answered(c, before, TOGETHER).await).await?;
    if removed > 0 {
        tracing::info!(removed_messages = removed, "Answered messages removed");
    }
    Ok(())
}

/// One transaction for each rating or message, so that no shopper waits for all of them. After an interruption, the
/// next attempt erases the rest.
async fn erase(app: &App, visitor: VisitorId, now: OffsetDateTime) -> anyhow::Result<StaffAnswer> {
    app.database().write(async |c| visitors::erase(c, visitor, now).await).await?;
    // Before the rows are removed by which they are found.
    let parts = app.database().read(async |c| archived::of_visitor(c, visitor).await).await?;
    archive::ask_for_erasure(app, &parts, now).await?;
    app.database().write(async |c| forget_cancellations(c, visitor).await).await?;
    let (mut erased_ratings, mut erased_messages) = (0, 0);
    for id in app.database().read(async |c| ratings::of_visitor(c, visitor).await).await? {
        erased_ratings += u32::from(app.database().write(async |c| ratings::erase(c, id).await).await?);
    }
    for id in app.database().read(async |c| contact::of_visitor(c, visitor).await).await? {
        erased_messages += u32::from(app.database().write(async |c| contact::erase(c, id).await).await?);
    }
    let erased_alerts = app.database().write(async |c| alerts::erase_visitor(c, visitor).await).await?;
    let erased_alerts = u32::try_from(erased_alerts).unwrap_or(u32::MAX);
    let (mut erased_orders, mut open_orders) = (0, 0);
    for number in app.database().read(async |c| orders_of(c, visitor).await).await? {
        match app.database().write(async |c| erase_order(c, number, now).await).await? {
            Erasure::Now => erased_orders += 1,
            Erasure::WhenClosed => open_orders += 1,
            Erasure::NoSuchOrder => {}
        }
    }
    tracing::info!(erased_ratings, erased_messages, erased_alerts, erased_orders, open_orders, "Visitor erased");
    Ok(StaffAnswer::Erased {
        ratings: erased_ratings,
        messages: erased_messages,
        alerts: erased_alerts,
        orders: erased_orders,
        open_orders,
    })
}
