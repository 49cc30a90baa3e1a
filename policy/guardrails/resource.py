"""What a rule sees of a resource, and what it says of it."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = [
    "UNKNOWN",
    "Resource",
    "Rule",
    "Statement",
    "Violation",
    "as_list",
    "can_be_among",
    "of_kind",
    "statements",
]

Statement = Mapping[str, Any]


class _Unknown:
    """The type of UNKNOWN: true, since it is a property that is set, and equal to nothing else."""

    def __repr__(self) -> str:
        return "UNKNOWN"


# What a preview cannot know of a property that is set: an ARN, say, or a document with one in it.
UNKNOWN: Final = _Unknown()


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
        return _at(self.props, path)

    def read(self, key: str, path: str) -> Any:  # noqa: ANN401  any JSON value
        """Return what is at a path of a property that is a JSON document."""
        value = self.get(key)
        # The AWS provider makes a document unknown as a whole if anything in it is.
        return _at(json.loads(value) if isinstance(value, str) else value, path)


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
    """Return the statements of an IAM document of a resource; none of one that is not known."""
    found = resource.read(key, "Statement")
    return [] if found is UNKNOWN else as_list(found)


def as_list(value: Any) -> list[Any]:  # noqa: ANN401  IAM's one or many
    """Return what IAM lets be one or many as many."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def can_be_among(value: object, others: Collection[object]) -> bool:
    """Return whether a value is one of some others, or may turn out to be."""
    return value in others or UNKNOWN in others or (value is UNKNOWN and bool(others))


def _at(value: Any, path: str) -> Any:  # noqa: ANN401  any JSON value
    for part in path.split("."):
        if value is UNKNOWN:
            break
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
