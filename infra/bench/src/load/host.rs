//! The load test on hosts of its own: environments of all functions that the mix needs, the queues and their consumers.

use std::{
    collections::BTreeMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
        mpsc::Sender,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use shared::parameters::{DatabaseRole, Queue};
use sqlx::{ConnectOptions, Connection, MySqlConnection};
use tokio::{runtime, time::timeout};

use super::{
    LoadedConsumer, LoadedFunction,
    environments::{Consumer, Pool, Processes, Queues, Surroundings},
    machine::cpu_times,
    outcome::{Observation, Outcome, Target},
    queues::Depth,
    shoppers::Request,
};
use crate::{Parameters, drill::Flag, host::Observer, login::login};

/// Between two counts of connections.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// The longest wait for the backlog of a step.
const SETTLE: Duration = Duration::from_secs(30);
/// The longest wait for a count of connections.
const LOGIN_WITHIN: Duration = Duration::from_secs(2);

/// The shop on this machine.
pub struct HostedShop {
    pools: BTreeMap<String, Arc<Pool>>,
    pub queues: Arc<Queues>,
    pub processes: Arc<Processes>,
    /// Environments of the queues' consumers, by function.
    consumers: BTreeMap<String, Arc<AtomicUsize>>,
    connections: Arc<AtomicU32>,
    /// Process id of the database server, if it runs here.
    database: Option<u32>,
    over: Arc<Flag>,
    threads: Vec<JoinHandle<()>>,
}

impl HostedShop {
    /// Starts consumers; functions for requests start when they are called.
    ///
    /// # Errors
    /// The database refuses the administrator, or a queue has no URL.
    pub async fn start(
        functions: &[LoadedFunction],
        consumers: &[LoadedConsumer],
        parameters: &Parameters,
        intercept: Option<Observer>,
    ) -> Result<Self> {
        let queues = consumers.iter().map(LoadedConsumer::queue).collect::<Result<Vec<Queue>>>()?;
        let queues = Arc::new(Queues::of(queues.into_iter(), parameters)?);
        let processes: Arc<Processes> = Arc::default();
        let observer = queues.observer(intercept);
        let surroundings = Surroundings { parameters: parameters.clone(), observer, processes: processes.clone() };
        let pool = |loaded: &LoadedFunction| {
            let LoadedFunction { function, most, timeout_seconds } = loaded;
            let timeout = Duration::from_secs(*timeout_seconds);
            let pool = Pool::new(function.clone(), usize::from(*most), timeout, surroundings.clone());
            (function.name.clone(), Arc::new(pool))
        };
        let mut server =
            login(parameters, DatabaseRole::Admin)?.connect().await.context("logging in as administrator")?;
        let mut shop = Self {
            pools: functions.iter().map(pool).collect(),
            queues,
            processes,
            consumers: BTreeMap::new(),
            connections: Arc::default(),
            database: process_id(&mut server).await,
            over: Arc::default(),
            threads: Vec::new(),
        };
        for consumer in consumers {
            shop.consume(consumer, &surroundings)?;
        }
        server.close().await?;
        shop.count_connections(parameters)?;
        Ok(shop)
    }

    fn consume(&mut self, consumer: &LoadedConsumer, surroundings: &Surroundings) -> Result<()> {
        let LoadedConsumer { loaded, .. } = consumer;
        let queue = consumer.queue()?;
        self.queues.get(queue)?;
        let running: Arc<AtomicUsize> = Arc::default();
        self.consumers.insert(loaded.function.name.clone(), running.clone());
        for _ in 0..loaded.most {
            let (queues, over, running) = (self.queues.clone(), self.over.clone(), running.clone());
            let (function, surroundings) = (loaded.function.clone(), surroundings.clone());
            let timeout = Duration::from_secs(loaded.timeout_seconds);
            self.threads.push(thread::spawn(move || {
                let Ok((name, queue)) = queues.get(queue) else { return };
                let (function, surroundings) = (&function, &surroundings);
                Consumer { function, surroundings, queue, name, timeout }.work(&running, &over);
            }));
        }
        Ok(())
    }

    /// Counts the connections to the database, without that of this count. A lost connection is opened again.
    fn count_connections(&mut self, parameters: &Parameters) -> Result<()> {
        let (over, connections) = (self.over.clone(), self.connections.clone());
        let admin = login(parameters, DatabaseRole::Admin)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
        self.threads.push(thread::spawn(move || {
            let mut server = None;
            while !over.is_set() {
                if server.is_none() {
                    server = runtime.block_on(async { timeout(LOGIN_WITHIN, admin.connect()).await.ok()?.ok() });
                }
                let counted = server
                    .as_mut()
                    .map(|server| runtime.block_on(async { timeout(LOGIN_WITHIN, count(server)).await }));
                match counted {
                    Some(Ok(Ok(counted))) => connections.store(u32::try_from(counted).unwrap_or(0), Ordering::Relaxed),
                    _ => server = None,
                }
                thread::sleep(COUNT_EVERY);
            }
        }));
        Ok(())
    }

    /// Waits until the queues are empty, at most so long.
    pub fn wait_until_empty(&self, limit: Duration, interrupted: &Flag) {
        let until = Instant::now() + limit;
        let is_empty = || self.queues.each().all(|queue| queue.depth(Instant::now()).messages == 0);
        while !is_empty() && Instant::now() < until && !interrupted.is_set() {
            thread::sleep(COUNT_EVERY);
        }
    }

    /// Ends everything after the queues are empty, or after `drain`. Returns the messages that were accepted and that were finished.
    pub fn stop(mut self, drain: Duration) -> (u64, u64) {
        self.wait_until_empty(drain, &Flag::default());
        self.over.set();
        for pool in self.pools.values() {
            pool.stop();
        }
        for thread in self.threads.drain(..) {
            _ = thread.join();
        }
        let depths: Vec<Depth> = self.queues.each().map(|queue| queue.depth(Instant::now())).collect();
        (depths.iter().map(|depth| depth.accepted).sum(), depths.iter().map(|depth| depth.finished).sum())
    }
}

impl Target for HostedShop {
    fn send(&self, request: Request, intended: Instant, outcomes: &Sender<Outcome>) {
        if let Some(pool) = self.pools.get(request.class.function()) {
            pool.send(request, intended, outcomes);
        }
    }

    fn settle(&self) {
        self.wait_until_empty(SETTLE, &Flag::default());
    }

    fn observe(&self) -> Observation {
        let now = Instant::now();
        let depths: Vec<Depth> = self.queues.each().map(|queue| queue.depth(now)).collect();
        let running = self.consumers.iter().map(|(name, running)| (name.clone(), running.load(Ordering::Relaxed)));
        Observation {
            environments: self
                .pools
                .iter()
                .map(|(name, pool)| (name.clone(), pool.environments()))
                .chain(running)
                .collect(),
            cold_starts: self.pools.values().map(|pool| pool.cold_starts()).sum(),
            connections: self.connections.load(Ordering::Relaxed),
            waiting: depths.iter().map(|depth| depth.messages).sum(),
            queue_age: depths.iter().map(|depth| depth.age).max().unwrap_or_default(),
            cpu: cpu_times(self.database).ok(),
        }
    }
}

/// Connections to this database, without this one.
async fn count(server: &mut MySqlConnection) -> sqlx::Result<i64> {
    let sql = "select count(*) from information_schema.processlist where db = database() and id <> connection_id()";
    sqlx::query_scalar(sql).fetch_one(server).await
}

/// The process id of the server, from the file that it names.
async fn process_id(server: &mut MySqlConnection) -> Option<u32> {
    let file: String = sqlx::query_scalar("select @@pid_file").fetch_one(server).await.ok()?;
    fs::read_to_string(file).ok()?.trim().parse().ok()
}
