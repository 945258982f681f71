//! One function: its log group, its role, its code, and the alias `live` that everything else calls.

use std::collections::BTreeMap;

use serde_json::json;
use stratosphere::services::aws::applicationautoscaling::{self as autoscaling, scalingpolicy};
use stratosphere::services::aws::{iam, lambda};
use stratosphere::value::{ExpBool, ExpString};

use super::wiring::Wiring;
use super::{Stack, log_group, permissions};
use crate::routes::Function;
use crate::stage::{Egress, Provisioned, Stage};
use crate::template::{Id, Keep, Template, list, logical};

/// Adds the function and returns its alias.
pub fn add(stack: &mut Stack, stage: &Stage, wiring: &Wiring, function: &'static Function) -> Id {
    let id = logical(function.name);
    let physical = stage.physical(function.name);
    let code = stack.code(&format!("{id}Code"), function.name);
    let template = &mut stack.template;

    let mut variables: BTreeMap<String, ExpString> =
        function.environment(stage).map(|(name, value)| (name.to_owned(), value.as_str().into())).collect();
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
                policy_name: "what-the-route-table-grants",
                policy_document: permissions::policy(stage, wiring, function, log_group),
            }],
        },
    );
    let reason =
        "Lambda's rights to network interfaces bind to no resource, and are denied to the function's own code.";
    template.excuse(role, "CKV_AWS_111", reason);

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
        vpc_config: lambda::function::VpcConfig! {
            subnet_ids: list(wiring.subnets),
            security_group_ids: list([wiring.group]),
            ipv6_allowed_for_dual_stack: ExpBool::from(stage.egress == Egress::Ipv6),
        },
    };
    if stage.tracing {
        resource.tracing_config = Some(lambda::function::TracingConfig! { mode: "Active" });
    }
    if !stage.is_local() {
        resource.reserved_concurrent_executions = Some(function.copies(stage).into());
    }
    let reserved = resource.reserved_concurrent_executions.is_some();
    let resource = template.add(id.clone(), resource);
    excuses(template, resource, reserved);
    let alias = live(template, &id, resource);
    if let Some(range) = stage.concurrency.provisioned.get(function.name) {
        stand_ready(template, &id, &physical, alias, range);
    }
    alias
}

/// What checkov asks of every function and ours do without.
fn excuses(template: &mut Template, function: Id, reserved: bool) {
    let waits = "Who calls it waits for the answer, and what the queue or an import cannot deliver is parked.";
    template.excuse(function, "CKV_AWS_116", waits);
    let names = "The environment holds names only, and Lambda encrypts it with a key of its own.";
    template.excuse(function, "CKV_AWS_173", names);
    if !reserved {
        let free = "Only the local stage does without, whose emulator runs as many copies as it likes.";
        template.excuse(function, "CKV_AWS_115", free);
    }
}

/// The first version and the alias are made once and stay as they are here: releases publish versions and
/// move the alias. A version that left the template would take a running one away, hence `Retain`.
fn live(template: &mut Template, id: &str, function: Id) -> Id {
    let version = template.add(format!("{id}FirstVersion"), lambda::Version! { function_name: function });
    template.keep(version, Keep::Retain);
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

/// Keeps copies started, more of them while more than seven in ten are busy. They belong to whatever version `live` leads
/// to: Lambda takes them along when a release moves it.
fn stand_ready(template: &mut Template, id: &str, physical: &str, alias: Id, range: &Provisioned) {
    let target = template.add(
        format!("{id}Ready"),
        autoscaling::ScalableTarget! {
            service_namespace: "lambda",
            scalable_dimension: "lambda:function:ProvisionedConcurrency",
            resource_id: format!("function:{physical}:live").as_str(),
            min_capacity: range.least,
            max_capacity: range.most,
        },
    );
    template.after(target, alias);
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

/// Feeds the function from the queue of submissions, in batches whose messages succeed or fail each alone.
pub fn consume(template: &mut Template, stage: &Stage, wiring: &Wiring, function: &Function, alias: Id) {
    template.add(
        logical(function.name) + "Source",
        lambda::EventSourceMapping! {
            event_source_arn: wiring.submissions,
            function_name: alias,
            batch_size: 10,
            function_response_types: list(["ReportBatchItemFailures"]),
            scaling_config: lambda::eventsourcemapping::ScalingConfig! {
                maximum_concurrency: stage.submissions.concurrency,
            },
        },
    );
}
