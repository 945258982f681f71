//! The route table: each function with its trigger, routes, permissions and size. Listener rules, IAM policies,
//! configuration and the connection budget are derived from it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use shared::config::PARAMETERS;
use shared::mail::MAIL;
pub use shared::parameters::DatabaseRole;
use shared::parameters::Parameter;
pub use shared::parameters::Queue;
use shared::session::Pool;
use shared::shop::SHOP;
use shared::sign_in::SIGN_IN;
use shared::staff::KEEP_ANSWERED_DAYS;
use shared::{
    app::{CURRENCY, STAGE},
    lambda::ORIGIN,
};

use crate::{
    names,
    stage::{DatabaseLogin, Egress, Stage},
};
use BucketAccess::{
    Archive, CheckUploads, EraseArchived, Imports as ImportFiles, LinkSamples, PermitUploads, PreviewImports,
    ServeCovers,
};
use DatabaseRole::{Account, Admin, BounceWriter, OrderReader, Reader, Writer};
use QueueAccess::{Delay, Inspect, Send};
use Trigger::{Http, Imports, Messages, Release, Staff, Unmatched, Uploads};

/// The list of paths in the function that has no route.
const PATHS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions/show-not-found/src/routes.txt");

/// The route table: every Lambda function of the shop.
pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "list-books",
        about: "Lists and searches books",
        trigger: Http(&[
            get("/api/books", "/api/books?limit=1").in_rule_of("/books"),
            get("/api/suggestions", "/api/suggestions?q=quijote"),
            get("/books", "/books"),
        ]),
        database: Some(Reader),
        reads_replicas: true,
        ..DEFAULTS
    },
    Function {
        name: "show-book",
        about: "Shows one book with a summary of its ratings",
        trigger: Http(&[
            get("/api/books/{id}", "/api/books/1").in_rule_of("/books/{id}"),
            get("/books/{id}", "/books/1"),
            get("/books/{id}/sample", "/books/1/sample"),
        ]),
        database: Some(Reader),
        reads_replicas: true,
        buckets: &[LinkSamples],
        ..DEFAULTS
    },
    Function {
        name: "list-ratings",
        about: "Lists the ratings of a book, newest first",
        trigger: Http(&[
            get("/api/books/{id}/ratings", "/api/books/1/ratings").in_rule_of("/books/{id}/ratings"),
            get("/books/{id}/ratings", "/books/1/ratings"),
        ]),
        database: Some(Reader),
        reads_replicas: true,
        ..DEFAULTS
    },
    Function {
        name: "submit-rating",
        about: "Accepts a rating and sends it to the queue",
        trigger: Http(&[
            post("/api/books/{id}/ratings", "/api/books/1/ratings").in_rule_of("/books/{id}/ratings"),
            post("/books/{id}/ratings", "/books/1/ratings"),
        ]),
        queue: &[Send(Queue::Submissions)],
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "submit-contact",
        about: "Accepts a message to the shop and sends it to the queue",
        trigger: Http(&[post("/api/contact", "/api/contact"), get_and_post("/contact", "/contact")]),
        queue: &[Send(Queue::Submissions)],
        submission_key: true,
        ..DEFAULTS
    },
    Function {
        name: "submit-alert",
        about: "Accepts requests for a mail when a book is back and sends them to the queue",
        // The number of a book, for the form, or the token of a link in a mail.
        trigger: Http(&[get_and_post("/alerts/{id}", "/alerts/1")]),
        queue: &[Send(Queue::Submissions)],
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "show-submission",
        about: "Shows the status of a rating or a message",
        trigger: Http(&[
            get("/api/submissions/{id}", "/api/submissions/00000000-0000-8000-8000-000000000000")
                .in_rule_of("/submissions/{id}"),
            get("/submissions/{id}", "/submissions/00000000-0000-8000-8000-000000000000"),
        ]),
        database: Some(Reader),
        submission_key: true,
        ..DEFAULTS
    },
    Function {
        name: "show-order",
        about: "Shows the cart, the checkout, and an order",
        trigger: Http(&[
            get("/api/orders/{id}", "/api/orders/00000000-0000-8000-8000-000000000000").in_rule_of("/orders/{id}"),
            get("/cart", "/cart"),
            get("/checkout", "/checkout").in_rule_of("/cart"),
            get("/orders/{id}", "/orders/00000000-0000-8000-8000-000000000000"),
            post("/orders/{id}", "/orders/00000000-0000-8000-8000-000000000000"),
            get("/orders/{id}/cancel", "/orders/00000000-0000-8000-8000-000000000000/cancel"),
        ]),
        database: Some(OrderReader),
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "place-order",
        about: "Changes the cart, and sends orders and cancellations to the queue",
        trigger: Http(&[
            // Its probe reads the key.
            post("/orders/{id}/cancel", "/orders/00000000-0000-8000-8000-000000000000/cancel"),
            post("/cart", "/cart"),
            post("/checkout", "/checkout").in_rule_of("/cart"),
            post("/api/orders", "/api/orders").in_rule_of("/cart"),
            post("/api/orders/{id}/cancel", "/api/orders/00000000-0000-8000-8000-000000000000/cancel")
                .in_rule_of("/orders/{id}/cancel"),
        ]),
        queue: &[Send(Queue::Orders), Send(Queue::Submissions)],
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "show-account",
        about: "Shows and changes what belongs to a customer",
        trigger: Http(&[
            get("/api/account/{part}", "/api/account/profile").in_rule_of("/account"),
            get("/account", "/account"),
            // Of all pages: which there are, and which have a form, the function knows.
            get_and_post("/account/{page}", "/account/orders"),
        ]),
        database: Some(Account),
        queue: &[Send(Queue::Submissions), Send(Queue::Erasures)],
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "show-staff",
        about: "Shows the staff what waits, and changes orders, messages, reviews, books, stock and files, and previews imports",
        // Which pages there are, and which have a form, the function knows. Without a session of the staff there is none.
        trigger: Http(&[get_and_post("/staff", "/staff"), get_and_post("/staff/{page}", "/staff/orders")]),
        database: Some(DatabaseRole::Staff),
        demand: Demand::Rare,
        buckets: &[PermitUploads, PreviewImports],
        submission_key: true,
        verifies_sessions: true,
        ..DEFAULTS
    },
    Function {
        name: "show-home",
        about: "Shows the home page, with other books each day",
        trigger: Http(&[get("/", "/")]),
        database: Some(Reader),
        reads_replicas: true,
        ..DEFAULTS
    },
    Function {
        name: "list-genres",
        about: "Lists the genres",
        trigger: Http(&[get("/api/genres", "/api/genres").in_rule_of("/genres"), get("/genres", "/genres")]),
        database: Some(Reader),
        reads_replicas: true,
        demand: Demand::Rare,
        ..DEFAULTS
    },
    Function {
        name: "show-author",
        about: "Shows an author and the author's books",
        trigger: Http(&[
            get("/api/authors/{id}", "/api/authors/1").in_rule_of("/authors/{id}"),
            get("/authors/{id}", "/authors/1"),
        ]),
        database: Some(Reader),
        reads_replicas: true,
        ..DEFAULTS
    },
    Function {
        name: "list-addresses",
        about: "Serves the sitemaps for search engines",
        trigger: Http(&[
            get("/sitemap.xml", "/sitemap.xml"),
            get("/sitemaps/{name}", "/sitemaps/pages.xml").in_rule_of("/sitemap.xml"),
        ]),
        database: Some(Reader),
        reads_replicas: true,
        demand: Demand::Rare,
        // It writes thousands of addresses.
        memory_mb: 1_024,
        ..DEFAULTS
    },
    Function {
        name: "show-about",
        about: "Serves the pages about the shop and its API",
        trigger: Http(&[
            get("/api/shop", "/api/shop"),
            get("/about", "/about"),
            get("/privacy", "/privacy").in_rule_of("/about"),
            get("/terms", "/terms"),
            get("/accessibility", "/accessibility").in_rule_of("/terms"),
            get("/api-docs", "/api-docs"),
            get("/openapi.json", "/openapi.json").in_rule_of("/api-docs"),
        ]),
        ..DEFAULTS
    },
    Function {
        name: "serve-assets",
        about: "Serves the stylesheet, the script, icons, the web app manifest and robots.txt",
        trigger: Http(&[
            get("/assets/{name}", "/assets/none"),
            get("/favicon.ico", "/favicon.ico"),
            get("/robots.txt", "/robots.txt").in_rule_of("/favicon.ico"),
        ]),
        ..DEFAULTS
    },
    Function {
        name: "serve-cover",
        about: "Serves the covers of books",
        trigger: Http(&[get("/covers/{name}", "/covers/none")]),
        buckets: &[ServeCovers],
        is_in_network: false,
        ..DEFAULTS
    },
    Function { name: "show-not-found", about: "Answers requests without a route", trigger: Unmatched, ..DEFAULTS },
    Function {
        name: "check-health",
        about: "Reports whether the shop's dependencies answer, and how fast",
        trigger: Http(&[get("/health", "/health")]),
        database: Some(Reader),
        reads_replicas: true,
        demand: Demand::Rare,
        queue: &[Inspect(Queue::Submissions)],
        ..DEFAULTS
    },
    Function {
        name: "sign-in",
        about: "Signs customers and the staff in and out",
        trigger: Http(&[
            get("/sign-in", "/sign-in"),
            get("/sign-in/return", "/sign-in/return").in_rule_of("/sign-in"),
            get_and_post("/sign-out", "/sign-out"),
            get("/staff/sign-in", "/staff/sign-in"),
            get("/staff/sign-in/return", "/staff/sign-in/return").in_rule_of("/staff/sign-in"),
            get_and_post("/staff/sign-out", "/staff/sign-out"),
        ]),
        queue: &[Send(Queue::Submissions)],
        submission_key: true,
        issues_sessions: true,
        is_in_network: false,
        ..DEFAULTS
    },
    Function {
        name: "process-submissions",
        about: "Writes submissions to the database, each exactly once",
        trigger: Messages(Queue::Submissions),
        database: Some(Writer),
        queue: &[Send(Queue::DeadLetters), Send(Queue::Erasures)],
        buckets: &[Archive(Queue::Submissions)],
        memory_mb: WAITS_MB,
        ..DEFAULTS
    },
    Function {
        name: "erase-accounts",
        about: "Deletes the accounts of erased customers in the user pool, and archived messages of those who were erased",
        trigger: Messages(Queue::Erasures),
        queue: &[Send(Queue::ErasureDeadLetters), Send(Queue::Submissions)],
        buckets: &[EraseArchived],
        deletes_accounts: true,
        is_in_network: false,
        memory_mb: WAITS_MB,
        ..DEFAULTS
    },
    // Before its sender, because a release moves the aliases of consumers in this order.
    Function {
        name: "send-mail",
        about: "Sends mails to buyers and to those who wait for a book",
        trigger: Messages(Queue::Mails),
        queue: &[Send(Queue::MailDeadLetters)],
        mail: true,
        is_in_network: false,
        memory_mb: WAITS_MB,
        ..DEFAULTS
    },
    Function {
        name: "note-bounces",
        about: "Notes with their orders which mails came back",
        trigger: Messages(Queue::Bounces),
        database: Some(BounceWriter),
        // Until a stage has had a release after the one that brought this user.
        database_before: Some(Writer),
        queue: &[Send(Queue::BounceDeadLetters)],
        memory_mb: WAITS_MB,
        ..DEFAULTS
    },
    Function {
        name: "process-orders",
        about: "Decides orders in their order of arrival, each exactly once",
        trigger: Messages(Queue::Orders),
        database: Some(Writer),
        queue: &[Delay(Queue::Orders), Send(Queue::OrderDeadLetters), Send(Queue::Mails)],
        buckets: &[Archive(Queue::Orders)],
        timeout_seconds: 20,
        ..DEFAULTS
    },
    Function {
        name: "import-catalogue",
        about: "Imports a CSV file of books into the database",
        trigger: Imports,
        database: Some(Writer),
        buckets: &[ImportFiles],
        // Twice what the preview of the largest file needs, which remembers the rows that it has read.
        memory_mb: 512,
        timeout_seconds: 900,
        ..DEFAULTS
    },
    Function {
        name: "process-upload",
        about: "Checks uploaded covers and sample chapters, and makes the files that the shop serves",
        trigger: Uploads,
        buckets: &[CheckUploads],
        is_in_network: false,
        // Twice what an image of 40 million pixels needs (`cover/tests.rs` measures it), which also brings half a core.
        memory_mb: 1_024,
        timeout_seconds: 60,
        ..DEFAULTS
    },
    Function {
        name: "run-staff-task",
        about: "Lists messages and searches without hits, hides reviews, erases visitors' data, and gives books covers and sample chapters, for the staff",
        trigger: Staff,
        database: Some(Writer),
        queue: &[Send(Queue::Erasures)],
        buckets: &[PermitUploads],
        timeout_seconds: 60,
        ..DEFAULTS
    },
    Function {
        name: "migrate-database",
        about: "Migrates the schema, the database users and their grants",
        trigger: Release,
        database: Some(Admin),
        // Lambda's maximum: at a million books a migration may copy the table.
        timeout_seconds: 900,
        ..DEFAULTS
    },
];

