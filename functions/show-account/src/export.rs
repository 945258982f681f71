//! All that the shop keeps of a customer, in slices that fit into an answer: messages, then orders,
//! ratings and the wishlist.

use serde::{Deserialize, Serialize};
use shared::{
    App, Result,
    answer_size::MAX_WRITTEN,
    api::{AccountExport, AccountSummary, OrderStatus, OwnCartLine, OwnMessage},
    domain::{Cursor, OrderNumber},
    repo::{
        alerts, contact, contact_replies, customer_addresses, customer_carts, customers, orders,
        ratings::{self, Keys},
        wishlists,
    },
};

use super::SignedIn;

/// The name of the export that a cursor belongs to.
const EXPORT: &str = "export";
/// Messages that are read at once. Each has up to 16,000 bytes, and so has each of its answers.
const MESSAGES: u32 = 3;
/// Orders and ratings that are read at once. A review has up to 16,000 bytes.
const AT_ONCE: u32 = 10;
/// Wishes that are read at once; one has at most some 2,000 bytes.
const WISHES: u32 = 50;
/// An order takes several queries.
const MAX_ORDERS: usize = 100;

/// The place in the export: the next row of the first part that is not complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Place {
    Messages(u64),
    Orders(Option<OrderNumber>),
    Ratings(Option<Keys>),
    /// After the row with this number.
    Wishlist(Option<u64>),
}

pub async fn of(app: &App, customer: &SignedIn, cursor: Option<&str>) -> Result<AccountExport> {
    let from = cursor.map(|text| Cursor::<Place>::decode(text, EXPORT)).transpose()?;
    let mut place = Some(from.map_or(Place::Messages(0), |cursor| cursor.keys));
    let subject = customer.subject;
    let reading = app.database().read(async |c| {
        let cart = customer_carts::find(c, subject).await?.unwrap_or_default();
        let alerts = alerts::of_customer(c, subject).await?;
        Ok((customers::find(c, subject).await?, customer_addresses::list(c, subject).await?, cart, alerts))
    });
    let (found, addresses, cart, alerts) = reading.await?;
    let cart = cart.lines().iter().map(|line| OwnCartLine { book: line.book, quantity: line.quantity });
    let mut export = AccountExport {
        account: AccountSummary::new(subject.to_string(), found.as_ref()),
        addresses,
        cart: cart.collect(),
        alerts,
        messages: Vec::new(),
        orders: Vec::new(),
        ratings: Vec::new(),
        wishlist: Vec::new(),
        next: None,
    };
    while let Some(at) = place {
        if is_full(&export) {
            export.next = Some(Cursor::new(EXPORT, at).encode());
            break;
        }
        place = read(app, customer, at, &mut export).await?;
    }
    Ok(export)
}

/// Whether the next rows might not fit.
fn is_full(export: &AccountExport) -> bool {
    let bytes = serde_json::to_vec(export).map_or(0, |json| json.len());
    bytes > MAX_WRITTEN / 2 || export.orders.len() >= MAX_ORDERS
}

/// Adds the rows at a place, and returns the next one; none at the end.
async fn read(app: &App, customer: &SignedIn, at: Place, export: &mut AccountExport) -> Result<Option<Place>> {
    let (subject, database) = (customer.subject, app.database());
    Ok(match at {
        Place::Messages(after) => {
            let reading = database.read(async |c| {
                let some = contact::of_customer(c, subject, after, MESSAGES).await?;
                let ids: Vec<u64> = some.iter().map(|message| message.id).collect();
                Ok((some, contact_replies::of_messages(c, &ids).await?))
            });
            let (some, mut answers) = reading.await?;
            let last = some.last().map(|last| last.id).filter(|_| some.len() == MESSAGES as usize);
            let with_answers = some.into_iter().map(|message| {
                let answers = answers.remove(&message.id).unwrap_or_default();
                OwnMessage::new(message, answers)
            });
            export.messages.extend(with_answers);
            Some(last.map_or(Place::Orders(None), Place::Messages))
        }
        Place::Orders(after) => {
            let after = after.map(|number| Cursor::new(orders::OWN, number));
            let reading = database.read(async |c| {
                let some = orders::of_customer(c, subject, after.as_ref(), AT_ONCE).await?;
                let mut whole = Vec::new();
                for order in &some.items {
                    whole.push(OrderStatus::new(order.id, orders::find_by_number(c, order.number).await?, true));
                }
                Ok((whole, some.items.last().filter(|_| some.next.is_some()).map(|last| last.number)))
            });
            let (whole, last) = reading.await?;
            export.orders.extend(whole);
            Some(last.map_or(Place::Ratings(None), |number| Place::Orders(Some(number))))
        }
        Place::Ratings(after) => {
            let after = after.map(|keys| Cursor::new(ratings::OWN, keys));
            let reading = database.read(async |c| ratings::of_customer(c, subject, after.as_ref(), AT_ONCE).await);
            let some = reading.await?;
            export.ratings.extend(some.items);
            let next = some.next.map(|cursor| Cursor::<Keys>::decode(&cursor, ratings::OWN)).transpose()?;
            Some(next.map_or(Place::Wishlist(None), |cursor| Place::Ratings(Some(cursor.keys))))
        }
        Place::Wishlist(after) => {
            let after = after.map(|id| Cursor::new(wishlists::OWN, id));
            let reading = database.read(async |c| wishlists::of_customer(c, subject, after.as_ref(), WISHES).await);
            let some = reading.await?;
            export.wishlist.extend(some.items);
            let next = some.next.map(|cursor| Cursor::<u64>::decode(&cursor, wishlists::OWN)).transpose()?;
            next.map(|cursor| Place::Wishlist(Some(cursor.keys)))
        }
    })
}
