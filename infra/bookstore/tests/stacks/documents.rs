//! Commands in documents and messages exist: ours are parsed by clap, those of the AWS CLI are looked up in botocore's
//! models.

use std::{fs, path::PathBuf};

use clap::{Command, CommandFactory, Parser, error::ErrorKind};
use serde_json::json;

use crate::support::python;
use bookstore::cli::Cli;

const DOCUMENTS: [&str; 15] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/access.md",
    "docs/api.md",
    "docs/benchmarks.md",
    "docs/catalogue-format.md",
    "docs/costs.md",
    "docs/deploying.md",
    "docs/first-hour-on-aws.md",
    "docs/glossary.md",
    "docs/operating.md",
    "docs/runbook.md",
    "docs/scaling.md",
    "docs/screenshots.md",
];
/// Documents that are mostly commands of AWS.
const MOSTLY_AWS: [&str; 2] = ["docs/runbook.md", "docs/first-hour-on-aws.md"];

fn read(document: &str) -> String {
    fs::read_to_string(format!("{}/../../{document}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// What begins with `program` in a block or between backticks, up to a remark; each as its words.
fn commands(text: &str, program: &str) -> Vec<Vec<String>> {
    let pieces = text.lines().flat_map(|line| line.split('`'));
    let pieces = pieces.flat_map(|piece| piece.split("$(")).map(|piece| piece.trim().trim_start_matches("$ "));
    let commands = pieces.filter(|piece| piece.starts_with(program));
    let words = commands.map(|command| {
        let command = command.split([')', '#', ';', '|', '&']).next().unwrap_or_default();
        command.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect()
    });
    words.collect()
}

#[test]
fn every_command_of_ours_in_the_documents_can_be_typed() {
    for document in DOCUMENTS {
        for command in commands(&read(document), "cargo bookstore ") {
            // A mention of a command may omit required arguments.
            match Cli::try_parse_from(&command[1..]) {
                Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => {
                    panic!("{document}: {}: {error}", command.join(" "))
                }
                _ => {}
            }
        }
    }
}

/// Without `--stage` a command acts on the local stage. Messages get their commands from `Stage::command`.
#[test]
fn every_command_in_a_message_names_its_stage() {
    let cli = Cli::command();
    let mut seen = 0;
    for file in ["infra/src", "infra/bookstore/src", "shared/src", "functions"].into_iter().flat_map(sources) {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for name in line.split("cargo bookstore ").skip(1).filter_map(|rest| rest.split([' ', '`', '"']).next()) {
                // These two renew committed files of this repository.
                let is_local = ["synth", "diagram"].contains(&name);
                let has_stage = cli.find_subcommand(name).is_some_and(has_stage);
                let place = format!("{}:{}", file.display(), number + 1);
                assert!(is_local || !has_stage || line.contains("--stage"), "{place}: use `Stage::command`: {line}");
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "only {seen} commands found");
}

fn has_stage(command: &Command) -> bool {
    command.get_arguments().any(|argument| argument.get_id() == "stage") || command.get_subcommands().any(has_stage)
}

/// The Rust files in a folder of the repository.
fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from(format!("{}/../../{folder}", env!("CARGO_MANIFEST_DIR")))];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[ignore = "needs botocore"]
#[test]
fn every_command_of_aws_in_the_documents_is_one_of_its_own() {
    for document in DOCUMENTS {
        let mut commands = commands(&read(document), "aws ");
        // A command of the AWS CLI itself, which botocore does not model.
        commands.retain(|command| command[1] != "configure");
        assert!(commands.len() > 10 || !MOSTLY_AWS.contains(&document), "{document}: {commands:?}");
        if !commands.is_empty() {
            assert_eq!(python("documents.py", &json!(commands)), json!([]), "{document}");
        }
    }
    let wrong = json!([
        ["aws", "rds", "reboot-database", "--db-instance-identifier", "x"],
        ["aws", "rds", "reboot-db-instance", "--failover"],
        ["aws", "rdbms", "reboot-db-instance"],
    ]);
    assert_eq!(python("documents.py", &wrong).as_array().unwrap().len(), 4);
}
