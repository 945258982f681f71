//! The quote that a checkout shows: lines with their prices, and the price of each delivery. The form carries it sealed, so
//! that the function that takes the order, which has no database, orders what the buyer saw, and can show the form again.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    domain::{BookId, Cart, Delivery, Money, SubmissionKey, TaxPart, unverified_text},
    shop::Shop,
};

/// The prices of an order before it is placed, in one currency and with tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Of the form: two requests with the same one are one order.
    pub key: Uuid,
    pub currency: String,
    pub lines: Vec<QuoteLine>,
    /// Each delivery that the shop offers with its price, in minor units.
    pub deliveries: Vec<(Delivery, u32)>,
    /// In hundredths of a percent.
    pub delivery_tax_rate: u16,
    /// Whether the cart had more than can be ordered.
    pub is_partial: bool,
    /// In seconds since 1970; 0 in a quote of a version before.
    #[serde(default)]
    issued_at: i64,
}

/// A book of a quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuoteLine {
    pub book: BookId,
    /// At most [`Quote::MAX_TITLE`] characters.
    pub title: String,
    pub quantity: u8,
    /// Of one copy, in minor units.
    pub price: u32,
    /// In hundredths of a percent.
    pub tax_rate: u16,
}

impl QuoteLine {
    /// In minor units.
    pub fn total(&self) -> u32 {
        self.price.saturating_mul(self.quantity.into())
    }
}

impl Quote {
    /// A form carries the titles; the order has them in full.
    pub const MAX_TITLE: usize = 120;
    /// How long a form with the quote is accepted.
    pub const VALID_FOR: Duration = Duration::hours(24);

    /// The quote of these lines. The titles are shortened.
    pub fn new(shop: &Shop, key: Uuid, mut lines: Vec<QuoteLine>, is_partial: bool) -> Self {
        for line in &mut lines {
            line.title = line.title.chars().take(Self::MAX_TITLE).collect();
        }
        let sum = lines.iter().map(|line| u64::from(line.total())).sum();
        let collect = shop.collect.as_ref().map(|_| (Delivery::Collect, 0));
        let parcel = shop.ship.as_ref().map(|ship| (Delivery::Ship, ship.price_for(sum)));
        Self {
            key,
            currency: shop.currency.clone(),
            lines,
            deliveries: collect.into_iter().chain(parcel).collect(),
            delivery_tax_rate: shop.tax_rates.delivery,
            is_partial,
            issued_at: 0,
        }
    }

    /// The quote with the time at which its form is shown.
    #[must_use]
    pub fn issued(self, now: OffsetDateTime) -> Self {
        Self { issued_at: now.unix_timestamp(), ..self }
    }

    /// The quote of the form of a cart, with the time at which the form is shown. Forms of the same cart with the same books on
    /// the same day have the same key: a shopper who has got no answer, and sends the order again from another tab, has ordered
    /// once. An order makes the cart another one. Without cookies nobody knows which forms are of one browser, and the key stays.
    #[must_use]
    pub fn of_cart(self, key: &SubmissionKey, cart: &Cart, now: OffsetDateTime) -> Self {
        let Some(id) = cart.id() else { return self.issued(now) };
        let mut lines: Vec<_> = self.lines.iter().map(|line| (line.book.get(), line.quantity, line.price)).collect();
        lines.sort_unstable();
        let content = serde_json::to_vec(&(lines, now.date().to_julian_day())).expect("numbers are JSON");
        let key = key.form_key(&[id.as_bytes(), &cart.changed().to_be_bytes(), &content]);
        Self { key, ..self }.issued(now)
    }

    /// The same for a form that is shown again after [`Self::VALID_FOR`], which is another form. The prices are still only the
    /// limits of what is charged.
    #[must_use]
    pub fn renewed(&self, key: Uuid, now: OffsetDateTime) -> Self {
        Self { key, ..self.clone() }.issued(now)
    }

