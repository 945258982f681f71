//! A private MariaDB server: its own data, port and settings, nothing shared with the machine's own database.
//!
//! Users and grants come from `setup.sql`, which the server runs at every start before it accepts connections, so that
//! no password is ever empty, and lost secrets are replaced.

mod files;
mod programs;

use std::time::Duration;

use anyhow::{Context, Result};
use sqlx::{Connection, MySqlConnection};
use tokio::time::timeout;

use self::programs::Programs;
use super::{
    home::{Home, remove_folder},
    ports,
    process::Process,
    secrets::Secrets,
};

pub const DATABASE: &str = "anaquel";
/// The user with the privileges of the RDS master user; on AWS the stage names it.
pub const ADMIN: &str = "anaquel_admin";

const NAME: &str = "mariadb";
/// Recovery after a crash is part of a start.
const START_TIMEOUT: Duration = Duration::from_mins(2);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const LOGIN_TIMEOUT: Duration = Duration::from_secs(3);

pub struct MariaDb {
    process: Process,
    pub port: u16,
    pub secrets: Secrets,
}

impl MariaDb {
    /// Starts the server with `settings`, the stage's own, or keeps the one that already runs with them.
    pub async fn start(home: &Home, settings: &[(&str, String)]) -> Result<Self> {
        if let Some(server) = Self::kept(home, settings).await? {
            return Ok(server);
        }
        Self::stop(home).await?;
        let programs = Programs::ensure(home)?;
        let folder = home.folder(NAME)?;
        let data = programs.initialise(home, &folder)?;
        let port = ports::kept(home, NAME)?;
        let secrets = Secrets::of(home)?;
        files::write(&folder, settings, port, &secrets)?;
        errln!("Starting MariaDB …");
        let process = Process::spawn(home, NAME, programs.server(home, NAME, &folder, &data)?)?;
        let server = Self { process, port, secrets };
        let accepts_root = async || server.accepts_root().await;
        server.process.wait_until(START_TIMEOUT, accepts_root).await?;
        Ok(server)
    }

    /// The server that an earlier command started, if it accepts logins and has these settings and passwords.
    async fn kept(home: &Home, settings: &[(&str, String)]) -> Result<Option<Self>> {
        let process = Process::find(home, NAME)?.filter(Process::is_alive);
        let port = ports::noted(home, NAME)?;
        let (Some(process), Some(port)) = (process, port) else {
            return Ok(None);
        };
        let secrets = Secrets::of(home)?;
        let changed = files::write(&home.folder(NAME)?, settings, port, &secrets)?;
        let server = Self { process, port, secrets };
        let is_healthy = !changed && server.accepts_root().await.unwrap_or(false);
        Ok(Some(server).filter(|_| is_healthy))
    }

    /// Ends the server of `home`, if it runs. Returns whether it did.
    pub async fn stop(home: &Home) -> Result<bool> {
        let Some(process) = Process::find(home, NAME)? else {
            return Ok(false);
        };
        process.stop(STOP_TIMEOUT).await?;
        Ok(true)
    }

    /// Kills the server of `home` as a crash does; the next start recovers its data.
    pub async fn kill(home: &Home) -> Result<()> {
        Process::find(home, NAME)?.context("no MariaDB runs that could be killed")?.kill().await
    }

    /// Ends the server and deletes all its data.
    pub async fn reset(home: &Home) -> Result<()> {
        Self::stop(home).await?;
        remove_folder(&home.folder(NAME)?)
    }

    /// The port of the server of `home`, while it runs.
    pub fn running(home: &Home) -> Result<Option<u16>> {
        let is_alive = Process::find(home, NAME)?.is_some_and(|process| process.is_alive());
        Ok(ports::noted(home, NAME)?.filter(|_| is_alive))
    }

    /// A URL with all privileges on the server of `home`, while it runs.
    pub fn running_root_url(home: &Home) -> Result<Option<String>> {
        let Some(port) = Self::running(home)? else { return Ok(None) };
        Ok(Some(format!("mysql://root:{}@127.0.0.1:{port}/mysql", Secrets::of(home)?.root)))
    }

    /// Waits for its end, as `Process::ended` does.
    pub async fn ended(&self) -> Result<()> {
        self.process.ended().await
    }

    pub fn pid(&self) -> i32 {
        self.process.pid()
    }

    /// A URL with all privileges on `database`, for tests and compile-time checks of queries.
    pub fn root_url(&self, database: &str) -> String {
        format!("mysql://root:{}@127.0.0.1:{}/{database}", self.secrets.root, self.port)
    }

    /// # Errors
    /// The server refuses the login.
    async fn accepts_root(&self) -> Result<bool> {
        match timeout(LOGIN_TIMEOUT, MySqlConnection::connect(&self.root_url(DATABASE))).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                Ok(true)
            }
            Ok(Err(sqlx::Error::Database(refusal))) => Err(refusal).context("logging in to the private MariaDB"),
            Ok(Err(_)) | Err(_) => Ok(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::local::scratch::Scratch;

    /// One server through its whole life, because each start takes a second.
    #[ignore = "needs MariaDB"]
    #[tokio::test]
    async fn an_interrupted_beginning_a_crash_and_lost_secrets_are_all_survived() {
        let scratch = Scratch::new();
        let home = &scratch.home;
        let half_made = home.folder("mariadb/draft/mysql").unwrap();

        let first = MariaDb::start(home, &[]).await.unwrap();
        assert!(!half_made.exists());
        execute(&first, "create table kept (id int primary key)").await;

        scratch.kill_all();
        fs::remove_file(home.root().join("secrets.toml")).unwrap();

        let second = MariaDb::start(home, &[]).await.unwrap();
        assert_ne!(second.secrets.root, first.secrets.root);
        execute(&second, "insert into kept values (1)").await;

        assert!(MariaDb::stop(home).await.unwrap());
        assert!(!MariaDb::stop(home).await.unwrap());
        assert_eq!(MariaDb::running(home).unwrap(), None);
    }

    #[ignore = "needs MariaDB"]
    #[tokio::test]
    async fn a_running_server_is_kept_until_its_settings_change() {
        let scratch = Scratch::new();
        let home = &scratch.home;
        let pid = || fs::read_to_string(home.root().join("mariadb/data/mariadb.pid")).unwrap();

        let port = MariaDb::start(home, &[]).await.unwrap().port;
        let first = pid();
        MariaDb::start(home, &[]).await.unwrap();
        assert_eq!(pid(), first);
        let changed = MariaDb::start(home, &[("max_connections", "50".to_owned())]).await.unwrap();
        assert_ne!(pid(), first);
        assert_eq!(changed.port, port);
    }

    #[ignore = "needs MariaDB"]
    #[tokio::test]
    async fn a_setting_that_the_server_does_not_know_is_refused_in_its_own_words() {
        let scratch = Scratch::new();
        let settings = [("no_such_setting", "1".to_owned())];
        let failure = MariaDb::start(&scratch.home, &settings).await.err().unwrap().to_string();
        assert!(failure.contains("unknown variable 'no_such_setting=1'"), "{failure}");
    }

    async fn execute(server: &MariaDb, statement: &'static str) {
        let mut root = MySqlConnection::connect(&server.root_url(DATABASE)).await.unwrap();
        sqlx::raw_sql(statement).execute(&mut root).await.unwrap();
    }
}
