//! Orders as the buyer and the staff read them.

use sqlx::MySqlConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{
        Address, Contact, CopiesChange, Delivery, DisplayName, Email, Isbn13, Language, LineReason, Money, Order,
        OrderId, OrderLine, OrderNote, OrderNumber, OrderReason, OrderState, Payment, Phone, Refusal,
        RefusedCancellation, StateChange, VisitorId,
    },
    repo::stock::MovementKind,
    staff::{SoldKind, SoldLine, StaffOrder, StaffOrderInFull, StaffOrderLine},
};

/// The order with all that its page shows.
pub async fn find(connection: &mut MySqlConnection, id: OrderId) -> sqlx::Result<Option<Order>> {
    let number = sqlx::query_scalar!("select number from orders where id = ?", id.uuid());
    match number.fetch_optional(&mut *connection).await? {
        Some(number) => find_by_number(connection, OrderNumber(number)).await,
        None => Ok(None),
    }
}

pub async fn find_by_number(connection: &mut MySqlConnection, number: OrderNumber) -> sqlx::Result<Option<Order>> {
    let row = sqlx::query!(
        r#"
        select
            id as "id: Uuid",
            visitor_id as "visitor_id: Uuid",
            state as "state: String",
            rejection,
            delivery as "delivery: String",
            payment as "payment: String",
            currency as "currency: String",
            delivery_price,
            delivery_tax_rate,
            total,
            contact_name,
            email,
            phone,
            address as "address: String",
            note,
            language as "language: String",
            repeated_at,
            placed_at,
            paid_at,
            expires_at,
            withdrawn_at
        from orders
        where number = ?
        "#,
        number.0,
    );
    let Some(row) = row.fetch_optional(&mut *connection).await? else { return Ok(None) };
    let money = |minor| Money { minor, currency: row.currency.clone() };
    let lines = lines(connection, number, &row.currency).await?;
    let state = known(OrderState::from_code(&row.state), number, &row.state)?;
    let has_ended =
        matches!(state, OrderState::Rejected | OrderState::Expired | OrderState::Cancelled | OrderState::Returned);
    let changes = changes(connection, row.id).await?;
    let contact = row.contact_name.zip(row.email).and_then(|(name, email)| {
        let phone = row.phone.and_then(|phone| Phone::try_from(phone).ok());
        Some(Contact { name: DisplayName::try_from(name).ok()?, email: Email::parse(&email).ok()?, phone })
    });
    let mut order = Order {
        id: OrderId::of_uuid(row.id),
        number,
        visitor: row.visitor_id.map(VisitorId),
        state,
        history: history(connection, number).await?,
        changes,
        rejection: row.rejection.as_deref().map(OrderReason::from_stored),
        lines,
        delivery: known(Delivery::parse(&row.delivery).ok(), number, &row.delivery)?,
        delivery_price: money(row.delivery_price),
        delivery_tax_rate: row.delivery_tax_rate,
        total: money(row.total),
        charged: money(0),
        taxes: Vec::new(),
        payment: known(Payment::parse(&row.payment).ok(), number, &row.payment)?,
        paid_at: row.paid_at,
        expires_at: row.expires_at,
        withdrawn_at: row.withdrawn_at,
        refused: if has_ended { refused_cancellation(connection, row.id).await? } else { None },
        contact,
        address: row.address.and_then(|address| Address::stored(&serde_json::from_str(&address).ok()?).ok()),
        note: row.note.and_then(|note| OrderNote::stored(&note).ok()),
        language: known(Language::parse(&row.language).ok(), number, &row.language)?,
        placed_at: row.placed_at,
        repeated_at: row.repeated_at,
    };
    order.charge();
    Ok(Some(order))
}

