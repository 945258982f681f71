//! `GET /`: the shop's window, others each day.

use frontend::{Visit, pages};
use shared::{
    App, Reply, Request, Result,
    domain::BookId,
    repo::{books, genres, shelves},
};

/// Books on a shelf.
const SHELF: u32 = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(0)?;
    let visit = Visit::of(request);
    let view = visit.view();
    let read = app.database().read(async |c| {
        let best_rated = shelves::best_rated(c, view.today, SHELF).await?;
        let most_read = shelves::most_read(c, view.today, SHELF).await?;
        let newest = shelves::newest(c, view.today, SHELF).await?;
        let ids: Vec<BookId> = [best_rated.as_slice(), &most_read, &newest].concat();
        let all = books::summaries(c, &ids).await?;
        let shelf = |ids: &[BookId]| -> Vec<_> {
            ids.iter().filter_map(|id| all.iter().find(|book| book.id == *id).cloned()).collect()
        };
        Ok(([shelf(&best_rated), shelf(&most_read), shelf(&newest)], genres::list(c).await?))
    });
    let ([best_rated, most_read, newest], genres) = read.await?;
    let page = pages::Home { view, best_rated: &best_rated, most_read: &most_read, newest: &newest, genres: &genres };
    visit.reply(200, &page)
}
