//! Deployed stacks as CloudFormation describes them.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use aws_sdk_cloudformation::{
    error::ProvideErrorMetadata,
    types::{ResourceStatus, StackResourceSummary, StackStatus},
};
use infra::stacks::DELETION_PROTECTION;

use super::stack_status::{NextStep, next_step};
use crate::aws::{AwsClients, explained};

pub type DeployedStack = aws_sdk_cloudformation::types::Stack;

/// The stack, or none where there is none.
pub async fn describe(aws: &AwsClients, name: &str) -> Result<Option<DeployedStack>> {
    match aws.cloudformation.describe_stacks().stack_name(name).send().await {
        Ok(found) => Ok(found.stacks.unwrap_or_default().into_iter().next()),
        // CloudFormation has no code of its own for it.
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => Ok(None),
        Err(error) => Err(explained(error)).with_context(|| format!("looking at {name}")),
    }
}

pub fn outputs(stack: &DeployedStack) -> BTreeMap<String, String> {
    let pairs = stack.outputs().iter();
    pairs.filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))).collect()
}

/// Whether there is something to change: a creation that failed, or waits for its change set, left nothing.
pub fn is_made(stack: &DeployedStack) -> bool {
    stack.stack_status().is_some_and(|status| next_step(status) == NextStep::Update)
}

/// Whether what the stack holds is locked against deletion; where it holds nothing that AWS can lock, whether the stack is.
pub fn is_protected(stack: &DeployedStack) -> bool {
    let mut parameters = stack.parameters().iter();
    match parameters.find(|parameter| parameter.parameter_key() == Some(DELETION_PROTECTION)) {
        Some(parameter) => parameter.parameter_value() == Some("true"),
        None => stack.enable_termination_protection().unwrap_or_default(),
    }
}

/// The physical ids of a stack's resources of this type; none where there is no stack.
pub async fn owned(aws: &AwsClients, name: &str, kind: &str) -> Result<Vec<String>> {
    if describe(aws, name).await?.is_none_or(|found| found.stack_status() == Some(&StackStatus::ReviewInProgress)) {
        return Ok(Vec::new());
    }
    let resources = resources(aws, name).await?.into_iter();
    let of_kind = resources.filter(|resource| resource.resource_type() == Some(kind));
    Ok(of_kind.filter_map(|resource| resource.physical_resource_id).collect())
}

/// The resources of a stack that exist.
pub async fn resources(aws: &AwsClients, name: &str) -> Result<Vec<StackResourceSummary>> {
    let mut resources = Vec::new();
    let mut pages = aws.cloudformation.list_stack_resources().stack_name(name).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(explained).with_context(|| format!("reading the resources of {name}"))?;
        resources.extend(page.stack_resource_summaries.unwrap_or_default());
    }
    resources.retain(|resource| resource.resource_status() != Some(&ResourceStatus::DeleteComplete));
    Ok(resources)
}
