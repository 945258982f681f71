//! A shop whose database has a read replica: books are shown while either server is away, and never from a replica that is late
//! while the primary answers. The last step makes the replica the primary.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::support::{Shop, bookstore, eventually, text, variable};

/// Pages and answers of the API that come from the database, for which replicas serve.
const READ: [&str; 6] = ["/", "/books?q=quijote", "/genres", "/api/books", "/api/books/53", "/api/books/53/ratings"];
/// What a shopper waits at most.
const PROMISED: Duration = Duration::from_secs(3);
/// The primary and its replica, by their folders.
const SERVERS: [&str; 2] = ["mariadb", "mariadb-replica-1"];

/// A local stage with one replica, in a home of its own, until it is dropped.
struct Stage {
    home: PathBuf,
    shop: Shop,
}

impl Stage {
    async fn start() -> Self {
        let home = Path::new(&variable("ANAQUEL_SHOP_HOME")).with_file_name("test-replicas");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let stage = Self { home, shop: Shop::at(port) };
        let port = port.to_string();
        let mut up = bookstore(&["up", "--detach", "--reset", "--replicas", "1", "--port", &port]);
        let output = up.env("ANAQUEL_SHOP_HOME", &stage.home).output().await.unwrap();
        let (out, error) = text(&output);
        assert!(output.status.success(), "{out}{error}");
        stage
    }

    fn port(&self, server: &str) -> u16 {
        fs::read_to_string(self.home.join(format!("run/{server}.port"))).unwrap().trim().parse().unwrap()
    }

    /// As root.
    async fn login(&self, server: &str) -> MySqlConnection {
        let secrets = fs::read_to_string(self.home.join("secrets.toml")).unwrap();
        let root = secrets.lines().find_map(|line| line.strip_prefix("root = ")).unwrap().trim_matches('"').to_owned();
        let url = format!("mysql://root:{root}@127.0.0.1:{}/anaquel", self.port(server));
        MySqlConnection::connect(&url).await.unwrap()
    }

