//! `GET /books/{id}-{slug}`: the book with its form for a rating, and other books beside it.

use frontend::{Form, PageContext, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Book, Filter, Review, Sort, Summary, VisitorId},
    intake::{FORM_KEY, form_key},
    repo::{
        books::{self, Listing},
        ratings, recommendations,
    },
};
use sqlx::MySqlConnection;

use super::find;

/// Books beside a book.
const BESIDE: u32 = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    if request.segment(2) == "sample" {
        request.expect_segments(3)?;
        return super::sample::handle(app, request).await;
    }
    request.expect_segments(2)?;
    let book = app.database().read(async |c| find(c, request.segment(1)).await).await?.ok_or(ApiError::NotFound)?;
    let context = PageContext::of(request);
    let view = context.view();
    if let Some(moved) = context.moved_to(&view.book(&book.summary)) {
        return Ok(moved);
    }
    let read = app.database().read(async |c| {
        let also = recommendations::also_liked(c, book.summary.id, BESIDE).await?;
        let own = match request.cookie(Request::VISITOR_COOKIE).and_then(VisitorId::of_cookie) {
            Some(visitor) => ratings::own(c, book.summary.id, visitor).await?,
            None => None,
        };
        Ok((by_the_same(c, &book).await?, books::summaries(c, &also).await?, own))
    });
    let (more_by_author, readers_also_rated, own) = read.await?;
    let key = form_key();
    let typed = own.as_ref().map(typed).unwrap_or_default();
    let typed = typed.iter().map(|(name, value)| (*name, value.as_str()));
    let typed: Vec<(&str, &str)> = typed.chain([(FORM_KEY, key.as_str())]).collect();
    let page = pages::BookPage {
        view,
        book: &book,
        form: Form { typed: &typed, ..Form::default() },
        rated_at: own.as_ref().map(|own| own.sent_at),
        more_by_author: &more_by_author,
        readers_also_rated: &readers_also_rated,
    };
    Ok(context.reply(200, &page)?.with_form_key(&key))
}

/// A visitor's rating as the form shows it.
fn typed(own: &Review) -> Vec<(&'static str, String)> {
    let texts = [("name", &own.name), ("review", &own.review)];
    let texts = texts.into_iter().filter_map(|(field, text)| Some((field, text.clone()?)));
    [("stars", own.stars.to_string())].into_iter().chain(texts).collect()
}

async fn by_the_same(connection: &mut MySqlConnection, book: &Book) -> sqlx::Result<Vec<Summary>> {
    let Some(author) = book.authors.first() else { return Ok(Vec::new()) };
    let filter = Filter { author: Some(author.id), ..Filter::default() };
    let mut books = books::list(connection, &Listing::new(None, filter, Sort::Popular, BESIDE + 1)).await?.items;
    books.retain(|other| other.id != book.summary.id);
    books.truncate(BESIDE as usize);
    Ok(books)
}
