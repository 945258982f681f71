//! The page of an order.

use askama::Template;
use shared::{
    domain::{CartLine, Delivery, Order, OrderLine, OrderState, Payment, RefusedCancellation},
    quote::QuoteLine,
    shop::Shop,
};
use time::OffsetDateTime;

use super::{Checkout, account, differ};
use crate::{View, assets, delivery, format, mails, refund, rejected};

/// `/orders/{id}`
#[derive(Template, Clone, Copy)]
#[template(path = "order.html")]
pub struct OrderPage<'a> {
    pub view: View<'a>,
    pub id: &'a str,
    pub order: OrderView<'a>,
    pub step: OrderStep,
    /// The address that was typed: that of the order where the page shows everything, and another one where it does not.
    /// Empty if none was.
    pub email: &'a str,
    /// A sealed quote of what is available of a rejected order, for the checkout; empty if nothing is, or nobody knows the buyer.
    pub sealed: &'a str,
    /// How often a browser without script has loaded the page by itself.
    pub reloads: u8,
    /// Whether this browser has just sent the order's form again.
    pub is_resent: bool,
}

/// The part of an order that the visitor may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderView<'a> {
    /// It is not decided yet.
    Received,
    /// The shop has accepted it, and cannot look it up at the moment.
    Unknown,
    /// Somebody who knows the address of the page sees the state only.
    State(OrderState),
    /// The buyer sees everything.
    Whole(&'a Order),
}

/// The step of a cancellation or withdrawal that the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OrderStep {
    #[default]
    Reads,
    /// The first of two steps is done.
    Cancels,
    /// The shop has accepted the declaration.
    Declared {
        at: OffsetDateTime,
        /// Whether it should have had an effect by now.
        is_late: bool,
    },
    /// The shop has accepted a withdrawal with the e-mail address of the order, from a browser that has not placed it.
    Withdraws { at: OffsetDateTime },
}

