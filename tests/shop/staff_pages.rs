//! The pages of the staff, with sessions that the key of the local stage signs.

use reqwest::Method;
use shared::{
    domain::Email,
    session::{Pool, PrivateKey, Subject},
};
use sqlx::{Connection, MySqlConnection};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    account::hidden,
    bounces,
    cart::{page, send},
    contact, imports, mails, order_queue, orders,
    support::{Answer, Shop, eventually, variable},
};

/// The cookie of a bookseller whose session was issued at this time.
pub async fn bookseller(shop: &Shop, subject: Subject, at: OffsetDateTime) -> String {
    bookseller_with(shop, subject, &format!("{subject}@shop.example"), at).await
}

/// The same with an address.
pub async fn bookseller_with(shop: &Shop, subject: Subject, email: &str, at: OffsetDateTime) -> String {
    let email = Email::parse(email).unwrap();
    format!("staff-session={}", key(shop).await.issue_to_staff("local", subject, email, at))
}

async fn key(shop: &Shop) -> PrivateKey {
    let ssm = aws_sdk_ssm::Client::new(&shop.sdk());
    let key =
        ssm.get_parameter().name("/anaquel/local/session/private-key").with_decryption(true).send().await.unwrap();
    PrivateKey::parse(key.parameter().unwrap().value().unwrap()).unwrap()
}

pub fn somebody() -> Subject {
    Subject::of_uuid(Uuid::new_v4())
}

