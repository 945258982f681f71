//! Requests of shoppers, drawn at random from a sample of the catalogue.
//!
//! Few books get most of the visits: the place of a book among the samples is the cube of a random number, so that the first
//! tenth of the books gets 46 % of them.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use frontend::links;
use rand::{Rng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::domain::{Author, words};
use uuid::Uuid;

/// Classes with their weights.
type Weighted = &'static [(Class, u32)];

/// Shares of the classes of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mix {
    /// Pages that need no search: home, lists, books, authors, ratings.
    Browse,
    /// Searches, and suggestions while somebody types.
    Search,
    /// Ratings.
    Rate,
    /// Orders of one copy.
    Order,
    /// 90 % browsing and searching, 8 % ratings, 2 % orders.
    Mixed,
    /// Half reading, and five ratings for each order.
    Drill,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    Home,
    List,
    Genre,
    Book,
    Author,
    Ratings,
    Genres,
    Search,
    Suggestion,
    Rating,
    Order,
}

const BROWSE: Weighted = &[
    (Class::Home, 15),
    (Class::List, 12),
    (Class::Genre, 10),
    (Class::Book, 45),
    (Class::Author, 8),
    (Class::Ratings, 7),
    (Class::Genres, 3),
];
const SEARCH: Weighted = &[(Class::Search, 70), (Class::Suggestion, 30)];
const RATE: Weighted = &[(Class::Rating, 1)];
const ORDER: Weighted = &[(Class::Order, 1)];
/// 900 reads and 100 writes.
const MIXED: Weighted = &[
    (Class::Home, 105),
    (Class::List, 84),
    (Class::Genre, 70),
    (Class::Book, 315),
    (Class::Author, 56),
    (Class::Ratings, 49),
    (Class::Genres, 21),
    (Class::Search, 140),
    (Class::Suggestion, 60),
    (Class::Rating, 80),
    (Class::Order, 20),
];

const DRILL: Weighted = &[
    (Class::Home, 10),
    (Class::List, 10),
    (Class::Book, 20),
    (Class::Search, 10),
    (Class::Rating, 41),
    (Class::Order, 9),
];

/// Sorts of a list, as the shop's form names them.
const SORTS: &[&str] = &["popular", "newest", "rating", "title", "price"];

impl Mix {
    /// Those of load tests.
    pub const ALL: [Self; 5] = [Self::Browse, Self::Search, Self::Rate, Self::Order, Self::Mixed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Search => "search",
            Self::Rate => "rate",
            Self::Order => "order",
            Self::Mixed => "mixed",
            Self::Drill => "drill",
        }
    }

    fn weighted(self) -> Weighted {
        match self {
            Self::Browse => BROWSE,
            Self::Search => SEARCH,
            Self::Rate => RATE,
            Self::Order => ORDER,
            Self::Mixed => MIXED,
            Self::Drill => DRILL,
        }
    }

    /// The functions that serve it.
    pub fn functions(self) -> BTreeSet<&'static str> {
        self.weighted().iter().map(|(class, _)| class.function()).collect()
    }

    /// Whether it has requests that the shop stores.
    pub fn writes(self) -> bool {
        self.weighted().iter().any(|(class, _)| class.is_write())
    }

    /// Whether it places orders, of which the shop sends mails.
    pub fn orders(self) -> bool {
        self.weighted().iter().any(|(class, _)| *class == Class::Order)
    }

    fn draw(self, random: &mut StdRng) -> Class {
        let weighted = self.weighted();
        let mut left = random.random_range(0..weighted.iter().map(|(_, weight)| weight).sum::<u32>());
        for (class, weight) in weighted {
            if left < *weight {
                return *class;
            }
            left -= weight;
        }
        weighted[0].0
    }
}

