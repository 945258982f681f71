//! The decision about a new order.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{MySqlConnection, error::ErrorKind};
use time::{Duration, OffsetDateTime};

use super::{Applied, early, email_key, held, limit, mails, note_state, privacy};
use crate::{
    domain::{
        Actor, Delivery, LineReason, Money, OrderEvent, OrderNote, OrderNumber, OrderOutcome, OrderReason, OrderState,
        Payment, Phone,
    },
    messages::{OrderLineV1, OrderMessage, OrderV1},
    repo::{
        customers,
        stock::{self, LockedBook, Movement, MovementKind},
        visitors,
    },
    session::Subject,
    shop::{Selling, Shop},
};

/// What is charged, or why nothing is sold.
struct Decision {
    rejection: Option<OrderReason>,
    /// In the order of the message's lines.
    reasons: Vec<Option<LineReason>>,
    delivery_price: u32,
    total: u32,
}

/// Decides an order whose message was entered.
pub(super) async fn decide(
    connection: &mut MySqlConnection,
    message: &OrderMessage,
    order: &OrderV1,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Applied> {
    let customer = customers::of_order(connection, order).await?;
    let Some(number) = insert(connection, message, order, customer, shop, now).await? else {
        return repeat(connection, order, now).await;
    };
    // A sender's clock may be ahead.
    note_state(connection, number, OrderState::Received, message.sent_at.min(now), Actor::Buyer).await?;
    let is_erased = visitors::is_erased(connection, order.visitor, message.sent_at).await?;
    let was_cancelled = early::was_cancelled(connection, order).await?;
    let refused = if is_erased {
        Some(OrderReason::Erased)
    } else if was_cancelled {
        Some(OrderReason::Cancelled)
    } else {
        refused(connection, order, shop, number, now).await?
    };
    let ids: BTreeSet<u32> = order.lines.iter().map(|line| line.book.get()).collect();
    let books = stock::lock(connection, &ids).await?;
    let mut decision = Decision::of(order, &books, shop);
    decision.rejection = refused.or(decision.rejection);
    insert_lines(connection, number, order, &decision, &books, shop).await?;
    let outcome = match decision.rejection {
        Some(reason) => {
            reject(connection, number, &reason, now).await?;
            OrderOutcome::Rejected(reason)
        }
        None => OrderOutcome::Accepted(accept(connection, number, order, &decision, shop, now).await?),
    };
    if is_erased {
        privacy::clear(connection, number).await?;
    } else {
        let event = match &outcome {
            OrderOutcome::Accepted(OrderState::AwaitingPayment) => Some(OrderEvent::AwaitingPayment),
            OrderOutcome::Accepted(_) => Some(OrderEvent::Confirmed),
            OrderOutcome::Rejected(_) => None,
        };
        if let Some(event) = event {
            mails::write(connection, number, event, message.id, now).await?;
        } else {
            let mailbox = order.contact.email.mailbox_key();
            mails::write_rejection(connection, number, &mailbox, message.id, now).await?;
        }
    }
    if matches!(outcome, OrderOutcome::Accepted(_)) {
        sell(connection, order, &books, now).await?;
    }
    Ok(Applied::Decided { order: order.order, number: OrderNumber(number), outcome })
}

/// Enters the order, and gives its number; none if it is there already. Of two messages at once, the second waits for the
/// first.
async fn insert(
    connection: &mut MySqlConnection,
    message: &OrderMessage,
    order: &OrderV1,
    customer: Option<Subject>,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<Option<u32>> {
    let address = order.address.as_ref().map(|address| serde_json::to_string(address).unwrap_or_default());
    let inserted = sqlx::query!(
        r#"
        insert into orders (
            id, visitor_id, state, delivery, payment, currency, contact_name, email, phone, address, country, note, email_key,
            mailbox_key, address_key, keep_days, language, fingerprint, placed_at, decided_at, customer
        )
        values (?, ?, 'received', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        "#,
        order.order.uuid(),
        order.visitor.0,
        order.delivery.code(),
        order.payment.code(),
        shop.currency,
        order.contact.name.as_str(),
        order.contact.email.as_str(),
        order.contact.phone.as_ref().map(Phone::as_str),
        address,
        order.address.as_ref().map(|address| address.country.code()),
        order.note.as_ref().map(OrderNote::as_str),
        &email_key(&order.contact.email)[..],
        &order.contact.email.mailbox_key()[..],
        order.address.as_ref().map(|address| limit::address_key(address).to_vec()),
        shop.collect.as_ref().filter(|_| order.delivery == Delivery::Collect).map(|collect| collect.keep_days),
        order.language.as_str(),
        order.fingerprint.bytes(),
        message.sent_at,
        now,
        customer.map(Subject::uuid),
    );
    match inserted.execute(connection).await {
        Ok(done) => Ok(Some(u32::try_from(done.last_insert_id()).unwrap_or(u32::MAX))),
        Err(sqlx::Error::Database(error)) if error.kind() == ErrorKind::UniqueViolation => Ok(None),
        Err(error) => Err(error),
    }
}

/// The key of an order came back in another message.
async fn repeat(connection: &mut MySqlConnection, order: &OrderV1, now: OffsetDateTime) -> sqlx::Result<Applied> {
    let changed = sqlx::query!(
        "update orders set repeated_at = ? where id = ? and fingerprint not in (?, ?)",
        now,
        order.order.uuid(),
        order.fingerprint.bytes(),
        &privacy::NO_FINGERPRINT[..],
    );
    let order = order.order;
    Ok(match changed.execute(connection).await?.rows_affected() {
        0 => Applied::Repeated { order },
        _ => Applied::RepeatedOtherwise { order },
    })
}

/// What no book decides.
async fn refused(
    connection: &mut MySqlConnection,
    order: &OrderV1,
    shop: &Shop,
    number: u32,
    now: OffsetDateTime,
) -> sqlx::Result<Option<OrderReason>> {
    if let Some(reason) = not_offered(order, shop) {
        return Ok(Some(reason));
    }
    let is_reached = limit::is_reached(connection, order, number, shop, now).await?;
    Ok(is_reached.then_some(OrderReason::TooManyOpen { max: shop.max_open_orders.into() }))
}

/// What the shop does not offer, or offers no longer.
fn not_offered(order: &OrderV1, shop: &Shop) -> Option<OrderReason> {
    if shop.sells != Selling::Yes {
        return Some(OrderReason::NotSelling);
    }
    match (order.delivery, &shop.collect, &shop.ship) {
        (Delivery::Collect, None, _) | (Delivery::Ship, _, None) => return Some(OrderReason::DeliveryNotOffered),
        (Delivery::Ship, _, Some(parcel)) => {
            let is_served = order.address.as_ref().is_some_and(|address| {
                let country = address.country.code();
                parcel.countries.iter().any(|served| served == country) && !address.is_outside_vat_area()
            });
            if !is_served {
                return Some(OrderReason::CountryNotServed);
            }
        }
        (Delivery::Collect, Some(_), _) => {}
    }
    let is_accepted = match order.payment {
        Payment::OnCollection => shop.payments.on_collection,
        Payment::OnDelivery => shop.payments.on_delivery,
        Payment::BankTransfer => shop.payments.bank_transfer.is_some(),
    };
    (!is_accepted).then_some(OrderReason::PaymentNotAccepted)
}

impl Decision {
    /// By the prices of the shop as they are now. What the buyer saw is a ceiling: what costs less is charged less.
    fn of(order: &OrderV1, books: &BTreeMap<u32, LockedBook>, shop: &Shop) -> Self {
        let reasons: Vec<Option<LineReason>> =
            order.lines.iter().map(|line| line_reason(line, books.get(&line.book.get()), &shop.currency)).collect();
        let price = |line: &OrderLineV1| books.get(&line.book.get()).and_then(|book| book.price.as_ref());
        let lines: u64 = order
            .lines
            .iter()
            .map(|line| price(line).map_or(0, |price| u64::from(price.minor) * u64::from(line.quantity.get())))
            .sum();
        let delivery_price = match (order.delivery, &shop.ship) {
            (Delivery::Ship, Some(parcel)) => parcel.price_for(lines),
            _ => 0,
        };
        let exact = lines + u64::from(delivery_price);
        let total = u32::try_from(exact).unwrap_or(u32::MAX);
        let rejection = if reasons.iter().any(Option::is_some) {
            Some(OrderReason::Lines)
        } else if is_above(delivery_price, &order.delivery_price_seen, &shop.currency) {
            Some(OrderReason::DeliveryPriceAbove { now: shop.money(delivery_price) })
        } else if exact > u64::from(total) || is_above(total, &order.total_seen, &shop.currency) {
            Some(OrderReason::TotalAbove { now: shop.money(total) })
        } else {
            None
        };
        Self { rejection, reasons, delivery_price, total }
    }
}

/// A ceiling in another currency is none that the shop could keep to.
fn is_above(price: u32, ceiling: &Money, currency: &str) -> bool {
    ceiling.currency != currency || price > ceiling.minor
}

/// Why a line cannot be sold.
fn line_reason(line: &OrderLineV1, book: Option<&LockedBook>, currency: &str) -> Option<LineReason> {
    let Some(book) = book.filter(|book| !book.is_withdrawn) else { return Some(LineReason::NoSuchBook) };
    let Some(price) = &book.price else { return Some(LineReason::WithoutPrice) };
    if price.currency != line.unit_price_seen.currency || price.currency != currency {
        return Some(LineReason::OtherCurrency { now: price.clone() });
    }
    let left = book.held.stock;
    if left < line.quantity.get().into() {
        return Some(LineReason::OutOfStock { left });
    }
    (price.minor > line.unit_price_seen.minor).then(|| LineReason::PriceAbove { now: price.clone() })
}

/// Writes the lines, of a rejected order too: the buyer sees the reasons, and orders what is available.
async fn insert_lines(
    connection: &mut MySqlConnection,
    number: u32,
    order: &OrderV1,
    decision: &Decision,
    books: &BTreeMap<u32, LockedBook>,
    shop: &Shop,
) -> sqlx::Result<()> {
    let rows: Vec<_> = (0_u8..)
        .zip(order.lines.iter().zip(&decision.reasons))
        .map(|(position, (line, reason))| {
            let book = books.get(&line.book.get());
            serde_json::json!([
                position,
                line.book.get(),
                book.map(|book| book.title.as_str()).unwrap_or_default(),
                book.and_then(|book| book.isbn.as_deref()),
                line.quantity.get(),
                book.and_then(|book| book.price.as_ref())
                    .filter(|price| price.currency == shop.currency)
                    .map(|price| price.minor),
                book.and_then(|book| book.tax_rate).unwrap_or(shop.tax_rates.books),
                reason.as_ref().map(LineReason::code),
            ])
        })
        .collect();
    sqlx::query!(
        r#"
        insert into order_lines (order_number, position, book_id, title, isbn, quantity, unit_price, tax_rate, reason)
        select
            ?,
            line.position,
            line.book_id,
            line.title,
            line.isbn,
            line.quantity,
            line.unit_price,
            line.tax_rate,
            line.reason
        from json_table(?, '$[*]' columns (
            position tinyint unsigned path '$[0]',
            book_id int unsigned path '$[1]',
            title varchar(500) path '$[2]',
            isbn char(13) path '$[3]',
            quantity tinyint unsigned path '$[4]',
            unit_price int unsigned path '$[5]',
            tax_rate smallint unsigned path '$[6]',
            reason varchar(100) path '$[7]'
        )) line
        "#,
        number,
        serde_json::json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn reject(
    connection: &mut MySqlConnection,
    number: u32,
    reason: &OrderReason,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update orders
        set state = 'rejected',
            rejection = ?,
            contact_until = ?
        where number = ?
        "#,
        reason.code(),
        now + privacy::KEEP_CONTACT,
        number,
    )
    .execute(&mut *connection)
    .await?;
    note_state(connection, number, OrderState::Rejected, now, Actor::Shop).await
}

/// Writes the outcome of an order that is sold.
async fn accept(
    connection: &mut MySqlConnection,
    number: u32,
    order: &OrderV1,
    decision: &Decision,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<OrderState> {
    let transfer = shop.payments.bank_transfer.as_ref().filter(|_| order.payment == Payment::BankTransfer);
    let (state, expires_at) = match transfer {
        Some(transfer) => (OrderState::AwaitingPayment, Some(now + Duration::days(transfer.days_to_pay.into()))),
        None => (OrderState::Confirmed, None),
    };
    sqlx::query!(
        r#"
        update orders
        set state = ?,
            delivery_price = ?,
            delivery_tax_rate = ?,
            total = ?,
            expires_at = ?
        where number = ?
        "#,
        state.code(),
        decision.delivery_price,
        shop.tax_rates.delivery,
        decision.total,
        expires_at,
        number,
    )
    .execute(&mut *connection)
    .await?;
    note_state(connection, number, state, now, Actor::Shop).await?;
    Ok(state)
}

/// Takes the copies. The numbers of the shop come last, because other writers wait for them.
async fn sell(
    connection: &mut MySqlConnection,
    order: &OrderV1,
    books: &BTreeMap<u32, LockedBook>,
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    let movements: Vec<Movement> = order
        .lines
        .iter()
        .map(|line| {
            let source = format!("order:{}", order.order);
            let copies = -i32::from(line.quantity.get());
            let movement = Movement::new(line.book.get(), MovementKind::Sold, copies, source);
            Movement { order: Some(order.order), sale_day: Some(now.date()), ..movement }
        })
        .collect();
    stock::record(connection, &held(books), &movements, now).await?.write(connection).await
}
