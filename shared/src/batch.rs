//! What the consumers of queues share: the answer to a batch, of which Lambda deletes what is not named, its status, how
//! often a message was delivered, and the loop over messages that do not depend on each other.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures_util::FutureExt;
use tracing::{Instrument, info_span};

use crate::{ApiError, App, database, error::catch_panic, metrics::InvocationStatus, parameters::Queue};

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
    let steps = event.records.into_iter().map(|message| Step::<()>::One(Box::new(message))).collect();
    // Boxed: the nested futures exceed the compiler's recursion limit.
    take(app, steps, dead_letters, async |_, _| Ok(()), process).boxed_local().await
}

/// How a message is processed.
pub enum Part<M> {
    /// Together with others of its batch.
    InSet(M),
    Alone,
    /// Alone, after those that came before it and before those that came after it.
    Between,
}

/// The same where several messages can be processed together, which is quicker: all or none of them. If they fail for any
/// reason but the database's absence, each is processed alone, so that the outcome of a message does not depend on its
/// neighbours.
pub async fn in_sets<M>(
    app: &App,
    event: SqsEvent,
    dead_letters: Queue,
    part: impl Fn(&str) -> Part<M>,
    process_all: impl AsyncFn(&App, &[M]) -> Result<(), Fault>,
    process: impl AsyncFn(&App, &str) -> Result<(), Fault>,
) -> SqsBatchResponse {
    // Boxed, as above.
    take(app, steps(event.records, part), dead_letters, process_all, process).boxed_local().await
}

/// A part of a batch.
enum Step<M> {
    Set(Vec<(SqsMessage, M)>),
    One(Box<SqsMessage>),
}

/// The steps of a batch. A message that is alone by itself may come before a set that has begun.
fn steps<M>(messages: Vec<SqsMessage>, part: impl Fn(&str) -> Part<M>) -> VecDeque<Step<M>> {
    let mut steps = VecDeque::new();
    let mut set = Vec::new();
    for message in messages {
        match part(message.body.as_deref().unwrap_or_default()) {
            Part::InSet(member) => set.push((message, member)),
            Part::Alone => steps.push_back(Step::One(Box::new(message))),
            Part::Between => {
                steps.extend(finished(mem::take(&mut set)));
                steps.push_back(Step::One(Box::new(message)));
            }
        }
    }
    steps.extend(finished(set));
    steps
}

/// A set of one is a message alone.
fn finished<M>(mut set: Vec<(SqsMessage, M)>) -> Option<Step<M>> {
    if set.len() > 1 { Some(Step::Set(set)) } else { set.pop().map(|(message, _)| Step::One(Box::new(message))) }
}

async fn take<M>(
    app: &App,
    mut steps: VecDeque<Step<M>>,
    dead_letters: Queue,
    process_all: impl AsyncFn(&App, &[M]) -> Result<(), Fault>,
    process: impl AsyncFn(&App, &str) -> Result<(), Fault>,
) -> SqsBatchResponse {
    let began = Instant::now();
    let mut again = Vec::new();
    while began.elapsed() < BEGIN_WITHIN
        && let Some(step) = steps.pop_front()
    {
        let message = match step {
            Step::One(message) => *message,
            Step::Set(set) => {
                let (messages, members): (Vec<_>, Vec<_>) = set.into_iter().unzip();
                let span = info_span!("set", messages = messages.len());
                // Boxed, as above.
                let attempt = catch_panic(process_all(app, &members).boxed_local()).instrument(span).await;
                match attempt.unwrap_or_else(|panic| Err(Fault::Transient(panic))) {
                    Ok(()) => {}
                    Err(Fault::DatabaseAway(cause)) => {
                        database_is_away(&cause);
                        again.extend(messages);
                        break;
                    }
                    Err(Fault::Permanent(cause)) => one_by_one(&mut steps, messages, &cause),
                    Err(Fault::Transient(cause)) => one_by_one(&mut steps, messages, &format!("{cause:#}")),
                }
                continue;
            }
        };
        let span = info_span!("message", message.id = message.message_id);
        let body = message.body.as_deref().unwrap_or_default();
        let attempt = async {
            // Boxed, as above.
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
    for step in steps {
        match step {
            Step::One(message) => again.push(*message),
            Step::Set(set) => again.extend(set.into_iter().map(|(message, _)| message)),
        }
    }
    retried(again)
}

/// Puts the messages of a set that failed before the other steps.
fn one_by_one<M>(steps: &mut VecDeque<Step<M>>, messages: Vec<SqsMessage>, cause: &str) {
    tracing::warn!(error = cause, messages = messages.len(), "A set failed: its messages are processed one by one");
    for message in messages.into_iter().rev() {
        steps.push_front(Step::One(Box::new(message)));
    }
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
            database_is_away(&cause);
            Disposition::RetryRest
        }
    }
}

