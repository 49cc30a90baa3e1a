"""One parameter: its name, its type, its bounds, and how a value given for it is read.

`settings.py` declares the table of parameters with the functions of this file. The table is
what parsing, error messages, docs/parameters.md and the JSON Schema of config.params.json are made
from.
Nothing here imports pulumi, so a parameter can be tested without a stack.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

__all__ = [
    "Parameter",
    "ParameterValueError",
    "arn",
    "boolean",
    "integer",
    "text",
    "text_list",
    "text_map",
]


class ParameterValueError(ValueError):
    """A value cannot be used for its parameter; the message says why, without naming it."""


@dataclass(frozen=True)
class Parameter:
    """What is known of one parameter of config.params.json.

    `kind` is one of integer, boolean, text, list (of text) and map (of text to text). `minimum` and
    `maximum` bound integers; where 0 is off, `least` is the smallest other number. `choices` and
    `pattern` bound texts, the entries of lists and the values of maps; `key_pattern` bounds the
    keys of maps. `limit` says in words where a bound comes from. An `adopted` one names a resource
    that exists: programs may give it as an output.
    """

    name: str
    kind: str
    description: str
    limit: str = ""
    minimum: int = 0
    maximum: int = 0
    least: int = 0
    choices: tuple[object, ...] = ()
    pattern: str = ""
    key_pattern: str = ""
    synonyms: tuple[str, ...] = ()
    merged: bool = False
    adopted: bool = False

    @property
    def bounds(self) -> str:
        """The range of an integer in words."""
        if self.least:
            return f"0, or {self.least} to {self.maximum}"
        return f"{self.minimum} to {self.maximum}"

    @property
    def sentences(self) -> str:
        """The description, with the bounds."""
        if self.choices:
            return f"{self.description} One of {', '.join(map(str, self.choices))}."
        return f"{self.description} {self.bounds}." if self.maximum else self.description

    def read(self, value: object) -> object:
        """Return `value` as this parameter's type, or raise ParameterValueError."""
        parsed = _READERS[self.kind](value)
        for entry in self._entries(parsed):
            self._check(entry)
        if isinstance(parsed, Mapping):
            for key in parsed:
                if self.key_pattern and not re.fullmatch(self.key_pattern, key):
                    raise ParameterValueError(f"key {key!r} is invalid: {self._limit()}")
        return parsed

    def _entries(self, parsed: object) -> Iterable[object]:
        if isinstance(parsed, Mapping):
            return parsed.values()
        return parsed if isinstance(parsed, tuple) else (parsed,)

    def _check(self, entry: object) -> None:
        if self.choices and entry not in self.choices:
            choices = ", ".join(str(choice) for choice in self.choices)
            raise ParameterValueError(f"{entry!r} is not one of {choices}{self._because()}")
        if isinstance(entry, bool):
            return
        if isinstance(entry, int) and not self.choices:
            least = self.least if entry else self.minimum
            if not max(least, self.minimum) <= entry <= self.maximum:
                raise ParameterValueError(f"{entry} is not in {self.bounds}{self._because()}")
        elif isinstance(entry, str) and self.pattern and not re.fullmatch(self.pattern, entry):
            raise ParameterValueError(f"{entry!r} is invalid: {self._limit()}")

    def _because(self) -> str:
        return f" ({self.limit})" if self.limit else ""

    def _limit(self) -> str:
        return self.limit or self.pattern


def _read_integer(value: object) -> int:
    # Numbers arrive as floats from other Pulumi languages, and as texts from Pulumi configuration.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ParameterValueError(f"expected an integer, got {_described(value)}")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or number != int(number):
        raise ParameterValueError(f"expected an integer, got {_described(value)}")
    return int(number)


def _read_boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    # The documented file says "true"; a stack that took the text for a false would create nothing.
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ParameterValueError(f"expected true or false, got {_described(value)}")


def _read_text(value: object) -> str:
    if not isinstance(value, str):
        raise ParameterValueError(f"expected a string, got {_described(value)}")
    return value.strip()


