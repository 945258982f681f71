//! `GET /api/submissions/{id}` and `GET /submissions/{id}`: what became of something that a visitor sent.

use frontend::{Visit, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    api::Settled,
    domain::{BookId, Outcome, SubmissionId},
    repo::submissions,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    if request.wants_page() {
        return page(app, request).await;
    }
    request.expect_segments(3)?;
    let (id, outcome) = find(app, request.segment(2)).await?;
    Reply::json(&Settled::new(id, outcome))
}

async fn page(app: &App, request: &Request) -> Result<Reply> {
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

async fn find(app: &App, id: &str) -> Result<(SubmissionId, Option<Outcome>)> {
    let id = app.submission_key().await?.recognise(id).ok_or(ApiError::NotFound)?;
    Ok((id, app.database().read(async |connection| submissions::find(connection, id).await).await?))
}
