"""The policy pack: `pulumi preview --policy-pack policy`. Its rules are in `guardrails`."""

from collections.abc import Mapping, Sequence
from typing import Any

from guardrails import RULES, UNKNOWN, Resource, Rule
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError


def _policy(rule: Rule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        resources = [
            Resource(resource.resource_type, resource.name, _plain(resource.props))
            for resource in args.resources
        ]
        urns = {resource.name: resource.urn for resource in args.resources}
        for violation in rule(resources):
            report_violation(violation.message, urns[violation.resource.name])

    # The first line of the function's documentation.
    description = (rule.__doc__ or "").partition("\n")[0]
    return StackValidationPolicy(rule.__name__.replace("_", "-"), description, validate)


def _plain(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return properties without their proxies; UNKNOWN stands for what a preview cannot know."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: str | int) -> Any:  # noqa: ANN401  any JSON value
    try:
        value = container[key]
    except UnknownValueError:
        # Raised out of a rule, it would end the rule for every other resource too.
        return UNKNOWN
    return _plain(value)


PolicyPack(
    "fallback-messaging-guardrails",
    policies=[_policy(rule) for rule in RULES],
    enforcement_level=EnforcementLevel.MANDATORY,
)
