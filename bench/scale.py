"""`python -m bench.scale`: a burst of a million messages, a day of ten million, a sizing table."""

import argparse
import math
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from bench.picture import lines
from bench.pipeline import Outcome, Parameters, Pipeline
from bench.quotas import Quotas, rows
from bench.table import replace_between, table

PROJECT = Path(__file__).resolve().parent.parent
MILLION = 1_000_000
_DAY = 86_400
# Long enough for the last reads and timers.
_TAIL_SECONDS = 2_000


@dataclass(frozen=True)
class Scenario:
    """A load on a stack."""

    name: str
    parameters: Parameters
    quotas: Quotas


DEFAULTS = Parameters()
QUOTAS = Quotas()
# What a burst needs: an account whose SES rate has been raised, and a stack that keeps up with it.
RAISED = replace(QUOTAS, ses_per_second=1_000, table_write_units_per_second=20_000)
TUNED = replace(
    DEFAULTS,
    api_throttle_rate=1_000,
    sender_maximum_concurrency=20,
    stream_shard_count=4,
    stream_parallelization=2,
)
BURSTS = (
    Scenario("defaults", DEFAULTS, QUOTAS),
    Scenario(
        "API at 1,000/s, the rest as it is", replace(DEFAULTS, api_throttle_rate=1_000), QUOTAS
    ),
    Scenario(
        "and SES at 1,000/s, a warm table",
        replace(DEFAULTS, api_throttle_rate=1_000, sender_maximum_concurrency=20),
        RAISED,
    ),
    Scenario("and 4 shards, parallelization 2", TUNED, RAISED),
)
DAYS = (
    Scenario("API at 300/s, the rest as it is", replace(DEFAULTS, api_throttle_rate=300), QUOTAS),
    Scenario(
        "and SES at 300/s, 2 shards",
        replace(DEFAULTS, api_throttle_rate=300, stream_shard_count=2),
        replace(QUOTAS, ses_per_second=300),
    ),
)


def burst(scenario: Scenario, messages: int = MILLION) -> Outcome:
    """Hand in messages as fast as the API takes them."""
    rate = min(scenario.parameters.api_throttle_rate, scenario.quotas.api_requests_per_second)
    slot = 0.1

    def arrivals() -> Iterator[tuple[float, int]]:
        handed_in = 0
        while handed_in < messages:
            at = handed_in / rate
            count = min(messages - handed_in, max(1, round(rate * slot)))
            yield at, count
            handed_in += count

    pipeline = Pipeline(scenario.parameters, scenario.quotas)
    return pipeline.run(arrivals(), sample_every=60, until=messages / rate + 8 * 3600)


def day(scenario: Scenario, messages: int = 10 * MILLION) -> Outcome:
    """Spread messages over a day, with a peak of 1.8 times the mean at midday."""
    slot = 1.0
    mean = messages / _DAY

    def arrivals() -> Iterator[tuple[float, int]]:
        owed = 0.0
        for number in range(round(_DAY / slot)):
            at = number * slot
            owed += mean * slot * (1 - 0.8 * math.cos(2 * math.pi * at / _DAY))
            yield at, int(owed)
            owed -= int(owed)

    pipeline = Pipeline(scenario.parameters, scenario.quotas)
    return pipeline.run(arrivals(), sample_every=600, until=_DAY + _TAIL_SECONDS)


def steady(scenario: Scenario, per_hour: int, minutes: int = 5) -> Outcome:
    """Hand in messages evenly for some minutes."""
    rate = per_hour / 3600
    slot = 0.1 if rate >= 10 else 1.0  # noqa: PLR2004

    def arrivals() -> Iterator[tuple[float, int]]:
        owed = 0.0
        for number in range(round(60 * minutes / slot)):
            owed += rate * slot
            yield number * slot, int(owed)
            owed -= int(owed)

    pipeline = Pipeline(scenario.parameters, scenario.quotas)
    return pipeline.run(arrivals(), sample_every=60, until=60 * minutes + _TAIL_SECONDS)


def size(per_hour: int) -> Scenario:
    """Return the parameters and the provider rate that a load needs, a third above it."""
    rate = 1.33 * per_hour / 3600
    work = Pipeline(DEFAULTS, QUOTAS).work
    events = 2.4 * rate
    batch_seconds = work.seconds(work.send_wait, work.send_cpu_ms, 10, work.sender_mb)
    per_normalizer = 1_000 / work.seconds(
        work.apply_wait, work.apply_cpu_ms, 1_000, work.normalizer_mb
    )
    shards = max(1, math.ceil(events / 1_000))
    return Scenario(
        f"{per_hour:,}",
        replace(
            DEFAULTS,
            api_throttle_rate=max(DEFAULTS.api_throttle_rate, math.ceil(rate)),
            sender_maximum_concurrency=max(2, math.ceil(rate * batch_seconds / 10)),
            stream_shard_count=shards,
            stream_parallelization=max(1, math.ceil(events / shards / per_normalizer)),
        ),
        replace(
            QUOTAS,
            ses_per_second=max(1, math.ceil(rate)),
            sms_parts_per_second=max(1, math.ceil(0.1 * rate)),
            table_write_units_per_second=max(4_000, math.ceil(9 * rate)),
        ),
    )