    /// The same with other quantities of its books, of which 0 leaves a book out; none if nothing is left. The prices of the
    /// books are those that the buyer has seen.
    pub fn with_quantities(
        &self,
        shop: &Shop,
        key: Uuid,
        now: OffsetDateTime,
        quantity: impl Fn(&QuoteLine) -> u8,
    ) -> Option<Self> {
        let lines = self.lines.iter().map(|line| QuoteLine { quantity: quantity(line), ..line.clone() });
        let lines: Vec<QuoteLine> = lines.filter(|line| line.quantity > 0).collect();
        if lines.is_empty() {
            return None;
        }
        let quote = Self::new(shop, key, lines, self.is_partial).issued(now);
        Some(Self { currency: self.currency.clone(), ..quote })
    }

    /// Whether its form is too old to order by. With the form somebody who finds it on a shared computer could see the order
    /// that was placed by it.
    pub fn is_outdated(&self, now: OffsetDateTime) -> bool {
        let age = now.unix_timestamp().saturating_sub(self.issued_at);
        age >= Self::VALID_FOR.whole_seconds()
    }

    pub fn money(&self, minor: u32) -> Money {
        Money { minor, currency: self.currency.clone() }
    }

    /// The price of a delivery, if it is offered.
    pub fn delivery_price(&self, delivery: Delivery) -> Option<Money> {
        let (_, price) = self.deliveries.iter().find(|(offered, _)| *offered == delivery)?;
        Some(self.money(*price))
    }

    /// Lines and delivery; lines only where the delivery is not offered.
    pub fn total(&self, delivery: Delivery) -> Money {
        let delivery = self.delivery_price(delivery).map_or(0, |price| price.minor);
        self.money(self.lines.iter().fold(delivery, |sum, line| sum.saturating_add(line.total())))
    }

    /// The tax that the total includes, by rate.
    pub fn taxes(&self, delivery: Delivery) -> Vec<TaxPart> {
        let delivery = self.delivery_price(delivery).map(|price| (price.minor, self.delivery_tax_rate));
        let lines = self.lines.iter().map(|line| (line.total(), line.tax_rate));
        TaxPart::by_rate(lines.chain(delivery), &self.currency)
    }

    /// The quote as a text that only the shop can have written.
    pub fn seal(&self, key: &SubmissionKey) -> String {
        key.seal(&serde_json::to_string(self).expect("a quote is JSON"))
    }

    /// Reads a sealed quote; none if this key did not seal it, or another version of the shop wrote it.
    pub fn unseal(sealed: &str, key: &SubmissionKey) -> Option<Self> {
        serde_json::from_str(&key.unseal(sealed)?).ok()
    }

