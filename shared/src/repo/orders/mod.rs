//! Orders are decided here and nowhere else: by the consumer of their queue, by the clock, and by actions of the staff, all
//! through the same statements. Each call is to be run in one transaction by the caller.
//!
//! Locks are taken in one order, so that two transactions wait for one another and hardly ever deadlock: the id of the
//! message, the order, the slots of its buyer, the books by their ids, the numbers of the shop. A deadlock that happens all
//! the same is an error, and the caller tries again.

mod decide;
mod desk;
mod early;
mod limit;
mod mails;
mod owned;
mod privacy;
mod purchases;
mod read;
mod sweep;
mod transition;
mod verify;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use sqlx::{MySqlConnection, error::ErrorKind};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    customers,
    stock::{Held, LockedBook},
};
use crate::{
    domain::{Actor, Email, OrderId, OrderNumber, OrderOutcome, OrderReason, OrderState, Refusal},
    messages::{AskedBy, OrderActionV1, OrderContent, OrderMessage},
    shop::Shop,
};

pub use desk::{list_shown, to_pick, waiting};
pub(super) use early::forget_customer;
pub use early::forget_visitor;
pub use mails::{
    HELD_BACK, MAX_CANCELLATIONS_MAILED, MAX_REJECTIONS_MAILED, UnsentMail, declared_at, fail_mail, lock_unsent_mails,
    mark_sent, unsent_mails, withhold_mail,
};
pub(super) use owned::numbers_of_customer;
pub use owned::{OWN, is_of_customer, of_customer};
pub use privacy::{Erasure, erase, erase_order, erasure_of_order, of_visitor};
pub(super) use purchases::{has_bought, who_has_bought};
pub use read::{find, find_by_number, in_full, list, sold_between};
pub use transition::{act, act_on, cancel_unpaid};
pub use verify::{Moment, verify, verify_slice};

/// The effect of a message or an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applied {
    /// An order was accepted or rejected.
    Decided { order: OrderId, number: OrderNumber, outcome: OrderOutcome },
    /// An earlier delivery of the same message was processed; this one changed nothing.
    Repeated { order: OrderId },
    /// The key of an order came back with another body, which was recorded and had no other effect.
    RepeatedOtherwise { order: OrderId },
    /// An order came to this state, or lost copies of a line and is still in it.
    Changed { order: OrderId, number: OrderNumber, state: OrderState },
    /// The buyer has withdrawn from the contract, and the order waits for its books.
    Withdrawn { order: OrderId, number: OrderNumber },
    /// Nothing was changed.
    Refused { order: Option<OrderId>, refusal: Refusal },
    /// What was due was done; more is, if `more`.
    Swept { expired: u32, more: bool },
}

/// Processes a message. To be run in one transaction, which is all of the message's effect.
pub async fn apply(
    connection: &mut MySqlConnection,
    message: &OrderMessage,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    match &message.content {
        OrderContent::Order(order) => {
            if !enter(connection, message.id, order.order, "order", None, message.sent_at, now).await? {
                return Ok(Applied::Repeated { order: order.order });
            }
            let applied = decide::decide(connection, message, order, shop, now).await?;
            note_effect(connection, message.id, &applied, now).await?;
            if let Applied::Decided { number, outcome: OrderOutcome::Rejected(OrderReason::Erased), .. } = &applied {
                privacy::forget_message(connection, number.0).await?;
            }
            Ok(applied)
        }
        OrderContent::Action(action) => {
            let asker = early::asker(&action.asked_by);
            if !enter(connection, message.id, action.order, "order-action", Some(asker), message.sent_at, now).await? {
                return Ok(Applied::Repeated { order: action.order });
            }
            let applied = cancel(connection, message, action, shop, now).await?;
            note_effect(connection, message.id, &applied, now).await?;
            Ok(applied)
        }
        // It repeats without harm, so that it needs no record.
        OrderContent::Sweep {} => sweep::sweep(connection, shop, now).await,
    }
}

