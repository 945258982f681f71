//! Mails about orders, as plain text in the buyer's language. They confirm what was agreed on a durable medium (Directive
//! 2011/83/EU, article 8), so each has the seller, the lines with prices and tax, and the right of withdrawal.

use shared::{
    domain::{Money, Order, OrderEvent, OrderLine, OrderReason, Payment},
    shop::Shop,
};

use crate::{Locale, format};

/// Subject and text of a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailTexts {
    pub subject: String,
    pub text: String,
}

/// The mail about an event of an order. `origin` is the shop's address without a slash at its end; without it the mail has
/// no link.
pub fn about_order(event: OrderEvent, order: &Order, shop: &Shop, origin: Option<&str>) -> MailTexts {
    let locale = Locale::parse(order.language.as_str()).unwrap_or_default();
    // Others may have happened since: each mail is about its own event.
    let is_decision = matches!(event, OrderEvent::Confirmed | OrderEvent::AwaitingPayment);
    let decided = is_decision.then(|| order.as_decided());
    let mail = Mail { locale, order: decided.as_ref().unwrap_or(order), shop };
    let sections = [
        mail.greeting(),
        Some(mail.sentence(event)),
        mail.transfer(event),
        Some(mail.lines(event)),
        origin
            .map(|origin| locale.text_with("mail-link", [("address", format!("{origin}/orders/{}", order.id).into())])),
        is_sale(event).then(|| locale.text("mail-withdrawal")),
        is_sale(event).then(|| locale.text("mail-no-invoice")),
        Some(mail.seller()),
    ];
    let sections: Vec<String> = sections.into_iter().flatten().collect();
    let number = order.number.to_string();
    let subject =
        locale.text_with(mail.subject(event), [("number", number.into()), ("shop", shop.seller.name.as_str().into())]);
    MailTexts { subject, text: sections.join("\n\n") + "\n" }
}

struct Mail<'a> {
    locale: Locale,
    order: &'a Order,
    shop: &'a Shop,
}

