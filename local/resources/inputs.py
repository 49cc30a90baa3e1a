"""Inputs that remember what has been read of them."""

from collections.abc import ItemsView, Iterator
from typing import Any


class Inputs(dict[str, Any]):
    """The inputs of a resource, or a part of them, which remember what has been read.

    An input that nobody reads would be a wire that is missing on this machine only.
    """

    def __init__(self, values: dict[str, Any]) -> None:
        super().__init__({name: _remembering(value) for name, value in values.items()})
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 -- any JSON value
        self._read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 -- any JSON value
        """Return an input, or the default."""
        self._read.add(name)
        return super().get(name, default)

    def __iter__(self) -> Iterator[str]:
        self._read.update(self.keys())
        return super().__iter__()

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # dict's has no public name
        """Return all inputs, which are then all read."""
        self._read.update(self.keys())
        return super().items()

    def unread(self) -> Iterator[str]:
        """Yield the paths of the inputs that nobody has read."""
        for name, value in super().items():
            if name not in self._read:
                yield name
            else:
                yield from (f"{name}.{path}" for path in _unread(value))


def _remembering(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    if isinstance(value, dict):
        return Inputs(value)
    return [_remembering(item) for item in value] if isinstance(value, list) else value


def _unread(value: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON value
    if isinstance(value, Inputs):
        yield from value.unread()
    elif isinstance(value, list):
        for item in value:
            yield from _unread(item)
