//! Covers and sample chapters that are uploaded to the bucket of files.

use std::{env, fs, time::Duration};

use aws_sdk_s3::{Client, config::Builder, primitives::ByteStream};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    account::hidden,
    cart::{page, send},
    imports,
    staff_pages::{bookseller, somebody},
    support::{Answer, Shop, bookstore, eventually, text, variable},
};

const BUCKET: &str = "anaquel-local-files-000000000000-us-east-1";
/// A picture of 390 by 844 pixels, of those that are in the repository.
const PICTURE: &[u8] = include_bytes!("../../docs/screenshots/home-390-light.webp");

fn s3(shop: &Shop) -> Client {
    Client::from_conf(Builder::from(&shop.sdk()).force_path_style(true).build())
}

/// Uploads a file and returns the result of checking it, without the tag of the file.
async fn checked(s3: &Client, folder: &str, file: &[u8]) -> Value {
    let id = Uuid::new_v4();
    let put = s3.put_object().bucket(BUCKET).key(format!("uploads/{folder}/{id}"));
    put.body(ByteStream::from(file.to_vec())).send().await.unwrap();
    let result = format!("results/{folder}/{id}.json");
    eventually(Duration::from_secs(30), async || {
        let (text, _) = read(s3, &result).await.ok_or_else(|| format!("no {result}"))?;
        let mut result: Value = serde_json::from_slice(&text).unwrap();
        let etag = result.as_object_mut().unwrap().remove("etag");
        assert!(etag.is_some_and(|etag| etag.as_str().unwrap().len() >= 32), "{result}");
        Ok(result)
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
        let (jpeg, content_type) = read(&s3, &format!("checked/covers/{hash}-{width}.jpg")).await.expect("a file");
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
    let book = book_with_files(&shop).await;
    let address = shop.get(&format!("/api/books/{book}")).await.json()["cover"]["files"][0]["url"].clone();
    let path = format!("/covers/{}", address.as_str().unwrap().rsplit('/').next().unwrap());
    let hash = path.strip_prefix("/covers/").and_then(|name| name.strip_suffix("-160.jpg")).expect("the narrowest");
    let cover = shop.get(&path).await;
    assert_eq!((cover.status, cover.header("content-type")), (200, "image/jpeg"));
    assert_eq!(cover.header("cache-control"), "public, max-age=31536000, immutable");
    assert!(!cover.header("etag").is_empty());
    // A cache at the edge would give a cookie to everybody; and other sites may show what the API has the address of.
    assert_eq!((cover.header("set-cookie"), cover.header("cross-origin-resource-policy")), ("", "cross-origin"));
    let again = shop.send(Method::GET, &path, &[("if-none-match", cover.header("etag"))], None).await;
    assert_eq!(again.status, 304);
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

/// A document with one page.
fn pdf() -> Vec<u8> {
    document("")
}

/// A document that no other test has.
fn own_pdf() -> Vec<u8> {
    document(&format!("%{}\n", Uuid::new_v4()))
}

fn document(comment: &str) -> Vec<u8> {
    let pdf = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj \
        3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\nxref\n0 1\n0000000000 65535 f \ntrailer<</Root 1 0 R>>\n";
    let pdf = [&pdf[..9], comment.as_bytes(), &pdf[9..]].concat();
    let table = pdf.windows(5).position(|window| window == b"xref\n").unwrap();
    [&pdf[..], format!("startxref\n{table}\n%%EOF\n").as_bytes()].concat()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_uploaded_sample_chapter_is_kept_as_it_is() {
    let s3 = s3(&Shop::open().await);
    let pdf = own_pdf();
    let result = checked(&s3, "samples", &pdf).await;
    assert_eq!((&result["result"], &result["pages"]), (&"sample".into(), &1.into()), "{result}");
    let key = format!("samples/{}.pdf", result["hash"].as_str().unwrap());
    let kept = read(&s3, &format!("checked/{key}")).await;
    assert_eq!(kept, Some((pdf, "application/pdf".to_owned())));
    assert_eq!(read(&s3, &key).await, None, "no book has it");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_file_that_no_book_has_any_more_is_removed_from_the_bucket() {
    let shop = Shop::open().await;
    let s3 = s3(&shop);
    let path = env::temp_dir().join(format!("anaquel-chapter-{}.pdf", Uuid::new_v4()));
    let [first, second] = [own_pdf(), own_pdf()];
    let [one, other] = [imports::new_book(&shop).await, imports::new_book(&shop).await].map(|book| book.to_string());
    fs::write(&path, &first).unwrap();
    for book in [&one, &other] {
        run(&["samples", "add", book, path.to_str().unwrap()]).await.unwrap();
    }
    let key = format!("samples/{}.pdf", checked(&s3, "samples", &first).await["hash"].as_str().unwrap());
    assert_eq!(read(&s3, &key).await, Some((first, "application/pdf".to_owned())));
    run(&["samples", "remove", &one]).await.unwrap();
    assert!(read(&s3, &key).await.is_some(), "the other book has it");
    fs::write(&path, &second).unwrap();
    run(&["samples", "add", &other, path.to_str().unwrap()]).await.unwrap();
    assert_eq!(read(&s3, &key).await, None, "the other book has another one by now");
    fs::remove_file(&path).unwrap();
}

/// The page of a book in English, at the address that its number leads to.
async fn book_page(shop: &Shop, book: impl std::fmt::Display) -> Answer {
    let moved = shop.get(&format!("/books/{book}?lang=en")).await;
    let page = shop.get(moved.header("location")).await;
    assert_eq!((moved.status, page.status), (301, 200), "{}", page.text);
    page
}

/// The page of the book leads to the sample chapter, which a browser saves under the name of the book.
async fn saved_by_readers(shop: &Shop, book: impl std::fmt::Display, pdf: &[u8]) {
    let address = format!("/books/{book}/sample");
    let page = book_page(shop, &book).await;
    assert!(
        page.text.contains(&format!("href=\"{address}\"")) && page.text.contains("(PDF, one page, 1"),
        "{}",
        page.text
    );
    let answer = shop.get(&format!("/api/books/{book}")).await.json();
    assert!(answer["sample"]["url"].as_str().unwrap().ends_with(&address), "{answer}");
    let link = shop.get(&address).await;
    assert_eq!((link.status, link.header("cache-control")), (303, "no-store"), "{}", link.text);
    let (status, headers, file) = shop.download(link.header("location")).await;
    assert_eq!((status, file.as_slice()), (200, pdf));
    assert_eq!(headers["content-type"], "application/pdf");
    let disposition = headers["content-disposition"].to_str().unwrap();
    assert!(disposition.starts_with(&format!("attachment; filename=\"{book}")) && disposition.ends_with(".pdf\""));
    assert!(link.header("location").contains("X-Amz-Expires=60&"), "a minute");
    let head = shop.send(Method::HEAD, &address, &[], None).await;
    assert_eq!(head.status, 303);
    let signature = |link: &Answer| link.header("location").split("X-Amz-Signature=").nth(1).map(str::to_owned);
    assert!(signature(&head).is_some() && signature(&head) != signature(&link), "S3 refuses HEAD by a link to GET");
}

/// The output of a command, or its error.
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
    let page = book_page(&shop, &book).await.text;
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
    assert!(!book_page(&shop, &book).await.text.contains("<img class=\"cover\""), "a drawn one again");
    let twice = run(&["covers", "remove", &book]).await.unwrap_err();
    assert!(twice.contains("has no cover"), "{twice}");
    let chapter = folder.join("chapter.pdf");
    fs::write(&chapter, pdf()).unwrap();
    let added = run(&["samples", "add", &book, chapter.to_str().unwrap()]).await.unwrap();
    assert!(added.contains("1 page, 1 KB"), "{added}");
    saved_by_readers(&shop, &book, &pdf()).await;
    run(&["samples", "remove", &book]).await.unwrap();
    assert_eq!(shop.get(&format!("/books/{book}/sample")).await.status, 404);
    fs::remove_dir_all(&folder).unwrap();
}

/// The hidden fields of the form that a page sends to the bucket, and its address.
fn form_of(page: &str, of: &str) -> (String, Vec<(String, String)>) {
    let form = page.split("<form ").find(|form| form.contains(&format!("id=\"{of}-file\""))).expect("a form");
    let text = |rest: &str| rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let action = text(form.split("action=\"").nth(1).unwrap());
    let field = |input: &str| {
        let (name, value) = (input.split("name=\"").nth(1)?, input.split("value=\"").nth(1)?);
        Some((text(name), text(value)))
    };
    (action, form.split("<input type=\"hidden\"").skip(1).filter_map(field).collect())
}

/// Sends the form with a file as a browser does, and returns status and address of the answer.
async fn upload(shop: &Shop, page: &str, of: &str, file: &[u8]) -> (u16, String) {
    let (action, fields) = form_of(page, of);
    let boundary = format!("form-{}", Uuid::new_v4());
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"cover.webp\"\r\nContent-Type: image/webp";
    body.extend(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
    body.extend(file);
    body.extend(format!("\r\n--{boundary}--\r\n").as_bytes());
    shop.upload(&action, &format!("multipart/form-data; boundary={boundary}"), body).await
}

/// The page of an upload once it is checked.
async fn after_check(shop: &Shop, path: &str, cookies: &str) -> String {
    eventually(Duration::from_secs(30), async || {
        let answer = page(shop, path, cookies).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if answer.text.contains("is being checked") { Err("being checked".to_owned()) } else { Ok(answer.text) }
    })
    .await
}

/// A book with a cover and a sample chapter.
pub async fn book_with_files(shop: &Shop) -> u64 {
    let book = imports::new_book(shop).await;
    let folder = env::temp_dir().join(format!("anaquel-files-{}", Uuid::new_v4()));
    fs::create_dir(&folder).unwrap();
    for (command, name, file) in [("covers", "cover.webp", PICTURE), ("samples", "chapter.pdf", &pdf())] {
        let path = folder.join(name);
        fs::write(&path, file).unwrap();
        run(&[command, "add", &book.to_string(), path.to_str().unwrap()]).await.unwrap();
    }
    fs::remove_dir_all(&folder).unwrap();
    book
}

/// The pages of two uploads for the book with these files: of a checked cover, and of a refused one.
pub async fn uploaded(shop: &Shop, staff: &str, files: &str) -> [String; 2] {
    let mut pages = Vec::new();
    for file in [PICTURE, &PICTURE[..PICTURE.len() - 9]] {
        let form = page(shop, files, staff).await.text;
        let path = path_of(files, &upload(shop, &form, "cover", file).await.1);
        after_check(shop, &path, staff).await;
        pages.push(path);
    }
    pages.try_into().unwrap()
}

/// The same with the parameters that the bucket adds.
fn address_of(files: &str, address: &str) -> String {
    let parameters = address.split_once('?').map_or("", |(_, parameters)| parameters);
    format!("{}?{parameters}", path_of(files, address))
}

/// How many attempts at this the record on the page has that were refused.
fn attempts(page: &str, deed: &str) -> usize {
    let entries = page.split("<li>").filter_map(|entry| entry.split("</li>").next());
    entries.filter(|entry| entry.contains(deed) && entry.contains("<b>not possible</b>")).count()
}

/// The path to which the bucket sends a browser after an upload.
fn path_of(files: &str, address: &str) -> String {
    let (_, rest) = address.split_once(files).unwrap_or_else(|| panic!("{address} is no page below {files}"));
    format!("{files}{}", rest.split('?').next().unwrap_or_default())
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_bookseller_uploads_a_cover_in_a_browser_sees_it_and_gives_it_to_the_book() {
    let shop = Shop::open().await;
    let now = OffsetDateTime::now_utc();
    let (ana, eva) = (bookseller(&shop, somebody(), now).await, bookseller(&shop, somebody(), now).await);
    let book = imports::new_book(&shop).await;
    let files = format!("/staff/books/{book}/files");
    let shown = page(&shop, &files, &ana).await;
    let policy = shown.header("content-security-policy").to_owned();
    assert!(policy.contains(&format!("form-action 'self' {};", shop.endpoint())), "{policy}");
    let elsewhere = page(&shop, "/staff", &ana).await.header("content-security-policy").to_owned();
    assert!(elsewhere.contains("form-action 'self';"), "{elsewhere}");

    let (status, back) = upload(&shop, &shown.text, "cover", PICTURE).await;
    assert_eq!(status, 303, "{back}");
    let path = path_of(&files, &back);
    let checked = after_check(&shop, &path, &ana).await;
    assert!(checked.contains("/covers/") && checked.contains("width=\"390\" height=\"844\""), "{checked}");
    assert!(shop.get(&format!("/api/books/{book}")).await.json()["cover"].is_null(), "nothing has changed so far");

    let answer = page(&shop, &path, &ana).await;
    let [key, version, hash] = ["key", "version", "hash"].map(|name| hidden(&answer, name));
    let form = |credit: &'static str| {
        [("key", key.as_str()), ("version", &version), ("hash", &hash), ("do", "use"), ("credit", credit)]
    };
    let picture = format!("/staff/covers/{hash}-390.jpg");
    let (of_staff, of_others) = (page(&shop, &picture, &ana).await, shop.get(&picture).await.status);
    assert_eq!((of_staff.status, of_staff.header("content-type"), of_others), (200, "image/jpeg", 404));
    let long: &'static str = "x".repeat(201).leak();
    let refused = send(&shop, &path, &ana, &form(long)).await;
    assert!(refused.status == 422 && refused.text.contains(long), "{}", refused.text);
    for _ in 0..2 {
        let given = send(&shop, &path, &ana, &form(" Luz <b>\tSol ")).await;
        assert_eq!((given.status, given.header("location")), (303, files.as_str()), "{}", given.text);
    }
    let other_credit = send(&shop, &path, &ana, &form("Luna")).await;
    assert_eq!(other_credit.status, 409, "it is no repetition: {}", other_credit.text);
    let cover = shop.get(&format!("/api/books/{book}")).await.json()["cover"].clone();
    assert_eq!(cover["credit"], "Luz <b> Sol", "{cover}");
    let file = cover["files"][2]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    assert_eq!(shop.get(&format!("/covers/{file}")).await.status, 200);
    let public = book_page(&shop, &book).await.text;
    assert!(public.contains("<bdi>Luz &#60;b&#62; Sol</bdi>"), "{public}");

    let key = hidden(&page(&shop, &path, &eva).await, "key");
    let remove =
        |version: &'static str| [("key", key.as_str()), ("version", version), ("kind", "cover"), ("do", "remove")];
    let late = send(&shop, &files, &eva, &remove("")).await;
    assert!(late.status == 409 && late.text.contains("was changed in the meantime"), "{}", late.text);
    let now = page(&shop, &files, &eva).await;
    assert_eq!(attempts(&now.text, "took the cover away"), 1, "{}", now.text);
    assert_eq!(attempts(&now.text, "gave it a cover"), 1, "that with the other credit: {}", now.text);
    assert!(now.text.contains("gave it a cover") && now.text.contains("Luz &#60;b&#62; Sol"), "{}", now.text);
    assert!(now.text.contains(&format!("<bdi>{hash}</bdi>")), "the record has the name of the file: {}", now.text);
    assert_eq!(hidden(&now, "key"), key, "the form that takes it away comes first");
    let version = hidden(&now, "version").replace("&#60;", "<").replace("&#62;", ">");
    let removed = send(&shop, &files, &eva, &remove(version.leak())).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    assert!(shop.get(&format!("/api/books/{book}")).await.json()["cover"].is_null());
    assert!(page(&shop, &files, &ana).await.text.contains("took the cover away"));
    assert_eq!(send(&shop, &path, &ana, &form(" Luz <b>\tSol ")).await.status, 303, "it has been done before");
    assert!(shop.get(&format!("/api/books/{book}")).await.json()["cover"].is_null(), "and does not come back");
    let shown_again = page(&shop, &path, &ana).await;
    let [version, hash] = ["version", "hash"].map(|name| hidden(&shown_again, name));
    let on_purpose = [("key", hidden(&shown_again, "key")), ("version", version), ("hash", hash), ("do", "use".into())];
    let on_purpose: Vec<(&str, &str)> = on_purpose.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(send(&shop, &path, &ana, &on_purpose).await.status, 303);
    assert!(shop.get(&format!("/api/books/{book}")).await.json()["cover"].is_object(), "a new form does");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_refused_upload_shows_its_reason_in_both_languages_and_a_sample_chapter_is_saved_by_readers() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let book = imports::new_book(&shop).await;
    let files = format!("/staff/books/{book}/files");
    let pdf = pdf();
    let form = page(&shop, &files, &ana).await.text;
    let (_, back) = upload(&shop, &form, "sample", &pdf).await;
    let path = path_of(&files, &back);
    after_check(&shop, &path, &ana).await;
    let shown = page(&shop, &path, &ana).await;
    let [key, hash] = ["key", "hash"].map(|name| hidden(&shown, name));
    let form = [("key", key.as_str()), ("version", ""), ("hash", &hash), ("do", "use")];
    let used = send(&shop, &path, &ana, &form).await;
    assert_eq!(used.status, 303, "{}", used.text);
    saved_by_readers(&shop, book, &pdf).await;

    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let script = [b"%PDF-1.4\n1 0 obj<</S/JavaScript/JS(app.alert)>>endobj\n".as_slice(), b"%%EOF"].concat();
    let chapter = hidden(&page(&shop, &files, &ana).await, "version");
    for (of, version, file, english, spanish) in [
        ("cover", "", &svg[..], "The file is an SVG drawing", "El archivo es un dibujo SVG"),
        ("cover", "", b"", "The file is empty", "El archivo está vacío"),
        ("sample", &chapter, &script, "The PDF has a script", "El PDF lleva un programa (script)"),
    ] {
        let form = page(&shop, &files, &ana).await.text;
        let (_, back) = upload(&shop, &form, of, file).await;
        let path = path_of(&files, &back);
        let checked = after_check(&shop, &path, &ana).await;
        assert!(checked.contains(english) && !checked.contains("value=\"use\""), "{checked}");
        let spanish_page = page(&shop, &format!("{path}?lang=es"), &ana).await.text;
        assert!(spanish_page.contains(spanish), "{spanish_page}");
        let forced = send(&shop, &path, &ana, &[("key", key.as_str()), ("version", version), ("do", "use")]).await;
        assert_eq!(forced.status, 409, "{}", forced.text);
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_form_that_is_sent_again_with_another_file_shows_and_uses_that_one() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let book = imports::new_book(&shop).await;
    let files = format!("/staff/books/{book}/files");
    let form = page(&shop, &files, &ana).await.text;
    let mut shown = Vec::new();
    for file in [own_pdf(), own_pdf()] {
        let (_, back) = upload(&shop, &form, "sample", &file).await;
        let address = address_of(&files, &back);
        after_check(&shop, &address, &ana).await;
        let answer = page(&shop, &address, &ana).await;
        shown.push((path_of(&files, &back), hidden(&answer, "key"), hidden(&answer, "hash")));
    }
    let [(path, key, first), (same, _, second)] = &shown[..] else { panic!("two uploads") };
    assert_eq!(path, same);
    assert_ne!(first, second, "the page waits for the result of the second file");
    let form = |hash| [("key", key.as_str()), ("version", ""), ("hash", hash), ("do", "use")];
    let late = send(&shop, path, &ana, &form(first)).await;
    assert!(late.status == 409 && hidden(&late, "hash") == *second, "{}", late.text);
    assert_eq!(shop.get(&format!("/books/{book}/sample")).await.status, 404, "nothing has changed");
    assert_eq!(attempts(&page(&shop, &files, &ana).await.text, "gave it a sample chapter"), 1);
    assert_eq!(send(&shop, path, &ana, &form(second)).await.status, 303);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_page_of_an_upload_that_never_was_says_so() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let book = imports::new_book(&shop).await;
    // The second id has a time, of long ago.
    for id in [Uuid::new_v4().to_string(), "019ac4a0-0000-7000-8000-000000000000".to_owned()] {
        let answer = page(&shop, &format!("/staff/books/{book}/files/covers/{id}?lang=en"), &ana).await.text;
        assert!(answer.contains("There is no checked file here") && !answer.contains("data-wait"), "{answer}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_checked_file_that_has_expired_is_given_to_no_book() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let book = imports::new_book(&shop).await;
    let files = format!("/staff/books/{book}/files");
    let form = page(&shop, &files, &ana).await.text;
    let (_, back) = upload(&shop, &form, "sample", &own_pdf()).await;
    let path = path_of(&files, &back);
    after_check(&shop, &path, &ana).await;
    let shown = page(&shop, &path, &ana).await;
    let [key, hash] = ["key", "hash"].map(|name| hidden(&shown, name));
    let expired = format!("checked/samples/{hash}.pdf");
    s3(&shop).delete_object().bucket(BUCKET).key(&expired).send().await.unwrap();
    let form = [("key", key.as_str()), ("version", ""), ("hash", &hash), ("do", "use")];
    let late = send(&shop, &path, &ana, &form).await;
    assert!(late.status == 409 && late.text.contains("The checked file is no longer kept"), "{}", late.text);
    assert_eq!(shop.get(&format!("/books/{book}/sample")).await.status, 404);
    let record = page(&shop, &files, &ana).await.text;
    assert_eq!(record.matches("gave it a sample chapter").count(), 1, "{record}");
    assert_eq!(attempts(&record, "gave it a sample chapter"), 1, "only the attempt is recorded: {record}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_file_that_cannot_be_removed_from_the_bucket_is_named_by_the_page_and_by_the_command() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let path = env::temp_dir().join(format!("anaquel-chapter-{}.pdf", Uuid::new_v4()));
    let pdf = own_pdf();
    fs::write(&path, &pdf).unwrap();
    let [one, other] = [imports::new_book(&shop).await, imports::new_book(&shop).await].map(|book| book.to_string());
    for book in [&one, &other] {
        run(&["samples", "add", book, path.to_str().unwrap()]).await.unwrap();
    }
    fs::remove_file(&path).unwrap();
    let s3 = s3(&shop);
    let hash = checked(&s3, "samples", &pdf).await["hash"].as_str().unwrap().to_owned();
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let lock = sqlx::query_scalar("select get_lock(concat('anaquel ', ?), 1)").bind(&hash);
    let locked: Option<i64> = lock.fetch_one(&mut root).await.unwrap();
    assert_eq!(locked, Some(1), "somebody is changing the file for long");

    let removed = run(&["samples", "remove", &one]).await.unwrap();
    assert!(removed.contains("has no sample chapter any more"), "{removed}");
    assert!(removed.contains(&format!("The file {hash} ")) && removed.contains("\"Take a file down\""), "{removed}");

    let files = format!("/staff/books/{other}/files");
    let version = hidden(&page(&shop, &files, &ana).await, "version");
    let key = hidden(&page(&shop, &format!("/staff/books/{other}"), &ana).await, "key");
    let form = [("key", key.as_str()), ("version", &version), ("kind", "sample"), ("do", "remove")];
    let answer = send(&shop, &files, &ana, &form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.text.contains("could not be removed from the bucket") && answer.text.contains("role=\"alert\""));
    assert!(answer.text.contains(&format!("<bdi>{hash}</bdi>")), "the record names it: {}", answer.text);
    assert_eq!(send(&shop, &files, &ana, &form).await.status, 303, "it has been done before");
    for book in [&one, &other] {
        assert_eq!(shop.get(&format!("/books/{book}/sample")).await.status, 404, "no book has it");
    }
    assert!(read(&s3, &format!("samples/{hash}.pdf")).await.is_some());
}
