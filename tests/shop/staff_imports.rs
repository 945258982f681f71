//! Files of books on the pages of the staff: uploaded by the form of the page, previewed, and imported once.

use std::time::Duration;

use reqwest::{header, redirect::Policy};
use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    account::hidden,
    cart::{page, send},
    imports,
    staff_pages::{bookseller, somebody},
    support::{Answer, Shop, eventually, http},
};

const WITHIN: Duration = Duration::from_mins(2);

/// The form of the page: its address, and its fields.
fn form_of(page: &Answer) -> (String, Vec<(String, String)>) {
    let form = page.text.split("enctype=\"multipart/form-data\"").next().unwrap();
    let action = form.rsplit("action=\"").next().unwrap().split('"').next().unwrap().to_owned();
    let fields = page.text.split("multipart/form-data").nth(1).unwrap().split("</form>").next().unwrap();
    let fields = fields.split("type=\"hidden\" name=\"").skip(1).map(|field| {
        let mut parts = field.split('"');
        (parts.next().unwrap().to_owned(), parts.nth(1).unwrap().to_owned())
    });
    (action, fields.collect())
}

/// Sends a file with a form of the page, as a browser does; returns where the bucket leads, as a path of the shop.
async fn upload(shop: &Shop, form: &(String, Vec<(String, String)>), csv: &str) -> String {
    upload_as(shop, form, "text/csv", csv.as_bytes()).await
}

