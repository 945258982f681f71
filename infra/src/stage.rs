//! A stage, which is one complete shop, and its settings from `infra/stages/*.toml`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use shared::domain::{Email, TimeZone};
use shared::mail::MailSettings;
use shared::parameters::Queue;
use shared::session::Pool;
use shared::shop::{Collect, Payments, Seller, Selling, Ship, Shop, TaxRates, WhyNot};

use crate::names;

/// Name and settings file of every stage, compiled in so that the command runs in any folder.
pub const STAGES: [(&str, &str); 3] = [
    ("local", include_str!("../stages/local.toml")),
    ("dev", include_str!("../stages/dev.toml")),
    ("prod", include_str!("../stages/prod.toml")),
];

/// The only region with CloudFront's metrics and the deliveries of its logs:
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html>.
pub const CLOUDFRONT_REGION: &str = "us-east-1";

/// The emulator's usual port.
const fn default_port() -> u16 {
    4566
}

/// The settings of one stage. The comments in the files explain each key.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    #[serde(skip)]
    pub name: String,
    /// The port of the emulator, for the addresses of the local stage.
    #[serde(skip, default = "default_port")]
    pub port: u16,
    pub region: String,
    pub architecture: Architecture,
    pub log_level: String,
    /// Code of ISO 4217.
    pub currency: String,
    pub egress: Egress,
    pub protect: bool,
    pub operations: bool,
    pub tracing: bool,
    pub log_retention_days: u16,
    pub s3_prefix_list: String,
    pub zones: [String; 2],
    pub parameter_store: ParameterStore,
    pub https: Https,
    /// Only with `https = "domain"`.
    pub domain: Option<Domain>,
    pub firewall: Option<Firewall>,
    pub api_gateway: Option<ApiGateway>,
    pub containers: Option<Containers>,
    pub monitoring: Option<Monitoring>,
    pub concurrency: Concurrency,
    pub submissions: Submissions,
    pub shop: Option<ShopSettings>,
    pub mail: Option<Mail>,
    pub accounts: Accounts,
    pub orders: Orders,
    pub database: Database,
}

/// Processor architecture of the functions.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    Arm64,
    /// That of the machine that runs this command.
    Host,
}

/// Egress option: how functions reach AWS services from the VPC.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Egress {
    /// Interface endpoints of the services that functions call, in both zones; no internet access.
    Endpoints,
    /// Interface endpoints in one zone, called from both.
    SingleZoneEndpoints,
    /// An egress-only internet gateway, and the dual-stack endpoints of AWS services.
    Ipv6,
    /// One NAT gateway for both zones.
    SingleNat,
    NatPerZone,
}

/// Throughput limit of Parameter Store for the account and region.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParameterStore {
    Standard,
    HighThroughput,
}

/// How visitors reach the shop.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Https {
    /// By HTTPS at the load balancer, under the name in `[domain]`.
    Domain,
    /// By HTTPS at a CloudFront distribution, under a name of CloudFront's. It calls the load balancer over plain HTTP.
    #[serde(rename = "cloudfront")]
    CloudFront,
    /// By plain HTTP at the load balancer.
    None,
}

/// Why a stage does not sell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoSale {
    /// Visitors' requests are not encrypted.
    PlainHttp,
    /// CloudFront passes on the requests of a protected stage without encryption.
    PlainHop,
}

/// The shop's domain name, for HTTPS with its own certificate.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    pub name: String,
    /// Id of the Route 53 hosted zone that contains the name.
    pub zone: String,
    /// Whether Route 53 leads the name to a page while the shop is away.
    #[serde(default)]
    pub failover: bool,
}

/// AWS WAF in front of the load balancer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// Limit for one IP address in five minutes.
    pub requests_per_address: i32,
    /// Limit of POST requests for one IP address in five minutes; those of the cart do not count.
    pub posts_per_address: i32,
}

/// API Gateway as a second way to the API, in the stack `api-gateway`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiGateway {
    pub require_token: RequireToken,
    /// Limit of each route, for all callers together; bursts may be twice as high.
    pub requests_per_second: u32,
    /// The same for each route that writes.
    pub writes_per_second: u32,
    /// Sites whose scripts may call the API, or `*` for all.
    pub cors_origins: Vec<String>,
    /// Addresses of other programs, to which a customer returns after the sign-in.
    pub callback_urls: Vec<String>,
}

