//! The public settings of a shop that sells: seller, delivery, payment, tax. They follow from the sections `[shop]` and
//! `[orders]` of the stage's file, and reach the functions in the environment variable `ANAQUEL_SHOP`, because pages,
//! orders and mails must show and charge the same.

use std::env;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::domain::{Currency, Delivery, Email, Money, Payment, Quantity, TimeZone};

/// Environment variable with the shop as JSON; absent where the stage has no `[shop]`.
pub const SHOP: &str = "ANAQUEL_SHOP";

/// What buyer and seller agree on with an order. Amounts are in the smallest unit of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    pub seller: Seller,
    /// Code of ISO 4217.
    pub currency: String,
    /// In which people read the times of their orders.
    #[serde(default)]
    pub time_zone: TimeZone,
    pub tax_rates: TaxRates,
    /// Collection at the shop, where it is offered.
    pub collect: Option<Collect>,
    /// Delivery to an address, where it is offered.
    pub ship: Option<Ship>,
    pub payments: Payments,
    /// The most open orders, neither paid nor handed over, of one buyer.
    pub max_open_orders: u16,
    /// Number of message groups of the order queue; the orders of one buyer are always in the same one.
    pub groups: u16,
    pub sells: Selling,
}

/// Who sells, as the law wants it on pages and in mails (Directive 2000/31/EC, article 5; in Spain Ley 34/2002, article 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seller {
    pub name: String,
    /// Tax identification number: the NIF in Spain, a VAT number elsewhere.
    pub tax_id: String,
    /// Postal address on one line.
    pub address: String,
    pub email: Email,
    pub phone: String,
    /// The public register and the entry in it; none for a seller who is in none.
    pub register: Option<String>,
}

/// Rates of value added tax in hundredths of a percent: 400 is 4 %. Prices contain the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRates {
    /// For a book without a rate of its own.
    pub books: u16,
    pub delivery: u16,
}

impl TaxRates {
    /// 100 %.
    pub const MAX: u16 = 10_000;
}

/// Collection at the shop. It costs nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// Name and address of the place, with its opening hours.
    pub place: String,
    /// Days until an order is ready.
    pub ready_in_days: u16,
    /// Days for which a ready order is kept.
    pub keep_days: u16,
}

/// Delivery to an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ship {
    /// Price of the delivery of an order.
    pub price: u32,
    /// Sum of the lines from which delivery costs nothing.
    pub free_from: Option<u32>,
    /// Days until an order arrives, at most.
    pub days: u16,
    /// ISO 3166-1 alpha-2, in capital letters.
    pub countries: Vec<String>,
    /// Days after which an order that was sent is taken as delivered, if nobody has said so.
    #[serde(default = "Ship::usual_delivered_after_days")]
    pub delivered_after_days: u16,
}

/// The accepted payments. On collection only with `collect`, on delivery only with `ship`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payments {
    pub on_collection: bool,
    pub on_delivery: bool,
    pub bank_transfer: Option<BankTransfer>,
}

/// The account that receives transfers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankTransfer {
    pub holder: String,
    pub iban: String,
    /// Days after which an order that is not paid expires.
    pub days_to_pay: u16,
}

/// Whether the shop sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selling {
    Yes,
    No(WhyNot),
}

/// Why the shop does not sell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// The stage has no section `[shop]`.
    #[error("its file has no section [shop]")]
    NoShop,
    /// The stage has no section `[mail]`, and an order must be confirmed on a durable medium.
    #[error("its file has no section [mail], and every order must be confirmed by mail")]
    NoMail,
    /// Names and addresses would cross the network unencrypted.
    #[error("it has no HTTPS, and an order contains personal data")]
    NoHttps,
}

impl Shop {
    /// The shop in the environment; none where the stage has no `[shop]`. Fails if the variable is no such JSON.
    pub fn from_env() -> anyhow::Result<Option<Self>> {
        env::var(SHOP).ok().map(|text| Self::parse(&text)).transpose()
    }

    /// Parses the JSON of `ANAQUEL_SHOP`.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let shop: Self = serde_json::from_str(text).context(SHOP)?;
        Currency::parse(&shop.currency).context(SHOP)?;
        Ok(shop)
    }

    /// The value of `ANAQUEL_SHOP`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("settings are JSON")
    }

    /// An amount in the shop's currency.
    pub fn money(&self, minor: u32) -> Money {
        Money { minor, currency: self.currency.clone() }
    }

    /// The message group of a buyer's orders and cancellations: `orders-0` to `orders-<groups - 1>`. Only their order in
    /// time follows from it.
    pub fn group_of(&self, buyer: Uuid) -> String {
        let hash = buyer.as_bytes().iter().fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add((*byte).into()));
        format!("orders-{}", hash % u32::from(self.groups.max(1)))
    }

    /// Whether a shop sells: what `sells` states, and not at all without a shop.
    pub fn selling(shop: Option<&Self>) -> Selling {
        shop.map_or(Selling::No(WhyNot::NoShop), |shop| shop.sells)
    }
}

impl Shop {
    /// The most copies of one book in the open orders of one buyer that are not paid: those of the largest line, or four for
    /// each order where the shop allows many.
    pub fn max_open_copies(&self) -> u32 {
        u32::from(Quantity::MAX).max(4 * u32::from(self.max_open_orders))
    }

