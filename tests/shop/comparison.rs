//! The same requests by two ways, and what must be the same in their answers.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderName},
    redirect::Policy,
};
use serde_json::json;

use crate::support::{Shop, http};

const ROUTES: &str = include_str!("../../functions/show-not-found/src/routes.txt");

/// Paths that stay with functions.
const ON_LAMBDA: [&str; 4] = ["/sign-in", "/sign-out", "/staff", "/health"];

/// Headers that belong to a connection or to a moment.
const NOT_COMPARED: [&str; 6] =
    ["apigw-requestid", "connection", "content-length", "date", "server", "transfer-encoding"];

/// A client that knows the load balancer's name.
pub fn client_of(shop: &Shop) -> Client {
    let address = shop.endpoint().trim_start_matches("http://").parse().unwrap();
    let client = http().resolve("anaquel.alb.localhost", address).no_proxy();
    client.redirect(Policy::none()).build().unwrap()
}

/// A request of the comparison.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<String>,
}

/// What is compared of an answer: status, headers and body.
#[derive(Debug, PartialEq)]
pub struct Compared {
    pub status: u16,
    pub headers: BTreeMap<String, Vec<String>>,
    pub body: String,
}

/// One way to the shop.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    pub client: &'a Client,
    /// `http://127.0.0.1:8080`
    pub base: &'a str,
    /// The header.
    pub host: &'a str,
    /// A header that leads to it.
    pub by: Option<(&'static str, &'a str)>,
    /// Makes answers of both ways the same in what may be different.
    pub without_own: &'a dyn Fn(&mut Compared),
}

/// How the answers of two ways differ. Tests of other processes change books meanwhile, so the first way is asked before and after
/// the other one, and both again if its own two answers differ.
pub async fn difference(one: &Way<'_>, other: &Way<'_>, asked: &Asked) -> Option<String> {
    let mut found = None;
    for _ in 0..20 {
        let (before, id) = one.answer(asked, None).await;
        found = before.difference(&other.answer(asked, Some(&id)).await.0);
        let reads = matches!(asked.method, Method::GET | Method::HEAD);
        if found.is_none() || !reads || before.difference(&one.answer(asked, Some(&id)).await.0).is_none() {
            break;
        }
    }
    found
}

impl Way<'_> {
    async fn answer(&self, asked: &Asked, trace: Option<&str>) -> (Compared, String) {
        let mut asked = asked.clone();
        asked.headers.extend(self.by.map(|(name, value)| (name, value.to_owned())));
        let (mut compared, id) = answer(self.client, self.base, self.host, &asked, trace).await;
        (self.without_own)(&mut compared);
        (compared, id)
    }
}

/// An answer with the id of its request; `trace` gives the request that of another one.
async fn answer(client: &Client, base: &str, host: &str, asked: &Asked, trace: Option<&str>) -> (Compared, String) {
    let mut request = client.request(asked.method.clone(), format!("{base}{}", asked.path)).header("host", host);
    for (name, value) in &asked.headers {
        request = request.header(*name, value);
    }
    if let Some(trace) = trace {
        request = request.header("x-amzn-trace-id", format!("Root={trace}"));
    }
    if let Some(body) = &asked.body {
        request = request.body(body.clone());
    }
    let answer = request.send().await.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    (Compared { status, headers: compared(&headers), body: without_ids(&String::from_utf8_lossy(&body)) }, id)
}

fn compared(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let names = headers.keys().map(HeaderName::as_str).filter(|name| !NOT_COMPARED.contains(name));
    let values = |name: &str| {
        headers.get_all(name).iter().map(|value| without_ids(&String::from_utf8_lossy(value.as_bytes()))).collect()
    };
    names.map(|name| (name.to_owned(), values(name))).collect()
}

/// With `ID` for each run of at least twenty characters of identifiers with a digit or a capital letter: ids and keys are new in each answer.
fn without_ids(text: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
            run.push(c);
            continue;
        }
        // The mark of a visitor's cookie may have no digit, but then it has capital letters.
        let is_id = run.len() >= 20 && run.bytes().any(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        shown.push_str(if is_id { "ID" } else { &run });
        run.clear();
        shown.push(c);
    }
    shown.pop();
    shown
}

