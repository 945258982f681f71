//! The command line: every subcommand with its arguments.

use std::{
    env,
    ffi::OsString,
    process::{self, ExitCode},
    sync::LazyLock,
};

use anyhow::Result;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    accounts, bench, completions, cost, deploy, destroy, diagram, diff, drift, drill, files, image, import, load, logs,
    prepare, redrive, replay, rollback, scale, server, sessions, shop, staff, status, synth, test, up,
};
use crate::local::WATCHDOG;
use crate::output::{self, Report};

#[derive(Parser)]
#[command(name = "bookstore", about = "Anaquel, a serverless bookstore", version)]
/// The arguments of `bookstore`.
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Start the shop on this machine: a private MariaDB, an AWS emulator, and a real deploy to it
    Up(up::Up),
    /// Stop what `up` started; the data is kept
    Down,
    /// Import a CSV of books
    Import(import::Import),
    /// Write the CloudFormation templates of a stage, or regenerate the committed ones
    Synth(synth::Synth),
    /// Show what a deploy would change
    Diff(diff::Diff),
    /// Estimate the monthly cost of a stage
    Cost(cost::Cost),
    /// Compute what a stage carries, which limit comes first, and what to change for more traffic
    Scale(scale::Scale),
    /// Draw a stage as SVG
    Diagram(diagram::Diagram),
    /// Deploy a stage to AWS and release its functions
    Deploy(deploy::Deploy),
    /// Show resources that were changed outside of a deploy (CloudFormation drift)
    Drift(drift::Drift),
    /// Roll functions back to the previous version
    Rollback(rollback::Rollback),
    /// List the messages of the dead-letter queue and redrive them to their source
    Redrive(redrive::Redrive),
    /// Send archived messages again, after the database was restored to an earlier time
    Replay(replay::Replay),
    /// Show the status of a stage: stacks, functions, queues
    Status(status::Status),
    /// Show the logs of the functions
    Logs(logs::Logs),
    /// Remove a stage
    Destroy(destroy::Destroy),
    /// List the messages to the shop; mark one as answered, or as open again
    Messages(staff::Messages),
    /// List reviews; hide one or many, or show them again
    Reviews(staff::Reviews),
    /// Erase a visitor's ratings and messages, after confirmation
    Visitors(staff::Visitors),
    /// List the searches that found nothing, the most frequent first
    Searches(staff::Searches),
    /// List orders, and change them: paid, ready, shipped, delivered, collected, cancel, returned, erase, export
    Orders(shop::Orders),
    /// Change the stock of a book, or list its movements
    Stock(shop::Stock),
    /// Give a book a cover, take it away, or list the books with one
    Covers(files::Covers),
    /// Give a book a sample chapter, take it away, or list the books with one
    Samples(files::Samples),
    /// Check the invariants of stock and orders
    Verify(shop::Verify),
    /// List the accounts of the staff; invite somebody, or remove an account
    Staff(accounts::Staff),
    /// Remove registrations of customers whose address nobody has confirmed
    Customers(accounts::Customers),
    /// Replace the key that signs sessions, or end all sessions
    Sessions(sessions::Sessions),
    /// Run the tests: first those that need no service, then the others with the services that they need
    Test(test::Test),
    /// Benchmark the functions' release builds against a baseline
    Bench(bench::Bench),
    /// Send requests at a growing rate, until a target is missed, to the shop on this machine or to a stage
    Load(load::Load),
    /// Make the image of the server for containers, or push it to a registry
    Image(image::Image),
    /// Run the server for containers on this machine, with the data of the running shop
    Server(server::Server),
    /// Cause faults on a database of its own, and check what must hold
    Drill(drill::Drill),
    /// Regenerate `.sqlx/` after a change of SQL or schema
    Prepare(prepare::Prepare),
    /// Stop what a killed command left running
    #[command(name = WATCHDOG, hide = true)]
    CloseAbandoned(up::CloseAbandoned),
    /// Print the completions of a shell: bash, elvish, fish, powershell or zsh
    Completions(completions::Completions),
}

/// Runs the command of the arguments; an error is printed to standard error.
pub async fn run() -> ExitCode {
    let matches = parsed(&env::args_os().collect::<Vec<_>>());
    let Cli { command, json } = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    // These two print JSON by themselves.
    if json && !matches!(command, Command::Logs(_) | Command::Bench(_)) {
        output::reserve_stdout_for_json();
    }
    let result = execute(command, json).await;
    if output::finish(&name(&matches), result) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The command line. The commit is looked up only where it is printed.
fn command_line(arguments: &[OsString]) -> clap::Command {
    let is_asked = arguments.iter().any(|argument| argument == "-V" || argument == "--version");
    if is_asked { Cli::command().version(VERSION.as_str()) } else { Cli::command() }
}

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let version = env!("CARGO_PKG_VERSION");
    commit().map_or_else(|| version.to_owned(), |commit| format!("{version} (commit {commit})"))
});

