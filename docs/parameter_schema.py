"""The JSON Schema of config.params.json, made from the table of parameters."""

import json
from dataclasses import MISSING, fields
from typing import Any

from infra.parameters import Parameter
from infra.settings import PARAMETERS, Settings

# What Pulumi configuration and the documented file write as text is accepted as text here too.
_BOOLEAN_TEXT = "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$"


def parameter_schema() -> str:
    """Return the schema as the text of its file."""
    properties = _properties()
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
                "additionalProperties": {"$ref": "#/$defs/environment"},
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
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": _BOOLEAN_TEXT}]}
    if parameter.kind == "integer":
        bounds = {"minimum": parameter.minimum, "maximum": parameter.maximum}
        number: dict[str, Any] = {"type": "integer", **bounds}
        if parameter.least:
            number = {"anyOf": [{"const": 0}, {**number, "minimum": parameter.least}]}
        if parameter.choices:
            number = {"enum": list(parameter.choices)}
        return {"anyOf": [number, {"type": "string", "pattern": r"^\s*\d+(\.0*)?\s*$"}]}
    if parameter.kind == "map":
        return {
            "type": "object",
            "propertyNames": {"pattern": _whole(parameter.key_pattern)},
            "additionalProperties": _text(parameter),
        }
    if parameter.kind == "list":
        return {"type": "array", "items": _text(parameter)}
    return _text(parameter)


def _text(parameter: Parameter) -> dict[str, Any]:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    return {"type": "string", "pattern": _whole(parameter.pattern)}


def _whole(pattern: str) -> str:
    # A schema's pattern matches anywhere; a parameter's is the whole text.
    return f"^({pattern})$"
