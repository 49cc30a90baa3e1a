"""`python -m local preview`: what a stack would create, without AWS and without the Pulumi CLI."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi

from local.base_cost import base_cost, price_table
from local.recording import Recorded, Recording, record_project


def preview(directory: Path, stack: str, *, as_json: bool) -> str:
    """Return what the program of `directory` would create, as a text or as JSON.

    Raises ProjectError, and what the program raises, SettingsError among it.
    """
    recording = record_project(directory, stack)
    if as_json:
        return json.dumps(_document(recording, stack), indent=2)
    file = f"Pulumi.{stack}.yaml"
    head = f"stack {stack}" + ("" if (directory / file).exists() else f" (there is no {file})")
    warnings = [f"warning: {warning}" for warning in recording.warnings]
    parts = [*_tree(recording), "", *_counts(recording), "", *_costs(recording)]
    return "\n".join([head, *warnings, *parts])


def _resources(recording: Recording) -> list[Recorded]:
    return [resource for resource in recording.resources if resource.kind != "Stack"]


def _tree(recording: Recording) -> Iterator[str]:
    children: defaultdict[tuple[str, str], list[Recorded]] = defaultdict(list)
    for resource in _resources(recording):
        children[recording.parent_of(resource)].append(resource)

    def lines(parent: tuple[str, str], indent: str) -> Iterator[str]:
        own = sorted(children[parent], key=lambda each: (each.is_component, each.kind, each.name))
        for number, resource in enumerate(own, 1):
            last = number == len(own)
            name = resource.name.removeprefix(f"{parent[1]}-")
            what = f"{resource.kind} {name}{_mark(recording, resource)}"
            yield f"{indent}{'└─' if last else '├─'} {what}"
            yield from lines((resource.type, resource.name), indent + ("   " if last else "│  "))

    yield from lines(("", ""), "")


def _mark(recording: Recording, resource: Recorded) -> str:
    words = {"protect": "protected", "retain_on_delete": "kept"}
    marks = [word for option, word in words.items() if _option(recording, resource, option)]
    return f" ({', '.join(marks)})" if marks else ""


def _counts(recording: Recording) -> Iterator[str]:
    resources = _resources(recording)
    components = sum(resource.is_component for resource in resources)
    yield f"{len(resources) - components} resources in {components} components:"
    kinds = Counter(_short(r.type) for r in resources if not r.is_component)
    for kind, count in sorted(kinds.items()):
        yield f"{count:>5}  {kind}"


def _costs(recording: Recording) -> Iterator[str]:
    table = price_table()
    lines = base_cost(_resources(recording))
    total = sum(line.monthly for line in lines)
    yield (
        f"Base cost, before the first message: ${total:.2f} a month "
        f"({table['region']}, prices of {table['looked_up']}, without free tiers):"
    )
    for line in lines:
        yield f"{line.monthly:>8.2f}  {line.count} x {line.what}"
    yield "         everything else is billed by use"


def _document(recording: Recording, stack: str) -> dict[str, Any]:
    table = price_table()
    resources = _resources(recording)
    lines = base_cost(resources)
    return {
        "stack": stack,
        "warnings": recording.warnings,
        "resources": [
            {
                "type": resource.type,
                "name": resource.name,
                "parent": recording.parent_of(resource)[1],
                "component": resource.is_component,
                "protected": bool(_option(recording, resource, "protect")),
                "retained": bool(_option(recording, resource, "retain_on_delete")),
                "inputs": _as_json(resource.inputs),
                "made": {"arn": resource.arn, "name": resource.name, "url": resource.url},
            }
            for resource in resources
        ],
        "counts": Counter(r.type for r in resources if not r.is_component),
        "outputs": sorted(recording.outputs),
        "base_cost": {
            "monthly": round(sum(line.monthly for line in lines), 2),
            **{key: table[key] for key in ("currency", "region", "looked_up", "by_use")},
            "lines": [
                {**vars(line), "monthly": round(line.monthly, 2)}  # cents
                for line in lines
            ],
        },
    }


def _option(recording: Recording, resource: Recorded, name: str) -> object:
    options = recording.options.get(resource.name)
    return getattr(options, name, None)


def _short(resource_type: str) -> str:
    package, module, kind = resource_type.split(":")
    return f"{module.split('/')[0]}.{kind}" if package == "aws" else kind


def _as_json(value: Any) -> Any:  # noqa: ANN401 -- any JSON value, or an asset
    if isinstance(value, dict):
        # A pickled provider says nothing to a reader.
        return {key: _as_json(inner) for key, inner in value.items() if key != "__provider"}
    if isinstance(value, list):
        return [_as_json(inner) for inner in value]
    if isinstance(value, pulumi.AssetArchive):
        return {"archive": sorted(value.assets)}
    return value
