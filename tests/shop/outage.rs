//! MariaDB is away: reads answer 503, and submissions are accepted and written later.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    imports,
    operating::writer_log,
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

    let before = interrupted_batches().await;
    let frozen = Frozen::freeze();
    for _ in 0..3 {
        let began = Instant::now();
        let answer = shop.get(&path).await;
        assert_eq!((answer.status, answer.header("content-type")), (503, "application/problem+json"));
        assert!(!answer.header("retry-after").is_empty());
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
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
