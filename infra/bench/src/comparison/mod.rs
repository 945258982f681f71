//! Benchmark of requests that read lists, on two generated catalogues: the time of a request must not grow with the shop.

mod catalogue;
mod classes;
mod table;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use serde::Serialize;
use shared::parameters::DatabaseRole;
use sqlx::{ConnectOptions, MySqlConnection};

pub use self::{catalogue::to_load, table::print};
use self::{
    catalogue::{Catalogue, ensure},
    classes::{Class, classes},
};
use crate::{BenchPlan, Parameters, figures::Figures, login::login, measure::call, process::FunctionProcess};

/// Functions with classes.
pub const FUNCTIONS: &[&str] =
    &["list-books", "show-home", "show-book", "show-author", "list-genres", "list-addresses"];
/// Books of the small catalogue.
pub const SMALL: u32 = 10_000;

/// Calls before the measurement, which fill the caches.
const WARM_UP: usize = 3;
/// Most calls of one class to each catalogue.
const CALLS: usize = 300;
/// Time limit for all calls of one class.
const TIME_LIMIT: Duration = Duration::from_secs(4);

/// All measurements.
#[derive(Serialize)]
pub struct Comparison {
    pub small: Catalogue,
    pub large: Catalogue,
    /// Size of the server's buffer pool in bytes, which both catalogues share.
    pub buffer_pool: u64,
    pub classes: Vec<Row>,
}

/// One class of requests on both catalogues.
#[derive(Serialize)]
pub struct Row {
    pub class: &'static str,
    pub small: Measured,
    pub large: Measured,
    /// Median of the large catalogue divided by that of the small one.
    pub ratio: f64,
}

/// Requests of one class to one catalogue.
#[derive(Serialize)]
pub struct Measured {
    /// Response times in milliseconds, including those of failures.
    pub times: Figures,
    /// Times of the same SQL without the function, in milliseconds; none if the server stopped a statement.
    pub sql: Option<Figures>,
    pub calls: usize,
    pub failures: usize,
    /// HTTP status of the last failure.
    pub status: Option<u16>,
}

/// A catalogue with the functions that read it.
struct Shop<'a> {
    plan: &'a BenchPlan,
    parameters: Parameters,
    database: MySqlConnection,
    functions: BTreeMap<&'static str, FunctionProcess>,
}

/// Creates missing catalogues and measures all classes on both. A request that fails is part of the result.
pub async fn compare(plan: &BenchPlan, books: u32) -> Result<Comparison> {
    let small = ensure(&plan.parameters, SMALL).await?;
    let large = ensure(&plan.parameters, books).await?;
    let (mut small_shop, mut large_shop) = (Shop::open(plan, &small).await?, Shop::open(plan, &large).await?);
    let small_classes = classes(&mut small_shop.database, SMALL).await?;
    let large_classes = classes(&mut large_shop.database, books).await?;
    let mut rows = Vec::new();
    for (for_small, for_large) in small_classes.iter().zip(&large_classes) {
        let label = for_large.case.request;
        eprintln!("Measuring {label} …");
        let measured = row(&mut small_shop, for_small, &mut large_shop, for_large).await;
        rows.push(measured.with_context(|| label)?);
    }
    let buffer_pool =
        sqlx::query_scalar("select @@innodb_buffer_pool_size").fetch_one(&mut large_shop.database).await?;
    Ok(Comparison { small, large, buffer_pool, classes: rows })
}

/// Measures both catalogues in turns, so that other load on the machine affects both.
async fn row(small: &mut Shop<'_>, for_small: &Class, large: &mut Shop<'_>, for_large: &Class) -> Result<Row> {
    let (mut of_small, mut of_large) = (Times::default(), Times::default());
    for _ in 0..WARM_UP {
        small.call(for_small, &mut Times::default()).await?;
        large.call(for_large, &mut Times::default()).await?;
    }
    let began = Instant::now();
    while of_large.function.len() < CALLS && began.elapsed() < TIME_LIMIT {
        small.call(for_small, &mut of_small).await?;
        large.call(for_large, &mut of_large).await?;
    }
    let (small, large) = (of_small.measured(), of_large.measured());
    let ratio = large.times.median / small.times.median;
    Ok(Row { class: for_large.case.request, small, large, ratio })
}

impl<'a> Shop<'a> {
    async fn open(plan: &'a BenchPlan, catalogue: &Catalogue) -> Result<Self> {
        let parameters = plan.parameters.with_database(&catalogue.database);
        let login = login(&parameters, DatabaseRole::Reader)?;
        let database = login.connect().await.context("logging in to the database")?;
        Ok(Self { plan, parameters, database, functions: BTreeMap::new() })
    }

    /// Calls the function once, and executes its SQL once.
    async fn call(&mut self, class: &Class, times: &mut Times) -> Result<()> {
        if !self.functions.contains_key(class.function) {
            let planned = self.plan.functions.iter().find(|function| function.name == class.function);
            let planned = planned.with_context(|| format!("the plan has no function {}", class.function))?;
            self.functions.insert(class.function, FunctionProcess::start(planned, &self.parameters)?);
        }
        let (took, status) = call(&self.functions[class.function], &class.case)?;
        times.function.push(took);
        if status != class.case.status {
            times.failures += 1;
            times.status = status;
        }
        if let Some(sql) = &class.case.sql {
            let began = Instant::now();
            match sql.run(&mut self.database).await {
                Ok(()) => times.sql.push(began.elapsed()),
                Err(sqlx::Error::Database(_)) => times.stopped = true,
                Err(other) => return Err(other.into()),
            }
        }
        Ok(())
    }
}

#[derive(Default)]
struct Times {
    function: Vec<Duration>,
    failures: usize,
    status: Option<u16>,
    sql: Vec<Duration>,
    /// Whether the server stopped a statement at the reader's limit of time.
    stopped: bool,
}

impl Times {
    fn measured(self) -> Measured {
        let sql = (!self.stopped && !self.sql.is_empty()).then(|| Figures::of(self.sql));
        let calls = self.function.len();
        Measured { times: Figures::of(self.function), sql, calls, failures: self.failures, status: self.status }
    }
}
