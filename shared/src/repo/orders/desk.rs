//! Orders for the pages of the staff: what waits, lists by state, and what is to be taken from the shelves.

use serde_json::json;
use sqlx::MySqlConnection;

use super::read::{known, list, staff_orders};
use crate::{
    domain::{Delivery, OrderNumber},
    staff::{OrdersShown, Pick, PickList, StaffOrder, Waiting},
};

/// Orders of a slice of the pick list, and lines of it, of which the first order may have more: an answer has a limit.
const PICKED_ORDERS: u32 = 100;
const PICKED_LINES: i64 = 300;

/// How many orders wait for what: each queue by itself, so that a long one hides no other, and up to a largest number. Messages
/// are not counted here.
pub async fn waiting(connection: &mut MySqlConnection) -> sqlx::Result<Waiting> {
    let most = Waiting::MOST;
    let row = sqlx::query!(
        r#"
        select
            (select count(*)
               from (select 1 from orders where state = 'confirmed' and delivery = 'collect' limit ?) q)
                as "to_pick!: i64",
            (select count(*)
               from (select 1 from orders where state = 'confirmed' and delivery = 'ship' limit ?) q) as "to_ship!: i64",
            (select count(*) from (select 1 from orders where state = 'awaiting_payment' limit ?) q) as "to_pay!: i64",
            (select count(*) from (select 1 from orders where state = 'ready' limit ?) q) as "ready!: i64",
            (select count(*) from (select 1 from orders where state = 'shipped' limit ?) q) as "shipped!: i64",
            (select count(*) from (select 1 from orders where awaits_return = 1 limit ?) q) as "withdrawn!: i64"
        "#,
        most,
        most,
        most,
        most,
        most,
        most,
    );
    let row = row.fetch_one(connection).await?;
    let count = |count| u32::try_from(count).unwrap_or_default();
    Ok(Waiting {
        to_pick: count(row.to_pick),
        to_ship: count(row.to_ship),
        to_pay: count(row.to_pay),
        ready: count(row.ready),
        shipped: count(row.shipped),
        withdrawn: count(row.withdrawn),
        messages: 0,
        previews: 0,
    })
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
        (_, Some((state, Some(delivery)))) => {
            let numbers = sqlx::query_scalar!(
                r#"
                select number
                from orders force index (orders_desk)
                where state = ?
                  and delivery = ?
                  and number < ?
                order by number desc
                limit ?
                "#,
                state.code(),
                delivery.code(),
                first,
                limit,
            );
            numbers.fetch_all(&mut *connection).await?
        }
        (_, Some((state, None))) => {
            let numbers = sqlx::query_scalar!(
                r#"
                select number
                from orders force index (orders_state)
                where state = ?
                  and number < ?
                order by number desc
                limit ?
                "#,
                state.code(),
                first,
                limit,
            );
            numbers.fetch_all(&mut *connection).await?
        }
        (_, None) => {
            let numbers = sqlx::query_scalar!(
                r#"
                select number
                from orders force index (orders_awaiting_return)
                where awaits_return = 1
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

/// The books to be taken from the shelves for orders that are sold and still in the shop: for the oldest orders after this one.
pub async fn to_pick(connection: &mut MySqlConnection, after: Option<OrderNumber>) -> sqlx::Result<PickList> {
    let waiting = sqlx::query!(
        r#"
        select
            o.number,
            (select count(*) from order_lines l where l.order_number = o.number) as "lines!: i64"
        from orders o force index (orders_state)
        where o.state = 'confirmed'
          and o.number > ?
        order by o.number
        limit ?
        "#,
        after.map_or(0, |number| number.0),
        PICKED_ORDERS + 1,
    );
    let waiting = waiting.fetch_all(&mut *connection).await?;
    let (mut numbers, mut lines) = (Vec::new(), 0);
    for order in waiting.iter().take(PICKED_ORDERS as usize) {
        lines += order.lines;
        if lines > PICKED_LINES && !numbers.is_empty() {
            break;
        }
        numbers.push(order.number);
    }
    let more = waiting.len() > numbers.len();
    Ok(PickList {
        picks: picks(connection, &numbers).await?,
        orders: u32::try_from(numbers.len()).unwrap_or(u32::MAX),
        next: numbers.last().filter(|_| more).copied().map(OrderNumber),
    })
}

/// The books of these orders, by title.
async fn picks(connection: &mut MySqlConnection, numbers: &[u32]) -> sqlx::Result<Vec<Pick>> {
    let rows = sqlx::query!(
        r#"
        select
            l.book_id,
            l.title,
            l.isbn as "isbn: String",
            o.number,
            o.delivery as "delivery: String",
            l.quantity - l.cancelled - l.returned as "copies!: u8"
        from json_table(?, '$[*]' columns (number int unsigned path '$')) asked
        straight_join orders o on o.number = asked.number
        straight_join order_lines l on l.order_number = o.number
        where l.quantity > l.cancelled + l.returned
        order by l.title, l.book_id, o.number
        "#,
        json!(numbers).to_string(),
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
