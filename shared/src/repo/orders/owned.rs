//! Orders of a customer: those that were placed in a browser of the customer, and those of a guest with the customer's
//! verified address.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::read::known;
use crate::{
    domain::{Cursor, Money, OrderId, OrderNumber, OrderState, OwnOrder, Slice},
    session::Subject,
};

/// The name of the list that a cursor belongs to.
pub const OWN: &str = "own orders";

/// A slice of a customer's orders, the newest first.
pub async fn of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    after: Option<&Cursor<OrderNumber>>,
    limit: u32,
) -> sqlx::Result<Slice<OwnOrder>> {
    let before = after.map_or(u32::MAX, |cursor| cursor.keys.0);
    let wanted = limit + 1;
    let numbers = sqlx::query_scalar!(
        r#"
        (select number from orders where customer = ? and number < ? order by number desc limit ?)
        union
        (select o.number
           from customers c
           straight_join orders o on o.email_key = c.email_key
          where c.subject = ?
            and o.customer is null
            and o.number < ?
          order by o.number desc
          limit ?)
        order by number desc
        limit ?
        "#,
        customer.uuid(),
        before,
        wanted,
        customer.uuid(),
        before,
        wanted,
        wanted,
    );
    let numbers = numbers.fetch_all(&mut *connection).await?;
    let rows = sqlx::query!(
        r#"
        select
            o.number,
            o.id as "id: Uuid",
            o.state as "state: String",
            o.currency as "currency: String",
            o.total,
            o.placed_at,
            (select json_arrayagg(l.title order by l.position) from order_lines l where l.order_number = o.number)
                as "titles: String"
        from json_table(?, '$[*]' columns (number int unsigned path '$')) asked
        straight_join orders o on o.number = asked.number
        order by o.number desc
        "#,
        serde_json::json!(numbers).to_string(),
    );
    let orders = rows.fetch_all(connection).await?.into_iter().map(|row| {
        let number = OrderNumber(row.number);
        let titles = row.titles.as_deref().map(serde_json::from_str).transpose();
        Ok(OwnOrder {
            id: OrderId::of_uuid(row.id),
            number,
            state: known(OrderState::from_code(&row.state), number, &row.state)?,
            total: Money { minor: row.total, currency: row.currency },
            titles: titles.map_err(|error| sqlx::Error::Decode(error.into()))?.unwrap_or_default(),
            placed_at: row.placed_at,
        })
    });
    let orders = orders.collect::<sqlx::Result<Vec<OwnOrder>>>()?;
    Ok(Slice::of(orders, limit, |last| Cursor::new(OWN, last.number).encode()))
}

/// The numbers of all orders that a customer had placed by then.
pub(in crate::repo) async fn numbers_of_customer(
    connection: &mut MySqlConnection,
    customer: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<OrderNumber>> {
    let numbers = sqlx::query_scalar!(
        r#"
        select number from orders where customer = ? and placed_at <= ?
        union
        select o.number
        from customers c
        straight_join orders o on o.email_key = c.email_key
        where c.subject = ?
          and o.customer is null
          and o.placed_at <= ?
        order by number
        "#,
        customer.uuid(),
        until,
        customer.uuid(),
        until,
    );
    Ok(numbers.fetch_all(connection).await?.into_iter().map(OrderNumber).collect())
}

/// Whether an order is the customer's.
pub async fn is_of_customer(connection: &mut MySqlConnection, id: OrderId, customer: Subject) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!(
        r#"
        select 1 as one
        from orders o
        left join customers c on c.subject = ?
        where o.id = ?
          and (o.customer = ? or (o.customer is null and o.email_key = c.email_key))
        "#,
        customer.uuid(),
        id.uuid(),
        customer.uuid(),
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}
