//! `bookstore drift`: prints the resources that differ from their templates, as CloudFormation detects them, and fails if
//! there are any.

use anyhow::{Result, anyhow};
use clap::Args;
use infra::stacks;

use crate::{
    aws::connect,
    deploy::drift::{drifted, table},
};

#[derive(Args)]
pub struct Drift {
    /// Stage to compare with its own templates
    #[arg(long, default_value = "local")]
    stage: String,
}

pub async fn run(args: &Drift) -> Result<()> {
    let (stage, aws) = connect(&args.stage).await?;
    let names: Vec<String> = stacks::all(&stage)?.into_iter().map(|stack| stack.name).collect();
    let drifted = drifted(&aws, &stage, &names).await?;
    if drifted.is_empty() {
        outln!(
            "Stage {} has no drift. Patches and storage growth of the database and aliases that a release moved are ignored.",
            stage.name
        );
        return Ok(());
    }
    outln!("{}", table(&drifted));
    Err(anyhow!("stage {} has drifted: revert these changes, or add them to infra/src/stacks/ and deploy", stage.name))
}
