//! The limits of what is ordered and not paid, of one e-mail address, mailbox, browser or postal address: open orders, copies
//! of one book in them, and orders that were cancelled within a day. Without them one person could keep the whole stock from
//! everybody else, at no cost, and have the shop send mails to strangers.
//!
//! Anybody can order with somebody else's address, and so use up its owner's limit. For a customer who orders with the
//! confirmed address of the account, only the orders of the account and of the browser count.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use sqlx::MySqlConnection;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::email_key;
use crate::{
    domain::{
        Address,
        words::{fold, words},
    },
    messages::OrderV1,
    repo::customers,
    session::Subject,
    shop::Shop,
};

/// Rows of `order_locks`.
const SLOTS: u8 = 64;

/// By what the other orders of a buyer are found.
struct Keys {
    email: Option<Vec<u8>>,
    mailbox: Option<Vec<u8>>,
    address: Option<Vec<u8>>,
    visitor: Uuid,
    /// Instead of the three addresses.
    customer: Option<Uuid>,
    /// Of the order itself, which does not count.
    number: u32,
}

/// Whether the buyer of an order has reached a limit of the shop. Until the end of the transaction, other orders of the buyer
/// wait.
pub(super) async fn is_reached(
    connection: &mut MySqlConnection,
    order: &OrderV1,
    number: u32,
    shop: &Shop,
    now: OffsetDateTime,
) -> sqlx::Result<bool> {
    let email = &order.contact.email;
    let customer = customers::who_orders_with(connection, order.customer.as_ref(), email).await?.map(Subject::uuid);
    let (mailbox, address) = (email.mailbox_key(), order.address.as_ref().map(address_key));
    let visitor = order.visitor.0;
    let firsts = [
        Some(mailbox[0]),
        Some(visitor.as_bytes()[0]),
        address.map(|key| key[0]),
        customer.map(|subject| subject.as_bytes()[0]),
    ];
    let of_guest = |key: &[u8]| customer.is_none().then(|| key.to_vec());
    let keys = Keys {
        email: of_guest(&email_key(email)),
        mailbox: of_guest(&mailbox),
        address: address.and_then(|key| of_guest(&key)),
        visitor,
        customer,
        number,
    };
    lock(connection, firsts.into_iter().flatten().map(|first| first % SLOTS).collect()).await?;
    let max = i64::from(shop.max_open_orders);
    let open = open_orders(connection, &keys).await?;
    // Most buyers have no other open order, and then no copies in one.
    Ok(open >= max
        || cancelled_today(connection, &keys, now).await? >= max
        || open > 0 && copies_of_a_book(connection, &keys, order).await? > i64::from(shop.max_open_copies()))
}

/// The open orders that are not paid. The server moves conditions of a union into its parts, which then use their indexes.
async fn open_orders(connection: &mut MySqlConnection, keys: &Keys) -> sqlx::Result<i64> {
    let Keys { email, mailbox, address, visitor, customer, number } = keys;
    let open = sqlx::query_scalar!(
        r#"
        select cast(coalesce(max(open), 0) as signed) as "open!: i64"
        from (
            select count(*) as open
            from (
                select 1 as known_by, number, is_open, paid_at from orders where email_key = ?
                union all
                select 2, number, is_open, paid_at from orders where mailbox_key = ?
                union all
                select 3, number, is_open, paid_at from orders where visitor_id = ?
                union all
                select 4, number, is_open, paid_at from orders where address_key = ?
                union all
                select 5, number, is_open, paid_at from orders where customer = ?
            ) open
            where is_open = 1
              and paid_at is null
              and number <> ?
            group by known_by
        ) of_buyer
        "#,
        *email,
        *mailbox,
        visitor,
        *address,
        *customer,
        number,
    );
    open.fetch_one(connection).await
}

/// Orders of the last day that their mailbox, browser or customer has cancelled without paying. They do not hold copies any more, but
/// each has taken some for a while, and has caused two mails. Those that the shop has cancelled do not count: their buyer may
/// be a stranger whose address was used.
async fn cancelled_today(connection: &mut MySqlConnection, keys: &Keys, now: OffsetDateTime) -> sqlx::Result<i64> {
    let since = now - Duration::DAY;
    let cancelled = sqlx::query_scalar!(
        r#"
        select cast(coalesce(max(cancelled), 0) as signed) as "cancelled!: i64"
        from (
            select count(*) as cancelled
            from (
                select 1 as known_by, number, paid_at, state, decided_at from orders where mailbox_key = ?
                union all
                select 2, number, paid_at, state, decided_at from orders where visitor_id = ?
                union all
                select 3, number, paid_at, state, decided_at from orders where customer = ?
            ) cancelled
            straight_join order_states s on s.order_number = cancelled.number and s.state = cancelled.state
            where cancelled.state = 'cancelled'
              and cancelled.decided_at > ?
              and cancelled.paid_at is null
              and s.actor = 'buyer'
            group by cancelled.known_by
        ) of_buyer
        "#,
        keys.mailbox,
        keys.visitor,
        keys.customer,
        since,
    );
    cancelled.fetch_one(connection).await
}

