//! The stages on AWS, deployed by our own code to emulators and described by them; functions without their code.
//!
//! Neither emulator has everything. ministack knows no NAT gateway and no IPv6. moto knows them and all else of the
//! network, but keeps no outward rules and no associations of route tables, and little of a database. Neither makes
//! groups.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::support::{python, python_command, stage, variable};
use bookstore::{
    aws::AwsClients,
    deploy::{
        DataLoss, Interaction,
        stack::{apply, protect},
    },
};
use infra::stacks::{Input, Kind, Stack, all};
use infra::{
    database_settings::settings,
    stage::{Egress, Rds, STAGES, Server, Stage},
};

/// What ministack's CloudFormation refuses, which leaves out what refers to it as well.
const LEFT_OUT: [(&str, &str); 11] = [
    ("AWS::EC2::EgressOnlyInternetGateway", "an unknown type: no route to one; moto has it"),
    ("AWS::EC2::VPCCidrBlock", "an unknown type: no IPv6 ranges of the VPC and its subnets; moto has them"),
    ("AWS::EC2::EIP", "an unknown type: no address, hence no NAT gateway and no route to one; moto has them"),
    ("MasterUserSecret.SecretArn", "an unknown attribute of a database: no parameter that names its secret"),
    NO_WEB_ACL_ASSOCIATION,
    NO_LOG_DELIVERY,
    NO_LOGIN_STYLE,
    ("AWS::ApplicationAutoScaling", "unknown types: no scaling of tasks"),
    ("AWS::IAM::Group", "an unknown type: roles without groups; `human_permissions.rs` checks the groups' permissions"),
    ("AWS::Budgets::Budget", "an unknown type: no budget"),
    ("\"Metrics\"", "an unknown property of alarms: no error rate, and no dashboard, which shows the alarm's state"),
];

pub const NO_WEB_ACL_ASSOCIATION: (&str, &str) =
    ("AWS::WAFv2::WebACLAssociation", "an unknown type: the web ACL has no association");

pub const NO_LOGIN_STYLE: (&str, &str) =
    ("AWS::Cognito::ManagedLoginBranding", "an unknown type: its own login pages, without a style");

pub const NO_LOG_DELIVERY: (&str, &str) = ("AWS::Logs::Delivery", "unknown types: no access logs of CloudFront");

/// Types that moto's CloudFormation passes over in silence.
const PASSED_OVER: [&str; 1] = ["AWS::IAM::Group"];

/// The output of an earlier stack that was left out of it.
const NOT_MADE: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:not-made";

/// Keys that nobody else has.
pub const ORIGIN_SECRET: &str =
    "00000000000000000000000000000000.11111111111111111111111111111111.22222222222222222222222222222222";

/// The account of the emulator that the tests' own stage runs in.
pub static MINISTACK: LazyLock<Account> = LazyLock::new(|| {
    let endpoint = variable("ANAQUEL_ENDPOINT");
    let port = endpoint.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let mut account = Account::default();
    let with_containers = Stage { containers: Stage::in_full("prod").unwrap().containers, ..stage("prod") };
    account.deploy(port, &[stage("dev"), with_containers], &Kind::ALL, &LEFT_OUT);
    // The tests' own stage exists already.
    account.ask_for(all(&stage("local")).unwrap());
    account.describe(port);
    account
});

pub static MOTO: LazyLock<Account> = LazyLock::new(|| {
    let moto = Moto::start();
    // It would pass over alarms in silence, and miss them on the dashboard.
    let stages = STAGES.map(|(name, _)| Stage { monitoring: None, ..stage(name) });
    let mut account = Account::default();
    account.deploy(moto.port, &stages, &[Kind::Network, Kind::Operations], &[]);
    account.describe(moto.port);
    account.but_for(&PASSED_OVER)
});

/// It ends with its standard input, should this process not come to end it.
struct Moto {
    port: u16,
    child: Child,
}

