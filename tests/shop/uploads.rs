//! Covers and sample chapters that are uploaded to the bucket of files.

use std::time::Duration;

use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Shop, eventually};

const BUCKET: &str = "anaquel-local-files-000000000000-us-east-1";
/// A picture of 390 by 844 pixels, of those that are in the repository.
const PICTURE: &[u8] = include_bytes!("../../docs/screenshots/home-390-light.webp");

fn s3(shop: &Shop) -> Client {
    Client::from_conf(Builder::from(&shop.sdk()).force_path_style(true).build())
}

/// Uploads a file and returns the result of checking it.
async fn checked(s3: &Client, folder: &str, file: &[u8]) -> Value {
    let id = Uuid::new_v4();
    let put = s3.put_object().bucket(BUCKET).key(format!("uploads/{folder}/{id}"));
    put.body(ByteStream::from(file.to_vec())).send().await.unwrap();
    let result = format!("results/{folder}/{id}.json");
    eventually(Duration::from_secs(30), async || {
        let (text, _) = read(s3, &result).await.ok_or_else(|| format!("no {result}"))?;
        Ok(serde_json::from_slice(&text).unwrap())
    })
    .await
}

/// Content and type of an object.
async fn read(s3: &Client, key: &str) -> Option<(Vec<u8>, String)> {
    let object = s3.get_object().bucket(BUCKET).key(key).send().await.ok()?;
    let content_type = object.content_type.clone().unwrap_or_default();
    Some((object.body.collect().await.unwrap().to_vec(), content_type))
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_uploaded_cover_becomes_a_jpeg_in_each_width() {
    let s3 = s3(&Shop::open().await);
    let result = checked(&s3, "covers", PICTURE).await;
    assert_eq!(result["result"], "cover", "{result}");
    let widths: Vec<u64> =
        result["sizes"].as_array().unwrap().iter().map(|size| size["width"].as_u64().unwrap()).collect();
    assert_eq!(widths, [160, 320, 390]);
    let hash = result["hash"].as_str().unwrap();
    for width in widths {
        let (jpeg, content_type) = read(&s3, &format!("covers/{hash}-{width}.jpg")).await.expect("a file");
        assert!(jpeg.starts_with(b"\xFF\xD8\xFF") && jpeg.ends_with(b"\xFF\xD9"), "{width}");
        assert_eq!(content_type, "image/jpeg");
    }
    assert_eq!(checked(&s3, "covers", PICTURE).await, result, "the same picture has the same name");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_refused_upload_has_a_reason_and_no_file() {
    let s3 = s3(&Shop::open().await);
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for (folder, file, expected) in [
        ("covers", &svg[..], json!({ "result": "refused", "reason": "not_a_cover", "is": "svg" })),
        ("covers", &PICTURE[..PICTURE.len() - 9], json!({ "result": "refused", "reason": "truncated" })),
        ("covers", b"", json!({ "result": "refused", "reason": "empty" })),
        ("samples", PICTURE, json!({ "result": "refused", "reason": "not_a_pdf", "is": "webp" })),
        ("samples", b"%PDF-1.7\n", json!({ "result": "refused", "reason": "truncated" })),
    ] {
        assert_eq!(checked(&s3, folder, file).await, expected);
    }
    let large = checked(&s3, "covers", &vec![0xFF; 20_000_001]).await;
    assert_eq!(large, json!({ "result": "refused", "reason": "too_many_bytes", "bytes": 20_000_001 }));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_uploaded_sample_chapter_is_kept_as_it_is() {
    let s3 = s3(&Shop::open().await);
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj \
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R>>\n";
    let table = pdf.windows(5).position(|window| window == b"xref\n").unwrap();
    let pdf = [&pdf[..], format!("startxref\n{table}\n%%EOF\n").as_bytes()].concat();
    let result = checked(&s3, "samples", &pdf).await;
    assert_eq!((&result["result"], &result["pages"]), (&"sample".into(), &1.into()), "{result}");
    let kept = read(&s3, &format!("samples/{}.pdf", result["hash"].as_str().unwrap())).await;
    assert_eq!(kept, Some((pdf, "application/pdf".to_owned())));
}
