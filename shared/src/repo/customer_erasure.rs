//! The erasure of a customer. It begins with a note, after which no session counts and nothing that was sent before is
//! written; then the parts are removed one after another, so that no shopper waits for all of them.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    alerts, contact, customers, orders, ratings,
    submissions::{self, Delivery},
    visitors,
};
use crate::{
    domain::{OrderNumber, VisitorId},
    messages::ErasureV1,
    session::Subject,
};

/// What an erasure removes one after another, each in a transaction of its own.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Erasable {
    pub ratings: Vec<u64>,
    /// Messages to the shop.
    pub messages: Vec<u64>,
    pub orders: Vec<OrderNumber>,
}

/// Ends the sessions of a customer, and refuses what was sent until now and has not arrived. To be run in one transaction;
/// once more it changes nothing.
pub async fn begin_erasure(connection: &mut MySqlConnection, subject: Subject, at: OffsetDateTime) -> sqlx::Result<()> {
    visitors::erase(connection, customers::hash_of(subject), at).await?;
    customers::end_sessions(connection, subject, at).await?;
    for visitor in browsers(connection, subject, at).await? {
        visitors::erase(connection, visitor, at).await?;
    }
    Ok(())
}

/// The browsers in which a customer had signed in by then, and in which nobody else has signed in since.
pub(super) async fn browsers(
    connection: &mut MySqlConnection,
    subject: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Vec<VisitorId>> {
    let found = sqlx::query_scalar!(
        r#"
        select visitor_id as "visitor_id: Uuid"
        from customer_visitors
        where subject = ?
          and linked_at <= ?
        order by visitor_id
        "#,
        subject.uuid(),
        until,
    );
    Ok(found.fetch_all(connection).await?.into_iter().map(VisitorId).collect())
}

/// The rows to remove of a customer, one by one.
pub async fn erasable(
    connection: &mut MySqlConnection,
    subject: Subject,
    until: OffsetDateTime,
) -> sqlx::Result<Erasable> {
    Ok(Erasable {
        ratings: ratings::ids_of_customer(connection, subject, until).await?,
        messages: contact::ids_of_customer(connection, subject, until).await?,
        orders: orders::numbers_of_customer(connection, subject, until).await?,
    })
}

/// Ends an erasure whose parts were removed: the rest of the customer goes, except what came with a later sign-in. Returns
/// whether this delivery of its message is the first.
pub async fn finish_erasure(
    connection: &mut MySqlConnection,
    submission: Uuid,
    sent_at: OffsetDateTime,
    ErasureV1 { subject, asked_at }: &ErasureV1,
) -> sqlx::Result<Delivery> {
    if submissions::enter(connection, submission, "erasure", sent_at).await? == Delivery::Duplicate {
        return Ok(Delivery::Duplicate);
    }
    for visitor in browsers(connection, *subject, *asked_at).await? {
        orders::forget_visitor(connection, visitor).await?;
        alerts::erase_visitor(connection, visitor).await?;
    }
    alerts::erase_customer(connection, *subject, *asked_at).await?;
    orders::forget_customer(connection, *subject).await?;
    let subject = subject.uuid();
    sqlx::query!("delete from customers where subject = ? and signed_in_at <= ?", subject, asked_at)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        r#"
        update customers
        set language = null,
            default_address = null,
            created_at = signed_in_at
        where subject = ?
          and created_at <= ?
        "#,
        subject,
        asked_at,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from customer_visitors where subject = ? and linked_at <= ?", subject, asked_at)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from customer_carts where subject = ? and changed_at <= ?", subject, asked_at)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from wishlists where subject = ? and added_at <= ?", subject, asked_at)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("delete from customer_addresses where subject = ? and changed_at <= ?", subject, asked_at)
        .execute(connection)
        .await?;
    Ok(Delivery::First)
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{Email, Language, Rejection},
        repo::{
            books,
            fixtures::{book, minute, rating, visitor, writer},
            ratings::Published,
            sign_ins::{
                SignedIn,
                tests::{by, process, rate, signed_in, stars_of, subject},
            },
            wishlists,
        },
    };

    /// As the consumer of submissions erases.
    async fn erase_all(connection: &mut MySqlConnection, erasure: &ErasureV1) -> Delivery {
        let ErasureV1 { subject, asked_at } = *erasure;
        begin_erasure(connection, subject, asked_at).await.unwrap();
        let Erasable { ratings, messages, orders } = erasable(connection, subject, asked_at).await.unwrap();
        for rating in ratings {
            ratings::erase(connection, rating).await.unwrap();
        }
        for message in messages {
            contact::erase(connection, message).await.unwrap();
        }
        for order in orders {
            orders::erase(connection, order, asked_at).await.unwrap();
        }
        finish_erasure(connection, Uuid::from_u128(99), asked_at, erasure).await.unwrap()
    }

    /// Tables that have a column with the subject of a customer, and how many of its rows name this one.
    async fn rows_of(pool: &MySqlPool, whose: u128) -> Vec<String> {
        let columns = "select concat(table_name, '.', column_name) from information_schema.columns \
                       where table_schema = database() and column_name in ('subject', 'customer') and data_type = 'binary'";
        let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(pool).await.unwrap();
        assert!(columns.len() >= 5, "{columns:?}");
        let mut found = Vec::new();
        for place in columns {
            let (table, column) = place.split_once('.').unwrap();
            let count = sqlx::AssertSqlSafe(format!("select count(*) from {table} where {column} = ?"));
            let rows: i64 = sqlx::query_scalar(count).bind(subject(whose).uuid()).fetch_one(pool).await.unwrap();
            found.extend((rows > 0).then_some(place));
        }
        found
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_erased_customer_is_in_no_table_and_what_was_sent_before_is_refused(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 0)).await;
        process(&mut connection, &signed_in(2, Some(8), 0)).await;
        rate(&mut connection, 1, &by(1, 0, rating(id, 7, 5)), 1).await;
        rate(&mut connection, 2, &by(2, 0, rating(id, 8, 4)), 1).await;
        for (number, email) in [(3, "Customer1.0@example.org"), (5, "somebody.else@example.org")] {
            let message = crate::messages::ContactV1 {
                visitor: Some(visitor(7)),
                email: Email::parse(email).unwrap(),
                ..contact::tests::message(7)
            };
            contact::receive(&mut connection, Uuid::from_u128(number), minute(1), &message).await.unwrap();
        }
        let placed = "insert into orders (id, customer, visitor_id, state, delivery, payment, currency, contact_name, email, \
                      language, fingerprint, placed_at, decided_at, total) values (unhex(md5(?)), ?, ?, ?, 'collect', \
                      'on_collection', 'EUR', 'Ana', 'ana@example.org', 'es', repeat('x', 32), ?, ?, 1995)";
        for (number, state) in [(1, "collected"), (2, "confirmed")] {
            let query = sqlx::query(placed).bind(number).bind(subject(1).uuid()).bind(visitor(7).0).bind(state);
            query.bind(minute(1)).bind(minute(1)).execute(&pool).await.unwrap();
        }
        for whose in [1, 2] {
            wishlists::add(&mut connection, subject(whose), id, minute(1)).await.unwrap();
        }
        let alert = "insert into stock_alerts (request_id, book_id, email, mailbox_key, language, origin, confirm_token, end_token, \
                     visitor_id, customer, created_at, keep_until) \
                     values (unhex(md5(?)), ?, 'x@example.org', unhex(sha2(?, 256)), 'es', 'o', 'c', 'e', ?, ?, ?, ?)";
        for (number, browser, whose) in [(1, 9, Some(1)), (2, 7, None), (3, 9, None)] {
            let query = sqlx::query(alert).bind(number).bind(id.get()).bind(number).bind(visitor(browser).0);
            let query = query.bind(whose.map(|whose| subject(whose).uuid())).bind(minute(1)).bind(minute(1));
            query.execute(&pool).await.unwrap();
        }
        assert_eq!(rows_of(&pool, 1).await.len(), 6, "ratings, orders, wishes, an alert, browsers, and the customer");

        let erasure = ErasureV1 { subject: subject(1), asked_at: minute(5) };
        assert_eq!(erase_all(&mut connection, &erasure).await, Delivery::First);
        assert_eq!(erase_all(&mut connection, &erasure).await, Delivery::Duplicate);
        assert_eq!(rows_of(&pool, 1).await, ["orders.customer"], "of the order that is not closed");
        let open: Vec<(String, Option<String>, u32)> =
            sqlx::query_as("select state, email, total from orders order by number").fetch_all(&pool).await.unwrap();
        let kept = ("collected".to_owned(), None, 1_995);
        assert_eq!(open, [kept, ("confirmed".to_owned(), Some("ana@example.org".to_owned()), 1_995)]);
        let counts = books::find(&mut connection, id).await.unwrap().unwrap().histogram;
        assert_eq!(counts.0, [0, 0, 0, 1, 0], "the other customer's rating stays");
        assert_eq!(wishlists::count(&mut connection, subject(2)).await.unwrap(), 1, "and so does the wish");
        let alerts: i64 = sqlx::query_scalar("select count(*) from stock_alerts").fetch_one(&pool).await.unwrap();
        assert_eq!(alerts, 1, "of somebody else");
        let messages: Vec<String> =
            sqlx::query_scalar("select email from contact_messages").fetch_all(&pool).await.unwrap();
        assert_eq!(
            messages,
            ["somebody.else@example.org"],
            "which the customer's browser has sent, but not the customer"
        );
        assert!(!customers::session_is_valid(&mut connection, subject(1), minute(4)).await.unwrap());
        for (number, late) in [(4, rating(id, 7, 1)), (6, by(1, 0, rating(id, 9, 1)))] {
            let late = rate(&mut connection, number, &late, 3).await;
            assert_eq!(late, Published::Rejected(Rejection::Erased));
        }
        let again = process(&mut connection, &signed_in(1, Some(7), 4)).await;
        assert_eq!(again, SignedIn::Rejected(Rejection::Erased));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn who_signs_in_again_after_asking_for_erasure_keeps_what_is_new(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let id = book(&mut connection, "El túnel", "Sabato", 0).await;
        process(&mut connection, &signed_in(1, Some(7), 0)).await;
        customers::set_language(&mut connection, subject(1), &Language::parse("en").unwrap()).await.unwrap();
        process(&mut connection, &signed_in(1, Some(8), 6)).await;
        rate(&mut connection, 1, &by(1, 6, rating(id, 8, 5)), 7).await;
        wishlists::add(&mut connection, subject(1), id, minute(7)).await.unwrap();
        erase_all(&mut connection, &ErasureV1 { subject: subject(1), asked_at: minute(5) }).await;
        let found = customers::find(&mut connection, subject(1)).await.unwrap().unwrap();
        assert_eq!((found.language, found.created_at), (None, minute(6)));
        assert_eq!(stars_of(&mut connection, 1).await, [(id, 5)]);
        assert_eq!(wishlists::count(&mut connection, subject(1)).await.unwrap(), 1);
        assert_eq!(customers::of_visitor(&mut connection, visitor(7)).await.unwrap(), None);
        assert!(customers::session_is_valid(&mut connection, subject(1), minute(6)).await.unwrap());
    }
}
