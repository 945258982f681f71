//! `bookstore orders`, `stock` and `verify`: commands of the staff for what is sold. Like those in `staff`, they invoke
//! `run-staff-task`.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use infra::stage::Stage;
use serde_json::json;
use shared::{
    domain::{BookId, Money, OrderAction, OrderNumber, OrderState, Part, VisitorId},
    staff::{
        OrderChanged, OrderErased, Slices, SoldKind, SoldLine, StaffAnswer, StaffOrder, StaffOrderInFull,
        StaffOrderLine, StaffTask, StockChange, StockChanged, StockMovement, Verified, Violation,
    },
};
use time::{Date, OffsetDateTime, macros::format_description};
use uuid::Uuid;

use super::staff::{Staff, UNEXPECTED_RESPONSE, Whose, ask, moment};
use crate::{
    arguments,
    output::{Report, confirm, counted, minute, plain},
};

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Orders {
    #[command(subcommand)]
    action: Option<OrdersAction>,
    /// Only orders that are not closed
    #[arg(long)]
    open: bool,
    /// Largest number of orders to list
    #[arg(long, value_name = "N", default_value = "50", allow_hyphen_values = true, value_parser = arguments::limit)]
    limit: u64,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
struct One {
    /// Number of the order, as `orders` prints it
    #[arg(value_name = "ID", allow_hyphen_values = true, value_parser = number)]
    order: OrderNumber,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
struct OneOrPart {
    #[command(flatten)]
    one: One,
    /// Only copies of the book with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = arguments::book)]
    book: Option<BookId>,
    /// So many of them; all without it
    #[arg(long, value_name = "N", requires = "book", allow_hyphen_values = true, value_parser = copies)]
    copies: Option<u8>,
}

#[derive(Subcommand)]
enum OrdersAction {
    /// Show an order with its lines, address and note
    Show(One),
    /// The transfer of an order has arrived
    Paid(One),
    /// An order can be collected
    Ready(One),
    /// An order was given to the carrier
    Shipped(One),
    /// The carrier has delivered an order
    Delivered(One),
    /// The buyer has collected, and paid, an order
    Collected(One),
    /// Cancel an order, or copies of one book; they can be sold again
    Cancel(OneOrPart),
    /// Cancel many open orders that are not paid and have not left the shop, such as invented ones
    CancelAll {
        #[command(flatten)]
        filter: Filter,
        /// Send no mail to the buyers
        #[arg(long)]
        no_mail: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        whose: Whose,
    },
    /// An order, or copies of one book, came back and can be sold again
    Returned(OneOrPart),
    /// Erase who placed an order, for good; what tax law wants to be kept stays
    Erase {
        #[command(flatten)]
        one: One,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Print what was sold, line by line, for an invoicing program
    Export {
        /// Print CSV
        #[arg(long, required = true)]
        csv: bool,
        /// First day: 2026-01-01
        #[arg(long, allow_hyphen_values = true, value_parser = day)]
        from: Date,
        /// Last day; today without it
        #[arg(long, allow_hyphen_values = true, value_parser = day)]
        to: Option<Date>,
        #[command(flatten)]
        whose: Whose,
    },
}

/// Which open orders `cancel-all` cancels.
#[derive(Args)]
#[group(required = true, multiple = true)]
struct Filter {
    /// Only orders placed at this time or later: 2026-01-02T03:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Only orders placed before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<OffsetDateTime>,
    /// Only orders whose e-mail address has this domain, or is this address
    #[arg(long, value_name = "DOMAIN")]
    email: Option<String>,
    /// Only orders in this state: `confirmed`, `awaiting_payment` or `ready`
    #[arg(long, value_name = "STATE", value_parser = open_state)]
    state: Option<OrderState>,
    /// Only orders with copies of the book with this id
    #[arg(long, value_name = "ID", allow_hyphen_values = true, value_parser = arguments::book)]
    book: Option<BookId>,
    /// Only orders from the browser that placed this order
    #[arg(long, value_name = "ORDER", allow_hyphen_values = true, value_parser = number)]
    same_browser: Option<OrderNumber>,
}

impl Filter {
    /// Whether the command cancels it: not what somebody has paid, and not what is on its way, which a buyer can only return.
    fn matches(&self, order: &StaffOrder) -> bool {
        let is_unpaid = !order.is_paid && !order.state.has_left_the_shop() && !order.state.is_closed();
        let is_in_time = self.since.is_none_or(|since| since <= order.placed_at)
            && self.until.is_none_or(|until| order.placed_at < until);
        let has = |email: &str, wanted: &str| {
            let domain = email.rsplit_once('@').map_or(email, |(_, domain)| domain);
            [email, domain].iter().any(|part| part.eq_ignore_ascii_case(wanted.trim_start_matches('@')))
        };
        let is_theirs =
            self.email.as_ref().is_none_or(|wanted| order.email.as_ref().is_some_and(|email| has(email, wanted)));
        let is_in_state = self.state.is_none_or(|state| state == order.state);
        is_unpaid && is_in_time && is_theirs && is_in_state
    }
}

#[derive(Args)]
pub struct Stock {
    /// ISBN, or the id of the book
    #[arg(value_name = "ISBN")]
    book: String,
    /// `+5` copies came in, `-1` was damaged or lost, `=12` were counted just now; the movements are listed without it
    #[arg(value_name = "CHANGE", value_parser = stock_change, allow_hyphen_values = true, requires = "reason")]
    change: Option<StockChange>,
    /// Why, for the record
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    whose: Whose,
}

#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    whose: Whose,
}

fn number(text: &str) -> Result<OrderNumber, String> {
    OrderNumber::parse(text).ok_or_else(|| "expected the number of an order, such as 100042".to_owned())
}

/// A state from which the shop cancels.
fn open_state(text: &str) -> Result<OrderState, String> {
    let state = OrderState::from_code(text).filter(|state| state.can_be_cancelled());
    state.ok_or_else(|| "expected confirmed, awaiting_payment or ready".to_owned())
}

fn copies(text: &str) -> Result<u8, String> {
    let copies = text.parse().ok().filter(|copies| (1..=20).contains(copies));
    copies.ok_or_else(|| "expected 1 to 20 copies".to_owned())
}

fn day(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "expected a day such as 2026-01-31".to_owned())
}

fn stock_change(text: &str) -> Result<StockChange, String> {
    let (sign, digits) = text.split_at_checked(1).unwrap_or_default();
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let copies = || digits.parse::<u16>().ok().filter(|copies| is_number && *copies > 0);
    let change = match sign {
        "+" => copies().map(StockChange::Received),
        "-" => copies().map(StockChange::Damaged),
        "=" => digits.parse().ok().filter(|_| is_number).map(StockChange::Counted),
        _ => None,
    };
    change.ok_or_else(|| "expected copies with a sign: +5, -1 or =12".to_owned())
}

pub async fn orders(args: &Orders) -> Result<Report> {
    let Some(action) = &args.action else { return list(&args.whose, args.open, args.limit).await };
    let (one, action) = match action {
        OrdersAction::Show(one) => return show(one).await,
        OrdersAction::Paid(one) => (one, OrderAction::Paid),
        OrdersAction::Ready(one) => (one, OrderAction::Ready),
        OrdersAction::Shipped(one) => (one, OrderAction::Shipped),
        OrdersAction::Delivered(one) => (one, OrderAction::Delivered),
        OrdersAction::Collected(one) => (one, OrderAction::Collected),
        OrdersAction::Cancel(some) => (&some.one, OrderAction::Cancel(some.part())),
        OrdersAction::Returned(some) => (&some.one, OrderAction::Return(some.part())),
        OrdersAction::CancelAll { filter, no_mail, yes, whose } => {
            return cancel_all(whose, filter, *no_mail, *yes).await;
        }
        OrdersAction::Erase { one, yes } => return erase(one, *yes).await,
        OrdersAction::Export { from, to, whose, .. } => return export(whose, *from, *to).await,
    };
    let task = StaffTask::ChangeOrder { id: Uuid::new_v4(), order: one.order, action };
    let StaffAnswer::Order(changed) = ask(&one.whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let order = one.order;
    match changed {
        OrderChanged::Now { state } => {
            Ok(Report::new(format!("Order {order} is {state}."), json!({ "order": order, "state": state })))
        }
        OrderChanged::Already => Ok(Report::new(format!("Order {order}: done before."), json!({ "order": order }))),
        OrderChanged::Refused { refusal } => bail!("order {order} is as it was: {refusal}"),
    }
}

/// Lists the orders, asks, and cancels one after the other. An order that its buyer or somebody else changes meanwhile is
/// left as it is, and named.
async fn cancel_all(whose: &Whose, filter: &Filter, no_mail: bool, yes: bool) -> Result<Report> {
    let staff = Staff::connect(whose).await?;
    let browser = match filter.same_browser {
        Some(order) => Some(browser_of(&staff, order).await?),
        None => None,
    };
    let (mut chosen, mut before) = (Vec::new(), None);
    loop {
        let StaffAnswer::Orders(page) = staff.ask(StaffTask::ListOrders { open: true, before }).await? else {
            bail!(UNEXPECTED_RESPONSE)
        };
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        let is_of_browser = |order: &StaffOrder| browser.is_none_or(|browser| order.visitor == Some(browser));
        chosen.extend(page.into_iter().filter(|order| filter.matches(order) && is_of_browser(order)));
    }
    if let Some(book) = filter.book {
        chosen = with_book(&staff, chosen, book).await?;
    }
    if chosen.is_empty() {
        return Ok(Report::new("No order matches: nothing was cancelled.", json!({ "cancelled": [], "kept": [] })));
    }
    for order in &chosen {
        outln!("{}", format_order(order));
    }
    let copies: u32 = chosen.iter().map(|order| order.copies).sum();
    let copies = if copies == 1 { "1 copy".to_owned() } else { format!("{copies} copies") };
    let mails = if no_mail { "Nobody gets a mail." } else { "Each buyer gets a mail." };
    outln!("{} with {copies}. {mails}", counted(chosen.len(), "order"));
    confirm("Cancel them?", yes, "nothing was cancelled")?;
    let (mut cancelled, mut kept) = (Vec::new(), Vec::new());
    for StaffOrder { number: order, .. } in &chosen {
        // It may be paid since it was listed.
        let task = StaffTask::CancelUnpaid { id: Uuid::new_v4(), order: *order, is_mailed: !no_mail };
        match staff.ask(task).await? {
            StaffAnswer::Order(OrderChanged::Now { .. } | OrderChanged::Already) => cancelled.push(*order),
            StaffAnswer::Order(OrderChanged::Refused { refusal }) => {
                outln!("Order {order} is as it was: {refusal}");
                kept.push(*order);
            }
            _ => bail!(UNEXPECTED_RESPONSE),
        }
    }
    let text = format!("{} cancelled; their copies can be sold again.", counted(cancelled.len(), "order"));
    Ok(Report::new(text, json!({ "cancelled": cancelled, "kept": kept })))
}

/// Whose browser placed an order.
async fn browser_of(staff: &Staff, order: OrderNumber) -> Result<VisitorId> {
    let found = in_full(staff, order).await?.with_context(|| format!("there is no order {order}"))?;
    found.order.visitor.with_context(|| format!("nobody knows from which browser order {order} came: it was erased"))
}

/// Those of the orders that have copies of a book.
async fn with_book(staff: &Staff, orders: Vec<StaffOrder>, book: BookId) -> Result<Vec<StaffOrder>> {
    let mut chosen = Vec::new();
    for order in orders {
        let found = in_full(staff, order.number).await?;
        if found.is_some_and(|found| found.lines.iter().any(|line| line.book == book && line.copies > 0)) {
            chosen.push(order);
        }
    }
    Ok(chosen)
}

async fn in_full(staff: &Staff, order: OrderNumber) -> Result<Option<Box<StaffOrderInFull>>> {
    match staff.ask(StaffTask::ShowOrder { order }).await? {
        StaffAnswer::OrderInFull(found) => Ok(found),
        _ => bail!(UNEXPECTED_RESPONSE),
    }
}

/// Erases who placed an order, for a buyer who asks by letter or from another browser.
async fn erase(one: &One, yes: bool) -> Result<Report> {
    let order = one.order;
    if !yes {
        let StaffAnswer::OrderInFull(found) = ask(&one.whose, StaffTask::ShowOrder { order }).await? else {
            bail!(UNEXPECTED_RESPONSE)
        };
        let found = found.with_context(|| format!("there is no order {order}"))?;
        outln!("{}", format_whole(&found));
        outln!(
            "This erases who placed order {order} for good: name, e-mail address, telephone number, postal address, note and \
             browser. Books, amounts, dates and the country stay, as tax law requires."
        );
    }
    confirm("Erase who placed this order?", yes, "nothing was erased")?;
    let StaffAnswer::OrderErased(erased) = ask(&one.whose, StaffTask::EraseOrder { order }).await? else {
        bail!(UNEXPECTED_RESPONSE)
    };
    let text = match erased {
        OrderErased::Now => format!("Erased: who placed order {order}."),
        OrderErased::Already => format!("Order {order}: erased before; nobody knows who placed it."),
        OrderErased::Later { until } => {
            let until = until.map(|until| format!(", at the latest on {}", minute(until))).unwrap_or_default();
            format!("Order {order} is on its way: who placed it is erased when it is delivered{until}.")
        }
        OrderErased::NotSent { state } => {
            let cancel = Stage::load(one.whose.stage())?.command(&format!("orders cancel {order}"));
            bail!("order {order} is {state}: the shop needs its contact to fulfil it; cancel it first with `{cancel}`")
        }
        OrderErased::NoSuchOrder => bail!("there is no order {order}"),
    };
    Ok(Report::new(text, json!(erased)))
}

async fn show(one: &One) -> Result<Report> {
    let task = StaffTask::ShowOrder { order: one.order };
    let StaffAnswer::OrderInFull(found) = ask(&one.whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let Some(order) = found else { bail!("there is no order {}", one.order) };
    Ok(Report::new(format_whole(&order), json!({ "order": order })))
}

fn format_whole(order: &StaffOrderInFull) -> String {
    let StaffOrderInFull { order, lines, phone, address, note, charged } = order;
    let mut text = format_order(order);
    _ = write!(text, "\n    charged: {charged}");
    for StaffOrderLine { book, isbn, title, copies, unit_price, reason } in lines {
        let isbn = isbn.as_deref().map(|isbn| format!(", ISBN {isbn}")).unwrap_or_default();
        let price = unit_price.as_ref().map(|price| format!(", {price} each")).unwrap_or_default();
        _ = write!(text, "\n    {copies} × {} (book {book}{isbn}){price}", plain(title));
        if let Some(reason) = reason {
            _ = write!(text, ": {}", plain(reason));
        }
    }
    let contact = phone.iter().chain(address).map(|line| plain(line));
    for line in contact {
        _ = write!(text, "\n    {line}");
    }
    if let Some(note) = note {
        _ = write!(text, "\n    note: {}", plain(note));
    }
    text
}

impl OneOrPart {
    fn part(&self) -> Option<Part> {
        Some(Part { book: self.book?, copies: self.copies })
    }
}

async fn list(whose: &Whose, open: bool, limit: u64) -> Result<Report> {
    let limit = usize::try_from(limit)?;
    let mut orders: Vec<StaffOrder> = Vec::new();
    while orders.len() < limit {
        let before = orders.last().map(|order| order.number);
        let StaffAnswer::Orders(page) = ask(whose, StaffTask::ListOrders { open, before }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        if page.is_empty() {
            break;
        }
        orders.extend(page);
    }
    orders.truncate(limit);
    let none = if open { "No order is open." } else { "There are no orders." };
    let text = orders.iter().map(format_order).collect::<Vec<_>>().join("\n");
    Ok(Report::new(if text.is_empty() { none } else { text.as_str() }, json!({ "orders": orders })))
}

fn format_order(order: &StaffOrder) -> String {
    let mut line = format!(
        "{}  {}  {}  {} {}, {} by {}",
        order.number,
        minute(order.placed_at),
        order.state,
        order.total,
        if order.is_paid { "paid" } else { "not paid" },
        order.delivery.code(),
        order.payment.code(),
    );
    if let (Some(name), Some(email)) = (&order.name, &order.email) {
        _ = write!(line, "\n    {} <{}>", plain(name), plain(email));
    }
    if let Some(expires_at) = order.expires_at {
        _ = write!(line, "\n    expires {}", minute(expires_at));
    }
    if let Some(withdrawn_at) = order.withdrawn_at {
        _ = write!(line, "\n    the buyer withdrew from the contract on {}", minute(withdrawn_at));
    }
    if let Some(reason) = &order.rejection {
        _ = write!(line, "\n    {}", plain(reason));
    }
    if let Some(failure) = &order.failed_mail {
        _ = write!(line, "\n    a mail did not arrive: {}", plain(failure));
    }
    line
}

async fn export(whose: &Whose, from: Date, to: Option<Date>) -> Result<Report> {
    let to = to.unwrap_or_else(|| OffsetDateTime::now_utc().date());
    if to < from {
        bail!("--to is {to}; it must not be before --from, which is {from}");
    }
    let (mut sold, mut after) = (Vec::new(), None);
    loop {
        let StaffAnswer::Sold { lines, next } = ask(whose, StaffTask::ExportOrders { after, from, to }).await? else {
            bail!(UNEXPECTED_RESPONSE);
        };
        sold.extend(lines);
        after = next;
        if after.is_none() {
            break;
        }
    }
    Ok(Report::new(csv(&sold), json!({ "lines": sold })))
}

/// RFC 4180. Copies and amounts that were taken back are negative.
fn csv(lines: &[SoldLine]) -> String {
    let header =
        "order,at,kind,state,payment,paid_at,country,isbn,title,copies,unit_price,currency,vat_rate,amount,vat";
    [header.to_owned()].into_iter().chain(lines.iter().map(csv_row)).collect::<Vec<_>>().join("\n")
}

fn csv_row(line: &SoldLine) -> String {
    let gross = line.unit_price.saturating_mul(line.copies.into());
    let vat = shared::domain::TaxPart::included(gross, line.tax_rate);
    let amount = |minor| {
        let money = Money { minor, currency: line.currency.clone() }.to_string();
        money.split(' ').next().unwrap_or_default().to_owned()
    };
    let signed = |number: String| {
        let is_nothing = number.bytes().all(|b| b"0.".contains(&b));
        if line.kind == SoldKind::Sale || is_nothing { number } else { format!("-{number}") }
    };
    let cells = [
        line.number.to_string(),
        minute(line.at),
        quoted(line.kind.code()),
        quoted(&line.state),
        quoted(&line.payment),
        line.paid_at.map(minute).unwrap_or_default(),
        quoted(line.country.as_deref().unwrap_or_default()),
        quoted(line.isbn.as_deref().unwrap_or_default()),
        quoted(&line.title),
        signed(line.copies.to_string()),
        amount(line.unit_price),
        quoted(&line.currency),
        format!("{}.{:02}", line.tax_rate / 100, line.tax_rate % 100),
        signed(amount(gross)),
        signed(amount(vat)),
    ];
    cells.join(",")
}

/// A text in quotes, without formulas; nothing for an empty one.
fn quoted(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\"{}\"", without_formulas(text).replace('"', "\"\"")) }
}

/// The text with an apostrophe in front of all that a spreadsheet would take for a formula: at the beginning, and behind a separator of
/// another locale, at which it may part cells without regard to quotes. <https://owasp.org/www-community/attacks/CSV_Injection>
fn without_formulas(text: &str) -> String {
    let mut safe = String::new();
    let mut begins_cell = true;
    for c in text.chars() {
        let is_separator = matches!(c, ',' | ';' | '|' | '\t' | '\r' | '\n');
        let is_formula = matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
        let begins_text = safe.is_empty() && matches!(c, '\t' | '\r' | '\n');
        if begins_cell && is_formula || begins_text {
            safe.push('\'');
        }
        safe.push(c);
        begins_cell = is_separator || begins_cell && (c.is_whitespace() || c == '"');
    }
    safe
}

pub async fn stock(args: &Stock) -> Result<Report> {
    let Some(change) = args.change else { return movements(&args.whose, &args.book).await };
    let reason = args.reason.clone().context("--reason is missing")?;
    let task = StaffTask::ChangeStock { id: Uuid::new_v4(), book: args.book.clone(), change, reason };
    let StaffAnswer::Stock(changed) = ask(&args.whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    match &changed {
        StockChanged::Now { title, before, stock, set_aside } => {
            let set_aside = match set_aside {
                0 => String::new(),
                copies => format!("; {copies} of the counted ones are set aside for open orders"),
            };
            Ok(Report::new(format!("{}: {before} -> {stock} copies{set_aside}", plain(title)), json!(changed)))
        }
        StockChanged::Already { title, stock } => {
            Ok(Report::new(format!("{}: {stock} copies; done before", plain(title)), json!(changed)))
        }
        StockChanged::NoSuchBook => bail!("there is no book {}", args.book),
        StockChanged::TooFew { title, stock, set_aside: 0 } => {
            bail!("{} has {stock} copies; fewer than none cannot be left", plain(title))
        }
        StockChanged::TooFew { title, stock, set_aside } => bail!(
            "{} has {stock} copies beside {set_aside} that open orders wait for; cancel copies of those orders first",
            plain(title)
        ),
    }
}

async fn movements(whose: &Whose, book: &str) -> Result<Report> {
    let task = StaffTask::ListMovements { book: book.to_owned(), before: None };
    let StaffAnswer::Movements(movements) = ask(whose, task).await? else { bail!(UNEXPECTED_RESPONSE) };
    let line = |StockMovement { kind, quantity, source, reason, moved_at, .. }: &StockMovement| {
        let reason = reason.as_deref().map(|reason| format!("  {}", plain(reason))).unwrap_or_default();
        format!("{}  {quantity:>+5}  {kind}  {}{reason}", minute(*moved_at), plain(source))
    };
    let text = movements.iter().map(line).collect::<Vec<_>>().join("\n");
    let none = "Nothing has moved since the book was imported, or there is no such book.";
    Ok(Report::new(if text.is_empty() { none } else { text.as_str() }, json!({ "movements": movements })))
}

/// Checks all slices; fails if an invariant does not hold.
pub async fn verify(args: &Verify) -> Result<Report> {
    let (mut violations, mut checked) = (Vec::<Violation>::new(), [0_u64; 2]);
    let sweep_minutes = Stage::load(args.whose.stage())?.orders.sweep_minutes;
    let mut next = Some(Slices::FIRST);
    while let Some(slice) = next {
        let StaffAnswer::Verified(Verified { violations: found, checked: count, next: following }) =
            ask(&args.whose, StaffTask::Verify { slice, sweep_minutes }).await?
        else {
            bail!(UNEXPECTED_RESPONSE)
        };
        violations.extend(found);
        checked[usize::from(matches!(slice, Slices::OrdersAfter(_)))] += u64::from(count);
        next = following;
    }
    let [books, orders] = checked;
    if violations.is_empty() {
        let text = format!("Stock and orders are sound: {books} books and {orders} orders checked.");
        return Ok(Report::new(text, json!({ "books": books, "orders": orders, "violations": [] })));
    }
    let lines: Vec<String> = violations.iter().map(ToString::to_string).collect();
    bail!("{} invariants of stock and orders do not hold:\n  {}", lines.len(), lines.join("\n  "))
}

#[cfg(test)]
mod tests {
    use shared::domain::{Delivery, Payment};
    use time::macros::datetime;

    use super::*;

    #[test]
    fn many_orders_are_cancelled_by_time_and_mailbox_but_none_that_is_paid_or_has_left_the_shop() {
        let order = StaffOrder {
            number: OrderNumber(100_042),
            state: OrderState::Confirmed,
            rejection: None,
            delivery: Delivery::Ship,
            payment: Payment::OnDelivery,
            total: Money { minor: 2_390, currency: "EUR".into() },
            copies: 1,
            name: Some("Ana Ruiz".into()),
            email: Some("ana@Invented.example".into()),
            placed_at: datetime!(2026-01-02 03:00 UTC),
            expires_at: None,
            withdrawn_at: None,
            is_paid: false,
            visitor: None,
            failed_mail: None,
        };
        let filter = |since: Option<OffsetDateTime>, until: Option<OffsetDateTime>, email: &str| Filter {
            since,
            until,
            email: (!email.is_empty()).then(|| email.to_owned()),
            state: None,
            book: None,
            same_browser: None,
        };
        let at = |minute| Some(datetime!(2026-01-02 03:00 UTC) + time::Duration::minutes(minute));
        for (filter, is_chosen) in [
            (filter(at(0), None, ""), true),
            (filter(at(1), None, ""), false),
            (filter(None, at(1), ""), true),
            (filter(None, at(0), ""), false),
            (filter(at(-60), at(60), "invented.example"), true),
            (filter(None, None, "@invented.example"), true),
            (filter(None, None, "ANA@invented.example"), true),
            (filter(None, None, "a@invented.example"), false),
            (filter(None, None, "example"), false),
            (filter(None, None, "not-invented.example"), false),
        ] {
            let Filter { since, until, email, .. } = &filter;
            assert_eq!(filter.matches(&order), is_chosen, "{since:?} {until:?} {email:?}");
        }
        let all = filter(at(0), None, "");
        for (state, is_paid, is_chosen) in [
            (OrderState::Received, false, true),
            (OrderState::AwaitingPayment, false, true),
            (OrderState::Ready, false, true),
            (OrderState::Ready, true, false),
            (OrderState::Shipped, false, false),
            (OrderState::Delivered, false, false),
            (OrderState::Cancelled, false, false),
        ] {
            assert_eq!(all.matches(&StaffOrder { state, is_paid, ..order.clone() }), is_chosen, "{state}");
        }
        let ready = Filter { state: Some(OrderState::Ready), ..filter(None, None, "") };
        for (state, is_chosen) in [(OrderState::Ready, true), (OrderState::Confirmed, false)] {
            assert_eq!(ready.matches(&StaffOrder { state, ..order.clone() }), is_chosen, "{state}");
        }
        assert_eq!(open_state("ready"), Ok(OrderState::Ready));
        assert!(open_state("shipped").is_err() && open_state("Ready").is_err());
        let erased = StaffOrder { email: None, ..order };
        assert!(!filter(None, None, "invented.example").matches(&erased));
    }

    #[test]
    fn a_change_of_stock_has_a_sign() {
        for (text, change) in [
            ("+5", Some(StockChange::Received(5))),
            ("-1", Some(StockChange::Damaged(1))),
            ("=12", Some(StockChange::Counted(12))),
            ("=0", Some(StockChange::Counted(0))),
            ("5", None),
            ("+0", None),
            ("-0", None),
            ("+", None),
            ("", None),
            ("=", None),
            ("+-5", None),
            ("++5", None),
            ("+5.5", None),
            ("ñ5", None),
            ("+99999", None),
            ("=99999999999", None),
        ] {
            assert_eq!(stock_change(text).ok(), change, "{text:?}");
        }
    }

    #[test]
    fn what_was_sold_is_exported_with_its_tax_and_opens_in_a_spreadsheet() {
        let line = SoldLine {
            number: OrderNumber(100_001),
            at: datetime!(2026-01-02 03:04 UTC),
            kind: SoldKind::Sale,
            state: "delivered".into(),
            payment: "on_delivery".into(),
            paid_at: None,
            country: Some("PT".into()),
            isbn: Some("9780262033848".into()),
            title: "El túnel, \"1948\"".into(),
            copies: 2,
            unit_price: 1_040,
            currency: "EUR".into(),
            tax_rate: 400,
        };
        let formula = SoldLine { title: "=HYPERLINK(1)".into(), isbn: None, country: None, copies: 1, ..line.clone() };
        let returned =
            SoldLine { kind: SoldKind::Returned, at: datetime!(2026-02-03 04:05 UTC), copies: 1, ..line.clone() };
        let free = SoldLine { kind: SoldKind::Cancelled, unit_price: 0, ..returned.clone() };
        let csv = csv(&[line, formula, returned, free]);
        assert_eq!(
            csv.lines().skip(1).collect::<Vec<_>>(),
            [
                "100001,2026-01-02 03:04 UTC,\"sale\",\"delivered\",\"on_delivery\",,\"PT\",\"9780262033848\",\"El túnel, \"\"1948\"\"\",2,10.40,\"EUR\",4.00,20.80,0.80",
                "100001,2026-01-02 03:04 UTC,\"sale\",\"delivered\",\"on_delivery\",,,,\"'=HYPERLINK(1)\",1,10.40,\"EUR\",4.00,10.40,0.40",
                "100001,2026-02-03 04:05 UTC,\"returned\",\"delivered\",\"on_delivery\",,\"PT\",\"9780262033848\",\"El túnel, \"\"1948\"\"\",-1,10.40,\"EUR\",4.00,-10.40,-0.40",
                "100001,2026-02-03 04:05 UTC,\"cancelled\",\"delivered\",\"on_delivery\",,\"PT\",\"9780262033848\",\"El túnel, \"\"1948\"\"\",-1,0.00,\"EUR\",4.00,0.00,0.00",
            ]
        );
    }

    #[test]
    fn no_text_of_a_csv_begins_a_formula_in_any_spreadsheet() {
        for (text, cell) in [
            ("", ""),
            ("El túnel", "\"El túnel\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("＝1", "\"'＝1\""),
            ("＋1", "\"'＋1\""),
            ("－1", "\"'－1\""),
            ("＠x", "\"'＠x\""),
            ("\tx", "\"'\tx\""),
            ("\rx", "\"'\rx\""),
            ("\nx", "\"'\nx\""),
            ("\t=1", "\"'\t'=1\""),
            (" =1", "\" '=1\""),
            ("a;=1", "\"a;'=1\""),
            ("a; =1", "\"a; '=1\""),
            ("a\t@x", "\"a\t'@x\""),
            ("a\n-1", "\"a\n'-1\""),
            ("a|+1", "\"a|'+1\""),
            ("a;\"=1\"", "\"a;\"\"'=1\"\"\""),
            ("\"=1", "\"\"\"'=1\""),
            ("a=b, c-d", "\"a=b, c-d\""),
            ("1; 2", "\"1; 2\""),
        ] {
            assert_eq!(quoted(text), cell, "{text:?}");
        }
    }
}
