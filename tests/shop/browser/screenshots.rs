//! The screenshots in docs/screenshots. People look at them; a test only checks that none is missing.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use shared::session::Subject;
use uuid::Uuid;

use super::{
    pages::{self, DON_QUIJOTE},
    staff::{self, Desk},
    tab::{DESK, Look, Tab, in_each},
};
use crate::{account, cart, orders, support::Shop};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/screenshots");
const SIZES: [(u32, u32); 2] = [(1280, 1000), (390, 844)];
const SCHEMES: [&str; 2] = ["light", "dark"];
/// Keeps all of them together below three megabytes.
const QUALITY: u32 = 50;

/// Name, language and path. The paths of the submission and the order differ each time.
const PAGES: [(&str, &str, &str); 18] = [
    ("home", "es", "/"),
    ("books", "es", "/books?q=de&language=es"),
    ("book", "es", DON_QUIJOTE),
    ("genres", "es", "/genres"),
    ("author", "es", "/authors/52-miguel-de-cervantes"),
    ("ratings", "es", "/books/53/ratings"),
    ("contact", "es", "/contact"),
    ("submission", "es", ""),
    ("cart", "es", "/cart"),
    ("checkout", "es", "/checkout"),
    ("order", "es", ""),
    ("account", "es", "/account"),
    ("account-orders", "es", "/account/orders"),
    ("wishlist", "es", "/account/wishlist"),
    ("about", "es", "/about"),
    ("not-found", "es", "/nada"),
    ("home-en", "en", "/"),
    ("book-en", "en", DON_QUIJOTE),
];

/// Pages of the staff, at the width of a desk and of a tablet. The paths of the order, the message,
/// the review and the preview differ each time.
const STAFF_PAGES: [(&str, &str); 18] = [
    ("staff", "/staff"),
    ("staff-orders", "/staff/orders"),
    ("staff-order", ""),
    ("staff-delivery-note", ""),
    ("staff-pick-list", "/staff/pick-list"),
    ("staff-messages", "/staff/messages"),
    ("staff-message", ""),
    ("staff-reviews", "/staff/reviews"),
    ("staff-review", ""),
    ("staff-books", "/staff/books?find=quijote"),
    ("staff-book", "/staff/books/53"),
    ("staff-book-new", "/staff/books/new?isbn=9780306406157"),
    ("staff-files", "/staff/books/53/files"),
    ("staff-stock", "/staff/stock?find=53"),
    ("staff-searches", "/staff/searches"),
    ("staff-imports", "/staff/imports"),
    ("staff-preview", ""),
    ("staff-log", "/staff/log"),
];
const STAFF_SIZES: [(u32, u32); 2] = [(1280, 1000), (820, 1180)];

fn picture(name: &str, width: u32, scheme: &str) -> String {
    format!("{name}-{width}-{scheme}.webp")
}

#[ignore = "needs a browser"]
#[test]
fn every_page_has_its_screenshots() {
    let wanted = PAGES.iter().flat_map(|(name, ..)| {
        SIZES.iter().flat_map(move |(width, _)| SCHEMES.map(|scheme| picture(name, *width, scheme)))
    });
    let of_staff = STAFF_PAGES.iter().flat_map(|(name, _)| STAFF_SIZES.map(|(width, _)| picture(name, width, "light")));
    let there = fs::read_dir(FOLDER).expect("docs/screenshots").map(|file| file.expect("a file").file_name());
    let there: BTreeSet<String> = there.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(there, wanted.chain(of_staff).collect(), "run `cargo bookstore test screenshots -- --ignored`");
}

#[tokio::test]
#[ignore = "renews docs/screenshots: run it alone, in a new shop"]
async fn renew_the_screenshots() {
    let shop = Shop::open().await;
    let (submission, order) = (furnish(&shop).await, order(&shop).await);
    let customer = customer(&shop).await;
    let desk = staff::desk(&shop).await;
    drop(shop);
    fs::create_dir_all(FOLDER).expect("a folder");
    for language in ["es", "en"] {
        in_each(&[Look { language, ..DESK }], async |tab| {
            for (name, _, path) in PAGES.iter().filter(|(_, its, _)| *its == language) {
                match *name {
                    "cart" | "checkout" => tab.have_cookies(CART).await,
                    "order" => tab.have_cookies(&order.1).await,
                    "account" | "account-orders" | "wishlist" => tab.have_cookies(&customer).await,
                    _ => tab.have_cookies("").await,
                }
                tab.go(match *name {
                    "submission" => &submission,
                    "order" => &order.0,
                    _ => path,
                })
                .await;
                for (width, height) in SIZES {
                    tab.resize(width, height).await;
                    for scheme in SCHEMES {
                        tab.prefer(scheme).await;
                        let file = Path::new(FOLDER).join(picture(name, width, scheme));
                        take(tab, file).await;
                    }
                }
            }
        })
        .await;
    }
    in_each(&[DESK], async |tab| take_staff(tab, &desk).await).await;
}