/// Lambda's lowest maximum concurrency of a queue's consumer; bounces, erasures and uploads are few.
const LEAST_OF_A_QUEUE: u16 = 2;

/// Memory of consumers that mostly wait for other services, and that no shopper waits for.
const WAITS_MB: u16 = 256;

/// Defaults of a row: no permissions, 10 seconds, and 512 MB: of most functions the size with the least product of latency and
/// price (`memory_sizes.rs`).
pub(crate) const DEFAULTS: Function = Function {
    name: "",
    about: "",
    trigger: Release,
    database: None,
    database_before: None,
    reads_replicas: false,
    queue: &[],
    buckets: &[],
    submission_key: false,
    verifies_sessions: false,
    issues_sessions: false,
    deletes_accounts: false,
    mail: false,
    is_in_network: true,
    demand: Demand::Usual,
    memory_mb: 512,
    timeout_seconds: 10,
};

/// One Lambda function.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a permission of its own")]
pub struct Function {
    /// Verb and noun; also the name of its folder, crate and binary.
    pub name: &'static str,
    /// Purpose in a few words; the description of the function and its role on AWS.
    pub about: &'static str,
    pub trigger: Trigger,
    /// The database user that it logs in as; none without database access.
    pub database: Option<DatabaseRole>,
    /// The database user of its versions before, which serve until a release has moved the alias, and again after a
    /// rollback: all versions have one role, which therefore keeps this login. To be removed from the row as soon as no
    /// stage has such a version.
    pub database_before: Option<DatabaseRole>,
    /// Whether it reads from the database's replicas, where there are some: what it shows may be some seconds old. Not for what
    /// somebody has just sent, such as submissions and orders, whose state would seem to go back.
    pub reads_replicas: bool,
    pub queue: &'static [QueueAccess],
    /// Access to the objects of buckets.
    pub buckets: &'static [BucketAccess],
    /// Whether it can create and verify submission ids.
    pub submission_key: bool,
    /// Whether it knows who has signed in, by the keys that verify sessions.
    pub verifies_sessions: bool,
    /// Whether it signs sessions, and knows both user pools. It verifies them too.
    pub issues_sessions: bool,
    /// Whether it deletes accounts in the user pool of customers.
    pub deletes_accounts: bool,
    /// Whether it sends mails with SES.
    pub mail: bool,
    /// Whether it is attached to the VPC. Without a database it needs nothing there, and outside it reaches every service.
    pub is_in_network: bool,
    pub demand: Demand,
    pub memory_mb: u16,
    pub timeout_seconds: u16,
}