/// The buyer cancels, or withdraws from the contract once the order has left the shop.
async fn cancel(
    connection: &mut MySqlConnection,
    message: &OrderMessage,
    action: &OrderActionV1,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    let crate::messages::BuyerAction::Cancel = action.action;
    let Some(order) = transition::lock(connection, action.order).await? else {
        early::remember(connection, message.id, now).await?;
        return Ok(Applied::Refused { order: None, refusal: Refusal::NoSuchOrder });
    };
    let is_buyer = match &action.asked_by {
        AskedBy::Visitor(visitor) => order.visitor == Some(*visitor),
        AskedBy::Email(email) => order.email_key.as_deref() == Some(&email_key(email)[..]),
        AskedBy::Customer(customer) => {
            let is_of_browser = customer.visitor.is_some() && order.visitor == customer.visitor;
            is_of_browser
                || customers::is_signed_in(connection, &customer.session).await?
                    && is_of_customer(connection, order.id, customer.session.subject).await?
        }
    };
    if !is_buyer {
        early::drop_beyond_limit(connection, message.id, order.id).await?;
        return Ok(Applied::Refused { order: Some(order.id), refusal: Refusal::NotTheBuyer });
    }
    if order.state.has_left_the_shop() {
        return transition::withdraw(connection, message, &order, now).await;
    }
    let whole = crate::domain::OrderAction::Cancel(None);
    transition::change(connection, message.id, order, whole, transition::Voice::BUYER, shop, now).await
}

/// Enters a message, of a cancellation with its asker, before its order is looked for; false if it was processed before. Of
/// two deliveries at once, the second waits for the first.
async fn enter(
    connection: &mut MySqlConnection,
    id: Uuid,
    order: OrderId,
    kind: &str,
    asked_by: Option<[u8; 32]>,
    sent_at: OffsetDateTime,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let inserted = sqlx::query!(
        r#"
        insert into order_messages (id, order_id, kind, effect, asked_by, sent_at, applied_at)
        values (?, ?, ?, '', ?, ?, ?)
        "#,
        id,
        order.uuid(),
        kind,
        asked_by.map(|asker| asker.to_vec()),
        sent_at,
        now,
    );
    match inserted.execute(connection).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(false),
        Err(error) => Err(error),
    }
}

/// Notes the effect of a message. One without an effect is recorded for some time only.
///
/// `asked_until` is the time from which a sweep looks at the row again. If the row has an asker then, who cancelled an order
/// that never came, the asker is removed and the row gets the rest of [`early::KEEP_RECORD`]; otherwise the row is deleted. A row
/// without `asked_until` is kept for good: its message had an effect, or was an action of the staff.
async fn note_effect(
    connection: &mut MySqlConnection,
    id: Uuid,
    applied: &Applied,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let effect = match applied {
        Applied::Decided { outcome: OrderOutcome::Accepted(state), .. } | Applied::Changed { state, .. } => {
            state.code().to_owned()
        }
        Applied::Decided { outcome: OrderOutcome::Rejected(reason), .. } => format!("rejected {}", reason.code()),
        Applied::Withdrawn { .. } => "withdrawn".to_owned(),
        Applied::Refused { refusal, .. } => format!("refused {}", refusal.code()),
        Applied::Repeated { .. } | Applied::RepeatedOtherwise { .. } => "repeated".to_owned(),
        Applied::Swept { .. } => "swept".to_owned(),
    };
    let has_none =
        matches!(applied, Applied::Refused { .. } | Applied::Repeated { .. } | Applied::RepeatedOtherwise { .. });
    // The asker of an order that was there is in the order. What the staff has tried is kept.
    sqlx::query!(
        r#"
        update order_messages
        set effect = ?,
            asked_by = if(asked_until is null, null, asked_by),
            asked_until = coalesce(asked_until, if(kind = 'staff', null, ?))
        where id = ?
        "#,
        effect,
        has_none.then(|| now + early::KEEP_RECORD),
        id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What moves of locked books.
fn held(books: &BTreeMap<u32, LockedBook>) -> BTreeMap<u32, Held> {
    books.iter().map(|(id, book)| (*id, book.held)).collect()
}

/// A buyer by the address, however it is written.
fn email_key(email: &Email) -> [u8; 32] {
    email.key()
}

async fn note_state(
    connection: &mut MySqlConnection,
    number: u32,
    state: OrderState,
    at: OffsetDateTime,
    actor: Actor,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        insert into order_states (order_number, state, at, actor)
        values (?, ?, ?, ?)
        "#,
        number,
        state.code(),
        at,
        actor.code(),
    )
    .execute(connection)
    .await?;
    Ok(())
}
