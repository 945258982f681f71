//! `/staff/stock`: a delivery, book after book, by a scanner and the keyboard alone; and what is running out.

use std::collections::BTreeMap;

use frontend::{
    Form, PageContext,
    links::address,
    pages::{BookNotice, FormKeys, GoodsIn, StaffStock},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{BookId, Cursor, FactChange, Invalid, Parsed, Sought, book_facts::whole_number, clean_line},
    http::Query,
    repo::{
        audit::{self, Deed},
        books,
        catalogue::edit,
        stock,
    },
    staff::{About, AuditEntry, CopiesLeft, StaffBook, StockChange, StockChanged, StockMovement},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    PAGE, SignedIn,
    books::{field, once, once_of, with_another_number},
    next_address, slice,
};

/// The most copies of one delivery or loss.
const MOST_MOVED: u16 = 10_000;
/// The most copies that are counted.
const MOST_COUNTED: u32 = 1_000_000;
/// Characters of the delivery note, as the database keeps it.
const MAX_REASON: usize = 200;

pub async fn page(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    if request.is_read() {
        return goods_in(app, request, who).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    let found = BookId::parse(field(&typed, "book"));
    if !who.is_own_form(&typed) {
        let shown = Shown { form, found, notice: Some(BookNotice::Expired), ..Shown::default() };
        return show(app, request, who, shown, 409).await;
    }
    let id = found.ok_or_else(|| Invalid::other("book", "must be a book of the shop"))?;
    let copies = typed.get("copies").map_or("1", String::as_str);
    let change = match copies_of("received", copies) {
        Ok(change) => change,
        Err(invalid) => {
            let shown = Shown { form: Form { invalid: &[invalid], ..form }, found, ..Shown::default() };
            return show(app, request, who, shown, 422).await;
        }
    };
    let note = delivery_note(&typed);
    let reason = if note.is_empty() { PageContext::of(request).view().text("staff-goods-in") } else { note.clone() };
    let notice = match move_copies(app, who, id, change, (&reason, once_of(&typed)?)).await? {
        Moved::Now(action) => return Ok(Reply::see_other(&done_address(id, action, &note, false))),
        Moved::Before(action) => return Ok(Reply::see_other(&done_address(id, action, &note, true))),
        Moved::NoSuchBook | Moved::TooFew { .. } => return Err(ApiError::NotFound),
        Moved::Otherwise => BookNotice::CountedBefore,
    };
    // So that the button counts these copies too.
    let again = with_another_number(&values);
    let shown = Shown { form: Form { typed: &again, ..form }, found, notice: Some(notice), ..Shown::default() };
    show(app, request, who, shown, 409).await
}

/// The address of the page for the next book, which says what came in.
fn done_address(book: BookId, action: Uuid, note: &str, again: bool) -> String {
    let (book, action) = (book.to_string(), action.to_string());
    let done =
        [("received", book.as_str()), ("by", &action), ("again", if again { "yes" } else { "" }), ("reason", note)];
    address("/staff/stock", done.into_iter().filter(|(_, value)| !value.is_empty()))
}

fn delivery_note(typed: &BTreeMap<String, String>) -> String {
    clean_line(field(typed, "reason")).chars().take(MAX_REASON).collect()
}

/// Which book the page is about, and how it comes to it.
#[derive(Default)]
struct Shown<'a> {
    form: Form<'a>,
    found: Option<BookId>,
    /// The book of which copies came in.
    done: Option<Done>,
    /// An ISBN or number of no book.
    unknown: Option<&'a str>,
    notice: Option<BookNotice<'a>>,
}

/// The form before, as the address names it.
#[derive(Clone, Copy)]
struct Done {
    book: BookId,
    action: Uuid,
    /// Whether it had been sent before.
    again: bool,
}