/// The same with an encoding that the bookseller has chosen.
async fn upload_as(shop: &Shop, form: &(String, Vec<(String, String)>), content_type: &str, csv: &[u8]) -> String {
    const BOUNDARY: &str = "a-boundary";
    let (action, fields) = form;
    let content_type = ("Content-Type".to_owned(), content_type.to_owned());
    let parts =
        fields.iter().chain([&content_type]).map(|(name, value)| (format!("name=\"{name}\""), value.as_bytes()));
    let parts = parts.chain([("name=\"file\"; filename=\"a.csv\"".to_owned(), csv)]);
    let parts = parts.map(|(name, value)| {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {name}\r\n\r\n");
        [head.as_bytes(), value, b"\r\n"].concat()
    });
    let body: Vec<Vec<u8>> = parts.chain([format!("--{BOUNDARY}--\r\n").into_bytes()]).collect();
    let browser = http().no_proxy().redirect(Policy::none()).build().unwrap();
    let request = browser.post(action).body(body.concat());
    let request = request.header(header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let location = answer.headers()[header::LOCATION].to_str().unwrap();
    location.strip_prefix(shop.url()).unwrap_or_else(|| panic!("{location} is not in the shop")).to_owned()
}

/// The address and the page of a preview or an import, once it has ended. The bucket leads to the first address.
async fn read(shop: &Shop, landing: &str, cookies: &str) -> (String, Answer) {
    let path = eventually(WITHIN, async || {
        let answer = page(shop, landing, cookies).await;
        if answer.status == 303 { Ok(answer.header("location").to_owned()) } else { Err(answer.text) }
    });
    let path = path.await;
    let shown = ended(shop, &path, cookies).await;
    (path, shown)
}

async fn ended(shop: &Shop, path: &str, cookies: &str) -> Answer {
    eventually(WITHIN, async || {
        let answer = page(shop, path, cookies).await;
        if answer.text.contains(" data-wait") { Err(answer.text) } else { Ok(answer) }
    })
    .await
}

/// Uploads a file with a new form, and returns the address and the page of its preview.
pub async fn preview(shop: &Shop, csv: &str, cookies: &str) -> (String, Answer) {
    let form = form_of(&page(shop, "/staff/imports", cookies).await);
    read(shop, &upload(shop, &form, csv).await, cookies).await
}

async fn price(shop: &Shop, book: u64) -> u64 {
    shop.get(&format!("/api/books/{book}")).await.json()["price"]["minor"].as_u64().unwrap()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_file_is_previewed_before_it_changes_books_and_imported_once() {
    let shop = Shop::open().await;
    let (ana, eva) = (somebody(), somebody());
    let now = OffsetDateTime::now_utc();
    let (of_ana, of_eva) = (bookseller(&shop, ana, now).await, bookseller(&shop, eva, now).await);
    let id = Uuid::new_v4().simple().to_string();
    let known = imports::priced(&shop, &format!("{id}-1"), "19.95,EUR", 3).await;
    let list = page(&shop, "/staff/imports", &of_ana).await;
    let policy = list.header("content-security-policy");
    assert!(policy.contains(&format!("form-action 'self' {};", shop.endpoint())), "{policy}");
    let elsewhere = page(&shop, "/staff/messages", &of_ana).await;
    assert!(elsewhere.header("content-security-policy").contains("form-action 'self';"));

    let csv = format!(
        "reference,title,authors,price,prize\n\
         {id}-1,Libro {id}-1,Nadie,18.00,x\n\
         {id}-2,Zanahorias {id},Ana Uno,12.50,x\n\
         {id}-3,,=cmd(),1.00,x\n"
    );
    let form = form_of(&list);
    let landing = upload(&shop, &form, &csv).await;
    let (path, shown) = read(&shop, &landing, &of_ana).await;
    for text in [
        "Read; nothing has changed",
        "1 new · 1 changed · 0 unchanged · 1 refused",
        "19.95 EUR",
        "18.00 EUR",
        &format!("Zanahorias {id}"),
        "title: must not be blank",
        "line 1: columns not read: prize",
        "uploaded",
    ] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert!(shown.text.contains(&format!("{ana}@shop.example")), "{}", shown.text);
    assert_eq!(price(&shop, known).await, 1_995, "a preview changes nothing");
    let search = format!("/api/books?q=zanahorias+{id}");
    assert_eq!(shop.get(&search).await.json()["items"].as_array().unwrap().len(), 0);

    let key = hidden(&page(&shop, &path, &of_eva).await, "key");
    let of_stranger = send(&shop, &path, &of_ana, &[("key", key.as_str()), ("do", "import")]).await;
    assert_eq!(of_stranger.status, 409, "the key of another session");
    for _ in 0..2 {
        let run = send(&shop, &path, &of_eva, &[("key", key.as_str()), ("do", "import")]).await;
        assert_eq!((run.status, run.header("location")), (303, path.as_str()), "{}", run.text);
    }
    let run = ended(&shop, &path, &of_ana).await;
    let link = run.text.split("id=\"run\"><a href=\"").nth(1).unwrap().split('"').next().unwrap();
    let imported = page(&shop, link, &of_ana).await.text;
    assert!(
        imported.contains("Imported") && imported.contains("1 new · 1 changed · 0 unchanged · 1 refused"),
        "{imported}"
    );
    assert_eq!(price(&shop, known).await, 1_800);
    assert_eq!(shop.get(&search).await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(run.text.matches("had imported").count(), 1, "{}", run.text);
    assert!(run.text.contains(&format!("{eva}@shop.example")), "{}", run.text);

    // Should the file be copied once more, for example because the form was sent twice.
    imports::priced(&shop, &format!("{id}-1"), "17.00,EUR", 3).await;
    let number = path.rsplit('/').next().unwrap();
    let event = json!({ "Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T03:00:00.000Z",
        "eventName": "ObjectCreated:Copy",
        "userIdentity": { "principalId": "EXAMPLE" },
        "requestParameters": { "sourceIPAddress": "127.0.0.1" },
        "responseElements": { "x-amz-request-id": "EXAMPLE123456789" },
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {
                "name": "anaquel-local-imports-000000000000-us-east-1",
                "arn": "arn:aws:s3:::anaquel-local-imports-000000000000-us-east-1",
            },
            "object": { "key": format!("incoming/previewed/{number}.csv"), "size": 64, "sequencer": "another" },
        },
    }] });
    shop.invoke_with("anaquel-local-import-catalogue", &event).await;
    assert_eq!(price(&shop, known).await, 1_700, "a preview is imported once");

    let (_, again) = preview(&shop, &csv, &of_ana).await;
    assert!(again.text.contains("0 new · 1 changed · 1 unchanged · 1 refused"), "{}", again.text);
    let key = hidden(&page(&shop, &path, &of_ana).await, "key");
    assert_eq!(key, "", "a preview that was imported has no form");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn refused_rows_are_mended_in_a_file_of_their_own_and_a_file_without_our_columns_is_refused_as_a_whole() {
    let shop = Shop::open().await;
    let cookies = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let id = Uuid::new_v4().simple().to_string();
    let csv = format!("reference;title;authors\n{id}-1;;=cmd()\n{id}-2;\"Uno\nDos\";\n");
    let (path, shown) = preview(&shop, &csv, &cookies).await;
    assert!(shown.text.contains("0 new · 0 changed · 0 unchanged · 2 refused"), "{}", shown.text);
    assert!(shown.text.contains("There is nothing to import."), "{}", shown.text);

    let file = page(&shop, &format!("{path}/refused.csv"), &cookies).await;
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"refused-"));
    let mended = file.text.replace(&format!("{id}-1;;"), &format!("{id}-1;Berenjenas {id};"));
    assert!(file.text.contains("\"=\"\"=cmd()\"\"\";2;title: must not be blank"), "no formula: {}", file.text);
    let (_, shown) = preview(&shop, &mended, &cookies).await;
    // The author is a formula, which an import refuses.
    assert!(shown.text.contains("0 new · 0 changed · 0 unchanged · 2 refused"), "{}", shown.text);
    let (_, shown) = preview(&shop, &mended.replace("\"=\"\"=cmd()\"\"\"", "Ana Uno"), &cookies).await;
    assert!(shown.text.contains("1 new · 0 changed · 0 unchanged · 1 refused"), "{}", shown.text);
    // The key of a session's forms is the same on each page.
    let form = [("key", hidden(&shown, "key")), ("do", "import".to_owned())];
    let nothing = send(&shop, &path, &cookies, &form).await;
    assert_eq!(
        (nothing.status, nothing.text.matches("There is nothing to import.").count()),
        (409, 2),
        "{}",
        nothing.text
    );

    let (_, shown) = preview(&shop, "name;price\nx;1\n", &cookies).await;
    assert!(shown.text.contains("The file was refused as a whole"), "{}", shown.text);
    assert!(shown.text.contains("it needs the columns reference, title, authors"), "{}", shown.text);
    let list = page(&shop, "/staff/imports", &cookies).await.text;
    assert!(list.contains("The file was refused as a whole") && list.contains(&format!("href=\"{path}\"")), "{list}");
    let made_up = format!("/staff/imports/uploads/{}", Uuid::new_v4());
    assert_eq!(page(&shop, &made_up, &cookies).await.status, 404, "the shop has given no such id");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_file_that_was_replaced_or_removed_since_its_preview_is_not_imported() {
    let shop = Shop::open().await;
    let cookies = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let id = Uuid::new_v4().simple().to_string();
    let csv = |title: &str| format!("reference,title,authors\n{id},{title} {id},Nadie\n");
    let form = form_of(&page(&shop, "/staff/imports", &cookies).await);
    let landing = upload(&shop, &form, &csv("Uno")).await;
    let (first, _) = read(&shop, &landing, &cookies).await;
    upload(&shop, &form, &csv("Dos")).await;
    let (second, _) = read(&shop, &landing, &cookies).await;
    assert_ne!(second, first, "the preview of the first file is not shown as that of the second");
    let run = async |path: &str| {
        let key = hidden(&page(&shop, path, &cookies).await, "key");
        send(&shop, path, &cookies, &[("key", key.as_str()), ("do", "import")]).await
    };
    let replaced = run(&first).await;
    assert!(replaced.status == 409 && replaced.text.contains("Another file was uploaded"), "{}", replaced.text);

    let config = aws_sdk_s3::config::Builder::from(&shop.sdk()).force_path_style(true).build();
    let upload = landing.split(['?', '/']).nth(4).unwrap();
    let removing = aws_sdk_s3::Client::from_conf(config);
    let removing = removing.delete_object().bucket("anaquel-local-imports-000000000000-us-east-1");
    removing.key(format!("previews/{upload}.csv")).send().await.unwrap();
    let gone = run(&second).await;
    assert!(gone.status == 409 && gone.text.contains("no longer kept"), "{}", gone.text);
    assert!(gone.text.contains("not possible"), "the refusal is recorded: {}", gone.text);
    let found = shop.get(&format!("/api/books?q={id}")).await.json();
    assert_eq!(found["items"].as_array().unwrap().len(), 0, "{found}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_file_that_is_uploaded_again_in_another_encoding_has_a_preview_of_its_own_and_each_imports_what_it_shows() {
    let shop = Shop::open().await;
    let cookies = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let id = Uuid::new_v4().simple().to_string();
    let csv = [
        format!("reference,title,authors\n{id}-1,Zanahorias {id},Nadie\n{id}-2,Caf").as_bytes(),
        b"\xe9",
        format!(" {id},Nadie\n").as_bytes(),
    ]
    .concat();
    let form = form_of(&page(&shop, "/staff/imports", &cookies).await);
    let landing = upload_as(&shop, &form, "text/csv", &csv).await;
    let (first, shown) = read(&shop, &landing, &cookies).await;
    assert!(shown.text.contains("1 new · 0 changed · 0 unchanged · 1 refused"), "{}", shown.text);
    let landing = upload_as(&shop, &form, "text/csv; charset=windows-1252", &csv).await;
    let (second, shown) = read(&shop, &landing, &cookies).await;
    assert_ne!(second, first, "the file is the same, and how it is read is not");
    assert!(shown.text.contains("2 new · 0 changed · 0 unchanged · 0 refused"), "{}", shown.text);
    for (path, counts) in [
        (&first, "1 new · 0 changed · 0 unchanged · 1 refused"),
        (&second, "1 new · 0 changed · 1 unchanged · 0 refused"),
    ] {
        let key = hidden(&page(&shop, path, &cookies).await, "key");
        let run = send(&shop, path, &cookies, &[("key", key.as_str()), ("do", "import")]).await;
        assert_eq!(run.status, 303, "{}", run.text);
        let run = ended(&shop, path, &cookies).await.text;
        assert!(run.contains("Imported") && run.contains(counts), "{path}: {run}");
    }
    let found = shop.get(&format!("/api/books?q=café+{id}")).await.json();
    assert_eq!(found["items"][0]["title"], format!("Café {id}"), "{found}");
}
