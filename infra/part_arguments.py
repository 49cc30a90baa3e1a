"""The arguments of a component that is a part, completed by the parameter table.

A part that is used alone then needs no more arguments than the whole does.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import pulumi

from .adopted import plain_arguments
from .parameter_layers import settings_of_part
from .reporting import reported
from .settings import PARAMETERS

__all__ = ["completed"]

_Args = TypeVar("_Args")


def completed(name: str, args: Mapping[str, Any], args_type: type[_Args]) -> _Args:
    """Return `args` with every key of `args_type`: those not given by their parameters' defaults.

    Keys that are no parameters are taken as they are; `stack_name` is by default the component's
    and the stack's. Raises SettingsError with every fault.
    """
    known = args_type.__annotations__
    problems = [
        f"arguments of {name}: {key} is not one of this component's"
        for key in args
        if key in PARAMETERS and key not in known
    ]
    own = {key: value for key, value in args.items() if key in known and key not in PARAMETERS}
    parameters = {key: value for key, value in args.items() if key not in own}
    plain = plain_arguments(name, parameters, problems)
    with reported():
        settings = settings_of_part(name, plain, problems)
    complete = {key: getattr(settings, key) for key in known if key in PARAMETERS}
    lists = {key: list(value) for key, value in complete.items() if isinstance(value, tuple)}
    outputs = {key: value for key, value in parameters.items() if key not in plain}
    stack_name = f"{name}-{pulumi.get_stack()}"
    return cast("_Args", {"stack_name": stack_name, **complete, **lists, **outputs, **own})
