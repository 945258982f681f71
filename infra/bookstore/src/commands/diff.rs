//! `bookstore diff`: prints the change sets of a deploy without executing them. Only a template that is too large
//! for an API call is uploaded to the artifact bucket, as in a deploy.

use anyhow::Result;
use aws_sdk_cloudformation::types::{ChangeAction, ResourceChange};
use clap::Args;
use infra::{stacks::Kind, synth, template::Template};
use serde_json::json;

use crate::{
    arguments,
    aws::connect,
    deploy::{Outputs, Packages, change, containers, describe, origin_secret, parameters, stack, unwanted},
    output::Report,
};

#[derive(Args)]
pub struct Diff {
    /// Stage to compare with this repository
    #[arg(long, default_value = "local", value_parser = arguments::stage(), hide_possible_values = true)]
    stage: String,
}

/// Builds the functions as a deploy does, because code is compared by its hash, unless there is nothing to compare.
/// Parameters get today's outputs of the earlier stacks.
pub async fn run(args: &Diff) -> Result<Report> {
    let (stage, aws) = connect(&args.stage).await?;
    let synthesized = synth::stacks(&stage)?;
    let mut deployed = Vec::new();
    for stack in &synthesized {
        deployed.push(describe::describe(&aws, &stack.name).await?.filter(describe::is_updatable));
    }
    let packages = if deployed.iter().any(Option::is_some) {
        Some(Packages::of_stage(&stage).await?)
    } else {
        outln!("Stage {} is not deployed: `{}` creates all of it.", stage.name, stage.deploy_command());
        None
    };
    let mut outputs = Outputs::new();
    let mut stacks = Vec::new();
    for (stack, found) in synthesized.iter().zip(deployed) {
        let (Some(found), Some(packages)) = (found, &packages) else {
            let added = additions(&stack.template);
            outln!("\n{}, which does not exist yet:\n{}", stack.name, change::table(&added));
            stacks.push(json!({ "stack": stack.name, "exists": false, "changes": change::json(&added) }));
            continue;
        };
        outputs.extend(describe::outputs(&found).into_iter().map(|(name, value)| ((stack.kind, name), value)));
        let with_secret = stack.kind == Kind::App && stage.has_cloudfront();
        let secret = if with_secret { origin_secret::stored(&aws, &stage).await.ok() } else { None };
        match parameters(stack, &outputs, packages, secret.as_ref()) {
            Ok(parameters) => {
                let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
                let changes = stack::preview(&aws, stack, bucket, &parameters).await?;
                stacks.push(json!({ "stack": stack.name, "exists": true, "changes": change::json(&changes) }));
            }
            Err(missing) => {
                outln!("\n{}: unknown until the stacks before it are deployed ({missing:#})", stack.name);
                stacks.push(json!({ "stack": stack.name, "exists": true, "changes": null }));
            }
        }
    }
    for kind in unwanted::unwanted(&stage) {
        let name = stage.physical(kind.name());
        if describe::describe(&aws, &name).await?.is_none() {
            continue;
        }
        outln!("\n{name}: a deploy removes the whole stack, of which the stage's file has nothing any longer");
        stacks.push(json!({ "stack": name, "exists": true, "is_removed": true, "changes": [] }));
        if kind == Kind::Containers {
            containers::check_removal(&aws, &stage).await?;
        }
    }
    Ok(Report::of(json!({ "stage": stage.name, "stacks": stacks })))
}

/// Every resource of a stack that does not exist; a real change set would leave an empty stack.
fn additions(template: &Template) -> Vec<ResourceChange> {
    let add = |(name, kind)| {
        ResourceChange::builder().action(ChangeAction::Add).logical_resource_id(name).resource_type(kind).build()
    };
    template.resources().map(add).collect()
}
