"""The JSON Schema of config.params.json, made from the table of parameters."""

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from infra.parameters import Parameter
from infra.settings import PARAMETERS, Settings

_ROOT = Path(__file__).resolve().parent.parent
# What Pulumi configuration and the documented file write as text is accepted as text here too.
_BOOLEAN_TEXT = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"
_INTEGER_TEXT = r"^\s*\d+(\.0*)?\s*$"


def parameter_schema() -> str:
    """Return the schema as the text of its file."""
    properties = _properties()
    environment = {"$ref": "#/$defs/environment"}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Parameters of the fallback messaging stack",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            **properties,
            "environments": {
                "description": "Parameters of single stacks, by the stack's name; they count more.",
                "type": "object",
                # The project's own stacks, for editors to offer; any other may be there as well.
                "properties": dict.fromkeys(_stacks(), environment),
                "additionalProperties": environment,
            },
        },
        "$defs": {
            "environment": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"$ref": f"#/properties/{name}"} for name in properties},
            }
        },
    }
    return json.dumps(document, indent=2) + "\n"


def _stacks() -> list[str]:
    return sorted(path.name.split(".")[1] for path in _ROOT.glob("Pulumi.*.yaml"))


def _properties() -> dict[str, Any]:
    properties = {}
    for field in fields(Settings):
        parameter = PARAMETERS[field.name]
        default = field.default if field.default is not MISSING else {}
        description = parameter.description.replace("`", "")
        schema = {"description": description, "default": default, **_type(parameter)}
        for name in (parameter.name, *parameter.synonyms):
            properties[name] = schema
    return properties


def _type(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind == "boolean":
        text = _pattern(_BOOLEAN_TEXT, "true or false")
        return {"anyOf": [{"type": "boolean"}, {"type": "string", **text}]}
    if parameter.kind == "integer":
        bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
        number: dict[str, Any] = {"type": "integer", **bounds}
        if parameter.least:
            number = {"anyOf": [{"const": 0}, {**number, "minimum": parameter.least}]}
        if parameter.choices:
            number = {"enum": list(parameter.choices)}
        text = _pattern(_INTEGER_TEXT, f"an integer, {parameter.bounds}")
        if parameter.choices:
            text = _pattern(_INTEGER_TEXT, f"one of {', '.join(map(str, parameter.choices))}")
        return {"anyOf": [number, {"type": "string", **text}]}
    if parameter.kind == "map":
        return {
            "type": "object",
            "propertyNames": _pattern(_whole(parameter.key_pattern), parameter.limit),
            "additionalProperties": _text(parameter),
        }
    if parameter.kind == "list":
        return {"type": "array", "items": _text(parameter)}
    return _text(parameter)


def _text(parameter: Parameter) -> dict[str, Any]:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    return {"type": "string", **_pattern(_whole(parameter.pattern), parameter.limit)}


def _pattern(pattern: str, words: str) -> dict[str, str]:
    # VS Code shows the second in place of the expression.
    return {"pattern": pattern, "patternErrorMessage": f"Expected {words}."}


def _whole(pattern: str) -> str:
    # A schema's pattern matches anywhere; a parameter's is the whole text.
    return f"^({pattern})$"
