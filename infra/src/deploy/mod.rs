//! `bookstore deploy`: the same for AWS and for the local stage.
//!
//! Stacks first, each as a change set that is shown before it is executed; then the release: versions are published,
//! the database is migrated, each new version is asked once, and only when all answer the aliases move.

mod account;
mod alias;
#[cfg(test)]
mod answers;
pub mod change;
pub mod destroy;
pub mod diff;
pub mod drift;
mod left_over;
mod package;
mod probe;
mod release;
pub mod rollback;
mod secrets;
pub mod stack;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use clap::Args;
use shared::messages::MigrationReport;

use crate::{
    cloud::{Cloud, said},
    cost,
    stacks::{Input, Kind, Stack},
    stage::Stage,
    synth,
};

pub use alias::ALIAS;
pub use package::{Packages, Profile, cargo_command, workspace, zipped};

pub use secrets::KnownSecrets;
pub use stack::{Described, describe, is_protected};

#[derive(Args)]
pub struct Deploy {
    /// Stage to deploy: dev or prod
    #[arg(long)]
    stage: String,
    /// Do not ask before each change
    #[arg(long)]
    yes: bool,
    /// Replace or remove resources that hold data too: the database, queues, buckets
    #[arg(long)]
    allow_replacement: bool,
}

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
pub enum Manner {
    /// Shows each change set and asks.
    Ask,
    /// Shows each change set.
    Show,
    /// A line a step: the local stage, where all is always new.
    Brief,
}

/// What becomes of a resource that holds data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// A change that would remove or replace it is refused.
    Keep,
    MayGo,
}

pub async fn run(args: &Deploy) -> Result<()> {
    let stage = Stage::load(&args.stage)?;
    if stage.is_local() {
        bail!("the local stage is started with `cargo bookstore up`");
    }
    stage.warn();
    let cloud = Cloud::of(&stage).await;
    let account = cloud.account().await?;
    say!("Deploying stage {} to account {account}, {}", stage.name, stage.region);
    let packages = Packages::build(Profile::Aws).await?;
    say!("{}", cost::summary(&stage));
    let manner = if args.yes { Manner::Show } else { Manner::Ask };
    let data = if args.allow_replacement { Data::MayGo } else { Data::Keep };
    let deployed = deploy(&cloud, &stage, &packages, &KnownSecrets::default(), manner, data).await?;
    say!("\n{}", deployed.url);
    Ok(())
}

/// Brings the stage in line with this repository.
pub async fn deploy(
    cloud: &Cloud,
    stage: &Stage,
    packages: &Packages,
    known: &KnownSecrets,
    manner: Manner,
    data: Data,
) -> Result<Deployed> {
    release::check_account(cloud, stage).await?;
    if !stage.is_local() {
        account::prepare(cloud, stage, manner).await?;
    }
    let mut outputs = Outputs::new();
    let mut applied = Vec::new();
    for stack in synth::stacks(stage)? {
        if stack.kind == Kind::App {
            // What CloudFormation cannot create, before the functions that read it.
            secrets::put(cloud, stage, known).await?;
        }
        if stack.kind == Kind::Data {
            left_over::check_restore(cloud, stage).await?;
            left_over::clear_log_groups(cloud, stage).await?;
        }
        let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
        let parameters = parameters(&stack, &outputs, packages)?;
        let put_out = stack::apply(cloud, &stack, bucket, &parameters, manner, data).await?;
        outputs.extend(put_out.into_iter().map(|(name, value)| ((stack.kind, name), value)));
        if stack.kind == Kind::Bootstrap {
            packages.upload(cloud, output(&outputs, Kind::Bootstrap, "ArtifactBucket")?).await?;
        }
        applied.push((stack, parameters));
    }
    if stage.is_local() {
        register_targets(cloud, &outputs).await?;
    }
    let bucket = output(&outputs, Kind::Bootstrap, "ArtifactBucket")?;
    let migration = release::release(cloud, stage, packages, bucket).await?;
    let bucket = outputs.get(&(Kind::Bootstrap, "ArtifactBucket".to_owned()));
    for (stack, parameters) in &applied {
        stack::protect(cloud, stack, bucket, parameters, manner).await?;
    }
    let url = output(&outputs, Kind::App, "Url")?.to_owned();
    Ok(Deployed { url, outputs, migration })
}

pub fn output<'a>(outputs: &'a Outputs, stack: Kind, name: &str) -> Result<&'a str> {
    let value = outputs.get(&(stack, name.to_owned()));
    value.map(String::as_str).with_context(|| format!("stack {} puts out no {name}", stack.name()))
}

/// The values of a template's parameters.
fn parameters(stack: &Stack, outputs: &Outputs, packages: &Packages) -> Result<BTreeMap<&'static str, String>> {
    let value = |input: &Input| match input {
        Input::Output { stack, name } => output(outputs, *stack, name).map(str::to_owned),
        Input::Code(function) => Ok(packages.get(function)?.key.clone()),
        // Decided by what is deployed, in `stack.rs`.
        Input::DeletionProtection => Ok(false.to_string()),
    };
    stack.inputs.iter().map(|(name, input)| Ok((*name, value(input)?))).collect()
}

/// The outputs of a stage that was deployed before.
pub async fn outputs(cloud: &Cloud, stage: &Stage, kind: Kind) -> Result<BTreeMap<String, String>> {
    let name = stage.physical(kind.name());
    let deployed = describe(cloud, &name).await?;
    let deployed = deployed.with_context(|| format!("there is no stack {name}: deploy the stage first"))?;
    Ok(stack::outputs(&deployed))
}

/// The emulator's CloudFormation leaves target groups empty; AWS's fills them.
async fn register_targets(cloud: &Cloud, outputs: &Outputs) -> Result<()> {
    for ((kind, name), group) in outputs {
        let Some(function) = name.strip_suffix("Targets").filter(|_| *kind == Kind::App) else {
            continue;
        };
        let alias = output(outputs, Kind::App, &format!("{function}Live"))?;
        let target = aws_sdk_elasticloadbalancingv2::types::TargetDescription::builder().id(alias).build();
        let registering = cloud.elb.register_targets().target_group_arn(group).targets(target);
        said(registering.send()).await.with_context(|| format!("registering {function}"))?;
    }
    Ok(())
}
