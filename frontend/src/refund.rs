//! What a buyer gets back, in words. Pages, mails and terms state it alike (Directive 2011/83/EU, article 13).

use shared::domain::{Money, Order, OrderLine, OrderState, Payment};

use crate::{Locale, format};

/// Whether the buyer has paid, or may have, as far as the shop knows: a carrier brings the money later.
pub fn is_possible(order: &Order) -> bool {
    let is_with_the_carrier = order.payment == Payment::OnDelivery
        && matches!(order.state, OrderState::Shipped | OrderState::Delivered | OrderState::Returned);
    order.paid_at.is_some() || is_with_the_carrier
}

/// Of an order that was cancelled or has expired; none where nothing was paid.
pub fn of_cancelled(locale: Locale, order: &Order) -> Option<String> {
    match order.payment {
        _ if order.paid_at.is_some() => Some(locale.text("refund-cancelled")),
        // It may arrive after all.
        Payment::BankTransfer => Some(locale.text("refund-late-transfer")),
        _ => None,
    }
}

/// Of copies that were cancelled, with the amount.
pub fn of_cancelled_copies(locale: Locale, order: &Order) -> Option<String> {
    let amount = sum(order, |line| line.cancelled);
    order.paid_at.map(|_| locale.text_with("refund-copies", [("amount", format::price(locale, &amount).into())]))
}

/// Of books that came back, with the amount.
pub fn of_returned(locale: Locale, order: &Order) -> Option<String> {
    let amount = format::price(locale, &returned(order));
    let key = if order.paid_at.is_some() { "refund-returned" } else { "refund-returned-if-paid" };
    is_possible(order).then(|| locale.text_with(key, [("amount", amount.into())]))
}

/// The amount of what came back: with the delivery, if all of it did.
pub fn returned(order: &Order) -> Money {
    let books = sum(order, |line| line.returned);
    let delivery = if order.state == OrderState::Returned { order.delivery_price.minor } else { 0 };
    Money { minor: books.minor.saturating_add(delivery), ..books }
}

fn sum(order: &Order, copies: impl Fn(&OrderLine) -> u8) -> Money {
    let price = |line: &OrderLine| line.unit_price.as_ref().map_or(0, |price| price.minor);
    let minor =
        order.lines.iter().fold(0_u32, |sum, line| sum.saturating_add(price(line).saturating_mul(copies(line).into())));
    Money { minor, currency: order.total.currency.clone() }
}