/// The handlers of HTTP in containers on ECS Fargate, in the stack `containers`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containers {
    pub compute: Compute,
    /// CPU units of a task; 1,024 are one vCPU.
    pub cpu: u16,
    pub memory_mb: u16,
    /// Connections to the database that a task opens at most.
    pub connections: u16,
    /// CloudWatch Container Insights, which charges for its metrics.
    pub insights: bool,
    /// Tasks of the service of pages.
    pub pages: Tasks,
    /// Tasks of the service of the API.
    pub api: Tasks,
}

/// Range of the number of a service's tasks.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tasks {
    pub min: u16,
    pub max: u16,
}

/// The platform that answers visitors.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compute {
    /// Functions. Containers run as well, for requests with the header of probes.
    Lambda,
    /// Containers, except for what holds keys of sessions or serves the staff.
    Fargate,
}

/// Which requests of the API need a token of a customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequireToken {
    /// Those about the customer's account; the rest is for everybody, as behind the load balancer.
    Account,
    /// All. The load balancer has the API's routes that the shop's pages read, and no other.
    All,
}

/// Alarms, a dashboard and a budget, in the stack `operations`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Monitoring {
    /// Monthly budget of the whole account, in US dollars.
    pub budget_usd: u32,
    /// Receives the notifications of alarms and budget.
    pub email: Option<String>,
}

/// Limits of concurrent executions.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concurrency {
    /// Reserved concurrency of each HTTP function with database access and usual demand.
    pub http: u16,
    /// Reserved concurrency of each HTTP function with database access and rare demand.
    pub http_rare: u16,
    /// Reserved concurrency of each HTTP function without database access.
    pub http_without_database: u16,
    /// Reserved concurrency of the function that serves covers.
    pub covers: u16,
    /// By function name.
    #[serde(default)]
    pub provisioned: BTreeMap<String, ProvisionedConcurrency>,
}

/// Range of a function's provisioned concurrency.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisionedConcurrency {
    pub min: u16,
    pub max: u16,
}

/// The submission queue and its consumer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submissions {
    /// SQS visibility timeout: seconds until a retry.
    pub visibility_seconds: u16,
    /// Deliveries before a message goes to the dead-letter queue.
    pub max_receives: u16,
    /// The largest number of concurrent executions of the consumer.
    pub concurrency: u16,
    /// Least age of a visitor's cookie in minutes, before a rating with it is accepted; 0 accepts every rating.
    #[serde(default)]
    pub min_visitor_minutes: u16,
    /// Days for which an answered message is kept; without it until it is erased.
    pub keep_answered_days: Option<u16>,
}

/// The seller and what the shop offers. `Stage::shop` adds the settings of other sections.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopSettings {
    pub seller: Seller,
    pub time_zone: TimeZone,
    pub tax_rates: TaxRates,
    pub collect: Option<Collect>,
    pub ship: Option<Ship>,
    pub payments: Payments,
}

/// Mails to buyers, sent by Amazon SES.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Address in the `From` field.
    pub sender: Email,
    /// Domain or address that SES verifies: the sender's domain, a parent of it, or the sender itself. An identity exists
    /// once in an account and region, so stages that share one need different identities.
    pub identity: String,
    /// The account has verified the identity already, perhaps for other senders: it is no part of the stage's stacks.
    #[serde(default)]
    pub existing_identity: bool,
    /// Id of the Route 53 hosted zone for the records of DKIM, by which SES verifies a domain. Without it they are added
    /// by hand.
    pub zone: Option<String>,
    /// Cognito sends its codes and invitations from the sender as well. It refuses an identity that SES has not verified.
    #[serde(default)]
    pub for_accounts: bool,
}

/// The user pools of customers and of staff.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    pub customers: UserPool,
    pub staff: UserPool,
}

/// A user pool of Amazon Cognito.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserPool {
    /// Counts the pools of the stage from 1; each lost one is followed by a new one.
    pub generation: u16,
}

/// The order queue and its consumer.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Number of message groups: 1 decides orders strictly in their order of arrival.
    pub groups: u16,
    /// SQS visibility timeout: seconds until a retry.
    pub visibility_seconds: u16,
    /// Deliveries before a message goes to the dead-letter queue.
    pub max_receives: u16,
    /// The largest number of concurrent executions of the consumer.
    pub concurrency: u16,
    /// The most open orders of one buyer.
    pub max_open: u16,
    /// Minutes between two sweeps, which expire what is due and hand over mails that were not sent.
    pub sweep_minutes: u16,
}

/// The database of the stage.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// MariaDB's `max_connections`, of the primary and of each replica.
    pub max_connections: u16,
    /// Number of read replicas.
    pub replicas: u16,
    pub server: Server,
}

