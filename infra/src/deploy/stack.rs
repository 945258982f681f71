//! One stack brought in line with its template, by a change set that is shown before it is executed.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::{
    error::ProvideErrorMetadata,
    operation::describe_change_set::DescribeChangeSetOutput,
    types::{Capability, ChangeSetStatus, ChangeSetType, Parameter, ResourceChange, StackStatus},
};
use aws_sdk_s3::primitives::ByteStream;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{Data, Manner, change, watch};
use crate::{
    cloud::{Cloud, explained, said, until},
    say::confirmed,
    stacks::Stack,
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
    let known = settled(cloud, &stack.name).await?.is_some_and(|found| is_made(&found));
    let kind = if known { ChangeSetType::Update } else { ChangeSetType::Create };
    let Some(plan) = plan(cloud, stack, bucket, parameters, kind).await? else {
        say!("{}: no changes", stack.name);
        return finished(cloud, stack).await;
    };
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
    watch::until_done(cloud, &stack.name, newest.as_deref(), manner).await?;
    finished(cloud, stack).await
}

/// Shows what `apply` would change, and changes nothing.
pub async fn preview(
    cloud: &Cloud,
    stack: &Stack,
    bucket: Option<&String>,
    parameters: &BTreeMap<&'static str, String>,
) -> Result<()> {
    let Some(plan) = plan(cloud, stack, bucket, parameters, ChangeSetType::Update).await? else {
        say!("{}: no changes", stack.name);
        return Ok(());
    };
    say!("\n{}:\n{}", stack.name, change::table(&plan.changes));
    discard(cloud, &plan).await
}

/// Whether there is something to change: a creation that failed, or waits for its change set, left nothing.
pub fn is_made(stack: &Described) -> bool {
    let nothing = [StackStatus::ReviewInProgress, StackStatus::RollbackComplete, StackStatus::RollbackFailed];
    stack.stack_status().is_some_and(|status| !nothing.contains(status))
}

/// Locks the stack against deletion, or unlocks it, as its stage says, and gives the outputs.
async fn finished(cloud: &Cloud, stack: &Stack) -> Result<BTreeMap<String, String>> {
    let found = describe(cloud, &stack.name).await?.with_context(|| format!("the stack {} has gone", stack.name))?;
    if found.enable_termination_protection().unwrap_or_default() != stack.termination_protection {
        let protect = cloud.cloudformation.update_termination_protection().stack_name(&stack.name);
        let protect = protect.enable_termination_protection(stack.termination_protection);
        said(protect.send()).await.with_context(|| format!("protecting {}", stack.name))?;
    }
    Ok(outputs(&found))
}

/// The stack as it is, once nothing is under way in it: a deploy that was interrupted left CloudFormation at work.
/// What is left of a first creation that failed is removed, for nothing can be made of it.
async fn settled(cloud: &Cloud, name: &str) -> Result<Option<Described>> {
    let Some(found) = describe(cloud, name).await? else {
        return Ok(None);
    };
    let status = found.stack_status().cloned().unwrap_or(StackStatus::CreateComplete);
    if watch::is_under_way(&status) {
        say!("{name}: waiting for what is still under way ({})", status.as_str());
        watch::until_settled(cloud, name).await?;
        return Box::pin(settled(cloud, name)).await;
    }
    match status {
        StackStatus::RollbackComplete | StackStatus::RollbackFailed => {
            say!("{name}: removing what is left of a creation that failed");
            let delete = cloud.cloudformation.delete_stack().stack_name(name);
            said(delete.send()).await.with_context(|| format!("removing {name}"))?;
            watch::until_gone(cloud, name).await?;
            Ok(None)
        }
        StackStatus::UpdateRollbackFailed => bail!(
            "{name} is stuck after a failed rollback: `aws cloudformation continue-update-rollback --stack-name {name}`"
        ),
        _ => Ok(Some(found)),
    }
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
    discard(cloud, &plan).await?;
    let reason = described.status_reason().unwrap_or("CloudFormation says not why");
    if reason.contains("didn't contain changes") || reason.contains("No updates are to be performed") {
        return Ok(None);
    }
    bail!("CloudFormation refuses the changes of {}: {reason}", stack.name)
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
