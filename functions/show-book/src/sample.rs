//! `GET /books/{id}/sample`: redirects to the sample chapter in the bucket, which a browser saves.

use frontend::links;
use shared::{ApiError, App, Reply, Request, Result, files_bucket::FilesBucket, http::Method};

use super::find;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let book = app.database().read(async |c| find(c, request.segment(1)).await).await?.ok_or(ApiError::NotFound)?;
    let sample = book.sample.ok_or(ApiError::NotFound)?;
    let name = links::sample_file(book.summary.id, &book.summary.title);
    let link = FilesBucket::of(app).await?.to_save(&sample.hash, &name, request.method == Method::HEAD).await?;
    Ok(Reply::see_other(&link).unindexed())
}
