//! `GET /submissions/{id}`

use frontend::{Visit, pages};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Outcome},
};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let (id, outcome) = find(app, request.segment(1)).await?;
    let state = match &outcome {
        None => pages::State::Received,
        Some(Outcome::Published) => pages::State::Published,
        Some(Outcome::Rejected(reason)) => pages::State::Rejected(reason),
    };
    let visit = Visit::of(request);
    let book = request.asked("book").and_then(BookId::parse);
    visit.reply(200, &pages::Submission { view: visit.view(), id: &id.to_string(), state, book })
}
