//! The hits of a search, from the word index.

use std::collections::BTreeMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};

use super::{
    narrow::{Counted, MAX_READ, MAX_WALKED, Walk, needs_books, push_filter},
    order::Order,
};
use crate::domain::{Alternative, Condition, Extent, Filter, Isbn13, Search, Sort, Term, Total};

/// The largest number of hits of a search: beyond it, these are the most popular.
pub(super) const MAX_HITS: u32 = 1_000;
/// What facets count, of the books `b`.
pub(super) const FACETED: &str = "b.base_language as language, b.available as in_stock, b.ratings_count, \
                                  b.score, b.price_order as price";
/// Words that a beginning stands for if not all are read: the most frequent.
const MAX_BEGUN: usize = 20;
/// Words with one beginning among which the most frequent are looked for, the first in the alphabet. No beginning of a natural
/// language has so many, but that of serial numbers can.
const MAX_BEGUN_WORDS: u32 = 10_000;
/// Entries of all words with one beginning that are read for a search of nothing else.
const MAX_BEGUN_READ: u32 = 2 * MAX_HITS;
/// The fewest entries that are read for one of several words.
const MIN_READ: u32 = 250;
/// The most popular books of a filter that are read beside the words, if these are not read to their end: so that a
/// filter with few of the words' books finds those that are well known.
const MAX_BESIDE: u32 = 2_500;

/// The books of a list that are read as a whole before they are sorted.
pub(super) enum Hits<'a> {
    Isbn(&'a Isbn13),
    Books {
        source: Source<'a>,
        /// Whether every hit is among the books that are read.
        is_complete: bool,
        conditions: Vec<Condition>,
        search: Option<&'a Search>,
        /// The largest number of hits of the search: beyond it, these are the most popular.
        most: u32,
    },
}

/// Books that have all the hits, or the most popular of them.
pub(super) enum Source<'a> {
    Words {
        /// Each hit has one of them.
        any_of: Vec<String>,
        /// How many entries are read for each.
        each: u32,
        /// Or a word that begins so, of which all entries are read.
        begun: Vec<String>,
        /// Each hit has all of them as well.
        all_of: Vec<String>,
        /// Of its most popular books, those that are hits are read as well.
        beside: Option<Box<Walk<'static>>>,
    },
    Part(Counted<'a>),
}

