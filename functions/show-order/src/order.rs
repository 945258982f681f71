//! An order for its buyer, and its state for everybody else who knows its address.

use frontend::{
    PageContext,
    pages::{OrderPage, OrderStep, OrderView},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    declaration::{Declaration, Resent},
    domain::{Email, Order, OrderId, SubmissionKey, VisitorId},
    quote::Quote,
    repo::{customers, orders},
    session::{Pool, Subject},
    shop::{Selling, Shop},
};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// An id that the shop has made.
pub async fn verified(app: &App, id: &str) -> Result<OrderId> {
    app.submission_key().await?.verify_order(id).ok_or(ApiError::NotFound)
}

/// The order of an id; none until it is decided.
pub async fn find(app: &App, id: OrderId) -> Result<Option<Order>> {
    Ok(app.database().read(async |connection| orders::find(connection, id).await).await?)
}

/// Whether the request comes from the browser or program that placed the order.
pub fn is_buyers(order: &Order, request: &Request) -> bool {
    let visitor = request.cookie(Request::VISITOR_COOKIE).and_then(VisitorId::of_cookie);
    visitor.is_some() && order.visitor == visitor
}

/// The customer of the request, if the order is the customer's.
pub async fn owner(app: &App, request: &Request, order: &Order) -> Result<Option<Subject>> {
    let Some(session) = app.session(request, Pool::Customers).await? else { return Ok(None) };
    let (subject, issued_at, id) = (session.subject, session.issued_at, order.id);
    let is_owner = app.database().read(async |c| {
        Ok(customers::session_is_valid(c, subject, issued_at).await? && orders::is_of_customer(c, id, subject).await?)
    });
    Ok(is_owner.await?.then_some(subject))
}

/// Whether the address is that of the order.
fn has_email(order: &Order, email: &str) -> bool {
    let given = Email::parse(email).ok();
    order.contact.as_ref().zip(given).is_some_and(|(contact, given)| contact.email.is_same(&given))
}

/// `GET /orders/{id}`, `GET /orders/{id}/cancel`, and `POST /orders/{id}` with the e-mail address. While the database is
/// away the page says that the shop has the order, because it has made the id only for what it has accepted.
pub async fn handle(app: &App, request: &Request) -> Result<Reply> {
    let key = app.submission_key().await?;
    let id = key.verify_order(request.segment(1)).ok_or(ApiError::NotFound)?;
    let (order, is_away) = match find(app, id).await {
        Ok(order) => (order, false),
        Err(error @ ApiError::Unavailable(_)) => {
            shared::error::log(&error);
            (None, true)
        }
        Err(error) => return Err(error),
    };
    let cancels = match request.segments().get(2).map(String::as_str) {
        None => request.raw_parameter(STEP) == Some("cancel"),
        Some("cancel") => true,
        Some(_) => return Err(ApiError::NotFound),
    };
    let email = if request.is_read() { None } else { request.form()?.remove("email") };
    // An address that is not the order's would make the cancellation of a buyer with the cookie one of somebody else.
    let is_by_email = order.as_ref().is_some_and(|order| email.as_deref().is_some_and(|email| has_email(order, email)));
    let customer = match &order {
        Some(order) => owner(app, request, order).await?,
        None => None,
    };
    let seen = match &order {
        None if is_away => OrderView::Unknown,
        None => OrderView::Received,
        Some(order) if is_buyers(order, request) || is_by_email || customer.is_some() => OrderView::Whole(order),
        Some(order) => OrderView::State(order.state),
    };
    let is_refused = matches!(seen, OrderView::State(_)) && email.is_some();
    let now = OffsetDateTime::now_utc();
    let step =
        if cancels { OrderStep::Cancels } else { declared(request, &key, id, (seen, order.as_ref(), customer), now) };
    let email = email.filter(|_| is_by_email || is_refused).unwrap_or_default();
    let context = PageContext::of(request).with_parameters(&[STEP, Declaration::PARAMETER, Resent::PARAMETER]);
    // It is not a parameter of the page: its link to look again begins at 0.
    let reloads = request.raw_parameter(OrderPage::RELOADS).and_then(|count| count.parse().ok()).unwrap_or_default();
    let is_resent = request.raw_parameter(Resent::PARAMETER).is_some_and(|text| Resent::is_of(text, &key, id));
    let sealed = sealed_again(&key, seen, now).unwrap_or_default();
    let (view, id, email, sealed) = (context.view(), &id.to_string(), &email, &sealed);
    let page = OrderPage { view, id, order: seen, step, email, sealed, reloads, is_resent };
    let status = match step {
        _ if is_away => 503,
        _ if is_refused => 422,
        _ => 200,
    };
    Ok(context.reply(status, &page)?.unstored())
}

/// What is available of the buyer's rejected order, for the checkout; none where nothing is, or the shop takes no orders.
fn sealed_again(key: &SubmissionKey, seen: OrderView, now: OffsetDateTime) -> Option<String> {
    let OrderView::Whole(order) = seen else { return None };
    let shop = frontend::shop().filter(|shop| Shop::selling(Some(shop)) == Selling::Yes)?;
    let lines = OrderPage::lines_again(order, shop);
    // It is a quote of all that is ordered, though of less than the order had.
    (!lines.is_empty()).then(|| Quote::new(shop, Uuid::new_v4(), lines, false).issued(now).seal(key))
}

/// The parameter of the first of two steps.
const STEP: &str = "step";

