//! Limits of AWS and of the database, checked at synth. Without these checks AWS would reject the stage in the middle of
//! a deploy.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Serialize;
use shared::config::NAMES_PER_CALL;
use shared::domain::{Currency, Email};
use shared::http::Query;
use shared::order_batch;
use shared::session::Pool;
use shared::shop::{Collect, Ship, TaxRates};
use url::Url;

use crate::containers::Service;
use crate::database_memory::{LOGINS, Memory};
use crate::facts::{FACTS, Zone};
use crate::listener_rules::{rules, without_rule};
use crate::routes::{DatabaseRole, Function, Queue, Trigger};
use crate::stacks::api_gateway::routes;
use crate::stage::{
    CLOUDFRONT_REGION, Containers, Egress, Firewall, Https, Mail, MasterPassword, Monitoring, Orders,
    ProvisionedConcurrency, Rds, Restore, Server, ShopSettings, Stage, Tasks,
};

/// Most rules of one load balancer; AWS raises this quota on request.
pub const MAX_RULES: usize = 100;
/// Source of that quota.
const RULES_SOURCE: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html";
/// Most condition values (methods and path patterns) of one rule.
pub const MAX_CONDITION_VALUES: usize = 5;
/// Most values of one condition of a rule.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html>
pub const MAX_VALUES_OF_CONDITION: usize = 3;
/// Most wildcards in the condition values of one rule; AWS's pages name 5 and 6.
pub const MAX_CONDITION_WILDCARDS: usize = 5;
/// Most parameters of a function, which reads them in one `GetParameters` call: a visitor waits for a cold start. Nobody waits
/// for the function that creates all database users, which reads twice as many in two calls.
pub const MAX_PARAMETERS: usize = NAMES_PER_CALL;
/// Most characters of a target group's name.
pub const MAX_TARGET_GROUP_NAME: usize = 32;
/// Share of the database's connections that functions may hold, both versions during a release.
pub const MAX_HELD_PERCENT: u32 = 80;
/// Seconds of a database outage in which no submission is lost.
const OUTAGE_SECONDS: u32 = 12 * 60 * 60;
/// Most read replicas of an instance of MariaDB.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.html>
const MAX_REPLICAS: u16 = 15;
/// Most replicas on one machine, which `up` starts.
const MAX_LOCAL_REPLICAS: u16 = 3;
/// Most routes of an HTTP API, the longest time of an integration in seconds, and requests a second of an account.
const MAX_GATEWAY_ROUTES: usize = 300;
const MAX_GATEWAY_SECONDS: u16 = 30;
const MAX_GATEWAY_RATE: u32 = 10_000;
/// AWS WAF's lowest limit of a rate-based rule.
const MIN_REQUESTS_PER_ADDRESS: i32 = 10;
/// Most bytes of a function's environment; AWS does not raise this quota. Lambda measures names and values as one JSON
/// object, in which each quote of a value has a backslash.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_ENVIRONMENT: usize = 4_096;
/// Bytes left for what CloudFormation resolves: the fallback with a database's address and a queue's URL, and the
/// distribution's URL. Some 400 in a region with a long name.
const RESOLVED_ENVIRONMENT: usize = 500;
/// The same for the address of each replica.
const RESOLVED_REPLICA: usize = 100;

/// Checks the stage against all limits. The error lists every problem.
pub fn check(stage: &Stage, functions: &[Function]) -> Result<()> {
    let problems = [
        parameters(stage, functions),
        environment(stage, functions),
        names(stage, functions),
        routing(stage, functions),
        connections(stage, functions),
        provisioned(stage, functions),
        covers(stage),
        firewall(stage),
        api_gateway(stage),
        containers(stage),
        failover(stage),
        monitoring(stage),
        storage(stage),
        retries(stage, functions),
        zones(stage),
        currency(stage),
        database(stage),
        replicas(stage),
        accounts(stage),
        shop(stage),
        mail(stage),
        orders(stage),
    ];
    let problems = problems.concat();
    ensure!(problems.is_empty(), "stage `{}` cannot be deployed:\n  {}", stage.name, problems.join("\n  "));
    Ok(())
}

fn parameters(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .map(|function| {
            let calls = if function.database == Some(DatabaseRole::Admin) { 2 } else { 1 };
            (function.name, function.parameters(stage).len(), calls)
        })
        .filter(|(_, count, calls)| *count > calls * MAX_PARAMETERS)
        .map(|(name, count, calls)| {
            format!(
                "{name} reads {count} parameters; a GetParameters call returns at most {MAX_PARAMETERS}, and its cold start has \
                 time for {calls}; remove permissions from its row of infra/src/routes.rs, or split the function"
            )
        })
        .collect()
}

fn environment(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions.iter().filter_map(|function| environment_of(stage, function)).collect()
}

/// The problem with the function's environment, which names its longest variable.
fn environment_of(stage: &Stage, function: &Function) -> Option<String> {
    let variables: BTreeMap<_, _> = function.environment(stage).collect();
    let replicas = if function.reads_replicas { usize::from(stage.database.replicas) } else { 0 };
    let resolved = RESOLVED_ENVIRONMENT + replicas * RESOLVED_REPLICA;
    let (bytes, max) = (json_bytes(&variables), MAX_ENVIRONMENT.saturating_sub(resolved));
    let (longest, value) = variables.iter().max_by_key(|(_, value)| json_bytes(value))?;
    (bytes > max).then(|| {
        let (name, value) = (function.name, json_bytes(value));
        format!(
            "the environment of {name} has {bytes} bytes as JSON, {longest} alone {value}; at most {max} are allowed: \
             Lambda's limit of {MAX_ENVIRONMENT} without {resolved} for what CloudFormation adds; shorten the \
             texts of [shop] in infra/stages/{}.toml",
            stage.name
        )
    })
}

fn json_bytes(value: &impl Serialize) -> usize {
    serde_json::to_string(value).expect("texts").len()
}

fn names(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .filter(|function| function.serves_http())
        .map(|function| stage.physical(function.name))
        .filter(|name| name.len() > MAX_TARGET_GROUP_NAME)
        .map(|name| {
            format!(
                "{name} has {} characters; the name of a target group has at most {MAX_TARGET_GROUP_NAME}; shorten the \
                 function's name",
                name.len()
            )
        })
        .collect()
}

/// Listener rules of the stage's load balancer, without default rules. CloudFront adds three: one for requests with the origin
/// secret that no route matches, and two for those that write without it; containers at most two for each service and one more.
fn count_of_rules(stage: &Stage, https: Https, functions: &[Function]) -> usize {
    let of_containers = match stage.containers {
        None => 0,
        Some(_) if stage.has_api_at_load_balancer() => 4,
        Some(_) => 5,
    };
    rules(functions).len() + of_containers + if https == Https::CloudFront { 3 } else { 0 }
}

/// Warnings about later changes that AWS would refuse.
///
/// Between `domain` and the other values of `https` the routes move to another listener: CloudFormation creates the new
/// rules before it deletes the old ones, and the quota is that of the load balancer.
pub fn warnings(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let now = count_of_rules(stage, stage.https, functions);
    let moves = |to: &Https| (*to == Https::Domain) != (stage.https == Https::Domain);
    let changes = [Https::Domain, Https::CloudFront, Https::None].into_iter().filter(moves);
    let needed = changes.map(|to| (to, now + count_of_rules(stage, to, functions)));
    needed
        .filter(|(_, count)| *count > MAX_RULES)
        .map(|(to, count)| {
            format!(
                "a change of https from \"{}\" to \"{}\" would need {count} listener rules at once, {now} old and {} new; a \
                 load balancer has at most {MAX_RULES} ({RULES_SOURCE}); request a higher quota from AWS before such a change",
                stage.https.name(),
                to.name(),
                count - now
            )
        })
        .collect()
}

