//! `GET /covers/{name}`: a cover in one of its widths, from the bucket. A name changes with its content, so that browsers and
//! CloudFront keep the file for a year.

use std::sync::OnceLock;

use shared::{
    ApiError, App, Reply, Request, Result,
    files_bucket::{FilesBucket, cover_client},
    handler::Handlers,
    https::HttpsClient,
    uploads::CoverName,
};

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::of_page(frontend::page(handle))
}

/// One client for each process.
static CLIENT: OnceLock<HttpsClient> = OnceLock::new();

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let name = request.raw_path().strip_prefix("/covers/").and_then(CoverName::parse).ok_or(ApiError::NotFound)?;
    let bucket = FilesBucket::of(app).await?;
    let jpeg = bucket.served_cover(&name, CLIENT.get_or_init(cover_client)).await.map_err(ApiError::Unavailable)?;
    Ok(Reply::image("image/jpeg", jpeg.ok_or(ApiError::NotFound)?).immutable())
}
