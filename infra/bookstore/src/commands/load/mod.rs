//! `bookstore load`: sends requests at a growing rate until a target is missed, to release builds on this machine or to a stage.

mod arguments;
mod buffer_pool;
mod stage;

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use bench::{
    MeasuredFunction,
    load::{Course, LoadPlan, LoadedConsumer, LoadedFunction, Mix, Report as Loaded, Targets, html},
};
use clap::Args;
use infra::{
    routes::{self, Function, Trigger},
    stage::Stage,
};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::to_value;
use shared::shop::{SHOP, Selling, Shop};
use tokio::task::spawn_blocking;

use self::buffer_pool::BufferPool;
use super::bench::{build, parameters};
use crate::{
    arguments as usual,
    aws::connect,
    cargo,
    local::Signals,
    output::{Report, counted},
};

/// Bounds of a test, also of one that misses no target.
const MOST_STEPS: usize = 20;
const MOST_SECONDS: u64 = 15 * 60;
/// Percent of requests that may fail, and seconds that the oldest message may wait.
const ERRORS: f64 = 1.0;
const QUEUE_AGE: f64 = 5.0;

#[derive(Args)]
pub struct Load {
    /// Requests: browse, search, rate, order, or mixed, of which 90 % read and 10 % write
    #[arg(long, default_value = "mixed", value_parser = arguments::mix)]
    mix: Mix,
    /// Call the shop of this stage [default: run release builds of the functions on this machine]
    #[arg(long, value_parser = usual::stage(), hide_possible_values = true)]
    stage: Option<String>,
    /// Stage whose reserved concurrency the functions on this machine have
    #[arg(long, value_name = "STAGE", default_value = "prod", conflicts_with = "stage", value_parser = usual::stage(), hide_possible_values = true)]
    limits_of: String,
    /// Books of the generated catalogue on this machine
    #[arg(long, value_name = "N", default_value = "10000", conflicts_with = "stage", value_parser = arguments::books)]
    books: u32,
    /// Requests per second of one single step
    #[arg(long, value_name = "N", conflicts_with_all = ["from", "growth"], value_parser = arguments::rate)]
    rate: Option<f64>,
    /// Requests per second of the first step
    #[arg(long, value_name = "N", default_value = "25", value_parser = arguments::rate)]
    from: f64,
    /// Rate of a step divided by that of the step before
    #[arg(long, value_name = "FACTOR", default_value = "1.5", value_parser = arguments::growth)]
    growth: f64,
    /// Seconds of a step, of which the first quarter does not count
    #[arg(long, value_name = "N", default_value = "20", value_parser = arguments::seconds)]
    seconds: f64,
    /// Target of the 99th percentile in milliseconds
    #[arg(long, value_name = "MS", default_value = "500", value_parser = arguments::milliseconds)]
    p99: f64,
    /// The most requests of the whole test
    #[arg(long, value_name = "N", default_value = "200000", value_parser = usual::count)]
    most_requests: u64,
    /// Write the report with its plots as one HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Seed of requests and arrivals, as an earlier test printed it [default: random]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Do not ask before a stage on AWS is called
    #[arg(long, requires = "stage")]
    yes: bool,
}

impl Load {
    fn course(&self) -> Course {
        Course {
            mix: self.mix,
            first_rate: self.rate.unwrap_or(self.from),
            growth: self.rate.is_none().then_some(self.growth),
            seconds: self.seconds,
            warm_up: self.seconds / 4.0,
            targets: Targets { p99: self.p99, errors: ERRORS, queue_age: QUEUE_AGE },
            most_steps: MOST_STEPS,
            most_requests: self.most_requests,
            most_seconds: MOST_SECONDS,
            seed: self.seed.unwrap_or_else(rand::random).into(),
        }
    }
}

pub async fn run(args: &Load) -> Result<Report> {
    // Before a test of minutes.
    if let Some(file) = &args.html {
        let opened = fs::OpenOptions::new().create(true).append(true).open(file);
        opened.with_context(|| format!("writing {}", file.display()))?;
    }
    let course = args.course();
    let loaded = match &args.stage {
        Some(name) => stage::load(name, course, args.yes).await?,
        None => here(args, course).await?,
    };
    if let Some(file) = &args.html {
        fs::write(file, html(&loaded)).with_context(|| format!("writing {}", file.display()))?;
        errln!("The report with its plots is in {}.", file.display());
    }
    let problems = loaded.problems();
    let problem = (!problems.is_empty())
        .then(|| format!("the load test found {}: {}", counted(problems.len(), "problem"), problems.join("; ")));
    Ok(Report::new(loaded.text(), to_value(&loaded).unwrap_or_default()).with_problem(problem))
}

