"""Reading a request's body: strictly JSON in UTF-8, with one meaning.

Python's json takes more: NaN, numbers beyond all floats, and a name that stands twice in an object,
where the last one wins here and the first one in a proxy or a log before us.
"""

import json
import math
from typing import Any, Final, NoReturn

from .request_schema import Fault, escape

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class NotJsonError(ValueError):
    """The body cannot be read as JSON with one meaning."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__(faults[0].detail)


class _Repeating(dict[str, Any]):
    """An object with names that stand in it more than once."""

    repeated: tuple[str, ...] = ()


def parse_json(body: bytes) -> object:
    """Return what a body says. Raises NotJsonError with the place of each fault."""
    if not body.strip():
        raise _not_json("the body is empty: it must be a JSON object")
    try:
        text = body.removeprefix(_BYTE_ORDER_MARK).decode()
    except UnicodeDecodeError as error:
        raise _not_json(f"the body is not UTF-8: byte {error.start + 1}") from None
    repeating: list[_Repeating] = []

    def read_object(members: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(members)
        if len(read) == len(members):
            return read
        names = [name for name, _ in members]
        marked = _Repeating(read)
        marked.repeated = tuple(name for name in read if names.count(name) > 1)
        repeating.append(marked)
        return marked

    try:
        request = json.loads(
            text,
            object_pairs_hook=read_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except NotJsonError:
        raise
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _not_json(f"the body is not JSON: {place}: {error.msg}") from None
    except (ValueError, RecursionError):
        detail = "the body is not JSON: a number is too large, or it is nested too deep"
        raise _not_json(detail) from None
    if repeating:
        raise NotJsonError(_repeated(request))
    return request


def _repeated(request: object) -> list[Fault]:
    """Return a fault for each name that stands in an object more than once."""
    faults = []
    open_ = [("", request)]
    while open_:  # no recursion: what is nested too deep has not been refused yet
        pointer, value = open_.pop()
        if isinstance(value, _Repeating):
            faults += [
                Fault(f"{pointer}/{escape(name)}", "uniqueMembers", "stands here more than once")
                for name in value.repeated
            ]
        if isinstance(value, dict):
            open_ += [(f"{pointer}/{escape(name)}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            open_ += [(f"{pointer}/{index}", inner) for index, inner in enumerate(value)]
    # An object that repeats something may itself be one that the last of its name has replaced.
    return sorted(faults, key=lambda fault: fault.pointer) or [
        Fault("", "uniqueMembers", "a name stands in an object more than once")
    ]


def _not_json(detail: str) -> NotJsonError:
    return NotJsonError([Fault("", "json", detail)])


def _refuse_constant(name: str) -> NoReturn:
    raise _not_json(f"the body is not JSON: JSON has no {name}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
