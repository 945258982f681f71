//! Changes of single books by the staff. They are written by the same statements as the rows of a catalogue.

use std::collections::BTreeSet;

use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Offer, Shelf, ShelfBook, write};
use crate::{
    domain::{BookFacts, BookId, Currency, Histogram, Isbn13, Language, Money, byline},
    repo::{
        alerts,
        audit::{self, Deed, OF_FACTS},
    },
    staff::{About, AuditEntry, Bookseller, StaffBook},
};

const STAFF: &str = StaffBook::STAFF;

/// The effect of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    Done {
        /// None of a new book.
        before: Option<Box<StaffBook>>,
        after: Box<StaffBook>,
    },
    /// The same form has made its change before.
    Before(BookId),
    /// The book is so already, by another form.
    Already(BookId),
    NoSuchBook,
    /// It is no longer as it was shown.
    Changed(Box<StaffBook>),
    /// The ISBN is that of another book.
    IsbnTaken {
        book: BookId,
        title: String,
    },
}

/// A form about a book.
#[derive(Debug, Clone, Copy)]
pub struct Sent<'a> {
    pub who: &'a Bookseller,
    /// The same if it is sent twice.
    pub change: Uuid,
    /// The currency of the shop.
    pub currency: Currency,
}

/// A book as a form showed it.
#[derive(Debug, Clone, Copy)]
pub struct SeenBook<'a> {
    pub id: BookId,
    pub version: &'a str,
}

/// A book as the staff sees it.
pub async fn find(connection: &mut MySqlConnection, id: BookId) -> sqlx::Result<Option<StaffBook>> {
    let Some(book) = write::stored(connection, [id.get()]).await?.pop() else { return Ok(None) };
    Ok(Some(book.for_staff(audit::last_change(connection, id, &OF_FACTS).await?)))
}

/// Gives a book these facts, if its version is still this one, and records it. To be run in a transaction, like the functions
/// below.
pub async fn change(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    seen: SeenBook<'_>,
    facts: &BookFacts,
    now: OffsetDateTime,
) -> sqlx::Result<Edited> {
    let id = seen.id;
    let deed = Deed { action: "change", about: About::Book(id), outcome: AuditEntry::DONE, detail: None };
    let mut shelf = Shelf::with(connection, id, facts.isbn.as_ref()).await?;
    let Some(book) = shelf.of_id(id) else { return Ok(Edited::NoSuchBook) };
    if audit::has_change(connection, sent.change).await? {
        return Ok(Edited::Before(id));
    }
    let before = book.for_staff(audit::last_change(connection, id, &OF_FACTS).await?);
    if before.facts == *facts {
        return Ok(Edited::Already(id));
    }
    if before.version() != seen.version {
        audit::note(connection, sent.who, Deed { outcome: AuditEntry::CHANGED_SINCE, ..deed }, now).await?;
        return Ok(Edited::Changed(Box::new(before)));
    }
    if let Some(taken) = shelf.isbn_taken(facts, Some(id)) {
        audit::note(connection, sent.who, Deed { outcome: "isbn-taken", ..deed }, now).await?;
        return Ok(taken);
    }
    let Some(book) = shelf.of_id(id) else { return Ok(Edited::NoSuchBook) };
    book.now = Offer::stating(facts, &book.now);
    shelf.write(connection, STAFF, now).await?;
    let changes = BookFacts::changes(Some(&before.facts), facts, sent.currency);
    let last_change = audit::note_changes(connection, sent.who, deed, (sent.change, &changes), now).await?;
    let after = StaffBook { facts: facts.clone(), last_change, ..before.clone() };
    Ok(Edited::Done { before: Some(Box::new(before)), after: Box::new(after) })
}

