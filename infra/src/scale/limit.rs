//! The limits of a stage: what each allows, what one request, order or book uses of it, and what to change beyond.

use shared::answer_size::MAX_ANSWER;

use super::traffic::{
    self, CATALOGUES, DECISION_MS, DECISION_ROUND_TRIPS, ORDER_WRITES, PEAK, ROUND_TRIP_MS, START_SECONDS,
    SUBMISSION_WRITES, Work, bytes_of_book, served, share,
};
use crate::containers::{Service, runs_in_containers};
use crate::cost::table::with_separators;
use crate::cost::usage::{self, MAILS, ORDERED, SIGNED_IN, SUBMITTED};
use crate::database_memory::Memory;
use crate::facts::{DatabaseClass, FACTS, Quota};
use crate::limits::MAX_HELD_PERCENT;
use crate::routes::{BucketAccess, Demand, FUNCTIONS, Function, Queue, Trigger};
use crate::stacks::containers::requests_a_second;
use crate::stage::{Containers, ParameterStore, Rds, Server, Stage};

/// Seconds in a day.
const DAY: f64 = 86_400.0;
/// Bytes in a mebibyte, and in a gibibyte.
const MIB: f64 = 1_048_576.0;
const GIB: f64 = 1_073_741_824.0;
/// Gibibytes from which a gp3 volume has more IOPS.
const LARGE_VOLUME_GB: u16 = 400;
/// Pages in a part of the sitemap: `PAGES` of frontend/src/sitemap.rs.
const SITEMAP_PAGES: f64 = 200.0;
/// Parts in an index, by <https://www.sitemaps.org/protocol.html>.
const SITEMAP_PARTS: f64 = 50_000.0;
/// An entry of the index, with an address of CloudFront's.
const SITEMAP_ENTRY: &str =
    "<sitemap><loc>https://d111111abcdef8.cloudfront.net/sitemaps/authors-12345.xml</loc></sitemap>\\n";
/// Pages in the sitemap for each book: its own, and at most one of an author.
const PAGES_OF_BOOK: f64 = 2.0;

/// A limit.
pub struct Limit {
    pub name: String,
    /// The most of `unit` that there may be.
    pub allows: f64,
    pub unit: &'static str,
    /// Of `unit`, for each request or order in a second, or each book.
    pub uses: f64,
    /// The quota of AWS behind it.
    pub quota: Option<&'static Quota>,
    /// Sizes of the shop, in books, for which it holds; all without it.
    pub books: Option<Size>,
    pub remedy: Remedy,
}

/// The size of the shop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// As many books as the small catalogue of the benchmarks, or fewer.
    Small,
    Large,
}

