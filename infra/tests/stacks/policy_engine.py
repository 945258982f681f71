"""Says what IAM policies allow and deny, with the policy engine of the emulator.

Standard input holds `cases`, and the `actions` and `resources` that each of them is asked about if it names no others;
standard output gets for each case its triples of decision, action and resource. What no statement speaks of is denied,
and left out. A policy is one document or several; one that AWS keeps is given by its ARN.
"""

import functools
import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

asked = json.load(sys.stdin)


@functools.cache
def kept_by_aws():
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)


def document(policy):
    return kept_by_aws()[policy.rsplit("/", 1)[1]]["Document"] if isinstance(policy, str) else policy


def documents(policy):
    return [parse_policy_document(document(one)) for one in (policy if isinstance(policy, list) else [policy])]


def spoken_of(case):
    policies = documents(case["policy"])
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
    for question.action in case.get("actions", asked["actions"]):
        for question.resource_arn in case.get("resources", asked["resources"]):
            if case["of"] == "resource":
                result = evaluate_resource_policy(case["policy"], question, service=case["caller"])
            else:
                result = evaluate(question, policies)
            if result.decision != "ImplicitDeny":
                yield result.decision, question.action, question.resource_arn


json.dump([list(spoken_of(case)) for case in asked["cases"]], sys.stdout)
