//! `/staff/books`: a book by its ISBN, its number or words; its facts, which are changed, and removed by leaving a field blank;
//! whether it is sold; its copies; and a form to add one.

use std::collections::BTreeMap;

use frontend::{
    Form, Locale, PageContext,
    links::staff_new_book,
    pages::{BookNotice, FormKeys, StaffBookPage, StaffBooks, StaffNewBook},
    pairs,
};
use shared::{
    ApiError, App, Reply, Request, Result,
    domain::{
        BookFacts, BookId, Count, Currency, Filter, Invalid, Isbn13, Parsed, Reason, Search, Slice, Sort, Sought,
        Summary, book_facts::at_most, clean_line,
    },
    repo::{
        audit,
        books::{self, Listing},
        catalogue::edit::{self, Edited, SeenBook},
        genres, stock,
    },
    staff::{About, Doubt, StaffBook},
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    SignedIn, next_address,
    stock::{Moved, copies_of, move_copies},
};

/// Books in a slice of the list.
const LISTED: u32 = 24;
/// Movements of copies on the page of a book.
const MOVEMENTS: u32 = 20;
/// Rows of the record there: each may have whole descriptions.
const RECORDED: u32 = 10;
/// The field with the number of a form.
const ONCE: &str = "once";
/// Characters of a reason, as the database keeps it.
const MAX_REASON: usize = 200;

pub async fn list(app: &App, request: &Request) -> Result<Reply> {
    let query = request.page_query(&["find", "cursor"])?;
    let text = query.get("find").map_or("", str::trim);
    let (mut found, mut invalid) = (Found::default(), Vec::new());
    if !text.is_empty() {
        match look_up(app, text, query.get("cursor")).await? {
            LookedUp::At(address) => return Ok(Reply::see_other(&address)),
            LookedUp::Books(books) => found = *books,
            LookedUp::Unreadable(reason) => invalid.push(Invalid { field: "find".to_owned(), ..reason }),
        }
    }
    let next = next_address("/staff/books", &[("find", text)], found.slice.next);
    let context = PageContext::of(request).with_parameters(&["find", "cursor"]);
    let page = StaffBooks {
        view: context.view(),
        form: Form { typed: &[("find", text)], invalid: &invalid, trouble: None },
        numbered: found.numbered.as_ref(),
        books: &found.slice.items,
        next: next.as_deref(),
    };
    context.reply(if invalid.is_empty() { 200 } else { 400 }, &page)
}

/// The result of a search or a scan.
enum LookedUp {
    /// To another page.
    At(String),
    Books(Box<Found>),
    Unreadable(Invalid),
}

/// The books that a search found.
struct Found {
    /// The book with the number that was typed, which may also be a word of titles.
    numbered: Option<Summary>,
    slice: Slice<Summary>,
}

impl Default for Found {
    fn default() -> Self {
        Self { numbered: None, slice: Slice::empty() }
    }
}

async fn look_up(app: &App, text: &str, cursor: Option<&str>) -> Result<LookedUp> {
    let number = match Sought::parse(text) {
        Err(invalid) => return Ok(LookedUp::Unreadable(invalid)),
        Ok(Sought::Isbn(isbn)) => {
            let id = app.database().read(async |c| books::id_of(c, &isbn).await).await?;
            return Ok(LookedUp::At(id.map_or_else(|| staff_new_book(isbn.as_str()), address_of)));
        }
        Ok(Sought::Number(id)) => Some(id),
        Ok(Sought::Words) => None,
    };
    let search = match Search::parse(text) {
        Ok(search) => search,
        Err(invalid) => return Ok(LookedUp::Unreadable(invalid)),
    };
    let listing = Listing::new(Some(search), Filter::default(), Sort::Relevance, LISTED);
    let listing = match cursor {
        Some(cursor) => listing.after(cursor)?,
        None => listing,
    };
    let reading = app.database().read(async |c| {
        let numbered = match number {
            Some(id) => books::summaries(c, &[id]).await?.pop(),
            None => None,
        };
        Ok(Found { numbered, slice: books::list(c, &listing).await? })
    });
    let found = reading.await?;
    Ok(match &found.numbered {
        Some(book) if found.slice.items.iter().all(|other| other.id == book.id) => LookedUp::At(address_of(book.id)),
        _ => LookedUp::Books(Box::new(found)),
    })
}

