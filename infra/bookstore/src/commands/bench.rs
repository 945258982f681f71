//! `bookstore bench`: benchmarks release builds of the functions against the database of the running local shop.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    ops::RangeInclusive,
    path::Path,
    process::{Command, Stdio},
    thread::available_parallelism,
};

use anyhow::{Context, Result, anyhow, ensure};
use bench::{BenchPlan, MeasuredFunction, Measures, Parameters, comparison, imports, server::MeasuredServer};
use clap::Args;
use infra::{
    containers::{CONNECTIONS, PORT, Service},
    routes::{DatabaseRole, FUNCTIONS, Function, Trigger},
    stage::Stage,
};
use shared::{config::NAMES_PER_CALL, parameters::Parameter};

use crate::{
    arguments,
    aws::{AwsClients, call, connect},
    cargo,
    deploy::{self, Profile},
    local::{Emulator, Home, Tool, Tools, any_free_port, client_environment, valgrind},
};

/// As many books as an identifier can number, and more than the small catalogue has.
const LARGER_THAN_SMALL: RangeInclusive<u64> = comparison::SMALL as u64 + 1..=100_000_000;

#[derive(Args)]
pub struct Bench {
    /// Functions to benchmark [default: all]
    #[arg(value_parser = arguments::function(), hide_possible_values = true)]
    functions: Vec<String>,
    /// Compare lists and searches on generated catalogues of 10,000 and of this many books
    #[arg(long, conflicts_with = "functions", allow_hyphen_values = true, value_parser = larger_than_small)]
    books: Option<u32>,
    /// Count the instructions of a request, which valgrind does [default functions: list-books and show-book]
    #[arg(long, conflicts_with = "books")]
    instructions: bool,
    /// Measure with the processor share of each memory size, as root [default functions: list-books and show-book]
    #[arg(long, conflicts_with_all = ["books", "instructions"])]
    memory_sizes: bool,
    /// Measure how many requests the server for containers takes, beside a shop with Flask
    #[arg(long, conflicts_with_all = ["functions", "books", "instructions", "memory_sizes"])]
    servers: bool,
}

impl Bench {
    fn measures(&self) -> Measures {
        match (self.books, self.instructions, self.memory_sizes, self.servers) {
            (Some(books), ..) => Measures::Catalogues(books),
            (_, true, ..) => Measures::Instructions,
            (_, _, true, _) => Measures::MemorySizes,
            (.., true) => Measures::Servers,
            _ => Measures::Times,
        }
    }
}

/// A function with a peer in Python.
const PEERED: &str = "list-books";
const PEER: &str = "infra/bench/peer/list_books.py";
/// The folder of a shop in Python.
const PEER_SERVER: &str = "infra/bench/peer";
/// Connections of a measured server to the database.
const POOL: u16 = 16;

/// Functions whose instructions are counted, and which are measured with each memory size, unless others are named: each case
/// takes some ten seconds.
const TYPICAL: [&str; 2] = ["list-books", "show-book"];

fn larger_than_small(text: &str) -> Result<u32, String> {
    let books = arguments::count(text).ok().filter(|books| LARGER_THAN_SMALL.contains(books));
    let (least, most) = (LARGER_THAN_SMALL.start(), LARGER_THAN_SMALL.end());
    let expected = || format!("expected a whole number of books from {least} to {most}, such as 1000000 or 1e6");
    books.and_then(|books| u32::try_from(books).ok()).ok_or_else(expected)
}

