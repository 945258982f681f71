//! Lists of books: searched, filtered and sorted, a slice at a time, with their facets. However many books there are, a
//! bounded number of them is read.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder, types::Json};

use super::{
    hits::{FACETED, Hits, MAX_HITS},
    narrow::{MAX_WALKED, Narrowing, Part, Value, Walk, is_one_index, parts, push_filter},
    order::Order,
};
use crate::{
    domain::{
        AuthorId, Availability, BookId, Count, Currency, Cursor, Facets, Filter, Isbn13, Language, MEAN_BANDS, Money,
        PRICE_BANDS, Parsed, Ratings, Search, Slice, Sort, Summary, Total, mean_of_score,
    },
    repo::{genres, shop_counts},
    uploads::{Cover, CoverFiles, Size},
};

/// A query of the list.
#[derive(Debug)]
pub struct Listing {
    pub(in crate::repo) search: Option<Search>,
    pub(in crate::repo) filter: Filter,
    sort: Sort,
    after: Option<Cursor<Keys>>,
    limit: u32,
    /// The most hits of its search that are read.
    most: u32,
    /// That of all prices of the shop.
    currency: Currency,
}

/// A slice of a list, and what is known about the whole list.
#[derive(Debug, PartialEq)]
pub struct Listed {
    pub slice: Slice<Summary>,
    pub total: Total,
}

/// The sort key of a row, its id, and how many books of the list there are up to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Keys(Key, u32, #[serde(default)] u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

/// The columns of a row; its sort key follows.
const COLUMNS: &str = "select b.id, b.title, b.byline, b.isbn, b.year, b.language, b.price, b.currency, b.stock, \
                       b.ratings_count, b.score, b.withdrawn_at is not null as is_withdrawn, \
                       if(c.book_id is null, null, json_array(c.hash, c.width, c.height, c.credit)) as cover, ";
/// The covers of these columns. A subselect would read twice as many rows, because the server keeps the answers of one.
const COVERS: &str = " left join covers c on c.book_id = b.id";
/// Entries of an index that are read first for a filtered slice; [`MAX_WALKED`] if they do not fill it.
const FIRST_READ: u32 = 500;

