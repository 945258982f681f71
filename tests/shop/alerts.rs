//! Mails when a book is back: from the form on its page to the mailbox, which is the emulator's list of sent mails.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection};
use uuid::Uuid;

use crate::{
    account::customer,
    cart::{cookie, page, send},
    imports, mails, order_queue, staff,
    support::{Answer, Shop, eventually, variable},
};

const WITHIN: Duration = Duration::from_mins(1);

/// Sends a request to the queue, as the form of the book's page does, and returns its status.
async fn ask(shop: &Shop, book: u64, cookies: &str, email: &str, key: &str) -> (Answer, Value) {
    let fields = [("email", email), ("key", key)];
    let fields: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    let asked = send(shop, &format!("/alerts/{book}"), cookies, &fields).await;
    assert_eq!(asked.status, 303, "{}", asked.text);
    let status = shop.final_status(&status_of(&asked)).await;
    (asked, status)
}

/// The API's address of the submission that an answer leads to.
fn status_of(answer: &Answer) -> String {
    format!("/api{}", answer.header("location").split('?').next().unwrap())
}

/// The mails to a mailbox, once there are so many, with sweeps until then.
async fn mails_to(shop: &Shop, email: &str, count: usize) -> Vec<Value> {
    eventually(WITHIN, async || {
        order_queue::sweep(shop).await;
        let mails = mails::sent(shop, |mail| mail["To"] == json!([email])).await;
        if mails.len() < count { Err(format!("{mails:?}")) } else { Ok(mails) }
    })
    .await
}

/// The paths of the links in a mail that lead to an alert: to confirm it, if the mail asks for that, and to end it.
fn links(mail: &Value) -> Vec<String> {
    let text = mail["BodyText"].as_str().unwrap();
    let parts = text.split("/alerts/").skip(1);
    parts.map(|part| format!("/alerts/{}", part.split_whitespace().next().unwrap())).collect()
}

async fn receive(shop: &Shop, book: u64) {
    let change = json!({
        "task": "change-stock", "id": Uuid::new_v4(), "book": book.to_string(), "change": { "received": 1 }, "reason": "x",
    });
    let changed = staff::task(shop, change).await;
    assert_eq!(changed["stock"], 1, "{changed}");
}

/// Alerts of an address in the database.
async fn rows_of(email: &str) -> i64 {
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let count = "select count(*) from anaquel.stock_alerts where email = ?";
    sqlx::query_scalar(count).bind(email).fetch_one(&mut root).await.unwrap()
}

