//! The pages of the staff about books: finding, changing and adding them, their copies, and searches that found nothing.

use askama::Template;
use shared::{
    domain::{Availability, BookId, Count, FactChange, Summary},
    staff::{AuditEntry, CopiesLeft, Doubt, SearchMiss, Source, StaffBook, StockMovement},
};

use super::staff::PAGES;
use crate::{Form, Locale, View, assets, links};

/// `/staff/books`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_books.html")]
pub struct StaffBooks<'a> {
    pub view: View<'a>,
    /// Its field is `find`.
    pub form: Form<'a>,
    /// The book with the number that was typed.
    pub numbered: Option<&'a Summary>,
    pub books: &'a [Summary],
    /// The address of the next slice.
    pub next: Option<&'a str>,
}

/// `/staff/books/{id}`, also for the statuses 409 and 422 of a change.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_book.html")]
pub struct StaffBookPage<'a> {
    pub view: View<'a>,
    pub book: &'a StaffBook,
    /// The facts, as they are or as they were typed.
    pub form: Form<'a>,
    /// The genres of the shop.
    pub genres: &'a [Count],
    pub stock: Form<'a>,
    pub sale: Form<'a>,
    pub movements: &'a [StockMovement],
    /// The record of its changes by the staff, the newest first.
    pub log: &'a [AuditEntry],
    pub keys: FormKeys<'a>,
    pub notice: Option<BookNotice<'a>>,
}

/// `/staff/books/new`, also for the statuses 409 and 422.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_book_new.html")]
pub struct StaffNewBook<'a> {
    pub view: View<'a>,
    pub form: Form<'a>,
    pub genres: &'a [Count],
    pub keys: FormKeys<'a>,
    pub notice: Option<BookNotice<'a>>,
}

/// `/staff/stock`, also for the statuses 409 and 422 of copies that came in.
#[derive(Template, Clone, Copy)]
#[template(path = "staff_stock.html")]
pub struct StaffStock<'a> {
    pub view: View<'a>,
    /// Its fields are `find`, `copies` and `reason`.
    pub form: Form<'a>,
    pub goods: GoodsIn<'a>,
    /// Books with so many copies are listed.
    pub copies: u32,
    pub books: &'a [CopiesLeft],
    /// The address of the next slice.
    pub next: Option<&'a str>,
    pub keys: FormKeys<'a>,
    pub notice: Option<BookNotice<'a>>,
}

/// `/staff/searches`
#[derive(Template, Clone, Copy)]
#[template(path = "staff_searches.html")]
pub struct StaffSearches<'a> {
    pub view: View<'a>,
    /// The most frequent first.
    pub misses: &'a [SearchMiss],
}

/// The hidden values of forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FormKeys<'a> {
    /// Only this session has it.
    pub session: &'a str,
    /// The state of the form.
    pub version: &'a str,
    /// Another one each time that the page is shown, so that a form counts once.
    pub once: &'a str,
}

