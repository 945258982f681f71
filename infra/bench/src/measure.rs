//! The measurements: cold starts and warm requests of each function, and their baselines.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use shared::parameters::DatabaseRole;
use sqlx::{ConnectOptions, Connection as _, MySqlConnection, mysql::MySqlConnectOptions};

use crate::{
    BenchPlan, MeasuredFunction, Parameters,
    cases::{self, Case},
    covers::{self, ListOfCovers},
    figures::{Figures, median, milliseconds},
    host::{Host, Objects, Response},
    http::Connection,
    imports::{self, ImportSpeed},
    login::login,
    orders::{self, OrderSpeed},
    process::FunctionProcess,
    submissions::{self, PublishingSpeed},
};

/// Target of a cold start in milliseconds, in addition to the responses of SSM and the database.
pub const COLD_START_TARGET: f64 = 8.0;
/// Target of a warm request, as a multiple of its baseline.
pub const WARM_TARGET: f64 = 1.3;

/// Cold starts of each function.
const COLD_STARTS: usize = 9;
/// Calls of each service.
const SERVICE_CALLS: usize = 50;
/// Most calls of one case.
const CALLS: usize = 1_000;
/// Time limit for the calls of one case.
const TIME_LIMIT: Duration = Duration::from_secs(2);
/// Calls of one kind in a row.
const ROUND: usize = 20;

/// All measurements. Times are in milliseconds.
#[derive(Serialize)]
pub struct Report {
    pub services: ServiceTimes,
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

/// Response times of the services, without the AWS SDK. Medians in milliseconds.
#[derive(Clone, Copy, Serialize)]
pub struct ServiceTimes {
    /// A call to SSM on a new connection.
    pub ssm: f64,
    /// A login to the database.
    pub login: f64,
    /// A ping of the database, which tests an idle connection.
    pub ping: f64,
    /// A call to the queue on an open connection.
    pub queue: f64,
}

/// Measurements of one function. Medians in milliseconds.
#[derive(Serialize)]
pub struct Measurement {
    pub function: String,
    pub cold_start: f64,
    /// The part of the cold start that waits for SSM and the database.
    pub services: f64,
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
    pub times: Figures,
    /// Mean CPU time.
    pub cpu: f64,
    /// The function that does nothing, measured in turns with this one.
    pub hello: f64,
    /// The same SQL on an open connection, measured in turns as well.
    pub sql: f64,
    /// The queue's response.
    pub queue: f64,
}

impl Measurement {
    /// Whether the cold start meets its target.
    pub fn meets_target(&self) -> bool {
        self.cold_start <= COLD_START_TARGET + self.services
    }
}

impl WarmRequest {
    /// The smallest time that the request can have.
    pub fn baseline(&self) -> f64 {
        self.hello + self.sql + self.queue
    }

    /// Whether the median meets its target.
    pub fn meets_target(&self) -> bool {
        self.times.median <= WARM_TARGET * self.baseline()
    }
}

/// State that all measurements share.
struct Bench<'a> {
    parameters: &'a Parameters,
    services: ServiceTimes,
    database: MySqlConnection,
    hello: FunctionProcess,
}

