//! A bookseller uploads a file in a browser: the form leads to the bucket and back to the shop, where the session still counts.

use std::{env, fs};

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::tab::{DESK, Look, Tab};
use crate::{imports, staff_pages, support::Shop};

const TABLET: Look = Look { width: 820, ..DESK };

/// Signs a bookseller in, with a cookie as the sign-in sets it.
async fn sign_in(tab: &Tab<'_>) {
    let cookie = staff_pages::bookseller(tab.shop, staff_pages::somebody(), OffsetDateTime::now_utc()).await;
    let (name, value) = cookie.split_once('=').unwrap();
    let cookie = json!({ "name": name, "value": value, "url": tab.shop.url(), "httpOnly": true, "sameSite": "Lax" });
    tab.call("Network.setCookie", cookie).await;
}

/// Chooses a file with this text in the field.
async fn attach(tab: &Tab<'_>, selector: &str, text: &str) {
    let path = env::temp_dir().join(format!("{}.csv", Uuid::new_v4()));
    fs::write(&path, text).unwrap();
    let field = json!({ "expression": format!("document.querySelector({})", json!(selector)) });
    let field = tab.call("Runtime.evaluate", field).await["result"]["objectId"].clone();
    tab.call("DOM.setFileInputFiles", json!({ "files": [path], "objectId": field })).await;
}

#[ignore = "needs a browser"]
#[tokio::test]
async fn a_bookseller_uploads_a_file_sees_what_it_would_do_and_has_it_imported() {
    let looks = [DESK, TABLET, Look { script: false, ..DESK }].map(|look| Look { language: "en", ..look });
    let shop = Shop::open().await;
    let bucket = format!("{}/anaquel-local-imports-000000000000-us-east-1", shop.endpoint());
    for look in looks {
        let tab = Tab::open(&shop, look).await;
        upload_and_import(&tab).await;
        tab.close_after_upload(Some(&bucket)).await;
    }
}

async fn upload_and_import(tab: &Tab<'_>) {
    sign_in(tab).await;
    let id = Uuid::new_v4().simple().to_string();
    let book = imports::priced(tab.shop, &id, "19.95,EUR", 3).await;
    tab.go("/staff").await;
    tab.click("a[href='/staff/imports']").await;
    tab.arrive("/staff/imports").await;
    let csv = format!("reference,title,authors,price\n{id},Libro {id},Nadie,18.00\n{id}-2,Zanahorias,Nadie,9.00\n");
    attach(tab, "#file", &csv).await;
    tab.click("form[enctype] button").await;
    tab.see(".outcome", "1 new · 1 changed · 0 unchanged · 0 refused").await;
    tab.see("section[aria-labelledby=changes]", "19.95 EUR").await;
    tab.click("button[value=import]").await;
    tab.see("section[aria-labelledby=run]", "Imported").await;
    let imported = tab.shop.get(&format!("/api/books/{book}")).await.json();
    assert_eq!(imported["price"]["minor"], 1_800, "{imported}");
}
