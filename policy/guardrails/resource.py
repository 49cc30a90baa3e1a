"""What a rule sees of a resource, and what it says of it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Resource", "Rule", "Statement", "Violation", "as_list", "of_kind", "statements"]

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Resource:
    """A resource with its properties in the provider's own spelling, outputs among them."""

    type: str
    name: str
    props: Mapping[str, Any]

    @property
    def kind(self) -> str:
        """The type without its package and module."""
        return self.type.rpartition(":")[2]

    def get(self, path: str) -> Any:  # noqa: ANN401  any JSON value
        """Return the property at a path like `a.b`; None where there is none."""
        value: Any = self.props
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def document(self, key: str) -> Mapping[str, Any]:
        """Return a property that is a JSON document; an empty one where there is none."""
        value = self.get(key)
        parsed = json.loads(value) if isinstance(value, str) else value
        return parsed if isinstance(parsed, Mapping) else {}


@dataclass(frozen=True)
class Violation:
    """What is wrong with a resource."""

    resource: Resource
    message: str


Rule = Callable[[Sequence[Resource]], Iterator[Violation]]


def of_kind(resources: Sequence[Resource], *kinds: str) -> list[Resource]:
    """Return the resources of some kinds of the AWS provider."""
    return [each for each in resources if each.type.startswith("aws:") and each.kind in kinds]


def statements(resource: Resource, key: str = "policy") -> list[Statement]:
    """Return the statements of an IAM document of a resource."""
    return as_list(resource.document(key).get("Statement"))


def as_list(value: Any) -> list[Any]:  # noqa: ANN401  IAM's one or many
    """Return what IAM lets be one or many as many."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
