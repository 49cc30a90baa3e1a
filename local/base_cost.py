"""What the resources of a stack cost a month before the first message."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from local.recording import Recorded

PRICES = Path(__file__).parent / "prices.json"


@dataclass(frozen=True)
class CostLine:
    """One row of the estimate; `monthly` is in US dollars."""

    what: str
    count: int
    monthly: float
    source: str


@cache
def price_table() -> Mapping[str, Any]:
    """Return the prices, with their date, Region and sources."""
    table: Mapping[str, Any] = json.loads(PRICES.read_text(encoding="utf-8"))
    return table


def base_cost(resources: Iterable[Recorded]) -> list[CostLine]:
    """Return the rows of the estimate; types that cost nothing by themselves have none."""
    resources = list(resources)
    lines = []
    for price in price_table()["prices"]:
        counts = [
            count
            for resource in resources
            if resource.type == price["type"] and (count := _count(price, resource.inputs))
        ]
        if counts:
            monthly = price.get("per_month") or price["per_hour"] * price_table()["hours_per_month"]
            lines.append(
                CostLine(price["what"], sum(counts), sum(counts) * monthly, price["source"])
            )
    return lines


def _count(price: Mapping[str, Any], inputs: Mapping[str, Any]) -> int:
    """Return how often a price applies to a resource."""
    for path, wanted in price.get("when", {}).items():
        if next(_values(inputs, path), None) != wanted:
            return 0
    if "times" not in price:
        return 1
    values = list(_values(inputs, price["times"]))
    if price["times"].endswith("]") or "[]" in price["times"]:
        return len(values)
    return int(values[0])


def _values(value: Any, path: str) -> Iterator[Any]:  # noqa: ANN401 -- any JSON value
    """Yield what is at a path like `a.b[].c`, for each element of its lists."""
    name, _, rest = path.partition(".")
    inner = value.get(name.removesuffix("[]")) if isinstance(value, Mapping) else None
    for each in (inner or []) if name.endswith("[]") else [inner]:
        if rest:
            yield from _values(each, rest)
        elif each is not None:
            yield each
