//! `GET /api/submissions/{id}`: what became of something that a visitor sent.

use shared::{ApiError, App, Reply, Request, Result, api::Settled, repo::submissions};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let key = app.submission_key().await?;
    let id = key.recognise(request.segment(2)).ok_or(ApiError::NotFound)?;
    let outcome = app.database().read(async |connection| submissions::find(connection, id).await).await?;
    Reply::json(&Settled::new(id, outcome))
}
