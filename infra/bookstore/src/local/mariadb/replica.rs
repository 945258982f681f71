//! A second private MariaDB that replicates from the first one by GTID, and allows no writes.
//!
//! It begins with a copy of the first one's files, which is exact only after a clean stop. One that has lost its place, after a
//! crash or because it was not there for a while, is copied again.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};
use tokio::time::{Instant, sleep, timeout};

use super::{
    ADMIN, LOGIN_TIMEOUT, START_TIMEOUT, STOP_TIMEOUT,
    files::{self, Role},
    programs::Programs,
};
use crate::local::{
    home::{Home, remove_folder},
    ports,
    process::Process,
    secrets::Secrets,
};

/// Names of processes and folders.
const NAMES: [&str; 3] = ["mariadb-replica-1", "mariadb-replica-2", "mariadb-replica-3"];
/// The most replicas of a local stage: each is a server of its own on one machine.
pub const MOST: u16 = 3;
/// Time in which a replica reaches the state of the first server.
const CATCH_UP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);

/// The state of the binary log after a clean stop, in the first server's files.
const STATE: &str = "binlog.state";
/// The place at which a copy begins to replicate.
const POSITION: &str = "position";
/// Files of a copy that belong to the first server.
const NOT_COPIED: [&str; 3] = ["binlog.", "mariadb.", "relay"];

pub struct Replica {
    number: u16,
    name: &'static str,
    folder: PathBuf,
}

impl Replica {
    /// The replicas of `home`, running or not.
    pub fn all(home: &Home) -> Vec<Self> {
        let replica = |(number, name): (u16, &'static str)| Self { number, name, folder: home.root().join(name) };
        (1..).zip(NAMES).map(replica).collect()
    }

    pub fn has_data(&self) -> bool {
        self.data().exists()
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The port, while it runs.
    pub fn running(&self, home: &Home) -> Result<Option<u16>> {
        let is_alive = Process::find(home, self.name)?.is_some_and(|process| process.is_alive());
        Ok(ports::noted(home, self.name)?.filter(|_| is_alive))
    }

    pub async fn stop(&self, home: &Home) -> Result<bool> {
        let Some(process) = Process::find(home, self.name)? else { return Ok(false) };
        process.stop(STOP_TIMEOUT).await?;
        Ok(true)
    }

    pub async fn kill(&self, home: &Home) -> Result<()> {
        Process::find(home, self.name)?.context("no replica runs that could be killed")?.kill().await
    }

    pub async fn remove(&self, home: &Home) -> Result<()> {
        self.stop(home).await?;
        remove_folder(&self.folder)
    }

    /// Replaces its files by those of the first server, which must have stopped cleanly.
    pub async fn copy(&self, home: &Home, source: &Path) -> Result<()> {
        self.remove(home).await?;
        home.folder(self.name)?;
        let draft = self.folder.join("draft");
        let copied = Command::new("cp").args(["--archive", "--reflink=auto"]).args([source, draft.as_path()]).status();
        ensure!(copied.is_ok_and(|status| status.success()), "the database could not be copied to {}", draft.display());
        let state = fs::read_to_string(source.join(STATE)).unwrap_or_default();
        for entry in fs::read_dir(&draft)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if NOT_COPIED.iter().any(|prefix| name.starts_with(prefix)) {
                fs::remove_file(entry.path())?;
            }
        }
        fs::write(self.folder.join(POSITION), position(&state))?;
        fs::rename(draft, self.data()).context("moving the copied database to its place")
    }

    /// Starts it, or keeps the one that runs, and waits until it has everything that the first server has. Returns its port;
    /// none if its files do not fit and must be copied again.
    pub async fn follow(
        &self,
        home: &Home,
        settings: &[(&str, String)],
        primary: u16,
        secrets: &Secrets,
    ) -> Result<Option<u16>> {
        if !self.has_data() {
            return Ok(None);
        }
        let port = match self.running(home)? {
            Some(port) if !self.write_files(settings, port, secrets)? => port,
            _ => self.start(home, settings, secrets).await?,
        };
        let mut replica = login(port, secrets).await.with_context(|| format!("logging in to {}", self.name))?;
        if !self.is_following(&mut replica, primary).await? {
            self.begin(&mut replica, primary, secrets).await?;
        }
        let has_caught_up = self.catches_up(&mut replica, primary, secrets).await?;
        replica.close().await?;
        Ok(has_caught_up.then_some(port))
    }

    fn write_files(&self, settings: &[(&str, String)], port: u16, secrets: &Secrets) -> Result<bool> {
        files::write(&self.folder, settings, &Role::Replica(self.number), port, secrets)
    }

    async fn start(&self, home: &Home, settings: &[(&str, String)], secrets: &Secrets) -> Result<u16> {
        self.stop(home).await?;
        let port = ports::kept(home, self.name)?;
        self.write_files(settings, port, secrets)?;
        let server = Programs::ensure(home)?.server(home, self.name, &self.folder, &self.data())?;
        let process = Process::spawn(home, self.name, server)?;
        process.wait_until(START_TIMEOUT, async || Ok(login(port, secrets).await.is_ok())).await?;
        Ok(port)
    }

    async fn is_following(&self, replica: &mut MySqlConnection, primary: u16) -> Result<bool> {
        let status = status(replica).await?;
        Ok(!self.folder.join(POSITION).exists()
            && status
                .is_some_and(|status| status.port == u32::from(primary) && status.applies && status.error.is_empty()))
    }

    async fn begin(&self, replica: &mut MySqlConnection, primary: u16, secrets: &Secrets) -> Result<()> {
        let file = self.folder.join(POSITION);
        let position =
            fs::read_to_string(&file).ok().map(|position| format!("set global gtid_slave_pos = '{position}'"));
        let follow = format!(
            "change master to master_host = '127.0.0.1', master_port = {primary}, master_user = '{ADMIN}', \
             master_password = '{}', master_use_gtid = slave_pos, master_connect_retry = 1",
            secrets.admin
        );
        let statements =
            ["stop slave".to_owned()].into_iter().chain(position).chain([follow, "start slave".to_owned()]);
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *replica).await.context("starting to replicate")?;
        }
        _ = fs::remove_file(file); // there is none for a replica that goes on
        Ok(())
    }

    /// Whether it reaches the state that the first server has now. It does not if an event cannot be read or applied.
    async fn catches_up(&self, replica: &mut MySqlConnection, primary: u16, secrets: &Secrets) -> Result<bool> {
        let mut first = login(primary, secrets).await.context("logging in to the private MariaDB")?;
        let goal: String = sqlx::query_scalar("select @@gtid_binlog_pos").fetch_one(&mut first).await?;
        first.close().await?;
        let deadline = Instant::now() + CATCH_UP_TIMEOUT;
        loop {
            let reached = sqlx::query_scalar("select master_gtid_wait(?, 0)").bind(&goal);
            let reached: Option<i64> = reached.fetch_one(&mut *replica).await?;
            if reached == Some(0) {
                return Ok(true);
            }
            let fails = status(replica).await?.is_none_or(|status| !status.applies || status.is_lost);
            if fails || Instant::now() > deadline {
                return Ok(false);
            }
            sleep(POLL).await;
        }
    }
}

