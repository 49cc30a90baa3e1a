"""The policy pack: `pulumi preview --policy-pack policy`. Its rules are in `guardrails`."""

from guardrails import RULES, Resource, Rule
from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    StackValidationArgs,
    StackValidationPolicy,
)


def _policy(rule: Rule) -> StackValidationPolicy:
    def validate(args: StackValidationArgs, report_violation: ReportViolation) -> None:
        resources = [
            Resource(resource.resource_type, resource.name, resource.props)
            for resource in args.resources
        ]
        urns = {resource.name: resource.urn for resource in args.resources}
        for violation in rule(resources):
            report_violation(violation.message, urns[violation.resource.name])

    # The first line of the function's documentation.
    description = (rule.__doc__ or "").partition("\n")[0]
    return StackValidationPolicy(rule.__name__.replace("_", "-"), description, validate)


PolicyPack(
    "fallback-messaging-guardrails",
    policies=[_policy(rule) for rule in RULES],
    enforcement_level=EnforcementLevel.MANDATORY,
)
