//! What the database holds after a drill.

use anyhow::{Context, Result};
use shared::{
    domain::{BookId, CatalogueRow, LineReason, OrderReason, Reference},
    repo::{
        catalogue,
        orders::{self, Moment},
    },
    shop::Shop,
};
use sqlx::MySqlConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::buyers::PRICE;

/// Everything that the checks compare.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// By number, which is the order of the decisions.
    pub orders: Vec<OrderRow>,
    /// State changes: number of the order, and code of the state; and withdrawals, as `withdrawn`.
    pub states: Vec<(u32, String)>,
    pub mails: Vec<MailRow>,
    /// Of the rejected orders.
    pub lines: Vec<LineRow>,
    pub books: [BookRow; 2],
    /// Cancellations of the buyers that were processed.
    pub cancellations: Vec<CancellationRow>,
    /// What `verify` finds.
    pub violations: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct OrderRow {
    pub number: u32,
    pub id: Uuid,
    pub state: String,
    /// Code of the reason.
    pub rejection: Option<String>,
    /// From the acceptance by the queue to the decision, in microseconds.
    pub waited: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct LineRow {
    pub number: u32,
    pub quantity: u32,
    /// Code; none of a line that could have been sold.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CancellationRow {
    pub id: Uuid,
    pub order: Uuid,
    pub effect: String,
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct MailRow {
    pub id: u64,
    pub number: u32,
    pub event: String,
    pub is_unsent: bool,
    /// Not sent on purpose: its mailbox has enough of them, or the order had gone on.
    pub is_held_back: bool,
}

/// Copies of one book.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct BookRow {
    pub copies: u32,
    /// In orders that were accepted, without what was cancelled.
    pub sold: i64,
    pub left: i64,
    /// The smallest stock that there was.
    pub fewest: i64,
}

/// A book of a drill, with so many copies.
pub fn book(reference: &str, title: &str, copies: u32, shop: &Shop) -> Result<CatalogueRow> {
    Ok(CatalogueRow {
        reference: Reference::parse(reference)?,
        title: title.to_owned(),
        authors: vec!["Ana María Matute".to_owned()],
        price: Some(shop.money(PRICE)),
        stock: Some(copies),
        isbn: None,
        year: None,
        language: None,
        genres: None,
        description: None,
        stars: None,
        stock_counted_at: None,
        fixed_price: None,
        tax_rate: None,
        publisher: None,
        publisher_contact: None,
    })
}

/// Imports books as a file does.
pub async fn import(connection: &mut MySqlConnection, books: &[CatalogueRow]) -> Result<()> {
    let import = sqlx::query("insert into imports (object_key, sequencer) values ('drill.csv', '1')");
    let import = u32::try_from(import.execute(&mut *connection).await?.last_insert_id())?;
    let lines: Vec<(u32, &CatalogueRow)> = (1..).zip(books).collect();
    catalogue::put_all(connection, import, &lines, OffsetDateTime::now_utc()).await?;
    Ok(())
}

/// Adds two books with so many copies.
pub async fn add_books(connection: &mut MySqlConnection, copies: [u32; 2], shop: &Shop) -> Result<[BookId; 2]> {
    let [many, few] = [book("many", "many", copies[0], shop)?, book("few", "few", copies[1], shop)?];
    import(connection, &[many, few]).await?;
    let mut ids = [BookId::from(0); 2];
    for (id, reference) in ids.iter_mut().zip(["many", "few"]) {
        let found = sqlx::query_scalar::<_, u32>("select id from books where reference = ?").bind(reference);
        *id = found.fetch_one(&mut *connection).await.context(reference)?.into();
    }
    Ok(ids)
}

impl Ledger {
    /// Reads the database of a drill that has ended.
    pub async fn read(connection: &mut MySqlConnection, books: [BookId; 2], copies: [u32; 2]) -> Result<Self> {
        let orders = "select number, id, state, rejection, timestampdiff(microsecond, placed_at, decided_at) as waited \
                      from orders order by number";
        let states = "select order_number, state, at from order_states \
                      union all \
                      select number, 'withdrawn', withdrawn_at from orders where withdrawn_at is not null \
                      order by order_number, at";
        let mails = "select id, order_number as number, event, is_unsent, \
                     coalesce(failure like 'not sent: %', false) as is_held_back \
                     from mails order by id";
        let lines = "select l.order_number as number, l.quantity, l.reason \
                     from order_lines l join orders o on o.number = l.order_number where o.state = 'rejected'";
        let cancellations = "select id, order_id as `order`, effect from order_messages where kind = 'order-action'";
        let moment = Moment::of(OffsetDateTime::now_utc(), time::Duration::minutes(1));
        let mut ledger = Self {
            orders: sqlx::query_as(orders).fetch_all(&mut *connection).await.context("reading the orders")?,
            states: sqlx::query_as(states).fetch_all(&mut *connection).await.context("reading the states")?,
            mails: sqlx::query_as(mails).fetch_all(&mut *connection).await.context("reading the mails")?,
            lines: sqlx::query_as(lines).fetch_all(&mut *connection).await.context("reading the lines")?,
            cancellations: sqlx::query_as(cancellations)
                .fetch_all(&mut *connection)
                .await
                .context("reading effects")?,
            violations: orders::verify(connection, moment).await?.iter().map(ToString::to_string).collect(),
            books: [BookRow::default(); 2],
        };
        for ((row, book), copies) in ledger.books.iter_mut().zip(books).zip(copies) {
            *row = of_book(connection, book, copies).await.context("counting the copies")?;
        }
        Ok(ledger)
    }

    /// Whether the shop had to reject an order: the buyer had cancelled it before it came, or there were fewer copies than
    /// the order wanted. The drill gives no other reason.
    pub fn had_to_reject(&self, order: &OrderRow) -> bool {
        match order.rejection.as_deref().map(OrderReason::from_stored) {
            Some(OrderReason::Cancelled) => {
                let mut cancellations = self.cancellations.iter();
                cancellations.any(|one| one.order == order.id && one.effect == "rejected cancelled")
            }
            Some(OrderReason::Lines) => {
                let lines = self.lines.iter().filter(|line| line.number == order.number);
                let reasons: Vec<bool> = lines.filter_map(LineRow::is_too_many).collect();
                !reasons.is_empty() && reasons.into_iter().all(|is_too_many| is_too_many)
            }
            Some(_) | None => false,
        }
    }
}

impl LineRow {
    /// Whether the line wanted more copies than there were; none of a line that could have been sold.
    fn is_too_many(&self) -> Option<bool> {
        let reason = LineReason::from_stored(self.reason.as_deref()?);
        Some(matches!(reason, LineReason::OutOfStock { left } if left < self.quantity))
    }
}

async fn of_book(connection: &mut MySqlConnection, book: BookId, copies: u32) -> sqlx::Result<BookRow> {
    let sold = "select cast(coalesce(sum(l.quantity - l.cancelled - l.returned), 0) as signed) \
                from order_lines l join orders o on o.number = l.order_number \
                where o.state <> 'rejected' and l.book_id = ?";
    let left = "select cast(stock as signed) from books where id = ?";
    let fewest = "select cast(coalesce(min(stock), ?) as signed) \
                  from (select sum(quantity) over (order by id) as stock from stock_movements where book_id = ?) stocks";
    Ok(BookRow {
        copies,
        sold: sqlx::query_scalar(sold).bind(book.get()).fetch_one(&mut *connection).await?,
        left: sqlx::query_scalar(left).bind(book.get()).fetch_one(&mut *connection).await?,
        fewest: sqlx::query_scalar(fewest).bind(copies).bind(book.get()).fetch_one(connection).await?,
    })
}
