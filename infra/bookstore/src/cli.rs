//! The command line: every subcommand with its arguments.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{
    bench, cost, deploy, destroy, diagram, diff, drift, import, logs, prepare, redrive, rollback, staff, status, synth,
    test, up,
};

#[derive(Parser)]
#[command(name = "bookstore", about = "Anaquel, a serverless bookstore")]
/// The arguments of `bookstore`.
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the shop on this machine: a private MariaDB, an AWS emulator, and a real deploy to it
    Up(up::Up),
    /// Stop what `up` started; the data is kept
    Down,
    /// Import a CSV of books
    Import(import::Import),
    /// Write the CloudFormation templates of a stage, or renew the committed ones
    Synth(synth::Synth),
    /// Show what a deploy would change
    Diff(diff::Diff),
    /// Estimate the monthly cost of a stage
    Cost(cost::Cost),
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
    /// Show the status of a stage: stacks, functions, queues
    Status(status::Status),
    /// Show the logs of the functions
    Logs(logs::Logs),
    /// Remove a stage
    Destroy(destroy::Destroy),
    /// List the messages to the shop, or mark one as answered
    Messages(staff::Messages),
    /// Hide a review, or show it again
    Reviews(staff::Reviews),
    /// Erase a visitor's ratings and messages
    Visitors(staff::Visitors),
    /// List the searches that found nothing, the most frequent first
    Searches(staff::Searches),
    /// Run the tests: first those that need no service, then the others with the services that they need
    Test(test::Test),
    /// Benchmark the functions' release builds against a baseline
    Bench(bench::Bench),
    /// Renew `.sqlx/` after a change of SQL or schema
    Prepare(prepare::Prepare),
}

/// Runs the command of the arguments; an error is printed to standard error.
pub async fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(args) => up::up(&args).await,
        Command::Down => up::down().await,
        Command::Import(args) => import::run(&args).await,
        Command::Synth(args) => synth::run(&args),
        Command::Diff(args) => diff::run(&args).await,
        Command::Cost(args) => cost::run(&args),
        Command::Diagram(args) => diagram::run(&args),
        Command::Deploy(args) => deploy::run(&args).await,
        Command::Drift(args) => drift::run(&args).await,
        Command::Rollback(args) => rollback::run(&args).await,
        Command::Redrive(args) => redrive::run(&args).await,
        Command::Status(args) => status::run(&args).await,
        Command::Logs(args) => logs::run(&args).await,
        Command::Destroy(args) => destroy::run(&args).await,
        Command::Messages(args) => staff::messages(&args).await,
        Command::Reviews(args) => staff::reviews(&args).await,
        Command::Visitors(args) => staff::visitors(&args).await,
        Command::Searches(args) => staff::searches(&args).await,
        Command::Test(args) => test::run(&args).await,
        Command::Bench(args) => bench::run(&args).await,
        Command::Prepare(args) => prepare::run(&args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            errln!("bookstore: {error:#}");
            ExitCode::FAILURE
        }
    }
}