fn address_of(book: BookId) -> String {
    format!("/staff/books/{book}")
}

pub async fn new(app: &App, request: &Request, who: &SignedIn) -> Result<Reply> {
    if request.is_read() {
        let query = request.page_query(&["isbn"])?;
        let isbn = query.get("isbn").map_or("", str::trim);
        if let Ok(isbn) = Isbn13::parse(isbn)
            && let Some(id) = app.database().read(async |c| books::id_of(c, &isbn).await).await?
        {
            return Ok(Reply::see_other(&address_of(id)));
        }
        let form = Form { typed: &[("isbn", isbn)], ..Form::default() };
        return show_new(app, request, who, (form, None), 200).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    if !who.is_own_form(&typed) {
        return show_new(app, request, who, (form, Some(BookNotice::Expired)), 409).await;
    }
    let facts = match facts_of(app, request, &typed) {
        Ok(facts) => facts,
        Err(invalid) => {
            let form = Form { invalid: &invalid, ..form };
            return show_new(app, request, who, (form, None), 422).await;
        }
    };
    let genres = app.database().read(async |c| genres::list(c).await).await?;
    let doubts = unanswered(None, &facts, &genres, &typed);
    if !doubts.is_empty() {
        return show_new(app, request, who, (form, Some(BookNotice::Doubts(&doubts))), 422).await;
    }
    let (once, said, now) = (once_of(&typed)?, format!("{facts:?}"), OffsetDateTime::now_utc());
    let id = who.change_id(&[b"add a book", once.as_bytes()]);
    let sent = who.sent(app, &[b"add a book", once.as_bytes(), said.as_bytes()]);
    let adding = app.database().write_again_if_busy(async |c| edit::add(c, sent, id, &facts, now).await);
    match adding.await? {
        Edited::Done { after, .. } => Ok(Reply::see_other(&address_of(after.id))),
        Edited::Before(id) => Ok(Reply::see_other(&address_of(id))),
        Edited::Already(id) => {
            // So that the button adds a second book.
            let again = with_another_number(&values);
            let form = Form { typed: &again, ..form };
            show_new(app, request, who, (form, Some(BookNotice::AddedBefore(id))), 409).await
        }
        Edited::IsbnTaken { book, title } => {
            let form = Form { invalid: &[Invalid::new("isbn", Reason::Taken)], ..form };
            let notice = BookNotice::IsbnTaken(book, &title);
            show_new(app, request, who, (form, Some(notice)), 409).await
        }
        Edited::NoSuchBook | Edited::Changed(_) => Err(ApiError::NotFound),
    }
}

/// The doubts about a form, unless a box says that it is meant.
fn unanswered(
    before: Option<&BookFacts>,
    facts: &BookFacts,
    genres: &[Count],
    typed: &BTreeMap<String, String>,
) -> Vec<Doubt> {
    let doubts = Doubt::all(before, facts, genres);
    if field(typed, "sure") == Doubt::answer(&doubts) { Vec::new() } else { doubts }
}

async fn show_new(
    app: &App,
    request: &Request,
    who: &SignedIn,
    (form, notice): (Form<'_>, Option<BookNotice<'_>>),
    status: u16,
) -> Result<Reply> {
    let genres = app.database().read(async |c| genres::list(c).await).await?;
    let (context, key) = (PageContext::of(request), who.form_key());
    let once = once(form);
    let keys = FormKeys { session: &key, version: "", once: &once };
    context.reply(status, &StaffNewBook { view: context.view(), form, genres: &genres, keys, notice })
}

/// A field of a form that was sent.
fn sent<'a>(form: Form<'a>, name: &str) -> &'a str {
    form.typed.iter().find(|(field, _)| *field == name).map_or("", |(_, value)| *value)
}

/// The number with which a form counts once.
///
/// # Errors
/// It has none, as no page shows it.
pub fn once_of(typed: &BTreeMap<String, String>) -> Result<&str> {
    let once = typed.get(ONCE).map(String::as_str);
    Ok(once.ok_or_else(|| Invalid::other(ONCE, "must be the number of the form"))?)
}

