//! Drift detection: differences between deployed resources and their templates.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use aws_sdk_cloudformation::{
    error::ProvideErrorMetadata,
    types::{
        PropertyDifference, StackDriftDetectionStatus, StackResourceDrift,
        StackResourceDriftStatus::{Deleted, Modified},
    },
};
use infra::stage::Stage;

use super::describe;
use crate::{
    aws::{AwsClients, call, explained, poll_until},
    output,
};

const TIMEOUT: Duration = Duration::from_mins(30);

/// The resources of these stacks that differ from their templates. Detection runs for all stacks at once, because AWS
/// takes minutes for each.
pub async fn drifted(aws: &AwsClients, stage: &Stage, stacks: &[String]) -> Result<Vec<StackResourceDrift>> {
    let mut detections = Vec::new();
    for name in stacks {
        let exists = describe::describe(aws, name).await?.is_some();
        ensure!(exists, "there is no stack {name}: run `{}`", stage.deploy_command());
        detections.push((name, begin(aws, name).await?));
    }
    let mut drifted = Vec::new();
    for (name, detection) in detections {
        end(aws, name, &detection).await?;
        drifted.extend(found(aws, name).await?);
    }
    Ok(drifted)
}

async fn begin(aws: &AwsClients, stack: &str) -> Result<String> {
    let begun = aws.cloudformation.detect_stack_drift().stack_name(stack).send().await;
    let begun = begun.map_err(|error| {
        // Every error of AWS has a code; the error of an emulator that lacks the action may have none.
        let is_unknown = error.raw_response().is_some() && matches!(error.code(), None | Some("InvalidAction"));
        if is_unknown { anyhow!("this emulator does not implement DetectStackDrift") } else { explained(error) }
    });
    let begun = begun.with_context(|| format!("detecting the drift of {stack}"))?;
    begun.stack_drift_detection_id.context("CloudFormation returned no id of the drift detection")
}

async fn end(aws: &AwsClients, stack: &str, detection: &str) -> Result<()> {
    let state = poll_until(&format!("detecting the drift of {stack}"), TIMEOUT, async || {
        let asked = aws.cloudformation.describe_stack_drift_detection_status().stack_drift_detection_id(detection);
        let state = call(asked.send()).await.with_context(|| format!("detecting the drift of {stack}"))?;
        let in_progress = state.detection_status() == Some(&StackDriftDetectionStatus::DetectionInProgress);
        Ok((!in_progress).then_some(state))
    })
    .await?;
    ensure!(
        state.detection_status() == Some(&StackDriftDetectionStatus::DetectionComplete),
        "the drift of {stack} could not be detected: {}",
        state.detection_status_reason().unwrap_or("CloudFormation gave no reason")
    );
    Ok(())
}

async fn found(aws: &AwsClients, stack: &str) -> Result<Vec<StackResourceDrift>> {
    let asked = aws.cloudformation.describe_stack_resource_drifts().stack_name(stack);
    let asked = asked.stack_resource_drift_status_filters(Modified).stack_resource_drift_status_filters(Deleted);
    let mut drifts = Vec::new();
    let mut pages = asked.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).with_context(|| format!("reading the drift of {stack}"))?;
        drifts.extend(page.stack_resource_drifts.unwrap_or_default().into_iter().filter_map(unintended));
    }
    Ok(drifts)
}

/// The difference without the expected changes by releases and by AWS; `None` if nothing else differs.
fn unintended(mut drift: StackResourceDrift) -> Option<StackResourceDrift> {
    if drift.stack_resource_drift_status() == Some(&Modified) {
        let kind = drift.resource_type().unwrap_or_default().to_owned();
        if let Some(differences) = drift.property_differences.as_mut().filter(|differences| !differences.is_empty()) {
            differences.retain(|difference| !is_expected(&kind, difference));
            return (!differences.is_empty()).then_some(drift);
        }
    }
    Some(drift)
}

