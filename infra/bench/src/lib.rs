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
use shared::parameters::{Parameter, path_of};

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
    fn get(&self, parameter: Parameter) -> Result<&str> {
        let found = self.0.iter().find(|(name, _)| path_of(name) == parameter.path());
        found.map(|(_, value)| value.as_str()).with_context(|| format!("the stage has no parameter {parameter}"))
    }
}

impl Function {
    /// Whether it logs in to the database when it starts.
    fn logs_in(&self) -> bool {
        let names = self.environment.get("ANAQUEL_PARAMETERS");
        names.is_some_and(|names| names.split(',').any(|name| path_of(name) == Parameter::DatabaseHost.path()))
    }
}
