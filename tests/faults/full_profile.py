"""The full profile: python -m tests.faults. Ends with `faults: W worlds, 0 violations`."""

import argparse
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

from tests.faults import fuzzing
from tests.faults.faults import Fault
from tests.faults.machine import machine_in_memory, run
from tests.faults.moto_world import crash, on_moto
from tests.faults.rates import measure
from tests.faults.scenarios import SCENARIOS
from tests.faults.sweep import count_calls, double_crashes, single_faults, sweep
from tests.faults.world import in_memory

_PROCESSES = 2
_MACHINE_RUNS = 6


@dataclass(frozen=True)
class Part:
    """A piece of work for one process; `play` returns the number of worlds."""

    name: str
    play: Callable[[], int]


def single(index: int) -> int:
    """Play every fault at every call of a scenario, with every timer once and twice."""
    worlds = 0
    with in_memory() as begin:
        for twice in (False, True):
            calls = count_calls(begin, SCENARIOS[index], duplicates=twice)
            faults = single_faults(calls, tuple(Fault))
            worlds += sweep(begin, SCENARIOS[index], faults, duplicates=twice)
    return worlds


def double(index: int, most_apart: int) -> int:
    """Play every two crashes that are at most so many calls apart."""
    with in_memory() as begin:
        calls = count_calls(begin, SCENARIOS[index], duplicates=True)
        crashes = double_crashes(calls, most_apart)
        return sweep(begin, SCENARIOS[index], crashes, duplicates=True)


def single_on_moto(index: int) -> int:
    """Crash before and after every call of botocore, on moto."""
    with on_moto() as begin:
        return crash(begin, SCENARIOS[index])


def machine(seed: int, examples: int, steps: int) -> int:
    """Run the state machine from a seed."""
    with machine_in_memory() as messages:
        return run(messages, examples=examples, steps=steps, seed=seed)


def parts(options: argparse.Namespace) -> list[Part]:
    """Return the work, longest first."""
    seeds = range(options.seed, options.seed + _MACHINE_RUNS)
    return [
        *(
            Part(
                f"state machine, seed {seed}",
                partial(machine, seed, options.examples // _MACHINE_RUNS, options.steps),
            )
            for seed in seeds
        ),
        *(
            Part(f"two crashes: {scenario.name}", partial(double, index, options.apart))
            for index, scenario in enumerate(SCENARIOS)
        ),
        *(
            Part(f"one crash, on moto: {scenario.name}", partial(single_on_moto, index))
            for index, scenario in enumerate(SCENARIOS)
        ),
        *(
            Part(f"one fault: {scenario.name}", partial(single, index))
            for index, scenario in enumerate(SCENARIOS)
        ),
        Part("fuzz: requests", partial(fuzzing.requests, options.cases // 2, options.seed)),
        Part("fuzz: events", partial(fuzzing.events, options.cases // 2, options.seed)),
    ]


def told(error: BaseException) -> str:
    """Return what a violation says, with its notes, which have the example; of a group, of each."""
    of_group = getattr(error, "exceptions", ())
    return "".join([*traceback.format_exception_only(error), *map(told, of_group)])


def main() -> int:
    """Play everything and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--examples", type=int, default=1_800, help="of the state machine")
    parser.add_argument("--steps", type=int, default=50, help="of one example, at most")
    parser.add_argument("--apart", type=int, default=6, help="calls between two crashes, at most")
    parser.add_argument("--cases", type=int, default=10_000, help="of bad input")
    options = parser.parse_args()
    began = time.monotonic()
    worlds, violations = 0, 0
    with ProcessPoolExecutor(_PROCESSES) as processes:
        running: list[tuple[Part, Future[int]]] = [
            (part, processes.submit(part.play)) for part in parts(options)
        ]
        for part, future in running:
            try:
                played = future.result()
            except Exception as error:  # noqa: BLE001  the others shall be played all the same
                violations += 1
                print(f"VIOLATED {part.name}: {told(error)}", flush=True)
                continue
            worlds += played
            print(f"{part.name}: {played}", flush=True)
    for line in measure(seed=options.seed):
        print(line)
    print(f"{time.monotonic() - began:.0f} s, seed {options.seed}")
    print(f"faults: {worlds} worlds, {violations} violations")
    return 1 if violations else 0
