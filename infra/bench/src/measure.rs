//! The measurements: each function, and beside it what it could not do without.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use shared::{
    config::{Account, DatabaseAuth, DatabaseConfig},
    database::password_options,
    parameters::{DatabaseRole, Parameter},
    secret::Secret,
};
use sqlx::{ConnectOptions, Connection as _, MySqlConnection, mysql::MySqlConnectOptions};

use crate::{
    Function, Parameters, Plan,
    cases::{self, Case},
    figures::{Figures, median, milliseconds},
    host::Host,
    http::Connection,
    process::Running,
};

/// What a start may take beyond the answers that it waits for.
pub const START_AIM: f64 = 8.0;
/// How many times as long as what it cannot do without an answer may take.
pub const WARM_AIM: f64 = 1.3;

const STARTS: usize = 9;
const WAITS: usize = 50;
/// So many calls, or as many as there is time for.
const CALLS: usize = 1_000;
const MEASURE_WITHIN: Duration = Duration::from_secs(2);
/// Calls of one kind in a row.
const ROUND: usize = 20;

/// Times in milliseconds.
#[derive(Serialize)]
pub struct Report {
    pub waits: Waits,
    pub functions: Vec<Measured>,
}

/// What the services take to answer, asked without SDK.
#[derive(Clone, Copy, Serialize)]
pub struct Waits {
    /// A call to SSM on a new connection.
    pub ssm: f64,
    pub login: f64,
    /// The question whether a connection is sound, which comes after a rest.
    pub ping: f64,
    /// A call to the queue on an open connection.
    pub queue: f64,
}

#[derive(Serialize)]
pub struct Measured {
    pub function: String,
    pub start: f64,
    /// What of the start are answers of SSM and the database.
    pub waits: f64,
    pub first: f64,
    pub peak_memory_mb: f64,
    pub zip_mb: f64,
    pub warm: Vec<Warm>,
}

#[derive(Serialize)]
pub struct Warm {
    pub request: &'static str,
    pub times: Figures,
    pub cpu: f64,
    /// The function that does nothing, by turns with this one.
    pub hello: f64,
    /// The same SQL on a bare connection, by turns as well.
    pub sql: f64,
    /// The queue's answer.
    pub queue: f64,
}

impl Measured {
    pub fn starts_in_time(&self) -> bool {
        self.start <= START_AIM + self.waits
    }
}

impl Warm {
    /// What it cannot do without.
    pub fn floor(&self) -> f64 {
        self.hello + self.sql + self.queue
    }

    pub fn answers_in_time(&self) -> bool {
        self.times.median <= WARM_AIM * self.floor()
    }
}

/// What all measurements have at hand.
struct Bench<'a> {
    parameters: &'a Parameters,
    waits: Waits,
    database: MySqlConnection,
    hello: Running,
}

pub async fn all(plan: &Plan) -> Result<Report> {
    let login = login(&plan.parameters)?;
    let waits = waits(&plan.parameters, &login).await?;
    let database = login.connect().await.context("logging in to the database")?;
    let hello = Running::start(&plan.hello, &plan.parameters)?;
    let mut bench = Bench { parameters: &plan.parameters, waits, database, hello };

    let mut functions = vec![bench.measure(&plan.hello, &[cases::hello()]).await?];
    for function in &plan.functions {
        eprintln!("Measuring {} …", function.name);
        let cases = cases::of(&function.name, &plan.parameters, &mut bench.database).await?;
        functions.push(bench.measure(function, &cases).await.with_context(|| function.name.clone())?);
    }
    Ok(Report { waits, functions })
}

