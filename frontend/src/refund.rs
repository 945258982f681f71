//! What a buyer gets back, in words. Pages, mails and terms state it alike (Directive 2011/83/EU, article 13).

use shared::domain::{CopiesChange, Money, Order, OrderState, Payment, TimeZone};
use time::{Duration, OffsetDateTime};

use crate::{Locale, format};

/// Within which a buyer is paid back, and sends back what is returned (articles 13 and 14).
const TIME: Duration = Duration::days(14);

/// The end of the time to withdraw from the contract of books that were received at that time.
pub fn withdrawal_until(received: OffsetDateTime) -> OffsetDateTime {
    received + TIME
}

/// Whether the buyer has paid, or may have, as far as the shop knows: a carrier brings the money later.
pub fn is_possible(order: &Order) -> bool {
    let is_with_the_carrier = order.payment == Payment::OnDelivery
        && matches!(order.state, OrderState::Shipped | OrderState::Delivered | OrderState::Returned);
    order.paid_at.is_some() || is_with_the_carrier
}

/// Of an order that was cancelled or has expired at that time; none where nothing was paid.
pub fn of_cancelled(locale: Locale, zone: &TimeZone, order: &Order, at: OffsetDateTime) -> Option<String> {
    match order.payment {
        _ if order.paid_at.is_some() => {
            let is_rest = before(order, at).minor > 0;
            let arguments = [("amount", price(locale, &of_event(order, at))), ("date", day(locale, zone, at + TIME))];
            let key = if is_rest { "refund-cancelled-rest" } else { "refund-cancelled" };
            Some(with_total(locale, locale.text_with(key, arguments), order, at))
        }
        // It may arrive after all.
        Payment::BankTransfer => Some(locale.text("refund-late-transfer")),
        _ => None,
    }
}

/// Of copies that were cancelled at that time, with the amount.
pub fn of_cancelled_copies(locale: Locale, zone: &TimeZone, order: &Order, at: OffsetDateTime) -> Option<String> {
    order.paid_at?;
    Some(of_copies(locale, zone, "refund-copies", order, at, at + TIME))
}

/// Of books that came back at that time, with the amount.
pub fn of_returned(locale: Locale, zone: &TimeZone, order: &Order, at: OffsetDateTime) -> Option<String> {
    // Without a notice of withdrawal the shop has taken them back by agreement. It may wait for the books.
    let until = order.withdrawn_at.map_or(at + TIME, |withdrawn| (withdrawn + TIME).max(at));
    let key = match (order.state == OrderState::Returned, order.paid_at.is_some()) {
        (true, true) => "refund-returned",
        (true, false) => "refund-returned-if-paid",
        (false, true) => "refund-copies",
        (false, false) => "refund-copies-if-paid",
    };
    is_possible(order).then(|| of_copies(locale, zone, key, order, at, until))
}

fn of_copies(
    locale: Locale,
    zone: &TimeZone,
    key: &str,
    order: &Order,
    at: OffsetDateTime,
    until: OffsetDateTime,
) -> String {
    let books: Vec<String> = changes(order, at).map(|change| book(locale, order, change)).collect();
    let arguments = [
        ("amount", price(locale, &of_event(order, at))),
        ("books", books.join(", ").into()),
        ("date", day(locale, zone, until)),
    ];
    with_total(locale, locale.text_with(key, arguments), order, at)
}

/// Of an order of which only a part was cancelled or came back, on its page; none if nothing is paid back.
pub fn of_parts(locale: Locale, order: &Order) -> Option<String> {
    let amount = so_far(order);
    let key = if order.paid_at.is_some() { "refund-parts" } else { "refund-parts-if-paid" };
    let is_due = amount.minor > 0 && is_possible(order);
    is_due.then(|| {
        let text = locale.text_with(key, [("amount", price(locale, &amount))]);
        [text, way(locale, order)].join(" ")
    })
}

/// Of an order that its buyer can still cancel; none if nothing was paid.
pub fn if_cancelled(locale: Locale, order: &Order) -> Option<String> {
    order.paid_at?;
    let text = locale.text_with("refund-if-cancelled", [("amount", price(locale, &order.charged))]);
    Some([text, way(locale, order)].join(" "))
}

