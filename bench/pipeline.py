"""The whole pipeline as a simulation: from the request to the fallback, with AWS's quotas.

What the functions take is measured by `make bench`: waits for AWS and providers, and CPU stretched
to the processor share of the function's memory.
"""

import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from bench.measure import WHOLE_CPU_MB
from bench.quotas import Quotas
from bench.simulation import Budget, Clock, Delays, Group, Mapping, Queue


@dataclass(frozen=True)
class Parameters:
    """The stack's parameters that matter for throughput, with their defaults."""

    api_throttle_rate: int = 50
    default_fallback_seconds: int = 300
    sender_batch_size: int = 10
    sender_maximum_concurrency: int = 10
    relay_batch_size: int = 500
    relay_batch_window_seconds: int = 1
    stream_shard_count: int = 1
    stream_batch_size: int = 1_000
    stream_batch_window_seconds: int = 1
    stream_parallelization: int = 1


@dataclass(frozen=True)
class Work:
    """What the functions take, as `make bench` measures it: waits in seconds, CPU in milliseconds.

    CPU is of a whole processor; memory decides the share of one that a function has.
    """

    send_wait: float = 0.100
    send_cpu_ms: float = 3.4
    look_wait: float = 0.010
    look_cpu_ms: float = 0.5
    relay_wait: float = 0.010
    relay_cpu_ms: float = 0.04
    apply_wait: float = 0.030
    apply_cpu_ms: float = 0.25
    sender_mb: int = 512
    relay_mb: int = 256
    normalizer_mb: int = 512

    def seconds(self, wait: float, cpu_ms: float, count: int, memory_mb: int) -> float:
        """Return how long an invocation takes for so many messages."""
        return wait + count * cpu_ms / 1000 * WHOLE_CPU_MB / min(WHOLE_CPU_MB, memory_mb)


@dataclass(frozen=True)
class Behaviour:
    """What becomes of messages: shares, and seconds after the send."""

    failing: float = 0.03
    silent: float = 0.03
    reading: float = 0.30
    sent_after: float = 0.3
    delivered_after: float = 3.0
    read_after: float = 600.0


_VISIBILITY_SECONDS = 180
_MOST_BACKOFF_SECONDS = 60
_TOGETHER_SECONDS = 0.1


@dataclass
class Outcome:
    """What a simulation has seen; delays in seconds."""

    accepted: int = 0
    sent: int = 0
    fallbacks: int = 0
    throttled: int = 0
    refused_by_stream: int = 0
    finished_at: float = 0.0
    start: Delays = field(default_factory=Delays)
    decision: Delays = field(default_factory=Delays)
    timer: Delays = field(default_factory=Delays)
    largest: dict[str, int] = field(default_factory=dict)
    invocations: dict[str, int] = field(default_factory=dict)
    typical_batch: dict[str, float] = field(default_factory=dict)
    history: list[tuple[float, dict[str, int]]] = field(default_factory=list)


