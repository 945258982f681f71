//! `POST /api/orders` and `POST /api/orders/{id}/cancel`

use serde_json::{Map, Value};
use shared::{
    ApiError, App, JsonObject, Reply, Request, Result,
    api::OrderReceipt,
    domain::{
        AddressText, BookId, Email, Fingerprint, Invalid, Language, MAX_LINES, Money, OrderState, Parsed, Quantity,
        Reason,
    },
    intake::program_key,
    messages::{AskedBy, OrderLineV1, OrderV1},
};
use time::OffsetDateTime;

use super::{draft::Draft, page::order_in};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match request.segments().len() {
        2 => place(app, request).await,
        4 => cancel(app, request).await,
        _ => Err(ApiError::NotFound),
    }
}

const MEMBERS: [&str; 8] = ["lines", "delivery", "payment", "contact", "address", "note", "language", "total"];

async fn place(app: &App, request: &Request) -> Result<Reply> {
    let repeated = program_key(request)?;
    let asked = Asked::parse(request.json(&MEMBERS)?)?;
    let shop = super::seller()?;
    let details = asked.draft.parse(shop).map_err(ApiError::Unprocessable)?;
    let key = app.submission_key().await?;
    let now = OffsetDateTime::now_utc();
    let (buyer, id) = super::buyer(&key, request, &repeated, request.body(), now);
    let order = OrderV1 {
        order: id,
        visitor: buyer.visitor(),
        delivery_price_seen: asked.delivery_price(),
        lines: asked.lines,
        delivery: details.delivery,
        payment: details.payment,
        total_seen: asked.total,
        contact: details.contact,
        address: details.address,
        note: details.note,
        language: asked.language,
        fingerprint: Fingerprint::of(&[]),
    };
    super::place(app, request, order, now).await?;
    let receipt = OrderReceipt { id, status: OrderState::Received, href: format!("/api/orders/{id}") };
    Ok(Reply::accepted(&receipt.href, &receipt)?.remember(&key.write_cookie(&buyer)))
}

async fn cancel(app: &App, request: &Request) -> Result<Reply> {
    let key = app.submission_key().await?;
    let id = order_in(&key, request, 2)?;
    let email = JsonObject::text("email", request.json(&["email"])?.take("email").as_ref()).map_err(unprocessable)?;
    let known = request.cookie(Request::VISITOR_COOKIE);
    let known = known.and_then(|value| key.read_cookie(value, OffsetDateTime::now_utc()));
    let asked_by = match (email, known) {
        (Some(email), _) => AskedBy::Email(Email::parse(&email).map_err(unprocessable)?),
        (None, Some(cookie)) => AskedBy::Visitor(cookie.visitor()),
        (None, None) => return Err(unprocessable(Invalid::new("email", Reason::Blank))),
    };
    super::cancel(app, request, id, asked_by).await?;
    let receipt = OrderReceipt { id, status: OrderState::Received, href: format!("/api/orders/{id}") };
    Reply::accepted(&receipt.href, &receipt)
}

fn unprocessable(invalid: Invalid) -> ApiError {
    ApiError::Unprocessable(vec![invalid])
}

/// An order as a program sends it.
#[derive(Debug)]
struct Asked {
    draft: Draft,
    lines: Vec<OrderLineV1>,
    total: Money,
    language: Language,
}

impl Asked {
    /// Reads the members. Values that the form has as well are checked with it.
    fn parse(mut body: JsonObject) -> Result<Self> {
        let (draft, language) = Self::texts(&mut body).map_err(unprocessable)?;
        let lines = lines(body.take("lines"));
        let total = money(body.take("total"), "total");
        let language = language.map_or_else(|| Language::parse("es"), |language| Language::parse(&language));
        match (lines, total, language) {
            (Ok(lines), Ok(total), Ok(language)) => Self { draft, lines, total, language }.checked(),
            (lines, total, language) => {
                let invalid = [total.err(), language.err()].into_iter().flatten();
                Err(ApiError::Unprocessable(lines.err().into_iter().flatten().chain(invalid).collect()))
            }
        }
    }

