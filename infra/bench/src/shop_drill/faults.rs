//! The faults of the shop's drill, and how each is caused.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use rand::{Rng, rngs::StdRng, seq::IndexedRandom};
use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process},
};
use serde::{Deserialize, Serialize};
use shared::{
    database::MAX_LAG,
    parameters::{DatabaseRole, Parameter, Queue, path_of},
};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlDatabaseError},
};
use tokio::runtime::Runtime;

use super::Server;
use crate::{
    Parameters,
    host::{Observer, Reaction, SEND_EMAIL},
    load::{HostedShop, QueueFaults},
    services,
};

/// Observers get the first line of a call to S3 in place of a target.
const S3: &str = "S3";
/// Between two kills of one fault.
const KILL_EVERY: Duration = Duration::from_millis(400);
/// Connections that a database with too few of them accepts: MariaDB's least.
const FEW_CONNECTIONS: u32 = 10;
const DUPLICATES: f64 = 0.3;
/// Time in which readers see that a replica is late, and leave it.
const LEAVING: Duration = Duration::from_secs(3);
/// Time after which readers try a replica again that they have left, with some more.
const COME_BACK: Duration = Duration::from_secs(15);
/// MariaDB's error "Unknown thread id".
const UNKNOWN_CONNECTION: u16 = 1094;
/// A text that is no message.
pub const POISON: &str = "poison";

/// One fault. Each begins at one moment and ends at another, except those that are over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The server is killed, and starts again.
    DatabaseKilled,
    /// The server does not answer for a while; its connections are open all the time.
    DatabaseFrozen,
    /// Every connection of the functions is closed.
    ConnectionsClosed,
    /// The server refuses to write, as during a failover.
    DatabaseReadOnly,
    /// The server accepts a few connections only.
    ConnectionsExhausted,
    /// Another transaction holds the rows of all books.
    RowsLocked,
    ReaderPasswordRotated,
    WriterPasswordRotated,
    /// Processes of HTTP functions are killed, also while they work.
    FunctionsKilled,
    /// Processes of queues' consumers are killed, also in the middle of a batch.
    ConsumersKilled,
    /// Everything is killed at once, so that all start together.
    EverythingKilled,
    /// SSM throttles, and new environments start meanwhile.
    ParametersThrottled,
    /// SSM does not answer, and new environments start meanwhile.
    ParametersAway,
    QueuesThrottled,
    QueuesAway,
    MailAway,
    FilesAway,
    /// Messages are delivered again after they were deleted.
    MessagesDuplicated,
    /// Messages come in another order.
    MessagesReordered,
    /// Messages that nothing can process come between the others.
    Poison,
    /// The replica is killed, and starts again. Only in a drill with a replica.
    ReplicaKilled,
    /// The replica does not apply what it receives, for longer than reads stay with a late one. Only in a drill with a replica.
    ReplicaLate,
}

impl Fault {
    pub const ALL: [Self; 20] = [
        Self::DatabaseKilled,
        Self::DatabaseFrozen,
        Self::ConnectionsClosed,
        Self::DatabaseReadOnly,
        Self::ConnectionsExhausted,
        Self::RowsLocked,
        Self::ReaderPasswordRotated,
        Self::WriterPasswordRotated,
        Self::FunctionsKilled,
        Self::ConsumersKilled,
        Self::EverythingKilled,
        Self::ParametersThrottled,
        Self::ParametersAway,
        Self::QueuesThrottled,
        Self::QueuesAway,
        Self::MailAway,
        Self::FilesAway,
        Self::MessagesDuplicated,
        Self::MessagesReordered,
        Self::Poison,
    ];
    /// Of a drill with a replica, in addition.
    pub const OF_REPLICAS: [Self; 2] = [Self::ReplicaKilled, Self::ReplicaLate];
    /// For a drill of seconds.
    pub const FEW: [Self; 6] = [
        Self::MessagesDuplicated,
        Self::DatabaseKilled,
        Self::WriterPasswordRotated,
        Self::ConsumersKilled,
        Self::QueuesAway,
        Self::Poison,
    ];

