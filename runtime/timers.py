"""The queues that start steps: the intake, and the timers that hop until they are due.

Queue messages carry ids, a step and a time; never content or addresses.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from .batches import in_parallel, slices
from .domain.message import Message

# SQS's upper bound of DelaySeconds, and of the entries of one SendMessageBatch.
MOST_DELAY_SECONDS: Final = 900
_BATCH: Final = 10


@dataclass(frozen=True, slots=True)
class Timer:
    """A step that is to be looked at when `due_at` (milliseconds since the epoch) has come."""

    message_id: str
    step: int
    due_at: int


def timers_after_failures(message: Message, now: int) -> list[Timer]:
    """Return the timers of the steps that failures call for; a step may have its own delay."""
    return [
        Timer(message.message_id, index, now + 1000 * message.steps[index].delay_seconds)
        for index in message.failed_over_to
    ]


@dataclass(frozen=True, slots=True)
class Intake:
    """The queue that starts new messages."""

    sqs: Any
    queue_url: str

    def put(self, message_id: str) -> None:
        """Start a message; a second time does no harm."""
        self.sqs.send_message(
            QueueUrl=self.queue_url, MessageBody=json.dumps({"message_id": message_id})
        )


@dataclass(frozen=True, slots=True)
class Timers:
    """The queue that starts steps later; `concurrency` bounds its parallel calls."""

    sqs: Any
    queue_url: str
    concurrency: int = 1

    def arm(self, timer: Timer, now: int) -> None:
        """Start one timer."""
        self.sqs.send_message(QueueUrl=self.queue_url, **_entry(timer, now))

    def arm_all(self, timers: Sequence[Timer], now: int) -> list[Timer]:
        """Start timers, ten a call and the calls in parallel; return those that SQS refused."""

        def arm(batch: Sequence[Timer]) -> list[Timer]:
            entries = [
                {"Id": str(index), **_entry(timer, now)} for index, timer in enumerate(batch)
            ]
            answer = self.sqs.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            return [batch[int(failure["Id"])] for failure in answer.get("Failed", [])]

        batches = list(slices(timers, _BATCH))
        refused = in_parallel("timers", arm, batches, concurrency=self.concurrency)
        return [timer for some in refused for timer in some]


def _entry(timer: Timer, now: int) -> dict[str, Any]:
    body = {"message_id": timer.message_id, "step": timer.step, "due_at": timer.due_at}
    # Rounded up: a timer that comes early would only have to wait once more.
    delay = math.ceil(max(0, timer.due_at - now) / 1000)
    return {"MessageBody": json.dumps(body), "DelaySeconds": min(MOST_DELAY_SECONDS, delay)}