/// State of the replication, from `show slave status`.
struct Status {
    port: u32,
    /// Whether events are applied, those that have arrived.
    applies: bool,
    error: String,
    /// The first server no longer has the next events, or others in their place.
    is_lost: bool,
}

async fn status(replica: &mut MySqlConnection) -> Result<Option<Status>> {
    let Some(row) = sqlx::raw_sql("show slave status").fetch_optional(replica).await? else { return Ok(None) };
    let applies: String = row.try_get("Slave_SQL_Running")?;
    let code: u32 = row.try_get("Last_IO_Errno")?;
    Ok(Some(Status {
        port: row.try_get("Master_Port")?,
        applies: applies == "Yes",
        error: row.try_get("Last_Error")?,
        is_lost: code == 1236,
    }))
}

async fn login(port: u16, secrets: &Secrets) -> Result<MySqlConnection> {
    let url = format!("mysql://root:{}@127.0.0.1:{port}/mysql", secrets.root);
    Ok(timeout(LOGIN_TIMEOUT, MySqlConnection::connect(&url)).await??)
}

/// The last transaction of each domain, from lines such as `0-1-42`: domain, server, number.
fn position(state: &str) -> String {
    let mut last: BTreeMap<u32, (u64, &str)> = BTreeMap::new();
    for line in state.lines().map(str::trim) {
        let mut parts = line.split('-').map(str::parse::<u64>);
        let (Some(Ok(domain)), Some(Ok(_)), Some(Ok(number))) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let domain = u32::try_from(domain).unwrap_or_default();
        if last.get(&domain).is_none_or(|(known, _)| *known < number) {
            last.insert(domain, (number, line));
        }
    }
    last.into_values().map(|(_, line)| line).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_begins_after_the_last_transaction_of_each_domain() {
        assert_eq!(position("0-1-42\n0-2-50\n1-1-7\n"), "0-2-50,1-1-7");
        assert_eq!(position(""), "");
        assert_eq!(position("no position\n"), "");
    }
}
