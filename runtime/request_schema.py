"""Validation of a request against the one JSON Schema, with every fault reported at once.

The schema is compiled twice, each when it is first needed: short, to say yes or no, and long, with
everything that describes faults. The long one takes four times as long to compile, and most
processes never see a request with faults.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

import fastjsonschema

_MOST_FAULTS: Final = 100
SCHEMA_PATH: Final = Path(__file__).with_name("request.schema.json")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a request; `pointer` is an RFC 6901 JSON pointer.

    Says what the rule wants and never what the value was.
    """

    pointer: str
    rule: str
    detail: str


def find_faults(request: object) -> list[Fault]:
    """Return the faults of a parsed request, ordered by pointer; [] if it is valid.

    All of them, up to a hundred: a longer list would be of no more use, and larger than an answer.
    """
    try:
        _validator(describes=False)(request)
    except fastjsonschema.JsonSchemaValueException:
        return _described(request)
    return []


def _described(request: object) -> list[Fault]:
    try:
        _validator(describes=True)(request)
    except fastjsonschema.JsonSchemaValuesException as error:
        faults = (fault for cause in error.errors for fault in _describe(cause, request))
        # An `allOf` branch and its parent can find the same fault.
        first = dict.fromkeys(islice(faults, _MOST_FAULTS))
        return sorted(first, key=lambda fault: fault.pointer)
    return []


@cache
def _validator(*, describes: bool) -> Callable[[object], object]:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    compiled: Callable[[object], object] = fastjsonschema.compile(
        schema,
        use_default=False,
        use_formats=False,
        detailed_exceptions=describes,
        fast_fail=not describes,
    )
    return compiled


def _describe(error: fastjsonschema.JsonSchemaValueException, request: object) -> Iterator[Fault]:
    pointer = _pointer(str(error.name), request)
    definition: Mapping[str, Any] = error.definition
    if error.rule == "required":
        for name in error.rule_definition:
            if name not in error.value:
                yield Fault(f"{pointer}/{_escape(name)}", "required", f"{name} is missing")
    elif error.rule == "additionalProperties":
        known = list(definition["properties"])
        for name in error.value:
            if name not in known:
                yield Fault(
                    f"{pointer}/{_escape(name)}",
                    "additionalProperties",
                    "is not known" + _nearest(name, known),
                )
    else:
        rule = str(error.rule)
        sentence = definition.get("errorMessage") or _sentence(rule, error.rule_definition)
        yield Fault(pointer, rule, sentence)


def _pointer(name: str, request: object) -> str:
    """Read the library's name of a place ("data.fc[0].x") with the request beside it.

    A member's own name may have dots and brackets in it.
    """
    pointer, place, rest = "", request, name.removeprefix("data")
    while rest:
        if isinstance(place, list):
            part, _, rest = rest.removeprefix("[").partition("]")
            place = place[int(part)]
        elif isinstance(place, dict):
            rest = rest.removeprefix(".")
            fitting = [
                key for key in place if rest == key or rest.startswith((f"{key}.", f"{key}["))
            ]
            part = max(fitting, key=len, default=rest)
            rest, place = rest[len(part) :], place.get(part)
        else:
            break
        pointer += f"/{_escape(part)}"
    return pointer


def _nearest(name: str, known: list[str]) -> str:
    matches = get_close_matches(name.lower(), known, n=1)
    return f"; the nearest known name is {matches[0]}" if matches else ""


def _sentence(rule: str, wanted: Any) -> str:  # noqa: ANN401  a schema keyword's value is any JSON
    names = ", ".join(map(str, wanted)) if isinstance(wanted, list) else wanted
    sentences = {
        "type": f"must be of type {names}",
        "enum": f"must be one of {names}",
        "minLength": f"must have at least {names} characters",
        "maxLength": f"must have at most {names} characters",
        "minItems": "must not be empty" if names == 1 else f"must have at least {names} entries",
        "maxItems": f"must have at most {names} entries",
        "minimum": f"must be at least {names}",
        "maximum": f"must be at most {names}",
    }
    return sentences.get(rule, f"does not follow the rule {rule}")


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")
