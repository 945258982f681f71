//! The account of a customer, with sessions that the key of the local stage signs.

use std::time::Duration;

use reqwest::Method;
use shared::{
    domain::{Email, VisitorId},
    messages::{CustomerV1, Submission},
    session::{Pool, PrivateKey, Subject},
};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    cart::{cookie, page, send},
    imports, mails, orders,
    support::{Answer, Shop, eventually, variable},
};

const WITHIN: Duration = Duration::from_mins(1);

/// A person with a session.
pub struct Customer {
    pub subject: Subject,
    /// The number in the visitor's cookie of the browser.
    visitor: Uuid,
    /// Both cookies.
    pub cookies: String,
}

/// A session of the stage's own key, issued at this time.
async fn session(shop: &Shop, subject: Subject, pool: Pool, at: OffsetDateTime) -> String {
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let key =
        ssm.get_parameter().name("/anaquel/local/session/private-key").with_decryption(true).send().await.unwrap();
    let key = PrivateKey::parse(key.parameter().unwrap().value().unwrap()).unwrap();
    format!("session={}", key.issue("local", subject, pool, at))
}

/// A new customer, once the sign-in is written.
pub async fn customer(shop: &Shop) -> Customer {
    let subject = Subject::of_uuid(Uuid::new_v4());
    customer_with(shop, subject, &format!("{subject}@example.org")).await
}

/// The same with this subject and e-mail address.
pub async fn customer_with(shop: &Shop, subject: Subject, email: &str) -> Customer {
    let (visitor, now) = (Uuid::new_v4(), OffsetDateTime::now_utc());
    let signed_in = CustomerV1 {
        subject,
        email: Email::parse(email).unwrap(),
        email_verified: true,
        visitor: Some(VisitorId::of_number(visitor)),
        signed_in_at: now,
    };
    let body = serde_json::to_string(&Submission::customer(signed_in, now, None)).unwrap();
    let queue = mails::queue(shop, "submissions");
    aws_sdk_sqs::Client::new(&shop.sdk()).send_message().queue_url(queue).message_body(body).send().await.unwrap();
    let cookies = format!("{}; visitor={visitor}", session(shop, subject, Pool::Customers, now).await);
    eventually(WITHIN, async || {
        let profile = api(shop, "profile", &cookies).await;
        if profile.json()["email"].is_null() { Err(profile.text) } else { Ok(()) }
    })
    .await;
    Customer { subject, visitor, cookies }
}

pub async fn api(shop: &Shop, part: &str, cookies: &str) -> Answer {
    shop.send(Method::GET, &format!("/api/account/{part}"), &[("cookie", cookies)], None).await
}

/// The value of a hidden field of a page.
pub fn hidden(page: &Answer, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    page.text.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default().to_owned()
}

const ADDRESS: [(&str, &str); 5] = [
    ("recipient", "Ana Ruiz"),
    ("street", "Calle Mayor 1"),
    ("postal_code", "28013"),
    ("place", "Madrid"),
    ("country", "ES"),
];

