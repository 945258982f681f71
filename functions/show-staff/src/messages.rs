//! `/staff/messages`: messages to the shop, which are found, answered by mail, marked as answered, and opened again.

use std::collections::BTreeMap;

use frontend::{
    Form, PageContext,
    pages::{MessageSearch, StaffMessage, StaffMessages, StaffNotice},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Cursor, Invalid, Language, ReplyText},
    repo::{
        audit, contact, contact_replies,
        contact_search::{self, Wanted},
        moderation::{self, NEWEST, Outcome, Sent},
    },
    shop::Selling,
    staff::{About, MessagesFound, MessagesShown},
};
use time::OffsetDateTime;

use crate::{PAGE, SignedIn, slice};

/// The name of the list that a cursor belongs to.
const MESSAGES: &str = "staff-messages";

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    if !request.is_read() {
        return search(app, request).await;
    }
    let query = request.page_query(&["show", "sender", "cursor"])?;
    let sender_of = query.get("sender").map(|id| id.parse::<u64>().map_err(|_| ApiError::NotFound)).transpose()?;
    let usual = if sender_of.is_some() { MessagesShown::All } else { MessagesShown::Open };
    let shown = query.get("show").map_or(Some(usual), MessagesShown::parse).ok_or(ApiError::NotFound)?;
    let before = before(query.get("cursor"))?;
    let reading = app.database().read(async |c| {
        let Some(id) = sender_of else {
            let messages = contact::list(c, shown.open(), before, PAGE + 1).await?;
            return Ok(Some(MessagesFound { messages, next: None }));
        };
        let Some(message) = contact::find(c, id).await? else { return Ok(None) };
        let wanted = Wanted::Sender(message.email);
        contact_search::search(c, &wanted, shown.open(), before, PAGE).await.map(Some)
    });
    let mut found = reading.await?.ok_or(ApiError::NotFound)?;
    if sender_of.is_none() {
        found.next = slice(&mut found.messages).map(|message| message.id);
    }
    let context = PageContext::of(request).with_parameters(&["show", "sender", "cursor"]);
    show_list(&context, shown, sender_of.map(MessageSearch::SenderOf), &found)
}

/// The id before which a list continues.
fn before(cursor: Option<&str>) -> Result<u64> {
    let before = cursor.map(|text| Cursor::<u64>::decode(text, MESSAGES)).transpose()?;
    Ok(before.map_or(u64::MAX, |cursor| cursor.keys))
}

/// Looks for messages by what was typed. It is a form that is sent, because addresses of pages are in logs, and names and e-mail
/// addresses of customers must not be.
async fn search(app: &App, request: &Request) -> Result<Reply> {
    let typed = request.form()?;
    let field = |name: &str| typed.get(name).map(String::as_str);
    let asked = field("find").unwrap_or_default();
    let shown = field("show").map_or(Some(MessagesShown::All), MessagesShown::parse).ok_or(ApiError::NotFound)?;
    let before = before(field("cursor"))?;
    let found = match Wanted::parse(asked) {
        Some(wanted) => {
            let finding =
                app.database().read(async |c| contact_search::search(c, &wanted, shown.open(), before, PAGE).await);
            finding.await?
        }
        None => MessagesFound::default(),
    };
    show_list(&PageContext::of(request), shown, Some(MessageSearch::Typed(asked)), &found)
}

fn show_list(
    context: &PageContext,
    shown: MessagesShown,
    search: Option<MessageSearch>,
    MessagesFound { messages, next }: &MessagesFound,
) -> Result<Reply> {
    let next = next.map(|id| Cursor::new(MESSAGES, id).encode());
    let page = StaffMessages { view: context.view(), shown, search, messages, next: next.as_deref() };
    context.reply(200, &page)
}

pub async fn message(app: &App, request: &Request, who: &SignedIn, id: u64) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, id, (Form::default(), None), 200).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return show(app, request, who, id, (form, Some(StaffNotice::Expired)), 409).await;
    }
    let outcome = match typed.get("do").map(String::as_str) {
        Some("answered") => change(app, who, id, &typed, true).await?,
        Some("reopen") => change(app, who, id, &typed, false).await?,
        Some("reply") if sends() => match ReplyText::parse(typed.get("reply").map_or("", String::as_str)) {
            Ok(text) => reply(app, request, who, id, (&typed, &text)).await?,
            Err(invalid) => {
                let form = Form { invalid: &[invalid], ..form };
                return show(app, request, who, id, (form, None), 422).await;
            }
        },
        _ => return Err(Invalid::other("do", "must be an action of the page").into()),
    };
    match outcome {
        Outcome::Done => Ok(Reply::see_other(&format!("/staff/messages/{id}"))),
        Outcome::ChangedSince => show(app, request, who, id, (form, Some(StaffNotice::Changed)), 409).await,
        Outcome::NoSuchThing => Err(ApiError::NotFound),
    }
}

/// Whether mails are handed over: what a sweep does, and only a shop that sells has sweeps and mails.
fn sends() -> bool {
    frontend::shop().is_some_and(|shop| shop.sells == Selling::Yes)
}

async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: u64,
    (form, notice): (Form<'_>, Option<StaffNotice<'_>>),
    status: u16,
) -> Result<Reply> {
    let about = About::Message(id);
    let reading = app.database().read(async |c| {
        let message = contact::find(c, id).await?;
        let replies = contact_replies::of_message(c, id, NEWEST).await?;
        Ok((message, replies, audit::about(c, about, NEWEST).await?))
    });
    let (message, replies, log) = reading.await?;
    let message = message.ok_or(ApiError::NotFound)?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffMessage {
        view: context.view(),
        message: &message,
        replies: &replies,
        sends: sends(),
        log: &log,
        form,
        key: &key,
        notice,
    };
    context.reply(status, &page)
}

/// Answers a message by mail, unless it is no longer as the form showed it: in the language of its sender, or of this page.
async fn reply(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: u64,
    (typed, text): (&BTreeMap<String, String>, &ReplyText),
) -> Result<Outcome> {
    let message = app.database().read(async |c| contact::find(c, id).await).await?.ok_or(ApiError::NotFound)?;
    let of_page = PageContext::of(request).view().locale.tag();
    let language = Language::parse(message.language.as_deref().unwrap_or(of_page))?;
    let version = typed.get("version").map_or("", String::as_str);
    let is_copied = typed.get("copy").is_some_and(|copy| copy == "yes");
    let change = who.change_id(&[
        b"reply",
        &id.to_be_bytes(),
        version.as_bytes(),
        text.as_str().as_bytes(),
        &[u8::from(is_copied)],
    ]);
    let sent = Sent { who: &who.bookseller, id, version, change };
    let now = OffsetDateTime::now_utc();
    let replying = app.database().write(async |c| moderation::reply(c, sent, (text, &language, is_copied), now).await);
    Ok(replying.await?)
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
