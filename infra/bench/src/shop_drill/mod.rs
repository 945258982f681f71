//! The drill of the whole shop: shoppers read, rate and order while faults come one after another, and at the end nothing is lost
//! and nothing is doubled.
//!
//! It runs real processes of the functions on hosts of its own, with queues in memory and a MariaDB that the caller starts, kills
//! and freezes. The seed decides requests and faults, but not the times of threads.

mod checks;
mod faults;
mod report;
mod timeline;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use shared::{
    parameters::{DatabaseRole, Queue},
    shop::Shop,
};
use sqlx::{ConnectOptions, Connection, mysql::MySqlConnectOptions};
use tokio::runtime::{self, Runtime};
use uuid::Uuid;

use self::{
    checks::Facts,
    faults::{Saboteur, Services},
    timeline::{Episode, Timeline},
};
pub use self::{faults::Fault, report::Report};
use crate::{
    MeasuredFunction, Parameters,
    drill::{Flag, PRICE, SWEEPS, book, create_database, import, migrate, with_queues},
    load::{
        Arrivals, Class, HostedShop, LoadedConsumer, LoadedFunction, Mix, Outcome, Request, SampledBook, Samples,
        Target, wait_until,
    },
    login::login,
};

const DATABASE: &str = "anaquel_drill_shop";
/// Books of the shop, with more copies than are ordered.
const BOOKS: u32 = 200;
const COPIES: u32 = 1_000;
/// Time for the replica to apply the drill's books.
const REPLICATED_WITHIN: Duration = Duration::from_mins(1);
/// Seconds at the beginning and at the end without a fault.
const QUIET: Duration = Duration::from_secs(3);
/// Until the queues are empty after the last request.
const DRAIN: Duration = Duration::from_mins(1);
/// Until enough was sent after the last fault.
const LONGEST_LOAD: Duration = Duration::from_mins(10);
/// Sweeps at the end.
const LAST_SWEEPS: usize = 4;
/// The addresses of orders, to which no mail is sent.
const EMAIL: &str = "drill-{}@example.org";

/// Size of a drill.
#[derive(Debug, Clone)]
pub struct Size {
    /// Ratings and orders that the shop accepts, at least.
    pub submissions: usize,
    pub orders: usize,
    /// Requests per second, a half of them reads.
    pub rate: f64,
    pub faults: Vec<Fault>,
    /// Duration of a fault, and the time until the next one.
    pub lasting: Duration,
    pub between: Duration,
}

/// A drill with all that it needs: builds of the functions, the parameters of a stage whose database server runs, and its shop.
pub struct ShopDrill {
    pub functions: Vec<LoadedFunction>,
    pub consumers: Vec<LoadedConsumer>,
    pub migrate_database: MeasuredFunction,
    pub parameters: Parameters,
    /// Login of the server's root, because the administrator of RDS may not do all that a fault needs.
    pub root: MySqlConnectOptions,
    /// The same at its replica, if it has one.
    pub replica: Option<MySqlConnectOptions>,
    pub shop: Shop,
    pub size: Size,
    pub seed: u64,
    /// Ends the drill early when it is set.
    pub interrupted: Arc<Flag>,
}

/// The database server of a drill.
pub trait Server: Send {
    /// Kills it, and starts it again after this time.
    ///
    /// # Errors
    /// It did not start again.
    fn kill(&mut self, away: Duration) -> Result<()>;

    /// Stops it for this time, with its connections open.
    ///
    /// # Errors
    /// There is no server.
    fn freeze(&mut self, lasting: Duration) -> Result<()>;

    /// Kills its replica, and starts it again after this time.
    ///
    /// # Errors
    /// There is none, or it did not start again.
    fn kill_replica(&mut self, away: Duration) -> Result<()>;
}

/// Outcomes of all requests, and the faults meanwhile.
struct Load {
    outcomes: Vec<Outcome>,
    episodes: Vec<Episode>,
    poison: Vec<String>,
}

