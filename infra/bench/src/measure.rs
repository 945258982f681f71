//! The measurements: cold starts and warm requests of each function, and their baselines.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use shared::parameters::DatabaseRole;
use sqlx::{ConnectOptions, Connection as _, MySqlConnection, mysql::MySqlConnectOptions};

use crate::{
    BenchPlan, MeasuredFunction, Parameters,
    cases::{self, Case},
    covers::{self, ListOfCovers},
    figures::{Figures, median, milliseconds},
    host::{Host, Objects, Response, Transport},
    imports::{self, ImportSpeed},
    login::login,
    orders::{self, OrderSpeed},
    process::{FunctionProcess, cpu_of_this_thread},
    submissions::{self, PublishingSpeed},
};

/// Target of the CPU time of a start, as a multiple of that of the function that does nothing, in the same run.
pub const START_TARGET: f64 = 4.0;
/// Target of the CPU time of a request in milliseconds, in addition to that of the function that does nothing and of the same SQL
/// without a function.
pub const JSON_TARGET: f64 = 0.25;
/// The same of a page.
pub const PAGE_TARGET: f64 = 0.8;
/// Target of the 99th percentile, as a multiple of the median.
pub const TAIL_TARGET: f64 = 3.0;
/// Targets of memory and package in megabytes.
pub const MEMORY_TARGET: f64 = 12.0;
pub const ZIP_TARGET: f64 = 3.6;

/// Cold starts of each function.
const COLD_STARTS: usize = 9;
/// Logins to the database.
const LOGINS: usize = 50;
/// Most calls of one case.
const CALLS: usize = 1_000;
/// Time limit for the calls of one case.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Calls of one kind in a row.
const ROUND: usize = 20;

/// All measurements. Times are in milliseconds.
#[derive(Serialize)]
pub struct Report {
    pub database: DatabaseTimes,
    pub functions: Vec<Measurement>,
    /// If `serve-cover` is among the functions.
    pub covers: Option<ListOfCovers>,
    /// If `process-orders` is among the functions.
    pub orders: Option<OrderSpeed>,
    /// If `process-submissions` is among the functions.
    pub ratings: Option<PublishingSpeed>,
    /// If `import-catalogue` is among the functions.
    pub imports: Option<ImportSpeed>,
}

/// Response times of the database. Medians in milliseconds.
#[derive(Clone, Serialize)]
pub struct DatabaseTimes {
    pub login: f64,
    /// A ping, which tests an idle connection.
    pub ping: f64,
    /// The version of TLS of these connections; none without TLS.
    pub tls: Option<String>,
}

/// Measurements of one function. Medians in milliseconds.
#[derive(Serialize)]
pub struct Measurement {
    pub function: String,
    pub cold_start: f64,
    /// CPU time of the cold start.
    pub start_cpu: f64,
    /// The same of the function that does nothing.
    pub hello_start_cpu: f64,
    /// The first request after a cold start.
    pub first: f64,
    pub peak_memory_mb: f64,
    pub zip_mb: f64,
    pub warm: Vec<WarmRequest>,
}

/// Measurements of one case. Times in milliseconds; medians, except the p99 of `times`.
#[derive(Serialize)]
pub struct WarmRequest {
    pub request: &'static str,
    /// Whether the answer is a page, and no JSON.
    pub is_page: bool,
    pub times: Figures,
    /// Mean CPU time.
    pub cpu: f64,
    /// The function that does nothing, measured in turns with this one.
    pub hello: f64,
    pub hello_cpu: f64,
    /// The same SQL on an open connection of this process, measured in turns as well.
    pub sql: f64,
    pub sql_cpu: f64,
}

impl Measurement {
    /// CPU time of the start, as a multiple of that of the function that does nothing.
    pub fn start_factor(&self) -> f64 {
        self.start_cpu / self.hello_start_cpu.max(f64::EPSILON)
    }

    /// The figures that miss their targets.
    pub fn missed(&self) -> Vec<&'static str> {
        missed([
            ("start", self.start_factor() > START_TARGET),
            ("memory", self.peak_memory_mb > MEMORY_TARGET),
            ("zip", self.zip_mb > ZIP_TARGET),
        ])
    }
}

impl WarmRequest {
    /// CPU time without that of its baselines.
    pub fn own_cpu(&self) -> f64 {
        self.cpu - self.hello_cpu - self.sql_cpu
    }

    pub fn cpu_target(&self) -> f64 {
        if self.is_page { PAGE_TARGET } else { JSON_TARGET }
    }

