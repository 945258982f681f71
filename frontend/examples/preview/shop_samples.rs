//! Samples of cart, checkout and orders in each state.

use std::sync::LazyLock;

use frontend::{
    CartChange, CartNote, DynTemplate, Form, Trouble, View,
    pages::{Accessibility, CartPage, CartRow, Checkout, CheckoutNotice, OrderPage, OrderStep, OrderView, Terms},
};
use shared::{
    domain::{
        Address, AddressText, Availability, Book, BookId, Cart, CartLine, Contact, CopiesChange, Delivery, DisplayName,
        Email, Invalid, Language, LineReason, Money, Order, OrderId, OrderLine, OrderNote, OrderNumber, OrderReason,
        OrderState, Payment, Phone, Reason, RefusedCancellation, StateChange, SubmissionKey, Summary, TaxPart,
    },
    quote::{Quote, QuoteLine},
    shop::Shop,
};
use time::{Duration, OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::account_samples;

/// A shop that offers every delivery and payment.
pub static SHOP: LazyLock<Shop> = LazyLock::new(|| {
    Shop::parse(
        r#"{
            "seller": {
                "name": "Librería Anaquel, S. L.", "tax_id": "B00000000", "address": "Calle de los Libros 1, 28013 Madrid, España",
                "email": "pedidos@shop.example", "phone": "+34 910 000 000", "register": "Registro Mercantil de Madrid, tomo 1"
            },
            "currency": "EUR",
            "time_zone": "Europe/Madrid",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": { "place": "Calle de los Libros 1, 28013 Madrid", "ready_in_days": 2, "keep_days": 7 },
            "ship": { "price": 395, "free_from": 8000, "days": 4, "countries": ["ES", "PT"] },
            "payments": {
                "on_collection": true, "on_delivery": true,
                "bank_transfer": { "holder": "Librería Anaquel, S. L.", "iban": "ES9121000418450200051332", "days_to_pay": 5 }
            },
            "max_open_orders": 5,
            "groups": 1,
            "sells": "yes"
        }"#,
    )
    .expect("a shop")
});

/// A key of zeros.
fn key() -> SubmissionKey {
    SubmissionKey::parse(&format!("{}=", "A".repeat(43))).expect("a key")
}

/// The id of an order.
pub fn order_id() -> OrderId {
    key().order_id(Uuid::from_u128(1), b"sample")
}

/// The view after this book was put into the cart, in a browser that has ordered before.
pub fn after_adding<'v>(view: View<'v>, book: &Book) -> View<'v> {
    let note = CartNote { change: CartChange::Added, book: Some(book.summary.id) };
    View { cart: 1, cart_change: Some(note), order: Some(order_id()), ..view }
}

/// Shows the pages with these books and one with hostile text.
pub fn every_page(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    account_samples::every_page(view, books, hostile, show);
    carts(view, books, hostile, show);
    checkouts(view, books, hostile, show);
    orders(view, books, hostile, show);
    show("terms", &Terms { view: View { path: "/terms", ..view } });
    show("terms-not-sold", &Terms { view: View { path: "/terms", shop: None, ..view } });
    show("accessibility", &Accessibility { view: View { path: "/accessibility", ..view } });
}

