//! Copies of books, and the movements that make them more or fewer. Only this file and [`super::orders`] write stock, except
//! that an import inserts new books with theirs.
//!
//! `books.stock` is the sum of a book's movements. A book without movements has not moved since it was imported: its first
//! movement is preceded by an `opening` one. An import of the version before, which may run while the alias moves, still
//! writes `books.stock`; then it differs from `stock_moved`, and the next movement or the next deploy takes the difference
//! up as a `counted` movement.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sqlx::MySqlConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    alerts,
    shop_counts::{Change, Counted},
};
use crate::{
    domain::{BookId, Money, OrderId},
    staff::{CopiesLeft, StockChange, StockChanged, StockMovement},
};

/// Why copies were added or taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MovementKind {
    /// What there was when the book began.
    Opening,
    Received,
    Sold,
    /// Cancelled or expired before the copies left the shop.
    Released,
    Returned,
    /// The difference that a count found.
    Counted,
    Damaged,
}

impl MovementKind {
    pub fn code(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Received => "received",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Returned => "returned",
            Self::Counted => "counted",
            Self::Damaged => "damaged",
        }
    }

    pub fn from_code(code: &str) -> Option<Self> {
        use MovementKind::{Counted, Damaged, Opening, Received, Released, Returned, Sold};
        [Opening, Received, Sold, Released, Returned, Counted, Damaged].into_iter().find(|kind| kind.code() == code)
    }
}

/// One movement of one book.
#[derive(Debug, Clone)]
pub(super) struct Movement {
    pub book: u32,
    pub kind: MovementKind,
    /// What it adds to the stock.
    pub quantity: i32,
    /// What caused it. One source moves a book once.
    pub source: String,
    pub order: Option<OrderId>,
    /// The day of the sale, of copies that are sold or come back.
    pub sale_day: Option<Date>,
    pub counted_at: Option<OffsetDateTime>,
    pub reason: Option<String>,
}

impl Movement {
    pub fn new(book: u32, kind: MovementKind, quantity: i32, source: String) -> Self {
        Self { book, kind, quantity, source, order: None, sale_day: None, counted_at: None, reason: None }
    }
}

/// What moves of a locked book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub stock: u32,
    /// The stock of the row, which differs from `stock` where an import of the version before has written it.
    pub listed: u32,
    /// In minor units; only a book with a price counts as one in stock.
    pub price: Option<u32>,
    /// None where nothing has moved yet.
    pub moved: Option<u32>,
    /// In the last thirty days.
    pub sold: u32,
}

/// A locked book, as an order needs it.
#[derive(Debug, Clone)]
pub(super) struct LockedBook {
    pub title: String,
    pub isbn: Option<String>,
    pub price: Option<Money>,
    pub tax_rate: Option<u16>,
    pub is_withdrawn: bool,
    pub held: Held,
}

/// Locks books in the order of their ids; one that does not exist is left out.
pub(super) async fn lock(
    connection: &mut MySqlConnection,
    ids: &BTreeSet<u32>,
) -> sqlx::Result<BTreeMap<u32, LockedBook>> {
    let ids = json!(ids).to_string();
    sqlx::query_scalar!(
        r#"
        select b.id
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        for update
        "#,
        ids,
    )
    .fetch_all(&mut *connection)
    .await?;
    // A statement of its own, because one that waits for a lock reads what was before.
    let rows = sqlx::query!(
        r#"
        select
            b.id,
            b.title,
            b.isbn,
            b.price,
            b.currency as "currency: String",
            b.tax_rate,
            b.withdrawn_at is not null as "is_withdrawn!: bool",
            b.stock,
            b.stock_moved,
            b.sold
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join books b on b.id = asked.id
        for update
        "#,
        ids,
    );
    let books = rows.fetch_all(&mut *connection).await?.into_iter().map(|row| {
        let price = row.price.zip(row.currency).map(|(minor, currency)| Money { minor, currency });
        let held =
            Held { stock: row.stock, listed: row.stock, price: row.price, moved: row.stock_moved, sold: row.sold };
        let (tax_rate, is_withdrawn) = (row.tax_rate, row.is_withdrawn);
        (row.id, LockedBook { title: row.title, isbn: row.isbn, price, tax_rate, is_withdrawn, held })
    });
    let mut books = books.collect();
    subtract_set_aside(connection, &mut books).await?;
    Ok(books)
}

