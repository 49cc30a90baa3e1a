"""The invariants of docs/reliability.md, on stored rows, providers' records and queues.

Nothing here uses the runtime's own idea of a row: what is wrong there must not be wrong here too.
"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.providers import Send
    from tests.faults.world import World

RANKS = {
    "queued": 0,
    "accepted": 10,
    "sent": 20,
    "delayed": 25,
    "unknown": 28,
    "failed": 30,
    "delivered": 40,
    "read": 50,
    "complained": 60,
}
PROGRESS = ("accepted", "sent", "delivered", "read", "complained")
ENDS = {"delivered", "read", "complained", "failed", "cancelled", "unknown"}
LEASE_MS = 60_000
MOST_UNCLEAR_SENDS = 3


class ViolationError(AssertionError):
    """An invariant does not hold; the text has its number."""


def check(holds: object, invariant: str, *facts: object) -> None:
    if not holds:
        raise ViolationError(f"{invariant}: {facts}")


@dataclass(frozen=True)
class StepRow:
    """A step as it is stored."""

    channel: str
    status: str
    permanent: bool
    times: dict[str, int]
    attempt: int
    lease_until: int
    due_at: int | None
    wait_ms: int
    success_status: str
    after: tuple[str, ...]
    stop_on: tuple[str, ...]
    stands_for: int | None
    stopped: bool
    delay_ms: int
    released: int
    failure_class: str | None
    provider_message_id: str | None

    @property
    def rank(self) -> int:
        if self.status == "failed" and self.channel == "email" and self.permanent:
            return 45
        return RANKS[self.status]

    @property
    def succeeded(self) -> bool:
        least = RANKS[self.success_status]
        return any(name in self.times and RANKS[name] >= least for name in PROGRESS)


@dataclass(frozen=True)
class Row:
    """A message as it is stored."""

    message_id: str
    is_chain: bool
    version: int
    cancelled: bool
    created_at: int
    steps: tuple[StepRow, ...]

    @classmethod
    def read(cls, item: dict[str, Any]) -> "Row":
        return cls(
            message_id=item["message_id"]["S"],
            is_chain=item["use_case"]["S"] == "fallback",
            version=int(item["version"]["N"]),
            cancelled="cancelled_at" in item,
            created_at=int(item["created_at"]["N"]),
            steps=tuple(_read_step(step["M"]) for step in item["steps"]["L"]),
        )

    @property
    def succeeded(self) -> bool:
        return self.is_chain and any(step.succeeded for step in self.steps)

    @property
    def mains(self) -> list[int]:
        return [index for index, step in enumerate(self.steps) if not step.after]

    def successor(self, index: int) -> int | None:
        if not self.is_chain:
            return None
        return next((main for main in self.mains if main > index), None)

    def main_of(self, index: int) -> int:
        return max(main for main in self.mains if main <= index)

    @property
    def stopped(self) -> bool:
        """Whether a failure has ended the chain; one that comes after the next send does not."""
        return self.is_chain and any(
            step.stopped and not any(later.attempt for later in self.steps[index + 1 :])
            for index, step in enumerate(self.steps)
        )

    @property
    def nothing_can_follow(self) -> bool:
        """Whether no step can be sent any more, now or after what may yet come."""
        if self.succeeded or self.cancelled or self.stopped:
            return True
        return all(
            self._is_done(main) for main in (self.mains[-1:] if self.is_chain else self.mains)
        )

    def _is_done(self, main: int) -> bool:
        """Whether neither a main step nor one of its alternates can be sent any more."""
        group = self.group(main)
        if any(self.steps[number].succeeded for number in group):
            return True
        last = max((number for number in group if self.steps[number].attempt), default=main)
        step = self.steps[last]
        if step.status == "queued":
            return step.attempt - step.released >= MOST_UNCLEAR_SENDS
        if step.stopped:
            return True
        left = [n for n in group if n > last and self.steps[n].stands_for in self.stands_for(last)]
        if step.status == "failed":
            return not any(self.is_for(number, last) for number in left)
        return not left

    def is_for(self, alternate: int, failed: int) -> bool:
        """Whether an alternate is for the failure of a step, or of those that it stands for."""
        step, other = self.steps[failed], self.steps[alternate]
        may_pass = not (other.delay_ms and step.permanent)
        is_in_place = other.stands_for in self.stands_for(failed)
        return is_in_place and step.failure_class in other.after and may_pass

    def group(self, main: int) -> range:
        """A main step and its alternates."""
        end = min((other for other in self.mains if other > main), default=len(self.steps))
        return range(main, end)

    def stands_for(self, index: int) -> set[int]:
        """A step and those in whose place it was sent."""
        found, other = {index}, self.steps[index].stands_for
        while other is not None:
            found.add(other)
            other = self.steps[other].stands_for
        return found


def _read_step(step: dict[str, Any]) -> StepRow:
    def number(name: str) -> int | None:
        return int(step[name]["N"]) if name in step else None

    def text(name: str) -> str | None:
        return str(step[name]["S"]) if name in step else None

    return StepRow(
        channel=step["channel"]["S"],
        status=step["status"]["S"],
        permanent=step.get("permanent", {}).get("BOOL", False),
        times={name: int(at["N"]) for name, at in step["times"]["M"].items()},
        attempt=number("attempt") or 0,
        lease_until=number("lease_until") or 0,
        due_at=number("due_at"),
        wait_ms=1000 * int(step["fallback_seconds"]["N"]),
        success_status=step["success_status"]["S"],
        after=tuple((text("after") or "").split()),
        stop_on=tuple((text("stop_on") or "").split()),
        stands_for=number("stands_for"),
        stopped="stopped" in step,
        delay_ms=1000 * (number("delay_seconds") or 0),
        released=number("released") or 0,
        failure_class=text("failure_class"),
        provider_message_id=text("provider_message_id"),
    )


class Watch:
    """Looks at every write of a row and at every send, when it happens."""

    def __init__(self, world: "World") -> None:
        self._world = world
        # Every row of a message, and the moment at which each was written.
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.written_at: dict[str, list[int]] = {}
        # When the content of a message was deleted.
        self.deleted_at: dict[str, int] = {}
        self.claimed_at: dict[tuple[str, int], int] = {}
        self.claims = 0
        self.releases: Counter[tuple[str, int]] = Counter()
        self.violations: list[ViolationError] = []

    def _check(self, holds: object, invariant: str, *facts: object) -> None:
        """Keep a violation until the invocation is over: handlers catch what records raise."""
        if not holds:
            self.violations.append(ViolationError(f"{invariant}: {facts}"))

    def wrote(
        self, table: str, before: dict[str, Any] | None, after: dict[str, Any] | None
    ) -> None:
        if table == "payloads" and before is not None and after is None:
            self.deleted_at[before["message_id"]["S"]] = self._world.now
        if table != "messages" or after is None or "steps" not in after:
            return
        message_id = after["message_id"]["S"]
        self.histories.setdefault(message_id, []).append(after)
        self.written_at.setdefault(message_id, []).append(self._world.now)
        if before is not None:
            self._changed(Row.read(before), Row.read(after))

    def _changed(self, before: Row, after: Row) -> None:
        self._check(after.version == before.version + 1, "I9 one writer per version", before, after)
        self._check(after.cancelled or not before.cancelled, "I5 cancelled stays", before, after)
        for index, (old, new) in enumerate(zip(before.steps, after.steps, strict=True)):
            self._check(new.rank >= old.rank, "I6 no status falls in rank", index, old, new)
            for name, at in old.times.items():
                self._check(
                    new.times.get(name, at + 1) <= at, "I6 times only get earlier", old, new
                )
            self._check(new.attempt - old.attempt in (0, 1), "I2 one claim at a time", old, new)
            self._check(new.stopped or not old.stopped, "I3 a stop stays", index, old, new)
            stops = new.status == "failed" and new.failure_class in new.stop_on
            self._check(new.stopped or not stops, "I3 a stop is noted", index, old, new)
            if new.attempt > old.attempt:
                self._claimed(before, index, after)
            elif old.lease_until and not new.lease_until:
                self.releases[before.message_id, index] += 1

    def _claimed(self, row: Row, index: int, after: Row) -> None:
        now = self._world.now
        step = row.steps[index]
        facts = (index, row, self._world.calls.happened)
        self._check(not row.succeeded, "I3 nothing is sent after a success", *facts)
        self._check(not row.cancelled, "I5 nothing is sent after a cancel", *facts)
        self._check(not row.stopped, "I3 nothing is sent after a stop", *facts)
        has_content = row.message_id in self._world.contents()
        self._check(has_content, "I8 content is there while a step can be sent", *facts)
        self._check(step.status == "queued", "I2 a settled step is not claimed", *facts)
        later = row.steps[index + 1 :] if row.is_chain else ()
        self._check(not any(other.attempt for other in later), "I3 the chain has moved on", *facts)
        self._check(step.lease_until <= now, "I2 a held step is not claimed", *facts)
        successor = row.successor(index)
        if successor is not None:
            self._check(
                not step.lease_until, "I4 a held step with a successor is left alone", *facts
            )
            self._check(
                after.steps[successor].due_at is not None and self._timer_armed(row, successor),
                "I1 the successor's timer is armed before the claim",
                *facts,
            )
        if step.after and not step.attempt:
            # Once claimed it is a step of its own, whatever else becomes of the one it stands for.
            self._alternate_called_for(row, index)
        elif not step.after and row.is_chain and index:
            self._turn_has_come(row, index)
        self.claimed_at.setdefault((row.message_id, index), now)
        self.claims += 1

    def _timer_armed(self, row: Row, step: int) -> bool:
        self._world.collect()
        return any(
            (timer["message_id"], timer["step"]) == (row.message_id, step)
            for queued in self._world.queues["timers"]
            for timer in [json.loads(queued.body)]
        ) or any(
            (timer.get("message_id"), timer.get("step")) == (row.message_id, step)
            for _, body in self._world.dead_letters
            for timer in [json.loads(body)]
        )

    def _alternate_called_for(self, row: Row, index: int) -> None:
        others = row.steps[row.main_of(index) : index]
        self._check(
            any(o.status == "failed" and o.failure_class in row.steps[index].after for o in others),
            "I3 an alternate needs its failure",
            row,
        )

    def _turn_has_come(self, row: Row, index: int) -> None:
        """A main step waits for the silence of the one before, or for its failure."""
        previous = max(main for main in row.mains if main < index)
        began = self.claimed_at.get((row.message_id, previous))
        failed = any(step.status == "failed" for step in row.steps[previous:index])
        if began is not None and not failed:
            wait = row.steps[previous].wait_ms
            self._check(self._world.now >= began + wait, "I3 the wait is served", index, row)

    def sent(self, send: "Send") -> None:
        item = self._world.rows().get(send.message_id)
        if item is None:
            self._check(item, "I2 a send has a row", send)
            return
        row = Row.read(item)
        step = row.steps[send.step]
        self._check(step.attempt > 0, "I2 a send has a claim", send, row)
        before = [other for other in self._world.providers.sends
                  if (other.message_id, other.step) == (send.message_id, send.step)]  # fmt: skip
        if row.successor(send.step) is not None:
            self._check(not before, "I4 a step with a successor is sent at most once", send, before)
        unclear = self._world.providers.unclear.count((send.message_id, send.step))
        disturbed = unclear + len(self._world.calls.happened)
        self._check(
            len(before) <= disturbed, "I4 no send is repeated without a reason", send, before
        )
        self._check(len(before) < MOST_UNCLEAR_SENDS, "I4 no step is sent for ever", send, before)
        if before:
            quiet = send.at - max(other.at for other in before)
            self._check(quiet >= LEASE_MS, "I4 a repeat waits for the lease", send, before)


def check_end(world: "World") -> None:
    """Check what must hold once all is quiet: nothing is left undone, nothing left behind."""
    check(not world.dead_letters, "I1 no dead letters", world.dead_letters)
    world.calls.faults = {}
    rows = {key: Row.read(item) for key, item in world.rows().items()}
    for message_id in world.answered:
        check(message_id in rows, "I1 an accepted message has a row", message_id)
    for message_id in world.cancelled:
        check(rows[message_id].cancelled, "I5 a cancel that was answered holds", message_id)
    for message_id, row in rows.items():
        if message_id in world.answered:
            _nothing_undone(world, row)
            # What no 202 was answered for may stay until its time to live is over.
            _content_gone(world, row)
        _events_in_row(world, row)


def _nothing_undone(world: "World", row: Row) -> None:
    facts = (row, world.calls.happened)
    if not (row.succeeded or row.cancelled or row.stopped):
        if row.is_chain:
            last = row.mains[-1]
            _settled(world, row, last)
        else:
            for index in row.mains:
                _settled(world, row, index)
    world.now = max(world.now, row.created_at) + 8 * 86_400_000
    document = world.document(row.message_id)
    check(document["status"] in ENDS, "I1 every accepted message has an end", document, *facts)


def _settled(world: "World", row: Row, index: int) -> None:
    facts = (index, row, world.calls.happened)
    step = row.steps[index]
    if step.attempt - world.watch.releases[row.message_id, index] >= MOST_UNCLEAR_SENDS:
        return  # tried so often that one more may be one too many
    check(step.status != "queued", "I4 the last step is not left undone", *facts)
    sends = [send for send in world.providers.sends
             if (send.message_id, send.step) == (row.message_id, index)]  # fmt: skip
    check(sends or step.status == "failed", "I4 the last step is sent at least once", *facts)
    alternates = row.group(index)[1:]
    if any(row.steps[number].succeeded for number in (index, *alternates)):
        return
    for number in alternates:
        other = row.steps[number]
        releases = world.watch.releases[row.message_id, number]
        if 0 < other.attempt - releases < MOST_UNCLEAR_SENDS:
            check(other.status != "queued", "I4 no alternate is left undone", *facts)
    tried = max(
        number for number in (index, *alternates) if row.steps[number].attempt or number == index
    )
    if row.steps[tried].status == "failed":
        called = [number for number in alternates if number > tried and row.is_for(number, tried)]
        if row.steps[tried].stopped:
            called = []
        check(not called, "I4 an alternate that is called for is tried", called, *facts)


def _content_gone(world: "World", row: Row) -> None:
    kept = row.message_id in world.contents()
    final = row.nothing_can_follow
    check(not (final and kept), "I8 content is gone once final", row, world.calls.happened)


def _events_in_row(world: "World", row: Row) -> None:
    for event in world.providers.emitted:
        if event.message_id != row.message_id:
            continue
        step = row.steps[event.step]
        if not world.providers.can_find_row(event, step.provider_message_id):
            continue
        rank = RANKS[event.status]
        check(step.rank >= rank, "I7 no event is lost", event, step, world.calls.happened)
        known = step.times.get(event.status)
        check(known is not None, "I7 no event is lost", event, step, world.calls.happened)
        assert known is not None
        check(known <= event.at, "I7 the earliest time counts", event, step)
