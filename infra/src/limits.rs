//! What AWS would refuse half-way through a deploy, and what the database could not bear: refused at synth.

use anyhow::{Result, ensure};

use crate::database_memory::{LOGINS, Memory};
use crate::facts::{FACTS, Zone};
use crate::listener_rules::rules;
use crate::routes::{Function, Trigger};
use crate::stage::{Firewall, Provisioned, Rds, Restore, Server, Stage, Watch};

/// Rules of one load balancer (a quota that AWS raises on request).
pub const RULES: usize = 100;
/// Paths and methods of one rule.
const VALUES: usize = 5;
/// Names in one `GetParameters` call.
pub const PARAMETERS: usize = 10;
/// Characters in the name of a target group.
pub const NAME: usize = 32;
/// An outage of the database that loses no submission, in seconds.
const OUTAGE: u32 = 12 * 60 * 60;
/// The lowest limit of requests that AWS WAF takes.
const REQUESTS: i32 = 10;

/// Reports everything that is wrong at once.
pub fn check(stage: &Stage, functions: &[Function]) -> Result<()> {
    let problems = [
        parameters(stage, functions),
        names(stage, functions),
        routing(functions),
        connections(stage, functions),
        provisioned(stage, functions),
        firewall(stage),
        watch(stage),
        storage(stage),
        retries(stage, functions),
        zones(stage),
        database(stage),
    ];
    let problems = problems.concat();
    ensure!(problems.is_empty(), "stage `{}` cannot be deployed:\n  {}", stage.name, problems.join("\n  "));
    Ok(())
}

fn parameters(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .map(|function| (function.name, function.parameters(stage).len()))
        .filter(|(_, count)| *count > PARAMETERS)
        .map(|(name, count)| format!("{name} reads {count} parameters, and one call gets {PARAMETERS}"))
        .collect()
}

fn names(stage: &Stage, functions: &[Function]) -> Vec<String> {
    functions
        .iter()
        .filter(|function| function.serves_http())
        .map(|function| stage.physical(function.name))
        .filter(|name| name.len() > NAME)
        .map(|name| format!("{name} has {} characters, a target group's name {NAME}", name.len()))
        .collect()
}

fn routing(functions: &[Function]) -> Vec<String> {
    let rules = rules(functions);
    let mut problems = Vec::new();
    if rules.len() > RULES {
        problems.push(format!("{} rules for the load balancer, which takes {RULES}", rules.len()));
    }
    for rule in rules.iter().filter(|rule| rule.route.methods.len() + 1 > VALUES) {
        problems.push(format!("{} has too many methods: a rule takes {}", rule.pattern, VALUES - 1));
    }
    problems
}

/// During a release a function's old and new version both hold connections.
fn connections(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let copies: u32 = functions.iter().map(|function| u32::from(function.connections(stage))).sum();
    let (held, accepted) = (2 * copies, u32::from(stage.database.max_connections));
    let allowed = accepted * 80 / 100;
    if held <= allowed {
        return Vec::new();
    }
    vec![format!(
        "functions may hold {held} connections during a release (twice {copies} copies), more than {allowed}, \
         80 % of max_connections = {accepted}"
    )]
}

/// The release's question to a new version needs a copy that does not stand ready for another, and while the alias moves
/// both versions hold theirs.
fn provisioned(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, provisioned) in &stage.concurrency.provisioned {
        let Provisioned { least, most } = *provisioned;
        let Some(function) = functions.iter().find(|known| known.name == name && known.serves_http()) else {
            problems.push(format!("no function {name} serves shoppers, so none of it can stand ready"));
            continue;
        };
        if least == 0 || least > most {
            problems.push(format!("{name} has {least} to {most} copies that stand ready: that is no range from 1 on"));
        }
        let copies = function.copies(stage);
        if u32::from(most) * 2 >= u32::from(copies) {
            problems.push(format!(
                "{name} has up to {most} copies that stand ready, twice as many during a release, and that must be less \
                 than all its {copies}"
            ));
        }
    }
    problems
}

fn firewall(stage: &Stage) -> Vec<String> {
    match stage.firewall {
        Some(Firewall { requests_per_address: few }) if few < REQUESTS => {
            vec![format!("the firewall lets {few} requests of an address pass, and AWS WAF at least {REQUESTS}")]
        }
        _ => Vec::new(),
    }
}

fn watch(stage: &Stage) -> Vec<String> {
    let Some(Watch { budget_usd, email }) = &stage.watch else { return Vec::new() };
    let mut problems = Vec::new();
    if *budget_usd == 0 {
        problems.push("a budget of nothing: AWS Budgets wants a dollar at least".to_owned());
    }
    if let Some(email) = email.as_ref().filter(|email| !email.contains('@')) {
        problems.push(format!("`{email}` is no address that mails could go to"));
    }
    problems
}

