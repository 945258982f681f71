//! A rating from the form on a book's page. A refused form is shown again with all its values.

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
    let stars = typed.get("stars").and_then(|stars| stars.parse::<u8>().ok()).map(Value::from);
    let form = RatingForm { stars, name: typed.get("name").cloned(), review: typed.get("review").cloned() };
    let accepted = super::accept(app, request, Client::Browser, book, form).await;

    // Shown again, a form of a page without a key has one.
    typed.entry(FORM_KEY.to_owned()).or_insert_with(form_key);
    let context = PageContext::of(request);
    Form::again(request, &typed, accepted, |status, form| {
        context.reply(status, &pages::Rate { view: context.view(), book, form })
    })
}