/// How much is asked of an HTTP function with database access: its share of the connection budget.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    Usual,
    Rare,
}

/// The event source of a function.
#[derive(Clone, Copy)]
pub enum Trigger {
    /// Requests of these routes, from the load balancer.
    Http(&'static [Route]),
    /// Requests without a matching route, from the load balancer.
    Unmatched,
    /// Messages of a queue, in batches.
    Messages(Queue),
    /// CSV files uploaded to the import bucket.
    Imports,
    /// Covers and sample chapters uploaded to the bucket of files.
    Uploads,
    /// The `bookstore` command of the staff, with the IAM permission to invoke the function.
    Staff,
    /// A deploy, after it has uploaded the code and before the new version serves.
    Release,
}

/// One route of the load balancer.
pub struct Route {
    /// A route with `GET` has `HEAD` as well.
    pub methods: &'static [&'static str],
    /// Path with variables in braces: `/books/{id}`.
    pub path: &'static str,
    /// A path of this route, without side effects, for the release's probe.
    pub probe: &'static str,
    /// The path of the route whose listener rule it shares, because a load balancer has a limited number of them: a route of
    /// the same function with the same methods. None for one with a rule of its own.
    pub rule_of: Option<&'static str>,
}

/// A permission on a queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum QueueAccess {
    /// Send messages; to a dead-letter queue those that can never succeed.
    Send(Queue),
    /// Read the number of waiting messages.
    Inspect(Queue),
    /// Choose when a received message is delivered again.
    Delay(Queue),
}

