//! Consumer of the order queue: decides orders in the order of their group, each exactly once, and hands over the mails
//! about them.
//!
//! A message that no retry can process is parked with its reason, and the group continues. That is a text that is no
//! message, values that the database cannot store, and a message that failed five times by its own fault.

pub mod batch;
mod mails;
mod message;

use std::{collections::BTreeSet, time::Instant};

use anyhow::Context;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use shared::{
    App, archive,
    batch::retried,
    database,
    messages::{OrderContent, OrderMessage},
    order_batch::{ARCHIVE_WITHIN, BEGIN_WITHIN, MAILS_WITHIN, REPEAT_WITHIN, SWEEP_WITHIN},
    parameters::Queue,
    repo::{
        contact,
        message_faults::{self, Attempt},
        orders::{self, Applied},
    },
    shop::Shop,
    staff::kept_answered_since,
};
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use tracing::{Instrument, info_span};

use batch::Returned;
use message::Effects;

/// Answered messages that one transaction of a sweep removes.
const REMOVED_AT_ONCE: u32 = 200;

pub async fn handle(app: &App, event: SqsEvent) -> anyhow::Result<SqsBatchResponse> {
    if event.records.is_empty() {
        return Ok(SqsBatchResponse::default());
    }
    let shop =
        Shop::from_env()?.context("ANAQUEL_SHOP is not set: the stage has no [shop], or was not deployed since")?;
    let began = Instant::now();
    let deciding = Deciding { app, shop: &shop };
    let messages = event.records.clone();
    let returned = batch::run(event.records, began, BEGIN_WITHIN, async |message| {
        let span = info_span!("message", message.id = message.message_id, group = batch::group_of(message));
        // Boxed, here and below: the nested futures exceed the compiler's recursion limit.
        Box::pin(message::process(&deciding, message, began + REPEAT_WITHIN)).instrument(span).await
    });
    let returned = Box::pin(returned).await;
    let returned = Box::pin(archived(app, messages, returned, began)).await;
    // Also after a repeated delivery, because the first one may have ended before this.
    Box::pin(mails::hand_over(app, &shop, began + MAILS_WITHIN)).await;
    Box::pin(show_again(app, &returned)).await;
    Ok(retried(returned.into_iter().map(|returned| returned.message)))
}

/// Archives what was decided. A message that is not in the archive is returned as well, with those after it in its group, which
/// were decided and stay so.
async fn archived(app: &App, messages: Vec<SqsMessage>, returned: Vec<Returned>, began: Instant) -> Vec<Returned> {
    let again: BTreeSet<&str> = returned.iter().filter_map(|one| one.message.message_id.as_deref()).collect();
    let id_of = |message: &SqsMessage| message.message_id.clone().unwrap_or_default();
    let decided: Vec<&SqsMessage> =
        messages.iter().filter(|message| !again.contains(id_of(message).as_str())).collect();
    let missing = if began.elapsed() < ARCHIVE_WITHIN {
        archive::keep(app, Queue::Orders, decided.iter().copied()).await
    } else {
        decided.iter().map(|message| id_of(message)).collect()
    };
    let decided = decided.into_iter().cloned().collect();
    batch::with_missing(decided, &missing, returned)
}

/// The effects on a shop that runs.
struct Deciding<'a> {
    app: &'a App,
    shop: &'a Shop,
}

impl Effects for Deciding<'_> {
    async fn begin(&self, message: &str, uncounted: u16) -> database::Result<Attempt> {
        let now = OffsetDateTime::now_utc();
        self.app.database().write(async |c| message_faults::begin(c, message, uncounted, now).await).await
    }

    async fn decide(&self, id: &str, message: &OrderMessage) -> database::Result<()> {
        let began = Instant::now();
        loop {
            let now = OffsetDateTime::now_utc();
            let deciding = self.app.database().write(async |c| {
                message_faults::forget(c, id).await?;
                if matches!(message.content, OrderContent::Sweep {}) {
                    message_faults::forget_old(c, now).await?;
                    remove_answered(c, now).await?;
                }
                orders::apply(c, message, self.shop, now).await
            });
            let applied = Box::pin(deciding).await?;
            tracing::info!(request_id = message.request_id.as_deref(), order.id = ?message.order_id(), ?applied, "Message processed");
            // A sweep does a bounded part; what it leaves after this time is left to the next one.
            if !matches!(applied, Applied::Swept { more: true, .. }) || began.elapsed() >= SWEEP_WITHIN {
                return Ok(());
            }
        }
    }

    async fn take_back(&self, message: &str) -> database::Result<()> {
        self.app.database().write(async |c| message_faults::take_back(c, message).await).await
    }

    async fn explain(&self, message: &str, reason: &str) -> database::Result<()> {
        self.app.database().write(async |c| message_faults::explain(c, message, reason).await).await
    }

    async fn park(&self, message: &SqsMessage, reason: &str) -> anyhow::Result<()> {
        let (body, id) =
            (message.body.as_deref().unwrap_or_default(), message.message_id.as_deref().unwrap_or_default());
        let queue = self.app.queue(Queue::OrderDeadLetters).await?;
        queue.dead_letter_of_group(body, reason, batch::group_of(message), id).await?;
        // A row that stays is removed by a sweep; the id does not come again.
        let forgotten = self.app.database().write(async |c| message_faults::forget(c, id).await).await;
        forgotten
            .unwrap_or_else(|error| tracing::warn!(error = &error as &dyn std::error::Error, "Faults not forgotten"));
        Ok(())
    }
}

/// Removes some messages to the shop that were answered more days ago than the stage keeps them. The next sweep removes others.
async fn remove_answered(connection: &mut MySqlConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    let Some(before) = kept_answered_since(now) else { return Ok(()) };
    let removed = contact::remove_answered(connection, before, REMOVED_AT_ONCE).await?;
    if removed > 0 {
        tracing::info!(removed_messages = removed, "Answered messages removed");
    }
    Ok(())
}

/// Shortens the visibility timeout of the messages that may succeed soon. If that fails, they wait for the queue's own.
async fn show_again(app: &App, returned: &[Returned]) {
    let soon = |Returned { message, after }: &Returned| Some((message.receipt_handle.clone()?, (*after)?));
    let soon: Vec<(String, u16)> = returned.iter().filter_map(soon).collect();
    if soon.is_empty() {
        return;
    }
    let soon: Vec<(&str, u16)> = soon.iter().map(|(receipt, seconds)| (receipt.as_str(), *seconds)).collect();
    let shown = async { app.queue(Queue::Orders).await?.show_again_after(&soon).await };
    if let Err(error) = shown.await {
        tracing::warn!(error = format!("{error:#}"), "The visibility timeout of messages stays");
    }
}