/// A release points aliases at other versions than the template's; RDS installs patches, and storage autoscaling grows.
fn is_expected(kind: &str, difference: &PropertyDifference) -> bool {
    let [expected, actual] = [difference.expected_value(), difference.actual_value()].map(Option::unwrap_or_default);
    match (kind, difference.property_path().unwrap_or_default()) {
        ("AWS::Lambda::Alias", "/FunctionVersion") => true,
        ("AWS::RDS::DBInstance", "/EngineVersion") => {
            actual.strip_prefix(expected).is_some_and(|patch| patch.starts_with('.'))
        }
        ("AWS::RDS::DBInstance", "/AllocatedStorage") => {
            matches!((expected.parse::<u32>(), actual.parse::<u32>()), (Ok(expected), Ok(actual)) if actual > expected)
        }
        _ => false,
    }
}

pub fn table(drifts: &[StackResourceDrift]) -> String {
    output::table(&["resource", "type", "property", "template", "actual"], rows(drifts)).to_string()
}

/// Resource, type, property, value of the template and actual value of each difference.
pub fn rows(drifts: &[StackResourceDrift]) -> Vec<[&str; 5]> {
    let mut rows = Vec::new();
    for drift in drifts {
        let resource = drift.logical_resource_id().unwrap_or_default();
        let kind = drift.resource_type().unwrap_or_default().trim_start_matches("AWS::");
        if drift.stack_resource_drift_status() == Some(&Deleted) {
            rows.push([resource, kind, "", "", "deleted"]);
        }
        for difference in drift.property_differences() {
            let property = difference.property_path().unwrap_or_default().trim_start_matches('/');
            let values = [difference.expected_value(), difference.actual_value()];
            let [expected, actual] = values.map(Option::unwrap_or_default);
            rows.push([resource, kind, property, expected, actual]);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::{primitives::DateTime, types::DifferenceType};

    use super::*;

    fn difference(path: &str, expected: &str, actual: &str) -> PropertyDifference {
        let difference = PropertyDifference::builder().property_path(path).difference_type(DifferenceType::NotEqual);
        difference.expected_value(expected).actual_value(actual).build()
    }

    fn drift(kind: &str, properties: &[&str]) -> StackResourceDrift {
        let difference = |path: &&str| difference(path, "1", "2");
        StackResourceDrift::builder()
            .stack_id("s")
            .logical_resource_id("It")
            .resource_type(kind)
            .stack_resource_drift_status(Modified)
            .timestamp(DateTime::from_secs(0))
            .set_property_differences(Some(properties.iter().map(difference).collect()))
            .build()
    }

    #[test]
    fn an_alias_that_a_release_moved_has_not_drifted_and_one_that_routes_elsewhere_has() {
        assert_eq!(unintended(drift("AWS::Lambda::Alias", &["/FunctionVersion"])), None);
        let routed = unintended(drift("AWS::Lambda::Alias", &["/FunctionVersion", "/RoutingConfig"])).unwrap();
        assert_eq!(routed.property_differences().len(), 1);
        assert!(unintended(drift("AWS::Lambda::Function", &["/MemorySize"])).is_some());
    }

    #[test]
    fn a_database_that_rds_has_patched_or_that_has_grown_has_not_drifted() {
        for (path, expected, actual, is_drift) in [
            ("/EngineVersion", "11.8", "11.8.9", false),
            ("/EngineVersion", "11.8", "11.80.1", true),
            ("/EngineVersion", "11.8", "12.3.2", true),
            ("/AllocatedStorage", "20", "26", false),
            ("/AllocatedStorage", "100", "20", true),
            ("/AllocatedStorage", "20", "", true),
            ("/MultiAZ", "true", "false", true),
        ] {
            let mut drift = drift("AWS::RDS::DBInstance", &[]);
            drift.property_differences = Some(vec![difference(path, expected, actual)]);
            assert_eq!(unintended(drift).is_some(), is_drift, "{path} {expected} {actual}");
        }
    }

    #[test]
    fn a_difference_is_listed_by_resource_and_property() {
        let text = table(&[drift("AWS::SQS::Queue", &["/VisibilityTimeout"])]);
        let line: Vec<&str> = text.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(line, ["It", "SQS::Queue", "VisibilityTimeout", "1", "2"]);
    }
}