/// A permission on the objects of a bucket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum BucketAccess {
    /// Read and write all objects of the import bucket.
    Imports,
    /// Read uploads in the bucket of files, and write checked files and the results.
    CheckUploads,
    /// Permit uploads to the bucket of files, by signing their requests, read the results, copy checked files to where the shop serves
    /// them, and remove them there.
    PermitUploads,
    /// Read covers in the bucket of files.
    ServeCovers,
    /// Sign links to sample chapters in the bucket of files.
    LinkSamples,
    /// Sign forms that upload a file to preview to the import bucket, and copy a previewed file to where it is imported. The name of
    /// the bucket is in its environment.
    PreviewImports,
    /// Write decided messages of a queue to the archive, and nothing else: neither read nor remove them.
    Archive(Queue),
    /// Find and remove messages in the archive, without reading any.
    EraseArchived,
}

const fn get(path: &'static str, probe: &'static str) -> Route {
    let methods = &["GET", "HEAD"];
    Route { methods, path, probe, rule_of: None }
}

/// A page with a form that is sent to the same address: one rule of the load balancer, which has a limited number.
const fn get_and_post(path: &'static str, probe: &'static str) -> Route {
    let methods = &["GET", "HEAD", "POST"];
    Route { methods, path, probe, rule_of: None }
}

