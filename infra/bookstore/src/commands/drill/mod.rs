//! `bookstore drill`: causes faults on purpose, on a database of its own, and checks what must hold.

mod shop;

use std::{collections::BTreeMap, path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use bench::{
    MeasuredFunction, Parameters,
    drill::{self, Flag, Size},
};
use clap::{Args, Subcommand, value_parser};
use infra::{
    database_settings,
    routes::{FUNCTIONS, Function},
    stage::Stage,
};
use serde_json::{Value, to_value};
use shared::{
    parameters::{DatabaseRole, Parameter, Queue},
    session::{PrivateKey, PublicKeys},
    shop::{Selling, Shop},
};
use tokio::{runtime::Handle, task::spawn_blocking, time::sleep};

use crate::{
    cargo,
    local::{Claim, Home, MariaDb, Signals},
    output::{Report, counted},
};

/// How long the database stays away after a kill, in addition to the time of its start.
const AWAY: Duration = Duration::from_millis(300);
/// Copies of the two books.
const COPIES: [u32; 2] = [100, 10];
const DATABASE_KILLS: u32 = 2;

#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Drill {
    #[command(subcommand)]
    drill: Option<Which>,
    #[command(flatten)]
    shop: shop::ShopDrillArgs,
}

#[derive(Subcommand)]
enum Which {
    /// Sell few copies to many buyers while processors and database are killed and messages are delivered twice
    Orders(OrderDrill),
}

#[derive(Args)]
struct OrderDrill {
    /// Orders that are placed
    #[arg(long, value_name = "N", default_value = "2000", value_parser = value_parser!(u32).range(200..=100_000))]
    orders: u32,
    /// Buyers who place them at once
    #[arg(long, value_name = "N", default_value = "50", value_parser = value_parser!(u32).range(1..=500))]
    buyers: u32,
    /// Processes of `process-orders`
    #[arg(long, value_name = "N", default_value = "4", value_parser = value_parser!(u32).range(2..=16))]
    processors: u32,
    /// Message groups of the order queue
    #[arg(long, value_name = "N", default_value = "4", value_parser = value_parser!(u16).range(2..=100))]
    groups: u16,
    /// Seed of orders and faults, as an earlier drill printed it [default: random]
    #[arg(long, value_name = "N", value_parser = seed)]
    seed: Option<u32>,
    /// Use release builds of the functions
    #[arg(long)]
    release: bool,
}

fn seed(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}, as a drill prints it", u32::MAX))
}

pub async fn run(args: &Drill) -> Result<Report> {
    match &args.drill {
        Some(Which::Orders(orders)) => oversell(orders).await,
        None => shop::run(&args.shop).await,
    }
}

async fn oversell(orders: &OrderDrill) -> Result<Report> {
    let (root, target) = cargo::workspace().await?;
    build(&root, orders.release, &["process-orders", "migrate-database"]).await?;
    let binaries = target.join(if orders.release { "release" } else { "debug" });
    let size = Size {
        orders: orders.orders,
        buyers: orders.buyers,
        processors: orders.processors,
        groups: orders.groups,
        copies: COPIES,
        database_kills: DATABASE_KILLS,
    };
    let seed = orders.seed.unwrap_or_else(rand::random);
    let drilled = with_home(seed, async |home, flag| sell(home, &binaries, size, seed, flag).await).await?;
    Ok(report(drilled.text(), to_value(&drilled).unwrap_or_default(), drilled.problems().len()))
}

/// Runs a drill in its home, whose database is removed before and afterwards; a signal sets the flag, which ends the drill early.
async fn with_home<T>(seed: u32, drill: impl AsyncFnOnce(&Home, Arc<Flag>) -> Result<T>) -> Result<T> {
    let home = Home::find("drill")?;
    let mut signals = Signals::listen()?;
    let _claim = Claim::take(&home).await?;
    home.check_space()?;
    MariaDb::reset(&home).await?; // of a drill that was killed
    let interrupted = Arc::new(Flag::default());
    errln!("Drill with seed {seed} …");
    let outcome = {
        let drilling = drill(&home, interrupted.clone());
        tokio::pin!(drilling);
        tokio::select! {
            outcome = &mut drilling => outcome,
            signal = signals.next() => {
                interrupted.set();
                let _ = drilling.await;
                Err(anyhow!("interrupted by signal {signal}"))
            }
        }
    };
    MariaDb::reset(&home).await?;
    outcome
}

fn report(text: String, json: Value, problems: usize) -> Report {
    let problem = (problems > 0).then(|| format!("the drill found {}", counted(problems, "problem")));
    Report::new(text, json).with_problem(problem)
}