/// What follows from the withdrawal from the contract at that time: what to do with the books, and the money.
pub fn after_withdrawal(
    locale: Locale,
    zone: &TimeZone,
    seller: Option<String>,
    order: &Order,
    at: OffsetDateTime,
) -> Vec<String> {
    let back = [("date", day(locale, zone, at + TIME))];
    let key = if order.state == OrderState::Shipped { "withdrawal-on-its-way" } else { "withdrawal-send-back" };
    let to = seller.map(|seller| locale.text_with("withdrawal-send-to", [("address", seller.into())]));
    let send = [Some(locale.text_with(key, back.clone())), to, Some(locale.text("withdrawal-return-costs"))];
    let is_unpaid =
        order.state == OrderState::Shipped && order.payment == Payment::OnDelivery && order.paid_at.is_none();
    let unpaid = is_unpaid.then(|| locale.text("withdrawal-unpaid"));
    let terms = is_possible(order).then(|| locale.text_with("refund-withdrawn", back));
    let way = is_possible(order).then(|| way(locale, order));
    let join = |texts: &[Option<String>]| texts.iter().flatten().cloned().collect::<Vec<_>>().join(" ");
    [join(&send), join(&[unpaid, terms, way])].into_iter().filter(|text| !text.is_empty()).collect()
}

/// Copies with the amount that is paid back for them, for the history of the order.
pub fn of_change(locale: Locale, order: &Order, change: &CopiesChange) -> String {
    let what = if change.are_returned { "order-copies-returned" } else { "order-copies-cancelled" };
    let text = locale.text_with(what, [("book", book(locale, order, change).into())]);
    let amount = money(order, amount(order, change));
    let is_paid_back = is_counted(order, change) && order.paid_at.is_some();
    let back = is_paid_back.then(|| locale.text_with("order-copies-refund", [("amount", price(locale, &amount))]));
    [text].into_iter().chain(back).collect::<Vec<_>>().join(" ")
}

/// The amount of what happened at a time, with the delivery if nothing was left of the order.
pub fn of_event(order: &Order, at: OffsetDateTime) -> Money {
    let books = sum(order, changes(order, at));
    let has_ended = matches!(order.state, OrderState::Cancelled | OrderState::Expired | OrderState::Returned);
    money(order, books.saturating_add(if has_ended { order.delivery_price.minor } else { 0 }))
}

fn before(order: &Order, at: OffsetDateTime) -> Money {
    money(order, sum(order, order.changes.iter().filter(|change| change.at < at)))
}

fn so_far(order: &Order) -> Money {
    money(order, sum(order, &order.changes))
}

fn changes(order: &Order, at: OffsetDateTime) -> impl Iterator<Item = &CopiesChange> {
    order.changes.iter().filter(move |change| change.at == at)
}

fn sum<'c>(order: &Order, changes: impl IntoIterator<Item = &'c CopiesChange>) -> u32 {
    let counted = changes.into_iter().filter(|change| is_counted(order, change));
    counted.fold(0, |sum: u32, change| sum.saturating_add(amount(order, change)))
}

/// Copies that were cancelled before the order was paid were never paid.
fn is_counted(order: &Order, change: &CopiesChange) -> bool {
    change.are_returned || order.paid_at.is_some_and(|paid| paid <= change.at)
}

fn amount(order: &Order, change: &CopiesChange) -> u32 {
    let line = order.lines.iter().find(|line| line.book == change.book);
    line.map_or(0, |line| line.price_of(change.copies))
}

fn book(locale: Locale, order: &Order, change: &CopiesChange) -> String {
    let line = order.lines.iter().find(|line| line.book == change.book);
    let title = line.map(|line| line.title.clone()).unwrap_or_default();
    locale.text_with("refund-book", [("title", title.into()), ("count", change.copies.into())])
}

/// The text with what was paid back before, and the means.
fn with_total(locale: Locale, text: String, order: &Order, at: OffsetDateTime) -> String {
    let before = before(order, at);
    let sum = money(order, before.minor.saturating_add(of_event(order, at).minor));
    let total = (before.minor > 0).then(|| locale.text_with("refund-in-total", [("amount", price(locale, &sum))]));
    [Some(text), total, Some(way(locale, order))].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// By which means: the one with which the buyer has paid, except that nobody can send cash.
fn way(locale: Locale, order: &Order) -> String {
    locale.text(match order.payment {
        Payment::BankTransfer => "refund-way-transfer",
        Payment::OnDelivery => "refund-way-delivery",
        Payment::OnCollection => "refund-way-collection",
    })
}

fn money(order: &Order, minor: u32) -> Money {
    Money { minor, currency: order.total.currency.clone() }
}

fn price<'v>(locale: Locale, money: &Money) -> fluent_templates::fluent_bundle::FluentValue<'v> {
    format::price(locale, money).into()
}

fn day<'v>(locale: Locale, zone: &TimeZone, at: OffsetDateTime) -> fluent_templates::fluent_bundle::FluentValue<'v> {
    format::day(locale, at, zone).into()
}
