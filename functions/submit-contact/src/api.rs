//! `POST /api/contact`

use shared::{App, Reply, Request, Result, intake::Client};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    super::accept(app, request, Client::Program, &request.json()?).await
}
