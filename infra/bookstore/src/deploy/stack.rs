//! One stack brought in line with its template, by a change set that is shown before it is executed.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, ResourceChange, StackStatus},
};
use aws_sdk_s3::primitives::ByteStream;
use infra::stacks::{DELETION_PROTECTION, Stack};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{
    DataLoss, DeployedStack, Interaction, change,
    describe::{describe, is_made, is_protected, outputs},
    removal, stack_events,
    stack_status::{NextStep, next_step},
};
use crate::{
    aws::{AwsClients, call, poll_until},
    output::confirmed,
};

/// What CloudFormation takes inside a call; more goes through the bucket.
const INLINE: usize = 51_200;
const PLANNED_WITHIN: Duration = Duration::from_mins(10);

/// Applies the template and gives the stack's outputs.
pub async fn apply(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<BTreeMap<String, String>> {
    let found = settled(aws, stack, interaction, data_loss).await?.filter(is_made);
    let stays_protected = stack.protect && found.as_ref().is_some_and(is_protected);
    let parameters = with_protection(stack, parameters, stays_protected);
    let kind = if found.is_some() { ChangeSetType::Update } else { ChangeSetType::Create };
    let mut planned = plan(aws, stack, bucket, &parameters, kind).await?;
    if let Some(plan) = planned.as_ref().filter(|plan| stays_protected && change::makes_lockable(&plan.changes)) {
        // The replacement of a protected resource is created unprotected: CloudFormation could not roll it back otherwise.
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

/// Locks what the stack holds, and the stack, against deletion, where the stage says so. It comes after the stage is
/// complete: AWS could not roll back a failed creation of what is locked.
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

/// Shows the changes, asks where that is wanted, makes them and follows them.
async fn execute(
    aws: &AwsClients,
    stack: &Stack,
    plan: Plan,
    interaction: Interaction,
    data_loss: DataLoss,
) -> Result<()> {
    if interaction == Interaction::Quiet {
        outln!("{}: {} to change", stack.name, plan.changes.len());
    } else {
        outln!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    }
    if data_loss == DataLoss::Forbid
        && let Some(refusal) = change::refusal(&plan.changes)
    {
        discard(aws, &plan).await?;
        bail!("nothing was changed in {}: {refusal}", stack.name);
    }
    if interaction == Interaction::Confirm && !confirmed("Make these changes?")? {
        discard(aws, &plan).await?;
        bail!("nothing was changed in {}: the answer was no", stack.name);
    }
    let newest = stack_events::newest(aws, &stack.name).await?;
    let execute = aws.cloudformation.execute_change_set().change_set_name(&plan.id).stack_name(&stack.name);
    call(execute.send()).await.with_context(|| format!("executing the changes of {}", stack.name))?;
    stack_events::until_done(aws, &stack.name, newest.as_deref(), interaction).await
}

/// The parameters with the one that switches deletion protection, where the stack has it.
fn with_protection(
    stack: &Stack,
    parameters: &BTreeMap<&'static str, String>,
    protect: bool,
) -> BTreeMap<&'static str, String> {
    let mut parameters = parameters.clone();
    if stack.inputs.contains_key(DELETION_PROTECTION) {
        parameters.insert(DELETION_PROTECTION, protect.to_string());
    }
    parameters
}

/// Shows what `apply` and `protect` would change in the stack that was found, and changes nothing.
pub async fn preview(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
) -> Result<()> {
    let parameters = with_protection(stack, parameters, stack.protect);
    let Some(plan) = plan(aws, stack, bucket, &parameters, ChangeSetType::Update).await? else {
        outln!("{}: no changes", stack.name);
        return Ok(());
    };
    outln!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    discard(aws, &plan).await
}

/// Unlocks the stack where its stage wants it unlocked, and gives the outputs.
async fn finished(aws: &AwsClients, stack: &Stack) -> Result<BTreeMap<String, String>> {
    let found = describe(aws, &stack.name).await?.with_context(|| format!("the stack {} has gone", stack.name))?;
    if found.enable_termination_protection().unwrap_or_default() && !stack.protect {
        set_termination_protection(aws, &stack.name, false).await?;
    }
    Ok(outputs(&found))
}

async fn set_termination_protection(aws: &AwsClients, name: &str, protect: bool) -> Result<()> {
    let set = aws.cloudformation.update_termination_protection().stack_name(name);
    let set = call(set.enable_termination_protection(protect).send()).await;
    set.with_context(|| format!("setting the termination protection of {name}")).map(drop)
}

/// The stack once it can be made or changed. A deploy that was interrupted left CloudFormation at work; a rollback that
/// failed is finished; what is left of a failed creation or removal is removed, for nothing can be made of it.
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
                outln!("{name}: waiting for what is still under way ({})", status.as_str());
                stack_events::until_settled(aws, name).await?;
            }
            NextStep::Continue => continue_rollback(aws, name, interaction).await?,
            NextStep::Remove => {
                outln!("{name}: removing what is left of it ({})", status.as_str());
                removal::remove_left_over(aws, &found, interaction, data_loss).await?;
                return Ok(None);
            }
            NextStep::Refuse => bail!(
                "{name} is in {}, which only its removal ends: `cargo bookstore destroy`, then deploy again",
                status.as_str()
            ),
        }
    }
}