impl Moto {
    fn start() -> Self {
        let mut child = python_command("serve_moto.py").stderr(Stdio::null()).spawn().expect("Python starts");
        let mut port = String::new();
        BufReader::new(child.stdout.as_mut().expect("a pipe")).read_line(&mut port).unwrap();
        let port = port.trim().parse().expect("moto prints its port");
        Self { port, child }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What an emulator holds after a deploy.
#[derive(Clone, Default)]
pub struct Account {
    /// The resources that should be there, by stack: name and type.
    asked_for: BTreeMap<String, BTreeMap<&'static str, String>>,
    /// Why a stack was refused before something was left out of it.
    refusals: Vec<(&'static str, String)>,
    pub described: Value,
}

impl Account {
    fn deploy(&mut self, port: u16, stages: &[Stage], kinds: &[Kind], left_out: &[(&'static str, &str)]) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for stage in stages {
            runtime.block_on(self.deploy_stage(port, stage, kinds, left_out));
        }
    }

    /// Resources of these types must not be there; all others must.
    fn but_for(mut self, kinds: &[&str]) -> Self {
        for resources in self.asked_for.values_mut() {
            resources.retain(|_, kind| !kinds.contains(&kind.as_str()));
        }
        self
    }

    fn ask_for(&mut self, stacks: impl IntoIterator<Item = Stack>) {
        self.asked_for.extend(stacks.into_iter().map(|stack| (stack.name, stack.template.resources().collect())));
    }

    fn describe(&mut self, port: u16) {
        let stacks: Vec<_> = self.asked_for.keys().collect();
        let endpoint = format!("http://127.0.0.1:{port}");
        let asked = json!({ "endpoint": endpoint, "region": stage("prod").region, "stacks": stacks });
        self.described = python("describe.py", &asked);
    }

    async fn deploy_stage(&mut self, port: u16, stage: &Stage, kinds: &[Kind], left_out: &[(&'static str, &str)]) {
        let aws = AwsClients::local(stage, port);
        let mut outputs: BTreeMap<String, String> = BTreeMap::new();
        for mut stack in all(stage).unwrap().into_iter().filter(|stack| kinds.contains(&stack.kind)) {
            let inputs = stack.inputs.iter().map(|(name, input)| {
                let value = match input {
                    Input::Output { name: output, .. } => outputs.get(*output).map_or(NOT_MADE, String::as_str),
                    Input::Code(function) => function,
                    Input::DeletionProtection => "false",
                    Input::UserPoolProtection => "INACTIVE",
                    Input::OriginSecret(keys) => keys.of(ORIGIN_SECRET),
                    Input::Image | Input::PreviousImage => "registry/server@sha256:0123",
                };
                (*name, value.to_owned())
            });
            let inputs = inputs.collect();
            let bucket = outputs.get("ArtifactBucket");
            for (text, _) in left_out {
                if stack.template.to_json().unwrap().contains(text) {
                    let refusal = apply(&aws, &stack, bucket, &inputs, Interaction::Quiet, DataLoss::Allow).await.err();
                    self.refusals.push((text, refusal.map(|error| format!("{error:#}")).unwrap_or_default()));
                    stack.template.leave_out(text);
                }
            }
            let made = apply(&aws, &stack, bucket, &inputs, Interaction::Quiet, DataLoss::Allow).await.unwrap();
            protect(&aws, &stack, bucket, &inputs, Interaction::Quiet).await.unwrap();
            outputs.extend(made);
            self.ask_for([stack]);
        }
    }

    /// The physical id of a resource: `id("prod-network", "Vpc")`.
    pub fn id(&self, stack: &str, name: &str) -> &str {
        self.described["Stacks"][format!("anaquel-{stack}")]["Resources"][name].as_str().expect("a resource")
    }

    pub fn has(&self, stack: &str, name: &str) -> bool {
        self.described["Stacks"][format!("anaquel-{stack}")]["Resources"][name].is_string()
    }

    /// The physical ids of these resources.
    fn ids<const N: usize>(&self, stack: &str, names: [&str; N]) -> BTreeSet<&str> {
        names.map(|name| self.id(stack, name)).into()
    }

    /// The one of the things described as `list` whose `key` is the physical id of the resource.
    pub fn find(&self, list: &str, key: &str, stack: &str, name: &str) -> &Value {
        let id = self.id(stack, name);
        let mut found = self.list(list).filter(|thing| thing[key] == id);
        found.next().unwrap_or_else(|| panic!("no {name} of {stack} among the {list}"))
    }

    pub fn list(&self, list: &str) -> impl Iterator<Item = &Value> {
        self.described[list].as_array().expect("a list").iter()
    }

    /// The routes of the subnet to outside the VPC.
    pub fn ways_out(&self, network: &str, subnet: &str) -> Vec<String> {
        let association = self.id(network, &format!("{subnet}Routes"));
        let subnet = self.id(network, subnet);
        let mut tables = self.list("RouteTables").filter(|table| {
            let associated = table["Associations"].as_array().unwrap().iter();
            // moto describes no association, and gives it the id of its table.
            associated.map(|one| &one["SubnetId"]).any(|id| id == subnet) || table["RouteTableId"] == association
        });
        let (Some(table), None) = (tables.next(), tables.next()) else { panic!("{subnet} has not one route table") };

        let name = |id: &Value| self.name(network, id.as_str().expect("a target"));
        let routes = table["Routes"].as_array().unwrap().iter().filter(|route| route["GatewayId"] != "local");
        // Routes to a list of prefixes belong to an endpoint.
        let routes = routes.filter(|route| route["DestinationPrefixListId"].is_null()).map(|route| {
            let has = |key: &&str| route[key].is_string();
            let destination = ["DestinationCidrBlock", "DestinationIpv6CidrBlock"].into_iter().find(has);
            let target = ["GatewayId", "NatGatewayId", "EgressOnlyInternetGatewayId"].into_iter().find(has);
            let destination = route[destination.expect("a destination")].as_str().unwrap();
            format!("{destination} by {}", name(&route[target.expect("a target")]))
        });
        let endpoints = self.list("VpcEndpoints").filter(|endpoint| {
            endpoint["RouteTableIds"].as_array().is_some_and(|tables| tables.contains(&table["RouteTableId"]))
        });
        let endpoints = endpoints.map(|endpoint| {
            format!("{} by {}", endpoint["ServiceName"].as_str().unwrap(), name(&endpoint["VpcEndpointId"]))
        });
        let mut ways: Vec<_> = routes.chain(endpoints).collect();
        ways.sort();
        ways
    }

    /// The name of the resource with this physical id.
    pub fn name(&self, stack: &str, id: &str) -> &str {
        let resources = self.described["Stacks"][format!("anaquel-{stack}")]["Resources"].as_object().unwrap();
        resources.iter().find(|(_, physical)| *physical == id).map_or("something unknown", |(name, _)| name)
    }

    /// What a security group lets through in the direction of `rules`, a line each.
    fn rules(&self, network: &str, group: &str, rules: &str) -> BTreeSet<String> {
        let group = self.find("SecurityGroups", "GroupId", network, group);
        let mut lines = BTreeSet::new();
        for rule in group[rules].as_array().unwrap() {
            let what = format!("{} {}", rule["IpProtocol"].as_str().unwrap(), rule["FromPort"]);
            let what = if rule["ToPort"] == rule["FromPort"] { what } else { format!("{what}-{}", rule["ToPort"]) };
            for (list, key) in [
                ("IpRanges", "CidrIp"),
                ("Ipv6Ranges", "CidrIpv6"),
                ("PrefixListIds", "PrefixListId"),
                ("UserIdGroupPairs", "GroupId"),
            ] {
                let ends = rule[list].as_array().unwrap().iter().map(|end| end[key].as_str().unwrap());
                let group = list == "UserIdGroupPairs";
                lines.extend(ends.map(|end| format!("{what} {}", if group { self.name(network, end) } else { end })));
            }
        }
        lines
    }
}

/// Every network, where it was deployed.
fn networks() -> [(&'static Account, &'static str); 5] {
    [
        (&MINISTACK, "dev-network"),
        (&MINISTACK, "prod-network"),
        (&MOTO, "local-network"),
        (&MOTO, "dev-network"),
        (&MOTO, "prod-network"),
    ]
}

fn lines<const N: usize>(lines: [&str; N]) -> BTreeSet<String> {
    lines.map(str::to_owned).into()
}

#[ignore = "needs the emulators"]
#[test]
fn every_resource_of_the_templates_exists() {
    for account in [&*MINISTACK, &*MOTO] {
        for (stack, asked_for) in &account.asked_for {
            let made = account.described["Stacks"][stack]["Resources"].as_object().unwrap();
            let made = made.iter().filter(|(_, id)| id.as_str().is_some_and(|id| !id.is_empty()));
            let made: BTreeSet<_> = made.map(|(name, _)| name.as_str()).collect();
            assert_eq!(made, asked_for.keys().copied().collect(), "{stack}");
        }
    }
    assert_eq!(MINISTACK.asked_for.len() + MOTO.asked_for.len(), 21);
}

#[ignore = "needs the emulators"]
#[test]
fn nothing_is_left_out_that_the_emulator_accepts() {
    for (text, why) in LEFT_OUT {
        let mut refusals = MINISTACK.refusals.iter().filter(|(left_out, _)| *left_out == text).peekable();
        assert!(refusals.peek().is_some(), "no template mentions {text}: {why}");
        for (_, refusal) in refusals {
            assert!(refusal.contains(text.trim_matches('"')), "{text} is refused no more ({refusal}): {why}");
        }
    }
}

#[ignore = "needs the emulators"]
#[test]
fn each_tier_has_a_subnet_in_either_zone() {
    for (account, network) in networks() {
        let mut zones = BTreeSet::new();
        for (zone, ranges) in [
            ("1", ["172.16.1.0/24", "172.16.3.0/24", "172.16.5.0/24"]),
            ("2", ["172.16.2.0/24", "172.16.4.0/24", "172.16.6.0/24"]),
        ] {
            let subnets = ["Public", "App", "Data"]
                .map(|tier| account.find("Subnets", "SubnetId", network, &format!("{tier}Subnet{zone}")));
            assert_eq!(subnets.map(|subnet| &subnet["CidrBlock"]), ranges, "{network}");
            for subnet in subnets {
                assert_eq!(subnet["VpcId"], account.id(network, "Vpc"));
                assert_eq!(subnet["AvailabilityZone"], subnets[0]["AvailabilityZone"]);
                assert_eq!(subnet["MapPublicIpOnLaunch"], false);
            }
            zones.insert(subnets[0]["AvailabilityZone"].as_str().unwrap());
        }
        assert_eq!(zones.len(), 2, "{network}");
    }
}

#[ignore = "needs the emulators"]
#[test]
fn the_internet_is_reached_from_public_subnets_directly_and_from_data_subnets_not_at_all() {
    for (account, network) in networks() {
        for zone in 1..=2 {
            let public = account.ways_out(network, &format!("PublicSubnet{zone}"));
            assert_eq!(public, ["0.0.0.0/0 by InternetGateway"], "{network}");
            assert!(account.ways_out(network, &format!("DataSubnet{zone}")).is_empty(), "{network}");
        }
        let gateway = account.find("InternetGateways", "InternetGatewayId", network, "InternetGateway");
        assert_eq!(gateway["Attachments"][0]["VpcId"], account.id(network, "Vpc"));
    }
}

#[ignore = "needs the emulators"]
#[test]
fn functions_reach_the_internet_by_the_egress_option_of_the_stage() {
    for (name, _) in STAGES {
        let (stage, network) = (stage(name), format!("{name}-network"));
        for zone in 1..=2 {
            let way = match stage.egress {
                Egress::Endpoints | Egress::SingleZoneEndpoints => None,
                Egress::Ipv6 => Some("::/0 by EgressOnlyGateway".to_owned()),
                Egress::SingleNat => Some("0.0.0.0/0 by NatGateway1".to_owned()),
                Egress::NatPerZone => Some(format!("0.0.0.0/0 by NatGateway{zone}")),
            };
            let s3 = "com.amazonaws.us-east-1.s3 by S3Endpoint".to_owned();
            let expected: Vec<_> = way.into_iter().chain([s3.clone()]).collect();
            let subnet = format!("AppSubnet{zone}");
            assert_eq!(MOTO.ways_out(&network, &subnet), expected, "{network}");
            if !stage.is_local() {
                assert_eq!(MINISTACK.ways_out(&network, &subnet), [s3], "{network}");
            }
        }
    }
}

#[ignore = "needs the emulators"]
#[test]
fn a_nat_gateway_stands_in_its_zone_with_an_address_of_its_own() {
    for zone in 1..=2 {
        let gateway = MOTO.find("NatGateways", "NatGatewayId", "prod-network", &format!("NatGateway{zone}"));
        assert_eq!(gateway["SubnetId"], MOTO.id("prod-network", &format!("PublicSubnet{zone}")));
        assert_eq!(gateway["State"], "available");
        assert_eq!(gateway["ConnectivityType"], "public");
        let address = MOTO.id("prod-network", &format!("NatAddress{zone}"));
        assert_eq!(gateway["NatGatewayAddresses"][0]["PublicIp"], address);
    }
}

#[ignore = "needs the emulators"]
#[test]
fn without_internet_egress_the_called_services_have_endpoints() {
    let network = "local-network";
    for (name, service) in [("SsmEndpoint", "ssm"), ("SqsEndpoint", "sqs")] {
        let endpoint = MOTO.find("VpcEndpoints", "VpcEndpointId", network, name);
        assert_eq!(endpoint["ServiceName"], format!("com.amazonaws.us-east-1.{service}"));
        assert_eq!(endpoint["PrivateDnsEnabled"], true);
        let subnets = endpoint["SubnetIds"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
        assert_eq!(subnets.collect::<BTreeSet<_>>(), MOTO.ids(network, ["AppSubnet1", "AppSubnet2"]));
        assert_eq!(endpoint["Groups"][0]["GroupId"], MOTO.id(network, "EndpointsGroup"));
    }
    let admitted = MOTO.rules(network, "EndpointsGroup", "IpPermissions");
    assert_eq!(admitted, lines(["tcp 443 FunctionsGroup"]));
}

#[ignore = "needs the emulators"]
#[test]
fn only_functions_have_ranges_of_ipv6_and_no_two_the_same() {
    for network in ["dev-network", "prod-network"] {
        let ranges = |subnet: &str| {
            let associations = &MOTO.find("Subnets", "SubnetId", network, subnet)["Ipv6CidrBlockAssociationSet"];
            let associations = associations.as_array().into_iter().flatten();
            associations.map(|range| range["Ipv6CidrBlock"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let of_functions = ["AppSubnet1", "AppSubnet2"].map(ranges).concat();
        assert!(of_functions.iter().all(|range| range.ends_with("::/64")), "{of_functions:?}");
        assert_eq!(BTreeSet::from_iter(of_functions).len(), 2, "{network}");
        for subnet in ["PublicSubnet1", "PublicSubnet2", "DataSubnet1", "DataSubnet2"] {
            assert!(ranges(subnet).is_empty(), "{subnet} of {network}");
        }
    }
}

/// Whether the stage of the network has containers.
fn has_tasks(account: &Account, network: &str) -> bool {
    let mut stacks = account.asked_for.iter();
    stacks.any(|(stack, resources)| stack.ends_with(network) && resources.contains_key("TasksGroup"))
}

#[ignore = "needs the emulators"]
#[test]
fn the_database_admits_functions_and_the_load_balancer_shoppers() {
    for (account, network) in networks() {
        let admits = |group| account.rules(network, group, "IpPermissions");
        let mut callers = lines(["tcp 3306 FunctionsGroup"]);
        callers.extend(has_tasks(account, network).then(|| "tcp 3306 TasksGroup".to_owned()));
        assert_eq!(admits("DatabaseGroup"), callers, "{network}");
        assert_eq!(admits("LoadBalancerGroup"), lines(["tcp 80 0.0.0.0/0", "tcp 443 0.0.0.0/0"]), "{network}");
        assert_eq!(admits("FunctionsGroup"), lines([]), "{network}");
    }
}

#[ignore = "needs the emulators"]
#[test]
fn the_load_balancer_faces_the_internet_from_both_public_subnets() {
    for name in ["dev", "prod"] {
        let (app, network) = (format!("{name}-app"), format!("{name}-network"));
        let balancer = MINISTACK.find("LoadBalancers", "LoadBalancerArn", &app, "LoadBalancer");
        assert_eq!(balancer["Scheme"], "internet-facing");
        let zones = balancer["AvailabilityZones"].as_array().unwrap().iter();
        let subnets: BTreeSet<_> = zones.map(|zone| zone["SubnetId"].as_str().unwrap()).collect();
        assert_eq!(subnets, MINISTACK.ids(&network, ["PublicSubnet1", "PublicSubnet2"]));
        assert_eq!(balancer["SecurityGroups"], json!([MINISTACK.id(&network, "LoadBalancerGroup")]));
    }
}

#[ignore = "needs the emulators"]
#[test]
fn only_functions_have_egress_and_only_to_the_database_and_aws() {
    for (network, aws) in [("dev-network", "::/0"), ("prod-network", "0.0.0.0/0")] {
        let calls = |group| MINISTACK.rules(network, group, "IpPermissionsEgress");
        let aws = format!("tcp 443 {aws}");
        let expected = ["tcp 3306 172.16.5.0/24", "tcp 3306 172.16.6.0/24", &aws, "tcp 443 pl-63a5400a"];
        assert_eq!(calls("FunctionsGroup"), lines(expected), "{network}");
        let nowhere = lines(["icmp 252-86 255.255.255.255/32"]);
        assert_eq!(calls("DatabaseGroup"), nowhere, "{network}");
        if has_tasks(&MINISTACK, network) {
            assert_eq!(calls("TasksGroup"), lines(expected), "{network}");
            assert_eq!(calls("LoadBalancerGroup"), lines(["tcp 8080 172.16.3.0/24", "tcp 8080 172.16.4.0/24"]));
            assert_eq!(MINISTACK.rules(network, "TasksGroup", "IpPermissions"), lines(["tcp 8080 LoadBalancerGroup"]));
        } else {
            assert_eq!(calls("LoadBalancerGroup"), nowhere, "{network}");
        }
    }
}

#[ignore = "needs the emulators"]
#[test]
fn the_database_matches_the_stage_and_is_private() {
    for name in ["dev", "prod"] {
        let stage = stage(name);
        let (data, network) = (format!("{name}-data"), format!("{name}-network"));
        let Server::Rds(Rds {
            engine_version,
            class,
            multi_az,
            storage_gb,
            max_storage_gb,
            backup_days,
            restore: _,
            generation: _,
            master_password: _,
        }) = &stage.database.server
        else {
            panic!("{name} has no database on RDS")
        };
        let database = MINISTACK.find("DBInstances", "DBInstanceIdentifier", &data, "Database");
        for (property, expected) in [
            ("Engine", json!("mariadb")),
            ("EngineVersion", json!(engine_version)),
            ("AutoMinorVersionUpgrade", json!(true)),
            ("DBInstanceClass", json!(class)),
            ("DBName", json!("anaquel")),
            ("MasterUsername", json!("anaquel_admin")),
            ("MultiAZ", json!(multi_az)),
            ("AllocatedStorage", json!(storage_gb)),
            ("MaxAllocatedStorage", json!(max_storage_gb)),
            ("StorageType", json!("gp3")),
            ("StorageEncrypted", json!(true)),
            ("BackupRetentionPeriod", json!(backup_days)),
            ("CopyTagsToSnapshot", json!(true)),
            ("DBInstanceIdentifier", json!(format!("anaquel-{name}-database"))),
            ("MonitoringInterval", json!(60)),
            ("PerformanceInsightsEnabled", json!(name == "prod")),
            ("DeletionProtection", json!(name == "prod")),
            ("PubliclyAccessible", json!(false)),
            ("IAMDatabaseAuthenticationEnabled", json!(true)),
            ("CACertificateIdentifier", json!("rds-ca-rsa2048-g1")),
        ] {
            assert_eq!(database[property], expected, "{property} of {name}");
        }

        let groups = database["VpcSecurityGroups"].as_array().unwrap().iter().map(|group| &group["VpcSecurityGroupId"]);
        assert!(groups.eq([MINISTACK.id(&network, "DatabaseGroup")]));
        let subnets = database["DBSubnetGroup"]["Subnets"].as_array().unwrap().iter();
        let subnets: BTreeSet<_> = subnets.map(|subnet| subnet["SubnetIdentifier"].as_str().unwrap()).collect();
        assert_eq!(subnets, MINISTACK.ids(&network, ["DataSubnet1", "DataSubnet2"]));

        let group = MINISTACK.id(&data, "DatabaseSettings");
        assert_eq!(database["DBParameterGroups"][0]["DBParameterGroupName"], group);
        let expected: BTreeMap<_, _> = settings(&stage).into_iter().collect();
        assert_eq!(MINISTACK.described["Settings"][group], json!(expected));
    }
}

#[ignore = "needs the emulators"]
#[test]
fn the_data_of_production_is_protected_from_a_deleted_stack() {
    for (stack, protected) in [("dev-data", false), ("prod-data", true), ("prod-network", false)] {
        let stack = &MINISTACK.described["Stacks"][format!("anaquel-{stack}")];
        assert_eq!(stack["EnableTerminationProtection"], protected, "{}", stack["StackName"]);
    }
}
