"""A plugin of pytest: tests on moto come last, because making its tables takes longer than most."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep mutmut's order, fastest first, which knows the calls of tests and not their fixtures."""
    items.sort(
        key=lambda item: "[moto]" in item.name or "world" in getattr(item, "fixturenames", ())
    )
