//! A rating as the form on a book's page sends it. What cannot be taken is shown again, with everything that was typed.

use frontend::{Form, Visit, pages};
use serde_json::Value;
use shared::{ApiError, App, Reply, Request, Result, api::RatingForm, domain::BookId, intake::Client};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let book = BookId::parse(request.segment(1)).ok_or(ApiError::NotFound)?;
    let typed = request.form()?;
    let stars = typed.get("stars").and_then(|stars| stars.parse::<u8>().ok()).map(Value::from);
    let form = RatingForm { stars, name: typed.get("name").cloned(), review: typed.get("review").cloned() };
    let taken = super::take(app, request, Client::Browser, book, form).await;

    let visit = Visit::of(request);
    Form::again(request, &typed, taken, |status, form| {
        visit.reply(status, &pages::Rate { view: visit.view(), book, form })
    })
}
