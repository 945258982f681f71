//! One struct for each page, with its values. `render` (of [`crate::Template`]) makes the HTML.

mod account;
mod alert;
mod api_docs;
mod book;
mod cart;
mod checkout;
mod order;
mod sign_in;
mod staff;
mod staff_books;
mod staff_files;
mod staff_imports;

use askama::Template;
use shared::{
    api::NamedGenre,
    domain::{
        Author, Availability, Book, BookId, Count, Currency, Facet, Facets, Invalid, MEAN_BANDS, Money, Rejection,
        Review, Sort, SubmissionKind, Summary, Total, Window,
    },
};

pub use account::{
    AccountAddress, AccountAddresses, AccountData, AccountErase, AccountLanguage, AccountOrders, AccountPage,
    AccountRating, AccountRatings, AccountSignOut, AccountWishlist, EraseStep,
};
pub use alert::{AlertLinkPage, AlertPage, AlertStep};
pub use api_docs::ApiDocs;
pub use book::BookPage;
pub use cart::{CartPage, CartRow, Orderable};
pub use checkout::{Checkout, CheckoutNotice};
pub use order::{OrderPage, OrderStep, OrderView};
pub use sign_in::{SignInFailed, SignInFailure, SignInFirst, SignOut};
pub use staff::{
    MessageSearch, StaffAgain, StaffDeliveryNote, StaffLog, StaffMessage, StaffMessages, StaffNotice, StaffOrderPage,
    StaffOrders, StaffPicks, StaffReview, StaffReviews, StaffReviewsAsk, StaffStart, VisitorReviews,
};
pub use staff_books::{
    BookNotice, FormKeys, GoodsIn, StaffBookPage, StaffBooks, StaffNewBook, StaffSearches, StaffStock,
};
pub use staff_files::{StaffFiles, StaffUpload, UploadState};
pub use staff_imports::{ImportNotice, StaffImportPage, StaffImports, StaffUploaded};

use crate::{Form, Markup, View, assets, format, links, links::Asked};

/// Whether not all values are the same.
fn differ(values: impl Iterator<Item = u16>) -> bool {
    values.collect::<std::collections::BTreeSet<_>>().len() > 1
}

/// `/`
#[derive(Template, Clone, Copy)]
#[template(path = "home.html")]
pub struct Home<'a> {
    pub view: View<'a>,
    pub window: &'a Window,
    pub genres: &'a [Count],
}

/// `/books`
#[derive(Template, Clone, Copy)]
#[template(path = "books.html")]
pub struct Books<'a> {
    pub view: View<'a>,
    /// That of all prices.
    pub currency: Currency,
    pub asked: Asked<'a>,
    /// The name of the author in the filter.
    pub author: Option<&'a str>,
    pub books: &'a [Summary],
    /// The cursor of the next slice.
    pub next: Option<&'a str>,
    /// None where the query is invalid.
    pub total: Option<Total>,
    pub facets: &'a Facets,
    /// A query that finds something, if this one finds nothing.
    pub did_you_mean: Option<&'a str>,
    pub related: &'a Related,
    /// The invalid parameters of the query; the list is then empty.
    pub invalid: &'a [Invalid],
}

/// Where a search leads in addition to its hits.
#[derive(Debug, Default)]
pub struct Related {
    /// Authors that it names.
    pub authors: Vec<Author>,
    /// Genres that it names.
    pub genres: Vec<NamedGenre>,
    /// What it finds without its filters, if it finds nothing with them.
    pub everywhere: Option<Total>,
}

