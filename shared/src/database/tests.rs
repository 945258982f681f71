//! Tests of the access to MariaDB.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use sqlx::{MySqlPool, mysql::MySqlSslMode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{error::without_value, login::root_certificate, *};
use crate::{
    config::{Account, Endpoint},
    parameters::DatabaseRole,
    secret::Secret,
};

/// As a writer of the test's own database.
pub(crate) fn database(pool: &MySqlPool) -> Database {
    with_config(config_of(pool))
}

fn config_of(pool: &MySqlPool) -> DatabaseConfig {
    let url: MySqlConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    let password = std::env::var("DATABASE_URL").unwrap();
    let password = password.split_once("://").and_then(|(_, rest)| rest.split_once('@')).map(|(login, _)| login);
    let password = password.and_then(|login| login.split_once(':')).map_or("", |(_, password)| password);
    let account = Account { user: url.get_username().into(), password: Some(Secret::new(password)) };
    let name = pool.connect_options().get_database().unwrap().to_owned();
    let accounts = BTreeMap::from([(DatabaseRole::Writer, account)]);
    DatabaseConfig { name, auth: DatabaseAuth::Password, accounts, ..config(url.get_port()) }
}

fn with_config(config: DatabaseConfig) -> Database {
    let sdk = SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
    let settings = Settings::fixed(Config { database: Some(config), ..Config::default() });
    Database::new(Arc::new(settings), sdk)
}

async fn connection_id(database: &Database) -> u64 {
    let id = database.read(async |c| sqlx::query_scalar("select connection_id()").fetch_one(c).await);
    id.await.unwrap()
}

