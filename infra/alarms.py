"""The alarms on what AWS measures, as data; nothing here imports pulumi."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = [
    "ALARMS",
    "EMPTY_QUEUES",
    "FALLBACK_RATE_RUNBOOK",
    "FUNCTIONS",
    "WAITING_QUEUES",
    "Alarm",
    "with_runbook",
]

FUNCTIONS = ("message_api", "send_primary", "send_fallback", "relay_events", "normalize_events")
# Nothing may ever be on these: each message is one that was given up on or could not be read.
# With the part of the runbook that says what to do.
EMPTY_QUEUES: Mapping[str, str] = {
    "intake_dead_letters": "dead-letters-of-intake-and-timers",
    "timers_dead_letters": "dead-letters-of-intake-and-timers",
    "events_dead_letters": "dead-letters-of-events",
    "quarantine": "quarantine",
    "stream_failures": "stream-failures",
}
# What to do with those that are not dead letters, which are redriven.
_REMEDIES: Mapping[str, str] = {
    "quarantine": "replay those that a fix can read and discard the rest",
    "stream_failures": "replay them",
}
# Seconds that the oldest message may wait. A timer hops at most 900 s, the limit of DelaySeconds.
WAITING_QUEUES: Mapping[str, int] = {"intake": 300, "timers": 900 + 300, "events": 300}
FALLBACK_RATE_RUNBOOK = "fallback-rate"


@dataclass(frozen=True)
class Alarm:
    """An alarm that goes off when `statistic` over five minutes is above `threshold`.

    `dimensions` maps each dimension to the argument of `Observability` that has its value.
    `runbook` is the part of docs/runbook.md that says what to do.
    """

    noun: str
    description: str
    runbook: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, str]
    threshold: int


def with_runbook(description: str, part: str) -> str:
    """Return the description of an alarm, with where to read on."""
    return f"{description} Runbook: docs/runbook.md#{part}"


def _queue_alarms() -> Iterator[Alarm]:
    for queue, runbook in EMPTY_QUEUES.items():
        remedy = _REMEDIES.get(queue, "redrive them")
        yield Alarm(
            f"{_words(queue)}-not-empty",
            f"There are messages on the queue {_words(queue)}: find out why, then {remedy}.",
            runbook,
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            {"QueueName": f"{queue}_queue_name"},
            threshold=0,
        )
    for queue, seconds in WAITING_QUEUES.items():
        yield Alarm(
            f"{queue}-age",
            f"The oldest message on the queue {queue} has waited for over {seconds} s.",
            "messages-wait-too-long",
            "AWS/SQS",
            "ApproximateAgeOfOldestMessage",
            "Maximum",
            {"QueueName": f"{queue}_queue_name"},
            threshold=seconds,
        )


def _function_alarms() -> Iterator[Alarm]:
    for function in FUNCTIONS:
        for metric in ("Errors", "Throttles"):
            yield Alarm(
                f"{_words(function)}-{metric.lower()}",
                f"The function {_words(function)} has {metric.lower()}.",
                f"function-{metric.lower()}",
                "AWS/Lambda",
                metric,
                "Sum",
                {"FunctionName": f"{function}_function_name"},
                threshold=0,
            )


def _words(noun: str) -> str:
    return noun.replace("_", "-")


ALARMS = (
    *_queue_alarms(),
    *_function_alarms(),
    Alarm(
        "iterator-age",
        "The normalizer is over a minute behind the stream: status changes come late, and "
        "fallbacks may be sent for messages that arrived.",
        "the-normalizer-is-behind",
        "AWS/Lambda",
        "IteratorAge",
        "Maximum",
        {"FunctionName": "normalize_events_function_name"},
        threshold=60_000,
    ),
    Alarm(
        "api-errors",
        "The API answers with server errors: clients cannot hand over messages.",
        "the-api-answers-with-errors",
        "AWS/ApiGateway",
        "5XXError",
        "Sum",
        {"ApiName": "api_name", "Stage": "api_stage_name"},
        threshold=0,
    ),
)
