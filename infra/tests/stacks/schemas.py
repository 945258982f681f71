"""AWS's registry schemas, as the pinned cfn-lint carries them: of the `types` named on standard input, in `region`."""

import json
import sys

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

asked = json.load(sys.stdin)
LISTS = ("createOnlyProperties", "conditionalCreateOnlyProperties", "readOnlyProperties", "required")


def described(kind):
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(asked["region"], kind).schema
    lists = {name: [path.removeprefix("/properties/") for path in schema.get(name, [])] for name in LISTS}
    return {**lists, "properties": sorted(schema["properties"])}


json.dump({kind: described(kind) for kind in asked["types"]}, sys.stdout)
