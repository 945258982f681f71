//! How many rows the server reads for every kind of list and search: at most a constant, which is the same for a generated
//! catalogue of ten thousand books and one of fifty thousand. By hand, a constant of its own is checked on any number.

use std::env;

use generated_catalogue::{GENRES, PROLIFIC_AUTHOR, TIED_TITLE, load};
use sqlx::{Connection, MySqlConnection, MySqlPool};

use super::{
    books::{self, Listing},
    query_cost_tests::rows_read,
    refresh, spelling,
};
use crate::domain::{Filter, Genre, Language, Search, SearchEntry, Sort};

/// Of a slice that is one range of an index, with its cursor, and one row for the cover of each of its books. Measured: 253 for an
/// author, of which 25 for covers.
const RANGE: u64 = 250 + 25;
/// Of a slice for which entries are walked, or books sorted: temporary tables count as well, so that a book is read several
/// times.
const WALK: u64 = 60_000;
/// Of a search.
const SEARCH: u64 = 40_000;
/// Of facets, beyond those of the slice.
const FACETS: u64 = 30_000;
/// Of a correction.
const CORRECTION: u64 = 40_000;

/// The bounds that depend on the plans that a catalogue needs.
#[derive(Clone, Copy)]
struct Bounds {
    walk: u64,
    search: u64,
}

/// Of up to fifty thousand books.
const USUAL: Bounds = Bounds { walk: WALK, search: SEARCH };
/// Of any number, where both parts of a filter can find more than are read as a whole. Measured in a million: 78,387 and
/// 42,201.
const LARGEST: Bounds = Bounds { walk: 80_000, search: 45_000 };

const LIMIT: u32 = 24;

/// The shop with its indexes.
async fn fill(connection: &mut MySqlConnection, count: u32) {
    load(connection, count).await.unwrap();
    refresh::all(connection).await.unwrap();
    let tables = "books, genres, book_genres, authors, book_authors, book_search, book_words, words, word_variants";
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("analyze table {tables}"))).execute(connection).await.unwrap();
}

/// Every part of a filter alone, each in its extremes, and every pair of them.
async fn filters(connection: &mut MySqlConnection) -> Vec<Filter> {
    let author: u32 = sqlx::query_scalar("select id from authors where name = ?")
        .bind(PROLIFIC_AUTHOR)
        .fetch_one(connection)
        .await
        .unwrap();
    let genre = |slug: &str| Filter { genre: Some(Genre(slug.into())), ..Filter::default() };
    let language = |tag: &str| Filter { language: Some(Language::parse(tag).unwrap()), ..Filter::default() };
    let (frequent, rare) = (GENRES[0], GENRES[GENRES.len() - 1]);
    let single = [
        genre(frequent),
        genre(GENRES[GENRES.len() / 2]),
        genre(rare),
        language("es"),
        language("en-US"),
        language("eu"),
        Filter { author: Some(author.into()), ..Filter::default() },
        Filter { in_stock: true, ..Filter::default() },
        Filter { min_score: Some(4_500_000), ..Filter::default() },
        Filter { max_price: Some(500), ..Filter::default() },
        Filter { max_price: Some(9_000), ..Filter::default() },
    ];
    let pairs = single
        .iter()
        .enumerate()
        .flat_map(|(at, one)| single[at + 1..].iter().filter_map(move |other| both(one, other)));
    single.iter().cloned().chain(pairs).collect()
}

/// Both filters at once; none if they are about the same part.
fn both(one: &Filter, other: &Filter) -> Option<Filter> {
    let filter = Filter {
        genre: one.genre.clone().or_else(|| other.genre.clone()),
        language: one.language.clone().or_else(|| other.language.clone()),
        author: one.author.or(other.author),
        min_score: one.min_score.or(other.min_score),
        max_price: one.max_price.or(other.max_price),
        in_stock: one.in_stock || other.in_stock,
    };
    (books::parts_of(&filter) == 2).then_some(filter)
}

/// Reads a list to its third slice, and asserts the rows of each; with the number of books in it, unless the bound is that
/// of a range.
async fn assert_list(connection: &mut MySqlConnection, filter: &Filter, sort: Sort, bound: u64) {
    let mut listing = Listing::new(None, filter.clone(), sort, LIMIT);
    for number in 1..=3 {
        rows_read(connection).await;
        let slice = match bound {
            RANGE => books::list(connection, &listing).await.unwrap(),
            _ => books::listed(connection, &listing).await.unwrap().slice,
        };
        let read = rows_read(connection).await;
        assert!(read <= bound, "{read} rows for slice {number} of {filter:?} by {sort:?}");
        let Some(next) = slice.next else { return };
        listing = Listing::new(None, filter.clone(), sort, LIMIT).after(&next).unwrap();
    }
}

