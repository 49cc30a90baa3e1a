"""Existing resources that a stack uses instead of making its own.

Programs may name them by outputs of other resources, which the parameter table cannot check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .settings import PARAMETERS, Settings

__all__ = ["AdoptedResources", "adopted_resources", "output_arguments", "plain_arguments"]


@dataclass(frozen=True)
class AdoptedResources:
    """The existing resources of one stack; an empty ARN and an empty list are none."""

    kms_key_arn: pulumi.Input[str]
    events_topic_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]


def plain_arguments(
    name: str, arguments: Mapping[str, object], problems: list[str]
) -> dict[str, object]:
    """Return the arguments that are plain values.

    Adds to `problems` each output that the program's shape depends on.
    """
    outputs = output_arguments(arguments)
    problems.extend(
        f"arguments of {name}: {key} must be a plain value, not an output: what is created "
        f"depends on it"
        for key in outputs
        if key in PARAMETERS and not PARAMETERS[key].adopted
    )
    return {key: value for key, value in arguments.items() if key not in outputs}


def output_arguments(arguments: Mapping[str, object]) -> list[str]:
    """Return the names of the arguments that are outputs of other resources, or have some."""
    return [key for key, value in arguments.items() if _has_output(value)]


def adopted_resources(settings: Settings, arguments: Mapping[str, object]) -> AdoptedResources:
    """Return what is adopted: outputs among the arguments, else what the settings say."""
    outputs = output_arguments(arguments)
    named: dict[str, Any] = {
        field: arguments[field] if field in outputs else getattr(settings, field)
        for field in AdoptedResources.__annotations__
    }
    lists: dict[str, Any] = {
        field: list(value) if isinstance(value, tuple) else value for field, value in named.items()
    }
    return AdoptedResources(**lists)


def _has_output(value: object) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(each, pulumi.Output) for each in values)
