//! `POST /api/orders` and `POST /api/orders/{id}/cancel`

use frontend::Locale;
use serde_json::Value;
use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::OrderReceipt,
    domain::{
        Address, AddressText, BookId, Delivery, Email, Fingerprint, Invalid, Language, MAX_LINES, Money, OrderState,
        Parsed, Payment, Quantity, Reason,
    },
    intake::program_key,
    messages::{AskedBy, OrderLineV1, OrderV1},
    shop::Shop,
};
use time::OffsetDateTime;

use super::{
    draft::{Details, Draft, noted},
    page::order_in,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segments().len() {
        2 => place(app, request).await,
        4 => cancel(app, request).await,
        _ => Err(ApiError::NotFound),
    }
}

const MEMBERS: [&str; 8] = ["lines", "delivery", "payment", "contact", "address", "note", "language", "total"];
const IN_CONTACT: [&str; 3] = ["name", "email", "phone"];
const IN_ADDRESS: [&str; 6] = ["name", "street", "postal_code", "place", "region", "country"];

/// Seconds until an order is usually decided.
const SOON: u32 = 1;

async fn place(app: &App, request: &Request) -> Result<Reply> {
    let repeated = program_key(request)?;
    let body = request.json(&MEMBERS)?;
    let asked = Asked::parse(body, super::seller()?)?;
    let key = app.submission_key().await?;
    let now = OffsetDateTime::now_utc();
    let (buyer, id) = super::buyer(&key, request, &repeated, &asked.content(), now);
    let order = OrderV1 {
        order: id,
        visitor: buyer.visitor(),
        customer: super::signed_in(app, request).await?,
        delivery_price_seen: asked.delivery_price(),
        lines: asked.lines,
        delivery: asked.details.delivery,
        payment: asked.details.payment,
        total_seen: asked.total,
        contact: asked.details.contact,
        address: asked.details.address,
        note: asked.details.note,
        language: asked.language,
        fingerprint: Fingerprint::of(&[]),
    };
    super::place(app, request, order, now).await?;
    let receipt = OrderReceipt { id, status: OrderState::Received, href: format!("/api/orders/{id}") };
    let reply = Reply::accepted(&receipt.href, &receipt)?.with_outcome_in(SOON);
    Ok(reply.remember(&key.write_cookie(&buyer)))
}

async fn cancel(app: &App, request: &Request) -> Result<Reply> {
    let key = app.submission_key().await?;
    let id = order_in(&key, request, 2)?;
    let known = request.cookie(Request::VISITOR_COOKIE);
    let known = known.and_then(|value| key.read_cookie(value, OffsetDateTime::now_utc()));
    let asked_by = if let Some(email) = email(request)? {
        AskedBy::Email(email)
    } else {
        let buyer = super::known_buyer(app, request, known).await?;
        buyer.ok_or_else(|| ApiError::Unprocessable(vec![Invalid::new("email", Reason::Blank)]))?
    };
    super::cancel(app, request, id, asked_by).await?;
    let receipt = OrderReceipt { id, status: OrderState::Received, href: format!("/api/orders/{id}") };
    Ok(Reply::accepted(&receipt.href, &receipt)?.with_outcome_in(SOON))
}

/// The address in the body of a cancellation. Who has the cookie need not send a body.
fn email(request: &Request) -> Result<Option<Email>> {
    if request.body().is_empty() {
        return Ok(None);
    }
    let (mut body, mut invalid) = request.json(&["email"])?;
    let text = JsonObject::text("email", body.take("email").as_ref());
    let email = noted(&mut invalid, text.and_then(|text| text.as_deref().map(Email::parse).transpose()));
    if invalid.is_empty() { Ok(email.flatten()) } else { Err(ApiError::Unprocessable(invalid)) }
}

/// An order as a program sends it.
#[derive(Debug)]
struct Asked {
    details: Details,
    lines: Vec<OrderLineV1>,
    total: Money,
    language: Language,
}

