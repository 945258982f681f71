//! Measures functions as Lambda would run them: release builds, each a process below a Runtime API of our own.
//!
//! It is a program of its own, for it times SQL in its own process too, and `bookstore` is a debug build. Host and
//! clients are written on the standard library: an HTTP crate's server feature would become part of the functions
//! that are measured, since a workspace shares its features.

pub mod measure;
pub mod table;

mod cases;
mod figures;
mod host;
mod http;
mod process;
mod services;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// What to measure, from who knows the route table.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    pub functions: Vec<Function>,
    pub hello: Function,
    /// The stage's, by full name.
    pub parameters: Parameters,
    pub json: bool,
}

/// A function's release build and what it finds around it.
#[derive(Serialize, Deserialize)]
pub struct Function {
    pub name: String,
    pub binary: PathBuf,
    pub zip_bytes: u64,
    pub environment: BTreeMap<String, String>,
}

/// SSM parameters by full name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, String>);

impl Parameters {
    /// `database/host` for `/anaquel/<stage>/database/host`.
    fn get(&self, name: &str) -> Result<&str> {
        let ours = |full: &str| full.splitn(4, '/').nth(3) == Some(name);
        let found = self.0.iter().find(|(full, _)| ours(full));
        found.map(|(_, value)| value.as_str()).with_context(|| format!("the stage has no parameter {name}"))
    }
}

impl Function {
    /// Whether it logs in to the database when it starts.
    fn logs_in(&self) -> bool {
        self.environment.get("ANAQUEL_PARAMETERS").is_some_and(|names| names.contains("/database/"))
    }
}
