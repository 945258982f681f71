//! The whole system on one machine: a private MariaDB and an AWS emulator, to which `up` then really deploys.
//!
//! Both are background processes of one home (see `home`), found again by whoever comes later: `up` after a
//! crash reuses or replaces what is left, `down` ends exactly what `up` started.

mod emulator;
mod home;
mod lock;
mod logs;
mod mariadb;
mod packages;
mod ports;
mod process;
mod secrets;
mod stat;
mod tools;

#[cfg(test)]
mod scratch;

use anyhow::{Result, ensure};

pub use self::{
    emulator::Emulator,
    home::Home,
    mariadb::MariaDb,
    packages::chromium,
    ports::any_free as any_free_port,
    tools::{Tool, Tools},
};

/// A running local stage, and the right to be the only command that changes it.
pub struct LocalStage {
    pub mariadb: MariaDb,
    pub emulator: Emulator,
    _lock: lock::Lock,
}

pub struct Options<'a> {
    /// Where the emulator, and so the shop, listens.
    pub port: u16,
    /// The stage's settings of the database server.
    pub settings: &'a [(&'a str, String)],
    /// Throw away all data first.
    pub reset: bool,
}

/// Whether `up` can listen there; asked before the first build, which takes minutes.
pub fn check_port(home: &Home, port: u16) -> Result<()> {
    if Emulator::running(home)? == Some(port) { Ok(()) } else { ports::require_free(port) }
}

impl LocalStage {
    /// Starts what does not run yet; what runs well goes on, with the messages in its queues.
    pub async fn start(home: &Home, options: &Options<'_>) -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "the local stage needs Linux: run it in a virtual machine or container");
        let lock = home.lock()?;
        home.check_space()?;
        let tools = Tools::ensure(home, &[Tool::Ministack])?;
        if options.reset {
            MariaDb::reset(home).await?;
        }
        let mariadb = MariaDb::start(home, options.settings).await?;
        let emulator = Emulator::start(home, &tools, options.port, options.reset).await?;
        Ok(Self { mariadb, emulator, _lock: lock })
    }

    /// Ends everything that runs in `home`: first what writes to the database, then the database. Says whether
    /// anything ran.
    pub async fn stop(home: &Home) -> Result<bool> {
        let emulator_ran = Emulator::stop(home).await?;
        let mariadb_ran = MariaDb::stop(home).await?;
        Ok(emulator_ran || mariadb_ran)
    }

    /// Waits until one of the two ends: by a `down` elsewhere, or by itself, which is an error.
    pub async fn ended(&self) -> Result<()> {
        tokio::select! {
            end = self.mariadb.ended() => end,
            end = self.emulator.ended() => end,
        }
    }
}