const fn post(path: &'static str, probe: &'static str) -> Route {
    let methods = &["POST"];
    Route { methods, path, probe, rule_of: None }
}

impl Route {
    /// The route in the listener rule of another one, whose priority it gets: so that one must be at least as general.
    const fn in_rule_of(self, path: &'static str) -> Self {
        Self { rule_of: Some(path), ..self }
    }
}

/// Each path of the load balancer with its methods, for the function that answers the other methods. Without the pages of the
/// staff, of which nobody learns there.
pub(crate) fn paths_with_methods() -> String {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let is_public = |function: &&Function| function.database != Some(DatabaseRole::Staff);
    for route in FUNCTIONS.iter().filter(is_public).flat_map(Function::routes) {
        paths.entry(route.path).or_default().extend(route.methods);
    }
    let lines: Vec<String> =
        paths.into_iter().map(|(path, methods)| format!("{path} {}\n", methods.join(" "))).collect();
    lines.concat()
}

/// Renews the committed list of paths and methods.
pub(crate) fn write_paths_with_methods() -> Result<()> {
    fs::write(PATHS, paths_with_methods()).with_context(|| format!("writing {PATHS}"))
}

/// The function of this name. The error lists the known names.
pub fn find(name: &str) -> Result<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name).with_context(|| {
        let known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        names::unknown("function", name, &known)
    })
}

