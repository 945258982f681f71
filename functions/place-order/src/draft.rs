//! An order as somebody typed it, in a form or as JSON, and its check. Fields have the names of the API: `contact.email`.

use shared::{
    domain::{
        Address, AddressText, Contact, Country, Delivery, DisplayName, Email, Invalid, OrderNote, Parsed, Payment,
        Phone, Reason, check_no_card_in_email, check_no_link, clean,
    },
    shop::Shop,
};

#[derive(Debug, Default)]
pub struct Draft {
    pub delivery: String,
    pub payment: String,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub address: AddressText,
    pub note: String,
}

/// The checked values of an order, without its lines and prices.
#[derive(Debug, PartialEq)]
pub struct Details {
    pub delivery: Delivery,
    pub payment: Payment,
    pub contact: Contact,
    /// With delivery by parcel only.
    pub address: Option<Address>,
    pub note: Option<OrderNote>,
}

impl Draft {
    /// Checks all values by what the shop offers.
    ///
    /// # Errors
    /// Each unacceptable field.
    pub fn parse(&self, shop: &Shop) -> Result<Details, Vec<Invalid>> {
        let mut invalid = Vec::new();
        let name = noted(&mut invalid, within("contact", self.name()));
        let email = noted(&mut invalid, within("contact", self.email()));
        let phone = noted(&mut invalid, within("contact", optional(&self.phone, Phone::parse)));
        let delivery = noted(&mut invalid, self.delivery(shop));
        let payment = delivery.and_then(|delivery| noted(&mut invalid, self.payment(shop, delivery)));
        let address = match delivery {
            Some(Delivery::Ship) => self.address(shop).map_err(|errors| invalid.extend(errors)).ok(),
            _ => None,
        };
        let note = noted(&mut invalid, optional(&self.note, OrderNote::parse));
        match (name, email, phone, delivery, payment, note) {
            (Some(name), Some(email), Some(phone), Some(delivery), Some(payment), Some(note)) if invalid.is_empty() => {
                Ok(Details { delivery, payment, contact: Contact { name, email, phone }, address, note })
            }
            _ => Err(invalid),
        }
    }

    fn name(&self) -> Parsed<DisplayName> {
        let name = DisplayName::parse(&self.name)?;
        check_no_link("name", name.as_str())?;
        Ok(name)
    }

    /// An address to which Amazon SES can send: it requires ASCII before the `@`
    /// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>).
    fn email(&self) -> Parsed<Email> {
        let email = Email::parse(&self.email)?;
        check_no_card_in_email("email", email.as_str())?;
        let is_served = email.as_str().split('@').next().is_some_and(str::is_ascii);
        if is_served { Ok(email) } else { Err(Invalid::new("email", Reason::NotAnEmail)) }
    }

    fn delivery(&self, shop: &Shop) -> Parsed<Delivery> {
        let offered = shop.deliveries();
        let codes = || offered.iter().map(|delivery| delivery.code()).collect::<Vec<_>>();
        Delivery::parse(&self.delivery)
            .ok()
            .filter(|delivery| offered.contains(delivery))
            .ok_or_else(|| Invalid::new("delivery", Reason::NotOneOf(codes())))
    }

    fn payment(&self, shop: &Shop, delivery: Delivery) -> Parsed<Payment> {
        let accepted = shop.payments_with(delivery);
        let codes = || accepted.iter().map(|payment| payment.code()).collect::<Vec<_>>();
        Payment::parse(&self.payment)
            .ok()
            .filter(|payment| accepted.contains(payment))
            .ok_or_else(|| Invalid::new("payment", Reason::NotOneOf(codes())))
    }

    fn address(&self, shop: &Shop) -> Result<Address, Vec<Invalid>> {
        let within =
            |errors: Vec<Invalid>| errors.into_iter().map(|error| inside("address", error)).collect::<Vec<_>>();
        let address = Address::parse(&self.address).map_err(within)?;
        let served: Vec<&'static str> = shop
            .ship
            .iter()
            .flat_map(|ship| &ship.countries)
            .filter_map(|code| Some(Country::parse(code).ok()?.code()))
            .collect();
        if !served.contains(&address.country.code()) {
            return Err(vec![Invalid::new("address.country", Reason::NotOneOf(served))]);
        }
        if address.is_outside_vat_area() {
            return Err(vec![Invalid::new("address.postal_code", Reason::OutsideVatArea)]);
        }
        Ok(address)
    }
}

