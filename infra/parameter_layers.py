"""How layers of parameters become the settings of a stack.

Later layers win: the defaults of the table, config.params.json, its `environments.<stack>`, and
Pulumi configuration. Every fault of every layer is reported at once, by `SettingsError`, before a
resource is declared. Nothing here imports pulumi.
"""

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .contradictions import contradictions
from .parameters import ParameterValueError
from .settings import PARAMETERS, Settings, SettingsError

__all__ = [
    "as_arguments",
    "load_settings",
    "settings_from_arguments",
    "settings_of_part",
    "unknown_environment",
]


def load_settings(
    path: Path, stack: str, configuration: Mapping[str, object] | None = None
) -> Settings:
    """Return the settings of `stack` from the parameter file and Pulumi's configuration.

    `configuration` has the parameters given by `pulumi config set`, by their names; structured ones
    as JSON text. Raises SettingsError with every fault found.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError([f"{path.name} cannot be read: {error}"]) from error
    if not isinstance(document, dict):
        raise SettingsError([f"{path.name}: expected an object of parameters"])
    # For editors; says nothing about the stack.
    document.pop("$schema", None)
    environments = document.pop("environments", {})
    problems: list[str] = []
    if not isinstance(environments, dict):
        problems.append(f"{path.name}: environments: expected an object of stack names")
        environments = {}
    layers = [(path.name, document)]
    for name, environment in environments.items():
        where = f"{path.name}, environments.{name}"
        if not isinstance(environment, dict):
            problems.append(f"{where}: expected an object of parameters")
        elif name == stack:
            layers.append((where, environment))
        else:
            # The faults of the other environments show before their day comes.
            _read_layer(where, environment, problems)
    layers.append(("Pulumi configuration", dict(configuration or {})))
    settings = _settings(layers, problems)
    problems.extend(contradictions(settings))
    return _faultless(settings, problems)


def unknown_environment(path: Path, stack: str) -> str:
    """Return a warning if the parameter file has environments and none of `stack`, else "".

    It is no error: whoever tries something has a stack of their own.
    """
    environments = json.loads(path.read_text(encoding="utf-8")).get("environments", {})
    if not environments or stack in environments:
        return ""
    # Of "production", "prod" is a part: difflib does not find that near enough.
    nearest = [name for name in environments if stack.startswith(name) or name.startswith(stack)]
    nearest += difflib.get_close_matches(stack, environments, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return (
        f"{path.name}: environments has no {stack} ({', '.join(environments)}): "
        f"the general values apply{hint}"
    )


def settings_from_arguments(
    name: str,
    arguments: Mapping[str, object],
    outputs: Collection[str] = (),
    faults: Sequence[str] = (),
) -> Settings:
    """Return the settings given as arguments of a component, by the field names of `Settings`.

    Arguments that are None count as not given. `outputs` are further arguments, whose values are
    not known yet. Raises SettingsError with every fault found, after the `faults` found before.
    """
    problems = list(faults)
    try:
        PARAMETERS["name_prefix"].read(name)
    except ParameterValueError as error:
        problems.append(f"name of the component: {error}")
    layer = _argument_layer(name, arguments, problems)
    found: list[str] = []
    settings = _settings([(f"arguments of {name}", layer)], found)
    settings = replace(settings, name_prefix=name)
    found.extend(contradictions(settings, outputs))
    return _faultless(settings, [*problems, *map(as_arguments, found)])


def settings_of_part(
    name: str, arguments: Mapping[str, object], faults: Sequence[str] = ()
) -> Settings:
    """Return the settings given to a component that is a part, the others with their defaults.

    What must hold between parameters is the whole's business: a part has only some of them.
    Raises SettingsError with every fault found, after the `faults` found before.
    """
    problems = list(faults)
    layer = _argument_layer(name, arguments, problems)
    found: list[str] = []
    settings = _settings([(f"arguments of {name}", layer)], found)
    return _faultless(settings, [*problems, *map(as_arguments, found)])


_FIELDS = {parameter.name: field_name for field_name, parameter in PARAMETERS.items()}
_NAMES = re.compile(rf"\b({'|'.join(map(re.escape, _FIELDS))})\b")


def as_arguments(sentence: str) -> str:
    """Return a sentence about parameters with their names as arguments of a component have them.

    Sentences are written with the names of config.params.json, and a program has others.
    """
    return _NAMES.sub(lambda found: _FIELDS[found[0]], sentence)


def _argument_layer(
    name: str, arguments: Mapping[str, object], problems: list[str]
) -> dict[str, object]:
    layer: dict[str, object] = {}
    for key, value in arguments.items():
        if key not in PARAMETERS:
            problems.append(_unknown(f"arguments of {name}", key, PARAMETERS))
        elif value is not None:
            layer[PARAMETERS[key].name] = value
    return layer


def _faultless(settings: Settings, problems: Sequence[str]) -> Settings:
    if problems:
        raise SettingsError(problems)
    return settings


def _settings(layers: Sequence[tuple[str, dict[str, object]]], problems: list[str]) -> Settings:
    values: dict[str, Any] = {}
    for where, layer in layers:
        for field_name, value in _read_layer(where, layer, problems).items():
            if PARAMETERS[field_name].merged:
                values[field_name] = {**values.get(field_name, {}), **value}
            else:
                values[field_name] = value
    return Settings(**values)


def _read_layer(where: str, layer: Mapping[str, object], problems: list[str]) -> dict[str, Any]:
    by_name = {parameter.name: field_name for field_name, parameter in PARAMETERS.items()}
    by_synonym = {
        synonym: field_name
        for field_name, parameter in PARAMETERS.items()
        for synonym in parameter.synonyms
    }
    names = {**by_name, **by_synonym}
    values: dict[str, Any] = {}
    given: dict[str, str] = {}
    for key, raw in layer.items():
        if key not in names:
            problems.append(_unknown(where, key, names))
            continue
        field_name = names[key]
        try:
            value = PARAMETERS[field_name].read(raw)
        except ParameterValueError as error:
            problems.append(f"{where}: {key}: {error}")
            continue
        if field_name in given and values[field_name] != value:
            problems.append(
                f"{where}: {key} and {given[field_name]} are two names of one parameter "
                f"and say different things"
            )
        given[field_name] = key
        values[field_name] = value
    return values


def _unknown(where: str, key: str, known: Mapping[str, object]) -> str:
    by_lower_case = {name.lower(): name for name in known}
    nearest = difflib.get_close_matches(key.lower(), by_lower_case, n=1)
    hint = f"; did you mean {by_lower_case[nearest[0]]}?" if nearest else ""
    return f"{where}: {key} is not a parameter{hint}"