fn carts(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let view = View { path: "/cart", cart: 7, ..view };
    show("cart-empty", &CartPage { view: View { cart: 0, ..view }, rows: &[], removed: None });
    show("cart-not-sold", &CartPage { view: View { shop: None, ..view }, rows: &[], removed: None });

    let row = |book: &Summary, quantity, price_seen| CartRow {
        line: CartLine { book: book.id, quantity, price_seen },
        book: Some(book.clone()),
    };
    let priced = |at: usize, minor: u32| {
        let price = Some(Money { minor, currency: "EUR".into() });
        Summary { price, stock: 9, availability: Availability::InStock, ..books[at].clone() }
    };
    let fine = row(&priced(0, 1_995), 2, 1_995);
    show("cart", &CartPage { view, rows: std::slice::from_ref(&fine), removed: None });
    let gone = priced(1, 1_250);
    let removed = CartNote { change: CartChange::Removed(3), book: Some(gone.id) };
    let removed = CartPage {
        view: View { cart_change: Some(removed), ..view },
        rows: std::slice::from_ref(&fine),
        removed: Some(&gone),
    };
    show("cart-removed", &removed);
    show("cart-removed-last", &CartPage { view: View { cart: 0, ..removed.view }, rows: &[], ..removed });
    let short = CartNote { change: CartChange::Short, book: Some(books[3].id) };
    let few = row(&Summary { stock: 1, ..priced(3, 950) }, 3, 950);
    let few = [few];
    show("cart-short", &CartPage { view: View { cart_change: Some(short), ..view }, rows: &few, removed: None });
    let without_price = Summary { price: None, availability: Availability::ToOrder, ..books[4].clone() };
    let sold_out = Summary { stock: 0, availability: Availability::OutOfStock, ..priced(5, 700) };
    let rows = [
        fine,
        row(&priced(1, 1_250), 1, 1_395),
        row(&priced(2, 1_500), 1, 1_395),
        row(&Summary { stock: 3, ..priced(3, 950) }, 5, 950),
        row(&without_price, 1, 950),
        row(&sold_out, 1, 700),
        row(hostile, 1, 100),
        CartRow { line: CartLine { book: BookId::from(999), quantity: 1, price_seen: 500 }, book: None },
    ];
    let most = CartNote { change: CartChange::Most, book: None };
    show("cart-changed", &CartPage { view: View { cart_change: Some(most), ..view }, rows: &rows, removed: None });
    let refused = CartNote { change: CartChange::Quantity, book: Some(rows[1].line.book) };
    show("cart-quantity", &CartPage { view: View { cart_change: Some(refused), ..view }, rows: &rows, removed: None });
    show("cart-nothing-left", &CartPage { view, rows: &rows[4..], removed: None });
    let mut cart = Cart::default();
    assert!(rows.iter().all(|row| cart.add(row.line).is_ok()));
}

fn checkouts(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let view = View { path: "/checkout", cart: 3, ..view };
    let line = |book: &Summary, quantity, price| QuoteLine {
        book: book.id,
        title: book.title.clone(),
        quantity,
        price,
        tax_rate: 400,
    };
    let lines = vec![line(&books[0], 2, 1_995), line(&books[1], 1, 950)];
    let quote = Quote::new(&SHOP, Uuid::from_u128(7), lines.clone(), false);
    let sealed = quote.seal(&key());
    let page = Checkout { view, shop: &SHOP, quote: &quote, sealed: &sealed, form: Form::default(), notice: None };
    show("checkout", &page);
    let typed = [
        ("name", "Ana"),
        ("email", "ana@"),
        ("delivery", "ship"),
        ("payment", "on_collection"),
        ("street", "Calle Mayor 1"),
        ("country", "PT"),
        ("note", "Para regalo: 4111 1111 1111 1111"),
    ];
    let invalid = [
        Invalid::new("email", Reason::NotAnEmail),
        Invalid::new("payment", Reason::NotOneOf(vec!["on_delivery"])),
        Invalid::new("recipient", Reason::Blank),
        Invalid::new("postal_code", Reason::Blank),
        Invalid::new("place", Reason::Blank),
        Invalid::new("note", Reason::CardNumber),
    ];
    let form = Form { typed: &typed, invalid: &invalid, trouble: None };
    show("checkout-422", &Checkout { form, ..page });
    let typed_only = Form { typed: &typed, ..Form::default() };
    show("checkout-changed", &Checkout { form: typed_only, notice: Some(CheckoutNotice::Changed), ..page });
    let ordered = Some(CheckoutNotice::Ordered { id: order_id(), at: PLACED });
    show("checkout-ordered", &Checkout { notice: ordered, ..page });
    let (first, second) = (Checkout::quantity_of(books[0].id), Checkout::quantity_of(books[1].id));
    let with_quantities = [&typed[..], &[(first.as_str(), "5"), (second.as_str(), "x")]].concat();
    let unavailable = Form { typed: &with_quantities, trouble: Some(Trouble::Unavailable), ..Form::default() };
    show("checkout-503", &Checkout { form: unavailable, ..page });
    for (name, trouble) in [("checkout-outdated", Trouble::Outdated), ("checkout-gone", Trouble::Gone)] {
        let form = Form { typed: &typed, trouble: Some(trouble), ..Form::default() };
        let view = View { order: Some(order_id()), ..view };
        show(name, &Checkout { view, form, ..page });
    }
    let other_rate = QuoteLine { tax_rate: 2_100, ..line(hostile, 20, 99_999) };
    let more = [lines, vec![other_rate]].concat();
    let partial = Quote::new(&SHOP, Uuid::from_u128(7), more, true);
    show("checkout-partial", &Checkout { quote: &partial, ..page });
    let only_ship = Shop { collect: None, ..SHOP.clone() };
    let quote = Quote::new(&only_ship, Uuid::from_u128(7), partial.lines.clone(), false);
    show("checkout-ship", &Checkout { shop: &only_ship, quote: &quote, ..page });
}