/// The change to make where a limit is exceeded.
#[derive(Clone, Copy)]
pub enum Remedy {
    /// A number in the stage's file.
    Setting(&'static str),
    /// The connections of the database, and a class with the memory for them.
    Connections { fixed: f64 },
    /// A class of the database with enough processors.
    Processors(Engine),
    /// Read replicas of this class.
    Replicas(&'static DatabaseClass),
    /// A class of the database with enough memory.
    Memory,
    /// The largest number of tasks of a service.
    Tasks(Service),
    /// A value in the stage's file.
    Value(&'static str),
    /// A request to AWS, for what is needed and this much for others.
    Quota { others: f64 },
    /// A change of the code.
    Code(&'static str),
}

/// The engine that takes over beyond the largest class.
#[derive(Clone, Copy)]
pub enum Engine {
    /// For reads.
    Search,
    /// For orders.
    Writers,
}

/// A request to AWS for what the shop needs.
const ASK: Remedy = Remedy::Quota { others: 0.0 };

impl Engine {
    fn about(self) -> &'static str {
        match self {
            Self::Search => "OpenSearch for searches, behind shared/src/repo/books, and read replicas for the rest",
            Self::Writers => "Aurora or sharded writers, behind shared/src/repo/orders",
        }
    }
}

impl Size {
    pub fn of(books: f64) -> Self {
        if books <= usage::float(CATALOGUES[0]) { Self::Small } else { Self::Large }
    }
}

impl Limit {
    fn new(name: impl Into<String>, (allows, unit): (f64, &'static str), uses: f64, remedy: Remedy) -> Self {
        Self { name: name.into(), allows, unit, uses, quota: None, books: None, remedy }
    }

    /// The limit that a quota of AWS is.
    fn by(quota: &'static str, name: &str, unit: &'static str, uses: f64, remedy: Remedy) -> Self {
        let quota = FACTS.quota(quota);
        Self { quota: Some(quota), ..Self::new(name, (f64::from(quota.value), unit), uses, remedy) }
    }

    /// Requests or orders in a second, or books, at which it is full.
    pub fn full_at(&self) -> f64 {
        self.allows / self.uses
    }

    /// The amount of `unit` that this load needs.
    pub fn needed(&self, load: f64) -> f64 {
        self.uses * load
    }

    pub fn is_exceeded(&self, load: f64) -> bool {
        self.needed(load) > self.allows
    }

    /// The change with which the stage carries the load.
    pub fn change(&self, stage: &Stage, load: f64) -> String {
        let needed = self.needed(load);
        let least = with_separators(needed.ceil());
        match self.remedy {
            Remedy::Setting(setting) => format!("{setting} = {least}"),
            Remedy::Replicas(class) => {
                format!("[database] replicas = {}", with_separators((needed / class.sustained_processors()).ceil()))
            }
            Remedy::Tasks(service) => {
                let tasks = stage.containers.as_ref().map_or(1.0, requests_a_second);
                format!("[containers] {}.max = {}", service.name(), with_separators((needed / tasks).ceil()))
            }
            Remedy::Value(setting) => setting.to_owned(),
            Remedy::Quota { others } => {
                format!("ask AWS for {} {}", with_separators((needed + others).ceil()), self.unit)
            }
            Remedy::Code(change) => change.to_owned(),
            Remedy::Connections { fixed } => connections(stage, needed + fixed),
            Remedy::Processors(engine) => match class(stage, |class, _| class.sustained_processors() >= needed) {
                Some(class) => format!("class = {class}"),
                None => beyond(engine),
            },
            Remedy::Memory => match class(stage, |_, memory| f64::from(memory.buffer_pool) >= needed) {
                Some(class) => format!("class = {class}"),
                None => beyond(Engine::Search),
            },
        }
    }
}

/// The engine that takes over from the largest class that infra/facts.toml has.
fn beyond(engine: Engine) -> String {
    let largest = FACTS.database_classes.last().map_or("", |class| class.name.as_str());
    format!("beyond {largest}: {}", engine.about())
}

/// The load that the database carries with a class.
pub struct Carried {
    pub class: &'static DatabaseClass,
    pub buffer_pool_mib: u32,
    /// In a second, in a shop as large as the large catalogue of the benchmarks.
    pub requests: f64,
    /// In a second.
    pub orders: f64,
    /// In the buffer pool.
    pub books: f64,
}

/// The stage's class and the larger ones of infra/facts.toml, as far as they have memory for the stage's connections.
pub fn classes(stage: &Stage) -> Vec<Carried> {
    let Server::Rds(server) = &stage.database.server else { return Vec::new() };
    let from_own = FACTS.database_classes.iter().skip_while(|class| class.name != server.class);
    let carried = |class: &'static DatabaseClass| {
        let memory = memory_with(stage, server, class)?;
        Some(Carried {
            class,
            buffer_pool_mib: memory.buffer_pool,
            requests: class.sustained_processors() / traffic::database_seconds(1),
            orders: class.sustained_processors() / (DECISION_MS / 1_000.0),
            books: f64::from(memory.buffer_pool) * MIB / bytes_of_book(),
        })
    };
    from_own.filter_map(carried).collect()
}

/// The division of the memory if the stage had this class.
fn memory_with(stage: &Stage, server: &Rds, class: &DatabaseClass) -> Option<Memory> {
    let mut stage = stage.clone();
    stage.database.server = Server::Rds(Rds { class: class.name.clone(), ..server.clone() });
    Memory::of(&stage)
}

/// The settings for this number of executions with a connection. The class keeps a buffer pool as large as before.
fn connections(stage: &Stage, executions: f64) -> String {
    let least = (executions * 2.0 * 100.0 / f64::from(MAX_HELD_PERCENT)).ceil();
    let pool = Memory::of(stage).map_or(0, |memory| memory.buffer_pool);
    let with = |max_connections| {
        let mut stage = stage.clone();
        stage.database.max_connections = max_connections;
        class(&stage, |_, memory| memory.buffer_pool >= pool)
    };
    let class = format!("{least:.0}").parse().ok().and_then(with);
    let class = class.map_or_else(
        || "more memory than a class of infra/facts.toml has: RDS Proxy, or read replicas".to_owned(),
        |class| format!("class = {class}"),
    );
    format!("max_connections = {least:.0}, {class}")
}

/// The stage's class or the first larger one of infra/facts.toml that has room for the stage's connections and fits.
fn class(stage: &Stage, fits: impl Fn(&DatabaseClass, &Memory) -> bool) -> Option<String> {
    let Server::Rds(server) = &stage.database.server else { return None };
    let is_enough =
        |class: &&DatabaseClass| memory_with(stage, server, class).is_some_and(|memory| fits(class, &memory));
    let mut from_own = FACTS.database_classes.iter().skip_while(|class| class.name != server.class);
    from_own.find(is_enough).map(|class| class.name.clone())
}

/// Number of the stage's file that sets how many executions a function may have at once.
pub fn setting(function: &Function) -> &'static str {
    match function.demand {
        _ if function.buckets.contains(&BucketAccess::ServeCovers) => "concurrency.covers",
        _ if function.database.is_none() => "concurrency.http_without_database",
        Demand::Rare => "concurrency.http_rare",
        Demand::Usual => "concurrency.http",
    }
}

/// The name of a setting without its section.
pub fn short(setting: &str) -> &str {
    setting.trim_start_matches("concurrency.")
}

/// Settings of the concurrency of functions behind the load balancer.
pub const SETTINGS: [&str; 4] =
    ["concurrency.http", "concurrency.http_rare", "concurrency.http_without_database", "concurrency.covers"];

/// Seconds for which a request of the function takes one of its concurrent executions: its duration, or as long as the quota of
/// requests lets one execution serve no other.
pub fn occupied(function: &Function) -> f64 {
    let most = f64::from(FACTS.quota("requests a second for each concurrent execution").value);
    Work::of(function).seconds(function.memory_mb).max(1.0 / most)
}

/// The functions that answer requests, without those whose handlers run in containers.
fn invoked(stage: &Stage) -> impl Iterator<Item = &'static Function> {
    served().filter(|function| !runs_in_tasks(stage, function))
}

fn runs_in_tasks(stage: &Stage, function: &Function) -> bool {
    stage.is_on_fargate() && runs_in_containers(function)
}

/// The functions of a setting.
fn functions_of(stage: &Stage, setting_of: &str) -> impl Iterator<Item = &'static Function> {
    invoked(stage).filter(move |function| setting(function) == setting_of)
}