    pub fn label(self) -> &'static str {
        match self {
            Self::DatabaseKilled => "database killed",
            Self::DatabaseFrozen => "database frozen",
            Self::ConnectionsClosed => "connections closed",
            Self::DatabaseReadOnly => "database read-only",
            Self::ConnectionsExhausted => "connections exhausted",
            Self::RowsLocked => "rows of all books locked",
            Self::ReaderPasswordRotated => "reader's password rotated",
            Self::WriterPasswordRotated => "writer's password rotated",
            Self::FunctionsKilled => "HTTP functions killed",
            Self::ConsumersKilled => "consumers killed",
            Self::EverythingKilled => "all processes killed",
            Self::ParametersThrottled => "SSM throttles",
            Self::ParametersAway => "SSM away",
            Self::QueuesThrottled => "SQS throttles",
            Self::QueuesAway => "SQS away",
            Self::MailAway => "SES away",
            Self::FilesAway => "S3 away",
            Self::MessagesDuplicated => "messages duplicated",
            Self::MessagesReordered => "messages reordered",
            Self::Poison => "poison in both queues",
            Self::ReplicaKilled => "replica killed",
            Self::ReplicaLate => "replica late",
        }
    }
}

/// Services of AWS as the functions see them: answered by the hosts, or refused.
pub struct Services(Mutex<State>);

struct State {
    parameters: Parameters,
    /// Status and code with which each service refuses, by the beginning of its `X-Amz-Target`.
    refusals: BTreeMap<&'static str, (u16, &'static str)>,
    refused: u64,
    /// Mails that SES has accepted.
    mails: u64,
}

impl Services {
    pub fn new(parameters: &Parameters) -> Arc<Self> {
        let parameters = parameters.clone();
        Arc::new(Self(Mutex::new(State { parameters, refusals: BTreeMap::new(), refused: 0, mails: 0 })))
    }

    pub fn observer(self: &Arc<Self>) -> Observer {
        let services = self.clone();
        Arc::new(move |target, body| services.react(target, body))
    }

    fn react(&self, target: &str, body: &[u8]) -> Reaction {
        let mut state = self.lock();
        let target = if target.starts_with("PUT /") || target.starts_with("GET /") { S3 } else { target };
        if let Some((status, code)) =
            state.refusals.iter().find(|(service, _)| target.starts_with(**service)).map(|(_, refusal)| *refusal)
        {
            state.refused += 1;
            return Reaction::Refuse(status, code);
        }
        state.mails += u64::from(target == SEND_EMAIL);
        if target == "AmazonSSM.GetParameters" {
            return services::respond(target, body, &state.parameters).map_or(Reaction::Answer, Reaction::AnswerWith);
        }
        Reaction::Answer
    }

    pub fn mails(&self) -> u64 {
        self.lock().mails
    }

    /// Calls that were refused.
    fn refused(&self) -> u64 {
        self.lock().refused
    }

