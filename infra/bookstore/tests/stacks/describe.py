"""Asks an account what is in it: the `stacks` named on standard input, networks, load balancers and databases."""

import json
import sys

import boto3

asked = json.load(sys.stdin)


def client(service):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=asked["endpoint"], region_name=asked["region"], **keys)


def everything(client, operation, **arguments):
    return client.get_paginator(operation).paginate(**arguments).build_full_result()


cloudformation, ec2, rds = client("cloudformation"), client("ec2"), client("rds")
described = {"Stacks": {}, "Settings": {}}
for name in asked["stacks"]:
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    resources = everything(cloudformation, "list_stack_resources", StackName=name)["StackResourceSummaries"]
    ids = {resource["LogicalResourceId"]: resource.get("PhysicalResourceId") for resource in resources}
    described["Stacks"][name] = {**stack, "Resources": ids}
for network in (
    *("subnets", "route_tables", "internet_gateways", "nat_gateways"),
    *("vpc_endpoints", "security_groups", "network_acls"),
):
    described |= everything(ec2, f"describe_{network}")
described |= everything(client("elbv2"), "describe_load_balancers")
described |= everything(rds, "describe_db_instances")
for database in described["DBInstances"]:
    for group in database["DBParameterGroups"]:
        name = group["DBParameterGroupName"]
        settings = everything(rds, "describe_db_parameters", DBParameterGroupName=name, Source="user")["Parameters"]
        described["Settings"][name] = {setting["ParameterName"]: setting["ParameterValue"] for setting in settings}
json.dump(described, sys.stdout, default=str)
