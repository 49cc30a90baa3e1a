"""The crash-point sweep: every call of every scenario fails in every way, alone and in pairs."""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations, product

from tests.faults.faults import CRASHES, Fault
from tests.faults.invariants import Row, check, check_end
from tests.faults.refinement import check_refinement
from tests.faults.scenarios import Scenario
from tests.faults.timing import check_timing
from tests.faults.world import START, World

Faults = dict[int, Fault]


def play(world: World, scenario: Scenario) -> World:
    """Play a scenario to its end, and check everything."""
    world.scripts["0000"] = dict(scenario.scripts)
    message_id = world.submit(dict(scenario.request), scenario.key)
    if scenario.cancel_after_ms is not None and message_id is not None:
        world.run(until=START + scenario.cancel_after_ms)
        world.cancel(message_id)
    world.run()
    world.calls_of_scenario = len(world.calls.names)
    check(len(world.rows()) <= 1, "I10 a key is one message", world.rows())
    check_timing(world)
    check_end(world)
    check_refinement(world)
    return world


def outcome(world: World) -> tuple[list[str], list[tuple[int, int]]]:
    """Return the statuses of the steps of the one message, and the sends by second."""
    (item,) = world.rows().values()
    statuses = [step.status for step in Row.read(item).steps]
    sends = [(send.step, (send.at - START) // 1000) for send in world.providers.sends]
    return statuses, sends


def single_faults(calls: int, faults: Iterable[Fault] = tuple(Fault)) -> Iterator[Faults]:
    """Yield every fault at every call."""
    for index, fault in product(range(calls), faults):
        yield {index: fault}


def double_crashes(calls: int, most_apart: int) -> Iterator[Faults]:
    """Yield two crashes; the second may hit what the first made come again."""
    for first, second in combinations(range(calls), 2):
        if second - first <= most_apart:
            for kinds in product(CRASHES, CRASHES):
                yield {first: kinds[0], second: kinds[1]}


def sweep(
    begin: Callable[..., World], scenario: Scenario, faults: Iterable[Faults], *, duplicates: bool
) -> int:
    """Play a scenario under each of the faults; return the number of worlds."""
    worlds = 0
    for chosen in faults:
        play_under(begin, scenario, chosen, duplicates=duplicates)
        worlds += 1
    return worlds


def play_under(
    begin: Callable[..., World], scenario: Scenario, faults: Faults, *, duplicates: bool = False
) -> World:
    """Play a scenario in a new world under faults; a violation says under which."""
    world = begin(faults=faults, duplicates=duplicates)
    try:
        return play(world, scenario)
    except AssertionError as error:
        where = f"{type(world).__name__}; twice: {duplicates}"
        error.add_note(f"scenario: {scenario.name}; faults: {faults}; {where}")
        raise
    finally:
        world.end()


def count_calls(begin: Callable[..., World], scenario: Scenario, *, duplicates: bool) -> int:
    """Return how many calls the world without faults makes."""
    return play_under(begin, scenario, {}, duplicates=duplicates).calls_of_scenario