fn routing(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let rules = rules(functions);
    let mut problems = Vec::new();
    // CloudFront adds to each rule the origin secret with two wildcards.
    let (more_values, more_wildcards) = if stage.has_cloudfront() { (1, 2) } else { (0, 0) };
    let count = count_of_rules(stage, stage.https, functions);
    if count > MAX_RULES {
        problems.push(format!(
            "{count} listener rules; a load balancer has at most {MAX_RULES}; let routes share a rule in \
             infra/src/routes.rs, or request a higher quota from AWS and raise MAX_RULES in infra/src/limits.rs"
        ));
    }
    for route in without_rule(functions) {
        problems.push(format!(
            "{} shares the listener rule of {}, which its function does not have with the same methods and a rule of its \
             own; correct in_rule_of in infra/src/routes.rs",
            route.path,
            route.rule_of.unwrap_or_default()
        ));
    }
    for rule in &rules {
        let (methods, patterns) = (rule.methods().len(), rule.patterns());
        let max = MAX_CONDITION_VALUES - patterns.len().min(MAX_CONDITION_VALUES - more_values) - more_values;
        let max = max.min(MAX_VALUES_OF_CONDITION);
        if methods > max {
            let (paths, fix) = shared_by(&patterns, "divide them between two routes");
            problems.push(format!(
                "{paths} has {methods} methods; a listener rule has at most {max}; {fix} in infra/src/routes.rs"
            ));
        } else if patterns.len() > MAX_VALUES_OF_CONDITION {
            let (paths, fix) = shared_by(&patterns, "shorten the path");
            problems.push(format!(
                "{paths} exceeds a condition, which has at most {MAX_VALUES_OF_CONDITION} values; {fix} in \
                 infra/src/routes.rs"
            ));
        }
        let wildcards: usize = patterns.iter().map(|pattern| pattern.matches('*').count()).sum();
        let max = MAX_CONDITION_WILDCARDS - more_wildcards;
        if wildcards > max {
            let (paths, fix) = shared_by(&patterns, "shorten the path");
            problems.push(format!(
                "{paths} has {wildcards} variables; a listener rule has at most {max}; {fix} in infra/src/routes.rs"
            ));
        }
    }
    problems
}

/// The paths of a rule, and how to fix it: `fix` if it has one path only.
fn shared_by<'a>(patterns: &[String], fix: &'a str) -> (String, &'a str) {
    match patterns {
        [path] => (path.clone(), fix),
        paths => (
            format!("a rule of {} paths ({})", paths.len(), paths.join(", ")),
            "remove in_rule_of from one of their routes",
        ),
    }
}

/// The connection budget. During a release the old and the new version of a function both hold connections.
fn connections(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let concurrent: u32 = functions.iter().map(|function| u32::from(function.connections(stage))).sum();
    let of_tasks: u32 = stage.containers.iter().map(connections_of_tasks).sum();
    let (held, max) = (2 * (concurrent + of_tasks), u32::from(stage.database.max_connections));
    let allowed = max * MAX_HELD_PERCENT / 100;
    if held <= allowed {
        return Vec::new();
    }
    let (holders, tasks, lower) = if of_tasks == 0 {
        ("functions", String::new(), "[concurrency]")
    } else {
        ("functions and tasks", format!(" and 2 x {of_tasks} of tasks"), "[concurrency] or [containers]")
    };
    vec![format!(
        "{holders} can hold {held} database connections during a release (2 x {concurrent} concurrent executions{tasks}); at most \
         {allowed} are allowed, 80 % of max_connections = {max}; lower {lower} or raise max_connections in \
         infra/stages/{}.toml",
        stage.name
    )]
}

/// The most connections of all tasks of both services.
fn connections_of_tasks(settings: &Containers) -> u32 {
    let tasks: u32 = Service::ALL.into_iter().map(|service| u32::from(service.tasks(settings).max)).sum();
    tasks * u32::from(settings.connections)
}

/// Memory in MiB that Fargate has with these CPU units, from the least to the most, in steps.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-cpu-memory-error.html>
fn memory_of_fargate(cpu: u16) -> Option<(u16, u16, u16)> {
    match cpu {
        256 => Some((512, 2_048, 512)),
        512 => Some((1_024, 4_096, 1_024)),
        1_024 => Some((2_048, 8_192, 1_024)),
        2_048 => Some((4_096, 16_384, 1_024)),
        4_096 => Some((8_192, 30_720, 1_024)),
        _ => None,
    }
}

fn failover(stage: &Stage) -> Vec<String> {
    let wants = stage.domain.as_ref().is_some_and(|domain| domain.failover);
    if !wants || stage.region == CLOUDFRONT_REGION {
        return Vec::new();
    }
    vec![format!(
        "failover is true and region is {}; the page's certificate and the metrics of Route 53 are in {CLOUDFRONT_REGION}: remove \
         failover",
        stage.region
    )]
}

fn containers(stage: &Stage) -> Vec<String> {
    let Some(settings) = &stage.containers else { return Vec::new() };
    let mut problems = Vec::new();
    let Containers { cpu, memory_mb, connections, .. } = *settings;
    match memory_of_fargate(cpu) {
        None => problems.push(format!("cpu is {cpu}; Fargate has 256, 512, 1024, 2048 and 4096 CPU units")),
        Some((least, most, step)) => {
            // 1,536 is not among the sizes with 256 units.
            let exists =
                (least..=most).contains(&memory_mb) && memory_mb % step == 0 && (cpu, memory_mb) != (256, 1_536);
            if !exists {
                problems.push(format!(
                    "memory_mb is {memory_mb}; with {cpu} CPU units, Fargate has {least} to {most} in steps of {step}"
                ));
            }
        }
    }
    if stage.egress == Egress::Ipv6 {
        problems.push(
            "there is a section [containers] and egress is \"ipv6\", which Fargate does not use to pull an image; choose \
             another egress"
                .to_owned(),
        );
    }
    if connections == 0 {
        problems.push("connections is 0; a task needs at least 1".to_owned());
    }
    for service in Service::ALL {
        let (Tasks { min, max }, name) = (service.tasks(settings), service.name());
        if min == 0 || min > max {
            problems.push(format!("{name} has {min} to {max} tasks; min must be at least 1 and at most max"));
        }
        if let Err(error) = service.environment(stage) {
            problems.push(format!("{error:#}"));
        }
    }
    problems
}

/// The release's probe of a new version needs unreserved concurrency, and while the alias moves, both versions have their
/// provisioned concurrency.
fn provisioned(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, provisioned) in &stage.concurrency.provisioned {
        let ProvisionedConcurrency { min, max } = *provisioned;
        let Some(function) = functions.iter().find(|known| known.name == name && known.serves_http()) else {
            problems.push(format!(
                "concurrency.provisioned names {name}, which is no function behind the load balancer; remove it or correct \
                 the name"
            ));
            continue;
        };
        if min == 0 || min > max {
            problems.push(format!(
                "the provisioned concurrency of {name} is {min} to {max}; min must be at least 1 and at most max"
            ));
        }
        let reserved = function.max_concurrency(stage);
        if u32::from(max) * 2 >= u32::from(reserved) {
            problems.push(format!(
                "the provisioned concurrency of {name} is up to {max}, twice as much during a release; that must be less \
                 than its reserved concurrency of {reserved}"
            ));
        }
    }
    problems
}

/// A browser asks for the covers of a list at once, over one connection with HTTP/2, and a throttled one would stay away.
fn covers(stage: &Stage) -> Vec<String> {
    let (covers, least) = (stage.concurrency.covers, Query::USUAL_LIMIT);
    let is_enough = u32::from(covers) >= least;
    let problem =
        format!("concurrency.covers is {covers}; it must be at least {least}, the number of covers of a list");
    if is_enough { Vec::new() } else { vec![problem] }
}

fn firewall(stage: &Stage) -> Vec<String> {
    let Some(Firewall { requests_per_address: requests, posts_per_address: posts }) = stage.firewall else {
        return Vec::new();
    };
    let mut problems: Vec<String> = [("requests_per_address", requests), ("posts_per_address", posts)]
        .into_iter()
        .filter(|(_, limit)| *limit < MIN_REQUESTS_PER_ADDRESS)
        .map(|(name, limit)| format!("{name} is {limit}; AWS WAF requires at least {MIN_REQUESTS_PER_ADDRESS}"))
        .collect();
    if posts > requests {
        problems.push(format!(
            "posts_per_address is {posts}; requests_per_address is {requests} and counts them too, so set at most that"
        ));
    }
    problems
}

