//! Filters: how many books each part of one finds, and the indexes that have these books.

use sqlx::{MySql, MySqlConnection, QueryBuilder};

use super::order::Order;
use crate::{
    domain::{AuthorId, Filter, Genre, Language, Sort, Total},
    repo::shop_counts::{self, Between, ShopCounts},
};

/// The largest number of books of a filter that are all read, to sort and to count them.
pub(super) const MAX_READ: u32 = 5_000;
/// The largest number of index entries that are walked for one slice, or read for a search within a filter.
pub(super) const MAX_WALKED: u32 = 4_000;

/// One condition of a filter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Genre(&'a Genre),
    Author(AuthorId),
    /// A language with all its regions.
    Language(&'a Language),
    /// A language with its region or script.
    Region(&'a Language),
    /// Books that can be sent today: those to order are not.
    InStock,
    MinScore(u32),
    MaxPrice(u32),
}

/// A part with the number of books that it finds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted<'a> {
    pub(super) part: Part<'a>,
    /// Not fewer than it finds.
    pub(super) books: u32,
    /// Not more than it finds.
    at_least: u32,
}

/// A filter with what is known about the shop.
#[derive(Default)]
pub(super) struct Narrowing<'a> {
    pub(super) shop: ShopCounts,
    parts: Vec<Counted<'a>>,
}

pub(super) fn parts(filter: &Filter) -> Vec<Part<'_>> {
    let Filter { genre, language, author, min_score, max_price, in_stock } = filter;
    let parts = [
        genre.as_ref().map(Part::Genre),
        author.map(Part::Author),
        language.as_ref().map(|tag| if tag.is_regional() { Part::Region(tag) } else { Part::Language(tag) }),
        in_stock.then_some(Part::InStock),
        min_score.map(Part::MinScore),
        max_price.map(Part::MaxPrice),
    ];
    parts.into_iter().flatten().collect()
}

/// Whether an index has exactly the books of the filter in the order of this sort.
pub(super) fn is_one_index(filter: &Filter, sort: Sort) -> bool {
    match parts(filter)[..] {
        [] => true,
        [part] => part.is_index_of(sort),
        _ => false,
    }
}

impl<'a> Narrowing<'a> {
    pub(super) async fn of(connection: &mut MySqlConnection, filter: &'a Filter) -> sqlx::Result<Self> {
        let shop = shop_counts::read(connection).await?;
        let mut counted = Vec::new();
        for part in parts(filter) {
            let Between { at_least, at_most } = part.count(connection, &shop).await?;
            counted.push(Counted { part, books: at_most, at_least });
        }
        Ok(Self { shop, parts: counted })
    }

    /// The part that finds the fewest.
    pub(super) fn rarest(&self) -> Option<Counted<'a>> {
        self.parts.iter().min_by_key(|counted| counted.books).copied()
    }

    /// Whether all books of the rarest part are read and sorted. A walk along the order finds a slice of a single part of n
    /// of N books in about N / n entries for each row; for several parts, only reading all counts them.
    pub(super) fn is_read_as_a_whole(&self, filter: &Filter, sort: Sort, limit: u32) -> bool {
        let Some(Counted { books, .. }) = self.rarest() else { return false };
        let (books, all) = (u64::from(books), u64::from(self.shop.all));
        let is_walk_shorter =
            self.total().is_some_and(|total| total.is_exact) && books * books > 4 * u64::from(limit) * all;
        !is_one_index(filter, sort) && books <= MAX_READ.into() && !is_walk_shorter
    }

    /// How many books the whole filter finds, as far as that is known without reading them; none for several parts.
    pub(super) fn total(&self) -> Option<Total> {
        match self.parts[..] {
            [] => Some(Total { books: self.shop.all, is_exact: true }),
            [Counted { books, at_least, .. }] => Some(Total { books: at_least, is_exact: books == at_least }),
            _ => None,
        }
    }

    /// No filter finds more.
    pub(super) fn at_most(&self) -> u32 {
        self.rarest().map_or(self.shop.all, |counted| counted.books)
    }

    /// Whether [`MAX_WALKED`] entries in the order of popularity are all that can pass the filter.
    pub(super) fn is_read_by_popularity(&self) -> bool {
        let part = self.rarest().filter(|counted| counted.part.is_index_of(Sort::Popular));
        part.map_or(self.shop.all, |counted| counted.books) <= MAX_WALKED
    }
}