impl<'a> Hits<'a> {
    /// The hits of a search within a filter, whose rarest part is known, and at most so many; none if nothing can be found.
    pub(super) async fn of(
        connection: &mut MySqlConnection,
        search: &'a Search,
        filter: &Filter,
        rarest: Option<Counted<'a>>,
        most: u32,
    ) -> sqlx::Result<Option<Self>> {
        // A number that no book has may be a title of digits, or several years.
        if let Some(isbn) = search.isbn()
            && super::id_of(connection, isbn).await?.is_some()
        {
            return Ok(Some(Self::Isbn(isbn)));
        }
        let mut conditions = search.conditions();
        if conditions.is_empty() {
            return Ok(None);
        }
        let vocabulary = Vocabulary::read(connection, &conditions).await?;
        let is_single = conditions.len() == 1 && rarest.is_none();
        if rarest.is_none() {
            for condition in &mut conditions {
                vocabulary.complete(condition);
            }
        }
        let max_begun = if is_single { MAX_BEGUN_READ } else { MAX_WALKED };
        let drivers = conditions.iter().map(|condition| vocabulary.driver(condition, max_begun));
        let Some(drivers) = drivers.collect::<Option<Vec<Driver>>>() else { return Ok(None) };
        let budget = if is_single { MAX_HITS } else { MAX_WALKED };
        let cost = |driver: &Driver| (!driver.is_read_within(budget), driver.books());
        let drivers = drivers.into_iter().enumerate().filter(|(_, driver)| !driver.is_open);
        let Some((at, driver)) = drivers.min_by_key(|(_, driver)| cost(driver)) else { return Ok(None) };
        let is_complete = driver.is_read_within(budget);
        let is_better =
            |counted: &Counted| counted.books <= MAX_WALKED && (!is_complete || counted.books < driver.books());
        if let Some(part) = rarest.filter(is_better) {
            let source = Source::Part(part);
            return Ok(Some(Self::Books { source, is_complete: true, conditions, search: Some(search), most }));
        }
        let beside = rarest.filter(|_| !is_complete);
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != at);
        let source = Source::Words {
            each: driver.each(budget),
            any_of: driver.words.into_keys().collect(),
            begun: driver.begun.into_keys().collect(),
            all_of: others.filter_map(|(_, condition)| condition.single_word()).map(str::to_owned).collect(),
            beside: beside.map(|counted| Box::new(Walk::of(Sort::Popular, filter, Some(counted.part)))),
        };
        Ok(Some(Self::Books { source, is_complete, conditions, search: Some(search), most }))
    }

    /// All books of a part of a filter.
    pub(super) fn of_part(part: Counted<'a>) -> Self {
        let source = Source::Part(part);
        Self::Books { source, is_complete: true, conditions: Vec::new(), search: None, most: MAX_HITS }
    }

    /// How many hits there are, if so many have been found.
    pub(super) fn total(&self, found: usize) -> Total {
        let is_exact = match self {
            Self::Isbn(_) => true,
            Self::Books { is_complete, search: Some(_), most, .. } => *is_complete && found < *most as usize,
            Self::Books { is_complete, search: None, .. } => *is_complete && found <= MAX_READ as usize,
        };
        Total::new(found, is_exact)
    }

    /// A derived table of `id`, [`FACETED`] and `place` in the list's order: all books that are read and are
    /// hits, but of a search no more than its most; those whose title is the query among them.
    pub(super) fn push(&self, sql: &mut QueryBuilder<MySql>, order: &Order, filter: &Filter) {
        sql.push("(select b.id, ").push(FACETED).push(", ");
        match (order.of_books, self) {
            (Some(column), _) => _ = sql.push(column),
            (None, Self::Books { search: Some(search), .. }) => push_relevance(sql, search),
            (None, _) => _ = sql.push("b.ratings_count"),
        }
        sql.push(" as place from ");
        match self {
            Self::Isbn(isbn) => {
                sql.push("books b where b.isbn = ").push_bind(isbn.as_str().to_owned());
                push_filter(sql, filter, "b.id");
            }
            Self::Books { source, conditions, search, most, .. } => {
                source.push(sql, *search, conditions, filter, *most);
                if search.is_some() {
                    sql.push(" straight_join book_search s on s.book_id = c.id");
                }
                sql.push(" straight_join books b on b.id = c.id where true");
                if let Source::Part(_) = source {
                    push_conditions(sql, conditions.iter());
                    push_filter(sql, filter, "b.id");
                }
                if let Some(search) = search {
                    sql.push(" order by s.title_key = ").push_bind(search.title_key());
                    sql.push(format_args!(" desc, b.ratings_count desc, b.id desc limit {most}"));
                }
            }
        }
        sql.push(")");
    }
}

impl Source<'_> {
    /// A derived table `c` of ids: of hits, or of all books of a part.
    fn push(
        &self,
        sql: &mut QueryBuilder<MySql>,
        search: Option<&Search>,
        conditions: &[Condition],
        filter: &Filter,
        most: u32,
    ) {
        match self {
            Self::Part(counted) => counted.part.walk().push_set(sql),
            Self::Words { any_of, each, begun, all_of, beside } => {
                sql.push("(");
                for word in any_of {
                    sql.push("(select e.book_id as id from (select book_id, place from book_words where word = ");
                    sql.push_bind(word.clone());
                    sql.push(format_args!(" order by place, book_id limit {each}) e"));
                    push_words(sql, all_of);
                    push_tests(sql, open(conditions, Some(word), all_of), filter, most);
                    sql.push(" union ");
                }
                for beginning in begun {
                    sql.push(
                        "(select e.book_id as id from (select distinct book_id, place from book_words where word >= ",
                    );
                    sql.push_bind(beginning.clone());
                    sql.push(" and word < ").push_bind(after_all(beginning)).push(") e");
                    push_words(sql, all_of);
                    push_tests(sql, open(conditions, None, all_of), filter, most);
                    sql.push(" union ");
                }
                if let Some(walk) = beside {
                    sql.push(
                        "(select e.book_id as id from (select id as book_id, -cast(place as signed) as place from ",
                    );
                    walk.push_window(sql, &Order::of(Sort::Popular, false), None, MAX_BESIDE);
                    sql.push(" most) e");
                    push_tests(sql, conditions.iter().collect(), filter, most);
                    sql.push(" union ");
                }
                sql.push("(select e.book_id as id from (select book_id, place from book_search where title_key = ");
                sql.push_bind(search.map(Search::title_key).unwrap_or_default());
                sql.push(format_args!(" order by place, book_id limit {MIN_READ}) e"));
                push_tests(sql, conditions.iter().collect(), filter, most);
                sql.push(")");
            }
        }
        sql.push(" c");
    }
}

