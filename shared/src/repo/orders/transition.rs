//! What happens to an order after it was decided: by the buyer, the staff or the clock.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{Applied, enter, held, mails, note_effect, note_state, privacy, purchases};
use crate::{
    domain::{Actor, Delivery, OrderAction, OrderEvent, OrderId, OrderNumber, OrderState, Payment, Refusal, VisitorId},
    messages::OrderMessage,
    repo::{
        shop_counts::Change,
        stock::{self, Movement, MovementKind},
    },
    shop::{Collect, Shop},
    staff::version_of,
};

/// A locked order.
#[derive(Debug, Clone)]
pub(super) struct LockedOrder {
    pub number: u32,
    pub id: OrderId,
    pub visitor: Option<VisitorId>,
    pub email_key: Option<Vec<u8>>,
    pub state: OrderState,
    pub delivery: Delivery,
    pub payment: Payment,
    pub is_paid: bool,
    pub is_erased: bool,
    pub is_withdrawn: bool,
    /// As agreed when it was placed; none of an order of an earlier version, or that is sent.
    pub keep_days: Option<u16>,
    pub decided_at: OffsetDateTime,
    pub lines: Vec<LockedLine>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LockedLine {
    pub book: u32,
    /// Copies that were neither cancelled nor returned.
    pub kept: u8,
}

/// What an action does.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// None where only copies of a line go.
    state: Option<OrderState>,
    event: Option<OrderEvent>,
    /// Books, and the copies that come back into the stock.
    back: Vec<(u32, u8)>,
    kind: MovementKind,
}

impl LockedOrder {
    fn plan(&self, action: OrderAction) -> Result<Plan, Refusal> {
        let to = action.leads_to();
        if !self.state.can_become(to, self.delivery) {
            return Err(Refusal::NotFrom { from: self.state, to });
        }
        let (kind, part_event) = match action {
            OrderAction::Return(_) => (MovementKind::Returned, OrderEvent::PartReturned),
            _ => (MovementKind::Released, OrderEvent::PartCancelled),
        };
        let all = || self.lines.iter().filter(|line| line.kept > 0).map(|line| (line.book, line.kept)).collect();
        let whole = |back| Plan { state: Some(to), event: OrderEvent::of_state(to), back, kind };
        match (action, action.part()) {
            (OrderAction::Cancel(_) | OrderAction::Return(_), None) => Ok(whole(all())),
            (_, None) => Ok(whole(Vec::new())),
            (_, Some(part)) => {
                let line = self.lines.iter().find(|line| line.book == part.book.get());
                let left = line.ok_or(Refusal::NoSuchLine { book: part.book })?.kept;
                let copies = part.copies.unwrap_or(left);
                if copies == 0 || copies > left {
                    return Err(Refusal::TooManyCopies { left });
                }
                let kept: u32 = self.lines.iter().map(|line| u32::from(line.kept)).sum();
                if kept == u32::from(copies) {
                    return Ok(whole(all()));
                }
                Ok(Plan { state: None, event: Some(part_event), back: vec![(part.book.get(), copies)], kind })
            }
        }
    }

    /// Its time is over.
    fn expiry(&self) -> Plan {
        let back = self.lines.iter().filter(|line| line.kept > 0).map(|line| (line.book, line.kept)).collect();
        Plan { state: Some(OrderState::Expired), event: Some(OrderEvent::Expired), back, kind: MovementKind::Released }
    }
}

/// Locks an order; none if there is no such one.
pub(super) async fn lock(connection: &mut MySqlConnection, id: OrderId) -> sqlx::Result<Option<LockedOrder>> {
    let number = sqlx::query_scalar!("select number from orders where id = ? for update", id.uuid());
    let Some(number) = number.fetch_optional(&mut *connection).await? else { return Ok(None) };
    Ok(Some(read(connection, number).await?))
}

