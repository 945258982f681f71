//! The `bookstore` command: makes CloudFormation templates of the shop, and deploys and runs it.
#![expect(
    dead_code,
    reason = "`deploy` and `up` are not there yet, which read what `synth` does not"
)]

mod database_settings;
mod limits;
mod routes;
mod rules;
mod stacks;
mod stage;
mod synth;
mod template;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bookstore", about = "Anaquel, a serverless bookstore")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write the CloudFormation templates of a stage
    Synth(synth::Synth),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Synth(args) => synth::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bookstore: {error:#}");
            ExitCode::FAILURE
        }
    }
}
