//! Sitemaps, the API document and spelling suggestions.

use serde_json::Value;
use xmlparser::{Token, Tokenizer};

use crate::{
    imports,
    support::{Shop, titles, variable},
};

/// The paths in a sitemap, all of this shop.
fn paths(xml: &str) -> Vec<String> {
    let shop = variable("ANAQUEL_SHOP_URL");
    let (mut element, mut paths) = ("", Vec::new());
    for token in Tokenizer::from(xml) {
        match token.expect("XML") {
            Token::ElementStart { local, .. } => element = local.as_str(),
            Token::Text { text } if element == "loc" => {
                paths.push(path(&shop, &text));
                element = "";
            }
            _ => {}
        }
    }
    paths
}

fn path(shop: &str, address: &str) -> String {
    let path = address.strip_prefix(shop.trim_end_matches('/'));
    path.unwrap_or_else(|| panic!("{address} is not of {shop}")).to_owned()
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn robots_txt_leads_to_a_sitemap_with_every_page() {
    let shop = Shop::open().await;
    let book = imports::new_book(&shop).await;
    let robots = shop.get("/robots.txt").await.text;
    let index = robots.lines().find_map(|line| line.strip_prefix("Sitemap: ")).expect("a sitemap");
    let index = shop.get(&path(&variable("ANAQUEL_SHOP_URL"), index)).await;
    assert_eq!((index.status, index.header("content-type")), (200, "application/xml"));
    assert_eq!(index.header("cache-control"), "public, max-age=86400");

    let mut pages = Vec::new();
    for part in paths(&index.text) {
        let part = shop.get(&part).await;
        assert_eq!((part.status, part.header("content-type")), (200, "application/xml"), "{}", part.text);
        assert!(part.text.len() < 1_000_000, "a load balancer accepts no larger answer");
        pages.extend(paths(&part.text));
    }
    let begins = |start: &str| pages.iter().filter(|page| page.starts_with(start)).cloned().collect::<Vec<_>>();
    let (books, authors) = (begins(&format!("/books/{book}-")), begins("/authors/"));
    assert_eq!(books.len(), 2, "in two languages: {books:?}");
    for page in pages[..12].iter().chain(&books).chain(authors.last()) {
        assert_eq!(shop.get(page).await.status, 200, "{page}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn an_unknown_part_of_the_sitemap_is_a_404() {
    let shop = Shop::open().await;
    for name in ["books-0.xml", "books-01.xml", "books-8000000.xml", "genres-1.xml", "pages.xml/x", "pages"] {
        assert_eq!(shop.get(&format!("/sitemaps/{name}")).await.status, 404, "{name}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_api_document_is_served_as_json_and_as_a_page() {
    let shop = Shop::open().await;
    let document = shop.get("/openapi.json").await;
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert_eq!(document.text, include_str!("../../docs/openapi.json"));
    let page = shop.get("/api-docs").await.text;
    assert!(page.contains("<link rel=\"service-desc\" type=\"application/json\" href=\"/openapi.json\">"), "{page}");
    assert!(page.contains("<a class=\"button\" href=\"/openapi.json\">"), "{page}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_misspelt_search_suggests_a_correction_within_the_same_filters() {
    let shop = Shop::open().await;
    for (typed, meant) in [("quijtoe", "quijote"), ("tolkein", "tolkien"), ("garcia+marqez", "garcia marquez")] {
        let nothing = shop.get(&format!("/api/books?q={typed}")).await.json();
        assert_eq!((titles(&nothing).len(), &nothing["did_you_mean"]), (0, &meant.into()), "{nothing}");
        let found = shop.get(&format!("/api/books?q={meant}")).await.json();
        assert!(!titles(&found).is_empty() && found.get("did_you_mean").is_none(), "{found}");
    }
    let page = shop.get("/books?q=quijtoe&language=es&sort=title&lang=en").await.text;
    let link = "Did you mean <a href=\"/books?language=es&#38;sort=title&#38;q=quijote\"><bdi>quijote</bdi></a>?";
    assert!(page.contains(link), "{page}");
    let crime = shop.get("/api/books?q=quijtoe&genre=crime").await.json();
    assert!(crime.get("did_you_mean").is_none(), "{crime}");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn the_beginning_of_a_query_leads_to_books_authors_genres_and_corrections() {
    let shop = Shop::open().await;
    let suggested = async |query: &str| shop.get(&format!("/api/suggestions?q={query}")).await.json();
    let names = |suggestions: &Value, kind: &str, field: &str| -> Vec<String> {
        suggestions[kind].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    let cervantes = suggested("cervan").await;
    assert_eq!(names(&cervantes, "authors", "name"), ["Miguel de Cervantes"]);
    assert!((1..=6).contains(&names(&cervantes, "books", "title").len()), "{cervantes}");
    assert_eq!(names(&suggested("poesia").await, "genres", "name"), ["Poesía"]);
    assert_eq!(names(&suggested("poet&lang=en").await, "genres", "name"), ["Poetry"]);
    assert_eq!(suggested("quijt").await["did_you_mean"], "quijote");
    assert!(names(&suggested("quijote").await, "authors", "name").is_empty(), "the query is no name");
    for (query, field) in [("q=", "q"), ("q=quijote&lang=fr", "lang")] {
        let problem = shop.get(&format!("/api/suggestions?{query}")).await;
        assert_eq!((problem.status, &problem.json()["errors"][0]["field"]), (400, &field.into()), "{query}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_search_without_hits_leads_to_a_genre_an_author_the_whole_shop_or_a_message() {
    let shop = Shop::open().await;
    let genre = shop.get("/books?q=poesia&price_max=0.01").await.text;
    assert!(genre.contains("<a href=\"/books?genre=poetry\">Poesía</a>"), "{genre}");
    let author = shop.get("/books?q=cervantes&genre=poetry&lang=en").await.text;
    assert!(author.contains("-miguel-de-cervantes\"><bdi>Miguel de Cervantes</bdi></a>"), "{author}");
    assert!(author.contains("<a href=\"/books?q=cervantes\">Without the filters: "), "{author}");
    let nothing = shop.get("/books?q=xyzzyq").await.text;
    assert!(nothing.contains("href=\"/contact") && !nothing.contains("class=\"related\""), "{nothing}");
}
