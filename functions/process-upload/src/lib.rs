//! Triggered by the bucket of files: checks an uploaded cover or sample chapter, writes the files that the shop would serve, and
//! then the result, for which the uploader waits. Nobody but the staff sees these files until a book has them.
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

use anyhow::Context;
use aws_lambda_events::s3::{S3Event, S3EventRecord};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};
use shared::{
    App,
    uploads::{Checked, MAX_BYTES, Refusal, UploadKey, UploadKind, UploadResult, checked_key, cover_key, sample_key},
};

use bucket::{Bucket, Object};

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
    handle_uploads(event).await
}

async fn handle_uploads(event: S3Event) -> anyhow::Result<()> {
    let sdk = shared::aws::patient_sdk_config();
    for record in event.records {
        let bucket = record.s3.bucket.name.as_deref().context("the event names no bucket")?;
        let key = key(&record)?;
        // A folder that somebody made by hand, or a file: no attempt would make it an upload.
        let Some(upload) = UploadKey::parse(&key) else {
            tracing::warn!(key, "Not the key of an upload");
            continue;
        };
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
    loop {
        // It has expired, or was removed.
        let Some(file) = bucket.open(&upload.key()).await? else {
            tracing::warn!(key = upload.key(), "The upload does not exist any more");
            return Ok(());
        };
        let etag = file.etag.clone();
        let checked = check(bucket, upload, file).await?;
        tracing::info!(key = upload.key(), checked = ?checked, "Upload checked");
        bucket.write_json(&upload.result_key(), &UploadResult { etag: etag.clone(), checked }).await?;
        // The same form can be sent again meanwhile with another file, whose check may have ended before this one.
        if bucket.etag(&upload.key()).await?.is_none_or(|now| now == etag) {
            return Ok(());
        }
    }
}

async fn check(bucket: &Bucket, upload: &UploadKey, file: Object) -> anyhow::Result<Checked> {
    let checked = if file.length > MAX_BYTES as u64 {
        Err(Refusal::TooManyBytes { bytes: file.length })
    } else {
        let bytes = file.body.collect().await.context("reading the upload")?.into_bytes();
        match upload.kind {
            UploadKind::Cover => cover(bucket, &bytes).await?,
            UploadKind::Sample => sample(bucket, &bytes).await?,
        }
    };
    Ok(checked.unwrap_or_else(Checked::Refused))
}

async fn cover(bucket: &Bucket, bytes: &[u8]) -> anyhow::Result<Result<Checked, Refusal>> {
    let cover = match caught(|| cover::check(bytes)) {
        Ok(cover) => cover,
        Err(refusal) => return Ok(Err(refusal)),
    };
    for (size, jpeg) in cover.files.sizes.iter().zip(cover.jpegs) {
        let key = checked_key(&cover_key(&cover.files.hash, size.width));
        bucket.write_file(&key, "image/jpeg", jpeg).await?;
    }
    Ok(Ok(Checked::Cover(cover.files)))
}

async fn sample(bucket: &Bucket, bytes: &[u8]) -> anyhow::Result<Result<Checked, Refusal>> {
    let sample = match caught(|| sample::check(bytes)) {
        Ok(sample) => sample,
        Err(refusal) => return Ok(Err(refusal)),
    };
    bucket.write_file(&checked_key(&sample_key(&sample.hash)), "application/pdf", bytes.to_vec()).await?;
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
    use std::cell::RefCell;

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
    use shared::uploads::FileType;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn a_file_that_makes_a_decoder_panic_is_refused() {
        let place = 9;
        let refused: Result<(), Refusal> = caught(|| panic!("index out of bounds: {place}"));
        assert_eq!(refused, Err(Refusal::Damaged));
    }

    /// A bucket on loopback in which an upload is one file after another each time that it is asked for it. Returns the requests.
    async fn with_uploads(
        files: &[(&str, &str)],
        process: impl AsyncFnOnce(Bucket) -> anyhow::Result<()>,
    ) -> Vec<(String, Vec<u8>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = RefCell::new(Vec::new());
        let serve = async {
            let mut reads = 0;
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (head, body) = request(&mut stream).await;
                let (method, _) = head.split_once(' ').unwrap();
                let (etag, content) = match method {
                    "GET" => {
                        reads += 1;
                        files[reads - 1]
                    }
                    _ => (files[reads.min(files.len() - 1)].0, ""),
                };
                let length = content.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nETag: \"{etag}\"\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{content}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
                let path = head.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
                requests.borrow_mut().push((path.split('?').next().unwrap().to_owned(), body));
            }
        };
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-south-2"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("id", "secret", None, None, "test")))
            .http_client(shared::aws::https_client(shared::aws::Trust::Amazon))
            .endpoint_url(url)
            .build();
        tokio::select! {
            () = serve => unreachable!("it serves until the end"),
            processed = process(Bucket::new(&sdk, "files")) => processed.unwrap(),
        }
        requests.into_inner()
    }

    /// The head and the body of a request.
    async fn request(stream: &mut TcpStream) -> (String, Vec<u8>) {
        let mut bytes = Vec::new();
        loop {
            let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
                let length = head.to_ascii_lowercase();
                let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
                if bytes.len() - end - 4 >= length.unwrap_or(0) {
                    return (head, bytes[end + 4..].to_vec());
                }
            }
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "a whole request");
        }
    }

    #[tokio::test]
    async fn of_two_files_under_one_key_the_later_one_has_the_result() {
        let upload = UploadKey::parse("uploads/samples/019ac4a0-0000-7000-8000-000000000000").unwrap();
        let results = format!("PUT /files/{}", upload.result_key());
        for (files, expected) in [
            (vec![("1", "GIF89a")], vec![("1", FileType::Gif)]),
            // The second one comes while the first one is checked, and its own check has written its result already.
            (vec![("1", "GIF89a"), ("2", "PK\u{3}\u{4}")], vec![("1", FileType::Gif), ("2", FileType::Zip)]),
        ] {
            let requests = with_uploads(&files, async |bucket| process(&bucket, &upload).await).await;
            let written = requests.iter().filter(|(request, _)| *request == results);
            let written: Vec<UploadResult> = written.map(|(_, body)| serde_json::from_slice(body).unwrap()).collect();
            let expected = expected.into_iter().map(|(etag, is)| UploadResult {
                etag: etag.to_owned(),
                checked: Checked::Refused(Refusal::NotAPdf { is }),
            });
            assert_eq!(written, expected.collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn an_object_that_is_no_upload_is_left_alone() {
        let object = |key: &str| {
            let mut record = S3EventRecord::default();
            record.s3.bucket.name = Some("files".to_owned());
            record.s3.object.key = Some(key.to_owned());
            let mut event = S3Event::default();
            event.records.push(record);
            event
        };
        for key in ["uploads/", "uploads/covers/", "uploads/covers/new+folder/", "uploads/readme.txt"] {
            handle_uploads(object(key)).await.unwrap_or_else(|error| panic!("{key}: {error:#}"));
        }
    }
}
