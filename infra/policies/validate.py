"""Judges the templates named as arguments by AWS's cloudformation-validate, from WARN up, and by the rules beside this
file, which are in the language of cfn-guard.

It prints a line for each finding that no resource is excused from in its Metadata, and then ends with 1.
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


def excused(path):
    for name, resource in json.loads(pathlib.Path(path).read_text())["Resources"].items():
        for excuse in resource.get("Metadata", {}).get("cloudformation-validate", {}).get("skip", []):
            yield ResourceIdFilter(rule_id=excuse["id"], resource_id=name)


found = False
for path in sys.argv[1:]:
    exclude = RuleFilterConfig(resource_ids=list(excused(path)))
    report = engine.validate_template(path, ValidateConfig(exclude=exclude, severity_level=Severity.WARN))
    if report.status.name == "ANALYSIS_INCOMPLETE":
        sys.exit(f"{path}: could not be judged to the end")
    for finding in report.diagnostics:
        found = True
        print(f"{path}: {finding.rule_id} {finding.entity.logical_id if finding.entity else '-'}: {finding.message}")
sys.exit(found)
