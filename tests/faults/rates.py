"""How often what is not promised happens: many messages in memory, with faults at stated rates."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.faults import CRASHES, Fault
from tests.faults.invariants import Row, check_end
from tests.faults.providers import LOST, OK, THROTTLE, TIMEOUT, Script
from tests.faults.scenarios import chain
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


WEATHERS = (
    Weather("nothing goes wrong"),
    Weather("1 % of receipts late", late=0.01),
    Weather("1 % of receipts lost", dropped=0.01),
    Weather("1 % of answers unclear, half of them taken", unclear=0.01),
    Weather("5 % of sends throttled", throttled=0.05),
    Weather("1 % of calls of AWS crash the function", crashed=0.01),
    Weather("all of it", 0.01, 0.01, 0.01, 0.05, 0.01),
)


def measure(*, seed: int, messages: int = 1_000) -> Iterator[str]:
    """Yield a line of the table of docs/reliability.md for each weather."""
    yield "| what goes wrong | needless fallback | arrived twice | last step sent again | lost |"
    yield "|---|---|---|---|---|"
    for weather in WEATHERS:
        counts = _play(weather, messages, seed)
        cells = [
            f"{100 * counts[name] / messages:.1f} %"
            for name in ("needless", "twice", "repeated", "lost")
        ]
        yield f"| {weather.name} | {' | '.join(cells)} |"


def _play(weather: Weather, messages: int, seed: int) -> Counter[str]:
    """Send messages that would all arrive by their first step, each in a world of its own."""
    chance = random.Random(seed)
    counts: Counter[str] = Counter()
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
            check_end(world)
            row = Row.read(world.rows()[message_id])
            sends = Counter(send.step for send in world.providers.sends)
            counts["needless"] += bool(sends[0] and sends[1])
            counts["repeated"] += sends[1] > 1
            counts["twice"] += all("delivered" in step.times for step in row.steps)
            counts["lost"] += not sends
    return counts


def _script(weather: Weather, chance: random.Random) -> Script:
    answers = []
    while chance.random() < weather.throttled:
        answers.append(THROTTLE)
    unclear = chance.random() < weather.unclear
    answers.append(chance.choice((LOST, TIMEOUT)) if unclear else OK)
    after = 90_000 if chance.random() < weather.late else 3_000
    lost = chance.random() < weather.dropped
    return Script(tuple(answers), () if lost else ((after, "delivered"),))
