//! `bookstore synth`: writes a stage's templates, or regenerates the committed ones.

use std::path::PathBuf;

use anyhow::Result;
use clap::{ArgGroup, Args};
use infra::{openapi, stage::Stage, synth};
use serde_json::json;

use crate::{arguments, output::Report};

#[derive(Args)]
#[command(group = ArgGroup::new("what").required(true).args(["stage", "golden"]))]
pub struct Synth {
    /// Stage whose templates to write
    #[arg(long, requires = "out", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: Option<String>,
    /// Folder to write them to, one file a stack
    #[arg(long, requires = "stage")]
    out: Option<PathBuf>,
    /// Regenerate the committed templates of every stage and docs/openapi.json instead
    #[arg(long, conflicts_with = "out")]
    golden: bool,
}

pub fn run(args: &Synth) -> Result<Report> {
    if let (Some(stage), Some(out)) = (&args.stage, &args.out) {
        let stage = Stage::load(stage)?;
        synth::warn(&stage);
        let files = synth::write_stage(&stage, out)?;
        return Ok(Report::of(json!({ "files": files })));
    }
    synth::write_golden()?;
    openapi::write()?;
    Ok(Report::default())
}