/// Quotas: <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
fn api_gateway(stage: &Stage) -> Vec<String> {
    let Some(settings) = &stage.api_gateway else { return Vec::new() };
    let mut problems = Vec::new();
    if stage.https == Https::None && !stage.is_local() {
        problems.push(
            "there is a section [api_gateway] and https is \"none\"; its answers have addresses of the shop, so set https to \
             \"domain\" or \"cloudfront\""
                .to_owned(),
        );
    }
    if !stage.has_sign_in() {
        problems.push(
            "there is a section [api_gateway] and nobody can sign in: its tokens come from the user pool of customers; set \
             [accounts.customers], and on a stage with protect = true also https = \"domain\""
                .to_owned(),
        );
    }
    let (requests, writes) = (settings.requests_per_second, settings.writes_per_second);
    if writes == 0 || writes > requests || requests > MAX_GATEWAY_RATE {
        problems.push(format!(
            "writes_per_second is {writes} and requests_per_second {requests}; the first must be at least 1, the second at least \
             as high, and at most {MAX_GATEWAY_RATE}, the limit of an account"
        ));
    }
    match settings.callback_urls.iter().find(|url| !is_callback(url)) {
        Some(url) => {
            problems.push(format!(
                "callback_urls has `{url}`; Cognito allows https://, an app's own scheme such as app://, and http://localhost for \
                 tests, each without a fragment"
            ));
        }
        None if settings.callback_urls.is_empty() => {
            problems.push(
                "callback_urls is empty; give the address to which a customer returns after the sign-in".to_owned(),
            );
        }
        None => {}
    }
    if let Some(origin) = settings.cors_origins.iter().find(|origin| !is_origin(origin)) {
        problems.push(format!("cors_origins has `{origin}`; an origin is `*` or such as https://app.example.org"));
    }
    let routes = routes();
    if routes.len() > MAX_GATEWAY_ROUTES {
        problems.push(format!("the API has {} routes; API Gateway takes {MAX_GATEWAY_ROUTES}", routes.len()));
    }
    let slow = routes.iter().filter(|route| route.function.timeout_seconds >= MAX_GATEWAY_SECONDS);
    problems.extend(slow.map(|route| {
        let seconds = route.function.timeout_seconds;
        format!("{} has {seconds} seconds; API Gateway waits at most {MAX_GATEWAY_SECONDS}", route.key())
    }));
    problems
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html>
fn is_callback(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let is_allowed = match url.scheme() {
            "http" => url.host_str() == Some("localhost"),
            "javascript" | "data" | "file" => false,
            _ => text.contains("://"),
        };
        is_allowed && url.fragment().is_none()
    })
}

/// What a browser sends as `Origin`, or `*`.
fn is_origin(text: &str) -> bool {
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https");
    text == "*" || Url::parse(text).is_ok_and(|url| is_web(&url) && url.origin().ascii_serialization() == text)
}

fn monitoring(stage: &Stage) -> Vec<String> {
    let Some(Monitoring { budget_usd, email }) = &stage.monitoring else { return Vec::new() };
    let mut problems = Vec::new();
    if *budget_usd == 0 {
        problems.push("budget_usd is 0; AWS Budgets requires at least 1".to_owned());
    }
    if let Some(email) = email.as_ref().filter(|email| !email.contains('@')) {
        problems.push(format!("email is `{email}`; an e-mail address contains `@`"));
    }
    problems
}

fn currency(stage: &Stage) -> Vec<String> {
    let is_known = Currency::parse(&stage.currency).is_ok_and(|currency| currency.code() == stage.currency);
    let problem = || {
        format!(
            "currency is {:?}, which is no currency of ISO 4217 in capital letters; use one such as EUR",
            stage.currency
        )
    };
    (!is_known).then(problem).into_iter().collect()
}

fn zones(stage: &Stage) -> Vec<String> {
    let mut problems = Vec::new();
    let [one, other] = &stage.zones;
    if one == other {
        problems.push(format!("zones names {one} twice; a stage needs two different zones"));
    }
    for id in &stage.zones {
        match FACTS.zone(id) {
            None => problems.push(format!(
                "zones names {id}, which is not in infra/facts.toml; `aws ec2 describe-availability-zones --region {} \
                 --query 'AvailabilityZones[].ZoneId'` lists the ids",
                stage.region
            )),
            Some(Zone { lacks: Some(what), .. }) => {
                problems.push(format!("zones names {id}, which lacks {what}; choose another zone"));
            }
            Some(_) => {}
        }
    }
    problems
}

fn database(stage: &Stage) -> Vec<String> {
    let Server::Rds(server) = &stage.database.server else { return Vec::new() };
    let mut problems = Vec::new();
    let Rds { engine_version, class, generation, restore, .. } = server;
    if !FACTS.has_database_version("mariadb", engine_version) {
        let known: Vec<_> = FACTS.database_versions.iter().map(|known| known.version.as_str()).collect();
        problems.push(format!(
            "engine_version is {engine_version}; infra/facts.toml has {} (major and minor version; RDS installs patches itself)",
            known.join(", ")
        ));
    }
    if FACTS.database_class(class).is_none() {
        problems.push(format!("class is {class}; its memory is not in infra/facts.toml, add it with its source"));
    } else if Memory::of(stage).is_none() {
        problems.push(format!(
            "class is {class}, which has too little memory: max_connections = {} and {LOGINS} MiB for IAM logins leave no \
             buffer pool; choose a larger class or fewer connections",
            stage.database.max_connections
        ));
    }
    if *generation == 0 {
        problems.push("generation is 0; the first is 1".to_owned());
    }
    let own = stage.physical(&server.instance());
    match restore {
        Some(_) if *generation < 2 => problems.push(
            "restore creates a new instance, whose name must differ from the previous one's; raise generation by one"
                .to_owned(),
        ),
        Some(Restore::Instance { name, .. }) if *name == own => problems.push(format!(
            "restore.instance names {name}, which would be the name of the new instance; raise generation by one"
        )),
        _ => {}
    }
    problems
}

/// RDS makes replicas from backups, and none of an instance whose master password it keeps
/// (<https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html>). The connection budget needs no part of
/// its own: a replica has as many connections as the primary, and only some of the primary's users.
fn replicas(stage: &Stage) -> Vec<String> {
    let replicas = stage.database.replicas;
    let mut problems = Vec::new();
    match &stage.database.server {
        _ if replicas == 0 => {}
        Server::External(_) if !stage.is_local() => problems.push(format!(
            "replicas is {replicas}; the server of [database.server.external] and its replicas are not part of the stage; set \
             replicas = 0"
        )),
        Server::External(_) => {
            if replicas > MAX_LOCAL_REPLICAS {
                problems.push(format!("replicas is {replicas}; the local stage has at most {MAX_LOCAL_REPLICAS}"));
            }
        }
        Server::Rds(server) => {
            if replicas > MAX_REPLICAS {
                problems.push(format!("replicas is {replicas}; RDS allows an instance at most {MAX_REPLICAS}"));
            }
            if server.master_password == MasterPassword::Rds {
                problems.push(format!(
                    "replicas is {replicas} and master_password is \"rds\"; RDS makes no replica of an instance whose password it \
                     keeps; set master_password = \"own\" in infra/stages/{}.toml",
                    stage.name
                ));
            }
            if server.backup_days == 0 {
                problems.push(format!(
                    "replicas is {replicas} and backup_days is 0; RDS makes replicas from backups, so it requires at least 1"
                ));
            }
        }
    }
    problems
}

fn accounts(stage: &Stage) -> Vec<String> {
    let is_zero = |pool: &Pool| stage.accounts.of(*pool).generation == 0;
    let problem = |pool: Pool| format!("accounts.{}.generation is 0; the first is 1", pool.name());
    Pool::ALL.into_iter().filter(is_zero).map(problem).collect()
}

/// RDS's storage autoscaling requires a maximum of at least 110 % of the allocated storage.
fn storage(stage: &Stage) -> Vec<String> {
    let Server::Rds(Rds { storage_gb, max_storage_gb, .. }) = stage.database.server else { return Vec::new() };
    if u32::from(max_storage_gb) * 10 >= u32::from(storage_gb) * 11 {
        return Vec::new();
    }
    vec![format!(
        "max_storage_gb is {max_storage_gb}; RDS requires at least {}, which is 110 % of storage_gb = {storage_gb}",
        (u32::from(storage_gb) * 11).div_ceil(10)
    )]
}

