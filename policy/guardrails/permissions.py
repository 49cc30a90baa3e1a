"""Rules on who may do what."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from .resource import UNKNOWN, Resource, Rule, Statement, Violation, as_list, of_kind, statements

__all__ = ["EVERYWHERE", "RULES"]

# Actions that AWS lets no resource be named for, or that it asks for before there is one.
EVERYWHERE: Mapping[str, str] = {
    "xray:PutTraceSegments": "X-Ray has no resources for it",
    "xray:PutTelemetryRecords": "X-Ray has no resources for it",
    "ec2:AssignPrivateIpAddresses": "Lambda asks for it before it has made an interface",
    "ec2:CreateNetworkInterface": "Lambda asks for it before it has made an interface",
    "ec2:DeleteNetworkInterface": "Lambda asks for it before it has made an interface",
    "ec2:DescribeNetworkInterfaces": "EC2 has no resources for it",
    "ec2:DescribeSubnets": "EC2 has no resources for it",
    "ec2:UnassignPrivateIpAddresses": "Lambda asks for it before it has made an interface",
}
# The policies of resources that services use; a key's `*` is the key itself.
_KEYS = ("Key", "KeyPolicy")
_RESOURCE_POLICIES = ("QueuePolicy", "TopicPolicy", *_KEYS)
# What a key's policy can ask for where a service names no source: what is being encrypted.
_ENCRYPTED_FOR = "kms:encryptioncontext:aws:"
_ACCOUNT = re.compile(r"(?:[^:]*:){4}(\d+):")
_ROOT = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root")
# What a condition can compare that only callers from a named place present.
_ORIGINS = {"aws:sourcearn", "aws:sourceaccount", "aws:principalorgid", "aws:sourcevpce"}
# The comparisons that no other caller meets. Negations are met by most, `IfExists` by whoever
# does not present the key.
_COMPARISONS = {
    *("StringEquals", "StringEqualsIgnoreCase", "StringLike"),
    *("ArnEquals", "ArnLike"),
}


def no_wildcard_actions(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A policy names every action that it allows."""
    for resource, statement in _role_statements(resources):
        for action in as_list(statement.get("Action")):
            if "*" in action:
                yield Violation(resource, f"allows {action}: name the actions")
    accounts = {_account_of(resource.get("arn")) for resource in resources} - {""}
    for resource, statement in _let_in(resources):
        for action in as_list(statement.get("Action")):
            # The account's own rights to its key: without them, nobody could change the policy.
            administers = action == "kms:*" and _is_for_root(statement, accounts)
            if "*" in action and not administers:
                yield Violation(resource, f"allows {action}: name the actions")


def no_resource_everywhere(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A role's policy names the resources, but for the actions that AWS has none for."""
    for resource, statement in _role_statements(resources):
        if "*" in as_list(statement.get("Resource")):
            for action in as_list(statement.get("Action")):
                if action not in EVERYWHERE:
                    yield Violation(resource, f"allows {action} on every resource")


def nobody_is_let_in_unnamed(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A resource's policy names whom it lets in, or where everybody has to come from."""
    for resource, statement in _let_in(resources):
        everybody = statement.get("Principal") == "*" or "*" in as_list(
            as_principal(statement).get("AWS")
        )
        if everybody and not _conditions(statement) & _ORIGINS:
            yield Violation(resource, "lets everybody in: name them, or where they come from")


def services_are_let_in_for_this_account(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A service may use a resource only for one account's own resources."""
    for resource, statement in _let_in(resources):
        if "Service" in as_principal(statement):
            keys = _conditions(statement)
            if resource.kind in _KEYS and any(key.startswith(_ENCRYPTED_FOR) for key in keys):
                keys |= {"aws:sourcearn"}
            missing = [
                key for key in ("aws:SourceAccount", "aws:SourceArn") if key.lower() not in keys
            ]
            if missing:
                service = as_principal(statement)["Service"]
                needed = " and ".join(missing)
                yield Violation(resource, f"lets {service} in without {needed}")
    for permission in of_kind(resources, "Permission"):
        source = permission.get("sourceArn")
        # The ARN of an S3 bucket names no account. Where one does, a service need not present its
        # account beside it: asked for, it would keep the service out.
        named = source is UNKNOWN or _account_of(source) or permission.get("sourceAccount")
        if not (source and named):
            lacking = "sourceAccount" if source else "sourceArn"
            yield Violation(permission, f"lets {permission.get('principal')} in without {lacking}")


def as_principal(statement: Statement) -> Mapping[str, Any]:
    """Return a statement's principals by their kind; none for everybody."""
    principal = statement.get("Principal")
    return principal if isinstance(principal, Mapping) else {}


def _role_statements(resources: Sequence[Resource]) -> Iterator[tuple[Resource, Statement]]:
    for resource in of_kind(resources, "RolePolicy", "Policy"):
        for statement in statements(resource):
            if statement["Effect"] == "Allow":
                yield resource, statement
    for role in of_kind(resources, "Role"):
        for inline in as_list(role.get("inlinePolicies")):
            for statement in statements(Resource(role.type, role.name, inline)):
                yield role, statement


def _let_in(resources: Sequence[Resource]) -> Iterator[tuple[Resource, Statement]]:
    for resource in of_kind(resources, *_RESOURCE_POLICIES):
        for statement in statements(resource):
            if statement["Effect"] == "Allow":
                yield resource, statement


def _is_for_root(statement: Statement, accounts: Collection[str]) -> bool:
    """Return whether nobody but the account itself is named; any one, as long as none is known."""
    principal = as_principal(statement)
    roots = [_ROOT.fullmatch(arn) for arn in as_list(principal.get("AWS"))]
    return principal.keys() == {"AWS"} and all(
        root and (not accounts or root[1] in accounts) for root in roots
    )


def _conditions(statement: Statement) -> set[str]:
    """Return the keys that a caller must present, in lower case, as IAM compares them."""
    return {
        key.lower()
        for comparison, test in statement.get("Condition", {}).items()
        if comparison in _COMPARISONS
        for key, values in test.items()
        if "*" not in as_list(values)
    }


def _account_of(arn: object) -> str:
    """Return the account that an ARN names; empty where it names none, or a pattern."""
    found = _ACCOUNT.match(str(arn))
    return found[1] if found else ""


RULES: tuple[Rule, ...] = (
    no_wildcard_actions,
    no_resource_everywhere,
    nobody_is_let_in_unnamed,
    services_are_let_in_for_this_account,
)
