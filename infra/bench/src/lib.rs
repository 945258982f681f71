//! Benchmark of the functions' release builds, and drills with any build. Each function is a process with a Lambda Runtime API that the benchmark
//! provides.
//!
//! It is a separate program because it measures SQL in its own process too, and `bookstore` is a debug build. Server and
//! clients use the standard library only: a workspace unifies the features of its crates, so the server feature of an HTTP
//! crate would become part of the measured functions.

pub mod comparison;
pub mod drill;
pub mod imports;
pub mod instructions;
pub mod load;
pub mod measure;
pub mod memory_sizes;
pub mod orders;
pub mod server;
pub mod shop_drill;
pub mod submissions;
pub mod table;

mod cases;
mod covers;
mod figures;
mod host;
mod http;
mod login;
mod own_database;
mod process;
mod ratings;
mod services;
mod tls;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use shared::parameters::{Parameter, path_of};

/// Whether a function of the route table has cases.
pub fn has_cases(function: &str) -> bool {
    cases::Benchmarked::named(function).is_ok()
}

/// The functions to measure. `bookstore bench` constructs it from the route table.
#[derive(Serialize, Deserialize)]
pub struct BenchPlan {
    pub functions: Vec<MeasuredFunction>,
    /// The function that does nothing, whose time is part of every baseline.
    pub hello: MeasuredFunction,
    /// The most popular books by a function in Python, if `list-books` is measured.
    pub peer: Option<MeasuredFunction>,
    /// The servers of `Measures::Servers`.
    pub servers: Vec<server::MeasuredServer>,
    /// SSM parameters of the stage.
    pub parameters: Parameters,
    pub measures: Measures,
    /// Print the report as JSON.
    pub json: bool,
}

/// The subject of a benchmark.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measures {
    /// Times, memory and packages of the functions, with their baselines.
    Times,
    /// Instructions of a request, which are the same on a busy machine.
    Instructions,
    /// Times of requests with the processor share of each memory size.
    MemorySizes,
    /// Lists of generated catalogues of 10,000 and of this many books.
    Catalogues(u32),
    /// Requests that servers take.
    Servers,
}

/// A function's release build and its environment.
#[derive(Clone, Serialize, Deserialize)]
pub struct MeasuredFunction {
    pub name: String,
    pub binary: PathBuf,
    #[serde(default)]
    pub arguments: Vec<String>,
    /// Size of its package.
    pub zip_bytes: u64,
    /// Environment variables, in addition to Lambda's.
    pub environment: BTreeMap<String, String>,
}

/// SSM parameters by full name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, String>);

impl Parameters {
    /// The parameters of the same stage with another database.
    fn with_database(&self, name: &str) -> Self {
        let is_database = |full_name: &str| path_of(full_name) == Parameter::DatabaseName.path();
        let value = |(full_name, value): (&String, &String)| {
            (full_name.clone(), if is_database(full_name) { name.to_owned() } else { value.clone() })
        };
        Self(self.0.iter().map(value).collect())
    }

    /// The value of a parameter of the stage.
    pub fn get(&self, parameter: Parameter) -> Result<&str> {
        let found = self.0.iter().find(|(name, _)| path_of(name) == parameter.path());
        found.map(|(_, value)| value.as_str()).with_context(|| format!("the stage has no parameter {parameter}"))
    }
}

impl MeasuredFunction {
    /// The function with another value of an environment variable.
    fn with_variable(&self, name: &str, value: String) -> Self {
        let mut environment = self.environment.clone();
        environment.insert(name.to_owned(), value);
        Self { environment, ..self.clone() }
    }
}