fn shop(stage: &Stage) -> Vec<String> {
    let Some(ShopSettings { seller, tax_rates, collect, ship, payments, .. }) = &stage.shop else { return Vec::new() };
    let mut problems = Vec::new();
    let mut text = |name: &str, value: &str| {
        if value.trim().is_empty() || value.contains(char::is_control) {
            problems
                .push(format!("{name} is {value:?}; it must be a text on one line, because pages and mails show it"));
        }
    };
    text("shop.seller.name", &seller.name);
    text("shop.seller.tax_id", &seller.tax_id);
    text("shop.seller.address", &seller.address);
    text("shop.seller.phone", &seller.phone);
    text("shop.seller.register", seller.register.as_deref().unwrap_or("none"));
    text("shop.collect.place", collect.as_ref().map_or("none", |collect| &collect.place));
    text("shop.payments.bank_transfer.holder", payments.bank_transfer.as_ref().map_or("none", |bank| &bank.holder));
    for (name, rate) in [("books", tax_rates.books), ("delivery", tax_rates.delivery)] {
        if rate > TaxRates::MAX {
            let max = TaxRates::MAX;
            problems.push(format!("shop.tax_rates.{name} is {rate}; hundredths of a percent are at most {max}"));
        }
    }
    if collect.is_none() && ship.is_none() {
        problems.push("[shop] has neither [shop.collect] nor [shop.ship]; no buyer could get a book".to_owned());
    }
    problems.extend(ship.iter().flat_map(countries));
    problems.extend(ship.as_ref().and_then(delivered_after));
    problems.extend(payments_of(stage.shop.as_ref().expect("a shop")));
    let days = [
        ("shop.collect.keep_days", collect.as_ref().map(|Collect { keep_days, .. }| *keep_days)),
        ("shop.ship.days", ship.as_ref().map(|Ship { days, .. }| *days)),
        ("shop.ship.delivered_after_days", ship.as_ref().map(|ship| ship.delivered_after_days)),
        ("shop.payments.bank_transfer.days_to_pay", payments.bank_transfer.as_ref().map(|bank| bank.days_to_pay)),
    ];
    for (name, _) in days.iter().filter(|(_, days)| *days == Some(0)) {
        problems.push(format!("{name} is 0; it must be at least 1, because an order would expire at once"));
    }
    problems
}

fn delivered_after(Ship { days, delivered_after_days, .. }: &Ship) -> Option<String> {
    (delivered_after_days < days).then(|| {
        format!(
            "shop.ship.delivered_after_days is {delivered_after_days}; it must be at least shop.ship.days, which is {days}, \
             because an order that is still on its way is not delivered"
        )
    })
}

fn countries(ship: &Ship) -> Vec<String> {
    if ship.countries.is_empty() {
        return vec!["shop.ship.countries is empty; name at least one country, or remove [shop.ship]".to_owned()];
    }
    let is_code = |code: &String| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    let unknown = ship.countries.iter().filter(|code| !is_code(code));
    unknown
        .map(|code| format!("shop.ship.countries names {code:?}; a code of ISO 3166-1 has two capital letters: ES"))
        .collect()
}

fn payments_of(shop: &ShopSettings) -> Vec<String> {
    let ShopSettings { collect, ship, payments, .. } = shop;
    let mut problems = Vec::new();
    for (name, is_accepted, section, is_offered) in [
        ("on_collection", payments.on_collection, "shop.collect", collect.is_some()),
        ("on_delivery", payments.on_delivery, "shop.ship", ship.is_some()),
    ] {
        if is_accepted && !is_offered {
            problems.push(format!(
                "shop.payments.{name} is true, and there is no [{section}]; add that section, or set {name} = false"
            ));
        }
    }
    let Some(bank) = &payments.bank_transfer else {
        for (delivery, is_offered, can_be_paid, name) in [
            ("collection", collect.is_some(), payments.on_collection, "on_collection"),
            ("delivery", ship.is_some(), payments.on_delivery, "on_delivery"),
        ] {
            if is_offered && !can_be_paid {
                problems.push(format!(
                    "an order for {delivery} cannot be paid; set shop.payments.{name} = true, or add [shop.payments.bank_transfer]"
                ));
            }
        }
        return problems;
    };
    if !is_iban(&bank.iban) {
        problems.push(format!(
            "shop.payments.bank_transfer.iban is {:?}, whose check digits are wrong; write all characters without spaces",
            bank.iban
        ));
    }
    problems
}

/// Whether the check digits of an account number fit (ISO 13616).
fn is_iban(text: &str) -> bool {
    let is_written = (15..=34).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && text.bytes().take(2).all(|b| b.is_ascii_uppercase());
    is_written && {
        let (head, rest) = text.split_at(4);
        let digits = rest.chars().chain(head.chars()).map(|c| c.to_digit(36).expect("a digit or a letter"));
        digits.fold(0, |sum, digit| (sum * if digit < 10 { 10 } else { 100 } + digit) % 97) == 1
    }
}

fn mail(stage: &Stage) -> Vec<String> {
    let Some(Mail { sender, identity, .. }) = &stage.mail else { return Vec::new() };
    let domain = sender.as_str().split_once('@').map_or("", |(_, domain)| domain);
    let is_own = identity == sender.as_str() || identity == domain || domain.ends_with(&format!(".{identity}"));
    let is_domain = Email::parse(&format!("x@{identity}")).is_ok();
    let mut problems = Vec::new();
    if !is_own || !(is_domain || identity == sender.as_str()) {
        problems.push(format!(
            "mail.identity is {identity:?}; SES would refuse mails from {}; set {domain}, a domain above it, or the address",
            sender.as_str()
        ));
    }
    problems.extend(mail_zone(stage));
    problems
}

/// The zone of the records that verify the identity. One in the zone of `[domain]` needs it too, because that section goes
/// when `https` changes, and without the records SES stops sending after days.
fn mail_zone(stage: &Stage) -> Option<String> {
    let Mail { identity, existing_identity, zone, .. } = stage.mail.as_ref()?;
    if zone.is_some() {
        let why_not = match (identity.contains('@'), existing_identity) {
            (true, _) => format!("mail.identity is {identity}, an address, which SES verifies by a mail"),
            (false, true) => "existing_identity is true, so its records exist".to_owned(),
            (false, false) => return None,
        };
        return Some(format!(
            "mail.zone is set, and {why_not}; remove zone below [mail] in infra/stages/{}.toml",
            stage.name
        ));
    }
    let domain = stage.domain_in_use()?;
    let is_below = *identity == domain.name || identity.ends_with(&format!(".{}", domain.name));
    (is_below && !existing_identity && !identity.contains('@')).then(|| {
        format!(
            "mail.identity is {identity}, in the zone of [domain], and mail.zone is missing: the records by which SES \
             verifies it would go with [domain] when https changes; add zone = {:?} below [mail] in infra/stages/{}.toml",
            domain.zone, stage.name
        )
    })
}

fn orders(stage: &Stage) -> Vec<String> {
    let Orders { groups, visibility_seconds, max_receives, concurrency, max_open, sweep_minutes } = stage.orders;
    [
        ("groups", groups, 1, 1_000, "the order queue needs one, and more than 1000 bring nothing"),
        ("visibility_seconds", visibility_seconds, 1, 43_200, "that is SQS's range"),
        ("max_receives", max_receives, 1, 1_000, "that is SQS's range"),
        ("concurrency", concurrency, 2, 1_000, "that is the range of Lambda's maximum concurrency"),
        ("max_open", max_open, 1, 1_000, "a buyer needs one open order"),
        ("sweep_minutes", sweep_minutes, 1, 1_440, "orders must expire on the day when they are due"),
    ]
    .into_iter()
    .filter(|(_, value, min, max, _)| !(*min..=*max).contains(value))
    .map(|(name, value, min, max, why)| format!("orders.{name} is {value}; it must be {min} to {max}: {why}"))
    .collect()
}

