//! Mails about orders, as plain text in the buyer's language. They confirm what was agreed on a durable medium (Directive
//! 2011/83/EU, article 8), so each has the seller, the lines with prices and tax, and the right of withdrawal.

use shared::{
    domain::{Delivery, Money, Order, OrderEvent, OrderLine, OrderReason, Payment, unlinked},
    shop::Shop,
};
use time::OffsetDateTime;

use crate::{Locale, delivery, format, refund};

/// Subject and text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTexts {
    pub subject: String,
    pub text: String,
}

/// The mail about an event of an order. `declared_at` is when the buyer has cancelled it, or withdrawn from its contract; none
/// if nobody but the shop has ended it. `origin` is the shop's address without a slash at its end; without it the mail has no
/// link, and names no page.
pub fn about_order(
    event: OrderEvent,
    order: &Order,
    declared_at: Option<OffsetDateTime>,
    shop: &Shop,
    origin: Option<&str>,
) -> MailTexts {
    let locale = Locale::parse(order.language.as_str()).unwrap_or_default();
    let order = at_event(event, order);
    let link = origin.map(|origin| format!("{origin}/orders/{}", order.id));
    let mail = Mail { locale, order: &order, declared_at, shop, link };
    let sections = [
        mail.greeting(),
        Some(mail.sentence(event)),
        mail.refund(event),
        mail.transfer(event),
        Some(mail.lines(event)),
        mail.collection(event),
        mail.agreed(event),
        mail.link.as_ref().map(|link| locale.text_with("mail-link", [("address", link.as_str().into())])),
        is_sale(event).then(|| mail.withdrawal()),
        is_contract(event).then(|| mail.heading("terms-guarantee")),
        is_contract(event).then(|| mail.heading("terms-complaints")),
        is_sale(event).then(|| locale.text("mail-no-invoice")),
        Some(mail.seller()),
        is_contract(event).then(|| mail.withdrawal_form()),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    let number = order.number.to_string();
    let subject =
        locale.text_with(mail.subject(event), [("number", number.into()), ("shop", shop.seller.name.as_str().into())]);
    MailTexts { subject, text: sections.join("\n\n") + "\n" }
}

/// The order as it was at an event: others may have happened since, and each mail is about its own.
fn at_event(event: OrderEvent, order: &Order) -> Order {
    let is_empty = order.lines.iter().all(|line| line.kept() == 0);
    match event {
        _ if is_contract(event) => order.as_decided(),
        OrderEvent::Ready | OrderEvent::Shipped | OrderEvent::Withdrawn if is_empty => order.as_decided(),
        _ => order.clone(),
    }
}

struct Mail<'a> {
    locale: Locale,
    order: &'a Order,
    declared_at: Option<OffsetDateTime>,
    shop: &'a Shop,
    /// The address of the order's page.
    link: Option<String>,
}

