//! `GET /covers/{name}`: a cover in one of its widths, from the bucket. A name changes with its content, so that browsers and
//! CloudFront keep the file for a year.

use anyhow::Context;
use aws_sdk_s3::{Client, config::Builder, operation::get_object::GetObjectError};
use shared::{ApiError, App, Reply, Request, Result, aws::explained, uploads::CoverName};
use tokio::sync::OnceCell;

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let name = request.raw_path().strip_prefix("/covers/").and_then(CoverName::parse).ok_or(ApiError::NotFound)?;
    let config = app.config().await?;
    let bucket = config.files_bucket.as_ref().context("the bucket of files was not granted")?;
    let jpeg = read(client(app).await, bucket, &name).await.map_err(ApiError::Unavailable)?;
    Ok(Reply::image("image/jpeg", jpeg.ok_or(ApiError::NotFound)?).immutable())
}

/// The content of the file; none if there is no such file.
async fn read(s3: &Client, bucket: &str, name: &CoverName) -> anyhow::Result<Option<Vec<u8>>> {
    match s3.get_object().bucket(bucket).key(name.key()).send().await {
        Ok(object) => Ok(Some(object.body.collect().await.context("reading a cover")?.to_vec())),
        Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
        Err(error) => Err(explained(error)).context("reading a cover"),
    }
}

/// One client for each process, which keeps its connections.
async fn client(app: &App) -> &'static Client {
    static CLIENT: OnceCell<Client> = OnceCell::const_new();
    let made = CLIENT.get_or_init(async || {
        // An endpoint of one's own has no name for each bucket.
        Client::from_conf(Builder::from(app.sdk()).force_path_style(app.sdk().endpoint_url().is_some()).build())
    });
    made.await
}
