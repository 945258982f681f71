//! The cart: a cookie that forms change.

use reqwest::Method;

use crate::{
    imports,
    support::{Answer, Shop},
};

/// Sends a form of the cart with a cookie.
pub async fn send<V: AsRef<str>>(shop: &Shop, path: &str, cookie: &str, form: &[(&str, V)]) -> Answer {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("accept-language", "en"), ("cookie", cookie)];
    shop.send(Method::POST, path, &headers, Some(body)).await
}

/// A page as the browser with this cookie gets it.
pub async fn page(shop: &Shop, path: &str, cookie: &str) -> Answer {
    shop.send(Method::GET, path, &[("accept-language", "en"), ("cookie", cookie)], None).await
}

/// The cookie of this name that an answer sets: `cart=…`.
pub fn cookie(answer: &Answer, name: &str) -> String {
    let mut cookies = answer.headers.get_all("set-cookie").into_iter().filter_map(|value| value.to_str().ok());
    let found = cookies.rfind(|cookie| cookie.starts_with(&format!("{name}=")));
    found
        .unwrap_or_else(|| panic!("no cookie {name}: {:?}", answer.headers))
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn books_are_added_changed_and_removed_without_a_script() {
    let shop = Shop::open().await;
    let one = imports::book_on_sale(&shop, 9).await.to_string();
    let other = imports::book_on_sale(&shop, 9).await.to_string();
    let added =
        send(&shop, "/cart", "", &[("do", "add"), ("book", &one), ("price", "1"), ("back", "/books?q=a")]).await;
    let cart = cookie(&added, "cart");
    let mark = &cart["cart=".len()..][..8];
    assert_eq!(
        (added.status, added.header("location")),
        (303, format!("/books?q=a&cart=added.{mark}.{one}#book-{one}").as_str())
    );
    for claim in ["full", "added", "renewed", "refilled", "changed", "most"] {
        let typed = page(&shop, &format!("/cart?cart={claim}"), &cart).await.text;
        assert!(!typed.contains("class=\"done\""), "{claim}: {typed}");
    }
    let again = send(&shop, "/cart", &cart, &[("do", "add"), ("book", &other), ("price", "1")]).await;
    let cart = cookie(&again, "cart");

    let shown = page(&shop, again.header("location"), &cart).await;
    assert_eq!((shown.status, shown.header("cache-control")), (200, "private, no-cache"));
    assert!(
        shown.text.contains("is in the cart.") && shown.text.contains("<span class=\"badge\">2</span>"),
        "{}",
        shown.text
    );
    assert!(shown.text.contains("data-remark=\"cart-dearer\""), "the price seen was a cent");

    let quantity = format!("quantity-{one}");
    let changed = send(&shop, "/cart", &cart, &[("do", "change"), (&quantity, "3"), ("remove", &other)]).await;
    let shown = page(&shop, "/cart", &cookie(&changed, "cart")).await;
    assert!(
        shown.text.contains("<option selected>3</option>") && !shown.text.contains(&format!("quantity-{other}\"")),
        "{}",
        shown.text
    );
    let emptied = send(&shop, "/cart", &cookie(&changed, "cart"), &[("remove", &one)]).await;
    assert_eq!(cookie(&emptied, "cart"), "cart=");
    assert!(page(&shop, "/cart", "").await.text.contains("Your cart is empty."));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_cart_of_any_content_is_a_page() {
    let shop = Shop::open().await;
    let many: Vec<String> = (1..=60).map(|book| format!(".{}:9:1", book + 1_000_000)).collect();
    let many = many.concat();
    for value in ["", "x", "....", "<script>", &"9".repeat(4_000), &format!("x{many}"), "x.999999999:1:1"] {
        let shown = page(&shop, "/cart", &format!("cart={value}")).await;
        assert_eq!(shown.status, 200, "{value}");
        assert!(!shown.text.contains("<script>"), "{value}");
    }
    let full = page(&shop, "/cart", &format!("cart=x{many}")).await.text;
    assert_eq!(full.matches("data-remark=\"cart-withdrawn\"").count(), 50);
    for path in ["/checkout", "/orders/00000000-0000-8000-8000-000000000000/cancel"] {
        let status = page(&shop, path, &format!("cart=x{many}")).await.status;
        assert!([303, 404].contains(&status), "{path}: {status}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_page_of_another_site_cannot_change_the_cart() {
    let shop = Shop::open().await;
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://evil.example")];
    for path in ["/cart", "/checkout"] {
        let refused = shop.send(Method::POST, path, &headers, Some("do=add&book=53&price=1".into())).await;
        assert_eq!(refused.status, 403, "{path}");
    }
}