/// The value, or a note of what is wrong with it.
pub fn noted<T>(invalid: &mut Vec<Invalid>, parsed: Parsed<T>) -> Option<T> {
    parsed.map_err(|error| invalid.push(error)).ok()
}

fn within<T>(object: &str, parsed: Parsed<T>) -> Parsed<T> {
    parsed.map_err(|error| inside(object, error))
}

fn inside(object: &str, error: Invalid) -> Invalid {
    Invalid { field: format!("{object}.{}", error.field), ..error }
}

/// A text without content counts as not given.
fn optional<T>(text: &str, parse: impl Fn(&str) -> Parsed<T>) -> Parsed<Option<T>> {
    if clean(text).is_empty() { Ok(None) } else { parse(text).map(Some) }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Types a text into a field.
    type Typing = fn(&mut Draft, &str);

    pub fn shop() -> Shop {
        let shop = serde_json::json!({
            "seller": {
                "name": "Anaquel", "tax_id": "B00000000", "address": "Calle Mayor 1", "email": "tienda@example.org",
                "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle Mayor 1", "ready_in_days": 2, "keep_days": 7 },
            "ship": { "price": 395, "free_from": null, "days": 4, "countries": ["ES", "PT"] },
            "payments": { "on_collection": true, "on_delivery": false,
                "bank_transfer": { "holder": "Anaquel", "iban": "ES9121000418450200051332", "days_to_pay": 5 } },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes",
        });
        Shop::parse(&shop.to_string()).unwrap()
    }

    fn collected() -> Draft {
        Draft {
            delivery: "collect".into(),
            payment: "on_collection".into(),
            name: "Ana".into(),
            email: "ana@example.org".into(),
            ..Draft::default()
        }
    }

    fn shipped() -> Draft {
        let address = AddressText {
            name: "Ana".into(),
            street: vec!["Calle Mayor 1".into()],
            postal_code: "28013".into(),
            place: "Madrid".into(),
            country: "ES".into(),
            ..AddressText::default()
        };
        Draft { delivery: "ship".into(), payment: "bank_transfer".into(), address, ..collected() }
    }

    #[test]
    fn what_is_typed_is_needed_by_the_delivery_that_is_chosen() {
        let details = collected().parse(&shop()).unwrap();
        assert_eq!((details.delivery, details.address, details.note), (Delivery::Collect, None, None));
        let details = shipped().parse(&shop()).unwrap();
        assert_eq!((details.delivery, details.address.unwrap().place), (Delivery::Ship, "Madrid".to_owned()));
        let unused = Draft { address: AddressText { name: "x".repeat(900), ..AddressText::default() }, ..collected() };
        assert_eq!(unused.parse(&shop()).unwrap().address, None, "an address that nobody needs");
    }

    #[test]
    fn a_name_or_a_line_of_an_address_is_no_link_and_postal_habits_pass() {
        let fields: [(&str, Typing); 6] = [
            ("contact.name", |draft, text| draft.name = text.into()),
            ("address.name", |draft, text| draft.address.name = text.into()),
            ("address.street", |draft, text| draft.address.street = vec![text.into()]),
            ("address.street", |draft, text| draft.address.street = vec!["Calle Mayor 1".into(), text.into()]),
            ("address.place", |draft, text| draft.address.place = text.into()),
            ("address.region", |draft, text| draft.address.region = text.into()),
        ];
        let refused = |change: fn(&mut Draft, &str), text: &str| {
            let mut draft = shipped();
            change(&mut draft, text);
            let invalid = draft.parse(&shop()).err().unwrap_or_default();
            invalid.iter().map(|invalid| invalid.field.clone()).collect::<Vec<_>>().join(" ")
        };
        for (field, change) in fields {
            for text in [
                "https://evil.example/login",
                "Confirme en https://evil.example, hoy",
                "HTTP://evil",
                "evil.example",
                "evil.com",
                "evil.example/login",
                "evil.example:8080",
                "entre en evil.example.",
                "(evil.example)",
                "evil．example",
                "evil。example",
                "evil\u{2024}example",
                "evil\u{200b}.\u{ad}com",
                "www.evil",
                "t.co",
                "t.me/x",
                "st.co",
                "a.b.cd",
                "xn--bcher-kva.example",
                "bücher.example",
                "ана.рф",
                "ana@evil.example",
                "ana@evil",
                "mailto:ana",
                "tel:900123123",
                "evil.casa",
                "c.casa",
                "1.es",
            ] {
                assert_eq!(refused(change, text), field, "{text}");
            }
            for text in [
                "C/ Mayor",
                "C/Mayor, 5",
                "C/. Mayor 5",
                "C.Mayor 5",
                "Avda.Constitución, 12",
                "2.ºB",
                "2.º B",
                "3.ª Izq.",
                "3.Dcha",
                "1.izq.",
                "St. Mary's",
                "St.Mary's Road",
                "nº 3.B",
                "n.º 3",
                "Nº.3",
                "Apt.4",
                "Apto.4-B",
                "Esc. A, 3.º-2.ª",
                "Km. 5,2",
                "Km.5.2",
                "Ctra. N-340, km 12.5",
                "P.º de la Castellana, 1",
                "Pza.España 3",
                "Sta.María",
                "Edif.Norte",
                "Anaquel, S.L.",
                "J.R.R. Tolkien",
                "J.R.R.Tolkien",
                "Mª.Carmen",
                "Ana Ruiz",
                "O'Neill",
                "3/4",
                "bloque 2 : 3",
                "Bajo...B",
                "村上春樹",
            ] {
                assert_eq!(refused(change, text), "", "{field}: {text}");
            }
        }
    }

    #[test]
    fn every_unacceptable_value_is_named_at_once() {
        const CARD: &str = "4111 1111 1111 1111";
        const HIDDEN: &str = "4111\u{200b}1111\u{200b}1111\u{200b}1111";
        let no_ship = Shop { ship: None, ..shop() };
        let with_card = |change: fn(&mut Draft)| {
            let mut draft = shipped();
            change(&mut draft);
            draft
        };
        for (draft, shop, expected) in [
            (Draft::default(), shop(), "contact.name contact.email delivery"),
            (
                Draft { delivery: "ship".into(), ..Draft::default() },
                shop(),
                "contact.name contact.email payment address.name address.place address.street address.country",
            ),
            (Draft { email: "ana@".into(), phone: "x".into(), ..collected() }, shop(), "contact.email contact.phone"),
            (Draft { payment: "on_delivery".into(), ..shipped() }, shop(), "payment"),
            (Draft { payment: "on_collection".into(), ..shipped() }, shop(), "payment"),
            (Draft { payment: "card".into(), ..collected() }, shop(), "payment"),
            (Draft { delivery: "drone".into(), ..collected() }, shop(), "delivery"),
            (shipped(), no_ship, "delivery"),
            (with_card(|draft| draft.address.country = "FR".into()), shop(), "address.country"),
            (with_card(|draft| draft.address.postal_code = "35002".into()), shop(), "address.postal_code"),
            (with_card(|draft| draft.name = CARD.into()), shop(), "contact.name"),
            (with_card(|draft| draft.note = CARD.into()), shop(), "note"),
            (with_card(|draft| draft.address.name = CARD.into()), shop(), "address.name"),
            (with_card(|draft| draft.address.street = vec![CARD.into()]), shop(), "address.street"),
            (with_card(|draft| draft.address.place = CARD.into()), shop(), "address.place"),
            (with_card(|draft| draft.address.region = CARD.into()), shop(), "address.region"),
            (with_card(|draft| draft.address.postal_code = CARD.into()), shop(), "address.postal_code"),
            (with_card(|draft| draft.email = format!("{CARD}@example.org")), shop(), "contact.email"),
            (with_card(|draft| draft.phone = CARD.into()), shop(), "contact.phone"),
            (with_card(|draft| draft.phone = "378282246310005".into()), shop(), "contact.phone"),
            (with_card(|draft| draft.email = "4111111111111111@example.org".into()), shop(), "contact.email"),
            (with_card(|draft| draft.name = HIDDEN.into()), shop(), "contact.name"),
            (with_card(|draft| draft.address.name = HIDDEN.into()), shop(), "address.name"),
            (
                with_card(|draft| draft.address.street = vec!["4111 1111".into(), "1111 1111".into()]),
                shop(),
                "address.street",
            ),
        ] {
            let invalid = draft.parse(&shop).unwrap_err();
            let fields: Vec<&str> = invalid.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{draft:?}");
        }
    }
}