const PLACED: OffsetDateTime = datetime!(2026-11-24 18:30 UTC);
const DECLARED: OrderStep = OrderStep::Declared { at: datetime!(2026-11-25 10:00 UTC), is_late: false };

fn orders(view: View, books: &[Summary], hostile: &Summary, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let sent = order(&books[..2], OrderState::Received);
    let id = sent.id.to_string();
    let view = View { path: "/orders/x", ..view };
    let page = OrderPage {
        view,
        id: &id,
        order: OrderView::Received,
        step: OrderStep::Reads,
        email: "",
        sealed: "",
        reloads: 0,
        is_resent: false,
    };
    show("order-received", &page);
    show("order-resent", &OrderPage { is_resent: true, ..page });
    show("order-late", &OrderPage { reloads: OrderPage::MAX_RELOADS, ..page });
    show("order-unknown", &OrderPage { order: OrderView::Unknown, ..page });
    for state in OrderState::ALL.into_iter().filter(|state| *state != OrderState::Received) {
        let order = order(&books[..2], state);
        show(&format!("order-{}", state.code()), &OrderPage { order: OrderView::Whole(&order), ..page });
        if matches!(state, OrderState::Confirmed | OrderState::Shipped) {
            let repeated = Order { repeated_at: Some(PLACED), ..order.clone() };
            show(&format!("order-{}-resent", state.code()), &OrderPage { order: OrderView::Whole(&repeated), ..page });
        }
        if state == OrderState::Confirmed {
            let whole = OrderPage { order: OrderView::Whole(&order), ..page };
            show("order-cancel", &OrderPage { step: OrderStep::Cancels, ..whole });
            show("order-cancel-by-email", &OrderPage { step: OrderStep::Cancels, email: "ana@example.org", ..whole });
            show("order-cancelling", &OrderPage { step: DECLARED, ..whole });
            show("order-by-email", &OrderPage { email: "ana@example.org", ..whole });
        }
    }
    let mut changed = order(&books[..2], OrderState::Ready);
    changed.paid_at = Some(PLACED + Duration::seconds(2));
    changed.lines[0].cancelled = 1;
    let at = PLACED + Duration::days(1);
    changed.changes = vec![CopiesChange { at, book: books[0].id, copies: 1, are_returned: false }];
    show("order-changed", &OrderPage { order: OrderView::Whole(&changed), ..page });
    let paid = Order { paid_at: Some(PLACED), ..order(&books[..2], OrderState::Confirmed) };
    let paid = OrderPage { order: OrderView::Whole(&paid), ..page };
    show("order-paid", &paid);
    show("order-paid-cancel", &OrderPage { step: OrderStep::Cancels, ..paid });
    let shipped = order(&books[..2], OrderState::Shipped);
    let whole = OrderPage { order: OrderView::Whole(&shipped), ..page };
    show("order-withdraw", &OrderPage { step: OrderStep::Cancels, ..whole });
    show("order-withdraw-by-email", &OrderPage { step: OrderStep::Cancels, email: "ana@example.org", ..whole });
    show("order-withdrawing", &OrderPage { step: DECLARED, ..whole });
    let delivered = order(&books[..2], OrderState::Delivered);
    show("order-delivered-withdrawing", &OrderPage { order: OrderView::Whole(&delivered), step: DECLARED, ..page });
    let awaiting = order(&books[..2], OrderState::AwaitingPayment);
    let awaiting = OrderPage { order: OrderView::Whole(&awaiting), ..page };
    show("order-cancelling-unpaid", &OrderPage { step: DECLARED, ..awaiting });
    let late = OrderStep::Declared { at: PLACED, is_late: true };
    show("order-cancelling-late", &OrderPage { step: late, ..awaiting });
    let cancelled = order(&books[..2], OrderState::Cancelled);
    let paid = Order { paid_at: Some(PLACED), ..cancelled.clone() };
    show("order-cancelled-declared", &OrderPage { order: OrderView::Whole(&cancelled), step: DECLARED, ..page });
    let refused = |status| Some(RefusedCancellation { sent_at: PLACED + Duration::hours(9), status });
    for state in [OrderState::Cancelled, OrderState::Expired, OrderState::Rejected, OrderState::Returned] {
        let order = Order { refused: refused(state), ..order(&books[..2], state) };
        show(&format!("order-refused-{}", state.code()), &OrderPage { order: OrderView::Whole(&order), ..page });
    }
    let late = Order { refused: refused(OrderState::Shipped), ..shipped.clone() };
    show("order-refused-shipped", &OrderPage { order: OrderView::Whole(&late), ..page });
    show("order-cancelled-paid", &OrderPage { order: OrderView::Whole(&paid), ..page });
    let withdrawn = Order { withdrawn_at: Some(PLACED + Duration::days(9)), ..shipped.clone() };
    show("order-withdrawn", &OrderPage { order: OrderView::Whole(&withdrawn), ..page });
    let back = Order { paid_at: Some(PLACED), ..order(&books[..2], OrderState::Returned) };
    let back = Order { withdrawn_at: withdrawn.withdrawn_at, ..back };
    show("order-withdrawn-returned", &OrderPage { order: OrderView::Whole(&back), ..page });
    let confirmed = OrderPage { order: OrderView::State(OrderState::Confirmed), ..page };
    let reloads = OrderPage::MAX_RELOADS;
    show("order-not-cancelled", &OrderPage { step: DECLARED, reloads, ..confirmed });
    show("order-cancelling-by-somebody", &OrderPage { step: DECLARED, ..confirmed });
    let left = OrderPage { order: OrderView::State(OrderState::Shipped), ..page };
    show("order-withdrawing-by-somebody", &OrderPage { step: DECLARED, ..left });
    let counts = OrderStep::Withdraws { at: datetime!(2026-11-25 10:00 UTC) };
    show("order-withdrawing-elsewhere", &OrderPage { step: counts, ..left });
    show("order-of-others", &OrderPage { order: OrderView::State(OrderState::Confirmed), ..page });
    let wrong = OrderPage { email: "eva@example.org", ..confirmed };
    show("order-wrong-email", &wrong);
    show("order-wrong-email-to-cancel", &OrderPage { step: OrderStep::Cancels, ..wrong });
    show("order-wrong-email-to-withdraw", &OrderPage { step: OrderStep::Cancels, email: "eva@example.org", ..left });

    let mut of_two_rates = order(&books[..2], OrderState::Confirmed);
    of_two_rates.lines[1].tax_rate = 2_100;
    show("order-two-rates", &OrderPage { order: OrderView::Whole(&of_two_rates), ..page });
    rejected_orders(page, books, show);
    let strange = Order {
        note: OrderNote::parse("<b>\u{202e}\n\n¿?").ok(),
        ..order(std::slice::from_ref(hostile), OrderState::Shipped)
    };
    show("order-hostile", &OrderPage { order: OrderView::Whole(&strange), ..page });
}

