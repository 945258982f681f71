//! MariaDB is away: reads answer 503, and submissions are accepted and written later.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::{
    cart::{cookie, page, send},
    imports,
    operating::writer_log,
    orders,
    staff_pages::{bookseller, somebody},
    support::{Shop, eventually, variable},
};

/// Stops the MariaDB process until it is dropped.
struct Frozen;

impl Frozen {
    fn freeze() -> Self {
        signal("-STOP");
        Self
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        signal("-CONT");
    }
}

fn signal(which: &str) {
    let sent = Command::new("kill").args([which, &variable("ANAQUEL_MARIADB_PID")]).status();
    assert!(sent.is_ok_and(|status| status.success()), "kill {which}");
}

/// The number of batches of which the writer returned messages to the queue.
async fn interrupted_batches() -> usize {
    let log = writer_log().await;
    let outcomes = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    outcomes.filter(|line| line["Outcome"] == "unavailable").count()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn while_the_database_is_away_reads_are_a_503_within_three_seconds_and_ratings_are_accepted() {
    let shop = Shop::alone().await;
    let book = imports::new_book(&shop).await;
    let path = format!("/api/books/{book}");
    assert_eq!(shop.get(&path).await.status, 200);

    let healthy = shop.health().await;
    assert_eq!((healthy.status, &healthy.json()["database"]["ok"]), (200, &json!(true)), "{}", healthy.text);

    let staff = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let before = interrupted_batches().await;
    let frozen = Frozen::freeze();
    for _ in 0..3 {
        let began = Instant::now();
        let answer = shop.get(&path).await;
        assert_eq!((answer.status, answer.header("content-type")), (503, "application/problem+json"));
        assert!(!answer.header("retry-after").is_empty());
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    }
    let text = "Sí, abrimos también los sábados por la mañana; preguntad por Eva, que guarda los libros encargados.";
    let reply = [("key", "x"), ("version", "7"), ("do", "reply"), ("reply", text)];
    let kept = send(&shop, "/staff/messages/7", &staff, &reply).await;
    assert_eq!((kept.status, kept.header("retry-after")), (503, "5"), "{}", kept.text);
    for typed in [text, "name=\"version\" value=\"7\"", "Everything you typed is still here"] {
        assert!(kept.text.contains(typed), "{typed}: {}", kept.text);
    }
    for page in ["/", "/books", &format!("/books/{book}"), "/sitemap.xml"] {
        let answer = shop.get(page).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{page}");
    }
    let unhealthy = shop.health().await;
    assert_eq!(unhealthy.status, 503);
    assert_eq!((&unhealthy.json()["database"]["ok"], &unhealthy.json()["queue"]["ok"]), (&json!(false), &json!(true)));
    let location = shop.rate(book, &json!({ "stars": 4 })).await;
    assert_eq!(shop.get(&location).await.status, 503);
    // The writer has tried and returned the message.
    eventually(Duration::from_secs(20), async || {
        let after = interrupted_batches().await;
        if after > before { Ok(()) } else { Err(format!("the writer returned no message: {}", writer_log().await)) }
    })
    .await;
    drop(frozen);

    assert_eq!(shop.get(&path).await.status, 200, "everything recovers without a deploy");
    assert_eq!(shop.final_status_within(&location, Duration::from_mins(1)).await["status"], "published");
    assert_eq!(shop.get(&path).await.json()["histogram"], json!([0, 0, 0, 1, 0]));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn while_the_database_is_away_orders_are_accepted_pages_say_so_and_all_are_decided_in_order() {
    let shop = Shop::alone().await;
    let book = imports::book_on_sale(&shop, 2).await;
    let cart = format!("cart=x.{book}:1:1995");
    // Three buyers have the checkout open, and there are two copies.
    let mut quotes = Vec::new();
    for _ in 0..3 {
        quotes.push(orders::quoted(&shop, &cart).await);
    }
    let frozen = Frozen::freeze();
    let mut placed = Vec::new();
    for quote in &quotes {
        let mut form = orders::collected(quote);
        form.retain(|(name, _)| *name != "email");
        let refused = send(&shop, "/checkout", &cart, &form).await;
        assert_eq!(refused.status, 422, "a form with an error is shown again");
        assert!(refused.text.contains("value=\"Ana Ruiz\"") && refused.text.contains(quote.as_str()));
        let answer = send(&shop, "/checkout", &cart, &orders::collected(quote)).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        placed.push((answer.header("location").to_owned(), cookie(&answer, "visitor")));
    }
    for (address, visitor) in &placed {
        let shown = page(&shop, address, visitor).await;
        assert_eq!((shown.status, shown.header("retry-after")), (503, "5"));
        assert!(shown.text.contains("We have your order") && shown.text.contains("data-poll="), "{}", shown.text);
    }
    assert_eq!(page(&shop, "/orders/00000000-0000-8000-8000-000000000000", "").await.status, 404);
    let changed = send(&shop, "/cart", &cart, &[("do", "add"), ("book", "53"), ("price", "1995")]).await;
    assert_eq!(changed.status, 303, "the cart needs no database");
    drop(frozen);

    let mut decided = Vec::new();
    for (address, visitor) in &placed {
        let location = format!("/api{address}");
        let order = eventually(Duration::from_mins(1), async || {
            let answer = shop.send(reqwest::Method::GET, &location, &[("cookie", visitor)], None).await;
            if answer.status == 200 && answer.json()["status"] != "received" {
                Ok(answer.json())
            } else {
                Err(answer.text)
            }
        })
        .await;
        decided.push((order["status"].as_str().unwrap_or_default().to_owned(), order["number"].as_u64()));
    }
    let states: Vec<&str> = decided.iter().map(|(state, _)| state.as_str()).collect();
    assert_eq!(states, ["confirmed", "confirmed", "rejected"], "first come, first served");
    assert!(decided.is_sorted_by_key(|(_, number)| *number), "{decided:?}");
}
