//! Samples of every page: the books of the local catalogue, invented ratings, and one book with hostile text.

use std::{collections::BTreeSet, path::Path};

#[path = "account_samples.rs"]
mod account_samples;
#[path = "shop_samples.rs"]
mod shop_samples;
#[path = "staff_samples.rs"]
mod staff_samples;

use frontend::{
    Account, DynTemplate, Form, Locale, Trouble, View,
    links::Asked,
    pages::{
        About, AlertLinkPage, AlertPage, AlertStep, ApiDocs, AuthorPage, BookPage, Books, Contact, ErrorPage, Genres,
        Home, Privacy, Rate, Ratings, Related, SignInFailed, SignInFailure, SignInFirst, SignOut, State, Submission,
    },
};
use serde_json::Value;
use shared::api::NamedGenre;
use shared::domain::{
    self, Author, Availability, Book, BookId, Count, Currency, Facet, Facets, Genre, Histogram, ImportedRatings,
    Invalid, Isbn13, Language, Money, Reason, Rejection, Review, SubmissionKind, Summary, Total, Window,
};
use shared::session::Pool;
use shared::uploads::{Cover, CoverFiles, SampleFile, Size};
use time::macros::{date, datetime};

/// The page `/books` in its states.
fn lists_of_books(
    view: View,
    facets: &Facets,
    books: &[Summary],
    hit: &Summary,
    show: &mut impl FnMut(&str, &dyn DynTemplate),
) {
    let found = Books {
        view,
        currency: Currency::EUR,
        asked: Asked(&[]),
        author: None,
        books: &[],
        next: None,
        total: Some(Total { books: 0, is_exact: true }),
        facets,
        did_you_mean: None,
        related: &Related::default(),
        invalid: &[],
    };
    show(
        "books",
        &Books {
            asked: Asked(&[("language", "es"), ("in_stock", "true")]),
            books: &books[..24],
            next: Some("next"),
            total: Some(Total { books: 149, is_exact: true }),
            ..found
        },
    );
    show("search", &Books { asked: Asked(&[("q", "quijote")]), books: std::slice::from_ref(hit), ..found });
    let (author, genre) = (
        Author { id: 52.into(), name: "Miguel de Cervantes".into() },
        NamedGenre { slug: Genre("poetry".into()), name: "Poesía".into(), books: 13 },
    );
    let everywhere = Some(Total { books: 12, is_exact: true });
    let related = &Related { authors: vec![author], genres: vec![genre], everywhere };
    show("related", &Books { asked: Asked(&[("q", "poesía"), ("price_max", "1")]), related, ..found });
    show("nothing", &Books { asked: Asked(&[("q", "quixott")]), did_you_mean: Some("quijote"), ..found });
    show(
        "nothing-filtered",
        &Books {
            asked: Asked(&[("q", "zzzz"), ("genre", "classics"), ("language", "en-US"), ("min_rating", "3.5")]),
            facets: &Facets::default(),
            ..found
        },
    );
    let popular = Facets { at_least: BTreeSet::from([Facet::Genres]), is_exact: false, ..facets.clone() };
    let unread = Some(Total { books: 0, is_exact: false });
    let asked = Asked(&[("q", "col"), ("genre", "classics")]);
    show("nothing-among-popular", &Books { asked, facets: &popular, total: unread, ..found });
    let amount = [Invalid::new("price_max", Reason::NotAPriceLimit)];
    let asked = Asked(&[("genre", "classics"), ("price_max", "mucho")]);
    show("filter-error", &Books { asked, invalid: &amount, total: None, ..found });
    let asked = Asked(&[("min_rating", "1")]);
    show("filter-one-star", &Books { asked, books: &books[..3], ..found });
    let continued = Books { asked: Asked(&[("cursor", "x")]), next: Some("next"), ..found };
    show("books-continued-empty", &continued);
    let total = Some(Total { books: 149, is_exact: true });
    show("books-continued", &Books { books: &books[24..48], total, ..continued });
    let asked = Asked(&[("min_rating", "4.5"), ("price_max", "9.5")]);
    show("filter-price", &Books { asked, books: &books[..3], ..found });
}

