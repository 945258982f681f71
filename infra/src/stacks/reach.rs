//! Who reaches whom in the networks that were deployed: from routes, network ACLs and security groups as the emulators
//! describe them, and not from our own tables.
//!
//! Groups are ministack's, for moto keeps no outward rules; routes and ACLs are moto's, for ministack has no NAT.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use comfy_table::{Table, presets::NOTHING};
use serde_json::{Value, json};

use super::deployed::{Account, MINISTACK, MOTO};
use super::tests::stage;
use crate::stage::{Egress, STAGES, Stage};

/// TCP ports that are tried: those in use, and some that nobody should answer on.
const PORTS: [u16; 5] = [22, 80, 443, 3306, 8080];
/// Somebody outside.
const STRANGER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
/// A port from which a caller calls.
const CALLER: u16 = 50_000;

enum Place {
    Internet,
    /// By its gateway endpoint, or as any other address outside.
    S3,
    Inside {
        subnets: &'static str,
        group: &'static str,
        /// Whether AWS gives it an address that the internet can reach.
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
    address: Ipv4Addr,
    group: &'static str,
    public: bool,
}

/// Whom a rule of a group may name.
struct Peer<'a> {
    address: Option<Ipv4Addr>,
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

    /// The ports that are open whichever zone the two ends are in; zones that differ are told one after the other.
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
            let range = self.routes.find("Subnets", "SubnetId", &self.name, &subnet)["CidrBlock"].as_str().unwrap();
            let first: Ipv4Addr = range.split('/').next().unwrap().parse().unwrap();
            Some(End { subnet, address: Ipv4Addr::from(u32::from(first) + 10), group, public: *public })
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
        let subnets_pass = || {
            self.acl_passes(source, target.address, port, CALLER)
                && self.acl_passes(target, source.address, CALLER, port)
        };
        self.lets_out(source, &self.peer(target), port)
            && self.lets_in(target, &self.peer(source), port)
            && (source.subnet == target.subnet || subnets_pass())
    }

    fn outward(&self, source: &End, port: u16) -> bool {
        self.way_to_the_internet(&source.subnet, source.public)
            && self.lets_out(source, &Peer::STRANGER, port)
            && self.acl_passes(source, STRANGER, port, CALLER)
    }

    fn inward(&self, target: &End, port: u16) -> bool {
        target.public
            && self.way_to_the_internet(&target.subnet, true)
            && self.lets_in(target, &Peer::STRANGER, port)
            && self.acl_passes(target, STRANGER, CALLER, port)
    }

    /// S3 itself listens on two ports only; its addresses are as strange to an ACL as any other outside.
    fn to_s3(&self, source: &End, port: u16) -> bool {
        let list = Peer { prefix_list: Some(&self.stage.s3_prefix_list), ..Peer::STRANGER };
        let endpoint = || {
            self.routes.ways_out(&self.name, &source.subnet).iter().any(|way| way.contains(".s3 by "))
                && self.lets_out(source, &list, port)
                && self.acl_passes(source, STRANGER, port, CALLER)
        };
        [80, 443].contains(&port) && (self.outward(source, port) || endpoint())
    }

    /// An internet gateway takes only who has a public address; a NAT gateway lends its own, if it has a way itself.
    fn way_to_the_internet(&self, subnet: &str, public: bool) -> bool {
        let ways = self.routes.ways_out(&self.name, subnet);
        ways.iter().filter_map(|way| way.strip_prefix("0.0.0.0/0 by ")).any(|gateway| {
            if gateway == "InternetGateway" {
                return public;
            }
            let nat = self.routes.find("NatGateways", "NatGatewayId", &self.name, gateway);
            let stands = self.routes.name(&self.name, nat["SubnetId"].as_str().unwrap());
            self.routes.ways_out(&self.name, stands).contains(&"0.0.0.0/0 by InternetGateway".to_owned())
        })
    }

    fn peer(&self, end: &End) -> Peer<'a> {
        Peer { address: Some(end.address), group: Some(self.groups.id(&self.name, end.group)), prefix_list: None }
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
    fn acl_passes(&self, end: &End, other: Ipv4Addr, out: u16, back: u16) -> bool {
        let subnet = self.routes.id(&self.name, &end.subnet);
        let mut acls = self.routes.list("NetworkAcls").filter(|acl| {
            acl["Associations"].as_array().unwrap().iter().any(|association| association["SubnetId"] == subnet)
        });
        let acl = acls.next().unwrap_or_else(|| panic!("no network ACL of {}", end.subnet));
        allows(acl, true, other, out) && allows(acl, false, other, back)
    }
}

