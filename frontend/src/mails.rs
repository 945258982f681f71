//! Mails about orders, as plain text in the buyer's language. They confirm what was agreed on a durable medium (Directive
//! 2011/83/EU, article 8), so each has the seller, the lines with prices and tax, and the right of withdrawal.

use shared::{
    domain::{Delivery, Money, Order, OrderEvent, OrderLine, OrderReason, OrderState, Payment, unlinked},
    shop::Shop,
};
use time::{Duration, OffsetDateTime};

use crate::{Locale, delivery, format, refund, rejected};

/// Subject and text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTexts {
    pub subject: String,
    pub text: String,
}

/// The mail about an event of an order, which describes it as it was at that time: others may have happened since. `declared_at`
/// is when the buyer has cancelled it, or withdrawn from its contract; none if nobody but the shop has ended it. `origin` is
/// the shop's address without a slash at its end; without it the mail has no link, and names no page.
pub fn about_order(
    event: OrderEvent,
    at: OffsetDateTime,
    order: &Order,
    declared_at: Option<OffsetDateTime>,
    shop: &Shop,
    origin: Option<&str>,
) -> MailTexts {
    let locale = Locale::parse(order.language.as_str()).unwrap_or_default();
    let order = order.as_of(at);
    let link = origin.map(|origin| format!("{origin}/orders/{}", order.id));
    let mail = Mail { locale, order: &order, at, declared_at, shop, link };
    let sections = [
        Some(mail.greeting()),
        Some(mail.sentence(event)),
        Some(mail.which()),
        mail.rejection(event),
        mail.refund(event),
        mail.transfer(event),
        Some(mail.lines(event)),
        mail.collection(event),
        mail.agreed(event),
        mail.note(event),
        mail.link.as_ref().map(|link| locale.text_with("mail-link", [("address", link.as_str().into())])),
        is_sale(event).then(|| mail.withdrawal()),
        is_contract(event).then(|| mail.heading("terms-guarantee")),
        is_contract(event).then(|| mail.heading("terms-complaints")),
        is_sale(event).then(|| locale.text("mail-no-invoice")),
        origin.map(|origin| locale.text_with("mail-contact", [("address", format!("{origin}/contact").into())])),
        Some(seller(locale, shop)),
        is_contract(event).then(|| mail.withdrawal_form()),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    let number = order.number.to_string();
    let subject =
        locale.text_with(mail.subject(event), [("number", number.into()), ("shop", shop.seller.name.as_str().into())]);
    MailTexts { subject, text: sections.join("\n\n") + "\n" }
}

/// Whether a mail about an event would mislead, because the order is no longer as the event has left it. What is about money
/// or a declaration of the buyer, and what confirms a contract that stands, is never out of date.
pub fn is_out_of_date(event: OrderEvent, order: &Order) -> bool {
    use OrderState::{AwaitingPayment, Cancelled, Expired, Ready, Shipped};
    match event {
        // The mail about the payment confirms the contract.
        OrderEvent::AwaitingPayment => order.state != AwaitingPayment,
        OrderEvent::Confirmed => matches!(order.state, Cancelled | Expired),
        OrderEvent::Ready => order.state != Ready,
        OrderEvent::Shipped => order.state != Shipped,
        OrderEvent::Rejected
        | OrderEvent::Expired
        | OrderEvent::Returned
        | OrderEvent::Cancelled
        | OrderEvent::PartCancelled
        | OrderEvent::PartReturned
        | OrderEvent::Withdrawn => false,
    }
}

struct Mail<'a> {
    locale: Locale,
    /// As it was at the event.
    order: &'a Order,
    /// When the event was.
    at: OffsetDateTime,
    declared_at: Option<OffsetDateTime>,
    shop: &'a Shop,
    /// The address of the order's page.
    link: Option<String>,
}