/// Asserts the rows of a slice with its facets: those of the list, and for each facet that it is filtered by those of the list
/// without that filter.
async fn assert_facets(connection: &mut MySqlConnection, listing: &Listing, bound: u64, what: &str) {
    let lists = 1 + u64::try_from(listing.filter.without_each_facet().len()).unwrap();
    rows_read(connection).await;
    books::listed_with_facets(connection, listing).await.unwrap();
    let read = rows_read(connection).await;
    assert!(read <= lists * bound, "{read} rows for the facets of {what}");
}

async fn assert_lists(connection: &mut MySqlConnection, bounds: Bounds) {
    for (_, sort) in Sort::NAMES {
        assert_list(connection, &Filter::default(), *sort, RANGE).await;
    }
    for (at, filter) in filters(connection).await.into_iter().enumerate() {
        // A pair is walked in any order as in any other: two of them are enough.
        let is_pair = books::parts_of(&filter) == 2;
        for (_, sort) in Sort::NAMES.iter().filter(|(_, sort)| !is_pair || matches!(sort, Sort::Popular | Sort::Title))
        {
            assert_list(connection, &filter, *sort, bounds.walk).await;
        }
        if !is_pair || at % 5 == 0 {
            let listing = Listing::new(None, filter.clone(), Sort::Popular, LIMIT);
            assert_facets(connection, &listing, bounds.walk + FACETS, &format!("{filter:?}")).await;
        }
    }
    assert_facets(connection, &Listing::new(None, Filter::default(), Sort::Popular, LIMIT), RANGE, "the shop").await;
    let author = Filter { author: filters(connection).await[6].author, ..Filter::default() };
    assert_list(connection, &author, Sort::Popular, RANGE).await;
    assert_list(
        connection,
        &Filter { genre: Some(Genre(GENRES[0].into())), ..Filter::default() },
        Sort::Popular,
        RANGE,
    )
    .await;
    assert_list(connection, &Filter { in_stock: true, ..Filter::default() }, Sort::Popular, RANGE).await;
}

/// Cursors in the middle of the largest tie of each order.
async fn assert_ties(connection: &mut MySqlConnection) {
    for (sort, key) in [
        (Sort::Popular, "ratings_count"),
        (Sort::Bestsellers, "sold"),
        (Sort::Rating, "score"),
        (Sort::Newest, "year_order"),
        (Sort::Price, "price_order"),
        (Sort::Title, "title"),
    ] {
        let tie = format!("select {key}, count(*) as books from books group by {key} order by books desc limit 1");
        let middle =
            format!("select b.id from books b join ({tie}) t on t.{key} = b.{key} order by b.id limit 1 offset 50");
        let id: u32 = sqlx::query_scalar(sqlx::AssertSqlSafe(middle)).fetch_one(&mut *connection).await.unwrap();
        let listing = books::after_book(connection, sort, LIMIT, id).await.unwrap();
        rows_read(connection).await;
        let slice = books::list(connection, &listing).await.unwrap();
        let read = rows_read(connection).await;
        assert_eq!(slice.items.len(), LIMIT as usize, "{sort:?}");
        assert!(read <= RANGE, "{read} rows for a cursor in the largest tie by {sort:?}");
    }
}

async fn assert_searches(connection: &mut MySqlConnection, bounds: Bounds) {
    let frequent: Vec<String> =
        sqlx::query_scalar("select word from words where char_length(word) > 3 order by books desc limit 4")
            .fetch_all(&mut *connection)
            .await
            .unwrap();
    let title: String = sqlx::query_scalar("select title from books order by ratings_count, id limit 1 offset 77")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    let queries = [
        frequent[0].clone(),
        format!("{} {}", frequent[0], frequent[1]),
        frequent.join(" "),
        frequent[0].chars().take(3).collect(),
        "que me".to_owned(),
        "it".to_owned(),
        "the of la".to_owned(),
        "J. R. R.".to_owned(),
        format!("{} m.", frequent[0]),
        TIED_TITLE.to_owned(),
        title,
    ];
    let filters = [
        Filter::default(),
        Filter { genre: Some(Genre(GENRES[GENRES.len() - 1].into())), ..Filter::default() },
        Filter { genre: Some(Genre(GENRES[0].into())), in_stock: true, ..Filter::default() },
        Filter { max_price: Some(500), ..Filter::default() },
        Filter { language: Some(Language::parse("es").unwrap()), ..Filter::default() },
    ];
    for query in &queries {
        for filter in &filters {
            for sort in [Sort::Relevance, Sort::Title] {
                let listing = Listing::new(Some(Search::parse(query).unwrap()), filter.clone(), sort, LIMIT);
                rows_read(connection).await;
                books::listed(connection, &listing).await.unwrap();
                let read = rows_read(connection).await;
                assert!(read <= bounds.search, "{read} rows for {query:?} within {filter:?} by {sort:?}");
                assert_facets(connection, &listing, bounds.search + FACETS, query).await;
            }
        }
    }
    let joined = [frequent[1].as_str(), &frequent[2]].concat();
    for query in ["librro", "quijtoe mancha", &format!("{}x", frequent[0]), "zzzz", &joined] {
        let listing = Listing::new(Some(Search::parse(query).unwrap()), Filter::default(), Sort::Relevance, LIMIT);
        let found = books::list(connection, &listing).await.unwrap();
        rows_read(connection).await;
        spelling::did_you_mean(connection, &listing, &found).await.unwrap();
        let read = rows_read(connection).await;
        assert!(read <= CORRECTION, "{read} rows for a correction of {query:?}");
    }
}