/// Reads an order that is locked, with its lines.
pub(super) async fn read(connection: &mut MySqlConnection, number: u32) -> sqlx::Result<LockedOrder> {
    let row = sqlx::query!(
        r#"
        select
            id as "id: Uuid",
            visitor_id as "visitor_id: Uuid",
            email_key,
            state as "state: String",
            delivery as "delivery: String",
            payment as "payment: String",
            paid_at,
            erased_at,
            withdrawn_at,
            keep_days,
            decided_at
        from orders
        where number = ?
        for update
        "#,
        number,
    )
    .fetch_one(&mut *connection)
    .await?;
    let lines = sqlx::query!(
        r#"
        select
            book_id,
            quantity - cancelled - returned as "kept!: u8"
        from order_lines
        where order_number = ?
        order by position
        for update
        "#,
        number,
    );
    let lines = lines.fetch_all(connection).await?;
    let unknown =
        |what: &str, code: &str| sqlx::Error::Decode(format!("{what} {code} of order {number} is unknown").into());
    Ok(LockedOrder {
        number,
        id: OrderId::of_uuid(row.id),
        visitor: row.visitor_id.map(VisitorId),
        email_key: row.email_key,
        state: OrderState::from_code(&row.state).ok_or_else(|| unknown("state", &row.state))?,
        delivery: Delivery::parse(&row.delivery).map_err(|_| unknown("delivery", &row.delivery))?,
        payment: Payment::parse(&row.payment).map_err(|_| unknown("payment", &row.payment))?,
        is_paid: row.paid_at.is_some(),
        is_erased: row.erased_at.is_some(),
        is_withdrawn: row.withdrawn_at.is_some(),
        keep_days: row.keep_days,
        decided_at: row.decided_at,
        lines: lines.into_iter().map(|line| LockedLine { book: line.book_id, kept: line.kept }).collect(),
    })
}

/// Runs an action of the staff, once for each id. To be run in one transaction.
pub async fn act(
    connection: &mut MySqlConnection,
    id: Uuid,
    number: OrderNumber,
    action: OrderAction,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    act_by(connection, id, number, StaffAction { action, voice: Voice::SHOP, only_unpaid: false }, shop, now).await
}

/// Cancels an order, unless it is paid by now, in the same way. Its buyer, who may be nobody, gets a mail if `is_mailed`.
pub async fn cancel_unpaid(
    connection: &mut MySqlConnection,
    id: Uuid,
    number: OrderNumber,
    is_mailed: bool,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    let voice = Voice { is_mailed, ..Voice::SHOP };
    let asked = StaffAction { action: OrderAction::Cancel(None), voice, only_unpaid: true };
    act_by(connection, id, number, asked, shop, now).await
}

