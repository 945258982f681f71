//! `bookstore drift`: prints the resources that differ from their templates, as CloudFormation detects them, and fails if
//! there are any.

use anyhow::Result;
use aws_sdk_cloudformation::types::StackResourceDrift;
use clap::Args;
use infra::{stacks, stage::Stage};
use serde_json::{Value, json};

use crate::{
    arguments,
    aws::connect_deployed,
    deploy::drift::{drifted, rows, table},
    output::Report,
};

#[derive(Args)]
pub struct Drift {
    /// Stage to compare with its own templates
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

pub async fn run(args: &Drift) -> Result<Report> {
    let (stage, aws) = connect_deployed(&args.stage).await?;
    let names: Vec<String> = stacks::all(&stage)?.into_iter().map(|stack| stack.name).collect();
    let drifted = drifted(&aws, &stage, &names).await?;
    if drifted.is_empty() {
        let text = format!(
            "Stage {} has no drift. Patches and storage growth of the database and aliases that a release moved are ignored.",
            stage.name
        );
        return Ok(Report::new(text, report(&stage, &drifted)));
    }
    let problem =
        format!("stage {} has drifted: revert these changes, or add them to infra/src/stacks/ and deploy", stage.name);
    Ok(Report::new(table(&drifted), report(&stage, &drifted)).with_problem(Some(problem)))
}

fn report(stage: &Stage, drifted: &[StackResourceDrift]) -> Value {
    let names = ["resource", "type", "property", "template", "actual"];
    let object = |row: [&str; 5]| names.into_iter().zip(row.map(Value::from)).collect::<Value>();
    json!({ "stage": stage.name, "differences": rows(drifted).into_iter().map(object).collect::<Vec<_>>() })
}