/// The MariaDB server.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    Rds(Rds),
    /// Not part of the stage's stacks.
    External(External),
}

/// A MariaDB instance that RDS operates.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rds {
    /// Major and minor version: `11.8`.
    pub engine_version: String,
    /// Instance class: `db.t4g.small`.
    pub class: String,
    pub multi_az: bool,
    pub storage_gb: u16,
    pub max_storage_gb: u16,
    /// Retention of automated backups.
    pub backup_days: u16,
    pub master_password: MasterPassword,
    /// Counts the instances of the stage from 1; each restore creates a new one.
    pub generation: u16,
    pub restore: Option<Restore>,
}

/// The keeper of the administrator's password, in Secrets Manager.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MasterPassword {
    /// RDS, which also rotates it, and makes no replica of such an instance.
    Rds,
    /// The stage, in a secret of its own.
    Own,
}

/// The backup from which RDS creates a new instance, after the previous one was lost or corrupted.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Restore {
    /// Name of a snapshot.
    Snapshot(String),
    /// An existing instance at a point in time (RFC 3339).
    Instance { name: String, at: String },
    /// The retained automated backups of a deleted instance, by its resource id, at a point in time (RFC 3339).
    AutomatedBackups { resource_id: String, at: String },
}

/// A MariaDB server that exists already.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct External {
    pub host: String,
    pub port: u16,
    /// Name of the schema.
    pub name: String,
    /// Addresses of the server in CIDR notation, for the security group of the functions.
    pub range: String,
    /// Ports of its replicas, which run on the same host: `up` sets them.
    #[serde(skip)]
    pub replica_ports: Vec<u16>,
}

/// How database users log in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DatabaseLogin {
    Iam,
    Password,
}

impl Compute {
    pub fn name(self) -> &'static str {
        match self {
            Self::Lambda => "lambda",
            Self::Fargate => "fargate",
        }
    }
}

impl Stage {
    /// The settings of the stage. Fails for an unknown stage and an invalid file.
    pub fn load(name: &str) -> Result<Self> {
        Self::parse(name, text(name)?)
    }

    /// The stage with its optional settings enabled. Tests check these templates too, because operators can enable them at
    /// any time.
    pub fn in_full(name: &str) -> Result<Self> {
        Self::parse(name, &Self::file_in_full(name)?)
    }