    /// Days after which an order that was sent is taken as delivered; also where the shop no longer sends any.
    pub fn delivered_after_days(&self) -> u16 {
        self.ship.as_ref().map_or(Ship::DELIVERED_AFTER_DAYS, |ship| ship.delivered_after_days)
    }

    /// The deliveries that the shop offers.
    pub fn deliveries(&self) -> Vec<Delivery> {
        let offered = [(Delivery::Collect, self.collect.is_some()), (Delivery::Ship, self.ship.is_some())];
        offered.into_iter().filter(|(_, is_offered)| *is_offered).map(|(delivery, _)| delivery).collect()
    }

    /// The payments that the shop accepts with some delivery.
    pub fn accepted_payments(&self) -> Vec<Payment> {
        let Payments { on_collection, on_delivery, bank_transfer } = &self.payments;
        let accepted = [
            (Payment::OnCollection, *on_collection && self.collect.is_some()),
            (Payment::OnDelivery, *on_delivery && self.ship.is_some()),
            (Payment::BankTransfer, bank_transfer.is_some()),
        ];
        accepted.into_iter().filter(|(_, is_accepted)| *is_accepted).map(|(payment, _)| payment).collect()
    }

    /// Those that go with this delivery.
    pub fn payments_with(&self, delivery: Delivery) -> Vec<Payment> {
        self.accepted_payments().into_iter().filter(|payment| payment.is_possible_with(delivery)).collect()
    }
}

impl Collect {
    /// For an order that is ready after the shop has stopped to offer collection, and that says nothing else.
    pub const USUAL_KEEP_DAYS: u16 = 7;
}

impl Ship {
    /// More than parcels take that still arrive.
    pub const DELIVERED_AFTER_DAYS: u16 = 30;

    fn usual_delivered_after_days() -> u16 {
        Self::DELIVERED_AFTER_DAYS
    }

    /// What the delivery of an order costs whose lines sum to `lines`.
    pub fn price_for(&self, lines: u64) -> u32 {
        if self.free_from.is_some_and(|from| lines >= u64::from(from)) { 0 } else { self.price }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shop() -> serde_json::Value {
        json!({
            "seller": {
                "name": "Librería Anaquel, S. L.", "tax_id": "B00000000", "address": "Calle Mayor 1, 28013 Madrid",
                "email": "tienda@example.org", "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "time_zone": "Europe/Madrid",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle Mayor 1", "ready_in_days": 2, "keep_days": 7 },
            "ship": { "price": 395, "free_from": 4000, "days": 4, "countries": ["ES"], "delivered_after_days": 30 },
            "payments": {
                "on_collection": true, "on_delivery": false,
                "bank_transfer": { "holder": "Anaquel", "iban": "ES9121000418450200051332", "days_to_pay": 5 },
            },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes",
        })
    }

    #[test]
    fn a_shop_is_read_as_it_was_written() {
        for sells in [json!("yes"), json!({ "no": "no_mail" }), json!({ "no": "no_https" })] {
            let mut written = shop();
            written["sells"] = sells;
            let shop = Shop::parse(&written.to_string()).unwrap();
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shop.to_json()).unwrap(), written);
        }
    }

    #[test]
    fn a_setting_that_is_no_setting_of_a_shop_is_refused() {
        for (field, value, reason) in [
            ("currency", json!("euro"), "currency"),
            ("time_zone", json!("Madrid"), "is no time zone"),
            ("colour", json!("red"), "unknown field `colour`"),
            ("groups", json!(-1), "invalid value"),
            ("sells", json!("perhaps"), "unknown variant `perhaps`"),
            ("seller", json!({ "name": "Anaquel" }), "missing field `tax_id`"),
        ] {
            let mut written = shop();
            written[field] = value;
            let error = format!("{:#}", Shop::parse(&written.to_string()).unwrap_err());
            assert!(error.contains(SHOP) && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn delivery_costs_nothing_from_a_sum_on() {
        let shop = Shop::parse(&shop().to_string()).unwrap();
        let parcel = shop.ship.unwrap();
        for (lines, price) in [(0, 395), (3_999, 395), (4_000, 0), (u64::MAX, 0)] {
            assert_eq!(parcel.price_for(lines), price, "{lines}");
        }
        assert_eq!(Ship { free_from: None, ..parcel }.price_for(u64::MAX), 395);
    }

    #[test]
    fn a_buyer_is_always_in_the_same_group_and_many_buyers_are_in_all() {
        let mut shop = Shop::parse(&shop().to_string()).unwrap();
        let mut groups = |count| {
            shop.groups = count;
            let groups = (0..1_000).map(|_| Uuid::new_v4()).map(|buyer| {
                assert_eq!(shop.group_of(buyer), shop.group_of(buyer));
                shop.group_of(buyer)
            });
            groups.collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(groups(1), ["orders-0".to_owned()].into());
        assert_eq!(groups(0), ["orders-0".to_owned()].into());
        assert_eq!(groups(4), (0..4).map(|group| format!("orders-{group}")).collect());
    }

    #[test]
    fn a_stage_without_a_shop_sells_nothing() {
        assert_eq!(Shop::selling(None), Selling::No(WhyNot::NoShop));
        assert_eq!(Shop::selling(Some(&Shop::parse(&shop().to_string()).unwrap())), Selling::Yes);
    }
}