async fn sleep(database: &Database) -> Result<()> {
    database.read(async |c| sqlx::query("select sleep(5)").execute(c).await.map(drop)).await
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn one_connection_serves_one_request_after_another(pool: MySqlPool) {
    let database = database(&pool);
    assert_eq!(connection_id(&database).await, connection_id(&database).await);
}

/// The connections of the test's own database that are open.
async fn open(pool: &MySqlPool, name: &str) -> i64 {
    let count = "select count(*) from information_schema.processlist where db = database() and user = ?";
    let all: i64 = sqlx::query_scalar(count).bind(name).fetch_one(pool).await.unwrap();
    // The pool's own.
    all - i64::from(pool.size())
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn the_logins_of_a_thread_have_its_connections_together(pool: MySqlPool) {
    let mut config = config_of(&pool);
    let account = config.accounts[&DatabaseRole::Writer].clone();
    let roles = [DatabaseRole::Reader, DatabaseRole::Account, DatabaseRole::Writer];
    config.accounts = roles.iter().map(|role| (*role, account.clone())).collect();
    let connections = Arc::new(Connections::at_most(2));
    let of = |role| {
        let login = Login::Of { role: Some(role), reads_replicas: role == DatabaseRole::Reader };
        Database { login, connections: connections.clone(), ..with_config(config.clone()) }
    };
    let [reader, customer, writer] = roles.map(of);
    let same_account = Database {
        login: Login::Of { role: Some(DatabaseRole::Reader), reads_replicas: false },
        connections: connections.clone(),
        ..with_config(config.clone())
    };
    for database in [&reader, &customer, &writer] {
        database.warm_up().await.unwrap();
    }
    assert_eq!(open(&pool, &account.user).await, 2);
    let ids = (connection_id(&writer).await, connection_id(&customer).await);
    assert_eq!((connection_id(&writer).await, connection_id(&customer).await), ids);
    assert_eq!(connection_id(&reader).await, connection_id(&same_account).await);
    // One login may use all, and another waits until one is free.
    let nap = async |database: &Database| {
        let nap = async |c: &mut MySqlConnection| sqlx::query("select sleep(0.5)").execute(c).await.map(drop);
        database.read(nap).await.unwrap();
    };
    let began = Instant::now();
    tokio::join!(nap(&customer), nap(&customer), nap(&writer));
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(open(&pool, &account.user).await <= 2);
}

/// A session whose password has expired refuses everything until it ends, and answers a ping.
#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn a_connection_that_refuses_statements_is_not_used_again(pool: MySqlPool) {
    let database = database(&pool);
    let first = connection_id(&database).await;
    for (code, is_away) in [(1820, true), (1862, true), (1461, true), (1142, false)] {
        let refuse = || sqlx::AssertSqlSafe(format!("signal sqlstate '45000' set mysql_errno = {code}"));
        let refused = database.read(async |c| sqlx::raw_sql(refuse()).execute(c).await.map(drop)).await;
        assert_eq!(matches!(refused, Err(Error::Away(_))), is_away, "{code}: {refused:?}");
        assert!(database.connections.idle().is_empty(), "{code}");
    }
    assert_ne!(connection_id(&database).await, first);
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn a_read_on_a_lost_connection_is_tried_once_more(pool: MySqlPool) {
    let database = database(&pool);
    let kill_itself_once = AtomicBool::new(true);
    let read = database.read(async |c| {
        let id: u64 = sqlx::query_scalar("select connection_id()").fetch_one(&mut *c).await?;
        if kill_itself_once.swap(false, Ordering::Relaxed) {
            sqlx::query("kill ?").bind(id).execute(&pool).await?;
        }
        sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await
    });
    assert!(read.await.is_ok());
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn an_idle_connection_that_broke_does_not_fail_a_write(pool: MySqlPool) {
    let database = database(&pool);
    let first = connection_id(&database).await;
    sqlx::query("kill ?").bind(first).execute(&pool).await.unwrap();
    database.connections.idle().last_mut().unwrap().idle_since -= 2 * FRESH_FOR;
    let write = database.write(async |c| sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await);
    assert_ne!(write.await.unwrap(), first);
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn work_that_takes_too_long_is_given_up_and_the_next_begins_afresh(pool: MySqlPool) {
    let database = database(&pool);
    let began = Instant::now();
    assert!(matches!(sleep(&database).await, Err(Error::Busy(_))));
    connection_id(&database).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn cancelled_work_leaves_no_busy_connection(pool: MySqlPool) {
    let database = database(&pool);
    let first = connection_id(&database).await;
    assert!(timeout(Duration::from_millis(50), sleep(&database)).await.is_err());
    let began = Instant::now();
    assert_ne!(connection_id(&database).await, first);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn a_change_that_fails_is_undone_at_once_with_its_locks(pool: MySqlPool) {
    sqlx::query("create table t (id int primary key)").execute(&pool).await.unwrap();
    let database = database(&pool);
    let failed: Result<()> = database
        .write(async |c| {
            sqlx::query("insert into t values (1)").execute(&mut *c).await?;
            Err(sqlx::Error::RowNotFound)
        })
        .await;
    assert!(matches!(failed, Err(Error::Defect(_))));
    sqlx::query("insert into t values (1)").execute(&pool).await.unwrap();
}

#[ignore = "needs MariaDB"]
#[sqlx::test]
async fn a_value_that_does_not_fit_is_a_permanent_error(pool: MySqlPool) {
    sqlx::query("create table t (id tinyint)").execute(&pool).await.unwrap();
    let database = database(&pool);
    let write = async |sql: &'static str| database.write(async |c| sqlx::query(sql).execute(c).await.map(drop)).await;
    assert!(matches!(write("insert into t values (1000)").await, Err(Error::Unstorable(_))));
    assert!(matches!(write("insert into nowhere values (1)").await, Err(Error::Defect(_))));
    assert!(matches!(write("kill query connection_id()").await, Err(Error::Busy(_))));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_away_within_a_second() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap().port();
    let account = Account { user: "anaquel_reader".into(), password: Some(Secret::new("hush")) };
    let accounts = BTreeMap::from([(DatabaseRole::Reader, account)]);
    let database = with_config(DatabaseConfig { auth: DatabaseAuth::Password, accounts, ..config(silent) });
    let began = Instant::now();
    assert!(matches!(database.warm_up().await, Err(Error::Away(_))));
    assert!(began.elapsed() < Duration::from_millis(1_500), "{:?}", began.elapsed());
}

fn config(port: u16) -> DatabaseConfig {
    let account = Account { user: "anaquel_reader".into(), password: None };
    DatabaseConfig {
        host: "127.0.0.1".into(),
        port,
        name: "anaquel".into(),
        auth: DatabaseAuth::Iam,
        accounts: BTreeMap::from([(DatabaseRole::Reader, account)]),
        admin_secret: None,
        replicas: Vec::new(),
    }
}

#[test]
fn the_cleartext_login_always_goes_with_verified_tls() {
    let config = config(3306);
    let (_, account) = config.login().unwrap();
    let options = iam_options(&config, account, &Secret::new("token"), "eu-west-1").unwrap();
    assert!(matches!(options.get_ssl_mode(), MySqlSslMode::VerifyIdentity));
}

#[test]
fn a_password_goes_over_verified_tls_unless_it_stays_on_this_machine() {
    let mode = |host: &str| {
        let config = DatabaseConfig { host: host.into(), ..config(3306) };
        let (_, account) = config.login().unwrap();
        password_options(&config, account, &Secret::new("hush")).get_ssl_mode()
    };
    assert!(matches!(mode("127.0.0.1"), MySqlSslMode::Preferred));
    assert!(matches!(mode("db.example.org"), MySqlSslMode::VerifyIdentity));
    assert!(matches!(mode("10.0.0.7"), MySqlSslMode::VerifyIdentity));
}

/// A server that has no TLS and asks for the password in clear.
#[tokio::test]
async fn a_token_is_never_sent_to_a_server_without_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        socket.write_all(&greeting_without_tls()).await.unwrap();
        let mut received = Vec::new();
        let _ = timeout(Duration::from_secs(2), socket.read_to_end(&mut received)).await;
        received
    });

    let config = config(port);
    let (_, account) = config.login().unwrap();
    let options = iam_options(&config, account, &Secret::new("the-token"), "eu-west-1").unwrap();
    let error = options.connect().await.unwrap_err();

    assert!(error.to_string().contains("TLS"), "{error}");
    assert_eq!(server.await.unwrap(), b"", "nothing may be sent before TLS stands");
}

/// A MySQL protocol 10 greeting: <https://mariadb.com/kb/en/connection/#initial-handshake-packet>.
fn greeting_without_tls() -> Vec<u8> {
    const PROTOCOL_41: u32 = 0x0000_0200;
    const SECURE_CONNECTION: u32 = 0x0000_8000;
    const PLUGIN_AUTH: u32 = 0x0008_0000;
    const CONNECT_WITH_DB: u32 = 0x0000_0008;
    let capabilities = (PROTOCOL_41 | SECURE_CONNECTION | PLUGIN_AUTH | CONNECT_WITH_DB).to_le_bytes();
    let mut body = vec![10];
    body.extend(b"11.8.0-MariaDB\0");
    body.extend(1_u32.to_le_bytes());
    body.extend(b"abcdefgh\0");
    body.extend(&capabilities[..2]);
    body.push(45);
    body.extend([2, 0]);
    body.extend(&capabilities[2..]);
    body.push(21);
    body.extend([0; 10]);
    body.extend(b"ijklmnopqrst\0");
    body.extend(b"mysql_clear_password\0");
    let mut packet = u32::try_from(body.len()).unwrap().to_le_bytes()[..3].to_vec();
    packet.push(0);
    packet.extend(body);
    packet
}

#[tokio::test]
async fn a_token_names_host_port_and_user_and_lasts_fifteen_minutes() {
    let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::new("eu-west-1"))
        .credentials_provider(aws_credential_types::Credentials::for_tests())
        .load()
        .await;
    let config = config(3306);
    let token = sign(&sdk, &config, config.login().unwrap().1).await.unwrap();
    assert!(token.reveal().starts_with("127.0.0.1:3306/?Action=connect&DBUser=anaquel_reader"), "{}", token.reveal());
    assert!(token.reveal().contains("X-Amz-Expires=900") && token.reveal().contains("eu-west-1%2Frds-db"));
}

#[test]
fn a_region_has_its_own_certificate_and_an_error_names_an_unknown_one() {
    for region in ["us-east-1", "eu-west-1", "sa-east-1"] {
        let pem = root_certificate(region).unwrap();
        assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 1, "{region}");
        assert_eq!(pem.matches("END CERTIFICATE").count(), 1, "{region}");
    }
    assert!(root_certificate("moon-1").unwrap_err().to_string().contains("moon-1"));
}
#[test]
fn what_the_server_quotes_of_a_value_is_neither_logged_nor_stored() {
    for (text, expected) in [
        ("Duplicate entry 'ana@example.org' for key 'orders_id'", "Duplicate entry '…' for key 'orders_id'"),
        ("Duplicate entry 'O'Hara' for 'x' for key 'PRIMARY'", "Duplicate entry '…' for key 'PRIMARY'"),
        (
            "Incorrect string value: '\\xF0\\x9F' for column `anaquel`.`orders`.`note` at row 1",
            "Incorrect string value: '…' for column `anaquel`.`orders`.`note` at row 1",
        ),
        ("Truncated incorrect DOUBLE value: 'Calle Mayor 1'", "Truncated incorrect DOUBLE value: '…'"),
        ("You have an error near 'it's' and 'b' at line 1", "You have an error near '…' at line 1"),
        ("an unfinished 'quotation", "an unfinished '…'"),
        ("Deadlock found when trying to get lock", "Deadlock found when trying to get lock"),
    ] {
        assert_eq!(without_value(text), expected);
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrations = false)]
async fn an_error_of_the_server_says_its_code_and_its_column_and_no_value(pool: MySqlPool) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql("create table people (id int primary key, name varchar(20) character set ascii not null, born date)")
        .execute(&mut *connection)
        .await
        .unwrap();
    sqlx::raw_sql("insert into people values (1, 'ana', null)").execute(&mut *connection).await.unwrap();
    for (statement, value, code, is_duplicate) in [
        ("insert into people values (?, 'eva', null)", "1", 1062, true),
        ("insert into people values (2, ?, null)", "Begoña Ñáñez", 1366, false),
        ("insert into people values (2, ?, null)", "ana.maria.matute@example.org", 1406, false),
        ("insert into people values (2, 'eva', ?)", "ana@example.org", 1292, false),
    ] {
        let failed = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(value).execute(&mut *connection).await;
        let error = Error::from(failed.unwrap_err());
        assert_eq!(error.is_duplicate_key(), is_duplicate, "{statement}");
        let debugged = format!("{error:?}");
        let logged = format!("{debugged} {:#}", anyhow::Error::from(error));
        assert!(logged.contains(&code.to_string()), "{logged}");
        assert!(value.len() == 1 || !logged.contains(value), "{logged}");
    }
}