pub async fn run(args: &Bench, json: bool) -> Result<()> {
    let measures = args.measures();
    let functions = match measures {
        Measures::Catalogues(_) => comparable().collect(),
        Measures::Servers => Vec::new(),
        Measures::Instructions | Measures::MemorySizes if args.functions.is_empty() => {
            chosen(&TYPICAL.map(str::to_owned))?
        }
        _ => chosen(&args.functions)?,
    };
    if measures == Measures::Instructions {
        valgrind(&Home::of_shop()?)?;
    }
    let (stage, aws) = connect("local").await?;
    let parameters = parameters(&aws, &stage).await?;
    let (root, target) = cargo::workspace().await?;
    let servers = measures == Measures::Servers;
    let programs: &[&str] = if servers { &["bench", "hello", "server"] } else { &["bench", "hello"] };
    build(&root, programs, &functions).await?;

    let release = target.join("release");
    let planned = |name: &str, environment: BTreeMap<String, String>| {
        let binary = release.join(name);
        let code = fs::read(&binary).with_context(|| format!("reading {}", binary.display()))?;
        let zip_bytes = deploy::zipped(&code, Profile::Aws)?.len() as u64;
        anyhow::Ok(MeasuredFunction { name: name.to_owned(), binary, arguments: Vec::new(), zip_bytes, environment })
    };
    let environment =
        |function: &Function| function.environment(&stage).map(|(name, value)| (name.to_owned(), value)).collect();
    let configured = |function: &&Function| planned(function.name, environment(function));
    let peered = functions.iter().find(|function| measures == Measures::Times && function.name == PEERED);
    let peer = peered.map(|function| peer(&root, environment(function))).transpose()?;
    let plan = BenchPlan {
        functions: functions.iter().map(configured).collect::<Result<_>>()?,
        hello: planned("hello", BTreeMap::new())?,
        peer,
        servers: if servers { measured_servers(&stage, &parameters, &root, &release)? } else { Vec::new() },
        parameters,
        measures,
        json,
    };
    measure(&release.join("bench"), &plan)
}

/// The function in Python, in an environment with its libraries.
fn peer(root: &Path, environment: BTreeMap<String, String>) -> Result<MeasuredFunction> {
    let tools = Tools::ensure(&Home::find("bench")?, &[Tool::PythonPeer])?;
    let script = root.join(PEER).to_str().context("the path of the workspace is not UTF-8")?.to_owned();
    let name = "in Python".to_owned();
    Ok(MeasuredFunction { name, binary: tools.program("python"), arguments: vec![script], zip_bytes: 0, environment })
}

/// The services of the server for containers, and the shop with Flask with as many workers as gunicorn's documents advise.
fn measured_servers(
    stage: &Stage,
    parameters: &Parameters,
    root: &Path,
    release: &Path,
) -> Result<Vec<MeasuredServer>> {
    let home = Home::of_shop()?;
    let emulator = Emulator::running(&home)?.context("the shop has ended")?;
    let request = |name: &str, path: &str| (name.to_owned(), path.to_owned());
    let (hello, list, book) =
        (request("hello", "/ready"), request("list of 24", "/api/books"), request("a book", "/api/books/53"));
    let mut servers = Vec::new();
    for (service, requests) in [
        (Service::Api, vec![hello.clone(), list.clone(), book.clone()]),
        (Service::Pages, vec![hello.clone(), request("home page", "/")]),
    ] {
        let port = any_free_port()?;
        let mut environment = service.environment(stage)?;
        environment.insert(PORT, port.to_string());
        environment.insert(CONNECTIONS, POOL.to_string());
        environment.insert("AWS_REGION", stage.region.clone());
        environment.extend(client_environment(emulator));
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let (name, binary) = (format!("server, {}", service.name()), release.join("server"));
        servers.push(MeasuredServer { name, binary, arguments: Vec::new(), environment, port, requests });
    }
    let tools = Tools::ensure(&Home::find("bench")?, &[Tool::PythonPeer])?;
    let (port, workers) = (any_free_port()?, 2 * available_parallelism()?.get() + 1);
    let folder = root.join(PEER_SERVER).to_str().context("the path of the workspace is not UTF-8")?.to_owned();
    let arguments = ["-m", "gunicorn", "--chdir", &folder, "--workers", &workers.to_string(), "--bind"];
    let address = format!("127.0.0.1:{port}");
    let arguments = arguments.into_iter().chain([address.as_str(), "flask_shop:app"]).map(str::to_owned).collect();
    let database = |parameter| parameters.get(parameter).map(str::to_owned);
    let environment = vec![
        ("DATABASE_HOST".to_owned(), database(Parameter::DatabaseHost)?),
        ("DATABASE_PORT".to_owned(), database(Parameter::DatabasePort)?),
        ("DATABASE_NAME".to_owned(), database(Parameter::DatabaseName)?),
        ("DATABASE_USER".to_owned(), database(Parameter::DatabaseUser(DatabaseRole::Reader))?),
        ("DATABASE_PASSWORD".to_owned(), database(Parameter::DatabasePassword(DatabaseRole::Reader))?),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
    ];
    let requests = vec![hello, list, book, request("home page", "/")];
    let name = "Flask, gunicorn".to_owned();
    servers.push(MeasuredServer { name, binary: tools.program("python"), arguments, environment, port, requests });
    Ok(servers)
}

