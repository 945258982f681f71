//! Who reaches whom in the networks that were deployed: from routes, network ACLs and security groups as the emulators
//! describe them, and not from our own tables.
//!
//! Security groups come from ministack, because moto keeps no egress rules; routes and network ACLs from moto, because
//! ministack has no NAT gateway.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};

use super::emulators::{Account, MINISTACK, MOTO};
use super::support::stage;
use infra::stage::{Egress, STAGES, Stage};

/// TCP ports that are tried: those in use, and some that nobody should answer on.
const PORTS: [u16; 5] = [22, 80, 443, 3306, 8080];
/// Somebody outside, by either protocol.
const STRANGERS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7))];
/// A port from which a caller calls.
const CALLER: u16 = 50_000;

enum Place {
    Internet,
    /// By its gateway endpoint, or as any other address outside.
    S3,
    Inside {
        subnets: &'static str,
        group: &'static str,
        /// Whether AWS gives it an address of IPv4 that the internet can reach; those of IPv6 all are such.
        public: bool,
    },
}

const PLACES: [(&str, Place); 6] = [
    ("internet", Place::Internet),
    ("load balancer", Place::Inside { subnets: "Public", group: "LoadBalancerGroup", public: true }),
    ("functions", Place::Inside { subnets: "App", group: "FunctionsGroup", public: false }),
    ("database", Place::Inside { subnets: "Data", group: "DatabaseGroup", public: false }),
    ("endpoints", Place::Inside { subnets: "App", group: "EndpointsGroup", public: false }),
    ("S3", Place::S3),
];

struct Network<'a> {
    stage: Stage,
    /// `prod-network`
    name: String,
    groups: &'a Account,
    routes: &'a Account,
}

/// One end of a connection inside the network.
struct End {
    subnet: String,
    /// One of IPv4, and one of IPv6 where the subnet has a range of it.
    addresses: Vec<IpAddr>,
    group: &'static str,
    public: bool,
}

/// Whom a rule of a group may name.
struct Peer<'a> {
    address: IpAddr,
    group: Option<&'a str>,
    prefix_list: Option<&'a str>,
}

impl<'a> Network<'a> {
    fn of(name: &str, groups: &'a Account, routes: &'a Account) -> Self {
        Self { stage: stage(name), name: format!("{name}-network"), groups, routes }
    }

    /// The open ports by caller and called; S3 calls nobody.
    fn matrix(&self) -> Vec<Vec<String>> {
        let callers = PLACES.iter().filter(|(_, place)| !matches!(place, Place::S3));
        let row = |from| PLACES.iter().map(|(_, to)| self.ports(from, to)).collect();
        callers.map(|(_, from)| row(from)).collect()
    }

    /// The open ports between two ends in any zones; if zones differ, each pair is listed.
    fn ports(&self, from: &Place, to: &Place) -> String {
        let (sources, targets) = (self.ends(from), self.ends(to));
        let mut ports = BTreeSet::new();
        for (source, target) in sources.iter().flat_map(|source| targets.iter().map(move |target| (source, target))) {
            let open = PORTS.into_iter().filter(|port| match (source, target) {
                (Some(source), Some(target)) => self.inside(source, target, *port),
                (Some(source), None) if matches!(to, Place::S3) => self.to_s3(source, *port),
                (Some(source), None) => self.outward(source, *port),
                (None, Some(target)) => self.inward(target, *port),
                (None, None) => false,
            });
            ports.insert(open.map(|port| port.to_string()).collect::<Vec<_>>().join(", "));
        }
        Vec::from_iter(ports).join(" or ")
    }

    /// Where a place is inside the network, in either zone; `None` is outside.
    fn ends(&self, place: &Place) -> Vec<Option<End>> {
        let Place::Inside { subnets, group, public } = place else {
            return vec![None];
        };
        if !self.groups.has(&self.name, group) {
            return Vec::new();
        }
        let zones = ["1", "2"].map(|zone| format!("{subnets}Subnet{zone}")).into_iter();
        let zones = zones.filter(|subnet| *group != "EndpointsGroup" || self.has_endpoints(subnet)).map(|subnet| {
            let found = self.routes.find("Subnets", "SubnetId", &self.name, &subnet);
            let of_ipv6 = found["Ipv6CidrBlockAssociationSet"].as_array().into_iter().flatten();
            let ranges = of_ipv6.map(|range| &range["Ipv6CidrBlock"]).chain([&found["CidrBlock"]]);
            let addresses = ranges.map(|range| tenth(range.as_str().unwrap())).collect();
            Some(End { subnet, addresses, group, public: *public })
        });
        zones.collect()
    }