/// The page for the next book, or for the number of copies of the one that was scanned.
async fn goods_in(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    let query = request.page_query(&["find", "reason", "received", "by", "again"])?;
    let (text, note) = (query.get("find").map_or("", str::trim), query.get("reason").unwrap_or_default());
    let typed = [("find", text), ("reason", note)];
    let with_note = Form { typed: &typed[1..], ..Form::default() };
    if text.is_empty() {
        return show(app, request, who, Shown { form: with_note, done: done(&query), ..Shown::default() }, 200).await;
    }
    let sought = Sought::parse(text).and_then(|sought| match sought {
        Sought::Words => Err(Invalid::other("find", "must be an ISBN or the number of a book")),
        sought => Ok(sought),
    });
    let found = match sought {
        Ok(Sought::Isbn(isbn)) => app.database().read(async |c| books::id_of(c, &isbn).await).await?,
        Ok(Sought::Number(id)) => app.database().read(async |c| edit::find(c, id).await).await?.map(|book| book.id),
        Ok(Sought::Words) => None,
        Err(invalid) => {
            let invalid = [Invalid { field: "find".to_owned(), ..invalid }];
            let form = Form { typed: &typed, invalid: &invalid, trouble: None };
            return show(app, request, who, Shown { form, ..Shown::default() }, 400).await;
        }
    };
    let unknown = Some(text).filter(|_| found.is_none());
    show(app, request, who, Shown { form: with_note, found, unknown, ..Shown::default() }, 200).await
}

fn done(query: &Query) -> Option<Done> {
    let (book, action) = (BookId::parse(query.get("received")?)?, Uuid::parse_str(query.get("by")?).ok()?);
    Some(Done { book, action, again: query.get("again").is_some() })
}

async fn show(app: &App, request: &Request, who: &SignedIn, shown: Shown<'_>, status: u16) -> Result<Reply> {
    let query = request.page_query(&["copies", "cursor"])?;
    let copies = query.get("copies").and_then(|copies| copies.parse().ok());
    let copies = copies.filter(|copies| CopiesLeft::LISTS.contains(copies)).unwrap_or_default();
    let name = format!("staff-stock {copies}");
    let after = query.get("cursor").map(|text| Cursor::<(u32, u32)>::decode(text, &name)).transpose()?;
    let after = after.map(|cursor| cursor.keys);
    let about = shown.found.or(shown.done.map(|done| done.book));
    let reading = app.database().read(async |c| {
        let book = match about {
            Some(id) => edit::find(c, id).await?,
            None => None,
        };
        // The movement is read, because an address says what its author likes.
        let movement = match shown.done {
            Some(done) => stock::of_action(c, done.book, done.action).await?,
            None => None,
        };
        Ok((book, movement, stock::copies_left(c, copies, after, PAGE + 1).await?))
    });
    let (book, movement, mut left) = reading.await?;
    let cursor = slice(&mut left).map(|last| Cursor::new(name.as_str(), (last.sold, last.id.get())).encode());
    let next = next_address("/staff/stock", &[("copies", copies.to_string().as_str())], cursor);
    let (context, key) = (PageContext::of(request).with_parameters(&["copies", "cursor"]), who.form_key());
    let once = once(shown.form);
    let page = StaffStock {
        view: context.view(),
        form: shown.form,
        goods: state(&shown, book.as_ref(), movement.as_ref()),
        copies,
        books: &left,
        next: next.as_deref(),
        keys: FormKeys { session: &key, version: "", once: &once },
        notice: shown.notice,
    };
    context.reply(status, &page)
}

fn state<'a>(shown: &Shown<'a>, book: Option<&'a StaffBook>, movement: Option<&'a StockMovement>) -> GoodsIn<'a> {
    match (shown.unknown, book, shown.done) {
        (Some(text), ..) => GoodsIn::Unknown(text),
        (None, Some(book), None) => GoodsIn::Found(book),
        (None, Some(book), Some(Done { again, .. })) => match movement {
            Some(movement) => GoodsIn::Done { book, movement, again },
            None => GoodsIn::Waiting,
        },
        (None, None, _) => GoodsIn::Waiting,
    }
}