fn rejected_orders(page: OrderPage, books: &[Summary], show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    let refused = [
        LineReason::OutOfStock { left: 1 },
        LineReason::NoSuchBook,
        LineReason::WithoutPrice,
        LineReason::PriceAbove { now: euro(2_095) },
        LineReason::OtherCurrency { now: Money { minor: 500, currency: "CHF".into() } },
        LineReason::TooMany { max: 20 },
        LineReason::OutOfStock { left: 0 },
        LineReason::Other("storm".into()),
    ];
    let mut rejected = order(&books[..8], OrderState::Rejected);
    for (line, reason) in rejected.lines.iter_mut().zip(refused) {
        line.reason = Some(reason);
    }
    rejected.rejection = Some(OrderReason::Lines);
    rejected.lines[1].title.clear();
    show("order-rejected-lines", &OrderPage { order: OrderView::Whole(&rejected), ..page });
    let again = Quote::new(&SHOP, Uuid::from_u128(7), OrderPage::lines_again(&rejected, &SHOP), false);
    let sealed = again.seal(&key());
    show("order-rejected-again", &OrderPage { order: OrderView::Whole(&rejected), sealed: &sealed, ..page });
}

fn euro(minor: u32) -> Money {
    Money { minor, currency: "EUR".into() }
}