fn zones(stage: &Stage) -> Vec<String> {
    let mut problems = Vec::new();
    let [one, other] = &stage.zones;
    if one == other {
        problems.push(format!("zones names {one} twice; the stage needs two zones"));
    }
    for id in &stage.zones {
        match FACTS.zone(id) {
            None => problems.push(format!(
                "zones names {id}, of which infra/facts.toml knows nothing: `aws ec2 describe-availability-zones --region {} \
                 --query 'AvailabilityZones[].ZoneId'` lists the ids",
                stage.region
            )),
            Some(Zone { lacks: Some(what), .. }) => problems.push(format!("zones names {id}, which lacks {what}")),
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
            "engine_version is {engine_version}; infra/facts.toml knows {} (major and minor: RDS installs patches by itself)",
            known.join(", ")
        ));
    }
    if FACTS.database_class(class).is_none() {
        problems.push(format!("class is {class}, of which infra/facts.toml does not know the memory"));
    } else if Memory::of(stage).is_none() {
        problems.push(format!(
            "{class} has too little memory: with max_connections = {} nothing is left for a buffer pool beside the {LOGINS} \
             MiB that IAM logins need; take a larger class or fewer connections",
            stage.database.max_connections
        ));
    }
    if *generation == 0 {
        problems.push("generation is 0; the first is 1".to_owned());
    }
    let own = stage.physical(&server.instance());
    match restore {
        Some(_) if *generation < 2 => problems.push(
            "restore makes a new instance, which needs another name than the one before: raise generation by one"
                .to_owned(),
        ),
        Some(Restore::Instance { name, .. }) if *name == own => problems.push(format!(
            "restore.instance names {name}, which is what the new instance would be called: raise generation by one"
        )),
        _ => {}
    }
    problems
}

/// RDS wants room for a first step.
fn storage(stage: &Stage) -> Vec<String> {
    let Server::Rds(Rds { storage_gb, max_storage_gb, .. }) = stage.database.server else { return Vec::new() };
    if u32::from(max_storage_gb) * 10 >= u32::from(storage_gb) * 11 {
        return Vec::new();
    }
    vec![format!("the database may grow from {storage_gb} to {max_storage_gb} GB, and RDS wants a tenth more at least")]
}

