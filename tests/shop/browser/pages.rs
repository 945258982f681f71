//! Every page of the shop in each state that a visitor can see.

use reqwest::Method;
use serde_json::json;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{hostile, staff, tab::Tab};
use crate::{account, cart, imports, orders, staff_imports, support::Shop, uploads};

pub const LANGUAGES: [&str; 2] = ["es", "en"];

pub const DON_QUIJOTE: &str = "/books/53-don-quijote-de-la-mancha";

pub struct Page {
    pub name: &'static str,
    path: String,
    status: u16,
    /// Whether it shows what is wrong with fields.
    pub has_wrong_fields: bool,
    /// The form whose answer is the page.
    form: Option<Vec<(&'static str, String)>>,
    /// The browser's cookies: `cart=…; visitor=…`.
    cookies: String,
}

static PAGES: OnceCell<Vec<Page>> = OnceCell::const_new();

pub async fn all(shop: &Shop) -> &'static [Page] {
    PAGES.get_or_init(|| prepared(shop)).await
}

async fn prepared(shop: &Shop) -> Vec<Page> {
    let published = shop.rate(53, &json!({ "stars": 5, "name": "Ana", "review": "¡Qué libro!" })).await;
    let rejected = shop.rate(999_999_999, &json!({ "stars": 5 })).await;
    for sent in [&published, &rejected] {
        shop.final_status(sent).await;
    }
    // A message with the honeypot filled in is dropped, so its status stays `received`.
    let spam = json!({ "name": "x", "email": "x@example.org", "subject": "x", "message": "x", "website": "x" });
    let received = shop.post("/api/contact", &[], &spam).await;
    let page_of = |submission: &str| submission.trim_start_matches("/api").to_owned();

    let unrated = imports::new_book(shop).await;
    let unrated = shop.get(&format!("/books/{unrated}")).await.header("location").to_owned();
    let hostile = hostile::rated_book(shop).await;
    let sold_out = imports::book_on_sale(shop, 0).await;
    let wishing = &account::with_a_wish(shop, sold_out).await;
    let sold_out = shop.get(&format!("/books/{sold_out}")).await.header("location").to_owned();

    let with_files = uploads::book_with_files(shop).await;
    let pictured = shop.get(&format!("/books/{with_files}")).await.header("location").to_owned();

    let (page, answer, sent, with) = (Page::at, Page::answered, Page::sent, Page::with);
    let full = "cart=x.53:2:1995.7:1:1.999999999:1:950";
    let quote = orders::quoted(shop, full).await;
    let (bought, buyer) = ordered(shop, 1_995).await;
    let (refused, refused_buyer) = ordered(shop, 1_994).await;
    let unsure = format!("{bought}/cancel");
    let ordered_before = ordered_by_form(shop).await;
    let changed = [("do", "change"), ("quantity-53", "1"), ("name", "Ana Ruiz"), ("quote", quote.as_str())];
    let of_shop = vec![
        with(full, page("cart", "/cart?cart=changed.none")),
        with(full, page("checkout", "/checkout")),
        with(
            full,
            sent("checkout-invalid", "/checkout", &[("email", "ana@"), ("delivery", "ship"), ("quote", &quote)]),
        ),
        with(full, Page { status: 200, has_wrong_fields: false, ..sent("checkout-changed", "/checkout", &changed) }),
        with(&ordered_before, page("checkout-ordered", "/checkout")),
        with(&buyer, page("order", &bought)),
        with(&buyer, page("order-cancel", &unsure)),
        page("order-of-others", &bought),
        sent("order-wrong-email", &bought, &[("email", "eva@example.org")]),
        with(&refused_buyer, page("order-rejected", &refused)),
        page("home", "/"),
        page("books", "/books"),
        page("books-found", "/books?q=quijote&language=es&sort=price&in_stock=true"),
        page("books-last", "/books?language=es&genre=philosophy&sort=title"),
        page("books-none", "/books?q=zzyzx"),
        Page { has_wrong_fields: true, ..answer("books-unreadable", "/books?price_max=mucho&min_rating=9", 400) },
        page("book", DON_QUIJOTE),
        page("book-unrated", &unrated),
        page("book-pictured", &pictured),
        page("book-hostile", hostile),
        page("ratings", "/books/53/ratings"),
        sent("rate-invalid", "/books/53/ratings", &[("review", "<b>¡Bien!</b>"), ("name", "Ana")]),
        page("genres", "/genres"),
        page("author", "/authors/52-miguel-de-cervantes"),
        page("contact", "/contact"),
        sent("contact-invalid", "/contact", &[("email", "ana@"), ("message", "Hola")]),
        page("book-sold-out", &sold_out),
        with(wishing, page("book-wished", &sold_out)),
        with(wishing, page("wishlist", "/account/wishlist")),
        with(wishing, page("wishlist-offered", "/account/wishlist?add=53")),
        page("alert-form", "/alerts/53"),
        sent("alert-invalid", "/alerts/53", &[("email", "ana@")]),
        page("received", &page_of(received.header("location"))),
        page("published", &page_of(&published)),
        page("rejected", &page_of(&rejected)),
        page("cart-empty", "/cart"),
        answer("order-unknown", "/orders/00000000-0000-8000-8000-000000000000", 404),
        page("about", "/about"),
        page("terms", "/terms"),
        page("accessibility", "/accessibility"),
        page("privacy", "/privacy"),
        page("api-docs", "/api-docs"),
        with(
            "session=x",
            Page {
                status: 401,
                has_wrong_fields: false,
                ..sent("session-ended", "/account/addresses/new", &[("recipient", "Ana"), ("street", "Calle Mayor 1")])
            },
        ),
        Page { status: 401, has_wrong_fields: false, ..sent("sign-in-first", "/account/wishlist", &[("book", "53")]) },
        page("signed-out", "/sign-out"),
        answer("sign-in-lost", "/sign-in/return?code=x&state=x", 400),
        answer("not-found", "/nada", 404),
    ];
    of_shop.into_iter().chain(of_staff(shop, with_files).await).collect()
}

