//! Lists of books: searched, filtered and sorted, a slice at a time, with their facets.

use std::{cmp::Reverse, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder, types::Json};

use crate::domain::{
    AuthorId, BookId, Count, Cursor, Facets, Filter, Genre, Isbn13, Language, Money, Parsed, QueryPlan, Ratings,
    Search, Slice, Sort, Summary,
};

/// A query of the list.
#[derive(Debug)]
pub struct Listing {
    pub(in crate::repo) search: Option<Search>,
    pub(in crate::repo) filter: Filter,
    sort: Sort,
    after: Option<Cursor<Keys>>,
    limit: u32,
}

/// The sort key of a row, then its id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Keys(Key, u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

/// The columns of a row; its sort key follows.
const COLUMNS: &str = "select b.id, b.title, b.byline, b.isbn, b.year, b.language, b.price, b.currency, b.stock, \
                       b.ratings_count, b.score, ";

/// The largest number of hits of a search that are sorted.
const MAX_HITS: u32 = 1_000;

/// One slice of the list, read from one index: never an `OFFSET`, never a count.
pub async fn list(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Slice<Summary>> {
    let Some(source) = Source::of(listing) else { return Ok(Slice::empty()) };
    let order = Order::of(listing.sort, matches!(source, Source::Hits(..)));
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    sql.push(format_args!("{} as number from ", order.number()));
    match &source {
        Source::Hits(plan, search) => {
            push_hits(&mut sql, plan, search, &order, &listing.filter);
            sql.push(" h join books b on b.id = h.id where true");
        }
        Source::Shelf => {
            sql.push("books b where true");
            push_filter(&mut sql, &listing.filter);
        }
    }
    if let Some(after) = &listing.after {
        sql.push(" and ");
        order.push_after(&mut sql, &after.keys);
    }
    order.push(&mut sql);
    sql.push(" limit ").push_bind(listing.limit + 1);
    Ok(listing.page(sql.build_query_as().fetch_all(connection).await?))
}

/// The slice of the list, and the number of books for each value of a filter: among the most popular thousand, or among
/// the hits of a search, which are found once for both.
pub async fn list_with_facets(
    connection: &mut MySqlConnection,
    listing: &Listing,
) -> sqlx::Result<(Slice<Summary>, Facets)> {
    match Source::of(listing) {
        None => Ok((Slice::empty(), Facets::default())),
        Some(Source::Shelf) => {
            let page = list(connection, listing).await?;
            let popular = popular(connection, &listing.filter).await?;
            Ok((page, facets(connection, &popular).await?))
        }
        Some(Source::Hits(plan, search)) => {
            let hits = hits(connection, listing, &plan, search).await?;
            let page = page_of(connection, listing, &hits).await?;
            Ok((page, facets(connection, &hits).await?))
        }
    }
}

/// The books with these ids, in their order; an id of no book is left out.
pub async fn summaries(connection: &mut MySqlConnection, ids: &[BookId]) -> sqlx::Result<Vec<Summary>> {
    let ids: Vec<u32> = ids.iter().map(|id| id.get()).collect();
    Ok(rows(connection, &ids).await?.into_iter().map(Summary::from).collect())
}

async fn rows(connection: &mut MySqlConnection, ids: &[u32]) -> sqlx::Result<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    sql.push("null as number from books b where b.id in (");
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    sql.push(")");
    let mut rows: Vec<Row> = sql.build_query_as().fetch_all(connection).await?;
    rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
    Ok(rows)
}

/// A book that facets count.
#[derive(FromRow)]
struct Hit {
    id: u32,
    language: Option<String>,
    in_stock: bool,
    /// What the list is ordered by, unless by title.
    number: Option<i64>,
    /// Whether it comes after the cursor.
    ahead: bool,
}

/// The books that facets count without a search.
async fn popular(connection: &mut MySqlConnection, filter: &Filter) -> sqlx::Result<Vec<Hit>> {
    let mut sql = QueryBuilder::<MySql>::new(
        "select b.id, b.language, b.stock > 0 as in_stock, null as number, false as ahead from books b ",
    );
    push_popular_first(&mut sql, filter);
    sql.push("where true");
    push_filter(&mut sql, filter);
    sql.push(" order by b.ratings_count desc, b.id desc limit ").push_bind(MAX_HITS);
    sql.build_query_as().fetch_all(connection).await
}

