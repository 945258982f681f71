//! The forms of cart, checkout and cancellation. A refused order is shown again with everything that was typed.

use std::collections::BTreeMap;

use frontend::{CartChange, CartNote, Form, Locale, PageContext, cart_of, pages::Checkout};
use shared::{
    ApiError, App, Reply, Request, Result,
    declaration::Declaration,
    domain::{AddressText, Email, Fingerprint, Invalid, Language, OrderId, Quantity, Reason, SubmissionKey},
    messages::{AskedBy, OrderLineV1, OrderV1},
    quote::Quote,
    shop::Shop,
};
use time::OffsetDateTime;

use super::{
    cart::{self, noted},
    draft::Draft,
};

pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    match (request.segment(0), request.segments().len()) {
        ("cart", 1) => cart::change(app, request).await,
        ("checkout", 1) => checkout(app, request).await,
        ("orders", 3) => cancel(app, request).await,
        _ => Err(ApiError::NotFound),
    }
}

async fn checkout(app: &App, request: &Request) -> Result<Reply> {
    let Ok(seller) = super::seller() else { return Ok(Reply::see_other("/cart")) };
    let typed = request.form()?;
    let sealed = typed.get(Checkout::QUOTE).cloned().unwrap_or_default();
    let key = app.submission_key().await;
    let quote = match &key {
        Ok(key) => Quote::unseal(&sealed, key),
        // It is only shown again.
        Err(_) => Quote::unverified(&sealed),
    };
    let Some(quote) = quote else {
        let note = CartNote { change: CartChange::Renewed, book: None };
        return Ok(Reply::see_other(&noted("/cart", note, &cart_of(request))));
    };
    let context = PageContext::of(request);
    let show = |status, form: Form| {
        let page = Checkout { view: context.view(), shop: seller, quote: &quote, sealed: &sealed, form };
        Ok(context.reply(status, &page)?.unstored())
    };
    if let Some(shown) = Form::unsent(&typed, show) {
        return shown;
    }
    let placed = async { place(app, request, &key?, seller, &quote, &typed, context.view().locale).await };
    Form::again(request, &typed, placed.await, show)
}

/// Places the order and leads to its page. What was ordered is no longer in the cart.
async fn place(
    app: &App,
    request: &Request,
    key: &SubmissionKey,
    shop: &Shop,
    quote: &Quote,
    typed: &BTreeMap<String, String>,
    locale: Locale,
) -> Result<Reply> {
    if request.is_too_large() {
        return Err(ApiError::TooLarge);
    }
    let draft = draft(typed);
    let details = draft.parse(shop).map_err(|invalid| ApiError::Unprocessable(of_form(invalid, &draft.address)))?;
    let now = OffsetDateTime::now_utc();
    // The form's key is secret, and its content may be corrected before it is sent again.
    let (buyer, id) = super::buyer(key, request, quote.key.as_bytes(), &[], now);
    let order = OrderV1 {
        order: id,
        visitor: buyer.visitor(),
        customer: super::signed_in(app, request).await?,
        lines: lines(quote)?,
        delivery_price_seen: quote.delivery_price(details.delivery).ok_or_else(renewed)?,
        total_seen: quote.total(details.delivery),
        delivery: details.delivery,
        payment: details.payment,
        contact: details.contact,
        address: details.address,
        note: details.note,
        language: Language::parse(locale.tag())?,
        fingerprint: Fingerprint::of(&[]),
    };
    super::place(app, request, order, now).await?;
    let mut cart = cart_of(request);
    quote.lines.iter().for_each(|line| cart.remove(line.book));
    let id = id.to_string();
    let reply = Reply::see_other(&format!("/orders/{id}")).remember(&key.write_cookie(&buyer)).with_order(&id);
    super::keep_cart(app, request, reply, cart).await
}

fn lines(quote: &Quote) -> Result<Vec<OrderLineV1>> {
    let line = |line: &shared::quote::QuoteLine| {
        let quantity = Quantity::parse(line.quantity.into())?;
        Ok(OrderLineV1 { book: line.book, quantity, unit_price_seen: quote.money(line.price) })
    };
    quote.lines.iter().map(line).collect()
}

/// The shop has stopped offering what the form shows.
fn renewed() -> ApiError {
    ApiError::Unprocessable(vec![Invalid::new("delivery", Reason::NotOneOf(Vec::new()))])
}

