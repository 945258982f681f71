//! `GET /api/submissions/{id}` and `GET /submissions/{id}`: the status of a rating or message that a visitor sent.

pub mod api;
pub mod page;

use shared::{
    ApiError, App, Result,
    domain::{Processed, SubmissionId},
    handler::Handlers,
    repo::submissions,
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

async fn find(app: &App, id: &str) -> Result<(SubmissionId, Option<Processed>)> {
    let id = app.submission_key().await?.verify(id).ok_or(ApiError::NotFound)?;
    Ok((id, app.database().read(async |connection| submissions::find(connection, id).await).await?))
}
