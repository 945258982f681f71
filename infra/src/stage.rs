//! A stage: one complete shop, and all that distinguishes it from the others (`infra/stages/*.toml`).

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;

/// Name and settings of every stage. They travel inside the command, so it runs from anywhere.
pub const STAGES: [(&str, &str); 3] = [
    ("local", include_str!("../stages/local.toml")),
    ("dev", include_str!("../stages/dev.toml")),
    ("prod", include_str!("../stages/prod.toml")),
];

/// What the keys mean is written beside them in the files.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    #[serde(skip)]
    pub name: String,
    pub region: String,
    pub architecture: Architecture,
    pub log_level: String,
    pub egress: Egress,
    pub protect: bool,
    pub operations: bool,
    pub tracing: bool,
    pub log_retention_days: u16,
    pub s3_prefix_list: String,
    pub zones: [String; 2],
    pub parameter_store: ParameterStore,
    pub domain: Option<Domain>,
    pub firewall: Option<Firewall>,
    pub watch: Option<Watch>,
    pub concurrency: Concurrency,
    pub submissions: Submissions,
    pub database: Database,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    Arm64,
    /// Whatever runs this command.
    Host,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Egress {
    /// Interface endpoints of the services that functions call; no way to the internet.
    Endpoints,
    /// The same in one zone, called from both.
    SingleZoneEndpoints,
    /// An egress-only internet gateway, and the names of AWS services that answer over IPv6.
    Ipv6,
    /// One NAT gateway for both zones.
    SingleNat,
    NatPerZone,
}

/// How many calls a second Parameter Store answers an account.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterStore {
    Standard,
    HighThroughput,
}

/// Where shoppers find the shop.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    pub name: String,
    /// Id of the Route 53 zone that holds the name.
    pub zone: String,
}

/// AWS WAF at the load balancer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    pub requests_per_address: i32,
}

/// Alarms, a dashboard and a budget, in the stack of operations.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    pub budget_usd: u32,
    /// Who is told.
    pub email: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    pub http: u16,
    pub http_without_database: u16,
    /// By function.
    #[serde(default)]
    pub provisioned: BTreeMap<String, Provisioned>,
}

/// How many copies of a function stand ready.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provisioned {
    pub least: u16,
    pub most: u16,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submissions {
    pub visibility_seconds: u16,
    pub max_receives: u16,
    pub concurrency: u16,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    pub max_connections: u16,
    pub server: Server,
}

/// Who runs MariaDB.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    Rds(Rds),
    External(External),
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rds {
    pub engine_version: String,
    pub class: String,
    pub multi_az: bool,
    pub storage_gb: u16,
    pub max_storage_gb: u16,
    pub backup_days: u16,
    pub generation: u16,
    pub restore: Option<Restore>,
}

/// Where the data of a new instance comes from, after the one before was lost or spoilt.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Restore {
    /// Name of a snapshot.
    Snapshot(String),
    /// An instance that still exists, as it was at some time.
    Instance { name: String, at: String },
    /// The automated backups that RDS has kept of a deleted instance, by its resource id.
    AutomatedBackups { resource_id: String, at: String },
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    pub host: String,
    pub port: u16,
    pub name: String,
    pub range: String,
}

/// How functions log in to MariaDB.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    Iam,
    Password,
}

impl Stage {
    pub fn load(name: &str) -> Result<Self> {
        Self::parse(name, text(name)?)
    }

    /// The stage with every setting that its file only shows, as a comment without a space (`#[domain]`): so that what
    /// operators may switch on is judged as what they get.
    pub fn in_full(name: &str) -> Result<Self> {
        let shown = |line: &'static str| {
            line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphanumeric) || rest.starts_with('['))
        };
        let lines: Vec<&str> = text(name)?.lines().map(|line| shown(line).unwrap_or(line)).collect();
        Self::parse(name, &lines.join("\n"))
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let stage: Self = toml::from_str(text)
            .map_err(|error| anyhow!(error.message().to_owned()))
            .with_context(|| format!("infra/stages/{name}.toml cannot be used"))?;
        Ok(Self { name: name.to_owned(), ..stage })
    }

    /// Where the stage's parameters live: `/anaquel/prod`.
    pub fn prefix(&self) -> String {
        format!("/anaquel/{}", self.name)
    }

    /// What AWS calls one of the stage's things: `anaquel-prod-show-book`.
    pub fn physical(&self, thing: &str) -> String {
        format!("anaquel-{}-{thing}", self.name)
    }

    pub fn is_local(&self) -> bool {
        self.name == "local"
    }

    /// Whether the stage pays for each call of Parameter Store.
    pub fn pays_for_parameters(&self) -> bool {
        self.parameter_store == ParameterStore::HighThroughput
    }

    /// Tells the operator what may be meant, but should be known.
    pub fn warn(&self) {
        for warning in self.warnings() {
            eprintln!("warning: {warning}");
        }
    }

    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.domain.is_none() && !self.is_local() {
            warnings.push(format!(
                "stage {0} speaks plain HTTP, which everybody on the way can read: set [domain] in infra/stages/{0}.toml",
                self.name
            ));
        }
        if self.watch.as_ref().is_some_and(|watch| watch.email.is_none()) {
            warnings.push(format!(
                "nobody is told when stage {0} is unwell: set `email` below [watch] in infra/stages/{0}.toml",
                self.name
            ));
        }
        warnings
    }
}

fn text(name: &str) -> Result<&'static str> {
    let known = STAGES.iter().find(|(known, _)| *known == name);
    known.map(|(_, text)| *text).ok_or_else(|| {
        let known = STAGES.map(|(known, _)| known).join(", ");
        anyhow!("there is no stage `{name}`; the stages are {known}")
    })
}

