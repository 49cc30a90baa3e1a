"""From a valid request to the row that is stored and the content that is sent."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from .message import Message, Step, UseCase
from .status import FailureClass, Status

_DAY_SECONDS: Final = 86_400
# How long a dead letter can be put back on its queue: the longest retention that SQS has. It counts
# from when the message was first put on a queue.
_DEAD_LETTER_DAYS: Final = 14
# How long after a failure a step is tried again on its channel, for as long as its wait lasts.
RETRY_DELAYS_SECONDS: Final = (5, 30)


class FailureAction(StrEnum):
    """What a chain does when a step fails."""

    FALL_BACK = "fall_back"
    RETRY = "retry"
    REPAIR = "repair"
    STOP = "stop"


# A class without an entry falls back.
DEFAULT_ACTIONS: Final[Mapping[FailureClass, FailureAction]] = {
    FailureClass.WINDOW_CLOSED: FailureAction.REPAIR,
}


@dataclass(frozen=True, slots=True)
class Durations:
    """How long a stack waits where a request does not say, waits for outcomes, and keeps rows."""

    default_fallback_seconds: int
    outcome_wait_seconds: int
    retention_days: int


@dataclass(frozen=True, slots=True)
class StepContent:
    """What one step sends: the addresses and the channel's own object of the request."""

    channel: str
    sender: str
    recipient: str
    body: Mapping[str, Any]


Repairs = Mapping[FailureClass, Mapping[str, Any]]
"""What is sent instead of a step's content after failures of a class."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A message, and the content of its steps in the same order.

    `content_expires_at`, in seconds, is a backstop: content is deleted as soon as no step can need
    it any more.
    """

    message: Message
    contents: tuple[StepContent, ...]
    content_expires_at: int


def plan_message(
    request: Mapping[str, Any],
    *,
    message_id: str,
    now: int,
    durations: Durations,
    split_repairs: Callable[[str, Mapping[str, Any]], tuple[Mapping[str, Any], Repairs]],
    request_hash: str | None = None,
) -> Plan:
    """Lay out the steps of a request that the schema has found valid.

    `split_repairs` takes a channel and a step's content, and says what its alternates send. The row
    is kept for the retention days, and row and content at least for as long as a dead letter can
    act on them: without its row a step that is put back would be dropped.
    """
    further = request["fc"] if isinstance(request["fc"], list) else [request["fc"]]
    wait = _seconds(request.get("fallback_seconds"), durations.default_fallback_seconds)
    steps: list[Step] = []
    contents: list[StepContent] = []
    for entry in (request["pc"], *further):
        channel = entry["channel"].lower()
        body, repairs = split_repairs(channel, _without_blanks(entry[channel]))
        content = StepContent(channel, entry["sender"], entry["recipient"], body)
        actions = _actions(request, entry)
        main = Step(
            channel=channel,
            fallback_seconds=_seconds(entry.get("fallback_seconds"), wait),
            success_status=Status(entry.get("success_status", Status.DELIVERED)),
            times={} if steps else {Status.QUEUED: now},
            stop_on=_with_action(actions, FailureAction.STOP),
        )
        retried = _with_action(actions, FailureAction.RETRY)
        index = len(steps)
        planned = [(main, content), *_retries(main, content, index, retried)]
        for failure_class in _with_action(actions, FailureAction.REPAIR):
            if failure_class in repairs:
                repair = replace(main, times={}, stands_for=index, after=(failure_class,))
                repaired = replace(content, body=repairs[failure_class])
                retries = _retries(repair, repaired, index + len(planned), retried)
                planned += [(repair, repaired), *retries]
        steps += [step for step, _ in planned]
        contents += [content for _, content in planned]
    message = Message(
        message_id=message_id,
        use_case=UseCase.FALLBACK if request["use_case"] == "fallback" else UseCase.BROADCAST,
        steps=tuple(steps),
        created_at=now,
        expires_at=now // 1000 + durations.retention_days * _DAY_SECONDS,
        request_hash=request_hash,
    )
    ends_at = message.gives_up_at(durations.outcome_wait_seconds) // 1000
    least = ends_at + _DEAD_LETTER_DAYS * _DAY_SECONDS
    kept = replace(message, expires_at=max(message.expires_at, least))
    return Plan(kept, tuple(contents), least)


def _retries(
    step: Step, content: StepContent, index: int, retried: tuple[FailureClass, ...]
) -> list[tuple[Step, StepContent]]:
    """Return the alternates that send the same as the step at `index` again."""
    return [
        (
            replace(step, times={}, stands_for=index, after=retried, delay_seconds=delay),
            content,
        )
        for delay in (RETRY_DELAYS_SECONDS if retried else ())
    ]


def _actions(
    request: Mapping[str, Any], entry: Mapping[str, Any]
) -> dict[FailureClass, FailureAction]:
    """Return what a step does for each class: the step's own word, the request's, the default."""
    chosen = request.get("on_failure", {}) | entry.get("on_failure", {})
    return dict(DEFAULT_ACTIONS) | {
        FailureClass(failure_class): FailureAction(action)
        for failure_class, action in chosen.items()
    }


def _with_action(
    actions: Mapping[FailureClass, FailureAction], action: FailureAction
) -> tuple[FailureClass, ...]:
    return tuple(sorted(cls for cls, chosen in actions.items() if chosen is action))


def _seconds(value: float | str | None, default: int) -> int:
    """Read a wait that may be a number or a numeric string; fractions are rounded up."""
    return default if value is None else math.ceil(float(value))


def _without_blanks(body: Mapping[str, Any]) -> dict[str, Any]:
    """Drop empty strings: the documented payload names fields that a request leaves blank."""
    return {name: value for name, value in body.items() if value != ""}
