"""Tells which of the given commands AWS's command line would not take, by the models that it is made from."""

import json
import sys

import botocore.session
from botocore import xform_name

GLOBAL = {"--query", "--output", "--region"}
# Services that the command line has under another name than their models.
MODELS = {"s3api": "s3"}
session = botocore.session.get_session()


def complaints(words):
    _, service, operation, *rest = words
    service = MODELS.get(service, service)
    if service not in session.get_available_services():
        return [f"no service {service}"]
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        return [f"{service} has no {operation}"]
    shape = model.operation_model(names[operation]).input_shape
    known = {"--" + xform_name(name, "-") for name in shape.members}
    switches = [name for name, member in shape.members.items() if member.type_name == "boolean"]
    known |= {"--no-" + xform_name(name, "-") for name in switches}
    required = {"--" + xform_name(name, "-") for name in shape.required_members}
    given = {word for word in rest if word.startswith("--")}
    unknown = [f"{operation} has no {option}" for option in sorted(given - known - GLOBAL)]
    return unknown + [f"{operation} needs {option}" for option in sorted(required - given)]


json.dump([found for words in json.load(sys.stdin) for found in complaints(words)], sys.stdout)
