//! Messages to the shop.

use serde_json::json;
use uuid::Uuid;

use crate::support::Shop;

#[tokio::test]
async fn a_message_reaches_the_shop_and_its_sender_can_follow_it() {
    let shop = Shop::open().await;
    let message =
        json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen? 😀" });
    let answer = shop.post("/api/contact", &[], &message).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(shop.settled(answer.header("location")).await["status"], "published");
}

#[tokio::test]
async fn a_program_that_fills_in_the_hidden_field_is_answered_as_anybody_and_sends_nothing() {
    let shop = Shop::open().await;
    let spam = json!({ "name": "x", "email": "x@example.org", "subject": "x", "message": "x", "website": "http://x" });
    let answer = shop.post("/api/contact", &[], &spam).await;
    assert_eq!(answer.status, 202);
    assert_eq!(shop.get(answer.header("location")).await.json()["status"], "received");
}

#[tokio::test]
async fn every_mistake_in_a_message_is_named() {
    let shop = Shop::open().await;
    let answer = shop.post("/api/contact", &[], &json!({ "email": "nobody", "message": " " })).await;
    assert_eq!(answer.status, 422);
    let problem = answer.json();
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["name", "email", "subject", "message"]);
}

#[tokio::test]
async fn a_retry_of_a_message_with_its_key_has_the_same_address() {
    let shop = Shop::open().await;
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": "Un libro", "message": "¿Lo tienen?" });
    let key = Uuid::new_v4().to_string();
    let send = async || shop.post("/api/contact", &[("idempotency-key", &key)], &message).await;
    assert_eq!(send().await.header("location"), send().await.header("location"));
}
