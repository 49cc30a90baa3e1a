"""The arguments of a component that is a part, completed by the parameter table.

A part that is used alone then needs no more arguments than the whole does.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import pulumi

from .adopted import plain_arguments
from .parameter_layers import settings_of_part
from .settings import PARAMETERS

__all__ = ["completed"]

_Args = TypeVar("_Args")


def completed(name: str, args: Mapping[str, Any], args_type: type[_Args]) -> _Args:
    """Return `args` with every key of `args_type`: those not given by their parameters' defaults.

    Keys that are no parameters are taken as they are, except `stack_name`, which is the component's
    and the stack's. Raises SettingsError with every fault.
    """
    hints = args_type.__annotations__
    own = {key: value for key, value in args.items() if key in hints and key not in PARAMETERS}
    parameters = {key: value for key, value in args.items() if key not in own}
    settings = settings_of_part(name, plain_arguments(name, parameters))
    values: dict[str, Any] = {"stack_name": f"{name}-{pulumi.get_stack()}"}
    for key in hints:
        if key in PARAMETERS:
            value = getattr(settings, key)
            values[key] = list(value) if isinstance(value, tuple) else value
    outputs = {key: parameters[key] for key in parameters if key in hints and key in PARAMETERS}
    adopted = {key: value for key, value in outputs.items() if PARAMETERS[key].adopted and value}
    complete = {key: (values | adopted | own)[key] for key in hints if key in values | own}
    return cast("_Args", complete)
