//! Deployment, the same for AWS and for the local stage.
//!
//! First the stacks, each by a change set that is printed before it is executed; then the release: versions are created,
//! the database is migrated, each new version is probed, and only if all pass do the aliases move.

mod account;
pub mod alias;
pub mod change;
pub mod containers;
pub mod describe;
pub mod drift;
mod identity;
mod left_over;
pub mod origin_secret;
mod package;
pub mod probe;
pub mod release;
pub mod removal;
mod route_limits;
pub mod secrets;
pub mod session_keys;
pub mod stack;
mod stack_events;
mod stack_status;
pub mod unavailable_page;
pub mod unwanted;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use infra::{
    stacks::{Input, Kind, REPOSITORY, Stack, api_gateway, user_pool_protection},
    stage::Stage,
    synth,
};
use shared::{messages::MigrationReport, secret::Secret};

use crate::aws::{AwsClients, call};

pub use alias::ALIAS;
pub use package::{Packages, Profile, zipped};

pub use describe::DeployedStack;
use origin_secret::OriginSecret;
pub use secrets::KnownSecrets;

/// Result of a deploy.
pub struct Deployed {
    pub url: String,
    pub outputs: Outputs,
    pub migration: MigrationReport,
}

/// Outputs of all stacks, by stack and name.
pub type Outputs = BTreeMap<(Kind, String), String>;

/// Output and confirmation of a deploy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Interaction {
    /// Prints each change set and asks for confirmation.
    Confirm,
    /// Prints each change set.
    Print,
    /// Prints one line for each step.
    Quiet,
}

/// Whether changes may remove or replace resources with data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum DataLoss {
    /// Such a change is refused.
    Forbid,
    Allow,
}

/// Deploys and releases the stage.
///
/// # Errors
/// At the first stack or step that fails; a repeated deploy continues from there.
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
        identity::check(aws, stage).await?;
        account::prepare(aws, stage, interaction).await?;
    }
    unwanted::remove(aws, stage, interaction, data_loss).await?;
    let mut deploying = Deploying {
        aws,
        packages,
        interaction,
        data_loss,
        origin_secret: None,
        outputs: Outputs::new(),
        applied: Vec::new(),
    };
    let first_pass = containers::first_pass(aws, stage).await?;
    for stack in before_release(&first_pass)? {
        if stack.kind == Kind::App {
            // Before the functions that read them; CloudFormation cannot create them.
            secrets::put(aws, stage, known).await?;
            if stage.has_cloudfront() {
                let secret = origin_secret::for_deploy(aws, stage, known.rotate_origin_secret).await?;
                deploying.origin_secret = Some(secret);
            }
        }
        if stack.kind == Kind::Data {
            left_over::check_restore(aws, stage).await?;
            left_over::clear_log_groups(aws, stage).await?;
        }
        if stack.kind == Kind::ApiGateway {
            route_limits::delete_gone(aws, deploying.output(Kind::App, api_gateway::API)?).await?;
        }
        let kind = stack.kind;
        deploying.apply(stack).await?;
        if kind == Kind::Bootstrap {
            packages.upload(aws, deploying.output(Kind::Bootstrap, ARTIFACTS)?).await?;
            if let Some(image) = &packages.server {
                containers::push(aws, stage, image, deploying.output(Kind::Bootstrap, REPOSITORY)?).await?;
            }
        }
        if let Ok(bucket) = deploying.output(kind, "UnavailablePageBucket") {
            unavailable_page::upload(aws, bucket).await?;
        }
        if kind == Kind::App
            && let Some(secret) = &deploying.origin_secret
        {
            secret.store(aws, stage).await?;
        }
    }
    if stage.is_local() {
        register_targets(aws, &deploying.outputs).await?;
    }
    let migration = release::release(aws, stage, packages, deploying.output(Kind::Bootstrap, ARTIFACTS)?).await?;
    let is_switched = stage.is_on_fargate() != first_pass.is_on_fargate();
    // The tasks, and then the rules that lead everybody to them.
    let last = |kind: Kind| kind == Kind::Containers || is_switched && kind == Kind::App;
    let mut stacks: Vec<Stack> = synth::stacks(stage)?.into_iter().filter(|stack| last(stack.kind)).collect();
    stacks.sort_by_key(|stack| stack.kind == Kind::App);
    for stack in stacks {
        if stack.kind == Kind::App {
            containers::until_healthy(aws, stage).await?;
        }
        deploying.outputs.extend(deployed_outputs(aws, &stack).await?);
        let kind = stack.kind;
        deploying.apply(stack).await.with_context(|| match kind {
            Kind::Containers => format!("deploying the tasks, whose log `{}` shows", containers::logs_command(stage)),
            kind => format!("deploying stack {}", kind.name()),
        })?;
    }
    let Deploying { outputs, applied, .. } = deploying;
    let bucket = outputs.get(&(Kind::Bootstrap, ARTIFACTS.to_owned()));
    for (stack, parameters) in &applied {
        stack::protect(aws, stack, bucket, parameters, interaction).await?;
    }
    let url = output(&outputs, Kind::App, "Url")?.to_owned();
    Ok(Deployed { url, outputs, migration })
}