impl Bench<'_> {
    async fn measure(&mut self, function: &Function, cases: &[Case]) -> Result<Measured> {
        let (mut starts, mut firsts) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            let running = Running::start(function, self.parameters)?;
            starts.push(running.start);
            firsts.push(invoke(&running, &cases[0])?);
        }
        let running = Running::start(function, self.parameters)?;
        let mut warm = Vec::new();
        for case in cases {
            warm.push(self.warm(&running, case).await.with_context(|| case.request)?);
        }
        Ok(Measured {
            function: function.name.clone(),
            start: median(starts),
            waits: self.waits.of(function),
            first: median(firsts),
            peak_memory_mb: megabytes(running.peak_memory()?),
            zip_mb: megabytes(function.zip_bytes),
            warm,
        })
    }

    async fn warm(&mut self, running: &Running, case: &Case) -> Result<Warm> {
        self.round(running, case, &mut Times::default()).await?; // for the caches
        let mut times = Times::default();
        let began = Instant::now();
        while times.function.len() < CALLS && began.elapsed() < MEASURE_WITHIN {
            self.round(running, case, &mut times).await?;
        }
        Ok(Warm {
            request: case.request,
            cpu: milliseconds(times.cpu / u32::try_from(times.function.len())?),
            times: Figures::of(times.function),
            hello: median(times.hello),
            sql: median(times.sql),
            queue: if case.queue { self.waits.queue } else { 0.0 },
        })
    }

    /// The function and what it cannot do without by turns, so that a busy machine is busy for all.
    async fn round(&mut self, running: &Running, case: &Case, times: &mut Times) -> Result<()> {
        let nothing = cases::hello();
        for _ in 0..ROUND {
            times.hello.push(invoke(&self.hello, &nothing)?);
        }
        if let Some(sql) = &case.sql {
            for _ in 0..ROUND {
                let asked = Instant::now();
                sql.run(&mut self.database).await?;
                times.sql.push(asked.elapsed());
            }
        }
        let before = running.cpu()?;
        for _ in 0..ROUND {
            times.function.push(invoke(running, case)?);
        }
        times.cpu += running.cpu()?.saturating_sub(before);
        Ok(())
    }
}

#[derive(Default)]
struct Times {
    function: Vec<Duration>,
    /// On a processor, all calls together.
    cpu: Duration,
    hello: Vec<Duration>,
    sql: Vec<Duration>,
}

#[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

impl Waits {
    fn of(&self, function: &Function) -> f64 {
        let ssm = if function.environment.is_empty() { 0.0 } else { self.ssm };
        ssm + if function.logs_in() { self.login } else { 0.0 }
    }
}

/// One call, answered as it should be: what is refused quickly would look good here.
fn invoke(running: &Running, case: &Case) -> Result<Duration> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answered {
        status_code: Option<u16>,
    }
    let answer = running.host.invoke(&case.event)?;
    let text = || String::from_utf8_lossy(&answer.body).into_owned();
    let answered: Answered = serde_json::from_slice(&answer.body).with_context(text)?;
    ensure!(answered.status_code == case.status, "it answers {}", text());
    Ok(answer.took)
}

fn repeated(mut call: impl FnMut() -> Result<Duration>) -> Result<f64> {
    let times: Result<Vec<Duration>> = (0..WAITS).map(|_| call()).collect();
    Ok(median(times?))
}

async fn waits(parameters: &Parameters, login: &MySqlConnectOptions) -> Result<Waits> {
    let host = Host::start(parameters.clone())?;
    let names: Vec<&String> = parameters.0.keys().take(10).collect();
    let names = serde_json::json!({ "Names": names }).to_string();
    let ssm = repeated(|| ask(&mut None, host.address, "AmazonSSM.GetParameters", &names))?;
    let mut open = None;
    let queue = repeated(|| ask(&mut open, host.address, "AmazonSQS.SendMessage", "{}"))?;
    let (mut logins, mut pings) = (Vec::new(), Vec::new());
    for _ in 0..WAITS {
        let asked = Instant::now();
        let mut connection = login.connect().await.context("logging in to the database")?;
        logins.push(asked.elapsed());
        let asked = Instant::now();
        connection.ping().await?;
        pings.push(asked.elapsed());
        connection.close().await?;
    }
    Ok(Waits { ssm, queue, login: median(logins), ping: median(pings) })
}

/// Calls a service, on the connection that is there or on a new one.
fn ask(connection: &mut Option<Connection>, host: SocketAddr, target: &str, body: &str) -> Result<Duration> {
    let asked = Instant::now();
    let connection = match connection {
        Some(open) => open,
        none => none.insert(Connection::to(host)?),
    };
    connection.write(&["POST / HTTP/1.1", &format!("x-amz-target: {target}")], body.as_bytes())?;
    connection.read()?.context("no answer")?;
    Ok(asked.elapsed())
}

/// As a function that reads logs in.
fn login(parameters: &Parameters) -> Result<MySqlConnectOptions> {
    let user = parameters.get(Parameter::DatabaseUser(DatabaseRole::Reader))?.to_owned();
    let password = Secret::new(parameters.get(Parameter::DatabasePassword(DatabaseRole::Reader))?);
    let account = Account { user, password: Some(password.clone()) };
    let config = DatabaseConfig {
        host: parameters.get(Parameter::DatabaseHost)?.to_owned(),
        port: parameters.get(Parameter::DatabasePort)?.parse().context("the database's port")?,
        name: parameters.get(Parameter::DatabaseName)?.to_owned(),
        auth: DatabaseAuth::Password,
        accounts: [(DatabaseRole::Reader, account.clone())].into(),
        admin_secret: None,
    };
    Ok(password_options(&config, &account, &password))
}
