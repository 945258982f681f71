//! Mails that come back: from the queue of bounces to the order in front of the staff. The emulator publishes no events of
//! SES, so they are sent to the queue as the topic would deliver them.

use std::time::Duration;

use serde_json::{Value, json};
use shared::domain::Email;
use sqlx::{Connection, MySqlConnection};
use uuid::Uuid;

use crate::{
    mails::queue,
    order_queue,
    support::{Shop, bookstore, eventually, text, variable},
};

const WITHIN: Duration = Duration::from_mins(1);

pub async fn send(shop: &Shop, event: &Value) {
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    sqs.send_message().queue_url(queue(shop, "bounces")).message_body(event.to_string()).send().await.unwrap();
}

pub fn bounce(tag: &str, told: &str) -> Value {
    json!({
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General",
            "bouncedRecipients": [{ "emailAddress": "ana@gmial.con", "status": "5.1.1", "diagnosticCode": told }],
        },
        "mail": { "messageId": Uuid::new_v4(), "destination": ["ana@gmial.con"], "tags": { "mail": [tag] } },
    })
}

/// The number of the first mail to this buyer.
async fn number_of_mail(buyer: &str) -> u64 {
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    sqlx::query_scalar(
        "select min(m.id) from anaquel.mails m join anaquel.orders o on o.number = m.order_number where o.email = ?",
    )
    .bind(Email::parse(buyer).unwrap().as_str())
    .fetch_one(&mut root)
    .await
    .unwrap()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_mail_that_came_back_is_shown_with_its_order_in_the_words_of_the_mail_server_without_the_address() {
    let shop = Shop::open().await;
    let buyer = order_queue::buyer();
    order_queue::place(&shop, &buyer).await;
    let mail = number_of_mail(&buyer).await;
    let mark = Uuid::new_v4();
    send(&shop, &bounce(&mail.to_string(), &format!("smtp; 550 5.1.1 <ana@gmial.con>: no such user {mark}"))).await;
    let expected = format!("a mail did not arrive: bounce (General): smtp; 550 5.1.1 (address) no such user {mark}");
    eventually(WITHIN, async || {
        let output = bookstore(&["orders", "--limit", "500"]).output().await.unwrap();
        let (stdout, stderr) = text(&output);
        if stdout.contains(&expected) { Ok(()) } else { Err(format!("{stdout}{stderr}")) }
    })
    .await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_event_whose_tag_is_no_number_is_parked_with_the_reason() {
    let shop = Shop::open().await;
    let mark = Uuid::new_v4().to_string();
    send(&shop, &bounce("7; drop table mails", &mark)).await;
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    eventually(WITHIN, async || {
        let receive = sqs.receive_message().queue_url(queue(&shop, "bounces-parked")).max_number_of_messages(10);
        let receive = receive.message_attribute_names("reason").visibility_timeout(0);
        let parked = receive.send().await.unwrap().messages.unwrap_or_default();
        let ours = parked.iter().find(|message| message.body().is_some_and(|body| body.contains(&mark)));
        let reason = ours.and_then(|message| message.message_attributes()?.get("reason")?.string_value());
        let reason = reason.ok_or("not parked yet")?;
        assert_eq!(reason, "the tag `mail` is \"7; drop table mails\"; it must be the number of a mail, from 1 up");
        Ok::<_, String>(())
    })
    .await;
}
