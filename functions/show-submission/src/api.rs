//! `GET /api/submissions/{id}`

use shared::{App, Reply, Request, Result, api::SubmissionStatus};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(3)?;
    let (id, processed) = find(app, request.segment(2)).await?;
    Reply::json(&SubmissionStatus::new(id, processed.map(|processed| processed.outcome)))
}