/// The number of a form that is shown: that of the form as it was sent, because nothing was done.
pub fn once(form: Form<'_>) -> String {
    match form.value(ONCE) {
        "" => Uuid::new_v4().to_string(),
        sent => sent.to_owned(),
    }
}

/// The values of a form without its number, so that it is shown with another one and can be done once more.
pub fn with_another_number<'a>(typed: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    typed.iter().copied().filter(|(name, _)| *name != ONCE).collect()
}

/// The parts of a book's page beside the book.
#[derive(Default)]
struct Shown<'a> {
    /// The facts as they were typed; none shows them as they are.
    facts: Option<Form<'a>>,
    stock: Form<'a>,
    sale: Form<'a>,
    notice: Option<BookNotice<'a>>,
    /// The version that the form had, unless the page shows what has changed since.
    version: Option<&'a str>,
}

pub async fn book(app: &App, request: &Request, who: &SignedIn, id: BookId) -> Result<Reply> {
    if request.is_read() {
        return show(app, request, who, id, Shown::default(), 200).await;
    }
    let typed = request.form()?;
    let values = pairs(&typed);
    let form = Form { typed: &values, ..Form::default() };
    let task = field(&typed, "do");
    if !who.is_own_form(&typed) {
        let shown = Shown { notice: Some(BookNotice::Expired), ..Shown::of(task, form) };
        return show(app, request, who, id, shown, 409).await;
    }
    match task {
        "save" => save(app, request, who, id, (&typed, form)).await,
        "withdraw" | "put-back" => set_sale(app, request, who, id, (&typed, form)).await,
        "stock" => change_stock(app, request, who, id, (&typed, form)).await,
        _ => Err(Invalid::other("do", "must be an action of the page").into()),
    }
}

impl<'a> Shown<'a> {
    /// The typed values of the form of this task.
    fn of(task: &str, form: Form<'a>) -> Self {
        match task {
            "save" => Self { facts: Some(form), version: Some(sent(form, "version")), ..Self::default() },
            "stock" => Self { stock: form, ..Self::default() },
            _ => Self { sale: form, ..Self::default() },
        }
    }
}

