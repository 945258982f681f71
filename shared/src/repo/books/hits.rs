//! The hits of a search, from the word index.

use std::collections::BTreeMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};

use super::{
    narrow::{Counted, MAX_READ, needs_books, push_filter},
    order::Order,
};
use crate::domain::{Alternative, Condition, Filter, Isbn13, Search, Term};

/// The largest number of hits of a search: beyond it, these are the most popular.
pub(super) const MAX_HITS: u32 = 1_000;
/// What facets count, of the books `b`.
pub(super) const FACETED: &str = "b.base_language as language, b.in_stock, b.ratings_count, b.score, \
                                  b.price_order as price";
/// Words that a beginning stands for: the most frequent.
const MAX_BEGUN: usize = 20;
/// The fewest entries that are read for one of several words.
const MIN_READ: u32 = 250;

/// The books of a list that are read as a whole before they are sorted.
pub(super) enum Hits<'a> {
    Isbn(&'a Isbn13),
    Books {
        source: Source<'a>,
        /// Whether every hit is among the books that are read.
        is_complete: bool,
        conditions: Vec<Condition>,
        search: Option<&'a Search>,
    },
}

/// Books that have all the hits, or the most popular of them.
pub(super) enum Source<'a> {
    Words {
        /// Each hit has one of them.
        any_of: Vec<String>,
        /// How many entries are read for each.
        each: u32,
        /// Each hit has all of them as well.
        all_of: Vec<String>,
    },
    Part(Counted<'a>),
}

impl<'a> Hits<'a> {
    /// The hits of a search within a filter, whose rarest part is known; none if nothing can be found.
    pub(super) async fn of(
        connection: &mut MySqlConnection,
        search: &'a Search,
        rarest: Option<Counted<'a>>,
    ) -> sqlx::Result<Option<Self>> {
        if let Some(isbn) = search.isbn() {
            return Ok(Some(Self::Isbn(isbn)));
        }
        let mut conditions = search.conditions();
        if conditions.is_empty() {
            return Ok(None);
        }
        let vocabulary = Vocabulary::read(connection, &conditions).await?;
        for condition in &mut conditions {
            vocabulary.complete(condition);
        }
        let drivers = conditions.iter().map(|condition| vocabulary.driver(condition));
        let Some(drivers) = drivers.collect::<Option<Vec<Driver>>>() else { return Ok(None) };
        let Some((at, driver)) = drivers.into_iter().enumerate().min_by_key(|(_, driver)| driver.books()) else {
            return Ok(None);
        };
        let is_narrow = |counted: &Counted| counted.books <= MAX_READ && counted.books < driver.books();
        if let Some(part) = rarest.filter(is_narrow) {
            let source = Source::Part(part);
            return Ok(Some(Self::Books { source, is_complete: true, conditions, search: Some(search) }));
        }
        let budget = if conditions.len() == 1 && rarest.is_none() { MAX_HITS } else { MAX_READ };
        let words = u32::try_from(driver.words.len().max(1)).unwrap_or(u32::MAX);
        let each = (budget / words).max(MIN_READ);
        let is_complete = !driver.is_cut && driver.words.values().all(|books| *books <= each);
        let others = conditions.iter().enumerate().filter(|(other, _)| *other != at);
        let all_of = others.filter_map(|(_, condition)| condition.single_word()).map(str::to_owned).collect();
        let source = Source::Words { any_of: driver.words.into_keys().collect(), each, all_of };
        Ok(Some(Self::Books { source, is_complete, conditions, search: Some(search) }))
    }

    /// All books of a part of a filter.
    pub(super) fn of_part(part: Counted<'a>) -> Self {
        Self::Books { source: Source::Part(part), is_complete: true, conditions: Vec::new(), search: None }
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self, Self::Isbn(_) | Self::Books { is_complete: true, .. })
    }

    /// A derived table of `id`, [`FACETED`] and `place` in the list's order: all books that are read and are
    /// hits, but of a search no more than [`MAX_HITS`]; those whose title is the query among them.
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
            Self::Books { source, conditions, search, .. } => {
                source.push(sql, *search, conditions, filter);
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
                    sql.push(format_args!(" desc, b.ratings_count desc, b.id desc limit {MAX_HITS}"));
                }
            }
        }
        sql.push(")");
    }
}