fn retries(stage: &Stage, functions: &[Function]) -> Vec<String> {
    let mut problems = Vec::new();
    let (visibility, receives) = (stage.submissions.visibility_seconds, stage.submissions.max_receives);
    let tried = u32::from(visibility) * u32::from(receives);
    if tried < OUTAGE && !stage.is_local() {
        problems.push(format!(
            "a submission is tried for {visibility} s x {receives} = {tried} s, and an outage may last {OUTAGE} s"
        ));
    }
    for Function { name, trigger, timeout_seconds, .. } in functions {
        // AWS advises six times the timeout; the local stage would rather try again soon.
        let least = if stage.is_local() { *timeout_seconds } else { 6 * timeout_seconds };
        if matches!(trigger, Trigger::Submissions) && visibility < least {
            problems.push(format!(
                "{name} may run for {timeout_seconds} s, so its messages must stay away for {least} s, and return after \
                 {visibility} s"
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::{DatabaseRole, FUNCTIONS, NOTHING, Queue, Route};
    use crate::stage::STAGES;

    fn complaint(stage: &Stage, functions: &[Function]) -> String {
        check(stage, functions).unwrap_err().to_string()
    }

    fn prod() -> Stage {
        Stage::load("prod").unwrap()
    }

    #[test]
    fn every_stage_keeps_within_the_limits() {
        for (name, _) in STAGES {
            check(&Stage::load(name).unwrap(), FUNCTIONS).unwrap();
            check(&Stage::in_full(name).unwrap(), FUNCTIONS).unwrap();
        }
    }

    #[test]
    fn more_copies_than_connections_are_refused() {
        let mut stage = prod();
        stage.concurrency.http = 80;
        assert_eq!(
            complaint(&stage, FUNCTIONS),
            "stage `prod` cannot be deployed:\n  functions may hold 1466 connections during a release \
             (twice 733 copies), more than 480, 80 % of max_connections = 600"
        );
    }

    #[test]
    fn copies_without_the_database_are_not_in_its_budget() {
        let mut stage = prod();
        stage.concurrency.http_without_database = 1000;
        check(&stage, FUNCTIONS).unwrap();
    }

    #[test]
    fn more_copies_that_stand_ready_than_a_release_leaves_room_for_are_refused() {
        let with = |function: &str, least, most| {
            let mut stage = prod();
            stage.concurrency.http = 25;
            stage.concurrency.provisioned = [(function.to_owned(), Provisioned { least, most })].into();
            check(&stage, FUNCTIONS).map_err(|error| error.to_string())
        };
        assert_eq!(with("show-book", 1, 12), Ok(()));
        assert!(with("show-book", 1, 13).unwrap_err().contains("up to 13 copies that stand ready"));
        assert!(with("show-book", 0, 2).unwrap_err().contains("no range from 1 on"));
        assert!(with("show-book", 3, 2).unwrap_err().contains("no range from 1 on"));
        assert!(with("migrate-database", 1, 1).unwrap_err().contains("no function migrate-database serves shoppers"));
        assert!(with("show-boook", 1, 1).unwrap_err().contains("no function show-boook serves shoppers"));
    }

    #[test]
    fn a_firewall_that_aws_refuses_is_refused() {
        let mut stage = prod();
        stage.firewall = Some(Firewall { requests_per_address: 9 });
        assert!(complaint(&stage, FUNCTIONS).contains("lets 9 requests of an address pass, and AWS WAF at least 10"));
    }

    #[test]
    fn a_budget_and_an_address_that_aws_refuses_are_refused() {
        let mut stage = prod();
        stage.watch = Some(Watch { budget_usd: 0, email: Some("operators".to_owned()) });
        let complaint = complaint(&stage, FUNCTIONS);
        assert!(complaint.contains("a budget of nothing") && complaint.contains("`operators` is no address"));
    }

    #[test]
    fn a_database_without_room_to_grow_is_refused() {
        let mut stage = prod();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS") };
        (server.storage_gb, server.max_storage_gb) = (100, 109);
        assert!(complaint(&stage, FUNCTIONS).contains("may grow from 100 to 109 GB"));
    }

    #[test]
    fn a_zone_that_lacks_something_is_unknown_or_named_twice_is_refused() {
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

    /// `prod` with another database.
    fn with_database(change: impl Fn(&mut Rds)) -> Result<(), String> {
        let mut stage = prod();
        let Server::Rds(server) = &mut stage.database.server else { panic!("RDS") };
        change(server);
        check(&stage, FUNCTIONS).map_err(|error| error.to_string())
    }

    #[test]
    fn a_restored_database_has_another_name_than_the_one_before_and_its_source() {
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
    fn a_database_that_nobody_knows_or_that_leaves_logins_no_memory_is_refused() {
        let class = |class: &str| with_database(|server| class.clone_into(&mut server.class)).unwrap_err();
        assert!(class("db.t4g.micro").contains("too little memory: with max_connections = 600"));
        assert!(class("db.z9.huge").contains("does not know the memory"));
        let version = with_database(|server| server.engine_version = "11.8.9".to_owned()).unwrap_err();
        assert!(version.contains("engine_version is 11.8.9; infra/facts.toml knows 11.8"), "{version}");
    }

    #[test]
    fn a_queue_that_gives_up_within_twelve_hours_is_refused_on_aws_only() {
        let mut stage = prod();
        stage.submissions.max_receives = 700;
        assert!(complaint(&stage, FUNCTIONS).contains("60 s x 700 = 42000 s, and an outage may last 43200 s"));
        check(&Stage::load("local").unwrap(), FUNCTIONS).unwrap();
    }

    #[test]
    fn a_message_that_returns_while_it_is_processed_is_refused() {
        let slow = Function { name: "slow", trigger: Trigger::Submissions, timeout_seconds: 11, ..NOTHING };
        assert!(complaint(&prod(), &[slow]).contains("must stay away for 66 s, and return after 60 s"));
    }

    #[test]
    fn an_eleventh_parameter_is_refused() {
        let greedy = Function {
            name: "greedy",
            database: Some(DatabaseRole::Admin),
            queue: &[Queue::Send, Queue::Park],
            submission_key: true,
            ..NOTHING
        };
        assert!(complaint(&prod(), &[greedy]).contains("greedy reads 11 parameters, and one call gets 10"));
    }

    #[test]
    fn names_and_rules_that_the_load_balancer_refuses_are_refused() {
        const ROUTE: Route = Route { methods: &["GET", "HEAD", "POST", "PUT", "DELETE"], path: "/", probe: "/" };
        let wide = Function { name: "show-a-page-with-a-long-name", trigger: Trigger::Http(&[ROUTE]), ..NOTHING };
        let complaint = complaint(&prod(), &[wide]);
        assert!(complaint.contains("anaquel-prod-show-a-page-with-a-long-name has 41 characters"), "{complaint}");
        assert!(complaint.contains("/ has too many methods: a rule takes 4"), "{complaint}");
        assert!(self::complaint(&prod(), &[wide; 101]).contains("101 rules for the load balancer, which takes 100"));
    }
}