impl Compared {
    /// What is different in the other one, in short.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let mut found = Vec::new();
        if self.status != other.status {
            found.push(format!("status {} and {}", self.status, other.status));
        }
        let names: BTreeSet<&String> = self.headers.keys().chain(other.headers.keys()).collect();
        for name in names {
            let (one, another) = (self.headers.get(name), other.headers.get(name));
            if one != another {
                found.push(format!("{name}: {one:?} and {another:?}"));
            }
        }
        if self.body != other.body {
            let at = self.body.bytes().zip(other.body.bytes()).take_while(|(one, another)| one == another).count();
            let part = |body: &str| {
                String::from_utf8_lossy(body.as_bytes().get(at.saturating_sub(40)..).unwrap_or_default())
                    .chars()
                    .take(100)
                    .collect::<String>()
            };
            found.push(format!("body …{:?} and …{:?}", part(&self.body), part(&other.body)));
        }
        (!found.is_empty()).then(|| found.join("; "))
    }
}

/// Good and bad requests for each route. None has an encoded path or query: the emulator decodes both,
/// and unit tests of `Request` cover them.
pub fn requests() -> Vec<Asked> {
    let form = ("content-type", "application/x-www-form-urlencoded".to_owned());
    let json = ("content-type", "application/json".to_owned());
    let get = |path: &str| Asked { path: path.to_owned(), ..Asked::default() };
    let mut requests = Vec::new();
    for line in ROUTES.lines() {
        let (route, _) = line.split_once(' ').unwrap();
        if ON_LAMBDA.iter().any(|path| route.starts_with(path)) {
            continue;
        }
        for value in ["53", "nobody", "00000000-0000-8000-8000-000000000000"] {
            let filled = |part: &'static str| if part.starts_with('{') { value } else { part };
            let path = route.split('/').map(filled).collect::<Vec<_>>().join("/");
            for method in ["GET", "HEAD", "POST", "PUT"] {
                let method: Method = method.parse().unwrap();
                let has_body = method == Method::POST;
                let asked = Asked { method, ..get(&path) };
                requests.push(asked.clone());
                if has_body {
                    let bodies =
                        [(&form, "stars=9&quantity=x"), (&json, "{\"stars\":9}"), (&json, "{"), (&form, "%FF=1")];
                    requests.extend(bodies.map(|(kind, body)| Asked {
                        headers: vec![kind.clone()],
                        body: Some(body.to_owned()),
                        ..asked.clone()
                    }));
                }
            }
            if !route.contains('{') {
                break;
            }
        }
        requests.push(get(&format!("{}?limit=3&limit=4&cursor=x&q=&lang=en", route.replace(['{', '}'], ""))));
    }
    for path in [
        "/books?q=quijote&sort=title",
        "/books?q=don+quijote&genre=fantasy&genre=horror",
        "/api/books?limit=5&q=la",
        "/api/books?unknown=1",
        "/api/suggestions?q=qui",
        "/books/",
        "//books//53",
        "/books/53/",
        "/nothing/here",
        "/API/books",
        "/api/nothing",
    ] {
        requests.push(get(path));
        let headers = [
            ("accept-encoding", "gzip"),
            ("accept-language", "en"),
            ("cookie", "lang=en; visitor=x"),
            ("origin", "https://a.example"),
        ];
        requests.extend(headers.map(|(name, value)| Asked { headers: vec![(name, value.to_owned())], ..get(path) }));
        requests.push(Asked { method: Method::HEAD, ..get(path) });
    }
    let rated = |body: String| Asked {
        method: Method::POST,
        headers: vec![json.clone()],
        body: Some(body),
        ..get("/api/books/53/ratings")
    };
    requests.push(rated(json!({ "stars": 4 }).to_string()));
    requests.push(rated(json!({ "stars": 4, "review": "a".repeat(70_000) }).to_string()));
    let sent = |body: &str| Asked {
        method: Method::POST,
        headers: vec![form.clone()],
        body: Some(body.to_owned()),
        ..get("/contact")
    };
    requests.push(sent("name=Ana&email=ana%40example.com&message=Hola"));
    requests.push(sent(&format!("name=Ana&message={}", "a".repeat(70_000))));
    requests
}
