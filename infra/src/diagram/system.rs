//! What the picture has to know, read from the stage's templates.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::Value;

use crate::{stacks::Kind, stage::Stage, synth};

/// The templates of a stage, by stack.
pub struct System(BTreeMap<Kind, Value>);

/// A subnet as it is drawn.
pub struct Subnet {
    pub tier: String,
    pub zone: u64,
    pub range: String,
    pub ways: String,
}

const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_IPV6: &str = "::/0";
/// Where the rule leads that lets nothing out.
const NOWHERE: &str = "255.255.255.255/32";

impl System {
    pub fn of(stage: &Stage) -> Result<Self> {
        let stacks = synth::stacks(stage)?;
        let templates = stacks.iter().map(|stack| Ok((stack.kind, serde_json::to_value(&stack.template)?)));
        Ok(Self(templates.collect::<Result<_>>()?))
    }

    /// Names and properties of the resources of one type, such as `EC2::Subnet`.
    pub fn resources(&self, r#type: &str) -> impl Iterator<Item = (&str, &Value)> {
        let all = self.0.values().filter_map(|template| template["Resources"].as_object()).flatten();
        let of_type = all.filter(move |(_, resource)| text(&resource["Type"]).strip_prefix("AWS::") == Some(r#type));
        of_type.map(|(name, resource)| (name.as_str(), &resource["Properties"]))
    }

    /// The properties of the only resource of its type.
    pub fn only(&self, r#type: &str) -> Option<&Value> {
        self.resources(r#type).map(|(_, properties)| properties).next()
    }

    pub fn properties(&self, stack: Kind, name: &str) -> &Value {
        &self.0[&stack]["Resources"][name]["Properties"]
    }

    /// By tier and zone.
    pub fn subnets(&self) -> Vec<Subnet> {
        let subnets = self.resources("EC2::Subnet").map(|(name, properties)| Subnet {
            tier: tier(name).to_owned(),
            zone: zone(name),
            range: text(&properties["CidrBlock"]).to_owned(),
            ways: self.ways(name),
        });
        let mut subnets: Vec<_> = subnets.collect();
        subnets.sort_by_key(|subnet| (subnet.tier.clone(), subnet.zone));
        subnets
    }

    /// How what is in the subnet gets out of the network, and what is there for others to get out by.
    fn ways(&self, subnet: &str) -> String {
        let mut ways: Vec<_> = self.routes(subnet).filter_map(|route| self.way(route)).collect();
        let gateways = self.resources("EC2::NatGateway").filter(|(_, gateway)| refers(&gateway["SubnetId"], subnet));
        ways.extend(gateways.map(|_| "NAT gateway".to_owned()));
        ways.extend(self.endpoints_from(subnet));
        if ways.is_empty() { "no way out".to_owned() } else { ways.join(", ") }
    }

    /// Where in its tier the interface endpoints are.
    fn endpoints_from(&self, subnet: &str) -> Option<String> {
        let endpoint = self.interface_endpoints().next()?;
        let places: Vec<_> = endpoint["SubnetIds"].as_array()?.iter().filter_map(|id| id["Ref"].as_str()).collect();
        if places.contains(&subnet) {
            return Some("endpoints".to_owned());
        }
        let place = places.into_iter().find(|place| tier(place) == tier(subnet))?;
        Some(format!("by endpoints of zone {}", zone(place)))
    }

    /// What functions call in the place of AWS's own addresses.
    pub fn interface_endpoints(&self) -> impl Iterator<Item = &Value> {
        let endpoints = self.resources("EC2::VPCEndpoint").map(|(_, endpoint)| endpoint);
        endpoints.filter(|endpoint| endpoint["VpcEndpointType"] == "Interface")
    }

    /// The routes of the subnet's table.
    fn routes(&self, subnet: &str) -> impl Iterator<Item = &Value> {
        let mut associations = self.resources("EC2::SubnetRouteTableAssociation").map(|(_, properties)| properties);
        let association = associations.find(|association| refers(&association["SubnetId"], subnet));
        let table = association.map_or(&Value::Null, |association| &association["RouteTableId"]);
        self.resources("EC2::Route").map(|(_, route)| route).filter(move |route| route["RouteTableId"] == *table)
    }

    fn way(&self, route: &Value) -> Option<String> {
        let (kind, gateway) = route.as_object()?.iter().find(|(key, _)| key.ends_with("GatewayId"))?;
        Some(match kind.as_str() {
            "GatewayId" => "internet".to_owned(),
            "NatGatewayId" => {
                let gateway = self.properties(Kind::Network, text(&gateway["Ref"]));
                format!("out by NAT of zone {}", zone(text(&gateway["SubnetId"]["Ref"])))
            }
            "EgressOnlyInternetGatewayId" => "out over IPv6".to_owned(),
            other => format!("out by {}", other.trim_end_matches("Id")),
        })
    }

    /// A security group as the heading of the box of what is in it.
    pub fn group(&self, name: &str) -> String {
        let group = self.properties(Kind::Network, name);
        let incoming = self.rules(&group["SecurityGroupIngress"], "from");
        let outgoing = self.rules(&group["SecurityGroupEgress"], "to");
        format!("security group {name}\nin: {incoming}\nout: {outgoing}\n")
    }

    /// `80, 443 from anywhere`
    fn rules(&self, rules: &Value, direction: &str) -> String {
        let mut ports: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for rule in rules.as_array().into_iter().flatten().filter(|rule| rule["CidrIp"] != NOWHERE) {
            ports.entry(self.whom(rule)).or_default().extend(rule["FromPort"].as_u64());
        }
        let mut whom: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (who, ports) in ports {
            let ports: Vec<_> = ports.iter().map(u64::to_string).collect();
            whom.entry(ports.join(", ")).or_default().push(who);
        }
        let lines: Vec<_> =
            whom.iter().map(|(ports, whom)| format!("{ports} {direction} {}", whom.join(", "))).collect();
        if lines.is_empty() { "nothing".to_owned() } else { lines.join("; ") }
    }

    fn whom(&self, rule: &Value) -> String {
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

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// `Public` of `PublicSubnet1`.
fn tier(subnet: &str) -> &str {
    subnet.split("Subnet").next().unwrap_or(subnet)
}

/// 1 of `PublicSubnet1`: people count zones from one.
fn zone(subnet: &str) -> u64 {
    subnet.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or_default()
}

fn refers(value: &Value, name: &str) -> bool {
    value["Ref"] == name
}

/// `sqs`
pub fn service(endpoint: &Value) -> &str {
    text(&endpoint["ServiceName"]["Fn::Sub"]).rsplit('.').next().unwrap_or_default()
}