/// The last cancellation of the buyer that the state of the order did not allow, which only an order that has ended has.
async fn refused_cancellation(
    connection: &mut MySqlConnection,
    order: Uuid,
) -> sqlx::Result<Option<RefusedCancellation>> {
    let refused = sqlx::query!(
        r#"
        select
            sent_at,
            effect
        from order_messages
        where order_id = ?
          and kind = 'order-action'
          and effect like 'refused not-from:%'
        order by sent_at desc
        limit 1
        "#,
        order,
    );
    Ok(refused.fetch_optional(connection).await?.and_then(|row| {
        let status = Refusal::from_state_in(row.effect.strip_prefix("refused ")?)?;
        Some(RefusedCancellation { sent_at: row.sent_at, status })
    }))
}

/// The movements of stock by which copies went back.
async fn changes(connection: &mut MySqlConnection, order: Uuid) -> sqlx::Result<Vec<CopiesChange>> {
    let rows = sqlx::query!(
        r#"
        select
            book_id,
            kind as "kind: String",
            quantity,
            moved_at
        from stock_movements
        where order_id = ?
          and kind in ('released', 'returned')
        order by moved_at, id
        "#,
        order,
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .map(|row| CopiesChange {
            at: row.moved_at,
            book: row.book_id.into(),
            copies: u8::try_from(row.quantity).unwrap_or_default(),
            are_returned: row.kind == MovementKind::Returned.code(),
        })
        .collect())
}

/// A code that this version does not know is an error, because another state must not be shown.
pub(super) fn known<T>(value: Option<T>, number: OrderNumber, code: &str) -> sqlx::Result<T> {
    value.ok_or_else(|| sqlx::Error::Decode(format!("{code} of order {number} is unknown").into()))
}

async fn lines(connection: &mut MySqlConnection, number: OrderNumber, currency: &str) -> sqlx::Result<Vec<OrderLine>> {
    let rows = sqlx::query!(
        r#"
        select
            book_id,
            title,
            isbn as "isbn: String",
            quantity,
            cancelled,
            returned,
            unit_price,
            tax_rate,
            reason
        from order_lines
        where order_number = ?
        order by position
        "#,
        number.0,
    );
    let money = |minor| Money { minor, currency: currency.to_owned() };
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .map(|row| OrderLine {
            book: row.book_id.into(),
            title: row.title,
            isbn: row.isbn.and_then(|isbn| Isbn13::parse(&isbn).ok()),
            quantity: row.quantity,
            cancelled: row.cancelled,
            returned: row.returned,
            unit_price: row.unit_price.map(money),
            tax_rate: row.tax_rate,
            total: row.unit_price.map(|price| money(price.saturating_mul(row.quantity.into()))),
            reason: row.reason.as_deref().map(LineReason::from_stored),
        })
        .collect())
}

async fn history(connection: &mut MySqlConnection, number: OrderNumber) -> sqlx::Result<Vec<StateChange>> {
    let rows = sqlx::query!(
        r#"
        select
            state as "state: String",
            at
        from order_states
        where order_number = ?
        order by at, state <> 'received'
        "#,
        number.0,
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows.filter_map(|row| Some(StateChange { state: OrderState::from_code(&row.state)?, at: row.at })).collect())
}

/// Orders before this one, the newest first: all, or those that are not closed or of which the books are to come back.
pub async fn list(
    connection: &mut MySqlConnection,
    only_open: bool,
    before: Option<OrderNumber>,
    limit: u32,
) -> sqlx::Result<Vec<StaffOrder>> {
    let before = before.map_or(u32::MAX, |number| number.0);
    let numbers = if only_open {
        let open = sqlx::query_scalar!(
            r#"
            (select number from orders where is_open = 1 and number < ? order by number desc limit ?)
            union
            (select number
               from orders
              where awaits_return = 1
                and number < ?
              order by number desc
              limit ?)
            order by number desc
            limit ?
            "#,
            before,
            limit,
            before,
            limit,
            limit,
        );
        open.fetch_all(&mut *connection).await?
    } else {
        let all = sqlx::query_scalar!(
            "select number from orders where number < ? order by number desc limit ?",
            before,
            limit,
        );
        all.fetch_all(&mut *connection).await?
    };
    staff_orders(connection, &numbers).await
}

