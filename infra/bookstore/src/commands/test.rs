//! `bookstore test`: runs the tests, first those that need no service, then the others against services of their own.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    num::NonZero,
    path::Path,
    process::{ExitStatus, Stdio},
    thread,
};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use infra::{database_settings, stage::Stage};
use rustix::process::{Pid, setpriority_process};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
    sync::oneshot,
};

use crate::{
    cargo,
    commands::{prepare, up},
    deploy::{Packages, Profile},
    local::{Claim, Home, LocalStage, MariaDb, Signals, Tool, Tools, any_free_port, chromium, registry},
};

/// Tests that a person runs by name, with `-- --ignored`: one renews files, one measures speed, the others need books that are
/// not in the repository.
const BY_HAND: [&str; 5] = [
    "renew_the_screenshots",
    "lighthouse_grades_with_speed",
    "ten_thousand_real_books",
    "names_and_titles_are_found",
    "rows_read_are_bounded_in_a_catalogue_of_any_size",
];

/// The module of the tests that lint the templates; they need neither the stage nor a database.
const LINTERS: &str = "linters::";
/// The module of the tests in a browser.
const BROWSER: &str = "browser::";
const LINTERS_TARGET: [&str; 2] = ["--test", "stacks"];
const ALL_TARGETS: [&str; 1] = ["--all-targets"];
/// The targets whose tests use the deployed stage.
const STAGE_TARGETS: [&str; 2] = ["--test", "*"];
/// All others. They have a database server of their own, because tests of the shop take the stage's away.
const LIBRARY_TARGETS: [&str; 3] = ["--lib", "--bins", "--examples"];

/// Two, because tests wait for the database and for programs that they start.
const TESTS_PER_CORE: usize = 2;
/// Tests of the stage mostly wait for queues and emulators; those in a browser take turns.
const STAGE_TESTS_PER_CORE: usize = 4;

/// As `nice` has it: 19 is the lowest.
const LOWER_PRIORITY: i32 = 10;

/// Settings of the database server of the libraries' tests, each of which creates all tables: these need no files of their own,
/// and survive no crash.
const SHORT_LIVED: [(&str, &str); 2] = [("innodb_file_per_table", "OFF"), ("innodb_doublewrite", "OFF")];

#[derive(Args)]
pub struct Test {
    /// Run only the tests that need no service: no stage, no downloads
    #[arg(long)]
    fast: bool,
    /// Passed to `cargo test`: a part of a test's name, or `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What a test needs, by the words of its attribute: `#[ignore = "needs a local stage and schemathesis"]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Need {
    MariaDb,
    LocalStage,
    Emulators,
    BuiltFunctions,
    Botocore,
    Browser,
    CargoLambda,
    CfnLint,
    Graphviz,
    Linters,
    PolicyEngine,
    Registry,
    Schemathesis,
    StrictEmulator,
}

impl Need {
    const ALL: [(&str, Self); 14] = [
        ("MariaDB", Self::MariaDb),
        ("a local stage", Self::LocalStage),
        ("the emulators", Self::Emulators),
        ("the built functions", Self::BuiltFunctions),
        ("a browser", Self::Browser),
        ("botocore", Self::Botocore),
        ("cargo-lambda", Self::CargoLambda),
        ("cfn-lint", Self::CfnLint),
        ("Graphviz", Self::Graphviz),
        ("the linters", Self::Linters),
        ("the policy engine", Self::PolicyEngine),
        ("a registry", Self::Registry),
        ("schemathesis", Self::Schemathesis),
        ("a strict emulator", Self::StrictEmulator),
    ];

    /// Whether its tests use a deployed local stage.
    const fn has_stage(self) -> bool {
        matches!(self, Self::LocalStage | Self::Emulators | Self::Browser | Self::CargoLambda | Self::Schemathesis)
    }

    const fn tools(self) -> &'static [Tool] {
        match self {
            Self::MariaDb | Self::BuiltFunctions | Self::Registry => &[],
            Self::LocalStage | Self::PolicyEngine | Self::StrictEmulator => &[Tool::Ministack],
            Self::Botocore => &[Tool::Moto],
            Self::Emulators => &[Tool::Ministack, Tool::Moto],
            Self::Browser => &[Tool::Node, Tool::Java, Tool::PageCheckers],
            Self::CargoLambda => &[Tool::CargoLambda],
            Self::CfnLint => &[Tool::CfnLint],
            Self::Graphviz => &[Tool::Graphviz],
            Self::Linters => &[Tool::CfnLint, Tool::CloudFormationValidate, Tool::Checkov],
            Self::Schemathesis => &[Tool::Schemathesis],
        }
    }
}