/// The output with the name of the bucket of packages.
const ARTIFACTS: &str = "ArtifactBucket";

/// A deploy in progress.
struct Deploying<'a> {
    aws: &'a AwsClients,
    packages: &'a Packages,
    interaction: Interaction,
    data_loss: DataLoss,
    origin_secret: Option<OriginSecret>,
    outputs: Outputs,
    /// The stacks with their parameters.
    applied: Vec<(Stack, BTreeMap<&'static str, String>)>,
}

impl Deploying<'_> {
    /// Applies the stack, and keeps its outputs for the next ones.
    async fn apply(&mut self, stack: Stack) -> Result<()> {
        let bucket = self.outputs.get(&(Kind::Bootstrap, ARTIFACTS.to_owned()));
        let secret = self.origin_secret.as_ref().map(|secret| &secret.value);
        let parameters = parameters(&stack, &self.outputs, self.packages, secret)?;
        let outputs = stack::apply(self.aws, &stack, bucket, &parameters, self.interaction, self.data_loss).await?;
        self.outputs.extend(outputs.into_iter().map(|(name, value)| ((stack.kind, name), value)));
        self.applied.retain(|(known, _)| known.kind != stack.kind);
        self.applied.push((stack, parameters));
        Ok(())
    }

    fn output(&self, stack: Kind, name: &str) -> Result<&str> {
        output(&self.outputs, stack, name)
    }
}

/// The stacks that are deployed before the release, which migrates the database for the code of tasks.
fn before_release(stage: &Stage) -> Result<Vec<Stack>> {
    Ok(synth::stacks(stage)?.into_iter().filter(|stack| stack.kind != Kind::Containers).collect())
}

/// The outputs of the stack before this deploy.
async fn deployed_outputs(aws: &AwsClients, stack: &Stack) -> Result<Outputs> {
    let outputs = describe::outputs_of(aws, &stack.name).await?;
    Ok(outputs.into_iter().map(|(name, value)| ((stack.kind, name), value)).collect())
}

pub fn output<'a>(outputs: &'a Outputs, stack: Kind, name: &str) -> Result<&'a str> {
    let value = outputs.get(&(stack, name.to_owned()));
    value.map(String::as_str).with_context(|| format!("stack {} has no output {name}", stack.name()))
}

/// The values of a template's parameters.
pub fn parameters(
    stack: &Stack,
    outputs: &Outputs,
    packages: &Packages,
    origin_secret: Option<&Secret>,
) -> Result<BTreeMap<&'static str, String>> {
    let value = |input: &Input| match input {
        Input::Output { stack, name } => output(outputs, *stack, name).map(str::to_owned),
        Input::Code(function) => Ok(packages.get(function)?.key.clone()),
        // Set in `stack.rs`, depending on the deployed stack.
        Input::DeletionProtection => Ok(false.to_string()),
        Input::UserPoolProtection => Ok(user_pool_protection(false).to_owned()),
        Input::OriginSecret(part) => {
            let secret = origin_secret.with_context(|| format!("stack {} has no origin secret", stack.name))?;
            Ok(part.of(secret.reveal()).to_owned())
        }
        Input::Image => packages.image(output(outputs, Kind::Bootstrap, REPOSITORY)?),
        Input::PreviousImage => {
            let image = packages.image(output(outputs, Kind::Bootstrap, REPOSITORY)?)?;
            Ok(containers::previous_image(outputs, &image))
        }
    };
    stack.inputs.iter().map(|(name, input)| Ok((*name, value(input)?))).collect()
}

/// The outputs of a deployed stack.
pub async fn outputs(aws: &AwsClients, stage: &Stage, kind: Kind) -> Result<BTreeMap<String, String>> {
    let name = stage.physical(kind.name());
    let deployed = describe::describe(aws, &name).await?;
    let deployed = deployed.with_context(|| format!("there is no stack {name}: run `{}`", stage.deploy_command()))?;
    Ok(describe::outputs(&deployed))
}

/// Registers the functions as targets: unlike AWS's, the emulator's CloudFormation leaves target groups empty.
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
