//! `bookstore synth`: writes a stage's templates, or renews the committed ones.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use infra::{openapi, stage::Stage, synth};

#[derive(Args)]
pub struct Synth {
    /// Stage whose templates to write
    #[arg(long, required_unless_present = "golden", requires = "out")]
    stage: Option<String>,
    /// Folder to write them to, one file a stack
    #[arg(long)]
    out: Option<PathBuf>,
    /// Renew the committed templates of every stage and docs/openapi.json instead
    #[arg(long, conflicts_with_all = ["stage", "out"])]
    golden: bool,
}

pub fn run(args: &Synth) -> Result<()> {
    if let (Some(stage), Some(out)) = (&args.stage, &args.out) {
        let stage = Stage::load(stage)?;
        stage.warn();
        return synth::write_stage(&stage, out).map(drop);
    }
    synth::write_golden()?;
    openapi::write()
}
