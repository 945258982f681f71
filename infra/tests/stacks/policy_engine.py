"""Evaluates IAM policies with the policy engine of the emulator ministack.

Input is JSON with `cases`, and the default `actions` and `resources` of the cases. Output is, for each case, a list of
triples of decision, action and resource, without implicit denials. A policy is one document or a list of documents; an
AWS managed policy is given by its ARN.
"""

import functools
import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, evaluate_resource_policy, parse_policy_document

request = json.load(sys.stdin)


def listed(value):
    return value if isinstance(value, list) else [value]


@functools.cache
def managed_policies():
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    return json.loads(aws_managed_policies_data)


def document(policy):
    return managed_policies()[policy.rsplit("/", 1)[1]]["Document"] if isinstance(policy, str) else policy


def documents(policy):
    return [parse_policy_document(document(one)) for one in listed(policy)]


def services(policy):
    """The services whose actions a policy names, or None if it may mean those of others too: the rest are denied implicitly."""
    named = set()
    for statement in [statement for one in listed(policy) for statement in listed(document(one)["Statement"])]:
        if "Action" not in statement:
            return None
        for pattern in listed(statement["Action"]):
            service, colon, _ = pattern.partition(":")
            if not colon or "*" in service or "?" in service:
                return None
            named.add(service.lower())
    return named


def explicit_decisions(case):
    policies = documents(case["policy"])
    named = services(case["policy"])
    context = EvalContext(
        principal_arn=case["caller"],
        principal_type="AssumedRole",
        principal_account=request["account"],
        action="",
        resource_arn="",
        region=request["region"],
        secure_transport=case["tls"],
        service_context={key.lower(): value for key, value in case["context"].items()},
    )
    for context.action in case.get("actions", request["actions"]):
        if named is not None and context.action.partition(":")[0].lower() not in named:
            continue
        for context.resource_arn in case.get("resources", request["resources"]):
            if case["of"] == "resource":
                result = evaluate_resource_policy(case["policy"], context, service=case["caller"])
            else:
                result = evaluate(context, policies)
            if result.decision != "ImplicitDeny":
                yield result.decision, context.action, context.resource_arn


json.dump([list(explicit_decisions(case)) for case in request["cases"]], sys.stdout)