/// A press on the button of a link, without cookies.
async fn press(shop: &Shop, link: &str) -> Answer {
    send(shop, link, "", &[("x", "y")]).await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_guest_who_confirms_gets_one_mail_when_the_book_is_back() {
    let shop = Shop::open().await;
    let book = imports::book_on_sale(&shop, 0).await;
    let (email, key) = (order_queue::buyer(), Uuid::new_v4().to_string());
    let shown = page(&shop, &format!("/books/{book}-x"), "").await;
    let shown = if shown.status == 301 { page(&shop, shown.header("location"), "").await } else { shown };
    assert!(shown.text.contains(&format!("action=\"/alerts/{book}\"")), "{}", shown.text);
    let (asked, status) = ask(&shop, book, "", &email, &key).await;
    assert_eq!(status["status"], "published", "{status}");
    // A double click, and another form of somebody else for the same address.
    let visitor = cookie(&asked, "visitor");
    let again = ask(&shop, book, &visitor, &email, &key).await.0;
    assert_eq!(again.header("location"), asked.header("location"));
    let other = imports::book_on_sale(&shop, 0).await;
    ask(&shop, other, "", &email, &Uuid::new_v4().to_string()).await;
    let confirmation = mails_to(&shop, &email, 1).await;
    assert_eq!(confirmation.len(), 1, "{confirmation:?}");
    let confirm = links(&confirmation[0])[0].clone();

    // What opens links by itself confirms nothing.
    for method in [Method::GET, Method::HEAD] {
        assert_eq!(shop.send(method, &confirm, &[], None).await.status, 200);
    }
    for _ in 0..2 {
        let pressed = press(&shop, &confirm).await;
        assert_eq!(pressed.status, 303, "{}", pressed.text);
        let status = shop.final_status(&status_of(&pressed)).await;
        assert_eq!(status["status"], "published", "{status}");
        let shown = page(&shop, pressed.header("location"), "").await.text;
        assert!(shown.contains("Your address is confirmed"), "{shown}");
    }
    receive(&shop, other).await;
    receive(&shop, book).await;
    let mails = mails_to(&shop, &email, 2).await;
    let back = mails.iter().find(|mail| mail["BodyText"].as_str().unwrap().contains(&format!("/books/{book}-")));
    assert_eq!((mails.len(), links(back.expect("the book's address")).len()), (2, 1), "{mails:?}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_link_that_the_shop_did_not_make_is_no_page_and_one_of_another_book_changes_only_that_one() {
    let shop = Shop::open().await;
    let (one, other) = (imports::book_on_sale(&shop, 0).await, imports::book_on_sale(&shop, 0).await);
    let (ana, eva) = (order_queue::buyer(), order_queue::buyer());
    ask(&shop, one, "", &ana, &Uuid::new_v4().to_string()).await;
    ask(&shop, other, "", &eva, &Uuid::new_v4().to_string()).await;
    let (of_one, of_other) = (mails_to(&shop, &ana, 1).await, mails_to(&shop, &eva, 1).await);
    let (of_one, of_other) = (links(&of_one[0])[0].clone(), links(&of_other[0])[0].clone());
    let mixed = format!("{}.{}", of_one.split('.').next().unwrap(), of_other.split('.').nth(1).unwrap());
    for link in [mixed, format!("{of_one}x"), "/alerts/x".to_owned(), format!("{of_one}/x")] {
        assert_eq!(page(&shop, &link, "").await.status, 404, "{link}");
        assert_eq!(press(&shop, &link).await.status, 404, "{link}");
    }
    let pressed = press(&shop, &of_other).await;
    assert!(pressed.header("location").ends_with(&format!("?book={other}")), "{}", pressed.header("location"));
    shop.final_status(&status_of(&pressed)).await;
    receive(&shop, one).await;
    receive(&shop, other).await;
    assert_eq!(mails_to(&shop, &eva, 2).await.len(), 2);
    assert_eq!(mails_to(&shop, &ana, 1).await.len(), 1, "nobody has confirmed this one");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_mail_program_ends_an_alert_with_one_request_and_no_other_mail_comes() {
    let shop = Shop::open().await;
    let book = imports::book_on_sale(&shop, 0).await;
    let email = order_queue::buyer();
    ask(&shop, book, "", &email, &Uuid::new_v4().to_string()).await;
    let confirmation = mails_to(&shop, &email, 1).await.remove(0);
    let [confirm, end] = &links(&confirmation)[..] else { panic!("{confirmation}") };
    assert!(page(&shop, end, "").await.text.contains("<form method=\"post\""));
    // As RFC 8058 has it: from elsewhere, without cookies, and in either form of a body.
    let one_click = "List-Unsubscribe=One-Click";
    let boundary = "--b\r\ncontent-disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n";
    for (kind, body) in
        [("application/x-www-form-urlencoded", one_click), ("multipart/form-data; boundary=b", boundary)]
    {
        let ended = shop.send(Method::POST, end, &[("content-type", kind)], Some(body.to_owned())).await;
        assert_eq!(ended.status, 200, "{}", ended.text);
    }
    eventually(WITHIN, async || match rows_of(&email).await {
        0 => Ok(()),
        rows => Err(format!("{rows} alerts")),
    })
    .await;
    let late = press(&shop, confirm).await;
    let status = shop.final_status(&status_of(&late)).await;
    assert_eq!(status["code"], "no_such_alert", "{status}");
    receive(&shop, book).await;
    assert_eq!(mails_to(&shop, &email, 1).await.len(), 1);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_customer_needs_no_address_and_who_has_neither_sees_the_form_again() {
    let shop = Shop::open().await;
    let book = imports::book_on_sale(&shop, 0).await;
    let ana = customer(&shop).await;
    let (_, status) = ask(&shop, book, &ana.cookies, "", &Uuid::new_v4().to_string()).await;
    assert_eq!(status["status"], "published", "{status}");
    receive(&shop, book).await;
    let mails = mails_to(&shop, &format!("{}@example.org", ana.subject), 1).await;
    assert_eq!((mails.len(), links(&mails[0]).len()), (1, 1), "{mails:?}");
    let (_, there) = ask(&shop, book, &ana.cookies, "", &Uuid::new_v4().to_string()).await;
    assert_eq!(there["code"], "in_stock", "{there}");

    let path = format!("/alerts/{book}");
    for fields in [&[("key", "x")][..], &[("email", "ana@"), ("key", "x")]] {
        let refused = send(&shop, &path, "", fields).await;
        assert!(refused.status == 422 && refused.text.contains("id=\"email-error\""), "{}", refused.text);
    }
    let trapped = send(&shop, &path, "", &[("email", "ana@example.org"), ("remarks", "x")]).await;
    assert_eq!(trapped.status, 422);
    let foreign = [("origin", "https://evil.example"), ("content-type", "application/x-www-form-urlencoded")];
    let refused = shop.send(Method::POST, &path, &foreign, Some("email=ana%40example.org".into())).await;
    assert_eq!(refused.status, 403);
}
