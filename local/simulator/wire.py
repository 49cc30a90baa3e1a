"""The wire protocols of the three services, read from botocore's own service models.

Requests are checked against the model of their operation more strictly than a client does it:
required members, types, lengths, ranges, patterns, enumerations, and members that nobody knows.
Two protocols occur: rest-json (SES v2, WhatsApp) and json 1.0 (SMS).
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import parse_qs, unquote

from botocore.model import (
    ListShape,
    MapShape,
    OperationModel,
    Shape,
    StringShape,
    StructureShape,
)
from botocore.session import Session

type_of: Mapping[str, tuple[type, ...]] = {
    "blob": (str,),
    "boolean": (bool,),
    "double": (int, float),
    "float": (int, float),
    "integer": (int,),
    "list": (list,),
    "long": (int,),
    "map": (dict,),
    "string": (str,),
    "structure": (dict,),
    "timestamp": (int, float, str),
}

Params = dict[str, Any]


class ServiceError(Exception):
    """An error that the service's model names; botocore raises it at the client under that name.

    `members` are the further members of the error's shape, for example `Reason`.
    """

    def __init__(self, code: str, message: str, **members: object) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.members = members


@dataclass(frozen=True)
class Fault:
    """One thing wrong with a request: the path of the member, and what its model demands."""

    path: str
    demand: str

    def __str__(self) -> str:
        """Put it as AWS does."""
        return f"Value at '{self.path}' failed to satisfy constraint: {self.demand}"


def sentence(faults: list[Fault]) -> str:
    """Put all faults of a request into the one sentence that AWS answers."""
    plural = "s" if len(faults) > 1 else ""
    return f"{len(faults)} validation error{plural} detected: " + "; ".join(map(str, faults))


@dataclass(frozen=True)
class Request:
    """An HTTP request: the path is still percent-encoded, header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class Wire:
    """One service on the wire: finds the operation of a request, reads it, writes the answer."""

    def __init__(self, service: str) -> None:
        self.model = Session().get_service_model(service)
        self._is_rest = self.model.metadata["protocol"] == "rest-json"
        operations = [self.model.operation_model(name) for name in self.model.operation_names]
        # The fewest labels first: a literal path wins over one with a placeholder.
        operations.sort(key=lambda operation: operation.http["requestUri"].count("{"))
        self._routes = [
            (operation.http["method"], _path_pattern(operation.http["requestUri"]), operation)
            for operation in operations
        ]

    def operation_of(self, request: Request) -> OperationModel | None:
        """Find the operation that a request calls; None when it is not for this service."""
        if not self._is_rest:
            prefix, _, name = request.headers.get("x-amz-target", "").partition(".")
            known = prefix == self.model.metadata["targetPrefix"]
            known = known and name in self.model.operation_names
            return self.model.operation_model(name) if known else None
        for method, pattern, operation in self._routes:
            if method == request.method and pattern.fullmatch(request.path):
                return operation
        return None

    def read(self, operation: OperationModel, request: Request) -> tuple[Params, list[Fault]]:
        """Read a request into the operation's input, blobs as bytes, with all its faults.

        Raises ServiceError `SerializationException` when the body is no JSON object.
        """
        shape = operation.input_shape
        if shape is None:
            return {}, []
        given = _json_object(request.body)
        if self._is_rest:
            given |= self._outside_the_body(operation, shape, request)
        faults: list[Fault] = []
        params = _read_structure(shape, given, "", faults)
        return params, faults

    def _outside_the_body(
        self, operation: OperationModel, shape: StructureShape, request: Request
    ) -> Params:
        pattern = _path_pattern(operation.http["requestUri"])
        match = pattern.fullmatch(request.path)
        found: Params = {k: unquote(v) for k, v in match.groupdict().items()} if match else {}
        locations = {_wire_name(name, m): m for name, m in shape.members.items()}
        for name, values in parse_qs(request.query, keep_blank_values=True).items():
            member = locations.get(name)
            if member is not None and member.type_name == "list":
                found[name] = values
            elif member is not None and member.type_name in {"integer", "long", "boolean"}:
                found[name] = _json_or_text(values[-1])
            else:
                found[name] = values[-1]
        return found

    def answer(self, result: Params) -> Answer:
        """Write the result of an operation; its members bear the names of the wire."""
        return Answer(200, json.dumps(result).encode(), {"content-type": self._content_type})

    def refuse(self, error: ServiceError) -> Answer:
        """Write an error in the shape of the protocol, with the status that the model gives it."""
        shapes = {shape.name: shape for shape in self.model.error_shapes}
        shape = shapes.get(error.code)
        status, message_name = 400, "message"
        if isinstance(shape, StructureShape):
            status = shape.metadata.get("error", {}).get("httpStatusCode", 400)
            message_name = next((n for n in shape.members if n.lower() == "message"), "message")
        body = {"__type": error.code, message_name: error.message, **error.members}
        headers = {"content-type": self._content_type, "x-amzn-errortype": error.code}
        return Answer(status, json.dumps(body).encode(), headers)

    @property
    def _content_type(self) -> str:
        return "application/json" if self._is_rest else "application/x-amz-json-1.0"