/// Adds a book without copies, once for each id, and records it.
pub async fn add(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    id: Uuid,
    facts: &BookFacts,
    now: OffsetDateTime,
) -> sqlx::Result<Edited> {
    let reference = format!("{STAFF}:{}", id.simple());
    let isbns = facts.isbn.iter().map(Isbn13::as_str).collect();
    let ids = write::lock(connection, &BTreeSet::from([reference.as_str()]), &isbns).await?;
    let mut shelf = Shelf::of_locked(connection, &ids).await?;
    if let Some(at) = shelf.by_reference.get(&reference) {
        let id = shelf.books[*at].id.into();
        let is_same = audit::has_change(connection, sent.change).await?;
        return Ok(if is_same { Edited::Before(id) } else { Edited::Already(id) });
    }
    if let Some(taken) = shelf.isbn_taken(facts, None) {
        return Ok(taken);
    }
    let now_offered = Offer::stating(facts, &Offer::default());
    shelf.insert(ShelfBook::new(reference, now_offered));
    shelf.write(connection, STAFF, now).await?;
    let added = shelf.books.last().ok_or(sqlx::Error::RowNotFound)?;
    let about = About::Book(added.id.into());
    let deed = Deed { action: "add", about, outcome: AuditEntry::DONE, detail: None };
    let changes = BookFacts::changes(None, facts, sent.currency);
    let last_change = audit::note_changes(connection, sent.who, deed, (sent.change, &changes), now).await?;
    Ok(Edited::Done { before: None, after: Box::new(added.for_staff(last_change)) })
}

/// Takes a book out of sale or puts it back, if its version is still this one, and records it with the reason.
pub async fn set_withdrawn(
    connection: &mut MySqlConnection,
    sent: Sent<'_>,
    seen: SeenBook<'_>,
    (is_withdrawn, reason): (bool, &str),
    now: OffsetDateTime,
) -> sqlx::Result<Edited> {
    let id = seen.id;
    let action = if is_withdrawn { "withdraw" } else { "put-back" };
    let deed = Deed { action, about: About::Book(id), outcome: AuditEntry::DONE, detail: Some(reason) };
    let mut shelf = Shelf::with(connection, id, None).await?;
    let Some(book) = shelf.of_id(id) else { return Ok(Edited::NoSuchBook) };
    if audit::has_change(connection, sent.change).await? {
        return Ok(Edited::Before(id));
    }
    let before = book.for_staff(audit::last_change(connection, id, &OF_FACTS).await?);
    if before.is_withdrawn == is_withdrawn || before.version() != seen.version {
        // Somebody else may have done it, for another reason.
        audit::note(connection, sent.who, Deed { outcome: AuditEntry::CHANGED_SINCE, ..deed }, now).await?;
        return Ok(Edited::Changed(Box::new(before)));
    }
    book.now.is_withdrawn = is_withdrawn;
    shelf.write(connection, STAFF, now).await?;
    if !is_withdrawn && before.stock > 0 {
        // Customers who wait for the book can buy it from now on.
        alerts::note_restocks(connection, &BTreeSet::from([id.get()]), now).await?;
    }
    let last_change = audit::note_changes(connection, sent.who, deed, (sent.change, &[]), now).await?;
    let after = StaffBook { is_withdrawn, last_change, ..before.clone() };
    Ok(Edited::Done { before: Some(Box::new(before)), after: Box::new(after) })
}

impl Shelf {
    /// A book, and the one that has this ISBN, locked.
    async fn with(connection: &mut MySqlConnection, id: BookId, isbn: Option<&Isbn13>) -> sqlx::Result<Self> {
        let ids = sqlx::query_scalar!(
            r#"
            select id as "id!" from books where id = ?
            union
            select id from books where isbn = ?
            "#,
            id.get(),
            isbn.map(Isbn13::as_str),
        );
        let ids = ids.fetch_all(&mut *connection).await?.into_iter().collect();
        let ids = write::lock_ids(connection, &ids).await?;
        Self::of_locked(connection, &ids).await
    }

    fn of_id(&mut self, id: BookId) -> Option<&mut ShelfBook> {
        self.books.iter_mut().find(|book| book.id == id.get())
    }

    /// Whether another book has the ISBN of these facts.
    fn isbn_taken(&self, facts: &BookFacts, of: Option<BookId>) -> Option<Edited> {
        let other = &self.books[*self.by_isbn.get(facts.isbn.as_ref()?.as_str())?];
        let is_other = of.is_none_or(|id| id.get() != other.id);
        is_other.then(|| Edited::IsbnTaken { book: other.id.into(), title: other.now.title.clone() })
    }
}

impl ShelfBook {
    /// A new book.
    fn new(reference: String, now: Offer) -> Self {
        Self { id: 0, reference, before: None, now, given: Histogram::default(), line: 0, counted_at: None }
    }

