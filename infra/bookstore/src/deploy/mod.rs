//! `bookstore deploy`: the same for AWS and for the local stage.
//!
//! Stacks first, each as a change set that is shown before it is executed; then the release: versions are published,
//! the database is migrated, each new version is asked once, and only when all answer the aliases move.

mod account;
pub mod alias;
pub mod change;
pub mod describe;
pub mod drift;
mod left_over;
mod package;
pub mod probe;
pub mod release;
pub mod removal;
pub mod secrets;
pub mod stack;
mod stack_events;
mod stack_status;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use infra::{
    stacks::{Input, Kind, Stack},
    stage::Stage,
    synth,
};
use shared::messages::MigrationReport;

use crate::aws::{AwsClients, call};

pub use alias::ALIAS;
pub use package::{Packages, Profile, cargo_command, workspace, zipped};

pub use describe::DeployedStack;
pub use secrets::KnownSecrets;

/// What a stage offers once it is deployed.
pub struct Deployed {
    pub url: String,
    pub outputs: Outputs,
    pub migration: MigrationReport,
}

/// Outputs of all stacks, by stack and name.
pub type Outputs = BTreeMap<(Kind, String), String>;

/// How a deploy talks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// Shows each change set and asks.
    Confirm,
    /// Shows each change set.
    Print,
    /// A line a step: the local stage, where all is always new.
    Quiet,
}

/// What becomes of a resource that holds data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DataLoss {
    /// A change that would remove or replace it is refused.
    Forbid,
    Allow,
}

/// Brings the stage in line with this repository.
pub async fn deploy(
    aws: &AwsClients,
    stage: &Stage,
    packages: &Packages,
    known: &KnownSecrets,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<Deployed> {
    release::check_account(aws, stage).await?;
    if !stage.is_local() {
        account::prepare(aws, stage, interaction).await?;
    }
    let mut outputs = Outputs::new();
    let mut applied = Vec::new();
    for stack in synth::stacks(stage)? {
        if stack.kind == Kind::App {
            // What CloudFormation cannot create, before the functions that read it.
            secrets::put(aws, stage, known).await?;
        }
        if stack.kind == Kind::Data {
            left_over::check_restore(aws, stage).await?;
            left_over::clear_log_groups(aws, stage).await?;
        }
        let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
        let parameters = parameters(&stack, &outputs, packages)?;
        let put_out = stack::apply(aws, &stack, bucket, &parameters, interaction, data_loss).await?;
        outputs.extend(put_out.into_iter().map(|(name, value)| ((stack.kind, name), value)));
        if stack.kind == Kind::Bootstrap {
            packages.upload(aws, output(&outputs, Kind::Bootstrap, "ArtifactBucket")?).await?;
        }
        applied.push((stack, parameters));
    }
    if stage.is_local() {
        register_targets(aws, &outputs).await?;
    }
    let bucket = output(&outputs, Kind::Bootstrap, "ArtifactBucket")?;
    let migration = release::release(aws, stage, packages, bucket).await?;
    let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
    for (stack, parameters) in &applied {
        stack::protect(aws, stack, bucket, parameters, interaction).await?;
    }
    let url = output(&outputs, Kind::App, "Url")?.to_owned();
    Ok(Deployed { url, outputs, migration })
}

pub fn output<'a>(outputs: &'a Outputs, stack: Kind, name: &str) -> Result<&'a str> {
    let value = outputs.get(&(stack, name.to_owned()));
    value.map(String::as_str).with_context(|| format!("stack {} puts out no {name}", stack.name()))
}

/// The values of a template's parameters.
pub fn parameters(stack: &Stack, outputs: &Outputs, packages: &Packages) -> Result<BTreeMap<&'static str, String>> {
    let value = |input: &Input| match input {
        Input::Output { stack, name } => output(outputs, *stack, name).map(str::to_owned),
        Input::Code(function) => Ok(packages.get(function)?.key.clone()),
        // Decided by what is deployed, in `stack.rs`.
        Input::DeletionProtection => Ok(false.to_string()),
    };
    stack.inputs.iter().map(|(name, input)| Ok((*name, value(input)?))).collect()
}

/// The outputs of a stage that was deployed before.
pub async fn outputs(aws: &AwsClients, stage: &Stage, kind: Kind) -> Result<BTreeMap<String, String>> {
    let name = stage.physical(kind.name());
    let deployed = describe::describe(aws, &name).await?;
    let deployed = deployed.with_context(|| format!("there is no stack {name}: deploy the stage first"))?;
    Ok(describe::outputs(&deployed))
}

/// The emulator's CloudFormation leaves target groups empty; AWS's fills them.
async fn register_targets(aws: &AwsClients, outputs: &Outputs) -> Result<()> {
    for ((kind, name), group) in outputs {
        let Some(function) = name.strip_suffix("Targets").filter(|_| *kind == Kind::App) else {
            continue;
        };
        let alias = output(outputs, Kind::App, &format!("{function}Live"))?;
        let target = aws_sdk_elasticloadbalancingv2::types::TargetDescription::builder().id(alias).build();
        let registering = aws.elb.register_targets().target_group_arn(group).targets(target);
        call(registering.send()).await.with_context(|| format!("registering {function}"))?;
    }
    Ok(())
}