impl Class {
    /// The function that serves it.
    pub fn function(self) -> &'static str {
        match self {
            Self::Home => "show-home",
            Self::List | Self::Genre | Self::Search | Self::Suggestion => "list-books",
            Self::Book => "show-book",
            Self::Author => "show-author",
            Self::Ratings => "list-ratings",
            Self::Genres => "list-genres",
            Self::Rating => "submit-rating",
            Self::Order => "place-order",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::Home => "home page",
            Self::List => "list",
            Self::Genre => "list of a genre",
            Self::Book => "book",
            Self::Author => "author",
            Self::Ratings => "ratings of a book",
            Self::Genres => "genres",
            Self::Search => "search",
            Self::Suggestion => "suggestions",
            Self::Rating => "rating",
            Self::Order => "order",
        }
    }

    /// Whether the shop stores it.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Rating | Self::Order)
    }

    /// The status of its success.
    pub fn success(self) -> u16 {
        if self.is_write() { 202 } else { 200 }
    }
}

/// One request of a shopper.
#[derive(Debug, Clone)]
pub struct Request {
    pub class: Class,
    /// With its query.
    pub path: String,
    /// JSON of a `POST` with an idempotency key; a request without one is a `GET`.
    pub body: Option<Value>,
    pub key: Uuid,
}

impl Request {
    pub fn method(&self) -> &'static str {
        if self.body.is_some() { "POST" } else { "GET" }
    }
}

/// A book of the sample.
#[derive(Debug, Clone)]
pub struct SampledBook {
    pub id: u32,
    pub title: String,
    pub author: Option<Author>,
    pub genre: Option<String>,
    /// In the smallest unit of the currency; none for a book that nobody can buy.
    pub price: Option<u32>,
}

/// Books to visit, rate and order, and words to search for.
pub struct Samples {
    books: Vec<SampledBook>,
    words: Vec<String>,
    currency: String,
    /// Receives the mails of orders; `{}` is a number, so that each order has a mailbox of its own.
    email: String,
}

impl Samples {
    /// # Errors
    /// There are no books, or none of a list that a mix needs.
    pub fn of(books: Vec<SampledBook>, currency: &str, email: &str) -> Result<Self> {
        ensure!(!books.is_empty(), "the shop has no books; import some");
        let words: Vec<String> = books
            .iter()
            .flat_map(|book| words::groups(&book.title))
            .flat_map(|group| group.as_written().into_iter().map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| word.chars().count() >= 4)
            .collect();
        ensure!(!words.is_empty(), "no title has a word of four letters; import books");
        Ok(Self { books, words, currency: currency.to_owned(), email: email.to_owned() })
    }

    /// Whether shoppers find a book that they can order.
    pub fn have_price(&self) -> bool {
        self.books.iter().any(|book| book.price.is_some())
    }

    /// The next request.
    ///
    /// # Errors
    /// The mix has orders, and no book of the sample can be bought.
    pub fn draw(&self, mix: Mix, random: &mut StdRng) -> Result<Request> {
        let class = mix.draw(random);
        let book = self.book(random);
        let (path, body) = match class {
            Class::Home => ("/".to_owned(), None),
            Class::List => (format!("/books?sort={}", SORTS[random.random_range(0..SORTS.len())]), None),
            Class::Genre => {
                (book.genre.as_ref().map_or("/books".to_owned(), |genre| format!("/books?genre={genre}")), None)
            }
            Class::Book => (links::book(book.id, &book.title), None),
            Class::Author => (book.author.as_ref().map_or("/books".to_owned(), links::author), None),
            Class::Ratings => (format!("/books/{}/ratings", book.id), None),
            Class::Genres => ("/genres".to_owned(), None),
            Class::Search => (search("/books", &self.words(random)), None),
            Class::Suggestion => (search("/api/suggestions", &self.beginning(random)), None),
            Class::Rating => (format!("/api/books/{}/ratings", book.id), Some(rating(random))),
            Class::Order => ("/api/orders".to_owned(), Some(self.order(random)?)),
        };
        // A list of a sample without genre or author is a list all the same.
        let class = if path == "/books" { Class::List } else { class };
        // Not of the seed: on a database that stays, the shop would take a second test for a repetition of the first.
        Ok(Request { class, path, body, key: Uuid::new_v4() })
    }

    fn book(&self, random: &mut StdRng) -> &SampledBook {
        &self.books[skewed(self.books.len(), random)]
    }

