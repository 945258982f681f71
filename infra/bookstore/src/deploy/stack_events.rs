//! Follows the events of a stack operation and reports the root cause of a failure.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use aws_sdk_cloudformation::types::{StackEvent, StackStatus};

use super::{Interaction, describe};
use crate::aws::{AwsClients, call, explained, poll_until};

/// A Multi-AZ database takes long.
const TIMEOUT: Duration = Duration::from_mins(90);

/// Follows the events after `newest` until the operation has ended.
///
/// # Errors
/// The operation failed; the message has AWS's reason for each resource that failed by itself.
pub async fn until_done(aws: &AwsClients, name: &str, newest: Option<&str>, interaction: Interaction) -> Result<()> {
    let end = follow(aws, name, newest, interaction).await?;
    if ["CREATE_COMPLETE", "UPDATE_COMPLETE"].contains(&end.as_str()) {
        return Ok(());
    }
    bail!("{}:\n{}", failure(name, &end), root_causes(&events(aws, name, newest).await?))
}

/// What a failed operation leaves behind, by the status at its end. A rollback can fail as well.
fn failure(name: &str, end: &str) -> String {
    if ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"].contains(&end) {
        format!("the change of {name} failed and was rolled back ({end})")
    } else {
        format!("the change of {name} failed and ended in {end}; fix the cause and deploy again")
    }
}

/// Follows a continued rollback.
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
        "the rollback of {name} failed again ({end}):\n{}\nfix the cause and deploy again, or skip these resources: \
         `aws cloudformation continue-update-rollback --stack-name {name} --resources-to-skip {}`",
        root_causes(&events),
        failed_resources(&events).join(" ")
    )
}

/// Follows a removal. It takes the stack's id, because a removed stack is not found by name.
pub async fn until_removed(aws: &AwsClients, id: &str, newest: Option<&str>, interaction: Interaction) -> Result<()> {
    if follow(aws, id, newest, interaction).await? == "DELETE_COMPLETE" {
        return Ok(());
    }
    let events = events(aws, id, newest).await?;
    bail!(
        "AWS could not remove these:\n{}\nfix the cause and run the same command again, or retain them: `aws \
         cloudformation delete-stack --stack-name {id} --retain-resources {}`",
        root_causes(&events),
        failed_resources(&events).join(" ")
    )
}

/// Prints the events after `newest` until one ends the operation. The stack's status is not enough: it may still be the
/// previous one.
async fn follow(aws: &AwsClients, stack: &str, newest: Option<&str>, interaction: Interaction) -> Result<String> {
    let mut printed = BTreeSet::new();
    until_over(stack, async || {
        let events = events(aws, stack, newest).await?;
        for event in events.iter().filter(|_| interaction != Interaction::Quiet) {
            if printed.insert(event.event_id().unwrap_or_default().to_owned()) {
                print(event);
            }
        }
        if let Some(end) = events.iter().rev().find(|event| is_end(event)) {
            return Ok(Some(status(end).to_owned()));
        }
        // The removal of an empty stack has no event.
        let found = describe::describe(aws, stack).await?.and_then(|found| found.stack_status);
        Ok(found.filter(|status| *status == StackStatus::DeleteComplete).map(|status| status.as_str().to_owned()))
    })
    .await
}

/// Whether this event ends the stack's operation.
fn is_end(event: &StackEvent) -> bool {
    event.physical_resource_id() == event.stack_id() && !status(event).ends_with("_IN_PROGRESS")
}

fn status(event: &StackEvent) -> &str {
    event.resource_status().map_or("", |status| status.as_str())
}

/// Waits for an operation of another deploy, or of an interrupted one.
pub async fn until_idle(aws: &AwsClients, name: &str) -> Result<()> {
    until_over(name, async || idle_status(aws, name).await).await.map(drop)
}

/// Repeats `ask` until the operation of the stack, given by name or id, is over. The operation continues without us.
async fn until_over<T>(stack: &str, ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let over = poll_until(&format!("the operation of stack {}", name_of(stack)), TIMEOUT, ask).await;
    over.map_err(|error| anyhow!("{error:#}; run the same command again: it waits for the operation"))
}

/// The name in a stack's id, `arn:aws:cloudformation:us-east-1:111122223333:stack/anaquel-prod-app/1234`.
fn name_of(stack: &str) -> &str {
    stack.split('/').nth(1).unwrap_or(stack)
}