/// Measures all functions of the plan. Fails when a function fails or returns another status than expected.
pub async fn all(plan: &BenchPlan) -> Result<Report> {
    let login = login(&plan.parameters, DatabaseRole::Reader)?;
    let services = service_times(&plan.parameters, &login).await?;
    let database = login.connect().await.context("logging in to the database")?;
    let hello = FunctionProcess::start(&plan.hello, &plan.parameters)?;
    let mut bench = Bench { parameters: &plan.parameters, services, database, hello };

    let mut functions = vec![bench.measure(&plan.hello, &[cases::hello()]).await?];
    for function in plan.functions.iter().filter(|function| function.name != imports::FUNCTION) {
        eprintln!("Measuring {} …", function.name);
        let benchmarked = cases::Benchmarked::named(&function.name)?;
        let login = self::login(&plan.parameters, benchmarked.role())?;
        bench.database = login.connect().await.context("logging in to the database")?;
        let cases = cases::of(benchmarked, &plan.parameters, &mut bench.database).await?;
        functions.push(bench.measure(function, &cases).await.with_context(|| function.name.clone())?);
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
    Ok(Report { services, functions, covers, orders, ratings, imports })
}

impl Bench<'_> {
    async fn measure(&mut self, function: &MeasuredFunction, cases: &[Case]) -> Result<Measurement> {
        let is_of_covers = function.name == covers::FUNCTION;
        let objects = if is_of_covers { covers::objects(self.parameters)? } else { Objects::default() };
        let start = || {
            let host = Host::start_with(self.parameters.clone(), None, objects.clone())?;
            FunctionProcess::start_on(host, function)
        };
        let (mut cold_starts, mut firsts) = (Vec::new(), Vec::new());
        for _ in 0..COLD_STARTS {
            let process = start()?;
            cold_starts.push(process.cold_start);
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
            services: self.services.in_cold_start(function),
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
            cpu: milliseconds(times.cpu / u32::try_from(times.function.len())?),
            times: Figures::of(times.function),
            hello: median(times.hello),
            sql: median(times.sql),
            queue: if case.queue { self.services.queue } else { 0.0 },
        })
    }

    /// Measures baseline and function in turns, so that other load on the machine affects both.
    async fn round(&mut self, process: &FunctionProcess, case: &Case, times: &mut Times) -> Result<()> {
        let hello = cases::hello();
        for _ in 0..ROUND {
            times.hello.push(invoke(&self.hello, &hello)?);
        }
        if let Some(sql) = &case.sql {
            for _ in 0..ROUND {
                let began = Instant::now();
                sql.run(&mut self.database).await?;
                times.sql.push(began.elapsed());
            }
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
    sql: Vec<Duration>,
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl ServiceTimes {
    /// The part of a cold start of this function.
    fn in_cold_start(&self, function: &MeasuredFunction) -> f64 {
        let ssm = if function.environment.is_empty() { 0.0 } else { self.ssm };
        ssm + if function.logs_in() { self.login } else { 0.0 }
    }
}

/// Invokes the function and checks the status, because a fast error would falsify the measurement.
fn invoke(process: &FunctionProcess, case: &Case) -> Result<Duration> {
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

fn median_of_calls(mut call: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let times: Result<Vec<Duration>> = (0..SERVICE_CALLS).map(|_| call()).collect();
    Ok(median(times?))
}

async fn service_times(parameters: &Parameters, login: &MySqlConnectOptions) -> Result<ServiceTimes> {
    let host = Host::start(parameters.clone())?;
    let names: Vec<&String> = parameters.0.keys().take(10).collect();
    let names = serde_json::json!({ "Names": names }).to_string();
    let ssm = median_of_calls(|| call_service(&mut None, host.address, "AmazonSSM.GetParameters", &names))?;
    let mut open = None;
    let queue = median_of_calls(|| call_service(&mut open, host.address, "AmazonSQS.SendMessage", "{}"))?;
    let (mut logins, mut pings) = (Vec::new(), Vec::new());
    for _ in 0..SERVICE_CALLS {
        let began = Instant::now();
        let mut connection = login.connect().await.context("logging in to the database")?;
        logins.push(began.elapsed());
        let began = Instant::now();
        connection.ping().await?;
        pings.push(began.elapsed());
        connection.close().await?;
    }
    Ok(ServiceTimes { ssm, queue, login: median(logins), ping: median(pings) })
}

/// Calls a service on the open connection, or on a new one, and returns the time.
fn call_service(connection: &mut Option<Connection>, host: SocketAddr, target: &str, body: &str) -> Result<Duration> {
    let began = Instant::now();
    let connection = match connection {
        Some(open) => open,
        none => none.insert(Connection::to(host)?),
    };
    connection.write(&["POST / HTTP/1.1", &format!("x-amz-target: {target}")], body.as_bytes())?;
    connection.read()?.context("no response")?;
    Ok(began.elapsed())
}
