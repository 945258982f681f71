//! The server for containers beside the functions behind the load balancer: the same answers, bounds for slow and large
//! requests, and an end that loses nothing.

use std::{
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_sdk_elasticloadbalancingv2::{
    self as elb,
    types::{
        Action, ActionTypeEnum, HttpHeaderConditionConfig, ProtocolEnum, RuleCondition, TargetDescription,
        TargetTypeEnum,
    },
};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{Instant, sleep},
};

use crate::{
    comparison::{Compared, Way, client_of, difference, requests},
    support::{Shop, bookstore, eventually, http, text, variable},
};

/// A server process of one service.
struct Server {
    process: Child,
    port: u16,
    client: Client,
}

impl Server {
    async fn start(service: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = bookstore(&["server", "--service", service, "--port", &port.to_string()]);
        command.env("ANAQUEL_SERVER", format!("{}/server", variable("ANAQUEL_BINARIES")));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let client = http().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let server = Self { process, port, client };
        eventually(Duration::from_secs(20), async || match server.ready().await {
            Some(StatusCode::OK) => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        server
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    async fn ready(&self) -> Option<StatusCode> {
        self.client.get(self.url("/ready")).send().await.ok().map(|answer| answer.status())
    }

    async fn signal(&self, signal: &str) {
        let pid = self.process.id().expect("it runs").to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().await.unwrap().success());
    }

    async fn socket(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }
}

/// Requests with this header come to servers, by rules that the tests add.
const BY: &str = "x-anaquel-test-server";

/// Target groups of addresses with their rules, as a stage's containers have them.
struct Doors {
    elb: elb::Client,
    rules: Vec<String>,
    groups: Vec<String>,
}

impl Doors {
    async fn open(shop: &Shop, servers: [(&str, &Server); 2]) -> Self {
        let elb = elb::Client::new(&shop.sdk());
        let balancer = elb.describe_load_balancers().names("anaquel").send().await.unwrap();
        let balancer = balancer.load_balancers()[0].clone();
        let listeners = elb.describe_listeners().load_balancer_arn(balancer.load_balancer_arn().unwrap()).send().await;
        let listener = listeners.unwrap().listeners()[0].listener_arn().unwrap().to_owned();
        let mut doors = Self { elb, rules: Vec::new(), groups: Vec::new() };
        for (priority, (name, server)) in (1..).zip(servers) {
            let port = i32::from(server.port);
            let made =
                doors.elb.create_target_group().name(format!("test-{name}-{port}")).target_type(TargetTypeEnum::Ip);
            let made = made.protocol(ProtocolEnum::Http).port(port).vpc_id(balancer.vpc_id().unwrap_or("vpc-1"));
            let group = made.send().await.unwrap().target_groups()[0].target_group_arn().unwrap().to_owned();
            let target = TargetDescription::builder().id("127.0.0.1").port(port).build();
            doors.elb.register_targets().target_group_arn(&group).targets(target).send().await.unwrap();
            let header = HttpHeaderConditionConfig::builder().http_header_name(BY).values(name).build();
            let condition = RuleCondition::builder().field("http-header").http_header_config(header).build();
            let action = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(&group).build();
            let rule = doors.elb.create_rule().listener_arn(&listener).priority(priority);
            let rule = rule.conditions(condition).actions(action).send().await.unwrap();
            doors.rules.push(rule.rules()[0].rule_arn().unwrap().to_owned());
            doors.groups.push(group);
        }
        doors
    }

    async fn close(self) {
        for rule in self.rules {
            self.elb.delete_rule().rule_arn(rule).send().await.unwrap();
        }
        for group in self.groups {
            self.elb.delete_target_group().target_group_arn(group).send().await.unwrap();
        }
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_server_answers_every_route_as_the_functions_do() {
    let shop = Shop::alone().await;
    let (pages, api) = tokio::join!(Server::start("pages"), Server::start("api"));
    let client = client_of(&shop);
    let host = shop.url().trim_start_matches("http://").to_owned();
    let mut different = Vec::new();
    let all = requests();
    let functions = Way { client: &client, base: shop.url(), host: &host, by: None, without_own: &|_| {} };
    let (doors, names) = (Doors::open(&shop, [("pages", &pages), ("api", &api)]).await, ["pages", "api"]);
    // Only the server has this address.
    for name in ["pages", "api"] {
        let ready = client.get(format!("{}/ready", shop.url())).header(BY, name).send().await.unwrap();
        assert_eq!(ready.status(), StatusCode::OK);
    }
    // The emulator's load balancer gives a server the host without its port, which is in addresses of books.
    let port = format!(":{}", host.rsplit_once(':').unwrap().1);
    let without_port = |answer: &mut Compared| {
        answer.headers.remove("etag");
        answer.body = answer.body.replace(&port, "");
        answer.headers.values_mut().flatten().for_each(|value| *value = value.replace(&port, ""));
    };
    for asked in &all {
        let is_api = asked.path.starts_with("/api/");
        let (server, name) = if is_api { (&api, names[1]) } else { (&pages, names[0]) };
        let base = server.url("");
        let directly = Way { client: &server.client, base: &base, ..functions };
        let by_functions = Way { without_own: &without_port, ..functions };
        let by_load_balancer = Way { by: Some((BY, name)), ..by_functions };
        for (way, one, other) in
            [("directly", functions, directly), ("through the load balancer", by_functions, by_load_balancer)]
        {
            // Of a compressed body the port cannot be taken away.
            let is_compressed = asked.headers.iter().any(|(name, _)| *name == "accept-encoding");
            if is_compressed && other.by.is_some() {
                continue;
            }
            if let Some(found) = difference(&one, &other, asked).await {
                different.push(format!("{asked:?}: function and server {way}: {found}"));
            }
        }
    }
    doors.close().await;
    assert!(all.len() > 500, "{} requests prove little", all.len());
    assert!(
        different.is_empty(),
        "{} of {}:\n{}",
        different.len(),
        all.len(),
        different[..different.len().min(20)].join("\n")
    );
}

#[ignore = "needs a local stage"]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sigterm_a_server_answers_what_still_comes_and_ends() {
    let _shop = Shop::open().await;
    let mut server = Server::start("api").await;
    let (is_in_service, answered) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let shoppers = (0..8).map(|_| {
        let (is_in_service, answered) = (is_in_service.clone(), answered.clone());
        let (client, url) = (server.client.clone(), server.url("/api/books/53"));
        tokio::spawn(async move {
            let mut failed = Vec::new();
            while is_in_service.load(Relaxed) {
                match client.get(&url).send().await {
                    Ok(answer) if answer.status() == StatusCode::OK => _ = answered.fetch_add(1, Relaxed),
                    Ok(answer) => failed.push(answer.status().to_string()),
                    Err(error) => failed.push(format!("{error:?}")),
                }
            }
            failed
        })
    });
    let shoppers: Vec<_> = shoppers.collect();
    sleep(Duration::from_millis(500)).await;
    let before = answered.load(Relaxed);
    server.signal("-TERM").await;
    // As a load balancer does: it stops sending when the health check fails.
    eventually(Duration::from_secs(3), async || match server.ready().await {
        Some(StatusCode::SERVICE_UNAVAILABLE) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    sleep(Duration::from_millis(300)).await;
    is_in_service.store(false, Relaxed);
    for shopper in join_all(shoppers).await {
        assert_eq!(shopper.unwrap(), Vec::<String>::new());
    }
    assert!(before > 0 && answered.load(Relaxed) > before, "nobody was answered after the signal");
    let ended = tokio::time::timeout(Duration::from_secs(30), server.process.wait()).await;
    assert!(ended.expect("it ends in time").unwrap().success());
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn what_a_killed_server_has_accepted_is_published() {
    let shop = Shop::open().await;
    let server = Server::start("api").await;
    let answered = AtomicUsize::new(0);
    let rating = |number: usize| {
        let request =
            server.client.post(server.url("/api/books/54/ratings")).header("content-type", "application/json");
        let request = request.body(json!({ "stars": number % 5 + 1 }).to_string()).send();
        let answered = &answered;
        async move {
            let answer = request.await.ok().filter(|answer| answer.status() == StatusCode::ACCEPTED)?;
            answered.fetch_add(1, Relaxed);
            Some(answer.headers()["location"].to_str().unwrap().to_owned())
        }
    };
    let kill = async {
        while answered.load(Relaxed) < 20 {
            sleep(Duration::from_millis(1)).await;
        }
        server.signal("-KILL").await;
    };
    let (sent, ()) = tokio::join!(join_all((0..200).map(rating)), kill);
    let accepted: Vec<String> = sent.into_iter().flatten().collect();
    assert!(accepted.len() < 200, "the server was not killed in time");
    for location in &accepted {
        let status = shop.final_status_within(location, Duration::from_mins(1)).await;
        assert_eq!(status["status"], "published", "{location}");
    }
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn slow_clients_and_large_bodies_are_bounded_and_hinder_nobody() {
    let _shop = Shop::open().await;
    let server = Server::start("api").await;
    let mut slow = Vec::new();
    for number in 0..300 {
        let mut socket = server.socket().await;
        let begun = if number % 2 == 0 {
            "GET /api/books HTTP/1.1\r\nHost: shop\r\nX-Slow: ".to_owned()
        } else {
            "POST /api/contact HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
                .to_owned()
        };
        socket.write_all(begun.as_bytes()).await.unwrap();
        slow.push(socket);
    }
    let began = Instant::now();
    let answer = server.client.get(server.url("/api/books/53")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());

    // A body that does not come costs its sender the socket.
    let mut answer = Vec::new();
    slow[1].read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&answer));

    let large = server.client.post(server.url("/api/contact")).body("a".repeat(8_000_000)).send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let after = server.client.get(server.url("/api/books/53")).send().await.unwrap();
    assert_eq!(after.status(), StatusCode::OK);
    let status = fs::read_to_string(format!("/proc/{}/status", server.process.id().unwrap())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches(" kB");
    assert!(peak.parse::<u32>().unwrap() < 200_000, "{peak} kB");
}

#[ignore = "needs a local stage"]
#[tokio::test]
async fn a_server_says_what_its_settings_lack_and_ends_if_a_route_answers_500() {
    let _shop = Shop::open().await;
    let program = format!("{}/server", variable("ANAQUEL_BINARIES"));
    let ended = async |settings: &[(&str, &str)]| {
        let mut command = Command::new(&program);
        let output = command.env_clear().envs(settings.iter().copied()).output().await.unwrap();
        assert!(!output.status.success());
        let line: Value = serde_json::from_str(text(&output).0.lines().last().unwrap()).unwrap();
        line["error"].as_str().unwrap().to_owned()
    };
    assert!(ended(&[]).await.starts_with("ANAQUEL_SERVICE is not set"));
    let error = ended(&[("ANAQUEL_SERVICE", "shop")]).await;
    assert_eq!(error, "ANAQUEL_SERVICE is \"shop\"; the services are pages and api");
    // Without an account of the database, which is a defect of a deploy.
    let parameters = ["host", "port", "name", "auth"].map(|name| format!("/anaquel/local/database/{name}")).join(",");
    let endpoint = variable("ANAQUEL_ENDPOINT");
    let error = ended(&[
        ("ANAQUEL_SERVICE", "pages"),
        ("ANAQUEL_STAGE", "local"),
        ("ANAQUEL_PARAMETERS", &parameters),
        ("ANAQUEL_CONNECTIONS", "2"),
        ("ANAQUEL_PORT", "1"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", &endpoint),
    ])
    .await;
    assert!(error.starts_with("the probe GET /") && error.ends_with(" got status 500"), "{error}");
}
