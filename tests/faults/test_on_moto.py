"""The same histories on moto: the same rows as in memory, and crashes at botocore's own events."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults.moto_world import crash, on_moto
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import outcome, play_under
from tests.faults.world import World, in_memory

# Here every so manieth scenario is crashed, at every so manieth call; in `make faults` all are.
SCENARIO_STRIDE = 12
CALL_STRIDE = 4


@pytest.fixture(scope="module")
def begin() -> Iterator[Any]:
    with on_moto() as begin:
        yield begin


def rows_of(world: World) -> Any:
    """The one row, without what chance has drawn."""
    (row,) = world.rows().values()
    drawn = ("holder", "provider_message_id")
    steps = [
        {name: value for name, value in step["M"].items() if name not in drawn}
        for step in row["steps"]["L"]
    ]
    return row["status"], row["version"], steps


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_ends_in_the_same_row_on_moto_and_in_memory(begin, scenario) -> None:
    on_moto = play_under(begin, scenario, {})
    found = outcome(on_moto), rows_of(on_moto)
    with in_memory() as begin_in_memory:
        ours = play_under(begin_in_memory, scenario, {})
        assert found == (outcome(ours), rows_of(ours))


@pytest.mark.parametrize(
    "scenario", SCENARIOS[::SCENARIO_STRIDE], ids=lambda scenario: scenario.name
)
def test_a_crash_at_a_call_of_botocore_breaks_no_invariant(begin, scenario) -> None:
    assert crash(begin, scenario, CALL_STRIDE) > 0
