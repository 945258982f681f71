//! `POST /cart`: adds, changes and removes books. The answer leads back to the page, with a cookie.

use std::collections::BTreeMap;

use frontend::{CartChange, CartNote, cart_of};
use shared::{
    App, Reply, Request, Result,
    domain::{BookId, Cart, CartLimit, CartLine, Invalid},
};
use uuid::Uuid;

pub async fn change(app: &App, request: &Request) -> Result<Reply> {
    if super::seller().is_err() {
        return Ok(Reply::see_other("/cart"));
    }
    let typed = request.form()?;
    let mut cart = cart_of(request).or_with_id(Uuid::new_v4());
    let change = apply(&mut cart, &typed)?;
    let reply = Reply::see_other(&destination(&typed, change, &cart));
    crate::keep_cart(app, request, reply, cart).await
}

/// The reply with the cookie of a cart.
pub fn with_cart(reply: Reply, cart: &Cart) -> Reply {
    let value = (!cart.is_empty()).then(|| cart.to_cookie(Uuid::new_v4()));
    reply.with_cart(value.as_deref())
}

/// Changes the cart as the form asks.
fn apply(cart: &mut Cart, typed: &BTreeMap<String, String>) -> Result<CartChange> {
    let field = |name: &str| typed.get(name).map_or("", String::as_str);
    let (limit, done) = match field("do") {
        "add" => (cart.add(added(typed)?), CartChange::Added),
        "refill" => {
            let lines: Vec<CartLine> =
                field("lines").split('.').take(Cart::MAX_LINES).filter_map(CartLine::parse).collect();
            (cart.merge(&lines), CartChange::Refilled)
        }
        _ => (set_quantities(cart, typed), CartChange::Changed),
    };
    if let Some(book) = BookId::parse(field("remove")) {
        cart.remove(book);
    }
    Ok(match limit {
        Ok(()) => done,
        Err(CartLimit::Lines) => CartChange::Full,
        Err(CartLimit::Copies) => CartChange::Most,
    })
}

fn added(typed: &BTreeMap<String, String>) -> Result<CartLine> {
    let number = |name: &str| typed.get(name).and_then(|text| text.trim().parse().ok());
    let book = typed.get("book").and_then(|book| BookId::parse(book.trim()));
    let book = book.ok_or_else(|| Invalid::other("book", "must be the number of a book, such as 53"))?;
    let quantity = number("quantity").map_or(1, |quantity: u32| u8::try_from(quantity).unwrap_or(u8::MAX)).max(1);
    Ok(CartLine { book, quantity, price_seen: number("price").unwrap_or_default() })
}

/// Takes over the quantities of the cart's page. A number that cannot be read changes nothing.
fn set_quantities(cart: &mut Cart, typed: &BTreeMap<String, String>) -> Result<(), CartLimit> {
    let number = |name: &str, book: BookId| {
        typed.get(&format!("{name}-{book}")).and_then(|text| text.trim().parse::<u32>().ok())
    };
    let mut met = Ok(());
    for line in cart.lines().to_vec() {
        let quantity = number("quantity", line.book).map_or(line.quantity, |new| u8::try_from(new).unwrap_or(u8::MAX));
        let price_seen = number("price", line.book).unwrap_or(line.price_seen);
        met = met.and(cart.set(CartLine { quantity, price_seen, ..line }));
    }
    met
}

/// The page after the change; of an added book, the place where the page lists it.
fn destination(typed: &BTreeMap<String, String>, change: CartChange, cart: &Cart) -> String {
    let is_limit = matches!(change, CartChange::Full | CartChange::Most);
    let without_book = CartNote { change, book: None };
    match typed.get("do").map(String::as_str) {
        Some("checkout") if !is_limit => "/checkout".to_owned(),
        Some("add") => {
            let book = typed.get("book").and_then(|book| BookId::parse(book.trim()));
            let note = CartNote { change, book };
            match (typed.get("back").filter(|back| is_page_of_shop(back)), book) {
                (Some(back), Some(book)) => format!("{}#book-{book}", noted(back, note, cart)),
                _ => noted("/cart", note, cart),
            }
        }
        _ => noted("/cart", without_book, cart),
    }
}

/// The address with the outcome, in place of that of an earlier change.
pub fn noted(address: &str, note: CartNote, cart: &Cart) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let start = format!("{}=", CartNote::PARAMETER);
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with(&start));
    let note = format!("{start}{}", note.write(cart));
    let query: Vec<&str> = kept.chain([note.as_str()]).collect();
    format!("{path}?{}", query.join("&"))
}