/// Debug builds compile the whole workspace, as `up` does, because `-p` resolves other features.
async fn build(root: &Path, release: bool, functions: &[&str]) -> Result<()> {
    errln!("Building the functions …");
    let mut cargo = cargo::cargo_command();
    cargo.args(["build", "--locked"]);
    if release {
        cargo.arg("--release").args(functions.iter().flat_map(|name| ["--bin", name]));
    } else {
        cargo.arg("--workspace");
    }
    let status = cargo.current_dir(root).stdin(Stdio::null()).status().await.context("cargo could not be started")?;
    ensure!(status.success(), "the functions could not be built");
    Ok(())
}

/// Starts a database in `home`, and sells on it. The server is left running.
async fn sell(home: &Home, binaries: &Path, size: Size, seed: u32, interrupted: Arc<Flag>) -> Result<drill::Report> {
    let stage = Stage::load("local")?;
    let settings = database_settings::settings(&stage);
    let server = MariaDb::start(home, &settings).await?;
    let drill = drill::Drill {
        process_orders: built("process-orders", binaries, &stage)?,
        migrate_database: built("migrate-database", binaries, &stage)?,
        parameters: parameters(&server),
        shop: Shop { sells: Selling::Yes, ..stage.shop().context("the stage `local` has no [shop]")? },
        size,
        seed: seed.into(),
        interrupted,
    };
    let (home, handle) = (home.clone(), Handle::current());
    let outage = move || {
        handle.block_on(async {
            MariaDb::kill(&home).await?;
            sleep(AWAY).await;
            MariaDb::start(&home, &settings).await.map(drop)
        })
    };
    spawn_blocking(move || drill.run(&mut { outage })).await.context("the drill panicked")?
}

fn built(name: &str, binaries: &Path, stage: &Stage) -> Result<MeasuredFunction> {
    let function: &Function =
        FUNCTIONS.iter().find(|function| function.name == name).with_context(|| format!("there is no {name}"))?;
    let environment: BTreeMap<String, String> =
        function.environment(stage).map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(MeasuredFunction {
        name: name.to_owned(),
        binary: binaries.join(name),
        arguments: Vec::new(),
        zip_bytes: 0,
        environment,
    })
}

/// The parameters of the local stage, as `up` writes them. The drill sets the queues and the database's name.
fn parameters(server: &MariaDb) -> Parameters {
    let secrets = &server.secrets;
    let login = |role, password: &String| {
        [(Parameter::DatabaseUser(role), role.user()), (Parameter::DatabasePassword(role), password.clone())]
    };
    let mut values = vec![
        (Parameter::DatabaseHost, "127.0.0.1".to_owned()),
        (Parameter::DatabasePort, server.port.to_string()),
        (Parameter::DatabaseName, "anaquel".to_owned()),
        (Parameter::DatabaseAuth, "password".to_owned()),
        (Parameter::SubmissionKey, secrets.submission_key.clone()),
        (Parameter::ArchiveBucket, "archive".to_owned()),
        (Parameter::FilesBucket, "files".to_owned()),
        (Parameter::SessionPublicKeys, PublicKeys::new(nobody().public(), None).to_string()),
    ];
    values.extend(login(DatabaseRole::Reader, &secrets.reader));
    values.extend(login(DatabaseRole::OrderReader, &secrets.order_reader));
    values.extend(login(DatabaseRole::BounceWriter, &secrets.bounce_writer));
    values.extend(login(DatabaseRole::Account, &secrets.account));
    values.extend(login(DatabaseRole::Staff, &secrets.staff));
    values.extend(login(DatabaseRole::Writer, &secrets.writer));
    values.extend(login(DatabaseRole::Admin, &secrets.admin));
    if !server.replicas.is_empty() {
        let replicas: Vec<String> = server.replicas.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        values.push((Parameter::DatabaseReplicas, replicas.join(",")));
    }
    values.extend(Queue::ALL.map(|queue| (Parameter::Queue(queue), String::new())));
    let full_name = |(parameter, value): (Parameter, String)| (format!("/anaquel/local/{parameter}"), value);
    Parameters(values.into_iter().map(full_name).collect())
}

/// A key whose sessions nobody has.
fn nobody() -> PrivateKey {
    PrivateKey::parse(&BASE64_STANDARD.encode(rand::random::<[u8; 32]>())).expect("32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::scratch::Scratch;

    #[ignore = "needs MariaDB and the built functions"]
    #[tokio::test(flavor = "multi_thread")]
    async fn two_hundred_orders_sell_what_there_is_while_everything_fails_and_the_control_oversells() {
        let binaries =
            std::env::var("ANAQUEL_BINARIES").expect("ANAQUEL_BINARIES is not set: run `cargo bookstore test`");
        let scratch = Scratch::new();
        let size = Size { orders: 200, buyers: 20, processors: 4, groups: 4, copies: [30, 5], database_kills: 2 };
        let seed = rand::random();
        let drilled = sell(&scratch.home, Path::new(&binaries), size, seed, Arc::default()).await;
        let drilled = drilled.unwrap_or_else(|error| panic!("seed {seed}: {error:#}"));
        assert_eq!(drilled.problems(), Vec::<String>::new(), "{}", drilled.text());
    }
}