fn database_is_away(cause: &anyhow::Error) {
    tracing::warn!(
        error = format!("{cause:#}"),
        "Database away: this message and the rest of the batch will be retried"
    );
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

/// The messages of a batch that are not delivered again.
pub fn done<'a>(messages: &'a [SqsMessage], response: &SqsBatchResponse) -> Vec<&'a SqsMessage> {
    let failed: BTreeSet<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    messages.iter().filter(|message| !failed.contains(message.message_id.as_deref().unwrap_or_default())).collect()
}

/// The answer with further messages that are delivered again.
pub fn with_failures(mut response: SqsBatchResponse, ids: impl IntoIterator<Item = String>) -> SqsBatchResponse {
    for id in ids {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
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

    /// The steps of messages, of which `r` are in sets and `|` between.
    fn steps_of(bodies: &str) -> String {
        let messages = bodies.chars().map(|body| serde_json::from_value(json!({ "body": body })).unwrap()).collect();
        let part = |body: &str| match body {
            "r" => Part::InSet(()),
            "|" => Part::Between,
            _ => Part::Alone,
        };
        let body = |message: &SqsMessage| message.body.clone().unwrap_or_default();
        let shown = |step: &Step<()>| match step {
            Step::One(message) => body(message),
            Step::Set(set) => format!("({})", set.iter().map(|(message, ())| body(message)).collect::<String>()),
        };
        steps(messages, part).iter().map(shown).collect()
    }

    #[test]
    fn messages_of_a_set_are_taken_together_and_never_past_one_that_is_between() {
        for (bodies, steps) in [
            ("", ""),
            ("r", "r"),
            ("rr", "(rr)"),
            ("rcrcr", "cc(rrr)"),
            ("rr|rr", "(rr)|(rr)"),
            ("r|cr|rr", "r|cr|(rr)"),
            ("||", "||"),
        ] {
            assert_eq!(steps_of(bodies), steps, "{bodies}");
        }
    }

    #[test]
    fn a_set_that_failed_is_taken_one_by_one_before_the_rest() {
        let message = |body: &str| -> SqsMessage { serde_json::from_value(json!({ "body": body })).unwrap() };
        let mut steps = VecDeque::from([Step::<()>::One(Box::new(message("c")))]);
        one_by_one(&mut steps, vec![message("a"), message("b")], "deadlock");
        let order: Vec<_> = steps
            .into_iter()
            .map(|step| match step {
                Step::One(message) => message.body.unwrap_or_default(),
                Step::Set(_) => "a set".to_owned(),
            })
            .collect();
        assert_eq!(order, ["a", "b", "c"]);
    }

    #[test]
    fn what_is_done_is_what_is_not_delivered_again_and_can_still_be_returned() {
        let messages: Vec<SqsMessage> =
            ["a", "b", "c"].map(|id| serde_json::from_value(json!({ "messageId": id })).unwrap()).into();
        let response = retried([messages[1].clone()]);
        let names =
            |messages: Vec<&SqsMessage>| messages.iter().filter_map(|m| m.message_id.clone()).collect::<Vec<_>>();
        assert_eq!(names(done(&messages, &response)), ["a", "c"]);
        let response = with_failures(response, ["c".to_owned()]);
        assert_eq!(names(done(&messages, &response)), ["a"]);
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
