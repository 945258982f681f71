//! Buyers: each thread places orders of two books, and cancels some of them a little later.

use std::{thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use rand::{Rng, rngs::StdRng};
use serde_json::json;
use shared::{
    domain::{
        Address, AddressText, BookId, Contact, Delivery, DisplayName, Email, Fingerprint, Language, OrderId, OrderNote,
        Payment, Quantity, SubmissionKey, VisitorId,
    },
    messages::{AskedBy, OrderLineV1, OrderMessage, OrderV1},
    shop::Shop,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Flag, queue::FifoQueue};

/// Price of each book in the currency's smallest unit.
pub const PRICE: u32 = 1_500;
/// With more messages on the queue, buyers wait, so that cancellations come while orders are fresh.
const DEEP: usize = 150;
/// Longest pause before an order.
const PAUSE: Duration = Duration::from_millis(8);

/// An order as the queue accepted it.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    pub order: OrderId,
    /// Position among all messages.
    pub sequence: u64,
}

/// What one buyer has sent.
#[derive(Debug, Default)]
pub struct Bought {
    pub placed: Vec<Placed>,
    /// Ids of cancellation messages.
    pub cancellations: Vec<Uuid>,
    /// Bodies of messages that no attempt can process.
    pub poison: Vec<String>,
}

/// One buyer by number, with that many orders.
pub struct Buyer<'a> {
    pub number: u32,
    pub orders: u32,
    pub books: [BookId; 2],
    pub shop: &'a Shop,
    pub random: StdRng,
    /// Whether poison is sent into the buyer's group, between two orders.
    pub is_poisoned: bool,
}

/// The note of an order whose writing always fails, by a trigger of the drill's database.
pub const POISON: &str = "poison";

impl Buyer<'_> {
    /// Places all orders, and ends early when the drill is over.
    pub fn buy(mut self, queue: &FifoQueue, over: &Flag) -> Result<Bought> {
        let mut bought = Bought::default();
        let mut unsure: Vec<OrderV1> = Vec::new();
        for form in 0..self.orders {
            while queue.depth() > DEEP && !over.is_set() {
                thread::sleep(Duration::from_millis(2));
            }
            if over.is_set() {
                break;
            }
            thread::sleep(PAUSE.mul_f64(self.random.random()));
            if self.is_poisoned && form == self.orders / 2 {
                bought.poison = self.poison(queue)?.to_vec();
            }
            let order = self.order(form)?;
            bought.placed.push(self.place(&order, queue)?);
            if self.random.random_bool(0.4) {
                unsure.push(order);
            }
            if unsure.len() > 1 || form + 1 == self.orders {
                for order in unsure.drain(..) {
                    bought.cancellations.push(self.cancel(&order, queue)?);
                }
            }
        }
        Ok(bought)
    }

    /// Some orders are sent twice, as by a reload; the queue accepts the first.
    fn place(&mut self, order: &OrderV1, queue: &FifoQueue) -> Result<Placed> {
        let message = OrderMessage::order(order.clone(), OffsetDateTime::now_utc(), None);
        let sequence = self.send(&message, order.visitor.0, queue)?.context("an order was placed before")?;
        if self.random.random_bool(0.05) {
            self.send(&message, order.visitor.0, queue)?;
        }
        Ok(Placed { order: order.order, sequence })
    }

    /// A text that is no message, and an order that fails at each attempt.
    fn poison(&mut self, queue: &FifoQueue) -> Result<[String; 2]> {
        let order = OrderV1 { note: Some(OrderNote::parse(POISON)?), ..self.order(u32::MAX)? }.with_fingerprint();
        let message = OrderMessage::order(order, OffsetDateTime::now_utc(), None);
        let group = self.shop.group_of(VisitorId::of_number(self.visitor()).0);
        let bodies =
            [json!({ "kind": "storm.v1", "id": Uuid::new_v4() }).to_string(), serde_json::to_string(&message)?];
        for body in &bodies {
            queue.send(&group, &Uuid::new_v4().to_string(), body.clone()).context("poison was accepted before")?;
        }
        Ok(bodies)
    }

    fn visitor(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.number) + 1)
    }

    /// By the cookie in the group of the order, or by its e-mail address in another group, where it may overtake the order.
    fn cancel(&mut self, order: &OrderV1, queue: &FifoQueue) -> Result<Uuid> {
        let (asked_by, sender) = if self.random.random_bool(1.0 / 3.0) {
            (AskedBy::Email(order.contact.email.clone()), order.order.uuid())
        } else {
            (AskedBy::Visitor(order.visitor), order.visitor.0)
        };
        let message = OrderMessage::cancel(order.order, asked_by, OffsetDateTime::now_utc(), None);
        self.send(&message, sender, queue)?;
        Ok(message.id)
    }

    /// As `place-order` sends it.
    fn send(&self, message: &OrderMessage, sender: Uuid, queue: &FifoQueue) -> Result<Option<u64>> {
        let group = self.shop.group_of(sender);
        Ok(queue.send(&group, &message.id.to_string(), serde_json::to_string(message)?))
    }

    /// An order with one or both books, in any order.
    fn order(&mut self, form: u32) -> Result<OrderV1> {
        let [many, few] = self.books;
        let copies: i64 = self.random.random_range(1..=3);
        let lines = match self.random.random_range(0..4) {
            0 => vec![(many, copies)],
            1 => vec![(few, 1), (many, copies)],
            2 => vec![(many, 1), (few, 1)],
            _ => vec![(few, 1)],
        };
        let visitor = self.visitor();
        let delivery = if self.random.random_bool(0.25) { Delivery::Collect } else { Delivery::Ship };
        order(visitor, form, &lines, delivery, self.shop)
    }
}

