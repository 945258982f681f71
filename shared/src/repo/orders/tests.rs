//! Orders on a fresh database each: decisions, the life of an order, and many buyers at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration as StdDuration,
};

use sqlx::{ConnectOptions, Connection, MySqlConnection, MySqlPool};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::*;
use crate::{
    domain::{
        Address, AddressText, BookId, CatalogueRow, Contact, Cursor, Delivery, DisplayName, Email, Fingerprint,
        Language, LineReason, Money, Order, OrderAction, OrderEvent, OrderLine, OrderNote, OrderReason, OwnOrder, Part,
        Payment, Quantity, Slice, Stars, SubmissionKey, TimeZone, VisitorId,
    },
    messages::{CustomerV1, OrderLineV1, OrderV1, RatingV1, SignedInBuyer, SignedInV1, Submission},
    repo::{
        catalogue, customers,
        fixtures::{minute, row, writer},
        ratings, shop_counts, sign_ins, stock, visitors,
    },
    session::Subject,
    shop::{BankTransfer, Collect, Payments, Seller, Selling, Ship, Shop, TaxRates, WhyNot},
    staff::{OrderErased, OrdersShown, StockChange, StockChanged, Waiting},
};

/// A change of an order before it is placed.
type Change<'a> = &'a dyn Fn(OrderV1) -> OrderV1;
/// Why an order is rejected, and which of its lines cannot be sold.
type Reasons = (OrderReason, Vec<(BookId, LineReason)>);
/// Name, lines, change, shop and outcome.
type Case<'a> = (&'a str, Vec<(BookId, i64)>, Change<'a>, Shop, Reasons);

fn euro(minor: u32) -> Money {
    Money { minor, currency: "EUR".into() }
}

fn shop() -> Shop {
    Shop {
        seller: Seller {
            name: "Anaquel".into(),
            tax_id: "B00000000".into(),
            address: "Calle Mayor 1, 28013 Madrid".into(),
            email: Email::parse("tienda@example.org").unwrap(),
            phone: "+34 910 000 000".into(),
            register: None,
        },
        currency: "EUR".into(),
        time_zone: TimeZone::default(),
        tax_rates: TaxRates { books: 400, delivery: 2_100 },
        collect: Some(Collect { place: "Calle Mayor 1".into(), ready_in_days: 2, keep_days: 7 }),
        ship: Some(Ship {
            price: 395,
            free_from: Some(100_000),
            days: 4,
            countries: vec!["ES".into()],
            delivered_after_days: 30,
        }),
        payments: Payments {
            on_collection: true,
            on_delivery: true,
            bank_transfer: Some(BankTransfer { holder: "Anaquel".into(), iban: "ES00".into(), days_to_pay: 5 }),
        },
        max_open_orders: 3,
        groups: 1,
        sells: Selling::Yes,
    }
}

fn key() -> SubmissionKey {
    SubmissionKey::parse(&format!("{}=", "A".repeat(43))).unwrap()
}

/// The shop limits the open orders of one address.
fn address(buyer: u128) -> Address {
    let text = AddressText {
        name: "Ana Ruiz".into(),
        street: vec![format!("Calle Mayor {buyer}")],
        postal_code: "28013".into(),
        place: "Madrid".into(),
        region: String::new(),
        country: "ES".into(),
    };
    Address::parse(&text).unwrap()
}

/// An order of one buyer, with delivery to an address, of books at 10.00.
fn order(buyer: u128, form: u32, lines: &[(BookId, i64)]) -> OrderV1 {
    let visitor = Uuid::from_u128(buyer);
    let books: u32 = lines.iter().map(|(_, quantity)| u32::try_from(*quantity).unwrap() * 1_000).sum();
    OrderV1 {
        order: key().order_id(visitor, &form.to_be_bytes()),
        customer: None,
        visitor: VisitorId::of_number(visitor),
        lines: lines
            .iter()
            .map(|(book, quantity)| OrderLineV1 {
                book: *book,
                quantity: Quantity::parse(*quantity).unwrap(),
                unit_price_seen: euro(1_000),
            })
            .collect(),
        delivery: Delivery::Ship,
        payment: Payment::OnDelivery,
        delivery_price_seen: euro(395),
        total_seen: euro(books + 395),
        contact: Contact {
            name: DisplayName::parse("Ana Ruiz").unwrap(),
            email: Email::parse(&format!("ana{buyer}@example.org")).unwrap(),
            phone: None,
        },
        address: Some(address(buyer)),
        note: None,
        language: Language::parse("es").unwrap(),
        fingerprint: Fingerprint::of(b""),
    }
    .with_fingerprint()
}

fn with_email(mut order: OrderV1, email: &str) -> OrderV1 {
    order.contact.email = Email::parse(email).unwrap();
    order
}

fn collected(order: OrderV1, payment: Payment) -> OrderV1 {
    let total_seen = euro(order.total_seen.minor - 395);
    let delivery_price_seen = euro(0);
    OrderV1 { delivery: Delivery::Collect, payment, address: None, delivery_price_seen, total_seen, ..order }
        .with_fingerprint()
}

fn message(order: &OrderV1) -> OrderMessage {
    OrderMessage::order(order.clone(), minute(0), None)
}

fn sweep() -> OrderMessage {
    OrderMessage { id: Uuid::new_v4(), sent_at: minute(0), request_id: None, content: OrderContent::Sweep {} }
}

/// A book at 10.00 with so many copies.
async fn book(connection: &mut MySqlConnection, reference: &str, copies: u32) -> BookId {
    offered(connection, reference, Some(euro(1_000)), copies).await
}

async fn offered(connection: &mut MySqlConnection, reference: &str, price: Option<Money>, copies: u32) -> BookId {
    let offer = CatalogueRow { price, stock: Some(copies), ..row(reference, reference, &["Ana María Matute"]) };
    catalogue::put(connection, &offer).await.unwrap();
    let id: u32 = sqlx::query_scalar("select id from books where reference = ?")
        .bind(reference)
        .fetch_one(connection)
        .await
        .unwrap();
    id.into()
}

async fn stock_of(connection: &mut MySqlConnection, book: BookId) -> u32 {
    sqlx::query_scalar("select stock from books where id = ?").bind(book.get()).fetch_one(connection).await.unwrap()
}

/// In a transaction of its own, as the consumer runs it.
async fn run(connection: &mut MySqlConnection, message: &OrderMessage, shop: &Shop, now: OffsetDateTime) -> Applied {
    let mut transaction = connection.begin().await.unwrap();
    let applied = apply(&mut transaction, message, shop, now).await.unwrap();
    transaction.commit().await.unwrap();
    applied
}

async fn place(connection: &mut MySqlConnection, order: &OrderV1) -> OrderOutcome {
    match run(connection, &message(order), &shop(), minute(1)).await {
        Applied::Decided { outcome, .. } => outcome,
        other => panic!("{other:?}"),
    }
}

async fn staff(connection: &mut MySqlConnection, order: &OrderV1, action: OrderAction, now: OffsetDateTime) -> Applied {
    let number = found(connection, order).await.number;
    let mut transaction = connection.begin().await.unwrap();
    let applied = act(&mut transaction, Uuid::new_v4(), number, action, &shop(), now).await.unwrap();
    transaction.commit().await.unwrap();
    applied
}

async fn found(connection: &mut MySqlConnection, order: &OrderV1) -> Order {
    find(connection, order.order).await.unwrap().unwrap()
}

fn cancelled_by(order: &OrderV1, asked_by: AskedBy) -> OrderMessage {
    OrderMessage::cancel(order.order, asked_by, minute(2), None)
}

fn by_cookie(order: &OrderV1) -> AskedBy {
    AskedBy::Visitor(order.visitor)
}

/// Just after most of what a test does.
fn soon() -> Moment {
    Moment::of(minute(9), Duration::minutes(5))
}

async fn assert_sound(connection: &mut MySqlConnection) {
    assert_sound_at(connection, soon()).await;
}

/// Some days later, with all mails handed over.
async fn assert_sound_after(connection: &mut MySqlConnection, days: i64) {
    sqlx::query("update mails set sent_at = created_at where is_unsent = 1").execute(&mut *connection).await.unwrap();
    assert_sound_at(connection, Moment::of(minute(1) + Duration::days(days), Duration::minutes(5))).await;
}

