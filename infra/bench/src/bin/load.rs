//! Reads a `LoadPlan` from standard input and prints its report as JSON. `bookstore load` runs it as a release build, because
//! the generator shares the machine with what it measures.

use std::io;

use anyhow::{Context, Result};
use bench::load::{self, LoadPlan};
use rustix::process::{Resource, getrlimit, setrlimit};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    allow_files()?;
    let plan: LoadPlan =
        serde_json::from_reader(io::stdin().lock()).context("no plan on standard input; run `cargo bookstore load`")?;
    println!("{}", serde_json::to_string(&load::run(&plan).await?)?);
    Ok(())
}

/// Each environment takes four open files, and a usual limit is 1,024.
fn allow_files() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).context("raising the limit of open files")
}
