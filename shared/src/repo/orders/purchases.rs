//! Which books a person has bought, for the mark of a rating. The functions that show ratings cannot read orders, so the mark
//! is stored with the rating: when the rating is written, and when books leave the shop.

use std::collections::BTreeSet;

use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    domain::{BookId, VisitorId},
    session::Subject,
};

/// Whether a copy of the book has left the shop for this visitor, or for the customer in any browser or by a verified address,
/// and has not come back.
pub(in crate::repo) async fn has_bought(
    connection: &mut MySqlConnection,
    book: BookId,
    visitor: VisitorId,
    customer: Option<Subject>,
) -> sqlx::Result<bool> {
    let customer = customer.map(Subject::uuid);
    let found = sqlx::query_scalar!(
        r#"
        select 1 as one
        from (
            select number from orders where visitor_id = ? and state in ('shipped', 'collected', 'delivered')
            union
            select number from orders where customer = ? and state in ('shipped', 'collected', 'delivered')
            union
            select o.number
            from customers c
            straight_join orders o on o.email_key = c.email_key
            where c.subject = ?
              and o.customer is null
              and o.state in ('shipped', 'collected', 'delivered')
        ) bought
        straight_join order_lines l on l.order_number = bought.number
        where l.book_id = ?
          and l.quantity > l.cancelled + l.returned
        limit 1
        "#,
        visitor.0,
        customer,
        customer,
        book.get(),
    );
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// Which of these books, visitors and customers [`has_bought`] finds, by their places.
pub(in crate::repo) async fn who_has_bought(
    connection: &mut MySqlConnection,
    asked: &[(BookId, VisitorId, Option<Subject>)],
) -> sqlx::Result<BTreeSet<u32>> {
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    let hex = |id: Uuid| id.simple().to_string();
    let row = |(place, (book, visitor, customer)): (u32, &(BookId, VisitorId, Option<Subject>))| {
        json!([place, book.get(), hex(visitor.0), customer.map(|customer| hex(customer.uuid()))])
    };
    let rows = json!((0..).zip(asked).map(row).collect::<Vec<_>>()).to_string();
    // Joins and not subqueries, which might be computed for all orders at once.
    let found = sqlx::query_scalar!(
        r#"
        select asked.place as "place!: u32"
        from json_table(?, '$[*]' columns (
            place int unsigned path '$[0]',
            book_id int unsigned path '$[1]',
            visitor_id char(32) character set ascii path '$[2]'
        )) asked
        straight_join orders o on o.visitor_id = unhex(asked.visitor_id)
        straight_join order_lines l on l.order_number = o.number and l.book_id = asked.book_id
        where o.state in ('shipped', 'collected', 'delivered')
          and l.quantity > l.cancelled + l.returned
        union
        select asked.place
        from json_table(?, '$[*]' columns (
            place int unsigned path '$[0]',
            book_id int unsigned path '$[1]',
            customer char(32) character set ascii path '$[3]'
        )) asked
        straight_join orders o on o.customer = unhex(asked.customer)
        straight_join order_lines l on l.order_number = o.number and l.book_id = asked.book_id
        where o.state in ('shipped', 'collected', 'delivered')
          and l.quantity > l.cancelled + l.returned
        union
        select asked.place
        from json_table(?, '$[*]' columns (
            place int unsigned path '$[0]',
            book_id int unsigned path '$[1]',
            customer char(32) character set ascii path '$[3]'
        )) asked
        straight_join customers c on c.subject = unhex(asked.customer)
        straight_join orders o on o.email_key = c.email_key and o.customer is null
        straight_join order_lines l on l.order_number = o.number and l.book_id = asked.book_id
        where o.state in ('shipped', 'collected', 'delivered')
          and l.quantity > l.cancelled + l.returned
        "#,
        rows,
        rows,
        rows,
    );
    Ok(found.fetch_all(connection).await?.into_iter().collect())
}

/// Marks the ratings that the buyer of an order has given its books. The mark does not count in any number, so the books need
/// no lock.
pub(super) async fn mark_ratings(connection: &mut MySqlConnection, number: u32) -> sqlx::Result<()> {
    sqlx::query!(
        r#"
        update orders o
        straight_join order_lines l on l.order_number = o.number and l.quantity > l.cancelled
        straight_join ratings r on r.book_id = l.book_id and r.visitor_id = o.visitor_id
        set r.verified_purchase = true
        where o.number = ?
        "#,
        number,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        update orders o
        straight_join customers c on c.subject = o.customer or (o.customer is null and c.email_key = o.email_key)
        straight_join order_lines l on l.order_number = o.number and l.quantity > l.cancelled
        straight_join ratings r on r.customer = c.subject and r.book_id = l.book_id
        set r.verified_purchase = true
        where o.number = ?
        "#,
        number,
    )
    .execute(connection)
    .await?;
    Ok(())
}
