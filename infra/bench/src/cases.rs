//! The benchmark's cases: requests to each function, and the SQL of each request for its baseline.

use anyhow::{Context, Result};
use frontend::{assets, links, sitemap::PAGES};
use serde::{
    Deserialize,
    de::{
        IntoDeserializer,
        value::{self, StrDeserializer},
    },
};
use serde_json::{Map, Value, json};
use shared::{
    domain::{AuthorId, Book, BookId, Filter, Genre, OrderId, Search, Sort, SubmissionId, SubmissionKey},
    http::Query,
    parameters::{DatabaseRole, Parameter},
    repo::{
        authors,
        books::{self, Listing},
        customer_addresses, customers, genres, orders, ratings, recommendations, spelling, submissions,
    },
    session::{Pool, PrivateKey, Subject},
};
use sqlx::{ConnectOptions, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{Parameters, covers, load::Request, login::login};

/// One request to a function.
pub struct Case {
    /// Label in the report.
    pub request: &'static str,
    /// The event as JSON.
    pub event: Vec<u8>,
    pub sql: Option<Sql>,
    /// Whether the answer is a page or a file, and no JSON.
    pub is_page: bool,
    /// Expected status of the response; none for events without HTTP.
    pub status: Option<u16>,
}

/// The queries of one request, with the repository functions that the function itself calls.
pub enum Sql {
    List(Listing),
    /// With the correction that is searched for when a search finds nothing.
    ListAndCorrection(Listing),
    ListAndFacets(Listing),
    Book(BookId),
    Ratings(BookId),
    Submission(SubmissionId),
    Order(OrderId),
    Home,
    Genres,
    Author(AuthorId, Listing),
    AuthorAndBooks(AuthorId, Listing),
    BookPage(BookId, Listing),
    RatingsPage(BookId),
    Sitemap,
    /// The check of a session, and the profile.
    Profile(Subject),
    /// The check of a session, and the page of the account.
    Account(Subject),
    /// `select 1`.
    One,
}

impl Sql {
    /// Runs the queries and drops the rows.
    pub async fn run(&self, connection: &mut MySqlConnection) -> sqlx::Result<()> {
        match self {
            Self::List(listing) => published(connection, listing).await,
            Self::AuthorAndBooks(id, listing) => {
                authors::find(connection, *id).await?;
                published(connection, listing).await
            }
            Self::ListAndCorrection(listing) => {
                let found = books::list(connection, listing).await?;
                spelling::did_you_mean(connection, listing, &found).await.map(drop)
            }
            Self::ListAndFacets(listing) => books::listed_with_facets(connection, listing).await.map(drop),
            Self::Book(id) => {
                books::find(connection, *id).await?;
                books::published(connection, [*id].into_iter()).await.map(drop)
            }
            Self::Ratings(id) => ratings::list(connection, *id, None, Query::USUAL_LIMIT).await.map(drop),
            Self::Submission(id) => submissions::find(connection, *id).await.map(drop),
            Self::Order(id) => orders::find(connection, *id).await.map(drop),
            Self::Home => {
                recommendations::window(connection, OffsetDateTime::now_utc().date(), 6).await?;
                genres::list(connection).await.map(drop)
            }
            Self::Genres => genres::list(connection).await.map(drop),
            Self::Author(id, listing) => {
                authors::find(connection, *id).await?;
                books::list(connection, listing).await.map(drop)
            }
            Self::BookPage(id, more) => {
                books::find(connection, *id).await?;
                let also = recommendations::also_liked(connection, *id, 6).await?;
                books::list(connection, more).await?;
                books::summaries(connection, &also).await.map(drop)
            }
            Self::RatingsPage(id) => {
                books::summaries(connection, &[*id]).await?;
                ratings::list(connection, *id, None, Query::USUAL_LIMIT).await.map(drop)
            }
            Self::Profile(subject) => profile(connection, *subject).await,
            Self::Account(subject) => {
                profile(connection, *subject).await?;
                orders::of_customer(connection, *subject, None, 3).await?;
                ratings::of_customer(connection, *subject, None, 3).await?;
                customer_addresses::list(connection, *subject).await.map(drop)
            }
            Self::Sitemap => books::titles(connection, 1..=PAGES).await.map(drop),
            Self::One => sqlx::query_scalar::<_, i32>("select 1").fetch_one(connection).await.map(drop),
        }
    }
}

/// The check of a session, and the customer.
async fn profile(connection: &mut MySqlConnection, subject: Subject) -> sqlx::Result<()> {
    customers::session_is_valid(connection, subject, OffsetDateTime::now_utc()).await?;
    customers::find(connection, subject).await.map(drop)
}

/// A list as the API has it.
async fn published(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<()> {
    let list = books::list(connection, listing).await?;
    books::published(connection, list.items.iter().map(|book| book.id)).await.map(drop)
}

/// A function with cases, by its name in the route table.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Benchmarked {
    ListBooks,
    ShowBook,
    ListRatings,
    ShowHome,
    ListGenres,
    ShowAuthor,
    ShowAbout,
    ServeCover,
    ServeAssets,
    ShowSubmission,
    CheckHealth,
    SubmitRating,
    SubmitAlert,
    SubmitContact,
    PlaceOrder,
    ShowOrder,
    ShowAccount,
    ShowStaff,
    ListAddresses,
    EraseAccounts,
    NoteBounces,
    ProcessOrders,
    ProcessSubmissions,
    SendMail,
    SignIn,
}

impl Benchmarked {
    /// # Errors
    /// The function has no cases.
    pub fn named(function: &str) -> Result<Self> {
        let name: StrDeserializer<value::Error> = function.into_deserializer();
        Self::deserialize(name).with_context(|| format!("no case for {function}; add one to infra/bench/src/cases.rs"))
    }

    /// The database user of its SQL.
    pub fn role(self) -> DatabaseRole {
        match self {
            Self::ShowOrder => DatabaseRole::OrderReader,
            Self::ShowAccount => DatabaseRole::Account,
            Self::ShowStaff => DatabaseRole::Staff,
            _ => DatabaseRole::Reader,
        }
    }
}

/// The cases of the function with this name.
///
/// # Errors
/// The function has no cases, or the database lacks what they request.
pub async fn named(function: &str, parameters: &Parameters) -> Result<Vec<Case>> {
    let benchmarked = Benchmarked::named(function)?;
    let mut database = login(parameters, benchmarked.role())?.connect().await.context("logging in to the database")?;
    of(benchmarked, parameters, &mut database).await
}

/// The cases of a function, none of which writes to the database. Fails for a function without cases.
pub async fn of(function: Benchmarked, parameters: &Parameters, database: &mut MySqlConnection) -> Result<Vec<Case>> {
    match function {
        Benchmarked::ListBooks => list_books(database).await,
        Benchmarked::ShowBook => {
            let book = most_popular(database).await?;
            let (id, author) = (book.summary.id, book.authors.first().context("the most popular book has no author")?);
            Ok(vec![
                get("a book", &format!("/api/books/{id}"), Sql::Book(id)),
                get("a book's page", &links::book(id, &book.summary.title), Sql::BookPage(id, by(author.id, 7))),
            ])
        }
        Benchmarked::ListRatings => {
            let id = most_popular(database).await?.summary.id;
            Ok(vec![
                get("a book's ratings", &format!("/api/books/{id}/ratings"), Sql::Ratings(id)),
                get("ratings page", &format!("/books/{id}/ratings"), Sql::RatingsPage(id)),
            ])
        }
        Benchmarked::ShowHome => Ok(vec![get("home page", "/", Sql::Home)]),
        Benchmarked::ListGenres => {
            Ok(vec![get("all genres", "/genres", Sql::Genres), get("genres as JSON", "/api/genres", Sql::Genres)])
        }
        Benchmarked::ShowAuthor => {
            let book = most_popular(database).await?;
            let author = book.authors.first().context("the most popular book has no author")?;
            let as_json = Sql::AuthorAndBooks(author.id, by(author.id, Query::USUAL_LIMIT));
            Ok(vec![
                get("an author", &links::author(author), Sql::Author(author.id, by(author.id, 48))),
                get("an author as JSON", &format!("/api/authors/{}", author.id), as_json),
            ])
        }
        Benchmarked::ShowAbout => {
            Ok(vec![without_sql("about page", "/about"), without_sql("the shop as JSON", "/api/shop")])
        }
        Benchmarked::ServeCover => Ok(vec![without_sql("a cover", &covers::path())]),
        Benchmarked::ServeAssets => Ok(vec![without_sql("stylesheet", assets::path("style.css"))]),
        Benchmarked::ShowSubmission => {
            let key = SubmissionKey::parse(parameters.get(Parameter::SubmissionKey)?)
                .context("the submission key is invalid")?;
            let id = key.random();
            Ok(vec![get("a received one", &format!("/api/submissions/{id}"), Sql::Submission(id))])
        }
        Benchmarked::CheckHealth => Ok(vec![Case { is_page: false, ..get("health check", "/health", Sql::One) }]),
        Benchmarked::SubmitRating => Ok(vec![rating()]),
        Benchmarked::SubmitContact => {
            let message =
                json!({ "name": "Ana", "email": "ana@example.org", "subject": "Hola", "message": "¿Abren el sábado?" });
            Ok(vec![post("a message", "/api/contact", &message)])
        }
        Benchmarked::SubmitAlert => Ok(vec![without_sql("form of an alert", "/alerts/1")]),
        Benchmarked::PlaceOrder => Ok(vec![order()]),
        Benchmarked::ShowOrder => {
            let key = SubmissionKey::parse(parameters.get(Parameter::SubmissionKey)?)
                .context("the submission key is invalid")?;
            let id = key.order_id(Uuid::from_u128(1), b"bench");
            Ok(vec![get("a received order", &format!("/api/orders/{id}"), Sql::Order(id))])
        }
        Benchmarked::ShowAccount => show_account(parameters),
        // For everybody but the staff there is nothing.
        Benchmarked::ShowStaff => Ok(vec![Case { status: Some(404), ..without_sql("to nobody", "/staff") }]),
        Benchmarked::ListAddresses => Ok(vec![get("200 books", "/sitemaps/books-1.xml", Sql::Sitemap)]),
        Benchmarked::SignIn => {
            Ok(vec![Case { status: Some(303), ..without_sql("to the user pool", "/sign-in?return=/books") }])
        }
        Benchmarked::EraseAccounts
        | Benchmarked::NoteBounces
        | Benchmarked::ProcessOrders
        | Benchmarked::ProcessSubmissions
        | Benchmarked::SendMail => Ok(vec![empty_batch()]),
    }
}

/// The account of nobody whom the shop knows, with a session all the same.
fn show_account(parameters: &Parameters) -> Result<Vec<Case>> {
    let key =
        PrivateKey::parse(parameters.get(Parameter::SessionPrivateKey)?).context("the key of sessions is invalid")?;
    let subject = Subject::of_uuid(Uuid::from_u128(1));
    let session = key.issue("local", subject, Pool::Customers, OffsetDateTime::now_utc());
    let signed_in = |case: Case, path| Case { event: event_with(Some(&session), "GET", path, ""), ..case };
    let (page, profile) = ("/account", "/api/account/profile");
    Ok(vec![
        Case { status: Some(303), ..without_sql("without a session", page) },
        signed_in(get("the account", page, Sql::Account(subject)), page),
        signed_in(get("the profile as JSON", profile, Sql::Profile(subject)), profile),
    ])
}

/// The case of the function that does nothing.
pub fn hello() -> Case {
    Case { request: "hello", event: event("GET", "/", ""), sql: None, is_page: false, status: Some(200) }
}

/// A rating through the API.
pub fn rating() -> Case {
    let rating = json!({ "stars": 5, "name": "Ana", "review": "¡Qué libro!" });
    post("a rating", "/api/books/1/ratings", &rating)
}

/// An order through the API. It goes to the queue of the benchmark, where nobody decides it.
fn order() -> Case {
    let order = json!({
        "lines": [{ "book": 1, "quantity": 1, "unit_price": { "minor": 1995, "currency": "EUR" } }],
        "delivery": "collect",
        "payment": "on_collection",
        "contact": { "name": "Ana", "email": "ana@example.org" },
        "total": { "minor": 1995, "currency": "EUR" },
    });
    post("an order", "/api/orders", &order)
}

async fn list_books(database: &mut MySqlConnection) -> Result<Vec<Case>> {
    let popular = |filter| Listing::new(None, filter, Sort::Popular, Query::USUAL_LIMIT);
    let search = |text: &str| {
        anyhow::Ok(Listing::new(Some(Search::parse(text)?), Filter::default(), Sort::Relevance, Query::USUAL_LIMIT))
    };
    let classics = Filter { genre: Some(Genre::parse("classics")?), ..Filter::default() };
    let first = books::list(database, &popular(Filter::default())).await?;
    let next = first.next.context("the shop has too few books for a second part of the list; import some")?;
    let second = popular(Filter::default()).after(&next)?;
    Ok(vec![
        get("most popular", "/api/books", Sql::List(popular(Filter::default()))),
        get("with a cursor", &format!("/api/books?cursor={next}"), Sql::List(second)),
        get("q=quijote", "/api/books?q=quijote", Sql::List(search("quijote")?)),
        get("q=the", "/api/books?q=the", Sql::List(search("the")?)),
        get("genre=classics", "/api/books?genre=classics", Sql::List(popular(classics))),
        get("q=love, facets", "/api/books?q=love&facets=true", Sql::ListAndFacets(search("love")?)),
        get("page", "/books", Sql::ListAndFacets(popular(Filter::default()))),
        get("page, q=quijote", "/books?q=quijote", Sql::ListAndFacets(search("quijote")?)),
        get("page, q=the", "/books?q=the", Sql::ListAndFacets(search("the")?)),
    ])
}

pub async fn most_popular(database: &mut MySqlConnection) -> Result<Book> {
    let page = books::list(database, &Listing::new(None, Filter::default(), Sort::Popular, 1)).await?;
    let id = page.items.first().context("the shop has no books; import some")?.id;
    books::find(database, id).await?.context("the most popular book was deleted during the benchmark")
}

/// The most popular books of an author.
pub fn by(author: AuthorId, count: u32) -> Listing {
    Listing::new(None, Filter { author: Some(author), ..Filter::default() }, Sort::Popular, count)
}

/// A request for something that exists.
pub fn get(request: &'static str, path: &str, sql: Sql) -> Case {
    Case { sql: Some(sql), ..without_sql(request, path) }
}

/// A page or an answer without SQL.
fn without_sql(request: &'static str, path: &str) -> Case {
    let is_page = !path.starts_with("/api/");
    Case { request, event: event("GET", path, ""), sql: None, is_page, status: Some(200) }
}

fn post(request: &'static str, path: &str, body: &Value) -> Case {
    Case { request, event: event("POST", path, &body.to_string()), sql: None, is_page: false, status: Some(202) }
}

/// An empty batch, because messages would be written to the database.
fn empty_batch() -> Case {
    let event = json!({ "Records": [] }).to_string().into_bytes();
    Case { request: "an empty batch", event, sql: None, is_page: false, status: None }
}

/// An event of the load balancer with the headers of a browser.
fn event(method: &str, path: &str, body: &str) -> Vec<u8> {
    event_with(None, method, path, body)
}

/// The same with a session.
fn event_with(session: Option<&str>, method: &str, path: &str, body: &str) -> Vec<u8> {
    event_with_key(session, method, path, body, "b6bf864c-0798-40c5-85e6-db91f3b674c7")
}

/// The event of a shopper's request.
pub fn of_request(request: &Request) -> Vec<u8> {
    let body = request.body.as_ref().map(Value::to_string).unwrap_or_default();
    event_with_key(None, request.method(), &request.path, &body, &request.key.to_string())
}

/// The same with another idempotency key.
fn event_with_key(session: Option<&str>, method: &str, path: &str, body: &str, key: &str) -> Vec<u8> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query: Map<String, Value> =
        query.split('&').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.to_owned(), json!([v]))).collect();
    let event = json!({
        "requestContext": { "elb": { "targetGroupArn":
            "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/anaquel-bench/6d0ecf831eec9f09" } },
        "httpMethod": method,
        "path": path,
        "multiValueQueryStringParameters": query,
        "multiValueHeaders": {
            "accept": ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
            "accept-encoding": ["gzip, deflate, br"],
            "accept-language": ["es-ES,es;q=0.8,en-US;q=0.5,en;q=0.3"],
            "content-type": ["application/json"],
            "cookie": session.map(|session| format!("session={session}")).as_slice(),
            "host": ["anaquel.example"],
            "idempotency-key": [key],
            "user-agent": ["Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
            "x-amzn-trace-id": ["Root=1-67891233-abcdef012345678912345678"],
            "x-forwarded-for": ["203.0.113.7"],
            "x-forwarded-port": ["80"],
            "x-forwarded-proto": ["http"],
        },
        "body": body,
        "isBase64Encoded": false,
    });
    event.to_string().into_bytes()
}
