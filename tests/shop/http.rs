//! The HTTP layer: headers, conditional requests, and events that only AWS's own load balancer sends.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Shop};

/// Every path with its methods.
const ROUTES: &str = include_str!("../../functions/show-not-found/src/routes.txt");

#[ignore = "needs a local stage"]
#[tokio::test]
async fn every_answer_has_the_security_headers_and_a_request_id() {
    let shop = Shop::open().await;
    for path in ["/api/books?limit=1", "/api/books/999999999", "/api/submissions/made-up"] {
        let answer = shop.get(path).await;
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("x-request-id").starts_with("1-"), "{path}: {}", answer.header("x-request-id"));
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_matching_entity_tag_is_a_304() {
    let shop = Shop::open().await;
    let first = shop.get("/api/books?limit=1&sort=title").await;
    let tag = first.header("etag").to_owned();
    let headers = [("if-none-match", tag.as_str())];
    let second = shop.send(Method::GET, "/api/books?limit=1&sort=title", &headers, None).await;
    assert_eq!((second.status, second.text.as_str()), (304, ""));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn head_is_get_without_a_body() {
    let shop = Shop::open().await;
    let head = shop.send(Method::HEAD, "/api/books?limit=1", &[], None).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert!(!head.header("etag").is_empty());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_query_is_decoded_exactly_once() {
    let shop = Shop::open().await;
    let first = async |q: &str| {
        let answer = shop.invoke("anaquel-local-list-books", "GET", "/api/books", &[("q", q), ("limit", "1")]).await;
        assert_eq!(answer["statusCode"], 200, "{q}: {answer}");
        let body: serde_json::Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        body["items"][0]["title"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(first("C%2B%2B").await, "The C++ Programming Language");
    assert_eq!(first("yo+robot").await, "Yo, robot");
    assert_eq!(first("el%20t%C3%BAnel").await, "El túnel");
    assert_eq!(first("quijote%26limit%3D").await, "");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_value_that_is_not_utf_8_is_a_400_that_names_it() {
    let shop = Shop::open().await;
    let answer = shop.invoke("anaquel-local-list-books", "GET", "/api/books", &[("q", "%FF")]).await;
    assert_eq!(answer["statusCode"], 400);
    assert!(answer["body"].as_str().unwrap().contains("q: is not UTF-8"), "{answer}");
    let path = shop.invoke("anaquel-local-show-book", "GET", "/api/books/1%2Fratings", &[]).await;
    assert_eq!(path["statusCode"], 404);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_body_that_is_too_large_or_of_another_media_type_is_refused() {
    let shop = Shop::open().await;
    let large = json!({ "stars": 5, "review": "a".repeat(70_000) });
    assert_eq!(shop.post("/api/books/1/ratings", &[], &large).await.status, 413);
    let form = [("content-type", "text/plain")];
    assert_eq!(shop.send(Method::POST, "/api/books/1/ratings", &form, Some("stars=5".into())).await.status, 415);
    let json = [("content-type", "application/json")];
    let broken = shop.send(Method::POST, "/api/books/1/ratings", &json, Some("{\"stars\":".into())).await;
    assert_eq!(broken.status, 400, "{}", broken.text);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_post_from_another_site_is_refused() {
    let shop = Shop::open().await;
    let answer = shop.post("/api/books/1/ratings", &[("sec-fetch-site", "cross-site")], &json!({ "stars": 1 })).await;
    assert_eq!(answer.status, 403);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_page_passes_over_parameters_that_other_sites_add() {
    let shop = Shop::open().await;
    let canonical = |html: &str| {
        let rest = html.split("rel=\"canonical\" href=\"").nth(1).expect("a canonical address");
        rest.split('"').next().unwrap().replace(shop.url(), "").replace("&#38;", "&")
    };
    for (address, same) in [
        ("/?utm_source=x&fbclid=IwAR1", "/"),
        ("/books?utm_source=x", "/books"),
        ("/books?page=2&limit=5&cursor=", "/books"),
        ("/books?sort=&genre=classics&genre=classics&fbclid=1", "/books?genre=classics"),
        ("/books?sort=title&q%5B%5D=b&q=quijote", "/books?q=quijote&sort=title"),
        ("/genres?x=%22%3E", "/genres"),
        ("/contact?gclid=1", "/contact"),
        ("/books/1/ratings?fbclid=1&limit=3", "/books/1/ratings"),
    ] {
        let answer = shop.send(Method::GET, address, &[("accept-language", "es")], None).await;
        assert_eq!((answer.status, canonical(&answer.text).as_str()), (200, same), "{address}");
        assert!(!answer.text.contains("fbclid") && !answer.text.contains("utm_"), "{address}");
    }
    assert_eq!(shop.get("/api/books?utm_source=x").await.status, 400, "the API is strict");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn search_engines_list_books_and_genres_and_no_searches() {
    let shop = Shop::open().await;
    for (path, indexed) in [
        ("/", true),
        ("/books?utm_source=x", true),
        ("/books?genre=classics", true),
        ("/books?genre=nothing-has-it", false),
        ("/books?genre=classics&language=es", false),
        ("/books?q=quijote", false),
        ("/books?sort=title", false),
        ("/books?price_max=cheap", false),
        ("/books/999999999", false),
    ] {
        let robots = shop.get(path).await.header("x-robots-tag").to_owned();
        assert_eq!(robots, if indexed { "" } else { "noindex" }, "{path}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_slash_at_the_end_leads_to_the_address_without_it() {
    let shop = Shop::open().await;
    for path in
        ["/books", "/genres", "/contact", "/about", "/api-docs", "/api/books", "/api/books/1", "/books/1/ratings"]
    {
        let moved = shop.send(Method::HEAD, &format!("{path}/?lang=en"), &[], None).await;
        assert_eq!((moved.status, moved.header("location")), (301, format!("{path}?lang=en").as_str()), "{path}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn another_method_is_a_405_and_other_sites_may_read_the_api() {
    let shop = Shop::open().await;
    for (method, path, allow, kind) in [
        (Method::PUT, "/api/books", "GET, HEAD", "application/problem+json"),
        (Method::DELETE, "/api/books/1/ratings", "GET, HEAD, POST", "application/problem+json"),
        (Method::POST, "/books", "GET, HEAD", "text/html; charset=utf-8"),
        (Method::PATCH, "/contact", "GET, HEAD, POST", "text/html; charset=utf-8"),
    ] {
        let answer = shop.send(method, path, &[], None).await;
        let found = (answer.status, answer.header("allow"), answer.header("content-type"));
        assert_eq!(found, (405, allow, kind), "{path}");
    }
    let origin = ("origin", "https://other.example");
    let read = shop.send(Method::GET, "/api/books?limit=1", &[origin], None).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (200, "*"));
    let preflight = [origin, ("access-control-request-method", "GET")];
    let answer = shop.send(Method::OPTIONS, "/api/books", &preflight, None).await;
    assert_eq!((answer.status, answer.header("access-control-allow-methods")), (204, "GET, HEAD"));
    let preflight = [origin, ("access-control-request-method", "POST")];
    let answer = shop.send(Method::OPTIONS, "/api/contact", &preflight, None).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, ""));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn on_every_route_head_and_304_have_the_headers_of_get() {
    let shop = Shop::alone().await;
    let headers_of = |answer: &Answer, names: &[&str]| -> BTreeMap<String, String> {
        let all = answer.headers.keys().map(|name| name.as_str().to_owned());
        let kept = all.filter(|name| names.is_empty() || names.contains(&name.as_str()));
        let own = kept.filter(|name| !["x-request-id", "date", "content-length"].contains(&name.as_str()));
        own.map(|name| (name.clone(), answer.header(&name).to_owned())).collect()
    };
    // The emulator answers `/health` itself, each contact form has a key of its own, and each sign-in a state.
    let routes = ROUTES.lines().filter_map(|line| line.split_once(' '));
    let routes = routes.filter(|(path, _)| !["/health", "/contact", "/sign-in", "/staff/sign-in"].contains(path));
    for (path, _) in routes.filter(|(_, methods)| methods.contains("GET")) {
        let path = path.replace("{id}", "1").replace("{name}", "pages.xml");
        for encoding in ["", "gzip"] {
            let encoding = ("accept-encoding", encoding);
            let got = shop.send(Method::GET, &path, &[encoding], None).await;
            let head = shop.send(Method::HEAD, &path, &[encoding], None).await;
            assert_eq!((head.status, head.text.as_str()), (got.status, ""), "{path}");
            assert_eq!(headers_of(&head, &[]), headers_of(&got, &[]), "{path} {encoding:?}");
            if got.status == 200 {
                let asked = [encoding, ("if-none-match", got.header("etag"))];
                let known = shop.send(Method::GET, &path, &asked, None).await;
                let names = ["etag", "vary", "cache-control", "link", "access-control-allow-origin", "x-robots-tag"];
                assert_eq!(known.status, 304, "{path}");
                assert_eq!(headers_of(&known, &names), headers_of(&got, &names), "{path} {encoding:?}");
            }
        }
    }
}
