//! The pages of the staff about books, stock and searches that found nothing.

use std::collections::BTreeSet;

use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    account::hidden,
    cart::{page, send},
    imports, orders,
    staff_pages::{bookseller, somebody},
    support::{Answer, Shop, eventually, titles},
};

/// An ISBN that no book has yet.
fn new_isbn() -> String {
    let body = format!("979{:09}", 100_000_000 + Uuid::new_v4().as_u128() % 900_000_000);
    let digits = body.bytes().map(|digit| u32::from(digit - b'0'));
    let sum: u32 = digits.zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// A word that is in no title.
fn new_word() -> String {
    Uuid::new_v4().simple().to_string().replace(|c: char| c.is_ascii_digit(), "q")
}

async fn api(shop: &Shop, book: u64) -> Value {
    shop.get(&format!("/api/books/{book}")).await.json()
}

/// Sends the form of a page with the hidden values that it has.
async fn fill_in(shop: &Shop, path: &str, cookies: &str, shown: &Answer, fields: &[(&str, &str)]) -> Answer {
    let kept = ["key", "version", "once"].map(|name| (name, hidden_if_any(shown, name)));
    let kept = kept.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let form: Vec<(&str, &str)> = kept.chain(fields.iter().copied()).collect();
    send(shop, path, cookies, &form).await
}

fn hidden_if_any(shown: &Answer, name: &str) -> Option<String> {
    shown.text.contains(&format!("name=\"{name}\" value=")).then(|| hidden(shown, name))
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_book_is_added_by_its_isbn_and_found_and_changed_in_the_shop_and_two_booksellers_see_their_conflict() {
    let shop = Shop::open().await;
    let now = OffsetDateTime::now_utc();
    let (ana, eva) = (bookseller(&shop, somebody(), now).await, bookseller(&shop, somebody(), now).await);
    let (isbn, first, second) = (new_isbn(), new_word(), new_word());
    let last = isbn.bytes().last().unwrap();
    let mistyped = format!("{}{}", &isbn[..12], if last == b'9' { 0 } else { last - b'0' + 1 });
    let refused = page(&shop, &format!("/staff/books?find={mistyped}"), &ana).await;
    assert!(refused.status == 400 && refused.text.contains("13 digits of this ISBN is mistyped"), "{}", refused.text);
    assert!(refused.text.contains(&format!("value=\"{mistyped}\"")), "what was typed stays");

    let unknown = page(&shop, &format!("/staff/books?find={isbn}"), &ana).await;
    let to_add = format!("/staff/books/new?isbn={isbn}");
    assert_eq!((unknown.status, unknown.header("location")), (303, to_add.as_str()));
    let empty = page(&shop, &to_add, &ana).await;
    assert!(empty.text.contains(&format!("value=\"{isbn}\"")), "{}", empty.text);
    let path = "/staff/books/new";
    let incomplete = fill_in(&shop, path, &ana, &empty, &[("title", &first), ("isbn", &isbn), ("price", "x")]).await;
    assert_eq!(incomplete.status, 422, "{}", incomplete.text);
    for kept in ["id=\"authors-error\"", "id=\"price-error\"", "value=\"x\"", &format!("value=\"{first}\"")] {
        assert!(incomplete.text.contains(kept), "{kept}: {}", incomplete.text);
    }
    let whole = [
        ("title", first.as_str()),
        ("authors", "Ernesto Sabato; Nadie"),
        ("isbn", &isbn),
        ("price", "12.00"),
        ("genre-classics", "yes"),
        ("description", "Un pintor & una ventana."),
        ("do", "save"),
    ];
    let mut addresses = Vec::new();
    for _ in 0..2 {
        let added = fill_in(&shop, path, &ana, &incomplete, &whole).await;
        assert_eq!(added.status, 303, "{}", added.text);
        addresses.push(added.header("location").to_owned());
    }
    assert_eq!(addresses[0], addresses[1], "a form that is sent twice adds one book");
    let path = addresses.remove(0);
    let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
    let again = fill_in(&shop, "/staff/books/new", &ana, &page(&shop, "/staff/books/new", &ana).await, &whole).await;
    assert_eq!((again.status, again.header("location")), (409, ""), "{}", again.text);
    assert!(again.text.contains(&format!("href=\"{path}\"")), "{}", again.text);
    let hyphens = format!("{}-{}-{}", &isbn[..3], &isbn[3..8], &isbn[8..]);
    for find in [isbn.as_str(), &hyphens, &id.to_string()] {
        let found = page(&shop, &format!("/staff/books?find={find}"), &ana).await;
        // Other tests give books random words, and one of them may begin with the same number: then all of them are listed.
        let links = found.text.split("href=\"/staff/books/").skip(1).filter_map(|rest| rest.split('"').next());
        let books: BTreeSet<&str> = links.filter(|link| link.bytes().all(|byte| byte.is_ascii_digit())).collect();
        let is_one_of_several =
            found.status == 200 && *find == id.to_string() && books.len() > 1 && books.contains(find);
        let is_led_to = (found.status, found.header("location")) == (303, path.as_str());
        assert!(is_led_to || is_one_of_several, "{find}: {} {}", found.status, found.header("location"));
    }
    assert!(page(&shop, &format!("/staff/books?find={first}"), &ana).await.text.contains(&format!("href=\"{path}\"")));
    let sold = api(&shop, id).await;
    assert_eq!((&sold["price"]["minor"], &sold["availability"]), (&1_200.into(), &"out_of_stock".into()), "{sold}");

    let [of_ana, of_eva] = [page(&shop, &path, &ana).await, page(&shop, &path, &eva).await];
    let changed = [
        ("title", second.as_str()),
        ("authors", "Ernesto Sabato"),
        ("isbn", &isbn),
        ("price", "11.40"),
        ("fixed_price", "12"),
        ("do", "save"),
    ];
    for _ in 0..2 {
        let saved = fill_in(&shop, &path, &ana, &of_ana, &changed).await;
        assert_eq!((saved.status, saved.header("location")), (303, path.as_str()), "{}", saved.text);
    }
    let sold = api(&shop, id).await;
    assert_eq!((&sold["title"], &sold["price"]["minor"]), (&second.as_str().into(), &1_140.into()), "{sold}");
    assert_eq!((&sold["description"], sold["genres"].as_array().unwrap().len()), (&Value::Null, 0), "blank removes");
    let found = async |word: &str| shop.get(&format!("/api/books?q={word}")).await.json();
    assert_eq!(titles(&found(&second).await), [second.as_str()]);
    assert!(titles(&found(&first).await).is_empty(), "the word index follows");

    let late = [("title", first.as_str()), ("authors", "Sabato"), ("isbn", &isbn), ("price", "9"), ("do", "save")];
    let conflict = fill_in(&shop, &path, &eva, &of_eva, &late).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    for both in [&second, &first, "11.40", "9.00"] {
        assert!(conflict.text.split("id=\"changed\"").nth(1).unwrap().contains(both), "{both}: {}", conflict.text);
    }
    assert_eq!(api(&shop, id).await["price"]["minor"], 1_140, "nothing is overwritten");
    assert_eq!(fill_in(&shop, &path, &eva, &conflict, &late).await.status, 303, "on purpose it is");
    let beyond = [("title", "T"), ("authors", "A"), ("price", "9"), ("fixed_price", "12"), ("do", "save")];
    let refused = fill_in(&shop, &path, &eva, &page(&shop, &path, &eva).await, &beyond).await;
    assert!(refused.status == 422 && refused.text.contains("of the fixed price"), "{}", refused.text);
    let log = page(&shop, &path, &ana).await.text;
    for recorded in ["added", "Price, with VAT: <del>", "12.00</bdi></del>", "11.40</bdi>", "not possible"] {
        assert!(log.contains(recorded), "{recorded}: {log}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_withdrawn_book_is_not_for_sale_until_it_is_put_back() {
    let shop = Shop::open().await;
    let now = OffsetDateTime::now_utc();
    let (ana, eva) = (bookseller(&shop, somebody(), now).await, bookseller(&shop, somebody(), now).await);
    let id = imports::book_on_sale(&shop, 9).await;
    let path = format!("/staff/books/{id}");
    let shown = page(&shop, &path, &ana).await;
    let without_reason = fill_in(&shop, &path, &ana, &shown, &[("do", "withdraw"), ("why", " ")]).await;
    assert!(
        without_reason.status == 422 && without_reason.text.contains("id=\"why-error\""),
        "{}",
        without_reason.text
    );
    for _ in 0..2 {
        let withdrawn = fill_in(&shop, &path, &ana, &shown, &[("do", "withdraw"), ("why", "misprinted")]).await;
        assert_eq!(withdrawn.status, 303, "{}", withdrawn.text);
    }
    let key = hidden(&page(&shop, &path, &eva).await, "key");
    let late = [("key", key.as_str()), ("do", "withdraw"), ("why", "sold out")];
    let late = send(&shop, &path, &eva, &late).await;
    assert!(late.status == 409 && late.text.contains("value=\"sold out\""), "{}", late.text);

    let book = api(&shop, id).await;
    assert_eq!((&book["price"], &book["availability"]), (&Value::Null, &"withdrawn".into()), "{book}");
    let shelf = page(&shop, shop.get(&format!("/books/{id}")).await.header("location"), "").await.text;
    assert!(shelf.contains("We no longer sell this book") && !shelf.contains("class=\"buy"), "{shelf}");
    let (key, visitor) = (Uuid::new_v4().to_string(), format!("visitor={}", Uuid::new_v4()));
    let placed = orders::place(&shop, &key, &visitor, &orders::order(id, 1, 1_995)).await;
    let decided = orders::after(&shop, placed.header("location"), "received", &visitor).await;
    assert_eq!(decided["status"], "rejected", "{decided}");
    assert_eq!(decided["lines"][0]["code"], "no_such_book", "it is no longer sold: {decided}");

    let shown = page(&shop, &path, &eva).await;
    assert!(shown.text.contains("No longer sold") && shown.text.contains("value=\"19.95\""), "its price waits");
    let back = fill_in(&shop, &path, &eva, &shown, &[("do", "put-back"), ("why", "new edition")]).await;
    assert_eq!(back.status, 303, "{}", back.text);
    let book = api(&shop, id).await;
    assert_eq!((&book["price"]["minor"], &book["availability"]), (&1_995.into(), &"in_stock".into()), "{book}");
    let log = page(&shop, &path, &ana).await.text;
    assert_eq!(log.matches("misprinted").count(), 1, "{log}");
    assert!(log.contains("put back on sale") && log.contains("not possible"), "{log}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_new_genre_and_a_price_far_from_the_one_before_are_asked_about_and_an_old_form_changes_nothing() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let id = imports::book_on_sale(&shop, 1).await;
    let path = format!("/staff/books/{id}");
    let price = async || api(&shop, id).await["price"]["minor"].as_u64().unwrap();
    let genre = new_word();
    let save = |price: &'static str| {
        [("title", "T"), ("authors", "A"), ("genres", genre.as_str()), ("price", price), ("do", "save")]
    };
    for amount in ["0", "0.00"] {
        let shown = page(&shop, &path, &ana).await;
        let free = fill_in(&shop, &path, &ana, &shown, &save(amount)).await;
        assert!(free.status == 422 && free.text.contains("Enter a price above 0"), "{}", free.text);
    }
    let shown = page(&shop, &path, &ana).await;
    let asked = fill_in(&shop, &path, &ana, &shown, &save("1995")).await;
    assert_eq!(asked.status, 422, "{}", asked.text);
    for doubt in [&format!("has no genre {genre}"), "from €19.95 to €1,995.00", "name=\"sure\""] {
        assert!(asked.text.contains(doubt), "{doubt}: {}", asked.text);
    }
    assert_eq!(price().await, 1_995, "nothing is saved before");
    let answer = |price| format!("{genre}; {price} EUR");
    let other = answer("9999.00");
    let with = |sure: &'_ str| -> Vec<(&'static str, String)> {
        let form = save("1995").map(|(name, value)| (name, value.to_owned()));
        form.into_iter().chain([("sure", sure.to_owned())]).collect()
    };
    let send_with = async |shown: &Answer, sure: &str| {
        let form = with(sure);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fill_in(&shop, &path, &ana, shown, &form).await
    };
    assert_eq!(send_with(&asked, &other).await.status, 422, "another price was ticked");
    assert_eq!(send_with(&asked, &answer("1995.00")).await.status, 303);
    assert_eq!(price().await, 199_500);

    let cheap = [("title", "T"), ("authors", "A"), ("genres", genre.as_str()), ("price", "19.95"), ("do", "save")];
    let dear = page(&shop, &path, &ana).await;
    let undone = fill_in(&shop, &path, &ana, &dear, &cheap).await;
    assert_eq!(undone.status, 422, "also downwards");
    let sure = [cheap.as_slice(), &[("sure", "19.95 EUR")]].concat();
    assert_eq!(fill_in(&shop, &path, &ana, &undone, &sure).await.status, 303);
    assert_eq!(send_with(&asked, &answer("1995.00")).await.status, 303, "it has been done before");
    assert_eq!(price().await, 1_995, "and does not come back");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn copies_come_in_book_after_book_and_each_form_counts_once() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let id = imports::book_on_sale(&shop, 1).await;
    let (path, number) = (format!("/staff/books/{id}"), id.to_string());
    let stock = async || api(&shop, id).await["stock"].as_u64().unwrap();
    let shown = page(&shop, &path, &ana).await;
    let received = [("do", "stock"), ("kind", "received"), ("copies", "3"), ("reason", "albarán 4711")];
    for _ in 0..2 {
        assert_eq!(fill_in(&shop, &path, &ana, &shown, &received).await.status, 303);
    }
    assert_eq!(stock().await, 4);
    let shown = page(&shop, &path, &ana).await;
    assert_eq!(shown.text.matches("+3</td>").count(), 1, "{}", shown.text);
    for (fields, status) in [
        ([("kind", "damaged"), ("copies", "9"), ("reason", "mojados")], 409),
        ([("kind", "received"), ("copies", "x"), ("reason", "mojados")], 422),
        ([("kind", "received"), ("copies", "1"), ("reason", " ")], 422),
        ([("kind", "damaged"), ("copies", "1"), ("reason", "mojados")], 303),
        ([("kind", "counted"), ("copies", "2"), ("reason", "inventario")], 303),
    ] {
        let form: Vec<(&str, &str)> = [("do", "stock")].into_iter().chain(fields).collect();
        let answer = fill_in(&shop, &path, &ana, &page(&shop, &path, &ana).await, &form).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text);
    }
    assert_eq!(stock().await, 2);

    let scanned = page(&shop, &format!("/staff/stock?find={number}&reason=4712"), &ana).await;
    assert!(scanned.text.contains("2 copies") && scanned.text.contains("value=\"4712\""), "{}", scanned.text);
    let form = [("book", number.as_str()), ("copies", "5"), ("reason", "4712")];
    let mut next = String::new();
    for _ in 0..2 {
        let done = fill_in(&shop, "/staff/stock", &ana, &scanned, &form).await;
        assert_eq!(done.status, 303, "{}", done.text);
        next = done.header("location").to_owned();
    }
    assert_eq!(stock().await, 7);
    let next = page(&shop, &next, &ana).await.text;
    assert!(next.contains("5 copies received:") && next.contains("value=\"4712\""), "{next}");
    assert!(next.contains("counts once"), "the form was sent twice: {next}");
    let others = [("book", number.as_str()), ("copies", "2"), ("reason", "4712")];
    let second = fill_in(&shop, "/staff/stock", &ana, &scanned, &others).await;
    assert!(second.status == 409 && second.text.contains("press the button once more"), "{}", second.text);
    assert_eq!(stock().await, 7);
    let counted = fill_in(&shop, "/staff/stock", &ana, &second, &others).await;
    assert_eq!((counted.status, stock().await), (303, 9));
    let first = page(&shop, counted.header("location"), &ana).await.text;
    assert!(first.contains("2 copies received:") && !first.contains("counts once"), "{first}");
    for claim in [format!("received={number}&count=900"), format!("received={number}&by={}", Uuid::new_v4())] {
        let invented = page(&shop, &format!("/staff/stock?{claim}"), &ana).await.text;
        assert!(!invented.contains("copies received:"), "{claim}: {invented}");
    }
    let unknown = new_isbn();
    let none = page(&shop, &format!("/staff/stock?find={unknown}"), &ana).await;
    assert!(none.text.contains(&format!("href=\"/staff/books/new?isbn={unknown}\"")), "{}", none.text);

    let counted = [("do", "stock"), ("kind", "counted"), ("copies", "3"), ("reason", "inventario")];
    assert_eq!(fill_in(&shop, &path, &ana, &page(&shop, &path, &ana).await, &counted).await.status, 303);
    for copies in [0, 1, 2, 3] {
        let list = page(&shop, &format!("/staff/stock?copies={copies}"), &ana).await;
        assert_eq!(list.status, 200, "{}", list.text);
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_was_looked_for_and_not_found_leads_to_the_books() {
    let shop = Shop::open().await;
    let ana = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let word = new_word();
    for _ in 0..6 {
        shop.get(&format!("/api/books?q={word}")).await;
    }
    let link = format!("href=\"/staff/books?find={word}\"");
    eventually(std::time::Duration::from_secs(5), async || {
        let list = page(&shop, "/staff/searches", &ana).await.text;
        if list.contains(&link) { Ok(()) } else { Err(list) }
    })
    .await;
    let looked_up = page(&shop, &format!("/staff/books?find={word}"), &ana).await;
    assert!(looked_up.status == 200 && looked_up.text.contains("There are no such books"), "{}", looked_up.text);
}
