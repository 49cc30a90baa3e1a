"""The alarms, as data: on what AWS measures, and on what the functions count themselves.

Nothing here imports pulumi.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

__all__ = [
    "ALARMS",
    "CHANNELS",
    "EMPTY_QUEUES",
    "FUNCTIONS",
    "WAITING_QUEUES",
    "Alarm",
    "OwnAlarm",
    "own_alarms",
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
CHANNELS = ("email", "sms", "whatsapp", "rcs")


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


@dataclass(frozen=True)
class OwnAlarm:
    """An alarm that goes off when an expression over the product's own metrics is too high.

    `metrics` has, by the name that `expression` uses, the metric and its dimensions beside the
    stack; each is summed over a period. `label` says in words what is compared with `threshold`,
    which has to be passed in each of `periods` in a row.
    """

    noun: str
    description: str
    runbook: str
    metrics: Mapping[str, tuple[str, Mapping[str, str]]]
    expression: str
    label: str
    threshold: int
    period_seconds: int
    periods: int = 1


def own_alarms(fallback_rate_percent: int) -> Iterator[OwnAlarm]:
    """Yield the alarms on the product's own metrics."""
    yield OwnAlarm(
        "fallback-rate",
        f"Over {fallback_rate_percent} % of the messages of an hour needed a fallback: the first "
        "channel, or its delivery events, may be down.",
        "fallback-rate",
        {
            "accepted": ("MessagesAccepted", {}),
            "timeout": ("Fallbacks", {"reason": "timeout"}),
            "failure": ("Fallbacks", {"reason": "failure"}),
        },
        # FILL: a reason that did not happen has no data, and would void the sum.
        "100 * (FILL(timeout, 0) + FILL(failure, 0)) / accepted",
        "Fallback rate, percent",
        threshold=fallback_rate_percent,
        period_seconds=3_600,
    )
    for channel in CHANNELS:
        yield OwnAlarm(
            f"{channel}-without-events",
            f"Messages went out by {channel} for half an hour, and not one delivery event came "
            f"back: policies, event destination or quota. All of them will fall back.",
            "sends-without-events",
            {
                "sent": ("MessagesSent", {"channel": channel}),
                "events": ("EventsApplied", {"channel": channel}),
            },
            # A send counts no event as 0: so there is a number for both whenever there are sends.
            "IF(events == 0, sent, 0)",
            "Sends without any event",
            threshold=0,
            # Two in a row: the events of a burst at the end of one come in the next.
            period_seconds=900,
            periods=2,
        )


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