    /// The stage's file with its optional settings enabled, which it has as comments without a space (`#[domain]`). An
    /// optional value of a key replaces the value that the section has already.
    pub fn file_in_full(name: &str) -> Result<String> {
        let optional = |line: &'static str| {
            line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphanumeric) || rest.starts_with('['))
        };
        let mut lines: Vec<&str> = Vec::new();
        for line in text(name)?.lines() {
            if let Some((key, _)) = optional(line).and_then(|line| line.split_once(" = ")) {
                let section = lines.iter().rposition(|line| line.starts_with('[')).unwrap_or(0);
                let is_old = |line: &&str| line.split_once(" = ").is_some_and(|(old, _)| old == key);
                if let Some(old) = lines[section..].iter().position(is_old) {
                    lines.remove(section + old);
                }
            }
            lines.push(optional(line).unwrap_or(line));
        }
        Ok(lines.join("\n"))
    }

    fn parse(name: &str, text: &str) -> Result<Self> {
        let stage: Self = toml::from_str(text)
            .map_err(|error| anyhow!(error.message().to_owned()))
            .and_then(|stage: Self| stage.check_https().map(|()| stage))
            .with_context(|| format!("infra/stages/{name}.toml is invalid"))?;
        Ok(Self { name: name.to_owned(), ..stage })
    }

    /// A domain without `https = "domain"` would look as if it were in use.
    fn check_https(&self) -> Result<()> {
        let https = self.https.name();
        let has_domain = self.domain.is_some();
        ensure!(
            self.https != Https::Domain || has_domain,
            "https is \"domain\" and there is no section [domain]; add it with the shop's name and zone, or set another \
             value, such as https = \"none\""
        );
        ensure!(
            self.https == Https::Domain || !has_domain,
            "https is \"{https}\" and there is a section [domain]; set https = \"domain\" to use it, or remove the section"
        );
        Ok(())
    }

    /// Whether the load balancer serves the whole API.
    pub fn has_api_at_load_balancer(&self) -> bool {
        self.api_gateway.as_ref().is_none_or(|settings| settings.require_token != RequireToken::All)
    }

    /// Whether containers answer the requests of everybody.
    pub fn is_on_fargate(&self) -> bool {
        self.containers.as_ref().is_some_and(|settings| settings.compute == Compute::Fargate)
    }

    /// The stage whose functions answer, until its containers do.
    #[must_use]
    pub fn on_lambda(&self) -> Self {
        let on_lambda = |settings: Containers| Containers { compute: Compute::Lambda, ..settings };
        Self { containers: self.containers.clone().map(on_lambda), ..self.clone() }
    }

    /// Path of the stage's SSM parameters: `/anaquel/prod`.
    pub fn prefix(&self) -> String {
        format!("/anaquel/{}", self.name)
    }

    /// Physical name of a resource on AWS: `anaquel-prod-show-book`.
    pub fn physical(&self, name: &str) -> String {
        format!("anaquel-{}-{name}", self.name)
    }

    /// A command line of `bookstore` for this stage, for messages: `cargo bookstore redrive --stage prod`. Without the
    /// option, a command would act on the local stage.
    pub fn command(&self, arguments: &str) -> String {
        command(&self.name, arguments)
    }

    /// The command line that deploys this stage, for messages.
    pub fn deploy_command(&self) -> String {
        if self.is_local() { "cargo bookstore up".to_owned() } else { self.command("deploy") }
    }

    /// Whether it runs on the emulator of this machine.
    pub fn is_local(&self) -> bool {
        self.name == "local"
    }

    /// Visibility timeout of a queue in seconds, and the deliveries before a message goes to its dead-letter queue.
    pub fn retries(&self, queue: Queue) -> (u16, u16) {
        match queue {
            Queue::Orders => (self.orders.visibility_seconds, self.orders.max_receives),
            _ => (self.submissions.visibility_seconds, self.submissions.max_receives),
        }
    }

    /// Whether the shop sells, and if not, why.
    pub fn selling(&self) -> Selling {
        let why_not = if self.shop.is_none() {
            WhyNot::NoShop
        } else if self.mail.is_none() {
            WhyNot::NoMail
        } else if !self.can_sell() {
            WhyNot::NoHttps
        } else {
            return Selling::Yes;
        };
        Selling::No(why_not)
    }

    /// Name of a user pool without the stage, which its client and its pages have too: `customers`, from the second
    /// generation on `customers-2`.
    pub fn user_pool(&self, pool: Pool) -> String {
        of_generation(pool.name(), self.accounts.of(pool).generation)
    }

    /// The settings of the shop that functions read; none without `[shop]`.
    pub fn shop(&self) -> Option<Shop> {
        let ShopSettings { seller, time_zone, tax_rates, collect, ship, payments } = self.shop.clone()?;
        Some(Shop {
            seller,
            currency: self.currency.clone(),
            time_zone,
            tax_rates,
            collect,
            ship,
            payments,
            max_open_orders: self.orders.max_open,
            groups: self.orders.groups,
            sells: self.selling(),
        })
    }

    /// Whether the shop may take orders: only where visitors' requests are encrypted, or do not leave this machine.
    pub fn can_sell(&self) -> bool {
        self.no_sale().is_none()
    }

    /// Why the shop takes no orders; `None` if it does.
    pub fn no_sale(&self) -> Option<NoSale> {
        match self.https {
            Https::Domain => None,
            Https::CloudFront => self.protect.then_some(NoSale::PlainHop),
            Https::None => (!self.is_local()).then_some(NoSale::PlainHttp),
        }
    }

    /// Whether customers and staff can sign in. A session is worth as much as an order, so the same encryption is required.
    pub fn has_sign_in(&self) -> bool {
        self.no_sale().is_none()
    }

    /// Whether a CloudFront distribution is in front of the load balancer.
    pub fn has_cloudfront(&self) -> bool {
        self.https == Https::CloudFront
    }

    /// The domain, if visitors use it.
    pub fn domain_in_use(&self) -> Option<&Domain> {
        self.domain.as_ref().filter(|_| self.https == Https::Domain)
    }

    /// Name of SES's configuration set.
    pub fn configuration_set(&self) -> String {
        self.physical("mails")
    }

    /// How mails are sent; none where the stage sells nothing.
    pub fn mail_settings(&self) -> Option<MailSettings> {
        let (mail, shop) = self.mail.as_ref().zip(self.shop.as_ref())?;
        Some(MailSettings {
            sender: mail.sender.clone(),
            name: shop.seller.name.clone(),
            reply_to: shop.seller.email.clone(),
            configuration_set: self.configuration_set(),
        })
    }

    /// Whether AWS charges for each parameter that is read.
    pub(crate) fn pays_for_parameters(&self) -> bool {
        self.parameter_store == ParameterStore::HighThroughput
    }

    /// Warnings about settings that are valid but risky.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.has_cloudfront() {
            warnings.push(format!(
                "stage {0} uses plain HTTP between CloudFront and its load balancer, where messages and orders \
                 can be read inside AWS's network; set https = \"domain\" and [domain] in infra/stages/{0}.toml to encrypt it",
                self.name
            ));
        }
        if self.has_cloudfront() && self.region != CLOUDFRONT_REGION {
            warnings.push(format!(
                "CloudFront's access logs and alarm exist only in {CLOUDFRONT_REGION}; stage {} in {} has neither",
                self.name, self.region
            ));
        }
        if let Some(no_sale) = self.no_sale() {
            warnings.push(format!("stage {} does not sell: {}", self.name, no_sale.explain(&self.name)));
            warnings.push(format!("nobody can sign in on stage {}, for the same reason", self.name));
        }
        if let Selling::No(why @ (WhyNot::NoShop | WhyNot::NoMail)) = self.selling() {
            warnings.push(format!("stage {} sells nothing, because {why}; see infra/stages/{0}.toml", self.name));
        }
        if let Some(warning) = self.shop.as_ref().and_then(|shop| shop.one_stop_shop(&self.name)) {
            warnings.push(warning);
        }
        if self.monitoring.as_ref().is_some_and(|monitoring| monitoring.email.is_none()) {
            warnings.push(format!(
                "nobody is notified of alarms of stage {0}; set `email` below [monitoring] in infra/stages/{0}.toml",
                self.name
            ));
        }
        warnings
    }
}