/// The function of a setting that needs most executions.
fn busiest(stage: &Stage, setting: &str) -> Option<(&'static Function, f64)> {
    let needs = functions_of(stage, setting).map(|function| (function, share(function) * occupied(function)));
    needs.max_by(|(_, one), (_, other)| one.total_cmp(other))
}

/// Executions that the settings must reserve for each request in a second, for the functions that `counts`: one setting holds for
/// all of its functions.
fn reserved(stage: &Stage, counts: impl Fn(&Function) -> bool) -> f64 {
    let of = |setting: &&str| {
        let number = functions_of(stage, setting).filter(|function| counts(function)).count();
        busiest(stage, setting).map_or(0.0, |(_, needs)| usage::float(number as u64) * needs)
    };
    SETTINGS.iter().map(of).sum()
}

/// Executions that are reserved for other functions than those behind the load balancer.
fn fixed(stage: &Stage, counts: impl Fn(&Function) -> bool) -> f64 {
    let others = FUNCTIONS.iter().filter(|function| !function.serves_http() && counts(function));
    others.map(|function| f64::from(function.max_concurrency(stage))).sum()
}

fn consumer(queue: Queue) -> &'static Function {
    let consumes = |function: &&Function| matches!(function.trigger, Trigger::Messages(own) if own == queue);
    FUNCTIONS.iter().find(consumes).expect("each of these queues has a consumer")
}