    fn refuse(&self, service: &'static str, refusal: Option<(u16, &'static str)>) {
        let mut state = self.lock();
        match refusal {
            Some(refusal) => _ = state.refusals.insert(service, refusal),
            None => _ = state.refusals.remove(service),
        }
    }

    fn set(&self, parameter: Parameter, value: &str) {
        let mut state = self.lock();
        for (_, known) in state.parameters.0.iter_mut().filter(|(name, _)| path_of(name) == parameter.path()) {
            value.clone_into(known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Causes faults.
pub struct Saboteur<'a> {
    pub runtime: &'a Runtime,
    /// With the database of the drill.
    pub root: MySqlConnectOptions,
    /// The same at the replica, if there is one.
    pub replica: Option<MySqlConnectOptions>,
    pub shop: &'a HostedShop,
    pub services: &'a Services,
    pub server: &'a mut dyn Server,
    pub random: StdRng,
    /// Poison that was sent.
    pub poison: Vec<String>,
    pub hits: u64,
}

impl Saboteur<'_> {
    /// Causes the fault, and ends it after that time. Returns how often it has hit: calls refused, processes killed, connections
    /// closed, messages changed. Of a fault of the database that is 0, for its effect are failures.
    ///
    /// # Errors
    /// It could not be caused, or not be ended.
    pub fn cause(&mut self, fault: Fault, lasting: Duration) -> Result<u64> {
        let before = self.hits();
        match fault {
            Fault::DatabaseKilled => self.server.kill(lasting)?,
            Fault::DatabaseFrozen => self.server.freeze(lasting)?,
            Fault::ConnectionsClosed => self.close_connections()?,
            Fault::DatabaseReadOnly => self.with_setting("read_only", 1, lasting)?,
            Fault::ConnectionsExhausted => self.with_setting("max_connections", FEW_CONNECTIONS, lasting)?,
            Fault::RowsLocked => self.lock_rows(lasting)?,
            Fault::ReaderPasswordRotated => self.rotate(DatabaseRole::Reader, lasting)?,
            Fault::WriterPasswordRotated => self.rotate(DatabaseRole::Writer, lasting)?,
            Fault::FunctionsKilled => self.kill_during(lasting, |name| !is_consumer(name))?,
            Fault::ConsumersKilled => self.kill_during(lasting, is_consumer)?,
            Fault::EverythingKilled => {
                for (pid, _) in self.shop.processes.all() {
                    self.kill(pid)?;
                }
            }
            Fault::ParametersThrottled => self.restart_without("AmazonSSM", (400, "ThrottlingException"), lasting)?,
            Fault::ParametersAway => self.restart_without("AmazonSSM", (503, "ServiceUnavailable"), lasting)?,
            Fault::QueuesThrottled => self.without("AmazonSQS", (400, "RequestThrottled"), lasting),
            Fault::QueuesAway => self.without("AmazonSQS", (503, "ServiceUnavailable"), lasting),
            Fault::MailAway => self.without(SEND_EMAIL, (503, "ServiceUnavailable"), lasting),
            Fault::FilesAway => self.without(S3, (503, "ServiceUnavailable"), lasting),
            Fault::MessagesDuplicated => {
                self.deliver(QueueFaults { duplicates: DUPLICATES, shuffles: false }, lasting);
            }
            Fault::MessagesReordered => self.deliver(QueueFaults { duplicates: 0.0, shuffles: true }, lasting),
            Fault::Poison => self.send_poison()?,
            Fault::ReplicaKilled => {
                self.hits += self.readers_of_replica()?;
                self.server.kill_replica(lasting)?;
            }
            Fault::ReplicaLate => self.delay_replica(lasting)?,
        }
        Ok(self.hits() - before)
    }

    fn hits(&self) -> u64 {
        self.hits + self.services.refused() + self.shop.queues.duplicated() + self.shop.queues.shuffled()
    }

    fn without(&self, service: &'static str, refusal: (u16, &'static str), lasting: Duration) {
        self.services.refuse(service, Some(refusal));
        thread::sleep(lasting);
        self.services.refuse(service, None);
    }

    /// Functions read their parameters when they start, so half of them are killed.
    fn restart_without(
        &mut self,
        service: &'static str,
        refusal: (u16, &'static str),
        lasting: Duration,
    ) -> Result<()> {
        self.services.refuse(service, Some(refusal));
        for (pid, _) in self.shop.processes.all().into_iter().step_by(2) {
            self.kill(pid)?;
        }
        thread::sleep(lasting);
        self.services.refuse(service, None);
        Ok(())
    }

    fn kill_during(&mut self, lasting: Duration, is_meant: impl Fn(&str) -> bool) -> Result<()> {
        let until = Instant::now() + lasting;
        while Instant::now() < until {
            let meant: Vec<u32> =
                self.shop.processes.all().into_iter().filter(|(_, name)| is_meant(name)).map(|(pid, _)| pid).collect();
            if let Some(pid) = meant.choose(&mut self.random) {
                self.kill(*pid)?;
            }
            thread::sleep(KILL_EVERY);
        }
        Ok(())
    }

    fn deliver(&mut self, faults: QueueFaults, lasting: Duration) {
        let seed = self.random.random();
        for queue in self.shop.queues.each() {
            queue.set_faults(Some(faults), seed);
        }
        thread::sleep(lasting);
        for queue in self.shop.queues.each() {
            queue.set_faults(None, seed);
        }
    }

    fn send_poison(&mut self) -> Result<()> {
        for queue in [Queue::Submissions, Queue::Orders] {
            let body = format!("{POISON} {}", self.random.random::<u32>());
            let (_, messages) = self.shop.queues.get(queue)?;
            let group = (queue == Queue::Orders).then_some("orders-0");
            messages.send(group, body.clone(), Instant::now());
            self.poison.push(body);
            self.hits += 1;
        }
        Ok(())
    }

    /// The functions learn the new password when the old one is refused. `lasting` passes between the two changes.
    fn rotate(&mut self, role: DatabaseRole, lasting: Duration) -> Result<()> {
        let password = format!("{:032x}", self.random.random::<u128>());
        self.execute(&format!("alter user '{}'@'%' identified by '{password}'", role.user()))?;
        self.close_connections()?;
        thread::sleep(lasting);
        self.services.set(Parameter::DatabasePassword(role), &password);
        Ok(())
    }

    fn close_connections(&mut self) -> Result<()> {
        let closed = self.with_connection(async |connection| close_others(connection).await)?;
        self.hits += closed;
        Ok(())
    }

    /// Another value of a global setting, for new connections only, so all others are closed. The connection that sets it stays open,
    /// because a server without free connections accepts no other.
    fn with_setting(&mut self, name: &str, value: u32, lasting: Duration) -> Result<()> {
        let (read, set) = (format!("select cast(@@global.{name} as signed)"), format!("set global {name} = "));
        let closed = self.with_connection(async |connection| {
            let before: i64 = sqlx::query_scalar(AssertSqlSafe(read.clone())).fetch_one(&mut *connection).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("{set}{value}"))).execute(&mut *connection).await?;
            let closed = close_others(connection).await?;
            tokio::time::sleep(lasting).await;
            sqlx::raw_sql(AssertSqlSafe(format!("{set}{before}"))).execute(&mut *connection).await?;
            Ok(closed)
        })?;
        self.hits += closed;
        Ok(())
    }

    /// A process that has ended meanwhile is no error.
    fn kill(&mut self, pid: u32) -> Result<()> {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("no process id")?;
        match kill_process(pid, Signal::KILL) {
            Ok(()) => self.hits += 1,
            Err(Errno::SRCH) => {}
            Err(error) => return Err(error).context("killing a process"),
        }
        Ok(())
    }

    fn lock_rows(&mut self, lasting: Duration) -> Result<()> {
        self.with_connection(async |connection| {
            let mut transaction = connection.begin().await?;
            sqlx::query("select id from books for update").fetch_all(&mut *transaction).await?;
            tokio::time::sleep(lasting).await;
            transaction.rollback().await
        })
    }

    /// Ends when readers have left the replica, which they do when its lag exceeds the bound.
    fn delay_replica(&mut self, lasting: Duration) -> Result<()> {
        let mut readers = self.wait_for_readers()?;
        self.at_replica(async |connection| sqlx::raw_sql("stop slave sql_thread").execute(connection).await.map(drop))?;
        // Until it is late, readers that had left it in the fault before still come back.
        let late_from = Instant::now() + MAX_LAG;
        while Instant::now() < late_from {
            readers = readers.max(self.readers_of_replica()?);
            thread::sleep(KILL_EVERY);
        }
        thread::sleep(LEAVING + lasting);
        let left = self.readers_of_replica()?;
        self.at_replica(async |connection| {
            sqlx::raw_sql("start slave sql_thread").execute(connection).await.map(drop)
        })?;
        // An environment that is idle keeps its connection until its next read.
        self.hits += readers.saturating_sub(left);
        Ok(())
    }

    /// Readers that have left the replica in a fault before come back after some seconds.
    fn wait_for_readers(&self) -> Result<u64> {
        let until = Instant::now() + COME_BACK;
        loop {
            let readers = self.readers_of_replica()?;
            if readers > 0 || Instant::now() > until {
                return Ok(readers);
            }
            thread::sleep(KILL_EVERY);
        }
    }

    fn readers_of_replica(&self) -> Result<u64> {
        let count = "select count(*) from information_schema.processlist where user = ?";
        let reader = DatabaseRole::Reader.user();
        let count: i64 =
            self.at_replica(async |connection| sqlx::query_scalar(count).bind(reader).fetch_one(connection).await)?;
        Ok(count.unsigned_abs())
    }

    fn at_replica<T>(&self, work: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        let replica = self.replica.as_ref().context("the drill has no replica")?;
        self.runtime.block_on(at(replica, work))
    }

    fn execute(&self, sql: &str) -> Result<()> {
        self.with_connection(async |connection| {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(drop)
        })
        .with_context(|| sql.to_owned())
    }

    fn with_connection<T>(&self, work: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>) -> Result<T> {
        self.runtime.block_on(at(&self.root, work))
    }
}

