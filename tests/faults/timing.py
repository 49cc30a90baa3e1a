"""When things happen: what a row calls for is done in time, and not before.

A row calls for a step after a failure, after silence, after a try that was not accepted, and after
the lease of a last step whose send is unclear. Each call has a moment at which it is due. A claim
before that moment is a violation in every world. A claim after it is one in a world without faults
and, in the others, for what is called for after the last fault; and so is a call that a world at
rest leaves open. Nothing here uses the runtime's own idea of a row.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.invariants import LEASE_MS, MOST_UNCLEAR_SENDS, Row, check

if TYPE_CHECKING:
    from tests.faults.world import World

# DelaySeconds are whole seconds, rounded up.
TOLERANCE_MS = 1_000
START, SILENCE, FAILURE, THROTTLED, UNCLEAR = (
    "a start",
    "silence",
    "a failure",
    "a try that was not accepted",
    "an unclear send",
)
Call = tuple[int, str, int]
"""A step, why the row calls for it, and how often it had been claimed by then."""


@dataclass
class History:
    """One message so far: the open calls with their moments, and how late the others were met."""

    open: dict[Call, int] = field(default_factory=dict)
    since: dict[Call, int] = field(default_factory=dict)
    claimed_at: dict[int, int] = field(default_factory=dict)
    given_back: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    lateness: list[tuple[str, int]] = field(default_factory=list)
    before: Row | None = None
    judged: bool = True


def check_timing(world: "World", *, judged: bool = True) -> list[tuple[str, int]]:
    """Check the moments of all claims and deletes; return how late each was, in milliseconds.

    Unjudged, what faults have put off is returned too, and only a claim that comes early or a call
    that is left open is a violation.
    """
    if not judged:
        world.disturbed_at = -1
    lateness = []
    for message_id, items in world.watch.histories.items():
        history = History(judged=judged)
        rows = [Row.read(item) for item in items]
        for at, row in zip(world.watch.written_at[message_id], rows, strict=True):
            _follow(world, history, row, at)
        if message_id in world.answered:
            facts = (history.open, rows[-1], world.calls.happened)
            check(not history.open, "T1 nothing that is called for is left undone", *facts)
            if judged:
                _content_in_time(world, rows)
        lateness += history.lateness
    return lateness


def backoff_ms(claims: int) -> int:
    """Return how long a step waits after its n-th claim if that was not accepted."""
    return 1_000 * min(64, 2 ** (claims - 1))


def _follow(world: "World", history: History, row: Row, at: int) -> None:
    """Take in the next row: close the calls that it meets or drops, open those that it makes."""
    before = history.before
    for index, step in enumerate(row.steps):
        old = None if before is None else before.steps[index]
        if step.attempt > (old.attempt if old else 0):
            _claimed(world, history, row, index, at)
        elif old is not None and old.lease_until and not step.lease_until:
            history.given_back[index] += 1
    calls = set(_calls(row, history))
    for call in list(history.open):
        if call not in calls:
            due, since = history.open.pop(call), history.since.pop(call)
            if history.judged:
                _in_time(world, call, due, since, at)
    for call in calls - history.open.keys():
        history.open[call] = _due(row, history, call, at)
        history.since[call] = at
    history.before = row


def _claimed(world: "World", history: History, row: Row, index: int, at: int) -> None:
    """Check that something has called for a step that is claimed, and that it was due."""
    dues = {call: due for call, due in history.open.items() if call[0] == index}
    facts = (index, at, history.open, row, world.calls.happened)
    if not dues:
        # The step before was to be claimed after this one's timer had been armed, and was not.
        orphaned = row.is_chain and not row.steps[index].after and world.calls.happened
        previous = _previous_main(row, index) if orphaned and index else None
        is_orphan = previous is not None and previous not in history.claimed_at
        check(is_orphan, "T2 no step is claimed that is not called for", *facts)
    else:
        check(at >= min(dues.values()), "T2 no step is claimed before it is due", *facts)
        call = min(dues, key=lambda call: dues[call])
        if history.since[call] > world.disturbed_at:
            history.lateness.append((call[1], at - dues[call]))
    history.claimed_at.setdefault(index, at)


def _in_time(world: "World", call: Call, due: int, since: int, at: int) -> None:
    if since > world.disturbed_at:
        late = at - due
        facts = (call, f"{late} ms late", world.calls.happened)
        check(late <= TOLERANCE_MS, "T1 what is called for is done in time", *facts)


def _calls(row: Row, history: History) -> Iterator[Call]:
    """Yield what a row calls for."""
    if row.cancelled or row.succeeded or row.stopped:
        return
    for index, step in enumerate(row.steps):
        if _is_left(row, index):
            continue
        if step.status == "failed":
            called = _next_after_failure(row, index)
            if called is not None and not row.steps[called].attempt:
                yield called, FAILURE, 0
        elif step.status == "queued" and step.attempt:
            yield from _repeats(row, index, history)
        elif not step.attempt and not step.after:
            if index == 0 or not row.is_chain:
                yield index, START, 0
            elif _previous_main(row, index) in history.claimed_at:
                yield index, SILENCE, 0


def _repeats(row: Row, index: int, history: History) -> Iterator[Call]:
    step = row.steps[index]
    unclear = step.attempt - history.given_back[index]
    if not step.lease_until:
        yield index, THROTTLED, step.attempt
    elif row.successor(index) is None and unclear < MOST_UNCLEAR_SENDS:
        yield index, UNCLEAR, step.attempt


def _due(row: Row, history: History, call: Call, at: int) -> int:
    """Return the moment of a call that is made now."""
    index, why, claims = call
    if why == FAILURE:
        return at + row.steps[index].delay_ms
    if why == THROTTLED:
        return at + backoff_ms(claims)
    if why == UNCLEAR:
        return row.steps[index].lease_until
    if why == SILENCE:
        previous = _previous_main(row, index)
        return history.claimed_at[previous] + row.steps[previous].wait_ms
    return at


def _is_left(row: Row, index: int) -> bool:
    """Whether a later step has been sent in place of this one, or its goal has been reached."""
    group = row.group(row.main_of(index))
    later = range(index + 1, len(row.steps) if row.is_chain else group.stop)
    return any(row.steps[other].attempt for other in later) or any(
        row.steps[other].succeeded for other in group
    )


def _previous_main(row: Row, index: int) -> int:
    return max(main for main in row.mains if main < index)


def _next_after_failure(row: Row, index: int) -> int | None:
    """Return the step that a failed one calls for: its next alternate, else the next main step."""
    if row.steps[index].stopped:
        return None
    for alternate in row.group(row.main_of(index)):
        if alternate > index and row.is_for(alternate, index):
            return alternate
    return row.successor(index)


def _content_in_time(world: "World", rows: list[Row]) -> None:
    """Check that the content went when the last row was final that was not so before."""
    message_id = rows[0].message_id
    times = world.watch.written_at[message_id]
    final_at = None
    for at, row in zip(times, rows, strict=True):
        if not row.nothing_can_follow:
            final_at = None
        elif final_at is None:
            final_at = at
    if final_at is None:
        return
    deleted_at = world.watch.deleted_at.get(message_id)
    facts = (message_id, final_at, deleted_at, rows[-1], world.calls.happened)
    if final_at > world.disturbed_at:
        # A sender that holds a last step may give it back until its lease is over.
        in_time = deleted_at is not None and deleted_at <= final_at + LEASE_MS + TOLERANCE_MS
        check(in_time, "T3 content is gone at the end of its message", *facts)
