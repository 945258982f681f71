"""Prints the CloudFormation registry schemas of the `types` in the JSON on standard input, for `region`, from the pinned cfn-lint."""

import json
import sys

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

request = json.load(sys.stdin)
LISTS = ("createOnlyProperties", "conditionalCreateOnlyProperties", "readOnlyProperties", "required")


def described(kind):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(request["region"], kind).schema
    lists = {name: [path.removeprefix("/properties/") for path in schema.get(name, [])] for name in LISTS}
    return {**lists, "properties": sorted(schema["properties"])}


json.dump({kind: described(kind) for kind in request["types"]}, sys.stdout)