/// An order of one book that is sold, by its number.
pub async fn ordered(shop: &Shop, copies: u8) -> u32 {
    let book = imports::book_on_sale(shop, 9).await;
    let price = shop.get(&format!("/api/books/{book}")).await.json()["price"]["minor"].as_u64().unwrap();
    let (key, visitor) = (Uuid::new_v4().to_string(), format!("visitor={}", Uuid::new_v4()));
    let placed = orders::place(shop, &key, &visitor, &orders::order(book, copies.into(), price)).await;
    assert_eq!(placed.status, 202, "{}", placed.text);
    let decided = orders::after(shop, placed.header("location"), "received", &visitor).await;
    assert_eq!(decided["status"], "confirmed", "{decided}");
    decided["number"].as_u64().unwrap().try_into().unwrap()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn without_a_session_of_the_staff_there_is_no_page_and_after_its_end_it_leads_to_the_sign_in() {
    let shop = Shop::open().await;
    let (ana, now) = (somebody(), OffsetDateTime::now_utc());
    let staff = bookseller(&shop, ana, now).await;
    let over = bookseller(&shop, somebody(), now - Duration::hours(2)).await;
    let gone = somebody();
    let removed = bookseller(&shop, gone, now).await;
    let removed_before = bookseller(&shop, gone, now - Duration::hours(2)).await;
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    sqlx::query("insert into anaquel.sessions_valid_from (subject_hash, valid_from) values (?, ?)")
        .bind(shared::domain::VisitorId::of_number(gone.uuid()).0)
        .bind(now + Duration::minutes(1))
        .execute(&mut root)
        .await
        .unwrap();
    let customer = key(&shop).await.issue("local", ana, Pool::Customers, now);
    let as_customer = format!("session={customer}");
    let customer_as_staff = format!("staff-session={customer}");
    let anonymous = format!("staff-session={}", key(&shop).await.issue("local", ana, Pool::Staff, now));
    let in_other_cookie = staff.replacen("staff-session", "session", 1);
    // Another signature: the last character of one has bits that count for nothing.
    let (signed, signature) = staff.rsplit_once('.').unwrap();
    let forged = format!("{signed}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let number = ordered(&shop, 1).await;
    let (order, note) = (format!("/staff/orders/{number}"), format!("/staff/orders/{number}/delivery-note"));
    let import: u32 = sqlx::query_scalar("select max(id) from anaquel.imports").fetch_one(&mut root).await.unwrap();
    let (import, refused) = (format!("/staff/imports/{import}"), format!("/staff/imports/{import}/refused.csv"));
    // The status of a form without a key: a search needs none, and this one is about no visitor.
    for (path, form) in [
        ("/staff", None),
        ("/staff/orders", None),
        (order.as_str(), Some(409)),
        (note.as_str(), None),
        ("/staff/pick-list", None),
        ("/staff/messages", Some(200)),
        ("/staff/reviews", Some(404)),
        ("/staff/books", None),
        ("/staff/books/new", Some(409)),
        ("/staff/books/53", Some(409)),
        ("/staff/stock", Some(409)),
        ("/staff/searches", None),
        ("/staff/books/53/files", Some(409)),
        ("/staff/books/53/files/covers/019ac4a0-0000-7000-8000-000000000000", Some(409)),
        ("/staff/imports", None),
        (import.as_str(), Some(409)),
        (refused.as_str(), None),
        ("/staff/log", None),
    ] {
        let back = format!("/staff/sign-in?return={}", path.replace('/', "%2F"));
        for cookies in [
            "",
            "staff-session=x",
            &as_customer,
            &customer_as_staff,
            &anonymous,
            &in_other_cookie,
            &forged,
            &removed,
            &removed_before,
        ] {
            for answer in [page(&shop, path, cookies).await, send(&shop, path, cookies, &[("do", "ready")]).await] {
                assert_eq!((answer.status, answer.header("location")), (404, ""), "{path} {cookies}");
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            }
        }
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            for cookies in ["", &staff] {
                let answer = shop.send(method.clone(), path, &[("cookie", cookies)], None).await;
                assert_eq!((answer.status, answer.header("allow")), (404, ""), "{method} {path} {cookies}");
            }
        }
        let shown = page(&shop, path, &staff).await;
        assert_eq!(shown.status, 200, "{path}: {}", shown.text);
        assert_eq!((shown.header("cache-control"), shown.header("x-robots-tag")), ("no-store", "noindex"), "{path}");
        let asked = page(&shop, path, &over).await;
        assert_eq!((asked.status, asked.header("location")), (303, back.as_str()), "{path}");
        let expected = form.map_or((405, 405), |status| (status, 401));
        let sent = [&staff, &over].map(|cookies| (cookies.clone(), path.to_owned()));
        let mut statuses = Vec::new();
        for (cookies, path) in sent {
            statuses.push(send(&shop, &path, &cookies, &[("do", "ready")]).await.status);
        }
        assert_eq!((statuses[0], statuses[1]), expected, "{path}: a form without its key, and one after the end");
    }
    let from_elsewhere = [
        ("cookie", staff.as_str()),
        ("origin", "https://evil.example"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    let key = hidden(&page(&shop, &order, &staff).await, "key");
    let body = Some(format!("key={key}&do=ready"));
    assert_eq!(shop.send(Method::POST, &order, &from_elsewhere, body).await.status, 403);
    assert!(page(&shop, "/account", &staff).await.header("location").starts_with("/sign-in?"), "no customer");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn two_booksellers_prepare_an_order_and_the_second_sees_that_it_has_changed() {
    let shop = Shop::open().await;
    let now = OffsetDateTime::now_utc();
    let (ana, eva) = (bookseller(&shop, somebody(), now).await, bookseller(&shop, somebody(), now).await);
    let number = ordered(&shop, 2).await;
    let path = format!("/staff/orders/{number}");
    assert!(page(&shop, "/staff/orders", &ana).await.text.contains(&format!("href=\"{path}\"")));
    let by_number = page(&shop, &format!("/staff/orders?number={number}"), &ana).await;
    assert_eq!((by_number.status, by_number.header("location")), (303, path.as_str()));
    let [of_ana, of_eva] = [page(&shop, &path, &ana).await, page(&shop, &path, &eva).await];
    let version = hidden(&of_ana, "version");
    assert_eq!(version, hidden(&of_eva, "version"));
    let (key_of_ana, key_of_eva) = (hidden(&of_ana, "key"), hidden(&of_eva, "key"));
    assert_ne!(key_of_ana, key_of_eva);

    let of_stranger = [("key", key_of_eva.as_str()), ("version", version.as_str()), ("do", "ready")];
    assert_eq!(send(&shop, &path, &ana, &of_stranger).await.status, 409, "the key of another session");
    let form = [("key", key_of_ana.as_str()), ("version", version.as_str()), ("do", "ready")];
    for _ in 0..2 {
        let ready = send(&shop, &path, &ana, &form).await;
        assert_eq!((ready.status, ready.header("location")), (303, path.as_str()), "{}", ready.text);
    }
    let late =
        send(&shop, &path, &eva, &[("key", &key_of_eva), ("version", &version), ("do", &"cancel".to_owned())]).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(
        late.text.contains("was changed in the meantime") && late.text.contains("Ready to collect"),
        "{}",
        late.text
    );

    let shown = page(&shop, &path, &eva).await;
    let version = hidden(&shown, "version");
    let impossible = [("key", key_of_eva.as_str()), ("version", version.as_str()), ("do", "shipped")];
    let refused = send(&shop, &path, &eva, &impossible).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("because the order is: Ready to collect"), "{}", refused.text);
    let fetched = [("key", key_of_eva.as_str()), ("version", version.as_str()), ("do", "collected")];
    assert_eq!(send(&shop, &path, &eva, &fetched).await.status, 303);
    let log = page(&shop, &path, &ana).await.text;
    assert_eq!(log.matches("marked as ready").count(), 1, "{log}");
    assert_eq!(log.matches("not possible").count(), 2, "{log}");
    assert!(log.contains("marked as collected") && log.contains("@shop.example"), "{log}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_is_answered_once_and_a_review_is_hidden_for_a_reason_and_both_are_undone() {
    let shop = Shop::open().await;
    let now = OffsetDateTime::now_utc();
    let (ana, eva) = (bookseller(&shop, somebody(), now).await, bookseller(&shop, somebody(), now).await);
    let subject = format!("¿Abren? {}", Uuid::new_v4());
    let body = serde_json::json!({ "name": "Luz", "email": "luz@example.org", "subject": subject, "message": "Hola" });
    let sent = shop.post("/api/contact", &[], &body).await;
    shop.final_status(sent.header("location")).await;
    assert_eq!(contact::with_subject(&shop, &subject.clone().into()).await, 1);
    let path = path_of(&shop, &ana, &subject).await;
    let [of_ana, of_eva] = [page(&shop, &path, &ana).await, page(&shop, &path, &eva).await];
    for _ in 0..2 {
        let answered = send(&shop, &path, &ana, &pairs(&form(&of_ana, "answered"))).await;
        assert_eq!(answered.status, 303, "{}", answered.text);
    }
    let late = send(&shop, &path, &eva, &pairs(&form(&of_eva, "answered"))).await;
    assert!(late.status == 409 && late.text.contains("was changed in the meantime"), "{}", late.text);
    assert!(!page(&shop, "/staff/messages", &ana).await.text.contains(&subject));
    let answered = page(&shop, &path, &eva).await;
    assert_eq!(send(&shop, &path, &eva, &pairs(&form(&answered, "reopen"))).await.status, 303);
    assert!(page(&shop, "/staff/messages", &ana).await.text.contains(&subject));
    let stale = send(&shop, &path, &eva, &pairs(&form(&of_eva, "answered"))).await;
    assert_eq!(stale.status, 409, "it is open again, but was answered since: {}", stale.text);

    let book = imports::new_book(&shop).await;
    let words = format!("Compren en otra parte {}", Uuid::new_v4());
    let location = shop.rate(book, &serde_json::json!({ "stars": 1, "review": words })).await;
    shop.final_status(&location).await;
    let list = page(&shop, "/staff/reviews", &ana).await.text;
    let before = list.split(&words).next().unwrap();
    let path = before.rsplit("href=\"/staff/").next().unwrap().split('"').next().unwrap();
    let path = format!("/staff/{path}");
    let [of_ana, of_eva] = [page(&shop, &path, &ana).await, page(&shop, &path, &eva).await];
    let hiding = |page: &Answer, reason: &str| {
        let mut form = form(page, "hide");
        form.push(("reason".to_owned(), reason.to_owned()));
        form
    };
    let without_reason = send(&shop, &path, &ana, &pairs(&hiding(&of_ana, " "))).await;
    assert_eq!(without_reason.status, 422, "{}", without_reason.text);
    assert_eq!(send(&shop, &path, &ana, &pairs(&hiding(&of_ana, "an advertisement"))).await.status, 303);
    for (cookies, page) in [(&ana, &of_ana), (&eva, &of_eva)] {
        let second = send(&shop, &path, cookies, &pairs(&hiding(page, "an insult"))).await;
        assert_eq!(second.status, 409, "{}", second.text);
        assert!(second.text.contains("<q dir=\"auto\">an insult</q>"), "what was typed: {}", second.text);
    }
    let public = async || shop.get(&format!("/api/books/{book}/ratings")).await.text;
    assert!(!public().await.contains(&words));
    assert!(page(&shop, "/staff/reviews?show=hidden", &eva).await.text.contains(&words));
    assert!(page(&shop, &path, &eva).await.text.contains("an advertisement"));
    let shown = page(&shop, &path, &eva).await;
    assert_eq!(send(&shop, &path, &eva, &pairs(&form(&shown, "unhide"))).await.status, 303);
    assert!(public().await.contains(&words));
    let log = page(&shop, "/staff/log", &eva).await.text;
    assert!(log.contains("showed again") && log.contains("an advertisement") && log.contains("an insult"), "{log}");
}

/// The fields of a form as its page shows them, and the button that is pressed.
fn form(page: &Answer, button: &str) -> Vec<(String, String)> {
    let field = |name: &str| (name.to_owned(), hidden(page, name));
    vec![field("key"), field("version"), ("do".to_owned(), button.to_owned())]
}

fn pairs(form: &[(String, String)]) -> Vec<(&str, &str)> {
    form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn who_signs_out_ends_the_session_also_of_a_copied_cookie_and_no_other() {
    let shop = Shop::open().await;
    let (ana, now) = (somebody(), OffsetDateTime::now_utc());
    let here = bookseller(&shop, ana, now - Duration::minutes(1)).await;
    let elsewhere = bookseller(&shop, ana, now).await;
    let asked = page(&shop, "/staff/sign-out", &here).await;
    assert!(asked.text.contains("action=\"/staff/leave\""), "{}", asked.text);
    for cookies in ["", "staff-session=x"] {
        assert_eq!(send(&shop, "/staff/leave", cookies, &[("x", "y")]).await.status, 404);
    }
    assert_eq!(page(&shop, "/staff/leave", &here).await.status, 404);
    for _ in 0..2 {
        let left = send(&shop, "/staff/leave", &here, &[("x", "y")]).await;
        assert_eq!((left.status, left.header("location")), (307, "/staff/sign-out"), "{}", left.text);
    }
    assert_eq!(page(&shop, "/staff", &here).await.status, 404, "the copy");
    assert_eq!(page(&shop, "/staff", &elsewhere).await.status, 200);
}

/// The local stage keeps answered messages for 365 days (`keep_answered_days`).
#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_sweep_removes_messages_that_were_answered_longer_ago_than_the_stage_keeps_them() {
    let shop = Shop::open().await;
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let mut sent = Vec::new();
    for days in [364, 366] {
        let subject = format!("Un libro {}", Uuid::new_v4());
        let body =
            serde_json::json!({ "name": "Ana", "email": "ana@example.org", "subject": subject, "message": "Hola" });
        let answer = shop.post("/api/contact", &[], &body).await;
        shop.final_status(answer.header("location")).await;
        let answered =
            "update anaquel.contact_messages set answered_at = utc_timestamp() - interval ? day where subject = ?";
        sqlx::query(answered).bind(days).bind(&subject).execute(&mut root).await.unwrap();
        sent.push(subject);
    }
    order_queue::sweep(&shop).await;
    let kept = "select subject from anaquel.contact_messages where subject in (?, ?)";
    let kept: Vec<String> = sqlx::query_scalar(kept).bind(&sent[0]).bind(&sent[1]).fetch_all(&mut root).await.unwrap();
    assert_eq!(kept, sent[..1]);
}

/// The address of the page of an open message.
async fn path_of(shop: &Shop, cookies: &str, subject: &str) -> String {
    let list = page(shop, "/staff/messages", cookies).await.text;
    let before = list.split(subject).next().unwrap();
    before.rsplit("href=\"").next().unwrap().split('"').next().unwrap().to_owned()
}

/// Sends a message by the page's form, in English, and waits until it is stored. Returns its page.
async fn message(shop: &Shop, cookies: &str, email: &str, subject: &str, words: &str) -> String {
    let key = hidden(&page(shop, "/contact", "").await, "key");
    let form = [("key", key.as_str()), ("name", "Luz"), ("email", email), ("subject", subject), ("message", words)];
    let sent = send(shop, "/contact", "", &form).await;
    let location = sent.header("location");
    shop.final_status(&format!("/api{}", location.split('?').next().unwrap())).await;
    path_of(shop, cookies, subject).await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_is_answered_by_one_mail_with_a_copy_and_a_bounce_is_on_its_page() {
    let shop = Shop::open().await;
    let staff = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let (mark, email) = (Uuid::new_v4().to_string(), format!("{}@example.org", Uuid::new_v4()));
    let path = message(&shop, &staff, &email, &format!("Opening hours {mark}"), "Are you open on Saturday?").await;
    let shown = page(&shop, &path, &staff).await;
    let reply = |page: &Answer, text: &str| {
        let mut form = form(page, "reply");
        form.extend([("reply", text), ("copy", "yes")].map(|(name, value)| (name.to_owned(), value.to_owned())));
        form
    };
    let blank = send(&shop, &path, &staff, &pairs(&reply(&shown, " \n "))).await;
    assert_eq!(blank.status, 422, "{}", blank.text);
    let too_long = send(&shop, &path, &staff, &pairs(&reply(&shown, &"x".repeat(4_001)))).await;
    assert!(too_long.status == 422 && too_long.text.contains(&"x".repeat(4_001)), "what was typed is kept");
    let text = format!("Yes, from 10 to 14. {mark}\r\nBcc: evil@example.org");
    for _ in 0..2 {
        let sent = send(&shop, &path, &staff, &pairs(&reply(&shown, &text))).await;
        assert_eq!((sent.status, sent.header("location")), (303, path.as_str()), "{}", sent.text);
    }
    let other = send(&shop, &path, &staff, &pairs(&reply(&shown, "No."))).await;
    assert!(other.status == 409 && other.text.contains(">\nNo.</textarea>"), "{}", other.text);

    order_queue::sweep(&shop).await;
    let mails = eventually(std::time::Duration::from_secs(30), async || {
        let mails = mails::sent(&shop, |mail| mail["Subject"].as_str().is_some_and(|subject| subject.contains(&mark)));
        match mails.await {
            mails if mails.len() < 2 => Err(format!("{} mails", mails.len())),
            mails => Ok(mails),
        }
    });
    let mails = mails.await;
    assert_eq!(mails.len(), 2, "{mails:?}");
    let to_sender = mails.iter().find(|mail| mail["To"][0] == email.as_str()).expect("the answer");
    let words = to_sender["BodyText"].as_str().unwrap();
    assert_eq!(to_sender["Subject"], format!("Re: Opening hours {mark}"));
    assert!(words.starts_with(&format!("Yes, from 10 to 14. {mark}\nBcc: evil@example.org\n")), "{words}");
    assert!(words.contains("you wrote") && words.contains("> Are you open on Saturday?"), "{words}");
    for mail in &mails {
        assert_eq!(mails::recipients(mail).len(), 1, "{mail}");
    }
    let copy = mails.iter().find(|mail| mail["To"][0] != email.as_str()).expect("the copy");
    assert!(copy["BodyText"].as_str().unwrap().contains(&format!("Luz <{email}>")), "{copy}");

    let answered = page(&shop, &path, &staff).await;
    assert!(
        answered.text.contains("Yes, from 10 to 14.") && answered.text.contains("answered by mail"),
        "{}",
        answered.text
    );
    let mut root = MySqlConnection::connect(&variable("DATABASE_URL")).await.unwrap();
    let id: u64 = sqlx::query_scalar(
        "select m.id from anaquel.mails m join anaquel.contact_replies r on r.id = m.reply_id \
         where m.event = 'reply' and r.text like concat('%', ?, '%')",
    )
    .bind(&mark)
    .fetch_one(&mut root)
    .await
    .unwrap();
    bounces::send(&shop, &bounces::bounce(&id.to_string(), "smtp; 550 5.1.1 no such user")).await;
    eventually(std::time::Duration::from_secs(30), async || {
        let shown = page(&shop, &path, &staff).await.text;
        if shown.contains("It came back:") && shown.contains("no such user") { Ok(()) } else { Err(shown) }
    })
    .await;
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn messages_are_found_by_words_or_address_without_either_in_an_address() {
    let shop = Shop::open().await;
    let staff = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let (word, email) = (format!("w{}", Uuid::new_v4().simple()), format!("{}@example.org", Uuid::new_v4()));
    let [one, two] = ["first", "second"].map(|which| format!("{which} {}", Uuid::new_v4()));
    let first = message(&shop, &staff, &email, &one, &format!("¿{word}, por favor?")).await;
    message(&shop, &staff, &email, &two, "Otra cosa").await;
    let search =
        async |q: &str, show: &str| send(&shop, "/staff/messages", &staff, &[("find", q), ("show", show)]).await;
    for (q, show, expected) in [
        (word.to_uppercase(), "all", [true, false]),
        (word.clone(), "answered", [false, false]),
        (email.clone(), "open", [true, true]),
        (format!("{word} nothing{word}"), "all", [false, false]),
    ] {
        let found = search(&q, show).await;
        assert_eq!(found.status, 200, "{}", found.text);
        assert_eq!([&one, &two].map(|subject| found.text.contains(subject.as_str())), expected, "{q} {show}");
    }
    let of_sender = page(&shop, &first, &staff).await.text;
    let link = format!("/staff/messages?sender={}", first.rsplit('/').next().unwrap());
    assert!(of_sender.contains(&format!("href=\"{link}\"")), "{of_sender}");
    let all = page(&shop, &link, &staff).await.text;
    assert!(all.contains(&one) && all.contains(&two), "{all}");
    assert_eq!(page(&shop, "/staff/messages?sender=999999999", &staff).await.status, 404);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn all_reviews_of_a_visitor_are_hidden_after_a_question_and_shown_again() {
    let shop = Shop::open().await;
    let staff = bookseller(&shop, somebody(), OffsetDateTime::now_utc()).await;
    let cookie = format!("visitor={}", Uuid::new_v4());
    let mut books = Vec::new();
    let rate = async |book: u64, words: &str| {
        let rating = serde_json::json!({ "stars": 1, "review": words });
        let sent = shop.post(&format!("/api/books/{book}/ratings"), &[("cookie", &cookie)], &rating).await;
        shop.final_status(sent.header("location")).await;
    };
    let mark = Uuid::new_v4().to_string();
    for _ in 0..2 {
        let book = imports::new_book(&shop).await;
        rate(book, &format!("Forged {mark}")).await;
        books.push(book);
    }
    let list = page(&shop, "/staff/reviews", &staff).await.text;
    let after = list.split(&mark).nth(1).unwrap();
    let link =
        format!("/staff/reviews?visitor={}", after.split("?visitor=").nth(1).unwrap().split('"').next().unwrap());
    let of_visitor = page(&shop, &link, &staff).await.text;
    assert_eq!(of_visitor.matches(&mark).count(), 2, "{of_visitor}");
    let asked = async |what: &str| page(&shop, &format!("{link}&ask={what}"), &staff).await;
    let answer = |question: &Answer, button: &str, reason: &str| {
        let field = |name: &str| (name.to_owned(), hidden(question, name));
        let typed = [("do", button), ("reason", reason)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        ["key", "visitor", "until", "count"].map(field).into_iter().chain(typed).collect::<Vec<_>>()
    };
    let shown = async || {
        let mut shown = 0;
        for book in &books {
            shown += usize::from(shop.get(&format!("/api/books/{book}/ratings")).await.text.contains(&mark));
        }
        shown
    };
    let question = asked("hide").await;
    assert!(question.text.contains("Hide all that are shown: 2"), "{}", question.text);
    let without = send(&shop, "/staff/reviews", &staff, &pairs(&answer(&question, "hide-all", ""))).await;
    assert_eq!((without.status, shown().await), (422, 2), "{}", without.text);
    // Another one changes the number before the answer.
    let other = asked("hide").await;
    for _ in 0..2 {
        let hidden = send(&shop, "/staff/reviews", &staff, &pairs(&answer(&question, "hide-all", "forged"))).await;
        assert_eq!((hidden.status, hidden.header("location")), (303, link.as_str()), "{}", hidden.text);
        assert_eq!(shown().await, 0);
    }
    let late = send(&shop, "/staff/reviews", &staff, &pairs(&answer(&other, "hide-all", "an insult"))).await;
    assert_eq!(late.status, 409, "{}", late.text);
    let question = asked("unhide").await;
    let undone = send(&shop, "/staff/reviews", &staff, &pairs(&answer(&question, "unhide-all", ""))).await;
    assert_eq!((undone.status, shown().await), (303, 2), "{}", undone.text);
}