    fn for_staff(&self, last_change: u64) -> StaffBook {
        StaffBook {
            id: self.id.into(),
            reference: self.reference.clone(),
            facts: self.now.facts(),
            stock: self.now.stock,
            sold: self.before.as_ref().map_or(0, |stored| stored.held.sold),
            is_withdrawn: self.now.is_withdrawn,
            last_change,
        }
    }
}

impl Offer {
    /// These facts, with copies, ratings and the state of a known offer.
    fn stating(facts: &BookFacts, known: &Self) -> Self {
        Self {
            isbn: facts.isbn.as_ref().map(|isbn| isbn.as_str().to_owned()),
            title: facts.title.clone(),
            byline: byline(&facts.authors),
            authors: facts.authors.clone(),
            genres: facts.genres.clone(),
            year: facts.year,
            language: facts.language.as_ref().map(|language| language.as_str().to_owned()),
            description: facts.description.clone(),
            price: facts.price.as_ref().map(|price| (price.minor, price.currency.clone())),
            fixed_price: facts.fixed_price,
            tax_rate: facts.tax_rate,
            publisher: facts.publisher.clone(),
            publisher_contact: facts.publisher_contact.clone(),
            ..known.clone()
        }
    }

    fn facts(&self) -> BookFacts {
        BookFacts {
            title: self.title.clone(),
            authors: self.authors.clone(),
            isbn: self.isbn.clone().map(Isbn13::trusted),
            price: self.price.clone().map(|(minor, currency)| Money { minor, currency }),
            fixed_price: self.fixed_price,
            tax_rate: self.tax_rate,
            genres: self.genres.clone(),
            language: self.language.clone().map(Language::trusted),
            year: self.year,
            publisher: self.publisher.clone(),
            publisher_contact: self.publisher_contact.clone(),
            description: self.description.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{Availability, CatalogueRow, Filter, Search, Sort},
        repo::{
            books::{self, Listing},
            catalogue::{Put, put},
            fixtures::{minute, row, sent, writer},
            orders, shop_counts, stock,
        },
        staff::{StockChange, Violation},
    };

    fn facts(fields: &[(&str, &str)]) -> BookFacts {
        let all = [("title", "El túnel"), ("authors", "Ernesto Sabato")].into_iter().chain(fields.iter().copied());
        let typed: BTreeMap<String, String> = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        BookFacts::parse(&typed, Currency::EUR, false).unwrap()
    }

    async fn added(connection: &mut MySqlConnection, number: u128, facts: &BookFacts) -> StaffBook {
        match add(connection, sent(number), Uuid::from_u128(number), facts, minute(0)).await.unwrap() {
            Edited::Done { before: None, after } => *after,
            other => panic!("{other:?}"),
        }
    }

    fn done(before: &StaffBook, after: &StaffBook) -> Edited {
        Edited::Done { before: Some(Box::new(before.clone())), after: Box::new(after.clone()) }
    }

    async fn found(connection: &mut MySqlConnection, words: &str) -> Vec<BookId> {
        let search = Some(Search::parse(words).unwrap());
        let listing = Listing::new(search, Filter::default(), Sort::Relevance, 9);
        books::list(connection, &listing).await.unwrap().items.into_iter().map(|book| book.id).collect()
    }

    async fn violations(connection: &mut MySqlConnection) -> Vec<Violation> {
        let moment = orders::Moment::of(minute(60), time::Duration::ZERO);
        orders::verify(connection, moment).await.unwrap()
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_that_is_added_is_found_and_is_added_once(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let typed = facts(&[("isbn", "9788420467283"), ("genre-classics", "yes"), ("price", "12"), ("language", "es")]);
        let book = added(c, 1, &typed).await;
        assert_eq!((&book.facts, book.stock, book.is_withdrawn), (&typed, 0, false));
        assert_eq!(find(c, book.id).await.unwrap(), Some(book.clone()));
        assert_eq!(found(c, "tunel sabato").await, [book.id]);
        assert_eq!(shop_counts::read(c).await.unwrap().all, 1);
        let again = add(c, sent(1), Uuid::from_u128(1), &typed, minute(1)).await.unwrap();
        assert_eq!(again, Edited::Before(book.id));
        let of_other_facts = add(c, sent(4), Uuid::from_u128(1), &facts(&[]), minute(1)).await.unwrap();
        assert_eq!(of_other_facts, Edited::Already(book.id), "the number of a form is that of one book");
        let taken = Edited::IsbnTaken { book: book.id, title: "El túnel".into() };
        assert_eq!(add(c, sent(2), Uuid::from_u128(2), &typed, minute(1)).await.unwrap(), taken);
        assert_eq!(violations(c).await, []);

        let other = added(c, 3, &facts(&[])).await;
        let with_isbn = facts(&[("isbn", "84-204-6728-6")]);
        let seen = SeenBook { id: other.id, version: &other.version() };
        assert_eq!(change(c, sent(5), seen, &with_isbn, minute(2)).await.unwrap(), taken);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_change_sets_and_removes_facts_and_a_later_one_of_an_older_version_changes_nothing(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let from_file = CatalogueRow {
            genres: Some(vec!["poetry".into()]),
            price: Some(Money::parse("12.00", "EUR").unwrap()),
            stock: Some(4),
            description: Some("Un pintor.".into()),
            ..row("el-tunel", "El tunel", &["Sabato"])
        };
        assert_eq!(put(c, &from_file).await.unwrap(), Put::Added);
        let id = found(c, "tunel").await[0];
        let before = find(c, id).await.unwrap().unwrap();
        let typed = facts(&[("price", "11.40"), ("genre-classics", "yes"), ("year", "1948")]);
        let shown = SeenBook { id, version: &before.version() };
        let changed = change(c, sent(1), shown, &typed, minute(1)).await.unwrap();
        let after = find(c, id).await.unwrap().unwrap();
        assert_eq!((&after.facts, after.stock), (&typed, 4));
        assert_eq!(changed, done(&before, &after));
        assert_eq!(change(c, sent(1), shown, &typed, minute(1)).await.unwrap(), Edited::Before(id));
        assert_eq!(change(c, sent(2), shown, &typed, minute(1)).await.unwrap(), Edited::Already(id));
        let late = facts(&[("price", "9")]);
        let refused = change(c, sent(3), shown, &late, minute(1)).await.unwrap();
        assert_eq!(refused, Edited::Changed(Box::new(after)));
        assert_eq!(found(c, "ernesto").await, [id]);
        let counts = shop_counts::read(c).await.unwrap();
        assert_eq!((counts.all, counts.in_stock, counts.with_price(1_000).at_most), (1, 1, 0));
        let genres = crate::repo::genres::list(c).await.unwrap();
        assert_eq!(genres.iter().map(|genre| genre.value.as_str()).collect::<Vec<_>>(), ["classics"]);
        let none = SeenBook { id: 999.into(), version: "" };
        assert_eq!(change(c, sent(4), none, &late, minute(1)).await.unwrap(), Edited::NoSuchBook);
        assert_eq!(violations(c).await, []);
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_change_that_was_undone_does_not_come_back_with_its_old_form_and_can_be_made_again(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let (cheap, dear) = (facts(&[("price", "9")]), facts(&[("price", "19")]));
        let first = added(c, 1, &cheap).await;
        let id = first.id;
        let of_first = first.version();
        let seen = |version| SeenBook { id, version };
        let price =
            async |c: &mut MySqlConnection| find(c, id).await.unwrap().unwrap().facts.price.map(|price| price.minor);
        change(c, sent(2), seen(&of_first), &dear, minute(1)).await.unwrap();
        let of_second = find(c, id).await.unwrap().unwrap().version();
        change(c, sent(3), seen(&of_second), &cheap, minute(2)).await.unwrap();
        assert_eq!(price(c).await, Some(900));

        assert_eq!(change(c, sent(2), seen(&of_first), &dear, minute(3)).await.unwrap(), Edited::Before(id));
        let of_another_tab = change(c, sent(4), seen(&of_first), &dear, minute(3)).await.unwrap();
        assert!(matches!(of_another_tab, Edited::Changed(_)), "it has the same facts as then, and was changed between");
        assert_eq!(price(c).await, Some(900));
        let of_third = find(c, id).await.unwrap().unwrap().version();
        let again = change(c, sent(5), seen(&of_third), &dear, minute(4)).await.unwrap();
        assert!(matches!(again, Edited::Done { .. }), "{again:?}");
        assert_eq!(price(c).await, Some(1_900));

        let shown = find(c, id).await.unwrap().unwrap().version();
        for (form, is_withdrawn, version) in [(6, true, None), (7, false, None), (6, true, Some(&shown))] {
            let now = find(c, id).await.unwrap().unwrap().version();
            let seen = SeenBook { id, version: version.unwrap_or(&now) };
            set_withdrawn(c, sent(form), seen, (is_withdrawn, "feria"), minute(5)).await.unwrap();
        }
        assert!(!find(c, id).await.unwrap().unwrap().is_withdrawn);
        let outcomes = audit::about(c, About::Book(id), 20).await.unwrap().into_iter().rev();
        let outcomes: Vec<(String, String)> = outcomes.map(|entry| (entry.action, entry.outcome)).collect();
        let expected = [
            ("add", "done"),
            ("change", "done"),
            ("change", "done"),
            ("change", "changed-since"),
            ("change", "done"),
            ("withdraw", "done"),
            ("put-back", "done"),
        ];
        assert_eq!(outcomes, expected.map(|(action, outcome)| (action.to_owned(), outcome.to_owned())));
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_withdrawn_book_has_no_price_for_the_shop_until_it_is_put_back_whatever_a_file_says(pool: MySqlPool) {
        let c = &mut *writer(&pool).await;
        let price = |amount| Some(Money::parse(amount, "EUR").unwrap());
        let from_file =
            |amount| CatalogueRow { price: price(amount), stock: Some(4), ..row("el-tunel", "El túnel", &["Sabato"]) };
        put(c, &from_file("12.00")).await.unwrap();
        let id = found(c, "tunel").await[0];
        let for_sale = find(c, id).await.unwrap().unwrap();
        let sees = async |c: &mut MySqlConnection| {
            let book = books::find(c, id).await.unwrap().unwrap().summary;
            (book.price.map(|price| price.minor), book.availability, shop_counts::read(c).await.unwrap().in_stock)
        };
        assert_eq!(sees(c).await, (Some(1_200), Availability::InStock, 1));

        let shown = SeenBook { id, version: &for_sale.version() };
        let withdrawn = set_withdrawn(c, sent(1), shown, (true, "feria"), minute(1)).await.unwrap();
        let now = find(c, id).await.unwrap().unwrap();
        assert_eq!((&now.facts, now.is_withdrawn), (&for_sale.facts, true), "its price waits");
        assert_eq!(withdrawn, done(&for_sale, &now));
        assert_eq!(sees(c).await, (None, Availability::Withdrawn, 0));
        assert_eq!(found(c, "tunel").await, [id], "its page stays");
        for (form, is_withdrawn, expected) in [
            (1, true, Edited::Before(id)),
            (2, true, Edited::Changed(Box::new(now.clone()))),
            (3, false, Edited::Changed(Box::new(now.clone()))),
        ] {
            let outcome = set_withdrawn(c, sent(form), shown, (is_withdrawn, "x"), minute(1)).await.unwrap();
            assert_eq!(outcome, expected, "{form}");
        }

        assert_eq!(put(c, &from_file("12.00")).await.unwrap(), Put::Unchanged);
        assert_eq!(put(c, &from_file("13.00")).await.unwrap(), Put::Changed);
        stock::change(c, Uuid::from_u128(1), id, StockChange::Received(2), "", minute(2)).await.unwrap();
        assert_eq!(sees(c).await, (None, Availability::Withdrawn, 0));
        let dearer = find(c, id).await.unwrap().unwrap();
        assert_eq!((dearer.facts.price.clone(), dearer.stock, dearer.is_withdrawn), (price("13.00"), 6, true));
        let shown = SeenBook { id, version: &dearer.version() };
        set_withdrawn(c, sent(4), shown, (false, "feria"), minute(3)).await.unwrap();
        assert_eq!(sees(c).await, (Some(1_300), Availability::InStock, 1));
        let restocked: i64 = sqlx::query_scalar("select count(*) from restocks").fetch_one(&mut *c).await.unwrap();
        assert_eq!(restocked, 1, "who waits for it gets a mail");
        shop_counts::recount(c).await.unwrap();
        assert_eq!(shop_counts::read(c).await.unwrap().in_stock, 1);
        assert_eq!(violations(c).await, []);
    }
}
