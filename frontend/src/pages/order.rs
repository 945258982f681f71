//! The page of an order.

use askama::Template;
use shared::{
    domain::{CartLine, Delivery, LineReason, Order, OrderLine, OrderReason, OrderState, Payment, RefusedCancellation},
    quote::QuoteLine,
    shop::Shop,
};
use time::OffsetDateTime;

use super::differ;
use crate::{Form, View, assets, delivery, format, pages::Checkout, refund};

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
            OrderStep::Declared { at, .. } => Some(at),
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
            _ => self.view.order_state(self.state()),
        }
    }

    /// What the shop has done with the buyer's declaration; of somebody who may not be the buyer, what it depends on.
    fn declared(&self) -> Option<String> {
        let at = self.declared_at()?;
        let key = match self.order {
            OrderView::Whole(order) if order.state.has_left_the_shop() => "order-declared-withdrawal",
            OrderView::Whole(_) if self.is_cancelling() => "order-declared",
            OrderView::Whole(_) if self.has_cancelled() => "order-declared-late",
            OrderView::State(state) if state.has_left_the_shop() => "order-declared-by-somebody",
            OrderView::State(_) if self.has_cancelled() && self.has_waited() => "order-declared-in-vain",
            OrderView::State(_) if self.has_cancelled() => "order-declared-by-somebody",
            OrderView::Received | OrderView::Unknown => "order-declared-by-somebody",
            _ => return None,
        };
        Some(self.view.text_with(key, "time", self.view.moment(at)))
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

    /// What the buyer gets back of an order that has ended.
    fn refund(&self) -> Option<String> {
        let order = self.whole()?;
        match order.state {
            OrderState::Cancelled | OrderState::Expired => refund::of_cancelled(self.view.locale, order),
            OrderState::Returned => refund::of_returned(self.view.locale, order),
            _ => None,
        }
    }

    /// What has happened to the order, in order of time.
    fn history(&self) -> Vec<(String, OffsetDateTime)> {
        let Some(order) = self.whole() else { return Vec::new() };
        let placed = (self.view.order_state(OrderState::Received), order.placed_at);
        let changes = order.history.iter().filter(|change| change.state != OrderState::Received);
        let changes = changes.map(|change| (self.view.order_state(change.state), change.at));
        let withdrawn = self.withdrawn_at().map(|at| (self.view.text("order-withdrawal"), at));
        let mut all: Vec<_> = [placed].into_iter().chain(changes).chain(withdrawn).collect();
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

    /// The lines of a rejected order that can be sold, as the cart reads them; none if nothing is left, or the buyer did not
    /// want them.
    fn available(&self) -> Option<String> {
        let order = self
            .whole()
            .filter(|order| order.state == OrderState::Rejected && order.rejection != Some(OrderReason::Cancelled))?;
        let lines: Vec<String> = order.lines.iter().filter_map(available).map(|line| line.to_cookie()).collect();
        (!lines.is_empty()).then(|| lines.join("."))
    }

    /// What is available of a rejected order, at the prices of its decision, and whether that is less than was ordered; none
    /// without a buyer to order again.
    pub fn lines_again(order: &Order, shop: &Shop) -> Option<(Vec<QuoteLine>, bool)> {
        let is_rejected = order.state == OrderState::Rejected && order.rejection != Some(OrderReason::Cancelled);
        let line = |line: &OrderLine| {
            let CartLine { book, quantity, price_seen: price } = available(line)?;
            let is_priced = price > 0 && currency(line) == Some(shop.currency.as_str());
            is_priced.then(|| QuoteLine { book, title: line.title.clone(), quantity, price, tax_rate: line.tax_rate })
        };
        let lines: Vec<QuoteLine> = order.lines.iter().filter_map(line).collect();
        let copies: u32 = lines.iter().map(|line| u32::from(line.quantity)).sum();
        let ordered: u32 = order.lines.iter().map(|line| u32::from(line.quantity)).sum();
        (is_rejected && order.contact.is_some() && !lines.is_empty()).then_some((lines, copies < ordered))
    }

    /// What the buyer typed, by the fields of the checkout.
    fn draft(order: &Order) -> Vec<(&'static str, String)> {
        let contact = order.contact.iter().flat_map(|contact| {
            let phone = contact.phone.as_ref().map(|phone| phone.as_str().to_owned()).unwrap_or_default();
            [("name", contact.name.as_str().to_owned()), ("email", contact.email.as_str().to_owned()), ("phone", phone)]
        });
        let address = order.address.iter().flat_map(|address| {
            let (first, others) =
                address.street.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            [
                ("recipient", address.name.clone()),
                ("street", first.to_owned()),
                ("street2", others.join(", ")),
                ("postal_code", address.postal_code.clone().unwrap_or_default()),
                ("place", address.place.clone()),
                ("region", address.region.clone().unwrap_or_default()),
                ("country", address.country.code().to_owned()),
            ]
        });
        let note = order.note.iter().map(|note| ("note", note.as_str().to_owned()));
        let choices = [("delivery", order.delivery.code().to_owned()), ("payment", order.payment.code().to_owned())];
        contact.chain(choices).chain(address).chain(note).filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Whether the buyer may withdraw from the contract of an order that has left the shop.
    fn can_withdraw(&self) -> bool {
        self.whole().is_some_and(|order| order.state.has_left_the_shop()) && self.withdrawn_at().is_none()
    }

    /// How long the buyer may do so.
    fn may_withdraw(&self) -> &'static str {
        if self.state() == OrderState::Shipped { "order-withdraw-text-shipped" } else { "order-withdraw-text" }
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
        let back = refund::is_possible(order).then(|| self.view.text("refund-terms"));
        [self.view.text_with("order-withdrawn", "time", time)].into_iter().chain(back).collect()
    }
}

/// The currency of the price of a line now.
fn currency(line: &OrderLine) -> Option<&str> {
    let now = match &line.reason {
        Some(LineReason::PriceAbove { now } | LineReason::OtherCurrency { now }) => Some(now),
        _ => line.unit_price.as_ref(),
    };
    now.map(|price| price.currency.as_str())
}

fn available(line: &OrderLine) -> Option<CartLine> {
    let quantity = line.reason.as_ref().map_or(line.quantity, |reason| reason.available(line.quantity));
    let now = match &line.reason {
        Some(LineReason::PriceAbove { now } | LineReason::OtherCurrency { now }) => Some(now),
        _ => line.unit_price.as_ref(),
    };
    (quantity > 0).then(|| CartLine { book: line.book, quantity, price_seen: now.map_or(0, |price| price.minor) })
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::Locale;

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
        };
        OrderPage { view, id: "x", order, step, email: "", sealed: "", reloads }.render().unwrap()
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