    /// A stage may have its endpoints in one zone only.
    fn has_endpoints(&self, subnet: &str) -> bool {
        let id = self.routes.id(&self.name, subnet);
        let of = |endpoint: &Value| endpoint["SubnetIds"].as_array().is_some_and(|ids| ids.iter().any(|own| own == id));
        self.routes.list("VpcEndpoints").any(of)
    }

    /// What is in one network needs no route but the one that is always there, and no ACL inside one subnet.
    fn inside(&self, source: &End, target: &End, port: u16) -> bool {
        let pairs = source.addresses.iter().flat_map(|from| target.addresses.iter().map(move |to| (*from, *to)));
        pairs.filter(|(from, to)| from.is_ipv4() == to.is_ipv4()).any(|(from, to)| {
            let subnets_pass =
                || self.acl_passes(source, to, port, CALLER) && self.acl_passes(target, from, CALLER, port);
            self.lets_out(source, &self.peer(target, to), port)
                && self.lets_in(target, &self.peer(source, from), port)
                && (source.subnet == target.subnet || subnets_pass())
        })
    }

    fn outward(&self, source: &End, port: u16) -> bool {
        STRANGERS.into_iter().any(|stranger| {
            self.way_out(source, stranger)
                && self.lets_out(source, &Peer::stranger(stranger), port)
                && self.acl_passes(source, stranger, port, CALLER)
        })
    }

    fn inward(&self, target: &End, port: u16) -> bool {
        STRANGERS.into_iter().any(|stranger| {
            self.way_in(target, stranger)
                && self.lets_in(target, &Peer::stranger(stranger), port)
                && self.acl_passes(target, stranger, CALLER, port)
        })
    }

    /// S3 itself listens on two ports only; its addresses are as strange to an ACL as any other outside.
    fn to_s3(&self, source: &End, port: u16) -> bool {
        let [address, _] = STRANGERS;
        let list = Peer { prefix_list: Some(&self.stage.s3_prefix_list), ..Peer::stranger(address) };
        let endpoint = || {
            self.routes.ways_out(&self.name, &source.subnet).iter().any(|way| way.contains(".s3 by "))
                && self.lets_out(source, &list, port)
                && self.acl_passes(source, address, port, CALLER)
        };
        [80, 443].contains(&port) && (self.outward(source, port) || endpoint())
    }

    /// A gateway takes only who has a public address; a NAT gateway lends its own, if it has a way itself.
    fn way_out(&self, source: &End, stranger: IpAddr) -> bool {
        self.gateways(&source.subnet, stranger).iter().any(|gateway| {
            if !gateway.starts_with("NatGateway") {
                return source.is_public(stranger);
            }
            let nat = self.routes.find("NatGateways", "NatGatewayId", &self.name, gateway);
            let stands = self.routes.name(&self.name, nat["SubnetId"].as_str().unwrap());
            self.gateways(stands, stranger).contains(&"InternetGateway".to_owned())
        })
    }

    /// Neither a NAT gateway nor an egress-only gateway accepts connections from the internet.
    fn way_in(&self, target: &End, stranger: IpAddr) -> bool {
        target.is_public(stranger) && self.gateways(&target.subnet, stranger).contains(&"InternetGateway".to_owned())
    }

    /// The target of the subnet's route to an address outside the VPC.
    fn gateways(&self, subnet: &str, stranger: IpAddr) -> Vec<String> {
        let anywhere = if stranger.is_ipv4() { "0.0.0.0/0 by " } else { "::/0 by " };
        let ways = self.routes.ways_out(&self.name, subnet);
        ways.iter().filter_map(|way| way.strip_prefix(anywhere)).map(str::to_owned).collect()
    }