/// The API's document, as the shop shows it.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// The form for a message, and the outcomes of messages and ratings.
fn contact_and_submissions<'v>(view: impl Fn(&'static str) -> View<'v>, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    show("contact", &Contact { view: view("/contact"), form: Form::default(), key: "1-67891233" });
    let invalid = [Invalid::new("name", Reason::Blank), Invalid::new("email", Reason::NotAnEmail)];
    let form = Form { typed: &[("email", "ana@"), ("message", "Hola")], invalid: &invalid, trouble: None };
    show("contact-422", &Contact { view: view("/contact"), form, key: "1-67891233" });
    let (id, book) = ("b6bf864c-0798-80c5-85e6-db91f3b674c7", Some(BookId::from(53)));
    let sent = Submission { view: view("/submissions/x"), id, kind: None, state: State::Received, book };
    show("received", &sent);
    let published = Submission { kind: Some(SubmissionKind::Rating), state: State::Published, ..sent };
    show("published", &published);
    show("published-without-book", &Submission { book: None, ..published });
    let message = Submission { kind: Some(SubmissionKind::Message), ..published };
    show("message", &Submission { book: None, ..message });
    show("message-with-book", &message);
    let alert = Submission { kind: Some(SubmissionKind::Alert), book, ..published };
    show("alert", &alert);
    show("alert-confirmed", &Submission { kind: Some(SubmissionKind::AlertConfirmation), ..alert });
    for (name, rejection) in [
        ("alert-in-stock", Rejection::InStock),
        ("alert-too-many", Rejection::TooManyAlerts),
        ("alert-unverified", Rejection::NoVerifiedEmail),
        ("alert-gone", Rejection::NoSuchAlert),
    ] {
        show(name, &Submission { state: State::Rejected(&rejection), ..alert });
    }
    let form = Form { typed: &[("key", "1-67891233")], ..Form::default() };
    let ask = AlertPage { view: view("/alerts/53"), book: BookId::from(53), form };
    show("alert-form", &ask);
    let signed_in = ask.view.signed_in_if(true);
    show("alert-form-signed-in", &AlertPage { view: signed_in, ..ask });
    let typed = [("email", "ana@"), ("key", "1-67891233")];
    let invalid = [Invalid::new("email", Reason::NotAnEmail)];
    show("alert-form-422", &AlertPage { form: Form { typed: &typed, invalid: &invalid, trouble: None }, ..ask });
    for (name, step) in [
        ("alert-confirm", AlertStep::Confirms),
        ("alert-expired", AlertStep::Expired),
        ("alert-end", AlertStep::Ends),
        ("alert-ended", AlertStep::Ended),
    ] {
        show(name, &AlertLinkPage { view: view("/alerts/YQ.b"), book: BookId::from(53), step });
    }
    show("later-kind", &Submission { kind: None, ..published });
    show("rejected", &Submission { state: State::Rejected(&Rejection::NoSuchBook(BookId::from(999))), ..published });
}

