//! The containers stack: a cluster of ECS with the services of pages and of the API on Fargate, and the scaling of their tasks.

use std::collections::BTreeMap;

use shared::lambda::ORIGIN;
use stratosphere::services::aws::applicationautoscaling::{self as autoscaling, scalingpolicy};
use stratosphere::services::aws::ecs::{self, cluster, service, taskdefinition};
use stratosphere::services::aws::iam;
use stratosphere::value::{AWS_REGION, ExpString};

use super::permissions::{allow, policy_document};
use super::{Input, Kind, Stack, bootstrap, distribution, tasks};
use crate::containers::{CONNECTIONS, HTTP_PORT, PORT, Service};
use crate::stage::{Containers, Stage};
use crate::template::{Id, RemovalPolicy, arn, list, logical_id, sub};

/// The parameter with the image that tasks run, by its digest, and the output with the same.
pub const IMAGE: &str = "Image";
/// The parameter and output with the image before it, to which `bookstore rollback` returns.
pub const PREVIOUS_IMAGE: &str = "PreviousImage";

/// Seconds from SIGTERM to the end of a task; the server ends before.
const STOP_TIMEOUT: i32 = 30;
/// Time for a new task to start before failed health checks count.
const GRACE_SECONDS: i32 = 30;
/// Mean processor use of the tasks that the scaling keeps, in percent.
const CPU_PERCENT: f64 = 60.0;
/// Requests a second for each whole vCPU that the scaling keeps: a quarter of what `bookstore bench --servers` measures for lists,
/// with a core that also runs half of the database and of the clients.
const REQUESTS_A_SECOND: f64 = 250.0;
const CPU_UNITS: f64 = 1_024.0;
/// The user of the process in the image.
pub const USER: &str = "65532:65532";

/// Requests a second of one task that the scaling keeps.
pub fn requests_a_second(settings: &Containers) -> f64 {
    REQUESTS_A_SECOND * f64::from(settings.cpu) / CPU_UNITS
}

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Containers, "the handlers in containers on ECS Fargate");
    let Some(settings) = &stage.containers else { return stack };
    let image = stack.value(IMAGE, Input::Image);
    let previous = stack.value(PREVIOUS_IMAGE, Input::PreviousImage);
    stack.template.output(IMAGE, image);
    stack.template.output(PREVIOUS_IMAGE, previous);
    let insights = if settings.insights { "enabled" } else { "disabled" };
    let cluster = stack.template.add(
        "Cluster",
        ecs::Cluster! {
            cluster_name: stage.physical("containers").as_str(),
            cluster_settings: vec![cluster::ClusterSettings! { name: "containerInsights", value: insights }],
        },
    );
    if !settings.insights {
        let reason = "Container Insights has a price for each of its metrics; the setting `insights` enables it.";
        stack.template.suppress(cluster, "CKV_AWS_65", reason);
    }
    let shared = Shared {
        cluster,
        image,
        subnets: ["AppSubnet1", "AppSubnet2"].map(|name| stack.input(Kind::Network, name, "AWS::EC2::Subnet::Id")),
        group: stack.input(Kind::Network, "TasksGroup", "AWS::EC2::SecurityGroup::Id"),
        load_balancer: stack.input(Kind::App, "LoadBalancerName", "String"),
        origin: stage.has_cloudfront().then(|| stack.input(Kind::App, distribution::HOST, "String")),
    };
    for service in Service::ALL {
        add_service(&mut stack, stage, settings, &shared, service);
    }
    stack
}

/// Inputs that both services share.
struct Shared {
    cluster: Id,
    image: Id,
    subnets: [Id; 2],
    group: Id,
    load_balancer: Id,
    /// The host name of CloudFront, where it is the shop's.
    origin: Option<Id>,
}