/// The conditions that an entry of this word, joined with those of others, does not satisfy by itself.
fn open<'a>(conditions: &'a [Condition], word: Option<&str>, joined: &[String]) -> Vec<&'a Condition> {
    let is_open = |condition: &&Condition| {
        condition.single_word().is_none_or(|other| Some(other) != word && joined.iter().all(|word| word != other))
    };
    conditions.iter().filter(is_open).collect()
}

/// A text after the first [`MAX_BEGUN_WORDS`] words with this beginning.
async fn end_of_beginning(connection: &mut MySqlConnection, beginning: &str) -> sqlx::Result<String> {
    let all = after_all(beginning);
    let sql =
        format!("select word from words where word > ? and word < ? order by word limit 1 offset {MAX_BEGUN_WORDS}");
    let beyond = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(beginning).bind(&all).fetch_optional(connection);
    Ok(beyond.await?.unwrap_or(all))
}

/// A text after all words with this beginning.
fn after_all(beginning: &str) -> String {
    format!("{beginning}\u{10ffff}")
}

/// Joins the entries `e` of a word with those of others. Both are in the same order, so that neighbours are in the same
/// pages.
fn push_words(sql: &mut QueryBuilder<MySql>, words: &[String]) {
    for (at, word) in words.iter().enumerate() {
        sql.push(format_args!(" straight_join book_words w{at} on w{at}.word = ")).push_bind(word.clone());
        sql.push(format_args!(" and w{at}.place = e.place and w{at}.book_id = e.book_id"));
    }
}

/// Tests the entries `e` in their order, until there are enough hits.
fn push_tests(sql: &mut QueryBuilder<MySql>, conditions: Vec<&Condition>, filter: &Filter, most: u32) {
    if !conditions.is_empty() {
        sql.push(" straight_join book_search s on s.book_id = e.book_id");
    }
    if needs_books(filter) {
        sql.push(" straight_join books b on b.id = e.book_id");
    }
    sql.push(" where true");
    push_conditions(sql, conditions.into_iter());
    push_filter(sql, filter, "e.book_id");
    sql.push(format_args!(" order by e.place, e.book_id limit {most})"));
}

fn push_conditions<'a>(sql: &mut QueryBuilder<MySql>, conditions: impl Iterator<Item = &'a Condition>) {
    for condition in conditions {
        push_condition(sql, condition);
    }
}

fn push_condition(sql: &mut QueryBuilder<MySql>, Condition(alternatives): &Condition) {
    sql.push(" and (false");
    for alternative in alternatives {
        sql.push(" or (true");
        for term in alternative {
            let end = if term.extent == Extent::Whole { " " } else { "" };
            sql.push(" and locate(").push_bind(format!(" {}{end}", term.word)).push(", s.terms) > 0");
        }
        sql.push(")");
    }
    sql.push(")");
}

/// The tier of a hit, then its popularity.
fn push_relevance(sql: &mut QueryBuilder<MySql>, search: &Search) {
    let beginning = search.title_words();
    sql.push("(case when s.title_key = ").push_bind(search.title_key());
    sql.push(" then 3 when left(s.title, char_length(").push_bind(beginning.clone());
    sql.push(")) = ").push_bind(beginning).push(" then 2 when true");
    push_conditions(sql, search.whole_words().iter());
    sql.push(" then 1 else 0 end) * 4294967296 + ");
    if let Some(literal) = search.literal() {
        sql.push("(locate(").push_bind(literal.to_owned()).push(", b.title) > 0) * 17179869184 + ");
    }
    sql.push("b.ratings_count");
}

/// How many books have the words of a search.
struct Vocabulary {
    books: BTreeMap<String, u32>,
    begun: BTreeMap<String, Begun>,
}

/// The words with one beginning that are longer.
#[derive(Default)]
struct Begun {
    /// The most frequent, at most one more than [`MAX_BEGUN`].
    words: Vec<(String, u32)>,
    /// How many entries all of them have.
    entries: u32,
}