/// The orders with these numbers, the newest first.
pub(super) async fn staff_orders(connection: &mut MySqlConnection, numbers: &[u32]) -> sqlx::Result<Vec<StaffOrder>> {
    let rows = sqlx::query!(
        r#"
        select
            o.number,
            o.state as "state: String",
            o.rejection,
            o.delivery as "delivery: String",
            o.payment as "payment: String",
            o.currency as "currency: String",
            o.total,
            o.contact_name,
            o.email,
            o.placed_at,
            o.expires_at,
            o.withdrawn_at,
            o.paid_at is not null as "is_paid!: bool",
            (select cast(coalesce(sum(l.quantity - l.cancelled - l.returned), 0) as signed)
               from order_lines l
              where l.order_number = o.number) as "copies!: i64",
            (select m.failure
               from mails m
              where m.order_number = o.number
                and m.failed_at is not null
              order by m.failure like 'complaint%' desc, m.failure like 'soft bounce%', m.failed_at desc
              limit 1) as "failed_mail: String",
            o.visitor_id as "visitor_id: Uuid"
        from json_table(?, '$[*]' columns (number int unsigned path '$')) asked
        straight_join orders o on o.number = asked.number
        order by o.number desc
        "#,
        serde_json::json!(numbers).to_string(),
    );
    rows.fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| {
            let number = OrderNumber(row.number);
            Ok(StaffOrder {
                number,
                state: known(OrderState::from_code(&row.state), number, &row.state)?,
                rejection: row.rejection.as_deref().map(|reason| OrderReason::from_stored(reason).to_string()),
                delivery: known(Delivery::parse(&row.delivery).ok(), number, &row.delivery)?,
                payment: known(Payment::parse(&row.payment).ok(), number, &row.payment)?,
                total: Money { minor: row.total, currency: row.currency },
                copies: u32::try_from(row.copies).unwrap_or_default(),
                name: row.contact_name,
                email: row.email,
                placed_at: row.placed_at,
                expires_at: row.expires_at,
                withdrawn_at: row.withdrawn_at,
                is_paid: row.is_paid,
                visitor: row.visitor_id.map(VisitorId),
                failed_mail: row.failed_mail,
            })
        })
        .collect()
}

/// An order with all that the shop needs to prepare it.
pub async fn in_full(
    connection: &mut MySqlConnection,
    number: OrderNumber,
) -> sqlx::Result<Option<Box<StaffOrderInFull>>> {
    let before = OrderNumber(number.0.saturating_add(1));
    let Some(order) = list(connection, false, Some(before), 1).await?.pop().filter(|order| order.number == number)
    else {
        return Ok(None);
    };
    let Some(whole) = find_by_number(connection, number).await? else { return Ok(None) };
    let line = |line: OrderLine| StaffOrderLine {
        book: line.book,
        copies: line.kept(),
        isbn: line.isbn.map(|isbn| isbn.as_str().to_owned()),
        title: line.title,
        unit_price: line.unit_price,
        reason: line.reason.map(|reason| reason.to_string()),
    };
    Ok(Some(Box::new(StaffOrderInFull {
        order,
        lines: whole.lines.into_iter().map(line).collect(),
        phone: whole.contact.and_then(|contact| contact.phone).map(|phone| phone.as_str().to_owned()),
        address: whole.address.map(|address| address.lines()).unwrap_or_default(),
        note: whole.note.map(|note| note.as_str().to_owned()),
        charged: whole.charged,
    })))
}

/// What was charged and what was taken back, for the seller's invoicing program: of orders after this number, what happened
/// from a day to another one, both included. A sale is of the day of its decision, and copies that were cancelled or returned
/// are of their own day, so that the amounts of a day never change. Also gives the last number that was read; none at the end.
pub async fn sold_between(
    connection: &mut MySqlConnection,
    after: OrderNumber,
    (from, to): (Date, Date),
    limit: u32,
) -> sqlx::Result<(Vec<SoldLine>, Option<OrderNumber>)> {
    let numbers =
        sqlx::query_scalar!("select number from orders where number > ? order by number limit ?", after.0, limit);
    let numbers = numbers.fetch_all(&mut *connection).await?;
    let last = numbers.last().filter(|_| numbers.len() == limit as usize).map(|number| OrderNumber(*number));
    let until = to.next_day().unwrap_or(to);
    let [from, until] = [from, until].map(|day| OffsetDateTime::new_utc(day, time::Time::MIDNIGHT));
    let numbers = serde_json::json!(numbers).to_string();
    let mut sold = books_sold(connection, &numbers, from, until).await?;
    sold.extend(deliveries_sold(connection, &numbers, from, until).await?);
    sold.sort_by_key(|line| (line.number, line.at, line.kind, line.isbn.is_none()));
    Ok((sold, last))
}

