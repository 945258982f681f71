//! What CloudFormation does, while it does it, and why it failed where it did.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::types::{StackEvent, StackStatus};

use super::{Interaction, describe};
use crate::aws::{AwsClients, call, explained, poll_until};

/// A database in two zones takes its time.
const DONE_WITHIN: Duration = Duration::from_mins(90);

/// Follows the stack until an event after `newest` says that it is done; a failure is told with AWS's own reason for the
/// resource that failed first.
pub async fn until_done(aws: &AwsClients, name: &str, newest: Option<&str>, interaction: Interaction) -> Result<()> {
    let end = follow(aws, name, newest, interaction).await?;
    if ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&end.as_str()) {
        return Ok(());
    }
    bail!(
        "{name} could not be changed and was rolled back ({end}):\n{}",
        root_causes(&events(aws, name, newest).await?)
    )
}

/// Follows a rollback that goes on.
pub async fn until_rolled_back(
    aws: &AwsClients,
    name: &str,
    newest: Option<&str>,
    interaction: Interaction,
) -> Result<()> {
    let end = follow(aws, name, newest, interaction).await?;
    if end == "UPDATE_ROLLBACK_COMPLETE" {
        return Ok(());
    }
    let events = events(aws, name, newest).await?;
    bail!(
        "the rollback of {name} failed again ({end}):\n{}\nmend that and deploy again, or leave these resources as they \
         are: `aws cloudformation continue-update-rollback --stack-name {name} --resources-to-skip {}`",
        root_causes(&events),
        failed_resources(&events).join(" ")
    )
}

/// Follows a removal in the same way. It takes the stack's id, for what is removed has no name any more.
pub async fn until_removed(aws: &AwsClients, id: &str, newest: Option<&str>, interaction: Interaction) -> Result<()> {
    if follow(aws, id, newest, interaction).await? == "DELETE_COMPLETE" {
        return Ok(());
    }
    let events = events(aws, id, newest).await?;
    bail!(
        "AWS could not remove these:\n{}\nmend that and run the same command again, or leave them behind: `aws \
         cloudformation delete-stack --stack-name {id} --retain-resources {}`",
        root_causes(&events),
        failed_resources(&events).join(" ")
    )
}

/// Tells the events after `newest` until one of them ends it. The stack's status alone would not do: it may still be the
/// one from before.
async fn follow(aws: &AwsClients, stack: &str, newest: Option<&str>, interaction: Interaction) -> Result<String> {
    let mut told = BTreeSet::new();
    poll_until(stack, DONE_WITHIN, async || {
        let events = events(aws, stack, newest).await?;
        for event in events.iter().filter(|_| interaction != Interaction::Quiet) {
            if told.insert(event.event_id().unwrap_or_default().to_owned()) {
                tell(event);
            }
        }
        if let Some(end) = events.iter().rev().find(|event| is_end(event)) {
            return Ok(Some(status(end).to_owned()));
        }
        // A stack that never held anything goes without an event.
        let found = describe::describe(aws, stack).await?.and_then(|found| found.stack_status);
        Ok(found.filter(|status| *status == StackStatus::DeleteComplete).map(|status| status.as_str().to_owned()))
    })
    .await
}

/// Whether the stack itself has come to rest with this event.
fn is_end(event: &StackEvent) -> bool {
    event.physical_resource_id() == event.stack_id() && !status(event).ends_with("_IN_PROGRESS")
}

fn status(event: &StackEvent) -> &str {
    event.resource_status().map_or("", |status| status.as_str())
}

/// Waits for what somebody else, or an interrupted deploy, has under way.
pub async fn until_settled(aws: &AwsClients, name: &str) -> Result<()> {
    poll_until(name, DONE_WITHIN, async || settled_status(aws, name).await).await.map(drop)
}

/// A stack whose removal was under way has no status any more, by its name.
async fn settled_status(aws: &AwsClients, name: &str) -> Result<Option<StackStatus>> {
    let Some(found) = describe::describe(aws, name).await? else { return Ok(Some(StackStatus::DeleteComplete)) };
    let status = found.stack_status().cloned().context("CloudFormation names no status")?;
    Ok((!is_under_way(&status)).then_some(status))
}