    /// The texts that the form has as well, and the language.
    fn texts(body: &mut JsonObject) -> Parsed<(Draft, Option<String>)> {
        let mut contact = members(body.take("contact"), "contact", &["name", "email", "phone"])?;
        let mut address =
            members(body.take("address"), "address", &["name", "street", "postal_code", "place", "region", "country"])?;
        let mut of_contact = |name: &str| text(contact.remove(name), &format!("contact.{name}"));
        let (name, email, phone) = (of_contact("name")?, of_contact("email")?, of_contact("phone")?);
        let street = street(address.remove("street"))?;
        let mut of_address = |name: &str| text(address.remove(name), &format!("address.{name}"));
        let address = AddressText {
            name: of_address("name")?,
            street,
            postal_code: of_address("postal_code")?,
            place: of_address("place")?,
            region: of_address("region")?,
            country: of_address("country")?,
        };
        let mut top = |name: &str| text(body.take(name), name);
        let (delivery, payment, note) = (top("delivery")?, top("payment")?, top("note")?);
        let language = JsonObject::text("language", body.take("language").as_ref())?;
        Ok((Draft { delivery, payment, name, email, phone, address, note }, language))
    }

    /// What no single value shows.
    fn checked(self) -> Result<Self> {
        let currency = &self.total.currency;
        if let Some(at) = self.lines.iter().position(|line| line.unit_price_seen.currency != *currency) {
            let field = format!("lines.{at}.unit_price");
            return Err(unprocessable(Invalid::other(field, format!("must be in {currency}, like total"))));
        }
        let sum = self.sum();
        if u64::from(self.total.minor) < sum {
            let reason = format!("has {} minor units; the lines alone have {sum}", self.total.minor);
            return Err(unprocessable(Invalid::other("total", reason)));
        }
        Ok(self)
    }

    /// Of the lines, in minor units.
    fn sum(&self) -> u64 {
        self.lines.iter().map(|line| u64::from(line.quantity.get()) * u64::from(line.unit_price_seen.minor)).sum()
    }

    /// The part of the total that is not of the lines.
    fn delivery_price(&self) -> Money {
        let minor = u64::from(self.total.minor).saturating_sub(self.sum());
        Money { minor: u32::try_from(minor).unwrap_or(u32::MAX), currency: self.total.currency.clone() }
    }
}

/// The members of an object inside the body; none for one that is left out.
fn members(value: Option<Value>, field: &str, known: &[&str]) -> Parsed<Map<String, Value>> {
    let members = match value {
        None => Map::new(),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(Invalid::other(field, "must be an object")),
    };
    match members.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => {
            let name: String = name.chars().take(100).collect();
            Err(Invalid::other(
                format!("{field}.{name}"),
                format!("is not a member here; known are {}", known.join(", ")),
            ))
        }
        None => Ok(members),
    }
}

fn text(value: Option<Value>, field: &str) -> Parsed<String> {
    match value {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Invalid::other(field, "must be a string")),
    }
}

fn street(value: Option<Value>) -> Parsed<Vec<String>> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(lines)) => lines.into_iter().map(|line| text(Some(line), "address.street")).collect(),
        Some(_) => Err(Invalid::other("address.street", "must be an array of strings")),
    }
}

