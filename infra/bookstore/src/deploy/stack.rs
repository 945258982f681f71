//! Deploys one stack by a change set that is printed before it is executed.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, ResourceChange, StackStatus},
};
use aws_sdk_rds::{error::SdkError, operation::describe_db_instances::DescribeDBInstancesError};
use aws_sdk_s3::primitives::ByteStream;
use infra::{
    stacks::{DELETION_PROTECTION, Stack, USER_POOL_PROTECTION, user_pool_protection},
    stage::command,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    DataLoss, DeployedStack, Interaction, change,
    describe::{describe, is_protected, is_updatable, outputs},
    removal, stack_events,
    stack_status::{NextStep, next_step},
};
use crate::{
    aws::{AwsClients, call, explained, poll_until},
    output::confirm,
};

/// Largest template, in bytes, inside an API call; a larger one is uploaded to the artifact bucket.
const INLINE: usize = 51_200;
const CHANGE_SET_TIMEOUT: Duration = Duration::from_mins(10);

/// Creates or updates the stack and returns its outputs.
///
/// # Errors
/// The change set loses data that `data_loss` forbids to lose, is declined, or fails.
pub async fn apply(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<BTreeMap<String, String>> {
    let found = settled(aws, stack, interaction, data_loss).await?.filter(is_updatable);
    let stays_protected = stack.protect && found.as_ref().is_some_and(is_protected);
    let parameters = with_protection(stack, parameters, stays_protected);
    let kind = if found.is_some() { ChangeSetType::Update } else { ChangeSetType::Create };
    let mut planned = plan(aws, stack, bucket, &parameters, kind).await?;
    if let Some(plan) = planned.as_ref().filter(|plan| stays_protected && change::makes_lockable(&plan.changes)) {
        // The replacement of a protected resource is created unprotected, so that CloudFormation can roll it back.
        discard(aws, plan).await?;
        let parameters = with_protection(stack, &parameters, false);
        planned = self::plan(aws, stack, bucket, &parameters, ChangeSetType::Update).await?;
    }
    let Some(plan) = planned else {
        outln!("{}: no changes", stack.name);
        return finished(aws, stack).await;
    };
    if let Some(refusal) = change::same_name(&stack.template, &plan.changes)? {
        discard(aws, &plan).await?;
        bail!("nothing was changed in {}: {refusal}", stack.name);
    }
    execute(aws, stack, plan, interaction, data_loss).await?;
    finished(aws, stack).await
}

/// Enables the deletion protection of the stack's resources and the termination protection of the stack, if the stage is
/// protected. It runs when the stage is complete, because AWS cannot roll back a failed creation of protected resources.
pub async fn protect(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    interaction: Interaction,
) -> Result<()> {
    if !stack.protect {
        return Ok(());
    }
    let parameters = with_protection(stack, parameters, true);
    if let Some(plan) = plan(aws, stack, bucket, &parameters, ChangeSetType::Update).await? {
        execute(aws, stack, plan, interaction, DataLoss::Forbid).await?;
    }
    set_termination_protection(aws, &stack.name, true).await
}

/// Prints the changes, asks for confirmation if wanted, executes them and follows the events.
async fn execute(
    aws: &AwsClients,
    stack: &Stack,
    plan: ChangeSet,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<()> {
    if interaction == Interaction::Quiet {
        outln!("{}: {} to change", stack.name, plan.changes.len());
    } else {
        outln!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    }
    if data_loss == DataLoss::Forbid
        && let Some(refusal) = change::refusal(&plan.changes, &promoted(aws, &plan.changes).await?)
    {
        discard(aws, &plan).await?;
        bail!("nothing was changed in {}: {refusal}", stack.name);
    }
    let unchanged = format!("nothing was changed in {}", stack.name);
    if let Err(declined) = confirm("Make these changes?", interaction != Interaction::Confirm, &unchanged) {
        discard(aws, &plan).await?;
        return Err(declined);
    }
    let newest = stack_events::newest(aws, &stack.name).await?;
    let execute = aws.cloudformation.execute_change_set().change_set_name(&plan.id).stack_name(&stack.name);
    call(execute.send()).await.with_context(|| format!("executing the changes of {}", stack.name))?;
    stack_events::until_done(aws, &stack.name, newest.as_deref(), interaction).await
}

/// The changed replicas that RDS has made instances of their own: it does so when their primary is deleted.
async fn promoted(aws: &AwsClients, changes: &[ResourceChange]) -> Result<BTreeSet<String>> {
    let mut promoted = BTreeSet::new();
    for name in change::changed_replicas(changes) {
        let found = aws.rds.describe_db_instances().db_instance_identifier(name).send().await;
        let refused = found.as_ref().err().and_then(SdkError::as_service_error);
        if refused.is_some_and(DescribeDBInstancesError::is_db_instance_not_found_fault) {
            continue;
        }
        let found = found.map_err(explained).with_context(|| format!("describing the instance {name}"))?;
        let instance = found.db_instances().first();
        if instance.is_some_and(|instance| instance.read_replica_source_db_instance_identifier().is_none()) {
            promoted.insert(name.to_owned());
        }
    }
    Ok(promoted)
}

/// The parameters, with deletion protection set if the stack has that parameter.
fn with_protection(
    stack: &Stack,
    parameters: &BTreeMap<&'static str, String>,
    protect: bool,
) -> BTreeMap<&'static str, String> {
    let mut parameters = parameters.clone();
    if stack.inputs.contains_key(DELETION_PROTECTION) {
        parameters.insert(DELETION_PROTECTION, protect.to_string());
    }
    if stack.inputs.contains_key(USER_POOL_PROTECTION) {
        parameters.insert(USER_POOL_PROTECTION, user_pool_protection(protect).to_owned());
    }
    parameters
}

/// Prints and returns what `apply` and `protect` would change in an existing stack.
pub async fn preview(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
) -> Result<Vec<ResourceChange>> {
    let parameters = with_protection(stack, parameters, stack.protect);
    let Some(plan) = plan(aws, stack, bucket, &parameters, ChangeSetType::Update).await? else {
        outln!("{}: no changes", stack.name);
        return Ok(Vec::new());
    };
    outln!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    discard(aws, &plan).await?;
    Ok(plan.changes)
}

/// Disables termination protection that the stage does not want any more, and returns the outputs.
async fn finished(aws: &AwsClients, stack: &Stack) -> Result<BTreeMap<String, String>> {
    let found = describe(aws, &stack.name).await?.with_context(|| format!("the stack {} disappeared", stack.name))?;
    if found.enable_termination_protection().unwrap_or_default() && !stack.protect {
        set_termination_protection(aws, &stack.name, false).await?;
    }
    Ok(outputs(&found))
}

pub async fn set_termination_protection(aws: &AwsClients, name: &str, protect: bool) -> Result<()> {
    let set = aws.cloudformation.update_termination_protection().stack_name(name);
    let set = call(set.enable_termination_protection(protect).send()).await;
    set.with_context(|| format!("setting the termination protection of {name}")).map(drop)
}

/// The stack when it can be created or updated: waits for an operation in progress, continues a failed rollback, and
/// removes the rest of a failed creation or removal, which CloudFormation cannot update.
async fn settled(
    aws: &AwsClients,
    stack: &Stack,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<Option<DeployedStack>> {
    let name = &stack.name;
    loop {
        let Some(found) = describe(aws, name).await? else {
            return Ok(None);
        };
        let status = found.stack_status().cloned().unwrap_or(StackStatus::CreateComplete);
        match next_step(&status) {
            NextStep::Create | NextStep::Update => return Ok(Some(found)),
            NextStep::Wait => {
                outln!("{name}: waiting for an operation in progress ({})", status.as_str());
                stack_events::until_idle(aws, name).await?;
            }
            NextStep::Continue => continue_rollback(aws, name, interaction).await?,
            NextStep::Remove => {
                outln!("{name}: removing the rest of a failed operation ({})", status.as_str());
                removal::remove_left_over(aws, &stack.stage, &found, interaction, data_loss).await?;
                return Ok(None);
            }
            NextStep::Refuse => bail!(
                "{name} has status {}, which allows only its removal: run `{}`, then deploy again",
                status.as_str(),
                command(&stack.stage, "destroy")
            ),
        }
    }
}

async fn continue_rollback(aws: &AwsClients, name: &str, interaction: Interaction) -> Result<()> {
    outln!("{name}: continuing a failed rollback");
    let newest = stack_events::newest(aws, name).await?;
    let go_on = aws.cloudformation.continue_update_rollback().stack_name(name);
    call(go_on.send()).await.with_context(|| format!("continuing the rollback of {name}"))?;
    stack_events::until_rolled_back(aws, name, newest.as_deref(), interaction).await
}

pub struct ChangeSet {
    id: String,
    stack: String,
    pub changes: Vec<ResourceChange>,
}

/// Creates the change set; `None` if there is nothing to change.
pub async fn plan(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    kind: ChangeSetType,
) -> Result<Option<ChangeSet>> {
    let parameters =
        parameters.iter().map(|(name, value)| Parameter::builder().parameter_key(*name).parameter_value(value).build());
    let mut create = aws
        .cloudformation
        .create_change_set()
        .stack_name(&stack.name)
        .change_set_name(format!("deploy-{}", OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000))
        .change_set_type(kind)
        .capabilities(Capability::CapabilityNamedIam)
        .set_parameters(Some(parameters.collect()));
    let template = serde_json::to_string(&stack.template)?;
    create = if template.len() <= INLINE {
        create.template_body(template)
    } else {
        let bucket = bucket.context("a template this large needs the artifact bucket")?;
        create.template_url(upload(aws, bucket, stack, template).await?)
    };
    let created = call(create.send()).await.with_context(|| format!("creating the change set of {}", stack.name))?;
    let id = created.id.context("CloudFormation returned no id of the change set")?;
    let described = described(aws, stack, &id).await?;
    let changes = changes(aws, stack, &id, &described).await?;
    let plan = ChangeSet { id, stack: stack.name.clone(), changes };
    if described.status() != Some(&ChangeSetStatus::Failed) {
        return Ok(Some(plan));
    }
    let reason = described.status_reason().unwrap_or("CloudFormation gave no reason");
    if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
        discard(aws, &plan).await?;
        return Ok(None);
    }
    let named =
        if reason.contains("EarlyValidation") { validations(aws, stack, &plan.id).await? } else { String::new() };
    discard(aws, &plan).await?;
    bail!("CloudFormation refuses the changes of {}: {reason}{named}", stack.name)
}

/// The findings of CloudFormation's early validation, one line for each resource; the change set's reason has no names.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>
async fn validations(aws: &AwsClients, stack: &Stack, change_set: &str) -> Result<String> {
    let asked = aws.cloudformation.describe_events().stack_name(&stack.name).change_set_name(change_set);
    let found = call(asked.send()).await.context("reading the findings of the early validation")?;
    let failed = found.operation_events().iter().filter_map(|event| {
        let reason = event.validation_status_reason()?;
        Some(format!("\n  {}: {reason}", event.logical_resource_id().unwrap_or("the template")))
    });
    Ok(failed.collect())
}

/// The finished change set with its first hundred changes.
async fn described(aws: &AwsClients, stack: &Stack, id: &str) -> Result<DescribeChangeSetOutput> {
    poll_until(&format!("the change set of {}", stack.name), CHANGE_SET_TIMEOUT, async || {
        let described = page(aws, stack, id, None).await?;
        let in_progress = [ChangeSetStatus::CreatePending, ChangeSetStatus::CreateInProgress];
        Ok((!described.status().is_some_and(|status| in_progress.contains(status))).then_some(described))
    })
    .await
}

async fn page(aws: &AwsClients, stack: &Stack, id: &str, token: Option<String>) -> Result<DescribeChangeSetOutput> {
    let describe = aws.cloudformation.describe_change_set().change_set_name(id).stack_name(&stack.name);
    call(describe.set_next_token(token).send()).await.context("reading the change set")
}

async fn changes(
    aws: &AwsClients,
    stack: &Stack,
    id: &str,
    first: &DescribeChangeSetOutput,
) -> Result<Vec<ResourceChange>> {
    let mut changes: Vec<_> = first.changes().to_vec();
    let mut token = first.next_token.clone();
    while token.is_some() {
        let more = page(aws, stack, id, token).await?;
        changes.extend_from_slice(more.changes());
        token = more.next_token;
    }
    Ok(changes.into_iter().filter_map(|change| change.resource_change).collect())
}

pub async fn discard(aws: &AwsClients, plan: &ChangeSet) -> Result<()> {
    let delete = aws.cloudformation.delete_change_set().change_set_name(&plan.id).stack_name(&plan.stack);
    call(delete.send()).await.context("deleting the change set")?;
    Ok(())
}

async fn upload(aws: &AwsClients, bucket: &str, stack: &Stack, template: String) -> Result<String> {
    let digest = Sha256::digest(&template);
    let key =
        format!("templates/{}-{:02x}{:02x}{:02x}{:02x}.json", stack.name, digest[0], digest[1], digest[2], digest[3]);
    let put = aws.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(template.into_bytes()));
    call(put.send()).await.context("uploading the template")?;
    // Path style, which the emulator reads as well.
    Ok(format!("https://s3.{}.amazonaws.com/{bucket}/{key}", aws.region))
}
