//! The page on which an order is placed.

use askama::Template;
use shared::{
    domain::{BookId, Cart, Delivery, Money, OrderId, Payment, TaxPart},
    quote::{Quote, QuoteLine},
    shop::Shop,
};
use time::OffsetDateTime;

use super::differ;
use crate::{Form, Trouble, View, assets, delivery};

/// `/checkout`, also for the statuses 409, 413, 422 and 503 of an order.
#[derive(Template, Clone, Copy)]
#[template(path = "checkout.html")]
pub struct Checkout<'a> {
    pub view: View<'a>,
    pub shop: &'a Shop,
    pub quote: &'a Quote,
    /// The quote as the form carries it.
    pub sealed: &'a str,
    pub form: Form<'a>,
    pub notice: Option<CheckoutNotice>,
}

/// A notice above the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckoutNotice {
    /// The form is shown because of the button that changes the quantities, with totals that the buyer may not have seen yet.
    Changed,
    /// These books of this cart were ordered already; the form is of another order.
    Ordered { id: OrderId, at: OffsetDateTime },
}

impl Checkout<'_> {
    /// The hidden field with the sealed quote.
    pub const QUOTE: &'static str = "quote";
    /// The hidden field of a form whose sender knows that its books are no longer in the cart.
    pub const ALL_THE_SAME: &'static str = "all-the-same";
    /// The button that takes over the quantities, and orders nothing.
    pub const CHANGE: &'static str = "change";
    /// The button that leads from a rejected order to a form with all that was typed.
    pub const AGAIN: &'static str = "again";

    /// Whether the sender of the form is asked, or was asked, if its books are to be ordered all the same.
    fn asks(&self) -> bool {
        self.form.trouble == Some(Trouble::Gone) || !self.form.value(Self::ALL_THE_SAME).is_empty()
    }

    /// The quantity that the form shows for a line: the one that was chosen, which is not ordered yet if it is another one.
    fn quantity(&self, line: &QuoteLine) -> u8 {
        Self::chosen(self.form.value(&Self::quantity_of(line.book)), line)
    }

    /// The quantity of a line that was chosen with this value. One that cannot be read changes nothing.
    pub fn chosen(value: &str, line: &QuoteLine) -> u8 {
        let number = value.trim().parse::<u32>().ok();
        number.map_or(line.quantity, |number| u8::try_from(number).unwrap_or(u8::MAX).min(Cart::MAX_COPIES))
    }

    /// The field with the quantity of a book.
    pub fn quantity_of(book: BookId) -> String {
        format!("quantity-{book}")
    }

    fn money(&self, minor: u32) -> Money {
        self.quote.money(minor)
    }

    /// The offered deliveries with their texts: price and time.
    fn deliveries(&self) -> Vec<(Delivery, String)> {
        let text = |delivery: Delivery, price: u32| match delivery {
            Delivery::Collect => self.shop.collect.as_ref().map(|collect| {
                let arguments = [
                    ("place", collect.place.as_str().into()),
                    ("ready", collect.ready_in_days.into()),
                    ("keep", collect.keep_days.into()),
                ];
                self.view.locale.text_with("checkout-collect", arguments)
            }),
            Delivery::Ship => self.shop.ship.as_ref().map(|ship| {
                let price = if price == 0 { self.view.text("price-free") } else { self.view.price(&self.money(price)) };
                let countries = delivery::countries(self.view.locale, self.shop);
                let arguments = [("price", price.into()), ("days", ship.days.into()), ("countries", countries.into())];
                self.view.locale.text_with("checkout-ship", arguments)
            }),
        };
        self.quote
            .deliveries
            .iter()
            .filter_map(|(delivery, price)| Some((*delivery, text(*delivery, *price)?)))
            .collect()
    }

    /// The chosen delivery, or the first.
    fn is_chosen(&self, delivery: Delivery) -> bool {
        let first = self.quote.deliveries.first().map_or("", |(delivery, _)| delivery.code());
        let chosen = Some(self.form.value("delivery")).filter(|code| !code.is_empty()).unwrap_or(first);
        chosen == delivery.code()
    }

    /// The tax of each line is named where not all have the same.
    fn names_rates(&self) -> bool {
        differ(self.quote.lines.iter().map(|line| line.tax_rate))
    }

    fn ships(&self) -> bool {
        self.quote.delivery_price(Delivery::Ship).is_some()
    }

    /// The accepted payments: code, text, and the class with the delivery that a payment needs.
    fn payments(&self) -> Vec<(&'static str, String, &'static str)> {
        self.shop
            .accepted_payments()
            .into_iter()
            .map(|payment| match payment {
                Payment::OnCollection => (payment.code(), self.view.text("pay-on-collection"), "for-collect"),
                Payment::OnDelivery => (payment.code(), self.view.text("pay-on-delivery"), "for-ship"),
                Payment::BankTransfer => {
                    let days = self.shop.payments.bank_transfer.as_ref().map_or(0, |transfer| transfer.days_to_pay);
                    (payment.code(), self.view.count("pay-by-transfer", days), "")
                }
            })
            .collect()
    }

    /// The chosen payment, or the only one.
    fn is_paid_by(&self, code: &str) -> bool {
        self.form.value("payment") == code || self.shop.accepted_payments().len() == 1
    }

    fn countries(&self) -> Vec<(String, String)> {
        let countries = self.shop.ship.iter().flat_map(|ship| &ship.countries);
        countries.map(|code| (code.clone(), delivery::country_served(self.view.locale, code))).collect()
    }

    /// For each delivery: its class, its name, the price of the delivery, the total, and the tax in it.
    fn totals(&self) -> Vec<(&'static str, String, Money, Money, Vec<TaxPart>)> {
        let total = |delivery: Delivery| {
            let (class, name) = match delivery {
                Delivery::Collect => ("for-collect", "delivery-collect"),
                Delivery::Ship => ("for-ship", "delivery-ship"),
            };
            let price = self.quote.delivery_price(delivery)?;
            Some((class, self.view.text(name), price, self.quote.total(delivery), self.quote.taxes(delivery)))
        };
        Delivery::ALL.iter().filter_map(|delivery| total(*delivery)).collect()
    }
}
