"""How often what is not promised happens, and when steps start: many messages, with faults.

The first table of docs/reliability.md counts, the second says how late steps were tried.
"""

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.faults import CRASHES, Fault
from tests.faults.invariants import Row, check_end
from tests.faults.providers import LOST, OK, THROTTLE, TIMEOUT, Script
from tests.faults.scenarios import chain
from tests.faults.timing import FAILURE, SILENCE, THROTTLED, check_timing
from tests.faults.world import in_memory


@dataclass(frozen=True)
class Weather:
    """Rates of what goes wrong; `late` is the share of receipts that come after the wait."""

    name: str
    dropped: float = 0.0
    late: float = 0.0
    unclear: float = 0.0
    throttled: float = 0.0
    crashed: float = 0.0
    failed: float = 0.0


WEATHERS = (
    Weather("nothing goes wrong"),
    Weather("1 % of receipts late", late=0.01),
    Weather("1 % of receipts lost", dropped=0.01),
    Weather("1 % of answers unclear, half of them taken", unclear=0.01),
    Weather("5 % of sends throttled", throttled=0.05),
    Weather("20 % of messages fail, half of all sends throttled", throttled=0.5, failed=0.2),
    Weather("1 % of calls of AWS crash the function", crashed=0.01),
    Weather("all of it", 0.01, 0.01, 0.01, 0.05, 0.01),
)


@dataclass
class Found:
    """What the messages of one weather came to; lateness in milliseconds, by what called."""

    counts: Counter[str] = field(default_factory=Counter)
    lateness: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))


def measure(*, seed: int, messages: int = 1_000) -> Iterator[str]:
    """Yield the two tables of docs/reliability.md, a line for each weather."""
    found = {weather.name: _play(weather, messages, seed) for weather in WEATHERS}
    yield "| what goes wrong | needless fallback | arrived twice | last step sent again | lost |"
    yield "|---|---|---|---|---|"
    for name, of in found.items():
        cells = [
            f"{100 * of.counts[what] / messages:.1f} %"
            for what in ("needless", "twice", "repeated", "lost")
        ]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    yield f"| what goes wrong | {' | '.join(f'after {why}' for why in _CALLS)} |"
    yield "|---|---|---|---|"
    for name, of in found.items():
        cells = [_lateness(of.lateness[why]) for why in _CALLS]
        yield f"| {name} | {' | '.join(cells)} |"


_CALLS = (FAILURE, SILENCE, THROTTLED)


def _lateness(milliseconds: list[int]) -> str:
    if not milliseconds:
        return "-"
    p50, worst = statistics.median(milliseconds) / 1000, max(milliseconds) / 1000
    return f"{p50:.1f} s, {worst:.1f} s at most, of {len(milliseconds):,}"


def _play(weather: Weather, messages: int, seed: int) -> Found:
    """Send messages that would arrive by their first step, each in a world of its own."""
    chance = random.Random(seed)
    found = Found()
    counts = found.counts
    with in_memory() as begin:
        for _ in range(messages):
            faults: dict[int, Fault] = {
                call: chance.choice(CRASHES)
                for call in range(200)
                if chance.random() < weather.crashed
            }
            world = begin(faults=faults)
            world.scripts["0000"] = {step: _script(weather, chance) for step in (0, 1)}
            message_id = world.submit(chain("sms", "email"), "key")
            world.run()
            while world.dead_letters:
                world.redrive()
                world.run()
            if message_id is None:
                continue  # no 202: the caller knows
            for why, late in check_timing(world, judged=False):
                found.lateness[why].append(late)
            check_end(world)
            row = Row.read(world.rows()[message_id])
            sends = Counter(send.step for send in world.providers.sends)
            failed = row.steps[0].status == "failed"
            counts["needless"] += bool(sends[0] and sends[1]) and not failed
            counts["repeated"] += sends[1] > 1
            counts["twice"] += all("delivered" in step.times for step in row.steps)
            counts["lost"] += not sends
    return found


def _script(weather: Weather, chance: random.Random) -> Script:
    answers: list[str] = []
    while chance.random() < weather.throttled:
        answers.append(THROTTLE)
    unclear = chance.random() < weather.unclear
    answers.append(chance.choice((LOST, TIMEOUT)) if unclear else OK)
    after = 90_000 if chance.random() < weather.late else 3_000
    lost = chance.random() < weather.dropped
    kind = "failed" if chance.random() < weather.failed else "delivered"
    return Script(tuple(answers), () if lost else ((after, kind),))