async fn assert_sound_at(connection: &mut MySqlConnection, moment: Moment) {
    assert_eq!(verify(connection, moment).await.unwrap(), []);
    let kept = shop_counts::read(connection).await.unwrap().in_stock;
    shop_counts::recount(connection).await.unwrap();
    let counted = shop_counts::read(connection).await.unwrap().in_stock;
    assert_eq!(kept, counted, "the number of books in stock follows the stock");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_order_takes_copies_and_is_kept_as_it_was_decided(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 3).await, book(&mut connection, "dos", 1).await];
    sqlx::query("update books set tax_rate = 2100 where id = ?").bind(two.get()).execute(&pool).await.unwrap();
    let order = order(1, 1, &[(two, 1), (one, 2)]);
    assert_eq!(place(&mut connection, &order).await, OrderOutcome::Accepted(OrderState::Confirmed));
    assert_eq!((stock_of(&mut connection, one).await, stock_of(&mut connection, two).await), (1, 0));

    sqlx::query("update books set title = 'otro', price = 9999").execute(&pool).await.unwrap();
    let kept = found(&mut connection, &order).await;
    assert_eq!(kept.lines.iter().map(|line| line.title.as_str()).collect::<Vec<_>>(), ["dos", "uno"]);
    assert_eq!((kept.total, kept.charged, kept.delivery_price), (euro(3_395), euro(3_395), euro(395)));
    let taxes: Vec<_> = kept.taxes.iter().map(|part| (part.rate, part.gross.minor, part.tax.minor)).collect();
    assert_eq!(taxes, [(400, 2_000, 77), (2_100, 1_395, 242)]);
    assert_eq!(kept.contact, Some(order.contact.clone()));
    assert_eq!((kept.address, kept.state, kept.paid_at), (order.address.clone(), OrderState::Confirmed, None));
    let states: Vec<_> = kept.history.iter().map(|change| (change.state, change.at)).collect();
    assert_eq!(states, [(OrderState::Received, minute(0)), (OrderState::Confirmed, minute(1))]);
    assert!(kept.number.0 > 100_000);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_cannot_be_sold_as_the_buyer_saw_it_is_rejected_with_its_reasons_and_nothing_moves(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [here, few] = [book(&mut connection, "aqui", 30).await, book(&mut connection, "poco", 2).await];
    let dollars = book(&mut connection, "dolares", 9).await;
    let request = offered(&mut connection, "encargo", None, 9).await;
    let withdrawn = book(&mut connection, "retirado", 9).await;
    sqlx::query("delete from books where id = ?").bind(withdrawn.get()).execute(&pool).await.unwrap();
    shop_counts::recount(&mut connection).await.unwrap();
    sqlx::query("update books set currency = 'USD' where id = ?").bind(dollars.get()).execute(&pool).await.unwrap();
    let lines = |lines: &[(BookId, LineReason)]| (OrderReason::Lines, lines.to_vec());
    let whole = |reason| (reason, Vec::new());
    let seen = |unit: u32, delivery: u32, total: u32| {
        move |mut order: OrderV1| {
            order.lines[0].unit_price_seen = euro(unit);
            OrderV1 { delivery_price_seen: euro(delivery), total_seen: euro(total), ..order }
        }
    };
    let cheaper = seen(999, 395, 1_395);
    let for_nothing = seen(0, 0, 0);
    let cheaper_delivery = seen(1_000, 394, 1_395);
    let cheaper_total = seen(1_000, 395, 1_395);
    let abroad = |mut order: OrderV1| {
        order.address.as_mut().unwrap().country = crate::domain::Country::parse("FR").unwrap();
        order
    };
    let to_the_canaries = |mut order: OrderV1| {
        order.address.as_mut().unwrap().postal_code = Some("35002".into());
        order
    };
    let in_dollars = |mut order: OrderV1| {
        order.lines[0].unit_price_seen.currency = "USD".into();
        order
    };
    let total_in_dollars = |mut order: OrderV1| {
        order.total_seen.currency = "USD".into();
        order.delivery_price_seen.currency = "USD".into();
        order
    };
    let same = |order: OrderV1| order;
    let no_shop = || Shop { sells: Selling::No(WhyNot::NoMail), ..shop() };
    let no_ship = || Shop { ship: None, ..shop() };
    let unpaid = || Shop { payments: Payments { on_delivery: false, ..shop().payments }, ..shop() };
    let usd = Money { minor: 1_000, currency: "USD".into() };
    let cases: Vec<Case<'_>> = vec![
        ("no such book", vec![(999.into(), 1)], &same, shop(), lines(&[(999.into(), LineReason::NoSuchBook)])),
        (
            "withdrawn beside one that is there",
            vec![(here, 1), (withdrawn, 1)],
            &same,
            shop(),
            lines(&[(withdrawn, LineReason::NoSuchBook)]),
        ),
        ("on request", vec![(request, 1)], &same, shop(), lines(&[(request, LineReason::WithoutPrice)])),
        (
            "two currencies",
            vec![(here, 1), (dollars, 1)],
            &same,
            shop(),
            lines(&[(dollars, LineReason::OtherCurrency { now: usd.clone() })]),
        ),
        ("in dollars", vec![(dollars, 1)], &same, shop(), lines(&[(dollars, LineReason::OtherCurrency { now: usd })])),
        (
            "seen in dollars",
            vec![(here, 1)],
            &in_dollars,
            shop(),
            lines(&[(here, LineReason::OtherCurrency { now: euro(1_000) })]),
        ),
        ("too few", vec![(here, 1), (few, 3)], &same, shop(), lines(&[(few, LineReason::OutOfStock { left: 2 })])),
        ("dearer", vec![(here, 1)], &cheaper, shop(), lines(&[(here, LineReason::PriceAbove { now: euro(1_000) })])),
        (
            "forged to nothing",
            vec![(here, 1)],
            &for_nothing,
            shop(),
            lines(&[(here, LineReason::PriceAbove { now: euro(1_000) })]),
        ),
        (
            "delivery dearer",
            vec![(here, 1)],
            &cheaper_delivery,
            shop(),
            whole(OrderReason::DeliveryPriceAbove { now: euro(395) }),
        ),
        ("total forged", vec![(here, 2)], &cheaper_total, shop(), whole(OrderReason::TotalAbove { now: euro(2_395) })),
        (
            "total in dollars",
            vec![(here, 1)],
            &total_in_dollars,
            shop(),
            whole(OrderReason::DeliveryPriceAbove { now: euro(395) }),
        ),
        ("abroad", vec![(here, 1)], &abroad, shop(), whole(OrderReason::CountryNotServed)),
        ("another tax", vec![(here, 1)], &to_the_canaries, shop(), whole(OrderReason::CountryNotServed)),
        ("no delivery", vec![(here, 1)], &same, no_ship(), whole(OrderReason::DeliveryNotOffered)),
        ("payment not accepted", vec![(here, 1)], &same, unpaid(), whole(OrderReason::PaymentNotAccepted)),
        ("not selling", vec![(here, 1)], &same, no_shop(), whole(OrderReason::NotSelling)),
    ];
    for (form, (name, wanted, change, shop, (reason, reasons))) in (1..).zip(cases) {
        let order = change(order(1, form, &wanted)).with_fingerprint();
        let applied = run(&mut connection, &message(&order), &shop, minute(1)).await;
        let Applied::Decided { outcome, .. } = applied else { panic!("{name}: {applied:?}") };
        assert_eq!(outcome, OrderOutcome::Rejected(reason.clone()), "{name}");
        let kept = found(&mut connection, &order).await;
        assert_eq!((kept.state, kept.rejection, kept.total.minor), (OrderState::Rejected, Some(reason), 0), "{name}");
        let kept: Vec<_> = kept.lines.into_iter().filter_map(|line| Some((line.book, line.reason?))).collect();
        assert_eq!(kept, reasons, "{name}");
    }
    assert_eq!((stock_of(&mut connection, here).await, stock_of(&mut connection, few).await), (30, 2));
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_costs_less_than_the_buyer_saw_is_charged_less(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 4).await;
    let mut forged = order(1, 1, &[(id, 1)]);
    forged.lines[0].unit_price_seen = euro(5_000);
    let forged = OrderV1 { delivery_price_seen: euro(4_000), total_seen: euro(9_000), ..forged }.with_fingerprint();
    assert_eq!(place(&mut connection, &forged).await, OrderOutcome::Accepted(OrderState::Confirmed));
    let kept = found(&mut connection, &forged).await;
    assert_eq!((kept.total, kept.charged, kept.delivery_price), (euro(1_395), euro(1_395), euro(395)), "forged");
    sqlx::query("update books set price = 900").execute(&pool).await.unwrap();
    let order = order(1, 2, &[(id, 2)]);
    assert_eq!(place(&mut connection, &order).await, OrderOutcome::Accepted(OrderState::Confirmed));
    let kept = found(&mut connection, &order).await;
    assert_eq!((kept.total, kept.charged), (euro(2_195), euro(2_195)));
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_repeated_key_is_one_order_and_another_body_is_recorded(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let first = order(1, 1, &[(id, 2)]);
    let other_body = order(1, 1, &[(id, 5)]);
    let of_another_buyer = order(2, 1, &[(id, 1)]);
    assert_eq!(first.order, other_body.order);
    for (sent, expected) in [
        (&first, "decided"),
        (&first, "repeated"),
        (&other_body, "otherwise"),
        (&other_body, "repeated"),
        (&of_another_buyer, "decided"),
    ] {
        let applied = match run(&mut connection, &message(sent), &shop(), minute(1)).await {
            Applied::Decided { .. } => "decided",
            Applied::Repeated { .. } => "repeated",
            Applied::RepeatedOtherwise { .. } => "otherwise",
            other => panic!("{other:?}"),
        };
        assert_eq!(applied, expected);
    }
    assert_eq!(stock_of(&mut connection, id).await, 6);
    let kept = found(&mut connection, &first).await;
    assert_eq!((kept.lines[0].quantity, kept.repeated_at.is_some()), (2, true));
    assert_eq!(found(&mut connection, &of_another_buyer).await.repeated_at, None);
    let effects: Vec<String> =
        sqlx::query_scalar("select effect from order_messages order by effect").fetch_all(&pool).await.unwrap();
    assert_eq!(effects, ["confirmed", "confirmed", "repeated"]);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn only_the_buyer_cancels_and_what_has_left_the_shop_stays_as_it_is(pool: MySqlPool) {
    use OrderState::{Cancelled, Shipped};
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 20).await;
    let email = |text: &str| AskedBy::Email(Email::parse(text).unwrap());
    let stranger = AskedBy::Visitor(VisitorId::of_number(Uuid::from_u128(9)));
    let refused = |refusal| Err(refusal);
    for (form, (action, asked_by, expected)) in (1_u32..).zip([
        (None, None, Ok(Cancelled)),
        (None, Some(email("ANA1@example.org")), Ok(Cancelled)),
        (None, Some(email("Ana1@ｅｘａｍｐｌｅ.org")), Ok(Cancelled)),
        (None, Some(email("eva@example.org")), refused(Refusal::NotTheBuyer)),
        (None, Some(stranger), refused(Refusal::NotTheBuyer)),
        (Some(OrderAction::Shipped), None, Ok(Shipped)),
        (Some(OrderAction::Shipped), Some(email("eva@example.org")), refused(Refusal::NotTheBuyer)),
        (Some(OrderAction::Cancel(None)), None, refused(Refusal::NotFrom { from: Cancelled, to: Cancelled })),
    ]) {
        let order = order(1, form, &[(id, 2)]);
        let shop = Shop { max_open_orders: 100, ..shop() };
        run(&mut connection, &message(&order), &shop, minute(1)).await;
        if let Some(action) = action {
            staff(&mut connection, &order, action, minute(2)).await;
        }
        let cancel = cancelled_by(&order, asked_by.unwrap_or(by_cookie(&order)));
        let outcome = match run(&mut connection, &cancel, &shop, minute(3)).await {
            Applied::Changed { state, .. } => Ok(state),
            Applied::Withdrawn { .. } => Ok(found(&mut connection, &order).await.state),
            Applied::Refused { refusal, .. } => Err(refusal),
            other => panic!("{other:?}"),
        };
        assert_eq!(outcome, expected);
        let declared = declared_at(&mut connection, order.order).await.unwrap();
        assert_eq!(declared, outcome.clone().ok().map(|_| cancel.sent_at), "of the buyer's own cancellation only");
        let shown = found(&mut connection, &order).await.refused.map(|refused| (refused.sent_at, refused.status));
        let is_shown = matches!(outcome, Err(Refusal::NotFrom { .. }));
        assert_eq!(shown, is_shown.then_some((cancel.sent_at, Cancelled)), "to the buyer, and of the buyer only");
        assert_eq!(run(&mut connection, &cancel, &shop, minute(4)).await, Applied::Repeated { order: order.order });
    }
    // Four of eight were cancelled.
    assert_eq!(stock_of(&mut connection, id).await, 12);
    let unknown = cancelled_by(&order(7, 7, &[(id, 1)]), email("ana@example.org"));
    let applied = run(&mut connection, &unknown, &shop(), minute(5)).await;
    assert_eq!(applied, Applied::Refused { order: None, refusal: Refusal::NoSuchOrder });
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_cancellation_that_comes_before_its_order_is_kept_for_the_order_of_its_sender(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 20).await;
    let email = |text: &str| Some(AskedBy::Email(Email::parse(text).unwrap()));
    let stranger = Some(AskedBy::Visitor(VisitorId::of_number(Uuid::from_u128(9))));
    let accepted = || OrderOutcome::Accepted(OrderState::Confirmed);
    let cancelled = || OrderOutcome::Rejected(OrderReason::Cancelled);
    let shop = Shop { max_open_orders: 100, ..shop() };
    for (form, (name, asked_by, sweeps_at, expected)) in (1_u32..).zip([
        ("nobody", vec![], None, accepted()),
        ("the cookie", vec![None], None, cancelled()),
        ("the address", vec![email("ANA1@example.org")], None, cancelled()),
        ("both", vec![None, email("ana1@example.org")], None, cancelled()),
        ("another cookie", vec![stranger.clone()], None, accepted()),
        ("another address", vec![email("eva@example.org")], None, accepted()),
        ("a stranger and the buyer", vec![stranger, None], None, cancelled()),
        ("weeks later", vec![None], Some(Duration::days(41)), cancelled()),
        ("too late", vec![None], Some(Duration::days(42)), accepted()),
    ]) {
        let order = order(1, form, &[(id, 1)]);
        let before = stock_of(&mut connection, id).await;
        let cancellations: Vec<_> =
            asked_by.into_iter().map(|asker| cancelled_by(&order, asker.unwrap_or(by_cookie(&order)))).collect();
        for cancel in &cancellations {
            run(&mut connection, cancel, &shop, minute(1)).await;
        }
        if let Some(age) = sweeps_at {
            run(&mut connection, &sweep(), &shop, minute(1) + age).await;
        }
        let decided = run(&mut connection, &message(&order), &shop, minute(3)).await;
        let Applied::Decided { outcome, .. } = decided else { panic!("{name}: {decided:?}") };
        assert_eq!(outcome, expected, "{name}");
        let declared = declared_at(&mut connection, order.order).await.unwrap();
        assert_eq!(declared, (expected == cancelled()).then(|| minute(2)), "{name}");
        for cancel in &cancellations {
            assert_eq!(run(&mut connection, cancel, &shop, minute(4)).await, Applied::Repeated { order: order.order });
        }
        let is_sold = expected == accepted();
        assert_eq!(stock_of(&mut connection, id).await, before - u32::from(is_sold), "{name}");
        let mails = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap();
        let event = if is_sold { OrderEvent::Confirmed } else { OrderEvent::Rejected };
        assert_eq!(mails.iter().map(|mail| mail.event).collect::<Vec<_>>(), [event], "{name}");
    }
    let remembered = async |connection: &mut MySqlConnection| {
        let askers: i64 = sqlx::query_scalar("select count(*) from order_messages where asked_by is not null")
            .fetch_one(connection)
            .await
            .unwrap();
        askers
    };
    assert_eq!(remembered(&mut connection).await, 0, "those of strangers too, once their time is over");
    let [late, other] = [order(2, 1, &[(id, 1)]), order(3, 1, &[(id, 1)])];
    for order in [&late, &other] {
        run(&mut connection, &cancelled_by(order, by_cookie(order)), &shop, minute(5)).await;
    }
    assert_eq!(remembered(&mut connection).await, 2);
    forget_visitor(&mut connection, late.visitor).await.unwrap();
    assert_eq!(remembered(&mut connection).await, 1, "who is erased leaves no cancellation");
    run(&mut connection, &sweep(), &shop, minute(6) + early::KEEP).await;
    assert_eq!(remembered(&mut connection).await, 0);
    assert_sound_after(&mut connection, 42).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn messages_without_an_effect_are_recorded_for_ninety_days_and_those_of_strangers_twenty_times(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 20).await;
    let [placed, never, cancelled] = [order(1, 1, &[(id, 1)]), order(2, 1, &[(id, 1)]), order(3, 1, &[(id, 1)])];
    for order in [&placed, &cancelled] {
        run(&mut connection, &message(order), &shop(), minute(1)).await;
    }
    let other_body = OrderV1 { note: OrderNote::parse("Hola").ok(), ..placed.clone() }.with_fingerprint();
    run(&mut connection, &message(&other_body), &shop(), minute(2)).await;
    for stranger in 0..50 {
        let email = Email::parse(&format!("eva{stranger}@example.org")).unwrap();
        for order in [&placed, &never] {
            let cancel = cancelled_by(order, AskedBy::Email(email.clone()));
            let Applied::Refused { .. } = run(&mut connection, &cancel, &shop(), minute(2)).await else {
                panic!("{stranger}")
            };
            if stranger == 49 {
                let again = run(&mut connection, &cancel, &shop(), minute(3)).await;
                assert!(!matches!(again, Applied::Changed { .. }), "{again:?}");
            }
        }
    }
    let cancel = cancelled_by(&cancelled, by_cookie(&cancelled));
    run(&mut connection, &cancel, &shop(), minute(2)).await;
    staff(&mut connection, &cancelled, OrderAction::Shipped, minute(3)).await;
    let count = async |connection: &mut MySqlConnection, order: &OrderV1| {
        let rows: i64 = sqlx::query_scalar("select count(*) from order_messages where order_id = ?")
            .bind(order.order.uuid())
            .fetch_one(connection)
            .await
            .unwrap();
        rows
    };
    for (days, of_placed, of_never, of_cancelled) in [(0, 22, 50, 3), (89, 22, 50, 3), (91, 1, 0, 3)] {
        let now = minute(3) + Duration::days(days);
        while let Applied::Swept { more: true, .. } = run(&mut connection, &sweep(), &shop(), now).await {}
        let mut rows = Vec::new();
        for order in [&placed, &never, &cancelled] {
            rows.push(count(&mut connection, order).await);
        }
        assert_eq!(rows, [of_placed, of_never, of_cancelled], "after {days} days");
    }
    assert_eq!(run(&mut connection, &cancel, &shop(), minute(4)).await, Applied::Repeated { order: cancelled.order });
    assert!(declared_at(&mut connection, cancelled.order).await.unwrap().is_some());
    assert_eq!(stock_of(&mut connection, id).await, 19);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_order_and_its_cancellation_at_once_end_cancelled(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 50).await;
    let shop = Shop { max_open_orders: 100, ..shop() };
    let orders: Vec<_> = (1..=20).map(|form| order(u128::from(form), form, &[(id, 1)])).collect();
    let all = orders.iter().flat_map(|order| [message(order), cancelled_by(order, by_cookie(order))]);
    let running: Vec<_> = all
        .map(|message| {
            let (pool, shop) = (pool.clone(), shop.clone());
            tokio::spawn(async move {
                let mut connection = client_of(&pool).await;
                patiently(&mut connection, &message, &shop).await
            })
        })
        .collect();
    for task in running {
        task.await.unwrap();
    }
    for order in &orders {
        let state = found(&mut connection, order).await.state;
        assert!(matches!(state, OrderState::Cancelled | OrderState::Rejected), "{state}");
    }
    assert_eq!(stock_of(&mut connection, id).await, 50);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_buyer_withdraws_from_what_has_left_the_shop_once_and_the_staff_waits_for_the_books(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let order = order(1, 1, &[(id, 2)]);
    place(&mut connection, &order).await;
    for (minutes, action) in [(2, OrderAction::Shipped), (3, OrderAction::Delivered)] {
        staff(&mut connection, &order, action, minute(minutes)).await;
    }
    assert!(list(&mut connection, true, None, 10).await.unwrap().is_empty());
    let number = found(&mut connection, &order).await.number;
    let declared = OrderMessage { sent_at: minute(8), ..cancelled_by(&order, by_cookie(&order)) };
    let withdrawn = run(&mut connection, &declared, &shop(), minute(9)).await;
    assert_eq!(withdrawn, Applied::Withdrawn { order: order.order, number });
    let again = run(&mut connection, &cancelled_by(&order, by_cookie(&order)), &shop(), minute(10)).await;
    assert_eq!(again, Applied::Repeated { order: order.order });
    let kept = found(&mut connection, &order).await;
    assert_eq!((kept.state, kept.withdrawn_at), (OrderState::Delivered, Some(minute(8))), "when it was sent");
    let mails = unsent_mails(&mut connection, Some(order.order), 50).await.unwrap();
    assert_eq!(mails.iter().filter(|mail| mail.event == OrderEvent::Withdrawn).count(), 1);
    let waiting = list(&mut connection, true, None, 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].withdrawn_at), (1, Some(minute(8))));
    staff(&mut connection, &order, OrderAction::Return(None), minute(20)).await;
    assert!(list(&mut connection, true, None, 10).await.unwrap().is_empty());
    assert_eq!(stock_of(&mut connection, id).await, 9);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_is_paid_waits_for_its_buyer_as_long_as_it_takes(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let order = collected(order(1, 1, &[(id, 1)]), Payment::BankTransfer);
    place(&mut connection, &order).await;
    for action in [OrderAction::Paid, OrderAction::Ready] {
        staff(&mut connection, &order, action, minute(2)).await;
    }
    run(&mut connection, &sweep(), &shop(), minute(2) + Duration::days(300)).await;
    assert_eq!(found(&mut connection, &order).await.state, OrderState::Ready);
    assert_eq!(stock_of(&mut connection, id).await, 8);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_refused_action_is_refused_again_when_it_is_repeated(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let order = order(1, 1, &[(id, 1)]);
    place(&mut connection, &order).await;
    run(&mut connection, &cancelled_by(&order, by_cookie(&order)), &shop(), minute(2)).await;
    let number = found(&mut connection, &order).await.number;
    let refusal = Refusal::NotFrom { from: OrderState::Cancelled, to: OrderState::Shipped };
    let action = Uuid::new_v4();
    for _ in 0..2 {
        let applied = act(&mut connection, action, number, OrderAction::Shipped, &shop(), minute(3)).await.unwrap();
        assert_eq!(applied, Applied::Refused { order: Some(order.order), refusal: refusal.clone() });
    }
}

/// The shelf has what nobody ordered, and what is sold and has not left.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn copies_that_open_orders_wait_for_are_counted_on_the_shelf_and_not_sold_twice(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 10).await;
    let [waits, leaves, cancelled] = [1, 2, 3].map(|form| order(1, form, &[(id, 2)]));
    for order in [&waits, &leaves, &cancelled] {
        place(&mut connection, order).await;
    }
    let count = async |connection: &mut MySqlConnection, copies| {
        let change = StockChange::Counted(copies);
        let changed = stock::change(connection, Uuid::new_v4(), id, change, "count", minute(5)).await.unwrap();
        match changed {
            StockChanged::Now { stock, set_aside, .. } => (stock, set_aside, true),
            StockChanged::TooFew { stock, set_aside, .. } => (stock, set_aside, false),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(count(&mut connection, 10).await, (4, 6, true));
    assert_eq!(count(&mut connection, 5).await, (4, 6, false), "a copy that an order waits for is missing");
    assert_eq!(count(&mut connection, 6).await, (0, 6, true));
    let damaged =
        stock::change(&mut connection, Uuid::new_v4(), id, StockChange::Damaged(1), "x", minute(5)).await.unwrap();
    assert!(matches!(damaged, StockChanged::TooFew { stock: 0, set_aside: 6, .. }), "{damaged:?}");
    assert_eq!(count(&mut connection, 10).await, (4, 6, true));
    run(&mut connection, &cancelled_by(&cancelled, by_cookie(&cancelled)), &shop(), minute(6)).await;
    // A file says what lay there at minute 7: ten. Since then, two have left.
    staff(&mut connection, &leaves, OrderAction::Shipped, minute(8)).await;
    let file = CatalogueRow {
        price: Some(euro(1_000)),
        stock: Some(10),
        stock_counted_at: Some(minute(7)),
        ..row("uno", "uno", &["Ana María Matute"])
    };
    catalogue::put(&mut connection, &file).await.unwrap();
    assert_eq!(stock_of(&mut connection, id).await, 6, "ten, without two that left and two that wait");
    assert_sound(&mut connection).await;
}

/// The contact of an order goes after some time, and copies of it may come back later.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mail_that_nobody_can_get_is_not_written_and_one_of_another_version_holds_up_no_other(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let [forgotten, fresh] = [1, 2].map(|buyer| order(buyer, 1, &[(id, 15)]));
    place(&mut connection, &forgotten).await;
    for action in [OrderAction::Shipped, OrderAction::Delivered] {
        staff(&mut connection, &forgotten, action, minute(2)).await;
    }
    run(&mut connection, &sweep(), &shop(), minute(2) + Duration::days(61)).await;
    for _ in 0..12 {
        let one = OrderAction::Return(Some(Part { book: id, copies: Some(1) }));
        staff(&mut connection, &forgotten, one, minute(9)).await;
    }
    let unknown = "insert into mails (order_number, event, source, created_at)
                   select number, 'of_tomorrow', unhex(md5(n.seq)), now() from orders, seq_1_to_12 n";
    sqlx::query(unknown).execute(&mut *connection).await.unwrap();
    place(&mut connection, &fresh).await;
    let mut transaction = connection.begin().await.unwrap();
    let mails = lock_unsent_mails(&mut transaction, 10).await.unwrap();
    assert_eq!(mails.iter().map(|mail| mail.order).collect::<Vec<_>>(), [fresh.order]);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_part_is_cancelled_or_returned_and_the_rest_is_charged(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 5).await, book(&mut connection, "dos", 5).await];
    let order = order(1, 1, &[(one, 3), (two, 1)]);
    place(&mut connection, &order).await;
    let part = |book, copies| Some(Part { book, copies: Some(copies) });
    for (action, state, charged, stocks) in [
        (OrderAction::Cancel(part(one, 1)), OrderState::Confirmed, 3_395, (3, 4)),
        (OrderAction::Shipped, OrderState::Shipped, 3_395, (3, 4)),
        (OrderAction::Delivered, OrderState::Delivered, 3_395, (3, 4)),
        (OrderAction::Return(part(two, 1)), OrderState::Delivered, 2_395, (3, 5)),
        (OrderAction::Return(None), OrderState::Returned, 0, (5, 5)),
    ] {
        let applied = staff(&mut connection, &order, action, minute(5)).await;
        assert!(matches!(applied, Applied::Changed { state: now, .. } if now == state), "{action:?}: {applied:?}");
        let kept = found(&mut connection, &order).await;
        assert_eq!((kept.charged.minor, kept.total.minor), (charged, 4_395), "{action:?}");
        let now = (stock_of(&mut connection, one).await, stock_of(&mut connection, two).await);
        assert_eq!(now, stocks, "{action:?}");
        assert_eq!(verify(&mut connection, soon()).await.unwrap(), [], "{action:?}");
    }
    let kept = found(&mut connection, &order).await;
    assert_eq!(kept.lines.iter().map(|line| (line.cancelled, line.returned)).collect::<Vec<_>>(), [(1, 2), (0, 1)]);
    assert_eq!(kept.paid_at, Some(minute(5)), "the carrier has brought the money");
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_order_that_is_not_paid_or_not_collected_in_time_expires_once(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let unpaid = order(1, 1, &[(id, 1)]);
    let unpaid = OrderV1 { payment: Payment::BankTransfer, ..unpaid }.with_fingerprint();
    let paid = OrderV1 { payment: Payment::BankTransfer, ..order(1, 2, &[(id, 1)]) }.with_fingerprint();
    let uncollected = collected(order(1, 3, &[(id, 1)]), Payment::OnCollection);
    for order in [&unpaid, &paid] {
        assert_eq!(place(&mut connection, order).await, OrderOutcome::Accepted(OrderState::AwaitingPayment));
    }
    assert_eq!(place(&mut connection, &uncollected).await, OrderOutcome::Accepted(OrderState::Confirmed));
    staff(&mut connection, &paid, OrderAction::Paid, minute(2)).await;
    staff(&mut connection, &uncollected, OrderAction::Ready, minute(2)).await;
    for (at, expired, states) in [
        (minute(1) + Duration::days(4), 0, [OrderState::AwaitingPayment, OrderState::Ready]),
        (minute(1) + Duration::days(5), 1, [OrderState::Expired, OrderState::Ready]),
        (minute(2) + Duration::days(7), 1, [OrderState::Expired, OrderState::Expired]),
        (minute(2) + Duration::days(30), 0, [OrderState::Expired, OrderState::Expired]),
    ] {
        let applied = run(&mut connection, &sweep(), &shop(), at).await;
        assert_eq!(applied, Applied::Swept { expired, more: expired > 0 });
        let now = [found(&mut connection, &unpaid).await.state, found(&mut connection, &uncollected).await.state];
        assert_eq!(now, states, "{at}");
    }
    let paid = found(&mut connection, &paid).await;
    assert_eq!((paid.state, paid.paid_at), (OrderState::Confirmed, Some(minute(2))));
    assert_eq!(stock_of(&mut connection, id).await, 8);
    let late = staff(&mut connection, &unpaid, OrderAction::Paid, minute(9)).await;
    let refusal = Refusal::NotFrom { from: OrderState::Expired, to: OrderState::Confirmed };
    assert_eq!(late, Applied::Refused { order: Some(unpaid.order), refusal });
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_ready_order_is_kept_as_long_as_it_was_agreed_whatever_the_shop_offers_by_then(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let collecting =
        |keep_days| Shop { collect: shop().collect.map(|collect| Collect { keep_days, ..collect }), ..shop() };
    let stopped = || Shop { collect: None, ..shop() };
    for (form, (placed_in, agreed, ready_in, days)) in (1_u32..).zip([
        (collecting(7), true, collecting(7), 7),
        (collecting(10), true, collecting(3), 10),
        (collecting(10), true, stopped(), 10),
        // Of a version that did not note the days.
        (collecting(10), false, collecting(3), 3),
        (collecting(10), false, stopped(), 7),
    ]) {
        let order = collected(order(u128::from(form), form, &[(id, 1)]), Payment::OnCollection);
        run(&mut connection, &message(&order), &placed_in, minute(1)).await;
        let number = found(&mut connection, &order).await.number;
        if !agreed {
            sqlx::query("update orders set keep_days = null where number = ?")
                .bind(number.0)
                .execute(&pool)
                .await
                .unwrap();
        }
        let mut transaction = connection.begin().await.unwrap();
        act(&mut transaction, Uuid::new_v4(), number, OrderAction::Ready, &ready_in, minute(2)).await.unwrap();
        transaction.commit().await.unwrap();
        let until = found(&mut connection, &order).await.expires_at;
        assert_eq!(until, Some(minute(2) + Duration::days(days)), "{days} days");
    }
    run(&mut connection, &sweep(), &stopped(), minute(2) + Duration::days(10)).await;
    assert_eq!(stock_of(&mut connection, id).await, 9, "the copies are free again");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_buyer_has_so_many_unpaid_orders_at_once_by_any_spelling_of_the_address(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let mut orders = Vec::new();
    for form in 1..=3 {
        orders.push(order(1, form, &[(id, 1)]));
        let accepted = place(&mut connection, orders.last().unwrap()).await;
        assert_eq!(accepted, OrderOutcome::Accepted(OrderState::Confirmed));
    }
    let mut fourth = order(2, 4, &[(id, 1)]);
    fourth.contact.email = Email::parse("Ana1@Example.org").unwrap();
    let fourth = fourth.with_fingerprint();
    let rejected = OrderOutcome::Rejected(OrderReason::TooManyOpen { max: 3 });
    assert_eq!(place(&mut connection, &fourth).await, rejected);
    assert_eq!(place(&mut connection, &order(3, 1, &[(id, 1)])).await, OrderOutcome::Accepted(OrderState::Confirmed));
    run(&mut connection, &cancelled_by(&orders[0], by_cookie(&orders[0])), &shop(), minute(3)).await;
    assert_eq!(place(&mut connection, &order(1, 5, &[(id, 1)])).await, OrderOutcome::Accepted(OrderState::Confirmed));
}

/// Placed and cancelled in each way of writing the address.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_address_is_the_same_for_the_limit_and_the_cancellation_however_it_is_written(pool: MySqlPool) {
    const WAYS: [&str; 4] =
        ["ana@CAFÉ.example", "ana@café.example", "ana@xn--caf-dma.example", "Ana@cafe\u{301}.example"];
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let placed = |buyer, email| with_email(order(buyer, 1, &[(id, 1)]), email);
    for (buyer, email) in (1..).zip(&WAYS[..3]) {
        let accepted = place(&mut connection, &placed(buyer, email)).await;
        assert_eq!(accepted, OrderOutcome::Accepted(OrderState::Confirmed), "{email}");
    }
    let rejected = place(&mut connection, &placed(4, WAYS[3])).await;
    assert_eq!(rejected, OrderOutcome::Rejected(OrderReason::TooManyOpen { max: 3 }));
    for (buyer, (placed_by, cancelled_as)) in (1..).zip(WAYS.into_iter().zip(WAYS.into_iter().skip(1))).take(3) {
        let asked_by = AskedBy::Email(Email::parse(cancelled_as).unwrap());
        let cancel = cancelled_by(&placed(buyer, placed_by), asked_by);
        let cancelled = run(&mut connection, &cancel, &shop(), minute(3)).await;
        let state = OrderState::Cancelled;
        assert!(
            matches!(cancelled, Applied::Changed { state: is, .. } if is == state),
            "{cancelled_as}: {cancelled:?}"
        );
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mailbox_gets_few_mails_about_rejected_orders_in_a_day(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 1).await;
    let day = || minute(1) + Duration::hours(25);
    let max = usize::from(MAX_REJECTIONS_MAILED);
    // Orders of more copies than there are: rejected, from another browser each.
    let rejected = |buyer, email: &str| with_email(order(buyer, 1, &[(id, 2)]), email);
    for (base, (name, count, emails, now, mailed)) in (1..).map(|case: u128| case * 100).zip([
        ("up to the limit", max, ["eva@example.org", "Eva+a@Example.org"], minute(1), max),
        ("above it", 3, ["eva@example.org", "eva+b@example.org"], minute(2), 0),
        ("of others", 2, ["luz@example.org", "sol@example.org"], minute(2), 2),
        ("of the next day", 2, ["eva@example.org", "eva@example.org"], day(), 2),
    ]) {
        let before = unsent_mails(&mut connection, None, 100).await.unwrap().len();
        for (at, buyer) in (base..).take(count).enumerate() {
            let order = rejected(buyer, emails[at % 2]);
            let message = OrderMessage::order(order, now, None);
            let applied = run(&mut connection, &message, &shop(), now).await;
            assert!(matches!(applied, Applied::Decided { outcome: OrderOutcome::Rejected(_), .. }), "{applied:?}");
        }
        let after = unsent_mails(&mut connection, None, 100).await.unwrap().len();
        assert_eq!(after - before, mailed, "{name}");
    }
    let held_back = "select count(*) from mails where failure = ? and sent_at = failed_at";
    let held_back: i64 = sqlx::query_scalar(held_back).bind(HELD_BACK).fetch_one(&mut *connection).await.unwrap();
    assert_eq!(held_back, 3);
    let accepted = with_email(order(999, 1, &[(id, 1)]), "eva@example.org");
    assert_eq!(place(&mut connection, &accepted).await, OrderOutcome::Accepted(OrderState::Confirmed));
    assert_eq!(unsent_mails(&mut connection, Some(accepted.order), 9).await.unwrap().len(), 1, "a sale is mailed");
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_limit_of_unpaid_orders_is_that_of_a_mailbox_a_browser_and_a_door(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 900).await;
    let accepted = || OrderOutcome::Accepted(OrderState::Confirmed);
    let rejected = || OrderOutcome::Rejected(OrderReason::TooManyOpen { max: 3 });
    for (base, (name, change, expected)) in (1..).map(|case: u128| case * 100).zip::<[(&str, Change<'_>, _); 7]>([
        ("others", &|order| order, accepted()),
        ("one address", &|order| with_email(order, "one@example.org"), rejected()),
        (
            "tags of one address",
            &|order| {
                let email = format!("two+{}@example.org", order.visitor.0.simple());
                with_email(order, &email)
            },
            rejected(),
        ),
        (
            "dots in one address of Gmail",
            &|order| {
                let dots = usize::from(order.visitor.0.as_bytes()[0] % 4);
                let (head, tail) = "ana".split_at(dots % 3);
                let email = if head.is_empty() { "ana@gmail.com".into() } else { format!("{head}.{tail}@gmail.com") };
                with_email(order, &email)
            },
            rejected(),
        ),
        (
            "one browser",
            &|order| OrderV1 { visitor: VisitorId::of_number(Uuid::from_u128(7_777)), ..order },
            rejected(),
        ),
        ("one door", &|order| OrderV1 { address: Some(address(8_888)), ..order }, rejected()),
        (
            "one door in several spellings",
            &|mut order| {
                let address = order.address.as_mut().unwrap();
                address.street = match order.visitor.0.as_bytes()[0] % 3 {
                    0 => vec!["CALLE MÁYOR, 9999".into()],
                    1 => vec!["calle mayor".into(), "9999".into()],
                    _ => vec!["Calle  Mayor nº".replace(" nº", ""), "(9999)".into()],
                };
                address.name = order.visitor.0.simple().to_string();
                order
            },
            rejected(),
        ),
    ]) {
        for buyer in base..base + 3 {
            let order = change(order(buyer, 1, &[(id, 1)])).with_fingerprint();
            assert_eq!(place(&mut connection, &order).await, accepted(), "{name}");
        }
        let fourth = change(order(base + 3, 1, &[(id, 1)])).with_fingerprint();
        assert_eq!(place(&mut connection, &fourth).await, expected, "{name}");
    }
    // Paid orders do not count, and the keys are removed with the contact.
    let number = found(&mut connection, &order(100, 1, &[(id, 1)])).await.number;
    staff(&mut connection, &order(100, 1, &[(id, 1)]), OrderAction::Cancel(None), minute(2)).await;
    erase(&mut connection, number, minute(3)).await.unwrap();
    let kept: i64 = sqlx::query_scalar(
        "select count(*) from orders where number = ? and (email_key is not null or mailbox_key is not null or address_key is not null)",
    )
    .bind(number.0)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(kept, 0);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn unpaid_orders_of_a_buyer_have_so_many_copies_of_a_book_together(pool: MySqlPool) {
    use OrderState::{AwaitingPayment, Confirmed};
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 900).await, book(&mut connection, "dos", 900).await];
    let accepted = |state| OrderOutcome::Accepted(state);
    let rejected = || OrderOutcome::Rejected(OrderReason::TooManyOpen { max: 3 });
    let door = |order| OrderV1 { address: Some(address(8_888)), ..order }.with_fingerprint();
    let transfer = |order| OrderV1 { payment: Payment::BankTransfer, ..order }.with_fingerprint();
    let mailbox = |order| with_email(order, "eva+2@example.org").with_fingerprint();
    for (name, order, expected) in [
        ("most of one order", order(1, 1, &[(one, 20)]), accepted(Confirmed)),
        ("one more", order(1, 2, &[(one, 1)]), rejected()),
        ("of another book", order(1, 3, &[(two, 20)]), accepted(Confirmed)),
        ("of another buyer", order(2, 1, &[(one, 20)]), accepted(Confirmed)),
        (
            "of a mailbox",
            with_email(order(3, 1, &[(one, 12)]), "eva@example.org").with_fingerprint(),
            accepted(Confirmed),
        ),
        ("up to the limit of the mailbox", mailbox(order(4, 1, &[(two, 1), (one, 8)])), accepted(Confirmed)),
        ("above it", mailbox(order(5, 1, &[(one, 1)])), rejected()),
        ("of a door", door(order(6, 1, &[(one, 12)])), accepted(Confirmed)),
        ("above the limit of the door", door(order(7, 1, &[(one, 9)])), rejected()),
        ("by transfer", transfer(order(8, 1, &[(one, 15)])), accepted(AwaitingPayment)),
        ("above the limit", transfer(order(8, 2, &[(one, 6)])), rejected()),
    ] {
        assert_eq!(place(&mut connection, &order).await, expected, "{name}");
    }
    staff(&mut connection, &order(8, 1, &[]), OrderAction::Paid, minute(2)).await;
    let paid = transfer(order(8, 3, &[(one, 20)]));
    assert_eq!(place(&mut connection, &paid).await, accepted(AwaitingPayment), "paid copies do not count");
    let part = OrderAction::Cancel(Some(Part { book: one, copies: Some(5) }));
    staff(&mut connection, &order(2, 1, &[]), part, minute(3)).await;
    assert_eq!(place(&mut connection, &order(2, 2, &[(one, 5)])).await, accepted(Confirmed), "nor those given back");
    assert_sound(&mut connection).await;
}

/// Somebody else orders with the address of a customer, to the customer's door, and cancels.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn strangers_who_order_in_the_name_of_a_customer_do_not_keep_the_customer_from_ordering(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 900).await, book(&mut connection, "dos", 900).await];
    let accepted = || OrderOutcome::Accepted(OrderState::Confirmed);
    let rejected = || OrderOutcome::Rejected(OrderReason::TooManyOpen { max: 3 });
    let (customer, other) = (sign_in(&mut connection, 1, true).await, sign_in(&mut connection, 2, true).await);
    let unverified = sign_in(&mut connection, 3, false).await;
    let session = |subject, at| Some(SignedInV1 { subject, issued_at: minute(at) });
    let of = |mut order: OrderV1, buyer: u128| {
        order.address = Some(address(buyer));
        with_email(order, &format!("ana{buyer}@example.org")).with_fingerprint()
    };
    let by = |order: OrderV1, customer| OrderV1 { customer, ..order }.with_fingerprint();
    for victim in [1, 3] {
        for stranger in 1..=3 {
            let invented = of(order(victim * 100 + stranger, 1, &[(one, 20)]), victim);
            assert_eq!(place(&mut connection, &invented).await, if stranger == 1 { accepted() } else { rejected() });
        }
        for stranger in 11..=12 {
            let invented = of(order(victim * 100 + stranger, 1, &[(two, 1)]), victim);
            assert_eq!(place(&mut connection, &invented).await, accepted());
        }
        for stranger in 21..=23 {
            let taken_back = of(order(victim * 100 + stranger, 1, &[(two, 1)]), victim);
            run(&mut connection, &message(&taken_back), &Shop { max_open_orders: 9, ..shop() }, minute(1)).await;
            run(&mut connection, &cancelled_by(&taken_back, by_cookie(&taken_back)), &shop(), minute(2)).await;
        }
    }
    for (name, order, expected) in [
        ("as a guest", order(1, 1, &[(two, 1)]), rejected()),
        ("with a session of somebody else", by(order(1, 2, &[(two, 1)]), session(other, 1)), rejected()),
        ("with an address that is not confirmed", by(order(3, 1, &[(two, 1)]), session(unverified, 1)), rejected()),
        ("signed in", by(order(1, 3, &[(one, 15)]), session(customer, 1)), accepted()),
        ("more copies than a buyer may have", by(order(1, 4, &[(one, 6)]), session(customer, 1)), rejected()),
        ("in another browser", by(of(order(71, 1, &[(two, 1)]), 1), session(customer, 1)), accepted()),
        ("in a third one", by(of(order(72, 1, &[(two, 1)]), 1), session(customer, 1)), accepted()),
        ("more orders than a buyer may have", by(of(order(73, 1, &[(two, 1)]), 1), session(customer, 1)), rejected()),
        (
            "with another address than that of the account",
            by(of(order(2, 1, &[(two, 1)]), 1), session(other, 1)),
            rejected(),
        ),
    ] {
        assert_eq!(place(&mut connection, &order).await, expected, "{name}");
    }
    for (buyer, form) in [(71, 1), (72, 1), (1, 3)] {
        let own = order(buyer, form, &[]);
        run(&mut connection, &cancelled_by(&own, by_cookie(&own)), &shop(), minute(2)).await;
    }
    let next = by(of(order(74, 1, &[(two, 1)]), 1), session(customer, 1));
    assert_eq!(place(&mut connection, &next).await, rejected(), "the customer has cancelled three of this day");
    customers::end_sessions(&mut connection, other, minute(9)).await.unwrap();
    let ended = by(of(order(75, 1, &[(two, 1)]), 2), session(other, 1));
    assert_eq!(place(&mut connection, &ended).await, accepted(), "like a guest, with an address that nobody has used");
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn orders_that_are_cancelled_at_once_are_few_in_a_day_and_cause_few_mails(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let accepted = || OrderOutcome::Accepted(OrderState::Confirmed);
    let rejected = |max| OrderOutcome::Rejected(OrderReason::TooManyOpen { max });
    let browser = |order| OrderV1 { visitor: VisitorId::of_number(Uuid::from_u128(7_777)), ..order }.with_fingerprint();
    let mailbox = |order| with_email(order, "Eva+1@example.org").with_fingerprint();
    // As many as may be open: three.
    for (base, name, change) in [(100, "a browser", &browser as Change<'_>), (200, "a mailbox", &mailbox as Change<'_>)]
    {
        for buyer in base..base + 3 {
            let order = change(order(buyer, 1, &[(id, 1)]));
            assert_eq!(place(&mut connection, &order).await, accepted(), "{name} {buyer}");
            run(&mut connection, &cancelled_by(&order, by_cookie(&order)), &shop(), minute(2)).await;
        }
        let next = change(order(base + 3, 1, &[(id, 1)]));
        assert_eq!(place(&mut connection, &next).await, rejected(3), "{name}");
    }
    // The shop's own cancellations do not count against whose address was used.
    for buyer in 300..303 {
        let order = with_email(order(buyer, 1, &[(id, 1)]), "luz@example.org").with_fingerprint();
        assert_eq!(place(&mut connection, &order).await, accepted());
        staff(&mut connection, &order, OrderAction::Cancel(None), minute(2)).await;
    }
    let by_owner = with_email(order(303, 1, &[(id, 1)]), "luz@example.org").with_fingerprint();
    assert_eq!(place(&mut connection, &by_owner).await, accepted());
    // A day later there is room again.
    let tomorrow = minute(1) + Duration::hours(25);
    let later = OrderMessage::order(mailbox(order(400, 1, &[(id, 1)])), tomorrow, None);
    let applied = run(&mut connection, &later, &shop(), tomorrow).await;
    assert!(matches!(applied, Applied::Decided { outcome: OrderOutcome::Accepted(_), .. }), "{applied:?}");

    // In a shop that allows more, a mailbox gets no more mails about them than about rejected ones.
    let shop = Shop { max_open_orders: 100, ..shop() };
    let mut cancelled_mails = 0;
    for buyer in 500..510 {
        let order = with_email(order(buyer, 1, &[(id, 1)]), "sol@example.org").with_fingerprint();
        run(&mut connection, &message(&order), &shop, minute(1)).await;
        run(&mut connection, &cancelled_by(&order, by_cookie(&order)), &shop, minute(2)).await;
        let mails = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap();
        cancelled_mails += mails.iter().filter(|mail| mail.event == OrderEvent::Cancelled).count();
    }
    assert_eq!(cancelled_mails, usize::from(MAX_CANCELLATIONS_MAILED));
    // Who has paid learns in any case what comes back.
    let paid = OrderV1 { payment: Payment::BankTransfer, ..with_email(order(510, 1, &[(id, 1)]), "sol@example.org") };
    let paid = paid.with_fingerprint();
    run(&mut connection, &message(&paid), &shop, minute(1)).await;
    staff(&mut connection, &paid, OrderAction::Paid, minute(2)).await;
    run(&mut connection, &cancelled_by(&paid, by_cookie(&paid)), &shop, minute(3)).await;
    let mails = unsent_mails(&mut connection, Some(paid.order), 9).await.unwrap();
    assert!(mails.iter().any(|mail| mail.event == OrderEvent::Cancelled), "{mails:?}");
    // What the shop has cancelled takes nobody's mails away.
    for buyer in 600..610 {
        let order = with_email(order(buyer, 1, &[(id, 1)]), "mar@example.org").with_fingerprint();
        run(&mut connection, &message(&order), &shop, minute(1)).await;
        if buyer < 609 {
            staff(&mut connection, &order, OrderAction::Cancel(None), minute(2)).await;
        } else {
            run(&mut connection, &cancelled_by(&order, by_cookie(&order)), &shop, minute(2)).await;
            let mails = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap();
            assert!(mails.iter().any(|mail| mail.event == OrderEvent::Cancelled), "{mails:?}");
        }
    }
    assert_sound_after(&mut connection, 2).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_shop_cancels_an_invented_order_without_a_mail_and_knows_its_browser_but_no_order_that_was_paid_since(
    pool: MySqlPool,
) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let orders = [order(1, 1, &[(id, 2)]), order(1, 2, &[(id, 2)]), order(2, 1, &[(id, 2)])];
    for order in &orders {
        place(&mut connection, order).await;
    }
    let listed = list(&mut connection, true, None, 10).await.unwrap();
    let browsers: Vec<_> = listed.iter().map(|order| order.visitor).collect();
    assert_eq!(browsers, [orders[2].visitor, orders[1].visitor, orders[0].visitor].map(Some));
    let number = found(&mut connection, &orders[0]).await.number;
    let done = cancel_unpaid(&mut connection, Uuid::new_v4(), number, false, &shop(), minute(2)).await.unwrap();
    assert!(matches!(done, Applied::Changed { state: OrderState::Cancelled, .. }), "{done:?}");
    // Listed before it was paid.
    let paid = OrderV1 { payment: Payment::BankTransfer, ..order(3, 1, &[(id, 1)]) }.with_fingerprint();
    place(&mut connection, &paid).await;
    staff(&mut connection, &paid, OrderAction::Paid, minute(2)).await;
    let (number, attempt) = (found(&mut connection, &paid).await.number, Uuid::new_v4());
    for _ in 0..2 {
        let kept = cancel_unpaid(&mut connection, attempt, number, true, &shop(), minute(3)).await.unwrap();
        assert!(matches!(kept, Applied::Refused { .. }), "{kept:?}");
    }
    let of_paid = found(&mut connection, &paid).await;
    assert_eq!((of_paid.state, of_paid.paid_at.is_some()), (OrderState::Confirmed, true));
    let mails = unsent_mails(&mut connection, Some(orders[0].order), 9).await.unwrap();
    assert_eq!(mails.iter().map(|mail| mail.event).collect::<Vec<_>>(), [OrderEvent::Confirmed]);
    assert_eq!(stock_of(&mut connection, id).await, 4);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn each_event_of_an_order_is_one_mail_and_a_repetition_hands_it_over_again(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let order = collected(order(1, 1, &[(id, 2)]), Payment::BankTransfer);
    let events = async |connection: &mut MySqlConnection| {
        let mails = unsent_mails(connection, Some(order.order), 50).await.unwrap();
        mails.iter().map(|mail| mail.event).collect::<Vec<_>>()
    };
    place(&mut connection, &order).await;
    run(&mut connection, &message(&order), &shop(), minute(2)).await;
    assert_eq!(events(&mut connection).await, [OrderEvent::AwaitingPayment]);
    for (action, event) in [
        (OrderAction::Paid, OrderEvent::Confirmed),
        (OrderAction::Cancel(Some(Part { book: id, copies: Some(1) })), OrderEvent::PartCancelled),
        (OrderAction::Ready, OrderEvent::Ready),
    ] {
        let unsent = unsent_mails(&mut connection, None, 50).await.unwrap();
        assert_eq!(unsent[0].to, order.contact.email);
        mark_sent(&mut connection, &unsent.iter().map(|mail| mail.id).collect::<Vec<_>>(), minute(3)).await.unwrap();
        staff(&mut connection, &order, action, minute(3)).await;
        assert_eq!(events(&mut connection).await, [event]);
    }
    staff(&mut connection, &order, OrderAction::Collected, minute(4)).await;
    assert_eq!(events(&mut connection).await, [OrderEvent::Ready], "the buyer is there");
    let mail = unsent_mails(&mut connection, None, 50).await.unwrap().remove(0);
    assert!(fail_mail(&mut connection, mail.id, "bounce: no such mailbox", minute(5)).await.unwrap());
    let listed = list(&mut connection, false, None, 10).await.unwrap();
    assert_eq!(listed[0].failed_mail.as_deref(), Some("bounce: no such mailbox"));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_order_is_read_with_each_change_of_its_copies_and_as_it_was_at_each_of_its_mails(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let (one, two) = (book(&mut connection, "uno", 9).await, book(&mut connection, "dos", 9).await);
    let order = collected(order(1, 1, &[(one, 3), (two, 2)]), Payment::BankTransfer);
    place(&mut connection, &order).await;
    let part = |book, copies| Some(Part { book, copies: Some(copies) });
    for (action, at) in [
        (OrderAction::Cancel(part(one, 1)), 2),
        (OrderAction::Paid, 3),
        (OrderAction::Ready, 4),
        (OrderAction::Collected, 5),
        (OrderAction::Return(part(one, 1)), 6),
        (OrderAction::Return(part(two, 1)), 7),
        (OrderAction::Return(None), 8),
    ] {
        staff(&mut connection, &order, action, minute(at)).await;
    }
    let order_now = found(&mut connection, &order).await;
    let changes: Vec<_> =
        order_now.changes.iter().map(|change| (change.at, change.book, change.copies, change.are_returned)).collect();
    assert_eq!(
        changes,
        [
            (minute(2), one, 1, false),
            (minute(6), one, 1, true),
            (minute(7), two, 1, true),
            (minute(8), one, 1, true),
            (minute(8), two, 1, true),
        ]
    );
    let mails = unsent_mails(&mut connection, Some(order.order), 50).await.unwrap();
    let mut seen = Vec::new();
    for mail in mails {
        let then = order_now.as_of(mail.at);
        let kept: u8 = then.lines.iter().map(OrderLine::kept).sum();
        seen.push((mail.event, then.state, then.charged.minor, kept, then.paid_at.is_some()));
    }
    assert_eq!(
        seen,
        [
            (OrderEvent::AwaitingPayment, OrderState::AwaitingPayment, 5_000, 5, false),
            (OrderEvent::PartCancelled, OrderState::AwaitingPayment, 4_000, 4, false),
            (OrderEvent::Confirmed, OrderState::Confirmed, 4_000, 4, true),
            (OrderEvent::Ready, OrderState::Ready, 4_000, 4, true),
            (OrderEvent::PartReturned, OrderState::Collected, 3_000, 3, true),
            (OrderEvent::PartReturned, OrderState::Collected, 2_000, 2, true),
            (OrderEvent::Returned, OrderState::Returned, 0, 0, true),
        ]
    );
    assert_eq!(order_now.as_of(minute(9)), order_now);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_mail_that_is_withheld_has_its_reason_and_is_no_failure(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let order = order(1, 1, &[(id, 1)]);
    place(&mut connection, &order).await;
    let mail = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap().remove(0);
    withhold_mail(&mut connection, mail.id, "not sent: the order had gone on").await.unwrap();
    mark_sent(&mut connection, &[mail.id], minute(2)).await.unwrap();
    assert_eq!(unsent_mails(&mut connection, Some(order.order), 9).await.unwrap(), []);
    assert_eq!(list(&mut connection, false, None, 1).await.unwrap()[0].failed_mail, None);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_staff_reads_the_failure_of_a_mail_that_matters_most(pool: MySqlPool) {
    const SOFT: &str = "soft bounce, a later mail may arrive (MailboxFull)";
    const UNKNOWN: &str = "bounce of an unknown kind (Undetermined)";
    const BOUNCE: &str = "bounce (General): 5.1.1";
    const REJECTED: &str = "rejected by SES: Bad content";
    const COMPLAINT: &str = "complaint: abuse";
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let shop = Shop { max_open_orders: 100, ..shop() };
    for (form, (failures, expected)) in (1_u32..).zip([
        (vec![SOFT], SOFT),
        (vec![SOFT, BOUNCE], BOUNCE),
        (vec![BOUNCE, SOFT], BOUNCE),
        (vec![UNKNOWN, SOFT], UNKNOWN),
        (vec![SOFT, UNKNOWN, BOUNCE], BOUNCE),
        (vec![BOUNCE, UNKNOWN], BOUNCE),
        (vec![COMPLAINT, SOFT], COMPLAINT),
        (vec![COMPLAINT, BOUNCE], COMPLAINT),
        (vec![BOUNCE, COMPLAINT, SOFT, UNKNOWN], COMPLAINT),
        (vec![BOUNCE, REJECTED], REJECTED),
        (vec![REJECTED, SOFT], REJECTED),
        (vec![SOFT, "soft bounce, again"], "soft bounce, again"),
        (vec![COMPLAINT, "complaint: fraud"], "complaint: fraud"),
    ]) {
        let order = order(1, form, &[(id, 1)]);
        run(&mut connection, &message(&order), &shop, minute(1)).await;
        let first = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap().remove(0);
        for (at, failure) in (2..).zip(&failures) {
            assert!(fail_mail(&mut connection, first.id, failure, minute(at)).await.unwrap(), "{failures:?}");
        }
        let listed = async |connection: &mut MySqlConnection| {
            list(connection, false, None, 1).await.unwrap().remove(0).failed_mail.unwrap()
        };
        assert_eq!(listed(&mut connection).await, expected, "{failures:?}");

        // The same of two mails of one order.
        staff(&mut connection, &order, OrderAction::Shipped, minute(9)).await;
        let second = unsent_mails(&mut connection, Some(order.order), 9).await.unwrap().remove(1);
        fail_mail(&mut connection, second.id, SOFT, minute(10)).await.unwrap();
        let is_soft = expected.starts_with("soft");
        assert_eq!(
            listed(&mut connection).await,
            if is_soft { SOFT } else { expected },
            "{failures:?}, and a soft one"
        );
    }
    assert!(!fail_mail(&mut connection, 999_999, SOFT, minute(5)).await.unwrap(), "there is no such mail");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn who_ordered_is_forgotten_in_time_or_on_demand_and_the_amounts_stay(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let [closed, open, later] = [1, 2, 3].map(|form| order(1, form, &[(id, 1)]));
    for order in [&closed, &open, &later] {
        place(&mut connection, order).await;
    }
    for order in [&closed, &later] {
        staff(&mut connection, order, OrderAction::Shipped, minute(2)).await;
        staff(&mut connection, order, OrderAction::Delivered, minute(2)).await;
    }
    let visitor = closed.visitor;
    let theirs = of_visitor(&mut connection, visitor).await.unwrap();
    assert_eq!(theirs.len(), 3);
    assert_eq!(erase(&mut connection, theirs[0], minute(3)).await.unwrap(), Erasure::Now);
    assert_eq!(erase(&mut connection, theirs[1], minute(3)).await.unwrap(), Erasure::WhenClosed);
    let is_known = async |connection: &mut MySqlConnection, order: &OrderV1| {
        let kept = found(connection, order).await;
        (kept.contact.is_some(), kept.address.is_some(), kept.visitor.is_some(), kept.total.minor)
    };
    let (known, forgotten) = ((true, true, true, 1_395), (false, false, false, 1_395));
    assert_eq!(is_known(&mut connection, &closed).await, forgotten);
    assert_eq!(is_known(&mut connection, &open).await, known, "the shop could not send it");
    staff(&mut connection, &open, OrderAction::Cancel(None), minute(4)).await;
    run(&mut connection, &sweep(), &shop(), minute(5)).await;
    assert_eq!(is_known(&mut connection, &open).await, forgotten);
    assert_eq!(is_known(&mut connection, &later).await, known);
    run(&mut connection, &sweep(), &shop(), minute(2) + privacy::KEEP_CONTACT).await;
    assert_eq!(is_known(&mut connection, &later).await, (false, false, true, 1_395));

    // What was on its way when the visitor was erased.
    visitors::erase(&mut connection, visitor, minute(6)).await.unwrap();
    let late = order(1, 9, &[(id, 1)]);
    assert_eq!(place(&mut connection, &late).await, OrderOutcome::Rejected(OrderReason::Erased));
    assert_eq!(is_known(&mut connection, &late).await, (false, false, false, 0));
    assert_eq!(unsent_mails(&mut connection, Some(late.order), 9).await.unwrap(), []);
    assert_sound_after(&mut connection, 60).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_buyer_without_a_cookie_is_erased_by_the_number_of_the_order(pool: MySqlPool) {
    use OrderAction::{Cancel, Collected, Delivered, Paid, Ready, Shipped};
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let shop = Shop { max_open_orders: 100, ..shop() };
    let by_transfer = |order| OrderV1 { payment: Payment::BankTransfer, ..order }.with_fingerprint();
    let sent = |order: OrderV1| order;
    let fetched = |order| collected(order, Payment::OnCollection);
    let later = OrderErased::Later { until: Some(minute(2) + Duration::days(30)) };
    let not = |state| OrderErased::NotSent { state };
    for (form, (change, actions, expected)) in (1_u32..).zip::<[(Change<'_>, Vec<OrderAction>, OrderErased); 8]>([
        (&sent, vec![], not(OrderState::Confirmed)),
        (&by_transfer, vec![], not(OrderState::AwaitingPayment)),
        (&by_transfer, vec![Paid], not(OrderState::Confirmed)),
        (&fetched, vec![Ready], not(OrderState::Ready)),
        (&sent, vec![Shipped], later),
        (&sent, vec![Shipped, Delivered], OrderErased::Now),
        (&fetched, vec![Ready, Collected], OrderErased::Now),
        (&sent, vec![Cancel(None)], OrderErased::Now),
    ]) {
        let order = change(order(1, form, &[(id, 1)]));
        run(&mut connection, &message(&order), &shop, minute(1)).await;
        for action in &actions {
            staff(&mut connection, &order, *action, minute(2)).await;
        }
        let number = found(&mut connection, &order).await.number;
        let effect = erasure_of_order(&mut connection, number).await.unwrap();
        assert_eq!(effect, expected, "{actions:?}");
        assert!(found(&mut connection, &order).await.contact.is_some(), "nothing is erased yet");
        assert_eq!(erase_order(&mut connection, number, minute(3)).await.unwrap(), expected, "{actions:?}");
        if expected == later {
            for _ in 0..4 {
                run(&mut connection, &sweep(), &shop, minute(2) + Duration::days(30)).await;
            }
            assert_eq!(found(&mut connection, &order).await.state, OrderState::Delivered);
        }
        let kept = found(&mut connection, &order).await;
        let (fingerprint, keys): (Vec<u8>, i64) = sqlx::query_as(
            "select fingerprint, (email_key is not null) + (mailbox_key is not null) + (address_key is not null) from orders \
             where number = ?",
        )
        .bind(number.0)
        .fetch_one(&pool)
        .await
        .unwrap();
        let messages: i64 = sqlx::query_scalar("select count(*) from order_messages where id = ?")
            .bind(message(&order).id)
            .fetch_one(&pool)
            .await
            .unwrap();
        let is_gone = !matches!(expected, OrderErased::NotSent { .. });
        let (no_contact, no_fingerprint) = (kept.contact.is_none(), fingerprint == [0; 32]);
        let forgotten =
            (no_contact, kept.address.is_none(), kept.visitor.is_none(), no_fingerprint, keys == 0, messages == 0);
        if is_gone {
            assert_eq!(forgotten, (true, true, true, true, true, true), "{actions:?}");
            let again = erase_order(&mut connection, number, minute(4)).await.unwrap();
            assert_eq!(again, OrderErased::Already, "{actions:?}");
        } else {
            assert_eq!(
                (forgotten.0, forgotten.2, forgotten.3, forgotten.4),
                (false, false, false, false),
                "{actions:?}"
            );
        }
        assert_eq!((kept.lines.len(), kept.total), (1, order.total_seen.clone()));
        // A late delivery still has no effect.
        assert_eq!(
            run(&mut connection, &message(&order), &shop, minute(5)).await,
            Applied::Repeated { order: order.order },
            "{actions:?}"
        );
    }
    let nobody = erase_order(&mut connection, OrderNumber(7), minute(3)).await.unwrap();
    assert_eq!(nobody, OrderErased::NoSuchOrder);
    assert_sound_after(&mut connection, 4).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_parcel_without_news_is_taken_as_delivered_and_its_buyer_is_forgotten(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    let [silent, arrived] = [order(1, 1, &[(id, 1)]), order(2, 1, &[(id, 1)])];
    let patient = Shop { ship: shop().ship.map(|ship| Ship { delivered_after_days: 45, ..ship }), ..shop() };
    for order in [&silent, &arrived] {
        run(&mut connection, &message(order), &patient, minute(1)).await;
        let number = found(&mut connection, order).await.number;
        let mut transaction = connection.begin().await.unwrap();
        act(&mut transaction, Uuid::new_v4(), number, OrderAction::Shipped, &patient, minute(2)).await.unwrap();
        transaction.commit().await.unwrap();
    }
    staff(&mut connection, &arrived, OrderAction::Delivered, minute(3)).await;
    for (days, state, is_known) in [
        (44, OrderState::Shipped, true),
        (45, OrderState::Delivered, true),
        (45 + 59, OrderState::Delivered, true),
        (45 + 60, OrderState::Delivered, false),
    ] {
        for _ in 0..3 {
            run(&mut connection, &sweep(), &patient, minute(2) + Duration::days(days)).await;
        }
        let now = found(&mut connection, &silent).await;
        assert_eq!((now.state, now.contact.is_some()), (state, is_known), "after {days} days");
        assert_eq!(now.paid_at, None, "nobody knows whether the carrier has brought the money");
    }
    let arrived = found(&mut connection, &arrived).await;
    assert_eq!((arrived.state, arrived.paid_at, arrived.contact), (OrderState::Delivered, Some(minute(3)), None));
    assert_sound_after(&mut connection, 106).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn best_sellers_count_thirty_days_without_what_came_back(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 20).await, book(&mut connection, "dos", 20).await];
    let sold = async |connection: &mut MySqlConnection| {
        let rows: Vec<u32> =
            sqlx::query_scalar("select sold from books order by id").fetch_all(connection).await.unwrap();
        rows
    };
    let first = order(1, 1, &[(one, 5), (two, 1)]);
    place(&mut connection, &first).await;
    let second = message(&order(2, 1, &[(one, 1), (two, 3)]));
    run(&mut connection, &second, &shop(), minute(1) + Duration::days(10)).await;
    assert_eq!(sold(&mut connection).await, [6, 4]);
    staff(&mut connection, &first, OrderAction::Cancel(Some(Part { book: one, copies: Some(2) })), minute(9)).await;
    assert_eq!(sold(&mut connection).await, [4, 4]);
    for (days, expected) in [(30, [4, 4]), (31, [1, 3]), (40, [1, 3]), (41, [0, 0])] {
        run(&mut connection, &sweep(), &shop(), minute(1) + Duration::days(days)).await;
        assert_eq!(sold(&mut connection).await, expected, "after {days} days");
    }
    staff(&mut connection, &first, OrderAction::Cancel(None), minute(9)).await;
    assert_eq!(sold(&mut connection).await, [0, 0], "a day that is no longer counted");
    assert_sound_after(&mut connection, 41).await;
}

/// Orders of each kind, in which nothing is wrong: confirmed, awaiting payment, ready, shipped, delivered, cancelled,
/// expired, returned and rejected, numbered from 100001 on.
async fn shop_in_full_swing(connection: &mut MySqlConnection, id: BookId) {
    use OrderAction::{Cancel, Delivered, Paid, Ready, Return, Shipped};
    let shop = Shop { max_open_orders: 100, ..shop() };
    let by_transfer =
        |form| OrderV1 { payment: Payment::BankTransfer, ..order(1, form, &[(id, 2)]) }.with_fingerprint();
    let orders: [(OrderV1, &[OrderAction]); 8] = [
        (order(1, 1, &[(id, 2)]), &[]),
        (by_transfer(2), &[]),
        (collected(order(1, 3, &[(id, 2)]), Payment::OnCollection), &[Ready]),
        (order(1, 4, &[(id, 2)]), &[Shipped]),
        (order(1, 5, &[(id, 2)]), &[Shipped, Delivered]),
        (by_transfer(6), &[Paid, Cancel(None)]),
        (by_transfer(7), &[]),
        (order(1, 8, &[(id, 2)]), &[Shipped, Delivered, Return(None)]),
    ];
    for (order, actions) in &orders {
        run(connection, &message(order), &shop, minute(1)).await;
        for action in *actions {
            staff(connection, order, *action, minute(2)).await;
        }
    }
    sqlx::query("update orders set expires_at = ? where number = 100007")
        .bind(minute(3))
        .execute(&mut *connection)
        .await
        .unwrap();
    run(connection, &sweep(), &shop, minute(4)).await;
    run(connection, &message(&order(1, 9, &[(999.into(), 1)])), &shop, minute(1)).await;
    let change = StockChange::Received(3);
    let mut transaction = connection.begin().await.unwrap();
    stock::change(&mut transaction, Uuid::from_u128(1), id, change, "feria", minute(5)).await.unwrap();
    transaction.commit().await.unwrap();
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn each_broken_invariant_is_found_by_its_name(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    shop_in_full_swing(&mut connection, id).await;
    assert_sound(&mut connection).await;
    let mut states: Vec<String> =
        sqlx::query_scalar("select distinct state from orders order by state").fetch_all(&pool).await.unwrap();
    states.retain(|state| state != "collected");
    assert_eq!(states.len(), 9, "{states:?}");
    let hours = |hours| Moment::of(minute(9) + Duration::hours(hours), Duration::minutes(5));
    for (breaking, moment, kind) in [
        // Stock and prices.
        ("update books set stock = stock + 1", soon(), "stock"),
        ("update books set stock_moved = stock_moved + 1", soon(), "stock"),
        ("update books set sold = sold + 1", soon(), "sold"),
        ("update books set fixed_price = 1100", soon(), "fixed_price"),
        ("update books set fixed_price = 999", soon(), "fixed_price"),
        ("update book_sales set copies = copies + 1; update books set sold = sold + 1", soon(), "sales"),
        ("delete from book_sales; update books set sold = 0", soon(), "sales"),
        // Movements without what they name.
        ("update stock_movements set order_id = null where kind = 'sold'", soon(), "stray_movement"),
        ("delete from order_lines where order_number = 100001", soon(), "stray_movement"),
        ("delete from imports", soon(), "stray_movement"),
        ("update stock_movements set source = 'import:7:2' where kind = 'received'", soon(), "stray_movement"),
        ("update stock_movements set source = 'import::2' where kind = 'opening'", soon(), "stray_movement"),
        ("update stock_movements set reason = null where kind = 'received'", soon(), "stray_movement"),
        ("update stock_movements set source = 'nobody' where kind = 'received'", soon(), "stray_movement"),
        (
            "update stock_movements set kind = 'counted' where kind = 'opening' and source = 'opening' or kind = 'sold'",
            soon(),
            "stray_movement",
        ),
        ("delete from order_messages where kind = 'staff'", soon(), "stray_movement"),
        // Outcomes.
        ("update orders set state = 'shipped' where number = 100001", soon(), "outcome"),
        ("delete from order_states where order_number = 100001 and state = 'confirmed'", soon(), "outcome"),
        ("insert into order_states values (100001, 'rejected', now(6), 'shop')", soon(), "outcome"),
        ("insert into order_states values (100004, 'cancelled', now(6), 'buyer')", soon(), "outcome"),
        ("insert into order_states values (100005, 'returned', now(6), 'shop')", soon(), "outcome"),
        ("insert into order_states values (100006, 'shipped', now(6), 'shop')", soon(), "outcome"),
        ("insert into order_states values (100007, 'collected', now(6), 'shop')", soon(), "outcome"),
        ("insert into order_states values (100005, 'collected', now(6), 'shop')", soon(), "outcome"),
        ("delete from order_states where order_number = 100005 and state = 'shipped'", soon(), "outcome"),
        ("delete from order_states where order_number = 100008 and state = 'delivered'", soon(), "outcome"),
        // Lines and totals.
        ("update orders set total = 1 where number = 100001", soon(), "total"),
        ("update order_lines set quantity = 3 where order_number = 100001", soon(), "copies"),
        ("update order_lines set cancelled = 0 where order_number = 100006", soon(), "kept"),
        ("update order_lines set cancelled = 1 where order_number = 100007", soon(), "kept"),
        ("update order_lines set returned = 0 where order_number = 100008", soon(), "kept"),
        ("update order_lines set cancelled = 2 where order_number = 100001", soon(), "kept"),
        ("update order_lines set returned = 2 where order_number = 100005", soon(), "kept"),
        ("delete from order_lines where order_number = 100001", soon(), "no_lines"),
        ("delete from order_lines where order_number = 100009", soon(), "no_lines"),
        // Deadlines.
        ("update orders set expires_at = null where number = 100002", soon(), "deadline"),
        ("update orders set expires_at = null where number = 100003", soon(), "deadline"),
        ("update orders set paid_at = now(6) where number = 100003", soon(), "deadline"),
        ("update orders set expires_at = now(6) + interval 9 day where number = 100001", soon(), "deadline"),
        ("update orders set expires_at = now(6) + interval 9 day where number = 100006", soon(), "deadline"),
        ("update orders set delivered_by = null where number = 100004", soon(), "deadline"),
        ("update orders set delivered_by = now(6) + interval 9 day where number = 100005", soon(), "deadline"),
        ("update orders set delivered_by = placed_at where number = 100004", hours(3), "deadline"),
        ("select 1", hours(24 * 8), "deadline"),
        // Mails.
        ("delete from mails where order_number = 100001", soon(), "no_mail"),
        ("delete from mails where order_number = 100006 and event = 'cancelled'", soon(), "no_mail"),
        ("delete from mails where order_number = 100007 and event = 'expired'", soon(), "no_mail"),
        ("delete from mails where order_number = 100009", soon(), "no_mail"),
        ("select 1", hours(2), "unsent_mail"),
        // Contacts.
        ("select 1", hours(24 * 61), "contact"),
        ("update orders set contact_until = null where number = 100006", soon(), "contact"),
        ("update orders set contact_until = null where number = 100009", soon(), "contact"),
        ("update orders set erased_at = now(6) where number = 100005", soon(), "contact"),
        ("update orders set email = null where number = 100001", soon(), "contact"),
        ("update orders set contact_until = now(6) + interval 9 day where number = 100004", soon(), "contact"),
    ] {
        let mut transaction = connection.begin().await.unwrap();
        sqlx::raw_sql(breaking).execute(&mut *transaction).await.unwrap();
        let found = verify(&mut transaction, moment).await.unwrap();
        let kinds: Vec<_> =
            found.iter().map(|found| serde_json::to_value(found).unwrap()["violation"].clone()).collect();
        assert!(kinds.iter().any(|found| found == kind), "{breaking}: {found:?}");
        assert!(found.iter().all(|found| !found.to_string().is_empty()));
        transaction.rollback().await.unwrap();
    }
    assert_sound(&mut connection).await;
}

/// What the run of many buyers shows.
#[derive(Debug, Default)]
struct Tally {
    sold: u32,
    rejected: u32,
    races: u32,
}

/// Forty clients with two hundred orders of one to three copies, and as many processors: each order is sent twice, and some
/// are cancelled while the staff ships them.
async fn rush(pool: &MySqlPool, books: [BookId; 2]) -> Tally {
    let clients = (0..40_u128).map(|client| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut connection = client_of(&pool).await;
            let shop = Shop { max_open_orders: 1_000, ..shop() };
            let mut races = 0;
            for form in 0..5_u32 {
                let [one, two] = books;
                let lines = match form % 3 {
                    0 => vec![(one, 1), (two, 1)],
                    1 => vec![(two, 1), (one, 2)],
                    _ => vec![(two, 1)],
                };
                let order = order(client + 1, form, &lines);
                let sent = message(&order);
                patiently(&mut connection, &sent, &shop).await;
                patiently(&mut connection, &sent, &shop).await;
                let state = found(&mut connection, &order).await.state;
                if state == OrderState::Confirmed && (client + u128::from(form)) % 4 == 0 {
                    race(&pool, &mut connection, &order, &shop).await;
                    races += 1;
                }
            }
            races
        })
    });
    let mut races = 0;
    for client in clients.collect::<Vec<_>>() {
        races += client.await.unwrap();
    }
    let mut connection = writer(pool).await;
    let count = async |connection: &mut MySqlConnection, sql: &'static str| -> u32 {
        sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
    };
    let kept = "select cast(coalesce(sum(l.quantity - l.cancelled - l.returned), 0) as unsigned) \
                from order_lines l join orders o on o.number = l.order_number where o.state <> 'rejected'";
    let rejected = "select cast(count(*) as unsigned) from orders where state = 'rejected'";
    Tally { sold: count(&mut connection, kept).await, rejected: count(&mut connection, rejected).await, races }
}

/// A connection beside the pool, which has few.
async fn client_of(pool: &MySqlPool) -> MySqlConnection {
    let mut connection = pool.connect_options().connect().await.unwrap();
    sqlx::raw_sql(crate::database::WRITER_SESSION).execute(&mut connection).await.unwrap();
    connection
}

/// As the consumer does: a deadlock is tried again.
async fn patiently(connection: &mut MySqlConnection, message: &OrderMessage, shop: &Shop) -> Applied {
    loop {
        let mut transaction = connection.begin().await.unwrap();
        match apply(&mut transaction, message, shop, minute(1)).await {
            Ok(applied) => {
                transaction.commit().await.unwrap();
                return applied;
            }
            Err(error) => {
                let error = crate::database::Error::from(error);
                assert!(matches!(error, crate::database::Error::Busy(_)), "{error:?}");
                transaction.rollback().await.unwrap();
            }
        }
        tokio::time::sleep(StdDuration::from_millis(5)).await;
    }
}

/// The buyer cancels while the staff ships: one of them wins.
async fn race(pool: &MySqlPool, connection: &mut MySqlConnection, order: &OrderV1, shop: &Shop) {
    let number = found(connection, order).await.number;
    let (shipping, ship_shop) = (pool.clone(), shop.clone());
    let shipped = tokio::spawn(async move {
        let mut connection = writer(&shipping).await;
        loop {
            let mut transaction = connection.begin().await.unwrap();
            let shipped =
                act(&mut transaction, Uuid::new_v4(), number, OrderAction::Shipped, &ship_shop, minute(2)).await;
            if let Ok(applied) = shipped {
                transaction.commit().await.unwrap();
                return applied;
            }
            transaction.rollback().await.unwrap();
        }
    });
    let cancel = cancelled_by(order, by_cookie(order));
    let cancelled = patiently(connection, &cancel, shop).await;
    let outcomes = [cancelled, shipped.await.unwrap()];
    let won = outcomes.iter().filter(|applied| matches!(applied, Applied::Changed { .. })).count();
    assert_eq!(won, 1, "{outcomes:?}");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn forty_clients_at_once_buy_exactly_what_there_is(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let books = [book(&mut connection, "uno", 20).await, book(&mut connection, "dos", 10).await];
    let tally = rush(&pool, books).await;
    let left = stock_of(&mut connection, books[0]).await + stock_of(&mut connection, books[1]).await;
    assert_eq!(tally.sold + left, 30, "{tally:?}");
    assert!(tally.rejected > 100 && tally.races > 0, "{tally:?}");
    assert_eq!(stock_of(&mut connection, books[1]).await, 0, "all of the one that everybody wants");
    let decided: i64 = sqlx::query_scalar("select count(*) from orders").fetch_one(&pool).await.unwrap();
    assert_eq!(decided, 200);
    let doubled: i64 = sqlx::query_scalar(
        "select count(*) from (select order_number from mails where event in ('confirmed', 'rejected') \
         group by order_number having count(*) > 1) twice",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(doubled, 0, "one mail for each outcome");
    assert_sound(&mut connection).await;
}

/// The control: to read the stock, look at it, and write it back, as shops do that oversell.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn forty_clients_that_read_check_and_write_oversell(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 20).await;
    let clients = (0..40).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut connection = client_of(&pool).await;
            let mut sold = 0;
            for _ in 0..5 {
                let mut transaction = connection.begin().await.unwrap();
                let stock = stock_of(&mut transaction, id).await;
                if stock > 0 {
                    tokio::time::sleep(StdDuration::from_millis(1)).await;
                    let written = sqlx::query("update books set stock = ? where id = ?")
                        .bind(stock - 1)
                        .bind(id.get())
                        .execute(&mut *transaction)
                        .await;
                    sold += u32::from(written.is_ok());
                }
                transaction.commit().await.unwrap();
            }
            sold
        })
    });
    let mut sold = 0;
    for client in clients.collect::<Vec<_>>() {
        sold += client.await.unwrap();
    }
    assert!(sold > 20, "{sold} copies of 20 were sold");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn two_bodies_of_one_key_at_once_are_one_order(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 20).await;
    let sent = (1..=8).map(|quantity| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let message = message(&order(1, 1, &[(id, quantity)]));
            patiently(&mut *writer(&pool).await, &message, &shop()).await
        })
    });
    let mut outcomes = BTreeMap::<&str, u32>::new();
    for task in sent.collect::<Vec<_>>() {
        let outcome = match task.await.unwrap() {
            Applied::Decided { .. } => "decided",
            Applied::RepeatedOtherwise { .. } => "otherwise",
            other => panic!("{other:?}"),
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    assert_eq!(outcomes, BTreeMap::from([("decided", 1), ("otherwise", 7)]));
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_limit_of_open_orders_holds_for_orders_that_are_decided_at_once(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let sent = (1..=9).map(|form| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let message = message(&order(1, form, &[(id, 1)]));
            patiently(&mut *writer(&pool).await, &message, &shop()).await
        })
    });
    let mut accepted = 0;
    for task in sent.collect::<Vec<_>>() {
        let applied = task.await.unwrap();
        accepted += u32::from(matches!(applied, Applied::Decided { outcome: OrderOutcome::Accepted(_), .. }));
    }
    assert_eq!(accepted, 3);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn sales_and_what_came_back_are_exported_by_their_own_day_with_the_country(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 90).await;
    let shop = Shop { max_open_orders: 100, ..shop() };
    let day = |days| minute(1) + Duration::days(days);
    let part = |copies| Some(Part { book: id, copies: Some(copies) });
    let placed: [(OrderV1, &[(i64, OrderAction)]); 5] = [
        // Number 100001, and so on.
        (
            order(1, 1, &[(id, 3)]),
            &[
                (1, OrderAction::Cancel(part(1))),
                (2, OrderAction::Shipped),
                (3, OrderAction::Delivered),
                (40, OrderAction::Return(part(1))),
                (41, OrderAction::Return(part(1))),
            ],
        ),
        (order(1, 2, &[(id, 1)]), &[(5, OrderAction::Cancel(None))]),
        (collected(order(1, 3, &[(id, 2)]), Payment::OnCollection), &[]),
        (OrderV1 { payment: Payment::BankTransfer, ..order(1, 4, &[(id, 1)]) }.with_fingerprint(), &[]),
        (order(1, 5, &[(id, 20), (999.into(), 1)]), &[]),
    ];
    for (order, actions) in &placed {
        run(&mut connection, &message(order), &shop, minute(1)).await;
        for (days, action) in *actions {
            staff(&mut connection, order, *action, day(*days)).await;
        }
    }
    run(&mut connection, &sweep(), &shop, day(6)).await;
    // The address is gone, and the country is not.
    let number = found(&mut connection, &placed[1].0).await.number;
    assert_eq!(erase_order(&mut connection, number, day(7)).await.unwrap(), OrderErased::Now);
    let exported = async |connection: &mut MySqlConnection, from: i64, to: i64| {
        let days = (day(from).date(), day(to).date());
        let (mut lines, mut after) = (Vec::new(), OrderNumber(0));
        loop {
            let (sold, next) = sold_between(connection, after, days, 2).await.unwrap();
            lines.extend(sold.into_iter().map(|line| {
                let country = line.country.unwrap_or_else(|| "--".into());
                format!(
                    "{} {} {} {}x{} {}",
                    line.number.0 - 100_000,
                    line.kind.code(),
                    country,
                    line.copies,
                    line.unit_price,
                    line.title
                )
            }));
            match next {
                Some(next) => after = next,
                None => return lines,
            }
        }
    };
    for (from, to, expected) in [
        (-1, -1, &[][..]),
        (
            0,
            0,
            &[
                "1 sale ES 3x1000 uno",
                "1 sale ES 1x395 delivery",
                "2 sale ES 1x1000 uno",
                "2 sale ES 1x395 delivery",
                "3 sale -- 2x1000 uno",
                "4 sale ES 1x1000 uno",
                "4 sale ES 1x395 delivery",
            ],
        ),
        (1, 4, &["1 cancelled ES 1x1000 uno"]),
        (5, 5, &["2 cancelled ES 1x1000 uno", "2 cancelled ES 1x395 delivery"]),
        (6, 6, &["4 cancelled ES 1x1000 uno", "4 cancelled ES 1x395 delivery"]),
        (7, 39, &[]),
        (40, 41, &["1 returned ES 1x1000 uno", "1 returned ES 1x1000 uno", "1 returned ES 1x395 delivery"]),
        (42, 99, &[]),
    ] {
        assert_eq!(exported(&mut connection, from, to).await, expected, "days {from} to {to}");
    }
    let (all, _) = sold_between(&mut connection, OrderNumber(0), (day(0).date(), day(99).date()), 100).await.unwrap();
    let rates: Vec<_> = all.iter().map(|line| (line.title.as_str(), line.tax_rate)).collect();
    assert!(rates.iter().all(|rate| [("uno", 400), ("delivery", 2_100)].contains(rate)), "{rates:?}");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_import_of_the_version_before_is_taken_up_and_no_copy_is_lost(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 5).await, book(&mut connection, "dos", 5).await];
    // As the version before has left them, and as it imports once more while orders are decided.
    sqlx::raw_sql("delete from stock_movements; update books set stock_moved = null").execute(&pool).await.unwrap();
    place(&mut connection, &order(1, 1, &[(one, 1), (two, 1)])).await;
    assert_sound(&mut connection).await;
    sqlx::raw_sql("update books set stock = 9").execute(&pool).await.unwrap();
    assert_eq!(verify(&mut connection, soon()).await.unwrap().len(), 2);
    place(&mut connection, &order(2, 1, &[(one, 1)])).await;
    // Nine are in the shop, and one of each waits for its buyer.
    assert_eq!(stock_of(&mut connection, one).await, 7);
    assert_eq!(stock::take_up(&mut connection, 0, 1_000, minute(3)).await.unwrap(), 1);
    assert_eq!(stock::take_up(&mut connection, 0, 1_000, minute(3)).await.unwrap(), 0);
    assert_eq!(stock_of(&mut connection, two).await, 8);
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_import_of_the_version_before_sells_no_copy_twice_that_an_open_order_waits_for(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let confirmed = || OrderOutcome::Accepted(OrderState::Confirmed);
    let out = || OrderOutcome::Rejected(OrderReason::Lines);
    for (case, (sold, written, wanted, outcome, left)) in (1_u128..).zip([
        // Five in the shop, of which so many are sold; the import writes what its file says.
        (2_i64, 5, 3_i64, confirmed(), 0),
        (2, 5, 4, out(), 3),
        (5, 5, 1, out(), 0),
        (2, 9, 7, confirmed(), 0),
        (2, 9, 8, out(), 7),
        (2, 1, 1, out(), 0),
        (2, 2, 1, out(), 0),
    ]) {
        let id = book(&mut connection, &format!("book-{case}"), 5).await;
        place(&mut connection, &order(case * 10, 1, &[(id, sold)])).await;
        sqlx::query("update books set stock = ? where id = ?")
            .bind(written)
            .bind(id.get())
            .execute(&pool)
            .await
            .unwrap();
        shop_counts::recount(&mut connection).await.unwrap();
        assert_eq!(place(&mut connection, &order(case * 10 + 1, 1, &[(id, wanted)])).await, outcome, "case {case}");
        stock::take_up(&mut connection, 0, 1_000, minute(3)).await.unwrap();
        assert_eq!(stock_of(&mut connection, id).await, left, "case {case}");
        // Cancelled copies can be sold again.
        let first = order(case * 10, 1, &[(id, sold)]);
        staff(&mut connection, &first, OrderAction::Cancel(None), minute(4)).await;
        assert_eq!(stock_of(&mut connection, id).await, left + u32::try_from(sold).unwrap(), "case {case}");
        assert_sound(&mut connection).await;
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_is_read_of_orders_does_not_grow_with_them(pool: MySqlPool) {
    use crate::repo::query_cost_tests::rows_read;
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "uno", 9).await;
    for sql in [
        "insert into orders (id, visitor_id, state, delivery, payment, currency, email, contact_name, email_key, language,
                             fingerprint, placed_at, decided_at, contact_until)
         select unhex(md5(seq)), unhex(md5(seq % 500)), if(seq % 50 = 0, 'confirmed', 'delivered'), 'ship', 'on_delivery',
                'EUR', 'ana@example.org', 'Ana', unhex(sha2(seq % 500, 256)), 'es', unhex(sha2(seq, 256)), now(6), now(6),
                now(6) + interval seq minute
         from seq_1_to_20000",
        "insert into order_lines (order_number, position, book_id, title, quantity, unit_price)
         select number, 0, 1 + number % 9, 'Libro', 1, 100 from orders",
        "insert into order_states (order_number, state, at, actor) select number, state, now(6), 'shop' from orders",
        "insert into mails (order_number, event, source, created_at, sent_at)
         select number, 'confirmed', id, now(6), if(is_open = 1, null, now(6)) from orders",
        "analyze table orders, order_lines, order_states, mails, stock_movements, book_sales",
    ] {
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
    }
    let one: Uuid = sqlx::query_scalar("select id from orders where number = 110000").fetch_one(&pool).await.unwrap();
    let one = OrderId::of_uuid(one);
    let mut read = BTreeMap::new();
    rows_read(&mut connection).await;
    find(&mut connection, one).await.unwrap().unwrap();
    read.insert("an order", (rows_read(&mut connection).await, 12));
    assert_eq!(list(&mut connection, false, None, 50).await.unwrap().len(), 50);
    read.insert("the newest orders", (rows_read(&mut connection).await, 600));
    assert_eq!(list(&mut connection, true, None, 50).await.unwrap().len(), 50);
    read.insert("the open orders", (rows_read(&mut connection).await, 700));
    assert_eq!(unsent_mails(&mut connection, None, 50).await.unwrap().len(), 50);
    read.insert("unsent mails", (rows_read(&mut connection).await, 150));
    let visitor = of_visitor(&mut connection, VisitorId(Uuid::nil())).await.unwrap();
    assert_eq!(visitor, []);
    read.insert("the orders of a visitor", (rows_read(&mut connection).await, 5));
    let placed = order(1, 1, &[(id, 1)]);
    run(&mut connection, &message(&placed), &shop(), minute(1)).await;
    read.insert("a decision", (rows_read(&mut connection).await, 80));
    staff(&mut connection, &placed, OrderAction::Cancel(None), minute(2)).await;
    read.insert("a cancellation", (rows_read(&mut connection).await, 80));
    // The first one opens the tables of alerts, of which the server reads statistics.
    run(&mut connection, &sweep(), &shop(), minute(3)).await;
    rows_read(&mut connection).await;
    run(&mut connection, &sweep(), &shop(), minute(3)).await;
    read.insert("a sweep", (rows_read(&mut connection).await, 40));
    sold_between(&mut connection, OrderNumber(105_000), (minute(0).date(), minute(0).date()), 100).await.unwrap();
    read.insert("a slice of the export", (rows_read(&mut connection).await, 1_200));
    verify_slice(&mut connection, crate::staff::Slices::OrdersAfter(105_000), soon()).await.unwrap();
    read.insert("a slice of the invariants", (rows_read(&mut connection).await, 60_000));
    let over: Vec<_> = read.iter().filter(|(_, (rows, bound))| rows > bound).collect();
    assert!(over.is_empty(), "{over:?} of {read:?}");
}

