//! The page that CloudFront shows while the load balancer is away, in its private bucket.

use anyhow::{Context, Result};
use aws_sdk_s3::primitives::ByteStream;
use infra::stacks::distribution::{UNAVAILABLE_PAGE, UNAVAILABLE_PATH};

use crate::aws::{AwsClients, call};

/// Writes the page. Edges keep it for an hour, also while it is needed.
pub async fn upload(aws: &AwsClients, bucket: &str) -> Result<()> {
    let put = aws.s3.put_object().bucket(bucket).key(UNAVAILABLE_PATH.trim_start_matches('/'));
    let put = put.content_type("text/html; charset=utf-8").cache_control("public, max-age=3600");
    let put = put.body(ByteStream::from_static(UNAVAILABLE_PAGE.as_bytes()));
    call(put.send()).await.with_context(|| format!("uploading {UNAVAILABLE_PATH} to {bucket}")).map(drop)
}