/// Whether an address leads to a page of the shop. A browser reads `//` and `/\` as the beginning of a host.
fn is_page_of_shop(address: &str) -> bool {
    let is_visible_ascii = address.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>#".contains(&byte));
    address.len() <= 2_000 && address.starts_with('/') && !address.starts_with("//") && is_visible_ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(before: &str, typed: &[(&str, &str)]) -> (String, String) {
        let typed = typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut cart = Cart::parse(&format!("c56a4180-65aa-42ec-a945-5fd21dec0538.{before}"));
        let change = apply(&mut cart, &typed).unwrap();
        let lines: Vec<String> = cart.lines().iter().map(CartLine::to_cookie).collect();
        (lines.join("."), destination(&typed, change, &cart))
    }

    #[test]
    fn a_form_changes_the_cart_and_leads_to_a_page_that_says_so() {
        let many: Vec<String> = (1..=50).map(|book| format!("{book}:1:100")).collect();
        let full = many.join(".");
        for (before, typed, after, address) in [
            ("", &[("do", "add"), ("book", "53"), ("price", "1995")][..], "53:1:1995", "/cart?cart=added.c56a4180.53"),
            (
                "53:1:1995",
                &[("do", "add"), ("book", "53"), ("price", "1995"), ("quantity", "2")],
                "53:3:1995",
                "/cart?cart=added.c56a4180.53",
            ),
            (
                "53:20:1995",
                &[("do", "add"), ("book", "53"), ("price", "1995")],
                "53:20:1995",
                "/cart?cart=most.c56a4180.53",
            ),
            (
                "",
                &[("do", "add"), ("book", "53"), ("price", "x"), ("quantity", "-1")],
                "53:1:0",
                "/cart?cart=added.c56a4180.53",
            ),
            (
                "",
                &[("do", "add"), ("book", "53"), ("back", "/books?q=a%20b&cart=full")],
                "53:1:0",
                "/books?q=a%20b&cart=added.c56a4180.53#book-53",
            ),
            (
                &full,
                &[("do", "add"), ("book", "99"), ("back", "/books")],
                &full,
                "/books?cart=full.c56a4180.99#book-99",
            ),
            (
                "53:1:1995.7:1:950",
                &[("do", "change"), ("quantity-53", "4"), ("price-53", "1895")],
                "53:4:1895.7:1:950",
                "/cart?cart=changed.c56a4180",
            ),
            (
                "53:1:1995.7:1:950",
                &[("remove", "53"), ("quantity-53", "4"), ("quantity-7", "2")],
                "7:2:950",
                "/cart?cart=changed.c56a4180",
            ),
            ("53:1:1995", &[("do", "change"), ("quantity-53", "0")], "", "/cart?cart=changed.none"),
            ("53:1:1995", &[("do", "change"), ("quantity-53", "300")], "53:20:1995", "/cart?cart=most.c56a4180"),
            (
                "53:1:1995",
                &[("do", "change"), ("quantity-53", "many"), ("quantity-7", "1")],
                "53:1:1995",
                "/cart?cart=changed.c56a4180",
            ),
            ("53:1:1995", &[("do", "checkout"), ("quantity-53", "2")], "53:2:1995", "/checkout"),
            ("53:1:1995", &[("do", "checkout"), ("quantity-53", "21")], "53:20:1995", "/cart?cart=most.c56a4180"),
            (
                "53:1:1995",
                &[("do", "refill"), ("lines", "53:2:2095.x.7:1:950")],
                "53:2:2095.7:1:950",
                "/cart?cart=refilled.c56a4180",
            ),
            ("53:1:1995", &[], "53:1:1995", "/cart?cart=changed.c56a4180"),
        ] {
            assert_eq!(changed(before, typed), (after.to_owned(), address.to_owned()), "{before} {typed:?}");
        }
    }

    #[test]
    fn a_change_leads_to_no_other_site() {
        for back in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "evil",
            "",
            "/a\r\nset-cookie: x",
            "/\u{f1}",
            "/#x",
        ] {
            let (_, address) = changed("", &[("do", "add"), ("book", "53"), ("back", back)]);
            assert_eq!(address, "/cart?cart=added.c56a4180.53", "{back}");
        }
    }
}