impl Function {
    /// Its routes; empty where the load balancer does not call it, or calls it without a route.
    pub fn routes(&self) -> &'static [Route] {
        match self.trigger {
            Http(routes) => routes,
            Unmatched | Messages(_) | Imports | Uploads | Staff | Release => &[],
        }
    }

    /// Whether the load balancer calls it.
    pub fn serves_http(&self) -> bool {
        matches!(self.trigger, Http(_) | Unmatched)
    }

    /// Full names of the SSM parameters that it can read, and reads in its init phase.
    pub fn parameters(&self, stage: &Stage) -> Vec<String> {
        self.granted(stage).into_iter().map(|parameter| format!("{}/{parameter}", stage.prefix())).collect()
    }

    /// Full names of the SSM parameters that only its versions before read.
    pub fn parameters_before(&self, stage: &Stage) -> Vec<String> {
        let before = self.database_before.map(|role| login_parameters(role, stage.database.auth()));
        before.into_iter().flatten().map(|parameter| format!("{}/{parameter}", stage.prefix())).collect()
    }

    fn granted(&self, stage: &Stage) -> Vec<Parameter> {
        use Parameter::{
            ArchiveBucket, DatabaseAuth, DatabaseHost, DatabaseName, DatabasePort, DatabaseReplicas, FilesBucket,
            ImportBucket, SessionPrivateKey, SessionPublicKeys, SignIn, SubmissionKey,
        };
        let mut granted = Vec::new();
        if let Some(role) = self.database {
            granted.extend([DatabaseHost, DatabasePort, DatabaseName, DatabaseAuth]);
            granted.extend(login_parameters(role, stage.database.auth()));
            granted.extend((self.reads_replicas && stage.database.replicas > 0).then_some(DatabaseReplicas));
        }
        granted.extend(self.queue.iter().map(|queue| queue.parameter()));
        granted.extend(self.submission_key.then_some(SubmissionKey));
        // The others get the name with their event.
        granted.extend(
            self.buckets
                .iter()
                .any(|access| matches!(access, PermitUploads | ServeCovers | LinkSamples))
                .then_some(FilesBucket),
        );
        granted.extend(self.buckets.contains(&PreviewImports).then_some(ImportBucket));
        let uses_archive = self.buckets.iter().any(|access| matches!(access, Archive(_) | EraseArchived));
        granted.extend(uses_archive.then_some(ArchiveBucket));
        if stage.has_sign_in() {
            granted.extend((self.verifies_sessions || self.issues_sessions).then_some(SessionPublicKeys));
            granted.extend(self.issues_sessions.then_some(SessionPrivateKey));
            granted.extend((self.issues_sessions || self.deletes_accounts).then_some(SignIn(Pool::Customers)));
            granted.extend(self.issues_sessions.then_some(SignIn(Pool::Staff)));
        }
        granted
    }

    /// The parameters whose values its environment has as well, for a cold start that SSM throttles. Empty if one of them is
    /// a secret, for writers, because after a restore the values could name the abandoned database, and for consumers of
    /// queues, whose messages wait.
    pub fn fallback(&self, stage: &Stage) -> Vec<Parameter> {
        let granted = self.granted(stage);
        let writes = matches!(self.database, Some(Account | DatabaseRole::Staff | Writer | Admin));
        let can_wait = matches!(self.trigger, Messages(_));
        if writes || can_wait || granted.iter().any(|parameter| parameter.is_secret()) { Vec::new() } else { granted }
    }

    /// Whether it needs the shop's address: for its answers, or for mails about orders, which contain the order's.
    pub fn needs_origin(&self) -> bool {
        self.serves_http() || matches!(self.trigger, Messages(Queue::Orders))
    }

    /// Its environment variables, except the fallback.
    pub fn environment(&self, stage: &Stage) -> impl Iterator<Item = (&'static str, String)> {
        let variables = [
            (STAGE, stage.name.clone()),
            ("ANAQUEL_LOG", stage.log_level.clone()),
            (PARAMETERS, self.parameters(stage).join(",")),
        ];
        // Only the dual-stack endpoints of AWS services have IPv6 addresses.
        let over_ipv6 = stage.egress == Egress::Ipv6 && self.is_in_network;
        let dual_stack = over_ipv6.then(|| ("AWS_USE_DUALSTACK_ENDPOINT", "true".to_owned()));
        let domain = stage.domain_in_use().filter(|_| self.needs_origin());
        let reads_prices = matches!(self.trigger, Imports) || matches!(self.name, "list-books" | "show-staff");
        let currency = reads_prices.then(|| (CURRENCY, stage.currency.clone()));
        // Each page has a link to sign in, or to the account.
        let sign_in = (self.serves_http() && stage.has_sign_in()).then(|| (SIGN_IN, "yes".to_owned()));
        variables
            .into_iter()
            .chain(currency)
            .chain(sign_in)
            .chain(self.setting_of_submissions(stage))
            .chain(self.shop(stage))
            .chain(self.mail_settings(stage))
            .chain(dual_stack)
            .chain(domain.map(|domain| (ORIGIN, domain.url())))
    }

    /// The shop's settings: for pages, which all show the seller, and for what decides and changes orders.
    fn shop(&self, stage: &Stage) -> Option<(&'static str, String)> {
        let needs_shop = self.serves_http() || matches!(self.trigger, Messages(Queue::Orders) | Staff);
        let shop = stage.shop().filter(|_| needs_shop)?;
        Some((SHOP, shop.to_json()))
    }

    /// How mails are sent: with the seller's name and address for replies.
    fn mail_settings(&self, stage: &Stage) -> Option<(&'static str, String)> {
        let settings = stage.mail_settings().filter(|_| self.mail)?;
        Some((MAIL, settings.to_json()))
    }

    /// A setting of the stage about what visitors send, for the functions that need it.
    fn setting_of_submissions(&self, stage: &Stage) -> Option<(&'static str, String)> {
        let settings = &stage.submissions;
        match self.name {
            "submit-rating" if settings.min_visitor_minutes > 0 => {
                Some(("ANAQUEL_MIN_VISITOR_MINUTES", settings.min_visitor_minutes.to_string()))
            }
            "run-staff-task" | "process-orders" => {
                settings.keep_answered_days.map(|days| (KEEP_ANSWERED_DAYS, days.to_string()))
            }
            _ => None,
        }
    }

    /// The largest number of its concurrent executions.
    pub fn max_concurrency(&self, stage: &Stage) -> u16 {
        match self.trigger {
            Http(_) if self.buckets.contains(&ServeCovers) => stage.concurrency.covers,
            Http(_) | Unmatched if self.database.is_none() => stage.concurrency.http_without_database,
            Http(_) | Unmatched if self.demand == Demand::Rare => stage.concurrency.http_rare,
            Http(_) | Unmatched => stage.concurrency.http,
            Messages(Queue::Orders) => stage.orders.concurrency,
            // A queue or S3 keeps what comes meanwhile.
            Messages(Queue::Bounces | Queue::Erasures) | Uploads => LEAST_OF_A_QUEUE,
            Messages(_) => stage.submissions.concurrency,
            Imports | Staff | Release => 1,
        }
    }

    /// The largest number of its database connections: one for each execution environment.
    pub fn connections(&self, stage: &Stage) -> u16 {
        self.database.map_or(0, |_| self.max_concurrency(stage))
    }
}

