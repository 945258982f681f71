"""Checks the templates given as arguments with AWS's cloudformation-validate (WARN and higher) and the cfn-guard rules in
this folder.

Prints a line for each finding without a suppression in the resource's Metadata. The exit status is 1 if there are any.
"""

import json
import pathlib
import sys

from cloudformation_validate import (
    CompositeEngine,
    CompositeEngineConfig,
    ResourceIdFilter,
    RuleFilterConfig,
    Severity,
    ValidateConfig,
    file_to_external_rule_source,
)

rules = sorted(pathlib.Path(__file__).parent.glob("*.guard"))
engine = CompositeEngine(CompositeEngineConfig(guard_rules=[file_to_external_rule_source(rule) for rule in rules]))


def suppressions(path):
    for name, resource in json.loads(pathlib.Path(path).read_text())["Resources"].items():
        for suppression in resource.get("Metadata", {}).get("cloudformation-validate", {}).get("skip", []):
            yield ResourceIdFilter(rule_id=suppression["id"], resource_id=name)


found = False
for path in sys.argv[1:]:
    exclude = RuleFilterConfig(resource_ids=list(suppressions(path)))
    report = engine.validate_template(path, ValidateConfig(exclude=exclude, severity_level=Severity.WARN))
    if report.status.name == "ANALYSIS_INCOMPLETE":
        sys.exit(f"{path}: the analysis is incomplete")
    for finding in report.diagnostics:
        found = True
        print(f"{path}: {finding.rule_id} {finding.entity.logical_id if finding.entity else '-'}: {finding.message}")
sys.exit(found)