/// All hits of a search, in the order of the list.
async fn hits(
    connection: &mut MySqlConnection,
    listing: &Listing,
    plan: &QueryPlan,
    search: &Search,
) -> sqlx::Result<Vec<Hit>> {
    let order = Order::of(listing.sort, true);
    let mut sql = QueryBuilder::<MySql>::new("select h.id, h.language, h.in_stock, ");
    sql.push(format_args!("{} as number, ", order.number()));
    match &listing.after {
        None => _ = sql.push("true"),
        Some(after) => order.push_after(&mut sql, &after.keys),
    }
    sql.push(" as ahead from ");
    push_hits(&mut sql, plan, search, &order, &listing.filter);
    sql.push(" h");
    order.push(&mut sql);
    sql.build_query_as().fetch_all(connection).await
}

/// The slice of a list whose hits are known.
async fn page_of(connection: &mut MySqlConnection, listing: &Listing, hits: &[Hit]) -> sqlx::Result<Slice<Summary>> {
    let ahead = hits.iter().filter(|hit| hit.ahead).take(listing.limit as usize + 1);
    let numbers: BTreeMap<u32, Option<i64>> = ahead.clone().map(|hit| (hit.id, hit.number)).collect();
    let ids: Vec<u32> = ahead.map(|hit| hit.id).collect();
    let rows = rows(connection, &ids).await?.into_iter();
    Ok(listing.page(rows.map(|row| Row { number: numbers.get(&row.id).copied().flatten(), ..row }).collect()))
}

async fn facets(connection: &mut MySqlConnection, hits: &[Hit]) -> sqlx::Result<Facets> {
    let in_stock = hits.iter().filter(|hit| hit.in_stock).count();
    let mut languages = BTreeMap::new();
    // By base language, as the filter works: `en` also accepts en-US.
    for language in hits.iter().filter_map(|hit| hit.language.as_deref()?.split('-').next()) {
        *languages.entry(language).or_insert(0) += 1;
    }
    let mut languages: Vec<Count> =
        languages.into_iter().map(|(value, count)| Count { value: value.to_owned(), count }).collect();
    languages.sort_by_key(|language| Reverse(language.count));
    let ids: Vec<u32> = hits.iter().map(|hit| hit.id).collect();
    Ok(Facets {
        genres: genres_of(connection, &ids).await?,
        languages,
        in_stock: in_stock.try_into().unwrap_or_default(),
    })
}

/// The genres of some books, the most frequent first. The ids are one value, so that the statement is the same for any
/// number of them.
async fn genres_of(connection: &mut MySqlConnection, books: &[u32]) -> sqlx::Result<Vec<Count>> {
    let genres = sqlx::query_as!(
        Count,
        r#"
        select g.slug as value, count(*) as count
        from json_table(?, '$[*]' columns (book_id int unsigned path '$')) hit
        straight_join book_genres bg on bg.book_id = hit.book_id
        join genres g on g.id = bg.genre_id
        group by g.slug
        order by count desc, g.slug
        "#,
        Json(books) as _,
    );
    genres.fetch_all(connection).await
}

/// Where the rows of a list come from.
enum Source<'a> {
    Shelf,
    Hits(QueryPlan, &'a Search),
}

impl<'a> Source<'a> {
    /// None where a search can find nothing.
    fn of(listing: &'a Listing) -> Option<Self> {
        match &listing.search {
            None => Some(Self::Shelf),
            Some(search) => Some(Self::Hits(search.plan()?, search)),
        }
    }
}

impl Listing {
    pub fn new(search: Option<Search>, filter: Filter, sort: Sort, limit: u32) -> Self {
        Self { search, filter, sort, after: None, limit }
    }

    /// The author whose books are asked for.
    pub fn author(&self) -> Option<AuthorId> {
        self.filter.author
    }

    /// Continues after a cursor, which is input from outside.
    pub fn after(mut self, cursor: &str) -> Parsed<Self> {
        let cursor = Cursor::<Keys>::decode(cursor, &self.list_name())?;
        if !cursor.keys.fits(self.sort) {
            return Err(Cursor::<Keys>::refusal());
        }
        self.after = Some(cursor);
        Ok(self)
    }