/// A port at which nobody answers, as of a server that is frozen: connections are accepted and nothing comes.
async fn silent() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, Endpoint { host: "127.0.0.1".to_owned(), port })
}

/// A port that refuses connections.
async fn refusing() -> Endpoint {
    silent().await.1
}

/// Longer than functions wait, because many tests log in at once.
const REPLICAS_CONNECT: Duration = Duration::from_secs(4);

/// The test's server, as primary and as replica. A reader cannot be created for each test, so it is a writer.
fn with_replicas(pool: &MySqlPool, primary: Option<&Endpoint>, replicas: &[&Endpoint]) -> Database {
    let mut config = config_of(pool);
    if let Some(primary) = primary {
        (config.host, config.port) = (primary.host.clone(), primary.port);
    }
    config.replicas = replicas.iter().map(|replica| (*replica).clone()).collect();
    let mut database = with_config(config);
    database.replicas.connect_timeout = REPLICAS_CONNECT;
    database
}

fn server(pool: &MySqlPool) -> Endpoint {
    let config = config_of(pool);
    Endpoint { host: config.host, port: config.port }
}

async fn beat(pool: &MySqlPool, seconds_ago: u32) {
    let beat = "replace into heartbeat (id, beaten_at) values (1, current_timestamp(6) - interval ? second)";
    sqlx::query(beat).bind(seconds_ago).execute(pool).await.unwrap();
}