async fn continue_rollback(aws: &AwsClients, name: &str, interaction: Interaction) -> Result<()> {
    outln!("{name}: finishing a rollback that failed");
    let newest = stack_events::newest(aws, name).await?;
    let go_on = aws.cloudformation.continue_update_rollback().stack_name(name);
    call(go_on.send()).await.with_context(|| format!("finishing the rollback of {name}"))?;
    stack_events::until_rolled_back(aws, name, newest.as_deref(), interaction).await
}

pub struct Plan {
    id: String,
    stack: String,
    pub changes: Vec<ResourceChange>,
}

/// Makes the change set; none where there is nothing to change.
pub async fn plan(
    aws: &AwsClients,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    kind: ChangeSetType,
) -> Result<Option<Plan>> {
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
    let created = call(create.send()).await.with_context(|| format!("planning the changes of {}", stack.name))?;
    let id = created.id.context("CloudFormation names no change set")?;
    let described = described(aws, stack, &id).await?;
    let changes = changes(aws, stack, &id, &described).await?;
    let plan = Plan { id, stack: stack.name.clone(), changes };
    if described.status() != Some(&ChangeSetStatus::Failed) {
        return Ok(Some(plan));
    }
    let reason = described.status_reason().unwrap_or("CloudFormation says not why");
    if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
        discard(aws, &plan).await?;
        return Ok(None);
    }
    let named =
        if reason.contains("EarlyValidation") { validations(aws, stack, &plan.id).await? } else { String::new() };
    discard(aws, &plan).await?;
    bail!("CloudFormation refuses the changes of {}: {reason}{named}", stack.name)
}

/// The resources that CloudFormation's early validation refuses, a line each: the change set's own reason names none.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>
async fn validations(aws: &AwsClients, stack: &Stack, change_set: &str) -> Result<String> {
    let asked = aws.cloudformation.describe_events().stack_name(&stack.name).change_set_name(change_set);
    let found = call(asked.send()).await.context("asking what the early validation refuses")?;
    let failed = found.operation_events().iter().filter_map(|event| {
        let reason = event.validation_status_reason()?;
        Some(format!("\n  {}: {reason}", event.logical_resource_id().unwrap_or("the template")))
    });
    Ok(failed.collect())
}

/// The change set once it is made, with its first hundred changes.
async fn described(aws: &AwsClients, stack: &Stack, id: &str) -> Result<DescribeChangeSetOutput> {
    poll_until(&format!("planning {}", stack.name), PLANNED_WITHIN, async || {
        let described = page(aws, stack, id, None).await?;
        let under_way = [ChangeSetStatus::CreatePending, ChangeSetStatus::CreateInProgress];
        Ok((!described.status().is_some_and(|status| under_way.contains(status))).then_some(described))
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

pub async fn discard(aws: &AwsClients, plan: &Plan) -> Result<()> {
    let delete = aws.cloudformation.delete_change_set().change_set_name(&plan.id).stack_name(&plan.stack);
    call(delete.send()).await.context("removing the change set")?;
    Ok(())
}

async fn upload(aws: &AwsClients, bucket: &str, stack: &Stack, template: String) -> Result<String> {
    let digest = Sha256::digest(&template);
    let key =
        format!("templates/{}-{:02x}{:02x}{:02x}{:02x}.json", stack.name, digest[0], digest[1], digest[2], digest[3]);
    let put = aws.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(template.into_bytes()));
    call(put.send()).await.context("uploading the template")?;
    // By path, which an endpoint that knows no bucket by its host reads as well.
    Ok(format!("https://s3.{}.amazonaws.com/{bucket}/{key}", aws.region))
}
