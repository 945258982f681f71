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

/// The stack; `None` if it does not exist.
pub async fn describe(aws: &AwsClients, name: &str) -> Result<Option<DeployedStack>> {
    match aws.cloudformation.describe_stacks().stack_name(name).send().await {
        Ok(found) => Ok(found.stacks.unwrap_or_default().into_iter().next()),
        // CloudFormation has no specific code for it.
        Err(error) if error.message().is_some_and(|message| message.contains("does not exist")) => Ok(None),
        Err(error) => Err(explained(error)).with_context(|| format!("looking at {name}")),
    }
}

/// The outputs of the stack of this name; none if there is no stack.
pub async fn outputs_of(aws: &AwsClients, name: &str) -> Result<BTreeMap<String, String>> {
    Ok(describe(aws, name).await?.map(|found| outputs(&found)).unwrap_or_default())
}

pub fn outputs(stack: &DeployedStack) -> BTreeMap<String, String> {
    let pairs = stack.outputs().iter();
    pairs.filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))).collect()
}

/// Whether the stack can be updated; after a failed creation or in review it cannot.
pub fn is_updatable(stack: &DeployedStack) -> bool {
    stack.stack_status().is_some_and(|status| next_step(status) == NextStep::Update)
}

/// Whether the stack's resources have deletion protection; for a stack without such resources, its termination protection.
pub fn is_protected(stack: &DeployedStack) -> bool {
    let mut parameters = stack.parameters().iter();
    match parameters.find(|parameter| parameter.parameter_key() == Some(DELETION_PROTECTION)) {
        Some(parameter) => parameter.parameter_value() == Some("true"),
        None => stack.enable_termination_protection().unwrap_or_default(),
    }
}

/// The physical ids of a stack's resources of this type; empty if there is no stack.
pub async fn resources_of_type(aws: &AwsClients, name: &str, kind: &str) -> Result<Vec<String>> {
    if describe(aws, name).await?.is_none_or(|found| found.stack_status() == Some(&StackStatus::ReviewInProgress)) {
        return Ok(Vec::new());
    }
    let resources = resources(aws, name).await?.into_iter();
    let of_kind = resources.filter(|resource| resource.resource_type() == Some(kind));
    Ok(of_kind.filter_map(|resource| resource.physical_resource_id).collect())
}

/// The existing resources of a stack.
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