    /// The figures that miss their targets.
    pub fn missed(&self) -> Vec<&'static str> {
        missed([("CPU", self.own_cpu() > self.cpu_target()), ("p99", self.times.p99 > TAIL_TARGET * self.times.median)])
    }
}

fn missed(figures: impl IntoIterator<Item = (&'static str, bool)>) -> Vec<&'static str> {
    figures.into_iter().filter_map(|(name, is_missed)| is_missed.then_some(name)).collect()
}

/// State that all measurements share.
struct Bench<'a> {
    parameters: &'a Parameters,
    database: MySqlConnection,
    hello: FunctionProcess,
    hello_start_cpu: f64,
}

/// Measures all functions of the plan. Fails when a function fails or returns another status than expected.
pub async fn all(plan: &BenchPlan) -> Result<Report> {
    let login = login(&plan.parameters, DatabaseRole::Reader)?;
    let (database_times, database) = database_times(&login).await?;
    let start_hello = || FunctionProcess::start_on(Host::with_tls(&plan.parameters)?, &plan.hello);
    let hello = start_hello()?;
    let hello_starts = (0..COLD_STARTS).map(|_| Ok(start_hello()?.start_cpu)).collect::<Result<_>>()?;
    let mut bench = Bench { parameters: &plan.parameters, database, hello, hello_start_cpu: median(hello_starts) };

    let mut functions = vec![bench.measure(&plan.hello, &[cases::hello()]).await?];
    for function in plan.functions.iter().filter(|function| function.name != imports::FUNCTION) {
        eprintln!("Measuring {} …", function.name);
        let benchmarked = cases::Benchmarked::named(&function.name)?;
        let login = self::login(&plan.parameters, benchmarked.role())?;
        bench.database = login.connect().await.context("logging in to the database")?;
        let cases = cases::of(benchmarked, &plan.parameters, &mut bench.database).await?;
        functions.push(bench.measure(function, &cases).await.with_context(|| function.name.clone())?);
        if let Some(peer) = plan.peer.as_ref().filter(|_| benchmarked == cases::Benchmarked::ListBooks) {
            functions.push(bench.measure(peer, &cases[..1]).await.with_context(|| peer.name.clone())?);
        }
    }
    let picture = functions.iter().find(|measured| measured.function == covers::FUNCTION);
    let covers = match picture.and_then(|measured| measured.warm.first()) {
        Some(picture) => {
            bench.database = login.connect().await.context("logging in to the database")?;
            Some(covers::list(&mut bench.database, picture.times.median).await.context("the list of covers")?)
        }
        None => None,
    };
    let planned = |name: &str| plan.functions.iter().find(|function| function.name == name);
    let orders = match planned(orders::FUNCTION) {
        Some(function) => {
            Some(orders::measure(function, &plan.parameters, orders::ROUNDS).await.context("deciding orders")?)
        }
        None => None,
    };
    let ratings = match planned(submissions::FUNCTION) {
        Some(function) => Some(
            submissions::measure(function, &plan.parameters, submissions::ROUNDS)
                .await
                .context("publishing ratings")?,
        ),
        None => None,
    };
    let imports = match planned(imports::FUNCTION) {
        Some(function) => Some(
            imports::measure(function, &plan.parameters, &imports::FILES).await.context("importing generated books")?,
        ),
        None => None,
    };
    Ok(Report { database: database_times, functions, covers, orders, ratings, imports })
}

impl Bench<'_> {
    async fn measure(&mut self, function: &MeasuredFunction, cases: &[Case]) -> Result<Measurement> {
        let is_of_covers = function.name == covers::FUNCTION;
        let objects = if is_of_covers { covers::objects(self.parameters)? } else { Objects::default() };
        let start = || {
            let host = Host::start_with(self.parameters.clone(), None, objects.clone(), Transport::Tls)?;
            FunctionProcess::start_on(host, function)
        };
        let (mut cold_starts, mut cpus, mut firsts) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..COLD_STARTS {
            let process = start()?;
            cold_starts.push(process.cold_start);
            cpus.push(process.start_cpu);
            firsts.push(invoke(&process, &cases[0])?);
        }
        let process = start()?;
        let mut warm = Vec::new();
        for case in cases {
            warm.push(self.warm_request(&process, case).await.with_context(|| case.request)?);
        }
        Ok(Measurement {
            function: function.name.clone(),
            cold_start: median(cold_starts),
            start_cpu: median(cpus),
            hello_start_cpu: self.hello_start_cpu,
            first: median(firsts),
            peak_memory_mb: megabytes(process.peak_memory()?),
            zip_mb: megabytes(function.zip_bytes),
            warm,
        })
    }

    async fn warm_request(&mut self, process: &FunctionProcess, case: &Case) -> Result<WarmRequest> {
        self.round(process, case, &mut Times::default()).await?; // fills the caches
        let mut times = Times::default();
        let began = Instant::now();
        while times.function.len() < CALLS && began.elapsed() < TIME_LIMIT {
            self.round(process, case, &mut times).await?;
        }
        Ok(WarmRequest {
            request: case.request,
            is_page: case.is_page,
            cpu: mean(times.cpu, &times.function),
            times: Figures::of(times.function),
            hello_cpu: mean(times.hello_cpu, &times.hello),
            hello: median(times.hello),
            sql_cpu: mean(times.sql_cpu, &times.sql),
            sql: median(times.sql),
        })
    }

    /// Measures baseline and function in turns, so that other load on the machine affects both.
    async fn round(&mut self, process: &FunctionProcess, case: &Case, times: &mut Times) -> Result<()> {
        let hello = cases::hello();
        let before = self.hello.cpu()?;
        for _ in 0..ROUND {
            times.hello.push(invoke(&self.hello, &hello)?);
        }
        times.hello_cpu += self.hello.cpu()?.saturating_sub(before);
        if let Some(sql) = &case.sql {
            let before = cpu_of_this_thread()?;
            for _ in 0..ROUND {
                let began = Instant::now();
                sql.run(&mut self.database).await?;
                times.sql.push(began.elapsed());
            }
            times.sql_cpu += cpu_of_this_thread()?.saturating_sub(before);
        }
        let before = process.cpu()?;
        for _ in 0..ROUND {
            times.function.push(invoke(process, case)?);
        }
        times.cpu += process.cpu()?.saturating_sub(before);
        Ok(())
    }
}

