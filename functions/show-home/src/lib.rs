//! `GET /`: the shop's window, others each day.

use frontend::{Visit, pages};
use shared::{
    App, Reply, Request, Result,
    repo::{genres, shelves},
};

/// Books on a shelf.
const SHELF: usize = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(0)?;
    let visit = Visit::of(request);
    let view = visit.view();
    let read =
        app.database().read(async |c| Ok((shelves::window(c, view.today, SHELF).await?, genres::list(c).await?)));
    let (window, genres) = read.await?;
    visit.reply(200, &pages::Home { view, window: &window, genres: &genres })
}
