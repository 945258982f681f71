//! What the consumers of queues share: the answer to a batch, of which Lambda deletes what is not named, its status, how
//! often a message was delivered, and the loop over messages that do not depend on each other.

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use tracing::{Instrument, info_span};

use crate::{ApiError, App, database, lambda::catch_panic, metrics::InvocationStatus, parameters::Queue};

/// No message of [`independent`] is begun after this. One may take a second for the connection, one for the work and two
/// for the dead-letter queue, and the functions' timeout is ten seconds.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// Why a message was not processed.
pub enum Fault {
    /// No retry can succeed. The text is the reason in the dead-letter queue.
    Permanent(String),
    /// A retry may succeed: without lock conflicts, or after the next deploy.
    Transient(anyhow::Error),
    /// The other messages will not succeed now either.
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

/// Processes messages that do not depend on each other, each by its body. A permanent fault sends its message to
/// `dead_letters` at once, with its reason; a transient one returns it to its queue; while the database is away, the rest of
/// the batch is returned without an attempt.
pub async fn independent(
    app: &App,
    event: SqsEvent,
    dead_letters: Queue,
    process: impl AsyncFn(&App, &str) -> Result<(), Fault>,
) -> SqsBatchResponse {
    let began = Instant::now();
    let mut again = Vec::new();
    let mut messages = event.records.into_iter();
    while began.elapsed() < BEGIN_WITHIN
        && let Some(message) = messages.next()
    {
        let span = info_span!("message", message.id = message.message_id);
        let body = message.body.as_deref().unwrap_or_default();
        let attempt = async {
            // Boxed: the nested futures exceed the compiler's recursion limit.
            let fault = match catch_panic(process(app, body).boxed_local()).await {
                Ok(Ok(())) => return Disposition::Done,
                Ok(Err(fault)) => fault,
                Err(panic) => Fault::Transient(panic),
            };
            disposition(app, body, dead_letters, fault).await
        };
        match attempt.instrument(span).await {
            Disposition::Done => {}
            Disposition::Retry => again.push(message),
            Disposition::RetryRest => {
                again.push(message);
                break;
            }
        }
    }
    again.extend(messages);
    retried(again)
}

enum Disposition {
    Done,
    Retry,
    RetryRest,
}

async fn disposition(app: &App, body: &str, dead_letters: Queue, fault: Fault) -> Disposition {
    match fault {
        Fault::Permanent(reason) => dead_letter(app, body, dead_letters, &reason).await,
        Fault::Transient(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Message will be retried");
            Disposition::Retry
        }
        Fault::DatabaseAway(cause) => {
            tracing::warn!(
                error = format!("{cause:#}"),
                "Database away: this message and the rest of the batch will be retried"
            );
            Disposition::RetryRest
        }
    }
}

async fn dead_letter(app: &App, body: &str, dead_letters: Queue, reason: &str) -> Disposition {
    let sent = async { app.queue(dead_letters).await?.dead_letter(body, reason).await.map_err(ApiError::Internal) };
    match sent.await {
        Ok(()) => {
            tracing::error!(reason, "Message sent to the dead-letter queue");
            Disposition::Done
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, reason, "Message could not be sent to the dead-letter queue");
            Disposition::Retry
        }
    }
}

/// The answer to a batch: these messages are delivered again, and the queue deletes the others.
pub fn retried(messages: impl IntoIterator<Item = SqsMessage>) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in messages {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = message.message_id.unwrap_or_default();
        response.batch_item_failures.push(failure);
    }
    response
}

/// A batch succeeds only if no message of it is delivered again.
pub fn status(batch: &SqsBatchResponse) -> InvocationStatus {
    if batch.batch_item_failures.is_empty() { InvocationStatus::Ok } else { InvocationStatus::Unavailable }
}

/// How often the queue has delivered the message, this time included; also with neighbours that failed, and during
/// outages.
pub fn deliveries(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_names_the_messages_that_are_delivered_again_and_a_batch_with_any_has_not_succeeded() {
        for (ids, is_ok) in [(vec![], true), (vec!["a"], false), (vec!["a", "b"], false)] {
            let messages = ids.iter().map(|id| serde_json::from_value(json!({ "messageId": id })).unwrap());
            let response = retried(messages);
            let failures: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
            assert_eq!(serde_json::to_value(&response).unwrap(), json!({ "batchItemFailures": failures }));
            assert_eq!(matches!(status(&response), InvocationStatus::Ok), is_ok, "{ids:?}");
        }
    }

    #[test]
    fn deliveries_are_those_that_sqs_counted() {
        for (attributes, count) in [
            (json!({ "ApproximateReceiveCount": "5" }), 5),
            (json!({ "ApproximateReceiveCount": "many" }), 1),
            (json!({}), 1),
        ] {
            let message: SqsMessage = serde_json::from_value(json!({ "attributes": attributes })).unwrap();
            assert_eq!(deliveries(&message), count, "{attributes}");
        }
    }
}
