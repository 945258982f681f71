//! One stack brought in line with its template, by a change set that is shown before it is executed.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{
    error::ProvideErrorMetadata,
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{
        Capability, ChangeSetStatus, ChangeSetType, Parameter, ResourceChange, ResourceStatus, StackResourceSummary,
        StackStatus,
    },
};
use aws_sdk_s3::primitives::ByteStream;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Data, Manner, change, destroy, watch};
use crate::{
    cloud::{Cloud, explained, said, until},
    say::confirmed,
    stacks::{DELETION_PROTECTION, Stack},
};

pub type Described = aws_sdk_cloudformation::types::Stack;

/// What CloudFormation takes inside a call; more goes through the bucket.
const INLINE: usize = 51_200;
const PLANNED_WITHIN: Duration = Duration::from_mins(10);

/// Applies the template and gives the stack's outputs.
pub async fn apply(
    cloud: &Cloud,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    manner: Manner,
    data: Data,
) -> Result<BTreeMap<String, String>> {
    let found = settled(cloud, stack, manner, data).await?.filter(is_made);
    let stays_protected = stack.protect && found.as_ref().is_some_and(is_protected);
    let parameters = with_protection(stack, parameters, stays_protected);
    let kind = if found.is_some() { ChangeSetType::Update } else { ChangeSetType::Create };
    let mut planned = plan(cloud, stack, bucket, &parameters, kind).await?;
    if let Some(plan) = planned.as_ref().filter(|plan| stays_protected && change::makes_lockable(&plan.changes)) {
        // The replacement of a protected resource is created unprotected: CloudFormation could not roll it back otherwise.
        discard(cloud, plan).await?;
        let parameters = with_protection(stack, &parameters, false);
        planned = self::plan(cloud, stack, bucket, &parameters, ChangeSetType::Update).await?;
    }
    let Some(plan) = planned else {
        say!("{}: no changes", stack.name);
        return finished(cloud, stack).await;
    };
    if let Some(refusal) = change::same_name(&stack.template, &plan.changes)? {
        discard(cloud, &plan).await?;
        bail!("nothing was changed in {}: {refusal}", stack.name);
    }
    execute(cloud, stack, plan, manner, data).await?;
    finished(cloud, stack).await
}

/// Locks what the stack holds, and the stack, against deletion, where the stage says so. It comes after the stage is
/// complete: AWS could not roll back a failed creation of what is locked.
pub async fn protect(
    cloud: &Cloud,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    manner: Manner,
) -> Result<()> {
    if !stack.protect {
        return Ok(());
    }
    let parameters = with_protection(stack, parameters, true);
    if let Some(plan) = plan(cloud, stack, bucket, &parameters, ChangeSetType::Update).await? {
        execute(cloud, stack, plan, manner, Data::Keep).await?;
    }
    set_termination_protection(cloud, &stack.name, true).await
}

