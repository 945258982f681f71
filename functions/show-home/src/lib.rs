//! `GET /`: the home page with a selection of books that changes daily.

use frontend::{PageContext, pages};
use shared::{
    App, Reply, Request, Result,
    handler::Handlers,
    repo::{genres, recommendations},
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle))
}

/// Books on a shelf.
const SHELF: usize = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(0)?;
    let context = PageContext::of(request);
    let view = context.view();
    let read = app
        .database()
        .read(async |c| Ok((recommendations::window(c, view.today, SHELF).await?, genres::list(c).await?)));
    let (window, genres) = read.await?;
    context.reply(200, &pages::Home { view, window: &window, genres: &genres })
}