    async fn execute(&self, server: &str, statements: &[&str]) {
        let mut connection = self.login(server).await;
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await.unwrap();
        }
    }

    /// How many connections a database user has.
    async fn connections(&self, server: &str, user: &str) -> i64 {
        let count = "select count(*) from information_schema.processlist where user = ?";
        sqlx::query_scalar(count).bind(user).fetch_one(&mut self.login(server).await).await.unwrap()
    }

    fn signal(&self, server: &str, signal: &str) {
        let pid = fs::read_to_string(self.home.join(server).join("data/mariadb.pid")).unwrap();
        let sent = Command::new("kill").args([signal, pid.trim()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal}");
    }

    async fn all_is_read(&self, when: &str) {
        for path in READ {
            let began = Instant::now();
            let answer = self.shop.get(path).await;
            assert_eq!(answer.status, 200, "{path} {when}: {}", answer.text);
            assert!(began.elapsed() < PROMISED, "{path} {when}: {:?}", began.elapsed());
        }
    }

    async fn health(&self) -> (u16, Value) {
        let answer = self.shop.health().await;
        (answer.status, answer.json())
    }

    /// Waits until requests read this server, which an environment may have left for some seconds.
    async fn is_read(&self, server: &str) {
        eventually(Duration::from_secs(20), async || {
            self.title().await;
            let connections = self.connections(server, "anaquel_reader").await;
            if connections > 0 { Ok(()) } else { Err(format!("nobody reads {server}")) }
        })
        .await;
    }

    /// Waits until `/health` has this status.
    async fn becomes(&self, status: &str) -> Value {
        eventually(Duration::from_secs(40), async || {
            let (_, health) = self.health().await;
            if health["status"] == status { Ok(health) } else { Err(health.to_string()) }
        })
        .await
    }

    async fn title(&self) -> Value {
        self.shop.get("/api/books/53").await.json()["title"].clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for server in SERVERS {
            let Ok(pid) = fs::read_to_string(self.home.join(server).join("data/mariadb.pid")) else { continue };
            _ = Command::new("kill").args(["-CONT", pid.trim()]).stderr(Stdio::null()).status();
        }
        let program = PathBuf::from(variable("ANAQUEL_BINARIES")).join("bookstore");
        let down =
            Command::new(program).arg("down").env("ANAQUEL_SHOP_HOME", &self.home).stdout(Stdio::null()).status();
        if down.is_ok_and(|status| status.success()) {
            _ = fs::remove_dir_all(&self.home);
        }
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn books_are_shown_while_the_primary_or_the_replica_is_away_or_late_and_the_replica_can_take_over() {
    let _alone = Shop::alone().await;
    let stage = Stage::start().await;
    let [primary, replica] = SERVERS;

    let health = stage.becomes("ok").await;
    assert_eq!(health["replicas"].as_array().map(Vec::len), Some(1), "{health}");
    assert!(health["replicas"][0]["lag_seconds"].as_f64().is_some_and(|lag| lag < 10.0), "{health}");
    stage.all_is_read("while all is well").await;
    stage.is_read(replica).await;
    // A state that somebody follows must not go back.
    let unknown = "/api/submissions/00000000-0000-8000-8000-000000000000";
    assert_eq!(stage.shop.get(unknown).await.status, 404);
    stage.shop.get("/cart").await;
    assert_eq!(stage.connections(replica, "anaquel_order_reader").await, 0);

    a_replica_that_is_late_is_left(&stage).await;
    a_replica_that_is_away_is_left(&stage).await;
    reads_go_on_without_the_primary(&stage).await;
    the_replica_takes_over(&stage).await;
    assert_eq!(stage.connections(replica, "anaquel_writer").await.signum(), 1, "{primary} is no longer written to");
}

async fn a_replica_that_is_late_is_left(stage: &Stage) {
    let [primary, replica] = SERVERS;
    stage.execute(replica, &["stop slave sql_thread"]).await;
    stage.execute(primary, &["update books set title = 'Otro título' where id = 53"]).await;
    let health = stage.becomes("degraded").await;
    assert_eq!((&health["database"]["ok"], &health["replicas"][0]["ok"]), (&json!(true), &json!(false)), "{health}");
    // It is shown in hundredths.
    assert!(health["replicas"][0]["lag_seconds"].as_f64().is_some_and(|lag| lag >= 10.0), "{health}");
    eventually(PROMISED, async || {
        let title = stage.title().await;
        if title == "Otro título" { Ok(()) } else { Err(title.to_string()) }
    })
    .await;
    stage.all_is_read("while the replica is late").await;
    stage.execute(replica, &["start slave sql_thread"]).await;
    stage.becomes("ok").await;
}

async fn a_replica_that_is_away_is_left(stage: &Stage) {
    let [_, replica] = SERVERS;
    stage.all_is_read("before the replica freezes").await;
    stage.signal(replica, "-STOP");
    stage.all_is_read("while the replica is away").await;
    let (status, health) = stage.health().await;
    assert_eq!((status, &health["status"]), (200, &json!("degraded")), "{health}");
    assert_eq!(health["replicas"][0]["lag_seconds"], Value::Null, "{health}");
    stage.signal(replica, "-CONT");
    stage.becomes("ok").await;
}

async fn reads_go_on_without_the_primary(stage: &Stage) {
    let [primary, _] = SERVERS;
    stage.all_is_read("before the primary freezes").await;
    stage.signal(primary, "-STOP");
    stage.all_is_read("while the primary is away").await;
    let (status, health) = stage.health().await;
    assert_eq!((status, &health["status"]), (200, &json!("degraded")), "{health}");
    assert_eq!(health["database"]["ok"], false, "{health}");
    let sent = stage.shop.rate(53, &json!({ "stars": 5 })).await;
    assert_eq!(stage.shop.get(&sent).await.status, 503, "the state of a submission is read from the primary alone");
    // The replica gets no heartbeat, and is late soon. An old page is better than none.
    eventually(Duration::from_secs(30), async || {
        let (_, health) = stage.health().await;
        let lag = health["replicas"][0]["lag_seconds"].as_f64().unwrap_or_default();
        if lag > 10.0 { Ok(()) } else { Err(health.to_string()) }
    })
    .await;
    stage.all_is_read("while the primary is away and the replica late").await;
    stage.signal(primary, "-CONT");
    stage.becomes("ok").await;
    assert_eq!(stage.shop.final_status_within(&sent, Duration::from_mins(1)).await["status"], "published");
}

/// The steps of the runbook.
async fn the_replica_takes_over(stage: &Stage) {
    let [primary, replica] = SERVERS;
    stage.signal(primary, "-KILL");
    stage.all_is_read("after the loss of the primary").await;
    let promote = ["stop slave", "reset slave all", "set global read_only = 0", "alter event heartbeat enable"];
    stage.execute(replica, &promote).await;
    let ssm = aws_sdk_ssm::Client::new(&stage.shop.sdk());
    let port = stage.port(replica).to_string();
    let put = ssm.put_parameter().name("/anaquel/local/database/port").value(port).overwrite(true);
    put.send().await.unwrap();
    let sent = stage.shop.rate(53, &json!({ "stars": 4 })).await;
    let status = eventually(Duration::from_mins(1), async || {
        let answer = stage.shop.get(&sent).await;
        let is_final = answer.status == 200 && answer.json()["status"] != "received";
        if is_final { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await;
    assert_eq!(status["status"], "published");
    assert_eq!(stage.becomes("ok").await["database"]["ok"], true);
}