async fn save(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    (typed, form): (&BTreeMap<String, String>, Form<'_>),
) -> Result<Reply> {
    let facts = match facts_of(app, request, typed) {
        Ok(facts) => facts,
        Err(invalid) => {
            let shown = Shown::of("save", Form { invalid: &invalid, ..form });
            return show(app, request, who, id, shown, 422).await;
        }
    };
    let reading = app.database().read(async |c| Ok((edit::find(c, id).await?, genres::list(c).await?)));
    let (before, genres) = reading.await?;
    let before = before.ok_or(ApiError::NotFound)?;
    let doubts = unanswered(Some(&before.facts), &facts, &genres, typed);
    // A change that somebody else has made since is shown first.
    if before.version() == field(typed, "version") && !doubts.is_empty() {
        let shown = Shown { notice: Some(BookNotice::Doubts(&doubts)), ..Shown::of("save", form) };
        return show(app, request, who, id, shown, 422).await;
    }
    let (seen, said) = (SeenBook { id, version: field(typed, "version") }, format!("{facts:?}"));
    let sent = who.sent(app, &[b"book", &id.get().to_be_bytes(), seen.version.as_bytes(), said.as_bytes()]);
    let now = OffsetDateTime::now_utc();
    let saving = app.database().write_again_if_busy(async |c| edit::change(c, sent, seen, &facts, now).await);
    match saving.await? {
        Edited::Done { .. } | Edited::Before(_) | Edited::Already(_) => Ok(Reply::see_other(&address_of(id))),
        Edited::NoSuchBook => Err(ApiError::NotFound),
        Edited::Changed(now) => {
            let differences = BookFacts::changes(Some(&now.facts), &facts, app.currency());
            let notice = Some(BookNotice::Changed(&differences));
            show(app, request, who, id, Shown { notice, version: None, ..Shown::of("save", form) }, 409).await
        }
        Edited::IsbnTaken { book, title } => {
            let form = Form { invalid: &[Invalid::new("isbn", Reason::Taken)], ..form };
            let notice = Some(BookNotice::IsbnTaken(book, &title));
            show(app, request, who, id, Shown { notice, ..Shown::of("save", form) }, 409).await
        }
    }
}

async fn set_sale(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    (typed, form): (&BTreeMap<String, String>, Form<'_>),
) -> Result<Reply> {
    let reason = match reason("why", field(typed, "why")) {
        Ok(reason) => reason,
        Err(invalid) => {
            let invalid = [invalid];
            let shown = Shown::of("withdraw", Form { invalid: &invalid, ..form });
            return show(app, request, who, id, shown, 422).await;
        }
    };
    let (task, seen) = (field(typed, "do"), SeenBook { id, version: field(typed, "version") });
    let parts = [b"sale", &id.get().to_be_bytes()[..], seen.version.as_bytes(), task.as_bytes(), reason.as_bytes()];
    let (sent, now) = (who.sent(app, &parts), OffsetDateTime::now_utc());
    let sale = (task == "withdraw", reason.as_str());
    let changing = app.database().write_again_if_busy(async |c| edit::set_withdrawn(c, sent, seen, sale, now).await);
    match changing.await? {
        Edited::Done { .. } | Edited::Before(_) => Ok(Reply::see_other(&address_of(id))),
        Edited::NoSuchBook => Err(ApiError::NotFound),
        Edited::Changed(_) | Edited::Already(_) | Edited::IsbnTaken { .. } => {
            let shown = Shown { notice: Some(BookNotice::Changed(&[])), ..Shown::of("withdraw", form) };
            show(app, request, who, id, shown, 409).await
        }
    }
}

async fn change_stock(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    (typed, form): (&BTreeMap<String, String>, Form<'_>),
) -> Result<Reply> {
    let change = copies_of(field(typed, "kind"), field(typed, "copies"));
    let (change, reason) = match (change, reason("reason", field(typed, "reason"))) {
        (Ok(change), Ok(reason)) => (change, reason),
        (change, reason) => {
            let invalid: Vec<Invalid> = change.err().into_iter().chain(reason.err()).collect();
            let shown = Shown::of("stock", Form { invalid: &invalid, ..form });
            return show(app, request, who, id, shown, 422).await;
        }
    };
    let notice = match move_copies(app, who, id, change, (&reason, once_of(typed)?)).await? {
        Moved::Now(_) | Moved::Before(_) => return Ok(Reply::see_other(&address_of(id))),
        Moved::NoSuchBook => return Err(ApiError::NotFound),
        Moved::TooFew { stock, set_aside } => BookNotice::TooFew { stock, set_aside },
        Moved::Otherwise => BookNotice::CountedBefore,
    };
    let values: Vec<(&str, &str)> = match notice {
        BookNotice::CountedBefore => with_another_number(form.typed),
        _ => form.typed.to_vec(),
    };
    let shown = Shown { notice: Some(notice), ..Shown::of("stock", Form { typed: &values, ..form }) };
    show(app, request, who, id, shown, 409).await
}

async fn show(
    app: &App,
    request: &Request,
    who: &SignedIn,
    id: BookId,
    shown: Shown<'_>,
    status: u16,
) -> Result<Reply> {
    let reading = app.database().read(async |c| {
        let book = edit::find(c, id).await?;
        let (genres, movements) = (genres::list(c).await?, stock::movements(c, id, u64::MAX, MOVEMENTS).await?);
        Ok((book, genres, movements, audit::about(c, About::Book(id), RECORDED).await?))
    });
    let (book, genres, movements, log) = reading.await?;
    let book = book.ok_or(ApiError::NotFound)?;
    let (context, key, current) = (PageContext::of(request), who.form_key(), book.version());
    let stored = typed_facts(&book, &genres, app.currency(), context.view().locale);
    let stored: Vec<(&str, &str)> = stored.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let once = once(shown.stock);
    let keys = FormKeys { session: &key, version: shown.version.unwrap_or(&current), once: &once };
    let page = StaffBookPage {
        view: context.view(),
        book: &book,
        form: shown.facts.unwrap_or(Form { typed: &stored, ..Form::default() }),
        genres: &genres,
        stock: shown.stock,
        sale: shown.sale,
        movements: &movements,
        log: &log,
        keys,
        notice: shown.notice,
    };
    context.reply(status, &page)
}

/// The facts of a book as its form has them: a box for each genre of the shop, and amounts as the language writes them.
fn typed_facts(book: &StaffBook, genres: &[Count], currency: Currency, locale: Locale) -> Vec<(String, String)> {
    let is_listed = |slug: &&String| genres.iter().any(|genre| genre.value == **slug);
    let (listed, others): (Vec<&String>, Vec<&String>) = book.facts.genres.iter().partition(is_listed);
    let with_comma = has_decimal_comma(currency, locale);
    let fields = book.facts.fields(currency).into_iter().map(|(field, value)| {
        let value = match field {
            "price" | "fixed_price" | "vat_rate" if with_comma => value.replace('.', ","),
            "genres" => others.iter().map(|slug| slug.as_str()).collect::<Vec<_>>().join("; "),
            _ => value,
        };
        (field.to_owned(), value)
    });
    let boxes = listed.iter().map(|slug| (format!("genre-{slug}"), "yes".to_owned()));
    fields.chain(boxes).collect()
}

/// Whether amounts are read with a decimal comma. One of three decimals would look like a thousand.
fn has_decimal_comma(currency: Currency, locale: Locale) -> bool {
    locale == Locale::Es && currency.decimals() < 3
}

fn facts_of(app: &App, request: &Request, typed: &BTreeMap<String, String>) -> Result<BookFacts, Vec<Invalid>> {
    let locale = PageContext::of(request).view().locale;
    BookFacts::parse(typed, app.currency(), has_decimal_comma(app.currency(), locale))
}

/// Why something is done, for the record.
fn reason(field: &str, text: &str) -> Parsed<String> {
    match clean_line(text) {
        reason if reason.is_empty() => Err(Invalid::new(field, Reason::Blank)),
        reason => at_most(field, reason, MAX_REASON),
    }
}

/// A field of a form; empty if it is missing.
pub fn field<'a>(typed: &'a BTreeMap<String, String>, name: &str) -> &'a str {
    typed.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_a_book_brings_back_what_it_shows_in_either_language() {
        let typed: BTreeMap<String, String> = [
            ("title", "El túnel"),
            ("authors", "Ernesto Sabato; Nadie"),
            ("isbn", "9788420467283"),
            ("price", "1234.50"),
            ("vat_rate", "5.5"),
            ("genre-classics", "yes"),
            ("genres", "new-weird"),
            ("description", "Un pintor.\nY una ventana."),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        let facts = BookFacts::parse(&typed, Currency::EUR, false).unwrap();
        let reference = "el-tunel".to_owned();
        let book =
            StaffBook { id: 53.into(), reference, facts, stock: 0, sold: 0, is_withdrawn: false, last_change: 0 };
        let genres = ["classics", "poetry"].map(|slug| Count { value: slug.to_owned(), count: 1 });
        for (locale, price) in [(Locale::Es, "1234,50"), (Locale::En, "1234.50")] {
            let shown: BTreeMap<String, String> =
                typed_facts(&book, &genres, Currency::EUR, locale).into_iter().collect();
            assert_eq!((shown["price"].as_str(), shown["genres"].as_str()), (price, "new-weird"));
            assert!(shown.contains_key("genre-classics") && !shown.contains_key("genre-poetry"));
            let comma = has_decimal_comma(Currency::EUR, locale);
            assert_eq!(BookFacts::parse(&shown, Currency::EUR, comma).as_ref(), Ok(&book.facts));
        }
        assert!(!has_decimal_comma(Currency::parse("KWD").unwrap(), Locale::Es));
    }

    #[test]
    fn a_reason_has_words_and_fits_the_record() {
        assert_eq!(reason("why", " descatalogado\n2026 ").unwrap(), "descatalogado 2026");
        assert_eq!(reason("why", "\u{200b} ").unwrap_err().reason, Reason::Blank);
        assert!(reason("why", &"x".repeat(MAX_REASON + 1)).is_err());
    }
}