/// One slice of the list: never an `OFFSET`. A slice of a filtered list can have fewer books than its limit and a next
/// one all the same: then none of the next [`MAX_WALKED`] books of the order passes the filter.
pub async fn list(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Slice<Summary>> {
    if listing.search.is_none() && is_one_index(&listing.filter, listing.sort) {
        return windowed(connection, listing, parts(&listing.filter).first().copied()).await;
    }
    Ok(listed(connection, listing).await?.slice)
}

/// The slice, and how many books the list has. If a search finds nothing, its abbreviated names are beginnings of words.
pub async fn listed(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Listed> {
    let listed = Plan::of(connection, listing).await?.listed(connection, listing).await?;
    match listing.loosened(&listed) {
        None => Ok(listed),
        Some(loose) => Plan::of(connection, &loose).await?.listed(connection, &loose).await,
    }
}

/// The same, and the number of books for each value of each filter. A facet that the list is filtered by is counted without
/// that filter, so that its numbers are what the other values would find.
pub async fn listed_with_facets(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<(Listed, Facets)> {
    let (listed, facets) = as_typed_with_facets(connection, listing).await?;
    match listing.loosened(&listed) {
        None => Ok((listed, facets)),
        Some(loose) => as_typed_with_facets(connection, &loose).await,
    }
}

async fn as_typed_with_facets(connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<(Listed, Facets)> {
    let plan = Plan::of(connection, listing).await?;
    let (listed, mut facets) = match &plan.source {
        Source::Hits(found) if listing.search.is_some() => {
            let hits = hits(connection, listing, found).await?;
            let slice = page_of(connection, listing, &hits).await?;
            let total = found.total(hits.len());
            let facets = facets(connection, listing, &hits, total.is_exact).await?;
            (Listed { slice, total }, facets)
        }
        _ => {
            let listed = plan.listed(connection, listing).await?;
            (listed, numbers(connection, listing, &plan).await?)
        }
    };
    for (facet, filter) in listing.filter.without_each_facet() {
        let wider = Listing { filter, after: None, sort: Sort::Popular, search: listing.search.clone(), ..*listing };
        let plan = Plan::of(connection, &wider).await?;
        facets.take(facet, numbers(connection, &wider, &plan).await?);
    }
    Ok((listed, facets))
}

/// The facets of a list from its first slice on.
async fn numbers(connection: &mut MySqlConnection, listing: &Listing, plan: &Plan<'_>) -> sqlx::Result<Facets> {
    match &plan.source {
        Source::Nothing => Ok(Facets::empty()),
        Source::Hits(found) if listing.search.is_some() => {
            let hits = hits(connection, listing, found).await?;
            facets(connection, listing, &hits, found.total(hits.len()).is_exact).await
        }
        _ if parts(&listing.filter).is_empty() => facets_of_shop(connection, listing, plan).await,
        source => {
            let hits = popular(connection, listing, plan).await?;
            let is_whole_range = matches!(source, Source::Hits(_)) || is_one_index(&listing.filter, Sort::Popular);
            let is_complete = is_whole_range || plan.narrowing.is_read_by_popularity();
            facets(connection, listing, &hits, is_complete && hits.len() < MAX_HITS as usize).await
        }
    }
}

/// How a list is read.
struct Plan<'a> {
    narrowing: Narrowing<'a>,
    source: Source<'a>,
}

enum Source<'a> {
    /// Nothing can be found.
    Nothing,
    /// All hits of a search, or all books of a filter that finds few: read as a whole, then sorted.
    Hits(Hits<'a>),
    /// An index in the order of the list, part by part.
    Walk,
}

impl<'a> Plan<'a> {
    async fn of(connection: &mut MySqlConnection, listing: &'a Listing) -> sqlx::Result<Self> {
        // A search without a filter needs no numbers of the shop.
        let narrowing = match (&listing.search, &parts(&listing.filter)[..]) {
            (Some(_), []) => Narrowing::default(),
            _ => Narrowing::of(connection, &listing.filter).await?,
        };
        let rarest = narrowing.rarest();
        let source = match (&listing.search, rarest) {
            (Some(search), _) => {
                let hits = Hits::of(connection, search, &listing.filter, rarest, listing.most).await?;
                hits.map_or(Source::Nothing, Source::Hits)
            }
            (None, Some(counted)) if narrowing.is_read_as_a_whole(&listing.filter, listing.sort, listing.limit) => {
                Source::Hits(Hits::of_part(counted))
            }
            (None, _) => Source::Walk,
        };
        Ok(Self { narrowing, source })
    }

    async fn listed(&self, connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Listed> {
        match &self.source {
            Source::Nothing => Ok(Listed::empty()),
            Source::Hits(found) => sorted(connection, listing, found).await,
            Source::Walk => {
                let rarest = self.narrowing.rarest().map(|counted| counted.part);
                let slice = windowed(connection, listing, rarest).await?;
                let total = self.walked(connection, listing, &slice).await?;
                Ok(Listed { slice, total })
            }
        }
    }

    /// How many books a walked list has: what is known, or has been counted, or seen until the end of this slice.
    async fn walked(
        &self,
        connection: &mut MySqlConnection,
        listing: &Listing,
        slice: &Slice<Summary>,
    ) -> sqlx::Result<Total> {
        let seen = listing.seen() as usize + slice.items.len() + usize::from(slice.next.is_some());
        let total = match self.narrowing.total() {
            Some(known) if known.is_exact || known.books >= MAX_WALKED => known,
            _ if listing.after.is_none() && slice.next.is_none() => Total::new(seen, true),
            known => {
                let counted = self.counted(connection, listing).await?;
                known.map_or(counted, |known| counted.at_least(known.books as usize))
            }
        };
        // The cursor is input from outside: its number is no more than the filter can find.
        Ok(total.at_least(seen.min(self.narrowing.at_most() as usize)))
    }

    /// How many of the most popular [`MAX_WALKED`] books pass the filter.
    async fn counted(&self, connection: &mut MySqlConnection, listing: &Listing) -> sqlx::Result<Total> {
        let rarest = self.narrowing.rarest().map(|counted| counted.part);
        let walk = Walk::of(Sort::Popular, &listing.filter, rarest);
        let mut sql = QueryBuilder::<MySql>::new("select count(*) from ");
        walk.push_window(&mut sql, &Order::of(Sort::Popular, false), None, MAX_WALKED);
        sql.push(" w straight_join books b on b.id = w.id where true");
        push_filter(&mut sql, &listing.filter, "w.id");
        let books: i64 = sql.build_query_scalar().fetch_one(connection).await?;
        Ok(Total::new(usize::try_from(books).unwrap_or_default(), self.narrowing.is_read_by_popularity()))
    }
}

impl Listed {
    fn empty() -> Self {
        Self { slice: Slice::empty(), total: Total::new(0, true) }
    }
}

/// A slice of hits.
async fn sorted(connection: &mut MySqlConnection, listing: &Listing, found: &Hits<'_>) -> sqlx::Result<Listed> {
    let order = Order::of(listing.sort, listing.search.is_some());
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    sql.push(order.number("h"));
    sql.push(" as number, h.total from (select x.id, x.place, count(*) over () as total from ");
    found.push(&mut sql, &order, &listing.filter);
    sql.push(" x) h straight_join books b on b.id = h.id").push(COVERS).push(" where true");
    if let Some(after) = &listing.after {
        sql.push(" and ");
        push_after(&mut sql, &order, &after.keys);
    }
    let way = order.way;
    sql.push(format_args!(" order by h.place {way}, h.id {way} limit ")).push_bind(listing.limit + 1);
    let rows: Vec<Row> = sql.build_query_as().fetch_all(connection).await?;
    let books =
        rows.first().and_then(|row| row.total).and_then(|total| usize::try_from(total).ok()).unwrap_or_default();
    // No row, no number: after a cursor, others may have been removed since.
    let total = match &listing.after {
        Some(_) if rows.is_empty() => Total::new(listing.seen() as usize, false),
        _ => found.total(books),
    };
    Ok(Listed { slice: listing.page(rows), total })
}

/// A slice of an index in the order of the list, of the books that pass the filter.
async fn windowed(
    connection: &mut MySqlConnection,
    listing: &Listing,
    rarest: Option<Part<'_>>,
) -> sqlx::Result<Slice<Summary>> {
    let walk = Walk::of(listing.sort, &listing.filter, rarest);
    let order = Order::of(listing.sort, false);
    let asked = listing.limit + 1;
    if is_one_index(&listing.filter, listing.sort) {
        return Ok(listing.page(window(connection, listing, &walk, &order, asked).await?));
    }
    let mut limit = FIRST_READ;
    loop {
        let rows = window(connection, listing, &walk, &order, limit).await?;
        if rows.len() >= asked as usize {
            return Ok(listing.page(rows));
        }
        let end = end_of_window(connection, listing, &walk, &order, limit).await?;
        if end.is_none() || limit == MAX_WALKED {
            let slice = listing.page(rows);
            let seen = listing.seen().saturating_add(u32::try_from(slice.items.len()).unwrap_or(u32::MAX));
            return Ok(Slice { next: end.map(|Keys(key, id, _)| listing.cursor(Keys(key, id, seen))), ..slice });
        }
        limit = MAX_WALKED;
    }
}

/// The books of the next `limit` entries that pass the filter, no more than a slice needs.
async fn window(
    connection: &mut MySqlConnection,
    listing: &Listing,
    walk: &Walk<'_>,
    order: &Order,
    limit: u32,
) -> sqlx::Result<Vec<Row>> {
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    sql.push(order.number("w")).push(" as number from ");
    walk.push_window(&mut sql, order, listing.after_value().as_ref(), limit);
    sql.push(" w straight_join books b on b.id = w.id").push(COVERS).push(" where true");
    push_filter(&mut sql, &listing.filter, "w.id");
    let way = order.way;
    sql.push(format_args!(" order by w.place {way}, w.id {way} limit ")).push_bind(listing.limit + 1);
    sql.build_query_as().fetch_all(connection).await
}

/// The keys of the last entry of a window; none if the range ends within it.
async fn end_of_window(
    connection: &mut MySqlConnection,
    listing: &Listing,
    walk: &Walk<'_>,
    order: &Order,
    limit: u32,
) -> sqlx::Result<Option<Keys>> {
    #[derive(FromRow)]
    struct Last {
        id: u32,
        number: Option<i64>,
        title: Option<String>,
    }
    let title = if listing.sort == Sort::Title { "w.place" } else { "null" };
    let mut sql = QueryBuilder::<MySql>::new("select w.id, ");
    sql.push(order.number("w"));
    sql.push(format_args!(" as number, {title} as title from "));
    walk.push_entry(&mut sql, order, listing.after_value().as_ref(), limit - 1);
    sql.push(" w");
    let last: Option<Last> = sql.build_query_as().fetch_optional(connection).await?;
    Ok(last.map(|last| {
        let key = last.title.map_or_else(|| Key::Number(last.number.unwrap_or_default()), Key::Text);
        Keys(key, last.id, 0)
    }))
}

/// The books with these ids, in their order; an id of no book is left out.
pub async fn summaries(connection: &mut MySqlConnection, ids: &[BookId]) -> sqlx::Result<Vec<Summary>> {
    let ids: Vec<u32> = ids.iter().map(|id| id.get()).collect();
    Ok(rows(connection, &ids).await?.into_iter().map(Summary::from).collect())
}

/// The rates of value added tax of those of the books that have one of their own, in hundredths of a percent.
pub async fn tax_rates(connection: &mut MySqlConnection, ids: &[BookId]) -> sqlx::Result<HashMap<BookId, u16>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = QueryBuilder::<MySql>::new("select id, tax_rate from books where tax_rate is not null and id in (");
    let mut list = sql.separated(", ");
    for id in ids {
        list.push_bind(id.get());
    }
    sql.push(")");
    let rates: Vec<(u32, u16)> = sql.build_query_as().fetch_all(connection).await?;
    Ok(rates.into_iter().map(|(id, rate)| (id.into(), rate)).collect())
}

async fn rows(connection: &mut MySqlConnection, ids: &[u32]) -> sqlx::Result<Vec<Row>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    sql.push("null as number from books b").push(COVERS).push(" where b.id in (");
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
    ratings_count: u32,
    /// In millionths of a star.
    score: u32,
    /// In minor units, [`u32::MAX`] without a price.
    price: u32,
    /// What the list is ordered by, unless by title.
    number: Option<i64>,
    /// Whether it comes after the cursor.
    ahead: bool,
}

/// The most popular thousand books of a filtered list.
async fn popular(connection: &mut MySqlConnection, listing: &Listing, plan: &Plan<'_>) -> sqlx::Result<Vec<Hit>> {
    let order = Order::of(Sort::Popular, false);
    let mut sql = QueryBuilder::<MySql>::new("select w.id, ");
    if let Source::Hits(found) = &plan.source {
        sql.push("w.language, w.in_stock, w.ratings_count, w.score, w.price, null as number, false as ahead from ");
        found.push(&mut sql, &order, &listing.filter);
        sql.push(" w");
    } else {
        let walk = Walk::of(Sort::Popular, &listing.filter, plan.narrowing.rarest().map(|counted| counted.part));
        let is_whole_range = is_one_index(&listing.filter, Sort::Popular);
        sql.push(FACETED).push(", null as number, false as ahead from ");
        walk.push_window(&mut sql, &order, None, if is_whole_range { MAX_HITS } else { MAX_WALKED });
        sql.push(" w straight_join books b on b.id = w.id where true");
        push_filter(&mut sql, &listing.filter, "w.id");
    }
    sql.push(format_args!(" order by w.place desc, w.id desc limit {MAX_HITS}"));
    sql.build_query_as().fetch_all(connection).await
}

/// All hits of a search, in the order of the list.
async fn hits(connection: &mut MySqlConnection, listing: &Listing, found: &Hits<'_>) -> sqlx::Result<Vec<Hit>> {
    let order = Order::of(listing.sort, true);
    let mut sql =
        QueryBuilder::<MySql>::new("select h.id, h.language, h.in_stock, h.ratings_count, h.score, h.price, ");
    sql.push(format_args!("{} as number, ", order.number("h")));
    match &listing.after {
        None => _ = sql.push("true"),
        Some(after) => push_after(&mut sql, &order, &after.keys),
    }
    sql.push(" as ahead from ");
    found.push(&mut sql, &order, &listing.filter);
    sql.push(" h");
    if listing.sort == Sort::Title {
        // Only the server compares titles by the collation.
        sql.push(" order by h.place, h.id");
        return sql.build_query_as().fetch_all(connection).await;
    }
    // Numbers are sorted here, because the server would write all hits into a second temporary table.
    let mut hits: Vec<Hit> = sql.build_query_as().fetch_all(connection).await?;
    hits.sort_unstable_by_key(|hit| (hit.number, hit.id));
    if order.is_descending() {
        hits.reverse();
    }
    Ok(hits)
}

/// Expanded, because MariaDB does not compare `(a, id) < (?, ?)` by an index.
fn push_after(sql: &mut QueryBuilder<MySql>, order: &Order, Keys(key, id, _): &Keys) {
    let beyond = order.beyond();
    for opening in [format!("(h.place {beyond}= "), format!(" and (h.place {beyond} ")] {
        sql.push(opening);
        key.value().push(sql);
    }
    sql.push(format_args!(" or h.id {beyond} ")).push_bind(*id).push("))");
}

/// The slice of a list whose hits are known.
async fn page_of(connection: &mut MySqlConnection, listing: &Listing, hits: &[Hit]) -> sqlx::Result<Slice<Summary>> {
    let ahead = hits.iter().filter(|hit| hit.ahead).take(listing.limit as usize + 1);
    let numbers: BTreeMap<u32, Option<i64>> = ahead.clone().map(|hit| (hit.id, hit.number)).collect();
    let ids: Vec<u32> = ahead.map(|hit| hit.id).collect();
    let rows = rows(connection, &ids).await?.into_iter();
    Ok(listing.page(rows.map(|row| Row { number: numbers.get(&row.id).copied().flatten(), ..row }).collect()))
}

/// The facets of a list without search and filter.
async fn facets_of_shop(connection: &mut MySqlConnection, listing: &Listing, plan: &Plan<'_>) -> sqlx::Result<Facets> {
    let shop = &plan.narrowing.shop;
    Ok(Facets {
        genres: genres::list(connection).await?,
        languages: shop.languages.clone(),
        in_stock: shop.in_stock.into(),
        min_rating: mean_bands(|score| shop.with_score(score).at_least.into()),
        price_max: price_bands(listing.currency, |limit| shop.with_price(limit).at_least.into()),
        ..Facets::empty()
    })
}

/// The facets of these books. If they are not all of the list, values that only others have follow with the count 0.
async fn facets(
    connection: &mut MySqlConnection,
    listing: &Listing,
    hits: &[Hit],
    is_exact: bool,
) -> sqlx::Result<Facets> {
    let count =
        |holds: &dyn Fn(&Hit) -> bool| hits.iter().filter(|hit| holds(hit)).count().try_into().unwrap_or_default();
    let mut languages = BTreeMap::new();
    for language in hits.iter().filter_map(|hit| hit.language.as_deref()) {
        *languages.entry(language).or_insert(0) += 1;
    }
    let mut languages: Vec<Count> =
        languages.into_iter().map(|(value, count)| Count { value: value.to_owned(), count }).collect();
    languages.sort_by_key(|language| Reverse(language.count));
    let ids: Vec<u32> = hits.iter().map(|hit| hit.id).collect();
    let mut genres = genres_of(connection, &ids).await?;
    if !is_exact {
        add_others(&mut languages, &shop_counts::read(connection).await?.languages);
        add_others(&mut genres, &genres::list(connection).await?);
    }
    let facets = Facets {
        genres,
        languages,
        in_stock: count(&|hit| hit.in_stock),
        min_rating: mean_bands(|score| count(&|hit| hit.ratings_count > 0 && hit.score >= score)),
        price_max: price_bands(listing.currency, |limit| count(&|hit| hit.price <= limit)),
        ..Facets::empty()
    };
    Ok(facets.all_exact(is_exact))
}

/// The number of books for each lowest mean that the shop counts by; `books` takes it in millionths of a star.
fn mean_bands(books: impl Fn(u32) -> i64) -> Vec<Count> {
    let count = |stars: &str| Some(Count { value: stars.to_owned(), count: books(Filter::min_score(stars).ok()?) });
    MEAN_BANDS.into_iter().filter_map(count).collect()
}

/// The number of books for each limit of prices that the shop counts by.
fn price_bands(currency: Currency, books: impl Fn(u32) -> i64) -> Vec<Count> {
    PRICE_BANDS.into_iter().map(|limit| Count { value: currency.plain(limit), count: books(limit) }).collect()
}

/// Adds the values of the shop that were not counted.
fn add_others(counted: &mut Vec<Count>, shop: &[Count]) {
    let known: BTreeSet<&String> = counted.iter().map(|count| &count.value).collect();
    let others: Vec<Count> = shop
        .iter()
        .filter(|count| !known.contains(&count.value))
        .map(|count| Count { value: count.value.clone(), count: 0 })
        .collect();
    counted.extend(others);
}

/// The genres of some books, the most frequent first. The ids are one value, so that the statement is the same for any
/// number of them. They are counted by the genre's number: by its name, the server would sort three names for each book.
async fn genres_of(connection: &mut MySqlConnection, books: &[u32]) -> sqlx::Result<Vec<Count>> {
    let genres = sqlx::query_as!(
        Count,
        r#"
        select g.slug as value, counted.books as count
        from (
            select bg.genre_id, count(*) as books
            from json_table(?, '$[*]' columns (book_id int unsigned path '$')) hit
            straight_join book_genres bg on bg.book_id = hit.book_id
            group by bg.genre_id
        ) counted
        join genres g on g.id = counted.genre_id
        order by counted.books desc, g.slug
        "#,
        Json(books) as _,
    );
    genres.fetch_all(connection).await
}

impl Listing {
    pub fn new(search: Option<Search>, filter: Filter, sort: Sort, limit: u32) -> Self {
        Self { search, filter, sort, after: None, limit, most: MAX_HITS, currency: Currency::EUR }
    }

    /// About the most popular hits of a search, in one slice; no others are read.
    pub(in crate::repo) fn of_most_popular(search: Search, filter: Filter, limit: u32) -> Self {
        Self { most: limit, ..Self::new(Some(search), filter, Sort::Popular, limit) }
    }

    #[must_use]
    pub fn in_currency(self, currency: Currency) -> Self {
        Self { currency, ..self }
    }

    /// The list of a looser search, if this one has no books: see [`Search::loosened`]. Its cursors are those of this list.
    fn loosened(&self, listed: &Listed) -> Option<Self> {
        let is_empty = listed.total.books == 0 || (self.after.is_some() && listed.slice.items.is_empty());
        let search = self.search.as_ref().filter(|_| is_empty).and_then(Search::loosened)?;
        Some(Self { search: Some(search), filter: self.filter.clone(), after: self.after.clone(), ..*self })
    }

    /// The author whose books are asked for.
    pub fn author(&self) -> Option<AuthorId> {
        self.filter.author
    }

    /// The search, if there is one and nothing else narrows the list.
    pub fn search_of_everything(&self) -> Option<&Search> {
        self.search.as_ref().filter(|_| self.filter == Filter::default() && self.after.is_none())
    }

    /// The same search in the whole shop; none if there is no search, or nothing that narrows it.
    pub fn of_everything(&self, limit: u32) -> Option<Self> {
        let search = self.search.clone().filter(|_| self.filter != Filter::default())?;
        Some(Self::new(Some(search), Filter::default(), Sort::Relevance, limit))
    }

    /// The search, if there is one.
    pub fn search(&self) -> Option<&Search> {
        self.search.as_ref()
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
            self.cursor(Keys(key, last.id, self.seen().saturating_add(self.limit)))
        })
    }

    /// How many books of the list there are up to the cursor.
    fn seen(&self) -> u32 {
        self.after.as_ref().map_or(0, |cursor| cursor.keys.2)
    }

    fn cursor(&self, keys: Keys) -> String {
        Cursor::new(self.list_name(), keys).encode()
    }

    fn after_value(&self) -> Option<(Value, u32)> {
        self.after.as_ref().map(|cursor| (cursor.keys.0.value(), cursor.keys.1))
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

impl Key {
    fn value(&self) -> Value {
        match self {
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text.clone()),
        }
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
    pub(super) is_withdrawn: bool,
    pub(super) cover: Option<Json<StoredCover>>,
    /// What the list is ordered by, unless by title.
    pub(super) number: Option<i64>,
    /// How many books the whole list has, where its query counts them.
    #[sqlx(default)]
    pub(super) total: Option<i64>,
}

/// Hash, width and height of the widest file, and credit.
pub(super) type StoredCover = (String, u32, u32, Option<String>);

impl From<Row> for Summary {
    fn from(row: Row) -> Self {
        let price = row.price.zip(row.currency).map(|(minor, currency)| Money { minor, currency });
        Self {
            id: row.id.into(),
            title: row.title,
            byline: row.byline,
            isbn: row.isbn.map(Isbn13::trusted),
            year: row.year,
            language: row.language.map(Language::trusted),
            availability: if row.is_withdrawn {
                Availability::Withdrawn
            } else {
                Availability::of(price.as_ref(), row.stock)
            },
            price,
            stock: row.stock,
            ratings: Ratings { mean: mean_of_score(row.score, row.ratings_count), count: row.ratings_count },
            cover: row.cover.map(|Json((hash, width, height, credit))| Cover {
                files: CoverFiles::new(hash, Size { width, height }),
                credit,
            }),
        }
    }
}

/// How many parts a filter has.
#[cfg(test)]
pub(in crate::repo) fn parts_of(filter: &Filter) -> usize {
    parts(filter).len()
}

/// The list of all books after this one.
#[cfg(test)]
pub(in crate::repo) async fn after_book(
    connection: &mut MySqlConnection,
    sort: Sort,
    limit: u32,
    id: u32,
) -> sqlx::Result<Listing> {
    let order = Order::of(sort, false);
    let mut sql = QueryBuilder::<MySql>::new(COLUMNS);
    let column = order.of_books.unwrap_or_default();
    sql.push(if sort == Sort::Title { "null".to_owned() } else { format!("cast({column} as signed)") });
    sql.push(" as number from books b").push(COVERS).push(" where b.id = ").push_bind(id);
    let row: Row = sql.build_query_as().fetch_one(connection).await?;
    let key = if sort == Sort::Title { Key::Text(row.title) } else { Key::Number(row.number.unwrap_or_default()) };
    let listing = Listing::new(None, Filter::default(), sort, limit);
    let after = Some(Cursor::new(listing.list_name(), Keys(key, id, 0)));
    Ok(Listing { after, ..listing })
}

#[cfg(test)]
mod tests {
    use sqlx::MySqlPool;

    use super::*;
    use crate::{
        domain::{CatalogueRow, Facet, Genre, Histogram},
        repo::{
            catalogue,
            fixtures::{book, row},
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
            ("CS Lewis", "The Magician's Nephew"),
            ("magicians nephew", "The Magician's Nephew"),
        ] {
            assert_eq!(titles(&mut connection, query).await.first().map(String::as_str), Some(first), "{query}");
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_search_lists_the_title_itself_then_beginnings_of_titles_then_whole_words(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for (title, author, ratings) in [
            ("Lit (Memoirs, #3)", "Mary Karr", 1),
            ("Lit Up Inside", "Van Morrison", 2),
            ("Lit from Within", "Nobody", 3),
            ("Poems", "Ana Lit", 4),
            ("Little Women", "Louisa May Alcott", 900),
            ("The Little Prince", "Saint-Exupéry", 800),
        ] {
            book(&mut connection, title, author, ratings).await;
        }
        assert_eq!(
            titles(&mut connection, "lit").await,
            ["Lit (Memoirs, #3)", "Lit from Within", "Lit Up Inside", "Poems", "Little Women", "The Little Prince"]
        );
    }

    /// A filter that two of ten thousand books pass, in an order in which they are far apart.
    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_slice_without_a_book_leads_to_the_next_and_nothing_is_lost(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::raw_sql(
            "insert into books (reference, title, byline, year, language, price, currency, stock, ratings_count, score)
             select concat('r', seq), concat('Libro ', seq), 'Nadie', seq % 100, if(seq in (7, 9990), 'es-AR', 'es'), 9000,
                    'EUR', 1, seq, 3000000
             from seq_1_to_12000",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        shop_counts::recount(&mut connection).await.unwrap();
        let filter = Filter { min_score: Some(2_900_000), max_price: None, in_stock: true, ..Filter::default() };
        for (sort, expected) in [(Sort::Newest, 12_000), (Sort::Title, 12_000), (Sort::Popular, 12_000)] {
            let seen = walk_through(&mut connection, filter.clone(), sort, 100).await;
            assert_eq!((seen.0.len(), seen.1), (expected, 120), "{sort:?}");
        }
        sqlx::raw_sql("update books set price = 100 where id in (3, 11000)").execute(&mut *connection).await.unwrap();
        // The counts do not know it: the plan must not rely on them to find everything.
        let cheap = Filter { max_price: Some(6_000), in_stock: true, ..Filter::default() };
        for sort in [Sort::Newest, Sort::Title, Sort::Popular, Sort::Rating] {
            let (seen, slices) = walk_through(&mut connection, cheap.clone(), sort, 10).await;
            assert_eq!(seen, BTreeSet::from([3, 11_000]), "{sort:?}");
            assert!((2..=4).contains(&slices), "{slices} slices by {sort:?}");
        }
    }

    /// The ids on all slices of a list, and how many slices it has.
    async fn walk_through(
        connection: &mut MySqlConnection,
        filter: Filter,
        sort: Sort,
        limit: u32,
    ) -> (BTreeSet<u32>, usize) {
        let (mut seen, mut slices) = (BTreeSet::new(), 0);
        let mut listing = Listing::new(None, filter.clone(), sort, limit);
        loop {
            let slice = list(connection, &listing).await.unwrap();
            slices += 1;
            for book in slice.items {
                assert!(seen.insert(book.id.get()), "{} twice by {sort:?}", book.title);
            }
            let Some(next) = slice.next else { return (seen, slices) };
            listing = Listing::new(None, filter.clone(), sort, limit).after(&next).unwrap();
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
                    assert_eq!(page, listed_with_facets(&mut connection, &listing).await.unwrap().0.slice);
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
                ..row(reference, title, &[author])
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
            listed_with_facets(&mut connection, &listing).await.unwrap().1
        };
        let count = |value: &str, count| Count { value: value.into(), count };
        let all = facets(None).await;
        assert_eq!(all.genres, [count("classics", 3), count("romance", 2), count("essay", 1)]);
        // As its filter finds them: `es` also accepts es-AR.
        assert_eq!(all.languages, [count("en", 2), count("es", 2)]);
        assert_eq!(all.in_stock, 3);
        let borges = facets(Some("borges")).await;
        assert_eq!((borges.genres.len(), borges.in_stock), (2, 1));
        let counts = |counts: &[Count]| counts.iter().map(|count| count.count).collect::<Vec<_>>();
        assert_eq!(all.min_rating, [count("4.5", 1), count("4", 1), count("3", 2)]);
        assert_eq!(counts(&all.price_max), [0, 2, 3, 3, 4, 4]);
        assert_eq!(counts(&borges.min_rating), [1, 1, 2]);
        assert_eq!(counts(&borges.price_max), [0, 1, 2, 2, 2, 2]);
        assert_eq!(facets(Some("(((")).await, Facets::empty());
    }

    /// Facets as text: `genres classics 3, romance 2; …`, with a `+` where they are no more than a lower bound.
    fn shown(facets: &Facets) -> String {
        let counts = |facet, name: &str, counts: &[Count]| {
            let end = if facets.at_least.contains(&facet) { "+" } else { "" };
            let counts = counts.iter().map(|count| format!("{} {}{end}", count.value, count.count));
            format!("{name} {}", counts.collect::<Vec<_>>().join(", "))
        };
        let in_stock = [Count { value: "true".into(), count: facets.in_stock }];
        [
            counts(Facet::Genres, "genre", &facets.genres),
            counts(Facet::Languages, "language", &facets.languages),
            counts(Facet::InStock, "in_stock", &in_stock),
            counts(Facet::MinRating, "min_rating", &facets.min_rating),
        ]
        .join("; ")
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn the_facet_of_a_filter_counts_what_its_other_values_would_find(pool: MySqlPool) {
        let mut connection = stocked_shelf(&pool).await;
        let filter = Filter::default;
        let genre = |slug: &str| Filter { genre: Some(Genre(slug.into())), ..filter() };
        let language = |tag: &str| Filter { language: Some(Language::parse(tag).unwrap()), ..filter() };
        for (query, filter, expected) in [
            (
                None,
                genre("romance"),
                "genre classics 3, romance 2, essay 1; language en 2; in_stock true 2; min_rating 4.5 0, 4 0, 3 0",
            ),
            (
                None,
                language("es"),
                "genre classics 2, essay 1; language en 2, es 2; in_stock true 1; min_rating 4.5 1, 4 1, 3 2",
            ),
            (
                None,
                Filter { min_score: Some(4_500_000), ..language("es") },
                "genre classics 1, essay 1; language es 1; in_stock true 1; min_rating 4.5 1, 4 1, 3 2",
            ),
            (
                None,
                Filter { in_stock: true, ..genre("classics") },
                "genre classics 2, romance 2, essay 1; language en 1, es 1; in_stock true 2; min_rating 4.5 1, 4 1, 3 1",
            ),
            (
                Some("borges"),
                Filter { max_price: Some(1_000), ..genre("essay") },
                "genre classics 1, essay 1; language es 1; in_stock true 1; min_rating 4.5 1, 4 1, 3 1",
            ),
            (Some("borges"), language("en"), "genre ; language es 2; in_stock true 0; min_rating 4.5 0, 4 0, 3 0"),
        ] {
            let search = query.map(|query| Search::parse(query).unwrap());
            let listing = Listing::new(search, filter, Sort::Popular, 1);
            let (_, facets) = listed_with_facets(&mut connection, &listing).await.unwrap();
            assert_eq!(shown(&facets), expected, "{query:?} {:?}", listing.filter);
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_book_that_is_to_order_is_not_in_stock_however_many_copies_there_are(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        for (reference, price, stock) in
            [("a", Some("9.95"), 3), ("b", None, 3), ("c", Some("9.95"), 0), ("d", None, 0)]
        {
            let row = CatalogueRow {
                price: price.map(|price| Money::parse(price, "EUR").unwrap()),
                stock: Some(stock),
                stars: Some(Histogram([0, 0, 0, 0, 9])),
                ..row(reference, &format!("Libro {reference}"), &["Nadie"])
            };
            catalogue::put(&mut connection, &row).await.unwrap();
        }
        for recounted in [false, true] {
            for query in [None, Some("libro")] {
                let search = || query.map(|query| Search::parse(query).unwrap());
                let in_stock = Filter { in_stock: true, ..Filter::default() };
                for sort in [Sort::Popular, Sort::Rating, Sort::Title] {
                    let listing = Listing::new(search(), in_stock.clone(), sort, 10);
                    let Listed { slice, total } = listed(&mut connection, &listing).await.unwrap();
                    let states: Vec<Availability> = slice.items.iter().map(|book| book.availability).collect();
                    assert_eq!(
                        (states, total.books, total.is_exact),
                        (vec![Availability::InStock], 1, true),
                        "{sort:?}"
                    );
                }
                let listing = Listing::new(search(), Filter::default(), Sort::Popular, 10);
                let (_, facets) = listed_with_facets(&mut connection, &listing).await.unwrap();
                assert_eq!((facets.in_stock, facets.is_exact), (1, true), "{query:?}, recounted: {recounted}");
            }
            shop_counts::recount(&mut connection).await.unwrap();
        }
    }

    /// Six thousand books at 0.01 to 60.00 with means of 3 to 4.9 stars, half of them Spanish; the cheap ones are the least
    /// popular.
    async fn six_thousand_books(connection: &mut MySqlConnection) {
        sqlx::raw_sql(
            "insert into books (reference, title, byline, language, price, currency, ratings_count, score)
             select concat('r', seq), concat('Libro ', seq), 'Nadie', if(seq % 2 = 0, 'es', 'en'), seq, 'EUR', seq,
                    3000000 + seq % 20 * 100000
             from seq_1_to_6000",
        )
        .execute(&mut *connection)
        .await
        .unwrap();
        shop_counts::recount(connection).await.unwrap();
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_list_has_at_least_what_a_narrower_filter_finds(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        six_thousand_books(&mut connection).await;
        let spanish = Filter { language: Some(Language::parse("es").unwrap()), ..Filter::default() };
        let cheaper = |cents| Filter { max_price: Some(cents), ..Filter::default() };
        let better = |stars: &str| Filter { min_score: Some(Filter::min_score(stars).unwrap()), ..Filter::default() };
        for (filter, at_least, is_exact) in [
            (cheaper(5_000), 5_000, true),
            (cheaper(5_900), 5_000, false),
            (cheaper(6_100), 5_000, false),
            (cheaper(1_900), 1_900, true),
            (better("4"), 3_000, true),
            (better("4.3"), 2_100, true),
            (better("3.9"), 3_300, true),
            (better("3.1"), 4_500, false),
            (Filter { max_price: Some(3_000), ..spanish.clone() }, 1_500, true),
            (Filter { min_score: Some(4_000_000), ..spanish.clone() }, 1_500, true),
            (Filter { min_score: Some(3_100_000), ..cheaper(5_900) }, 1_000, false),
        ] {
            for sort in [Sort::Popular, Sort::Price, Sort::Title] {
                let listing = Listing::new(None, filter.clone(), sort, 24);
                let total = listed(&mut connection, &listing).await.unwrap().total;
                let with_facets = listed_with_facets(&mut connection, &listing).await.unwrap().0.total;
                assert_eq!(total, with_facets, "{filter:?} {sort:?}");
                assert!(total.books >= at_least && total.is_exact == is_exact, "{filter:?} {sort:?}: {total:?}");
            }
        }
    }

    #[ignore = "needs MariaDB"]
    #[sqlx::test(migrator = "crate::MIGRATIONS")]
    async fn a_total_never_goes_down_from_slice_to_slice(pool: MySqlPool) {
        let mut connection = pool.acquire().await.unwrap();
        six_thousand_books(&mut connection).await;
        let cheaper = |cents| Filter { max_price: Some(cents), ..Filter::default() };
        for (filter, sort, books) in [
            (cheaper(195), Sort::Price, 195),
            (cheaper(5_900), Sort::Title, 5_900),
            (Filter { min_score: Some(3_100_000), ..cheaper(5_900) }, Sort::Price, 5_605),
            (Filter { language: Some(Language::parse("es").unwrap()), ..cheaper(600) }, Sort::Price, 300),
        ] {
            let mut listing = Listing::new(None, filter.clone(), sort, 100);
            let (mut seen, mut largest) = (0, 0);
            loop {
                let Listed { slice, total } = listed(&mut connection, &listing).await.unwrap();
                seen += slice.items.len();
                assert!(total.books >= largest && total.books as usize >= seen, "{total:?} after {seen} of {filter:?}");
                assert!(!total.is_exact || total.books == books, "{total:?} of {books}, {filter:?}");
                assert!(total.books <= books, "{total:?} of {books}, {filter:?}");
                largest = total.books;
                let Some(next) = slice.next else { break };
                listing = Listing::new(None, filter.clone(), sort, 100).after(&next).unwrap();
            }
            assert_eq!((seen, largest), (books as usize, books), "{filter:?} {sort:?}");
        }
    }

    #[test]
    fn a_cursor_of_the_version_before_continues_its_list() {
        assert_eq!(serde_json::from_str::<Keys>("[5,7]").unwrap(), Keys(Key::Number(5), 7, 0));
    }

    #[test]
    fn a_cursor_with_keys_of_another_kind_is_refused() {
        for (sort, key) in [(Sort::Title, Key::Number(5)), (Sort::Price, Key::Text("x".into()))] {
            let listing = Listing::new(None, Filter::default(), sort, 1);
            let cursor = Cursor::new(listing.list_name(), Keys(key, 1, 0)).encode();
            assert!(listing.after(&cursor).is_err(), "{sort:?}");
        }
    }
}