/// Member States of the European Union, by ISO 3166-1.
const EUROPEAN_UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

impl ShopSettings {
    /// What a seller has to know who delivers to several countries of the EU: the stage has one rate of tax for all of them.
    fn one_stop_shop(&self, stage: &str) -> Option<String> {
        let served: BTreeSet<&str> = self.ship.as_ref()?.countries.iter().map(String::as_str).collect();
        let served: Vec<&str> = served.into_iter().filter(|country| EUROPEAN_UNION.contains(country)).collect();
        (served.len() > 1).then(|| {
            format!(
                "stage {stage} delivers to {} countries of the EU ({}) and charges the VAT of one; this is right as long as \
                 sales to the others stay below 10,000 EUR in a calendar year, and above that the VAT of the buyer's country \
                 is due, through the one-stop shop: watch the column `country` of `orders export`, or list one country only \
                 (docs/decisions/0018-orders-are-decided-in-one-transaction.md)",
                served.len(),
                served.join(", ")
            )
        })
    }
}

impl Accounts {
    /// The settings of a pool.
    pub fn of(&self, pool: Pool) -> &UserPool {
        match pool {
            Pool::Customers => &self.customers,
            Pool::Staff => &self.staff,
        }
    }
}

impl Https {
    /// Value of `https` in a stage file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::CloudFront => "cloudfront",
            Self::None => "none",
        }
    }
}

impl NoSale {
    /// The reason for programs and for functions: `plain-http`.
    pub fn code(self) -> &'static str {
        match self {
            Self::PlainHttp => "plain-http",
            Self::PlainHop => "plain-hop",
        }
    }

    /// The reason for operators, with the fix.
    pub fn explain(self, stage: &str) -> String {
        match self {
            Self::PlainHttp => format!(
                "visitors use plain HTTP without encryption; set https = \"cloudfront\" in infra/stages/{stage}.toml, or \
                 https = \"domain\" and [domain]"
            ),
            Self::PlainHop => format!(
                "it has protect = true, and CloudFront sends orders to its load balancer over plain HTTP, because without a \
                 domain the load balancer has no certificate; set https = \"domain\" and [domain] in \
                 infra/stages/{stage}.toml"
            ),
        }
    }
}

/// The name of the first generation, and from the second on with its number.
fn of_generation(name: &str, generation: u16) -> String {
    if generation == 1 { name.to_owned() } else { format!("{name}-{generation}") }
}

/// `Stage::command` by the stage's name.
pub fn command(stage: &str, arguments: &str) -> String {
    format!("cargo bookstore {arguments} --stage {stage}")
}

fn text(name: &str) -> Result<&'static str> {
    let known = STAGES.iter().find(|(known, _)| *known == name);
    known.map(|(_, text)| *text).ok_or_else(|| anyhow!(names::unknown("stage", name, &STAGES.map(|(known, _)| known))))
}