class Pipeline:
    """One stack with its queues, functions, stream and table."""

    def __init__(
        self,
        parameters: Parameters,
        quotas: Quotas,
        work: Work | None = None,
        behaviour: Behaviour | None = None,
        seed: int = 1,
    ) -> None:
        self.parameters = parameters
        self.quotas = quotas
        self.work = work or Work()
        self.behaviour = behaviour or Behaviour()
        self.clock = Clock()
        self.outcome = Outcome()
        self._rng = random.Random(seed)  # noqa: S311  a simulation, not a secret
        self._carried: dict[str, float] = {}
        self._coming: dict[tuple[str, int], int] = {}
        self._provider = Budget(quotas.ses_per_second)
        self._fallback_provider = Budget(quotas.sms_parts_per_second)
        self._table = Budget(quotas.table_write_units_per_second)
        self._shards = [
            Budget(quotas.shard_records_per_second) for _ in range(parameters.stream_shard_count)
        ]
        senders = min(parameters.sender_maximum_concurrency, quotas.lambda_concurrency)
        size = parameters.sender_batch_size
        self.intake = self._sqs(size, 0, senders, self._send)
        self.timers = self._sqs(size, 0, senders, self._on_timer)
        self.events = self._sqs(
            parameters.relay_batch_size,
            parameters.relay_batch_window_seconds,
            quotas.lambda_concurrency,
            self._relay,
        )
        self.stream = [
            Mapping(
                self.clock,
                Queue(),
                parameters.stream_batch_size,
                parameters.stream_batch_window_seconds,
                parameters.stream_parallelization,
                self._apply,
            )
            for _ in range(parameters.stream_shard_count)
        ]

    def _sqs(
        self, batch: int, window: float, most: float, work: Callable[[list[Group], float], float]
    ) -> Mapping:
        return Mapping(
            self.clock,
            Queue(),
            batch,
            window,
            most,
            work,
            first=self.quotas.sqs_first_invocations,
            more_per_second=self.quotas.sqs_more_invocations_per_minute / 60,
        )

    def run(
        self, arrivals: Iterable[tuple[float, int]], sample_every: float, until: float
    ) -> Outcome:
        """Let messages arrive, and run until all is done or the time is over."""
        waiting = iter(arrivals)
        self._arrive(waiting)
        self._sample(sample_every, until)
        self.clock.run(until)
        outcome = self.outcome
        mappings = {"intake": self.intake, "timers": self.timers, "events": self.events}
        outcome.largest = {name: mapping.queue.largest for name, mapping in mappings.items()}
        outcome.largest["stream"] = sum(mapping.queue.largest for mapping in self.stream)
        outcome.invocations = {name: mapping.invocations for name, mapping in mappings.items()}
        outcome.typical_batch = {
            "intake": self.intake.typical_batch,
            "stream": self.stream[0].typical_batch,
        }
        outcome.invocations["stream"] = sum(mapping.invocations for mapping in self.stream)
        return outcome

    def _arrive(self, waiting: Iterable[tuple[float, int]]) -> None:
        """Take the next group of requests off the list; the one after comes in its time."""
        for at, count in waiting:
            self.clock.at(at, self._accept, count, waiting)
            return

    def _accept(self, count: int, waiting: Iterable[tuple[float, int]]) -> None:
        self.outcome.accepted += count
        self._table.wait(2 * count, self.clock.now)
        self.intake.put(Group(count, self.clock.now))
        self._arrive(waiting)

    def _sample(self, every: float, until: float) -> None:
        sizes = {
            "intake queue": self.intake.queue.size,
            "timers queue, due": self.timers.queue.size,
            "events queue": self.events.queue.size,
            "stream": sum(mapping.queue.size for mapping in self.stream),
        }
        self.outcome.history.append((self.clock.now, sizes))
        if self.clock.now + every <= until:
            self.clock.at(self.clock.now + every, self._sample, every, until)

    def _send(self, groups: list[Group], now: float) -> float:
        """Send first steps; what the provider throttles comes back by a timer."""
        count = sum(group.count for group in groups)
        work = self.work
        waits = self._table.wait(2 * count, now)
        seconds = waits + work.seconds(work.send_wait, work.send_cpu_ms, count, work.sender_mb)
        for group in groups:
            self._try_provider(group, now, now + seconds)
        return seconds

    def _try_provider(self, group: Group, now: float, done: float) -> None:
        granted = self._provider.take(group.count, now)
        if not group.attempt:
            # The wait for the first step counts from its first claim, throttled or not.
            due = done + self.parameters.default_fallback_seconds
            self._later(self.timers, due, group.count, "due")
        self.outcome.start.add(done - group.since, granted)
        self._went_out(granted, done)
        throttled = group.count - granted
        if throttled:
            self.outcome.throttled += throttled
            pause = min(_MOST_BACKOFF_SECONDS, 2**group.attempt)
            later = Group(throttled, group.since, "retry", group.attempt + 1)
            self.clock.at(done + pause, self.timers.put, later)

    def _went_out(self, count: int, done: float) -> None:
        """Let the provider's events come."""
        if not count:
            return
        self.outcome.sent += count
        self.outcome.finished_at = max(self.outcome.finished_at, done)
        behaviour = self.behaviour
        jitter = self._rng.lognormvariate(0, 0.5)
        silent = self._share("silent", count * behaviour.silent)
        failing = min(count - silent, self._share("failing", count * behaviour.failing))
        self._later(self.events, done + behaviour.sent_after * jitter, count, "event")
        arriving = done + behaviour.delivered_after * jitter
        self._later(self.events, arriving, failing, "failure")
        self._later(self.events, arriving, count - silent - failing, "event")
        read = self._share("read", count * behaviour.reading)
        self._later(self.events, done + behaviour.read_after * jitter, read, "event")

    def _later(self, mapping: Mapping, at: float, count: int, kind: str) -> None:
        """Put messages on a queue later; those of the same tenth of a second are one group."""
        key = (kind, math.ceil(at / _TOGETHER_SECONDS))
        if key not in self._coming:
            self._coming[key] = 0
            self.clock.at(key[1] * _TOGETHER_SECONDS, self._come, mapping, key)
        self._coming[key] += count

    def _come(self, mapping: Mapping, key: tuple[str, int]) -> None:
        mapping.put(Group(self._coming.pop(key), self.clock.now, key[0]))

    def _share(self, name: str, wanted: float) -> int:
        """Round a share so that the sum stays right."""
        wanted += self._carried.get(name, 0.0)
        self._carried[name] = wanted - int(wanted)
        return int(wanted)

    def _relay(self, groups: list[Group], now: float) -> float:
        count = sum(group.count for group in groups)
        work = self.work
        seconds = work.seconds(work.relay_wait, work.relay_cpu_ms, count, work.relay_mb)
        self.clock.at(now + seconds, self._put_records, groups)
        return seconds

    def _put_records(self, groups: list[Group]) -> None:
        """Spread records over the shards; those that a shard refuses come again much later."""
        shards = len(self._shards)
        for group in groups:
            offset = self._rng.randrange(shards)
            for number in range(shards):
                part = (group.count + number) // shards
                index = (number + offset) % shards
                granted = self._shards[index].take(part, self.clock.now)
                self.stream[index].put(replace(group, count=granted))
                refused = part - granted
                if refused:
                    self.outcome.refused_by_stream += refused
                    again = self.clock.now + _VISIBILITY_SECONDS
                    self.clock.at(again, self.events.put, replace(group, count=refused))

    def _apply(self, groups: list[Group], now: float) -> float:
        count = sum(group.count for group in groups)
        work = self.work
        waits = self._table.wait(count, now)
        seconds = waits + work.seconds(
            work.apply_wait, work.apply_cpu_ms, count, work.normalizer_mb
        )
        for group in groups:
            if group.kind == "failure":
                timer = Group(group.count, group.since, "failure")
                self.clock.at(now + seconds, self.timers.put, timer)
        return seconds

    def _on_timer(self, groups: list[Group], now: float) -> float:
        """Look at what is due: most have succeeded, some are sent on, some are tried again."""
        work = self.work
        count = sum(group.count for group in groups)
        sending = 0
        for group in groups:
            if group.kind == "due":
                self.outcome.timer.add(now - group.since, group.count)
                sending += self._share("due", group.count * self.behaviour.silent)
            else:
                sending += group.count
        seconds = work.seconds(work.look_wait, work.look_cpu_ms, count, work.sender_mb)
        if sending:
            seconds += self._table.wait(2 * sending, now)
            seconds += work.seconds(work.send_wait, work.send_cpu_ms, sending, work.sender_mb)
        for group in groups:
            if group.kind == "retry":
                self._try_provider(group, now, now + seconds)
            elif group.kind == "failure":
                self._fall_back(group, now, now + seconds)
        return seconds

    def _fall_back(self, group: Group, now: float, done: float) -> None:
        granted = self._fallback_provider.take(group.count, now)
        self.outcome.fallbacks += granted
        self.outcome.decision.add(done - group.since, granted)
        throttled = group.count - granted
        if throttled:
            self.outcome.throttled += throttled
            pause = min(_MOST_BACKOFF_SECONDS, 2**group.attempt)
            later = Group(throttled, group.since, "failure", group.attempt + 1)
            self.clock.at(done + pause, self.timers.put, later)