fn changes_of(line: &OrderLine, at: OffsetDateTime) -> Vec<CopiesChange> {
    let change = |copies, are_returned| CopiesChange { at, book: line.book, copies, are_returned };
    let changes = [change(line.cancelled, false), change(line.returned, true)];
    changes.into_iter().filter(|change| change.copies > 0).collect()
}

/// An order of one copy of each book.
fn order(books: &[Summary], state: OrderState) -> Order {
    let ships = matches!(state, OrderState::Shipped | OrderState::Delivered | OrderState::Returned);
    let line = |book: &Summary| OrderLine {
        book: book.id,
        title: book.title.clone(),
        isbn: book.isbn.clone(),
        quantity: 2,
        cancelled: u8::from(state == OrderState::Cancelled) * 2,
        returned: u8::from(state == OrderState::Returned) * 2,
        unit_price: Some(euro(1_995)),
        tax_rate: 400,
        total: Some(euro(3_990)),
        reason: None,
    };
    let lines: Vec<OrderLine> = books.iter().map(line).collect();
    let delivery_price = if ships { 395 } else { 0 };
    let sum: u32 = lines.iter().filter_map(|line| line.total.as_ref()).map(|total| total.minor).sum();
    let text = AddressText {
        name: "Ana Ruiz".into(),
        street: vec!["Calle Mayor 1".into(), "3.º B".into()],
        postal_code: "28013".into(),
        place: "Madrid".into(),
        region: String::new(),
        country: "ES".into(),
    };
    Order {
        id: order_id(),
        number: OrderNumber(100_042),
        visitor: None,
        state,
        history: vec![StateChange { state, at: PLACED + Duration::seconds(2) }],
        changes: lines.iter().flat_map(|line| changes_of(line, PLACED + Duration::seconds(2))).collect(),
        rejection: (state == OrderState::Rejected).then_some(OrderReason::TooManyOpen { max: 5 }),
        taxes: TaxPart::by_rate([(sum, 400), (delivery_price, 2_100)], "EUR"),
        lines,
        delivery: if ships { Delivery::Ship } else { Delivery::Collect },
        delivery_price: euro(delivery_price),
        delivery_tax_rate: 2_100,
        total: euro(sum + delivery_price),
        charged: euro(if matches!(state, OrderState::Cancelled | OrderState::Returned) {
            0
        } else {
            sum + delivery_price
        }),
        payment: if ships { Payment::OnDelivery } else { Payment::BankTransfer },
        paid_at: None,
        expires_at: Some(PLACED + Duration::days(5)),
        withdrawn_at: None,
        refused: None,
        contact: Some(Contact {
            name: DisplayName::parse("Ana Ruiz").expect("a name"),
            email: Email::parse("ana@example.org").expect("an address"),
            phone: Phone::parse("+34 600 123 123").ok(),
        }),
        address: ships.then(|| Address::parse(&text).expect("an address")),
        note: OrderNote::parse("Es un regalo.\nSin el precio, por favor.").ok(),
        language: Language::parse("es").expect("a language"),
        placed_at: PLACED,
        repeated_at: None,
    }
}