pub async fn run(args: &Test) -> Result<()> {
    let (root, target) = cargo::workspace().await?;
    let arguments = Arguments::parse(&args.arguments);
    if args.fast {
        return succeeds(&mut cargo_test(&root, &ALL_TARGETS, &args.arguments)).await;
    }
    let needs = if arguments.only_ignored() {
        Need::ALL.map(|(_, need)| need).into()
    } else {
        needs(&run_without_services(&root, &args.arguments).await?)?
    };
    if needs.is_empty() {
        return Ok(());
    }
    let home = Home::find("test")?;
    let mut signals = Signals::listen()?;
    let claim = Claim::take(&home).await?;
    let outcome = tokio::select! {
        outcome = run_with_services(claim, &home, &root, &target, &needs, &arguments) => outcome,
        signal = signals.next() => Err(anyhow!("interrupted by signal {signal}")),
    };
    LocalStage::stop(&home).await?;
    outcome
}

/// Runs the tests without services, prints their output, and returns it.
async fn run_without_services(root: &Path, arguments: &[String]) -> Result<Vec<String>> {
    let mut cargo = cargo_test(root, &ALL_TARGETS, arguments);
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("cargo could not be started")?;
    let mut lines = BufReader::new(child.stdout.take().context("cargo has no standard output")?).lines();
    let mut output = Vec::new();
    while let Some(line) = lines.next_line().await? {
        outln!("{line}");
        output.push(line);
    }
    passed(child.wait().await?)?;
    Ok(output)
}

/// What the ignored tests in the output of `cargo test` need.
fn needs(output: &[String]) -> Result<BTreeSet<Need>> {
    let ignored = output.iter().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... ignored, needs "));
    let selected = ignored.filter(|(name, _)| !BY_HAND.iter().any(|by_hand| name.contains(by_hand)));
    let words = selected.flat_map(|(name, words)| words.split(" and ").map(move |word| (name, word.trim())));
    let need = |(name, word): (&str, &str)| {
        let found = Need::ALL.iter().find(|(known, _)| *known == word);
        found.map(|(_, need)| *need).ok_or_else(|| {
            let known = Need::ALL.map(|(known, _)| known).join(", ");
            anyhow!("{name} needs `{word}`, which no service provides; known are {known}")
        })
    };
    words.map(need).collect()
}

/// Starts what the tests need, and runs the ignored ones.
async fn run_with_services(
    claim: Claim,
    home: &Home,
    root: &Path,
    target: &Path,
    needs: &BTreeSet<Need>,
    arguments: &Arguments,
) -> Result<()> {
    let mut wanted: Vec<Tool> = needs.iter().flat_map(|need| need.tools()).copied().collect();
    wanted.sort_by_key(|tool| Tool::ALL.iter().position(|known| known == tool));
    wanted.dedup();
    let tools = Tools::ensure(home, &wanted)?;
    let chromium = if needs.contains(&Need::Browser) { Some(chromium(home)?) } else { None };
    let registry = if needs.contains(&Need::Registry) { Some(registry(home)?) } else { None };
    if needs.contains(&Need::BuiltFunctions) {
        Packages::build(Profile::Local).await?;
    }
    let cargo = |targets: &[&str], arguments: &[String]| {
        let mut cargo = cargo_test_with(&tools, root, target, targets, arguments);
        cargo.envs(chromium.iter().map(|path| ("ANAQUEL_CHROMIUM", path)));
        cargo.envs(registry.iter().map(|path| ("ANAQUEL_REGISTRY", path)));
        cargo
    };
    if !needs.iter().any(|need| need.has_stage()) {
        let mut cargo = cargo(&ALL_TARGETS, &arguments.for_services());
        if needs.contains(&Need::MariaDb) {
            let server = database_server(home, &[]).await?;
            cargo.env("DATABASE_URL", server.root_url("mysql"));
            check_sql(&server, arguments).await?;
        }
        return succeeds(&mut cargo).await;
    }
    if arguments.has_filter() {
        let started = up::start(claim, home, any_free_port()?, None, true).await?;
        check_sql(&started.local.mariadb, arguments).await?;
        let mut cargo = cargo(&ALL_TARGETS, &arguments.for_services());
        with_stage(&mut cargo, home, &started);
        return succeeds(&mut cargo).await;
    }
    let databases = Home::short_lived("test-databases")?;
    let _databases_claim = Claim::take(&databases).await?;
    MariaDb::reset(&databases).await?;
    let server = database_server(&databases, &SHORT_LIVED).await?;
    let (deployed, deployment) = oneshot::channel();
    let shop = async {
        let started = up::start(claim, home, any_free_port()?, None, true).await?;
        _ = deployed.send(started.local.emulator.endpoint());
        // Those in a browser last, when they have the machine for themselves.
        for arguments in [arguments.outside_the_browser(), arguments.in_the_browser()] {
            let mut cargo = cargo(&STAGE_TARGETS, &arguments);
            with_stage(&mut cargo, home, &started);
            cargo.env("RUST_TEST_THREADS", threads(STAGE_TESTS_PER_CORE));
            succeeds(&mut cargo).await?;
        }
        anyhow::Ok(())
    };
    let libraries = async {
        printed_at_its_end(&mut cargo(&LINTERS_TARGET, &linters())).await?;
        check_sql(&server, arguments).await?;
        let mut cargo = cargo(&LIBRARY_TARGETS, &arguments.for_services());
        let endpoint = deployment.await.context("the local stage was not deployed")?;
        cargo.env("DATABASE_URL", server.root_url("mysql")).env("ANAQUEL_ENDPOINT", endpoint);
        printed_at_its_end(&mut cargo).await
    };
    // Beside each other, because the shop's tests mostly wait. Both to their ends: what tests have started ends with them.
    let (shop, libraries) = tokio::join!(shop, libraries);
    MariaDb::reset(&databases).await?;
    shop.and(libraries)
}