impl Mail<'_> {
    /// Without a name where it does not look like one.
    fn greeting(&self) -> String {
        match self.order.contact.as_ref().and_then(|contact| contact.name.greeting()) {
            Some(name) => self.locale.text_with("mail-greeting", [("name", name.into())]),
            None => self.locale.text("mail-greeting-nobody"),
        }
    }

    /// What happened; of what the buyer has declared, which order and when.
    fn sentence(&self, event: OrderEvent) -> String {
        let at = self.declared_at.or(self.order.withdrawn_at);
        let at = at.map(|at| format::moment(self.locale, at, &self.shop.time_zone)).unwrap_or_default();
        let arguments = [("number", self.order.number.to_string().into()), ("time", at.into())];
        let key = match event {
            OrderEvent::Rejected if self.was_cancelled(event) && self.declared_at.is_some() => {
                "mail-cancelled-early-at"
            }
            OrderEvent::Rejected if self.was_cancelled(event) => "mail-cancelled-early",
            OrderEvent::Cancelled if self.declared_at.is_some() => "mail-cancelled-by-buyer",
            _ => sentence(event),
        };
        self.locale.text_with(key, arguments)
    }

    fn subject(&self, event: OrderEvent) -> &'static str {
        subject(if self.was_cancelled(event) { OrderEvent::Cancelled } else { event })
    }

    /// Whether the buyer cancelled the order before it was decided, so that nobody has refused it.
    fn was_cancelled(&self, event: OrderEvent) -> bool {
        event == OrderEvent::Rejected && self.order.rejection == Some(OrderReason::Cancelled)
    }

    /// The order with its day, and the time of the event: mails may arrive in another order.
    fn which(&self) -> String {
        let arguments = [
            ("number", self.order.number.to_string().into()),
            ("date", format::day(self.locale, self.order.placed_at, &self.shop.time_zone).into()),
            ("time", format::moment(self.locale, self.at, &self.shop.time_zone).into()),
        ];
        self.locale.text_with("mail-order", arguments)
    }

    /// Why an order was rejected, and how to order what is available of it; the lines have their reasons.
    fn rejection(&self, event: OrderEvent) -> Option<String> {
        if event != OrderEvent::Rejected || self.was_cancelled(event) {
            return None;
        }
        let reason = self.order.rejection.as_ref().map(|reason| rejected::order_reason(self.locale, reason));
        let is_available = !rejected::available(self.order).is_empty();
        let key = if self.link.is_some() { "mail-available" } else { "mail-available-without-page" };
        let again = is_available.then(|| self.locale.text(key));
        Some(reason.into_iter().chain(again).collect::<Vec<_>>().join(" "))
    }

    /// What the buyer gets back, or when.
    fn refund(&self, event: OrderEvent) -> Option<String> {
        let zone = &self.shop.time_zone;
        match event {
            OrderEvent::Cancelled | OrderEvent::Expired => refund::of_cancelled(self.locale, zone, self.order, self.at),
            OrderEvent::PartCancelled => refund::of_cancelled_copies(self.locale, zone, self.order, self.at),
            OrderEvent::Returned | OrderEvent::PartReturned => {
                refund::of_returned(self.locale, zone, self.order, self.at)
            }
            OrderEvent::Withdrawn => {
                let at = self.declared_at.or(self.order.withdrawn_at).unwrap_or(self.at);
                let seller = Some(seller_address(self.shop));
                Some(refund::after_withdrawal(self.locale, zone, seller, self.order, at).join("\n\n"))
            }
            _ => None,
        }
    }

    /// Where to pay; nothing for an order that is paid otherwise.
    fn transfer(&self, event: OrderEvent) -> Option<String> {
        let waits = event == OrderEvent::AwaitingPayment && self.order.payment == Payment::BankTransfer;
        let bank = self.shop.payments.bank_transfer.as_ref().filter(|_| waits)?;
        let until = self.order.expires_at.unwrap_or(self.at + Duration::days(bank.days_to_pay.into()));
        let arguments = [
            ("holder", bank.holder.as_str().into()),
            ("iban", format::iban_groups(&bank.iban).join(" ").into()),
            ("plain", bank.iban.as_str().into()),
            ("amount", format::price(self.locale, &self.order.charged).into()),
            ("number", self.order.number.to_string().into()),
            ("date", format::day(self.locale, until, &self.shop.time_zone).into()),
        ];
        Some(self.locale.text_with("mail-transfer", arguments))
    }

    /// The lines; of a sale with prices, delivery, total and tax, of a return with what is paid back for it, and of a rejected
    /// order with the reason of each.
    fn lines(&self, event: OrderEvent) -> String {
        let is_return = matches!(event, OrderEvent::Returned | OrderEvent::PartReturned);
        let is_priced = !matches!(event, OrderEvent::Rejected | OrderEvent::Cancelled | OrderEvent::Expired);
        let copies = |line: &OrderLine| match event {
            _ if !is_priced => line.quantity,
            _ if is_return => self.returned(line),
            _ => line.kept(),
        };
        let lines = self.order.lines.iter().map(|line| (line, copies(line))).filter(|(_, copies)| *copies > 0);
        let reason = |line: &OrderLine| {
            let reason = line.reason.as_ref().filter(|_| event == OrderEvent::Rejected)?;
            Some(format!("    {}", rejected::line_reason(self.locale, reason)))
        };
        let texts = |(line, copies)| [Some(self.line(line, copies, is_priced)), reason(line)].into_iter().flatten();
        let mut lines: Vec<String> = lines.flat_map(texts).collect();
        if event == OrderEvent::Returned {
            lines.push(self.delivery());
        }
        if is_return {
            let amount = refund::of_event(self.order, self.at);
            lines.push(self.amount("mail-total", format::price(self.locale, &amount)));
        } else if is_priced {
            lines.push(self.delivery());
            lines.push(self.amount("mail-total", format::price(self.locale, &self.order.charged)));
            for part in &self.order.taxes {
                let rate = format::percent(self.locale, part.rate);
                let tax = format::price(self.locale, &part.tax);
                lines.push(self.locale.text_with("mail-tax", [("rate", rate.into()), ("amount", tax.into())]));
            }
        }
        lines.join("\n")
    }

    /// Copies of a line that came back by the event.
    fn returned(&self, line: &OrderLine) -> u8 {
        let changes = self.order.changes.iter().filter(|change| change.at == self.at && change.are_returned);
        changes.filter(|change| change.book == line.book).fold(0, |sum: u8, change| sum.saturating_add(change.copies))
    }

    fn line(&self, line: &OrderLine, copies: u8, is_priced: bool) -> String {
        let title = format!("{copies} × {}", line.title);
        match &line.unit_price {
            Some(price) if is_priced => {
                let minor = price.minor.saturating_mul(copies.into());
                let amount = Money { minor, currency: price.currency.clone() };
                format!("{title}: {}", format::price(self.locale, &amount))
            }
            _ => title,
        }
    }

    fn delivery(&self) -> String {
        match (self.order.delivery, self.order.delivery_price.minor) {
            (Delivery::Collect, _) => self.locale.text("delivery-collect-free"),
            (Delivery::Ship, 0) => self.locale.text("delivery-ship-free"),
            (Delivery::Ship, _) => self.amount("mail-delivery", format::price(self.locale, &self.order.delivery_price)),
        }
    }

    fn amount(&self, key: &str, amount: String) -> String {
        self.locale.text_with(key, [("amount", amount.into())])
    }

    /// The place of collection of a ready order, its last day, and the amount to pay there.
    fn collection(&self, event: OrderEvent) -> Option<String> {
        if event != OrderEvent::Ready {
            return None;
        }
        let place = self
            .shop
            .collect
            .as_ref()
            .map(|collect| self.locale.text_with("order-collect-at", [("place", collect.place.as_str().into())]));
        let until = self.order.expires_at.map(|until| {
            self.locale.text_with(
                "mail-collect-until",
                [("date", format::day(self.locale, until, &self.shop.time_zone).into())],
            )
        });
        let pay = match self.order.paid_at {
            Some(_) => self.locale.text("mail-collect-paid"),
            None => self.amount("mail-collect-pay", format::price(self.locale, &self.order.charged)),
        };
        Some(place.into_iter().chain(until).chain([pay]).collect::<Vec<_>>().join("\n"))
    }

    /// What was agreed beside the lines: place and time of the delivery, and the payment.
    fn agreed(&self, event: OrderEvent) -> Option<String> {
        if !is_contract(event) && event != OrderEvent::Shipped {
            return None;
        }
        let place = match (&self.order.address, &self.shop.collect) {
            (Some(address), _) => {
                let mut lines: Vec<String> = address.lines().iter().map(|line| unlinked(line)).collect();
                lines.pop(); // the code of the country, whose name follows
                lines.push(delivery::country(self.locale, address.country.code()));
                Some(self.locale.text_with("mail-address", [("address", lines.join(", ").into())]))
            }
            (None, Some(collect)) if self.order.delivery == Delivery::Collect => {
                Some(self.locale.text_with("order-collect-at", [("place", collect.place.as_str().into())]))
            }
            (None, _) => None,
        };
        let time = delivery::time(self.locale, self.shop, self.order);
        let paid = delivery::paid(self.locale, &self.shop.time_zone, self.order);
        let keep = self.shop.collect.as_ref().filter(|_| self.order.delivery == Delivery::Collect);
        let keep = keep.filter(|_| self.order.payment == Payment::OnCollection);
        let keep = keep.map(|collect| self.locale.text_with("mail-keep", [("days", collect.keep_days.into())]));
        let payment = if event == OrderEvent::Shipped { self.payment_at_door() } else { Some(self.payment()) };
        let texts = [place, time, keep, payment, paid].into_iter().flatten().collect::<Vec<_>>();
        Some(texts.join("\n")).filter(|text| !text.is_empty())
    }

    fn payment(&self) -> String {
        let payment = self.locale.text(match self.order.payment {
            Payment::OnCollection => "pay-on-collection",
            Payment::OnDelivery => "pay-on-delivery",
            Payment::BankTransfer => "paid-by-transfer",
        });
        let payment = format::behind_colon(self.locale, &payment);
        self.locale.text_with("mail-payment", [("payment", payment.into())])
    }

    /// The amount to have ready when the parcel arrives; none if nothing is to be paid then.
    fn payment_at_door(&self) -> Option<String> {
        let is_due = self.order.payment == Payment::OnDelivery && self.order.paid_at.is_none();
        is_due.then(|| self.amount("mail-delivery-pay", format::price(self.locale, &self.order.charged)))
    }

    /// What the buyer has written to the shop, in the confirmation of the contract.
    fn note(&self, event: OrderEvent) -> Option<String> {
        let note = self.order.note.as_ref().filter(|_| is_contract(event))?;
        Some(self.locale.text_with("mail-note", [("note", unlinked(note.as_str()).into())]))
    }

    /// The right of withdrawal: how, until when, and what follows.
    fn withdrawal(&self) -> String {
        let how = if self.link.is_some() { "mail-withdrawal" } else { "mail-withdrawal-without-page" };
        [how, "withdrawal-return-costs", "refund-terms"].map(|key| self.locale.text(key)).join(" ")
    }

    /// A heading of the terms of sale with its text.
    fn heading(&self, key: &str) -> String {
        let text = self.locale.text(&format!("{key}.text"));
        format!("{}: {}", self.locale.text(key), format::behind_colon(self.locale, &text))
    }

    /// The model form of Directive 2011/83/EU, annex I (B).
    fn withdrawal_form(&self) -> String {
        format!("{}\n{}", self.locale.text("withdrawal-form"), withdrawal_form(self.locale, self.shop))
    }
}

