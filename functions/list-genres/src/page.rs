//! `GET /genres`

use frontend::{PageContext, pages};
use shared::{App, Reply, Request, Result, repo::genres};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(1)?;
    let context = PageContext::of(request);
    let genres = app.database().read(async |c| genres::list(c).await).await?;
    context.reply(200, &pages::Genres { view: context.view(), genres: &genres })
}
