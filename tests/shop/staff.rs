//! Staff tasks.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::domain::VisitorId;
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use uuid::Uuid;

use crate::{
    cart, imports, orders,
    support::{Shop, bookstore, text, variable},
};

pub async fn task(shop: &Shop, task: Value) -> Value {
    shop.invoke_with("anaquel-local-run-staff-task", &task).await["content"].clone()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_is_open_until_it_is_marked_as_answered() {
    let shop = Shop::open().await;
    let subject = format!("Un libro {}", Uuid::new_v4());
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "¿Lo tienen?" });
    let answer = shop.post("/api/contact", &[], &message).await;
    shop.final_status(answer.header("location")).await;

    let open = async || {
        let messages = task(&shop, json!({ "task": "list-messages", "open": true })).await;
        let messages = messages.as_array().expect("messages").clone();
        messages.into_iter().find(|message| message["subject"] == json!(subject))
    };
    let found = open().await.expect("the message");
    assert_eq!((&found["email"], &found["answered_at"]), (&json!("ana@example.org"), &Value::Null));
    let answered = task(&shop, json!({ "task": "mark-answered", "message": found["id"] })).await;
    assert!(answered["answered_at"].is_string(), "{answered}");
    assert_eq!(open().await, None);
}

/// The local stage keeps answered messages for 365 days (`keep_answered_days`).
#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_answered_longer_ago_than_the_stage_keeps_it_is_removed_when_messages_are_listed() {
    let shop = Shop::open().await;
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let mut sent = Vec::new();
    for days in [364, 366] {
        let subject = format!("Un libro {}", Uuid::new_v4());
        let message =
            json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "¿Lo tienen?" });
        let answer = shop.post("/api/contact", &[], &message).await;
        shop.final_status(answer.header("location")).await;
        sqlx::query(
            "update anaquel.contact_messages set answered_at = utc_timestamp() - interval ? day where subject = ?",
        )
        .bind(days)
        .bind(&subject)
        .execute(&mut root)
        .await
        .unwrap();
        sent.push(subject);
    }

    task(&shop, json!({ "task": "list-messages", "open": false })).await;
    let kept: Vec<String> = sqlx::query_scalar("select subject from anaquel.contact_messages where subject in (?, ?)")
        .bind(&sent[0])
        .bind(&sent[1])
        .fetch_all(&mut root)
        .await
        .unwrap();
    assert_eq!(kept, [sent[0].clone()]);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_search_that_finds_nothing_is_listed_without_who_searched() {
    let shop = Shop::open().await;
    let word = format!("nowhere{}", Uuid::new_v4().simple());
    for page in
        [format!("/api/books?q={word}"), format!("/books?q=The%20{word}!"), format!("/api/books?q={word}&genre=poetry")]
    {
        shop.get(&page).await;
    }
    let misses = task(&shop, json!({ "task": "list-search-misses", "limit": 5000 })).await;
    let misses = misses["misses"].as_array().expect("misses");
    let searches =
        |query: String| misses.iter().find(|miss| miss["query"] == json!(query)).map(|miss| miss["searches"].clone());
    assert_eq!(searches(word.clone()), Some(json!(1)), "{misses:?}");
    assert_eq!(searches(format!("the {word}")), Some(json!(1)));
    assert!(misses.iter().all(|miss| miss.as_object().unwrap().len() == 3));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_hidden_review_disappears_and_its_author_sees_the_reason() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let location = shop.rate(book, &json!({ "stars": 1, "review": "¡Fuera!" })).await;
    shop.final_status(&location).await;
    let path = format!("/api/books/{book}");
    let shown = shop.get(&format!("{path}/ratings")).await.json();

    let id = &shown["items"][0]["id"];
    let hidden = task(&shop, json!({ "task": "hide-review", "rating": id })).await;
    assert_eq!((&hidden["review"], hidden["hidden_at"].is_string()), (&json!("¡Fuera!"), true));
    let after = shop.get(&path).await.json();
    assert_eq!((&after["histogram"], &after["reviews"]), (&json!([0, 0, 0, 0, 0]), &json!([])));
    assert_eq!(shop.get(&location).await.json()["reason"], "The shop has hidden it.");

    task(&shop, json!({ "task": "unhide-review", "rating": id })).await;
    assert_eq!(shop.get(&format!("{path}/ratings")).await.json(), shown);
    assert_eq!(task(&shop, json!({ "task": "hide-review", "rating": u32::MAX })).await, Value::Null);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_erased_visitor_leaves_nothing_behind() {
    let shop = Shop::open().await;
    let (visitor, subject) = (Uuid::new_v4().to_string(), Uuid::new_v4().to_string());
    let cookie = format!("visitor={visitor}");
    let mut books = Vec::new();
    for _ in 0..2 {
        let book = imports::new_book(&shop).await;
        let path = format!("/api/books/{book}/ratings");
        let sent = shop.post(&path, &[("cookie", &cookie)], &json!({ "stars": 5, "name": "Ana" })).await;
        shop.final_status(sent.header("location")).await;
        books.push(book);
    }
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "Hola" });
    let sent = shop.post("/api/contact", &[("cookie", &cookie)], &message).await;
    shop.final_status(sent.header("location")).await;

    let placed = orders::place(&shop, &Uuid::new_v4().to_string(), &cookie, &orders::order(999_999_999, 1, 1)).await;
    let rejected = orders::after(&shop, placed.header("location"), "received", &cookie).await;
    assert_eq!(rejected["status"], "rejected", "{rejected}");

    let sold_out = imports::book_on_sale(&shop, 0).await;
    let alert = [("email", format!("{visitor}@example.org")), ("key", Uuid::new_v4().to_string())];
    let asked = cart::send(&shop, &format!("/alerts/{sold_out}"), &cookie, &alert).await;
    shop.final_status(&format!("/api{}", asked.header("location").split('?').next().unwrap())).await;

    let before = rows_of(&visitor).await;
    assert!(before.len() >= 3, "{before:?}");
    // Nobody signs in here; `account.rs` has that.
    let stored = before.iter().filter(|(table, _)| table.as_str() != "customer_visitors");
    assert!(stored.into_iter().all(|(_, rows)| *rows > 0), "this test sends nothing that is stored there: {before:?}");
    let erase = json!({ "task": "erase-visitor", "visitor": visitor });
    assert_eq!(
        task(&shop, erase.clone()).await,
        json!({ "ratings": 2, "messages": 1, "alerts": 1, "orders": 1, "open_orders": 0 })
    );
    let after = rows_of(&visitor).await;
    assert!(after.values().all(|rows| *rows == 0), "not erased: {after:?}");
    assert_eq!(
        task(&shop, erase).await,
        json!({ "ratings": 0, "messages": 0, "alerts": 0, "orders": 0, "open_orders": 0 })
    );
    for book in books {
        assert_eq!(shop.get(&format!("/api/books/{book}")).await.json()["histogram"], json!([0, 0, 0, 0, 0]));
    }
    let left = task(&shop, json!({ "task": "list-messages", "open": false })).await;
    assert!(!left.to_string().contains(&subject));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn hidden_reviews_are_listed_and_shown_again() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    for (stars, review) in [(1, "¡Fuera!"), (5, "Léanlo")] {
        let location = shop.rate(book, &json!({ "stars": stars, "review": review })).await;
        shop.final_status(&location).await;
    }
    let book = book.to_string();
    let list = async |arguments: &[&str]| {
        let arguments = [&["reviews", "list", "--book", &book, "--json"], arguments].concat();
        let (stdout, stderr) = text(&bookstore(&arguments).output().await.unwrap());
        let document: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        document["result"]["ratings"].as_array().expect("ratings").clone()
    };
    let all = list(&[]).await;
    assert_eq!(all.iter().map(|rating| &rating["review"]).collect::<Vec<_>>(), ["Léanlo", "¡Fuera!"]);
    assert_eq!(list(&["--limit", "1"]).await, all[..1]);
    assert!(list(&["--hidden"]).await.is_empty());

    let id = all[1]["id"].to_string();
    bookstore(&["reviews", "hide", &id]).output().await.unwrap();
    let hidden = list(&["--hidden"]).await;
    assert_eq!((hidden.len(), &hidden[0]["id"]), (1, &all[1]["id"]));
    bookstore(&["reviews", "unhide", &id]).output().await.unwrap();
    assert!(list(&["--hidden"]).await.is_empty());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn reviews_are_hidden_together_after_a_question_and_shown_again_as_they_were() {
    let shop = Shop::open().await;
    let (visitor, book) = (Uuid::new_v4().to_string(), imports::new_book(&shop).await);
    let path = format!("/api/books/{book}/ratings");
    for (cookie, stars) in [(&visitor, 1), (&Uuid::new_v4().to_string(), 2), (&Uuid::new_v4().to_string(), 5)] {
        let cookie = format!("visitor={cookie}");
        let sent = shop.post(&path, &[("cookie", &cookie)], &json!({ "stars": stars })).await;
        shop.final_status(sent.header("location")).await;
    }
    let book = book.to_string();
    let histogram = async || shop.get(&format!("/api/books/{book}")).await.json()["histogram"].clone();
    let run = async |arguments: &[&str]| {
        let output = bookstore(&[&["reviews"], arguments, &["--book", &book]].concat()).output().await.unwrap();
        let (stdout, stderr) = text(&output);
        (output.status.success(), stdout, stderr)
    };

    // The rating with two stars is hidden for a reason of its own.
    let ids = run(&["list", "--json"]).await.1;
    let ids: Value = serde_json::from_str(&ids).unwrap();
    let hidden_before = ids["result"]["ratings"][1]["id"].to_string();
    bookstore(&["reviews", "hide", &hidden_before]).output().await.unwrap();
    assert_eq!(histogram().await, json!([1, 0, 0, 0, 1]));
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;

    let period = ["--since", "2026-01-01T00:00:00Z", "--until", "2999-01-01T00:00:00Z"];
    let (succeeded, stdout, stderr) = run(&[&["hide-all"], &period[..]].concat()).await;
    assert!(!succeeded && stdout.contains("2 reviews match."), "{stdout}{stderr}");
    assert!(stderr.contains("Hide them? [y/N] \nbookstore: nothing was hidden: "), "{stderr}");
    assert_eq!(histogram().await, json!([1, 0, 0, 0, 1]));

    let (_, stdout, stderr) = run(&["hide-all", "--visitor", &visitor, "--yes"]).await;
    assert!(
        stdout.contains("1 review hidden: ") && stdout.contains("unhide-all --hidden-since 20"),
        "{stdout}{stderr}"
    );
    let since = stdout.split("--hidden-since ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let (_, stdout, _) = run(&[&["hide-all", "--yes", "--json"], &period[..]].concat()).await;
    let document: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(document["result"]["hidden"], 1);
    assert_eq!(document["result"]["ratings"].as_array().map(Vec::len), Some(1));
    assert_eq!(histogram().await, json!([0, 0, 0, 0, 0]));
    let (succeeded, stdout, _) = run(&[&["hide-all", "--yes"], &period[..]].concat()).await;
    assert!(succeeded && stdout.contains("No review matches: nothing was hidden."), "{stdout}");

    let (_, stdout, stderr) = run(&["unhide-all", "--hidden-since", &since, "--yes"]).await;
    assert!(stdout.contains("2 reviews shown again: "), "{stdout}{stderr}");
    assert_eq!(histogram().await, json!([1, 0, 0, 0, 1]), "what was hidden before stays hidden");

    let output = bookstore(&["reviews", "list", "--book", "99999999"]).output().await.unwrap();
    assert!(text(&output).1.contains("there is no book 99999999 in the shop"), "{}", text(&output).1);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_answered_message_can_be_opened_again_and_cannot_steer_the_terminal() {
    let shop = Shop::open().await;
    let subject = format!("Un libro {}", Uuid::new_v4());
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "a\u{202e}b" });
    let answer = shop.post("/api/contact", &[], &message).await;
    shop.final_status(answer.header("location")).await;
    let open = task(&shop, json!({ "task": "list-messages", "open": true })).await;
    let found = open.as_array().unwrap().iter().find(|message| message["subject"] == json!(subject));
    let id = found.expect("the message")["id"].to_string();

    for (action, state) in [("answered", "answered 20"), ("reopen", "  open"), ("reopen", "  open")] {
        let (stdout, stderr) = text(&bookstore(&["messages", action, &id]).output().await.unwrap());
        assert!(stdout.lines().next().is_some_and(|line| line.contains(state)), "{action}: {stdout}{stderr}");
        assert!(!stdout.contains('\u{202e}'), "{stdout:?}");
    }
    let (stdout, _) = text(&bookstore(&["messages", "--json"]).output().await.unwrap());
    assert!(!stdout.contains('\u{202e}') && serde_json::from_str::<Value>(&stdout).is_ok());
    let (_, stderr) = text(&bookstore(&["messages", "reopen", "4294967295"]).output().await.unwrap());
    assert!(stderr.contains("there is no message 4294967295"), "{stderr}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_visitor_is_erased_after_a_question_only() {
    let shop = Shop::open().await;
    let visitor = Uuid::new_v4().to_string();
    let book = imports::new_book(&shop).await;
    let cookie = format!("visitor={visitor}");
    let path = format!("/api/books/{book}/ratings");
    let sent = shop.post(&path, &[("cookie", &cookie)], &json!({ "stars": 5 })).await;
    shop.final_status(sent.header("location")).await;

    // Without a terminal nobody can confirm.
    let output = bookstore(&["visitors", "erase", &visitor]).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    assert!(!output.status.success() && stdout.contains("1 rating with"), "{stdout}{stderr}");
    assert!(stderr.contains("Erase this visitor? [y/N] \nbookstore: nothing was erased: "), "{stderr}");
    assert!(rows_of(&visitor).await.values().any(|rows| *rows > 0));

    let output = bookstore(&["visitors", "erase", &visitor, "--yes"]).output().await.unwrap();
    let (stdout, stderr) = text(&output);
    assert!(output.status.success() && stdout.contains("1 rating, 0 messages"), "{stdout}{stderr}");
    assert!(rows_of(&visitor).await.values().all(|rows| *rows == 0));
}

/// Number of rows of a visitor in every table that has a column `visitor_id`; `erased_visitors` keeps the number itself.
async fn rows_of(visitor: &str) -> BTreeMap<String, i64> {
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select cast(table_name as char) from information_schema.columns
         where table_schema = 'anaquel' and column_name = 'visitor_id' and table_name <> 'erased_visitors'",
    )
    .fetch_all(&mut root)
    .await
    .unwrap();
    let mut rows = BTreeMap::new();
    for table in tables {
        let count = AssertSqlSafe(format!("select count(*) from anaquel.`{table}` where visitor_id = ?"));
        let visitor = VisitorId::parse(visitor).unwrap().0;
        let count = sqlx::query_scalar(count).bind(visitor).fetch_one(&mut root).await.unwrap();
        rows.insert(table, count);
    }
    rows
}
