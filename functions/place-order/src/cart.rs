//! `POST /cart`: adds, changes and removes books. The answer leads back to the page, with a cookie.

use std::collections::BTreeMap;

use frontend::{CartChange, CartNote, cart_of, links};
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
    let note = apply(&mut cart, &typed)?;
    let reply = Reply::see_other(&destination(&typed, note, &cart));
    crate::keep_cart(app, request, reply, cart).await
}

/// The reply with the cookie of a cart.
pub fn with_cart(reply: Reply, cart: &Cart) -> Reply {
    let value = (!cart.is_empty()).then(|| cart.to_cookie(Uuid::new_v4()));
    reply.with_cart(value.as_deref())
}

/// Changes the cart as the form asks. A number of copies that cannot be ordered changes no quantity.
fn apply(cart: &mut Cart, typed: &BTreeMap<String, String>) -> Result<CartNote> {
    let field = |name: &str| typed.get(name).map_or("", String::as_str);
    // What "put it back" restores, whatever is typed into the line that goes.
    let before = BookId::parse(field("remove")).and_then(|book| cart.line(book)).map(|line| line.quantity);
    let note = match field("do") {
        "add" => {
            let book =
                book_of(typed).ok_or_else(|| Invalid::other("book", "must be the number of a book, such as 53"))?;
            let quantity = typed.get("quantity").filter(|text| !text.trim().is_empty());
            let change = match quantity.map_or(Some(1), |text| copies(text)) {
                Some(quantity) => {
                    let price_seen = field("price").trim().parse().unwrap_or_default();
                    match outcome(cart.add(CartLine { book, quantity, price_seen }), CartChange::Added) {
                        CartChange::Added if is_short(typed, book, cart) => CartChange::Short,
                        change => change,
                    }
                }
                None => CartChange::Quantity,
            };
            CartNote { change, book: Some(book) }
        }
        "refill" => {
            let lines: Vec<CartLine> =
                field("lines").split('.').take(Cart::MAX_LINES).filter_map(CartLine::parse).collect();
            CartNote { change: outcome(cart.merge(&lines), CartChange::Refilled), book: None }
        }
        _ => set_quantities(cart, typed),
    };
    let Some(book) = BookId::parse(field("remove")) else { return Ok(note) };
    let Some(quantity) = before else { return Ok(note) };
    cart.remove(book);
    let is_refused = note.change == CartChange::Quantity && note.book != Some(book);
    Ok(if is_refused { note } else { CartNote { change: CartChange::Removed(quantity), book: Some(book) } })
}

fn outcome(limit: Result<(), CartLimit>, done: CartChange) -> CartChange {
    match limit {
        Ok(()) => done,
        Err(CartLimit::Lines) => CartChange::Full,
        Err(CartLimit::Copies) => CartChange::Most,
    }
}

/// Whether the cart has more copies of an added book than the page had seen. This function reads no stock.
fn is_short(typed: &BTreeMap<String, String>, book: BookId, cart: &Cart) -> bool {
    let seen = typed.get("stock").and_then(|stock| stock.parse::<u8>().ok());
    seen.zip(cart.line(book)).is_some_and(|(seen, line)| line.quantity > seen)
}

/// A number of copies that can be ordered.
fn copies(text: &str) -> Option<u8> {
    let text = text.trim();
    let number = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (1..=Cart::MAX_COPIES).contains(&number).then_some(number)
}

fn book_of(typed: &BTreeMap<String, String>) -> Option<BookId> {
    typed.get("book").and_then(|book| BookId::parse(book.trim()))
}

/// Takes over the quantities of the cart's page: all of them, or none if one cannot be ordered.
fn set_quantities(cart: &mut Cart, typed: &BTreeMap<String, String>) -> CartNote {
    let field = |name: &str, book: BookId| typed.get(&format!("{name}-{book}"));
    let mut changed = Vec::new();
    for line in cart.lines() {
        let Some(quantity) = field("quantity", line.book).map_or(Some(line.quantity), |text| copies(text)) else {
            return CartNote { change: CartChange::Quantity, book: Some(line.book) };
        };
        let price_seen = field("price", line.book).and_then(|text| text.trim().parse().ok());
        changed.push(CartLine { quantity, price_seen: price_seen.unwrap_or(line.price_seen), ..*line });
    }
    let mut met = Ok(());
    for line in changed {
        met = met.and(cart.set(line));
    }
    CartNote { change: outcome(met, CartChange::Changed), book: None }
}