impl ShopDrill {
    /// Runs the drill. Fails if it cannot be made; what does not hold is in the report.
    ///
    /// # Errors
    /// A fault could not be caused, or the database could not be created.
    pub fn run(&self, server: &mut dyn Server) -> Result<Report> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        let parameters = with_queues(self.parameters.with_database(DATABASE));
        runtime.block_on(create_database(&self.parameters, DATABASE))?;
        migrate(&self.migrate_database, &parameters)?;
        let samples = runtime.block_on(self.add_books(&parameters)).context("adding the books")?;
        runtime.block_on(self.replicated()).context("waiting for the replica")?;
        let services = Services::new(&parameters);
        let shop = runtime.block_on(HostedShop::start(
            &self.functions,
            &self.consumers,
            &parameters,
            Some(services.observer()),
        ))?;
        let began = Instant::now();
        let loaded = self.load(&runtime, &samples, &shop, &services, server);
        let queues = shop.queues.clone();
        let loaded = loaded.and_then(|load| self.hand_over_mails(&shop).map(|()| load));
        let drain = if loaded.is_ok() { DRAIN } else { Duration::ZERO };
        let (accepted, finished) = shop.stop(drain);
        let Load { outcomes, episodes, poison } = loaded?;
        ensure!(!self.interrupted.is_set(), "interrupted");
        let facts = runtime.block_on(async {
            let mut connection =
                login(&parameters, DatabaseRole::Admin)?.connect().await.context("reading the database")?;
            let facts = Facts::read(&mut connection, &outcomes, &queues, poison).await;
            connection.close().await?;
            facts
        })?;
        Ok(Report::of(self, &facts, &Timeline { began, outcomes, episodes }, (accepted, finished), services.mails()))
    }

    /// Sends requests until all faults are over and enough was accepted.
    fn load(
        &self,
        runtime: &Runtime,
        samples: &Samples,
        shop: &HostedShop,
        services: &Services,
        server: &mut dyn Server,
    ) -> Result<Load> {
        let (outcomes, received) = mpsc::channel();
        let over = Flag::default();
        let counted = Counted::default();
        let (caused, sent) = thread::scope(|scope| {
            let sending = scope.spawn(|| self.send(samples, shop, &outcomes, &over, &counted));
            let random = StdRng::seed_from_u64(self.seed.wrapping_add(1));
            let poison = Vec::new();
            let root = self.root.clone().database(DATABASE);
            let replica = self.replica.clone();
            let mut saboteur = Saboteur { runtime, root, replica, shop, services, server, random, poison, hits: 0 };
            let caused = self.cause(&mut saboteur, || counted.has_enough(&self.size) || sending.is_finished());
            over.set();
            (caused.map(|episodes| (episodes, saboteur.poison)), sending.join())
        });
        drop(outcomes);
        sent.map_err(|_| anyhow::anyhow!("the shoppers panicked"))??;
        let (episodes, poison) = caused?;
        Ok(Load { outcomes: received.into_iter().collect(), episodes, poison })
    }

    fn send(
        &self,
        samples: &Samples,
        shop: &HostedShop,
        outcomes: &mpsc::Sender<Outcome>,
        over: &Flag,
        counted: &Counted,
    ) -> Result<()> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut arrivals = Arrivals::from(Instant::now(), self.size.rate);
        while !over.is_set() {
            let intended = arrivals.next(&mut random);
            let request = samples.draw(Mix::Drill, &mut random)?;
            counted.add(&request);
            wait_until(intended);
            shop.send(request, intended, outcomes);
        }
        Ok(())
    }

    /// Causes all faults in turns, and waits until enough was sent.
    fn cause(&self, saboteur: &mut Saboteur<'_>, is_enough: impl Fn() -> bool) -> Result<Vec<Episode>> {
        let mut episodes = Vec::new();
        thread::sleep(QUIET);
        for fault in &self.size.faults {
            ensure!(!self.interrupted.is_set(), "interrupted");
            eprintln!("  {} …", fault.label());
            let (from, before) = (Instant::now(), saboteur.shop.queues.returned());
            let caused = saboteur.cause(*fault, self.size.lasting).with_context(|| fault.label())?;
            let until = Instant::now();
            thread::sleep(self.size.between);
            let returned = saboteur.shop.queues.returned() - before;
            episodes.push(Episode { fault: *fault, from, until, caused: caused + returned });
        }
        let began = Instant::now();
        while !is_enough() {
            ensure!(!self.interrupted.is_set(), "interrupted");
            ensure!(began.elapsed() < LONGEST_LOAD, "too few requests were sent in {} s", LONGEST_LOAD.as_secs());
            thread::sleep(Duration::from_millis(100));
        }
        thread::sleep(QUIET);
        Ok(episodes)
    }

    /// Sends sweeps, as the stage's schedule does: mails that could not be handed over wait for them.
    fn hand_over_mails(&self, shop: &HostedShop) -> Result<()> {
        let (_, orders) = shop.queues.get(Queue::Orders)?;
        for _ in 0..LAST_SWEEPS {
            shop.wait_until_empty(DRAIN, &self.interrupted);
            ensure!(!self.interrupted.is_set(), "interrupted");
            let sweep = json!({ "kind": "sweep.v1", "scheduled_at": Uuid::new_v4().to_string() });
            orders.send(Some(SWEEPS), sweep.to_string(), Instant::now());
        }
        Ok(())
    }

    /// Waits until the replica has the books: before, it would be late, and the drill one without a replica.
    async fn replicated(&self) -> Result<()> {
        let Some(replica) = &self.replica else { return Ok(()) };
        let mut primary = self.root.connect().await?;
        let written: String = sqlx::query_scalar("select @@gtid_binlog_pos").fetch_one(&mut primary).await?;
        primary.close().await?;
        let mut replica = replica.connect().await?;
        let waited: i64 = sqlx::query_scalar("select master_gtid_wait(?, ?)")
            .bind(&written)
            .bind(REPLICATED_WITHIN.as_secs())
            .fetch_one(&mut replica)
            .await?;
        replica.close().await?;
        ensure!(waited == 0, "it has not all of {written} after {} s", REPLICATED_WITHIN.as_secs());
        Ok(())
    }

    async fn add_books(&self, parameters: &Parameters) -> Result<Samples> {
        let mut connection = login(parameters, DatabaseRole::Writer)?.connect().await?;
        let numbered =
            |number| book(&format!("drill-{number}"), &format!("Historia número {number}"), COPIES, &self.shop);
        let books = (0..BOOKS).map(numbered).collect::<Result<Vec<_>>>()?;
        import(&mut connection, &books).await?;
        let ids: Vec<(u32, String)> =
            sqlx::query_as("select id, title from books order by id").fetch_all(&mut connection).await?;
        connection.close().await?;
        let sampled = |(id, title)| SampledBook { id, title, author: None, genre: None, price: Some(PRICE) };
        Samples::of(ids.into_iter().map(sampled).collect(), &self.shop.currency, EMAIL)
    }
}

/// Ratings and orders that were sent.
#[derive(Default)]
struct Counted {
    ratings: AtomicUsize,
    orders: AtomicUsize,
}

impl Counted {
    fn add(&self, request: &Request) {
        match request.class {
            Class::Rating => _ = self.ratings.fetch_add(1, Ordering::Relaxed),
            Class::Order => _ = self.orders.fetch_add(1, Ordering::Relaxed),
            _ => {}
        }
    }

    /// With a tenth more, because some are refused during the faults.
    fn has_enough(&self, size: &Size) -> bool {
        let enough = |sent: &AtomicUsize, wanted: usize| sent.load(Ordering::Relaxed) >= wanted + wanted / 10;
        enough(&self.ratings, size.submissions) && enough(&self.orders, size.orders)
    }
}