async fn take_staff(tab: &Tab<'_>, desk: &Desk) {
    let note = format!("{}/delivery-note", desk.order);
    let preview = pages::previewed(tab.shop, &desk.cookies).await;
    for words in ["unamuno niebla", "unamuno niebla", "atlas de setas"] {
        tab.shop.get(&format!("/api/books?q={}", words.replace(' ', "+"))).await;
    }
    tab.have_cookies(&desk.cookies).await;
    for (name, path) in STAFF_PAGES {
        tab.go(match name {
            "staff-order" => &desk.order,
            "staff-delivery-note" => &note,
            "staff-preview" => &preview,
            "staff-message" => &desk.message,
            "staff-review" => &desk.review,
            _ => path,
        })
        .await;
        for (width, height) in STAFF_SIZES {
            tab.resize(width, height).await;
            tab.prefer("light").await;
            take(tab, Path::new(FOLDER).join(picture(name, width, "light"))).await;
        }
    }
}

/// Three books, of which one has become cheaper.
const CART: &str = "cart=x.53:1:1995.7:2:995.60:1:1095";

/// Places an order; returns its page and its buyer's cookie, once it is decided.
async fn order(shop: &Shop) -> (String, String) {
    let quote = orders::quoted(shop, CART).await;
    let placed = cart::send(shop, "/checkout", CART, &orders::collected(&quote)).await;
    let buyer = cart::cookie(&placed, "visitor");
    orders::after(shop, &format!("/api{}", placed.header("location")), "received", &buyer).await;
    (placed.header("location").to_owned(), buyer)
}

/// The cookies of a customer with orders, a rating and books on the wishlist.
async fn customer(shop: &Shop) -> String {
    let ana = account::customer_with(shop, Subject::of_uuid(Uuid::new_v4()), "ana.ruiz@example.org").await.cookies;
    for cart in [CART, "cart=y.215:1:1495"] {
        let quote = orders::quoted(shop, cart).await;
        let form = orders::collected(&quote);
        let placed = cart::send(shop, "/checkout", &format!("{cart}; {ana}"), &form).await;
        orders::after(shop, &format!("/api{}", placed.header("location")), "received", &ana).await;
    }
    let rating = json!({ "stars": 5, "name": "Ana", "review": "Para leer y volver a empezar por otra parte." });
    let sent = shop.post("/api/books/215/ratings", &[("cookie", &ana)], &rating).await;
    shop.final_status(sent.header("location")).await;
    let mut wishlist = String::new();
    for book in [14, 259, 1] {
        wishlist = account::wish(shop, &ana, book).await;
    }
    format!("{ana}; {wishlist}")
}

async fn take(tab: &Tab<'_>, file: PathBuf) {
    let picture = tab.call("Page.captureScreenshot", json!({ "format": "webp", "quality": QUALITY })).await;
    let bytes = BASE64_STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64");
    fs::write(file, bytes).expect("a file");
}

/// Sends ratings and reviews to the shop; returns the status page of the last one.
async fn furnish(shop: &Shop) -> String {
    let stars = (1..=90u64).flat_map(|book| (0..=book % 4).map(move |reader| (book * 3 + 1, 5 - (book + reader) % 3)));
    for (book, stars) in stars {
        shop.rate(book, &json!({ "stars": stars })).await;
    }
    let mut last = String::new();
    for (stars, name, review) in REVIEWS {
        last = shop.rate(53, &json!({ "stars": stars, "name": name, "review": review })).await;
        shop.final_status_within(&last, std::time::Duration::from_mins(2)).await;
    }
    last.trim_start_matches("/api").to_owned()
}

const REVIEWS: [(u8, &str, &str); 4] = [
    (4, "Łukasz", "A slow start, then impossible to put down."),
    (5, "Marta", "Sancho es el mejor amigo que se puede tener."),
    (5, "Íñigo", "La segunda parte, mejor que la primera. ¿De cuántos libros se puede decir eso?"),
    (
        5,
        "Ana",
        "Lo releí después de veinte años y me reí más que la primera vez.\n\nQue nadie os diga que es un libro difícil.",
    ),
];