/// Limits of requests at the load balancer, in requests a second.
pub fn of_requests(stage: &Stage) -> Vec<Limit> {
    let mut limits: Vec<Limit> = SETTINGS.iter().filter_map(|setting| executions(stage, setting)).collect();
    let has_database = |function: &Function| function.database.is_some();
    let fixed_connections = fixed(stage, has_database) + of_tasks(stage);
    let held = f64::from(stage.database.max_connections) * f64::from(MAX_HELD_PERCENT) / 100.0 / 2.0;
    limits.push(Limit::new(
        "connections during a release",
        (held - fixed_connections, "connections"),
        reserved(stage, has_database),
        Remedy::Connections { fixed: fixed_connections },
    ));
    limits.extend(lambda(stage));
    limits.extend(starts(stage));
    limits.extend(database(stage));
    let process = consumer(Queue::Submissions);
    limits.push(Limit::new(
        "submissions.concurrency",
        (f64::from(stage.submissions.concurrency), "executions"),
        SUBMITTED * traffic::seconds_of_submission(process.memory_mb),
        Remedy::Setting("submissions.concurrency"),
    ));
    limits.extend(containers(stage));
    limits.extend(edge(stage));
    limits.retain(|limit| limit.uses > 0.0);
    limits
}

/// The connections of all tasks.
fn of_tasks(stage: &Stage) -> f64 {
    let of = |settings: &Containers| {
        let tasks = Service::ALL.map(|service| u32::from(service.tasks(settings).max));
        f64::from(tasks.iter().sum::<u32>() * u32::from(settings.connections))
    };
    stage.containers.as_ref().map_or(0.0, of)
}

/// The requests that the tasks of each service carry, at the processor use that the scaling keeps.
fn containers(stage: &Stage) -> Vec<Limit> {
    let Some(settings) = stage.containers.as_ref().filter(|_| stage.is_on_fargate()) else { return Vec::new() };
    let limit = |service: Service| {
        let carries = f64::from(service.tasks(settings).max) * requests_a_second(settings);
        let in_mix: f64 = service.functions().map(share).sum();
        let name = format!("tasks of {}", service.name());
        Limit::new(name, (carries, "requests a second"), in_mix, Remedy::Tasks(service))
    };
    Service::ALL.map(limit).into()
}

/// The executions of a setting, which its busiest function needs first.
fn executions(stage: &Stage, setting: &'static str) -> Option<Limit> {
    let (function, uses) = busiest(stage, setting)?;
    let allows = f64::from(function.max_concurrency(stage));
    let name = format!("{}: {}", short(setting), function.name);
    Some(Limit::new(name, (allows, "executions"), uses, Remedy::Setting(setting)))
}

/// Quotas of Lambda for the account.
fn lambda(stage: &Stage) -> Vec<Limit> {
    let unreserved = f64::from(FACTS.quota("concurrent executions that Lambda keeps unreserved").value);
    let others = unreserved + fixed(stage, |_| true);
    let mut all = Limit::by(
        "concurrent executions of an account",
        "executions of the account",
        "executions",
        reserved(stage, |_| true),
        Remedy::Quota { others },
    );
    all.allows -= others;
    let per_execution = f64::from(FACTS.quota("requests a second for each concurrent execution").value);
    let invocations = Limit {
        allows: f64::from(FACTS.quota("concurrent executions of an account").value) * per_execution,
        ..Limit::by(
            "requests a second for each concurrent execution",
            "invocations of the account",
            "a second",
            1.0 - served().filter(|function| runs_in_tasks(stage, function)).map(share).sum::<f64>(),
            ASK,
        )
    };
    vec![all, invocations]
}

