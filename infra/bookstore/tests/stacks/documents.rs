//! Commands in the documents exist: ours are parsed by clap, those of the AWS CLI are looked up in botocore's models.

use std::fs;

use clap::{Parser, error::ErrorKind};
use serde_json::json;

use crate::support::python;
use bookstore::cli::Cli;

const DOCUMENTS: [&str; 14] = [
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
