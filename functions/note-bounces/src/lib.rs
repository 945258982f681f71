//! Consumer of the queue of bounces: notes with its order that a mail came back, or that its reader complained.
//!
//! A message that is no event of SES is sent to the dead-letter queue with its reason. A message that is delivered twice
//! is noted twice, with the same words.

mod event;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::{
    App,
    batch::{self, Fault},
    parameters::Queue,
    repo::orders,
};
use time::OffsetDateTime;

use event::Event;

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    Ok(batch::independent(app, event, Queue::BounceDeadLetters, note).await)
}

async fn note(app: &App, body: &str) -> Result<(), Fault> {
    match event::parse(body).map_err(Fault::Permanent)? {
        Event::Failed { mail, failure } => {
            let now = OffsetDateTime::now_utc();
            let noted = app.database().write(async |c| orders::fail_mail(c, mail, &failure, now).await).await?;
            if noted {
                tracing::info!(mail.id = mail, "Mail came back");
            } else {
                // Of a database before a restore, or of an order that was removed.
                tracing::warn!(mail.id = mail, "A mail came back that the database does not have");
            }
        }
        Event::OfAnotherSender => tracing::info!("A mail came back that the shop did not send"),
        Event::Validation => tracing::info!("SES can publish events of mails"),
    }
    Ok(())
}
