//! Consumer of the queue: writes submissions into the database, each exactly once.
//!
//! A permanent failure is sent to the dead-letter queue at once, with its reason. A transient failure returns one
//! message to the queue for a retry.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::{
    App, batch, database,
    lambda::catch_panic,
    messages::{Content, Submission},
    metrics::message_arrived,
    repo::{
        contact,
        ratings::{self, Published},
        submissions::Delivery,
    },
};
use time::OffsetDateTime;
use tracing::{Instrument, info_span};

/// No message is begun after this. One may take a second for the connection, one for the work and two for the
/// dead-letter queue, and the function's timeout is ten seconds.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    let began = Instant::now();
    let mut again = Vec::new();
    let mut messages = event.records.into_iter();
    while began.elapsed() < BEGIN_WITHIN
        && let Some(message) = messages.next()
    {
        let span = info_span!("message", message.id = message.message_id);
        match process(app, &message).instrument(span).await {
            Disposition::Done => {}
            Disposition::Retry => again.push(message),
            Disposition::RetryRest => {
                again.push(message);
                break;
            }
        }
    }
    again.extend(messages);
    Ok(batch::retried(again))
}

enum Disposition {
    Done,
    Retry,
    /// The database is away, so the rest of the batch is retried without an attempt.
    RetryRest,
}

async fn process(app: &App, message: &SqsMessage) -> Disposition {
    let body = message.body.as_deref().unwrap_or_default();
    let fault = match catch_panic(publish(app, body)).await {
        Ok(Ok(())) => return Disposition::Done,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::Transient(panic),
    };
    match fault {
        Fault::Permanent(reason) => dead_letter(app, body, &reason).await,
        Fault::Transient(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Submission will be retried");
            Disposition::Retry
        }
        Fault::DatabaseAway(cause) => {
            tracing::warn!(
                error = format!("{cause:#}"),
                "Database away: this submission and the rest of the batch will be retried"
            );
            Disposition::RetryRest
        }
    }
}

enum Fault {
    /// No retry can succeed.
    Permanent(String),
    /// A retry may succeed: without lock conflicts, or after the next deploy.
    Transient(anyhow::Error),
    DatabaseAway(anyhow::Error),
}

impl From<database::Error> for Fault {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Away(cause) => Self::DatabaseAway(cause),
            database::Error::Busy(cause) | database::Error::Defect(cause) => Self::Transient(cause),
            database::Error::Unstorable(cause) => Self::Permanent(format!("the database refuses its values: {cause}")),
        }
    }
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

async fn dead_letter(app: &App, body: &str, reason: &str) -> Disposition {
    let sent = async { app.dead_letters().await?.dead_letter(body, reason).await.map_err(shared::ApiError::Internal) };
    match sent.await {
        Ok(()) => {
            tracing::error!(reason, "Submission sent to the dead-letter queue");
            Disposition::Done
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                reason,
                "Submission could not be sent to the dead-letter queue"
            );
            Disposition::Retry
        }
    }
}