/// The status when no operation is in progress; a removed stack is not found by name.
async fn idle_status(aws: &AwsClients, name: &str) -> Result<Option<StackStatus>> {
    let Some(found) = describe::describe(aws, name).await? else { return Ok(Some(StackStatus::DeleteComplete)) };
    let status = found.stack_status().cloned().context("CloudFormation returned no status")?;
    Ok((!is_in_progress(&status)).then_some(status))
}

pub fn is_in_progress(status: &StackStatus) -> bool {
    *status != StackStatus::ReviewInProgress && status.as_str().ends_with("_IN_PROGRESS")
}

/// The id of the newest event, to tell later events from earlier ones.
pub async fn newest(aws: &AwsClients, stack: &str) -> Result<Option<String>> {
    let asked = call(aws.cloudformation.describe_stack_events().stack_name(stack).send()).await;
    let page = asked.context("reading the stack's events")?;
    Ok(page.stack_events().first().and_then(|event| event.event_id()).map(str::to_owned))
}

/// The events after `newest`, oldest first; CloudFormation returns the newest first, in pages.
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

fn print(event: &StackEvent) {
    let status = status(event);
    let reason = event.resource_status_reason().map(|reason| format!("  {reason}")).unwrap_or_default();
    outln!("  {status:<28} {}{reason}", event.logical_resource_id().unwrap_or_default());
}

/// The events of resources that failed by themselves, without cancelled resources and the stack itself.
fn failures(events: &[StackEvent]) -> impl Iterator<Item = &StackEvent> {
    events.iter().filter(|event| {
        let cancelled = event.resource_status_reason().is_some_and(|reason| reason.contains("cancelled"));
        let is_stack = event.physical_resource_id().is_some() && event.physical_resource_id() == event.stack_id();
        status(event).ends_with("_FAILED") && !cancelled && !is_stack
    })
}

/// Logical ids of the failed resources.
fn failed_resources(events: &[StackEvent]) -> Vec<&str> {
    let names: BTreeSet<_> = failures(events).filter_map(|event| event.logical_resource_id()).collect();
    names.into_iter().collect()
}

fn root_causes(events: &[StackEvent]) -> String {
    let lines: Vec<String> = failures(events)
        .map(|event| {
            let kind = event.resource_type().unwrap_or_default();
            let reason = event.resource_status_reason().unwrap_or("AWS gave no reason");
            format!("  {} ({kind}): {reason}", event.logical_resource_id().unwrap_or_default())
        })
        .collect();
    if lines.is_empty() {
        "  CloudFormation reports no failed resource: see the stack's events".to_owned()
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
    fn the_root_cause_is_reported_without_cancelled_resources() {
        let text = root_causes(&[
            event("Vpc", ResourceStatus::CreateComplete, ""),
            event("Subnet1", ResourceStatus::CreateFailed, "The CIDR '10.0.0.0/99' is invalid"),
            event("Subnet2", ResourceStatus::CreateFailed, "Resource creation cancelled"),
        ]);
        assert_eq!(text, "  Subnet1 (AWS::EC2::Subnet): The CIDR '10.0.0.0/99' is invalid");
    }

    #[test]
    fn only_a_complete_rollback_is_reported_as_one() {
        for end in ["ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"] {
            assert_eq!(failure("it", end), format!("the change of it failed and was rolled back ({end})"));
        }
        for end in ["CREATE_FAILED", "ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"] {
            let expected = format!("the change of it failed and ended in {end}; fix the cause and deploy again");
            assert_eq!(failure("it", end), expected);
        }
    }

    #[test]
    fn an_operation_is_reported_by_the_name_of_its_stack() {
        assert_eq!(
            name_of("arn:aws:cloudformation:us-east-1:111122223333:stack/anaquel-dev-app/1234"),
            "anaquel-dev-app"
        );
        assert_eq!(name_of("anaquel-dev-app"), "anaquel-dev-app");
    }

    #[test]
    fn a_stack_in_review_is_not_in_progress() {
        assert!(is_in_progress(&StackStatus::UpdateInProgress));
        assert!(is_in_progress(&StackStatus::UpdateCompleteCleanupInProgress));
        assert!(!is_in_progress(&StackStatus::ReviewInProgress));
        assert!(!is_in_progress(&StackStatus::RollbackComplete));
    }
}
