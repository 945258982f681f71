//! A rating from the form on a book's page. A refused form is shown again with all its values.

use std::collections::BTreeMap;

use frontend::{Form, PageContext, pages};
use serde_json::Value;
use shared::{
    ApiError, App, Reply, Request, Result,
    api::RatingForm,
    domain::BookId,
    intake::{Client, FORM_KEY, form_key},
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let book = BookId::parse(request.segment(1)).ok_or(ApiError::NotFound)?;
    let mut typed = request.form()?;
    // Shown again, a form of a page without a key has one.
    typed.entry(FORM_KEY.to_owned()).or_insert_with(form_key);
    let context = PageContext::of(request);
    let show = |status, form: Form| context.reply(status, &pages::Rate { view: context.view(), book, form });
    if changes_language_only(&typed) {
        let lang = request.raw_parameter("lang").map(|lang| format!("?lang={lang}")).unwrap_or_default();
        return Ok(Reply::see_other(&format!("/books/{book}{lang}")));
    }
    if let Some(shown) = Form::unsent(&typed, show) {
        return shown;
    }
    let stars = typed.get("stars").and_then(|stars| stars.parse::<u8>().ok()).map(Value::from);
    let text = |name: &str| typed.get(name).cloned().map(Value::from);
    let form = RatingForm { stars, name: text("name"), review: text("review"), names: Vec::new() };
    let (accepted, cookie) = super::accept(app, request, Client::Browser, book, form).await;
    let reply = Form::again(request, &typed, accepted, show)?;
    Ok(match cookie {
        Some(cookie) => reply.remember(&cookie),
        None => reply,
    })
}

/// Whether the visitor changes the language before anything is typed: the book's own page has more to read.
fn changes_language_only(typed: &BTreeMap<String, String>) -> bool {
    let is_empty = ["stars", "review", "name"].iter().all(|field| !typed.contains_key(*field));
    typed.contains_key(Form::SHOW_AGAIN) && is_empty
}