impl Asked {
    /// Reads the members. Values that the form has as well are checked with it.
    ///
    /// # Errors
    /// Each unacceptable value.
    fn parse((mut body, mut invalid): (JsonObject, Vec<Invalid>), shop: &Shop) -> Result<Self> {
        let lines = lines(body.take("lines"), shop, &mut invalid);
        let total = money(body.take("total"), "total", shop, &mut invalid);
        let language = noted(&mut invalid, language(body.take("language").as_ref()));
        let details = details(&mut body, shop, &mut invalid);
        if let (Some(lines), Some(total)) = (&lines, &total)
            && u64::from(total.minor) < sum(lines)
        {
            let reason = format!("has {} minor units; the lines alone have {}", total.minor, sum(lines));
            invalid.push(Invalid::other("total", reason));
        }
        match (details, lines, total, language) {
            (Some(details), Some(lines), Some(total), Some(language)) if invalid.is_empty() => {
                Ok(Self { details, lines, total, language })
            }
            _ => Err(ApiError::Unprocessable(invalid)),
        }
    }

    /// What a retry repeats, however it is written.
    fn content(&self) -> Vec<u8> {
        let Details { delivery, payment, contact, address, note } = &self.details;
        let content = (&self.lines, delivery, payment, contact, address, note, &self.language, &self.total);
        serde_json::to_vec(&content).expect("an order is JSON")
    }

    /// The part of the total that is not of the lines.
    fn delivery_price(&self) -> Money {
        let minor = u64::from(self.total.minor).saturating_sub(sum(&self.lines));
        Money { minor: u32::try_from(minor).unwrap_or(u32::MAX), currency: self.total.currency.clone() }
    }
}

/// Of the lines, in minor units.
fn sum(lines: &[OrderLineV1]) -> u64 {
    lines.iter().map(|line| u64::from(line.quantity.get()) * u64::from(line.unit_price_seen.minor)).sum()
}