/// Words of which each hit of a condition has at least one.
#[derive(Default)]
struct Driver {
    words: BTreeMap<String, u32>,
    /// Beginnings, all words of which are read, with the number of their entries.
    begun: BTreeMap<String, u32>,
    /// Whether there are more.
    is_cut: bool,
    /// Whether other books satisfy it as well: those with an abbreviated name.
    is_open: bool,
}

impl Driver {
    fn books(&self) -> u32 {
        self.words.values().chain(self.begun.values()).fold(0, |sum, books| sum.saturating_add(*books))
    }

    /// How many entries are read for each word, so that rare words leave what they do not need to the others.
    fn each(&self, budget: u32) -> u32 {
        let mut books: Vec<u32> = self.words.values().copied().collect();
        books.sort_unstable();
        let mut rest = budget;
        for (words, books) in (1..=books.len()).rev().zip(books) {
            let share = rest / u32::try_from(words).unwrap_or(u32::MAX);
            if books > share {
                return share.max(MIN_READ);
            }
            rest -= books;
        }
        budget.max(MIN_READ)
    }

    /// Whether all entries are read.
    fn is_read_within(&self, budget: u32) -> bool {
        let each = self.each(budget);
        !self.is_cut && self.words.values().all(|books| *books <= each)
    }
}

impl Vocabulary {
    async fn read(connection: &mut MySqlConnection, conditions: &[Condition]) -> sqlx::Result<Self> {
        #[derive(FromRow)]
        struct Row {
            /// None beside the sum of a beginning.
            word: Option<String>,
            books: u32,
            beginning: Option<String>,
        }
        let terms = || conditions.iter().flat_map(|Condition(alternatives)| alternatives).flatten();
        let mut sql = QueryBuilder::<MySql>::new("(select word, books, null as beginning from words where word in (");
        let mut list = sql.separated(", ");
        for term in terms() {
            list.push_bind(term.word.clone());
        }
        sql.push("))");
        for Term { word, .. } in terms().filter(|term| term.extent == Extent::Beginning) {
            let beyond = end_of_beginning(&mut *connection, word).await?;
            for (columns, end) in [
                ("word, books, ", format!(" order by books desc, word limit {})", MAX_BEGUN + 1)),
                ("null, cast(least(coalesce(sum(books), 0), 4294967295) as unsigned int), ", ")".to_owned()),
            ] {
                sql.push(" union all (select ").push(columns).push_bind(word.clone());
                sql.push(" as beginning from words where word > ").push_bind(word.clone());
                sql.push(" and word < ").push_bind(beyond.clone()).push(end);
            }
        }
        let mut vocabulary = Self { books: BTreeMap::new(), begun: BTreeMap::new() };
        for Row { word, books, beginning } in sql.build_query_as().fetch_all(connection).await? {
            match beginning {
                _ if books == 0 => {}
                None => vocabulary.books.extend(word.map(|word| (word, books))),
                Some(beginning) => vocabulary.begun.entry(beginning).or_default().note(word, books),
            }
        }
        Ok(vocabulary)
    }

    /// Takes a beginning as a whole word where so many books have it that those of longer words are no hits any more.
    fn complete(&self, Condition(alternatives): &mut Condition) {
        let is_frequent = |term: &&mut Term| self.books.get(&term.word).is_some_and(|books| *books >= MAX_HITS);
        let begun = alternatives.iter_mut().flatten().filter(|term| term.extent == Extent::Beginning);
        for term in begun.filter(is_frequent) {
            term.extent = Extent::Whole;
        }
    }

    /// The words to read for a condition; none if no book can satisfy it.
    fn driver(&self, Condition(alternatives): &Condition, max_begun: u32) -> Option<Driver> {
        let mut driver = Driver::default();
        for rarest in alternatives.iter().filter_map(|alternative| self.rarest(alternative, max_begun)) {
            driver.words.extend(rarest.words);
            driver.begun.extend(rarest.begun);
            driver.is_cut |= rarest.is_cut;
            driver.is_open |= rarest.is_open;
        }
        (driver.is_open || driver.books() > 0).then_some(driver)
    }