/// Shows the changes, asks where that is wanted, makes them and follows them.
async fn execute(cloud: &Cloud, stack: &Stack, plan: Plan, manner: Manner, data: Data) -> Result<()> {
    if manner == Manner::Brief {
        say!("{}: {} to change", stack.name, plan.changes.len());
    } else {
        say!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    }
    if data == Data::Keep
        && let Some(refusal) = change::refusal(&plan.changes)
    {
        discard(cloud, &plan).await?;
        bail!("nothing was changed in {}: {refusal}", stack.name);
    }
    if manner == Manner::Ask && !confirmed("Make these changes?")? {
        discard(cloud, &plan).await?;
        bail!("nothing was changed in {}: the answer was no", stack.name);
    }
    let newest = watch::newest(cloud, &stack.name).await?;
    let execute = cloud.cloudformation.execute_change_set().change_set_name(&plan.id).stack_name(&stack.name);
    said(execute.send()).await.with_context(|| format!("executing the changes of {}", stack.name))?;
    watch::until_done(cloud, &stack.name, newest.as_deref(), manner).await
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

/// Whether what the stack holds is locked against deletion; where it holds nothing that AWS can lock, whether the stack is.
pub fn is_protected(stack: &Described) -> bool {
    let mut parameters = stack.parameters().iter();
    match parameters.find(|parameter| parameter.parameter_key() == Some(DELETION_PROTECTION)) {
        Some(parameter) => parameter.parameter_value() == Some("true"),
        None => stack.enable_termination_protection().unwrap_or_default(),
    }
}

/// Shows what `apply` and `protect` would change in the stack that was found, and changes nothing.
pub async fn preview(
    cloud: &Cloud,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
) -> Result<()> {
    let parameters = with_protection(stack, parameters, stack.protect);
    let Some(plan) = plan(cloud, stack, bucket, &parameters, ChangeSetType::Update).await? else {
        say!("{}: no changes", stack.name);
        return Ok(());
    };
    say!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    discard(cloud, &plan).await
}

/// Whether there is something to change: a creation that failed, or waits for its change set, left nothing.
pub fn is_made(stack: &Described) -> bool {
    stack.stack_status().is_some_and(|status| way(status) == Way::Update)
}

/// Unlocks the stack where its stage wants it unlocked, and gives the outputs.
async fn finished(cloud: &Cloud, stack: &Stack) -> Result<BTreeMap<String, String>> {
    let found = describe(cloud, &stack.name).await?.with_context(|| format!("the stack {} has gone", stack.name))?;
    if found.enable_termination_protection().unwrap_or_default() && !stack.protect {
        set_termination_protection(cloud, &stack.name, false).await?;
    }
    Ok(outputs(&found))
}

async fn set_termination_protection(cloud: &Cloud, name: &str, protect: bool) -> Result<()> {
    let set = cloud.cloudformation.update_termination_protection().stack_name(name);
    let set = said(set.enable_termination_protection(protect).send()).await;
    set.with_context(|| format!("setting the termination protection of {name}")).map(drop)
}

/// How a deploy proceeds with a stack, by its state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Make it by a change set of type CREATE.
    Create,
    /// Change it by a change set of type UPDATE.
    Update,
    /// Wait, and look again.
    Wait,
    /// Finish the rollback that failed, then change it.
    Continue,
    /// Remove what a failed creation or removal has left, then make it.
    Remove,
    /// Nothing: only `destroy` gets further.
    Refuse,
}

/// CloudFormation takes no other operation in each state:
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>. The runbook has the same table.
pub fn way(status: &StackStatus) -> Way {
    match status {
        StackStatus::ReviewInProgress | StackStatus::DeleteComplete => Way::Create,
        StackStatus::CreateFailed
        | StackStatus::RollbackComplete
        | StackStatus::RollbackFailed
        | StackStatus::DeleteFailed => Way::Remove,
        StackStatus::UpdateRollbackFailed => Way::Continue,
        StackStatus::ImportRollbackFailed => Way::Refuse,
        StackStatus::CreateComplete
        | StackStatus::UpdateComplete
        | StackStatus::UpdateFailed
        | StackStatus::UpdateRollbackComplete
        | StackStatus::ImportComplete
        | StackStatus::ImportRollbackComplete => Way::Update,
        status if status.as_str().ends_with("_IN_PROGRESS") => Way::Wait,
        _ => Way::Refuse,
    }
}

/// The stack once it can be made or changed. A deploy that was interrupted left CloudFormation at work; a rollback that
/// failed is finished; what is left of a failed creation or removal is removed, for nothing can be made of it.
async fn settled(cloud: &Cloud, stack: &Stack, manner: Manner, data: Data) -> Result<Option<Described>> {
    let name = &stack.name;
    loop {
        let Some(found) = describe(cloud, name).await? else {
            return Ok(None);
        };
        let status = found.stack_status().cloned().unwrap_or(StackStatus::CreateComplete);
        match way(&status) {
            Way::Create | Way::Update => return Ok(Some(found)),
            Way::Wait => {
                say!("{name}: waiting for what is still under way ({})", status.as_str());
                watch::until_settled(cloud, name).await?;
            }
            Way::Continue => continue_rollback(cloud, name, manner).await?,
            Way::Remove => {
                say!("{name}: removing what is left of it ({})", status.as_str());
                destroy::remove_left_over(cloud, &found, manner, data).await?;
                return Ok(None);
            }
            Way::Refuse => bail!(
                "{name} is in {}, which only its removal ends: `cargo bookstore destroy`, then deploy again",
                status.as_str()
            ),
        }
    }
}

