//! Pages, forms and files.

use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::{
    contact::with_subject,
    imports,
    operating::writer_logged,
    support::{Answer, Shop},
};

async fn send_form(shop: &Shop, path: &str, form: &[(&str, &str)]) -> Answer {
    let body = form.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect::<Vec<_>>();
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept-language", "en")];
    shop.send(Method::POST, path, &headers, Some(body.join("&"))).await
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_home_page_shows_books_and_its_assets_are_cached_for_a_year() {
    let shop = Shop::open().await;
    imports::new_book(&shop).await;
    let home = shop.get("/").await;
    assert_eq!((home.status, home.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(home.text.contains("<html lang=\"es\">") && home.text.contains("href=\"/books/"), "{}", home.text);
    assert!(home.header("content-security-policy").contains("style-src 'self'"));

    let style = home.text.split('"').find(|text| text.starts_with("/assets/style.")).expect("a stylesheet");
    for (accepted, encoding) in [("br, gzip", "br"), ("gzip", "gzip"), ("", "")] {
        let file = shop.send(Method::GET, style, &[("accept-encoding", accepted)], None).await;
        assert_eq!((file.status, file.header("content-encoding")), (200, encoding), "{accepted}");
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
    }
    assert_eq!(shop.get("/assets/style.0000000000000000.css").await.status, 404);
    assert!(shop.get("/robots.txt").await.text.starts_with("User-agent: *"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_form_that_is_too_large_is_shown_again() {
    let shop = Shop::open().await;
    let review = "larga ".repeat(12_000);
    let refused = send_form(&shop, "/books/1/ratings", &[("stars", "4"), ("review", &review)]).await;
    assert_eq!(refused.status, 413);
    assert!(refused.text.contains("role=\"alert\"") && refused.text.contains(review.trim()), "the review is missing");
    assert!(refused.text.contains("The review can have 4,000 characters"));

    let message = [("name", "Ana"), ("email", "ana@example.org"), ("subject", "Hola"), ("message", "¿Abren?")];
    let refused = send_form(&shop, "/contact", &[&message[..], &[("more", &review)]].concat()).await;
    assert_eq!(refused.status, 413);
    assert!(refused.text.contains("value=\"ana@example.org\"") && refused.text.contains("¿Abren?"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_sent_twice_from_one_form_arrives_once() {
    let shop = Shop::open().await;
    let form = shop.get("/contact").await.text;
    let key = form.split("name=\"key\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a key");
    assert!(!shop.get("/contact").await.text.contains(key), "each rendering of the form needs a key of its own");
    let subject = Uuid::new_v4().to_string();
    let message =
        [("name", "Ana"), ("email", "ana@example.org"), ("subject", &subject), ("message", "¿Abren?"), ("key", key)];
    let first = send_form(&shop, "/contact", &message).await;
    let second = send_form(&shop, "/contact", &message).await;
    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(first.header("location"), second.header("location"));

    // The queue delivered both, and the writer kept one.
    let id = first.header("location").trim_start_matches("/submissions/");
    writer_logged(id, "Message received", 2).await;
    assert_eq!(with_subject(&shop, &json!(subject)).await, 1);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_page_accepts_an_amount_as_people_write_it() {
    let shop = Shop::open().await;
    for typed in ["19,95", "19,95%20%E2%82%AC", "%E2%82%AC20", "20+EUR", "1.000", "20%C2%A0%E2%82%AC"] {
        assert_eq!(shop.get(&format!("/books?price_max={typed}")).await.status, 200, "{typed}");
    }
    assert_eq!(shop.get("/books?price_max=1,9,5").await.status, 400);
    assert_eq!(shop.get("/api/books?price_max=19,95").await.status, 400, "the API requires a decimal point");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_page_is_compressed_if_the_client_accepts_it() {
    let shop = Shop::open().await;
    let plain = shop.get("/books").await;
    let packed = shop.send(Method::GET, "/books", &[("accept-encoding", "gzip")], None).await;
    assert_eq!((packed.status, packed.header("content-encoding")), (200, "gzip"));
    let length = packed.header("content-length").parse().unwrap_or(packed.text.len());
    assert!(length < plain.text.len() / 3, "{length} of {}", plain.text.len());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_chosen_language_takes_precedence_over_the_browsers() {
    let shop = Shop::open().await;
    let chosen = shop.get("/about?lang=en").await;
    assert!(chosen.text.contains("<html lang=\"en\">"));
    assert!(chosen.header("set-cookie").starts_with("lang=en;"));
    let ask = async |headers: &[(&str, &str)]| shop.send(Method::GET, "/about", headers, None).await.text;
    assert!(ask(&[("cookie", "lang=en"), ("accept-language", "es")]).await.contains("<html lang=\"en\">"));
    assert!(ask(&[("accept-language", "fr, en;q=0.8, es;q=0.5")]).await.contains("<html lang=\"en\">"));
    assert!(ask(&[("accept-language", "fr")]).await.contains("<html lang=\"es\">"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_list_shows_its_query_and_the_invalid_parameters() {
    let shop = Shop::open().await;
    let found = shop.get("/books?q=quijote&genre=&sort=popular").await;
    assert_eq!(found.status, 200);
    assert!(found.text.contains("value=\"quijote\""), "{}", found.text);
    let unread = shop.get("/books?price_max=cheap&lang=en").await;
    assert_eq!(unread.status, 400);
    assert!(unread.text.contains("value=\"cheap\"") && unread.text.contains("class=\"error\""), "{}", unread.text);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_book_has_one_address_and_the_others_lead_there() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let moved = shop.get(&format!("/books/{book}?lang=en")).await;
    let address = moved.header("location").to_owned();
    assert_eq!(moved.status, 301);
    assert!(address.starts_with(&format!("/books/{book}-")) && address.ends_with("?lang=en"), "{address}");
    assert_eq!(shop.get(&format!("/books/{book}-wrong")).await.status, 301);
    let page = shop.get(&address).await;
    assert!(page.text.contains("application/ld+json") && page.text.contains("name=\"stars\""), "{}", page.text);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_unknown_path_is_a_page_with_a_search_or_a_problem_in_the_api() {
    let shop = Shop::open().await;
    for path in ["/nothing", "/books/999999999", "/books/53/nothing/at/all", "/authors/999999999", "/assets/x"] {
        let page = shop.get(path).await;
        assert_eq!((page.status, page.header("content-type")), (404, "text/html; charset=utf-8"), "{path}");
        assert!(page.text.contains("role=\"search\""), "{path}");
    }
    let problem = shop.get("/api/nothing").await;
    assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_rating_from_the_page_shows_its_outcome_without_a_script() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let words = format!("Muy bueno {}", Uuid::new_v4());
    let sent =
        send_form(&shop, &format!("/books/{book}/ratings"), &[("stars", "4"), ("review", &words), ("name", "")]).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let location = sent.header("location");
    assert!(location.starts_with("/submissions/") && sent.header("set-cookie").starts_with("visitor="));
    let (status, _) = location.split_once('?').expect("the book of the rating");
    assert_eq!(shop.final_status(&format!("/api{status}")).await["status"], "published");
    let outcome = shop.get(location).await.text;
    assert!(outcome.contains("role=\"status\"") && outcome.contains(&format!("href=\"/books/{book}\"")), "{outcome}");
    let ratings = shop.get(&format!("/books/{book}/ratings")).await;
    assert!(ratings.text.contains(&words), "{}", ratings.text);

    // The visitor's own browser has the rating in the form again; nobody else has, and no shared cache keeps the page.
    let cookie = sent.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let address = shop.get(&format!("/books/{book}")).await.header("location").to_owned();
    let own = shop.send(Method::GET, &address, &[("cookie", &cookie)], None).await;
    let stars = own.text.split("value=\"4\"").nth(1).and_then(|rest| rest.split('>').next()).unwrap();
    assert!(stars.ends_with(" checked") && own.text.contains(&format!("{words}</textarea>")), "{stars}");
    assert_eq!(own.header("cache-control"), "private, no-cache");
    let others = shop.get(&address).await;
    assert!(!others.text.contains(" checked>"), "{}", others.text);
    assert_eq!(others.header("cache-control"), "private, no-cache", "the form's key belongs to one visitor");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_form_that_a_visitor_sends_twice_without_script_and_cookie_is_one_submission() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let rating = [("stars", "4"), ("review", "Muy bueno")];
    let message = [("name", "Ana"), ("email", "ana@example.org"), ("subject", "Libro"), ("message", "Hola")];
    for (page, action, fields) in [
        (format!("/books/{book}"), format!("/books/{book}/ratings"), rating.as_slice()),
        ("/contact".to_owned(), "/contact".to_owned(), message.as_slice()),
    ] {
        let form = async || {
            let shown = match shop.get(&page).await {
                moved if moved.status == 301 => shop.get(moved.header("location")).await.text,
                page => page.text,
            };
            let key = shown.split("name=\"key\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
            key.filter(|key| !key.is_empty()).unwrap_or_else(|| panic!("{page} has no key: {shown}")).to_owned()
        };
        let (key, other) = (form().await, form().await);
        let send = async |key: &str| {
            let sent = send_form(&shop, &action, &[fields, &[("key", key)]].concat()).await;
            assert_eq!(sent.status, 303, "{}", sent.text);
            sent.header("location").to_owned()
        };
        let twice = futures_util::future::join(send(&key), send(&key)).await;
        assert_eq!(twice.0, twice.1, "{page}");
        assert_ne!(send(&other).await, twice.0, "{page}");
        assert_eq!(send_form(&shop, &action, &[fields, &[("key", "1")]].concat()).await.status, 400, "{page}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_invalid_form_is_shown_again_with_everything_that_was_typed() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let rated = send_form(&shop, &format!("/books/{book}/ratings"), &[("review", "<b>¡Bien!</b>")]).await;
    assert_eq!(rated.status, 422);
    assert!(rated.text.contains("stars-error") && !rated.text.contains("<b>¡Bien!"), "{}", rated.text);
    assert!(rated.text.contains("¡Bien!"), "{}", rated.text);

    let written = send_form(&shop, "/contact", &[("email", "ana@"), ("message", "Hola")]).await;
    assert_eq!(written.status, 422);
    assert!(written.text.contains("value=\"ana@\"") && written.text.contains("email-error"), "{}", written.text);
    let whole = [("name", "Ana"), ("email", "ana@example.org"), ("subject", "Libro"), ("message", "Hola")];
    assert_eq!(send_form(&shop, "/contact", &whole).await.status, 303);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_form_with_a_filled_honeypot_is_shown_again_with_a_reason_and_not_sent() {
    let shop = Shop::open().await;
    let subject = Uuid::new_v4().to_string();
    let message = [("name", "Ana"), ("email", "ana@example.org"), ("subject", &subject), ("message", "Hola")];
    let shown = send_form(&shop, "/contact", &[&message[..], &[("remarks", "x")]].concat()).await;
    assert_eq!(shown.status, 422);
    assert!(shown.text.contains("a hidden field was filled in") && shown.text.contains(&subject), "{}", shown.text);
    let shown = send_form(&shop, "/books/53/ratings", &[("stars", "1"), ("review", "Casino"), ("remarks", "x")]).await;
    assert_eq!(shown.status, 422);
    assert!(shown.text.contains("a hidden field was filled in") && shown.text.contains("Casino"), "{}", shown.text);
    // What browsers fill in by themselves stops nobody.
    assert_eq!(send_form(&shop, "/contact", &[&message[..], &[("website", "x")]].concat()).await.status, 303);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_change_of_language_keeps_what_was_typed() {
    let shop = Shop::open().await;
    let again = ("show-again", "yes");
    for (path, typed) in [
        ("/contact?lang=es", [("name", "Ana"), ("message", "Hola")]),
        ("/books/53/ratings?lang=es", [("stars", "2"), ("review", "Hola")]),
    ] {
        let shown = send_form(&shop, path, &[&typed[..], &[again]].concat()).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.text.contains("<html lang=\"es\">") && shown.text.contains("Hola"), "{path}: {}", shown.text);
        assert!(shown.header("set-cookie").starts_with("lang=es;"), "{path}");
    }
    let book = send_form(&shop, "/books/53/ratings?lang=es", &[again]).await;
    assert_eq!((book.status, book.header("location")), (303, "/books/53?lang=es"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_message_that_asks_for_a_book_is_filled_in() {
    let shop = Shop::open().await;
    let form = shop.get("/contact?ask=order&title=El%20t%C3%BAnel%20%3Cb%3E&isbn=9788420467283").await;
    assert_eq!(form.status, 200);
    assert!(form.text.contains("value=\"Encargo: El túnel &#60;b&#62;\""), "{}", form.text);
    assert!(form.text.contains("(ISBN 9788420467283)") && form.text.contains("content=\"noindex\""), "{}", form.text);
    for path in ["/contact?ask=steal&title=x", "/contact?ask=order", "/contact?ask=order&title=%FF"] {
        assert_eq!(shop.get(path).await.status, 200, "{path}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn texts_from_visitors_are_escaped() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let review = "<script>alert(1)</script> \u{202e}atrás";
    let location = shop.rate(book, &json!({ "stars": 1, "review": review, "name": "\"><img src=x>" })).await;
    shop.final_status(&location).await;
    let page = shop.get(&format!("/books/{book}/ratings")).await.text;
    assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    let search = shop.get("/books?q=%3Cscript%3Ealert(1)%3C/script%3E").await.text;
    assert!(!search.contains("<script>alert"), "{search}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_page_of_a_submission_tells_its_kind_whatever_its_address_says() {
    let shop = Shop::open().await;
    let rating = shop.rate(53, &json!({ "stars": 5 })).await;
    let message = json!({ "name": "Ana", "email": "ana@example.org", "subject": "Hola", "message": "¿Abren?" });
    let message = shop.post("/api/contact", &[], &message).await.header("location").to_owned();
    for (sent, heading, text) in [
        (rating, "Tu valoración", "Tu valoración ya está publicada."),
        (message, "Tu mensaje", "Hemos recibido tu mensaje"),
    ] {
        shop.final_status(&sent).await;
        for query in ["", "?book=53"] {
            let page = shop.get(&format!("{}{query}", sent.trim_start_matches("/api"))).await.text;
            assert!(page.contains(&format!("<h1>{heading}</h1>")) && page.contains(text), "{heading}{query}: {page}");
            assert_eq!(page.contains("href=\"/books/53\""), !query.is_empty(), "{heading}{query}");
        }
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_list_names_its_language_and_there_is_none_of_an_unknown_author() {
    let shop = Shop::open().await;
    for language in ["es", "spa", "ES"] {
        let page = shop.get(&format!("/books?language={language}")).await.text;
        assert!(page.contains("<h1>Español: "), "{language}: {page}");
        assert_eq!(page.matches("<option value=\"es\" selected>").count(), 1, "{language}");
        assert!(!page.contains(">spa"), "{language}");
    }
    for path in ["/books?author=999999999", "/books?author=999999999&q=quijote"] {
        assert_eq!(shop.get(path).await.status, 404, "{path}");
    }
}