fn retries(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let mut problems = Vec::new();
    for queue in Queue::ALL.into_iter().filter(|queue| queue.dead_letters().is_some()) {
        let (visibility, receives) = stage.retries(queue);
        let retried = u32::from(visibility) * u32::from(receives);
        if retried < OUTAGE_SECONDS && !stage.is_local() {
            problems.push(format!(
                "a message of queue {} is retried for visibility_seconds x max_receives = {visibility} s x {receives} = \
                 {retried} s; it must survive an outage of {OUTAGE_SECONDS} s; raise max_receives to at least {}",
                queue.name(),
                OUTAGE_SECONDS.div_ceil(u32::from(visibility.max(1)))
            ));
        }
    }
    for Function { name, trigger, timeout_seconds, .. } in functions {
        let Trigger::Messages(queue) = trigger else { continue };
        let longest = order_batch::longest().as_secs_f32();
        if *queue == Queue::Orders && longest > f32::from(*timeout_seconds) {
            problems.push(format!(
                "the timeout of {name} is {timeout_seconds} s; a batch may take {longest} s, and a message in work at the \
                 timeout counts as failed; raise timeout_seconds in infra/src/routes.rs, or lower the times in \
                 shared/src/order_batch.rs"
            ));
        }
        let (visibility, _) = stage.retries(*queue);
        // AWS recommends six times the timeout; the local stage retries sooner.
        let min = if stage.is_local() { *timeout_seconds } else { 6 * timeout_seconds };
        if visibility < min {
            problems.push(format!(
                "visibility_seconds is {visibility}; the timeout of {name} is {timeout_seconds} s, which requires at least {min}"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{DEFAULTS, FUNCTIONS, QueueAccess, Route};
    use crate::stacks::{self, Kind};
    use crate::stage::ApiGateway;
    use crate::stage::STAGES;

    fn error(stage: &Stage, functions: &[Function]) -> String {
        check(stage, functions).unwrap_err().to_string()
    }

    fn prod() -> Stage {
        Stage::load("prod").unwrap()
    }

    #[test]
    fn every_stage_is_within_the_limits() {
        for (name, _) in STAGES {
            check(&Stage::load(name).unwrap(), FUNCTIONS).unwrap();
            check(&Stage::in_full(name).unwrap(), FUNCTIONS).unwrap();
        }
    }

    #[test]
    fn an_exceeded_connection_budget_is_rejected() {
        let mut stage = prod();
        stage.concurrency.http = 80;
        assert_eq!(
            error(&stage, FUNCTIONS),
            "stage `prod` cannot be deployed:\n  functions can hold 1370 database connections during a release \
             (2 x 685 concurrent executions); at most 600 are allowed, 80 % of max_connections = 750; lower [concurrency] \
             or raise max_connections in infra/stages/prod.toml"
        );
    }

    /// Two more functions with a database of usual demand.
    #[test]
    fn the_connection_budget_of_prod_has_room_for_two_more_functions() {
        let more = Function {
            name: "one-more",
            trigger: Trigger::Http(&[]),
            database: Some(DatabaseRole::Reader),
            ..DEFAULTS
        };
        assert_eq!(connections(&prod(), &[FUNCTIONS, &[more, more]].concat()), Vec::<String>::new());
    }

    #[test]
    fn functions_without_database_access_do_not_count_in_the_connection_budget() {
        let mut stage = prod();
        stage.concurrency.http_without_database = 1000;
        check(&stage, FUNCTIONS).unwrap();
    }

    #[test]
    fn provisioned_concurrency_that_leaves_none_for_a_release_is_rejected() {
        let with = |function: &str, min, max| {
            let mut stage = prod();
            stage.concurrency.http = 25;
            stage.concurrency.provisioned = [(function.to_owned(), ProvisionedConcurrency { min, max })].into();
            check(&stage, FUNCTIONS).map_err(|error| error.to_string())
        };
        assert_eq!(with("show-book", 1, 12), Ok(()));
        assert!(with("show-book", 1, 13).unwrap_err().contains("the provisioned concurrency of show-book is up to 13"));
        assert!(with("show-book", 0, 2).unwrap_err().contains("is 0 to 2; min must be at least 1"));
        assert!(with("show-book", 3, 2).unwrap_err().contains("is 3 to 2; min must be at least 1"));
        let unknown = "which is no function behind the load balancer";
        assert!(with("migrate-database", 1, 1).unwrap_err().contains(&format!("names migrate-database, {unknown}")));
        assert!(with("show-boook", 1, 1).unwrap_err().contains(&format!("names show-boook, {unknown}")));
    }

    #[test]
    fn a_concurrency_that_does_not_suffice_for_the_covers_of_a_list_is_rejected() {
        let mut stage = prod();
        stage.concurrency.covers = 23;
        assert!(error(&stage, FUNCTIONS).contains("concurrency.covers is 23; it must be at least 24"));
    }

    #[test]
    fn a_firewall_limit_below_that_of_aws_waf_is_rejected() {
        let mut stage = prod();
        for (requests_per_address, posts_per_address, problem) in [
            (9, 9, "requests_per_address is 9; AWS WAF requires at least 10"),
            (2000, 9, "posts_per_address is 9; AWS WAF requires at least 10"),
            (40, 50, "posts_per_address is 50; requests_per_address is 40 and counts them too, so set at most that"),
        ] {
            stage.firewall = Some(Firewall { requests_per_address, posts_per_address });
            assert!(error(&stage, FUNCTIONS).contains(problem), "{problem}");
        }
    }

    #[test]
    fn settings_that_api_gateway_or_cognito_would_refuse_are_rejected() {
        let with = |change: fn(&mut Stage, &mut ApiGateway)| {
            let mut stage = Stage::in_full("prod").unwrap();
            let mut settings = stage.api_gateway.clone().unwrap();
            change(&mut stage, &mut settings);
            stage.api_gateway = Some(settings);
            api_gateway(&stage).join("\n")
        };
        assert_eq!(with(|_, _| {}), "");
        assert!(with(|_, settings| settings.writes_per_second = 0).contains("writes_per_second is 0"));
        assert!(with(|_, settings| settings.writes_per_second = 51).contains("requests_per_second 50"));
        assert!(with(|_, settings| settings.callback_urls.clear()).contains("callback_urls is empty"));
        assert!(with(|stage, _| (stage.https, stage.domain) = (Https::None, None)).contains("https is \"none\""));
    }

    #[test]
    fn containers_that_fargate_the_network_or_the_database_would_refuse_are_rejected() {
        let with = |change: fn(&mut Stage, &mut Containers)| {
            let mut stage = Stage::in_full("prod").unwrap();
            let mut settings = stage.containers.clone().unwrap();
            change(&mut stage, &mut settings);
            stage.containers = Some(settings);
            check(&stage, FUNCTIONS).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(with(|_, _| {}), "");
        for (cpu, memory_mb, problem) in [
            (300, 1_024, "cpu is 300"),
            (256, 1_536, "memory_mb is 1536"),
            (512, 512, "memory_mb is 512; with 512 CPU units, Fargate has 1024 to 4096 in steps of 1024"),
            (1_024, 2_500, "memory_mb is 2500"),
        ] {
            let mut stage = Stage::in_full("prod").unwrap();
            let settings = stage.containers.as_mut().unwrap();
            (settings.cpu, settings.memory_mb) = (cpu, memory_mb);
            assert!(containers(&stage).join("").contains(problem), "{cpu} {memory_mb}");
        }
        assert!(with(|stage, _| stage.egress = Egress::Ipv6).contains("egress is \"ipv6\""));
        assert!(with(|_, settings| settings.pages.min = 0).contains("pages has 0 to 4 tasks"));
        assert!(with(|_, settings| settings.api.min = 3).contains("api has 3 to 2 tasks"));
        assert!(with(|_, settings| settings.connections = 0).contains("connections is 0; a task needs at least 1"));
        let many = with(|_, settings| settings.pages.max = 40);
        assert!(
            many.contains("functions and tasks can hold") && many.contains("lower [concurrency] or [containers]"),
            "{many}"
        );
    }

    #[test]
    fn a_failover_outside_of_the_region_of_its_certificate_is_rejected() {
        let full = Stage::in_full("prod").unwrap();
        assert_eq!(failover(&full), Vec::<String>::new());
        let elsewhere = Stage { region: "eu-west-1".to_owned(), ..full };
        assert!(failover(&elsewhere).join("").contains("region is eu-west-1"));
    }

    #[test]
    fn addresses_that_only_look_like_origins_and_callbacks_are_rejected() {
        for good in ["*", "https://app.example", "http://localhost:8123"] {
            assert!(is_origin(good), "{good}");
        }
        for bad in
            ["app.example", "https://app.example/", "https://app.example/path", "ftp://app.example", "https://", "null"]
        {
            assert!(!is_origin(bad), "{bad}");
        }
        for good in ["https://app.example/return?a=1", "http://localhost:8123/return", "app://return"] {
            assert!(is_callback(good), "{good}");
        }
        for bad in [
            "http://app.example",
            "http://localhost.app.example/",
            "https://app.example/#a",
            "javascript:alert(1)",
            "return",
        ] {
            assert!(!is_callback(bad), "{bad}");
        }
    }

    #[test]
    fn an_invalid_budget_and_an_invalid_email_are_rejected() {
        let mut stage = prod();
        stage.monitoring = Some(Monitoring { budget_usd: 0, email: Some("operators".to_owned()) });
        let error = error(&stage, FUNCTIONS);
        assert!(error.contains("budget_usd is 0") && error.contains("email is `operators`"));
    }

    #[test]
    fn a_database_without_room_to_grow_is_rejected() {
        let mut stage = prod();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS") };
        (server.storage_gb, server.max_storage_gb) = (100, 109);
        let error = error(&stage, FUNCTIONS);
        assert!(error.contains("max_storage_gb is 109; RDS requires at least 110, which is 110 % of storage_gb = 100"));
    }

    #[test]
    fn replicas_that_rds_or_this_machine_would_refuse_are_rejected() {
        let with = |replicas, change: fn(&mut Rds)| {
            let mut stage = prod();
            stage.database.replicas = replicas;
            let Server::Rds(server) = &mut stage.database.server else { panic!("RDS") };
            server.master_password = MasterPassword::Own;
            change(server);
            check(&stage, FUNCTIONS).map_err(|error| error.to_string())
        };
        assert_eq!(with(15, |_| {}), Ok(()));
        assert_eq!(with(0, |server| server.master_password = MasterPassword::Rds), Ok(()));
        let kept = with(1, |server| server.master_password = MasterPassword::Rds).unwrap_err();
        assert!(
            kept.contains("replicas is 1 and master_password is \"rds\"")
                && kept.contains("set master_password = \"own\"")
        );
        assert!(with(16, |_| {}).unwrap_err().contains("replicas is 16; RDS allows an instance at most 15"));
        let without_backups = with(1, |server| server.backup_days = 0).unwrap_err();
        assert!(
            without_backups.contains("backup_days is 0; RDS makes replicas from backups, so it requires at least 1")
        );

        let local = |name: &str, replicas| {
            let mut stage = Stage { name: name.to_owned(), ..Stage::load("local").unwrap() };
            stage.database.replicas = replicas;
            super::replicas(&stage)
        };
        assert_eq!(local("local", 3), Vec::<String>::new());
        assert!(local("local", 4)[0].contains("replicas is 4; the local stage has at most 3"));
        assert!(local("other", 1)[0].contains("are not part of the stage; set replicas = 0"));
    }

    #[test]
    fn a_zone_that_lacks_a_service_is_unknown_or_is_named_twice_is_rejected() {
        let with = |zones: [&str; 2]| {
            let stage = Stage { zones: zones.map(str::to_owned), ..prod() };
            check(&stage, FUNCTIONS).map_err(|error| error.to_string())
        };
        assert_eq!(with(["use1-az4", "use1-az6"]), Ok(()));
        assert!(with(["use1-az1", "use1-az3"]).unwrap_err().contains("use1-az3, which lacks Graviton"));
        assert!(with(["use1-az1", "use1-az1"]).unwrap_err().contains("use1-az1 twice"));
        assert!(
            with(["us-east-1a", "use1-az1"]).unwrap_err().contains("describe-availability-zones --region us-east-1")
        );
    }

    #[test]
    fn a_currency_is_one_that_people_pay_with() {
        for (code, is_accepted) in
            [("EUR", true), ("JPY", true), ("eur", false), ("XXX", false), ("euro", false), ("", false)]
        {
            let mut stage = Stage::load("prod").unwrap();
            stage.currency = code.to_owned();
            let checked = check(&stage, FUNCTIONS).map_err(|error| error.to_string());
            assert_eq!(checked.is_ok(), is_accepted, "{code}: {checked:?}");
        }
    }

    /// The problems of `prod` with all its optional settings and a change.
    fn problems_with(change: impl Fn(&mut Stage)) -> String {
        let mut stage = Stage::in_full("prod").unwrap();
        change(&mut stage);
        check(&stage, FUNCTIONS).err().map(|error| error.to_string()).unwrap_or_default()
    }

    type Change = fn(&mut ShopSettings);

    #[test]
    fn a_shop_that_could_not_sell_is_rejected() {
        let changes: [(Change, &str); 19] = [
            (|shop| shop.seller.name = " ".to_owned(), "shop.seller.name is \" \"; it must be a text on one line"),
            (
                |shop| shop.seller.phone = "1\n2".to_owned(),
                "shop.seller.phone is \"1\\n2\"; it must be a text on one line",
            ),
            (|shop| shop.seller.register = Some(String::new()), "shop.seller.register is \"\"; it must be a text"),
            (
                |shop| shop.tax_rates.books = 10_001,
                "shop.tax_rates.books is 10001; hundredths of a percent are at most 10000",
            ),
            (|shop| shop.tax_rates.delivery = 10_001, "shop.tax_rates.delivery is 10001"),
            (|shop| (shop.collect, shop.ship) = (None, None), "[shop] has neither [shop.collect] nor [shop.ship]"),
            (
                |shop| shop.collect = None,
                "on_collection is true, and there is no [shop.collect]; add that section, or set",
            ),
            (|shop| shop.ship = None, "on_delivery is true, and there is no [shop.ship]"),
            (|shop| shop.collect.as_mut().unwrap().keep_days = 0, "shop.collect.keep_days is 0; it must be at least 1"),
            (|shop| shop.ship.as_mut().unwrap().days = 0, "shop.ship.days is 0; it must be at least 1"),
            (
                |shop| shop.ship.as_mut().unwrap().delivered_after_days = 0,
                "shop.ship.delivered_after_days is 0; it must be at least 1",
            ),
            (
                |shop| shop.ship.as_mut().unwrap().delivered_after_days = 3,
                "shop.ship.delivered_after_days is 3; it must be at least shop.ship.days, which is 4",
            ),
            (
                |shop| shop.payments.bank_transfer.as_mut().unwrap().days_to_pay = 0,
                "days_to_pay is 0; it must be at least 1",
            ),
            (
                |shop| shop.ship.as_mut().unwrap().countries.clear(),
                "shop.ship.countries is empty; name at least one country",
            ),
            (
                |shop| shop.ship.as_mut().unwrap().countries = vec!["es".into()],
                "names \"es\"; a code of ISO 3166-1 has two",
            ),
            (|shop| shop.ship.as_mut().unwrap().countries = vec!["ESP".into()], "names \"ESP\"; a code of ISO 3166-1"),
            (
                |shop| (shop.payments.on_delivery, shop.payments.bank_transfer) = (false, None),
                "an order for delivery cannot be paid; set shop.payments.on_delivery = true, or add",
            ),
            (
                |shop| (shop.payments.on_collection, shop.payments.bank_transfer) = (false, None),
                "an order for collection cannot be paid",
            ),
            (
                |shop| shop.payments.bank_transfer.as_mut().unwrap().iban = "ES91 2100 0418 4502 0005 1332".to_owned(),
                "whose check digits are wrong; write all characters without spaces",
            ),
        ];
        for (change, problem) in changes {
            let problems = problems_with(|stage| change(stage.shop.as_mut().unwrap()));
            assert!(problems.contains(problem), "{problem}: {problems}");
        }
        let free: Change = |shop| (shop.tax_rates.books, shop.collect.as_mut().unwrap().ready_in_days) = (0, 0);
        assert_eq!(problems_with(|stage| free(stage.shop.as_mut().unwrap())), "");
    }

    #[test]
    fn an_environment_beyond_lambdas_four_kilobytes_is_rejected_whichever_text_is_long() {
        type Change = fn(&mut ShopSettings, String);
        let changes: [(Change, &str, usize, bool); 7] = [
            (|shop, text| shop.seller.address = text, "x", 100, true),
            (|shop, text| shop.seller.address = text, "x", 3_600, false),
            (|shop, text| shop.collect.as_mut().unwrap().place = text, "x", 3_600, false),
            (|shop, text| shop.payments.bank_transfer.as_mut().unwrap().holder = text, "x", 3_600, false),
            // As Lambda counts them: two bytes in UTF-8, and a quote with a backslash in the JSON of a JSON.
            (|shop, text| shop.seller.register = Some(text), "ñ", 1_800, false),
            (|shop, text| shop.seller.register = Some(text), "\"", 900, false),
            (|shop, text| shop.ship.as_mut().unwrap().countries = vec![text; 450], "ES", 1, false),
        ];
        for (change, part, times, is_accepted) in changes {
            let text = part.repeat(times);
            let problems = problems_with(|stage| change(stage.shop.as_mut().unwrap(), text.clone()));
            assert_eq!(problems.is_empty(), is_accepted, "{times} x {part}: {problems}");
            let expected = [
                "the environment of show-order has ",
                ", ANAQUEL_SHOP alone ",
                "; at most 3596 are allowed: Lambda's limit of 4096 without 500 for what CloudFormation adds; shorten",
            ];
            let is_told = expected.iter().all(|part| problems.contains(part));
            assert_eq!(!is_told, is_accepted, "{times} x {part}: {problems}");
        }
    }

    #[test]
    fn what_cloudformation_adds_to_an_environment_is_within_the_bytes_left_for_it() {
        let resolved = BTreeMap::from([
            (
                "ANAQUEL_FALLBACK",
                serde_json::json!({
                    "database/host": "anaquel-prod-database-10.abcdefghijkl.ap-southeast-1.rds.amazonaws.com",
                    "database/port": "3306", "database/name": "anaquel", "database/auth": "iam",
                    "database/reader/user": "anaquel_reader",
                    "queue/submissions":
                        "https://sqs.ap-southeast-1.amazonaws.com/111122223333/anaquel-prod-submissions",
                })
                .to_string(),
            ),
            ("ANAQUEL_ORIGIN", "https://d111111abcdef8.cloudfront.net".to_owned()),
        ]);
        assert!(json_bytes(&resolved) <= RESOLVED_ENVIRONMENT, "{}", json_bytes(&resolved));
    }

    #[test]
    fn an_account_number_is_one_whose_check_digits_fit() {
        for (text, fits) in [
            ("ES9121000418450200051332", true),
            ("DE89370400440532013000", true),
            ("GB29NWBK60161331926819", true),
            ("ES9121000418450200051333", false),
            ("es9121000418450200051332", false),
            ("ES91 2100 0418 4502 0005 1332", false),
            ("9121000418450200051332ES", false),
            ("ES91", false),
            ("", false),
            ("ÑS9121000418450200051332", false),
        ] {
            assert_eq!(is_iban(text), fits, "{text}");
        }
    }

    #[test]
    fn a_sender_that_its_identity_does_not_cover_is_rejected() {
        for (sender, identity, is_accepted) in [
            ("pedidos@shop.example.org", "shop.example.org", true),
            ("pedidos@shop.example.org", "example.org", true),
            ("pedidos@shop.example.org", "pedidos@shop.example.org", true),
            ("pedidos@shop.example.org", "other.example.org", false),
            ("pedidos@shop.example.org", "op.example.org", false),
            ("pedidos@shop.example.org", "ventas@shop.example.org", false),
            ("pedidos@shop.example.org", "org", false),
            ("pedidos@shop.example.org", "", false),
        ] {
            let mail = Mail {
                sender: Email::parse(sender).unwrap(),
                identity: identity.to_owned(),
                existing_identity: false,
                for_accounts: false,
                zone: None,
            };
            let problems = problems_with(|stage| stage.mail = Some(mail.clone()));
            let problem = format!("mail.identity is {identity:?}; SES would refuse mails from {sender}");
            assert_eq!(!problems.contains(&problem), is_accepted, "{identity}: {problems}");
        }
    }

    #[test]
    fn a_setting_of_orders_beyond_what_aws_accepts_is_rejected() {
        type Change = fn(&mut Orders);
        let changes: [(Change, &str); 7] = [
            (|orders| orders.groups = 0, "orders.groups is 0; it must be 1 to 1000"),
            (|orders| orders.visibility_seconds = 43_201, "orders.visibility_seconds is 43201; it must be 1 to 43200"),
            (|orders| orders.max_receives = 1_001, "orders.max_receives is 1001; it must be 1 to 1000"),
            (|orders| orders.concurrency = 1, "orders.concurrency is 1; it must be 2 to 1000"),
            (|orders| orders.max_open = 0, "orders.max_open is 0; it must be 1 to 1000"),
            (|orders| orders.sweep_minutes = 0, "orders.sweep_minutes is 0; it must be 1 to 1440"),
            (|orders| orders.sweep_minutes = 1_441, "orders.sweep_minutes is 1441; it must be 1 to 1440"),
        ];
        for (change, problem) in changes {
            let problems = problems_with(|stage| change(&mut stage.orders));
            assert!(problems.contains(problem), "{problem}: {problems}");
        }
    }

    /// `prod` with another database.
    fn with_database(change: impl Fn(&mut Rds)) -> Result<(), String> {
        let mut stage = prod();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS") };
        change(server);
        check(&stage, FUNCTIONS).map_err(|error| error.to_string())
    }

    #[test]
    fn the_name_of_a_restored_instance_differs_from_the_previous_instance_and_the_source() {
        let at = || "2026-11-24T09:30:00Z".to_owned();
        let restore = |generation, name: &str| {
            with_database(|server| {
                server.generation = generation;
                server.restore = Some(Restore::Instance { name: name.to_owned(), at: at() });
            })
        };
        assert_eq!(restore(2, "anaquel-prod-database"), Ok(()));
        assert_eq!(restore(3, "anaquel-prod-database-2"), Ok(()));
        assert!(restore(1, "anaquel-prod-database").unwrap_err().contains("raise generation by one"));
        assert!(restore(2, "anaquel-prod-database-2").unwrap_err().contains("raise generation by one"));
        assert!(with_database(|server| server.generation = 0).unwrap_err().contains("the first is 1"));
    }

    #[test]
    fn the_pools_of_accounts_are_counted_from_one() {
        let problems = problems_with(|stage| stage.accounts.staff.generation = 0);
        assert!(problems.contains("accounts.staff.generation is 0; the first is 1"), "{problems}");
        assert_eq!(problems_with(|stage| stage.accounts.customers.generation = 2), "");
    }

    #[test]
    fn an_unknown_engine_or_class_and_a_class_with_too_little_memory_are_rejected() {
        let class = |class: &str| with_database(|server| class.clone_into(&mut server.class)).unwrap_err();
        assert!(class("db.t4g.micro").contains("too little memory: max_connections = 750"));
        assert!(class("db.z9.huge").contains("its memory is not in infra/facts.toml"));
        let version = with_database(|server| server.engine_version = "11.8.9".to_owned()).unwrap_err();
        assert!(version.contains("engine_version is 11.8.9; infra/facts.toml has 11.8"), "{version}");
    }

    #[test]
    fn retries_for_less_than_twelve_hours_are_rejected_on_aws_only() {
        let mut stage = prod();
        stage.submissions.max_receives = 700;
        let error = error(&stage, FUNCTIONS);
        assert!(error.contains("60 s x 700 = 42000 s; it must survive an outage of 43200 s"), "{error}");
        assert!(error.ends_with("raise max_receives to at least 720"), "{error}");
        check(&Stage::load("local").unwrap(), FUNCTIONS).unwrap();
    }

    #[test]
    fn a_visibility_timeout_shorter_than_the_processing_is_rejected() {
        let slow =
            Function { name: "slow", trigger: Trigger::Messages(Queue::Submissions), timeout_seconds: 11, ..DEFAULTS };
        assert!(
            error(&prod(), &[slow])
                .contains("visibility_seconds is 60; the timeout of slow is 11 s, which requires at least 66")
        );
    }

    #[test]
    fn the_zone_of_the_mails_is_set_where_the_records_would_go_with_the_domain_and_nowhere_without_records() {
        let zone = Some("Z1");
        for (https, identity, existing_identity, zone, expected) in [
            (Https::Domain, "shop.example.org", false, zone, None),
            (Https::CloudFront, "shop.example.org", false, zone, None),
            (Https::CloudFront, "shop.example.org", false, None, None),
            (Https::Domain, "example.org", false, None, None),
            (Https::Domain, "shop.example.org", true, None, None),
            (Https::Domain, "pedidos@shop.example.org", false, None, None),
            (
                Https::Domain,
                "shop.example.org",
                false,
                None,
                Some(
                    "mail.zone is missing: the records by which SES verifies it would go with [domain] when https changes; \
                      add zone = \"Z0123456789ABCDEFGHIJ\" below [mail] in infra/stages/prod.toml",
                ),
            ),
            (Https::Domain, "shop.example.org", true, zone, Some("existing_identity is true, so its records exist")),
            (Https::None, "pedidos@shop.example.org", false, zone, Some("an address, which SES verifies by a mail")),
            (
                Https::None,
                "pedidos@shop.example.org",
                true,
                zone,
                Some("remove zone below [mail] in infra/stages/prod"),
            ),
        ] {
            let full = Stage::in_full("prod").unwrap();
            let domain = full.domain.clone().filter(|_| https == Https::Domain);
            let mail = Mail {
                identity: identity.to_owned(),
                existing_identity,
                for_accounts: false,
                zone: zone.map(str::to_owned),
                ..full.mail.clone().unwrap()
            };
            let problems = mail_zone(&Stage { https, domain, mail: Some(mail), ..full });
            assert_eq!(problems.is_some(), expected.is_some(), "{identity} with {}: {problems:?}", https.name());
            assert!(problems.zip(expected).is_none_or(|(problem, part)| problem.contains(part)), "{expected:?}");
        }
    }

    /// A function with so many routes.
    fn with_routes(count: usize) -> Vec<Function> {
        const ROUTE: Route = Route { methods: &["GET"], path: "/a", probe: "/a", rule_of: None };
        vec![Function { name: "show-a-page", trigger: Trigger::Http(&[ROUTE]), ..DEFAULTS }; count]
    }

    #[test]
    fn a_change_of_https_that_would_need_more_rules_at_once_than_a_load_balancer_has_is_a_warning() {
        for (https, routes, expected) in [
            (Https::None, 50, vec![]),
            (Https::None, 51, vec![("domain", 102, 51, 51)]),
            (Https::CloudFront, 48, vec![]),
            (Https::CloudFront, 49, vec![("domain", 101, 52, 49)]),
            (Https::Domain, 48, vec![]),
            (Https::Domain, 49, vec![("cloudfront", 101, 49, 52)]),
            (Https::Domain, 51, vec![("cloudfront", 105, 51, 54), ("none", 102, 51, 51)]),
        ] {
            let warnings = warnings(&Stage { https, ..prod() }, &with_routes(routes));
            assert_eq!(warnings.len(), expected.len(), "{routes} routes with {}: {warnings:?}", https.name());
            for (warning, (to, count, now, new)) in warnings.iter().zip(expected) {
                let start = format!(
                    "a change of https from \"{}\" to \"{to}\" would need {count} listener rules at once, {now} old and \
                     {new} new; a load balancer has at most 100 (https://docs.aws.amazon.com/",
                    https.name()
                );
                assert!(warning.starts_with(&start), "{warning}");
            }
        }
        for https in [Https::Domain, Https::CloudFront, Https::None] {
            let full = Stage::in_full("prod").unwrap();
            let stage = Stage { https, domain: full.domain.clone().filter(|_| https == Https::Domain), ..full };
            let app = stacks::all(&stage).unwrap().into_iter().find(|stack| stack.kind == Kind::App).unwrap();
            let template = app.template.to_json().unwrap();
            let count = template.matches("\"AWS::ElasticLoadBalancingV2::ListenerRule\"").count();
            assert_eq!(count, count_of_rules(&stage, https, FUNCTIONS), "with {}", https.name());
        }
        assert!(STAGES.iter().all(|(name, _)| warnings(&Stage::load(name).unwrap(), FUNCTIONS).is_empty()));
    }

    #[test]
    fn a_rule_with_more_paths_than_its_conditions_may_have_is_rejected_and_so_is_a_path_in_no_rule() {
        const FIRST: Route = Route { methods: &["GET", "HEAD"], path: "/a/{b}", probe: "/a/1", rule_of: None };
        const SECOND: Route = Route { path: "/c/{d}", rule_of: Some("/a/{b}"), ..FIRST };
        const THIRD: Route = Route { path: "/e/{f}", ..SECOND };
        const FOURTH: Route = Route { path: "/g", ..SECOND };
        const LOST: Route = Route { path: "/i", rule_of: Some("/nowhere"), ..FIRST };
        let problems = |https, routes: &'static [Route]| {
            let function = Function { name: "show-a-page", trigger: Trigger::Http(routes), ..DEFAULTS };
            routing(&Stage { https, ..prod() }, &[function])
        };
        assert!(problems(Https::None, &[FIRST, SECOND, THIRD]).is_empty());
        assert!(problems(Https::CloudFront, &[FIRST, SECOND]).is_empty());
        let cases: [(Https, &'static [Route], &str); 3] = [
            (
                Https::None,
                &[FIRST, SECOND, THIRD, FOURTH],
                "a rule of 4 paths (/a/*, /c/*, /e/*, /g) has 2 methods; a listener rule has at most 1; remove in_rule_of",
            ),
            (
                Https::CloudFront,
                &[FIRST, SECOND, FOURTH],
                "a rule of 3 paths (/a/*, /c/*, /g) has 2 methods; a listener rule has at most 1; remove in_rule_of",
            ),
            (
                Https::None,
                &[FIRST, LOST],
                "/i shares the listener rule of /nowhere, which its function does not have with the same methods",
            ),
        ];
        for (https, routes, expected) in cases {
            let problems = problems(https, routes);
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
        }
    }

    #[test]
    fn a_rule_with_more_than_three_paths_or_methods_is_rejected_even_if_it_has_five_values() {
        const FIRST: Route = Route { methods: &["POST"], path: "/a", probe: "/a", rule_of: None };
        const SECOND: Route = Route { path: "/b", rule_of: Some("/a"), ..FIRST };
        const THIRD: Route = Route { path: "/c", ..SECOND };
        const FOURTH: Route = Route { path: "/d", ..SECOND };
        const ALL: Route = Route { methods: &["DELETE", "PATCH", "POST", "PUT"], ..FIRST };
        let problems = |routes: &'static [Route]| {
            let function = Function { name: "show-a-page", trigger: Trigger::Http(routes), ..DEFAULTS };
            routing(&Stage { https: Https::None, ..prod() }, &[function])
        };
        assert!(problems(&[FIRST, SECOND, THIRD]).is_empty());
        let cases: [(&'static [Route], &str); 2] = [
            (&[FIRST, SECOND, THIRD, FOURTH], "a rule of 4 paths (/a, /b, /c, /d) exceeds a condition"),
            (&[ALL], "/a has 4 methods; a listener rule has at most 3"),
        ];
        for (routes, expected) in cases {
            let problems = problems(routes);
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
        }
    }

    /// AWS's quota is 100, and the stage still has to grow.
    #[test]
    fn the_routes_need_at_most_40_rules_and_80_while_https_changes() {
        let counts =
            [Https::Domain, Https::CloudFront, Https::None].map(|https| count_of_rules(&prod(), https, FUNCTIONS));
        assert!(counts.iter().all(|count| *count <= 40), "{counts:?}");
        assert!(counts[0] + counts[1].max(counts[2]) <= 80, "{counts:?}");
    }

    #[test]
    fn a_timeout_of_the_order_queues_consumer_within_which_a_batch_may_not_end_is_rejected() {
        let longest = order_batch::longest();
        for (timeout_seconds, is_enough) in [(10, false), (16, false), (17, true), (20, true)] {
            let consumer =
                Function { name: "decide", trigger: Trigger::Messages(Queue::Orders), timeout_seconds, ..DEFAULTS };
            let problems = retries(&prod(), &[consumer]).concat();
            let expected =
                format!("the timeout of decide is {timeout_seconds} s; a batch may take {} s", longest.as_secs_f32());
            assert_eq!(problems.contains(&expected), !is_enough, "{problems}");
        }
    }

    #[test]
    fn an_eleventh_parameter_is_rejected_and_a_twenty_first_of_the_function_that_creates_users() {
        const EVERYTHING: Function = Function {
            name: "greedy",
            database: Some(DatabaseRole::Admin),
            queue: &[
                QueueAccess::Send(Queue::Submissions),
                QueueAccess::Send(Queue::DeadLetters),
                QueueAccess::Send(Queue::Orders),
                QueueAccess::Send(Queue::OrderDeadLetters),
            ],
            submission_key: true,
            ..DEFAULTS
        };
        let local = Stage::load("local").unwrap();
        let problems = |function| parameters(&local, &[function]);
        let everything = Function { queue: &EVERYTHING.queue[..2], ..EVERYTHING };
        assert_eq!(
            problems(everything),
            [
                "greedy reads 21 parameters; a GetParameters call returns at most 10, and its cold start has time for 2; remove \
                 permissions from its row of infra/src/routes.rs, or split the function"
            ]
        );
        assert!(problems(Function { submission_key: false, ..everything }).is_empty());
        let of_visitors = |queue| Function { database: Some(DatabaseRole::Writer), queue, ..EVERYTHING };
        let (three, four) = (of_visitors(&EVERYTHING.queue[..3]), of_visitors(&EVERYTHING.queue[..4]));
        assert!(problems(three).is_empty());
        assert!(problems(four)[0].starts_with("greedy reads 11 parameters; a GetParameters call returns at most 10, "));
    }

    #[test]
    fn names_and_rules_beyond_the_load_balancers_limits_are_rejected() {
        const ROUTE: Route =
            Route { methods: &["GET", "HEAD", "POST", "PUT", "DELETE"], path: "/", probe: "/", rule_of: None };
        const LONG: Route = Route { methods: &["GET"], path: "/{a}/{b}/{c}/{d}/{e}/{f}", probe: "/", rule_of: None };
        let wide =
            Function { name: "show-a-page-with-a-long-name", trigger: Trigger::Http(&[ROUTE, LONG]), ..DEFAULTS };
        // Behind CloudFront each rule also has the origin secret with two wildcards, and three rules are for the rest.
        for (https, methods, variables, rules) in [(Https::None, 3, 5, 202), (Https::CloudFront, 3, 3, 205)] {
            let stage = Stage { https, ..prod() };
            let error = error(&stage, &[wide]);
            for expected in [
                "anaquel-prod-show-a-page-with-a-long-name has 41 characters".to_owned(),
                format!("/ has 5 methods; a listener rule has at most {methods}"),
                format!("/*/*/*/*/*/* has 6 variables; a listener rule has at most {variables}"),
            ] {
                assert!(error.contains(&expected), "{error}");
            }
            let many = self::error(&stage, &[wide; 101]);
            assert!(many.contains(&format!("{rules} listener rules; a load balancer has at most 100")), "{many}");
        }
    }
}
