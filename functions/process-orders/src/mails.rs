//! Hands the mails that were written with decisions over to the queue of mails. Their rows are locked meanwhile, so that
//! two processes never hand over the same one; a crash after the sending and before the mark sends a mail twice.

use std::{
    env,
    time::{Duration, Instant},
};

use frontend::mails;
use shared::{
    App,
    domain::Subject,
    lambda::ORIGIN,
    mail::{MailMessage, MailText, MailV1},
    order_batch::MAILS_TRANSACTION,
    parameters::Queue,
    queue::QueueClient,
    repo::orders::{self, UnsentMail},
    shop::Shop,
};
use sqlx::MySqlConnection;
use time::OffsetDateTime;

/// Mails in one transaction, whose rows are locked while SQS is called.
const AT_ONCE: u32 = 10;
/// No mail of a transaction is sent later than this, so that those that were sent are marked before the timeout, and a slow
/// queue sends none of them twice.
const SEND_WITHIN: Duration = Duration::from_secs(2);

/// Noted with a mail that the order has overtaken.
const OUT_OF_DATE: &str = "not sent: the order had gone on";

/// Hands over the mails that nobody has handed over, and begins none after `until`. A failure is logged: the next message
/// or sweep hands over the rest.
pub async fn hand_over(app: &App, shop: &Shop, until: Instant) {
    let queue = match app.queue(Queue::Mails).await {
        Ok(queue) => queue,
        Err(error) => return tracing::error!(error = &error as &dyn std::error::Error, "Mails are not handed over"),
    };
    let origin = env::var(ORIGIN).ok();
    while Instant::now() < until {
        let some = app.database().write_within(MAILS_TRANSACTION, async |connection| {
            hand_over_some(connection, &queue, shop, origin.as_deref()).await
        });
        match Box::pin(some).await {
            Ok(Handed { sent, is_last: false }) => tracing::info!(sent, "Mails handed over"),
            Ok(Handed { sent, is_last: true }) if sent > 0 => return tracing::info!(sent, "Mails handed over"),
            Ok(_) => return,
            Err(error) => {
                return tracing::warn!(error = &error as &dyn std::error::Error, "Mails are handed over later");
            }
        }
    }
}

struct Handed {
    sent: usize,
    is_last: bool,
}

async fn hand_over_some(
    connection: &mut MySqlConnection,
    queue: &QueueClient,
    shop: &Shop,
    origin: Option<&str>,
) -> sqlx::Result<Handed> {
    let (began, now) = (Instant::now(), OffsetDateTime::now_utc());
    let mails = orders::lock_unsent_mails(connection, AT_ONCE).await?;
    let (mut sent, mut is_last) = (Vec::new(), mails.len() < AT_ONCE as usize);
    for mail in &mails {
        let body = match rendered(connection, mail, shop, origin).await? {
            Ok(Some(body)) => body,
            Ok(None) => {
                tracing::info!(mail.id, event = mail.event.code(), "Mail is out of date and is not sent");
                orders::withhold_mail(connection, mail.id, OUT_OF_DATE).await?;
                sent.push(mail.id);
                continue;
            }
            Err(defect) => {
                tracing::error!(mail.id, error = defect, "Mail cannot be written");
                orders::fail_mail(connection, mail.id, &format!("not written: {defect}"), now).await?;
                sent.push(mail.id);
                continue;
            }
        };
        if began.elapsed() >= SEND_WITHIN {
            is_last = false;
            break;
        }
        if let Err(error) = queue.send_text(&body).await {
            tracing::error!(error = format!("{error:#}"), mail.id, "Mail will be handed over later");
            is_last = true;
            break;
        }
        sent.push(mail.id);
    }
    orders::mark_sent(connection, &sent, now).await?;
    Ok(Handed { sent: sent.len(), is_last: is_last || sent.is_empty() })
}

/// The message with the mail's texts; none if it is out of date; or why they cannot be written, which is a defect and holds
/// up no other mail.
async fn rendered(
    connection: &mut MySqlConnection,
    mail: &UnsentMail,
    shop: &Shop,
    origin: Option<&str>,
) -> sqlx::Result<Result<Option<String>, String>> {
    let Some(order) = orders::find(connection, mail.order).await? else { return Ok(Err("no such order".to_owned())) };
    if mails::is_out_of_date(mail.event, &order) {
        return Ok(Ok(None));
    }
    let declared_at = orders::declared_at(connection, mail.order).await?;
    let texts = mails::about_order(mail.event, mail.at, &order, declared_at, shop, origin);
    let subject: String = texts.subject.chars().take(Subject::MAX).collect();
    let (subject, text) = match (Subject::try_from(subject), MailText::parse(&texts.text)) {
        (Ok(subject), Ok(text)) => (subject, text),
        (Err(error), _) => return Ok(Err(error.to_string())),
        (_, Err(error)) => return Ok(Err(error)),
    };
    let message = MailMessage::V1(MailV1 { id: mail.id, to: mail.to.clone(), subject, text });
    Ok(Ok(Some(serde_json::to_string(&message).expect("a mail is JSON"))))
}