/// The parameters of a login. The administrator creates the other users and reads theirs as well.
fn login_parameters(role: DatabaseRole, login: DatabaseLogin) -> Vec<Parameter> {
    use Parameter::{DatabasePassword, DatabaseUser, MasterSecret};
    let roles = if role == Admin { DatabaseRole::ALL.to_vec() } else { vec![role] };
    let parameters = roles.into_iter().flat_map(|role| match (login, role) {
        (DatabaseLogin::Password, _) => vec![DatabaseUser(role), DatabasePassword(role)],
        (DatabaseLogin::Iam, Admin) => vec![DatabaseUser(role), MasterSecret],
        (DatabaseLogin::Iam, Reader | OrderReader | BounceWriter | Account | DatabaseRole::Staff | Writer) => {
            vec![DatabaseUser(role)]
        }
    });
    parameters.collect()
}

impl QueueAccess {
    /// The queue.
    pub fn queue(self) -> Queue {
        let (Send(queue) | Inspect(queue) | Delay(queue)) = self;
        queue
    }

    /// The parameter with the queue's URL.
    pub fn parameter(self) -> Parameter {
        Parameter::Queue(self.queue())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use shared::handler::LONGEST_ANSWER;

    use super::*;
    use crate::stage::Https;

    #[test]
    fn lambda_ends_no_function_before_its_handler_has_given_up() {
        for function in FUNCTIONS.iter().filter(|function| function.serves_http()) {
            let timeout = Duration::from_secs(function.timeout_seconds.into());
            assert!(timeout >= LONGEST_ANSWER + Duration::from_secs(1), "{}: {timeout:?}", function.name);
        }
    }

    fn parameters(function: &str, stage: &str) -> Vec<String> {
        let function = FUNCTIONS.iter().find(|known| known.name == function).expect("a row");
        function.parameters(&Stage::load(stage).unwrap())
    }

    #[test]
    fn each_function_has_a_folder_and_each_folder_a_function() {
        let folders = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
        let folders: BTreeSet<_> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
        let rows: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name.to_owned()).collect();
        assert_eq!(rows, folders);
    }

    #[test]
    fn the_function_without_a_route_knows_all_paths() {
        let committed = fs::read_to_string(PATHS).unwrap_or_default();
        assert!(committed == paths_with_methods(), "{PATHS} is stale: run `cargo bookstore synth --golden`");
    }

    #[test]
    fn a_form_is_sent_to_an_address_that_is_a_page_too() {
        let routes: Vec<&Route> = FUNCTIONS.iter().flat_map(Function::routes).collect();
        let has = |path, method| routes.iter().any(|route| route.path == path && route.methods.contains(&method));
        for route in routes.iter().filter(|route| !route.path.starts_with("/api/") && has(route.path, "POST")) {
            assert!(has(route.path, "GET"), "the link to the other language leads to {}", route.path);
        }
    }

    #[test]
    fn a_stage_with_a_domain_tells_functions_for_visitors_its_address() {
        let origin = |function: &str, stage: &Stage| {
            let variables: BTreeMap<_, _> = find(function).unwrap().environment(stage).collect();
            variables.get(ORIGIN).cloned()
        };
        let stage = Stage::in_full("prod").unwrap();
        let domain = stage.domain_in_use().expect("a domain");
        assert_eq!(origin("show-book", &stage), Some(domain.url()));
        assert_eq!(origin("process-orders", &stage), Some(domain.url()));
        assert_eq!(origin("process-submissions", &stage), None);
        assert_eq!(origin("show-book", &Stage { https: Https::None, domain: None, ..stage }), None);
    }

    #[test]
    fn a_function_has_a_handler_for_each_kind_of_its_paths() {
        let is_for_programs = |route: &Route| route.path.starts_with("/api/") || route.path == "/health";
        for function in FUNCTIONS.iter().filter(|function| function.serves_http()) {
            let programs = function.routes().iter().filter(|route| is_for_programs(route)).count();
            let call = match (programs, function.routes().len()) {
                (0, 0) => "Handlers::new(handle, frontend::page(handle))",
                // A limit of its own or work of its cold start may follow.
                (0, _) => "Handlers::of_page(frontend::page(handle)",
                (programs, all) if programs == all => "Handlers::of_api(handle)",
                _ => "Handlers::new(api::handle, frontend::page(page::handle))",
            };
            let library = format!("{}/../functions/{}/src/lib.rs", env!("CARGO_MANIFEST_DIR"), function.name);
            assert!(fs::read_to_string(library).unwrap().contains(call), "{}: its routes need {call}", function.name);
        }
    }