/// Who sells, with the tax number, the address and the register.
pub(crate) fn seller(locale: Locale, shop: &Shop) -> String {
    let seller = &shop.seller;
    let lines = [
        seller.name.clone(),
        locale.text_with("mail-tax-id", [("id", seller.tax_id.as_str().into())]),
        seller.address.clone(),
        seller.email.as_str().to_owned(),
        seller.phone.clone(),
    ];
    lines.into_iter().chain(seller.register.clone()).collect::<Vec<_>>().join("\n")
}

/// Where books are sent back to.
pub fn seller_address(shop: &Shop) -> String {
    [shop.seller.name.as_str(), &shop.seller.address].join(", ")
}

/// The text of the model form, addressed to the seller.
pub fn withdrawal_form(locale: Locale, shop: &Shop) -> String {
    let seller = [shop.seller.name.as_str(), &shop.seller.address, shop.seller.email.as_str()].join(", ");
    locale.text_with("withdrawal-form.text", [("seller", seller.into())])
}

/// Whether the mail is about a contract that stands.
fn is_sale(event: OrderEvent) -> bool {
    use OrderEvent::{Ready, Shipped};
    is_contract(event) || matches!(event, Ready | Shipped)
}

/// Whether the mail confirms the contract.
fn is_contract(event: OrderEvent) -> bool {
    matches!(event, OrderEvent::Confirmed | OrderEvent::AwaitingPayment)
}

fn subject(event: OrderEvent) -> &'static str {
    match event {
        OrderEvent::Confirmed => "mail-subject-confirmed",
        OrderEvent::AwaitingPayment => "mail-subject-awaiting-payment",
        OrderEvent::Rejected => "mail-subject-rejected",
        OrderEvent::Expired => "mail-subject-expired",
        OrderEvent::Ready => "mail-subject-ready",
        OrderEvent::Shipped => "mail-subject-shipped",
        OrderEvent::Returned => "mail-subject-returned",
        OrderEvent::Cancelled => "mail-subject-cancelled",
        OrderEvent::PartCancelled => "mail-subject-part-cancelled",
        OrderEvent::PartReturned => "mail-subject-part-returned",
        OrderEvent::Withdrawn => "mail-subject-withdrawn",
    }
}