impl Domain {
    /// The shop's address: `https://shop.example.org`.
    pub fn url(&self) -> String {
        format!("https://{}", self.name)
    }
}

impl Egress {
    /// All options, in the order of the cost report.
    pub const ALL: [Self; 5] =
        [Self::Ipv6, Self::SingleZoneEndpoints, Self::Endpoints, Self::SingleNat, Self::NatPerZone];

    /// Value of `egress` in a stage file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Endpoints => "endpoints",
            Self::SingleZoneEndpoints => "single-zone-endpoints",
            Self::Ipv6 => "ipv6",
            Self::SingleNat => "single-nat",
            Self::NatPerZone => "nat-per-zone",
        }
    }

    /// Reach and availability, for the cost report.
    pub fn about(self) -> &'static str {
        match self {
            Self::Endpoints => "only the AWS services that functions call; survives the loss of a zone",
            Self::SingleZoneEndpoints => {
                "only the AWS services that functions call; single point of failure (one zone)"
            }
            Self::Ipv6 => "internet over IPv6 only; survives the loss of a zone",
            Self::SingleNat => "internet; single point of failure (one zone)",
            Self::NatPerZone => "internet; survives the loss of a zone",
        }
    }
}

impl Architecture {
    /// Value of Lambda's `Architectures`.
    pub fn lambda(self) -> &'static str {
        match self {
            Self::Host if cfg!(target_arch = "x86_64") => "x86_64",
            Self::Arm64 | Self::Host => "arm64",
        }
    }

    /// Value of ECS's `CpuArchitecture`.
    pub fn ecs(self) -> &'static str {
        if self.lambda() == "arm64" { "ARM64" } else { "X86_64" }
    }
}

impl Database {
    /// Name of the schema. On RDS it is fixed, because RDS creates the schema only with the instance.
    pub fn name(&self) -> &str {
        match &self.server {
            Server::Rds(_) => "anaquel",
            Server::External(external) => &external.name,
        }
    }

    /// How users log in: RDS supports IAM tokens, an external server only passwords.
    pub fn auth(&self) -> DatabaseLogin {
        match self.server {
            Server::Rds(_) => DatabaseLogin::Iam,
            Server::External(_) => DatabaseLogin::Password,
        }
    }
}

impl External {
    /// Hosts and ports of its replicas, as the parameter has them.
    pub fn replicas(&self, count: u16) -> String {
        let usual = (1..=count).map(|number| self.port + number);
        let ports = if self.replica_ports.is_empty() { usual.collect() } else { self.replica_ports.clone() };
        let endpoints: Vec<String> = ports.iter().map(|port| format!("{}:{port}", self.host)).collect();
        endpoints.join(",")
    }
}

impl Rds {
    /// Parameter group family: `mariadb11.8` for the version 11.8.
    pub fn family(&self) -> String {
        format!("mariadb{}", self.engine_version)
    }

    /// Name of the instance without the stage: `database`, from the second generation on `database-2`.
    pub fn instance(&self) -> String {
        of_generation("database", self.generation)
    }

    /// Name of a replica without the stage: `database-replica-1`.
    pub fn replica(&self, number: u16) -> String {
        format!("{}-replica-{number}", self.instance())
    }

    /// Whether the class supports Performance Insights, of which a week is free; micro and small do not.
    pub(crate) fn has_insights(&self) -> bool {
        !matches!(self.class.rsplit('.').next(), Some("micro" | "small"))
    }
}

impl DatabaseLogin {
    /// Value of the parameter `database/auth`.
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

    fn error(stage: Result<Stage>) -> String {
        format!("{:#}", stage.err().expect("an error"))
    }

    #[test]
    fn every_stage_file_is_valid() {
        for (name, _) in STAGES {
            assert_eq!(Stage::load(name).unwrap().name, name);
        }
    }

    /// Permissions of human roles are limited to `anaquel-dev-*`.
    #[test]
    fn no_stage_name_is_a_prefix_of_another() {
        for (name, _) in STAGES {
            let others = STAGES.iter().filter(|(other, _)| other.starts_with(&format!("{name}-")));
            assert_eq!(others.count(), 0, "{name}");
        }
    }

    #[test]
    fn a_command_in_a_message_names_its_stage() {
        let stage = |name| Stage::load(name).unwrap();
        assert_eq!(stage("prod").command("logs show-book"), "cargo bookstore logs show-book --stage prod");
        assert_eq!(stage("dev").deploy_command(), "cargo bookstore deploy --stage dev");
        assert_eq!(stage("local").deploy_command(), "cargo bookstore up");
    }