/// The sign-in of a customer with the e-mail address of this buyer.
async fn sign_in(connection: &mut MySqlConnection, buyer: u128, email_verified: bool) -> Subject {
    let customer = CustomerV1 {
        subject: sign_ins::tests::subject(buyer),
        email: Email::parse(&format!("ANA{buyer}@example.org")).unwrap(),
        email_verified,
        visitor: None,
        signed_in_at: minute(0),
    };
    let sent = Submission::customer(customer.clone(), minute(0), None);
    sign_ins::sign_in(connection, sent.id, sent.sent_at, &customer).await.unwrap();
    customer.subject
}

/// A customer uses a browser without signing out, others use it too, and its number can be copied.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_order_from_a_customers_browser_without_a_session_is_theirs_only_with_the_confirmed_address(
    pool: MySqlPool,
) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "b", 20).await;
    let signed_in = async |connection: &mut MySqlConnection, email: &str, at: i64| {
        let customer = CustomerV1 {
            visitor: Some(order(1, 1, &[]).visitor),
            email: Email::parse(email).unwrap(),
            signed_in_at: minute(at),
            ..sign_ins::tests::signed_in(u128::try_from(at).unwrap() + 50, None, at)
        };
        let sent = Submission::customer(customer.clone(), minute(at), None);
        sign_ins::sign_in(connection, sent.id, sent.sent_at, &customer).await.unwrap();
        customer.subject
    };
    let before = with_email(order(1, 1, &[(id, 1)]), "other@example.org").with_fingerprint();
    let own = with_email(order(1, 2, &[(id, 1)]), "eva@example.org").with_fingerprint();
    for order in [&before, &own] {
        apply(&mut connection, &message(order), &shop(), minute(0)).await.unwrap();
    }
    let eva = signed_in(&mut connection, "eva@example.org", 1).await;
    let after = with_email(order(1, 3, &[(id, 1)]), "other@example.org").with_fingerprint();
    let own_after = with_email(order(1, 4, &[(id, 1)]), "EVA@example.org").with_fingerprint();
    for order in [&after, &own_after] {
        apply(&mut connection, &message(order), &shop(), minute(2)).await.unwrap();
    }
    // The other orders belong to the person with their address, not to the later customer of that browser.
    let other = signed_in(&mut connection, "other@example.org", 3).await;
    for (order, is_evas) in [(&before, false), (&own, true), (&after, false), (&own_after, true)] {
        assert_eq!(is_of_customer(&mut connection, order.order, eva).await.unwrap(), is_evas);
        assert_eq!(is_of_customer(&mut connection, order.order, other).await.unwrap(), !is_evas);
    }
}