impl Books<'_> {
    fn cart_notice(&self) -> Option<String> {
        self.view.cart_notice(self.books)
    }

    /// The active filters: the text of each, and the list without it.
    fn chips(&self) -> Vec<(String, String)> {
        let say = |name: &str, value: &str| match name {
            "genre" => Some(self.view.genre(value)),
            "language" => Some(self.view.language(value)),
            "author" => Some(self.author.unwrap_or(value).to_owned()),
            "min_rating" => Some(self.at_least_stars(value)),
            "price_max" => Some(self.view.text_with("filter-up-to", "amount", self.amount(value, true)?)),
            "in_stock" if value == "true" => Some(self.view.text("filter-in-stock")),
            _ => None,
        };
        let is_valid = |name: &str| self.invalid.iter().all(|invalid| invalid.field != name);
        let asked = self.asked.0.iter().filter(|(name, value)| !value.is_empty() && is_valid(name));
        asked.filter_map(|(name, value)| Some((say(name, value)?, self.asked.without(name)))).collect()
    }

    /// "From 4.5 stars", as the language writes it.
    fn at_least_stars(&self, stars: &str) -> String {
        let is_one = stars.parse::<f64>().is_ok_and(|stars| stars <= 1.0);
        let stars = format::with_decimal_mark(self.view.locale, stars);
        let arguments = [("stars", stars.into()), ("count", if is_one { 1 } else { 2 }.into())];
        self.view.locale.text_with("filter-from-stars", arguments)
    }

    /// The amount of a valid limit: "9,50 €", or "9,50" for the field.
    fn amount(&self, value: &str, with_currency: bool) -> Option<String> {
        let price = Money::parse(value, self.currency.code()).ok()?;
        Some(format::amount(self.view.locale, &price, with_currency))
    }

    /// What the field of the highest price has: the amount, or else what was typed.
    fn highest_price(&self) -> String {
        let asked = self.asked.get("price_max");
        self.amount(asked, false).unwrap_or_else(|| asked.to_owned())
    }

    fn form(&self) -> Form<'_> {
        Form { invalid: self.invalid, ..Form::default() }
    }

    /// The heading of a list without a search: the active filters, or the whole catalogue.
    fn subject(&self) -> String {
        if !self.invalid.is_empty() {
            return self.view.text("nav-books");
        }
        let labels: Vec<String> = self.chips().into_iter().map(|(label, _)| label).collect();
        if labels.is_empty() { self.view.text("whole-catalogue") } else { labels.join(", ") }
    }

    /// The title of a search: its words and the active filters.
    fn search_title(&self) -> String {
        let labels = self.chips().into_iter().map(|(label, _)| label);
        [self.asked.get("q").to_owned()].into_iter().chain(labels).collect::<Vec<_>>().join(", ")
    }

    /// Where a later slice begins: "from «A Prisoner of Birth» on".
    fn position(&self) -> Option<String> {
        let is_continued = !self.asked.get("cursor").is_empty() && self.invalid.is_empty();
        is_continued.then(|| match self.books.first() {
            Some(first) => self.view.text_with("list-from", "title", first.title.as_str()),
            None => self.view.text("list-continued"),
        })
    }

    /// What a screen reader adds to the link to the next slice, which is no action without its place.
    fn next_position(&self) -> Option<String> {
        Some(self.view.text_with("list-after", "title", self.books.last()?.title.as_str()))
    }

    /// How many books the list has: "149 books", or "at least 1,000 books"; none if it has none.
    fn books_found(&self) -> Option<String> {
        let Total { books, is_exact } = self.total.filter(|total| total.books > 0)?;
        Some(self.view.count(if is_exact { "books-count" } else { "books-at-least" }, books))
    }

    /// The number beside an option: "12", "12+" if there may be more, or nothing if it is not known.
    fn option_count(&self, facet: Facet, count: i64) -> Option<String> {
        let number = self.view.number(u64::try_from(count).ok()?);
        match (self.facets.at_least.contains(&facet), count) {
            (false, _) => Some(number),
            (true, 0) => None,
            (true, _) => Some(number + "+"),
        }
    }

    fn genre_count(&self, count: i64) -> Option<String> {
        self.option_count(Facet::Genres, count)
    }

    fn language_count(&self, count: i64) -> Option<String> {
        self.option_count(Facet::Languages, count)
    }

    fn in_stock_count(&self) -> Option<String> {
        self.option_count(Facet::InStock, self.facets.in_stock)
    }

    /// Whether there are surely no books, not only none among those that were read.
    fn has_none(&self) -> bool {
        self.total.is_none_or(Total::is_none)
    }

    /// The number beside the option of a lowest rating.
    fn rating_count(&self, stars: &str) -> Option<String> {
        let counted = self.facets.min_rating.iter().find(|count| count.value == stars)?;
        self.option_count(Facet::MinRating, counted.count)
    }

    fn author_address(author: &Author) -> String {
        links::author(author)
    }

    /// The address and label of the search in the whole shop, if only the filters leave nothing.
    fn without_filters(&self) -> Option<(String, String)> {
        let Total { books, is_exact } = self.related.everywhere?;
        let address = Asked(&[("q", self.asked.get("q"))]).without("cursor");
        Some((address, self.view.count(if is_exact { "without-filters" } else { "without-filters-at-least" }, books)))
    }

    /// The chosen value of a filter that none of the counts has, so that the form keeps it.
    fn unlisted(&self, name: &str, counts: &[Count]) -> Option<&str> {
        let chosen = self.asked.get(name);
        (!chosen.is_empty() && counts.iter().all(|count| count.value != chosen)).then_some(chosen)
    }

    /// The chosen lowest rating, if it is none of those that the form offers.
    fn other_rating(&self) -> Option<String> {
        let chosen = self.asked.get("min_rating");
        let is_invalid = self.invalid.iter().any(|invalid| invalid.field == "min_rating");
        (!chosen.is_empty() && !is_invalid && !MEAN_BANDS.contains(&chosen)).then(|| chosen.to_owned())
    }

    /// The sort orders; relevance exists only in a search.
    fn sorts(&self) -> impl Iterator<Item = &'static str> {
        let searching = !self.asked.get("q").is_empty();
        Sort::NAMES.iter().map(|(name, _)| *name).filter(move |name| searching || *name != "relevance")
    }

    fn sorted_by(&self) -> &str {
        match (self.asked.get("sort"), self.asked.get("q")) {
            ("", "") => "popular",
            ("", _) => "relevance",
            (sort, _) => sort,
        }
    }

    fn error(&self, field: &str) -> Option<String> {
        self.form().error(self.view.locale, field)
    }
}

