"""What to do about a step that is due: send it, wait, pass on, or leave it.

The decision is made on a row that was read, and is only as good as that row: whoever acts on it
writes the row it leads to with the row's version as the condition, and decides anew on a conflict.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from .message import MOST_UNCLEAR_SENDS, FallbackReason, Message, UseCase
from .status import Status


class Action(StrEnum):
    """The four things that can be done about a due step."""

    SEND = "send"
    WAIT = "wait"
    START_SUCCESSOR = "start_successor"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Decision:
    """An action, and what it rests on; `wait_until` belongs to WAIT."""

    action: Action
    reason: str = ""
    wait_until: int = 0


def decide(message: Message, index: int, now: int, due_at: int) -> Decision:
    """Decide about one step of a message.

    `due_at` is what the queue message says; 0 where it says nothing. A step goes out only while no
    step has reached its success status, the chain is not cancelled and has not moved past it, and
    nobody else holds it.
    """
    needless = _needless(message, index)
    if needless is not None:
        # Whoever recorded a failure may have died before starting what it calls for.
        starts = needless == "failed" and message.next_on_failure(index) in message.failed_over_to
        return Decision(Action.START_SUCCESSOR if starts else Action.SKIP, needless)
    if message.steps[index].claimed:
        return _held(message, index, now)
    wait_until = max(due_at, _allowed_from(message, index))
    if now < wait_until:
        return Decision(Action.WAIT, "early", wait_until)
    return Decision(Action.SEND)


def _needless(message: Message, index: int) -> str | None:
    """Say why a step is not to be sent, now or later; None if it still may be."""
    step = message.steps[index]
    reasons = {
        "succeeded": message.reached(index),
        "superseded": message.superseded(index),
        "failed": step.failed,
        "cancelled": message.cancelled_at is not None,
        "duplicate": step.status is not Status.QUEUED,
        "stopped": message.stopped,
        "not called for": not step.claimed and index not in message.unclaimed,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _held(message: Message, index: int, now: int) -> Decision:
    """Decide about a step that somebody has claimed and about whose send nothing is known.

    With a successor it is never sent again: events or the successor's timer settle it. Without one
    it is sent again once the lease is over, because otherwise nobody might get anything; but not
    for ever, because each time may have gone out.
    """
    step = message.steps[index]
    if message.successor(index) is not None or step.unclear_sends >= MOST_UNCLEAR_SENDS:
        return Decision(Action.SKIP, "held")
    if now < step.lease_until:
        return Decision(Action.WAIT, "held", step.lease_until)
    return Decision(Action.SEND, "lease over")


def _allowed_from(message: Message, index: int) -> int:
    """Return from when a step may be sent; 0 if a failure calls for it or nothing is noted."""
    return 0 if index in message.failed_over_to else message.steps[index].due_at or 0


def claim(
    message: Message,
    index: int,
    now: int,
    *,
    holder: str,
    lease_ms: int,
    successor_due_at: int | None,
) -> Message:
    """Return the row in which a step is held by one sender, with its successor's timer noted."""
    step = message.steps[index]
    reason = step.started_because
    is_alternate = step.stands_for is not None
    if reason is None and index and (is_alternate or message.use_case is UseCase.FALLBACK):
        failed = index in message.failed_over_to
        reason = FallbackReason.FAILURE if failed else FallbackReason.TIMEOUT
    claimed = replace(
        step,
        attempt=step.attempt + 1,
        holder=holder,
        lease_until=now + lease_ms,
        started_because=reason,
        times={"queued": now, **step.times},
    )
    message = message.with_step(index, claimed)
    successor = message.successor(index)
    if successor is not None and successor_due_at is not None:
        waiting = replace(message.steps[successor], due_at=successor_due_at)
        message = message.with_step(successor, waiting)
    return message


def release(message: Message, index: int, *, holder: str, retry_at: int) -> Message:
    """Return the row in which a step that provably was not accepted may be claimed again.

    From `retry_at` on, by whichever timer comes then. Nothing changes if another sender has claimed
    the step since.
    """
    step = message.steps[index]
    if step.holder != holder or not step.in_flight:
        return message
    given_back = replace(step, lease_until=0, released=step.released + 1, due_at=retry_at)
    return message.with_step(index, given_back)


def cancel(message: Message, now: int) -> Message | None:
    """Return the cancelled row, or None if there is nothing left that could be stopped."""
    if message.cancelled_at is not None:
        return message
    stoppable = message.unclaimed or message.may_need_alternates
    return replace(message, cancelled_at=now) if stoppable and not message.succeeded else None
