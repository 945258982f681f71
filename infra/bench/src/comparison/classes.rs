//! The classes of requests: every list, filter, order and kind of search, each where it has the most to read.

use std::collections::HashMap;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use frontend::links;
use generated_catalogue::{GeneratedBook, PROLIFIC_AUTHOR, TIED_TITLE};
use serde_json::{Value, json};
use shared::{
    domain::{Author, AuthorId, Currency, Cursor, Filter, Genre, Language, Search, Sort},
    http::Query,
    repo::books::{self, Listing},
};
use sqlx::MySqlConnection;

use super::SMALL;
use crate::cases::{Case, Sql, by, get, most_popular};

/// A request with its function.
pub struct Class {
    pub function: &'static str,
    pub case: Case,
}

/// Lists and searches with their parameters: the label, and what is asked for.
type Asked<'a> = (&'static str, &'a [(&'a str, &'a str)]);

const LISTS: &[Asked] = &[
    ("most popular", &[]),
    ("sort=rating", &[("sort", "rating")]),
    ("sort=newest", &[("sort", "newest")]),
    ("sort=title", &[("sort", "title")]),
    ("sort=price", &[("sort", "price")]),
    ("genre=fiction", &[("genre", "fiction")]),
    ("genre=fiction, newest", &[("genre", "fiction"), ("sort", "newest")]),
    ("genre=fiction, language=es", &[("genre", "fiction"), ("language", "es")]),
    ("genre=fiction, in stock", &[("genre", "fiction"), ("in_stock", "true")]),
    ("genre=essay", &[("genre", "essay")]),
    ("genre=essay, newest", &[("genre", "essay"), ("sort", "newest")]),
    ("genre=essay, language=es", &[("genre", "essay"), ("language", "es")]),
    ("genre=essay, in stock", &[("genre", "essay"), ("in_stock", "true")]),
    ("genre=heraldry", &[("genre", "heraldry")]),
    ("genre=heraldry, newest", &[("genre", "heraldry"), ("sort", "newest")]),
    ("genre=heraldry, language=es", &[("genre", "heraldry"), ("language", "es")]),
    ("genre=heraldry, in stock", &[("genre", "heraldry"), ("in_stock", "true")]),
    ("language=es", &[("language", "es")]),
    ("language=eu", &[("language", "eu")]),
    ("in stock", &[("in_stock", "true")]),
    ("price_max=5", &[("price_max", "5")]),
    ("min_rating=4.5", &[("min_rating", "4.5")]),
];

const SEARCHES: &[Asked] = &[
    ("q=love", &[("q", "love")]),
    ("q=casa mar", &[("q", "casa mar")]),
    ("q=maria garcia", &[("q", "maria garcia")]),
    ("q=john", &[("q", "john")]),
    ("q=mar", &[("q", "mar")]),
    ("q=que me", &[("q", "que me")]),
    ("q=it", &[("q", "it")]),
    ("q=selfportrait", &[("q", "selfportrait")]),
    ("q=sobmra (typing error)", &[("q", "sobmra")]),
    ("q=love, language=es", &[("q", "love"), ("language", "es")]),
    ("q=love, genre=essay", &[("q", "love"), ("genre", "essay")]),
    ("q=love, price_max=5", &[("q", "love"), ("price_max", "5")]),
];

/// The sort of a list, and the key of its largest tie: no ratings, the mean without ratings, no year, a title, no price.
fn ties() -> [(&'static str, &'static str, Value); 5] {
    [
        ("in a tie, sort=popular", "popular", json!(0)),
        ("in a tie, sort=rating", "rating", json!(generated_catalogue::score([0; 5]))),
        ("in a tie, sort=newest", "newest", json!(i16::MIN)),
        ("in a tie, sort=title", "title", json!(TIED_TITLE)),
        ("in a tie, sort=price", "price", json!(u32::MAX)),
    ]
}

