//! The bucket of files, as functions use it that have no client of S3: by links that they sign.

use std::time::Duration;

use anyhow::{Context, bail};

use crate::{
    App,
    https::HttpsClient,
    presigned_link::{self, Download, Object},
    uploads::{Checked, UploadKey, sample_key},
};

/// Timeout of the call for a result, for which somebody waits.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The bucket of files, for one request.
pub struct FilesBucket<'a> {
    app: &'a App,
    pub name: String,
}

impl<'a> FilesBucket<'a> {
    pub async fn of(app: &'a App) -> anyhow::Result<Self> {
        let name = app.config().await?.files_bucket.clone().context("the bucket of files was not granted")?;
        Ok(Self { app, name })
    }

    /// The link to upload a file of this many bytes.
    pub async fn to_upload(&self, upload: UploadKey, bytes: u64) -> anyhow::Result<String> {
        presigned_link::put(self.app.sdk(), self.object(&upload.key()), bytes).await
    }

    /// The link with which a browser saves a sample chapter under this name.
    pub async fn to_save(&self, hash: &str, file_name: &str) -> anyhow::Result<String> {
        let download = Download { content_type: "application/pdf", file_name };
        presigned_link::download(self.app.sdk(), self.object(&sample_key(hash)), &download).await
    }

    /// The result of checking an upload; none until it is checked, and after it has expired.
    pub async fn result(&self, upload: UploadKey) -> anyhow::Result<Option<Checked>> {
        let link = presigned_link::get(self.app.sdk(), self.object(&upload.result_key())).await?;
        let answer = HttpsClient::new(TIMEOUT).get(&link).await.context("reading the result of an upload")?;
        match answer.status {
            200 => serde_json::from_slice(&answer.body).map(Some).context("the result of an upload cannot be read"),
            404 => Ok(None),
            status => bail!("S3 answered {status} to the request for the result of an upload"),
        }
    }

    fn object<'b>(&'b self, key: &'b str) -> Object<'b> {
        Object { bucket: &self.name, key }
    }
}
