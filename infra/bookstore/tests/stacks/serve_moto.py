"""moto, an AWS emulator that knows NAT gateways, on a free port of this machine.

It prints the port and ends with its standard input, and so with whoever started it.
Its EC2 knows IPv6 and its CloudFormation passes over it in silence, so it is told here how to ask its EC2.
"""

import ipaddress
import itertools
import sys

from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.ec2.models import ec2_backends
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.server import ThreadedMotoServer

known = []


def knows(resource_type):
    """Makes a type known by how it is made: from EC2 and the resource's properties to its physical id."""

    def learn(make):
        class Resource(CloudFormationModel):
            __module__ = VPC.__module__  # by which moto tells the service

            def __init__(self, physical_resource_id):
                self.physical_resource_id = physical_resource_id

            @staticmethod
            def cloudformation_name_type():
                return ""

            @staticmethod
            def cloudformation_type():
                return resource_type

            @classmethod
            def create_from_cloudformation_json(cls, _name, resource, account_id, region_name, **_):
                return cls(make(ec2_backends[account_id][region_name], resource["Properties"]))

        known.append(Resource)
        return make

    return learn


@knows("AWS::EC2::VPCCidrBlock")
def network_range(ec2, properties):
    """EC2 adds what lets IPv6 through the default ACL: docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html"""
    network = properties["VpcId"]
    for acl in ec2.describe_network_acls(filters={"vpc-id": [network]}):
        for egress in (True, False):
            ec2.create_network_acl_entry(
                acl.id, 101, "-1", "allow", egress, None, None, None, None, None, ipv6_cidr_block="::/0"
            )
    return ec2.associate_vpc_cidr_block(network, None, True)["association_id"]


@knows("AWS::EC2::SubnetCidrBlock")
def subnet_range(ec2, properties):
    return ec2.associate_subnet_cidr_block(properties["SubnetId"], properties["Ipv6CidrBlock"])["associationId"]


@knows("AWS::EC2::EgressOnlyInternetGateway")
def gateway(ec2, properties):
    return ec2.create_egress_only_internet_gateway(properties["VpcId"]).id


@knows("AWS::EC2::Route")
def route(ec2, properties):
    return ec2.create_route(
        properties["RouteTableId"],
        properties.get("DestinationCidrBlock"),
        properties.get("DestinationIpv6CidrBlock"),
        gateway_id=properties.get("GatewayId"),
        nat_gateway_id=properties.get("NatGatewayId"),
        egress_only_igw_id=properties.get("EgressOnlyInternetGatewayId"),
    ).id


def create_subnet(_name, resource, account_id, region_name, **_):
    """Its CloudFormation knows zones by name only, its EC2 by id as well."""
    properties = resource["Properties"]
    ec2 = ec2_backends[account_id][region_name]
    [zone] = [zone.name for zone in ec2.zones[region_name] if zone.zone_id == properties["AvailabilityZoneId"]]
    subnet = ec2.create_subnet(properties["VpcId"], properties["CidrBlock"], availability_zone=zone)
    subnet.add_tags({tag["Key"]: tag["Value"] for tag in properties["Tags"]})
    return subnet


def clean_json(value, resources, others=parsing.clean_json):
    """`Fn::Cidr` of a range of IPv6."""
    if not (isinstance(value, dict) and "Fn::Cidr" in value):
        return others(value, resources)
    [block, count, bits] = others(value["Fn::Cidr"], resources)
    ranges = ipaddress.ip_network(block).subnets(new_prefix=128 - bits)
    return [str(each) for each in itertools.islice(ranges, count)]


def create(name, resource, resources, others=parsing.parse_and_create_resource, **account):
    """A change set forgets `DependsOn`."""
    for earlier in resource.get("DependsOn", []):
        resources[earlier]
    return others(name, resource, resources, **account)


parsing.clean_json = clean_json
Subnet.create_from_cloudformation_json = create_subnet
parsing.parse_and_create_resource = create
VPC.get_cfn_attribute = lambda network, _: [
    association["cidr_block"] for association in network.get_cidr_block_association_set(ipv6=True)
]

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