    fn page(&self, rows: Vec<Row>) -> Slice<Summary> {
        Slice::of(rows, self.limit, |last| {
            let key = match self.sort {
                Sort::Title => Key::Text(last.title.clone()),
                _ => Key::Number(last.number.unwrap_or_default()),
            };
            Cursor::new(self.list_name(), Keys(key, last.id)).encode()
        })
    }

    /// The name of the list that a cursor belongs to: another order, search or filter is another list.
    fn list_name(&self) -> String {
        let whole = format!("{:?} {}", self.filter, self.search.as_ref().map_or("", Search::text));
        let digest = Sha256::digest(whole);
        format!("{} {:02x}{:02x}{:02x}{:02x}", self.sort.name(), digest[0], digest[1], digest[2], digest[3])
    }
}

impl Keys {
    /// Whether these keys have the type of that order.
    fn fits(&self, sort: Sort) -> bool {
        matches!(self.0, Key::Text(_)) == (sort == Sort::Title)
    }
}

/// The hits of a search as a derived table: `id`, `place` in the list's order, `language` and `in_stock`.
fn push_hits(sql: &mut QueryBuilder<MySql>, plan: &QueryPlan, search: &Search, order: &Order, filter: &Filter) {
    sql.push("(select b.id, b.language, b.stock > 0 as in_stock, ");
    match order.of_books {
        None => push_relevance(sql, search),
        Some(column) => _ = sql.push(column),
    }
    sql.push(" as place from books b ");
    if let QueryPlan::Common(_) = plan {
        push_popular_first(sql, filter);
    }
    sql.push("where ");
    match plan {
        QueryPlan::Isbn(isbn) => {
            sql.push("b.isbn = ").push_bind(isbn.as_str().to_owned());
        }
        QueryPlan::FullText(terms) => {
            sql.push("match (b.search_text) against (").push_bind(terms.clone()).push(" in boolean mode)");
        }
        QueryPlan::Common(words) => {
            sql.push("true");
            for word in words {
                sql.push(" and locate(").push_bind(word.clone()).push(", concat(' ', b.search_text)) > 0");
            }
        }
    }
    push_filter(sql, filter);
    if let QueryPlan::Common(_) = plan {
        sql.push(" order by b.ratings_count desc, b.id desc");
    }
    sql.push(" limit ").push_bind(MAX_HITS).push(")");
}

fn push_relevance(sql: &mut QueryBuilder<MySql>, search: &Search) {
    let beginning = search.beginning();
    sql.push("(left(b.search_text, char_length(").push_bind(beginning.clone());
    sql.push(")) = ").push_bind(beginning).push(") * 4294967296 + ");
    if let Some(literal) = search.literal() {
        sql.push("(locate(").push_bind(literal.to_owned()).push(", b.title) > 0) * 8589934592 + ");
    }
    sql.push("b.ratings_count");
}

/// Makes the server read along the index of popular books where no filter applies: for a thousand of ten thousand it
/// would sort them all.
fn push_popular_first(sql: &mut QueryBuilder<MySql>, filter: &Filter) {
    if *filter == Filter::default() {
        sql.push("force index for order by (books_popular) ");
    }
}

/// Conditions on the book `b`, each beginning with `and`.
fn push_filter(sql: &mut QueryBuilder<MySql>, filter: &Filter) {
    if let Some(Genre(slug)) = &filter.genre {
        sql.push(
            " and b.id in (select bg.book_id from book_genres bg join genres g on g.id = bg.genre_id where g.slug = ",
        );
        sql.push_bind(slug.clone()).push(")");
    }
    if let Some(language) = &filter.language {
        let tag = language.as_str();
        sql.push(" and (b.language = ").push_bind(tag.to_owned());
        sql.push(" or b.language like ").push_bind(format!("{tag}-%")).push(")");
    }
    if let Some(author) = filter.author {
        sql.push(" and b.id in (select ba.book_id from book_authors ba where ba.author_id = ")
            .push_bind(author.get())
            .push(")");
    }
    if let Some(score) = filter.min_score {
        sql.push(" and b.ratings_count > 0 and b.score >= ").push_bind(score);
    }
    if let Some(price) = filter.max_price {
        sql.push(" and b.price_order <= ").push_bind(price);
    }
    if filter.in_stock {
        sql.push(" and b.stock > 0");
    }
}

/// The sort column of a list, and its direction.
struct Order {
    /// The column of the book, which has an index; none where it is the relevance of a hit.
    of_books: Option<&'static str>,
    searching: bool,
    way: &'static str,
}

