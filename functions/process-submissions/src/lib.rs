//! Fed by the queue: writes what visitors sent into the database, each exactly once.
//!
//! What can never succeed is parked at once with its reason; what may succeed later goes back alone and comes again.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::{
    App, database,
    lambda::unpanicked,
    messages::{Content, Submission},
    metrics::{Outcome, message_arrived},
    repo::{
        contact,
        ratings::{self, Published},
        submissions::Met,
    },
};
use tracing::{Instrument, info_span};

/// No message is begun after this: one may take a second for the connection, one for the work and two to be parked, and
/// the function must be done with all of them within its ten seconds.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    let began = Instant::now();
    let mut again = Vec::new();
    let mut messages = event.records.into_iter();
    while began.elapsed() < BEGIN_WITHIN
        && let Some(message) = messages.next()
    {
        let span = info_span!("message", message.id = message.message_id);
        match settle(app, &message).instrument(span).await {
            Fate::Settled => {}
            Fate::Again => again.push(message),
            Fate::AgainWithAllAfterIt => {
                again.push(message);
                break;
            }
        }
    }
    again.extend(messages);
    Ok(to_be_delivered_again(again))
}

/// A batch is well only if no message of it goes back.
pub fn ended(batch: &SqsBatchResponse) -> Outcome {
    if batch.batch_item_failures.is_empty() { Outcome::Ok } else { Outcome::Unavailable }
}

enum Fate {
    Settled,
    Again,
    /// The database is away: the rest of the batch need not wait for it one by one.
    AgainWithAllAfterIt,
}

async fn settle(app: &App, message: &SqsMessage) -> Fate {
    let body = message.body.as_deref().unwrap_or_default();
    let fault = match unpanicked(publish(app, body)).await {
        Ok(Ok(())) => return Fate::Settled,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::Passing(panic),
    };
    match fault {
        Fault::Permanent(reason) => park(app, body, &reason).await,
        Fault::Passing(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Submission goes back to the queue");
            Fate::Again
        }
        Fault::DatabaseAway(cause) => {
            tracing::warn!(error = format!("{cause:#}"), "Submission goes back to the queue, with all after it");
            Fate::AgainWithAllAfterIt
        }
    }
}

enum Fault {
    /// However often it is tried.
    Permanent(String),
    /// The same may succeed later: when others are out of the way, or after the next deploy.
    Passing(anyhow::Error),
    DatabaseAway(anyhow::Error),
}

impl From<database::Error> for Fault {
    fn from(error: database::Error) -> Self {
        match error {
            database::Error::Away(cause) => Self::DatabaseAway(cause),
            database::Error::Busy(cause) | database::Error::Defect(cause) => Self::Passing(cause),
            database::Error::Unstorable(cause) => Self::Permanent(format!("the database refuses its values: {cause}")),
        }
    }
}

async fn publish(app: &App, body: &str) -> Result<(), Fault> {
    let submission: Submission = serde_json::from_str(body)
        .map_err(|error| Fault::Permanent(format!("not a submission that this version understands: {error}")))?;
    let Submission { id, sent_at, .. } = submission;
    let request_id = submission.request_id.as_deref();
    match &submission.content {
        Content::Rating(rating) => {
            let publishing = app.database().write(async |c| ratings::publish(c, id, sent_at, rating).await);
            match publishing.await? {
                Published::Now => tracing::info!(submission.id = %id, request_id, "Rating published"),
                Published::Before => tracing::info!(submission.id = %id, request_id, "Rating was published before"),
                Published::Rejected(reason) => {
                    tracing::info!(submission.id = %id, request_id, %reason, "Rating rejected");
                }
            }
        }
        Content::Contact(message) => {
            let met = app.database().write(async |c| contact::receive(c, id, sent_at, message).await).await?;
            tracing::info!(submission.id = %id, request_id, first = (met == Met::First), "Message received");
            if met == Met::First {
                message_arrived();
            }
        }
    }
    Ok(())
}

async fn park(app: &App, body: &str, reason: &str) -> Fate {
    let parked = async { app.parked().await?.park(body, reason).await.map_err(shared::ApiError::Internal) };
    match parked.await {
        Ok(()) => {
            tracing::error!(reason, "Submission parked: it can never succeed");
            Fate::Settled
        }
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, reason, "Submission could not be parked");
            Fate::Again
        }
    }
}

fn to_be_delivered_again(messages: Vec<SqsMessage>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in messages {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.unwrap_or_default();
        response.batch_item_failures.push(failure);
    }
    response
}