async fn titles_of(connection: &mut MySqlConnection, customer: Subject) -> Vec<(OrderState, Vec<String>)> {
    let own = of_customer(connection, customer, None, 10).await.unwrap();
    own.items.into_iter().map(|order| (order.state, order.titles)).collect()
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_customer_has_the_orders_of_the_session_and_those_of_a_guest_with_the_verified_address(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "b", 20).await;
    let [first, second, third] = [1, 2, 3].map(|form| order(1, form, &[(id, 1)]));
    let signed_in = |subject| Some(SignedInV1 { subject, issued_at: minute(1) });
    let customer = sign_in(&mut connection, 1, true).await;
    let unverified = sign_in(&mut connection, 2, false).await;
    let by_guest = order(2, 1, &[(id, 1)]);
    // Whatever address the order has, it is of who had signed in.
    let by_customer =
        with_email(OrderV1 { customer: signed_in(customer), ..second }, "other@example.org").with_fingerprint();
    let by_other = OrderV1 { customer: signed_in(unverified), ..third };
    for order in [&first, &by_customer, &by_other, &by_guest] {
        apply(&mut connection, &message(order), &shop(), minute(1)).await.unwrap();
    }
    let mine = titles_of(&mut connection, customer).await;
    assert_eq!(mine.len(), 2, "not the one of the other customer, although it has the address: {mine:?}");
    assert_eq!(titles_of(&mut connection, unverified).await.len(), 1, "an address that is not verified claims nothing");
    for (order, whose, is_own) in [
        (&first, customer, true),
        (&by_customer, customer, true),
        (&by_other, customer, false),
        (&by_other, unverified, true),
        (&by_guest, unverified, false),
    ] {
        assert_eq!(is_of_customer(&mut connection, order.order, whose).await.unwrap(), is_own);
    }

    customers::end_sessions(&mut connection, customer, minute(5)).await.unwrap();
    let late = OrderV1 { customer: signed_in(customer), ..with_email(order(7, 1, &[(id, 1)]), "x@example.org") };
    apply(&mut connection, &message(&late.with_fingerprint()), &shop(), minute(6)).await.unwrap();
    assert_eq!(titles_of(&mut connection, customer).await.len(), 2, "a session that was ended owns nothing");
}