/// All classes, in the same order for every catalogue.
pub async fn classes(database: &mut MySqlConnection, catalogue: u32) -> Result<Vec<Class>> {
    let mut lists = LISTS.iter().map(|(label, asked)| list(label, asked)).collect::<Result<Vec<_>>>()?;
    for (label, sort, key) in ties() {
        lists.push(in_tie(database, label, sort, &key, catalogue / 2).await?);
    }
    let author = prolific_author(database).await?;
    lists.push(list("author of 1 %", &[("author", &author.id.to_string())])?);
    for (label, asked) in SEARCHES {
        lists.push(list(label, asked)?);
    }
    let samples = Samples::of(&generated_catalogue::books(SMALL).collect::<Vec<_>>())?;
    lists.push(list("a rare word", &[("q", &samples.rare_word)])?);
    lists.push(list("a title, unpopular", &[("q", &samples.unpopular_title)])?);
    lists.extend(pages()?);

    let of = |function| move |case| Class { function, case };
    let mut all: Vec<Class> = lists.into_iter().map(of("list-books")).collect();
    all.extend(others(database, &author).await?);
    Ok(all)
}

/// The classes of the other functions.
async fn others(database: &mut MySqlConnection, author: &Author) -> Result<Vec<Class>> {
    let book = most_popular(database).await?;
    let (id, writer) = (book.summary.id, book.authors.first().context("the most popular book has no author")?);
    let page = links::book(id, &book.summary.title);
    Ok(vec![
        Class { function: "show-home", case: get("home page", "/", Sql::Home) },
        Class { function: "show-book", case: get("a book", &format!("/api/books/{id}"), Sql::Book(id)) },
        Class { function: "show-book", case: get("a book's page", &page, Sql::BookPage(id, by(writer.id, 7))) },
        Class {
            function: "show-author",
            case: get("page of the author of 1 %", &links::author(author), Sql::Author(author.id, by(author.id, 48))),
        },
        Class { function: "list-genres", case: get("all genres", "/genres", Sql::Genres) },
        Class { function: "list-addresses", case: get("sitemap part", "/sitemaps/books-1.xml", Sql::Sitemap) },
    ])
}

/// A request for a list with these parameters.
fn list(label: &'static str, asked: &[(&str, &str)]) -> Result<Case> {
    let address = links::address("/api/books", asked.iter().copied());
    Ok(get(label, &address, Sql::ListAndCorrection(listing(asked)?)))
}

/// The list as a page, whose facets count a thousand hits.
fn pages() -> Result<[Case; 2]> {
    let page = |label, asked: &[(&str, &str)]| {
        let address = links::address("/books", asked.iter().copied());
        anyhow::Ok(get(label, &address, Sql::ListAndFacets(listing(asked)?)))
    };
    Ok([page("page", &[])?, page("page, q=love", &[("q", "love")])?])
}

/// A list that continues in the middle of its largest tie.
async fn in_tie(database: &mut MySqlConnection, label: &'static str, sort: &str, key: &Value, id: u32) -> Result<Case> {
    let sorted = [("sort", sort)];
    let first = books::list(database, &listing(&sorted)?).await?;
    let cursor = moved(&first.next.context("the catalogue has only one page")?, key, id)?;
    let [sort] = sorted;
    let address = links::address("/api/books", [sort, ("cursor", cursor.as_str())].into_iter());
    Ok(get(label, &address, Sql::List(listing(&[sort])?.after(&cursor)?)))
}

/// The cursor of the same list behind another row.
fn moved(cursor: &str, key: &Value, id: u32) -> Result<String> {
    let mut cursor: Cursor<Value> = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(cursor)?)?;
    cursor.keys = json!([key, id]);
    Ok(cursor.encode())
}