def _read_list(value: object) -> tuple[str, ...]:
    value = _from_json(value)
    if not isinstance(value, list | tuple):
        raise ParameterValueError(f"expected a list of strings, got {_described(value)}")
    return tuple(_read_text(entry) for entry in value)


def _read_map(value: object) -> dict[str, str]:
    value = _from_json(value)
    if not isinstance(value, Mapping):
        raise ParameterValueError(f"expected an object with string values, got {_described(value)}")
    texts: dict[str, str] = {}
    for key, entry in value.items():
        try:
            texts[_read_text(key)] = _read_text(entry)
        except ParameterValueError as error:
            raise ParameterValueError(f"key {key!r}: {error}") from error
    return texts


_READERS = {
    "integer": _read_integer,
    "boolean": _read_boolean,
    "text": _read_text,
    "list": _read_list,
    "map": _read_map,
}


def _from_json(value: object) -> object:
    # Pulumi configuration hands over structured values as JSON text.
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            return cast("object", json.loads(value))
        except json.JSONDecodeError:
            return value
    return value


def _described(value: object) -> str:
    return json.dumps(value, default=lambda other: type(other).__name__)


def integer(  # noqa: PLR0913  one for each property of the table
    name: str,
    default: int,
    description: str,
    *,
    minimum: int = 0,
    maximum: int = 0,
    least: int = 0,
    choices: tuple[int, ...] = (),
    limit: str = "",
) -> int:
    """Declare an integer between `minimum` and `maximum`, or one of `choices`.

    With `least`, it is 0 or from there on.
    """
    parameter = Parameter(
        name,
        "integer",
        description,
        limit,
        minimum=minimum,
        maximum=maximum,
        least=least,
        choices=choices,
    )
    return field(default=default, metadata={"parameter": parameter})


def boolean(name: str, *, default: bool, description: str) -> bool:
    """Declare a boolean, also given as the text "true" or "false" in any letter case."""
    parameter = Parameter(name, "boolean", description)
    return field(default=default, metadata={"parameter": parameter})


def text(
    name: str,
    default: str,
    description: str,
    *,
    choices: tuple[str, ...] = (),
    pattern: str = "",
    limit: str = "",
    synonyms: tuple[str, ...] = (),
) -> str:
    """Declare a text: one of `choices`, or matching `pattern`, which `limit` puts in words."""
    parameter = Parameter(
        name, "text", description, limit, choices=choices, pattern=pattern, synonyms=synonyms
    )
    return field(default=default, metadata={"parameter": parameter})


def text_list(
    name: str,
    description: str,
    *,
    pattern: str,
    limit: str,
    default: tuple[str, ...] = (),
    adopted: bool = False,
) -> tuple[str, ...]:
    """Declare a list of texts that each match `pattern`; empty by default."""
    parameter = Parameter(name, "list", description, limit, pattern=pattern, adopted=adopted)
    return field(default=default, metadata={"parameter": parameter})


def arn(name: str, description: str, *, service: str, resource: str) -> str:
    """Declare the ARN of a resource that exists already; none by default.

    `resource` is the pattern of what follows the account in it.
    """
    pattern = rf"(arn:aws[a-z-]*:{service}:[a-z0-9-]+:\d{{12}}:{resource})?"
    parameter = Parameter(
        name,
        "text",
        description,
        f"the ARN of a resource of {service}",
        pattern=pattern,
        adopted=True,
    )
    return field(default="", metadata={"parameter": parameter})


def text_map(
    name: str,
    description: str,
    *,
    key_pattern: str,
    pattern: str,
    limit: str,
    merged: bool = False,
) -> Mapping[str, str]:
    """Declare a map of texts, empty by default.

    A `merged` map given by a later layer adds to the earlier one instead of replacing it.
    """
    parameter = Parameter(
        name, "map", description, limit, pattern=pattern, key_pattern=key_pattern, merged=merged
    )
    return field(default_factory=dict, metadata={"parameter": parameter})
