//! Lists, searches and single books.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Shop, titles};

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_shopper_finds_don_quijote_by_typing_quijote() {
    let shop = Shop::open().await;
    let page = shop.get("/api/books?q=quijote").await.json();
    assert_eq!(titles(&page)[0], "Don Quijote de la Mancha", "{page}");

    let id = page["items"][0]["id"].as_u64().unwrap();
    let book = shop.get(&format!("/api/books/{id}")).await.json();
    assert_eq!(book["authors"][0]["name"], "Miguel de Cervantes");
    assert_eq!(book["language"], "es");
    assert!(book["description"].as_str().is_some_and(|text| text.len() > 40));
    for name in [&format!("{id}-don-quijote"), "9788420467283", "978-84-204-6728-3", "8420467286"] {
        assert_eq!(book, shop.get(&format!("/api/books/{name}")).await.json(), "{name}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn paging_by_seven_returns_every_book_exactly_once_in_every_order() {
    let shop = Shop::alone().await;
    let mut counts = BTreeSet::new();
    for sort in ["popular", "title", "price"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = shop.get(&format!("/api/books?limit=7&sort={sort}{cursor}")).await.json();
            seen.extend(page["items"].as_array().unwrap().iter().map(|book| book["id"].as_u64().unwrap()));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let once: BTreeSet<_> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "{sort}");
        assert!(once.len() >= 200, "{sort}: {}", once.len());
        counts.insert(once.len());
    }
    assert_eq!(counts.len(), 1, "every order has the same books: {counts:?}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_invalid_parameter_is_a_400_that_names_it() {
    let shop = Shop::open().await;
    for (query, field) in [
        ("page=2", "page"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("sort=best", "sort"),
        ("cursor=nonsense", "cursor"),
        ("genre=Science+Fiction", "genre"),
        ("language=spanish", "language"),
        ("author=borges", "author"),
        ("min_rating=6", "min_rating"),
        ("price_max=cheap", "price_max"),
        ("in_stock=maybe", "in_stock"),
        ("facets=all", "facets"),
    ] {
        let answer = shop.get(&format!("/api/books?{query}")).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["errors"][0]["field"], field, "{query}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let shop = Shop::open().await;
    let page = shop.get("/api/books?limit=1&sort=title").await.json();
    let next = page["next"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/api/books?limit=1&sort=price&cursor={next}")).await.status, 400);
    assert_eq!(shop.get(&format!("/api/books?limit=1&sort=title&q=a&cursor={next}")).await.status, 400);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_unknown_book_is_a_404_problem() {
    let shop = Shop::open().await;
    for path in
        ["/api/books/999999999", "/api/books/0", "/api/books/abc", "/api/books/1/nothing", "/api/books/99999999999999"]
    {
        let answer = shop.get(path).await;
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (404, Some(404)), "{path}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn no_query_causes_a_server_error() {
    let shop = Shop::open().await;
    let long = "a".repeat(500);
    for query in
        ["%22", "'", "(((", "%2B%2B", "%F0%9F%98%80", "%25", "_", "\\\\", "it", "the", "%C3%B1and%C3%BA", &long]
    {
        let answer = shop.get(&format!("/api/books?q={query}")).await;
        assert!(matches!(answer.status, 200 | 400), "{query}: {} {}", answer.status, answer.text);
    }
}

/// How many books all slices of a list have.
async fn paged_through(shop: &Shop, list: &str) -> u64 {
    let (mut books, mut cursor) = (0, String::new());
    loop {
        let slice = shop.get(&format!("{list}&limit=100{cursor}")).await.json();
        books += slice["items"].as_array().unwrap().len() as u64;
        let Some(next) = slice["next"].as_str() else { return books };
        cursor = format!("&cursor={next}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn every_number_of_books_is_what_its_list_has_or_says_at_least() {
    let shop = Shop::alone().await;
    let searches = [
        "amor",
        "love",
        "the",
        "de%20la",
        "casa",
        "it",
        "quijote",
        "garcia",
        "jrr",
        "mar",
        "s",
        "el",
        "king",
        "austen",
        "harry%20potter",
        "que%20me",
        "1984",
        "a*",
        "poe",
        "sherlock",
    ];
    let lists = searches.map(|query| format!("/api/books?q={query}")).into_iter().chain(["/api/books?".to_owned()]);
    for list in lists {
        let whole = shop.get(&format!("{list}&facets=true")).await.json();
        let found = paged_through(&shop, &list).await;
        let total = whole["total"].as_u64().unwrap();
        let is_exact = whole["total_is_exact"] == true;
        assert!(if is_exact { total == found } else { total <= found }, "{list}: {total}, {found} on all slices");
        if found > 60 {
            continue; // One list of many books is enough, and the last one is.
        }
        assert_counts(&shop, &list, &whole["facets"]).await;
    }
    let whole = shop.get("/api/books?facets=true").await.json();
    assert_counts(&shop, "/api/books?", &whole["facets"]).await;
}

async fn assert_counts(shop: &Shop, list: &str, facets: &Value) {
    let counts = |facet: &str, parameter: &str| -> Vec<(String, u64)> {
        let counts = facets[facet].as_array().unwrap().iter();
        counts
            .map(|count| {
                (format!("{parameter}={}", count["value"].as_str().unwrap()), count["count"].as_u64().unwrap())
            })
            .collect()
    };
    let in_stock = [("in_stock=true".to_owned(), facets["in_stock"].as_u64().unwrap())];
    let all = [
        counts("genres", "genre"),
        counts("languages", "language"),
        counts("min_rating", "min_rating"),
        counts("price_max", "price_max"),
        in_stock.to_vec(),
    ]
    .concat();
    for (filter, count) in all {
        let found = paged_through(shop, &format!("{list}&{filter}")).await;
        assert_eq!((facets["is_exact"] == true, count), (true, found), "{list}&{filter}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn filters_and_facets_agree() {
    let shop = Shop::open().await;
    let page =
        shop.get("/api/books?genre=science-fiction&language=es&in_stock=true&facets=true&limit=100").await.json();
    let items = page["items"].as_array().unwrap();
    assert!(!items.is_empty());
    assert!(items.iter().all(|book| book["language"].as_str().is_some_and(|tag| tag.starts_with("es"))));
    assert!(items.iter().all(|book| book["stock"].as_u64() > Some(0)));
    assert_eq!(page["facets"]["in_stock"].as_u64(), Some(items.len() as u64));
    // The other genres are counted without this one.
    let genres = page["facets"]["genres"].as_array().unwrap();
    let own = genres.iter().find(|genre| genre["value"] == "science-fiction").expect("the chosen genre");
    assert_eq!((own["count"].as_u64(), genres.len() > 1), (Some(items.len() as u64), true), "{genres:?}");
    assert!(shop.get("/api/books?limit=1").await.json()["facets"].is_null());

    let cheap = shop.get("/api/books?price_max=9&sort=price&limit=100").await.json();
    assert!(cheap["items"].as_array().unwrap().iter().all(|book| book["price"]["minor"].as_u64() <= Some(900)));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn books_are_read_by_their_numbers_in_the_order_asked_for() {
    let shop = Shop::open().await;
    let isbn = shop.get("/api/books/53").await.json()["isbn"].as_str().expect("an ISBN").to_owned();
    for (query, expected) in [
        ("ids=53,999999999,1", vec![53, 1]),
        ("ids=1&ids=53&ids=1", vec![1, 53]),
        (&format!("isbn={isbn}"), vec![53]),
        ("ids=53,1&limit=24&in_stock=false&facets=false", vec![53, 1]),
        ("isbn=9780000000002", vec![]),
    ] {
        let answer = shop.get(&format!("/api/books?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
        let books = answer.json();
        let ids: Vec<u64> = books["items"].as_array().unwrap().iter().filter_map(|book| book["id"].as_u64()).collect();
        assert_eq!(
            (ids.len(), &books["next"], &books["total"]),
            (expected.len(), &Value::Null, &expected.len().into())
        );
        assert_eq!(ids, expected, "{query}");
    }
    assert_eq!(shop.get("/api/books?ids=1&sort=title").await.status, 400);
    assert_eq!(shop.get(&format!("/api/books/{isbn}/ratings")).await.status, 200);
    let page = shop.get(&format!("/books/{isbn}/ratings?lang=en")).await;
    assert_eq!((page.status, page.header("location")), (301, "/books/53/ratings?lang=en"));
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn genres_and_authors_are_there_as_json() {
    let shop = Shop::open().await;
    let genres = shop.get("/api/genres").await.json();
    let genre = &genres["items"][0];
    assert!(genre["books"].as_u64() > Some(0), "{genre}");
    assert!(genre["url"].as_str().unwrap().ends_with(&format!("/books?genre={}", genre["genre"].as_str().unwrap())));

    let book = shop.get("/api/books/53").await.json();
    let author = shop.get(&format!("/api/authors/{}?limit=1", book["authors"][0]["id"])).await;
    assert_eq!(author.status, 200, "{}", author.text);
    let author = author.json();
    assert_eq!(author["name"], book["authors"][0]["name"]);
    assert!(author["url"].as_str().unwrap().starts_with(shop.url()), "{author}");
    assert_eq!(author["books"]["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(shop.get("/api/authors/999999999").await.status, 404);
    assert_eq!(shop.get("/api/authors/x").await.status, 404);
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_program_follows_the_changes_of_the_shop() {
    let shop = Shop::open().await;
    let mut address = "/api/books?updated_since=2020-01-01T00:00:00Z&limit=100".to_owned();
    let (mut times, mut ids) = (Vec::new(), BTreeSet::new());
    loop {
        let answer = shop.get(&address).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for book in answer.json()["items"].as_array().unwrap() {
            times.push(book["updated_at"].as_str().unwrap().to_owned());
            ids.insert(book["id"].as_u64().unwrap());
        }
        let Some(next) = answer.header("link").strip_prefix('<') else { break };
        address = next.strip_suffix(">; rel=\"next\"").expect("the next slice").to_owned();
    }
    assert!(ids.len() > 300, "{}", ids.len());
    let last = times.last().unwrap();
    let newest = shop.get(&format!("/api/books?updated_since={last}&limit=1")).await.json();
    assert_eq!(newest["items"].as_array().map(Vec::len), Some(1));
}
