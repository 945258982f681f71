//! `/staff/messages`: messages to the shop, which are marked as answered, and opened again.

use frontend::{
    PageContext,
    pages::{StaffMessage, StaffMessages, StaffNotice},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cursor, Invalid},
    repo::{
        audit::{self, Deed},
        contact,
    },
    staff::{About, kept_answered_since},
};
use time::OffsetDateTime;

use crate::{NEWEST, PAGE, SignedIn, next_address, slice};

/// The name of the list that a cursor belongs to.
const MESSAGES: &str = "staff-messages";
const REMOVED_AT_ONCE: u32 = 200;

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["show", "cursor"])?;
    let only_open = query.get("show") != Some("all");
    let before = query.get("cursor").map(|text| Cursor::<u64>::decode(text, MESSAGES)).transpose()?;
    let before = before.map_or(u64::MAX, |cursor| cursor.keys);
    remove_answered(app).await?;
    let mut found = app.database().read(async |c| contact::list(c, only_open, before, PAGE + 1).await).await?;
    let cursor = slice(&mut found).map(|message| Cursor::new(MESSAGES, message.id).encode());
    let parameters = [("show", "all")];
    let next = next_address("/staff/messages", if only_open { &[] } else { &parameters }, cursor);
    let context = PageContext::of(request).with_parameters(&["show", "cursor"]);
    context.reply(200, &StaffMessages { view: context.view(), only_open, messages: &found, next: next.as_deref() })
}

/// Removes messages that were answered more days ago than the stage keeps them.
async fn remove_answered(app: &App) -> Result<()> {
    let Some(before) = kept_answered_since(OffsetDateTime::now_utc()) else { return Ok(()) };
    let removed = app.database().write(async |c| contact::remove_answered(c, before, REMOVED_AT_ONCE).await).await?;
    if removed > 0 {
        tracing::info!(removed_messages = removed, "Answered messages removed");
    }
    Ok(())
}

pub async fn message(app: &App, request: &Request, who: &SignedIn, id: u64) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, id, None).await;
    }
    let typed = request.form()?;
    if !who.is_own_form(&typed) {
        return show(app, request, who, id, Some(StaffNotice::Expired)).await;
    }
    let answers = match typed.get("do").map(String::as_str) {
        Some("answered") => true,
        Some("reopen") => false,
        _ => return Err(Invalid::other("do", "must be an action of the page").into()),
    };
    if change(app, who, id, answers).await? {
        return Ok(Reply::see_other(&format!("/staff/messages/{id}")));
    }
    show(app, request, who, id, Some(StaffNotice::Changed)).await
}

async fn show(app: &App, request: &Request, who: &SignedIn, id: u64, notice: Option<StaffNotice<'_>>) -> Result<Reply> {
    let about = About::Message(id);
    let reading =
        app.database().read(async |c| Ok((contact::find(c, id).await?, audit::about(c, about, NEWEST).await?)));
    let (message, log) = reading.await?;
    let message = message.ok_or(ApiError::NotFound)?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffMessage { view: context.view(), message: &message, log: &log, key: &key, notice };
    context.reply(if notice.is_some() { 409 } else { 200 }, &page)
}

/// Marks a message as answered or opens it again, and records it; false if somebody else has done so before. A form that is sent
/// twice finds its own change.
async fn change(app: &App, who: &SignedIn, id: u64, answers: bool) -> Result<bool> {
    let (now, about) = (OffsetDateTime::now_utc(), About::Message(id));
    let action = if answers { "answered" } else { "reopen" };
    let changing = app.database().write(async |c| {
        let Some(message) = contact::find_locked(c, id).await? else { return Ok(None) };
        if message.answered_at.is_some() == answers {
            let last = audit::about(c, about, 1).await?.pop();
            return Ok(Some(last.is_some_and(|last| last.subject == who.bookseller.subject && last.action == action)));
        }
        if answers {
            contact::mark_answered(c, id, now).await?;
        } else {
            contact::reopen(c, id).await?;
        }
        audit::note(c, &who.bookseller, Deed { action, about, outcome: "done", detail: None }, now).await?;
        Ok(Some(true))
    });
    changing.await?.ok_or(ApiError::NotFound)
}