impl OrderPage<'_> {
    /// The parameter that counts the reloads of a browser without script.
    pub const RELOADS: &'static str = "reloads";
    /// One every three seconds, for a minute. A cancellation with a wrong address never has an effect, and an order may wait
    /// for hours.
    pub const MAX_RELOADS: u8 = 20;

    fn state(&self) -> OrderState {
        match self.order {
            OrderView::Received | OrderView::Unknown => OrderState::Received,
            OrderView::State(state) => state,
            OrderView::Whole(order) => order.state,
        }
    }

    fn whole(&self) -> Option<&Order> {
        match self.order {
            OrderView::Whole(order) => Some(order),
            _ => None,
        }
    }

    /// `Order 100042`, or without the number.
    fn title(&self) -> String {
        match self.whole() {
            Some(order) => self.view.text_with("order-number", "number", order.number.to_string()),
            None => self.view.text("order-title"),
        }
    }

    /// Whether the typed address is not that of the order.
    fn has_wrong_email(&self) -> bool {
        matches!(self.order, OrderView::State(_)) && !self.email.is_empty()
    }

    /// Whether the page shows everything because of its e-mail address, which the forms that lead away from it carry.
    fn is_open_by_email(&self) -> bool {
        self.whole().is_some() && !self.email.is_empty()
    }

    /// Whether the buyer gets nothing of what was ordered.
    fn is_bad_news(&self) -> bool {
        matches!(self.state(), OrderState::Rejected | OrderState::Expired | OrderState::Cancelled)
            || self.is_without_effect()
    }

    /// Whether a cancellation has had no effect until now.
    fn is_without_effect(&self) -> bool {
        matches!(self.order, OrderView::State(_)) && self.has_cancelled() && self.has_waited()
    }

    /// The address of the form that asks for the e-mail address. It continues with the step that was begun.
    fn ask_address(&self) -> String {
        let part = if self.state().can_be_cancelled() { "cancel" } else { "withdraw" };
        match self.step {
            OrderStep::Cancels => format!("/orders/{}?step=cancel#{part}", self.id),
            _ => format!("/orders/{}", self.id),
        }
    }

    /// When the shop got the declaration that the address of the page carries.
    fn declared_at(&self) -> Option<OffsetDateTime> {
        match self.step {
            OrderStep::Declared { at, .. } | OrderStep::Withdraws { at } => Some(at),
            _ => None,
        }
    }

    /// Whether the page changes soon by itself.
    fn is_waiting(&self) -> bool {
        self.state() == OrderState::Received || self.is_cancelling()
    }

    /// Whether somebody has cancelled it, and that is not decided yet.
    fn is_cancelling(&self) -> bool {
        self.has_cancelled() && !self.has_waited()
    }

    /// Whether somebody has cancelled it, without an effect until now.
    fn has_cancelled(&self) -> bool {
        self.declared_at().is_some() && self.state().can_be_cancelled()
    }

    /// Whether the buyer has withdrawn from the contract, in a browser that sees the state only.
    fn withdraws(&self) -> bool {
        matches!(self.step, OrderStep::Withdraws { .. }) && self.state().has_left_the_shop()
    }

    fn has_waited(&self) -> bool {
        self.reloads >= Self::MAX_RELOADS || matches!(self.step, OrderStep::Declared { is_late: true, .. })
    }

    /// Whether the outcome takes the focus: it answers a declaration. A page that reloads itself takes it once.
    fn takes_focus(&self) -> bool {
        self.declared_at().is_some() && (self.reloads == 0 || !self.is_waiting())
    }

    /// Where a browser without script looks again; none once it has waited.
    fn reload(&self) -> Option<String> {
        if !self.is_waiting() || self.has_waited() {
            return None;
        }
        let address = self.view.current_url();
        let joint = if address.contains('?') { '&' } else { '?' };
        Some(format!("{address}{joint}{}={}", Self::RELOADS, self.reloads + 1))
    }

    fn state_text(&self) -> String {
        match self.whole() {
            Some(_) if self.is_cancelling() => self.view.text("order-cancelling"),
            Some(order) if order.state.has_left_the_shop() && self.withdrawn_at().is_some() => {
                self.view.text("order-withdrawal-received")
            }
            None if self.withdraws() => self.view.text("order-withdrawal-received"),
            _ => self.view.order_state(self.state()),
        }
    }

    /// What the shop has done with the buyer's declaration; of somebody who may not be the buyer, what it depends on.
    fn declared(&self) -> Option<String> {
        let at = self.declared_at()?;
        let key = match self.order {
            OrderView::Whole(order) if order.state.has_left_the_shop() => "order-declared-withdrawal",
            OrderView::State(_) if self.withdraws() => "order-declared-withdrawal",
            OrderView::Whole(_) if self.is_cancelling() => "order-declared",
            OrderView::Whole(_) if self.has_cancelled() => "order-declared-late",
            OrderView::State(state) if state.has_left_the_shop() => "order-declared-withdrawal-by-somebody",
            OrderView::State(_) if self.has_cancelled() && self.has_waited() => "order-declared-in-vain",
            OrderView::State(_) if self.has_cancelled() => "order-declared-by-somebody",
            OrderView::Received | OrderView::Unknown => "order-declared-by-somebody",
            _ => return None,
        };
        Some(self.view.text_with(key, "time", self.view.moment(at)))
    }

    /// Which version of the order counts, where its form was sent again, perhaps with other values.
    fn resent(&self) -> Option<&'static str> {
        let is_repeated = self.whole().is_some_and(|order| order.repeated_at.is_some());
        let can_know = !matches!(self.order, OrderView::State(_));
        let key = if self.state().can_be_cancelled() { "order-resent" } else { "order-resent-as-it-is" };
        (can_know && (self.is_resent || is_repeated)).then_some(key)
    }

    /// Why the buyer's last cancellation had no effect.
    fn refused(&self) -> Option<String> {
        let RefusedCancellation { sent_at, status } = self.whole()?.refused?;
        let key = match status {
            OrderState::Cancelled => "order-refused-cancelled",
            OrderState::Expired => "order-refused-expired",
            OrderState::Rejected => "order-refused-rejected",
            OrderState::Returned => "order-refused-returned",
            _ => "order-refused-late",
        };
        Some(self.view.text_with(key, "time", self.view.moment(sent_at)))
    }

    /// What happens next.
    fn next(&self) -> Option<String> {
        if self.order == OrderView::Unknown {
            return Some(self.view.text("order-next-unknown"));
        }
        let key = match (self.state(), self.whole().map(|order| order.delivery)) {
            _ if self.has_cancelled() => return None,
            (OrderState::Received, _) if self.has_waited() => "order-next-late",
            (OrderState::Received, _) => "order-next-received",
            (OrderState::AwaitingPayment, _) => "order-next-awaiting-payment",
            (OrderState::Confirmed, Some(Delivery::Collect)) => "order-next-confirmed-collect",
            (OrderState::Confirmed, Some(Delivery::Ship)) => "order-next-confirmed-ship",
            (OrderState::Ready, Some(_)) => "order-next-ready",
            (OrderState::Shipped, Some(_)) if self.withdrawn_at().is_none() => "order-next-shipped",
            (OrderState::Rejected, _) => "order-next-rejected",
            (OrderState::Expired, _) => "order-next-expired",
            (OrderState::Cancelled, _) => "order-next-cancelled",
            (OrderState::Returned, Some(_)) => "order-next-returned",
            _ => return None,
        };
        Some(self.view.text(key))
    }

    /// Until when the order arrives or is ready, and from when that counts.
    fn when(&self) -> Option<String> {
        let order = self.whole().filter(|_| !self.has_cancelled())?;
        let is_prepared = matches!(order.state, OrderState::AwaitingPayment | OrderState::Confirmed);
        delivery::time(self.view.locale, self.view.shop?, order).filter(|_| is_prepared)
    }

    /// What the buyer gets back of an order that has ended, or of parts of it.
    fn refund(&self) -> Option<String> {
        let order = self.whole()?;
        let (locale, zone) = (self.view.locale, &self.view.time_zone());
        let at = order.since().unwrap_or(order.placed_at);
        match order.state {
            OrderState::Cancelled | OrderState::Expired => refund::of_cancelled(locale, zone, order, at),
            OrderState::Returned => refund::of_returned(locale, zone, order, at),
            _ => refund::of_parts(locale, order),
        }
    }

    /// What the buyer gets back by cancelling.
    fn refund_if_cancelled(&self) -> Option<String> {
        refund::if_cancelled(self.view.locale, self.whole()?)
    }

    /// That the buyer's transfer has arrived.
    fn paid(&self) -> Option<String> {
        delivery::paid(self.view.locale, &self.view.time_zone(), self.whole()?)
    }

    /// What has happened to the order, in order of time.
    fn history(&self) -> Vec<(String, OffsetDateTime)> {
        let Some(order) = self.whole() else { return Vec::new() };
        let placed = (self.view.order_state(OrderState::Received), order.placed_at);
        let states = order.history.iter().filter(|change| change.state != OrderState::Received);
        let states = states.map(|change| (self.view.order_state(change.state), change.at));
        let withdrawn = self.withdrawn_at().map(|at| (self.view.text("order-withdrawal"), at));
        // Copies that went back with the whole order are not named one by one.
        let is_of_part = |at| !order.history.iter().any(|change| change.at == at);
        let changes = order.changes.iter().filter(|change| is_of_part(change.at));
        let changes = changes.map(|change| (refund::of_change(self.view.locale, order, change), change.at));
        let mut all: Vec<_> = [placed].into_iter().chain(states).chain(changes).chain(withdrawn).collect();
        all.sort_by_key(|(_, at)| *at);
        all
    }

    /// Where a ready order waits, and until when.
    fn place(&self) -> Option<String> {
        let is_kept = |order: &&Order| order.delivery == Delivery::Collect && !order.state.is_closed();
        let order = self.whole().filter(is_kept).filter(|_| !self.has_cancelled())?;
        let place = self.view.shop?.collect.as_ref()?.place.as_str();
        match order.expires_at.filter(|_| order.state == OrderState::Ready) {
            Some(until) => {
                let arguments = [("place", place.into()), ("date", self.view.day(until).into())];
                Some(self.view.locale.text_with("order-collect-until", arguments))
            }
            None => Some(self.view.text_with("order-collect-at", "place", place)),
        }
    }

    /// The key of the name of the order's delivery.
    fn delivery_key(order: &Order) -> &'static str {
        match order.delivery {
            Delivery::Collect => "delivery-collect",
            Delivery::Ship => "delivery-ship",
        }
    }

    /// How to pay by transfer: what it is called, and the value.
    fn transfer(&self) -> Vec<(String, Vec<String>)> {
        let order = self.whole().filter(|order| order.state == OrderState::AwaitingPayment && !self.is_cancelling());
        let account = self.view.shop.and_then(|shop| shop.payments.bank_transfer.as_ref());
        let (Some(order), Some(account)) = (order, account) else { return Vec::new() };
        let row = |key: &str, parts: Vec<String>| (self.view.text(key), parts);
        let until = order.expires_at.map(|until| row("transfer-until", vec![self.view.day(until)]));
        let rows = [
            row("transfer-holder", vec![account.holder.clone()]),
            row("transfer-iban", format::iban_groups(&account.iban)),
            row("amount", vec![self.view.price(&order.charged)]),
            row("transfer-reference", vec![order.number.to_string()]),
        ];
        rows.into_iter().chain(until).collect()
    }

    /// The tax of each line is named where not all have the same.
    fn names_rates(order: &Order) -> bool {
        differ(order.lines.iter().map(|line| line.tax_rate))
    }

    fn payment(&self, payment: Payment) -> String {
        self.view.text(match payment {
            Payment::OnCollection => "pay-on-collection",
            Payment::OnDelivery => "pay-on-delivery",
            Payment::BankTransfer => "paid-by-transfer",
        })
    }

    /// Copies of a line that were cancelled or came back.
    fn changes(&self, line: &OrderLine) -> Vec<String> {
        let changes = [("line-cancelled", line.cancelled), ("line-returned", line.returned)];
        changes.into_iter().filter(|(_, count)| *count > 0).map(|(key, count)| self.view.count(key, count)).collect()
    }

    /// The lines of a rejected order that can be sold, as the cart reads them; none if nothing is left.
    fn available(&self) -> Option<String> {
        let lines: Vec<String> = rejected::available(self.whole()?).iter().map(CartLine::to_cookie).collect();
        (!lines.is_empty()).then(|| lines.join("."))
    }

    /// What is available of a rejected order, at the prices of its decision, for a new order of its buyer; empty if nothing is,
    /// or the shop no longer knows the buyer.
    pub fn lines_again(order: &Order, shop: &Shop) -> Vec<QuoteLine> {
        let line = |CartLine { book, quantity, price_seen: price }: CartLine| {
            let line = order.lines.iter().find(|line| line.book == book)?;
            let is_priced = rejected::price_now(line)?.currency == shop.currency;
            let title = line.title.clone();
            is_priced.then_some(QuoteLine { book, title, quantity, price, tax_rate: line.tax_rate })
        };
        let lines = rejected::available(order).into_iter().filter_map(line);
        lines.filter(|_| order.contact.is_some()).collect()
    }

    /// What the buyer typed, by the fields of the checkout.
    fn draft(order: &Order) -> Vec<(&'static str, String)> {
        let contact = order.contact.iter().flat_map(|contact| {
            let phone = contact.phone.as_ref().map(|phone| phone.as_str().to_owned()).unwrap_or_default();
            [("name", contact.name.as_str().to_owned()), ("email", contact.email.as_str().to_owned()), ("phone", phone)]
        });
        let choices = [("delivery", order.delivery.code().to_owned()), ("payment", order.payment.code().to_owned())];
        let address = order.address.iter().flat_map(account::address_fields);
        let note = order.note.iter().map(|note| ("note", note.as_str().to_owned()));
        contact.chain(choices).chain(address).chain(note).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Whether the buyer may withdraw from the contract of an order that has left the shop.
    fn can_withdraw(&self) -> bool {
        self.whole().is_some_and(|order| order.state.has_left_the_shop()) && self.withdrawn_at().is_none()
    }

    /// How long the buyer may do so. The last day is named while it is to come; the shop may take an order as delivered later
    /// than it was, and never earlier.
    fn may_withdraw(&self) -> String {
        let received = self.whole().filter(|order| order.state != OrderState::Shipped).and_then(Order::since);
        let until = received.map(refund::withdrawal_until).filter(|until| until.date() >= self.view.today);
        match until {
            Some(until) => self.view.text_with("order-withdraw-text-until", "date", self.view.day(until)),
            None if self.state() == OrderState::Shipped => self.view.text("order-withdraw-text-shipped"),
            None => self.view.text("order-withdraw-text"),
        }
    }

    /// When the buyer has withdrawn from it: as the order has it, or as the shop has accepted the declaration.
    fn withdrawn_at(&self) -> Option<OffsetDateTime> {
        let order = self.whole()?;
        order.withdrawn_at.or_else(|| self.declared_at().filter(|_| order.state.has_left_the_shop()))
    }

    /// What follows from the withdrawal, in words.
    fn withdrawn(&self) -> Vec<String> {
        let (Some(order), Some(at)) = (self.whole(), self.withdrawn_at()) else { return Vec::new() };
        let time = self.view.moment(at);
        if order.state == OrderState::Returned {
            return vec![self.view.text_with("order-withdrawn-returned", "time", time)];
        }
        let seller = self.view.shop.map(mails::seller_address);
        let follows = refund::after_withdrawal(self.view.locale, &self.view.time_zone(), seller, order, at);
        [self.view.text_with("order-withdrawn", "time", time)].into_iter().chain(follows).collect()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::{Account, Locale};

    const AT: OffsetDateTime = datetime!(2026-11-24 10:00 UTC);

    fn page(query: &str, order: OrderView<'static>, step: OrderStep, reloads: u8) -> String {
        let view = View {
            locale: Locale::En,
            path: "/orders/x",
            query,
            origin: None,
            today: date!(2026 - 11 - 24),
            shop: None,
            cart: 0,
            cart_change: None,
            order: None,
            account: Account::NotHere,
            wishlist: crate::Wishlist::default(),
        };
        OrderPage { view, id: "x", order, step, email: "", sealed: "", reloads, is_resent: false }.render().unwrap()
    }

    #[test]
    fn a_page_without_script_stops_loading_itself_and_says_what_to_do() {
        use OrderState::{AwaitingPayment, Cancelled, Confirmed, Ready, Shipped};
        use OrderStep::Reads;
        const MAX: u8 = OrderPage::MAX_RELOADS;
        let query = "declared=abc";
        let declared = OrderStep::Declared { at: AT, is_late: false };
        let late = OrderStep::Declared { at: AT, is_late: true };
        let accepted = "24 November 2026, 10:00\u{a0}UTC. It counts if";
        let not_yet = "has had no effect";
        for (query, order, step, reloads, again, text) in [
            ("", OrderView::Received, Reads, 0, Some("/orders/x?reloads=1"), "checking the stock"),
            ("", OrderView::Received, Reads, MAX - 1, Some("/orders/x?reloads=20"), "checking the stock"),
            ("", OrderView::Received, Reads, MAX, None, "takes longer than usual"),
            ("", OrderView::Received, Reads, u8::MAX, None, "takes longer than usual"),
            ("", OrderView::Unknown, Reads, 0, Some("/orders/x?reloads=1"), "Nothing is lost"),
            ("", OrderView::Unknown, Reads, MAX, None, "Nothing is lost"),
            (query, OrderView::Received, declared, 3, Some("/orders/x?declared=abc&#38;reloads=4"), accepted),
            (query, OrderView::Received, declared, MAX, None, "takes longer than usual"),
            (query, OrderView::State(Confirmed), declared, 0, Some("?declared=abc&#38;reloads=1"), accepted),
            (query, OrderView::State(Confirmed), declared, MAX, None, not_yet),
            (query, OrderView::State(Confirmed), late, 0, None, not_yet),
            (query, OrderView::State(AwaitingPayment), declared, MAX, None, not_yet),
            (query, OrderView::State(Ready), declared, MAX, None, not_yet),
            (query, OrderView::State(Cancelled), declared, 2, None, "You have nothing to pay"),
            (query, OrderView::State(Shipped), declared, 2, None, accepted),
        ] {
            let page = page(query, order, step, reloads);
            let refresh = page.lines().find(|line| line.contains("http-equiv=\"refresh\""));
            assert_eq!(refresh.is_some(), again.is_some(), "{order:?} {reloads}: {refresh:?}");
            assert!(again.is_none_or(|again| refresh.unwrap().contains(again)), "{again:?}: {refresh:?}");
            assert!(page.contains(text), "{order:?} {reloads}, {text}: {page}");
        }
        let asks = page(query, OrderView::State(Confirmed), declared, MAX);
        assert!(asks.contains("name=\"email\""), "a buyer who typed a wrong address can type another one");
    }

    #[test]
    fn an_address_that_somebody_typed_claims_no_declaration() {
        use OrderState::{Confirmed, Delivered, Shipped};
        for order in [OrderView::Received, OrderView::State(Confirmed), OrderView::State(Shipped)] {
            let page = page("", order, OrderStep::Reads, 0);
            for claim in ["We have received", "Cancelling", "autofocus"] {
                assert!(!page.contains(claim), "{order:?}: {claim}");
            }
        }
        let declared = OrderStep::Declared { at: AT, is_late: false };
        for state in [Confirmed, Shipped, Delivered] {
            let page = page("", OrderView::State(state), declared, 0);
            assert!(!page.contains("Cancelling") && page.contains("It counts if"), "{state}: who sent it is not known");
        }
    }
}
