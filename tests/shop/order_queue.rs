//! The order queue: from a message to its outcome and its mail, and what nobody can process.

use std::time::Duration;

use aws_sdk_sqs::types::MessageSystemAttributeName;
use serde_json::{Value, json};
use shared::{
    domain::{
        Contact, Delivery, DisplayName, Email, Fingerprint, Language, Money, Payment, Quantity, SubmissionKey,
        VisitorId,
    },
    messages::{OrderLineV1, OrderMessage, OrderV1},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    mails,
    support::{Shop, bookstore, eventually, text},
};

const WITHIN: Duration = Duration::from_mins(1);

/// An order of a book that never was, by this buyer.
fn order(buyer: &str) -> OrderMessage {
    let key = SubmissionKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
    let visitor = Uuid::new_v4();
    let euro = |minor| Money { minor, currency: "EUR".to_owned() };
    let line =
        OrderLineV1 { book: 4_000_000_000.into(), quantity: Quantity::parse(1).unwrap(), unit_price_seen: euro(1_995) };
    let order = OrderV1 {
        order: key.order_id(visitor, b"k"),
        customer: None,
        visitor: VisitorId::of_number(visitor),
        lines: vec![line],
        delivery: Delivery::Collect,
        payment: Payment::OnCollection,
        delivery_price_seen: euro(0),
        total_seen: euro(1_995),
        contact: Contact { name: DisplayName::parse("Ana").unwrap(), email: Email::parse(buyer).unwrap(), phone: None },
        address: None,
        note: None,
        language: Language::parse("en").unwrap(),
        fingerprint: Fingerprint::of(b""),
    };
    OrderMessage::order(order.with_fingerprint(), OffsetDateTime::now_utc(), None)
}

pub async fn send(shop: &Shop, body: &str, group: &str) {
    send_to(shop, "orders.fifo", body, group, &Uuid::new_v4().to_string()).await;
}

/// Sends a message to a FIFO queue, which drops a later one with the same id for five minutes.
async fn send_to(shop: &Shop, queue: &str, body: &str, group: &str, id: &str) {
    let queue = mails::queue(shop, queue);
    let send = aws_sdk_sqs::Client::new(&shop.sdk()).send_message().queue_url(queue).message_body(body);
    send.message_group_id(group).message_deduplication_id(id).send().await.unwrap();
}

/// Asks for a sweep, which comes each minute otherwise and hands over the mails that wait, and waits until it is processed: an
/// order of the same group is decided after it.
pub async fn sweep(shop: &Shop) {
    let message = json!({ "kind": "sweep.v1", "scheduled_at": Uuid::new_v4() });
    send(shop, &message.to_string(), "orders-0").await;
    place(shop, &buyer()).await;
}

pub fn buyer() -> String {
    format!("{}@example.org", Uuid::new_v4())
}

/// Places an order that is rejected, and waits until its buyer has the mail about it.
pub async fn place(shop: &Shop, buyer: &str) {
    send(shop, &serde_json::to_string(&order(buyer)).unwrap(), "orders-0").await;
    mails_to(shop, buyer, 1).await;
}

async fn mails_to(shop: &Shop, buyer: &str, count: usize) -> Vec<Value> {
    eventually(WITHIN, async || {
        let mails = mails::sent(shop, |mail| mail["To"][0] == buyer).await;
        if mails.len() < count { Err(format!("{} of {count} mails", mails.len())) } else { Ok(mails) }
    })
    .await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_order_is_decided_once_and_its_buyer_gets_one_mail_however_often_it_is_delivered() {
    let shop = Shop::open().await;
    let (buyer, next) = (buyer(), buyer());
    let message = serde_json::to_string(&order(&buyer)).unwrap();
    for _ in 0..3 {
        send(&shop, &message, "orders-0").await;
    }
    // Decided after the three, in the same group.
    send(&shop, &serde_json::to_string(&order(&next)).unwrap(), "orders-0").await;
    assert_eq!(mails_to(&shop, &next, 1).await.len(), 1);
    let mails = mails_to(&shop, &buyer, 1).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let (subject, text) = (mails[0]["Subject"].as_str().unwrap(), mails[0]["BodyText"].as_str().unwrap());
    assert!(subject.starts_with("We could not accept your order 1"), "{subject}");
    assert!(text.starts_with("Hello Ana,\n\nWe could not accept your order."), "{text}");
    assert!(text.contains("B00000000"), "the seller: {text}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_text_that_is_no_order_is_parked_its_group_continues_and_a_redrive_brings_it_back_at_once() {
    let shop = Shop::alone().await;
    let (group, mark) = (format!("poison-{}", Uuid::new_v4()), Uuid::new_v4().to_string());
    let [before, after, late, last] = [buyer(), buyer(), buyer(), buyer()];
    let order = |buyer: &str| serde_json::to_string(&order(buyer)).unwrap();
    send(&shop, &order(&before), &group).await;
    // With the id in its body, as the shop sends it: SQS drops another message with this id for five minutes.
    let poison = format!("{{\"kind\":\"order.v9\",\"id\":\"{mark}\"}}");
    send_to(&shop, "orders.fifo", &poison, &group, &mark).await;
    send(&shop, &order(&after), &group).await;
    for buyer in [&before, &after] {
        assert_eq!(mails_to(&shop, buyer, 1).await.len(), 1, "its neighbours in the group");
    }
    let first = parked(&shop, &mark, None).await;
    // An order that was parked twice, as after a redrive to a shop that is not repaired.
    let parked_order = order(&late);
    for _ in 0..2 {
        send_to(&shop, "orders-parked.fifo", &parked_order, &group, &Uuid::new_v4().to_string()).await;
    }
    let redrive = bookstore(&["redrive", "--yes"]).output().await.unwrap();
    let (stdout, stderr) = text(&redrive);
    assert!(redrive.status.success() && stdout.contains(&mark), "{stdout}{stderr}");
    assert!(stdout.contains("not a message that this version understands"), "{stdout}");
    parked(&shop, &mark, Some(&first)).await;
    // Decided after both, in the same group.
    send(&shop, &order(&last), &group).await;
    assert_eq!(mails_to(&shop, &last, 1).await.len(), 1);
    assert_eq!(mails_to(&shop, &late, 1).await.len(), 1, "the redriven order is decided once");
}

/// The id of the parked message with this mark, once it is another one than before.
async fn parked(shop: &Shop, mark: &str, before: Option<&str>) -> String {
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    eventually(WITHIN, async || {
        let receive =
            sqs.receive_message().queue_url(mails::queue(shop, "orders-parked.fifo")).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let messages = receive.visibility_timeout(0).send().await.unwrap().messages.unwrap_or_default();
        let ours = messages.into_iter().find(|message| message.body().is_some_and(|body| body.contains(mark)));
        let id = ours.and_then(|message| message.message_id).ok_or("not parked yet")?;
        if before == Some(id.as_str()) { Err("parked as before".to_owned()) } else { Ok(id) }
    })
    .await
}
