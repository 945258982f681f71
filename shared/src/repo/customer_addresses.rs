//! The address book of a customer. A change states the version that it replaces, so that what another browser has changed
//! meanwhile is shown and not overwritten. All functions that write are to be run in one transaction.

use sqlx::MySqlConnection;
use time::OffsetDateTime;

use crate::{
    domain::{Address, SavedAddress},
    session::Subject,
};

/// The result of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AddressChange {
    Done,
    /// The customer has as many addresses as there can be.
    Full,
    /// The address is not there, or not the customer's.
    NotFound,
    /// It was changed meanwhile; this is how it is now.
    Conflict(Box<SavedAddress>),
}

/// All addresses of a customer, the earliest first.
pub async fn list(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<Vec<SavedAddress>> {
    let rows = sqlx::query!(
        r#"
        select
            a.id,
            a.version,
            a.address as "address: String",
            a.changed_at,
            c.default_address <=> a.id as "is_default!: bool"
        from customer_addresses a
        join customers c on c.subject = a.subject
        where a.subject = ?
        order by a.id
        "#,
        subject.uuid(),
    );
    let addresses = rows.fetch_all(connection).await?.into_iter().map(|row| {
        Ok(SavedAddress {
            id: row.id,
            version: row.version,
            is_default: row.is_default,
            address: serde_json::from_str(&row.address).map_err(|error| sqlx::Error::Decode(error.into()))?,
            changed_at: row.changed_at,
        })
    });
    addresses.collect()
}

/// An address of a customer; none if it is somebody else's.
pub async fn find(connection: &mut MySqlConnection, subject: Subject, id: u64) -> sqlx::Result<Option<SavedAddress>> {
    Ok(list(connection, subject).await?.into_iter().find(|saved| saved.id == id))
}

/// Adds an address; the same address once more changes nothing. The first one is the default.
pub async fn add(
    connection: &mut MySqlConnection,
    subject: Subject,
    address: &Address,
    is_default: bool,
    now: OffsetDateTime,
) -> sqlx::Result<AddressChange> {
    if !lock(connection, subject).await? {
        return Ok(AddressChange::NotFound);
    }
    let known = list(connection, subject).await?;
    if let Some(same) = known.iter().find(|saved| saved.address == *address) {
        if is_default {
            set_default(connection, subject, Some(same.id)).await?;
        }
        return Ok(AddressChange::Done);
    }
    if known.len() >= SavedAddress::MOST {
        return Ok(AddressChange::Full);
    }
    let added = sqlx::query!(
        "insert into customer_addresses (subject, address, changed_at) values (?, ?, ?)",
        subject.uuid(),
        text_of(address),
        now,
    );
    let id = added.execute(&mut *connection).await?.last_insert_id();
    if is_default || known.is_empty() {
        set_default(connection, subject, Some(id)).await?;
    }
    Ok(AddressChange::Done)
}

/// Changes the text of an address, and makes it the default if asked.
pub async fn change(
    connection: &mut MySqlConnection,
    subject: Subject,
    (id, version): (u64, u32),
    address: &Address,
    is_default: bool,
    now: OffsetDateTime,
) -> sqlx::Result<AddressChange> {
    let saved = match locked(connection, subject, id, version).await? {
        Ok(saved) => saved,
        // A repetition of the form finds its own change.
        Err(AddressChange::Conflict(now)) if now.address == *address => *now,
        Err(refused) => return Ok(refused),
    };
    if saved.address != *address {
        sqlx::query!(
            "update customer_addresses set address = ?, version = version + 1, changed_at = ? where id = ? and subject = ?",
            text_of(address),
            now,
            id,
            subject.uuid(),
        )
        .execute(&mut *connection)
        .await?;
    }
    if is_default {
        set_default(connection, subject, Some(id)).await?;
    }
    Ok(AddressChange::Done)
}

/// Removes an address. Of the default, the earliest of the others takes the place.
pub async fn remove(
    connection: &mut MySqlConnection,
    subject: Subject,
    (id, version): (u64, u32),
) -> sqlx::Result<AddressChange> {
    let saved = match locked(connection, subject, id, version).await? {
        Ok(saved) => saved,
        Err(refused) => return Ok(refused),
    };
    sqlx::query!("delete from customer_addresses where id = ? and subject = ?", id, subject.uuid())
        .execute(&mut *connection)
        .await?;
    if saved.is_default {
        let next = list(connection, subject).await?.first().map(|first| first.id);
        set_default(connection, subject, next).await?;
    }
    Ok(AddressChange::Done)
}

/// The address with its customer locked, if it is still the version that was shown.
async fn locked(
    connection: &mut MySqlConnection,
    subject: Subject,
    id: u64,
    version: u32,
) -> sqlx::Result<Result<SavedAddress, AddressChange>> {
    if !lock(connection, subject).await? {
        return Ok(Err(AddressChange::NotFound));
    }
    Ok(match find(connection, subject, id).await? {
        None => Err(AddressChange::NotFound),
        Some(saved) if saved.version == version => Ok(saved),
        Some(saved) => Err(AddressChange::Conflict(Box::new(saved))),
    })
}

/// Changes of one address book wait for one another; false where there is no such customer.
async fn lock(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<bool> {
    let found = sqlx::query_scalar!("select 1 as one from customers where subject = ? for update", subject.uuid());
    Ok(found.fetch_optional(connection).await?.is_some())
}

async fn set_default(connection: &mut MySqlConnection, subject: Subject, id: Option<u64>) -> sqlx::Result<()> {
    sqlx::query!("update customers set default_address = ? where subject = ?", id, subject.uuid())
        .execute(connection)
        .await?;
    Ok(())
}

fn text_of(address: &Address) -> String {
    serde_json::to_string(address).expect("an address is JSON")
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::AddressText,
        repo::{
            fixtures::{minute, writer},
            sign_ins::tests::{has_signed_in, subject},
        },
    };

    fn address(number: usize) -> Address {
        let text = AddressText {
            name: "Ana Ruiz".into(),
            street: vec![format!("Calle Mayor {number}")],
            postal_code: "28013".into(),
            place: "Madrid".into(),
            region: String::new(),
            country: "ES".into(),
        };
        Address::parse(&text).unwrap()
    }

    /// Street, version, and whether it is the default.
    async fn shown(connection: &mut MySqlConnection, whose: u128) -> Vec<(String, u32, bool)> {
        let saved = list(connection, subject(whose)).await.unwrap().into_iter();
        saved.map(|saved| (saved.address.street[0].clone(), saved.version, saved.is_default)).collect()
    }

    fn row(number: usize, version: u32, is_default: bool) -> (String, u32, bool) {
        (format!("Calle Mayor {number}"), version, is_default)
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_first_address_is_the_default_until_another_one_is_chosen_or_it_is_removed(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        has_signed_in(&mut connection, 1).await;
        for (number, is_default) in [(1, false), (2, false), (3, true), (3, false)] {
            let added = add(&mut connection, subject(1), &address(number), is_default, minute(0)).await.unwrap();
            assert_eq!(added, AddressChange::Done);
        }
        assert_eq!(shown(&mut connection, 1).await, [row(1, 1, false), row(2, 1, false), row(3, 1, true)]);
        let ids: Vec<u64> = list(&mut connection, subject(1)).await.unwrap().iter().map(|saved| saved.id).collect();
        assert_eq!(remove(&mut connection, subject(1), (ids[2], 1)).await.unwrap(), AddressChange::Done);
        assert_eq!(shown(&mut connection, 1).await, [row(1, 1, true), row(2, 1, false)]);
        let changed = change(&mut connection, subject(1), (ids[1], 1), &address(4), true, minute(1)).await.unwrap();
        assert_eq!(changed, AddressChange::Done);
        assert_eq!(shown(&mut connection, 1).await, [row(1, 1, false), row(4, 2, true)]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_change_that_another_browser_has_overtaken_is_shown_and_overwrites_nothing(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        has_signed_in(&mut connection, 1).await;
        add(&mut connection, subject(1), &address(1), false, minute(0)).await.unwrap();
        let id = list(&mut connection, subject(1)).await.unwrap()[0].id;
        let first = change(&mut connection, subject(1), (id, 1), &address(2), false, minute(1)).await.unwrap();
        assert_eq!(first, AddressChange::Done);
        let again = change(&mut connection, subject(1), (id, 1), &address(2), false, minute(1)).await.unwrap();
        assert_eq!(again, AddressChange::Done, "the same form once more");
        let second = change(&mut connection, subject(1), (id, 1), &address(3), false, minute(2)).await.unwrap();
        let AddressChange::Conflict(now) = second else { panic!("{second:?}") };
        assert_eq!((now.version, now.address), (2, address(2)));
        let removed = remove(&mut connection, subject(1), (id, 1)).await.unwrap();
        assert!(matches!(removed, AddressChange::Conflict(_)), "{removed:?}");
        assert_eq!(shown(&mut connection, 1).await, [row(2, 2, true)]);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn an_address_book_is_full_at_ten_and_nobody_reaches_that_of_another_customer(pool: MySqlPool) {
        let mut connection = writer(&pool).await;
        has_signed_in(&mut connection, 1).await;
        has_signed_in(&mut connection, 2).await;
        for number in 1..=SavedAddress::MOST {
            add(&mut connection, subject(1), &address(number), false, minute(0)).await.unwrap();
        }
        let more = add(&mut connection, subject(1), &address(99), false, minute(0)).await.unwrap();
        assert_eq!(more, AddressChange::Full);
        let id = list(&mut connection, subject(1)).await.unwrap()[0].id;
        assert_eq!(find(&mut connection, subject(2), id).await.unwrap(), None);
        let stolen = change(&mut connection, subject(2), (id, 1), &address(99), true, minute(1)).await.unwrap();
        assert_eq!(stolen, AddressChange::NotFound);
        assert_eq!(remove(&mut connection, subject(2), (id, 1)).await.unwrap(), AddressChange::NotFound);
        let nobody = add(&mut connection, subject(3), &address(1), false, minute(0)).await.unwrap();
        assert_eq!(nobody, AddressChange::NotFound, "before the message of the sign-in");
        assert_eq!(shown(&mut connection, 1).await.len(), SavedAddress::MOST);
    }
}
