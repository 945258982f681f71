//! `bookstore diagram`: draws a stage.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use infra::{
    diagram::{self, COMMITTED_FILE, COMMITTED_STAGE},
    stage::Stage,
};

use serde_json::json;

use crate::{
    arguments,
    local::{Home, Tool, Tools},
    output::Report,
};

#[derive(Args)]
pub struct Diagram {
    /// Stage to draw
    #[arg(long, default_value = COMMITTED_STAGE, value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
    /// SVG file to write [default: docs/architecture.svg]
    #[arg(long, default_value = COMMITTED_FILE, hide_default_value = true)]
    out: PathBuf,
}

pub fn run(args: &Diagram) -> Result<Report> {
    let stage = Stage::load(&args.stage)?;
    let tools = Tools::ensure(&Home::find("local")?, &[Tool::Graphviz])?;
    let svg = diagram::draw(&stage, &tools.program("python"))?;
    fs::write(&args.out, svg).with_context(|| format!("writing {}", args.out.display()))?;
    Ok(Report::of(json!({ "file": args.out })))
}