/// Loads release builds on hosts of their own, with the database of the running local stage.
async fn here(args: &Load, course: Course) -> Result<Loaded> {
    let (stage, aws) = connect("local").await?;
    let parameters = parameters(&aws, &stage).await?;
    let (root, target) = cargo::workspace().await?;
    let limits = Stage::load(&args.limits_of)?;
    // A list without its genre or its author is a list all the same.
    let mut names = args.mix.functions();
    names.insert("list-books");
    let http: Vec<&Function> = names.into_iter().map(routes::find).collect::<Result<_>>()?;
    let consumers = [routes::find("process-submissions")?, routes::find("process-orders")?];
    let loaded_functions = [http.as_slice(), &consumers].concat();
    build(&root, &["load"], &loaded_functions).await?;
    let release = target.join("release");
    let shop = Shop {
        sells: Selling::Yes,
        max_open_orders: u16::MAX,
        ..stage.shop().context("the stage `local` has no [shop]")?
    };
    let loaded = |function: &Function| LoadedFunction {
        function: measured(function, &stage, &shop, &release),
        most: function.max_concurrency(&limits),
        timeout_seconds: function.timeout_seconds.into(),
    };
    let plan = LoadPlan {
        functions: http.into_iter().map(loaded).collect(),
        consumers: consumers.into_iter().filter_map(|function| consumer(function, loaded(function))).collect(),
        parameters,
        currency: stage.currency.clone(),
        books: args.books,
        limits_of: limits.name.clone(),
        connection_budget: loaded_functions.iter().map(|function| u32::from(function.connections(&limits))).sum(),
        course,
    };
    errln!("Load test with seed {} …", plan.course.seed);
    let buffer_pool = BufferPool::of(&limits).await?;
    let loaded = measure(&release.join("load"), &plan).await;
    if let Some(buffer_pool) = buffer_pool {
        buffer_pool.reset().await?;
    }
    loaded
}

/// None for a function of another trigger.
fn consumer(function: &Function, loaded: LoadedFunction) -> Option<LoadedConsumer> {
    let Trigger::Messages(queue) = function.trigger else { return None };
    Some(LoadedConsumer { queue: queue.name().to_owned(), loaded })
}

fn measured(function: &Function, stage: &Stage, shop: &Shop, release: &Path) -> MeasuredFunction {
    let mut environment: BTreeMap<String, String> =
        function.environment(stage).map(|(name, value)| (name.to_owned(), value)).collect();
    // Without mail the local shop sells nothing.
    if let Some(known) = environment.get_mut(SHOP) {
        *known = shop.to_json();
    }
    MeasuredFunction {
        name: function.name.to_owned(),
        binary: release.join(function.name),
        arguments: Vec::new(),
        zip_bytes: 0,
        environment,
    }
}

/// The plan contains passwords, so it is written to a pipe; every user can read arguments. The program and its functions are a
/// process group, which a signal to this command ends.
async fn measure(program: &Path, plan: &LoadPlan) -> Result<Loaded> {
    let mut signals = Signals::listen()?;
    let command = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).spawn();
    let mut load = command.with_context(|| format!("starting {}", program.display()))?;
    let group = Pid::from_raw(i32::try_from(load.id())?).context("the load test has no process id")?;
    let plan = serde_json::to_vec(plan)?;
    let running = spawn_blocking(move || {
        let mut pipe = load.stdin.take().context("the load test has no standard input")?;
        pipe.write_all(&plan)?;
        drop(pipe);
        let output = load.stdout.take().context("the load test has no standard output")?;
        let report = serde_json::from_reader(output);
        ensure!(load.wait()?.success(), "the load test failed");
        report.context("reading the report of the load test")
    });
    tokio::pin!(running);
    tokio::select! {
        loaded = &mut running => loaded.context("the load test panicked")?,
        signal = signals.next() => {
            kill_process_group(group, Signal::KILL).context("ending the load test")?;
            let _ = running.await;
            bail!("interrupted by signal {signal}")
        }
    }
}
