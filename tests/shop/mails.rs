//! Mails to buyers: from their queue to the mailbox, which is the emulator's list of sent mails.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Shop, eventually, http};

/// URL of a queue of the local stage.
pub fn queue(shop: &Shop, name: &str) -> String {
    format!("{}/000000000000/anaquel-local-{name}", shop.endpoint())
}

async fn send(shop: &Shop, mail: &Value) {
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    sqs.send_message().queue_url(queue(shop, "mails")).message_body(mail.to_string()).send().await.unwrap();
}

/// The sent mails that the filter selects.
pub async fn sent(shop: &Shop, filter: impl Fn(&Value) -> bool) -> Vec<Value> {
    let url = format!("{}/_ministack/ses/messages", shop.endpoint());
    let all: Value = http().build().unwrap().get(url).send().await.unwrap().json().await.unwrap();
    let accounts = all["messages"].as_object().unwrap().values();
    let mails = accounts.flat_map(|mails| mails.as_array().unwrap().clone());
    mails.filter(|mail| filter(mail)).collect()
}

/// Everybody who gets a mail.
pub fn recipients(mail: &Value) -> Vec<Value> {
    ["To", "CC", "BCC"].iter().flat_map(|field| mail[*field].as_array().cloned().unwrap_or_default()).collect()
}

async fn with_subject(shop: &Shop, subject: &str) -> Vec<Value> {
    sent(shop, |mail| mail["Subject"] == subject).await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_mail_is_sent_once_in_plain_text_from_the_shops_address() {
    let shop = Shop::open().await;
    let subject = format!("Pedido {} confirmado: “Año nuevo”", Uuid::new_v4());
    let text = "Hola, Ana:\n\nHemos confirmado tu pedido.\n1 × ¿Qué? <b>no es HTML</b>\n";
    let mail = json!({ "kind": "mail.v1", "id": 7, "to": "ana@example.org", "subject": subject, "text": text });
    send(&shop, &mail).await;
    let mails = eventually(Duration::from_secs(30), async || match with_subject(&shop, &subject).await {
        mails if mails.is_empty() => Err("nothing was sent".to_owned()),
        mails => Ok(mails),
    });
    let mails = mails.await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert_eq!((&mails[0]["To"], &mails[0]["BodyText"]), (&json!(["ana@example.org"]), &json!(text)));
    assert!(mails[0]["Source"].as_str().unwrap().ends_with("<pedidos@anaquel.example.org>"), "{mails:?}");
    assert!(mails[0]["BodyHtml"].as_str().unwrap_or_default().is_empty(), "{mails:?}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_mail_that_its_queue_delivers_twice_is_sent_twice() {
    let shop = Shop::open().await;
    let [twice, later] = [Uuid::new_v4(), Uuid::new_v4()].map(|mark| mark.to_string());
    let mail = |subject: &str| json!({ "kind": "mail.v1", "id": 9, "to": "ana@example.org", "subject": subject, "text": "Hola." });
    for (subject, count) in [(&twice, 2), (&later, 1)] {
        for _ in 0..count {
            send(&shop, &mail(subject)).await;
        }
        eventually(Duration::from_secs(30), async || match with_subject(&shop, subject).await.len() {
            sent if sent >= count => Ok(()),
            sent => Err(format!("{sent} of {count} were sent")),
        })
        .await;
    }
    assert_eq!(with_subject(&shop, &twice).await.len(), 2);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_mail_with_another_header_or_recipient_is_parked_with_the_reason_and_never_sent() {
    let shop = Shop::open().await;
    let marks = [Uuid::new_v4(), Uuid::new_v4()].map(|mark| mark.to_string());
    for (mark, to) in marks.iter().zip(["ana@example.org\r\nBcc: eva@example.org", "ana@example.org, eva@example.org"])
    {
        let mail = json!({ "kind": "mail.v1", "id": 8, "to": to, "subject": mark, "text": "x" });
        send(&shop, &mail).await;
    }
    let sqs = aws_sdk_sqs::Client::new(&shop.sdk());
    for mark in &marks {
        eventually(Duration::from_secs(30), async || {
            let receive = sqs.receive_message().queue_url(queue(&shop, "mails-parked")).max_number_of_messages(10);
            let receive = receive.message_attribute_names("reason").visibility_timeout(0);
            let parked = receive.send().await.unwrap().messages.unwrap_or_default();
            let ours = parked.iter().find(|message| message.body().is_some_and(|body| body.contains(mark)));
            let reason = ours.and_then(|message| message.message_attributes()?.get("reason")?.string_value());
            let reason = reason.ok_or("not parked yet")?;
            assert!(reason.contains("email: must be an address"), "{reason}");
            Ok::<_, String>(())
        })
        .await;
        assert!(with_subject(&shop, mark).await.is_empty());
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_subject_of_a_mail_is_one_line_and_adds_no_recipient() {
    let shop = Shop::open().await;
    let (mark, eva) = (Uuid::new_v4(), format!("{}@example.org", Uuid::new_v4()));
    let subject = format!("{mark}\r\nBcc: {eva}");
    send(&shop, &json!({ "kind": "mail.v1", "id": 8, "to": "ana@example.org", "subject": subject, "text": "x" })).await;
    let subject = format!("{mark} Bcc: {eva}");
    let mails = eventually(Duration::from_secs(30), async || match with_subject(&shop, &subject).await {
        mails if mails.is_empty() => Err("nothing was sent".to_owned()),
        mails => Ok(mails),
    });
    let mails = mails.await;
    assert_eq!((mails.len(), &mails[0]["To"]), (1, &json!(["ana@example.org"])), "{mails:?}");
    assert!(recipients(&mails[0]).iter().all(|recipient| recipient == "ana@example.org"), "{mails:?}");
    let to_eva = sent(&shop, |mail| recipients(mail).contains(&json!(eva))).await;
    assert!(to_eva.is_empty(), "{to_eva:?}");
}