/// An import of the version before writes the number of copies in the shop. It does not know orders, so the copies that open
/// orders wait for would be sold again.
async fn subtract_set_aside(
    connection: &mut MySqlConnection,
    books: &mut BTreeMap<u32, LockedBook>,
) -> sqlx::Result<()> {
    let is_written = |book: &LockedBook| book.held.moved.is_some_and(|moved| moved != book.held.stock);
    let written: BTreeSet<u32> = books.iter().filter(|(_, book)| is_written(book)).map(|(id, _)| *id).collect();
    if written.is_empty() {
        return Ok(());
    }
    for (id, copies) in set_aside(connection, &written).await? {
        if let Some(book) = books.get_mut(&id) {
            book.held.stock = book.held.stock.saturating_sub(copies);
        }
    }
    Ok(())
}

/// Moves copies of locked books. The change of the shop's numbers that follows is to be written last, because other writers
/// wait for these rows. The server refuses a stock below 0.
pub(super) async fn record(
    connection: &mut MySqlConnection,
    held: &BTreeMap<u32, Held>,
    movements: &[Movement],
    now: OffsetDateTime,
) -> sqlx::Result<Change> {
    let moved: BTreeSet<u32> = movements.iter().map(|movement| movement.book).collect();
    let beginnings: Vec<Movement> =
        moved.iter().filter_map(|book| beginning(*book, held.get(book).copied().unwrap_or_default(), now)).collect();
    insert(connection, &beginnings, now).await?;
    insert(connection, movements, now).await?;
    let sales = count_sales(connection, movements).await?;
    let mut rows = Vec::new();
    let mut restocked = BTreeSet::new();
    let mut change = Change::default();
    for book in moved {
        let before = held.get(&book).copied().unwrap_or_default();
        let of_book = movements.iter().filter(|movement| movement.book == book);
        let stock = i64::from(before.stock) + of_book.map(|movement| i64::from(movement.quantity)).sum::<i64>();
        let sold = (i64::from(before.sold) + sales.get(&book).copied().unwrap_or_default()).max(0);
        rows.push((book, stock, sold));
        if before.stock == 0 && stock > 0 {
            restocked.insert(book);
        }
        let counted = |stock| Counted { stock, price: before.price, ..Counted::default() };
        change.note(Some(&counted(before.listed)), Some(&counted(u32::try_from(stock).unwrap_or_default())));
    }
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            id int unsigned path '$[0]',
            stock bigint path '$[1]',
            sold bigint path '$[2]'
        )) moved
        straight_join books b on b.id = moved.id
        set b.stock = moved.stock,
            b.stock_moved = moved.stock,
            b.sold = moved.sold
        "#,
        json!(rows).to_string(),
    )
    .execute(&mut *connection)
    .await?;
    alerts::note_restocks(connection, &restocked, now).await?;
    Ok(change)
}

/// What precedes the first movement of a book, or of one whose stock an import of the version before has set.
fn beginning(book: u32, held: Held, now: OffsetDateTime) -> Option<Movement> {
    let difference = i64::from(held.stock) - i64::from(held.moved.unwrap_or_default());
    let quantity = i32::try_from(difference).ok().filter(|quantity| *quantity != 0)?;
    if held.moved.is_none() {
        return Some(Movement::new(book, MovementKind::Opening, quantity, "opening".into()));
    }
    let source = format!("version-before:{}", Uuid::new_v4());
    let reason = Some("set by an import of the version before".into());
    let movement = Movement::new(book, MovementKind::Counted, quantity, source);
    Some(Movement { counted_at: Some(now), reason, ..movement })
}