/// Limits of a moment in which every request starts an execution environment: a release, or visitors who come all at once.
fn starts(stage: &Stage) -> Vec<Limit> {
    let started = |counts: &dyn Fn(&Function) -> bool| {
        let shares: f64 = invoked(stage).filter(|function| counts(function)).map(share).sum();
        shares * START_SECONDS
    };
    let busiest = invoked(stage).map(share).fold(0.0, f64::max);
    let mut limits = vec![Limit::by(
        "execution environments that a function starts in ten seconds",
        "starts after a release, one function",
        "environments in 10 s",
        busiest * START_SECONDS,
        Remedy::Value("[concurrency.provisioned] for the busiest functions"),
    )];
    let (quota, remedy) = match stage.parameter_store {
        ParameterStore::Standard => (
            "GetParameters calls a second, standard",
            Remedy::Value("parameter_store = \"high-throughput\"; until then readers use their fallback"),
        ),
        ParameterStore::HighThroughput => (
            "GetParameters calls a second, high throughput",
            Remedy::Value("[concurrency.provisioned] for the busiest functions; readers have a fallback"),
        ),
    };
    let reads = |function: &Function| !function.parameters(stage).is_empty();
    limits.push(Limit::by(quota, "calls of SSM after a release", "calls a second", started(&reads), remedy));
    if matches!(stage.database.server, Server::Rds(_)) {
        limits.push(Limit::by(
            "IAM logins to a database a second",
            "IAM logins after a release",
            "logins a second",
            started(&|function| function.database.is_some()),
            Remedy::Value("[concurrency.provisioned] for the busiest functions, which log in before a release moves"),
        ));
    }
    limits
}

/// Limits of the database instance.
fn database(stage: &Stage) -> Vec<Limit> {
    let Server::Rds(server) = &stage.database.server else { return Vec::new() };
    let Some(class) = FACTS.database_class(&server.class) else { return Vec::new() };
    let count = stage.database.replicas;
    let read_nearby = |catalogue| traffic::read_seconds(catalogue, |function| function.reads_replicas);
    let at =
        |catalogue: usize| format!("{} at {} books", class.name, with_separators(usage::float(CATALOGUES[catalogue])));
    let processors = |(catalogue, size): (usize, Size)| {
        let elsewhere = if count > 0 { read_nearby(catalogue) } else { 0.0 };
        let uses = traffic::database_seconds(catalogue) - elsewhere;
        let allows = (class.sustained_processors(), "processors");
        Limit { books: Some(size), ..Limit::new(at(catalogue), allows, uses, Remedy::Processors(Engine::Search)) }
    };
    let of_replicas = |(catalogue, size): (usize, Size)| {
        let allows = (class.sustained_processors() * f64::from(count), "processors");
        let name = format!("read replicas: {} x {}", count, at(catalogue));
        Limit { books: Some(size), ..Limit::new(name, allows, read_nearby(catalogue), Remedy::Replicas(class)) }
    };
    let sizes = [(0, Size::Small), (1, Size::Large)];
    let mut limits: Vec<Limit> = sizes.map(processors).into();
    limits.extend(sizes.into_iter().filter(|_| count > 0).map(of_replicas));
    limits.push(volume(server, SUBMITTED * SUBMISSION_WRITES + ORDERED * ORDER_WRITES));
    limits
}

/// Writes to the volume of the database. Reads are from memory while the books fit into it.
fn volume(server: &Rds, uses: f64) -> Limit {
    let (quota, remedy) = if server.storage_gb < LARGE_VOLUME_GB {
        ("IOPS of a small gp3 volume", Remedy::Value("storage_gb = 400, from which gp3 has 12,000"))
    } else {
        ("IOPS of a gp3 volume from 400 GiB on", Remedy::Code("Iops of the instance, in infra/src/stacks/data.rs"))
    };
    Limit::by(quota, "writes to the volume", "IOPS", uses, remedy)
}

/// Services in front of the functions and beside them.
fn edge(stage: &Stage) -> Vec<Limit> {
    let covers: f64 =
        served().filter(|function| function.buckets.contains(&BucketAccess::ServeCovers)).map(share).sum();
    let mut limits = vec![Limit::by(
        "objects read a second below one prefix of a bucket",
        "covers read from S3",
        "objects a second",
        covers,
        Remedy::Code("several prefixes, in shared/src/files_bucket.rs; S3 also divides a busy prefix by itself"),
    )];
    if stage.firewall.is_some() {
        let quota = "requests a second of a web ACL";
        limits.push(Limit::by(quota, "requests of the web ACL", "requests a second", 1.0, ASK));
    }
    if stage.has_cloudfront() {
        let quota = "requests a second of a distribution";
        limits.push(Limit::by(quota, "requests of the distribution", "requests a second", 1.0, ASK));
    }
    if stage.has_sign_in() {
        let quota = "tokens a second of all user pools";
        limits.push(Limit::by(quota, "sign-ins at Cognito", "tokens a second", SIGNED_IN, ASK));
    }
    limits
}

