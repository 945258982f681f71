//! `bookstore drill` without a name: the drill of the whole shop.

use std::{path::Path, sync::Arc, thread, time::Duration};

use anyhow::{Context, Result, anyhow};
use bench::{
    drill::Flag,
    load::{LoadedConsumer, LoadedFunction},
    shop_drill::{self, Fault, Server, ShopDrill, Size},
};
use clap::Args;
use infra::{
    database_settings,
    routes::{self, Function, Trigger},
    stage::Stage,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::to_value;
use shared::shop::{SHOP, Selling, Shop};
use tokio::{runtime::Handle, task::spawn_blocking};

use super::{build, built, parameters, report, seed, with_home};
use crate::{
    cargo,
    local::{Home, MariaDb},
    output::Report,
};

/// HTTP functions that shoppers call, and consumers.
const FUNCTIONS: [&str; 5] = ["show-home", "list-books", "show-book", "submit-rating", "place-order"];
const CONSUMERS: [&str; 3] = ["process-submissions", "process-orders", "send-mail"];
/// Environments of each.
const ENVIRONMENTS: u16 = 4;

#[derive(Args)]
pub struct ShopDrillArgs {
    /// 10,000 ratings and 2,000 orders through twenty faults, with release builds [default: six faults in half a minute]
    #[arg(long)]
    full: bool,
    /// Give the database a read replica, and add its faults: killed, and late
    #[arg(long)]
    replica: bool,
    /// Seed of requests and faults, as an earlier drill printed it [default: random]
    #[arg(long, value_name = "N", value_parser = seed)]
    seed: Option<u32>,
}

fn small() -> Size {
    Size {
        submissions: 200,
        orders: 40,
        rate: 40.0,
        faults: Fault::FEW.to_vec(),
        lasting: Duration::from_secs(1),
        between: Duration::from_secs(2),
    }
}

fn full() -> Size {
    Size {
        submissions: 10_000,
        orders: 2_000,
        rate: 100.0,
        faults: Fault::ALL.to_vec(),
        lasting: Duration::from_secs(5),
        between: Duration::from_secs(7),
    }
}

pub async fn run(args: &ShopDrillArgs) -> Result<Report> {
    let (root, target) = cargo::workspace().await?;
    let names = [FUNCTIONS.as_slice(), &CONSUMERS, &["migrate-database"]].concat();
    build(&root, args.full, &names).await?;
    let binaries = target.join(if args.full { "release" } else { "debug" });
    let seed = args.seed.unwrap_or_else(rand::random);
    let mut size = if args.full { full() } else { small() };
    if args.replica {
        size.faults.extend(Fault::OF_REPLICAS);
    }
    let replicas = u16::from(args.replica);
    let drilled = with_home(seed, async |home, flag| drill(home, &binaries, replicas, size, seed, flag).await).await?;
    Ok(report(drilled.text(), to_value(&drilled).unwrap_or_default(), drilled.problems.len()))
}

/// Starts a database in `home`, and runs the shop on it. The server is left running.
async fn drill(
    home: &Home,
    binaries: &Path,
    replicas: u16,
    size: Size,
    seed: u32,
    interrupted: Arc<Flag>,
) -> Result<shop_drill::Report> {
    let mut stage = Stage::load("local")?;
    stage.database.replicas = replicas;
    let settings = database_settings::settings(&stage);
    let server = MariaDb::start_with_replicas(home, &settings, replicas).await?;
    let shop = Shop {
        sells: Selling::Yes,
        max_open_orders: u16::MAX,
        ..stage.shop().context("the stage `local` has no [shop]")?
    };
    let loaded = |name: &str| {
        let function: &Function = routes::find(name)?;
        let mut measured = built(name, binaries, &stage)?;
        if let Some(known) = measured.environment.get_mut(SHOP) {
            *known = shop.to_json();
        }
        let timeout_seconds = function.timeout_seconds.into();
        anyhow::Ok((function, LoadedFunction { function: measured, most: ENVIRONMENTS, timeout_seconds }))
    };
    let consumer = |name: &&str| {
        let (function, loaded) = loaded(name)?;
        let Trigger::Messages(queue) = function.trigger else { return Err(anyhow!("{name} consumes no queue")) };
        Ok(LoadedConsumer { queue: queue.name().to_owned(), loaded })
    };
    let drill = ShopDrill {
        functions: FUNCTIONS.iter().map(|name| Ok(loaded(name)?.1)).collect::<Result<_>>()?,
        consumers: CONSUMERS.iter().map(consumer).collect::<Result<_>>()?,
        migrate_database: built("migrate-database", binaries, &stage)?,
        parameters: parameters(&server),
        root: server.root_url("mysql").parse().context("the login of root")?,
        replica: server
            .replicas
            .first()
            .map(|port| server.root_url_at(*port, "mysql").parse().context("the login of root"))
            .transpose()?,
        shop: shop.clone(),
        size,
        seed: seed.into(),
        interrupted,
    };
    let mut local = Local { home: home.clone(), settings, replicas, handle: Handle::current() };
    spawn_blocking(move || drill.run(&mut local)).await.context("the drill panicked")?
}

/// The MariaDB of the drill.
struct Local {
    home: Home,
    settings: Vec<(&'static str, String)>,
    replicas: u16,
    handle: Handle,
}

impl Local {
    /// Starts what does not run.
    fn start(&self) -> Result<MariaDb> {
        self.handle.block_on(MariaDb::start_with_replicas(&self.home, &self.settings, self.replicas))
    }
}

impl Server for Local {
    fn kill(&mut self, away: Duration) -> Result<()> {
        self.handle.block_on(MariaDb::kill(&self.home))?;
        thread::sleep(away);
        self.start().map(drop)
    }

    fn kill_replica(&mut self, away: Duration) -> Result<()> {
        self.handle.block_on(MariaDb::kill_replica(&self.home))?;
        thread::sleep(away);
        self.start().map(drop)
    }

    fn freeze(&mut self, lasting: Duration) -> Result<()> {
        let server = self.start()?;
        let pid = Pid::from_raw(server.pid()).context("MariaDB has no process id")?;
        kill_process(pid, Signal::STOP).context("stopping MariaDB")?;
        thread::sleep(lasting);
        kill_process(pid, Signal::CONT).context("continuing MariaDB")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test(flavor = "multi_thread")]
    async fn nothing_is_lost_and_nothing_doubled_while_database_functions_and_services_fail() {
        let binaries =
            std::env::var("ANAQUEL_BINARIES").expect("ANAQUEL_BINARIES is not set: run `cargo bookstore test`");
        let scratch = Scratch::new();
        let seed = rand::random();
        let drilled = drill(&scratch.home, Path::new(&binaries), 0, small(), seed, Arc::default()).await;
        let drilled = drilled.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        assert_eq!(drilled.problems, Vec::<String>::new(), "seed {seed}\n{}", drilled.text());
        let killed = &drilled.effects[1];
        assert!(killed.failed_reads.count() > 0 && killed.recovered_after < 3.0, "{}", drilled.text());
    }

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test(flavor = "multi_thread")]
    async fn with_a_replica_reads_hardly_fail_while_either_server_is_killed_or_the_replica_is_late() {
        let binaries =
            std::env::var("ANAQUEL_BINARIES").expect("ANAQUEL_BINARIES is not set: run `cargo bookstore test`");
        let scratch = Scratch::new();
        let seed = rand::random();
        let faults = [&[Fault::DatabaseKilled][..], &Fault::OF_REPLICAS].concat();
        let size = Size { submissions: 50, orders: 10, faults, ..small() };
        let drilled = drill(&scratch.home, Path::new(&binaries), 1, size, seed, Arc::default()).await;
        let drilled = drilled.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        assert_eq!(drilled.problems, Vec::<String>::new(), "seed {seed}\n{}", drilled.text());
        // A busy machine has too few environments at times: those requests reached neither server.
        let failed: usize = drilled.effects.iter().map(|effect| effect.failed_reads.answered()).sum();
        assert!(failed <= 2, "seed {seed}\n{}", drilled.text());
    }
}