/// Enters movements of books whose stock has them already. The key refuses a source that has moved the book before.
pub(super) async fn insert(
    connection: &mut MySqlConnection,
    movements: &[Movement],
    now: OffsetDateTime,
) -> sqlx::Result<()> {
    if movements.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = movements
        .iter()
        .map(|movement| {
            json!([
                movement.book,
                movement.kind.code(),
                movement.quantity,
                movement.source,
                movement.order.map(|order| order.uuid().simple().to_string()),
                movement.counted_at.map(super::microseconds),
                movement.reason,
            ])
        })
        .collect();
    sqlx::query!(
        r#"
        insert into stock_movements (book_id, kind, quantity, source, order_id, counted_at, reason, moved_at)
        select
            row.book_id,
            row.kind,
            row.quantity,
            row.source,
            unhex(row.order_id),
            timestamp '1970-01-01 00:00:00' + interval row.counted_at microsecond,
            row.reason,
            ?
        from json_table(?, '$[*]' columns (
            book_id int unsigned path '$[0]',
            kind varchar(10) path '$[1]',
            quantity int path '$[2]',
            source varchar(64) path '$[3]',
            order_id char(32) path '$[4]',
            counted_at bigint path '$[5]',
            reason varchar(200) path '$[6]'
        )) row
        "#,
        now,
        json!(rows).to_string(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts sales by day, and gives what they add to the last thirty days of each book. Copies that come back are subtracted
/// from the day on which they were sold, unless it is no longer counted.
async fn count_sales(connection: &mut MySqlConnection, movements: &[Movement]) -> sqlx::Result<BTreeMap<u32, i64>> {
    let mut sales = BTreeMap::<(Date, u32), i64>::new();
    for movement in movements {
        if let Some(day) = movement.sale_day {
            *sales.entry((day, movement.book)).or_default() -= i64::from(movement.quantity);
        }
    }
    let mut changes = BTreeMap::<u32, i64>::new();
    for ((day, book), copies) in sales {
        let counted = if copies > 0 {
            sqlx::query!(
                r#"
                insert into book_sales (day, book_id, copies)
                values (?, ?, ?)
                on duplicate key update copies = copies + values(copies)
                "#,
                day,
                book,
                copies,
            )
            .execute(&mut *connection)
            .await?
        } else {
            sqlx::query!(
                "update book_sales set copies = copies - ? where day = ? and book_id = ? and copies >= ?",
                -copies,
                day,
                book,
                -copies,
            )
            .execute(&mut *connection)
            .await?
        };
        if counted.rows_affected() > 0 {
            *changes.entry(book).or_default() += copies;
        }
    }
    Ok(changes)
}

/// Subtracts sales before a day from the best sellers, some at once. Returns whether more remain.
pub(super) async fn forget_sales(connection: &mut MySqlConnection, before: Date, limit: u32) -> sqlx::Result<bool> {
    let old = sqlx::query!(
        r#"
        select
            day,
            book_id
        from book_sales
        where day < ?
        order by day, book_id
        limit ?
        "#,
        before,
        limit,
    );
    let old = old.fetch_all(&mut *connection).await?;
    if old.is_empty() {
        return Ok(false);
    }
    // The books first, as every movement locks them.
    let ids: BTreeSet<u32> = old.iter().map(|row| row.book_id).collect();
    lock(connection, &ids).await?;
    let ids = json!(ids).to_string();
    let last = old.iter().map(|row| row.day).max().unwrap_or(before);
    // `updated_at` stays: programs that read changes do not see this number.
    sqlx::query!(
        r#"
        update (
            select
                s.book_id,
                sum(s.copies) as copies
            from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
            straight_join book_sales s on s.book_id = asked.id
            where s.day <= ?
            group by s.book_id
        ) old
        straight_join books b on b.id = old.book_id
        set b.sold = greatest(cast(b.sold as signed) - old.copies, 0),
            b.updated_at = b.updated_at
        "#,
        ids,
        last,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"
        delete s
        from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
        straight_join book_sales s on s.book_id = asked.id
        where s.day <= ?
        "#,
        ids,
        last,
    )
    .execute(connection)
    .await?;
    Ok(old.len() == limit as usize)
}

/// Takes up what imports of the version before have written, of books after `after` and up to `through`. Returns how many
/// books had such a difference. To be run in a transaction.
pub async fn take_up(
    connection: &mut MySqlConnection,
    after: u32,
    through: u32,
    now: OffsetDateTime,
) -> sqlx::Result<usize> {
    let ids = sqlx::query_scalar!(
        "select id from books where id > ? and id <= ? and stock_moved <> stock order by id",
        after,
        through,
    );
    let ids: BTreeSet<u32> = ids.fetch_all(&mut *connection).await?.into_iter().collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let books = lock(connection, &ids).await?;
    let differences = books.iter().filter_map(|(id, book)| beginning(*id, book.held, now));
    insert(connection, &differences.collect::<Vec<_>>(), now).await?;
    let stocks: Vec<(u32, u32)> = books.iter().map(|(id, book)| (*id, book.held.stock)).collect();
    sqlx::query!(
        r#"
        update json_table(?, '$[*]' columns (
            id int unsigned path '$[0]',
            stock int unsigned path '$[1]'
        )) asked
        straight_join books b on b.id = asked.id
        set b.stock = asked.stock,
            b.stock_moved = asked.stock,
            b.updated_at = b.updated_at
        "#,
        json!(stocks).to_string(),
    )
    .execute(&mut *connection)
    .await?;
    let mut change = Change::default();
    for LockedBook { held, .. } in books.values() {
        let counted = |stock| Counted { stock, price: held.price, ..Counted::default() };
        change.note(Some(&counted(held.listed)), Some(&counted(held.stock)));
    }
    change.write(connection).await?;
    Ok(ids.len())
}

/// Changes the stock of one book, once for each action's id. To be run in one transaction.
pub async fn change(
    connection: &mut MySqlConnection,
    action: Uuid,
    book: BookId,
    change: StockChange,
    reason: &str,
    now: OffsetDateTime,
) -> sqlx::Result<StockChanged> {
    let id = book.get();
    let mut books = lock(connection, &BTreeSet::from([id])).await?;
    let Some(LockedBook { title, held, .. }) = books.remove(&id) else { return Ok(StockChanged::NoSuchBook) };
    let stock = held.stock;
    let source = source_of(action);
    let found = sqlx::query_scalar!("select id from stock_movements where book_id = ? and source = ?", id, source);
    if found.fetch_optional(&mut *connection).await?.is_some() {
        return Ok(StockChanged::Already { title, stock });
    }
    // What was counted lies in the shop; of that, what open orders wait for is sold already.
    let set_aside = match change {
        StockChange::Received(_) => 0,
        _ => set_aside(connection, &BTreeSet::from([id])).await?.remove(&id).unwrap_or_default(),
    };
    let (kind, wanted) = match change {
        StockChange::Received(copies) => (MovementKind::Received, i64::from(stock) + i64::from(copies)),
        StockChange::Damaged(copies) => (MovementKind::Damaged, i64::from(stock) - i64::from(copies)),
        // Less than nothing would be forgotten, and the next delivery sold although orders wait for it.
        StockChange::Counted(copies) => (MovementKind::Counted, i64::from(copies) - i64::from(set_aside)),
    };
    let quantity = i32::try_from(wanted - i64::from(stock));
    let (Ok(after), Ok(quantity)) = (u32::try_from(wanted), quantity) else {
        return Ok(StockChanged::TooFew { title, stock, set_aside });
    };
    let counted_at = (kind == MovementKind::Counted).then_some(now);
    let reason = Some(reason.chars().take(200).collect());
    let movement = Movement { counted_at, reason, ..Movement::new(id, kind, quantity, source) };
    let counts = record(connection, &BTreeMap::from([(id, held)]), &[movement], now).await?;
    counts.write(connection).await?;
    let set_aside = if kind == MovementKind::Counted { set_aside } else { 0 };
    Ok(StockChanged::Now { title, before: stock, stock: after, set_aside })
}

/// The source of a movement by the staff.
fn source_of(action: Uuid) -> String {
    format!("staff:{action}")
}

/// The movement of a book by this action of the staff.
pub async fn of_action(
    connection: &mut MySqlConnection,
    book: BookId,
    action: Uuid,
) -> sqlx::Result<Option<StockMovement>> {
    sqlx::query_as!(
        StockMovement,
        r#"
        select
            id,
            kind,
            quantity,
            source,
            reason,
            moved_at
        from stock_movements
        where book_id = ?
          and source = ?
        "#,
        book.get(),
        source_of(action),
    )
    .fetch_optional(connection)
    .await
}

/// The copies of these books that open orders wait for and that are still in the shop. It reads the open orders only.
async fn set_aside(connection: &mut MySqlConnection, ids: &BTreeSet<u32>) -> sqlx::Result<BTreeMap<u32, u32>> {
    let rows = sqlx::query!(
        r#"
        select
            l.book_id,
            cast(sum(l.quantity - l.cancelled - l.returned) as unsigned) as "copies!: u32"
        from orders o
        straight_join order_lines l on l.order_number = o.number
        where o.is_open = 1
          and o.state <> 'shipped'
          and l.book_id in (
              select id from json_table(?, '$[*]' columns (id int unsigned path '$')) asked
          )
        group by l.book_id
        "#,
        json!(ids).to_string(),
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.book_id, row.copies)).collect())
}

/// The copies of a book that left the shop with orders after a moment: they were counted before.
async fn left_since(connection: &mut MySqlConnection, book: u32, since: OffsetDateTime) -> sqlx::Result<u32> {
    sqlx::query_scalar!(
        r#"
        select cast(coalesce(sum(l.quantity - l.cancelled), 0) as unsigned) as "copies!: u32"
        from stock_movements m
        straight_join orders o on o.id = m.order_id
        straight_join order_states s
            on s.order_number = o.number
           and s.state in ('shipped', 'collected')
           and s.at > ?
        straight_join order_lines l on l.order_number = o.number and l.book_id = m.book_id
        where m.book_id = ?
          and m.kind = 'sold'
        "#,
        since,
        book,
    )
    .fetch_one(connection)
    .await
}

/// The newest movements of a book before this one.
pub async fn movements(
    connection: &mut MySqlConnection,
    book: BookId,
    before: u64,
    limit: u32,
) -> sqlx::Result<Vec<StockMovement>> {
    sqlx::query_as!(
        StockMovement,
        r#"
        select
            id,
            kind,
            quantity,
            source,
            reason,
            moved_at
        from stock_movements
        where book_id = ?
          and id < ?
        order by id desc
        limit ?
        "#,
        book.get(),
        before,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// The books with so many copies after this place (copies sold, and id), the most sold first; of those without copies only what
/// was sold in the last thirty days.
pub async fn copies_left(
    connection: &mut MySqlConnection,
    copies: u32,
    after: Option<(u32, u32)>,
    limit: u32,
) -> sqlx::Result<Vec<CopiesLeft>> {
    let (sold, id) = after.unwrap_or((u32::MAX, u32::MAX));
    let least = u32::from(copies == 0);
    // Two ranges of the key, because many books may have sold the same.
    let rows = sqlx::query!(
        r#"
        select
            b.id,
            b.title,
            b.byline,
            b.isbn,
            b.sold,
            b.withdrawn_at is not null as "is_withdrawn!: bool"
        from (
            (select id, sold from books force index (books_copies_left)
              where stock = ? and sold = ? and sold >= ? and id < ?
              order by id desc limit ?)
            union all
            (select id, sold from books force index (books_copies_left)
              where stock = ? and sold < ? and sold >= ?
              order by sold desc, id desc limit ?)
        ) some
        straight_join books b on b.id = some.id
        order by some.sold desc, some.id desc
        limit ?
        "#,
        copies,
        sold,
        least,
        id,
        limit,
        copies,
        sold,
        least,
        limit,
        limit,
    );
    let books = rows.fetch_all(connection).await?.into_iter().map(|row| CopiesLeft {
        id: row.id.into(),
        title: row.title,
        byline: row.byline,
        isbn: row.isbn,
        copies,
        sold: row.sold,
        is_withdrawn: row.is_withdrawn,
    });
    Ok(books.collect())
}

/// A count that a row of a catalogue states.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count {
    pub book: u32,
    pub copies: u32,
    pub at: OffsetDateTime,
}

/// What a count makes of the stock of a book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counting {
    /// The copies that were counted, what moved since, and without those that open orders wait for.
    Stock {
        stock: u32,
        /// Whether no count of this time is known.
        is_new: bool,
    },
    /// The book was counted again later.
    Outdated,
}

/// What counts make of the stock of locked books, by their lines in the file.
pub(super) async fn after_counts(
    connection: &mut MySqlConnection,
    counts: &[(u32, Count)],
) -> sqlx::Result<BTreeMap<u32, Counting>> {
    let mut countings = BTreeMap::new();
    if counts.is_empty() {
        return Ok(countings);
    }
    let set_aside = set_aside(connection, &counts.iter().map(|(_, count)| count.book).collect()).await?;
    for (line, count) in counts {
        let row = sqlx::query!(
            r#"
            select
                cast(coalesce(sum(if(kind in ('received', 'damaged', 'returned') and moved_at > ?, quantity, 0)), 0) as signed)
                    as "since!: i64",
                max(counted_at) as "last: OffsetDateTime"
            from stock_movements
            where book_id = ?
            "#,
            count.at,
            count.book,
        )
        .fetch_one(&mut *connection)
        .await?;
        let left = left_since(connection, count.book, count.at).await?;
        let sold = i64::from(left) + i64::from(set_aside.get(&count.book).copied().unwrap_or_default());
        let stock = (i64::from(count.copies) + row.since - sold).clamp(0, i64::from(u32::MAX));
        let stock = u32::try_from(stock).unwrap_or_default();
        let counting = match row.last {
            Some(last) if last > count.at => Counting::Outdated,
            last => Counting::Stock { stock, is_new: last != Some(count.at) },
        };
        countings.insert(*line, counting);
    }
    Ok(countings)
}