/// `/books/{id}/ratings`
#[derive(Template, Clone, Copy)]
#[template(path = "ratings.html")]
pub struct Ratings<'a> {
    pub view: View<'a>,
    pub book: &'a Book,
    /// Those with a text.
    pub reviews: &'a [Review],
    pub next: Option<&'a str>,
}

impl Ratings<'_> {
    /// Where a later slice begins: "until 20 November 2026".
    fn position(&self) -> Option<String> {
        self.view.is_continued().then(|| match self.reviews.first() {
            Some(first) => self.view.text_with("ratings-until", "date", self.view.day(first.sent_at)),
            None => self.view.text("list-continued"),
        })
    }

    fn first_page(&self) -> String {
        format!("/books/{}/ratings", self.book.summary.id)
    }

    fn next_page(&self) -> Option<String> {
        let next = self.next?;
        Some(links::address(&format!("/books/{}/ratings", self.book.summary.id), [("cursor", next)].into_iter()))
    }
}

/// `POST /books/{id}/ratings`, if the rating was refused (413, 422 and 503), or only the language was changed. Title and
/// authors of the book come back with the form, because the function has no access to the database.
#[derive(Template, Clone, Copy)]
#[template(path = "rate.html")]
pub struct Rate<'a> {
    pub view: View<'a>,
    pub book: BookId,
    pub form: Form<'a>,
}

impl Rate<'_> {
    fn title(&self) -> Option<&str> {
        Some(self.form.value("book-title")).filter(|title| !title.is_empty())
    }

    fn action(&self) -> String {
        format!("/books/{}/ratings", self.book)
    }
}

/// `/genres`
#[derive(Template, Clone, Copy)]
#[template(path = "genres.html")]
pub struct Genres<'a> {
    pub view: View<'a>,
    pub genres: &'a [Count],
}

/// `/authors/{id}-{slug}`
#[derive(Template, Clone, Copy)]
#[template(path = "author.html")]
pub struct AuthorPage<'a> {
    pub view: View<'a>,
    pub author: &'a Author,
    pub books: &'a [Summary],
    /// Whether `/books?author=` has more.
    pub more: bool,
}

