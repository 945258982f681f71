//! Orders decided per second by one processor of `process-orders`, beside the bare transaction on the same server. Both sell
//! in a database of their own, which is removed at the end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use shared::{
    domain::{BookId, Delivery as Handover},
    messages::OrderMessage,
    parameters::DatabaseRole,
    repo::orders,
    shop::{SHOP, Selling, Shop},
};
use sqlx::{ConnectOptions, Connection, MySqlConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    MeasuredFunction, Parameters,
    drill::{BATCH, Delivery, WRITER_SESSION, add_books, event, order},
    figures::{Figures, Times},
    login::login,
    own_database::{create, execute},
    process::FunctionProcess,
};

/// The function that is measured.
pub const FUNCTION: &str = "process-orders";
const DATABASE: &str = "anaquel_bench_orders";
const COPIES: u32 = 1_000_000;
/// Rounds before the measurement, which fill the caches.
const WARM_UP: u32 = 5;
/// Rounds of a measurement, if the time suffices.
pub const ROUNDS: u32 = 100;
/// Time limit for all rounds.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The speed of one processor.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OrderSpeed {
    /// Batches of ten orders, as from a queue with a backlog. Mails included.
    pub batches: Speed,
    /// Batches of one order, as from a queue without one. Mails included.
    pub singles: Speed,
    /// The deciding transaction on an open connection.
    pub transactions: Speed,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub struct Speed {
    pub orders_per_second: f64,
    /// Of one order, in milliseconds; in a batch of ten, the tenth part.
    pub order: Figures,
}

/// Decides orders in turns by the function and by bare transactions: twelve orders in each round.
pub async fn measure(function: &MeasuredFunction, parameters: &Parameters, rounds: u32) -> Result<OrderSpeed> {
    let mut server = login(parameters, DatabaseRole::Admin)?.connect().await.context("logging in as administrator")?;
    create(&mut server, DATABASE, parameters).await.context("creating the database of orders")?;
    let measured = decide(function, &parameters.with_database(DATABASE), rounds).await;
    execute(&mut server, format!("drop database {DATABASE}")).await?;
    server.close().await?;
    measured
}

async fn decide(function: &MeasuredFunction, parameters: &Parameters, rounds: u32) -> Result<OrderSpeed> {
    let shop = function.environment.get(SHOP).context("the stage has no [shop], and decides no orders")?;
    let shop = Shop { sells: Selling::Yes, ..Shop::parse(shop)? };
    let mut database = login(parameters, DatabaseRole::Writer)?.connect().await.context("logging in as writer")?;
    execute(&mut database, WRITER_SESSION).await?;
    let [book, _] = add_books(&mut database, [COPIES, 1], &shop).await?;
    let process = FunctionProcess::start(&function.with_variable(SHOP, shop.to_json()), parameters)?;
    let mut orders = Orders { shop: &shop, book, placed: 0 };
    let (mut batches, mut singles, mut transactions) = (Times::default(), Times::default(), Times::default());
    let began = Instant::now();
    for round in 0..WARM_UP + rounds {
        if round == WARM_UP {
            (batches, singles, transactions) = Default::default();
        }
        if began.elapsed() > TIME_LIMIT {
            break;
        }
        batches.add(invoke(&process, &orders.batch(BATCH)?)?, BATCH);
        singles.add(invoke(&process, &orders.batch(1)?)?, 1);
        let message = orders.next()?;
        transactions.add(apply(&mut database, &message, &shop).await?, 1);
        // Otherwise the function would hand it over with its own.
        execute(&mut database, "update mails set sent_at = now(6) where is_unsent = 1").await?;
    }
    let decided: i64 =
        sqlx::query_scalar("select count(*) from orders where state = 'confirmed'").fetch_one(&mut database).await?;
    ensure!(decided == i64::from(orders.placed), "{decided} of {} orders were confirmed", orders.placed);
    database.close().await?;
    let speed = |times: Times| Speed { orders_per_second: times.per_second(), order: times.figures() };
    Ok(OrderSpeed { batches: speed(batches), singles: speed(singles), transactions: speed(transactions) })
}

/// New orders of one copy, each of another buyer.
struct Orders<'a> {
    shop: &'a Shop,
    book: BookId,
    placed: u32,
}

impl Orders<'_> {
    fn next(&mut self) -> Result<OrderMessage> {
        self.placed += 1;
        let buyer = Uuid::from_u128(self.placed.into());
        let order = order(buyer, 1, &[(self.book, 1)], Handover::Ship, self.shop)?;
        Ok(OrderMessage::order(order, OffsetDateTime::now_utc(), None))
    }

    fn batch(&mut self, orders: usize) -> Result<Vec<u8>> {
        let mut batch = Vec::new();
        for _ in 0..orders {
            let message = self.next()?;
            batch.push(Delivery {
                id: message.id,
                group: "orders-0".to_owned(),
                body: serde_json::to_string(&message)?,
                sequence: self.placed.into(),
                receives: 1,
                receipt: self.placed.into(),
            });
        }
        Ok(event(&batch).to_string().into_bytes())
    }
}

fn invoke(process: &FunctionProcess, event: &[u8]) -> Result<Duration> {
    Ok(process.host.invoke(event)?.took)
}

async fn apply(database: &mut MySqlConnection, message: &OrderMessage, shop: &Shop) -> Result<Duration> {
    let began = Instant::now();
    let mut transaction = database.begin().await?;
    orders::apply(&mut transaction, message, shop, OffsetDateTime::now_utc()).await?;
    transaction.commit().await?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::own_database::{built, with_writer};

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test]
    async fn a_processor_is_measured_in_a_database_that_is_removed_afterwards() {
        let (measured, databases) = with_writer("anaquel_orders_test", async |parameters| {
            let function = built(FUNCTION, parameters).with_variable(SHOP, shop());
            measure(&function, parameters, 3).await
        })
        .await;
        let OrderSpeed { batches, singles, transactions } = measured.unwrap();
        for speed in [batches, singles, transactions] {
            assert!(speed.orders_per_second > 0.0 && speed.order.median <= speed.order.p99, "{speed:?}");
        }
        assert!(!databases.contains(&DATABASE.to_owned()), "{databases:?}");
    }

    fn shop() -> String {
        json!({
            "seller": {
                "name": "Anaquel", "tax_id": "B00000000", "address": "Calle Mayor 1, 28013 Madrid",
                "email": "tienda@example.org", "phone": "+34 910 000 000", "register": null,
            },
            "currency": "EUR",
            "tax_rates": { "books": 400, "delivery": 2100 },
            "collect": null,
            "ship": { "price": 395, "free_from": null, "days": 4, "countries": ["ES"] },
            "payments": { "on_collection": false, "on_delivery": true, "bank_transfer": null },
            "max_open_orders": 5,
            "groups": 1,
            "sells": { "no": "no_mail" },
        })
        .to_string()
    }
}
