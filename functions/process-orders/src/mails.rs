//! Hands the mails that were written with decisions, those about alerts, and answers to messages over to the queue of mails. Their rows are locked
//! meanwhile, so that two processes never hand over the same one; a crash after the sending and before the mark sends a mail
//! twice.

use std::{
    env,
    time::{Duration, Instant},
};

use frontend::{
    alert_mails,
    mails::{self, MailTexts},
    reply_mails,
};
use shared::{
    App,
    domain::{AlertMail, Email, ReplyMail, Subject},
    lambda::ORIGIN,
    mail::{MailMessage, MailText, MailV1, UnsubscribeLink},
    order_batch::MAILS_TRANSACTION,
    parameters::Queue,
    queue::QueueClient,
    repo::{
        alerts, contact_replies,
        orders::{self, UnsentMail},
    },
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
    let of_orders = orders::lock_unsent_mails(connection, AT_ONCE).await?;
    let left = AT_ONCE.saturating_sub(u32::try_from(of_orders.len()).unwrap_or(AT_ONCE));
    let of_alerts = alerts::lock_unsent_mails(connection, left).await?;
    let left = left.saturating_sub(u32::try_from(of_alerts.len()).unwrap_or(AT_ONCE));
    let replies = contact_replies::lock_unsent_mails(connection, left).await?;
    let about_alerts = of_alerts.iter().map(Unsent::Alert).chain(replies.iter().map(Unsent::Reply));
    let mails: Vec<Unsent> = of_orders.iter().map(Unsent::Order).chain(about_alerts).collect();
    let (mut sent, mut is_last) = (Vec::new(), mails.len() < AT_ONCE as usize);
    for mail in mails {
        let id = mail.id();
        let rendered = match mail {
            Unsent::Order(mail) => about_order(connection, mail, shop, origin).await?,
            Unsent::Alert(mail) => about_alert(mail, shop, origin).map(Some),
            Unsent::Reply(mail) => reply(mail, shop).map(Some),
        };
        let body = match rendered {
            Ok(Some(body)) => body,
            Ok(None) => {
                tracing::info!(mail.id = id, event = mail.event(), "Mail is out of date and is not sent");
                orders::withhold_mail(connection, id, OUT_OF_DATE).await?;
                sent.push(id);
                continue;
            }
            Err(defect) => {
                tracing::error!(mail.id = id, error = defect, "Mail cannot be written");
                orders::fail_mail(connection, id, &format!("not written: {defect}"), now).await?;
                sent.push(id);
                continue;
            }
        };
        if began.elapsed() >= SEND_WITHIN {
            is_last = false;
            break;
        }
        if let Err(error) = queue.send_text(&body).await {
            tracing::error!(error = format!("{error:#}"), mail.id = id, "Mail will be handed over later");
            is_last = true;
            break;
        }
        sent.push(id);
    }
    orders::mark_sent(connection, &sent, now).await?;
    Ok(Handed { sent: sent.len(), is_last: is_last || sent.is_empty() })
}

/// A mail of any kind.
#[derive(Clone, Copy)]
enum Unsent<'a> {
    Order(&'a UnsentMail),
    Alert(&'a AlertMail),
    Reply(&'a ReplyMail),
}

impl Unsent<'_> {
    fn id(self) -> u64 {
        match self {
            Self::Order(mail) => mail.id,
            Self::Alert(mail) => mail.id,
            Self::Reply(mail) => mail.id,
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Order(mail) => mail.event.code(),
            Self::Alert(mail) => mail.event.code(),
            Self::Reply(_) => "reply",
        }
    }
}

/// The message with the mail's texts; none if it is out of date; or why they cannot be written, which is a defect and holds
/// up no other mail.
async fn about_order(
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
    Ok(message(mail.id, &mail.to, &texts, None).map(Some))
}

/// The same of a mail about an alert, which can be ended with one request.
fn about_alert(mail: &AlertMail, shop: &Shop, origin: Option<&str>) -> Result<String, String> {
    let (texts, end) = alert_mails::about_alert(mail, shop, origin);
    message(mail.id, &mail.to, &texts, Some(UnsubscribeLink::try_from(end)?))
}

/// The same of an answer to a message, or of its copy for the mailbox that the shop reads.
fn reply(mail: &ReplyMail, shop: &Shop) -> Result<String, String> {
    let to = if mail.is_copy { &shop.seller.email } else { &mail.to };
    message(mail.id, to, &reply_mails::about_message(mail, shop), None)
}

fn message(id: u64, to: &Email, texts: &MailTexts, unsubscribe: Option<UnsubscribeLink>) -> Result<String, String> {
    let subject: String = texts.subject.chars().take(Subject::MAX).collect();
    let subject = Subject::try_from(subject).map_err(|error| error.to_string())?;
    let text = MailText::parse(&texts.text)?;
    let message = MailMessage::V1(MailV1 { id, to: to.clone(), subject, text, unsubscribe });
    Ok(serde_json::to_string(&message).expect("a mail is JSON"))
}