/// The commit of the repository; none where git does not know one.
fn commit() -> Option<String> {
    let git = process::Command::new("git")
        .args(["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty", "--exclude=*"])
        .output();
    let output = git.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned()).filter(|commit| !commit.is_empty())
}

/// The parsed arguments. An error quotes them, so for it they are escaped like any text from outside.
fn parsed(arguments: &[OsString]) -> ArgMatches {
    command_line(arguments).try_get_matches_from(arguments).unwrap_or_else(|error| {
        let visible = arguments.iter().map(|argument| output::plain(&argument.to_string_lossy()));
        command_line(arguments).try_get_matches_from(visible).err().unwrap_or(error).exit()
    })
}

/// The name of the command with those of its subcommands: `messages answered`.
fn name(matches: &ArgMatches) -> String {
    let mut names = Vec::new();
    let mut inner = matches;
    while let Some((name, matches)) = inner.subcommand() {
        names.push(name);
        inner = matches;
    }
    names.join(" ")
}

async fn execute(command: Command, json: bool) -> Result<Report> {
    let without_result = |()| Report::default();
    match command {
        Command::Up(args) => up::up(&args).await,
        Command::Down => up::down().await,
        Command::Import(args) => import::run(&args).await,
        Command::Synth(args) => synth::run(&args),
        Command::Diff(args) => diff::run(&args).await,
        Command::Cost(args) => cost::run(&args),
        Command::Scale(args) => scale::run(&args),
        Command::Diagram(args) => diagram::run(&args),
        Command::Deploy(args) => deploy::run(&args).await,
        Command::Drift(args) => drift::run(&args).await,
        Command::Rollback(args) => rollback::run(&args).await,
        Command::Redrive(args) => redrive::run(&args).await,
        Command::Replay(args) => replay::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Logs(args) => logs::run(&args, json).await.map(without_result),
        Command::Destroy(args) => destroy::run(&args).await,
        Command::Messages(args) => staff::messages(&args).await,
        Command::Reviews(args) => staff::reviews(&args).await,
        Command::Visitors(args) => staff::visitors(&args).await,
        Command::Searches(args) => staff::searches(&args).await,
        Command::Orders(args) => shop::orders(&args).await,
        Command::Stock(args) => shop::stock(&args).await,
        Command::Covers(args) => files::covers(&args).await,
        Command::Samples(args) => files::samples(&args).await,
        Command::Verify(args) => shop::verify(&args).await,
        Command::Staff(args) => accounts::staff(&args).await,
        Command::Customers(args) => accounts::customers(&args).await,
        Command::Sessions(args) => sessions::run(&args).await,
        Command::Test(args) => test::run(&args).await.map(without_result),
        Command::Bench(args) => bench::run(&args, json).await.map(without_result),
        Command::Load(args) => load::run(&args).await,
        Command::Image(args) => image::run(&args).await,
        Command::Server(args) => server::run(&args).await.map(without_result),
        Command::Drill(args) => drill::run(&args).await,
        Command::CloseAbandoned(args) => up::close_abandoned(&args).await.map(without_result),
        Command::Completions(args) => Ok(completions::run(&args, Cli::command())),
        Command::Prepare(args) => prepare::run(&args).await.map(without_result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_accepted_before_and_after_every_command() {
        for (arguments, name_of_command) in [
            ("status --json", "status"),
            ("--json status", "status"),
            ("messages --open --json", "messages"),
            ("messages answered 12 --json", "messages answered"),
            ("--json searches", "searches"),
            ("orders --open --json", "orders"),
            ("orders shipped 100042 --json", "orders shipped"),
            ("stock 9780262033848 -1 --reason x --json", "stock"),
            ("logs show-book --json", "logs"),
            ("cost --json --stage dev", "cost"),
        ] {
            let words = ["bookstore"].into_iter().chain(arguments.split(' '));
            let matches = Cli::command().try_get_matches_from(words).unwrap();
            assert_eq!(name(&matches), name_of_command);
            assert!(Cli::from_arg_matches(&matches).unwrap().json, "{arguments}");
        }
    }
}
