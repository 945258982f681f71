//! Reads on replicas: which server a read uses, and for how long it avoids one that is away or late.
//!
//! A read uses a random replica and stays with it. One that does not answer, or that is behind by more than [`MAX_LAG`], is
//! left for some seconds: for another one, and then for the primary. While the primary is away too, a late replica serves,
//! because an old page is better than none.

use std::{
    collections::BTreeMap,
    sync::{Mutex as StdMutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use anyhow::anyhow;
use futures_util::future::join_all;
use rand::seq::SliceRandom;
use sqlx::MySqlConnection;
use tokio::time::timeout;

use super::{Database, Error, FRESH_FOR, Lost, NoAnswer, Open, PING_TIMEOUT, Result, Stopwatch, WORK_TIMEOUT};
use crate::config::{DatabaseConfig, Endpoint};

/// The longest time by which a replica may be behind while the primary answers.
pub const MAX_LAG: Duration = Duration::from_secs(10);
/// Time for logins at replicas, all together: a request has time for the primary afterwards.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(600);
/// Least time for which a server is left after it did not answer or was late. Up to twice that, so that environments do not
/// come back together.
const LEFT_FOR: Duration = Duration::from_secs(5);

/// What an environment knows about the replicas.
pub(super) struct Replicas {
    /// Time for logins at replicas, all together.
    pub(super) connect_timeout: Duration,
    left: StdMutex<Left>,
}

/// Servers that are left until a time. Wall-clock time, because the monotonic clock of a frozen process may stand still.
#[derive(Default)]
struct Left {
    replicas: BTreeMap<Endpoint, SystemTime>,
    primary: Option<SystemTime>,
}

/// The replica of a connection, and how far it was behind.
pub(super) struct Checked {
    replica: Endpoint,
    lag: Duration,
    at: SystemTime,
}

/// A replica as `/health` shows it.
pub struct ReplicaState {
    /// How far it is behind, if it answers; none if it has no heartbeat of the primary.
    pub lag: Result<Option<Duration>>,
    /// Time until the answer or the timeout.
    pub took: Duration,
}

impl ReplicaState {
    /// Whether reads use it while the primary answers.
    pub fn is_used(&self) -> bool {
        matches!(self.lag, Ok(Some(lag)) if lag <= MAX_LAG)
    }
}

impl Replicas {
    pub(super) fn new() -> Self {
        Self { connect_timeout: CONNECT_TIMEOUT, left: StdMutex::default() }
    }

    /// The replicas that are not left, in random order.
    fn choice(&self, config: &DatabaseConfig) -> Vec<Endpoint> {
        let now = SystemTime::now();
        let left = self.left();
        let is_left = |replica: &Endpoint| left.replicas.get(replica).is_some_and(|until| now < *until);
        shuffled(config.replicas.iter().filter(|replica| !is_left(replica)).cloned().collect())
    }

    fn leave(&self, replica: &Endpoint, reason: &str) {
        tracing::warn!(replica = %replica.host, port = replica.port, reason, "Replica left");
        self.left().replicas.insert(replica.clone(), until());
    }

    fn leave_primary(&self) {
        self.left().primary = Some(until());
    }

    fn leaves_primary(&self) -> bool {
        self.left().primary.is_some_and(|until| SystemTime::now() < until)
    }

    #[cfg(test)]
    pub(super) fn forget_left(&self) {
        *self.left() = Left::default();
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shuffled(mut replicas: Vec<Endpoint>) -> Vec<Endpoint> {
    replicas.shuffle(&mut rand::rng());
    replicas
}

fn until() -> SystemTime {
    SystemTime::now() + LEFT_FOR.mul_f64(1.0 + rand::random::<f64>())
}

/// How far a replica is behind: the age of the heartbeat that it has, which the primary writes every two seconds. The status
/// of replication needs a privilege that would allow much more, and RDS gives it to no user of ours.
///
/// None without a heartbeat.
async fn lag(connection: &mut MySqlConnection) -> sqlx::Result<Option<Duration>> {
    let age = sqlx::query_scalar!(
        r#"
        select timestampdiff(microsecond, beaten_at, current_timestamp(6)) as "age!: i64"
        from heartbeat
        "#
    );
    let age = age.fetch_optional(connection).await?;
    Ok(age.map(|microseconds| Duration::from_micros(microseconds.try_into().unwrap_or(0))))
}

impl Open {
    /// Whether it leads to a replica of this configuration.
    fn leads_to_replica_of(&self, config: &DatabaseConfig) -> bool {
        self.replica.as_ref().is_some_and(|checked| {
            config.replicas.contains(&checked.replica) && self.config == config.of_replica(&checked.replica)
        })
    }

    fn is_late(&self) -> bool {
        self.replica.as_ref().is_some_and(|checked| checked.lag > MAX_LAG)
    }

    fn lag(&self) -> Duration {
        self.replica.as_ref().map_or(Duration::ZERO, |checked| checked.lag)
    }
}

impl Database {
    /// Runs a read on a replica, and if that fails because of the replica, once more elsewhere.
    pub(super) async fn read_nearby<T>(
        &self,
        config: &DatabaseConfig,
        query: impl AsyncFn(&mut MySqlConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let _stopwatch = Stopwatch::start();
        let _permit = self.connections.permit().await?;
        let open = self.take_for_reading(config).await?;
        let replica = open.replica.as_ref().map(|checked| checked.replica.clone());
        let outcome = self.attempt_on(open, &query, WORK_TIMEOUT).await;
        let open = match (&outcome, replica) {
            (Err(Error::Away(error)), Some(replica)) => {
                self.lose(&replica, &format!("{error:#}"));
                self.take_for_reading(config).await?
            }
            (Err(Error::Busy(error)), Some(replica)) if error.is::<NoAnswer>() => {
                self.lose(&replica, &format!("{error:#}"));
                self.take_for_reading(config).await?
            }
            // A migration, or a grant, that has not reached the replica yet.
            (Err(Error::Defect(error)), Some(_)) => {
                tracing::warn!(error = format!("{error:#}"), "Statement refused by a replica: trying the primary");
                self.take().await?
            }
            (Err(Error::Busy(error)), None) if error.is::<NoAnswer>() => {
                tracing::warn!(error = format!("{error:#}"), "The primary does not answer: reading a replica");
                self.replicas.leave_primary();
                self.take_for_reading(config).await?
            }
            (Err(Error::Away(error)), None) if error.is::<Lost>() => {
                tracing::warn!("Connection lost: retrying the read");
                self.close_those_to_primary();
                self.take_for_reading(config).await?
            }
            _ => return outcome,
        };
        self.attempt_on(open, &query, WORK_TIMEOUT).await
    }

    /// Leaves a replica that does not answer, whose other connections are not sound either.
    fn lose(&self, replica: &Endpoint, reason: &str) {
        self.replicas.leave(replica, reason);
        self.connections.close(|open| open.replica.as_ref().is_some_and(|checked| checked.replica == *replica));
    }

    /// An idle connection to a replica.
    fn take_to_replica(&self, config: &DatabaseConfig) -> Option<Open> {
        let is_outdated =
            |open: &Open| open.replica.is_some() && open.has_accounts_of(config) && !open.leads_to_replica_of(config);
        self.connections.close(is_outdated);
        self.connections.take(|open| open.leads_to_replica_of(config))
    }

    /// A connection for reads: to a replica that is not late, else to the primary, else to the replica that is least late.
    pub(super) async fn take_for_reading(&self, config: &DatabaseConfig) -> Result<Open> {
        if config.replicas.is_empty() {
            return self.take().await;
        }
        let mut late = None;
        if let Some(idle) = self.take_to_replica(config)
            && let Some(open) = self.checked(idle).await
        {
            if !open.is_late() {
                return Ok(open);
            }
            late = Some(open);
        }
        let choice = self.replicas.choice(config);
        let time = TimeForAll::new(self.replicas.connect_timeout, choice.len());
        for (position, replica) in choice.iter().enumerate() {
            match self.open_replica(config, replica, time.share(position)).await {
                Some(open) if !open.is_late() => return Ok(open),
                opened => late = earlier(late, opened),
            }
        }
        let is_tried = !self.replicas.leaves_primary();
        if is_tried {
            match self.take().await {
                Err(Error::Away(error)) => {
                    tracing::warn!(error = format!("{error:#}"), "The primary is away: reading a late replica");
                    self.replicas.leave_primary();
                }
                result => return result,
            }
        }
        if late.is_none() {
            late = self.any_replica(config).await;
        }
        match late {
            Some(open) => Ok(open),
            None if is_tried => Err(Error::Away(anyhow!("neither the primary nor a replica answers"))),
            None => self.take().await,
        }
    }

    /// A replica among those that are left, however late.
    async fn any_replica(&self, config: &DatabaseConfig) -> Option<Open> {
        let time = TimeForAll::new(self.replicas.connect_timeout, config.replicas.len());
        for (position, replica) in shuffled(config.replicas.clone()).iter().enumerate() {
            let opened = self.open_replica(config, replica, time.share(position)).await;
            if opened.is_some() {
                return opened;
            }
        }
        None
    }

    /// A connection to this replica, with its lag. None if it does not answer within the limit.
    async fn open_replica(&self, config: &DatabaseConfig, replica: &Endpoint, limit: Duration) -> Option<Open> {
        let opening = async {
            let mut open = self.open(config.of_replica(replica), limit).await?;
            let lag = lag(&mut open.connection).await?.unwrap_or(Duration::MAX);
            open.replica = Some(Checked { replica: replica.clone(), lag, at: SystemTime::now() });
            Ok::<_, Error>(open)
        };
        let opened = timeout(limit, opening).await;
        self.used(replica, opened.unwrap_or_else(|_| Err(Error::Busy(NoAnswer(limit.as_millis()).into()))))
    }

    /// The idle connection with its lag, which is measured once a second. None if the replica does not answer.
    async fn checked(&self, mut open: Open) -> Option<Open> {
        let checked = open.replica.as_mut()?;
        if checked.at.elapsed().is_ok_and(|age| age < FRESH_FOR) {
            return Some(open);
        }
        let replica = checked.replica.clone();
        let measured = match timeout(PING_TIMEOUT, lag(&mut open.connection)).await {
            Ok(Ok(lag)) => {
                (checked.lag, checked.at) = (lag.unwrap_or(Duration::MAX), SystemTime::now());
                Ok(open)
            }
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(Error::Busy(NoAnswer(PING_TIMEOUT.as_millis()).into())),
        };
        self.used(&replica, measured)
    }

    /// Notes a replica that is late or does not answer.
    fn used(&self, replica: &Endpoint, opened: Result<Open>) -> Option<Open> {
        match opened {
            Ok(open) => {
                if open.is_late() {
                    self.replicas.leave(replica, &format!("it is {} s behind", open.lag().as_secs()));
                }
                Some(open)
            }
            Err(error) => {
                self.replicas.leave(replica, &format!("{:#}", anyhow::Error::from(error)));
                None
            }
        }
    }

    /// The state of each replica of the configuration, over connections of their own.
    ///
    /// # Errors
    /// The parameters cannot be read.
    pub async fn replica_states(&self) -> Result<Vec<ReplicaState>> {
        let config = self.granted(self.settings.current().await)?;
        // One for all: each replica has room for as many connections as the process has.
        let _permit = self.connections.permit().await?;
        let state = async |replica: &Endpoint| {
            let began = Instant::now();
            let asking = async {
                let mut open = self.open(config.of_replica(replica), super::CONNECT_TIMEOUT).await?;
                Ok::<_, Error>(lag(&mut open.connection).await?)
            };
            let lag = timeout(super::CONNECTING, asking).await;
            let lag = lag.unwrap_or_else(|_| Err(Error::Busy(NoAnswer(super::CONNECTING.as_millis()).into())));
            ReplicaState { lag, took: began.elapsed() }
        };
        Ok(join_all(config.replicas.iter().map(state)).await)
    }
}

/// Time for several attempts, one after another: a silent replica leaves time for the next one.
struct TimeForAll {
    ends: Instant,
    attempts: usize,
}

impl TimeForAll {
    fn new(time: Duration, attempts: usize) -> Self {
        Self { ends: Instant::now() + time, attempts }
    }

    /// Time for the attempt at this position, from 0: an equal part of what is left.
    fn share(&self, position: usize) -> Duration {
        let attempts_left = self.attempts.saturating_sub(position).max(1);
        let left = self.ends.saturating_duration_since(Instant::now());
        left / u32::try_from(attempts_left).unwrap_or(u32::MAX)
    }
}

/// The one that is less late.
fn earlier(one: Option<Open>, other: Option<Open>) -> Option<Open> {
    one.into_iter().chain(other).min_by_key(Open::lag)
}