/// The most copies of a book that the open orders which are not paid would have together with this one; 0 if they have none
/// of its books.
async fn copies_of_a_book(connection: &mut MySqlConnection, keys: &Keys, order: &OrderV1) -> sqlx::Result<i64> {
    let Keys { email, mailbox, address, visitor, customer, number } = keys;
    let asked: Vec<_> = order.lines.iter().map(|line| (line.book.get(), line.quantity.get())).collect();
    let copies = sqlx::query_scalar!(
        r#"
        select cast(coalesce(max(copies), 0) as signed) as "copies!: i64"
        from (
            select sum(l.quantity - l.cancelled - l.returned) + asked.quantity as copies
            from (
                select 1 as known_by, number, is_open, paid_at from orders where email_key = ?
                union all
                select 2, number, is_open, paid_at from orders where mailbox_key = ?
                union all
                select 3, number, is_open, paid_at from orders where visitor_id = ?
                union all
                select 4, number, is_open, paid_at from orders where address_key = ?
                union all
                select 5, number, is_open, paid_at from orders where customer = ?
            ) open
            straight_join order_lines l on l.order_number = open.number
            straight_join json_table(?, '$[*]' columns (
                book_id int unsigned path '$[0]',
                quantity tinyint unsigned path '$[1]'
            )) asked on asked.book_id = l.book_id
            where open.is_open = 1
              and open.paid_at is null
              and open.number <> ?
            group by open.known_by, l.book_id, asked.quantity
        ) of_buyer
        "#,
        *email,
        *mailbox,
        visitor,
        *address,
        *customer,
        serde_json::json!(asked).to_string(),
        number,
    );
    copies.fetch_one(connection).await
}

/// Locks the slots of a buyer, in their order.
async fn lock(connection: &mut MySqlConnection, slots: BTreeSet<u8>) -> sqlx::Result<()> {
    for slot in slots {
        sqlx::query_scalar!("select slot from order_locks where slot = ? for update", slot)
            .fetch_one(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A door, however it is written and whatever name is on the parcel. A postal code stands for its place.
pub(super) fn address_key(address: &Address) -> [u8; 32] {
    Sha256::digest(door(address).as_bytes()).into()
}

fn door(address: &Address) -> String {
    let street = address.street.iter().flat_map(|line| words(line)).collect::<Vec<_>>().join(" ");
    let place = match &address.postal_code {
        Some(code) => fold(code).chars().filter(|c| c.is_alphanumeric()).collect(),
        None => words(&format!("{} {}", address.place, address.region.as_deref().unwrap_or_default())).join(" "),
    };
    [street.as_str(), &place, address.country.code()].join("|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AddressText;

    #[test]
    fn a_door_is_one_however_it_is_written_and_another_one_is_not() {
        let address = |name: &str, street: &[&str], code: &str, place: &str, region: &str, country: &str| {
            let text = AddressText {
                name: name.into(),
                street: street.iter().map(|&line| line.to_owned()).collect(),
                postal_code: code.into(),
                place: place.into(),
                region: region.into(),
                country: country.into(),
            };
            address_key(&Address::parse(&text).unwrap())
        };
        let first = address("Ana Ruiz", &["Calle de Alcalá, 1", "2.º A"], "28013", "Madrid", "", "ES");
        for (name, street, code, place, region, country, is_same) in [
            ("Eva Gil", vec!["Calle de Alcalá, 1", "2.º A"], "28013", "Madrid", "", "ES", true),
            ("Ana Ruiz", vec!["CALLE DE ALCALA 1", "2.º a"], "28013", "madrid", "Madrid", "es", true),
            ("Ana Ruiz", vec!["calle  de alcalá", "1", "2.º A"], " 28013", "Madrid Centro", "", "ES", true),
            ("Ana Ruiz", vec!["Calle de Alcala\u{301} 1 – 2.º A"], "28013", "Madrid", "", "ES", true),
            ("Ana Ruiz", vec!["Calle de Alcalá, 1", "2.º B"], "28013", "Madrid", "", "ES", false),
            ("Ana Ruiz", vec!["Calle de Alcalá, 12", "2.º A"], "28013", "Madrid", "", "ES", false),
            ("Ana Ruiz", vec!["Calle de Alcalá, 1", "2.º A"], "28014", "Madrid", "", "ES", false),
            ("Ana Ruiz", vec!["Calle de Alcalá, 1", "2.º A"], "28013", "Madrid", "", "FR", false),
        ] {
            let other = address(name, &street, code, place, region, country);
            assert_eq!(other == first, is_same, "{street:?} {code} {place} {country}");
        }
        let without_code = |place, region| address("Ana", &["Nathan Road 1"], "", place, region, "HK");
        assert_eq!(without_code("Kowloon", ""), without_code("KOWLOON", ""));
        assert_ne!(without_code("Kowloon", ""), without_code("Central", ""));
        assert_ne!(without_code("Kowloon", "A"), without_code("Kowloon", "B"));
    }
}
