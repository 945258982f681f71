//! Books as shoppers read them: lists and single ones.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder, types::Json};

use crate::{
    domain::{
        Author, Book, BookId, Genre, Histogram, Isbn13, Language, Money, Parsed, Plan, Ratings, Search, Sort, Summary,
    },
    http::{Cursor, Page},
};

/// What to list.
#[derive(Debug)]
pub struct Listing {
    search: Option<Search>,
    sort: Sort,
    after: Option<Cursor<Keys>>,
    limit: u32,
}

/// The sort keys of a row: what the list is ordered by, then the id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Keys(Key, u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

/// At most so many hits of a search are put in order.
const MAX_HITS: u32 = 1_000;

/// One page of the list, read from one index: never an `OFFSET`, never a count.
pub async fn list(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Page<Summary>> {
    let plan = match &listing.search {
        None => None,
        Some(search) => match search.plan() {
            Some(plan) => Some((plan, search)),
            None => {
                return Ok(Page { items: Vec::new(), next: None });
            }
        },
    };
    let order = Order::of(listing.sort, plan.is_some());
    let mut sql = QueryBuilder::<MySql>::new(
        "select b.id, b.title, b.byline, b.isbn, b.year, b.language, b.price, b.currency, b.stock, \
         b.ratings_count, b.score, ",
    );
    sql.push("cast(").push(if order.text { "null" } else { order.column }).push(" as signed) as number from ");
    match &plan {
        Some((plan, search)) => {
            push_hits(&mut sql, plan, search);
            sql.push(" h join books b on b.id = h.id");
        }
        None => {
            sql.push("books b");
        }
    }
    if let Some(Cursor { keys: Keys(key, id), .. }) = &listing.after {
        order.push_after(&mut sql, key, *id);
    }
    sql.push(format_args!(" order by {} {way}, b.id {way} limit ", order.column, way = order.way));
    sql.push_bind(listing.limit + 1);

    let mut rows: Vec<Row> = sql.build_query_as().fetch_all(connection).await?;
    let more = rows.len() > listing.limit as usize;
    rows.truncate(listing.limit as usize);
    let next = rows.last().filter(|_| more).map(|last| {
        let key = if order.text { Key::Text(last.title.clone()) } else { Key::Number(last.number.unwrap_or_default()) };
        Cursor::new(listing.list_name(), Keys(key, last.id)).encode()
    });
    Ok(Page { items: rows.into_iter().map(Summary::from).collect(), next })
}

impl Listing {
    pub fn new(search: Option<Search>, sort: Sort, limit: u32) -> Self {
        Self { search, sort, after: None, limit }
    }

    /// Lets the list begin after what a cursor says, which came from outside.
    pub fn after(mut self, cursor: &str) -> Parsed<Self> {
        let cursor = Cursor::<Keys>::decode(cursor, &self.list_name())?;
        if !cursor.keys.fits(self.sort) {
            return Err(Cursor::<Keys>::refusal());
        }
        self.after = Some(cursor);
        Ok(self)
    }

    /// Names the list that a cursor belongs to: another order or search is another list.
    fn list_name(&self) -> String {
        format!("{} {}", self.sort.name(), self.search.as_ref().map_or("", Search::text))
    }
}

impl Keys {
    /// Whether these can be keys of that order.
    fn fits(&self, sort: Sort) -> bool {
        matches!(self.0, Key::Text(_)) == (sort == Sort::Title)
    }
}

/// The hits of a search as a derived table of `id` and `relevance`.
fn push_hits(sql: &mut QueryBuilder<MySql>, plan: &Plan, search: &Search) {
    let relevance = |sql: &mut QueryBuilder<MySql>| {
        let beginning = search.beginning();
        sql.push("(select id, (left(search_text, char_length(").push_bind(beginning.clone());
        sql.push(")) = ").push_bind(beginning).push(") * 4294967296 + ");
        if let Some(literal) = search.literal() {
            sql.push("(locate(").push_bind(literal.to_owned()).push(", title) > 0) * 8589934592 + ");
        }
        sql.push("ratings_count as relevance from books where ");
    };
    match plan {
        Plan::Isbn(isbn) => {
            sql.push("(select id, 0 as relevance from books where isbn = ").push_bind(isbn.as_str().to_owned());
        }
        Plan::FullText(terms) => {
            relevance(sql);
            sql.push("match (search_text) against (").push_bind(terms.clone()).push(" in boolean mode) limit ");
            sql.push_bind(MAX_HITS);
        }
        Plan::Common(words) => {
            relevance(sql);
            for word in words {
                sql.push("locate(").push_bind(word.clone()).push(", concat(' ', search_text)) > 0 and ");
            }
            sql.push("true order by ratings_count desc, id desc limit ").push_bind(MAX_HITS);
        }
    }
    sql.push(")");
}

/// An index to walk along, and which way.
struct Order {
    column: &'static str,
    way: &'static str,
    text: bool,
}

impl Order {
    fn of(sort: Sort, searching: bool) -> Self {
        let (column, way) = match sort {
            Sort::Relevance if searching => ("h.relevance", "desc"),
            Sort::Relevance | Sort::Popular => ("b.ratings_count", "desc"),
            Sort::Rating => ("b.score", "desc"),
            Sort::Newest => ("b.year_order", "desc"),
            Sort::Title => ("b.title", "asc"),
            Sort::Price => ("b.price_order", "asc"),
        };
        Self { column, way, text: sort == Sort::Title }
    }

    /// Spelled out, for MariaDB makes no range of `(a, id) < (?, ?)`.
    fn push_after(&self, sql: &mut QueryBuilder<MySql>, key: &Key, id: u32) {
        let (beyond, column) = (if self.way == "desc" { "<" } else { ">" }, self.column);
        for opening in [format!(" where {column} {beyond}= "), format!(" and ({column} {beyond} ")] {
            sql.push(opening);
            match key {
                Key::Number(number) => sql.push_bind(*number),
                Key::Text(text) => sql.push_bind(text.clone()),
            };
        }
        sql.push(format_args!(" or b.id {beyond} ")).push_bind(id).push(")");
    }
}

#[derive(FromRow)]
struct Row {
    id: u32,
    title: String,
    byline: String,
    isbn: Option<String>,
    year: Option<i16>,
    language: Option<String>,
    price: Option<u32>,
    currency: Option<String>,
    stock: u32,
    ratings_count: u32,
    score: u32,
    /// What the list is ordered by, unless by title.
    number: Option<i64>,
}

impl From<Row> for Summary {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.into(),
            title: row.title,
            byline: row.byline,
            isbn: row.isbn.map(Isbn13::trusted),
            year: row.year,
            language: row.language.map(Language::trusted),
            price: row.price.zip(row.currency).map(|(minor, currency)| Money { minor, currency }),
            stock: row.stock,
            ratings: ratings(row.ratings_count, row.score),
        }
    }
}

