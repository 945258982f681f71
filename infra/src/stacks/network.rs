//! The network stack: a VPC with public, app and data subnets in two zones, the egress option, and the security groups.

use std::array;

use serde_json::json;
use stratosphere::services::aws::ec2;
use stratosphere::services::aws::ec2::securitygroup::{Egress, Egress_, Ingress, Ingress_};
use stratosphere::{Tag, Tag_};

use super::{Kind, Stack};
use crate::containers::HTTP_PORT;
use crate::stage::{self, DatabaseLogin, Server, Stage};
use crate::template::{Id, Template, list, sub};

const NETWORK: &str = "172.16.0.0/16";
/// Subnets of the load balancer and the NAT gateways.
const PUBLIC: [&str; 2] = ["172.16.1.0/24", "172.16.2.0/24"];
/// Subnets of the functions and the interface endpoints.
const APP: [&str; 2] = ["172.16.3.0/24", "172.16.4.0/24"];
/// Subnets of MariaDB, without egress.
const DATA: [&str; 2] = ["172.16.5.0/24", "172.16.6.0/24"];
const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_IPV6: &str = "::/0";

pub fn stack(stage: &Stage) -> Stack {
    let mut stack = Stack::new(stage, Kind::Network, "subnets, egress and security groups");
    let template = &mut stack.template;

    let vpc = template.add(
        "Vpc",
        ec2::VPC! {
            cidr_block: NETWORK,
            enable_dns_hostnames: true,
            enable_dns_support: true,
            tags: named("vpc"),
        },
    );
    let public = subnets(template, stage, vpc, "Public", PUBLIC);
    let app = subnets(template, stage, vpc, "App", APP);
    let data = subnets(template, stage, vpc, "Data", DATA);
    template.output("Vpc", vpc);

    // One route table for each zone, so that a change of `egress` changes routes and no association.
    let app_tables = array::from_fn(|zone| route_table(template, vpc, &format!("App{}", zone + 1), &app[zone..=zone]));
    route_table(template, vpc, "Data", &data);
    let internet = internet(template, vpc, &public);
    s3_endpoint(template, vpc, app_tables);
    if !stage.is_local() {
        ipv6_ranges(template, vpc, app);
    }

    let callers = security_groups(template, stage, vpc);
    match stage.egress {
        stage::Egress::Endpoints => endpoints(template, stage, vpc, &app, &callers),
        stage::Egress::SingleZoneEndpoints => endpoints(template, stage, vpc, &app[..1], &callers),
        stage::Egress::Ipv6 => egress_only(template, vpc, app_tables),
        stage::Egress::SingleNat => nat(template, internet, &public[..1], app_tables),
        stage::Egress::NatPerZone => nat(template, internet, &public, app_tables),
    }
    stack
}

/// The `Name` tag, which the console shows.
fn named(name: &str) -> Vec<Tag_> {
    vec![Tag! { key: "Name", value: sub(&format!("${{AWS::StackName}}-{name}")) }]
}

/// One subnet in each of the stage's two zones.
fn subnets(template: &mut Template, stage: &Stage, vpc: Id, tier: &str, ranges: [&str; 2]) -> [Id; 2] {
    [0, 1].map(|zone| {
        let name = format!("{tier}Subnet{}", zone + 1);
        let subnet = template.add(
            &name,
            ec2::Subnet! {
                vpc_id: vpc,
                cidr_block: ranges[zone],
                availability_zone_id: stage.zones[zone].as_str(),
                tags: named(&format!("{}-{}", tier.to_lowercase(), zone + 1)),
            },
        );
        template.output(name, subnet);
        subnet
    })
}

fn route_table(template: &mut Template, vpc: Id, name: &str, subnets: &[Id]) -> Id {
    let table = template.add(
        format!("{name}Routes"),
        ec2::RouteTable! {
            vpc_id: vpc,
            tags: named(&name.to_lowercase()),
        },
    );
    for &subnet in subnets {
        let association = ec2::SubnetRouteTableAssociation! { route_table_id: table, subnet_id: subnet };
        template.add(format!("{}Routes", subnet.name()), association);
    }
    table
}

/// Adds the internet gateway of the public subnets. Returns the attachment, on which NAT addresses must depend.
fn internet(template: &mut Template, vpc: Id, public: &[Id]) -> Id {
    let gateway = template.add("InternetGateway", ec2::InternetGateway! { tags: named("internet") });
    let attachment = template.add(
        "InternetGatewayAttachment",
        ec2::VPCGatewayAttachment! {
            vpc_id: vpc,
            internet_gateway_id: gateway,
        },
    );
    let table = route_table(template, vpc, "Public", public);
    let route = template.add(
        "PublicRouteToInternet",
        ec2::Route! {
            route_table_id: table,
            destination_cidr_block: ANYWHERE,
            gateway_id: gateway,
        },
    );
    template.add_dependency(route, attachment);
    attachment
}