/// Orders that the customer placed with a session, and those of a guest with the customer's address, are two parts of a slice.
#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn cursors_lead_through_all_orders_of_a_customer_each_once_also_if_one_comes_between_them(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "b", 20).await;
    let customer = sign_in(&mut connection, 1, true).await;
    let session = Some(SignedInV1 { subject: customer, issued_at: minute(1) });
    let shop = Shop { max_open_orders: 20, ..shop() };
    let place = async |connection: &mut MySqlConnection, form: u32| {
        // Every second one of a session, and others between them.
        let own = order(1, form, &[(id, 1)]);
        let own = if form.is_multiple_of(2) { OrderV1 { customer: session, ..own }.with_fingerprint() } else { own };
        for order in [own, order(u128::from(form) + 100, form, &[(id, 1)])] {
            apply(connection, &message(&order), &shop, minute(1)).await.unwrap();
        }
    };
    for form in 1..=7 {
        place(&mut connection, form).await;
    }
    let all = of_customer(&mut connection, customer, None, 10).await.unwrap();
    let numbers = |slice: &Slice<OwnOrder>| slice.items.iter().map(|order| order.number.0).collect::<Vec<_>>();
    let all = numbers(&all);
    assert!(all.len() == 7 && all.is_sorted_by(|a, b| a > b), "{all:?}");
    for limit in 1..=7 {
        let (mut read, mut cursor, mut slices) = (Vec::new(), None, 0);
        loop {
            let slice = of_customer(&mut connection, customer, cursor.as_ref(), limit).await.unwrap();
            read.extend(numbers(&slice));
            slices += 1;
            assert!(slices <= 8, "the same slice again: {read:?}");
            let Some(next) = slice.next else { break };
            cursor = Some(Cursor::decode(&next, OWN).unwrap());
            if limit == 3 && slices == 1 {
                place(&mut connection, 8).await;
            }
        }
        // The newest one came after the first slice.
        read.retain(|number| all.contains(number));
        assert_eq!(read, all, "{limit}");
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_customer_cancels_an_own_order_from_another_browser_and_nobody_elses(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let id = book(&mut connection, "b", 20).await;
    let (customer, stranger) = (sign_in(&mut connection, 1, true).await, sign_in(&mut connection, 2, true).await);
    let [first, second] = [1, 2].map(|form| order(1, form, &[(id, 1)]));
    for order in [&first, &second] {
        apply(&mut connection, &message(order), &shop(), minute(1)).await.unwrap();
    }
    let asks = |subject, issued_at, visitor| {
        AskedBy::Customer(SignedInBuyer { session: SignedInV1 { subject, issued_at }, visitor })
    };
    customers::end_sessions(&mut connection, customer, minute(3)).await.unwrap();
    for (name, order, asked_by, is_refused) in [
        ("of somebody else", &first, asks(stranger, minute(1), None), true),
        ("with a session that was ended", &first, asks(customer, minute(2), None), true),
        ("with a session that counts", &first, asks(customer, minute(4), None), false),
        ("with the cookie that placed it", &second, asks(stranger, minute(1), Some(second.visitor)), false),
    ] {
        let message = cancelled_by(order, asked_by);
        let applied = apply(&mut connection, &message, &shop(), minute(5)).await.unwrap();
        assert_eq!(matches!(applied, Applied::Refused { .. }), is_refused, "{name}: {applied:?}");
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_rating_is_marked_once_its_author_has_the_book_whichever_came_first(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let (bought, other) = (book(&mut connection, "b", 20).await, book(&mut connection, "c", 20).await);
    let order = order(1, 1, &[(bought, 1)]);
    let rate = async |connection: &mut MySqlConnection, number: u128, book, visitor| {
        let rating =
            RatingV1 { book, visitor, customer: None, stars: Stars::parse(5).unwrap(), name: None, review: None };
        ratings::publish(connection, Uuid::from_u128(number), minute(1), &rating).await.unwrap();
    };
    let marked = async |connection: &mut MySqlConnection, book| {
        let list = ratings::list(connection, book, None, 10).await.unwrap().unwrap();
        list.items.iter().filter(|review| review.verified_purchase).count()
    };
    let stranger = VisitorId::of_number(Uuid::from_u128(77));
    apply(&mut connection, &message(&order), &shop(), minute(1)).await.unwrap();
    for (number, book, visitor) in [(1, bought, order.visitor), (2, bought, stranger), (3, other, order.visitor)] {
        rate(&mut connection, number, book, visitor).await;
    }
    assert_eq!(marked(&mut connection, bought).await, 0, "ordered, and not sent");
    let number = find(&mut connection, order.order).await.unwrap().unwrap().number;
    act(&mut connection, Uuid::from_u128(50), number, OrderAction::Shipped, &shop(), minute(2)).await.unwrap();
    assert_eq!((marked(&mut connection, bought).await, marked(&mut connection, other).await), (1, 0));

    // The same person in another browser, after signing in.
    let customer = sign_in(&mut connection, 1, true).await;
    let link = CustomerV1 {
        subject: customer,
        email: Email::parse("ana1@example.org").unwrap(),
        email_verified: true,
        visitor: Some(stranger),
        signed_in_at: minute(3),
    };
    let sent = Submission::customer(link.clone(), minute(3), None);
    sign_ins::sign_in(&mut connection, sent.id, sent.sent_at, &link).await.unwrap();
    rate(&mut connection, 4, bought, stranger).await;
    assert_eq!(marked(&mut connection, bought).await, 2);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn an_action_of_a_page_that_is_no_longer_true_changes_nothing_and_one_that_is_sent_twice_counts_once(
    pool: MySqlPool,
) {
    let mut connection = writer(&pool).await;
    let book = book(&mut connection, "uno", 5).await;
    let order = order(1, 1, &[(book, 2)]);
    place(&mut connection, &order).await;
    let number = found(&mut connection, &order).await.number;
    let shown = in_full(&mut connection, number).await.unwrap().unwrap().version();
    let mut act = async |id, version: &str, action| {
        let mut transaction = connection.begin().await.unwrap();
        let id = Uuid::from_u128(id);
        let applied = act_on(&mut transaction, id, (number, version), action, &shop(), minute(2)).await.unwrap();
        transaction.commit().await.unwrap();
        applied
    };
    let part = OrderAction::Cancel(Some(Part { book, copies: Some(1) }));
    assert!(matches!(act(1, &shown, part).await, Some(Applied::Changed { state: OrderState::Confirmed, .. })));
    assert!(matches!(act(1, &shown, part).await, Some(Applied::Repeated { .. })), "the same form again");
    assert_eq!(act(2, &shown, part).await, None, "the form of another window");
    assert_eq!(act(3, &shown, OrderAction::Shipped).await, None, "an order that has fewer books since");
    assert_eq!(act(4, "", OrderAction::Shipped).await, None);
    let absent = act_on(&mut connection, Uuid::new_v4(), (OrderNumber(1), &shown), part, &shop(), minute(2)).await;
    assert_eq!(absent.unwrap(), Some(Applied::Refused { order: None, refusal: Refusal::NoSuchOrder }));

    let kept = found(&mut connection, &order).await;
    assert_eq!((kept.state, kept.lines[0].kept()), (OrderState::Confirmed, 1));
    assert_eq!(stock_of(&mut connection, book).await, 4);
    let version = in_full(&mut connection, number).await.unwrap().unwrap().version();
    let mut transaction = connection.begin().await.unwrap();
    let (id, collected) = (Uuid::new_v4(), OrderAction::Collected);
    let applied = act_on(&mut transaction, id, (number, &version), collected, &shop(), minute(3)).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(matches!(applied, Some(Applied::Refused { refusal: Refusal::NotFrom { .. }, .. })), "{applied:?}");
    assert_sound(&mut connection).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_form_about_an_order_that_is_sent_twice_at_once_finds_its_own_change(pool: MySqlPool) {
    let (mut first, mut second) = (writer(&pool).await, writer(&pool).await);
    let book = book(&mut first, "uno", 5).await;
    let order = order(1, 1, &[(book, 2)]);
    place(&mut first, &order).await;
    let number = found(&mut first, &order).await.number;
    let version = in_full(&mut first, number).await.unwrap().unwrap().version();
    let (id, form) = (Uuid::from_u128(1), (number, version.as_str()));
    let mut transaction = first.begin().await.unwrap();
    let applied = act_on(&mut transaction, id, form, OrderAction::Shipped, &shop(), minute(2)).await.unwrap();
    assert!(matches!(applied, Some(Applied::Changed { .. })), "{applied:?}");
    let again = async {
        let mut transaction = second.begin().await.unwrap();
        let applied = act_on(&mut transaction, id, form, OrderAction::Shipped, &shop(), minute(2)).await.unwrap();
        transaction.commit().await.unwrap();
        applied
    };
    let commit = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        transaction.commit().await.unwrap();
    };
    let applied = tokio::join!(again, commit).0;
    assert!(matches!(applied, Some(Applied::Repeated { .. })), "{applied:?}");
}

/// Orders of this state and delivery with so many lines each, the numbers after all others.
async fn stored_orders(connection: &mut MySqlConnection, state: &str, delivery: &str, count: u32, lines: u32) {
    let last: Option<u32> =
        sqlx::query_scalar("select max(number) from orders").fetch_one(&mut *connection).await.unwrap();
    let last = last.unwrap_or_default();
    for sql in [
        format!(
            "insert into orders (id, visitor_id, state, delivery, payment, currency, language, fingerprint, placed_at, \
             decided_at) select unhex(md5(concat({last}, '-', seq))), unhex(md5('v')), '{state}', '{delivery}', \
             'bank_transfer', 'EUR', 'es', repeat('x', 32), now(6), now(6) from seq_1_to_{count}"
        ),
        format!(
            "insert into order_lines (order_number, position, book_id, title, quantity, unit_price) \
             select number, seq, seq, concat('Libro ', seq), 1, 100 from orders join seq_1_to_{lines} where number > {last}"
        ),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_long_queue_hides_no_other_one(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    stored_orders(&mut connection, "shipped", "ship", Waiting::MOST + 500, 1).await;
    for (state, delivery, count) in [
        ("confirmed", "ship", 3),
        ("confirmed", "collect", 2),
        ("awaiting_payment", "ship", 4),
        ("ready", "collect", 1),
        ("delivered", "ship", 6),
    ] {
        stored_orders(&mut connection, state, delivery, count, 1).await;
    }
    let withdrawn = "update orders set withdrawn_at = now() where state = 'delivered' limit 5";
    sqlx::raw_sql(withdrawn).execute(&mut *connection).await.unwrap();
    let expected = Waiting {
        to_pick: 2,
        to_ship: 3,
        to_pay: 4,
        ready: 1,
        shipped: Waiting::MOST,
        withdrawn: 5,
        messages: 0,
        previews: 0,
    };
    assert_eq!(waiting(&mut connection).await.unwrap(), expected);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_pick_list_has_all_orders_in_slices_the_oldest_first(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    stored_orders(&mut connection, "confirmed", "ship", 150, 1).await;
    stored_orders(&mut connection, "confirmed", "collect", 9, 50).await;
    stored_orders(&mut connection, "shipped", "ship", 20, 1).await;
    let (mut seen, mut slices, mut after) = (BTreeSet::new(), Vec::new(), None);
    loop {
        let list = to_pick(&mut connection, after).await.unwrap();
        let orders: BTreeSet<OrderNumber> =
            list.picks.iter().flat_map(|pick| &pick.orders).map(|(number, ..)| *number).collect();
        assert!(list.picks.is_sorted_by(|one, next| one.title <= next.title), "by title");
        assert!(seen.last() < orders.first() && orders.len() == list.orders as usize, "{slices:?}");
        slices.push(list.orders);
        seen.extend(orders);
        let Some(next) = list.next else { break };
        after = Some(next);
    }
    assert_eq!((seen.len(), slices), (159, vec![100, 55, 4]));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn what_the_staff_sees_of_orders_reads_no_more_the_more_there_are(pool: MySqlPool) {
    use crate::repo::query_cost_tests::rows_read;
    let mut connection = writer(&pool).await;
    // The searched order is the oldest, so that a search from the newest ones would read all.
    stored_orders(&mut connection, "confirmed", "collect", 60, 1).await;
    stored_orders(&mut connection, "returned", "ship", 60, 1).await;
    stored_orders(&mut connection, "delivered", "ship", 60, 1).await;
    let withdrawn = "update orders set withdrawn_at = now() where state = 'delivered'";
    sqlx::raw_sql(withdrawn).execute(&mut *connection).await.unwrap();
    stored_orders(&mut connection, "confirmed", "ship", 20_000, 1).await;
    stored_orders(&mut connection, "delivered", "ship", 20_000, 1).await;
    sqlx::raw_sql("analyze table orders, order_lines, mails").execute(&mut *connection).await.unwrap();

    let mut read = BTreeMap::new();
    rows_read(&mut connection).await;
    for shown in OrdersShown::LISTS {
        let orders = list_shown(&mut connection, shown, None, 50).await.unwrap();
        let after = list_shown(&mut connection, shown, orders.last().map(|order| order.number), 50).await.unwrap();
        assert!(orders.len() == 50 || after.is_empty(), "{}", shown.code());
        read.insert(shown.code(), (rows_read(&mut connection).await, 1_400));
    }
    let now = waiting(&mut connection).await.unwrap();
    read.insert("waiting", (rows_read(&mut connection).await, u64::from(Waiting::MOST) * 3));
    assert_eq!((now.to_pick, now.to_ship, now.withdrawn), (60, Waiting::MOST, 60));
    to_pick(&mut connection, None).await.unwrap();
    read.insert("pick list", (rows_read(&mut connection).await, 1_500));
    let over: Vec<_> = read.iter().filter(|(_, (rows, bound))| rows > bound).collect();
    assert!(over.is_empty(), "{over:?} of {read:?}");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_staff_sees_what_waits_by_what_is_to_be_done(pool: MySqlPool) {
    let mut connection = writer(&pool).await;
    let [one, two] = [book(&mut connection, "uno", 9).await, book(&mut connection, "dos", 9).await];
    let sent = order(1, 1, &[(one, 2), (two, 1)]);
    let fetched = collected(order(2, 2, &[(one, 1)]), Payment::OnCollection);
    let gone = order(3, 3, &[(two, 1)]);
    for order in [&sent, &fetched, &gone] {
        place(&mut connection, order).await;
    }
    let [sent_number, fetched_number] =
        [found(&mut connection, &sent).await.number, found(&mut connection, &fetched).await.number];
    staff(&mut connection, &gone, OrderAction::Shipped, minute(2)).await;
    let now = waiting(&mut connection).await.unwrap();
    assert_eq!((now.to_pick, now.to_ship, now.shipped, now.to_pay, now.ready, now.withdrawn), (1, 1, 1, 0, 0, 0));

    let list = to_pick(&mut connection, None).await.unwrap();
    assert_eq!((list.orders, list.next), (2, None));
    let shown: Vec<_> = list.picks.iter().map(|pick| (pick.title.as_str(), pick.copies(), &pick.orders)).collect();
    let of_one = vec![(sent_number, Delivery::Ship, 2), (fetched_number, Delivery::Collect, 1)];
    assert_eq!(shown, [("dos", 1, &vec![(sent_number, Delivery::Ship, 1)]), ("uno", 3, &of_one)]);

    staff(&mut connection, &gone, OrderAction::Delivered, minute(3)).await;
    run(&mut connection, &cancelled_by(&gone, by_cookie(&gone)), &shop(), minute(4)).await;
    staff(&mut connection, &fetched, OrderAction::Ready, minute(4)).await;
    let now = waiting(&mut connection).await.unwrap();
    assert_eq!((now.to_pick, now.to_ship, now.shipped, now.ready, now.withdrawn), (0, 1, 0, 1, 1));
    let gone_number = found(&mut connection, &gone).await.number;
    for (shown, numbers) in [
        (OrdersShown::ToPick, vec![]),
        (OrdersShown::ToShip, vec![sent_number]),
        (OrdersShown::InState(OrderState::Ready), vec![fetched_number]),
        (OrdersShown::InState(OrderState::Delivered), vec![gone_number]),
        (OrdersShown::Withdrawn, vec![gone_number]),
        (OrdersShown::Open, vec![gone_number, fetched_number, sent_number]),
        (OrdersShown::All, vec![gone_number, fetched_number, sent_number]),
    ] {
        let listed = list_shown(&mut connection, shown, None, 9).await.unwrap();
        assert_eq!(listed.iter().map(|order| order.number).collect::<Vec<_>>(), numbers, "{}", shown.code());
        let later = list_shown(&mut connection, shown, numbers.first().copied(), 9).await.unwrap();
        assert_eq!(later.len(), numbers.len().saturating_sub(1), "{}", shown.code());
    }
}