/// The page after the change; of an added book, the place where the page lists it.
fn destination(typed: &BTreeMap<String, String>, note: CartNote, cart: &Cart) -> String {
    let is_refused = matches!(note.change, CartChange::Full | CartChange::Most | CartChange::Quantity);
    match typed.get("do").map(String::as_str) {
        Some("checkout") if !is_refused => "/checkout".to_owned(),
        Some("add") => match (typed.get("back").filter(|back| links::is_page_of_shop(back)), note.book) {
            (Some(back), Some(book)) => format!("{}#book-{book}", noted(back, note, cart)),
            _ => noted("/cart", note, cart),
        },
        _ => noted("/cart", note, cart),
    }
}

/// The address with the outcome, in place of that of an earlier change.
pub fn noted(address: &str, note: CartNote, cart: &Cart) -> String {
    links::with_note(address, CartNote::PARAMETER, &note.write(cart))
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
            ("", &[("do", "add"), ("book", "53"), ("price", "x")], "53:1:0", "/cart?cart=added.c56a4180.53"),
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
                "/cart?cart=removed-1.c56a4180.53",
            ),
            (
                "53:1:1995",
                &[("do", "change"), ("quantity-53", "2"), ("quantity-7", "x")],
                "53:2:1995",
                "/cart?cart=changed.c56a4180",
            ),
            (
                "53:1:1995.7:1:950",
                &[("remove", "53"), ("quantity-53", "x"), ("quantity-7", "2")],
                "7:1:950",
                "/cart?cart=removed-1.c56a4180.53",
            ),
            ("53:1:1995", &[("do", "checkout"), ("quantity-53", "2")], "53:2:1995", "/checkout"),
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
    fn a_removed_book_is_named_with_its_copies_so_that_it_can_be_put_back() {
        for (before, fields, expected) in [
            ("53:3:1995.7:1:950", &[("remove", "53"), ("quantity-53", "3")][..], "/cart?cart=removed-3.c56a4180.53"),
            ("53:1:1995", &[("remove", "53")], "/cart?cart=removed-1.none.53"),
            ("53:3:1995.7:1:950", &[("remove", "53"), ("quantity-7", "x")], "/cart?cart=quantity.c56a4180.7"),
            ("7:1:950", &[("remove", "53")], "/cart?cart=changed.c56a4180"),
            ("53:1:1995", &[("do", "add"), ("book", "53"), ("stock", "1")], "/cart?cart=short.c56a4180.53"),
            ("53:1:1995", &[("do", "add"), ("book", "53"), ("stock", "2")], "/cart?cart=added.c56a4180.53"),
            ("53:1:1995", &[("do", "add"), ("book", "53"), ("stock", "x")], "/cart?cart=added.c56a4180.53"),
        ] {
            assert_eq!(changed(before, fields).1, expected, "{fields:?}");
        }
    }

    #[test]
    fn a_quantity_that_is_no_number_of_copies_changes_nothing_and_the_page_says_so_at_the_book() {
        let before = "53:1:1995.7:1:950";
        for typed in ["-1", "0", "1e3", "1;2", "99999999999", "21", "1.5", "1,5", "+1", "dos", "٢", "0x2", "2 2"] {
            let add = [("do", "add"), ("book", "53"), ("price", "1995"), ("quantity", typed)];
            assert_eq!(
                changed(before, &add),
                (before.to_owned(), "/cart?cart=quantity.c56a4180.53".to_owned()),
                "{typed}"
            );
            let to_book = [&add[..], &[("back", "/books")]].concat();
            assert_eq!(changed("", &to_book).1, "/books?cart=quantity.none.53#book-53", "{typed}");
            for action in ["change", "checkout"] {
                let set = [("do", action), ("quantity-53", "2"), ("price-53", "1895"), ("quantity-7", typed)];
                let (after, address) = changed(before, &set);
                assert_eq!((after.as_str(), address.as_str()), (before, "/cart?cart=quantity.c56a4180.7"), "{typed}");
            }
        }
        assert_eq!(changed(before, &[("do", "change"), ("quantity-53", "")]).1, "/cart?cart=quantity.c56a4180.53");
        for typed in ["", " ", " 2 ", "02"] {
            let (after, _) = changed("", &[("do", "add"), ("book", "53"), ("price", "1995"), ("quantity", typed)]);
            assert_eq!(after, if typed.contains('2') { "53:2:1995" } else { "53:1:1995" }, "{typed:?}");
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