/// The change of a form: what has happened, and how many copies.
pub fn copies_of(kind: &str, copies: &str) -> Parsed<StockChange> {
    let invalid = |field, reason: String| Err(Invalid::other(field, reason));
    let number: Option<u32> = whole_number(copies.trim()).parse().ok();
    let moved = number.and_then(|copies| u16::try_from(copies).ok()).filter(|copies| (1..=MOST_MOVED).contains(copies));
    let counted = number.filter(|copies| *copies <= MOST_COUNTED);
    match (kind, moved, counted) {
        ("received", Some(copies), _) => Ok(StockChange::Received(copies)),
        ("damaged", Some(copies), _) => Ok(StockChange::Damaged(copies)),
        ("counted", _, Some(copies)) => Ok(StockChange::Counted(copies)),
        ("received" | "damaged", None, _) => {
            invalid("copies", format!("must be a whole number from 1 to {MOST_MOVED}"))
        }
        ("counted", _, None) => invalid("copies", format!("must be a whole number from 0 to {MOST_COUNTED}")),
        _ => invalid("kind", "must be received, counted or damaged".to_owned()),
    }
}

/// The effect of a form about copies, with the id of its movement.
pub enum Moved {
    Now(Uuid),
    /// The same form had been sent before.
    Before(Uuid),
    /// It had, with another number or for another cause.
    Otherwise,
    /// Fewer copies are there than should go, or were counted than open orders wait for.
    TooFew {
        stock: u32,
        set_aside: u32,
    },
    NoSuchBook,
}

/// Changes the copies of a book, once for each form, and records it in the same transaction.
pub async fn move_copies(
    app: &App,
    who: &SignedIn,
    id: BookId,
    change: StockChange,
    (reason, once): (&str, &str),
) -> Result<Moved> {
    let (said, now) = (format!("{change:?}"), OffsetDateTime::now_utc());
    let kind = match change {
        StockChange::Received(_) => "received",
        StockChange::Counted(_) => "counted",
        StockChange::Damaged(_) => "damaged",
    };
    let of_book = id.get().to_be_bytes();
    let action = who.change_id(&[b"copies", &of_book, once.as_bytes()]);
    let form = who.change_id(&[b"copies", &of_book, once.as_bytes(), said.as_bytes()]);
    let changing = app.database().write_again_if_busy(async |c| {
        let changed = stock::change(c, action, id, change, reason, now).await?;
        let deed = |outcome| Deed { action: kind, about: About::Book(id), outcome, detail: Some(reason) };
        Ok(match changed {
            StockChanged::Now { before, stock, .. } => {
                let (before, after) = (before.to_string(), stock.to_string());
                let change = FactChange { field: "stock".to_owned(), before, after };
                audit::note_changes(c, &who.bookseller, deed(AuditEntry::DONE), (form, &[change]), now).await?;
                Moved::Now(action)
            }
            StockChanged::TooFew { stock, set_aside, .. } => {
                audit::note(c, &who.bookseller, deed("too-few"), now).await?;
                Moved::TooFew { stock, set_aside }
            }
            StockChanged::Already { .. } if audit::has_change(c, form).await? => Moved::Before(action),
            StockChanged::Already { .. } => Moved::Otherwise,
            StockChanged::NoSuchBook => Moved::NoSuchBook,
        })
    });
    Ok(changing.await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_a_number_that_can_come_in_go_or_be_counted() {
        for (kind, copies, expected) in [
            ("received", "3", Some(StockChange::Received(3))),
            ("received", " 12 ", Some(StockChange::Received(12))),
            ("received", "10000", Some(StockChange::Received(10_000))),
            ("received", "10001", None),
            ("received", "0", None),
            ("received", "-1", None),
            ("received", "9788420467283", None),
            ("received", "", None),
            ("damaged", "1", Some(StockChange::Damaged(1))),
            ("damaged", "1,5", None),
            ("counted", "0", Some(StockChange::Counted(0))),
            ("counted", "70000", Some(StockChange::Counted(70_000))),
            ("counted", "1000001", None),
            ("sold", "1", None),
        ] {
            assert_eq!(copies_of(kind, copies).ok(), expected, "{kind} {copies}");
        }
    }
}
