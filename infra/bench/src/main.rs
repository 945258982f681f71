//! Takes a plan on standard input and prints what it measured. `bookstore bench` starts it, as a release build.

use std::io;

use anyhow::{Context, Result};
use bench::{Plan, measure, table};

#[tokio::main(flavor = "current_thread")] // as the functions are
async fn main() -> Result<()> {
    let plan: Plan = serde_json::from_reader(io::stdin().lock()).context("`cargo bookstore bench` starts this")?;
    let report = measure::all(&plan).await?;
    if plan.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", table::print(&report));
    }
    Ok(())
}
