//! Which archived messages are somebody's: read before an erasure removes the rows by which they are found.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{customer_erasure, customers};
use crate::{
    domain::{OrderNumber, VisitorId},
    messages::ArchivedPart,
    session::Subject,
};

/// Those of a customer: of the account, of its browsers, and each rating and order that was sent from another browser.
pub async fn of_customer(
    connection: &mut MySqlConnection,
    subject: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<ArchivedPart>> {
    let mut parts = vec![ArchivedPart::all_of(customers::hash_of(subject))];
    let browsers = customer_erasure::browsers(connection, subject, until).await?;
    parts.extend(browsers.into_iter().map(ArchivedPart::all_of));
    let ratings = sqlx::query!(
        r#"
        select
            visitor_id as "visitor: Uuid",
            submission_id as "submission: Uuid"
        from ratings
        where customer = ?
          and sent_at <= ?
        "#,
        subject.uuid(),
        until,
    );
    for row in ratings.fetch_all(&mut *connection).await? {
        parts.push(ArchivedPart { person: Some(VisitorId(row.visitor)), only: Some(row.submission) });
    }
    let orders = sqlx::query!(
        r#"
        select
            id as "id: Uuid",
            visitor_id as "visitor: Uuid"
        from orders
        where customer = ?
          and placed_at <= ?
        "#,
        subject.uuid(),
        until,
    );
    for row in orders.fetch_all(connection).await? {
        parts.extend(ArchivedPart::of_order(row.id, row.visitor.map(VisitorId)));
    }
    Ok(parts)
}

/// Those of a browser, also what was sent there with the session of an account.
pub async fn of_visitor(connection: &mut MySqlConnection, visitor: VisitorId) -> sqlx::Result<Vec<ArchivedPart>> {
    let mut parts = vec![ArchivedPart::all_of(visitor)];
    let customers = sqlx::query_scalar!(
        r#"
        select customer as "customer!: Uuid"
        from ratings
        where visitor_id = ?
          and customer is not null
        union
        select customer
        from orders
        where visitor_id = ?
          and customer is not null
        "#,
        visitor.0,
        visitor.0,
    );
    for customer in customers.fetch_all(&mut *connection).await? {
        let account = customers::hash_of(Subject::of_uuid(customer));
        parts.push(ArchivedPart { person: Some(account), only: Some(visitor.0) });
    }
    let orders = sqlx::query!(
        r#"
        select
            id as "id: Uuid",
            customer as "customer: Uuid"
        from orders
        where visitor_id = ?
        "#,
        visitor.0,
    );
    for row in orders.fetch_all(connection).await? {
        let customer = row.customer.map(|customer| customers::hash_of(Subject::of_uuid(customer)));
        parts.extend(ArchivedPart::of_order(row.id, customer));
    }
    Ok(parts)
}

/// Those of an order; none if there is no such order.
pub async fn of_order(connection: &mut MySqlConnection, number: OrderNumber) -> sqlx::Result<Vec<ArchivedPart>> {
    let row = sqlx::query!(
        r#"
        select
            id as "id: Uuid",
            visitor_id as "visitor: Uuid",
            customer as "customer: Uuid"
        from orders
        where number = ?
        "#,
        number.0,
    );
    let Some(row) = row.fetch_optional(connection).await? else { return Ok(Vec::new()) };
    let customer = row.customer.map(|customer| customers::hash_of(Subject::of_uuid(customer)));
    Ok(ArchivedPart::of_order(row.id, row.visitor.map(VisitorId).into_iter().chain(customer)))
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::repo::{
        fixtures::{book, minute, rating, visitor, writer},
        sign_ins::tests::{by, process, rate, signed_in, subject},
    };

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_archived_messages_of_an_account_and_of_a_browser_are_found_wherever_they_are_filed(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 1)).await;
        // With the session, from a browser in which nobody has signed in.
        rate(&mut connection, 1, &by(1, 1, rating(id, 8, 4)), 2).await;
        let account = customers::hash_of(subject(1));
        let parts = of_customer(&mut connection, subject(1), minute(9)).await.unwrap();
        let of_rating = ArchivedPart { person: Some(visitor(8)), only: Some(Uuid::from_u128(1)) };
        assert_eq!(parts, [ArchivedPart::all_of(account), ArchivedPart::all_of(visitor(7)), of_rating]);
        let parts = of_visitor(&mut connection, visitor(8)).await.unwrap();
        let below_account = ArchivedPart { person: Some(account), only: Some(visitor(8).0) };
        assert_eq!(parts, [ArchivedPart::all_of(visitor(8)), below_account]);
    }
}
