"""Discrete events: a clock, queues of groups of messages, what takes from them, and what limits.

Messages that arrive together go together, as a group with a count: so a million of them are a few
hundred thousand events.
"""

import heapq
import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class Clock:
    """Runs callbacks in the order of their times."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0

    def at(self, time: float, callback: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        """Call back at a time."""
        self._number += 1
        heapq.heappush(self._events, (time, self._number, callback, arguments))

    def run(self, until: float = math.inf) -> None:
        """Run until nothing is left, or the time has come."""
        while self._events and self._events[0][0] <= until:
            self.now, _, callback, arguments = heapq.heappop(self._events)
            callback(*arguments)


@dataclass(slots=True)
class Group:
    """Messages of one kind that came together; `since` is what their delay counts from."""

    count: int
    since: float
    kind: str = ""
    attempt: int = 0
    came_at: float = 0.0


class Queue:
    """First in, first out."""

    def __init__(self) -> None:
        self.groups: deque[Group] = deque()
        self.size = 0
        self.largest = 0

    def put(self, group: Group, now: float) -> None:
        """Add a group."""
        if group.count > 0:
            group.came_at = now
            self.groups.append(group)
            self.size += group.count
            self.largest = max(self.largest, self.size)

    def take(self, most: int) -> list[Group]:
        """Remove up to so many messages."""
        taken: list[Group] = []
        while self.groups and most:
            group = self.groups[0]
            if group.count <= most:
                taken.append(self.groups.popleft())
                part = group.count
            else:
                part = most
                taken.append(Group(part, group.since, group.kind, group.attempt, group.came_at))
                group.count -= part
            most -= part
            self.size -= part
        return taken


@dataclass(slots=True)
class Budget:
    """A rate per second, and no more than one second of it at once."""

    rate: float
    tokens: float = field(init=False)
    at: float = 0.0

    def __post_init__(self) -> None:
        self.tokens = self.rate

    def take(self, wanted: int, now: float) -> int:
        """Return how many of these are let through now."""
        self._fill(now)
        granted = min(wanted, int(self.tokens))
        self.tokens -= granted
        return granted

    def wait(self, wanted: float, now: float) -> float:
        """Take all, and return the seconds until they are let through."""
        self._fill(now)
        self.tokens -= wanted
        return max(0.0, -self.tokens / self.rate)

    def _fill(self, now: float) -> None:
        self.tokens = min(self.rate, self.tokens + (now - self.at) * self.rate)
        self.at = now


@dataclass(slots=True)
class Mapping:
    """Takes batches from a queue and invokes a function, several at a time."""

    clock: Clock
    queue: Queue
    batch: int
    window: float
    most: float
    work: Callable[[list[Group], float], float]
    first: float = math.inf
    more_per_second: float = 0.0
    busy: int = 0
    invocations: int = 0
    busiest: int = 0
    taken: int = 0
    _squares: int = 0
    _active_since: float | None = None
    _woken_at: float = -1.0

    def put(self, group: Group) -> None:
        """Add a group to the queue."""
        self.queue.put(group, self.clock.now)
        self.wake()

    @property
    def typical_batch(self) -> float:
        """How many messages share the batch of a message, on average over messages."""
        return self._squares / self.taken if self.taken else 0.0

    def wake(self) -> None:
        """Invoke as often as queue, window and concurrency let."""
        now = self.clock.now
        while self.queue.size and self.busy < self._allowed(now):
            if self.window and self.queue.size < self.batch:
                ready = self.queue.groups[0].came_at + self.window
                if now < ready:
                    if self._woken_at != ready:
                        self._woken_at = ready
                        self.clock.at(ready, self.wake)
                    return
            taken = self.queue.take(self.batch)
            count = sum(group.count for group in taken)
            self.taken += count
            self._squares += count * count
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
            self.invocations += 1
            self.clock.at(now + self.work(taken, now), self._finish)

    def _finish(self) -> None:
        self.busy -= 1
        if not self.busy and not self.queue.size:
            self._active_since = None
        self.wake()

    def _allowed(self, now: float) -> float:
        if math.isinf(self.first):
            return self.most
        if self._active_since is None:
            self._active_since = now
        return min(self.most, self.first + self.more_per_second * (now - self._active_since))


class Delays:
    """How many messages had which delay, to a hundredth of a second or of the delay."""

    def __init__(self) -> None:
        self.counts: Counter[float] = Counter()

    def add(self, seconds: float, count: int) -> None:
        """Note a delay of a group."""
        digits = 2 if seconds < 10 else 1 if seconds < 100 else 0  # noqa: PLR2004
        self.counts[round(seconds, digits)] += count

    def percentile(self, share: float) -> float:
        """Return the delay that this share of the messages do not exceed; 0 if there are none."""
        wanted = share * self.counts.total()
        for seconds, count in sorted(self.counts.items()):
            wanted -= count
            if wanted <= 0:
                return seconds
        return 0.0
