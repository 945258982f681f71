//! A private MariaDB server: its own data, port and settings, nothing shared with the machine's own database.
//!
//! Users and grants come from `setup.sql`, which the server runs at every start before it accepts connections, so that
//! no password is ever empty, and lost secrets are replaced. It may have replicas, which are servers of the same kind.

mod files;
mod programs;
mod replica;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, MySqlConnection};
use tokio::time::timeout;

use self::{files::Role, programs::Programs, replica::Replica};
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
/// In the folder of its data, while it runs or after a crash.
const PID_FILE: &str = "mariadb.pid";
/// Recovery after a crash is part of a start.
const START_TIMEOUT: Duration = Duration::from_mins(2);
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const LOGIN_TIMEOUT: Duration = Duration::from_secs(3);

pub struct MariaDb {
    process: Process,
    pub port: u16,
    pub secrets: Secrets,
    /// Ports of the replicas.
    pub replicas: Vec<u16>,
}

impl MariaDb {
    /// Starts the server with `settings`, the stage's own, or keeps the one that already runs with them.
    pub async fn start(home: &Home, settings: &[(&str, String)]) -> Result<Self> {
        Self::start_with_replicas(home, settings, 0).await
    }

    /// The same with so many replicas. Others of before are removed, because they would miss what is written meanwhile.
    pub async fn start_with_replicas(home: &Home, settings: &[(&str, String)], count: u16) -> Result<Self> {
        ensure!(
            count <= replica::MOST,
            "{count} replicas are too many for one machine; at most {} are possible",
            replica::MOST
        );
        let mut replicas = Replica::all(home);
        for removed in replicas.split_off(count.into()) {
            removed.remove(home).await?;
        }
        let role = if count == 0 { Role::Alone } else { Role::Primary };
        let mut server = match Self::kept(home, settings, &role).await? {
            Some(server) => server,
            None => Self::start_again(home, settings, &role, &replicas).await?,
        };
        for replica in replicas {
            let mut port = replica.follow(home, settings, server.port, &server.secrets).await?;
            if port.is_none() {
                errln!("Copying the database for a replica …");
                replica.remove(home).await?;
                server = Self::start_again(home, settings, &role, std::slice::from_ref(&replica)).await?;
                port = replica.follow(home, settings, server.port, &server.secrets).await?;
            }
            server
                .replicas
                .push(port.context("a replica does not follow the database; its log is beside that of mariadb")?);
        }
        Ok(server)
    }

    /// Starts the server again. Replicas without data get a copy of its files before, while it is stopped.
    async fn start_again(home: &Home, settings: &[(&str, String)], role: &Role, replicas: &[Replica]) -> Result<Self> {
        Self::stop_primary(home).await?;
        let programs = Programs::ensure(home)?;
        let folder = home.folder(NAME)?;
        let data = programs.initialise(home, &folder)?;
        // A server that has crashed leaves this file, and a copy of its data would not know where to go on.
        if !data.join(PID_FILE).exists() {
            for replica in replicas.iter().filter(|replica| !replica.has_data()) {
                replica.copy(home, &data).await?;
            }
        }
        let port = ports::kept(home, NAME)?;
        let secrets = Secrets::of(home)?;
        files::write(&folder, settings, role, port, &secrets)?;
        errln!("Starting MariaDB …");
        let process = Process::spawn(home, NAME, programs.server(home, NAME, &folder, &data)?)?;
        let server = Self { process, port, secrets, replicas: Vec::new() };
        let accepts_root = async || server.accepts_root().await;
        server.process.wait_until(START_TIMEOUT, accepts_root).await?;
        Ok(server)
    }

    /// The server that an earlier command started, if it accepts logins and has these settings and passwords.
    async fn kept(home: &Home, settings: &[(&str, String)], role: &Role) -> Result<Option<Self>> {
        let process = Process::find(home, NAME)?.filter(Process::is_alive);
        let port = ports::noted(home, NAME)?;
        let (Some(process), Some(port)) = (process, port) else {
            return Ok(None);
        };
        let secrets = Secrets::of(home)?;
        let changed = files::write(&home.folder(NAME)?, settings, role, port, &secrets)?;
        let server = Self { process, port, secrets, replicas: Vec::new() };
        let is_healthy = !changed && server.accepts_root().await.unwrap_or(false);
        Ok(Some(server).filter(|_| is_healthy))
    }

    /// Ends the server of `home` and its replicas, if they run. Returns whether one did.
    pub async fn stop(home: &Home) -> Result<bool> {
        let mut ran = Self::stop_primary(home).await?;
        for replica in Replica::all(home) {
            ran |= replica.stop(home).await?;
        }
        Ok(ran)
    }