async fn continue_rollback(cloud: &Cloud, name: &str, manner: Manner) -> Result<()> {
    say!("{name}: finishing a rollback that failed");
    let newest = watch::newest(cloud, name).await?;
    let go_on = cloud.cloudformation.continue_update_rollback().stack_name(name);
    said(go_on.send()).await.with_context(|| format!("finishing the rollback of {name}"))?;
    watch::until_rolled_back(cloud, name, newest.as_deref(), manner).await
}

/// The physical ids of a stack's resources of this type; none where there is no stack.
pub async fn owned(cloud: &Cloud, name: &str, kind: &str) -> Result<Vec<String>> {
    if describe(cloud, name).await?.is_none_or(|found| found.stack_status() == Some(&StackStatus::ReviewInProgress)) {
        return Ok(Vec::new());
    }
    let resources = resources(cloud, name).await?.into_iter();
    let of_kind = resources.filter(|resource| resource.resource_type() == Some(kind));
    Ok(of_kind.filter_map(|resource| resource.physical_resource_id).collect())
}

/// The resources of a stack that exist.
pub async fn resources(cloud: &Cloud, name: &str) -> Result<Vec<StackResourceSummary>> {
    let mut resources = Vec::new();
    let mut pages = cloud.cloudformation.list_stack_resources().stack_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).with_context(|| format!("reading the resources of {name}"))?;
        resources.extend(page.stack_resource_summaries.unwrap_or_default());
    }
    resources.retain(|resource| resource.resource_status() != Some(&ResourceStatus::DeleteComplete));
    Ok(resources)
}

pub struct Plan {
    id: String,
    stack: String,
    pub changes: Vec<ResourceChange>,
}

/// Makes the change set; none where there is nothing to change.
pub async fn plan(
    cloud: &Cloud,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
    kind: ChangeSetType,
) -> Result<Option<Plan>> {
    let parameters =
        parameters.iter().map(|(name, value)| Parameter::builder().parameter_key(*name).parameter_value(value).build());
    let mut create = cloud
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
        create.template_url(upload(cloud, bucket, stack, template).await?)
    };
    let created = said(create.send()).await.with_context(|| format!("planning the changes of {}", stack.name))?;
    let id = created.id.context("CloudFormation names no change set")?;
    let described = described(cloud, stack, &id).await?;
    let changes = changes(cloud, stack, &id, &described).await?;
    let plan = Plan { id, stack: stack.name.clone(), changes };
    if described.status() != Some(&ChangeSetStatus::Failed) {
        return Ok(Some(plan));
    }
    let reason = described.status_reason().unwrap_or("CloudFormation says not why");
    if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
        discard(cloud, &plan).await?;
        return Ok(None);
    }
    let named =
        if reason.contains("EarlyValidation") { validations(cloud, stack, &plan.id).await? } else { String::new() };
    discard(cloud, &plan).await?;
    bail!("CloudFormation refuses the changes of {}: {reason}{named}", stack.name)
}

/// The resources that CloudFormation's early validation refuses, a line each: the change set's own reason names none.
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html>
async fn validations(cloud: &Cloud, stack: &Stack, change_set: &str) -> Result<String> {
    let asked = cloud.cloudformation.describe_events().stack_name(&stack.name).change_set_name(change_set);
    let found = said(asked.send()).await.context("asking what the early validation refuses")?;
    let failed = found.operation_events().iter().filter_map(|event| {
        let reason = event.validation_status_reason()?;
        Some(format!("\n  {}: {reason}", event.logical_resource_id().unwrap_or("the template")))
    });
    Ok(failed.collect())
}

