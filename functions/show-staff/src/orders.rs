//! `/staff/orders` and `/staff/pick-list`: lists of orders, one order with its actions, and what is printed.

use std::collections::BTreeMap;

use anyhow::Context;
use frontend::{
    PageContext,
    pages::{StaffDeliveryNote, StaffNotice, StaffOrderPage, StaffOrders, StaffPicks},
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Cursor, Invalid, OrderAction, OrderNumber, Part, Refusal, StateChange},
    repo::{
        audit::{self, Deed},
        moderation::NEWEST,
        orders::{self, Applied},
    },
    staff::{About, AuditEntry, OrdersShown, StaffOrderInFull},
};
use time::OffsetDateTime;

use crate::{PAGE, SignedIn, next_address, slice};

/// The name of the list that a cursor belongs to.
const ORDERS: &str = "staff-orders";
const PICKS: &str = "staff-pick-list";

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["show", "cursor", "number"])?;
    if let Some(number) = query.get("number").and_then(OrderNumber::parse) {
        return Ok(Reply::see_other(&format!("/staff/orders/{number}")));
    }
    let shown = query.get("show").map_or(Some(OrdersShown::Open), OrdersShown::parse).ok_or(ApiError::NotFound)?;
    let name = format!("{ORDERS} {}", shown.code());
    let before = query.get("cursor").map(|text| Cursor::<OrderNumber>::decode(text, &name)).transpose()?;
    let before = before.map(|cursor| cursor.keys);
    let mut found = app.database().read(async |c| orders::list_shown(c, shown, before, PAGE + 1).await).await?;
    let cursor = slice(&mut found).map(|order| Cursor::new(name.as_str(), order.number).encode());
    let next = next_address("/staff/orders", &[("show", shown.code())], cursor);
    let context = PageContext::of(request).with_parameters(&["show", "cursor"]);
    context.reply(200, &StaffOrders { view: context.view(), shown, orders: &found, next: next.as_deref() })
}

pub async fn pick_list(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["cursor"])?;
    let after = query.get("cursor").map(|text| Cursor::<OrderNumber>::decode(text, PICKS)).transpose()?;
    let after = after.map(|cursor| cursor.keys);
    let list = app.database().read(async |c| orders::to_pick(c, after).await).await?;
    let cursor = list.next.map(|number| Cursor::new(PICKS, number).encode());
    let next = next_address("/staff/pick-list", &[], cursor);
    let context = PageContext::of(request).with_parameters(&["cursor"]);
    context.reply(200, &StaffPicks { view: context.view(), list: &list, next: next.as_deref() })
}

pub async fn delivery_note(app: &App, request: &Request, number: OrderNumber) -> Result<Reply> {
    let order = app.database().read(async |c| orders::in_full(c, number).await).await?.ok_or(ApiError::NotFound)?;
    let context = PageContext::of(request);
    context.reply(200, &StaffDeliveryNote { view: context.view(), order: &order })
}

/// An order with all that its page shows.
struct Found {
    order: Box<StaffOrderInFull>,
    history: Vec<StateChange>,
    log: Vec<AuditEntry>,
}

async fn find(app: &App, number: OrderNumber) -> Result<Found> {
    let reading = app.database().read(async |c| {
        let order = orders::in_full(c, number).await?;
        let history = orders::find_by_number(c, number).await?.map(|order| order.history);
        let log = audit::about(c, About::Order(number), NEWEST).await?;
        Ok(order.zip(history).map(|(order, history)| Found { order, history, log }))
    });
    reading.await?.ok_or(ApiError::NotFound)
}

pub async fn order(app: &App, request: &Request, who: &SignedIn, number: OrderNumber) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, number, None).await;
    }
    let typed = request.form()?;
    if !who.is_own_form(&typed) {
        return show(app, request, who, number, Some(StaffNotice::Expired)).await;
    }
    match change(app, who, number, &typed).await? {
        None => show(app, request, who, number, Some(StaffNotice::Changed)).await,
        Some(Applied::Refused { refusal, .. }) => {
            show(app, request, who, number, Some(StaffNotice::Refused(&refusal))).await
        }
        Some(_) => Ok(Reply::see_other(&format!("/staff/orders/{number}"))),
    }
}

