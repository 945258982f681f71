//! The control: the same orders from the same queue, processed as shops do that oversell. It reads the stock, checks it, and
//! writes it back, each order in one transaction of its own.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use shared::messages::{OrderContent, OrderMessage, OrderV1};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, mysql::MySqlConnectOptions};
use time::OffsetDateTime;
use tokio::runtime;

use super::{Flag, WRITER_SESSION, aws::Aws};

/// The time between check and write, in which a shop computes prices and taxes.
const THINKING: Duration = Duration::from_millis(2);

const TABLES: &str = "create table stocks (book_id int unsigned primary key, stock int not null); \
                      create table sales (order_id binary(16) not null, book_id int unsigned not null, copies int not null, \
                      primary key (order_id, book_id))";

/// Creates the database of the control, with two books.
pub async fn create(server: &mut MySqlConnection, database: &str, copies: [u32; 2]) -> sqlx::Result<()> {
    let [many, few] = copies;
    let create = format!(
        "drop database if exists {database}; create database {database}; use {database}; {TABLES}; \
         insert into stocks values (1, {many}), (2, {few})"
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(server).await.map(drop)
}

/// Copies that were sold to different orders.
pub async fn sold(login: &MySqlConnectOptions) -> sqlx::Result<u32> {
    let mut connection = login.connect().await?;
    let sum = "select cast(coalesce(sum(copies), 0) as unsigned) from sales";
    let sold = sqlx::query_scalar(sum).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(sold)
}

/// Processes batches until the drill is over. Cancellations have no effect, so that no copy is sold twice by right.
pub fn work(login: &MySqlConnectOptions, aws: &Aws, over: &Flag) -> Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut connection = runtime.block_on(login.connect()).context("logging in as the control")?;
    runtime.block_on(sqlx::raw_sql(WRITER_SESSION).execute(&mut connection))?;
    while !over.is_set() {
        let batch = aws.orders.receive(Instant::now());
        if batch.is_empty() {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        let mut returned = BTreeSet::new();
        for delivery in &batch {
            let message = OrderMessage::parse(&delivery.body, OffsetDateTime::now_utc());
            let message = message.map_err(anyhow::Error::msg).context("reading an order")?;
            let OrderContent::Order(order) = message.content else { continue };
            if !returned.is_empty() || runtime.block_on(sell(&mut connection, &order)).is_err() {
                returned.insert(delivery.id);
            }
        }
        aws.orders.complete(&batch, Some(&returned), Instant::now());
    }
    Ok(())
}

/// Sells an order that was not sold before, if there is enough of each book.
async fn sell(connection: &mut MySqlConnection, order: &OrderV1) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    let mut stocks = Vec::new();
    for line in &order.lines {
        let stock = sqlx::query_scalar::<_, i64>("select cast(stock as signed) from stocks where book_id = ?");
        stocks.push(stock.bind(line.book.get()).fetch_one(&mut *transaction).await?);
    }
    let wanted = || order.lines.iter().map(|line| i64::from(line.quantity.get())).zip(&stocks);
    let is_sold = sqlx::query("select 1 from sales where order_id = ?").bind(order.order.uuid());
    if is_sold.fetch_optional(&mut *transaction).await?.is_some() || wanted().any(|(copies, stock)| copies > *stock) {
        return transaction.rollback().await;
    }
    tokio::time::sleep(THINKING).await;
    for (line, (copies, stock)) in order.lines.iter().zip(wanted()) {
        let write = sqlx::query("update stocks set stock = ? where book_id = ?");
        write.bind(stock - copies).bind(line.book.get()).execute(&mut *transaction).await?;
        let sale = sqlx::query("insert into sales values (?, ?, ?)").bind(order.order.uuid());
        sale.bind(line.book.get()).bind(copies).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