/// IPv6 ranges for the app subnets, with every egress option: they are free and route nowhere by themselves, and AWS
/// does not release a range while an old version of a function has an address in it.
fn ipv6_ranges(template: &mut Template, vpc: Id, app: [Id; 2]) {
    let all = template.add("Ipv6Range", ec2::VPCCidrBlock! { vpc_id: vpc, amazon_provided_ipv6_cidr_block: true });
    for (zone, subnet) in app.into_iter().enumerate() {
        // A separate resource, because as a property of the subnet it would replace the subnet.
        let range = template.add(format!("{}Ipv6Range", subnet.name()), ec2::SubnetCidrBlock! { subnet_id: subnet });
        // stratosphere has no type for attributes that are lists.
        let of_network = json!({ "Fn::Select": [0, { "Fn::GetAtt": [vpc.name(), "Ipv6CidrBlocks"] }] });
        let of_zone = json!({ "Fn::Select": [zone, { "Fn::Cidr": [of_network, app.len(), 64] }] });
        template.set(range.name(), "Ipv6CidrBlock", of_zone);
        template.add_dependency(range, all);
    }
}

/// Egress over IPv6 by an egress-only internet gateway, which admits no incoming connections.
fn egress_only(template: &mut Template, vpc: Id, app_tables: [Id; 2]) {
    let gateway =
        template.add("EgressOnlyGateway", ec2::EgressOnlyInternetGateway! { vpc_id: vpc, tags: named("egress-only") });
    for (zone, table) in (1..).zip(app_tables) {
        template.add(
            format!("App{zone}RouteOverIpv6"),
            ec2::Route! {
                route_table_id: table,
                destination_ipv6_cidr_block: ANYWHERE_IPV6,
                egress_only_internet_gateway_id: gateway,
            },
        );
    }
}

/// Egress by a NAT gateway in each of the given public subnets; zones without one use the first.
fn nat(template: &mut Template, internet: Id, public: &[Id], app_tables: [Id; 2]) {
    let mut gateways = Vec::new();
    for (zone, &subnet) in (1..).zip(public) {
        let name = format!("nat-{zone}");
        let address = template.add(format!("NatAddress{zone}"), ec2::EIP! { domain: "vpc", tags: named(&name) });
        template.add_dependency(address, internet);
        gateways.push(template.add(
            format!("NatGateway{zone}"),
            ec2::NatGateway! {
                allocation_id: address.att("AllocationId"),
                subnet_id: subnet,
                tags: named(&name),
            },
        ));
    }
    for ((zone, table), &gateway) in (1..).zip(app_tables).zip(gateways.iter().cycle()) {
        template.add(
            format!("App{zone}RouteToInternet"),
            ec2::Route! {
                route_table_id: table,
                destination_cidr_block: ANYWHERE,
                nat_gateway_id: gateway,
            },
        );
    }
}

/// A gateway endpoint for S3; it is free, so every stage has it.
fn s3_endpoint(template: &mut Template, vpc: Id, app_tables: [Id; 2]) {
    template.add(
        "S3Endpoint",
        ec2::VPCEndpoint! {
            vpc_id: vpc,
            service_name: sub("com.amazonaws.${AWS::Region}.s3"),
            vpc_endpoint_type: "Gateway",
            route_table_ids: list(app_tables),
        },
    );
}

/// Interface endpoints for the services that functions and tasks call.
fn endpoints(template: &mut Template, stage: &Stage, vpc: Id, app: &[Id], callers: &[Id]) {
    let ingress = callers.iter().map(|group| from_group(*group, 443, "functions call AWS"));
    let group = template.add(
        "EndpointsGroup",
        ec2::SecurityGroup! {
            group_description: "Endpoints: functions come in, nothing goes out",
            vpc_id: vpc,
            security_group_ingress: ingress.collect::<Vec<_>>(),
            security_group_egress: vec![to_nowhere()],
            tags: named("endpoints"),
        },
    );
    let mut services = vec![("Ssm", "ssm"), ("Sqs", "sqs")];
    if stage.database.auth() == DatabaseLogin::Iam {
        services.push(("SecretsManager", "secretsmanager")); // migrate-database reads the master password
    }
    if stage.containers.is_some() {
        // Fargate pulls the image and writes the log from the task's own network; layers come from S3.
        services.extend([("EcrApi", "ecr.api"), ("EcrImages", "ecr.dkr"), ("Logs", "logs")]);
    }
    for (name, service) in services {
        template.add(
            format!("{name}Endpoint"),
            ec2::VPCEndpoint! {
                vpc_id: vpc,
                service_name: sub(&format!("com.amazonaws.${{AWS::Region}}.{service}")),
                vpc_endpoint_type: "Interface",
                private_dns_enabled: true,
                subnet_ids: list(app.iter().copied()),
                security_group_ids: list([group]),
            },
        );
    }
}

