//! The uploaded file in S3, and the progress and report beside it.

use std::{
    collections::HashMap,
    fs::File,
    io::{Seek, Write},
};

use anyhow::Context;
use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use serde::Serialize;
use shared::{aws::explained, messages::ImportProgress, staff::FileVersion};
use tempfile::NamedTempFile;

pub struct Upload {
    s3: Client,
    bucket: String,
    key: String,
}

/// The file on the function's own disk.
pub struct Download {
    pub file: File,
    pub version: FileVersion,
    pub metadata: HashMap<String, String>,
}

impl Upload {
    pub fn new(sdk: &aws_config::SdkConfig, bucket: &str, key: String) -> Self {
        let config = Builder::from(sdk)
            // An endpoint of one's own has no name for each bucket.
            .force_path_style(sdk.endpoint_url().is_some())
            // S3 has a gateway endpoint on every stage, which is a way of IPv4.
            .use_dual_stack(false);
        Self { s3: Client::from_conf(config.build()), bucket: bucket.to_owned(), key }
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    /// Copies the file to the function's own disk, which takes half a gigabyte; memory would not.
    pub async fn download(&self) -> anyhow::Result<Download> {
        let mut file = tempfile::tempfile().context("making a temporary file")?;
        let object = self.s3.get_object().bucket(&self.bucket).key(&self.key).send().await;
        let object = object.map_err(explained).context("reading the file")?;
        let version = FileVersion::new(object.e_tag.as_deref().unwrap_or_default(), object.content_type.as_deref());
        let mut body = object.body;
        while let Some(chunk) = body.try_next().await.context("reading the file")? {
            file.write_all(&chunk).context("keeping the file")?;
        }
        file.rewind()?;
        Ok(Download { file, version, metadata: object.metadata.unwrap_or_default() })
    }

    /// `<key>.progress.json`: how far it has come.
    pub async fn write_progress(&self, progress: &ImportProgress) -> anyhow::Result<()> {
        self.write("progress.json", "application/json", serde_json::to_vec(progress)?.into()).await
    }

    /// `<key>.refused.jsonl` or `<key>.warnings.jsonl`: a line of JSON for each row that did not land, or for each cell that
    /// was left out, with the line number and the reason.
    pub async fn write_report(&self, suffix: &str, report: &Report) -> anyhow::Result<()> {
        let body = ByteStream::from_path(report.0.path()).await.context("reading a report")?;
        self.write(suffix, "application/jsonl", body).await
    }

    async fn write(&self, suffix: &str, content_type: &str, body: ByteStream) -> anyhow::Result<()> {
        let key = format!("{}.{suffix}", self.key);
        let put = self.s3.put_object().bucket(&self.bucket).key(&key).content_type(content_type).body(body);
        put.send().await.map_err(explained).context(key)?;
        Ok(())
    }
}

/// The refused rows or the warnings so far, on the function's own disk.
pub struct Report(NamedTempFile);

impl Report {
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(NamedTempFile::new().context("making a temporary file")?))
    }

    pub fn add(&mut self, entries: &[impl Serialize]) -> anyhow::Result<()> {
        for entry in entries {
            serde_json::to_writer(&mut self.0, entry)?;
            self.0.write_all(b"\n")?;
        }
        Ok(self.0.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_s3::{
        config::{Credentials, SharedCredentialsProvider},
        presigning::PresigningConfig,
    };

    use super::*;

    #[tokio::test]
    async fn a_file_is_fetched_by_the_name_of_the_gateway_endpoint() {
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
            .use_dual_stack(true)
            .build();
        let upload = Upload::new(&sdk, "imports", "books.csv".to_owned());
        let lifetime = PresigningConfig::expires_in(std::time::Duration::from_secs(1)).unwrap();
        let request = upload.s3.get_object().bucket(&upload.bucket).key(&upload.key).presigned(lifetime).await.unwrap();
        assert!(
            request.uri().starts_with("https://imports.s3.us-east-1.amazonaws.com/books.csv?"),
            "{}",
            request.uri()
        );
    }
}
