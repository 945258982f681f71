//! `bookstore test`: runs all tests against a local stage of their own.

use std::{
    env, fs,
    num::NonZero,
    path::Path,
    process::{ExitStatus, Stdio},
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use infra::{
    stage::{STAGES, Stage},
    synth,
};
use tokio::process::Command;

use crate::{
    commands::{prepare, up},
    deploy,
    local::{Home, LocalStage, Tool, Tools, any_free_port, chromium},
};

/// Tests that a person runs by name, with `-- --ignored`: one renews files, one measures speed, one needs a file that is not in
/// the repository.
const BY_HAND: [&str; 3] = ["renew_the_screenshots", "lighthouse_grades_with_speed", "ten_thousand_real_books"];

#[derive(Args)]
pub struct Test {
    /// Run only the tests that need no service: no stage, no downloads
    #[arg(long)]
    fast: bool,
    /// Passed to `cargo test`: a part of a test's name, or `-- --nocapture`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub async fn run(args: &Test) -> Result<()> {
    if args.fast {
        let (root, _) = deploy::workspace().await?;
        let status = cargo_test(&args.arguments).current_dir(root).stdin(Stdio::null()).status();
        return passed(status.await.context("cargo could not be started")?, "a test failed");
    }
    let home = Home::find("test")?;
    let outcome = tokio::select! {
        outcome = all(&home, &args.arguments) => outcome,
        interrupt = tokio::signal::ctrl_c() => interrupt.context("waiting for Ctrl-C").and_then(|()| bail!("interrupted")),
    };
    LocalStage::stop(&home).await?;
    outcome
}

async fn all(home: &Home, arguments: &[String]) -> Result<()> {
    let tools = Tools::ensure(home, &Tool::ALL)?;
    let chromium = chromium(home)?;
    let (root, target) = deploy::workspace().await?;
    let port = any_free_port()?;
    let ((), started) = tokio::try_join!(lint(&tools, &target), up::start(home, port, true))?;
    outln!("Checking the SQL against the schema …");
    prepare::prepare(&started.local.mariadb, true).await?;

    let status = cargo_test(&with_services(arguments))
        .current_dir(&root)
        .env("RUST_TEST_THREADS", env::var("RUST_TEST_THREADS").unwrap_or_else(|_| threads()))
        .env("DATABASE_URL", started.local.mariadb.root_url("mysql"))
        .env("ANAQUEL_SHOP", &started.url)
        .env("ANAQUEL_MARIADB_PID", started.local.mariadb.pid().to_string())
        .env("ANAQUEL_ENDPOINT", started.local.emulator.endpoint())
        .env("ANAQUEL_CARGO_LAMBDA", tools.program("cargo-lambda"))
        .env("ANAQUEL_SHOP_HOME", home.root())
        .env("ANAQUEL_PYTHON", tools.program("python"))
        .env("ANAQUEL_CHECKOV", tools.checkov())
        .env("ANAQUEL_SCHEMATHESIS", tools.program("schemathesis"))
        .env("ANAQUEL_NODE", tools.program("node"))
        .env("ANAQUEL_NODE_MODULES", tools.node_modules())
        .env("ANAQUEL_CHROMIUM", chromium)
        .env("ANAQUEL_BINARIES", target.join("debug"))
        .stdin(Stdio::null())
        .status();
    passed(status.await.context("cargo could not be started")?, "a test failed")
}

fn cargo_test(arguments: &[String]) -> Command {
    let mut cargo = deploy::cargo_command();
    cargo.args(["test", "--workspace", "--all-targets", "--locked"]).args(arguments);
    cargo
}

/// The arguments, extended by those that include the tests that need a service; plain `cargo test` ignores them. With
/// `--ignored` among the arguments nothing is added.
fn with_services(arguments: &[String]) -> Vec<String> {
    let divider = arguments.iter().position(|argument| argument == "--").unwrap_or(arguments.len());
    let (filters, harness) = arguments.split_at(divider);
    let mut harness: Vec<String> = harness.iter().skip(1).cloned().collect();
    if !harness.iter().any(|argument| argument == "--ignored") {
        harness.push("--include-ignored".to_owned());
        harness.extend(BY_HAND.iter().flat_map(|name| ["--skip".to_owned(), (*name).to_owned()]));
    }
    filters.iter().cloned().chain(["--".to_owned()]).chain(harness).collect()
}

/// Two threads per core: tests mostly wait for emulators, queues and the browser.
fn threads() -> String {
    (2 * thread::available_parallelism().map_or(1, NonZero::get)).to_string()
}

/// Runs cfn-lint on the templates of every stage.
///
/// # Errors
/// It has findings.
async fn lint(tools: &Tools, target: &Path) -> Result<()> {
    outln!("Linting the templates of {}, as they are and in full …", STAGES.map(|(name, _)| name).join(", "));
    let folder = target.join("synth");
    _ = fs::remove_dir_all(&folder);
    let mut lint = Command::new(tools.program("cfn-lint"));
    for (name, _) in STAGES {
        lint.args(synth::write_stage(&Stage::load(name)?, &folder.join(name))?);
        lint.args(synth::write_stage(&Stage::in_full(name)?, &folder.join(format!("{name}-in-full")))?);
    }
    passed(lint.status().await.context("cfn-lint cannot be started")?, "cfn-lint has findings")
}

fn passed(status: ExitStatus, failure: &str) -> Result<()> {
    ensure!(status.success(), "{failure}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_passed_on_keeps_its_place_beside_what_runs_the_tests_that_need_services() {
        let passed_on = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
            with_services(&arguments).join(" ")
        };
        let services = "--include-ignored --skip renew_the_screenshots --skip lighthouse_grades_with_speed --skip ten_thousand_real_books";
        assert_eq!(passed_on(&[]), format!("-- {services}"));
        assert_eq!(passed_on(&["a_rating"]), format!("a_rating -- {services}"));
        assert_eq!(passed_on(&["reach::", "--", "--nocapture"]), format!("reach:: -- --nocapture {services}"));
        assert_eq!(passed_on(&["screenshots", "--", "--ignored"]), "screenshots -- --ignored");
    }
}
