"""Validation of a request against the one JSON Schema, with every fault reported at once.

What JSON Schema cannot say is checked beside it: sums over several members, the depth, and what no
text of a request may have in it, however deep in Meta's objects or a template's data it is.

The schema is compiled twice, each when it is first needed: short, to say yes or no, and long, with
everything that describes faults. The long one takes four times as long to compile, and most
processes never see a request with faults. Nor do most see RCS cards, which are 30 % of the code:
both are compiled without them, and once more with them when the first ones come.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

import fastjsonschema

_MOST_FAULTS: Final = 100
_MOST_FALLBACKS: Final = 5
# SES: To, Cc and Bcc together. https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_MOST_RECIPIENTS: Final = 50
# SES: a header's name and value together, by MessageHeader of its API.
_MOST_HEADER_CHARACTERS: Final = 996
# Twice as many as Meta's deepest templates have. How deep json itself goes depends on how deep in
# calls it is: what it has read it may not be able to write later.
_MOST_LEVELS: Final = 32
# Control characters: providers refuse them after the request has been taken, or drop them. What
# stands on one line may not have line breaks and tabs either, by the schema's patterns. U+FFFD is
# what API Gateway makes of bytes that are no UTF-8 before the function sees them. Half of a
# surrogate pair ("\\ud83d") is JSON but no text: it could be neither stored nor sent.
_UNFIT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd\ud800-\udfff]")
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
        _validator(request, describes=False)(request)
        faults: Iterator[Fault] = iter(())
    except fastjsonschema.JsonSchemaValueException:
        faults = _described(request)
    # An `allOf` branch and its parent can find the same fault.
    first = dict.fromkeys(islice(chain(faults, _beyond_schema(request)), _MOST_FAULTS))
    described = {fault.pointer for fault in first}
    unfit = (fault for fault in _unfit_texts(request) if fault.pointer not in described)
    found = [*first, *islice(unfit, _MOST_FAULTS - len(first))]
    return sorted(found, key=lambda fault: fault.pointer)


def _described(request: object) -> Iterator[Fault]:
    try:
        _validator(request, describes=True)(request)
    except fastjsonschema.JsonSchemaValuesException as error:
        for cause in error.errors:
            yield from _describe(cause, request)


def _validator(request: object, *, describes: bool) -> Callable[[object], object]:
    has_cards = any("content" in _object(step.get("rcs")) for _, step in steps(request))
    return _compiled(describes=describes, has_cards=has_cards)


@cache
def _compiled(*, describes: bool, has_cards: bool) -> Callable[[object], object]:
    schema = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))
    if not has_cards:
        schema["definitions"]["rcs"]["properties"]["content"] = {}
    compiled: Callable[[object], object] = fastjsonschema.compile(
        schema,
        use_default=False,
        use_formats=False,
        detailed_exceptions=describes,
        fast_fail=not describes,
    )
    return compiled


def _beyond_schema(request: object) -> Iterator[Fault]:
    """Yield what JSON Schema cannot say, of requests that have other faults too."""
    for pointer, step in steps(request):
        if str(step.get("channel")).lower() == "email":
            yield from _email_sums(_object(step.get("email")), f"{pointer}/email")
    yield from _too_deep(request, "", _MOST_LEVELS)


def _email_sums(email: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    copies = [name for name in ("cc", "bcc") if isinstance(email.get(name), list)]
    if 1 + sum(len(email[name]) for name in copies) > _MOST_RECIPIENTS:
        detail = f"recipient, cc and bcc must be at most {_MOST_RECIPIENTS} addresses together"
        yield Fault(f"{pointer}/{copies[-1]}", "maxRecipients", detail)
    for name, value in _object(email.get("headers")).items():
        if isinstance(value, str) and len(name) + len(value) > _MOST_HEADER_CHARACTERS:
            detail = f"name and value must have at most {_MOST_HEADER_CHARACTERS} characters"
            yield Fault(f"{pointer}/headers/{escape(name)}", "maxLength", f"{detail} together")


def _too_deep(value: object, pointer: str, levels: int) -> Iterator[Fault]:
    if levels == 0:
        detail = f"a request must not be nested deeper than {_MOST_LEVELS} levels"
        yield Fault(pointer, "maxDepth", detail)
        return
    for name, inner in _members(value):
        if isinstance(inner, dict | list):
            yield from _too_deep(inner, f"{pointer}/{escape(str(name))}", levels - 1)


def _unfit_texts(request: object) -> Iterator[Fault]:
    """Yield the texts, names of members among them, that have what no provider takes."""
    open_ = [("", request)]
    while open_:  # no recursion: what is nested too deep is one of the other faults
        pointer, value = open_.pop()
        if isinstance(value, str):
            if found := _UNFIT.search(value):
                yield Fault(pointer, "text", _unfit(found[0]))
            continue
        for name, inner in _members(value):
            place = f"{pointer}/{escape(str(name))}"
            open_.append((place, inner))
            if isinstance(name, str) and (found := _UNFIT.search(name)):
                yield Fault(place, "text", f"the name {_unfit(found[0])}")


def _unfit(character: str) -> str:
    if character == "\N{REPLACEMENT CHARACTER}":
        return "has U+FFFD, which stands for bytes that were no UTF-8: send the request in UTF-8"
    if "\ud800" <= character <= "\udfff":
        return "has half of a surrogate pair"
    return f"has a control character, U+{ord(character):04X}"


def _members(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def steps(request: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield what may be the steps of a request, with their pointers: `/fc` if that is no list."""
    members = _object(request)
    yield "/pc", _object(members.get("pc"))
    further = members.get("fc")
    if isinstance(further, list):
        for index, step in enumerate(further[:_MOST_FALLBACKS]):
            yield f"/fc/{index}", _object(step)
    else:
        yield "/fc", _object(further)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _describe(error: fastjsonschema.JsonSchemaValueException, request: object) -> Iterator[Fault]:
    pointer = _pointer(str(error.name), request)
    definition: Mapping[str, Any] = error.definition
    if error.rule == "required":
        for name in error.rule_definition:
            if name not in error.value:
                yield Fault(f"{pointer}/{escape(name)}", "required", f"{name} is missing")
    elif error.rule == "additionalProperties":
        known = list(definition["properties"])
        for name in error.value:
            if name not in known:
                yield Fault(
                    f"{pointer}/{escape(name)}",
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
        pointer += f"/{escape(part)}"
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


def escape(part: str) -> str:
    """Return a member's name as a part of a JSON pointer."""
    return part.replace("~", "~0").replace("/", "~1")