/// A server with the settings of the local stage, and with these.
async fn database_server(home: &Home, more: &[(&'static str, &str)]) -> Result<MariaDb> {
    let mut settings = database_settings::settings(&Stage::load("local")?);
    settings.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
    MariaDb::start(home, &settings).await
}

/// Runs a command beside another one, with whose output its own would mix. Its priority is lower, because tests of the shop
/// wait no longer than the shop promises.
async fn printed_at_its_end(command: &mut Command) -> Result<()> {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cargo could not be started")?;
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        setpriority_process(Some(pid), LOWER_PRIORITY).context("lowering the priority of tests")?;
    }
    let output = child.wait_with_output().await?;
    outln!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
    passed(output.status)
}

/// `cargo test` for tests that need services, with the paths of the tools in its environment.
fn cargo_test_with(tools: &Tools, root: &Path, target: &Path, targets: &[&str], arguments: &[String]) -> Command {
    let mut cargo = cargo_test(root, targets, arguments);
    cargo
        .env("RUST_TEST_THREADS", threads(TESTS_PER_CORE))
        .env("ANAQUEL_CARGO_LAMBDA", tools.program("cargo-lambda"))
        .env("ANAQUEL_PYTHON", tools.program("python"))
        .env("ANAQUEL_CHECKOV", tools.checkov())
        .env("ANAQUEL_SCHEMATHESIS", tools.program("schemathesis"))
        .env("ANAQUEL_NODE", tools.program("node"))
        .env("ANAQUEL_NODE_MODULES", tools.node_modules())
        .env("ANAQUEL_BINARIES", target.join("debug"));
    cargo
}

fn with_stage(cargo: &mut Command, home: &Home, started: &up::Started) {
    let mariadb = &started.local.mariadb;
    cargo
        .env("DATABASE_URL", mariadb.root_url("mysql"))
        .env("ANAQUEL_SHOP_URL", &started.url)
        .env("ANAQUEL_MARIADB_PID", mariadb.pid().to_string())
        .env("ANAQUEL_ENDPOINT", started.local.emulator.endpoint())
        .env("ANAQUEL_SHOP_HOME", home.root());
}

/// Checks `.sqlx/` in a run of all tests.
async fn check_sql(server: &MariaDb, arguments: &Arguments) -> Result<()> {
    if arguments.filters.is_empty() {
        outln!("Checking the SQL against the schema …");
        prepare::prepare(server, true).await?;
    }
    Ok(())
}

fn cargo_test(root: &Path, targets: &[&str], arguments: &[String]) -> Command {
    let mut cargo = cargo::cargo_command();
    cargo.args(["test", "--workspace", "--locked"]).args(targets).args(arguments);
    cargo.current_dir(root).stdin(Stdio::null()).kill_on_drop(true);
    cargo
}

/// The arguments for `cargo test`: before and after `--`.
struct Arguments {
    filters: Vec<String>,
    harness: Vec<String>,
}

impl Arguments {
    fn parse(arguments: &[String]) -> Self {
        let mut parts = arguments.splitn(2, |argument| argument == "--").map(<[String]>::to_vec);
        Self { filters: parts.next().unwrap_or_default(), harness: parts.next().unwrap_or_default() }
    }

    fn only_ignored(&self) -> bool {
        self.harness.iter().any(|argument| argument == "--ignored")
    }

    /// Runs the ignored tests only: all others have run. Those for people run only if they are named.
    fn for_services(&self) -> Vec<String> {
        let mut arguments = [self.filters.clone(), vec!["--".to_owned()], self.harness.clone()].concat();
        if !self.only_ignored() {
            arguments.push("--ignored".to_owned());
            arguments.extend(BY_HAND.iter().flat_map(|name| ["--skip".to_owned(), (*name).to_owned()]));
            if !self.has_filter() {
                arguments.extend(["--skip".to_owned(), LINTERS.to_owned()]);
            }
        }
        arguments
    }

    fn outside_the_browser(&self) -> Vec<String> {
        [self.for_services(), vec!["--skip".to_owned(), BROWSER.to_owned()]].concat()
    }

    fn in_the_browser(&self) -> Vec<String> {
        [vec![BROWSER.to_owned()], self.for_services()].concat()
    }

    fn has_filter(&self) -> bool {
        self.filters.iter().any(|argument| !argument.starts_with('-')) || !self.harness.is_empty()
    }
}

fn linters() -> [String; 3] {
    [LINTERS, "--", "--ignored"].map(str::to_owned)
}

/// How many tests run at a time, unless `RUST_TEST_THREADS` says it.
fn threads(per_core: usize) -> OsString {
    let all = || (per_core * thread::available_parallelism().map_or(1, NonZero::get)).to_string().into();
    env::var_os("RUST_TEST_THREADS").unwrap_or_else(all)
}

async fn succeeds(cargo: &mut Command) -> Result<()> {
    passed(cargo.status().await.context("cargo could not be started")?)
}

fn passed(status: ExitStatus) -> Result<()> {
    ensure!(status.success(), "a test failed");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    #[test]
    fn the_second_run_has_the_ignored_tests_of_the_same_filter() {
        let passed_on = |arguments: &[&str]| Arguments::parse(&owned(arguments)).for_services().join(" ");
        let services = "--ignored --skip renew_the_screenshots --skip lighthouse_grades_with_speed --skip ten_thousand_real_books \
             --skip names_and_titles_are_found --skip rows_read_are_bounded_in_a_catalogue_of_any_size";
        assert_eq!(passed_on(&[]), format!("-- {services} --skip linters::"), "the linters run before");
        assert_eq!(passed_on(&["a_rating"]), format!("a_rating -- {services}"));
        assert_eq!(passed_on(&["reach::", "--", "--nocapture"]), format!("reach:: -- --nocapture {services}"));
        assert_eq!(passed_on(&["screenshots", "--", "--ignored"]), "screenshots -- --ignored");
    }

    #[test]
    fn the_tests_of_the_stage_run_in_two_parts() {
        let arguments = Arguments::parse(&owned(&["--no-fail-fast"]));
        let outside = arguments.outside_the_browser().join(" ");
        assert!(
            outside.starts_with("--no-fail-fast -- --ignored ") && outside.ends_with(" --skip browser::"),
            "{outside}"
        );
        let inside = arguments.in_the_browser().join(" ");
        assert!(inside.starts_with("browser:: --no-fail-fast -- --ignored ") && !inside.contains("--skip browser::"));
    }

    #[test]
    fn only_what_the_selected_tests_need_is_started() {
        let output = owned(&[
            "test text::a_name_is_parsed ... ok",
            "test repo::a_rating_is_stored ... ignored, needs MariaDB",
            "test api::the_document_holds ... ignored, needs a local stage and schemathesis",
            "test browser::screenshots::renew_the_screenshots ... ignored, needs a quiet machine",
        ]);
        let expected = [Need::MariaDb, Need::LocalStage, Need::Schemathesis];
        assert_eq!(needs(&output).unwrap(), expected.into());
        assert!(needs(&output[..1]).unwrap().is_empty());
        let unknown = needs(&owned(&["test a ... ignored, needs Oracle"])).unwrap_err().to_string();
        assert!(unknown.starts_with("a needs `Oracle`, which no service provides; known are MariaDB, "), "{unknown}");
    }

    /// Otherwise `bookstore test` would pass it over.
    #[test]
    fn every_ignored_test_names_a_known_need_or_is_run_by_hand() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut folders =
            ["shared", "frontend", "functions", "infra", "tests"].map(|folder| root.join(folder)).to_vec();
        let mut seen = 0;
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    for (at, _) in
                        text.match_indices("\n#[ignore = \"").chain(text.match_indices("\n    #[ignore = \""))
                    {
                        let attribute = text[at..].split('"').nth(1).unwrap();
                        let name = text[at..].split("fn ").nth(1).unwrap().split('(').next().unwrap();
                        let is_known = attribute.strip_prefix("needs ").is_some_and(|words| {
                            words.split(" and ").all(|word| Need::ALL.iter().any(|(known, _)| *known == word))
                        });
                        assert!(
                            is_known || BY_HAND.iter().any(|by_hand| name.starts_with(by_hand)),
                            "{name} in {}: {attribute}",
                            path.display()
                        );
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 100, "{seen}");
    }
}
