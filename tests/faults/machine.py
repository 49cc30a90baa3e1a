"""A state machine over the handlers: anything may happen, in any order, any number of times."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.faults.faults import Fault
from tests.faults.invariants import check, check_end
from tests.faults.providers import ANSWERS, KINDS, OK, Script
from tests.faults.refinement import check_refinement
from tests.faults.scenarios import chain
from tests.faults.timing import check_timing
from tests.faults.world import Queued, World, in_memory

CHANNELS = st.lists(st.sampled_from(["email", "sms", "whatsapp"]), min_size=2, max_size=4)
FURTHER = st.fixed_dictionaries(
    {},
    optional={
        "use_case": st.just("broadcast"),
        "fallback_seconds": st.sampled_from([0, 1, 30, 300, 2_000, 86_400]),
        "on_failure": st.dictionaries(
            st.sampled_from(["unreachable", "window_closed", "invalid_address", "throttled"]),
            st.sampled_from(["fall_back", "retry", "stop"]),
            max_size=2,
        ),
    },
)
# Any order, any number, early and late.
DELAYS = (0, 1, 400, 2_000, 20_000, 59_999, 60_001, 400_000, 5_000_000)
SEEDS = st.integers(0, 2**32)
PASSING = st.sampled_from([1, 999, 30_000, 61_000, 181_000, 901_000, 86_400_000, 14 * 86_400_000])


def scripts(channels: list[str], seed: int) -> dict[int, Script]:
    """Return what the providers do about each step; alternates follow their main step's script.

    By chance from a seed: drawn one by one, the choices would use up what Hypothesis allows a run.
    """
    chance = random.Random(seed)
    kinds = sorted(set.intersection(*(set(KINDS[channel]) for channel in channels)))
    return {
        step: Script(
            tuple(chance.choice((OK, OK, *ANSWERS)) for _ in range(chance.randint(0, 3))),
            tuple(
                (chance.choice(DELAYS), chance.choice(kinds)) for _ in range(chance.randint(0, 3))
            ),
            echoes=chance.random() < 0.5,
        )
        for step in range(3 * len(channels))
    }


class Messages(RuleBasedStateMachine):
    """Several messages at the same time in one world."""

    begin: Any = None
    # What the runs have come to: a machine that idles proves nothing.
    worlds = 0
    worlds_with_sends = 0
    given_up = 0

    def __init__(self) -> None:
        super().__init__()
        self.world: World = type(self).begin()
        self.requests: list[tuple[dict[str, Any], str | None]] = []
        self.seen: list[tuple[str, str]] = []
        self.rows_of_keys: dict[str, set[str]] = {}

    def _submit(self, request: dict[str, Any], key: str | None) -> Any:
        """Hand in once; whatever comes of it, a key has one row at most."""
        before = set(self.world.rows())
        answer = self.world.http("POST", "/messages", request, key)
        if key is not None:
            rows = self.rows_of_keys.setdefault(key, set())
            rows |= set(self.world.rows()) - before
            check(len(rows) <= 1, "I10 a key is one message", key, rows)
        if answer is not None and answer.status == 202:
            self.world.answered[answer.body["message_id"]] = request
        return answer

    # Also the first thing that happens: a world without messages has nothing to show.
    @initialize(
        seed=SEEDS, channels=CHANNELS, further=FURTHER, key_of=st.sampled_from([None, "key"])
    )
    def submit_first(
        self, seed: int, channels: list[str], further: dict[str, Any], key_of: str | None
    ) -> None:
        self.submit(seed, channels, further, key_of)

    @rule(seed=SEEDS, channels=CHANNELS, further=FURTHER, key_of=st.sampled_from([None, "key"]))
    def submit(
        self, seed: int, channels: list[str], further: dict[str, Any], key_of: str | None
    ) -> None:
        number = len(self.requests)
        request = chain(*channels, number=number, **further)
        self.world.scripts[f"{number:04}"] = scripts(channels, seed)
        key = f"{key_of}-{number}" if key_of else None
        self.requests.append((request, key))
        answer = self._submit(request, key)
        check(answer is None or answer.status in (202, 503), "a valid request is taken", answer)

    @precondition(lambda self: self.requests)
    @rule(data=st.data())
    def submit_again(self, data: Any) -> None:
        request, key = data.draw(st.sampled_from(self.requests))
        if key is None:
            return
        answer = self._submit(request, key)
        check(answer is None or answer.status in (202, 503), "I10 a repeat is taken", answer)

    @precondition(lambda self: any(key for _, key in self.requests))
    @rule(data=st.data())
    def submit_something_else_with_the_same_key(self, data: Any) -> None:
        request, key = data.draw(st.sampled_from([r for r in self.requests if r[1]]))
        other = request | {"fallback_seconds": 12_345}
        is_known = bool(self.rows_of_keys.get(key))
        answer = self._submit(other, key)
        allowed = (422, 503) if is_known and other != request else (202, 503)
        check(answer is None or answer.status in allowed, "I10 a key is one request", answer)
        if not is_known and self.rows_of_keys[key]:
            # The first try had left nothing behind, so this one is the first.
            self.requests.remove((request, key))
            self.requests.append((other, key))

    @rule(
        batch=st.integers(1, 5),
        pick=st.integers(0, 50),
        queue=st.sampled_from(["intake", "timers", "events"]),
    )
    def deliver(self, batch: int, pick: int, queue: str) -> None:
        """Deliver a batch of what is visible, in any order."""
        visible = [m for m in self.world.queues[queue] if m.visible_at <= self.world.now]
        start = pick % len(visible) if visible else 0
        messages = (visible[start:] + visible[:start])[:batch]
        self.seen += [(queue, message.body) for message in messages]
        if messages:
            self.world.deliver(queue, messages)

    @precondition(lambda self: self.world.queues["intake"] or self.world.queues["timers"])
    @rule(data=st.data())
    def give_up(self, data: Any) -> None:
        """A function dies of a message as often as its queue bears it."""
        world = self.world
        queue = data.draw(st.sampled_from([q for q in ("intake", "timers") if world.queues[q]]))
        message = data.draw(st.sampled_from(world.queues[queue]))
        while message in world.queues[queue]:
            world.now = max(world.now, message.visible_at)
            world.calls.faults = {**world.calls.faults, len(world.calls.names): Fault.CRASH_BEFORE}
            world.deliver(queue, [message])
        type(self).given_up += 1

    @precondition(lambda self: self.seen)
    @rule(data=st.data())
    def deliver_once_more(self, data: Any) -> None:
        """A standard queue may deliver again what has been deleted."""
        queue, body = data.draw(st.sampled_from(self.seen))
        self.world.put(queue, body, self.world.now)

    @precondition(lambda self: self.world.stream_pending)
    @rule(most=st.integers(1, 20))
    def deliver_stream(self, most: int) -> None:
        self.world.deliver_stream(most)

    @precondition(lambda self: self.world.queues["events"])
    @rule(data=st.data())
    def lose_an_event(self, data: Any) -> None:
        lost: Queued = data.draw(st.sampled_from(self.world.queues["events"]))
        self.world.queues["events"].remove(lost)
        if lost.body not in self.world.relayed:
            self.world.providers.lost.add(lost.body)

    @precondition(lambda self: self.world.rows())
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        self.world.cancel(data.draw(st.sampled_from(sorted(self.world.rows()))))

    @precondition(lambda self: self.world.rows())
    @rule(data=st.data())
    def look(self, data: Any) -> None:
        message_id = data.draw(st.sampled_from(sorted(self.world.rows())))
        answer = self.world.http("GET", f"/messages/{message_id}")
        check(answer is None or answer.status in (200, 503), "a status can be asked", answer)

    @rule(calls=st.integers(0, 12), fault=st.sampled_from(list(Fault)))
    def fault_soon(self, calls: int, fault: Fault) -> None:
        number = len(self.world.calls.names) + calls
        self.world.calls.faults = {**self.world.calls.faults, number: fault}

    @rule(milliseconds=PASSING)
    def pass_time(self, milliseconds: int) -> None:
        self.world.now += milliseconds

    @rule(steps=st.integers(1, 10))
    def go_on(self, steps: int) -> None:
        """Let things happen in the order of time."""
        for _ in range(steps):
            upcoming = self.world.next_at()
            if upcoming is None:
                return
            self.world.now, queue, message = upcoming
            if message is None:
                self.world.deliver_stream()
            else:
                self.seen.append((queue, message.body))
                self.world.deliver(queue, [message])

    @rule()
    def redrive(self) -> None:
        self.world.redrive()

    def teardown(self) -> None:
        """Liveness: when the faults are over, everything comes to its end."""
        type(self).worlds += 1
        world = self.world
        type(self).worlds_with_sends += bool(world.providers.sends)
        world.calls.faults = {}
        world.disturbed_at = world.now
        for _ in range(10):
            world.run()
            if not world.dead_letters:
                break
            world.redrive()
        check_timing(world)
        check_end(world)
        check_refinement(world)


@contextmanager
def machine_in_memory() -> Iterator[type[Messages]]:
    """Put the runtime into worlds for the machine."""
    with in_memory() as begin:
        Messages.begin = staticmethod(begin)
        yield Messages


def run(machine: type[Messages], *, examples: int, steps: int, seed: int) -> int:
    """Run the machine from a seed; return the number of worlds. The seed repeats the run."""
    before = machine.worlds
    run_state_machine_as_test(
        hypothesis.seed(seed)(machine),
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(hypothesis.HealthCheck),
        ),
    )
    return machine.worlds - before
