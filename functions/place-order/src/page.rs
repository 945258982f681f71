//! The forms of cart, checkout and cancellation. A refused order is shown again with everything that was typed.

use std::collections::BTreeMap;

use frontend::{
    CartChange, CartNote, Form, Locale, PageContext, Trouble, cart_of,
    pages::{Checkout, CheckoutNotice},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    declaration::{Declaration, Resent},
    domain::{
        AddressText, Cart, CartLine, Email, Fingerprint, Invalid, Language, OrderId, Quantity, Reason, SubmissionKey,
    },
    messages::{AskedBy, OrderLineV1, OrderV1},
    quote::{Quote, QuoteLine},
    shop::Shop,
};
use time::OffsetDateTime;
use uuid::Uuid;

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
    let button = typed.get("do").map(String::as_str);
    if button == Some(Checkout::AGAIN) {
        let now = OffsetDateTime::now_utc();
        let (reply, cart) = again(request, key.as_ref().ok(), seller, &quote, &sealed, &typed, now)?;
        return super::keep_cart(app, request, reply, cart).await;
    }
    let context = PageContext::of(request);
    let show_quote = |quote: &Quote, sealed: &str, status, form: Form| {
        let page = Checkout { view: context.view(), shop: seller, quote, sealed, form, notice: None };
        Ok(context.reply(status, &page)?.unstored())
    };
    let show = |status, form: Form| show_quote(&quote, &sealed, status, form);
    let changes =
        button == Some(Checkout::CHANGE) || quote.lines.iter().any(|line| wanted(&typed, line) != line.quantity);
    if let Ok(key) = &key
        && changes
        && !request.is_too_large()
    {
        let now = OffsetDateTime::now_utc();
        let (reply, cart) = change(request, key, seller, &quote, &typed, now)?;
        return super::keep_cart(app, request, reply, cart).await;
    }
    if let Some(shown) = Form::unsent(&typed, show) {
        return shown;
    }
    if let Ok(key) = &key {
        let now = OffsetDateTime::now_utc();
        match doubt(key, request, &typed, &quote, now) {
            Some(Trouble::Outdated) => {
                let quote = quote.renewed(Uuid::new_v4(), now).of_cart(key, &cart_of(request), now);
                let sealed = quote.seal(key);
                return Form::asking(&typed, Trouble::Outdated, |status, form| {
                    show_quote(&quote, &sealed, status, form)
                });
            }
            Some(trouble) => return Form::asking(&typed, trouble, show),
            None => {}
        }
    }
    let placed = async { place(app, request, &key?, seller, &quote, &typed, context.view().locale).await };
    Form::again(request, &typed, placed.await, show)
}

/// Why the sender of a form is asked before it is an order: it is old, or the cart of the browser no longer has its books,
/// because they were ordered in another tab. A form that this browser has sent before is the same order, and without cookies
/// the form alone counts.
fn doubt(
    key: &SubmissionKey,
    request: &Request,
    typed: &BTreeMap<String, String>,
    quote: &Quote,
    now: OffsetDateTime,
) -> Option<Trouble> {
    if was_sent(key, request, quote, now) {
        return None;
    }
    if quote.is_outdated(now) {
        return Some(Trouble::Outdated);
    }
    let keeps_cookies = [Request::CART_COOKIE, Request::ORDER_COOKIE].iter().any(|name| request.cookie(name).is_some());
    let cart = cart_of(request);
    let is_gone = keeps_cookies && quote.lines.iter().any(|line| cart.line(line.book).is_none());
    (is_gone && !typed.contains_key(Checkout::ALL_THE_SAME)).then_some(Trouble::Gone)
}

/// Whether the latest order of the browser is the one of this form.
fn was_sent(key: &SubmissionKey, request: &Request, quote: &Quote, now: OffsetDateTime) -> bool {
    let (_, id) = super::buyer(key, request, quote.key.as_bytes(), &[], now);
    request.cookie(Request::ORDER_COOKIE).and_then(OrderId::parse_unverified) == Some(id)
}

