//! The page of an order.

use askama::Template;
use shared::domain::{CartLine, Delivery, LineReason, Order, OrderLine, OrderReason, OrderState, Payment};

use super::differ;
use crate::{View, assets};

/// `/orders/{id}`
#[derive(Template, Clone, Copy)]
#[template(path = "order.html")]
pub struct OrderPage<'a> {
    pub view: View<'a>,
    pub id: &'a str,
    pub order: OrderView<'a>,
    pub step: OrderStep,
    /// The address by which the buyer was recognised; empty with the cookie that placed the order.
    pub email: &'a str,
    /// How often the page has loaded itself again, where there is no script.
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
    /// The first of two steps of a cancellation is done.
    Cancels,
    /// The cancellation was sent.
    Cancelled,
    /// The typed address is not that of the order.
    WrongEmail,
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

    /// Whether the page changes soon by itself.
    fn is_waiting(&self) -> bool {
        self.state() == OrderState::Received || self.is_cancelling()
    }

    /// Whether the buyer has cancelled it, and that is not decided yet.
    fn is_cancelling(&self) -> bool {
        self.has_cancelled() && !self.has_waited()
    }

    /// Whether somebody has cancelled it, without an effect until now.
    fn has_cancelled(&self) -> bool {
        self.step == OrderStep::Cancelled && self.state().can_be_cancelled()
    }

    fn has_waited(&self) -> bool {
        self.reloads >= Self::MAX_RELOADS
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
        if self.is_cancelling() {
            return self.view.text("order-cancelling");
        }
        self.view.order_state(self.state())
    }

    /// What happens next.
    fn next(&self) -> Option<String> {
        if self.order == OrderView::Unknown {
            return Some(self.view.text("order-next-unknown"));
        }
        if self.is_waiting() && self.step == OrderStep::Cancelled && !self.has_waited() {
            return Some(self.view.text("order-next-cancelling"));
        }
        let key = match (self.state(), self.whole().map(|order| order.delivery)) {
            _ if self.has_cancelled() => "order-next-not-cancelled",
            (OrderState::Received, _) if self.has_waited() => "order-next-late",
            (OrderState::Received, _) => "order-next-received",
            (OrderState::AwaitingPayment, _) => "order-next-awaiting-payment",
            (OrderState::Confirmed, Some(Delivery::Collect)) => "order-next-confirmed-collect",
            (OrderState::Confirmed, Some(Delivery::Ship)) => "order-next-confirmed-ship",
            (OrderState::Ready, Some(_)) => "order-next-ready",
            (OrderState::Shipped, Some(_)) => "order-next-shipped",
            (OrderState::Rejected, _) => "order-next-rejected",
            (OrderState::Expired, _) => "order-next-expired",
            (OrderState::Cancelled, _) => "order-next-cancelled",
            _ => return None,
        };
        Some(self.view.text(key))
    }

    /// Where a ready order waits, and until when.
    fn place(&self) -> Option<String> {
        let order = self.whole().filter(|order| order.delivery == Delivery::Collect && !order.state.is_closed())?;
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
    fn transfer(&self) -> Vec<(String, String)> {
        let order = self.whole().filter(|order| order.state == OrderState::AwaitingPayment);
        let account = self.view.shop.and_then(|shop| shop.payments.bank_transfer.as_ref());
        let (Some(order), Some(account)) = (order, account) else { return Vec::new() };
        let row = |key: &str, value: String| (self.view.text(key), value);
        let until = order.expires_at.map(|until| row("transfer-until", self.view.day(until)));
        let rows = [
            row("transfer-holder", account.holder.clone()),
            row("transfer-iban", account.iban.clone()),
            row("amount", self.view.price(&order.total)),
            row("transfer-reference", order.number.to_string()),
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

    /// Whether the buyer may withdraw from the contract of an order that has left the shop.
    fn can_withdraw(&self) -> bool {
        self.whole().is_some_and(|order| order.state.has_left_the_shop()) && self.withdrawn().is_none()
    }

    /// When the buyer has withdrawn from it, in words, or that the declaration is on its way.
    fn withdrawn(&self) -> Option<String> {
        let order = self.whole().filter(|order| order.state.has_left_the_shop())?;
        match order.withdrawn_at {
            Some(at) => Some(self.view.text_with("order-withdrawn", "time", self.view.moment(at))),
            None => (self.step == OrderStep::Cancelled).then(|| self.view.text("order-withdrawing")),
        }
    }
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
    use time::macros::date;

    use super::*;
    use crate::Locale;

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
        };
        OrderPage { view, id: "x", order, step, email: "", reloads }.render().unwrap()
    }

    #[test]
    fn a_page_without_script_stops_loading_itself_and_says_what_to_do() {
        use OrderState::{AwaitingPayment, Cancelled, Confirmed, Ready, Shipped};
        use OrderStep::{Cancelled as HasCancelled, Reads};
        const MAX: u8 = OrderPage::MAX_RELOADS;
        let cancelled = "step=cancelled";
        let not_yet = "has had no effect";
        for (query, order, step, reloads, again, text) in [
            ("", OrderView::Received, Reads, 0, Some("/orders/x?reloads=1"), "checking the stock"),
            ("", OrderView::Received, Reads, MAX - 1, Some("/orders/x?reloads=20"), "checking the stock"),
            ("", OrderView::Received, Reads, MAX, None, "takes longer than usual"),
            ("", OrderView::Received, Reads, u8::MAX, None, "takes longer than usual"),
            ("", OrderView::Unknown, Reads, 0, Some("/orders/x?reloads=1"), "Nothing is lost"),
            ("", OrderView::Unknown, Reads, MAX, None, "Nothing is lost"),
            (
                cancelled,
                OrderView::Received,
                HasCancelled,
                3,
                Some("/orders/x?step=cancelled&#38;reloads=4"),
                "a minute",
            ),
            (cancelled, OrderView::Received, HasCancelled, MAX, None, "takes longer than usual"),
            (
                cancelled,
                OrderView::State(Confirmed),
                HasCancelled,
                0,
                Some("?step=cancelled&#38;reloads=1"),
                "a minute",
            ),
            (cancelled, OrderView::State(Confirmed), HasCancelled, MAX, None, not_yet),
            (cancelled, OrderView::State(AwaitingPayment), HasCancelled, MAX, None, not_yet),
            (cancelled, OrderView::State(Ready), HasCancelled, MAX, None, not_yet),
            (cancelled, OrderView::State(Cancelled), HasCancelled, 2, None, "You have nothing to pay"),
            (cancelled, OrderView::State(Shipped), HasCancelled, 2, None, "Sent"),
        ] {
            let page = page(query, order, step, reloads);
            let refresh = page.lines().find(|line| line.contains("http-equiv=\"refresh\""));
            assert_eq!(refresh.is_some(), again.is_some(), "{order:?} {reloads}: {refresh:?}");
            assert!(again.is_none_or(|again| refresh.unwrap().contains(again)), "{again:?}: {refresh:?}");
            assert!(page.contains(text), "{order:?} {reloads}, {text}: {page}");
        }
        let asks = page(cancelled, OrderView::State(Confirmed), HasCancelled, MAX);
        assert!(asks.contains("name=\"email\""), "a buyer who typed a wrong address can type another one");
    }
}
            order: None,
