//! `GET /books/{id}-{slug}`: the book with its form for a rating, and other books beside it.

use frontend::{Form, PageContext, pages};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{Book, Filter, Sort, Summary},
    intake::{FORM_KEY, form_key},
    repo::{
        books::{self, Listing},
        recommendations,
    },
};
use sqlx::MySqlConnection;

use super::find;

/// Books beside a book.
const BESIDE: u32 = 6;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    request.expect_segments(2)?;
    let book = app.database().read(async |c| find(c, request.segment(1)).await).await?.ok_or(ApiError::NotFound)?;
    let context = PageContext::of(request);
    let view = context.view();
    if let Some(moved) = context.moved_to(&view.book(&book.summary)) {
        return Ok(moved);
    }
    let read = app.database().read(async |c| {
        let also = recommendations::also_liked(c, book.summary.id, BESIDE).await?;
        Ok((by_the_same(c, &book).await?, books::summaries(c, &also).await?))
    });
    let (more_by_author, readers_also_rated) = read.await?;
    let key = form_key();
    let reply = context.reply(
        200,
        &pages::BookPage {
            view,
            book: &book,
            form: Form { typed: &[(FORM_KEY, &key)], ..Form::default() },
            more_by_author: &more_by_author,
            readers_also_rated: &readers_also_rated,
        },
    )?;
    Ok(reply.with_form_key(&key))
}

async fn by_the_same(connection: &mut MySqlConnection, book: &Book) -> sqlx::Result<Vec<Summary>> {
    let Some(author) = book.authors.first() else { return Ok(Vec::new()) };
    let filter = Filter { author: Some(author.id), ..Filter::default() };
    let mut books = books::list(connection, &Listing::new(None, filter, Sort::Popular, BESIDE + 1)).await?.items;
    books.retain(|other| other.id != book.summary.id);
    books.truncate(BESIDE as usize);
    Ok(books)
}
