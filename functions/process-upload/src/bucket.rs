//! The bucket of files in S3.

use anyhow::Context;
use aws_sdk_s3::{
    Client,
    config::Builder,
    operation::{get_object::GetObjectError, head_object::HeadObjectError},
    primitives::ByteStream,
};
use serde::Serialize;
use shared::{aws::explained, uploads::bare_etag};

pub struct Bucket {
    s3: Client,
    name: String,
}

/// An object that is being read.
pub struct Object {
    pub length: u64,
    pub body: ByteStream,
    /// The tag of this content.
    pub etag: String,
}

impl Bucket {
    pub fn new(sdk: &aws_config::SdkConfig, name: &str) -> Self {
        // An endpoint of one's own has no name for each bucket.
        let config = Builder::from(sdk).force_path_style(sdk.endpoint_url().is_some());
        Self { s3: Client::from_conf(config.build()), name: name.to_owned() }
    }

    /// An object; none if it does not exist.
    pub async fn open(&self, key: &str) -> anyhow::Result<Option<Object>> {
        match self.s3.get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => {
                let length = object.content_length.and_then(|length| u64::try_from(length).ok());
                let etag = bare_etag(object.e_tag.as_deref().unwrap_or_default()).to_owned();
                Ok(Some(Object { length: length.context("the object has no length")?, body: object.body, etag }))
            }
            Err(error) if error.as_service_error().is_some_and(GetObjectError::is_no_such_key) => Ok(None),
            Err(error) => Err(explained(error)).context("reading the upload"),
        }
    }

    /// The tag of an object as it is now; none if it does not exist.
    pub async fn etag(&self, key: &str) -> anyhow::Result<Option<String>> {
        match self.s3.head_object().bucket(&self.name).key(key).send().await {
            Ok(object) => Ok(Some(bare_etag(object.e_tag.as_deref().unwrap_or_default()).to_owned())),
            Err(error) if error.as_service_error().is_some_and(HeadObjectError::is_not_found) => Ok(None),
            Err(error) => Err(explained(error)).context("looking up the upload"),
        }
    }

    /// Writes a file that is served under a name of its content, and therefore never changes.
    pub async fn write_file(&self, key: &str, content_type: &str, content: Vec<u8>) -> anyhow::Result<()> {
        let put = self.s3.put_object().bucket(&self.name).key(key).content_type(content_type);
        put.body(content.into()).send().await.map_err(explained).with_context(|| format!("writing {key}"))?;
        Ok(())
    }

    pub async fn write_json(&self, key: &str, content: &impl Serialize) -> anyhow::Result<()> {
        self.write_file(key, "application/json", serde_json::to_vec(content)?).await
    }
}
