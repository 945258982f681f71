//! Messages to the shop.

use serde_json::{Value, json};
use shared::metrics::NEW_MESSAGES;
use uuid::Uuid;

use crate::{operating::writer_logged, staff, support::Shop};

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_reaches_the_shop_and_its_sender_sees_its_status() {
    let shop = Shop::open().await;
    let message =
        json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen? 😀" });
    let answer = shop.post("/api/contact", &[], &message).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(shop.final_status(answer.header("location")).await["status"], "published");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_with_the_honeypot_filled_in_gets_a_normal_answer_and_is_dropped() {
    let shop = Shop::open().await;
    let mut spam = json!({ "name": "x", "email": "x@example.org", "subject": Uuid::new_v4(), "message": "x" });
    spam["website"] = json!("http://x");
    let dropped = shop.post("/api/contact", &[], &spam).await;
    assert_eq!(dropped.status, 202);

    // The queue would deliver the first message before this one.
    let later = json!({ "name": "x", "email": "x@example.org", "subject": Uuid::new_v4(), "message": "x" });
    let sent = shop.post("/api/contact", &[], &later).await;
    assert_eq!(sent.status, 202, "{}", sent.text);
    assert_eq!(shop.final_status(sent.header("location")).await["status"], "published");
    assert_eq!(shop.get(dropped.header("location")).await.json()["status"], "received");
    assert_eq!((with_subject(&shop, &later["subject"]).await, with_subject(&shop, &spam["subject"]).await), (1, 0));
}

/// The number of the shop's latest messages that have this subject.
pub async fn with_subject(shop: &Shop, subject: &Value) -> usize {
    let messages = staff::task(shop, json!({ "task": "list-messages", "open": true })).await;
    messages.as_array().expect("messages").iter().filter(|message| message["subject"] == *subject).count()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn every_invalid_field_of_a_message_is_named() {
    let shop = Shop::open().await;
    let answer = shop.post("/api/contact", &[], &json!({ "email": "nobody", "message": " " })).await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["name", "email", "subject", "message"]);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_retry_with_its_idempotency_key_is_one_message_and_one_notification() {
    let shop = Shop::alone().await;
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen?" });
    let key = Uuid::new_v4().to_string();
    let send = async || {
        let answer = shop.post("/api/contact", &[("idempotency-key", &key)], &message).await;
        assert_eq!(shop.final_status(answer.header("location")).await["status"], "published");
        answer.json()["id"].as_str().expect("an id").to_owned()
    };
    let notifications = |log: String| log.lines().filter(|line| line.contains(NEW_MESSAGES)).count();

    let id = send().await;
    let once = notifications(writer_logged(&id, "Message received", 1).await);
    assert!(once > 0, "the metric of the alarm is missing");
    assert_eq!(send().await, id);
    assert_eq!(notifications(writer_logged(&id, "Message received", 2).await), once);
}