impl Part<'_> {
    async fn count(self, connection: &mut MySqlConnection, shop: &ShopCounts) -> sqlx::Result<Between> {
        Ok(match self {
            Self::Genre(genre) => {
                let books = sqlx::query_scalar!("select books from genres where slug = ?", genre.0);
                Between::exactly(books.fetch_optional(connection).await?.unwrap_or_default())
            }
            Self::Author(_) | Self::Region(_) => counted_up_to(connection, self, shop.all, MAX_WALKED).await?,
            Self::Language(language) => {
                let languages = shop.languages.iter().find(|count| count.value == language.as_str());
                Between::exactly(languages.map_or(0, |count| u32::try_from(count.count).unwrap_or(u32::MAX)))
            }
            Self::InStock => Between::exactly(shop.in_stock),
            Self::MinScore(score) => shop.with_score(score),
            Self::MaxPrice(limit) => match shop.with_price(limit) {
                known if known.is_exact() || known.at_most > MAX_READ => known,
                _ => counted_up_to(connection, self, shop.all, MAX_READ).await?,
            },
        })
    }

    /// The index whose range has exactly the books of this part.
    pub(super) fn walk(self) -> Walk<'static> {
        let walk = |table, condition, key, id| Walk { table, condition, value: Some(self.value()), key, id };
        match self {
            Self::Genre(_) => walk(
                "book_genres d force index (book_genres_popular)",
                "d.genre_id = (select id from genres where slug = ?)",
                "d.ratings_count",
                "d.book_id",
            ),
            Self::Author(_) => walk(
                "book_authors d force index (book_authors_popular)",
                "d.author_id = ?",
                "d.ratings_count",
                "d.book_id",
            ),
            Self::Region(_) => {
                walk("books d force index (books_language)", "d.language like ?", "d.ratings_count", "d.id")
            }
            Self::Language(_) => {
                walk("books d force index (books_base_language)", "d.base_language = ?", "d.ratings_count", "d.id")
            }
            Self::InStock => {
                walk("books d force index (books_available)", "d.available = ?", "d.ratings_count", "d.id")
            }
            Self::MinScore(_) => walk("books d force index (books_rating)", "d.score >= ?", "d.score", "d.id"),
            Self::MaxPrice(_) => {
                walk("books d force index (books_price)", "d.price_order <= ?", "d.price_order", "d.id")
            }
        }
    }

    fn value(self) -> Value {
        match self {
            Self::Genre(genre) => Value::Text(genre.0.clone()),
            Self::Author(author) => Value::Number(author.get().into()),
            Self::Region(tag) => Value::Text(format!("{}%", tag.as_str())),
            Self::Language(language) => Value::Text(language.as_str().to_owned()),
            Self::InStock => Value::Number(1),
            Self::MinScore(number) | Self::MaxPrice(number) => Value::Number(number.into()),
        }
    }

    /// Whether the index of this part has exactly its books in the order of this sort.
    pub(super) fn is_index_of(self, sort: Sort) -> bool {
        match self {
            Self::Genre(_) | Self::Author(_) | Self::Language(_) | Self::InStock => {
                matches!(sort, Sort::Relevance | Sort::Popular)
            }
            Self::Region(_) | Self::MinScore(_) => false,
            Self::MaxPrice(_) => sort == Sort::Price,
        }
    }

    /// A condition on the book `b`, whose id is also the expression `id`; it begins with `and`. Counted instead of `exists`,
    /// which the server turns into a join that may begin with all books of the genre.
    fn push(self, sql: &mut QueryBuilder<MySql>, id: &str) {
        match self {
            Self::Genre(genre) => sql
                .push(format_args!(
                    " and (select count(*) from book_genres bg where bg.book_id = {id} and bg.genre_id = "
                ))
                .push("(select id from genres where slug = ")
                .push_bind(genre.0.clone())
                .push(")) > 0"),
            Self::Author(author) => sql
                .push(format_args!(
                    " and (select count(*) from book_authors ba where ba.book_id = {id} and ba.author_id = "
                ))
                .push_bind(author.get())
                .push(") > 0"),
            Self::Region(tag) => sql
                .push(" and (b.language = ")
                .push_bind(tag.as_str().to_owned())
                .push(" or b.language like ")
                .push_bind(format!("{}-%", tag.as_str()))
                .push(")"),
            Self::Language(language) => sql.push(" and b.base_language = ").push_bind(language.as_str().to_owned()),
            Self::InStock => sql.push(" and b.available = 1"),
            Self::MinScore(score) => sql.push(" and b.ratings_count > 0 and b.score >= ").push_bind(score),
            Self::MaxPrice(price) => sql.push(" and b.price_order <= ").push_bind(price),
        };
    }
}

/// How many books a part finds, read from its index: exact up to `most`.
async fn counted_up_to(connection: &mut MySqlConnection, part: Part<'_>, all: u32, most: u32) -> sqlx::Result<Between> {
    let mut sql = QueryBuilder::<MySql>::new("select count(*) from ");
    part.walk().push_set_up_to(&mut sql, most);
    sql.push(" c");
    let books: i64 = sql.build_query_scalar().fetch_one(connection).await?;
    let books = u32::try_from(books).unwrap_or(u32::MAX);
    Ok(if books <= most { Between::exactly(books) } else { Between { at_least: books, at_most: all } })
}

/// Conditions on the book `b`, whose id is also the expression `id`.
pub(super) fn push_filter(sql: &mut QueryBuilder<MySql>, filter: &Filter, id: &str) {
    for part in parts(filter) {
        part.push(sql, id);
    }
}