    fn peer(&self, end: &End, address: IpAddr) -> Peer<'a> {
        Peer { address, group: Some(self.groups.id(&self.name, end.group)), prefix_list: None }
    }

    fn lets_in(&self, end: &End, peer: &Peer, port: u16) -> bool {
        self.passes(end, "IpPermissions", peer, port)
    }

    fn lets_out(&self, end: &End, peer: &Peer, port: u16) -> bool {
        self.passes(end, "IpPermissionsEgress", peer, port)
    }

    fn passes(&self, end: &End, direction: &str, peer: &Peer, port: u16) -> bool {
        let group = self.groups.find("SecurityGroups", "GroupId", &self.name, end.group);
        group[direction].as_array().unwrap().iter().any(|rule| {
            let tcp = ["tcp", "6", "-1"].contains(&rule["IpProtocol"].as_str().unwrap());
            tcp && within(&rule["FromPort"], &rule["ToPort"], port) && peer.is_named_by(rule)
        })
    }

    /// Whether the subnet of `end` lets out what goes to the one port, and in what comes for the other: an ACL remembers
    /// no connection.
    fn acl_passes(&self, end: &End, other: IpAddr, out: u16, back: u16) -> bool {
        let subnet = self.routes.id(&self.name, &end.subnet);
        let mut acls = self.routes.list("NetworkAcls").filter(|acl| {
            acl["Associations"].as_array().unwrap().iter().any(|association| association["SubnetId"] == subnet)
        });
        let acl = acls.next().unwrap_or_else(|| panic!("no network ACL of {}", end.subnet));
        allows(acl, true, other, out) && allows(acl, false, other, back)
    }
}

impl End {
    /// Whether it has an address that the stranger can answer to.
    fn is_public(&self, stranger: IpAddr) -> bool {
        if stranger.is_ipv4() { self.public } else { self.addresses.iter().any(IpAddr::is_ipv6) }
    }
}

impl Peer<'_> {
    fn stranger(address: IpAddr) -> Self {
        Self { address, group: None, prefix_list: None }
    }

    fn is_named_by(&self, rule: &Value) -> bool {
        let named = |list: &str, key: &str| {
            let ends = rule[list].as_array().into_iter().flatten();
            ends.map(|end| end[key].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let is = |name: Option<&str>, list: &str, key: &str| {
            name.is_some_and(|name| named(list, key).iter().any(|named| named == name))
        };
        let mut ranges = named("IpRanges", "CidrIp").into_iter().chain(named("Ipv6Ranges", "CidrIpv6"));
        ranges.any(|range| holds(&range, self.address))
            || is(self.group, "UserIdGroupPairs", "GroupId")
            || is(self.prefix_list, "PrefixListIds", "PrefixListId")
    }
}

/// The first entry that speaks of the packet decides.
fn allows(acl: &Value, egress: bool, other: IpAddr, port: u16) -> bool {
    let mut entries: Vec<_> = acl["Entries"].as_array().unwrap().iter().collect();
    entries.sort_by_key(|entry| entry["RuleNumber"].as_i64());
    let decides = entries.into_iter().find(|entry| {
        entry["Egress"] == egress
            && ["-1", "6"].contains(&entry["Protocol"].as_str().unwrap())
            && ["CidrBlock", "Ipv6CidrBlock"]
                .iter()
                .any(|key| entry[key].as_str().is_some_and(|range| holds(range, other)))
            && within(&entry["PortRange"]["From"], &entry["PortRange"]["To"], port)
    });
    decides.is_some_and(|entry| entry["RuleAction"] == "allow")
}

/// Without bounds, every port is within.
fn within(from: &Value, to: &Value, port: u16) -> bool {
    let bound = |value: &Value, otherwise| value.as_i64().unwrap_or(otherwise);
    (bound(from, 0)..=bound(to, 65_535)).contains(&i64::from(port))
}

/// Whether a range such as `172.16.0.0/16` holds the address; none of the one protocol holds one of the other.
fn holds(range: &str, address: IpAddr) -> bool {
    let (base, bits) = parts(range);
    let apart = match (base, address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => u128::from(base.to_bits() ^ address.to_bits()) << 96,
        (IpAddr::V6(base), IpAddr::V6(address)) => base.to_bits() ^ address.to_bits(),
        _ => return false,
    };
    apart.leading_zeros() >= bits
}

/// The tenth address after the first of a range.
fn tenth(range: &str) -> IpAddr {
    match parts(range).0 {
        IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits() + 10).into(),
        IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits() + 10).into(),
    }
}

fn parts(range: &str) -> (IpAddr, u32) {
    let (base, bits) = range.split_once('/').expect("a range");
    (base.parse().unwrap(), bits.parse().unwrap())
}

