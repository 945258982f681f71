//! The graph of a stage: network and security groups from the templates, functions and permissions from the route table.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{
    dot::Dot,
    system::{System, service, text},
};
use crate::{
    containers::Service,
    routes::{BucketAccess, DatabaseRole, FUNCTIONS, Function, Queue, QueueAccess, Trigger},
    stacks::api_gateway,
    stage::{Compute, Server, Stage},
};

/// Maximum length of a line of function names.
const WIDTH: usize = 44;

/// The graph of the stage in DOT.
pub fn of(stage: &Stage) -> Result<String> {
    let system = System::of(stage)?;
    let groups = groups();
    let mut dot = Dot::new();
    people(&mut dot);
    if stage.has_cloudfront() {
        dot.node("distribution", "service", "CloudFront\ncaches assets and covers at the edge");
    }
    let functions = network(&mut dot, stage, &system, &groups);
    services(&mut dot, stage, &system);
    for group in groups.iter().filter(|group| !group[0].is_in_network) {
        dot.node(id(group), class(group[0].database), &format!("{}\noutside of the network", names(group)));
    }
    requests(&mut dot, stage, &system, &groups);
    tasks(&mut dot, stage);
    failover(&mut dot, &system);
    for group in &groups {
        triggers(&mut dot, &system, group);
        permissions(&mut dot, &system, group);
    }
    dot.edge_with(&format!("ltail={functions},"), id(&groups[0]), "ssm", "rare", "configuration");
    Ok(dot.finish())
}

/// Functions with the same kind of trigger and the same permissions, in the order of the route table.
fn groups() -> Vec<Vec<&'static Function>> {
    let mut groups: Vec<Vec<&Function>> = Vec::new();
    for function in FUNCTIONS {
        match groups.iter_mut().find(|group| belong_together(group[0], function)) {
            Some(group) => group.push(function),
            None => groups.push(vec![function]),
        }
    }
    groups
}

fn belong_together(one: &Function, other: &Function) -> bool {
    let kind = |function: &Function| match function.trigger {
        Trigger::Http(_) | Trigger::Unmatched => (0, None),
        Trigger::Messages(queue) => (1, Some(queue)),
        Trigger::Imports => (2, None),
        Trigger::Uploads => (3, None),
        Trigger::Staff => (4, None),
        Trigger::Release => (5, None),
    };
    kind(one) == kind(other)
        && one.database == other.database
        && one.queue == other.queue
        && one.buckets == other.buckets
        && one.is_in_network == other.is_in_network
        && one.issues_sessions == other.issues_sessions
        && one.deletes_accounts == other.deletes_accounts
}

