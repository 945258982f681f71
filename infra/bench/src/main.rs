//! Reads a `BenchPlan` from standard input and prints its report. `bookstore bench` runs it as a release build.

use std::io;

use anyhow::{Context, Result};
use bench::{BenchPlan, Measures, comparison, instructions, measure, memory_sizes, server, table};
use serde::Serialize;

#[tokio::main(flavor = "current_thread")] // like the functions
async fn main() -> Result<()> {
    let plan: BenchPlan = serde_json::from_reader(io::stdin().lock())
        .context("no plan on standard input; run `cargo bookstore bench`")?;
    let report = match plan.measures {
        Measures::Times => printed(&measure::all(&plan).await?, plan.json, table::print),
        Measures::Instructions => {
            printed(&instructions::count(&plan).await?, plan.json, |counts| instructions::print(counts))
        }
        Measures::MemorySizes => {
            printed(&memory_sizes::measure(&plan).await?, plan.json, |sizes| memory_sizes::print(sizes))
        }
        Measures::Servers => printed(&server::measure(&plan.servers)?, plan.json, |loads| server::print(loads)),
        Measures::Catalogues(books) => printed(&comparison::compare(&plan, books).await?, plan.json, comparison::print),
    };
    println!("{}", report?);
    Ok(())
}

fn printed<T: Serialize>(report: &T, json: bool, as_table: impl Fn(&T) -> String) -> Result<String> {
    Ok(if json { serde_json::to_string_pretty(report)? } else { as_table(report) })
}
