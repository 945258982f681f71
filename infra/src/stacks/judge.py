"""Says what IAM policies allow and deny, with the policy engine of the emulator.

Standard input holds `cases`, and the `actions` and `resources` that each of them is asked about; standard output gets
for each case its triples of decision, action and resource. What no statement speaks of is denied, and left out.
"""

import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

asked = json.load(sys.stdin)


def spoken_of(case):
    statements = parse_policy_document(case["policy"])
    question = EvalContext(
        principal_arn=case["caller"],
        principal_type="AssumedRole",
        principal_account=asked["account"],
        action="",
        resource_arn="",
        region=asked["region"],
        secure_transport=case["tls"],
        service_context={key.lower(): value for key, value in case["context"].items()},
    )
    for question.action in asked["actions"]:
        for question.resource_arn in asked["resources"]:
            if case["of"] == "resource":
                result = evaluate_resource_policy(case["policy"], question, service=case["caller"])
            else:
                result = evaluate(question, [statements])
            if result.decision != "ImplicitDeny":
                yield result.decision, question.action, question.resource_arn


json.dump([list(spoken_of(case)) for case in asked["cases"]], sys.stdout)