/// The least popular books are found by their titles as well as the most popular ones: so many of the least popular tenth.
async fn assert_exact_titles(connection: &mut MySqlConnection, count: u32) {
    let sample = r"
        with ranked as (
            select title, byline, row_number() over (order by ratings_count, id desc) as place, count(*) over () as books
            from books
        )
        select title, byline from ranked where place % greatest(books div (10 * ?), 1) = 0 order by place limit ?";
    let rare = sqlx::query_as(sample).bind(count).bind(count);
    let rare: Vec<(String, String)> = rare.fetch_all(&mut *connection).await.unwrap();
    assert_eq!(rare.len(), count as usize);
    for (title, byline) in rare {
        let listing = Listing::new(Some(Search::parse(&title).unwrap()), Filter::default(), Sort::Relevance, 1);
        let found = books::list(connection, &listing).await.unwrap().items.remove(0);
        let key = |title: &str| SearchEntry::of(title, "").title_key;
        assert_eq!(key(&found.title), key(&title), "{title} by {byline}");
    }
}

/// Rows are counted for each connection, so that lists and searches can be read at the same time.
async fn assert_bounds(pool: &MySqlPool, count: u32) {
    let mut connection = pool.acquire().await.unwrap();
    let mut second_connection = pool.acquire().await.unwrap();
    fill(&mut connection, count).await;
    let lists = async {
        assert_lists(&mut connection, USUAL).await;
        assert_ties(&mut connection).await;
    };
    let searches = async {
        assert_searches(&mut second_connection, USUAL).await;
        assert_exact_titles(&mut second_connection, 40).await;
    };
    tokio::join!(lists, searches);
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn rows_read_are_bounded_in_ten_thousand_books(pool: MySqlPool) {
    assert_bounds(&pool, 10_000).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn rows_read_are_bounded_by_the_same_in_fifty_thousand(pool: MySqlPool) {
    assert_bounds(&pool, 50_000).await;
}

/// `cargo bookstore bench --books 1000000` creates such a catalogue.
#[ignore = "needs a generated catalogue: set ANAQUEL_GENERATED to the URL of its database"]
#[tokio::test]
async fn rows_read_are_bounded_in_a_catalogue_of_any_size() {
    let url = env::var("ANAQUEL_GENERATED").expect("set ANAQUEL_GENERATED to the URL of a generated catalogue");
    let mut connection = MySqlConnection::connect(&url).await.unwrap();
    assert_lists(&mut connection, LARGEST).await;
    assert_ties(&mut connection).await;
    assert_searches(&mut connection, LARGEST).await;
    assert_exact_titles(&mut connection, 370).await;
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_beginning_of_a_hundred_thousand_serial_numbers_reads_no_more(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    let serial_numbers =
        "insert into words (word, books) select concat('zq', lpad(seq, 6, '0')), 1 from seq_1_to_100000";
    sqlx::raw_sql(serial_numbers).execute(&mut *connection).await.unwrap();
    for query in ["zq0", "zq00", "other zq0"] {
        let listing = Listing::new(Some(Search::parse(query).unwrap()), Filter::default(), Sort::Relevance, LIMIT);
        rows_read(&mut connection).await;
        let listed = books::listed(&mut connection, &listing).await.unwrap();
        spelling::did_you_mean(&mut connection, &listing, &listed.slice).await.unwrap();
        let read = rows_read(&mut connection).await;
        assert!(read <= SEARCH, "{read} rows for {query:?}");
    }
}