/// Runs an action of the staff like [`act`], if the order is still as the form showed it; none if somebody has changed it since.
/// An action that was run before is answered as it was then.
pub async fn act_on(
    connection: &mut MySqlConnection,
    id: Uuid,
    (number, version): (OrderNumber, &str),
    action: OrderAction,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Option<Applied>> {
    let order = sqlx::query_scalar!("select number from orders where number = ? for update", number.0);
    let Some(order) = order.fetch_optional(&mut *connection).await? else {
        return Ok(Some(Applied::Refused { order: None, refusal: Refusal::NoSuchOrder }));
    };
    // Only now: a form that is sent twice at once has waited here for itself.
    let ran = sqlx::query_scalar!("select 1 as one from order_messages where id = ?", id);
    if ran.fetch_optional(&mut *connection).await?.is_none() {
        let order = read(connection, order).await?;
        let copies = order.lines.iter().map(|line| line.kept);
        if version_of(order.state, order.is_paid, order.is_withdrawn, copies) != version {
            return Ok(None);
        }
    }
    act(connection, id, number, action, shop, now).await.map(Some)
}

/// An action of the staff.
struct StaffAction {
    action: OrderAction,
    voice: Voice,
    /// Whether it is refused of a paid order.
    only_unpaid: bool,
}

async fn act_by(
    connection: &mut MySqlConnection,
    id: Uuid,
    number: OrderNumber,
    StaffAction { action, voice, only_unpaid }: StaffAction,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    let order = sqlx::query_scalar!(r#"select id as "id: Uuid" from orders where number = ?"#, number.0);
    let Some(order) = order.fetch_optional(&mut *connection).await?.map(OrderId::of_uuid) else {
        return Ok(Applied::Refused { order: None, refusal: Refusal::NoSuchOrder });
    };
    if !enter(connection, id, order, "staff", None, now, now).await? {
        return repeated(connection, id, order, action).await;
    }
    let applied = match lock(connection, order).await? {
        Some(locked) if only_unpaid && locked.is_paid => {
            Applied::Refused { order: Some(order), refusal: Refusal::Paid }
        }
        Some(locked) => change(connection, id, locked, action, voice, shop, now).await?,
        None => Applied::Refused { order: None, refusal: Refusal::NoSuchOrder },
    };
    note_effect(connection, id, &applied, now).await?;
    Ok(applied)
}

/// The answer to an action that was run before, as after a commit whose confirmation was late. One that was refused is
/// refused again, so that nobody hands over a parcel for an order that a cancellation has ended.
async fn repeated(
    connection: &mut MySqlConnection,
    id: Uuid,
    order: OrderId,
    action: OrderAction,
) -> sqlx::Result<Applied> {
    let effect = sqlx::query_scalar!("select effect from order_messages where id = ?", id);
    let was_refused =
        effect.fetch_optional(&mut *connection).await?.is_some_and(|effect| effect.starts_with("refused"));
    if !was_refused {
        return Ok(Applied::Repeated { order });
    }
    let Some(locked) = lock(connection, order).await? else {
        return Ok(Applied::Refused { order: None, refusal: Refusal::NoSuchOrder });
    };
    let refusal = locked.plan(action).err().unwrap_or(Refusal::NotFrom { from: locked.state, to: action.leads_to() });
    Ok(Applied::Refused { order: Some(order), refusal })
}

/// Changes a locked order, if its state allows it.
pub(super) async fn change(
    connection: &mut MySqlConnection,
    source: Uuid,
    order: LockedOrder,
    action: OrderAction,
    voice: Voice,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    let plan = match order.plan(action) {
        Ok(plan) => plan,
        Err(refusal) => return Ok(Applied::Refused { order: Some(order.id), refusal }),
    };
    let (id, number) = (order.id, OrderNumber(order.number));
    let state = plan.state.unwrap_or(order.state);
    let cause = Cause { source, text: format!("action:{source}"), voice };
    execute(connection, &[(order, plan, cause)], shop, now).await?;
    Ok(Applied::Changed { order: id, number, state })
}

/// Notes that the buyer withdraws from the contract of a locked order, and confirms it by mail on a durable medium with its
/// time, as article 11a of Directive 2011/83/EU requires: when it was sent, however long it waited. The first declaration
/// counts. The order itself changes when its books are back.
pub(super) async fn withdraw(
    connection: &mut MySqlConnection,
    message: &OrderMessage,
    order: &LockedOrder,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    if order.is_withdrawn {
        return Ok(Applied::Repeated { order: order.id });
    }
    // The contact is needed until the books are back.
    sqlx::query!(
        r#"
        update orders
        set withdrawn_at = ?,
            contact_until = if(contact_until is null or erased_at is not null, contact_until, greatest(contact_until, ?))
        where number = ?
        "#,
        message.sent_at.min(now),
        now + privacy::KEEP_CONTACT,
        order.number,
    )
    .execute(&mut *connection)
    .await?;
    // Without a contact there is nobody to write to.
    if order.email_key.is_some() {
        mails::write(connection, order.number, OrderEvent::Withdrawn, message.id, now).await?;
    }
    Ok(Applied::Withdrawn { order: order.id, number: OrderNumber(order.number) })
}

/// Ends orders whose time is over; they are locked.
pub(super) async fn expire(
    connection: &mut MySqlConnection,
    orders: Vec<LockedOrder>,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    by_clock(connection, orders, "expiry", |order| Some(order.expiry()), shop, now).await
}

/// Takes orders as delivered that were sent long ago; they are locked.
pub(super) async fn take_as_delivered(
    connection: &mut MySqlConnection,
    orders: Vec<LockedOrder>,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    by_clock(connection, orders, "delivery", |order| order.plan(OrderAction::Delivered).ok(), shop, now).await
}

/// Changes those of the orders that have a plan.
async fn by_clock(
    connection: &mut MySqlConnection,
    orders: Vec<LockedOrder>,
    kind: &str,
    plan: impl Fn(&LockedOrder) -> Option<Plan>,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let planned: Vec<_> = orders
        .into_iter()
        .filter_map(|order| {
            let (plan, source) = (plan(&order)?, order.id.uuid());
            Some((order, plan, Cause { source, text: format!("{kind}:{source}"), voice: Voice::CLOCK }))
        })
        .collect();
    execute(connection, &planned, shop, now).await
}

/// What brought a change about.
struct Cause {
    source: Uuid,
    /// In the movements.
    text: String,
    voice: Voice,
}

/// Who changes an order, and whether its buyer gets a mail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    actor: Actor,
    is_mailed: bool,
}

impl Voice {
    pub const BUYER: Self = Self { actor: Actor::Buyer, is_mailed: true };
    const SHOP: Self = Self { actor: Actor::Shop, is_mailed: true };
    const CLOCK: Self = Self { actor: Actor::Clock, is_mailed: true };
}

/// Carries out plans for locked orders. All books are locked first, in the order of their ids; the numbers of the shop come
/// last, because other writers wait for them.
async fn execute(
    connection: &mut MySqlConnection,
    planned: &[(LockedOrder, Plan, Cause)],
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let ids: BTreeSet<u32> = planned.iter().flat_map(|(_, plan, _)| &plan.back).map(|(book, _)| *book).collect();
    let mut change = Change::default();
    if !ids.is_empty() {
        let books = stock::lock(connection, &ids).await?;
        let movements: Vec<Movement> = planned.iter().flat_map(movements).collect();
        change = stock::record(connection, &held(&books), &movements, now).await?;
    }
    for (order, plan, cause) in planned {
        give_back(connection, order, plan).await?;
        if let Some(state) = plan.state {
            come_to(connection, order, state, cause.voice.actor, shop, now).await?;
            note_state(connection, order.number, state, now, cause.voice.actor).await?;
        }
        match (plan.event, cause.voice.actor) {
            (Some(event), _) if !cause.voice.is_mailed => {
                mails::write_none(connection, order.number, event, cause.source, now).await?;
            }
            (Some(OrderEvent::Cancelled), Actor::Buyer) => {
                mails::write_cancellation(connection, order.number, cause.source, now).await?;
            }
            (Some(event), _) => mails::write(connection, order.number, event, cause.source, now).await?,
            (None, _) => {}
        }
    }
    change.write(connection).await
}

fn movements((order, plan, cause): &(LockedOrder, Plan, Cause)) -> Vec<Movement> {
    let back = plan.back.iter().map(|(book, copies)| Movement {
        order: Some(order.id),
        sale_day: Some(order.decided_at.date()),
        ..Movement::new(*book, plan.kind, i32::from(*copies), cause.text.clone())
    });
    back.collect()
}

/// Notes in the lines which copies went back. Those of an order that expired count as cancelled.
async fn give_back(connection: &mut MySqlConnection, order: &LockedOrder, plan: &Plan) -> sqlx::Result<()> {
    if plan.back.is_empty() {
        return Ok(());
    }
    let is_return = plan.kind == MovementKind::Returned;
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            copies tinyint unsigned path '$[1]'
        )) back
        straight_join order_lines l on l.order_number = ? and l.book_id = back.book_id
        set l.cancelled = l.cancelled + if(?, 0, back.copies),
            l.returned = l.returned + if(?, back.copies, 0)
        "#,
        json!(plan.back).to_string(),
        order.number,
        is_return,
        is_return,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn come_to(
    connection: &mut MySqlConnection,
    order: &LockedOrder,
    state: OrderState,
    actor: Actor,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let is_paid_now = match state {
        OrderState::Confirmed | OrderState::Collected => true,
        // The clock does not know whether the carrier has brought the money.
        OrderState::Delivered => order.payment == Payment::OnDelivery && actor != Actor::Clock,
        _ => false,
    };
    let paid_at = (is_paid_now && !order.is_paid).then_some(now);
    let of_shop = || shop.collect.as_ref().map_or(Collect::USUAL_KEEP_DAYS, |collect| collect.keep_days);
    let keep = Duration::days(order.keep_days.unwrap_or_else(of_shop).into());
    // What is paid belongs to the buyer, and waits for as long as it takes.
    let expires_at = (state == OrderState::Ready && !order.is_paid).then(|| now + keep);
    let delivered_by = (state == OrderState::Shipped).then(|| now + Duration::days(shop.delivered_after_days().into()));
    let contact_until = match (state.is_closed(), order.is_erased) {
        (false, _) => None,
        // What comes back needs an address to write to, except where its buyer has asked for erasure.
        (true, true) => Some(now),
        (true, false) => Some(now + privacy::KEEP_CONTACT),
    };
    sqlx::query!(
        r#"
        update orders
        set state = ?,
            paid_at = coalesce(paid_at, ?),
            expires_at = ?,
            delivered_by = ?,
            contact_until = ?
        where number = ?
        "#,
        state.code(),
        paid_at,
        expires_at,
        delivered_by,
        contact_until,
        order.number,
    )
    .execute(&mut *connection)
    .await?;
    match state {
        OrderState::Shipped | OrderState::Collected => purchases::mark_ratings(connection, order.number).await,
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::Part;

    fn order(state: OrderState, delivery: Delivery, kept: &[(u32, u8)]) -> LockedOrder {
        LockedOrder {
            number: 100_001,
            id: OrderId::of_uuid(Uuid::nil()),
            visitor: None,
            email_key: None,
            state,
            delivery,
            payment: Payment::BankTransfer,
            is_paid: false,
            is_erased: false,
            is_withdrawn: false,
            keep_days: None,
            decided_at: datetime!(2026-01-02 03:04 UTC),
            lines: kept.iter().map(|(book, kept)| LockedLine { book: *book, kept: *kept }).collect(),
        }
    }

    fn part(book: u32, copies: Option<u8>) -> Part {
        Part { book: book.into(), copies }
    }

    #[test]
    fn an_action_gives_back_what_it_is_about_and_the_last_copy_ends_the_order() {
        use OrderAction::{Cancel, Collected, Paid, Ready, Return, Shipped};
        use OrderState::{AwaitingPayment, Confirmed, Delivered};
        let ship = Delivery::Ship;
        let lines = [(7, 2), (9, 1)];
        for (state, delivery, kept, action, expected) in [
            (AwaitingPayment, ship, &lines[..], Paid, Ok((Some(Confirmed), Some(OrderEvent::Confirmed), vec![]))),
            (Confirmed, ship, &lines, Shipped, Ok((Some(OrderState::Shipped), Some(OrderEvent::Shipped), vec![]))),
            (Confirmed, ship, &lines, Ready, Err(Refusal::NotFrom { from: Confirmed, to: OrderState::Ready })),
            (OrderState::Ready, Delivery::Collect, &lines, Collected, Ok((Some(OrderState::Collected), None, vec![]))),
            (
                Confirmed,
                ship,
                &[(7, 2), (8, 0), (9, 1)],
                Cancel(None),
                Ok((Some(OrderState::Cancelled), Some(OrderEvent::Cancelled), vec![(7, 2), (9, 1)])),
            ),
            (
                Confirmed,
                ship,
                &lines,
                Cancel(Some(part(7, Some(1)))),
                Ok((None, Some(OrderEvent::PartCancelled), vec![(7, 1)])),
            ),
            (
                Confirmed,
                ship,
                &lines,
                Cancel(Some(part(7, None))),
                Ok((None, Some(OrderEvent::PartCancelled), vec![(7, 2)])),
            ),
            (
                Confirmed,
                ship,
                &[(7, 2), (9, 0)],
                Cancel(Some(part(7, Some(2)))),
                Ok((Some(OrderState::Cancelled), Some(OrderEvent::Cancelled), vec![(7, 2)])),
            ),
            (Confirmed, ship, &lines, Cancel(Some(part(8, None))), Err(Refusal::NoSuchLine { book: 8.into() })),
            (Confirmed, ship, &lines, Cancel(Some(part(7, Some(3)))), Err(Refusal::TooManyCopies { left: 2 })),
            (Confirmed, ship, &lines, Cancel(Some(part(7, Some(0)))), Err(Refusal::TooManyCopies { left: 2 })),
            (Confirmed, ship, &[(7, 0), (9, 1)], Cancel(Some(part(7, None))), Err(Refusal::TooManyCopies { left: 0 })),
            (
                OrderState::Shipped,
                ship,
                &lines,
                Cancel(None),
                Err(Refusal::NotFrom { from: OrderState::Shipped, to: OrderState::Cancelled }),
            ),
            (
                Confirmed,
                ship,
                &lines,
                Return(Some(part(7, Some(1)))),
                Err(Refusal::NotFrom { from: Confirmed, to: OrderState::Returned }),
            ),
            (
                Delivered,
                ship,
                &lines,
                Return(Some(part(9, None))),
                Ok((None, Some(OrderEvent::PartReturned), vec![(9, 1)])),
            ),
            (
                Delivered,
                ship,
                &lines,
                Return(None),
                Ok((Some(OrderState::Returned), Some(OrderEvent::Returned), vec![(7, 2), (9, 1)])),
            ),
        ] {
            let planned = order(state, delivery, kept).plan(action).map(|plan| (plan.state, plan.event, plan.back));
            assert_eq!(planned, expected, "{state} {action:?}");
        }
    }
}