/// The cart with the books of a form that no cart has led to. They are ordered from there, so that another tab, and who comes
/// back later, finds them.
fn with_books(cart: Cart, quote: &Quote) -> Cart {
    let mut cart = cart.or_with_id(Uuid::new_v4());
    let line = |line: &QuoteLine| CartLine { book: line.book, quantity: line.quantity, price_seen: line.price };
    let lines: Vec<CartLine> = quote.lines.iter().map(line).collect();
    // Books that do not fit into the cart are ordered too, after a question.
    _ = cart.merge(&lines);
    cart
}

/// Shows the form of what is available of a rejected order, whose books are in the cart again. While nobody can read the key,
/// the form is only shown.
fn again(
    request: &Request,
    key: Option<&SubmissionKey>,
    shop: &Shop,
    quote: &Quote,
    sealed: &str,
    typed: &BTreeMap<String, String>,
    now: OffsetDateTime,
) -> Result<(Reply, Cart)> {
    let cart = with_books(cart_of(request), quote);
    let renewed = key.map(|key| quote.clone().of_cart(key, &cart, now).seal(key));
    let sealed = renewed.as_deref().unwrap_or(sealed);
    Ok((shown_with(request, &cart, shop, quote, sealed, typed, None)?, cart))
}

/// The form with everything that was typed, below the number of books that are in the cart now.
fn shown_with(
    request: &Request,
    cart: &Cart,
    shop: &Shop,
    quote: &Quote,
    sealed: &str,
    typed: &BTreeMap<String, String>,
    notice: Option<CheckoutNotice>,
) -> Result<Reply> {
    let form = Form { typed: &pairs(typed), ..Form::default() };
    let context = PageContext::of(request).with_cart(cart);
    let page = Checkout { view: context.view(), shop, quote, sealed, form, notice };
    Ok(context.reply(200, &page)?.unstored())
}

/// The quantity of a line that the form has now.
fn wanted(typed: &BTreeMap<String, String>, line: &QuoteLine) -> u8 {
    Checkout::chosen(typed.get(&Checkout::quantity_of(line.book)).map_or("", String::as_str), line)
}

/// Shows the form again with other quantities, in the cart too, and with everything that was typed. Nothing is ordered whose
/// total the buyer has not seen.
fn change(
    request: &Request,
    key: &SubmissionKey,
    shop: &Shop,
    quote: &Quote,
    typed: &BTreeMap<String, String>,
    now: OffsetDateTime,
) -> Result<(Reply, Cart)> {
    let mut cart = cart_of(request);
    for line in &quote.lines {
        if cart.line(line.book).is_some() {
            // A quantity of the form is never above the limit.
            _ = cart.set(CartLine { book: line.book, quantity: wanted(typed, line), price_seen: line.price });
        }
    }
    let Some(quote) = quote.with_quantities(shop, Uuid::new_v4(), now, |line| wanted(typed, line)) else {
        let note = CartNote { change: CartChange::Changed, book: None };
        return Ok((Reply::see_other(&noted("/cart", note, &cart)), cart));
    };
    let quote = quote.of_cart(key, &cart, now);
    let notice = Some(CheckoutNotice::Changed);
    Ok((shown_with(request, &cart, shop, &quote, &quote.seal(key), typed, notice)?, cart))
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
    let cart = cart_of(request).without_ordered(quote.lines.iter().map(|line| line.book), Uuid::new_v4());
    let mut page = format!("/orders/{id}");
    if was_sent(key, request, quote, now) {
        page = format!("{page}?{}={}", Resent::PARAMETER, Resent::write(key, id));
    }
    let id = id.to_string();
    let reply = Reply::see_other(&page).remember(&key.write_cookie(&buyer)).with_order(&id);
    super::keep_cart(app, request, reply, cart).await
}