/// The listing of `GET /api/books` with these parameters.
fn listing(asked: &[(&str, &str)]) -> Result<Listing> {
    let get = |name: &str| asked.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let search = get("q").map(Search::parse).transpose()?;
    let filter = Filter {
        genre: get("genre").map(Genre::parse).transpose()?,
        language: get("language").map(Language::parse).transpose()?,
        author: get("author").map(Filter::author).transpose()?,
        min_score: get("min_rating").map(Filter::min_score).transpose()?,
        max_price: get("price_max").map(|text| Filter::max_price(text, Currency::EUR)).transpose()?,
        in_stock: get("in_stock").is_some(),
    };
    let usual = if search.is_some() { Sort::Relevance } else { Sort::Popular };
    let sort = get("sort").map(Sort::parse).transpose()?.unwrap_or(usual);
    Ok(Listing::new(search, filter, sort, Query::USUAL_LIMIT))
}

async fn prolific_author(database: &mut MySqlConnection) -> Result<Author> {
    let id = "select id from authors where name = ?";
    let id: u32 =
        sqlx::query_scalar(id).bind(PROLIFIC_AUTHOR).fetch_one(database).await.context("the author of 1 %")?;
    Ok(Author { id: AuthorId::from(id), name: PROLIFIC_AUTHOR.to_owned() })
}

/// Queries from the books of the small catalogue, with which every other one begins.
struct Samples {
    /// A word of one title.
    rare_word: String,
    /// A title of a book that nobody rated, of several words.
    unpopular_title: String,
}

impl Samples {
    fn of(books: &[GeneratedBook]) -> Result<Self> {
        let words = |title: &str| -> Vec<String> {
            title.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase).collect()
        };
        let mut counts: HashMap<String, usize> = HashMap::new();
        for word in books.iter().flat_map(|book| words(&book.title)) {
            *counts.entry(word).or_default() += 1;
        }
        let is_rare = |word: &String| word.len() >= 8 && word.is_ascii() && counts[word] == 1;
        let rare_word = books.iter().flat_map(|book| words(&book.title)).find(is_rare);
        let is_unpopular = |book: &&GeneratedBook| {
            book.stars == [0; 5] && book.title.split(' ').count() >= 4 && !book.title.contains('(')
        };
        Ok(Self {
            rare_word: rare_word.context("no word is rare")?,
            unpopular_title: books.iter().find(is_unpopular).context("no book is unpopular")?.title.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use generated_catalogue::GENRES;
    use shared::domain::Histogram;

    use super::*;

    #[test]
    fn the_genres_are_the_most_frequent_one_of_one_in_a_hundred_and_the_rarest() {
        let asked = |slug| LISTS.iter().any(|(_, asked)| asked.contains(&("genre", slug)));
        assert!(asked(GENRES[0]) && asked(GENRES[18]) && asked(GENRES[39]));
    }

    #[test]
    fn the_generators_scores_are_those_of_the_shop() {
        for stars in [[0; 5], [0, 0, 0, 0, 1], [7, 1, 2, 30, 4], [1_000_000; 5]] {
            assert_eq!(generated_catalogue::score(stars), Histogram(stars).score());
        }
    }

    #[test]
    fn every_request_can_be_parsed_and_the_samples_exist() {
        for (label, asked) in LISTS.iter().chain(SEARCHES) {
            list(label, asked).unwrap();
        }
        let samples = Samples::of(&generated_catalogue::books(SMALL).collect::<Vec<_>>()).unwrap();
        assert!(Search::parse(&samples.rare_word).unwrap().conditions().len() == 1, "{}", samples.rare_word);
        assert!(samples.unpopular_title.contains(' '));
    }

    #[test]
    fn a_moved_cursor_keeps_its_list() {
        let cursor = Cursor::new("price", (995, 7)).encode();
        let moved = moved(&cursor, &json!(u32::MAX), 9).unwrap();
        assert_eq!(Cursor::<(u32, u32)>::decode(&moved, "price").unwrap().keys, (u32::MAX, 9));
    }
}
