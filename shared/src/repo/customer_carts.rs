//! The carts of customers, which follow them to other browsers. A cart is only a wish: prices and stock are read when a page
//! is drawn.

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{customers, visitors};
use crate::{domain::Cart, messages::CartV1, session::Subject};

/// Stores a customer's cart after a change, together with what other browsers have stored. To be run in one transaction. A
/// repeated delivery changes nothing; false if the session counts no longer.
pub async fn store(connection: &mut MySqlConnection, sent_at: OffsetDateTime, message: &CartV1) -> sqlx::Result<bool> {
    let subject = message.session.subject;
    if !customers::is_signed_in(connection, &message.session).await?
        || visitors::is_erased(connection, customers::hash_of(subject), sent_at).await?
    {
        return Ok(false);
    }
    let stored = sqlx::query_scalar!("select cart from customer_carts where subject = ? for update", subject.uuid());
    let stored = stored.fetch_optional(&mut *connection).await?.map(|cart| Cart::parse(&cart));
    let now = u64::try_from(sent_at.unix_timestamp_nanos() / 1_000_000).unwrap_or_default();
    let cart = match stored {
        Some(stored) => message.cart.clone().following(stored, now),
        None => message.cart.clone(),
    };
    sqlx::query!(
        r#"
        insert into customer_carts (subject, cart, changed_at)
        values (?, ?, ?)
        on duplicate key update
            cart = values(cart),
            changed_at = greatest(changed_at, values(changed_at))
        "#,
        subject.uuid(),
        cart.to_cookie(Uuid::nil()),
        sent_at,
    )
    .execute(connection)
    .await?;
    Ok(true)
}

/// The stored cart of a customer; none before the first change.
pub async fn find(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<Option<Cart>> {
    let found = sqlx::query_scalar!("select cart from customer_carts where subject = ?", subject.uuid());
    Ok(found.fetch_optional(connection).await?.map(|cart| Cart::parse(&cart)))
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::CartLine,
        messages::SignedInV1,
        repo::{
            fixtures::{minute, writer},
            sign_ins::tests::subject,
        },
    };

    const ID: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";
    const OTHER: &str = "0b0fd2bd-5e6f-4d5e-8a39-3b8e2ae7f2a1";

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_later_change_of_a_cart_counts_in_whatever_order_they_arrive_and_another_cart_is_merged(
        pool: MySqlPool,
    ) {
        let mut connection = writer(&pool).await;
        let session = SignedInV1 { subject: subject(1), issued_at: minute(0) };
        let mut stored = async |cart: &str, at| {
            let message = CartV1 { session, cart: Cart::parse(cart) };
            assert!(store(&mut connection, minute(at), &message).await.unwrap());
            let found = find(&mut connection, subject(1)).await.unwrap().unwrap();
            found.lines().iter().map(CartLine::to_cookie).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(stored(&format!("{ID}.t20.53:2:1995.7:1:950"), 2).await, "53:2:1995 7:1:950");
        assert_eq!(stored(&format!("{ID}.t10.8:1:1"), 1).await, "53:2:1995 7:1:950", "an earlier one comes late");
        assert_eq!(stored(&format!("{ID}.t30.7:1:950"), 3).await, "7:1:950", "removed");
        assert_eq!(stored(&format!("{ID}.t30.7:1:950"), 3).await, "7:1:950", "delivered twice");
        assert_eq!(stored(&format!("{OTHER}.t40.7:3:900.9:1:5"), 4).await, "7:3:900 9:1:5", "of another browser");
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_cart_of_a_session_that_was_ended_or_of_an_erased_customer_is_not_stored(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        let cart = Cart::parse(&format!("{ID}.t20.53:2:1995"));
        customers::end_sessions(&mut connection, subject(1), minute(5)).await.unwrap();
        visitors::erase(&mut connection, customers::hash_of(subject(2)), minute(5)).await.unwrap();
        for (whose, is_stored) in [(1, false), (2, false), (3, true)] {
            let session = SignedInV1 { subject: subject(whose), issued_at: minute(4) };
            let message = CartV1 { session, cart: cart.clone() };
            assert_eq!(store(&mut connection, minute(4), &message).await.unwrap(), is_stored, "{whose}");
            assert_eq!(find(&mut connection, subject(whose)).await.unwrap().is_some(), is_stored, "{whose}");
        }
    }
}
