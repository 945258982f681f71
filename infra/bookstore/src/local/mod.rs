//! The local stage: a private MariaDB and an AWS emulator, which `up` deploys to.
//!
//! Both are background processes of one home (see `home`), which later commands find: `up` reuses or replaces what runs
//! there, `down` stops exactly what `up` started. A command claims the home first (see `claim`), so that nothing is left
//! running when it ends.

mod claim;
mod emulator;
mod home;
mod lock;
mod logs;
mod mariadb;
mod open;
mod packages;
mod ports;
mod process;
mod secrets;
mod signals;
mod stat;
mod tools;

#[cfg(test)]
pub mod scratch;

use anyhow::{Result, ensure};

pub use self::{
    claim::{Claim, WATCHDOG, close_abandoned},
    emulator::{Emulator, client_environment},
    home::Home,
    mariadb::MariaDb,
    open::OpenShop,
    packages::{chromium, registry, valgrind},
    ports::any_free as any_free_port,
    signals::Signals,
    tools::{Tool, Tools},
};

/// A running local stage, with the claim that lets only this command change it.
pub struct LocalStage {
    pub mariadb: MariaDb,
    pub emulator: Emulator,
    claim: Claim,
}

pub struct Options<'a> {
    /// Port of the emulator and of the shop.
    pub port: u16,
    /// Settings of the database server.
    pub settings: &'a [(&'a str, String)],
    /// Number of its replicas.
    pub replicas: u16,
    /// Delete all data first.
    pub reset: bool,
}

/// Checks that the port is usable, before the first build, which takes minutes.
pub fn check_port(home: &Home, port: u16) -> Result<()> {
    if Emulator::running(home)? == Some(port) { Ok(()) } else { ports::require_free(port) }
}

impl LocalStage {
    /// Starts what does not run; a running emulator keeps the messages in its queues.
    pub async fn start(home: &Home, options: &Options<'_>, claim: Claim) -> Result<Self> {
        ensure!(cfg!(target_os = "linux"), "the local stage needs Linux: run it in a virtual machine or container");
        home.check_space()?;
        let tools = Tools::ensure(home, &[Tool::Ministack])?;
        if options.reset {
            MariaDb::reset(home).await?;
        }
        let mariadb = MariaDb::start_with_replicas(home, options.settings, options.replicas).await?;
        let emulator = Emulator::start(home, &tools, options.port, options.reset).await?;
        Ok(Self { mariadb, emulator, claim })
    }

    /// Lets it run when this command ends.
    pub fn detach(self) -> Result<()> {
        self.claim.detach()
    }

    /// Stops everything that runs in `home`: first the emulator, which writes to the database, then the database. Returns
    /// whether anything ran.
    pub async fn stop(home: &Home) -> Result<bool> {
        OpenShop::forget(home)?;
        let emulator_ran = Emulator::stop(home).await?;
        let mariadb_ran = MariaDb::stop(home).await?;
        Ok(emulator_ran || mariadb_ran)
    }

    /// Waits until one of the two ends.
    ///
    /// # Errors
    /// It was not stopped by `down`.
    pub async fn ended(&self) -> Result<()> {
        tokio::select! {
            end = self.mariadb.ended() => end,
            end = self.emulator.ended() => end,
        }
    }
}