/// As it should be; where a stage has no endpoints, nobody reaches them.
fn expected(stage: &Stage) -> [[&'static str; 6]; 5] {
    let database = if stage.is_local() { "" } else { "3306" };
    let functions = match stage.egress {
        Egress::Endpoints | Egress::SingleZoneEndpoints => ["", "", "", database, "443", "443"],
        // Over IPv6, of which the load balancer has none.
        Egress::Ipv6 => ["443", "", "", database, "", "443"],
        // Through the internet also the load balancer, which is public.
        Egress::SingleNat | Egress::NatPerZone => ["443", "443", "", database, "", "443"],
    };
    let nobody = [""; 6];
    [["", "80, 443", "", "", "", ""], nobody, functions, nobody, nobody]
}

#[ignore = "needs the emulators"]
#[test]
fn everybody_reaches_whom_they_should_and_nobody_else() {
    for (name, _) in STAGES {
        let network = Network::of(name, &MINISTACK, &MOTO);
        let matrix = network.matrix();
        let mut table = Table::new();
        table.load_style(NOTHING).set_header([name].into_iter().chain(PLACES.map(|(name, _)| name)));
        for ((caller, _), row) in PLACES.iter().zip(&matrix) {
            let cells = row.iter().map(|ports| if ports.is_empty() { "-" } else { ports });
            table.add_row([*caller].into_iter().chain(cells));
        }
        eprintln!("{table}\n");
        assert_eq!(matrix, expected(&network.stage), "{name}");
    }
}

#[ignore = "needs the emulators"]
#[test]
fn a_group_that_is_opened_shows() {
    let mut opened = MINISTACK.clone();
    let everything = json!([{ "IpProtocol": "-1", "IpRanges": [{ "CidrIp": "0.0.0.0/0" }] }]);
    for (group, direction) in [("DatabaseGroup", "IpPermissions"), ("LoadBalancerGroup", "IpPermissionsEgress")] {
        let id = opened.id("prod-network", group).to_owned();
        let groups = opened.described["SecurityGroups"].as_array_mut().unwrap();
        groups.iter_mut().find(|group| group["GroupId"] == id.as_str()).unwrap()[direction] = everything.clone();
    }
    let matrix = Network::of("prod", &opened, &MOTO).matrix();
    assert_eq!(matrix[0][3], "", "the database has no address outside");
    assert_eq!(matrix[1][3], "22, 80, 443, 3306, 8080");
    assert_eq!(matrix[2][3], "443, 3306");
}

/// The one way in that functions could have: an address of IPv6 is public.
#[ignore = "needs the emulators"]
#[test]
fn an_egress_only_gateway_lets_nobody_in_and_another_would() {
    let (mut groups, mut routes) = (MINISTACK.clone(), MOTO.clone());
    let id = groups.id("dev-network", "FunctionsGroup").to_owned();
    for group in groups.described["SecurityGroups"].as_array_mut().unwrap() {
        if group["GroupId"] == id.as_str() {
            group["IpPermissions"] = json!([{ "IpProtocol": "-1", "Ipv6Ranges": [{ "CidrIpv6": "::/0" }] }]);
        }
    }
    let functions = |routes: &Account| Network::of("dev", &groups, routes).matrix()[0][2].clone();
    assert_eq!(functions(&routes), "");

    let gateway = routes.id("dev-network", "InternetGateway").to_owned();
    let tables = routes.described["RouteTables"].as_array_mut().unwrap().iter_mut();
    for route in tables.flat_map(|table| table["Routes"].as_array_mut().unwrap()) {
        if route["EgressOnlyInternetGatewayId"].is_string() {
            *route = json!({ "DestinationIpv6CidrBlock": "::/0", "GatewayId": gateway });
        }
    }
    assert_eq!(functions(&routes), "22, 80, 443, 3306, 8080");
}

#[ignore = "needs the emulators"]
#[test]
fn an_acl_that_is_closed_shows() {
    let mut closed = MOTO.clone();
    let nothing = json!([
        { "RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": false, "CidrBlock": "0.0.0.0/0" },
        { "RuleNumber": 32768, "Protocol": "-1", "RuleAction": "deny", "Egress": false, "Ipv6CidrBlock": "::/0" },
    ]);
    for acl in closed.described["NetworkAcls"].as_array_mut().unwrap() {
        acl["Entries"] = nothing.clone();
    }
    let matrix = Network::of("prod", &MINISTACK, &closed).matrix();
    assert!(matrix.iter().flatten().all(String::is_empty), "{matrix:?}");
    assert_eq!(Network::of("dev", &MINISTACK, &closed).matrix()[2][0], "");
}
