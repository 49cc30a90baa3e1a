"""Checks recorded resources against botocore's models and CloudFormation's schemas."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local.recording import Recorded
from tests.service_models import api_models, cloudformation
from tests.service_models.renaming import Renaming
from tests.service_models.stacks import SUFFIX
from tests.service_models.table import ROWS


@dataclass(frozen=True)
class Request:
    """A call that would create a resource, or a part of it."""

    resource: str
    operation: str
    parameters: dict[str, Any]
    unknown: tuple[str, ...]


def without_row(resources: Iterable[Recorded]) -> set[str]:
    """Return the types for which the table says nothing."""
    return {resource.type for resource in resources} - set(ROWS)


def requests(resource: Recorded) -> Iterator[Request]:
    """Yield the calls that create a resource."""
    row, inputs = ROWS[resource.type], _named(resource)
    elsewhere = {name for call in row.calls for name in call.inputs}
    for call in row.calls:
        wanted = set(call.inputs) or set(inputs) - elsewhere
        taken = {name: value for name, value in inputs.items() if name in wanted}
        if not taken:
            continue
        model = api_models.operation(call.operation)
        renaming = Renaming(call.renames)
        parameters = renaming.structure(taken, api_models.ShapeNode(model.input_shape))
        own = {key: str(value).format(name=_name(resource)) for key, value in call.own.items()}
        yield Request(resource.name, call.operation, own | parameters, tuple(renaming.unknown))


def api_faults(resources: Iterable[Recorded]) -> list[str]:
    """Return what botocore's models refuse of the calls that create resources."""
    return [
        f"{request.resource} {request.operation}: {fault}"
        for resource in resources
        for request in requests(resource)
        for fault in (
            *(f"there is no member for the input {name}" for name in request.unknown),
            *api_models.faults(api_models.operation(request.operation), request.parameters),
        )
    ]


def cloudformation_faults(resources: Iterable[Recorded]) -> list[str]:
    """Return what CloudFormation's schemas refuse of resources."""
    found: list[str] = []
    # A part and what it is a part of are one resource there, and so in different templates.
    described: dict[bool, dict[str, tuple[str, Mapping[str, Any]]]] = {True: {}, False: {}}
    for resource in resources:
        row = ROWS[resource.type]
        if not row.cloudformation:
            continue
        renaming = Renaming(row.renames)
        schema = cloudformation.schema(row.cloudformation)
        name = f"{resource.name} {row.cloudformation}"
        described[row.part][name] = (
            row.cloudformation,
            renaming.structure(_named(resource), schema, own=row.own),
        )
        found += [f"{name}: there is no property for the input {each}" for each in renaming.unknown]
    for template in described.values():
        for name, faults in cloudformation.faults(template).items():
            found += [f"{name}: {fault}" for fault in faults]
    return found


def _named(resource: Recorded) -> dict[str, Any]:
    row = ROWS[resource.type]
    named = {row.name: _name(resource)} if row.name else {}
    return {**named, **resource.inputs}


def _name(resource: Recorded) -> str:
    given = resource.inputs.get(ROWS[resource.type].name or "name")
    return str(given or f"{resource.name}{SUFFIX}")