/// Whether the last read used a replica.
fn used_replica(database: &Database) -> bool {
    database.connections.idle().iter().any(|open| open.replica.is_some())
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_read_uses_a_replica_and_stays_with_its_connection(pool: MySqlPool) {
    beat(&pool, 0).await;
    let nobody = refusing().await;
    let database = with_replicas(&pool, Some(&nobody), &[&server(&pool)]);
    assert_eq!(connection_id(&database).await, connection_id(&database).await);
    assert!(used_replica(&database));
    assert!(matches!(database.write(async |_| Ok(())).await, Err(Error::Away(_))), "a write needs the primary");
    let current = database.read_primary(async |c| sqlx::query("select 1").execute(c).await.map(drop)).await;
    assert!(matches!(current, Err(Error::Away(_))), "a current read needs the primary");
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_replica_that_refuses_or_is_silent_is_left_for_another_and_then_for_the_primary(pool: MySqlPool) {
    beat(&pool, 0).await;
    let (refusing, (_kept, silent)) = (refusing().await, silent().await);
    for away in [&refusing, &silent] {
        let database = with_replicas(&pool, Some(&refusing), &[away, &server(&pool)]);
        connection_id(&database).await;
        assert!(used_replica(&database));

        let database = with_replicas(&pool, None, &[away]);
        let first = connection_id(&database).await;
        let began = Instant::now();
        assert_eq!(connection_id(&database).await, first);
        assert!(!used_replica(&database));
        assert!(began.elapsed() < REPLICAS_CONNECT, "the replica is left for some seconds, and not asked again");
    }
    let database = with_replicas(&pool, Some(&refusing), &[&refusing, &silent]);
    let read = database.read(async |c| sqlx::query("select 1").execute(c).await.map(drop)).await;
    assert!(matches!(read, Err(Error::Away(_))));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_late_replica_serves_only_while_the_primary_is_away(pool: MySqlPool) {
    let replica = server(&pool);
    let nobody = refusing().await;
    for (seconds_ago, primary, expected) in [
        (0, None, true),
        (8, None, true),
        (12, None, false),
        (3_600, None, false),
        (12, Some(&nobody), true),
        (3_600, Some(&nobody), true),
    ] {
        beat(&pool, seconds_ago).await;
        let database = with_replicas(&pool, primary, &[&replica]);
        for _ in 0..2 {
            connection_id(&database).await;
            assert_eq!(used_replica(&database), expected, "{seconds_ago} s, {primary:?}");
        }
    }
    // A replica that never had a heartbeat is late.
    sqlx::query("delete from heartbeat").execute(&pool).await.unwrap();
    let database = with_replicas(&pool, None, &[&replica]);
    connection_id(&database).await;
    assert!(!used_replica(&database));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_replica_that_becomes_late_is_left_within_a_second_and_one_that_caught_up_is_used_again(pool: MySqlPool) {
    beat(&pool, 0).await;
    let replica = server(&pool);
    let database = with_replicas(&pool, None, &[&replica]);
    connection_id(&database).await;
    assert!(used_replica(&database));
    beat(&pool, 60).await;
    tokio::time::sleep(FRESH_FOR).await;
    connection_id(&database).await;
    assert!(!used_replica(&database));
    beat(&pool, 0).await;
    database.replicas.forget_left();
    connection_id(&database).await;
    assert!(used_replica(&database));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_read_that_a_replica_breaks_or_does_not_answer_runs_once_more_elsewhere(pool: MySqlPool) {
    beat(&pool, 0).await;
    let replica = server(&pool);
    for failure in ["kill connection connection_id()", "select sleep(5)", "select * from not_there_yet"] {
        let database = with_replicas(&pool, None, &[&replica]);
        let fails_once = AtomicBool::new(true);
        let began = Instant::now();
        let read = database.read(async |c| {
            if fails_once.swap(false, Ordering::Relaxed) {
                sqlx::raw_sql(failure).execute(&mut *c).await?;
            }
            sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await
        });
        assert!(read.await.is_ok(), "{failure}");
        assert!(!used_replica(&database), "{failure}");
        assert!(began.elapsed() < Duration::from_secs(5), "{failure}: it waited for all of the sleep");
    }
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn a_read_that_the_primary_does_not_answer_runs_once_more_on_a_late_replica(pool: MySqlPool) {
    beat(&pool, 60).await;
    let database = with_replicas(&pool, None, &[&server(&pool)]);
    let hangs_once = AtomicBool::new(true);
    let read = database.read(async |c| {
        if hangs_once.swap(false, Ordering::Relaxed) {
            sqlx::query("select sleep(5)").execute(&mut *c).await?;
        }
        sqlx::query_scalar::<_, u64>("select connection_id()").fetch_one(c).await
    });
    assert!(read.await.is_ok());
    assert!(used_replica(&database));
}

#[ignore = "needs MariaDB"]
#[sqlx::test(migrator = "crate::MIGRATIONS")]
async fn the_state_of_each_replica_is_its_lag_or_that_it_is_away(pool: MySqlPool) {
    beat(&pool, 30).await;
    let nobody = refusing().await;
    let database = with_replicas(&pool, None, &[&server(&pool), &nobody]);
    let states = database.replica_states().await.unwrap();
    let lag = states[0].lag.as_ref().unwrap().unwrap();
    assert!((30..35).contains(&lag.as_secs()) && !states[0].is_used(), "{lag:?}");
    assert!(states[1].lag.is_err() && !states[1].is_used());
    beat(&pool, 1).await;
    assert!(database.replica_states().await.unwrap()[0].is_used());
}