#[derive(Default)]
struct Times {
    function: Vec<Duration>,
    /// Total CPU time of the calls to the function.
    cpu: Duration,
    hello: Vec<Duration>,
    hello_cpu: Duration,
    sql: Vec<Duration>,
    sql_cpu: Duration,
}

/// Milliseconds of one call; none without calls.
fn mean(total: Duration, calls: &[Duration]) -> f64 {
    let calls = u32::try_from(calls.len()).unwrap_or(u32::MAX);
    total.checked_div(calls).map_or(0.0, milliseconds)
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Invokes the function and checks the status, because a fast error would falsify the measurement.
pub fn invoke(process: &FunctionProcess, case: &Case) -> Result<Duration> {
    let (response, status) = response(process, case)?;
    let text = || String::from_utf8_lossy(&response.body).into_owned();
    ensure!(status == case.status, "the status is not {:?}: {}", case.status, text());
    Ok(response.took)
}

/// Invokes the function, and returns the time of its response and the HTTP status.
pub fn call(process: &FunctionProcess, case: &Case) -> Result<(Duration, Option<u16>)> {
    let (response, status) = response(process, case)?;
    Ok((response.took, status))
}

fn response(process: &FunctionProcess, case: &Case) -> Result<(Response, Option<u16>)> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct HttpResponse {
        status_code: Option<u16>,
    }
    let response = process.host.invoke(&case.event)?;
    let text = || String::from_utf8_lossy(&response.body).into_owned();
    let http: HttpResponse = serde_json::from_slice(&response.body).with_context(text)?;
    Ok((response, http.status_code))
}

/// The times of the database, and a connection to it.
async fn database_times(login: &MySqlConnectOptions) -> Result<(DatabaseTimes, MySqlConnection)> {
    let (mut logins, mut pings) = (Vec::new(), Vec::new());
    for _ in 0..LOGINS {
        let began = Instant::now();
        let mut connection = login.connect().await.context("logging in to the database")?;
        logins.push(began.elapsed());
        let began = Instant::now();
        connection.ping().await?;
        pings.push(began.elapsed());
        connection.close().await?;
    }
    let mut connection = login.connect().await.context("logging in to the database")?;
    let sql = "select variable_value from information_schema.session_status where variable_name = 'Ssl_version'";
    let tls: String = sqlx::query_scalar(sql).fetch_one(&mut connection).await.context("reading the version of TLS")?;
    let tls = Some(tls).filter(|version| !version.is_empty());
    Ok((DatabaseTimes { login: median(logins), ping: median(pings), tls }, connection))
}
