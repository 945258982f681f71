//! One run: buyers, queue and processors, and with the shop also the staff and the outages.

use std::{
    sync::Arc,
    thread::{self, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::json;
use shared::{domain::BookId, order_batch::MAILS_TRANSACTION, repo::orders, shop::Shop};
use sqlx::{ConnectOptions, Connection, mysql::MySqlConnectOptions};
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::{
    Drill, Flag, Outage, Size,
    aws::Aws,
    buyers::{Bought, Buyer},
    checks::Facts,
    ledger::Ledger,
    processors::{Invocation, Processed, Processor},
    report::Run,
    staff::{Acted, Bookseller},
};
use crate::{MeasuredFunction, Parameters};

/// A run ends after this, with so much more for each order.
const TIME_LIMIT: Duration = Duration::from_mins(1);
const TIME_LIMIT_PER_ORDER: Duration = Duration::from_millis(100);
const POLL: Duration = Duration::from_millis(5);
/// The message group of sweeps, as in the stage's schedule.
pub const SWEEPS: &str = "sweeps";
/// Sweeps at the end, at most: each hands over mails for some seconds.
const LAST_SWEEPS: u32 = 20;

/// What shop and control have in common.
#[derive(Clone, Copy)]
pub struct Sale<'a> {
    /// Buyers in whose groups there is poison.
    pub poisoned: u32,
    pub drill: &'a Drill,
    pub size: Size,
    pub shop: &'a Shop,
    pub books: [BookId; 2],
    pub aws: &'a Arc<Aws>,
}

impl Sale<'_> {
    /// Buyers and workers at once, until everything is processed. Returns the number of orders.
    pub fn with_workers(&self, work: impl Fn(&Flag) -> Result<()> + Sync) -> Result<usize> {
        let over = Flag::default();
        thread::scope(|scope| {
            let workers: Vec<_> =
                (0..self.size.processors).map(|_| scope.spawn(|| ending_on_failure(&over, || work(&over)))).collect();
            let bought = self.buy(&over).and_then(|bought| self.until_empty(&over).map(|()| bought));
            over.set();
            all(workers)?;
            Ok(bought?.placed.len())
        })
    }

    /// All buyers at once; returns when they have sent everything.
    fn buy(&self, over: &Flag) -> Result<Bought> {
        let Size { orders, buyers, .. } = self.size;
        let (each, more) = (orders / buyers, orders % buyers);
        thread::scope(|scope| {
            let buyer = |number| Buyer {
                number,
                orders: each + u32::from(number < more),
                books: self.books,
                shop: self.shop,
                random: self.drill.random(1, number),
                is_poisoned: number < self.poisoned,
            };
            let buying: Vec<_> = (0..buyers)
                .map(|number| {
                    let buyer = buyer(number);
                    scope.spawn(move || ending_on_failure(over, || buyer.buy(&self.aws.orders, over)))
                })
                .collect();
            let mut bought = Bought::default();
            for part in all(buying)? {
                bought.placed.extend(part.placed);
                bought.cancellations.extend(part.cancellations);
                bought.poison.extend(part.poison);
            }
            Ok(bought)
        })
    }

    /// Waits until every message is processed.
    fn until_empty(&self, over: &Flag) -> Result<()> {
        let deadline = Instant::now() + TIME_LIMIT + TIME_LIMIT_PER_ORDER * self.size.orders;
        loop {
            let depth = self.aws.orders.depth();
            if depth == 0 {
                return Ok(());
            }
            ensure!(!self.drill.interrupted.is_set(), "interrupted");
            ensure!(!over.is_set(), "a part of the drill failed");
            ensure!(Instant::now() < deadline, "{depth} messages were not processed in time");
            thread::sleep(POLL);
        }
    }
}

/// A run of the shop.
pub struct ShopSale<'a> {
    pub sale: Sale<'a>,
    pub function: &'a MeasuredFunction,
    pub parameters: &'a Parameters,
    /// With the database of the run.
    pub writer: &'a MySqlConnectOptions,
}

