//! `bookstore diff`: what a deploy would change, stack by stack, without changing it. Only a
//! template too large for a call is put into the bucket of artifacts, as for a deploy.

use anyhow::Result;
use aws_sdk_cloudformation::types::{ChangeAction, ResourceChange};
use clap::Args;
use infra::{stacks::Kind, synth, template::Template};

use crate::{
    aws::connect,
    deploy::{Outputs, Packages, Profile, change, describe, parameters, stack},
};

#[derive(Args)]
pub struct Diff {
    /// Stage to compare with this repository
    #[arg(long, default_value = "local")]
    stage: String,
}

/// Builds as a deploy does, for code is compared by its content. Stacks take in what earlier ones put out today.
pub async fn run(args: &Diff) -> Result<()> {
    let (stage, aws) = connect(&args.stage).await?;
    let packages = Packages::build(if stage.is_local() { Profile::Local } else { Profile::Aws }).await?;
    let mut outputs = Outputs::new();
    for stack in synth::stacks(&stage)? {
        let Some(found) = describe::describe(&aws, &stack.name).await?.filter(describe::is_made) else {
            outln!("\n{}, which is not there yet:\n{}", stack.name, change::table(&additions(&stack.template)));
            continue;
        };
        match parameters(&stack, &outputs, &packages) {
            Ok(parameters) => {
                let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
                stack::preview(&aws, &stack, bucket, &parameters).await?;
            }
            Err(missing) => outln!("\n{}: known once the stacks before it are deployed ({missing:#})", stack.name),
        }
        outputs.extend(describe::outputs(&found).into_iter().map(|(name, value)| ((stack.kind, name), value)));
    }
    Ok(())
}

/// Every resource of a stack that is not there: a change set would leave an empty stack behind.
fn additions(template: &Template) -> Vec<ResourceChange> {
    let add = |(name, kind)| {
        ResourceChange::builder().action(ChangeAction::Add).logical_resource_id(name).resource_type(kind).build()
    };
    template.resources().map(add).collect()
}