fn add_service(stack: &mut Stack, stage: &Stage, settings: &Containers, shared: &Shared, kind: Service) {
    let id = logical_id(kind.name());
    let targets = stack.numbered_input(Kind::App, tasks::targets_output(kind));
    let definition = add_task(stack, stage, settings, shared, kind);
    let circuit_breaker = service::DeploymentCircuitBreaker! { enable: true, rollback: true };
    let network = service::AwsVpcConfiguration! {
        assign_public_ip: "DISABLED",
        subnets: list(shared.subnets),
        security_groups: list([shared.group]),
    };
    // Without a desired count: an update must not undo what the scaling has set.
    let service = stack.template.add(
        format!("{id}Service"),
        ecs::Service! {
            service_name: stage.physical(kind.name()).as_str(),
            cluster: shared.cluster,
            task_definition: definition,
            launch_type: "FARGATE",
            platform_version: "1.4.0",
            availability_zone_rebalancing: "ENABLED",
            enable_ecs_managed_tags: true,
            propagate_tags: "SERVICE",
            health_check_grace_period_seconds: GRACE_SECONDS,
            deployment_configuration: service::DeploymentConfiguration! {
                minimum_healthy_percent: 100,
                maximum_percent: 200,
                deployment_circuit_breaker: Box::new(circuit_breaker),
            },
            network_configuration: service::NetworkConfiguration! { awsvpc_configuration: Box::new(network) },
            load_balancers: vec![service::LoadBalancer! {
                container_name: CONTAINER,
                container_port: i32::from(HTTP_PORT),
                target_group_arn: targets,
            }],
        },
    );
    add_scaling(stack, stage, settings, shared, kind, service);
}

/// The name of the only container of a task.
const CONTAINER: &str = "server";

/// Revisions stay when a new one replaces them, because a task of an older deployment may still start.
fn add_task(stack: &mut Stack, stage: &Stage, settings: &Containers, shared: &Shared, kind: Service) -> Id {
    let id = logical_id(kind.name());
    let role = stack.numbered_input(Kind::App, tasks::role_output(kind));
    let execution = add_execution_role(stack, stage, kind);
    let mut environment: Vec<(String, ExpString)> = kind
        .environment(stage)
        .expect("checked by `limits`")
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.as_str().into()))
        .collect();
    environment.push(("AWS_REGION".to_owned(), AWS_REGION));
    environment.push((CONNECTIONS.to_owned(), settings.connections.to_string().as_str().into()));
    environment.push((PORT.to_owned(), HTTP_PORT.to_string().as_str().into()));
    if let Some(origin) = shared.origin {
        environment.push((ORIGIN.to_owned(), sub(&format!("https://${{{}}}", origin.name()))));
    }
    let pair = |(name, value): (String, ExpString)| taskdefinition::KeyValuePair! { name: name.as_str(), value: value };
    let options: [(&str, ExpString); 5] = [
        ("awslogs-group", kind.log_group(stage).as_str().into()),
        ("awslogs-region", AWS_REGION),
        ("awslogs-stream-prefix", CONTAINER.into()),
        // The process must not wait for CloudWatch; what does not fit into the buffer is lost.
        ("mode", "non-blocking".into()),
        // The default was 1 MiB, and AWS recommends this:
        // <https://aws.amazon.com/blogs/containers/preventing-log-loss-with-non-blocking-mode-in-the-awslogs-container-log-driver/>.
        ("max-buffer-size", "25m".into()),
    ];
    let log_configuration = taskdefinition::LogConfiguration! {
        log_driver: "awslogs",
        options: options.map(|(name, value)| (name.to_owned(), value)).into_iter().collect::<BTreeMap<_, _>>(),
    };
    let container = taskdefinition::ContainerDefinition! {
        name: CONTAINER,
        image: shared.image,
        essential: true,
        user: USER,
        readonly_root_filesystem: true,
        stop_timeout: STOP_TIMEOUT,
        environment: environment.into_iter().map(pair).collect::<Vec<_>>(),
        port_mappings: vec![taskdefinition::PortMapping! { container_port: i32::from(HTTP_PORT), protocol: "tcp" }],
        log_configuration: Box::new(log_configuration),
    };
    let task = stack.template.add(
        format!("{id}Task"),
        ecs::TaskDefinition! {
            family: stage.physical(kind.name()).as_str(),
            requires_compatibilities: list(["FARGATE"]),
            network_mode: "awsvpc",
            cpu: settings.cpu.to_string().as_str(),
            memory: settings.memory_mb.to_string().as_str(),
            runtime_platform: taskdefinition::RuntimePlatform! {
                cpu_architecture: stage.architecture.ecs(),
                operating_system_family: "LINUX",
            },
            execution_role_arn: execution.att("Arn"),
            task_role_arn: role,
            container_definitions: vec![container],
        },
    );
    stack.template.set_removal_policy(task, RemovalPolicy::Retain);
    task
}