/// Calls `show` with each page and a name for its file.
pub fn every_page(locale: Locale, mut show: impl FnMut(&str, &dyn DynTemplate)) {
    let view = |path| View {
        locale,
        path,
        query: "",
        origin: Some("https://shop.example"),
        today: date!(2026 - 11 - 24),
        shop: Some(&shop_samples::SHOP),
        cart: 0,
        cart_change: None,
        order: None,
        account: Account::SignedOut,
        wishlist: frontend::Wishlist::default(),
    };
    let books = catalogue();
    let lists: Vec<Summary> = books.iter().map(|book| book.summary.clone()).collect();
    let quijote = books.iter().find(|book| book.summary.title.contains("Quijote")).expect("no shop without it");
    let genres = counts(&[
        ("classics", 149),
        ("literary", 118),
        ("historical", 38),
        ("science-fiction", 34),
        ("fantasy", 33),
        ("crime", 25),
    ]);
    let facets = Facets {
        genres: genres.clone(),
        languages: counts(&[("en", 166), ("es", 150)]),
        in_stock: 290,
        min_rating: counts(&[("4.5", 40), ("4", 211), ("3", 316)]),
        price_max: counts(&[("5.00", 3), ("10.00", 42)]),
        ..Facets::empty()
    };

    let shelf = |from: usize| lists[from..from + 6].to_vec();
    let window = Window { best_sellers: shelf(40), best_rated: shelf(20), most_read: shelf(60), newest: shelf(100) };
    show("home", &Home { view: view("/"), window: &window, genres: &genres });
    show("genres", &Genres { view: view("/genres"), genres: &genres });

    lists_of_books(view("/books"), &facets, &lists, &quijote.summary, &mut show);

    let (more_by_author, readers_also_rated) = (&lists[3..5], &lists[40..48]);
    let empty = BookPage {
        view: view("/books/53-don-quijote"),
        book: quijote,
        form: Form::default(),
        rated_at: None,
        more_by_author,
        readers_also_rated,
    };
    show("book", &empty);
    show("book-in-cart", &BookPage { view: shop_samples::after_adding(empty.view, quijote), ..empty });
    show("book-not-sold", &BookPage { view: View { shop: None, ..empty.view }, ..empty });
    let typed = [("stars", ""), ("name", "Ana"), ("review", "¡Qué libro!")];
    let stars = [Invalid::new("stars", Reason::NotStars { min: 1, max: 5 })];
    show("book-422", &BookPage { form: Form { typed: &typed, invalid: &stars, trouble: None }, ..empty });
    show(
        "book-503",
        &BookPage { form: Form { typed: &typed, invalid: &[], trouble: Some(Trouble::Unavailable) }, ..empty },
    );
    let kept = [
        ("name", "Ana"),
        ("review", "¡Qué libro!"),
        ("book-title", "Don Quijote de la Mancha"),
        ("book-byline", "Miguel de Cervantes"),
        ("key", "1-67891233"),
    ];
    let form = Form { typed: &kept, ..Form::default() };
    let rate = Rate { view: view("/books/53/ratings"), book: BookId::from(53), form };
    show("rate-422", &Rate { form: Form { invalid: &stars, ..form }, ..rate });
    show("rate-503", &Rate { form: Form { trouble: Some(Trouble::Unavailable), ..form }, ..rate });
    show("rate-honeypot", &Rate { form: Form { trouble: Some(Trouble::Honeypot), ..form }, ..rate });
    show("rate-language", &rate);
    let own = [("stars", "4"), ("name", "Ana"), ("review", "Me reí mucho.")];
    let form = Form { typed: &own, ..Form::default() };
    show("book-rated", &BookPage { form, rated_at: Some(datetime!(2026-11-20 18:30 UTC)), ..empty });
    show("book-unrated", &BookPage { book: &books[7], ..empty });
    show("book-imported", &BookPage { book: &imported(quijote, Some("Goodreads (2017)")), ..empty });
    show("book-to-order", &BookPage { book: &to_order(quijote), ..empty });
    show("book-withdrawn", &BookPage { book: &withdrawn(quijote), ..empty });
    show("book-hostile", &BookPage { book: &hostile(), ..empty });
    let sold_out = hostile();
    show("book-sold-out-not-sold", &BookPage { book: &sold_out, view: View { shop: None, ..empty.view }, ..empty });
    let signed_in = BookPage { book: &sold_out, view: empty.view.signed_in_if(true), ..empty };
    show("book-sold-out-signed-in", &signed_in);
    let ratings =
        Ratings { view: view("/books/53/ratings"), book: quijote, reviews: &quijote.reviews, next: Some("n") };
    show("ratings", &ratings);
    show("ratings-continued", &Ratings { view: View { query: "cursor=x", ..ratings.view }, ..ratings });
    show(
        "author",
        &AuthorPage { view: view("/authors/1-x"), author: &quijote.authors[0], books: &lists[51..55], more: true },
    );

    contact_and_submissions(view, &mut show);
    signing_in(view("/sign-in/return"), &mut show);
    shop_samples::every_page(view("/"), &lists, &hostile().summary, &mut show);
    staff_samples::every_page(view("/staff"), &lists, &hostile().summary, &mut show);
    let pictured = books.iter().find(|book| book.summary.cover.is_some()).unwrap();
    show("book-with-picture", &BookPage { book: pictured, ..empty });
    staff_samples::files(view("/staff"), pictured, &hostile(), &mut show);

    of_the_shop(view, &mut show);
}

