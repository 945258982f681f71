//! Tasks about orders and stock. An order is changed here, and not through the queue, because a bookseller must know before
//! handing over the parcel whether a cancellation won.

use std::time::Duration;

use anyhow::Context;
use shared::{
    App, archive, database,
    domain::{OrderAction, OrderNumber},
    repo::{
        archived, books,
        orders::{self, Applied, Moment},
        stock,
    },
    shop::Shop,
    staff::{OrderChanged, OrderErased, Slices, StaffAnswer, StockChange, StockChanged},
};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

/// Orders or movements in one response, which Lambda limits to six megabytes.
const PAGE: u32 = 50;
/// Orders whose lines are in one response.
const EXPORTED: u32 = 200;
/// A deadlock or a lock that somebody holds is tried again so often.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

pub async fn list(app: &App, open: bool, before: Option<OrderNumber>) -> anyhow::Result<StaffAnswer> {
    Ok(StaffAnswer::Orders(app.database().read(async |c| orders::list(c, open, before, PAGE).await).await?))
}

pub async fn show(app: &App, order: OrderNumber) -> anyhow::Result<StaffAnswer> {
    Ok(StaffAnswer::OrderInFull(app.database().read(async |c| orders::in_full(c, order).await).await?))
}

/// A change of an order by the staff.
#[derive(Clone, Copy)]
pub enum Change {
    Act(OrderAction),
    CancelUnpaid { is_mailed: bool },
}

pub async fn change(
    app: &App,
    id: Uuid,
    order: OrderNumber,
    change: Change,
    now: OffsetDateTime,
) -> anyhow::Result<StaffAnswer> {
    let shop = Shop::from_env()?.context("this stage does not sell: its file has no section [shop]")?;
    let applied = retried(async || {
        app.database()
            .write(async |c| match change {
                Change::Act(action) => orders::act(c, id, order, action, &shop, now).await,
                Change::CancelUnpaid { is_mailed } => orders::cancel_unpaid(c, id, order, is_mailed, &shop, now).await,
            })
            .await
    });
    Ok(StaffAnswer::Order(match applied.await? {
        Applied::Changed { state, .. } => OrderChanged::Now { state },
        Applied::Refused { refusal, .. } => OrderChanged::Refused { refusal },
        _ => OrderChanged::Already,
    }))
}

/// Erases who placed an order.
pub async fn erase(app: &App, order: OrderNumber, now: OffsetDateTime) -> anyhow::Result<StaffAnswer> {
    // Before the order forgets whose it is.
    let parts = app.database().read(async |c| archived::of_order(c, order).await).await?;
    let expected =
        retried(async || app.database().write(async |c| orders::erasure_of_order(c, order).await).await).await?;
    // Before it is committed: if the queue does not take it, a repetition still finds whose the order was.
    if is_archive_erased(&expected) {
        archive::ask_for_erasure(app, &parts, now).await?;
    }
    let erased =
        retried(async || app.database().write(async |c| orders::erase_order(c, order, now).await).await).await?;
    // An order that was closed in between.
    if is_archive_erased(&erased) && !is_archive_erased(&expected) {
        archive::ask_for_erasure(app, &parts, now).await?;
    }
    tracing::info!(erased_orders = u32::from(erased == OrderErased::Now), "Order erased");
    Ok(StaffAnswer::OrderErased(erased))
}

/// Whether the archive has to forget the order: also one that was erased before, because an earlier attempt may have ended
/// before its request was sent.
fn is_archive_erased(erased: &OrderErased) -> bool {
    matches!(erased, OrderErased::Now | OrderErased::Already)
}

pub async fn change_stock(
    app: &App,
    id: Uuid,
    book: &str,
    change: StockChange,
    reason: &str,
    now: OffsetDateTime,
) -> anyhow::Result<StaffAnswer> {
    let found = app.database().read(async |c| books::id_in(c, book).await).await?;
    let Some(book) = found else { return Ok(StaffAnswer::Stock(StockChanged::NoSuchBook)) };
    let changed =
        retried(async || app.database().write(async |c| stock::change(c, id, book, change, reason, now).await).await);
    Ok(StaffAnswer::Stock(changed.await?))
}

pub async fn list_movements(app: &App, book: &str, before: Option<u64>) -> anyhow::Result<StaffAnswer> {
    let before = before.unwrap_or(u64::MAX);
    let Some(book) = app.database().read(async |c| books::id_in(c, book).await).await? else {
        return Ok(StaffAnswer::Movements(Vec::new()));
    };
    let movements = app.database().read(async |c| stock::movements(c, book, before, PAGE).await).await?;
    Ok(StaffAnswer::Movements(movements))
}

pub async fn verify(app: &App, slice: Slices, sweep_minutes: u16, now: OffsetDateTime) -> anyhow::Result<StaffAnswer> {
    let moment = Moment::of(now, time::Duration::minutes(sweep_minutes.into()));
    let verified = app.database().read(async |c| orders::verify_slice(c, slice, moment).await).await?;
    for violation in &verified.violations {
        tracing::error!(%violation, "Invariant of stock or orders violated");
    }
    Ok(StaffAnswer::Verified(verified))
}

pub async fn export(app: &App, after: Option<OrderNumber>, days: (Date, Date)) -> anyhow::Result<StaffAnswer> {
    let after = after.unwrap_or(OrderNumber(0));
    let sold = app.database().read(async |c| orders::sold_between(c, after, days, EXPORTED).await);
    let (lines, next) = sold.await?;
    Ok(StaffAnswer::Sold { lines, next })
}

/// Tries again while other writers are in the way. The id of the action makes a repetition harmless.
async fn retried<T>(work: impl AsyncFn() -> database::Result<T>) -> database::Result<T> {
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(database::Error::Busy(error)) => {
                tracing::warn!(error = format!("{error:#}"), "Trying again");
            }
            result => return result,
        }
        tokio::time::sleep(PAUSE).await;
    }
    work().await
}

#[cfg(test)]
mod tests {
    use shared::domain::OrderState;

    use super::*;

    #[test]
    fn a_repeated_erasure_of_an_order_asks_the_archive_again_and_one_without_effect_does_not() {
        for (erased, is_asked) in [
            (OrderErased::Now, true),
            (OrderErased::Already, true),
            (OrderErased::Later { until: None }, false),
            (OrderErased::NotSent { state: OrderState::Confirmed }, false),
            (OrderErased::NoSuchOrder, false),
        ] {
            assert_eq!(is_archive_erased(&erased), is_asked, "{erased:?}");
        }
    }
}