fn id(group: &[&'static Function]) -> &'static str {
    group[0].name
}

fn people(dot: &mut Dot) {
    for (id, label) in [("shoppers", "Shoppers"), ("operators", "Operators"), ("staff", "Staff")] {
        dot.node_with_shape(id, "people", "oval", label);
    }
}

/// Adds the network with its subnets. Returns the name of the cluster with the functions.
fn network(dot: &mut Dot, stage: &Stage, system: &System, groups: &[Vec<&'static Function>]) -> String {
    let range = text(&system.only("EC2::VPC").expect("a network in every stage")["CidrBlock"]);
    let mut functions = String::new();
    dot.cluster("network", &format!("Network {range} in two zones"), |dot| {
        tier(dot, system, "Public", |dot| load_balancer(dot, system));
        tier(dot, system, "App", |dot| {
            let function = system.only("Lambda::Function").expect("functions in every stage");
            let group = text(&function["VpcConfig"]["SecurityGroupIds"][0]["Ref"]);
            functions = dot.cluster("group", &system.group(group), |dot| {
                for group in groups.iter().filter(|group| group[0].is_in_network) {
                    dot.node(id(group), class(group[0].database), &names(group));
                }
            });
            services_on_fargate(dot, stage, system);
            endpoints(dot, system);
        });
        tier(dot, system, "Data", |dot| database(dot, system));
    });
    functions
}

/// The subnets of one tier, and the nodes in them.
fn tier(dot: &mut Dot, system: &System, tier: &str, inside: impl FnOnce(&mut Dot)) {
    let subnets = system.subnets().into_iter().filter(|subnet| subnet.tier == tier);
    let rows: Vec<_> =
        subnets.map(|subnet| vec![format!("zone {}", subnet.zone), subnet.range, subnet.egress]).collect();
    dot.cluster("tier", &format!("{tier} subnets"), |dot| {
        dot.table(&format!("{tier} zones"), "zones", &rows);
        inside(dot);
    });
}

fn load_balancer(dot: &mut Dot, system: &System) {
    let load_balancer = system.only("ElasticLoadBalancingV2::LoadBalancer").expect("one in every stage");
    let rules = system.resources("ElasticLoadBalancingV2::ListenerRule").count();
    let group = text(&load_balancer["SecurityGroups"][0]["Ref"]);
    dot.cluster("group", &system.group(group), |dot| {
        dot.node("load balancer", "service", &format!("Load balancer\n{rules} rules by path and method"));
    });
}

/// The services on ECS, if the stage has containers.
fn services_on_fargate(dot: &mut Dot, stage: &Stage, system: &System) {
    let Some(settings) = &stage.containers else { return };
    dot.cluster("group", &system.group("TasksGroup"), |dot| {
        for service in Service::ALL {
            let range = service.tasks(settings);
            let label = format!("Fargate: {}\n{} to {} tasks", service.name(), range.min, range.max);
            dot.node(&tasks_of(service), class(Some(DatabaseRole::Writer)), &label);
        }
    });
}

fn tasks_of(service: Service) -> String {
    format!("tasks of {}", service.name())
}

/// The interface endpoints, if the stage has any.
fn endpoints(dot: &mut Dot, system: &System) {
    let services: Vec<_> = system.interface_endpoints().map(service).collect();
    let Some(endpoint) = system.interface_endpoints().next() else { return };
    let group = text(&endpoint["SecurityGroupIds"][0]["Ref"]);
    let label = format!("Endpoints\n{}", services.join(", "));
    dot.cluster("group", &system.group(group), |dot| dot.node("endpoints", "service", &label));
}

/// The RDS instance, if the stage has one.
fn database(dot: &mut Dot, system: &System) {
    let Some(database) = primary(system) else { return };
    let standby = if database["MultiAZ"] == true { "\nand a standby" } else { "" };
    let label =
        format!("MariaDB {}\n{}{standby}", text(&database["EngineVersion"]), text(&database["DBInstanceClass"]));
    let group = text(&database["VPCSecurityGroups"][0]["Ref"]);
    let replicas = system.resources("RDS::DBInstance").count() - 1;
    dot.cluster("group", &system.group(group), |dot| {
        dot.node_with_shape("database", "service", "cylinder", &label);
        if replicas > 0 {
            dot.node_with_shape("replicas", "service", "cylinder", &format!("Read replicas\n{replicas}"));
            dot.edge("database", "replicas", "rare", "");
        }
    });
}

/// The instance that is no replica.
fn primary(system: &System) -> Option<&serde_json::Value> {
    let mut instances = system.resources("RDS::DBInstance").map(|(_, properties)| properties);
    instances.find(|instance| !instance["AllocatedStorage"].is_null())
}

/// AWS services and the database outside the network.
fn services(dot: &mut Dot, stage: &Stage, system: &System) {
    dot.cluster("aws", &format!("AWS services, {}", egress_to_aws(system)), |dot| {
        dot.node("ssm", "service", &format!("SSM parameters\n{}/…", stage.prefix()));
        for queue in Queue::ALL {
            dot.node(queue.name(), "service", &label_of(stage, queue));
        }
        if has_secret(system) {
            dot.node("secret", "service", "Secrets Manager\nmaster password");
        }
        if let Some(mail) = &stage.mail {
            dot.node("mail", "service", &format!("SES\n{}", mail.identity));
            dot.edge("mail", Queue::Bounces.name(), "rare", "bounces, by SNS");
        }
        if system.only("Cognito::UserPoolClient").is_some() {
            dot.node("accounts", "service", "Cognito\nuser pools of customers and staff");
        }
        if stage.containers.is_some() {
            dot.node("images", "service", "ECR\nimage of the tasks");
        }
        if let Some(sweep) = system.only("Scheduler::Schedule") {
            dot.node("sweeps", "service", &format!("Schedule of sweeps\n{}", text(&sweep["ScheduleExpression"])));
            dot.edge("sweeps", Queue::Orders.name(), "rare", "");
        }
    });
    dot.node("imports", "service", "S3 bucket\nimports");
    dot.node("archive", "service", "S3 bucket\narchive of messages");
    dot.node("files", "service", "S3 bucket\ncovers and sample chapters");
    if let Server::External(server) = &stage.database.server {
        let label = format!("MariaDB\n{}, port {}", server.host, server.port);
        dot.node_with_shape("database", "service", "cylinder", &label);
    }
}

fn label_of(stage: &Stage, queue: Queue) -> String {
    let source = Queue::ALL.into_iter().find(|source| source.dead_letters() == Some(queue));
    match source {
        Some(source) => {
            let (_, receives) = stage.retries(source);
            format!("SQS dead-letter queue\n{}\nafter {receives} deliveries", queue.name())
        }
        None if queue.dead_letters().is_none() => format!("SQS dead-letter queue\n{}", queue.name()),
        None => format!("SQS queue\n{}", queue.name()),
    }
}

fn egress_to_aws(system: &System) -> &'static str {
    match (system.only("EC2::NatGateway"), system.only("EC2::EgressOnlyInternetGateway")) {
        (Some(_), _) => "by NAT",
        (None, Some(_)) => "over IPv6",
        (None, None) => "by endpoints",
    }
}

fn has_secret(system: &System) -> bool {
    primary(system).is_some()
}

/// Edges from shoppers to the functions behind the load balancer.
fn requests(dot: &mut Dot, stage: &Stage, system: &System, groups: &[Vec<&'static Function>]) {
    let listeners = system.resources("ElasticLoadBalancingV2::Listener");
    let ports: Vec<_> =
        listeners.map(|(_, listener)| format!("{} {}", text(&listener["Protocol"]), listener["Port"])).collect();
    if stage.has_cloudfront() {
        dot.edge("shoppers", "distribution", "flow", "HTTPS 443");
        dot.edge("distribution", "load balancer", "flow", &format!("{} with the origin secret", ports.join(", ")));
    } else {
        dot.edge("shoppers", "load balancer", "flow", &ports.join(", "));
    }
    let programs = system.only("ApiGatewayV2::Api").is_some();
    if programs {
        dot.node("api gateway", "service", "API Gateway\nverifies tokens of customers");
        dot.edge("shoppers", "api gateway", "flow", "programs, HTTPS 443");
    }
    for group in groups.iter().filter(|group| group[0].serves_http()) {
        dot.edge("load balancer", id(group), "flow", "");
        if programs
            && group
                .iter()
                .any(|function| api_gateway::routes().iter().any(|route| route.function.name == function.name))
        {
            dot.edge("api gateway", id(group), "flow", "");
        }
    }
}

/// Edges to the tasks, and from them to what their functions use.
fn tasks(dot: &mut Dot, stage: &Stage) {
    let Some(settings) = &stage.containers else { return };
    let (kind, visitors) = match settings.compute {
        Compute::Fargate => ("flow", "all visitors"),
        Compute::Lambda => ("rare", "with the header of probes"),
    };
    for service in Service::ALL {
        let tasks = tasks_of(service);
        dot.edge("load balancer", &tasks, kind, visitors);
        dot.edge("images", &tasks, "rare", "");
        dot.edge(&tasks, "database", class(Some(DatabaseRole::Writer)), "as the functions do");
        let sent = service.functions().flat_map(|function| function.queue).filter_map(|access| match access {
            QueueAccess::Send(queue) if queue.dead_letters().is_some() => Some(queue.name()),
            _ => None,
        });
        for queue in sent.collect::<BTreeSet<_>>() {
            dot.edge(&tasks, queue, kind, "");
        }
    }
}

/// The record of the shop's name, if it leads to a page while the shop is away.
fn failover(dot: &mut Dot, system: &System) {
    if system.only("Route53::HealthCheck").is_some() {
        dot.node("names", "service", "Route 53\nleads to a page while /health fails");
        dot.edge("shoppers", "names", "rare", "address of the shop");
    }
}

/// Edges from the triggers other than the load balancer.
fn triggers(dot: &mut Dot, system: &System, group: &[&'static Function]) {
    match group[0].trigger {
        Trigger::Http(_) | Trigger::Unmatched => {}
        Trigger::Messages(queue) => {
            let mut sources = system.resources("Lambda::EventSourceMapping");
            let (_, source) = sources.next().expect("one for each consumer");
            dot.edge(queue.name(), id(group), "flow", &format!("batches of up to {}", source["BatchSize"]));
        }
        Trigger::Imports => {
            dot.edge("operators", "imports", "flow", "CSV of books");
            dot.edge("imports", id(group), "flow", "");
            dot.edge(id(group), Queue::ImportDeadLetters.name(), "rare", "failed imports");
        }
        Trigger::Uploads => {
            dot.edge("files", id(group), "flow", "uploads");
            dot.edge_with("constraint=false,", id(group), "files", "rare", "checked files");
            dot.edge(id(group), Queue::ImportDeadLetters.name(), "rare", "failed uploads");
        }
        Trigger::Staff => dot.edge_with("minlen=2,", "staff", id(group), "flow", "bookstore"),
        Trigger::Release => dot.edge_with("minlen=2,", "operators", id(group), "flow", "deploy"),
    }
}

/// Edges to the resources that these functions can access.
fn permissions(dot: &mut Dot, system: &System, group: &[&'static Function]) {
    let verb = match group[0].database {
        Some(DatabaseRole::Reader) => Some("reads"),
        Some(DatabaseRole::OrderReader) => Some("reads orders"),
        Some(DatabaseRole::BounceWriter) => Some("notes bounces"),
        Some(DatabaseRole::Account) => Some("keeps accounts"),
        Some(DatabaseRole::Staff) => Some("does what the staff asks"),
        Some(DatabaseRole::Writer) => Some("writes"),
        Some(DatabaseRole::Admin) => Some("administers"),
        None => None,
    };
    if let Some(verb) = verb {
        dot.edge(id(group), "database", class(group[0].database), verb);
    }
    if group[0].database == Some(DatabaseRole::Admin) && has_secret(system) {
        dot.edge(id(group), "secret", "rare", "");
    }
    if group[0].mail && system.only("SES::ConfigurationSet").is_some() {
        dot.edge(id(group), "mail", "flow", "");
    }
    if group[0].issues_sessions && system.only("Cognito::UserPoolClient").is_some() {
        dot.edge(id(group), "accounts", "flow", "codes for tokens");
    }
    if group[0].deletes_accounts && system.only("Cognito::UserPoolClient").is_some() {
        dot.edge(id(group), "accounts", "rare", "deletes accounts");
    }
    for access in group[0].buckets {
        let (bucket, label) = match access {
            // The edges of their triggers are there.
            BucketAccess::Imports | BucketAccess::CheckUploads => continue,
            BucketAccess::PermitUploads => ("files", "permits uploads"),
            BucketAccess::ServeCovers => ("files", "reads covers"),
            BucketAccess::LinkSamples => ("files", "signs links to samples"),
            BucketAccess::PreviewImports => ("imports", "files to preview"),
            BucketAccess::Archive(_) => ("archive", "decided messages"),
            BucketAccess::EraseArchived => ("archive", "removes messages"),
        };
        dot.edge_with("constraint=false,", id(group), bucket, "rare", label);
    }
    for access in group[0].queue {
        let queue = access.queue();
        match access {
            QueueAccess::Send(_) if queue.dead_letters().is_some() => dot.edge(id(group), queue.name(), "flow", ""),
            QueueAccess::Send(_) => dot.edge(id(group), queue.name(), "rare", "permanent failures"),
            QueueAccess::Inspect(_) => dot.edge(id(group), queue.name(), "rare", "queue length"),
            // The edge of its trigger has the opposite direction.
            QueueAccess::Delay(_) => {}
        }
    }
}

/// CSS class of the database user.
fn class(access: Option<DatabaseRole>) -> &'static str {
    match access {
        None => "nobody",
        Some(role) if role.is_reader() => DatabaseRole::Reader.name(),
        Some(DatabaseRole::BounceWriter | DatabaseRole::Account | DatabaseRole::Staff) => DatabaseRole::Writer.name(),
        Some(role) => role.name(),
    }
}

/// The names, in lines of at most `WIDTH` characters.
fn names(group: &[&'static Function]) -> String {
    let mut lines = vec![String::new()];
    for name in group.iter().map(|function| function.name) {
        let line = lines.last_mut().expect("a line");
        if line.is_empty() {
            line.push_str(name);
        } else if line.len() + name.len() + 2 <= WIDTH {
            *line += ", ";
            *line += name;
        } else {
            lines.push(name.to_owned());
        }
    }
    lines.join("\n")
}