impl Source<'_> {
    /// A derived table `c` of ids: of hits, or of all books of a part.
    fn push(&self, sql: &mut QueryBuilder<MySql>, search: Option<&Search>, conditions: &[Condition], filter: &Filter) {
        match self {
            Self::Part(counted) => counted.part.walk().push_set(sql),
            Self::Words { any_of, each, all_of } => {
                sql.push("(");
                for word in any_of {
                    sql.push("(select e.book_id as id from (select book_id, place from book_words where word = ");
                    sql.push_bind(word.clone());
                    sql.push(format_args!(" order by place, book_id limit {each}) e"));
                    push_words(sql, all_of);
                    let is_open = |condition: &&Condition| {
                        condition
                            .single_word()
                            .is_none_or(|other| other != word && all_of.iter().all(|word| word != other))
                    };
                    push_tests(sql, conditions.iter().filter(is_open).collect(), filter);
                    sql.push(" union ");
                }
                sql.push("(select e.book_id as id from (select book_id, place from book_search where title_key = ");
                sql.push_bind(search.map(Search::title_key).unwrap_or_default());
                sql.push(format_args!(" order by place, book_id limit {MIN_READ}) e"));
                push_tests(sql, conditions.iter().collect(), filter);
                sql.push(")");
            }
        }
        sql.push(" c");
    }
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
fn push_tests(sql: &mut QueryBuilder<MySql>, conditions: Vec<&Condition>, filter: &Filter) {
    if !conditions.is_empty() {
        sql.push(" straight_join book_search s on s.book_id = e.book_id");
    }
    if needs_books(filter) {
        sql.push(" straight_join books b on b.id = e.book_id");
    }
    sql.push(" where true");
    push_conditions(sql, conditions.into_iter());
    push_filter(sql, filter, "e.book_id");
    sql.push(format_args!(" order by e.place, e.book_id limit {MAX_HITS})"));
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
            let end = if term.is_beginning { "" } else { " " };
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
    /// For each beginning the most frequent words that begin so, at most one more than [`MAX_BEGUN`].
    begun: BTreeMap<String, Vec<(String, u32)>>,
}

/// Words of which each hit of a condition has at least one.
#[derive(Default)]
struct Driver {
    words: BTreeMap<String, u32>,
    /// Whether there are more.
    is_cut: bool,
}

impl Driver {
    fn books(&self) -> u32 {
        self.words.values().fold(0, |sum, books| sum.saturating_add(*books))
    }
}

impl Vocabulary {
    async fn read(connection: &mut MySqlConnection, conditions: &[Condition]) -> sqlx::Result<Self> {
        #[derive(FromRow)]
        struct Row {
            word: String,
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
        for Term { word, .. } in terms().filter(|term| term.is_beginning) {
            sql.push(" union all (select word, books, ").push_bind(word.clone());
            sql.push(" as beginning from words where word > ").push_bind(word.clone());
            sql.push(" and word < ").push_bind(format!("{word}\u{10ffff}"));
            sql.push(format_args!(" order by books desc limit {})", MAX_BEGUN + 1));
        }
        let mut vocabulary = Self { books: BTreeMap::new(), begun: BTreeMap::new() };
        for Row { word, books, beginning } in sql.build_query_as().fetch_all(connection).await? {
            match beginning {
                _ if books == 0 => {}
                None => _ = vocabulary.books.insert(word, books),
                Some(beginning) => vocabulary.begun.entry(beginning).or_default().push((word, books)),
            }
        }
        Ok(vocabulary)
    }

    /// Takes a beginning as a whole word where so many books have it that those of longer words are no hits any more.
    fn complete(&self, Condition(alternatives): &mut Condition) {
        for term in alternatives.iter_mut().flatten() {
            term.is_beginning &= self.books.get(&term.word).is_none_or(|books| *books < MAX_HITS);
        }
    }

    /// The words to read for a condition; none if no book can satisfy it.
    fn driver(&self, Condition(alternatives): &Condition) -> Option<Driver> {
        let mut driver = Driver::default();
        for rarest in alternatives.iter().filter_map(|alternative| self.rarest(alternative)) {
            driver.words.extend(rarest.words);
            driver.is_cut |= rarest.is_cut;
        }
        (!driver.words.is_empty()).then_some(driver)
    }

    /// The words of the rarest term; none if no book has all terms.
    fn rarest(&self, alternative: &Alternative) -> Option<Driver> {
        let drivers: Option<Vec<Driver>> = alternative.iter().map(|term| self.words(term)).collect();
        drivers?.into_iter().min_by_key(Driver::books)
    }

    fn words(&self, term: &Term) -> Option<Driver> {
        let mut driver = Driver::default();
        driver.words.extend(self.books.get(&term.word).map(|books| (term.word.clone(), *books)));
        if let Some(begun) = self.begun.get(&term.word).filter(|_| term.is_beginning) {
            driver.words.extend(begun.iter().take(MAX_BEGUN).cloned());
            driver.is_cut = begun.len() > MAX_BEGUN;
        }
        (!driver.words.is_empty()).then_some(driver)
    }
}