    /// Reads a quote that anybody may have written: to show a form again, and for nothing else.
    pub fn unverified(sealed: &str) -> Option<Self> {
        serde_json::from_str(&unverified_text(sealed)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn shop(free_from: Option<u32>) -> Shop {
        let shop = serde_json::json!({
            "seller": {
                "name": "Anaquel", "tax_id": "B00000000", "address": "Calle Mayor 1", "email": "tienda@example.org",
                "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle Mayor 1", "ready_in_days": 2, "keep_days": 7 },
            "ship": { "price": 395, "free_from": free_from, "days": 4, "countries": ["ES"] },
            "payments": { "on_collection": true, "on_delivery": true, "bank_transfer": null },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes",
        });
        Shop::parse(&shop.to_string()).unwrap()
    }

    fn line(book: u32, quantity: u8, price: u32) -> QuoteLine {
        QuoteLine { book: BookId::from(book), title: "El túnel".into(), quantity, price, tax_rate: 400 }
    }

    fn key(byte: u8) -> SubmissionKey {
        let digits = ["A", "B", "C"][usize::from(byte)];
        SubmissionKey::parse(&format!("{}=", digits.repeat(42) + "A")).unwrap()
    }

    #[test]
    fn a_total_has_the_lines_and_the_delivery_and_names_the_tax_of_each_rate() {
        for (free_from, delivery, total, taxes) in [
            (None, Delivery::Collect, 4_940, vec![(400, 4_940, 190)]),
            (None, Delivery::Ship, 5_335, vec![(400, 4_940, 190), (2_100, 395, 69)]),
            (Some(4_940), Delivery::Ship, 4_940, vec![(400, 4_940, 190)]),
            (Some(4_941), Delivery::Ship, 5_335, vec![(400, 4_940, 190), (2_100, 395, 69)]),
        ] {
            let quote = Quote::new(&shop(free_from), Uuid::nil(), vec![line(53, 2, 1_995), line(7, 1, 950)], false);
            assert_eq!(quote.total(delivery).minor, total, "{free_from:?} {delivery:?}");
            let parts: Vec<_> =
                quote.taxes(delivery).into_iter().map(|part| (part.rate, part.gross.minor, part.tax.minor)).collect();
            assert_eq!(parts, taxes, "{free_from:?} {delivery:?}");
        }
        let endless = Quote::new(&shop(None), Uuid::nil(), vec![line(53, 20, u32::MAX), line(7, 20, u32::MAX)], false);
        assert_eq!(endless.total(Delivery::Ship).minor, u32::MAX);
    }

    #[test]
    fn other_quantities_are_at_the_prices_that_were_seen_and_another_form() {
        const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
        let quote = Quote::new(&shop(Some(4_000)), Uuid::nil(), vec![line(53, 2, 1_995), line(7, 1, 950)], false);
        for (many, few, total) in [(2, 1, Some(4_940)), (1, 1, Some(3_340)), (0, 20, Some(19_000)), (0, 0, None)] {
            let quantity = |line: &QuoteLine| if line.book == BookId::from(53) { many } else { few };
            let changed = quote.with_quantities(&shop(Some(4_000)), Uuid::from_u128(7), NOW, quantity);
            let of_changed = changed.as_ref().map(|quote| quote.total(Delivery::Ship).minor);
            assert_eq!(of_changed, total, "{many} {few}: delivery is free from 40.00");
            assert!(changed.is_none_or(|changed| changed.key == Uuid::from_u128(7) && !changed.is_outdated(NOW)));
        }
    }

    #[test]
    fn forms_of_one_cart_with_the_same_books_are_one_order_that_day() {
        const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
        const ID: &str = "c56a4180-65aa-42ec-a945-5fd21dec0538";
        let books = vec![line(53, 2, 1_995), line(7, 1, 950)];
        let form = |of: &SubmissionKey, cart: &Cart, lines: &[QuoteLine], now| {
            Quote::new(&shop(None), Uuid::new_v4(), lines.to_vec(), false).of_cart(of, cart, now)
        };
        let cart = Cart::parse(&format!("{ID}.53:2:1995.7:1:950"));
        let first = form(&key(0), &cart, &books, NOW);
        let ordered = cart.clone().without_ordered([BookId::from(53)], Uuid::from_u128(9));
        assert_eq!(ordered.lines().len(), 1);
        let again = |cart: Cart| Cart::parse(&format!("{}.53:2:1995", cart.to_cookie(Uuid::nil())));
        let of_customer = Cart::parse(&format!("{ID}.t20.53:2:1995.7:1:950"));
        // Also where the session has ended since, so that nobody enters the time of the change.
        let ordered_by_customer = of_customer.clone().without_ordered([BookId::from(53)], Uuid::from_u128(9));
        assert_eq!(ordered_by_customer.id(), of_customer.id());
        let reversed: Vec<QuoteLine> = books.iter().rev().cloned().collect();
        for (name, of, cart, lines, now, is_same) in [
            ("another tab", key(0), cart.clone(), books.clone(), NOW + Duration::minutes(5), true),
            ("another order of the lines", key(0), cart.clone(), reversed, NOW, true),
            ("a later price in the cookie", key(0), Cart::parse(&format!("{ID}.53:2:1")), books.clone(), NOW, true),
            ("another quantity", key(0), cart.clone(), vec![line(53, 1, 1_995), line(7, 1, 950)], NOW, false),
            ("another price", key(0), cart.clone(), vec![line(53, 2, 1_895), line(7, 1, 950)], NOW, false),
            ("another book", key(0), cart.clone(), vec![line(53, 2, 1_995), line(8, 1, 950)], NOW, false),
            ("the next day", key(0), cart.clone(), books.clone(), NOW + Duration::DAY, false),
            ("the cart after an order", key(0), again(ordered), books.clone(), NOW, false),
            ("a customer's cart", key(0), of_customer.clone(), books.clone(), NOW, false),
            ("another shop", key(1), cart, books.clone(), NOW, false),
        ] {
            assert_eq!(form(&of, &cart, &lines, now).key == first.key, is_same, "{name}");
        }
        let of_form = |cart: &Cart| form(&key(0), cart, &books, NOW).key;
        assert_eq!(of_form(&of_customer), of_form(&of_customer));
        assert_ne!(of_form(&of_customer), of_form(&again(ordered_by_customer)), "a customer's cart after an order");
        let unknown = Cart::parse("x.53:2:1995");
        assert_ne!(of_form(&unknown), of_form(&unknown), "a browser without cookies");
        assert!(!first.is_outdated(NOW + Duration::hours(23)));
    }

    #[test]
    fn only_the_shop_can_have_written_a_quote() {
        let quote = Quote::new(&shop(None), Uuid::from_u128(7), vec![line(53, 2, 1_995)], true);
        let sealed = quote.seal(&key(0));
        assert_eq!(Quote::unseal(&sealed, &key(0)), Some(quote.clone()));
        let cheaper = Quote { lines: vec![line(53, 2, 1)], ..quote }.seal(&key(1));
        let (text, _) = cheaper.split_once('.').unwrap();
        let (_, mac) = sealed.split_once('.').unwrap();
        for forged in
            ["", ".", "x", &cheaper, &format!("{text}.{mac}"), &sealed[1..], &sealed[..sealed.len() - 2], text]
        {
            assert_eq!(Quote::unseal(forged, &key(0)), None, "{forged}");
        }
        assert_eq!(Quote::unseal(&key(0).seal("{}"), &key(0)), None, "of another version");
    }

    #[test]
    fn a_quote_is_accepted_for_a_day_and_a_renewed_one_is_of_another_form() {
        let at = datetime!(2026-01-02 03:04:05 UTC);
        let quote = Quote::new(&shop(None), Uuid::from_u128(7), vec![line(53, 2, 1_995)], true);
        assert!(quote.is_outdated(at), "of a version before");
        let quote = quote.issued(at);
        for (now, is_outdated) in [
            (at, false),
            (at + Duration::seconds(86_399), false),
            (at + Duration::hours(24), true),
            (at - Duration::hours(1), false),
        ] {
            assert_eq!(quote.is_outdated(now), is_outdated, "{now}");
            assert_eq!(Quote::unseal(&quote.seal(&key(0)), &key(0)).unwrap().is_outdated(now), is_outdated, "{now}");
        }
        let renewed = quote.renewed(Uuid::from_u128(8), at + Duration::hours(24));
        assert!(!renewed.is_outdated(at + Duration::hours(47)) && renewed.key != quote.key);
        assert_eq!((renewed.lines, renewed.deliveries), (quote.lines, quote.deliveries));
    }

    #[test]
    fn the_largest_quote_leaves_room_for_the_rest_of_the_form() {
        let long = QuoteLine { title: "\u{1f680}".repeat(500), ..line(u32::MAX, 20, u32::MAX) };
        let quote = Quote::new(&shop(None), Uuid::nil(), vec![long; 50], true);
        let length = quote.seal(&key(0)).len();
        assert!(length < crate::http::MAX_BODY * 2 / 3, "{length}");
    }
}
