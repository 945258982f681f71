//! How and when an order reaches its buyer, in words, alike on pages and in mails.

use shared::{
    domain::{Delivery, Order, Payment},
    shop::Shop,
};

use crate::Locale;

/// Until when an order arrives or is ready, and from when that counts; none if the shop no longer offers its delivery.
pub fn time(locale: Locale, shop: &Shop, order: &Order) -> Option<String> {
    let from = if order.payment == Payment::BankTransfer { "transfer" } else { "confirmation" };
    let (key, days) = match order.delivery {
        Delivery::Collect => ("delivery-time-collect", shop.collect.as_ref()?.ready_in_days),
        Delivery::Ship => ("delivery-time-ship", shop.ship.as_ref()?.days),
    };
    Some(locale.text_with(key, [("days", days.into()), ("from", from.into())]))
}

/// From when the days count that a page states before the order.
pub fn time_counts(locale: Locale, shop: &Shop) -> String {
    locale.text(if shop.payments.bank_transfer.is_some() { "delivery-counts-transfer" } else { "delivery-counts" })
}

/// The name of a country, or its code.
pub fn country(locale: Locale, code: &str) -> String {
    locale.find(&format!("country-{code}"), None).unwrap_or_else(|| code.to_owned())
}

/// The countries to which the shop sends; empty if it sends nothing.
pub fn countries(locale: Locale, shop: &Shop) -> String {
    let codes = shop.ship.iter().flat_map(|ship| &ship.countries);
    codes.map(|code| country(locale, code)).collect::<Vec<_>>().join(", ")
}
