"""Rules on who may do what."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .resource import Resource, Rule, Statement, Violation, as_list, of_kind, statements

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
_RESOURCE_POLICIES = ("QueuePolicy", "TopicPolicy", "Key", "KeyPolicy")


def no_wildcard_actions(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A policy names every action that it allows."""
    for resource, statement in _role_statements(resources):
        for action in as_list(statement.get("Action")):
            if "*" in action:
                yield Violation(resource, f"allows {action}: name the actions")
    for resource in of_kind(resources, *_RESOURCE_POLICIES):
        for statement in statements(resource):
            administers = "AWS" in as_principal(statement) and resource.kind.startswith("Key")
            wild = [a for a in as_list(statement.get("Action")) if "*" in a]
            # The account's own rights to its key: without them, nobody could change the policy.
            if statement["Effect"] == "Allow" and wild and not administers:
                yield Violation(resource, f"allows {wild[0]}: name the actions")


def no_resource_everywhere(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A role's policy names the resources, but for the actions that AWS has none for."""
    for resource, statement in _role_statements(resources):
        if "*" in as_list(statement.get("Resource")):
            for action in as_list(statement.get("Action")):
                if action not in EVERYWHERE:
                    yield Violation(resource, f"allows {action} on every resource")


def services_are_let_in_for_this_account(resources: Sequence[Resource]) -> Iterator[Violation]:
    """A service may use a resource only for one account's own resources."""
    for resource in of_kind(resources, *_RESOURCE_POLICIES):
        for statement in statements(resource):
            if statement["Effect"] == "Allow" and "Service" in as_principal(statement):
                keys = {key for test in statement.get("Condition", {}).values() for key in test}
                missing = {"aws:SourceAccount", "aws:SourceArn"} - keys
                if missing:
                    service = as_principal(statement)["Service"]
                    needed = " and ".join(sorted(missing))
                    yield Violation(resource, f"lets {service} in without {needed}")
    for permission in of_kind(resources, "Permission"):
        for key in ("sourceAccount", "sourceArn"):
            if not permission.get(key):
                yield Violation(permission, f"lets {permission.get('principal')} in without {key}")


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
        for inline in role.get("inlinePolicies") or []:
            for statement in statements(Resource(role.type, role.name, inline)):
                yield role, statement


RULES: tuple[Rule, ...] = (
    no_wildcard_actions,
    no_resource_everywhere,
    services_are_let_in_for_this_account,
)
