//! `bookstore completions`: prints a script that completes commands, options, stages and functions in a shell.

use clap::{Args, Command};
use clap_complete::{Shell, generate};
use serde_json::json;

use crate::output::Report;

#[derive(Args)]
pub struct Completions {
    /// Shell that reads the script
    shell: Shell,
}

pub fn run(args: &Completions, mut command: Command) -> Report {
    let mut script = Vec::new();
    generate(args.shell, &mut command, "bookstore", &mut script);
    let script = String::from_utf8_lossy(&script).trim_end().to_owned();
    let json = json!({ "shell": args.shell.to_string(), "script": script });
    Report::new(script, json)
}