impl Mail<'_> {
    /// None for a name that does not look like one.
    fn greeting(&self) -> Option<String> {
        let name = self.order.contact.as_ref()?.name.greeting()?;
        Some(self.locale.text_with("mail-greeting", [("name", name.into())]))
    }

    /// What happened; of what the buyer has declared, which order and when.
    fn sentence(&self, event: OrderEvent) -> String {
        let at = self.declared_at.or(self.order.withdrawn_at);
        let at = at.map(|at| format::moment(self.locale, at)).unwrap_or_default();
        let arguments = [("number", self.order.number.to_string().into()), ("time", at.into())];
        let key = match event {
            OrderEvent::Rejected if self.was_cancelled(event) && self.declared_at.is_some() => {
                "mail-cancelled-early-at"
            }
            OrderEvent::Rejected if self.was_cancelled(event) => "mail-cancelled-early",
            OrderEvent::Rejected if self.link.is_none() => "mail-rejected-without-page",
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

    /// What the buyer gets back, or when.
    fn refund(&self, event: OrderEvent) -> Option<String> {
        match event {
            OrderEvent::Cancelled | OrderEvent::Expired => refund::of_cancelled(self.locale, self.order),
            OrderEvent::PartCancelled => refund::of_cancelled_copies(self.locale, self.order),
            OrderEvent::Returned | OrderEvent::PartReturned => refund::of_returned(self.locale, self.order),
            OrderEvent::Withdrawn => refund::is_possible(self.order).then(|| self.locale.text("refund-terms")),
            _ => None,
        }
    }

    /// Where to pay; nothing for an order that is paid otherwise.
    fn transfer(&self, event: OrderEvent) -> Option<String> {
        let waits = event == OrderEvent::AwaitingPayment && self.order.payment == Payment::BankTransfer;
        let bank = self.shop.payments.bank_transfer.as_ref().filter(|_| waits)?;
        let arguments = [
            ("holder", bank.holder.as_str().into()),
            ("iban", format::iban_groups(&bank.iban).join(" ").into()),
            ("plain", bank.iban.as_str().into()),
            ("amount", format::price(self.locale, &self.order.charged).into()),
            ("number", self.order.number.to_string().into()),
            ("days", bank.days_to_pay.into()),
        ];
        Some(self.locale.text_with("mail-transfer", arguments))
    }

    /// The lines; of a sale with prices, delivery, total and tax, and of a return with what is paid back.
    fn lines(&self, event: OrderEvent) -> String {
        let is_return = matches!(event, OrderEvent::Returned | OrderEvent::PartReturned);
        let is_priced = !matches!(event, OrderEvent::Rejected | OrderEvent::Cancelled | OrderEvent::Expired);
        let copies = |line: &OrderLine| match event {
            _ if !is_priced => line.quantity,
            _ if is_return => line.returned,
            _ => line.kept(),
        };
        let lines = self.order.lines.iter().map(|line| (line, copies(line))).filter(|(_, copies)| *copies > 0);
        let mut lines: Vec<String> = lines.map(|(line, copies)| self.line(line, copies, is_priced)).collect();
        if event == OrderEvent::Returned {
            lines.push(self.delivery());
        }
        if is_return {
            lines.push(self.amount("mail-total", format::price(self.locale, &refund::returned(self.order))));
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
            self.locale.text_with("mail-collect-until", [("date", format::date(self.locale, until.date()).into())])
        });
        let pay = match self.order.paid_at {
            Some(_) => self.locale.text("mail-collect-paid"),
            None => self.amount("mail-collect-pay", format::price(self.locale, &self.order.charged)),
        };
        Some(place.into_iter().chain(until).chain([pay]).collect::<Vec<_>>().join("\n"))
    }

    /// What was agreed beside the lines: place and time of the delivery, and the payment.
    fn agreed(&self, event: OrderEvent) -> Option<String> {
        if !is_contract(event) {
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
        let keep = self.shop.collect.as_ref().filter(|_| self.order.delivery == Delivery::Collect);
        let keep = keep.filter(|_| self.order.payment == Payment::OnCollection);
        let keep = keep.map(|collect| self.locale.text_with("mail-keep", [("days", collect.keep_days.into())]));
        let payment = self.locale.text(match self.order.payment {
            Payment::OnCollection => "pay-on-collection",
            Payment::OnDelivery => "pay-on-delivery",
            Payment::BankTransfer => "paid-by-transfer",
        });
        let payment = self.locale.text_with("mail-payment", [("payment", payment.into())]);
        Some(place.into_iter().chain(time).chain(keep).chain([payment]).collect::<Vec<_>>().join("\n"))
    }

    /// The right of withdrawal: how, until when, and what follows.
    fn withdrawal(&self) -> String {
        let how = if self.link.is_some() { "mail-withdrawal" } else { "mail-withdrawal-without-page" };
        [how, "withdrawal-return-costs", "refund-terms"].map(|key| self.locale.text(key)).join(" ")
    }

    /// A heading of the terms of sale with its text.
    fn heading(&self, key: &str) -> String {
        format!("{}: {}", self.locale.text(key), self.locale.text(&format!("{key}.text")))
    }

    /// The model form of Directive 2011/83/EU, annex I (B).
    fn withdrawal_form(&self) -> String {
        format!("{}\n{}", self.locale.text("withdrawal-form"), withdrawal_form(self.locale, self.shop))
    }

    /// Who sells, with the tax number, the address and the register.
    fn seller(&self) -> String {
        let seller = &self.shop.seller;
        let lines = [
            seller.name.clone(),
            self.locale.text_with("mail-tax-id", [("id", seller.tax_id.as_str().into())]),
            seller.address.clone(),
            seller.email.as_str().to_owned(),
            seller.phone.clone(),
        ];
        lines.into_iter().chain(seller.register.clone()).collect::<Vec<_>>().join("\n")
    }
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
mod tests {
    use shared::domain::{
        Address, Contact, Country, DisplayName, Email, Language, LineReason, OrderNumber, OrderState, SubmissionKey,
        TaxPart,
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

    fn euro(minor: u32) -> Money {
        Money { minor, currency: "EUR".into() }
    }

    fn order(language: &str) -> Order {
        let key = SubmissionKey::parse("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").unwrap();
        let line = |title: &str, quantity, cancelled, reason| OrderLine {
            book: 7.into(),
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
            rejection: None,
            lines: vec![line("Don <Quijote>", 2, 0, None), line("Niebla", 2, 1, Some(LineReason::NoSuchBook))],
            delivery: Delivery::Ship,
            delivery_price: euro(395),
            delivery_tax_rate: 2_100,
            total: euro(8_375),
            charged: euro(6_380),
            taxes: TaxPart::by_rate([(5_985, 400), (395, 2_100)], "EUR"),
            payment: Payment::BankTransfer,
            paid_at: None,
            expires_at: None,
            withdrawn_at: Some(datetime!(2026-03-03 04:05 UTC)),
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
            placed_at: datetime!(2026-01-02 03:04 UTC),
            repeated_at: None,
        }
    }

    fn mail(event: OrderEvent, language: &str) -> MailTexts {
        about_order(event, &order(language), None, &Shop::parse(SHOP).unwrap(), Some("https://shop.example"))
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
            let order = Order { rejection: Some(rejection.clone()), ..order(language) };
            let mail = about_order(OrderEvent::Rejected, &order, None, &shop, None);
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
            (OrderEvent::Confirmed, en, "within 4 days at most of the arrival of your transfer", "mail-"),
            (OrderEvent::Confirmed, es, "en 4 días como mucho desde que nos llega tu transferencia", "mail-"),
            (OrderEvent::Confirmed, en, "Payment: By bank transfer", "mail-"),
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
                let order = Order { address: Some(lines(text)), contact: contact.clone(), ..order("es") };
                let mail = about_order(event, &order, None, &Shop::parse(SHOP).unwrap(), None).text;
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
        // Copies of two lines that were cancelled, and that came back.
        for (event, payment, paid_at, cancelled, returned, charged, there, not_there) in [
            (Shipped, transfer, paid, [0, 0], [0, 0], 8_375, "Total including VAT: €83.75", "0 ×"),
            (Shipped, transfer, paid, [2, 0], [0, 0], 4_385, "2 × Niebla", "Quijote"),
            (Ready, transfer, paid, [2, 2], [0, 0], 0, "2 × Niebla: €39.90", "0 ×"),
            (Returned, transfer, paid, [0, 0], [2, 2], 0, "We pay you back €83.75", "0 ×"),
            (Returned, transfer, paid, [1, 0], [1, 2], 0, "We pay you back €63.80", "0 ×"),
            (Returned, Payment::OnDelivery, None, [0, 0], [2, 2], 0, "If you have paid, we pay you back €83.75", "0 ×"),
            (PartReturned, transfer, paid, [0, 0], [0, 1], 6_380, "We pay you back €19.95", "Quijote"),
            (PartCancelled, transfer, paid, [0, 1], [0, 0], 6_380, "We pay you back €19.95", "0 ×"),
            (PartCancelled, Payment::OnCollection, None, [0, 2], [0, 0], 4_385, "2 × Don", "back"),
            (Cancelled, transfer, paid, [2, 2], [0, 0], 0, "We pay back everything that you paid", "€"),
            (Cancelled, transfer, None, [2, 2], [0, 0], 0, "when it arrives", "everything that you paid"),
            (Cancelled, Payment::OnCollection, None, [2, 2], [0, 0], 0, "nothing to pay", "back"),
            (Expired, Payment::OnCollection, None, [2, 2], [0, 0], 0, "2 × Niebla", "back"),
            (Withdrawn, transfer, paid, [0, 0], [0, 0], 8_375, "whichever is earlier", "0 ×"),
            (Withdrawn, Payment::OnCollection, None, [0, 0], [0, 0], 8_375, "You pay for sending", "everything that"),
        ] {
            let mut order = Order { payment, paid_at, charged: euro(charged), ..order("en") };
            order.state = match event {
                Returned => OrderState::Returned,
                _ => order.state,
            };
            for (line, (cancelled, returned)) in order.lines.iter_mut().zip(cancelled.into_iter().zip(returned)) {
                (line.cancelled, line.returned) = (cancelled, returned);
            }
            let text = about_order(event, &order, None, &shop, None).text;
            let case = format!("{event:?} {payment:?} {cancelled:?} {returned:?}: {text}");
            assert!(text.contains(there), "{there:?}, {case}");
            assert!(!text.contains(not_there), "{not_there:?}, {case}");
            let (lines, total) = sums(&text);
            assert_eq!(lines, total, "{case}");
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
            let text = about_order(event, &order, declared_at, &shop, None).text;
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
            about_order(event, &order, None, &shop, None).text
        };
        let day = Some(datetime!(2026-01-09 03:04 UTC));
        for (event, paid_at, expires_at, texts, not_there) in [
            (
                OrderEvent::Ready,
                None,
                day,
                &["Calle de los Libros 1, Madrid, de 10 a 20 h", "until 9 January 2026", "Please bring €63.80"][..],
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
                    "ready within 2 days at most of our confirmation",
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
                let text = about_order(event, &order(language), None, &Shop::parse(SHOP).unwrap(), None).text;
                for page in ["página", "page of", "order’s page", "https://"] {
                    assert!(!text.contains(page), "{event:?}, {page}: {text}");
                }
            }
        }
    }
}
