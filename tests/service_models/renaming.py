"""Gives the inputs of a resource the names and shapes of another description of it.

The provider's names differ from AWS's in letter case and number: `functionResponseTypes`, `tags`,
`attributes`. Those are found; the others are in the table.
"""

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

# By the path of an input (`metricQueries.metric.period`): a path from the object that it is in, or
# a function from its value to members.
Renames = Mapping[str, str | Callable[[Any], dict[str, Any]]]


class Node(Protocol):
    """A place in a description of a resource: what may stand there."""

    kind: str
    """One of structure, map, list, text, number, boolean, anything."""

    def members(self) -> Mapping[str, "Node"]:
        """Of a structure: the members by name."""

    def item(self) -> "Node":
        """Of a list or a map: what is in it."""


@dataclass
class Renaming:
    """One resource on its way; `unknown` are inputs for which there is no member."""

    renames: Renames
    unknown: list[str] = field(default_factory=list)

    def structure(
        self,
        inputs: Mapping[str, Any],
        node: Node,
        path: str = "",
        own: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the inputs as members of a structure, beside those that it has of its own."""
        found: dict[str, Any] = copy.deepcopy(dict(own or {}))
        members = node.members()
        by_letters = {name.lower(): name for name in members}
        for name, value in inputs.items():
            if value is None or name.startswith("__"):
                continue
            where = f"{path}.{name}".lstrip(".")
            target = self.renames.get(where)
            if callable(target):
                _merge(found, target(value))
                continue
            if target is None:
                target = next((by_letters[n] for n in _numbers(name) if n in by_letters), "")
            *outer, last = target.split(".")
            inner, inside = node, found
            for step in outer:
                inner = inner.members()[step]
                if inner.kind == "list":
                    inner, (inside,) = inner.item(), inside.setdefault(step, [{}])
                else:
                    inside = inside.setdefault(step, {})
            if last not in inner.members():
                self.unknown.append(where)
                found[name] = value
                continue
            inside[last] = self.value(value, inner.members()[last], where)
        return found

    def value(self, value: Any, node: Node, path: str) -> Any:
        """Return one value as what may stand at `node`."""
        if node.kind == "structure" and isinstance(value, str) and value[:1] == "{":
            return json.loads(value)
        if node.kind == "structure" and isinstance(value, Mapping):
            return self.structure(value, node, path)
        if node.kind == "map" and isinstance(value, Mapping):
            return {key: self.value(inner, node.item(), path) for key, inner in value.items()}
        if node.kind == "list":
            if isinstance(value, Mapping):
                return list(_pairs(value, node.item()))
            values = value if isinstance(value, list) else [value]
            return [self.value(inner, node.item(), path) for inner in values]
        return int(value) if isinstance(value, float) and value.is_integer() else value


def _pairs(value: Mapping[str, Any], item: Node) -> Iterator[dict[str, Any]]:
    """Return a map of tags or dimensions as the list of pairs that it is elsewhere."""
    key, content = sorted(item.members(), key=lambda name: name.lower().endswith("value"))[:2]
    return ({key: name, content: text} for name, text in value.items())


def _numbers(name: str) -> Iterator[str]:
    """Yield a name as it is, in the singular and in the plural, without its letter case."""
    name = name.lower()
    yield name
    yield f"{name}s"
    yield name.removesuffix("s")
    if name.endswith("ies"):
        yield name[:-3] + "y"
    yield name.removesuffix("es")


def _merge(into: dict[str, Any], members: dict[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            _merge(into[name], value)
        else:
            into[name] = value
