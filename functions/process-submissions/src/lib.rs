//! Consumer of the queue: writes submissions into the database, each exactly once.
//!
//! A permanent failure is sent to the dead-letter queue at once, with its reason. A transient failure returns one
//! message to the queue for a retry.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::{
    App,
    batch::{self, Fault},
    messages::{Content, Submission},
    metrics::message_arrived,
    parameters::Queue,
    repo::{
        contact,
        ratings::{self, Published},
        submissions::Delivery,
    },
};
use time::OffsetDateTime;

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    Ok(batch::independent(app, event, Queue::DeadLetters, publish).await)
}

async fn publish(app: &App, body: &str) -> Result<(), Fault> {
    let submission = Submission::parse(body, OffsetDateTime::now_utc())
        .map_err(|error| Fault::Permanent(format!("not a submission that this version understands: {error}")))?;
    let Submission { id, sent_at, .. } = submission;
    let request_id = submission.request_id.as_deref();
    match &submission.content {
        Content::Rating(rating) => {
            let publishing = app.database().write(async |c| ratings::publish(c, id, sent_at, rating).await);
            match publishing.await? {
                Published::Now => tracing::info!(submission.id = %id, request_id, "Rating published"),
                Published::AlreadyProcessed => {
                    tracing::info!(submission.id = %id, request_id, "Rating was already processed");
                }
                Published::Rejected(reason) => {
                    tracing::info!(submission.id = %id, request_id, %reason, "Rating rejected");
                }
            }
        }
        Content::Contact(message) => {
            let delivery = app.database().write(async |c| contact::receive(c, id, sent_at, message).await).await?;
            tracing::info!(submission.id = %id, request_id, first = (delivery == Delivery::First), "Message received");
            if delivery == Delivery::First {
                message_arrived();
            }
        }
    }
    Ok(())
}
