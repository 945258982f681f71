//! `GET /submissions/{id}`

use frontend::{PageContext, pages};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Outcome},
};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let (id, processed) = find(app, request.segment(1)).await?;
    let state = match processed.as_ref().map(|processed| &processed.outcome) {
        None => pages::State::Received,
        Some(Outcome::Published) => pages::State::Published,
        Some(Outcome::Rejected(reason)) => pages::State::Rejected(reason),
    };
    let context = PageContext::of(request).with_parameters(&["book"]);
    let kind = processed.as_ref().and_then(|processed| processed.kind);
    let book = request.raw_parameter("book").and_then(BookId::parse);
    context.reply(200, &pages::Submission { view: context.view(), id: &id.to_string(), kind, state, book })
}
