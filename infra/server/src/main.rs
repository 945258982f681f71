//! The process of a task: its settings are in the environment.

use std::{env, process::ExitCode, thread::available_parallelism};

use anyhow::{Context, Result};
use infra::containers::{CONNECTIONS, PORT, SERVICE, Service};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use server::{Limits, Server};

fn main() -> ExitCode {
    shared::telemetry::start();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "The server ended");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let service = Service::parse(&setting(SERVICE)?)?;
    let connections: usize = setting(CONNECTIONS)?.parse().with_context(|| format!("{CONNECTIONS} is no number"))?;
    let port = setting(PORT)?.parse().with_context(|| format!("{PORT} is no port"))?;
    let threads = available_parallelism().map_or(1, usize::from);
    allow_files()?;
    Server { service, connections, threads, limits: Limits::default() }.run(port)
}

/// As many open files as the process may have, because a socket is one.
fn allow_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).context("raising the limit of open files")
}

fn setting(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set"))
}