fn draft(typed: &BTreeMap<String, String>) -> Draft {
    let field = |name: &str| typed.get(name).cloned().unwrap_or_default();
    Draft {
        delivery: field("delivery"),
        payment: field("payment"),
        name: field("name"),
        email: field("email"),
        phone: field("phone"),
        address: AddressText {
            name: field("recipient"),
            street: vec![field("street"), field("street2")],
            postal_code: field("postal_code"),
            place: field("place"),
            region: field("region"),
            country: field("country"),
        },
        note: field("note"),
    }
}

/// The fields of the form, in the order of the page.
const FIELDS: [&str; 13] = [
    "name",
    "email",
    "phone",
    "delivery",
    "recipient",
    "street",
    "street2",
    "postal_code",
    "place",
    "region",
    "country",
    "payment",
    "note",
];

/// The fields by their names in the form, in the order of the page. Each line of the street is a field.
fn of_form(invalid: Vec<Invalid>, address: &AddressText) -> Vec<Invalid> {
    let named = |error: Invalid| match error.field.as_str() {
        "address.name" => vec![Invalid { field: "recipient".to_owned(), ..error }],
        "address.street" if error.reason != Reason::Blank => address.invalid_streets(["street", "street2"]),
        other => vec![Invalid { field: other.rsplit('.').next().unwrap_or(other).to_owned(), ..error }],
    };
    let mut invalid: Vec<Invalid> = invalid.into_iter().flat_map(named).collect();
    invalid.sort_by_key(|error| FIELDS.iter().position(|field| *field == error.field));
    invalid
}

/// The second step of a cancellation.
async fn cancel(app: &App, request: &Request) -> Result<Reply> {
    let key = app.submission_key().await?;
    let order = order_in(&key, request, 1)?;
    let now = OffsetDateTime::now_utc();
    let page = format!("/orders/{order}");
    let typed = request.form()?;
    let known = request.cookie(Request::VISITOR_COOKIE);
    let asked_by = if let Some(email) = typed.get("email") {
        AskedBy::Email(Email::parse(email)?)
    } else {
        let cookie = known.and_then(|value| key.read_cookie(value, now));
        let buyer = super::known_buyer(app, request, cookie).await?;
        // Nobody who may cancel it; the page asks for the address.
        let Some(buyer) = buyer else { return Ok(Reply::see_other(&page)) };
        buyer
    };
    let declared = Declaration::new(&key, order, &asked_by, now).seal(&key);
    super::cancel(app, request, order, asked_by).await?;
    Ok(Reply::see_other(&format!("{page}?{}={declared}", Declaration::PARAMETER)))
}

/// The order in a segment of the path.
pub fn order_in(key: &SubmissionKey, request: &Request, segment: usize) -> Result<OrderId> {
    if request.segment(segment + 1) != "cancel" {
        return Err(ApiError::NotFound);
    }
    key.verify_order(request.segment(segment)).ok_or(ApiError::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::tests::shop;

    #[test]
    fn an_error_is_at_its_own_field_and_all_are_in_the_order_of_the_page() {
        const CARD: &str = "4111 1111 1111 1111";
        let long = "x".repeat(81);
        let valid = [
            ("name", "Ana"),
            ("email", "ana@example.org"),
            ("delivery", "ship"),
            ("payment", "bank_transfer"),
            ("recipient", "Ana"),
            ("street", "Calle Mayor 1"),
            ("postal_code", "28013"),
            ("place", "Madrid"),
            ("country", "ES"),
        ];
        for (changed, fields) in [
            (&[][..], ""),
            (&[("street", long.as_str())], "street"),
            (&[("street2", long.as_str())], "street2"),
            (&[("street2", CARD)], "street2"),
            (&[("street", CARD), ("street2", long.as_str())], "street street2"),
            (&[("street", "")], "street"),
            (&[("street", " "), ("street2", long.as_str())], "street2"),
            (&[("note", CARD), ("payment", "card"), ("country", "FR")], "country payment note"),
            (
                &[("place", ""), ("recipient", ""), ("postal_code", "x"), ("name", "")],
                "name recipient postal_code place",
            ),
        ] {
            let typed = valid.iter().chain(changed);
            let typed: BTreeMap<String, String> =
                typed.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let draft = draft(&typed);
            let invalid = draft.parse(&shop()).err().unwrap_or_default();
            let found: Vec<String> =
                of_form(invalid, &draft.address).into_iter().map(|invalid| invalid.field).collect();
            assert_eq!(found.join(" "), fields, "{changed:?}");
        }
    }
}