    async fn stop_primary(home: &Home) -> Result<bool> {
        let Some(process) = Process::find(home, NAME)? else {
            return Ok(false);
        };
        process.stop(STOP_TIMEOUT).await?;
        Ok(true)
    }

    /// Kills the server of `home` as a crash does; the next start recovers its data. Its replicas stay.
    pub async fn kill(home: &Home) -> Result<()> {
        Process::find(home, NAME)?.context("no MariaDB runs that could be killed")?.kill().await
    }

    /// Kills the first replica of `home` in the same way.
    pub async fn kill_replica(home: &Home) -> Result<()> {
        Replica::all(home).first().context("there is no replica")?.kill(home).await
    }

    /// Ends the server and its replicas and deletes all their data.
    pub async fn reset(home: &Home) -> Result<()> {
        Self::stop(home).await?;
        for replica in Replica::all(home) {
            replica.remove(home).await?;
        }
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

    /// The ports of the replicas that run in `home`.
    pub fn running_replicas(home: &Home) -> Result<Vec<u16>> {
        let ports = Replica::all(home).into_iter().map(|replica| replica.running(home));
        ports.filter_map(Result::transpose).collect()
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
        self.root_url_at(self.port, database)
    }

    /// The same at the port of a replica.
    pub fn root_url_at(&self, port: u16, database: &str) -> String {
        format!("mysql://root:{}@127.0.0.1:{port}/{database}", self.secrets.root)
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

        let mut root = MySqlConnection::connect(&first.root_url(DATABASE)).await.unwrap();
        let cipher: (String, String) =
            sqlx::query_as("show status like 'ssl_cipher'").fetch_one(&mut root).await.unwrap();
        assert!(!cipher.1.is_empty(), "functions connect without TLS, and on AWS with it");

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

    /// One replica through its whole life, for the same reason.
    #[ignore = "needs MariaDB"]
    #[tokio::test]
    async fn a_replica_follows_allows_no_writes_and_survives_a_crash_of_its_server_or_a_time_without_it() {
        let scratch = Scratch::new();
        let home = &scratch.home;
        let server = MariaDb::start_with_replicas(home, &[], 1).await.unwrap();
        let [port] = server.replicas[..] else { panic!("{:?}", server.replicas) };
        assert_eq!(MariaDb::running_replicas(home).unwrap(), [port]);
        execute(&server, "create table kept (id int primary key)").await;
        execute(&server, "insert into kept values (1)").await;
        rows_become(&server, port, 1).await;

        let user = format!("mysql://{ADMIN}:{}@127.0.0.1:{port}/{DATABASE}", server.secrets.admin);
        let mut user = MySqlConnection::connect(&user).await.unwrap();
        let refused = sqlx::raw_sql("insert into kept values (7)").execute(&mut user).await.unwrap_err().to_string();
        assert!(refused.contains("read-only"), "{refused}");

        MariaDb::kill(home).await.unwrap();
        assert_eq!(rows(&server, port).await, 1);
        let server = MariaDb::start_with_replicas(home, &[], 1).await.unwrap();
        assert_eq!(server.replicas, [port]);
        execute(&server, "insert into kept values (2)").await;
        rows_become(&server, port, 2).await;

        let alone = MariaDb::start(home, &[]).await.unwrap();
        assert_eq!(MariaDb::running_replicas(home).unwrap(), Vec::<u16>::new());
        execute(&alone, "insert into kept values (3)").await;
        let server = MariaDb::start_with_replicas(home, &[], 1).await.unwrap();
        rows_become(&server, server.replicas[0], 3).await;

        scratch.kill_all();
        let server = MariaDb::start_with_replicas(home, &[], 1).await.unwrap();
        execute(&server, "insert into kept values (4)").await;
        rows_become(&server, server.replicas[0], 4).await;
    }

    async fn rows(server: &MariaDb, port: u16) -> i64 {
        let url = format!("mysql://root:{}@127.0.0.1:{port}/{DATABASE}", server.secrets.root);
        let mut root = MySqlConnection::connect(&url).await.unwrap();
        sqlx::query_scalar("select count(*) from kept").fetch_one(&mut root).await.unwrap_or(0)
    }

    async fn rows_become(server: &MariaDb, port: u16, expected: i64) {
        for _ in 0..100 {
            if rows(server, port).await == expected {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} rows in place of {expected}", rows(server, port).await);
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
