//! Load tests: requests of many shoppers at a growing rate, until a target is missed.
//!
//! Requests arrive in an open model. The functions are release builds on hosts of the load test, as many environments of each
//! as its reserved concurrency allows; or the target is the address of a stage, which `bookstore load` calls.

mod arrivals;
mod environments;
mod host;
mod machine;
mod outcome;
mod page;
mod queues;
mod report;
mod shoppers;
mod step;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};
use shared::{
    parameters::{DatabaseRole, Parameter, Queue},
    repo::books,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection};

pub use self::{
    arrivals::{Arrivals, wait_until},
    environments::Queues,
    host::HostedShop,
    outcome::{Ending, Observation, Outcome, Target},
    page::html,
    queues::Faults as QueueFaults,
    report::{Messages, Report, line},
    shoppers::{Class, Mix, Request, SampledBook, Samples},
    step::{Pace, Step, Targets},
};
use crate::{MeasuredFunction, Parameters, comparison, login::login};

/// Books of a sample.
pub const SAMPLE: usize = 1_000;
/// The addresses of orders, which are nobody's: the load test sends no mail.
const EMAIL: &str = "load-test-{}@example.org";
/// Until the queues are empty after the last step.
const DRAIN: Duration = Duration::from_mins(4);
/// Steps in a row that may be invalid before the test ends.
const MOST_INVALID: usize = 2;

/// A load test of functions on this machine. `bookstore load` constructs it from the route table and a stage's file.
#[derive(Serialize, Deserialize)]
pub struct LoadPlan {
    /// HTTP functions.
    pub functions: Vec<LoadedFunction>,
    pub consumers: Vec<LoadedConsumer>,
    /// SSM parameters of the local stage.
    pub parameters: Parameters,
    /// Of all prices.
    pub currency: String,
    /// Books of the generated catalogue.
    pub books: u32,
    /// The stage whose limits the functions have, and its budget of connections.
    pub limits_of: String,
    pub connection_budget: u32,
    pub course: Course,
}

/// A function with the limits that Lambda gives it.
#[derive(Serialize, Deserialize)]
pub struct LoadedFunction {
    pub function: MeasuredFunction,
    /// The most environments.
    pub most: u16,
    pub timeout_seconds: u64,
}

/// A function with the queue that it consumes.
#[derive(Serialize, Deserialize)]
pub struct LoadedConsumer {
    /// Name of the queue.
    pub queue: String,
    pub loaded: LoadedFunction,
}

impl LoadedConsumer {
    fn queue(&self) -> Result<Queue> {
        let queue = Queue::ALL.into_iter().find(|queue| queue.name() == self.queue);
        queue.with_context(|| format!("there is no queue {}", self.queue))
    }
}

/// Rates, times and bounds of a load test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Course {
    pub mix: Mix,
    /// Requests per second of the first step.
    pub first_rate: f64,
    /// The rate of a step divided by that of the step before; none for one step.
    pub growth: Option<f64>,
    /// Seconds of a step, and those at its beginning that do not count.
    pub seconds: f64,
    pub warm_up: f64,
    pub targets: Targets,
    /// Bounds of the whole test.
    pub most_steps: usize,
    pub most_requests: u64,
    pub most_seconds: u64,
    pub seed: u64,
}

impl Course {
    /// Steps of growing rate until a target is missed, the generator is the bottleneck, or a bound is reached. `progress` gets
    /// each step.
    ///
    /// # Errors
    /// The samples have nothing for a request of the mix.
    pub fn run(&self, samples: &Samples, target: &dyn Target, mut progress: impl FnMut(&Step)) -> Result<Vec<Step>> {
        let mut random = StdRng::seed_from_u64(self.seed);
        let began = Instant::now();
        let (mut steps, mut rate): (Vec<Step>, f64) = (Vec::new(), self.first_rate);
        while let Some(seconds) = self.seconds_of_next(&steps, rate, began) {
            let pace = Pace { mix: self.mix, rate, seconds, warm_up: self.warm_up.min(seconds / 2.0) };
            let step = Step::run(&pace, samples, target, &mut random, &self.targets)?;
            progress(&step);
            steps.push(step);
            target.settle();
            let is_missed = steps.last().is_some_and(|step| step.invalid.is_none() && !step.missed.is_empty());
            let invalid = steps.iter().rev().take_while(|step| step.invalid.is_some()).count();
            let Some(growth) = self.growth.filter(|_| !is_missed && invalid < MOST_INVALID) else { break };
            rate *= growth;
        }
        Ok(steps)
    }