fn ratings(count: u32, score: u32) -> Ratings {
    let mean = (f64::from(score) / 100.0).round() / 10_000.0;
    Ratings { mean: (count > 0).then_some(mean), count }
}

/// The book of this id with all that its page shows.
pub async fn find(connection: &mut MySqlConnection, id: BookId) -> sqlx::Result<Option<Book>> {
    let row = sqlx::query!(
        r#"
        select
            b.id,
            b.title,
            b.byline,
            b.isbn,
            b.year,
            b.language,
            b.description,
            b.price,
            b.currency as "currency: String",
            b.stock,
            b.ratings_count,
            b.score,
            (select json_arrayagg(json_object('id', a.id, 'name', a.name) order by ba.position)
               from book_authors ba join authors a on a.id = ba.author_id
              where ba.book_id = b.id) as "authors: Json<Vec<Author>>",
            (select json_arrayagg(g.slug order by g.slug)
               from book_genres bg join genres g on g.id = bg.genre_id
              where bg.book_id = b.id) as "genres: Json<Vec<Genre>>",
            (select json_arrayagg(json_array(s.stars, s.imported + s.given))
               from star_counts s
              where s.book_id = b.id) as "stars: Json<Vec<(usize, u32)>>"
        from books b
        where b.id = ?
        "#,
        id.get(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let summary = Row {
        id: row.id,
        title: row.title,
        byline: row.byline,
        isbn: row.isbn,
        year: row.year,
        language: row.language,
        price: row.price,
        currency: row.currency,
        stock: row.stock,
        ratings_count: row.ratings_count,
        score: row.score,
        number: None,
    };
    Ok(Some(Book {
        summary: summary.into(),
        description: row.description,
        authors: row.authors.map(|Json(authors)| authors).unwrap_or_default(),
        genres: row.genres.map(|Json(genres)| genres).unwrap_or_default(),
        histogram: histogram(row.stars),
        reviews: super::ratings::newest_reviews(connection, id, 5).await?,
    }))
}

/// Pairs of stars and their count as a histogram; a pair that is missing counts nothing.
pub(super) fn histogram(pairs: Option<Json<Vec<(usize, u32)>>>) -> Histogram {
    let mut histogram = Histogram::default();
    for (stars, count) in pairs.map(|Json(pairs)| pairs).unwrap_or_default() {
        if let Some(slot) = histogram.0.get_mut(stars - 1) {
            *slot = count;
        }
    }
    histogram
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::repo::fixtures::book;

    const SHELF: &[(&str, &str, u32)] = &[
        ("Don Quijote de la Mancha", "Miguel de Cervantes", 90),
        ("El túnel", "Ernesto Sabato", 80),
        ("Yo, robot", "Isaac Asimov", 70),
        ("It", "Stephen King", 60),
        ("1984", "George Orwell", 50),
        ("The C++ Programming Language", "Bjarne Stroustrup", 40),
        ("La casa de los espíritus", "Isabel Allende", 30),
        ("La casa de Bernarda Alba", "Federico García Lorca", 20),
        ("Así es la casa", "Nadie", 500),
        ("As You Like It", "William Shakespeare", 600),
        ("¿Qué me quieres, amor?", "Manuel Rivas", 10),
        ("The Magician's Nephew", "C.S. Lewis", 700),
        ("C is for Corpse", "Sue Grafton", 650),
    ];

    async fn shelf(pool: &MySqlPool) -> sqlx::pool::PoolConnection<MySql> {
        let mut connection = pool.acquire().await.unwrap();
        for (title, author, ratings) in SHELF {
            book(&mut connection, title, author, *ratings).await;
        }
        connection
    }

    async fn titles(connection: &mut MySqlConnection, query: &str) -> Vec<String> {
        let search = Some(Search::parse(query).unwrap());
        let page = list(connection, &Listing::new(search, Sort::Relevance, 10)).await.unwrap();
        page.items.into_iter().map(|book| book.title).collect()
    }

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_search_finds_what_a_shopper_means(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for (query, first) in [
            ("quijote", "Don Quijote de la Mancha"),
            ("QUIJ", "Don Quijote de la Mancha"),
            ("el tunel", "El túnel"),
            ("sábato", "El túnel"),
            ("yo robot", "Yo, robot"),
            ("It", "It"),
            ("1984", "1984"),
            ("C++", "The C++ Programming Language"),
            ("la casa de", "La casa de los espíritus"),
            ("garcia lorca", "La casa de Bernarda Alba"),
            ("que me quieres", "¿Qué me quieres, amor?"),
        ] {
            assert_eq!(titles(&mut connection, query).await.first().map(String::as_str), Some(first), "{query}");
        }
    }

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_search_is_blind_to_odd_signs_and_finds_nothing_in_nothing(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for query in ["(((", "+ - @ ~ < >", "\"'\\", "zzz", "😀", "%", "_"] {
            assert_eq!(titles(&mut connection, query).await, Vec::<String>::new(), "{query}");
        }
        assert_eq!(titles(&mut connection, "\"el* tunel)").await, ["El túnel"]);
    }

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn pages_of_any_size_and_order_give_each_book_exactly_once(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        // Books that tie in every order, so that only the id tells them apart.
        for n in 0..5 {
            book(&mut connection, &format!("Igual{}", " ".repeat(n)), "Nadie", 7).await;
        }
        for (_, sort) in Sort::NAMES {
            for query in [None, Some("nadie")] {
                let search = query.map(|query| Search::parse(query).unwrap());
                let mut listing = Listing::new(search, *sort, 3);
                let mut seen = Vec::new();
                loop {
                    let page = list(&mut connection, &listing).await.unwrap();
                    seen.extend(page.items.into_iter().map(|book| book.id));
                    let Some(next) = page.next else { break };
                    listing = listing.after(&next).unwrap();
                }
                let mut once = seen.clone();
                once.sort();
                once.dedup();
                let expected = if query.is_some() { 6 } else { SHELF.len() + 5 };
                assert_eq!((seen.len(), once.len()), (expected, expected), "{sort:?} {query:?}");
            }
        }
    }

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn lists_come_in_the_order_asked_for(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        let mut first = async |sort| {
            let listing = Listing::new(None, sort, 1);
            list(&mut connection, &listing).await.unwrap().items.remove(0).title
        };
        assert_eq!(first(Sort::Popular).await, "The Magician's Nephew");
        assert_eq!(first(Sort::Rating).await, "The Magician's Nephew");
        assert_eq!(first(Sort::Title).await, "¿Qué me quieres, amor?");
    }

    #[test]
    fn a_cursor_with_keys_of_another_kind_is_refused() {
        for (sort, key) in [(Sort::Title, Key::Number(5)), (Sort::Price, Key::Text("x".into()))] {
            let listing = Listing::new(None, sort, 1);
            let cursor = Cursor::new(listing.list_name(), Keys(key, 1)).encode();
            assert!(listing.after(&cursor).is_err(), "{sort:?}");
        }
    }

    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_is_found_whole_and_an_unknown_one_is_none(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let id = book(&mut connection, "El túnel", "Ernesto Sabato", 3).await;
        let found = find(&mut connection, id).await.unwrap().unwrap();
        assert_eq!(found.authors[0].name, "Ernesto Sabato");
        assert_eq!(found.histogram, Histogram([0, 0, 0, 3, 0]));
        assert_eq!(found.summary.ratings, Ratings { mean: Some(3.5536), count: 3 });
        assert!(found.reviews.is_empty() && found.genres.is_empty());
        assert_eq!(find(&mut connection, BookId::from(999_999_999)).await.unwrap(), None);
    }
}