/// How far a delivery is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoodsIn<'a> {
    /// A book is to be scanned.
    Waiting,
    /// It was, and the number of copies is to be typed.
    Found(&'a StaffBook),
    /// No book has this ISBN.
    Unknown(&'a str),
    /// Copies came in.
    Done {
        book: &'a StaffBook,
        movement: &'a StockMovement,
        /// By a form that was sent again, and counts once.
        again: bool,
    },
}

/// Why a change has not happened, or what is to be said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BookNotice<'a> {
    /// Somebody has changed the book since the form was shown: what differs from what was typed.
    Changed(&'a [FactChange]),
    /// The bookseller has signed in again since.
    Expired,
    /// The ISBN is that of another book.
    IsbnTaken(BookId, &'a str),
    /// There are fewer copies than should go, or fewer were counted than open orders wait for.
    TooFew {
        /// Copies that no order waits for.
        stock: u32,
        set_aside: u32,
    },
    /// The same form has changed the copies before, by another number.
    CountedBefore,
    /// The same form has added this book before, with other facts.
    AddedBefore(BookId),
    /// Something is often a slip, and is to be ticked.
    Doubts(&'a [Doubt]),
}

impl BookNotice<'_> {
    fn text(self, view: View) -> String {
        match self {
            Self::Changed(_) => view.text("staff-book-changed"),
            Self::Expired => view.text("staff-expired"),
            Self::IsbnTaken(..) => view.text("staff-isbn-taken"),
            Self::TooFew { stock, set_aside: 0 } => view.count("staff-too-few", stock),
            Self::TooFew { stock, set_aside } => {
                view.locale.text_with("staff-too-few-free", [("stock", stock.into()), ("waited", set_aside.into())])
            }
            Self::CountedBefore => view.text("staff-counted-before"),
            Self::AddedBefore(_) => view.text("staff-added-before"),
            Self::Doubts(_) => view.text("staff-doubts"),
        }
    }

    /// The doubts in words.
    fn doubts(self, view: View) -> Vec<String> {
        let Self::Doubts(doubts) = self else { return Vec::new() };
        let price = |money| view.price(money);
        let words = doubts.iter().map(|doubt| match doubt {
            Doubt::NewGenre(slug) => view.text_with("staff-doubt-genre", "genre", slug.as_str()),
            Doubt::NoPrice(before) => view.text_with("staff-doubt-no-price", "before", price(before)),
            Doubt::Price { before, after } => view
                .locale
                .text_with("staff-doubt-price", [("before", price(before).into()), ("after", price(after).into())]),
        });
        words.collect()
    }

    /// The value of the box.
    fn answer(self) -> Option<String> {
        match self {
            Self::Doubts(doubts) => Some(Doubt::answer(doubts)),
            _ => None,
        }
    }

    fn differences(&self) -> &[FactChange] {
        match self {
            Self::Changed(differences) => differences,
            _ => &[],
        }
    }
}

/// Characters of a value in the list of what was done.
const SHORT: usize = 300;

/// Names that several pages show.
impl View<'_> {
    /// The name of a fact of a book.
    pub(super) fn fact(&self, field: &str) -> String {
        self.text(match field {
            "title" => "staff-fact-title",
            "authors" => "staff-fact-authors",
            "isbn" => "staff-fact-isbn",
            "price" => "staff-fact-price",
            "fixed_price" => "staff-fact-fixed-price",
            "vat_rate" => "staff-fact-vat-rate",
            "genres" => "genres-title",
            "language" => "language",
            "year" => "year",
            "publisher" => "staff-fact-publisher",
            "publisher_contact" => "staff-fact-publisher-contact",
            "description" => "staff-fact-description",
            "stock" => "staff-stock-now",
            "cover" => "staff-cover",
            "sample" => "staff-sample",
            "credit" => "staff-cover-credit",
            // Of a later version.
            other => return other.to_owned(),
        })
    }

    /// A value of the record: whole on the page of its book, and its beginning in the list of all.
    pub(super) fn recorded(&self, field: &str, value: &str) -> String {
        if self.path != "/staff/log" || value.chars().count() <= SHORT {
            return self.value_of(field, value);
        }
        value.chars().take(SHORT).chain(['…']).collect()
    }

    /// A fact as the language writes it: amounts with its decimal mark, as they are typed. One of three decimals would look like a
    /// thousand.
    fn value_of(&self, field: &str, value: &str) -> String {
        let decimals = value.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        let with_comma = self.locale == Locale::Es && (1..3).contains(&decimals);
        match field {
            "price" | "fixed_price" | "vat_rate" if with_comma => value.replacen('.', ",", 1),
            _ => value.to_owned(),
        }
    }

    /// The cause of a movement of copies.
    fn movement(&self, kind: &str) -> String {
        self.text(match kind {
            "opening" => "staff-moved-opening",
            "received" => "staff-moved-received",
            "sold" => "staff-moved-sold",
            "released" => "staff-moved-released",
            "returned" => "staff-moved-returned",
            "counted" => "staff-moved-counted",
            "damaged" => "staff-moved-damaged",
            other => return other.to_owned(),
        })
    }

    /// Whether a book can be bought, in a few words.
    fn sale_of(&self, book: &Summary) -> String {
        match book.availability {
            Availability::Withdrawn => self.text("withdrawn"),
            Availability::ToOrder => self.text("to-order"),
            Availability::OutOfStock => self.text("out-of-stock"),
            Availability::InStock => self.count("staff-copies", book.stock),
        }
    }
}

impl Form<'_> {
    /// Whether the box of a genre is ticked.
    fn has_genre(&self, slug: &str) -> bool {
        !self.value(&format!("genre-{slug}")).is_empty()
    }
}

impl StaffNewBook<'_> {
    /// The value of the box that answers what is in doubt.
    fn answer(&self) -> Option<String> {
        self.notice.and_then(BookNotice::answer)
    }
}

impl StaffBookPage<'_> {
    fn answer(&self) -> Option<String> {
        self.notice.and_then(BookNotice::answer)
    }

    fn action(&self) -> String {
        format!("/staff/books/{}", self.book.id)
    }

    /// The file that sets the facts again.
    fn supplied(&self) -> Option<String> {
        match self.book.source() {
            Source::Staff => None,
            Source::Catalogue => Some(self.view.text("staff-catalogue")),
            Source::Supplier(supplier) => Some(self.view.text_with("staff-supplier", "supplier", supplier)),
        }
    }

    fn kinds(&self) -> [(String, String); 3] {
        ["received", "counted", "damaged"].map(|kind| (kind.to_owned(), self.view.movement(kind)))
    }
}

impl StaffStock<'_> {
    /// The lists with their addresses and names, and whether it is this one.
    fn lists(&self) -> Vec<(String, String, bool)> {
        let lists = CopiesLeft::LISTS.into_iter();
        lists.map(|copies| (list_of(copies), self.view.count("staff-left", copies), copies == self.copies)).collect()
    }

    /// The address of the list from its beginning.
    fn first(&self) -> String {
        list_of(self.copies)
    }

    fn unknown(&self, isbn: &str) -> String {
        self.view.text_with("staff-isbn-unknown", "isbn", isbn)
    }
}

fn list_of(copies: u32) -> String {
    links::address("/staff/stock", [("copies", copies.to_string().as_str())].into_iter())
}