fn lines(quote: &Quote) -> Result<Vec<OrderLineV1>> {
    let line = |line: &QuoteLine| {
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
        "address.street" if error.reason != Reason::Blank => address.invalid_streets(error, ["street", "street2"]),
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
    use serde_json::json;
    use shared::domain::BookId;
    use time::{Duration, macros::datetime};

    use super::*;
    use crate::draft::tests::shop;

    #[test]
    fn a_form_that_is_old_or_whose_books_have_left_the_cart_is_no_order_before_its_sender_was_asked() {
        const ISSUED: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let line =
            |book| QuoteLine { book: BookId::from(book), title: String::new(), quantity: 1, price: 1, tax_rate: 400 };
        let quote = Quote::new(&shop(), Uuid::from_u128(7), vec![line(53), line(7)], false).issued(ISSUED);
        let event = |cookie: &str| {
            let event = json!({ "httpMethod": "POST", "path": "/checkout", "headers": { "cookie": cookie } });
            Request::from_event(serde_json::from_value(event).unwrap(), "id")
        };
        let (guest, own) = crate::buyer(&key, &event(""), quote.key.as_bytes(), &[], ISSUED);
        let visitor = format!("visitor={}", key.write_cookie(&guest));
        let other = key.order_id(Uuid::from_u128(9), b"k");
        let cart = "cart=c56a4180-65aa-42ec-a945-5fd21dec0538";
        let (outdated, gone) = (Some(Trouble::Outdated), Some(Trouble::Gone));
        for (cookie, typed, hours, expected) in [
            (String::new(), None, 0, None),
            (String::new(), None, 24, outdated),
            (format!("{cart}.53:1:1.7:2:1"), None, 0, None),
            (format!("{cart}.53:1:1.7:2:1"), None, 24, outdated),
            (format!("{cart}.53:1:1.7:2:1.8:1:1; order={other}"), None, 23, None),
            // Ordered in another tab, in part or whole, or taken out there.
            (format!("{visitor}; order={other}"), None, 0, gone),
            (format!("{cart}.7:1:1; order={other}"), None, 0, gone),
            (format!("{cart}.8:1:1"), None, 0, gone),
            (format!("{visitor}; order={other}"), Some(Checkout::ALL_THE_SAME), 0, None),
            (format!("{visitor}; order={other}"), Some(Checkout::ALL_THE_SAME), 24, outdated),
            // The same form again.
            (format!("{visitor}; order={own}"), None, 0, None),
            (format!("{visitor}; order={own}"), None, 48, None),
            (format!("order={own}"), None, 48, None),
            (visitor.clone(), None, 24, outdated),
        ] {
            let typed = typed.iter().map(|name| ((*name).to_owned(), "yes".to_owned())).collect();
            let now = ISSUED + Duration::hours(hours);
            assert_eq!(doubt(&key, &event(&cookie), &typed, &quote, now), expected, "{cookie} {typed:?} {hours}");
        }
    }

    #[test]
    fn what_is_available_of_a_rejected_order_is_in_the_cart_again_and_is_ordered_without_a_question() {
        const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let line = |book: u32, quantity| QuoteLine {
            book: book.into(),
            title: String::new(),
            quantity,
            price: 1_000,
            tax_rate: 400,
        };
        let quote = Quote::new(&shop(), Uuid::from_u128(7), vec![line(53, 2), line(7, 1)], false).issued(NOW);
        let rejected = key.order_id(Uuid::from_u128(9), b"k");
        let cart = "c56a4180-65aa-42ec-a945-5fd21dec0538";
        for (before, after) in [
            ("", ".53:2:1000.7:1:1000"),
            (".8:1:950", ".8:1:950.53:2:1000.7:1:1000"),
            (".53:3:900", ".53:3:1000.7:1:1000"),
        ] {
            let after_again = with_books(Cart::parse(&format!("{cart}{before}")), &quote).to_cookie(Uuid::nil());
            assert_eq!(after_again, format!("{cart}{after}"));
            let asks = |cart: &str| {
                let event = json!({ "httpMethod": "POST", "path": "/checkout",
                    "headers": { "cookie": format!("cart={cart}; order={rejected}") } });
                let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
                doubt(&key, &request, &BTreeMap::new(), &quote, NOW)
            };
            assert_eq!(asks(&after_again), None, "{before}");
            assert_eq!(
                asks(&format!("{cart}{before}")),
                Some(Trouble::Gone),
                "{before}: it was ordered in another tab"
            );
        }
    }

    #[test]
    fn changed_quantities_are_shown_with_all_that_was_typed_and_are_not_ordered() {
        const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let line = |book: u32, quantity| QuoteLine {
            book: book.into(),
            title: format!("Book {book}"),
            quantity,
            price: 1_000,
            tax_rate: 400,
        };
        // As old as a form can be.
        let quote = Quote::new(&shop(), Uuid::nil(), vec![line(53, 2), line(7, 1)], false);
        for (fields, cart, expected) in [
            ("quantity-53=5&quantity-7=1", "cart=c56a4180-65aa-42ec-a945-5fd21dec0538.53:2:900", Some((5, 1))),
            ("quantity-53=0&quantity-7=1", "cart=c56a4180-65aa-42ec-a945-5fd21dec0538.53:2:900.7:1:1000", Some((0, 1))),
            ("quantity-53=99", "", Some((20, 1))),
            ("quantity-53=2&quantity-7=1", "", Some((2, 1))),
            ("quantity-53=0&quantity-7=0", "", None),
        ] {
            let body = format!("name=Ana&street=Calle+Mayor+1&{fields}");
            let event = json!({ "httpMethod": "POST", "path": "/checkout", "body": body,
                "headers": { "cookie": cart, "content-type": "application/x-www-form-urlencoded" } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            let typed = request.form().unwrap();
            let (reply, changed) = change(&request, &key, &shop(), &quote, &typed, NOW).unwrap();
            let status = reply.status();
            let answer = serde_json::to_value(reply.finish(&request)).unwrap();
            let Some((many, few)) = expected else {
                assert_eq!(status, 303, "nothing is left: {answer}");
                continue;
            };
            let html = answer["body"].as_str().unwrap();
            let sealed = html.split("name=\"quote\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let shown = Quote::unseal(sealed, &key).unwrap();
            let copies =
                |book: u32| shown.lines.iter().find(|line| line.book == book.into()).map_or(0, |line| line.quantity);
            assert_eq!((status, copies(53), copies(7)), (200, many, few), "{fields}");
            assert_ne!(shown.key, quote.key, "another form is another order");
            assert!(quote.is_outdated(NOW) && !shown.is_outdated(NOW), "its total was shown now");
            assert!(html.contains("value=\"Ana\"") && html.contains("value=\"Calle Mayor 1\""), "{html}");
            if !cart.is_empty() {
                let cookie = changed.to_cookie(Uuid::nil());
                assert_eq!(cookie.contains(&format!(".53:{many}:1000")), many > 0, "{cookie}");
                assert_eq!(cookie.contains(".53:"), many > 0, "{cookie}");
            }
        }
    }

    #[test]
    fn a_quantity_that_cannot_be_read_changes_nothing() {
        let line = QuoteLine { book: 53.into(), title: String::new(), quantity: 2, price: 1, tax_rate: 0 };
        for (typed, expected) in [("", 2), ("x", 2), ("-1", 2), (" 3 ", 3), ("0", 0), ("300", 20)] {
            let typed = BTreeMap::from([("quantity-53".to_owned(), typed.to_owned())]);
            assert_eq!(wanted(&typed, &line), expected, "{typed:?}");
        }
        assert_eq!(wanted(&BTreeMap::new(), &line), 2, "a form of an earlier version has no quantities");
    }

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
            (&[("street", "4111 1111"), ("street2", "1111 1111")], "street"),
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