impl ShopSale<'_> {
    pub fn run(&self, runtime: &Runtime, outage: Outage<'_>) -> Result<Run> {
        // The staff ends before the last mails are handed over, and the processors after that.
        let (closed, over) = (Flag::default(), Flag::default());
        let began = Instant::now();
        thread::scope(|scope| {
            let processors: Vec<_> = (0..self.sale.size.processors)
                .map(|number| {
                    let (processor, over) = (self.processor(number), &over);
                    scope.spawn(move || ending_on_failure(over, || processor.work(over)))
                })
                .collect();
            let staff = scope.spawn(|| ending_on_failure(&over, || self.bookseller().work(&closed)));
            let outages = scope.spawn(|| ending_on_failure(&over, || self.outages(&over, outage)));
            let bought = self.sale.buy(&over).and_then(|bought| self.sale.until_empty(&over).map(|()| bought));
            let seconds = began.elapsed().as_secs_f64();
            closed.set();
            let ended = bought.and_then(|bought| {
                let outages = joined(outages)?;
                let acted = joined(staff)?;
                self.hand_over_mails(runtime, &over)?;
                Ok((bought, outages, acted))
            });
            over.set();
            let processed = all(processors)?;
            let (bought, outages, acted) = ended?;
            self.report(runtime, bought, &outages, acted, &processed, seconds)
        })
    }

    fn processor(&self, number: u32) -> Processor<'_> {
        Processor {
            function: self.function,
            parameters: self.parameters,
            aws: self.sale.aws,
            random: self.sale.drill.random(2, number),
        }
    }

    fn bookseller(&self) -> Bookseller<'_> {
        Bookseller { login: self.writer, shop: self.sale.shop, random: self.sale.drill.random(3, 0) }
    }

    /// Kills the database after equal parts of the orders.
    fn outages(&self, over: &Flag, outage: Outage<'_>) -> Result<Vec<Away>> {
        let Size { orders, database_kills, .. } = self.sale.size;
        let mut outages = Vec::new();
        for kill in 1..=database_kills {
            let due = u64::from(orders * kill / (database_kills + 1));
            while self.sale.aws.orders.counts().processed < due {
                if over.is_set() {
                    return Ok(outages);
                }
                thread::sleep(POLL);
            }
            let from = Instant::now();
            outage().context("killing the database and starting it again")?;
            outages.push(Away { from, until: Instant::now() });
        }
        Ok(outages)
    }

    /// Sends sweeps until no mail waits, as the stage's schedule does.
    fn hand_over_mails(&self, runtime: &Runtime, over: &Flag) -> Result<()> {
        for _ in 0..LAST_SWEEPS {
            let id = Uuid::new_v4().to_string();
            let sweep = json!({ "kind": "sweep.v1", "scheduled_at": id });
            self.sale.aws.orders.send(SWEEPS, &id, sweep.to_string());
            self.sale.until_empty(over)?;
            let waiting = runtime.block_on(async {
                let mut connection = self.writer.connect().await?;
                let waiting = orders::unsent_mails(&mut connection, None, 1).await?;
                connection.close().await.map(|()| waiting)
            });
            if waiting.context("reading the unsent mails")?.is_empty() {
                return Ok(());
            }
        }
        bail!("mails are not handed over by {LAST_SWEEPS} sweeps")
    }

    fn report(
        &self,
        runtime: &Runtime,
        bought: Bought,
        outages: &[Away],
        acted: Acted,
        processed: &[Processed],
        seconds: f64,
    ) -> Result<Run> {
        let Sale { size, books, aws, .. } = self.sale;
        let ledger = runtime.block_on(async {
            let mut connection = self.writer.connect().await?;
            Ledger::read(&mut connection, books, size.copies).await
        })?;
        let sent = aws.sent();
        let invocations: Vec<Invocation> =
            processed.iter().flat_map(|processor| &processor.invocations).copied().collect();
        let may_send_again = |invocation: &&Invocation| may_send_again(invocation, outages);
        let facts = Facts {
            groups: size.groups,
            placed: bought.placed,
            cancellations: bought.cancellations,
            poison: bought.poison,
            failed_too_often: sent.failed_too_often,
            ledger,
            acted,
            mailed: sent.mails,
            may_send_again: invocations.iter().filter(may_send_again).map(|one| one.number).collect(),
            parked: [sent.wrong, aws.orders.dead_letters()].concat(),
            queue: aws.orders.counts(),
            processors: size.processors,
            killed: processed.iter().map(|processor| processor.killed).sum(),
            killed_at_mail: processed.iter().map(|processor| processor.killed_at_mail).sum(),
            failed: processed.iter().map(|processor| processor.failed).sum(),
            database_kills: outages.len().try_into()?,
            database_kills_planned: size.database_kills,
        };
        Ok(Run::of(&facts, size.buyers, invocations.len(), seconds))
    }
}

/// The time of one outage of the database.
#[derive(Debug, Clone, Copy)]
struct Away {
    from: Instant,
    until: Instant,
}

/// Whether the mails of an invocation may be sent again: its note of them was lost, or came after the transaction's timeout.
fn may_send_again(invocation: &Invocation, outages: &[Away]) -> bool {
    let Invocation { began, ended, is_broken_off, .. } = *invocation;
    let saw_outage = outages.iter().any(|away| began <= away.until && away.from <= ended);
    is_broken_off || saw_outage || ended - began >= MAILS_TRANSACTION
}

/// Ends the run when a part of it fails.
fn ending_on_failure<T>(over: &Flag, work: impl FnOnce() -> Result<T>) -> Result<T> {
    work().inspect_err(|_| over.set())
}

fn joined<T>(thread: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread of the drill panicked"))?
}

fn all<T>(threads: Vec<ScopedJoinHandle<'_, Result<T>>>) -> Result<Vec<T>> {
    // All of them first, so that none is left when the first failure is returned.
    let results: Vec<Result<T>> = threads.into_iter().map(joined).collect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_invocation_that_lost_its_note_may_have_sent_mails_that_are_sent_again() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let outages = [Away { from: at(10), until: at(12) }];
        for (began, ended, is_broken_off, expected) in [
            (1, 2, false, false),
            (1, 2, true, true),
            (9, 11, false, true),
            (11, 11, false, true),
            (11, 13, false, true),
            (13, 14, false, false),
            (13, 18, false, true),
        ] {
            let invocation = Invocation { number: 1, began: at(began), ended: at(ended), is_broken_off };
            assert_eq!(may_send_again(&invocation, &outages), expected, "{invocation:?}");
        }
    }
}