    /// The words of the rarest term; none if no book has all terms.
    fn rarest(&self, alternative: &Alternative, max_begun: u32) -> Option<Driver> {
        let drivers: Option<Vec<Driver>> = alternative.iter().map(|term| self.words(term, max_begun)).collect();
        drivers?.into_iter().min_by_key(|driver| (driver.is_open, driver.is_cut, driver.books()))
    }

    fn words(&self, term: &Term, max_begun: u32) -> Option<Driver> {
        let mut driver = Driver { is_open: term.extent == Extent::Abbreviation, ..Driver::default() };
        if driver.is_open {
            return Some(driver);
        }
        let whole = self.books.get(&term.word).copied();
        driver.words.extend(whole.map(|books| (term.word.clone(), books)));
        if let Some(begun) = self.begun.get(&term.word).filter(|_| term.extent == Extent::Beginning) {
            let entries = begun.entries.saturating_add(whole.unwrap_or_default());
            driver.is_cut = begun.words.len() > MAX_BEGUN && entries > max_begun;
            if begun.words.len() > MAX_BEGUN && !driver.is_cut {
                return Some(Driver { begun: BTreeMap::from([(term.word.clone(), entries)]), ..Driver::default() });
            }
            driver.words.extend(begun.words.iter().take(MAX_BEGUN).cloned());
        }
        (driver.books() > 0).then_some(driver)
    }
}

impl Begun {
    /// A word with its number of books, or the sum of all words.
    fn note(&mut self, word: Option<String>, books: u32) {
        match word {
            Some(word) => self.words.push((word, books)),
            None => self.entries = books,
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Histogram, Language, Money, popularity_class},
        repo::{
            books::{Listed, Listing, listed},
            catalogue,
            fixtures::row,
            shop_counts,
        },
    };

    async fn found(connection: &mut MySqlConnection, query: &str, filter: &Filter) -> (Vec<String>, Total) {
        let search = Some(Search::parse(query).unwrap());
        let listing = Listing::new(search, filter.clone(), Sort::Relevance, 100);
        let Listed { slice, total } = listed(connection, &listing).await.unwrap();
        (slice.items.into_iter().map(|book| book.title).collect(), total)
    }

    fn in_language(tag: &str) -> Filter {
        Filter { language: Some(Language::parse(tag).unwrap()), ..Filter::default() }
    }

    async fn put(connection: &mut MySqlConnection, title: &str, author: &str, language: &str, ratings: u32) {
        let row = CatalogueRow {
            language: Some(Language::parse(language).unwrap()),
            stars: Some(Histogram([0, 0, 0, ratings, 0])),
            stock: Some(1),
            price: Some(Money::parse("90.00", "EUR").unwrap()),
            ..row(&title.replace(|c: char| !c.is_ascii_alphanumeric(), "-"), title, &[author])
        };
        catalogue::put(connection, &row).await.unwrap();
    }