/// The pages of the staff; those of files are about this book.
async fn of_staff(shop: &Shop, with_files: u64) -> Vec<Page> {
    let (answer, sent, with) = (Page::answered, Page::sent, Page::with);
    let desk = staff::desk(shop).await;
    let cookies = desk.cookies.as_str();
    let files = format!("/staff/books/{with_files}/files");
    let [checked, refused] = uploads::uploaded(shop, cookies, &files).await;
    let preview = previewed(shop, cookies).await;
    let review = cart::page(shop, &desk.review, cookies).await;
    let [key, version] = ["key", "version"].map(|name| account::hidden(&review, name));
    let without_reason = [("key", key.as_str()), ("version", version.as_str()), ("do", "hide"), ("reason", "")];
    let untitled = [("key", key.as_str()), ("isbn", "978"), ("price", "mucho")];
    let of_staff = |name, path: &str| with(cookies, Page::at(name, path));
    vec![
        of_staff("staff", "/staff"),
        of_staff("staff-orders", "/staff/orders"),
        of_staff("staff-order", &desk.order),
        of_staff("staff-delivery-note", &format!("{}/delivery-note", desk.order)),
        of_staff("staff-pick-list", "/staff/pick-list"),
        of_staff("staff-message", &desk.message),
        of_staff("staff-reviews", "/staff/reviews"),
        of_staff("staff-review", &desk.review),
        with(cookies, sent("staff-review-without-reason", &desk.review, &without_reason)),
        with(
            cookies,
            Page { status: 409, has_wrong_fields: false, ..sent("staff-order-stale", &desk.order, &[("do", "ready")]) },
        ),
        of_staff("staff-books", "/staff/books?find=quijote"),
        with(
            cookies,
            Page { has_wrong_fields: true, ..answer("staff-books-mistyped", "/staff/books?find=9788420467284", 400) },
        ),
        of_staff("staff-book", "/staff/books/53"),
        of_staff("staff-book-new", "/staff/books/new"),
        with(cookies, sent("staff-book-new-invalid", "/staff/books/new", &untitled)),
        of_staff("staff-stock", "/staff/stock"),
        of_staff("staff-stock-found", "/staff/stock?find=53&reason=4711"),
        of_staff("staff-searches", "/staff/searches"),
        of_staff("staff-imports", "/staff/imports"),
        of_staff("staff-preview", &preview),
        of_staff("staff-log", "/staff/log"),
        of_staff("staff-signed-out", "/staff/sign-out"),
        of_staff("staff-files", &files),
        of_staff("staff-upload", &checked),
        of_staff("staff-upload-refused", &refused),
    ]
}

