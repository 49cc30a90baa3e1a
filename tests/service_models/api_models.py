"""What botocore's models of the services say of a call."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import regex
from botocore import xform_name
from botocore.model import ListShape, MapShape, OperationModel, Shape, StringShape, StructureShape
from botocore.session import get_session
from botocore.validate import ParamValidator


@cache
def operation(name: str) -> OperationModel:
    """Return the model of an operation: `lambda.CreateFunction`."""
    service, _, operation_name = name.partition(".")
    return _service(service).operation_model(operation_name)


def operation_of(service: str, method: str) -> str:
    """Return the name of the operation that a client's method calls."""
    names = _service(service).operation_names
    return next(f"{service}.{name}" for name in names if xform_name(name) == method)


@cache
def _service(name: str) -> Any:
    return get_session().get_service_model(name)


@dataclass(frozen=True)
class ShapeNode:
    """A shape, for renaming."""

    shape: Shape

    @property
    def kind(self) -> str:
        return {"structure": "structure", "map": "map", "list": "list"}.get(
            self.shape.type_name, "text"
        )

    def members(self) -> Mapping[str, "ShapeNode"]:
        assert isinstance(self.shape, StructureShape)
        return {name: ShapeNode(shape) for name, shape in self.shape.members.items()}

    def item(self) -> "ShapeNode":
        assert isinstance(self.shape, ListShape | MapShape)
        return ShapeNode(
            self.shape.member if isinstance(self.shape, ListShape) else self.shape.value
        )


def faults(model: OperationModel, parameters: dict[str, Any]) -> list[str]:
    """Return what is wrong with the parameters of a call.

    botocore itself finds missing and unknown members, wrong types and what is too short or small;
    choices, patterns, and what is too long or large are in the models, and left to the service.
    """
    assert model.input_shape is not None
    report = ParamValidator().validate(parameters, model.input_shape).generate_report()
    return [*report.splitlines(), *_beyond(model.input_shape, parameters, "")]


def _beyond(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name in value.keys() & shape.members.keys():
            yield from _beyond(shape.members[name], value[name], f"{path}.{name}")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _too_many(shape, value, path)
        for name, inner in value.items():
            yield from _beyond(shape.key, name, f"{path} (key)")
            yield from _beyond(shape.value, inner, f"{path}.{name}")
    elif isinstance(shape, ListShape) and isinstance(value, list | tuple):
        yield from _too_many(shape, value, path)
        for number, inner in enumerate(value):
            yield from _beyond(shape.member, inner, f"{path}[{number}]")
    elif isinstance(shape, StringShape) and isinstance(value, str):
        yield from _text(shape, value, path)
    elif isinstance(value, int | float) and value > shape.metadata.get("max", value):
        yield f"{path}: {value} is above {shape.metadata['max']}"


def _text(shape: StringShape, value: str, path: str) -> Iterator[str]:
    yield from _too_many(shape, value, path)
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of its choices"
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).search(value):
        yield f"{path}: {value!r} does not match {pattern}"


def _too_many(shape: Shape, value: Any, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and len(value) > most:
        yield f"{path}: its length {len(value)} is above {most}"


@cache
def _compiled(pattern: str) -> Any:
    # The models' patterns are Java's: of the whole text, and with names of classes that only
    # `regex` knows.
    return regex.compile(f"^(?:{pattern})$" if pattern[:1] != "^" else pattern)
