//! The oversell drill: many buyers, few copies, and every fault that queue, processors and database can have. It runs real
//! processes of `process-orders` on hosts of their own, with a queue in memory and a MariaDB that the caller starts.
//!
//! The seed decides orders and faults, but not the times of threads, so that a repetition is similar and not the same.

mod aws;
mod buyers;
mod checks;
mod control;
mod ledger;
mod processors;
mod queue;
mod report;
mod sale;
mod staff;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use rand::{SeedableRng, rngs::StdRng};
use shared::{
    messages::MigrationOrder,
    parameters::{DatabaseRole, Parameter, path_of},
    shop::{SHOP, Shop},
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::runtime::{self, Runtime};

pub use self::report::{Control, Report, Run};
use self::{
    aws::Aws,
    buyers::POISON,
    queue::Faults,
    sale::{Sale, ShopSale},
};
pub(crate) use self::{
    aws::with_queues,
    buyers::PRICE,
    ledger::{book, import},
    sale::SWEEPS,
};
pub(crate) use self::{
    buyers::order,
    ledger::add_books,
    queue::{BATCH, Delivery, event, returned},
};
use crate::{MeasuredFunction, Parameters, login::login, process::FunctionProcess};

/// As `shared::database` sets it for writers.
pub(crate) const WRITER_SESSION: &str = "set session transaction isolation level read committed";
const FAULTS: Faults = Faults { again_after_deletion: 0.05, again_in_flight: 0.04 };
/// The part of the orders in the run with one group, whose processors work one after another.
const IN_ORDER: u32 = 4;
/// Buyers who send poison between their orders, two messages each.
const POISONED: u32 = 3;
const MIGRATE_WITHIN: Duration = Duration::from_mins(2);

/// How large the drill is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub orders: u32,
    pub buyers: u32,
    pub processors: u32,
    pub groups: u16,
    /// Of the two books.
    pub copies: [u32; 2],
    pub database_kills: u32,
}

/// What a drill needs: builds of the functions, the parameters of a stage whose database server runs, and its shop.
pub struct Drill {
    pub process_orders: MeasuredFunction,
    pub migrate_database: MeasuredFunction,
    pub parameters: Parameters,
    pub shop: Shop,
    pub size: Size,
    pub seed: u64,
    /// Ends the drill early when it is set.
    pub interrupted: Arc<Flag>,
}

/// Set once.
#[derive(Debug, Default)]
pub struct Flag(AtomicBool);

impl Flag {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Kills the database server, and starts it again.
pub type Outage<'a> = &'a mut (dyn FnMut() -> Result<()> + Send);

/// A trigger that makes the writing of a poison order fail as a defect would.
fn refuse_poison() -> String {
    format!(
        "create trigger refuse_poison before insert on orders for each row \
         if new.note = '{POISON}' then signal sqlstate '45000' set message_text = 'poison'; end if"
    )
}

impl Drill {
    /// Runs the shop in groups and in one group, and the control. Fails if a run cannot be made; what does not hold is in the
    /// report.
    pub fn run(&self, outage: Outage<'_>) -> Result<Report> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        let Size { orders, database_kills, .. } = self.size;
        let database_kills = database_kills.saturating_sub(1);
        let in_order = Size { orders: orders / IN_ORDER, groups: 1, database_kills, ..self.size };
        Ok(Report {
            seed: self.seed,
            parallel: self.sell(&runtime, "anaquel_drill", self.size, outage).context("the run in groups")?,
            in_order: self.sell(&runtime, "anaquel_drill_in_order", in_order, outage).context("the run in order")?,
            control: self.oversell(&runtime, "anaquel_drill_control").context("the control")?,
        })
    }

    /// One run of the shop on a database of its own.
    fn sell(&self, runtime: &Runtime, database: &str, size: Size, outage: Outage<'_>) -> Result<Run> {
        let shop = Shop { groups: size.groups, max_open_orders: u16::MAX, ..self.shop.clone() };
        let parameters = with_queues(self.parameters.with_database(database));
        runtime.block_on(create_database(&self.parameters, database))?;
        migrate(&self.migrate_database, &parameters)?;
        let writer = login(&parameters, DatabaseRole::Writer)?;
        let books = runtime.block_on(async {
            let mut server = login(&parameters, DatabaseRole::Admin)?.connect().await?;
            sqlx::raw_sql(AssertSqlSafe(refuse_poison())).execute(&mut server).await.context("creating the trigger")?;
            server.close().await?;
            let mut connection = writer.connect().await?;
            add_books(&mut connection, size.copies, &shop).await
        })?;
        let function = self.process_orders.with_variable(SHOP, shop.to_json());
        let aws = Aws::new(self.seed, FAULTS);
        let sale = Sale { poisoned: POISONED, drill: self, size, shop: &shop, books, aws: &aws };
        ShopSale { sale, function: &function, parameters: &parameters, writer: &writer }.run(runtime, outage)
    }

    /// The control on a database of its own.
    fn oversell(&self, runtime: &Runtime, database: &str) -> Result<Control> {
        let size = self.size;
        let shop = Shop { groups: size.groups, ..self.shop.clone() };
        let admin = login(&self.parameters, DatabaseRole::Admin)?;
        runtime.block_on(async {
            let mut server = admin.connect().await?;
            control::create(&mut server, database, size.copies).await?;
            server.close().await
        })?;
        let login = admin.database(database);
        let aws = Aws::new(self.seed, FAULTS);
        let sale = Sale { poisoned: 0, drill: self, size, shop: &shop, books: [1.into(), 2.into()], aws: &aws };
        let orders_placed = sale.with_workers(|over| control::work(&login, &aws, over))?;
        Ok(Control {
            orders_placed,
            copies: size.copies.iter().sum(),
            copies_sold: runtime.block_on(control::sold(&login))?,
        })
    }

    fn random(&self, role: u64, number: u32) -> StdRng {
        StdRng::seed_from_u64(self.seed.wrapping_add(role << 32).wrapping_add(number.into()))
    }
}

/// An empty database of this name.
pub(crate) async fn create_database(parameters: &Parameters, database: &str) -> Result<()> {
    let mut server = login(parameters, DatabaseRole::Admin)?.connect().await.context("logging in as admin")?;
    let create = format!(
        "drop database if exists {database}; \
         create database {database} character set utf8mb4 collate utf8mb4_uca1400_ai_ci"
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut server).await.context("creating the database")?;
    server.close().await?;
    Ok(())
}

/// Migrates as a deploy does: by the function.
pub(crate) fn migrate(migrate_database: &MeasuredFunction, parameters: &Parameters) -> Result<()> {
    let order = MigrationOrder {
        reader_connections: 100,
        order_reader_connections: 100,
        bounce_writer_connections: 100,
        account_connections: 100,
        staff_connections: 100,
        writer_connections: 100,
        revokes: true,
        has_replicas: parameters.0.keys().any(|name| path_of(name) == Parameter::DatabaseReplicas.path()),
        refresh_after: 0,
    };
    let process = FunctionProcess::start(migrate_database, parameters)?;
    let migrated = process.host.invoke_within(&serde_json::to_vec(&order)?, MIGRATE_WITHIN);
    let migrated = migrated.context("migrating the database")?;
    migrated.with_context(|| format!("the migration took longer than {} s", MIGRATE_WITHIN.as_secs()))?;
    Ok(())
}
