//! Queries of a stage's templates, for the diagram.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use crate::{stacks::Kind, stage::Stage, synth};

/// The templates of a stage, by stack.
pub struct System(BTreeMap<Kind, Value>);

/// A subnet in the diagram.
pub struct Subnet {
    /// `Public`, `App` or `Data`.
    pub tier: String,
    /// 1 or 2.
    pub zone: u64,
    /// IPv4 range in CIDR notation.
    pub range: String,
    /// Label for its egress and its gateways.
    pub egress: String,
}

const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_IPV6: &str = "::/0";
/// Destination of the egress rule that matches nothing.
const NOWHERE: &str = "255.255.255.255/32";

impl System {
    pub fn of(stage: &Stage) -> Result<Self> {
        let stacks = synth::stacks(stage)?;
        let templates = stacks.iter().map(|stack| Ok((stack.kind, serde_json::to_value(&stack.template)?)));
        Ok(Self(templates.collect::<Result<_>>()?))
    }

    /// Logical IDs and properties of the resources of one type, such as `EC2::Subnet`.
    pub fn resources(&self, r#type: &str) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.0.values().filter_map(|template| template["Resources"].as_object()).flatten();
        let of_type = all.filter(move |(_, resource)| text(&resource["Type"]).strip_prefix("AWS::") == Some(r#type));
        of_type.map(|(name, resource)| (name.as_str(), &resource["Properties"]))
    }

    /// The properties of the first resource of a type that a stage has at most once.
    pub fn only(&self, r#type: &str) -> Option<&Value> {
        self.resources(r#type).map(|(_, properties)| properties).next()
    }

    fn properties(&self, stack: Kind, name: &str) -> &Value {
        &self.0[&stack]["Resources"][name]["Properties"]
    }

    /// All subnets, ordered by tier and zone.
    pub fn subnets(&self) -> Vec<Subnet> {
        let subnets = self.resources("EC2::Subnet").map(|(name, properties)| Subnet {
            tier: tier(name).to_owned(),
            zone: zone(name),
            range: text(&properties["CidrBlock"]).to_owned(),
            egress: self.egress(name),
        });
        let mut subnets: Vec<_> = subnets.collect();
        subnets.sort_by_key(|subnet| (subnet.tier.clone(), subnet.zone));
        subnets
    }

    /// Egress of the subnet, and the gateways and endpoints in it.
    fn egress(&self, subnet: &str) -> String {
        let mut parts: Vec<_> = self.routes(subnet).filter_map(|route| self.route_label(route)).collect();
        let gateways = self.resources("EC2::NatGateway").filter(|(_, gateway)| refers(&gateway["SubnetId"], subnet));
        parts.extend(gateways.map(|_| "NAT gateway".to_owned()));
        parts.extend(self.endpoints_label(subnet));
        if parts.is_empty() { "no egress".to_owned() } else { parts.join(", ") }
    }

    /// Whether the interface endpoints are in the subnet, or in the other one of its tier.
    fn endpoints_label(&self, subnet: &str) -> Option<String> {
        let endpoint = self.interface_endpoints().next()?;
        let subnets: Vec<_> = endpoint["SubnetIds"].as_array()?.iter().filter_map(|id| id["Ref"].as_str()).collect();
        if subnets.contains(&subnet) {
            return Some("endpoints".to_owned());
        }
        let other = subnets.into_iter().find(|other| tier(other) == tier(subnet))?;
        Some(format!("egress by endpoints in zone {}", zone(other)))
    }

    /// Properties of the interface endpoints.
    pub fn interface_endpoints(&self) -> impl Iterator<Item = &Value> {
        let endpoints = self.resources("EC2::VPCEndpoint").map(|(_, endpoint)| endpoint);
        endpoints.filter(|endpoint| endpoint["VpcEndpointType"] == "Interface")
    }

    /// The routes of the subnet's route table.
    fn routes(&self, subnet: &str) -> impl Iterator<Item = &Value> {
        let mut associations = self.resources("EC2::SubnetRouteTableAssociation").map(|(_, properties)| properties);
        let association = associations.find(|association| refers(&association["SubnetId"], subnet));
        let table = association.map_or(&Value::Null, |association| &association["RouteTableId"]);
        self.resources("EC2::Route").map(|(_, route)| route).filter(move |route| route["RouteTableId"] == *table)
    }

    fn route_label(&self, route: &Value) -> Option<String> {
        let (kind, gateway) = route.as_object()?.iter().find(|(key, _)| key.ends_with("GatewayId"))?;
        Some(match kind.as_str() {
            "GatewayId" => "internet".to_owned(),
            "NatGatewayId" => {
                let gateway = self.properties(Kind::Network, text(&gateway["Ref"]));
                format!("egress by NAT in zone {}", zone(text(&gateway["SubnetId"]["Ref"])))
            }
            "EgressOnlyInternetGatewayId" => "egress over IPv6".to_owned(),
            other => format!("egress by {}", other.trim_end_matches("Id")),
        })
    }

    /// Label of a security group, with its rules.
    pub fn group(&self, name: &str) -> String {
        let group = self.properties(Kind::Network, name);
        let incoming = self.rules(&group["SecurityGroupIngress"], "from");
        let outgoing = self.rules(&group["SecurityGroupEgress"], "to");
        format!("security group {name}\nin: {incoming}\nout: {outgoing}\n")
    }

    /// Rules grouped by ports: `80, 443 from anywhere`.
    fn rules(&self, rules: &Value, direction: &str) -> String {
        let mut ports: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for rule in rules.as_array().into_iter().flatten().filter(|rule| rule["CidrIp"] != NOWHERE) {
            ports.entry(self.peer(rule)).or_default().extend(rule["FromPort"].as_u64());
        }
        let mut peers: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (peer, ports) in ports {
            let ports: Vec<_> = ports.iter().map(u64::to_string).collect();
            peers.entry(ports.join(", ")).or_default().push(peer);
        }
        let lines: Vec<_> =
            peers.iter().map(|(ports, peers)| format!("{ports} {direction} {}", peers.join(", "))).collect();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
    }

    /// The other side of a rule: a security group, subnets, an address range or a description.
    fn peer(&self, rule: &Value) -> String {
        if let Some(group) = rule["SourceSecurityGroupId"]["Ref"].as_str() {
            return group.to_owned();
        }
        match rule["CidrIp"].as_str().or(rule["CidrIpv6"].as_str()) {
            Some(ANYWHERE) => "anywhere".to_owned(),
            Some(ANYWHERE_IPV6) => "anywhere over IPv6".to_owned(),
            Some(range) => {
                let subnet = self.subnets().into_iter().find(|subnet| subnet.range == range);
                subnet.map_or(range.to_owned(), |subnet| format!("{} subnets", subnet.tier.to_lowercase()))
            }
            None => text(&rule["Description"]).to_owned(),
        }
    }
}

/// The value as text; empty if it is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `Public` of `PublicSubnet1`.
fn tier(subnet: &str) -> &str {
    subnet.split("Subnet").next().unwrap_or(subnet)
}

/// 1 of `PublicSubnet1`.
fn zone(subnet: &str) -> u64 {
    subnet.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default()
}

fn refers(value: &Value, name: &str) -> bool {
    value["Ref"] == name
}

/// The service of an endpoint: `sqs`.
pub fn service(endpoint: &Value) -> &str {
    text(&endpoint["ServiceName"]["Fn::Sub"]).rsplit('.').next().unwrap_or_default()
}