async fn books_sold(
    connection: &mut MySqlConnection,
    numbers: &str,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<SoldLine>> {
    let rows = sqlx::query!(
        r#"
        select
            o.number,
            m.kind as "kind: String",
            m.moved_at,
            cast(abs(m.quantity) as unsigned) as "copies!: u8",
            o.state as "state: String",
            o.payment as "payment: String",
            o.currency as "currency: String",
            o.country as "country: String",
            o.paid_at,
            l.title,
            l.isbn as "isbn: String",
            l.unit_price as "unit_price!",
            l.tax_rate
        from json_table(?, '$[*]' columns (number int unsigned path '$')) asked
        straight_join orders o on o.number = asked.number
        straight_join stock_movements m on m.order_id = o.id
        straight_join order_lines l on l.order_number = o.number and l.book_id = m.book_id
        where m.moved_at >= ?
          and m.moved_at < ?
          and l.unit_price is not null
        order by o.number, m.id
        "#,
        numbers,
        from,
        until,
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    Ok(rows
        .map(|row| SoldLine {
            number: OrderNumber(row.number),
            at: row.moved_at,
            kind: SoldKind::of_movement(&row.kind),
            state: row.state,
            payment: row.payment,
            paid_at: row.paid_at,
            country: row.country,
            isbn: row.isbn,
            title: row.title,
            copies: row.copies,
            unit_price: row.unit_price,
            currency: row.currency,
            tax_rate: row.tax_rate,
        })
        .collect())
}

/// Delivery is charged with the order, and paid back with all of it.
async fn deliveries_sold(
    connection: &mut MySqlConnection,
    numbers: &str,
    from: OffsetDateTime,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<SoldLine>> {
    let rows = sqlx::query!(
        r#"
        select
            o.number,
            o.decided_at,
            o.state as "state: String",
            o.payment as "payment: String",
            o.currency as "currency: String",
            o.country as "country: String",
            o.paid_at,
            o.delivery_price,
            o.delivery_tax_rate,
            s.state as "ended: String",
            s.at as "ended_at: OffsetDateTime"
        from json_table(?, '$[*]' columns (number int unsigned path '$')) asked
        straight_join orders o on o.number = asked.number
        left join order_states s
            on s.order_number = o.number
           and s.state in ('cancelled', 'expired', 'returned')
        where o.delivery_price > 0
          and o.state not in ('received', 'rejected')
        order by o.number
        "#,
        numbers,
    );
    let mut sold = Vec::new();
    for row in rows.fetch_all(connection).await? {
        let charged = SoldLine {
            number: OrderNumber(row.number),
            at: row.decided_at,
            kind: SoldKind::Sale,
            state: row.state,
            payment: row.payment,
            paid_at: row.paid_at,
            country: row.country,
            isbn: None,
            title: SoldLine::DELIVERY.to_owned(),
            copies: 1,
            unit_price: row.delivery_price,
            currency: row.currency,
            tax_rate: row.delivery_tax_rate,
        };
        let paid_back = row.ended_at.map(|at| {
            let kind = if row.ended.as_deref() == Some("returned") { SoldKind::Returned } else { SoldKind::Cancelled };
            SoldLine { at, kind, ..charged.clone() }
        });
        sold.extend([Some(charged), paid_back].into_iter().flatten().filter(|line| (from..until).contains(&line.at)));
    }
    Ok(sold)
}