impl Order {
    fn of(sort: Sort, searching: bool) -> Self {
        let (of_books, way) = match sort {
            Sort::Relevance if searching => (None, "desc"),
            Sort::Relevance | Sort::Popular => (Some("b.ratings_count"), "desc"),
            Sort::Rating => (Some("b.score"), "desc"),
            Sort::Newest => (Some("b.year_order"), "desc"),
            Sort::Title => (Some("b.title"), "asc"),
            Sort::Price => (Some("b.price_order"), "asc"),
        };
        Self { of_books, searching, way }
    }

    /// The sort columns of a row: of a hit, or of the book.
    fn columns(&self) -> (&'static str, &'static str) {
        match self.of_books {
            Some(column) if !self.searching => (column, "b.id"),
            _ => ("h.place", "h.id"),
        }
    }

    fn number(&self) -> String {
        let column = if self.of_books == Some("b.title") { "null" } else { self.columns().0 };
        format!("cast({column} as signed)")
    }

    fn push(&self, sql: &mut QueryBuilder<MySql>) {
        let ((place, id), way) = (self.columns(), self.way);
        sql.push(format_args!(" order by {place} {way}, {id} {way}"));
    }

    /// Expanded, because MariaDB reads no index range for `(a, id) < (?, ?)`.
    fn push_after(&self, sql: &mut QueryBuilder<MySql>, Keys(key, id): &Keys) {
        let ((place, own), beyond) = (self.columns(), if self.way == "desc" { "<" } else { ">" });
        for opening in [format!("({place} {beyond}= "), format!(" and ({place} {beyond} ")] {
            sql.push(opening);
            match key {
                Key::Number(number) => sql.push_bind(*number),
                Key::Text(text) => sql.push_bind(text.clone()),
            };
        }
        sql.push(format_args!(" or {own} {beyond} ")).push_bind(*id).push("))");
    }
}