/// Adds the security groups: internet -> load balancer; functions -> database, S3 and AWS; where there are containers, load
/// balancer -> tasks -> the same. Returns those that call AWS.
/// Two groups cannot refer to each other, so ingress rules name the group and egress rules the address range. A change of
/// a group's description would replace the group.
fn security_groups(template: &mut Template, stage: &Stage, vpc: Id) -> Vec<Id> {
    let port = i32::from(HTTP_PORT);
    let to_tasks = || Vec::from(APP.map(|range| to_range(range, port, "tasks")));
    let load_balancer = template.add(
        "LoadBalancerGroup",
        ec2::SecurityGroup! {
            group_description: "Load balancer: the internet comes in, nothing goes out",
            vpc_id: vpc,
            security_group_ingress: vec![from_anywhere(80, "shoppers"), from_anywhere(443, "shoppers")],
            security_group_egress: if stage.containers.is_some() { to_tasks() } else { vec![to_nowhere()] },
            tags: named("load-balancer"),
        },
    );
    template.suppress(load_balancer, "CKV_AWS_260", "The shop is public on port 80, which serves or redirects to 443.");

    let aws: &[&str] = match stage.egress {
        stage::Egress::Endpoints => &APP,
        stage::Egress::SingleZoneEndpoints => &APP[..1],
        stage::Egress::Ipv6 => &[ANYWHERE_IPV6],
        stage::Egress::SingleNat | stage::Egress::NatPerZone => &[ANYWHERE],
    };
    let calls = || {
        let mut calls = match &stage.database.server {
            Server::Rds(_) => Vec::from(DATA.map(|range| to_range(range, 3306, "MariaDB"))),
            Server::External(external) => vec![to_range(&external.range, external.port.into(), "MariaDB")],
        };
        calls.extend(aws.iter().map(|range| to_range(range, 443, "AWS")));
        calls.push(Egress! {
            ip_protocol: "tcp",
            from_port: 443,
            to_port: 443,
            destination_prefix_list_id: stage.s3_prefix_list.as_str(),
            description: "S3",
        });
        calls
    };
    let functions = template.add(
        "FunctionsGroup",
        ec2::SecurityGroup! {
            group_description: "Functions: nothing comes in, database and AWS are called",
            vpc_id: vpc,
            security_group_egress: calls(),
            tags: named("functions"),
        },
    );
    let tasks = stage.containers.is_some().then(|| {
        template.add(
            "TasksGroup",
            ec2::SecurityGroup! {
                group_description: "Tasks: the load balancer comes in, database and AWS are called",
                vpc_id: vpc,
                security_group_ingress: vec![from_group(load_balancer, port, "the load balancer")],
                security_group_egress: calls(),
                tags: named("tasks"),
            },
        )
    });
    let mut callers = vec![from_group(functions, 3306, "functions")];
    callers.extend(tasks.map(|tasks| from_group(tasks, 3306, "tasks")));

    let database = template.add(
        "DatabaseGroup",
        ec2::SecurityGroup! {
            group_description: "Database: functions come in, nothing goes out",
            vpc_id: vpc,
            security_group_ingress: callers,
            security_group_egress: vec![to_nowhere()],
            tags: named("database"),
        },
    );

    template.output("LoadBalancerGroup", load_balancer);
    template.output("FunctionsGroup", functions);
    template.output("DatabaseGroup", database);
    if let Some(tasks) = tasks {
        template.output("TasksGroup", tasks);
    }
    [functions].into_iter().chain(tasks).collect()
}

fn from_anywhere(port: i32, why: &str) -> Ingress_ {
    Ingress! { ip_protocol: "tcp", from_port: port, to_port: port, cidr_ip: ANYWHERE, description: why }
}

fn from_group(group: Id, port: i32, why: &str) -> Ingress_ {
    Ingress! { ip_protocol: "tcp", from_port: port, to_port: port, source_security_group_id: group, description: why }
}

fn to_range(range: &str, port: i32, why: &str) -> Egress_ {
    let mut rule = Egress! { ip_protocol: "tcp", from_port: port, to_port: port, description: why };
    if range.contains(':') {
        rule.cidr_ipv6 = Some(range.into());
    } else {
        rule.cidr_ip = Some(range.into());
    }
    rule
}

/// An egress rule that matches nothing. EC2 adds a rule for all destinations to a group without egress rules.
fn to_nowhere() -> Egress_ {
    Egress! {
        ip_protocol: "icmp",
        from_port: 252,
        to_port: 86,
        cidr_ip: "255.255.255.255/32",
        description: "nothing goes out",
    }
}
