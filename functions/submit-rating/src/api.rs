//! `POST /api/books/{id}/ratings`

use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::RatingForm,
    domain::{BookId, Invalid},
    intake::Client,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(4)?;
    let book = BookId::parse(request.segment(2)).ok_or(ApiError::NotFound)?;
    match super::accept(app, request, Client::Program, book, read(request.json(MEMBERS)?)).await {
        (Err(error), Some(cookie)) => Ok(Reply::problem(&error, &request.id).remember(&cookie)),
        (outcome, _) => outcome,
    }
}

pub(super) const MEMBERS: &[&str] = &["stars", "name", "review"];

pub(super) fn read((mut body, names): (JsonObject, Vec<Invalid>)) -> RatingForm {
    RatingForm { stars: body.take("stars"), name: body.take("name"), review: body.take("review"), names }
}
