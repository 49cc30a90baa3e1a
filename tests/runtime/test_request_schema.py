"""The request schema and its validator, against the reference implementation."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from runtime.request_schema import SCHEMA_PATH, find_faults
from tests.support.requests import EMAIL, SMS, WHATSAPP, request

SCHEMA = json.loads(SCHEMA_PATH.read_text())
REFERENCE = Draft7Validator(SCHEMA)
VALID = [
    request(),
    request(SMS, EMAIL, WHATSAPP, fallback_seconds="5"),
    request(WHATSAPP | {"fallback_seconds": 1, "success_status": "read"}, SMS, use_case="blast"),
    request(EMAIL | {"email": {"template": "t", "template_data": {"a": 1}}}, SMS),
]
# No trailing newline: Python's `$` matches before one, and the reference implementation uses it.
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 90_000)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "email", "SMS", "60", "x@y.zz", "+14255550156", "read", "A <a@b.cc>"])
    | st.text(max_size=5).map(lambda text: text.rstrip("\n")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["message", "subject", "zz"]), inner, max_size=2)
    ),
    max_leaves=3,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        items = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    body = copy.deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(places(body) or [("use_case",)]))
        target = body
        for key in path[:-1]:
            target = target[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace" or not isinstance(target, dict):
            target[path[-1]] = draw(VALUES)
        elif change == "remove":
            del target[path[-1]]
        else:
            target[draw(st.sampled_from(["extra", "sms", "email", "fallback_seconds"]))] = draw(
                VALUES
            )
    return body


def test_the_schema_is_a_valid_schema() -> None:
    Draft7Validator.check_schema(SCHEMA)


def test_every_valid_request_is_valid() -> None:
    for body in VALID:
        assert find_faults(body) == []


@settings(max_examples=400, deadline=None)
@given(mutated())
def test_the_verdict_is_the_reference_implementations(body) -> None:
    assert (find_faults(body) == []) == REFERENCE.is_valid(body)


@settings(max_examples=200, deadline=None)
@given(mutated())
def test_every_fault_points_to_what_is_there_or_missing(body) -> None:
    for fault in find_faults(body):
        assert fault.detail
        parent = body
        parts = [
            part.replace("~1", "/").replace("~0", "~") for part in fault.pointer.split("/")[1:]
        ]
        for part in parts[:-1]:
            parent = parent[int(part)] if isinstance(parent, list) else parent[part]
        if parts and fault.rule == "required":
            assert parts[-1] not in parent
        elif parts:
            assert int(parts[-1]) < len(parent) if isinstance(parent, list) else parts[-1] in parent