/// The change set once it is made, with its first hundred changes.
async fn described(cloud: &Cloud, stack: &Stack, id: &str) -> Result<DescribeChangeSetOutput> {
    until(&format!("planning {}", stack.name), PLANNED_WITHIN, async || {
        let described = page(cloud, stack, id, None).await?;
        let under_way = [ChangeSetStatus::CreatePending, ChangeSetStatus::CreateInProgress];
        Ok((!described.status().is_some_and(|status| under_way.contains(status))).then_some(described))
    })
    .await
}

async fn page(cloud: &Cloud, stack: &Stack, id: &str, token: Option<String>) -> Result<DescribeChangeSetOutput> {
    let describe = cloud.cloudformation.describe_change_set().change_set_name(id).stack_name(&stack.name);
    said(describe.set_next_token(token).send()).await.context("reading the change set")
}

async fn changes(
    cloud: &Cloud,
    stack: &Stack,
    id: &str,
    first: &DescribeChangeSetOutput,
) -> Result<Vec<ResourceChange>> {
    let mut changes: Vec<_> = first.changes().to_vec();
    let mut token = first.next_token.clone();
    while token.is_some() {
        let more = page(cloud, stack, id, token).await?;
        changes.extend_from_slice(more.changes());
        token = more.next_token;
    }
    Ok(changes.into_iter().filter_map(|change| change.resource_change).collect())
}

pub async fn discard(cloud: &Cloud, plan: &Plan) -> Result<()> {
    let delete = cloud.cloudformation.delete_change_set().change_set_name(&plan.id).stack_name(&plan.stack);
    said(delete.send()).await.context("removing the change set")?;
    Ok(())
}

async fn upload(cloud: &Cloud, bucket: &str, stack: &Stack, template: String) -> Result<String> {
    let digest = Sha256::digest(&template);
    let key =
        format!("templates/{}-{:02x}{:02x}{:02x}{:02x}.json", stack.name, digest[0], digest[1], digest[2], digest[3]);
    let put = cloud.s3.put_object().bucket(bucket).key(&key).body(ByteStream::from(template.into_bytes()));
    said(put.send()).await.context("uploading the template")?;
    // By path, which an endpoint that knows no bucket by its host reads as well.
    Ok(format!("https://s3.{}.amazonaws.com/{bucket}/{key}", cloud.region))
}

/// The stack, or none where there is none.
pub async fn describe(cloud: &Cloud, name: &str) -> Result<Option<Described>> {
    match cloud.cloudformation.describe_stacks().stack_name(name).send().await {
        Ok(found) => Ok(found.stacks.unwrap_or_default().into_iter().next()),
        // CloudFormation has no code of its own for it.
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => Ok(None),
        Err(error) => Err(explained(error)).with_context(|| format!("looking at {name}")),
    }
}

pub fn outputs(stack: &Described) -> BTreeMap<String, String> {
    let pairs = stack.outputs().iter();
    pairs.filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Both tell an operator the same of every state that CloudFormation has.
    #[test]
    fn the_runbook_says_of_every_state_what_a_deploy_does() {
        let runbook = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/runbook.md");
        let runbook = fs::read_to_string(runbook).unwrap();
        let row = |status: &str| runbook.lines().find(|line| line.starts_with(&format!("| `{status}` |")));
        for status in StackStatus::values() {
            let words = match way(&StackStatus::from(*status)) {
                Way::Create => "creates it",
                Way::Update => "changes it",
                Way::Wait => "waits",
                Way::Continue => "finishes the rollback",
                Way::Remove => "removes what is left",
                Way::Refuse => "refuses",
            };
            let row = if status.ends_with("_IN_PROGRESS") && *status != "REVIEW_IN_PROGRESS" {
                row("…_IN_PROGRESS")
            } else {
                row(status)
            };
            let row = row.unwrap_or_else(|| panic!("docs/runbook.md has no row for {status}"));
            assert!(row.contains(words), "{status}: {words} is not in {row}");
        }
    }
}