    /// Seconds of the next step at this rate; none if a bound of the test is reached.
    fn seconds_of_next(&self, steps: &[Step], rate: f64, began: Instant) -> Option<f64> {
        let sent: f64 = steps.iter().map(|step| step.rate * self.seconds).sum();
        #[expect(clippy::cast_precision_loss, reason = "bounds far below 2^53")]
        let (requests, seconds) = (self.most_requests as f64, self.most_seconds as f64);
        let left = ((requests - sent) / rate).min(seconds - began.elapsed().as_secs_f64()).min(self.seconds);
        // A step of a few seconds would measure its cold starts.
        (steps.len() < self.most_steps && left >= self.seconds.min(5.0)).then_some(left)
    }
}

/// Runs the load test of a plan.
///
/// # Errors
/// The database or a function cannot be started. Answers of functions are in the report.
pub async fn run(plan: &LoadPlan) -> Result<Report> {
    let catalogue = comparison::to_load(&plan.parameters, plan.books).await?;
    let parameters = plan.parameters.with_database(&catalogue);
    let samples = samples(&parameters, plan).await.context("drawing a sample of books")?;
    let buffer_pool = warm(&parameters).await.context("reading the database into memory")?;
    let shop = HostedShop::start(&plan.functions, &plan.consumers, &parameters, None).await?;
    let before = decided(&parameters).await?;
    let steps = plan.course.run(&samples, &shop, |step| eprintln!("  {}", line(step)));
    let (accepted, finished) = shop.stop(DRAIN);
    let decided = decided(&parameters).await?.saturating_sub(before);
    Ok(Report {
        target: format!(
            "release builds on this machine, {} books, limits of stage {}, buffer pool of {} MiB",
            plan.books,
            plan.limits_of,
            buffer_pool >> 20
        ),
        course: plan.course.clone(),
        connection_budget: Some(plan.connection_budget),
        limits: plan.limits(),
        steps: steps?,
        messages: Some(Messages { accepted, finished, decided }),
    })
}

impl LoadPlan {
    /// The most environments by function.
    fn limits(&self) -> BTreeMap<String, usize> {
        let functions = self.functions.iter().chain(self.consumers.iter().map(|consumer| &consumer.loaded));
        functions.map(|loaded| (loaded.function.name.clone(), usize::from(loaded.most))).collect()
    }
}

/// Reads each index once, as a server that has run for hours has done. Returns the size of its buffer pool in bytes.
async fn warm(parameters: &Parameters) -> Result<u64> {
    let mut server = login(parameters, DatabaseRole::Admin)?.connect().await?;
    let indexes = "select table_name, index_name, min(column_name) from information_schema.statistics \
                   where table_schema = database() and seq_in_index = 1 and index_type = 'BTREE' group by 1, 2";
    let indexes: Vec<(String, String, String)> = sqlx::query_as(indexes).fetch_all(&mut server).await?;
    for (table, index, column) in indexes {
        let read = format!("select count(`{column}`) from `{table}` force index (`{index}`)");
        let _: i64 = sqlx::query_scalar(AssertSqlSafe(read)).fetch_one(&mut server).await?;
    }
    let size = sqlx::query_scalar("select @@innodb_buffer_pool_size").fetch_one(&mut server).await?;
    server.close().await?;
    Ok(size)
}

/// Ratings and orders with an outcome.
async fn decided(parameters: &Parameters) -> Result<u64> {
    let mut connection = login(parameters, DatabaseRole::Admin)?.connect().await?;
    let sql = "select (select count(*) from submissions where kind = 'rating') + (select count(*) from orders)";
    let decided: i64 = sqlx::query_scalar(sql).fetch_one(&mut connection).await.context("counting outcomes")?;
    connection.close().await?;
    Ok(u64::try_from(decided)?)
}

/// Books from all over the catalogue.
async fn samples(parameters: &Parameters, plan: &LoadPlan) -> Result<Samples> {
    let mut connection: MySqlConnection = login(parameters, DatabaseRole::Reader)?.connect().await?;
    let mut random = StdRng::seed_from_u64(plan.course.seed);
    let mut sampled = Vec::new();
    for _ in 0..SAMPLE {
        let id = random.random_range(1..=plan.books);
        let Some(book) = books::find(&mut connection, id.into()).await? else { continue };
        sampled.push(SampledBook {
            id,
            price: book.summary.price.filter(|_| book.summary.stock > 0).map(|price| price.minor),
            title: book.summary.title,
            author: book.authors.into_iter().next(),
            genre: book.genres.into_iter().next().map(|genre| genre.0),
        });
    }
    connection.close().await?;
    let database = parameters.get(Parameter::DatabaseName)?;
    ensure!(!sampled.is_empty(), "{database} has no books");
    Samples::of(sampled, &plan.currency, EMAIL)
}
