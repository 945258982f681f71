//! Reads a `BenchPlan` from standard input and prints the report. `bookstore bench` runs it as a release build.

use std::io;

use anyhow::{Context, Result};
use bench::{BenchPlan, measure, table};

#[tokio::main(flavor = "current_thread")] // like the functions
async fn main() -> Result<()> {
    let plan: BenchPlan = serde_json::from_reader(io::stdin().lock())
        .context("no plan on standard input; run `cargo bookstore bench`")?;
    let report = measure::all(&plan).await?;
    if plan.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", table::print(&report));
    }
    Ok(())
}