/// The page of the preview of a file with a new book, a changed one and a refused row.
pub async fn previewed(shop: &Shop, cookies: &str) -> String {
    let reference = Uuid::new_v4().simple().to_string();
    imports::priced(shop, &reference, "19.95,EUR", 3).await;
    let csv = format!(
        "reference,title,authors,price,isbn,prize\n{reference},Libro,Nadie,18.00,9780000000000,1\n\
         {reference}-2,\"<b>Nuevo</b>\",Nadie,9.00,,\n{reference}-3,,=cmd(),,,\n"
    );
    staff_imports::preview(shop, &csv, cookies).await.0
}

/// Orders a new book whose price is 19.95 at the price that the buyer has seen; returns the page and the buyer's cookie,
/// once it is decided.
async fn ordered(shop: &Shop, seen: u64) -> (String, String) {
    let book = imports::book_on_sale(shop, 9).await;
    let placed = orders::place(shop, &Uuid::new_v4().to_string(), "", &orders::order(book, 2, seen)).await;
    let buyer = cart::cookie(&placed, "visitor");
    orders::after(shop, placed.header("location"), "received", &buyer).await;
    (placed.header("location").trim_start_matches("/api").to_owned(), buyer)
}

/// Orders by the form of a cart, and returns the cart as a browser has it that got no answer.
async fn ordered_by_form(shop: &Shop) -> String {
    let book = imports::book_on_sale(shop, 9).await;
    let cart = format!("cart={}.{book}:1:1995", Uuid::new_v4());
    let quote = orders::quoted(shop, &cart).await;
    let placed = cart::send(shop, "/checkout", &cart, &orders::collected(&quote)).await;
    let buyer = cart::cookie(&placed, "visitor");
    orders::after(shop, &format!("/api{}", placed.header("location")), "received", &buyer).await;
    cart
}

impl Page {
    fn at(name: &'static str, path: &str) -> Self {
        Self { name, path: path.to_owned(), status: 200, has_wrong_fields: false, form: None, cookies: String::new() }
    }

    fn answered(name: &'static str, path: &str, status: u16) -> Self {
        Self { status, ..Self::at(name, path) }
    }

    /// The answer to a form with fields that are wrong.
    fn sent(name: &'static str, path: &str, form: &[(&'static str, &str)]) -> Self {
        Self {
            status: 422,
            has_wrong_fields: true,
            form: Some(form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()),
            ..Self::at(name, path)
        }
    }

    fn with(cookies: &str, page: Self) -> Self {
        Self { cookies: cookies.to_owned(), ..page }
    }

    /// The HTML that the shop sends.
    pub async fn html(&self, shop: &Shop, language: &str) -> String {
        let visitor = [("accept-language", language), ("cookie", self.cookies.as_str())];
        let answer = match &self.form {
            None => shop.send(Method::GET, &self.path, &visitor, None).await,
            Some(fields) => {
                let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let headers = [&visitor[..], &[("content-type", "application/x-www-form-urlencoded")]].concat();
                shop.send(Method::POST, &self.path, &headers, Some(body)).await
            }
        };
        assert_eq!(answer.status, self.status, "{}", self.path);
        answer.text
    }

    pub async fn open(&self, tab: &Tab<'_>) {
        tab.have_cookies(&self.cookies).await;
        match &self.form {
            None => tab.go(&self.path).await,
            Some(fields) => {
                tab.go("/about").await; // the form must be sent from a page of the shop
                tab.evaluate(&format!(
                    "(() => {{
                        const form = document.createElement('form');
                        form.method = 'post';
                        form.action = {};
                        for (const [name, value] of {}) {{
                            form.append(Object.assign(document.createElement('input'), {{ name, value }}));
                        }}
                        document.body.append(form);
                        form.submit();
                    }})()",
                    json!(self.path),
                    json!(fields)
                ))
                .await;
                tab.arrive(&self.path).await;
            }
        }
        assert_eq!(tab.status(), Some(self.status.into()), "{}", self.path);
    }
}
