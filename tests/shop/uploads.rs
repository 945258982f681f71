//! Covers and sample chapters that are uploaded to the bucket of files.

use std::{env, fs, time::Duration};

use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    imports,
    support::{Shop, bookstore, eventually, text},
};

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
async fn a_cover_is_served_for_a_year_and_another_name_is_not_found() {
    let shop = Shop::open().await;
    let s3 = s3(&shop);
    let result = checked(&s3, "covers", PICTURE).await;
    let hash = result["hash"].as_str().unwrap();
    let path = format!("/covers/{hash}-160.jpg");
    let cover = shop.get(&path).await;
    assert_eq!((cover.status, cover.header("content-type")), (200, "image/jpeg"));
    assert_eq!(cover.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(!cover.header("etag").is_empty());
    let (jpeg, _) = read(&s3, &format!("covers/{hash}-160.jpg")).await.expect("a file");
    assert_eq!(cover.text, String::from_utf8_lossy(&jpeg));
    for path in [
        format!("/covers/{hash}-161.jpg"),
        format!("/covers/{}-160.jpg", "0".repeat(32)),
        format!("/covers/{hash}"),
        format!("/covers/{hash}-160.jpg/x"),
        "/covers/..%2fuploads%2fcovers%2fone".to_owned(),
    ] {
        let missing = shop.get(&path).await;
        assert_eq!(missing.status, 404, "{path}");
        assert!(!missing.text.contains("NoSuchKey") && !missing.text.contains("anaquel-local"), "{path}");
    }
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

/// What a command prints, or its error.
async fn run(args: &[&str]) -> Result<String, String> {
    let output = bookstore(args).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    if output.status.success() { Ok(stdout) } else { Err(stderr) }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_bookseller_gives_a_book_a_cover_and_takes_it_away() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await.to_string();
    let folder = env::temp_dir().join(format!("anaquel-cover-{}", Uuid::new_v4()));
    fs::create_dir(&folder).unwrap();
    let [picture, drawing] = ["cover.webp", "cover.jpg"].map(|name| folder.join(name));
    fs::write(&picture, PICTURE).unwrap();
    fs::write(&drawing, b"<svg xmlns='http://www.w3.org/2000/svg'/>").unwrap();
    let [picture, drawing] = [&picture, &drawing].map(|path| path.to_str().unwrap());

    let added = run(&["covers", "add", &book, picture, "--credit", " Ana\tRuiz "]).await.unwrap();
    assert!(added.contains("390 × 844 pixels"), "{added}");
    let listed = run(&["covers", "list"]).await.unwrap();
    let line = listed.lines().find(|line| line.starts_with(&format!("{book}  "))).unwrap_or_else(|| panic!("{listed}"));
    assert!(line.ends_with("390 × 844 pixels  Ana Ruiz"), "{line}");

    let answer = shop.get(&format!("/api/books/{book}")).await.json();
    assert_eq!(answer["cover"]["credit"], "Ana Ruiz");
    let widest = answer["cover"]["files"][2]["url"].as_str().unwrap().to_owned();
    let path = widest.split_once("/covers/").map(|(_, name)| format!("/covers/{name}")).unwrap();
    assert_eq!(shop.get(&path).await.header("content-type"), "image/jpeg");
    let page = shop.get(&format!("/books/{book}?lang=en")).await.text;
    let image = format!("src=\"{path}\" width=\"390\" height=\"844\"");
    assert!(page.contains(&image) && page.contains("<bdi>Ana Ruiz</bdi>"), "{page}");
    assert!(page.contains(&format!("{path}\">")), "og:image: {page}");
    let title = answer["title"].as_str().unwrap().replace(' ', "+");
    let list = shop.get(&format!("/books?q={title}")).await.text;
    assert!(list.contains("390w\" sizes=") && list.contains("loading=\"lazy\""), "{list}");

    let refused = run(&["covers", "add", &book, drawing]).await.unwrap_err();
    assert!(
        refused.contains("cover.jpg: the file is an SVG drawing; a cover is a JPEG, PNG or WebP image"),
        "{refused}"
    );
    let unknown = run(&["covers", "add", "9780000000002", picture]).await.unwrap_err();
    assert!(unknown.contains("there is no book 9780000000002"), "{unknown}");
    let again = run(&["covers", "list"]).await.unwrap();
    assert!(again.contains(line), "a refused file changes nothing: {again}");

    run(&["covers", "remove", &book]).await.unwrap();
    assert!(!run(&["covers", "list"]).await.unwrap().contains(line));
    assert!(shop.get(&format!("/api/books/{book}")).await.json()["cover"].is_null());
    assert!(!shop.get(&format!("/books/{book}")).await.text.contains("<img class=\"cover\""), "a drawn one again");
    let twice = run(&["covers", "remove", &book]).await.unwrap_err();
    assert!(twice.contains("has no cover"), "{twice}");
    fs::remove_dir_all(&folder).unwrap();
}