/// A book as a list shows it.
#[derive(FromRow)]
pub(super) struct Row {
    pub(super) id: u32,
    pub(super) title: String,
    pub(super) byline: String,
    pub(super) isbn: Option<String>,
    pub(super) year: Option<i16>,
    pub(super) language: Option<String>,
    pub(super) price: Option<u32>,
    pub(super) currency: Option<String>,
    pub(super) stock: u32,
    pub(super) ratings_count: u32,
    pub(super) score: u32,
    /// What the list is ordered by, unless by title.
    pub(super) number: Option<i64>,
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

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Histogram},
        repo::{
            catalogue,
            fixtures::{self, book},
        },
    };

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
        let page = list(connection, &Listing::new(search, Filter::default(), Sort::Relevance, 10)).await.unwrap();
        page.items.into_iter().map(|book| book.title).collect()
    }

    #[ignore = "needs MariaDB"]
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

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_search_ignores_signs_and_one_without_words_finds_nothing(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        for query in ["(((", "+ - @ ~ < >", "\"'\\", "zzz", "😀", "%", "_"] {
            assert_eq!(titles(&mut connection, query).await, Vec::<String>::new(), "{query}");
        }
        assert_eq!(titles(&mut connection, "\"el* tunel)").await, ["El túnel"]);
    }

    #[ignore = "needs MariaDB"]
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
                let mut listing = Listing::new(search, Filter::default(), *sort, 3);
                let mut seen = Vec::new();
                loop {
                    let page = list(&mut connection, &listing).await.unwrap();
                    assert_eq!(page, list_with_facets(&mut connection, &listing).await.unwrap().0);
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

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn lists_come_in_the_order_asked_for(pool: MySqlPool) {
        let mut connection = shelf(&pool).await;
        let mut first = async |sort| {
            let listing = Listing::new(None, Filter::default(), sort, 1);
            list(&mut connection, &listing).await.unwrap().items.remove(0).title
        };
        assert_eq!(first(Sort::Popular).await, "The Magician's Nephew");
        assert_eq!(first(Sort::Rating).await, "The Magician's Nephew");
        assert_eq!(first(Sort::Title).await, "¿Qué me quieres, amor?");
    }

    /// Two books of one author, one of another; prices, stock, genres and languages to tell them apart.
    async fn stocked_shelf(pool: &MySqlPool) -> sqlx::pool::PoolConnection<MySql> {
        let mut connection = pool.acquire().await.unwrap();
        let rows = [
            ("a", "Ficciones", "Borges", "es", "essay;classics", "9.95", 3, [0, 0, 0, 0, 90]),
            ("b", "El Aleph", "Borges", "es-AR", "classics", "12.00", 0, [0, 0, 0, 40, 0]),
            ("c", "Emma", "Austen", "en", "romance;classics", "7.50", 5, [20, 0, 0, 0, 0]),
            ("d", "Persuasion", "Austen", "en", "romance", "30.00", 1, [0, 0, 0, 0, 0]),
        ];
        for (reference, title, author, language, genres, price, stock, stars) in rows {
            let row = CatalogueRow {
                language: Some(Language::parse(language).unwrap()),
                genres: Some(genres.split(';').map(str::to_owned).collect()),
                price: Some(Money::parse(price, "EUR").unwrap()),
                stock: Some(stock),
                stars: Some(Histogram(stars)),
                ..fixtures::row(reference, title, &[author])
            };
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        connection
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn filters_narrow_a_list_and_a_search_alike(pool: MySqlPool) {
        let mut connection = stocked_shelf(&pool).await;
        let austen: u32 =
            sqlx::query_scalar("select id from authors where name = 'Austen'").fetch_one(&pool).await.unwrap();
        let filter = Filter::default;
        let mut found = async |filter: Filter, query: Option<&str>| {
            let search = query.map(|query| Search::parse(query).unwrap());
            let page = list(&mut connection, &Listing::new(search, filter, Sort::Title, 10)).await.unwrap();
            page.items.into_iter().map(|book| book.title).collect::<Vec<_>>()
        };
        let genre = |slug: &str| Filter { genre: Some(Genre(slug.into())), ..filter() };
        let language = |tag: &str| Filter { language: Some(Language::parse(tag).unwrap()), ..filter() };
        assert_eq!(found(genre("romance"), None).await, ["Emma", "Persuasion"]);
        assert_eq!(found(genre("nothing"), None).await, Vec::<String>::new());
        assert_eq!(found(language("es"), None).await, ["El Aleph", "Ficciones"]);
        assert_eq!(found(language("es-AR"), None).await, ["El Aleph"]);
        assert_eq!(found(Filter { author: Some(austen.into()), ..filter() }, None).await, ["Emma", "Persuasion"]);
        assert_eq!(found(Filter { min_score: Some(3_600_000), ..filter() }, None).await, ["El Aleph", "Ficciones"]);
        assert_eq!(found(Filter { max_price: Some(995), ..filter() }, None).await, ["Emma", "Ficciones"]);
        assert_eq!(found(Filter { in_stock: true, ..language("es") }, None).await, ["Ficciones"]);
        assert_eq!(found(Filter { in_stock: true, ..filter() }, Some("borges")).await, ["Ficciones"]);
        assert_eq!(found(genre("romance"), Some("borges")).await, Vec::<String>::new());
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn facets_count_the_hits_of_each_filter_value(pool: MySqlPool) {
        let mut connection = stocked_shelf(&pool).await;
        let mut facets = async |query: Option<&str>| {
            let search = query.map(|query| Search::parse(query).unwrap());
            let listing = Listing::new(search, Filter::default(), Sort::Popular, 1);
            list_with_facets(&mut connection, &listing).await.unwrap().1
        };
        let count = |value: &str, count| Count { value: value.into(), count };
        let all = facets(None).await;
        assert_eq!(all.genres, [count("classics", 3), count("romance", 2), count("essay", 1)]);
        // As its filter finds them: `es` also accepts es-AR.
        assert_eq!(all.languages, [count("en", 2), count("es", 2)]);
        assert_eq!(all.in_stock, 3);
        let borges = facets(Some("borges")).await;
        assert_eq!((borges.genres.len(), borges.in_stock), (2, 1));
        assert_eq!(facets(Some("(((")).await, Facets::default());
    }

    #[test]
    fn a_cursor_with_keys_of_another_kind_is_refused() {
        for (sort, key) in [(Sort::Title, Key::Number(5)), (Sort::Price, Key::Text("x".into()))] {
            let listing = Listing::new(None, Filter::default(), sort, 1);
            let cursor = Cursor::new(listing.list_name(), Keys(key, 1)).encode();
            assert!(listing.after(&cursor).is_err(), "{sort:?}");
        }
    }
}
