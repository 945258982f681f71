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
    /// Open the shop on this machine: a private MariaDB, an AWS emulator, and the real deploy to it
    Up(up::Up),
    /// Close what `up` opened; the data is kept
    Down,
    /// Import a CSV of books
    Import(import::Import),
    /// Write the CloudFormation templates of a stage, or renew what is committed of what follows from the code
    Synth(synth::Synth),
    /// Show what a deploy would change
    Diff(diff::Diff),
    /// Reckon what a stage costs a month
    Cost(cost::Cost),
    /// Draw a stage, as `docs/architecture.svg` where no other file is named
    Diagram(diagram::Diagram),
    /// Deploy a stage to AWS and release its functions
    Deploy(deploy::Deploy),
    /// Show what somebody changed by hand since it was deployed
    Drift(drift::Drift),
    /// Lead functions back to the version that served before
    Rollback(rollback::Rollback),
    /// Show the dead letters, and send them back to where they came from
    Redrive(redrive::Redrive),
    /// Show how a stage is: stacks, functions, queues
    Status(status::Status),
    /// Show what the functions log
    Logs(logs::Logs),
    /// Remove a stage
    Destroy(destroy::Destroy),
    /// List the messages to the shop, or settle one
    Messages(staff::Messages),
    /// Hide a review, or show it again
    Reviews(staff::Reviews),
    /// Erase what a visitor left
    Visitors(staff::Visitors),
    /// Run every test against a local stage of its own
    Test(test::Test),
    /// Measure the functions' release builds against what they cannot do without
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
        Command::Test(args) => test::run(&args).await,
        Command::Bench(args) => bench::run(&args).await,
        Command::Prepare(args) => prepare::run(&args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bookstore: {error:#}");
            ExitCode::FAILURE
        }
    }
}
