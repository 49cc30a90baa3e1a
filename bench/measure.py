"""How a piece of work is measured, and how several measurements are summed up."""

import gc
import math
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TextIO

from bench.stand_in import StandIn

# A function of this size has one whole processor; a smaller one has its share of it.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
WHOLE_CPU_MB = 1769


class CountingOutput:
    """Takes what the functions print, and counts it: logs are billed by their size."""

    def __init__(self) -> None:
        self.bytes = 0
        self.lines = 0

    def write(self, text: str) -> int:
        """Count a piece of text."""
        self.bytes += len(text.encode())
        self.lines += text.count("\n")
        return len(text)

    def flush(self) -> None:
        """Have nothing to flush."""


# The functions' logger keeps the stream that is standard output when it is imported.
LOGS = CountingOutput()
CONSOLE: TextIO = sys.stdout


def redirect_logs() -> None:
    """Count what is printed from now on; CONSOLE still goes to the terminal."""
    sys.stdout = LOGS


@dataclass(frozen=True)
class Sample:
    """What some work took; CPU without the stand-in's own."""

    wall_seconds: float
    cpu_seconds: float
    calls: Counter[str]
    write_units: Counter[str]
    read_half_units: Counter[str]
    log_bytes: int
    log_lines: int
    queued: Counter[str] = field(default_factory=Counter)

    def lambda_ms(self, memory_mb: int) -> float:
        """Estimate the billed milliseconds at a memory size: waits as they are, CPU stretched."""
        waiting = max(0.0, self.wall_seconds - self.cpu_seconds)
        return 1000 * (waiting + self.cpu_seconds * WHOLE_CPU_MB / min(memory_mb, WHOLE_CPU_MB))


def measured(stand_in: StandIn, work: Callable[[], object]) -> Sample:
    """Do the work once and measure it; `stand_in` must have been reset."""
    # The stand-in's rows are AWS's and not the function's: they must not make its collector slow.
    gc.collect()
    gc.freeze()
    log_bytes, log_lines = LOGS.bytes, LOGS.lines
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    gc.unfreeze()
    return Sample(
        wall_seconds=wall,
        cpu_seconds=max(0.0, cpu - stand_in.cpu_seconds),
        calls=Counter(stand_in.calls),
        write_units=Counter(stand_in.tables.write_units),
        read_half_units=Counter(stand_in.tables.read_units),
        log_bytes=LOGS.bytes - log_bytes,
        log_lines=LOGS.lines - log_lines,
        queued=Counter(stand_in.queued),
    )


@dataclass(frozen=True)
class Figure:
    """A median and the range of its runs."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure":
        """Sum up several runs."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        if self.least == self.most:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.least)} to {_short(self.most)})"


def _short(value: float) -> str:
    if value == 0:
        return "0"
    digits = 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0  # noqa: PLR2004
    return f"{value:,.{digits}f}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1))]
