//! `GET` of `/cart`, `/checkout`, `/orders/{id}` and `/api/orders/{id}`, and `POST /orders/{id}` of a buyer who gives the
//! order's e-mail address, which must not be in an address that logs keep.

pub mod api;
mod cart;
mod checkout;
mod order;
pub mod page;

use shared::handler::Handlers;

/// The handlers of this function.
pub fn handlers() -> Handlers {
    Handlers::new(api::handle, frontend::page(page::handle))
}

#[cfg(test)]
mod tests {
    use shared::domain::{
        Contact, Delivery, DisplayName, Email, Language, Money, Order, OrderNumber, OrderState, Payment, SubmissionKey,
    };
    use time::macros::datetime;
    use uuid::Uuid;

    /// An order without lines, of a buyer without a cookie.
    pub fn order() -> Order {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let nothing = Money { minor: 0, currency: "EUR".into() };
        Order {
            id: key.order_id(Uuid::from_u128(1), b"k"),
            number: OrderNumber(1),
            visitor: None,
            state: OrderState::Confirmed,
            history: Vec::new(),
            changes: Vec::new(),
            rejection: None,
            lines: Vec::new(),
            delivery: Delivery::Collect,
            delivery_price: nothing.clone(),
            delivery_tax_rate: 2_100,
            total: nothing.clone(),
            charged: nothing,
            taxes: Vec::new(),
            payment: Payment::OnCollection,
            paid_at: None,
            expires_at: None,
            withdrawn_at: None,
            refused: None,
            contact: Some(Contact {
                name: DisplayName::parse("Ana").unwrap(),
                email: Email::parse("ana@example.org").unwrap(),
                phone: None,
            }),
            address: None,
            note: None,
            language: Language::parse("es").unwrap(),
            placed_at: datetime!(2026-01-02 03:04:05 UTC),
            repeated_at: None,
        }
    }
}