/// Sends the form of a page with its key and version.
async fn fill_in(shop: &Shop, path: &str, customer: &Customer, fields: &[(&str, &str)]) -> Answer {
    let shown = page(shop, path, &customer.cookies).await;
    let (key, version) = (hidden(&shown, "key"), hidden(&shown, "version"));
    let own = [("key", key.as_str()), ("version", version.as_str())];
    send(shop, path, &customer.cookies, &[&own, fields].concat()).await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn without_a_session_that_counts_a_page_leads_to_the_sign_in_and_the_api_answers_401() {
    let shop = Shop::open().await;
    let (subject, now) = (Subject::of_uuid(Uuid::new_v4()), OffsetDateTime::now_utc());
    let of_staff = session(&shop, subject, Pool::Staff, now).await;
    let expired = session(&shop, subject, Pool::Customers, now - time::Duration::hours(13)).await;
    let forged = format!("{}A", &expired[..expired.len() - 1]);
    for cookies in ["", "session=x", &of_staff, &expired, &forged] {
        for path in [
            "/account",
            "/account/orders",
            "/account/ratings",
            "/account/ratings/1",
            "/account/wishlist",
            "/account/addresses",
            "/account/addresses/new",
            "/account/addresses/1",
            "/account/language",
            "/account/data",
            "/account/data/export",
            "/account/sign-out-everywhere",
            "/account/erase",
            "/account/erase/confirm",
        ] {
            let answer = page(&shop, path, cookies).await;
            let expected = format!("/sign-in?return={}", path.replace('/', "%2F"));
            assert_eq!((answer.status, answer.header("location")), (303, expected.as_str()), "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        for path in ["/account/addresses/new", "/account/language", "/account/erase", "/account/ratings/1"] {
            let answer = send(&shop, path, cookies, &[("key", "x")]).await;
            assert_eq!((answer.status, answer.header("location")), (401, ""), "{path}");
            let back = format!("href=\"/sign-in?return={}\"", path.replace('/', "%2F"));
            assert!(answer.text.contains(&back), "{path}: {}", answer.text);
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        for part in ["profile", "orders", "ratings", "wishlist", "addresses", "data"] {
            let answer = api(&shop, part, cookies).await;
            assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Cookie realm=\"account\""), "{part}");
            assert_eq!(answer.json()["code"], "not_signed_in", "{part}");
        }
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn nobody_sees_or_changes_what_belongs_to_another_customer() {
    let shop = Shop::open().await;
    let (ana, eva) = (customer(&shop).await, customer(&shop).await);
    let added = fill_in(&shop, "/account/addresses/new", &ana, &ADDRESS).await;
    assert_eq!((added.status, added.header("location")), (303, "/account/addresses"), "{}", added.text);
    let address = api(&shop, "addresses", &ana.cookies).await.json()["items"][0]["id"].to_string();
    let headers = [("cookie", ana.cookies.as_str()), ("content-type", "application/json")];
    let rated = shop.send(Method::POST, "/api/books/53/ratings", &headers, Some(r#"{"stars":4}"#.into())).await;
    assert_eq!(rated.status, 202, "{}", rated.text);
    shop.final_status(rated.header("location")).await;
    let ratings = api(&shop, "ratings", &ana.cookies).await.json();
    let rating = ratings["items"][0]["id"].to_string();
    assert_eq!(ratings["items"][0]["stars"], 4, "{ratings}");

    let key = hidden(&page(&shop, "/account/addresses/new", &eva.cookies).await, "key");
    let version = ratings["items"][0]["version"].as_str().unwrap();
    for path in [format!("/account/addresses/{address}"), format!("/account/ratings/{rating}")] {
        let own = page(&shop, &path, &ana.cookies).await;
        assert_eq!(own.status, 200, "{path}: {}", own.text);
        let version = if path.contains("ratings") { version } else { "1" };
        let delete = [("key", key.as_str()), ("version", version), ("do", "delete")];
        let (seen, deleted) =
            (page(&shop, &path, &eva.cookies).await.status, send(&shop, &path, &eva.cookies, &delete).await.status);
        assert_eq!((seen, deleted), (404, 404), "{path}");
        let without_key = send(&shop, &path, &ana.cookies, &[("version", version), ("do", "delete")]).await;
        assert_eq!(without_key.status, 409, "{path}: a form without its key");
    }
    for part in ["orders", "ratings", "wishlist", "addresses"] {
        assert!(api(&shop, part, &eva.cookies).await.json()["items"].as_array().unwrap().is_empty(), "{part}");
    }
    let export = api(&shop, "data", &ana.cookies).await;
    assert_eq!(export.json()["account"]["subject"], ana.subject.to_string(), "{}", export.text);
    assert_eq!(export.json()["addresses"].as_array().unwrap().len(), 1);
}

/// Whatever names something in an address or a list, sent by Eva for what is Ana's.
#[ignore = "needs a local stage"]
#[tokio::test]
async fn with_the_ids_and_cursors_of_another_customer_no_address_shows_or_changes_theirs() {
    let shop = Shop::open().await;
    let (ana, eva) = (customer(&shop).await, customer(&shop).await);
    fill_in(&shop, "/account/addresses/new", &ana, &ADDRESS).await;
    let headers = [("cookie", ana.cookies.as_str()), ("content-type", "application/json")];
    let secret = format!("de-ana-{}", Uuid::new_v4());
    let rating = serde_json::json!({ "stars": 4, "review": secret }).to_string();
    for book in [55, 56] {
        let path = format!("/api/books/{book}/ratings");
        let rated = shop.send(Method::POST, &path, &headers, Some(rating.clone())).await;
        shop.final_status(rated.header("location")).await;
    }
    let book = imports::book_on_sale(&shop, 3).await;
    let price = shop.get(&format!("/api/books/{book}")).await.json()["price"]["minor"].as_u64().unwrap();
    let placed = orders::place(&shop, &Uuid::new_v4().to_string(), &ana.cookies, &orders::order(book, 1, price)).await;
    assert_eq!(placed.status, 202, "{}", placed.text);
    let order = placed.header("location").to_owned();
    let own = orders::after(&shop, &order, "received", &ana.cookies).await;
    assert_eq!((&own["status"], &own["contact"]["name"]), (&"confirmed".into(), &"Ana Ruiz".into()), "{own}");
    let theirs = async || {
        let mut parts = Vec::new();
        for part in ["addresses", "ratings", "orders"] {
            parts.push(api(&shop, part, &ana.cookies).await.json());
        }
        parts
    };
    let before = theirs().await;
    let (address, rating) = (&before[0]["items"][0]["id"], &before[1]["items"][0]);
    let (version, rating) = (rating["version"].as_str().unwrap(), &rating["id"]);

    let key = hidden(&page(&shop, "/account/addresses/new", &eva.cookies).await, "key");
    let (address, rating) = (format!("/account/addresses/{address}"), format!("/account/ratings/{rating}"));
    let changed = [&ADDRESS[..], &[("default", "yes")]].concat();
    let sent =
        [("1", &address, &changed[..]), ("1", &address, &[("do", "delete")]), ("1", &address, &[("do", "default")])];
    let sent =
        sent.into_iter().chain([(version, &rating, &[("stars", "1")][..]), (version, &rating, &[("do", "delete")])]);
    for (version, path, fields) in sent {
        assert_eq!(page(&shop, path, &eva.cookies).await.status, 404, "{path}");
        let form = [&[("key", key.as_str()), ("version", version)], fields].concat();
        let answer = send(&shop, path, &eva.cookies, &form).await;
        assert_eq!(answer.status, 404, "{path} {fields:?}: {}", answer.text);
    }

    let cursor = api(&shop, "ratings?limit=1", &ana.cookies).await.json()["next"].as_str().unwrap().to_owned();
    let lists = [format!("/api/account/ratings?cursor={cursor}"), format!("/account/ratings?cursor={cursor}")];
    let export = ["/account/data/export", "/api/account/data", "/account", "/account/orders", "/api/account/orders"];
    for path in lists.iter().map(String::as_str).chain(export) {
        let shown = page(&shop, path, &eva.cookies).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.text);
        for part in [secret.as_str(), "Ana Ruiz", "Calle Mayor", order.rsplit('/').next().unwrap()] {
            assert!(!shown.text.contains(part), "{path} shows {part}");
        }
    }
    for path in
        ["/api/account/addresses/1", "/api/account/ratings/1", "/api/account/orders/1", "/api/account/customers"]
    {
        assert_eq!(page(&shop, path, &eva.cookies).await.status, 404, "{path}");
    }
    for path in [order.clone(), order.replace("/api", "")] {
        let shown = page(&shop, &path, &eva.cookies).await;
        assert!(!shown.text.contains("Ana Ruiz"), "{path}: {}", shown.text);
    }
    let cancelled = shop.post(&format!("{order}/cancel"), &[("cookie", &eva.cookies)], &serde_json::json!({})).await;
    assert!(cancelled.status < 500, "{}", cancelled.text);
    // Time for the queue, if the shop had accepted it.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(theirs().await, before);
}

/// Gives the only order of a customer so many copies, with other numbers and ids. It must be a rejected one, of which nothing
/// else depends.
async fn copy_order(customer: &Customer, copies: usize) {
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let columns = "select cast(column_name as char) from information_schema.columns where table_schema = 'anaquel' \
                   and table_name = 'orders' and column_name not in ('number', 'id') and is_generated = 'never'";
    let columns: Vec<String> = sqlx::query_scalar(columns).fetch_all(&mut root).await.unwrap();
    let columns = columns.join(", ");
    let subject = customer.subject.uuid();
    let copy = format!(
        "insert into anaquel.orders (id, {columns}) select unhex(md5(concat(hex(o.id), seq))), {columns} \
         from anaquel.orders o join seq_1_to_{copies} where o.customer = ?"
    );
    sqlx::query(AssertSqlSafe(copy)).bind(subject).execute(&mut root).await.unwrap();
    for (table, columns) in [
        ("order_lines", &["position", "book_id", "title", "quantity", "unit_price", "tax_rate", "reason"][..]),
        ("order_states", &["state", "at", "actor"]),
    ] {
        let of_first = columns.iter().map(|column| format!("of_first.{column}")).collect::<Vec<_>>().join(", ");
        let columns = columns.join(", ");
        let copy = format!(
            "insert ignore into anaquel.{table} (order_number, {columns}) select o.number, {of_first} from anaquel.orders o \
             join anaquel.{table} of_first on order_number = (select min(number) from anaquel.orders where customer = ?) \
             where o.customer = ?"
        );
        sqlx::query(AssertSqlSafe(copy)).bind(subject).bind(subject).execute(&mut root).await.unwrap();
    }
}

/// Follows the cursors of a list or the export until its end: the numbers of the orders in each slice.
async fn slices(shop: &Shop, part: &str, list: &str, customer: &Customer) -> Vec<Vec<u64>> {
    let (mut slices, mut path) = (Vec::new(), part.to_owned());
    loop {
        let answer = api(shop, &path, &customer.cookies).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let slice = answer.json();
        let orders = slice[list].as_array().unwrap().iter();
        slices.push(orders.map(|order| order["number"].as_u64().expect("a number")).collect());
        let Some(next) = slice["next"].as_str() else { return slices };
        path = format!("{part}?cursor={next}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn cursors_lead_through_all_orders_of_the_account_and_the_export_has_each_once() {
    let shop = Shop::open().await;
    let ana = customer(&shop).await;
    let book = imports::book_on_sale(&shop, 3).await;
    // A price that nobody has seen.
    let placed = orders::place(&shop, &Uuid::new_v4().to_string(), &ana.cookies, &orders::order(book, 1, 1)).await;
    assert_eq!(placed.status, 202, "{}", placed.text);
    let order = orders::after(&shop, placed.header("location"), "received", &ana.cookies).await;
    assert_eq!(order["status"], "rejected", "{order}");
    copy_order(&ana, 109).await;

    let listed = slices(&shop, "orders", "items", &ana).await;
    assert_eq!(listed.iter().map(Vec::len).collect::<Vec<_>>(), [24, 24, 24, 24, 14]);
    let listed = listed.concat();
    assert!(listed.is_sorted_by(|a, b| a > b), "{listed:?}");
    let exported = slices(&shop, "data", "orders", &ana).await;
    assert_eq!(exported.iter().map(Vec::len).collect::<Vec<_>>(), [100, 10]);
    assert_eq!(exported.concat(), listed);

    let (mut shown, mut path) = (0, "/account/orders".to_owned());
    loop {
        let list = page(&shop, &path, &ana.cookies).await;
        assert_eq!(list.status, 200, "{path}: {}", list.text);
        shown += list.text.matches("<p><a href=\"/orders/").count();
        let Some(next) = list.text.split("rel=\"next\" href=\"").nth(1) else { break };
        path = next.split('"').next().unwrap().to_owned();
    }
    assert_eq!(shown, listed.len());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rating_is_changed_and_deleted_in_the_account_and_a_stale_form_is_shown_again() {
    let shop = Shop::open().await;
    let ana = customer(&shop).await;
    let headers = [("cookie", ana.cookies.as_str()), ("content-type", "application/json")];
    let rated = shop.send(Method::POST, "/api/books/54/ratings", &headers, Some(r#"{"stars":2}"#.into())).await;
    shop.final_status(rated.header("location")).await;
    let id = api(&shop, "ratings", &ana.cookies).await.json()["items"][0]["id"].to_string();
    // Its browser alone, whose number others may know.
    let browser = format!("visitor={}", ana.visitor);
    let headers = [("cookie", browser.as_str()), ("content-type", "application/json")];
    let foreign = shop.send(Method::POST, "/api/books/54/ratings", &headers, Some(r#"{"stars":1}"#.into())).await;
    let refused = shop.final_status(foreign.header("location")).await;
    assert_eq!((&refused["status"], &refused["code"]), (&"rejected".into(), &"of_customer".into()), "{refused}");
    let path = format!("/account/ratings/{id}");
    let stale = page(&shop, &path, &ana.cookies).await;
    let changed = fill_in(&shop, &path, &ana, &[("stars", "5"), ("review", "¡Bravo!")]).await;
    assert_eq!((changed.status, changed.header("location")), (303, "/account/ratings"), "{}", changed.text);
    let now = api(&shop, "ratings", &ana.cookies).await.json();
    assert_eq!((&now["items"][0]["stars"], &now["items"][0]["review"]), (&5.into(), &"¡Bravo!".into()));
    let (key, version) = (hidden(&stale, "key"), hidden(&stale, "version"));
    let stale = [("key", key.as_str()), ("version", version.as_str()), ("stars", "1")];
    let again = send(&shop, &path, &ana.cookies, &stale).await;
    assert!(again.status == 409 && again.text.contains("¡Bravo!"), "{}", again.text);
    let deleted = fill_in(&shop, &path, &ana, &[("do", "delete")]).await;
    assert_eq!(deleted.status, 303, "{}", deleted.text);
    assert!(api(&shop, "ratings", &ana.cookies).await.json()["items"].as_array().unwrap().is_empty());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn who_signs_out_everywhere_or_is_erased_is_out_at_the_next_request() {
    let shop = Shop::open().await;
    let (ana, eva) = (customer(&shop).await, customer(&shop).await);
    let left = fill_in(&shop, "/account/sign-out-everywhere", &ana, &[]).await;
    assert_eq!((left.status, left.header("location")), (307, "/sign-out"), "{}", left.text);
    assert_eq!(api(&shop, "profile", &ana.cookies).await.status, 401);

    fill_in(&shop, "/account/addresses/new", &eva, &ADDRESS).await;
    let asked = page(&shop, "/account/erase/confirm", &eva.cookies).await;
    let erased = send(&shop, "/account/erase", &eva.cookies, &[("key", hidden(&asked, "key"))]).await;
    assert_eq!(erased.status, 200, "{}", erased.text);
    for name in ["session", "visitor"] {
        let removed = format!("{name}=; ");
        let mut cookies = erased.headers.get_all("set-cookie").iter();
        assert!(cookies.any(|cookie| cookie.to_str().unwrap().starts_with(&removed)), "{name}");
    }
    assert_eq!(api(&shop, "profile", &eva.cookies).await.status, 401);
    // A new session of the same person finds nothing.
    eventually(WITHIN, async || {
        let again = session(&shop, eva.subject, Pool::Customers, OffsetDateTime::now_utc()).await;
        let data = api(&shop, "data", &again).await;
        let is_empty = data.status == 200 && data.json()["account"]["email"].is_null();
        if is_empty && data.json()["addresses"].as_array().is_some_and(Vec::is_empty) { Ok(()) } else { Err(data.text) }
    })
    .await;
}

/// The first form of a page that does this with a book and the wishlist: its key, or an empty text.
fn wish_form(page: &Answer, action: &str) -> Option<String> {
    let mut forms = page.text.split("action=\"/account/wishlist\"").skip(1);
    let form = forms.find(|form| form.contains(&format!("name=\"do\" value=\"{action}\"")))?;
    let form = form.split("</form>").next().unwrap();
    Some(
        form.split("name=\"key\" value=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned(),
    )
}

/// The cookies of a new customer with a book on the wishlist.
pub async fn with_a_wish(shop: &Shop, book: u64) -> String {
    let cookies = customer(shop).await.cookies;
    let wishlist = wish(shop, &cookies, book).await;
    format!("{cookies}; {wishlist}")
}

/// Puts a book on the wishlist of a customer with these cookies; returns the cookie of the wishlist.
pub async fn wish(shop: &Shop, cookies: &str, book: u64) -> String {
    let offered = page(shop, &format!("/account/wishlist?add={book}"), cookies).await;
    let key = wish_form(&offered, "add-wish").expect("a button");
    let book = book.to_string();
    let form = [("do", "add-wish"), ("book", &book), ("key", &key)];
    cookie(&send(shop, "/account/wishlist", cookies, &form).await, "wishlist")
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_book_is_put_on_the_wishlist_from_its_page_and_removed_there_and_the_page_knows() {
    let shop = Shop::open().await;
    let (ana, eva) = (customer(&shop).await, customer(&shop).await);
    let book = page(&shop, "/books/53", "").await;
    let path = book.header("location").to_owned();
    let shown = page(&shop, &path, &ana.cookies).await;
    let key = wish_form(&shown, "add-wish").expect("a button");
    let form = |action: &'static str, key: &str| {
        vec![("do", action.to_owned()), ("book", "53".into()), ("back", path.clone()), ("key", key.to_owned())]
    };
    for _ in 0..2 {
        let added = send(&shop, "/account/wishlist", &ana.cookies, &form("add-wish", &key)).await;
        assert_eq!(added.header("location"), format!("{path}?wishlist=added.53#book-53"), "{}", added.text);
        let cookies = format!("{}; {}", ana.cookies, cookie(&added, "wishlist"));
        let after = page(&shop, &format!("{path}?wishlist=added.53"), &cookies).await;
        assert!(after.text.contains("Added to your wishlist."), "{}", after.text);
        assert!(wish_form(&after, "remove-wish").is_some(), "{}", after.text);
    }
    let list = api(&shop, "wishlist", &ana.cookies).await.json();
    assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["id"]), (1, &53.into()), "{list}");
    assert!(list["items"][0]["availability"].is_string() && list["items"][0]["added_at"].is_string(), "{list}");
    let exported = api(&shop, "data", &ana.cookies).await.json();
    assert_eq!(exported["wishlist"][0]["id"], 53, "{exported}");

    // With the key of somebody else, or without one, the book is only offered.
    for key in ["", "x", &wish_form(&page(&shop, &path, &eva.cookies).await, "add-wish").unwrap()] {
        let refused = send(&shop, "/account/wishlist", &ana.cookies, &form("remove-wish", key)).await;
        assert_eq!(refused.header("location"), "/account/wishlist?add=53", "{}", refused.text);
    }
    let own = page(&shop, "/account/wishlist", &ana.cookies).await;
    assert!(own.text.contains("id=\"book-53\"") && own.text.contains("<button class=\"quiet\">Remove from wishlist"));
    for _ in 0..2 {
        let removed = send(&shop, "/account/wishlist", &ana.cookies, &form("remove-wish", &key)).await;
        assert_eq!(removed.header("location"), format!("{path}?wishlist=removed.53#book-53"), "{}", removed.text);
    }
    assert!(api(&shop, "wishlist", &ana.cookies).await.json()["items"].as_array().unwrap().is_empty());
    let unknown = [("do", "add-wish"), ("book", "999999999"), ("key", &key)];
    assert_eq!(send(&shop, "/account/wishlist", &ana.cookies, &unknown).await.status, 404);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_guest_who_wants_a_book_on_the_wishlist_finds_it_offered_after_signing_in() {
    let shop = Shop::open().await;
    let path = page(&shop, "/books/54", "").await.header("location").to_owned();
    assert_eq!(wish_form(&page(&shop, &path, "").await, "add-wish").as_deref(), Some(""), "a button without a key");
    let wanted = [("do", "add-wish"), ("book", "54"), ("back", &path)];
    let asked = send(&shop, "/account/wishlist", "", &wanted).await;
    let way = "href=\"/sign-in?return=%2Faccount%2Fwishlist%3Fadd%3D54\"";
    assert!(asked.status == 401 && asked.text.contains(way), "{}: {}", asked.status, asked.text);
    let ana = customer(&shop).await;
    let offered = page(&shop, "/account/wishlist?add=54", &ana.cookies).await;
    assert!(offered.text.contains("Shall we add this book to your list?"), "{}", offered.text);
    let key = wish_form(&offered, "add-wish").unwrap();
    let added =
        send(&shop, "/account/wishlist", &ana.cookies, &[("do", "add-wish"), ("book", "54"), ("key", &key)]).await;
    assert_eq!(added.header("location"), "/account/wishlist?wishlist=added.54#book-54", "{}", added.text);
}
