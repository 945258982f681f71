//! Connections that nobody uses, and how many may be open at once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use anyhow::anyhow;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

use super::{CONNECT_TIMEOUT, Error, Open, Result};

/// The connections of one execution environment, or those of a server's thread with all its logins.
pub struct Connections {
    /// The one used last at the end.
    idle: Mutex<Vec<Open>>,
    /// One for each connection that may be open at once; none where requests come one at a time.
    permits: Option<Semaphore>,
}

impl Connections {
    /// For a function, whose requests come one at a time: it keeps a connection to the primary, and one to a replica.
    pub(super) fn of_function() -> Self {
        Self { idle: Mutex::default(), permits: None }
    }

    /// For requests that come together: at most so many connections are open at once, and work waits for one.
    pub fn at_most(connections: usize) -> Self {
        Self { idle: Mutex::default(), permits: Some(Semaphore::new(connections)) }
    }

    /// The permit for one connection. While work has it, fewer idle connections are kept.
    ///
    /// # Errors
    /// None becomes free in time.
    pub(super) async fn permit(&self) -> Result<Option<SemaphorePermit<'_>>> {
        let Some(permits) = &self.permits else { return Ok(None) };
        match timeout(CONNECT_TIMEOUT, permits.acquire()).await {
            Ok(permit) => Ok(permit.ok()),
            Err(_) => Err(Error::Away(anyhow!("all connections of this process are in use"))),
        }
    }

    /// Closes those that were idle longest, so that one more may be opened.
    pub(super) fn make_room(&self) {
        let Some(permits) = &self.permits else { return };
        let mut idle = self.idle();
        let too_many = idle.len().saturating_sub(permits.available_permits());
        idle.drain(..too_many);
    }

    /// Keeps a connection for the next work.
    pub(super) fn put(&self, mut open: Open) {
        open.idle_since = SystemTime::now();
        let mut idle = self.idle();
        if self.permits.is_none() {
            idle.retain(|other| other.replica.is_some() != open.replica.is_some());
        }
        idle.push(open);
    }

    /// The connection that was used last, of those that fit.
    pub(super) fn take(&self, fits: impl Fn(&Open) -> bool) -> Option<Open> {
        let mut idle = self.idle();
        let position = idle.iter().rposition(fits)?;
        Some(idle.remove(position))
    }

    /// Closes those that are not sound.
    pub(super) fn close(&self, is_broken: impl Fn(&Open) -> bool) {
        self.idle().retain(|open| !is_broken(open));
    }

    pub(super) fn idle(&self) -> MutexGuard<'_, Vec<Open>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