/// An order at the prices of today.
pub fn order(visitor: Uuid, form: u32, lines: &[(BookId, i64)], delivery: Delivery, shop: &Shop) -> Result<OrderV1> {
    let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).context("the key of the orders' ids")?;
    let unit_price = shop.money(PRICE);
    let lines = lines.iter().map(|(book, quantity)| {
        let quantity = Quantity::parse(*quantity)?;
        anyhow::Ok(OrderLineV1 { book: *book, quantity, unit_price_seen: unit_price.clone() })
    });
    let lines: Vec<OrderLineV1> = lines.collect::<Result<_>>()?;
    let sum: u32 = lines.iter().map(|line| PRICE * u32::from(line.quantity.get())).sum();
    let is_sent = delivery == Delivery::Ship;
    let parcel = shop.ship.as_ref().filter(|_| is_sent).map_or(0, |ship| ship.price_for(sum.into()));
    let order = OrderV1 {
        order: key.order_id(visitor, &form.to_be_bytes()),
        customer: None,
        visitor: VisitorId::of_number(visitor),
        lines,
        delivery,
        payment: if is_sent { Payment::OnDelivery } else { Payment::OnCollection },
        delivery_price_seen: shop.money(parcel),
        total_seen: shop.money(sum + parcel),
        contact: Contact {
            name: DisplayName::parse("Ana Ruiz")?,
            email: Email::parse(&format!("{visitor}@example.org"))?,
            phone: None,
        },
        address: if is_sent { Some(address(visitor)?) } else { None },
        note: None,
        language: Language::parse("es")?,
        fingerprint: Fingerprint::of(b""),
    };
    Ok(order.with_fingerprint())
}

/// Of a buyer's own, because the shop limits the open orders of one address.
fn address(visitor: Uuid) -> Result<Address> {
    let text = AddressText {
        name: "Ana Ruiz".to_owned(),
        street: vec![format!("Calle Mayor {}", visitor.as_u128() % 1_000_000)],
        postal_code: "28013".to_owned(),
        place: "Madrid".to_owned(),
        region: String::new(),
        country: "ES".to_owned(),
    };
    Address::parse(&text).map_err(|errors| anyhow!("{errors:?}"))
}
