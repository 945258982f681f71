//! `GET /api/submissions/{id}`: what became of something that a visitor sent.

use serde::Serialize;
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Outcome, SubmissionId},
    repo::submissions,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let key = app.submission_key().await?;
    let id = key.recognise(request.segment(2)).ok_or(ApiError::NotFound)?;
    let outcome = app.database().read(async |connection| submissions::find(connection, id).await).await?;
    Reply::json(&Settled::new(id, outcome))
}

#[derive(Debug, Serialize)]
struct Settled {
    id: SubmissionId,
    /// `received` while it is on its way, then `published` or `rejected`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Settled {
    fn new(id: SubmissionId, outcome: Option<Outcome>) -> Self {
        match outcome {
            None => Self { id, status: "received", reason: None },
            Some(Outcome::Published) => Self { id, status: "published", reason: None },
            Some(Outcome::Rejected(reason)) => Self { id, status: "rejected", reason: Some(reason) },
        }
    }
}