/// The pages of signing in and out.
fn signing_in(view: View, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    // The page of a refused sign-in is that of a user pool that is away.
    for failure in SignInFailure::ALL.into_iter().filter(|failure| *failure != SignInFailure::Refused) {
        show(failure.key(), &SignInFailed { view, pool: Pool::Customers, failure, return_to: "/books?q=c%2B%2B" });
    }
    let first = View { path: "/account/addresses/new", ..view.signed_in_if(false) };
    let pool = Pool::Customers;
    let first = SignInFirst { view: first, pool, had_session: true, return_to: "/account/addresses/new", typed: &[] };
    let typed = [("recipient", "<b>\"Ana\" & Eva</b>"), ("street", "Calle Mayor 1"), ("review", "¡Bravo!\n¡Y tanto!")];
    show("session-ended", &SignInFirst { typed: &typed, ..first });
    show("session-ended-nothing-typed", &first);
    show("sign-in-first", &SignInFirst { had_session: false, return_to: "/account/wishlist?add=53", ..first });
    let signed_in = view.signed_in_if(true);
    let view = View { path: "/sign-out", ..signed_in };
    show("sign-out", &SignOut { view, pool, is_signed_in: true, next: None });
    let view = view.signed_in_if(false);
    let next = Some("https://pool.example/logout?client_id=shop&logout_uri=https%3A%2F%2Fshop.example%2Fsign-out");
    show("signing-out", &SignOut { view, pool, is_signed_in: false, next });
    show("signed-out", &SignOut { view, pool, is_signed_in: false, next: None });
    let pool = Pool::Staff;
    let view = View { path: "/staff/sign-out", ..view };
    show("staff-sign-out", &SignOut { view, pool, is_signed_in: true, next: None });
    let view = View { path: "/staff/orders/100042", ..view };
    let typed = [("do", "shipped")];
    let ended = SignInFirst { view, pool, had_session: true, return_to: "/staff/orders/100042", typed: &typed };
    show("staff-session-ended", &ended);
    show("staff-sign-in-lost", &SignInFailed { view, pool, failure: SignInFailure::Lost, return_to: "/staff" });
}

/// The pages about the shop, and its errors.
fn of_the_shop<'a>(view: impl Fn(&'a str) -> View<'a>, show: &mut impl FnMut(&str, &dyn DynTemplate)) {
    show("about", &About { view: view("/about") });
    show("privacy", &Privacy { view: view("/privacy") });
    let document: Value = serde_json::from_str(DOCUMENT).expect("the committed document");
    show("api", &ApiDocs { view: view("/api-docs"), document: &document });
    for (name, status) in
        [("error-404", 404), ("error-413", 413), ("error-422", 422), ("error-500", 500), ("error-503", 503)]
    {
        show(name, &ErrorPage { view: view("/x"), status, request_id: Some("1-5759e988-bd862e3f") });
    }
    show("error-order", &ErrorPage { view: view("/orders/x"), status: 404, request_id: None });
    show("error-submission", &ErrorPage { view: view("/submissions/x"), status: 404, request_id: None });
}

/// The book with one rating of the shop, the others from readers elsewhere, and a tax rate of its own.
fn imported(book: &Book, source: Option<&str>) -> Book {
    let histogram = book.histogram.without(Histogram([0, 0, 0, 1, 0]));
    let imported_ratings = Some(ImportedRatings { source: source.map(str::to_owned), histogram });
    Book { imported_ratings, tax_rate: Some(2_100), ..book.clone() }
}

/// The book as the shop knows it without having it; all its ratings are from readers elsewhere.
fn to_order(book: &Book) -> Book {
    let summary = Summary { price: None, stock: 0, availability: Availability::ToOrder, ..book.summary.clone() };
    let imported_ratings = Some(ImportedRatings { source: None, histogram: book.histogram });
    Book { summary, imported_ratings, reviews: Vec::new(), ..book.clone() }
}

/// The book as one that the shop no longer sells.
fn withdrawn(book: &Book) -> Book {
    let summary = Summary { price: None, availability: Availability::Withdrawn, ..book.summary.clone() };
    Book { summary, ..book.clone() }
}

fn counts(counts: &[(&str, i64)]) -> Vec<Count> {
    counts.iter().map(|(value, count)| Count { value: (*value).into(), count: *count }).collect()
}

/// A picture that no bucket has.
fn cover(id: u32) -> Cover {
    let files = CoverFiles::new(format!("{id:032x}"), Size { width: 640, height: 900 + id % 100 });
    Cover { files, credit: Some("Ana Ruiz".to_owned()) }
}

