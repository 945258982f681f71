//! Orders for the pages of the staff: what waits, lists by state, and what is to be taken from the shelves.

use sqlx::MySqlConnection;

use super::read::{known, list, staff_orders};
use crate::{
    domain::{Delivery, OrderNumber, OrderState},
    staff::{OrdersShown, Pick, StaffOrder, Waiting},
};

/// Lines of the pick list. A shop that has more of them open picks these first.
const MAX_PICKED: u32 = 1_000;

/// How many orders wait for what, each up to a largest number. Messages are not counted here.
pub async fn waiting(connection: &mut MySqlConnection) -> sqlx::Result<Waiting> {
    let rows = sqlx::query!(
        r#"
        select
            state as "state: String",
            delivery as "delivery: String",
            count(*) as orders
        from (
            select state, delivery from orders where is_open = 1 limit ?
        ) open
        group by state, delivery
        "#,
        Waiting::MOST,
    );
    let mut waiting = Waiting::default();
    for row in rows.fetch_all(&mut *connection).await? {
        let orders = u32::try_from(row.orders).unwrap_or_default();
        let is_sent = row.delivery == Delivery::Ship.code();
        match OrderState::from_code(&row.state) {
            Some(OrderState::Confirmed) if is_sent => waiting.to_ship += orders,
            Some(OrderState::Confirmed) => waiting.to_pick += orders,
            Some(OrderState::AwaitingPayment) => waiting.to_pay += orders,
            Some(OrderState::Ready) => waiting.ready += orders,
            Some(OrderState::Shipped) => waiting.shipped += orders,
            _ => {}
        }
    }
    let withdrawn = sqlx::query_scalar!(
        r#"
        select count(*)
        from (
            select 1
            from orders
            where withdrawn_at is not null
              and state in ('collected', 'delivered')
            limit ?
        ) withdrawn
        "#,
        Waiting::MOST,
    );
    let withdrawn: i64 = withdrawn.fetch_one(connection).await?;
    waiting.withdrawn = u32::try_from(withdrawn).unwrap_or_default();
    Ok(waiting)
}

/// Orders of a list before this one, the newest first.
pub async fn list_shown(
    connection: &mut MySqlConnection,
    shown: OrdersShown,
    before: Option<OrderNumber>,
    limit: u32,
) -> sqlx::Result<Vec<StaffOrder>> {
    let first = before.map_or(u32::MAX, |number| number.0);
    let numbers = match (shown, shown.state()) {
        (OrdersShown::Open, _) => return list(connection, true, before, limit).await,
        (OrdersShown::All, _) => return list(connection, false, before, limit).await,
        (_, Some((state, delivery))) => {
            let delivery = delivery.map(Delivery::code);
            let numbers = sqlx::query_scalar!(
                r#"
                select number
                from orders
                where state = ?
                  and (? is null or delivery = ?)
                  and number < ?
                order by number desc
                limit ?
                "#,
                state.code(),
                delivery,
                delivery,
                first,
                limit,
            );
            numbers.fetch_all(&mut *connection).await?
        }
        (_, None) => {
            let numbers = sqlx::query_scalar!(
                r#"
                select number
                from orders
                where withdrawn_at is not null
                  and state in ('collected', 'delivered')
                  and number < ?
                order by number desc
                limit ?
                "#,
                first,
                limit,
            );
            numbers.fetch_all(&mut *connection).await?
        }
    };
    staff_orders(connection, &numbers).await
}

/// The books to be taken from the shelves for orders that are sold and still in the shop, by title.
pub async fn to_pick(connection: &mut MySqlConnection) -> sqlx::Result<Vec<Pick>> {
    let rows = sqlx::query!(
        r#"
        select
            l.book_id,
            l.title,
            l.isbn as "isbn: String",
            o.number,
            o.delivery as "delivery: String",
            l.quantity - l.cancelled - l.returned as "copies!: u8"
        from orders o
        straight_join order_lines l on l.order_number = o.number
        where o.is_open = 1
          and o.state = 'confirmed'
          and l.quantity > l.cancelled + l.returned
        order by l.title, l.book_id, o.number
        limit ?
        "#,
        MAX_PICKED,
    );
    let mut picks = Vec::<Pick>::new();
    for row in rows.fetch_all(connection).await? {
        let number = OrderNumber(row.number);
        let delivery = known(Delivery::parse(&row.delivery).ok(), number, &row.delivery)?;
        let copies = (number, delivery, row.copies);
        match picks.last_mut().filter(|pick| pick.book.get() == row.book_id) {
            Some(pick) => pick.orders.push(copies),
            None => {
                picks.push(Pick { book: row.book_id.into(), title: row.title, isbn: row.isbn, orders: vec![copies] });
            }
        }
    }
    Ok(picks)
}
