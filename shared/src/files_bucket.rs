//! The bucket of files, as functions use it that have no client of S3: by links that they sign.

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use sqlx::MySqlConnection;
use time::OffsetDateTime;

use crate::{
    App,
    domain::{BookId, Credit},
    https::HttpsClient,
    presigned_link::{self, Download, Object, error_code},
    repo::files,
    uploads::{Checked, CoverName, MAX_SERVED_COVER, UploadKey, UploadKind, UploadResult, checked_key, sample_key},
};

/// Timeout of a call for which somebody waits.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Timeout of a transaction in which a book gets a file. The bucket copies the largest one within a second.
pub const GIVEN_WITHIN: Duration = Duration::from_millis(4_500);

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

    /// The link with which a browser saves a sample chapter under this name, or asks for its headers.
    pub async fn to_save(&self, hash: &str, file_name: &str, is_head: bool) -> anyhow::Result<String> {
        let download = Download { content_type: "application/pdf", file_name };
        presigned_link::download(self.app.sdk(), self.object(&sample_key(hash)), &download, is_head).await
    }

    /// The result of checking an upload; none until it is checked, and after it has expired.
    pub async fn result(&self, upload: UploadKey) -> anyhow::Result<Option<UploadResult>> {
        let result = self.read(&upload.result_key(), &HttpsClient::new(TIMEOUT)).await?;
        result.map(|json| serde_json::from_slice(&json).context("the result of an upload cannot be read")).transpose()
    }

    /// A checked cover that no book needs to have; none if there is none of this name, or no longer.
    pub async fn checked_cover(&self, name: &CoverName) -> anyhow::Result<Option<Vec<u8>>> {
        let client = HttpsClient::new(TIMEOUT).reading_up_to(MAX_SERVED_COVER);
        self.read(&checked_key(&name.key()), &client).await
    }

    async fn read(&self, key: &str, client: &HttpsClient) -> anyhow::Result<Option<Vec<u8>>> {
        let link = presigned_link::get(self.app.sdk(), self.object(key)).await?;
        let answer = client.get(&link).await.with_context(|| format!("reading {key}"))?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => bail!("S3 answered {status} {} to the request for {key}", error_code(&answer.body).unwrap_or("")),
        }
    }

    /// Gives a book a checked file: copies it to where the shop serves it, and writes that the book has it. For a transaction of
    /// [`GIVEN_WITHIN`]. Returns false, or an error of the bucket, where nothing was written: false if the checked file is no
    /// longer kept.
    pub async fn give(
        &self,
        connection: &mut MySqlConnection,
        book: BookId,
        (file, credit): (&Checked, Option<&Credit>),
        now: OffsetDateTime,
    ) -> sqlx::Result<anyhow::Result<bool>> {
        let hash = file.hash().unwrap_or_default();
        if !files::lock(connection, hash).await? {
            return Ok(Err(anyhow!("the same file is being given to another book, or removed")));
        }
        let served = self.serve(file).await;
        let written = match (&served, file) {
            (Ok(true), Checked::Cover(cover)) => files::put_cover(connection, book, cover, credit, now).await,
            (Ok(true), Checked::Sample(sample)) => files::put_sample(connection, book, sample, now).await,
            _ => Ok(()),
        };
        files::unlock(connection, hash).await?;
        written?;
        Ok(served)
    }

    /// Copies a checked file to where the shop serves it. Returns false if it is no longer kept.
    async fn serve(&self, file: &Checked) -> anyhow::Result<bool> {
        let client = HttpsClient::new(TIMEOUT);
        for key in file.keys() {
            let source = checked_key(&key);
            let (link, (name, value)) = presigned_link::copy(self.app.sdk(), self.object(&key), &source).await?;
            let answer = client
                .change("PUT", &link, &[(name, &value), ("content-length", "0")])
                .await
                .with_context(|| format!("copying {source}"))?;
            match (answer.status, error_code(&answer.body)) {
                // A copy that fails after its beginning is answered with 200, too.
                (200, None) => {}
                (404, _) => return Ok(false),
                (status, code) => bail!("S3 answered {status} {} to the copy of {source}", code.unwrap_or_default()),
            }
        }
        Ok(true)
    }

    /// Removes a file that a book has had from where the shop serves it, unless another book has the same one. After the
    /// transaction in which the book has lost it.
    pub async fn remove_unused(&self, kind: UploadKind, file: &Checked) -> anyhow::Result<()> {
        let hash = file.hash().unwrap_or_default();
        let removing = self.app.database().write_within(GIVEN_WITHIN, async |c| {
            if !files::lock(c, hash).await? {
                return Ok(Err(anyhow!("the same file is being given to a book")));
            }
            let removed = match files::is_used(c, kind, hash).await {
                Ok(true) => Ok(Ok(())),
                Ok(false) => Ok(self.remove(file).await),
                Err(error) => Err(error),
            };
            files::unlock(c, hash).await?;
            removed
        });
        removing.await?.with_context(|| format!("removing the unused file {hash}"))
    }

    async fn remove(&self, file: &Checked) -> anyhow::Result<()> {
        let client = HttpsClient::new(TIMEOUT);
        for key in file.keys() {
            let link = presigned_link::remove(self.app.sdk(), self.object(&key)).await?;
            let answer = client.change("DELETE", &link, &[]).await?;
            let code = error_code(&answer.body).unwrap_or_default();
            ensure!(matches!(answer.status, 200 | 204), "S3 answered {} {code} to the removal of {key}", answer.status);
        }
        Ok(())
    }

    fn object<'b>(&'b self, key: &'b str) -> Object<'b> {
        Object { bucket: &self.name, key }
    }
}
