"""What has become of a message, in lines for an operator."""

from collections.abc import Iterator
from typing import Any

from operations.verdict import in_doubt
from runtime.domain.decision import Action, decide
from runtime.domain.document import status_document
from runtime.domain.message import Message
from runtime.domain.status import Status

_DAY_SECONDS = 86_400


def explanation(message: Message, now: int) -> Iterator[str]:
    """Yield what the row says, without content and addresses."""
    # Whoever asks here wants what is recorded: a day is longer than any outcome is waited for.
    document = status_document(message, now, _DAY_SECONDS)
    late = "delivered late" if message.delivered_late else ""
    twice = "delivered twice" if message.delivered_twice else ""
    created = f"created {document['created_at']}"
    yield f"{message.message_id} {_listed(document['status'], late, twice, created)}"
    for index, step in enumerate(document["steps"]):
        yield from _step(message, index, step, now)
    if document["next_timer_at"]:
        yield f"  next timer {document['next_timer_at']}"


def _step(message: Message, index: int, step: dict[str, Any], now: int) -> Iterator[str]:
    row = message.steps[index]
    of = ""
    if row.stands_for is not None:
        # Only a retry waits: a repair sends something else, and at once.
        of = f", {'retry' if row.delay_seconds else 'repair'} of step {row.stands_for}"
    words = _listed(
        "not needed" if _not_needed(message, index, now) else step["status"],
        _failure(step),
        f"started after a {row.started_because}" if row.started_because else "",
        f"{row.attempt} attempt{'s' if row.attempt > 1 else ''}" if row.attempt else "",
        _waiting(message, index, step, now),
    )
    yield f"  step {index} {row.channel}{of}: {words}"
    for status, at in step["times"].items():
        yield f"    {at} {status}"
    # While somebody holds it, the answer may still come.
    goes_out = decide(message, index, now, 0).action is Action.SEND
    if goes_out and in_doubt(message, index, now, 0):
        yield "    may have gone out: redrive refuses it unless RESEND names this message"


def _waiting(message: Message, index: int, step: dict[str, Any], now: int) -> str:
    """Say what a step waits for that has been handed to its provider, or was not taken there."""
    row = message.steps[index]
    if row.in_flight:
        # The row has the time of the first try only.
        since = f" since {step['times']['queued']}" if row.attempt == 1 else ""
        if now < row.lease_until:
            return f"waiting for the provider's answer{since}"
        return f"the provider has not answered{since}"
    if row.released and row.status is Status.QUEUED and index in message.unclaimed:
        later = row.due_at is not None and row.due_at > now
        return "throttled or not reached, " + (
            f"next try at {step['due_at']}" if later else "to be tried again"
        )
    return ""


def _not_needed(message: Message, index: int, now: int) -> bool:
    """Whether a step that nobody has taken will not be started any more."""
    step = message.steps[index]
    if step.claimed or step.status is not Status.QUEUED or index in message.unclaimed:
        return False
    # No failure has called for an alternate yet, but one still may.
    over = message.over(now) or message.reached(index) or message.superseded(index)
    return step.stands_for is None or over


def _failure(step: dict[str, Any]) -> str:
    failure = step["failure"]
    if failure is None:
        return ""
    reason = f" ({failure['reason']})" if failure["reason"] else ""
    return f"{failure['class'] or 'unknown'}{reason}"


def _listed(*words: str) -> str:
    return ", ".join(word for word in words if word)
