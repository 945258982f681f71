//! Consumer of the queue of bounces: notes with its order that a mail came back, or that its reader complained.
//!
//! A message that is no event of SES is sent to the dead-letter queue with its reason. A message that is delivered twice
//! is noted twice, with the same words.

mod event;

use std::time::{Duration, Instant};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::{App, batch, database, lambda::catch_panic, parameters::Queue, repo::orders};
use time::OffsetDateTime;
use tracing::{Instrument, info_span};

use event::Event;

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
    let fault = match catch_panic(note(app, body)).await {
        Ok(Ok(())) => return Disposition::Done,
        Ok(Err(fault)) => fault,
        Err(panic) => Fault::Transient(panic),
    };
    match fault {
        Fault::Permanent(reason) => park(app, body, &reason).await,
        Fault::Transient(cause) => {
            tracing::error!(error = format!("{cause:#}"), "Event of a mail will be retried");
            Disposition::Retry
        }
        Fault::DatabaseAway(cause) => {
            tracing::warn!(
                error = format!("{cause:#}"),
                "Database away: this event and the rest of the batch will be retried"
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

async fn park(app: &App, body: &str, reason: &str) -> Disposition {
    let sent = async {
        let queue = app.queue(Queue::BounceDeadLetters).await?;
        queue.dead_letter(body, reason).await.map_err(shared::ApiError::Internal)
    };
    match sent.await {
        Ok(()) => {
            tracing::error!(reason, "Event of a mail sent to the dead-letter queue");
            Disposition::Done
        }
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                reason,
                "Event of a mail could not be sent to the dead-letter queue"
            );
            Disposition::Retry
        }
    }
}