impl Mail<'_> {
    /// None for a name that does not look like one.
    fn greeting(&self) -> Option<String> {
        let name = self.order.contact.as_ref()?.name.greeting()?;
        Some(self.locale.text_with("mail-greeting", [("name", name.into())]))
    }

    /// What happened; of a withdrawal, which order and when.
    fn sentence(&self, event: OrderEvent) -> String {
        let at = self.order.withdrawn_at.map(|at| format::moment(self.locale, at)).unwrap_or_default();
        let arguments = [("number", self.order.number.to_string().into()), ("time", at.into())];
        let key = if self.was_cancelled(event) { "mail-cancelled-early" } else { sentence(event) };
        self.locale.text_with(key, arguments)
    }

    fn subject(&self, event: OrderEvent) -> &'static str {
        subject(if self.was_cancelled(event) { OrderEvent::Cancelled } else { event })
    }

    /// Whether the buyer cancelled the order before it was decided, so that nobody has refused it.
    fn was_cancelled(&self, event: OrderEvent) -> bool {
        event == OrderEvent::Rejected && self.order.rejection == Some(OrderReason::Cancelled)
    }

    /// Where to pay; nothing for an order that is paid otherwise.
    fn transfer(&self, event: OrderEvent) -> Option<String> {
        let waits = event == OrderEvent::AwaitingPayment && self.order.payment == Payment::BankTransfer;
        let bank = self.shop.payments.bank_transfer.as_ref().filter(|_| waits)?;
        let arguments = [
            ("holder", bank.holder.as_str().into()),
            ("iban", bank.iban.as_str().into()),
            ("amount", format::price(self.locale, &self.order.charged).into()),
            ("number", self.order.number.to_string().into()),
            ("days", bank.days_to_pay.into()),
        ];
        Some(self.locale.text_with("mail-transfer", arguments))
    }

    /// The lines; of a sale with prices, delivery, total and tax.
    fn lines(&self, event: OrderEvent) -> String {
        let mut lines: Vec<String> = self.order.lines.iter().map(|line| self.line(line, event)).collect();
        if event != OrderEvent::Rejected {
            lines.push(self.amount("mail-delivery", format::price(self.locale, &self.order.delivery_price)));
            lines.push(self.amount("mail-total", format::price(self.locale, &self.order.charged)));
            for part in &self.order.taxes {
                let rate = format::percent(self.locale, part.rate);
                let tax = format::price(self.locale, &part.tax);
                lines.push(self.locale.text_with("mail-tax", [("rate", rate.into()), ("amount", tax.into())]));
            }
        }
        lines.join("\n")
    }

    fn line(&self, line: &OrderLine, event: OrderEvent) -> String {
        let copies = if event == OrderEvent::Rejected { line.quantity } else { line.kept() };
        let title = format!("{copies} × {}", line.title);
        match &line.unit_price {
            Some(price) if event != OrderEvent::Rejected => {
                let minor = price.minor.saturating_mul(copies.into());
                let amount = Money { minor, currency: price.currency.clone() };
                format!("{title}: {}", format::price(self.locale, &amount))
            }
            _ => title,
        }
    }

    fn amount(&self, key: &str, amount: String) -> String {
        self.locale.text_with(key, [("amount", amount.into())])
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

/// Whether the mail is about a contract that stands.
fn is_sale(event: OrderEvent) -> bool {
    use OrderEvent::{AwaitingPayment, Confirmed, Ready, Shipped};
    matches!(event, AwaitingPayment | Confirmed | Ready | Shipped)
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
        Contact, Delivery, DisplayName, Email, Language, LineReason, Money, OrderNumber, OrderState, SubmissionKey,
        TaxPart,
    };
    use time::macros::datetime;

    use super::*;

    const SHOP: &str = r#"{
        "seller": { "name": "Anaquel, S. L.", "tax_id": "B00000000", "address": "Calle de los Libros 1, Madrid",
            "email": "tienda@example.org", "phone": "+34 910 000 000", "register": "Registro Mercantil, hoja 1" },
        "currency": "EUR", "tax_rates": { "books": 400, "delivery": 2100 }, "collect": null,
        "ship": { "price": 395, "free_from": null, "days": 4, "countries": ["ES"] },
        "payments": { "on_collection": false, "on_delivery": true,
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
            address: None,
            note: None,
            language: Language::parse(language).unwrap(),
            placed_at: datetime!(2026-01-02 03:04 UTC),
            repeated_at: None,
        }
    }

    fn mail(event: OrderEvent, language: &str) -> MailTexts {
        about_order(event, &order(language), &Shop::parse(SHOP).unwrap(), Some("https://shop.example"))
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
            (OrderReason::Lines, "en", "We could not accept your order 100042", "order what is available"),
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
            let mail = about_order(OrderEvent::Rejected, &order, &shop, None);
            assert!(mail.subject.starts_with(subject), "{rejection:?}: {}", mail.subject);
            assert!(mail.text.contains(text), "{rejection:?}: {}", mail.text);
            assert!(!mail.text.contains("Total"), "{rejection:?}: {}", mail.text);
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
            (OrderEvent::Confirmed, en, "not an invoice", "IBAN"),
            (OrderEvent::AwaitingPayment, en, "IBAN ES9121000418450200051332, with the reference 100042", "mail-"),
            (OrderEvent::AwaitingPayment, en, "Please transfer €83.75 to Anaquel", "mail-"),
            (OrderEvent::Rejected, en, "2 × Niebla\n", "Total"),
            (OrderEvent::Rejected, en, "nothing to pay", "withdraw"),
            (OrderEvent::Cancelled, en, "pay you back within 14 days", "invoice"),
            (OrderEvent::Withdrawn, en, "On 3 March 2026, 04:05\u{a0}UTC you declared", "14 days from receiving"),
            (OrderEvent::Withdrawn, es, "del contrato del pedido 100042", "no es una factura"),
        ] {
            let text = mail(event, language).text;
            assert!(text.contains(there), "{event:?}, {there:?}: {text}");
            assert!(!text.contains(not_there), "{event:?}, {not_there:?}: {text}");
        }
    }
}
