"""What would come of a dead letter if it were put back: decided on the row, as a sender does."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from runtime.channels import UnparseableEventError, parse_event
from runtime.domain.decision import Action, decide
from runtime.domain.message import Message, UseCase
from runtime.domain.status import Status


class Effect(StrEnum):
    """What a redrive does."""

    SENDS = "sends"
    SETTLES = "nothing to send"
    APPLIES = "applies"
    # A try at the step was never answered: it may have gone out, and would be sent again.
    MAY_SEND_TWICE = "may send twice"
    UNREADABLE = "unreadable"


# The reasons of `decide` for leaving a step alone, for people.
_REASONS: Final = {
    "succeeded": "already delivered",
    "superseded": "a later step was sent in its place",
    "failed": "it has failed",
    "cancelled": "cancelled",
    "duplicate": "already sent",
    "stopped": "a failure has ended the chain",
    "not called for": "no failure calls for it",
    "held": "it may have gone out, and is not sent again",
}


@dataclass(frozen=True)
class Verdict:
    """An effect, why, and the steps that it is about."""

    effect: Effect
    reason: str
    steps: tuple[int, ...] = ()

    @property
    def is_safe(self) -> bool:
        """Whether a redrive can do no harm."""
        return self.effect not in (Effect.MAY_SEND_TWICE, Effect.UNREADABLE)


@dataclass(frozen=True)
class Work:
    """What a message of the intake or of the timers asks for; step is None for a start."""

    message_id: str
    step: int | None
    due_at: int


def read_work(body: str) -> Work | None:
    """Read a message of the intake or of the timers; None if it is none."""
    try:
        work = json.loads(body)
        step = work.get("step")
        due_at = int(work.get("due_at", 0))
        found = Work(str(work["message_id"]), None if step is None else int(step), due_at)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    return found if found.message_id else None


def in_doubt(message: Message, index: int, now: int, due_at: int) -> bool:
    """Whether a step may have gone out and may yet be sent again.

    One that was given back after a later try is in doubt as well: the earlier try still is.
    """
    step = message.steps[index]
    return (
        step.status is Status.QUEUED
        and step.unclear_sends > 0
        and message.successor(index) is None
        # Decided elsewhere already: then nothing is sent, in doubt or not.
        and decide(message, index, now, due_at).action is not Action.SKIP
    )


def judge_work(work: Work, message: Message | None, now: int) -> Verdict:
    """Say what a start or a timer would do to the row as it is."""
    if message is None:
        return Verdict(Effect.SETTLES, "the row is gone")
    if work.step is not None:
        indexes = [work.step]
    else:
        indexes = message.mains if message.use_case is UseCase.BROADCAST else [0]
    if not all(0 <= index < len(message.steps) for index in indexes):
        return Verdict(Effect.UNREADABLE, "the message has no such step")
    doubtful = tuple(index for index in indexes if in_doubt(message, index, now, work.due_at))
    if doubtful:
        return Verdict(Effect.MAY_SEND_TWICE, "claimed, and nothing known of its send", doubtful)
    decisions = {index: decide(message, index, now, work.due_at) for index in indexes}
    sends = tuple(
        index
        for index, decision in decisions.items()
        if decision.action in (Action.SEND, Action.WAIT)
    )
    if sends:
        return Verdict(Effect.SENDS, "nobody has sent it", sends)
    if any(decision.action is Action.START_SUCCESSOR for decision in decisions.values()):
        return Verdict(Effect.SENDS, "it has failed, and what follows was not started")
    reasons = sorted(
        {_REASONS.get(decision.reason, decision.reason) for decision in decisions.values()}
    )
    return Verdict(Effect.SETTLES, ", ".join(reasons), tuple(indexes))


def judge_event(body: str | bytes) -> Verdict:
    """Say what a provider's event would do; events may always be applied again."""
    try:
        events = parse_event(body)
    except UnparseableEventError as error:
        return Verdict(Effect.UNREADABLE, str(error))
    if not events:
        return Verdict(Effect.APPLIES, "no event about a message: counted and dropped")
    kinds = ", ".join(sorted({f"{event.channel} {event.status}" for event in events}))
    return Verdict(Effect.APPLIES, kinds)