fn sentence(event: OrderEvent) -> &'static str {
    match event {
        OrderEvent::Confirmed => "mail-confirmed",
        OrderEvent::AwaitingPayment => "mail-awaiting-payment",
        OrderEvent::Rejected => "mail-rejected",
        OrderEvent::Expired => "mail-expired",
        OrderEvent::Ready => "mail-ready",
        OrderEvent::Shipped => "mail-shipped",
        OrderEvent::Returned => "mail-returned",
        OrderEvent::Cancelled => "mail-cancelled",
        OrderEvent::PartCancelled => "mail-part-cancelled",
        OrderEvent::PartReturned => "mail-part-returned",
        OrderEvent::Withdrawn => "mail-withdrawn",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use shared::domain::{
        Address, Contact, CopiesChange, Country, DisplayName, Email, Language, LineReason, OrderNumber, StateChange,
        SubmissionKey, TaxPart,
    };
    use time::macros::datetime;

    use super::*;

    const SHOP: &str = r#"{
        "seller": { "name": "Anaquel, S. L.", "tax_id": "B00000000", "address": "Calle de los Libros 1, Madrid",
            "email": "tienda@example.org", "phone": "+34 910 000 000", "register": "Registro Mercantil, hoja 1" },
        "currency": "EUR", "tax_rates": { "books": 400, "delivery": 2100 },
        "collect": { "place": "Calle de los Libros 1, Madrid, de 10 a 20 h", "ready_in_days": 2, "keep_days": 7 },
        "ship": { "price": 395, "free_from": null, "days": 4, "countries": ["ES"] },
        "payments": { "on_collection": true, "on_delivery": true,
            "bank_transfer": { "holder": "Anaquel", "iban": "ES9121000418450200051332", "days_to_pay": 5 } },
        "max_open_orders": 5, "groups": 1, "sells": "yes" }"#;

    pub fn shop() -> Shop {
        Shop::parse(SHOP).unwrap()
    }

    const PLACED: OffsetDateTime = datetime!(2026-01-02 03:04 UTC);
    const CONFIRMED: OffsetDateTime = datetime!(2026-01-02 03:05 UTC);
    /// A copy was cancelled.
    const BEFORE: OffsetDateTime = datetime!(2026-02-01 10:00 UTC);
    /// Of the mails about what happens later.
    const AT: OffsetDateTime = datetime!(2026-03-03 04:05 UTC);

    fn time_of(event: OrderEvent) -> OffsetDateTime {
        if is_contract(event) { CONFIRMED } else { AT }
    }

    fn change(at: OffsetDateTime, book: u32, copies: u8, are_returned: bool) -> CopiesChange {
        CopiesChange { at, book: book.into(), copies, are_returned }
    }

    fn euro(minor: u32) -> Money {
        Money { minor, currency: "EUR".into() }
    }

    fn order(language: &str) -> Order {
        let key = SubmissionKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let line = |book: u32, title: &str, quantity, cancelled, reason| OrderLine {
            book: book.into(),
            title: title.to_owned(),
            isbn: None,
            quantity,
            cancelled,
            returned: 0,
            unit_price: Some(euro(1_995)),
            tax_rate: 400,
            total: Some(euro(1_995 * u32::from(quantity))),
            reason,
        };
        Order {
            id: key.order_id(uuid::Uuid::from_u128(1), b"k"),
            number: OrderNumber(100_042),
            visitor: None,
            state: OrderState::Confirmed,
            history: Vec::new(),
            changes: vec![change(BEFORE, 8, 1, false)],
            rejection: None,
            lines: vec![line(7, "Don <Quijote>", 2, 0, None), line(8, "Niebla", 2, 1, Some(LineReason::NoSuchBook))],
            delivery: Delivery::Ship,
            delivery_price: euro(395),
            delivery_tax_rate: 2_100,
            total: euro(8_375),
            charged: euro(6_380),
            taxes: TaxPart::by_rate([(5_985, 400), (395, 2_100)], "EUR"),
            payment: Payment::BankTransfer,
            paid_at: None,
            expires_at: None,
            withdrawn_at: Some(AT),
            contact: Some(Contact {
                name: DisplayName::parse("Ana").unwrap(),
                email: Email::parse("ana@example.org").unwrap(),
                phone: None,
            }),
            address: Some(Address {
                name: "Ana Ruiz".to_owned(),
                street: vec!["Calle Mayor 1".to_owned()],
                postal_code: Some("28013".to_owned()),
                place: "Madrid".to_owned(),
                region: None,
                country: Country::SPAIN,
            }),
            note: None,
            language: Language::parse(language).unwrap(),
            placed_at: PLACED,
            repeated_at: None,
            refused: None,
        }
    }

    fn mail(event: OrderEvent, language: &str) -> MailTexts {
        let shop = Shop::parse(SHOP).unwrap();
        about_order(event, time_of(event), &order(language), None, &shop, Some("https://shop.example"))
    }

    #[test]
    fn every_event_has_a_mail_in_both_languages_with_the_seller_and_within_the_limits() {
        for event in OrderEvent::ALL {
            let [spanish, english, french] = ["es-MX", "en", "fr"].map(|language| mail(event, language));
            assert_ne!(spanish, english, "{event:?}");
            assert_eq!(spanish, french, "a language without texts is Spanish");
            for MailTexts { subject, text } in [spanish, english] {
                assert!(subject.contains("100042") && subject.contains("Anaquel") && subject.len() < 200, "{subject}");
                assert!(!subject.contains("mail-") && !text.contains("mail-"), "a key without a text: {text}");
                for part in ["Ana", "B00000000", "Calle de los Libros 1", "hoja 1", "+34 910 000 000"] {
                    assert!(text.contains(part), "{part}: {text}");
                }
                assert!(text.contains("https://shop.example/orders/"), "{text}");
                assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            }
        }
    }

    #[test]
    fn the_mail_about_a_rejected_order_says_whether_the_buyer_had_cancelled_it() {
        let shop = Shop::parse(SHOP).unwrap();
        for (rejection, language, subject, text) in [
            (OrderReason::Lines, "en", "We could not accept your order 100042", "Reply to this email"),
            (
                OrderReason::Cancelled,
                "en",
                "Order 100042 cancelled",
                "You cancelled your order before we had confirmed it.",
            ),
            (
                OrderReason::Cancelled,
                "es",
                "Pedido 100042 cancelado",
                "Cancelaste tu pedido antes de que lo confirmáramos.",
            ),
        ] {
            let state = OrderState::Rejected;
            let order = Order { state, rejection: Some(rejection.clone()), ..order(language) };
            let mail = about_order(OrderEvent::Rejected, AT, &order, None, &shop, None);
            assert!(mail.subject.starts_with(subject), "{rejection:?}: {}", mail.subject);
            assert!(mail.text.contains(text), "{rejection:?}: {}", mail.text);
            assert!(!mail.text.contains("Total"), "{rejection:?}: {}", mail.text);
            assert!(!mail.text.contains("page") && !mail.text.contains("página"), "{rejection:?}: {}", mail.text);
        }
    }

    #[test]
    fn a_mail_has_what_its_event_needs() {
        let (es, en) = ("es", "en");
        for (event, language, there, not_there) in [
            (OrderEvent::Confirmed, es, "2 × Don <Quijote>: 39,90\u{a0}€", "IBAN"),
            // As it was confirmed, whatever was cancelled since.
            (OrderEvent::Confirmed, es, "2 × Niebla: 39,90\u{a0}€", "IBAN"),
            (OrderEvent::Confirmed, es, "Total, IVA incluido: 83,75\u{a0}€", "IBAN"),
            (OrderEvent::Confirmed, es, "IVA al 4\u{a0}% incluido: 3,07\u{a0}€", "mail"),
            (OrderEvent::Shipped, es, "1 × Niebla: 19,95\u{a0}€", "IBAN"),
            (OrderEvent::Shipped, es, "Total, IVA incluido: 63,80\u{a0}€", "IBAN"),
            (OrderEvent::Confirmed, es, "IVA al 21\u{a0}% incluido: 0,69\u{a0}€", "mail"),
            (OrderEvent::Confirmed, en, "Delivery: €3.95", "IBAN"),
            (OrderEvent::Confirmed, en, "14 days from receiving it to withdraw", "IBAN"),
            (OrderEvent::Confirmed, en, "not an invoice", "The books are yours"),
            (OrderEvent::Confirmed, en, "to: Ana Ruiz, Calle Mayor 1, 28013 Madrid, Spain", "collect"),
            (OrderEvent::Confirmed, en, "at most 4 days after your transfer arrives", "mail-"),
            (OrderEvent::Confirmed, es, "en 4 días como mucho desde que nos llega tu transferencia", "mail-"),
            (OrderEvent::Confirmed, en, "Payment: By bank transfer", "mail-"),
            (OrderEvent::Confirmed, es, "Forma de pago: por transferencia", "mail-"),
            (OrderEvent::Confirmed, es, "Garantía: respondemos", "mail-"),
            (OrderEvent::AwaitingPayment, en, "We keep the books until 7 January 2026.", "for 5 days"),
            (OrderEvent::Shipped, en, "to: Ana Ruiz, Calle Mayor 1, 28013 Madrid, Spain", "ready for the carrier"),
            (OrderEvent::Confirmed, en, "You pay for sending books back.", "mail-"),
            (OrderEvent::Confirmed, es, "Los gastos de devolución corren de tu cuenta.", "mail-"),
            (OrderEvent::Confirmed, en, "Guarantee: We are liable", "mail-"),
            (OrderEvent::Confirmed, en, "Complaints: Write to us", "mail-"),
            (OrderEvent::Confirmed, en, "Model withdrawal form", "mail-"),
            (OrderEvent::Confirmed, es, "Modelo de formulario de desistimiento", "mail-"),
            (
                OrderEvent::AwaitingPayment,
                es,
                "A la atención de Anaquel, S. L., Calle de los Libros 1, Madrid",
                "mail-",
            ),
            (OrderEvent::AwaitingPayment, en, "IBAN ES91 2100 0418 4502 0005 1332", "mail-"),
            (OrderEvent::AwaitingPayment, en, "(ES9121000418450200051332", "mail-"),
            (OrderEvent::AwaitingPayment, en, "the reference 100042", "mail-"),
            (OrderEvent::AwaitingPayment, en, "Please transfer €83.75 to Anaquel", "mail-"),
            (OrderEvent::Rejected, en, "2 × Niebla\n", "Total"),
            (OrderEvent::Rejected, en, "nothing to pay", "withdraw"),
            (OrderEvent::Withdrawn, en, "On 3 March 2026, 04:05\u{a0}UTC you declared", "14 days from receiving"),
            (OrderEvent::Withdrawn, es, "del contrato del pedido 100042", "no es una factura"),
        ] {
            let text = mail(event, language).text;
            assert!(text.contains(there), "{event:?}, {there:?}: {text}");
            assert!(!text.contains(not_there), "{event:?}, {not_there:?}: {text}");
        }
    }

    #[test]
    fn nothing_in_a_mail_that_the_buyer_typed_is_a_link() {
        let lines = |text: &str| Address {
            name: text.to_owned(),
            street: vec![text.to_owned(), "C/ Mayor 1".to_owned()],
            postal_code: Some("28013".to_owned()),
            place: text.to_owned(),
            region: Some(text.to_owned()),
            country: Country::SPAIN,
        };
        for text in [
            "evil.example",
            "https://evil.example/login",
            "www.evil.example",
            "t.co",
            "evil。example",
            "ana@evil.example",
            "mailto:ana@evil",
            "Llame al 900 123 123",
            "Llame al +34900123123",
        ] {
            let name = DisplayName::try_from(text.to_owned()).unwrap();
            let contact = order("es").contact.map(|contact| Contact { name, ..contact });
            for event in OrderEvent::ALL {
                let note = shared::domain::OrderNote::stored(text).ok();
                let order = Order { address: Some(lines(text)), contact: contact.clone(), note, ..order("es") };
                let mail = about_order(event, time_of(event), &order, None, &Shop::parse(SHOP).unwrap(), None).text;
                assert!(!mail.contains(text), "{event:?}: {mail}");
                for part in text.split(' ').filter(|part| part.contains(['.', '@', ':'])) {
                    assert!(!mail.contains(part), "{event:?}, {part}: {mail}");
                }
            }
        }
        let mail = mail(OrderEvent::Confirmed, "es").text;
        assert!(mail.contains("Ana Ruiz, Calle Mayor 1, 28013 Madrid"), "ordinary text is as it was typed: {mail}");
    }

    /// Lines and amounts of a mail that has to add up.
    fn sums(text: &str) -> (u32, u32) {
        let amount = |line: &str| {
            let digits: String = line.rsplit('€').next().unwrap().chars().filter(char::is_ascii_digit).collect();
            digits.parse::<u32>().unwrap()
        };
        let sum = |parts: &[&str]| {
            let is_priced = |line: &&str| line.contains('€') && parts.iter().any(|part| line.contains(part));
            text.lines().filter(is_priced).map(amount).sum()
        };
        (sum(&[" × ", "Delivery: "]), sum(&["Total"]))
    }

    #[test]
    fn the_lines_of_a_mail_add_up_and_what_was_paid_is_paid_back() {
        use OrderEvent::{Cancelled, Expired, PartCancelled, PartReturned, Ready, Returned, Shipped, Withdrawn};
        let paid = Some(datetime!(2026-01-03 03:04 UTC));
        let shop = Shop::parse(SHOP).unwrap();
        let transfer = Payment::BankTransfer;
        let later = AT + Duration::HOUR;
        // Copies of two lines that were cancelled, and that came back; those of the event itself, and others before or after.
        for (event, payment, paid_at, cancelled, returned, there, not_there) in [
            (Shipped, transfer, paid, (AT, [0, 0]), [0, 0], "Total including VAT: €83.75", "0 ×"),
            (Shipped, transfer, paid, (BEFORE, [2, 0]), [0, 0], "2 × Niebla", "Quijote"),
            (Ready, transfer, paid, (later, [2, 2]), [0, 0], "2 × Niebla: €39.90", "0 ×"),
            (Returned, transfer, paid, (AT, [0, 0]), [2, 2], "We pay you back €83.75", "in total"),
            (Returned, transfer, paid, (BEFORE, [1, 0]), [1, 2], "We pay you back €63.80", "0 ×"),
            (Returned, transfer, paid, (BEFORE, [1, 0]), [1, 2], "it is €83.75 in total", "0 ×"),
            (
                Returned,
                Payment::OnDelivery,
                None,
                (AT, [0, 0]),
                [2, 2],
                "If you have paid, we pay you back €83.75",
                "0 ×",
            ),
            (
                PartReturned,
                transfer,
                paid,
                (AT, [0, 0]),
                [0, 1],
                "We pay you back €19.95 for “Niebla” (1 copy)",
                "Quijote",
            ),
            (
                PartCancelled,
                transfer,
                paid,
                (AT, [0, 1]),
                [0, 0],
                "We pay you back €19.95 for “Niebla” (1 copy)",
                "0 ×",
            ),
            (PartCancelled, Payment::OnCollection, None, (AT, [0, 2]), [0, 0], "2 × Don", "back"),
            (Cancelled, transfer, paid, (AT, [2, 2]), [0, 0], "We pay back everything that you paid: €83.75", "Total"),
            (Cancelled, transfer, paid, (AT, [2, 2]), [0, 0], "to the account from which you paid", "in total"),
            (Cancelled, transfer, None, (AT, [2, 2]), [0, 0], "when it arrives", "everything that you paid"),
            (Cancelled, Payment::OnCollection, None, (AT, [2, 2]), [0, 0], "nothing to pay", "back"),
            (Expired, Payment::OnCollection, None, (AT, [2, 2]), [0, 0], "2 × Niebla", "back"),
            (Withdrawn, transfer, paid, (AT, [0, 0]), [0, 0], "whichever is earlier", "0 ×"),
            (Withdrawn, Payment::OnCollection, None, (AT, [0, 0]), [0, 0], "You pay for sending", "everything that"),
        ] {
            let mut order = Order { payment, paid_at, changes: Vec::new(), ..order("en") };
            order.state = match event {
                Returned => OrderState::Returned,
                Cancelled => OrderState::Cancelled,
                Expired => OrderState::Expired,
                _ => order.state,
            };
            let (cancelled_at, cancelled) = cancelled;
            for (line, (cancelled, returned)) in order.lines.iter_mut().zip(cancelled.into_iter().zip(returned)) {
                (line.cancelled, line.returned) = (cancelled, returned);
                let book = line.book.get();
                let changes = [change(cancelled_at, book, cancelled, false), change(AT, book, returned, true)];
                order.changes.extend(changes.into_iter().filter(|change| change.copies > 0));
            }
            let text = about_order(event, AT, &order, None, &shop, None).text;
            let case = format!("{event:?} {payment:?} {cancelled:?} {returned:?}: {text}");
            assert!(text.contains(there), "{there:?}, {case}");
            assert!(!text.contains(not_there), "{not_there:?}, {case}");
            let (lines, total) = sums(&text);
            assert_eq!(lines, total, "{case}");
        }
    }

    #[test]
    fn each_mail_about_a_refund_names_its_own_amount_and_the_sum_of_all_once_there_is_more_than_one() {
        let shop = Shop::parse(SHOP).unwrap();
        let second = AT + Duration::DAY;
        let mut order = Order { paid_at: Some(PLACED), withdrawn_at: None, ..order("en") };
        order.state = OrderState::Delivered;
        (order.lines[1].cancelled, order.lines[1].returned, order.lines[0].returned) = (0, 1, 2);
        order.changes = vec![change(AT, 8, 1, true), change(second, 7, 2, true)];
        for (at, texts, not_there) in [
            (
                AT,
                &["€19.95 for “Niebla” (1 copy), by 17 March 2026", "1 × Niebla: €19.95\n", "VAT: €19.95"][..],
                "in total",
            ),
            (
                second,
                &["€39.90 for “Don <Quijote>” (2 copies), by 18 March 2026", "it is €59.85 in total", "VAT: €39.90"],
                "Niebla",
            ),
        ] {
            let text = about_order(OrderEvent::PartReturned, at, &order, None, &shop, None).text;
            for there in texts {
                assert!(text.contains(there), "{there}: {text}");
            }
            assert!(!text.contains(not_there), "{not_there}: {text}");
        }
    }

    #[test]
    fn a_mail_about_a_refund_says_by_which_means_the_money_comes_back() {
        let shop = Shop::parse(SHOP).unwrap();
        for (payment, language, way) in [
            (Payment::BankTransfer, "en", "The money goes to the account from which you paid."),
            (Payment::OnDelivery, "en", "please write to us with the number of your account (IBAN)."),
            (Payment::OnDelivery, "es", "escríbenos con el número de tu cuenta (IBAN)."),
            (Payment::OnCollection, "en", "by the means with which you paid in the shop."),
        ] {
            let changes = vec![change(AT, 7, 1, true)];
            let order =
                Order { state: OrderState::Delivered, payment, paid_at: Some(PLACED), changes, ..order(language) };
            let text = about_order(OrderEvent::PartReturned, AT, &order, None, &shop, None).text;
            assert!(text.contains(way), "{payment:?}: {text}");
        }
    }

    #[test]
    fn copies_that_were_cancelled_before_the_payment_are_not_paid_back() {
        let shop = Shop::parse(SHOP).unwrap();
        let paid_at = Some(BEFORE + Duration::DAY);
        let mut order = Order { state: OrderState::Cancelled, paid_at, ..order("en") };
        (order.lines[0].cancelled, order.lines[1].cancelled) = (2, 2);
        order.changes.extend([change(AT, 7, 2, false), change(AT, 8, 1, false)]);
        let text = about_order(OrderEvent::Cancelled, AT, &order, None, &shop, None).text;
        assert!(
            text.contains("everything that you paid: €63.80, by 17 March 2026") && !text.contains("in total"),
            "{text}"
        );
    }

    #[test]
    fn a_mail_that_was_sent_late_describes_its_event_and_not_what_happened_since() {
        let shop = Shop::parse(SHOP).unwrap();
        let history = |states: &[(OrderState, OffsetDateTime)]| {
            states.iter().map(|(state, at)| StateChange { state: *state, at: *at }).collect()
        };
        let mut order = Order {
            state: OrderState::Cancelled,
            paid_at: Some(BEFORE - Duration::DAY),
            history: history(&[
                (OrderState::AwaitingPayment, CONFIRMED),
                (OrderState::Confirmed, BEFORE - Duration::DAY),
                (OrderState::Cancelled, AT),
            ]),
            ..order("en")
        };
        (order.lines[0].cancelled, order.lines[1].cancelled) = (2, 2);
        order.changes.extend([change(AT, 7, 2, false), change(AT, 8, 1, false)]);
        for (event, at, there, not_there) in [
            (OrderEvent::AwaitingPayment, CONFIRMED, "at most 4 days after your transfer arrives", "arrived"),
            (
                OrderEvent::Confirmed,
                BEFORE - Duration::DAY,
                "Your transfer of €83.75 arrived on 31 January 2026.",
                "back €",
            ),
            (
                OrderEvent::Confirmed,
                BEFORE - Duration::DAY,
                "It arrives by 4 February 2026 at the latest.",
                "at most 4",
            ),
            (OrderEvent::PartCancelled, BEFORE, "Total including VAT: €63.80", "0.00"),
            (OrderEvent::PartCancelled, BEFORE, "how it was on 1 February 2026, 10:00", "in total"),
            (OrderEvent::Cancelled, AT, "the rest of what you paid: €63.80", "Total"),
            (OrderEvent::Cancelled, AT, "it is €83.75 in total", "Total"),
        ] {
            let text = about_order(event, at, &order, None, &shop, None).text;
            assert!(text.contains(there), "{event:?}, {there}: {text}");
            assert!(!text.contains(not_there), "{event:?}, {not_there}: {text}");
        }
    }

    #[test]
    fn a_mail_that_the_order_has_overtaken_is_out_of_date_and_one_about_money_never_is() {
        use OrderEvent::{AwaitingPayment, Confirmed, PartCancelled, Ready, Rejected, Shipped};
        for (event, state, is_out_of_date) in [
            (Ready, OrderState::Ready, false),
            (Ready, OrderState::Collected, true),
            (Ready, OrderState::Expired, true),
            (AwaitingPayment, OrderState::AwaitingPayment, false),
            (AwaitingPayment, OrderState::Confirmed, true),
            (AwaitingPayment, OrderState::Expired, true),
            (Confirmed, OrderState::Shipped, false),
            (Confirmed, OrderState::Cancelled, true),
            (Shipped, OrderState::Shipped, false),
            (Shipped, OrderState::Delivered, true),
            (Rejected, OrderState::Rejected, false),
            (PartCancelled, OrderState::Cancelled, false),
            (OrderEvent::Cancelled, OrderState::Cancelled, false),
            (OrderEvent::Withdrawn, OrderState::Returned, false),
        ] {
            let order = Order { state, ..order("en") };
            assert_eq!(super::is_out_of_date(event, &order), is_out_of_date, "{event:?} {state}");
        }
    }

    #[test]
    fn a_rejected_order_is_mailed_with_the_reason_of_each_line_and_what_can_be_done() {
        let shop = Shop::parse(SHOP).unwrap();
        let (lines, limit) = (OrderReason::Lines, OrderReason::TooManyOpen { max: 5 });
        for (rejection, reason, language, there, not_there) in [
            (&lines, LineReason::OutOfStock { left: 0 }, "en", "2 × Niebla\n    Out of stock.", "0 copies"),
            (&lines, LineReason::OutOfStock { left: 1 }, "en", "2 × Niebla\n    Only 1 copy is left.", "page"),
            (&lines, LineReason::PriceAbove { now: euro(2_095) }, "es", "    Ahora cuesta 20,95\u{a0}€.", "página"),
            (&lines, LineReason::NoSuchBook, "en", "to order what is available", "Total"),
            (&limit, LineReason::NoSuchBook, "en", "2 × Niebla", "to order what is available"),
        ] {
            let state = OrderState::Rejected;
            let mut order = Order { state, rejection: Some(rejection.clone()), ..order(language) };
            order.lines[1].reason = Some(reason);
            let text = about_order(OrderEvent::Rejected, AT, &order, None, &shop, None).text;
            assert!(text.contains(there), "{there}: {text}");
            assert!(!text.contains(not_there), "{not_there}: {text}");
        }
    }

    #[test]
    fn a_withdrawal_says_what_to_do_with_the_books_and_what_of_the_money() {
        use OrderState::{Delivered, Shipped};
        let shop = Shop::parse(SHOP).unwrap();
        let (transfer, at_door) = (Payment::BankTransfer, Payment::OnDelivery);
        let paid = Some(PLACED);
        for (state, payment, paid_at, texts, not_there) in [
            (
                Shipped,
                transfer,
                paid,
                &["you can refuse it", "by 17 March 2026", "to the account from which"][..],
                "owe nothing",
            ),
            (
                Shipped,
                at_door,
                None,
                &["you can refuse it", "if you refuse the parcel, you owe nothing", "(IBAN)"],
                "mail-",
            ),
            (Delivered, at_door, paid, &["within 14 days, by 17 March 2026", "everything that you paid"], "refuse"),
        ] {
            let order = Order { state, payment, paid_at, ..order("en") };
            let text = about_order(OrderEvent::Withdrawn, AT, &order, Some(AT), &shop, None).text;
            for there in texts.iter().chain(&["Our address: Anaquel, S. L., Calle de los Libros 1, Madrid."]) {
                assert!(text.contains(there), "{there}: {text}");
            }
            assert!(!text.contains(not_there), "{not_there}: {text}");
        }
    }

    #[test]
    fn the_mail_about_a_parcel_has_the_amount_that_the_carrier_takes() {
        let shop = Shop::parse(SHOP).unwrap();
        for (payment, paid_at, is_due) in [
            (Payment::OnDelivery, None, true),
            (Payment::OnDelivery, Some(PLACED), false),
            (Payment::BankTransfer, Some(PLACED), false),
        ] {
            let history = vec![StateChange { state: OrderState::Confirmed, at: CONFIRMED }];
            let order = Order { payment, paid_at, history, ..order("en") };
            let text = about_order(OrderEvent::Shipped, AT, &order, None, &shop, None).text;
            assert_eq!(text.contains("Please have €63.80 ready for the carrier."), is_due, "{payment:?}: {text}");
            assert!(text.contains("It arrives by 6 January 2026 at the latest."), "{text}");
        }
    }

    #[test]
    fn a_mail_names_the_order_its_day_the_note_and_where_to_write_to() {
        let note = shared::domain::OrderNote::parse("Es un regalo.\nSin el precio.").ok();
        let order = Order { note, ..order("en") };
        let shop = Shop::parse(SHOP).unwrap();
        for event in OrderEvent::ALL {
            let text = about_order(event, time_of(event), &order, None, &shop, Some("https://shop.example")).text;
            assert!(text.contains("Order 100042, placed on 2 January 2026."), "{event:?}: {text}");
            assert!(text.contains("https://shop.example/contact"), "{event:?}: {text}");
            assert_eq!(
                text.contains("Your note:\nEs un regalo.\nSin el precio."),
                is_contract(event),
                "{event:?}: {text}"
            );
        }
    }

    #[test]
    fn a_cancellation_of_the_buyer_is_confirmed_with_its_time_and_that_of_the_shop_is_not() {
        let shop = Shop::parse(SHOP).unwrap();
        let at = Some(datetime!(2026-03-04 05:06 UTC));
        let early = Some(OrderReason::Cancelled);
        for (event, rejection, declared_at, language, there) in [
            (OrderEvent::Cancelled, None, at, "en", "As you asked on 4 March 2026, 05:06\u{a0}UTC, we have cancelled"),
            (
                OrderEvent::Cancelled,
                None,
                at,
                "es",
                "Como pediste el 4 de marzo de 2026, 05:06\u{a0}UTC, hemos cancelado",
            ),
            (OrderEvent::Cancelled, None, None, "en", "We have cancelled your order."),
            (OrderEvent::Rejected, early.clone(), at, "en", "On 4 March 2026, 05:06\u{a0}UTC you cancelled your order"),
            (OrderEvent::Rejected, early, None, "en", "You cancelled your order before"),
            (OrderEvent::Withdrawn, None, at, "en", "On 4 March 2026, 05:06\u{a0}UTC you declared"),
        ] {
            let order = Order { rejection, ..order(language) };
            let text = about_order(event, AT, &order, declared_at, &shop, None).text;
            assert!(text.contains(there), "{event:?}: {text}");
            assert_eq!(text.contains("As you asked"), there.contains("As you asked"), "{text}");
        }
    }

    #[test]
    fn an_order_that_is_collected_names_place_last_day_and_amount() {
        let shop = Shop::parse(SHOP).unwrap();
        let collected = |event, paid_at, expires_at| {
            let payment = Payment::OnCollection;
            let order = Order {
                delivery: Delivery::Collect,
                delivery_price: euro(0),
                address: None,
                payment,
                paid_at,
                expires_at,
                ..order("en")
            };
            about_order(event, AT, &order, None, &shop, None).text
        };
        let day = Some(datetime!(2026-01-09 03:04 UTC));
        for (event, paid_at, expires_at, texts, not_there) in [
            (
                OrderEvent::Ready,
                None,
                day,
                &["Calle de los Libros 1, Madrid, de 10 a 20 h", "until 9 January 2026", "Please bring €59.85"][..],
                "0.00",
            ),
            (OrderEvent::Ready, day, None, &["You have paid already."], "Please bring"),
            (
                OrderEvent::Confirmed,
                None,
                None,
                &[
                    "Collection in the shop: free.",
                    "Place of collection: Calle de los Libros 1",
                    "ready at most 2 days after we confirm the order",
                    "we keep it for 7 days",
                    "Payment: When you collect it, in the shop",
                ],
                "Delivery: ",
            ),
        ] {
            let text = collected(event, paid_at, expires_at);
            for there in texts {
                assert!(text.contains(there), "{event:?}, {there:?}: {text}");
            }
            assert!(!text.contains(not_there), "{event:?}, {not_there:?}: {text}");
        }
    }

    #[test]
    fn a_mail_without_a_link_names_no_page_of_the_order() {
        for event in OrderEvent::ALL {
            for language in ["es", "en"] {
                let text = about_order(event, AT, &order(language), None, &Shop::parse(SHOP).unwrap(), None).text;
                for page in ["página", "page of", "order’s page", "https://"] {
                    assert!(!text.contains(page), "{event:?}, {page}: {text}");
                }
            }
        }
    }
}
