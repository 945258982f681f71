//! The right of one command to start and stop what runs in a home.
//!
//! A watchdog, a second process of this program in its own process group, waits for the lock of the home. The kernel releases
//! the lock when the command ends, also when it is killed; the watchdog then stops whatever the command left running.

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, sleep};

use super::{LocalStage, home::Home, lock::Lock};

/// The hidden subcommand of the watchdog.
pub const WATCHDOG: &str = "close-abandoned";
/// Not its path, where a build may have put another one in the meantime.
const THIS_PROGRAM: &str = "/proc/self/exe";
/// A command that has just ended may still be closing, or its watchdog may be.
const TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

pub struct Claim {
    watchdog: Child,
    _lock: Lock,
}

impl Claim {
    /// # Errors
    /// Another command keeps the home; the message has its pid.
    pub async fn take(home: &Home) -> Result<Self> {
        let lock = locked(home).await?;
        let mut watchdog = Command::new(THIS_PROGRAM);
        watchdog.arg0("bookstore").arg(WATCHDOG).arg(home.root()).process_group(0);
        let watchdog = watchdog.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self { watchdog: watchdog.context("starting the watchdog")?, _lock: lock })
    }

    /// Gives up the home without stopping what runs there.
    pub fn detach(mut self) -> Result<()> {
        self.watchdog.kill().context("ending the watchdog")?;
        self.watchdog.wait().context("ending the watchdog")?;
        Ok(())
    }
}

async fn locked(home: &Home) -> Result<Lock> {
    if let Some(lock) = home.try_lock()? {
        return Ok(lock);
    }
    errln!("Waiting for another `bookstore` …");
    let deadline = Instant::now() + TIMEOUT;
    loop {
        match home.try_lock()? {
            Some(lock) => return Ok(lock),
            None if Instant::now() < deadline => sleep(POLL).await,
            None => bail!(
                "another `bookstore` (pid {}) uses {}: wait until it ends, or stop it",
                home.holder()?.unwrap_or_default(),
                home.root().display()
            ),
        }
    }
}

/// Waits until no command keeps the home, and stops what runs there.
pub async fn close_abandoned(home: &Home) -> Result<()> {
    let _lock = Lock::take(&home.lock_file()?)?;
    LocalStage::stop(home).await.map(drop)
}
