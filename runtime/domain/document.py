"""The status document that the API answers: the row as callers see it."""

from datetime import UTC, datetime
from typing import Any

from .message import Message, Step, UseCase
from .status import Status

# Still nothing that could be called an outcome.
_PENDING = (Status.QUEUED, Status.ACCEPTED, Status.SENT, Status.DELAYED)


def status_document(message: Message, now: int, outcome_wait_seconds: int) -> dict[str, Any]:
    """Describe a message without content or addresses; times are ISO 8601 in UTC.

    Where no outcome has come by the time one can be expected, the overall status reads `unknown`.
    An outcome that comes later still replaces it.
    """
    unclaimed = message.unclaimed
    status = message.status
    if status in _PENDING and now >= message.gives_up_at(outcome_wait_seconds):
        status = Status.UNKNOWN
    return {
        "message_id": message.message_id,
        "use_case": message.use_case.value,
        "status": str(status),
        "created_at": _iso(message.created_at),
        "updated_at": _iso(message.updated_at or message.created_at),
        "steps": [
            # A time at which nothing is going to happen would only be misread.
            _step_document(step, has_due_at=step.attempt > 0 or index in unclaimed)
            for index, step in enumerate(message.steps)
        ],
        "fallback": _fallback_document(message),
        "next_timer_at": _next_timer_at(message, unclaimed),
        "cancelled_at": _iso(message.cancelled_at),
        "outcome": {
            "delivered_late": message.delivered_late,
            "delivered_twice": message.delivered_twice,
        },
    }


def _step_document(step: Step, *, has_due_at: bool) -> dict[str, Any]:
    failure = None
    if step.failed:
        failure = {
            "class": step.failure_class.value if step.failure_class else None,
            "reason": step.failure_reason,
            "permanent": step.permanent,
        }
    return {
        "channel": step.channel,
        "status": step.status.value,
        "times": {
            status: _iso(at) for status, at in sorted(step.times.items(), key=lambda item: item[1])
        },
        "provider_message_id": step.provider_message_id,
        "failure": failure,
        "fallback_seconds": step.fallback_seconds,
        "success_status": step.success_status.value,
        "due_at": _iso(step.due_at) if has_due_at else None,
        "started_because": step.started_because.value if step.started_because else None,
        "stands_for": step.stands_for,
        "only_after": [failure_class.value for failure_class in step.after],
    }


def _fallback_document(message: Message) -> dict[str, Any] | None:
    """Describe the latest fallback: the one that led to the step the chain has reached."""
    index = max((index for index in message.mains if message.steps[index].attempt), default=0)
    step = message.steps[index]
    if message.use_case is UseCase.BROADCAST or step.started_because is None:
        return None
    return {
        "reason": step.started_because.value,
        "at": _iso(step.times.get(Status.QUEUED)),
        "step": index,
    }


def _next_timer_at(message: Message, unclaimed: list[int]) -> str | None:
    due = [message.steps[index].due_at for index in unclaimed]
    # A last step whose answer is unclear is looked at again when its lease is over.
    due += [message.steps[index].lease_until for index in message.to_resend]
    return _iso(min((at for at in due if at is not None), default=None))


def _iso(at: int | None) -> str | None:
    if at is None:
        return None
    return (
        datetime.fromtimestamp(at / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
