//! One Lambda function: log group, role, function, and the alias `live`, which all callers invoke.

use std::collections::BTreeMap;

use serde_json::json;
use shared::{app::GATEWAY, lambda::ORIGIN};
use stratosphere::services::aws::applicationautoscaling::{self as autoscaling, scalingpolicy};
use stratosphere::services::aws::{iam, lambda};
use stratosphere::value::{ExpBool, ExpString};

use super::wiring::Wiring;
use super::{Stack, api_gateway, distribution, log_group, permissions};
use crate::routes::{Function, Queue};
use crate::stage::{Egress, ProvisionedConcurrency, Stage};
use crate::template::{Id, RemovalPolicy, Template, list, logical_id};

/// Adds the function and returns its alias.
pub fn add(stack: &mut Stack, stage: &Stage, wiring: &Wiring, function: &'static Function) -> Id {
    let id = logical_id(function.name);
    let physical = stage.physical(function.name);
    let code = stack.code(&format!("{id}Code"), function.name);
    let template = &mut stack.template;

    let mut variables: BTreeMap<String, ExpString> =
        function.environment(stage).map(|(name, value)| (name.to_owned(), value.as_str().into())).collect();
    if stage.has_cloudfront() && function.needs_origin() {
        variables.insert(ORIGIN.to_owned(), distribution::url());
    }
    if stage.api_gateway.is_some() && function.verifies_sessions {
        variables.insert(GATEWAY.to_owned(), api_gateway::id());
    }
    variables.extend(wiring.fallback(stage, function).map(|values| ("ANAQUEL_FALLBACK".to_owned(), values)));

    let log_group = log_group(template, stage, format!("{id}Logs"), &format!("/aws/lambda/{physical}"));
    let role = template.add(
        format!("{id}Role"),
        iam::Role! {
            description: function.about,
            assume_role_policy_document: json!({
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": { "Service": "lambda.amazonaws.com" },
                    "Action": "sts:AssumeRole",
                }],
            }),
            policies: vec![iam::role::Policy! {
                policy_name: "function-permissions",
                policy_document: permissions::policy(stage, wiring, function, log_group),
            }],
        },
    );
    if function.is_in_network {
        let reason = "Lambda's actions for network interfaces do not support resource-level permissions, and the function's own code is denied them.";
        template.suppress(role, "CKV_AWS_111", reason);
    }

    let mut resource = lambda::Function! {
        function_name: physical.as_str(),
        description: function.about,
        runtime: "provided.al2023",
        handler: "bootstrap",
        architectures: list([stage.architecture.lambda()]),
        code: lambda::function::Code! { s3_bucket: wiring.artifacts, s3_key: code },
        role: role.att("Arn"),
        memory_size: function.memory_mb,
        timeout: function.timeout_seconds,
        environment: lambda::function::Environment! { variables: variables },
        logging_config: lambda::function::LoggingConfig! { log_group: log_group },
    };
    if function.is_in_network {
        resource.vpc_config = Some(lambda::function::VpcConfig! {
            subnet_ids: list(wiring.subnets),
            security_group_ids: list([wiring.group]),
            ipv6_allowed_for_dual_stack: ExpBool::from(stage.egress == Egress::Ipv6),
        });
    }
    if stage.tracing {
        resource.tracing_config = Some(lambda::function::TracingConfig! { mode: "Active" });
    }
    if !stage.is_local() {
        resource.reserved_concurrent_executions = Some(function.max_concurrency(stage).into());
    }
    let reserved = resource.reserved_concurrent_executions.is_some();
    let resource = template.add(id.clone(), resource);
    suppressions(template, function, resource, reserved);
    let alias = live_alias(template, &id, resource);
    if let Some(range) = stage.concurrency.provisioned.get(function.name) {
        provisioned_concurrency(template, &id, &physical, alias, range);
    }
    alias
}

/// Suppresses checkov's rules for functions that do not apply here.
fn suppressions(template: &mut Template, row: &Function, function: Id, reserved: bool) {
    if !row.is_in_network {
        let outside =
            "It needs no database, and outside of the VPC it reaches SES, Cognito or S3 without an endpoint or NAT.";
        template.suppress(function, "CKV_AWS_117", outside);
    }
    let dead_letters =
        "Callers wait for the response, and failed messages, imports and uploads go to the dead-letter queue.";
    template.suppress(function, "CKV_AWS_116", dead_letters);
    let environment = "The environment contains no secrets, and Lambda encrypts it with its own key.";
    template.suppress(function, "CKV_AWS_173", environment);
    if !reserved {
        let unlimited = "Only the local stage has no reserved concurrency, which its emulator does not enforce.";
        template.suppress(function, "CKV_AWS_115", unlimited);
    }
}

/// The first version and the alias `live`. The template creates them once and never changes them: releases create versions
/// and move the alias. `Retain`, because a version that leaves the template may still serve.
fn live_alias(template: &mut Template, id: &str, function: Id) -> Id {
    let version = template.add(format!("{id}FirstVersion"), lambda::Version! { function_name: function });
    template.set_removal_policy(version, RemovalPolicy::Retain);
    let alias = template.add(
        format!("{id}Live"),
        lambda::Alias! {
            name: "live",
            function_name: function,
            function_version: version.att("Version"),
        },
    );
    template.output(format!("{id}Live"), alias);
    alias
}

/// Provisioned concurrency of the alias with target tracking at 70 % utilization. Lambda moves it with the alias.
fn provisioned_concurrency(
    template: &mut Template,
    id: &str,
    physical: &str,
    alias: Id,
    range: &ProvisionedConcurrency,
) {
    let target = template.add(
        format!("{id}Ready"),
        autoscaling::ScalableTarget! {
            service_namespace: "lambda",
            scalable_dimension: "lambda:function:ProvisionedConcurrency",
            resource_id: format!("function:{physical}:live").as_str(),
            min_capacity: range.min,
            max_capacity: range.max,
        },
    );
    template.add_dependency(target, alias);
    template.add(
        format!("{id}ReadyPolicy"),
        autoscaling::ScalingPolicy! {
            policy_name: format!("{physical}-ready").as_str(),
            policy_type: "TargetTrackingScaling",
            scaling_target_id: target,
            target_tracking_scaling_policy_configuration: scalingpolicy::TargetTrackingScalingPolicyConfiguration! {
                predefined_metric_specification: scalingpolicy::PredefinedMetricSpecification! {
                    predefined_metric_type: "LambdaProvisionedConcurrencyUtilization",
                },
                target_value: 0.7,
            },
        },
    );
}

/// The function processes the queue in batches, and reports failures message by message.
pub fn consume_queue(
    template: &mut Template,
    stage: &Stage,
    wiring: &Wiring,
    function: &Function,
    queue: Queue,
    alias: Id,
) {
    template.add(
        logical_id(function.name) + "Source",
        lambda::EventSourceMapping! {
            event_source_arn: wiring.queue(queue),
            function_name: alias,
            batch_size: 10,
            function_response_types: list(["ReportBatchItemFailures"]),
            scaling_config: lambda::eventsourcemapping::ScalingConfig! {
                maximum_concurrency: function.max_concurrency(stage),
            },
        },
    );
}