/// `/contact`, also for the statuses 413, 422 and 503 of a message.
#[derive(Template, Clone, Copy)]
#[template(path = "contact.html")]
pub struct Contact<'a> {
    pub view: View<'a>,
    pub form: Form<'a>,
    /// The key that distinguishes this form from every other one.
    pub key: &'a str,
}

impl Contact<'_> {
    /// Subject and text of a message that asks for a book; a shopper only adds name and address.
    pub fn request(view: View, ask: links::Ask, title: &str, isbn: &str) -> (String, String) {
        let (subject, text) = match ask {
            links::Ask::Order => ("ask-order", "ask-order-text"),
            links::Ask::Notify => ("ask-notify", "ask-notify-text"),
        };
        let book = if isbn.is_empty() { title.to_owned() } else { format!("{title} (ISBN {isbn})") };
        let title: String = title.chars().take(Self::LONGEST_TITLE).collect();
        (view.text_with(subject, "title", title), view.text_with(text, "book", book))
    }

    /// Leaves room in a subject for the words around it.
    const LONGEST_TITLE: usize = 120;
}

/// `/submissions/{id}`
#[derive(Template, Clone, Copy)]
#[template(path = "submission.html")]
pub struct Submission<'a> {
    pub view: View<'a>,
    pub id: &'a str,
    /// None until it is processed: the address does not tell.
    pub kind: Option<SubmissionKind>,
    pub state: State<'a>,
    /// The book that the address links back to.
    pub book: Option<BookId>,
}

impl Submission<'_> {
    /// The key of a text about a rating, a message, or a submission of which nobody knows yet what it is.
    fn key(&self, part: &str) -> String {
        let kind = match self.kind {
            Some(SubmissionKind::Rating) => "rating",
            Some(SubmissionKind::Message) => "message",
            Some(SubmissionKind::Alert) => "submission-alert",
            Some(SubmissionKind::AlertConfirmation) => "submission-confirmation",
            None => "submission",
        };
        format!("{kind}-{part}")
    }
}

/// The status of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State<'a> {
    Received,
    Published,
    Rejected(&'a Rejection),
}

/// `/about`
#[derive(Template, Clone, Copy)]
#[template(path = "about.html")]
pub struct About<'a> {
    pub view: View<'a>,
}

/// `/privacy`
#[derive(Template, Clone, Copy)]
#[template(path = "privacy.html")]
pub struct Privacy<'a> {
    pub view: View<'a>,
}

/// `/terms`: the terms of sale, and the right to withdraw from it.
#[derive(Template, Clone, Copy)]
#[template(path = "terms.html")]
pub struct Terms<'a> {
    pub view: View<'a>,
}

/// `/accessibility`: how accessible the shop is, and whom to tell about a barrier.
#[derive(Template, Clone, Copy)]
#[template(path = "accessibility.html")]
pub struct Accessibility<'a> {
    pub view: View<'a>,
}

impl AuthorPage<'_> {
    fn cart_notice(&self) -> Option<String> {
        self.view.cart_notice(self.books)
    }
}

/// An error page for visitors.
#[derive(Template, Clone, Copy)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    pub view: View<'a>,
    pub status: u16,
    /// To be quoted in a question to the shop.
    pub request_id: Option<&'a str>,
}

impl ErrorPage<'_> {
    /// The key of the error's texts.
    fn key(&self) -> &'static str {
        match self.status {
            404 if self.view.path.starts_with("/submissions/") => "error-no-submission",
            404 if self.view.path.starts_with("/orders/") => "error-no-order",
            404 => "error-not-found",
            413 => "error-too-large",
            503 | 504 => "error-unavailable",
            400..=499 => "error-request",
            _ => "error-internal",
        }
    }
}

/// JSON for a script element of data, where `<` would be read as HTML.
fn data(value: &serde_json::Value) -> Markup {
    Markup::new(value.to_string().replace('<', "\\u003c"))
}