/// The books of a new local shop, with invented ratings.
fn catalogue() -> Vec<Book> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/data/catalogue.csv");
    let mut reader = csv::Reader::from_path(file).expect("the catalogue lies in the repository");
    let columns = reader.headers().expect("its first line names the columns").clone();
    let rows = reader.records().map(|row| row.expect("it is well-formed"));
    (1..)
        .zip(rows)
        .map(|(id, row)| book(id, |name| columns.iter().position(|column| column == name).map_or("", |at| &row[at])))
        .collect()
}

fn book<'r>(id: u32, cell: impl Fn(&str) -> &'r str) -> Book {
    let stars = id * 37 % 90;
    let histogram =
        Histogram(if id.is_multiple_of(8) { [0; 5] } else { [stars / 20, stars / 9, stars / 3, stars, stars * 2] });
    let count = histogram.0.iter().sum();
    let price = Money::parse(cell("price"), cell("currency")).ok();
    let stock = cell("stock").parse().unwrap_or_default();
    let authors = cell("authors").split(';').map(str::trim).zip(1..);
    Book {
        summary: Summary {
            id: BookId::from(id),
            title: cell("title").into(),
            byline: cell("authors").replace(';', ","),
            isbn: Isbn13::parse(cell("isbn")).ok(),
            year: cell("year").parse().ok(),
            language: Language::parse(cell("language")).ok(),
            availability: Availability::of(price.as_ref(), stock),
            price,
            stock,
            ratings: domain::Ratings { mean: histogram.mean(), count },
            cover: id.is_multiple_of(5).then(|| cover(id)),
        },
        description: Some(cell("description").into()),
        authors: authors.map(|(name, id)| Author { id: id.into(), name: name.into() }).collect(),
        genres: cell("genres").split(';').map(|slug| Genre(slug.trim().into())).collect(),
        histogram,
        imported_ratings: None,
        fixed_price: None,
        tax_rate: None,
        publisher: Some("Editorial Uno".into()),
        publisher_contact: Some("Calle Uno 1, 28013 Madrid; info@uno.example".into()),
        reviews: if count > 0 { reviews() } else { Vec::new() },
        sample: id.is_multiple_of(5).then(|| SampleFile { hash: format!("{id:032x}"), bytes: 1_840_000, pages: id }),
    }
}

fn reviews() -> Vec<Review> {
    let review = |id, stars, name: Option<&str>, review: Option<&str>| Review {
        id,
        stars,
        name: name.map(str::to_owned),
        review: review.map(str::to_owned),
        sent_at: datetime!(2026-11-20 18:30 UTC),
        verified_purchase: id == 3,
    };
    vec![
        review(
            3,
            5,
            Some("Ana"),
            Some(
                "Lo releí después de veinte años y me reí más que la primera vez.\n\n\
                 Sancho es el mejor amigo que se puede tener.",
            ),
        ),
        review(2, 4, None, Some("A slow start, then impossible to put down.")),
        review(1, 3, Some("Łukasz"), None),
    ]
}

/// Hostile text from a visitor.
fn hostile() -> Book {
    let endless = "x".repeat(4_000);
    Book {
        summary: Summary {
            id: BookId::from(666),
            title: "<script>alert('x')</script> ألف ليلة وليلة 🚀🚀".into(),
            byline: endless[..200].to_owned(),
            isbn: None,
            year: Some(-750),
            language: Language::parse("ar").ok(),
            price: Money::parse("1234.50", "CHF").ok(),
            stock: 0,
            availability: Availability::OutOfStock,
            ratings: domain::Ratings { mean: Some(1.2), count: 1 },
            cover: None,
        },
        description: Some(endless.clone()),
        authors: vec![Author { id: 1.into(), name: endless[..200].to_owned() }],
        genres: vec![Genre("a-very-long-genre-that-nobody-has-a-word-for-and-that-goes-on".into())],
        histogram: Histogram([1, 0, 0, 0, 0]),
        imported_ratings: None,
        fixed_price: None,
        tax_rate: None,
        publisher: Some(endless[..200].to_owned()),
        publisher_contact: Some(format!("<b>{}", &endless[..297])),
        reviews: vec![Review {
            id: 1,
            stars: 1,
            name: Some("\u{202e}evil".into()),
            review: Some(endless),
            sent_at: datetime!(2026-11-20 18:30 UTC),
            verified_purchase: false,
        }],
        sample: None,
    }
}
