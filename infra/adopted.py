"""Existing resources that a stack uses instead of making its own.

Programs may name them by outputs of other resources, which the parameter table cannot check.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from .settings import PARAMETERS, Settings, SettingsError

__all__ = ["AdoptedResources", "adopted_resources", "plain_arguments"]


@dataclass(frozen=True)
class AdoptedResources:
    """The existing resources of one stack; an empty ARN and an empty list are none."""

    kms_key_arn: pulumi.Input[str]
    events_topic_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]
    subnet_ids: pulumi.Input[list[pulumi.Input[str]]]
    security_group_ids: pulumi.Input[list[pulumi.Input[str]]]


def plain_arguments(name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    """Return the arguments that are plain values.

    Raises SettingsError for an output where the program's shape depends on the value.
    """
    outputs = [key for key, value in arguments.items() if _has_output(value)]
    problems = [
        f"arguments of {name}: {key} must be a plain value, not an output: what is created "
        f"depends on it"
        for key in outputs
        if key in PARAMETERS and not PARAMETERS[key].adopted
    ]
    if problems:
        raise SettingsError(problems)
    return {key: value for key, value in arguments.items() if key not in outputs}


def adopted_resources(settings: Settings, arguments: Mapping[str, object]) -> AdoptedResources:
    """Return what is adopted: outputs among the arguments, else what the settings say.

    Raises SettingsError where two of them do not go together.
    """
    named: dict[str, Any] = {
        field: arguments[field] if _has_output(arguments.get(field)) else getattr(settings, field)
        for field in AdoptedResources.__annotations__
    }
    problems = []
    if bool(_given(named["subnet_ids"])) != bool(_given(named["security_group_ids"])):
        problems.append("subnetIds and securityGroupIds belong together: give both or none")
    if settings.alarm_email and _given(named["alarm_topic_arn"]):
        problems.append("alarmEmail subscribes to the stack's own topic: not with alarmTopicArn")
    if problems:
        raise SettingsError(problems)
    lists: dict[str, Any] = {
        field: list(value) if isinstance(value, tuple) else value for field, value in named.items()
    }
    return AdoptedResources(**lists)


def _given(value: object) -> bool:
    # An output has no truth value, but it is there.
    return isinstance(value, pulumi.Output) or bool(value)


def _has_output(value: object) -> bool:
    values = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(each, pulumi.Output) for each in values)