/// The role with which ECS pulls the image and writes the log.
fn add_execution_role(stack: &mut Stack, stage: &Stage, kind: Service) -> Id {
    let logs = arn("logs", &format!("log-group:{}:*", kind.log_group(stage)));
    let repository = arn("ecr", &format!("repository/{}", bootstrap::repository(stage)));
    let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
    let role = stack.template.add(
        format!("{}ExecutionRole", logical_id(kind.name())),
        iam::Role! {
            description: format!("Starts tasks of the service {}", kind.name()).as_str(),
            assume_role_policy_document: tasks::trust_of_tasks(),
            policies: vec![iam::role::Policy! {
                policy_name: "start-tasks",
                policy_document: policy_document(&[
                    allow(&pull, repository),
                    // It has no resources.
                    allow(&["ecr:GetAuthorizationToken"], "*"),
                    allow(&["logs:CreateLogStream", "logs:PutLogEvents"], logs),
                ]),
            }],
        },
    );
    let reason = "ecr:GetAuthorizationToken does not support resource-level permissions.";
    stack.template.suppress(role, "CKV_AWS_111", reason);
    role
}

/// Target tracking by processor use and by requests: whichever asks for more tasks counts.
fn add_scaling(stack: &mut Stack, stage: &Stage, settings: &Containers, shared: &Shared, kind: Service, service: Id) {
    let id = logical_id(kind.name());
    let range = kind.tasks(settings);
    let resource = format!("service/{}/{}", stage.physical("containers"), stage.physical(kind.name()));
    let target = stack.template.add(
        format!("{id}Scaling"),
        autoscaling::ScalableTarget! {
            service_namespace: "ecs",
            scalable_dimension: "ecs:service:DesiredCount",
            resource_id: resource.as_str(),
            min_capacity: i32::from(range.min),
            max_capacity: i32::from(range.max),
        },
    );
    stack.template.add_dependency(target, service);
    let targets = stack.numbered_input(Kind::App, tasks::targets_name_output(kind));
    let label = sub(&format!("${{{}}}/${{{}}}", shared.load_balancer.name(), targets.name()));
    let by_cpu = scalingpolicy::PredefinedMetricSpecification! {
        predefined_metric_type: "ECSServiceAverageCPUUtilization",
    };
    let by_requests = scalingpolicy::PredefinedMetricSpecification! {
        predefined_metric_type: "ALBRequestCountPerTarget",
        resource_label: label,
    };
    let requests = (60.0 * requests_a_second(settings)).round();
    for (name, metric, value) in [("cpu", by_cpu, CPU_PERCENT), ("requests", by_requests, requests)] {
        stack.template.add(
            format!("{id}ScalingBy{}", logical_id(name)),
            autoscaling::ScalingPolicy! {
                policy_name: format!("{}-{name}", stage.physical(kind.name())).as_str(),
                policy_type: "TargetTrackingScaling",
                scaling_target_id: target,
                target_tracking_scaling_policy_configuration: scalingpolicy::TargetTrackingScalingPolicyConfiguration! {
                    predefined_metric_specification: metric,
                    target_value: value,
                    scale_in_cooldown: 300,
                    scale_out_cooldown: 60,
                },
            },
        );
    }
}