    #[test]
    fn every_egress_option_is_parsed_by_its_name() {
        for egress in Egress::ALL {
            let text = STAGES[0].1.replace("egress = \"endpoints\"", &format!("egress = \"{}\"", egress.name()));
            assert!(Stage::parse("local", &text).unwrap().egress == egress);
        }
    }

    #[test]
    fn every_optional_setting_can_be_enabled() {
        for name in ["dev", "prod"] {
            let full = Stage::in_full(name).unwrap();
            assert!(full.domain_in_use().is_some() && full.firewall.is_some(), "{name}");
            assert!(!full.concurrency.provisioned.is_empty(), "{name}");
            assert!(full.monitoring.as_ref().is_some_and(|monitoring| monitoring.email.is_some()), "{name}");
            assert!(full.selling() == Selling::Yes && full.shop().is_some(), "{name}");
        }
    }

    /// The local stage with this value of `https`, with or without a domain.
    fn with_https(value: &str, has_domain: bool) -> Result<Stage> {
        let domain = if has_domain { "[domain]\nname = \"shop.example.org\"\nzone = \"Z1\"\n" } else { "" };
        let text = STAGES[0].1.replace("https = \"none\"", &format!("https = \"{value}\""));
        Stage::parse("dev", &text.replace("[concurrency]", &format!("{domain}[concurrency]")))
    }

    #[test]
    fn a_stage_sells_with_a_shop_mail_and_https_only_and_the_warning_states_what_is_missing() {
        let sells = |stage: Stage| {
            let states = |warning: &String| warning.contains("sells nothing") || warning.contains("does not sell");
            let warning = stage.warnings().into_iter().find(states);
            (stage.selling(), warning.unwrap_or_default())
        };
        let full = || Stage::in_full("prod").unwrap();
        assert_eq!(sells(full()), (Selling::Yes, String::new()));
        assert_eq!(sells(Stage::load("local").unwrap()), (Selling::Yes, String::new()));
        for (stage, why, warning) in [
            (Stage { shop: None, ..full() }, WhyNot::NoShop, "its file has no section [shop]"),
            (Stage { mail: None, ..full() }, WhyNot::NoMail, "has no section [mail], and every order"),
            (Stage { https: Https::None, ..full() }, WhyNot::NoHttps, "visitors use plain HTTP"),
        ] {
            let (selling, text) = sells(stage);
            assert_eq!(selling, Selling::No(why));
            assert!(text.contains(warning) && text.contains("infra/stages/prod.toml"), "{text}");
        }
    }

    #[test]
    fn a_domain_belongs_to_https_domain_and_to_no_other_value() {
        for (value, has_domain, expected) in [
            ("domain", true, None),
            ("none", false, None),
            ("cloudfront", false, None),
            ("domain", false, Some("https is \"domain\" and there is no section [domain]; add it")),
            ("none", true, Some("https is \"none\" and there is a section [domain]; set https = \"domain\" to use it")),
            (
                "cloudfront",
                true,
                Some("https is \"cloudfront\" and there is a section [domain]; set https = \"domain\""),
            ),
            ("both", false, Some("unknown variant `both`, expected")),
            ("Domain", true, Some("unknown variant `Domain`, expected")),
        ] {
            let stage = with_https(value, has_domain);
            match expected {
                None => assert!(stage.is_ok(), "{value}: {}", error(stage)),
                Some(expected) => {
                    let error = error(stage);
                    assert!(error.starts_with(&format!("infra/stages/dev.toml is invalid: {expected}")), "{error}");
                }
            }
        }
    }

    #[test]
    fn functions_read_the_shop_with_the_currency_and_the_limits_of_its_stage() {
        let mut stage = Stage::load("local").unwrap();
        stage.currency = "MXN".to_owned();
        (stage.orders.max_open, stage.orders.groups) = (3, 4);
        let shop = Shop::parse(&stage.shop().unwrap().to_json()).unwrap();
        assert_eq!((shop.currency.as_str(), shop.max_open_orders, shop.groups), ("MXN", 3, 4));
        assert_eq!(Stage { shop: None, ..stage }.shop(), None);
    }

