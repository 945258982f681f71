//! How and when an order reaches its buyer, in words, alike on pages and in mails.

use shared::{
    domain::{Delivery, Order, Payment, TimeZone},
    shop::Shop,
};

use time::Duration;

use crate::{Locale, format};

/// By when an order arrives or is ready: the day, or the time from what has not happened yet; none if the shop no longer
/// offers its delivery.
pub fn time(locale: Locale, shop: &Shop, order: &Order) -> Option<String> {
    let (date, time, days) = match order.delivery {
        Delivery::Collect => ("delivery-date-collect", "delivery-time-collect", shop.collect.as_ref()?.ready_in_days),
        Delivery::Ship => ("delivery-date-ship", "delivery-time-ship", shop.ship.as_ref()?.days),
    };
    if let Some(confirmed) = order.confirmed_at() {
        let day = format::day(locale, confirmed + Duration::days(days.into()), &shop.time_zone);
        return Some(locale.text_with(date, [("date", day.into())]));
    }
    let from = if order.payment == Payment::BankTransfer { "transfer" } else { "confirmation" };
    Some(locale.text_with(time, [("days", days.into()), ("from", from.into())]))
}

/// That a transfer has arrived, with the amount and the day; none of an order that is paid otherwise, or not yet.
pub fn paid(locale: Locale, zone: &TimeZone, order: &Order) -> Option<String> {
    let at = order.paid_at.filter(|_| order.payment == Payment::BankTransfer)?;
    let amount = format::price(locale, &order.as_of(at).charged);
    let arguments = [("amount", amount.into()), ("date", format::day(locale, at, zone).into())];
    Some(locale.text_with("paid-transfer", arguments))
}

/// From when the days count that a page states before the order.
pub fn time_counts(locale: Locale, shop: &Shop) -> String {
    locale.text(if shop.payments.bank_transfer.is_some() { "delivery-counts-transfer" } else { "delivery-counts" })
}

/// The name of a country, or its code.
pub fn country(locale: Locale, code: &str) -> String {
    locale.find(&format!("country-{code}"), None).unwrap_or_else(|| code.to_owned())
}

/// The name of a country with the parts to which the shop does not send, because another tax applies there.
pub fn country_served(locale: Locale, code: &str) -> String {
    let name = country(locale, code);
    match locale.find(&format!("country-except-{code}"), None) {
        Some(parts) => locale.text_with("country-without", [("country", name.into()), ("parts", parts.into())]),
        None => name,
    }
}

/// The countries to which the shop sends; empty if it sends nothing.
pub fn countries(locale: Locale, shop: &Shop) -> String {
    let codes = shop.ship.iter().flat_map(|ship| &ship.countries);
    codes.map(|code| country_served(locale, code)).collect::<Vec<_>>().join(", ")
}
