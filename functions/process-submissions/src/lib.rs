//! Consumer of the queue: writes submissions into the database, each exactly once.
//!
//! The ratings of a batch are written together, and one by one if that fails. A permanent failure is sent to the
//! dead-letter queue at once, with its reason. A transient failure returns one message to the queue for a retry.

use std::collections::BTreeSet;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::{FutureExt, future::join};
use shared::{
    App,
    archive::{self, Archiving},
    batch::{self, Fault, Part},
    messages::{Content, ErasureV1, Submission},
    metrics::message_arrived,
    parameters::Queue,
    repo::{
        alerts::{self, Asked, Noted},
        archived, contact, customer_carts,
        customer_erasure::{self, Erasable},
        orders,
        ratings::{self, Published, Sent},
        sign_ins::{self, SignedIn},
        submissions::{self, Delivery},
    },
};
use time::OffsetDateTime;
use uuid::Uuid;

/// Archives the messages of a batch while they are published: both mostly wait. A message that is not published now is in the
/// archive too, and is written there again when it is.
pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    let messages = event.records.clone();
    let archiving = Archiving::begin(app, Queue::Submissions, &messages).await;
    let publishing = batch::in_sets(app, event, Queue::DeadLetters, part, publish_ratings, publish);
    // Boxed: the nested futures exceed the compiler's recursion limit.
    let (response, missing) = join(publishing.boxed_local(), archiving.write(app).boxed_local()).await;
    let done: BTreeSet<_> =
        batch::done(&messages, &response).into_iter().filter_map(|m| m.message_id.clone()).collect();
    Ok(batch::with_failures(response, missing.intersection(&done).cloned()))
}

/// The ratings of a batch are written together. A sign-in decides whose they are, and an erasure removes them: both stay between
/// the ratings before and after them. The other kinds have nothing in common with ratings.
fn part(body: &str) -> Part<Submission> {
    match Submission::parse(body, OffsetDateTime::now_utc()) {
        Ok(submission) => match submission.content {
            Content::Rating(_) => Part::InSet(submission),
            Content::Customer(_) | Content::Erasure(_) => Part::Between,
            Content::Contact(_)
            | Content::Cart(_)
            | Content::Alert(_)
            | Content::AlertConfirmation(_)
            | Content::AlertEnd(_)
            | Content::ArchiveErasure(_) => Part::Alone,
        },
        Err(_) => Part::Alone,
    }
}

async fn publish_ratings(app: &App, submissions: &[Submission]) -> Result<(), Fault> {
    let sent: Vec<Sent<'_>> = submissions
        .iter()
        .filter_map(|submission| match &submission.content {
            Content::Rating(rating) => Some(Sent { submission: submission.id, sent_at: submission.sent_at, rating }),
            _ => None,
        })
        .collect();
    let published = app.database().write(async |c| ratings::publish_all(c, &sent).await).await?;
    for (submission, published) in submissions.iter().zip(published) {
        log_rating(submission, published);
    }
    Ok(())
}

fn log_rating(submission: &Submission, published: Published) {
    let Submission { id, .. } = submission;
    let request_id = submission.request_id.as_deref();
    match published {
        Published::Now => tracing::info!(submission.id = %id, request_id, "Rating published"),
        Published::AlreadyProcessed => {
            tracing::info!(submission.id = %id, request_id, "Rating was already processed");
        }
        Published::Rejected(reason) => {
            tracing::info!(submission.id = %id, request_id, %reason, "Rating rejected");
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
            log_rating(&submission, publishing.await?);
        }
        Content::Contact(message) => {
            let delivery = app.database().write(async |c| contact::receive(c, id, sent_at, message).await).await?;
            tracing::info!(submission.id = %id, request_id, first = (delivery == Delivery::First), "Message received");
            if delivery == Delivery::First {
                message_arrived();
            }
        }
        Content::Alert(_) | Content::AlertConfirmation(_) | Content::AlertEnd(_) => alert(app, &submission).await?,
        Content::Erasure(erasure) => erase(app, id, sent_at, erasure).await?,
        Content::ArchiveErasure(_) => {
            return Err(Fault::Permanent("archived messages are erased by the queue of erasures".to_owned()));
        }
        Content::Cart(cart) => {
            let is_stored = app.database().write(async |c| customer_carts::store(c, sent_at, cart).await).await?;
            if !is_stored {
                tracing::info!(submission.id = %id, request_id, "Cart of an ended session left out");
            }
        }
        Content::Customer(customer) => {
            let signing_in = app.database().write(async |c| sign_ins::sign_in(c, id, sent_at, customer).await);
            match signing_in.await? {
                SignedIn::Now => tracing::info!(submission.id = %id, request_id, "Sign-in written"),
                SignedIn::AlreadyProcessed => {
                    tracing::info!(submission.id = %id, request_id, "Sign-in was already processed");
                }
                SignedIn::Rejected(reason) => {
                    tracing::info!(submission.id = %id, request_id, %reason, "Sign-in rejected");
                }
            }
        }
    }
    Ok(())
}

/// Requests, confirms or ends an alert.
async fn alert(app: &App, submission: &Submission) -> Result<(), Fault> {
    let Submission { id, sent_at, .. } = *submission;
    let now = OffsetDateTime::now_utc();
    let asked = match &submission.content {
        Content::Alert(alert) => Asked::Request(alert),
        Content::AlertConfirmation(link) => Asked::Confirm(link.request),
        Content::AlertEnd(link) => Asked::End(link.request),
        _ => return Ok(()),
    };
    let noting = app.database().write(async |c| alerts::apply(c, id, sent_at, asked, now).await);
    let request_id = submission.request_id.as_deref();
    match noting.await? {
        Noted::Now => tracing::info!(submission.id = %id, request_id, "Alert noted"),
        Noted::AlreadyProcessed => tracing::info!(submission.id = %id, request_id, "Alert was already processed"),
        Noted::Rejected(reason) => tracing::info!(submission.id = %id, request_id, %reason, "Alert rejected"),
    }
    Ok(())
}

/// Removes what an erasing customer has, each rating, message and order in a transaction of its own, so that no shopper waits
/// for all of them. After an interruption the next delivery removes the rest.
async fn erase(app: &App, id: Uuid, sent_at: OffsetDateTime, erasure: &ErasureV1) -> Result<(), Fault> {
    let database = app.database();
    if database.read(async |c| submissions::is_processed(c, id).await).await? {
        return Ok(());
    }
    let ErasureV1 { subject, asked_at } = *erasure;
    database.write(async |c| customer_erasure::begin_erasure(c, subject, asked_at).await).await?;
    let Erasable { ratings, messages, orders } =
        database.read(async |c| customer_erasure::erasable(c, subject, asked_at).await).await?;
    // Before the rows are removed by which they are found.
    let parts = database.read(async |c| archived::of_customer(c, subject, asked_at).await).await?;
    archive::ask_for_erasure(app, &parts, asked_at).await.map_err(Fault::Transient)?;
    for rating in &ratings {
        database.write(async |c| ratings::erase(c, *rating).await).await?;
    }
    for message in &messages {
        database.write(async |c| contact::erase(c, *message).await).await?;
    }
    for order in &orders {
        database.write(async |c| orders::erase(c, *order, asked_at).await).await?;
    }
    database.write(async |c| customer_erasure::finish_erasure(c, id, sent_at, erasure).await).await?;
    let (erased_ratings, erased_messages, erased_orders) = (ratings.len(), messages.len(), orders.len());
    tracing::info!(submission.id = %id, erased_ratings, erased_messages, erased_orders, "Customer erased");
    Ok(())
}