    /// One word of a title, or two.
    fn words(&self, random: &mut StdRng) -> String {
        let first = &self.words[skewed(self.words.len(), random)];
        if random.random_bool(0.6) {
            return first.clone();
        }
        format!("{first} {}", self.words[random.random_range(0..self.words.len())])
    }

    fn beginning(&self, random: &mut StdRng) -> String {
        let word = &self.words[skewed(self.words.len(), random)];
        word.chars().take(random.random_range(2..=4)).collect()
    }

    fn order(&self, random: &mut StdRng) -> Result<Value> {
        let first = random.random_range(0..self.books.len());
        let book = self.books[first..].iter().chain(&self.books[..first]).find(|book| book.price.is_some());
        let book = book.context("no book of the sample can be bought; import books with prices and stock")?;
        let email = self.email.replace("{}", &random.random::<u32>().to_string());
        let price = json!({ "minor": book.price, "currency": self.currency });
        Ok(json!({
            "lines": [{ "book": book.id, "quantity": 1, "unit_price": price }],
            "delivery": "collect",
            "payment": "on_collection",
            "contact": { "name": "Load test", "email": email },
            "total": price,
        }))
    }
}

fn search(path: &str, text: &str) -> String {
    format!("{path}?{}", links::query([("q", text)].into_iter()))
}

fn rating(random: &mut StdRng) -> Value {
    json!({ "stars": random.random_range(1..=5), "name": "Load test" })
}

/// A place below `count`, of which the first ones are drawn most often.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "of a few thousand places"
)]
fn skewed(count: usize, random: &mut StdRng) -> usize {
    let place = (count as f64 * random.random::<f64>().powi(3)) as usize;
    place.min(count - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;

    use super::*;

    fn samples(price: Option<u32>) -> Samples {
        let book = |id| SampledBook {
            id,
            title: format!("La sombra número {id}"),
            author: Some(Author { id: 7.into(), name: "Ana Ruiz".to_owned() }),
            genre: Some("classics".to_owned()),
            price,
        };
        Samples::of((1..=1_000).map(book).collect(), "EUR", "ana@example.org").unwrap()
    }

    fn drawn(mix: Mix) -> Vec<Request> {
        let (samples, mut random) = (samples(Some(1_995)), StdRng::seed_from_u64(1));
        (0..10_000).map(|_| samples.draw(mix, &mut random).unwrap()).collect()
    }

    #[test]
    fn nine_in_ten_requests_of_the_mixed_load_read() {
        let requests = drawn(Mix::Mixed);
        let writes = requests.iter().filter(|request| request.method() == "POST").count();
        assert!((900..1_100).contains(&writes), "{writes}");
        let orders = requests.iter().filter(|request| request.class == Class::Order).count();
        assert!((140..260).contains(&orders), "{orders}");
    }

    #[test]
    fn every_weight_of_a_mix_is_drawn() {
        for mix in Mix::ALL {
            let drawn: BTreeMap<Class, usize> = drawn(mix).iter().fold(BTreeMap::new(), |mut counts, request| {
                *counts.entry(request.class).or_default() += 1;
                counts
            });
            let weighted: BTreeMap<Class, u32> = mix.weighted().iter().copied().collect();
            assert!(drawn.keys().eq(weighted.keys()), "{}: {drawn:?}", mix.name());
        }
    }

    #[test]
    fn the_first_tenth_of_the_books_gets_almost_half_of_the_visits() {
        let mut random = StdRng::seed_from_u64(1);
        let first = (0..10_000).filter(|_| skewed(1_000, &mut random) < 100).count();
        assert!((4_400..4_900).contains(&first), "{first}");
    }

    #[test]
    fn two_requests_have_different_keys_so_that_none_is_taken_for_a_repetition() {
        let requests = drawn(Mix::Rate);
        assert_ne!(requests[0].key, requests[1].key);
    }

    #[test]
    fn an_order_needs_a_book_with_a_price() {
        let (samples, mut random) = (samples(None), StdRng::seed_from_u64(1));
        assert!(!samples.have_price());
        let error = samples.draw(Mix::Order, &mut random).unwrap_err().to_string();
        assert!(error.starts_with("no book of the sample can be bought"), "{error}");
    }
}