    #[test]
    fn a_reader_on_aws_reads_no_password() {
        let names = ["host", "port", "name", "auth", "reader/user"];
        assert_eq!(parameters("list-books", "prod"), names.map(|name| format!("/anaquel/prod/database/{name}")));
        let names = ["host", "port", "name", "auth", "order-reader/user"].map(|name| format!("database/{name}"));
        let names = names.into_iter().chain(["submission-key".to_owned()]).map(|name| format!("/anaquel/prod/{name}"));
        assert_eq!(parameters("show-order", "prod"), names.collect::<Vec<_>>());
    }

    #[test]
    fn only_functions_that_show_books_read_replicas_and_only_where_there_are_some() {
        let reads = |function: &&Function| function.reads_replicas;
        let names: Vec<&str> = FUNCTIONS.iter().filter(reads).map(|function| function.name).collect();
        let expected = [
            "list-books",
            "show-book",
            "list-ratings",
            "show-home",
            "list-genres",
            "show-author",
            "list-addresses",
            "check-health",
        ];
        assert_eq!(names, expected);
        // Others read what somebody has just sent, or change it.
        assert!(FUNCTIONS.iter().filter(reads).all(|function| function.database == Some(Reader)));
        let granted = |function: &str, replicas| {
            let mut stage = Stage::load("prod").unwrap();
            stage.database.replicas = replicas;
            let function = find(function).unwrap();
            let name = "/anaquel/prod/database/replicas".to_owned();
            (
                function.parameters(&stage).contains(&name),
                function.fallback(&stage).contains(&Parameter::DatabaseReplicas),
            )
        };
        assert_eq!(granted("show-book", 1), (true, true));
        assert_eq!(granted("show-book", 0), (false, false));
        for function in ["show-submission", "show-order", "show-account", "process-submissions", "migrate-database"] {
            assert_eq!(granted(function, 1), (false, false), "{function}");
        }
    }

    #[test]
    fn only_readers_without_secrets_have_a_fallback() {
        let fallback = |function: &str, stage: &str| {
            let function = FUNCTIONS.iter().find(|known| known.name == function).expect("a row");
            function.fallback(&Stage::load(stage).unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let database = ["database/host", "database/port", "database/name", "database/auth", "database/reader/user"];
        assert_eq!(fallback("list-books", "prod"), database);
        assert_eq!(fallback("show-book", "prod"), [&database[..], &["files/bucket"]].concat());
        assert_eq!(fallback("serve-cover", "prod"), ["files/bucket"]);
        assert_eq!(fallback("check-health", "prod"), [&database[..], &["queue/submissions"]].concat());
        for function in [
            "submit-rating",
            "show-submission",
            "process-submissions",
            "process-orders",
            "erase-accounts",
            "send-mail",
            "note-bounces",
            "run-staff-task",
            "migrate-database",
        ] {
            assert!(fallback(function, "prod").is_empty(), "{function}");
        }
        assert!(fallback("show-book", "local").is_empty(), "the local reader has a password");
    }

    #[test]
    fn a_function_without_database_access_reads_no_database_parameters() {
        let names = ["/anaquel/local/queue/submissions", "/anaquel/local/submission-key"];
        assert_eq!(parameters("submit-contact", "local"), names);
    }

    #[test]
    fn the_migration_reads_the_login_parameters_of_all_users() {
        let names = [
            "host",
            "port",
            "name",
            "auth",
            "reader/user",
            "reader/password",
            "order-reader/user",
            "order-reader/password",
            "bounce-writer/user",
            "bounce-writer/password",
            "accounts/user",
            "accounts/password",
            "staff/user",
            "staff/password",
            "writer/user",
            "writer/password",
            "admin/user",
            "admin/password",
        ];
        assert_eq!(
            parameters("migrate-database", "local"),
            names.map(|name| format!("/anaquel/local/database/{name}"))
        );

        let names = [
            "host",
            "port",
            "name",
            "auth",
            "reader/user",
            "order-reader/user",
            "bounce-writer/user",
            "accounts/user",
            "staff/user",
            "writer/user",
            "admin/user",
            "admin/secret",
        ];
        assert_eq!(parameters("migrate-database", "prod"), names.map(|name| format!("/anaquel/prod/database/{name}")));
    }
}
