//! `GET /api/genres`

use frontend::addressed;
use shared::{App, Reply, Request, Result, api::Genres, http::MINUTE, repo::genres};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    request.query(&[])?;
    let genres = app.database().read(async |c| genres::list(c).await).await?;
    let items = genres.into_iter().map(|count| addressed::genre(request, count)).collect();
    Ok(Reply::json(&Genres { items })?.cached_for(MINUTE))
}