async fn at<T>(
    server: &MySqlConnectOptions,
    work: impl AsyncFnOnce(&mut MySqlConnection) -> sqlx::Result<T>,
) -> Result<T> {
    let mut connection = server.connect().await.context("logging in as root")?;
    let done = work(&mut connection).await;
    connection.close().await?;
    Ok(done?)
}

/// Closes all other connections to the database, and returns how many there were.
async fn close_others(connection: &mut MySqlConnection) -> sqlx::Result<u64> {
    let ids = "select id from information_schema.processlist where db = database() and id <> connection_id()";
    let ids: Vec<i64> = sqlx::query_scalar(ids).fetch_all(&mut *connection).await?;
    let mut closed = 0;
    for id in ids {
        match sqlx::raw_sql(AssertSqlSafe(format!("kill {id}"))).execute(&mut *connection).await {
            Ok(_) => closed += 1,
            // It has ended by itself.
            Err(sqlx::Error::Database(error))
                if error
                    .try_downcast_ref()
                    .is_some_and(|error: &MySqlDatabaseError| error.number() == UNKNOWN_CONNECTION) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(closed)
}

fn is_consumer(function: &str) -> bool {
    function.starts_with("process-") || function == "send-mail"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_service_that_is_away_refuses_and_answers_again() {
        let services = Services::new(&Parameters([("/anaquel/local/a".to_owned(), "1".to_owned())].into()));
        let call = br#"{"Names":["/anaquel/local/a"]}"#;
        let answer = services.react("AmazonSSM.GetParameters", call);
        assert!(matches!(answer, Reaction::AnswerWith(_)), "{answer:?}");
        services.refuse("AmazonSSM", Some((400, "ThrottlingException")));
        assert_eq!(services.react("AmazonSSM.GetParameters", call), Reaction::Refuse(400, "ThrottlingException"));
        assert_eq!(services.react("AmazonSQS.SendMessage", b"{}"), Reaction::Answer);
        services.refuse("AmazonSSM", None);
        assert_eq!(services.react("AmazonSSM.GetParameters", call), answer);
    }

    #[test]
    fn every_fault_has_a_label_of_its_own() {
        let all = || Fault::ALL.into_iter().chain(Fault::OF_REPLICAS);
        let labels: BTreeSet<&str> = all().map(Fault::label).collect();
        assert_eq!(labels.len(), all().count());
    }
}