    /// More words begin with `col` than a search reads one by one, and the Spanish one is the least frequent.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_beginning_finds_the_rarest_of_its_words_within_a_filter(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for word in 'a'..='z' {
            for book in 0..2 {
                put(&mut connection, &format!("Col{word} {book}"), "Peter Nobody", "en", 50).await;
            }
        }
        put(&mut connection, "La colmena", "Camilo José Cela", "es", 9).await;
        put(&mut connection, "El camino", "Miguel Delibes", "es", 9).await;
        let exactly = |books| Total { books, is_exact: true };
        for (query, filter, books) in [
            ("col", in_language("es"), 1),
            ("col", Filter { in_stock: true, ..in_language("es") }, 1),
            ("la col", in_language("es"), 1),
            ("col", in_language("en"), 52),
            ("col", Filter::default(), 53),
            ("peter col", Filter::default(), 52),
            ("colm", in_language("en"), 2),
            ("colme", in_language("en"), 0),
        ] {
            let (titles, total) = found(&mut connection, query, &filter).await;
            assert_eq!((titles.len(), total), (books, exactly(u32::try_from(books).unwrap())), "{query} {filter:?}");
        }
    }

    /// The vocabulary has more entries of `col` than are read, and the language more books.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn where_not_all_is_read_the_popular_books_of_the_filter_are_and_no_search_says_none(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, "La colmena", "Camilo José Cela", "es", 900).await;
        put(&mut connection, "Colección particular", "Nadie", "es", 1).await;
        for sql in [
            "insert into words (word, books) select concat('cola', char(96 + seq)), 1000 from seq_1_to_25",
            "insert into books (reference, title, byline, language, ratings_count)
             select concat('r', seq), 'Libro', 'Nadie', 'es', 10 from seq_1_to_6000",
        ] {
            sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
        }
        shop_counts::recount(&mut connection).await.unwrap();
        let (titles, total) = found(&mut connection, "col", &in_language("es")).await;
        assert_eq!((titles, total), (vec!["La colmena".to_owned()], Total { books: 1, is_exact: false }));
        let (titles, total) = found(&mut connection, "col", &Filter { in_stock: false, ..in_language("ca") }).await;
        assert_eq!((titles.len(), total.is_none()), (0, true), "a language without books");
        let cheap = Filter { max_price: Some(5_500), ..in_language("es") };
        let (titles, total) = found(&mut connection, "col", &cheap).await;
        assert!(titles.is_empty() && !total.is_none(), "{total:?}");
    }

    /// More books have the words than are read for one of them, and than are kept for several; the popular ones are the
    /// oldest and the newest.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn of_more_hits_than_are_kept_the_popular_ones_are_there_in_every_order(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        let popular = |title: &str, year: i16, ratings: u32| CatalogueRow {
            year: Some(year),
            stars: Some(Histogram([0, 0, 0, 0, ratings])),
            ..row(&format!("popular-{year}"), title, &["Autora"])
        };
        catalogue::put(&mut connection, &popular("Primera serie alfa", 2021, 900)).await.unwrap();
        let place = popularity_class(1);
        for sql in [
            "insert into books (reference, title, byline, year, ratings_count)
             select concat('r', seq), 'Otra serie alfa', 'Nadie', 1900, 1 from seq_1_to_3000"
                .to_owned(),
            format!(
                "insert into book_search (book_id, place, source, title, title_key, terms)
                 select id, {place}, 0, ' otra serie alfa ', concat('r', id), ' otra serie alfa nadie ' from books where year = 1900"
            ),
            format!(
                "insert into book_words (word, place, book_id)
                 select w.word, {place}, b.id from books b
                 join (select 'serie' as word union select 'alfa') w on b.year = 1900"
            ),
            "update words set books = 3001 where word in ('serie', 'alfa')".to_owned(),
        ] {
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *connection).await.unwrap();
        }
        catalogue::put(&mut connection, &popular("Zeta serie alfa", 2020, 800)).await.unwrap();
        for query in ["serie", "serie alfa"] {
            for sort in [Sort::Relevance, Sort::Popular, Sort::Newest, Sort::Rating] {
                let listing = Listing::new(Some(Search::parse(query).unwrap()), Filter::default(), sort, 2);
                let found = listed(&mut connection, &listing).await.unwrap();
                let titles: Vec<_> = found.slice.items.into_iter().map(|book| book.title).collect();
                assert_eq!(titles, ["Primera serie alfa", "Zeta serie alfa"], "{query} by {sort:?}");
                assert!(!found.total.is_exact, "{query} by {sort:?}: {:?}", found.total);
            }
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn digits_that_could_be_an_isbn_are_words_where_no_book_has_it(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        put(&mut connection, "Cartas 1914 1918 38", "Nadie", "es", 1).await;
        put(&mut connection, "Otra", "Nadie", "es", 1).await;
        let (titles, _) = found(&mut connection, "1914 1918 38", &Filter::default()).await;
        assert_eq!(titles, ["Cartas 1914 1918 38"]);
        let numbered = "update books set isbn = '9781914191831' where title = 'Otra'";
        sqlx::raw_sql(numbered).execute(&mut *connection).await.unwrap();
        let (titles, _) = found(&mut connection, "1914191838", &Filter::default()).await;
        assert_eq!(titles, ["Otra"]);
    }

    #[test]
    fn rare_words_leave_what_they_do_not_need_to_the_others() {
        for (books, budget, each) in [
            (&[10, 20, 9_000][..], 5_000, 4_970),
            (&[10, 20], 5_000, 5_000),
            (&[4_000, 4_000], 5_000, 2_500),
            (&[900; 21], 1_000, MIN_READ),
            (&[], 1_000, 1_000),
        ] {
            let words = books.iter().enumerate().map(|(at, books)| (at.to_string(), *books)).collect();
            let driver = Driver { words, ..Driver::default() };
            assert_eq!(driver.each(budget), each, "{books:?}");
        }
    }
}