/// The page of the order as it is now: 409 with a notice.
async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    number: OrderNumber,
    notice: Option<StaffNotice<'_>>,
) -> Result<Reply> {
    let Found { order, history, log } = find(app, number).await?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let page = StaffOrderPage { view: context.view(), order: &order, history: &history, log: &log, key: &key, notice };
    context.reply(if notice.is_some() { 409 } else { 200 }, &page)
}

/// Runs the action of a form, and records it in the same transaction; none if the order is no longer as the form showed it.
async fn change(
    app: &App,
    who: &SignedIn,
    number: OrderNumber,
    typed: &BTreeMap<String, String>,
) -> Result<Option<Applied>> {
    let (code, action) = action(typed)?;
    let version = typed.get("version").map_or("", String::as_str);
    let shop = frontend::shop().context("this stage does not sell: its file has no section [shop]")?;
    let what = format!("{action:?}");
    let id = who.change_id(&[&number.0.to_be_bytes(), version.as_bytes(), what.as_bytes()]);
    let (now, about) = (OffsetDateTime::now_utc(), About::Order(number));
    let detail = action.part().map(|part| match part.copies {
        Some(copies) => format!("book {}, copies: {copies}", part.book),
        None => format!("book {}", part.book),
    });
    let changing = app.database().write(async |c| {
        let applied = orders::act_on(c, id, (number, version), action, shop, now).await?;
        let outcome = match &applied {
            None => Some(AuditEntry::CHANGED_SINCE.to_owned()),
            // The first time it was recorded.
            Some(Applied::Repeated { .. }) => None,
            Some(Applied::Refused { refusal, .. }) => Some(refusal.code()),
            Some(_) => Some(AuditEntry::DONE.to_owned()),
        };
        let is_known = !matches!(&applied, Some(Applied::Refused { refusal: Refusal::NoSuchOrder, .. }));
        if let Some(outcome) = outcome.filter(|_| is_known) {
            let deed = Deed { action: code, about, outcome: &outcome, detail: detail.as_deref() };
            audit::note(c, &who.bookseller, deed, now).await?;
        }
        Ok(applied)
    });
    Ok(changing.await?)
}

/// The action of a form with its code.
fn action(typed: &BTreeMap<String, String>) -> Result<(&'static str, OrderAction), Invalid> {
    let field = |name: &str| typed.get(name).map(String::as_str);
    let part = match field("book") {
        None => None,
        Some(book) => {
            let book = BookId::parse(book).ok_or_else(|| Invalid::other("book", "must be a book of the order"))?;
            let copies = field("copies").map(|copies| copies.trim().parse::<u8>()).transpose();
            let copies = copies.map_err(|_| Invalid::other("copies", "must be a number of copies"))?;
            Some(Part { book, copies })
        }
    };
    match (field("do"), part) {
        (Some("paid"), None) => Ok(("paid", OrderAction::Paid)),
        (Some("ready"), None) => Ok(("ready", OrderAction::Ready)),
        (Some("shipped"), None) => Ok(("shipped", OrderAction::Shipped)),
        (Some("collected"), None) => Ok(("collected", OrderAction::Collected)),
        (Some("delivered"), None) => Ok(("delivered", OrderAction::Delivered)),
        (Some("cancel"), part) => Ok(("cancel", OrderAction::Cancel(part))),
        (Some("return"), part) => Ok(("return", OrderAction::Return(part))),
        _ => Err(Invalid::other("do", "must be an action of the page")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_an_action_about_the_whole_order_or_about_copies_of_a_book() {
        let part = |copies| Some(Part { book: BookId::from(53), copies });
        for (fields, expected) in [
            (&[("do", "paid")][..], Some(OrderAction::Paid)),
            (&[("do", "shipped")], Some(OrderAction::Shipped)),
            (&[("do", "cancel")], Some(OrderAction::Cancel(None))),
            (&[("do", "cancel"), ("book", "53"), ("copies", "2")], Some(OrderAction::Cancel(part(Some(2))))),
            (&[("do", "return"), ("book", "53")], Some(OrderAction::Return(part(None)))),
            (&[("do", "return"), ("book", "x")], None),
            (&[("do", "cancel"), ("book", "53"), ("copies", "-1")], None),
            (&[("do", "cancel"), ("book", "53"), ("copies", "300")], None),
            (&[("do", "paid"), ("book", "53")], None),
            (&[("do", "hide")], None),
            (&[], None),
        ] {
            let typed: BTreeMap<String, String> =
                fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(action(&typed).ok().map(|(_, action)| action), expected, "{fields:?}");
        }
    }
}
