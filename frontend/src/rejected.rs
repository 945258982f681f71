//! Why an order was not accepted, in words, and what of it can be ordered again; alike on its page and in its mail.

use shared::domain::{CartLine, LineReason, Money, Order, OrderLine, OrderReason, OrderState};

use crate::{Locale, format};

/// Why an order was rejected as a whole.
pub fn order_reason(locale: Locale, reason: &OrderReason) -> String {
    match reason {
        OrderReason::Lines => locale.text("rejected-lines"),
        OrderReason::DeliveryPriceAbove { now } => {
            locale.text_with("rejected-delivery-price", [("price", format::price(locale, now).into())])
        }
        OrderReason::TotalAbove { now } => {
            locale.text_with("rejected-total", [("price", format::price(locale, now).into())])
        }
        // Anybody can name the mailbox of somebody else: it must not say what the shop knows of it.
        OrderReason::TooManyOpen { .. } => locale.text("rejected-too-many-open"),
        OrderReason::DeliveryNotOffered => locale.text("rejected-delivery"),
        OrderReason::CountryNotServed => locale.text("rejected-country"),
        OrderReason::PaymentNotAccepted => locale.text("rejected-payment"),
        OrderReason::NotSelling => locale.text("not-sold"),
        OrderReason::Erased => locale.text("rejected-erased"),
        OrderReason::Cancelled => locale.text("rejected-cancelled"),
        OrderReason::Other(_) => locale.text("reason-other"),
    }
}

/// Why a line of an order could not be sold.
pub fn line_reason(locale: Locale, reason: &LineReason) -> String {
    let count = |key: &str, count: u32| locale.text_with(key, [("count", count.into())]);
    match reason {
        LineReason::NoSuchBook => locale.text("line-withdrawn"),
        LineReason::WithoutPrice => locale.text("line-to-order"),
        LineReason::OutOfStock { left: 0 } => locale.text("line-out-of-stock"),
        LineReason::OutOfStock { left } => count("cart-too-few", *left),
        LineReason::PriceAbove { now } => {
            locale.text_with("line-price-above", [("price", format::price(locale, now).into())])
        }
        LineReason::OtherCurrency { now } => {
            locale.text_with("line-other-currency", [("price", format::price(locale, now).into())])
        }
        LineReason::TooMany { max } => count("line-too-many", (*max).into()),
        LineReason::Other(_) => locale.text("reason-other"),
    }
}

/// What of a rejected order can be ordered again, at the prices of its decision. Nothing where the same order would be
/// rejected again, or where its buyer did not want it.
pub fn available(order: &Order) -> Vec<CartLine> {
    use OrderReason::{Cancelled, Erased, NotSelling, TooManyOpen};
    let is_without_effect = matches!(order.rejection, Some(TooManyOpen { .. } | NotSelling | Erased | Cancelled));
    if order.state != OrderState::Rejected || is_without_effect {
        return Vec::new();
    }
    order.lines.iter().filter_map(available_of).collect()
}

fn available_of(line: &OrderLine) -> Option<CartLine> {
    let quantity = line.reason.as_ref().map_or(line.quantity, |reason| reason.available(line.quantity));
    let price_seen = price_now(line).map_or(0, |price| price.minor);
    (quantity > 0).then_some(CartLine { book: line.book, quantity, price_seen })
}

/// The price of a copy at the decision; none of a book without one.
pub fn price_now(line: &OrderLine) -> Option<&Money> {
    match &line.reason {
        Some(LineReason::PriceAbove { now } | LineReason::OtherCurrency { now }) => Some(now),
        _ => line.unit_price.as_ref(),
    }
}
