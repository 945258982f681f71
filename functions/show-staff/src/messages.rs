//! `/staff/messages`: messages to the shop, which are marked as answered, and opened again.

use std::collections::BTreeMap;

use frontend::{
    PageContext,
    pages::{StaffMessage, StaffMessages, StaffNotice},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cursor, Invalid},
    repo::{
        audit, contact,
        moderation::{self, NEWEST, Outcome, Sent},
    },
    staff::About,
};
use time::OffsetDateTime;

use crate::{PAGE, SignedIn, next_address, slice};

/// The name of the list that a cursor belongs to.
const MESSAGES: &str = "staff-messages";

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["show", "cursor"])?;
    let only_open = query.get("show") != Some("all");
    let before = query.get("cursor").map(|text| Cursor::<u64>::decode(text, MESSAGES)).transpose()?;
    let before = before.map_or(u64::MAX, |cursor| cursor.keys);
    let mut found = app.database().read(async |c| contact::list(c, only_open, before, PAGE + 1).await).await?;
    let cursor = slice(&mut found).map(|message| Cursor::new(MESSAGES, message.id).encode());
    let parameters = [("show", "all")];
    let next = next_address("/staff/messages", if only_open { &[] } else { &parameters }, cursor);
    let context = PageContext::of(request).with_parameters(&["show", "cursor"]);
    context.reply(200, &StaffMessages { view: context.view(), only_open, messages: &found, next: next.as_deref() })
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
    match change(app, who, id, &typed, answers).await? {
        Outcome::Done => Ok(Reply::see_other(&format!("/staff/messages/{id}"))),
        Outcome::ChangedSince => show(app, request, who, id, Some(StaffNotice::Changed)).await,
        Outcome::NoSuchThing => Err(ApiError::NotFound),
    }
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

/// Marks a message as answered or opens it again, unless it is no longer as the form showed it.
async fn change(
    app: &App,
    who: &SignedIn,
    id: u64,
    typed: &BTreeMap<String, String>,
    answers: bool,
) -> Result<Outcome> {
    let version = typed.get("version").map_or("", String::as_str);
    let action: &[u8] = if answers { b"answered" } else { b"reopen" };
    let change = who.change_id(&[b"message", &id.to_be_bytes(), version.as_bytes(), action]);
    let sent = Sent { who: &who.bookseller, id, version, change };
    let now = OffsetDateTime::now_utc();
    Ok(app.database().write(async |c| moderation::change_message(c, sent, answers, now).await).await?)
}
