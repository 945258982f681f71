//! The table of everything that runs: each function, what starts it, what it may touch, how large it is.
//! Routing rules, rights, configuration and the connection budget all follow from here.

use anyhow::{Context, Result};

pub use shared::parameters::DatabaseRole;
use shared::parameters::Parameter;

use crate::stage::{Auth, Egress, Stage};
use Bucket::ReadWrite;
use DatabaseRole::{Admin, Reader, Writer};
use Queue::{Look, Park, Send};
use Trigger::{Http, Imports, Release, Staff, Submissions, Unmatched};

pub static FUNCTIONS: &[Function] = &[
    Function {
        name: "list-books",
        about: "Lists and searches books",
        trigger: Http(&[get("/api/books", "/api/books?limit=1"), get("/books", "/books")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "show-book",
        about: "Shows one book with its ratings at a glance",
        trigger: Http(&[get("/api/books/{id}", "/api/books/1"), get("/books/{id}", "/books/1")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "list-ratings",
        about: "Lists the ratings of a book, newest first",
        trigger: Http(&[
            get("/api/books/{id}/ratings", "/api/books/1/ratings"),
            get("/books/{id}/ratings", "/books/1/ratings"),
        ]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "submit-rating",
        about: "Takes a rating and puts it on the queue",
        trigger: Http(&[
            post("/api/books/{id}/ratings", "/api/books/1/ratings"),
            post("/books/{id}/ratings", "/books/1/ratings"),
        ]),
        queue: &[Send],
        submission_key: true,
        ..NOTHING
    },
    Function {
        name: "submit-contact",
        about: "Takes a message to the shop and puts it on the queue",
        trigger: Http(&[
            post("/api/contact", "/api/contact"),
            get("/contact", "/contact"),
            post("/contact", "/contact"),
        ]),
        queue: &[Send],
        submission_key: true,
        ..NOTHING
    },
    Function {
        name: "show-submission",
        about: "Shows what became of a rating or a message",
        trigger: Http(&[
            get("/api/submissions/{id}", "/api/submissions/00000000-0000-8000-8000-000000000000"),
            get("/submissions/{id}", "/submissions/00000000-0000-8000-8000-000000000000"),
        ]),
        database: Some(Reader),
        submission_key: true,
        ..NOTHING
    },
    Function {
        name: "show-home",
        about: "Shows the shop's window, others each day",
        trigger: Http(&[get("/", "/")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "list-genres",
        about: "Lists the genres",
        trigger: Http(&[get("/genres", "/genres")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "show-author",
        about: "Shows an author with the books",
        trigger: Http(&[get("/authors/{id}", "/authors/1")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "list-addresses",
        about: "Lists the addresses of pages for search engines",
        trigger: Http(&[get("/sitemap.xml", "/sitemap.xml"), get("/sitemaps/{name}", "/sitemaps/pages.xml")]),
        database: Some(Reader),
        ..NOTHING
    },
    Function {
        name: "show-about",
        about: "Shows what the shop says of itself",
        trigger: Http(&[
            get("/about", "/about"),
            get("/privacy", "/privacy"),
            get("/api-docs", "/api-docs"),
            get("/openapi.json", "/openapi.json"),
        ]),
        ..NOTHING
    },
    Function {
        name: "serve-assets",
        about: "Serves what pages load besides themselves",
        trigger: Http(&[
            get("/assets/{name}", "/assets/none"),
            get("/favicon.ico", "/favicon.ico"),
            get("/robots.txt", "/robots.txt"),
        ]),
        ..NOTHING
    },
    Function { name: "show-not-found", about: "Answers what no route takes", trigger: Unmatched, ..NOTHING },
    Function {
        name: "check-health",
        about: "Tells what the shop can reach, and how quickly",
        trigger: Http(&[get("/health", "/health")]),
        database: Some(Reader),
        queue: &[Look],
        ..NOTHING
    },
    Function {
        name: "process-submissions",
        about: "Writes what was submitted into the database, exactly once",
        trigger: Submissions,
        database: Some(Writer),
        queue: &[Park],
        ..NOTHING
    },
    Function {
        name: "import-catalogue",
        about: "Reads a CSV file of books into the database",
        trigger: Imports,
        database: Some(Writer),
        bucket: Some(ReadWrite),
        timeout_seconds: 900,
        ..NOTHING
    },
    Function {
        name: "run-staff-task",
        about: "Lists messages, hides reviews and erases visitors for the shop's staff",
        trigger: Staff,
        database: Some(Writer),
        timeout_seconds: 60,
        ..NOTHING
    },
    Function {
        name: "migrate-database",
        about: "Brings the schema, the database's users and their grants up to date",
        trigger: Release,
        database: Some(Admin),
        timeout_seconds: 300,
        ..NOTHING
    },
];

/// What a row does not say: no right to anything, and the usual size.
pub const NOTHING: Function = Function {
    name: "",
    about: "",
    trigger: Release,
    database: None,
    queue: &[],
    bucket: None,
    submission_key: false,
    memory_mb: 256,
    timeout_seconds: 10,
};

/// One Lambda function.
#[derive(Clone, Copy)]
pub struct Function {
    /// Verb and noun; also the name of its folder, crate and binary.
    pub name: &'static str,
    pub about: &'static str,
    pub trigger: Trigger,
    pub database: Option<DatabaseRole>,
    pub queue: &'static [Queue],
    /// Its right to the files below the import bucket.
    pub bucket: Option<Bucket>,
    /// May make and check ids of submissions.
    pub submission_key: bool,
    pub memory_mb: u16,
    pub timeout_seconds: u16,
}

/// What starts a function.
#[derive(Clone, Copy)]
pub enum Trigger {
    /// Requests that the load balancer takes for these routes.
    Http(&'static [Route]),
    /// Requests that no route takes.
    Unmatched,
    /// Messages on the queue of submissions.
    Submissions,
    /// CSV files put into the import bucket.
    Imports,
    /// The shop's staff, by the `bookstore` command: who has the right to invoke it.
    Staff,
    /// A deploy, between the new code's arrival and its first request.
    Release,
}

pub struct Route {
    /// GET brings HEAD with it.
    pub methods: &'static [&'static str],
    /// Path with `{names}` for what varies.
    pub path: &'static str,
    /// A path of this route that a release can ask for.
    pub probe: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Queue {
    /// Puts submissions on the queue.
    Send,
    /// Asks how many submissions wait.
    Look,
    /// Puts what can never succeed where people look at it.
    Park,
}

#[derive(Clone, Copy)]
pub enum Bucket {
    ReadWrite,
}

const fn get(path: &'static str, probe: &'static str) -> Route {
    let methods = &["GET", "HEAD"];
    Route { methods, path, probe }
}

const fn post(path: &'static str, probe: &'static str) -> Route {
    let methods = &["POST"];
    Route { methods, path, probe }
}

/// A row by its name, as people type it.
pub fn find(name: &str) -> Result<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name).with_context(|| {
        let known: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
        format!("there is no function `{name}`: {}", known.join(", "))
    })
}

impl Function {
    pub fn routes(&self) -> &'static [Route] {
        match self.trigger {
            Http(routes) => routes,
            Unmatched | Submissions | Imports | Staff | Release => &[],
        }
    }

    /// Whether the load balancer calls it.
    pub fn serves_http(&self) -> bool {
        matches!(self.trigger, Http(_) | Unmatched)
    }

    /// Full names of the SSM parameters that it may read, and reads at its start.
    pub fn parameters(&self, stage: &Stage) -> Vec<String> {
        self.granted(stage).into_iter().map(|parameter| format!("{}/{parameter}", stage.prefix())).collect()
    }

    fn granted(&self, stage: &Stage) -> Vec<Parameter> {
        use Parameter::{DatabaseAuth, DatabaseHost, DatabaseName, DatabasePort, SubmissionKey};
        let mut granted = Vec::new();
        if let Some(role) = self.database {
            granted.extend([DatabaseHost, DatabasePort, DatabaseName, DatabaseAuth]);
            granted.extend(logins(role, stage.database.auth()));
        }
        granted.extend(self.queue.iter().map(|queue| queue.parameter()));
        granted.extend(self.submission_key.then_some(SubmissionKey));
        granted
    }

    /// The parameters that its environment holds as well, for a start that SSM throttles. None where one
    /// of them is a secret, and none for who writes: after a restore they could name the abandoned database.
    pub fn fallback(&self, stage: &Stage) -> Vec<Parameter> {
        let granted = self.granted(stage);
        let writes = matches!(self.database, Some(Writer | Admin));
        if writes || granted.iter().any(|parameter| parameter.is_secret()) { Vec::new() } else { granted }
    }

    /// All that its environment says: of the shop, and whether AWS is to be called by names that answer over IPv6.
    pub fn environment(&self, stage: &Stage) -> impl Iterator<Item = (&'static str, String)> {
        let of_shop = [
            ("ANAQUEL_STAGE", stage.name.clone()),
            ("ANAQUEL_LOG", stage.log_level.clone()),
            ("ANAQUEL_PARAMETERS", self.parameters(stage).join(",")),
        ];
        let over_ipv6 = stage.egress == Egress::Ipv6;
        of_shop.into_iter().chain(over_ipv6.then(|| ("AWS_USE_DUALSTACK_ENDPOINT", "true".to_owned())))
    }

    /// Most copies that run at once.
    pub fn copies(&self, stage: &Stage) -> u16 {
        match self.trigger {
            Http(_) | Unmatched if self.database.is_none() => stage.concurrency.http_without_database,
            Http(_) | Unmatched => stage.concurrency.http,
            Submissions => stage.submissions.concurrency,
            Imports | Staff | Release => 1,
        }
    }

    /// Most connections to the database that its copies hold: one each.
    pub fn connections(&self, stage: &Stage) -> u16 {
        self.database.map_or(0, |_| self.copies(stage))
    }
}

/// The parameters to log in with. The administrator, who makes the other users, reads theirs as well.
fn logins(role: DatabaseRole, auth: Auth) -> Vec<Parameter> {
    use Parameter::{DatabasePassword, DatabaseUser, MasterSecret};
    let roles = if role == Admin { DatabaseRole::ALL.to_vec() } else { vec![role] };
    let parameters = roles.into_iter().flat_map(|role| match (auth, role) {
        (Auth::Password, _) => vec![DatabaseUser(role), DatabasePassword(role)],
        (Auth::Iam, Admin) => vec![DatabaseUser(role), MasterSecret],
        (Auth::Iam, Reader | Writer) => vec![DatabaseUser(role)],
    });
    parameters.collect()
}

impl Queue {
    /// The parameter that holds its URL.
    pub fn parameter(self) -> Parameter {
        match self {
            Send | Look => Parameter::SubmissionsQueue,
            Park => Parameter::DeadLetterQueue,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    fn parameters(function: &str, stage: &str) -> Vec<String> {
        let function = FUNCTIONS.iter().find(|known| known.name == function).expect("a row");
        function.parameters(&Stage::load(stage).unwrap())
    }

    #[test]
    fn table_and_folders_agree() {
        let folders = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
        let folders: BTreeSet<_> = folders.map(|folder| folder.unwrap().file_name().into_string().unwrap()).collect();
        let rows: BTreeSet<_> = FUNCTIONS.iter().map(|function| function.name.to_owned()).collect();
        assert_eq!(rows, folders);
    }

    #[test]
    fn a_function_has_a_handler_for_each_kind_of_its_paths() {
        let is_for_programs = |route: &Route| route.path.starts_with("/api/") || route.path == "/health";
        for function in FUNCTIONS.iter().filter(|function| function.serves_http()) {
            let crate_name = function.name.replace('-', "_");
            let programs = function.routes().iter().filter(|route| is_for_programs(route)).count();
            let call = match (programs, function.routes().len()) {
                (0, 0) => format!("serve({crate_name}::handle, frontend::page({crate_name}::handle))"),
                (0, _) => format!("serve_page(frontend::page({crate_name}::handle))"),
                (programs, all) if programs == all => format!("serve_api({crate_name}::handle)"),
                _ => format!("serve({crate_name}::api::handle, frontend::page({crate_name}::page::handle))"),
            };
            let main = format!("{}/../functions/{}/src/main.rs", env!("CARGO_MANIFEST_DIR"), function.name);
            assert!(fs::read_to_string(main).unwrap().contains(&call), "{}: its routes need {call}", function.name);
        }
    }

    #[test]
    fn a_reader_on_aws_reads_no_password() {
        let names = ["host", "port", "name", "auth", "reader/user"];
        assert_eq!(parameters("show-book", "prod"), names.map(|name| format!("/anaquel/prod/database/{name}")));
    }

    #[test]
    fn only_who_reads_and_needs_no_secret_has_a_fallback() {
        let fallback = |function: &str, stage: &str| {
            let function = FUNCTIONS.iter().find(|known| known.name == function).expect("a row");
            function.fallback(&Stage::load(stage).unwrap()).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let database = ["database/host", "database/port", "database/name", "database/auth", "database/reader/user"];
        assert_eq!(fallback("show-book", "prod"), database);
        assert_eq!(fallback("check-health", "prod"), [&database[..], &["queue/submissions"]].concat());
        for function in
            ["submit-rating", "show-submission", "process-submissions", "run-staff-task", "migrate-database"]
        {
            assert!(fallback(function, "prod").is_empty(), "{function}");
        }
        assert!(fallback("show-book", "local").is_empty(), "there the reader has a password");
    }

    #[test]
    fn a_function_without_the_database_knows_nothing_of_it() {
        let names = ["/anaquel/local/queue/submissions", "/anaquel/local/submission-key"];
        assert_eq!(parameters("submit-rating", "local"), names);
    }

    #[test]
    fn the_migration_reads_every_login() {
        let names = [
            "host",
            "port",
            "name",
            "auth",
            "reader/user",
            "reader/password",
            "writer/user",
            "writer/password",
            "admin/user",
            "admin/password",
        ];
        assert_eq!(
            parameters("migrate-database", "local"),
            names.map(|name| format!("/anaquel/local/database/{name}"))
        );

        let names = ["host", "port", "name", "auth", "reader/user", "writer/user", "admin/user", "admin/secret"];
        assert_eq!(parameters("migrate-database", "prod"), names.map(|name| format!("/anaquel/prod/database/{name}")));
    }
}