/// Functions that are benchmarked if they are named: the import takes minutes.
fn named() -> impl Iterator<Item = &'static Function> {
    let import = FUNCTIONS.iter().filter(|function| function.name == imports::FUNCTION);
    measurable().chain(import)
}

/// Functions that answer in milliseconds; an import, a migration and the check of an upload take longer.
fn measurable() -> impl Iterator<Item = &'static Function> {
    FUNCTIONS.iter().filter(|function| matches!(function.trigger, Trigger::Http(_) | Trigger::Messages(_)))
}

/// Functions that read lists.
fn comparable() -> impl Iterator<Item = &'static Function> {
    measurable().filter(|function| comparison::FUNCTIONS.contains(&function.name))
}

fn chosen(names: &[String]) -> Result<Vec<&'static Function>> {
    if names.is_empty() {
        return Ok(measurable().collect());
    }
    let find = |name: &String| {
        named().find(|function| function.name == name).ok_or_else(|| {
            let known: Vec<&str> = named().map(|function| function.name).collect();
            anyhow!("`{name}` cannot be benchmarked; choose from {}", known.join(", "))
        })
    };
    names.iter().map(find).collect()
}

/// The parameters of all functions: the benchmark logs in with them, also as the administrator, who creates its databases.
pub(super) async fn parameters(aws: &AwsClients, stage: &Stage) -> Result<Parameters> {
    let mut values = BTreeMap::new();
    for function in FUNCTIONS {
        for names in function.parameters(stage).chunks(NAMES_PER_CALL) {
            let reading = aws.ssm.get_parameters().set_names(Some(names.to_vec())).with_decryption(true);
            let read = call(reading.send()).await.context("reading the parameters")?;
            let pairs = read.parameters.unwrap_or_default().into_iter().filter_map(|read| read.name.zip(read.value));
            values.extend(pairs);
        }
    }
    Ok(Parameters(values))
}

/// Release builds for this machine: of functions, and of programs that measure them.
pub(super) async fn build(root: &Path, programs: &[&str], functions: &[&Function]) -> Result<()> {
    errln!("Building the functions …");
    let mut cargo = cargo::cargo_command();
    cargo.args(["build", "--release", "--locked"]);
    cargo.args(
        programs.iter().copied().chain(functions.iter().map(|function| function.name)).flat_map(|name| ["--bin", name]),
    );
    let status = cargo.current_dir(root).stdin(Stdio::null()).status().await.context("cargo could not be started")?;
    ensure!(status.success(), "the functions could not be built");
    Ok(())
}

/// The plan contains passwords, so it is written to a pipe; every user can read arguments.
fn measure(program: &Path, plan: &BenchPlan) -> Result<()> {
    let mut bench = Command::new(program).stdin(Stdio::piped()).spawn().context("starting the benchmark")?;
    let mut pipe = bench.stdin.take().context("the benchmark has no standard input")?;
    pipe.write_all(&serde_json::to_vec(plan)?)?;
    drop(pipe);
    ensure!(bench.wait()?.success(), "the benchmark failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_names_all_functions_that_answer_in_milliseconds_are_benchmarked() {
        let names: Vec<&str> = chosen(&[]).unwrap().iter().map(|function| function.name).collect();
        assert!(names.contains(&"list-books") && names.contains(&"process-submissions"), "{names:?}");
        assert!(!names.contains(&"migrate-database") && !names.contains(&"import-catalogue"), "{names:?}");
    }

    #[test]
    fn every_function_that_can_be_benchmarked_has_a_case() {
        for function in measurable() {
            assert!(bench::has_cases(function.name), "infra/bench/src/cases.rs has no case for {}", function.name);
        }
    }

    #[test]
    fn all_functions_with_classes_of_requests_are_in_the_route_table() {
        assert_eq!(comparable().count(), comparison::FUNCTIONS.len());
    }

    #[test]
    fn an_unknown_name_is_an_error_with_the_known_ones() {
        let complaint = chosen(&["migrate-database".to_owned()]).err().unwrap().to_string();
        assert!(complaint.starts_with("`migrate-database` cannot be benchmarked; choose from list-books, "));
    }
}