pub fn is_under_way(status: &StackStatus) -> bool {
    *status != StackStatus::ReviewInProgress && status.as_str().ends_with("_IN_PROGRESS")
}

/// The id of the newest event: what is begun now comes after it.
pub async fn newest(aws: &AwsClients, stack: &str) -> Result<Option<String>> {
    let asked = call(aws.cloudformation.describe_stack_events().stack_name(stack).send()).await;
    let page = asked.context("reading the stack's events")?;
    Ok(page.stack_events().first().and_then(|event| event.event_id()).map(str::to_owned))
}

/// The events after `newest`, oldest first. CloudFormation gives them newest first, a hundred or so a page.
async fn events(aws: &AwsClients, stack: &str, newest: Option<&str>) -> Result<Vec<StackEvent>> {
    let mut events = Vec::new();
    let mut pages = aws.cloudformation.describe_stack_events().stack_name(stack).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).context("reading the stack's events")?.stack_events.unwrap_or_default();
        let new = page.iter().position(|event| newest.is_some() && event.event_id() == newest);
        events.extend(page.iter().take(new.unwrap_or(page.len())).cloned());
        if new.is_some() {
            break;
        }
    }
    events.reverse();
    Ok(events)
}

fn tell(event: &StackEvent) {
    let status = status(event);
    let reason = event.resource_status_reason().map(|reason| format!("  {reason}")).unwrap_or_default();
    outln!("  {status:<28} {}{reason}", event.logical_resource_id().unwrap_or_default());
}

/// The events of resources that failed by themselves, not of those that were cancelled because of them, nor of the stack.
fn failures(events: &[StackEvent]) -> impl Iterator<Item = &StackEvent> {
    events.iter().filter(|event| {
        let cancelled = event.resource_status_reason().is_some_and(|reason| reason.contains("cancelled"));
        let is_stack = event.physical_resource_id().is_some() && event.physical_resource_id() == event.stack_id();
        status(event).ends_with("_FAILED") && !cancelled && !is_stack
    })
}

/// Their names in the template, each once.
fn failed_resources(events: &[StackEvent]) -> Vec<&str> {
    let names: BTreeSet<_> = failures(events).filter_map(|event| event.logical_resource_id()).collect();
    names.into_iter().collect()
}

fn root_causes(events: &[StackEvent]) -> String {
    let lines: Vec<String> = failures(events)
        .map(|event| {
            let kind = event.resource_type().unwrap_or_default();
            let reason = event.resource_status_reason().unwrap_or("AWS says not why");
            format!("  {} ({kind}): {reason}", event.logical_resource_id().unwrap_or_default())
        })
        .collect();
    if lines.is_empty() {
        "  CloudFormation names no resource: look at the stack's events".to_owned()
    } else {
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::{primitives::DateTime, types::ResourceStatus};

    use super::*;

    fn event(resource: &str, status: ResourceStatus, reason: &str) -> StackEvent {
        StackEvent::builder()
            .stack_id("s")
            .event_id(resource)
            .stack_name("s")
            .timestamp(DateTime::from_secs(0))
            .logical_resource_id(resource)
            .resource_type("AWS::EC2::Subnet")
            .resource_status(status)
            .resource_status_reason(reason)
            .build()
    }

    #[test]
    fn the_root_cause_is_told_and_not_what_was_cancelled_with_it() {
        let text = root_causes(&[
            event("Vpc", ResourceStatus::CreateComplete, ""),
            event("Subnet1", ResourceStatus::CreateFailed, "The CIDR '10.0.0.0/99' is invalid"),
            event("Subnet2", ResourceStatus::CreateFailed, "Resource creation cancelled"),
        ]);
        assert_eq!(text, "  Subnet1 (AWS::EC2::Subnet): The CIDR '10.0.0.0/99' is invalid");
    }

    #[test]
    fn a_stack_that_only_waits_for_its_change_set_is_not_under_way() {
        assert!(is_under_way(&StackStatus::UpdateInProgress));
        assert!(is_under_way(&StackStatus::UpdateCompleteCleanupInProgress));
        assert!(!is_under_way(&StackStatus::ReviewInProgress));
        assert!(!is_under_way(&StackStatus::RollbackComplete));
    }
}