fn money(value: Option<Value>, field: &str) -> Parsed<Money> {
    value
        .and_then(|value| serde_json::from_value(value).ok())
        .ok_or_else(|| Invalid::other(field, r#"must be an amount such as {"minor": 1995, "currency": "EUR"}"#))
}

/// The lines, each of another book, or what is wrong with each.
fn lines(value: Option<Value>) -> Result<Vec<OrderLineV1>, Vec<Invalid>> {
    let Some(Value::Array(values)) = value else {
        return Err(vec![Invalid::other("lines", "must be an array of objects with book, quantity and unit_price")]);
    };
    if !(1..=MAX_LINES).contains(&values.len()) {
        let reason = format!("has {} lines; an order has 1 to {MAX_LINES}", values.len());
        return Err(vec![Invalid::other("lines", reason)]);
    }
    let mut lines: Vec<OrderLineV1> = Vec::new();
    let mut invalid = Vec::new();
    for (at, value) in values.into_iter().enumerate() {
        match line(at, value) {
            Ok(line) if lines.iter().any(|known| known.book == line.book) => {
                invalid.push(Invalid::other(format!("lines.{at}.book"), "is in an earlier line; add the quantities"));
            }
            Ok(line) => lines.push(line),
            Err(error) => invalid.push(error),
        }
    }
    if invalid.is_empty() { Ok(lines) } else { Err(invalid) }
}

fn line(at: usize, value: Value) -> Parsed<OrderLineV1> {
    let field = |name: &str| format!("lines.{at}.{name}");
    let mut members = members(Some(value), &format!("lines.{at}"), &["book", "quantity", "unit_price"])?;
    let book = members.remove("book").and_then(|book| u32::try_from(book.as_u64()?).ok()).filter(|book| *book > 0);
    let book = book.ok_or_else(|| Invalid::other(field("book"), "must be the id of a book, such as 53"))?;
    let quantity = members.remove("quantity").and_then(|quantity| quantity.as_i64()).unwrap_or_default();
    let quantity = Quantity::parse(quantity).map_err(|error| Invalid { field: field("quantity"), ..error })?;
    let unit_price_seen = money(members.remove("unit_price"), &field("unit_price"))?;
    Ok(OrderLineV1 { book: BookId::from(book), quantity, unit_price_seen })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
        Asked::parse(JsonObject::parse(body.to_string().as_bytes(), &MEMBERS)?)
    }

    #[test]
    fn the_delivery_is_what_the_total_has_beside_the_lines() {
        let asked = parse(&order()).unwrap();
        assert_eq!((asked.sum(), asked.delivery_price().minor, asked.language.as_str()), (4_940, 395, "es"));
        assert!(asked.draft.parse(&crate::draft::tests::shop()).is_ok());
    }

    #[test]
    fn each_unacceptable_value_is_named_by_its_place() {
        let line = |book: Value, quantity: Value| json!({ "book": book, "quantity": quantity, "unit_price": { "minor": 1, "currency": "EUR" } });
        let many: Vec<Value> = (1..=51).map(|book| line(json!(book), json!(1))).collect();
        for (member, value, expected) in [
            ("lines", json!(null), "lines"),
            ("lines", json!([]), "lines"),
            ("lines", json!(many), "lines"),
            ("lines", json!({}), "lines"),
            ("lines", json!([1]), "lines.0"),
            (
                "lines",
                json!([line(json!(0), json!(1)), line(json!("53"), json!(1)), line(json!(1.5), json!(1))]),
                "lines.0.book lines.1.book lines.2.book",
            ),
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
            ("lines", json!([{ "book": 53, "quantity": 1 }]), "lines.0.unit_price"),
            ("lines", json!([{ "book": 53, "quantity": 1, "unit_price": 1995 }]), "lines.0.unit_price"),
            (
                "lines",
                json!([{ "book": 53, "quantity": 1, "unit_price": { "minor": 1, "currency": "CHF" } }]),
                "lines.0.unit_price",
            ),
            ("lines", json!([{ "book": 53, "quantity": 1, "colour": "red" }]), "lines.0.colour"),
            ("total", json!(null), "total"),
            ("total", json!({ "minor": -1, "currency": "EUR" }), "total"),
            ("total", json!({ "minor": 4939, "currency": "EUR" }), "total"),
            ("language", json!("español"), "language"),
            ("language", json!(""), "language"),
        ] {
            let mut body = order();
            body[member] = value.clone();
            let Err(ApiError::Unprocessable(invalid)) = parse(&body) else { panic!("{member} {value}") };
            let fields: Vec<&str> = invalid.iter().map(|invalid| invalid.field.as_str()).collect();
            assert_eq!(fields.join(" "), expected, "{member} {value}");
        }
    }

    #[test]
    fn a_member_of_another_type_is_an_error_with_its_place() {
        for (member, value, field) in [
            ("contact", json!("Ana"), "contact"),
            ("contact", json!({ "name": 1 }), "contact.name"),
            ("contact", json!({ "card": "1" }), "contact.card"),
            ("address", json!([]), "address"),
            ("address", json!({ "street": "Calle Mayor 1" }), "address.street"),
            ("address", json!({ "street": [1] }), "address.street"),
            ("delivery", json!(1), "delivery"),
            ("note", json!([]), "note"),
            ("card", json!("4111111111111111"), "card"),
        ] {
            let mut body = order();
            body[member] = value;
            let Err(ApiError::Unprocessable(invalid)) = parse(&body) else { panic!("{member}") };
            assert_eq!(invalid.iter().map(|invalid| invalid.field.as_str()).collect::<Vec<_>>(), [field]);
        }
    }
}