    #[test]
    fn a_stage_sells_where_requests_are_encrypted_or_stay_on_this_machine() {
        let https = |name: &str, https| Stage { https, ..Stage::load(name).unwrap() };
        for (stage, expected) in [
            (https("local", Https::None), None),
            (https("dev", Https::None), Some(NoSale::PlainHttp)),
            (https("prod", Https::None), Some(NoSale::PlainHttp)),
            (https("dev", Https::CloudFront), None),
            (https("prod", Https::CloudFront), Some(NoSale::PlainHop)),
            (Stage { protect: true, ..https("dev", Https::CloudFront) }, Some(NoSale::PlainHop)),
            (Stage::in_full("dev").unwrap(), None),
            (Stage::in_full("prod").unwrap(), None),
        ] {
            assert_eq!(stage.no_sale(), expected, "{} with {:?}", stage.name, stage.https);
            assert_eq!(stage.can_sell(), expected.is_none());
            let warning = stage.warnings().into_iter().find(|warning| warning.contains("does not sell"));
            assert_eq!(warning.is_some(), expected.is_some(), "{warning:?}");
            assert!(warning.is_none_or(|warning| warning.contains(&format!("infra/stages/{}.toml", stage.name))));
        }
    }

    #[test]
    fn plain_http_behind_cloudfront_has_a_warning_on_every_stage() {
        let warns = |stage: &Stage| {
            stage
                .warnings()
                .iter()
                .any(|warning| warning.contains("plain HTTP between CloudFront and its load balancer"))
        };
        for name in ["dev", "prod"] {
            assert!(warns(&Stage { https: Https::CloudFront, ..Stage::load(name).unwrap() }), "{name}");
            assert!(!warns(&Stage { https: Https::None, ..Stage::load(name).unwrap() }), "{name}");
            assert!(!warns(&Stage::in_full(name).unwrap()), "{name}");
        }
    }

    #[test]
    fn a_distribution_of_another_region_has_a_warning_about_its_logs_and_alarm() {
        for (region, https, expected) in [
            ("us-east-1", Https::CloudFront, false),
            ("eu-west-1", Https::CloudFront, true),
            ("eu-west-1", Https::None, false),
        ] {
            let stage = Stage { region: region.to_owned(), https, ..Stage::load("dev").unwrap() };
            let warns = stage.warnings().iter().any(|warning| warning.contains("exist only in us-east-1"));
            assert_eq!(warns, expected, "{region} with {}", https.name());
        }
    }

    #[test]
    fn a_shop_that_delivers_to_several_countries_of_the_union_reads_the_threshold_of_the_one_stop_shop() {
        for (countries, named) in [
            (Some(vec!["ES"]), None),
            (Some(vec!["ES", "ES"]), None),
            (Some(vec!["ES", "GB", "US", "CH", "NO"]), None),
            (Some(vec!["GB", "US"]), None),
            (Some(vec!["PT", "ES"]), Some("2 countries of the EU (ES, PT)")),
            (Some(vec!["GR", "GB", "DE", "FR"]), Some("3 countries of the EU (DE, FR, GR)")),
            (None, None),
        ] {
            let mut stage = Stage::in_full("prod").unwrap();
            let shop = stage.shop.as_mut().unwrap();
            match &countries {
                Some(codes) => {
                    let codes = codes.iter().map(|&code| code.to_owned()).collect();
                    shop.ship.as_mut().unwrap().countries = codes;
                }
                None => shop.ship = None,
            }
            let warning = stage.warnings().into_iter().find(|warning| warning.contains("10,000 EUR"));
            assert_eq!(warning.is_some(), named.is_some(), "{countries:?}: {warning:?}");
            assert!(named.is_none_or(|named| warning.as_ref().unwrap().contains(named)), "{countries:?}: {warning:?}");
        }
    }

    #[test]
    fn alarms_without_a_recipient_have_a_warning() {
        let warns = |stage: &Stage| stage.warnings().iter().any(|warning| warning.contains("nobody is notified"));
        let mut stage = Stage::in_full("prod").unwrap();
        assert!(!warns(&stage));
        stage.monitoring.as_mut().unwrap().email = None;
        assert!(warns(&stage));
        stage.monitoring = None;
        assert!(!warns(&stage), "a stage without monitoring is intended");
    }

    #[test]
    fn the_error_for_an_unknown_stage_lists_the_known_ones() {
        assert_eq!(error(Stage::load("qa")), "there is no stage `qa`; the stages are local, dev, prod");
    }

    #[test]
    fn the_error_for_an_unknown_key_names_it() {
        let text = format!("egres = \"endpoints\"\n{}", STAGES[0].1);
        let error = error(Stage::parse("local", &text));
        assert!(error.starts_with("infra/stages/local.toml is invalid: unknown field `egres`"), "{error}");
    }
}