/// Limits of orders, in orders a second, as if all else were idle and the stage sold.
pub fn of_orders(stage: &Stage) -> Vec<Limit> {
    let process = consumer(Queue::Orders);
    let seconds = traffic::seconds_of_order(process.memory_mb);
    // Lambda sends a group to one execution at a time.
    let at_once = stage.orders.groups.min(stage.orders.concurrency);
    let groups = if stage.orders.groups <= stage.orders.concurrency { "orders.groups" } else { "orders.concurrency" };
    let groups_setting = Remedy::Setting("orders.groups and orders.concurrency");
    let mut limits = vec![
        Limit::new(format!("{groups}: decisions"), (f64::from(at_once), "executions"), seconds, groups_setting),
        Limit::new(
            "decisions about one title",
            (1.0, "row"),
            (DECISION_MS + DECISION_ROUND_TRIPS * ROUND_TRIP_MS) / 1_000.0,
            Remedy::Code("copies of a title in several rows, in shared/src/repo/stock.rs"),
        ),
        Limit {
            allows: f64::from(FACTS.quota("messages a second of one group of a FIFO queue").value)
                * f64::from(stage.orders.groups),
            ..Limit::by(
                "messages a second of one group of a FIFO queue",
                "orders sent to the groups of the FIFO queue",
                "messages a second",
                1.0,
                Remedy::Value("orders.groups, 300 orders a second each"),
            )
        },
        Limit::by(
            "messages a second of a FIFO queue with high throughput",
            "orders sent to the FIFO queue",
            "messages a second",
            1.0,
            ASK,
        ),
        Limit::by("mails a second", "mails of SES", "mails a second", MAILS, ASK),
        Limit::by("mails a day", "mails of SES in a day", "mails a day", MAILS * DAY / PEAK, ASK),
    ];
    limits.extend(placing(stage));
    if let Server::Rds(server) = &stage.database.server {
        let processors = FACTS.database_class(&server.class).map(|class| {
            let name = class.name.clone();
            let allows = (class.sustained_processors(), "processors");
            Limit::new(name, allows, DECISION_MS / 1_000.0, Remedy::Processors(Engine::Writers))
        });
        limits.extend(processors);
        limits.push(volume(server, ORDER_WRITES));
    }
    limits
}

/// The executions of the function that accepts orders.
fn placing(stage: &Stage) -> Option<Limit> {
    let function = served().find(|function| function.name == "place-order")?;
    let allows = (f64::from(function.max_concurrency(stage)), "executions");
    let name = format!("{}: place-order", short(setting(function)));
    Some(Limit::new(name, allows, occupied(function), Remedy::Setting(setting(function))))
}

/// Limits of the number of books.
pub fn of_books(stage: &Stage) -> Vec<Limit> {
    let entry = usage::float(SITEMAP_ENTRY.len() as u64);
    let parts = PAGES_OF_BOOK / SITEMAP_PAGES;
    let mut limits = vec![
        Limit::new(
            "index of the sitemap, uncompressed",
            (usage::float(MAX_ANSWER as u64), "bytes"),
            parts * entry,
            Remedy::Code("several indexes, in functions/list-addresses; search engines ask for it compressed"),
        ),
        Limit::new(
            "parts of the sitemap",
            (SITEMAP_PARTS, "parts"),
            parts,
            Remedy::Code("several indexes, in functions/list-addresses"),
        ),
    ];
    if let (Server::Rds(server), Some(memory)) = (&stage.database.server, Memory::of(stage)) {
        let pool = (f64::from(memory.buffer_pool), "MiB");
        limits.push(Limit::new("buffer pool of the database", pool, bytes_of_book() / MIB, Remedy::Memory));
        let storage = (f64::from(server.max_storage_gb), "GiB");
        let setting = Remedy::Setting("max_storage_gb");
        limits.push(Limit::new("storage of the database", storage, bytes_of_book() / GIB, setting));
    }
    limits
}
