//! The limit of open orders that are not paid: of one e-mail address, mailbox, browser or postal address. Without it one
//! person could keep the whole stock from everybody else, at no cost.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use sqlx::MySqlConnection;

use super::email_key;
use crate::{
    domain::{
        Address,
        words::{fold, words},
    },
    messages::OrderV1,
};

/// Rows of `order_locks`.
const SLOTS: u8 = 64;

/// Whether the buyer of an order has as many other open orders as the shop allows. Until the end of the transaction, other
/// orders of the buyer wait.
pub(super) async fn is_reached(
    connection: &mut MySqlConnection,
    order: &OrderV1,
    number: u32,
    max: u16,
) -> sqlx::Result<bool> {
    let email = email_key(&order.contact.email);
    let mailbox = order.contact.email.mailbox_key();
    let address = order.address.as_ref().map(address_key);
    let visitor = order.visitor.0;
    let firsts = [Some(mailbox[0]), Some(visitor.as_bytes()[0]), address.map(|key| key[0])];
    lock(connection, firsts.into_iter().flatten().map(|first| first % SLOTS).collect()).await?;
    let open = sqlx::query_scalar!(
        r#"
        select greatest(
            (select count(*) from orders where email_key = ? and is_open = 1 and paid_at is null and number <> ?),
            (select count(*) from orders where mailbox_key = ? and is_open = 1 and paid_at is null and number <> ?),
            (select count(*) from orders where visitor_id = ? and is_open = 1 and paid_at is null and number <> ?),
            (select count(*) from orders where address_key = ? and is_open = 1 and paid_at is null and number <> ?)
        ) as "open!: i64"
        "#,
        &email[..],
        number,
        &mailbox[..],
        number,
        visitor,
        number,
        address.map(|key| key.to_vec()),
        number,
    );
    Ok(open.fetch_one(connection).await? >= i64::from(max))
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