impl Peer<'_> {
    const STRANGER: Self = Self { address: Some(STRANGER), group: None, prefix_list: None };

    fn is_named_by(&self, rule: &Value) -> bool {
        let named = |list: &str, key: &str| {
            let ends = rule[list].as_array().into_iter().flatten();
            ends.map(|end| end[key].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let is = |name: Option<&str>, list: &str, key: &str| {
            name.is_some_and(|name| named(list, key).iter().any(|named| named == name))
        };
        named("IpRanges", "CidrIp").iter().any(|range| self.address.is_some_and(|address| holds(range, address)))
            || is(self.group, "UserIdGroupPairs", "GroupId")
            || is(self.prefix_list, "PrefixListIds", "PrefixListId")
    }
}

/// The first entry that speaks of the packet decides.
fn allows(acl: &Value, egress: bool, other: Ipv4Addr, port: u16) -> bool {
    let mut entries: Vec<_> = acl["Entries"].as_array().unwrap().iter().collect();
    entries.sort_by_key(|entry| entry["RuleNumber"].as_i64());
    let decides = entries.into_iter().find(|entry| {
        entry["Egress"] == egress
            && ["-1", "6"].contains(&entry["Protocol"].as_str().unwrap())
            && holds(entry["CidrBlock"].as_str().unwrap(), other)
            && within(&entry["PortRange"]["From"], &entry["PortRange"]["To"], port)
    });
    decides.is_some_and(|entry| entry["RuleAction"] == "allow")
}

/// Without bounds, every port is within.
fn within(from: &Value, to: &Value, port: u16) -> bool {
    let bound = |value: &Value, otherwise| value.as_i64().unwrap_or(otherwise);
    (bound(from, 0)..=bound(to, 65_535)).contains(&i64::from(port))
}

/// Whether a range such as `172.16.0.0/16` holds the address.
fn holds(range: &str, address: Ipv4Addr) -> bool {
    let (base, bits) = range.split_once('/').expect("a range");
    let (base, bits): (Ipv4Addr, u32) = (base.parse().unwrap(), bits.parse().unwrap());
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(base) & mask == u32::from(address) & mask
}

/// As it should be; where a stage has no endpoints, nobody reaches them.
fn expected(stage: &Stage) -> [[&'static str; 6]; 5] {
    let database = if stage.is_local() { "" } else { "3306" };
    let functions = match stage.egress {
        Egress::Endpoints | Egress::SingleZoneEndpoints => ["", "", "", database, "443", "443"],
        // By the way out also the load balancer, which is as open to them as to anybody.
        Egress::SingleNat | Egress::NatPerZone => ["443", "443", "", database, "", "443"],
    };
    let nobody = [""; 6];
    [["", "80, 443", "", "", "", ""], nobody, functions, nobody, nobody]
}

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

#[test]
fn an_acl_that_is_closed_shows() {
    let mut closed = MOTO.clone();
    let nothing = json!([{ "RuleNumber": 32767, "Protocol": "-1", "RuleAction": "deny", "Egress": false, "CidrBlock": "0.0.0.0/0" }]);
    for acl in closed.described["NetworkAcls"].as_array_mut().unwrap() {
        acl["Entries"] = nothing.clone();
    }
    let matrix = Network::of("prod", &MINISTACK, &closed).matrix();
    assert!(matrix.iter().flatten().all(String::is_empty), "{matrix:?}");
}
