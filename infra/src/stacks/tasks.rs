//! The part of the app stack that the tasks of a stage's containers use: target groups, roles, and the listener rules that lead to them.
//!
//! ECS accepts a target group only with a load balancer, so each one first has a rule for requests with a secret header. The
//! rules for everybody are added when the tasks are healthy, and removed first: all functions stay behind them.

use serde_json::json;
use stratosphere::services::aws::elasticloadbalancingv2 as elb;
use stratosphere::services::aws::elasticloadbalancingv2::{listenerrule, targetgroup};
use stratosphere::services::aws::iam;
use stratosphere::value::{AWS_ACCOUNT_ID, ExpString};

use super::load_balancer::Serving;
use super::wiring::Wiring;
use super::{Kind, Stack, log_group, permissions};
use crate::containers::{EVERYBODY, HTTP_PORT, READY, Service};
use crate::stage::{Compute, Containers, Stage};
use crate::template::{Id, arn, list, logical_id, sub};

/// Requests with this header come to containers, whatever the rules for everybody are. Its value is the id of the app stack, which
/// nobody outside of the account knows.
pub const PROBE_HEADER: &str = "x-anaquel-containers";

/// Priority of the first rule for requests with the secret header: behind those of what stays with Lambda.
const PROBES: i32 = EVERYBODY - 10;

/// The output with the role of the service's tasks.
pub fn role_output(service: Service) -> String {
    format!("{}TaskRoleArn", logical_id(service.name()))
}

/// The output with the service's target group.
pub fn targets_output(service: Service) -> String {
    format!("{}Tasks", logical_id(service.name()))
}

/// The output with the last part of the target group's ARN, as metrics and scaling name it.
pub fn targets_name_output(service: Service) -> String {
    format!("{}TasksName", logical_id(service.name()))
}

/// The output with the value of [`PROBE_HEADER`].
pub const PROBE: &str = "ContainersProbe";
/// The output with who answers the requests of everybody: `lambda` or `fargate`.
pub const COMPUTE: &str = "Compute";

/// Adds target groups, roles and rules.
pub fn add(stack: &mut Stack, stage: &Stage, wiring: &Wiring, settings: &Containers, serving: &Serving) {
    let vpc = stack.input(Kind::Network, "Vpc", "AWS::EC2::VPC::Id");
    for service in Service::ALL {
        let id = logical_id(service.name());
        let targets = target_group(stack, stage, service, vpc);
        let paths = || path_condition(patterns(stage, service));
        let order = order(service);
        let probe = format!("{id}ProbeRule");
        add_rule(stack, &probe, serving, PROBES + order, vec![probe_condition(), paths()], targets);
        if settings.compute == Compute::Fargate {
            add_rule(stack, &format!("{id}ContainersRule"), serving, EVERYBODY + order, vec![paths()], targets);
        }
        add_role(stack, stage, wiring, service);
        // Here, so that it stays when tasks do not start, and CloudFormation removes the stack of containers again.
        log_group(&mut stack.template, stage, format!("{id}TaskLogs"), &service.log_group(stage));
    }
    if settings.compute == Compute::Fargate && !stage.has_api_at_load_balancer() {
        add_rule(stack, "NoApiRule", serving, EVERYBODY + NO_API, vec![path_condition(&["/api/*"])], serving.unmatched);
    }
    stack.template.output(PROBE, probe());
    stack.template.output(COMPUTE, settings.compute.name());
}

/// Between those of the services: pages have every path that the API has not.
const NO_API: i32 = 1;

fn order(service: Service) -> i32 {
    match service {
        Service::Api => 0,
        Service::Pages => 2,
    }
}

/// Where all of the API needs a token, it stays with functions.
fn patterns(stage: &Stage, service: Service) -> &'static [&'static str] {
    match service {
        Service::Api if stage.has_api_at_load_balancer() => &["/api/*", "/health"],
        Service::Api => &["/health"],
        Service::Pages => &["/*"],
    }
}

fn path_condition(patterns: &[&str]) -> listenerrule::RuleCondition_ {
    let paths = listenerrule::PathPatternConfig! { values: list(patterns.iter().copied()) };
    listenerrule::RuleCondition! { field: "path-pattern", path_pattern_config: paths }
}

fn probe_condition() -> listenerrule::RuleCondition_ {
    let header = listenerrule::HttpHeaderConfig! { http_header_name: PROBE_HEADER, values: vec![probe()] };
    listenerrule::RuleCondition! { field: "http-header", http_header_config: header }
}

fn probe() -> ExpString {
    sub("${AWS::StackId}")
}

fn add_rule(
    stack: &mut Stack,
    id: &str,
    serving: &Serving,
    priority: i32,
    mut conditions: Vec<listenerrule::RuleCondition_>,
    targets: Id,
) {
    conditions.extend(serving.condition());
    stack.template.add(
        id,
        elb::ListenerRule! {
            listener_arn: serving.listener,
            priority: priority,
            conditions: conditions,
            actions: vec![listenerrule::Action! { r#type: "forward", target_group_arn: targets }],
        },
    );
}

/// Seconds for which a task that ends still gets what was under way to it; ECS stops it afterwards.
const DEREGISTRATION_SECONDS: &str = "30";

fn target_group(stack: &mut Stack, stage: &Stage, service: Service, vpc: Id) -> Id {
    let attributes = [
        ("deregistration_delay.timeout_seconds", DEREGISTRATION_SECONDS),
        ("load_balancing.algorithm.type", "least_outstanding_requests"),
    ];
    let targets = stack.template.add(
        targets_output(service),
        elb::TargetGroup! {
            name: stage.physical(&format!("{}-tasks", service.name())).as_str(),
            target_type: "ip",
            vpc_id: vpc,
            port: i32::from(HTTP_PORT),
            protocol: "HTTP",
            health_check_path: READY,
            health_check_interval_seconds: 10,
            health_check_timeout_seconds: 5,
            healthy_threshold_count: 2,
            unhealthy_threshold_count: 3,
            matcher: targetgroup::Matcher! { http_code: "200" },
            target_group_attributes: Vec::from(attributes.map(|(key, value)| {
                targetgroup::TargetGroupAttribute! { key: key, value: value }
            })),
        },
    );
    stack.template.output(targets_output(service), targets);
    stack.template.output(targets_name_output(service), targets.att("TargetGroupFullName"));
    targets
}

/// The role of a service's tasks: what its functions may do, all together.
fn add_role(stack: &mut Stack, stage: &Stage, wiring: &Wiring, service: Service) {
    let role = stack.template.add(
        format!("{}TaskRole", logical_id(service.name())),
        iam::Role! {
            description: format!("Tasks of the service {}", service.name()).as_str(),
            assume_role_policy_document: trust_of_tasks(),
            policies: vec![iam::role::Policy! {
                policy_name: "task-permissions",
                policy_document: permissions::of_service(stage, wiring, service),
            }],
        },
    );
    stack.template.output(role_output(service), role.att("Arn"));
}

/// Only ECS, for tasks of the stage's own account.
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>
pub fn trust_of_tasks() -> serde_json::Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "ecs-tasks.amazonaws.com" },
            "Action": "sts:AssumeRole",
            "Condition": {
                "ArnLike": { "aws:SourceArn": arn("ecs", "*") },
                "StringEquals": { "aws:SourceAccount": AWS_ACCOUNT_ID },
            },
        }],
    })
}