/// Whether the address of the page has a declaration that the shop has accepted. The buyer, who sees everything, is shown
/// only what came from the buyer. Of a withdrawal everybody learns whether it counts: who knows the
/// e-mail address can open the order, too.
fn declared(
    request: &Request,
    key: &SubmissionKey,
    id: OrderId,
    (seen, order, customer): (OrderView, Option<&Order>, Option<Subject>),
    now: OffsetDateTime,
) -> OrderStep {
    /// Longer than a decision takes while nothing is out of order.
    const SOON: Duration = Duration::minutes(1);
    let sealed = request.raw_parameter(Declaration::PARAMETER);
    let Some(declaration) = sealed.and_then(|sealed| Declaration::unseal(sealed, key, id)) else {
        return OrderStep::Reads;
    };
    let at = declaration.at;
    let is_of_buyer = order.is_some_and(|order| declaration.is_of_buyer(key, order, customer));
    match seen {
        OrderView::Whole(_) if !is_of_buyer => OrderStep::Reads,
        OrderView::State(state) if is_of_buyer && state.has_left_the_shop() => OrderStep::Withdraws { at },
        _ => OrderStep::Declared { at, is_late: now - at > SOON },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::{
        domain::{Email, OrderState},
        messages::AskedBy,
    };
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_order_is_shown_to_the_browser_that_has_the_number_and_not_to_one_with_the_stored_id() {
        let number = Uuid::parse_str("c56a4180-65aa-42ec-a945-5fd21dec0538").unwrap();
        let stored = VisitorId::of_number(number);
        for (cookie, visitor, is_buyer) in [
            (format!("visitor={number}"), Some(stored), true),
            (format!("visitor={number}.1767322800.AAAA"), Some(stored), true),
            (format!("visitor={}", stored.0), Some(stored), false),
            (format!("visitor={number}"), None, false),
            ("visitor=0b0fd2bd-5e6f-4d5e-8a39-3b8e2ae7f2a1".to_owned(), Some(stored), false),
            (String::new(), Some(stored), false),
            (String::new(), None, false),
        ] {
            let event = json!({ "httpMethod": "GET", "path": "/orders/x", "headers": { "cookie": cookie } });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            let order = Order { visitor, ..crate::tests::order() };
            assert_eq!(is_buyers(&order, &request), is_buyer, "{cookie}");
        }
    }

    #[test]
    fn a_page_confirms_a_declaration_that_the_shop_has_accepted_and_to_the_buyer_only_the_buyers() {
        let key = SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap();
        let order = Order { visitor: Some(VisitorId(Uuid::from_u128(7))), ..crate::tests::order() };
        let at = datetime!(2026-03-03 04:05:06 UTC);
        let seal = |asked_by| Declaration::new(&key, order.id, &asked_by, at).seal(&key);
        let email = |address| AskedBy::Email(Email::parse(address).unwrap());
        let buyers = seal(AskedBy::Visitor(VisitorId(Uuid::from_u128(7))));
        let strangers = seal(email("eva@example.org"));
        let declared = |late| OrderStep::Declared { at, is_late: late };
        let (whole, state) = (OrderView::Whole(&order), OrderView::State(order.state));
        let left = OrderView::State(OrderState::Delivered);
        for (query, seen, seconds, step) in [
            (format!("declared={buyers}"), whole, 2, declared(false)),
            (format!("declared={buyers}"), whole, 61, declared(true)),
            (format!("declared={}", seal(email("Ana@example.org"))), whole, 2, declared(false)),
            (format!("declared={strangers}"), whole, 2, OrderStep::Reads),
            (format!("declared={strangers}"), state, 2, declared(false)),
            (format!("declared={strangers}"), OrderView::Received, 2, declared(false)),
            (format!("declared={}", seal(email("Ana@example.org"))), state, 2, declared(false)),
            (format!("declared={}", seal(email("Ana@example.org"))), left, 2, OrderStep::Withdraws { at }),
            (format!("declared={strangers}"), left, 2, declared(false)),
            ("declared=yes".to_owned(), state, 2, OrderStep::Reads),
            ("step=cancelled".to_owned(), whole, 2, OrderStep::Reads),
            (String::new(), whole, 2, OrderStep::Reads),
        ] {
            let event = json!({ "requestContext": { "elb": {} }, "httpMethod": "GET", "path": "/orders/x",
                "queryStringParameters": query.split_once('=').map(|(name, value)| json!({ name: value })) });
            let request = Request::from_event(serde_json::from_value(event).unwrap(), "id");
            assert_eq!(
                super::declared(&request, &key, order.id, (seen, Some(&order), None), at + Duration::seconds(seconds)),
                step,
                "{query}"
            );
        }
    }

    #[test]
    fn the_address_of_an_order_is_compared_however_it_is_written() {
        let mut order = crate::tests::order();
        for (email, is_of_order) in
            [("ana@example.org", true), (" Ana@Example.ORG ", true), ("eva@example.org", false), ("", false)]
        {
            assert_eq!(has_email(&order, email), is_of_order, "{email}");
        }
        if let Some(contact) = &mut order.contact {
            contact.email = Email::parse("ana@café.example").unwrap();
        }
        for (email, is_of_order) in [
            ("ana@CAFÉ.example", true),
            ("Ana@xn--caf-dma.example", true),
            ("ana@cafe\u{301}.example", true),
            ("ana@cafe.example", false),
        ] {
            assert_eq!(has_email(&order, email), is_of_order, "{email}");
        }
        assert!(!has_email(&Order { contact: None, ..order }, ""), "of an order whose contact was erased");
    }
}
