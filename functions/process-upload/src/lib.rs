//! Triggered by the bucket of files: checks an uploaded cover or sample chapter, writes the files that the shop serves, and
//! then the result, for which the uploader waits.
//!
//! A repeated delivery of the event writes the same files again: their names are hashes of their content.

mod bucket;
mod cover;
mod file_type;
#[cfg(test)]
mod hostile;
mod sample;

use std::{
    fmt::Write,
    panic::{AssertUnwindSafe, catch_unwind},
};

use anyhow::{Context, bail};
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use shared::{
    App,
    uploads::{Checked, MAX_BYTES, Refusal, UploadKey, UploadKind, cover_key, sample_key},
};

use bucket::Bucket;

/// Bytes of a SHA-256 in the name of a file: 128 bits.
const HASH_BYTES: usize = 16;

/// Part of a file's name: another content has another address, so that a browser may keep each for a year.
fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    let mut name = String::new();
    for byte in hash.finalize().iter().take(HASH_BYTES) {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

pub async fn handle(_: &App, event: S3Event) -> anyhow::Result<()> {
    let sdk = shared::aws::patient_sdk_config();
    for record in event.records {
        let bucket = record.s3.bucket.name.as_deref().context("the event names no bucket")?;
        let key = key(&record)?;
        let Some(upload) = UploadKey::parse(&key) else { bail!("{key} is not the key of an upload") };
        let bucket = Bucket::new(&sdk, bucket);
        process(&bucket, &upload).await.with_context(|| format!("processing {key}"))?;
    }
    Ok(())
}

fn key(record: &S3EventRecord) -> anyhow::Result<String> {
    let key = record.s3.object.key.as_deref().context("the event names no object")?.replace('+', " ");
    Ok(percent_decode_str(&key).decode_utf8().context("the object's key is not UTF-8")?.into_owned())
}

async fn process(bucket: &Bucket, upload: &UploadKey) -> anyhow::Result<()> {
    // It has expired, or was removed.
    let Some((length, body)) = bucket.open(&upload.key()).await? else {
        tracing::warn!(key = upload.key(), "The upload does not exist any more");
        return Ok(());
    };
    let checked = if length > MAX_BYTES as u64 {
        Err(Refusal::TooManyBytes { bytes: length })
    } else {
        let bytes = body.collect().await.context("reading the upload")?.into_bytes();
        match upload.kind {
            UploadKind::Cover => cover(bucket, &bytes).await?,
            UploadKind::Sample => sample(bucket, &bytes).await?,
        }
    };
    let checked = checked.unwrap_or_else(Checked::Refused);
    tracing::info!(key = upload.key(), checked = ?checked, "Upload checked");
    bucket.write_json(&upload.result_key(), &checked).await
}

async fn cover(bucket: &Bucket, bytes: &[u8]) -> anyhow::Result<Result<Checked, Refusal>> {
    let cover = match caught(|| cover::check(bytes)) {
        Ok(cover) => cover,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for (size, jpeg) in cover.files.sizes.iter().zip(cover.jpegs) {
        bucket.write_file(&cover_key(&cover.files.hash, size.width), "image/jpeg", jpeg).await?;
    }
    Ok(Ok(Checked::Cover(cover.files)))
}

async fn sample(bucket: &Bucket, bytes: &[u8]) -> anyhow::Result<Result<Checked, Refusal>> {
    let sample = match caught(|| sample::check(bytes)) {
        Ok(sample) => sample,
        Err(refusal) => return Ok(Err(refusal)),
    };
    bucket.write_file(&sample_key(&sample.hash), "application/pdf", bytes.to_vec()).await?;
    Ok(Ok(Checked::Sample(sample)))
}

/// A panic of a decoder is a refused file: an event that ended the process would be delivered again, and end it again.
fn caught<T>(check: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|_| {
        tracing::error!("The check panicked; the file counts as damaged");
        Err(Refusal::Damaged)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_makes_a_decoder_panic_is_refused() {
        let place = 9;
        let refused: Result<(), Refusal> = caught(|| panic!("index out of bounds: {place}"));
        assert_eq!(refused, Err(Refusal::Damaged));
    }
}
