"""The rules that every stack of this product must hold to, as functions over its resources.

The policy pack runs them with the Pulumi engine, and the tests without it.
"""

from . import data_protection, delivery, permissions
from .resource import UNKNOWN, Resource, Rule, Violation

__all__ = ["RULES", "UNKNOWN", "Resource", "Rule", "Violation", "violations"]

RULES: tuple[Rule, ...] = (
    *permissions.RULES,
    *data_protection.RULES,
    *delivery.RULES,
)


def violations(resources: list[Resource]) -> list[Violation]:
    """Return what every rule finds."""
    return [violation for rule in RULES for violation in rule(resources)]