def _path_pattern(uri: str) -> re.Pattern[str]:
    """Make an expression of a model's path, `{Name}` for a segment and `{Name+}` for several."""
    pattern = re.sub(r"\{(\w+)\+\}", r"(?P<\1>.+)", uri)
    return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", pattern))


def _json_object(body: bytes) -> Params:
    try:
        given = json.loads(body) if body else {}
    except ValueError as error:
        raise ServiceError("SerializationException", "The body is not JSON.") from error
    if not isinstance(given, dict):
        raise ServiceError("SerializationException", "The body is not a JSON object.")
    return given


def _json_or_text(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _wire_name(name: str, shape: Shape) -> str:
    return str(shape.serialization.get("name", name))


def _read(shape: Shape, value: object, path: str, faults: list[Fault]) -> object:
    """Read one value; what does not fit its shape is added to the faults."""
    types = type_of[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        faults.append(Fault(path, f"Member must be of type {shape.type_name}"))
        return value
    if isinstance(shape, StructureShape):
        return _read_structure(shape, cast("Params", value), path, faults)
    if isinstance(shape, ListShape):
        items = cast("list[object]", value)
        _check_size(shape, len(items), path, "size", faults)
        return [_read(shape.member, v, f"{path}.{i + 1}", faults) for i, v in enumerate(items)]
    if isinstance(shape, MapShape):
        pairs = cast("dict[str, object]", value)
        _check_size(shape, len(pairs), path, "size", faults)
        for key in pairs:
            _read(shape.key, key, f"{path}.key", faults)
        return {k: _read(shape.value, v, f"{path}.{k}", faults) for k, v in pairs.items()}
    if shape.type_name == "blob":
        return _read_blob(shape, cast("str", value), path, faults)
    if isinstance(value, str):
        _check_text(shape, value, path, faults)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_size(shape, value, path, "value", faults)
    return value


def _read_structure(shape: StructureShape, given: Params, path: str, faults: list[Fault]) -> Params:
    members = {_wire_name(name, member): (name, member) for name, member in shape.members.items()}
    at = f"{path}." if path else ""
    # A null is an absent member, as in AWS's own readers.
    given = {name: value for name, value in given.items() if value is not None}
    result: Params = {}
    for wire_name, value in given.items():
        if wire_name not in members:
            faults.append(Fault(at + wire_name, "Member is not known"))
            continue
        name, member = members[wire_name]
        result[name] = _read(member, value, at + name, faults)
    faults += [
        Fault(at + name, "Member must not be null")
        for name in shape.required_members
        if name not in result
    ]
    if shape.metadata.get("union") and len(result) != 1:
        faults.append(Fault(path, "Exactly one member must be set"))
    return result


def _read_blob(shape: Shape, value: str, path: str, faults: list[Fault]) -> bytes:
    try:
        blob = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        faults.append(Fault(path, "Member must be base64"))
        return b""
    _check_size(shape, len(blob), path, "length", faults)
    return blob


def _check_text(shape: Shape, value: str, path: str, faults: list[Fault]) -> None:
    _check_size(shape, len(value), path, "length", faults)
    pattern = shape.metadata.get("pattern")
    # The services match the whole value, also where the pattern bears no anchors.
    if pattern and not re.fullmatch(pattern, value):
        faults.append(Fault(path, f"Member must satisfy regular expression pattern: {pattern}"))
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        faults.append(Fault(path, f"Member must satisfy enum value set: {list(shape.enum)}"))


def _check_size(shape: Shape, size: float, path: str, what: str, faults: list[Fault]) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        demand = f"Member must have {what} greater than or equal to {least}"
        faults.append(Fault(path, demand))
    if most is not None and size > most:
        faults.append(Fault(path, f"Member must have {what} less than or equal to {most}"))