/// What the form has as well.
fn details(body: &mut JsonObject, shop: &Shop, invalid: &mut Vec<Invalid>) -> Option<Details> {
    let mut unreadable = Vec::new();
    let contact = object(body.take("contact"), "contact", &IN_CONTACT, &mut unreadable);
    let address = object(body.take("address"), "address", &IN_ADDRESS, &mut unreadable);
    let has_address = address.is_some();
    let (mut contact, mut address) = (contact.unwrap_or_default(), address.unwrap_or_default());
    let mut text = |object: &mut JsonObject, place: &str, name: &str| {
        let text = JsonObject::text(&format!("{place}{name}"), object.take(name).as_ref());
        noted(&mut unreadable, text).flatten().unwrap_or_default()
    };
    let draft = Draft {
        delivery: text(body, "", "delivery"),
        payment: text(body, "", "payment"),
        note: text(body, "", "note"),
        name: text(&mut contact, "contact.", "name"),
        email: text(&mut contact, "contact.", "email"),
        phone: text(&mut contact, "contact.", "phone"),
        address: AddressText {
            name: text(&mut address, "address.", "name"),
            postal_code: text(&mut address, "address.", "postal_code"),
            place: text(&mut address, "address.", "place"),
            region: text(&mut address, "address.", "region"),
            country: text(&mut address, "address.", "country"),
            street: Vec::new(),
        },
    };
    let street = noted(&mut unreadable, street(address.take("street"))).unwrap_or_default();
    let draft = Draft { address: AddressText { street, ..draft.address }, ..draft };

    let (details, mut unacceptable) = match draft.parse(shop) {
        Ok(details) => (Some(details), Vec::new()),
        Err(errors) => (None, errors),
    };
    let delivery = Delivery::parse(&draft.delivery).ok().filter(|delivery| shop.deliveries().contains(delivery));
    // A form shows the payments and the fields of the delivery that is chosen; a program has sent these values on purpose.
    if delivery.is_none() {
        unacceptable.extend(accepted_payment(&draft.payment, shop).err());
    }
    if has_address && delivery != Some(Delivery::Ship) {
        let errors = Address::parse(&draft.address).err().unwrap_or_default();
        unacceptable
            .extend(errors.into_iter().map(|error| Invalid { field: format!("address.{}", error.field), ..error }));
    }
    // A value of another type counts as blank there, and is named once.
    let is_within = |field: &str, object: &str| {
        field.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let is_named = |field: &str| {
        let mut named = unreadable.iter().map(|known| known.field.as_str());
        named.any(|known| is_within(field, known) || is_within(known, field))
    };
    unacceptable.retain(|error| !is_named(&error.field));
    invalid.extend(unreadable);
    invalid.extend(unacceptable);
    details
}

/// A payment that the shop accepts with some delivery.
fn accepted_payment(code: &str, shop: &Shop) -> Parsed<Payment> {
    let accepted = shop.accepted_payments();
    let codes = || accepted.iter().map(|payment| payment.code()).collect();
    let payment = Payment::parse(code).ok().filter(|payment| accepted.contains(payment));
    payment.ok_or_else(|| Invalid::new("payment", Reason::NotOneOf(codes())))
}

/// The members of an object inside the body; none for one that is left out or is no object.
fn object(value: Option<Value>, place: &str, known: &[&str], invalid: &mut Vec<Invalid>) -> Option<JsonObject> {
    match value? {
        Value::Object(members) => Some(JsonObject::within(place, members, known, invalid)),
        other => {
            let reason = format!("must be an object, and is {}", JsonObject::shown(&other));
            invalid.push(Invalid::other(place, reason));
            None
        }
    }
}

fn street(value: Option<Value>) -> Parsed<Vec<String>> {
    const FIELD: &str = "address.street";
    let lines = match value {
        None => return Ok(Vec::new()),
        Some(Value::Array(lines)) => lines,
        Some(other) => {
            let reason = format!("must be an array of strings, and is {}", JsonObject::shown(&other));
            return Err(Invalid::other(FIELD, reason));
        }
    };
    if lines.len() > Address::MAX_STREET_LINES {
        let reason = format!("has {} lines; at most {} fit on a label", lines.len(), Address::MAX_STREET_LINES);
        return Err(Invalid::other(FIELD, reason));
    }
    let line = |(at, line): (usize, Value)| match line {
        Value::String(text) => Ok(text),
        other => {
            let reason = format!("must be a string, and is {}", JsonObject::shown(&other));
            Err(Invalid::other(format!("{FIELD}.{at}"), reason))
        }
    };
    lines.into_iter().enumerate().map(line).collect()
}

/// A language that pages and mails have; Spanish if none is asked for.
fn language(value: Option<&Value>) -> Parsed<Language> {
    let locale = JsonObject::text("language", value)?.map(|tag| Locale::served("language", &tag)).transpose()?;
    Language::parse(locale.unwrap_or_default().tag())
}

/// An amount in the shop's currency.
fn money(value: Option<Value>, place: &str, shop: &Shop, invalid: &mut Vec<Invalid>) -> Option<Money> {
    let Some(Value::Object(members)) = value else {
        let given = value.as_ref().map(|value| format!(", and is {}", JsonObject::shown(value))).unwrap_or_default();
        let example = format!(r#"must be an amount such as {{"minor": 1995, "currency": "{}"}}{given}"#, shop.currency);
        invalid.push(Invalid::other(place, example));
        return None;
    };
    let mut members = JsonObject::within(place, members, &["minor", "currency"], invalid);
    let minor = noted(invalid, number(members.take("minor"), &format!("{place}.minor"), 0, u32::MAX));
    let currency = members.take("currency");
    if currency.as_ref().and_then(Value::as_str) != Some(&shop.currency) {
        let given =
            currency.map_or_else(|| "is missing".to_owned(), |value| format!("is {}", JsonObject::shown(&value)));
        let reason = format!("must be {}, the currency of the shop, and {given}", shop.currency);
        invalid.push(Invalid::other(format!("{place}.currency"), reason));
        return None;
    }
    minor.map(|minor| shop.money(minor))
}

/// A whole number within bounds.
fn number(value: Option<Value>, place: &str, min: u32, max: u32) -> Parsed<u32> {
    let number = value.as_ref().and_then(JsonObject::whole).and_then(|number| u32::try_from(number).ok());
    match (number.filter(|number| (min..=max).contains(number)), value) {
        (Some(number), _) => Ok(number),
        (None, Some(value)) => {
            let value = JsonObject::shown(&value);
            Err(Invalid::new(place, Reason::OutOfRange { min, max, value }))
        }
        (None, None) => Err(Invalid::new(place, Reason::NotInRange { min, max })),
    }
}

/// The lines, each of another book; none if one of them is unacceptable.
fn lines(value: Option<Value>, shop: &Shop, invalid: &mut Vec<Invalid>) -> Option<Vec<OrderLineV1>> {
    let Some(Value::Array(values)) = value else {
        let given = value.as_ref().map(|value| format!(", and is {}", JsonObject::shown(value))).unwrap_or_default();
        let reason = format!("must be an array of objects with book, quantity and unit_price{given}");
        invalid.push(Invalid::other("lines", reason));
        return None;
    };
    if !(1..=MAX_LINES).contains(&values.len()) {
        let reason = format!("has {} lines; an order has 1 to {MAX_LINES}", values.len());
        invalid.push(Invalid::other("lines", reason));
        return None;
    }
    let mut books = Vec::new();
    let read = values.into_iter().enumerate().map(|(at, value)| line(at, value, shop, &mut books, invalid));
    // All of them, so that each is checked.
    read.collect::<Vec<_>>().into_iter().collect()
}

/// A line whose book is none of `books`, to which it is added.
fn line(at: usize, value: Value, shop: &Shop, books: &mut Vec<u32>, invalid: &mut Vec<Invalid>) -> Option<OrderLineV1> {
    let field = |name: &str| format!("lines.{at}.{name}");
    let mut members = object(Some(value), &format!("lines.{at}"), &["book", "quantity", "unit_price"], invalid)?;
    let book = noted(invalid, number(members.take("book"), &field("book"), 1, u32::MAX));
    if book.is_some_and(|book| books.contains(&book)) {
        invalid.push(Invalid::other(field("book"), "is in an earlier line; add the quantities"));
    }
    books.extend(book);
    let quantity = number(members.take("quantity"), &field("quantity"), 1, Quantity::MAX.into());
    let quantity = noted(invalid, quantity.and_then(|quantity| Quantity::parse(quantity.into())));
    let unit_price_seen = money(members.take("unit_price"), &field("unit_price"), shop, invalid);
    Some(OrderLineV1 { book: BookId::from(book?), quantity: quantity?, unit_price_seen: unit_price_seen? })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::draft::tests::shop;

    fn order() -> Value {
        json!({
            "lines": [
                { "book": 53, "quantity": 2, "unit_price": { "minor": 1995, "currency": "EUR" } },
                { "book": 7, "quantity": 1, "unit_price": { "minor": 950, "currency": "EUR" } },
            ],
            "delivery": "ship",
            "payment": "bank_transfer",
            "contact": { "name": "Ana", "email": "ana@example.org", "phone": null },
            "address": { "name": "Ana", "street": ["Calle Mayor 1"], "postal_code": "28013", "place": "Madrid", "country": "ES" },
            "total": { "minor": 5335, "currency": "EUR" },
        })
    }

    fn parse(body: &Value) -> Result<Asked> {
        read(&body.to_string())
    }

    fn read(body: &str) -> Result<Asked> {
        Asked::parse(JsonObject::parse(body.as_bytes(), &MEMBERS)?, &shop())
    }

    /// The places of the values that are not acceptable.
    fn refused(body: &Value) -> String {
        match parse(body) {
            Err(ApiError::Unprocessable(invalid)) => {
                invalid.iter().map(|invalid| invalid.field.as_str()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn the_delivery_is_what_the_total_has_beside_the_lines() {
        let asked = parse(&order()).unwrap();
        assert_eq!((sum(&asked.lines), asked.delivery_price().minor, asked.language.as_str()), (4_940, 395, "es"));
    }

    #[test]
    fn each_unacceptable_value_is_named_by_its_place() {
        let euro = || json!({ "minor": 1, "currency": "EUR" });
        let line = |book: Value, quantity: Value| json!({ "book": book, "quantity": quantity, "unit_price": euro() });
        let at = |price: Value| json!([{ "book": 53, "quantity": 1, "unit_price": price }]);
        let many: Vec<Value> = (1..=51).map(|book| line(json!(book), json!(1))).collect();
        for (member, value, expected) in [
            ("lines", json!(null), "lines"),
            ("lines", json!([]), "lines"),
            ("lines", json!(many), "lines"),
            ("lines", json!({}), "lines"),
            ("lines", json!([1]), "lines.0"),
            ("lines", json!([[53, 1, { "minor": 1, "currency": "EUR" }]]), "lines.0"),
            (
                "lines",
                json!([line(json!(0), json!(1)), line(json!("53"), json!(1)), line(json!(1.5), json!(1))]),
                "lines.0.book lines.1.book lines.2.book",
            ),
            ("lines", json!([line(json!(4_294_967_296_u64), json!(1))]), "lines.0.book"),
            (
                "lines",
                json!([
                    line(json!(53), json!(0)),
                    line(json!(54), json!(21)),
                    line(json!(55), json!("1")),
                    line(json!(56), json!(null))
                ]),
                "lines.0.quantity lines.1.quantity lines.2.quantity lines.3.quantity",
            ),
            ("lines", json!([line(json!(53), json!(1)), line(json!(53), json!(1))]), "lines.1.book"),
            ("lines", json!([line(json!(53), json!(0)), line(json!(53), json!(1))]), "lines.0.quantity lines.1.book"),
            ("lines", json!([{ "book": 53, "quantity": 1 }]), "lines.0.unit_price"),
            ("lines", at(json!(1995)), "lines.0.unit_price"),
            ("lines", at(json!([795, "EUR"])), "lines.0.unit_price"),
            ("lines", at(json!({})), "lines.0.unit_price.minor lines.0.unit_price.currency"),
            ("lines", at(json!({ "minor": 1, "currency": "CHF" })), "lines.0.unit_price.currency"),
            ("lines", at(json!({ "minor": 1, "currency": "eur" })), "lines.0.unit_price.currency"),
            ("lines", at(json!({ "minor": 1, "currency": 978 })), "lines.0.unit_price.currency"),
            ("lines", at(json!({ "minor": 1, "currency": "EUR", "amount": 1 })), "lines.0.unit_price.amount"),
            (
                "lines",
                json!([{ "book": 53, "quantity": 1, "unit_price": euro(), "colour": "red", "size": 1 }]),
                "lines.0.colour lines.0.size",
            ),
            (
                "lines",
                json!([{ "book": 0, "quantity": 0, "unit_price": { "minor": -1, "currency": "E" } }]),
                "lines.0.book lines.0.quantity lines.0.unit_price.minor lines.0.unit_price.currency",
            ),
            ("total", json!(null), "total"),
            ("total", json!([5335, "EUR"]), "total"),
            ("total", json!({ "minor": -1, "currency": "EUR" }), "total.minor"),
            ("total", json!({ "minor": 53.35, "currency": "EUR" }), "total.minor"),
            ("total", json!({ "minor": 4_294_967_296_u64, "currency": "EUR" }), "total.minor"),
            ("total", json!({ "minor": 5335, "currency": "CHF" }), "total.currency"),
            ("total", json!({ "minor": 4939, "currency": "EUR" }), "total"),
            ("language", json!("español"), "language"),
            ("language", json!("fr"), "language"),
            ("language", json!(""), "language"),
            ("language", json!(1), "language"),
            ("contact", json!("Ana"), "contact"),
            ("contact", json!([]), "contact"),
            ("contact", json!({ "name": 1, "email": "ana@example.org" }), "contact.name"),
            ("contact", json!({ "card": "1", "phone": "x" }), "contact.card contact.name contact.email contact.phone"),
            ("address", json!([]), "address"),
            ("address", json!({}), "address.name address.place address.street address.country"),
            ("delivery", json!(1), "delivery"),
            ("payment", json!([]), "payment"),
            ("note", json!([]), "note"),
            ("card", json!("4111111111111111"), "card"),
        ] {
            let mut body = order();
            body[member] = value;
            assert_eq!(refused(&body), expected, "{body}");
        }
        for (member, value, expected) in [
            ("street", json!("Calle Mayor 1"), "address.street"),
            ("street", json!([1]), "address.street.0"),
            ("street", json!(["1", "2", "3", " "]), "address.street"),
            ("region", json!(1), "address.region"),
            ("country", json!("FR"), "address.country"),
            ("card", json!(1), "address.card"),
        ] {
            let mut body = order();
            body["address"][member] = value;
            assert_eq!(refused(&body), expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_order_is_named_all_at_once() {
        let body = json!({
            "lines": [{ "book": 53, "quantity": 99, "unit_price": { "minor": "1", "currency": "CHF" } }, 5],
            "delivery": "ship",
            "payment": "card",
            "contact": { "name": 1, "email": "ana@", "fax": "1" },
            "address": { "name": "", "street": ["Calle Mayor 1"], "place": "Madrid", "country": "ES", "zip": "28013" },
            "note": "4111 1111 1111 1111",
            "language": "fr",
            "colour": "red",
            "size": 1,
        });
        assert_eq!(
            refused(&body),
            "colour size lines.0.quantity lines.0.unit_price.minor lines.0.unit_price.currency lines.1 total language \
             contact.fax address.zip contact.name contact.email payment address.name address.postal_code note"
        );
        let mut body = order();
        (body["delivery"], body["payment"], body["address"]["place"]) = (json!("drone"), json!("card"), json!(""));
        assert_eq!(refused(&body), "delivery payment address.place");
        let body = json!({ "delivery": "collect", "payment": "on_collection", "address": { "name": "Ana" } });
        assert_eq!(
            refused(&body),
            "lines total contact.name contact.email address.place address.street address.country",
            "an address that is sent is checked, also if nobody needs it"
        );
    }

    #[test]
    fn the_fault_of_a_value_has_what_it_must_be_and_what_it_is() {
        for (price, expected) in [
            (
                json!({ "minor": "1995", "currency": "EUR" }),
                "minor: must be a whole number from 0 to 4294967295, and is \"1995\"",
            ),
            (
                json!({ "minor": -1, "currency": "EUR" }),
                "minor: must be a whole number from 0 to 4294967295, and is -1",
            ),
            (
                json!({ "minor": 19.95, "currency": "EUR" }),
                "minor: must be a whole number from 0 to 4294967295, and is 19.95",
            ),
            (
                json!({ "minor": 1995, "currency": "CHF" }),
                "currency: must be EUR, the currency of the shop, and is \"CHF\"",
            ),
            (json!({ "minor": 1995 }), "currency: must be EUR, the currency of the shop, and is missing"),
        ] {
            let mut body = order();
            body["total"] = price;
            let Err(ApiError::Unprocessable(invalid)) = parse(&body) else { panic!("{body}") };
            assert_eq!(invalid[0].to_string(), format!("total.{expected}"));
        }
    }

    #[test]
    fn a_member_that_is_there_twice_is_refused_with_its_place() {
        let body = order().to_string();
        for (once, twice, expected) in [
            (r#""email":"ana@example.org""#, r#""email":"ana@example.org","email":"eva@example.org""#, "contact.email"),
            (r#""place":"Madrid""#, r#""place":"Madrid","place":"Toledo""#, "address.place"),
            (r#""minor":5335"#, r#""minor":5335,"minor":1"#, "total.minor"),
            (r#""quantity":1"#, r#""quantity":1,"quantity":20"#, "lines.1.quantity"),
            (r#""minor":1995"#, r#""minor":1995,"min\u006fr":1"#, "lines.0.unit_price.minor"),
        ] {
            assert!(body.contains(once), "{body}");
            let Err(ApiError::Unprocessable(invalid)) = read(&body.replace(once, twice)) else { panic!("{twice}") };
            let expected = format!("{expected}: is given twice");
            assert!(invalid.iter().any(|invalid| invalid.to_string() == expected), "{twice}: {invalid:?}");
        }
    }

    #[test]
    fn a_retry_that_is_written_differently_has_the_same_content() {
        let content = |body: &str| read(body).unwrap().content();
        let body = order();
        let first = content(&body.to_string());
        let mut reversed: Vec<(&String, &Value)> = body.as_object().unwrap().iter().collect();
        reversed.reverse();
        let members: Vec<String> = reversed.iter().map(|(name, value)| format!("\n \"{name}\" : {value}")).collect();
        let mut with_blanks = order();
        (with_blanks["contact"]["name"], with_blanks["note"]) = (json!(" Ana\n"), json!(null));
        with_blanks["total"]["minor"] = json!(5335.0);
        for same in [
            format!("{{{}\t}}", members.join(" ,")),
            serde_json::to_string_pretty(&body).unwrap(),
            body.to_string().replace("\"Ana\"", "\"\\u0041na\""),
            with_blanks.to_string(),
        ] {
            assert_eq!(content(&same), first, "{same}");
        }
        for (place, value) in [
            ("/contact/name", json!("Eva")),
            ("/contact/email", json!("eva@example.org")),
            ("/contact/phone", json!("600123123")),
            ("/address/street/0", json!("Calle Mayor 2")),
            ("/lines/0/quantity", json!(1)),
            ("/lines/0/unit_price/minor", json!(1994)),
            ("/payment", json!("on_delivery")),
            ("/total/minor", json!(5336)),
        ] {
            let mut other = order();
            *other.pointer_mut(place).unwrap() = value;
            let Ok(asked) = read(&other.to_string()) else { continue };
            assert_ne!(asked.content(), first, "{place}");
        }
        let mut other = order();
        other["note"] = json!("Por la tarde");
        assert_ne!(content(&other.to_string()), first);
    }

    #[test]
    fn a_number_may_be_written_with_a_point_and_what_is_optional_may_be_null() {
        let mut body = order();
        body["lines"][0]["book"] = json!(53.0);
        body["lines"][0]["quantity"] = json!(2.0);
        body["lines"][0]["unit_price"]["minor"] = json!(1995.0);
        body["total"]["minor"] = json!(5335.0);
        body["contact"]["phone"] = json!("");
        body["address"]["region"] = json!(null);
        body["address"]["country"] = json!("es");
        (body["note"], body["language"]) = (json!(null), json!(null));
        let asked = parse(&body).unwrap();
        assert_eq!((asked.lines[0].book, asked.lines[0].quantity.get(), sum(&asked.lines)), (53.into(), 2, 4_940));
        assert_eq!((asked.details.contact.phone, asked.details.address.unwrap().region), (None, None));
    }

    #[test]
    fn the_language_of_an_order_is_one_that_pages_and_mails_have() {
        for (tag, stored) in [("es", "es"), ("es-MX", "es"), ("en", "en"), ("EN-gb", "en"), ("spa", "es")] {
            let mut body = order();
            body["language"] = json!(tag);
            assert_eq!(parse(&body).unwrap().language.as_str(), stored, "{tag}");
        }
    }

    #[test]
    fn a_cancellation_needs_no_body() {
        let asked = |body: &str, headers: Value| {
            let event =
                json!({ "httpMethod": "POST", "path": "/api/orders/x/cancel", "headers": headers, "body": body });
            email(&Request::from_event(serde_json::from_value(event).unwrap(), "id"))
        };
        let json = || json!({ "content-type": "application/json" });
        assert_eq!(asked("", json!({})).unwrap(), None);
        for (body, address) in [
            ("", None),
            ("{}", None),
            (r#"{"email": null}"#, None),
            (r#"{"email": "ana@example.org"}"#, Some("ana@example.org")),
        ] {
            assert_eq!(asked(body, json()).unwrap().as_ref().map(Email::as_str), address, "{body}");
        }
        assert_eq!(asked("{}", json!({})).unwrap_err().status(), 415);
        for (body, status) in [
            (r#"{"email": "ana@"}"#, 422),
            (r#"{"email": 1}"#, 422),
            (r#"{"mail": "ana@example.org"}"#, 422),
            ("{", 400),
            (" ", 400),
        ] {
            assert_eq!(asked(body, json()).unwrap_err().status(), status, "{body}");
        }
    }
}
