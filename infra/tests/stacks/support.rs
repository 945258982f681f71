//! Helpers of the template tests. Those that need tools read the variables that `cargo bookstore test` sets.

use std::{
    env,
    path::Path,
    process::{Command, Stdio},
};

use infra::{
    stacks::{self, Kind},
    stage::{Domain, Firewall, Https, ProvisionedConcurrency, Stage},
};
use serde_json::Value;

pub fn stage(name: &str) -> Stage {
    Stage::load(name).unwrap()
}

/// Production with all optional settings, under an example name.
pub fn production_in_full() -> Stage {
    let mut stage = stage("prod");
    stage.https = Https::Domain;
    let (name, zone) = ("shop.example.org".to_owned(), "Z0123456789ABCDEFGHIJ".to_owned());
    stage.domain = Some(Domain { name, zone, failover: true });
    stage.firewall = Some(Firewall { requests_per_address: 2000, posts_per_address: 50 });
    stage.concurrency.provisioned = [("show-book".to_owned(), ProvisionedConcurrency { min: 1, max: 10 })].into();
    stage
}

pub fn template(stage: &Stage, kind: Kind) -> Value {
    let stack = stacks::all(stage).unwrap().into_iter().find(|stack| stack.kind == kind).expect("a stack of each kind");
    serde_json::to_value(&stack.template).unwrap()
}

/// Runs a script of `tests/stacks`, or of the same folder of `infra`, with the Python of the tools. Input and output are
/// JSON.
pub fn python(script: &str, input: &Value) -> Value {
    let mut child = python_command(script).spawn().expect("Python starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    serde_json::to_writer(&mut stdin, input).expect("the script reads its input");
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

pub fn python_command(script: &str) -> Command {
    let mut command = Command::new(variable("ANAQUEL_PYTHON"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/stacks", "../tests/stacks"].map(|folder| root.join(folder).join(script));
    let script = folders.into_iter().find(|script| script.exists()).unwrap_or_else(|| panic!("no script {script}"));
    command.arg(script).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `cargo bookstore test`"))
}