LOADS = (10_000, 100_000, 360_000, MILLION, 3_600_000, 10 * MILLION)


def report() -> tuple[str, dict[str, str]]:
    """Return the tables and the pictures."""
    with ProcessPoolExecutor() as processes:
        seen_days = processes.map(day, DAYS)
        seen_bursts = processes.map(burst, BURSTS)
        sizes = [(per_hour, size(per_hour)) for per_hour in LOADS]
        seen_sizes = processes.map(steady, [scenario for _, scenario in sizes], LOADS)
        bursts = list(zip(BURSTS, seen_bursts, strict=True))
        days = list(zip(DAYS, seen_days, strict=True))
        sizing = list(zip(sizes, seen_sizes, strict=True))
    text = "\n\n".join(
        (
            "### Assumed quotas",
            table(("quota", "meaning", "source"), rows()),
            "### A burst of 1 million messages",
            _outcomes(bursts),
            "### A day of 10 million messages (peak 1.8 times the mean)",
            _outcomes(days),
            "### Sizing",
            _sizing(sizing),
        )
    )
    pictures = {
        "burst-defaults.svg": _picture(
            "A burst with the API at 1,000/s, the rest at defaults", bursts[1][1]
        ),
        "burst-tuned.svg": _picture("The same burst, sized for it", bursts[-1][1]),
    }
    return text, pictures


_HEADER = (
    "parameters",
    "all sent after",
    "start p50 / p99",
    "decision p50 / p99",
    "timer late p99",
    "throttled tries",
    "most waiting: intake / timers / events / stream",
)


def _outcomes(outcomes: list[tuple[Scenario, Outcome]]) -> str:
    return table(
        _HEADER,
        [
            (
                scenario.name,
                _time(outcome.finished_at),
                f"{_time(outcome.start.percentile(0.5))} / {_time(outcome.start.percentile(0.99))}",
                _decision(outcome),
                _time(outcome.timer.percentile(0.99)),
                f"{outcome.throttled:,}",
                " / ".join(f"{count:,}" for count in outcome.largest.values()),
            )
            for scenario, outcome in outcomes
        ],
    )


def _decision(outcome: Outcome) -> str:
    delays = outcome.decision
    return f"{_time(delays.percentile(0.5))} / {_time(delays.percentile(0.99))}"


def _sizing(sizing: list[tuple[tuple[int, Scenario], Outcome]]) -> str:
    cells = []
    for (per_hour, scenario), outcome in sizing:
        parameters, quotas = scenario.parameters, scenario.quotas
        cells.append(
            (
                f"{per_hour:,}",
                f"{parameters.api_throttle_rate:,}",
                parameters.sender_maximum_concurrency,
                _stream(parameters),
                parameters.stream_parallelization,
                f"{quotas.ses_per_second:,.0f}",
                _batches(outcome),
                f"{_time(outcome.start.percentile(0.5))} / {_time(outcome.start.percentile(0.99))}",
                _decision(outcome),
                _time(outcome.timer.percentile(0.99)),
            )
        )
    header = (
        "messages an hour",
        "apiThrottleRate",
        "senderMaximumConcurrency",
        "shards",
        "streamParallelization",
        "provider rate to have, /s",
        "typical batch: messages / events",
        "start p50 / p99",
        "decision p50 / p99",
        "timer late p99",
    )
    return table(header, cells)


def _batches(outcome: Outcome) -> str:
    batches = outcome.typical_batch
    return f"{batches['intake']:.0f} / {batches['stream']:.0f}"


# An on-demand stream starts with four shards' worth and costs as much as three provisioned ones.
_ON_DEMAND_FROM = 3


def _stream(parameters: Parameters) -> str:
    shards = parameters.stream_shard_count
    return f"{shards}" if shards < _ON_DEMAND_FROM else f"{shards}, or ON_DEMAND"


_MINUTE = 60
_HOUR = 3600


def _time(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _picture(title: str, outcome: Outcome) -> str:
    history = [entry for entry in outcome.history if entry[0] <= 1.1 * outcome.finished_at + 600]
    return lines(
        title,
        {
            name: [(at / _MINUTE, float(sizes[name])) for at, sizes in history]
            for name in history[0][1]
        },
        x_label="minutes",
        y_label="messages waiting",
    )


def main() -> int:
    """Print the tables; returns 0."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=__doc__)
    parser.add_argument("--publish", action="store_true", help="write them into docs/scale.md")
    arguments = parser.parse_args()
    text, pictures = report()
    sys.stdout.write(text + "\n")
    if arguments.publish:
        page = PROJECT / "docs" / "scale.md"
        page.write_text(replace_between(page.read_text(), "figures", text))
        for name, picture in pictures.items():
            (PROJECT / "docs" / "scale" / name).write_text(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
