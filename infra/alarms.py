"""The alarms on what AWS measures, as data; nothing here imports pulumi."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = ["ALARMS", "EMPTY_QUEUES", "FUNCTIONS", "WAITING_QUEUES", "Alarm"]

FUNCTIONS = ("message_api", "send_primary", "send_fallback", "relay_events", "normalize_events")
# Nothing may ever be on these: each message is one that was given up on or could not be read.
EMPTY_QUEUES = (
    "intake_dead_letters",
    "timers_dead_letters",
    "events_dead_letters",
    "quarantine",
    "stream_failures",
)
# Seconds that the oldest message may wait. A timer hops at most 900 s, the limit of DelaySeconds.
WAITING_QUEUES: Mapping[str, int] = {"intake": 300, "timers": 900 + 300, "events": 300}


@dataclass(frozen=True)
class Alarm:
    """An alarm that goes off when `statistic` over five minutes is above `threshold`.

    `dimensions` maps each dimension to the argument of `Observability` that has its value.
    """

    noun: str
    description: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, str]
    threshold: int


def _queue_alarms() -> Iterator[Alarm]:
    for queue in EMPTY_QUEUES:
        yield Alarm(
            f"{_words(queue)}-not-empty",
            f"There are messages on the queue {_words(queue)}: find out why, then redrive them.",
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
        "AWS/Lambda",
        "IteratorAge",
        "Maximum",
        {"FunctionName": "normalize_events_function_name"},
        threshold=60_000,
    ),
    Alarm(
        "api-errors",
        "The API answers with server errors: clients cannot hand over messages.",
        "AWS/ApiGateway",
        "5XXError",
        "Sum",
        {"ApiName": "api_name", "Stage": "api_stage_name"},
        threshold=0,
    ),
)
