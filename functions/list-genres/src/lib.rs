//! `GET /genres`: all genres that have books.

use frontend::{Visit, pages};
use shared::{App, Reply, Request, Result, repo::genres};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let visit = Visit::of(request);
    let genres = app.database().read(async |c| genres::list(c).await).await?;
    visit.reply(200, &pages::Genres { view: visit.view(), genres: &genres })
}