impl Domain {
    pub fn url(&self) -> String {
        format!("https://{}", self.name)
    }
}

impl Egress {
    pub const ALL: [Self; 5] =
        [Self::Ipv6, Self::SingleZoneEndpoints, Self::Endpoints, Self::SingleNat, Self::NatPerZone];

    /// Its value in a stage's file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::SingleZoneEndpoints => "single-zone-endpoints",
            Self::Ipv6 => "ipv6",
            Self::SingleNat => "single-nat",
            Self::NatPerZone => "nat-per-zone",
        }
    }

    /// What an operator chooses between.
    pub fn about(self) -> &'static str {
        match self {
            Self::Endpoints => "only to the AWS services that are called; a lost zone does no harm",
            Self::SingleZoneEndpoints => {
                "only to the AWS services that are called; with their zone everybody loses them"
            }
            Self::Ipv6 => "to the internet, over IPv6 only; a lost zone does no harm",
            Self::SingleNat => "to the internet; with its zone everybody loses it",
            Self::NatPerZone => "to the internet; a lost zone does no harm",
        }
    }
}

impl Architecture {
    /// Lambda's name for it.
    pub fn lambda(self) -> &'static str {
        match self {
            Self::Host if cfg!(target_arch = "x86_64") => "x86_64",
            Self::Arm64 | Self::Host => "arm64",
        }
    }
}

impl Database {
    /// Name of the schema. Where RDS runs the server it never changes: RDS makes it once, with the instance.
    pub fn name(&self) -> &str {
        match &self.server {
            Server::Rds(_) => "anaquel",
            Server::External(external) => &external.name,
        }
    }

    /// RDS checks IAM tokens; a server of somebody else's knows passwords only.
    pub fn auth(&self) -> Auth {
        match self.server {
            Server::Rds(_) => Auth::Iam,
            Server::External(_) => Auth::Password,
        }
    }
}

impl Rds {
    /// Family of its parameter groups: `mariadb11.8` for the version 11.8.
    pub fn family(&self) -> String {
        format!("mariadb{}", self.engine_version)
    }

    /// What the stage calls the instance: `database`, and from the second generation on `database-2`.
    pub fn instance(&self) -> String {
        if self.generation == 1 { "database".to_owned() } else { format!("database-{}", self.generation) }
    }

    /// Whether RDS keeps a week of what statements waited for, which costs nothing; it does not on the smallest machines.
    pub fn has_insights(&self) -> bool {
        !matches!(self.class.rsplit('.').next(), Some("micro" | "small"))
    }
}

impl Auth {
    /// Its value in the parameter `database/auth`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Password => "password",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaint(stage: Result<Stage>) -> String {
        format!("{:#}", stage.err().expect("a complaint"))
    }

    #[test]
    fn every_stage_can_be_read() {
        for (name, _) in STAGES {
            assert_eq!(Stage::load(name).unwrap().name, name);
        }
    }

    /// People's rights end at `anaquel-dev-*`.
    #[test]
    fn no_stage_is_named_like_the_beginning_of_another() {
        for (name, _) in STAGES {
            let others = STAGES.iter().filter(|(other, _)| other.starts_with(&format!("{name}-")));
            assert_eq!(others.count(), 0, "{name}");
        }
    }

    #[test]
    fn every_egress_is_read_by_its_name() {
        for egress in Egress::ALL {
            let text = STAGES[0].1.replace("egress = \"endpoints\"", &format!("egress = \"{}\"", egress.name()));
            assert!(Stage::parse("local", &text).unwrap().egress == egress);
        }
    }

    #[test]
    fn what_a_file_only_shows_can_be_switched_on() {
        for name in ["dev", "prod"] {
            let full = Stage::in_full(name).unwrap();
            assert!(full.domain.is_some() && full.firewall.is_some(), "{name}");
            assert!(!full.concurrency.provisioned.is_empty(), "{name}");
            assert!(full.watch.is_some_and(|watch| watch.email.is_some()), "{name}");
        }
    }

    #[test]
    fn a_stage_on_aws_without_a_domain_has_a_warning() {
        let warns = |stage: Stage| stage.warnings().iter().any(|warning| warning.contains("plain HTTP"));
        for name in ["dev", "prod"] {
            assert!(warns(Stage { domain: None, ..Stage::load(name).unwrap() }), "{name}");
            assert!(!warns(Stage::in_full(name).unwrap()), "{name}");
        }
        assert!(!warns(Stage::load("local").unwrap()));
    }

    #[test]
    fn alarms_that_nobody_hears_have_a_warning() {
        let warns = |stage: &Stage| stage.warnings().iter().any(|warning| warning.contains("nobody is told"));
        let mut stage = Stage::in_full("prod").unwrap();
        assert!(!warns(&stage));
        stage.watch.as_mut().unwrap().email = None;
        assert!(warns(&stage));
        stage.watch = None;
        assert!(!warns(&stage), "a stage that nobody watches was meant so");
    }

    #[test]
    fn an_unknown_stage_is_told_the_known_ones() {
        assert_eq!(complaint(Stage::load("qa")), "there is no stage `qa`; the stages are local, dev, prod");
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = format!("egres = \"endpoints\"\n{}", STAGES[0].1);
        let complaint = complaint(Stage::parse("local", &text));
        assert!(complaint.starts_with("infra/stages/local.toml cannot be used: unknown field `egres`"), "{complaint}");
    }
}