/// Whether the conditions of a filter are about more than the id of the book.
pub(super) fn needs_books(filter: &Filter) -> bool {
    parts(filter).iter().any(|part| !matches!(part, Part::Genre(_) | Part::Author(_)))
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Number(i64),
    Text(String),
}

impl Value {
    pub(super) fn push(&self, sql: &mut QueryBuilder<MySql>) {
        match self {
            Self::Number(number) => sql.push_bind(*number),
            Self::Text(text) => sql.push_bind(text.clone()),
        };
    }
}

/// A range of an index, read in the order of its key.
pub(super) struct Walk<'a> {
    /// With the alias `d`, and the index that is read.
    table: &'a str,
    /// On `d`, with one placeholder.
    condition: &'a str,
    value: Option<Value>,
    key: &'a str,
    id: &'a str,
}

impl Walk<'_> {
    /// The index in whose order a list is read: the one of a part by popularity, else that of the sort.
    pub(super) fn of(sort: Sort, filter: &Filter, rarest: Option<Part>) -> Walk<'static> {
        if let Some(part) = rarest.filter(|part| part.is_index_of(sort)) {
            return part.walk();
        }
        let all = |table, key| Walk { table, condition: "", value: None, key, id: "d.id" };
        match (sort, filter) {
            (Sort::Rating, Filter { min_score: Some(score), .. }) => Part::MinScore(*score).walk(),
            (Sort::Price, Filter { max_price: Some(price), .. }) => Part::MaxPrice(*price).walk(),
            (Sort::Relevance | Sort::Popular, _) => all("books d force index (books_popular)", "d.ratings_count"),
            (Sort::Bestsellers, _) => all("books d force index (books_bestsellers)", "d.sold"),
            (Sort::Rating, _) => all("books d force index (books_rating)", "d.score"),
            (Sort::Newest, _) => all("books d force index (books_newest)", "d.year_order"),
            (Sort::Title, _) => all("books d force index (books_title)", "d.title"),
            (Sort::Price, _) => all("books d force index (books_price)", "d.price_order"),
        }
    }

    /// The ids of the whole range as a derived table, cut beyond [`MAX_READ`].
    pub(super) fn push_set(&self, sql: &mut QueryBuilder<MySql>) {
        self.push_set_up_to(sql, MAX_READ);
    }

    fn push_set_up_to(&self, sql: &mut QueryBuilder<MySql>, most: u32) {
        sql.push(format_args!("(select {} as id from {} where true", self.id, self.table));
        self.push_condition(sql);
        sql.push(format_args!(" limit {})", most + 1));
    }

    /// The next `limit` entries after a cursor as a derived table of `id` and `place`.
    pub(super) fn push_window(
        &self,
        sql: &mut QueryBuilder<MySql>,
        order: &Order,
        after: Option<&(Value, u32)>,
        limit: u32,
    ) {
        self.push_entries(sql, order, after, limit, &format!("limit {limit}"));
    }

    /// The same table with one row: the entry of the window after `offset` others.
    pub(super) fn push_entry(
        &self,
        sql: &mut QueryBuilder<MySql>,
        order: &Order,
        after: Option<&(Value, u32)>,
        offset: u32,
    ) {
        self.push_entries(sql, order, after, offset + 1, &format!("limit 1 offset {offset}"));
    }

    /// The two ranges of a cursor (its tie, and beyond it) are two reads of `limit` entries each, because the server would
    /// read the whole tie for one condition on both.
    fn push_entries(
        &self,
        sql: &mut QueryBuilder<MySql>,
        order: &Order,
        after: Option<&(Value, u32)>,
        limit: u32,
        cut: &str,
    ) {
        let Self { table, key, id, .. } = self;
        let (way, beyond) = (order.way, order.beyond());
        let select = format!("select {id} as id, {key} as place from {table} where true");
        let ordered = format!(" order by {key} {way}, {id} {way}");
        let Some((place, last)) = after else {
            sql.push(format_args!("({select}"));
            self.push_condition(sql);
            sql.push(format_args!("{ordered} {cut})"));
            return;
        };
        sql.push(format_args!("(({select}"));
        self.push_condition(sql);
        // Not `=` or `between`, for which the server may read the whole tie.
        for bound in [">=", "<="] {
            sql.push(format_args!(" and {key} {bound} "));
            place.push(sql);
        }
        sql.push(format_args!(" and {id} {beyond} ")).push_bind(*last);
        sql.push(format_args!("{ordered} limit {limit}) union all ({select}"));
        self.push_condition(sql);
        sql.push(format_args!(" and {key} {beyond} "));
        place.push(sql);
        sql.push(format_args!("{ordered} limit {limit}) order by place {way}, id {way} {cut})"));
    }

    fn push_condition(&self, sql: &mut QueryBuilder<MySql>) {
        if let (Some(value), Some((before, after))) = (&self.value, self.condition.split_once('?')) {
            sql.push(" and ").push(before);
            value.push(sql);
            sql.push(after);
        }
    }
}
